/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_waterfall.c - sharing of traffic by levels, rates and weights. The figures of the levels are those that follow
 * from health = min(1, 1.4 x ready / assigned), worked by hand; over random instances a model in plain fractions says
 * the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "route/strategy.h"
#include "tests/support/choice.h"
#include "tests/support/toy.h"

#define S     SPW_NS_PER_S
#define WHOLE 1000000
#define MANY  7

static route_site site(int32_t ready, int32_t assigned, int32_t level)
{
    return (route_site){.ready = ready, .assigned = assigned, .trust = WHOLE, .level = level};
}

static void share(spw_route route, int64_t rate, int64_t capacity, route_site *sites, size_t count, int32_t *shares)
{
    int64_t parts[MANY];
    route_demand d = {.rate_milli = rate, .capacity_milli = capacity, .fill_ppm = 800000};
    route_share(route, &d, sites, count, parts, shares);
}

/** Two levels of 100 replicas. In percent: ready of both levels, then traffic of both. */
static void envoy_levels(void **state)
{
    (void)state;
    static const struct {
        int32_t ready[2], share[2];
    } cases[] = {
        {{100, 100}, {1000000, 0}},    {{72, 100}, {1000000, 0}}, /* 1.4 x 72 = 100.8: all stays */
        {{71, 100}, {994000, 6000}},                              /* 99.4 */
        {{50, 100}, {700000, 300000}}, {{25, 100}, {350000, 650000}},
        {{0, 100}, {0, 1000000}},      {{25, 25}, {500000, 500000}}, /* 35 + 35 = 70 in all, scaled up: 35 / 70 */
        {{25, 20}, {555556, 444444}},                                /* 35 / 63, 28 / 63 */
        {{60, 0}, {1000000, 0}},                                     /* 84 in all, scaled up */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        route_site sites[2] = {site(cases[i].ready[0], 100, 0), site(cases[i].ready[1], 100, 1)};
        int32_t shares[2];
        share(SPW_ROUTE_LEVELS, -1, 0, sites, 2, shares);
        assert_int_equal(shares[0], cases[i].share[0]);
        assert_int_equal(shares[1], cases[i].share[1]);
    }
}

/** Under one half a level in panic ignores readiness; but not while other levels make up for it. */
static void panic(void **state)
{
    (void)state;
    int32_t shares[3];
    route_site alone[2] = {site(30, 50, 0), site(10, 50, 0)}; /* 40 % ready, health 56: panic, by assigned */
    share(SPW_ROUTE_LEVELS, -1, 0, alone, 2, shares);
    assert_int_equal(shares[0], 500000);
    assert_int_equal(shares[1], 500000);
    assert_int_equal(alone[0].reason, SPW_WHY_ROUTE_PANIC);
    route_site half[2] = {site(40, 50, 0), site(10, 50, 0)}; /* 50 % is not under 50 % */
    share(SPW_ROUTE_LEVELS, -1, 0, half, 2, shares);
    assert_int_equal(shares[0], 800000);
    assert_int_equal(shares[1], 200000);
    assert_int_equal(half[0].reason, SPW_WHY_ROUTE_LEVELS);
    route_site backed[3] = {site(30, 50, 0), site(10, 50, 0), site(9, 9, 1)}; /* 56 %, shared 30 : 10; 44 % go on */
    share(SPW_ROUTE_LEVELS, -1, 0, backed, 3, shares);
    assert_int_equal(shares[0], 420000);
    assert_int_equal(shares[1], 140000);
    assert_int_equal(shares[2], 440000);
}

/** One ready replica of three million is no millionth: the whole goes to the nearest level that has one, in panic. */
static void panic_of_a_crowd(void **state)
{
    (void)state;
    int32_t shares[4];
    route_site sites[4] = {site(0, 5, 0), site(1, 1000000, 1), site(0, 1000000, 1), site(0, 2000000, 1)};
    share(SPW_ROUTE_LEVELS, -1, 0, sites, 4, shares);
    assert_int_equal(shares[0], 0);
    assert_int_equal(shares[1], 250000);
    assert_int_equal(shares[2], 250000);
    assert_int_equal(shares[3], 500000);
    assert_int_equal(sites[1].reason, SPW_WHY_ROUTE_PANIC);
}

/** 10 requests/s for each replica, of which 8 are used before spilling. */
static void waterfall(void **state)
{
    (void)state;
    static const struct {
        int64_t rate;
        int32_t share[4];
    } cases[] = {
        {0, {750000, 250000, 0, 0}},               /* nothing to route: the nearest level stands ready */
        {32000, {750000, 250000, 0, 0}},           /* 32/s = 4 x 8: just fits the first level, 3 : 1 */
        {40000, {600000, 200000, 200000, 0}},      /* 24 + 8 | 8 */
        {64000, {375000, 125000, 250000, 250000}}, /* 24 + 8 | 16 | 16 */
        {96000, {300000, 100000, 200000, 400000}}, /* over 80: all alike, 3 : 1 : 2 : 4 */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        route_site sites[4] = {site(3, 3, 0), site(1, 2, 0), site(2, 2, 1), site(4, 4, 2)};
        int32_t shares[4];
        share(SPW_ROUTE_WATERFALL, cases[i].rate, 10000, sites, 4, shares);
        for (int k = 0; k < 4; k++) {
            assert_int_equal(shares[k], cases[i].share[k]);
        }
    }
    route_site sites[2] = {site(71, 100, 0), site(1, 1, 1)};
    int32_t shares[2];
    share(SPW_ROUTE_WATERFALL, -1, 10000, sites, 2, shares); /* the rate is not known: by health */
    assert_int_equal(shares[0], 994000);
    share(SPW_ROUTE_WATERFALL, 5000, 0, sites, 2, shares); /* nor the capacity */
    assert_int_equal(shares[0], 994000);
}

static void weights(void **state)
{
    (void)state;
    route_site sites[3] = {site(1, 9, 0), site(9, 9, 0), site(0, 9, 0)};
    int32_t shares[3];
    sites[0].weight = 3;
    sites[1].weight = 1;
    sites[2].weight = 96;
    share(SPW_ROUTE_WEIGHTS, -1, 0, sites, 3, shares); /* whatever the counts; the third has nobody ready */
    assert_int_equal(shares[0], 750000);
    assert_int_equal(shares[1], 250000);
    assert_int_equal(shares[2], 0);
    sites[0].weight = sites[1].weight = 0;
    share(SPW_ROUTE_WEIGHTS, -1, 0, sites, 3, shares); /* no weight where somebody is ready: by ready */
    assert_int_equal(shares[0], 100000);
    assert_int_equal(shares[1], 900000);
}

static void trust_fades(void **state)
{
    (void)state;
    assert_int_equal(route_trust(0, 0), WHOLE);
    assert_int_equal(route_trust(INT64_MAX, 0), WHOLE);
    assert_int_equal(route_trust(30 * S, 30 * S), WHOLE);
    assert_int_equal(route_trust(45 * S, 30 * S), 500000);
    assert_int_equal(route_trust(60 * S - 1, 30 * S), 0);
    assert_int_equal(route_trust(60 * S, 30 * S), 0);
    assert_int_equal(route_trust(INT64_MAX, 30 * S), 0);
    route_site sites[2] = {site(4, 4, 0), site(4, 4, 0)};
    int32_t shares[2];
    sites[1].trust = 500000;
    share(SPW_ROUTE_PROPORTIONAL, -1, 0, sites, 2, shares); /* 4 : 2 */
    assert_int_equal(shares[0], 666667);
    assert_int_equal(shares[1], 333333);
    assert_int_equal(sites[0].reason, SPW_WHY_ROUTE_READY);
    assert_int_equal(sites[1].reason, SPW_WHY_ROUTE_STALE);
    sites[0].trust = sites[1].trust = 0;
    share(SPW_ROUTE_PROPORTIONAL, -1, 0, sites, 2, shares); /* all is old alike */
    assert_int_equal(shares[0], 500000);
}

/** The whole is always shared, only to where somebody is ready (but for panic), and levels are used in order. */
static void any_instance(void **state)
{
    (void)state;
    choice c;
    choice_seed(&c, 11);
    for (int round = 0; round < 20000; round++) {
        route_site sites[MANY];
        int32_t shares[MANY];
        size_t count = (size_t)choice_range(&c, 1, MANY);
        int64_t ready = 0;
        for (size_t i = 0; i < count; i++) {
            int32_t assigned = (int32_t)choice_below(&c, 12);
            sites[i] = site((int32_t)choice_range(&c, 0, assigned), assigned, (int32_t)choice_below(&c, 3));
            sites[i].trust = choice_chance(&c, 1, 4) ? (int32_t)choice_below(&c, WHOLE + 1) : WHOLE;
            sites[i].weight = (int64_t)choice_below(&c, 4);
            ready += sites[i].ready;
        }
        spw_route route = (spw_route)choice_below(&c, 4);
        int64_t rate = choice_range(&c, -1, 300000);
        share(route, rate, choice_range(&c, 0, 9000), sites, count, shares);
        int64_t sum = 0;
        for (size_t i = 0; i < count; i++) {
            sum += shares[i];
            bool panics = sites[i].reason == SPW_WHY_ROUTE_PANIC;
            assert_true(shares[i] >= 0 && (panics || sites[i].ready > 0 || shares[i] == 0));
        }
        assert_int_equal(sum, ready > 0 ? WHOLE : 0);
    }
}

/** A level is loaded to the spill mark before the next one gets anything: in plain doubles, millionths apart. */
static void waterfall_model(void **state)
{
    (void)state;
    choice c;
    choice_seed(&c, 12);
    for (int round = 0; round < 5000; round++) {
        route_site sites[MANY];
        int32_t shares[MANY];
        double room[3] = {0, 0, 0}, load[3], all = 0;
        int32_t ready[3] = {0, 0, 0};
        for (size_t i = 0; i < MANY; i++) {
            sites[i] = site((int32_t)choice_range(&c, 1, 9), 9, (int32_t)choice_below(&c, 3));
            ready[sites[i].level] += sites[i].ready;
            room[sites[i].level] += sites[i].ready * 8.0;
            all += sites[i].ready * 8.0;
        }
        double rate = (double)choice_range(&c, 1, (int64_t)all);
        share(SPW_ROUTE_WATERFALL, (int64_t)rate * 1000, 10000, sites, MANY, shares);
        double left = rate;
        for (int p = 0; p < 3; p++) {
            load[p] = left < room[p] ? left : room[p];
            left -= load[p];
        }
        for (size_t i = 0; i < MANY; i++) {
            double expected = 1e6 * load[sites[i].level] / rate * sites[i].ready / ready[sites[i].level];
            assert_true(shares[i] < expected + 2 && shares[i] > expected - 2);
        }
    }
}

static void make(toy *t)
{
    static const char *const groups[] = {"far,home,mid"};
    static const char *const regions[] = {"cn-hangzhou", "cn-shanghai"};
    toy_init(t);
    int home = toy_cluster(t, "home");
    int mid = toy_cluster(t, "mid");
    int far = toy_cluster(t, "far");
    t->region[home] = regions[0];
    t->region[mid] = regions[1];
    t->region[far] = "us-west";
    for (int c = 0; c < 3; c++) {
        (void)toy_pool_add(t, c, "own", SPW_CAPACITY_OWNED, 2, 2);
    }
    t->policy.route = SPW_ROUTE_WATERFALL;
    t->policy.route_regions = regions;
    t->policy.route_region_count = 2;
    t->policy.route_capacity_milli = 10000;
    t->template_replicas[0] = 6;
    toy_start(t, groups, 1);
    (void)toy_tick(t);
    toy_settle(t);
    t->now += 15 * S;
}

/** Through the core: 16/s fit each level; small changes send nothing, and an old rate is none. */
static void in_the_core(void **state)
{
    (void)state;
    toy t;
    make(&t);
    t.rate_milli[0] = 20000;
    (void)toy_tick(&t);
    assert_string_equal(toy_text(&t), "route prod/chat home 0 -> 800000  route-near\n"
                                      "route prod/chat mid 0 -> 200000  route-spill\n");
    t.rate_milli[0] = 20200; /* 16 / 20.2 = 79.2 % */
    t.now += 15 * S;
    (void)toy_tick(&t);
    assert_string_equal(toy_text(&t), "");
    t.rate_milli[0] = 40000;
    t.now += 15 * S;
    (void)toy_tick(&t);
    assert_string_equal(toy_text(&t), "route prod/chat far 0 -> 200000  route-spill\n"
                                      "route prod/chat home 800000 -> 400000  route-near\n"
                                      "route prod/chat mid 200000 -> 400000  route-spill\n");
    t.is_ready[0][0] = 0; /* the nearest has nobody ready: 32 of the 40 fit, so all are overloaded alike */
    t.now += 15 * S;
    (void)toy_tick(&t);
    assert_int_equal(t.route[0][0], 0);
    assert_int_equal(t.route[0][1], 500000);
    assert_int_equal(t.route[0][2], 500000);
    t.rate_milli[0] = 0; /* no rate any more: by health, of which each level that is left has enough */
    t.now += 15 * S;
    (void)toy_tick(&t);
    assert_string_equal(toy_text(&t), "route prod/chat far 500000 -> 0  route-levels\n"
                                      "route prod/chat mid 500000 -> 1000000  route-levels\n");
    toy_end(&t);
}

static void old_readiness_counts_for_less(void **state)
{
    (void)state;
    toy t;
    make(&t);
    t.policy.route = SPW_ROUTE_PROPORTIONAL;
    t.policy.route_lag = 30 * S;
    toy_restart(&t);
    t.age[2] = 45 * S;
    (void)toy_tick(&t); /* 2 : 2 : 1 */
    assert_string_equal(toy_text(&t), "route prod/chat far 0 -> 200000  route-stale\n"
                                      "route prod/chat home 0 -> 400000  route-ready\n"
                                      "route prod/chat mid 0 -> 400000  route-ready\n");
    toy_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(envoy_levels),     cmocka_unit_test(panic),
        cmocka_unit_test(panic_of_a_crowd), cmocka_unit_test(waterfall),
        cmocka_unit_test(weights),          cmocka_unit_test(trust_fades),
        cmocka_unit_test(any_instance),     cmocka_unit_test(waterfall_model),
        cmocka_unit_test(in_the_core),      cmocka_unit_test(old_readiness_counts_for_less),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
