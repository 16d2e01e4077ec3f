/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_stats.c - histogram against exact sort, tally against two passes, integrals by hand, Student against tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/stats/stats.h"
#include "tests/support/choice.h"
#include "tests/support/close.h"

#include <gsl/gsl_errno.h>
#include <stdlib.h>
#include <string.h>

__extension__ typedef __int128 wide;

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static void test_hist_empty(void **state)
{
    (void)state;
    stat_hist *h = stat_hist_new(7);

    assert_int_equal(stat_hist_count(h), 0);
    assert_true(stat_hist_sum(h) == 0);
    assert_true(isnan(stat_hist_mean(h)));
    assert_int_equal(stat_hist_min(h), 0);
    assert_int_equal(stat_hist_max(h), 0);
    assert_int_equal(stat_hist_quantile(h, 0.5), 0);
    assert_int_equal(stat_hist_count_le(h, INT64_MAX), 0);
    stat_hist_add(h, -5); /* counts as 0 */
    assert_int_equal(stat_hist_count(h), 1);
    assert_int_equal(stat_hist_count_le(h, 0), 1);
    assert_int_equal(stat_hist_count_le(h, -1), 0);
    assert_int_equal(stat_hist_quantile(h, 1.0), 0);
    assert_true(stat_hist_mean(h) == 0.0);
    stat_hist_free(h);
    stat_hist_free(NULL);
}

/* Small values have a bucket each, so quantiles are exact: nearest ranks of 1..100 are the percentages themselves. */
static void test_hist_nearest_rank(void **state)
{
    (void)state;
    stat_hist *h = stat_hist_new(6);

    for (int64_t v = 100; v >= 1; v--) {
        stat_hist_add(h, v);
    }
    for (int percent = 1; percent <= 100; percent++) {
        assert_int_equal(stat_hist_quantile(h, percent / 100.0), percent);
    }
    assert_int_equal(stat_hist_quantile(h, 0.0), 1);
    assert_int_equal(stat_hist_quantile(h, 0.001), 1);
    assert_int_equal(stat_hist_quantile(h, 0.9901), 100);
    assert_int_equal(stat_hist_quantile(h, -1.0), 1);
    assert_int_equal(stat_hist_quantile(h, 2.0), 100);
    assert_int_equal(stat_hist_quantile(h, (double)NAN), 1);
    assert_int_equal(stat_hist_count_le(h, 37), 37);
    assert_true(stat_hist_sum(h) == 5050);
    assert_true(stat_hist_mean(h) == 50.5);
    stat_hist_free(h);
}

/* 3 sub-bits, by hand: 16..17, 18..19, ... share buckets of 2; 32..35 of 4; 1000 = 0b1111101000 is in 960..1023. */
static void test_hist_edges(void **state)
{
    (void)state;
    static const int64_t value_edge[][2] = {{15, 15}, {16, 17}, {17, 17},    {31, 31},     {32, 35},
                                            {35, 35}, {36, 39}, {960, 1023}, {1000, 1023}, {1024, 1151}};
    stat_hist *h = stat_hist_new(3);

    for (size_t i = 0; i < sizeof value_edge / sizeof value_edge[0]; i++) {
        stat_hist_reset(h);
        stat_hist_add(h, value_edge[i][0]);
        stat_hist_add(h, INT64_MAX);
        assert_int_equal(stat_hist_quantile(h, 0.5), value_edge[i][1]);
        assert_int_equal(stat_hist_count_le(h, value_edge[i][1]), 1);
        assert_int_equal(stat_hist_min(h), value_edge[i][0]);
        assert_true(stat_hist_max(h) == INT64_MAX);
        assert_true(stat_hist_quantile(h, 1.0) == INT64_MAX);
        assert_int_equal(stat_hist_count_le(h, INT64_MAX), 2);
    }
    stat_hist_reset(h);
    stat_hist_add(h, 1000); /* never beyond the exact maximum */
    assert_int_equal(stat_hist_quantile(h, 0.5), 1000);
    for (unsigned i = 0; i < 99; i++) { /* the sum leaves 64 bits */
        stat_hist_add(h, INT64_MAX);
    }
    assert_true(stat_hist_sum(h) == (wide)INT64_MAX * 99 + 1000);
    stat_hist_free(h);
}

/* Values over all magnitudes: half of them log-uniform, half from a narrow band. */
static int64_t draw_value(choice *c)
{
    if (choice_chance(c, 1, 2)) {
        return choice_range(c, 90000, 110000);
    }
    return (int64_t)(choice_u64(c) >> choice_range(c, 1, 63));
}

static void test_hist_against_sort(void **state)
{
    (void)state;
    enum { N = 5000 };
    static const double p[] = {0.0, 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999, 1.0};
    int64_t *exact = malloc(N * sizeof *exact);

    assert_non_null(exact);
    for (unsigned sub_bits = 3; sub_bits <= 12; sub_bits++) {
        stat_hist *h = stat_hist_new(sub_bits);
        wide sum = 0;
        choice c;

        choice_seed(&c, sub_bits);
        for (size_t i = 0; i < N; i++) {
            exact[i] = draw_value(&c);
            sum += exact[i];
            stat_hist_add(h, exact[i]);
        }
        qsort(exact, N, sizeof *exact, by_size);
        assert_int_equal(stat_hist_count(h), N);
        assert_true(stat_hist_sum(h) == sum);
        assert_true(stat_hist_min(h) == exact[0] && stat_hist_max(h) == exact[N - 1]);
        for (size_t k = 0; k < sizeof p / sizeof p[0]; k++) {
            size_t rank = 1; /* smallest whole number >= p N, in whole ten-thousandths */

            while (rank * 10000 < (size_t)(p[k] * 10000 + 0.5) * N) {
                rank++;
            }
            int64_t truth = exact[rank - 1];
            int64_t answer = stat_hist_quantile(h, p[k]);

            assert_true(answer >= truth && answer - truth <= truth >> sub_bits);
        }
        for (size_t i = 0; i < N; i += 97) { /* counts: no fewer than the truth, no more than one bucket further */
            uint64_t le = stat_hist_count_le(h, exact[i]);

            assert_true(le > i && (le == N || exact[le] > exact[i]));
            assert_true(exact[le - 1] - exact[i] <= exact[i] >> sub_bits);
        }
        stat_hist_free(h);
    }
    free(exact);
}

/* Any split, merged in any order, is the histogram of all. */
static void test_hist_merge(void **state)
{
    (void)state;
    enum { PARTS = 4, N = 4000 };
    stat_hist *part[PARTS];
    stat_hist *all = stat_hist_new(5);
    choice c;

    choice_seed(&c, 9);
    for (size_t i = 0; i < PARTS; i++) {
        part[i] = stat_hist_new(5);
    }
    for (size_t i = 0; i < N; i++) {
        int64_t v = draw_value(&c);

        stat_hist_add(all, v);
        stat_hist_add(part[choice_below(&c, PARTS - 1)], v); /* the last part stays empty */
    }
    stat_hist_merge(part[3], part[1]);
    stat_hist_merge(part[2], part[0]);
    stat_hist_merge(part[3], part[2]);
    assert_int_equal(stat_hist_count(part[3]), N);
    assert_true(stat_hist_sum(part[3]) == stat_hist_sum(all));
    assert_true(stat_hist_min(part[3]) == stat_hist_min(all) && stat_hist_max(part[3]) == stat_hist_max(all));
    for (int i = 0; i <= 1000; i++) {
        assert_true(stat_hist_quantile(part[3], i / 1000.0) == stat_hist_quantile(all, i / 1000.0));
    }
    stat_hist_reset(part[3]);
    stat_hist_merge(part[3], all);
    stat_hist_reset(all);
    stat_hist_merge(part[3], all); /* an empty one changes nothing */
    assert_int_equal(stat_hist_count(part[3]), N);
    for (size_t i = 0; i < PARTS; i++) {
        stat_hist_free(part[i]);
    }
    stat_hist_free(all);
}

static void test_tally(void **state)
{
    (void)state;
    enum { N = 1000 };
    stat_tally all;
    stat_tally part[3];
    double x[N];
    double sum = 0.0;
    double squares = 0.0;
    choice c;

    stat_tally_init(&all);
    assert_true(all.n == 0 && stat_tally_variance(&all) == 0.0);
    for (size_t i = 0; i < 3; i++) {
        stat_tally_init(&part[i]);
    }
    choice_seed(&c, 4);
    for (size_t i = 0; i < N; i++) {
        x[i] = 1e6 + choice_unit(&c) - 0.5; /* a mean a million times the spread: sums of squares would fail */
        sum += x[i] - 1e6;
        stat_tally_add(&all, x[i]);
        stat_tally_add(&part[i < 10 ? 0 : 1], x[i]);
    }
    double mean = sum / N;

    for (size_t i = 0; i < N; i++) {
        squares += (x[i] - 1e6 - mean) * (x[i] - 1e6 - mean);
    }
    assert_close(all.mean, 1e6 + mean, 1e-14);
    assert_close(stat_tally_variance(&all), squares / (N - 1), 1e-9);
    stat_tally_merge(&part[2], &part[1]); /* into an empty one */
    stat_tally_merge(&part[2], &part[0]);
    stat_tally_init(&part[0]);
    stat_tally_merge(&part[2], &part[0]); /* from an empty one */
    assert_int_equal(part[2].n, N);
    assert_close(part[2].mean, 1e6 + mean, 1e-14);
    assert_close(stat_tally_variance(&part[2]), squares / (N - 1), 1e-9);
    assert_true(part[2].min == all.min && part[2].max == all.max);

    stat_tally_init(&all);
    for (int v = -2; v >= -8; v -= 2) { /* -2 -4 -6 -8: mean -5, squares 9+1+1+9 */
        stat_tally_add(&all, v);
    }
    assert_true(all.mean == -5.0 && all.min == -8.0 && all.max == -2.0);
    assert_close(stat_tally_variance(&all), 20.0 / 3.0, 1e-15);
}

static void test_timew(void **state)
{
    (void)state;
    stat_timew t;

    stat_timew_init(&t, 100, 3);
    assert_true(stat_timew_mean(&t, 100, 100) == 3.0);
    stat_timew_set(&t, 110, 5);  /* 3 x 10 */
    stat_timew_set(&t, 110, -1); /* 5 x 0: still the maximum */
    stat_timew_set(&t, 130, 2);  /* -1 x 20 */
    assert_true(stat_timew_area(&t, 150) == 30 - 20 + 40);
    assert_true(stat_timew_mean(&t, 100, 150) == 1.0);
    assert_int_equal(t.max, 5);
    stat_timew_reset(&t, 140);
    assert_int_equal(t.max, 2);
    assert_true(stat_timew_area(&t, 140) == 0);
    assert_true(stat_timew_area(&t, 145) == 10);
    assert_true(stat_timew_mean(&t, 140, 145) == 2.0);
    stat_timew_init(&t, 0, INT64_MAX);
    assert_true(stat_timew_area(&t, INT64_MAX) == (wide)INT64_MAX * INT64_MAX);
}

/* n and level to the printed tables of t (two-sided), and the closed forms for one and two degrees of freedom. */
static void test_student(void **state)
{
    (void)state;
    static const struct {
        unsigned n;
        double level, t, rel;
    } row[] = {{2, 0.95, 12.706, 1e-4}, {3, 0.95, 4.303, 2e-4},  {6, 0.99, 4.032, 1e-4},   {11, 0.95, 2.228, 1e-4},
               {31, 0.95, 2.042, 2e-4}, {21, 0.90, 1.725, 2e-4}, {121, 0.95, 1.980, 3e-4}, {2, 0.90, 6.314, 1e-4}};
    const double pi = 3.14159265358979323846;

    for (size_t k = 0; k < sizeof row / sizeof row[0]; k++) {
        stat_tally t = {.n = row[k].n, .m2 = 4.0 * (row[k].n - 1)}; /* variance 4 */

        assert_close(stat_student_half_width(&t, row[k].level), row[k].t * 2.0 / sqrt(row[k].n), row[k].rel);
    }
    stat_tally two = {.n = 2, .m2 = 2.0};   /* variance / n = 1: the half width is t itself */
    stat_tally three = {.n = 3, .m2 = 6.0}; /* the same */

    for (double level = 0.5; level < 0.9999; level += 0.0499) {
        double upper = (1.0 - level) / 2.0;

        assert_close(stat_student_half_width(&two, level), tan(pi * (0.5 - upper)), 1e-9);
        assert_close(stat_student_half_width(&three, level), level * sqrt(2.0 / (4.0 * upper * (1.0 - upper))), 1e-9);
    }
    stat_tally one = {.n = 1};

    assert_true(isnan(stat_student_half_width(&one, 0.95)));
    assert_true(isnan(stat_student_half_width(&two, 0.0)));
    assert_true(isnan(stat_student_half_width(&two, 1.0)));
    assert_true(isnan(stat_student_half_width(&two, (double)NAN)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hist_empty), cmocka_unit_test(test_hist_nearest_rank),
        cmocka_unit_test(test_hist_edges), cmocka_unit_test(test_hist_against_sort),
        cmocka_unit_test(test_hist_merge), cmocka_unit_test(test_tally),
        cmocka_unit_test(test_timew),      cmocka_unit_test(test_student),
    };

    gsl_set_error_handler_off();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
