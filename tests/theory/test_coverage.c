/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_coverage.c - how often 95 % intervals hold the truth, over 1,000 repeated experiments each.
 *
 * Replications: M/M/1 and M/M/2 through the whole fleet; mean wait and the 95th percentile of the time in the system,
 * which is exponential for M/M/1 with rate (service - arrivals). Batch means: one long run by Lindley's recursion.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/kernel/rng.h"
#include "sim/report/report.h"
#include "sim/stats/output.h"
#include "tests/theory/queues.h"

enum { EXPERIMENTS = 1000, RUNS = 10 };

/* Whether the Student intervals of RUNS replications hold the mean wait and the P95 of the time in the system. */
static void experiment(const queue_case *q, uint64_t seed, double wait, double p95, int *mean_holds, int *p95_holds)
{
    world w;
    res_run *runs[RUNS];
    char err[400] = "";
    const exp_options options = {.seed = seed, .replications = RUNS, .jobs = 2};
    stat_tally waits, late;

    stat_tally_init(&waits);
    stat_tally_init(&late);
    queue_world(&w, q);
    if (exp_replicate(world_scenario(&w), &options, runs, err, sizeof err) != 0) {
        fail_msg("%s", err);
    }
    for (int i = 0; i < RUNS; i++) {
        double value = 0;
        report_values *values = report_values_of(&w.sc, runs[i]);

        assert_int_equal(report_value(values, "latency.queue_s.mean", &value), 0);
        stat_tally_add(&waits, value);
        assert_int_equal(report_value(values, "latency.e2e_s.p95", &value), 0);
        stat_tally_add(&late, value);
        report_values_free(values);
        res_free(runs[i]);
    }
    *mean_holds += fabs(waits.mean - wait) <= stat_student_half_width(&waits, 0.95);
    *p95_holds += fabs(late.mean - p95) <= stat_student_half_width(&late, 0.95);
}

static void coverage(const queue_case *q, double p95)
{
    int mean_holds = 0, p95_holds = 0;

    for (uint64_t e = 0; e < EXPERIMENTS; e++) {
        experiment(q, 7000 + e, queue_wait(q), p95, &mean_holds, &p95_holds);
    }
    printf("%s: of %d intervals at 95 %% hold the truth: mean wait %.1f %%, P95 in the system %.1f %%\n", q->name,
           EXPERIMENTS, mean_holds / 10.0, p95_holds / 10.0);
    assert_in_range(mean_holds, 935, 965);
    if (!isnan(p95)) {
        assert_in_range(p95_holds, 920, 980);
    }
}

static void test_mm1(void **state)
{
    const queue_case q = {"M/M/1 0.5", 1, 0.5, {.kind = MDL_SERVICE_EXPONENTIAL, .mean_s = 1}, 1, RUNS, 6000, 0};

    (void)state;
    coverage(&q, log(20) / 0.5);
}

static void test_mm2(void **state)
{
    const queue_case q = {"M/M/2 0.6", 2, 0.6, {.kind = MDL_SERVICE_EXPONENTIAL, .mean_s = 1}, 1, RUNS, 8000, 0};
    /* time in the system: P(T > t) = (1 - C - C / (c (1 - rho) - 1)) e^-t + C / ... e^-(c (1 - rho) t), c = 2 */
    const double c = queue_erlang_c(2, 1.2), slow = 2 * (1 - 0.6);
    double low = 0, high = 50;

    (void)state;
    for (int i = 0; i < 100; i++) {
        const double t = (low + high) / 2;
        const double tail = (1 - c) * exp(-t) + c * (slow * exp(-t) - exp(-slow * t)) / (slow - 1);
        *(tail > 0.05 ? &low : &high) = t;
    }
    coverage(&q, low);
}

static void test_batch_means(void **state)
{
    enum { N = 40000, WARM = 500 };
    double *x = calloc(N, sizeof *x);
    gsl_rng *r = rng_stream(11, 0, "coverage", 0);
    int holds = 0;

    (void)state;
    assert_non_null(x);
    for (int e = 0; e < EXPERIMENTS; e++) {
        double wait = 0, mean;
        for (int i = -WARM; i < N; i++) { /* Lindley: wait + service - time between arrivals, never below 0 */
            if (i >= 0) {
                x[i] = wait;
            }
            wait += -log(gsl_rng_uniform_pos(r)) + 2 * log(gsl_rng_uniform_pos(r));
            wait = wait > 0 ? wait : 0;
        }
        const double half = stat_batch_means(x, N, 20, 0.95, &mean);
        holds += fabs(mean - 1) <= half;
    }
    printf("M/M/1 0.5, batch means of one run: %.1f %% of %d intervals hold the mean wait\n", holds / 10.0,
           EXPERIMENTS);
    assert_in_range(holds, 935, 965);
    gsl_rng_free(r);
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_mm1), cmocka_unit_test(test_mm2),
                                       cmocka_unit_test(test_batch_means)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
