/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * alibaba.c - arrivals of github.com/alibaba/clusterdata that are no LLM requests: image generation (2026-GenAI,
 * gmt_create by a shifted clock) and pods of a GPU cluster (gpu-v2023, creation_time in s). They have no tokens.
 */
#include "sim/trace/build.h"

static bool is_genai(const trace_head *head)
{
    return head_has(head, "gmt_create") && head_has(head, "predict_type");
}

static bool read_genai(trace_build *b, const char *path, const csv_bytes *text, csv_message *message)
{
    static const csv_layout layout = {.time = "gmt_create", .session = "groupId", .unit = UNIT_CLOCK};
    return csv_requests(b, path, text, &layout, message);
}

const trace_reader trace_alibaba_genai = {
    .name = "alibaba-genai",
    .help = "CSV: gmt_create,predict_type,...,groupId; images, no tokens: say --input N --output N",
    .is = is_genai,
    .read = read_genai};

static bool is_pods(const trace_head *head)
{
    return head_has(head, "creation_time") && head_has(head, "pod_phase");
}

static bool read_pods(trace_build *b, const char *path, const csv_bytes *text, csv_message *message)
{
    static const csv_layout layout = {.time = "creation_time", .unit = UNIT_S};
    return csv_requests(b, path, text, &layout, message);
}

const trace_reader trace_alibaba_pods = {.name = "alibaba-pods",
                                         .help = "CSV: name,...,creation_time,...; pods, no tokens: say --input N "
                                                 "--output N",
                                         .is = is_pods,
                                         .read = read_pods};
