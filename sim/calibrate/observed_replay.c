/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * observed_replay.c - requests of a client that measured times but no output tokens, and what they are by the engine's
 * own log of the same run.
 *
 * The file is a log of BurstGPT played to an engine (github.com/liao4s/BurstGPT_test, example/logs): one JSON object
 * from event id to what was measured; arrival = record_time - total_chunk_time. Its out_len counts characters. All
 * requests of a batch get one token a step, so what the engine put out between two lines of its log, but for the first
 * tokens, is shared by the time in which each request was being answered between them. Requests that reached the most
 * they asked for check this: over runs of 500 requests they come out within 0.3 % of it on average.
 *
 * The engine counts prompt tokens too. Where its sum differs from that of in_len, the client counted by another rule;
 * the engine's count is what it worked on, and every prompt is scaled to it.
 */
#include "sim/calibrate/observed_int.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define LEAST_COVERED 0.95 /* of the time in which requests are answered; a log of less is none of this run */

/* --- the file -------------------------------------------------------------------------------------------------- */

static double number(const json_t *event, const char *key)
{
    const json_t *v = json_object_get(event, key);
    return json_is_number(v) ? json_number_value(v) : (double)NAN;
}

/* @return what is wrong with an event, or NULL */
static const char *request_of(const json_t *event, observed_request *r)
{
    const double input = number(event, "in_len");
    const double took = number(event, "total_chunk_time");
    const double first = number(event, "first_chunk_time");
    const double most = number(event, "out_len_expected");
    r->last_s = number(event, "record_time");
    r->arrival_s = r->last_s - took;
    r->first_s = r->arrival_s + first;
    if (!(input >= 1.0 && input <= OBSERVED_TOKENS_MAX)) {
        return "in_len must lie in 1..1e8";
    }
    if (!isfinite(r->last_s) || !isfinite(took) || !(first >= 0.0 && first <= took)) {
        return "record_time, total_chunk_time and first_chunk_time must be numbers with 0 <= first <= total";
    }
    r->first_s = fmin(r->first_s, r->last_s); /* an answer in one piece: by rounding */
    r->start_s = r->arrival_s;
    r->input = (int32_t)input;
    r->output = 0;
    r->most = most >= 1.0 && most <= OBSERVED_TOKENS_MAX ? (int32_t)most : (int32_t)OBSERVED_TOKENS_MAX;
    return NULL;
}

bool observed_is_replay(json_t *root)
{
    const json_t *event = json_object_iter_value(json_object_iter(root));
    return json_object_get(event, "record_time") != NULL && json_object_get(event, "total_chunk_time") != NULL;
}

bool observed_replay(observed *o, const char *path, json_t *root, csv_message *message)
{
    const char *id;
    json_t *event;
    o->client = true;
    json_object_foreach(root, id, event)
    {
        observed_request r = {.most = 0};
        const char *problem = request_of(event, &r);
        if (problem != NULL) {
            return csv_fail_at(path, 1, 1, message, "event '%.40s': %s", id, problem);
        }
        if (!observed_add(o, &r)) {
            return csv_fail_at(path, 0, 0, message, "out of memory");
        }
    }
    return true;
}

/* --- the engine's log ------------------------------------------------------------------------------------------- */

/* The time between two lines of the log. */
typedef struct span {
    double from_s, to_s;
    double tokens;  /* that are no request's first */
    double answers; /* requests being answered, times s */
} span;

static int by_end(const void *a, const void *b)
{
    const span *x = a;
    const span *y = b;
    return (x->to_s > y->to_s) - (x->to_s < y->to_s);
}

/* Of a log, or of all, what lies within a run. */
static size_t spans_of(const observed *o, const observed *one, size_t log, span *spans, double *prompt)
{
    const double from_s = one->requests[0].arrival_s;
    double to_s = from_s;
    size_t n = 0;
    for (size_t i = 0; i < one->request_count; i++) {
        to_s = fmax(to_s, one->requests[i].last_s);
    }
    *prompt = 0.0;
    for (size_t i = 0; i < o->second_count; i++) {
        const observed_second *second = &o->seconds[i];
        const double begin_s = second->at_s - second->span_s;
        if (second->span_s > 0.0 && second->at_s > from_s && begin_s < to_s &&
            (log == OBSERVED_ALL_LOGS || second->file == log)) {
            spans[n++] =
                (span){.from_s = begin_s, .to_s = second->at_s, .tokens = second->output_per_s * second->span_s};
            *prompt += second->prompt_per_s * second->span_s;
        }
    }
    if (n > 0) {
        qsort(spans, n, sizeof *spans, by_end);
    }
    return n;
}

/* Index of the first span that ends after t; n if none does. */
static size_t span_after(const span *spans, size_t n, double t)
{
    size_t low = 0;
    while (low < n) {
        const size_t mid = low + (n - low) / 2;
        if (spans[mid].to_s > t) {
            n = mid;
        } else {
            low = mid + 1;
        }
    }
    return low;
}

static double common_s(const span *s, const observed_request *r)
{
    const double from = s->from_s > r->first_s ? s->from_s : r->first_s;
    const double to = s->to_s < r->last_s ? s->to_s : r->last_s;
    return to > from ? to - from : 0.0;
}

/* Who of a run is answered when. @return the share of all that time which the log covers */
static double lay_over(const observed *one, span *spans, size_t n)
{
    double whole_s = 0.0;
    double covered_s = 0.0;
    for (size_t i = 0; i < one->request_count; i++) {
        const observed_request *r = &one->requests[i];
        const size_t first = span_after(spans, n, r->first_s);
        if (first < n && spans[first].from_s <= r->first_s) {
            spans[first].tokens -= 1.0;
        }
        for (size_t k = first; k < n && spans[k].from_s < r->last_s; k++) {
            spans[k].answers += common_s(&spans[k], r);
            covered_s += common_s(&spans[k], r);
        }
        whole_s += r->last_s - r->first_s;
    }
    return whole_s > 0.0 ? covered_s / whole_s : 0.0;
}

/* Tokens of one request; where the log does not reach, at the pace of the rest of it, or of all. */
static double tokens_of(const observed_request *r, const span *spans, size_t n, double pace)
{
    double tokens = 0.0;
    double covered_s = 0.0;
    for (size_t k = span_after(spans, n, r->first_s); k < n && spans[k].from_s < r->last_s; k++) {
        const double s = common_s(&spans[k], r);
        if (s > 0.0 && spans[k].tokens > 0.0) {
            tokens += spans[k].tokens * s / spans[k].answers;
        }
        covered_s += s;
    }
    return 1.0 + (r->last_s - r->first_s) * (covered_s > 0.0 ? tokens / covered_s : pace);
}

static void share_tokens(observed *o, const observed *one, const span *spans, size_t n, double prompt)
{
    double tokens = 0.0;
    double answers_s = 0.0;
    double stated = 0.0;
    for (size_t k = 0; k < n; k++) {
        tokens += spans[k].answers > 0.0 && spans[k].tokens > 0.0 ? spans[k].tokens : 0.0;
        answers_s += spans[k].answers;
    }
    for (size_t i = 0; i < one->request_count; i++) {
        stated += one->requests[i].input;
    }
    const double scale = prompt > 0.0 ? prompt / stated : 1.0;
    const size_t before = o->told;
    for (size_t i = 0; i < one->request_count; i++) {
        observed_request *r = &one->requests[i];
        if (r->output == 0) {
            const double got = round(tokens_of(r, spans, n, tokens / answers_s));
            const double input = round(r->input * scale);
            r->output = got < r->most ? (int32_t)got : r->most;
            r->input = input >= 1.0 ? (int32_t)fmin(input, OBSERVED_TOKENS_MAX) : 1;
            o->told++;
        }
    }
    o->prompt_scale += (scale - o->prompt_scale) * (double)(o->told - before) / (double)o->told;
}

/* The one log that covers the run alone; if none does, all together. */
static bool find_log(const observed *o, observed_run *run, const observed *one, span *spans, csv_message *message)
{
    const char *path = o->files[run->file].path;
    double prompt;
    size_t timed = 0;
    run->log = OBSERVED_ALL_LOGS;
    for (size_t i = 0; i < o->second_count; i++) {
        const size_t log = o->seconds[i].file;
        timed += o->seconds[i].span_s > 0.0;
        if (i > 0 && o->seconds[i - 1].file == log) {
            continue; /* lines of a file stand together */
        }
        const size_t n = spans_of(o, one, log, spans, &prompt);
        if (lay_over(one, spans, n) < LEAST_COVERED) {
            continue;
        }
        if (run->log != OBSERVED_ALL_LOGS) {
            return csv_fail_at(path, 0, 0, message,
                               "two engine's logs cover the time of these requests, %.400s and %.400s: which of them "
                               "is of this run cannot be told, calibrate from each run with its own log alone",
                               o->files[run->log].path, o->files[log].path);
        }
        run->log = log;
    }
    return timed > 0 || csv_fail_at(path, 0, 0, message,
                                    "a replay log has no output tokens (out_len counts characters): give the engine's "
                                    "log of the same run with it, a CSV with the columns timestamp, prompt_throughput, "
                                    "generation_throughput, num_running, gpu_kvcache_usage, which tells them");
}

bool observed_tell(observed *o, observed_run *run, csv_message *message)
{
    const char *path = o->files[run->file].path;
    observed one = observed_one_run(o, (size_t)(run - o->runs));
    bool untold = false;
    for (size_t i = 0; i < one.request_count; i++) {
        untold = untold || one.requests[i].output == 0;
    }
    if (!untold) {
        return true;
    }
    span *spans = malloc((o->second_count + 1) * sizeof *spans);
    if (spans == NULL) {
        return csv_fail_at(path, 0, 0, message, "out of memory");
    }
    bool ok = find_log(o, run, &one, spans, message);
    if (ok) {
        double prompt;
        const size_t n = spans_of(o, &one, run->log, spans, &prompt);
        const double share = lay_over(&one, spans, n);
        ok = share >= LEAST_COVERED ||
             csv_fail_at(path, 0, 0, message,
                         "a replay log has no output tokens (out_len counts characters), and the engine's log that "
                         "tells them covers %.0f %% of the time in which requests were answered, not %.0f %%: is it "
                         "of the same run, by the same clock?",
                         share * 100.0, LEAST_COVERED * 100.0);
        if (ok) {
            share_tokens(o, &one, spans, n, prompt);
        }
    }
    free(spans);
    return ok;
}
