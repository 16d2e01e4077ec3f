/* SPDX-License-Identifier: GPL-3.0-or-later */
/** test_spot.c - lifetimes against the Weibull law: mean, distribution, hazard by age. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "models/spot/spot.h"
#include "sim/kernel/rng.h"
#include "tests/support/close.h"

enum { N = 200000 };

static double *lifetimes_h(const mdl_market *market, uint64_t key)
{
    gsl_rng *r = rng_stream(41, 0, "spot", key);
    double *x = calloc(N, sizeof *x);
    assert_non_null(x);
    for (int i = 0; i < N; i++) {
        int64_t ns = mdl_spot_lifetime(market, r);
        assert_true(ns >= 0);
        x[i] = (double)ns / 3600e9;
    }
    gsl_rng_free(r);
    return x;
}

static double share_beyond(const double *x, double hours)
{
    double n = 0.0;
    for (int i = 0; i < N; i++) {
        n += x[i] > hours;
    }
    return n / N;
}

static void test_weibull(void **state)
{
    (void)state;
    /* shape, scale, mean worked from the gamma function: G(1 + 1/0.5) = 2, G(2) = 1, G(1.5) = sqrt(pi)/2 */
    const double rows[][3] = {{0.5, 1.8, 3.6}, {1.0, 2.0, 2.0}, {2.0, 4.0, 2.0 * sqrt(acos(-1.0))}};
    for (size_t i = 0; i < 3; i++) {
        mdl_market market = {.shape_k = rows[i][0], .scale_h = rows[i][1], .notice_s = 120.0};
        double *x = lifetimes_h(&market, i);
        double sum = 0.0;
        for (int j = 0; j < N; j++) {
            sum += x[j];
        }
        assert_close(mdl_spot_mean_h(&market), rows[i][2], 1e-12);
        assert_close(sum / N, rows[i][2], 0.02);
        for (double t = 0.1; t < 20.0; t *= 2.0) { /* survival exp(-(t/scale)^k) */
            assert_within(share_beyond(x, t), exp(-pow(t / rows[i][1], rows[i][0])), 0.005);
        }
        free(x);
    }
}

/* The mean is the integral of 1 - F, taken with the midpoint rule; also where F reaches 1 before the end. */
static void test_bathtub_mean(void **state)
{
    (void)state;
    static const mdl_market markets[] = {
        {.hazard = MDL_HAZARD_BATHTUB, .early_share = 0.45, .early_h = 1.0, .late_h = 0.8, .end_h = 24.0},
        {.hazard = MDL_HAZARD_BATHTUB, .early_share = 0.9, .early_h = 1.0, .late_h = 2.0, .end_h = 24.0},
        {.hazard = MDL_HAZARD_BATHTUB, .early_share = 1.0, .early_h = 5.0, .late_h = 10.0, .end_h = 12.0},
    };
    for (size_t i = 0; i < sizeof markets / sizeof markets[0]; i++) {
        const mdl_market *m = &markets[i];
        double integral = 0.0, sum = 0.0;
        for (int k = 0; k < 1000000; k++) {
            const double step = m->end_h / 1e6;
            integral += step * (1.0 - mdl_spot_cdf(m, ((double)k + 0.5) * step));
        }
        assert_close(mdl_spot_mean_h(m), integral, 1e-6);
        double *x = lifetimes_h(m, i);
        for (int k = 0; k < N; k++) {
            sum += x[k];
        }
        assert_close(sum / N, integral, 0.02);
        free(x);
    }
}

/* An hour in which nothing is taken, then the same law, with the same luck: each life is an hour longer, and so the
 * mean. */
static void test_protected(void **state)
{
    (void)state;
    mdl_market bare = {.shape_k = 0.6, .scale_h = 6.0, .notice_s = 300.0};
    mdl_market safe = bare;
    safe.protected_h = 1.0;
    double *x = lifetimes_h(&bare, 5);
    double *y = lifetimes_h(&safe, 5);
    for (int i = 0; i < N; i++) {
        assert_within(y[i] - x[i], 1.0, 1e-9);
    }
    assert_close(share_beyond(y, 1.0 - 1e-9), 1.0, 0.0);
    for (double t = 1.5; t < 40.0; t *= 2.0) {
        assert_within(share_beyond(y, t), exp(-pow((t - 1.0) / 6.0, 0.6)), 0.005);
        assert_close(mdl_spot_cdf(&safe, t), 1.0 - exp(-pow((t - 1.0) / 6.0, 0.6)), 1e-12);
    }
    assert_close(mdl_spot_cdf(&safe, 1.0), 0.0, 0.0);
    assert_close(mdl_spot_mean_h(&safe), 1.0 + 6.0 * tgamma(1.0 + 1.0 / 0.6), 1e-12);
    free(x);
    free(y);
}

/* With a shape below 1 an old node is safer than a young one; published records show 1.19 -> 0.10 ends per hour. */
static void test_hazard_falls_with_age(void **state)
{
    (void)state;
    mdl_market market = {.shape_k = 0.59, .scale_h = 1.79, .notice_s = 120.0};
    double *x = lifetimes_h(&market, 9);
    double young = 1.0 - share_beyond(x, 0.25);
    double old = 1.0 - share_beyond(x, 8.25) / share_beyond(x, 8.0);
    assert_true(young > 4.0 * old);
    free(x);
}

static void test_one_draw_per_life(void **state)
{
    (void)state;
    mdl_market a = {.shape_k = 0.6, .scale_h = 2.0, .notice_s = 0.0};
    mdl_market b = {.shape_k = 1.0, .scale_h = 2.0, .notice_s = 0.0};
    gsl_rng *r = rng_stream(1, 0, "spot", 0);
    gsl_rng *s = rng_stream(1, 0, "spot", 0);
    for (int i = 0; i < 1000; i++) { /* same variate E behind both: (x/2)^0.6 = x'/2 */
        double x = (double)mdl_spot_lifetime(&a, r) / 7200e9;
        double y = (double)mdl_spot_lifetime(&b, s) / 7200e9;
        assert_within(pow(x, 0.6), y, 1e-7);
    }
    mdl_market endless = {.shape_k = 0.1, .scale_h = 1e6, .notice_s = 0.0};
    int64_t longest = 0;
    for (int i = 0; i < 1000; i++) {
        int64_t life = mdl_spot_lifetime(&endless, r);
        assert_true(life >= 0);
        longest = life > longest ? life : longest;
    }
    assert_true(longest == INT64_MAX);
    gsl_rng_free(r);
    gsl_rng_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weibull),           cmocka_unit_test(test_bathtub_mean),
        cmocka_unit_test(test_protected),         cmocka_unit_test(test_hazard_falls_with_age),
        cmocka_unit_test(test_one_draw_per_life),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
