/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * Every allocation of the daemon fails once: a clear error or a safe way on, and the world ends as if nothing had been.
 * Under the address sanitizer, nothing is lost on any of these ways either.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sched/daemon/declog.h"
#include "sched/daemon/state.h"
#include "tests/support/daemon_rig.h"
#include "tests/support/starve.h"

#define S SPW_NS_PER_S

/* --- the state file -------------------------------------------------------------------------------------------- */

static char core_bytes[] = "histories";

static dm_state state_of(uint64_t generation)
{
    static char chat[] = "prod/chat", code[] = "prod/code";
    static dm_template templates[] = {{.name = chat, .replicas = 3}, {.name = code, .replicas = 5}};
    return (dm_state){.generation = generation,
                      .epoch = 7,
                      .core = core_bytes,
                      .core_size = sizeof core_bytes,
                      .templates = templates,
                      .template_count = 2};
}

/* A save that fails leaves this generation or the one before; a load that fails says so and takes nothing for damaged
 * or new. */
static void test_state(void **state)
{
    (void)state;
    char path[128], note[300];
    const dm_state one = state_of(1), two = state_of(2);
    uint64_t saves = 0, loads = 0;
    spw_err err = {.text = ""};
    (void)snprintf(path, sizeof path, "%s/state", dr_folder);
    for (uint64_t n = 1;; n++) {
        dm_state found = {0};
        assert_int_equal(dm_state_save(dm_files_posix(), path, &one, &err), SPW_OK);
        starve_at(n);
        const spw_rc rc = dm_state_save(dm_files_posix(), path, &two, &err);
        (void)starve_end();
        const bool struck = starve_struck();
        assert_int_equal(rc, struck ? SPW_NOMEM : SPW_OK);
        assert_int_equal(dm_state_load(path, &found, note, sizeof note), DM_FOUND_WHOLE);
        assert_true(found.generation == 2 || (struck && found.generation == 1));
        dm_state_fini(&found);
        if (!struck) {
            break;
        }
        saves++;
    }
    for (uint64_t n = 1;; n++) {
        dm_state found = {0};
        starve_at(n);
        const dm_found what = dm_state_load(path, &found, note, sizeof note);
        (void)starve_end();
        assert_int_equal(what, starve_struck() ? DM_FOUND_NO_MEMORY : DM_FOUND_WHOLE);
        if (!starve_struck()) {
            assert_int_equal(found.templates[1].replicas, 5);
            dm_state_fini(&found);
            break;
        }
        assert_null(found.core);
        loads++;
    }
    assert_true(saves >= 2 && loads >= 5);
}

/* --- a daemon -------------------------------------------------------------------------------------------------- */

/* Calls of the daemon to the world, and back: the world's own allocations are spared. */
typedef struct spared {
    struct spared *next;
    kube_call call;
} spared;

static kube_wire world;
static spared *all_spared;
static bool outside; /* allocations are watched outside of the world's run */

static void spare_all(void)
{
    while (all_spared != NULL) {
        spared *s = all_spared;
        all_spared = s->next;
        free(s);
    }
}

static void back_done(void *user, const kube_answer *answer)
{
    const spared *s = user;
    const bool was = starve_watch(outside);
    s->call.done(s->call.user, answer);
    (void)starve_watch(was);
}

static void back_data(void *user, const char *bytes, size_t size)
{
    const spared *s = user;
    const bool was = starve_watch(outside);
    s->call.data(s->call.user, bytes, size);
    (void)starve_watch(was);
}

static bool watched; /* the run is one in which allocations count */

static spw_rc out_start(void *self, const kube_call *call, uint64_t *ticket)
{
    const bool was = starve_watch(false);
    kube_call mine = *call;
    (void)self;
    if (watched) {
        spared *s = calloc(1, sizeof *s);
        assert_non_null(s);
        *s = (spared){.next = all_spared, .call = *call};
        all_spared = s;
        mine.user = s;
        mine.done = back_done;
        mine.data = call->data != NULL ? back_data : NULL;
    }
    const spw_rc rc = world.start(world.self, &mine, ticket);
    (void)starve_watch(was);
    return rc;
}

static void out_cancel(void *self, uint64_t ticket)
{
    const bool was = starve_watch(false);
    (void)self;
    world.cancel(world.self, ticket);
    (void)starve_watch(was);
}

static spw_rc out_run(void *self, spw_dur longest)
{
    const bool was = starve_watch(false);
    (void)self;
    outside = was;
    const spw_rc rc = world.run(world.self, longest);
    (void)starve_watch(was);
    return rc;
}

/* 50 jobs wait, 10 for each replica: the 5 that the manifest says as well. */
static void add_autoscaler(daemon_rig *r)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/m.yaml", dr_folder);
    FILE *f = fopen(path, "a");
    assert_non_null(f);
    fputs("---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: chat, namespace: prod}\n"
          "spec:\n  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: chat}\n  maxReplicas: 8\n  metrics:\n"
          "    - {type: External, external: {metric: {name: jobs, selector: {matchLabels: {queue: chat}}}, target: "
          "{type: AverageValue, averageValue: 10}}}\n"
          "    - {type: Pods, pods: {metric: {name: waiting}, target: {type: AverageValue, averageValue: 100}}}\n",
          f);
    assert_int_equal(fclose(f), 0);
    kw_put(r->world, 0, "/apis/external.metrics.k8s.io/v1beta1/jobs",
           "{\"metadata\":{\"name\":\"s\",\"namespace\":\"prod\"},\"value\":\"50\"}");
}

static void start(daemon_rig *r)
{
    dr_start(r);
    add_autoscaler(r);
    world = r->wire;
    r->wire = (kube_wire){.self = r, .start = out_start, .cancel = out_cancel, .run = out_run};
    dr_config("native", true, "", "");
    watched = true;
}

/* A daemon out of its file, as main.c makes it. @return NULL: out of memory, and it was said */
static dm_daemon *make(daemon_rig *r)
{
    char path[128];
    spw_diag *diag = NULL;
    dm_config_file *file = NULL;
    dm_daemon *d = NULL;
    spw_err err = {.text = ""};
    (void)snprintf(path, sizeof path, "%s/d.yaml", dr_folder);
    spw_rc rc = spw_diag_new(NULL, 8, &diag);
    rc = rc == SPW_OK ? dm_config_read(path, diag, &file) : rc;
    rc = rc == SPW_OK ? dm_daemon_new(file, &r->host, diag, &d) : rc;
    rc = rc == SPW_OK ? dm_daemon_open(d, NULL, &err) : rc;
    if (rc != SPW_OK) {
        const char *said = diag != NULL && spw_diag_count(diag) > 0 ? spw_diag_at(diag, 0) : err.text;
        if (rc != SPW_NOMEM && strstr(said, "memory") == NULL) {
            fail_msg("%s: %s", spw_strerror(rc), said);
        }
        dm_daemon_free(d);
        d = NULL;
    }
    spw_diag_free(diag);
    return d;
}

static void live(daemon_rig *r, dm_daemon *d, spw_dur how_long)
{
    const spw_time until = kw_now(r->world) + how_long;
    while (kw_now(r->world) < until) {
        assert_int_equal(dm_daemon_work(d, S, NULL), SPW_OK);
        const bool was = starve_watch(false);
        dr_keep_pods(r);
        (void)starve_watch(was);
    }
}

static void assert_as_wanted(daemon_rig *r, uint64_t n)
{
    size_t changed = 0;
    for (size_t i = 0; i < kw_writes(r->world); i++) {
        changed += strstr(kw_write_at(r->world, i)->path, "/scale") != NULL && kw_write_at(r->world, i)->changed;
    }
    if (kw_replicas(r->world, 0, "prod", "chat") != 5 || kw_replicas(r->world, 1, "prod", "chat") != 0 ||
        changed != 1) {
        (void)fflush(r->log);
        fail_msg("allocation %" PRIu64 ": idc %d, ack %d, changed %zu times\n%s", n,
                 (int)kw_replicas(r->world, 0, "prod", "chat"), (int)kw_replicas(r->world, 1, "prod", "chat"), changed,
                 r->said);
    }
}

/* Start, lists, watches, lease, the first ticks with their write, log and state, the end. */
static void test_daemon(void **state)
{
    (void)state;
    uint64_t unmade = 0, lived = 0;
    for (uint64_t n = 1;; n++) {
        daemon_rig r;
        start(&r);
        starve_at(n);
        dm_daemon *d = make(&r);
        if (d != NULL) {
            live(&r, d, 20 * S);
            (void)starve_end();
            live(&r, d, 120 * S); /* memory is there again */
            assert_as_wanted(&r, n);
            lived++;
            dr_end(d);
        } else {
            (void)starve_end();
            assert_int_equal(kw_writes(r.world), 0);
            unmade++;
        }
        dr_stop(&r);
        spare_all();
        watched = false;
        if (!starve_struck()) {
            break;
        }
    }
    print_message("%" PRIu64 " starts refused, %" PRIu64 " lives\n", unmade, lived);
    assert_true(unmade > 50 && lived > 50);
}

/* --- what is governed changes ---------------------------------------------------------------------------------- */

static void put_governed(daemon_rig *r)
{
    static char file[4000];
    char path[128];
    size_t size = 0;
    kw_put(r->world, 0, "/apis/apps/v1/deployments",
           "{\"metadata\":{\"name\":\"chat\",\"namespace\":\"prod\"},\"spec\":{\"replicas\":5,\"template\":{\"spec\":{"
           "\"containers\":[{\"name\":\"c\",\"resources\":{\"limits\":{\"nvidia.com/gpu\":\"2\"}}}]}}}}");
    kw_put(r->world, 0, "/apis/policy.one.alibabacloud.com/v1alpha1/propagationpolicies",
           "{\"metadata\":{\"name\":\"chat\",\"namespace\":\"prod\"},\"spec\":{\"resourceSelectors\":[{\"apiVersion\":"
           "\"apps/v1\",\"kind\":\"Deployment\",\"name\":\"chat\"}],\"placement\":{\"clusterAffinities\":[{"
           "\"affinityName\":\"owned\",\"clusterNames\":[\"idc\"]}],\"replicaScheduling\":{\"replicaSchedulingType\":"
           "\"Divided\",\"replicaDivisionPreference\":\"Weighted\",\"weightPreference\":{\"dynamicWeight\":"
           "\"AvailableReplicas\"}}}}}");
    (void)snprintf(path, sizeof path, "%s/d.yaml", dr_folder);
    char *text = dm_read_all(path, sizeof file, &size);
    const char *at = strstr(text, "{files: [m.yaml]}");
    assert_non_null(at);
    (void)snprintf(file, sizeof file, "%.*s{fromServer: true}%s", (int)(at - text), text, at + 17);
    dr_write_text("d.yaml", "%s", file);
    free(text);
}

/* An autoscaler comes that wants 7; later the daemon is made anew out of its file and takes over from the old one. */
static void test_changes(void **state)
{
    (void)state;
    uint64_t refused = 0, lived = 0;
    for (uint64_t n = 1;; n++) {
        daemon_rig r;
        spw_err err = {.text = ""};
        start(&r);
        put_governed(&r);
        dm_daemon *d = make(&r);
        live(&r, d, 40 * S);
        assert_int_equal(kw_replicas(r.world, 0, "prod", "chat"), 5);
        kw_put(r.world, 0, "/apis/autoscaling/v2/horizontalpodautoscalers",
               "{\"metadata\":{\"name\":\"chat\",\"namespace\":\"prod\"},\"spec\":{\"scaleTargetRef\":{\"apiVersion\":"
               "\"apps/v1\",\"kind\":\"Deployment\",\"name\":\"chat\"},\"minReplicas\":7,\"maxReplicas\":8}}");
        starve_at(n);
        live(&r, d, 45 * S);
        dm_daemon_close(d);
        dm_config_file *file = NULL;
        dm_daemon *anew = NULL;
        spw_diag *diag = NULL;
        char path[128];
        (void)snprintf(path, sizeof path, "%s/d.yaml", dr_folder);
        spw_rc rc = spw_diag_new(NULL, 8, &diag);
        rc = rc == SPW_OK ? dm_config_read(path, diag, &file) : rc;
        rc = rc == SPW_OK ? dm_daemon_new(file, &r.host, diag, &anew) : rc;
        rc = rc == SPW_OK ? dm_daemon_open(anew, d, &err) : rc;
        (void)starve_end();
        spw_diag_free(diag);
        if (rc == SPW_OK) {
            dm_daemon_free(d);
            d = anew;
            lived++;
        } else { /* as main.c does: the old one goes on */
            dm_daemon_free(anew);
            assert_int_equal(dm_daemon_open(d, d, &err), SPW_OK);
            refused++;
        }
        live(&r, d, 60 * S);
        if (kw_replicas(r.world, 0, "prod", "chat") != 7) {
            (void)fflush(r.log);
            fail_msg("allocation %" PRIu64 ": %d replicas\n%s", n, (int)kw_replicas(r.world, 0, "prod", "chat"),
                     r.said);
        }
        dr_end(d);
        dr_stop(&r);
        spare_all();
        watched = false;
        if (!starve_struck()) {
            break;
        }
    }
    print_message("%" PRIu64 " reloads refused, %" PRIu64 " taken\n", refused, lived);
    assert_true(refused > 50 && lived > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_state),
        cmocka_unit_test(test_daemon),
        cmocka_unit_test(test_changes),
    };
    return cmocka_run_group_tests(tests, dr_make_folder, dr_remove_folder);
}
