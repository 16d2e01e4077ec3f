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
