/* SPDX-License-Identifier: Apache-2.0 */
/** config.h (internal) - checks a configuration and keeps a copy of it. */
#ifndef SCHED_CORE_CONFIG_H
#define SCHED_CORE_CONFIG_H

#include <spillway/config.h>

#include "core/arena.h"

/** Longest window or deadline: ten years, so that sums of a few of them and a time stay in range. */
#define CONFIG_DUR_MAX (INT64_C(315360000) * SPW_NS_PER_S)

/** @return SPW_OK; SPW_INVAL with the first offence in err (row = index in its table) */
spw_rc config_check(const spw_config *config, spw_err *err);

/** Deep copy into the arena. While the arena only counts, *to is not written. */
void config_copy(arena *a, const spw_config *from, spw_config *to);

/** Digest of what gives saved state its meaning: keys, policies and autoscalers. */
uint64_t config_hash(const spw_config *config);

#endif
