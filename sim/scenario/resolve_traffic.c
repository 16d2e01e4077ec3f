/* SPDX-License-Identifier: GPL-3.0-or-later */
/* resolve_traffic.c - arrivals of a service, and the traces that they or its lengths may come from. */
#include "sim/scenario/resolve.h"

#include <string.h>

#include "sim/scenario/hash.h"

#define DAY_NS      (INT64_C(86400) * SPW_NS_PER_S)
#define WEEK_NS     (7 * DAY_NS)
#define NS_PER_HOUR 3.6e12
/* 1970-01-01 was a Thursday: the Monday before it lies three days back. */
#define EPOCH_SINCE_MONDAY_NS (3 * DAY_NS)

/* ns from simulated time 0 back to the preceding Monday 00:00 in local time. */
static int64_t since_monday(const sc_scenario *sc, int32_t region)
{
    const int64_t offset_s = region >= 0 ? sc->regions[region].utc_offset_s : sc->utc_offset_s;
    const int64_t local_ns = sc->start_unix_ns + offset_s * SPW_NS_PER_S + EPOCH_SINCE_MONDAY_NS;
    const int64_t rest = local_ns % WEEK_NS;
    return rest < 0 ? rest + WEEK_NS : rest;
}

/* The same requests give the same hash in either form of the file. It is not read a second time: it may be a pipe. */
static void hash_trace(resolve *r, const trace *t)
{
    const mdl_trace *c = trace_columns(t);
    const int64_t first_ns = trace_first_ns(t);
    r->hash = hash_bytes(r->hash, &first_ns, sizeof first_ns);
    r->hash = hash_bytes(r->hash, c->at_ns, c->count * sizeof *c->at_ns);
    r->hash = hash_bytes(r->hash, c->input_tokens, c->count * sizeof *c->input_tokens);
    r->hash = hash_bytes(r->hash, c->output_tokens, c->count * sizeof *c->output_tokens);
    if (c->session != NULL) {
        r->hash = hash_bytes(r->hash, c->session, c->count * sizeof *c->session);
    }
    if (c->prefix_tokens != NULL) {
        r->hash = hash_bytes(r->hash, c->prefix_tokens, c->count * sizeof *c->prefix_tokens);
    }
    if (c->priority != NULL) {
        r->hash = hash_bytes(r->hash, c->priority, c->count * sizeof *c->priority);
    }
}

const mdl_trace *resolve_open_trace(resolve *r, const char *file, const ynode *at)
{
    const char *path = resolve_path(r, file);
    if (path == NULL) {
        return NULL;
    }
    for (const resolve_trace *t = r->traces; t != NULL; t = t->next) {
        if (strcmp(t->path, path) == 0) {
            return trace_columns(t->trace);
        }
    }
    resolve_trace *entry = zone_take(r->zone, sizeof *entry);
    if (entry == NULL) {
        return NULL;
    }
    char err[1024];
    trace *opened = trace_open(path, err, sizeof err);
    if (opened == NULL) {
        resolve_foreign(r, err);
        ynode_error(r->diag, at, "the trace '%s' cannot be used", file);
        return NULL;
    }
    *entry = (resolve_trace){path, opened, r->traces};
    r->traces = entry;
    hash_trace(r, opened);
    return trace_columns(opened);
}

static void resolve_shape(resolve *r, const spec_traffic *spec, mdl_arrival_spec *arrivals)
{
    if (spec->shape == NULL) {
        return;
    }
    const table_shape *shape = tables_shape(r->tables, spec->shape);
    if (shape != NULL) {
        arrivals->shape = shape->hours;
    } else {
        resolve_unknown(r, spec->shape_node, "shape", spec->shape, TABLES_SHAPES);
    }
}

static void resolve_one(resolve *r, const spec_traffic *spec, const spec_service *owner, size_t index,
                        sc_traffic *traffic)
{
    *traffic = (sc_traffic){.region = resolve_region(r, spec->from, spec->from_node),
                            .name = zone_format(r->zone, "%s/%zu", owner->workload, index),
                            .priority = spec->priority};
    mdl_arrival_spec *arrivals = &traffic->arrivals;
    arrivals->kind = (mdl_arrival_kind)spec->kind;
    arrivals->local_offset_ns = since_monday(r->sc, traffic->region);
    switch (arrivals->kind) {
    case MDL_ARRIVAL_POISSON:
        arrivals->rate_per_s = spec->rate_per_s;
        break;
    case MDL_ARRIVAL_DIURNAL:
        arrivals->peak_per_s = spec->peak_per_s;
        arrivals->trough_per_s = spec->trough_per_s;
        arrivals->peak_hour = (double)spec->peak_at_ns / NS_PER_HOUR;
        arrivals->weekend_factor = spec->weekend;
        resolve_shape(r, spec, arrivals);
        break;
    case MDL_ARRIVAL_TRACE:
        arrivals->trace = resolve_open_trace(r, spec->file, spec->file_node);
        arrivals->trace_scale = spec->scale;
        arrivals->trace_shift_ns = spec->shift_ns;
        arrivals->trace_loop = spec->loop;
        traffic->trace_lengths = owner->engine.kind == SC_ENGINE_LLM;
        break;
    }
}

void resolve_traffic(resolve *r, const spec_service *spec, sc_service *service)
{
    sc_traffic *traffic = zone_array(r->zone, spec->traffic_count, sizeof *traffic);
    for (size_t i = 0; traffic != NULL && i < spec->traffic_count; i++) {
        resolve_one(r, &spec->traffic[i], spec, i, &traffic[i]);
    }
    service->traffic = traffic;
    service->traffic_count = traffic != NULL ? (int32_t)spec->traffic_count : 0;
}
