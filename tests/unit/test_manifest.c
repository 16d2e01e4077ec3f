/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * test_manifest.c - Kubernetes objects into a spw_config: what the files of tests/data/manifests say, worked by hand;
 * the claim rules of policies, priorities.
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

#define DATA       "tests/data/manifests/"
#define SECONDS(n) ((int64_t)(n)*SPW_NS_PER_S)

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

static size_t count_level(const spw_diag *diag, spw_diag_level level)
{
    size_t count = 0;

    for (size_t i = 0; i < spw_diag_count(diag); i++) {
        count += spw_diag_level_at(diag, i) == level ? 1 : 0;
    }
    return count;
}

static const spw_config *config_of(fixture *f, const char *path)
{
    const spw_config *config = NULL;
    spw_rc rc = spw_manifest_add_file(f->set, path, f->diag);

    if (rc == SPW_OK) {
        rc = spw_manifest_config(f->set, f->diag, &config);
    }
    for (size_t i = 0; i < spw_diag_count(f->diag) && rc != SPW_OK; i++) {
        print_message("%s\n", spw_diag_at(f->diag, i));
    }
    assert_int_equal(rc, SPW_OK);
    return config;
}

/* --- real-looking files -------------------------------------------------------------------------------------- */

static void check_hybrid_policy(const spw_policy *p)
{
    const spw_selector *cloud = &p->groups[1].selector;

    assert_string_equal(p->name, "prod/chat-hybrid");
    assert_int_equal(p->group_count, 2);
    assert_int_equal(p->order, SPW_GROUPS_ORDERED);
    assert_int_equal(p->division, SPW_DIVIDE_DYNAMIC);
    assert_true(p->partial);
    assert_true(p->elastic);
    assert_int_equal(p->step_major, SPW_STEP_PER_CLUSTER);
    assert_int_equal(p->failback, SPW_FAILBACK_AUTOMATIC);
    assert_true(p->failback_window == SECONDS(450));
    assert_int_equal(p->moves_per_tick, 3);
    assert_true(p->move_deadline == SECONDS(720));
    assert_true(p->provision_deadline == SECONDS(600));
    assert_true(p->node_unneeded == SECONDS(1200));
    assert_string_equal(p->groups[0].name, "idc");
    assert_int_equal(p->groups[0].selector.name_count, 1);
    assert_string_equal(p->groups[0].selector.names[0], "idc-hangzhou");
    assert_int_equal(cloud->label_count, 3);
    assert_string_equal(cloud->labels[0].key, "tier");
    assert_int_equal(cloud->labels[0].op, SPW_OP_IN);
    assert_string_equal(cloud->labels[0].values[0], "cloud");
    assert_int_equal(cloud->labels[1].value_count, 2);
    assert_string_equal(cloud->labels[1].values[1], "rtx4090");
    assert_int_equal(cloud->labels[2].op, SPW_OP_NOT_EXISTS);
    assert_int_equal(cloud->field_count, 1);
    assert_int_equal(cloud->fields[0].op, SPW_OP_NOT_IN);
    assert_string_equal(cloud->exclude[0], "ack-test");
}

static void check_hybrid_hpa(const spw_hpa *h)
{
    assert_string_equal(h->name, "prod/chat");
    assert_true(h->federated);
    assert_int_equal(h->replicas_min, 2);
    assert_int_equal(h->replicas_max, 40);
    assert_int_equal(h->sync_s, 15);
    assert_int_equal(h->metric_count, 1);
    assert_int_equal(h->metrics[0].kind, SPW_METRIC_PODS);
    assert_int_equal(h->metrics[0].target_kind, SPW_TARGET_AVERAGE_VALUE);
    assert_int_equal(h->metrics[0].target, 5000);
    assert_string_equal(h->metrics[0].name, "vllm_num_requests_waiting");
    assert_true(h->has_behavior);
    assert_int_equal(h->up.window_s, 0);
    assert_int_equal(h->up.tolerance_ppm, 50000);
    assert_int_equal(h->up.policy_count, 2);
    assert_int_equal(h->up.policies[1].unit, SPW_SCALING_PODS);
    assert_int_equal(h->up.policies[1].value, 4);
    assert_int_equal(h->up.policies[1].period_s, 30);
    assert_int_equal(h->down.window_s, 600);
    assert_int_equal(h->down.select, SPW_SELECT_MIN);
    assert_int_equal(h->down.tolerance_ppm, -1);
}

static void ack_one_hybrid(void **state)
{
    fixture *f = *state;
    const spw_config *config = config_of(f, DATA "ack-one-hybrid.yaml");
    const spw_workload *w = &config->workloads[0];
    const char *file = NULL;
    int32_t line = 0;
    int32_t column = 0;

    assert_int_equal(config->workload_count, 1);
    assert_string_equal(w->name, "prod/chat");
    assert_true(w->key == spw_key2("prod", "chat"));
    assert_true(w->uid_hash == UINT32_C(0x48547daf)); /* computed by an independent FNV-1a in another language */
    assert_int_equal(w->replicas, 4);
    assert_int_equal(w->gpus, 1);
    assert_int_equal(w->gpu_class_count, 2);
    assert_string_equal(w->gpu_classes[0], "RTX-5090");
    assert_string_equal(w->gpu_classes[1], "RTX-4090");
    assert_int_equal(w->priority, 100000);
    assert_int_equal(w->policy, 0);
    assert_int_equal(w->hpa, 0);
    assert_int_equal(config->policy_count, 1);
    check_hybrid_policy(&config->policies[0]);
    assert_int_equal(config->hpa_count, 1);
    check_hybrid_hpa(&config->hpas[0]);
    assert_int_equal(count_level(f->diag, SPW_DIAG_WARNING), 0);
    assert_int_equal(count_level(f->diag, SPW_DIAG_NOTE), 2); /* Namespace and Service */
    assert_string_equal(spw_diag_at(f->diag, 0),
                        DATA "ack-one-hybrid.yaml:3:1: note: Namespace objects do not matter here; passed over");
    assert_true(spw_manifest_where(f->set, "Deployment", "prod/chat", &file, &line, &column));
    assert_int_equal(line, 20);
    assert_int_equal(column, 9);
    assert_false(spw_manifest_where(f->set, "Deployment", "prod/none", &file, &line, &column));
}

static const spw_policy *policy_of(const spw_config *config, const char *workload)
{
    for (size_t i = 0; i < config->workload_count; i++) {
        if (strcmp(config->workloads[i].name, workload) == 0) {
            return config->workloads[i].policy == SPW_ID_NONE ? NULL : &config->policies[config->workloads[i].policy];
        }
    }
    fail_msg("no workload %s", workload);
    return NULL;
}

static void karmada_policies(void **state)
{
    fixture *f = *state;
    const spw_config *config = config_of(f, DATA "karmada-failover.yaml");
    const spw_policy *p;

    assert_int_equal(config->workload_count, 4);
    assert_string_equal(config->workloads[0].name, "default/embed"); /* sorted by name */
    assert_string_equal(config->workloads[3].name, "llm/llm");
    p = policy_of(config, "default/embed"); /* priority 5 beats the others */
    assert_string_equal(p->name, "default/embed-failover");
    assert_int_equal(p->order, SPW_GROUPS_FAILOVER);
    assert_int_equal(p->division, SPW_DIVIDE_AGGREGATED);
    assert_int_equal(p->failback, SPW_FAILBACK_NEVER);
    assert_false(p->partial);
    assert_false(p->elastic);
    p = policy_of(config, "default/nightly"); /* a label beats the kind */
    assert_string_equal(p->name, "default/batch-weights");
    assert_int_equal(p->division, SPW_DIVIDE_STATIC);
    assert_int_equal(p->static_weight_count, 2);
    assert_int_equal(p->static_weights[0].weight, 2);
    assert_string_equal(p->static_weights[1].selector.fields[0].key, "provider");
    assert_int_equal(p->group_count, 1);
    assert_string_equal(p->groups[0].name, "");
    p = policy_of(config, "default/web");
    assert_string_equal(p->name, "default/all-of-them");
    assert_int_equal(p->division, SPW_DIVIDE_DUPLICATED);
    assert_int_equal(p->groups[0].selector.name_count, 0);
    p = policy_of(config, "llm/llm");
    assert_int_equal(p->order, SPW_GROUPS_ORDERED);
    assert_int_equal(p->group_count, 3);
    assert_string_equal(p->groups[2].name, "region-b");
    assert_int_equal(p->failback, SPW_FAILBACK_ON_RESIZE);
    assert_false(p->partial);
}

static void gpus_and_classes(void **state)
{
    const spw_config *config = config_of(*state, DATA "karmada-failover.yaml");
    const spw_workload *embed = &config->workloads[0];
    const spw_workload *nightly = &config->workloads[1];
    const spw_workload *web = &config->workloads[2];

    assert_int_equal(embed->gpus, 2);
    assert_int_equal(embed->gpu_class_count, 1);
    assert_string_equal(embed->gpu_classes[0], "L20");
    assert_int_equal(embed->replicas, 3);
    assert_int_equal(nightly->gpus, 8); /* warm 7 beside the running proxy 1; the containers would need 4 + 1 */
    assert_int_equal(nightly->gpu_class_count, 3);
    assert_string_equal(nightly->gpu_classes[2], "T4");
    assert_int_equal(nightly->replicas, 1);
    assert_int_equal(web->gpus, 0);
    assert_int_equal(web->replicas, 0);
    assert_int_equal(web->gpu_class_count, 0);
    assert_int_equal(web->priority, 0);
    assert_int_equal(web->uid_hash, 0);
    assert_int_equal(config->workloads[3].gpus, 8);
}

static void hpa_metrics(void **state)
{
    fixture *f = *state;
    const spw_config *config = config_of(f, DATA "hpa-metrics.yaml");
    const spw_hpa *h = &config->hpas[0];
    static const spw_hpa_metric want[] = {
        {SPW_METRIC_RESOURCE, SPW_TARGET_UTILIZATION, 60, "cpu", true, NULL, NULL},
        {SPW_METRIC_RESOURCE, SPW_TARGET_AVERAGE_VALUE, INT64_C(1073741824000), "memory", false, NULL, NULL},
        {SPW_METRIC_RESOURCE, SPW_TARGET_UTILIZATION, 75, "cpu", true, NULL, NULL},
        {SPW_METRIC_PODS, SPW_TARGET_AVERAGE_VALUE, 2500, "queue", false, "a=b", NULL},
        {SPW_METRIC_OBJECT, SPW_TARGET_VALUE, 2000000, "rps", false, NULL, "ingresses.networking.k8s.io/front"},
        /* a tenth of a thousandth rounds up */
        {SPW_METRIC_EXTERNAL, SPW_TARGET_AVERAGE_VALUE, 1, "lag", false,
         "area,env in (canary,prod),!old,queue=chat,zone notin (x)", NULL},
    };

    assert_int_equal(config->hpa_count, 3);
    assert_int_equal(h->metric_count, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(h->metrics[i].kind, want[i].kind);
        assert_int_equal(h->metrics[i].target_kind, want[i].target_kind);
        assert_true(h->metrics[i].target == want[i].target);
        assert_string_equal(h->metrics[i].name, want[i].name);
        assert_int_equal(h->metrics[i].is_cpu, want[i].is_cpu);
        assert_string_equal(h->metrics[i].selector != NULL ? h->metrics[i].selector : "none",
                            want[i].selector != NULL ? want[i].selector : "none");
        assert_string_equal(h->metrics[i].object != NULL ? h->metrics[i].object : "none",
                            want[i].object != NULL ? want[i].object : "none");
    }
    assert_false(h->federated);
    assert_int_equal(h->down.select, SPW_SELECT_DISABLED);
    assert_int_equal(h->up.window_s, -1);
    assert_int_equal(h->up.policy_count, 0);
    h = &config->hpas[1]; /* all defaults */
    assert_int_equal(h->replicas_min, 1);
    assert_false(h->has_behavior);
    assert_int_equal(h->metric_count, 1);
    assert_int_equal(h->metrics[0].target, 80);
    assert_true(h->metrics[0].is_cpu);
    h = &config->hpas[2];
    assert_int_equal(h->replicas_min, 0);
    assert_int_equal(h->up.tolerance_ppm, 12500);
    assert_int_equal(config->workloads[2].hpa, 2);
    assert_int_equal(count_level(f->diag, SPW_DIAG_WARNING), 3); /* three Deployments without a policy */
}

/* The file marks each such row with a comment, so that the count comes from the file and not from the reader. */
static void every_ignored_field(void **state)
{
    fixture *f = *state;
    FILE *file = fopen(DATA "every-ignored-field.yaml", "r");
    char line[300];
    int32_t number = 0;
    size_t rows = 0;
    size_t warned = 0;
    size_t found = 0;

    assert_non_null(file);
    (void)config_of(f, DATA "every-ignored-field.yaml");
    while (fgets(line, sizeof(line), file) != NULL) {
        const bool marked = strstr(line, "# ignored") != NULL;
        bool listed = false;

        number++;
        rows += marked ? 1 : 0;
        warned += strstr(line, "# ignored, warned") != NULL ? 1 : 0;
        for (size_t i = 0; i < spw_manifest_ignored_count(f->set); i++) {
            listed = listed || spw_manifest_ignored_at(f->set, i)->line == number;
        }
        found += listed ? 1 : 0;
        if (marked != listed) {
            fail_msg("line %" PRId32 ": %s", number, line);
        }
    }
    (void)fclose(file);
    assert_true(rows > 90);
    assert_int_equal(found, rows);
    assert_int_equal(spw_manifest_ignored_count(f->set), rows);
    assert_int_equal(count_level(f->diag, SPW_DIAG_WARNING), warned);
    assert_string_equal(spw_manifest_ignored_at(f->set, 0)->path, "metadata.creationTimestamp");
    assert_string_equal(spw_manifest_ignored_at(f->set, 0)->why, "written by the API server");
    assert_string_equal(spw_diag_at(f->diag, 0), DATA "every-ignored-field.yaml:110:35: warning: "
                                                      "'spec.placement.clusterTolerations[0].tolerationSeconds' is "
                                                      "not modelled: a toleration does not run out");
}

/* Every knob of spillway.dev/ overrides what the API group means; without knobs the documented defaults stay. */
static void knobs(void **state)
{
    static const char text[] =
        "apiVersion: policy.karmada.io/v1alpha1\nkind: PropagationPolicy\nmetadata:\n  name: a\n  annotations:\n"
        "    spillway.dev/partial: \"true\"\n    spillway.dev/elastic: \"true\"\n"
        "    spillway.dev/failback: automatic\n    spillway.dev/step-major: global\n"
        "    spillway.dev/moves-per-tick: \"0\"\n    spillway.dev/failback-window: 0s\n"
        "spec: {resourceSelectors: [{apiVersion: apps/v1, kind: Deployment}]}\n"
        "---\napiVersion: policy.one.alibabacloud.com/v1alpha1\nkind: PropagationPolicy\nmetadata: {name: b}\n"
        "spec: {resourceSelectors: [{apiVersion: apps/v1, kind: Deployment}]}\n"
        "---\napiVersion: policy.one.alibabacloud.com/v1alpha1\nkind: PropagationPolicy\n"
        "metadata: {name: c, annotations: {spillway.dev/partial: \"false\", spillway.dev/elastic: \"false\"}}\n"
        "spec: {autoScaling: {ecsProvision: true}, resourceSelectors: [{apiVersion: apps/v1, kind: Deployment}]}\n";
    fixture *f = *state;
    const spw_config *config = NULL;
    const spw_policy *p;
    spw_policy preset;

    assert_int_equal(spw_manifest_add_text(f->set, "f", text, strlen(text), f->diag), SPW_OK);
    assert_int_equal(spw_manifest_config(f->set, f->diag, &config), SPW_OK);
    p = &config->policies[0];
    assert_true(p->partial);
    assert_true(p->elastic);
    assert_int_equal(p->failback, SPW_FAILBACK_AUTOMATIC);
    assert_int_equal(p->step_major, SPW_STEP_GLOBAL);
    assert_int_equal(p->moves_per_tick, 0);
    assert_true(p->failback_window == 0);
    spw_policy_default(&preset);
    p = &config->policies[1];
    assert_true(p->partial);
    assert_false(p->elastic);
    assert_int_equal(p->failback, preset.failback);
    assert_true(p->failback_window == preset.failback_window);
    assert_int_equal(p->moves_per_tick, preset.moves_per_tick);
    assert_true(p->move_deadline == preset.move_deadline);
    assert_true(p->provision_deadline == preset.provision_deadline);
    assert_true(p->node_unneeded == preset.node_unneeded);
    assert_int_equal(p->step_major, preset.step_major);
    p = &config->policies[2];
    assert_false(p->partial);
    assert_false(p->elastic);
}

/* --- rules between objects ----------------------------------------------------------------------------------- */

#define DEPLOYMENT(name)                                                                                               \
    "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: " name ", labels: {app: x}}\n"                       \
    "spec: {template: {spec: {containers: [{name: c}]}}}\n"
#define POLICY(name, priority, selector)                                                                               \
    "---\napiVersion: policy.karmada.io/v1alpha1\nkind: PropagationPolicy\nmetadata: {name: " name "}\n"               \
    "spec: {priority: " priority ", resourceSelectors: [{apiVersion: apps/v1, kind: Deployment" selector "}]}\n"
#define BY_NAME  ", name: d"
#define BY_LABEL ", labelSelector: {matchLabels: {app: x}}"

typedef struct claim_case {
    const char *text;
    const char *winner; /* NULL = nobody */
} claim_case;

static void who_claims(void **state)
{
    static const claim_case cases[] = {
        {POLICY("a", "0", "") POLICY("b", "0", BY_LABEL), "default/b"},
        {POLICY("a", "0", BY_LABEL) POLICY("b", "0", BY_NAME), "default/b"},
        {POLICY("a", "0", BY_NAME) POLICY("b", "1", ""), "default/b"},
        {POLICY("b", "0", BY_LABEL) POLICY("a", "0", BY_LABEL), "default/a"},
        {POLICY("b", "-1", BY_NAME) POLICY("a", "0", ""), "default/a"},
        {POLICY("a", "0", ", name: other"), NULL},
        {POLICY("a", "0", ", name: other, labelSelector: {matchLabels: {app: x}}"), NULL}, /* the name rules */
        {POLICY("a", "0", ", labelSelector: {matchLabels: {app: y}}"), NULL},
        {POLICY("a", "0", ", labelSelector: {matchExpressions: [{key: app, operator: NotIn, values: [x]}]}"), NULL},
        {POLICY("a", "0", ", labelSelector: {matchExpressions: [{key: zone, operator: NotIn, values: [x]}]}"),
         "default/a"},
        {POLICY("a", "0", ", labelSelector: {matchExpressions: [{key: app, operator: Exists}]}"), "default/a"},
        {POLICY("a", "0", "}, {apiVersion: v1, kind: Service"), "default/a"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        fixture *f = *state;
        const spw_config *config = NULL;
        const spw_policy *policy;

        assert_int_equal(spw_manifest_add_text(f->set, "p", cases[i].text, strlen(cases[i].text), f->diag), SPW_OK);
        assert_int_equal(spw_manifest_add_text(f->set, "d", DEPLOYMENT("d"), strlen(DEPLOYMENT("d")), f->diag), SPW_OK);
        assert_int_equal(spw_manifest_config(f->set, f->diag, &config), SPW_OK);
        policy = policy_of(config, "default/d");
        if (cases[i].winner == NULL) {
            assert_null(policy);
            assert_int_equal(count_level(f->diag, SPW_DIAG_WARNING), 2); /* unclaimed, and a policy without effect */
        } else {
            assert_string_equal(policy->name, cases[i].winner);
        }
        assert_int_equal(tear_down(state), 0);
        assert_int_equal(set_up(state), 0);
    }
}

static void order_of_files_is_nothing(void **state)
{
    static const char *const parts[] = {DEPLOYMENT("b"), DEPLOYMENT("a"), POLICY("q", "0", ""), POLICY("p", "0", "")};
    fixture *f = *state;

    for (size_t turn = 0; turn < 4; turn++) {
        const spw_config *config = NULL;

        for (size_t i = 0; i < 4; i++) {
            const char *text = parts[(i + turn) % 4];

            assert_int_equal(spw_manifest_add_text(f->set, "f", text, strlen(text), f->diag), SPW_OK);
        }
        assert_int_equal(spw_manifest_config(f->set, f->diag, &config), SPW_OK);
        assert_string_equal(config->workloads[0].name, "default/a");
        assert_string_equal(config->policies[0].name, "default/p");
        assert_int_equal(config->workloads[0].policy, 0);
        assert_int_equal(config->workloads[1].policy, 0);
        spw_manifest_free(f->set);
        f->set = spw_manifest_new(NULL);
    }
}

/* A PropagationPolicy as the API server answers it, in JSON, with the fields it adds. */
static void json_of_an_api_server(void **state)
{
    static const char text[] =
        "{\"apiVersion\":\"policy.karmada.io/v1alpha1\",\"kind\":\"PropagationPolicy\",\"metadata\":{"
        "\"finalizers\":[\"f\"],\"generation\":1,\"labels\":{\"id\":\"887d\"},\"managedFields\":[{\"f:x\":{}}],"
        "\"name\":\"llm\",\"namespace\":\"kar\",\"resourceVersion\":\"1248\",\"uid\":\"e3aba508\"},\"spec\":{"
        "\"conflictResolution\":\"Abort\",\"placement\":{\"clusterAffinity\":{\"clusterNames\":[\"m1\",\"m2\"]},"
        "\"replicaScheduling\":{\"replicaDivisionPreference\":\"Weighted\",\"replicaSchedulingType\":\"Divided\","
        "\"weightPreference\":{\"staticWeightList\":[{\"targetCluster\":{\"clusterNames\":[\"m1\"]},\"weight\":3}]}}},"
        "\"preemption\":\"Never\",\"priority\":0,\"resourceSelectors\":[{\"apiVersion\":\"apps/v1\",\"kind\":"
        "\"Deployment\",\"name\":\"llm\",\"namespace\":\"kar\"}],\"schedulerName\":\"steer\"}}\n";
    fixture *f = *state;
    const spw_config *config = NULL;

    assert_int_equal(spw_manifest_add_text(f->set, "j", text, strlen(text), f->diag), SPW_OK);
    assert_int_equal(spw_manifest_config(f->set, f->diag, &config), SPW_OK);
    assert_int_equal(config->policies[0].static_weights[0].weight, 3);
    assert_string_equal(config->policies[0].groups[0].selector.names[1], "m2");
}

#define CLASS(name)                                                                                                    \
    "---\napiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: " name "}\nvalue: 1\n"               \
    "globalDefault: true\n"

static void priorities(void **state)
{
    static const char text[] = CLASS("usual") DEPLOYMENT(
        "a") "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: b}\n"
             "spec: {template: {spec: {priorityClassName: system-node-critical, containers: [{name: c}]}}}\n";
    fixture *f = *state;
    const spw_config *config = NULL;

    assert_int_equal(spw_manifest_add_text(f->set, "f", text, strlen(text), f->diag), SPW_OK);
    assert_int_equal(spw_manifest_config(f->set, f->diag, &config), SPW_OK);
    assert_int_equal(config->workloads[0].priority, 1); /* the global default */
    assert_int_equal(config->workloads[1].priority, 2000001000);
}

static void foreign_namespace_is_a_warning(void **state)
{
    static const char text[] = POLICY("p", "0", ", namespace: elsewhere") DEPLOYMENT("d");
    fixture *f = *state;
    const spw_config *config = NULL;

    assert_int_equal(spw_manifest_add_text(f->set, "f", text, strlen(text), f->diag), SPW_OK);
    assert_string_equal(spw_diag_at(f->diag, 0),
                        "f:5:92: warning: namespace 'elsewhere' is read as 'default': a PropagationPolicy governs its "
                        "own namespace only");
    assert_int_equal(spw_manifest_config(f->set, f->diag, &config), SPW_OK);
    assert_int_equal(config->workloads[0].policy, 0);
}

/* A StatefulSet is a workload like a Deployment: for policies, autoscalers, budgets and rebalancers. */
static void a_statefulset_is_a_workload(void **state)
{
    static const char text[] =
        "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: s, labels: {app: x}}\n"
        "spec:\n  replicas: 4\n  serviceName: s\n  podManagementPolicy: OrderedReady\n"
        "  volumeClaimTemplates: [{metadata: {name: v}}]\n"
        "  template: {metadata: {labels: {app: x}}, spec: {containers: [{name: c, resources: {limits: "
        "{nvidia.com/gpu: 2}}}]}}\n" DEPLOYMENT(
            "d") "---\napiVersion: policy.karmada.io/v1alpha1\nkind: PropagationPolicy\nmetadata: {name: sets}\n"
                 "spec: {resourceSelectors: [{apiVersion: apps/v1, kind: StatefulSet}]}\n"
                 "---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: h}\nspec:\n  "
                 "maxReplicas: 9\n"
                 "  scaleTargetRef: {apiVersion: apps/v1, kind: StatefulSet, name: s}\n"
                 "---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: b}\n"
                 "spec: {minAvailable: 3, selector: {matchLabels: {app: x}}}\n"
                 "---\napiVersion: apps.karmada.io/v1alpha1\nkind: WorkloadRebalancer\nmetadata: {name: r}\n"
                 "spec: {workloads: [{apiVersion: apps/v1, kind: StatefulSet, name: s, namespace: default}]}\n";
    fixture *f = *state;
    const spw_config *config = NULL;

    assert_int_equal(spw_manifest_add_text(f->set, "f", text, strlen(text), f->diag), SPW_OK);
    assert_int_equal(spw_manifest_config(f->set, f->diag, &config), SPW_OK);
    assert_int_equal(config->workload_count, 2);
    const spw_workload *d = &config->workloads[0], *s = &config->workloads[1];
    assert_string_equal(d->name, "default/d");
    assert_int_equal(d->kind, SPW_WORKLOAD_DEPLOYMENT);
    assert_int_equal(d->policy, SPW_ID_NONE); /* the policy names the other kind */
    assert_string_equal(s->name, "default/s");
    assert_int_equal(s->kind, SPW_WORKLOAD_STATEFULSET);
    assert_int_equal(s->replicas, 4);
    assert_int_equal(s->gpus, 2);
    assert_int_equal(s->policy, 0);
    assert_int_equal(s->hpa, 0);
    assert_int_equal(s->budget, SPW_BUDGET_MIN_AVAILABLE);
    assert_int_equal(s->budget_value, 3);
    assert_true(s->has_reschedule);
    assert_int_equal(count_level(f->diag, SPW_DIAG_WARNING), 3);
    assert_string_equal(spw_diag_at(f->diag, 0),
                        "f:7:24: warning: replicas that start one after the other are not modelled: those that wait "
                        "for their turn count as stuck; use Parallel");
    assert_string_equal(spw_diag_at(f->diag, 1),
                        "f:8:3: warning: 'spec.volumeClaimTemplates' is not modelled: a volume "
                        "may hold its replica in the zone where it was made");
    assert_string_equal(spw_diag_at(f->diag, 2),
                        "f:13:18: warning: no PropagationPolicy claims Deployment 'default/d'; it is not placed");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(ack_one_hybrid),
        TEST(karmada_policies),
        TEST(gpus_and_classes),
        TEST(hpa_metrics),
        TEST(every_ignored_field),
        TEST(knobs),
        TEST(who_claims),
        TEST(order_of_files_is_nothing),
        TEST(json_of_an_api_server),
        TEST(priorities),
        TEST(foreign_namespace_is_a_warning),
        TEST(a_statefulset_is_a_workload),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
