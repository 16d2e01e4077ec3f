/* SPDX-License-Identifier: Apache-2.0 */
/** source_pods.c - the tables of pods, of where they run, and of what the meters say about them. */
#include "sched/kube/source_int.h"

#include <stdlib.h>
#include <string.h>

static size_t count_ours(const kube_source *s)
{
    const kube_fleet_spec *spec = kube_fleet_spec_get(s->spec.fleet);
    size_t n = 0;
    for (size_t c = 0; c < spec->cluster_count; c++) {
        const kube_store *pods = kube_fleet_part(s->spec.fleet, c, KUBE_PART_PODS);
        for (size_t i = 0; i < kube_store_count(pods); i++) {
            n += source_owner(s, kube_store_at(pods, i)) != SIZE_MAX ? 1 : 0;
        }
    }
    return n;
}

static spw_time not_later(spw_time t, spw_time now)
{
    return t == SPW_TIME_MAX || t <= now ? t : now; /* the clocks of two hosts differ a little */
}

typedef struct usage {
    int32_t *ready; /* [workload * pools + pool] */
    size_t pools;
} usage;

static void note_usage(const kube_source *s, usage *u, size_t c, size_t w, const kube_pod *pod)
{
    const size_t node = kube_store_seek(kube_fleet_part(s->spec.fleet, c, KUBE_PART_NODES), "", pod->node);
    if (node != SIZE_MAX && s->nodes[c][node].pool != UINT32_MAX && pod->ready && !pod->meta.deleting) {
        u->ready[w * u->pools + s->nodes[c][node].pool]++;
    }
}

static bool usage_rows(kube_source *s, const usage *u)
{
    size_t n = 0, used = 0;
    for (size_t i = 0; i < s->work_count * u->pools; i++) {
        n += u->ready[i] > 0 ? 1 : 0;
    }
    spw_id *workload = zone_array(&s->zone, n + 1, sizeof *workload);
    spw_id *pool = zone_array(&s->zone, n + 1, sizeof *pool);
    int32_t *ready = zone_array(&s->zone, n + 1, sizeof *ready);
    if (s->zone.failed) {
        return false;
    }
    for (size_t i = 0; i < s->work_count * u->pools; i++) {
        if (u->ready[i] > 0) {
            workload[used] = (spw_id)(i / u->pools);
            pool[used] = (spw_id)(i % u->pools);
            ready[used++] = u->ready[i];
        }
    }
    s->snapshot.usage = (spw_usage_rows){.count = n, .workload = workload, .pool = pool, .ready = ready};
    return true;
}

bool source_pod_rows(kube_source *s)
{
    const kube_fleet_spec *spec = kube_fleet_spec_get(s->spec.fleet);
    const size_t most = count_ours(s);
    uint64_t *key = zone_array(&s->zone, most + 1, sizeof *key);
    spw_id *workload = zone_array(&s->zone, most + 1, sizeof *workload);
    spw_id *cluster = zone_array(&s->zone, most + 1, sizeof *cluster);
    uint8_t *phase = zone_array(&s->zone, most + 1, sizeof *phase);
    uint8_t *deleting = zone_array(&s->zone, most + 1, sizeof *deleting);
    uint8_t *ready = zone_array(&s->zone, most + 1, sizeof *ready);
    spw_time *started = zone_array(&s->zone, most + 1, sizeof *started);
    spw_time *changed = zone_array(&s->zone, most + 1, sizeof *changed);
    usage u = {.pools = s->snapshot.pools.count};
    size_t n = 0;

    u.ready = zone_array(&s->zone, s->work_count * u.pools + 1, sizeof *u.ready);
    if (s->zone.failed) {
        return false;
    }
    for (size_t c = 0; c < spec->cluster_count; c++) {
        const kube_store *pods = kube_fleet_part(s->spec.fleet, c, KUBE_PART_PODS);
        for (size_t i = 0; i < kube_store_count(pods); i++) {
            const kube_pod *pod = kube_store_at(pods, i);
            const size_t w = source_owner(s, pod);
            if (w == SIZE_MAX) {
                continue;
            }
            key[n] = source_pod_key(spec->clusters[c].name, pod->meta.space, pod->meta.name);
            workload[n] = (spw_id)w;
            cluster[n] = (spw_id)c;
            phase[n] = pod->phase;
            deleting[n] = pod->meta.deleting;
            ready[n] = pod->ready;
            started[n] = not_later(pod->started, s->now);
            changed[n] = not_later(pod->ready_changed, s->now);
            note_usage(s, &u, c, w, pod);
            n++;
        }
    }
    s->snapshot.pods = (spw_pod_rows){.count = n,
                                      .key = key,
                                      .workload = workload,
                                      .cluster = cluster,
                                      .phase = phase,
                                      .deleting = deleting,
                                      .ready = ready,
                                      .started = started,
                                      .ready_changed = changed};
    return usage_rows(s, &u);
}

/* --- metrics --------------------------------------------------------------------------------------------------- */

typedef struct pod_ref {
    uint64_t key;
    spw_id row;
} pod_ref;

static int by_key(const void *a, const void *b)
{
    const pod_ref *x = a, *y = b;
    return x->key < y->key ? -1 : x->key > y->key ? 1 : x->row < y->row ? -1 : x->row > y->row ? 1 : 0;
}

static pod_ref *pods_by_key(kube_source *s)
{
    const size_t n = s->snapshot.pods.count;
    pod_ref *refs = zone_array(&s->zone, n + 1, sizeof *refs);
    for (size_t i = 0; refs != NULL && i < n; i++) {
        refs[i] = (pod_ref){.key = s->snapshot.pods.key[i], .row = (spw_id)i};
    }
    if (refs != NULL && n > 1) {
        qsort(refs, n, sizeof *refs, by_key);
    }
    return refs;
}

static spw_id pod_row(const kube_source *s, const pod_ref *refs, uint64_t key)
{
    size_t low = 0, high = s->snapshot.pods.count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (refs[middle].key < key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < s->snapshot.pods.count && refs[low].key == key ? refs[low].row : SPW_ID_NONE;
}

bool source_metric_rows(kube_source *s)
{
    const kube_metric_row *rows = NULL;
    const size_t n = s->spec.metrics != NULL ? s->spec.metrics(s->spec.user, &rows) : 0;
    spw_id *pod = zone_array(&s->zone, n + 1, sizeof *pod);
    spw_id *workload = zone_array(&s->zone, n + 1, sizeof *workload);
    uint64_t *sample_metric = zone_array(&s->zone, n + 1, sizeof *sample_metric);
    uint64_t *value_metric = zone_array(&s->zone, n + 1, sizeof *value_metric);
    int64_t *sample_milli = zone_array(&s->zone, n + 1, sizeof *sample_milli);
    int64_t *request = zone_array(&s->zone, n + 1, sizeof *request);
    int64_t *value_milli = zone_array(&s->zone, n + 1, sizeof *value_milli);
    spw_time *sampled = zone_array(&s->zone, n + 1, sizeof *sampled);
    spw_time *observed = zone_array(&s->zone, n + 1, sizeof *observed);
    spw_dur *window = zone_array(&s->zone, n + 1, sizeof *window);
    const pod_ref *refs = pods_by_key(s);
    size_t samples = 0, values = 0;

    if (s->zone.failed) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        const kube_metric_row *r = &rows[i];
        if (r->of_pod) {
            pod[samples] = pod_row(s, refs, source_pod_key(r->cluster, r->space, r->name));
            if (pod[samples] == SPW_ID_NONE) {
                continue; /* gone meanwhile, or not ours */
            }
            sample_metric[samples] = spw_key(r->metric);
            sample_milli[samples] = r->value_milli;
            request[samples] = r->request_milli;
            sampled[samples] = not_later(r->sampled, s->now);
            window[samples] = r->window;
            samples++;
        } else {
            const size_t w = source_find_work(s, r->space, r->name);
            if (w != SIZE_MAX) {
                workload[values] = (spw_id)w;
                value_metric[values] = spw_key(r->metric);
                value_milli[values] = r->value_milli;
                observed[values] = not_later(r->sampled, s->now);
                values++;
            }
        }
    }
    s->snapshot.samples = (spw_sample_rows){.count = samples,
                                            .pod = pod,
                                            .metric = sample_metric,
                                            .value_milli = sample_milli,
                                            .request_milli = request,
                                            .sampled = sampled,
                                            .window = window};
    s->snapshot.values = (spw_value_rows){.count = values,
                                          .workload = workload,
                                          .metric = value_metric,
                                          .value_milli = value_milli,
                                          .observed = observed};
    return true;
}

uint64_t source_pod_key(const char *cluster, const char *space, const char *name)
{
    char text[800];
    (void)snprintf(text, sizeof text, "%s/%s/%s", cluster, space, name);
    return spw_key(text);
}
