/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_regret.c - the best of several orders in hindsight, worked by hand; and which orders a scenario has.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/experiment/regret.h"
#include "sim/scenario/orders.h"
#include "tests/support/close.h"

/* --- regret --- */

enum { SIDES = 3, PAIRS = 4 };

static const char *const labels[] = {"given", "b", "c"};

/* A comparison with these costs and shares of requests within all targets, [side][replication]. */
static regret of(const double cost[SIDES][PAIRS], const double share[SIDES][PAIRS], double slack, char *words,
                 size_t size)
{
    const cmp_options options = {.labels = labels,
                                 .side_count = SIDES,
                                 .metrics = cmp_default_metrics,
                                 .metric_count = cmp_default_metric_count};
    double *values = calloc((size_t)SIDES * PAIRS * (size_t)cmp_default_metric_count, sizeof *values);
    assert_non_null(values);
    comparison c = {.options = &options, .replications = PAIRS, .values = values, .room = PAIRS};
    for (size_t s = 0; s < SIDES; s++) {
        for (size_t r = 0; r < PAIRS; r++) {
            double *row = values + (s * PAIRS + r) * (size_t)cmp_default_metric_count;
            row[CMP_COST] = cost[s][r];
            row[CMP_ATTAINMENT] = share[s][r];
        }
    }
    const regret r = regret_of(&c, slack);
    (void)regret_words(&c, &r, slack, words, size);
    free(values);
    return r;
}

static const double even[SIDES][PAIRS] = {{0.99, 0.99, 0.99, 0.99}, {0.99, 0.99, 0.99, 0.99}, {0.99, 0.99, 0.99, 0.99}};

/*
 * Cheapest are B, B, C and A itself: regrets 10 - 8, 12 - 9, 11 - 10 and 0. Mean 1.5; sample variance of 2, 3, 1, 0 is
 * 5/3, Student's 97.5 % point with 3 degrees of freedom 3.182446: half width 3.182446 sqrt(5/3 / 4) = 2.054260. The
 * best cost 8, 9, 10 and 9: 9 on average.
 */
static void test_best_of_each_replication(void **state)
{
    (void)state;
    const double cost[SIDES][PAIRS] = {{10, 12, 11, 9}, {8, 9, 12, 10}, {9, 13, 10, 11}};
    char words[1024];
    const regret r = of(cost, even, 0, words, sizeof words);
    assert_int_equal(r.pairs, 4);
    assert_close(r.mean, 1.5, 1e-12);
    assert_close(r.half, 2.054260, 1e-6);
    assert_close(r.share, 1.5 / 9, 1e-12);
    assert_int_equal(r.best, 1);
    assert_int_equal(r.wins[0], 1);
    assert_int_equal(r.wins[1], 2);
    assert_int_equal(r.wins[2], 1);
    assert_non_null(strstr(words, "regret of A: $1.50 (95 % CI $0.00 to $3.55, 4 pairs), 16.7 % of the best"));
    assert_non_null(strstr(words, "was B, b: in 2 of them"));
}

/* B is cheap because it serves 3 points fewer, C 0.4 points fewer: with one point of slack C counts alone, 10 - 9. */
static void test_cheap_for_serving_badly_does_not_count(void **state)
{
    (void)state;
    const double cost[SIDES][PAIRS] = {{10, 10, 10, 10}, {2, 2, 2, 2}, {9, 9, 9, 9}};
    const double share[SIDES][PAIRS] = {
        {0.99, 0.99, 0.99, 0.99}, {0.96, 0.96, 0.96, 0.96}, {0.986, 0.986, 0.986, 0.986}};
    char words[1024];
    regret r = of(cost, share, 0.01, words, sizeof words);
    assert_close(r.mean, 1, 1e-12);
    assert_close(r.half, 0, 1e-12);
    assert_int_equal(r.best, 2);
    assert_int_equal(r.out[1], 4);
    assert_int_equal(r.out[2], 0);
    r = of(cost, share, 0, words, sizeof words); /* none counts but A */
    assert_close(r.mean, 0, 1e-12);
    assert_int_equal(r.wins[0], 4);
    assert_non_null(strstr(words, "no regret: in none of 4 pairs"));
    r = of(cost, share, 0.05, words, sizeof words); /* B does */
    assert_close(r.mean, 8, 1e-12);
}

/* Without targets cost alone decides; a replication without a cost of A says nothing, one of B leaves B out. */
static void test_what_does_not_exist(void **state)
{
    (void)state;
    const double no = (double)NAN;
    const double cost[SIDES][PAIRS] = {{10, no, 10, 10}, {8, 1, no, 8}, {9, 1, 9, 9}};
    const double share[SIDES][PAIRS] = {{no, no, no, no}, {no, no, no, no}, {no, no, no, no}};
    char words[1024];
    const regret r = of(cost, share, 0, words, sizeof words);
    assert_int_equal(r.pairs, 3);
    assert_close(r.mean, 5.0 / 3, 1e-12);
    assert_int_equal(r.wins[2], 1);
    assert_int_equal(r.out[1], 1);
}

/* --- orders --- */

#define POLICY(name, groups)                                                                                           \
    "apiVersion: policy.one.alibabacloud.com/v1alpha1\nkind: PropagationPolicy\nmetadata: {name: " name                \
    ", namespace: prod}\nspec:\n  placement:\n    clusterAffinities:\n" groups "---\n"
#define GROUP(name, cluster)                                                                                           \
    "      - affinityName: " name "\n        clusterNames: [" cluster "]\n"                                            \
    "        labelSelector: {matchLabels: {a: '1'}}\n"

static int list(const char *text, int32_t most, orders *o, char *err, size_t size)
{
    const spw_json_manifest manifest = {"m.yaml", text, strlen(text)};
    const sc_scenario sc = {.manifests = &manifest, .manifest_count = 1};
    return orders_list(&sc, most, o, err, size);
}

static void test_every_other_order(void **state)
{
    (void)state;
    static const char *const three[] = {"x > z > y", "y > x > z", "y > z > x", "z > x > y", "z > y > x"};
    orders o;
    char err[256];
    assert_int_equal(list(POLICY("p", GROUP("x", "c1") GROUP("y", "c2") GROUP("z", "c3")), 24, &o, err, sizeof err), 0);
    assert_int_equal(o.count, 5);
    for (int32_t i = 0; i < 5; i++) {
        assert_string_equal(o.labels[i], three[i]);
    }
    assert_string_equal(o.sets[4], "PropagationPolicy/prod/p:spec.placement.clusterAffinities=["
                                   "{affinityName: z, clusterNames: [c3], labelSelector: {matchLabels: {a: \"1\"}}}, "
                                   "{affinityName: y, clusterNames: [c2], labelSelector: {matchLabels: {a: \"1\"}}}, "
                                   "{affinityName: x, clusterNames: [c1], labelSelector: {matchLabels: {a: \"1\"}}}]");
    orders_fini(&o);
}

static void test_orders_of_two_policies(void **state)
{
    (void)state;
    orders o;
    char err[256];
    assert_int_equal(list(POLICY("p", GROUP("x", "c1") GROUP("y", "c2")) POLICY("q", GROUP("u", "c1") GROUP("v", "c2"))
                              POLICY("alone", GROUP("w", "c1")),
                          3, &o, err, sizeof err),
                     0);
    assert_int_equal(o.count, 3);
    assert_string_equal(o.labels[0], "p: x > y, q: v > u");
    assert_string_equal(o.labels[1], "p: y > x, q: u > v");
    assert_string_equal(o.labels[2], "p: y > x, q: v > u");
    orders_fini(&o);
}

static void test_orders_that_are_none_or_too_many(void **state)
{
    (void)state;
    orders o;
    char err[256];
    assert_int_equal(list(POLICY("p", GROUP("x", "c1")), 9, &o, err, sizeof err), -1);
    assert_non_null(strstr(err, "no PropagationPolicy of it has two clusterAffinities"));
    orders_fini(&o);
    assert_int_equal(list(POLICY("p", GROUP("x", "c1") GROUP("y", "c2") GROUP("z", "c3")), 4, &o, err, sizeof err), 1);
    assert_non_null(strstr(err, "more than 4 other orders"));
    orders_fini(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_best_of_each_replication), cmocka_unit_test(test_cheap_for_serving_badly_does_not_count),
        cmocka_unit_test(test_what_does_not_exist),      cmocka_unit_test(test_every_other_order),
        cmocka_unit_test(test_orders_of_two_policies),   cmocka_unit_test(test_orders_that_are_none_or_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
