/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * test_traffic.c - arrivals against the integral of their rate, replay row by row, moments of lengths and services.
 *
 * The rates of the cosine and of a shape are written out again here from their definitions and integrated by Simpson's
 * rule; counts are compared by chi-square. Seeds are fixed: a test that passes, passes always.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include <gsl/gsl_cdf.h>

#include "models/traffic/traffic.h"
#include "sim/kernel/rng.h"
#include "tests/support/close.h"

#define HOUR      INT64_C(3600000000000)
#define SECOND    INT64_C(1000000000)
#define WEEK_H    168
#define THOUSANDS 200000

/* Rate by definition: raised cosine, working days only differ from the weekend by the factor. */
static double cosine_by_hand(double hour_of_week, double peak, double trough, double peak_hour, double weekend)
{
    double pi = acos(-1.0);
    double raised = (1.0 + cos(pi * (hour_of_week - peak_hour) / 12.0)) / 2.0;
    double rate = trough + (peak - trough) * raised;
    return fmod(hour_of_week, 168.0) >= 120.0 ? rate * weekend : rate;
}

/* Counts arrivals in each of `hours` hours from time 0. */
static void count_hours(const mdl_arrival_spec *spec, uint64_t seed, int hours, double *count)
{
    mdl_arrivals *a = mdl_arrivals_new(spec);
    gsl_rng *r = rng_stream(seed, 0, "traffic", 7);
    int64_t before = 0;
    for (int h = 0; h < hours; h++) {
        count[h] = 0.0;
    }
    for (;;) {
        mdl_arrival next;
        int64_t at = mdl_arrivals_next(a, r, &next);
        assert_true(at == next.at_ns && at >= before);
        assert_true(next.row == SIZE_MAX && next.session == -1 && next.input == 0);
        before = at;
        if (at >= hours * HOUR) {
            break;
        }
        count[at / HOUR] += 1.0;
    }
    gsl_rng_free(r);
    mdl_arrivals_free(a);
}

static void check_chi_square(const double *count, const double *expected, int n)
{
    double x = 0.0;
    for (int i = 0; i < n; i++) {
        assert_true(expected[i] > 5.0);
        x += (count[i] - expected[i]) * (count[i] - expected[i]) / expected[i];
    }
    double p = gsl_cdf_chisq_Q(x, n);
    if (p < 1e-3 || p > 1.0 - 1e-3) {
        print_error("chi-square %.1f with %d degrees of freedom: p = %.3g\n", x, n, p);
        fail();
    }
}

static void test_poisson_counts(void **state)
{
    (void)state;
    mdl_arrival_spec spec = {.kind = MDL_ARRIVAL_POISSON, .rate_per_s = 0.5};
    double count[100], expected[100];
    count_hours(&spec, 11, 100, count);
    double square = 0.0;
    for (int i = 0; i < 100; i++) {
        expected[i] = 1800.0;
        square += (count[i] - 1800.0) * (count[i] - 1800.0) / 100.0;
    }
    check_chi_square(count, expected, 100);
    assert_close(square, 1800.0, 0.5); /* variance = mean */
    mdl_arrivals *a = mdl_arrivals_new(&spec);
    assert_close(mdl_arrivals_rate(a, 5), 0.5, 0.0);
    mdl_arrivals_free(a);
}

/* Far out, a gap of a few ns must not be lost in rounding: mean gap 3.3 ns. */
static void test_poisson_keeps_fractions(void **state)
{
    (void)state;
    mdl_arrival_spec spec = {.kind = MDL_ARRIVAL_POISSON, .rate_per_s = 3e8};
    mdl_arrivals *a = mdl_arrivals_new(&spec);
    gsl_rng *r = rng_stream(3, 0, "traffic", 0);
    int64_t at = 0;
    for (int i = 0; i < THOUSANDS; i++) {
        mdl_arrival next;
        at = mdl_arrivals_next(a, r, &next);
    }
    assert_close((double)at, THOUSANDS / 0.3, 0.01); /* standard error 0.0022 */
    gsl_rng_free(r);
    mdl_arrivals_free(a);
}

static void test_cosine_counts(void **state)
{
    (void)state;
    /* Time 0 is Thursday 09:20: the week wraps inside the test, and hours of simulated time straddle local ones. */
    double offset_h = 3 * 24 + 9 + 1.0 / 3.0;
    mdl_arrival_spec spec = {.kind = MDL_ARRIVAL_DIURNAL,
                             .peak_per_s = 0.6,
                             .trough_per_s = 0.02,
                             .peak_hour = 14.25,
                             .weekend_factor = 0.4,
                             .local_offset_ns = (3 * 24 + 9) * HOUR + HOUR / 3};
    double count[WEEK_H], expected[WEEK_H];
    mdl_arrivals *a = mdl_arrivals_new(&spec);
    for (int h = 0; h < WEEK_H; h++) {
        double sum = 0.0;
        for (int i = 0; i < 3600; i++) { /* midpoint rule: the midnight step falls on a multiple of a second */
            double at = h + (i + 0.5) / 3600.0;
            double rate = cosine_by_hand(offset_h + at, 0.6, 0.02, 14.25, 0.4);
            sum += rate;
            if (i % 600 == 0) {
                assert_close(mdl_arrivals_rate(a, h * HOUR + i * SECOND + SECOND / 2), rate, 1e-9);
            }
        }
        expected[h] = sum;
    }
    mdl_arrivals_free(a);
    count_hours(&spec, 5, WEEK_H, count);
    check_chi_square(count, expected, WEEK_H);
}

/* Less than one request an hour, over 400 weeks: nothing may be added or lost where one hour passes into the next. */
static void test_cosine_rare(void **state)
{
    (void)state;
    enum { WEEKS = 400 };
    double peak = 0.9 / 3600.0;
    double trough = 0.15 / 3600.0;
    mdl_arrival_spec spec = {.kind = MDL_ARRIVAL_DIURNAL,
                             .peak_per_s = peak,
                             .trough_per_s = trough,
                             .peak_hour = 20.0,
                             .weekend_factor = 1.5};
    double *count = calloc(WEEKS * WEEK_H, sizeof *count);
    double folded[WEEK_H] = {0.0}, expected[WEEK_H];
    assert_non_null(count);
    count_hours(&spec, 8, WEEKS * WEEK_H, count);
    for (int i = 0; i < WEEKS * WEEK_H; i++) {
        folded[i % WEEK_H] += count[i];
    }
    for (int h = 0; h < WEEK_H; h++) {
        double ends =
            cosine_by_hand(h, peak, trough, 20.0, 1.5) + cosine_by_hand(h + 0.999999, peak, trough, 20.0, 1.5);
        double middle = cosine_by_hand(h + 0.5, peak, trough, 20.0, 1.5);
        expected[h] = WEEKS * 3600.0 * (ends + 4.0 * middle) / 6.0; /* Simpson */
    }
    check_chi_square(folded, expected, WEEK_H);
    free(count);
}

/* A peak in mid-hour is above both ends of its hour by 0.4 %: thinning must not cut it off. */
static void test_cosine_peak_within_hour(void **state)
{
    (void)state;
    mdl_arrival_spec spec = {.kind = MDL_ARRIVAL_DIURNAL,
                             .peak_per_s = 1200.0,
                             .trough_per_s = 0.0,
                             .peak_hour = 0.5,
                             .weekend_factor = 1.0};
    double count = 0.0;
    count_hours(&spec, 13, 1, &count);
    /* 3600 x 600 x (1 + sin(pi/24) / (pi/24)) */
    double x = acos(-1.0) / 24.0;
    assert_close(count, 3600.0 * 600.0 * (1.0 + sin(x) / x), 0.0012); /* standard error 0.0005 */
}

static void test_cosine_extremes(void **state)
{
    (void)state;
    mdl_arrival_spec spec = {.kind = MDL_ARRIVAL_DIURNAL,
                             .peak_per_s = 40.0,
                             .trough_per_s = 2.0,
                             .peak_hour = 14.0,
                             .weekend_factor = 0.85};
    mdl_arrivals *a = mdl_arrivals_new(&spec);
    assert_close(mdl_arrivals_rate(a, 14 * HOUR), 40.0, 1e-12);
    assert_close(mdl_arrivals_rate(a, 2 * HOUR), 2.0, 1e-12);
    assert_close(mdl_arrivals_rate(a, 8 * HOUR), 21.0, 1e-12);             /* half way */
    assert_close(mdl_arrivals_rate(a, (5 * 24 + 14) * HOUR), 34.0, 1e-12); /* Saturday */
    assert_close(mdl_arrivals_rate(a, (7 * 24 + 14) * HOUR), 40.0, 1e-12); /* next Monday */
    mdl_arrivals_free(a);
}

/* A working day that climbs 1, 2 .. 12 and falls back, a lower Saturday, a Sunday below everything. */
static void fill_tent(double *shape)
{
    for (int h = 0; h < WEEK_H; h++) {
        int hour = h % 24;
        double tent = hour < 12 ? 1.0 + hour : 24.0 - hour;
        shape[h] = h / 24 == 5 ? tent / 2.0 : h / 24 == 6 ? 0.25 : tent;
    }
}

/* tent 1..12 -> 2..24 requests/s is x2; below 1 in proportion, again x2: so every value is simply doubled. */
static double tent_by_hand(const double *shape, double hour_of_week)
{
    int h = (int)hour_of_week;
    double x = hour_of_week - h;
    return 2.0 * (shape[h % WEEK_H] * (1.0 - x) + shape[(h + 1) % WEEK_H] * x);
}

static void test_shape_counts(void **state)
{
    (void)state;
    double shape[WEEK_H], count[WEEK_H], expected[WEEK_H];
    fill_tent(shape);
    mdl_arrival_spec spec = {.kind = MDL_ARRIVAL_DIURNAL,
                             .peak_per_s = 24.0 / 20.0,
                             .trough_per_s = 2.0 / 20.0,
                             .weekend_factor = 1.0,
                             .shape = shape};
    for (int h = 0; h < WEEK_H; h++) { /* straight lines: the mean of both ends is exact */
        expected[h] = 3600.0 / 20.0 * (tent_by_hand(shape, h) + tent_by_hand(shape, h + 1)) / 2.0;
    }
    count_hours(&spec, 21, WEEK_H, count);
    check_chi_square(count, expected, WEEK_H);
    mdl_arrivals *a = mdl_arrivals_new(&spec);
    assert_close(mdl_arrivals_rate(a, 12 * HOUR), 1.2, 1e-12);
    assert_close(mdl_arrivals_rate(a, 24 * HOUR), 0.1, 1e-12);
    assert_close(mdl_arrivals_rate(a, 2 * HOUR + HOUR / 4), tent_by_hand(shape, 2.25) / 20.0, 1e-12);
    mdl_arrivals_free(a);
    spec.weekend_factor = 0.5;
    a = mdl_arrivals_new(&spec);
    assert_close(mdl_arrivals_rate(a, (5 * 24 + 12) * HOUR), 0.3, 1e-12); /* Saturday noon: 12/2 x2 /20 x0.5 */
    mdl_arrivals_free(a);
    for (int h = 0; h < WEEK_H; h++) {
        shape[h] = 3.0;
    }
    a = mdl_arrivals_new(&spec);
    assert_close(mdl_arrivals_rate(a, HOUR), 1.2, 1e-12); /* flat */
    mdl_arrivals_free(a);
}

static void test_nothing_comes(void **state)
{
    (void)state;
    double zeros[WEEK_H] = {0.0};
    int64_t at[2] = {0, 5};
    int32_t tokens[2] = {1, 1};
    mdl_trace empty = {.count = 0, .at_ns = at, .input_tokens = tokens, .output_tokens = tokens};
    mdl_trace two = {.count = 2, .at_ns = at, .input_tokens = tokens, .output_tokens = tokens};
    mdl_arrival_spec specs[] = {
        {.kind = MDL_ARRIVAL_POISSON},
        {.kind = MDL_ARRIVAL_POISSON, .rate_per_s = 1e-30},
        {.kind = MDL_ARRIVAL_DIURNAL, .weekend_factor = 1.0},
        {.kind = MDL_ARRIVAL_DIURNAL, .peak_per_s = 1.0, .weekend_factor = 1.0, .shape = zeros},
        {.kind = MDL_ARRIVAL_TRACE, .trace = &empty, .trace_scale = 1.0},
        {.kind = MDL_ARRIVAL_TRACE, .trace = &two, .trace_scale = 0.0},
        {.kind = MDL_ARRIVAL_TRACE, .trace = &two, .trace_scale = 1e-300, .trace_loop = 1},
    };
    gsl_rng *r = rng_stream(1, 0, "traffic", 0);
    for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++) {
        mdl_arrivals *a = mdl_arrivals_new(&specs[i]);
        mdl_arrival next;
        assert_true(mdl_arrivals_next(a, r, &next) == INT64_MAX);
        assert_true(mdl_arrivals_next(a, r, &next) == INT64_MAX);
        mdl_arrivals_free(a);
    }
    mdl_arrivals_free(NULL);
    gsl_rng_free(r);
}

/* ---- replay ---- */

static const int64_t trace_at[4] = {0, 10 * SECOND, 10 * SECOND, 40 * SECOND};
static const int32_t trace_tokens[4] = {1, 2, 3, 4};
static const int32_t trace_answers[4] = {4, 3, 2, 0};
static const mdl_trace trace_four = {
    .count = 4, .at_ns = trace_at, .input_tokens = trace_tokens, .output_tokens = trace_answers};

static void expect(mdl_arrivals *a, gsl_rng *r, int64_t at, size_t row)
{
    mdl_arrival got;
    assert_true(mdl_arrivals_next(a, r, &got) == at);
    assert_true(got.at_ns == at && got.row == row);
    if (row != SIZE_MAX) { /* no request without a token */
        assert_true(got.input == (int32_t)row + 1 && got.output == (row == 3 ? 1 : 4 - (int32_t)row));
    }
}

static void test_replay(void **state)
{
    (void)state;
    mdl_arrival_spec spec = {.kind = MDL_ARRIVAL_TRACE, .trace = &trace_four, .trace_scale = 1.0, .trace_shift_ns = 7};
    gsl_rng *r = rng_stream(1, 0, "traffic", 0);
    mdl_arrivals *a = mdl_arrivals_new(&spec);
    for (size_t i = 0; i < 4; i++) {
        expect(a, r, trace_at[i] + 7, i);
    }
    expect(a, r, INT64_MAX, SIZE_MAX);
    /* 3 of 4 requests lie in [0 s - 30 s, 0 s + 30 s) moved by 7 ns */
    assert_close(mdl_arrivals_rate(a, 0), 3.0 / 60.0, 1e-12);
    assert_close(mdl_arrivals_rate(a, 35 * SECOND), 3.0 / 60.0, 1e-12);
    assert_close(mdl_arrivals_rate(a, 1000 * SECOND), 0.0, 0.0);
    mdl_arrivals_free(a);

    spec.trace_scale = 2.0;
    a = mdl_arrivals_new(&spec);
    for (size_t i = 0; i < 8; i++) {
        expect(a, r, trace_at[i / 2] + 7, i / 2);
    }
    expect(a, r, INT64_MAX, SIZE_MAX);
    assert_close(mdl_arrivals_rate(a, 0), 6.0 / 60.0, 1e-12);
    mdl_arrivals_free(a);
    gsl_rng_free(r);
}

static void test_replay_loop(void **state)
{
    (void)state;
    /* Span 40 s over 3 gaps: the period is 40 s + 13.333333333 s. */
    const int64_t period = 53333333333;
    mdl_arrival_spec spec = {.kind = MDL_ARRIVAL_TRACE, .trace = &trace_four, .trace_scale = 1.0, .trace_loop = 1};
    gsl_rng *r = rng_stream(1, 0, "traffic", 0);
    mdl_arrivals *a = mdl_arrivals_new(&spec);
    for (size_t i = 0; i < 4000; i++) {
        expect(a, r, (int64_t)(i / 4) * period + trace_at[i % 4], i % 4);
    }
    assert_close(mdl_arrivals_rate(a, 10 * period + 30 * SECOND), 5.0 / 60.0, 1e-12); /* all four and the next first */
    mdl_arrivals_free(a);

    /* 60 s into the past: the second round begins at -6.67 s, its rows at 10 s come first. */
    spec.trace_shift_ns = -60 * SECOND;
    a = mdl_arrivals_new(&spec);
    expect(a, r, -60 * SECOND + period + 10 * SECOND, 1);
    expect(a, r, -60 * SECOND + period + 10 * SECOND, 2);
    mdl_arrivals_free(a);
    spec.trace_loop = 0;
    spec.trace_shift_ns = -20 * SECOND;
    a = mdl_arrivals_new(&spec);
    expect(a, r, 20 * SECOND, 3);
    expect(a, r, INT64_MAX, SIZE_MAX);
    mdl_arrivals_free(a);

    /* No gap to repeat with: played once. */
    mdl_trace one = {
        .count = 3, .at_ns = (const int64_t[3]){0, 0, 0}, .input_tokens = trace_tokens, .output_tokens = trace_answers};
    spec = (mdl_arrival_spec){.kind = MDL_ARRIVAL_TRACE, .trace = &one, .trace_scale = 1.0, .trace_loop = 1};
    a = mdl_arrivals_new(&spec);
    expect(a, r, 0, 0);
    expect(a, r, 0, 1);
    expect(a, r, 0, 2);
    expect(a, r, INT64_MAX, SIZE_MAX);
    mdl_arrivals_free(a);
    gsl_rng_free(r);
}

/* What a trace says of a row beyond its lengths. */
static void test_replay_describes(void **state)
{
    (void)state;
    static const int64_t session[4] = {7, -1, 7, 0};
    static const int32_t prefix[4] = {0, 2, 3, 1}, priority[4] = {0, -1, 5, 0};
    mdl_trace t = trace_four;
    t.session = session;
    t.prefix_tokens = prefix;
    t.priority = priority;
    mdl_arrival_spec spec = {.kind = MDL_ARRIVAL_TRACE, .trace = &t, .trace_scale = 1.0, .trace_key = 100};
    mdl_arrivals *a = mdl_arrivals_new(&spec);
    gsl_rng *r = rng_stream(1, 0, "replay", 0);
    mdl_arrival got[4];
    for (int i = 0; i < 4; i++) {
        mdl_arrivals_next(a, r, &got[i]);
        assert_int_equal(got[i].priority, priority[i]);
        assert_true(got[i].session == session[i]);
    }
    assert_true(got[0].prefix_key == 108 && got[2].prefix_key == 108); /* one conversation */
    assert_true(got[1].prefix_key == 0 && got[3].prefix_key == 101);
    /* of a session: in its blocks; of none: what any earlier request left */
    assert_true(got[2].prefix_tokens == 3 && got[2].shared_tokens == 0);
    assert_true(got[1].prefix_tokens == 0 && got[1].shared_tokens == 2);
    gsl_rng_free(r);
    mdl_arrivals_free(a);
}

/* Fractional scales: how often each row comes, and that gaps between chosen rows are those of independent choices. */
static void check_scale(double scale, uint64_t seed)
{
    enum { N = 50000 };
    int64_t *at = calloc(N, sizeof *at);
    int32_t *tokens = calloc(N, sizeof *tokens);
    int *copies = calloc(N, sizeof *copies);
    assert_true(at != NULL && tokens != NULL && copies != NULL);
    for (int i = 0; i < N; i++) {
        at[i] = i * SECOND;
    }
    mdl_trace t = {.count = N, .at_ns = at, .input_tokens = tokens, .output_tokens = tokens};
    mdl_arrival_spec spec = {.kind = MDL_ARRIVAL_TRACE, .trace = &t, .trace_scale = scale};
    gsl_rng *r = rng_stream(seed, 0, "traffic", 0);
    mdl_arrivals *a = mdl_arrivals_new(&spec);
    mdl_arrival next;
    int64_t when = mdl_arrivals_next(a, r, &next);
    for (; when != INT64_MAX; when = mdl_arrivals_next(a, r, &next)) {
        assert_true(when == at[next.row]);
        copies[next.row]++;
    }
    double whole = floor(scale);
    double p = scale - whole;
    double extra = 0.0;
    double pairs = 0.0;
    for (int i = 0; i < N; i++) {
        assert_true(copies[i] == (int)whole || copies[i] == (int)whole + 1);
        extra += copies[i] > (int)whole;
        pairs += i > 0 && copies[i] > (int)whole && copies[i - 1] > (int)whole;
    }
    assert_within(extra, N * p, 4.0 * sqrt(N * p * (1.0 - p)));
    assert_within(pairs, N * p * p, 6.0 * sqrt(N * p * p)); /* every other row would give none */
    mdl_arrivals_free(a);
    gsl_rng_free(r);
    free(at);
    free(tokens);
    free(copies);
}

static void test_replay_fractions(void **state)
{
    (void)state;
    check_scale(0.5, 1);
    check_scale(0.03, 2);
    check_scale(2.25, 3);
}

/* A loop that fades: rows that get no copy are passed over, the counts are those of row by row, and it ends. */
static void test_replay_fades(void **state)
{
    (void)state;
    static int64_t at[1000];
    static int32_t tokens[1000];
    for (int i = 0; i < 1000; i++) {
        at[i] = i * SECOND;
        tokens[i] = 1;
    }
    const mdl_trace t = {.count = 1000, .at_ns = at, .input_tokens = tokens, .output_tokens = tokens};
    const mdl_season later = {.begin_ns = 3 * HOUR, .end_ns = 4 * HOUR, .factor = 4.0};
    mdl_arrival_spec spec = {.kind = MDL_ARRIVAL_TRACE,
                             .trace = &t,
                             .trace_scale = 2e-3,
                             .trace_loop = 1,
                             .growth = {.factor = 0.5, .over_ns = HOUR},
                             .seasons = &later,
                             .season_count = 1};
    double count[8] = {0.0}, expected[8];
    gsl_rng *r = rng_stream(12, 0, "traffic", 7);
    mdl_arrival next;
    for (int i = 0; i < 2000; i++) {
        mdl_arrivals *a = mdl_arrivals_new(&spec);
        while (mdl_arrivals_next(a, r, &next) < INT64_MAX) {
            count[next.at_ns / HOUR < 7 ? next.at_ns / HOUR : 7] += 1.0;
        }
        mdl_arrivals_free(a);
    }
    for (int h = 0; h < 8; h++) { /* the last: all that is left */
        const double rows = 3600.0 / log(2.0) * pow(0.5, h) * (h < 7 ? 0.5 : 1.0);
        expected[h] = 2000.0 * 2e-3 * rows * (h == 3 ? 4.0 : 1.0);
    }
    check_chi_square(count, expected, 8);

    spec.growth.factor = 0.9999; /* half of it is left after 289 days */
    spec.growth.over_ns = HOUR;
    mdl_arrivals *a = mdl_arrivals_new(&spec);
    int64_t last_ns = 0;
    while (mdl_arrivals_next(a, r, &next) < INT64_MAX) {
        last_ns = next.at_ns;
    }
    assert_true(last_ns > 4 * HOUR);
    mdl_arrivals_free(a);
    gsl_rng_free(r);
}

/* ---- lengths and service times ---- */

static int compare_int(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a;
    int32_t y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

static void test_lengths(void **state)
{
    (void)state;
    gsl_rng *r = rng_stream(9, 0, "length", 0);
    int32_t *x = calloc(THOUSANDS, sizeof *x);
    assert_non_null(x);
    mdl_length_law law = {.kind = MDL_LENGTH_LOGNORMAL, .median = 1000.0, .sigma = 0.8, .min = 1, .max = 1000000};
    double sum = 0.0;
    double square = 0.0;
    for (int i = 0; i < THOUSANDS; i++) {
        x[i] = mdl_length_draw(&law, r);
        sum += x[i];
        square += (double)x[i] * x[i];
    }
    double mean = sum / THOUSANDS;
    assert_close(mean, 1000.0 * exp(0.32), 0.01);
    assert_close(square / THOUSANDS / (mean * mean), exp(0.64), 0.05); /* 1 + CV^2 */
    qsort(x, THOUSANDS, sizeof *x, compare_int);
    assert_close(x[THOUSANDS / 2], 1000.0, 0.01);
    assert_close(x[THOUSANDS / 10 * 9], 1000.0 * exp(0.8 * 1.2815515655446), 0.015);
    law.min = 900;
    law.max = 1100;
    int ends[2] = {0, 0};
    for (int i = 0; i < 10000; i++) {
        int32_t n = mdl_length_draw(&law, r);
        assert_true(n >= 900 && n <= 1100);
        ends[0] += n == 900;
        ends[1] += n == 1100;
    }
    assert_within(ends[0], 10000 * gsl_cdf_ugaussian_P(log(0.9005) / 0.8), 200.0);
    assert_within(ends[1], 10000 * gsl_cdf_ugaussian_Q(log(1.0995) / 0.8), 200.0);
    law.median = 1e300; /* nothing overflows */
    assert_true(mdl_length_draw(&law, r) == 1100);

    int32_t values[3] = {5, 70, 70000};
    law = (mdl_length_law){.kind = MDL_LENGTH_EMPIRICAL, .values = values, .value_count = 3, .min = 10, .max = 1000};
    int seen[3] = {0, 0, 0};
    for (int i = 0; i < 30000; i++) {
        int32_t n = mdl_length_draw(&law, r);
        assert_true(n == 10 || n == 70 || n == 1000);
        seen[n == 10 ? 0 : n == 70 ? 1 : 2]++;
    }
    for (int i = 0; i < 3; i++) {
        assert_within(seen[i], 10000.0, 330.0);
    }
    law = (mdl_length_law){.kind = MDL_LENGTH_FIXED, .fixed = 128, .min = 1, .max = 100};
    assert_true(mdl_length_draw(&law, r) == 100);
    free(x);
    gsl_rng_free(r);
}

/* First three moments of each service law against closed forms. */
static void check_service(mdl_service_law law, double cv2, double third, double tolerance)
{
    gsl_rng *r = rng_stream(17, 0, "service", (uint64_t)law.kind);
    double m1 = 0.0, m2 = 0.0, m3 = 0.0;
    for (int i = 0; i < THOUSANDS; i++) {
        int64_t ns = mdl_service_draw(&law, r);
        assert_true(ns >= 0);
        double x = (double)ns / 1e9 / law.mean_s;
        m1 += x / THOUSANDS;
        m2 += x * x / THOUSANDS;
        m3 += x * x * x / THOUSANDS;
    }
    assert_close(m1, 1.0, tolerance);
    assert_close(m2, 1.0 + cv2, 3.0 * tolerance);
    if (third > 0.0) {
        assert_close(m3, third, 10.0 * tolerance);
    }
    gsl_rng_free(r);
}

static void test_services(void **state)
{
    (void)state;
    check_service((mdl_service_law){.kind = MDL_SERVICE_FIXED, .mean_s = 0.25}, 0.0, 1.0, 1e-9);
    static const double measured[] = {1.0, 2.0, 3.0, 6.0};
    check_service(
        (mdl_service_law){.kind = MDL_SERVICE_MEASURED, .mean_s = 3.0, .values_s = measured, .value_count = 4},
        14.0 / 36.0, 63.0 / 27.0, 0.01);
    check_service((mdl_service_law){.kind = MDL_SERVICE_EXPONENTIAL, .mean_s = 0.25}, 1.0, 6.0, 0.01);
    check_service((mdl_service_law){.kind = MDL_SERVICE_LOGNORMAL, .mean_s = 2.0, .cv2 = 0.25}, 0.25,
                  1.25 * 1.25 * 1.25, 0.01); /* E x^3 = (1 + cv2)^3 */
    /* Erlang-k: E x^3 = (k + 1)(k + 2) / k^2 */
    check_service((mdl_service_law){.kind = MDL_SERVICE_ERLANG, .mean_s = 3.0, .stages = 4}, 0.25, 30.0 / 16.0, 0.01);
    check_service((mdl_service_law){.kind = MDL_SERVICE_ERLANG, .mean_s = 3.0, .stages = 40}, 0.025,
                  41.0 * 42.0 / 1600.0, 0.01);
    /* Balanced means, cv2 4: p = (1 + sqrt(3/5)) / 2; E x^3 = 6 (p / (2p)^3 + q / (2q)^3) = 3/4 (1/p^2 + 1/q^2) */
    double p = 0.5 * (1.0 + sqrt(0.6));
    double q = 1.0 - p;
    check_service((mdl_service_law){.kind = MDL_SERVICE_HYPEREXP, .mean_s = 0.1, .cv2 = 4.0}, 4.0,
                  0.75 * (1.0 / (p * p) + 1.0 / (q * q)), 0.01);
}

/* Shares by hand from tables of the normal law and by counting. */
static void test_length_bounds(void **state)
{
    (void)state;
    int32_t least, most;
    mdl_length_law law = {.kind = MDL_LENGTH_FIXED, .fixed = 128, .min = 1, .max = 100};
    mdl_length_bounds(&law, &least, &most);
    assert_true(least == 100 && most == 100);
    assert_close(mdl_length_clipping(&law).lowered, 1.0, 0.0);
    law.max = 128;
    assert_close(mdl_length_clipping(&law).lowered, 0.0, 0.0);

    /* 1000 x exp(1.96 x 0.5) = 2664.5: one draw in 40 lies above, one in 40 below 375.3 */
    law = (mdl_length_law){.kind = MDL_LENGTH_LOGNORMAL, .median = 1000.0, .sigma = 0.5, .min = 375, .max = 2664};
    mdl_length_bounds(&law, &least, &most);
    assert_true(least == 375 && most == 2664);
    assert_true(mdl_length_clipping(&law).lowered > 0.0249 && mdl_length_clipping(&law).lowered < 0.0251);
    assert_true(mdl_length_clipping(&law).raised > 0.0245 && mdl_length_clipping(&law).raised < 0.0251);
    law.sigma = 0.0;
    mdl_length_bounds(&law, &least, &most);
    assert_true(least == 1000 && most == 1000);
    assert_close(mdl_length_clipping(&law).lowered, 0.0, 0.0);
    law.max = 400;
    mdl_length_bounds(&law, &least, &most);
    assert_true(least == 400 && most == 400);
    assert_close(mdl_length_clipping(&law).lowered, 1.0, 0.0);

    const int32_t values[4] = {50, 5, 20000, 7};
    law = (mdl_length_law){.kind = MDL_LENGTH_EMPIRICAL, .values = values, .value_count = 4, .min = 6, .max = 1000};
    mdl_length_bounds(&law, &least, &most);
    assert_true(least == 6 && most == 1000);
    assert_close(mdl_length_clipping(&law).raised, 0.25, 0.0);
    assert_close(mdl_length_clipping(&law).lowered, 0.25, 0.0);
    law.max = 100000;
    mdl_length_bounds(&law, &least, &most);
    assert_true(least == 6 && most == 20000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_poisson_counts), cmocka_unit_test(test_poisson_keeps_fractions),
        cmocka_unit_test(test_cosine_counts),  cmocka_unit_test(test_cosine_extremes),
        cmocka_unit_test(test_cosine_rare),    cmocka_unit_test(test_cosine_peak_within_hour),
        cmocka_unit_test(test_shape_counts),   cmocka_unit_test(test_nothing_comes),
        cmocka_unit_test(test_replay),         cmocka_unit_test(test_replay_describes),
        cmocka_unit_test(test_replay_loop),    cmocka_unit_test(test_replay_fractions),
        cmocka_unit_test(test_lengths),        cmocka_unit_test(test_services),
        cmocka_unit_test(test_length_bounds),  cmocka_unit_test(test_replay_fades),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
