/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * past.h - what a log of decisions says of a fleet and its load, as series over time.
 *
 * Times are ns since the first tick of the log. What metrics say is averaged over steps of equal length, weighted by
 * the time for which each reading held: a reading holds for the time since the one before. A reading after a gap longer
 * than PAST_GAP_TICKS ticks holds for one tick.
 */
#ifndef SIM_HISTORY_PAST_H
#define SIM_HISTORY_PAST_H

#include <spillway/json.h>

#include "sched/manifest/zone.h"

/* Longer without a tick is a gap; as long without a sample of any pod, metrics failed: it was not single samples. */
#define PAST_GAP_TICKS   5
#define PAST_BLIND_TICKS 4

/** What a metric counts. */
typedef enum past_metric {
    PAST_RATE = 0,   /**< requests/s */
    PAST_TOKENS_OUT, /**< generated tokens/s */
    PAST_TOKENS_IN,  /**< prompt tokens/s */
    PAST_IN_FLIGHT,  /**< requests in an engine */
    PAST_RUNNING,    /**< those of its batch */
    PAST_WAITING,    /**< those of its queue */
    PAST_BUSY,       /**< share of the time that an engine works; of what the pod requests, where it requests any */
    PAST_METRICS     /**< how many there are */
} past_metric;

typedef struct past_window {
    int64_t begin_ns, end_ns;
} past_window;

typedef struct past_windows {
    past_window *at;
    size_t count, room;
} past_windows;

typedef struct past_cluster {
    const char *name, *region, *zone, *provider, *jurisdiction;
    spw_labels labels;
    past_windows away;   /**< not ready, or in no snapshot */
    int64_t first_ns;    /**< seen first */
    int64_t observed_ns; /**< newest reading, core time */
    bool here;           /**< in the tick that is read, and ready */
} past_cluster;

/** A pool from `at_ns` on. */
typedef struct past_level {
    int64_t at_ns;
    int32_t nodes;      /**< up */
    int32_t obtainable; /**< nodes that the provider had in all, those held included; -1 = not known */
    int64_t price_uusd; /**< of a GPU for an hour */
} past_level;

typedef struct past_pool {
    int32_t cluster;
    const char *name, *gpu;
    uint8_t capacity; /**< spw_capacity */
    int32_t gpus_per_node;
    int32_t rank;                 /**< order of use within the cluster */
    spw_labels labels;            /**< of its nodes */
    int32_t nodes_min, nodes_max; /**< widest bounds that were seen */
    int32_t nodes_most;           /**< up at any time */
    bool elastic;                 /**< could grow or shrink at some time */
    int64_t failures;             /**< node orders that failed, from first to last tick */
    int64_t failures_first;       /**< of the first tick; -1 = not known */
    int64_t told_ns;              /**< when the provider told last what it has, core time; INT64_MIN = never */
    past_level *levels;           /**< [level_count] one for each change */
    size_t level_count, level_room;
} past_pool;

/** Sums over the readings of one step, each times the seconds for which it held. */
typedef struct past_place {
    double ready;             /**< replicas x s */
    double sum[PAST_METRICS]; /**< mean of the pods sampled x s */
    double seconds[PAST_METRICS];
} past_place;

typedef struct past_step {
    double seconds;             /**< covered by readings */
    double value[PAST_METRICS]; /**< of the workload as a whole (Object, External) x s */
    double value_seconds[PAST_METRICS];
    past_place *places; /**< [place_count] by cluster */
    size_t place_count;
    double *usage; /**< [usage_count] by pool: ready replicas x s */
    size_t usage_count;
} past_step;

typedef struct past_service {
    const char *name;       /**< namespace/name */
    int32_t replicas_first; /**< spec.replicas in the first tick that has it; -1 = none has */
    past_step *steps;       /**< [past.step_count] */
    size_t step_room;
    bool seen[PAST_METRICS];   /**< of some ready pod */
    bool valued[PAST_METRICS]; /**< of the workload as a whole */
    past_windows blind;        /**< pods were ready, and of none there was a sample */
    uint64_t pods_ready;       /**< over all ticks with samples */
    uint64_t samples;          /**< that these had */
    int64_t read_ns;           /**< newest reading; INT64_MIN = none yet */
} past_service;

typedef struct past {
    zone z;
    spw_manifest_set *set;
    const spw_config *config;           /**< of `manifests` */
    const spw_json_manifest *manifests; /**< [manifest_count] of the first head, or those given */
    size_t manifest_count;
    bool manifests_given;
    int64_t first_ns, last_ns; /**< core time of the first and last tick */
    int64_t unix_ns;           /**< of the first tick */
    int64_t tick_ns;
    int64_t scrape_ns, age_ns; /**< between readings, and least age when they were shown: of the clusters */
    int64_t stock_ns;          /**< least time between two answers of what providers have left; 0 = none told */
    int64_t gap_ns;            /**< sum of what lies between ticks that are more than PAST_GAP_TICKS apart */
    uint64_t ticks;
    past_cluster *clusters;
    size_t cluster_count, cluster_room;
    past_pool *pools;
    size_t pool_count, pool_room;
    past_service *services; /**< [service_count] the workloads of the configuration */
    size_t service_count;
    size_t step_count; /**< that cover first to last tick */
    int64_t step_ns;
    const char **unknown; /**< metrics of autoscalers whose meaning is not known */
    size_t unknown_count;
    const char *changed; /**< where the log first has other manifests, "FILE:LINE"; NULL = nowhere */
} past;

typedef struct past_spec {
    const char *const *paths; /**< [path_count] parts of one log, in any order */
    size_t path_count;
    const spw_json_manifest *manifests; /**< instead of the log's own; borrowed for the life of the past */
    size_t manifest_count;              /**< 0 = the log's */
    int64_t step_ns;
    const char *metric;  /**< the one to go by; NULL = all that are known */
    bool limited;        /**< to metrics that count `meaning` */
    past_metric meaning; /**< of `metric`, or what to go by */
} past_spec;

/**
 * Reads a log.
 * @return SPW_OK; SPW_INVAL, SPW_BACKEND with errors in diag; SPW_NOMEM. Free with past_free.
 */
spw_rc past_read(const past_spec *spec, spw_diag *diag, past **out);
void past_free(past *p); /**< NULL allowed */
/** Share of the samples of ready pods that are missing, where others are there. */
double past_lost_share(const past *p);
/** Whether a workload of the configuration is in some snapshot. */
static inline bool past_served(const past *p, size_t service)
{
    return p->services[service].replicas_first >= 0;
}

/* --- inside: past.c reads the log, past_fleet.c clusters and pools, past_load.c replicas and metrics --- */

/** What keys of metrics mean. */
typedef struct past_names {
    uint64_t *key;
    past_metric *metric;
    size_t count;
} past_names;

/** Room for one more element of a growing array in the zone. @return the array; NULL with zone.failed */
void *past_grow(zone *z, void *at, size_t count, size_t *room, size_t size);
void past_fleet_tick(past *p, const spw_snapshot *snap, int64_t at_ns);
/** Row of a snapshot's cluster, which past_fleet_tick() has seen. */
size_t past_cluster_of(const past *p, const char *name, size_t hint);
size_t past_pool_of(const past *p, size_t cluster, const char *name, size_t hint);
/**
 * Counts samples.
 * @param in service  [workload row] of the past; service_count = none
 * @param in samples  [service] of ready pods
 */
void past_blind_tick(past *p, const spw_snapshot *snap, const size_t *service, const size_t *samples, int64_t at_ns);
/** No more ticks. A service that never had a sample of a pod is not blind: nobody looked. */
void past_blind_end(past_service *s, int64_t end_ns, bool pods_seen);
void past_load_names(past *p, const past_spec *spec, past_names *names);
void past_load_tick(past *p, const past_names *names, const spw_snapshot *snap, int64_t first_ns);

#endif
