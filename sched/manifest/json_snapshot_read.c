/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_snapshot_read.c - a parsed JSON object becomes the columns of a snapshot.
 *
 * Rows are counted first, so that every column is taken once. Plain columns are read by the tables of json_columns.c;
 * here and in json_snapshot_work.c stands what is nested or derived: keys, labels, free nodes, maps over clusters,
 * metrics. Every row of the document becomes a row of the snapshot, wrong or not, so that counts agree; after an error
 * the snapshot is thrown away.
 */
#include "sched/manifest/json_reading.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sched/manifest/suggest.h"

void *jsn_writable(const void *column)
{
    void *cells;
    memcpy(&cells, &column, sizeof cells);
    return cells;
}

/* --- tables --- */

static void table_new(jsn_reading *in, jsn_filling *f, const jsn_table *table, size_t count)
{
    char *rows = (char *)in->snap + table->rows;
    *f = (jsn_filling){.table = table, .count = count};
    memcpy(rows, &count, sizeof count);
    for (size_t i = 0; i < table->column_count; i++) {
        const size_t size = jsn_cell_size(table->columns[i].kind);
        if (size > 0) {
            void *cells = zone_array(&in->r->z, count + 1, size); /* one more: a column is never NULL here */
            memcpy(rows + table->columns[i].offset, &cells, sizeof cells);
        }
    }
}

char *jsn_row_cell(const jsn_reading *in, const jsn_filling *f, const jsn_column *column, size_t row)
{
    char *cells = jsn_column_at(in->snap, f->table, column);
    return cells + row * jsn_cell_size(column->kind);
}

void jsn_row_absent(jsn_reading *in, jsn_filling *f, const jsn_column *column, size_t row, spw_time observed,
                    const jsn_path *path)
{
    char *cell = jsn_row_cell(in, f, column, row);
    const size_t size = jsn_cell_size(column->kind);
    const int32_t narrow = (int32_t)column->value;
    jsn_cell_clear(column, cell);
    switch (column->absent) {
    case JSN_MUST:
        jsn_wrong(in->r, path, "lacks '%s'", column->key);
        break;
    case JSN_VALUE:
    case JSN_MAYBE:
        if (size == 1) {
            *(uint8_t *)cell = (uint8_t)column->value;
        } else if (size == sizeof narrow) {
            memcpy(cell, &narrow, sizeof narrow);
        } else if (column->kind != JSN_TEXT) {
            memcpy(cell, &column->value, sizeof column->value);
        }
        break;
    case JSN_OBSERVED:
        memcpy(cell, &observed, sizeof observed);
        break;
    case JSN_LIKE: {
        const jsn_column other = {.kind = column->kind, .offset = column->like};
        memcpy(cell, jsn_row_cell(in, f, &other, row), size);
        break;
    }
    case JSN_COLUMN:
    case JSN_CODE:
        break;
    }
}

void jsn_row_read(jsn_reading *in, jsn_filling *f, size_t row, const json_t *object, spw_time observed,
                  const jsn_path *path)
{
    const jsn_table *t = f->table;
    const bool sound = jsn_keys_check(in->r, object, t->columns, t->column_count, path);
    for (size_t i = 0; i < t->column_count; i++) {
        const jsn_column *column = &t->columns[i];
        if (jsn_cell_size(column->kind) == 0) {
            continue;
        }
        const json_t *value = sound && column->key != NULL ? json_object_get(object, column->key) : NULL;
        if (value != NULL) {
            const jsn_path child = {path, column->key, 0};
            f->given[i]++;
            (void)jsn_cell_read(in->r, value, column, jsn_row_cell(in, f, column, row), &child);
        } else if (sound) {
            jsn_row_absent(in, f, column, row, observed, path);
        } else {
            jsn_cell_clear(column, jsn_row_cell(in, f, column, row));
        }
    }
}

/* Columns that no row has are NULL; some must be there for all rows or for none. */
static void optional_columns(jsn_reading *in, const jsn_filling *f, const jsn_path *top)
{
    for (size_t i = 0; i < f->table->column_count; i++) {
        const jsn_column *column = &f->table->columns[i];
        if ((column->absent != JSN_COLUMN && column->absent != JSN_MAYBE) || jsn_cell_size(column->kind) == 0) {
            continue;
        }
        if (f->given[i] == 0) {
            const void *none = NULL;
            memcpy((char *)in->snap + f->table->rows + column->offset, &none, sizeof none);
        } else if (column->absent == JSN_COLUMN && f->given[i] < f->count) {
            jsn_say(in->r, top, "'%s' is given for %zu of %zu %s; give it for all or for none", column->key,
                    f->given[i], f->count, f->table->plural);
        }
    }
}

/* --- names --- */

void jsn_name_note(jsn_reading *in, json_t *rows, const char *name, size_t row, const jsn_path *path)
{
    if (json_object_get(rows, name) != NULL) {
        jsn_wrong(in->r, path, "has the same name as an earlier one: '%s'", name);
        return;
    }
    if (json_object_set_new(rows, name, json_integer((json_int_t)row)) != 0) {
        in->r->z.failed = true;
    }
}

spw_id jsn_cluster_row(jsn_reading *in, const char *name, const jsn_path *path)
{
    const json_t *row = json_object_get(in->cluster_rows, name);
    if (row != NULL) {
        return (spw_id)json_integer_value(row);
    }
    suggest near;
    suggest_init(&near, name);
    for (size_t i = 0; i < in->snap->clusters.count; i++) {
        suggest_offer(&near, in->snap->clusters.name[i]);
    }
    if (near.best != NULL) {
        jsn_wrong(in->r, path, "names no cluster of this snapshot: '%s' (did you mean '%s'?)", name, near.best);
    } else {
        jsn_wrong(in->r, path, "names no cluster of this snapshot: '%s'", name);
    }
    return SPW_ID_NONE;
}

void jsn_key_set(const json_t *object, const uint64_t *column, size_t row, uint64_t derived)
{
    if (json_object_get(object, "key") == NULL) {
        ((uint64_t *)jsn_writable(column))[row] = derived;
    }
}

/* --- clusters and pools --- */

/* @return labels that were given */
static size_t labels_read(jsn_reading *in, const spw_labels *column, size_t row, const json_t *object,
                          const jsn_path *path)
{
    const json_t *map = jsn_object_at(in->r, object, "labels", path);
    const jsn_path here = {path, "labels", 0};
    const size_t count = json_object_size(map);
    spw_label *labels = zone_array(&in->r->z, count + 1, sizeof *labels);
    size_t n = 0;
    json_t *loose;
    memcpy(&loose, &map, sizeof loose);
    for (void *at = json_object_iter(loose); at != NULL && labels != NULL; at = json_object_iter_next(loose, at)) {
        const char *key = json_object_iter_key(at);
        const jsn_path child = {&here, key, 0};
        static const jsn_column text = {.kind = JSN_TEXT};
        labels[n].key = zone_text(&in->r->z, key, strlen(key));
        (void)jsn_cell_read(in->r, json_object_iter_value(at), &text, &labels[n].value, &child);
        n++;
    }
    ((spw_labels *)jsn_writable(column))[row] = (spw_labels){labels, n};
    return n;
}

/* "zones" of a cluster become one text with commas between. */
static void zones_read(jsn_reading *in, size_t row, const json_t *object, const jsn_path *path)
{
    static const jsn_column text = {.kind = JSN_TEXT, .min = 1};
    const json_t *list = jsn_array_in(in->r, object, "zones", path);
    const jsn_path here = {path, "zones", 0};
    const char *zones = "";
    if (list != NULL && json_object_get(object, "zone") != NULL) {
        jsn_wrong(in->r, &here, "stands beside 'zone'; give one of the two");
        return;
    }
    for (size_t i = 0; i < json_array_size(list) && zones != NULL; i++) {
        const jsn_path child = {&here, NULL, i};
        const char *one = "";
        if (jsn_cell_read(in->r, json_array_get(list, i), &text, &one, &child)) {
            zones = i == 0 ? one : zone_format(&in->r->z, "%s,%s", zones, one);
        }
    }
    if (list != NULL && zones != NULL) {
        ((const char **)jsn_writable(in->snap->clusters.zone))[row] = zones;
    }
}

static void taints_read(jsn_reading *in, size_t row, const json_t *object, const jsn_path *path)
{
    const json_t *list = jsn_array_in(in->r, object, "taints", path);
    const jsn_path here = {path, "taints", 0};
    const size_t count = json_array_size(list);
    spw_taint *taints = zone_array(&in->r->z, count + 1, sizeof *taints);
    if (taints == NULL || list == NULL) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const jsn_path child = {&here, NULL, i};
        const jsn_path effect_path = {&child, "effect", 0};
        const json_t *effect = json_object_get(json_array_get(list, i), "effect");
        uint8_t word = 0;
        taints[i].value = "";
        jsn_fields_read(in->r, json_array_get(list, i), &jsn_taint_keys, &taints[i], &child);
        if (effect != NULL && jsn_cell_read(in->r, effect, &jsn_taint_effect, &word, &effect_path)) {
            taints[i].effect = (spw_taint_effect)word;
        } else if (effect == NULL && json_is_object(json_array_get(list, i))) {
            jsn_wrong(in->r, &child, "lacks 'effect'");
        }
    }
    in->tainted = true;
    ((spw_taints *)jsn_writable(in->snap->clusters.taints))[row] = (spw_taints){taints, count};
}

/* gpus_free alone: whole free nodes and one partly free node, the rest of the nodes full. */
static void spread_free(jsn_reading *in, size_t row, int64_t free_gpus, int32_t *free_nodes, const jsn_path *path)
{
    const int64_t nodes = in->snap->pools.nodes[row];
    const int64_t gpus = in->snap->pools.gpus_per_node[row];
    const int64_t whole = free_gpus / gpus;
    const int64_t part = free_gpus % gpus;
    if (free_gpus < 0 || free_gpus > nodes * gpus) {
        jsn_wrong(in->r, path, "must be from 0 to %" PRId64 ", the GPUs of %" PRId64 " nodes, not %" PRId64,
                  nodes * gpus, nodes, free_gpus);
        return;
    }
    free_nodes[gpus] += (int32_t)whole;
    free_nodes[part] += part > 0 ? 1 : 0;
    free_nodes[0] += (int32_t)(nodes - whole) - (part > 0 ? 1 : 0);
}

static void free_read(jsn_reading *in, size_t row, const json_t *object, const jsn_path *path)
{
    static const jsn_column count = {.kind = JSN_I32, .max = SPW_NODES_MAX};
    int32_t *free_nodes = ((int32_t(*)[SPW_NODE_GPUS_MAX + 1]) jsn_writable(in->snap->pools.free_nodes))[row];
    const json_t *list = jsn_array_in(in->r, object, "free_nodes", path);
    const json_t *gpus = json_object_get(object, "gpus_free");
    const jsn_path list_path = {path, "free_nodes", 0};
    const jsn_path gpus_path = {path, "gpus_free", 0};
    int64_t sum = 0;
    if (gpus != NULL && !json_is_integer(gpus)) {
        jsn_wrong(in->r, &gpus_path, "must be a whole number");
        return;
    }
    if (json_array_size(list) > SPW_NODE_GPUS_MAX + 1) {
        jsn_wrong(in->r, &list_path, "must have at most %d entries: nodes with 0 to %d GPUs free",
                  SPW_NODE_GPUS_MAX + 1, SPW_NODE_GPUS_MAX);
        return;
    }
    for (size_t k = 0; k < json_array_size(list); k++) {
        const jsn_path child = {&list_path, NULL, k};
        (void)jsn_cell_read(in->r, json_array_get(list, k), &count, &free_nodes[k], &child);
        sum += (int64_t)k * free_nodes[k];
    }
    if (list == NULL && gpus != NULL) {
        spread_free(in, row, json_integer_value(gpus), free_nodes, &gpus_path);
    } else if (list != NULL && gpus != NULL && json_integer_value(gpus) != sum) {
        jsn_wrong(in->r, &gpus_path, "must agree with 'free_nodes', which has %" PRId64 " free GPUs", sum);
    } else if (list == NULL && json_object_get(object, "free_nodes") == NULL && in->snap->pools.nodes[row] > 0) {
        jsn_wrong(in->r, path, "lacks 'gpus_free' or 'free_nodes'");
    }
}

spw_id jsn_pool_row(jsn_reading *in, const char *cluster, const char *pool)
{
    const char *both = zone_format(&in->r->z, "%s\n%s", cluster, pool);
    const json_t *row = both != NULL ? json_object_get(in->pool_rows, both) : NULL;
    return row != NULL ? (spw_id)json_integer_value(row) : SPW_ID_NONE;
}

static void pool_note(jsn_reading *in, const char *cluster, size_t row, const jsn_path *path)
{
    const char *name = in->snap->pools.name[row];
    const char *both = zone_format(&in->r->z, "%s\n%s", cluster, name);
    if (name[0] == '\0' || both == NULL) {
        return;
    }
    if (json_object_get(in->pool_rows, both) != NULL) {
        jsn_wrong(in->r, path, "has the same name as an earlier one of its cluster: '%s'", name);
    } else if (json_object_set_new(in->pool_rows, both, json_integer((json_int_t)row)) != 0) {
        in->r->z.failed = true;
    }
}

static void pool_read(jsn_reading *in, size_t cluster, const json_t *object, const jsn_path *path)
{
    const spw_pool_rows *p = &in->snap->pools;
    const size_t row = in->pools.next++;
    const char *cluster_name = in->snap->clusters.name[cluster];
    const size_t errors = in->r->errors;
    jsn_row_read(in, &in->pools, row, object, in->snap->clusters.observed[cluster], path);
    ((spw_id *)jsn_writable(p->cluster))[row] = (spw_id)cluster;
    jsn_key_set(object, p->key, row, spw_key2(cluster_name, p->name[row]));
    if (json_object_get(object, "nodes_min") == NULL) {
        ((int32_t *)jsn_writable(p->nodes_min))[row] =
            p->nodes[row] < p->nodes_max[row] ? p->nodes[row] : p->nodes_max[row];
    }
    in->labelled = labels_read(in, p->labels, row, object, path) > 0 || in->labelled;
    if (in->r->errors == errors) {
        free_read(in, row, object, path); /* free GPUs can only be checked against a sound pool */
    }
    pool_note(in, cluster_name, row, path);
}

static void cluster_read(jsn_reading *in, const json_t *object, const jsn_path *path)
{
    const spw_cluster_rows *c = &in->snap->clusters;
    const size_t row = in->clusters.next++;
    jsn_row_read(in, &in->clusters, row, object, in->snap->now, path);
    jsn_key_set(object, c->key, row, spw_key(c->name[row]));
    (void)labels_read(in, c->labels, row, object, path);
    zones_read(in, row, object, path);
    taints_read(in, row, object, path);
    if (c->name[row][0] != '\0') {
        jsn_name_note(in, in->cluster_rows, c->name[row], row, path);
    }
    const json_t *list = jsn_array_in(in->r, object, "grades", path);
    const jsn_path in_grades = {path, "grades", 0};
    for (size_t i = 0; i < json_array_size(list); i++) {
        const jsn_path child = {&in_grades, NULL, i};
        const size_t grade = in->grades.next++;
        jsn_row_read(in, &in->grades, grade, json_array_get(list, i), in->snap->now, &child);
        ((spw_id *)jsn_writable(in->snap->grades.cluster))[grade] = (spw_id)row;
    }
    list = jsn_array_in(in->r, object, "pools", path);
    const jsn_path in_pools = {path, "pools", 0};
    for (size_t i = 0; i < json_array_size(list) && !in->r->z.failed; i++) {
        const jsn_path child = {&in_pools, NULL, i};
        pool_read(in, row, json_array_get(list, i), &child);
    }
}

/* --- the whole --- */

/* Takes every column; counts from above where rows are only known later. */
static bool tables_new(jsn_reading *in, const json_t *clusters, const json_t *workloads)
{
    size_t pools = 0, grades = 0, seats = 0, usage = 0, history = 0, pods = 0, samples = 0, values = 0;
    for (size_t i = 0; i < json_array_size(clusters); i++) {
        pools += json_array_size(json_object_get(json_array_get(clusters, i), "pools"));
        grades += json_array_size(json_object_get(json_array_get(clusters, i), "grades"));
    }
    for (size_t i = 0; i < json_array_size(workloads); i++) {
        const json_t *workload = json_array_get(workloads, i);
        const json_t *list = json_object_get(workload, "pods");
        for (size_t m = 0; jsn_maps[m] != NULL; m++) {
            seats += json_object_size(json_object_get(workload, jsn_maps[m]));
        }
        for (size_t k = 0; k < json_array_size(list); k++) {
            samples += json_object_size(json_object_get(json_array_get(list, k), "metrics"));
        }
        pods += json_array_size(list);
        usage += json_array_size(json_object_get(workload, "usage"));
        history += json_array_size(json_object_get(workload, "history"));
        values += json_object_size(json_object_get(workload, "metrics"));
    }
    zone *z = &in->r->z;
    const size_t count = json_array_size(clusters);
    table_new(in, &in->clusters, &jsn_clusters, count);
    table_new(in, &in->pools, &jsn_pools, pools);
    table_new(in, &in->workloads, &jsn_workloads, json_array_size(workloads));
    table_new(in, &in->placements, &jsn_placements, seats);
    table_new(in, &in->grades, &jsn_grades, grades);
    table_new(in, &in->usage, &jsn_usage, usage);
    table_new(in, &in->history, &jsn_history, history);
    table_new(in, &in->pods, &jsn_pods, pods);
    table_new(in, &in->samples, &jsn_samples, samples);
    table_new(in, &in->values, &jsn_values, values);
    in->snap->clusters.labels = zone_array(z, count + 1, sizeof(spw_labels));
    in->snap->clusters.taints = zone_array(z, count + 1, sizeof(spw_taints));
    in->snap->pools.labels = zone_array(z, pools + 1, sizeof(spw_labels));
    in->snap->pools.free_nodes = zone_array(z, pools + 1, sizeof *in->snap->pools.free_nodes);
    in->stamp = zone_array(z, count + 1, sizeof *in->stamp);
    in->seat = zone_array(z, count + 1, sizeof *in->seat);
    in->cluster_rows = json_object();
    in->workload_rows = json_object();
    in->pool_rows = json_object();
    return !z->failed && in->cluster_rows != NULL && in->workload_rows != NULL && in->pool_rows != NULL;
}

static void lists_read(jsn_reading *in, const json_t *clusters, const json_t *workloads, const jsn_path *path)
{
    const jsn_path in_clusters = {path, "clusters", 0};
    const jsn_path in_workloads = {path, "workloads", 0};
    for (size_t i = 0; i < json_array_size(clusters) && !in->r->z.failed; i++) {
        const jsn_path child = {&in_clusters, NULL, i};
        cluster_read(in, json_array_get(clusters, i), &child);
    }
    for (size_t i = 0; i < json_array_size(workloads) && !in->r->z.failed; i++) {
        const jsn_path child = {&in_workloads, NULL, i};
        jsn_workload_read(in, json_array_get(workloads, i), &child);
    }
    in->snap->placements.count = in->placements.next;
    in->snap->clusters.taints = in->tainted ? in->snap->clusters.taints : NULL;
    in->snap->pools.labels = in->labelled ? in->snap->pools.labels : NULL;
    optional_columns(in, &in->clusters, path);
    optional_columns(in, &in->pools, path);
    optional_columns(in, &in->workloads, path);
}

/* Number of a row among those of its parent: rows of one parent stand together, in the order of the document. */
static size_t number_within(const spw_id *parents, size_t row)
{
    size_t first = row;
    while (first > 0 && parents[first - 1] == parents[row]) {
        first--;
    }
    return row - first;
}

/* Says what spw_snapshot_check() refuses at the place of the object that the row came from. */
static void refused(jsn_reading *in, const spw_err *err, const jsn_path *path)
{
    const spw_snapshot *s = in->snap;
    const size_t row = err->row;
    const char *inner_key = NULL;
    size_t outer = 0;
    size_t inner = 0;
    const size_t length = strcspn(err->field, ".");
    const jsn_table *const tables[] = {&jsn_clusters, &jsn_grades,  &jsn_pools, &jsn_workloads, &jsn_placements,
                                       &jsn_usage,    &jsn_history, &jsn_pods,  &jsn_samples,   &jsn_values};
    const jsn_table *table = NULL;
    for (size_t i = 0; i < sizeof tables / sizeof tables[0] && err->row != SPW_ID_NONE; i++) {
        const bool same = strlen(tables[i]->plural) == length && memcmp(tables[i]->plural, err->field, length) == 0;
        table = same ? tables[i] : table;
    }
    if (table == &jsn_pools) {
        inner_key = "pools";
        outer = s->pools.cluster[row];
        inner = number_within(s->pools.cluster, row);
    } else if (table == &jsn_grades) {
        inner_key = "grades";
        outer = s->grades.cluster[row];
        inner = number_within(s->grades.cluster, row);
    } else if (table == &jsn_usage) {
        inner_key = "usage";
        outer = s->usage.workload[row];
        inner = number_within(s->usage.workload, row);
    } else if (table == &jsn_history) {
        inner_key = "history";
        outer = s->history.workload[row];
        inner = number_within(s->history.workload, row);
    } else if (table == &jsn_pods || table == &jsn_samples) {
        const size_t pod = table == &jsn_pods ? row : s->samples.pod[row];
        inner_key = "pods";
        outer = s->pods.workload[pod];
        inner = number_within(s->pods.workload, pod);
    } else if (table != NULL) {
        outer = table == &jsn_placements ? s->placements.workload[row]
                : table == &jsn_values   ? s->values.workload[row]
                                         : row;
    }
    const bool in_clusters = table == &jsn_clusters || table == &jsn_pools || table == &jsn_grades;
    const jsn_path list = {path, in_clusters ? "clusters" : "workloads", 0};
    const jsn_path object = {&list, NULL, outer};
    const jsn_path inner_list = {&object, inner_key, 0};
    const jsn_path inner_object = {&inner_list, NULL, inner};
    const jsn_path *place = table == NULL ? path : inner_key != NULL ? &inner_object : &object;
    char where[JSN_PATH_TEXT];
    jsn_path_text(place, where, sizeof where);
    jsn_say(in->r, place, "%s: %s: %s", where, err->field, err->text);
}

const spw_snapshot *jsn_snapshot_from(jsn_reader *r, const json_t *object, const jsn_path *path)
{
    jsn_reading in = {.r = r, .snap = zone_take(&r->z, sizeof *in.snap)};
    const size_t before = r->errors;
    if (in.snap == NULL) {
        return NULL;
    }
    in.snap->version = SPW_API_VERSION;
    jsn_fields_read(r, object, &jsn_snapshot_keys, in.snap, path);
    const json_t *clusters = jsn_array_in(r, object, "clusters", path);
    const json_t *workloads = jsn_array_in(r, object, "workloads", path);
    if (tables_new(&in, clusters, workloads)) {
        lists_read(&in, clusters, workloads, path);
    } else {
        r->z.failed = true;
    }
    spw_err err = {.code = SPW_OK, .row = SPW_ID_NONE};
    if (!r->z.failed && r->errors == before && spw_snapshot_check(in.snap, &err) != SPW_OK) {
        refused(&in, &err, path);
    }
    json_decref(in.cluster_rows);
    json_decref(in.workload_rows);
    json_decref(in.pool_rows);
    return r->z.failed || r->errors > before ? NULL : in.snap;
}

struct spw_json_snapshot {
    zone z;
    const spw_snapshot *snap;
};

spw_rc spw_json_snapshot_read(const char *text, size_t size, const char *name, spw_diag *diag, spw_json_snapshot **out)
{
    jsn_reader r = {.diag = diag, .name = name, .text = text, .size = size, .first_line = 1};
    const jsn_path top = {NULL, NULL, 0};
    const spw_snapshot *snap = NULL;
    zone_init(&r.z, NULL);
    json_t *root = jsn_parse(&r);
    if (root != NULL) {
        snap = jsn_snapshot_from(&r, root, &top);
        json_decref(root);
    }
    spw_json_snapshot *made = snap != NULL ? zone_take(&r.z, sizeof *made) : NULL;
    if (made == NULL) {
        const bool no_memory = r.z.failed;
        zone_fini(&r.z);
        return no_memory ? SPW_NOMEM : SPW_INVAL;
    }
    *made = (spw_json_snapshot){r.z, snap};
    *out = made;
    return SPW_OK;
}

void spw_json_snapshot_free(spw_json_snapshot *snapshot)
{
    if (snapshot != NULL) {
        zone z = snapshot->z; /* the struct lives in its own zone */
        zone_fini(&z);
    }
}

const spw_snapshot *spw_json_snapshot_get(const spw_json_snapshot *snapshot)
{
    return snapshot->snap;
}
