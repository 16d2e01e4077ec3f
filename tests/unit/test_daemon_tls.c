/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The program spillwayd itself, over TLS, in both modes: what arrives at the servers, and how it ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/daemon_rig.h"
#include "tests/support/kube_tls.h"

#define HUB      2
#define BINDINGS "/apis/work.karmada.io/v1alpha2/resourcebindings"
#define PATIENCE 1200 /* looks of 50 ms: what has not come then will not come */

#define POOL(name)                                                                                                     \
    "pools: [{name: " name ", gpu: RTX-5090, capacity: owned, gpusPerNode: 8, nodesMax: 2, price: 0.3 USD/h, "         \
    "nodeSelector: {gpu: \"5090\"}}]"

static bool have_tls;

static int set_up(void **state)
{
    have_tls = kt_begin();
    return dr_make_folder(state);
}

static int tear_down(void **state)
{
    static const char *const files[] = {"s0", "s1", "s2", "log"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        dr_forget(files[i]);
    }
    if (have_tls) {
        kt_end();
    }
    return dr_remove_folder(state);
}

/* --- the process ----------------------------------------------------------------------------------------------- */

static pid_t run_daemon(void)
{
    char config[128], log[128];
    const char *program = getenv("SPILLWAYD");
    (void)snprintf(config, sizeof config, "%s/d.yaml", dr_folder);
    (void)snprintf(log, sizeof log, "%s/log", dr_folder);
    program = program != NULL ? program : "build/spillwayd";
    const pid_t pid = fork();
    if (pid == 0) {
        const int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        (void)dup2(fd, 1);
        (void)dup2(fd, 2);
        (void)execl(program, program, "--config", config, (char *)NULL);
        _exit(127);
    }
    assert_true(pid > 0);
    return pid;
}

static char *log_text(void)
{
    char path[128];
    size_t size = 0;
    (void)snprintf(path, sizeof path, "%s/log", dr_folder);
    return dm_read_all(path, (size_t)1 << 20, &size);
}

static void end_daemon(pid_t pid)
{
    int status = 0;
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    char *log = log_text();
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || strstr(log, KT_TOKEN) != NULL) {
        fail_msg("status %d\n%s", status, log);
    }
    free(log);
}

/* --- the worlds ------------------------------------------------------------------------------------------------ */

typedef bool condition(const kw_world *w);

static void wait_for(kube_tls *k, const kw_world *w, condition *met, pid_t pid)
{
    const struct timespec nap = {0, 50000000};
    for (int i = 0; i < PATIENCE; i++) {
        kt_lock(k);
        const bool now = met(w);
        kt_unlock(k);
        if (now) {
            return;
        }
        (void)nanosleep(&nap, NULL);
    }
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
    fail_msg("it did not come to that\n%s", log_text());
}

static const kw_write *write_to(const kw_world *w, const char *method, const char *path, size_t nth)
{
    for (size_t i = 0; i < kw_writes(w); i++) {
        const kw_write *one = kw_write_at(w, i);
        if (strcmp(one->method, method) == 0 && strcmp(one->path, path) == 0 && nth-- == 0) {
            return one;
        }
    }
    return NULL;
}

#define SCALE_CHAT "/apis/apps/v1/namespaces/prod/deployments/chat/scale"
#define SCALE_SETS "/apis/apps/v1/namespaces/prod/statefulsets/set/scale"

static bool both_are_scaled(const kw_world *w)
{
    return write_to(w, "PATCH", SCALE_CHAT, 0) != NULL && write_to(w, "PATCH", SCALE_SETS, 0) != NULL;
}

static void put_configs(const kube_tls *k, size_t servers)
{
    for (size_t i = 0; i < servers; i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "%s/s%zu", dr_folder, i);
        kt_kubeconfig(k, i, path);
    }
}

#define HEAD                                                                                                           \
    "apiVersion: spillway.dev/v1alpha1\nkind: Daemon\nmetadata: {name: tls}\nspec:\n  tick: 500ms\n"                   \
    "  actuator: {kind: native}\n  http: {port: -1}\n"

/* Two clusters of their own: 16 GPUs in idc. A Deployment of 5 x 2 GPUs, a StatefulSet of 3 x 1: both go to idc. */
static void plain_clusters(void **state)
{
    (void)state;
    if (!have_tls) {
        print_message("skip: needs openssl and a libmicrohttpd with TLS\n");
        skip();
    }
    kw_world *w = kw_new(2);
    kube_tls *k = kt_start(w, 2);
    assert_non_null(k);
    put_configs(k, 2);
    dr_put_node(w, 0, "n1");
    dr_put_node(w, 0, "n2");
    dr_put_deployment(w, 0, 0);
    dr_put_deployment(w, 1, 0);
    kw_put(w, 0, "/apis/apps/v1/statefulsets",
           "{\"metadata\":{\"name\":\"set\",\"namespace\":\"prod\"},\"spec\":{\"replicas\":0}}");
    dr_write_text("m.yaml", "%s",
                  "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: chat, namespace: prod}\nspec: {replicas: 5, "
                  "template: {spec: {containers: [{name: c, resources: {limits: {nvidia.com/gpu: 2}}}]}}}\n---\n"
                  "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: set, namespace: prod}\nspec: {replicas: 3, "
                  "template: {spec: {containers: [{name: c, resources: {limits: {nvidia.com/gpu: 1}}}]}}}\n---\n"
                  "apiVersion: policy.one.alibabacloud.com/v1alpha1\nkind: PropagationPolicy\n"
                  "metadata: {name: all, namespace: prod}\nspec:\n"
                  "  resourceSelectors: [{apiVersion: apps/v1, kind: Deployment}, {apiVersion: apps/v1, kind: "
                  "StatefulSet}]\n"
                  "  placement:\n    clusterAffinities: [{affinityName: a, clusterNames: [idc]}, {affinityName: b, "
                  "clusterNames: [ack]}]\n"
                  "    replicaScheduling: {replicaSchedulingType: Divided, replicaDivisionPreference: Weighted, "
                  "weightPreference: {dynamicWeight: AvailableReplicas}}\n");
    dr_write_text("d.yaml",
                  HEAD "  mode: kubernetes\n  manifests: {files: [m.yaml]}\n  clusters:\n"
                       "    - {name: idc, access: {kubeconfig: s0}, %s}\n"
                       "    - {name: ack, access: {kubeconfig: s1}, %s}\n",
                  POOL("own"), POOL("own"));
    const pid_t pid = run_daemon();
    wait_for(k, w, both_are_scaled, pid);
    end_daemon(pid);
    const kw_write *chat = write_to(w, "PATCH", SCALE_CHAT, 0), *set = write_to(w, "PATCH", SCALE_SETS, 0);
    assert_int_equal(chat->server, 0);
    assert_non_null(strstr(chat->body, "\"spec\":{\"replicas\":5}"));
    assert_non_null(strstr(chat->body, "\"resourceVersion\":"));
    assert_int_equal(set->server, 0);
    assert_non_null(strstr(set->body, "\"spec\":{\"replicas\":3}"));
    assert_null(write_to(w, "PATCH", SCALE_CHAT, 1)); /* once is enough */
    assert_null(write_to(w, "PATCH", SCALE_SETS, 1));
    assert_int_equal(kw_replicas(w, 1, "prod", "chat"), 0);
    const json_t *lease = kw_get(w, 0, "/apis/coordination.k8s.io/v1/leases", "spillway-system", "spillwayd");
    assert_non_null(lease); /* held, and given up at the end */
    assert_string_equal(json_string_value(json_object_get(json_object_get(lease, "spec"), "holderIdentity")), "");
    kt_stop(k);
    kw_free(w);
}

/* --- Karmada --------------------------------------------------------------------------------------------------- */

#define PATCHED "/apis/work.karmada.io/v1alpha2/namespaces/prod/resourcebindings/chat-deployment"

static const json_t *binding_of(const kw_world *w)
{
    return kw_get(w, HUB, BINDINGS, "prod", "chat-deployment");
}

static int64_t placed(const kw_world *w, const char *cluster)
{
    const json_t *all = json_object_get(json_object_get(binding_of(w), "spec"), "clusters");
    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *one = json_array_get(all, i);
        if (strcmp(json_string_value(json_object_get(one, "name")), cluster) == 0) {
            return json_integer_value(json_object_get(one, "replicas"));
        }
    }
    return 0;
}

static const json_t *condition_of(const kw_world *w, const char *type)
{
    const json_t *all = json_object_get(json_object_get(binding_of(w), "status"), "conditions");
    for (size_t i = 0; i < json_array_size(all); i++) {
        if (strcmp(json_string_value(json_object_get(json_array_get(all, i), "type")), type) == 0) {
            return json_array_get(all, i);
        }
    }
    return NULL;
}

static bool is_settled(const kw_world *w, int64_t replicas)
{
    const json_t *status = json_object_get(binding_of(w), "status"), *meta = json_object_get(binding_of(w), "metadata");
    return placed(w, "idc") + placed(w, "ack") == replicas && condition_of(w, "Scheduled") != NULL &&
           json_integer_value(json_object_get(status, "schedulerObservedGeneration")) ==
               json_integer_value(json_object_get(meta, "generation"));
}

static bool five_are_placed(const kw_world *w)
{
    return is_settled(w, 5);
}

static bool six_are_placed(const kw_world *w)
{
    return is_settled(w, 6);
}

static void put_template(kw_world *w, int replicas)
{
    char json[400];
    (void)snprintf(json, sizeof json,
                   "{\"metadata\":{\"name\":\"chat\",\"namespace\":\"prod\"},\"spec\":{\"replicas\":%d,\"selector\":{},"
                   "\"template\":{\"spec\":{\"containers\":[{\"name\":\"c\",\"resources\":{\"limits\":{"
                   "\"nvidia.com/gpu\":\"2\"}}}]}}}}",
                   replicas);
    kw_put(w, HUB, "/apis/apps/v1/deployments", json);
}

#define PLACEMENT                                                                                                      \
    "{\"clusterAffinity\":{\"clusterNames\":[\"idc\",\"ack\"]},\"replicaScheduling\":{\"replicaSchedulingType\":"      \
    "\"Divided\",\"replicaDivisionPreference\":\"Weighted\",\"weightPreference\":{\"dynamicWeight\":"                  \
    "\"AvailableReplicas\"}}}"

static void fill_hub(kw_world *w)
{
    for (int i = 0; i < 2; i++) {
        char json[200];
        (void)snprintf(json, sizeof json,
                       "{\"metadata\":{\"name\":\"%s\"},\"spec\":{},\"status\":{\"conditions\":[{\"type\":\"Ready\","
                       "\"status\":\"True\"}]}}",
                       i == 0 ? "idc" : "ack");
        kw_put(w, HUB, "/apis/cluster.karmada.io/v1alpha1/clusters", json);
    }
    put_template(w, 5);
    kw_put(w, HUB, "/apis/policy.karmada.io/v1alpha1/propagationpolicies",
           "{\"metadata\":{\"name\":\"chat\",\"namespace\":\"prod\"},\"spec\":{\"schedulerName\":\"spillway\","
           "\"resourceSelectors\":[{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"name\":\"chat\"}],"
           "\"placement\":" PLACEMENT "}}");
    kw_put(w, HUB, BINDINGS,
           "{\"metadata\":{\"name\":\"chat-deployment\",\"namespace\":\"prod\",\"labels\":{"
           "\"propagationpolicy.karmada.io/permanent-id\":\"p\"}},\"spec\":{\"schedulerName\":\"spillway\","
           "\"replicas\":5,\"resource\":{\"kind\":\"Deployment\",\"namespace\":\"prod\",\"name\":\"chat\"},"
           "\"placement\":" PLACEMENT "},\"status\":{\"conditions\":[{\"type\":\"FullyApplied\",\"status\":\"True\","
           "\"reason\":\"x\",\"message\":\"theirs\"}]}}");
}

/*
 * Two members, one reached through the control plane. Room for 8 replicas in idc and 4 in ack; Webster's seats for 8:4
 * are 8, 4, 8/3, 8/5, 4/3 (and 8/7 for a sixth): 3 and 2, then 4 and 2.
 */
static void karmada(void **state)
{
    (void)state;
    if (!have_tls) {
        print_message("skip: needs openssl and a libmicrohttpd with TLS\n");
        skip();
    }
    kw_world *w = kw_new(3);
    kube_tls *k = kt_start(w, 3);
    assert_non_null(k);
    kt_proxy(k, "ack", 1);
    put_configs(k, 3);
    fill_hub(w);
    dr_put_node(w, 0, "n1");
    dr_put_node(w, 0, "n2");
    dr_put_node(w, 1, "n1");
    dr_write_text("d.yaml",
                  HEAD "  mode: karmada\n  controlPlane: {kubeconfig: s2}\n  manifests: {fromServer: true}\n"
                       "  clusters:\n    - {name: idc, access: {kubeconfig: s0}, %s}\n"
                       "    - {name: ack, reach: proxy, %s}\n",
                  POOL("own"), POOL("own"));
    const pid_t pid = run_daemon();
    wait_for(k, w, five_are_placed, pid);
    kt_lock(k);
    assert_int_equal(placed(w, "idc"), 3);
    assert_int_equal(placed(w, "ack"), 2);
    const json_t *notes = json_object_get(json_object_get(binding_of(w), "metadata"), "annotations");
    const char *applied = json_string_value(json_object_get(notes, "policy.karmada.io/applied-placement"));
    json_t *placement = applied != NULL ? json_loads(applied, 0, NULL) : NULL;
    assert_true(json_equal(placement, json_object_get(json_object_get(binding_of(w), "spec"), "placement")));
    json_decref(placement);
    assert_string_equal(json_string_value(json_object_get(condition_of(w, "Scheduled"), "status")), "True");
    assert_string_equal(json_string_value(json_object_get(condition_of(w, "FullyApplied"), "message")), "theirs");
    assert_non_null(write_to(w, "PATCH", PATCHED, 0));
    assert_non_null(write_to(w, "PATCH", PATCHED "/status", 0));
    assert_true(write_to(w, "PATCH", PATCHED, 0)->server == HUB);
    put_template(w, 6); /* told by the watch that is open */
    kt_unlock(k);
    wait_for(k, w, six_are_placed, pid);
    end_daemon(pid);
    assert_int_equal(placed(w, "idc"), 4);
    assert_int_equal(placed(w, "ack"), 2);
    for (size_t i = 0; i < kw_writes(w); i++) { /* members are seen, and written to by Karmada alone */
        assert_int_equal(kw_write_at(w, i)->server, HUB);
    }
    kt_stop(k);
    kw_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_clusters),
        cmocka_unit_test(karmada),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
