/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * fuzz_rows.h - snapshots and configurations made by hand, as the parts of the fuzzer share them.
 *
 * Columns are arrays of the structs below, so that a case needs no allocation and a copy of the bytes is a copy of the
 * rows. The greatest sizes are small: what goes wrong in a large world goes wrong in a small one.
 */
#ifndef TESTS_SUPPORT_FUZZ_ROWS_H
#define TESTS_SUPPORT_FUZZ_ROWS_H

#include <spillway/autoscale.h>

#include "tests/support/fuzz.h"

#define S        SPW_NS_PER_S
#define CLUSTERS 6
#define POOLS    10
#define WORKS    5
#define SEATS    (CLUSTERS * WORKS)
#define PODS     96
#define SAMPLES  192
#define VALUES   24
#define GRADES   6
#define USAGES   24

typedef struct cluster_columns {
    uint64_t key[CLUSTERS];
    const char *name[CLUSTERS], *region[CLUSTERS], *zone[CLUSTERS], *provider[CLUSTERS], *jurisdiction[CLUSTERS];
    spw_labels labels[CLUSTERS];
    uint8_t ready[CLUSTERS];
    spw_time observed[CLUSTERS];
    spw_taints taints[CLUSTERS];
    int64_t summary[9][CLUSTERS];
} cluster_columns;

typedef struct pool_columns {
    uint64_t key[POOLS];
    const char *name[POOLS], *gpu[POOLS];
    spw_id cluster[POOLS];
    uint8_t capacity[POOLS];
    int32_t gpus[POOLS], nodes[POOLS], target[POOLS], min[POOLS], max[POOLS], stock[POOLS], rank[POOLS];
    int64_t failures[POOLS], price[POOLS];
    int32_t free_nodes[POOLS][SPW_NODE_GPUS_MAX + 1];
    spw_time observed[POOLS], stock_observed[POOLS];
    spw_labels labels[POOLS];
} pool_columns;

typedef struct other_columns {
    uint64_t wkey[WORKS], podkey[PODS], smetric[SAMPLES], vmetric[VALUES];
    const char *wname[WORKS];
    int32_t replicas[WORKS], gpus[WORKS], assigned[SEATS], scheduled[SEATS], ready[SEATS], gnodes[GRADES],
        uready[USAGES];
    spw_time reschedule[WORKS], observed[SEATS], started[PODS], changed[PODS], sampled[SAMPLES], vobserved[VALUES];
    spw_id swork[SEATS], scluster[SEATS], pwork[PODS], pcluster[PODS], spod[SAMPLES], vwork[VALUES], gcluster[GRADES],
        uwork[USAGES], upool[USAGES];
    uint8_t phase[PODS], deleting[PODS], pready[PODS];
    int64_t value[SAMPLES], request[SAMPLES], vvalue[VALUES], gcpu[GRADES], gmemory[GRADES], cpu[WORKS], memory[WORKS];
    spw_dur window[SAMPLES];
} other_columns;

typedef struct rows {
    spw_snapshot snap;
    cluster_columns c;
    pool_columns p;
    other_columns o;
} rows;

typedef struct setup {
    spw_config config;
    spw_workload work[WORKS];
    spw_policy policy[3];
    spw_group group[3][4];
    const char *names[3][4][2];
    spw_static_weight weight[3][2];
    spw_spread spread[3][2];
    spw_hpa hpa[2];
    spw_hpa_metric metric[2][4];
    spw_scaling_policy rule[2];
    bool wide;
    size_t works; /**< that were made: an edit may take some away, and bring them back */
    bool calm;    /**< little changes from tick to tick, so that workloads come to rest */
    /* of wide ones alone */
    spw_toleration toleration[3][2];
    spw_requirement label[3], field[3];
    spw_route_weight route_weight[3][3];
    spw_unit unit[WORKS][4];
    spw_units units[WORKS];
    spw_rtt rtt[4];
    spw_scaling_policy way[2][2][2];
    spw_scaler scaler[3];
    spw_trigger trigger[3][2];
    spw_cron_rule cron[3][2];
} setup;

extern const char *const fuzz_clusters[CLUSTERS];

static inline int32_t some(choice *c, int64_t low, int64_t high)
{
    return (int32_t)choice_range(c, low, high);
}

/** One cell of some column gets a value from the edge of its type. */
void fuzz_damage_cell(rows *r, choice *c);
/** A text, a column or a count is not what it should be. */
void fuzz_damage_shape(rows *r, choice *c);
/** Two rows of a table have the same key, or the same name. */
void fuzz_damage_twice(rows *r, choice *c);
/** A figure of the configuration from the edge of its type. */
void fuzz_damage_setup(setup *s, choice *c);
/** The twin of a world that is valid: the same rows, each table backwards. */
void fuzz_twin(rows *twin, const rows *original, bool valid);

/** A valid policy of a plain world in the place of one. */
void fuzz_make_policy(setup *s, choice *c, int p);

/* --- wide worlds: fuzz_wide.c, fuzz_wide_step.c --- */

/** Gives a valid configuration what plain ones never have. */
void fuzz_widen_setup(setup *s, choice *c);
/** The settings of a core for it, but for the sizes. */
void fuzz_widen_settings(spw_settings *settings, choice *c);
/** Likewise a valid snapshot. */
void fuzz_widen_rows(rows *r, choice *c);
/** Another valid configuration, as an edit of the manifests would leave it; the rows say what it asks for. */
void fuzz_edit(setup *s, rows *r, choice *c);
/** Makes it one in which workloads can come to rest, most of them. */
void fuzz_calm_setup(setup *s, choice *c);
/** The last cluster leaves the fleet with all that stood there, or comes back, of so many. */
void fuzz_change_fleet(rows *r, size_t clusters);
/** Some time passes: what was ordered comes, or not; clusters, readings and templates change. */
void fuzz_pass_time(rows *r, const setup *s, choice *c);

#endif
