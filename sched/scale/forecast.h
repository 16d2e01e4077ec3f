/* SPDX-License-Identifier: Apache-2.0 */
/**
 * forecast.h - a seasonal profile learned as the rate goes by, and forecasts with a band from it.
 *
 * The season is cut into bins of Unix time. The mean rate of a bin is smoothed over seasons,
 *     profile = profile + learn (mean - profile);
 * a rate between the centres of two bins is interpolated. The level is the recent past against the profile, both
 * discounted with the time constant level_window. A forecast for an instant is level x profile there.
 *
 * The band is the `confidence` quantile q of the relative errors r = (rate - forecast) / forecast of earlier forecasts,
 * tracked by a step up of gain x scale x confidence for each r above it and one down of gain x scale x (1 - confidence)
 * for each below (stochastic approximation; the share of covered errors then tends to the confidence whatever their
 * law: Robbins and Monro 1951, Gibbs and Candes 2021). scale is the running mean of |r|. A negative quantile adds no
 * band.
 *
 * All of it lives in memory whose size follows from the spec.
 */
#ifndef SCHED_SCALE_FORECAST_H
#define SCHED_SCALE_FORECAST_H

#include "scale/scaler.h"

#define FORECAST_PENDING_MAX 64 /**< forecasts whose instant has not come yet, evenly spread over the lag */

typedef struct forecast_state forecast_state;

size_t forecast_size(const spw_forecast *spec);
void forecast_init(forecast_state *state, const spw_forecast *spec);

/** Takes in one sample of the rate (requests/s). `now` never runs backwards. */
void forecast_learn(const spw_forecast *spec, forecast_state *state, spw_time now, spw_time unix_ns, double rate);

typedef struct forecast_view {
    bool learned; /**< every bin has been seen */
    double now;   /**< mean rate over the window */
    double ahead; /**< forecast for now + lag; = now before learned */
    double upper; /**< with the band */
    double band;  /**< relative, >= 0 */
} forecast_view;

forecast_view forecast_look(const spw_forecast *spec, const forecast_state *state, spw_time now, spw_time unix_ns);

#endif
