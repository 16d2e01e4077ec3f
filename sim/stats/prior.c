/* SPDX-License-Identifier: GPL-3.0-or-later */
/* prior.c - see prior.h. */
#include "sim/stats/prior.h"

#include <gsl/gsl_sf_psi.h>
#include <math.h>

enum { POINTS_LEAST = 4 }; /* variances that a spread of variances is read from */

/* The x with trigamma(x) = y, y > 0, by bisection: trigamma falls. */
static double trigamma_inverse(double y)
{
    double low = 1e-3, high = 1e3;
    for (int i = 0; i < 60; i++) {
        const double middle = sqrt(low * high);
        if (gsl_sf_psi_1(middle) > y) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return sqrt(low * high);
}

stat_prior stat_prior_of(const double *squares, const int32_t *freedoms, int32_t count)
{
    double square = 0, freedom = 0, mean = 0, spread = 0, chance = 0;
    int32_t n = 0;
    for (int32_t i = 0; i < count; i++) {
        const double half = freedoms[i] / 2.0;
        square += squares[i];
        freedom += freedoms[i];
        if (squares[i] > 0) {
            /* the logarithm of the variance, less what chance adds to it on average */
            const double e = log(squares[i] / freedoms[i]) - gsl_sf_psi(half) + log(half), before = e - mean;
            n++;
            mean += before / n;
            spread += before * (e - mean);
            chance += gsl_sf_psi_1(half);
        }
    }
    stat_prior prior = {freedom > 0 ? square / freedom : 0, STAT_PRIOR_LEAST};
    if (n >= POINTS_LEAST) {
        const double excess = spread / (n - 1) - chance / n;
        const double fitted = excess > 0 ? 2 * trigamma_inverse(excess) : STAT_PRIOR_MOST;
        prior.freedom = fmin(fmax(fitted, STAT_PRIOR_LEAST), STAT_PRIOR_MOST);
    }
    return prior;
}
