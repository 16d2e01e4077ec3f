/* SPDX-License-Identifier: GPL-3.0-or-later */
/** test_delivery.c - shared links against cases worked by hand and a slow model in small steps; a node's cache. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "models/delivery/cache.h"
#include "models/delivery/flows.h"
#include "tests/support/close.h"

#define S INT64_C(1000000000)

/* Three at once on 30 B/s, 100, 200 and 300 B: 10 B/s each until 10 s; then 15 each, the second needs 100/15 s more. */
static void test_one_link(void **state)
{
    (void)state;
    mdl_flows *f = mdl_flows_new();
    int32_t l = mdl_flows_link(f, 30.0);
    int32_t a = mdl_flows_add(f, 0, 100.0, 0.0, &l, 1);
    int32_t b = mdl_flows_add(f, 0, 200.0, 0.0, &l, 1);
    int32_t c = mdl_flows_add(f, 0, 300.0, 0.0, &l, 1);
    assert_close(mdl_flows_rate(f, c), 10.0, 1e-12);
    assert_true(mdl_flows_next(f) == 10 * S);
    assert_int_equal(mdl_flows_pop(f, 10 * S - 1), -1);
    assert_int_equal(mdl_flows_pop(f, 10 * S), a);
    assert_int_equal(mdl_flows_pop(f, 10 * S), -1);
    assert_true(mdl_flows_next(f) == 16666666667);
    assert_close(mdl_flows_left(f, 12 * S, c), 170.0, 1e-12);
    assert_int_equal(mdl_flows_pop(f, 16666666667), b);
    assert_true(mdl_flows_next(f) - 20 * S <= 1 &&
                mdl_flows_next(f) >= 20 * S); /* 600 B at 30 B/s, whoever comes when */
    assert_int_equal(mdl_flows_pop(f, 20 * S + 1), c);
    assert_true(mdl_flows_next(f) == INT64_MAX);
    mdl_flows_free(f);
}

/* A link that carries nothing until 5 s: who crosses it stands still, who does not goes on; then 100 B at 10 B/s. */
static void test_closed_link(void **state)
{
    (void)state;
    mdl_flows *f = mdl_flows_new();
    int32_t closed = mdl_flows_link(f, 0.0);
    int32_t open = mdl_flows_link(f, 20.0);
    int32_t path[] = {open, closed};
    int32_t a = mdl_flows_add(f, 0, 100.0, 0.0, path, 2);
    assert_true(mdl_flows_next(f) == INT64_MAX);
    int32_t b = mdl_flows_add(f, 0, 40.0, 0.0, &open, 1);
    assert_true(mdl_flows_next(f) == 2 * S);
    assert_int_equal(mdl_flows_pop(f, 2 * S), b);
    assert_close(mdl_flows_left(f, 5 * S, a), 100.0, 0.0);
    mdl_flows_link_set(f, 5 * S, closed, 10.0);
    assert_true(mdl_flows_next(f) == 15 * S);
    mdl_flows_free(f);
}

/* Origin 10 B/s for all; NICs of 3 and 100 B/s: 3, and the 7 that are left. A limit of 2 then frees one more. */
static void test_max_min(void **state)
{
    (void)state;
    mdl_flows *f = mdl_flows_new();
    int32_t origin = mdl_flows_link(f, 10.0);
    int32_t slow = mdl_flows_link(f, 3.0);
    int32_t fast = mdl_flows_link(f, 100.0);
    int32_t path_a[] = {origin, slow};
    int32_t path_b[] = {origin, fast};
    int32_t a = mdl_flows_add(f, 0, 1e6, 0.0, path_a, 2);
    int32_t b = mdl_flows_add(f, 0, 1e6, 0.0, path_b, 2);
    assert_close(mdl_flows_rate(f, a), 3.0, 1e-12);
    assert_close(mdl_flows_rate(f, b), 7.0, 1e-12);
    int32_t c = mdl_flows_add(f, 0, 1e6, 2.0, path_a, 2); /* shares the slow NIC: 1.5 each, under its limit */
    assert_close(mdl_flows_rate(f, a), 1.5, 1e-12);
    assert_close(mdl_flows_rate(f, c), 1.5, 1e-12);
    assert_close(mdl_flows_rate(f, b), 7.0, 1e-12);
    mdl_flows_link_set(f, S, slow, 30.0); /* now 4 each but for the limit: 2, and 4 and 4 */
    assert_close(mdl_flows_rate(f, c), 2.0, 1e-12);
    assert_close(mdl_flows_rate(f, a), 4.0, 1e-12);
    assert_close(mdl_flows_rate(f, b), 4.0, 1e-12);
    assert_close(mdl_flows_left(f, S, b), 1e6 - 7.0, 1e-12);
    mdl_flows_remove(f, 2 * S, b);
    assert_close(mdl_flows_rate(f, a), 8.0, 1e-12);
    assert_close(mdl_flows_left(f, 2 * S, a), 1e6 - 1.5 - 4.0 + 1.5, 1e-5);
    int32_t own = mdl_flows_add(f, 2 * S, 50.0, 25.0, NULL, 0); /* no link, own limit */
    assert_int_equal(own, b);                                   /* its number was free */
    assert_true(mdl_flows_next(f) == 4 * S);
    int32_t nothing = mdl_flows_add(f, 2 * S, 0.0, 0.0, path_b, 2);
    assert_true(mdl_flows_next(f) == 2 * S);
    assert_int_equal(mdl_flows_pop(f, 2 * S), nothing);
    mdl_flows_free(f);
}

/* The same transfers in steps of a millisecond, each step giving every transfer its share by bisection on the level. */
enum { FLOWS = 12, LINKS = 4 };
typedef struct slow {
    double left[FLOWS], limit[FLOWS];
    int32_t path[FLOWS][2];
    double start[FLOWS], done[FLOWS];
} slow;

static void slow_run(slow *w, const double *rate)
{
    const double dt = 1e-3;
    for (double t = 0; t < 400; t += dt) {
        double share[FLOWS] = {0};
        bool fixed[FLOWS] = {false};
        for (int round = 0; round < FLOWS; round++) { /* raise the level by tiny amounts, in closed form */
            double level = 1e18;
            for (int l = 0; l < LINKS; l++) {
                double room = rate[l];
                int open = 0;
                for (int i = 0; i < FLOWS; i++) {
                    bool here = w->left[i] > 0 && w->start[i] <= t && (w->path[i][0] == l || w->path[i][1] == l);
                    room -= here && fixed[i] ? share[i] : 0;
                    open += here && !fixed[i];
                }
                level = open > 0 && room / open < level ? room / open : level;
            }
            for (int i = 0; i < FLOWS; i++) {
                bool on = w->left[i] > 0 && w->start[i] <= t && !fixed[i];
                level = on && w->limit[i] > 0 && w->limit[i] < level ? w->limit[i] : level;
            }
            for (int i = 0; i < FLOWS; i++) {
                bool on = w->left[i] > 0 && w->start[i] <= t && !fixed[i];
                bool stop = on && w->limit[i] > 0 && w->limit[i] <= level * (1 + 1e-9);
                for (int k = 0; on && k < 2; k++) {
                    int l = w->path[i][k];
                    double room = rate[l];
                    int open = 0;
                    for (int j = 0; j < FLOWS; j++) {
                        bool here = w->left[j] > 0 && w->start[j] <= t && (w->path[j][0] == l || w->path[j][1] == l);
                        bool before = fixed[j] && share[j] < level * (1 - 1e-9);
                        room -= here && before ? share[j] : 0;
                        open += here && !before;
                    }
                    stop = stop || room / open <= level * (1 + 1e-9);
                }
                if (stop) {
                    fixed[i] = true;
                    share[i] = level;
                }
            }
        }
        for (int i = 0; i < FLOWS; i++) {
            if (w->left[i] > 0 && w->start[i] <= t) {
                w->left[i] -= share[i] * dt;
                w->done[i] = t + dt;
            }
        }
    }
}

static void test_against_small_steps(void **state)
{
    (void)state;
    const double rate[LINKS] = {50, 20, 30, 9};
    slow w = {0};
    mdl_flows *f = mdl_flows_new();
    int32_t number[FLOWS];
    double done[FLOWS] = {0};
    for (int l = 0; l < LINKS; l++) {
        assert_int_equal(mdl_flows_link(f, rate[l]), l);
    }
    for (int i = 0; i < FLOWS; i++) {
        w.left[i] = 40 + 37 * ((i * 5) % 7);
        w.limit[i] = i % 4 == 3 ? 3.5 : 0;
        w.path[i][0] = 0;
        w.path[i][1] = 1 + i % 3;
        w.start[i] = 0.7 * i;
    }
    for (int i = 0, left = FLOWS; left > 0;) {
        int64_t start = i < FLOWS ? (int64_t)llround(w.start[i] * 1e9) : INT64_MAX;
        int64_t next = mdl_flows_next(f);
        if (start <= next) {
            number[i] = mdl_flows_add(f, start, w.left[i], w.limit[i], w.path[i], 2);
            assert_true(number[i] >= 0);
            i++;
            continue;
        }
        int32_t who = mdl_flows_pop(f, next);
        for (int k = 0; k < i; k++) {
            if (number[k] == who) {
                done[k] = (double)next / 1e9;
                number[k] = -1;
            }
        }
        left--;
    }
    slow_run(&w, rate);
    for (int i = 0; i < FLOWS; i++) {
        assert_within(done[i], w.done[i], 0.02);
    }
    mdl_flows_free(f);
}

static void test_cache(void **state)
{
    (void)state;
    mdl_cache *c = mdl_cache_new(100);
    assert_true(mdl_cache_put(c, 1, 40) && mdl_cache_put(c, 2, 40) && mdl_cache_put(c, 1, 40));
    assert_true(mdl_cache_bytes(c) == 80 && mdl_cache_at(c, 0) == 1);
    assert_true(mdl_cache_put(c, 3, 40)); /* 120 > 100: 2 was used least recently */
    assert_true(mdl_cache_has(c, 1) && !mdl_cache_has(c, 2) && mdl_cache_has(c, 3));
    assert_true(mdl_cache_pin(c, 1));
    assert_true(mdl_cache_put(c, 4, 70)); /* 150: 3 goes, 1 is in use and stays: 110 */
    assert_true(mdl_cache_has(c, 1) && !mdl_cache_has(c, 3) && mdl_cache_has(c, 4) && mdl_cache_bytes(c) == 110);
    assert_true(mdl_cache_pin(c, 4));
    assert_true(mdl_cache_pin(c, 9)); /* awaited: that alone changes nothing */
    assert_true(mdl_cache_count(c) == 2 && !mdl_cache_has(c, 9) && mdl_cache_bytes(c) == 110);
    mdl_cache_unpin(c, 9); /* nor that nobody waits any more */
    assert_true(mdl_cache_count(c) == 2);
    mdl_cache_unpin(c, 1); /* over budget: 1 goes as soon as nobody uses it */
    assert_true(!mdl_cache_has(c, 1) && mdl_cache_bytes(c) == 70);
    for (uint64_t d = 100; d < 200; d++) {
        assert_true(mdl_cache_put(c, d, 10));
        assert_true(mdl_cache_bytes(c) <= 100 && mdl_cache_has(c, 4) && mdl_cache_has(c, d));
    }
    mdl_cache_free(c);
    c = mdl_cache_new(100);
    for (uint64_t d = 1; d <= 3; d++) { /* together beyond the budget, each awaited: none drives another out */
        assert_true(mdl_cache_pin(c, d) && mdl_cache_put(c, d, 60));
    }
    assert_true(mdl_cache_count(c) == 3 && mdl_cache_bytes(c) == 180);
    mdl_cache_free(c);
    mdl_cache_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_one_link), cmocka_unit_test(test_closed_link),
                                       cmocka_unit_test(test_max_min), cmocka_unit_test(test_against_small_steps),
                                       cmocka_unit_test(test_cache)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
