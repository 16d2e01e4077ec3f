/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_manifest_preempt.c - requests, budgets, throughputs, preemption and its knobs, from YAML to the configuration.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <spillway/manifest.h>

typedef struct reading {
    spw_manifest_set *set;
    spw_diag *diag;
    const spw_config *config; /* NULL = refused */
} reading;

static reading read_text(const char *text)
{
    reading r = {.config = NULL};
    assert_int_equal(spw_diag_new(NULL, 16, &r.diag), SPW_OK);
    r.set = spw_manifest_new(NULL);
    assert_non_null(r.set);
    if (spw_manifest_add_text(r.set, "t", text, strlen(text), r.diag) == SPW_OK) {
        (void)spw_manifest_config(r.set, r.diag, &r.config);
    }
    return r;
}

static void end(reading *r)
{
    spw_manifest_free(r->set);
    spw_diag_free(r->diag);
}

#define DEPLOYMENT(meta, spec)                                                                                         \
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d, namespace: n" meta "}\n"                               \
    "spec: {replicas: 2, template: {spec: {" spec "}}}\n"

/**
 * Two containers and a helper that keeps running: 250m (a limit is the request where none is given) + 500m + 100m;
 * memory 1Gi + 2G + 0. The ordinary init container wants 2 CPU for itself alone, next to the helper before it: 2.1.
 */
static void requests_are_counted_as_kubernetes_does(void **state)
{
    (void)state;
    reading r = read_text(DEPLOYMENT(
        "", "initContainers: [{name: h, restartPolicy: Always, resources: {requests: {cpu: 100m}}},"
            " {name: i, resources: {requests: {cpu: 2, memory: 1}}}],"
            " containers: [{name: a, resources: {limits: {cpu: 250m, memory: 4Gi}, requests: {memory: 1Gi}}},"
            " {name: b, resources: {limits: {cpu: 4}, requests: {cpu: 500m, memory: 2e9}}}]"));
    assert_non_null(r.config);
    assert_int_equal(r.config->workloads[0].cpu_milli, 2100);
    assert_int_equal(r.config->workloads[0].memory_bytes, (INT64_C(1) << 30) + 2000000000);
    end(&r);
    r = read_text(DEPLOYMENT("", "containers: [{name: a}]"));
    assert_int_equal(r.config->workloads[0].cpu_milli, 0);
    assert_int_equal(r.config->workloads[0].memory_bytes, 0);
    assert_int_equal(r.config->workloads[0].min_available, 0);
    assert_null(r.config->workloads[0].gpu_milli);
    end(&r);
}

static void classes_have_throughputs(void **state)
{
    (void)state;
    reading r = read_text(DEPLOYMENT(
        ", annotations: {spillway.dev/gpu-classes: \"RTX-5090, RTX-4090=0.5 ,H20=1.25\", spillway.dev/min-available: "
        "\"3\"}",
        "containers: [{name: a}]"));
    assert_non_null(r.config);
    const spw_workload *w = &r.config->workloads[0];
    static const char *const names[] = {"RTX-5090", "RTX-4090", "H20"};
    static const int32_t milli[] = {1000, 500, 1250};
    assert_int_equal(w->gpu_class_count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(w->gpu_classes[i], names[i]);
        assert_int_equal(w->gpu_milli[i], milli[i]);
    }
    assert_int_equal(w->min_available, 3);
    end(&r);
}

static void bad_throughputs_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"A=", "A=0", "A=101", "A=fast", "=1", "A=1=2"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[400];
        (void)snprintf(text, sizeof text,
                       "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d, annotations: "
                       "{spillway.dev/gpu-classes: \"%s\"}}\nspec: {template: {spec: {containers: [{name: a}]}}}\n",
                       bad[i]);
        reading r = read_text(text);
        assert_null(r.config);
        assert_int_equal(spw_diag_errors(r.diag) >= 1, 1);
        assert_non_null(strstr(spw_diag_at(r.diag, 0), "t:3:"));
        end(&r);
    }
}

#define CLASS(name, rest)                                                                                              \
    "---\napiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: " name "}\n" rest

static void classes_may_be_meek(void **state)
{
    (void)state;
    reading r = read_text(DEPLOYMENT("", "priorityClassName: meek, containers: [{name: a}]")
                              CLASS("meek", "value: 7\npreemptionPolicy: Never\n"));
    assert_non_null(r.config);
    assert_int_equal(r.config->workloads[0].priority, 7);
    assert_true(r.config->workloads[0].preempt_never);
    end(&r);
    r = read_text(DEPLOYMENT("", "containers: [{name: a}]")
                      CLASS("meek", "value: 7\nglobalDefault: true\npreemptionPolicy: Never\n"));
    assert_int_equal(r.config->workloads[0].priority, 7);
    assert_true(r.config->workloads[0].preempt_never);
    end(&r);
    r = read_text(DEPLOYMENT("", "priorityClassName: x, containers: [{name: a}]")
                      CLASS("x", "value: 7\npreemptionPolicy: PreemptLowerPriority\n"));
    assert_false(r.config->workloads[0].preempt_never);
    end(&r);
}

static void policies_have_the_knobs(void **state)
{
    (void)state;
    reading r = read_text("apiVersion: policy.one.alibabacloud.com/v1alpha1\nkind: PropagationPolicy\n"
                          "metadata: {name: p, namespace: n, annotations: {spillway.dev/preempt: before-elastic, "
                          "spillway.dev/min-runtime: 5m, spillway.dev/nodes-per-batch: \"20\"}}\n"
                          "spec: {resourceSelectors: [{apiVersion: apps/v1, kind: Deployment}], placement: "
                          "{clusterAffinity: {clusterNames: [a]}, replicaScheduling: {replicaSchedulingType: Divided,"
                          " replicaDivisionPreference: Aggregated}}}"
                          "\n---\n" DEPLOYMENT("", "containers: [{name: a}]"));
    if (r.config == NULL) {
        fail_msg("%s", spw_diag_at(r.diag, 0));
    }
    assert_int_equal(r.config->policies[0].preempt, SPW_PREEMPT_BEFORE_ELASTIC);
    assert_int_equal(r.config->policies[0].min_runtime, 300 * SPW_NS_PER_S);
    assert_int_equal(r.config->policies[0].nodes_per_batch, 20);
    end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_counted_as_kubernetes_does),
        cmocka_unit_test(classes_have_throughputs),
        cmocka_unit_test(bad_throughputs_are_refused),
        cmocka_unit_test(classes_may_be_meek),
        cmocka_unit_test(policies_have_the_knobs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
