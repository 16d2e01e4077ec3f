/* SPDX-License-Identifier: Apache-2.0 */
/** fleet.c - stores and reflectors of all servers. */
#include "sched/kube/fleet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct part {
    const kube_kind *kind;
    char *path;
    kube_store *store;
    kube_reflect *reflect; /* NULL = the server is not asked */
} part;

typedef struct member {
    part parts[KUBE_PARTS];
} member;

struct kube_fleet {
    const kube_fleet_spec *spec;
    member *members;
    part hub[KUBE_HUB_PARTS];
};

static const struct {
    const kube_kind *kind;
    const char *path;
} of_cluster[KUBE_PARTS] =
    {
        [KUBE_PART_DEPLOYMENTS] = {&kube_kind_deployment, "/apis/apps/v1/deployments"},
        [KUBE_PART_PODS] = {&kube_kind_pod, "/api/v1/pods"},
        [KUBE_PART_NODES] = {&kube_kind_node, "/api/v1/nodes"},
        [KUBE_PART_STATEFULSETS] = {&kube_kind_statefulset, "/apis/apps/v1/statefulsets"},
},
  of_hub[KUBE_HUB_PARTS] = {
      [KUBE_HUB_MEMBERS] = {&kube_kind_member, "/apis/cluster.karmada.io/v1alpha1/clusters"},
      [KUBE_HUB_BINDINGS] = {&kube_kind_binding, "/apis/work.karmada.io/v1alpha2/resourcebindings"},
      [KUBE_HUB_DEPLOYMENTS] = {&kube_kind_deployment, "/apis/apps/v1/deployments"},
      [KUBE_HUB_STATEFULSETS] = {&kube_kind_statefulset, "/apis/apps/v1/statefulsets"},
};

static bool part_init(part *p, const kube_wire *wire, size_t server, const char *prefix, const kube_kind *kind,
                      const char *path, bool asked, uint64_t seed)
{
    const size_t room = strlen(prefix) + strlen(path) + 1;
    p->kind = kind;
    p->store = kube_store_new(kind);
    p->path = malloc(room);
    if (p->store == NULL || p->path == NULL) {
        return false;
    }
    (void)snprintf(p->path, room, "%s%s", prefix, path);
    if (asked) {
        const kube_reflect_spec spec = {
            .server = server, .path = p->path, .query = "", .seed = seed, .sink = kube_store_sink(p->store)};
        p->reflect = kube_reflect_new(&spec, wire);
    }
    return !asked || p->reflect != NULL;
}

static void part_fini(part *p)
{
    kube_reflect_free(p->reflect);
    kube_store_free(p->store);
    free(p->path);
}

kube_fleet *kube_fleet_new(const kube_fleet_spec *spec, const kube_wire *wire)
{
    kube_fleet *f = calloc(1, sizeof *f);
    uint64_t seed = spec->seed;
    bool ok = f != NULL;

    if (ok) {
        f->spec = spec;
        f->members = calloc(spec->cluster_count + 1, sizeof *f->members);
        ok = f->members != NULL;
    }
    for (size_t c = 0; ok && c < spec->cluster_count; c++) {
        const kube_cluster_spec *cluster = &spec->clusters[c];
        for (size_t i = 0; ok && i < KUBE_PARTS; i++) {
            ok = part_init(&f->members[c].parts[i], wire, cluster->server, cluster->prefix, of_cluster[i].kind,
                           of_cluster[i].path, cluster->reachable, seed++);
        }
    }
    for (size_t i = 0; ok && spec->mode == KUBE_MODE_KARMADA && i < KUBE_HUB_PARTS; i++) {
        ok = part_init(&f->hub[i], wire, spec->hub, "", of_hub[i].kind, of_hub[i].path, true, seed++);
    }
    if (!ok) {
        kube_fleet_free(f);
        return NULL;
    }
    return f;
}

void kube_fleet_free(kube_fleet *f)
{
    if (f == NULL) {
        return;
    }
    for (size_t c = 0; f->members != NULL && c < f->spec->cluster_count; c++) {
        for (size_t i = 0; i < KUBE_PARTS; i++) {
            part_fini(&f->members[c].parts[i]);
        }
    }
    for (size_t i = 0; i < KUBE_HUB_PARTS; i++) {
        part_fini(&f->hub[i]);
    }
    free(f->members);
    free(f);
}

const kube_fleet_spec *kube_fleet_spec_get(const kube_fleet *f)
{
    return f->spec;
}

/* All parts, clusters first. @return NULL past the last */
static const part *part_at(const kube_fleet *f, size_t index)
{
    const size_t of_clusters = f->spec->cluster_count * KUBE_PARTS;
    if (index < of_clusters) {
        return &f->members[index / KUBE_PARTS].parts[index % KUBE_PARTS];
    }
    index -= of_clusters;
    return f->spec->mode == KUBE_MODE_KARMADA && index < KUBE_HUB_PARTS ? &f->hub[index] : NULL;
}

spw_time kube_fleet_step(kube_fleet *f, spw_time now)
{
    spw_time first = SPW_TIME_MAX;
    const part *p = NULL;
    for (size_t i = 0; (p = part_at(f, i)) != NULL; i++) {
        if (p->reflect != NULL) {
            const spw_time due = kube_reflect_step(p->reflect, now);
            first = due < first ? due : first;
        }
    }
    return first;
}

const kube_store *kube_fleet_part(const kube_fleet *f, size_t cluster, kube_part which)
{
    return f->members[cluster].parts[which].store;
}

const kube_store *kube_fleet_hub(const kube_fleet *f, kube_hub_part which)
{
    return f->hub[which].store;
}

const kube_workload *kube_fleet_workload(const kube_fleet *f, size_t cluster, spw_workload_kind kind, const char *space,
                                         const char *name)
{
    const kube_part which = kind == SPW_WORKLOAD_STATEFULSET ? KUBE_PART_STATEFULSETS : KUBE_PART_DEPLOYMENTS;
    return kube_store_find(kube_fleet_part(f, cluster, which), space, name);
}

const kube_workload *kube_fleet_template(const kube_fleet *f, spw_workload_kind kind, const char *space,
                                         const char *name)
{
    const kube_hub_part which = kind == SPW_WORKLOAD_STATEFULSET ? KUBE_HUB_STATEFULSETS : KUBE_HUB_DEPLOYMENTS;
    const kube_store *templates = kube_fleet_hub(f, which);
    return templates != NULL ? kube_store_find(templates, space, name) : NULL;
}

const kube_binding *kube_fleet_binding(const kube_fleet *f, spw_workload_kind kind, const char *space, const char *name)
{
    const kube_store *bindings = kube_fleet_hub(f, KUBE_HUB_BINDINGS);
    char full[600];
    if (bindings == NULL || strlen(name) > 500) {
        return NULL;
    }
    /* as Karmada names it: the template and its kind */
    (void)snprintf(full, sizeof full, "%s-%s", name, kind == SPW_WORKLOAD_STATEFULSET ? "statefulset" : "deployment");
    return kube_store_find(bindings, space, full);
}

static bool are_synced(const part *parts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        kube_reflect_state state = {.synced = true};
        if (parts[i].reflect != NULL) {
            kube_reflect_state_get(parts[i].reflect, &state);
        }
        if (!state.synced) {
            return false;
        }
    }
    return true;
}

bool kube_fleet_cluster_is_synced(const kube_fleet *f, size_t cluster)
{
    return are_synced(f->members[cluster].parts, KUBE_PARTS);
}

bool kube_fleet_is_synced(const kube_fleet *f)
{
    for (size_t c = 0; c < f->spec->cluster_count; c++) {
        if (!kube_fleet_cluster_is_synced(f, c)) {
            return false;
        }
    }
    return are_synced(f->hub, KUBE_HUB_PARTS);
}

static spw_time oldest(const part *parts, size_t count)
{
    spw_time first = SPW_TIME_MAX;
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        kube_reflect_state state;
        if (parts[i].reflect == NULL) {
            continue;
        }
        kube_reflect_state_get(parts[i].reflect, &state);
        if (!state.synced) {
            return SPW_TIME_MAX;
        }
        first = !any || state.confirmed < first ? state.confirmed : first;
        any = true;
    }
    return first;
}

spw_time kube_fleet_confirmed(const kube_fleet *f, size_t cluster)
{
    return oldest(f->members[cluster].parts, KUBE_PARTS);
}

spw_time kube_fleet_hub_confirmed(const kube_fleet *f)
{
    return oldest(f->hub, KUBE_HUB_PARTS);
}

bool kube_fleet_report(const kube_fleet *f, size_t index, const char **cluster, const char **kind,
                       kube_reflect_state *state, size_t *objects, uint64_t *unread)
{
    const part *p = part_at(f, index);
    if (p == NULL) {
        return false;
    }
    *cluster = index < f->spec->cluster_count * KUBE_PARTS ? f->spec->clusters[index / KUBE_PARTS].name : "";
    *kind = p->kind->name;
    *state = (kube_reflect_state){.confirmed = SPW_TIME_MAX};
    if (p->reflect != NULL) {
        kube_reflect_state_get(p->reflect, state);
    }
    *objects = kube_store_count(p->store);
    *unread = kube_store_unread(p->store);
    return true;
}
