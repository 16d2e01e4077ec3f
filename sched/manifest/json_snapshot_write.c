/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_snapshot_write.c - a snapshot as one JSON object: the same content always gives the same bytes.
 *
 * Rows are sorted by what JSON shows of them (json_order.c), each table within its parent, before the first byte is
 * written. Keys that follow from names, and times that are the parent's, are left out: the reader puts them back.
 */
#include "sched/manifest/json_int.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Rows of one table in canonical order, grouped by the row of their parent. */
typedef struct order {
    jsn_item *items;
    size_t count;
} order;

typedef struct metric_name {
    uint64_t key;
    const char *text;
} metric_name;

typedef struct writing {
    zone z;
    spw_json_buffer *out;
    const spw_snapshot *snap;
    order clusters, pools, workloads, placements, pods, samples, values;
    order grades, usage, history; /* may hold rows that are the same */
    metric_name *metrics;         /* sorted by key */
    size_t metric_count;
} writing;

/* --- names of metrics --- */

static int compare_keys(const void *left, const void *right)
{
    const metric_name *a = left;
    const metric_name *b = right;
    return a->key < b->key ? -1 : a->key > b->key;
}

/* Metric m of a scaler, NULL beyond the last. */
static const char *scaler_metric(const spw_scaler *scaler, size_t m)
{
    switch (scaler->kind) {
    case SPW_SCALER_CRON:
        return NULL;
    case SPW_SCALER_KEDA:
        return m < scaler->as.keda.trigger_count ? scaler->as.keda.triggers[m].metric : NULL;
    case SPW_SCALER_QUEUE:
        return m == 0 ? scaler->as.queue.rate.name : NULL;
    case SPW_SCALER_FORECAST:
        return m == 0 ? scaler->as.forecast.rate.name : NULL;
    }
    return NULL;
}

static const char *name_in(const spw_config *config, uint64_t key)
{
    for (size_t h = 0; config != NULL && h < config->hpa_count; h++) {
        for (size_t m = 0; m < config->hpas[h].metric_count; m++) {
            if (spw_key(config->hpas[h].metrics[m].name) == key) {
                return config->hpas[h].metrics[m].name;
            }
        }
    }
    for (size_t s = 0; config != NULL && s < config->scaler_count; s++) {
        const char *name = scaler_metric(&config->scalers[s], 0);
        for (size_t m = 1; name != NULL; m++) {
            if (spw_key(name) == key) {
                return name;
            }
            name = scaler_metric(&config->scalers[s], m);
        }
    }
    return NULL;
}

/* One entry for each metric of the snapshot, with the name or "#" and the key in hex. */
static void metrics_name(writing *w, const spw_config *config)
{
    const spw_sample_rows *s = &w->snap->samples;
    const spw_value_rows *v = &w->snap->values;
    metric_name *all = zone_array(&w->z, s->count + v->count + 1, sizeof *all);
    size_t n = 0;
    for (size_t i = 0; all != NULL && i < s->count + v->count; i++) {
        all[i].key = i < s->count ? s->metric[i] : v->metric[i - s->count];
    }
    if (all == NULL) {
        return;
    }
    qsort(all, s->count + v->count, sizeof *all, compare_keys);
    for (size_t i = 0; i < s->count + v->count; i++) {
        if (i == 0 || all[i].key != all[i - 1].key) {
            const uint64_t key = all[i].key; /* slot n may be slot i */
            const char *text = name_in(config, key);
            all[n++] = (metric_name){key, text != NULL ? text : zone_format(&w->z, "#%016" PRIx64, key)};
        }
    }
    w->metrics = all;
    w->metric_count = n;
}

static const char *metric_text(const writing *w, uint64_t key)
{
    const metric_name wanted = {key, NULL};
    const metric_name *found = bsearch(&wanted, w->metrics, w->metric_count, sizeof wanted, compare_keys);
    return found != NULL ? found->text : "";
}

/* --- order --- */

static order order_new(writing *w, size_t count)
{
    return (order){zone_array(&w->z, count + 1, sizeof(jsn_item)), count};
}

static void order_rows(writing *w)
{
    const spw_snapshot *s = w->snap;
    for (size_t i = 0; i < s->clusters.count; i++) {
        w->clusters.items[i] = (jsn_item){0, s->clusters.name[i], 0, i};
    }
    for (size_t i = 0; i < s->pools.count; i++) {
        w->pools.items[i] = (jsn_item){s->pools.cluster[i], s->pools.name[i], 0, i};
    }
    for (size_t i = 0; i < s->workloads.count; i++) {
        w->workloads.items[i] = (jsn_item){0, s->workloads.name[i], 0, i};
    }
    for (size_t i = 0; i < s->placements.count; i++) {
        w->placements.items[i] =
            (jsn_item){s->placements.workload[i], s->clusters.name[s->placements.cluster[i]], 0, i};
    }
    for (size_t i = 0; i < s->grades.count; i++) {
        const char *text = zone_format(&w->z, "%020" PRId64 "%020" PRId64 "%011" PRId32, s->grades.cpu_milli[i],
                                       s->grades.memory_bytes[i], s->grades.nodes[i]);
        w->grades.items[i] = (jsn_item){s->grades.cluster[i], text != NULL ? text : "", 0, i};
    }
    for (size_t i = 0; i < s->usage.count; i++) {
        const spw_id pool = s->usage.pool[i];
        const char *text = zone_format(&w->z, "%s\n%s", s->clusters.name[s->pools.cluster[pool]], s->pools.name[pool]);
        w->usage.items[i] = (jsn_item){s->usage.workload[i], text != NULL ? text : "", (uint64_t)s->usage.ready[i], i};
    }
    for (size_t i = 0; i < s->history.count; i++) { /* each workload's rows are in order already */
        w->history.items[i] = (jsn_item){s->history.workload[i], "", 0, i};
    }
    for (size_t i = 0; i < s->pods.count; i++) {
        w->pods.items[i] = (jsn_item){s->pods.workload[i], "", s->pods.key[i], i};
    }
    for (size_t i = 0; i < s->samples.count; i++) {
        w->samples.items[i] = (jsn_item){s->samples.pod[i], metric_text(w, s->samples.metric[i]), 0, i};
    }
    for (size_t i = 0; i < s->values.count; i++) {
        w->values.items[i] = (jsn_item){s->values.workload[i], metric_text(w, s->values.metric[i]), 0, i};
    }
}

/* @return false when two rows look the same in JSON, or memory ran out (w->z.failed) */
static bool order_all(writing *w, const spw_config *config)
{
    const spw_snapshot *s = w->snap;
    order *orders[] = {&w->clusters, &w->pools,   &w->workloads, &w->placements, &w->usage,
                       &w->pods,     &w->samples, &w->values,    &w->grades,     &w->history};
    const size_t counts[] = {s->clusters.count, s->pools.count,  s->workloads.count, s->placements.count,
                             s->usage.count,    s->pods.count,   s->samples.count,   s->values.count,
                             s->grades.count,   s->history.count};
    metrics_name(w, config);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        *orders[i] = order_new(w, counts[i]);
    }
    if (w->z.failed) {
        return false;
    }
    order_rows(w);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        jsn_items_sort(orders[i]->items, orders[i]->count);
        const bool may_repeat = orders[i] == &w->grades || orders[i] == &w->usage || orders[i] == &w->history;
        if (!may_repeat && jsn_items_twins(orders[i]->items, orders[i]->count)) {
            return false;
        }
    }
    return !w->z.failed;
}

/* --- rows --- */

/* The plain columns of a row; a key that equals `derived` is left out. A column that is NULL means its default. */
static void put_row(const writing *w, const jsn_table *table, size_t row, uint64_t derived)
{
    for (size_t i = 0; i < table->column_count; i++) {
        const jsn_column *column = &table->columns[i];
        const int32_t narrow = (int32_t)column->value;
        const size_t size = jsn_cell_size(column->kind);
        const char *cells = size == 0 ? NULL : jsn_column_at(w->snap, table, column);
        if (column->key == NULL || size == 0 ||
            (cells == NULL && (column->absent == JSN_COLUMN || column->absent == JSN_MAYBE))) {
            continue;
        }
        const void *fallback = size == sizeof narrow ? (const void *)&narrow : (const void *)&column->value;
        const void *cell = cells != NULL ? cells + row * size : fallback;
        uint64_t key = 0;
        if (column->kind == JSN_KEY64) {
            memcpy(&key, cell, sizeof key);
            if (key == derived) {
                continue;
            }
        }
        jsn_cell_write(w->out, column, cell);
    }
}

static int compare_labels(const void *left, const void *right)
{
    const spw_label *a = left;
    const spw_label *b = right;
    return strcmp(a->key, b->key);
}

static void put_labels(writing *w, const spw_labels *labels)
{
    spw_label *sorted = zone_array(&w->z, labels->count + 1, sizeof *sorted);
    if (sorted == NULL) {
        return;
    }
    if (labels->count > 0) {
        memcpy(sorted, labels->at, labels->count * sizeof *sorted);
        qsort(sorted, labels->count, sizeof *sorted, compare_labels);
    }
    jsn_key(w->out, "labels");
    jsn_put(w->out, "{");
    for (size_t i = 0; i < labels->count; i++) {
        jsn_key(w->out, sorted[i].key);
        jsn_text(w->out, sorted[i].value);
    }
    jsn_put(w->out, "}");
}

static int compare_taints(const void *left, const void *right)
{
    const spw_taint *a = left;
    const spw_taint *b = right;
    const int keys = strcmp(a->key, b->key);
    const int values = keys != 0 ? keys : strcmp(a->value, b->value);
    return values != 0 ? values : (int)a->effect - (int)b->effect;
}

static void put_taints(writing *w, const spw_taints *taints)
{
    spw_taint *sorted = zone_array(&w->z, taints->count + 1, sizeof *sorted);
    if (sorted == NULL) {
        return;
    }
    if (taints->count > 0) {
        memcpy(sorted, taints->at, taints->count * sizeof *sorted);
        qsort(sorted, taints->count, sizeof *sorted, compare_taints);
    }
    jsn_key(w->out, "taints");
    jsn_put(w->out, "[");
    for (size_t i = 0; i < taints->count; i++) {
        const uint8_t effect = (uint8_t)sorted[i].effect;
        jsn_comma(w->out);
        jsn_put(w->out, "{");
        jsn_fields_write(w->out, &jsn_taint_keys, &sorted[i]);
        jsn_cell_write(w->out, &jsn_taint_effect, &effect);
        jsn_put(w->out, "}");
    }
    jsn_put(w->out, "]");
}

static void put_free(const writing *w, size_t row)
{
    const int32_t *free_nodes = w->snap->pools.free_nodes[row];
    int64_t gpus = 0;
    jsn_key(w->out, "free_nodes");
    jsn_put(w->out, "[");
    for (int32_t k = 0; k <= w->snap->pools.gpus_per_node[row]; k++) {
        jsn_comma(w->out);
        jsn_putf(w->out, "%" PRId32, free_nodes[k]);
        gpus += (int64_t)k * free_nodes[k];
    }
    jsn_put(w->out, "]");
    jsn_key(w->out, "gpus_free");
    jsn_putf(w->out, "%" PRId64, gpus);
}

static void put_cluster(writing *w, size_t row)
{
    const spw_snapshot *s = w->snap;
    jsn_comma(w->out);
    jsn_put(w->out, "{");
    put_row(w, &jsn_clusters, row, spw_key(s->clusters.name[row]));
    put_labels(w, &s->clusters.labels[row]);
    if (s->clusters.taints != NULL) {
        put_taints(w, &s->clusters.taints[row]);
    }
    size_t at = jsn_items_first(w->grades.items, w->grades.count, row);
    const bool graded = at < w->grades.count && w->grades.items[at].group == row;
    if (graded) {
        jsn_key(w->out, "grades");
        jsn_put(w->out, "[");
    }
    for (; at < w->grades.count && w->grades.items[at].group == row; at++) {
        jsn_comma(w->out);
        jsn_put(w->out, "{");
        put_row(w, &jsn_grades, w->grades.items[at].row, 0);
        jsn_put(w->out, "}");
    }
    jsn_put(w->out, graded ? "]" : "");
    jsn_key(w->out, "pools");
    jsn_put(w->out, "[");
    at = jsn_items_first(w->pools.items, w->pools.count, row);
    for (; at < w->pools.count && w->pools.items[at].group == row; at++) {
        const size_t pool = w->pools.items[at].row;
        jsn_comma(w->out);
        jsn_put(w->out, "{");
        put_row(w, &jsn_pools, pool, spw_key2(s->clusters.name[row], s->pools.name[pool]));
        if (s->pools.labels != NULL && s->pools.labels[pool].count > 0) {
            put_labels(w, &s->pools.labels[pool]);
        }
        put_free(w, pool);
        jsn_put(w->out, "}");
    }
    jsn_put(w->out, "]}");
}

/* "metrics" of one parent, if it has any. */
static void put_metrics(const writing *w, const jsn_table *table, const order *rows, size_t parent)
{
    size_t at = jsn_items_first(rows->items, rows->count, parent);
    if (at == rows->count || rows->items[at].group != parent) {
        return;
    }
    jsn_key(w->out, "metrics");
    jsn_put(w->out, "{");
    for (; at < rows->count && rows->items[at].group == parent; at++) {
        jsn_key(w->out, rows->items[at].text);
        jsn_put(w->out, "{");
        put_row(w, table, rows->items[at].row, 0);
        jsn_put(w->out, "}");
    }
    jsn_put(w->out, "}");
}

/* The placements of one workload: a map over clusters for each column. */
static void put_placements(const writing *w, size_t workload)
{
    const spw_placement_rows *p = &w->snap->placements;
    const size_t first = jsn_items_first(w->placements.items, w->placements.count, workload);
    for (size_t i = 0; i < jsn_placements.column_count; i++) {
        const jsn_column *column = &jsn_placements.columns[i];
        const char *cells = jsn_column_at(w->snap, &jsn_placements, column);
        if (column->key == NULL || cells == NULL) {
            continue;
        }
        const size_t size = jsn_cell_size(column->kind);
        jsn_key(w->out, column->key);
        jsn_put(w->out, "{");
        for (size_t at = first; at < w->placements.count && w->placements.items[at].group == workload; at++) {
            const size_t row = w->placements.items[at].row;
            const spw_time *observed = &w->snap->clusters.observed[p->cluster[row]];
            jsn_column cell = *column;
            cell.key = w->placements.items[at].text;
            if (column->absent != JSN_OBSERVED || memcmp(cells + row * size, observed, size) != 0) {
                jsn_cell_write(w->out, &cell, cells + row * size);
            }
        }
        jsn_put(w->out, "}");
    }
}

/* "usage" of one workload, if it has any. */
static void put_usage(const writing *w, size_t workload)
{
    const spw_snapshot *s = w->snap;
    size_t at = jsn_items_first(w->usage.items, w->usage.count, workload);
    if (at == w->usage.count || w->usage.items[at].group != workload) {
        return;
    }
    jsn_key(w->out, "usage");
    jsn_put(w->out, "[");
    for (; at < w->usage.count && w->usage.items[at].group == workload; at++) {
        const size_t row = w->usage.items[at].row;
        jsn_comma(w->out);
        jsn_put(w->out, "{");
        jsn_key(w->out, "cluster");
        jsn_text(w->out, s->clusters.name[s->pools.cluster[s->usage.pool[row]]]);
        jsn_key(w->out, "pool");
        jsn_text(w->out, s->pools.name[s->usage.pool[row]]);
        put_row(w, &jsn_usage, row, 0);
        jsn_put(w->out, "}");
    }
    jsn_put(w->out, "]");
}

/* "history" of one workload, if it has any. */
static void put_history(const writing *w, size_t workload)
{
    size_t at = jsn_items_first(w->history.items, w->history.count, workload);
    if (at == w->history.count || w->history.items[at].group != workload) {
        return;
    }
    jsn_key(w->out, "history");
    jsn_put(w->out, "[");
    for (; at < w->history.count && w->history.items[at].group == workload; at++) {
        jsn_comma(w->out);
        jsn_put(w->out, "{");
        put_row(w, &jsn_history, w->history.items[at].row, 0);
        jsn_put(w->out, "}");
    }
    jsn_put(w->out, "]");
}

static void put_pods(const writing *w, size_t workload)
{
    const spw_pod_rows *p = &w->snap->pods;
    size_t at = jsn_items_first(w->pods.items, w->pods.count, workload);
    jsn_key(w->out, "pods");
    jsn_put(w->out, "[");
    for (; at < w->pods.count && w->pods.items[at].group == workload; at++) {
        const size_t row = w->pods.items[at].row;
        jsn_comma(w->out);
        jsn_put(w->out, "{");
        jsn_key(w->out, "cluster");
        jsn_text(w->out, w->snap->clusters.name[p->cluster[row]]);
        put_row(w, &jsn_pods, row, ~p->key[row]); /* the name a key was made of is not known: always written */
        put_metrics(w, &jsn_samples, &w->samples, row);
        jsn_put(w->out, "}");
    }
    jsn_put(w->out, "]");
}

static void put_workload(const writing *w, size_t row)
{
    const char *name = w->snap->workloads.name[row];
    const char *slash = strchr(name, '/');
    jsn_comma(w->out);
    jsn_put(w->out, "{");
    if (slash != NULL && slash[1] != '\0') {
        jsn_key(w->out, "namespace");
        jsn_string(w->out, name, (size_t)(slash - name));
        name = slash + 1;
    }
    jsn_key(w->out, "name");
    jsn_text(w->out, name);
    for (size_t i = 0; i < jsn_workloads.column_count; i++) {
        const jsn_column *column = &jsn_workloads.columns[i];
        const char *cells = jsn_cell_size(column->kind) == 0 ? NULL : jsn_column_at(w->snap, &jsn_workloads, column);
        const bool is_key =
            column->kind == JSN_KEY64 && w->snap->workloads.key[row] == spw_key(w->snap->workloads.name[row]);
        if (cells != NULL && column->kind != JSN_TEXT && !is_key) {
            jsn_cell_write(w->out, column, cells + row * jsn_cell_size(column->kind));
        }
    }
    put_placements(w, row);
    put_usage(w, row);
    put_history(w, row);
    put_metrics(w, &jsn_values, &w->values, row);
    put_pods(w, row);
    jsn_put(w->out, "}");
}

spw_rc spw_json_snapshot_write(const spw_snapshot *snap, const spw_config *names, spw_json_buffer *out)
{
    writing w = {.out = out, .snap = snap};
    spw_rc rc = SPW_INVAL;
    zone_init(&w.z, NULL);
    if (order_all(&w, names)) {
        jsn_putf(out, "{\"now_ns\":%" PRId64 ",\"clusters\":[", snap->now);
        for (size_t i = 0; i < w.clusters.count; i++) {
            put_cluster(&w, w.clusters.items[i].row);
        }
        jsn_put(out, "],\"workloads\":[");
        for (size_t i = 0; i < w.workloads.count; i++) {
            put_workload(&w, w.workloads.items[i].row);
        }
        jsn_put(out, "]}");
        rc = SPW_OK;
    }
    out->failed = out->failed || w.z.failed;
    zone_fini(&w.z);
    return out->failed ? SPW_NOMEM : rc;
}
