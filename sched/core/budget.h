/* SPDX-License-Identifier: Apache-2.0 */
/** budget.h - what the disruption budget of a workload asks for; whoever takes ready replicas away reads it here. */
#ifndef SCHED_CORE_BUDGET_H
#define SCHED_CORE_BUDGET_H

#include <spillway/config.h>

/** Has the workload any: a PodDisruptionBudget, or min_available? */
bool budget_is_set(const spw_workload *w);

/**
 * Ready replicas that should stay of `wanted`; percentages are rounded up, as Kubernetes' disruption controller does.
 * May be above `wanted`, and negative where more may be missing than are wanted.
 */
int64_t budget_floor(const spw_workload *w, int64_t wanted);

#endif
