/* SPDX-License-Identifier: GPL-3.0-or-later */
/* resolve_faults.c - spec.faults: names looked up, windows laid out. */
#include "sim/scenario/resolve.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sched/manifest/suggest.h"
#include "sim/scenario/csvfile.h"
#include "sim/scenario/hash.h"

#define RECORD_BYTES_MAX ((size_t)1 << 26)

typedef struct reading {
    mdl_window *windows; /* NULL: only counting */
    size_t count, begin, end;
    bool headed;
} reading;

static bool row_read(void *context, const csv_row *row, csv_message *message)
{
    reading *in = context;
    double begin_s, end_s;
    if (!in->headed) {
        in->headed = true;
        if (!csv_find_once(row, "begin_s", &in->begin, message) || !csv_find_once(row, "end_s", &in->end, message)) {
            return false;
        }
        return (in->begin != SIZE_MAX && in->end != SIZE_MAX) ||
               csv_fail(row, 0, message, "the columns 'begin_s' and 'end_s' are needed");
    }
    if (in->begin >= row->count || !csv_parse_number(row->cells[in->begin], &begin_s) || begin_s < 0 || begin_s > 1e9) {
        return csv_fail(row, in->begin, message, "'begin_s' must be a number from 0 to 1e9");
    }
    if (in->end >= row->count || !csv_parse_number(row->cells[in->end], &end_s) || end_s <= begin_s || end_s > 1e9) {
        return csv_fail(row, in->end, message, "'end_s' must be a number above 'begin_s', at most 1e9");
    }
    if (in->windows != NULL) {
        in->windows[in->count] = (mdl_window){llround(begin_s * 1e9), llround(end_s * 1e9)};
        if (in->count > 0 && in->windows[in->count].begin_ns < in->windows[in->count - 1].end_ns) {
            return csv_fail(row, in->begin, message, "windows must be in order and may not overlap");
        }
    }
    in->count++;
    return true;
}

static void record_read(resolve *r, const spec_fault *spec, mdl_windows *out)
{
    char err[1024];
    csv_message message = {err, sizeof err};
    csv_bytes bytes = {NULL, 0};
    reading in = {.windows = NULL};
    const char *path = resolve_path(r, spec->file);
    bool ok = path != NULL && csv_slurp(path, RECORD_BYTES_MAX, &bytes, &message) &&
              csv_scan(path, &bytes, row_read, &in, &message);
    if (ok) {
        in = (reading){.windows = zone_array(r->zone, in.count + 1, sizeof *in.windows)};
        ok = in.windows != NULL && csv_scan(path, &bytes, row_read, &in, &message);
    }
    free(bytes.data);
    if (!ok) {
        if (path != NULL && !r->zone->failed) {
            resolve_foreign(r, err);
            ynode_error(r->diag, spec->file_node, "the record '%s' cannot be used", spec->file);
        }
        return;
    }
    for (size_t i = 0; i < in.count; i++) {
        r->hash = hash_bytes(r->hash, &in.windows[i].begin_ns, sizeof in.windows[i].begin_ns);
        r->hash = hash_bytes(r->hash, &in.windows[i].end_ns, sizeof in.windows[i].end_ns);
    }
    *out = (mdl_windows){.at = in.windows, .count = in.count};
}

static void windows_fill(resolve *r, const spec_fault *spec, mdl_windows *out)
{
    if (spec->file != NULL) {
        record_read(r, spec, out);
        return;
    }
    if (spec->at_count == 0) {
        *out =
            (mdl_windows){.mean_up_s = (double)spec->mean_up_ns / 1e9, .mean_down_s = (double)spec->mean_down_ns / 1e9};
        return;
    }
    mdl_window *at = zone_array(r->zone, spec->at_count, sizeof *at);
    for (size_t i = 0; at != NULL && i < spec->at_count; i++) {
        at[i] = (mdl_window){spec->at[i], spec->at[i] + spec->for_ns};
    }
    *out = (mdl_windows){.at = at, .count = spec->at_count};
}

static void none_named(resolve *r, const ynode *at, const char *noun, const char *name, const suggest *near)
{
    if (near->best != NULL) {
        ynode_error(r->diag, at, "no %s '%s' (did you mean '%s'?)", noun, name, near->best);
    } else {
        ynode_error(r->diag, at, "no %s '%s'", noun, name);
    }
}

static int32_t pool_named(resolve *r, int32_t cluster, const char *name, const ynode *at)
{
    const sc_cluster *c = &r->sc->clusters[cluster];
    suggest near;
    suggest_init(&near, name);
    for (int32_t p = 0; p < c->pool_count; p++) {
        if (strcmp(c->pools[p].name, name) == 0) {
            return c->pool_first + p;
        }
        suggest_offer(&near, c->pools[p].name);
    }
    none_named(r, at, "pool of that cluster is named", name, &near);
    return -1;
}

static int32_t service_named(resolve *r, const char *name, const ynode *at)
{
    suggest near;
    suggest_init(&near, name);
    for (size_t s = 0; s < r->spec->service_count; s++) {
        if (strcmp(r->spec->services[s].workload, name) == 0) {
            return (int32_t)s;
        }
        suggest_offer(&near, r->spec->services[s].workload);
    }
    none_named(r, at, "service has the workload", name, &near);
    return -1;
}

static bool metric_is(suggest *near, const char *have, const char *name)
{
    if (have != NULL) {
        suggest_offer(near, have);
    }
    return have != NULL && strcmp(have, name) == 0;
}

/* Only metrics that an autoscaler reads are sampled: another name would be a fault that changes nothing. */
static uint64_t metric_named(resolve *r, const char *name, const ynode *at)
{
    const spw_config *config = r->sc->config;
    bool found = false;
    suggest near;
    suggest_init(&near, name);
    for (size_t h = 0; h < config->hpa_count; h++) {
        for (size_t m = 0; m < config->hpas[h].metric_count; m++) {
            found = metric_is(&near, config->hpas[h].metrics[m].name, name) || found;
        }
    }
    for (size_t i = 0; i < config->scaler_count; i++) {
        const spw_scaler *scaler = &config->scalers[i];
        found = (scaler->kind == SPW_SCALER_QUEUE && metric_is(&near, scaler->as.queue.rate.name, name)) || found;
        found = (scaler->kind == SPW_SCALER_FORECAST && metric_is(&near, scaler->as.forecast.rate.name, name)) || found;
    }
    if (!found) {
        none_named(r, at, "autoscaler reads a metric", name, &near);
        return 0;
    }
    return spw_key(name);
}

/* A place, or a rack, that the pool can never have is one where nothing happens. */
static void check_index(resolve *r, const spec_fault *spec, const sc_fault *f)
{
    if (f->index < 0 || f->pool < 0) { /* an index is only taken with a pool */
        return;
    }
    const sc_cluster *cluster = &r->sc->clusters[f->cluster];
    const bool racks = mdl_fault(f->kind)->scope == MDL_SCOPE_RACK;
    int32_t most = cluster->pools[f->pool - cluster->pool_first].nodes_max;
    if (racks) {
        most = (most + f->nodes_per_rack - 1) / f->nodes_per_rack;
    }
    if (f->index >= most) {
        ynode_error(r->diag, spec->self, "'index' %d is never there: counted from 0, the pool has at most %d %s",
                    f->index, most, racks ? "racks" : "nodes");
    }
}

static void check_windows(resolve *r, const spec_fault *spec, const mdl_windows *windows)
{
    const ynode *at = spec->file != NULL ? spec->file_node : spec->at_node;
    size_t late = 0;
    for (size_t i = 0; windows->at != NULL && i < windows->count; i++) {
        late += windows->at[i].begin_ns >= r->spec->duration_ns;
    }
    if (late > 0) {
        ynode_warning(r->diag, at,
                      "%zu of %zu windows begin after the end of the run and never come (duration %.10g s)", late,
                      windows->count, (double)r->spec->duration_ns / 1e9);
    }
}

void resolve_faults(resolve *r)
{
    const spec_body *body = r->spec;
    sc_fault *faults = zone_array(r->zone, body->fault_count, sizeof *faults);
    for (size_t i = 0; faults != NULL && i < body->fault_count; i++) {
        const spec_fault *spec = &body->faults[i];
        sc_fault *f = &faults[i];
        *f = (sc_fault){.kind = (mdl_fault_kind)spec->kind,
                        .region = -1,
                        .cluster = -1,
                        .pool = -1,
                        .service = -1,
                        .index = spec->index,
                        .nodes_per_rack = spec->per_rack > 0 ? spec->per_rack : 1,
                        .factor_milli = llround(spec->factor * 1e3),
                        .probability = spec->probability,
                        .after_ns = spec->after_ns,
                        .lose = spec->lose};
        windows_fill(r, spec, &f->windows);
        f->region = spec->region != NULL ? resolve_region(r, spec->region, spec->region_node) : -1;
        f->cluster = spec->cluster != NULL ? resolve_cluster_named(r, spec->cluster, spec->cluster_node) : -1;
        if (spec->pool != NULL && f->cluster >= 0) {
            f->pool = pool_named(r, f->cluster, spec->pool, spec->pool_node);
        }
        check_index(r, spec, f);
        check_windows(r, spec, &f->windows);
        f->service = spec->service != NULL ? service_named(r, spec->service, spec->service_node) : -1;
        f->metric = spec->metric != NULL ? metric_named(r, spec->metric, spec->metric_node) : 0;
        f->with = spec->with != NULL ? metric_named(r, spec->with, spec->with_node) : 0;
    }
    r->sc->faults = faults;
    r->sc->fault_count = faults != NULL ? (int32_t)body->fault_count : 0;
}
