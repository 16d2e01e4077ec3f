/* SPDX-License-Identifier: Apache-2.0 */
/** forecast_internal.h - the state of a forecast, shared by forecast.c and forecast_class.c; nobody else includes it.
 */
#ifndef SCHED_SCALE_FORECAST_INTERNAL_H
#define SCHED_SCALE_FORECAST_INTERNAL_H

#include "scale/forecast.h"
#include "scale/queue_track.h"

typedef struct forecast_bin {
    double mean;
    uint32_t seen; /**< seasons that taught it */
} forecast_bin;

typedef struct forecast_pending {
    spw_time due;
    double rate;
} forecast_pending;

struct forecast_state {
    size_t track_at; /**< offset of the recent past behind the bins */
    uint32_t bin_count, bins_seen;
    int64_t bin_now; /**< number of the bin since 1970 that is being watched; INT64_MIN = none */
    double bin_sum;
    int64_t bin_samples;
    double level_num, level_den;
    spw_time leveled;
    double quantile, scale;
    uint32_t errors;
    spw_time asked;
    uint32_t pending_first, pending_count;
    forecast_pending pending[FORECAST_PENDING_MAX];
    forecast_bin bins[];
};

queue_track *forecast_track(forecast_state *state);
const queue_track *forecast_track_const(const forecast_state *state);
size_t forecast_track_offset(const spw_forecast *spec);
/** At least the lag: a count asked for ahead of a peak must still be there when it comes. */
spw_dur forecast_hold(const spw_forecast *spec);

#endif
