/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * spot.h - when a market takes a node back.
 *
 * Lifetimes follow one of two laws of hazard by age:
 *   weibull      F(t) = 1 - exp(-(t/scale)^k). The public availability records that the shipped markets were fitted to
 *                have shapes of 0.6 to 0.7: a young node is far more likely to go than an old one. Shape 1 is the
 *                exponential law, a hazard that does not depend on age. A market may protect a node for some hours
 * first: the law then begins when they end, F(t) = 1 - exp(-((t - protected)/scale)^k). bathtub      F(t) = A (1 -
 * exp(-t/early) + exp((t - end)/late)), and all that is left goes at `end`: many go young, many just before the longest
 * life the provider allows (Kadupitiya, Jadhao, Sharma, arXiv 1911.05160) Every law spends one exponential variate a
 * node, so that markets of different law stay comparable on one stream.
 */
#ifndef MODELS_SPOT_SPOT_H
#define MODELS_SPOT_SPOT_H

#include <gsl/gsl_rng.h>
#include <stdint.h>

typedef enum mdl_hazard { MDL_HAZARD_WEIBULL = 0, MDL_HAZARD_BATHTUB = 1 } mdl_hazard;

/** A row of scenarios/tables/markets.csv. */
typedef struct mdl_market {
    double shape_k;     /**< Weibull shape of a node's lifetime, > 0; 1 = constant hazard */
    double scale_h;     /**< Weibull scale, hours, > 0 */
    double protected_h; /**< Weibull: in its first hours no node goes, whatever asks for it; 0 = none */
    double notice_s;    /**< warning before the node goes; 0 = none */
    mdl_hazard hazard;
    double early_share;     /**< bathtub: A, 0..1 */
    double early_h, late_h; /**< bathtub: time constants of the two ends, > 0 */
    double end_h;           /**< bathtub: longest life, > 0 */
} mdl_market;

/** "weibull", "bathtub"; NULL for anything else. */
const char *mdl_hazard_name(mdl_hazard hazard);
/** Probability that a node has gone by an age in hours. */
double mdl_spot_cdf(const mdl_market *market, double age_h);

/**
 * Lifetime of a new node in ns, from ready to gone (the notice is part of it: a life shorter than the notice is warned
 * of at once). One exponential variate for each call. INT64_MAX if it exceeds what int64 ns can hold.
 */
int64_t mdl_spot_lifetime(const mdl_market *market, gsl_rng *r);
/** Mean lifetime in hours: protected + scale x Gamma(1 + 1/shape); the integral of 1 - F up to the end, or to
 * the age at which all have gone. */
double mdl_spot_mean_h(const mdl_market *market);

#endif
