/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * student.c - confidence interval of a mean.
 *
 * W. S. Gosset ("Student"), "The probable error of a mean", Biometrika 6 (1908): half width = t * s / sqrt(n), t the
 * upper (1 - level) / 2 point of the t distribution with n - 1 degrees of freedom. The upper tail is asked for
 * directly, because 1 - (1 - level) / 2 would round away the digits of levels near 1.
 */
#include "sim/stats/stats.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

double stat_student_half_width(const stat_tally *t, double level)
{
    if (t->n < 2 || !(level > 0.0 && level < 1.0)) {
        return (double)NAN;
    }
    double n = (double)t->n;

    return gsl_cdf_tdist_Qinv((1.0 - level) / 2.0, n - 1.0) * sqrt(stat_tally_variance(t) / n);
}
