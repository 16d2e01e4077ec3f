/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * stats.h - what a trace looks like: rates, burstiness, lengths.
 *
 * Quantiles are nearest-rank: value number ceil(p n) of the sorted ones. Variances are those of a population (over n).
 * Bins of time begin at the first request; peak, trough, mean and dispersion leave the last bin out, which is partial.
 */
#ifndef SIM_TRACE_STATS_H
#define SIM_TRACE_STATS_H

#include "sim/trace/trace.h"

#define STATS_POINTS 8                          /**< quantiles kept of anything */
extern const double stats_points[STATS_POINTS]; /**< 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1 */

/** A set of numbers. */
typedef struct stats_values {
    size_t count; /**< 0: nothing is known, and nothing else is set */
    double mean, cv, min;
    double at[STATS_POINTS]; /**< quantiles at stats_points */
} stats_values;

/** Numbers of doubles; sorts them in place. */
stats_values stats_of_values(double *values, size_t count);

/** Requests in bins of equal width. */
typedef struct stats_bins {
    int64_t width_ns;
    size_t count;       /**< bins, the partial one included */
    size_t full;        /**< count - 1 */
    uint32_t *requests; /**< [count] */
    uint32_t peak, trough;
    double mean;       /**< requests of a full bin */
    double dispersion; /**< variance / mean of full bins: 1 for a Poisson process at a constant rate */
} stats_bins;

typedef struct trace_stats {
    size_t count;
    double span_s, rate_per_s; /**< rate: count / span, 0 without a span */
    double gap_cv;             /**< of the gaps between requests; 0 with fewer than 3 requests */
    size_t zero_gaps;
    stats_values gaps; /**< s */
    stats_bins minutes, hours;
    uint64_t by_hour[24]; /**< requests by hour of day: of the calendar, or from the origin of the file's times */
    double covered_h[24]; /**< hours that the trace covers of each */
    size_t days;
    uint32_t *by_day;           /**< [days] by calendar day, or day from the origin */
    stats_values input, output; /**< tokens; count 0: the file has none */
    double pearson, spearman;   /**< correlation of input and output; NaN where one of them does not vary */
    bool has_prefix, has_sessions, has_priority, has_blocks;
    double prefix_share; /**< prefix tokens / input tokens */
    double turns_mean;   /**< requests of a session */
    size_t sessions;
    double in_session; /**< share of requests that have one */
    stats_values blocks;
    double block_share; /**< blocks found by the longest-prefix rule / blocks */
    int64_t blocks_distinct;
} trace_stats;

/** @return to be freed with trace_stats_free(); NULL: memory */
trace_stats *trace_stats_of(const trace *t);
void trace_stats_free(trace_stats *s); /**< NULL allowed */

#endif
