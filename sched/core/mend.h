/* SPDX-License-Identifier: Apache-2.0 */
/**
 * mend.h - what keeps a placement in order when the world misbehaves, as stages around the others of a tick.
 *
 *   mend_health   before all: which clusters count as lost; what their copies are worth
 *   mend_slots    before the targets of a workload: replicas that are stuck are not held, clusters are barred
 *   mend_move     moves, within dwell time and limits
 *   mend_review   after the targets: takes back shrinking that must wait
 *   mend_budgets  after that: takes back what a disruption budget does not allow
 *   mend_record   after all shrinking: remembers which way each count went
 *
 * Health is debounced: a cluster is lost only after it has not answered for failover_after, and back only after it has
 * answered for as long. Until then it is frozen: it keeps what it has and gets nothing new. Copies on a lost cluster
 * are evicted gracefully: they stay until as many replicas as are wanted are ready elsewhere, or the grace has passed;
 * until then nothing new goes to the cluster, even if it answers again. If it is back when the grace has passed, its
 * copies are taken over instead of deleted.
 *
 * Sources: thresholds of Karmada's cluster status collector (30 s), its graceful eviction (10 min); upstream shrinks a
 * cluster that is back after the grace all the same.
 */
#ifndef SCHED_CORE_MEND_H
#define SCHED_CORE_MEND_H

#include "core/decide.h"

/** Sets ready and stale of the view's clusters, and held and ready of the seats on lost ones. */
void mend_health(spw_core *core);

/** The descheduler: changes held and can_grow of core->fill.slots. */
void mend_slots(spw_core *core, uint32_t work, const spw_policy *policy);

/**
 * What the descheduler leaves of `assigned` on a cluster (Karmada pkg/descheduler): what is not stuck, and at least
 * what is ready; everything if all are ready.
 */
int32_t mend_target(int32_t assigned, int32_t ready, int32_t stuck);

/** Moves up to `movable` replicas by fill_move. @return replicas moved */
int32_t mend_move(spw_core *core, uint32_t work, const spw_policy *policy, int32_t movable);

/** Removes from core->shrinks what must wait: copies whose eviction is not over, counts that are frozen. */
void mend_review(spw_core *core, spw_plan *plan);

/**
 * Lowers what core->shrinks take to what disruption budgets allow, and says so in the plan; the rule heads
 * mend_budget.c. Policies with `compat` read no budgets.
 */
void mend_budgets(spw_core *core, spw_plan *plan);

/** Notes the direction in which the plan changes each count; freezes those that went up and down twice. */
void mend_record(spw_core *core, const spw_plan *plan);

/** The policy of a workload, NULL if it has none. */
const spw_policy *mend_policy(const spw_core *core, uint32_t work);

/** What is remembered of a seat of the view, NULL if nothing. */
memory_seat *mend_memory(const spw_core *core, uint32_t work, uint32_t cluster);

/** The entry of a cluster, NULL if there is none. */
memory_cluster *mend_cluster_find(const memory *m, uint64_t key);

#endif
