/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * burstgpt.c - BurstGPT (github.com/HPMLL/BurstGPT) and a replay of it against a real engine.
 *
 * The CSV: Timestamp (s from midnight of the first day), Model, Request tokens, Response tokens, Total tokens, Log
 * Type; since release 2.0 Session ID (conversations only) and Elapsed time as well. Failed requests have 0 tokens.
 *
 * The replay log (github.com/liao4s/BurstGPT_test, example/logs): one JSON object from event id to what was measured.
 * Arrival = record_time - total_chunk_time. out_len there counts CHARACTERS of prompt and answer together, not tokens:
 * it is not read, so the form has no output tokens.
 */
#include <jansson.h>
#include <math.h>

#include "sim/trace/build.h"

static bool is_burstgpt(const trace_head *head)
{
    return head_has(head, "Timestamp") && head_has(head, "Request tokens");
}

static bool read_burstgpt(trace_build *b, const char *path, const csv_bytes *text, csv_message *message)
{
    static const csv_layout layout = {.time = "Timestamp",
                                      .input = "Request tokens",
                                      .output = "Response tokens",
                                      .session = "Session ID",
                                      .unit = UNIT_S};
    return csv_requests(b, path, text, &layout, message);
}

const trace_reader trace_burstgpt = {
    .name = "burstgpt",
    .help = "CSV: Timestamp,Model,Request tokens,Response tokens,...; failed requests have 0 tokens: see --zero",
    .is = is_burstgpt,
    .read = read_burstgpt};

/* The first conversations with times put together again from a replay: no answers, requests cut at 1023 tokens. */
static bool is_first(const trace_head *head)
{
    return head_has(head, "timestamp_s") && head_has(head, "request_tokens_capped_1023");
}

static bool read_first(trace_build *b, const char *path, const csv_bytes *text, csv_message *message)
{
    static const csv_layout layout = {.time = "timestamp_s", .input = "request_tokens_capped_1023", .unit = UNIT_S};
    return csv_requests(b, path, text, &layout, message);
}

const trace_reader trace_burstgpt_first = {
    .name = "burstgpt-first",
    .help = "CSV: timestamp_s,request_tokens_capped_1023; input tokens only, say --output N; 0 tokens: see --zero",
    .is = is_first,
    .read = read_first};

static bool is_replay(const trace_head *head)
{
    return head_mentions(head, "\"record_time\"") && head_mentions(head, "\"total_chunk_time\"");
}

/* @return what is wrong with an event, or NULL */
static const char *take_event(trace_build *b, const json_t *event, size_t number)
{
    const json_t *input = json_object_get(event, "in_len");
    const json_t *end = json_object_get(event, "record_time");
    const json_t *took = json_object_get(event, "total_chunk_time");
    if (!json_is_integer(input) || !json_is_number(end) || !json_is_number(took)) {
        return "in_len (a whole number), record_time and total_chunk_time (numbers) are required";
    }
    const double at_s = json_number_value(end) - json_number_value(took);
    if (!(at_s >= 0.0 && at_s < 9e9)) {
        return "record_time less total_chunk_time must be from 0 to 9e9 s";
    }
    const trace_request q = {
        .at_ns = llround(at_s * 1e9), .session = -1, .input = json_integer_value(input), .output = b->options->output};
    return build_add(b, &q, number) == BUILD_FINE ? NULL : b->words;
}

static bool read_replay(trace_build *b, const char *path, const csv_bytes *text, csv_message *message)
{
    if (b->options->output == 0 && b->options->zero != TRACE_ZERO_KEEP) {
        return csv_fail_at(path, 1, 1, message,
                           "a replay log has no output tokens (out_len counts characters): say how many each request "
                           "has ('spillway trace import --output N')");
    }
    json_error_t where;
    json_t *root = json_loadb(text->data, text->size, JSON_REJECT_DUPLICATES, &where);
    if (root == NULL) {
        return csv_fail_at(path, (size_t)where.line, (size_t)where.column, message, "%s", where.text);
    }
    /* events are listed as they ended: requests are put in order of arrival whatever the options say */
    b->sort = true;
    b->t->facts.has_input = true;
    const char *problem = json_is_object(root) ? NULL : "not an object of events";
    const char *id = "";
    json_t *event;
    size_t number = 0;
    json_object_foreach(root, id, event)
    {
        problem = take_event(b, event, ++number);
        if (problem != NULL) {
            csv_fail_at(path, 1, 1, message, "event '%.40s': %s", id, problem);
            break;
        }
    }
    if (problem != NULL && number == 0) {
        csv_fail_at(path, 1, 1, message, "%s", problem);
    }
    json_decref(root);
    return problem == NULL;
}

const trace_reader trace_burstgpt_replay = {
    .name = "burstgpt-replay",
    .help = "JSON: a log of BurstGPT played to an engine; input tokens only, say --output N",
    .is = is_replay,
    .read = read_replay};
