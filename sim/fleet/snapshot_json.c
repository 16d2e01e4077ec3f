/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * snapshot_json.c - a snapshot as one JSON object on one line, all columns, in snapshot order: enough to feed it to
 * the core again. Integers stand as integers; a time that never was is null. 64-bit keys are strings of hex digits,
 * because many readers keep numbers as doubles.
 */
#include "sim/fleet/world.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct text {
    char *at;
    size_t size, cap;
    bool failed;
} text;

static void put(text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(text *t, const char *format, ...)
{
    for (int attempt = 0; attempt < 2 && !t->failed; attempt++) {
        va_list args;
        int need;

        va_start(args, format);
        need = vsnprintf(t->at == NULL ? NULL : t->at + t->size, t->cap - t->size, format, args);
        va_end(args);
        if (need >= 0 && (size_t)need < t->cap - t->size) {
            t->size += (size_t)need;
            return;
        }
        size_t cap = (t->cap + (size_t)(need > 0 ? need : 0) + 4096) * 2;
        char *grown = need < 0 ? NULL : realloc(t->at, cap);

        if (grown == NULL) {
            t->failed = true;
            return;
        }
        t->at = grown;
        t->cap = cap;
    }
}

static void put_string(text *t, const char *s)
{
    put(t, "\"");
    for (; *s != '\0'; s++) {
        unsigned char c = (unsigned char)*s;

        if (c == '"' || c == '\\') {
            put(t, "\\%c", c);
        } else if (c < 0x20) {
            put(t, "\\u%04x", (unsigned)c);
        } else {
            put(t, "%c", c);
        }
    }
    put(t, "\"");
}

static void put_field(text *t, const char *key, const char *value)
{
    put(t, "\"%s\":", key);
    put_string(t, value);
    put(t, ",");
}

static void put_time(text *t, const char *key, spw_time value)
{
    if (value == SPW_TIME_MAX) {
        put(t, ",\"%s\":null", key);
    } else {
        put(t, ",\"%s\":%" PRId64, key, value);
    }
}

static const char *comma(size_t i)
{
    return i == 0 ? "" : ",";
}

static const char *capacity_name(uint8_t capacity)
{
    static const char *const names[] = {"", "owned", "reserved", "on-demand", "spot"};

    return capacity < sizeof names / sizeof names[0] ? names[capacity] : "";
}

static void put_pool(text *t, const spw_pool_rows *p, size_t i)
{
    int64_t gpus_free = 0;

    put(t, "{");
    put_field(t, "name", p->name[i]);
    put_field(t, "gpu", p->gpu[i]);
    put_field(t, "capacity", capacity_name(p->capacity[i]));
    put(t, "\"nodes\":%" PRId32 ",\"nodes_target\":%" PRId32 ",\"nodes_min\":%" PRId32 ",\"nodes_max\":%" PRId32,
        p->nodes[i], p->nodes_target[i], p->nodes_min[i], p->nodes_max[i]);
    put(t, ",\"gpus_per_node\":%" PRId32 ",\"inventory\":%" PRId32 ",\"price_uusd_per_gpu_h\":%" PRId64,
        p->gpus_per_node[i], p->stock[i], p->price_uusd_per_gpu_h[i]);
    put(t, ",\"observed_ns\":%" PRId64 ",\"free_nodes\":[", p->observed[i]);
    for (int k = 0; k <= SPW_NODE_GPUS_MAX; k++) {
        gpus_free += (int64_t)k * p->free_nodes[i][k];
        put(t, "%s%" PRId32, comma((size_t)k), p->free_nodes[i][k]);
    }
    put(t, "],\"gpus_free\":%" PRId64 "}", gpus_free);
}

static void put_clusters(text *t, const spw_snapshot *s)
{
    const spw_cluster_rows *c = &s->clusters;

    put(t, ",\"clusters\":[");
    for (size_t i = 0; i < c->count; i++) {
        size_t written = 0;

        put(t, "%s{", comma(i));
        put_field(t, "name", c->name[i]);
        put_field(t, "region", c->region[i]);
        put_field(t, "zone", c->zone[i]);
        put_field(t, "provider", c->provider[i]);
        put(t, "\"labels\":{");
        for (size_t k = 0; k < c->labels[i].count; k++) {
            put(t, "%s", comma(k));
            put_string(t, c->labels[i].at[k].key);
            put(t, ":");
            put_string(t, c->labels[i].at[k].value);
        }
        put(t, "},\"ready\":%s,\"observed_ns\":%" PRId64 ",\"pools\":[", c->ready[i] != 0 ? "true" : "false",
            c->observed[i]);
        for (size_t p = 0; p < s->pools.count; p++) {
            if (s->pools.cluster[p] == i) {
                put(t, "%s", comma(written++));
                put_pool(t, &s->pools, p);
            }
        }
        put(t, "]}");
    }
    put(t, "]");
}

/* "name":{"cluster":n,...} over the placements of one workload */
static void put_places(text *t, const spw_snapshot *s, size_t workload, const char *name, const int32_t *column)
{
    size_t written = 0;

    put(t, ",\"%s\":{", name);
    for (size_t i = 0; i < s->placements.count; i++) {
        if (s->placements.workload[i] == workload) {
            put(t, "%s", comma(written++));
            put_string(t, s->clusters.name[s->placements.cluster[i]]);
            put(t, ":%" PRId32, column[i]);
        }
    }
    put(t, "}");
}

static void put_workloads(text *t, const spw_snapshot *s)
{
    put(t, ",\"workloads\":[");
    for (size_t i = 0; i < s->workloads.count; i++) {
        put(t, "%s{", comma(i));
        put_field(t, "name", s->workloads.name[i]);
        put(t, "\"key\":\"%016" PRIx64 "\",\"replicas\":%" PRId32, s->workloads.key[i], s->workloads.replicas[i]);
        put_places(t, s, i, "assigned", s->placements.assigned);
        put_places(t, s, i, "scheduled", s->placements.scheduled);
        put_places(t, s, i, "ready", s->placements.ready);
        put(t, ",\"values\":[");
        for (size_t k = 0, written = 0; k < s->values.count; k++) {
            if (s->values.workload[k] == i) {
                put(t, "%s{\"metric\":\"%016" PRIx64 "\",\"value_milli\":%" PRId64 ",\"observed_ns\":%" PRId64 "}",
                    comma(written++), s->values.metric[k], s->values.value_milli[k], s->values.observed[k]);
            }
        }
        put(t, "]}");
    }
    put(t, "]");
}

static void put_pods(text *t, const spw_snapshot *s)
{
    const spw_pod_rows *p = &s->pods;
    const spw_sample_rows *m = &s->samples;

    put(t, ",\"pods\":[");
    for (size_t i = 0; i < p->count; i++) {
        put(t, "%s{\"key\":\"%016" PRIx64 "\",\"workload\":%" PRIu32 ",\"cluster\":%" PRIu32 ",\"phase\":%u", comma(i),
            p->key[i], p->workload[i], p->cluster[i], (unsigned)p->phase[i]);
        put(t, ",\"deleting\":%u,\"ready\":%u", (unsigned)p->deleting[i], (unsigned)p->ready[i]);
        put_time(t, "started_ns", p->started[i]);
        put_time(t, "ready_changed_ns", p->ready_changed[i]);
        put(t, "}");
    }
    put(t, "],\"samples\":[");
    for (size_t i = 0; i < m->count; i++) {
        put(t, "%s{\"pod\":%" PRIu32 ",\"metric\":\"%016" PRIx64 "\",\"value_milli\":%" PRId64, comma(i), m->pod[i],
            m->metric[i], m->value_milli[i]);
        put(t, ",\"request_milli\":%" PRId64 ",\"sampled_ns\":%" PRId64 ",\"window_ns\":%" PRId64 "}",
            m->request_milli == NULL ? 0 : m->request_milli[i], m->sampled[i], m->window == NULL ? 0 : m->window[i]);
    }
    put(t, "]");
}

size_t fl_snapshot_json(const spw_snapshot *snap, char **out)
{
    text t = {NULL, 0, 0, false};

    put(&t, "{\"now_ns\":%" PRId64, snap->now);
    put_clusters(&t, snap);
    put_workloads(&t, snap);
    put_pods(&t, snap);
    put(&t, "}");
    if (t.failed) {
        free(t.at);
        *out = NULL;
        return 0;
    }
    *out = t.at;
    return t.size;
}
