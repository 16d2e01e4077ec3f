/* SPDX-License-Identifier: Apache-2.0 */
/**
 * queue.c - QueueScaler: the count for the rate that will be there when a replica ordered now is ready.
 *
 * Growth is asked for at once. A lower count is taken only when no count of the last `hold` was higher. Without a
 * reading nothing moves but into the bounds. A workload at 0 whose minimum is above 0 was switched off by somebody and
 * is left alone, as the HPA does.
 */
#include "scale/queue_size.h"
#include "scale/queue_track.h"

/** Nobody looks further ahead than back: the trend is that of the longer of window and lag. */
static spw_dur trend_window(const spw_queue *spec)
{
    return spec->window > spec->lag ? spec->window : spec->lag;
}

static spw_dur span_of(const spw_queue *spec)
{
    spw_dur trend = trend_window(spec);
    return trend > spec->hold ? trend : spec->hold;
}

static size_t queue_class_size(const void *spec)
{
    const spw_queue *q = spec;
    return queue_track_size(span_of(q), q->sync_s);
}

static void queue_class_init(void *state, const void *spec)
{
    const spw_queue *q = spec;
    queue_track_init(state, span_of(q), q->sync_s);
}

static const spw_hpa_metric *queue_metrics(const void *spec, const void *state, size_t *count)
{
    (void)state;
    *count = 1;
    return &((const spw_queue *)spec)->rate;
}

static int32_t queue_sync_s(const void *spec)
{
    return ((const spw_queue *)spec)->sync_s;
}

/** The mean rate now, or what a rising one will have become when a replica ordered now is ready. */
static double planned_rate(const spw_queue *spec, const queue_track *track, spw_time now)
{
    queue_fit level = queue_track_fit(track, now, spec->window);
    queue_fit trend = queue_track_fit(track, now, trend_window(spec));
    double then = level.mean + trend.slope_s * (level.age_s + (double)spec->lag / (double)SPW_NS_PER_S);
    double most = level.peak * ((double)spec->growth_max_ppm / 1e6);
    then = then > most ? most : then;
    return then > level.mean ? then : level.mean;
}

static void queue_decide(const void *spec, void *state, const scaler_input *in, scaler_result *out)
{
    const spw_queue *q = spec;
    queue_track *track = state;
    double rate = 0;
    *out = (scaler_result){.desired = in->current, .reason = SPW_WHY_NONE};
    if (in->current == 0 && q->replicas_min > 0) {
        return;
    }
    if (queue_read_rate(&q->rate, &in->readings[0], &rate)) {
        queue_track_add(track, in->now, rate);
        double planned = planned_rate(q, track, in->now);
        int32_t need = queue_replicas(&q->sizing, planned, q->replicas_min, q->replicas_max);
        out->desired = queue_settle(track, in->now, q->hold, in->current, need, q->replicas_min, q->replicas_max);
        out->reason = out->desired > in->current   ? SPW_WHY_QUEUE_ABOVE
                      : out->desired < in->current ? SPW_WHY_QUEUE_BELOW
                                                   : SPW_WHY_NONE;
    }
    if (in->current < q->replicas_min && out->desired <= q->replicas_min) {
        *out = (scaler_result){q->replicas_min, SPW_WHY_BELOW_MIN};
    } else if (in->current > q->replicas_max && out->desired >= q->replicas_max) {
        *out = (scaler_result){q->replicas_max, SPW_WHY_ABOVE_MAX};
    }
}

static size_t queue_save_size(const void *state)
{
    bytes_out o = {NULL, 0};
    queue_track_put(&o, state);
    return o.used;
}

static spw_rc queue_save(const void *state, void *buf, size_t size)
{
    if (size < queue_save_size(state)) {
        return SPW_LIMIT;
    }
    bytes_out o = {buf, 0};
    queue_track_put(&o, state);
    return SPW_OK;
}

static spw_rc queue_load(void *state, const void *buf, size_t size, size_t *used)
{
    bytes_in check = {.at = buf, .size = size};
    bytes_in i = check;
    queue_track_get(&check, state, NULL);
    if (check.bad) {
        return SPW_STATE;
    }
    queue_track_get(&i, state, state);
    *used = i.used;
    return SPW_OK;
}

const scaler_class scaler_queue = {.name = "queue",
                                   .fresh_only = true,
                                   .steady = true,
                                   .size = queue_class_size,
                                   .init = queue_class_init,
                                   .metrics = queue_metrics,
                                   .sync_s = queue_sync_s,
                                   .decide = queue_decide,
                                   .save_size = queue_save_size,
                                   .save = queue_save,
                                   .load = queue_load};
