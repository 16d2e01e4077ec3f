/* SPDX-License-Identifier: GPL-3.0-or-later */
/** kube_rig.c - a small fleet with both its ends. */
#include "tests/support/kube_rig.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const spw_label five[] = {{"gpu", "5090"}};
static const kube_pool_spec pools[] = {{.name = "own",
                                        .gpu = "RTX-5090",
                                        .capacity = SPW_CAPACITY_OWNED,
                                        .gpus_per_node = 8,
                                        .nodes_max = 2,
                                        .price_uusd_per_gpu_h = 300000,
                                        .selector = {five, 1}}};

#define CLUSTER(cluster, number)                                                                                       \
    {                                                                                                                  \
        .name = cluster, .region = "", .zone = "", .provider = "", .jurisdiction = "", .reachable = true,              \
        .server = number, .prefix = "", .pools = pools, .pool_count = 1                                                \
    }
static const kube_cluster_spec clusters[] = {CLUSTER("idc", RIG_IDC), CLUSTER("ack", RIG_ACK)};

static const spw_workload works[] = {
    {.key = 11, .name = "prod/chat", .replicas = 3, .gpus = 1, .policy = SPW_ID_NONE, .hpa = SPW_ID_NONE},
    {.key = 22, .name = "prod/code", .replicas = 1, .gpus = 1, .policy = SPW_ID_NONE, .hpa = SPW_ID_NONE}};
const spw_config rig_config = {.workloads = works, .workload_count = 2};

static spw_time mono(void *user)
{
    return kw_now(((kube_rig *)user)->world);
}

static uint64_t epoch(void *user)
{
    return ((kube_rig *)user)->epoch;
}

static bool may_write(void *user)
{
    return !((kube_rig *)user)->writes_forbidden;
}

void rig_note(void *user, const kube_told *told)
{
    kube_rig *r = user;
    assert(r->told_count < RIG_TOLD);
    rig_told *t = &r->told[r->told_count++];
    *t = (rig_told){.action = *told->action, .ticket = told->ticket, .fate = told->fate, .attempts = told->attempts};
    (void)snprintf(t->why, sizeof t->why, "%s", told->why);
    (void)snprintf(t->guard, sizeof t->guard, "%s", told->guard);
}

/* Keeps the tags of writes on their way to the world. */
static spw_rc start(void *self, const kube_call *call, uint64_t *ticket)
{
    kube_rig *r = self;
    if (call->tag != NULL && call->body != NULL && r->tag_count < RIG_TOLD) {
        (void)snprintf(r->tags[r->tag_count++], sizeof r->tags[0], "%s", call->tag);
    }
    return r->inner.start(r->inner.self, call, ticket);
}

static void cancel(void *self, uint64_t ticket)
{
    kube_rig *r = self;
    r->inner.cancel(r->inner.self, ticket);
}

static spw_rc run(void *self, spw_dur longest)
{
    kube_rig *r = self;
    return r->inner.run(r->inner.self, longest);
}

static void take_hands(kube_rig *r)
{
    r->writer = kube_writer_new(&r->writer_spec);
    r->act_spec.writer = r->writer;
    r->act = r->fleet_spec.mode == KUBE_MODE_KARMADA ? kube_act_karmada_new(&r->act_spec)
                                                     : kube_act_kubernetes_new(&r->act_spec);
}

void rig_new_hands(kube_rig *r)
{
    kube_act_free(r->act);
    kube_writer_free(r->writer);
    take_hands(r);
}

void rig_start(kube_rig *r, kube_mode mode)
{
    rig_start_with(r, mode, &rig_config);
}

void rig_start_with(kube_rig *r, kube_mode mode, const spw_config *config)
{
    rig_join(r, mode, config, kw_new(3));
    r->is_guest = false;
}

void rig_join(kube_rig *r, kube_mode mode, const spw_config *config, kw_world *world)
{
    memset(r, 0, sizeof *r);
    r->epoch = 3;
    r->world = world;
    r->is_guest = true;
    r->inner = kw_wire(r->world);
    r->wire = (kube_wire){.self = r, .start = start, .cancel = cancel, .run = run};
    r->fleet_spec = (kube_fleet_spec){
        .mode = mode, .hub = RIG_PLANE, .scheduler = "spillway", .clusters = clusters, .cluster_count = 2, .seed = 5};
    r->fleet = kube_fleet_new(&r->fleet_spec, &r->wire);
    const kube_source_spec source = {
        .fleet = r->fleet, .config = config, .unreachable_after = 100 * SPW_NS_PER_S, .user = r, .clock = mono};
    r->source = kube_source_new(&source);
    r->writer_spec = (kube_writer_spec){.wire = &r->wire,
                                        .server_count = 3,
                                        .breaker_count = 3,
                                        .clock = mono,
                                        .may_write = may_write,
                                        .seed = 7,
                                        .user = r};
    r->act_spec = (kube_act_spec){
        .fleet = r->fleet, .source = r->source, .epoch = epoch, .told = rig_note, .clock = mono, .user = r};
    take_hands(r);
    assert(r->fleet != NULL && r->source != NULL && r->writer != NULL && r->act != NULL);
}

void rig_stop(kube_rig *r)
{
    kube_act_free(r->act);
    kube_writer_free(r->writer);
    kube_source_free(r->source);
    kube_fleet_free(r->fleet);
    if (!r->is_guest) {
        kw_free(r->world);
    }
}

void rig_live(kube_rig *r, spw_dur how_long)
{
    const spw_time until = kw_now(r->world) + how_long;
    while (kw_now(r->world) < until) {
        const spw_time next = kube_fleet_step(r->fleet, kw_now(r->world));
        const spw_time end = next < until ? next : until;
        (void)r->wire.run(r->wire.self, end > kw_now(r->world) ? end - kw_now(r->world) : 1);
    }
}

const spw_snapshot *rig_look(kube_rig *r)
{
    const spw_snapshot *snap = NULL;
    spw_err err = {0};
    const spw_source seam = kube_source_seam(r->source);
    const spw_rc rc = seam.observe(seam.self, RIG_UNIX + kw_now(r->world), &snap, &err);
    assert(rc == SPW_OK && spw_snapshot_check(snap, &err) == SPW_OK);
    return snap;
}

int32_t rig_assigned(kube_rig *r, spw_id workload, spw_id cluster)
{
    const spw_snapshot *snap = rig_look(r);
    for (size_t i = 0; i < snap->placements.count; i++) {
        if (snap->placements.workload[i] == workload && snap->placements.cluster[i] == cluster) {
            return snap->placements.assigned[i];
        }
    }
    return 0;
}

spw_action rig_place(spw_id workload, spw_id cluster, int64_t before, int64_t amount, spw_reason reason)
{
    return (spw_action){.verb = SPW_VERB_PLACE,
                        .reason = reason,
                        .workload = workload,
                        .cluster = cluster,
                        .pool = SPW_ID_NONE,
                        .after = UINT32_MAX,
                        .amount = amount,
                        .before = before};
}

spw_rc rig_tick(kube_rig *r, const spw_actuator *seam, uint64_t tick, const spw_action *plan, size_t count)
{
    const spw_snapshot *snap = rig_look(r);
    r->info = (spw_tick_info){.now = snap->now, .tick = tick, .snap = snap};
    return rig_again(r, seam, plan, count);
}

spw_rc rig_again(kube_rig *r, const spw_actuator *seam, const spw_action *plan, size_t count)
{
    spw_err err = {0};
    spw_rc rc = seam->begin(seam->self, &r->info, &err);
    r->told_count = 0;
    for (size_t i = 0; i < count && rc == SPW_OK; i++) {
        rc = seam->submit(seam->self, &plan[i], (r->info.tick << 20) + i, &err);
    }
    return rc == SPW_OK ? seam->commit(seam->self, &err) : rc;
}

spw_rc rig_act(kube_rig *r, uint64_t tick, const spw_action *plan, size_t count)
{
    const spw_actuator seam = kube_act_seam(r->act);
    return rig_tick(r, &seam, tick, plan, count);
}

const char *rig_tag(const kube_rig *r, size_t n)
{
    assert(n < r->tag_count);
    return r->tags[n];
}

void rig_deployment(kube_rig *r, size_t server, const char *name, int replicas)
{
    char json[256];
    (void)snprintf(json, sizeof json,
                   "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"prod\"},\"spec\":{\"replicas\":%d}}", name,
                   replicas);
    kw_put(r->world, server, "/apis/apps/v1/deployments", json);
}
