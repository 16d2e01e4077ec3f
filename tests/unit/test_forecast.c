/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * test_forecast.c - the seasonal forecast on synthetic days: exact on a staircase worked by hand, better than the rate
 * of now on smooth days with noise, a band that covers what it says, and the scaler around it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "scale/forecast.h"
#include "scale/queue_size.h"
#include "tests/support/choice.h"
#include "tests/support/close.h"

#define S   SPW_NS_PER_S
#define DAY INT64_C(86400)

static spw_scaler made(void)
{
    spw_scaler s;
    spw_scaler_default(&s, SPW_SCALER_FORECAST);
    s.as.forecast.rate.name = "offered";
    s.as.forecast.replicas_max = 500;
    s.as.forecast.sizing.service_rate_milli = 1000;
    s.as.forecast.sizing.slots = 4;
    s.as.forecast.lag = 600 * S;
    s.as.forecast.sync_s = 60;
    assert_null(scaler_check(&s));
    return s;
}

/* A season of four bins of a minute, a sample every 10 s, worked by hand. */
static void test_profile_by_hand(void **state)
{
    spw_scaler s = made();
    spw_forecast *f = &s.as.forecast;
    (void)state;
    f->bin = 60 * S;
    f->season = 240 * S;
    f->sync_s = 10;
    f->lag = 60 * S;
    f->window = 10 * S;
    f->learn_ppm = 500000;
    f->level_window = DAY * S; /* hardly moves */
    assert_null(scaler_check(&s));
    forecast_state *mem = malloc(forecast_size(f));
    forecast_init(mem, f);
    const double steps[4] = {10, 20, 40, 20};
    for (int64_t t = 0; t < 240; t += 10) {
        forecast_learn(f, mem, t * S, t * S, steps[t / 60]);
        assert_false(forecast_look(f, mem, t * S, t * S).learned); /* the last bin is still open */
    }
    forecast_learn(f, mem, 240 * S, 240 * S, 10);
    forecast_view v = forecast_look(f, mem, 240 * S, 240 * S);
    assert_true(v.learned);
    assert_close(v.now, 10, 1e-12);
    /* at 240 s the level is 10 against the profile there, half way from 20 (centre 210) to 10 (centre 270): 15; the
     * forecast for 300 s is the profile half way from 10 to 20, 15, at that level */
    assert_close(v.ahead, 10.0, 1e-12);
    /* twice the rate for the rest of the first bin: its mean of 20 moves the profile half way from 10 to 20 */
    for (int64_t t = 250; t < 300; t += 10) {
        forecast_learn(f, mem, t * S, t * S, t < 300 ? 22 : 0);
    }
    forecast_learn(f, mem, 300 * S, 300 * S, 20); /* closes the bin: (10 + 5 x 22) / 6 = 20 */
    v = forecast_look(f, mem, 300 * S, 300 * S);
    /* 360 s lies half way from 20 (330) to 40 (390); the level is sum of rates over sum of profiles, almost undamped:
     * profiles at 240..290 before the bin closed: 15 13.333 11.667 10 11.667 13.333, at 300 after it: (15 + 20) / 2 */
    double level =
        (10 + 5 * 22 + 20) / (15 + 13.0 + 1.0 / 3 + 11.0 + 2.0 / 3 + 10 + 11.0 + 2.0 / 3 + 13.0 + 1.0 / 3 + 17.5);
    assert_close(v.ahead, 30 * level, 2e-3);
    free(mem);
}

static double day_rate(int64_t t)
{
    double x = 2 * 3.14159265358979323846 * (double)(t % DAY) / (double)DAY;
    return 60 - 40 * cos(x) + 12 * sin(3 * x);
}

static double noise(choice *c) /* about normal, deviation 1 */
{
    double sum = 0;
    for (int k = 0; k < 12; k++) {
        sum += choice_unit(c);
    }
    return sum - 6;
}

typedef struct score {
    double forecast, reactive, upper_over; /**< mean absolute errors; mean of upper / rate - 1 */
    double covered;
    int64_t count;
} score;

/* Seven days; from the third on, forecasts and the rate of now are held against the rate that came. */
static score judge(const spw_forecast *f, uint64_t seed, double spread, double shift)
{
    enum { STEPS = 7 * 1440, LAG = 10 };
    forecast_state *mem = malloc(forecast_size(f));
    double *ahead = calloc(STEPS + LAG, sizeof *ahead);
    double *upper = calloc(STEPS + LAG, sizeof *upper);
    double *now = calloc(STEPS + LAG, sizeof *now);
    score r = {0};
    choice c;
    choice_seed(&c, seed);
    forecast_init(mem, f);
    for (int64_t i = 0; i < STEPS; i++) {
        double rate = day_rate(i * 60) * (1 + spread * noise(&c)) * (i >= 5 * 1440 ? shift : 1.0);
        rate = rate < 0 ? 0 : rate;
        forecast_learn(f, mem, i * 60 * S, i * 60 * S, rate);
        forecast_view v = forecast_look(f, mem, i * 60 * S, i * 60 * S);
        ahead[i + LAG] = v.ahead;
        upper[i + LAG] = v.upper;
        now[i + LAG] = v.now;
        if (i >= 2 * 1440) {
            r.forecast += fabs(ahead[i] - v.now);
            r.reactive += fabs(now[i] - v.now);
            r.covered += v.now <= upper[i] ? 1 : 0;
            r.upper_over += upper[i] / v.now - 1;
            r.count++;
        }
    }
    r.forecast /= (double)r.count;
    r.reactive /= (double)r.count;
    r.covered /= (double)r.count;
    r.upper_over /= (double)r.count;
    free(mem);
    free(ahead);
    free(upper);
    free(now);
    return r;
}

static void test_beats_the_rate_of_now(void **state)
{
    spw_scaler s = made();
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        score quiet = judge(&s.as.forecast, seed, 0.01, 1.0);
        score noisy = judge(&s.as.forecast, seed, 0.05, 1.0);
        if (!(quiet.forecast < 0.5 * quiet.reactive) || !(noisy.forecast < 0.85 * noisy.reactive)) {
            fail_msg("quiet %g against %g, noisy %g against %g", quiet.forecast, quiet.reactive, noisy.forecast,
                     noisy.reactive);
        }
    }
}

static void test_band_covers(void **state)
{
    spw_scaler s = made();
    const int64_t levels[] = {700000, 900000, 990000};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        s.as.forecast.confidence_ppm = levels[i];
        score r = judge(&s.as.forecast, 11, 0.08, 1.0);
        assert_within(r.covered, (double)levels[i] / 1e6, 0.02);
        /* and is no wider than the noise asks for: a mean of two samples has 5.7 %, its 99th percentile is at 2.33 */
        assert_true(r.upper_over < 0.057 * 2.33 * 1.5);
    }
}

/* On the sixth day half as much again comes, for good: the level follows, the band still covers. */
static void test_level_shift(void **state)
{
    spw_scaler s = made();
    (void)state;
    score r = judge(&s.as.forecast, 5, 0.03, 1.5);
    assert_true(r.forecast < r.reactive);
    assert_within(r.covered, 0.9, 0.02);
}

static scaler_result tick(const spw_forecast *f, void *mem, int64_t t, int32_t current, double rate)
{
    hpa_reading reading = {.has_value = rate >= 0, .value_milli = (int64_t)(rate * 1000)};
    scaler_input in = {.now = t * S, .unix_ns = (t + 5 * DAY) * S, .current = current, .readings = &reading};
    scaler_result out;
    scaler_forecast.decide(f, mem, &in, &out);
    return out;
}

static void test_scaler_days(void **state)
{
    spw_scaler s = made();
    const spw_forecast *f = &s.as.forecast;
    void *mem = malloc(scaler_forecast.size(f));
    int32_t current = 10;
    int64_t short_first = 0;
    int64_t short_third = 0;
    (void)state;
    scaler_forecast.init(mem, f);
    int32_t wanted[16] = {0}; /* what was asked for in the last 600 s: ready 600 s later */
    for (int64_t i = 0; i < 3 * 1440; i++) {
        double rate = day_rate(i * 60);
        scaler_result r = tick(f, mem, i * 60, current, rate);
        if (r.desired != current) {
            assert_int_equal(r.reason, i < 1440 ? SPW_WHY_NOT_LEARNED : SPW_WHY_FORECAST);
        }
        current = r.desired;
        int32_t ready = wanted[i % 10];
        wanted[i % 10] = current;
        int32_t need = queue_replicas(&f->sizing, rate, 1, 500);
        short_first += i >= 10 && i < 1440 && ready < need ? 1 : 0;
        short_third += i >= 2880 && ready < need ? 1 : 0;
    }
    assert_true(short_first > 300); /* the rate of now comes too late on every rise */
    assert_true(short_third < short_first / 20);
    free(mem);
}

static void test_constant_rate_is_still(void **state)
{
    spw_scaler s = made();
    const spw_forecast *f = &s.as.forecast;
    void *mem = malloc(scaler_forecast.size(f));
    int32_t current = 10;
    int changes = 0;
    (void)state;
    scaler_forecast.init(mem, f);
    for (int64_t i = 0; i < 3 * 1440; i++) {
        int32_t next = tick(f, mem, i * 60, current, 33).desired;
        changes += next != current ? 1 : 0;
        current = next;
    }
    assert_int_equal(changes, 1);
    assert_int_equal(current, queue_replicas(&f->sizing, 33, 1, 500));
    free(mem);
}

/* Metrics are away for hours: nothing is learned from them, nothing moves, and it goes on after. */
static void test_gap(void **state)
{
    spw_scaler s = made();
    const spw_forecast *f = &s.as.forecast;
    void *mem = malloc(scaler_forecast.size(f));
    int32_t current = 10;
    (void)state;
    scaler_forecast.init(mem, f);
    for (int64_t i = 0; i < 2880; i++) {
        bool away = i >= 2000 && i < 2300;
        int32_t next = tick(f, mem, i * 60, current, away ? -1 : 33).desired;
        assert_true(!away || next == current);
        current = next;
    }
    assert_int_equal(current, queue_replicas(&f->sizing, 33, 1, 500));
    free(mem);
}

static void test_save(void **state)
{
    spw_scaler s = made();
    const spw_forecast *f = &s.as.forecast;
    void *a = malloc(scaler_forecast.size(f));
    void *b = malloc(scaler_forecast.size(f));
    choice c;
    int32_t current = 10;
    (void)state;
    choice_seed(&c, 9);
    scaler_forecast.init(a, f);
    scaler_forecast.init(b, f);
    for (int64_t i = 0; i < 2 * 1440; i++) {
        if (i % 97 == 0) {
            size_t size = scaler_forecast.save_size(a);
            unsigned char *buf = malloc(size);
            size_t used = 0;
            assert_true(size <= 2 * scaler_forecast.size(f));
            assert_int_equal(scaler_forecast.save(a, buf, size), SPW_OK);
            assert_int_equal(scaler_forecast.load(b, buf, size / 2, &used), SPW_STATE);
            assert_int_equal(scaler_forecast.load(b, buf, size, &used), SPW_OK);
            assert_int_equal(used, size);
            free(buf);
        }
        double rate = day_rate(i * 60) * (1 + 0.1 * noise(&c));
        scaler_result x = tick(f, a, i * 60, current, rate);
        scaler_result y = tick(f, b, i * 60, current, rate);
        assert_int_equal(x.desired, y.desired);
        current = x.desired;
    }
    free(a);
    free(b);
}

static void test_checks(void **state)
{
    spw_scaler s = made();
    (void)state;
    s.as.forecast.season = 86000 * S;
    assert_non_null(scaler_check(&s));
    s = made();
    s.as.forecast.bin = 60 * S;
    s.as.forecast.season = 7 * DAY * S; /* 10080 bins */
    assert_non_null(scaler_check(&s));
    s = made();
    s.as.forecast.confidence_ppm = 999999;
    assert_non_null(scaler_check(&s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_profile_by_hand),
        cmocka_unit_test(test_beats_the_rate_of_now),
        cmocka_unit_test(test_band_covers),
        cmocka_unit_test(test_level_shift),
        cmocka_unit_test(test_scaler_days),
        cmocka_unit_test(test_constant_rate_is_still),
        cmocka_unit_test(test_gap),
        cmocka_unit_test(test_save),
        cmocka_unit_test(test_checks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
