/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * test_keda.c - time lines of a ScaledObject worked by hand from KEDA's rules.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "scale/keda.h"
#include "tests/support/choice.h"

#define S     SPW_NS_PER_S
#define BLIND (-1)

typedef struct stage {
    spw_scaler scaler;
    spw_trigger triggers[2];
    void *mem;
    hpa_pod pods[200];
    spw_reason reason;
    int32_t current;
} stage;

static spw_keda *begin(stage *s, int32_t replicas)
{
    memset(s, 0, sizeof *s);
    spw_scaler_default(&s->scaler, SPW_SCALER_KEDA);
    s->triggers[0] = (spw_trigger){"queue", SPW_TARGET_AVERAGE_VALUE, 5000, 2000};
    s->triggers[1] = (spw_trigger){"rate", SPW_TARGET_AVERAGE_VALUE, 10000, 0};
    s->scaler.as.keda.triggers = s->triggers;
    s->scaler.as.keda.trigger_count = 1;
    s->current = replicas;
    for (size_t i = 0; i < 200; i++) {
        s->pods[i] = (hpa_pod){.phase = SPW_POD_RUNNING, .ready = 1};
    }
    return &s->scaler.as.keda;
}

static void start(stage *s)
{
    assert_null(scaler_check(&s->scaler));
    s->mem = malloc(scaler_keda.size(&s->scaler.as.keda));
    scaler_keda.init(s->mem, &s->scaler.as.keda);
}

/* One tick; the answer is carried out at once. Values in thousandths. */
static int32_t tick2(stage *s, int64_t now_s, int64_t first, int64_t second)
{
    hpa_reading readings[2] = {{.has_value = first != BLIND, .value_milli = first},
                               {.has_value = second != BLIND, .value_milli = second}};
    for (size_t i = 0; i < 2; i++) {
        readings[i].pods = s->pods;
        readings[i].pod_count = (size_t)s->current;
    }
    scaler_input in = {
        .now = now_s * S, .current = s->current, .pods = s->current, .assigned = s->current, .readings = readings};
    scaler_result out;
    scaler_keda.decide(&s->scaler.as.keda, s->mem, &in, &out);
    if (out.desired != s->current) {
        scaler_keda.record(s->mem, in.now, s->current, out.desired);
    }
    s->reason = out.reason;
    s->current = out.desired;
    return out.desired;
}

static int32_t tick(stage *s, int64_t now_s, int64_t value)
{
    return tick2(s, now_s, value, 0);
}

/* 0 -> 1 above the activation, 1 -> N by the HPA, N -> 0 after the cool-down and not before. */
static void test_time_line(void **state)
{
    stage s;
    (void)state;
    begin(&s, 0);
    start(&s);
    assert_int_equal(tick(&s, 0, 0), 0);
    assert_int_equal(tick(&s, 30, 2000), 0); /* at the activation threshold, not above it */
    assert_int_equal(tick(&s, 45, 9000), 0); /* between polls nobody looks */
    assert_int_equal(tick(&s, 60, 9000), 1);
    assert_int_equal(s.reason, SPW_WHY_ACTIVATED);
    assert_int_equal(tick(&s, 75, 20000), 4); /* ceil(20 / 5) */
    assert_int_equal(s.reason, SPW_WHY_METRIC_ABOVE);
    assert_int_equal(tick(&s, 90, 20000), 4);
    int32_t now = 0;
    for (int64_t t = 105; t <= 390; t += 15) { /* inactive from the poll at 120 on, last active at 90 */
        now = tick(&s, t, 1000);
        assert_true(now > 0);
    }
    assert_int_equal(now, 4);                 /* the HPA's recommendation of 90 s is 300 s old and still counts */
    assert_int_equal(tick(&s, 405, 1000), 1); /* no poll; the HPA goes down to its minimum */
    assert_int_equal(tick(&s, 420, 1000), 0); /* 330 s since it was last active */
    assert_int_equal(s.reason, SPW_WHY_IDLE);
    assert_int_equal(tick(&s, 450, 9000), 1); /* and up again */
    free(s.mem);
}

static void test_initial_cooldown(void **state)
{
    stage s;
    (void)state;
    begin(&s, 3);
    start(&s);
    assert_int_equal(tick(&s, 1000, 0), 0); /* never active: no cool-down to wait for */
    free(s.mem);
    begin(&s, 3)->initial_cooldown_s = 60;
    start(&s);
    assert_true(tick(&s, 1000, 0) > 0);
    assert_true(tick(&s, 1030, 0) > 0);
    assert_int_equal(tick(&s, 1060, 0), 0);
    free(s.mem);
}

static void test_minimum(void **state)
{
    stage s;
    (void)state;
    begin(&s, 0)->replicas_min = 2;
    start(&s);
    assert_int_equal(tick(&s, 0, 0), 2); /* inactive, below the minimum */
    assert_int_equal(s.reason, SPW_WHY_BELOW_MIN);
    for (int64_t t = 15; t < 2000; t += 15) {
        assert_int_equal(tick(&s, t, 0), 2);
    }
    free(s.mem);
}

static void test_idle_count(void **state)
{
    stage s;
    spw_keda *k = begin(&s, 1);
    (void)state;
    k->replicas_min = 4;
    k->replicas_idle = 1;
    start(&s);
    for (int64_t t = 0; t < 120; t += 15) {
        assert_int_equal(tick(&s, t, 0), 1); /* asleep: the HPA's minimum of 4 does not count */
    }
    assert_int_equal(tick(&s, 120, 3000), 4);
    assert_int_equal(s.reason, SPW_WHY_ACTIVATED);
    assert_int_equal(tick(&s, 150, 0), 4);
    assert_int_equal(tick(&s, 420, 0), 4); /* 300 s since active: not yet over */
    assert_int_equal(tick(&s, 450, 0), 1);
    free(s.mem);
}

static void test_fallback(void **state)
{
    stage s;
    spw_keda *k = begin(&s, 2);
    (void)state;
    k->replicas_min = 1;
    k->replicas_fallback = 6;
    k->failures_max = 3;
    start(&s);
    assert_int_equal(tick(&s, 0, 10000), 2);
    for (int64_t t = 15; t < 120; t += 15) { /* failed polls at 30, 60, 90: not more than three */
        assert_int_equal(tick(&s, t, BLIND), 2);
    }
    assert_int_equal(tick(&s, 120, BLIND), 6);
    assert_int_equal(s.reason, SPW_WHY_FALLBACK);
    for (int64_t t = 135; t < 600; t += 15) {
        assert_int_equal(tick(&s, t, BLIND), 6);
    }
    for (int64_t t = 600; t < 1200; t += 15) { /* one good read ends it; the HPA's window holds for 300 s */
        int32_t now = tick(&s, t, 10000);
        assert_int_equal(now, t < 900 ? 6 : 2);
    }
    free(s.mem);
}

static void test_no_fallback_stays(void **state)
{
    stage s;
    (void)state;
    begin(&s, 7);
    start(&s);
    for (int64_t t = 0; t < 3000; t += 15) {
        assert_int_equal(tick(&s, t, BLIND), 7); /* neither to 0 nor anywhere else */
    }
    free(s.mem);
}

/* A blind trigger beside one that sees: the fallback speaks for the blind one alone, the greater count wins. */
static void test_two_triggers(void **state)
{
    stage s;
    spw_keda *k = begin(&s, 5); /* without behavior at most twice the count in one step */
    (void)state;
    k->trigger_count = 2;
    k->replicas_fallback = 6;
    k->failures_max = 0;
    start(&s);
    assert_int_equal(tick2(&s, 0, BLIND, 90000), 9);
    assert_int_equal(tick2(&s, 30, 0, 120000), 12);
    assert_int_equal(tick2(&s, 60, 0, 1), 12); /* active by a hair: stays up, above 0 */
    free(s.mem);
    k = begin(&s, 3);
    k->trigger_count = 2;
    k->replicas_fallback = 6;
    k->failures_max = 0;
    start(&s);
    assert_int_equal(tick2(&s, 0, BLIND, 20000), 6); /* the one that sees asks for 2 */
    assert_int_equal(s.reason, SPW_WHY_FALLBACK);
    free(s.mem);
}

static void test_value_target(void **state)
{
    stage s;
    spw_keda *k = begin(&s, 4);
    (void)state;
    s.triggers[0].target_kind = SPW_TARGET_VALUE;
    k->replicas_fallback = 8;
    k->failures_max = 0;
    start(&s);
    assert_int_equal(tick(&s, 0, 10000), 8); /* twice the value: twice the pods */
    assert_int_equal(tick(&s, 30, BLIND), 8);
    free(s.mem);
    k = begin(&s, 4);
    s.triggers[0].target_kind = SPW_TARGET_VALUE;
    k->replicas_min = 4;
    k->replicas_fallback = 7;
    k->failures_max = 0;
    start(&s);
    assert_int_equal(tick(&s, 0, BLIND), 7);
    free(s.mem);
}

static void test_constant_is_still(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        stage s;
        choice c;
        choice_seed(&c, seed);
        begin(&s, (int32_t)choice_range(&c, 0, 40));
        start(&s);
        int64_t value = choice_range(&c, 0, 190000);
        for (int64_t t = 0; t < 1800; t += 15) {
            (void)tick(&s, t, value);
        }
        int32_t settled = s.current;
        for (int64_t t = 1800; t < 7200; t += 15) {
            if (tick(&s, t, value) != settled) {
                fail_msg("seed %llu", (unsigned long long)seed);
            }
        }
        int32_t exact = (int32_t)((value + 4999) / 5000);
        assert_true(value <= 2000 ? settled == 0 : settled >= exact * 10 / 11 && settled <= exact * 10 / 9 + 1);
        free(s.mem);
    }
}

static void test_save(void **state)
{
    stage a;
    stage b;
    choice c;
    (void)state;
    choice_seed(&c, 4);
    begin(&a, 0)->replicas_fallback = 5;
    begin(&b, 0)->replicas_fallback = 5;
    start(&a);
    start(&b);
    for (int64_t t = 0; t < 20000; t += 15) {
        size_t size = scaler_keda.save_size(a.mem);
        unsigned char *buf = malloc(size);
        size_t used = 0;
        assert_true(size <= 2 * scaler_keda.size(&a.scaler.as.keda));
        assert_int_equal(scaler_keda.save(a.mem, buf, size - 1), SPW_LIMIT);
        assert_int_equal(scaler_keda.save(a.mem, buf, size), SPW_OK);
        assert_int_equal(scaler_keda.load(b.mem, buf, 20, &used), SPW_STATE);
        assert_int_equal(scaler_keda.load(b.mem, buf, size, &used), SPW_OK);
        assert_int_equal(used, size);
        free(buf);
        int64_t value = t % 1500 < 750 ? choice_range(&c, 0, 90000) : choice_chance(&c, 1, 2) ? BLIND : 0;
        assert_int_equal(tick(&a, t, value), tick(&b, t, value));
    }
    free(a.mem);
    free(b.mem);
}

/* The cases of KEDA's own executor tests, pkg/scaling/executor/scale_scaledobjects_test.go, and what follows later. */
static void test_paused(void **state)
{
    stage s;
    spw_keda *k = begin(&s, 10);
    (void)state;
    k->paused = true;
    start(&s);
    assert_int_equal(tick(&s, 0, 0), 10); /* not to 0 */
    assert_int_equal(tick(&s, 1000, 90000), 10);
    free(s.mem);
    k = begin(&s, 2);
    k->paused = true;
    k->replicas_paused = 0;
    start(&s);
    assert_int_equal(tick(&s, 0, 90000), 0);
    assert_int_equal(s.reason, SPW_WHY_PAUSED);
    assert_int_equal(tick(&s, 30, 90000), 0);
    assert_int_equal(s.reason, SPW_WHY_NONE);
    free(s.mem);
    k = begin(&s, 3);
    k->paused = true;
    k->replicas_paused = SPW_REPLICAS_MAX + 1;
    assert_non_null(scaler_check(&s.scaler));
}

static void test_scale_in_paused(void **state)
{
    stage s;
    spw_keda *k = begin(&s, 10);
    (void)state;
    k->scale_in_paused = true;
    start(&s);
    assert_int_equal(tick(&s, 0, 0), 10);       /* not to 0 */
    assert_int_equal(tick(&s, 1000, 3000), 10); /* the HPA would have gone to 1 */
    assert_int_equal(tick(&s, 2000, 90000), 18);
    free(s.mem);
    k = begin(&s, 10);
    k->scale_in_paused = true;
    k->replicas_min = 5;
    k->replicas_idle = 0;
    k->replicas_fallback = 6;
    k->failures_max = 0;
    start(&s);
    assert_int_equal(tick(&s, 0, 0), 10);
    assert_int_equal(tick(&s, 30, BLIND), 10); /* the fallback is fewer */
    free(s.mem);
}

static void test_scale_out_paused(void **state)
{
    stage s;
    spw_keda *k = begin(&s, 0);
    (void)state;
    k->scale_out_paused = true;
    start(&s);
    assert_int_equal(tick(&s, 0, 90000), 0);
    s.current = 4;
    assert_int_equal(tick(&s, 30, 90000), 4); /* the HPA would have gone to 8 */
    assert_int_equal(tick(&s, 1000, 3000), 1);
    free(s.mem);
    k = begin(&s, 0);
    k->scale_out_paused = true;
    k->replicas_min = 5;
    k->replicas_idle = 0;
    start(&s);
    assert_int_equal(tick(&s, 0, 90000), 0); /* from idle to the minimum is a way out as well */
    free(s.mem);
    k = begin(&s, 1);
    k->scale_out_paused = true;
    k->replicas_min = 5;
    start(&s);
    assert_int_equal(tick(&s, 0, 0), 5); /* under the minimum is no choice */
    free(s.mem);
}

static void test_forced_activation(void **state)
{
    stage s;
    (void)state;
    begin(&s, 0)->forced_active = true;
    start(&s);
    assert_int_equal(tick(&s, 0, 0), 1);
    assert_int_equal(s.reason, SPW_WHY_ACTIVATED);
    assert_int_equal(tick(&s, 1000, 0), 1); /* and never cools down */
    free(s.mem);
}

static void test_checks(void **state)
{
    stage s;
    (void)state;
    begin(&s, 0)->replicas_idle = 0; /* not below a minimum of 0 */
    assert_non_null(scaler_check(&s.scaler));
    begin(&s, 0)->trigger_count = 0;
    assert_non_null(scaler_check(&s.scaler));
    begin(&s, 0)->replicas_min = 101;
    assert_non_null(scaler_check(&s.scaler));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_time_line),
        cmocka_unit_test(test_initial_cooldown),
        cmocka_unit_test(test_minimum),
        cmocka_unit_test(test_idle_count),
        cmocka_unit_test(test_fallback),
        cmocka_unit_test(test_no_fallback_stays),
        cmocka_unit_test(test_two_triggers),
        cmocka_unit_test(test_value_target),
        cmocka_unit_test(test_constant_is_still),
        cmocka_unit_test(test_save),
        cmocka_unit_test(test_paused),
        cmocka_unit_test(test_scale_in_paused),
        cmocka_unit_test(test_scale_out_paused),
        cmocka_unit_test(test_forced_activation),
        cmocka_unit_test(test_checks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
