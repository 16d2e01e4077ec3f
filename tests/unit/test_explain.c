/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_explain.c - every cluster has a verdict for every workload: each of them provoked once, by hand. */
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

/** a: 2 idle; b: 4 idle; c: none, 3 to be created; d: 4 idle. */
static void four(toy *t)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    static const int nodes[] = {2, 4, 0, 4};
    toy_init(t);
    t->settings.explain = true;
    for (int i = 0; i < 4; i++) {
        (void)toy_pool_add(t, toy_cluster(t, names[i]), "own", i == 2 ? SPW_CAPACITY_ON_DEMAND : SPW_CAPACITY_OWNED,
                           nodes[i], i == 2 ? 3 : nodes[i]);
    }
}

static void tick(toy *t, int32_t n)
{
    t->template_replicas[0] = n;
    t->now += 15 * S;
    (void)toy_tick(t);
}

static void expect(const toy *t, size_t row, int cluster, int32_t group, spw_verdict verdict, const int32_t n[4])
{
    const spw_candidate *c = spw_plan_candidate_at(t->plan, row);
    if (c->verdict != verdict) {
        fail_msg("row %zu: %s, not %s", row, spw_verdict_name(c->verdict), spw_verdict_name(verdict));
    }
    assert_int_equal(c->cluster, cluster);
    assert_int_equal(c->group, group);
    assert_int_equal(c->held, n[0]);
    assert_int_equal(c->room_idle, n[1]);
    assert_int_equal(c->room_elastic, n[2]);
    assert_int_equal(c->target, n[3]);
}

#define ROW(...) ((const int32_t[4]){__VA_ARGS__})

static void ordered_groups(void **state)
{
    (void)state;
    static const char *const groups[] = {"a", "b,c", "d"};
    toy t;
    four(&t);
    toy_start(&t, groups, 3);
    tick(&t, 5); /* 2 in a, 3 of 4 in b; c would have to be created, d is not needed */
    assert_int_equal(spw_plan_candidate_count(t.plan), 4);
    expect(&t, 0, 0, 0, SPW_VERDICT_FULL, ROW(0, 2, 0, 2));
    expect(&t, 1, 1, 1, SPW_VERDICT_CHOSEN, ROW(0, 4, 0, 3));
    expect(&t, 2, 2, 1, SPW_VERDICT_NO_SHARE, ROW(0, 0, 3, 0));
    expect(&t, 3, 3, 2, SPW_VERDICT_BETTER_SUFFICE, ROW(0, 4, 0, 0));
    toy_settle(&t);
    t.age[1] = 200 * S;
    t.ready[3] = false;
    t.assigned[0][1] = t.scheduled[0][1] = t.is_ready[0][1] = 0;
    tick(&t, 2);
    t.policy.elastic = false;
    toy_restart(&t);
    tick(&t, 2);
    expect(&t, 0, 0, 0, SPW_VERDICT_CHOSEN, ROW(2, 0, 0, 2));
    expect(&t, 1, 1, 1, SPW_VERDICT_STALE, ROW(0, 0, 0, 0));
    expect(&t, 2, 2, 1, SPW_VERDICT_NO_ROOM, ROW(0, 0, 0, 0));
    expect(&t, 3, 3, 2, SPW_VERDICT_NOT_READY, ROW(0, 0, 0, 0));
    toy_end(&t);
}

static void refusals_and_selectors(void **state)
{
    (void)state;
    static const char *const groups[] = {"a,b"};
    static const char *const without[] = {"c"};
    static const char *const some[] = {"a", "b", "c"};
    toy t;
    four(&t);
    t.policy.partial = false;
    toy_start(&t, groups, 1);
    tick(&t, 7);
    expect(&t, 0, 0, 0, SPW_VERDICT_REFUSED, ROW(0, 2, 0, 0));
    expect(&t, 1, 1, 0, SPW_VERDICT_REFUSED, ROW(0, 4, 0, 0));
    expect(&t, 2, 2, -1, SPW_VERDICT_NOT_SELECTED, ROW(0, 0, 0, 0));
    const spw_group group = {.name = "g",
                             .selector = {.names = some, .name_count = 3, .exclude = without, .exclude_count = 1}};
    t.policy.groups = &group;
    toy_restart(&t);
    tick(&t, 7);
    expect(&t, 2, 2, -1, SPW_VERDICT_EXCLUDED, ROW(0, 0, 0, 0));
    toy_end(&t);
}

static void failover_groups_and_constraints(void **state)
{
    (void)state;
    static const char *const groups[] = {"a", "b", "d"};
    static const spw_spread one[] = {{SPW_SPREAD_CLUSTER, 1, 1}};
    static const spw_spread five[] = {{SPW_SPREAD_CLUSTER, 5, 5}};
    static const char *const all[] = {"a,b,d"};
    toy t;
    four(&t);
    t.policy.order = SPW_GROUPS_FAILOVER;
    toy_start(&t, groups, 3);
    tick(&t, 3);
    expect(&t, 0, 0, 0, SPW_VERDICT_GROUP_PASSED, ROW(0, 2, 0, 0));
    expect(&t, 1, 1, 1, SPW_VERDICT_CHOSEN, ROW(0, 4, 0, 3));
    expect(&t, 3, 3, 2, SPW_VERDICT_BETTER_SUFFICE, ROW(0, 4, 0, 0));
    toy_end(&t);
    four(&t);
    t.policy.spreads = one;
    t.policy.spread_count = 1;
    toy_start(&t, all, 1);
    tick(&t, 3);
    expect(&t, 0, 0, 0, SPW_VERDICT_SPREAD, ROW(0, 2, 0, 0));
    expect(&t, 1, 1, 0, SPW_VERDICT_CHOSEN, ROW(0, 4, 0, 3));
    expect(&t, 3, 3, 0, SPW_VERDICT_SPREAD, ROW(0, 4, 0, 0));
    t.policy.spreads = five;
    toy_restart(&t);
    for (int i = 0; i < 4; i++) {
        t.assigned[0][i] = 0;
    }
    tick(&t, 3);
    expect(&t, 1, 1, 0, SPW_VERDICT_SPREAD, ROW(0, 4, 0, 0));
    toy_end(&t);
}

static void weights_and_karmada(void **state)
{
    (void)state;
    static const char *const all[] = {"a,b,d"};
    static const char *const a[] = {"a"};
    static const spw_static_weight weights[] = {{{.names = a, .name_count = 1}, 2}};
    toy t;
    four(&t);
    t.policy.division = SPW_DIVIDE_STATIC;
    t.policy.static_weights = weights;
    t.policy.static_weight_count = 1;
    toy_start(&t, all, 1);
    tick(&t, 3); /* weights know no room: a is told to run 3 and can run 2 */
    expect(&t, 0, 0, 0, SPW_VERDICT_CHOSEN, ROW(0, 2, 0, 3));
    expect(&t, 1, 1, 0, SPW_VERDICT_NO_WEIGHT, ROW(0, 0, 0, 0));
    toy_end(&t);
    four(&t);
    t.policy.compat = true;
    toy_start(&t, all, 1);
    tick(&t, 4);
    tick(&t, 4);
    expect(&t, 1, 1, 0, SPW_VERDICT_UNTOUCHED, ROW(2, 2, 0, 2));
    toy_end(&t);
}

static void rows_for_each_workload_in_its_turn(void **state)
{
    (void)state;
    static const char *const all[] = {"a,b,c,d"};
    toy t;
    four(&t);
    t.works = 3;
    t.work[1].priority = 10;
    t.work[2].policy = SPW_ID_NONE; /* not ours: not explained */
    toy_start(&t, all, 1);
    tick(&t, 1);
    assert_int_equal(spw_plan_candidate_count(t.plan), 8);
    assert_int_equal(spw_plan_candidate_at(t.plan, 0)->workload, 1);
    assert_int_equal(spw_plan_candidate_at(t.plan, 7)->workload, 0);
    toy_end(&t);
}

/** Explaining changes no decision; without the setting, or without room, there is nothing; too little room is said. */
static void the_same_plan_without_it(void **state)
{
    (void)state;
    static const char *const groups[] = {"a", "b,c", "d"};
    char text[2][4096];
    for (int told = 0; told < 2; told++) {
        toy t;
        four(&t);
        t.settings.explain = told != 0;
        toy_start(&t, groups, 3);
        tick(&t, 9);
        (void)snprintf(text[told], sizeof text[told], "%s", toy_text(&t));
        assert_int_equal(spw_plan_candidate_count(t.plan), told != 0 ? 4 : 0);
        toy_end(&t);
    }
    assert_string_equal(text[0], text[1]);
    toy t;
    four(&t);
    toy_start(&t, groups, 3);
    spw_plan *plan = NULL;
    assert_int_equal(spw_plan_new(spw_mem_libc(), 64, 4, &plan), SPW_OK);
    assert_int_equal(spw_decide(t.core, toy_snapshot(&t), plan, NULL), SPW_OK);
    assert_int_equal(spw_plan_candidate_count(plan), 0);
    spw_plan_free(plan);
    assert_int_equal(spw_plan_new_explained(spw_mem_libc(), 64, 4, 3, &plan), SPW_OK);
    t.now = 15 * S;
    assert_int_equal(spw_decide(t.core, toy_snapshot(&t), plan, NULL), SPW_LIMIT);
    spw_plan_free(plan);
    toy_end(&t);
}

static void all_words_are_there(void **state)
{
    (void)state;
    for (int v = SPW_VERDICT_CHOSEN; v <= SPW_VERDICT_BARRED; v++) {
        if (v <= SPW_VERDICT_SUSPENDED || v >= SPW_VERDICT_NOT_SELECTED) {
            assert_string_not_equal(spw_verdict_name((spw_verdict)v), "none");
            assert_true(strlen(spw_verdict_text((spw_verdict)v)) > 10);
        }
    }
    assert_string_equal(spw_verdict_name((spw_verdict)999), "none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordered_groups),
        cmocka_unit_test(refusals_and_selectors),
        cmocka_unit_test(failover_groups_and_constraints),
        cmocka_unit_test(weights_and_karmada),
        cmocka_unit_test(rows_for_each_workload_in_its_turn),
        cmocka_unit_test(the_same_plan_without_it),
        cmocka_unit_test(all_words_are_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
