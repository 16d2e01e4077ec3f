/* SPDX-License-Identifier: GPL-3.0-or-later */
/* toy.c - see toy.h. */
#include "tests/support/toy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct toy_columns {
    uint64_t cluster_key[TOY_CLUSTERS];
    const char *cluster_name[TOY_CLUSTERS], *empty[TOY_CLUSTERS];
    spw_labels labels[TOY_CLUSTERS];
    uint8_t ready[TOY_CLUSTERS];
    spw_time observed[TOY_CLUSTERS];
    uint64_t pool_key[TOY_POOLS];
    const char *pool_name[TOY_POOLS], *gpu[TOY_POOLS];
    spw_id pool_cluster[TOY_POOLS];
    uint8_t capacity[TOY_POOLS];
    int32_t gpus[TOY_POOLS], nodes[TOY_POOLS], target[TOY_POOLS], min[TOY_POOLS], max[TOY_POOLS], stock[TOY_POOLS];
    int32_t rank[TOY_POOLS], free_nodes[TOY_POOLS][SPW_NODE_GPUS_MAX + 1];
    int64_t price[TOY_POOLS], failures[TOY_POOLS];
    spw_time pool_observed[TOY_POOLS];
    uint64_t work_key[TOY_WORKS];
    const char *work_name[TOY_WORKS];
    int32_t replicas[TOY_WORKS], work_gpus[TOY_WORKS];
    spw_id p_work[TOY_WORKS * TOY_CLUSTERS], p_cluster[TOY_WORKS * TOY_CLUSTERS];
    int32_t p_assigned[TOY_WORKS * TOY_CLUSTERS], p_scheduled[TOY_WORKS * TOY_CLUSTERS];
    int32_t p_ready[TOY_WORKS * TOY_CLUSTERS];
    spw_time p_observed[TOY_WORKS * TOY_CLUSTERS];
    uint64_t pod_key[TOY_PODS], metric[TOY_PODS];
    spw_id pod_work[TOY_PODS], pod_cluster[TOY_PODS], sample_pod[TOY_PODS];
    uint8_t phase[TOY_PODS], deleting[TOY_PODS], pod_ready[TOY_PODS];
    spw_time started[TOY_PODS], ready_changed[TOY_PODS], sampled[TOY_PODS];
    const char *region[TOY_CLUSTERS];
    const char *jurisdiction[TOY_CLUSTERS];
    spw_taints taints[TOY_CLUSTERS];
    spw_time reschedule[TOY_WORKS];
    int64_t summary[TOY_RESOURCES][3][TOY_CLUSTERS];
    int64_t work_cpu[TOY_WORKS], work_memory[TOY_WORKS];
    spw_id usage_work[TOY_WORKS * TOY_POOLS], usage_pool[TOY_WORKS * TOY_POOLS];
    int32_t usage_ready[TOY_WORKS * TOY_POOLS];
    spw_id rate_work[TOY_WORKS];
    uint64_t rate_metric[TOY_WORKS];
    int64_t rate[TOY_WORKS];
    spw_time rate_observed[TOY_WORKS];
    int64_t value[TOY_PODS];
    char text[8192];
    spw_group groups[TOY_CLUSTERS];
    const char *names[TOY_CLUSTERS][TOY_CLUSTERS];
    char lists[TOY_CLUSTERS][128];
};

void toy_init(toy *t)
{
    memset(t, 0, sizeof *t);
    t->columns = calloc(1, sizeof *t->columns);
    assert_non_null(t->columns);
    spw_policy_default(&t->policy);
    t->policy.name = "prod/policy";
    t->policy.elastic = true;
    t->works = 1;
    t->actions_max = 256;
    spw_settings_default(&t->settings);
    for (int w = 0; w < TOY_WORKS; w++) {
        static const char *const names[TOY_WORKS] = {"prod/chat", "prod/code", "dev/batch", "dev/other"};
        t->work[w] = (spw_workload){
            .key = spw_key(names[w]), .name = names[w], .replicas = 1, .gpus = 1, .policy = 0, .hpa = SPW_ID_NONE};
        t->template_replicas[w] = 1;
        t->metric_milli[w] = -1;
    }
}

int toy_cluster(toy *t, const char *name)
{
    t->cluster_name[t->clusters] = name;
    t->ready[t->clusters] = true;
    return t->clusters++;
}

int toy_pool_add(toy *t, int cluster, const char *name, spw_capacity capacity, int nodes, int max)
{
    bool grows = capacity == SPW_CAPACITY_ON_DEMAND || capacity == SPW_CAPACITY_SPOT;
    t->pool[t->pools] = (toy_pool){.name = name,
                                   .cluster = cluster,
                                   .capacity = capacity,
                                   .gpus_per_node = 1,
                                   .gpu = "RTX-5090",
                                   .nodes = nodes,
                                   .target = nodes,
                                   .min = grows ? 0 : nodes,
                                   .max = max,
                                   .stock = -1,
                                   .price = 1000000};
    return t->pools++;
}

void toy_start(toy *t, const char *const *groups, int group_count)
{
    struct toy_columns *c = t->columns;
    for (int g = 0; g < group_count; g++) {
        size_t n = 0;
        (void)snprintf(c->lists[g], sizeof c->lists[g], "%s", groups[g]);
        for (char *at = c->lists[g]; at != NULL && *at != '\0';) {
            char *comma = strchr(at, ',');
            c->names[g][n++] = at;
            if (comma != NULL) {
                *comma++ = '\0';
            }
            at = comma;
        }
        c->groups[g] = (spw_group){.name = groups[g], .selector = {.names = c->names[g], .name_count = n}};
    }
    t->policy.groups = c->groups;
    t->policy.group_count = (size_t)group_count;
    toy_restart(t);
}

spw_core *toy_core(toy *t)
{
    spw_config config = {.workloads = t->work,
                         .workload_count = (size_t)t->works,
                         .policies = &t->policy,
                         .policy_count = 1,
                         .hpas = &t->hpa,
                         .hpa_count = t->hpa.metric_count > 0 ? 1 : 0,
                         .rtts = t->rtts,
                         .rtt_count = t->rtt_count};
    spw_err err = {0};
    spw_core *core = NULL;
    spw_rc rc = spw_core_new(&t->settings, &config, t->mem == NULL ? spw_mem_libc() : t->mem, &core, &err);
    if (rc != SPW_OK) {
        fail_msg("spw_core_new: %s: %s", err.field, err.text);
    }
    return core;
}

void toy_restart(toy *t)
{
    spw_plan_free(t->plan);
    spw_core_free(t->core);
    t->core = toy_core(t);
    assert_int_equal(spw_plan_new_explained(spw_mem_libc(), t->actions_max, 16,
                                            t->settings.explain ? TOY_WORKS * TOY_CLUSTERS : 0, &t->plan),
                     SPW_OK);
}

void toy_end(toy *t)
{
    spw_plan_free(t->plan);
    spw_core_free(t->core);
    free(t->columns);
    t->plan = NULL;
    t->core = NULL;
    t->columns = NULL;
}

/** Row of thing i of n, honouring `reversed` and `rotated`. */
static int row(const toy *t, int i, int n)
{
    return ((t->reversed ? n - 1 - i : i) + t->rotated) % n;
}

/** The other way round: the thing in row r. */
static int thing(const toy *t, int r, int n)
{
    int i = (r + n - t->rotated % n) % n;
    return t->reversed ? n - 1 - i : i;
}

static void clusters_and_pools(toy *t)
{
    struct toy_columns *c = t->columns;
    for (int i = 0; i < t->clusters; i++) {
        int r = row(t, i, t->clusters);
        c->cluster_key[r] = spw_key(t->cluster_name[i]);
        c->cluster_name[r] = t->cluster_name[i];
        c->empty[r] = "";
        c->region[r] = t->region[i] == NULL ? "" : t->region[i];
        c->jurisdiction[r] = t->jurisdiction[i] == NULL ? "" : t->jurisdiction[i];
        c->taints[r] = t->taints[i];
        c->ready[r] = t->ready[i] ? 1 : 0;
        c->observed[r] = t->now - t->age[i];
        for (int k = 0; k < TOY_RESOURCES * 3; k++) {
            c->summary[k / 3][k % 3][r] = t->summary[i][k / 3][k % 3];
        }
    }
    for (int i = 0; i < t->pools; i++) {
        int r = row(t, i, t->pools);
        const toy_pool *p = &t->pool[i];
        c->pool_key[r] = spw_key2(t->cluster_name[p->cluster], p->name);
        c->pool_name[r] = p->name;
        c->gpu[r] = p->gpu;
        c->pool_cluster[r] = (spw_id)row(t, p->cluster, t->clusters);
        c->capacity[r] = (uint8_t)p->capacity;
        c->gpus[r] = p->gpus_per_node;
        c->nodes[r] = p->nodes;
        c->target[r] = p->target;
        c->min[r] = p->min;
        c->max[r] = p->max;
        c->stock[r] = p->stock;
        c->price[r] = p->price;
        c->failures[r] = p->failures;
        c->rank[r] = i;
        c->pool_observed[r] = t->now - t->age[p->cluster];
        if (p->by_hand) {
            memcpy(c->free_nodes[r], p->free_nodes, sizeof c->free_nodes[r]);
            continue;
        }
        memset(c->free_nodes[r], 0, sizeof c->free_nodes[r]);
        int full = p->used / p->gpus_per_node;
        int part = p->used % p->gpus_per_node;
        c->free_nodes[r][0] += full;
        if (part > 0) {
            c->free_nodes[r][p->gpus_per_node - part]++;
        }
        c->free_nodes[r][p->gpus_per_node] += p->nodes - full - (part > 0 ? 1 : 0);
    }
}

static void placements(toy *t)
{
    struct toy_columns *c = t->columns;
    size_t n = 0;
    for (int w = 0; w < t->works; w++) {
        int wr = row(t, w, t->works);
        c->work_key[wr] = t->work[w].key;
        c->work_name[wr] = t->work[w].name;
        c->work_gpus[wr] = t->work[w].gpus;
        c->work_cpu[wr] = t->work[w].cpu_milli;
        c->work_memory[wr] = t->work[w].memory_bytes;
        c->replicas[wr] = t->template_replicas[w];
        c->reschedule[wr] = t->reschedule[w] == 0 ? SPW_TIME_MAX : t->reschedule[w];
    }
    for (int k = 0; k < t->works * t->clusters; k++) {
        int at = row(t, k, t->works * t->clusters);
        int w = at / t->clusters;
        int cl = at % t->clusters;
        if (t->assigned[w][cl] == 0 && t->scheduled[w][cl] == 0) {
            continue;
        }
        c->p_work[n] = (spw_id)row(t, w, t->works);
        c->p_cluster[n] = (spw_id)row(t, cl, t->clusters);
        c->p_assigned[n] = t->assigned[w][cl];
        c->p_scheduled[n] = t->scheduled[w][cl];
        c->p_ready[n] = t->is_ready[w][cl];
        c->p_observed[n] = t->now - t->age[cl];
        n++;
    }
    t->snap.placements =
        (spw_placement_rows){n, c->p_work, c->p_cluster, c->p_assigned, c->p_scheduled, c->p_ready, c->p_observed};
}

static void pods(toy *t)
{
    struct toy_columns *c = t->columns;
    size_t n = 0;
    size_t samples = 0;
    for (int k = 0; k < t->works; k++) {
        int w = thing(t, k, t->works);
        for (int l = 0; l < t->clusters; l++) {
            int cl = thing(t, l, t->clusters);
            for (int i = 0; i < t->assigned[w][cl] && n < TOY_PODS; i++) {
                bool ready = i < t->is_ready[w][cl];
                c->pod_key[n] = spw_key(t->work[w].name) + spw_key(t->cluster_name[cl]) * 3 + (uint64_t)i;
                c->pod_work[n] = (spw_id)row(t, w, t->works);
                c->pod_cluster[n] = (spw_id)row(t, cl, t->clusters);
                c->phase[n] = ready ? SPW_POD_RUNNING : SPW_POD_PENDING;
                c->pod_ready[n] = ready ? 1 : 0;
                c->started[n] = ready ? 0 : SPW_TIME_MAX;
                c->ready_changed[n] = ready ? 0 : SPW_TIME_MAX;
                if (ready && t->metric_milli[w] >= 0) {
                    c->sample_pod[samples] = (spw_id)n;
                    c->metric[samples] = spw_key("load");
                    c->value[samples] = t->metric_milli[w];
                    c->sampled[samples++] = t->now;
                }
                n++;
            }
        }
    }
    t->snap.pods = (spw_pod_rows){n,           c->pod_key,   c->pod_work, c->pod_cluster,  c->phase,
                                  c->deleting, c->pod_ready, c->started,  c->ready_changed};
    t->snap.samples = (spw_sample_rows){samples, c->sample_pod, c->metric, c->value, NULL, c->sampled, NULL};
}

static void rates(toy *t)
{
    struct toy_columns *c = t->columns;
    size_t n = 0;
    for (int k = 0; k < t->works; k++) {
        int w = thing(t, k, t->works);
        if (t->rate_milli[w] != 0) {
            c->rate_work[n] = (spw_id)row(t, w, t->works);
            c->rate_metric[n] = spw_key(SPW_ROUTE_RATE);
            c->rate[n] = t->rate_milli[w];
            c->rate_observed[n++] = t->now;
        }
    }
    t->snap.values = (spw_value_rows){n, c->rate_work, c->rate_metric, c->rate, c->rate_observed};
}

static void usages(toy *t)
{
    struct toy_columns *c = t->columns;
    const int n = t->works * t->pools;
    for (int k = 0; k < n; k++) {
        const int at = row(t, k, n);
        c->usage_work[at] = (spw_id)row(t, k / t->pools, t->works);
        c->usage_pool[at] = (spw_id)row(t, k % t->pools, t->pools);
        c->usage_ready[at] = t->usage[k / t->pools][k % t->pools];
    }
    t->snap.usage = (spw_usage_rows){(size_t)n, c->usage_work, c->usage_pool, c->usage_ready};
}

const spw_snapshot *toy_snapshot(toy *t)
{
    struct toy_columns *c = t->columns;
    memset(&t->snap, 0, sizeof t->snap);
    t->snap.version = SPW_API_VERSION;
    t->snap.now = t->now;
    clusters_and_pools(t);
    placements(t);
    pods(t);
    rates(t);
    t->snap.clusters = (spw_cluster_rows){.count = (size_t)t->clusters,
                                          .key = c->cluster_key,
                                          .name = c->cluster_name,
                                          .region = c->region,
                                          .zone = c->empty,
                                          .provider = c->empty,
                                          .labels = c->labels,
                                          .ready = c->ready,
                                          .observed = c->observed,
                                          .taints = t->has_taints ? c->taints : NULL,
                                          .jurisdiction = t->has_law ? c->jurisdiction : NULL};
    t->snap.pools = (spw_pool_rows){.count = (size_t)t->pools,
                                    .key = c->pool_key,
                                    .name = c->pool_name,
                                    .cluster = c->pool_cluster,
                                    .gpu = c->gpu,
                                    .capacity = c->capacity,
                                    .gpus_per_node = c->gpus,
                                    .nodes = c->nodes,
                                    .nodes_target = c->target,
                                    .nodes_min = c->min,
                                    .nodes_max = c->max,
                                    .stock = c->stock,
                                    .rank = c->rank,
                                    .failures = c->failures,
                                    .price_uusd_per_gpu_h = c->price,
                                    .free_nodes = (const int32_t(*)[SPW_NODE_GPUS_MAX + 1]) c->free_nodes,
                                    .observed = c->pool_observed};
    t->snap.workloads = (spw_workload_rows){.count = (size_t)t->works,
                                            .key = c->work_key,
                                            .name = c->work_name,
                                            .replicas = c->replicas,
                                            .gpus = c->work_gpus,
                                            .reschedule = c->reschedule};
    if (t->has_usage) {
        usages(t);
    }
    if (t->has_summary) {
        spw_cluster_rows *k = &t->snap.clusters;
        k->cpu_allocatable = c->summary[TOY_CPU][0];
        k->cpu_allocated = c->summary[TOY_CPU][1];
        k->cpu_allocating = c->summary[TOY_CPU][2];
        k->memory_allocatable = c->summary[TOY_MEMORY][0];
        k->memory_allocated = c->summary[TOY_MEMORY][1];
        k->memory_allocating = c->summary[TOY_MEMORY][2];
        k->pods_allocatable = c->summary[TOY_SLOTS][0];
        k->pods_allocated = c->summary[TOY_SLOTS][1];
        k->pods_allocating = c->summary[TOY_SLOTS][2];
        t->snap.workloads.cpu_milli = c->work_cpu;
        t->snap.workloads.memory_bytes = c->work_memory;
    }
    return &t->snap;
}

static int find_cluster(const toy *t, spw_id r)
{
    return thing(t, (int)r, t->clusters);
}

void toy_carry_out(toy *t, const spw_action *a)
{
    int w = a->workload == SPW_ID_NONE ? 0 : thing(t, (int)a->workload, t->works);
    switch (a->verb) {
    case SPW_VERB_SCALE:
        t->template_replicas[w] = (int32_t)a->amount;
        break;
    case SPW_VERB_PLACE:
        t->assigned[w][find_cluster(t, a->cluster)] = (int32_t)a->amount;
        break;
    case SPW_VERB_PROVISION:
    case SPW_VERB_RELEASE:
        t->pool[thing(t, (int)a->pool, t->pools)].target = (int)a->amount;
        break;
    case SPW_VERB_ROUTE:
        t->route[w][find_cluster(t, a->cluster)] = (int32_t)a->amount;
        break;
    case SPW_VERB_PREFETCH:
        break; /* images are no business of the toy */
    }
}

void toy_decide(toy *t, spw_core *core, spw_plan *plan, char *text, size_t size)
{
    spw_err err = {0};
    const spw_snapshot *snap = toy_snapshot(t);
    spw_rc rc = spw_snapshot_check(snap, &err);
    rc = rc != SPW_OK ? rc : spw_decide(core, snap, plan, &err);
    rc = rc != SPW_OK ? rc : spw_plan_check(plan, snap, &err);
    (void)spw_plan_text(plan, snap, text, size);
    if (rc != SPW_OK) {
        fail_msg("%s (row %u): %s\n%s", err.field, err.row, err.text, text);
    }
}

const spw_plan *toy_tick(toy *t)
{
    toy_decide(t, t->core, t->plan, t->columns->text, sizeof t->columns->text);
    for (size_t i = 0; i < spw_plan_count(t->plan); i++) {
        const spw_action *a = spw_plan_at(t->plan, i);
        if (!t->deaf || (t->keeps_routes && a->verb == SPW_VERB_ROUTE)) {
            toy_carry_out(t, a);
        }
    }
    return t->plan;
}

static spw_rc observe(void *self, spw_time now, const spw_snapshot **out, spw_err *err)
{
    toy *t = self;
    (void)err;
    assert_true(now == t->now);
    *out = toy_snapshot(t);
    return SPW_OK;
}

spw_source toy_source(toy *t)
{
    return (spw_source){.version = SPW_API_VERSION, .name = "toy", .self = t, .observe = observe};
}

static spw_rc begin(void *self, const spw_tick_info *info, spw_err *err)
{
    (void)self;
    (void)info;
    (void)err;
    return SPW_OK;
}

static spw_rc submit(void *self, const spw_action *a, uint64_t ticket, spw_err *err)
{
    (void)ticket;
    (void)err;
    toy_carry_out(self, a);
    return SPW_OK;
}

static spw_rc commit(void *self, spw_err *err)
{
    (void)self;
    (void)err;
    return SPW_OK;
}

spw_actuator toy_actuator(toy *t)
{
    return (spw_actuator){
        .version = SPW_API_VERSION, .name = "toy", .self = t, .begin = begin, .submit = submit, .commit = commit};
}

const char *toy_text(toy *t)
{
    return t->columns->text;
}

/** Puts replicas of one cluster on its nodes, pools in order; what is already on nodes stays there by count. */
static void settle_cluster(toy *t, int cluster)
{
    int capacity = 0;
    for (int p = 0; p < t->pools; p++) {
        if (t->pool[p].cluster == cluster) {
            t->pool[p].nodes = t->pool[p].target;
            t->pool[p].used = 0;
            capacity += t->pool[p].nodes * t->pool[p].gpus_per_node;
        }
    }
    int used = 0;
    for (int w = 0; w < t->works; w++) {
        int fits = (capacity - used) / t->work[w].gpus;
        int n = t->assigned[w][cluster] < fits ? t->assigned[w][cluster] : fits;
        t->scheduled[w][cluster] = n;
        t->is_ready[w][cluster] = n;
        used += n * t->work[w].gpus;
    }
    for (int p = 0; p < t->pools && used > 0; p++) {
        if (t->pool[p].cluster == cluster) {
            int all = t->pool[p].nodes * t->pool[p].gpus_per_node;
            t->pool[p].used = used < all ? used : all;
            used -= t->pool[p].used;
        }
    }
}

void toy_settle(toy *t)
{
    for (int cl = 0; cl < t->clusters; cl++) {
        settle_cluster(t, cl);
    }
}
