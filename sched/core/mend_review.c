/* SPDX-License-Identifier: Apache-2.0 */
/* mend_review.c - shrinking that must wait, and counts that flap; see mend.h. */
#include "core/mend.h"

/** Ready replicas of a workload on clusters that are not lost. */
static int64_t ready_elsewhere(const spw_core *core, uint32_t work)
{
    int64_t sum = 0;
    for (uint32_t i = core->view.seat_first[work]; i < core->view.seat_end[work]; i++) {
        const view_seat *seat = &core->view.seats[i];
        const memory_cluster *c = mend_cluster_find(&core->memory, core->view.clusters[seat->cluster].key);
        sum += c != NULL && c->lost ? 0 : seat->ready;
    }
    return sum;
}

/**
 * May copies on a lost cluster go? Says why. While it answers again and is not trusted yet, they may serve: they go
 * only when they are replaced, whatever the grace.
 */
static bool may_go(const spw_core *core, shrink *s, const memory_seat *mem, const spw_policy *policy, bool answers)
{
    bool everywhere = policy->division == SPW_DIVIDE_DUPLICATED; /* nothing elsewhere stands in for these */
    if ((policy->evict_grace > 0 || answers) && !everywhere &&
        ready_elsewhere(core, s->work) >= core->copies[s->work]) {
        s->action.reason = SPW_WHY_EVICTED;
        return true;
    }
    if (answers ||
        (mem->evicting && core->view.now - memory_times_of(&core->memory, mem)->evict_since < policy->evict_grace)) {
        return false;
    }
    s->action.reason = policy->evict_grace > 0 ? SPW_WHY_EVICT_GRACE : s->action.reason;
    return true;
}

static bool is_frozen(const spw_core *core, const memory_seat *mem)
{
    return mem->frozen && core->view.now < memory_times_of(&core->memory, mem)->frozen_until;
}

static bool must_wait(const spw_core *core, shrink *s)
{
    const spw_policy *policy = mend_policy(core, s->work);
    const memory_seat *mem = mend_memory(core, s->work, s->cluster);
    if (policy == NULL || mem == NULL) {
        return false;
    }
    const memory_cluster *c = mend_cluster_find(&core->memory, core->view.clusters[s->cluster].key);
    if (c != NULL && c->lost) {
        return !may_go(core, s, mem, policy, c->answers);
    }
    if (s->action.reason == SPW_WHY_NO_NODE && mem->barred &&
        memory_times_of(&core->memory, mem)->barred_until == core->view.now + policy->deschedule_cooldown) {
        s->action.reason = SPW_WHY_DESCHEDULED; /* barred in this tick */
    }
    bool by_choice = s->action.reason == SPW_WHY_SCALE_IN || s->action.reason == SPW_WHY_MOVE_OUT;
    return by_choice && policy->flap_window > 0 && is_frozen(core, mem);
}

void mend_review(spw_core *core, spw_plan *plan)
{
    size_t kept = 0;
    for (size_t i = 0; i < core->shrink_count; i++) {
        shrink s = core->shrinks[i];
        if (!must_wait(core, &s)) {
            core->shrinks[kept++] = s;
            continue;
        }
        int32_t copies = (int32_t)(s.action.before - s.action.amount);
        if (s.action.reason == SPW_WHY_MOVE_OUT) {
            core->memory.works[s.work].surge += copies; /* the move is still open */
        }
        if (core->outcome_at[s.work] < plan->outcome_count) {
            plan->outcomes[core->outcome_at[s.work]].surge += copies;
        }
    }
    core->shrink_count = kept;
    mend_budgets(core, plan);
    for (size_t i = core->shrink_count; i-- > 0;) {
        core->shrink_at[core->shrinks[i].work] = (uint32_t)i;
    }
}

/* --- flapping --- */

static void turn(memory *m, memory_seat *mem, spw_time now, spw_dur window)
{
    memory_times *t = memory_times_set(m, mem);
    for (size_t i = MEMORY_TURNS - 1; i > 0; i--) {
        t->turns[i] = t->turns[i - 1];
    }
    t->turns[0] = now;
    t->turn_count = t->turn_count < MEMORY_TURNS ? t->turn_count + 1 : MEMORY_TURNS;
    if (t->turn_count == MEMORY_TURNS && now - t->turns[MEMORY_TURNS - 1] <= window) {
        mem->frozen = true;
        t->frozen_until = now + window;
        t->turn_count = 0; /* the next freeze needs as many turns again */
        if (t->blocked_until == MEMORY_NEVER || t->blocked_until < t->frozen_until) {
            t->blocked_until = t->frozen_until;
        }
    }
}

void mend_record(spw_core *core, const spw_plan *plan)
{
    for (size_t i = 0; i < plan->action_count; i++) {
        const spw_action *a = &plan->actions[i];
        uint32_t work = a->verb == SPW_VERB_PLACE ? core->view.work_of[a->workload] : UINT32_MAX;
        const spw_policy *policy = work == UINT32_MAX ? NULL : mend_policy(core, work);
        memory_seat *mem = policy == NULL ? NULL : mend_memory(core, work, core->view.canonical[a->cluster]);
        if (mem == NULL || policy->flap_window == 0) {
            continue;
        }
        const int8_t direction = a->amount > a->before ? 1 : -1;
        if (mem->direction != 0 && mem->direction != direction) {
            turn(&core->memory, mem, core->view.now, policy->flap_window);
        }
        mem->direction = direction;
    }
}
