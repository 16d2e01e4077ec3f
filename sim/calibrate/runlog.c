/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * runlog.c - coefficients from the times of requests, or from an engine's log by the second.
 *
 * Between the first and the last token of a request lie all steps of the batch it was part of, output - 1 of them its
 * own. So last - first = A n + B sum D + E sum S + F prefills + C prefill tokens, sums over those steps. Who else was
 * decoding is known from the others' first and last tokens; their tokens are spread between them by a clock of steps
 * that runs by the law itself, in rounds. Requests that were thrown out and recomputed lie far off and are put aside.
 *
 * Of a log by the second: dt = steps (A + B D + E S) + C prompt tokens, with steps = output tokens / D. Divided by dt
 * the left side is 1 and tokens are rates; S is the share of the KV cache in use times its tokens.
 */
#include "sim/calibrate/runlog.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define LEAST_TOKENS  8    /* outputs shorter than this say little about a step */
#define SHORT_US      4e6  /* times well below this count less: one prefill more or less in them decides */
#define ROUNDS        6    /* of clock and fit */
#define LEAST_EXPOSED 0.2  /* c3 starts at no less of c1 */
#define REQUESTS_MAX  6000 /* of more in a run the first are used: the sums cost their square */

static const fit log_fit = {.terms = {{.name = "A", .unit = "us/step"},
                                      {.name = "B", .unit = "us/sequence"},
                                      {.name = "E", .unit = "us/token of context"},
                                      {.name = "C", .unit = "us/prompt token"},
                                      {.name = "F", .unit = "us/prefill", .any_sign = true}},
                            .term_count = RUNLOG_TERMS};

/* Part of [from, to] that lies in [a, b]; an instant counts whole if it lies inside. */
static double overlap(double from, double to, double a, double b)
{
    if (to <= from) {
        return from > a && from <= b ? 1.0 : 0.0;
    }
    double low = from > a ? from : a;
    double high = to < b ? to : b;
    return high > low ? (high - low) / (to - from) : 0.0;
}

/* --- the clock of steps ------------------------------------------------------------------------------------------- */

/* Steps done up to each event, by the law at hand: tokens come by steps, and a step with a prefill in it is long. */
typedef struct clock_of_steps {
    double *at_s, *steps; /* [count] events by time */
    size_t count;
} clock_of_steps;

static int by_value(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;
    return (*x > *y) - (*x < *y);
}

static bool clock_new(const observed_request *r, size_t n, clock_of_steps *c)
{
    c->count = 0;
    c->at_s = malloc((3 * n + 1) * sizeof *c->at_s);
    c->steps = calloc(3 * n + 1, sizeof *c->steps);
    if (c->at_s == NULL || c->steps == NULL) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        c->at_s[c->count++] = r[i].start_s;
        c->at_s[c->count++] = r[i].first_s;
        c->at_s[c->count++] = r[i].last_s;
    }
    qsort(c->at_s, c->count, sizeof *c->at_s, by_value);
    return true;
}

/* Index of the last event not after t. */
static size_t event_before(const clock_of_steps *c, double t)
{
    size_t low = 0;
    size_t high = c->count - 1;
    while (low < high) {
        size_t mid = high - (high - low) / 2;
        if (c->at_s[mid] <= t) {
            low = mid;
        } else {
            high = mid - 1;
        }
    }
    return low;
}

static double clock_at(const clock_of_steps *c, double t)
{
    size_t k = event_before(c, t);
    if (k + 1 >= c->count) {
        return c->steps[k];
    }
    double span = c->at_s[k + 1] - c->at_s[k];
    return c->steps[k] + (span > 0.0 ? (c->steps[k + 1] - c->steps[k]) * (t - c->at_s[k]) / span : 0.0);
}

/* Between two events the same requests decode: dt = steps (A + B D + E S) + C prompt tokens + F prefills. */
static bool clock_set(clock_of_steps *c, const observed_request *r, size_t n, const double *law)
{
    double *load =
        calloc(4 * c->count + 4, sizeof *load); /* D, S, prompt tokens, prefills of the span that begins at k */
    if (load == NULL) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t k = event_before(c, r[i].first_s); k < c->count && c->at_s[k] < r[i].last_s; k++) {
            if (c->at_s[k] >= r[i].first_s) {
                load[4 * k] += 1.0;
                load[4 * k + 1] +=
                    r[i].input + r[i].output * (c->at_s[k] - r[i].first_s) / (r[i].last_s - r[i].first_s);
            }
        }
        size_t at = event_before(c, r[i].start_s);
        double prefill_s = r[i].first_s - r[i].start_s;
        for (size_t k = at; prefill_s > 0.0 && k + 1 < c->count && c->at_s[k] < r[i].first_s; k++) {
            double share = c->at_s[k] >= r[i].start_s ? (c->at_s[k + 1] - c->at_s[k]) / prefill_s : 0.0;
            load[4 * k + 2] += share * r[i].input;
            load[4 * k + 3] += share;
        }
    }
    c->steps[0] = 0.0;
    for (size_t k = 0; k + 1 < c->count; k++) {
        const double *l = &load[4 * k];
        double left_us = (c->at_s[k + 1] - c->at_s[k]) * 1e6 - law[3] * l[2] - law[4] * l[3];
        double step_us = law[0] + law[1] * l[0] + law[2] * l[1];
        double steps = l[0] > 0.0 && left_us > 0.0 && step_us > 0.0 ? left_us / step_us : 0.0;
        c->steps[k + 1] = c->steps[k] + steps + 1e-9; /* never at rest: shares are taken of differences */
    }
    free(load);
    return true;
}

static void clock_free(clock_of_steps *c)
{
    free(c->at_s);
    free(c->steps);
}

/* --- sums of what went on ------------------------------------------------------------------------------------------
 */

/* What request j does while request i decodes; f and l: the clock at the first and the last token of each. */
static void add_other(const observed_request *i, const observed_request *j, const double *fi, const double *fj,
                      double *row)
{
    double share = overlap(fj[0], fj[1], fi[0], fi[1]);
    if (share > 0.0 && j->output > 1) {
        double from = fj[0] > fi[0] ? 0.0 : (fi[0] - fj[0]) / (fj[1] - fj[0]);
        double tokens = share * (j->output - 1);
        row[1] += tokens;
        row[2] += tokens * (j->input + 1.0 + (from + share / 2.0) * (j->output - 1));
    }
    double prefill = overlap(j->start_s, j->first_s, i->first_s, i->last_s);
    row[3] += prefill * j->input;
    row[4] += prefill;
}

/* A prefill costs what it is longer than a step of its own: F once, whatever the chunks. */
static bool sum_run(const observed *o, const double *law, runlog_sums *s)
{
    size_t n = o->request_count < REQUESTS_MAX ? o->request_count : REQUESTS_MAX;
    clock_of_steps c = {NULL, NULL, 0};
    double *at = calloc(2 * n + 2, sizeof *at); /* the clock at first and last tokens */
    bool ok = at != NULL && clock_new(o->requests, n, &c) && clock_set(&c, o->requests, n, law);
    for (size_t i = 0; ok && i < n; i++) {
        at[2 * i] = clock_at(&c, o->requests[i].first_s);
        at[2 * i + 1] = clock_at(&c, o->requests[i].last_s);
    }
    for (size_t i = 0; ok && i < n; i++) {
        const observed_request *r = &o->requests[i];
        if (r->output >= LEAST_TOKENS && r->last_s > r->first_s) {
            double *row = &s->x[s->n * RUNLOG_TERMS];
            for (size_t k = 0; k < RUNLOG_TERMS; k++) {
                row[k] = 0.0;
            }
            row[0] = r->output - 1;
            for (size_t j = 0; j < n; j++) {
                add_other(r, &o->requests[j], &at[2 * i], &at[2 * j], row);
            }
            s->y[s->n++] = (r->last_s - r->first_s) * 1e6;
        }
    }
    clock_free(&c);
    free(at);
    return ok;
}

/* Nothing of a run goes on in another. */
static bool sum_requests(const observed *o, const double *law, runlog_sums *s)
{
    s->n = 0;
    s->terms = RUNLOG_TERMS;
    s->x = s->x != NULL ? s->x : malloc((o->request_count + 1) * RUNLOG_TERMS * sizeof *s->x);
    s->y = s->y != NULL ? s->y : malloc((o->request_count + 1) * sizeof *s->y);
    bool ok = s->x != NULL && s->y != NULL;
    for (size_t k = 0; ok && k < observed_run_count(o); k++) {
        const observed one = observed_one_run(o, k);
        ok = sum_run(&one, law, s);
    }
    return ok;
}

static bool sum_seconds(const observed *o, double kv_tokens, runlog_sums *s)
{
    s->terms = RUNLOG_TERMS - 1; /* prefills are not counted in such a log */
    s->x = calloc((o->second_count + 1) * s->terms, sizeof *s->x);
    s->y = calloc(o->second_count + 1, sizeof *s->y);
    for (size_t i = 0; s->x != NULL && s->y != NULL && i < o->second_count; i++) {
        const observed_second *second = &o->seconds[i];
        if (second->running >= 1.0 && second->output_per_s > 0.0) {
            double steps = second->output_per_s / second->running;
            double *row = &s->x[s->n * s->terms];
            row[0] = steps;
            row[1] = second->output_per_s;
            row[2] = steps * second->kv_share * kv_tokens;
            row[3] = second->prompt_per_s;
            s->y[s->n++] = 1e6;
        }
    }
    return s->x != NULL && s->y != NULL;
}

static double mean_running(const observed *o)
{
    double busy = 0.0;
    double time = 0.0;
    for (size_t k = 0; k < observed_run_count(o); k++) {
        const observed one = observed_one_run(o, k);
        double from = INFINITY;
        double to = -INFINITY;
        for (size_t i = 0; i < one.request_count; i++) {
            busy += one.requests[i].last_s - one.requests[i].first_s;
            from = one.requests[i].first_s < from ? one.requests[i].first_s : from;
            to = one.requests[i].last_s > to ? one.requests[i].last_s : to;
        }
        time += to > from ? to - from : 0.0;
    }
    return time > 0.0 ? busy / time : 0.0;
}

/* Whether a fit tells all of its terms apart; the free one may be anything. */
static bool identified(const fit *f)
{
    bool all = f->condition <= FIT_ILL;
    for (size_t k = 0; k < f->term_count; k++) {
        const fit_term *t = &f->terms[k];
        all = all && (t->any_sign || (t->half_width >= 0.0 && t->half_width < t->value));
        all = all && fabs(t->twin_correlation) <= FIT_TWIN;
    }
    return all;
}

/*
 * Says in out->unlike what no GPU does: a step shorter than reading the weights that a token uses (the embedding is
 * looked up, not read) takes at the rated bandwidth, a token of context than reading its KV; a prefill, which adds its
 * tokens to a step, with a fixed cost, or a saving, beyond a whole step. A recording of an overloaded engine comes to
 * that: times between tokens hold the waits of requests thrown out, and prefills are spread over the time in the queue.
 */
static void say_unlike(const fit *f, double running, const mdl_gpu *g, const mdl_model *m, calibration *out)
{
    const fit_term *t = f->terms;
    const double bytes_per_us = g->mem_bw_gb_s * 1e3;
    const double read = (double)m->weights_bytes - 2.0 * (double)m->vocab * (double)m->hidden;
    const double least_step_us = read * m->active_b / m->params_b / bytes_per_us;
    const double least_context_us = (double)m->kv_bytes_per_token / bytes_per_us;
    const double beside = f->term_count > 4 ? t[4].value + (fmin(t[1].value, t[3].value) - t[3].value) * running : 0.0;
    char *to = out->unlike;
    if (t[0].value + t[0].half_width < least_step_us) {
        (void)snprintf(to, CALIBRATE_NOTE, "A cannot be a step: %s takes %.3g ms to read the weights of %s", g->name,
                       least_step_us / 1e3, m->name);
    } else if (t[2].value + t[2].half_width < least_context_us) {
        (void)snprintf(to, CALIBRATE_NOTE, "E cannot be one of context: %s takes %.3g us to read the KV of a token",
                       g->name, least_context_us);
    } else if (f->term_count > 4 && fabs(beside) - t[4].half_width > t[0].value) {
        (void)snprintf(to, CALIBRATE_NOTE, "F cannot be a prefill: %+.3g ms beside its tokens, where a step takes %.3g",
                       beside / 1e3, t[0].value / 1e3);
    }
}

/* All terms stand on their own. c2 counts the tokens of prefills too: what a sequence costs beyond one of those is h1.
 */
static void row_of_log(const fit *f, double running, calibration *out)
{
    mdl_profile *row = &out->row;
    double prefill = f->term_count > 4 ? f->terms[4].value : 0.0;
    row->c2_us = fmin(f->terms[1].value, f->terms[3].value);
    row->c1_us = f->terms[0].value + row->c2_us;
    row->e2_us = f->terms[2].value;
    row->c4_us = f->terms[3].value;
    /* a step with a prefill of p tokens takes A + B D + F + C p: put the line of c3, c4 through it at the mean D */
    double exposed = f->terms[0].value + prefill + (row->c2_us - row->c4_us) * running;
    row->c3_us = exposed > LEAST_EXPOSED * row->c1_us ? exposed : LEAST_EXPOSED * row->c1_us;
    row->h1_us = f->terms[1].value - row->c2_us;
    row->h0_us = row->e0_us = row->e1_us = row->g0_us = row->g1_us = row->x_us = 0.0;
}

/* The sums need a clock, the clock needs the law: by turns, from the law of the known row. */
static bool fit_requests(const observed *o, double running, const mdl_profile *known, runlog_sums *s, fit *f)
{
    double law[RUNLOG_TERMS];
    runlog_law(known, running, law);
    bool ok = true;
    for (int round = 0; ok && round < ROUNDS; round++) {
        ok = sum_requests(o, law, s) && fit_linear(s->x, s->y, s->n, SHORT_US, RUNLOG_TRIM, f);
        for (size_t k = 0; ok && k < RUNLOG_TERMS; k++) {
            law[k] = f->terms[k].value;
        }
    }
    return ok;
}

bool calibrate_log(const observed *o, const mdl_gpu *g, const mdl_model *m, bool lean, calibration *out, char *err,
                   size_t err_size)
{
    fit *f = &out->fits[out->fit_count];
    bool by_request = o->request_count > 0;
    double running = mean_running(o);
    double kv_tokens = (double)mdl_kv_blocks(g, m, &out->row, NULL) * (double)out->row.block_tokens;
    runlog_sums s = {NULL, NULL, 0, by_request ? RUNLOG_TERMS : RUNLOG_TERMS - 1};
    *f = log_fit;
    f->what = by_request ? "time between first and last token: A n + B sum D + E sum S + C prompt tokens + F prefills"
                         : "engine log: 1 s = steps (A + B D + E S) + C prompt tokens";
    f->term_count = s.terms;
    bool ok = by_request ? fit_requests(o, running, &out->row, &s, f)
                         : sum_seconds(o, kv_tokens, &s) && fit_linear(s.x, s.y, s.n, 0.0, RUNLOG_TRIM, f);
    if (!ok) {
        (void)snprintf(err, err_size, "%s do not suffice to fit a step: at least %d with %d tokens or more are needed",
                       by_request ? "the requests" : "the lines of the engine's log", RUNLOG_TERMS, LEAST_TOKENS);
    } else {
        out->fit_count++;
        const bool apart = identified(f);
        if (apart) {
            say_unlike(f, running, g, m, out);
        }
        if (apart && !lean) {
            row_of_log(f, running, out);
            calibrate_note(out,
                           "a log shows c1 + h0 + e0 as one sum (A) and c2 + h1 + e1 as another (B): they stand in "
                           "c1 and c2, what of B exceeds C in h1; prefill attention is part of C");
        } else {
            calibrate_note(out, apart ? "the row leans on the known one: a recording without a queue would tell the law"
                                      : "the run was too uniform to tell the terms of its law apart: more of it at low "
                                        "load would");
            out->leaned = true;
            ok = runlog_lean(&s, running, out);
        }
    }
    free(s.x);
    free(s.y);
    return ok;
}
