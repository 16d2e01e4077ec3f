/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_place_laws.c - laws of placing through whole decisions on random worlds in which nothing goes wrong:
 *   fixed point    constant input: after at most 3 ticks nothing changes any more
 *   reverse        a group's replicas at each count are the same on the way up and on the way down, so that the last
 *                  to be filled is the first to be emptied
 *   house-monotone one replica more never takes one away anywhere, as long as room is the same
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/support/choice.h"
#include "tests/support/toy.h"

#define S      SPW_NS_PER_S
#define WORLDS 120
#define MOST   16 /* replicas */

static const char *const groups_of[3][3] = {{"eu"}, {"eu,bj", "ap"}, {"eu", "bj,ap", "us"}};
static const int group_counts[3] = {1, 2, 3};
static const int group_of[3][4] = {{0, 0, 0, 0}, {0, 0, 1, 0}, {0, 1, 1, 2}};

/** Clusters eu, bj, ap, us with owned nodes, and some that rent. @return which list of groups */
static int make(toy *t, choice *c, bool elastic, spw_division division)
{
    static const char *const names[] = {"eu", "bj", "ap", "us"};
    int kind = (int)choice_below(c, 3);
    toy_init(t);
    int clusters = kind == 0 ? 1 : kind + 2;
    for (int k = 0; k < clusters; k++) {
        (void)toy_cluster(t, names[k]);
        int own = (int)choice_range(c, k == 0 ? 1 : 0, 6);
        (void)toy_pool_add(t, k, "own", SPW_CAPACITY_OWNED, own, own);
        if (elastic) {
            (void)toy_pool_add(t, k, "rent", SPW_CAPACITY_ON_DEMAND, 0, (int)choice_below(c, 4));
        }
    }
    t->work[0].uid_hash = (uint32_t)choice_below(c, 2);
    t->policy.division = division;
    t->policy.elastic = elastic;
    t->policy.step_major = (spw_step_major)choice_range(c, SPW_STEP_PER_TIER, SPW_STEP_GLOBAL);
    t->template_replicas[0] = 0;
    t->now = 1000 * S;
    toy_start(t, groups_of[kind], group_counts[kind]);
    return kind;
}

static void step(toy *t)
{
    (void)toy_tick(t);
    toy_settle(t);
    t->now += 15 * S;
}

/** Shares of traffic follow readiness, which the toy grants at once: all verbs but the release of idle nodes. */
static bool is_quiet(const toy *t)
{
    for (size_t i = 0; i < spw_plan_count(t->plan); i++) {
        if (spw_plan_at(t->plan, i)->verb != SPW_VERB_RELEASE) {
            return false;
        }
    }
    return true;
}

static void constant_input_is_a_fixed_point(void **state)
{
    (void)state;
    int placed = 0;
    for (uint64_t seed = 1; seed <= WORLDS; seed++) {
        choice c;
        toy t;
        choice_seed(&c, seed);
        (void)make(&t, &c, choice_chance(&c, 1, 2),
                   (spw_division)choice_range(&c, SPW_DIVIDE_DYNAMIC, SPW_DIVIDE_AGGREGATED));
        for (int change = 0; change < 4; change++) {
            t.template_replicas[0] = (int32_t)choice_below(&c, MOST);
            for (int i = 0; i < 3; i++) {
                step(&t);
            }
            for (int i = 0; i < 5; i++) {
                step(&t);
                if (!is_quiet(&t)) {
                    fail_msg("seed %llu, change %d: tick %d on constant input still does\n%s", (unsigned long long)seed,
                             change, i + 4, toy_text(&t));
                }
            }
            placed += t.assigned[0][0];
        }
        toy_end(&t);
    }
    assert_true(placed > WORLDS);
}

static void count_groups(const toy *t, int kind, int32_t *sums)
{
    memset(sums, 0, 3 * sizeof *sums);
    for (int k = 0; k < t->clusters; k++) {
        sums[group_of[kind][k]] += t->assigned[0][k];
    }
}

static void emptied_in_reverse(void **state)
{
    (void)state;
    int overflowed = 0;
    for (uint64_t seed = 1; seed <= WORLDS; seed++) {
        choice c;
        toy t;
        int32_t up[MOST + 1][3];
        choice_seed(&c, 1000 + seed);
        int kind = make(&t, &c, false, (spw_division)choice_range(&c, SPW_DIVIDE_DYNAMIC, SPW_DIVIDE_AGGREGATED));
        for (int n = 0; n <= MOST; n++) {
            t.template_replicas[0] = n;
            step(&t);
            count_groups(&t, kind, up[n]);
            overflowed += up[n][1] > 0 ? 1 : 0;
        }
        for (int n = MOST; n >= 0; n--) {
            int32_t down[3];
            t.template_replicas[0] = n;
            step(&t);
            count_groups(&t, kind, down);
            for (int g = 0; g < 3; g++) {
                if (down[g] != up[n][g]) {
                    fail_msg("seed %llu: with %d replicas group %d had %d on the way up and %d on the way down",
                             (unsigned long long)seed, n, g, (int)up[n][g], (int)down[g]);
                }
            }
        }
        toy_end(&t);
    }
    assert_true(overflowed > WORLDS);
}

/** Each count placed from nothing, by dynamic weights in one group: exact Webster, so no cluster loses by one more. */
static void one_more_takes_nothing_away(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= WORLDS; seed++) {
        int32_t before[4] = {0};
        for (int n = 0; n <= MOST; n++) {
            choice c;
            toy t;
            choice_seed(&c, 2000 + seed);
            toy_init(&t);
            for (int k = 0; k < 4; k++) {
                static const char *const names[] = {"ap", "bj", "eu", "us"};
                (void)toy_cluster(&t, names[k]);
                int own = (int)choice_range(&c, 0, 9);
                (void)toy_pool_add(&t, k, "own", SPW_CAPACITY_OWNED, own, own);
            }
            const char *const all[] = {"ap,bj,eu,us"};
            t.work[0].uid_hash = (uint32_t)(seed & 1);
            t.template_replicas[0] = n;
            t.now = 1000 * S;
            toy_start(&t, all, 1);
            (void)toy_tick(&t);
            for (int k = 0; k < 4; k++) {
                if (t.assigned[0][k] < before[k]) {
                    fail_msg("seed %llu: the %d. replica took one from cluster %d", (unsigned long long)seed, n, k);
                }
                before[k] = t.assigned[0][k];
            }
            toy_end(&t);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constant_input_is_a_fixed_point),
        cmocka_unit_test(emptied_in_reverse),
        cmocka_unit_test(one_more_takes_nothing_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
