/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * renewal.c - gaps of mean 1 with a given coefficient of variation.
 *
 * The equilibrium gap (Cox, Renewal Theory, section 5.2) is a uniform part of a gap drawn with probability in
 * proportion to its length. A length-biased gamma of shape a is a gamma of shape a + 1; if X is Weibull of shape k and
 * scale s, (X / s)^k is exponential, and of the length-biased one it is gamma of shape 1 + 1/k.
 */
#include "models/traffic/arrivals_int.h"

#include <gsl/gsl_randist.h>
#include <gsl/gsl_sf_gamma.h>
#include <math.h>

#include "models/random/variates.h"

/* ln(1 + cv^2) of a Weibull of shape k; falls as k rises. */
static double weibull_spread(double k)
{
    return gsl_sf_lngamma(1.0 + 2.0 / k) - 2.0 * gsl_sf_lngamma(1.0 + 1.0 / k);
}

static double weibull_shape(double cv)
{
    const double wanted = log1p(cv * cv);
    double low = 0.01, high = 1e4;
    for (int i = 0; i < 200; i++) {
        const double k = sqrt(low * high);
        if (weibull_spread(k) > wanted) {
            low = k;
        } else {
            high = k;
        }
    }
    return sqrt(low * high);
}

renewal renewal_of(mdl_renewal law, double cv)
{
    renewal g = {.law = law, .shape = 1.0, .scale = 1.0};
    if (law == MDL_RENEWAL_GAMMA) {
        g.shape = 1.0 / (cv * cv);
        g.scale = cv * cv;
    } else if (law == MDL_RENEWAL_WEIBULL) {
        g.shape = weibull_shape(cv);
        g.scale = exp(-gsl_sf_lngamma(1.0 + 1.0 / g.shape));
    }
    return g;
}

double renewal_gap(const renewal *g, gsl_rng *r)
{
    switch (g->law) {
    case MDL_RENEWAL_GAMMA:
        return gsl_ran_gamma(r, g->shape, g->scale);
    case MDL_RENEWAL_WEIBULL:
        return g->scale * pow(mdl_ran_exponential(r), 1.0 / g->shape);
    case MDL_RENEWAL_POISSON:
        break;
    }
    return mdl_ran_exponential(r);
}

double renewal_first(const renewal *g, gsl_rng *r)
{
    double biased = 0.0;
    switch (g->law) {
    case MDL_RENEWAL_GAMMA:
        biased = gsl_ran_gamma(r, g->shape + 1.0, g->scale);
        break;
    case MDL_RENEWAL_WEIBULL:
        biased = g->scale * pow(gsl_ran_gamma(r, 1.0 + 1.0 / g->shape, 1.0), 1.0 / g->shape);
        break;
    case MDL_RENEWAL_POISSON:
        return mdl_ran_exponential(r);
    }
    return biased * mdl_ran_uniform_pos(r);
}
