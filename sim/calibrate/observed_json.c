/* SPDX-License-Identifier: GPL-3.0-or-later */
/* observed_json.c - requests with their times, engine settings, results of a benchmark client; a replay log:
 * observed_replay.c. */
#include "sim/calibrate/observed_int.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

bool observed_add(observed *o, const observed_request *r)
{
    if (!observed_grow((void **)&o->requests, o->request_count, &o->request_cap, sizeof *o->requests)) {
        return false;
    }
    o->requests[o->request_count] = *r;
    o->requests[o->request_count++].run = (uint32_t)(o->file_count - 1);
    return true;
}

/* @return NULL if the request makes sense, else what is wrong */
static const char *request_problem(double input, double output, const observed_request *r)
{
    if (!(input >= 1.0 && input <= OBSERVED_TOKENS_MAX && output >= 1.0 && output <= OBSERVED_TOKENS_MAX)) {
        return "token counts must lie in 1..1e8";
    }
    if (!isfinite(r->arrival_s) || !isfinite(r->first_s) || !isfinite(r->last_s) || r->first_s < r->arrival_s ||
        r->last_s < r->first_s) {
        return "times must be numbers with arrival <= first token <= last token";
    }
    return NULL;
}

static double number(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    return json_is_number(v) ? json_number_value(v) : (double)NAN;
}

/* An object that has nothing of a request is of somebody else's file. */
static bool is_foreign(const json_t *object)
{
    static const char *const keys[] = {"input_toks",   "output_toks",    "queued_ts",
                                       "arrival_time", "first_token_ts", "last_token_ts"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (json_object_get(object, keys[i]) != NULL) {
            return false;
        }
    }
    return true;
}

static bool take_line(observed *o, const char *path, size_t line, const json_t *object, csv_message *message)
{
    double input = number(object, "input_toks");
    double output = number(object, "output_toks");
    double start = number(object, "scheduled_ts");
    observed_request r = {.arrival_s = number(object, "queued_ts"),
                          .first_s = number(object, "first_token_ts"),
                          .last_s = number(object, "last_token_ts")};
    if (isnan(r.arrival_s)) {
        r.arrival_s = number(object, "arrival_time");
        o->client = o->client || !isnan(r.arrival_s);
    }
    const char *problem = request_problem(input, output, &r);
    if (problem != NULL) {
        o->foreign = line == 1 && is_foreign(object);
        return csv_fail_at(path, line, 1, message,
                           "a request needs input_toks, output_toks, queued_ts, first_token_ts, last_token_ts: %s",
                           problem);
    }
    r.input = (int32_t)input;
    r.output = (int32_t)output;
    r.start_s = start >= r.arrival_s && start <= r.first_s ? start : r.arrival_s;
    return observed_add(o, &r) || csv_fail_at(path, line, 1, message, "out of memory");
}

static bool take_lines(observed *o, const char *path, const char *text, csv_message *message)
{
    size_t line = 0;
    while (*text != '\0') {
        size_t size = strcspn(text, "\n");
        line++;
        if (strspn(text, " \t\r") < size) {
            json_error_t e;
            json_t *object = json_loadb(text, size, 0, &e);
            if (object == NULL) {
                return csv_fail_at(path, line, (size_t)(e.column > 0 ? e.column : 1), message, "%s", e.text);
            }
            bool ok = take_line(o, path, line, object, message);
            json_decref(object);
            if (!ok) {
                return false;
            }
        }
        text += size + (text[size] == '\n');
    }
    return true;
}

static int64_t whole(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    return json_is_integer(v) && json_integer_value(v) > 0 ? json_integer_value(v) : 0;
}

static void text_of(const json_t *o, const char *key, char *to, size_t size)
{
    const char *v = json_string_value(json_object_get(o, key));
    if (v != NULL) {
        (void)snprintf(to, size, "%s", v);
    }
}

static void take_meta(observed *o, const json_t *root)
{
    const json_t *kv = json_object_get(root, "kv_cache");
    const json_t *hardware = json_object_get(root, "hardware");
    const json_t *engine = json_object_get(root, "engine_kwargs");
    char version[32] = "";
    text_of(root, "model", o->model, sizeof o->model);
    text_of(root, "vllm_version", version, sizeof version);
    text_of(hardware, "device_name", o->gpu, sizeof o->gpu);
    if (version[0] != '\0') {
        (void)snprintf(o->engine, sizeof o->engine, "vllm-%s", version);
    }
    o->memory_bytes = whole(hardware, "device_total_memory_bytes");
    o->kv_blocks = whole(kv, "num_gpu_blocks");
    o->block_tokens = whole(kv, "block_size");
    double share = number(kv, "gpu_memory_utilization");
    o->memory_utilization = share > 0.0 && share <= 1.0 ? share : 0.0;
    o->max_sequences = whole(engine, "max_num_seqs");
    o->max_batched_tokens = whole(engine, "max_num_batched_tokens");
}

static double element(const json_t *array, size_t i)
{
    const json_t *v = json_array_get(array, i);
    return json_is_number(v) ? json_number_value(v) : (double)NAN;
}

static double sum_of(const json_t *array)
{
    double sum = 0.0;
    for (size_t i = 0; i < json_array_size(array); i++) {
        sum += element(array, i);
    }
    return json_is_array(array) ? sum : (double)NAN;
}

/* vllm bench serve: arrival = start, first token after ttft, last after the gaps between tokens. */
static bool take_bench(observed *o, const char *path, const json_t *root, csv_message *message)
{
    const json_t *starts = json_object_get(root, "start_times");
    const json_t *inputs = json_object_get(root, "input_lens");
    const json_t *outputs = json_object_get(root, "output_lens");
    const json_t *ttfts = json_object_get(root, "ttfts");
    const json_t *itls = json_object_get(root, "itls");
    size_t n = json_array_size(starts);
    if (n == 0 || json_array_size(inputs) != n || json_array_size(outputs) != n || json_array_size(ttfts) != n ||
        json_array_size(itls) != n) {
        return csv_fail_at(path, 0, 0, message,
                           "a benchmark result needs input_lens, output_lens, ttfts, itls and start_times of one "
                           "length: run 'vllm bench serve --save-result --save-detailed'");
    }
    text_of(root, "model_id", o->model, sizeof o->model);
    o->client = true;
    for (size_t i = 0; i < n; i++) {
        if (element(outputs, i) < 1.0) {
            continue; /* a request that failed */
        }
        observed_request r = {.arrival_s = element(starts, i)};
        r.start_s = r.arrival_s;
        r.first_s = r.arrival_s + element(ttfts, i);
        r.last_s = r.first_s + sum_of(json_array_get(itls, i));
        const char *problem = request_problem(element(inputs, i), element(outputs, i), &r);
        if (problem != NULL) {
            return csv_fail_at(path, 0, 0, message, "request %zu: %s", i, problem);
        }
        r.input = (int32_t)element(inputs, i);
        r.output = (int32_t)element(outputs, i);
        if (!observed_add(o, &r)) {
            return csv_fail_at(path, 0, 0, message, "out of memory");
        }
    }
    return true;
}

bool observed_json(observed *o, const char *path, const char *text, size_t size, csv_message *message)
{
    json_error_t e;
    json_t *root = json_loadb(text, size, 0, &e);
    if (root == NULL) {
        return take_lines(o, path, text, message); /* several objects, or broken: said with its line */
    }
    bool ok = true;
    if (json_object_get(root, "ttfts") != NULL || json_object_get(root, "mean_ttft_ms") != NULL) {
        ok = take_bench(o, path, root, message);
    } else if (json_object_get(root, "kv_cache") != NULL || json_object_get(root, "engine_kwargs") != NULL) {
        take_meta(o, root);
    } else if (observed_is_replay(root)) {
        ok = observed_replay(o, path, root, message);
    } else {
        ok = take_line(o, path, 1, root, message);
    }
    json_decref(root);
    return ok;
}
