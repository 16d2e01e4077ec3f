/* SPDX-License-Identifier: GPL-3.0-or-later */
/* demand.c - see demand.h. */
#include "sim/history/demand.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/kernel/rng.h"

#define DRAWN 2000u /* requests of a closed simulation: about 2 % of its rate at a coefficient of variation of 1 */

/* Requests inside; between them the rate is a straight line. */
static const int32_t inside[] = {1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024};
#define POINTS (sizeof inside / sizeof inside[0])

/* What a replica completes on one pool. */
typedef struct curve {
    double per_s[POINTS];
    double most;  /* never an empty queue */
    int32_t full; /* requests that fill the batch */
    bool runs;    /* the model runs there */
} curve;

typedef struct work {
    const past *p;
    const past_service *service;
    const sc_service *sc;
    curve *curves; /* [pool_count]; NULL: no metric needs them */
    past_metric metric;
    bool whole;    /* a value of the workload */
    double tokens; /* of a request, for PAST_TOKENS_* */
} work;

/* --- curves --- */

static const sc_service *service_in(const sc_scenario *sc, const char *name)
{
    for (int32_t s = 0; s < sc->service_count; s++) {
        if (strcmp(sc->services[s].name, name) == 0) {
            return &sc->services[s];
        }
    }
    return NULL;
}

/* Place of a pool of the log in the scenario-wide count. */
static int32_t pool_in(const sc_scenario *sc, const past *p, const past_pool *pool)
{
    for (int32_t c = 0; c < sc->cluster_count; c++) {
        const sc_cluster *cluster = &sc->clusters[c];
        for (int32_t i = 0; strcmp(cluster->name, p->clusters[pool->cluster].name) == 0 && i < cluster->pool_count;
             i++) {
            if (strcmp(cluster->pools[i].name, pool->name) == 0) {
                return cluster->pool_first + i;
            }
        }
    }
    return -1;
}

/* False: no memory. */
static bool curve_fill(curve *c, const mdl_llm_config *config, double hit_share, const int32_t *input,
                       const int32_t *output)
{
    c->runs = true;
    c->full = config->max_sequences;
    c->most = mdl_saturation_rate(config, input, output, DRAWN, hit_share);
    for (size_t i = 0; i < POINTS; i++) {
        c->per_s[i] = mdl_closed_rate(config, input, output, DRAWN, hit_share, inside[i]);
    }
    return c->most >= 0.0 && c->per_s[0] >= 0.0;
}

/* The same engine on two pools has the same curve. False: no memory. */
static bool curves_fill(work *w, const sc_scenario *sc)
{
    int32_t *input = malloc(DRAWN * sizeof *input), *output = malloc(DRAWN * sizeof *output);
    gsl_rng *r = rng_stream(1, 0, "demand", spw_key(w->sc->name));
    bool ok = input != NULL && output != NULL && r != NULL;
    for (uint32_t i = 0; ok && i < DRAWN; i++) {
        mdl_lengths_draw(&w->sc->lengths, r, &input[i], &output[i]);
    }
    for (size_t p = 0; ok && p < w->p->pool_count; p++) {
        const int32_t at = pool_in(sc, w->p, &w->p->pools[p]);
        if (at < 0 || w->sc->llm[at].kv_blocks == 0) {
            continue;
        }
        size_t same = 0;
        while (same < p && !(w->curves[same].runs && strcmp(w->p->pools[same].gpu, w->p->pools[p].gpu) == 0)) {
            same++;
        }
        if (same < p) {
            w->curves[p] = w->curves[same];
        } else {
            ok = curve_fill(&w->curves[p], &w->sc->llm[at], w->sc->prefix_hit_share, input, output);
        }
    }
    gsl_rng_free(r);
    free(input);
    free(output);
    return ok;
}

static double completes(const curve *c, double b)
{
    size_t i = 0;
    while (i < POINTS && b > inside[i]) {
        i++;
    }
    if (i == POINTS) {
        return c->most;
    }
    const double x0 = i > 0 ? inside[i - 1] : 0.0, y0 = i > 0 ? c->per_s[i - 1] : 0.0;
    return y0 + (c->per_s[i] - y0) * (b - x0) / (inside[i] - x0);
}

/* --- one step --- */

/* Mean of the pods of one cluster over a step; false: not said. */
static bool pods_mean(const work *w, const past_place *place, double *mean)
{
    const bool split = w->metric == PAST_RUNNING;
    if (!(place->seconds[w->metric] > 0.0)) {
        return false;
    }
    *mean = place->sum[w->metric] / place->seconds[w->metric];
    if (split && place->seconds[PAST_WAITING] > 0.0) {
        *mean += place->sum[PAST_WAITING] / place->seconds[PAST_WAITING];
    }
    return true;
}

/* Requests/s of the ready replicas of one cluster that hold, or work, `mean` each. */
static double engines_rate(const work *w, const past_step *step, size_t cluster, double mean, bool *full)
{
    const bool busy = w->metric == PAST_BUSY;
    double rate = 0.0, counted = 0.0;
    const curve *any = NULL;
    for (size_t p = 0; p < step->usage_count; p++) {
        const curve *c = &w->curves[p];
        if ((size_t)w->p->pools[p].cluster != cluster || !c->runs) {
            continue;
        }
        const double one = busy ? fmin(mean, 1.0) * c->most : completes(c, mean);
        any = any == NULL ? c : any;
        counted += step->usage[p];
        rate += step->usage[p] * one;
        *full = *full || (step->usage[p] > 0.0 && (busy ? mean >= 0.99 : mean >= c->full));
    }
    const double ready = step->places[cluster].ready;
    if (counted > 0.0) {
        return rate / counted * ready;
    }
    return any != NULL ? ready * (busy ? fmin(mean, 1.0) * any->most : completes(any, mean)) : 0.0;
}

/* Requests/s over a step; false: not said. */
static bool pods_rate(const work *w, const past_step *step, double *per_s, bool *full)
{
    double rate = 0.0, known = 0.0, ready = 0.0;
    for (size_t c = 0; c < step->place_count; c++) {
        const past_place *place = &step->places[c];
        double mean = 0.0;
        ready += place->ready;
        if (!pods_mean(w, place, &mean)) {
            continue;
        }
        known += place->ready;
        rate += w->curves != NULL ? engines_rate(w, step, c, mean, full) : mean / w->tokens * place->ready;
    }
    if (known > 0.0) {
        *per_s = rate / step->seconds * (ready / known); /* clusters without a sample are taken to be like the others */
        return true;
    }
    *per_s = 0.0;
    return !(ready > 0.0) && step->seconds > 0.0; /* nobody there to serve: nothing was served */
}

static bool value_rate(const work *w, const past_step *step, double *per_s)
{
    const double seconds = step->value_seconds[w->metric];
    *per_s = seconds > 0.0 ? step->value[w->metric] / seconds / w->tokens : 0.0;
    return seconds > 0.0;
}

/* Steps without a reading: a straight line between those beside them, level at the ends. */
static size_t fill_gaps(double *per_s, const bool *known, size_t count)
{
    size_t filled = 0, before = SIZE_MAX;
    for (size_t i = 0; i < count; i++) {
        if (known[i]) {
            before = i;
            continue;
        }
        size_t after = i;
        while (after < count && !known[after]) {
            after++;
        }
        const double y1 = after < count ? per_s[after] : before != SIZE_MAX ? per_s[before] : 0.0;
        const double y0 = before != SIZE_MAX ? per_s[before] : y1;
        const double from = before != SIZE_MAX ? (double)before : -1.0;
        for (; i < after; i++, filled++) {
            per_s[i] = y0 + (y1 - y0) * ((double)i - from) / ((double)after - from);
        }
        i--;
    }
    return filled;
}

/* --- choice --- */

static double tokens_mean(const mdl_lengths *l, bool output)
{
    if (l->pair_count == 0) {
        return mdl_length_mean(output ? &l->output : &l->input);
    }
    double sum = 0.0;
    for (size_t i = 0; i < l->pair_count; i++) {
        sum += output ? l->pair_output[i] : l->pair_input[i];
    }
    return sum / (double)l->pair_count;
}

static bool choose(work *w)
{
    static const past_metric order[] = {PAST_RATE,      PAST_TOKENS_OUT, PAST_TOKENS_IN,
                                        PAST_IN_FLIGHT, PAST_RUNNING,    PAST_BUSY};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        const past_metric m = order[i];
        const bool summable = m == PAST_RATE || m == PAST_TOKENS_OUT || m == PAST_TOKENS_IN;
        w->metric = m;
        w->whole = summable && w->service->valued[m];
        if (w->whole || w->service->seen[m]) {
            return true;
        }
    }
    return false;
}

static const char *words(const work *w, zone *z)
{
    switch (w->metric) {
    case PAST_RATE:
        return w->whole ? "the requests/s that the log has of the workload as a whole"
                        : "the requests/s that its pods completed";
    case PAST_TOKENS_OUT:
        return zone_format(z, "the tokens/s that were generated, at %.4g a request", w->tokens);
    case PAST_TOKENS_IN:
        return zone_format(z, "the prompt tokens/s, at %.4g a request", w->tokens);
    case PAST_BUSY:
        return "the share of the time that its engines were busy, times what a replica sustains";
    case PAST_RUNNING:
        if (!w->service->seen[PAST_WAITING]) {
            return "the requests running in its engines, at the rate that an engine of this model completes with so "
                   "many inside; those waiting are not in the log";
        }
        break;
    case PAST_IN_FLIGHT:
    case PAST_WAITING:
    case PAST_METRICS:
        break;
    }
    return "the requests in its engines, at the rate that an engine of this model completes with so many inside";
}

static void tell(demand *d, const past *p)
{
    for (size_t i = 0; i < p->step_count; i++) {
        d->mean += d->per_s[i] / (double)p->step_count;
        d->most = fmax(d->most, d->per_s[i]);
    }
}

demand_outcome demand_of(const past *p, const past_service *service, const sc_scenario *sc, zone *z, demand *out)
{
    work w = {.p = p, .service = service, .sc = service_in(sc, service->name), .tokens = 1.0};
    if (w.sc == NULL || !choose(&w)) {
        return DEMAND_NO_METRIC;
    }
    const bool tokens = w.metric == PAST_TOKENS_OUT || w.metric == PAST_TOKENS_IN;
    if (w.metric != PAST_RATE && w.sc->engine != SC_ENGINE_LLM) {
        return DEMAND_NO_ENGINE;
    }
    if (tokens) {
        w.tokens = tokens_mean(&w.sc->lengths, w.metric == PAST_TOKENS_OUT);
    } else if (w.metric != PAST_RATE) {
        w.curves = zone_array(z, p->pool_count + 1, sizeof *w.curves);
        if (w.curves == NULL || !curves_fill(&w, sc)) {
            return DEMAND_NO_MEMORY;
        }
    }
    double *per_s = zone_array(z, p->step_count, sizeof *per_s);
    bool *known = zone_array(z, p->step_count, sizeof *known);
    if (per_s == NULL || known == NULL) {
        return DEMAND_NO_MEMORY;
    }
    *out = (demand){.per_s = per_s, .how = words(&w, z)};
    for (size_t i = 0; i < p->step_count; i++) {
        const past_step *step = &service->steps[i];
        bool full = false;
        known[i] = w.whole ? value_rate(&w, step, &per_s[i]) : pods_rate(&w, step, &per_s[i], &full);
        out->full += full;
    }
    out->filled = fill_gaps(per_s, known, p->step_count);
    tell(out, p);
    return z->failed ? DEMAND_NO_MEMORY : DEMAND_FOUND;
}
