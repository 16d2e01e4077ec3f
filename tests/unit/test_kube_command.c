/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The actuator that runs a program: what it is given, and what each way of ending means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sched/kube/act_command.h"
#include "tests/support/kube_rig.h"

#define S SPW_NS_PER_S

static const char *const names[] = {"prod/chat"};
static const char *const clusters[] = {"idc", "ack"};
static const char *const pools[] = {"own", "od"};
static const spw_id pool_clusters[] = {0, 1};
static const spw_snapshot snap = {.now = 1790000000 * S,
                                  .clusters = {.count = 2, .name = clusters},
                                  .workloads = {.count = 1, .name = names},
                                  .pools = {.count = 2, .name = pools, .cluster = pool_clusters}};

static spw_action nodes(int64_t before, int64_t amount)
{
    return (spw_action){.verb = SPW_VERB_PROVISION,
                        .reason = SPW_WHY_NODES_FOR_PENDING,
                        .workload = SPW_ID_NONE,
                        .cluster = SPW_ID_NONE,
                        .pool = 1,
                        .after = UINT32_MAX,
                        .before = before,
                        .amount = amount};
}

typedef struct rig {
    char folder[64];
    const char *argv[4];
    act_command *act;
    kube_rig told; /* its list only */
    bool forbidden;
    int meanwhiles;
    act_command_spec spec;
} rig;

static uint64_t epoch(void *user)
{
    (void)user;
    return 3;
}

static bool may_write(void *user)
{
    return !((rig *)user)->forbidden;
}

static void meanwhile(void *user)
{
    ((rig *)user)->meanwhiles++;
}

static void note(void *user, const kube_told *told)
{
    rig_note(&((rig *)user)->told, told);
}

/* `script`: of /bin/sh, in a folder of its own. */
static void start(rig *r, const char *script, uint32_t verbs, spw_dur timeout)
{
    static char text[1024];
    memset(r, 0, sizeof *r);
    (void)snprintf(r->folder, sizeof r->folder, "/tmp/spillway-command-XXXXXX");
    assert_non_null(mkdtemp(r->folder));
    (void)snprintf(text, sizeof text, "cd %s && %s", r->folder, script);
    r->argv[0] = "/bin/sh";
    r->argv[1] = "-c";
    r->argv[2] = text;
    r->spec = (act_command_spec){.argv = r->argv,
                                 .verbs = verbs,
                                 .timeout = timeout,
                                 .epoch = epoch,
                                 .may_write = may_write,
                                 .meanwhile = meanwhile,
                                 .told = note,
                                 .user = r};
    r->act = act_command_new(&r->spec);
    assert_non_null(r->act);
}

static void stop(rig *r)
{
    char path[100];
    (void)snprintf(path, sizeof path, "%s/plan", r->folder);
    (void)unlink(path);
    (void)rmdir(r->folder);
    act_command_free(r->act);
}

static spw_rc tick(rig *r, uint64_t number, const spw_action *plan, size_t count, spw_err *err)
{
    const spw_actuator seam = act_command_seam(r->act);
    const spw_tick_info info = {.now = snap.now, .tick = number, .snap = &snap};
    r->told.told_count = 0;
    assert_int_equal(seam.begin(seam.self, &info, err), SPW_OK);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(seam.submit(seam.self, &plan[i], (number << 20) + i, err), SPW_OK);
    }
    return seam.commit(seam.self, err);
}

static char *plan_of(const rig *r)
{
    char path[100];
    static char text[8192];
    (void)snprintf(path, sizeof path, "%s/plan", r->folder);
    FILE *f = fopen(path, "r");
    const size_t n = f != NULL ? fread(text, 1, sizeof text - 1, f) : 0;
    text[n] = '\0';
    if (f != NULL) {
        (void)fclose(f);
    }
    return text;
}

static void the_program_gets_the_plan(void **state)
{
    (void)state;
    rig r;
    spw_err err = {0};
    spw_action plan[] = {nodes(2, 4), rig_place(0, 1, 0, 250000, SPW_WHY_ROUTE_READY),
                         rig_place(0, 0, 1, 2, SPW_WHY_FILL_IDLE)};
    plan[1].verb = SPW_VERB_ROUTE;
    plan[1].after = 0;
    start(&r, "cat >> plan", ACT_COMMAND_OTHERS, 0);
    assert_int_equal(tick(&r, 7, plan, 3, &err), SPW_OK);
    assert_string_equal(
        plan_of(&r),
        "{\"apiVersion\":\"spillway.dev/v1\",\"kind\":\"Plan\",\"id\":\"e3-t7\",\"epoch\":3,\"tick\":7,"
        "\"now_ns\":1790000000000000000,\"actions\":["
        "{\"ticket\":7340032,\"verb\":\"provision\",\"before\":2,\"amount\":4,\"reason\":\"nodes-for-pending\","
        "\"cluster\":\"ack\",\"pool\":\"od\"},"
        "{\"ticket\":7340033,\"verb\":\"route\",\"before\":0,\"amount\":250000,\"reason\":\"route-ready\","
        "\"namespace\":\"prod\",\"name\":\"chat\",\"cluster\":\"ack\",\"after\":7340032}]}\n");
    assert_int_equal(r.told.told_count, 2);
    assert_int_equal(r.told.told[0].fate, KUBE_FATE_DONE);
    assert_true(r.meanwhiles > 0);
    const size_t before = strlen(plan_of(&r));
    assert_int_equal(tick(&r, 7, plan, 3, &err), SPW_OK);     /* the same tickets: done already */
    assert_int_equal(tick(&r, 8, plan, 0, &err), SPW_OK);     /* nothing to do */
    assert_int_equal(tick(&r, 9, &plan[2], 1, &err), SPW_OK); /* not for it */
    assert_int_equal(strlen(plan_of(&r)), before);
    stop(&r);
}

/* One action is refused: the retry of the tick carries that one alone. */
static void the_program_says_what_became_of_each(void **state)
{
    (void)state;
    rig r;
    spw_err err = {0};
    const spw_action plan[] = {nodes(2, 4), rig_place(0, 0, 1, 2, SPW_WHY_FILL_IDLE)};
    start(&r,
          "cat > plan; echo '{\"results\":[{\"ticket\":7340032,\"done\":true},"
          "{\"ticket\":7340033,\"done\":false,\"why\":\"no quota\"}]}'; exit 1",
          0, 0);
    assert_int_equal(tick(&r, 7, plan, 2, &err), SPW_BACKEND);
    assert_string_equal(err.text, "no quota");
    assert_int_equal(r.told.told[0].fate, KUBE_FATE_DONE);
    assert_int_equal(r.told.told[1].fate, KUBE_FATE_REFUSED);
    assert_int_equal(tick(&r, 7, plan, 2, &err), SPW_BACKEND);
    assert_null(strstr(plan_of(&r), "7340032,"));
    assert_non_null(strstr(plan_of(&r), "7340033,"));
    assert_int_equal(r.told.told_count, 1);
    stop(&r);
}

static void each_end_means_something(void **state)
{
    (void)state;
    const struct {
        const char *script;
        kube_fate fate;
        const char *why;
    } ends[] = {
        {"exit 0", KUBE_FATE_DONE, ""},
        {"echo out of stock >&2; exit 3", KUBE_FATE_REFUSED, "out of stock"},
        {"exit 9", KUBE_FATE_REFUSED, "exit status 9"},
        {"kill -9 $$", KUBE_FATE_UNKNOWN, "ended by signal 9"},
        {"sleep 30", KUBE_FATE_UNKNOWN, "did not end within 0.4 s"},
        {"echo done", KUBE_FATE_UNKNOWN, "what the program printed is no list of results"},
        {"echo '{\"results\":[{\"ticket\":\"x\",\"done\":true}]}'", KUBE_FATE_UNKNOWN,
         "what the program printed is no list of results"},
    };
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        rig r;
        spw_err err = {0};
        const spw_action plan[] = {nodes(2, 4)};
        start(&r, ends[i].script, 0, strncmp(ends[i].script, "sleep", 5) == 0 ? 4 * S / 10 : 60 * S);
        assert_int_equal(tick(&r, 1, plan, 1, &err), ends[i].fate == KUBE_FATE_DONE ? SPW_OK : SPW_BACKEND);
        assert_int_equal(r.told.told[0].fate, ends[i].fate);
        assert_string_equal(r.told.told[0].why, ends[i].why);
        stop(&r);
    }
}

static void a_program_that_is_not_there_has_done_nothing(void **state)
{
    (void)state;
    rig r;
    spw_err err = {0};
    const spw_action plan[] = {nodes(2, 4)};
    start(&r, "true", 0, 0);
    r.argv[0] = "/nonexistent/program";
    assert_int_equal(tick(&r, 1, plan, 1, &err), SPW_BACKEND);
    assert_int_equal(r.told.told[0].fate, KUBE_FATE_REFUSED);
    assert_non_null(strstr(err.text, "cannot run /nonexistent/program"));
    stop(&r);
}

static void who_may_not_write_runs_nothing(void **state)
{
    (void)state;
    rig r;
    spw_err err = {0};
    const spw_action plan[] = {nodes(2, 4)};
    start(&r, "cat > plan", 0, 0);
    r.forbidden = true;
    assert_int_equal(tick(&r, 1, plan, 1, &err), SPW_BACKEND);
    assert_int_equal(r.told.told[0].fate, KUBE_FATE_FORBIDDEN);
    assert_string_equal(plan_of(&r), "");
    stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_program_gets_the_plan),
        cmocka_unit_test(the_program_says_what_became_of_each),
        cmocka_unit_test(each_end_means_something),
        cmocka_unit_test(a_program_that_is_not_there_has_done_nothing),
        cmocka_unit_test(who_may_not_write_runs_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
