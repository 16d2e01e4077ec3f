/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rate.c - the rate of a drawn source as a function of time, and its walk piece by piece.
 *
 * A piece ends with the local hour, or earlier where a season, a phase of a crowd, a step or a state of the modulation
 * ends. So the bounds that thinning needs are exact but for the curvature of a cosine within its hour, and a spike of a
 * minute costs no wasted draws in the rest of its hour.
 */
#include "models/traffic/arrivals_int.h"

#include <math.h>
#include <stdlib.h>

#include "models/random/variates.h"

#define HOUR_NS INT64_C(3600000000000)

static const double hour_ns = 3600e9;

/* ---- factors ---- */

static double factor_value(const rate_factor *f, double x)
{
    return f->size != 0.0 ? f->base + f->size * exp(f->slope * x) : f->base + f->slope * x;
}

/* Sum of times, INT64_MAX if it is beyond. */
static int64_t later(int64_t a, int64_t b)
{
    int64_t sum = 0;
    return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

static rate_factor constant(double value)
{
    return (rate_factor){.base = value};
}

/* The ends of the phases are what a piece may not cross: *end_ns comes down to the first after `at`. */
static void cut(int64_t at_ns, int64_t mark_ns, int64_t *end_ns)
{
    if (mark_ns > at_ns && mark_ns < *end_ns) {
        *end_ns = mark_ns;
    }
}

/* When nothing is left of a crowd. */
static int64_t crowd_over_ns(const mdl_crowd *d)
{
    const int64_t falls_ns = later(later(d->at_ns, d->rise_ns), d->hold_ns);
    const int64_t tail = d->spike ? MDL_CROWD_TAIL : 1;
    return d->decay_ns > INT64_MAX / MDL_CROWD_TAIL ? INT64_MAX : later(falls_ns, tail * d->decay_ns);
}

/* A crowd from `at` on, until its phase ends. */
static rate_factor crowd_factor(const mdl_crowd *d, int64_t at_ns, int64_t *end_ns)
{
    const double more = d->factor - 1.0;
    const int64_t full_ns = later(d->at_ns, d->rise_ns);
    const int64_t falls_ns = later(full_ns, d->hold_ns);
    const int64_t over_ns = crowd_over_ns(d);
    cut(at_ns, d->at_ns, end_ns);
    cut(at_ns, full_ns, end_ns);
    cut(at_ns, falls_ns, end_ns);
    cut(at_ns, over_ns, end_ns);
    if (at_ns < d->at_ns || at_ns >= over_ns || more == 0.0) {
        return constant(1.0);
    }
    if (at_ns < full_ns) {
        const double slope = more / (double)d->rise_ns;
        return (rate_factor){.base = 1.0 + slope * (double)(at_ns - d->at_ns), .slope = slope};
    }
    if (at_ns < falls_ns) {
        return constant(d->factor);
    }
    const double since = (double)(at_ns - falls_ns);
    const double slope = 1.0 / (double)d->decay_ns;
    if (d->spike) {
        return (rate_factor){.base = 1.0, .size = more * exp(-since * slope), .slope = -slope};
    }
    return (rate_factor){.base = d->factor - more * since * slope, .slope = -more * slope};
}

/* When a linear growth downwards reaches 0. */
static int64_t growth_ends_ns(const mdl_growth *g)
{
    if (g->over_ns <= 0 || !g->linear || !(g->factor < 1.0)) {
        return INT64_MAX;
    }
    const double zero_ns = (double)g->over_ns / (1.0 - g->factor);
    return zero_ns < 9.2e18 ? (int64_t)zero_ns : INT64_MAX;
}

/* When steps end with none at all. */
static int64_t steps_end_ns(const mdl_rates *rates)
{
    const bool ends = rates != NULL && rates->count > 0 && !(rates->per_s[rates->count - 1] > 0.0);
    return ends ? rates->at_ns[rates->count - 1] : INT64_MAX;
}

bool rate_over(const mdl_arrival_spec *spec, int64_t at_ns)
{
    return at_ns >= growth_ends_ns(&spec->growth) || at_ns >= steps_end_ns(spec->rates);
}

/* The step that holds `at`, by bisection; *end_ns comes down to the next. */
static double step_rate(const mdl_rates *rates, int64_t at_ns, int64_t *end_ns)
{
    size_t begun = 0, above = rates->count; /* steps below `begun` have begun, those from `above` on have not */
    while (begun < above) {
        const size_t middle = begun + (above - begun) / 2;
        if (rates->at_ns[middle] <= at_ns) {
            begun = middle + 1;
        } else {
            above = middle;
        }
    }
    if (begun < rates->count) {
        cut(at_ns, rates->at_ns[begun], end_ns);
    }
    return begun > 0 ? rates->per_s[begun - 1] : 0.0;
}

static rate_factor growth_factor(const mdl_growth *g, int64_t at_ns, int64_t *end_ns)
{
    const double over = (double)g->over_ns;
    if (!g->linear) {
        const double slope = log(g->factor) / over;
        return (rate_factor){.base = 0.0, .size = exp(slope * (double)at_ns), .slope = slope};
    }
    const double slope = (g->factor - 1.0) / over;
    const int64_t zero_ns = growth_ends_ns(g);
    cut(at_ns, zero_ns, end_ns);
    return at_ns >= zero_ns ? constant(0.0) : (rate_factor){.base = 1.0 + slope * (double)at_ns, .slope = slope};
}

static double season_factor(const mdl_season *s, int64_t at_ns, int64_t *end_ns)
{
    cut(at_ns, s->begin_ns, end_ns);
    cut(at_ns, s->end_ns, end_ns);
    return at_ns >= s->begin_ns && at_ns < s->end_ns ? s->factor : 1.0;
}

/*
 * All factors from `at` on; *end_ns comes down to where the first of them takes another form. Those that vary go to
 * `varying` (room for crowds and growth; NULL: their values now are multiplied, too).
 * @return product of the others
 */
static double collect(const mdl_arrival_spec *spec, int64_t at_ns, int64_t *end_ns, rate_factor *varying, size_t *count)
{
    double product = spec->rates != NULL ? step_rate(spec->rates, at_ns, end_ns) : 1.0;
    size_t n = 0;
    for (size_t i = 0; i < spec->season_count; i++) {
        product *= season_factor(&spec->seasons[i], at_ns, end_ns);
    }
    for (size_t i = 0; i <= spec->crowd_count; i++) {
        if (i == spec->crowd_count && spec->growth.over_ns <= 0) {
            break;
        }
        const rate_factor f = i < spec->crowd_count ? crowd_factor(&spec->crowds[i], at_ns, end_ns)
                                                    : growth_factor(&spec->growth, at_ns, end_ns);
        if (varying != NULL && f.slope != 0.0) {
            varying[n++] = f;
        } else {
            product *= factor_value(&f, 0.0);
        }
    }
    if (count != NULL) {
        *count = n;
    }
    return product;
}

double rate_multiplier(const mdl_arrival_spec *spec, int64_t at_ns)
{
    int64_t end_ns = INT64_MAX;
    return collect(spec, at_ns, &end_ns, NULL, NULL);
}

double rate_most(const mdl_arrival_spec *spec, int64_t at_ns)
{
    int64_t end_ns = INT64_MAX;
    double most = 1.0;
    for (size_t i = 0; i < spec->season_count; i++) {
        most *= at_ns < spec->seasons[i].end_ns ? fmax(spec->seasons[i].factor, 1.0) : 1.0;
    }
    for (size_t i = 0; i < spec->crowd_count; i++) {
        most *= at_ns < crowd_over_ns(&spec->crowds[i]) ? fmax(spec->crowds[i].factor, 1.0) : 1.0;
    }
    if (spec->growth.over_ns > 0) {
        const rate_factor f = growth_factor(&spec->growth, at_ns, &end_ns);
        most *= spec->growth.factor > 1.0 ? (double)INFINITY : factor_value(&f, 0.0);
    }
    return most;
}

/* ---- modulation ---- */

static bool modulated(const rate_walk *c)
{
    return c->spec->burst.factor > 0.0;
}

/* Share of the time in bursts x (factor - 1), plus 1. */
static double modulation_mean(const mdl_burstiness *b)
{
    return 1.0 + b->on_s / (b->on_s + b->off_s) * (b->factor - 1.0);
}

static void draw_switch(rate_walk *c, int64_t from_ns, gsl_rng *r)
{
    const mdl_burstiness *b = &c->spec->burst;
    const double ns = mdl_ran_exponential(r) * (c->busy ? b->on_s : b->off_s) * 1e9 + 1.0;
    c->switch_ns = ns < 9.2e18 ? later(from_ns, (int64_t)ns) : INT64_MAX;
}

/* ---- the walk ---- */

/* The piece from begin_ns on; hour and into_hour are set. */
static void lay_piece(rate_walk *c, gsl_rng *r)
{
    const rate_hour *h = &c->hours[c->hour];
    const int64_t into = (int64_t)c->into_hour;
    int64_t end_ns = later(c->begin_ns, HOUR_NS - into);
    if (modulated(c) && c->begin_ns >= c->switch_ns) {
        c->busy = !c->busy;
        draw_switch(c, c->switch_ns, r);
    }
    c->scale = c->share * collect(c->spec, c->begin_ns, &end_ns, c->factors, &c->factor_count);
    if (modulated(c)) {
        cut(c->begin_ns, c->switch_ns, &end_ns);
        c->scale *= (c->busy ? c->spec->burst.factor : 1.0) / modulation_mean(&c->spec->burst);
    }
    c->length = (double)(end_ns - c->begin_ns);
    c->low = h->low * c->scale;
    c->high = h->high * c->scale;
    for (size_t i = 0; i < c->factor_count; i++) {
        const double a = factor_value(&c->factors[i], 0.0);
        const double b = factor_value(&c->factors[i], c->length);
        c->low *= fmin(a, b);
        c->high *= fmax(a, b);
    }
    c->straight = c->factor_count == 0 && !week_is_cosine(c->spec);
    c->ns_per_unit = c->high > 0.0 ? 1e9 / c->high : 0.0;
}

rate_walk *rate_new(const mdl_arrival_spec *spec, double share)
{
    rate_walk *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return NULL;
    }
    c->spec = spec;
    c->share = share;
    c->factors = calloc(spec->crowd_count + 1, sizeof *c->factors);
    if (c->factors == NULL) {
        free(c);
        return NULL;
    }
    week_fill(spec, c->hours);
    return c;
}

void rate_free(rate_walk *c)
{
    if (c != NULL) {
        free(c->factors);
        free(c);
    }
}

bool rate_any(const rate_walk *c)
{
    const mdl_rates *rates = c->spec->rates;
    bool steps = rates == NULL;
    for (size_t i = 0; !steps && i < rates->count; i++) {
        steps = rates->per_s[i] > 0.0;
    }
    if (!steps) {
        return false;
    }
    for (int i = 0; i < MDL_SHAPE_HOURS; i++) {
        if (c->hours[i].high > 0.0) {
            return true;
        }
    }
    return false;
}

double rate_begin(rate_walk *c, gsl_rng *r)
{
    const int64_t position = week_position(c->spec, 0);
    c->hour = (int)(position / HOUR_NS);
    c->into_hour = 0.0;
    c->begin_ns = -(position % HOUR_NS);
    if (rate_varies(c->spec) || modulated(c)) { /* pieces need not begin with the hour */
        c->begin_ns = 0;
        c->into_hour = (double)(position % HOUR_NS);
    }
    if (modulated(c)) {
        const mdl_burstiness *b = &c->spec->burst;
        c->busy = mdl_ran_uniform_pos(r) * (b->on_s + b->off_s) < b->on_s;
        draw_switch(c, 0, r);
    }
    lay_piece(c, r);
    return -(double)c->begin_ns;
}

bool rate_next_piece(rate_walk *c, gsl_rng *r)
{
    if (c->begin_ns > ARRIVALS_NEVER - 2 * HOUR_NS || rate_over(c->spec, c->begin_ns)) {
        return false;
    }
    c->begin_ns += (int64_t)c->length;
    c->into_hour += c->length;
    if (c->into_hour >= hour_ns) {
        c->into_hour = 0.0;
        c->hour = (c->hour + 1) % MDL_SHAPE_HOURS;
    }
    lay_piece(c, r);
    return true;
}

double rate_within(const rate_walk *c, double x)
{
    double value = week_rate(c->spec, c->hours, c->hour, c->into_hour + x);
    if (c->scale != 1.0) {
        value *= c->scale;
    }
    for (size_t i = 0; i < c->factor_count; i++) {
        value *= factor_value(&c->factors[i], x);
    }
    return value;
}

double rate_at(const rate_walk *c, int64_t at_ns)
{
    const int64_t position = week_position(c->spec, at_ns);
    return week_rate(c->spec, c->hours, (int)(position / HOUR_NS), (double)(position % HOUR_NS)) *
           rate_multiplier(c->spec, at_ns);
}
