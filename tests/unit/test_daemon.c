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
#include <sys/stat.h>
#include <unistd.h>

#include "sched/daemon/rights.h"
#include "tests/support/daemon_rig.h"

#define S SPW_NS_PER_S

static int64_t replicas(daemon_rig *r, size_t server)
{
    return kw_replicas(r->world, server, "prod", "chat");
}

static size_t scale_writes(daemon_rig *r)
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
    daemon_rig r;
    dm_status status;
    dm_latency latency;
    dr_start(&r);
    dm_daemon *d = dr_begin(&r, "native", true, "");
    dr_live(&r, d, NULL, 60 * S);
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
    dr_end(d);
    assert_true(
        dr_has_said(&r, "\"event\":\"action\",\"verb\":\"place\",\"workload\":\"prod/chat\",\"cluster\":\"idc\""));
    dr_stop(&r);
}

static void test_dry_run_writes_nothing(void **state)
{
    (void)state;
    daemon_rig r;
    dr_start(&r);
    r.host.dry_run = true;
    dm_daemon *d = dr_begin(&r, "native", true, "");
    dr_live(&r, d, NULL, 60 * S);
    dr_end(d);
    assert_int_equal(kw_writes(r.world), 0);
    char path[128];
    (void)snprintf(path, sizeof path, "%s/state", dr_folder);
    assert_int_not_equal(access(path, F_OK), 0);
    dr_stop(&r);
}

static bool file_has(const char *name, const char *text)
{
    char path[128];
    size_t size = 0;
    (void)snprintf(path, sizeof path, "%s/%s", dr_folder, name);
    char *content = dm_read_all(path, (size_t)1 << 20, &size);
    const bool has = content != NULL && strstr(content, text) != NULL;
    free(content);
    return has;
}

#define PLACED "\"verb\":\"place\",\"workload\":\"prod/chat\",\"cluster\":\"idc\",\"before\":0,\"amount\":5"

/* Actuator record: the decision is in the log, and nowhere else. */
static void test_record_keeps_the_plan(void **state)
{
    (void)state;
    daemon_rig r;
    dr_start(&r);
    dm_daemon *d = dr_begin(&r, "record", false, "");
    dr_live(&r, d, NULL, 40 * S);
    dr_end(d);
    assert_int_equal(kw_writes(r.world), 0);
    assert_true(file_has("decisions.jsonl", PLACED));
    dr_stop(&r);
}

/* Actuator tee: the servers are written to, and a program is given the same plan. */
static void test_tee_gives_the_plan_twice(void **state)
{
    (void)state;
    daemon_rig r;
    char path[128], act[300];
    dr_start(&r);
    dr_write_text("mirror", "#!/bin/sh\ncat >>%s/mirrored\n", dr_folder);
    (void)snprintf(path, sizeof path, "%s/mirror", dr_folder);
    assert_int_equal(chmod(path, 0700), 0);
    (void)snprintf(act, sizeof act, "tee, command: [%s]", path);
    dm_daemon *d = dr_begin(&r, act, true, "");
    dr_live(&r, d, NULL, 40 * S);
    dr_end(d);
    assert_int_equal(scale_writes(&r), 1);
    assert_int_equal(replicas(&r, 0), 5);
    assert_true(file_has("mirrored", "\"verb\":\"place\",\"before\":0,\"amount\":5"));
    dr_forget("mirror");
    dr_forget("mirrored");
    dr_stop(&r);
}

/* Two daemons, one of them with a wall clock an hour off: one writes; when it ends the other goes on within seconds. */
static void test_hand_over(void **state)
{
    (void)state;
    daemon_rig r;
    dm_status one, two;
    dm_latency latency;
    dr_start(&r);
    dm_daemon *a = dr_begin(&r, "native", true, "");
    dr_live(&r, a, NULL, 40 * S);
    daemon_rig other = r; /* the same world */
    other.skew = 3600 * S;
    other.host.user = &other;
    dr_forget("state");
    dm_daemon *b = dr_begin(&other, "native", true, "2");
    dr_live(&r, a, b, 60 * S);
    dm_daemon_status(a, &one, &latency);
    dm_daemon_status(b, &two, &latency);
    assert_true(one.leading);
    assert_false(two.leading);
    assert_true(two.observing);
    assert_true(two.loop.ticks >= 3);
    assert_int_equal(scale_writes(&r), 1);
    dm_daemon_close(a); /* gives the lease up */
    memcpy(other.pods, r.pods, sizeof other.pods);
    dr_live(&other, b, NULL, 25 * S);
    dm_daemon_status(b, &two, &latency);
    assert_true(two.leading);
    assert_int_equal(two.epoch, one.epoch + 1);
    dm_daemon_free(a);
    dr_end(b);
    dr_stop(&r);
}

static void test_kill_switch(void **state)
{
    (void)state;
    daemon_rig r;
    dr_start(&r);
    dm_daemon *d = dr_begin(&r, "native", false, "");
    dm_daemon_stop_writing(d, true);
    dr_live(&r, d, NULL, 40 * S);
    assert_int_equal(kw_writes(r.world), 0);
    dm_daemon_stop_writing(d, false);
    dr_write_text("stop", "%s", "x"); /* the file does the same */
    dr_live(&r, d, NULL, 40 * S);
    assert_int_equal(kw_writes(r.world), 0);
    dr_forget("stop");
    dr_live(&r, d, NULL, 40 * S);
    assert_int_equal(replicas(&r, 0), 5);
    dr_end(d);
    dr_stop(&r);
}

/* A damaged state file: it is said, and nothing is done until histories are there again. */
static void test_damaged_state_observes(void **state)
{
    (void)state;
    daemon_rig r;
    dr_start(&r);
    dr_write_text("state", "%s", "this is no state");
    dm_daemon *d = dr_begin(&r, "native", false, ", relearn: 100s");
    assert_true(dr_has_said(&r, "\"event\":\"state-damaged\""));
    dr_live(&r, d, NULL, 90 * S);
    assert_int_equal(kw_writes(r.world), 0);
    dr_live(&r, d, NULL, 400 * S);
    assert_int_equal(replicas(&r, 0), 5);
    dr_end(d);
    dr_stop(&r);
}

/* Restarted, it goes on: the count of a template that no server holds comes out of the state. */
static void test_restart(void **state)
{
    (void)state;
    daemon_rig r;
    dm_status status;
    dm_latency latency;
    dr_start(&r);
    dm_daemon *d = dr_begin(&r, "native", true, "");
    dr_live(&r, d, NULL, 40 * S);
    dr_end(d);
    dr_put_deployment(r.world, 0, 3); /* somebody, meanwhile */
    const size_t before = scale_writes(&r);
    d = dr_begin(&r, "native", true, "");
    dr_live(&r, d, NULL, 400 * S);
    dm_daemon_status(d, &status, &latency);
    assert_true(status.generation > 5);
    assert_true(scale_writes(&r) > before);
    assert_int_equal(replicas(&r, 0), 5);
    dr_end(d);
    dr_stop(&r);
}

/* Any call, read or write, meets any fault: the world ends the same, and no write was applied twice. */
static void test_any_call_fails(void **state)
{
    (void)state;
    for (int fault = KW_REFUSE; fault < KW_FAULTS; fault++) {
        for (uint64_t n = 0;; n++) {
            daemon_rig r;
            dr_start(&r);
            dm_daemon *d = dr_begin(&r, "native", true, "");
            kw_fail_at(r.world, n, false, (kw_fault)fault);
            dr_live(&r, d, NULL, 150 * S);
            size_t changed = 0;
            for (size_t i = 0; i < kw_writes(r.world); i++) {
                changed += strstr(kw_write_at(r.world, i)->path, "/scale") != NULL && kw_write_at(r.world, i)->changed;
            }
            if (replicas(&r, 0) != 5 || replicas(&r, 1) != 0 || changed != 1) {
                fail_msg("fault %d at call %d: idc %d, ack %d, changed %d times", fault, (int)n, (int)replicas(&r, 0),
                         (int)replicas(&r, 1), (int)changed);
            }
            const bool reached = kw_calls(r.world) > n;
            dr_end(d);
            dr_stop(&r);
            if (!reached || n >= 18) {
                break;
            }
        }
    }
}

/* The lines of --rights for a Daemon file. @return how many begin with `word` */
static size_t rights(daemon_rig *r, const char *act, bool lease, const char *word, bool *all)
{
    char path[128], *text = NULL;
    size_t size = 0, n = 0;
    spw_diag *diag = NULL;
    dm_config_file *file = NULL;
    FILE *out = open_memstream(&text, &size);
    dr_config(act, lease, "", "");
    (void)snprintf(path, sizeof path, "%s/d.yaml", dr_folder);
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
    daemon_rig r;
    bool all = false;
    dr_start(&r);
    assert_int_equal(rights(&r, "dry-run", false, "yes ", &all), 16);
    assert_true(all);
    assert_int_equal(rights(&r, "native", true, "yes ", &all), 27);
    assert_true(all);
    kw_fail_at(r.world, 9, false, KW_FORBID);
    assert_int_equal(rights(&r, "native", true, "?    idc  patch deployments.apps/scale  (", &all), 1);
    assert_false(all);
    dr_stop(&r);
}

#define SCALED(name, metrics)                                                                                          \
    "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: " name ", namespace: prod}\n"                        \
    "spec: {template: {spec: {containers: [{name: c, resources: {requests: {cpu: 1}}}]}}}\n"                           \
    "---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: " name ", namespace: prod}\n"    \
    "spec:\n  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: " name                                     \
    "}\n  maxReplicas: 8\n  metrics:\n" metrics
#define SCALED_CPU                                                                                                     \
    "    - {type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}\n"

/* What autoscalers name is asked for too: usage and metrics of pods in both clusters, values in the first; each once.
 */
static void test_rights_to_metrics(void **state)
{
    (void)state;
    daemon_rig r;
    bool all = false;
    dr_start(&r);
    dr_write_text("m.yaml", "%s",
                  SCALED("chat",
                         SCALED_CPU "    - {type: Pods, pods: {metric: {name: waiting}, target: {type: AverageValue, "
                                    "averageValue: 1}}}\n"
                                    "    - {type: External, external: {metric: {name: jobs}, target: {type: "
                                    "AverageValue, averageValue: 1}}}\n"
                                    "    - {type: Object, object: {describedObject: {apiVersion: "
                                    "networking.k8s.io/v1, kind: Ingress, name: front}, metric: {name: rps}, target: "
                                    "{type: Value, value: 1}}}\n") SCALED("code", SCALED_CPU));
    assert_int_equal(rights(&r, "dry-run", false, "yes ", &all), 16 + 6);
    assert_true(all);
    assert_int_equal(rights(&r, "dry-run", false, "yes  idc  list pods.metrics.k8s.io in prod\n", &all), 1);
    assert_int_equal(rights(&r, "dry-run", false, "yes  ack  list pods.metrics.k8s.io in prod\n", &all), 1);
    assert_int_equal(rights(&r, "dry-run", false, "yes  ack  get pods.custom.metrics.k8s.io/waiting in prod\n", &all),
                     1);
    assert_int_equal(rights(&r, "dry-run", false, "yes  idc  list jobs.external.metrics.k8s.io in prod\n", &all), 1);
    assert_int_equal(rights(&r, "dry-run", false,
                            "yes  idc  get ingresses.networking.k8s.io.custom.metrics.k8s.io/rps in prod\n", &all),
                     1);
    dr_write_text("m.yaml", "%s", "kind: Deployment\n");
    assert_int_equal(rights(&r, "dry-run", false, "?    metrics: not asked for", &all), 1);
    assert_false(all);
    dr_stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places_what_the_manifests_say),
        cmocka_unit_test(test_dry_run_writes_nothing),
        cmocka_unit_test(test_record_keeps_the_plan),
        cmocka_unit_test(test_tee_gives_the_plan_twice),
        cmocka_unit_test(test_hand_over),
        cmocka_unit_test(test_kill_switch),
        cmocka_unit_test(test_damaged_state_observes),
        cmocka_unit_test(test_restart),
        cmocka_unit_test(test_rights),
        cmocka_unit_test(test_rights_to_metrics),
        cmocka_unit_test(test_any_call_fails),
    };
    return cmocka_run_group_tests(tests, dr_make_folder, dr_remove_folder);
}
