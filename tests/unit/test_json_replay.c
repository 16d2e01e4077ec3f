/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_json_replay.c - calls that hand the state on against one core that keeps it, and recorded logs decided again:
 * identical where nothing was touched, also when the actuator of the recorded run failed; the first difference where
 * one digit was.
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
#include <unistd.h>

#include <spillway/json.h>
#include <spillway/seam.h>

#include "sim/cli/commands.h"

/* --- help --- */

static spw_diag *new_diag(void)
{
    spw_diag *diag = NULL;
    assert_int_equal(spw_diag_new(NULL, 32, &diag), SPW_OK);
    return diag;
}

/* Reads a text that must be good. */
static spw_json_snapshot *good(const char *text)
{
    spw_json_snapshot *snapshot = NULL;
    spw_diag *diag = new_diag();
    const spw_rc rc = spw_json_snapshot_read(text, strlen(text), "s.json", diag, &snapshot);
    if (rc != SPW_OK || spw_diag_count(diag) != 0) {
        fail_msg("rc %d: %s", (int)rc, spw_diag_count(diag) > 0 ? spw_diag_at(diag, 0) : "no message");
    }
    spw_diag_free(diag);
    return snapshot;
}

#define POOL "\"gpu\":\"G\",\"capacity\":\"owned\",\"price_uusd_per_gpu_h\":1"

/* --- one call after the other, and a log decided again --- */

static const char objects[] =
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: chat, namespace: prod}\nspec:\n  replicas: 10\n"
    "  selector: {matchLabels: {app: chat}}\n  template:\n    metadata: {labels: {app: chat}}\n    spec:\n"
    "      containers: [{name: e, image: \"e:1\", resources: {limits: {nvidia.com/gpu: \"1\"}}}]\n---\n"
    "apiVersion: policy.one.alibabacloud.com/v1alpha1\nkind: PropagationPolicy\n"
    "metadata: {name: chat, namespace: prod}\nspec:\n"
    "  resourceSelectors: [{apiVersion: apps/v1, kind: Deployment, namespace: prod, name: chat}]\n"
    "  autoScaling: {ecsProvision: true}\n  placement:\n    clusterAffinities:\n"
    "      - {affinityName: own, clusterNames: [idc]}\n      - {affinityName: cloud, clusterNames: [ack]}\n"
    "    replicaScheduling:\n      replicaSchedulingType: Divided\n      replicaDivisionPreference: Weighted\n"
    "      weightPreference: {dynamicWeight: AvailableReplicas}\n";

/* Four ticks: nothing runs; the own cluster runs; the cloud, too; the same again. */
static spw_json_snapshot *scene(int tick)
{
    static const char *const placed[] = {"\"assigned\":{}",
                                         "\"assigned\":{\"idc\":8,\"ack\":2},\"pending\":{\"ack\":2}",
                                         "\"assigned\":{\"idc\":8,\"ack\":2}", "\"assigned\":{\"idc\":8,\"ack\":2}"};
    static const int idc_free[] = {8, 0, 0, 0}, ack_nodes[] = {0, 0, 1, 1}, ack_free[] = {0, 0, 2, 2};
    char text[2048];
    (void)snprintf(
        text, sizeof text,
        "{\"now_ns\":%" PRId64 ",\"clusters\":[{\"name\":\"idc\",\"pools\":[{\"name\":\"own\"," POOL
        ",\"gpus_per_node\":4,\"nodes\":2,\"gpus_free\":%d}]},{\"name\":\"ack\",\"pools\":[{\"name\":\"od\",\"gpu\":"
        "\"G\",\"capacity\":\"on-demand\",\"price_uusd_per_gpu_h\":9,\"gpus_per_node\":4,\"nodes\":%d,"
        "\"nodes_target\":%d,\"nodes_min\":0,\"nodes_max\":3,\"gpus_free\":%d}]}],\"workloads\":["
        "{\"namespace\":\"prod\",\"name\":\"chat\",\"replicas\":10,%s}]}",
        tick * INT64_C(15) * SPW_NS_PER_S, idc_free[tick], ack_nodes[tick], tick > 0, ack_free[tick], placed[tick]);
    return good(text);
}

#define TICKS 4

typedef struct stage {
    spw_manifest_set *set;
    const spw_config *config;
    spw_settings settings;
    spw_json_snapshot *scenes[TICKS];
    int tick, fails_at;
    spw_json_buffer log;
} stage;

static spw_rc stage_observe(void *self, spw_time now, const spw_snapshot **out, spw_err *err)
{
    const stage *g = self;
    (void)now;
    (void)err;
    *out = spw_json_snapshot_get(g->scenes[g->tick]);
    return SPW_OK;
}

static spw_rc stage_emit(void *user, const char *line, size_t size)
{
    stage *g = user;
    return spw_json_tick_write(line, size, spw_json_snapshot_get(g->scenes[g->tick]), g->config, &g->log);
}

static spw_rc stage_begin(void *self, const spw_tick_info *info, spw_err *err)
{
    (void)self;
    (void)info;
    (void)err;
    return SPW_OK;
}

static spw_rc stage_submit(void *self, const spw_action *action, uint64_t ticket, spw_err *err)
{
    (void)self;
    (void)action;
    (void)ticket;
    (void)err;
    return SPW_OK;
}

static spw_rc stage_commit(void *self, spw_err *err)
{
    const stage *g = self;
    (void)err;
    return g->tick == g->fails_at ? SPW_BACKEND : SPW_OK;
}

static void stage_open(stage *g)
{
    spw_diag *diag = new_diag();
    memset(g, 0, sizeof *g);
    g->fails_at = -1;
    g->set = spw_manifest_new(NULL);
    assert_int_equal(spw_manifest_add_text(g->set, "o.yaml", objects, sizeof objects - 1, diag), SPW_OK);
    assert_int_equal(spw_manifest_config(g->set, diag, &g->config), SPW_OK);
    spw_settings_default(&g->settings);
    for (int i = 0; i < TICKS; i++) {
        g->scenes[i] = scene(i);
    }
    spw_diag_free(diag);
}

static void stage_close(stage *g)
{
    for (int i = 0; i < TICKS; i++) {
        spw_json_snapshot_free(g->scenes[i]);
    }
    spw_json_buffer_fini(&g->log);
    spw_manifest_free(g->set);
}

/* A log of all ticks, as a run writes it. */
static void stage_record(stage *g)
{
    static char line[16384];
    const spw_json_manifest manifest = {"o.yaml", objects, sizeof objects - 1};
    const spw_json_head head = {.settings = g->settings, .manifests = &manifest, .manifest_count = 1};
    spw_core *core = NULL;
    spw_loop *loop = NULL;
    spw_record record = {.emit = stage_emit, .user = g, .buf = line, .size = sizeof line};
    const spw_source source = {.version = SPW_API_VERSION, .name = "stage", .self = g, .observe = stage_observe};
    spw_tee tee = {spw_actuator_record(&record),
                   {.version = SPW_API_VERSION,
                    .name = "stage",
                    .self = g,
                    .begin = stage_begin,
                    .submit = stage_submit,
                    .commit = stage_commit}};
    const spw_actuator both = spw_actuator_tee(&tee);
    assert_int_equal(spw_json_head_write(&head, &g->log), SPW_OK);
    assert_int_equal(spw_core_new(&g->settings, g->config, spw_mem_libc(), &core, NULL), SPW_OK);
    assert_int_equal(spw_loop_new(core, &source, &both, spw_mem_libc(), 64, 4, &loop), SPW_OK);
    for (g->tick = 0; g->tick < TICKS; g->tick++) {
        const spw_rc rc = spw_loop_tick(loop, g->tick * INT64_C(15) * SPW_NS_PER_S, NULL);
        assert_int_equal(rc, g->tick == g->fails_at ? SPW_BACKEND : SPW_OK);
    }
    spw_loop_free(loop);
    spw_core_free(core);
}

/* Calls with the state handed on in the plan's JSON give what one core gives. */
static void test_state_continues(void **state)
{
    stage g;
    spw_core *one = NULL;
    spw_plan *plan = NULL;
    spw_json_buffer handed = {0};
    spw_diag *diag = new_diag();
    size_t actions = 0;
    (void)state;
    stage_open(&g);
    assert_int_equal(spw_core_new(&g.settings, g.config, spw_mem_libc(), &one, NULL), SPW_OK);
    assert_int_equal(spw_plan_new(spw_mem_libc(), 64, 4, &plan), SPW_OK);
    for (int i = 0; i < TICKS; i++) {
        const spw_snapshot *snap = spw_json_snapshot_get(g.scenes[i]);
        spw_core *fresh = NULL;
        spw_json_buffer by_one = {0}, by_call = {0}, bytes = {0};
        assert_int_equal(spw_core_new(&g.settings, g.config, spw_mem_libc(), &fresh, NULL), SPW_OK);
        if (i > 0) {
            assert_int_equal(spw_json_state_read(handed.text, handed.size, "p", diag, &bytes), SPW_OK);
            assert_int_equal(spw_state_load(fresh, bytes.text, bytes.size), SPW_OK);
        }
        spw_json_decision told = {.plan = plan, .snap = snap, .config = g.config, .core = one, .explain = true};
        assert_int_equal(spw_decide(one, snap, plan, NULL), SPW_OK);
        assert_int_equal(spw_json_plan_write(&told, &by_one), SPW_OK);
        actions += spw_plan_count(plan);
        told.core = fresh;
        assert_int_equal(spw_decide(fresh, snap, plan, NULL), SPW_OK);
        assert_int_equal(spw_json_plan_write(&told, &by_call), SPW_OK);
        assert_string_equal(by_call.text, by_one.text);
        spw_json_buffer_fini(&handed);
        handed = by_call;
        spw_json_buffer_fini(&by_one);
        spw_json_buffer_fini(&bytes);
        spw_core_free(fresh);
    }
    assert_true(actions > 4);
    spw_json_buffer_fini(&handed);
    spw_plan_free(plan);
    spw_core_free(one);
    spw_diag_free(diag);
    stage_close(&g);
}

/* Writes a file with a name of its own. */
static void write_file(char *path, size_t room, const char *text, size_t size)
{
    (void)snprintf(path, room, "/tmp/spillway-json-XXXXXX");
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, size), (ssize_t)size);
    (void)close(fd);
}

/* Runs the program within this one. @return its exit status; standard output in `said` */
static int program(char *said, size_t room, const char *a, const char *b, const char *c)
{
    char path[64], name[] = "spillway", command[] = "replay", first[64], second[64], third[64];
    char *argv[] = {name, command, first, second, third, NULL};
    (void)snprintf(first, sizeof first, "%s", a);
    (void)snprintf(second, sizeof second, "%s", b != NULL ? b : "");
    (void)snprintf(third, sizeof third, "%s", c != NULL ? c : "");
    write_file(path, sizeof path, "", 0);
    (void)fflush(stdout);
    const int kept = dup(STDOUT_FILENO);
    FILE *file = fopen(path, "w+");
    assert_non_null(file);
    assert_true(dup2(fileno(file), STDOUT_FILENO) >= 0);
    const int status = cli_main(b == NULL ? 3 : 5, argv);
    (void)fflush(stdout);
    assert_true(dup2(kept, STDOUT_FILENO) >= 0);
    (void)close(kept);
    rewind(file);
    said[fread(said, 1, room - 1, file)] = '\0';
    (void)fclose(file);
    (void)unlink(path);
    return status;
}

static void test_replay(void **state)
{
    char said[8192];
    (void)state;
    for (int fails_at = -1; fails_at < TICKS; fails_at++) {
        stage g;
        char path[64], other[64];
        stage_open(&g);
        g.fails_at = fails_at;
        stage_record(&g);
        write_file(path, sizeof path, g.log.text, g.log.size);
        assert_int_equal(program(said, sizeof said, path, NULL, NULL), CLI_DONE);
        assert_string_equal(said, "identical: 4 ticks\n");
        assert_int_equal(program(said, sizeof said, path, "--against", path), CLI_DONE);
        assert_string_equal(said, "identical: 4 ticks\n");
        /* one replica more in the first plan */
        char *amount = strstr(g.log.text, "\"amount\":8,");
        assert_non_null(amount);
        amount[9] = '7';
        write_file(other, sizeof other, g.log.text, g.log.size);
        assert_int_equal(program(said, sizeof said, other, NULL, NULL), CLI_GATE);
        assert_memory_equal(said, "first difference at tick 0, 0.000 s\n", 36);
        assert_non_null(strstr(said, "  plan line 2\n    recorded: place prod/chat idc 0 -> 7  fill-idle\n"
                                     "    this build: place prod/chat idc 0 -> 8  fill-idle\n"));
        assert_int_equal(program(said, sizeof said, path, "--against", other), CLI_GATE);
        assert_memory_equal(said, "first difference at tick 0, 0.000 s\n", 36);
        (void)unlink(other);
        (void)unlink(path);
        stage_close(&g);
    }
}

static void test_replay_refuses(void **state)
{
    char said[8192], path[64], other[64];
    stage g;
    (void)state;
    stage_open(&g);
    stage_record(&g);
    const char *second = strchr(g.log.text, '\n') + 1;
    const size_t ticks = g.log.size - (size_t)(second - g.log.text);
    const char *third = strchr(second, '\n') + 1;
    write_file(path, sizeof path, second, ticks);
    assert_int_equal(program(said, sizeof said, path, NULL, NULL), CLI_BAD); /* no head */
    assert_string_equal(said, "");
    write_file(other, sizeof other, second, (size_t)(third - second));
    assert_int_equal(program(said, sizeof said, path, "--against", other), CLI_GATE); /* heads are not compared */
    assert_memory_equal(said, "first difference: /tmp/", 23);
    assert_non_null(strstr(said, " ends after 1 ticks, "));
    (void)unlink(other);
    (void)unlink(path);
    char *snapshot = strstr(third, "\"snapshot\":");
    assert_non_null(snapshot);
    memcpy(snapshot, "\"snapshut\":", 11);
    write_file(path, sizeof path, g.log.text, g.log.size);
    assert_int_equal(program(said, sizeof said, path, NULL, NULL), CLI_BAD);
    (void)unlink(path);
    stage_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_state_continues), cmocka_unit_test(test_replay),
                                       cmocka_unit_test(test_replay_refuses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
