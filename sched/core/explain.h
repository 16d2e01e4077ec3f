/* SPDX-License-Identifier: Apache-2.0 */
/** explain.h - fills the candidates of a plan (spillway/plan.h): told is [clusters] by canonical number, or NULL. */
#ifndef SCHED_CORE_EXPLAIN_H
#define SCHED_CORE_EXPLAIN_H

#include "core/decide.h"

/** Before the filling: what each candidate holds and has room for. */
void explain_rooms(const spw_core *core, spw_candidate *told);

/** After it: what became of each. Clusters that were filtered out have their verdict already. */
void explain_verdicts(const spw_core *core, spw_candidate *told);

#endif
