/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * embed.c - the deciding core inside another program, with a source and an actuator of its own. Valid C11 and C++17.
 *
 * One workload, two clusters, the owned one first. The "world" is two counts: the actuator writes them, the source
 * shows them. Twelve replicas of one GPU are wanted, the owned cluster has eight; later five are.
 *
 *   cc embed.c $(pkg-config --cflags --libs spillway) -o embed && ./embed
 */
#include <inttypes.h>
#include <spillway/abi.h>
#include <stdio.h>
#include <stdlib.h>

enum { OWNED = 0, CLOUD = 1, CLUSTERS = 2, GPUS = 8 };

static const char *const names[CLUSTERS] = {"owned", "cloud"};

typedef struct world {
    int32_t wanted, assigned[CLUSTERS], free_nodes[CLUSTERS][SPW_NODE_GPUS_MAX + 1];
    uint64_t cluster_key[CLUSTERS], pool_key[CLUSTERS], work_key;
    spw_time observed[CLUSTERS];
    spw_labels labels[CLUSTERS];
    spw_snapshot snap;
} world;

static spw_rc observe(void *self, spw_time now, const spw_snapshot **out, spw_err *err)
{
    static const char *const empty[CLUSTERS] = {"", ""}, *const work[1] = {"demo/chat"};
    static const char *const gpu[CLUSTERS] = {"any", "any"}, *const pool[CLUSTERS] = {"gpus", "gpus"};
    static const uint8_t ready[CLUSTERS] = {1, 1}, owned[CLUSTERS] = {SPW_CAPACITY_OWNED, SPW_CAPACITY_RESERVED};
    static const spw_id cluster[CLUSTERS] = {OWNED, CLOUD}, first[CLUSTERS] = {0, 0};
    static const int32_t gpus[CLUSTERS] = {GPUS, GPUS}, nodes[CLUSTERS] = {1, 1}, stock[CLUSTERS] = {-1, -1};
    static const int64_t price[CLUSTERS] = {300000, 900000};
    world *w = (world *)self;
    spw_snapshot *s = &w->snap;
    (void)err;
    for (int c = 0; c < CLUSTERS; c++) {
        w->observed[c] = now;
        for (int k = 0; k <= SPW_NODE_GPUS_MAX; k++) {
            w->free_nodes[c][k] = k == GPUS - w->assigned[c] ? 1 : 0;
        }
    }
    s->version = SPW_API_VERSION;
    s->now = now;
    s->clusters.count = s->pools.count = s->placements.count = CLUSTERS;
    s->clusters.key = w->cluster_key;
    s->clusters.name = names;
    s->clusters.region = s->clusters.zone = s->clusters.provider = empty;
    s->clusters.labels = w->labels;
    s->clusters.ready = ready;
    s->pools.key = w->pool_key;
    s->pools.name = pool;
    s->pools.gpu = gpu;
    s->pools.capacity = owned;
    s->pools.gpus_per_node = gpus;
    s->pools.nodes = s->pools.nodes_target = s->pools.nodes_min = s->pools.nodes_max = nodes;
    s->pools.stock = stock;
    s->pools.price_uusd_per_gpu_h = price;
    s->pools.free_nodes = (const int32_t(*)[SPW_NODE_GPUS_MAX + 1]) w->free_nodes;
    s->workloads.count = 1;
    s->workloads.key = &w->work_key;
    s->workloads.name = work;
    s->workloads.replicas = &w->wanted;
    s->placements.workload = first;
    s->pools.cluster = s->placements.cluster = cluster;
    s->placements.assigned = s->placements.scheduled = s->placements.ready = w->assigned;
    s->clusters.observed = s->pools.observed = s->placements.observed = w->observed;
    *out = s;
    return SPW_OK;
}

static spw_rc begin(void *self, const spw_tick_info *info, spw_err *err)
{
    printf("tick %" PRIu64 "\n", info->tick);
    return (void)self, (void)err, SPW_OK;
}

static spw_rc submit(void *self, const spw_action *a, uint64_t ticket, spw_err *err)
{
    world *w = (world *)self;
    (void)ticket, (void)err;
    if (a->verb == SPW_VERB_PLACE) { /* amounts are absolute: carrying it out twice changes nothing */
        printf("  %s %" PRId64 " -> %" PRId64 "  %s\n", names[a->cluster], a->before, a->amount,
               spw_reason_text(a->reason));
        w->assigned[a->cluster] = (int32_t)a->amount;
    }
    return SPW_OK;
}

static spw_rc commit(void *self, spw_err *err)
{
    return (void)self, (void)err, SPW_OK;
}

static void *take(size_t size, void *user)
{
    return (void)user, malloc(size);
}

static void give(void *ptr, void *user)
{
    (void)user;
    free(ptr);
}

int main(void)
{
    static const int32_t wanted[] = {12, 12, 5};
    static world w;
    static spw_group groups[CLUSTERS];
    static spw_policy policy;
    static spw_workload chat;
    static spw_config config;
    static spw_err err;
    const spw_mem mem = {take, give, NULL};
    const spw_source source = {SPW_API_VERSION, "demo", &w, observe, NULL};
    const spw_actuator actuator = {SPW_API_VERSION, "demo", &w, begin, submit, commit, NULL};
    spw_settings settings;
    spw_core *core = NULL;
    spw_loop *loop = NULL;
    spw_policy_default(&policy);
    for (int c = 0; c < CLUSTERS; c++) {
        groups[c].name = names[c];
        groups[c].selector.names = &names[c];
        groups[c].selector.name_count = 1;
        w.cluster_key[c] = spw_key(names[c]);
        w.pool_key[c] = spw_key2(names[c], "gpus");
    }
    policy.name = chat.name = "demo/chat";
    policy.groups = groups, policy.group_count = CLUSTERS;
    w.work_key = chat.key = spw_key(chat.name);
    chat.gpus = 1, chat.hpa = SPW_ID_NONE;
    config.workloads = &chat, config.policies = &policy;
    config.workload_count = config.policy_count = 1;
    spw_settings_default(&settings);
    bool ok = spw_abi_matches() && spw_core_new(&settings, &config, &mem, &core, &err) == SPW_OK &&
              spw_loop_new(core, &source, &actuator, &mem, 64, 8, &loop) == SPW_OK;
    for (int tick = 0; ok && tick < 3; tick++) {
        w.wanted = wanted[tick];
        ok = spw_loop_tick(loop, tick * settings.tick, &err) == SPW_OK;
    }
    fputs(ok ? "" : "failed: ", stdout);
    fputs(ok ? "" : err.text, stdout);
    spw_loop_free(loop);
    spw_core_free(core);
    return ok ? 0 : 1;
}
