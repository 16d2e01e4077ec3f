/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tally.c - count, mean and variance in one pass.
 *
 * Adding: B. P. Welford, "Note on a method for calculating corrected sums of squares and products", Technometrics 4
 * (1962). Merging: T. F. Chan, G. H. Golub, R. J. LeVeque, "Updating formulae and a pairwise algorithm for computing
 * sample variances" (1979). m2 is the sum of squared distances from the mean.
 */
#include "sim/stats/stats.h"

void stat_tally_init(stat_tally *t)
{
    *t = (stat_tally){0};
}

void stat_tally_add(stat_tally *t, double x)
{
    double delta = x - t->mean;

    t->min = t->n == 0 || x < t->min ? x : t->min;
    t->max = t->n == 0 || x > t->max ? x : t->max;
    t->n++;
    t->mean += delta / (double)t->n;
    t->m2 += delta * (x - t->mean);
}

void stat_tally_merge(stat_tally *into, const stat_tally *from)
{
    if (from->n == 0) {
        return;
    }
    if (into->n == 0) {
        *into = *from;
        return;
    }
    double n_into = (double)into->n;
    double n_from = (double)from->n;
    double n = n_into + n_from;
    double delta = from->mean - into->mean;

    into->n += from->n;
    into->mean += delta * (n_from / n);
    into->m2 += from->m2 + delta * delta * (n_into * n_from / n);
    into->min = from->min < into->min ? from->min : into->min;
    into->max = from->max > into->max ? from->max : into->max;
}

double stat_tally_variance(const stat_tally *t)
{
    return t->n < 2 ? 0.0 : t->m2 / (double)(t->n - 1);
}
