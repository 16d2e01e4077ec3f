/* SPDX-License-Identifier: Apache-2.0 */
/**
 * guard.h - an actuator around another one, which lets through only what an operator would sign.
 *
 * It looks at a tick's actions together with the snapshot they were decided on, at commit, and passes each on as it is,
 * passes it on with a smaller step, or holds it. Amounts are absolute, so a smaller step is a right step: the core sees
 * what came of it and asks for the rest in the next tick. Whatever is changed or held is told, with the guard's name.
 *
 *   kill-switch     the stop file exists, cannot be looked for, or guard_stop() was called: nothing passes
 *   observe-only    nothing passes, ever
 *   stale-inputs    too large a share of clusters, or of metric values, is too old: nothing passes in this tick
 *   paused          the workload is paused
 *   canary          the workload is not of the subset this scheduler acts on
 *   waits-for       the action it was to come after was held
 *   zero            the last replica of a workload stays, unless it may go to zero
 *   min-available   a shrink would leave fewer ready replicas than the minimum
 *   not-ready-yet   make before break: a shrink would cost ready replicas that are to be had elsewhere, and are not
 *                   ready there yet. It passes as far as others have become ready
 *   change-limit    more replicas added or taken on one cluster in one tick than allowed; the same for nodes
 */
#ifndef SCHED_KUBE_GUARD_H
#define SCHED_KUBE_GUARD_H

#include "sched/kube/act.h"

typedef enum guard_kind {
    GUARD_NONE = 0,
    GUARD_STOPPED = 1,
    GUARD_OBSERVE = 2,
    GUARD_STALE = 3,
    GUARD_PAUSED = 4,
    GUARD_CANARY = 5,
    GUARD_AFTER = 6,
    GUARD_ZERO = 7,
    GUARD_AVAILABLE = 8,
    GUARD_READY = 9,
    GUARD_CHANGE = 10,
    GUARD_KINDS = 11
} guard_kind;

typedef struct guard_spec {
    bool observe_only;
    const char *stop_file; /**< NULL = none; borrowed */
    /* per cluster and tick; the smaller of both counts */
    int32_t change_most; /**< replicas added and taken; 0 = no limit */
    double change_share; /**< likewise, of the replicas assigned there, but of no fewer than 10; 0 = no limit */
    int32_t nodes_most;  /**< nodes ordered and released; 0 = no limit */
    /* per workload, over all clusters; the larger of both counts */
    int32_t available_least; /**< ready replicas that shrinking leaves; 0 = no minimum */
    double available_share;  /**< likewise, of the replicas wanted, rounded up; 0 = no minimum */
    bool zero_allowed;       /**< every workload may go to zero */
    bool break_before_make;  /**< switches not-ready-yet off */
    /* a tick is given up when more than this share is older than that; a time of 0 = not looked at */
    spw_dur stale_clusters_after, stale_metrics_after;
    double stale_clusters_most, stale_metrics_most;
    /* about a workload, "namespace/name"; NULL = no for all, for `ours` yes */
    bool (*paused)(void *user, const char *workload);
    bool (*ours)(void *user, const char *workload);
    bool (*may_be_zero)(void *user, const char *workload);
    void *world; /**< user of these three */
    void (*told)(void *user, const kube_told *told);
    void *user; /**< of told */
} guard_spec;

/** No limits of change; stale: more than half of the clusters older than 2 min, of the metrics than 5 min. */
guard_spec guard_spec_default(void);

typedef struct guard guard;

/** `inner` is borrowed for the guard's life, spec copied. @return NULL when out of memory */
guard *guard_new(const guard_spec *spec, const spw_actuator *inner);
void guard_free(guard *g); /**< leaves `inner` open; NULL allowed */
/**
 * commit: what the inner actuator returns. Held actions are no failure, but for routes: the core takes a share it has
 * sent for known, so SPW_BACKEND makes it send it again.
 */
spw_actuator guard_seam(guard *g);

void guard_stop(guard *g, bool stop);                  /**< the kill switch by signal */
bool guard_is_stopped(const guard *g);                 /**< by signal or by file: ask it before each write, too */
uint64_t guard_count(const guard *g, guard_kind kind); /**< actions held or cut so far */
const char *guard_name(guard_kind kind);               /**< "kill-switch", ...; stable, for logs and metrics */

/**
 * What a fleet's objects say: annotations spillway.dev/paused and spillway.dev/allow-zero ("true") and label
 * spillway.dev/canary, of the template in the control plane, or, without one, of the object in any cluster.
 */
typedef struct guard_fleet {
    const kube_fleet *fleet;
    const spw_config *config; /**< which workloads are StatefulSets; sorted by name. NULL = all are Deployments */
    const char *canary;       /**< act on workloads with this label value alone; NULL = on all but those of `except` */
    const char *except;       /**< leave those with this label value to another scheduler; NULL = none */
} guard_fleet;
/* self = a guard_fleet */
bool guard_fleet_paused(void *self, const char *workload);
bool guard_fleet_ours(void *self, const char *workload);
bool guard_fleet_may_be_zero(void *self, const char *workload);

#endif
