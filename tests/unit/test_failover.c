/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_failover.c - a cluster that stops answering: debounce, graceful eviction, budget, and the way back. By hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/toy.h"

#define S SPW_NS_PER_S

enum { IDC, ACK };

/** 4 GPUs in idc, `spare` in ack; 4 replicas stand in idc at 15 s and have their traffic. */
static void make(toy *t, int spare)
{
    static const char *const groups[] = {"idc", "ack"};
    toy_init(t);
    (void)toy_cluster(t, "idc");
    (void)toy_cluster(t, "ack");
    (void)toy_pool_add(t, IDC, "own", SPW_CAPACITY_OWNED, 4, 4);
    (void)toy_pool_add(t, ACK, "own", SPW_CAPACITY_OWNED, spare, spare);
    t->policy.failover_after = 30 * S;
    t->policy.evict_grace = 600 * S;
    t->policy.failback = SPW_FAILBACK_NEVER;
    t->template_replicas[0] = 4;
    toy_start(t, groups, 2);
    (void)toy_tick(t);
    toy_settle(t);
    t->now = 15 * S;
    (void)toy_tick(t);
    assert_string_equal(toy_text(t), "route prod/chat idc 0 -> 1000000  route-ready\n");
}

static void tick_at(toy *t, int second, const char *text)
{
    t->now = second * S;
    (void)toy_tick(t);
    if (strcmp(toy_text(t), text) != 0) {
        fail_msg("at %d s:\n%sinstead of\n%s", second, toy_text(t), text);
    }
    toy_settle(t);
}

static void make_before_break(void **state)
{
    (void)state;
    toy t;
    make(&t, 4);
    t.ready[IDC] = false;
    tick_at(&t, 30, "");
    tick_at(&t, 45, "");
    tick_at(&t, 60, "place prod/chat ack 0 -> 4  overflow-idle\n"); /* the copies in idc stay */
    tick_at(&t, 75,
            "place prod/chat idc 4 -> 0  evicted\n"
            "route prod/chat ack 0 -> 1000000  route-ready\n"
            "route prod/chat idc 1000000 -> 0  route-ready\n");
    tick_at(&t, 90, "");
    toy_end(&t);
}

static void a_blink_changes_nothing(void **state)
{
    (void)state;
    toy t;
    make(&t, 4);
    for (int i = 0; i < 40; i++) { /* down for 15 s, up for 15 s, again and again */
        t.ready[IDC] = i % 2 != 0;
        tick_at(&t, 30 + 15 * i, "");
    }
    assert_int_equal(t.assigned[0][IDC], 4);
    toy_end(&t);
}

/** While it is doubtful it gets nothing new, and nothing is taken from it. */
static void a_doubtful_cluster_is_frozen(void **state)
{
    (void)state;
    toy t;
    make(&t, 4);
    t.template_replicas[0] = 3;
    t.ready[IDC] = false;
    tick_at(&t, 30, "");
    t.ready[IDC] = true;
    tick_at(&t, 45, "place prod/chat idc 4 -> 3  scale-in\n");
    t.ready[IDC] = false;
    t.template_replicas[0] = 4;
    tick_at(&t, 60, "place prod/chat ack 0 -> 1  overflow-idle\n");
    toy_end(&t);
}

static void back_only_after_as_long(void **state)
{
    (void)state;
    toy t;
    make(&t, 4);
    t.ready[IDC] = false;
    tick_at(&t, 30, "");
    tick_at(&t, 60, "place prod/chat ack 0 -> 4  overflow-idle\n");
    tick_at(&t, 75,
            "place prod/chat idc 4 -> 0  evicted\n"
            "route prod/chat ack 0 -> 1000000  route-ready\n"
            "route prod/chat idc 1000000 -> 0  route-ready\n");
    t.template_replicas[0] = 6;
    t.ready[IDC] = true;
    tick_at(&t, 90, "");
    tick_at(&t, 105, "");
    assert_int_equal(spw_plan_outcome_at(t.plan, 0)->unplaced, 2);
    tick_at(&t, 120, "place prod/chat idc 0 -> 2  fill-idle\n");
    toy_end(&t);
}

static void the_grace_passes(void **state)
{
    (void)state;
    toy t;
    make(&t, 1); /* room for one of the four only */
    t.ready[IDC] = false;
    tick_at(&t, 30, "");
    tick_at(&t, 60, "place prod/chat ack 0 -> 1  overflow-idle\n");
    tick_at(&t, 75,
            "route prod/chat ack 0 -> 1000000  route-ready\n"
            "route prod/chat idc 1000000 -> 0  route-ready\n");
    tick_at(&t, 645, "");
    tick_at(&t, 660, "place prod/chat idc 4 -> 0  evict-grace\n");
    toy_end(&t);
}

/** It answers again before the grace has passed: its copies serve meanwhile and are taken over in the end. */
static void back_within_the_grace(void **state)
{
    (void)state;
    toy t;
    make(&t, 1);
    t.ready[IDC] = false;
    tick_at(&t, 30, "");
    tick_at(&t, 60, "place prod/chat ack 0 -> 1  overflow-idle\n");
    tick_at(&t, 75,
            "route prod/chat ack 0 -> 1000000  route-ready\n"
            "route prod/chat idc 1000000 -> 0  route-ready\n");
    t.ready[IDC] = true;
    tick_at(&t, 300,
            "route prod/chat ack 1000000 -> 200000  route-ready\n"
            "route prod/chat idc 0 -> 800000  route-ready\n");
    tick_at(&t, 645, "");
    tick_at(&t, 660,
            "place prod/chat ack 1 -> 0  scale-in\n"
            "route prod/chat ack 200000 -> 0  route-ready\n"
            "route prod/chat idc 800000 -> 1000000  route-ready\n");
    tick_at(&t, 675, "");
    assert_int_equal(t.assigned[0][IDC], 4);
    toy_end(&t);
}

/** The grace ends while it answers and is not trusted yet: its copies may be all that serves. */
static void answers_at_the_last_moment(void **state)
{
    (void)state;
    toy t;
    make(&t, 1);
    t.ready[IDC] = false;
    tick_at(&t, 30, "");
    tick_at(&t, 60, "place prod/chat ack 0 -> 1  overflow-idle\n");
    tick_at(&t, 75,
            "route prod/chat ack 0 -> 1000000  route-ready\n"
            "route prod/chat idc 1000000 -> 0  route-ready\n");
    t.ready[IDC] = true;
    tick_at(&t, 645,
            "route prod/chat ack 1000000 -> 200000  route-ready\n"
            "route prod/chat idc 0 -> 800000  route-ready\n");
    tick_at(&t, 660, "");
    tick_at(&t, 675,
            "place prod/chat ack 1 -> 0  scale-in\n"
            "route prod/chat ack 200000 -> 0  route-ready\n"
            "route prod/chat idc 800000 -> 1000000  route-ready\n");
    toy_end(&t);
}

static void so_many_in_a_tick(void **state)
{
    (void)state;
    toy t;
    make(&t, 4);
    t.policy.failover_moves = 3;
    toy_restart(&t);
    tick_at(&t, 20, "route prod/chat idc 0 -> 1000000  route-ready\n"); /* a new core knows of no share */
    t.ready[IDC] = false;
    tick_at(&t, 30, "");
    tick_at(&t, 60, "place prod/chat ack 0 -> 3  overflow-idle\n");
    tick_at(&t, 75,
            "place prod/chat ack 3 -> 4  overflow-idle\n"
            "route prod/chat ack 0 -> 1000000  route-ready\n"
            "route prod/chat idc 1000000 -> 0  route-ready\n");
    tick_at(&t, 90, "place prod/chat idc 4 -> 0  evicted\n");
    toy_end(&t);
}

static void at_once_without_a_threshold(void **state)
{
    (void)state;
    toy t;
    make(&t, 4);
    t.policy.failover_after = 0;
    t.policy.evict_grace = 0;
    toy_restart(&t);
    t.ready[IDC] = false;
    tick_at(&t, 30,
            "place prod/chat ack 0 -> 4  overflow-idle\n"
            "place prod/chat idc 4 -> 0  cluster-gone\n");
    toy_end(&t);
}

/** Copies everywhere, in failover groups: those of the group that is left go as others get ready, not before. */
static void copies_wait_for_those_elsewhere(void **state)
{
    (void)state;
    static const char *const groups[] = {"idc", "ack"};
    static const char *const china[] = {"CN"};
    toy t;
    toy_init(&t);
    (void)toy_pool_add(&t, toy_cluster(&t, "idc"), "own", SPW_CAPACITY_OWNED, 4, 4);
    (void)toy_pool_add(&t, toy_cluster(&t, "ack"), "own", SPW_CAPACITY_OWNED, 3, 3);
    t.policy.division = SPW_DIVIDE_DUPLICATED;
    t.policy.order = SPW_GROUPS_FAILOVER;
    t.template_replicas[0] = 4;
    t.has_law = true;
    t.jurisdiction[IDC] = t.jurisdiction[ACK] = "CN";
    t.work[0].jurisdictions = china;
    t.work[0].jurisdiction_count = 1;
    toy_start(&t, groups, 2);
    (void)toy_tick(&t);
    toy_settle(&t);
    tick_at(&t, 15, "route prod/chat idc 0 -> 1000000  route-ready\n");
    t.jurisdiction[IDC] = "SG"; /* no candidate any more */
    t.now = 30 * S;
    (void)toy_tick(&t);
    assert_string_equal(toy_text(&t), "place prod/chat ack 0 -> 4  weights\n");
    toy_settle(&t); /* three of them have a GPU */
    t.now = 45 * S;
    (void)toy_tick(&t);
    assert_non_null(strstr(toy_text(&t), "place prod/chat idc 4 -> 1  cluster-gone\n"));
    toy_end(&t);
}

/** The clocks are part of the saved state: a restart between the ticks changes nothing. */
static void clocks_survive_a_restart(void **state)
{
    (void)state;
    static unsigned char bytes[65536];
    toy t;
    make(&t, 1);
    for (int i = 0; i < 4; i++) {
        static const int seconds[] = {30, 60, 645, 660};
        static const char *const texts[] = {"", "place prod/chat ack 0 -> 1  overflow-idle\n",
                                            ("route prod/chat ack 0 -> 1000000  route-ready\n"
                                             "route prod/chat idc 1000000 -> 0  route-ready\n"),
                                            "place prod/chat idc 4 -> 0  evict-grace\n"};
        t.ready[IDC] = false;
        tick_at(&t, seconds[i], texts[i]);
        size_t size = spw_state_size(t.core);
        assert_int_equal(spw_state_save(t.core, bytes, sizeof bytes), SPW_OK);
        uint64_t hash = spw_state_hash(t.core);
        toy_restart(&t);
        assert_int_equal(spw_state_load(t.core, bytes, size), SPW_OK);
        assert_true(spw_state_hash(t.core) == hash);
    }
    toy_end(&t);
}

/** Two workloads of the lost cluster: one finds room elsewhere, the other does not; neither holds the other up. */
static void two_workloads(void **state)
{
    (void)state;
    toy t;
    make(&t, 4);
    t.works = 2;
    t.work[0].priority = 10;
    t.template_replicas[0] = 3;
    t.template_replicas[1] = 1;
    t.assigned[0][IDC] = 3;
    t.assigned[1][IDC] = 1;
    t.pool[1].nodes = t.pool[1].target = t.pool[1].min = t.pool[1].max = 3;
    toy_restart(&t);
    toy_settle(&t);
    t.now = 20 * S;
    (void)toy_tick(&t);
    t.ready[IDC] = false;
    tick_at(&t, 30, "");
    tick_at(&t, 60, "place prod/chat ack 0 -> 3  overflow-idle\n");
    tick_at(&t, 75,
            "place prod/chat idc 3 -> 0  evicted\n"
            "route prod/chat ack 0 -> 1000000  route-ready\n"
            "route prod/chat idc 1000000 -> 0  route-ready\n");
    t.ready[IDC] = true;
    tick_at(&t, 90, "");
    assert_int_equal(t.assigned[1][IDC], 1);
    tick_at(&t, 660, ""); /* back, and the grace has passed: taken over */
    tick_at(&t, 675, "");
    assert_int_equal(t.assigned[1][IDC], 1);
    assert_int_equal(spw_plan_outcome_at(t.plan, 1)->unplaced, 0);
    toy_end(&t);
}

/**
 * As Karmada does it, with units that hold back: idc has 2 idle GPUs, but they are of the second unit, and the first,
 * which has no pool there, waits for its 2 replicas for good; so what is written for idc has no GPU. Once idc is lost
 * that is as before, budget or not: it stands there for nothing else, and the 2 new replicas go to ack.
 */
static void a_budget_makes_no_room_where_what_is_written_counts(void **state)
{
    (void)state;
    static const char *const groups[] = {"idc,ack"};
    static const spw_unit unit[] = {{.capacity = SPW_CAPACITY_SPOT, .replicas_max = 2}, {.replicas_max = -1}};
    static const spw_units units = {unit, 2, SPW_NEXT_MAX, 0, false};
    toy t;
    toy_init(&t);
    (void)toy_pool_add(&t, toy_cluster(&t, "idc"), "own", SPW_CAPACITY_OWNED, 2, 2);
    (void)toy_pool_add(&t, toy_cluster(&t, "ack"), "spot", SPW_CAPACITY_SPOT, 2, 2);
    t.policy.compat = true;
    t.policy.failover_moves = 2;
    t.policy.evict_grace = 600 * S;
    t.work[0].units = &units;
    t.assigned[0][IDC] = 4;
    t.ready[IDC] = false;
    t.template_replicas[0] = 6;
    toy_start(&t, groups, 1);
    (void)toy_tick(&t);
    assert_string_equal(toy_text(&t), "place prod/chat ack 0 -> 2  fill-idle\n");
    toy_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(make_before_break),
        cmocka_unit_test(a_blink_changes_nothing),
        cmocka_unit_test(a_doubtful_cluster_is_frozen),
        cmocka_unit_test(back_only_after_as_long),
        cmocka_unit_test(the_grace_passes),
        cmocka_unit_test(back_within_the_grace),
        cmocka_unit_test(answers_at_the_last_moment),
        cmocka_unit_test(so_many_in_a_tick),
        cmocka_unit_test(at_once_without_a_threshold),
        cmocka_unit_test(copies_wait_for_those_elsewhere),
        cmocka_unit_test(clocks_survive_a_restart),
        cmocka_unit_test(two_workloads),
        cmocka_unit_test(a_budget_makes_no_room_where_what_is_written_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
