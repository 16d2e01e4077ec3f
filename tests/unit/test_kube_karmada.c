/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The actuator for a Karmada control plane: whole lists, evictions, everybody's conditions, and no write twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <spillway/manifest.h>

#include "core/plan_internal.h"
#include "tests/support/kube_rig.h"

#define S        SPW_NS_PER_S
#define BINDINGS "/apis/work.karmada.io/v1alpha2/resourcebindings"

#define APPLIED "{\"type\":\"FullyApplied\",\"status\":\"True\",\"reason\":\"x\",\"message\":\"theirs\"}"

/* more: members of spec after the list; each begins with a comma */
static void bind(kube_rig *r, const char *name, const char *scheduler, const char *list, const char *more)
{
    char json[1500];
    (void)snprintf(json, sizeof json,
                   "{\"metadata\":{\"name\":\"%s-deployment\",\"namespace\":\"prod\",\"labels\":{"
                   "\"propagationpolicy.karmada.io/permanent-id\":\"p\"}},\"spec\":{\"schedulerName\":\"%s\","
                   "\"replicas\":6,\"resource\":{\"kind\":\"Deployment\",\"namespace\":\"prod\",\"name\":\"%s\"},"
                   "\"placement\":{\"clusterAffinity\":{\"clusterNames\":[\"idc\",\"ack\"]}},\"clusters\":%s%s},"
                   "\"status\":{\"conditions\":[" APPLIED "]}}",
                   name, scheduler, name, list, more);
    kw_put(r->world, RIG_PLANE, BINDINGS, json);
}

static void cluster(kube_rig *r, const char *name)
{
    char json[300];
    (void)snprintf(json, sizeof json,
                   "{\"metadata\":{\"name\":\"%s\"},\"spec\":{},\"status\":{\"conditions\":[{\"type\":\"Ready\","
                   "\"status\":\"True\"}]}}",
                   name);
    kw_put(r->world, RIG_PLANE, "/apis/cluster.karmada.io/v1alpha1/clusters", json);
}

static void start(kube_rig *r)
{
    rig_start(r, KUBE_MODE_KARMADA);
    cluster(r, "idc");
    cluster(r, "ack");
}

static const json_t *binding(const kube_rig *r, const char *name)
{
    char full[64];
    (void)snprintf(full, sizeof full, "%s-deployment", name);
    return kw_get(r->world, RIG_PLANE, BINDINGS, "prod", full);
}

static const json_t *in_spec(const kube_rig *r, const char *name, const char *key)
{
    return json_object_get(json_object_get(binding(r, name), "spec"), key);
}

static void assert_json(const json_t *value, const char *text)
{
    json_t *want = json_loads(text, 0, NULL);
    char *have = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    assert_non_null(want);
    if (!json_equal(value, want)) {
        fail_msg("%s\nis not\n%s", have != NULL ? have : "nothing", text);
    }
    free(have);
    json_decref(want);
}

static const json_t *condition(const kube_rig *r, const char *name, const char *type)
{
    const json_t *all = json_object_get(json_object_get(binding(r, name), "status"), "conditions");
    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *one = json_array_get(all, i);
        if (strcmp(json_string_value(json_object_get(one, "type")), type) == 0) {
            return one;
        }
    }
    return NULL;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static json_int_t observed(const kube_rig *r, const char *name)
{
    return json_integer_value(
        json_object_get(json_object_get(binding(r, name), "status"), "schedulerObservedGeneration"));
}

static json_int_t generation(const kube_rig *r, const char *name)
{
    return json_integer_value(json_object_get(json_object_get(binding(r, name), "metadata"), "generation"));
}

#define BOTH "[{\"name\":\"idc\",\"replicas\":4},{\"name\":\"ack\",\"replicas\":2}]"

static void writes_the_whole_list_then_the_status(void **state)
{
    (void)state;
    kube_rig r;
    const spw_action plan[] = {rig_place(RIG_CHAT, RIG_IDC, 4, 6, SPW_WHY_MOVE_IN),
                               rig_place(RIG_CHAT, RIG_ACK, 2, 1, SPW_WHY_MOVE_OUT)};
    start(&r);
    bind(&r, "chat", "spillway", BOTH, "");
    rig_live(&r, S);
    assert_int_equal(rig_act(&r, 7, plan, 2), SPW_OK);
    assert_int_equal(kw_writes(r.world), 2);
    assert_null(in_spec(&r, "chat", "gracefulEvictionTasks")); /* nobody leaves: not a word about it */
    assert_json(in_spec(&r, "chat", "clusters"),
                "[{\"name\":\"ack\",\"replicas\":1},{\"name\":\"idc\",\"replicas\":6}]");
    const json_t *notes = json_object_get(json_object_get(binding(&r, "chat"), "metadata"), "annotations");
    assert_string_equal(text_of(notes, "policy.karmada.io/applied-placement"),
                        "{\"clusterAffinity\":{\"clusterNames\":[\"idc\",\"ack\"]}}");
    assert_string_equal(text_of(notes, "spillway.dev/plan"), "e3-t7-0000000000000000");
    assert_string_equal(text_of(notes, "spillway.dev/reason"), "move-in");
    assert_string_equal(text_of(notes, "spillway.dev/epoch"), "3");
    assert_string_equal(rig_tag(&r, 0), "spw-e3-t7-0-move-in");
    assert_string_equal(text_of(condition(&r, "chat", "Scheduled"), "status"), "True");
    assert_string_equal(text_of(condition(&r, "chat", "FullyApplied"), "message"), "theirs");
    assert_int_equal(generation(&r, "chat"), 2);
    assert_int_equal(observed(&r, "chat"), 2); /* the generation that the write itself made */
    rig_live(&r, S);
    assert_int_equal(rig_act(&r, 8, NULL, 0), SPW_OK);
    assert_int_equal(kw_writes(r.world), 2); /* nothing more to say */
    rig_stop(&r);
}

static void leaving_is_graceful(void **state)
{
    (void)state;
    kube_rig r;
    const spw_action out[] = {rig_place(RIG_CHAT, RIG_ACK, 2, 0, SPW_WHY_MOVE_OUT)};
    const spw_action back[] = {rig_place(RIG_CHAT, RIG_ACK, 0, 3, SPW_WHY_OVERFLOW_IDLE)};
    start(&r);
    bind(&r, "chat", "spillway", BOTH,
         ",\"gracefulEvictionTasks\":[{\"fromCluster\":\"old\",\"producer\":\"TaintManager\"}]");
    rig_live(&r, S);
    assert_int_equal(rig_act(&r, 1, out, 1), SPW_OK);
    assert_json(in_spec(&r, "chat", "clusters"), "[{\"name\":\"idc\",\"replicas\":4}]");
    const json_t *tasks = in_spec(&r, "chat", "gracefulEvictionTasks");
    assert_int_equal(json_array_size(tasks), 2);
    assert_string_equal(text_of(json_array_get(tasks, 0), "producer"), "TaintManager");
    assert_string_equal(text_of(json_array_get(tasks, 1), "fromCluster"), "ack");
    assert_string_equal(text_of(json_array_get(tasks, 1), "producer"), "spillway");
    assert_int_equal(json_integer_value(json_object_get(json_array_get(tasks, 1), "replicas")), 2);
    rig_live(&r, S);
    assert_int_equal(rig_act(&r, 2, back, 1), SPW_OK);
    tasks = in_spec(&r, "chat", "gracefulEvictionTasks");
    assert_int_equal(json_array_size(tasks), 1); /* ours is done with, theirs stays */
    assert_string_equal(text_of(json_array_get(tasks, 0), "producer"), "TaintManager");
    rig_stop(&r);
}

static void zero_everywhere_keeps_the_clusters(void **state)
{
    (void)state;
    kube_rig r;
    const spw_action plan[] = {rig_place(RIG_CHAT, RIG_IDC, 4, 0, SPW_WHY_SCALE_IN),
                               rig_place(RIG_CHAT, RIG_ACK, 2, 0, SPW_WHY_SCALE_IN)};
    start(&r);
    bind(&r, "chat", "spillway", BOTH, "");
    rig_live(&r, S);
    assert_int_equal(rig_act(&r, 1, plan, 2), SPW_OK);
    assert_json(in_spec(&r, "chat", "clusters"),
                "[{\"name\":\"ack\",\"replicas\":0},{\"name\":\"idc\",\"replicas\":0}]");
    assert_int_equal(json_array_size(in_spec(&r, "chat", "gracefulEvictionTasks")), 0);
    rig_stop(&r);
}

static void refused(const char *scheduler, const char *more, const char *label, bool known)
{
    kube_rig r;
    const spw_action plan[] = {rig_place(RIG_CHAT, RIG_IDC, 4, 6, SPW_WHY_FILL_IDLE)};
    rig_start(&r, KUBE_MODE_KARMADA);
    cluster(&r, "ack");
    if (known) {
        cluster(&r, "idc");
    }
    bind(&r, "chat", scheduler, BOTH, more);
    if (label[0] == '\0') { /* no policy's mark */
        kw_put(r.world, RIG_PLANE, BINDINGS,
               "{\"metadata\":{\"name\":\"chat-deployment\",\"namespace\":\"prod\"},\"spec\":{\"schedulerName\":"
               "\"spillway\",\"clusters\":[{\"name\":\"idc\",\"replicas\":4}]}}");
    }
    rig_live(&r, S);
    assert_int_equal(rig_act(&r, 1, plan, 1), SPW_BACKEND);
    assert_int_equal(r.told[0].fate, KUBE_FATE_REFUSED);
    assert_true(r.told[0].why[0] != '\0');
    assert_int_equal(kw_writes(r.world), 0);
    rig_stop(&r);
}

static void what_is_not_ours_is_not_touched(void **state)
{
    (void)state;
    refused("default-scheduler", "", "p", true);
    refused("spillway", ",\"suspension\":{\"scheduling\":true}", "p", true);
    refused("spillway", "", "", true);
    refused("spillway", "", "p", false); /* no cluster of that name: nobody else would have noticed */
    refused("spillway", ",\"gracefulEvictionTasks\":[{\"fromCluster\":\"idc\",\"producer\":\"TaintManager\"}]", "p",
            true);
}

static void a_faulty_list_is_mended(void **state)
{
    (void)state;
    kube_rig r;
    const spw_action plan[] = {rig_place(RIG_CHAT, RIG_ACK, 0, 2, SPW_WHY_FILL_IDLE)};
    start(&r);
    bind(&r, "chat", "spillway",
         "[{\"name\":\"idc\",\"replicas\":4},{\"name\":\"idc\",\"replicas\":9},{\"name\":\"ack\",\"replicas\":-3}]",
         "");
    rig_live(&r, S);
    assert_int_equal(rig_act(&r, 1, plan, 1), SPW_OK);
    assert_json(in_spec(&r, "chat", "clusters"),
                "[{\"name\":\"ack\",\"replicas\":2},{\"name\":\"idc\",\"replicas\":4}]");
    rig_stop(&r);
}

static int meddling;

/* Between our write of the spec and our write of the status, another controller writes its condition. */
static void meddle(void *user, kw_world *w)
{
    kube_rig *r = user;
    (void)w;
    if (++meddling == 2) {
        json_t *copy = json_deep_copy(binding(r, "chat"));
        (void)json_array_append_new(json_object_get(json_object_get(copy, "status"), "conditions"),
                                    json_pack("{s:s,s:s}", "type", "Other", "status", "True"));
        char *text = json_dumps(copy, 0);
        kw_put(r->world, RIG_PLANE, BINDINGS, text);
        free(text);
        json_decref(copy);
    }
}

static void conditions_of_others_survive_a_race(void **state)
{
    (void)state;
    kube_rig r;
    const spw_action plan[] = {rig_place(RIG_CHAT, RIG_IDC, 4, 6, SPW_WHY_FILL_IDLE)};
    start(&r);
    bind(&r, "chat", "spillway", BOTH, "");
    rig_live(&r, S);
    meddling = 0;
    kw_before_write(r.world, meddle, &r);
    assert_int_equal(rig_act(&r, 1, plan, 1), SPW_OK);
    assert_int_equal(meddling, 3); /* spec, stale status, status */
    assert_non_null(condition(&r, "chat", "Other"));
    assert_non_null(condition(&r, "chat", "FullyApplied"));
    assert_non_null(condition(&r, "chat", "Scheduled"));
    assert_int_equal(observed(&r, "chat"), generation(&r, "chat"));
    rig_stop(&r);
}

/* A leader of a later epoch has written: whatever an older one still wants is too late, even where versions agree. */
static void a_later_epoch_fences_out(void **state)
{
    (void)state;
    kube_rig r;
    const spw_action plan[] = {rig_place(RIG_CHAT, RIG_IDC, 4, 6, SPW_WHY_FILL_IDLE)};
    start(&r);
    bind(&r, "chat", "spillway", BOTH, "");
    rig_live(&r, S);
    kw_put(r.world, RIG_PLANE, BINDINGS,
           "{\"metadata\":{\"name\":\"chat-deployment\",\"namespace\":\"prod\",\"annotations\":{"
           "\"spillway.dev/epoch\":\"4\"},\"labels\":{\"propagationpolicy.karmada.io/permanent-id\":\"p\"}},\"spec\":{"
           "\"schedulerName\":\"spillway\",\"clusters\":" BOTH "}}");
    assert_int_equal(rig_act(&r, 1, plan, 1), SPW_BACKEND);
    assert_int_equal(r.told[0].fate, KUBE_FATE_OUTRUN);
    rig_live(&r, S); /* and also when it is known before */
    assert_int_equal(rig_act(&r, 2, plan, 1), SPW_BACKEND);
    assert_int_equal(kw_writes(r.world), 0);
    r.epoch = 4;
    assert_int_equal(rig_act(&r, 3, plan, 1), SPW_OK);
    rig_stop(&r);
}

/* A tick with an outcome for chat and no action. */
static spw_rc settle(kube_rig *r, uint64_t tick, int32_t desired, int32_t unplaced)
{
    spw_plan *plan = NULL;
    spw_err err = {0};
    const spw_actuator seam = kube_act_seam(r->act);
    assert_int_equal(spw_plan_new(spw_mem_libc(), 4, 4, &plan), SPW_OK);
    spw_outcome *o = plan_add_outcome(plan, 0);
    *o = (spw_outcome){.workload = RIG_CHAT, .desired = desired, .unplaced = unplaced};
    const spw_snapshot *snap = rig_look(r);
    const spw_tick_info info = {.now = snap->now, .tick = tick, .snap = snap, .plan = plan};
    assert_int_equal(seam.begin(seam.self, &info, &err), SPW_OK);
    const spw_rc rc = seam.commit(seam.self, &err);
    spw_plan_free(plan);
    return rc;
}

static void says_what_is_placed_and_what_is_not(void **state)
{
    (void)state;
    kube_rig r;
    start(&r);
    bind(&r, "chat", "spillway", BOTH, "");
    rig_live(&r, S);
    assert_int_equal(settle(&r, 1, 8, 2), SPW_OK);
    const json_t *c = condition(&r, "chat", "Scheduled");
    assert_string_equal(text_of(c, "status"), "False");
    assert_string_equal(text_of(c, "reason"), "Unschedulable");
    assert_string_equal(text_of(c, "message"), "2 of 8 replicas fit nowhere.");
    assert_int_equal(observed(&r, "chat"), 0);
    rig_live(&r, S);
    const uint64_t calls = kw_calls(r.world);
    assert_int_equal(settle(&r, 2, 8, 2), SPW_OK); /* said already: nothing is asked, either */
    assert_int_equal(kw_calls(r.world), calls);
    rig_live(&r, S);
    assert_int_equal(settle(&r, 3, 8, 8), SPW_OK);
    assert_string_equal(text_of(condition(&r, "chat", "Scheduled"), "reason"), "NoClusterFit");
    rig_live(&r, S);
    assert_int_equal(settle(&r, 4, 6, 0), SPW_OK);
    assert_string_equal(text_of(condition(&r, "chat", "Scheduled"), "status"), "True");
    assert_int_equal(observed(&r, "chat"), 1);
    rig_stop(&r);
}

/* Failover groups: the status names the one in use. */
static void the_group_in_use_is_named(void **state)
{
    (void)state;
    kube_rig r;
    static const spw_group groups[] = {{.name = "own"}, {.name = "cloud"}};
    static const spw_policy policy = {.groups = groups, .group_count = 2, .order = SPW_GROUPS_FAILOVER};
    static const spw_workload works[] = {{.name = "prod/chat", .policy = 0},
                                         {.name = "prod/code", .policy = SPW_ID_NONE}};
    static const spw_config config = {.workloads = works, .workload_count = 2, .policies = &policy, .policy_count = 1};
    start(&r);
    r.act_spec.config = &config;
    rig_new_hands(&r);
    bind(&r, "chat", "spillway", BOTH, "");
    rig_live(&r, S);
    spw_plan *plan = NULL;
    assert_int_equal(spw_plan_new(spw_mem_libc(), 4, 4, &plan), SPW_OK);
    spw_outcome *o = plan_add_outcome(plan, 0);
    *o = (spw_outcome){.workload = RIG_CHAT, .desired = 6, .tier_count = 2, .tiers = {[1] = {.idle = 6}}};
    const spw_actuator seam = kube_act_seam(r.act);
    const spw_snapshot *snap = rig_look(&r);
    const spw_tick_info info = {.now = snap->now, .tick = 1, .snap = snap, .plan = plan};
    spw_err err = {0};
    assert_int_equal(seam.begin(seam.self, &info, &err), SPW_OK);
    assert_int_equal(seam.commit(seam.self, &err), SPW_OK);
    spw_plan_free(plan);
    assert_string_equal(text_of(json_object_get(binding(&r, "chat"), "status"), "schedulerObservingAffinityName"),
                        "cloud");
    rig_stop(&r);
}

static void a_request_to_place_anew_is_answered(void **state)
{
    (void)state;
    kube_rig r;
    start(&r); /* the world's Unix time is 1.79e9 s: 2026-09-21 */
    bind(&r, "chat", "spillway", BOTH, ",\"rescheduleTriggeredAt\":\"2026-09-20T00:00:00Z\"");
    rig_live(&r, S);
    assert_true(rig_look(&r)->workloads.reschedule[RIG_CHAT] != SPW_TIME_MAX);
    assert_int_equal(settle(&r, 1, 6, 0), SPW_OK);
    rig_live(&r, S);
    assert_true(rig_look(&r)->workloads.reschedule[RIG_CHAT] == SPW_TIME_MAX);
    rig_stop(&r);
}

static void the_template_is_scaled_in_the_control_plane(void **state)
{
    (void)state;
    kube_rig r;
    spw_action plan[] = {rig_place(RIG_CHAT, RIG_IDC, 3, 6, SPW_WHY_METRIC_ABOVE)};
    plan[0].verb = SPW_VERB_SCALE;
    plan[0].cluster = SPW_ID_NONE;
    start(&r);
    rig_deployment(&r, RIG_PLANE, "chat", 3);
    rig_live(&r, S);
    assert_int_equal(rig_act(&r, 1, plan, 1), SPW_OK);
    assert_int_equal(kw_replicas(r.world, RIG_PLANE, "prod", "chat"), 6);
    rig_stop(&r);
}

static void a_dry_run_asks_and_changes_nothing(void **state)
{
    (void)state;
    kube_rig r;
    const spw_action plan[] = {rig_place(RIG_CHAT, RIG_IDC, 4, 6, SPW_WHY_FILL_IDLE)};
    start(&r);
    r.writer_spec.server_dry_run = true;
    rig_new_hands(&r);
    bind(&r, "chat", "spillway", BOTH, "");
    rig_live(&r, S);
    assert_int_equal(rig_act(&r, 1, plan, 1), SPW_OK);
    assert_int_equal(r.told[0].fate, KUBE_FATE_DONE);
    assert_true(r.tag_count >= 1);
    assert_int_equal(kw_writes(r.world), 0);
    assert_json(in_spec(&r, "chat", "clusters"), BOTH);
    rig_stop(&r);
}

/* Every single call fails in every way: the world ends the same, no spec is changed twice, no condition is lost. */
static void any_call_may_fail(void **state)
{
    (void)state;
    for (int fault = KW_REFUSE; fault < KW_FAULTS; fault++) {
        for (uint64_t n = 0; n < 9; n++) {
            kube_rig r;
            start(&r);
            bind(&r, "chat", "spillway", BOTH, "");
            bind(&r, "code", "spillway", "[{\"name\":\"ack\",\"replicas\":1}]", "");
            rig_live(&r, S);
            kw_fail_at(r.world, n, false, (kw_fault)fault);
            for (uint64_t tick = 0; tick < 6; tick++) {
                const spw_action all[] = {
                    rig_place(RIG_CHAT, RIG_IDC, rig_assigned(&r, RIG_CHAT, RIG_IDC), 6, SPW_WHY_FILL_IDLE),
                    rig_place(RIG_CHAT, RIG_ACK, rig_assigned(&r, RIG_CHAT, RIG_ACK), 0, SPW_WHY_MOVE_OUT),
                    rig_place(RIG_CODE, RIG_IDC, rig_assigned(&r, RIG_CODE, RIG_IDC), 2, SPW_WHY_FILL_IDLE)};
                (void)rig_act(&r, tick, all, 3);
                rig_live(&r, 15 * S);
            }
            (void)settle(&r, 6, 6, 0); /* what a lost status write left over */
            assert_json(in_spec(&r, "chat", "clusters"), "[{\"name\":\"idc\",\"replicas\":6}]");
            assert_json(in_spec(&r, "code", "clusters"),
                        "[{\"name\":\"ack\",\"replicas\":1},{\"name\":\"idc\",\"replicas\":2}]");
            assert_int_equal(json_array_size(in_spec(&r, "chat", "gracefulEvictionTasks")), 1);
            assert_int_equal(generation(&r, "chat"), 2);
            assert_int_equal(generation(&r, "code"), 2);
            assert_int_equal(observed(&r, "chat"), 2);
            assert_non_null(condition(&r, "chat", "FullyApplied"));
            assert_string_equal(text_of(condition(&r, "chat", "Scheduled"), "status"), "True");
            rig_stop(&r);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_the_whole_list_then_the_status),
        cmocka_unit_test(leaving_is_graceful),
        cmocka_unit_test(zero_everywhere_keeps_the_clusters),
        cmocka_unit_test(what_is_not_ours_is_not_touched),
        cmocka_unit_test(a_faulty_list_is_mended),
        cmocka_unit_test(conditions_of_others_survive_a_race),
        cmocka_unit_test(a_later_epoch_fences_out),
        cmocka_unit_test(says_what_is_placed_and_what_is_not),
        cmocka_unit_test(the_group_in_use_is_named),
        cmocka_unit_test(a_request_to_place_anew_is_answered),
        cmocka_unit_test(the_template_is_scaled_in_the_control_plane),
        cmocka_unit_test(a_dry_run_asks_and_changes_nothing),
        cmocka_unit_test(any_call_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
