/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * spot.c - node lifetimes on a spot market.
 *
 * If E is exponential with mean 1 then scale * E^(1/k) is Weibull(k, scale), and 1 - exp(-E) is uniform: one draw a
 * node whatever the law. The bathtub law is inverted by halving its interval until double precision is used up.
 */
#include "models/spot/spot.h"

#include <math.h>
#include <stddef.h>

#include "models/random/variates.h"

const char *mdl_hazard_name(mdl_hazard hazard)
{
    switch (hazard) {
    case MDL_HAZARD_WEIBULL:
        return "weibull";
    case MDL_HAZARD_BATHTUB:
        return "bathtub";
    }
    return NULL;
}

static double bathtub(const mdl_market *m, double age_h)
{
    double p = m->early_share * (1.0 - exp(-age_h / m->early_h) + exp((age_h - m->end_h) / m->late_h));
    return p < 1.0 ? p : 1.0;
}

double mdl_spot_cdf(const mdl_market *m, double age_h)
{
    if (!(age_h > 0.0)) {
        return 0.0;
    }
    switch (m->hazard) {
    case MDL_HAZARD_WEIBULL:
        return age_h > m->protected_h ? -expm1(-pow((age_h - m->protected_h) / m->scale_h, m->shape_k)) : 0.0;
    case MDL_HAZARD_BATHTUB:
        break;
    }
    return age_h >= m->end_h ? 1.0 : bathtub(m, age_h);
}

static double bathtub_life(const mdl_market *m, double u)
{
    double low = 0.0;
    double high = m->end_h;
    for (int i = 0; i < 64; i++) {
        double middle = 0.5 * (low + high);
        if (bathtub(m, middle) < u) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return high;
}

int64_t mdl_spot_lifetime(const mdl_market *market, gsl_rng *r)
{
    double e = mdl_ran_exponential(r);
    double ns = 0.0;
    switch (market->hazard) {
    case MDL_HAZARD_WEIBULL:
        ns = market->protected_h * 3600e9 + market->scale_h * 3600e9 * pow(e, 1.0 / market->shape_k);
        break;
    case MDL_HAZARD_BATHTUB:
        ns = 3600e9 * bathtub_life(market, -expm1(-e));
        break;
    }
    return ns < 9.2e18 ? (int64_t)llround(ns) : INT64_MAX;
}

double mdl_spot_mean_h(const mdl_market *m)
{
    double share = m->early_share;
    switch (m->hazard) {
    case MDL_HAZARD_WEIBULL:
        return m->protected_h + m->scale_h * tgamma(1.0 + 1.0 / m->shape_k);
    case MDL_HAZARD_BATHTUB:
        break;
    }
    /* all may have gone before the end: the law stops at 1 */
    const double last_h = bathtub_life(m, 1.0);
    return last_h * (1.0 - share) + share * m->early_h * -expm1(-last_h / m->early_h) -
           share * m->late_h * (exp((last_h - m->end_h) / m->late_h) - exp(-m->end_h / m->late_h));
}
