/* SPDX-License-Identifier: GPL-3.0-or-later */
/** StatefulSets: watched, counted, scaled and guarded as Deployments are, and never taken for one of the same name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "sched/kube/guard.h"
#include "tests/support/kube_rig.h"

#define S        SPW_NS_PER_S
#define SETS     "/apis/apps/v1/statefulsets"
#define BINDINGS "/apis/work.karmada.io/v1alpha2/resourcebindings"

/* prod/chat is a StatefulSet, prod/code a Deployment. */
static const spw_workload works[] = {
    {.key = 11,
     .name = "prod/chat",
     .replicas = 3,
     .gpus = 1,
     .policy = SPW_ID_NONE,
     .hpa = SPW_ID_NONE,
     .kind = SPW_WORKLOAD_STATEFULSET},
    {.key = 22, .name = "prod/code", .replicas = 1, .gpus = 1, .policy = SPW_ID_NONE, .hpa = SPW_ID_NONE}};
static const spw_config config = {.workloads = works, .workload_count = 2};

static void start(kube_rig *r, kube_mode mode)
{
    rig_start_with(r, mode, &config);
    r->act_spec.config = &config;
    rig_new_hands(r);
}

static void put_set(kube_rig *r, size_t server, const char *name, int replicas, const char *notes)
{
    char json[300];
    (void)snprintf(json, sizeof json,
                   "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"prod\",\"annotations\":{%s}},\"spec\":{\"replicas\":"
                   "%d}}",
                   name, notes, replicas);
    kw_put(r->world, server, SETS, json);
}

static int64_t set_replicas(const kube_rig *r, size_t server, const char *name)
{
    const json_t *o = kw_get(r->world, server, SETS, "prod", name);
    return json_integer_value(json_object_get(json_object_get(o, "spec"), "replicas"));
}

static void put_node(kube_rig *r, size_t server)
{
    kw_put(r->world, server, "/api/v1/nodes",
           "{\"metadata\":{\"name\":\"n1\",\"labels\":{\"gpu\":\"5090\"}},\"spec\":{},\"status\":{\"allocatable\":{"
           "\"cpu\":\"64\",\"memory\":\"256Gi\",\"pods\":\"110\",\"nvidia.com/gpu\":\"8\"},\"conditions\":[{\"type\":"
           "\"Ready\",\"status\":\"True\"}]}}");
}

static void put_pod(kube_rig *r, size_t server, const char *name, const char *owner_kind, const char *owner, bool rules)
{
    char json[700];
    (void)snprintf(json, sizeof json,
                   "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"prod\",\"ownerReferences\":[{\"kind\":\"%s\","
                   "\"name\":\"%s\",\"controller\":%s}]},\"spec\":{\"nodeName\":\"n1\",\"containers\":[{\"name\":\"c\","
                   "\"resources\":{\"limits\":{\"nvidia.com/gpu\":\"1\"}}}]},\"status\":{\"phase\":\"Running\","
                   "\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}]}}",
                   name, owner_kind, owner, rules ? "true" : "false");
    kw_put(r->world, server, "/api/v1/pods", json);
}

/* Only the pods whose controller is the StatefulSet are its replicas. */
static void pods_belong_to_their_controller(void **state)
{
    (void)state;
    kube_rig r;
    start(&r, KUBE_MODE_KUBERNETES);
    put_node(&r, RIG_IDC);
    put_set(&r, RIG_IDC, "chat", 3, "");
    rig_deployment(&r, RIG_IDC, "chat", 7); /* another object of that name */
    put_pod(&r, RIG_IDC, "chat-0", "StatefulSet", "chat", true);
    put_pod(&r, RIG_IDC, "chat-1", "StatefulSet", "chat", true);
    put_pod(&r, RIG_IDC, "chat-2", "StatefulSet", "chat", false); /* an owner that does not control it */
    put_pod(&r, RIG_IDC, "chat-x", "Job", "chat", true);
    put_pod(&r, RIG_IDC, "code-0", "StatefulSet", "code", true); /* prod/code is a Deployment */
    rig_live(&r, S);
    const spw_snapshot *snap = rig_look(&r);
    assert_int_equal(snap->placements.count, 1);
    assert_int_equal(snap->placements.workload[0], RIG_CHAT);
    assert_int_equal(snap->placements.assigned[0], 3);
    assert_int_equal(snap->placements.scheduled[0], 2);
    assert_int_equal(snap->placements.ready[0], 2);
    assert_int_equal(snap->pods.count, 2);
    assert_int_equal(snap->workloads.replicas[RIG_CHAT], 3); /* what runs, as nobody has told a count */
    assert_int_equal(snap->pools.free_nodes[0][3], 1);       /* all five pods take their GPU */
    rig_stop(&r);
}

static void scaled_by_its_own_subresource(void **state)
{
    (void)state;
    kube_rig r;
    const spw_action plan[] = {rig_place(RIG_CHAT, RIG_IDC, 3, 5, SPW_WHY_FILL_IDLE),
                               rig_place(RIG_CHAT, RIG_ACK, 0, 2, SPW_WHY_FILL_IDLE)};
    start(&r, KUBE_MODE_KUBERNETES);
    put_set(&r, RIG_IDC, "chat", 3, "");
    rig_deployment(&r, RIG_IDC, "chat", 7);
    rig_deployment(&r, RIG_ACK, "chat", 0);
    rig_live(&r, S);
    assert_int_equal(rig_act(&r, 1, plan, 2), SPW_BACKEND);
    assert_int_equal(kw_writes(r.world), 1);
    const kw_write *write = kw_write_at(r.world, 0);
    assert_string_equal(write->method, "PATCH");
    assert_string_equal(write->path, "/apis/apps/v1/namespaces/prod/statefulsets/chat/scale?fieldManager=spillway");
    assert_int_equal(set_replicas(&r, RIG_IDC, "chat"), 5);
    assert_int_equal(kw_replicas(r.world, RIG_IDC, "prod", "chat"), 7);
    assert_int_equal(r.told[0].fate, KUBE_FATE_DONE);
    assert_int_equal(r.told[1].fate, KUBE_FATE_REFUSED);
    assert_string_equal(r.told[1].why, "no StatefulSet of this name there");
    /* what somebody writes meanwhile is left as they want it */
    rig_live(&r, S);
    const spw_action next[] = {rig_place(RIG_CHAT, RIG_IDC, 5, 4, SPW_WHY_MOVE_OUT)};
    put_set(&r, RIG_IDC, "chat", 9, "");
    assert_int_equal(rig_act(&r, 2, next, 1), SPW_BACKEND);
    assert_int_equal(r.told[0].fate, KUBE_FATE_OUTRUN);
    assert_int_equal(set_replicas(&r, RIG_IDC, "chat"), 9);
    rig_stop(&r);
}

/* What people write on a StatefulSet counts, what they write on a Deployment of its name does not. */
static void guards_read_the_right_object(void **state)
{
    (void)state;
    kube_rig r;
    start(&r, KUBE_MODE_KUBERNETES);
    guard_fleet f = {.fleet = r.fleet, .config = &config};
    put_set(&r, RIG_ACK, "chat", 1, "\"spillway.dev/allow-zero\":\"true\"");
    kw_put(r.world, RIG_ACK, "/apis/apps/v1/deployments",
           "{\"metadata\":{\"name\":\"chat\",\"namespace\":\"prod\",\"annotations\":{\"spillway.dev/paused\":"
           "\"true\"}},\"spec\":{}}");
    rig_live(&r, S);
    assert_true(guard_fleet_may_be_zero(&f, "prod/chat"));
    assert_false(guard_fleet_paused(&f, "prod/chat"));
    put_set(&r, RIG_ACK, "chat", 1, "\"spillway.dev/paused\":\"true\"");
    rig_live(&r, S);
    assert_true(guard_fleet_paused(&f, "prod/chat"));
    assert_false(guard_fleet_may_be_zero(&f, "prod/chat"));
    rig_stop(&r);
}

/* In a Karmada control plane: its template, and the binding that carries its kind in the name. */
static void placed_by_its_binding(void **state)
{
    (void)state;
    kube_rig r;
    spw_action plan[] = {rig_place(RIG_CHAT, RIG_IDC, 4, 6, SPW_WHY_METRIC_ABOVE),
                         rig_place(RIG_CHAT, RIG_IDC, 4, 6, SPW_WHY_FILL_IDLE)};
    start(&r, KUBE_MODE_KARMADA);
    plan[0].verb = SPW_VERB_SCALE;
    plan[0].cluster = SPW_ID_NONE;
    kw_put(r.world, RIG_PLANE, "/apis/cluster.karmada.io/v1alpha1/clusters", "{\"metadata\":{\"name\":\"idc\"}}");
    kw_put(r.world, RIG_PLANE, BINDINGS,
           "{\"metadata\":{\"name\":\"chat-statefulset\",\"namespace\":\"prod\",\"labels\":{"
           "\"resourcebinding.karmada.io/permanent-id\":\"p\"}},\"spec\":{\"schedulerName\":\"spillway\",\"clusters\":"
           "[{\"name\":\"idc\",\"replicas\":4}]}}");
    put_set(&r, RIG_PLANE, "chat", 4, "");
    rig_live(&r, S);
    assert_int_equal(rig_look(&r)->workloads.replicas[RIG_CHAT], 4);
    assert_int_equal(rig_assigned(&r, RIG_CHAT, RIG_IDC), 4);
    assert_int_equal(rig_act(&r, 1, plan, 2), SPW_OK);
    assert_int_equal(set_replicas(&r, RIG_PLANE, "chat"), 6);
    rig_live(&r, S);
    assert_int_equal(rig_assigned(&r, RIG_CHAT, RIG_IDC), 6);
    rig_stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pods_belong_to_their_controller),
        cmocka_unit_test(scaled_by_its_own_subresource),
        cmocka_unit_test(guards_read_the_right_object),
        cmocka_unit_test(placed_by_its_binding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
