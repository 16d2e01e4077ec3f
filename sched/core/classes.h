/* SPDX-License-Identifier: Apache-2.0 */
/**
 * classes.h - workloads of which every cluster thinks alike.
 *
 * Two workloads are of one class if the configuration says the same of both in all that filters and room ask for:
 * policy, GPUs and their classes, requests, residency, latency, data. What is worked out for one of them in a tick
 * (which clusters come into question, how many replicas each has room for) then serves all of its class. The
 * equivalence classes of kube-scheduler are the same idea.
 */
#ifndef SCHED_CORE_CLASSES_H
#define SCHED_CORE_CLASSES_H

#include <spillway/core.h>

#include "core/arena.h"
#include "place/capacity.h"

struct spw_core;

#define CLASSES_MAX 64 /**< workloads of further classes are looked at one by one */

typedef struct work_class {
    uint32_t example;                   /**< the first workload of it */
    bool listed;                        /**< in this tick */
    uint32_t group_end[SPW_GROUPS_MAX]; /**< group g is at [g > 0 ? group_end[g - 1] : 0, group_end[g]) */
    uint64_t *entries;                  /**< [clusters_max] of roomiest.h, by group */
    uint64_t *entry_of;                 /**< [clusters_max] by canonical number, 0 = does not come into question */
    bool sorted[SPW_GROUPS_MAX];        /**< are the entries of a group up to date, but for what was touched since? */
    uint64_t known_to;                  /**< touches of rooms that the entries know of */
    room_seen *seen;                    /**< [clusters_max] by canonical number */
} work_class;

typedef struct classes {
    size_t count;
    bool known; /**< the lists of the last tick still hold: clusters and their health are as they were */
    work_class at[CLASSES_MAX];
    uint8_t *of;    /**< [works] class of a workload, CLASSES_MAX = none */
    int32_t *group; /**< [clusters_max] scratch */
} classes;

/** Finds the classes of a configuration. Workloads that are placed by nobody, or by units, have none. */
void classes_layout(classes *k, arena *a, const spw_settings *settings, const spw_config *config);

/** Before the workloads of a tick are placed. */
void classes_open(struct spw_core *core);

/**
 * The class of a workload, with the clusters that would take a replica of it where it holds none (and whose state is
 * fresh) listed for this tick. NULL if it has none.
 */
work_class *classes_find(struct spw_core *core, uint32_t work);

#endif
