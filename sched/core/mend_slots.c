/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mend_slots.c - the descheduler, and what bounds moves; see mend.h.
 *
 * A replica that stays without a node though the snapshot shows room for it is stuck: the room is not real for it.
 * After unschedulable_after it is planned anew, and the cluster gets nothing more of the workload for the cool-down:
 * its room would be believed in again in the very next tick. Replicas that wait for ordered nodes are not stuck; those
 * have the provision deadline.
 */
#include "core/mend.h"
#include "core/slots.h"

static int32_t min32(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

int32_t mend_target(int32_t assigned, int32_t ready, int32_t stuck)
{
    if (ready >= assigned || stuck <= 0 || assigned < stuck) {
        return assigned;
    }
    int32_t target = assigned - stuck;
    return target < ready ? ready : target;
}

/** How many have been stuck for the whole threshold: the least seen over it. The clock is that of the observations: a
 * picture that does not change because none comes is no evidence. */
static int32_t long_stuck(memory *m, memory_seat *mem, int32_t waiting, spw_time observed, spw_dur after)
{
    if (waiting <= 0) {
        mem->stuck = 0;
        return 0;
    }
    if (mem->stuck == 0) {
        mem->stuck = waiting;
        memory_times_set(m, mem)->stuck_since = observed;
    }
    mem->stuck = min32(mem->stuck, waiting);
    return observed - memory_times_of(m, mem)->stuck_since >= after ? mem->stuck : 0;
}

static void deschedule(spw_core *core, const spw_policy *policy, fill_slot *slot, memory_seat *mem)
{
    const view_seat *seat = slots_seat(core, slot);
    if (seat == NULL || core->view.clusters[slot->cluster].stale) {
        mem->stuck = 0; /* nothing there, or nothing known of it */
        return;
    }
    int32_t waiting = seat->held - seat->held_coming - seat->scheduled;
    spw_time observed = core->view.snap->placements.observed[seat->row];
    int32_t stuck = long_stuck(&core->memory, mem, waiting, observed, policy->unschedulable_after);
    int32_t gone = seat->assigned - mend_target(seat->assigned, seat->ready, stuck);
    if (gone > 0) {
        slot->held -= min32(gone, slot->held);
        mem->moving -= min32(gone, mem->moving);
        mem->promised = -1;
        mem->stuck = 0;
        mem->barred = true;
        memory_times_set(&core->memory, mem)->barred_until = core->view.now + policy->deschedule_cooldown;
        slot->can_grow = false;
    }
}

void mend_slots(spw_core *core, uint32_t work, const spw_policy *policy)
{
    size_t remembered = core->memory.works[work].seat_count;
    for (size_t i = 0; i < core->fill.count && policy->unschedulable_after > 0 && remembered > 0; i++) {
        fill_slot *slot = &core->fill.slots[i];
        memory_seat *mem = slots_memory(core, work, slot);
        if (mem == NULL) {
            continue;
        }
        mem->barred = mem->barred && core->view.now < memory_times_of(&core->memory, mem)->barred_until;
        slot->can_grow = slot->can_grow && !mem->barred;
        deschedule(core, policy, slot, mem);
    }
}

/* --- moves --- */

/** Replicas of a workload on a cluster that have not run for the dwell time yet. */
static int32_t young(const spw_core *core, uint32_t work, uint32_t cluster, spw_dur dwell)
{
    const spw_pod_rows *t = &core->view.snap->pods;
    int32_t count = 0;
    for (uint32_t i = core->pod_first[work]; i < core->pod_first[work + 1]; i++) {
        uint32_t row = core->pods[i];
        bool here = core->view.canonical[t->cluster[row]] == cluster && t->deleting[row] == 0;
        count += here && (t->started[row] == SPW_TIME_MAX || core->view.now - t->started[row] < dwell) ? 1 : 0;
    }
    return count;
}

/** Replicas that moves may take: the last group gives first, and a group with young ones gives its old ones only. */
static int32_t old_enough(const spw_core *core, uint32_t work, const spw_policy *policy)
{
    const fill *f = &core->fill;
    int32_t sum = 0;
    bool has_young = false;
    for (int32_t g = (int32_t)policy->group_count - 1; g > 0 && !has_young; g--) {
        for (size_t i = 0; i < f->count; i++) {
            if (f->slots[i].group == g && f->slots[i].target > 0) {
                int32_t fresh = min32(young(core, work, f->slots[i].cluster, policy->dwell), f->slots[i].target);
                has_young = has_young || fresh > 0;
                sum += f->slots[i].target - fresh;
            }
        }
    }
    return sum;
}

int32_t mend_move(spw_core *core, uint32_t work, const spw_policy *policy, int32_t movable)
{
    fill *f = &core->fill;
    int32_t budget = min32(movable, policy->moves_per_tick);
    if (policy->dwell > 0) {
        budget = min32(budget, old_enough(core, work, policy));
    }
    if (policy->moves_per_cluster == 0) {
        return fill_move(f, budget);
    }
    int32_t moved = 0;
    int32_t last = -1;
    while (moved < budget && moved != last) {
        last = moved;
        moved += fill_move(f, 1);
        for (size_t i = 0; i < f->count; i++) {
            f->slots[i].can_grow = f->slots[i].can_grow && f->slots[i].moved_in < policy->moves_per_cluster;
        }
    }
    return moved;
}
