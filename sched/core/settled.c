/* SPDX-License-Identifier: Apache-2.0 */
/* settled.c - workloads whose turn would change nothing, and those that rest for it; see decide.h and view.h. */
#include "core/bits.h"
#include "core/decide.h"
#include "place/filter.h"

bool decide_keeps_enough(const spw_policy *policy)
{
    bool by_room = policy->division == SPW_DIVIDE_DYNAMIC || policy->division == SPW_DIVIDE_AGGREGATED;
    bool ordered = policy->order == SPW_GROUPS_ORDERED || policy->group_count == 1;
    return !policy->compat && by_room && ordered && policy->spread_count == 0;
}

/** Moves, placing anew, a failback window: all of these go on from tick to tick. */
static bool has_business(const memory_work *mem)
{
    for (int32_t g = 0; g < mem->group_count; g++) {
        if (mem->group_since[g] != MEMORY_NEVER) {
            return true;
        }
    }
    return mem->surge != 0 || mem->room_since != MEMORY_NEVER || mem->fresh_since != MEMORY_NEVER;
}

static bool seat_has_business(const memory_seat *mem)
{
    return mem->unseen != 0 || mem->moving != 0 || mem->nominated != 0 || mem->stuck != 0 || mem->barred;
}

static int64_t sum_assigned(const view *v, uint32_t work)
{
    int64_t sum = 0;
    for (uint32_t i = v->seat_first[work]; i < v->seat_end[work]; i++) {
        sum += v->seats[i].assigned;
    }
    return sum;
}

bool decide_is_settled(const spw_core *core, uint32_t work, const spw_policy *policy, int32_t wanted)
{
    const view *v = &core->view;
    const spw_workload *workload = &core->config.workloads[work];
    const memory_work *own = &core->memory.works[work];
    if (core->settings.explain || !decide_keeps_enough(policy) || has_business(own) ||
        decide_request(core, work) != MEMORY_NEVER || sum_assigned(v, work) != wanted) {
        return false;
    }
    const filter rules = {&core->config, workload, policy, &v->snap->clusters};
    const bool may_return = policy->failback != SPW_FAILBACK_NEVER && policy->group_count > 1;
    for (uint32_t i = v->seat_first[work]; i < v->seat_end[work]; i++) {
        const view_seat *seat = &v->seats[i];
        const view_cluster *cluster = &v->clusters[seat->cluster];
        const view_site *site = view_site_at(v, workload->policy, seat->cluster);
        if (seat->scheduled != seat->assigned || seat->held != seat->assigned || seat->held_coming != 0 ||
            seat->held_nominated != 0 || seat->victims != 0 || (may_return && site->group > 0) ||
            filter_cluster(&rules, cluster->row, site->group, cluster->ready, seat->assigned > 0) != SPW_VERDICT_NONE) {
            return false;
        }
    }
    size_t remembered = 0;
    const memory_seat *seats = memory_seats_of(&core->memory, work, &remembered);
    for (size_t i = 0; i < remembered; i++) {
        if (seat_has_business(&seats[i])) {
            return false;
        }
    }
    return true;
}

/* --- rest --- */

/**
 * Does the turn of a settled workload depend on nothing but its own rows, its own memory and its clusters? Trust in old
 * observations, rates of traffic, requests that fall due and images to be sent ahead ask for a look in each tick.
 */
static bool depends_on_itself(const spw_core *core, const spw_workload *w)
{
    if (w->policy == SPW_ID_NONE || core->settings.explain || core->preempting.on) {
        return false;
    }
    const spw_policy *p = &core->config.policies[w->policy];
    return decide_keeps_enough(p) && !decide_counts_reference(w, p) && w->units == NULL && w->gpu_milli == NULL &&
           !w->has_reschedule && p->route_lag == 0 && p->route != SPW_ROUTE_WATERFALL && p->prefetch_ppm == 0;
}

void decide_rest_start(spw_core *core)
{
    for (size_t w = 0; w < core->config.workload_count; w++) {
        if (core->memory.works[w].owner.kind != NULL) {
            bits_add(core->owned, w);
        }
        if (depends_on_itself(core, &core->config.workloads[w])) {
            bits_add(core->may_rest, w);
        }
        core->outcome_at[w] = UINT32_MAX;
    }
}

/**
 * Until when a workload that is settled may rest: until an entry of its memory is dropped by age.
 * @return SPW_TIME_MAX = for good; the present = not at all, as something is promised or on its way
 */
static spw_time rests_until(const spw_core *core, uint32_t work)
{
    size_t remembered = 0;
    const memory_seat *seats = memory_seats_of(&core->memory, work, &remembered);
    uint32_t present = core->view.seat_end[work] - core->view.seat_first[work];
    spw_time until = SPW_TIME_MAX;
    bool busy = false;
    for (size_t i = 0; i < remembered; i++) {
        busy = busy || seats[i].promised >= 0 || seats[i].evicting;
        if (seats[i].seen == core->view.now) {
            busy = busy || present == 0;
            present -= present > 0 ? 1 : 0;
        } else if (seats[i].seen + MEMORY_KEEP < until) {
            until = seats[i].seen + MEMORY_KEEP;
        }
    }
    return busy || present > 0 ? core->view.now : until;
}

void decide_rest(spw_core *core, const spw_plan *plan)
{
    view *v = &core->view;
    for (size_t i = 0; i < plan->action_count; i++) {
        spw_id row = plan->actions[i].workload;
        if (row != SPW_ID_NONE && v->work_of[row] != UINT32_MAX) {
            bits_remove(core->calm, v->work_of[row]);
        }
    }
    for (size_t w = bits_next(v->active, 0, v->works); w < v->works; w = bits_next(v->active, w + 1, v->works)) {
        memory_prune(&core->memory, (uint32_t)w, v->now);
        bool calm = bits_has(core->calm, w) && bits_has(core->may_rest, w);
        spw_time until = calm ? rests_until(core, (uint32_t)w) : v->now;
        if (until > v->now) {
            view_rest(v, (uint32_t)w, until);
        }
    }
    memory_prune_pools(&core->memory, v->now);
}
