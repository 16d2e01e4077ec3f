/* SPDX-License-Identifier: GPL-3.0-or-later */
/** walk.c - steps of a mean-reverting price. */
#include "models/price/walk.h"

#include <math.h>

#include "models/random/variates.h"

double mdl_walk_start(const mdl_walk *walk, gsl_rng *r)
{
    return walk->sigma * mdl_ran_normal(r);
}

double mdl_walk_next(const mdl_walk *walk, double x, gsl_rng *r)
{
    double kept = exp(-walk->step_s * log(2.0) / (walk->half_life_h * 3600.0));
    return x * kept + walk->sigma * sqrt(1.0 - kept * kept) * mdl_ran_normal(r);
}

int64_t mdl_walk_price(const mdl_walk *walk, int64_t base_uusd, double x)
{
    double share = exp(x - 0.5 * walk->sigma * walk->sigma);
    if (share < walk->floor_share) {
        share = walk->floor_share;
    }
    if (share > walk->cap_share) {
        share = walk->cap_share;
    }
    return llround((double)base_uusd * share);
}
