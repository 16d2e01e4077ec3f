/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_variates.c - the ziggurats.
 *
 * Tables: derived again in long double from the formula in ziggurat_tables.c, with the tail constants found here by
 * bisection. Draws: moments within four standard errors, Kolmogorov-Smirnov against the closed distribution functions,
 * tail counts against their probabilities, all at fixed seeds; and the branches one by one on a generator that answers
 * what the test says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "models/random/variates.h"
#include "models/random/ziggurat.h"
#include "sim/kernel/rng.h"
#include "tests/support/close.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_randist.h>
#include <stdlib.h>
#include <string.h>

#define LAYERS MDL_ZIG_LAYERS

/* ---- tables ---- */

typedef struct density {
    long double (*f)(long double x);
    long double (*inverse)(long double y);
    long double (*beyond)(long double x); /* integral of f from x to infinity */
} density;

static long double exp_f(long double x)
{
    return expl(-x);
}

static long double exp_inverse(long double y)
{
    return -logl(y);
}

static long double normal_f(long double x)
{
    return expl(-x * x / 2);
}

static long double normal_inverse(long double y)
{
    return sqrtl(-2 * logl(y));
}

static long double normal_beyond(long double x)
{
    return sqrtl(acosl(-1.0L) / 2) * erfcl(x / sqrtl(2.0L));
}

/* Fills x[0..255] from r; returns the height at which the last layer ends, above 1 if r is too small. */
static long double stack(const density *d, long double r, long double *x)
{
    long double area = r * d->f(r) + d->beyond(r);

    x[0] = area / d->f(r);
    x[1] = r;
    for (int i = 1; i < LAYERS; i++) {
        long double top = d->f(x[i]) + area / x[i];

        if (i == LAYERS - 1 || top >= 1) {
            return i == LAYERS - 1 ? top : 2;
        }
        x[i + 1] = d->inverse(top);
    }
    return 2;
}

static void check_table(const mdl_ziggurat *z, const density *d)
{
    long double x[LAYERS + 1];
    long double low = 1;
    long double high = 20;

    for (int i = 0; i < 200; i++) {
        long double r = (low + high) / 2;

        if (stack(d, r, x) > 1) {
            low = r;
        } else {
            high = r;
        }
    }
    stack(d, high, x);
    x[LAYERS] = 0;
    assert_close(z->tail, (double)high, 2e-16);
    assert_true(z->strip[1].scale * 0x1p53 == z->tail);
    for (int i = 0; i < LAYERS; i++) {
        long double inside = 0x1p53L * x[i + 1] / x[i];

        assert_within((double)z->strip[i].inside, (double)inside, 1.0);
        assert_close(z->strip[i].scale * 0x1p53, (double)x[i], 2.3e-16);
        assert_close(z->height[i], (double)d->f(x[i]), 2.3e-16);
    }
    assert_true(z->height[LAYERS] == 1.0);
}

/* The identity behind the method, on the table's own numbers: every layer has the same area. */
static void check_areas(const mdl_ziggurat *z, const density *d)
{
    long double r = (long double)z->tail;
    double area = (double)(r * d->f(r) + d->beyond(r));

    assert_close(z->strip[0].scale * 0x1p53 * z->height[1], area, 1e-14);
    for (int i = 1; i < LAYERS; i++) {
        assert_close(z->strip[i].scale * 0x1p53 * (z->height[i + 1] - z->height[i]), area, 2e-13);
    }
}

static void test_tables(void **state)
{
    (void)state;
    const density exponential = {exp_f, exp_inverse, exp_f};
    const density normal = {normal_f, normal_inverse, normal_beyond};

    check_table(&mdl_zig_exp, &exponential);
    check_table(&mdl_zig_normal, &normal);
    check_areas(&mdl_zig_exp, &exponential);
    check_areas(&mdl_zig_normal, &normal);
}

/* ---- draws ---- */

static double exp_cdf(double x)
{
    return -expm1(-x);
}

static double normal_cdf(double x)
{
    return erfc(-x / sqrt(2.0)) / 2.0;
}

static double unit_cdf(double x)
{
    return x;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

/* sqrt(n) times the largest distance between the sample and its distribution; above 1.95 once in a thousand times. */
static double kolmogorov(double *v, size_t n, double (*cdf)(double))
{
    double worst = 0.0;

    qsort(v, n, sizeof *v, by_size);
    for (size_t i = 0; i < n; i++) {
        double f = cdf(v[i]);

        worst = fmax(worst, fmax(f - (double)i / (double)n, (double)(i + 1) / (double)n - f));
    }
    return worst * sqrt((double)n);
}

static void check_fit(double (*draw)(gsl_rng *), double (*cdf)(double))
{
    enum { N = 200000 };
    double *v = malloc(N * sizeof *v);

    assert_non_null(v);
    for (uint64_t key = 0; key < 3; key++) {
        gsl_rng *r = rng_stream(2024, 0, "fit", key);

        for (size_t i = 0; i < N; i++) {
            v[i] = draw(r);
        }
        assert_true(kolmogorov(v, N, cdf) < 1.95);
        gsl_rng_free(r);
    }
    free(v);
}

static void test_fit(void **state)
{
    (void)state;
    check_fit(mdl_ran_exponential, exp_cdf);
    check_fit(mdl_ran_normal, normal_cdf);
    check_fit(mdl_ran_uniform_pos, unit_cdf);
}

/* E x^k of Exp(1) is k!, so the variance of x^k is (2k)! - k!^2; of the normal 1 and 3 for k = 2, 4, odd ones 0. */
static void test_moments(void **state)
{
    (void)state;
    enum { N = 2000000 };
    gsl_rng *r = rng_stream(5, 0, "moments", 0);
    double e[4] = {0};
    double g[4] = {0};

    for (unsigned i = 0; i < N; i++) {
        double x = mdl_ran_exponential(r);
        double y = mdl_ran_normal(r);

        assert_true(x > 0.0);
        for (unsigned k = 0; k < 4; k++) {
            e[k] += pow(x, k + 1) / N;
            g[k] += pow(y, k + 1) / N;
        }
    }
    assert_within(e[0], 1.0, 4.0 * sqrt(1.0 / N));
    assert_within(e[1], 2.0, 4.0 * sqrt(20.0 / N));
    assert_within(e[2], 6.0, 4.0 * sqrt(684.0 / N));
    assert_within(e[3], 24.0, 4.0 * sqrt(39744.0 / N));
    assert_within(g[0], 0.0, 4.0 * sqrt(1.0 / N));
    assert_within(g[1], 1.0, 4.0 * sqrt(2.0 / N));
    assert_within(g[2], 0.0, 4.0 * sqrt(15.0 / N));
    assert_within(g[3], 3.0, 4.0 * sqrt(96.0 / N));
    gsl_rng_free(r);
}

/* Counts beyond points inside the ziggurat, at its end and in the tail: within 4.5 standard deviations. */
static void test_tails(void **state)
{
    (void)state;
    enum { N = 4000000, POINTS = 5 };
    static const double exp_at[POINTS] = {2.0, 6.0, 7.697117470131050, 9.0, 11.0};
    static const double normal_at[POINTS] = {1.0, 3.0, 3.6541528853610088, 4.0, 4.5};
    gsl_rng *r = rng_stream(6, 0, "tails", 0);
    unsigned exp_beyond[POINTS] = {0};
    unsigned above[POINTS] = {0};
    unsigned below[POINTS] = {0};

    for (unsigned i = 0; i < N; i++) {
        double x = mdl_ran_exponential(r);
        double y = mdl_ran_normal(r);

        for (unsigned k = 0; k < POINTS; k++) {
            exp_beyond[k] += x > exp_at[k];
            above[k] += y > normal_at[k];
            below[k] += y < -normal_at[k];
        }
    }
    for (unsigned k = 0; k < POINTS; k++) {
        double e = N * exp(-exp_at[k]);
        double g = N * normal_cdf(-normal_at[k]);

        assert_within(exp_beyond[k], e, 4.5 * sqrt(e));
        assert_within(above[k], g, 4.5 * sqrt(g));
        assert_within(below[k], g, 4.5 * sqrt(g));
    }
    gsl_rng_free(r);
}

/* ---- branch by branch, on words of the test's choosing ---- */

typedef struct script {
    const uint64_t *word;
    size_t used;
} script;

static unsigned long script_get(void *state)
{
    script *s = state;

    return s->word[s->used++];
}

static void script_set(void *state, unsigned long seed)
{
    (void)seed;
    memset(state, 0, sizeof(script));
}

static double script_get_double(void *state)
{
    return (double)(script_get(state) >> 11) * 0x1p-53;
}

static const gsl_rng_type script_type = {"script",   UINT64_MAX,       0, sizeof(script), script_set,
                                         script_get, script_get_double};

/* position in 53 bits, sign, layer */
#define WORD(position, minus, layer) ((uint64_t)(position) << 11 | (uint64_t)(minus) << 8 | (layer))
#define HALF                         (UINT64_C(1) << 52)
#define TOP                          ((UINT64_C(1) << 53) - 1)

static double run(double (*draw)(gsl_rng *), const uint64_t *word, size_t words)
{
    script s = {.word = word};
    gsl_rng r = {.type = &script_type, .state = &s};
    double x = draw(&r);

    assert_int_equal(s.used, words);
    return x;
}

static void test_branches(void **state)
{
    (void)state;
    const double e_r = 7.697117470131050;
    const double n_r = 3.6541528853610088;
    const uint64_t inside[] = {WORD(HALF, 1, 1)};
    const uint64_t tail_then_inside[] = {WORD(TOP, 0, 0), WORD(TOP, 0, 0), WORD(HALF, 0, 1)};
    const uint64_t wedge_taken[] = {WORD(TOP, 1, 7), WORD(0, 0, 0)}; /* at the foot of the layer */
    const uint64_t wedge_refused[] = {WORD(TOP, 1, 7), WORD(TOP, 0, 0), WORD(HALF, 1, 1)}; /* at its ceiling */
    const uint64_t normal_tail[] = {WORD(TOP, 1, 0), WORD(HALF, 0, 1), WORD(HALF, 0, 1)};

    assert_close(run(mdl_ran_exponential, inside, 1), e_r / 2, 1e-15);
    assert_close(run(mdl_ran_exponential, tail_then_inside, 3), 2.5 * e_r, 1e-15);
    assert_close(run(mdl_ran_normal, inside, 1), -n_r / 2, 1e-15);
    assert_close(run(mdl_ran_normal, wedge_taken, 2), -mdl_zig_normal.strip[7].scale * 0x1p53, 1e-15);
    assert_close(run(mdl_ran_normal, wedge_refused, 3), -n_r / 2, 1e-15);
    assert_close(run(mdl_ran_exponential, wedge_taken, 2), mdl_zig_exp.strip[7].scale * 0x1p53, 1e-15);
    assert_close(run(mdl_ran_exponential, wedge_refused, 3), e_r / 2, 1e-15);
    /* x = (e_r/2)/n_r = 1.05, y = 3.85: 2y >= x*x, accepted */
    assert_close(run(mdl_ran_normal, normal_tail, 3), -(n_r + e_r / 2 / n_r), 1e-15);
}

static void test_uniform_ends(void **state)
{
    (void)state;
    const uint64_t lowest[] = {0};
    const uint64_t highest[] = {UINT64_MAX};

    assert_true(run(mdl_ran_uniform_pos, lowest, 1) == 0x1p-53);
    assert_true(run(mdl_ran_uniform_pos, highest, 1) == 1.0 - 0x1p-53);
}

/* A generator of 32-bit words gets GSL's own variates. */
static void test_other_generators(void **state)
{
    (void)state;
    gsl_rng *a = gsl_rng_alloc(gsl_rng_mt19937);
    gsl_rng *b = gsl_rng_clone(a);

    for (unsigned i = 0; i < 100; i++) {
        assert_true(mdl_ran_exponential(a) == gsl_ran_exponential(b, 1.0));
        assert_true(mdl_ran_normal(a) == gsl_ran_ugaussian(b));
        assert_true(mdl_ran_uniform_pos(a) == gsl_rng_uniform_pos(b));
    }
    gsl_rng_free(a);
    gsl_rng_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables),           cmocka_unit_test(test_fit),
        cmocka_unit_test(test_moments),          cmocka_unit_test(test_tails),
        cmocka_unit_test(test_branches),         cmocka_unit_test(test_uniform_ends),
        cmocka_unit_test(test_other_generators),
    };

    gsl_set_error_handler_off();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
