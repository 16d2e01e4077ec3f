/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prefetch.c - stage "images": before a workload overflows, its image goes to where it will overflow to.
 *
 * The rule, for a workload whose policy sets prefetch to a part q > 0 and has ordered groups: let the groups in use be
 * those up to the last one that holds a replica after this plan, and their capacity the replicas they hold plus those
 * they still have room for (idle, coming, and new nodes where the policy creates any). Once the replicas wanted reach
 * q x capacity, every cluster of the next group that answers is told to fetch the image.
 *
 * Nothing is remembered: the action is repeated in each tick in which the rule holds, and carrying it out again changes
 * nothing. It ends by itself when the group is in use.
 */
#include "core/bits.h"
#include "core/decide.h"

static bool in_use(const spw_tier *tier)
{
    return tier->idle > 0 || tier->elastic > 0 || tier->preempted > 0;
}

/** Replicas of the workload that canonical cluster c has still room for. */
static int64_t room_left(const spw_core *core, const spw_workload *workload, const spw_policy *policy, uint32_t c)
{
    const room *rooms = &core->view.rooms;
    int64_t n = room_count(rooms, c, workload, ROOM_IDLE);
    if (policy->elastic) {
        n += room_count(rooms, c, workload, ROOM_COMING);
        n += room_count(rooms, c, workload, ROOM_FRESH);
    }
    return n;
}

static void prefetch_to(const spw_core *core, const spw_outcome *o, uint32_t c, spw_plan *plan)
{
    const view_cluster *cluster = &core->view.clusters[c];
    spw_action action = {.verb = SPW_VERB_PREFETCH,
                         .reason = SPW_WHY_PREFETCH,
                         .workload = o->workload,
                         .cluster = cluster->row,
                         .pool = SPW_ID_NONE,
                         .after = UINT32_MAX,
                         .amount = 1,
                         .before = 0};
    if (cluster->ready && !cluster->stale) {
        (void)plan_add(plan, &action);
    }
}

static void workload_prefetch(spw_core *core, const spw_outcome *o, spw_plan *plan)
{
    uint32_t work = core->view.work_of[o->workload];
    const spw_workload *workload = &core->config.workloads[work];
    const spw_policy *policy = workload->policy == SPW_ID_NONE ? NULL : &core->config.policies[workload->policy];
    int32_t last = 0;
    int64_t capacity = 0;

    if (policy == NULL || policy->suspended || policy->prefetch_ppm == 0 || policy->order != SPW_GROUPS_ORDERED) {
        return;
    }
    for (uint32_t g = 0; g < o->tier_count; g++) {
        last = in_use(&o->tiers[g]) ? (int32_t)g : last;
        capacity += (int64_t)o->tiers[g].idle + o->tiers[g].elastic + o->tiers[g].preempted;
    }
    view_open_units(&core->view, &core->config, work, &core->memory);
    for (uint32_t c = 0; c < core->view.cluster_count; c++) {
        int32_t group = view_site_at(&core->view, workload->policy, c)->group;
        bool counts = group >= 0 && group <= last && core->view.clusters[c].ready && !core->view.clusters[c].stale;
        capacity += counts ? room_left(core, workload, policy, c) : 0;
    }
    if ((int64_t)o->desired * 1000000 < capacity * policy->prefetch_ppm || o->desired == 0) {
        return;
    }
    for (uint32_t c = 0; c < core->view.cluster_count; c++) {
        if (view_site_at(&core->view, workload->policy, c)->group == last + 1) {
            prefetch_to(core, o, c, plan);
        }
    }
}

void decide_prefetch(spw_core *core, spw_plan *plan)
{
    const view *v = &core->view;
    for (size_t i = bits_next(v->active_rank, 0, v->works); i < v->works;
         i = bits_next(v->active_rank, i + 1, v->works)) {
        uint32_t at = core->outcome_at[v->by_rank[i]];
        if (at < plan->outcome_count) { /* who prefetches never rests */
            workload_prefetch(core, &plan->outcomes[at], plan);
        }
    }
}
