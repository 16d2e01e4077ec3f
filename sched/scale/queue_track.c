/* SPDX-License-Identifier: Apache-2.0 */
/* queue_track.c - see queue_track.h. */
#include "scale/queue_track.h"

enum { FIT_COUNT_MIN = 4 };

static uint32_t room_for(spw_dur span, int32_t sync_s)
{
    return (uint32_t)(span / (sync_s * SPW_NS_PER_S)) + 2u;
}

size_t queue_track_size(spw_dur span, int32_t sync_s)
{
    return sizeof(queue_track) + room_for(span, sync_s) * sizeof(queue_entry);
}

void queue_track_init(queue_track *track, spw_dur span, int32_t sync_s)
{
    *track = (queue_track){.since = SCALER_NEVER, .room = room_for(span, sync_s)};
    memset(track->entries, 0, track->room * sizeof track->entries[0]);
}

/** age 0 = newest */
static uint32_t index_of(const queue_track *track, uint32_t age)
{
    return (track->newest + track->room - age) % track->room;
}

void queue_track_add(queue_track *track, spw_time now, double rate)
{
    track->since = track->since == SCALER_NEVER ? now : track->since;
    track->newest = track->count == 0 ? 0 : (track->newest + 1) % track->room;
    track->count += track->count < track->room ? 1 : 0;
    track->entries[track->newest] = (queue_entry){now, rate, 0};
}

void queue_track_need(queue_track *track, int32_t need)
{
    track->entries[track->newest].need = need;
}

queue_fit queue_track_fit(const queue_track *track, spw_time now, spw_dur window)
{
    queue_fit fit = {0};
    double sum_x = 0; /* x in seconds before now, so that large clocks lose no digits */
    double sum_y = 0;
    double first_x = 0;
    for (uint32_t age = 0; age < track->count; age++, fit.count++) {
        const queue_entry *e = &track->entries[index_of(track, age)];
        if (now - e->at >= window && age > 0) {
            break;
        }
        first_x = (double)(e->at - now) / (double)SPW_NS_PER_S;
        sum_x += first_x;
        sum_y += e->rate;
        fit.peak = e->rate > fit.peak ? e->rate : fit.peak;
    }
    if (fit.count == 0) {
        return fit;
    }
    double mean_x = sum_x / fit.count;
    double sxx = 0;
    double sxy = 0;
    double syy = 0;
    fit.mean = sum_y / fit.count;
    fit.age_s = -mean_x;
    for (uint32_t age = 0; age < fit.count; age++) {
        const queue_entry *e = &track->entries[index_of(track, age)];
        double dx = (double)(e->at - now) / (double)SPW_NS_PER_S - mean_x;
        double dy = e->rate - fit.mean;
        sxx += dx * dx;
        sxy += dx * dy;
        syy += dy * dy;
    }
    bool covers = -first_x * 2.0 * (double)SPW_NS_PER_S >= (double)window;
    if (fit.count < FIT_COUNT_MIN || !covers || !(sxx > 0.0) || !(sxy != 0.0)) {
        return fit;
    }
    double slope = sxy / sxx;
    double residual = syy - slope * sxy; /* sum of squares about the line */
    double error2 = (residual > 0.0 ? residual : 0.0) / (fit.count - 2) / sxx;
    double noise = 9.0 * error2 / (slope * slope);
    fit.slope_s = noise < 1.0 ? slope * (1.0 - noise) : 0.0;
    return fit;
}

int32_t queue_track_held(const queue_track *track, spw_time now, spw_dur hold)
{
    if (track->since == SCALER_NEVER || now - track->since < hold) {
        return INT32_MAX;
    }
    int32_t held = 0;
    for (uint32_t age = 0; age < track->count; age++) {
        const queue_entry *e = &track->entries[index_of(track, age)];
        if (now - e->at > hold) {
            break;
        }
        held = e->need > held ? e->need : held;
    }
    return held;
}

void queue_track_put(bytes_out *o, const queue_track *track)
{
    bytes_put_i64(o, track->since);
    bytes_put(o, track->count, 4);
    for (uint32_t age = track->count; age-- > 0;) {
        const queue_entry *e = &track->entries[index_of(track, age)];
        bytes_put_i64(o, e->at);
        bytes_put_double(o, e->rate);
        bytes_put_i32(o, e->need);
    }
}

void queue_track_get(bytes_in *i, const queue_track *like, queue_track *into)
{
    spw_time since = bytes_get_time(i);
    uint32_t count = (uint32_t)bytes_get(i, 4);
    spw_time before = SCALER_NEVER;
    i->bad = i->bad || count > like->room || (count > 0) != (since != SCALER_NEVER);
    for (uint32_t k = 0; k < count && !i->bad; k++) {
        queue_entry e = {bytes_get_time(i), 0, 0};
        e.rate = bytes_get_double(i, 0.0);
        e.need = bytes_get_i32(i);
        i->bad = i->bad || e.at == SCALER_NEVER || e.at < before || e.need < 0;
        before = e.at;
        if (into != NULL) {
            into->entries[k] = e;
        }
    }
    if (into != NULL && !i->bad) {
        into->since = since;
        into->count = count;
        into->newest = count == 0 ? 0 : count - 1;
    }
}

bool queue_read_rate(const spw_hpa_metric *metric, const hpa_reading *reading, double *rate)
{
    if (metric->kind == SPW_METRIC_OBJECT || metric->kind == SPW_METRIC_EXTERNAL) {
        *rate = reading->value_milli > 0 ? (double)reading->value_milli / 1000.0 : 0.0;
        return reading->has_value;
    }
    int64_t sum = 0; /* exact or saturated, so that the order of the rows of pods means nothing */
    size_t sampled = 0;
    size_t blind = 0;
    for (size_t i = 0; i < reading->pod_count; i++) {
        const hpa_pod *pod = &reading->pods[i];
        if (pod->phase == SPW_POD_FAILED) {
            continue;
        }
        if (pod->has_sample) {
            sampled++;
            int64_t value = pod->value_milli > 0 ? pod->value_milli : 0;
            sum = value < INT64_MAX - sum ? sum + value : INT64_MAX;
        } else if (pod->ready != 0 && pod->deleting == 0) {
            blind++;
        }
    }
    if (sampled == 0) {
        return false;
    }
    *rate = (double)sum / 1000.0 * (double)(sampled + blind) / (double)sampled;
    return true;
}

int32_t queue_settle(queue_track *track, spw_time now, spw_dur hold, int32_t current, int32_t need, int32_t min,
                     int32_t max)
{
    need = need < min ? min : need;
    need = need > max ? max : need;
    queue_track_need(track, need);
    if (need >= current) {
        return need;
    }
    int32_t held = queue_track_held(track, now, hold);
    held = held > max ? max : held;
    return held < current ? held : (current < max ? current : max);
}
