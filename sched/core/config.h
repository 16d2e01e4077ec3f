/* SPDX-License-Identifier: Apache-2.0 */
/** config.h (internal) - checks a configuration and keeps a copy of it. */
#ifndef SCHED_CORE_CONFIG_H
#define SCHED_CORE_CONFIG_H

#include <spillway/autoscale.h>
#include <spillway/config.h>

#include "core/arena.h"

/** Longest window or deadline: ten years, so that sums of a few of them and a time stay in range. */
#define CONFIG_DUR_MAX (INT64_C(315360000) * SPW_NS_PER_S)

/** @return SPW_OK; SPW_INVAL with the first offence in err (row = index in its table) */
spw_rc config_check(const spw_config *config, spw_err *err);
/** What rows must not share, of a configuration that is right otherwise. index: [workload_count] scratch */
spw_rc config_check_unique(const spw_config *config, uint32_t *index, spw_err *err);

/** Deep copy into the arena. While the arena only counts, *to is not written. */
void config_copy(arena *a, const spw_config *from, spw_config *to);

/** Digests of what gives the saved state of one workload its meaning: the name and groups of its policy ... */
uint64_t config_place_digest(const spw_config *config, spw_id work);
/** ... and who owns its count, with all that the owner's state is laid out by. */
uint64_t config_scale_digest(const spw_config *config, spw_id work);
/**
 * Digest of what a policy says of places: division and weights, constraints, tolerations, groups; not its name.
 * @param in group  only this one of its groups counts; -1 = all do
 * @return never 0
 */
uint64_t config_placement_digest(const spw_policy *policy, int32_t group);
/** The policy of a workload, if it has several groups of which one is in use; else NULL. */
const spw_policy *config_failover(const spw_config *config, spw_id work);

/* --- between config.c and config_scalers.c --- */

spw_rc config_check_rules(const spw_scaling_rules *rules, spw_id row, spw_err *err);
spw_scaling_rules config_copy_rules(arena *a, const spw_scaling_rules *from);
uint64_t config_rules_hash(uint64_t h, const spw_scaling_rules *rules);
spw_rc config_check_scaler(const spw_config *config, const spw_scaler *s, spw_id row, spw_err *err);
spw_scaler config_copy_scaler(arena *a, const spw_scaler *from);
uint64_t config_scaler_hash(uint64_t h, const spw_scaler *s);

/* --- between config.c and config_place.c --- */

spw_rc config_check_place(const spw_policy *p, spw_id row, spw_err *err);
spw_rc config_check_data(const spw_workload *w, spw_id row, spw_err *err);
spw_rc config_check_rtt(const spw_rtt *r, spw_id row, spw_err *err);
void config_copy_place(arena *a, const spw_policy *from, spw_policy *to);
spw_rc config_check_units(const spw_units *units, spw_id row, spw_err *err);
const spw_units *config_copy_units(arena *a, const spw_units *from);
const spw_rtt *config_copy_rtts(arena *a, const spw_config *from);

#endif
