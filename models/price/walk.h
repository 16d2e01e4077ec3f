/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * walk.h - a spot price over time: mean-reverting on the logarithm (Ornstein-Uhlenbeck), held between steps.
 *
 * x is normal with mean 0 and standard deviation `sigma` in the long run; from one step to the next
 *   x' = x exp(-step/tau) + sigma sqrt(1 - exp(-2 step/tau)) Z,   tau = half_life / ln 2,
 * which is exact for any step. The price is base x exp(x - sigma^2/2), whose mean is the base, kept within
 * base x floor_share and base x cap_share (providers cap spot at the on-demand price).
 */
#ifndef MODELS_PRICE_WALK_H
#define MODELS_PRICE_WALK_H

#include <gsl/gsl_rng.h>
#include <stdint.h>

/** A row of scenarios/tables/walks.csv. */
typedef struct mdl_walk {
    double step_s;      /**< > 0: the price may change this often */
    double half_life_h; /**< > 0 */
    double sigma;       /**< of the logarithm */
    double floor_share, cap_share;
} mdl_walk;

double mdl_walk_start(const mdl_walk *walk, gsl_rng *r); /**< x at time 0, from the long-run law */
double mdl_walk_next(const mdl_walk *walk, double x, gsl_rng *r);
/** Price in the unit of `base_uusd`, rounded to nearest. */
int64_t mdl_walk_price(const mdl_walk *walk, int64_t base_uusd, double x);

#endif
