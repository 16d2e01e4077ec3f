/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * test_queue_scaler.c - Erlang C against the sum over states, sizes against a search with it, the trend, the hold.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "scale/queue_size.h"
#include "scale/queue_track.h"
#include "tests/support/choice.h"
#include "tests/support/close.h"

#define S SPW_NS_PER_S

/* The textbook form, as a sum over the states of the queue in logarithms. */
static double erlang_c_by_states(double a, int n)
{
    double waiting = exp(n * log(a) - lgamma(n + 1.0)) * n / (n - a);
    double sum = 0;
    for (int k = 0; k < n; k++) {
        sum += exp(k * log(a) - lgamma(k + 1.0));
    }
    return waiting / (sum + waiting);
}

static void test_erlang_c(void **state)
{
    (void)state;
    assert_close(queue_erlang_c(0.7, 1), 0.7, 1e-14);      /* M/M/1: waits when busy */
    assert_close(queue_erlang_c(1.0, 2), 1.0 / 3, 1e-14);  /* by hand: 1/(1 + 1 + 1) */
    assert_close(queue_erlang_c(8.0, 10), 0.409180, 1e-5); /* printed tables: 0.4092 */
    for (int n = 1; n <= 150; n += 7) {
        for (double rho = 0.05; rho < 1.0; rho += 0.0931) {
            assert_close(queue_erlang_c(rho * n, n), erlang_c_by_states(rho * n, n), 1e-9);
        }
    }
    assert_true(queue_erlang_c(5.0, 5) == 1.0);
    assert_true(queue_erlang_c(0.0, 5) == 0.0);
}

static void test_exp(void **state)
{
    (void)state;
    for (double x = 0; x < 700; x += 0.317) {
        assert_close(queue_exp_minus(x), exp(-x), 1e-13);
    }
    assert_true(queue_exp_minus(1e9) == 0.0);
    assert_true(queue_exp_minus(-1.0) == 1.0);
}

static int32_t size_by_search(const spw_sizing *s, double rate, int32_t min, int32_t max)
{
    double mu = (double)s->service_rate_milli / 1000.0 / s->slots;
    double a = rate / mu;
    for (int32_t c = min > 1 ? min : 1; c <= max; c++) {
        int n = c * s->slots;
        if (a < n && a / n <= (double)s->utilization_ppm / 1e6 &&
            erlang_c_by_states(a, n) * exp(-(n - a) * mu * (double)s->wait / 1e9) <=
                1 - (double)s->percentile_ppm / 1e6) {
            return c;
        }
    }
    return max;
}

static void test_size_by_search(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3000; seed++) {
        choice c;
        choice_seed(&c, seed);
        spw_sizing s = {.service_rate_milli = choice_range(&c, 100, 20000),
                        .slots = (int32_t)choice_range(&c, 1, 12),
                        .wait = choice_range(&c, 0, 5000) * 1000000,
                        .percentile_ppm = choice_range(&c, 1, 999) * 1000,
                        .utilization_ppm = choice_range(&c, 300, 1000) * 1000};
        int32_t max = (int32_t)choice_range(&c, 1, 40);
        int32_t min = (int32_t)choice_range(&c, 0, max);
        double rate = choice_unit(&c) * 20.0 * (double)s.service_rate_milli / 1000.0;
        int32_t want = size_by_search(&s, rate, min, max);
        if (queue_replicas(&s, rate, min, max) != want) {
            fail_msg("seed %llu: %d instead of %d", (unsigned long long)seed, queue_replicas(&s, rate, min, max), want);
        }
    }
}

static void test_size_by_hand(void **state)
{
    (void)state;
    /* 10/s on replicas of 4/s, one slot each: a = 2.5. P(wait > 0) <= 0.5 needs C(n, 2.5) <= 0.5.
     * B: 2.5/3.5 = .71429, .47170, .28218, .14991; C(3) = .70222, C(4) = .31986 */
    spw_sizing s = {
        .service_rate_milli = 4000, .slots = 1, .wait = 0, .percentile_ppm = 500000, .utilization_ppm = 1000000};
    assert_int_equal(queue_replicas(&s, 10, 1, 50), 4);
    s.wait = S; /* 0.70222 exp(-(3 - 2.5) 4) = 0.095 */
    assert_int_equal(queue_replicas(&s, 10, 1, 50), 3);
    s.utilization_ppm = 600000; /* 2.5 / 0.6 = 4.2 */
    assert_int_equal(queue_replicas(&s, 10, 1, 50), 5);
    assert_int_equal(queue_replicas(&s, 0, 0, 50), 0);
    assert_int_equal(queue_replicas(&s, -1, 2, 50), 2);
    assert_int_equal(queue_replicas(&s, (double)NAN, 2, 50), 2);
    assert_int_equal(queue_replicas(&s, 1e9, 2, 50), 50);
}

/* --- the scaler --- */

static spw_scaler made(void)
{
    spw_scaler s;
    spw_scaler_default(&s, SPW_SCALER_QUEUE);
    s.as.queue.rate.name = "offered";
    s.as.queue.replicas_max = 200;
    s.as.queue.sizing.service_rate_milli = 1000;
    s.as.queue.sizing.slots = 4;
    s.as.queue.lag = 120 * S;
    s.as.queue.window = 60 * S;
    s.as.queue.hold = 300 * S;
    assert_null(scaler_check(&s));
    return s;
}

static scaler_result tick(const spw_queue *q, void *mem, int64_t now_s, int32_t current, double rate)
{
    hpa_reading reading = {.has_value = rate >= 0, .value_milli = (int64_t)(rate * 1000)};
    scaler_input in = {.now = now_s * S, .current = current, .readings = &reading};
    scaler_result out;
    scaler_queue.decide(q, mem, &in, &out);
    return out;
}

static void test_ramp_is_sized_ahead(void **state)
{
    spw_scaler s = made();
    const spw_queue *q = &s.as.queue;
    void *mem = malloc(scaler_queue.size(q));
    (void)state;
    scaler_queue.init(mem, q);
    int32_t current = 20;
    scaler_result r = {0};
    for (int64_t t = 0; t <= 120; t += 15) { /* 10/s, growing by 0.05/s each second */
        r = tick(q, mem, t, current, 10 + 0.05 * (double)t);
        current = r.desired;
    }
    /* rate at 120 s: 16; at 240 s: 22 */
    assert_int_equal(current, queue_replicas(&q->sizing, 22.0, 1, 200));
    assert_int_equal(r.reason, SPW_WHY_QUEUE_ABOVE);
    free(mem);
}

static void test_growth_is_limited(void **state)
{
    spw_scaler s = made();
    spw_queue *q = &s.as.queue;
    int32_t desired = 0;
    (void)state;
    q->lag = 600 * S;
    void *mem = malloc(scaler_queue.size(q));
    scaler_queue.init(mem, q);
    for (int64_t t = 0; t <= 300; t += 15) { /* half of the 600 s that the trend looks back */
        desired = tick(q, mem, t, 1, 1 + 0.1 * (double)t).desired;
    }
    /* on the line 31 + 60 in ten minutes, believed to twice the peak of 31 */
    assert_int_equal(desired, queue_replicas(&q->sizing, 62.0, 1, 200));
    free(mem);
}

/* A day of 3 % noise about 100/s, a lag of six minutes: never much more than the mean needs (a false trend would ask
 * for a third more), and the count rests nineteen decisions out of twenty or so. */
static void test_noise_is_calm(void **state)
{
    spw_scaler s = made();
    spw_queue *q = &s.as.queue;
    choice c;
    int32_t current = 100;
    int32_t most = 0;
    int changes = 0;
    (void)state;
    choice_seed(&c, 21);
    q->lag = 360 * S;
    q->window = 120 * S;
    void *mem = malloc(scaler_queue.size(q));
    scaler_queue.init(mem, q);
    for (int64_t t = 0; t < 86400; t += 15) {
        int32_t next =
            tick(q, mem, t, current, 100 + 6 * (choice_unit(&c) + choice_unit(&c) + choice_unit(&c) - 1.5)).desired;
        changes += t > 3600 && next != current ? 1 : 0;
        current = next;
        most = t > 3600 && current > most ? current : most;
    }
    int32_t need = queue_replicas(&q->sizing, 100, 1, 200);
    if (most > need + need / 12 || changes > 400) {
        fail_msg("need %d, most %d, %d changes", need, most, changes);
    }
    free(mem);
}

static void test_shrinks_after_the_hold(void **state)
{
    spw_scaler s = made();
    const spw_queue *q = &s.as.queue;
    void *mem = malloc(scaler_queue.size(q));
    int32_t current = 1;
    int64_t shrunk = -1;
    (void)state;
    scaler_queue.init(mem, q);
    for (int64_t t = 0; t <= 600; t += 15) {
        current = tick(q, mem, t, current, 20).desired;
    }
    int32_t high = current;
    assert_int_equal(high, queue_replicas(&q->sizing, 20.0, 1, 200));
    for (int64_t t = 615; t <= 1500 && shrunk < 0; t += 15) {
        scaler_result r = tick(q, mem, t, current, 4);
        shrunk = r.desired < current ? t : -1;
        assert_true(r.desired == current || r.reason == SPW_WHY_QUEUE_BELOW);
    }
    /* the last count that was as high came at most one window after the step, so 300 s later */
    assert_true(shrunk >= 615 + 300 && shrunk <= 675 + 300 + 15);
    free(mem);
}

static void test_constant_rate_is_still(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        spw_scaler s = made();
        const spw_queue *q = &s.as.queue;
        void *mem = malloc(scaler_queue.size(q));
        choice c;
        choice_seed(&c, seed);
        double rate = 1 + 60 * choice_unit(&c);
        int32_t current = (int32_t)choice_range(&c, 1, 100);
        int changes = 0;
        scaler_queue.init(mem, q);
        for (int64_t t = 0; t < 7200; t += 15) {
            int32_t next = tick(q, mem, t, current, rate).desired;
            changes += next != current ? 1 : 0;
            current = next;
        }
        assert_true(changes <= 1);
        assert_int_equal(current, queue_replicas(&q->sizing, floor(rate * 1000) / 1000, 1, 200));
        free(mem);
    }
}

/* Noise alone is no trend: the plan stays near the mean, though 20 % of noise over a lag of two windows is
 * extrapolated. */
static void test_noise_is_no_trend(void **state)
{
    (void)state;
    choice c;
    queue_track *track = malloc(queue_track_size(60 * S, 5));
    int trends = 0;
    const int rounds = 4000;
    choice_seed(&c, 7);
    queue_track_init(track, 60 * S, 5);
    for (int i = 0; i < rounds; i++) {
        queue_track_add(track, i * 5 * S, 8 + 4 * choice_unit(&c));
        trends += queue_track_fit(track, i * 5 * S, 60 * S).slope_s != 0.0 ? 1 : 0;
    }
    /* three standard errors with 10 degrees of freedom: 1.3 % of the fits, by Student's law */
    assert_within(trends / (double)rounds, 0.0133, 0.006);
    free(track);
}

static void test_fit_by_hand(void **state)
{
    (void)state;
    queue_track *track = malloc(queue_track_size(100 * S, 10));
    queue_track_init(track, 100 * S, 10);
    const double rates[] = {50, 1, 3, 2, 4, 6}; /* the first is outside the window */
    for (int i = 0; i < 6; i++) {
        queue_track_add(track, (1000 + i * 10) * S, rates[i]);
    }
    /* x = -40..0 step 10, y = 1 3 2 4 6: mean 3.2, slope 110/1000 = 0.11, residual 14.8 - 12.1 = 2.7,
     * error^2 = 2.7/3/1000 = 9e-4, 9 x 9e-4 / 0.0121 = 0.669421, so 0.330579 of the slope is left */
    queue_fit fit = queue_track_fit(track, 1050 * S, 50 * S);
    assert_int_equal(fit.count, 5);
    assert_close(fit.mean, 3.2, 1e-12);
    assert_close(fit.slope_s, 0.11 * (1 - 0.0081 / 0.0121), 1e-12);
    assert_close(fit.age_s, 20, 1e-12);
    assert_close(fit.peak, 6, 1e-12);
    free(track);
}

static void test_bounds_and_blindness(void **state)
{
    spw_scaler s = made();
    spw_queue *q = &s.as.queue;
    (void)state;
    q->replicas_min = 3;
    q->replicas_max = 8;
    void *mem = malloc(scaler_queue.size(q));
    scaler_queue.init(mem, q);
    assert_int_equal(tick(q, mem, 0, 5, -1).desired, 5); /* blind: stays */
    assert_int_equal(tick(q, mem, 15, 1, -1).desired, 3);
    assert_int_equal(tick(q, mem, 15, 1, -1).reason, SPW_WHY_BELOW_MIN);
    assert_int_equal(tick(q, mem, 30, 20, -1).desired, 8);
    assert_int_equal(tick(q, mem, 30, 20, -1).reason, SPW_WHY_ABOVE_MAX);
    assert_int_equal(tick(q, mem, 45, 5, 1000).desired, 8);
    assert_int_equal(tick(q, mem, 60, 0, 1000).desired, 0); /* switched off by hand */
    free(mem);
}

static void test_pod_rates(void **state)
{
    hpa_pod pods[] = {{.phase = SPW_POD_RUNNING, .ready = 1, .has_sample = true, .value_milli = 2000},
                      {.phase = SPW_POD_RUNNING, .ready = 1, .has_sample = true, .value_milli = 4000},
                      {.phase = SPW_POD_RUNNING, .ready = 1}, /* sample lost: 3/s */
                      {.phase = SPW_POD_PENDING},             /* serves nothing yet */
                      {.phase = SPW_POD_FAILED, .has_sample = true, .value_milli = 9000}};
    hpa_reading reading = {.pods = pods, .pod_count = 5};
    spw_hpa_metric metric = {.kind = SPW_METRIC_PODS};
    double rate = 0;
    (void)state;
    assert_true(queue_read_rate(&metric, &reading, &rate));
    assert_close(rate, 9, 1e-12);
    reading = (hpa_reading){.pods = pods + 2, .pod_count = 2};
    assert_false(queue_read_rate(&metric, &reading, &rate));
}

/** 0.1 + 0.2 + 0.3 of one pod each: in binary64 the sum would depend on which comes first. */
static void test_order_of_pods(void **state)
{
    (void)state;
    hpa_pod pods[6] = {0};
    for (int i = 0; i < 6; i++) {
        pods[i] = (hpa_pod){.phase = SPW_POD_RUNNING, .ready = 1, .has_sample = true};
        pods[i].value_milli = 100 * (i < 3 ? 1 + i : 6 - i);
    }
    spw_hpa_metric metric = {.kind = SPW_METRIC_PODS};
    double rate[2] = {0, 0};
    for (int i = 0; i < 2; i++) {
        hpa_reading reading = {.pods = pods + 3 * i, .pod_count = 3};
        assert_true(queue_read_rate(&metric, &reading, &rate[i]));
    }
    assert_true(rate[0] == 0.6 && rate[1] == 0.6);
}

static void test_save(void **state)
{
    spw_scaler s = made();
    const spw_queue *q = &s.as.queue;
    void *a = malloc(scaler_queue.size(q));
    void *b = malloc(scaler_queue.size(q));
    choice c;
    (void)state;
    choice_seed(&c, 3);
    scaler_queue.init(a, q);
    scaler_queue.init(b, q);
    int32_t current = 5;
    for (int64_t t = 0; t < 3000; t += 15) {
        size_t size = scaler_queue.save_size(a);
        unsigned char *buf = malloc(size);
        size_t used = 0;
        assert_true(size <= 2 * scaler_queue.size(q));
        assert_int_equal(scaler_queue.save(a, buf, size), SPW_OK);
        assert_int_equal(scaler_queue.load(b, buf, size - 1, &used), SPW_STATE);
        assert_int_equal(scaler_queue.load(b, buf, size, &used), SPW_OK);
        assert_int_equal(used, size);
        free(buf);
        double rate = 30 * choice_unit(&c);
        scaler_result x = tick(q, a, t, current, rate);
        scaler_result y = tick(q, b, t, current, rate);
        assert_int_equal(x.desired, y.desired);
        assert_int_equal(x.reason, y.reason);
        current = x.desired;
    }
    free(a);
    free(b);
}

static void test_checks(void **state)
{
    spw_scaler s = made();
    (void)state;
    s.as.queue.sizing.slots = 100000;
    assert_non_null(scaler_check(&s));
    s = made();
    s.as.queue.replicas_min = 0;
    assert_null(scaler_check(&s));
    s.as.queue.rate.kind = SPW_METRIC_PODS;
    assert_non_null(scaler_check(&s));
    s = made();
    s.as.queue.sizing.percentile_ppm = 1000000;
    assert_non_null(scaler_check(&s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_erlang_c),
        cmocka_unit_test(test_exp),
        cmocka_unit_test(test_size_by_search),
        cmocka_unit_test(test_size_by_hand),
        cmocka_unit_test(test_ramp_is_sized_ahead),
        cmocka_unit_test(test_growth_is_limited),
        cmocka_unit_test(test_noise_is_calm),
        cmocka_unit_test(test_shrinks_after_the_hold),
        cmocka_unit_test(test_constant_rate_is_still),
        cmocka_unit_test(test_noise_is_no_trend),
        cmocka_unit_test(test_fit_by_hand),
        cmocka_unit_test(test_bounds_and_blindness),
        cmocka_unit_test(test_pod_rates),
        cmocka_unit_test(test_order_of_pods),
        cmocka_unit_test(test_save),
        cmocka_unit_test(test_checks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
