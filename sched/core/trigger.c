/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trigger.c - when a workload is placed under Karmada's manner (pkg/scheduler/scheduler.go and helper.go): when what is
 * written does not sum to what is wanted, when it was asked for, when its placement is not the one that was applied;
 * never because of capacity.
 *
 * Karmada writes the placement that was applied beside the result. Here the memory keeps its digest, so that it goes
 * with the saved state. Where that is not known, as at first sight of a workload that runs already, the result itself
 * tells, if it cannot come from the placement: fixed weights give one result, and a cluster of no group was never
 * chosen.
 */
#include "core/config.h"
#include "core/decide.h"
#include "core/slots.h"

/** Of the placement as Karmada compares it: of several failover groups only the one in use counts. */
static uint64_t placement_of(spw_core *core, uint32_t work, const spw_policy *policy)
{
    memory_work *mem = &core->memory.works[work];
    if (mem->placement_group != mem->group) { /* policies do not change while a core lives */
        mem->placement = config_placement_digest(policy, mem->failover != NULL ? mem->group : -1);
        mem->placement_group = mem->group;
    }
    return mem->placement;
}

/** Is there something written that this placement cannot have given? */
static bool is_foreign(const spw_core *core, uint32_t work, const spw_policy *policy)
{
    const view *v = &core->view;
    bool written = false;
    for (uint32_t i = v->seat_first[work]; i < v->seat_end[work]; i++) {
        const view_seat *seat = &v->seats[i];
        written = written || seat->assigned > 0;
        if (seat->assigned > 0 && view_site_at(v, core->config.workloads[work].policy, seat->cluster)->group < 0) {
            return true;
        }
    }
    return written && policy->division == SPW_DIVIDE_STATIC;
}

static bool is_placement_new(spw_core *core, uint32_t work, const spw_policy *policy)
{
    const uint64_t applied = core->memory.works[work].applied;
    return applied != 0 ? applied != placement_of(core, work, policy) : is_foreign(core, work, policy);
}

bool decide_is_triggered(spw_core *core, uint32_t work, const spw_policy *policy, int32_t wanted)
{
    const fill *f = &core->fill;
    if (!policy->compat || f->fresh || policy->division == SPW_DIVIDE_DUPLICATED ||
        is_placement_new(core, work, policy)) {
        return true;
    }
    int64_t written = 0;
    for (uint32_t i = core->view.seat_first[work]; i < core->view.seat_end[work]; i++) {
        written += core->view.seats[i].assigned;
    }
    for (size_t i = 0; i < f->count; i++) {
        const view_seat *seat = slots_seat(core, &f->slots[i]);
        written += f->slots[i].held - (seat == NULL ? 0 : seat->assigned); /* promised, not to be seen yet */
    }
    return written != wanted;
}

void decide_note_placement(spw_core *core, uint32_t work, const spw_policy *policy)
{
    if (policy->compat && core->fill.refusal == SPW_VERDICT_NONE) { /* a refusal is tried again with the next tick */
        core->memory.works[work].applied = placement_of(core, work, policy);
    }
}
