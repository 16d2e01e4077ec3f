/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * azure.c - the LLM inference traces of github.com/Azure/AzurePublicDataset, 2023 (an hour of chat, an hour of code;
 * seven digits of a second, CRLF, nothing behind the last line) and 2024 (a week of each; six digits and +00:00).
 */
#include "sim/trace/build.h"

static bool is_azure(const trace_head *head)
{
    return head_has(head, "TIMESTAMP");
}

static bool read_azure(trace_build *b, const char *path, const csv_bytes *text, csv_message *message)
{
    static const csv_layout layout = {
        .time = "TIMESTAMP", .input = "ContextTokens", .output = "GeneratedTokens", .unit = UNIT_CLOCK};
    return csv_requests(b, path, text, &layout, message);
}

const trace_reader trace_azure = {
    .name = "azure",
    .help = "CSV: TIMESTAMP,ContextTokens,GeneratedTokens; Azure LLM inference traces 2023 and 2024",
    .is = is_azure,
    .read = read_azure};
