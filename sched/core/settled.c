/* SPDX-License-Identifier: Apache-2.0 */
/* settled.c - workloads whose turn would change nothing; see decide.h. */
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

bool decide_is_settled(const spw_core *core, uint32_t work, const spw_policy *policy, int32_t wanted)
{
    const view *v = &core->view;
    const spw_workload *workload = &core->config.workloads[work];
    const memory_work *own = &core->memory.works[work];
    if (core->settings.explain || core->preempting.on || !decide_keeps_enough(policy) || has_business(own) ||
        decide_request(core, work) != MEMORY_NEVER) {
        return false;
    }
    const filter rules = {&core->config, workload, policy, &v->snap->clusters};
    const bool may_return = policy->failback != SPW_FAILBACK_NEVER && policy->group_count > 1;
    int64_t placed = 0;
    for (uint32_t i = v->seat_first[work]; i < v->seat_first[work + 1]; i++) {
        const view_seat *seat = &v->seats[i];
        const view_cluster *cluster = &v->clusters[seat->cluster];
        const view_site *site = view_site_at(v, workload->policy, seat->cluster);
        if (seat->scheduled != seat->assigned || seat->held != seat->assigned || seat->held_coming != 0 ||
            seat->held_nominated != 0 || seat->victims != 0 || (may_return && site->group > 0) ||
            filter_cluster(&rules, cluster->row, site->group, cluster->ready, seat->assigned > 0) != SPW_VERDICT_NONE) {
            return false;
        }
        placed += seat->assigned;
    }
    size_t remembered = 0;
    const memory_seat *seats = memory_seats_of(&core->memory, work, &remembered);
    for (size_t i = 0; i < remembered; i++) {
        if (seat_has_business(&seats[i])) {
            return false;
        }
    }
    return placed == wanted;
}
