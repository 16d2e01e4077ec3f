/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * test_provision.c - stage laws: medians and 90th percentiles as asked for, sums of stages, caps, failures.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "models/provision/provision.h"
#include "sim/kernel/rng.h"
#include "tests/support/close.h"

enum { N = 100001 };

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorted draws of a law; caller frees. */
static double *draws(const mdl_law *law, uint64_t key)
{
    gsl_rng *r = rng_stream(31, 0, "lag", key);
    double *x = calloc(N, sizeof *x);
    assert_non_null(x);
    for (int i = 0; i < N; i++) {
        x[i] = mdl_law_draw(law, r);
    }
    qsort(x, N, sizeof *x, compare);
    gsl_rng_free(r);
    return x;
}

static double mean_of(const double *x)
{
    double sum = 0.0;
    for (int i = 0; i < N; i++) {
        sum += x[i];
    }
    return sum / N;
}

static void test_lognormal(void **state)
{
    (void)state;
    /* The stages with a median and a 90th percentile in the shipped table. */
    static const double laws[][2] = {{300, 480}, {90, 240}, {40, 120}, {0.09, 0.25},
                                     {18, 30},   {45, 75},  {6, 12},   {20, 40}};
    for (size_t i = 0; i < sizeof laws / sizeof laws[0]; i++) {
        mdl_law law = {MDL_LAW_LOGNORMAL, laws[i][0], laws[i][1], 0.0};
        double *x = draws(&law, i);
        assert_close(x[N / 2], laws[i][0], 0.02);
        assert_close(x[N / 10 * 9], laws[i][1], 0.02);
        /* By symmetry in the logarithm the 10th percentile is median^2 / p90. */
        assert_close(x[N / 10], laws[i][0] * laws[i][0] / laws[i][1], 0.02);
        assert_close(mean_of(x), mdl_law_mean(&law), 0.02);
        assert_close(mdl_law_median(&law), laws[i][0], 0.0);
        free(x);
    }
    /* Mean of (90, 240): sigma = ln(8/3)/1.28155 = 0.765347, 90 exp(0.292878) = 120.63 */
    mdl_law law = {MDL_LAW_LOGNORMAL, 90, 240, 0.0};
    assert_within(mdl_law_mean(&law), 120.63, 0.01);
}

static void test_other_laws(void **state)
{
    (void)state;
    mdl_law uniform = {MDL_LAW_UNIFORM, 2.0, 12.0, 0.0};
    double *x = draws(&uniform, 1);
    assert_true(x[0] >= 2.0 && x[N - 1] <= 12.0);
    assert_close(mean_of(x), 7.0, 0.01);
    assert_close(x[N / 10 * 9], 11.0, 0.01);
    assert_close(mdl_law_mean(&uniform), 7.0, 0.0);
    assert_close(mdl_law_median(&uniform), 7.0, 0.0);
    free(x);

    mdl_law exponential = {MDL_LAW_EXPONENTIAL, 30.0, 0.0, 0.0};
    x = draws(&exponential, 2);
    assert_close(mean_of(x), 30.0, 0.02);
    assert_close(x[N / 2], 30.0 * log(2.0), 0.02);
    assert_close(mdl_law_median(&exponential), 30.0 * log(2.0), 1e-12);
    assert_close(mdl_law_mean(&exponential), 30.0, 0.0);
    free(x);

    mdl_law capped = {MDL_LAW_LOGNORMAL, 40.0, 120.0, 120.0};
    x = draws(&capped, 3);
    assert_close(x[N - 1], 120.0, 0.0);
    assert_close(x[N / 100 * 91], 120.0, 0.0); /* a tenth of the mass sits on the cap */
    assert_true(x[N / 100 * 89] < 120.0);
    free(x);

    mdl_law constant = {MDL_LAW_CONSTANT, 5.0, 99.0, 0.0};
    gsl_rng *r = rng_stream(1, 0, "lag", 0);
    assert_close(mdl_law_draw(&constant, r), 5.0, 0.0);
    constant.max = 4.0;
    assert_close(mdl_law_draw(&constant, r), 4.0, 0.0);
    assert_close(mdl_law_mean(&constant), 4.0, 0.0);
    assert_close(mdl_law_median(&constant), 4.0, 0.0);
    gsl_rng_free(r);
}

/* The mean of the capped law against a million draws, within five standard errors; and by hand where that is short. */
static void test_capped_means(void **state)
{
    (void)state;
    enum { DRAWS = 1000000 };
    static const mdl_law laws[] = {
        {MDL_LAW_LOGNORMAL, 40, 120, 120}, {MDL_LAW_LOGNORMAL, 40, 120, 30}, {MDL_LAW_LOGNORMAL, 40, 40, 30},
        {MDL_LAW_LOGNORMAL, 40, 120, 0},   {MDL_LAW_UNIFORM, 2, 12, 5},      {MDL_LAW_UNIFORM, 2, 12, 1},
        {MDL_LAW_UNIFORM, 2, 12, 99},      {MDL_LAW_EXPONENTIAL, 30, 0, 20}, {MDL_LAW_EXPONENTIAL, 30, 0, 0},
        {MDL_LAW_WEIBULL, 6, 0.6, 9},      {MDL_LAW_WEIBULL, 6, 2, 4},       {MDL_LAW_WEIBULL, 6, 0.6, 0},
        {MDL_LAW_WEIBULL, 6, 40, 1e6},
    };
    for (size_t i = 0; i < sizeof laws / sizeof laws[0]; i++) {
        gsl_rng *r = rng_stream(32, 0, "cap", i);
        double sum = 0.0, squares = 0.0;
        for (int k = 0; k < DRAWS; k++) {
            const double x = mdl_law_draw(&laws[i], r);
            sum += x;
            squares += x * x;
        }
        const double mean = sum / DRAWS, variance = fmax(squares / DRAWS - mean * mean, 0.0);
        assert_within(mdl_law_mean(&laws[i]), mean, 5.0 * sqrt(variance / DRAWS) + 1e-9 * mean);
        gsl_rng_free(r);
    }
    /* 2..5 evenly with 3/10, mean 3.5; 5 with 7/10 */
    assert_close(mdl_law_mean(&laws[4]), 0.3 * 3.5 + 0.7 * 5.0, 1e-15);
    const mdl_law weibull = {MDL_LAW_WEIBULL, 30, 1, 20}; /* shape 1 is the exponential law */
    assert_close(mdl_law_mean(&weibull), 30.0 * (1.0 - exp(-2.0 / 3.0)), 1e-12);
    assert_close(mdl_law_mean(&laws[7]), 30.0 * (1.0 - exp(-2.0 / 3.0)), 1e-15);
}

static mdl_law fixed(double a)
{
    return (mdl_law){MDL_LAW_CONSTANT, a, 0.0, 0.0};
}

static void test_chain(void **state)
{
    (void)state;
    mdl_lag lag = {fixed(7),   fixed(90), fixed(40), fixed(0.1), fixed(2), fixed(18),
                   fixed(0.5), fixed(6),  fixed(20), fixed(5),   0.0};
    mdl_image image = {12.0, 16.0};
    gsl_rng *r = rng_stream(1, 0, "lag", 0);
    double inventory, boot, join, pull, load, warmup;
    int failed = 1;
    mdl_lag_node(&lag, r, &inventory, &boot, &join, &failed);
    assert_close(inventory, 7.0, 0.0);
    assert_close(boot, 90.0, 0.0);
    assert_close(join, 40.0, 0.0);
    assert_int_equal(failed, 0);
    mdl_lag_replica(&lag, &image, 0, -1.0, r, &pull, &load, &warmup);
    assert_close(pull, 120.0, 1e-12);       /* 12 GB at 0.1 GB/s */
    assert_close(load, 18.0 + 32.0, 1e-12); /* 16 GB at 0.5 GB/s */
    assert_close(warmup, 31.0, 1e-12);
    mdl_lag_replica(&lag, &image, 1, -1.0, r, &pull, &load, &warmup);
    assert_close(pull, 2.0, 0.0);
    assert_close(load, 50.0, 1e-12);
    lag.pull_gb_per_s = fixed(0.0);
    mdl_lag_replica(&lag, &image, 0, -1.0, r, &pull, &load, &warmup);
    assert_close(pull, 0.0, 0.0);
    gsl_rng_free(r);
}

static void test_failures(void **state)
{
    (void)state;
    mdl_lag lag = {fixed(1), fixed(1), fixed(1), fixed(1), fixed(1), fixed(1),
                   fixed(1), fixed(1), fixed(1), fixed(1), 0.05};
    gsl_rng *r = rng_stream(2, 0, "lag", 0);
    int sum = 0;
    for (int i = 0; i < 40000; i++) {
        double inventory, boot, join;
        int failed = 0;
        mdl_lag_node(&lag, r, &inventory, &boot, &join, &failed);
        sum += failed;
    }
    assert_within(sum, 2000.0, 4.0 * sqrt(40000 * 0.05 * 0.95));
    gsl_rng_free(r);
}

/* A cached image takes the same variates as an uncached one: the later stages come out alike. */
static void test_common_numbers(void **state)
{
    (void)state;
    mdl_law law = {MDL_LAW_LOGNORMAL, 10.0, 20.0, 0.0};
    mdl_lag lag = {law, law, law, law, law, law, law, law, law, law, 0.5};
    mdl_image image = {12.0, 16.0};
    double pull[2], load[2], warmup[2];
    for (int cached = 0; cached < 2; cached++) {
        gsl_rng *r = rng_stream(3, 0, "lag", 0);
        mdl_lag_replica(&lag, &image, cached, -1.0, r, &pull[cached], &load[cached], &warmup[cached]);
        gsl_rng_free(r);
    }
    assert_true(pull[0] < pull[1] || pull[0] > pull[1]);
    assert_close(load[0], load[1], 0.0);
    assert_close(warmup[0], warmup[1], 0.0);
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(mdl_stage_name(MDL_STAGE_INVENTORY), "inventory");
    assert_string_equal(mdl_stage_name(MDL_STAGE_WARMUP), "warmup");
    assert_string_equal(mdl_stage_name(MDL_STAGES), "?");
    assert_string_equal(mdl_law_kind_name(MDL_LAW_LOGNORMAL), "lognormal");
    assert_null(mdl_law_kind_name((mdl_law_kind)9));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lognormal), cmocka_unit_test(test_other_laws), cmocka_unit_test(test_capped_means),
        cmocka_unit_test(test_chain),     cmocka_unit_test(test_failures),   cmocka_unit_test(test_common_numbers),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
