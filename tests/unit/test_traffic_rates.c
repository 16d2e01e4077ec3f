/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * test_traffic_rates.c - growth, holidays, flash crowds, tables of hours and burstiness against their closed forms.
 *
 * Rates and their integrals are written out again here from their definitions; counts are compared by chi-square or by
 * their standard deviation, gaps by Kolmogorov-Smirnov on the clock of the integrated rate. Seeds are fixed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sf_gamma.h>
#include <stdlib.h>

#include "models/traffic/traffic.h"
#include "sim/kernel/rng.h"
#include "tests/support/close.h"
#include "tests/support/fit.h"

#define HOUR   INT64_C(3600000000000)
#define SECOND INT64_C(1000000000)

/* Seconds of all arrivals before end_ns; caller frees. */
static double *seconds_of(const mdl_arrival_spec *spec, uint64_t seed, int64_t end_ns, int *count)
{
    mdl_arrivals *a = mdl_arrivals_new(spec);
    gsl_rng *r = rng_stream(seed, 0, "traffic", 11);
    double *at = NULL;
    int cap = 0;
    int64_t before = 0;
    assert_true(a != NULL && r != NULL);
    for (*count = 0;; (*count)++) {
        mdl_arrival next;
        const int64_t ns = mdl_arrivals_next(a, r, &next);
        assert_true(ns >= before);
        before = ns;
        if (ns >= end_ns) {
            break;
        }
        if (*count == cap) {
            cap = cap > 0 ? 2 * cap : 4096;
            at = realloc(at, (size_t)cap * sizeof *at);
            assert_non_null(at);
        }
        at[*count] = (double)ns / 1e9;
    }
    gsl_rng_free(r);
    mdl_arrivals_free(a);
    return at;
}

static int between(const double *at, int count, double from_s, double to_s)
{
    int n = 0;
    for (int i = 0; i < count; i++) {
        n += at[i] >= from_s && at[i] < to_s;
    }
    return n;
}

/* A Poisson count within four standard deviations of its mean. */
#define assert_poisson(n, mean) assert_within((double)(n), (mean), 4.0 * sqrt(mean))

static double rate_at(const mdl_arrival_spec *spec, double at_s)
{
    mdl_arrivals *a = mdl_arrivals_new(spec);
    assert_non_null(a);
    const double rate = mdl_arrivals_rate(a, (int64_t)(at_s * 1e9));
    mdl_arrivals_free(a);
    return rate;
}

static void test_growth(void **state)
{
    (void)state;
    mdl_arrival_spec spec = {.kind = MDL_ARRIVAL_POISSON, .rate_per_s = 2, .growth = {2.0, 24 * HOUR, false}};
    int n;
    double *at = seconds_of(&spec, 1, 48 * HOUR, &n);
    const double day = 86400 / log(2.0); /* integral of 2^(t/day) is day / ln 2 (2^b - 2^a) */
    assert_poisson(between(at, n, 0, 86400), 2 * day * (2 - 1));
    assert_poisson(between(at, n, 86400, 2 * 86400), 2 * day * (4 - 2));
    assert_poisson(between(at, n, 3600 * 36, 3600 * 42), 2 * day * (pow(2, 1.75) - pow(2, 1.5)));
    assert_close(rate_at(&spec, 43200), 2 * sqrt(2.0), 1e-12);
    free(at);

    /* linear, downwards: 1 - t / (2 days) reaches zero after two days, and nothing comes any more */
    spec.growth = (mdl_growth){0.5, 24 * HOUR, true};
    at = seconds_of(&spec, 2, 1000 * HOUR, &n);
    assert_poisson(between(at, n, 0, 86400), 2 * 86400 * 0.75);
    assert_poisson(between(at, n, 86400, 172800), 2 * 86400 * 0.25);
    assert_int_equal(between(at, n, 172801, 1e9), 0);
    free(at);
}

static void test_holidays(void **state)
{
    (void)state;
    /* a holiday that began before time 0, and two that overlap: 0.5, then 3, then 3 x 0 */
    const mdl_season days[] = {
        {-5 * HOUR, 7 * HOUR, 0.5}, {10 * HOUR, 20 * HOUR, 3.0}, {15 * HOUR + HOUR / 2, 40 * HOUR, 0.0}};
    const mdl_arrival_spec spec = {.kind = MDL_ARRIVAL_POISSON, .rate_per_s = 1, .seasons = days, .season_count = 3};
    int n;
    double *at = seconds_of(&spec, 3, 60 * HOUR, &n);
    assert_poisson(between(at, n, 0, 7 * 3600.0), 0.5 * 7 * 3600);
    assert_poisson(between(at, n, 7 * 3600.0, 10 * 3600.0), 3 * 3600.0);
    assert_poisson(between(at, n, 10 * 3600.0, 15.5 * 3600.0), 3 * 5.5 * 3600);
    assert_int_equal(between(at, n, 15.5 * 3600.0, 40 * 3600.0), 0);
    assert_poisson(between(at, n, 40 * 3600.0, 60 * 3600.0), 20 * 3600.0);
    assert_close(rate_at(&spec, 3600), 0.5, 1e-12);
    free(at);
}

static void test_crowds(void **state)
{
    (void)state;
    const mdl_crowd ramp = {.at_ns = HOUR, .rise_ns = HOUR, .hold_ns = 2 * HOUR, .decay_ns = HOUR, .factor = 5.0};
    mdl_arrival_spec spec = {.kind = MDL_ARRIVAL_POISSON, .rate_per_s = 1, .crowds = &ramp, .crowd_count = 1};
    int n;
    double *at = seconds_of(&spec, 4, 10 * HOUR, &n);
    assert_poisson(between(at, n, 0, 3600), 3600.0);
    assert_poisson(between(at, n, 3600, 7200), 3 * 3600.0);   /* from 1 to 5 in a straight line: 3 */
    assert_poisson(between(at, n, 3600, 5400), 2 * 1800.0);   /* its first half: from 1 to 3 */
    assert_poisson(between(at, n, 7200, 14400), 5 * 7200.0);  /* held */
    assert_poisson(between(at, n, 14400, 18000), 3 * 3600.0); /* and down again */
    assert_poisson(between(at, n, 18000, 36000), 18000.0);    /* gone */
    assert_close(rate_at(&spec, 5400), 3, 1e-9);
    free(at);

    /* at once, and away with a time constant of half an hour: excess 9 x 1800 s in all */
    const mdl_crowd spike = {.at_ns = HOUR, .decay_ns = HOUR / 2, .factor = 10.0, .spike = true};
    spec.crowds = &spike;
    at = seconds_of(&spec, 5, 20 * HOUR, &n);
    assert_poisson(between(at, n, 3600, 3600 + 1800), 1800 + 9 * 1800 * (1 - exp(-1)));
    assert_poisson(between(at, n, 3600, 72000), 72000 - 3600 + 9 * 1800.0);
    assert_close(rate_at(&spec, 3600 + 3600), 1 + 9 * exp(-2), 1e-9);
    free(at);

    /* two at once multiply: 2 x 3 between hours 2 and 3 */
    const mdl_crowd two[] = {{.at_ns = HOUR, .hold_ns = 2 * HOUR, .factor = 2.0},
                             {.at_ns = 2 * HOUR, .hold_ns = 2 * HOUR, .factor = 3.0}};
    spec.crowds = two;
    spec.crowd_count = 2;
    at = seconds_of(&spec, 6, 5 * HOUR, &n);
    assert_poisson(between(at, n, 2 * 3600, 3 * 3600), 6 * 3600.0);
    assert_poisson(between(at, n, 3 * 3600, 4 * 3600), 3 * 3600.0);
    free(at);
}

/* On top of a day's cosine, whose extremes lie inside of pieces: hour by hour against Simpson's rule. */
static void test_crowd_on_a_day(void **state)
{
    (void)state;
    const mdl_crowd crowd = {
        .at_ns = 11 * HOUR + HOUR / 3, .rise_ns = HOUR / 2, .hold_ns = HOUR, .decay_ns = 4 * HOUR, .factor = 4.0};
    const mdl_arrival_spec spec = {.kind = MDL_ARRIVAL_DIURNAL,
                                   .peak_per_s = 6,
                                   .trough_per_s = 1,
                                   .peak_hour = 14,
                                   .weekend_factor = 1,
                                   .growth = {1.5, 24 * HOUR, false},
                                   .crowds = &crowd,
                                   .crowd_count = 1};
    int n;
    double *at = seconds_of(&spec, 7, 24 * HOUR, &n), chi_square = 0;
    for (int h = 0; h < 24; h++) {
        double expected = 0;
        for (int k = 0; k < 3600; k += 10) {
            for (int p = 0; p < 3; p++) {
                const double t = h + (k + 5.0 * p) / 3600, x = t - 11 - 1.0 / 3;
                const double e = x < 0 ? 0 : x < 0.5 ? x / 0.5 : x < 1.5 ? 1 : x < 5.5 ? 1 - (x - 1.5) / 4 : 0;
                const double rate =
                    (1 + 5 * (1 + cos(acos(-1.0) * (t - 14) / 12)) / 2) * pow(1.5, t / 24) * (1 + 3 * e);
                expected += rate * (p == 1 ? 4 : 1) * 10 / 6;
            }
        }
        const double seen = between(at, n, h * 3600.0, (h + 1) * 3600.0);
        chi_square += (seen - expected) * (seen - expected) / expected;
    }
    assert_true(gsl_cdf_chisq_Q(chi_square, 24) > 0.005);
    free(at);
}

static void test_hours(void **state)
{
    (void)state;
    double hours[MDL_SHAPE_HOURS];
    for (int h = 0; h < MDL_SHAPE_HOURS; h++) {
        hours[h] = h % 24 == 3 ? 0.0 : 0.2 + 0.01 * h;
    }
    const mdl_arrival_spec spec = {.kind = MDL_ARRIVAL_DIURNAL,
                                   .hours = hours,
                                   .weekend_factor = 1,
                                   .local_offset_ns = 30 * HOUR + HOUR / 4}; /* begins on Tuesday, 06:15 */
    int n;
    double *at = seconds_of(&spec, 8, 168 * HOUR, &n), chi_square = 0;
    assert_poisson(between(at, n, 0, 2700), hours[30] * 2700); /* three quarters of that hour */
    for (int h = 0; h < 167; h++) {
        const double from = 2700 + 3600.0 * h, rate = hours[(31 + h) % 168];
        const double seen = between(at, n, from, from + 3600), expected = rate * 3600;
        chi_square += rate > 0 ? (seen - expected) * (seen - expected) / expected : 0;
        assert_true(rate > 0 || seen < 0.5);
    }
    assert_true(gsl_cdf_chisq_Q(chi_square, 160) > 0.005);
    free(at);
}

/* Steps that need not begin with an hour, one of them of nothing, and a crowd over two of them. */
static void test_steps(void **state)
{
    (void)state;
    const int64_t at_ns[] = {300 * SECOND, 4000 * SECOND, 5000 * SECOND, 9000 * SECOND, 20000 * SECOND};
    const double per_s[] = {2, 0, 8, 0.5, 0};
    const mdl_rates rates = {5, at_ns, per_s};
    const mdl_crowd crowd = {.at_ns = 8000 * SECOND, .hold_ns = 2000 * SECOND, .factor = 3};
    mdl_arrival_spec spec = {.kind = MDL_ARRIVAL_RATES, .rates = &rates, .crowds = &crowd, .crowd_count = 1};
    int n;
    double *at = seconds_of(&spec, 12, INT64_MAX, &n); /* comes to an end by itself */
    assert_int_equal(between(at, n, 0, 300), 0);
    assert_poisson(between(at, n, 300, 4000), 2.0 * 3700);
    assert_int_equal(between(at, n, 4000, 5000), 0);
    assert_poisson(between(at, n, 5000, 8000), 8.0 * 3000);
    assert_poisson(between(at, n, 8000, 9000), 24.0 * 1000);
    assert_poisson(between(at, n, 9000, 10000), 1.5 * 1000);
    assert_poisson(between(at, n, 10000, 20000), 0.5 * 10000);
    assert_int_equal(between(at, n, 20000, 1e12), 0);
    free(at);
    assert_close(rate_at(&spec, 299), 0, 1e-12);
    assert_close(rate_at(&spec, 8500), 24, 1e-12);
    assert_close(rate_at(&spec, 9000), 1.5, 1e-12);
    assert_close(rate_at(&spec, 1e6), 0, 1e-12);

    /* gamma gaps on its clock keep the counts: standard deviation cv sqrt(n) */
    spec.burst = (mdl_burstiness){.renewal = MDL_RENEWAL_GAMMA, .cv = 2};
    at = seconds_of(&spec, 13, INT64_MAX, &n);
    assert_within(between(at, n, 5000, 8000), 24000, 4 * 2 * sqrt(24000.0));
    assert_int_equal(between(at, n, 4000, 5000), 0);
    free(at);

    /* the last step holds for ever; steps of nothing alone are nothing */
    const mdl_rates two = {2, at_ns, per_s + 2};
    spec = (mdl_arrival_spec){.kind = MDL_ARRIVAL_RATES, .rates = &two};
    at = seconds_of(&spec, 14, 100000 * SECOND, &n);
    assert_poisson(between(at, n, 4000, 100000), 0.5 * 96000);
    free(at);
    const mdl_rates none = {1, at_ns, per_s + 1};
    spec.rates = &none;
    at = seconds_of(&spec, 15, INT64_MAX, &n);
    assert_int_equal(n, 0);
    free(at);
}

typedef struct law {
    mdl_renewal kind;
    double shape, scale;
} law;

static double gap_cdf(double t, const void *what)
{
    const law *l = what;
    return l->kind == MDL_RENEWAL_GAMMA ? gsl_cdf_gamma_P(t, l->shape, l->scale)
                                        : gsl_cdf_weibull_P(t, l->scale, l->shape);
}

/* -t has the law's upper part: gaps below what a nanosecond can tell apart, an atom at zero, are then out of sight. */
static double mirrored_cdf(double t, const void *what)
{
    return 1 - gap_cdf(-t, what);
}

/* Gaps on the clock of the integrated rate: the law itself, whatever the rate does. */
static void check_renewal(const mdl_arrival_spec *spec, const law *l, double (*clock_of)(double), int64_t end_ns)
{
    int n;
    double *at = seconds_of(spec, 9, end_ns, &n), sum = 0, square = 0;
    const double cv = spec->burst.cv, total = clock_of((double)end_ns / 1e9);
    assert_true(n > 20000);
    /* variance of the count of a renewal process in the long run: cv^2 n (Cox 1962) */
    assert_within(n, total, 4 * cv * sqrt(total));
    for (int i = n - 1; i > 0; i--) {
        at[i] = clock_of(at[i]) - clock_of(at[i - 1]);
        sum += at[i];
        square += at[i] * at[i];
    }
    const double mean = sum / (n - 1);
    assert_within(mean, 1, 4 * cv / sqrt(n));
    assert_close(sqrt(square / (n - 1) - mean * mean) / mean, cv, 0.04);
    for (int i = 1; i < n; i++) {
        at[i] = -at[i];
    }
    assert_true(fit_ks(at + 1, n - 1, mirrored_cdf, l, -1e-6) < 1.63);
    free(at);
}

static double plain_clock(double s)
{
    return 4 * s;
}

/* 24 hours of 1 to 24 requests/s, again and again. */
static double table_clock(double s)
{
    double sum = floor(s / 86400) * 300 * 3600;
    const double into = fmod(s, 86400);
    for (int h = 0; h < 24; h++) {
        sum += fmax(fmin(into - h * 3600.0, 3600), 0) * (h + 1);
    }
    return sum;
}

static double cosine_clock(double s)
{
    const double w = acos(-1.0) / 43200; /* rate 3 + 2 cos(w (s - 14 h)) */
    return 3 * s + 2 / w * (sin(w * (s - 50400)) + sin(w * 50400));
}

static void test_renewal(void **state)
{
    (void)state;
    /* Weibull of shape 1/2: mean 2 s, so s = 1/2, and cv^2 = Gamma(5) / Gamma(3)^2 - 1 = 5 */
    const law gamma = {MDL_RENEWAL_GAMMA, 1 / 6.25, 6.25}, even = {MDL_RENEWAL_GAMMA, 4, 0.25},
              weibull = {MDL_RENEWAL_WEIBULL, 0.5, 0.5};
    double hours[MDL_SHAPE_HOURS];
    for (int h = 0; h < MDL_SHAPE_HOURS; h++) {
        hours[h] = h % 24 + 1;
    }
    mdl_arrival_spec spec = {
        .kind = MDL_ARRIVAL_POISSON, .rate_per_s = 4, .burst = {.renewal = MDL_RENEWAL_GAMMA, .cv = 2.5}};
    check_renewal(&spec, &gamma, plain_clock, 10 * HOUR);
    spec.burst.cv = 0.5;
    check_renewal(&spec, &even, plain_clock, 10 * HOUR);
    spec.burst = (mdl_burstiness){.renewal = MDL_RENEWAL_WEIBULL, .cv = sqrt(5)};
    check_renewal(&spec, &weibull, plain_clock, 10 * HOUR);
    spec = (mdl_arrival_spec){.kind = MDL_ARRIVAL_DIURNAL, .hours = hours, .weekend_factor = 1, .burst = spec.burst};
    check_renewal(&spec, &weibull, table_clock, 24 * HOUR);
    spec = (mdl_arrival_spec){.kind = MDL_ARRIVAL_DIURNAL,
                              .peak_per_s = 5,
                              .trough_per_s = 1,
                              .peak_hour = 14,
                              .weekend_factor = 1,
                              .burst = {.renewal = MDL_RENEWAL_GAMMA, .cv = 2.5}};
    check_renewal(&spec, &gamma, cosine_clock, 48 * HOUR);
}

/* Counts of many processes from time 0 on: the first gap is of the equilibrium law, so no hour sees too many. */
static void test_renewal_begins_in_equilibrium(void **state)
{
    (void)state;
    const mdl_arrival_spec spec = {
        .kind = MDL_ARRIVAL_POISSON, .rate_per_s = 0.5, .burst = {.renewal = MDL_RENEWAL_GAMMA, .cv = 3}};
    enum { SAMPLES = 20000 };
    double sum = 0, square = 0;
    for (uint64_t k = 0; k < SAMPLES; k++) {
        int n;
        free(seconds_of(&spec, 100 + k, 2 * SECOND, &n));
        sum += n;
        square += (double)n * n;
    }
    const double mean = sum / SAMPLES, sd = sqrt(square / SAMPLES - mean * mean);
    assert_within(mean, 1, 4 * sd / sqrt(SAMPLES)); /* E N(t) = rate x t exactly */
}

/* Index of dispersion of counts of a two-state modulated process (Fischer and Meier-Hellstern 1993, equation 20). */
static void test_modulated(void **state)
{
    (void)state;
    const double on = 20, off = 80, factor = 6, mean = 10, window = 50;
    const mdl_arrival_spec spec = {
        .kind = MDL_ARRIVAL_POISSON, .rate_per_s = mean, .burst = {.factor = factor, .on_s = on, .off_s = off}};
    const double low = mean / (1 + 0.2 * (factor - 1)), high = factor * low; /* a fifth of the time in bursts */
    const double leave_on = 1 / on, leave_off = 1 / off, sum = leave_on + leave_off;
    const double size =
        2 * (high - low) * (high - low) * leave_on * leave_off / (sum * sum * (high * leave_off + low * leave_on));
    const double idc = 1 + size - size / (sum * window) * (1 - exp(-sum * window));
    enum { WINDOWS = 20000 };
    int n, i = 0;
    double *at = seconds_of(&spec, 12, WINDOWS * 50 * SECOND, &n), total = 0, square = 0;
    for (int k = 0; k < WINDOWS; k++) {
        int count = 0;
        for (; i < n && at[i] < (k + 1) * window; i++) {
            count++;
        }
        total += count;
        square += (double)count * count;
    }
    const double average = total / WINDOWS;
    assert_close(average / window, mean, 0.02); /* the rate is kept; dispersion idc over 10^6 s: 3 sd are 0.012 */
    assert_close((square / WINDOWS - average * average) / average, idc, 0.06);
    free(at);
}

/* A part that is absent draws nothing: another source's crowd, or growth by 1, moves no arrival. */
static void test_luck_stays(void **state)
{
    (void)state;
    const mdl_season none = {0, 100 * HOUR, 1.0};
    mdl_arrival_spec spec = {.kind = MDL_ARRIVAL_DIURNAL, .peak_per_s = 3, .trough_per_s = 1, .weekend_factor = 1};
    int a, b;
    double *before = seconds_of(&spec, 13, 24 * HOUR, &a);
    spec.seasons = &none;
    spec.season_count = 1;
    double *after = seconds_of(&spec, 13, 24 * HOUR, &b);
    assert_int_equal(a, b);
    for (int i = 0; i < a; i++) {
        assert_within(before[i], after[i], 1e-6);
    }
    free(before);
    free(after);
}

/* Replay where the scale varies: each row has scale x m(t) copies on average, and never another number than that
 * rounded down or up. */
static void test_replay_varies(void **state)
{
    (void)state;
    enum { ROWS = 40000, PARTS = 4 };
    static const struct {
        int from, to;
        double scale;
    } parts[PARTS] = {{0, 10000, 1.5}, {10000, 20000, 0.75}, {20000, 30000, 0.0}, {30000, 40000, 6.0}};
    const mdl_season seasons[] = {{10000 * SECOND, 20000 * SECOND, 0.5}, {20000 * SECOND, 30000 * SECOND, 0.0}};
    const mdl_crowd crowd = {.at_ns = 30000 * SECOND, .hold_ns = 10 * HOUR, .factor = 4.0};
    int64_t *at = calloc(ROWS, sizeof *at);
    int *copies = calloc(ROWS, sizeof *copies);
    assert_true(at != NULL && copies != NULL);
    for (int i = 0; i < ROWS; i++) {
        at[i] = i * SECOND;
    }
    const mdl_trace trace = {.count = ROWS, .at_ns = at};
    mdl_arrival_spec spec = {.kind = MDL_ARRIVAL_TRACE,
                             .trace = &trace,
                             .trace_scale = 1.5,
                             .seasons = seasons,
                             .season_count = 2,
                             .crowds = &crowd,
                             .crowd_count = 1};
    mdl_arrivals *a = mdl_arrivals_new(&spec);
    gsl_rng *r = rng_stream(14, 0, "traffic", 11);
    mdl_arrival q;
    assert_true(a != NULL && r != NULL);
    while (mdl_arrivals_next(a, r, &q) != INT64_MAX) {
        assert_true(q.at_ns == at[q.row]);
        copies[q.row]++;
    }
    for (int k = 0; k < PARTS; k++) {
        const double more = parts[k].scale - floor(parts[k].scale), n = parts[k].to - parts[k].from;
        double sum = 0;
        for (int i = parts[k].from; i < parts[k].to; i++) {
            assert_true(copies[i] >= floor(parts[k].scale) && copies[i] <= ceil(parts[k].scale));
            sum += copies[i];
        }
        assert_within(sum, n * parts[k].scale, 4 * sqrt(n * more * (1 - more)) + 1e-6);
        assert_close(mdl_arrivals_rate(a, (parts[k].from + 5000) * SECOND), parts[k].scale, 1e-9);
    }
    mdl_arrivals_free(a);

    /* for ever again, but fewer and fewer: after two and a half rounds nothing is left, and it says so */
    spec = (mdl_arrival_spec){.kind = MDL_ARRIVAL_TRACE,
                              .trace = &trace,
                              .trace_scale = 1.0,
                              .trace_loop = 1,
                              .growth = {0.0, 100000 * SECOND, true}};
    a = mdl_arrivals_new(&spec);
    assert_non_null(a);
    int64_t last = 0, count = 0;
    while (mdl_arrivals_next(a, r, &q) != INT64_MAX) {
        last = q.at_ns;
        count++;
    }
    assert_true(last < 100000 * SECOND);
    assert_within((double)count, 50000, 4 * sqrt(100000 / 6.0)); /* sum of p = 1 - t, and of p (1 - p) */
    mdl_arrivals_free(a);
    gsl_rng_free(r);
    free(at);
    free(copies);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_growth),        cmocka_unit_test(test_holidays),
        cmocka_unit_test(test_crowds),        cmocka_unit_test(test_crowd_on_a_day),
        cmocka_unit_test(test_hours),         cmocka_unit_test(test_steps),
        cmocka_unit_test(test_renewal),       cmocka_unit_test(test_renewal_begins_in_equilibrium),
        cmocka_unit_test(test_modulated),     cmocka_unit_test(test_luck_stays),
        cmocka_unit_test(test_replay_varies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
