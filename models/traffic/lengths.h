/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * lengths.h - how long requests are: laws of token counts, alone and jointly, and service times of stations.
 */
#ifndef MODELS_TRAFFIC_LENGTHS_H
#define MODELS_TRAFFIC_LENGTHS_H

#include <gsl/gsl_rng.h>
#include <stddef.h>
#include <stdint.h>

typedef enum mdl_length_kind {
    MDL_LENGTH_FIXED = 1,
    MDL_LENGTH_LOGNORMAL = 2,
    MDL_LENGTH_EMPIRICAL = 3,
    MDL_LENGTH_GEOMETRIC = 4
} mdl_length_kind;

/** A law of counts (tokens of a request, turns of a conversation), always clipped to [min, max]. */
typedef struct mdl_length_law {
    mdl_length_kind kind;
    int32_t fixed;
    double median, sigma;  /**< LOGNORMAL: exp(N(ln median, sigma)) rounded */
    double mean;           /**< GEOMETRIC: on 1, 2, ..: P(N > n) = (1 - 1 / mean)^n; >= 1 */
    const int32_t *values; /**< EMPIRICAL: drawn uniformly; borrowed */
    size_t value_count;    /**< EMPIRICAL: > 0 */
    int32_t min, max;
} mdl_length_law;
int32_t mdl_length_draw(const mdl_length_law *law, gsl_rng *r);
/** Shortest and longest that can be drawn. */
void mdl_length_bounds(const mdl_length_law *law, int32_t *least, int32_t *most);
/** Mean after clipping. Costs a sum over [min, max] for LOGNORMAL: min + sum of P(N >= n). */
double mdl_length_mean(const mdl_length_law *law);
/** What the clipping does to a law. */
typedef struct mdl_length_cut {
    double raised, lowered; /**< share of the draws that lie below min, and above max, 0..1 */
} mdl_length_cut;
mdl_length_cut mdl_length_clipping(const mdl_length_law *law);

/**
 * Input and output of one request together.
 *
 * Without pairs and correlation both are drawn independently, input first. With a correlation they are joined by a
 * Gaussian copula (Nelsen, An Introduction to Copulas, 2nd ed., section 2.3.6): z1, z2 standard normal with this
 * correlation, each length the quantile of its law at Phi(z). The marginals stay what they are; the rank correlation
 * (Spearman) of continuous ones is 6/pi asin(correlation / 2). EMPIRICAL values must then be sorted ascending.
 * With pairs, one pair is drawn uniformly, both at least 1 token.
 */
typedef struct mdl_lengths {
    mdl_length_law input, output;
    double correlation;                      /**< of the normal scores, -1..1; 0 = independent */
    const int32_t *pair_input, *pair_output; /**< [pair_count]; borrowed */
    size_t pair_count;                       /**< 0 = drawn from the two laws */
} mdl_lengths;
void mdl_lengths_draw(const mdl_lengths *lengths, gsl_rng *r, int32_t *input, int32_t *output);

typedef enum mdl_service_kind {
    MDL_SERVICE_FIXED = 1,
    MDL_SERVICE_EXPONENTIAL = 2,
    MDL_SERVICE_LOGNORMAL = 3,
    MDL_SERVICE_ERLANG = 4,
    MDL_SERVICE_HYPEREXP = 5,
    MDL_SERVICE_MEASURED = 6
} mdl_service_kind;
/**
 * A law of durations: service time of a station request, think time of a user. mean_s > 0; cv2 = squared coefficient of
 * variation where free (LOGNORMAL > 0, HYPEREXP >= 1: two branches with balanced means); stages >= 1 for ERLANG.
 * MEASURED draws from value_count >= 1 values (not copied), each as likely as any other; its mean_s is theirs.
 */
typedef struct mdl_service_law {
    mdl_service_kind kind;
    double mean_s, cv2;
    int32_t stages;
    const double *values_s;
    size_t value_count;
} mdl_service_law;
int64_t mdl_service_draw(const mdl_service_law *law, gsl_rng *r); /**< ns, >= 0 */

#endif
