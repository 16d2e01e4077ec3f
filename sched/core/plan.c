/* SPDX-License-Identifier: Apache-2.0 */
/* plan.c - life of a plan, and its stable text. */
#include "core/plan_internal.h"

#define ROOM_MAX       (UINT32_C(1) << 20) /* a ticket has 20 bits for the index of an action */
#define CANDIDATES_MAX (UINT32_C(1) << 28)

static void give_parts(spw_plan *plan)
{
    plan->mem.give(plan->index, plan->mem.user);
    plan->mem.give(plan->candidates, plan->mem.user);
    plan->mem.give(plan->outcomes, plan->mem.user);
    plan->mem.give(plan->actions, plan->mem.user);
}

spw_rc spw_plan_new(const spw_mem *mem, size_t actions_max, size_t outcomes_max, spw_plan **out)
{
    return spw_plan_new_explained(mem, actions_max, outcomes_max, 0, out);
}

spw_rc spw_plan_new_explained(const spw_mem *mem, size_t actions_max, size_t outcomes_max, size_t candidates_max,
                              spw_plan **out)
{
    if (actions_max == 0 || outcomes_max == 0 || actions_max > ROOM_MAX || outcomes_max > ROOM_MAX ||
        candidates_max > CANDIDATES_MAX) {
        return SPW_INVAL;
    }
    spw_plan made = {
        .mem = *mem, .action_max = actions_max, .outcome_max = outcomes_max, .candidate_max = candidates_max};
    spw_plan *plan = mem->take(sizeof *plan, mem->user);
    made.actions = mem->take(actions_max * sizeof *made.actions, mem->user);
    made.outcomes = mem->take(outcomes_max * sizeof *made.outcomes, mem->user);
    made.candidates = candidates_max > 0 ? mem->take(candidates_max * sizeof *made.candidates, mem->user) : NULL;
    made.index = mem->take(sizeof *made.index + 2 * actions_max * sizeof *made.index->at, mem->user);
    if (plan == NULL || made.actions == NULL || made.outcomes == NULL || made.index == NULL ||
        (candidates_max > 0 && made.candidates == NULL)) {
        give_parts(&made);
        mem->give(plan, mem->user);
        return SPW_NOMEM;
    }
    plan_entry *entries = (plan_entry *)(void *)(made.index + 1);
    *made.index = (spw_plan_index){.at = entries, .other = entries + actions_max};
    *plan = made;
    *out = plan;
    return SPW_OK;
}

void spw_plan_free(spw_plan *plan)
{
    if (plan != NULL) {
        spw_mem mem = plan->mem;
        give_parts(plan);
        mem.give(plan, mem.user);
    }
}

void plan_clear(spw_plan *plan)
{
    plan_open(plan, NULL, 0);
    plan_drop_outcomes(plan);
}

void plan_open(spw_plan *plan, const void *author, uint64_t serial)
{
    plan->action_count = 0;
    plan->candidate_count = 0;
    plan->overflow = false;
    plan->kept = author != NULL && plan->author == author && plan->serial == serial;
    plan->author = NULL;
    if (!plan->kept) {
        plan_drop_outcomes(plan);
    }
}

void plan_sign(spw_plan *plan, const void *author, uint64_t serial)
{
    plan->author = author;
    plan->serial = serial;
}

void plan_drop_outcomes(spw_plan *plan)
{
    plan->kept = false;
    plan->outcome_count = 0;
}

uint32_t plan_add(spw_plan *plan, const spw_action *action)
{
    if (plan->action_count == plan->action_max) {
        plan->overflow = true;
        return UINT32_MAX;
    }
    plan->actions[plan->action_count] = *action;
    return (uint32_t)plan->action_count++;
}

spw_outcome *plan_add_outcome(spw_plan *plan, uint32_t tiers)
{
    if (plan->outcome_count == plan->outcome_max) {
        plan->overflow = true;
        return NULL;
    }
    return plan_redo_outcome(plan, plan->outcome_count++, tiers);
}

spw_outcome *plan_redo_outcome(spw_plan *plan, size_t index, uint32_t tiers)
{
    spw_outcome *outcome = &plan->outcomes[index];
    memset(outcome, 0, offsetof(spw_outcome, tiers) + tiers * sizeof outcome->tiers[0]);
    outcome->tier_count = tiers;
    return outcome;
}

spw_candidate *plan_add_candidates(spw_plan *plan, size_t count)
{
    if (plan->candidate_max == 0) {
        return NULL;
    }
    if (plan->candidate_max - plan->candidate_count < count) {
        plan->overflow = true;
        return NULL;
    }
    spw_candidate *first = &plan->candidates[plan->candidate_count];
    memset(first, 0, count * sizeof *first);
    plan->candidate_count += count;
    return first;
}

size_t spw_plan_count(const spw_plan *plan)
{
    return plan->action_count;
}

const spw_action *spw_plan_at(const spw_plan *plan, size_t index)
{
    assert(index < plan->action_count);
    return &plan->actions[index];
}

size_t spw_plan_outcome_count(const spw_plan *plan)
{
    return plan->outcome_count;
}

const spw_outcome *spw_plan_outcome_at(const spw_plan *plan, size_t index)
{
    assert(index < plan->outcome_count);
    return &plan->outcomes[index];
}

size_t spw_plan_candidate_count(const spw_plan *plan)
{
    return plan->candidate_count;
}

const spw_candidate *spw_plan_candidate_at(const spw_plan *plan, size_t index)
{
    assert(index < plan->candidate_count);
    return &plan->candidates[index];
}
