/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * prior.h - what the variances of many points say about the variance of one that has few runs.
 *
 * Variances of the points are taken as draws of variance / (chi-square / freedom) around a common one: a scaled inverse
 * chi-square law, whose freedom is fitted by the moments of their logarithms (Smyth 2004, Statistical Applications in
 * Genetics and Molecular Biology 3(1), article 3, section 6.2). A variance of a point then has the freedom of its own
 * runs plus that of the prior: alike points vouch for each other, unlike ones do not.
 */
#ifndef SIM_EXPERIMENT_STAT_PRIOR_H
#define SIM_EXPERIMENT_STAT_PRIOR_H

#include <stdint.h>

#define STAT_PRIOR_LEAST 2.0  /**< freedom where too few points have two runs, or their variances are all unlike */
#define STAT_PRIOR_MOST  30.0 /**< freedom where the variances differ no more than chance alone lets them */

typedef struct stat_prior {
    double variance; /**< of one run: the mean over the points, weighted by freedom */
    double freedom;  /**< STAT_PRIOR_LEAST..STAT_PRIOR_MOST */
} stat_prior;

/**
 * @param squares   [count] sums of squared distances from the mean of each point
 * @param freedoms  [count] runs of the point less one, >= 1
 */
stat_prior stat_prior_of(const double *squares, const int32_t *freedoms, int32_t count);

#endif
