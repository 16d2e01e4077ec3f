/* SPDX-License-Identifier: GPL-3.0-or-later */
/* warmup.c - see warmup.h. */
#include "sim/experiment/warmup.h"

#include <math.h>
#include <stdlib.h>

#include "sim/stats/output.h"

enum { MSER_BATCH = 5, BATCHES = 20 };

bool warmup_settles(const sc_scenario *sc)
{
    if (sc->fault_count > 0) {
        return false;
    }
    for (int32_t s = 0; s < sc->service_count; s++) {
        for (int32_t t = 0; t < sc->services[s].traffic_count; t++) {
            const mdl_arrival_spec *a = &sc->services[s].traffic[t].arrivals;
            if (a->kind != MDL_ARRIVAL_POISSON || a->growth.over_ns > 0 || a->season_count > 0 || a->crowd_count > 0) {
                return false;
            }
        }
    }
    return true;
}

typedef double column(const res_timeline *t, int32_t cell);

static double waiting(const res_timeline *t, int32_t cell)
{
    return (double)t->waiting[cell];
}

static double ready(const res_timeline *t, int32_t cell)
{
    return (double)t->ready[cell];
}

static double completed(const res_timeline *t, int32_t cell)
{
    return t->completed[cell];
}

/* Sum over the services of a column of the timeline, mean over the runs. */
static void gather(column *of, res_run *const *runs, int32_t n, double *x)
{
    const int32_t services = runs[0]->service_count;
    for (int32_t b = 0; b < runs[0]->timeline.bins; b++) {
        x[b] = 0;
        for (int32_t i = 0; i < n; i++) {
            for (int32_t s = 0; s < services; s++) {
                x[b] += of(&runs[i]->timeline, b * services + s) / n;
            }
        }
    }
}

warmup_found warmup_of(const sc_scenario *sc, res_run *const *runs, int32_t n)
{
    static column *const columns[] = {waiting, ready, completed};
    const size_t bins = (size_t)runs[0]->timeline.bins;
    double *x = calloc(bins + 1, sizeof *x);
    warmup_found found = {.stationary = warmup_settles(sc) && x != NULL};
    for (size_t c = 0; found.stationary && c < sizeof columns / sizeof columns[0]; c++) {
        gather(columns[c], runs, n, x);
        const stat_warmup cut = stat_mser(x, bins, MSER_BATCH);
        const int64_t end_ns = (int64_t)cut.cut * runs[0]->timeline.bin_ns;
        if (cut.cut == 0 || stat_front_differs(x, bins, MSER_BATCH, cut.cut)) {
            found.too_short = found.too_short || cut.too_short;
            found.end_ns = end_ns > found.end_ns ? end_ns : found.end_ns;
        }
    }
    free(x);
    return found;
}

double warmup_ttft_half_width(const sc_scenario *sc, const res_run *run, double *mean)
{
    const res_timeline *t = &run->timeline;
    double *x = warmup_settles(sc) ? calloc((size_t)t->bins + 1, sizeof *x) : NULL, half = (double)NAN;
    size_t n = 0;
    for (int32_t b = 0; x != NULL && b < t->bins; b++) {
        double sum = 0, count = 0;
        for (int32_t s = 0; s < run->service_count && b * t->bin_ns >= sc->warmup_ns; s++) {
            const stat_hist *h = t->ttft[b * run->service_count + s];
            if (h != NULL && stat_hist_count(h) > 0) {
                sum += stat_hist_mean(h) / 1e9 * (double)stat_hist_count(h);
                count += (double)stat_hist_count(h);
            }
        }
        if (count > 0) {
            x[n++] = sum / count;
        }
    }
    if (x != NULL) {
        half = stat_batch_means(x, n, BATCHES, 0.95, mean);
    }
    free(x);
    return half;
}
