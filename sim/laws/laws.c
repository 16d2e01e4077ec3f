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
    if (r == NULL || values == NULL || !l->sample(values, LAW_DRAWS, r)) {
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
    return l->sample != NULL ? LAW_SHARES + 1 : (size_t)l->points;
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
        at[i] = (law_point){x, (double)(k + 1) / LAW_DRAWS, l->exact(x)};
    }
    free(values);
    return values != NULL;
}

bool law_points(const law *l, unsigned long seed, law_point *at)
{
    if (l->sample != NULL) {
        return shares(l, seed, at);
    }
    gsl_rng *r = rng_stream(seed, 0, l->name, 0);
    bool good = r != NULL;
    for (int i = 0; good && i < l->points; i++) {
        const double x = l->from + (l->to - l->from) * i / (l->points - 1);
        at[i] = (law_point){x, l->at(x, r), l->exact(x)};
        good = !isnan(at[i].model);
    }
    if (r != NULL) {
        gsl_rng_free(r);
    }
    return good;
}

static double misfit_shares(const law *l, unsigned long seed)
{
    double *values = sorted(l, seed);
    double worst = values != NULL ? 0 : (double)NAN;
    for (size_t i = 0; values != NULL && i < LAW_DRAWS; i++) {
        if (i + 1 == LAW_DRAWS || values[i + 1] > values[i]) { /* of equal values the last: all at or below */
            worst = fmax(worst, fabs((double)(i + 1) / LAW_DRAWS - l->exact(values[i])));
        }
    }
    free(values);
    return worst * sqrt(LAW_DRAWS) / KOLMOGOROV_99;
}

double law_misfit(const law *l, unsigned long seed)
{
    if (l->sample != NULL) {
        return misfit_shares(l, seed);
    }
    law_point *at = calloc((size_t)l->points, sizeof *at);
    double worst = at != NULL && law_points(l, seed, at) ? 0 : (double)NAN;
    for (int i = 0; !isnan(worst) && i < l->points; i++) {
        worst = fmax(worst, fabs(at[i].model - at[i].exact) / l->within);
    }
    free(at);
    return worst;
}
