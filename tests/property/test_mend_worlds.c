/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_mend_worlds.c - random worlds that stand still, and random worlds that shake.
 *
 * Standing still, every plan after the third is empty. Shaking (demand jumps in each tick, clusters blink for less than
 * the threshold of failover), no cluster is ever left because of a blink, and each count turns at most four times for
 * each window of the guard: after a freeze it may turn upward once; the next turn downward comes a window later, when
 * that first one may be too old to count, so that two more are needed for the next freeze.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/choice.h"
#include "tests/support/toy.h"

#define S      SPW_NS_PER_S
#define WORLDS 150
#define TICKS  480 /* two hours */
#define WINDOW 900

static void make(toy *t, choice *c)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    toy_init(t);
    int clusters = (int)choice_range(c, 2, 4);
    for (int i = 0; i < clusters; i++) {
        int nodes = (int)choice_range(c, 1, 6);
        (void)toy_cluster(t, names[i]);
        (void)toy_pool_add(t, i, "own", SPW_CAPACITY_OWNED, nodes, nodes);
        t->pool[i].gpus_per_node = choice_chance(c, 1, 2) ? 1 : 2;
    }
    t->works = (int)choice_range(c, 1, 2);
    for (int w = 0; w < t->works; w++) {
        t->template_replicas[w] = (int32_t)choice_below(c, 9);
        t->work[w].priority = (int32_t)choice_below(c, 3);
    }
    t->policy.partial = choice_chance(c, 3, 4);
    t->policy.division = choice_chance(c, 1, 3) ? SPW_DIVIDE_AGGREGATED : SPW_DIVIDE_DYNAMIC;
    t->policy.failover_after = 60 * S;
    t->policy.evict_grace = choice_chance(c, 1, 2) ? 600 * S : 0;
    t->policy.failover_moves = (int32_t)choice_below(c, 3);
    t->policy.flap_window = WINDOW * S;
    t->policy.route = (spw_route)choice_below(c, 4);
    t->policy.route_capacity_milli = 4000;
    t->policy.moves_per_tick = choice_chance(c, 1, 2) ? 2 : 0;
    toy_start(t, names, clusters);
}

static void standing_still(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= WORLDS; seed++) {
        choice c;
        toy t;
        choice_seed(&c, seed);
        make(&t, &c);
        t.rate_milli[0] = choice_chance(&c, 1, 2) ? choice_range(&c, 1, 40000) : 0;
        for (int tick = 1; tick <= 60; tick++) {
            (void)toy_tick(&t);
            if (tick > 3 && spw_plan_count(t.plan) > 0) {
                fail_msg("seed %d, tick %d:\n%s", (int)seed, tick, toy_text(&t));
            }
            toy_settle(&t);
            t.now += 15 * S;
        }
        toy_end(&t);
    }
}

/** The sum of all shares is one or nothing was ever sent. */
static void check_shares(const toy *t, uint64_t seed, int tick)
{
    for (int w = 0; w < t->works; w++) {
        int64_t sum = 0;
        for (int cl = 0; cl < t->clusters; cl++) {
            sum += t->route[w][cl];
        }
        if (sum != 0 && sum != 1000000) {
            fail_msg("seed %d, tick %d: shares sum to %d", (int)seed, tick, (int)sum);
        }
    }
}

static void shaking(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= WORLDS / 3; seed++) {
        choice c;
        toy t;
        int turns[TOY_WORKS][TOY_CLUSTERS] = {{0}};
        int way[TOY_WORKS][TOY_CLUSTERS] = {{0}};
        int down[TOY_CLUSTERS] = {0};
        choice_seed(&c, seed);
        make(&t, &c);
        for (int tick = 1; tick <= TICKS; tick++) {
            for (int cl = 0; cl < t.clusters; cl++) {
                down[cl] = down[cl] > 0 ? down[cl] - 1 : (choice_chance(&c, 1, 20) ? (int)choice_range(&c, 1, 3) : 0);
                t.ready[cl] = down[cl] == 0 || tick == 1; /* 45 s at most: less than the threshold */
            }
            for (int w = 0; w < t.works; w++) {
                t.template_replicas[w] = (int32_t)choice_below(&c, 9);
                t.rate_milli[w] = choice_range(&c, 1, 40000);
            }
            (void)toy_tick(&t);
            for (size_t i = 0; i < spw_plan_count(t.plan); i++) {
                const spw_action *a = spw_plan_at(t.plan, i);
                assert_true(a->reason != SPW_WHY_CLUSTER_GONE && a->reason != SPW_WHY_EVICTED &&
                            a->reason != SPW_WHY_EVICT_GRACE);
                if (a->verb == SPW_VERB_PLACE) {
                    int one_way = a->amount > a->before ? 1 : -1;
                    turns[a->workload][a->cluster] += way[a->workload][a->cluster] == -one_way ? 1 : 0;
                    way[a->workload][a->cluster] = one_way;
                }
            }
            check_shares(&t, seed, tick);
            toy_settle(&t);
            t.now += 15 * S;
        }
        for (int w = 0; w < t.works; w++) {
            for (int cl = 0; cl < t.clusters; cl++) {
                if (turns[w][cl] > 4 * (TICKS * 15 / WINDOW + 1)) {
                    fail_msg("seed %d: %d turns of workload %d on cluster %d", (int)seed, turns[w][cl], w, cl);
                }
            }
        }
        toy_end(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(standing_still),
        cmocka_unit_test(shaking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
