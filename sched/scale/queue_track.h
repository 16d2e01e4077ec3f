/* SPDX-License-Identifier: Apache-2.0 */
/**
 * queue_track.h - the recent past of a rate and of the counts it asked for: mean, trend, hold.
 *
 * A ring of fixed size, one entry for each sync period. If it is filled faster than that, the oldest entries go early.
 */
#ifndef SCHED_SCALE_QUEUE_TRACK_H
#define SCHED_SCALE_QUEUE_TRACK_H

#include "scale/bytes.h"
#include "scale/scaler.h"

typedef struct queue_entry {
    spw_time at;
    double rate;  /**< requests/s */
    int32_t need; /**< replicas asked for then */
} queue_entry;

typedef struct queue_track {
    spw_time since; /**< of the first entry ever; SCALER_NEVER before it */
    uint32_t room, count, newest;
    queue_entry entries[];
} queue_track;

/** The rates of a window and their trend. */
typedef struct queue_fit {
    uint32_t count;
    double mean;
    double peak;    /**< greatest rate in the window */
    double age_s;   /**< mean age of the entries */
    double slope_s; /**< per second, shrunk towards 0 as far as noise explains it */
} queue_fit;

size_t queue_track_size(spw_dur span, int32_t sync_s);
void queue_track_init(queue_track *track, spw_dur span, int32_t sync_s);

/** Adds an entry; need is set later by queue_track_need(). */
void queue_track_add(queue_track *track, spw_time now, double rate);
void queue_track_need(queue_track *track, int32_t need);

/**
 * Over the entries in (now - window, now]. A trend needs four of them that cover half the window. With b the slope of
 * least squares and e its standard error, slope_s is b (1 - (3 e / b)^2), and 0 where that is negative (positive-part
 * shrinkage, James and Stein 1961): noise makes no trend, a clear trend stays as it is, and there is no step between.
 */
queue_fit queue_track_fit(const queue_track *track, spw_time now, spw_dur window);

/** Greatest need in [now - hold, now]; INT32_MAX while the track is younger than `hold`, as nothing is known of before.
 */
int32_t queue_track_held(const queue_track *track, spw_time now, spw_dur hold);

void queue_track_put(bytes_out *o, const queue_track *track);
/** Reads what queue_track_put() wrote for the same room; with `into` NULL only checks it. */
void queue_track_get(bytes_in *i, const queue_track *like, queue_track *into);

/**
 * The rate that a metric shows now, requests/s: the value of an OBJECT or EXTERNAL one, the sum over the pods of a PODS
 * one (ready pods without a sample count as the average of those with one). @return false if it cannot be read
 */
bool queue_read_rate(const spw_hpa_metric *metric, const hpa_reading *reading, double *rate);

/** What a count that is wanted at once turns into: bounds first, growth at once, shrinking after the hold. */
int32_t queue_settle(queue_track *track, spw_time now, spw_dur hold, int32_t current, int32_t need, int32_t min,
                     int32_t max);

#endif
