/* SPDX-License-Identifier: GPL-3.0-or-later */
/* laws.c - the list of families, and the points of a picture. */
#include "sim/laws/laws.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/kernel/rng.h"

#define KOLMOGOROV_99 1.63

const law_family *const law_families[] = {&law_delays,  &law_lengths, &law_arrivals, &law_supply, &law_network,
                                          &law_clients, &law_engines, &law_gpus,     NULL};

const law *law_find(const char *name)
{
    for (size_t f = 0; law_families[f] != NULL; f++) {
        for (size_t i = 0; i < law_families[f]->count; i++) {
            if (strcmp(law_families[f]->laws[i].name, name) == 0) {
                return &law_families[f]->laws[i];
            }
        }
    }
    return NULL;
}

bool law_is_distribution(const law *l)
{
    return l->sample != NULL || l->sample_of != NULL;
}

double law_exact(const law *l, double x)
{
    return l->exact_of != NULL ? l->exact_of(l->of, x) : l->exact(x);
}

static bool sample(const law *l, double *values, size_t n, gsl_rng *r)
{
    return l->sample_of != NULL ? l->sample_of(l->of, values, n, r) : l->sample(values, n, r);
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* LAW_DRAWS values in order, free()d by the caller; NULL: no memory. */
static double *sorted(const law *l, unsigned long seed)
{
    gsl_rng *r = rng_stream(seed, 0, l->name, 0);
    double *values = malloc(LAW_DRAWS * sizeof *values);
    if (r == NULL || values == NULL || !sample(l, values, LAW_DRAWS, r)) {
        free(values);
        values = NULL;
    } else {
        qsort(values, LAW_DRAWS, sizeof *values, ascending);
    }
    if (r != NULL) {
        gsl_rng_free(r);
    }
    return values;
}

size_t law_count(const law *l)
{
    return law_is_distribution(l) ? LAW_SHARES + 1 : (size_t)l->points;
}

static bool shares(const law *l, unsigned long seed, law_point *at)
{
    double *values = sorted(l, seed);
    for (size_t i = 0; values != NULL && i <= LAW_SHARES; i++) {
        size_t k = i * (LAW_DRAWS - 1) / LAW_SHARES;
        const double x = values[k];
        while (k + 1 < LAW_DRAWS && values[k + 1] == x) {
            k++;
        }
        at[i] = (law_point){x, (double)(k + 1) / LAW_DRAWS, law_exact(l, x)};
    }
    free(values);
    return values != NULL;
}

bool law_points(const law *l, unsigned long seed, law_point *at)
{
    if (law_is_distribution(l)) {
        return shares(l, seed, at);
    }
    gsl_rng *r = rng_stream(seed, 0, l->name, 0);
    bool good = r != NULL;
    for (int i = 0; good && i < l->points; i++) {
        const double x = l->from + (l->to - l->from) * i / (l->points - 1);
        at[i] = (law_point){x, l->at_of != NULL ? l->at_of(l->of, x, r) : l->at(x, r), law_exact(l, x)};
        good = !isnan(at[i].model);
    }
    if (r != NULL) {
        gsl_rng_free(r);
    }
    return good;
}

/* The larger one; no number if either is none. */
static double larger(double a, double b)
{
    return a > b || isnan(a) ? a : b;
}

static double misfit_shares(const law *l, unsigned long seed)
{
    double *values = sorted(l, seed);
    double worst = values != NULL ? 0 : (double)NAN;
    for (size_t i = 0, next = 0; values != NULL && i < LAW_DRAWS; i = next) {
        do {
            next++;
        } while (next < LAW_DRAWS && values[next] <= values[i]);
        const double below = law_exact(l, nextafter(values[i], -HUGE_VAL)), here = law_exact(l, values[i]);
        const double most = larger(fabs((double)i / LAW_DRAWS - below), fabs((double)next / LAW_DRAWS - here));
        worst = larger(worst, isnan(values[i]) ? values[i] : most);
    }
    free(values);
    return worst * sqrt(LAW_DRAWS) / KOLMOGOROV_99;
}

double law_misfit(const law *l, unsigned long seed)
{
    if (law_is_distribution(l)) {
        return misfit_shares(l, seed);
    }
    law_point *at = calloc((size_t)l->points, sizeof *at);
    double worst = at != NULL && law_points(l, seed, at) ? 0 : (double)NAN;
    for (int i = 0; !isnan(worst) && i < l->points; i++) {
        worst = larger(worst, fabs(at[i].model - at[i].exact) / l->within);
    }
    free(at);
    return worst;
}
