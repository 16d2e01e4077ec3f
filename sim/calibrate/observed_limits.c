/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * observed_limits.c - what an engine's log tells of its limits: requests of a batch, tokens of a step.
 *
 * Requests that wait beside KV blocks for them while the batch is as large as it ever is wait for a place in it. One
 * that grows by another limit meets its largest size once or twice, not again and again; a small one, of long prompts
 * with short answers, meets it again and again, but others wait beside smaller ones, too, and as often.
 *
 * Requests that wait though the batch and the KV cache have room for them wait for the budget: every step is full, and
 * the prompt taken up last is cut off. So all of the batch but one get a token each step, q = running - 1; output / q
 * are the steps between two lines, and a step has P = prompt tokens / steps. Of the q tokens those of prompts that end
 * in the step, P / (mean prompt) of them, are none that decode: budget = q + P - P / (mean prompt).
 */
#include "sim/calibrate/observed_int.h"

#include <math.h>
#include <stdlib.h>

#define LEAST_LINES 8    /* of a log, to tell a limit */
#define ROOM_KV     0.9  /* share in use up to which the KV cache has room */
#define ROOM_BATCH  0.97 /* of the largest batch that the logs show: up to which a batch may have room */
#define LEAST_FULL  0.5  /* of the lines in which requests wait beside KV blocks: with a batch as large as ever */
#define ALIKE       0.1  /* half of the lines lie within so much of their median, or something else was at work */

static int by_value(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;
    return (*x > *y) - (*x < *y);
}

static bool has_room(const observed_second *s, double largest)
{
    return s->waiting >= 1.0 && s->running < ROOM_BATCH * largest && s->kv_share < ROOM_KV;
}

/* Tokens of a step between two lines; 0 if another limit may have been at work. */
static double tokens_of(const observed_second *before, const observed_second *now, double largest, double prompt)
{
    const double q = (before->running + now->running) / 2.0 - 1.0;
    if (before->file != now->file || !has_room(before, largest) || !has_room(now, largest) || q < 1.0 ||
        !(now->output_per_s > 0.0)) {
        return 0.0;
    }
    const double step = now->prompt_per_s / now->output_per_s * q;
    return q + step - step / prompt;
}

static void tell_batch(observed *o, double largest)
{
    size_t n = 0;
    size_t waited = 0;
    for (size_t i = 0; i < o->second_count; i++) {
        const observed_second *s = &o->seconds[i];
        const bool waits = s->waiting >= 1.0 && s->kv_share < ROOM_KV;
        waited += waits;
        n += waits && s->running == largest;
    }
    if (n >= LEAST_LINES && largest >= 1.0 && (double)n >= LEAST_FULL * (double)waited) {
        o->max_sequences = (int64_t)largest;
        o->batch_lines = n;
    }
}

static bool tell_budget(observed *o, double largest)
{
    double prompt = 0.0;
    double *tokens = malloc(o->second_count * sizeof *tokens);
    if (tokens == NULL) {
        return false;
    }
    for (size_t i = 0; i < o->request_count; i++) {
        prompt += (double)o->requests[i].input / (double)o->request_count;
    }
    size_t n = 0;
    for (size_t i = 1; i < o->second_count; i++) {
        tokens[n] = tokens_of(&o->seconds[i - 1], &o->seconds[i], largest, prompt);
        n += tokens[n] > 0.0;
    }
    if (n >= LEAST_LINES) {
        qsort(tokens, n, sizeof *tokens, by_value);
        const double median = tokens[n / 2];
        const double spread = (tokens[3 * n / 4] - tokens[n / 4]) / 2.0;
        if (2.0 * spread <= ALIKE * median) {
            o->max_batched_tokens = llround(median);
            o->budget_lines = n;
            o->budget_spread = spread;
        }
    }
    free(tokens);
    return true;
}

bool observed_limits(observed *o)
{
    double largest = 0.0;
    for (size_t i = 0; i < o->second_count; i++) {
        largest = fmax(largest, o->seconds[i].running);
    }
    if (o->max_sequences == 0) {
        tell_batch(o, largest);
    }
    return o->max_batched_tokens > 0 || o->request_count == 0 || o->second_count == 0 || tell_budget(o, largest);
}
