/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * laws.h - the models of the world, each alone: what it says as a formula, where that comes from, and what the code of
 * models/ makes of it with parameters that make a good picture.
 *
 * A law is one of two. A distribution is sampled, and its closed form is the share of values at or below x. A curve is
 * a figure that the model gives at x, by itself or as the mean of many draws. The closed forms here are written from
 * the formula, not from the model's code: list, pictures and tests (tests/unit/test_laws.c) come from one row, so that
 * text and code cannot drift apart. The parameters are examples; those of the world stand in scenarios/tables.
 */
#ifndef SIM_LAWS_LAWS_H
#define SIM_LAWS_LAWS_H

#include <gsl/gsl_rng.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct law {
    const char *name; /**< one word: "spot-weibull" */
    const char *formula;
    const char *parameters; /**< what they are, with units, and their values in the picture; may have several lines */
    const char *source;
    const char *x, *y; /**< what the picture's axes show, with units; a distribution's y is the share below */

    /** Distribution: n values by the model. @return false: no memory */
    bool (*sample)(double *values, size_t n, gsl_rng *r);
    /** Curve: what the model gives at x; NaN: no memory. */
    double (*at)(double x, gsl_rng *r);
    /** The closed form at x: share at or below it, or the curve. */
    double (*exact)(double x);
    /** With parameters that are data, in place of sample or at, and of exact; `of` (borrowed) is handed to both. */
    const void *of;
    bool (*sample_of)(const void *of, double *values, size_t n, gsl_rng *r);
    double (*at_of)(const void *of, double x, gsl_rng *r);
    double (*exact_of)(const void *of, double x);
    double from, to; /**< curve: its range of x */
    int points;      /**< curve: so many values of x, in equal steps from from to to */
    double within;   /**< curve: `at` is no further from `exact` than this, chance included */
} law;

typedef struct law_family {
    const char *name, *what;
    const law *laws;
    size_t count;
} law_family;

extern const law_family law_delays, law_lengths, law_arrivals, law_supply, law_network, law_clients, law_engines,
    law_gpus;
/** All of them, as they are listed; ends with NULL. */
extern const law_family *const law_families[];

/** @return the law of that name, or NULL */
const law *law_find(const char *name);

/** Whether it is sampled; a curve otherwise. */
bool law_is_distribution(const law *l);
/** Its closed form at x. */
double law_exact(const law *l, double x);

#define LAW_DRAWS  20000 /**< values of a distribution */
#define LAW_SHARES 50    /**< of which so many quantiles, and one, make the picture */

typedef struct law_point {
    double x, model, exact;
} law_point;

/** Points of a law's picture: LAW_SHARES + 1 or law.points of them. */
size_t law_count(const law *l);
/**
 * @param at  [law_count()] ascending x; a distribution's: a quantile, and the share of the values at or below it
 * @return false: no memory
 */
bool law_points(const law *l, unsigned long seed, law_point *at);
/**
 * How far the model is from the closed form, as a share of what chance explains: a distribution by the largest
 * difference of the shares at or below a value, and just below it, times sqrt(n), over 1.63, which one sample in a
 * hundred exceeds (Kolmogorov's limit law; fewer where values repeat); a curve by its largest difference over `within`.
 * @return 0 to 1: agrees; NaN: no memory, or the model or the closed form gives no number somewhere
 */
double law_misfit(const law *l, unsigned long seed);

#endif
