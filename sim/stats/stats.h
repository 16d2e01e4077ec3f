/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * stats.h - what the workbench counts with.
 *
 * Histograms and time integrals are integers: they merge exactly and in any order. Tallies are doubles: merge them in
 * a fixed order (replication number, never order of finishing) where bytes have to repeat.
 */
#ifndef SIM_STATS_STATS_H
#define SIM_STATS_STATS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/**
 * Log-linear histogram of non-negative int64 values (ns): 2^sub_bits buckets for each power of two, exact below
 * 2^(sub_bits+1). Integer counts: merging is addition, so any parallel split gives the same bytes. Quantiles answer
 * with the upper edge of the bucket that holds the nearest-rank value, never beyond the exact maximum: relative
 * error <= 2^-sub_bits, never below the true value. Count, sum (128-bit), min and max are exact. All buckets are
 * allocated at once, (64 - sub_bits) * 2^sub_bits of 8 bytes: 15 KB for 5, 58 KB for 7, 1.7 MB for 12.
 */
typedef struct stat_hist stat_hist;
stat_hist *stat_hist_new(unsigned sub_bits); /**< 3..12; NULL if out of memory */
void stat_hist_free(stat_hist *h);
void stat_hist_add(stat_hist *h, int64_t value);              /**< negative counts as 0 */
void stat_hist_merge(stat_hist *into, const stat_hist *from); /**< same sub_bits */
void stat_hist_reset(stat_hist *h);
uint64_t stat_hist_count(const stat_hist *h);
__extension__ __int128 stat_hist_sum(const stat_hist *h); /**< exact sum of the values as counted */
double stat_hist_mean(const stat_hist *h);                /**< NaN when empty */
int64_t stat_hist_max(const stat_hist *h);                /**< 0 when empty */
int64_t stat_hist_min(const stat_hist *h);                /**< 0 when empty */
/**
 * @param p  in [0,1]; the rank is ceil(p * count), at least 1, where a product within rounding of a whole number is
 *           that number (p = 0.07 of 100 values is the 7th). Below 0 or NaN counts as 0, above 1 as 1.
 * @return the quantile as described above; 0 when empty.
 */
int64_t stat_hist_quantile(const stat_hist *h, double p);
/** @return how many values are <= `value`, to bucket resolution: the bucket that holds `value` counts whole. */
uint64_t stat_hist_count_le(const stat_hist *h, int64_t value);

/** Writes a histogram for stat_hist_read(): numbers as this machine stores them, empty buckets left out. */
int stat_hist_write(const stat_hist *h, FILE *out); /**< 0, -1: stream error */
stat_hist *stat_hist_read(FILE *in);                /**< NULL: cut short, no histogram, or out of memory */

/** Count, mean, variance by Welford; merge by Chan. min, max and mean are 0 while n is 0. */
typedef struct stat_tally {
    uint64_t n;
    double mean, m2, min, max;
} stat_tally;
void stat_tally_init(stat_tally *t);
void stat_tally_add(stat_tally *t, double x);
void stat_tally_merge(stat_tally *into, const stat_tally *from);
double stat_tally_variance(const stat_tally *t); /**< sample variance; 0 when n < 2 */

/** Integral of an integer-valued step function over time: exact (128-bit). Time never runs backwards in it. */
typedef struct stat_timew {
    int64_t last_ns, value, max;
    __extension__ __int128 area; /**< value x ns */
} stat_timew;
void stat_timew_init(stat_timew *t, int64_t now_ns, int64_t value);
void stat_timew_set(stat_timew *t, int64_t now_ns, int64_t value);
void stat_timew_reset(stat_timew *t, int64_t now_ns); /**< restarts integral and max, keeps the value (warm-up) */
__extension__ __int128 stat_timew_area(const stat_timew *t, int64_t now_ns);
/** @return area over (start_ns, now_ns], where start_ns is the time of init or reset; the value if that is empty. */
double stat_timew_mean(const stat_timew *t, int64_t start_ns, int64_t now_ns);

/** Half width of the two-sided Student interval of the mean at `level` in (0,1), e.g. 0.95. NaN when n < 2 or the
 *  level is outside. */
double stat_student_half_width(const stat_tally *t, double level);

#endif
