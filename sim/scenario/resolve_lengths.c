/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * resolve_lengths.c - laws of request lengths, and whether requests that follow them can be served at all.
 *
 * A request runs only where its tokens, in and out, fit the context of the model and the KV cache of the GPU; an engine
 * rejects the others, as vLLM does. That the shortest cannot is an error; that the longest cannot is a warning, because
 * a tail may be meant.
 */
#include "sim/scenario/resolve.h"

#include <stdlib.h>
#include <string.h>

/* A bound that was written is meant unless it cuts most draws; the default should not be felt. */
#define CUT_BY_WORD    0.5
#define CUT_BY_DEFAULT 0.01

static void warn_cut(resolve *r, const spec_length *spec, const mdl_length_law *law)
{
    const mdl_length_cut cut = mdl_length_clipping(law);
    if (cut.lowered > (spec->has_max ? CUT_BY_WORD : CUT_BY_DEFAULT)) {
        ynode_warning(r->diag, spec->self, "%.3g %% of the draws are longer than 'max' %d%s and are cut to it",
                      cut.lowered * 100.0, law->max, spec->has_max ? "" : " (the default)");
    }
    if (cut.raised > CUT_BY_WORD) {
        ynode_warning(r->diag, spec->self, "%.3g %% of the draws are shorter than 'min' %d and are raised to it",
                      cut.raised * 100.0, law->min);
    }
}

void resolve_length(resolve *r, const spec_length *spec, bool output, mdl_length_law *law)
{
    *law = (mdl_length_law){.kind = MDL_LENGTH_FIXED, .fixed = spec->fixed, .min = spec->min, .max = spec->max};
    if (spec->lognormal != NULL) {
        law->kind = MDL_LENGTH_LOGNORMAL;
        law->median = spec->lognormal->median;
        law->sigma = spec->lognormal->sigma;
    } else if (spec->geometric != NULL) {
        law->kind = MDL_LENGTH_GEOMETRIC;
        law->mean = spec->geometric->mean;
    } else if (spec->empirical != NULL) {
        const mdl_trace *columns = resolve_open_trace(r, spec->empirical->file, spec->empirical->file_node);
        law->kind = MDL_LENGTH_EMPIRICAL;
        law->values = columns == NULL ? NULL : output ? columns->output_tokens : columns->input_tokens;
        law->value_count = columns == NULL ? 0 : columns->count;
    }
    if (spec->empirical == NULL || law->value_count > 0) {
        warn_cut(r, spec, law);
    }
}

static int by_size(const void *a, const void *b)
{
    const int32_t x = *(const int32_t *)a;
    const int32_t y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* A quantile of an empirical law is a place in its sorted values. */
static void sort_values(resolve *r, mdl_length_law *law)
{
    if (law->kind != MDL_LENGTH_EMPIRICAL || law->value_count == 0) {
        return;
    }
    int32_t *sorted = zone_array(r->zone, law->value_count, sizeof *sorted);
    if (sorted != NULL) {
        memcpy(sorted, law->values, law->value_count * sizeof *sorted);
        qsort(sorted, law->value_count, sizeof *sorted, by_size);
        law->values = sorted;
    }
}

void resolve_lengths(resolve *r, const spec_lengths *spec, mdl_lengths *lengths)
{
    if (spec->pairs != NULL) {
        const mdl_trace *columns = resolve_open_trace(r, spec->pairs->file, spec->pairs->file_node);
        if (columns != NULL) {
            lengths->pair_input = columns->input_tokens;
            lengths->pair_output = columns->output_tokens;
            lengths->pair_count = columns->count;
        }
        return;
    }
    resolve_length(r, spec->input, false, &lengths->input);
    resolve_length(r, spec->output, true, &lengths->output);
    lengths->correlation = spec->correlation;
    if (lengths->correlation != 0.0) {
        sort_values(r, &lengths->input);
        sort_values(r, &lengths->output);
    }
}

/* Shortest and longest request, in and out. */
typedef struct span {
    int64_t least, most;
} span;

static span span_of_rows(const int32_t *input, const int32_t *output, size_t count)
{
    span tokens = {INT64_MAX, 0};
    for (size_t k = 0; k < count; k++) {
        const int64_t n = (int64_t)input[k] + output[k];
        tokens.least = n < tokens.least ? n : tokens.least;
        tokens.most = n > tokens.most ? n : tokens.most;
    }
    return tokens;
}

static span span_of_laws(const mdl_lengths *lengths)
{
    if (lengths->pair_count > 0) {
        return span_of_rows(lengths->pair_input, lengths->pair_output, lengths->pair_count);
    }
    int32_t in_least, in_most, out_least, out_most;
    mdl_length_bounds(&lengths->input, &in_least, &in_most);
    mdl_length_bounds(&lengths->output, &out_least, &out_most);
    return (span){(int64_t)in_least + out_least, (int64_t)in_most + out_most};
}

/* The KV cache of one pool; the context has been looked at. */
static void check_pool(resolve *r, const ynode *at, const sc_service *service, const sc_cluster *cluster,
                       const sc_pool *pool, int32_t index, const span *tokens)
{
    const mdl_llm_config *llm = &service->llm[index];
    const int64_t room = (int64_t)llm->kv_blocks * llm->block_tokens;
    if (room == 0 || tokens->most <= room || room >= service->model->max_context) {
        return;
    }
    const char *what = tokens->least > room ? "every request" : "the longest requests";
    ynode_warning(r->diag, at,
                  "pool '%s' of '%s' rejects %s: %lld tokens in and out, and the KV cache of its %s holds %lld",
                  pool->name, cluster->name, what, (long long)(tokens->least > room ? tokens->least : tokens->most),
                  pool->gpu->name, (long long)room);
}

static void check_span(resolve *r, const ynode *at, const sc_service *service, const span *tokens)
{
    const long long context = service->model->max_context;
    if (tokens->least > context) {
        ynode_error(r->diag, at,
                    "even the shortest request, %lld tokens in and out, is over the context of '%s' (%lld)",
                    (long long)tokens->least, service->model->name, context);
        return;
    }
    if (tokens->most > context) {
        ynode_warning(r->diag, at,
                      "the longest requests, %lld tokens in and out, are over the context of '%s' (%lld): those are "
                      "rejected",
                      (long long)tokens->most, service->model->name, context);
    }
    for (int32_t c = 0; service->llm != NULL && c < r->sc->cluster_count; c++) {
        const sc_cluster *cluster = &r->sc->clusters[c];
        for (int32_t p = 0; p < cluster->pool_count; p++) {
            check_pool(r, at, service, cluster, &cluster->pools[p], cluster->pool_first + p, tokens);
        }
    }
}

void resolve_lengths_fit(resolve *r, const spec_service *spec, const sc_service *service)
{
    if (spec->lengths != NULL && service->model != NULL) {
        const span tokens = span_of_laws(&service->lengths);
        check_span(r, spec->lengths_node, service, &tokens);
    }
    for (int32_t i = 0; service->model != NULL && i < service->traffic_count; i++) {
        const sc_traffic *traffic = &service->traffic[i];
        const int32_t system = traffic->arrivals.sessions != NULL ? traffic->arrivals.sessions->system_tokens : 0;
        if (traffic->lengths != NULL || system > 0) { /* later turns only ever fit: see mdl_sessions */
            span tokens = span_of_laws(traffic->lengths != NULL ? traffic->lengths : &service->lengths);
            tokens.least += system;
            tokens.most += system;
            check_span(r, spec->traffic[i].self, service, &tokens);
        }
    }
    for (int32_t i = 0; service->model != NULL && i < service->traffic_count; i++) {
        const mdl_trace *rows = service->traffic[i].arrivals.trace;
        if (!service->traffic[i].trace_lengths || rows == NULL || rows->count == 0) {
            continue;
        }
        const span tokens = span_of_rows(rows->input_tokens, rows->output_tokens, rows->count);
        check_span(r, spec->traffic[i].file_node, service, &tokens);
    }
}
