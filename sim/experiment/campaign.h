/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * campaign.h - many runs with one table: settings x seeds, each a point that is run once and kept.
 *
 * `sweep` makes its settings from axes, `batch` from files; checkpoints, shards and the table are the same for both.
 * Point i is setting i / seeds with seed i % seeds. What a point holds depends on the campaign and the point alone, so
 * threads, shards, interruptions and their order never show in the results.
 */
#ifndef SIM_EXPERIMENT_CAMPAIGN_H
#define SIM_EXPERIMENT_CAMPAIGN_H

#include "sim/experiment/points.h"
#include "sim/scenario/scenario.h"

typedef struct camp_setting {
    const char *scenario; /**< path */
    const sc_override *sets;
    int32_t set_count;
    const char *const *labels; /**< [axis_count] */
} camp_setting;

typedef struct campaign {
    const char *kind; /**< "sweep" or "batch" */
    const char *name, *description;
    const char *tables_dir;  /**< as sc_options */
    const char *const *axes; /**< [axis_count] names of what varies */
    int32_t axis_count;
    const int32_t *axis_values; /**< [axis_count] how many values each has when settings are all their combinations, the
                                     last axis turning fastest; NULL = they are not */
    const camp_setting *settings;
    int32_t setting_count;
    const uint64_t *seeds; /**< [seed_count]; NULL: each scenario's own, seed_count is 1 then */
    int32_t seed_count;
    const char *const *metrics; /**< [metric_count] names of report_value() */
    int32_t metric_count;
    uint64_t hash; /**< of everything that decides what a point holds; see camp_check() */
} campaign;

/** What is kept when no metric is named. */
extern const char *const camp_default_metrics[];
extern const int32_t camp_default_metric_count;

/**
 * Loads setting `index`.
 * @return the scenario, or NULL: *messages says why (to be freed by the caller in any case)
 */
sc_scenario *camp_load(const campaign *c, int32_t index, sc_messages *messages);

/**
 * Whether every metric exists in a scenario of the campaign.
 * @return 0, or -1 with a sentence in err (it names the metric that comes closest)
 */
int camp_check_metrics(const campaign *c, const sc_scenario *sc, char *err, size_t err_size);

typedef struct camp_options {
    int32_t jobs;
    int32_t shard, shards; /**< this process does the points i with i % shards == shard; 0 of 1: all */
    const volatile int *stop;
    /** after each point, in the thread that did it, never two at once; may be NULL */
    void (*done)(void *user, int32_t done, int32_t total);
    void *user;
} camp_options;

/** How camp_run ended. */
typedef enum camp_end {
    CAMP_DONE = 0,
    CAMP_STOPPED = 1, /**< by *stop; finished points are kept */
    CAMP_INPUT = 2,   /**< a setting could not be loaded: err says which and why */
    CAMP_IO = 3,
    CAMP_FAILED = 4 /**< out of memory, or a run failed */
} camp_end;

/** Runs the points of this shard that are not in the folder yet. @param in p  begun with points_begin() */
camp_end camp_run(const campaign *c, const points *p, const camp_options *options, char *err, size_t err_size);

int32_t camp_points(const campaign *c); /**< setting_count * seed_count */
/** Points that are not in the folder. @param out first  the lowest of them, -1 = none; may be NULL */
int32_t camp_missing(const campaign *c, const points *p, int32_t *first);

/** All points read back. */
typedef struct camp_table {
    const campaign *c;
    char **lines;     /**< [points] as in points.csv behind the point's number and labels */
    uint64_t *seeds;  /**< [points] */
    uint64_t *hashes; /**< [points] of the scenario */
    double *values;   /**< [points * metric_count], NaN = does not exist */
} camp_table;

/** @return 0; -1 with a sentence in err: a point is missing or damaged, or memory ran out */
int camp_table_read(camp_table *t, const campaign *c, const points *p, char *err, size_t err_size);
void camp_table_fini(camp_table *t);
/** Mean of a metric over the seeds of a setting that have it, and the Student half width at 95 % (NaN below two). */
double camp_mean(const camp_table *t, int32_t setting, int32_t metric, double *half_width);
/** Index of a metric, -1 = not kept. */
int32_t camp_metric(const campaign *c, const char *name);
/**
 * Settings that no other beats in both metrics (less is better), in order of x, ties once each.
 * @param out order  [setting_count] room
 * @return how many
 */
int32_t camp_pareto(const camp_table *t, int32_t x, int32_t y, int32_t *order);

#endif
