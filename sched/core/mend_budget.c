/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mend_budget.c - disruption budgets over what mending takes away; see mend.h.
 *
 * Which copies a budget asks about, as Kubernetes' eviction API has it:
 *   ready ones                 only as many go as leave the budget's least ready
 *   not ready, or without node they go: a pod that waits for a node asks no budget, so the descheduler is never held up
 *   on a cluster that is lost  whether they serve is not known, so they are taken for pods that run and are not ready:
 *                              they go only while as many are ready elsewhere as the budget asks for
 * A lower count of replicas asks no budget, as in Kubernetes, and preemption has asked before (preempt.c); what both
 * take is counted first. A budget that asks for more than are wanted is taken to ask for all of them, so that a move
 * whose copies are ready always ends.
 */
#include "core/budget.h"
#include "core/mend.h"

/** Ready replicas of a seat, as far as its cluster answers. */
static int32_t healthy_at(const spw_core *core, const view_seat *seat)
{
    const spw_snapshot *snap = core->view.snap;
    if (snap->clusters.ready[core->view.clusters[seat->cluster].row] == 0) {
        return 0;
    }
    int32_t ready = snap->placements.ready[seat->row];
    return ready < seat->scheduled ? ready : seat->scheduled;
}

/** Ready replicas among those that a shrink takes: others go first. */
static int32_t healthy_gone(const spw_core *core, const shrink *s)
{
    const view_seat *seat = view_seat_find(&core->view, s->work, s->cluster);
    int32_t here = seat == NULL ? 0 : healthy_at(core, seat);
    return here > s->action.amount ? here - (int32_t)s->action.amount : 0;
}

static bool asks(const shrink *s)
{
    return s->action.reason != SPW_WHY_SCALE_IN && s->action.reason != SPW_WHY_PREEMPTED;
}

/** How many of its copies a shrink must leave where they are. May use some of `allowed`. */
static int32_t kept_of(const spw_core *core, const shrink *s, int64_t *allowed)
{
    const view_cluster *cluster = &core->view.clusters[s->cluster];
    const memory_cluster *c = mend_cluster_find(&core->memory, cluster->key);
    if (c != NULL && c->lost && !c->answers) {
        return *allowed < 0 ? (int32_t)(s->action.before - s->action.amount) : 0;
    }
    int64_t may = *allowed > 0 ? *allowed : 0;
    int32_t gone = healthy_gone(core, s);
    int32_t kept = gone > may ? gone - (int32_t)may : 0;
    *allowed -= gone - kept;
    return kept;
}

static void tell(const spw_core *core, spw_plan *plan, const shrink *s, int32_t kept)
{
    uint32_t at = core->outcome_at[s->work];
    if (at < plan->outcome_count) {
        plan->outcomes[at].surge += kept;
        plan->outcomes[at].kept += kept;
    }
    for (size_t i = 0; core->settings.explain && i < plan->candidate_count; i++) {
        spw_candidate *row = &plan->candidates[i];
        if (row->workload == s->action.workload && row->cluster == s->action.cluster) {
            row->kept = kept;
        }
    }
}

/** The shrinks of one workload, [first, end). */
static void review_work(spw_core *core, spw_plan *plan, size_t first, size_t end)
{
    const uint32_t work = core->shrinks[first].work;
    const spw_workload *workload = &core->config.workloads[work];
    const spw_policy *policy = mend_policy(core, work);
    if (!budget_is_set(workload) || policy == NULL || policy->compat) {
        return;
    }
    int64_t wanted = core->copies[work];
    int64_t least = budget_floor(workload, wanted);
    int64_t allowed = -(least < wanted ? least : wanted);
    for (uint32_t i = core->view.seat_first[work]; i < core->view.seat_end[work]; i++) {
        allowed += healthy_at(core, &core->view.seats[i]);
    }
    for (size_t i = first; i < end; i++) {
        allowed -= asks(&core->shrinks[i]) ? 0 : healthy_gone(core, &core->shrinks[i]);
    }
    for (size_t i = first; i < end; i++) {
        shrink *s = &core->shrinks[i];
        int32_t kept = asks(s) ? kept_of(core, s, &allowed) : 0;
        if (kept > 0) {
            s->action.amount += kept;
            core->memory.works[work].surge += s->action.reason == SPW_WHY_MOVE_OUT ? kept : 0; /* it is still open */
            tell(core, plan, s, kept);
        }
    }
}

void mend_budgets(spw_core *core, spw_plan *plan)
{
    size_t end = 0;
    for (size_t first = 0; first < core->shrink_count; first = end) {
        for (end = first + 1; end < core->shrink_count && core->shrinks[end].work == core->shrinks[first].work;) {
            end++;
        }
        review_work(core, plan, first, end);
    }
    size_t kept = 0;
    for (size_t i = 0; i < core->shrink_count; i++) {
        if (core->shrinks[i].action.amount < core->shrinks[i].action.before) {
            core->shrinks[kept++] = core->shrinks[i];
        }
    }
    core->shrink_count = kept;
}
