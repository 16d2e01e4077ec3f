/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forecast.c - see forecast.h: learning and looking ahead. forecast_class.c makes a scaler of it.
 *
 * A bin that was watched for less than half its time teaches nothing. A forecast whose instant passed unwatched is
 * dropped.
 */
#include "scale/forecast_internal.h"
#include "scale/queue_size.h"

#define LEVEL_MIN    0.1 /* of the profile: beyond, the profile does not describe this service any more */
#define LEVEL_MAX    10.0
#define GAIN_MIN     0.08
#define SCALE_WEIGHT 0.02

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0 ? 1 : 0);
}

static uint32_t bin_count(const spw_forecast *spec)
{
    return (uint32_t)(spec->season / spec->bin);
}

spw_dur forecast_hold(const spw_forecast *spec)
{
    return spec->hold > spec->lag ? spec->hold : spec->lag;
}

size_t forecast_track_offset(const spw_forecast *spec)
{
    return sizeof(forecast_state) + bin_count(spec) * sizeof(forecast_bin);
}

static spw_dur track_span(const spw_forecast *spec)
{
    spw_dur hold = forecast_hold(spec);
    return spec->window > hold ? spec->window : hold;
}

size_t forecast_size(const spw_forecast *spec)
{
    return forecast_track_offset(spec) + queue_track_size(track_span(spec), spec->sync_s);
}

void forecast_init(forecast_state *state, const spw_forecast *spec)
{
    memset(state, 0, forecast_track_offset(spec));
    state->bin_count = bin_count(spec);
    state->track_at = forecast_track_offset(spec);
    state->bin_now = INT64_MIN;
    state->leveled = SCALER_NEVER;
    state->asked = SCALER_NEVER;
    queue_track_init(forecast_track(state), track_span(spec), spec->sync_s);
}

queue_track *forecast_track(forecast_state *state)
{
    return (queue_track *)(void *)((unsigned char *)state + state->track_at);
}

const queue_track *forecast_track_const(const forecast_state *state)
{
    return (const queue_track *)(const void *)((const unsigned char *)state + state->track_at);
}

static size_t bin_of(const forecast_state *state, int64_t number)
{
    return (size_t)(number - floor_div(number, state->bin_count) * state->bin_count);
}

/** The profile between the centres of two bins. */
static double profile_at(const spw_forecast *spec, const forecast_state *state, spw_time unix_ns)
{
    int64_t left = floor_div(unix_ns - spec->bin / 2, spec->bin);
    double share = (double)(unix_ns - spec->bin / 2 - left * spec->bin) / (double)spec->bin;
    double a = state->bins[bin_of(state, left)].mean;
    double b = state->bins[bin_of(state, left + 1)].mean;
    return a + (b - a) * share;
}

static bool is_learned(const forecast_state *state)
{
    return state->bins_seen == state->bin_count;
}

static double level_of(const forecast_state *state)
{
    double level = state->level_den > 0.0 ? state->level_num / state->level_den : 1.0;
    level = level < LEVEL_MIN ? LEVEL_MIN : level;
    return level > LEVEL_MAX ? LEVEL_MAX : level;
}

static void close_bin(const spw_forecast *spec, forecast_state *state)
{
    int64_t enough = spec->bin / (2 * spec->sync_s * SPW_NS_PER_S);
    if (state->bin_now == INT64_MIN || state->bin_samples == 0 || state->bin_samples < enough) {
        return;
    }
    forecast_bin *bin = &state->bins[bin_of(state, state->bin_now)];
    double mean = state->bin_sum / (double)state->bin_samples;
    if (bin->seen == 0) {
        bin->mean = mean;
        state->bins_seen++;
    } else {
        bin->mean += (double)spec->learn_ppm / 1e6 * (mean - bin->mean);
    }
    bin->seen += bin->seen < UINT32_MAX ? 1 : 0;
}

static void learn_level(const spw_forecast *spec, forecast_state *state, spw_time now, spw_time unix_ns, double rate)
{
    double keep = 0.0;
    if (state->leveled != SCALER_NEVER) {
        keep = queue_exp_minus((double)(now - state->leveled) / (double)spec->level_window);
    }
    state->level_num = state->level_num * keep + rate;
    state->level_den = state->level_den * keep + profile_at(spec, state, unix_ns);
    state->leveled = now;
}

/** One error of a forecast that has come due. */
static void learn_error(const spw_forecast *spec, forecast_state *state, double forecast, double rate)
{
    if (!(forecast > 0.0)) {
        return;
    }
    double error = (rate - forecast) / forecast;
    double size = error < 0.0 ? -error : error;
    double confidence = (double)spec->confidence_ppm / 1e6;
    size = size > LEVEL_MAX ? LEVEL_MAX : size;
    state->errors += state->errors < UINT32_MAX ? 1 : 0;
    double weight = 1.0 / state->errors > SCALE_WEIGHT ? 1.0 / state->errors : SCALE_WEIGHT;
    double gain = 1.0 / state->errors > GAIN_MIN ? 1.0 / state->errors : GAIN_MIN;
    state->scale += weight * (size - state->scale);
    state->quantile += gain * state->scale * (error > state->quantile ? confidence : confidence - 1.0);
}

static void judge(const spw_forecast *spec, forecast_state *state, spw_time now, double rate)
{
    while (state->pending_count > 0 && state->pending[state->pending_first].due <= now) {
        const forecast_pending *p = &state->pending[state->pending_first];
        if (now - p->due <= 2 * spec->sync_s * SPW_NS_PER_S) {
            learn_error(spec, state, p->rate, rate);
        }
        state->pending_first = (state->pending_first + 1) % FORECAST_PENDING_MAX;
        state->pending_count--;
    }
}

static void ask(const spw_forecast *spec, forecast_state *state, spw_time now, spw_time unix_ns)
{
    spw_dur spacing = spec->lag / (FORECAST_PENDING_MAX / 2);
    if (!is_learned(state) || state->pending_count == FORECAST_PENDING_MAX ||
        (state->asked != SCALER_NEVER && now - state->asked < spacing)) {
        return;
    }
    uint32_t at = (state->pending_first + state->pending_count++) % FORECAST_PENDING_MAX;
    double rate = level_of(state) * profile_at(spec, state, unix_ns + spec->lag);
    state->pending[at] = (forecast_pending){now + spec->lag, rate};
    state->asked = now;
}

void forecast_learn(const spw_forecast *spec, forecast_state *state, spw_time now, spw_time unix_ns, double rate)
{
    int64_t bin = floor_div(unix_ns, spec->bin);
    queue_track *track = forecast_track(state);
    queue_track_add(track, now, rate);
    judge(spec, state, now, queue_track_fit(track, now, spec->window).mean);
    if (bin != state->bin_now) {
        close_bin(spec, state);
        state->bin_now = bin;
        state->bin_sum = 0;
        state->bin_samples = 0;
    }
    state->bin_sum += rate;
    state->bin_samples++;
    if (is_learned(state)) {
        learn_level(spec, state, now, unix_ns, rate);
    }
    ask(spec, state, now, unix_ns);
}

forecast_view forecast_look(const spw_forecast *spec, const forecast_state *state, spw_time now, spw_time unix_ns)
{
    forecast_view v = {.learned = is_learned(state)};
    v.now = queue_track_fit(forecast_track_const(state), now, spec->window).mean;
    v.ahead = v.now;
    v.upper = v.now;
    if (v.learned) {
        v.band = state->quantile > 0.0 ? state->quantile : 0.0;
        v.ahead = level_of(state) * profile_at(spec, state, unix_ns + spec->lag);
        v.upper = v.ahead * (1.0 + v.band);
    }
    return v;
}
