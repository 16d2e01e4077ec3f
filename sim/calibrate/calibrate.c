/* SPDX-License-Identifier: GPL-3.0-or-later */
/* calibrate.c - puts fits, memory and replay together to one row. */
#include "sim/calibrate/calibrate.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_roots.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOT_ITERATIONS   40
#define ROOT_TOLERANCE_US 1.0
#define UNLIKE            0.5 /* halves that differ by more of it share no constant */
#define ROUNDS            2   /* of the constant of a step and the time outside, each from the other */

void calibrate_note(calibration *out, const char *format, ...)
{
    if (out->note_count < CALIBRATE_NOTES) {
        va_list args;
        va_start(args, format);
        (void)vsnprintf(out->notes[out->note_count++], CALIBRATE_NOTE, format, args);
        va_end(args);
    }
}

/* --- the constant of a step --------------------------------------------------------------------------------------- */

typedef struct search {
    const observed *o;
    const mdl_gpu *gpu;
    const mdl_model *model;
    mdl_profile row;
    double outside_ms; /* of a request's time from end to end, not in the engine */
    bool failed;
} search;

/* Every step takes so much longer; or shorter, then what is left of h0 comes off both branches of the dense part. */
static void add_constant(mdl_profile *row, double us)
{
    row->h0_us += us;
    if (row->h0_us < 0.0) {
        row->c1_us += row->h0_us;
        row->c3_us = row->c3_us + row->h0_us > 0.0 ? row->c3_us + row->h0_us : 0.0;
        row->h0_us = 0.0;
    }
}

/* Mean time of a request from end to end with a constant added, less the measured one. */
static double excess_ms(double constant_us, void *context)
{
    search *s = context;
    drive_sums sums, measured;
    mdl_profile row = s->row;
    add_constant(&row, constant_us);
    if (!calibrate_replayed(s->o, s->gpu, s->model, &row, &sums, &measured)) {
        s->failed = true;
        return 0.0;
    }
    return sums.e2e_ms - (measured.e2e_ms - s->outside_ms);
}

/* Moves the constant until the replay lasts as long as the run did: Brent's method, a replay for each trial.
 * Where no constant does it the row is left as it is. */
static bool tune(const observed *o, const mdl_gpu *g, const mdl_model *m, calibration *out)
{
    search s = {.o = o, .gpu = g, .model = m, .row = out->row};
    s.outside_ms = calibrate_counted_ms(&out->outside);
    double low = -out->row.h0_us - 0.5 * out->row.c1_us;
    double high = out->row.h0_us + out->row.c1_us;
    gsl_function f = {.function = excess_ms, .params = &s};
    out->step_constant_us = 0.0;
    out->constant_told = excess_ms(low, &s) < 0.0 && excess_ms(high, &s) > 0.0;
    if (s.failed || !out->constant_told) {
        return !s.failed;
    }
    gsl_root_fsolver *solver = gsl_root_fsolver_alloc(gsl_root_fsolver_brent);
    int status = solver != NULL && gsl_root_fsolver_set(solver, &f, low, high) == 0 ? GSL_CONTINUE : GSL_FAILURE;
    for (int i = 0; i < ROOT_ITERATIONS && status == GSL_CONTINUE; i++) {
        (void)gsl_root_fsolver_iterate(solver);
        out->step_constant_us = gsl_root_fsolver_root(solver);
        status = gsl_root_test_interval(gsl_root_fsolver_x_lower(solver), gsl_root_fsolver_x_upper(solver),
                                        ROOT_TOLERANCE_US, 0.0);
    }
    if (solver != NULL) {
        gsl_root_fsolver_free(solver);
    }
    add_constant(&out->row, out->step_constant_us);
    return status != GSL_FAILURE && !s.failed;
}

/* A part that the halves of the requests do not share is none that each of them spends. */
static void say_outside(calibration *out)
{
    const calibrate_outside *a = &out->outside;
    if (a->told && fabs(a->long_ms - a->short_ms) > UNLIKE * a->ms) {
        calibrate_note(out,
                       "the time outside the engine is no constant: %.3g ms for the shorter prompts, %.3g ms for the "
                       "longer; part of it goes with the prompt, as a prefill that the row has wrong would",
                       a->short_ms, a->long_ms);
    }
    if (a->told && fabs(a->many_ms - a->few_ms) > UNLIKE * a->ms) {
        calibrate_note(out,
                       "the time outside the engine is no constant: %.3g ms with few requests in the batch, %.3g ms "
                       "with many; part of it goes with the load",
                       a->few_ms, a->many_ms);
    }
}

/* The constant of a step is told by whole requests less their time outside, that by the replay under the constant. */
static bool settle(const observed *o, const mdl_gpu *g, const mdl_model *m, calibration *out)
{
    const mdl_profile before = out->row;
    bool ok = tune(o, g, m, out);
    for (int round = 0; ok && round < ROUNDS; round++) {
        ok = calibrate_time_outside(o, g, m, &out->row, &out->outside);
        out->row = before;
        ok = ok && tune(o, g, m, out);
    }
    if (ok && !out->constant_told) {
        calibrate_note(out, "no constant makes the replay last as long as the run: another limit was at work there");
    }
    if (ok) {
        say_outside(out);
    }
    ok = ok && calibrate_replayed(o, g, m, &out->row, &out->replay.simulated, &out->replay.measured);
    if (ok && out->replay.measured.done < o->request_count) {
        calibrate_note(out, "%zu of %zu requests do not fit the KV cache that the row leaves: left out of the replay",
                       o->request_count - out->replay.measured.done, o->request_count);
    }
    calibrate_count_outside(&out->outside, &out->replay.simulated);
    return ok;
}

/* --- memory --------------------------------------------------------------------------------------------------------
 */

/* utilisation x memory = weights + reserved + KV blocks: reserved is what the engine's own count leaves. */
static void set_memory(const observed *o, const mdl_gpu *g, const mdl_model *m, calibration *out)
{
    mdl_profile *row = &out->row;
    row->block_tokens = o->block_tokens > 0 ? o->block_tokens : row->block_tokens;
    row->memory_utilization = o->memory_utilization > 0.0 ? o->memory_utilization : row->memory_utilization;
    if (o->kv_blocks == 0) {
        calibrate_note(out, "no engine settings (meta.json): reserved memory as in the row of %s", row->engine);
        return;
    }
    double block_bytes = (double)row->block_tokens * (double)m->kv_bytes_per_token;
    double bytes = row->memory_utilization * (double)g->mem_usable_bytes - (double)m->weights_bytes -
                   ((double)o->kv_blocks + 0.5) * block_bytes; /* the engine rounded down: middle of what it may be */
    if (o->memory_bytes > 0 && llabs(o->memory_bytes - g->mem_usable_bytes) > g->mem_usable_bytes / 100) {
        calibrate_note(out, "the engine saw %lld bytes of memory, tables/gpus.csv says %lld: is it this GPU?",
                       (long long)o->memory_bytes, (long long)g->mem_usable_bytes);
    }
    if (bytes < 0.0) {
        calibrate_note(out, "weights and KV blocks exceed the memory by %.0f MB: wrong GPU or model?", -bytes / 1e6);
        bytes = 0.0;
    }
    row->reserved_bytes = (int64_t)bytes;
}

/* Whether the logs say who waits; where there is none, nothing lacks in it. */
static bool tells_waiting(const observed *o)
{
    bool any = o->second_count == 0;
    for (size_t i = 0; i < o->second_count; i++) {
        any = any || o->seconds[i].waiting >= 0.0;
    }
    return any;
}

/* Requests that wait for the budget of a step, or whose prompts it cuts, get their first token so much later. */
static void say_limits(const observed *o, calibration *out)
{
    if (o->budget_lines > 0) {
        calibrate_note(out,
                       "token budget of a step: %lld by %zu lines of the engine's log in which requests waited beside "
                       "room for them, half of the lines within %.0f of it",
                       (long long)o->max_batched_tokens, o->budget_lines, o->budget_spread);
    } else if (o->max_batched_tokens == 0 && o->request_count > 0) {
        calibrate_note(out,
                       "neither a meta.json (max_num_batched_tokens) nor waiting requests in an engine's log tell the "
                       "token budget of a step: %d assumed; TTFT of long prompts and of bursts hangs on it",
                       CALIBRATE_BATCHED_TOKENS);
    }
    if (o->batch_lines > 0) {
        calibrate_note(out,
                       "requests of a batch: at most %lld by %zu lines of the engine's log in which others waited "
                       "beside KV blocks for them",
                       (long long)o->max_sequences, o->batch_lines);
    } else if (o->max_sequences == 0 && o->request_count > 0) {
        calibrate_note(out,
                       "neither a meta.json (max_num_seqs) nor waiting requests in an engine's log tell how many "
                       "requests a batch may hold: %d assumed",
                       CALIBRATE_SEQUENCES);
    }
    if ((o->max_batched_tokens == 0 || o->max_sequences == 0) && !tells_waiting(o)) {
        calibrate_note(out,
                       "the engine's log does not say how many requests wait (column waiting or num_pending), which "
                       "may tell these limits");
    }
}

static bool has_operators(const observed *o)
{
    return o->dense_count + o->sequence_count + o->attention_count > 0;
}

static void judge(calibration *out)
{
    for (size_t i = 0; i < out->fit_count; i++) {
        const fit *f = &out->fits[i];
        if (f->condition > FIT_ILL) {
            calibrate_note(out, "%.40s...: condition number %.0f, some of its coefficients are close to dependent",
                           f->what, f->condition);
        }
    }
}

/* @param lean  the known row is to be corrected, whatever the terms of a log are */
static bool fit_and_settle(const observed *o, const mdl_gpu *g, const mdl_model *m, const mdl_profile *base, bool lean,
                           calibration *out, char *err, size_t err_size)
{
    *out = (calibration){.row = *base};
    if (o->told > 0) {
        calibrate_note(out,
                       "output tokens of %zu requests are told by the engine's log; it counts %.3g times the "
                       "prompt tokens that the requests state, and they are scaled to it",
                       o->told, o->prompt_scale);
    }
    set_memory(o, g, m, out);
    say_limits(o, out);
    if (strcmp(base->gpu, g->name) != 0 || strcmp(base->model, m->name) != 0) {
        mdl_profile_derive(g, m, &out->row); /* a law to lean on where the data cannot tell coefficients apart */
    }
    if (has_operators(o) ? calibrate_operators(o, m, out, err, err_size) < 0
                         : !calibrate_log(o, g, m, lean, out, err, err_size)) {
        return false;
    }
    if (o->request_count > 0) {
        out->replay.done = settle(o, g, m, out);
        if (!out->replay.done) {
            calibrate_note(out, "the requests could not be replayed: the model does not fit this GPU with this memory, "
                                "or none of them its KV cache");
        }
    }
    return true;
}

static bool missed(const calibration *c)
{
    return !c->replay.done || calibrate_miss(&c->replay) > CALIBRATE_MISS;
}

/* The known row, corrected, in place of a law that is none of a GPU or whose replay is not the run; the other way round
 * where that row is the one further off. */
static void prefer_known(const observed *o, const mdl_gpu *g, const mdl_model *m, const mdl_profile *base,
                         calibration *out)
{
    calibration other;
    char err[CALIBRATE_NOTE];
    if (!fit_and_settle(o, g, m, base, true, &other, err, sizeof err)) {
        return;
    }
    const double miss = calibrate_miss(&out->replay);
    if (o->request_count == 0 || !missed(&other) ||
        (other.replay.done && (!out->replay.done || calibrate_miss(&other.replay) < miss))) {
        *out = other;
        if (out->unlike[0] == '\0') {
            calibrate_note(out, "the replay under the law above misses by up to %.3g %%: the row is none of it",
                           100.0 * miss);
        }
    }
}

/* A row whose replay is not the run it was fitted to is a guess, whatever its residuals are. */
static void give_grade(const observed *o, calibration *out)
{
    const bool denied = o->request_count > 0 && missed(out);
    if (out->unlike[0] != '\0') {
        calibrate_note(out, "%s", out->unlike);
    }
    if (denied && out->replay.done) {
        calibrate_note(out,
                       "the row is an estimate: the replay misses by up to %.3g %%, and by no more than %.0f %% may a "
                       "row miss the run it was fitted to",
                       100.0 * calibrate_miss(&out->replay), 100.0 * CALIBRATE_MISS);
    }
    const bool impossible = out->unlike[0] != '\0' && !out->leaned;
    (void)snprintf(out->row.grade, sizeof out->row.grade,
                   denied || impossible ? "estimate"
                   : out->leaned        ? "derived"
                                        : "measured");
}

bool calibrate(const observed *o, const mdl_gpu *g, const mdl_model *m, const mdl_profile *base, calibration *out,
               char *err, size_t err_size)
{
    if (!has_operators(o) && o->request_count == 0 && o->second_count == 0) {
        (void)snprintf(err, err_size, "nothing measured: neither operator times nor requests nor an engine's log");
        return false;
    }
    if (!fit_and_settle(o, g, m, base, false, out, err, err_size)) {
        return false;
    }
    if (!has_operators(o) && !out->leaned && (out->unlike[0] != '\0' || (o->request_count > 0 && missed(out)))) {
        prefer_known(o, g, m, base, out);
    }
    judge(out);
    give_grade(o, out);
    return true;
}
