/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forecast_class.c - ForecastScaler: a count for the greater of the forecast with its band and the rate now; saved
 * form.
 *
 * Growth is immediate, a lower count must have been enough for the hold. As with the queue scaler, a workload at 0
 * whose minimum is above 0 is left alone.
 */
#include "scale/forecast_internal.h"
#include "scale/queue_size.h"

static size_t class_size(const void *spec)
{
    return forecast_size(spec);
}

static void class_init(void *state, const void *spec)
{
    forecast_init(state, spec);
}

static const spw_hpa_metric *class_metrics(const void *spec, const void *state, size_t *count)
{
    (void)state;
    *count = 1;
    return &((const spw_forecast *)spec)->rate;
}

static int32_t class_sync_s(const void *spec)
{
    return ((const spw_forecast *)spec)->sync_s;
}

static void forecast_decide(const void *spec, void *state, const scaler_input *in, scaler_result *out)
{
    const spw_forecast *f = spec;
    double rate = 0;
    *out = (scaler_result){.desired = in->current, .reason = SPW_WHY_NONE};
    if (in->current == 0 && f->replicas_min > 0) {
        return;
    }
    if (queue_read_rate(&f->rate, &in->readings[0], &rate)) {
        forecast_learn(f, state, in->now, in->unix_ns, rate);
        forecast_view v = forecast_look(f, state, in->now, in->unix_ns);
        double planned = v.upper > v.now ? v.upper : v.now;
        int32_t need = queue_replicas(&f->sizing, planned, f->replicas_min, f->replicas_max);
        out->desired = queue_settle(forecast_track(state), in->now, forecast_hold(f), in->current, need,
                                    f->replicas_min, f->replicas_max);
        if (out->desired != in->current) {
            out->reason = v.learned ? SPW_WHY_FORECAST : SPW_WHY_NOT_LEARNED;
        }
    }
    if (in->current < f->replicas_min && out->desired <= f->replicas_min) {
        *out = (scaler_result){f->replicas_min, SPW_WHY_BELOW_MIN};
    } else if (in->current > f->replicas_max && out->desired >= f->replicas_max) {
        *out = (scaler_result){f->replicas_max, SPW_WHY_ABOVE_MAX};
    }
}

static void put_state(bytes_out *o, const forecast_state *s)
{
    bytes_put(o, s->bin_count, 4);
    bytes_put_i64(o, s->bin_now);
    bytes_put_double(o, s->bin_sum);
    bytes_put_i64(o, s->bin_samples);
    bytes_put_double(o, s->level_num);
    bytes_put_double(o, s->level_den);
    bytes_put_i64(o, s->leveled);
    bytes_put_double(o, s->quantile);
    bytes_put_double(o, s->scale);
    bytes_put(o, s->errors, 4);
    bytes_put_i64(o, s->asked);
    bytes_put(o, s->pending_count, 4);
    for (uint32_t k = 0; k < s->pending_count; k++) {
        const forecast_pending *p = &s->pending[(s->pending_first + k) % FORECAST_PENDING_MAX];
        bytes_put_i64(o, p->due);
        bytes_put_double(o, p->rate);
    }
    for (uint32_t k = 0; k < s->bin_count; k++) {
        bytes_put(o, s->bins[k].seen, 4);
        bytes_put_double(o, s->bins[k].mean);
    }
    queue_track_put(o, forecast_track_const(s));
}

/** Reads all but the track into *s; with bins NULL only checks. */
static void get_state(bytes_in *i, const forecast_state *like, forecast_state *s, forecast_bin *bins)
{
    *s = *like;
    i->bad = i->bad || bytes_get(i, 4) != like->bin_count;
    s->bin_now = bytes_get_time(i);
    s->bin_sum = bytes_get_double(i, 0.0);
    s->bin_samples = bytes_get_i64(i);
    s->level_num = bytes_get_double(i, 0.0);
    s->level_den = bytes_get_double(i, 0.0);
    s->leveled = bytes_get_time(i);
    s->quantile = bytes_get_double(i, -1e9);
    s->scale = bytes_get_double(i, 0.0);
    s->errors = (uint32_t)bytes_get(i, 4);
    s->asked = bytes_get_time(i);
    s->pending_first = 0;
    s->pending_count = (uint32_t)bytes_get(i, 4);
    i->bad = i->bad || s->pending_count > FORECAST_PENDING_MAX || s->bin_samples < 0 || s->bin_samples > INT32_MAX;
    for (uint32_t k = 0; k < s->pending_count && !i->bad; k++) {
        s->pending[k].due = bytes_get_time(i);
        s->pending[k].rate = bytes_get_double(i, 0.0);
    }
    s->bins_seen = 0;
    for (uint32_t k = 0; k < like->bin_count && !i->bad; k++) {
        forecast_bin bin = {.seen = (uint32_t)bytes_get(i, 4)};
        bin.mean = bytes_get_double(i, 0.0);
        s->bins_seen += bin.seen > 0 ? 1 : 0;
        if (bins != NULL) {
            bins[k] = bin;
        }
    }
}

static size_t forecast_save_size(const void *state)
{
    bytes_out o = {NULL, 0};
    put_state(&o, state);
    return o.used;
}

static spw_rc forecast_save(const void *state, void *buf, size_t size)
{
    if (size < forecast_save_size(state)) {
        return SPW_LIMIT;
    }
    bytes_out o = {buf, 0};
    put_state(&o, state);
    return SPW_OK;
}

static spw_rc forecast_load(void *state, const void *buf, size_t size, size_t *used)
{
    forecast_state *s = state;
    bytes_in check = {.at = buf, .size = size};
    bytes_in i = check;
    forecast_state fresh;
    get_state(&check, s, &fresh, NULL);
    queue_track_get(&check, forecast_track_const(s), NULL);
    if (check.bad) {
        return SPW_STATE;
    }
    get_state(&i, s, &fresh, s->bins);
    queue_track_get(&i, forecast_track_const(s), forecast_track(s));
    *s = fresh; /* the bins are no part of the struct and stay */
    *used = i.used;
    return SPW_OK;
}

const scaler_class scaler_forecast = {.name = "forecast",
                                      .fresh_only = true,
                                      .steady = true,
                                      .size = class_size,
                                      .init = class_init,
                                      .metrics = class_metrics,
                                      .sync_s = class_sync_s,
                                      .decide = forecast_decide,
                                      .save_size = forecast_save_size,
                                      .save = forecast_save,
                                      .load = forecast_load};
