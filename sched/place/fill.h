/* SPDX-License-Identifier: Apache-2.0 */
/**
 * fill.h - where the replicas of one workload go: from (wanted, what it holds, what room is left) to a target for
 * each candidate cluster.
 *
 * Anchored: replicas that have a place keep it; only the difference is placed or taken away.
 *   more wanted   groups in order, in each the steps of the policy (idle, then elastic), in a step the division rule
 *   fewer wanted  the last group gives first; inside a group Webster over what the clusters hold (never raises one)
 *   failback      replicas of worse groups into room of better ones, a bounded number at a time
 * Failover groups (Karmada): the first group, from the one in use on, that can hold everything; one group only.
 * Sources: semantics of Karmada pkg/scheduler/core (division_algorithm, assignment) and ACK One's ordered groups.
 */
#ifndef SCHED_PLACE_FILL_H
#define SCHED_PLACE_FILL_H

#include <spillway/plan.h>

#include "place/capacity.h"
#include "place/spread.h"
#include "place/webster.h"

/** One candidate cluster of the workload. */
typedef struct fill_slot {
    uint32_t cluster;  /**< canonical number; slots come sorted by it */
    int32_t group;     /**< index in policy->groups */
    int32_t held;      /**< replicas that have a node, or room on one */
    int32_t target;    /**< out: starts at held */
    int32_t elastic;   /**< of target: those on nodes that are not up yet */
    int32_t moved_in;  /**< out: copies added by failback */
    int32_t preempted; /**< of target: those that wait for victims to leave; starts at what is held so */
    bool can_grow;     /**< ready and its state is fresh */
    bool gave_up;      /**< copies of a move were taken out of held in this tick */
    bool holds;        /**< the cluster is told to run replicas now: spread constraints prefer it */
    bool out;          /**< out: a spread constraint chose others; it gets and keeps nothing */
    int64_t weight;    /**< static weight; 0 = not in the list. If no candidate is in the list, 1 for all */
    const char *area;  /**< what spread constraints group it by, "" if by nothing */
    uint32_t seat;     /**< the caller's: where it keeps what stands there */
    int64_t avail;     /**< out: what it could hold in all; where it was needed */
} fill_slot;

struct preempt;

typedef struct fill {
    struct preempt *preempt; /**< victims it may make; NULL = none */
    room *rooms;
    room_seen *seen; /**< [clusters] what is known of their rooms for this workload, brought up to date as it is used;
                          NULL = count each time */
    const spw_workload *workload;
    const spw_policy *policy;
    fill_slot *slots;
    size_t count;
    /* scratch, [count] each */
    webster_party *parties;
    int64_t *caps;
    uint32_t *heap;
    uint32_t *pick; /**< slot of a party */
    spread_item *items;
    spread_scratch spread;
    /* the manner of this run */
    uint64_t shut;       /**< in: bit g = fill_movable() and fill_move() leave group g alone; 0 = none */
    bool fresh;          /**< in: place everything anew, whatever is held */
    bool kept;           /**< out: the old result stands as it is (Karmada's way of refusing) */
    spw_verdict refusal; /**< out: NONE, or why nothing new was placed: REFUSED, SPREAD */
    int32_t in_use;      /**< out: the only group in use (failover groups), -1 = all */
} fill;

/**
 * Sets targets for `wanted` replicas.
 * @param in,out group  failover groups: the group in use
 * @return replicas that found no room (all-or-nothing policies: the whole difference, nothing is placed)
 */
int32_t fill_place(fill *f, int32_t wanted, int32_t *group);

/** Do ties between clusters go to the last name first? By the hash of the UID, as in Karmada. */
static inline bool fill_ties_backwards(const spw_workload *workload)
{
    return (workload->uid_hash & 1u) != 0;
}

/** Is the division by bare weights or copies, so that room plays no part? */
bool fill_is_roomless(const spw_policy *policy);

/** Leaves everything as it is: targets are what is held. @return 0 */
int32_t fill_keep(fill *f);

/** Replicas of worse groups that room in better ones could take now. Consumes nothing. */
int32_t fill_movable(const fill *f);

/** Moves up to `budget` of them: targets change, moved_in says where the copies come. @return replicas moved */
int32_t fill_move(fill *f, int32_t budget);

#endif
