/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_fill.c - the six fill semantics and the orders of steps, through the whole core. Every number worked by hand.
 */
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

/** Clusters a, b, c with idle nodes of one GPU, all owned. */
static void three(toy *t, int a, int b, int c)
{
    const int nodes[3] = {a, b, c};
    static const char *const names[3] = {"a", "b", "c"};
    toy_init(t);
    for (int i = 0; i < 3; i++) {
        (void)toy_pool_add(t, toy_cluster(t, names[i]), "own", SPW_CAPACITY_OWNED, nodes[i], nodes[i]);
    }
}

static const char *const TOGETHER[] = {"a,b,c"};
static const char *const APART[] = {"a", "b", "c"};

static void settle(toy *t)
{
    toy_settle(t);
    t->now += 15 * S;
}

static void expect(toy *t, int32_t a, int32_t b, int32_t c)
{
    assert_int_equal(t->assigned[0][0], a);
    assert_int_equal(t->assigned[0][1], b);
    assert_int_equal(t->assigned[0][2], c);
}

static int32_t unplaced(const toy *t)
{
    return spw_plan_outcome_at(t->plan, 0)->unplaced;
}

/** Asks for n, decides, lets the world follow. */
static void want(toy *t, int32_t n)
{
    t->template_replicas[0] = n;
    (void)toy_tick(t);
    settle(t);
}

/* --- one group --- */

static void duplicated(void **state)
{
    (void)state;
    toy t;
    three(&t, 6, 8, 2);
    t.policy.division = SPW_DIVIDE_DUPLICATED;
    toy_start(&t, TOGETHER, 1);
    want(&t, 3);
    expect(&t, 3, 3, 3); /* on each, the one without room included */
    assert_int_equal(unplaced(&t), 1);
    want(&t, 1);
    expect(&t, 1, 1, 1);
    toy_end(&t);
}

static void static_weights_ignore_room(void **state)
{
    (void)state;
    static const char *const a[] = {"a"};
    static const char *const ab[] = {"a", "b"};
    static const spw_static_weight weights[] = {{{.names = a, .name_count = 1}, 3},
                                                {{.names = ab, .name_count = 2}, 1}};
    toy t;
    three(&t, 2, 8, 8);
    t.policy.division = SPW_DIVIDE_STATIC;
    t.policy.static_weights = weights;
    t.policy.static_weight_count = 2;
    toy_start(&t, TOGETHER, 1);
    want(&t, 8); /* a weighs 3 (the largest rule), b 1, c is in no rule: 3 1.0 | 1 .6 .43 .33 ... and 6 + 2 of 8 */
    expect(&t, 6, 2, 0);
    assert_int_equal(unplaced(&t), 4);
    (void)toy_tick(&t);
    assert_null(strstr(toy_text(&t), "place"));
    /* old state: nothing new goes to a, what it has stays */
    t.age[0] = 200 * S;
    want(&t, 16);
    expect(&t, 6, 4, 0);
    toy_end(&t);
}

static void dynamic_is_proportional(void **state)
{
    (void)state;
    toy t;
    three(&t, 6, 8, 10);
    toy_start(&t, TOGETHER, 1);
    want(&t, 12);
    expect(&t, 3, 4, 5);
    /* steady up: weights are what is left, 3 4 5; 4 more: 5 4 3 1.67 -> a 1, b 1, c 2 */
    want(&t, 16);
    expect(&t, 4, 5, 7);
    /* steady down: weights are what is held, 4 5 7; 7 of: 7 5 4 2.33 1.67 1.4 1.33 -> a 2, b 2, c 3 */
    want(&t, 7);
    expect(&t, 2, 2, 3);
    /* all of it, and not one more */
    want(&t, 30);
    expect(&t, 6, 8, 10);
    assert_int_equal(unplaced(&t), 6);
    toy_end(&t);
}

static void aggregated_takes_the_fewest(void **state)
{
    (void)state;
    toy t;
    three(&t, 6, 8, 10);
    t.policy.division = SPW_DIVIDE_AGGREGATED;
    toy_start(&t, TOGETHER, 1);
    want(&t, 12);
    expect(&t, 0, 5, 7); /* 10 + 8 reach 12; Webster inside: proportional, not 2 + 10 */
    /* holders first: b 3 + c 3 reach 6; 6 more = 3 + 3 */
    want(&t, 18);
    expect(&t, 0, 8, 10);
    want(&t, 20);
    expect(&t, 2, 8, 10);
    /* down to 9 over holders by what they hold: c (10) alone reaches it */
    want(&t, 9);
    expect(&t, 0, 0, 9);
    toy_end(&t);
}

/** Ties go by name, and backwards for workloads whose UID has an odd hash. */
static void ties_by_name_and_uid(void **state)
{
    (void)state;
    for (uint32_t hash = 0; hash < 2; hash++) {
        toy t;
        three(&t, 5, 5, 5);
        t.work[0].uid_hash = hash;
        toy_start(&t, TOGETHER, 1);
        want(&t, 4);
        expect(&t, hash == 0 ? 2 : 1, 1, hash == 0 ? 1 : 2);
        toy_end(&t);
    }
}

/* --- failover groups --- */

static void failover_takes_one_group_and_never_returns(void **state)
{
    (void)state;
    toy t;
    three(&t, 4, 6, 8);
    t.policy.order = SPW_GROUPS_FAILOVER;
    t.policy.failback_window = 0;
    toy_start(&t, APART, 3);
    want(&t, 4);
    expect(&t, 4, 0, 0);
    /* 5 do not fit in a: all of them go to b; the old ones stay until the new ones are ready */
    want(&t, 5);
    expect(&t, 4, 5, 0);
    (void)toy_tick(&t);
    settle(&t);
    expect(&t, 0, 5, 0);
    /* a could hold 2 again, and does not get them */
    want(&t, 2);
    expect(&t, 0, 2, 0);
    for (int i = 0; i < 30; i++) {
        want(&t, 2);
    }
    expect(&t, 0, 2, 0);
    /* no group holds 9: the old result stays, nothing is split */
    want(&t, 9);
    expect(&t, 0, 2, 0);
    assert_int_equal(unplaced(&t), 7);
    want(&t, 8);
    (void)toy_tick(&t);
    expect(&t, 0, 0, 8);
    toy_end(&t);
}

/* --- ordered groups --- */

/** a: 2 idle and 2 to be created, in group 0 with b: 2 idle and 2 to be created; c: 3 idle, group 1. */
static void two_tiers(toy *t, spw_step_major major)
{
    static const char *const groups[] = {"a,b", "c"};
    three(t, 2, 2, 3);
    (void)toy_pool_add(t, 0, "od", SPW_CAPACITY_ON_DEMAND, 0, 2);
    (void)toy_pool_add(t, 1, "od", SPW_CAPACITY_ON_DEMAND, 0, 2);
    t->policy.step_major = major;
    toy_start(t, groups, 2);
}

static int32_t target(const toy *t, int pool)
{
    return t->pool[pool].target;
}

static void steps_per_tier(void **state)
{
    (void)state;
    toy t;
    two_tiers(&t, SPW_STEP_PER_TIER);
    t.pool[3].max = 4; /* a: 2 idle + 4 elastic; b: 2 idle + 2 elastic */
    want(&t, 4);       /* idle of the tier first: a 2, b 2, no order */
    expect(&t, 2, 2, 0);
    assert_int_equal(target(&t, 3) + target(&t, 4), 0);
    want(&t, 7); /* elastic 4 : 2, three of them: 4 2 1.33 -> a 2, b 1 */
    expect(&t, 4, 3, 0);
    assert_int_equal(target(&t, 3), 2);
    assert_int_equal(target(&t, 4), 1);
    want(&t, 11);
    expect(&t, 6, 4, 1);
    toy_end(&t);
}

static void steps_per_cluster(void **state)
{
    (void)state;
    toy t;
    two_tiers(&t, SPW_STEP_PER_CLUSTER);
    t.pool[3].max = 10; /* a: 12 in all, b: 4. Four: 12 4 | 4 (a's second ties with b's first) 2.4: a 3, b 1 */
    want(&t, 4);
    expect(&t, 3, 1, 0);
    assert_int_equal(target(&t, 3), 1);
    assert_int_equal(target(&t, 4), 0);
    toy_end(&t);
}

static void steps_global(void **state)
{
    (void)state;
    toy t;
    two_tiers(&t, SPW_STEP_GLOBAL);
    want(&t, 7); /* idle of both tiers before any node is created */
    expect(&t, 2, 2, 3);
    assert_int_equal(target(&t, 3) + target(&t, 4), 0);
    want(&t, 8);
    expect(&t, 3, 2, 3); /* then elastic of the first tier */
    for (int i = 0; i < 60; i++) {
        want(&t, 8); /* and no node is created to bring one back */
    }
    expect(&t, 3, 2, 3);
    toy_end(&t);
}

static void elastic_off_creates_nothing(void **state)
{
    (void)state;
    toy t;
    two_tiers(&t, SPW_STEP_PER_TIER);
    t.policy.elastic = false;
    toy_restart(&t);
    want(&t, 9);
    expect(&t, 2, 2, 3);
    assert_int_equal(unplaced(&t), 2);
    /* nodes that somebody else created are not ours to remove */
    t.pool[3].nodes = t.pool[3].target = 1;
    for (int i = 0; i < 90; i++) {
        want(&t, 4);
    }
    assert_int_equal(target(&t, 3), 1);
    toy_end(&t);
}

/** Owned, then on demand, then spot, as one workload grows; back in the opposite order as it shrinks. */
static void spot_in_the_last_group(void **state)
{
    (void)state;
    toy t;
    toy_init(&t);
    (void)toy_pool_add(&t, toy_cluster(&t, "a"), "own", SPW_CAPACITY_OWNED, 2, 2);
    (void)toy_pool_add(&t, toy_cluster(&t, "b"), "od", SPW_CAPACITY_ON_DEMAND, 0, 2);
    (void)toy_pool_add(&t, toy_cluster(&t, "c"), "spot", SPW_CAPACITY_SPOT, 0, 2);
    toy_start(&t, APART, 3);
    static const int32_t up[7][3] = {{0}, {1, 0, 0}, {2, 0, 0}, {2, 1, 0}, {2, 2, 0}, {2, 2, 1}, {2, 2, 2}};
    for (int32_t n = 0; n <= 6; n++) {
        want(&t, n);
        expect(&t, up[n][0], up[n][1], up[n][2]);
    }
    for (int32_t n = 6; n >= 0; n--) {
        want(&t, n);
        expect(&t, up[n][0], up[n][1], up[n][2]);
    }
    toy_end(&t);
}

/* --- GPUs --- */

/** Two GPUs a replica; four nodes with one GPU free each are four GPUs and no room. */
static void fragments_are_no_room(void **state)
{
    (void)state;
    toy t;
    three(&t, 4, 3, 0);
    t.work[0].gpus = 2;
    for (int p = 0; p < 2; p++) {
        t.pool[p].gpus_per_node = 2;
        t.pool[p].by_hand = true;
    }
    t.pool[0].free_nodes[1] = 4;
    t.pool[1].free_nodes[2] = 3;
    toy_start(&t, APART, 3);
    t.template_replicas[0] = 4;
    (void)toy_tick(&t);
    expect(&t, 0, 3, 0);
    assert_int_equal(unplaced(&t), 1);
    toy_end(&t);
}

static void several_gpus_order_whole_nodes(void **state)
{
    (void)state;
    toy t;
    three(&t, 0, 0, 0);
    (void)toy_pool_add(&t, 0, "od", SPW_CAPACITY_ON_DEMAND, 0, 3);
    t.pool[3].gpus_per_node = 8;
    t.work[0].gpus = 3; /* two fit on a node of 8 */
    toy_start(&t, APART, 3);
    want(&t, 5);
    expect(&t, 5, 0, 0);
    assert_int_equal(target(&t, 3), 3);
    t.pool[3].by_hand = true; /* 6, 6 and 3 GPUs taken */
    t.pool[3].free_nodes[2] = 2;
    t.pool[3].free_nodes[5] = 1;
    want(&t, 8);
    expect(&t, 6, 0, 0);
    assert_int_equal(unplaced(&t), 2);
    toy_end(&t);
}

static void classes_are_respected(void **state)
{
    (void)state;
    static const char *const h20[] = {"H20", "H100"};
    toy t;
    three(&t, 4, 4, 4);
    t.pool[1].gpu = "H20";
    t.work[0].gpu_classes = h20;
    t.work[0].gpu_class_count = 2;
    toy_start(&t, APART, 3);
    want(&t, 6);
    expect(&t, 0, 4, 0);
    assert_int_equal(unplaced(&t), 2);
    toy_end(&t);
}

/** The more important workload is placed first, whatever the order of the configuration. */
static void priority_first(void **state)
{
    (void)state;
    toy t;
    three(&t, 3, 2, 0);
    t.works = 2;
    t.work[1].priority = 1000;
    toy_start(&t, APART, 3);
    t.template_replicas[0] = 3;
    t.template_replicas[1] = 2;
    (void)toy_tick(&t);
    assert_int_equal(t.assigned[1][0], 2);
    expect(&t, 1, 2, 0);
    toy_end(&t);
}

/** A pool is used by rank, and none is believed beyond its stock. */
static void stock_is_believed(void **state)
{
    (void)state;
    toy t;
    three(&t, 0, 0, 2);
    (void)toy_pool_add(&t, 0, "od", SPW_CAPACITY_ON_DEMAND, 0, 5);
    (void)toy_pool_add(&t, 0, "od2", SPW_CAPACITY_ON_DEMAND, 0, 5);
    t.pool[3].stock = 1;
    t.pool[4].stock = 0;
    toy_start(&t, APART, 3);
    t.template_replicas[0] = 2;
    (void)toy_tick(&t);
    expect(&t, 1, 0, 1);
    assert_int_equal(target(&t, 3), 1);
    assert_int_equal(target(&t, 4), 0);
    toy_end(&t);
}

/** A pool of our own that lost a machine cannot grow: no order. */
static void owned_pools_are_not_ordered(void **state)
{
    (void)state;
    toy t;
    three(&t, 3, 1, 0);
    toy_start(&t, APART, 3);
    t.pool[0].nodes = t.pool[0].target = 2; /* of 3 */
    want(&t, 3);
    expect(&t, 2, 1, 0);
    assert_int_equal(target(&t, 0), 2);
    toy_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(duplicated),
        cmocka_unit_test(static_weights_ignore_room),
        cmocka_unit_test(dynamic_is_proportional),
        cmocka_unit_test(aggregated_takes_the_fewest),
        cmocka_unit_test(ties_by_name_and_uid),
        cmocka_unit_test(failover_takes_one_group_and_never_returns),
        cmocka_unit_test(steps_per_tier),
        cmocka_unit_test(steps_per_cluster),
        cmocka_unit_test(steps_global),
        cmocka_unit_test(elastic_off_creates_nothing),
        cmocka_unit_test(spot_in_the_last_group),
        cmocka_unit_test(fragments_are_no_room),
        cmocka_unit_test(several_gpus_order_whole_nodes),
        cmocka_unit_test(classes_are_respected),
        cmocka_unit_test(priority_first),
        cmocka_unit_test(stock_is_believed),
        cmocka_unit_test(owned_pools_are_not_ordered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
