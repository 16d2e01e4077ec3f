/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rates_draw.c - requests from client rates; see rates.h. */
#include <math.h>
#include <stdlib.h>

#include "models/random/variates.h"
#include "sim/kernel/rng.h"
#include "sim/scenario/csvfile.h"
#include "sim/trace/rates.h"

#define NS_PER_S     INT64_C(1000000000)
#define COUNT_MAX    5e8
#define CV_LEAST     0.05
#define CV_LARGEST   100.0
#define LEAST_OF_MAX 1000.0 /* requests that a maximum is taken to be of: behind p99 */

typedef struct drawing {
    const client_rates *r;
    double *weight; /* [length_count] requests up to and with this row, from the first row of its window on */
    size_t *whole;  /* [whole_count] rows that have both lengths: no other one is drawn from */
    size_t whole_count;
    gsl_rng *gaps, *lengths;
    trace_request *at;
    size_t count, capacity;
} drawing;

static const double points[RATES_POINTS] = {0.10, 0.25, 0.50, 0.75, 0.90, 0.95, 0.99, 1.0};

/* The least value that so much of a distribution is at or below. */
static double value_at(const rate_tokens *tokens, double u)
{
    size_t low = 0;
    size_t high = tokens->count - 1;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (tokens->upto[middle] < u) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return tokens->value[low];
}

static double between_quantiles(const rate_tokens *tokens, double requests, double u)
{
    size_t i = 1;
    while (i + 1 < RATES_POINTS && u > points[i]) {
        i++;
    }
    const double rest = 1.0 / fmax(requests, LEAST_OF_MAX);
    const double low = -log1p(-points[i - 1]);
    const double high = -log(fmax(1.0 - points[i], rest));
    const double x = (-log(fmax(1.0 - u, rest)) - low) / (high - low);
    return tokens->at[i - 1] + (tokens->at[i] - tokens->at[i - 1]) * x;
}

double rates_length_at(const rate_tokens *tokens, double requests, double u)
{
    return fmax(floor((tokens->count > 0 ? value_at(tokens, u) : between_quantiles(tokens, requests, u)) + 0.5), 1.0);
}

/* First row of the lengths that lies at (start, client) or behind it. */
static size_t row_from(const client_rates *r, int64_t start_s, int32_t client)
{
    size_t low = 0;
    size_t high = r->length_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const rate_lengths *l = &r->lengths[middle];
        if (l->start_s < start_s || (l->start_s == start_s && l->client < client)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool whole_row(const rate_lengths *l)
{
    return rates_has(&l->input) && rates_has(&l->output);
}

static bool weigh(drawing *d)
{
    const client_rates *r = d->r;
    d->weight = malloc(r->length_count * sizeof *d->weight);
    d->whole = malloc(r->length_count * sizeof *d->whole);
    if (d->weight == NULL || d->whole == NULL) {
        return false;
    }
    for (size_t i = 0; i < r->length_count; i++) {
        const bool first = i == 0 || r->lengths[i].start_s != r->lengths[i - 1].start_s;
        const bool whole = whole_row(&r->lengths[i]);
        d->weight[i] = (first ? 0.0 : d->weight[i - 1]) + (whole ? r->lengths[i].requests : 0.0);
        if (whole) {
            d->whole[d->whole_count++] = i;
        }
    }
    return true;
}

/* Lengths of a request of some client between rows from and to, in proportion to their requests. */
static const rate_lengths *some_client(const drawing *d, size_t from, size_t to)
{
    const double mark = mdl_ran_uniform_pos(d->lengths) * d->weight[to - 1];
    while (from + 1 < to) {
        const size_t middle = from + (to - from) / 2;
        if (d->weight[middle - 1] < mark) {
            from = middle;
        } else {
            to = middle;
        }
    }
    return &d->r->lengths[from];
}

static bool put(drawing *d, int64_t at_ns, const rate_lengths *l)
{
    if (d->count == d->capacity) {
        const size_t capacity = d->capacity == 0 ? 4096 : 2 * d->capacity;
        trace_request *more = realloc(d->at, capacity * sizeof *more);
        if (more == NULL) {
            return false;
        }
        d->at = more;
        d->capacity = capacity;
    }
    const double u = mdl_ran_uniform_pos(d->lengths);
    const double v = mdl_ran_uniform_pos(d->lengths);
    d->at[d->count++] = (trace_request){.at_ns = at_ns,
                                        .session = -1,
                                        .input = (int64_t)rates_length_at(&l->input, l->requests, u),
                                        .output = (int64_t)rates_length_at(&l->output, l->requests, v)};
    return true;
}

/* All requests of one client in one window. */
static bool draw_cell(drawing *d, const rate_cell *c, int64_t from_s, int64_t to_s, double scale)
{
    const client_rates *r = d->r;
    mdl_arrival_spec spec = {.kind = MDL_ARRIVAL_POISSON, .rate_per_s = c->rate_per_s * scale};
    if (c->cv > 0.0) {
        spec.burst.renewal = c->weibull ? MDL_RENEWAL_WEIBULL : MDL_RENEWAL_GAMMA;
        spec.burst.cv = fmin(fmax(c->cv, CV_LEAST), CV_LARGEST);
    }
    mdl_arrivals *a = mdl_arrivals_new(&spec);
    if (a == NULL) {
        return false;
    }
    /* the window of lengths that it lies in, if there is one */
    const size_t to = row_from(r, c->start_s, INT32_MAX);
    const int64_t window = to > 0 ? r->lengths[to - 1].start_s : 0;
    const bool within = to > 0 && (double)(c->start_s - window) < r->length_window_s;
    const size_t from = within ? row_from(r, window, INT32_MIN) : to;
    const size_t own = row_from(r, window, c->client);
    const bool known = own < to && r->lengths[own].client == c->client && whole_row(&r->lengths[own]);
    const bool any = to > from && d->weight[to - 1] > 0.0;
    const int64_t end_ns = (int64_t)r->window_s * NS_PER_S;
    bool ok = true;
    mdl_arrival arrival;
    while (ok && mdl_arrivals_next(a, d->gaps, &arrival) < end_ns) {
        const int64_t at_ns = c->start_s * NS_PER_S + arrival.at_ns;
        const rate_lengths *l = known ? &r->lengths[own]
                                : any ? some_client(d, from, to)
                                      : &r->lengths[d->whole[gsl_rng_uniform_int(d->lengths, d->whole_count)]];
        ok = arrival.at_ns >= 0 && (at_ns < from_s * NS_PER_S || at_ns >= to_s * NS_PER_S || put(d, at_ns, l));
    }
    mdl_arrivals_free(a);
    return ok;
}

static bool draw_all(drawing *d, int64_t from_s, int64_t to_s, double scale, uint64_t seed)
{
    const client_rates *r = d->r;
    d->gaps = rng_stream(seed, 0, "client-gaps", 0);
    d->lengths = rng_stream(seed, 0, "client-lengths", 0);
    bool ok = d->gaps != NULL && d->lengths != NULL;
    for (size_t i = 0; ok && i < r->count; i++) {
        const rate_cell *c = &r->cells[i];
        if (c->start_s + (int64_t)r->window_s <= from_s || c->start_s >= to_s || !(c->rate_per_s > 0.0)) {
            continue;
        }
        /* a client's window has streams of its own: a part of a file is drawn as the whole is */
        const uint64_t key = (uint64_t)c->start_s * UINT64_C(0x100000001b3) + (uint64_t)c->client;
        rng_rekey(d->gaps, seed, 0, "client-gaps", key);
        rng_rekey(d->lengths, seed, 0, "client-lengths", key);
        ok = draw_cell(d, c, from_s, to_s, scale);
    }
    return ok;
}

trace *rates_draw(const client_rates *r, const char *name, int64_t from_s, int64_t to_s, double scale, uint64_t seed,
                  char *err, size_t err_size)
{
    csv_message message = {err, err_size};
    drawing d = {.r = r};
    trace *t = NULL;
    const double expected = to_s > from_s ? rates_between(r, from_s, to_s) * (double)(to_s - from_s) * scale : 0.0;
    if (r->length_count == 0) {
        csv_fail_at(name, 0, 0, &message,
                    "no lengths: NAME-client-rates.csv[.gz] needs NAME-token-pmf.jsonl[.gz] or "
                    "NAME-token-quantiles.csv[.gz] beside it");
    } else if (expected > COUNT_MAX) {
        csv_fail_at(name, 0, 0, &message,
                    "about %.3g requests: take a part of it (--from, --to) or less of all (--factor)", expected);
    } else if (!weigh(&d)) {
        csv_fail_at(name, 0, 0, &message, "out of memory");
    } else if (d.whole_count == 0) {
        csv_fail_at(name, 0, 0, &message, "the lengths beside the rates have no client with both fields");
    } else if (!draw_all(&d, from_s, to_s, scale, seed)) {
        csv_fail_at(name, 0, 0, &message, "out of memory");
    } else if (d.count == 0) {
        csv_fail_at(name, 0, 0, &message, "no request falls into this time");
    } else {
        t = trace_of(name, d.at, d.count, 0, false, err, err_size);
    }
    gsl_rng_free(d.gaps);
    gsl_rng_free(d.lengths);
    free(d.weight);
    free(d.whole);
    free(d.at);
    return t;
}
