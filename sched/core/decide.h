/* SPDX-License-Identifier: Apache-2.0 */
/**
 * decide.h - the pipeline of one tick, and the core struct that its stages share.
 *
 *   scale   desired replicas of each workload              scale.c   (sched/scale)
 *   place   targets for each cluster, moves                place.c   (sched/place)
 *   nodes   orders, releases, late orders                  nodes.c
 *   route   traffic shares                                 route.c   (sched/route)
 *   image   sent ahead of an overflow                      prefetch.c
 *
 * Order of the actions in a plan: scale, growth of placements, orders of nodes, shrinking of placements, releases of
 * nodes, routes, prefetches. Grow first, wait for ready, then shrink.
 */
#ifndef SCHED_CORE_DECIDE_H
#define SCHED_CORE_DECIDE_H

#include "core/classes.h"
#include "core/memory.h"
#include "core/plan_internal.h"
#include "core/view.h"
#include "place/fill.h"
#include "place/preempt_victims.h"
#include "route/strategy.h"
#include "scale/hpa.h"

/** A placement that this tick lowers, kept until all growth is in the plan. */
typedef struct shrink {
    spw_action action;
    uint32_t work, cluster;
} shrink;

/** Who could make room for whom, built when the first workload of a tick may ask. */
typedef struct preempting {
    bool on;    /**< a policy of the configuration makes victims: without one, nothing of this is laid out */
    bool built; /**< in this tick */
    preempt p;
    preempt_run *raw; /**< [run_max] before sorting */
    uint32_t *order;  /**< [run_max] */
    size_t run_count, run_max;
    int32_t *lost; /**< [works] replicas that became victims in this tick */
} preempting;

struct spw_core {
    spw_mem mem;
    void *block;
    spw_settings settings;
    spw_config config;
    memory memory;
    uint32_t *by_priority; /**< [works] most important first, ties by name */
    view view;
    int32_t *desired; /**< [works] of this tick */
    int32_t *copies;  /**< [works] the same, but copies to place where counts are in reference replicas */
    /* scratch */
    fill fill; /**< arrays for [clusters_max] candidates */
    classes classes;
    uint64_t *near; /**< [clusters_max bits] of slots.c, all 0 in between */
    uint64_t *own;  /**< [clusters_max bits] the same */
    preempting preempting;
    shrink *shrinks; /**< [placements_max + works] */
    size_t shrink_count, shrink_max;
    uint32_t *pod_first;    /**< [works + 1] */
    uint32_t *pods;         /**< [pods_max] snapshot rows of ours, by workload */
    uint32_t *sample_first; /**< [pods_max] newest-first chain of a pod's samples, UINT32_MAX = end */
    uint32_t *sample_next;  /**< [samples_max] */
    hpa_pod *hpa_pods;      /**< [pods_max * metrics_max] */
    hpa_reading *readings;  /**< [metrics_max] */
    size_t metrics_max;
    int32_t *route_shares;   /**< [clusters_max] */
    route_site *route_sites; /**< [clusters_max] */
    int64_t *route_parts;    /**< [clusters_max] */
    uint64_t route_metric;   /**< key of SPW_ROUTE_RATE */
    unsigned char *shadow;   /**< [shadow_size] the state as bytes, for its hash */
    size_t shadow_size;
    uint64_t serial;      /**< decisions so far; not part of the state */
    uint64_t *owned;      /**< [works bits] a scaler owns the count */
    uint64_t *may_rest;   /**< [works bits] by the configuration */
    uint64_t *calm;       /**< [works bits] settled in this tick */
    uint32_t *outcome_at; /**< [works] index of its outcome in the plan, UINT32_MAX = none */
    uint32_t *shrink_at;  /**< [works] index of its first entry in shrinks, if that entry is its own */
};

/** HPA rounds that are due; fills core->desired and adds SCALE actions. @return SPW_OK; SPW_LIMIT */
spw_rc decide_scale(spw_core *core, spw_plan *plan, spw_err *err);

/** Cancels late orders, notes failed ones: runs before any room is counted. */
void decide_late_nodes(spw_core *core);

/** Targets, growth and outcomes; shrinking is put aside in core->shrinks. */
void decide_place(spw_core *core, spw_plan *plan);
/** Is a workload to be placed in this tick (trigger.c)? Always so but under `compat`. The slots are listed. */
bool decide_is_triggered(spw_core *core, uint32_t work, const spw_policy *policy, int32_t wanted);
/** After that: by which placement what is written came about. */
void decide_note_placement(spw_core *core, uint32_t work, const spw_policy *policy);
/**
 * Does a workload have everything it wants, where it may stay, with nothing of it open? Then its turn changes nothing,
 * whatever room there is elsewhere, and is skipped: its cost follows its own seats, not the clusters. False is always
 * safe. Never true with settings.explain: explanations look at every cluster.
 */
bool decide_is_settled(const spw_core *core, uint32_t work, const spw_policy *policy, int32_t wanted);
/** Does "as many as wanted, all on nodes" mean "keep them" under a policy, with no look at room elsewhere? */
bool decide_keeps_enough(const spw_policy *policy);
/**
 * Time of the request to place a workload anew (the snapshot's, or an object's) that is not carried out yet,
 * MEMORY_NEVER if there is none.
 */
spw_time decide_request(const spw_core *core, uint32_t work);
/* reference.c */
/** Are the workload's counts in replicas on its reference GPU class? */
bool decide_counts_reference(const spw_workload *workload, const spw_policy *policy);
/** Copies that make up `wanted` of those, with the slots of core->fill listed. */
int32_t decide_copies(const spw_core *core, const spw_policy *policy, int32_t wanted);
/** Replicas of a seat, as the snapshot shows it, that this plan does not take away. */
int32_t decide_staying(const spw_core *core, const view_seat *seat);
/** Where the shrinks of the workload begin; core->shrink_count if it has none. */
size_t decide_shrinks_of(const spw_core *core, uint32_t work);
/** Adds what decide_place put aside. */
void decide_shrinks(spw_core *core, spw_plan *plan);

/* settled.c */
/** Once: who owns his count, who may rest (view.h) by what the configuration says of him. */
void decide_rest_start(spw_core *core);
/** After all stages: entries not seen for long are dropped, and those go to rest whose turn came to nothing. */
void decide_rest(spw_core *core, const spw_plan *plan);

/** The actuator failed: no share of traffic, no replica count is known to have arrived. */
void decide_forget_routes(spw_core *core);

/* preempt.c */
void decide_preempt_layout(spw_core *core, arena *a, const spw_config *config, const spw_settings *s);
/** Before the first workload of a tick. */
void decide_preempt_start(spw_core *core);
/** After the slots of a workload are listed, before they are filled: says what victims the filling may make. */
void decide_preempt_begin(spw_core *core, uint32_t work);
/** After the filling: victims lose their replicas, the claims go into the ledger. */
void decide_preempt_end(spw_core *core, uint32_t work);
/** May a seat not grow in this tick, because it has just lost replicas or still waits for victims? Both may be NULL. */
bool decide_preempt_bars(const view_seat *seat, const memory_seat *mem);
/** Lets the shrinking of a victim name the growth it makes room for. */
void decide_preempt_name(const spw_core *core, spw_plan *plan, uint32_t work, uint32_t cluster, spw_action *action);

void decide_orders(spw_core *core, spw_plan *plan);
void decide_releases(spw_core *core, spw_plan *plan);
void decide_routes(spw_core *core, spw_plan *plan);
/** The rule heads prefetch.c. */
void decide_prefetch(spw_core *core, spw_plan *plan);

#endif
