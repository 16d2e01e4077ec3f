/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tables_checks.c - what selfcheck compares this build with: columns, checks and figures, as in tables_types.c. */
#include "sim/scenario/tables.h"
#include "sim/scenario/tables_columns.h"

#include <stdio.h>

#define WHOLE(S, F) AT(S, F, #F, MDL_COLUMN_INT)

const mdl_column table_throughput_columns[] = {TEXT(table_throughput, name),
                                               TEXT(table_throughput, gpu),
                                               TEXT(table_throughput, model),
                                               WHOLE(table_throughput, replicas),
                                               WHOLE(table_throughput, tensor),
                                               WHOLE(table_throughput, pipeline),
                                               WHOLE(table_throughput, kv_fp8),
                                               WHOLE(table_throughput, input_tokens),
                                               WHOLE(table_throughput, output_tokens),
                                               WHOLE(table_throughput, concurrency),
                                               WHOLE(table_throughput, requests),
                                               WHOLE(table_throughput, max_sequences),
                                               REAL(table_throughput, output_per_s),
                                               REAL(table_throughput, tpot_ms),
                                               REAL(table_throughput, within),
                                               TEXT(table_throughput, note),
                                               ORIGIN(table_throughput)};

static int from_to(int64_t value, int64_t low, int64_t high)
{
    return value >= low && value <= high;
}

const char *table_throughput_check(void *row)
{
    const table_throughput *p = row;
    if (!from_to(p->replicas, 1, 1000)) {
        return "replicas must be from 1 to 1000";
    }
    if (!from_to(p->tensor, 1, MDL_TENSOR_MAX)) {
        return "tensor must be from 1 to 8";
    }
    if (!from_to(p->pipeline, 1, 64)) {
        return "pipeline must be from 1 to 64";
    }
    if (!from_to(p->kv_fp8, 0, 1)) {
        return "kv_fp8 must be 0 or 1";
    }
    if (!from_to(p->input_tokens, 1, 1000000) || !from_to(p->output_tokens, 1, 1000000)) {
        return "input_tokens and output_tokens must be from 1 to 1e6";
    }
    if (!from_to(p->concurrency, 1, 100000) || !from_to(p->requests, 1, 1000000)) {
        return "concurrency must be from 1 to 1e5, requests to 1e6";
    }
    if (!from_to(p->max_sequences, 1, 65536)) {
        return "max_sequences must be from 1 to 65536";
    }
    if (!(p->output_per_s > 0.0 && p->output_per_s <= 1e7)) {
        return "output_per_s must be above 0 and at most 1e7";
    }
    if (!(p->tpot_ms > 0.0 && p->tpot_ms <= 1e6)) {
        return "tpot_ms must be above 0 and at most 1e6";
    }
    return p->within > 0.0 && p->within <= 1.0 ? NULL : "within must be above 0 and at most 1";
}

void table_throughput_figures(const void *row, char *text, size_t size)
{
    const table_throughput *p = row;
    (void)snprintf(text, size, "%s on %lld x %lld %s: %.0f output tokens/s, TPOT %.1f ms", p->model,
                   (long long)p->replicas, (long long)(p->tensor * p->pipeline), p->gpu, p->output_per_s, p->tpot_ms);
}

const mdl_column table_published_columns[] = {TEXT(table_published, name),     TEXT(table_published, kind),
                                              TEXT(table_published, a),        TEXT(table_published, b),
                                              REAL(table_published, expected), REAL(table_published, within),
                                              TEXT(table_published, note),     ORIGIN(table_published)};

const char *table_published_check(void *row)
{
    const table_published *p = row;
    if (!(p->expected > 0.0 && p->expected <= 1e6)) {
        return "expected must be above 0 and at most 1e6";
    }
    return p->within > 0.0 && p->within <= 1.0 ? NULL : "within must be above 0 and at most 1";
}

void table_published_figures(const void *row, char *text, size_t size)
{
    const table_published *p = row;
    (void)snprintf(text, size, "%s %s %s: %.3g, within %.0f %%", p->kind, p->a, p->b, p->expected, p->within * 100.0);
}
