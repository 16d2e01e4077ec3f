/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_route.c - shares of traffic: by hand, the rules of largest remainder over random instances, and in the core. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "route/shares.h"
#include "tests/support/choice.h"
#include "tests/support/toy.h"

#define S    SPW_NS_PER_S
#define MANY 9

static void by_hand(void **state)
{
    (void)state;
    int32_t shares[3];
    shares_by_ready((const int32_t[]){4, 3, 2}, 3, shares); /* ninths: 444444.4 333333.3 222222.2 */
    assert_int_equal(shares[0], 444445);
    assert_int_equal(shares[1], 333333);
    assert_int_equal(shares[2], 222222);
    shares_by_ready((const int32_t[]){1, 1, 1}, 3, shares); /* the odd millionth to the earlier */
    assert_int_equal(shares[0], 333334);
    assert_int_equal(shares[1], 333333);
    assert_int_equal(shares[2], 333333);
    shares_by_ready((const int32_t[]){1, 5, 1}, 3, shares); /* 142857.14 714285.71 142857.14 */
    assert_int_equal(shares[0], 142857);
    assert_int_equal(shares[1], 714286);
    assert_int_equal(shares[2], 142857);
    shares_by_ready((const int32_t[]){0, 7, 0}, 3, shares);
    assert_int_equal(shares[0], 0);
    assert_int_equal(shares[1], 1000000);
    shares_by_ready((const int32_t[]){0, 0, 0}, 3, shares);
    assert_int_equal(shares[0] + shares[1] + shares[2], 0);
    shares_by_ready((const int32_t[]){0}, 0, shares);
}

/** Sum, quota, and the mark of largest remainder: who got the extra one had no smaller remainder than who did not. */
static void largest_remainder(void **state)
{
    (void)state;
    choice c;
    choice_seed(&c, 7);
    for (int round = 0; round < 20000; round++) {
        int32_t ready[MANY], shares[MANY];
        size_t count = (size_t)choice_range(&c, 1, MANY);
        int64_t total = 0;
        for (size_t i = 0; i < count; i++) {
            ready[i] = (int32_t)choice_below(&c, round % 3 == 0 ? 1000001 : 4);
            total += ready[i];
        }
        shares_by_ready(ready, count, shares);
        int64_t sum = 0;
        for (size_t i = 0; i < count; i++) {
            int64_t exact = (int64_t)ready[i] * 1000000; /* share x total */
            sum += shares[i];
            assert_true(total == 0 || ((shares[i] + 1) * total > exact && (shares[i] - 1) * total < exact));
            assert_true(ready[i] > 0 || shares[i] == 0);
            for (size_t k = 0; k < count && total > 0; k++) {
                bool extra_i = shares[i] * total > exact;
                bool extra_k = shares[k] * total > (int64_t)ready[k] * 1000000;
                assert_true(!extra_i || extra_k || exact % total >= (int64_t)ready[k] * 1000000 % total);
            }
        }
        assert_int_equal(sum, total == 0 ? 0 : 1000000);
    }
}

static void make(toy *t)
{
    static const char *const groups[] = {"a,b"};
    toy_init(t);
    int a = toy_cluster(t, "a");
    int b = toy_cluster(t, "b");
    (void)toy_pool_add(t, a, "own", SPW_CAPACITY_OWNED, 6, 6);
    (void)toy_pool_add(t, b, "own", SPW_CAPACITY_OWNED, 2, 2);
    toy_start(t, groups, 1);
    t->template_replicas[0] = 4; /* Webster over 6 and 2: 6 2 | 2 (a's second) 1.2: a 3, b 1 */
    (void)toy_tick(t);
    toy_settle(t);
    t->now += 15 * S;
}

static void follows_what_is_ready_and_stays(void **state)
{
    (void)state;
    toy t;
    make(&t);
    t.is_ready[0][0] = 1;
    (void)toy_tick(&t);
    assert_string_equal(toy_text(&t), "route prod/chat a 0 -> 500000  route-ready\n"
                                      "route prod/chat b 0 -> 500000  route-ready\n");
    t.is_ready[0][0] = 3;
    t.now += 15 * S;
    (void)toy_tick(&t);
    assert_string_equal(toy_text(&t), "route prod/chat a 500000 -> 750000  route-ready\n"
                                      "route prod/chat b 500000 -> 250000  route-ready\n");
    /* What the plan takes away gets no traffic any more. 2 seats by Webster over 3 and 1: a's second (3/3) ties with
       b's first (1/1), and a tie goes to fewer seats. */
    t.template_replicas[0] = 2;
    t.now += 15 * S;
    (void)toy_tick(&t);
    assert_string_equal(toy_text(&t), "place prod/chat a 3 -> 1  scale-in\n"
                                      "route prod/chat a 750000 -> 500000  route-ready\n"
                                      "route prod/chat b 250000 -> 500000  route-ready\n");
    toy_end(&t);
}

static void nobody_ready_keeps_the_old_shares(void **state)
{
    (void)state;
    toy t;
    make(&t);
    (void)toy_tick(&t);
    t.is_ready[0][0] = t.is_ready[0][1] = 0;
    t.now += 15 * S;
    (void)toy_tick(&t);
    assert_string_equal(toy_text(&t), "");
    assert_int_equal(t.route[0][0], 750000);
    toy_end(&t);
}

static void a_silent_cluster_gets_nothing(void **state)
{
    (void)state;
    toy t;
    make(&t);
    (void)toy_tick(&t);
    t.ready[0] = false;
    t.age[0] = 200 * S; /* and its state is old, so that nothing is taken from it yet */
    t.now += 15 * S;
    (void)toy_tick(&t);
    assert_int_equal(t.route[0][0], 0);
    assert_int_equal(t.route[0][1], 1000000);
    assert_int_equal(t.assigned[0][0], 3);
    toy_end(&t);
}

/** Somebody removes the workload from a cluster behind our back: its share must not stay. */
static void a_row_that_vanishes_loses_its_share(void **state)
{
    (void)state;
    toy t;
    make(&t);
    (void)toy_tick(&t);
    t.assigned[0][1] = t.scheduled[0][1] = t.is_ready[0][1] = 0;
    t.pool[1].used = 0;
    t.now += 15 * S;
    (void)toy_tick(&t);
    assert_int_equal(t.route[0][0], 1000000);
    assert_int_equal(t.route[0][1], 0);
    toy_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_hand),
        cmocka_unit_test(largest_remainder),
        cmocka_unit_test(follows_what_is_ready_and_stays),
        cmocka_unit_test(nobody_ready_keeps_the_old_shares),
        cmocka_unit_test(a_silent_cluster_gets_nothing),
        cmocka_unit_test(a_row_that_vanishes_loses_its_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
