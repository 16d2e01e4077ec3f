/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The daemon against API servers in memory: start, act, hand over, restart, kill switch, and any call that fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sched/daemon/daemon.h"
#include "sched/daemon/rights.h"
#include "tests/support/kube_world.h"

#define S    SPW_NS_PER_S
#define UNIX (INT64_C(1790000000) * S)

static char folder[64];

static const char manifests[] =
    "apiVersion: apps/v1\n"
    "kind: Deployment\n"
    "metadata: {name: chat, namespace: prod, annotations: {spillway.dev/gpu-classes: RTX-5090}}\n"
    "spec:\n"
    "  replicas: %d\n"
    "  selector: {matchLabels: {app: chat}}\n"
    "  template:\n"
    "    metadata: {labels: {app: chat}}\n"
    "    spec: {containers: [{name: c, image: i, resources: {limits: {nvidia.com/gpu: 2}}}]}\n"
    "---\n"
    "apiVersion: policy.one.alibabacloud.com/v1alpha1\n"
    "kind: PropagationPolicy\n"
    "metadata: {name: chat, namespace: prod}\n"
    "spec:\n"
    "  resourceSelectors: [{apiVersion: apps/v1, kind: Deployment, namespace: prod, name: chat}]\n"
    "  placement:\n"
    "    clusterAffinities:\n"
    "      - {affinityName: owned, clusterNames: [idc]}\n"
    "      - {affinityName: cloud, clusterNames: [ack]}\n"
    "    replicaScheduling:\n"
    "      replicaSchedulingType: Divided\n"
    "      replicaDivisionPreference: Weighted\n"
    "      weightPreference: {dynamicWeight: AvailableReplicas}\n";

static const char daemon_file[] =
    "apiVersion: spillway.dev/v1alpha1\n"
    "kind: Daemon\n"
    "metadata: {name: test}\n"
    "spec:\n"
    "  mode: kubernetes\n"
    "  manifests: {files: [m.yaml]}\n"
    "  clusters:\n"
    "    - {name: idc, access: {kubeconfig: none}, pools: [{name: own, gpu: RTX-5090, capacity: owned, gpusPerNode: 8, "
    "nodesMin: 2, nodesMax: 2, price: 0.3 USD/h, nodeSelector: {gpu: \"5090\"}}]}\n"
    "    - {name: ack, access: {kubeconfig: none}, pools: [{name: od, gpu: RTX-5090, capacity: on-demand, gpusPerNode: "
    "8, nodesMax: 4, price: 0.9 USD/h, nodeSelector: {gpu: \"5090\"}}]}\n"
    "  actuator: {kind: %s}\n"
    "  guards: {stopFile: stop}\n"
    "  lease: {enabled: %s}\n"
    "  memory: {state: state, decisions: decisions.jsonl%s}\n";

typedef struct rig {
    kw_world *world;
    kube_wire wire;
    FILE *log;
    char *said;
    size_t said_size;
    dm_voice voice;
    dm_host host;
    spw_dur skew; /* of this host's wall clock */
    int pods[2];  /* of each server */
} rig;

static spw_time mono(void *user)
{
    return kw_now(((rig *)user)->world);
}

static spw_time unix_now(void *user)
{
    return UNIX + kw_now(((rig *)user)->world) + ((rig *)user)->skew;
}

static void write_text(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void write_text(const char *name, const char *format, ...)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    va_list args;
    va_start(args, format);
    assert_true(vfprintf(f, format, args) > 0);
    va_end(args);
    assert_int_equal(fclose(f), 0);
}

static void forget(const char *name)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    (void)unlink(path);
}

static void forget_all(void)
{
    static const char *const names[] = {"state",           "state.previous",       "state.new",
                                        "decisions.jsonl", "decisions.jsonl.torn", "stop"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        forget(names[i]);
    }
}

static void put_node(kw_world *w, size_t server, const char *name)
{
    char json[600];
    (void)snprintf(
        json, sizeof json,
        "{\"metadata\":{\"name\":\"%s\",\"labels\":{\"gpu\":\"5090\"}},\"spec\":{},\"status\":{\"allocatable\":"
        "{\"cpu\":\"64\",\"memory\":\"256Gi\",\"pods\":\"110\",\"nvidia.com/gpu\":\"8\"},\"conditions\":[{"
        "\"type\":\"Ready\",\"status\":\"True\"}]}}",
        name);
    kw_put(w, server, "/api/v1/nodes", json);
}

static void put_deployment(kw_world *w, size_t server, int replicas)
{
    char json[200];
    (void)snprintf(json, sizeof json,
                   "{\"metadata\":{\"name\":\"chat\",\"namespace\":\"prod\"},\"spec\":{\"replicas\":%d}}", replicas);
    kw_put(w, server, "/apis/apps/v1/deployments", json);
}

/* Two clusters: 16 GPUs that are owned, none in the cloud yet. A replica takes 2. */
static void start(rig *r)
{
    memset(r, 0, sizeof *r);
    forget_all();
    r->world = kw_new(2);
    r->wire = kw_wire(r->world);
    put_node(r->world, 0, "n1");
    put_node(r->world, 0, "n2");
    put_deployment(r->world, 0, 0);
    put_deployment(r->world, 1, 0);
    r->log = open_memstream(&r->said, &r->said_size);
    assert_non_null(r->log);
    r->voice = (dm_voice){.out = r->log, .format = DM_JSON, .level = DM_DEBUG};
    r->host = (dm_host){.files = dm_files_posix(),
                        .voice = &r->voice,
                        .wire = &r->wire,
                        .mono = mono,
                        .unix_now = unix_now,
                        .user = r,
                        .wake_fd = -1,
                        .results = r->log};
    write_text("m.yaml", manifests, 5);
}

static void stop(rig *r)
{
    (void)fclose(r->log);
    free(r->said);
    kw_free(r->world);
}

static bool has_said(rig *r, const char *text)
{
    (void)fflush(r->log);
    return strstr(r->said, text) != NULL;
}

static dm_daemon *begin(rig *r, const char *act, bool lease, const char *memory)
{
    char path[128];
    spw_diag *diag = NULL;
    dm_config_file *file = NULL;
    dm_daemon *d = NULL;
    spw_err err = {.text = ""};
    write_text("d.yaml", daemon_file, act, lease ? "true" : "false", memory);
    (void)snprintf(path, sizeof path, "%s/d.yaml", folder);
    assert_int_equal(spw_diag_new(NULL, 8, &diag), SPW_OK);
    if (dm_config_read(path, diag, &file) != SPW_OK || dm_daemon_new(file, &r->host, diag, &d) != SPW_OK) {
        fail_msg("%s", spw_diag_at(diag, 0));
    }
    spw_diag_free(diag);
    assert_int_equal(dm_daemon_open(d, NULL, &err), SPW_OK);
    return d;
}

static void end(dm_daemon *d)
{
    dm_daemon_close(d);
    dm_daemon_free(d);
}

/* What kubelets and controllers would do: a ready pod for each replica, four on a node. */
static void keep_pods(rig *r)
{
    for (size_t server = 0; server < 2; server++) {
        const int64_t want = kw_replicas(r->world, server, "prod", "chat");
        while (r->pods[server] < want) {
            char json[900];
            (void)snprintf(
                json, sizeof json,
                "{\"metadata\":{\"name\":\"chat-5d4f-%d\",\"namespace\":\"prod\",\"labels\":{\"pod-template-hash\":"
                "\"5d4f\"},\"ownerReferences\":[{\"kind\":\"ReplicaSet\",\"name\":\"chat-5d4f\",\"controller\":true}]},"
                "\"spec\":{\"nodeName\":\"n%d\",\"containers\":[{\"name\":\"c\",\"resources\":{\"limits\":{"
                "\"nvidia.com/"
                "gpu\":\"2\"}}}]},\"status\":{\"phase\":\"Running\",\"startTime\":\"2026-09-21T12:00:00Z\","
                "\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\",\"lastTransitionTime\":"
                "\"2026-09-21T12:01:00Z\"}]}}",
                r->pods[server], r->pods[server] / 4 + 1);
            kw_put(r->world, server, "/api/v1/pods", json);
            r->pods[server]++;
        }
        while (r->pods[server] > want) {
            char name[32];
            (void)snprintf(name, sizeof name, "chat-5d4f-%d", --r->pods[server]);
            kw_delete(r->world, server, "/api/v1/pods", "prod", name);
        }
    }
}

/* Both daemons in turn, so that neither waits for the other. b may be NULL. */
static void live(rig *r, dm_daemon *a, dm_daemon *b, spw_dur how_long)
{
    const spw_time until = kw_now(r->world) + how_long;
    while (kw_now(r->world) < until) {
        assert_int_equal(dm_daemon_work(a, b != NULL ? S / 20 : until - kw_now(r->world), NULL), SPW_OK);
        if (b != NULL) {
            assert_int_equal(dm_daemon_work(b, S / 20, NULL), SPW_OK);
        }
        keep_pods(r);
    }
}

static int64_t replicas(rig *r, size_t server)
{
    return kw_replicas(r->world, server, "prod", "chat");
}

static size_t scale_writes(rig *r)
{
    size_t n = 0;
    for (size_t i = 0; i < kw_writes(r->world); i++) {
        n += strstr(kw_write_at(r->world, i)->path, "/scale") != NULL ? 1 : 0;
    }
    return n;
}

static void test_places_what_the_manifests_say(void **state)
{
    (void)state;
    rig r;
    dm_status status;
    dm_latency latency;
    start(&r);
    dm_daemon *d = begin(&r, "native", true, "");
    live(&r, d, NULL, 60 * S);
    assert_int_equal(replicas(&r, 0), 5);
    assert_int_equal(replicas(&r, 1), 0);
    dm_daemon_status(d, &status, &latency);
    assert_true(status.leading);
    assert_false(status.observing);
    assert_true(status.loop.ticks >= 3);
    assert_int_equal(status.loop.ticks, latency.ticks);
    assert_int_equal(status.told.done, 1);
    assert_int_equal(status.clusters, 2);
    assert_int_equal(scale_writes(&r), 1);
    end(d);
    assert_true(has_said(&r, "\"event\":\"action\",\"verb\":\"place\",\"workload\":\"prod/chat\",\"cluster\":\"idc\""));
    stop(&r);
}

static void test_dry_run_writes_nothing(void **state)
{
    (void)state;
    rig r;
    start(&r);
    r.host.dry_run = true;
    dm_daemon *d = begin(&r, "native", true, "");
    live(&r, d, NULL, 60 * S);
    end(d);
    assert_int_equal(kw_writes(r.world), 0);
    char path[128];
    (void)snprintf(path, sizeof path, "%s/state", folder);
    assert_int_not_equal(access(path, F_OK), 0);
    stop(&r);
}

/* Two daemons, one of them with a wall clock an hour off: one writes; when it ends the other goes on within seconds. */
static void test_hand_over(void **state)
{
    (void)state;
    rig r;
    dm_status one, two;
    dm_latency latency;
    start(&r);
    dm_daemon *a = begin(&r, "native", true, "");
    live(&r, a, NULL, 40 * S);
    rig other = r; /* the same world */
    other.skew = 3600 * S;
    other.host.user = &other;
    forget("state");
    dm_daemon *b = begin(&other, "native", true, "2");
    live(&r, a, b, 60 * S);
    dm_daemon_status(a, &one, &latency);
    dm_daemon_status(b, &two, &latency);
    assert_true(one.leading);
    assert_false(two.leading);
    assert_true(two.observing);
    assert_true(two.loop.ticks >= 3);
    assert_int_equal(scale_writes(&r), 1);
    dm_daemon_close(a); /* gives the lease up */
    memcpy(other.pods, r.pods, sizeof other.pods);
    live(&other, b, NULL, 25 * S);
    dm_daemon_status(b, &two, &latency);
    assert_true(two.leading);
    assert_int_equal(two.epoch, one.epoch + 1);
    dm_daemon_free(a);
    end(b);
    stop(&r);
}

static void test_kill_switch(void **state)
{
    (void)state;
    rig r;
    start(&r);
    dm_daemon *d = begin(&r, "native", false, "");
    dm_daemon_stop_writing(d, true);
    live(&r, d, NULL, 40 * S);
    assert_int_equal(kw_writes(r.world), 0);
    dm_daemon_stop_writing(d, false);
    write_text("stop", "%s", "x"); /* the file does the same */
    live(&r, d, NULL, 40 * S);
    assert_int_equal(kw_writes(r.world), 0);
    forget("stop");
    live(&r, d, NULL, 40 * S);
    assert_int_equal(replicas(&r, 0), 5);
    end(d);
    stop(&r);
}

/* A damaged state file: it is said, and nothing is done until histories are there again. */
static void test_damaged_state_observes(void **state)
{
    (void)state;
    rig r;
    start(&r);
    write_text("state", "%s", "this is no state");
    dm_daemon *d = begin(&r, "native", false, ", relearn: 100s");
    assert_true(has_said(&r, "\"event\":\"state-damaged\""));
    live(&r, d, NULL, 90 * S);
    assert_int_equal(kw_writes(r.world), 0);
    live(&r, d, NULL, 400 * S);
    assert_int_equal(replicas(&r, 0), 5);
    end(d);
    stop(&r);
}

/* Restarted, it goes on: the count of a template that no server holds comes out of the state. */
static void test_restart(void **state)
{
    (void)state;
    rig r;
    dm_status status;
    dm_latency latency;
    start(&r);
    dm_daemon *d = begin(&r, "native", true, "");
    live(&r, d, NULL, 40 * S);
    end(d);
    put_deployment(r.world, 0, 3); /* somebody, meanwhile */
    const size_t before = scale_writes(&r);
    d = begin(&r, "native", true, "");
    live(&r, d, NULL, 400 * S);
    dm_daemon_status(d, &status, &latency);
    assert_true(status.generation > 5);
    assert_true(scale_writes(&r) > before);
    assert_int_equal(replicas(&r, 0), 5);
    end(d);
    stop(&r);
}

/* Any call, read or write, meets any fault: the world ends the same, and no write was applied twice. */
static void test_any_call_fails(void **state)
{
    (void)state;
    for (int fault = KW_REFUSE; fault < KW_FAULTS; fault++) {
        for (uint64_t n = 0;; n++) {
            rig r;
            start(&r);
            dm_daemon *d = begin(&r, "native", true, "");
            kw_fail_at(r.world, n, false, (kw_fault)fault);
            live(&r, d, NULL, 150 * S);
            size_t changed = 0;
            for (size_t i = 0; i < kw_writes(r.world); i++) {
                changed += strstr(kw_write_at(r.world, i)->path, "/scale") != NULL && kw_write_at(r.world, i)->changed;
            }
            if (replicas(&r, 0) != 5 || replicas(&r, 1) != 0 || changed != 1) {
                fail_msg("fault %d at call %d: idc %d, ack %d, changed %d times", fault, (int)n, (int)replicas(&r, 0),
                         (int)replicas(&r, 1), (int)changed);
            }
            const bool reached = kw_calls(r.world) > n;
            end(d);
            stop(&r);
            if (!reached || n >= 18) {
                break;
            }
        }
    }
}

static int make_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/spillwayd-XXXXXX");
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    forget_all();
    forget("m.yaml");
    forget("d.yaml");
    forget("decisions.jsonl2");
    return rmdir(folder);
}

/* The lines of --rights for a Daemon file. @return how many begin with `word` */
static size_t rights(rig *r, const char *act, bool lease, const char *word, bool *all)
{
    char path[128], *text = NULL;
    size_t size = 0, n = 0;
    spw_diag *diag = NULL;
    dm_config_file *file = NULL;
    FILE *out = open_memstream(&text, &size);
    write_text("d.yaml", daemon_file, act, lease ? "true" : "false", "");
    (void)snprintf(path, sizeof path, "%s/d.yaml", folder);
    assert_int_equal(spw_diag_new(NULL, 8, &diag), SPW_OK);
    assert_int_equal(dm_config_read(path, diag, &file), SPW_OK);
    assert_int_equal(dm_rights(dm_config_get(file), &r->host, out, diag, all), SPW_OK);
    assert_int_equal(fclose(out), 0);
    for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
        n += strncmp(line, word, strlen(word)) == 0 ? 1 : 0;
    }
    free(text);
    dm_config_free(file);
    spw_diag_free(diag);
    return n;
}

/* Two clusters, each seen by eight rights; four more to scale; three for the lease. */
static void test_rights(void **state)
{
    (void)state;
    rig r;
    bool all = false;
    start(&r);
    assert_int_equal(rights(&r, "dry-run", false, "yes ", &all), 16);
    assert_true(all);
    assert_int_equal(rights(&r, "native", true, "yes ", &all), 27);
    assert_true(all);
    kw_fail_at(r.world, 9, false, KW_FORBID);
    assert_int_equal(rights(&r, "native", true, "?    idc  patch deployments.apps/scale  (", &all), 1);
    assert_false(all);
    stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places_what_the_manifests_say),
        cmocka_unit_test(test_dry_run_writes_nothing),
        cmocka_unit_test(test_hand_over),
        cmocka_unit_test(test_kill_switch),
        cmocka_unit_test(test_damaged_state_observes),
        cmocka_unit_test(test_restart),
        cmocka_unit_test(test_rights),
        cmocka_unit_test(test_any_call_fails),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
