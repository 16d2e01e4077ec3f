/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * spot.c - node lifetimes on a spot market.
 *
 * If E is exponential with mean 1 then scale * E^(1/k) is Weibull(k, scale): one draw a node whatever the shape, so
 * that markets of different shape stay comparable on the same random stream.
 */
#include "models/spot/spot.h"

#include <math.h>

#include "models/random/variates.h"

int64_t mdl_spot_lifetime(const mdl_market *market, gsl_rng *r)
{
    double ns = market->scale_h * 3600e9 * pow(mdl_ran_exponential(r), 1.0 / market->shape_k);
    return ns < 9.2e18 ? (int64_t)llround(ns) : INT64_MAX;
}

double mdl_spot_mean_h(const mdl_market *market)
{
    return market->scale_h * tgamma(1.0 + 1.0 / market->shape_k);
}
