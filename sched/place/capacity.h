/* SPDX-License-Identifier: Apache-2.0 */
/**
 * capacity.h - the room that is left while a tick plans: a scratch copy of every pool that plans consume.
 *
 * Three kinds of room for a replica of g GPUs on one node, in the order in which they are used:
 *   idle    nodes that are up,     counted by how many GPUs they have free
 *   coming  nodes that are ordered and not yet up, whole
 *   fresh   nodes that could still be ordered: bounded by nodes_max, the believed stock and a back-off after failure
 * Inside a pool replicas go to the node with the least sufficient room (best fit); inside a cluster pools are used by
 * rank, then price, then name.
 *
 * Idle room is the least over the estimators that apply: GPUs on single nodes, the cluster's resource summary, its
 * grades of nodes (estimate.h). The last two say nothing about nodes that are not up, so they do not limit the others.
 */
#ifndef SCHED_PLACE_CAPACITY_H
#define SCHED_PLACE_CAPACITY_H

#include <spillway/snapshot.h>

#include "place/estimate.h"

typedef struct room_pool {
    spw_id row;       /**< in the snapshot's pools */
    uint32_t cluster; /**< canonical cluster number */
    int32_t node_gpus;
    const char *name;
    const char *gpu;
    spw_capacity capacity;
    const spw_labels *labels;              /**< NULL = none known */
    int32_t up;                            /**< nodes that are up */
    int32_t idle[SPW_NODE_GPUS_MAX + 1];   /**< [k] = up nodes with k GPUs free */
    int32_t coming[SPW_NODE_GPUS_MAX + 1]; /**< [k] = ordered nodes with k GPUs not promised */
    int32_t fresh;                         /**< nodes that may still be ordered */
    int32_t ordered;                       /**< nodes ordered by this plan */
    int32_t target;                        /**< desired size before this plan */
} room_pool;

/** What is left of the units of a workload in one cluster. */
typedef struct room_units {
    int32_t left[SPW_UNITS_MAX]; /**< replicas that each may still take by its `max` */
    int32_t known;               /**< scratch: replicas whose unit the snapshot tells */
    int32_t others;              /**< scratch: those that count and whose unit is not known yet */
    bool locked;                 /**< a replica is on its way out, and the others wait for its place */
} room_units;

/** Pools sorted by cluster, then order of use; pools of cluster c are [first[c], first[c + 1]). */
typedef struct room {
    room_pool *pools;
    uint32_t *first;   /**< [clusters + 1] */
    uint64_t *version; /**< [clusters] > 0, grows whenever the room of a cluster changes, from tick to tick, too;
                            NULL = not kept, and room_look() is not for it */
    uint32_t *touched; /**< [touched_max] where a version grew lately: the i-th time ever at i % touched_max */
    uint64_t touches;  /**< how often in all; more than touched_max at once: everywhere */
    uint64_t touched_max;
    estimate_left *limits;  /**< [clusters]; NULL = no summaries and no grades */
    estimate_grade *grades; /**< of all clusters */
    room_units *units;      /**< [clusters] of the workload at hand, where that has units; see units.h */
    uint32_t units_tried; /**< so many of its units, from the first, are tried, the last of them for victims; 0 = all */
    bool units_wait;      /**< its policy creates nodes: replicas wait for those of a unit before they go on */
} room;

/** What was counted in a cluster for a workload, and at which version of its room. All zero: nothing yet. */
typedef struct room_seen {
    uint64_t version;
    int32_t idle;    /**< room_count() of ROOM_IDLE */
    int64_t elastic; /**< of ROOM_COMING and ROOM_FRESH together */
} room_seen;

typedef enum room_kind { ROOM_IDLE = 1, ROOM_COMING = 2, ROOM_FRESH = 3 } room_kind;

/** The room of all clusters may be another one. */
void room_touch_all(room *r, uint32_t clusters);

/** Replicas of the workload that cluster c could take in this kind of room. At most SPW_REPLICAS_MAX. */
int32_t room_count(const room *r, uint32_t c, const spw_workload *workload, room_kind kind);

/** Is nothing known of the resources of cluster c: no pool, no summary, no grade? */
bool room_is_unknown(const room *r, uint32_t c);

/** Counts anew. */
void room_look_again(const room *r, uint32_t c, const spw_workload *workload, room_seen *seen);

/** Counts anew if the room has changed. @return seen */
static inline const room_seen *room_look(const room *r, uint32_t c, const spw_workload *workload, room_seen *seen)
{
    if (seen->version != r->version[c]) {
        room_look_again(r, c, workload, seen);
    }
    return seen;
}

/** The same for idle room, with the estimate that bound it: the least, in case of a tie the first in estimate_by. */
int32_t room_count_idle(const room *r, uint32_t c, const spw_workload *workload, estimate_by *by);

/**
 * Idle room for n replicas that are promised already; the estimates are lowered.
 * @param in waits  the cluster knows them, and counts them as waiting for a node: what pods on nodes leave is for them
 * @return replicas that got room
 */
int32_t room_hold(room *r, uint32_t c, const spw_workload *workload, int32_t n, bool waits);

/** Idle gaps on nodes that the workload can use, up to this many GPUs, are not to be had any more: small gaps first. */
void room_close(room *r, uint32_t c, const spw_workload *workload, int64_t gpus);

/** What the least estimate but that of GPUs leaves; SPW_REPLICAS_MAX where nothing limits. */
int32_t room_limit(const room *r, uint32_t c, const spw_workload *workload);

/** Replicas that a pool could take. */
int64_t room_pool_count(const room_pool *pool, int32_t gpus, room_kind kind);

/** Takes room in one pool. @return replicas that got room */
int32_t room_pool_take(room_pool *pool, int32_t gpus, room_kind kind, int32_t n);

/** Takes room for up to n replicas. FRESH orders nodes. @return replicas that got room */
int32_t room_take(room *r, uint32_t c, const spw_workload *workload, room_kind kind, int32_t n);

/** May the workload run on this GPU class? */
bool room_class_fits(const spw_workload *workload, const char *gpu);

/** May it run on this pool's nodes: by class and by size? */
bool room_fits(const room_pool *pool, const spw_workload *workload);

#endif
