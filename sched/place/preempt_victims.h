/* SPDX-License-Identifier: Apache-2.0 */
/**
 * preempt_victims.h - which less important replicas make room for one more of a workload, and on which cluster.
 *
 * kube-scheduler's choice (semantics of pkg/scheduler/framework/preemption and its default plugin) with clusters in the
 * place of nodes, one beneficiary replica at a time:
 *   potential victims  replicas of strictly lower priority that have run for the minimum time
 *   reprieve           all are thought away; if the replica still does not fit, the cluster is out; then they are put
 *                      back, those whose loss breaks a disruption budget first, each time the most important first
 *                      (priority, then earlier start); who cannot come back is a victim
 *   cluster            fewest broken budgets, lowest maximum priority, smallest sum of priority + 2^31, fewest victims,
 *                      latest of the earliest starts among the most important victims, first by name
 *
 * Nobody tells which node a replica stands on, so only what is certain counts as a fit. A victim that is as large as
 * the beneficiary, or larger, leaves a gap of its own size. Smaller ones leave room for sure where so many GPUs come
 * free on N nodes that they cannot all hide in gaps of g - 1 or less: ceil((free - N (g - 1)) / g) replicas of g GPUs.
 * CPU, memory and pods come free in the cluster's summary; where there are grades of nodes, a victim leaves beside that
 * a gap of its own CPU and memory on one node. A beneficiary without GPUs needs those alone.
 * A workload counts only where none of its replicas can stand on a pool that the beneficiary cannot use.
 *
 * A beneficiary whose ResourcePolicy says BeforeNextUnit makes victims in the pools of one unit before it tries the
 * next. Nobody tells where the replica stands that leaves, so a workload counts there only if all its replicas in the
 * cluster stand on pools of the units so far: the snapshot's usage tells it of every one, or they can stand on no
 * other.
 */
#ifndef SCHED_PLACE_PREEMPT_VICTIMS_H
#define SCHED_PLACE_PREEMPT_VICTIMS_H

#include "place/fill.h"

#define PREEMPT_NO_BUDGET INT32_MAX

/** Replicas of one workload on one cluster that started together. */
typedef struct preempt_run {
    uint32_t cluster, work; /**< canonical number; index in the configuration */
    size_t seat;            /**< for the caller */
    int32_t priority;
    spw_time start; /**< SPW_TIME_MAX = not started yet */
    int32_t count;  /**< potential victims left */
    int32_t gone;   /**< victims of this beneficiary */
    int32_t stands; /**< last unit of the beneficiary that it is known to stand in with all replicas; SPW_UNITS_MAX = it
                         is not known. Only looked at where victims come before the next unit */
    bool usable;    /**< less important, and the room it leaves is room for the beneficiary */
    int32_t out;    /**< scratch: thought away ... */
    int32_t spared; /**< ... and of those, with no budget broken */
} preempt_run;

/** What victims leave, and what was there before. */
typedef struct preempt_sum {
    int64_t gaps;                 /**< gaps of victims at least as large as the beneficiary, in its replicas */
    int64_t gpus;                 /**< GPUs free on nodes it can use, by its units now */
    int64_t left[ESTIMATE_KINDS]; /**< of the resource summary; ESTIMATE_NO_LIMIT */
    int64_t graded;               /**< beneficiary replicas that fit on nodes by grade; ESTIMATE_NO_LIMIT */
} preempt_sum;

typedef struct preempt_cost {
    bool possible;
    int32_t violations, top, victims;
    int64_t sum;
    spw_time earliest; /**< among the victims of the top priority */
} preempt_cost;

typedef struct preempt_cluster {
    uint32_t first, end; /**< its runs, most important first */
    preempt_sum base;    /**< what is free with the victims so far gone */
    int64_t slack;       /**< N (g - 1) */
    bool usable;         /**< there is a node that the beneficiary can use, or it needs no GPU */
    int32_t taken;       /**< beneficiary replicas since it was readied */
    int32_t placed;      /**< those of earlier rounds, whose room is accounted for */
    int32_t places;      /**< beneficiary replicas that its units leave room for by their `max` */
    preempt_cost offer;  /**< of one more */
    bool known;          /**< offer is up to date */
} preempt_cluster;

typedef struct preempt {
    const spw_workload *workloads; /**< [works] */
    const spw_workload *workload;  /**< the beneficiary */
    preempt_run *runs;
    preempt_cluster *at; /**< [clusters] by canonical number */
    int32_t *allowed;    /**< [works] disruptions its budget still allows; PREEMPT_NO_BUDGET */
    int32_t *budget;     /**< [works] scratch */
} preempt;

/** Readies a cluster for p->workload, with the room it has right now. Idle room must have been used before. */
void preempt_open(preempt *p, const room *r, uint32_t cluster);

/** Is cost a better than b? Both possible. Equal = false. */
bool preempt_better(const preempt_cost *a, const preempt_cost *b);

/** Cost of one more beneficiary replica on the cluster: the reprieve, as a dry run. Leaves `out` of each run. */
preempt_cost preempt_try(preempt *p, uint32_t cluster);

/** Carries the last try of the cluster out: runs, budgets, sums. @return true if it used up any budget */
bool preempt_take(preempt *p, uint32_t cluster);

/** Beneficiary replicas that fit, for sure, once all potential victims of a group are gone, beyond those on idle room.
 */
int64_t preempt_room(preempt *p, const fill *f, int32_t group);

/**
 * Places up to n replicas of f->workload in a group, one by one, each where it costs least. Slots get target and
 * preempted, clusters `placed`; rooms lose what is used and gain what victims leave. @return replicas placed
 */
int32_t preempt_spread(preempt *p, fill *f, int32_t group, int32_t n);

#endif
