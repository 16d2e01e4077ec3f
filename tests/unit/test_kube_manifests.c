/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Objects of an API server as a configuration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sched/kube/manifests.h"
#include "tests/support/kube_world.h"

#define DEPLOYMENTS "/apis/apps/v1/deployments"
#define POLICIES    "/apis/policy.karmada.io/v1alpha1/propagationpolicies"
#define HPAS        "/apis/autoscaling/v2/horizontalpodautoscalers"

typedef struct rig {
    kw_world *world;
    kube_wire inner, wire;
    spw_manifest_set *set;
    spw_diag *diag;
    kube_manifests_spec spec;
    kube_manifests_result result;
    bool expires; /* the first continue token has expired */
} rig;

static spw_rc start_call(void *self, const kube_call *call, uint64_t *ticket)
{
    rig *r = self;
    if (r->expires && strstr(call->path, "continue=") != NULL) {
        kw_compact(r->world, 0);
        r->expires = false;
    }
    return r->inner.start(r->inner.self, call, ticket);
}

static spw_rc run_calls(void *self, spw_dur longest)
{
    rig *r = self;
    return r->inner.run(r->inner.self, longest);
}

static void start(rig *r)
{
    memset(r, 0, sizeof *r);
    r->world = kw_new(1);
    r->inner = kw_wire(r->world);
    r->wire = (kube_wire){.self = r, .start = start_call, .run = run_calls};
    r->spec = (kube_manifests_spec){.wire = &r->wire, .prefix = ""};
    r->set = spw_manifest_new(NULL);
    assert_int_equal(spw_diag_new(NULL, 20, &r->diag), SPW_OK);
}

static void stop(rig *r)
{
    spw_manifest_free(r->set);
    spw_diag_free(r->diag);
    kw_free(r->world);
}

static spw_rc read_all(rig *r)
{
    spw_manifest_free(r->set);
    spw_diag_free(r->diag);
    r->set = spw_manifest_new(NULL);
    assert_int_equal(spw_diag_new(NULL, 20, &r->diag), SPW_OK);
    return kube_manifests_read(&r->spec, r->set, r->diag, &r->result);
}

/* As a server gives it: what it wrote itself included; signs escaped. */
static void deployment(rig *r, const char *space, const char *name, int replicas, const char *more)
{
    char json[1500];
    (void)snprintf(
        json, sizeof json,
        "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"%s\",\"creationTimestamp\":\"2026-09-21T00:00:00Z\","
        "\"managedFields\":[{\"manager\":\"x\"}],\"labels\":{\"app\":\"%s\"},\"annotations\":{\"note\":\"a \\u003c "
        "b\"%s}},"
        "\"spec\":{\"replicas\":%d,\"selector\":{\"matchLabels\":{\"app\":\"%s\"}},\"template\":{\"metadata\":{"
        "\"creationTimestamp\":null,\"labels\":{\"app\":\"%s\"}},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":"
        "\"i\",\"resources\":{\"limits\":{\"nvidia.com/gpu\":\"2\"}}}],\"priorityClassName\":\"high\"}}},"
        "\"status\":{\"observedGeneration\":1}}",
        name, space, name, more, replicas, name, name);
    kw_put(r->world, 0, DEPLOYMENTS, json);
}

static void fill(rig *r)
{
    deployment(r, "prod", "chat", 3, ",\"spillway.dev/paused\":\"true\",\"spillway.dev/allow-zero\":\"true\"");
    kw_put(r->world, 0, POLICIES,
           "{\"metadata\":{\"name\":\"all\",\"namespace\":\"prod\"},\"spec\":{\"resourceSelectors\":[{\"apiVersion\":"
           "\"apps/v1\",\"kind\":\"Deployment\"}],\"placement\":{\"clusterAffinity\":{\"clusterNames\":[\"idc\"]}}}}");
    kw_put(r->world, 0, HPAS,
           "{\"metadata\":{\"name\":\"chat\",\"namespace\":\"prod\"},\"spec\":{\"scaleTargetRef\":{\"apiVersion\":"
           "\"apps/v1\",\"kind\":\"Deployment\",\"name\":\"chat\"},\"minReplicas\":1,\"maxReplicas\":9,\"metrics\":[{"
           "\"type\":\"Resource\",\"resource\":{\"name\":\"cpu\",\"target\":{\"type\":\"Utilization\","
           "\"averageUtilization\":60}}}]},\"status\":{\"currentReplicas\":3}}");
    kw_put(r->world, 0, "/apis/scheduling.k8s.io/v1/priorityclasses",
           "{\"metadata\":{\"name\":\"high\"},\"value\":1000}");
}

static void becomes_a_configuration(void **state)
{
    (void)state;
    rig r;
    const spw_config *config = NULL;
    start(&r);
    fill(&r);
    assert_int_equal(read_all(&r), SPW_OK);
    assert_int_equal(r.result.read, 4);
    assert_int_equal(r.result.left_out, 0);
    if (spw_manifest_config(r.set, r.diag, &config) != SPW_OK) {
        fail_msg("%s", spw_diag_at(r.diag, 0));
    }
    assert_int_equal(config->workload_count, 1);
    assert_string_equal(config->workloads[0].name, "prod/chat");
    assert_int_equal(config->workloads[0].gpus, 2);
    assert_int_equal(config->workloads[0].priority, 1000);
    assert_int_equal(config->policy_count, 1);
    assert_int_equal(config->workloads[0].policy, 0);
    assert_int_equal(config->workloads[0].hpa, 0);
    assert_int_equal(config->hpas[0].metrics[0].target, 60);
    stop(&r);
}

/* What the server writes and what we scale is no new configuration; what people write is. */
static void a_digest_tells_of_changes(void **state)
{
    (void)state;
    rig r;
    start(&r);
    fill(&r);
    assert_int_equal(read_all(&r), SPW_OK);
    const uint64_t before = r.result.digest;
    deployment(&r, "prod", "chat", 7, ",\"spillway.dev/paused\":\"true\",\"spillway.dev/allow-zero\":\"true\"");
    assert_int_equal(read_all(&r), SPW_OK);
    assert_true(r.result.digest == before);
    deployment(&r, "prod", "chat", 7, "");
    assert_int_equal(read_all(&r), SPW_OK);
    assert_true(r.result.digest != before);
    stop(&r);
}

static void an_odd_object_hides_no_other(void **state)
{
    (void)state;
    rig r;
    const spw_config *config = NULL;
    start(&r);
    fill(&r);
    kw_put(r.world, 0, HPAS,
           "{\"metadata\":{\"name\":\"odd\",\"namespace\":\"prod\"},\"spec\":{\"maxReplicaz\":3,\"scaleTargetRef\":{"
           "\"kind\":\"Deployment\",\"name\":\"x\"}}}");
    assert_int_equal(read_all(&r), SPW_OK);
    assert_int_equal(r.result.left_out, 1);
    assert_int_equal(r.result.read, 4);
    assert_non_null(strstr(spw_diag_at(r.diag, 0), "left out: horizontalpodautoscalers prod/odd:1:"));
    assert_non_null(strstr(spw_diag_at(r.diag, 0), "maxReplicaz"));
    assert_int_equal(spw_manifest_config(r.set, r.diag, &config), SPW_OK);
    assert_int_equal(config->hpa_count, 1);
    stop(&r);
}

/* Both kinds are workloads; of two with one name the Deployment is governed, and it is said. */
static void statefulsets_are_workloads(void **state)
{
    (void)state;
    static const char *const names[] = {"chat", "code"};
    rig r;
    const spw_config *config = NULL;
    start(&r);
    fill(&r);
    for (size_t i = 0; i < 2; i++) {
        char json[600];
        (void)snprintf(json, sizeof json,
                       "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"prod\"},\"spec\":{\"replicas\":2,"
                       "\"serviceName\":\"s\",\"podManagementPolicy\":\"Parallel\",\"selector\":{},\"template\":{"
                       "\"spec\":{\"containers\":[{\"name\":\"c\",\"resources\":{\"limits\":{\"nvidia.com/gpu\":"
                       "\"4\"}}}]}}},\"status\":{\"replicas\":2}}",
                       names[i]);
        kw_put(r.world, 0, "/apis/apps/v1/statefulsets", json);
    }
    assert_int_equal(read_all(&r), SPW_OK);
    assert_int_equal(r.result.left_out, 1);
    assert_string_equal(spw_diag_at(r.diag, 0),
                        "warning: left out: statefulsets prod/chat: a Deployment has this name");
    assert_int_equal(spw_manifest_config(r.set, r.diag, &config), SPW_OK);
    assert_int_equal(config->workload_count, 2);
    assert_int_equal(config->workloads[0].kind, SPW_WORKLOAD_DEPLOYMENT);
    assert_string_equal(config->workloads[1].name, "prod/code");
    assert_int_equal(config->workloads[1].kind, SPW_WORKLOAD_STATEFULSET);
    assert_int_equal(config->workloads[1].gpus, 4);
    const uint64_t before = r.result.digest;
    kw_put(r.world, 0, "/apis/apps/v1/statefulsets",
           "{\"metadata\":{\"name\":\"code\",\"namespace\":\"prod\"},\"spec\":{\"replicas\":5,"
           "\"serviceName\":\"s\",\"podManagementPolicy\":\"Parallel\",\"selector\":{},\"template\":{\"spec\":{"
           "\"containers\":[{\"name\":\"c\",\"resources\":{\"limits\":{\"nvidia.com/gpu\":\"4\"}}}]}}}}");
    assert_int_equal(read_all(&r), SPW_OK);
    assert_true(r.result.digest == before); /* a count is no new configuration */
    stop(&r);
}

/* An autoscaler over something that is not read, or was left out, is left out with it: it spoils no other. */
static void autoscalers_go_with_what_they_scale(void **state)
{
    (void)state;
    static const char *const targets[][2] = {
        {"ReplicaSet", "apps/v1"}, {"Deployment", "apps/v1"}, {"Rollout", "argoproj.io/v1alpha1"}};
    rig r;
    const spw_config *config = NULL;
    start(&r);
    fill(&r);
    for (size_t i = 0; i < 3; i++) {
        char json[400];
        (void)snprintf(json, sizeof json,
                       "{\"metadata\":{\"name\":\"h%zu\",\"namespace\":\"prod\"},\"spec\":{\"scaleTargetRef\":{"
                       "\"apiVersion\":\"%s\",\"kind\":\"%s\",\"name\":\"elsewhere\"},\"maxReplicas\":3}}",
                       i, targets[i][1], targets[i][0]);
        kw_put(r.world, 0, HPAS, json);
    }
    kw_put(r.world, 0, "/apis/autoscaling.karmada.io/v1alpha1/cronfederatedhpas",
           "{\"metadata\":{\"name\":\"c\",\"namespace\":\"prod\"},\"spec\":{\"scaleTargetRef\":{\"apiVersion\":"
           "\"autoscaling.karmada.io/v1alpha1\",\"kind\":\"FederatedHPA\",\"name\":\"gone\"},\"rules\":[{\"name\":"
           "\"a\",\"schedule\":\"@daily\",\"targetMinReplicas\":2}]}}");
    assert_int_equal(read_all(&r), SPW_OK);
    assert_int_equal(r.result.left_out, 4);
    assert_string_equal(
        spw_diag_at(r.diag, 0),
        "warning: left out: horizontalpodautoscalers prod/h0: there is no ReplicaSet 'prod/elsewhere' here");
    assert_int_equal(spw_manifest_config(r.set, r.diag, &config), SPW_OK);
    assert_int_equal(config->hpa_count, 1);
    assert_int_equal(config->scaler_count, 0);
    stop(&r);
}

static void what_may_not_be_seen_is_not_taken_for_absent(void **state)
{
    (void)state;
    rig r;
    static const char *const skip[] = {"deployments"};
    start(&r);
    fill(&r);
    kw_fail_at(r.world, 0, false, KW_FORBID);
    assert_int_equal(read_all(&r), SPW_BACKEND);
    assert_non_null(strstr(spw_diag_at(r.diag, 0), "/apis/apps/v1/deployments: "));
    assert_non_null(strstr(spw_diag_at(r.diag, 0), "grant get and list"));
    r.spec.skip = skip;
    r.spec.skip_count = 1;
    assert_int_equal(read_all(&r), SPW_OK);
    assert_int_equal(r.result.read, 2);
    assert_int_equal(r.result.left_out, 1); /* the autoscaler of the Deployment */
    for (int fault = KW_REFUSE; fault < KW_FAULTS; fault++) {
        kw_fail_at(r.world, 2, false, (kw_fault)fault);
        assert_int_equal(read_all(&r), SPW_BACKEND);
        assert_true(spw_diag_errors(r.diag) > 0);
    }
    stop(&r);
}

static void only_the_namespaces_asked_for(void **state)
{
    (void)state;
    rig r;
    static const char *const spaces[] = {"prod", "test"};
    start(&r);
    deployment(&r, "prod", "a", 1, "");
    deployment(&r, "test", "a", 1, "");
    deployment(&r, "other", "a", 1, "");
    r.spec.spaces = spaces;
    r.spec.space_count = 2;
    assert_int_equal(read_all(&r), SPW_OK);
    assert_int_equal(r.result.read, 2);
    stop(&r);
}

/* 1,001 objects are three pages; where a token expires the list begins again, whole. */
static void in_pages(void **state)
{
    (void)state;
    rig r;
    start(&r);
    for (int i = 0; i < 1001; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "d%04d", i);
        deployment(&r, "prod", name, 1, "");
    }
    uint64_t before = kw_calls(r.world);
    assert_int_equal(read_all(&r), SPW_OK);
    assert_int_equal(r.result.read, 1001);
    assert_int_equal(kw_calls(r.world) - before, 13 + 3);
    before = kw_calls(r.world);
    r.expires = true;
    assert_int_equal(read_all(&r), SPW_OK);
    assert_int_equal(r.result.read, 1001);
    assert_int_equal(kw_calls(r.world) - before, 13 + 3); /* a page, an expired one, all */
    stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(becomes_a_configuration),       cmocka_unit_test(a_digest_tells_of_changes),
        cmocka_unit_test(an_odd_object_hides_no_other),  cmocka_unit_test(what_may_not_be_seen_is_not_taken_for_absent),
        cmocka_unit_test(only_the_namespaces_asked_for), cmocka_unit_test(in_pages),
        cmocka_unit_test(statefulsets_are_workloads),    cmocka_unit_test(autoscalers_go_with_what_they_scale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
