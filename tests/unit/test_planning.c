/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_planning.c - knobs as written; plans over grids whose answer is known from the price list alone.
 *
 * A station without an HPA: the cost is nodes times price, the wait depends on the servers. The whole road of a plan is
 * tried against brute force in tests/theory/test_plan.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/experiment/plan.h"
#include "sim/report/verdicts.h"
#include "sim/stats/prior.h"
#include "tests/support/close.h"
#include "tests/support/world.h"

#define SECOND INT64_C(1000000000)

static void test_knobs(void **state)
{
    static const struct {
        const char *text, *path;
        int32_t count;
        const char *first, *last;
    } good[] = {
        {"a.b[0]=1..6", "a.b[0]", 6, "1", "6"},
        {"a=0.1..0.5:0.1", "a", 5, "0.1", "0.5"},
        {"a=60s..300s:60s", "a", 5, "60s", "300s"},
        {"a=-2..2:2", "a", 3, "-2", "2"},
        {"a=1..6:4", "a", 2, "1", "5"},
        {"m=x.yaml|../y.yaml", "m", 2, "x.yaml", "../y.yaml"},
        {"m=only", "m", 1, "only", "only"},
    };
    static const char *const bad[] = {"a",        "=1..2",   "a=",        "a=2..1", "a=1..1",
                                      "a=1..5:0", "a=1s..5", "a=1..5:1s", "a=x..y", "a=p||q"};
    char err[512];
    plan_knob k;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        if (plan_knob_parse(good[i].text, &k, err, sizeof err) != 0) {
            fail_msg("%s: %s", good[i].text, err);
        }
        assert_string_equal(k.path, good[i].path);
        assert_int_equal(k.count, good[i].count);
        assert_string_equal(k.values[0], good[i].first);
        assert_string_equal(k.values[k.count - 1], good[i].last);
        plan_knob_fini(&k);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (plan_knob_parse(bad[i], &k, err, sizeof err) != -1) {
            fail_msg("'%s' is taken", bad[i]);
        }
        plan_knob_fini(&k);
    }
}

/* value[0] + 1 nodes, value[1] + 1 servers */
static sc_scenario *load(void *user, const int32_t *value, char *err, size_t err_size)
{
    world *w = calloc(1, sizeof *w);
    (void)user;
    (void)err;
    (void)err_size;
    if (w != NULL) {
        world_init(w);
        sc_pool *pool = &w->pools[0][0];
        pool->nodes_start = pool->nodes_min = pool->nodes_max = value[0] + 1;
        w->services[0].station.servers = value[1] + 1;
        w->traffic[0].arrivals.rate_per_s = 1.5; /* one server is overloaded; two wait 1.29 s, three 0.24 s (M/M/c) */
        w->sc.warmup_ns = 300 * SECOND;
        w->sc.duration_ns = 2400 * SECOND;
        (void)world_scenario(w);
    }
    return w != NULL ? &w->sc : NULL; /* the first member of the world */
}

static void unload(sc_scenario *sc)
{
    free(sc);
}

typedef struct bench {
    plan_knob knobs[2];
    check slo;
    plan_options options;
    plan p;
} bench;

static void bench_run(bench *b, const char *nodes, const char *slo, int32_t budget, int32_t jobs)
{
    char err[512] = "";
    memset(b, 0, sizeof *b);
    assert_int_equal(plan_knob_parse(nodes, &b->knobs[0], err, sizeof err), 0);
    assert_int_equal(plan_knob_parse("servers=1..5", &b->knobs[1], err, sizeof err), 0);
    assert_int_equal(check_parse(slo, "--slo", 0, NULL, &b->slo, err, sizeof err), 0);
    b->options = (plan_options){.knobs = b->knobs,
                                .knob_count = 2,
                                .slos = &b->slo,
                                .slo_count = 1,
                                .latency = "latency.queue_s.mean",
                                .seed = 3,
                                .budget = budget,
                                .jobs = jobs,
                                .load = load,
                                .unload = unload};
    if (plan_run(&b->p, &b->options, err, sizeof err) != 0) {
        fail_msg("%s", err);
    }
}

static void bench_free(bench *b)
{
    plan_fini(&b->p);
    plan_knob_fini(&b->knobs[0]);
    plan_knob_fini(&b->knobs[1]);
}

/* Variances drawn from the law itself: 400 points, two degrees of freedom each, around 5 with a freedom of 8. */
static void test_prior(void **state)
{
    enum { POINTS = 400, FREEDOM = 2 };
    double squares[POINTS];
    int32_t freedoms[POINTS];
    gsl_rng *r = gsl_rng_alloc(gsl_rng_mt19937);
    (void)state;
    assert_non_null(r);
    for (int i = 0; i < POINTS; i++) {
        squares[i] = 5 / (gsl_ran_chisq(r, 8) / 8) * gsl_ran_chisq(r, FREEDOM);
        freedoms[i] = FREEDOM;
    }
    stat_prior prior = stat_prior_of(squares, freedoms, POINTS);
    assert_true(prior.freedom > 5 && prior.freedom < 13); /* about +-25 % by the spread of log variances */
    assert_within(prior.variance, 5 * 8 / 6.0, 0.8);      /* mean of 8 / chi-square with 8: 8 / 6 */
    for (int i = 0; i < POINTS; i++) {
        squares[i] = 5 * gsl_ran_chisq(r, FREEDOM);
    }
    prior = stat_prior_of(squares, freedoms, POINTS); /* all alike: only chance tells them apart */
    assert_true(prior.freedom > 15);
    assert_within(prior.variance, 5, 0.5);
    for (int i = 0; i < POINTS; i++) {
        squares[i] = pow(10, i % 8) * gsl_ran_chisq(r, FREEDOM);
    }
    assert_true(stat_prior_of(squares, freedoms, POINTS).freedom <= STAT_PRIOR_LEAST);
    prior = stat_prior_of(squares, freedoms, 3);
    assert_true(prior.freedom <= STAT_PRIOR_LEAST && prior.variance > 0);
    prior = stat_prior_of(NULL, NULL, 0);
    assert_true(prior.freedom <= STAT_PRIOR_LEAST && !(prior.variance > 0));
    gsl_rng_free(r);
}

static void test_small_grid(void **state)
{
    bench b, two;
    char what[256];
    int32_t best[5];
    (void)state;
    bench_run(&b, "nodes=1..4", "queue.mean<=600ms", 60, 1);
    assert_int_equal(b.p.tried, 20);
    assert_int_equal(b.p.used, 60);
    assert_true(b.p.best >= 2 && b.p.best <= 4); /* one node, three servers or more: all cost the same */
    assert_true(isinf(b.p.floor_usd));
    assert_true(b.p.sure > 0.9 && b.p.sure_feasible >= b.p.sure);
    assert_non_null(strstr(plan_describe(&b.p, b.p.best, what, sizeof what), "nodes=1 servers="));
    plan_profile(&b.p, 0, best);
    for (int v = 0; v < 4; v++) { /* 8 GPUs at 1 USD for the 35 minutes behind the warm-up */
        assert_close(plan_mean(&b.p, best[v], PLAN_COST), (v + 1) * 8 * 35 / 60.0, 1e-6);
    }
    plan_profile(&b.p, 1, best);
    assert_true(best[0] < 0 && best[1] < 0 && best[2] >= 0);
    assert_int_equal(b.p.front[0], 4);    /* five servers cost what one does */
    assert_int_equal(b.p.front_count, 1); /* and further nodes serve nobody: on the same luck nothing is faster */
    for (int32_t i = 1; i < b.p.front_count; i++) {
        assert_true(plan_mean(&b.p, b.p.front[i], PLAN_COST) > plan_mean(&b.p, b.p.front[i - 1], PLAN_COST));
        assert_true(plan_mean(&b.p, b.p.front[i], PLAN_LATENCY) < plan_mean(&b.p, b.p.front[i - 1], PLAN_LATENCY));
    }
    bench_run(&two, "nodes=1..4", "queue.mean<=600ms", 60, 3);
    char *text[2] = {NULL, NULL};
    size_t size[2] = {0, 0};
    const plan *both[] = {&b.p, &two.p};
    for (int i = 0; i < 2; i++) {
        FILE *out = open_memstream(&text[i], &size[i]);
        assert_int_equal(report_plan_json(both[i], b.p.points[0].sc, out), 0);
        assert_int_equal(report_plan_markdown(both[i], b.p.points[0].sc, out), 0);
        assert_int_equal(fclose(out), 0);
    }
    assert_int_equal(size[0], size[1]);
    assert_memory_equal(text[0], text[1], size[0]);
    free(text[0]);
    free(text[1]);
    bench_free(&b);
    bench_free(&two);
}

static void test_nothing_fits(void **state)
{
    bench b;
    (void)state;
    bench_run(&b, "nodes=1..4", "cost.total_usd<=1", 30, 2);
    assert_int_equal(b.p.best, -1);
    assert_int_equal(b.p.second, -1);
    assert_true(isnan(b.p.sure));
    assert_in_range(b.p.nearest, 0, 4);
    bench_free(&b);
}

/* More configurations than runs: a sample and its neighbours find the cheap corner. */
static void test_large_grid(void **state)
{
    bench b;
    (void)state;
    bench_run(&b, "nodes=1..60", "queue.mean<=600ms", 100, 2);
    assert_int_equal(b.p.point_count, 300);
    assert_true(b.p.tried < 100 && b.p.used <= 100);
    assert_true(b.p.best >= 0 && b.p.best <= 4);
    /* the bound by hand: the fewest nodes that were not tried, 8 GPUs at 1 USD for 35 minutes each */
    int32_t fewest = INT32_MAX;
    for (int32_t i = 0; i < b.p.point_count; i++) {
        fewest = b.p.points[i].runs == 0 && i / 5 + 1 < fewest ? i / 5 + 1 : fewest;
    }
    assert_close(b.p.floor_usd, fewest * 8 * 35 / 60.0, 1e-6);
    bench_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_knobs),        cmocka_unit_test(test_prior),      cmocka_unit_test(test_small_grid),
        cmocka_unit_test(test_nothing_fits), cmocka_unit_test(test_large_grid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
