/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * output.h - output analysis: where the warm-up ends, intervals from one long run, when to stop, many comparisons.
 *
 * Intervals of means and of percentiles come from independent replications: one figure for each replication, then
 * stat_student_half_width(). A percentile of all requests has no independent parts to build an interval from, its
 * replications do. Batch means are for one long run that cannot be repeated.
 *
 * Random streams (rng.h): replication r of seed s draws from stream(s, r, name, key), one for each entity, never from
 * a shared sequence. Replications are independent because r enters the key; runs of two policies with the same (s, r)
 * share the luck of every entity they have in common, which is what paired differences live on.
 */
#ifndef SIM_STATS_OUTPUT_H
#define SIM_STATS_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "sim/stats/stats.h"

/** Where a series settles. */
typedef struct stat_warmup {
    size_t cut;     /**< values to leave out at the front: a multiple of the batch */
    bool too_short; /**< the best cut lies in the second half: the series is too short to tell */
} stat_warmup;

/**
 * MSER-5 for batch = 5 (White 1997; White, Cobb and Spratt 2000): of the means of `batch` successive values, leave out
 * the first d that make sum((z_i - mean)^2) / (m - d)^2 over the m - d others smallest. The last five batches always
 * stay, because a handful of values can be equal by chance.
 * @param in x  [n] values in order of time; with fewer than ten batches the answer is {0, true}
 */
stat_warmup stat_mser(const double *x, size_t n, size_t batch);

/**
 * Whether the front of a series is another level than the rest: MSER leaves some of plain noise out, too, by chance.
 * Means of the batches before and behind the cut differ by three times what their scatter makes of it; the scatter by
 * successive differences (von Neumann 1941), which a slow change does not widen. Differences of less than 1e-9 of the
 * level are rounding.
 */
bool stat_front_differs(const double *x, size_t n, size_t batch, size_t cut);

/**
 * Half width of the interval of the mean of one correlated series by non-overlapping batch means (Schmeiser 1982:
 * ten to thirty batches): Student over the means of `batches` parts of equal length; what does not divide is left out
 * at the front.
 * @param out mean  of the values used; may be NULL
 * @return NaN when there are fewer than two values in a batch or fewer than two batches
 */
double stat_batch_means(const double *x, size_t n, size_t batches, double level, double *mean);

/** How narrow an interval is wanted. */
typedef struct stat_goal {
    double half_width;
    bool relative; /**< as a share of the size of a reference value, else in its unit */
} stat_goal;

/** "2%" -> relative 0.02, "0.5" -> absolute. @return 0, or -1: not a positive number, nothing written */
int stat_goal_parse(const char *text, stat_goal *goal);
/** Whether a half width is narrow enough. NaN never is. */
bool stat_goal_met(const stat_goal *goal, double half_width, double reference);

/**
 * Two-sided p-value of "the mean is 0" by Student's test. Without any spread: 1 for a mean of 0, else 0. NaN when
 * n < 2.
 */
double stat_student_p(const stat_tally *t);
/** Probability that Student's t with `freedom` degrees is below x; of the normal distribution when freedom < 1. */
double stat_student_below(double x, double freedom);

/**
 * Holm's step-down adjustment (1979): smallest family-wise levels at which each of n hypotheses falls. NaN entries do
 * not count and stay NaN.
 * @param in p, out adjusted  [n], two different arrays
 */
void stat_holm(const double *p, size_t n, double *adjusted);

#endif
