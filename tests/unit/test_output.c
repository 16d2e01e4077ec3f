/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_output.c - warm-up, batch means, goals, Holm against hand-worked figures; conditions on figures of a run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/experiment/check.h"
#include "sim/kernel/rng.h"
#include "sim/stats/output.h"
#include "tests/support/close.h"
#include "tests/support/fake_run.h"

/* MSER by its definition: two passes for each cut. */
static size_t mser_plainly(const double *x, size_t n, size_t batch)
{
    const size_t m = n / batch;
    double least = INFINITY;
    size_t best = 0;

    for (size_t d = 0; d + 5 <= m; d++) {
        double mean = 0, square = 0;
        for (size_t i = d * batch; i < m * batch; i++) {
            mean += x[i] / (double)((m - d) * batch);
        }
        for (size_t i = d; i < m; i++) {
            double z = 0;
            for (size_t k = 0; k < batch; k++) {
                z += x[i * batch + k] / (double)batch;
            }
            square += (z - mean) * (z - mean);
        }
        square /= (double)(m - d) * (double)(m - d);
        if (square < least) {
            least = square;
            best = d;
        }
    }
    return best * batch;
}

static void test_mser(void **state)
{
    enum { N = 600 };
    double x[N];
    gsl_rng *r = rng_stream(3, 0, "mser", 0);

    (void)state;
    for (size_t i = 0; i < N; i++) { /* a transient of 100, then level with noise */
        x[i] = (i < 100 ? 5.0 - 0.05 * (double)i : 0.0) + gsl_rng_uniform(r);
    }
    stat_warmup w = stat_mser(x, N, 5);
    assert_int_equal(w.cut, mser_plainly(x, N, 5));
    assert_in_range(w.cut, 75, 130);
    assert_false(w.too_short);
    for (size_t i = 0; i < N; i++) { /* never settles */
        x[i] = (double)i * (double)i + gsl_rng_uniform(r);
    }
    w = stat_mser(x, N, 5);
    assert_int_equal(w.cut, mser_plainly(x, N, 5));
    assert_true(w.too_short);
    for (size_t i = 0; i < N; i++) {
        x[i] = 7;
    }
    w = stat_mser(x, N, 5);
    assert_int_equal(w.cut, 0);
    assert_false(w.too_short);
    assert_true(stat_mser(x, 49, 5).too_short);
    gsl_rng_free(r);
}

/* A constant, one that rounding moves, and noise have no start-up; a ramp to a level has, and one that never ends. */
static void test_front_differs(void **state)
{
    enum { N = 240, SERIES = 400 };
    double x[N];
    gsl_rng *r = rng_stream(4, 0, "front", 0);
    size_t cuts = 0, fronts = 0;

    (void)state;
    for (size_t i = 0; i < N; i++) {
        x[i] = 7;
    }
    assert_false(stat_front_differs(x, N, 5, 100));
    for (size_t i = 0; i < N; i++) {
        x[i] = i < 100 ? nextafter(7, 8) : 7;
    }
    assert_false(stat_front_differs(x, N, 5, 100));
    for (size_t i = 0; i < N; i++) {
        x[i] = i < 100 ? 7.1 : 7;
    }
    assert_true(stat_front_differs(x, N, 5, 100));
    assert_false(stat_front_differs(x, N, 5, 0));
    for (size_t s = 0; s < SERIES; s++) { /* MSER leaves more than a twelfth of noise out in one series of six */
        for (size_t i = 0; i < N; i++) {
            x[i] = gsl_rng_uniform(r);
        }
        const stat_warmup w = stat_mser(x, N, 5);
        cuts += w.cut > N / 12;
        fronts += w.cut > N / 12 && stat_front_differs(x, N, 5, w.cut);
    }
    print_message("noise: %zu of %d series cut, %zu told\n", cuts, SERIES, fronts);
    assert_true(cuts > SERIES / 20 && fronts <= SERIES / 50);
    for (size_t i = 0; i < N; i++) {
        x[i] = (i < 60 ? 2.0 - (double)i / 30 : 0.0) + gsl_rng_uniform(r);
    }
    assert_true(stat_front_differs(x, N, 5, stat_mser(x, N, 5).cut));
    for (size_t i = 0; i < N; i++) {
        x[i] = (double)i * (double)i + gsl_rng_uniform(r);
    }
    assert_true(stat_front_differs(x, N, 5, stat_mser(x, N, 5).cut));
    gsl_rng_free(r);
}

static void test_batch_means(void **state)
{
    /* batches of two behind a rest of one: means 2, 4, 9; mean 5, s = sqrt(13), t(2) = 4.30265 */
    const double x[] = {100, 1, 3, 5, 3, 8, 10};
    double mean;

    (void)state;
    assert_close(stat_batch_means(x, 7, 3, 0.95, &mean), 4.3026527299 * sqrt(13.0 / 3), 1e-9);
    assert_close(mean, 5, 1e-12);
    assert_true(isnan(stat_batch_means(x, 5, 3, 0.95, &mean)));
    assert_true(isnan(stat_batch_means(x, 7, 1, 0.95, NULL)));
}

static void test_goals(void **state)
{
    stat_goal goal;

    (void)state;
    assert_int_equal(stat_goal_parse("2%", &goal), 0);
    assert_true(goal.relative);
    assert_close(goal.half_width, 0.02, 1e-12);
    assert_true(stat_goal_met(&goal, 1.9, -100));
    assert_false(stat_goal_met(&goal, 2.1, 100));
    assert_false(stat_goal_met(&goal, (double)NAN, 100));
    assert_int_equal(stat_goal_parse("0.5", &goal), 0);
    assert_true(!goal.relative && stat_goal_met(&goal, 0.5, 0));
    const char *const wrong[] = {"", "0", "-1", "x", "1 %", "1%%", "inf", "nan", "5s"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(stat_goal_parse(wrong[i], &goal), -1);
    }
}

static void test_holm(void **state)
{
    /* Holm's own order: 4 x 0.01, 3 x 0.013, 2 x 0.02, 1 x 0.04, never falling, never above 1 */
    const double p[] = {0.02, 0.01, (double)NAN, 0.013, 0.04}, want[] = {0.04, 0.04, 0, 0.04, 0.04};
    const double q[] = {0.5, 0.6}, same[] = {0.03, 0.03};
    double got[5];

    (void)state;
    stat_holm(p, 5, got);
    for (size_t i = 0; i < 5; i++) {
        if (isnan(p[i])) {
            assert_true(isnan(got[i]));
        } else {
            assert_close(got[i], want[i], 1e-12);
        }
    }
    stat_holm(q, 2, got);
    assert_close(got[0], 1, 1e-12);
    assert_close(got[1], 1, 1e-12);
    stat_holm(same, 2, got);
    assert_close(got[0], 0.06, 1e-12);
    assert_close(got[1], 0.06, 1e-12);
    stat_tally t;
    stat_tally_init(&t);
    for (int i = 1; i <= 3; i++) { /* 1 2 3: t = 2 sqrt(3), p = 0.0742 with two degrees of freedom */
        stat_tally_add(&t, i);
    }
    assert_close(stat_student_p(&t), 0.0741799, 1e-5);
    stat_tally_init(&t);
    stat_tally_add(&t, 0);
    assert_true(isnan(stat_student_p(&t)));
    stat_tally_add(&t, 0);
    assert_close(stat_student_p(&t), 1, 1e-12);
}

static void test_conditions(void **state)
{
    static const struct {
        const char *text, *metric;
        double limit;
        bool at_most, strict;
    } good[] = {
        {"ttft.p95<=2s", "latency.ttft_s.p95", 2, true, false},
        {" latency.tpot.p99 < 80ms ", "latency.tpot_s.p99", 0.08, true, true},
        {"latency.e2e_s.p50<=1.5min", "latency.e2e_s.p50", 90, true, false},
        {"cost < 300", "cost.total_usd", 300, true, true},
        {"cost.total_usd<300USD", "cost.total_usd", 300, true, true},
        {"slo.attainment>=99%", "slo.attainment", 0.99, false, false},
        {"control.flaps<=3", "control.flaps", 3, true, false},
        {"services.prod/chat.ttft.p95>1e-3", "services.prod/chat.latency.ttft_s.p95", 1e-3, false, true},
    };
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"ttft.p59<=2s", "--slo:1: error: there is no metric 'ttft.p59' (did you mean 'latency.ttft_s.p5"},
        {"ttft.p95", "--slo:9: error: one of <= >= < > is missing"},
        {"ttft.p95=2s", "--slo:9: error: one of <= >= < > is missing"},
        {"ttft.p95<=", "--slo:11: error: a number is missing"},
        {"ttft.p95<=2USD", "--slo:12: error: the unit does not fit: latency.ttft_s.p95 is a time"},
        {"cost<3s", "--slo:7: error: the unit does not fit: cost.total_usd is money"},
        {"cost<3 USD please", "--slo:11: error: something follows the condition"},
        {"control.flaps<3s", "the unit does not fit: control.flaps is a plain number"},
        {"<3", "--slo:1: error: a metric is missing"},
    };
    fake_run f;
    char err[1024];
    check c;

    (void)state;
    assert_int_equal(fake_run_init(&f, &(fake_options){.services = 1, .minutes = 60}, 1), 0);
    report_values *known = metric_names(&f.scenario);
    assert_non_null(known);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        const bool service = strncmp(good[i].text, "services.", 9) == 0; /* the made-up run has other names */
        if (check_parse(good[i].text, "--slo", 0, service ? NULL : known, &c, err, sizeof err) != 0) {
            fail_msg("%s", err);
        }
        assert_string_equal(c.metric, good[i].metric);
        assert_close(c.limit, good[i].limit, 1e-12);
        assert_int_equal(c.at_most, good[i].at_most);
        assert_int_equal(c.strict, good[i].strict);
        assert_int_equal(check_holds(&c, good[i].limit), !good[i].strict);
        assert_int_equal(check_holds(&c, good[i].limit * 2), !good[i].at_most);
        assert_int_equal(check_holds(&c, good[i].limit / 2), good[i].at_most);
        assert_false(check_holds(&c, (double)NAN));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(check_parse(bad[i].text, "--slo", 0, known, &c, err, sizeof err), -1);
        if (strstr(err, bad[i].says) == NULL) {
            fail_msg("'%s' says '%s', not '%s'", bad[i].text, err, bad[i].says);
        }
    }
    report_values_free(known);
    fake_run_fini(&f);
}

/* Every figure has a short name that leads back to it. */
static void test_short_names(void **state)
{
    static const char *const pairs[][2] = {
        {"latency.ttft_s.p95", "ttft.p95"},
        {"cost.total_usd", "cost"},
        {"cost.usd_per_1k_requests", "cost.usd_per_1k_requests"},
        {"services.prod/chat.latency.queue_s.mean", "services.prod/chat.queue.mean"},
        {"my_latency.ttft_s.p95", "my_latency.ttft_s.p95"},
        {"latency.other_s.p95", "latency.other_s.p95"},
    };
    fake_run f;
    char name[CHECK_NAME_SIZE], full[CHECK_NAME_SIZE];
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        assert_string_equal(metric_short(pairs[i][0], name), pairs[i][1]);
    }
    assert_int_equal(fake_run_init(&f, &(fake_options){.services = 2, .minutes = 60}, 1), 0);
    report_values *known = metric_names(&f.scenario);
    assert_true(report_values_count(known) > 100);
    for (size_t i = 0; i < report_values_count(known); i++) {
        assert_int_equal(metric_resolve(known, metric_short(report_values_name(known, i), name), full), 0);
        assert_string_equal(full, report_values_name(known, i));
    }
    char longest[CHECK_NAME_SIZE + 40]; /* cut, not overrun */
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(strlen(metric_short(longest, name)), CHECK_NAME_SIZE - 1);
    report_values_free(known);
    fake_run_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mser),        cmocka_unit_test(test_front_differs), cmocka_unit_test(test_batch_means),
        cmocka_unit_test(test_goals),       cmocka_unit_test(test_holm),          cmocka_unit_test(test_conditions),
        cmocka_unit_test(test_short_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
