/* SPDX-License-Identifier: GPL-3.0-or-later */
/** daemon_rig.c - a Daemon file, its manifests, the servers it names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/daemon_rig.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define S    SPW_NS_PER_S
#define UNIX (INT64_C(1790000000) * S)

char dr_folder[64];

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

static spw_time mono(void *user)
{
    return kw_now(((daemon_rig *)user)->world);
}

static spw_time unix_now(void *user)
{
    return UNIX + kw_now(((daemon_rig *)user)->world) + ((daemon_rig *)user)->skew;
}

void dr_write_text(const char *name, const char *format, ...)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", dr_folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    va_list args;
    va_start(args, format);
    assert_true(vfprintf(f, format, args) > 0);
    va_end(args);
    assert_int_equal(fclose(f), 0);
}

void dr_forget(const char *name)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", dr_folder, name);
    (void)unlink(path);
}

static void dr_forget_all(void)
{
    static const char *const names[] = {"state",           "state.previous",       "state.new",
                                        "decisions.jsonl", "decisions.jsonl.torn", "stop"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        dr_forget(names[i]);
    }
}

void dr_put_node(kw_world *w, size_t server, const char *name)
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

void dr_put_deployment(kw_world *w, size_t server, int replicas)
{
    char json[200];
    (void)snprintf(json, sizeof json,
                   "{\"metadata\":{\"name\":\"chat\",\"namespace\":\"prod\"},\"spec\":{\"replicas\":%d}}", replicas);
    kw_put(w, server, "/apis/apps/v1/deployments", json);
}

void dr_start(daemon_rig *r)
{
    memset(r, 0, sizeof *r);
    dr_forget_all();
    r->world = kw_new(2);
    r->wire = kw_wire(r->world);
    dr_put_node(r->world, 0, "n1");
    dr_put_node(r->world, 0, "n2");
    dr_put_deployment(r->world, 0, 0);
    dr_put_deployment(r->world, 1, 0);
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
    dr_write_text("m.yaml", manifests, 5);
}

void dr_stop(daemon_rig *r)
{
    (void)fclose(r->log);
    free(r->said);
    kw_free(r->world);
}

bool dr_has_said(daemon_rig *r, const char *text)
{
    (void)fflush(r->log);
    return strstr(r->said, text) != NULL;
}

void dr_config(const char *act, bool lease, const char *memory, const char *more)
{
    char text[sizeof daemon_file + 600];
    (void)snprintf(text, sizeof text, daemon_file, act, lease ? "true" : "false", memory);
    dr_write_text("d.yaml", "%s%s", text, more);
}

dm_daemon *dr_open(daemon_rig *r)
{
    char path[128];
    spw_diag *diag = NULL;
    dm_config_file *file = NULL;
    dm_daemon *d = NULL;
    spw_err err = {.text = ""};
    (void)snprintf(path, sizeof path, "%s/d.yaml", dr_folder);
    assert_int_equal(spw_diag_new(NULL, 8, &diag), SPW_OK);
    if (dm_config_read(path, diag, &file) != SPW_OK || dm_daemon_new(file, &r->host, diag, &d) != SPW_OK) {
        fail_msg("%s", spw_diag_at(diag, 0));
    }
    spw_diag_free(diag);
    assert_int_equal(dm_daemon_open(d, NULL, &err), SPW_OK);
    return d;
}

dm_daemon *dr_begin(daemon_rig *r, const char *act, bool lease, const char *memory)
{
    dr_config(act, lease, memory, "");
    return dr_open(r);
}

void dr_end(dm_daemon *d)
{
    dm_daemon_close(d);
    dm_daemon_free(d);
}

void dr_keep_pods(daemon_rig *r)
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

void dr_live(daemon_rig *r, dm_daemon *a, dm_daemon *b, spw_dur how_long)
{
    const spw_time until = kw_now(r->world) + how_long;
    while (kw_now(r->world) < until) {
        assert_int_equal(dm_daemon_work(a, b != NULL ? S / 20 : until - kw_now(r->world), NULL), SPW_OK);
        if (b != NULL) {
            assert_int_equal(dm_daemon_work(b, S / 20, NULL), SPW_OK);
        }
        dr_keep_pods(r);
    }
}

int dr_make_folder(void **state)
{
    (void)state;
    (void)snprintf(dr_folder, sizeof dr_folder, "/tmp/spillwayd-XXXXXX");
    return mkdtemp(dr_folder) != NULL ? 0 : -1;
}

int dr_remove_folder(void **state)
{
    (void)state;
    dr_forget_all();
    dr_forget("m.yaml");
    dr_forget("d.yaml");
    dr_forget("decisions.jsonl2");
    return rmdir(dr_folder);
}
