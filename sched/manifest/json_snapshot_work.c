/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_snapshot_work.c - workloads of a snapshot, and what hangs on them: metrics, pods, and the maps over clusters
 * that become placements.
 */
#include "sched/manifest/json_reading.h"

#include <inttypes.h>
#include <string.h>

/* --- metrics --- */

static uint64_t metric_key(const char *name)
{
    uint64_t key = 0;
    return name[0] == '#' && jsn_hex64(name + 1, &key) ? key : spw_key(name);
}

#define UNITS_MAX ((double)INT64_C(9000000000000000)) /* thousandths of it fit in 64 bits */

/* A plain number is in units. @return false if it is no number */
static bool plain_number(jsn_reading *in, const json_t *value, int64_t *milli, const jsn_path *path)
{
    if (json_is_integer(value) && json_integer_value(value) <= (json_int_t)UNITS_MAX &&
        json_integer_value(value) >= -(json_int_t)UNITS_MAX) {
        *milli = json_integer_value(value) * 1000;
        return true;
    }
    if (!json_is_number(value)) {
        return false;
    }
    const double units = json_number_value(value);
    if (units > UNITS_MAX || units < -UNITS_MAX) {
        jsn_wrong(in->r, path, "is out of range");
    } else {
        *milli = (int64_t)(units * 1000 + (units < 0 ? -0.5 : 0.5));
    }
    return true;
}

/* The metrics of one workload or pod: rows of `f`, whose parent and metric columns are given. */
static void metrics_read(jsn_reading *in, jsn_filling *f, const json_t *object, spw_id parent, spw_time observed,
                         const jsn_path *path)
{
    const json_t *map = jsn_object_at(in->r, object, "metrics", path);
    const jsn_path here = {path, "metrics", 0};
    const bool pods = f->table == &jsn_samples;
    spw_id *parents = jsn_writable(pods ? in->snap->samples.pod : in->snap->values.workload);
    uint64_t *metrics = jsn_writable(pods ? in->snap->samples.metric : in->snap->values.metric);
    int64_t *milli = jsn_writable(pods ? in->snap->samples.value_milli : in->snap->values.value_milli);
    json_t *loose;
    memcpy(&loose, &map, sizeof loose);
    for (void *at = json_object_iter(loose); at != NULL; at = json_object_iter_next(loose, at)) {
        const char *name = json_object_iter_key(at);
        const json_t *value = json_object_iter_value(at);
        const jsn_path child = {&here, name, 0};
        const size_t row = f->next++;
        int64_t plain = 0;
        if (plain_number(in, value, &plain, &child)) {
            for (size_t i = 0; i < f->table->column_count; i++) {
                if (f->table->columns[i].absent != JSN_MUST) {
                    jsn_row_absent(in, f, &f->table->columns[i], row, observed, &child);
                }
            }
            milli[row] = plain;
        } else {
            jsn_row_read(in, f, row, value, observed, &child);
        }
        parents[row] = parent;
        metrics[row] = metric_key(name);
    }
}

/* --- workloads --- */

static void pod_read(jsn_reading *in, spw_id workload, const json_t *object, const jsn_path *path)
{
    const spw_pod_rows *p = &in->snap->pods;
    const size_t row = in->pods.next++;
    static const jsn_column text = {.kind = JSN_TEXT, .min = 1};
    const char *name = NULL;
    const char *cluster = NULL;
    spw_id at = SPW_ID_NONE;
    jsn_row_read(in, &in->pods, row, object, in->snap->now, path);
    ((spw_id *)jsn_writable(p->workload))[row] = workload;
    if (json_object_get(object, "name") != NULL) {
        const jsn_path child = {path, "name", 0};
        (void)jsn_cell_read(in->r, json_object_get(object, "name"), &text, &name, &child);
    }
    if (json_object_get(object, "cluster") != NULL) {
        const jsn_path child = {path, "cluster", 0};
        if (jsn_cell_read(in->r, json_object_get(object, "cluster"), &text, &cluster, &child)) {
            at = jsn_cluster_row(in, cluster, &child);
        }
    } else if (json_is_object(object)) {
        jsn_wrong(in->r, path, "lacks 'cluster'");
    }
    ((spw_id *)jsn_writable(p->cluster))[row] = at != SPW_ID_NONE ? at : 0;
    if (json_object_get(object, "ready") == NULL) {
        ((uint8_t *)jsn_writable(p->ready))[row] = p->phase[row] == SPW_POD_RUNNING && p->deleting[row] == 0 ? 1 : 0;
    }
    if (json_object_get(object, "key") == NULL && name == NULL && json_is_object(object)) {
        jsn_wrong(in->r, path, "lacks 'name' or 'key'");
    } else if (json_object_get(object, "key") == NULL && name != NULL && cluster != NULL) {
        const char *space = zone_format(&in->r->z, "%s/%s", cluster, in->snap->workloads.name[workload]);
        ((uint64_t *)jsn_writable(p->key))[row] = space == NULL ? 0 : spw_key2(space, name);
    }
    const bool placed = at != SPW_ID_NONE;
    metrics_read(in, &in->samples, object, (spw_id)row, placed ? in->snap->clusters.observed[at] : in->snap->now, path);
}

/* One cell of a placement from the map of its column. */
static void seat_cell(jsn_reading *in, const jsn_column *column, const json_t *map, size_t row, spw_id cluster,
                      const jsn_path *path)
{
    const char *name = in->snap->clusters.name[cluster];
    const json_t *value = json_object_get(map, name);
    const jsn_path here = {path, column->key, 0};
    const jsn_path child = {&here, name, 0};
    if (value != NULL) {
        (void)jsn_cell_read(in->r, value, column, jsn_row_cell(in, &in->placements, column, row), &child);
    } else if (map == NULL || column->absent == JSN_OBSERVED) {
        jsn_row_absent(in, &in->placements, column, row, in->snap->clusters.observed[cluster], path);
    } else {
        jsn_cell_clear(column, jsn_row_cell(in, &in->placements, column, row));
    }
}

/* `pending` says what `scheduled` is, or must agree with it. */
static void seat_pending(jsn_reading *in, const json_t *object, size_t row, spw_id cluster, const jsn_path *path)
{
    static const jsn_column count = {.kind = JSN_I32, .max = SPW_REPLICAS_MAX};
    const char *name = in->snap->clusters.name[cluster];
    const json_t *map = json_object_get(object, "pending");
    const json_t *value = json_object_get(map, name);
    const jsn_path here = {path, "pending", 0};
    const jsn_path child = {&here, name, 0};
    int32_t pending = 0;
    if (!json_is_object(map) || (value != NULL && !jsn_cell_read(in->r, value, &count, &pending, &child))) {
        return;
    }
    int32_t *scheduled = (int32_t *)jsn_writable(in->snap->placements.scheduled) + row;
    const int32_t assigned = in->snap->placements.assigned[row];
    const int32_t waiting = assigned > *scheduled ? assigned - *scheduled : 0;
    if (json_object_get(object, "scheduled") != NULL) {
        if (pending != waiting) {
            jsn_wrong(in->r, value != NULL ? &child : &here,
                      "must agree with 'assigned' and 'scheduled', by which %" PRId32 " of '%s' wait", waiting, name);
        }
    } else if (pending > assigned) {
        jsn_wrong(in->r, &child, "must be at most the %" PRId32 " assigned, not %" PRId32, assigned, pending);
    } else {
        *scheduled = assigned - pending;
    }
}

const char *const jsn_maps[] = {"assigned", "scheduled", "pending", "ready", "observed_ns", NULL};

/* Gives every cluster that a map of this workload names a row. */
static void seats_number(jsn_reading *in, size_t workload, const json_t *object, const jsn_path *path)
{
    for (size_t m = 0; jsn_maps[m] != NULL; m++) {
        const json_t *map = jsn_object_at(in->r, object, jsn_maps[m], path);
        const jsn_path here = {path, jsn_maps[m], 0};
        json_t *loose;
        memcpy(&loose, &map, sizeof loose);
        for (void *at = json_object_iter(loose); at != NULL; at = json_object_iter_next(loose, at)) {
            const jsn_path child = {&here, json_object_iter_key(at), 0};
            const spw_id cluster = jsn_cluster_row(in, json_object_iter_key(at), &child);
            if (cluster == SPW_ID_NONE || in->stamp[cluster] == workload + 1) {
                continue;
            }
            const size_t row = in->placements.next++;
            in->stamp[cluster] = workload + 1;
            in->seat[cluster] = (spw_id)row;
            ((spw_id *)jsn_writable(in->snap->placements.workload))[row] = (spw_id)workload;
            ((spw_id *)jsn_writable(in->snap->placements.cluster))[row] = cluster;
        }
    }
}

static void seats_read(jsn_reading *in, size_t workload, const json_t *object, const jsn_path *path)
{
    const size_t first = in->placements.next;
    seats_number(in, workload, object, path);
    for (size_t row = first; row < in->placements.next; row++) {
        const spw_id cluster = in->snap->placements.cluster[row];
        for (size_t i = 0; i < jsn_placements.column_count; i++) {
            const jsn_column *column = &jsn_placements.columns[i];
            const json_t *map = column->key == NULL ? NULL : json_object_get(object, column->key);
            if (column->key == NULL || (map != NULL && !json_is_object(map))) {
                continue;
            }
            seat_cell(in, column, map, row, cluster, path);
            if (column->offset == offsetof(spw_placement_rows, scheduled)) {
                seat_pending(in, object, row, cluster, path);
            }
        }
    }
}

/* Where ready replicas run, pool by pool. */
static void usage_read(jsn_reading *in, spw_id workload, const json_t *object, const jsn_path *path)
{
    static const char *const keys[] = {"cluster", "pool"};
    static const jsn_column text = {.kind = JSN_TEXT, .min = 1};
    const size_t row = in->usage.next++;
    const char *names[] = {"", ""};
    bool both = json_is_object(object);
    jsn_row_read(in, &in->usage, row, object, in->snap->now, path);
    for (size_t i = 0; i < 2 && json_is_object(object); i++) {
        const jsn_path child = {path, keys[i], 0};
        const json_t *value = json_object_get(object, keys[i]);
        if (value == NULL) {
            jsn_wrong(in->r, path, "lacks '%s'", keys[i]);
        }
        both = value != NULL && jsn_cell_read(in->r, value, &text, &names[i], &child) && both;
    }
    const spw_id pool = both ? jsn_pool_row(in, names[0], names[1]) : 0;
    if (pool == SPW_ID_NONE) {
        jsn_wrong(in->r, path, "names no pool of this snapshot: '%s' of '%s'", names[1], names[0]);
    }
    ((spw_id *)jsn_writable(in->snap->usage.workload))[row] = workload;
    ((spw_id *)jsn_writable(in->snap->usage.pool))[row] = pool != SPW_ID_NONE ? pool : 0;
}

void jsn_workload_read(jsn_reading *in, const json_t *object, const jsn_path *path)
{
    const spw_workload_rows *w = &in->snap->workloads;
    const size_t row = in->workloads.next++;
    const char *space = NULL;
    jsn_row_read(in, &in->workloads, row, object, in->snap->now, path);
    if (json_object_get(object, "namespace") != NULL) {
        static const jsn_column text = {.kind = JSN_TEXT};
        const jsn_path child = {path, "namespace", 0};
        (void)jsn_cell_read(in->r, json_object_get(object, "namespace"), &text, &space, &child);
    }
    if (space != NULL) {
        const char *whole = zone_format(&in->r->z, "%s/%s", space, w->name[row]);
        ((const char **)jsn_writable(w->name))[row] = whole != NULL ? whole : "";
    }
    jsn_key_set(object, w->key, row, spw_key(w->name[row]));
    if (w->name[row][0] != '\0') {
        jsn_name_note(in, in->workload_rows, w->name[row], row, path);
    }
    seats_read(in, row, object, path);
    metrics_read(in, &in->values, object, (spw_id)row, in->snap->now, path);
    const json_t *places = jsn_array_in(in->r, object, "usage", path);
    const jsn_path in_usage = {path, "usage", 0};
    for (size_t i = 0; i < json_array_size(places) && !in->r->z.failed; i++) {
        const jsn_path child = {&in_usage, NULL, i};
        usage_read(in, (spw_id)row, json_array_get(places, i), &child);
    }
    const json_t *past = jsn_array_in(in->r, object, "history", path);
    const jsn_path in_history = {path, "history", 0};
    for (size_t i = 0; i < json_array_size(past) && !in->r->z.failed; i++) {
        const jsn_path child = {&in_history, NULL, i};
        ((spw_id *)jsn_writable(in->snap->history.workload))[in->history.next] = (spw_id)row;
        jsn_row_read(in, &in->history, in->history.next++, json_array_get(past, i), in->snap->now, &child);
    }
    const json_t *list = jsn_array_in(in->r, object, "pods", path);
    const jsn_path here = {path, "pods", 0};
    for (size_t i = 0; i < json_array_size(list) && !in->r->z.failed; i++) {
        const jsn_path child = {&here, NULL, i};
        pod_read(in, (spw_id)row, json_array_get(list, i), &child);
    }
}
