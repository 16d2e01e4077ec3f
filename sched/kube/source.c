/* SPDX-License-Identifier: Apache-2.0 */
/** source.c - from stores to a snapshot: the tables of clusters, workloads and placements. Pools are in source_nodes.c
 */
#include "sched/kube/source_int.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* --- names ----------------------------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    const source_work *x = a, *y = b;
    const int by_space = strcmp(x->space, y->space);
    return by_space != 0 ? by_space : strcmp(x->name, y->name);
}

static const source_work *find(const kube_source *s, const char *space, const char *name)
{
    const source_work key = {.space = (char *)(uintptr_t)space, .name = name};
    return bsearch(&key, s->works, s->work_count, sizeof *s->works, by_name);
}

size_t source_find_work(const kube_source *s, const char *space, const char *name)
{
    const source_work *found = find(s, space, name);
    return found != NULL ? found->index : SIZE_MAX;
}

size_t source_owner(const kube_source *s, const kube_pod *pod)
{
    const source_work *found = find(s, pod->meta.space, pod->owner);
    return found != NULL && strcmp(pod->owner_kind, spw_workload_kind_name(found->kind)) == 0 ? found->index : SIZE_MAX;
}

/* "namespace/name" of the configuration, taken apart and sorted. */
static bool learn_works(kube_source *s)
{
    const spw_config *config = s->spec.config;
    s->works = calloc(config->workload_count + 1, sizeof *s->works);
    s->templates = calloc(config->workload_count + 1, sizeof *s->templates);
    if (s->works == NULL || s->templates == NULL) {
        return false;
    }
    for (size_t w = 0; w < config->workload_count; w++) {
        const char *slash = strchr(config->workloads[w].name, '/');
        const size_t length = slash != NULL ? (size_t)(slash - config->workloads[w].name) : 0;
        s->works[w].index = w;
        s->works[w].kind = config->workloads[w].kind;
        s->works[w].name = slash != NULL ? slash + 1 : config->workloads[w].name;
        s->works[w].space = strndup(config->workloads[w].name, length);
        s->templates[w] = -1;
        if (s->works[w].space == NULL) {
            return false;
        }
        s->work_count = w + 1;
    }
    qsort(s->works, s->work_count, sizeof *s->works, by_name);
    return true;
}

kube_source *kube_source_new(const kube_source_spec *spec)
{
    kube_source *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return NULL;
    }
    s->spec = *spec;
    zone_init(&s->zone, NULL);
    if (!learn_works(s)) {
        kube_source_free(s);
        return NULL;
    }
    return s;
}

void kube_source_free(kube_source *s)
{
    if (s != NULL) {
        for (size_t w = 0; w < s->work_count; w++) {
            free(s->works[w].space);
        }
        free(s->works);
        free(s->templates);
        zone_fini(&s->zone);
        free(s);
    }
}

int32_t kube_source_template(const kube_source *s, size_t workload)
{
    return s->templates[workload];
}

void kube_source_template_set(kube_source *s, size_t workload, int32_t replicas)
{
    s->templates[workload] = replicas;
}

void kube_source_room(const kube_source *s, spw_settings *settings)
{
    const kube_fleet_spec *fleet = kube_fleet_spec_get(s->spec.fleet);
    size_t pools = 0;
    for (size_t c = 0; c < fleet->cluster_count; c++) {
        pools += fleet->clusters[c].pool_count;
    }
    settings->clusters_max = fleet->cluster_count + 1;
    settings->pools_max = pools + fleet->cluster_count * SOURCE_GRADES_MAX + 1; /* of pools, and of grades */
    settings->placements_max = fleet->cluster_count * s->work_count + 1;
    settings->pods_max = 200000;
    settings->samples_max = 800000;
}

/* --- clusters -------------------------------------------------------------------------------------------------- */

static const char *either(const char *first, const char *second)
{
    return first[0] != '\0' ? first : second;
}

/* Both sets of labels; of two with one key, the first. */
static spw_labels joined(kube_source *s, spw_labels first, spw_labels second)
{
    spw_label *all = zone_array(&s->zone, first.count + second.count + 1, sizeof *all);
    size_t n = 0;
    if (all == NULL) {
        return (spw_labels){0};
    }
    for (size_t i = 0; i < first.count; i++) {
        all[n++] = first.at[i];
    }
    for (size_t i = 0; i < second.count; i++) {
        bool have = false;
        for (size_t k = 0; k < first.count && !have; k++) {
            have = strcmp(first.at[k].key, second.at[i].key) == 0;
        }
        if (!have) {
            all[n++] = second.at[i];
        }
    }
    return (spw_labels){.at = all, .count = n};
}

static spw_time unix_of(const kube_source *s, spw_time confirmed)
{
    if (confirmed == SPW_TIME_MAX) {
        return 0;
    }
    const spw_time age = s->mono > confirmed ? s->mono - confirmed : 0;
    return age < s->now ? s->now - age : 0;
}

/* When the state of a cluster was last heard of, Unix ns, 0 = never. */
static spw_time heard_of(const kube_source *s, size_t c)
{
    const kube_fleet_spec *spec = kube_fleet_spec_get(s->spec.fleet);
    spw_time own = spec->clusters[c].reachable ? unix_of(s, kube_fleet_confirmed(s->spec.fleet, c)) : SPW_TIME_MAX;
    if (spec->mode == KUBE_MODE_KARMADA) {
        const spw_time hub = unix_of(s, kube_fleet_hub_confirmed(s->spec.fleet));
        own = hub < own ? hub : own;
    }
    return own == SPW_TIME_MAX ? 0 : own;
}

static void summary_row(kube_source *s, source_clusters *t, size_t c, const kube_member *member)
{
    int64_t *const columns[3][3] = {{t->cpu_allocatable, t->memory_allocatable, t->pods_allocatable},
                                    {t->cpu_allocated, t->memory_allocated, t->pods_allocated},
                                    {t->cpu_allocating, t->memory_allocating, t->pods_allocating}};
    source_summary sum = {{{0}}};
    if (member != NULL && member->has_summary) {
        memcpy(sum.amount[0], member->allocatable, sizeof sum.amount[0]);
        memcpy(sum.amount[1], member->allocated, sizeof sum.amount[1]);
        memcpy(sum.amount[2], member->allocating, sizeof sum.amount[2]);
    } else {
        source_sum_nodes(s, c, &sum);
    }
    for (size_t kind = 0; kind < 3; kind++) {
        for (size_t resource = 0; resource < 3; resource++) {
            columns[kind][resource][c] = sum.amount[kind][resource];
        }
    }
}

static bool cluster_rows(kube_source *s)
{
    const kube_fleet_spec *spec = kube_fleet_spec_get(s->spec.fleet);
    const kube_store *members = kube_fleet_hub(s->spec.fleet, KUBE_HUB_MEMBERS);
    const size_t n = spec->cluster_count;
    source_clusters t;

    if (!source_clusters_take(s, n, &t)) {
        return false;
    }
    for (size_t c = 0; c < n; c++) {
        const kube_cluster_spec *cluster = &spec->clusters[c];
        const kube_member *m = members != NULL ? kube_store_find(members, "", cluster->name) : NULL;
        const spw_time heard = heard_of(s, c);
        t.key[c] = spw_key(cluster->name);
        t.name[c] = cluster->name;
        t.region[c] = either(cluster->region, m != NULL ? m->region : "");
        t.zone[c] = either(cluster->zone, m != NULL ? m->zone : "");
        t.provider[c] = either(cluster->provider, m != NULL ? m->provider : "");
        t.jurisdiction[c] = cluster->jurisdiction;
        t.labels[c] = m != NULL ? joined(s, cluster->labels, (spw_labels){m->labels, m->label_count}) : cluster->labels;
        t.taints[c] = m != NULL ? (spw_taints){m->taints, m->taint_count} : (spw_taints){0};
        t.observed[c] = heard;
        t.ready[c] = heard > 0 && s->now - heard <= s->spec.unreachable_after &&
                     (spec->mode != KUBE_MODE_KARMADA || (m != NULL && m->ready && !m->meta.deleting));
        summary_row(s, &t, c, m);
    }
    source_clusters_show(s, n, &t);
    return true;
}

/* --- workloads and placements ---------------------------------------------------------------------------------- */

/* Without a hub: what we were told last; before that, what runs already, or what the manifest says. */
static int32_t told_template(kube_source *s, const source_work *work)
{
    const kube_fleet_spec *spec = kube_fleet_spec_get(s->spec.fleet);
    if (spec->mode == KUBE_MODE_KARMADA) {
        const kube_workload *t = kube_fleet_template(s->spec.fleet, work->kind, work->space, work->name);
        return t != NULL ? t->replicas : 0;
    }
    if (s->templates[work->index] < 0) {
        int64_t running = 0;
        for (size_t c = 0; c < spec->cluster_count; c++) {
            const kube_workload *d = kube_fleet_workload(s->spec.fleet, c, work->kind, work->space, work->name);
            running += d != NULL ? d->replicas : 0;
        }
        s->templates[work->index] =
            running > 0 && running < INT32_MAX ? (int32_t)running : s->spec.config->workloads[work->index].replicas;
    }
    return s->templates[work->index];
}

/* One object with an odd count must not cost the whole snapshot. */
static int32_t within(int32_t replicas)
{
    return replicas < 0 ? 0 : replicas < SPW_REPLICAS_MAX ? replicas : SPW_REPLICAS_MAX;
}

static int32_t template_of(kube_source *s, const source_work *work)
{
    return within(told_template(s, work));
}

static bool workload_rows(kube_source *s)
{
    const spw_config *config = s->spec.config;
    const size_t n = config->workload_count;
    uint64_t *key = zone_array(&s->zone, n + 1, sizeof *key);
    const char **name = zone_array(&s->zone, n + 1, sizeof *name);
    int32_t *replicas = zone_array(&s->zone, n + 1, sizeof *replicas);
    int32_t *gpus = zone_array(&s->zone, n + 1, sizeof *gpus);
    int64_t *cpu = zone_array(&s->zone, n + 1, sizeof *cpu);
    int64_t *memory = zone_array(&s->zone, n + 1, sizeof *memory);
    spw_time *reschedule = zone_array(&s->zone, n + 1, sizeof *reschedule);

    if (s->zone.failed) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        const source_work *work = &s->works[i];
        const size_t w = work->index;
        const kube_binding *b = kube_fleet_binding(s->spec.fleet, work->kind, work->space, work->name);
        const bool asked = b != NULL && b->reschedule != SPW_TIME_MAX && b->reschedule <= s->now &&
                           (b->last_scheduled == SPW_TIME_MAX || b->reschedule > b->last_scheduled);
        key[w] = config->workloads[w].key;
        name[w] = config->workloads[w].name;
        gpus[w] = config->workloads[w].gpus;
        cpu[w] = config->workloads[w].cpu_milli;
        memory[w] = config->workloads[w].memory_bytes;
        replicas[w] = template_of(s, work);
        reschedule[w] = asked ? b->reschedule : SPW_TIME_MAX;
    }
    s->snapshot.workloads = (spw_workload_rows){.count = n,
                                                .key = key,
                                                .name = name,
                                                .replicas = replicas,
                                                .gpus = gpus,
                                                .cpu_milli = cpu,
                                                .memory_bytes = memory,
                                                .reschedule = reschedule};
    return true;
}

/* What the cluster is told to run. @return false: nothing is said about it there */
static bool assigned_of(const kube_source *s, const source_work *work, size_t c, int32_t *assigned)
{
    const kube_fleet_spec *spec = kube_fleet_spec_get(s->spec.fleet);
    *assigned = 0;
    if (spec->mode == KUBE_MODE_KARMADA) {
        const kube_binding *b = kube_fleet_binding(s->spec.fleet, work->kind, work->space, work->name);
        for (size_t i = 0; b != NULL && i < b->target_count; i++) {
            if (strcmp(b->targets[i].cluster, spec->clusters[c].name) == 0) {
                *assigned = b->targets[i].replicas > 0 ? b->targets[i].replicas : 0;
                return true;
            }
        }
        return false;
    }
    const kube_workload *d = kube_fleet_workload(s->spec.fleet, c, work->kind, work->space, work->name);
    *assigned = d != NULL && d->replicas > 0 ? d->replicas : 0;
    return d != NULL;
}

static int32_t reported_of(const kube_source *s, const source_work *work, size_t c)
{
    const kube_binding *b = kube_fleet_binding(s->spec.fleet, work->kind, work->space, work->name);
    for (size_t i = 0; b != NULL && i < b->reported_count; i++) {
        if (strcmp(b->reported[i].cluster, kube_fleet_spec_get(s->spec.fleet)->clusters[c].name) == 0) {
            return b->reported[i].replicas;
        }
    }
    return 0;
}

static bool placement_rows(kube_source *s)
{
    const kube_fleet_spec *spec = kube_fleet_spec_get(s->spec.fleet);
    const size_t most = s->work_count * spec->cluster_count;
    spw_id *workload = zone_array(&s->zone, most + 1, sizeof *workload);
    spw_id *cluster = zone_array(&s->zone, most + 1, sizeof *cluster);
    int32_t *assigned = zone_array(&s->zone, most + 1, sizeof *assigned);
    int32_t *scheduled = zone_array(&s->zone, most + 1, sizeof *scheduled);
    int32_t *ready = zone_array(&s->zone, most + 1, sizeof *ready);
    spw_time *observed = zone_array(&s->zone, most + 1, sizeof *observed);
    size_t n = 0;

    if (s->zone.failed) {
        return false;
    }
    for (size_t i = 0; i < s->work_count; i++) {
        const source_work *work = &s->works[i];
        for (size_t c = 0; c < spec->cluster_count; c++) {
            int32_t told = 0;
            const bool seen = spec->clusters[c].reachable;
            const source_count *pods = &s->counts[work->index * spec->cluster_count + c];
            const bool said = assigned_of(s, work, c, &told);
            if (!said && pods->scheduled == 0) {
                continue;
            }
            workload[n] = (spw_id)work->index;
            cluster[n] = (spw_id)c;
            assigned[n] = within(told);
            scheduled[n] = seen ? pods->scheduled : assigned[n];
            ready[n] = seen ? pods->ready : reported_of(s, work, c);
            ready[n] = ready[n] < scheduled[n] ? ready[n] : scheduled[n];
            observed[n] = s->snapshot.clusters.observed[c];
            n++;
        }
    }
    s->snapshot.placements = (spw_placement_rows){.count = n,
                                                  .workload = workload,
                                                  .cluster = cluster,
                                                  .assigned = assigned,
                                                  .scheduled = scheduled,
                                                  .ready = ready,
                                                  .observed = observed};
    return true;
}

/* --- the seam -------------------------------------------------------------------------------------------------- */

static spw_rc observe(void *self, spw_time now, const spw_snapshot **out, spw_err *err)
{
    kube_source *s = self;
    zone_fini(&s->zone);
    s->now = now > s->now ? now : s->now;
    s->mono = s->spec.clock(s->spec.user);
    s->snapshot = (spw_snapshot){.version = SPW_API_VERSION, .now = s->now};
    if (!source_count_nodes(s) || !cluster_rows(s) || !source_pool_rows(s) || !source_grade_rows(s) ||
        !source_pod_rows(s) || !workload_rows(s) || !placement_rows(s) || !source_metric_rows(s)) {
        if (err != NULL) {
            *err = (spw_err){.code = SPW_NOMEM, .row = SPW_ID_NONE, .field = "source", .text = "out of memory"};
        }
        return SPW_BACKEND;
    }
    *out = &s->snapshot;
    return SPW_OK;
}

spw_source kube_source_seam(kube_source *source)
{
    return (spw_source){.version = SPW_API_VERSION, .name = "kubernetes", .self = source, .observe = observe};
}
