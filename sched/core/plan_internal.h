/* SPDX-License-Identifier: Apache-2.0 */
/** plan_internal.h - how the core writes a plan; hosts only read it. */
#ifndef SCHED_CORE_PLAN_INTERNAL_H
#define SCHED_CORE_PLAN_INTERNAL_H

#include <spillway/plan.h>

struct spw_plan_index;

struct spw_plan {
    spw_mem mem;
    struct spw_plan_index *index; /**< scratch of spw_plan_check() */
    spw_action *actions;
    size_t action_count, action_max;
    spw_outcome *outcomes;
    size_t outcome_count, outcome_max;
    spw_candidate *candidates; /**< NULL without room for them */
    size_t candidate_count, candidate_max;
    bool overflow;      /**< something did not fit: the plan is not to be used */
    bool kept;          /**< the outcomes are those of the core's last decision: only what is new is written */
    const void *author; /**< the core that wrote it last, NULL = none ... */
    uint64_t serial;    /**< ... in its decision of this number */
};

/** Empties it, outcomes and all. */
void plan_clear(spw_plan *plan);
/** Empties it for a decision after the one of this number, but keeps the outcomes if that one wrote them. */
void plan_open(spw_plan *plan, const void *author, uint64_t serial);
void plan_sign(spw_plan *plan, const void *author, uint64_t serial);
/** Drops the outcomes after all: they are of other rows. */
void plan_drop_outcomes(spw_plan *plan);
/** @return index of the action; on overflow marks the plan and returns UINT32_MAX. */
uint32_t plan_add(spw_plan *plan, const spw_action *action);
/** @return an outcome to fill, zeroed up to its last tier; NULL on overflow, which marks the plan. */
spw_outcome *plan_add_outcome(spw_plan *plan, uint32_t tiers);
/** The same for one that is there, to be filled anew. */
spw_outcome *plan_redo_outcome(spw_plan *plan, size_t index, uint32_t tiers);
/** @return count zeroed candidates in a row; NULL without room for any, and on overflow, which marks the plan. */
spw_candidate *plan_add_candidates(spw_plan *plan, size_t count);

/* --- checking: plan_check.c, plan_index.c, plan_resources.c --- */

/** What an action sets: its verb, with both verbs of nodes as one. */
typedef spw_verb plan_target;

typedef struct plan_entry {
    uint64_t key;      /**< equal for actions that set the same thing */
    uint32_t action;   /**< index in the plan */
    int32_t assigned;  /**< placements: what the snapshot shows there; 0 where it has no row */
    int32_t scheduled; /**< likewise */
} plan_entry;

/** The first `count` actions in the order of their keys, equal ones in that of the plan. */
typedef struct spw_plan_index {
    plan_entry *at;    /**< [action_max] */
    plan_entry *other; /**< [action_max] scratch of sorting */
    size_t count;
} spw_plan_index;

/** Builds the plan's index of its first `count` actions, whose rows exist. O(count log count + placements). */
const spw_plan_index *plan_index(const spw_plan *plan, const spw_snapshot *snap, size_t count);
/** The placements of a cluster: @return the first, *end is one behind the last */
size_t plan_index_placed(const spw_plan_index *x, spw_id cluster, size_t *end);
/** Nodes the plan asks of a pool: the amount of its action, else what its own record holds. */
int64_t plan_index_nodes(const spw_plan_index *x, const spw_plan *plan, const spw_snapshot *snap, spw_id pool);

/** The part of spw_plan_check() about CPU, memory and pods. The actions' rows are known to exist. */
spw_rc plan_check_resources(const spw_plan *plan, const spw_plan_index *x, const spw_snapshot *snap, spw_err *err);

#endif
