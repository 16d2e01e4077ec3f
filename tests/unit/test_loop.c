/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_loop.c - the loop when its ends fail: every call once, and the world comes out the same; memory runs out at
 * every allocation; snapshots and plans larger than the settings; bad snapshots. What is refused must not change a
 * byte of the state.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/flaky.h"
#include "tests/support/toy.h"

#define S SPW_NS_PER_S

static const char *const GROUPS[] = {"idc", "ack", "bj"};

static void make(toy *t)
{
    toy_init(t);
    t->works = 2;
    t->work[1].priority = 5;
    int idc = toy_cluster(t, "idc");
    int ack = toy_cluster(t, "ack");
    int bj = toy_cluster(t, "bj");
    (void)toy_pool_add(t, idc, "own", SPW_CAPACITY_OWNED, 4, 4);
    (void)toy_pool_add(t, ack, "od", SPW_CAPACITY_ON_DEMAND, 0, 6);
    (void)toy_pool_add(t, bj, "spot", SPW_CAPACITY_SPOT, 0, 4);
    t->policy.node_unneeded = 30 * S;
    t->policy.failback_window = 30 * S;
    toy_start(t, GROUPS, 3);
}

/** Grow, shrink, grow again, with time to settle; 36 ticks. @return failures seen */
static int live(toy *t, spw_loop *loop)
{
    static const int32_t wanted[3][2] = {{9, 2}, {3, 1}, {6, 4}};
    int failures = 0;
    for (int phase = 0; phase < 3; phase++) {
        for (int i = 0; i < 12; i++) {
            t->template_replicas[0] = wanted[phase][0];
            t->template_replicas[1] = wanted[phase][1];
            spw_rc rc = spw_loop_tick(loop, t->now, NULL);
            assert_true(rc == SPW_OK || rc == SPW_BACKEND);
            failures += rc == SPW_OK ? 0 : 1;
            toy_settle(t);
            t->now += 15 * S;
        }
    }
    return failures;
}

static void same_world(const toy *a, const toy *b)
{
    assert_memory_equal(a->assigned, b->assigned, sizeof a->assigned);
    assert_memory_equal(a->is_ready, b->is_ready, sizeof a->is_ready);
    assert_memory_equal(a->route, b->route, sizeof a->route);
    for (int p = 0; p < a->pools; p++) {
        assert_int_equal(a->pool[p].target, b->pool[p].target);
    }
}

typedef enum end { END_SOURCE, END_ACTUATOR } end;

/** Call n of one end fails. @return whether it was reached */
static bool live_with(toy *t, end which, flaky_how how, int n)
{
    make(t);
    flaky f = {.fail_at = n, .how = how, .source = toy_source(t), .actuator = toy_actuator(t)};
    spw_source source = which == END_SOURCE ? flaky_source(&f) : f.source;
    spw_actuator actuator = which == END_ACTUATOR ? flaky_actuator(&f) : f.actuator;
    spw_loop *loop = NULL;
    assert_int_equal(spw_loop_new(t->core, &source, &actuator, spw_mem_libc(), 64, 8, &loop), SPW_OK);
    assert_int_equal(spw_plan_count(spw_loop_plan(loop)), 0);
    int failures = live(t, loop);
    spw_loop_stats stats;
    spw_loop_stats_get(loop, &stats);
    assert_int_equal(failures, flaky_reached(&f) ? 1 : 0);
    assert_int_equal(stats.ticks, 36);
    assert_int_equal(stats.source_failures, which == END_SOURCE ? failures : 0);
    assert_int_equal(stats.actuator_failures, which == END_ACTUATOR ? failures : 0);
    assert_int_equal(stats.bad_plans + stats.bad_snapshots, 0);
    spw_loop_free(loop);
    return flaky_reached(&f);
}

static void every_call_fails_once(void **state)
{
    (void)state;
    toy good;
    toy t;
    assert_false(live_with(&good, END_SOURCE, FLAKY_LOST, 0));
    /* 3 and 1 filled our own machines; nobody is preempted, so what came later stands in the second group */
    assert_int_equal(good.assigned[0][0], 3);
    assert_int_equal(good.assigned[1][0], 1);
    assert_int_equal(good.assigned[0][1], 3);
    assert_int_equal(good.assigned[1][1], 3);
    int runs = 0;
    for (int how = FLAKY_LOST; how <= FLAKY_SILENT; how++) {
        for (int which = END_SOURCE; which <= END_ACTUATOR; which++) {
            bool reached = true;
            for (int n = 1; reached; n++, runs++) {
                reached = live_with(&t, (end)which, (flaky_how)how, n);
                same_world(&t, &good);
                toy_end(&t);
            }
        }
    }
    assert_true(runs > 200); /* 36 ticks: 36 observations, and twice as many begins and commits */
    toy_end(&good);
}

/** Tickets: (tick << 20) + index, from 0 on; info is of the same tick. */
static uint64_t ticket_want, ticket_seen, commits;

static spw_rc begin_ticket(void *self, const spw_tick_info *info, spw_err *err)
{
    (void)err;
    (void)self;
    ticket_want = info->tick << 20;
    assert_int_equal(info->snapshot_hash, spw_snapshot_hash(info->snap));
    return SPW_OK;
}

static spw_rc submit_ticket(void *self, const spw_action *action, uint64_t ticket, spw_err *err)
{
    (void)err;
    assert_true(ticket == ticket_want++);
    ticket_seen = ticket;
    toy_carry_out(self, action);
    return SPW_OK;
}

static spw_rc commit_ticket(void *self, spw_err *err)
{
    (void)err;
    (void)self;
    commits++;
    return SPW_OK;
}

static void tickets_and_stats(void **state)
{
    (void)state;
    toy t;
    make(&t);
    spw_source source = toy_source(&t);
    spw_actuator actuator = {.version = SPW_API_VERSION,
                             .name = "t",
                             .self = &t,
                             .begin = begin_ticket,
                             .submit = submit_ticket,
                             .commit = commit_ticket};
    spw_loop *loop = NULL;
    assert_int_equal(spw_loop_new(t.core, &source, &actuator, spw_mem_libc(), 64, 8, &loop), SPW_OK);
    t.template_replicas[0] = 5;
    t.template_replicas[1] = 0;
    assert_int_equal(spw_loop_tick(loop, 0, NULL), SPW_OK); /* two placements, an order */
    assert_int_equal(ticket_seen, 2);
    t.age[2] = 121 * S;
    toy_settle(&t);
    t.now = 15 * S;
    assert_int_equal(spw_loop_tick(loop, t.now, NULL), SPW_OK); /* the shares of the two clusters */
    assert_true(ticket_seen == (UINT64_C(1) << 20) + 1);
    spw_loop_stats stats;
    spw_loop_stats_get(loop, &stats);
    assert_int_equal(stats.actions, 5);
    assert_int_equal(commits, 2);
    assert_int_equal(stats.stale_decisions, 1);
    assert_int_equal(spw_next_wakeup(t.core), 30 * S);
    spw_loop_free(loop);
    spw_loop_free(NULL);
    toy_end(&t);
}

/** Refuses what is for one cluster; the toy carries the rest out. */
static spw_rc submit_but_for_one(void *self, const spw_action *action, uint64_t ticket, spw_err *err)
{
    (void)ticket;
    toy *t = self;
    if (action->cluster != SPW_ID_NONE && strcmp(t->cluster_name[action->cluster], "idc") == 0) {
        if (err != NULL) {
            *err = (spw_err){.code = SPW_BACKEND, .row = action->cluster, .field = "idc", .text = "does not answer"};
        }
        return SPW_BACKEND;
    }
    toy_carry_out(t, action);
    return SPW_OK;
}

/**
 * Two workloads, two groups: idc has room for one of four. What is for idc is refused: the share of the first workload
 * in the other group, which comes after that, is held back in this tick, for it belongs to the same workload; the
 * second workload, which has no action in idc, is placed. Each tick tells the first failure, and closes what it began.
 */
static void one_cluster_does_not_blind_the_others(void **state)
{
    (void)state;
    static const char *const groups[] = {"idc", "ack"};
    toy t;
    toy_init(&t);
    (void)toy_pool_add(&t, toy_cluster(&t, "idc"), "own", SPW_CAPACITY_OWNED, 1, 1);
    (void)toy_pool_add(&t, toy_cluster(&t, "ack"), "own", SPW_CAPACITY_OWNED, 8, 8);
    t.works = 2;
    t.work[1].priority = -1;
    t.template_replicas[0] = 2;
    t.template_replicas[1] = 3;
    toy_start(&t, groups, 2);
    spw_source source = toy_source(&t);
    spw_actuator actuator = {.version = SPW_API_VERSION,
                             .name = "t",
                             .self = &t,
                             .begin = begin_ticket,
                             .submit = submit_but_for_one,
                             .commit = commit_ticket};
    spw_loop *loop = NULL;
    spw_err err = {.row = 0};
    assert_int_equal(spw_loop_new(t.core, &source, &actuator, spw_mem_libc(), 64, 8, &loop), SPW_OK);
    uint64_t before = commits;
    assert_int_equal(spw_loop_tick(loop, 0, &err), SPW_BACKEND);
    assert_string_equal(err.text, "does not answer");
    assert_int_equal(commits, before + 1);
    assert_int_equal(t.assigned[0][0], 0);
    assert_int_equal(t.assigned[1][1], 3);
    spw_loop_stats stats;
    spw_loop_stats_get(loop, &stats);
    assert_int_equal(stats.actuator_failures, 1);
    assert_int_equal(stats.actions + stats.actions_refused, spw_plan_count(spw_loop_plan(loop)));
    assert_true(stats.actions > 0 && stats.actions_refused > 0);
    spw_loop_free(loop);
    toy_end(&t);
}

static void other_versions_are_refused(void **state)
{
    (void)state;
    toy t;
    make(&t);
    spw_source source = toy_source(&t);
    spw_actuator actuator = toy_actuator(&t);
    spw_loop *loop = NULL;
    source.version++;
    assert_int_equal(spw_loop_new(t.core, &source, &actuator, spw_mem_libc(), 64, 8, &loop), SPW_VERSION);
    source.version--;
    actuator.version++;
    assert_int_equal(spw_loop_new(t.core, &source, &actuator, spw_mem_libc(), 64, 8, &loop), SPW_VERSION);
    assert_null(loop);
    toy_end(&t);
}

/* --- memory --- */

static void memory_runs_out(void **state)
{
    (void)state;
    toy t;
    make(&t);
    spw_source source = toy_source(&t);
    spw_actuator actuator = toy_actuator(&t);
    spw_config config = {.workloads = t.work, .workload_count = 2, .policies = &t.policy, .policy_count = 1};
    int failures[3] = {0};
    for (int what = 0; what < 3; what++) {
        for (bool failed = true; failed;) {
            flaky f = {.fail_at = failures[what] + 1, .mem = *spw_mem_libc()};
            spw_mem mem = flaky_mem(&f);
            spw_core *core = NULL;
            spw_plan *plan = NULL;
            spw_loop *loop = NULL;
            spw_err err = {0};
            spw_rc rc = what == 0   ? spw_core_new(&t.settings, &config, &mem, &core, &err)
                        : what == 1 ? spw_plan_new(&mem, 8, 8, &plan)
                                    : spw_loop_new(t.core, &source, &actuator, &mem, 8, 8, &loop);
            failed = rc != SPW_OK;
            if (failed) {
                assert_int_equal(rc, SPW_NOMEM);
                assert_true(core == NULL && plan == NULL && loop == NULL);
                assert_int_equal(f.outstanding, 0);
                failures[what]++;
            }
            spw_core_free(core);
            spw_plan_free(plan);
            spw_loop_free(loop);
            assert_int_equal(f.outstanding, 0);
        }
    }
    assert_int_equal(failures[0], 2); /* the core and its block */
    assert_int_equal(failures[1], 4); /* the plan and its parts */
    assert_int_equal(failures[2], 5);
    toy_end(&t);
}

/* --- limits and bad input --- */

/** The decision fails with rc and field, the plan is empty and not a byte of the state moves. */
static void refused(toy *t, const spw_snapshot *snap, spw_rc rc, const char *field)
{
    static unsigned char before[65536], now[65536];
    size_t size = spw_state_size(t->core);
    assert_int_equal(spw_state_save(t->core, before, sizeof before), SPW_OK);
    spw_err err = {0};
    assert_int_equal(spw_decide(t->core, snap, t->plan, &err), rc);
    assert_string_equal(err.field, field);
    assert_int_equal(err.code, rc);
    assert_int_equal(spw_plan_count(t->plan), 0);
    assert_int_equal(spw_plan_outcome_count(t->plan), 0);
    assert_int_equal(spw_state_size(t->core), size);
    assert_int_equal(spw_state_save(t->core, now, sizeof now), SPW_OK);
    assert_memory_equal(before, now, size);
}

static void snapshots_larger_than_the_settings(void **state)
{
    (void)state;
    static const char *const fields[] = {"clusters", "pools", "placements", "pods", "pods", "plan", "plan", ""};
    for (int bound = 0; bound < 8; bound++) {
        toy t;
        make(&t);
        t.settings = (spw_settings){.api_version = SPW_API_VERSION,
                                    .clusters_max = 3,
                                    .pools_max = 3,
                                    .placements_max = 4,
                                    .pods_max = 8,
                                    .samples_max = 4,
                                    .tick = 15 * S,
                                    .stale_after = 120 * S,
                                    .promise_ttl = 300 * S};
        size_t *maxima[] = {&t.settings.clusters_max, &t.settings.pools_max, &t.settings.placements_max,
                            &t.settings.pods_max, &t.settings.samples_max};
        if (bound < 5) {
            (*maxima[bound])--;
        }
        size_t outcomes = bound == 6 ? 1 : 2;
        t.actions_max = bound == 5 ? 3 : 64;
        toy_restart(&t);
        spw_plan_free(t.plan);
        assert_int_equal(spw_plan_new(spw_mem_libc(), t.actions_max, outcomes, &t.plan), SPW_OK);
        t.template_replicas[0] = 9;
        t.template_replicas[1] = 1;
        t.metric_milli[0] = 5; /* samples: one for each ready pod of it */
        for (int c = 0; c < 2; c++) {
            t.assigned[0][c] = t.scheduled[0][c] = t.is_ready[0][c] = 2;
            t.assigned[1][c] = 2;
        }
        const spw_snapshot *snap = toy_snapshot(&t);
        assert_int_equal(snap->placements.count, 4);
        assert_int_equal(snap->pods.count, 8);
        assert_int_equal(snap->samples.count, 4);
        if (bound < 7) {
            refused(&t, snap, SPW_LIMIT, fields[bound]);
        } else {
            assert_int_equal(spw_decide(t.core, snap, t.plan, NULL), SPW_OK);
            assert_true(spw_plan_count(t.plan) > 3);
        }
        toy_end(&t);
    }
}

static void time_and_keys(void **state)
{
    (void)state;
    toy t;
    make(&t);
    t.now = 100 * S;
    (void)toy_tick(&t);
    toy_settle(&t);
    t.now = 99 * S;
    refused(&t, toy_snapshot(&t), SPW_INVAL, "now");
    t.now = 100 * S;
    static const struct {
        const char *field;
    } cases[] = {{"clusters.name"}, {"clusters.key"},  {"pools.name"},
                 {"pools.key"},     {"workloads.key"}, {"placements.workload"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        spw_snapshot snap = *toy_snapshot(&t);
        const char *names[3] = {"idc", "ack", "ack"};
        const char *pool_names[3] = {"x", "y", "y"};
        uint64_t keys[3] = {7, 8, 7};
        spw_id clusters[3] = {0, 1, 1};
        uint64_t work_keys[2] = {snap.workloads.key[0], snap.workloads.key[0]};
        spw_id same[4] = {0, 0, 0, 0};
        snap.clusters.name = i == 0 ? names : snap.clusters.name;
        snap.clusters.key = i == 1 ? keys : snap.clusters.key;
        snap.pools.name = i == 2 ? pool_names : snap.pools.name;
        snap.pools.cluster = i == 2 ? clusters : snap.pools.cluster;
        snap.pools.key = i == 3 ? keys : snap.pools.key;
        snap.workloads.key = i == 4 ? work_keys : snap.workloads.key;
        assert_true(snap.placements.count >= 2 && snap.placements.count <= 4);
        snap.placements.workload = i == 5 ? same : snap.placements.workload;
        snap.placements.cluster = i == 5 ? same : snap.placements.cluster;
        assert_int_equal(spw_snapshot_check(&snap, NULL), SPW_OK);
        refused(&t, &snap, SPW_INVAL, cases[i].field);
    }
    toy_end(&t);
}

static void bad_settings_and_configurations(void **state)
{
    (void)state;
    toy t;
    make(&t);
    spw_settings good = t.settings;
    spw_settings bad[8];
    for (int i = 0; i < 8; i++) {
        bad[i] = good;
    }
    bad[0].clusters_max = 0;
    bad[1].pools_max = 0;
    bad[2].placements_max = 0;
    bad[3].tick = 0;
    bad[4].stale_after = -1;
    bad[5].promise_ttl = -1;
    bad[6].pods_max = SIZE_MAX;
    bad[7].api_version++;
    spw_config config = {.workloads = t.work, .workload_count = 2, .policies = &t.policy, .policy_count = 1};
    for (int i = 0; i < 8; i++) {
        spw_core *core = NULL;
        spw_err err = {0};
        assert_int_equal(spw_core_new(&bad[i], &config, spw_mem_libc(), &core, &err), i == 7 ? SPW_VERSION : SPW_INVAL);
        assert_string_equal(err.field, "settings");
        assert_null(core);
    }
    t.policy.failback_window = INT64_MAX;
    spw_core *core = NULL;
    assert_int_equal(spw_core_new(&good, &config, spw_mem_libc(), &core, NULL), SPW_INVAL);
    t.policy.failback_window = 0;
    t.work[1].key = t.work[0].key;
    spw_err err = {0};
    assert_int_equal(spw_core_new(&good, &config, spw_mem_libc(), &core, &err), SPW_INVAL);
    assert_string_equal(err.field, "workloads.key");
    assert_null(core);
    t.work[1].key++;
    const spw_hpa_metric load = {
        .kind = SPW_METRIC_PODS, .target_kind = SPW_TARGET_AVERAGE_VALUE, .target = 1000, .name = "load"};
    t.hpa = (spw_hpa){.replicas_min = 1,
                      .replicas_max = 9,
                      .metrics = &load,
                      .metric_count = 1,
                      .up = {.window_s = -1, .select = SPW_SELECT_MAX, .tolerance_ppm = -1},
                      .down = {.window_s = -1, .select = SPW_SELECT_MAX, .tolerance_ppm = -1},
                      .sync_s = 15};
    config.hpas = &t.hpa;
    config.hpa_count = 1;
    t.work[0].hpa = t.work[1].hpa = 0;
    assert_int_equal(spw_core_new(&good, &config, spw_mem_libc(), &core, &err), SPW_INVAL);
    assert_string_equal(err.field, "workloads.hpa");
    assert_int_equal(err.row, 1);
    assert_null(core);
    toy_end(&t);
}

/** An autoscaler with other windows begins its history anew; of a workload that is gone nothing is left. */
static void state_of_another_configuration(void **state)
{
    (void)state;
    static unsigned char bytes[65536];
    static const spw_hpa_metric load = {
        .kind = SPW_METRIC_PODS, .target_kind = SPW_TARGET_AVERAGE_VALUE, .target = 1000, .name = "load"};
    toy t;
    make(&t);
    t.hpa = (spw_hpa){.name = "h",
                      .replicas_min = 1,
                      .replicas_max = 9,
                      .metrics = &load,
                      .metric_count = 1,
                      .up = {.window_s = -1, .select = SPW_SELECT_MAX, .tolerance_ppm = -1},
                      .down = {.window_s = -1, .select = SPW_SELECT_MAX, .tolerance_ppm = -1},
                      .sync_s = 15};
    t.work[0].hpa = 0;
    toy_restart(&t);
    (void)toy_tick(&t);
    size_t size = spw_state_size(t.core);
    assert_int_equal(spw_state_save(t.core, bytes, sizeof bytes), SPW_OK);
    toy_restart(&t);
    assert_int_equal(spw_state_load(t.core, bytes, size), SPW_OK);
    t.hpa.down.window_s = 60;
    toy_restart(&t);
    spw_state_report found;
    assert_int_equal(spw_state_load_report(t.core, bytes, size, &found), SPW_OK);
    assert_true(found.changed == 1 && found.kept == 1 && found.added + found.gone == 0);
    t.hpa.down.window_s = -1;
    t.work[0].key++;
    toy_restart(&t);
    assert_int_equal(spw_state_load_report(t.core, bytes, size, &found), SPW_OK);
    assert_true(found.added == 1 && found.gone == 1 && found.kept == 1 && found.changed == 0);
    toy_end(&t);
}

static spw_rc observe_bad(void *self, spw_time now, const spw_snapshot **out, spw_err *err)
{
    toy *t = self;
    (void)err;
    (void)now;
    (void)toy_snapshot(t);
    t->snap.clusters.key = NULL;
    *out = &t->snap;
    return SPW_OK;
}

static void a_bad_snapshot_stops_the_tick(void **state)
{
    (void)state;
    toy t;
    make(&t);
    spw_source source = {.version = SPW_API_VERSION, .name = "bad", .self = &t, .observe = observe_bad};
    spw_actuator actuator = toy_actuator(&t);
    spw_loop *loop = NULL;
    spw_err err = {0};
    assert_int_equal(spw_loop_new(t.core, &source, &actuator, spw_mem_libc(), 64, 8, &loop), SPW_OK);
    uint64_t hash = spw_state_hash(t.core);
    assert_int_equal(spw_loop_tick(loop, 0, &err), SPW_INVAL);
    assert_string_equal(err.field, "clusters");
    assert_true(spw_state_hash(t.core) == hash);
    spw_loop_stats stats;
    spw_loop_stats_get(loop, &stats);
    assert_int_equal(stats.bad_snapshots, 1);
    assert_int_equal(stats.actions, 0);
    assert_int_equal(t.assigned[0][0], 0);
    spw_loop_free(loop);
    toy_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_fails_once),
        cmocka_unit_test(tickets_and_stats),
        cmocka_unit_test(one_cluster_does_not_blind_the_others),
        cmocka_unit_test(other_versions_are_refused),
        cmocka_unit_test(memory_runs_out),
        cmocka_unit_test(snapshots_larger_than_the_settings),
        cmocka_unit_test(time_and_keys),
        cmocka_unit_test(bad_settings_and_configurations),
        cmocka_unit_test(state_of_another_configuration),
        cmocka_unit_test(a_bad_snapshot_stops_the_tick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
