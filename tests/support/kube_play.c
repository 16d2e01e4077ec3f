/* SPDX-License-Identifier: GPL-3.0-or-later */
/** kube_play.c - controllers in a nutshell. */
#include "tests/support/kube_play.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPLOYMENTS "/apis/apps/v1/deployments"
#define BINDINGS    "/apis/work.karmada.io/v1alpha2/resourcebindings"
#define PODS        "/api/v1/pods"

const char play_manifests[] = "apiVersion: apps/v1\n"
                              "kind: Deployment\n"
                              "metadata: {name: chat, namespace: prod, labels: {app: chat}}\n"
                              "spec:\n"
                              "  replicas: 6\n"
                              "  selector: {matchLabels: {app: chat}}\n"
                              "  template:\n"
                              "    metadata: {labels: {app: chat}}\n"
                              "    spec:\n"
                              "      containers: [{name: c, image: i, resources: {limits: {nvidia.com/gpu: 1}}}]\n"
                              "---\n"
                              "apiVersion: policy.one.alibabacloud.com/v1alpha1\n"
                              "kind: PropagationPolicy\n"
                              "metadata:\n"
                              "  name: own-first\n"
                              "  namespace: prod\n"
                              "  annotations: {spillway.dev/failback: automatic, spillway.dev/failback-window: 30s}\n"
                              "spec:\n"
                              "  resourceSelectors: [{apiVersion: apps/v1, kind: Deployment, name: chat}]\n"
                              "  placement:\n"
                              "    clusterAffinities:\n"
                              "      - {affinityName: own, clusterNames: [idc]}\n"
                              "      - {affinityName: cloud, clusterNames: [ack]}\n"
                              "    replicaScheduling:\n"
                              "      replicaSchedulingType: Divided\n"
                              "      replicaDivisionPreference: Weighted\n"
                              "      weightPreference: {dynamicWeight: AvailableReplicas}\n";

static bool is_karmada(const kube_play *p)
{
    return p->rig->fleet_spec.mode == KUBE_MODE_KARMADA;
}

void play_start(kube_play *p, kube_rig *r, int idc_nodes, int ack_nodes, int gpus)
{
    static const char *const clusters[] = {"idc", "ack"};
    char json[512];
    *p = (kube_play){.rig = r, .nodes = {idc_nodes, ack_nodes}, .gpus = gpus};
    for (size_t s = 0; s < 2; s++) {
        for (int n = 0; n < p->nodes[s]; n++) {
            (void)snprintf(json, sizeof json,
                           "{\"metadata\":{\"name\":\"n%d\",\"labels\":{\"gpu\":\"5090\"}},\"spec\":{},\"status\":{"
                           "\"allocatable\":{\"cpu\":\"64\",\"memory\":\"256Gi\",\"pods\":\"110\",\"nvidia.com/gpu\":"
                           "\"%d\"},\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}]}}",
                           n, gpus);
            kw_put(r->world, s, "/api/v1/nodes", json);
        }
        if (is_karmada(p)) {
            (void)snprintf(
                json, sizeof json,
                "{\"metadata\":{\"name\":\"%s\"},\"spec\":{},\"status\":{\"conditions\":[{\"type\":\"Ready\","
                "\"status\":\"True\"}]}}",
                clusters[s]);
            kw_put(r->world, RIG_PLANE, "/apis/cluster.karmada.io/v1alpha1/clusters", json);
        }
    }
}

void play_workload(kube_play *p, const char *name, int replicas)
{
    char json[700];
    if (!is_karmada(p)) {
        rig_deployment(p->rig, RIG_IDC, name, replicas);
        rig_deployment(p->rig, RIG_ACK, name, 0);
        return;
    }
    rig_deployment(p->rig, RIG_PLANE, name, replicas);
    (void)snprintf(json, sizeof json,
                   "{\"metadata\":{\"name\":\"%s-deployment\",\"namespace\":\"prod\",\"labels\":{"
                   "\"propagationpolicy.karmada.io/permanent-id\":\"p\"}},\"spec\":{\"schedulerName\":\"spillway\","
                   "\"replicas\":%d,\"resource\":{\"kind\":\"Deployment\",\"namespace\":\"prod\",\"name\":\"%s\"},"
                   "\"placement\":{\"clusterAffinity\":{\"clusterNames\":[\"idc\",\"ack\"]}}}}",
                   name, replicas, name);
    kw_put(p->rig->world, RIG_PLANE, BINDINGS, json);
}

void play_want(kube_play *p, const char *name, spw_id workload, int replicas)
{
    if (is_karmada(p)) {
        rig_deployment(p->rig, RIG_PLANE, name, replicas);
    } else {
        kube_source_template_set(p->rig->source, workload, replicas);
    }
}

int play_ready(const kube_play *p, size_t server, const char *owner)
{
    int n = 0;
    for (size_t i = 0; i < p->count; i++) {
        const play_pod *pod = &p->pods[i];
        n += pod->ready && (server == SIZE_MAX || pod->server == server) && strcmp(pod->owner, owner) == 0 ? 1 : 0;
    }
    return n;
}

int play_replicas(const kube_play *p, size_t server)
{
    const json_t *d = kw_get(p->rig->world, server, DEPLOYMENTS, "prod", "chat");
    return d != NULL ? (int)kw_replicas(p->rig->world, server, "prod", "chat") : 0;
}

const char *play_trouble(const kube_play *p, int ready_least, int replicas_most)
{
    static char text[120];
    const int all = play_replicas(p, RIG_IDC) + play_replicas(p, RIG_ACK), ready = play_ready(p, SIZE_MAX, "chat");
    (void)snprintf(text, sizeof text, "%d replicas, at most %d; %d ready, at least %d", all, replicas_most, ready,
                   ready_least);
    return all > replicas_most || ready < ready_least ? text : NULL;
}

/* --- pods ------------------------------------------------------------------------------------------------------ */

static void show(const kube_play *p, const play_pod *pod)
{
    char json[800], node[40] = "";
    if (pod->node >= 0) {
        (void)snprintf(node, sizeof node, "\"nodeName\":\"n%d\",", pod->node);
    }
    (void)snprintf(json, sizeof json,
                   "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"prod\",\"labels\":{\"pod-template-hash\":\"5d4f\"},"
                   "\"ownerReferences\":[{\"kind\":\"ReplicaSet\",\"name\":\"%s-5d4f\",\"controller\":true}]},"
                   "\"spec\":{%s\"containers\":[{\"name\":\"c\",\"resources\":{\"limits\":{\"nvidia.com/gpu\":\"1\"}}}]"
                   "},\"status\":{\"phase\":\"%s\",\"startTime\":\"2026-09-21T12:00:00Z\",\"conditions\":[{\"type\":"
                   "\"Ready\",\"status\":\"%s\",\"lastTransitionTime\":\"2026-09-21T12:01:00Z\"}]}}",
                   pod->name, pod->owner, node, pod->node >= 0 ? "Running" : "Pending", pod->ready ? "True" : "False");
    kw_put(p->rig->world, pod->server, PODS, json);
}

static void bear(kube_play *p, size_t server, const char *owner)
{
    assert(p->count < PLAY_PODS);
    play_pod *pod = &p->pods[p->count++];
    *pod = (play_pod){.server = server, .node = -1};
    (void)snprintf(pod->name, sizeof pod->name, "%.40s-5d4f-%03u", owner, (unsigned)p->born++);
    (void)snprintf(pod->owner, sizeof pod->owner, "%s", owner);
    show(p, pod);
}

/* Less to lose first: without a node, not ready, young. */
static bool goes_before(const play_pod *a, const play_pod *b)
{
    if ((a->node < 0) != (b->node < 0)) {
        return a->node < 0;
    }
    return a->ready != b->ready ? !a->ready : strcmp(a->name, b->name) > 0;
}

static void bury(kube_play *p, size_t server, const char *owner)
{
    size_t last = SIZE_MAX;
    for (size_t i = 0; i < p->count; i++) {
        const play_pod *pod = &p->pods[i];
        if (pod->server == server && strcmp(pod->owner, owner) == 0 &&
            (last == SIZE_MAX || goes_before(pod, &p->pods[last]))) {
            last = i;
        }
    }
    assert(last != SIZE_MAX);
    kw_delete(p->rig->world, server, PODS, "prod", p->pods[last].name);
    p->pods[last] = p->pods[--p->count];
}

static int alive(const kube_play *p, size_t server, const char *owner)
{
    int n = 0;
    for (size_t i = 0; i < p->count; i++) {
        n += p->pods[i].server == server && strcmp(p->pods[i].owner, owner) == 0 ? 1 : 0;
    }
    return n;
}

static void schedule(kube_play *p)
{
    for (size_t i = 0; i < p->count; i++) {
        play_pod *pod = &p->pods[i];
        for (int n = 0; n < p->nodes[pod->server] && pod->node < 0; n++) {
            int taken = 0;
            for (size_t k = 0; k < p->count; k++) {
                taken += p->pods[k].server == pod->server && p->pods[k].node == n ? 1 : 0;
            }
            if (taken < p->gpus) {
                pod->node = n;
                pod->since = kw_now(p->rig->world);
                show(p, pod);
            }
        }
        if (pod->node >= 0 && !pod->ready && kw_now(p->rig->world) - pod->since >= PLAY_START) {
            pod->ready = true;
            show(p, pod);
        }
    }
}

static void reconcile(kube_play *p, size_t server, const char *owner)
{
    const json_t *d = kw_get(p->rig->world, server, DEPLOYMENTS, "prod", owner);
    const int want = d != NULL ? (int)kw_replicas(p->rig->world, server, "prod", owner) : 0;
    while (alive(p, server, owner) < want) {
        bear(p, server, owner);
    }
    while (alive(p, server, owner) > want) {
        bury(p, server, owner);
    }
}

/* --- Karmada --------------------------------------------------------------------------------------------------- */

static int in_list(const json_t *list, const char *name_key, const char *cluster)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        const char *name = json_string_value(json_object_get(one, name_key));
        if (name != NULL && strcmp(name, cluster) == 0) {
            return (int)json_integer_value(json_object_get(one, "replicas"));
        }
    }
    return -1;
}

static void put_back(kube_play *p, const json_t *binding)
{
    char *text = json_dumps(binding, JSON_COMPACT);
    assert(text != NULL);
    kw_put(p->rig->world, RIG_PLANE, BINDINGS, text);
    free(text);
}

/* Works from the list; those of evicted clusters until the replacements are healthy; spec.replicas of the template. */
static void propagate(kube_play *p, const char *owner)
{
    static const char *const clusters[] = {"idc", "ack"};
    kw_world *w = p->rig->world;
    char name[80];
    (void)snprintf(name, sizeof name, "%s-deployment", owner);
    json_t *b = json_deep_copy(kw_get(w, RIG_PLANE, BINDINGS, "prod", name));
    json_t *spec = json_object_get(b, "spec");
    const json_t *list = json_object_get(spec, "clusters"), *tasks = json_object_get(spec, "gracefulEvictionTasks");
    bool healthy = true;
    for (size_t s = 0; s < 2; s++) {
        const int want = in_list(list, "name", clusters[s]);
        healthy = healthy && (want < 0 || play_ready(p, s, owner) >= want);
    }
    for (size_t s = 0; s < 2; s++) {
        const int want = in_list(list, "name", clusters[s]), kept = in_list(tasks, "fromCluster", clusters[s]);
        const int replicas = want >= 0 ? want : kept;
        const json_t *d = kw_get(w, s, DEPLOYMENTS, "prod", owner);
        if (replicas >= 0 && (d == NULL || kw_replicas(w, s, "prod", owner) != replicas)) {
            rig_deployment(p->rig, s, owner, replicas);
        } else if (replicas < 0 && d != NULL) {
            kw_delete(w, s, DEPLOYMENTS, "prod", owner);
        }
    }
    const json_int_t template = kw_replicas(w, RIG_PLANE, "prod", owner);
    const bool resized = json_integer_value(json_object_get(spec, "replicas")) != template;
    const bool over = healthy && json_array_size(tasks) > 0;
    if (resized) {
        (void)json_object_set_new(spec, "replicas", json_integer(template));
    }
    if (over) {
        (void)json_object_set_new(spec, "gracefulEvictionTasks", json_array());
    }
    if (resized || over) {
        put_back(p, b);
    }
    json_decref(b);
}

void play_step(kube_play *p)
{
    static const char *const owners[] = {"chat"};
    for (size_t i = 0; i < sizeof owners / sizeof owners[0]; i++) {
        if (is_karmada(p)) {
            propagate(p, owners[i]);
        }
        for (size_t s = 0; s < 2; s++) {
            reconcile(p, s, owners[i]);
        }
    }
    schedule(p);
}
