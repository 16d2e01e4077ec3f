/* SPDX-License-Identifier: GPL-3.0-or-later */
/** What a daemon asks metrics APIs for because autoscalers name it: paths and selectors worked by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "sched/daemon/derived.h"
#include "tests/support/daemon_rig.h"

#define S SPW_NS_PER_S

#define DEPLOYMENT(name)                                                                                               \
    "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: " name ", namespace: prod}\n"                        \
    "spec: {template: {spec: {containers: [{name: c}]}}}\n"
#define HPA(name, metrics)                                                                                             \
    "---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: " name ", namespace: prod}\n"    \
    "spec:\n  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: " name                                     \
    "}\n  maxReplicas: 8\n  metrics:\n" metrics
#define EXTERNAL                                                                                                       \
    "    - {type: External, external: {metric: {name: \"jobs|waiting\", selector: {matchLabels: {queue: chat}, "       \
    "matchExpressions: [{key: env, operator: In, values: [b, a]}]}}, target: {type: AverageValue, averageValue: "      \
    "10}}}\n"
#define PODS                                                                                                           \
    "    - {type: Pods, pods: {metric: {name: \"vllm:waiting\", selector: {matchLabels: {model: m}}}, target: {type: " \
    "AverageValue, averageValue: 100}}}\n"
#define OBJECT                                                                                                         \
    "    - {type: Object, object: {describedObject: {apiVersion: networking.k8s.io/v1, kind: Ingress, name: front}, "  \
    "metric: {name: rps}, target: {type: Value, value: 1k}}}\n"
#define CPU "    - {type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}\n"

/* --- the list -------------------------------------------------------------------------------------------------- */

static const kube_cluster_spec clusters[] = {
    {.name = "idc", .reachable = true, .server = 1, .prefix = ""},
    {.name = "far", .reachable = false, .server = 0, .prefix = ""},
    {.name = "ack", .reachable = true, .server = 0, .prefix = "/proxy/ack"},
};
static const kube_fleet_spec karmada = {.mode = KUBE_MODE_KARMADA, .hub = 0, .clusters = clusters, .cluster_count = 3};

static const char *text(const char *t)
{
    return t != NULL ? t : "-";
}

/* Each meter as a line. */
static void assert_derived(const char *manifests, const char *meters, const char *want)
{
    char file[2000], have[4000] = "";
    spw_manifest_set *set = spw_manifest_new(NULL);
    spw_diag *diag = NULL;
    dm_config_file *daemon = NULL;
    const spw_config *governed = NULL;
    zone z;
    const int size = snprintf(file, sizeof file,
                              "apiVersion: spillway.dev/v1alpha1\nkind: Daemon\nmetadata: {name: d}\nspec:\n"
                              "  mode: karmada\n  controlPlane: {}\n  manifests: {fromServer: true}\n"
                              "  clusters: [{name: idc}, {name: far, reach: none}, {name: ack, reach: proxy}]\n%s",
                              meters);
    zone_init(&z, NULL);
    assert_int_equal(spw_diag_new(NULL, 8, &diag), SPW_OK);
    if (spw_manifest_add_text(set, "m", manifests, strlen(manifests), diag) != SPW_OK ||
        spw_manifest_config(set, diag, &governed) != SPW_OK ||
        dm_config_read_text("d", file, (size_t)size, diag, &daemon) != SPW_OK) {
        fail_msg("%s", spw_diag_at(diag, 0));
    }
    dm_derived list = {.z = &z};
    dm_derive_meters(&list, dm_config_get(daemon), governed, &karmada);
    for (size_t i = 0; i < list.count; i++) {
        const kube_meter_spec *s = &list.specs[i];
        static const char *const kinds[] = {"", "resource", "pods", "object", "external", "prometheus"};
        const size_t at = strlen(have);
        (void)snprintf(have + at, sizeof have - at, "%s %zu%s %s %s %s %s %s %s %s\n", kinds[s->kind], s->server,
                       s->prefix, text(s->cluster), s->space, text(s->name), text(s->metric), text(s->selector),
                       text(s->object), spw_workload_kind_name(s->workload));
    }
    assert_string_equal(have, want);
    zone_fini(&z);
    dm_config_free(daemon);
    spw_manifest_free(set);
    spw_diag_free(diag);
}

#define CHAT_EXTERNAL "external 0 - prod chat jobs|waiting env in (a,b),queue=chat - Deployment\n"
#define CHAT_PODS                                                                                                      \
    "pods 1 idc prod chat vllm:waiting model=m - Deployment\n"                                                         \
    "pods 0/proxy/ack ack prod chat vllm:waiting model=m - Deployment\n"
#define CHAT_OBJECT "object 0 - prod chat rps - ingresses.networking.k8s.io/front Deployment\n"
#define PROD                                                                                                           \
    "resource 1 idc prod - - - - Deployment\n"                                                                         \
    "resource 0/proxy/ack ack prod - - - - Deployment\n"

static void each_metric_becomes_meters(void **state)
{
    (void)state;
    assert_derived(DEPLOYMENT("chat") HPA("chat", EXTERNAL PODS OBJECT CPU), "",
                   CHAT_EXTERNAL CHAT_PODS CHAT_OBJECT PROD);
    /* usage of a namespace is asked for once, whoever needs it */
    assert_derived(DEPLOYMENT("chat") HPA("chat", CPU) DEPLOYMENT("code") HPA("code", CPU), "", PROD);
    /* a workload without an autoscaler needs nothing, nor does an object that is not said */
    assert_derived(DEPLOYMENT("code") DEPLOYMENT("chat")
                       HPA("chat", "    - {type: Object, object: {metric: {name: rps}, target: {type: Value, value: "
                                   "1}}}\n"),
                   "", "");
    /* plurals as API machinery makes them; the core group has no name */
    assert_derived(DEPLOYMENT("chat") HPA(
                       "chat", "    - {type: Object, object: {describedObject: {apiVersion: v1, kind: Service, name: "
                               "s}, metric: {name: a}, target: {type: Value, value: 1}}}\n"
                               "    - {type: Object, object: {describedObject: {apiVersion: x.io/v2, kind: Gateway"
                               "Policy, name: p}, metric: {name: b}, target: {type: Value, value: 1}}}\n"
                               "    - {type: Object, object: {describedObject: {apiVersion: v1, kind: Endpoints, name: "
                               "e}, metric: {name: c}, target: {type: Value, value: 1}}}\n"),
                   "",
                   "object 0 - prod chat a - services/s Deployment\n"
                   "object 0 - prod chat b - gatewaypolicies.x.io/p Deployment\n"
                   "object 0 - prod chat c - endpoints/e Deployment\n");
    assert_derived("apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: s, namespace: prod}\n"
                   "spec: {template: {spec: {containers: [{name: c}]}}}\n"
                   "---\napiVersion: scaling.spillway.dev/v1alpha1\nkind: QueueScaler\nmetadata: {name: q, namespace: "
                   "prod}\nspec: {scaleTargetRef: {apiVersion: apps/v1, kind: StatefulSet, name: s}, maxReplicas: 9, "
                   "rate: {metric: rps, type: External}, service: {ratePerReplica: 2}}\n",
                   "", "external 0 - prod s rps - - StatefulSet\n");
}

static void entries_go_first(void **state)
{
    (void)state;
    static const char all[] = DEPLOYMENT("chat") HPA("chat", EXTERNAL PODS OBJECT CPU);
    const struct {
        const char *meter, *left;
    } cases[] = {
        {"kind: external, server: idc, namespace: prod, name: chat, metric: \"jobs|waiting\"",
         CHAT_PODS CHAT_OBJECT PROD},
        {"kind: prometheus, server: idc, namespace: prod, name: chat, metric: rps, query: q",
         CHAT_EXTERNAL CHAT_PODS PROD},
        {"kind: prometheus, server: idc, namespace: prod, podLabel: pod, clusterLabel: c, metric: \"vllm:waiting\", "
         "query: q",
         CHAT_EXTERNAL CHAT_OBJECT PROD},
        {"kind: resource, server: idc, cluster: idc, namespace: prod",
         CHAT_EXTERNAL CHAT_PODS CHAT_OBJECT "resource 0/proxy/ack ack prod - - - - Deployment\n"},
        {"kind: external, server: idc, namespace: prod, name: code, metric: \"jobs|waiting\"", /* another workload's */
         CHAT_EXTERNAL CHAT_PODS CHAT_OBJECT PROD},
        {"kind: pods, server: idc, cluster: idc, namespace: test, metric: \"vllm:waiting\"", /* another namespace */
         CHAT_EXTERNAL CHAT_PODS CHAT_OBJECT PROD},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char meters[300];
        (void)snprintf(meters, sizeof meters, "  meters: [{%s}]\n", cases[i].meter);
        assert_derived(all, meters, cases[i].left);
    }
}

/* --- a daemon that asks ---------------------------------------------------------------------------------------- */

#define ASKED_MOST 32

static struct {
    kube_wire inner;
    char path[ASKED_MOST][400]; /* "server path", each once, in order of asking */
    size_t count;
} spy;

static spw_rc spy_start(void *self, const kube_call *call, uint64_t *ticket)
{
    char line[400];
    size_t i = 0;
    (void)self;
    (void)snprintf(line, sizeof line, "%zu %s", call->server, call->path);
    while (i < spy.count && strcmp(spy.path[i], line) != 0) {
        i++;
    }
    if (i == spy.count && strstr(call->path, "metrics.k8s.io") != NULL) {
        assert_true(spy.count < ASKED_MOST);
        memcpy(spy.path[spy.count++], line, sizeof line);
    }
    return spy.inner.start(spy.inner.self, call, ticket);
}

static void spy_cancel(void *self, uint64_t ticket)
{
    (void)self;
    spy.inner.cancel(spy.inner.self, ticket);
}

static spw_rc spy_run(void *self, spw_dur longest)
{
    (void)self;
    return spy.inner.run(spy.inner.self, longest);
}

static bool was_asked(const char *line)
{
    for (size_t i = 0; i < spy.count; i++) {
        if (strcmp(spy.path[i], line) == 0) {
            return true;
        }
    }
    return false;
}

static const char policy[] =
    "---\napiVersion: policy.one.alibabacloud.com/v1alpha1\nkind: PropagationPolicy\n"
    "metadata: {name: chat, namespace: prod}\nspec:\n"
    "  resourceSelectors: [{apiVersion: apps/v1, kind: Deployment, namespace: prod, name: chat}]\n"
    "  placement:\n    clusterAffinities: [{affinityName: owned, clusterNames: [idc]}]\n"
    "    replicaScheduling: {replicaSchedulingType: Divided, replicaDivisionPreference: Weighted, weightPreference: "
    "{dynamicWeight: AvailableReplicas}}\n";

/* 70 jobs wait in two series of the namespace; 10 for each replica are right. */
static void start(daemon_rig *r)
{
    dr_start(r);
    spy.inner = r->wire;
    spy.count = 0;
    r->wire = (kube_wire){.self = &spy, .start = spy_start, .cancel = spy_cancel, .run = spy_run};
    for (size_t server = 0; server < 2; server++) {
        kw_put(r->world, server, "/apis/apps/v1/deployments",
               "{\"metadata\":{\"name\":\"chat\",\"namespace\":\"prod\"},\"spec\":{\"replicas\":0,\"selector\":{"
               "\"matchLabels\":{\"app\":\"chat\"}}}}");
    }
    kw_put(r->world, 0, "/apis/external.metrics.k8s.io/v1beta1/jobs%7Cwaiting",
           "{\"metadata\":{\"name\":\"s1\",\"namespace\":\"prod\"},\"value\":\"30\"}");
    kw_put(r->world, 0, "/apis/external.metrics.k8s.io/v1beta1/jobs%7Cwaiting",
           "{\"metadata\":{\"name\":\"s2\",\"namespace\":\"prod\"},\"value\":\"40\"}");
    kw_put(r->world, 0, "/apis/external.metrics.k8s.io/v1beta1/other",
           "{\"metadata\":{\"name\":\"s1\",\"namespace\":\"prod\"},\"value\":\"60\"}");
    kw_put(r->world, 0, "/apis/custom.metrics.k8s.io/v1beta2/pods",
           "{\"metadata\":{\"name\":\"*\",\"namespace\":\"prod\"},\"items\":[{\"describedObject\":{\"name\":"
           "\"chat-5d4f-0\"},\"value\":\"1\"}]}");
    kw_put(r->world, 0, "/apis/custom.metrics.k8s.io/v1beta2/ingresses.networking.k8s.io",
           "{\"metadata\":{\"name\":\"front\",\"namespace\":\"prod\"},\"items\":[{\"value\":\"10\"}]}");
    dr_write_text("m.yaml", "%s%s",
                  "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: chat, namespace: prod}\n"
                  "spec: {replicas: 1, template: {spec: {containers: [{name: c, resources: {limits: {nvidia.com/gpu: "
                  "2}}}]}}}\n" HPA("chat", EXTERNAL PODS OBJECT CPU),
                  policy);
}

static void asks_as_an_autoscaler_does(void **state)
{
    (void)state;
    daemon_rig r;
    start(&r);
    dm_daemon *d = dr_begin(&r, "native", false, "");
    dr_live(&r, d, NULL, 100 * S);
    assert_true(was_asked("0 /apis/external.metrics.k8s.io/v1beta1/namespaces/prod/jobs%7Cwaiting"
                          "?labelSelector=env%20in%20%28a%2Cb%29%2Cqueue%3Dchat"));
    assert_true(was_asked("0 /apis/custom.metrics.k8s.io/v1beta2/namespaces/prod/pods/*/vllm:waiting"
                          "?labelSelector=app%3Dchat&metricLabelSelector=model%3Dm"));
    assert_true(was_asked("1 /apis/custom.metrics.k8s.io/v1beta2/namespaces/prod/pods/*/vllm:waiting"
                          "?labelSelector=app%3Dchat&metricLabelSelector=model%3Dm"));
    assert_true(
        was_asked("0 /apis/custom.metrics.k8s.io/v1beta2/namespaces/prod/ingresses.networking.k8s.io/front/rps"));
    assert_true(was_asked("0 /apis/metrics.k8s.io/v1beta1/namespaces/prod/pods"));
    assert_true(was_asked("1 /apis/metrics.k8s.io/v1beta1/namespaces/prod/pods"));
    assert_int_equal(spy.count, 6);
    assert_int_equal(kw_replicas(r.world, 0, "prod", "chat"), 7);
    assert_true(dr_has_said(&r, "\"event\":\"server-trouble\",\"cluster\":\"ack\",\"what\":\"vllm:waiting\""));
    assert_false(dr_has_said(&r, "\"event\":\"server-trouble\",\"cluster\":\"idc\""));
    dr_end(d);
    dr_stop(&r);
}

/* Where the workload is not, nobody asks for its pods. */
static void asks_only_where_the_workload_is(void **state)
{
    (void)state;
    daemon_rig r;
    start(&r);
    dm_daemon *d = dr_begin(&r, "dry-run", false, "");
    kw_delete(r.world, 1, "/apis/apps/v1/deployments", "prod", "chat");
    const spw_time until = kw_now(r.world) + 40 * S;
    while (kw_now(r.world) < until) {
        assert_int_equal(dm_daemon_work(d, S, NULL), SPW_OK);
    }
    assert_int_equal(spy.count, 5);
    dr_end(d);
    dr_stop(&r);
}

static void an_entry_or_a_flag_overrides(void **state)
{
    (void)state;
    daemon_rig r;
    start(&r);
    dr_config("native", false, "",
              "  meters: [{kind: external, server: idc, namespace: prod, name: chat, metric: \"jobs|waiting\", series: "
              "other}]\n");
    dm_daemon *d = dr_open(&r);
    dr_live(&r, d, NULL, 100 * S);
    assert_true(was_asked("0 /apis/external.metrics.k8s.io/v1beta1/namespaces/prod/other"));
    assert_int_equal(spy.count, 6); /* one in the place of one */
    assert_int_equal(kw_replicas(r.world, 0, "prod", "chat"), 6);
    dr_end(d);
    dr_stop(&r);
    start(&r);
    dr_config("native", false, "", "  deriveMeters: false\n");
    d = dr_open(&r);
    dr_live(&r, d, NULL, 40 * S);
    assert_int_equal(spy.count, 0);
    dr_end(d);
    dr_stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_metric_becomes_meters),   cmocka_unit_test(entries_go_first),
        cmocka_unit_test(asks_as_an_autoscaler_does),   cmocka_unit_test(asks_only_where_the_workload_is),
        cmocka_unit_test(an_entry_or_a_flag_overrides),
    };
    return cmocka_run_group_tests(tests, dr_make_folder, dr_remove_folder);
}
