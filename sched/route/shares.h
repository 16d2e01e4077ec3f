/* SPDX-License-Identifier: Apache-2.0 */
/** shares.h - traffic shares of a workload's clusters: whole millionths that sum to one million. */
#ifndef SCHED_ROUTE_SHARES_H
#define SCHED_ROUTE_SHARES_H

#include <stddef.h>
#include <stdint.h>

#define SHARES_WHOLE 1000000

/**
 * Proportional to `ready`, by largest remainder (ties to the earlier cluster); all 0 when nobody is ready.
 * @param in  ready   [count] >= 0
 * @param out shares  [count]
 */
void shares_by_ready(const int32_t *ready, size_t count, int32_t *shares);

/**
 * The same for parts of any size and any whole.
 * @param in  parts   [count] >= 0, sum < 2^62
 * @param in  whole   0..SHARES_WHOLE
 * @param out shares  [count]; sum = whole, or 0 if all parts are 0
 */
void shares_split(const int64_t *parts, size_t count, int32_t whole, int32_t *shares);

#endif
