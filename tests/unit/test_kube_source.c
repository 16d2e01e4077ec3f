/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Snapshots of fleets, against worlds small enough to count by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <spillway/manifest.h>

#include "sched/kube/source.h"
#include "tests/support/kube_world.h"

#define S    SPW_NS_PER_S
#define UNIX (INT64_C(1790000000) * S)

static const spw_label five[] = {{"gpu", "5090"}};
static const kube_pool_spec idc_pools[] = {{.name = "own",
                                            .gpu = "RTX-5090",
                                            .capacity = SPW_CAPACITY_OWNED,
                                            .gpus_per_node = 8,
                                            .nodes_min = 2,
                                            .nodes_max = 2,
                                            .price_uusd_per_gpu_h = 300000,
                                            .selector = {five, 1}}};
static const kube_pool_spec ack_pools[] = {{.name = "od",
                                            .gpu = "RTX-5090",
                                            .capacity = SPW_CAPACITY_ON_DEMAND,
                                            .gpus_per_node = 8,
                                            .nodes_max = 4,
                                            .price_uusd_per_gpu_h = 900000,
                                            .selector = {five, 1},
                                            .labels = {five, 1}}};
static const kube_cluster_spec clusters[] = {{.name = "idc",
                                              .region = "r1",
                                              .zone = "",
                                              .provider = "",
                                              .jurisdiction = "CN",
                                              .reachable = true,
                                              .server = 0,
                                              .prefix = "",
                                              .pools = idc_pools,
                                              .pool_count = 1},
                                             {.name = "ack",
                                              .region = "",
                                              .zone = "",
                                              .provider = "",
                                              .jurisdiction = "",
                                              .reachable = true,
                                              .server = 1,
                                              .prefix = "",
                                              .pools = ack_pools,
                                              .pool_count = 1}};

static const spw_workload works[] = {
    {.key = 11, .name = "prod/chat", .replicas = 3, .gpus = 2, .policy = SPW_ID_NONE, .hpa = SPW_ID_NONE},
    {.key = 22, .name = "prod/code", .replicas = 1, .gpus = 1, .policy = SPW_ID_NONE, .hpa = SPW_ID_NONE}};
static const spw_config config = {.workloads = works, .workload_count = 2};

typedef struct rig {
    kw_world *world;
    kube_wire wire;
    kube_fleet_spec spec;
    kube_fleet *fleet;
    kube_source *source;
    kube_inventory_row inventory[1];
    kube_metric_row metrics[3];
    size_t inventory_count, metric_count;
} rig;

static size_t inventory(void *user, const kube_inventory_row **rows)
{
    rig *r = user;
    *rows = r->inventory;
    return r->inventory_count;
}

static size_t metrics(void *user, const kube_metric_row **rows)
{
    rig *r = user;
    *rows = r->metrics;
    return r->metric_count;
}

static spw_time mono(void *user)
{
    return kw_now(((rig *)user)->world);
}

static void start(rig *r, kube_mode mode)
{
    memset(r, 0, sizeof *r);
    r->world = kw_new(3);
    r->wire = kw_wire(r->world);
    r->spec = (kube_fleet_spec){
        .mode = mode, .hub = 2, .scheduler = "spillway", .clusters = clusters, .cluster_count = 2, .seed = 5};
    r->fleet = kube_fleet_new(&r->spec, &r->wire);
    const kube_source_spec spec = {.fleet = r->fleet,
                                   .config = &config,
                                   .unreachable_after = 100 * S,
                                   .inventory = inventory,
                                   .metrics = metrics,
                                   .user = r,
                                   .clock = mono};
    r->source = kube_source_new(&spec);
    assert_non_null(r->fleet);
    assert_non_null(r->source);
}

static void stop(rig *r)
{
    kube_source_free(r->source);
    kube_fleet_free(r->fleet);
    kw_free(r->world);
}

static void live(rig *r, spw_dur how_long)
{
    const spw_time until = kw_now(r->world) + how_long;
    while (kw_now(r->world) < until) {
        const spw_time next = kube_fleet_step(r->fleet, kw_now(r->world));
        const spw_time end = next < until ? next : until;
        (void)r->wire.run(r->wire.self, end > kw_now(r->world) ? end - kw_now(r->world) : 1);
    }
}

static const spw_snapshot *look(rig *r)
{
    const spw_snapshot *snap = NULL;
    spw_err err = {0};
    const spw_source seam = kube_source_seam(r->source);
    assert_int_equal(seam.observe(seam.self, UNIX + kw_now(r->world), &snap, &err), SPW_OK);
    if (spw_snapshot_check(snap, &err) != SPW_OK) {
        fail_msg("%s: %s", err.field, err.text);
    }
    return snap;
}

static void node(rig *r, size_t server, const char *name, int gpus, const char *ready, const char *more)
{
    char json[1024];
    (void)snprintf(
        json, sizeof json,
        "{\"metadata\":{\"name\":\"%s\",\"labels\":{\"gpu\":\"5090\",\"a\":\"b\"}},\"spec\":{%s},\"status\":{"
        "\"allocatable\":{\"cpu\":\"64\",\"memory\":\"256Gi\",\"pods\":\"110\",\"nvidia.com/gpu\":\"%d\"},"
        "\"conditions\":[{\"type\":\"Ready\",\"status\":\"%s\"}]}}",
        name, more, gpus, ready);
    kw_put(r->world, server, "/api/v1/nodes", json);
}

static void pod(rig *r, size_t server, const char *name, const char *owner, const char *on, int gpus, bool ready)
{
    char json[2048];
    (void)snprintf(
        json, sizeof json,
        "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"prod\",\"labels\":{\"pod-template-hash\":\"5d4f\"},"
        "\"ownerReferences\":[{\"kind\":\"ReplicaSet\",\"name\":\"%s-5d4f\",\"controller\":true}]},"
        "\"spec\":{%s%s%s\"containers\":[{\"name\":\"c\",\"resources\":{\"limits\":{\"nvidia.com/gpu\":\"%d\"},"
        "\"requests\":{\"cpu\":\"2500m\",\"memory\":\"1Gi\"}}}]},"
        "\"status\":{\"phase\":\"%s\",\"startTime\":\"2026-09-21T12:00:00Z\",\"conditions\":[{\"type\":\"Ready\","
        "\"status\":\"%s\",\"lastTransitionTime\":\"2026-09-21T12:01:00Z\"}]}}",
        name, owner, on[0] != '\0' ? "\"nodeName\":\"" : "", on, on[0] != '\0' ? "\"," : "", gpus,
        on[0] != '\0' ? "Running" : "Pending", ready ? "True" : "False");
    kw_put(r->world, server, "/api/v1/pods", json);
}

static void deployment(rig *r, size_t server, const char *name, int replicas)
{
    char json[256];
    (void)snprintf(json, sizeof json,
                   "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"prod\"},\"spec\":{\"replicas\":%d}}", name,
                   replicas);
    kw_put(r->world, server, "/apis/apps/v1/deployments", json);
}

/* idc: two nodes; chat has 3 x 2 GPUs asked, two bound; a stranger takes 3. ack: one node up, one down. */
static void fill(rig *r)
{
    node(r, 0, "n1", 8, "True", "");
    node(r, 0, "n2", 8, "True", "");
    node(r, 1, "m1", 8, "True", "");
    node(r, 1, "m2", 8, "False", "");
    node(r, 1, "m3", 8, "True", "\"unschedulable\":true");
    deployment(r, 0, "chat", 3);
    deployment(r, 1, "chat", 1);
    pod(r, 0, "chat-5d4f-a", "chat", "n1", 2, true);
    pod(r, 0, "chat-5d4f-b", "chat", "n1", 2, false);
    pod(r, 0, "chat-5d4f-c", "chat", "", 2, false);
    pod(r, 0, "stranger-x", "stranger", "n2", 3, true);
    pod(r, 1, "chat-5d4f-d", "chat", "m1", 2, true);
    kw_put(
        r->world, 0, "/api/v1/pods", /* over: it takes nothing any more */
        "{\"metadata\":{\"name\":\"done\",\"namespace\":\"prod\"},\"spec\":{\"nodeName\":\"n1\",\"containers\":[{"
        "\"resources\":{\"limits\":{\"nvidia.com/gpu\":\"4\",\"cpu\":\"9\"}}}]},\"status\":{\"phase\":\"Succeeded\"}}");
}

static void counts_what_is_there(void **state)
{
    (void)state;
    rig r;
    start(&r, KUBE_MODE_KUBERNETES);
    fill(&r);
    live(&r, S);
    assert_true(kube_fleet_is_synced(r.fleet));
    const spw_snapshot *s = look(&r);
    assert_int_equal(s->clusters.count, 2);
    assert_int_equal(s->clusters.ready[0], 1);
    assert_string_equal(s->clusters.region[0], "r1");
    assert_int_equal(s->clusters.cpu_allocatable[0], 128000);
    assert_int_equal(s->clusters.cpu_allocated[0], 7500);
    assert_int_equal(s->clusters.cpu_allocating[0], 2500);
    assert_int_equal(s->clusters.memory_allocatable[1], INT64_C(256) << 30); /* of m1 alone */
    assert_int_equal(s->clusters.pods_allocated[0], 3);
    assert_int_equal(s->pools.nodes[0], 2);
    assert_int_equal(s->pools.free_nodes[0][4], 1);
    assert_int_equal(s->pools.free_nodes[0][5], 1);
    assert_int_equal(s->pools.nodes[1], 1);
    assert_int_equal(s->pools.free_nodes[1][6], 1);
    assert_int_equal(s->pools.nodes_target[1], 1);
    assert_int_equal(s->pools.stock[1], -1);
    assert_int_equal(s->pools.labels[0].count, 0);
    assert_int_equal(s->pools.labels[1].count, 1);
    assert_string_equal(s->pools.labels[1].at[0].value, "5090");
    assert_int_equal(s->workloads.replicas[0], 4); /* nobody told us yet: what is running */
    assert_int_equal(s->workloads.replicas[1], 1); /* nothing is running: the manifest */
    assert_int_equal(s->placements.count, 2);
    assert_int_equal(s->placements.assigned[0], 3);
    assert_int_equal(s->placements.scheduled[0], 2);
    assert_int_equal(s->placements.ready[0], 1);
    assert_int_equal(s->placements.assigned[1], 1);
    assert_int_equal(s->placements.ready[1], 1);
    assert_int_equal(s->pods.count, 4);
    assert_int_equal(s->usage.count, 2);
    kube_source_template_set(r.source, 0, 9);
    assert_int_equal(look(&r)->workloads.replicas[0], 9);
    stop(&r);
}

static void inventory_and_metrics_join(void **state)
{
    (void)state;
    rig r;
    start(&r, KUBE_MODE_KUBERNETES);
    fill(&r);
    live(&r, S);
    r.inventory[0] =
        (kube_inventory_row){.cluster = "ack", .pool = "od", .target = 3, .stock = 5, .failures = 2, .observed = UNIX};
    r.inventory_count = 1;
    r.metrics[0] = (kube_metric_row){.cluster = "idc",
                                     .space = "prod",
                                     .name = "chat-5d4f-a",
                                     .of_pod = true,
                                     .metric = "load",
                                     .value_milli = 1500,
                                     .sampled = UNIX * 2};
    r.metrics[1] = (kube_metric_row){.cluster = "idc",
                                     .space = "prod",
                                     .name = "gone",
                                     .of_pod = true,
                                     .metric = "load",
                                     .value_milli = 1,
                                     .sampled = UNIX};
    r.metrics[2] = (kube_metric_row){
        .space = "prod", .name = "code", .metric = "requests_per_second", .value_milli = 7, .sampled = UNIX};
    r.metric_count = 3;
    const spw_snapshot *s = look(&r);
    assert_int_equal(s->pools.nodes_target[1], 3);
    assert_int_equal(s->pools.stock[1], 5);
    assert_int_equal(s->pools.failures[1], 2);
    assert_int_equal(s->samples.count, 1);
    assert_int_equal(s->samples.value_milli[0], 1500);
    assert_int_equal(s->samples.sampled[0], s->now); /* a clock that runs ahead is not believed */
    assert_true(s->pods.key[s->samples.pod[0]] == spw_key("idc/prod/chat-5d4f-a"));
    assert_int_equal(s->values.count, 1);
    assert_int_equal(s->values.workload[0], 1);
    stop(&r);
}

static void a_cluster_that_is_silent_ages_and_hides_nobody(void **state)
{
    (void)state;
    rig r;
    start(&r, KUBE_MODE_KUBERNETES);
    fill(&r);
    live(&r, S);
    kw_break(r.world, 0, KW_DEAF);
    live(&r, 90 * S);
    const spw_snapshot *s = look(&r);
    assert_true(s->now - s->clusters.observed[0] >= 89 * S);
    assert_true(s->now - s->clusters.observed[1] <= 61 * S);
    assert_int_equal(s->clusters.ready[0], 1); /* not yet */
    assert_int_equal(s->placements.assigned[0], 3);
    live(&r, 30 * S);
    s = look(&r);
    assert_int_equal(s->clusters.ready[0], 0);
    assert_int_equal(s->clusters.ready[1], 1);
    assert_int_equal(s->placements.assigned[0], 3); /* what is known stays */
    deployment(&r, 1, "chat", 2);
    live(&r, S);
    assert_int_equal(look(&r)->placements.assigned[1], 2);
    kw_break(r.world, 0, KW_NONE);
    live(&r, 150 * S);
    assert_int_equal(look(&r)->clusters.ready[0], 1);
    stop(&r);
}

static const char BINDING[] =
    "{\"metadata\":{\"name\":\"chat-deployment\",\"namespace\":\"prod\",\"labels\":{"
    "\"propagationpolicy.karmada.io/permanent-id\":\"p\"}},\"spec\":{\"schedulerName\":\"spillway\",\"replicas\":5,"
    "\"resource\":{\"kind\":\"Deployment\",\"namespace\":\"prod\",\"name\":\"chat\"},"
    "\"rescheduleTriggeredAt\":\"2026-09-21T13:00:00Z\",\"clusters\":[{\"name\":\"ack\",\"replicas\":4}]},"
    "\"status\":{\"lastScheduledTime\":\"%s\",\"aggregatedStatus\":[{\"clusterName\":\"ack\",\"status\":{"
    "\"readyReplicas\":3}}]}}";

static void karmada_says_what_is_assigned(void **state)
{
    (void)state;
    rig r;
    char json[1024];
    start(&r, KUBE_MODE_KARMADA);
    fill(&r);
    deployment(&r, 2, "chat", 5);
    (void)snprintf(json, sizeof json, BINDING, "2026-09-21T12:00:00Z");
    kw_put(r.world, 2, "/apis/work.karmada.io/v1alpha2/resourcebindings", json);
    kw_put(r.world, 2, "/apis/cluster.karmada.io/v1alpha1/clusters",
           "{\"metadata\":{\"name\":\"ack\",\"labels\":{\"tier\":\"cloud\"}},\"spec\":{\"region\":\"r2\",\"provider\":"
           "\"ali\",\"zones\":[\"z1\",\"z2\"],\"resourceModels\":[{\"grade\":0,\"ranges\":[{\"name\":\"cpu\","
           "\"min\":\"2\"}]}],"
           "\"taints\":[{\"key\":\"k\",\"effect\":\"NoExecute\"}]},\"status\":{\"conditions\":[{\"type\":\"Ready\","
           "\"status\":\"True\"}],"
           "\"resourceSummary\":{\"allocatableModelings\":[{\"grade\":0,\"count\":3}],\"allocatable\":{\"cpu\":\"10\","
           "\"memory\":\"1Gi\",\"pods\":\"7\"},\"allocated\":{"
           "\"cpu\":\"500m\"}}}}");
    live(&r, S);
    const spw_snapshot *s = look(&r);
    assert_int_equal(s->clusters.ready[0], 0); /* Karmada does not know it */
    assert_int_equal(s->clusters.ready[1], 1);
    assert_string_equal(s->clusters.region[1], "r2");
    assert_string_equal(s->clusters.provider[1], "ali");
    assert_string_equal(s->clusters.zone[1], "z1,z2");
    assert_int_equal(s->grades.count, 1);
    assert_int_equal(s->grades.nodes[0], 3);
    assert_int_equal(s->grades.cpu_milli[0], 2000);
    assert_int_equal(s->grades.memory_bytes[0], -1); /* the model does not list it */
    assert_int_equal(s->clusters.taints[1].count, 1);
    assert_int_equal(s->clusters.taints[1].at[0].effect, SPW_TAINT_NO_EXECUTE);
    assert_int_equal(s->clusters.labels[1].count, 1);
    assert_int_equal(s->clusters.cpu_allocatable[1], 10000);
    assert_int_equal(s->clusters.cpu_allocated[1], 500);
    assert_int_equal(s->clusters.pods_allocatable[1], 7);
    assert_int_equal(s->workloads.replicas[0], 5);
    assert_int_equal(s->workloads.replicas[1], 0);
    assert_true(s->workloads.reschedule[0] != SPW_TIME_MAX);
    assert_int_equal(s->placements.count, 2); /* idc: pods that nobody assigned are seen all the same */
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(s->placements.assigned[i], s->placements.cluster[i] == 1 ? 4 : 0);
    }
    (void)snprintf(json, sizeof json, BINDING, "2026-09-21T14:00:00Z");
    kw_put(r.world, 2, "/apis/work.karmada.io/v1alpha2/resourcebindings", json);
    live(&r, S);
    assert_true(look(&r)->workloads.reschedule[0] == SPW_TIME_MAX); /* carried out since */
    stop(&r);
}

/* One object that claims the impossible must not cost the view of all the others. */
static void an_odd_object_costs_no_snapshot(void **state)
{
    (void)state;
    rig r;
    start(&r, KUBE_MODE_KUBERNETES);
    fill(&r);
    deployment(&r, 0, "chat", 2000000000);
    deployment(&r, 1, "code", -7);
    kw_put(
        r.world, 0, "/api/v1/pods",
        "{\"metadata\":{\"name\":\"huge\",\"namespace\":\"x\"},\"spec\":{\"nodeName\":\"n1\",\"initContainers\":[{"
        "\"resources\":{\"requests\":{\"cpu\":\"8E\",\"memory\":\"9E\"}}}],\"containers\":[{\"resources\":{"
        "\"requests\":{\"cpu\":\"9000000000000000000\",\"memory\":9223372036854775807,\"nvidia.com/gpu\":\"900\"}}}],"
        "\"overhead\":{\"memory\":\"8E\"}}}");
    kw_put(r.world, 1, "/api/v1/nodes",
           "{\"metadata\":{\"name\":\"m9\",\"labels\":{\"gpu\":\"5090\"}},\"spec\":{},\"status\":{\"allocatable\":{"
           "\"cpu\":\"9E\",\"memory\":\"9E\",\"pods\":\"9E\",\"nvidia.com/"
           "gpu\":\"-1\"},\"conditions\":[{\"type\":\"Ready\","
           "\"status\":\"True\"}]}}");
    r.inventory[0] = (kube_inventory_row){
        .cluster = "ack", .pool = "od", .target = 1000000, .stock = 1000000, .failures = INT64_MAX, .observed = UNIX};
    r.inventory_count = 1;
    live(&r, S);
    const spw_snapshot *s = look(&r); /* which checks it */
    assert_int_equal(s->workloads.replicas[0], SPW_REPLICAS_MAX);
    assert_int_equal(s->placements.assigned[0], SPW_REPLICAS_MAX);
    assert_int_equal(s->pools.nodes[1], 2); /* m1, and m9 without a free GPU */
    assert_int_equal(s->pools.free_nodes[1][0], 1);
    stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_what_is_there),
        cmocka_unit_test(inventory_and_metrics_join),
        cmocka_unit_test(an_odd_object_costs_no_snapshot),
        cmocka_unit_test(a_cluster_that_is_silent_ages_and_hides_nobody),
        cmocka_unit_test(karmada_says_what_is_assigned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
