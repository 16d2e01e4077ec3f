/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * spot.h - when a market takes a node back.
 *
 * Lifetimes are Weibull. The public availability records that the shipped markets were fitted to have shapes of 0.6 to
 * 0.7: a young node is far more likely to go than an old one, so an exponential law (shape 1) is only a special case.
 */
#ifndef MODELS_SPOT_SPOT_H
#define MODELS_SPOT_SPOT_H

#include <gsl/gsl_rng.h>
#include <stdint.h>

/** A row of scenarios/tables/markets.csv. */
typedef struct mdl_market {
    double shape_k;  /**< Weibull shape of a node's lifetime, > 0; 1 = constant hazard */
    double scale_h;  /**< Weibull scale, hours, > 0 */
    double notice_s; /**< warning before the node goes; 0 = none */
} mdl_market;

/**
 * Lifetime of a new node in ns, from ready to gone (the notice is part of it: a life shorter than the notice is warned
 * of at once). One exponential variate for each call. INT64_MAX if it exceeds what int64 ns can hold.
 */
int64_t mdl_spot_lifetime(const mdl_market *market, gsl_rng *r);
/** Mean lifetime in hours, scale x Gamma(1 + 1/shape). */
double mdl_spot_mean_h(const mdl_market *market);

#endif
