/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * test_fit.c - every law of lags, lives, stocks and prices against its closed form, by Kolmogorov-Smirnov with fixed
 * seeds; and that the test has teeth: the neighbouring law is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>

#include "models/price/walk.h"
#include "models/provision/stock.h"
#include "models/spot/spot.h"
#include "sim/kernel/rng.h"
#include "tests/support/close.h"
#include "tests/support/fit.h"

enum { N = 20000 };
static const double refused = 1.63;

static double law_cdf(double t, const void *p)
{
    const mdl_law *law = p;
    switch (law->kind) {
    case MDL_LAW_LOGNORMAL:
        return 0.5 * erfc(-log(t / law->a) / (log(law->b / law->a) / 1.2815515655446004) / sqrt(2.0));
    case MDL_LAW_UNIFORM:
        return (t - law->a) / (law->b - law->a);
    case MDL_LAW_EXPONENTIAL:
        return 1.0 - exp(-t / law->a);
    case MDL_LAW_WEIBULL:
        return 1.0 - exp(-pow(t / law->a, law->b));
    case MDL_LAW_CONSTANT:
        break;
    }
    return t >= law->a;
}

static void test_laws(void **state)
{
    (void)state;
    static const mdl_law laws[] = {{MDL_LAW_LOGNORMAL, 90, 240, 0}, {MDL_LAW_LOGNORMAL, 0.09, 0.25, 0},
                                   {MDL_LAW_UNIFORM, 0, 10, 0},     {MDL_LAW_EXPONENTIAL, 1800, 0, 0},
                                   {MDL_LAW_WEIBULL, 2, 0.6, 0},    {MDL_LAW_WEIBULL, 6, 3, 0}};
    double *x = calloc(N, sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < sizeof laws / sizeof laws[0]; i++) {
        gsl_rng *r = rng_stream(5, 0, "fit", i);
        double sum = 0.0;
        for (int k = 0; k < N; k++) {
            x[k] = mdl_law_draw(&laws[i], r);
            sum += x[k];
        }
        gsl_rng_free(r);
        assert_true(fit_ks(x, N, law_cdf, &laws[i], HUGE_VAL) < refused);
        assert_close(sum / N, mdl_law_mean(&laws[i]), 0.05);
        assert_close(x[N / 2], mdl_law_median(&laws[i]), 0.05);
        mdl_law near = laws[i];
        near.a *= 1.05;
        near.b *= 1.05;
        assert_true(fit_ks(x, N, law_cdf, &near, HUGE_VAL) > refused);
    }
    free(x);
}

static double life_cdf(double t, const void *market)
{
    return mdl_spot_cdf(market, t);
}

/* Against the formulas written once more, not through the code under test. */
static double bathtub_cdf(double t, const void *p)
{
    const mdl_market *m = p;
    return m->early_share * (1 - exp(-t / m->early_h) + exp((t - m->end_h) / m->late_h));
}

static void test_lives(void **state)
{
    (void)state;
    static const mdl_market markets[] = {
        {.hazard = MDL_HAZARD_WEIBULL, .shape_k = 0.59, .scale_h = 1.79},
        {.hazard = MDL_HAZARD_WEIBULL, .shape_k = 1, .scale_h = 3},
        {.hazard = MDL_HAZARD_BATHTUB, .early_share = 0.45, .early_h = 1, .late_h = 0.8, .end_h = 24},
        {.hazard = MDL_HAZARD_WEIBULL, .shape_k = 0.6, .scale_h = 6, .protected_h = 1}};
    double *x = calloc(N, sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < 4; i++) {
        const mdl_market *m = &markets[i];
        bool bath = m->hazard == MDL_HAZARD_BATHTUB;
        gsl_rng *r = rng_stream(6, 0, "fit", i);
        double sum = 0.0;
        for (int k = 0; k < N; k++) {
            x[k] = (double)mdl_spot_lifetime(m, r) / 3600e9;
            sum += x[k];
        }
        gsl_rng_free(r);
        assert_true(fit_ks(x, N, bath ? bathtub_cdf : life_cdf, m, bath ? m->end_h : HUGE_VAL) < refused);
        assert_close(sum / N, mdl_spot_mean_h(m), 0.03);
        assert_true(x[N - 1] <= (bath ? 24.0 : HUGE_VAL));
        mdl_market near = *m;
        near.scale_h *= 1.06;
        near.early_share *= 1.06;
        assert_true(fit_ks(x, N, life_cdf, &near, bath ? m->end_h : HUGE_VAL) > refused);
        for (double t = 0.5; t < 20; t *= 2) {
            assert_close(mdl_spot_cdf(m, t),
                         bath     ? bathtub_cdf(t, m)
                         : i == 1 ? 1 - exp(-t / 3)
                         : i == 3 ? 1 - exp(-pow(fmax(0, t - 1) / 6, 0.6))
                                  : 1 - exp(-pow(t / 1.79, 0.59)),
                         1e-12);
        }
    }
    assert_close(mdl_spot_cdf(&markets[2], 24.0), 1.0, 0.0);
    assert_close(mdl_spot_cdf(&markets[2], -1.0), 0.0, 0.0);
    assert_string_equal(mdl_hazard_name(MDL_HAZARD_BATHTUB), "bathtub");
    assert_null(mdl_hazard_name((mdl_hazard)9));
    free(x);
}

static void test_stock_spells(void **state)
{
    (void)state;
    mdl_stock stock = {.up_h = {MDL_LAW_WEIBULL, 2, 0.6, 0}, .down_h = {MDL_LAW_LOGNORMAL, 0.45, 4, 0}, .nodes = 16};
    gsl_rng *r = rng_stream(7, 0, "fit", 0);
    double *x = calloc(N, sizeof *x);
    assert_non_null(x);
    for (int up = 0; up < 2; up++) {
        for (int k = 0; k < N; k++) {
            x[k] = (double)mdl_stock_spell(&stock, up, r) / 3600e9;
        }
        /* spells are at least a second: the mass below it, under 1 % here, is moved up */
        assert_true(fit_ks(x, N, law_cdf, up ? &stock.up_h : &stock.down_h, HUGE_VAL) < (up ? 2.0 : refused));
    }
    int ups = 0;
    for (int k = 0; k < N; k++) {
        ups += mdl_stock_start(&stock, r);
    }
    /* Weibull(2, 0.6): 2 G(1 + 1/0.6) = 3.0094; lognormal(0.45, 4): sigma 1.7048, mean 0.45 exp(1.4532) = 1.9247 */
    assert_within(mdl_stock_up_share(&stock), 3.0092 / (3.0092 + 1.9247), 0.001);
    assert_within((double)ups / N, mdl_stock_up_share(&stock), 0.012);
    stock.down_h = (mdl_law){MDL_LAW_CONSTANT, 0, 0, 0};
    assert_true(mdl_stock_spell(&stock, 1, r) == INT64_MAX && mdl_stock_start(&stock, r) == 1);
    gsl_rng_free(r);
    free(x);
}

static void test_stock_levels(void **state)
{
    (void)state;
    mdl_stock stock = {.nodes = 20, .scarce_share = 0.75, .scarce_peak_h = 15};
    assert_int_equal(mdl_stock_level(&stock, 15.0), 5); /* 20 x (1 - 0.75) */
    assert_int_equal(mdl_stock_level(&stock, 12.0), 9); /* cos 45 deg: 20 x (1 - 0.75 x 0.7071) = 9.39 */
    assert_int_equal(mdl_stock_level(&stock, 3.0), 20); /* night */
    stock.nodes = 0;
    assert_int_equal(mdl_stock_level(&stock, 15.0), MDL_STOCK_ANY);

    static const int32_t level[] = {3, 3, 0, 2, 2};
    mdl_stock_trace trace = {level, NULL, 5, 600};
    assert_int_equal(mdl_stock_trace_level(&trace, 0), 3);
    assert_int_equal(mdl_stock_trace_level(&trace, 1199), 3);
    assert_int_equal(mdl_stock_trace_level(&trace, 1200), 0);
    assert_int_equal(mdl_stock_trace_level(&trace, 1 << 30), 2);
    assert_true(mdl_stock_trace_next(&trace, 0) == 1200 && mdl_stock_trace_next(&trace, 1200) == 1800);
    assert_true(mdl_stock_trace_next(&trace, 1800) == INT64_MAX);
    static const int64_t price[] = {7, 8, 8, 8, 8};
    trace.price_uusd = price;
    assert_true(mdl_stock_trace_next(&trace, 0) == 600);
}

static double normal_cdf(double t, const void *sigma)
{
    return 0.5 * erfc(-t / *(const double *)sigma / sqrt(2.0));
}

static void test_walk(void **state)
{
    (void)state;
    mdl_walk walk = {.step_s = 3600, .half_life_h = 6, .sigma = 0.2, .floor_share = 0.0, .cap_share = 99.0};
    gsl_rng *r = rng_stream(8, 0, "fit", 0);
    double *x = calloc(N, sizeof *x);
    double *z = calloc(N, sizeof *z);
    double *innovation = calloc(N, sizeof *innovation);
    assert_true(x != NULL && z != NULL && innovation != NULL);
    double product = 0.0;
    double square = 0.0;
    double price = 0.0;
    for (int k = 0; k < N; k++) { /* the law at the start, and what one step does to it */
        x[k] = mdl_walk_start(&walk, r);
        z[k] = mdl_walk_next(&walk, x[k], r);
        product += x[k] * z[k];
        square += x[k] * x[k];
        price += (double)mdl_walk_price(&walk, 1000000, z[k]);
        innovation[k] = z[k] - x[k] * pow(0.5, 1.0 / 6.0);
    }
    double sigma = 0.2;
    double step_sigma = 0.2 * sqrt(1.0 - pow(0.5, 2.0 / 6.0));
    assert_true(fit_ks(x, N, normal_cdf, &sigma, HUGE_VAL) < refused);
    assert_true(fit_ks(z, N, normal_cdf, &sigma, HUGE_VAL) < refused);
    assert_true(fit_ks(innovation, N, normal_cdf, &step_sigma, HUGE_VAL) < refused);
    assert_close(product / square, pow(0.5, 1.0 / 6.0), 0.02); /* six steps halve a distance from the mean */
    assert_close(price / N, 1e6, 0.01);                        /* the mean of the price is the base */
    walk.floor_share = 0.8;
    walk.cap_share = 1.5;
    assert_true(mdl_walk_price(&walk, 1000000, -9.0) == 800000 && mdl_walk_price(&walk, 1000000, 9.0) == 1500000);
    assert_true(mdl_walk_price(&walk, 1000000, 0.0) == 980199); /* exp(-0.02) */
    gsl_rng_free(r);
    free(x);
    free(z);
    free(innovation);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_laws), cmocka_unit_test(test_lives),
                                       cmocka_unit_test(test_stock_spells), cmocka_unit_test(test_stock_levels),
                                       cmocka_unit_test(test_walk)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
