/* SPDX-License-Identifier: Apache-2.0 */
/**
 * slots.h - the candidates of a workload: the clusters that the filling of sched/place chooses from.
 *
 * Most workloads are placed in the first groups, and nothing they do depends on the others. So there are two lists: all
 * candidates, and the near ones, of which the outcome is the same.
 */
#ifndef SCHED_CORE_SLOTS_H
#define SCHED_CORE_SLOTS_H

#include "core/decide.h"

#define SLOTS_NO_SEAT UINT32_MAX /**< fill_slot.seat: nothing stands there */

/** What stands in the place of a slot, NULL if nothing. */
static inline const view_seat *slots_seat(const spw_core *core, const fill_slot *slot)
{
    return slot->seat == SLOTS_NO_SEAT ? NULL : &core->view.seats[slot->seat];
}

/** What is remembered of it, NULL if nothing. */
static inline memory_seat *slots_memory(const spw_core *core, uint32_t work, const fill_slot *slot)
{
    uint64_t key = core->view.clusters[slot->cluster].key;
    const view_seat *seat = slots_seat(core, slot);
    return memory_seat_near(&core->memory, work, key, seat == NULL ? 0 : seat->memory_hint);
}

/** All candidates, into core->fill. told: an explanation for each cluster, or NULL. */
void slots_list(spw_core *core, uint32_t work, spw_candidate *told);

/**
 * Those that the workload holds or is promised replicas on, and those with room in the first groups: up to the last
 * group it stands in (it may come back from there), and as many as have room for all that it wants.
 * @return false where that is not enough to tell the outcome, so that all must be listed: preemption, spread
 *         constraints, weights, units, Karmada's ways. Nothing is listed then
 */
bool slots_list_near(spw_core *core, uint32_t work, int32_t wanted);

/** After the filling of near ones: those that have nothing and get nothing are dropped, unless moves may look at them.
 */
void slots_drop_empty(spw_core *core);

#endif
