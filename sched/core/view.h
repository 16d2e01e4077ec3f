/* SPDX-License-Identifier: Apache-2.0 */
/**
 * view.h - a snapshot in canonical order, joined with the configuration and the ledger: what one tick plans on.
 *
 * Clusters are numbered by name, seats (workload, cluster) by configuration index and cluster, so that the order of
 * rows never reaches a decision. All arrays are scratch of the core, sized once.
 */
#ifndef SCHED_CORE_VIEW_H
#define SCHED_CORE_VIEW_H

#include <spillway/core.h>

#include "core/arena.h"
#include "core/memory.h"
#include "place/capacity.h"

typedef struct view_cluster {
    spw_id row;
    uint64_t key;
    bool ready; /**< answers and is healthy */
    bool stale; /**< its state is older than settings.stale_after */
} view_cluster;

/** What a policy's selectors say of a cluster. */
typedef struct view_site {
    int32_t group;  /**< first group it matches, -1 = none */
    int32_t weight; /**< largest static weight that matches it, 0 = none */
} view_site;

typedef struct view_seat {
    uint32_t work;          /**< index in the configuration */
    uint32_t cluster;       /**< canonical number */
    spw_id row;             /**< in placements */
    int32_t assigned;       /**< as the snapshot shows it */
    int32_t scheduled;      /**< bound to nodes, at most assigned */
    int32_t ready;          /**< at most scheduled */
    int32_t held;           /**< scheduled, plus those that found idle or coming room */
    int32_t held_coming;    /**< of held: on nodes not up yet */
    int32_t held_nominated; /**< of held: they wait for victims to leave */
    int32_t victims;        /**< of this tick: taken out of held for more important workloads ... */
    uint32_t victims_of;    /**< ... the first of which is this one */
    int32_t listed;         /**< scratch of preemption: replicas whose age is known */
    int32_t potential;      /**< scratch of preemption: those that could be victims */
    int64_t usage_milli;    /**< sum over known ready replicas of the throughput of their GPU class */
    int64_t usage_ready;    /**< how many those are */
} view_seat;

typedef struct view {
    const spw_snapshot *snap;
    spw_time now;
    uint32_t cluster_count;
    view_cluster *clusters;
    view_site *sites; /**< [policies x clusters_max]; kept from tick to tick while clusters look the same */
    size_t site_stride;
    uint64_t sites_of;     /**< digest of the clusters that sites were worked out for; 0 = none yet */
    uint32_t *canonical;   /**< [cluster rows] row -> canonical number */
    spw_id *by_key;        /**< [cluster_count] rows of clusters, by key */
    uint32_t *work_by_key; /**< [works] of the configuration, by key; filled once, by view_start() */
    size_t seat_count;
    view_seat *seats;     /**< sorted by (work, cluster) */
    uint32_t *seat_first; /**< [works + 1] */
    spw_id *work_row;     /**< [works] row in the snapshot, SPW_ID_NONE if absent */
    uint32_t *work_of;    /**< [workload rows] index in the configuration, UINT32_MAX = not ours */
    room rooms;
    estimate_left *limits; /**< [clusters_max] */
    size_t grades_max;
    int32_t batch; /**< nodes that may be ordered from a pool in one tick; 0 = any number */
    /* scratch of the builders */
    uint32_t *index;
    size_t index_max;
    size_t workload_rows_max;
} view;

/** Lays the arrays out in the arena (see arena.h for the two passes). */
void view_layout(view *v, arena *a, const spw_settings *settings, const spw_config *config);

/** Once, when the configuration has been copied. */
void view_start(view *v, const spw_config *config);

/** Group and static weight of canonical cluster c under a policy of the configuration. */
const view_site *view_site_at(const view *v, spw_id policy, uint32_t c);

/**
 * Joins and sorts. Reserves room for replicas that are assigned and not yet on a node, most important workload first,
 * and for promises of the ledger that the snapshot does not show yet.
 * @param in works_by_priority  [workload_count] indices, most important first
 * @return SPW_OK; SPW_LIMIT; SPW_INVAL for keys that are not unique
 */
spw_rc view_build(view *v, const spw_settings *settings, const spw_config *config, const uint32_t *works_by_priority,
                  memory *m, const spw_snapshot *snap, spw_err *err);

/** Before rooms are counted or taken for a workload: what its units have left in each cluster. Nothing without units.
 */
void view_open_units(view *v, const spw_config *config, uint32_t work, const memory *m);

/** Canonical number of a cluster, UINT32_MAX if the snapshot lacks it. */
uint32_t view_cluster_find(const view *v, uint64_t key);

/** The seat of a workload on a cluster, NULL if it has none there. */
const view_seat *view_seat_find(const view *v, uint32_t work, uint32_t cluster);

/** Throughput of a replica on a GPU class, 1e-3; 0 = it does not run there. */
int32_t view_class_milli(const spw_workload *workload, const char *gpu);

/**
 * What `ready` replicas of a seat weigh in traffic, in 1e-3 of a replica on the reference class: by the classes of the
 * pools they run on (table usage). Those the table says nothing about count as on the slowest class that the cluster
 * has for the workload. Without relative throughputs: ready x 1000.
 */
int64_t view_ready_weight(const view *v, const spw_workload *workload, const view_seat *seat, int32_t ready);

#endif
