/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * replay.c - the requests of a run through the engine of this program, and what they took longer than it.
 *
 * A client counts more than the engine does: connections, HTTP, tokens from text and back, its own work between. Of a
 * request whose prompt nobody held up and which held up nobody, from its arrival to its first token, what is measured
 * beyond the replay is that time outside, give or take part of a step: the steps of the replay begin at other instants.
 * The median over such requests stands for all: a few that were slow for other reasons do not move it.
 */
#include "sim/calibrate/calibrate.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>

#define TAIL 0.025 /* beyond either end of the interval */

/* Sums over the requests of a run that the replay did. */
static drive_sums measured_run(const observed *o, const drive_request *replayed)
{
    drive_sums s = {.done = 0};
    double tokens = 0.0;
    double end_s = 0.0;
    for (size_t i = 0; i < o->request_count; i++) {
        const observed_request *r = &o->requests[i];
        if (replayed[i].done_ns < 0) {
            continue;
        }
        end_s = s.done == 0 || r->last_s > end_s ? r->last_s : end_s;
        s.done++;
        s.ttft_ms += (r->first_s - r->arrival_s) * 1e3;
        s.e2e_ms += (r->last_s - r->arrival_s) * 1e3;
        if (r->output > 1) {
            s.tpot_ms += (r->last_s - r->first_s) * 1e3 / (r->output - 1);
            s.spaced++;
        }
        tokens += r->output;
    }
    if (s.done > 0) {
        s.ttft_ms /= (double)s.done;
        s.e2e_ms /= (double)s.done;
        s.tpot_ms /= s.spaced > 0 ? (double)s.spaced : 1.0;
        s.makespan_ns = (int64_t)((end_s - o->requests[0].arrival_s) * 1e9);
        s.output_per_s = tokens / ((double)s.makespan_ns / 1e9);
    }
    return s;
}

static drive_request *requests_of(const observed *o)
{
    drive_request *r = calloc(o->request_count + 1, sizeof *r);
    for (size_t i = 0; r != NULL && i < o->request_count; i++) {
        const observed_request *from = &o->requests[i];
        r[i] = (drive_request){.at_ns = (int64_t)((from->arrival_s - o->requests[0].arrival_s) * 1e9),
                               .input = from->input,
                               .output = from->output};
    }
    return r;
}

static bool config_of(const observed *o, const mdl_gpu *g, const mdl_model *m, const mdl_profile *row,
                      mdl_llm_config *config)
{
    const mdl_engine_limits limits = {
        .max_batched_tokens = o->max_batched_tokens > 0 ? (int32_t)o->max_batched_tokens : CALIBRATE_BATCHED_TOKENS,
        .max_sequences = o->max_sequences > 0 ? (int32_t)o->max_sequences : CALIBRATE_SEQUENCES,
        .max_waiting = INT32_MAX};
    const bool ok = mdl_profile_config(g, m, row, &limits, config) == NULL;
    config->max_context = 0; /* the engine took what it was sent */
    return ok;
}

bool calibrate_replayed(const observed *o, const mdl_gpu *g, const mdl_model *m, const mdl_profile *row,
                        drive_sums *simulated, drive_sums *measured)
{
    mdl_llm_config config;
    bool ok = config_of(o, g, m, row, &config);
    *simulated = *measured = (drive_sums){.done = 0};
    for (size_t k = 0; ok && k < observed_run_count(o); k++) {
        const observed one = observed_one_run(o, k);
        drive_sums run;
        drive_request *r = requests_of(&one);
        ok = r != NULL && drive_engine(&config, r, one.request_count, 0, &run);
        if (ok && run.done > 0) {
            const drive_sums seen = measured_run(&one, r);
            drive_pool(simulated, &run);
            drive_pool(measured, &seen);
        }
        free(r);
    }
    return ok && (simulated->done > 0 || o->request_count == 0);
}

static double off(double simulated, double measured)
{
    return measured > 0.0 ? fabs(simulated / measured - 1.0) : 0.0;
}

double calibrate_miss(const calibrate_replay *replay)
{
    const drive_sums *s = &replay->simulated;
    const drive_sums *m = &replay->measured;
    return fmax(fmax(off(s->ttft_ms, m->ttft_ms), off(s->tpot_ms, m->tpot_ms)),
                fmax(off(s->e2e_ms, m->e2e_ms), off(s->output_per_s, m->output_per_s)));
}

/* --- time outside the engine ----------------------------------------------------------------------------------------
 */

/* A request that was alone with its prompt. */
typedef struct alone {
    double ms;     /* longer than in the replay */
    double prompt; /* tokens */
    double batch;  /* requests that were being answered when it arrived */
} alone;

static int by_ms(const void *a, const void *b)
{
    const alone *x = a;
    const alone *y = b;
    return (x->ms > y->ms) - (x->ms < y->ms);
}

static int by_prompt(const void *a, const void *b)
{
    const alone *x = a;
    const alone *y = b;
    return x->prompt != y->prompt ? (x->prompt > y->prompt) - (x->prompt < y->prompt) : by_ms(a, b);
}

static int by_batch(const void *a, const void *b)
{
    const alone *x = a;
    const alone *y = b;
    return x->batch != y->batch ? (x->batch > y->batch) - (x->batch < y->batch) : by_ms(a, b);
}

static double median_of(alone *a, size_t n)
{
    qsort(a, n, sizeof *a, by_ms);
    return n % 2 == 1 ? a[n / 2].ms : (a[n / 2 - 1].ms + a[n / 2].ms) / 2.0;
}

/* Medians of both halves in the order of something. */
static void halves(alone *a, size_t n, int (*order)(const void *, const void *), double *low_ms, double *high_ms)
{
    qsort(a, n, sizeof *a, order);
    *low_ms = median_of(a, n / 2);
    *high_ms = median_of(a + n / 2, n - n / 2);
}

static int by_time(const void *a, const void *b)
{
    const int64_t *x = a;
    const int64_t *y = b;
    return (*x > *y) - (*x < *y);
}

/* Adds those of a run; done_ns: room for a time of each request. @return how many */
static size_t find_alone(const observed *one, const drive_request *r, int64_t *done_ns, alone *to)
{
    int64_t busy_ns = INT64_MIN; /* until when prompts of those before are worked on */
    size_t gone = 0;
    size_t n = 0;
    for (size_t i = 0; i < one->request_count; i++) {
        done_ns[i] = r[i].done_ns;
    }
    qsort(done_ns, one->request_count, sizeof *done_ns, by_time);
    for (size_t i = 0; i < one->request_count; i++) {
        const observed_request *seen = &one->requests[i];
        const bool last = i + 1 == one->request_count;
        while (gone < one->request_count && done_ns[gone] <= r[i].at_ns) {
            gone++;
        }
        if (r[i].first_ns >= 0 && busy_ns <= r[i].at_ns && (last || r[i + 1].at_ns >= r[i].first_ns)) {
            const double replayed_ms = (double)(r[i].first_ns - r[i].at_ns) / 1e6;
            to[n++] = (alone){.ms = (seen->first_s - seen->arrival_s) * 1e3 - replayed_ms,
                              .prompt = r[i].input,
                              .batch = (double)(i - gone)}; /* all before it have their first token */
        }
        busy_ns = r[i].first_ns > busy_ns ? r[i].first_ns : busy_ns;
    }
    return n;
}

/* The interval of a median is between two of those in order: so many lie below it as coins fall. */
static void judge_outside(alone *a, size_t n, calibrate_outside *out)
{
    *out = (calibrate_outside){.sought = true, .n = n};
    if (n < CALIBRATE_ALONE) {
        return;
    }
    size_t rank = 0;
    while (gsl_cdf_binomial_P((unsigned)rank, 0.5, (unsigned)n) <= TAIL) {
        rank++;
    }
    out->ms = median_of(a, n);
    out->low_ms = a[rank - 1].ms;
    out->high_ms = a[n - rank].ms;
    out->told = out->low_ms > 0.0;
    halves(a, n, by_prompt, &out->short_ms, &out->long_ms);
    halves(a, n, by_batch, &out->few_ms, &out->many_ms);
}

bool calibrate_time_outside(const observed *o, const mdl_gpu *g, const mdl_model *m, const mdl_profile *row,
                            calibrate_outside *out)
{
    mdl_llm_config config;
    if (!o->client) {
        *out = (calibrate_outside){.n = 0};
        return true;
    }
    alone *all = malloc((o->request_count + 1) * sizeof *all);
    int64_t *done_ns = malloc((o->request_count + 1) * sizeof *done_ns);
    size_t n = 0;
    bool ok = all != NULL && done_ns != NULL && config_of(o, g, m, row, &config);
    for (size_t k = 0; ok && k < observed_run_count(o); k++) {
        const observed one = observed_one_run(o, k);
        drive_sums sums;
        drive_request *r = requests_of(&one);
        ok = r != NULL && drive_engine(&config, r, one.request_count, 0, &sums);
        n += ok ? find_alone(&one, r, done_ns, all + n) : 0;
        free(r);
    }
    if (ok) {
        judge_outside(all, n, out);
    }
    free(done_ns);
    free(all);
    return ok;
}

double calibrate_counted_ms(const calibrate_outside *outside)
{
    return outside->told ? outside->ms : 0.0;
}

void calibrate_count_outside(const calibrate_outside *outside, drive_sums *sums)
{
    sums->ttft_ms += calibrate_counted_ms(outside);
    sums->e2e_ms += calibrate_counted_ms(outside);
}
