/* SPDX-License-Identifier: Apache-2.0 */
/** plan_internal.h - how the core writes a plan; hosts only read it. */
#ifndef SCHED_CORE_PLAN_INTERNAL_H
#define SCHED_CORE_PLAN_INTERNAL_H

#include <spillway/plan.h>

struct spw_plan {
    spw_mem mem;
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

/** The part of spw_plan_check() about CPU, memory and pods; plan_resources.c. The actions' rows are known to exist. */
spw_rc plan_check_resources(const spw_plan *plan, const spw_snapshot *snap, spw_err *err);

#endif
