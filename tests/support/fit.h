/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * fit.h - goodness of fit: the Kolmogorov-Smirnov distance of a sample from a distribution, times sqrt(n). For a true
 * law it exceeds 1.63 in one sample of a hundred (Kolmogorov's limit law); with fixed seeds a test either holds or not.
 */
#ifndef TESTS_SUPPORT_FIT_H
#define TESTS_SUPPORT_FIT_H

#include <math.h>
#include <stdlib.h>

static int fit_order(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/** Sorts x. cdf(t, law) must be continuous up to `below`; values at or beyond it are not looked at (an atom there). */
static double fit_ks(double *x, int n, double (*cdf)(double t, const void *law), const void *law, double below)
{
    double worst = 0.0;
    qsort(x, (size_t)n, sizeof *x, fit_order);
    for (int i = 0; i < n && x[i] < below; i++) {
        double f = cdf(x[i], law);
        worst = fmax(worst, fmax(f - (double)i / n, (i + 1.0) / n - f));
    }
    return worst * sqrt(n);
}

#endif
