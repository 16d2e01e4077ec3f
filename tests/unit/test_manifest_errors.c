/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * test_manifest_errors.c - what the manifest reader refuses, with the exact message and position; and hostile input:
 * truncation at every byte, changed bytes, memory that runs out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <spillway/manifest.h>

#define DATA "tests/data/manifests/"

typedef struct fixture {
    spw_manifest_set *set;
    spw_diag *diag;
} fixture;

static int set_up(void **state)
{
    static fixture f;

    assert_int_equal(spw_diag_new(NULL, 100, &f.diag), SPW_OK);
    f.set = spw_manifest_new(NULL);
    assert_non_null(f.set);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;

    spw_manifest_free(f->set);
    spw_diag_free(f->diag);
    return 0;
}

#define DEPLOYMENT(name)                                                                                               \
    "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: " name ", labels: {app: x}}\n"                       \
    "spec: {template: {spec: {containers: [{name: c}]}}}\n"
#define POLICY(name, priority, selector)                                                                               \
    "---\napiVersion: policy.karmada.io/v1alpha1\nkind: PropagationPolicy\nmetadata: {name: " name "}\n"               \
    "spec: {priority: " priority ", resourceSelectors: [{apiVersion: apps/v1, kind: Deployment" selector "}]}\n"

/* --- refusals ------------------------------------------------------------------------------------------------ */

#define D_HEAD "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\n"
#define K_HEAD "apiVersion: policy.karmada.io/v1alpha1\nkind: PropagationPolicy\nmetadata: {name: p}\n"
#define A_HEAD "apiVersion: policy.one.alibabacloud.com/v1alpha1\nkind: PropagationPolicy\nmetadata: {name: p}\n"
#define H_HEAD "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: h}\n"
#define CLAIM  "resourceSelectors: [{apiVersion: apps/v1, kind: Deployment}]"
#define REF    "scaleTargetRef: {kind: Deployment, name: d}"
#define POD(c) D_HEAD "spec: {template: {spec: {" c "}}}\n"
#define NOTE(a)                                                                                                        \
    "apiVersion: policy.karmada.io/v1alpha1\nkind: PropagationPolicy\nmetadata:\n  name: p\n  annotations: {" a "}\n"  \
    "spec: {" CLAIM "}\n"
#define METRIC(m) H_HEAD "spec:\n  " REF "\n  maxReplicas: 2\n  metrics:\n    - " m "\n"

typedef struct bad_case {
    const char *text;
    const char *message;
} bad_case;

static const bad_case bad_cases[] = {
    /* documents and kinds */
    {"- a\n", "1:1: error: a document must be one Kubernetes object, that is, a mapping"},
    {"kind: Deployment\n", "1:1: error: 'apiVersion' is missing: every Kubernetes object names its API version"},
    {"apiVersion: apps/v1\nkind: [a]\n", "2:7: error: 'kind' is missing: every Kubernetes object names its kind"},
    {"apiVersion: apps/v1\nkind: Deploymnet\n",
     "2:7: error: unknown kind 'Deploymnet' of 'apps/v1' (did you mean 'Deployment'?)"},
    {"apiVersion: apps/v1beta1\nkind: Deployment\n",
     "1:13: error: kind 'Deployment' is not read from apiVersion 'apps/v1beta1', but from 'apps/v1'"},
    {"apiVersion: v1\nkind: Pod\n", "2:7: error: kind 'Pod' of 'v1' is not read"},
    {"apiVersion: policy.karmada.io/v1alpha1\nkind: ClusterPropagationPolicy\n",
     "2:7: error: kind 'ClusterPropagationPolicy' is not supported; use a PropagationPolicy in each namespace"},
    {"apiVersion: v1\nkind: List\n", "1:1: error: a List needs 'items', a list of objects"},
    /* metadata */
    {"apiVersion: apps/v1\nkind: Deployment\nspec: {template: {spec: {containers: [{name: c}]}}}\n",
     "1:1: error: missing key 'metadata' in the document: at least the name"},
    {"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: My_App}\nspec: {template: {spec: {containers: [{name: "
     "c}]}}}\n",
     "3:18: error: 'My_App' is no name for an object: use lower case letters, digits, '-' and '.', at most 253 "
     "characters"},
    {"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: 5}\nspec: {template: {spec: {containers: [{name: "
     "c}]}}}\n",
     "3:18: error: 'metadata.name': '5' is read by Kubernetes as a number or a bool, not as text; put it in quotes"},
    {"apiVersion: apps/v1\nkind: Deployment\nmetadata: {generateName: a-}\n",
     "3:12: error: 'metadata.generateName' is not supported: give the object a fixed name"},
    /* Deployment */
    {D_HEAD "spec: {replica: 2, template: {spec: {containers: [{name: c}]}}}\n",
     "4:8: error: unknown key 'replica' in 'spec' (did you mean 'replicas'?)"},
    {D_HEAD "spec: {replicas: \"2\", template: {spec: {containers: [{name: c}]}}}\n",
     "4:18: error: 'spec.replicas' must be a whole number, not \"2\" in quotes"},
    {D_HEAD "spec: {replicas: -1, template: {spec: {containers: [{name: c}]}}}\n",
     "4:18: error: 'spec.replicas' is out of range: -1; allowed is 0 to 1000000"},
    {POD("containers: []"), "4:38: error: 'spec.template.spec.containers' has 0 elements; it needs at least 1"},
    {POD("volumes: []"), "4:25: error: missing key 'containers' in 'spec.template.spec': a pod runs at least one "
                         "container"},
    {POD("containers: [{name: c, resources: {limits: {nvidia.com/gpu: 500m}}}]"),
     "4:86: error: 'spec.template.spec.containers[0].resources.limits[\"nvidia.com/gpu\"]': '500m' is no whole number "
     "of GPUs"},
    {POD("containers: [{name: c, resources: {limits: {cpu: 2 cores}}}]"),
     "4:75: error: 'spec.template.spec.containers[0].resources.limits.cpu': '2 cores' has an unknown suffix; "
     "Kubernetes knows n u m k M G T P E, Ki Mi Gi Ti Pi Ei, and exponents such as 2e3"},
    {POD("containers: [{name: c, resources: {limits: {memory: -1Gi}}}]"),
     "4:78: error: 'spec.template.spec.containers[0].resources.limits.memory': '-1Gi' is negative"},
    {POD("containers: [{name: c, resources: {requests: {nvidia.com/gpu: 1}}}]"),
     "4:60: error: requests and limits of nvidia.com/gpu must be equal, as Kubernetes demands"},
    {POD("containers: [{name: c, resources: {limits: {nvidia.com/gpu: 9}}}, {name: e, resources: {limits: "
         "{nvidia.com/gpu: 8}}}]"),
     "4:25: error: the pod wants 17 or more GPUs; a node has at most 16"},
    {POD("containers: [{name: c}], nodeSelector: {nvidia.com/gpu.product: A10}, affinity: {nodeAffinity: "
         "{requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: "
         "nvidia.com/gpu.product, operator: In, values: [L20]}]}]}}}"),
     "4:90: error: nodeSelector wants GPU class 'A10', which the node affinity excludes"},
    {POD("containers: [{name: c}], affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
         "{nodeSelectorTerms: [{matchExpressions: [{key: nvidia.com/gpu.product, operator: NotIn, values: [A]}]}]}}}"),
     "4:166: error: only operator In can name GPU classes; list the classes that fit"},
    {POD("containers: [{name: c}], nodeName: n, priorityClass: x"),
     "4:64: error: unknown key 'priorityClass' in 'spec.template.spec' (did you mean 'priorityClassName'?)"},
    {"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d, annotations: {spillway.dev/gpu-class: a}}\n"
     "spec: {template: {spec: {containers: [{name: c}]}}}\n",
     "3:35: error: unknown annotation 'spillway.dev/gpu-class' (did you mean 'spillway.dev/gpu-classes'?)"},
    {"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d, annotations: {spillway.dev/gpu-classes: \"a,,b\"}}\n"
     "spec: {template: {spec: {containers: [{name: c}]}}}\n",
     "3:61: error: annotation 'spillway.dev/gpu-classes' must name GPU classes with commas between, not 'a,,b'"},
    /* PropagationPolicy */
    {K_HEAD "spec: {placement: {}}\n",
     "4:7: error: missing key 'resourceSelectors' in 'spec': what the policy governs"},
    {K_HEAD "spec:\n  " CLAIM "\n  placement:\n    clusterAffinity: {clusterNames: [a]}\n    clusterAffinities:\n"
            "      - {affinityName: g, clusterNames: [a]}\n",
     "8:5: error: clusterAffinities and clusterAffinity exclude each other"},
    {K_HEAD "spec:\n  " CLAIM "\n  placement:\n    clusterAffinities:\n      - {affinityName: g}\n      - "
            "{affinityName: g}\n",
     "9:24: error: affinityName 'g' stands twice"},
    {K_HEAD "spec:\n  " CLAIM "\n  placement:\n    clusterAffinities:\n      - {clusterNames: [a]}\n",
     "8:9: error: missing key 'affinityName' in 'spec.placement.clusterAffinities[0]': each group needs a name"},
    {K_HEAD "spec:\n  " CLAIM "\n  autoScaling: {ecsProvision: true}\n",
     "6:3: error: autoScaling belongs to policy.one.alibabacloud.com/v1alpha1"},
    {A_HEAD "spec:\n  " CLAIM "\n  placement:\n    clusterAffinities:\n      - affinityName: g\n        "
            "overflowAffinities: [{affinityName: h}]\n",
     "9:9: error: overflowAffinities belongs to policy.karmada.io; here clusterAffinities overflow"},
    {K_HEAD "spec:\n  " CLAIM "\n  placement:\n    clusterAffinities:\n      - affinityName: g\n        "
            "overflowAffinities: [{affinityName: h}]\n      - affinityName: i\n",
     "9:9: error: overflowAffinities beside further clusterAffinities is not supported"},
    {K_HEAD "spec:\n  " CLAIM "\n  placement:\n    clusterAffinities:\n      - affinityName: g\n        "
            "overflowAffinities: [{affinityName: h}]\n    replicaScheduling: {replicaDivisionPreference: Weighted}\n",
     "10:24: error: overflowAffinities needs Divided by dynamicWeight or Aggregated"},
    {A_HEAD "spec:\n  " CLAIM
            "\n  placement:\n    clusterAffinities:\n      - affinityName: g\n      - affinityName: h\n",
     "7:5: error: groups that overflow into each other need replicaSchedulingType Divided"},
    {K_HEAD "spec:\n  " CLAIM "\n  placement:\n    replicaScheduling: {replicaSchedulingType: Divided}\n",
     "7:24: error: Divided needs 'replicaDivisionPreference': Weighted or Aggregated"},
    {K_HEAD "spec:\n  " CLAIM "\n  placement:\n    replicaScheduling: {replicaSchedulingType: Split}\n",
     "7:48: error: unknown value in 'spec.placement.replicaScheduling.replicaSchedulingType': 'Split'; known: "
     "Duplicated, Divided"},
    {K_HEAD "spec:\n  " CLAIM
            "\n  placement:\n    replicaScheduling:\n      replicaDivisionPreference: Weighted\n      "
            "weightPreference: {staticWeightList: [{targetCluster: {clusterNames: [a]}, weight: 0}]}\n",
     "9:90: error: 'spec.placement.replicaScheduling.weightPreference.staticWeightList[0].weight' is out of range: 0; "
     "allowed is 1 to 2147483647"},
    {K_HEAD "spec:\n  " CLAIM "\n  placement:\n    clusterAffinity: {fieldSelector: {matchExpressions: [{key: regoin, "
            "operator: In, values: [a]}]}}\n",
     "7:64: error: unknown cluster field 'regoin' (did you mean 'region'?)"},
    {K_HEAD "spec:\n  " CLAIM "\n  placement:\n    clusterAffinity: {labelSelector: {matchExpressions: [{key: a, "
            "operator: Exists, values: [a]}]}}\n",
     "7:58: error: operators Exists and DoesNotExist take no values"},
    /* our annotations */
    {NOTE("spillway.dev/failbak: never"),
     "5:17: error: unknown annotation 'spillway.dev/failbak' (did you mean 'spillway.dev/failback'?)"},
    {NOTE("spillway.dev/partial: true"),
     "5:39: error: 'metadata.annotations[\"spillway.dev/partial\"]': 'true' is read "
     "by Kubernetes as a number or a bool, not as text; put it in quotes"},
    {NOTE("spillway.dev/failback: sometimes"),
     "5:40: error: unknown value in 'metadata.annotations[\"spillway.dev/failback\"]': 'sometimes'; known: never, "
     "on-resize, automatic"},
    {NOTE("spillway.dev/move-deadline: 0s"), "5:45: error: 'metadata.annotations[\"spillway.dev/move-deadline\"]' is "
                                             "out of range: 0s; allowed is more than 0s"},
    {NOTE("spillway.dev/failback-window: 5 minutes"),
     "5:47: error: 'metadata.annotations[\"spillway.dev/failback-window\"]': '5 minutes' has an unknown unit; "
     "durations "
     "know d, h, m, s, ms, us and ns"},
    {NOTE("spillway.dev/moves-per-tick: \"-1\""),
     "5:46: error: 'metadata.annotations[\"spillway.dev/moves-per-tick\"]' is out of range: -1; allowed is 0 to "
     "1000000"},
    /* autoscalers */
    {H_HEAD "spec: {" REF ", maxReplicaz: 2, maxReplicas: 2}\n",
     "4:53: error: unknown key 'maxReplicaz' in 'spec' (did you mean 'maxReplicas'?)"},
    {H_HEAD "spec: {" REF "}\n", "4:7: error: missing key 'maxReplicas' in 'spec': the upper bound has no default"},
    {H_HEAD "spec: {" REF ", minReplicas: 3, maxReplicas: 2}\n",
     "4:82: error: 'spec.maxReplicas' is 2, below minReplicas 3"},
    {H_HEAD "spec: {" REF ", minReplicas: 0, maxReplicas: 2}\n",
     "4:66: error: 'spec.minReplicas' 0 needs an Object or External metric to scale up again"},
    {METRIC("{type: Pods, resource: {name: cpu}}"),
     "8:20: error: key 'resource' in 'spec.metrics[0]' belongs to type 'Resource', not to 'Pods'"},
    {METRIC("{type: Resource, resource: {name: cpu, target: {type: Utilization, averageValue: 5}}}"),
     "8:54: error: target type Utilization needs 'averageUtilization'"},
    {METRIC("{type: Pods, pods: {metric: {name: q}, target: {type: Value, value: 5}}}"),
     "8:54: error: a Pods metric cannot have a target of type Value"},
    {METRIC("{type: External, external: {metric: {name: q}, target: {type: Value, value: 0}}}"),
     "8:83: error: 'spec.metrics[0].external.target.value' is out of range: 0; allowed is more than 0"},
    {H_HEAD "spec:\n  " REF "\n  maxReplicas: 2\n  behavior: {scaleUp: {stabilizationWindowSeconds: 3601}}\n",
     "7:52: error: 'spec.behavior.scaleUp.stabilizationWindowSeconds' is out of range: 3601; allowed is 0 to 3600"},
    {H_HEAD "spec:\n  " REF "\n  maxReplicas: 2\n  behavior: {scaleDown: {tolerance: -0.1}}\n",
     "7:37: error: 'spec.behavior.scaleDown.tolerance': '-0.1' is negative"},
    {H_HEAD "spec:\n  " REF "\n  maxReplicas: 2\n  behavior: {scaleDown: {policies: [{type: Pods, value: 1, "
            "periodSeconds: 1801}]}}\n",
     "7:75: error: 'spec.behavior.scaleDown.policies[0].periodSeconds' is out of range: 1801; allowed is 1 to 1800"},
    /* PriorityClass */
    {"apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: p, namespace: q}\nvalue: 1\n",
     "3:21: error: 'metadata.namespace' is not supported: this kind has no namespace"},
    {"apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: p}\nvalue: 2000000000\n",
     "4:8: error: 'value' is out of range: 2000000000; allowed is at most 1000000000"},
};

static void refusals(void **state)
{
    for (size_t i = 0; i < sizeof(bad_cases) / sizeof(bad_cases[0]); i++) {
        fixture *f = *state;
        const spw_config *config = NULL;
        char want[500];

        (void)snprintf(want, sizeof(want), "f.yaml:%s", bad_cases[i].message);
        assert_int_equal(spw_manifest_add_text(f->set, "f.yaml", bad_cases[i].text, strlen(bad_cases[i].text), f->diag),
                         SPW_INVAL);
        assert_string_equal(spw_diag_at(f->diag, 0), want);
        assert_int_equal(spw_manifest_config(f->set, f->diag, &config), SPW_INVAL);
        assert_null(config);
        assert_int_equal(tear_down(state), 0);
        assert_int_equal(set_up(state), 0);
    }
}

#define HPA(name, target)                                                                                              \
    "---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: " name "}\nspec:\n"              \
    "  maxReplicas: 2\n  scaleTargetRef: {" target "}\n"
#define CLASS(name)                                                                                                    \
    "---\napiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: " name "}\nvalue: 1\n"               \
    "globalDefault: true\n"

static const bad_case join_cases[] = {
    {DEPLOYMENT("d") DEPLOYMENT("d"), "9:18: error: Deployment 'default/d' is defined twice (also at f.yaml:4)"},
    {DEPLOYMENT("chat") HPA("h", "kind: Deployment, name: chta"),
     "12:44: error: there is no Deployment 'default/chta' (did you mean 'default/chat'?)"},
    {HPA("h", "kind: Deployment, name: x"), "7:44: error: there is no Deployment 'default/x' in the manifests"},
    {DEPLOYMENT("d") HPA("a", "kind: Deployment, name: d") HPA("b", "kind: Deployment, name: d"),
     "19:44: error: Deployment 'default/d' has two autoscalers: HorizontalPodAutoscaler 'default/b' and "
     "HorizontalPodAutoscaler 'default/a' (f.yaml:12)"},
    {DEPLOYMENT("d") HPA("h", "kind: ReplicaSet, name: d"),
     "12:19: error: scaleTargetRef names a ReplicaSet of ''; only Deployments and StatefulSets of 'apps/v1' are read"},
    {DEPLOYMENT("d") HPA("h", "kind: StatefulSet, name: d"),
     "12:45: error: there is no StatefulSet 'default/d', but a Deployment of this name"},
    {DEPLOYMENT("d") "---\napiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: d}\nspec: {template: {spec: "
                     "{containers: [{name: c}]}}}\n",
     "9:18: error: StatefulSet 'default/d' has the name of a Deployment (at f.yaml:4)"},
    {"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {template: {spec: {priorityClassName: hihg, "
     "containers: [{name: c}]}}}\n---\n" CLASS("high"),
     "4:45: error: there is no PriorityClass 'hihg' (did you mean 'high'?)"},
    {CLASS("a") CLASS("b"), "12:16: error: PriorityClass 'a' and 'b' are both the global default"},
};

static void refusals_between_objects(void **state)
{
    for (size_t i = 0; i < sizeof(join_cases) / sizeof(join_cases[0]); i++) {
        fixture *f = *state;
        const spw_config *config = NULL;
        const char *got = "";
        char want[500];

        (void)snprintf(want, sizeof(want), "f.yaml:%s", join_cases[i].message);
        assert_int_equal(
            spw_manifest_add_text(f->set, "f.yaml", join_cases[i].text, strlen(join_cases[i].text), f->diag), SPW_OK);
        assert_int_equal(spw_manifest_config(f->set, f->diag, &config), SPW_INVAL);
        for (size_t k = 0; k < spw_diag_count(f->diag); k++) {
            got = spw_diag_level_at(f->diag, k) == SPW_DIAG_ERROR ? spw_diag_at(f->diag, k) : got;
        }
        assert_string_equal(got, want);
        assert_int_equal(spw_diag_errors(f->diag), 1);
        assert_int_equal(tear_down(state), 0);
        assert_int_equal(set_up(state), 0);
    }
}

/* --- hostile input ------------------------------------------------------------------------------------------- */

static char *slurp(const char *path, size_t *length)
{
    FILE *file = fopen(path, "rb");
    char *text = malloc(65536);

    assert_non_null(file);
    assert_non_null(text);
    *length = fread(text, 1, 65536, file);
    (void)fclose(file);
    return text;
}

/* Either it parses, or there is an error, and every error has a position. */
static void survive(const char *text, size_t length)
{
    spw_diag *diag = NULL;
    spw_manifest_set *set = spw_manifest_new(NULL);
    const spw_config *config = NULL;
    spw_rc rc;

    assert_int_equal(spw_diag_new(NULL, 50, &diag), SPW_OK);
    rc = spw_manifest_add_text(set, "f", text, length, diag);
    if (rc == SPW_OK) {
        rc = spw_manifest_config(set, diag, &config);
    }
    assert_true(rc == SPW_OK || (rc == SPW_INVAL && spw_diag_errors(diag) > 0));
    for (size_t i = 0; i < spw_diag_count(diag); i++) {
        int line = 0;
        int column = 0;

        assert_int_equal(sscanf(spw_diag_at(diag, i), "f:%d:%d: ", &line, &column), 2);
        assert_true(line >= 1 && column >= 1);
    }
    spw_manifest_free(set);
    spw_diag_free(diag);
}

static void truncated_everywhere(void **state)
{
    static const char *const paths[] = {DATA "ack-one-hybrid.yaml", DATA "karmada-failover.yaml",
                                        DATA "hpa-metrics.yaml", DATA "every-ignored-field.yaml"};

    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        size_t length = 0;
        char *text = slurp(paths[i], &length);

        for (size_t cut = 0; cut <= length; cut++) {
            char *exact = malloc(cut + 1); /* of exact size, so that a sanitizer sees a read past the end */

            assert_non_null(exact);
            memcpy(exact, text, cut);
            survive(exact, cut);
            free(exact);
        }
        free(text);
    }
}

static void bytes_changed_at_random(void **state)
{
    static const char pool[] = "{}[]:,-#\"'|>&*!%@`\n\t 0x\\~\x80\xff";
    size_t length = 0;
    char *text = slurp(DATA "karmada-failover.yaml", &length);
    uint32_t random = 1;

    (void)state;
    for (int i = 0; i < 2000; i++) {
        char *copy = malloc(length);

        assert_non_null(copy);
        memcpy(copy, text, length);
        for (int k = 0; k < 3; k++) {
            random = random * 1664525u + 1013904223u;
            copy[(random >> 4) % length] = pool[(random >> 20) % (sizeof(pool) - 1)];
        }
        survive(copy, length);
        free(copy);
    }
    free(text);
}

static void *stingy_take(size_t size, void *user)
{
    int *left = user;

    if (*left == 0) {
        return NULL;
    }
    (*left)--;
    return malloc(size);
}

static void stingy_give(void *ptr, void *user)
{
    (void)user;
    free(ptr);
}

static void out_of_memory_everywhere(void **state)
{
    fixture *f = *state;
    size_t length = 0;
    char *text = slurp(DATA "every-ignored-field.yaml", &length);
    bool done = false;

    for (int n = 0; n < 100 && !done; n++) {
        int left = n;
        const spw_mem mem = {stingy_take, stingy_give, &left};
        spw_manifest_set *set = spw_manifest_new(&mem);
        const spw_config *config = NULL;
        spw_rc rc = SPW_NOMEM;

        if (set != NULL) {
            rc = spw_manifest_add_text(set, "f", text, length, f->diag);
            rc = rc == SPW_OK ? spw_manifest_config(set, f->diag, &config) : rc;
        }
        assert_true(rc == SPW_OK || rc == SPW_NOMEM);
        done = rc == SPW_OK;
        assert_true(!done || n > 5);
        spw_manifest_free(set);
    }
    assert_true(done);
    free(text);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(refusals),
        TEST(refusals_between_objects),
        TEST(truncated_everywhere),
        TEST(bytes_changed_at_random),
        TEST(out_of_memory_everywhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
