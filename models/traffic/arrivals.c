/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * arrivals.c - arrival times.
 *
 * A Poisson source of constant rate adds exponential gaps; the part of a nanosecond that is left over is carried, so
 * the mean rate has no rounding bias however far the clock has run.
 *
 * A rate that varies is thinned (Lewis and Shedler 1979): candidates come at the largest rate of the piece (rate.c) and
 * survive with probability rate(t) / largest. What is left of an exponential at the end of a piece is carried into the
 * next (a Poisson process of rate 1 run through a piecewise linear clock), and a candidate below the smallest rate of
 * the piece is accepted without evaluating the rate.
 *
 * Other gaps run through the clock of the integrated rate: its steps are whole pieces where the rate is a straight
 * line, else minutes within which it is taken for one; where a gap ends within a step is the root of a quadratic.
 */
#include "models/traffic/arrivals_int.h"

#include <math.h>
#include <stdlib.h>

#include "models/random/variates.h"

#define NEVER ARRIVALS_NEVER

static const double step_ns = 60e9;

/* Part of a piece, seen as a straight line. Times in ns within the piece. */
typedef struct step {
    double begin, length;
    double start, end; /* rates at its ends */
    double area;       /* requests expected in it */
    double used;       /* of the area: where the last one came */
} step;

struct mdl_arrivals {
    mdl_arrival_spec spec;
    bool empty;   /* nothing comes any more */
    bool started; /* the rate and the gaps have been */

    int64_t base_ns; /* constant rate: last arrival */
    double left;     /* constant rate: left-over of a ns */

    rate_walk *rate; /* NULL: constant, or a trace */
    double offset;   /* thinning: ns since the piece began */
    double residual; /* thinning: unit exponential not yet used up */
    renewal gaps;
    step step; /* gaps: the one that is walked */

    replay replay;
    sessions sessions; /* spec NULL: none */
};

/* ---- thinning ---- */

static int64_t next_thinned(mdl_arrivals *a, gsl_rng *r)
{
    rate_walk *c = a->rate;
    if (!a->started) {
        a->started = true;
        a->offset = rate_begin(c, r);
        a->residual = mdl_ran_exponential(r);
    }
    for (;;) {
        if (c->ns_per_unit > 0.0) {
            double at = a->offset + a->residual * c->ns_per_unit;
            if (at < c->length) {
                a->offset = at;
                a->residual = mdl_ran_exponential(r);
                double mark = mdl_ran_uniform_pos(r) * c->high;
                if (mark <= c->low || mark <= rate_within(c, at)) {
                    return c->begin_ns + (int64_t)(at + 0.5);
                }
                continue;
            }
            a->residual -= (c->length - a->offset) / c->ns_per_unit;
            if (a->residual < 0.0) {
                a->residual = 0.0; /* rounding */
            }
        }
        if (!rate_next_piece(c, r)) {
            return NEVER;
        }
        a->offset = 0.0;
    }
}

/* ---- gaps on the clock of the integrated rate ---- */

static void lay_step(mdl_arrivals *a, double begin)
{
    const rate_walk *c = a->rate;
    step *s = &a->step;
    s->begin = begin;
    s->length = c->straight ? c->length - begin : fmin(step_ns, c->length - begin);
    s->start = rate_within(c, begin);
    s->end = rate_within(c, begin + s->length);
    s->area = 0.5 * (s->start + s->end) * s->length * 1e-9;
    s->used = 0.0;
}

/* Where the area from the begin of the step has grown to `area`: ns from there. */
static double reach(const step *s, double area)
{
    const double slope = (s->end - s->start) / s->length * 1e9; /* per s per s */
    const double root = sqrt(fmax(s->start * s->start + 2.0 * slope * area, 0.0));
    return fmin(2.0 * area / (s->start + root) * 1e9, s->length);
}

static int64_t next_renewal(mdl_arrivals *a, gsl_rng *r)
{
    rate_walk *c = a->rate;
    double gap = 0.0;
    if (!a->started) {
        a->started = true;
        lay_step(a, rate_begin(c, r));
        gap = renewal_first(&a->gaps, r);
    } else {
        gap = renewal_gap(&a->gaps, r);
    }
    for (;;) {
        step *s = &a->step;
        if (s->used + gap < s->area) {
            s->used += gap;
            return c->begin_ns + (int64_t)(s->begin + reach(s, s->used) + 0.5);
        }
        gap -= s->area - s->used;
        double end = s->begin + s->length;
        if (end >= c->length) {
            if (!rate_next_piece(c, r)) {
                return NEVER;
            }
            end = 0.0;
        }
        lay_step(a, end);
    }
}

/* ---- constant rate ---- */

static int64_t next_poisson(mdl_arrivals *a, gsl_rng *r)
{
    double gap = mdl_ran_exponential(r) * (1e9 / a->spec.rate_per_s) + a->left;
    if (!(gap < 9.2e18) || a->base_ns > NEVER - 1 - (int64_t)gap) {
        return NEVER;
    }
    int64_t whole = (int64_t)gap;
    a->base_ns += whole;
    a->left = gap - (double)whole;
    return a->base_ns + (a->left >= 0.5);
}

/* ---- common ---- */

static bool is_plain(const mdl_arrival_spec *spec)
{
    return spec->kind == MDL_ARRIVAL_POISSON && !rate_varies(spec) && spec->burst.renewal == MDL_RENEWAL_POISSON &&
           !(spec->burst.factor > 0.0) && spec->sessions == NULL;
}

static bool start_drawn(mdl_arrivals *a)
{
    const mdl_arrival_spec *spec = &a->spec;
    double share = 1.0;
    if (is_plain(spec)) {
        a->empty = !(spec->rate_per_s > 0.0);
        return true;
    }
    if (spec->sessions != NULL) {
        a->sessions.spec = spec->sessions;
        share = 1.0 / mdl_length_mean(&spec->sessions->turns);
    }
    a->gaps = renewal_of(spec->burst.renewal, spec->burst.cv);
    a->rate = rate_new(spec, share);
    a->empty = a->rate != NULL && !rate_any(a->rate);
    return a->rate != NULL;
}

mdl_arrivals *mdl_arrivals_new(const mdl_arrival_spec *spec)
{
    mdl_arrivals *a = calloc(1, sizeof *a);
    if (a == NULL) {
        return NULL;
    }
    a->spec = *spec;
    const bool ok = spec->kind == MDL_ARRIVAL_TRACE ? replay_start(&a->replay, &a->spec) : start_drawn(a);
    if (!ok) {
        free(a);
        return NULL;
    }
    a->empty = a->empty || a->replay.empty;
    return a;
}

void mdl_arrivals_free(mdl_arrivals *a)
{
    if (a != NULL) {
        rate_free(a->rate);
        sessions_fini(&a->sessions);
        replay_fini(&a->replay);
        free(a);
    }
}

/* Time of the next request that is drawn, or of the next conversation. */
static int64_t next_drawn(mdl_arrivals *a, gsl_rng *r)
{
    if (a->empty) {
        return NEVER;
    }
    const int64_t at_ns = a->rate == NULL                      ? next_poisson(a, r)
                          : a->gaps.law == MDL_RENEWAL_POISSON ? next_thinned(a, r)
                                                               : next_renewal(a, r);
    a->empty = at_ns == NEVER;
    return at_ns;
}

static int64_t next_turn(mdl_arrivals *a, gsl_rng *r, mdl_arrival *out)
{
    sessions *s = &a->sessions;
    if (!s->start_known) {
        s->start_ns = next_drawn(a, r);
        s->start_known = true;
    }
    if (sessions_due(s) <= s->start_ns) {
        return sessions_due(s) == NEVER ? NEVER : sessions_go_on(s, out);
    }
    s->start_known = false;
    return sessions_begin(s, s->start_ns, out);
}

int64_t mdl_arrivals_next(mdl_arrivals *a, gsl_rng *r, mdl_arrival *out)
{
    *out = (mdl_arrival){.at_ns = NEVER, .row = SIZE_MAX, .session = -1, .turn = -1};
    if (a->sessions.spec != NULL) {
        out->at_ns = next_turn(a, r, out);
    } else if (a->spec.kind != MDL_ARRIVAL_TRACE) {
        out->at_ns = next_drawn(a, r);
    } else if (!a->empty) {
        out->at_ns = replay_next(&a->replay, r, out);
        a->empty = out->at_ns == NEVER;
    }
    return out->at_ns;
}

int mdl_arrivals_answered(mdl_arrivals *a, const mdl_arrival *turn, int64_t at_ns, const mdl_arrival *next)
{
    sessions *s = &a->sessions;
    if (!sessions_answered(s, turn, at_ns)) {
        return -1;
    }
    if (sessions_due(s) >= next->at_ns) {
        return 0;
    }
    return next->at_ns == NEVER || sessions_put_back(s, next) ? 1 : -1;
}

double mdl_arrivals_rate(const mdl_arrivals *a, int64_t at_ns)
{
    if (a->spec.kind == MDL_ARRIVAL_TRACE) {
        return replay_rate(&a->replay, at_ns);
    }
    if (a->rate != NULL) {
        return rate_at(a->rate, at_ns);
    }
    return a->spec.rate_per_s > 0.0 ? a->spec.rate_per_s : 0.0;
}
