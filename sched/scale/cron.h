/* SPDX-License-Identifier: Apache-2.0 */
/**
 * cron.h - schedules on the calendar, and the rules of a CronFederatedHPA over them.
 *
 * Times are Unix time in ns, proleptic Gregorian, without leap seconds. A schedule fires at the beginning of a minute
 * of a zone with a fixed offset from UTC.
 */
#ifndef SCHED_SCALE_CRON_H
#define SCHED_SCALE_CRON_H

#include "scale/bytes.h"
#include "scale/scaler.h"

/** First fire after `after`, SPW_TIME_MAX if there is none in 64-bit time. @cost O(days to the next month that fits) */
spw_time cron_next(const spw_schedule *schedule, int32_t utc_offset_s, spw_time after);

/** Last fire in (from, to], SCALER_NEVER if none. @cost O(days between), at most a few thousand steps */
spw_time cron_last(const spw_schedule *schedule, int32_t utc_offset_s, spw_time from, spw_time to);

typedef struct cron_state {
    spw_time checked; /**< Unix time up to which fires were handled; SCALER_NEVER before the first tick */
    int32_t pending;  /**< workload: a count that was asked for and has not shown yet; -1 = none */
    spw_time pending_since;
    int32_t replicas_min; /**< HPA: as last set; -1 = never */
    int32_t replicas_max;
} cron_state;

void cron_init(cron_state *state);

/**
 * Handles the fires since the last call, of each rule the last one, in order of time (rules at one instant in their own
 * order). low and high are the bounds of the HPA's own spec, for a cron over an HPA; 0 and INT32_MAX else.
 */
void cron_run(const spw_cron *spec, cron_state *state, spw_time unix_ns, spw_time now, int32_t low, int32_t high);

void cron_put(bytes_out *o, const cron_state *state);
/** Reads what cron_put() wrote; damage shows in i->bad. */
void cron_get(bytes_in *i, cron_state *state);

#endif
