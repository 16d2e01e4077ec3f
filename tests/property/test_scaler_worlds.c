/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * test_scaler_worlds.c - random scalers over random readings, and what must hold for all of them: counts stay in their
 * bounds, growth and shrinking carry a fitting reason, saved state goes on as if it had stayed, damaged state is
 * refused and changes nothing, and the same world gives the same answers.
 *
 * A failure prints the seed of the world; choice_seed() with it replays the world.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "scale/scaler.h"
#include "tests/support/choice.h"

#define S SPW_NS_PER_S

enum { WORLDS = 3000, ROUNDS = 60, METRICS = 3, PODS = 8 };

typedef struct scene {
    spw_scaler scaler;
    spw_trigger triggers[METRICS];
    spw_cron_rule rules[METRICS];
    hpa_pod pods[PODS];
    hpa_reading readings[METRICS];
    int32_t min, max;
} scene;

static void draw_cron(choice *c, scene *s)
{
    static const char *const texts[] = {"* * * * *", "*/7 * * * *", "3 */2 * * 1-5", "0 8 1 * *"};
    for (int i = 0; i < METRICS; i++) {
        s->rules[i] = (spw_cron_rule){.name = "r",
                                      .utc_offset_s = (int32_t)choice_range(c, -14, 14) * 3600,
                                      .suspend = choice_chance(c, 1, 5),
                                      .replicas = (int32_t)choice_range(c, s->min, s->max),
                                      .replicas_min = -1,
                                      .replicas_max = -1};
        assert_null(spw_schedule_parse(texts[choice_below(c, 4)], &s->rules[i].schedule));
    }
    s->scaler.as.cron = (spw_cron){s->rules, choice_below(c, METRICS) + 1};
}

static void draw_keda(choice *c, scene *s)
{
    spw_keda *k = &s->scaler.as.keda;
    for (int i = 0; i < METRICS; i++) {
        s->triggers[i] =
            (spw_trigger){.metric = "m",
                          .target_kind = choice_chance(c, 1, 3) ? SPW_TARGET_VALUE : SPW_TARGET_AVERAGE_VALUE,
                          .threshold = choice_range(c, 1, 9000),
                          .activation = choice_range(c, 0, 4000)};
    }
    k->triggers = s->triggers;
    k->trigger_count = choice_below(c, METRICS) + 1;
    k->replicas_min = s->min;
    k->replicas_max = s->max;
    k->replicas_idle = s->min > 0 && choice_chance(c, 1, 2) ? (int32_t)choice_below(c, (uint64_t)s->min) : -1;
    k->replicas_fallback = choice_chance(c, 1, 2) ? (int32_t)choice_range(c, s->min, s->max) : -1;
    k->failures_max = (int32_t)choice_below(c, 4);
    k->polling_s = (int32_t)choice_range(c, 1, 60);
    k->cooldown_s = (int32_t)choice_range(c, 0, 400);
}

static spw_sizing draw_sizing(choice *c)
{
    return (spw_sizing){.service_rate_milli = choice_range(c, 1, 5000),
                        .slots = (int32_t)choice_range(c, 1, 40),
                        .wait = choice_range(c, 0, 3000) * 1000000,
                        .percentile_ppm = choice_range(c, 1, 999999),
                        .utilization_ppm = choice_range(c, 1000, 1000000)};
}

static spw_hpa_metric draw_rate(choice *c, const scene *s)
{
    bool pods = s->min > 0 && choice_chance(c, 1, 3);
    return (spw_hpa_metric){.kind = pods ? SPW_METRIC_PODS : SPW_METRIC_EXTERNAL, .name = "m"};
}

static void draw_queue(choice *c, scene *s)
{
    spw_queue *q = &s->scaler.as.queue;
    q->replicas_min = s->min;
    q->replicas_max = s->max;
    q->rate = draw_rate(c, s);
    q->sizing = draw_sizing(c);
    q->window = choice_range(c, 1, 300) * S;
    q->lag = choice_range(c, 0, 600) * S;
    q->hold = choice_range(c, 0, 300) * S;
    q->sync_s = (int32_t)choice_range(c, 1, 60);
}

static void draw_forecast(choice *c, scene *s)
{
    spw_forecast *f = &s->scaler.as.forecast;
    f->replicas_min = s->min;
    f->replicas_max = s->max;
    f->rate = draw_rate(c, s);
    f->sizing = draw_sizing(c);
    f->bin = 60 * S;
    f->season = choice_range(c, 2, 9) * f->bin;
    f->window = choice_range(c, 1, 120) * S;
    f->lag = choice_range(c, 0, 200) * S;
    f->hold = choice_range(c, 0, 200) * S;
    f->sync_s = (int32_t)choice_range(c, 5, 30);
}

static void draw(choice *c, scene *s)
{
    memset(s, 0, sizeof *s);
    s->min = (int32_t)choice_below(c, 6);
    s->max = s->min + (int32_t)choice_range(c, 1, 60);
    spw_scaler_default(&s->scaler, (spw_scaler_kind)choice_range(c, SPW_SCALER_CRON, SPW_SCALER_FORECAST));
    s->scaler.workload = 0;
    switch (s->scaler.kind) {
    case SPW_SCALER_CRON:
        draw_cron(c, s);
        break;
    case SPW_SCALER_KEDA:
        draw_keda(c, s);
        break;
    case SPW_SCALER_QUEUE:
        draw_queue(c, s);
        break;
    case SPW_SCALER_FORECAST:
        draw_forecast(c, s);
        break;
    }
    const char *wrong = scaler_check(&s->scaler);
    if (wrong != NULL) {
        fail_msg("%s", wrong);
    }
}

static scaler_input draw_input(choice *c, scene *s, spw_time now, int32_t current)
{
    size_t pods = choice_below(c, PODS + 1);
    int64_t high = choice_chance(c, 1, 30) ? INT64_MAX / 4 : 100000;
    for (size_t p = 0; p < pods; p++) {
        s->pods[p] = (hpa_pod){.phase = (uint8_t)choice_range(c, SPW_POD_PENDING, SPW_POD_FAILED),
                               .deleting = choice_chance(c, 1, 8),
                               .ready = choice_chance(c, 3, 4),
                               .has_sample = choice_chance(c, 4, 5),
                               .value_milli = choice_range(c, -100, high),
                               .sampled = now};
    }
    for (int m = 0; m < METRICS; m++) {
        s->readings[m] = (hpa_reading){.pods = s->pods,
                                       .pod_count = pods,
                                       .has_value = choice_chance(c, 4, 5),
                                       .value_milli = choice_chance(c, 1, 4) ? 0 : choice_range(c, -100, high)};
    }
    return (scaler_input){.now = now,
                          .unix_ns = now + INT64_C(1767225600) * S,
                          .patience = 300 * S,
                          .current = current,
                          .pods = (int32_t)pods,
                          .assigned = current,
                          .readings = s->readings};
}

static bool fits(const scene *s, int32_t current, const scaler_result *r)
{
    int32_t low = s->min;
    if (s->scaler.kind == SPW_SCALER_KEDA) {
        low = s->min == 0 ? 0 : s->scaler.as.keda.replicas_idle >= 0 ? s->scaler.as.keda.replicas_idle : s->min;
    }
    if (r->desired == current) {
        return true;
    }
    bool up = r->desired > current;
    bool reason =
        up ? r->reason != SPW_WHY_QUEUE_BELOW && r->reason != SPW_WHY_IDLE && r->reason != SPW_WHY_ABOVE_MAX
           : r->reason != SPW_WHY_QUEUE_ABOVE && r->reason != SPW_WHY_ACTIVATED && r->reason != SPW_WHY_BELOW_MIN;
    /* from outside the bounds a step may end outside, but nearer */
    bool inside =
        r->desired >= (up && current < low ? current : low) && r->desired <= (current > s->max ? current : s->max);
    return reason && inside && r->reason != SPW_WHY_NONE;
}

static void world(uint64_t seed, unsigned char **saved, size_t *saved_size)
{
    choice c;
    scene s;
    const void *spec = NULL;
    choice_seed(&c, seed);
    draw(&c, &s);
    const scaler_class *kind = scaler_class_of(&s.scaler, &spec);
    void *a = malloc(kind->size(spec));
    void *b = malloc(kind->size(spec));
    kind->init(a, spec);
    kind->init(b, spec);
    spw_time now = choice_range(&c, 0, 1000000) * S;
    int32_t current = (int32_t)choice_below(&c, 80);
    for (int round = 0; round < ROUNDS; round++) {
        scaler_input in = draw_input(&c, &s, now, current);
        size_t size = kind->save_size(a);
        unsigned char *buf = malloc(size);
        size_t used = 0;
        assert_true(size <= 2 * kind->size(spec));
        assert_int_equal(kind->save(a, buf, size), SPW_OK);
        assert_int_equal(kind->load(b, buf, size, &used), SPW_OK);
        assert_int_equal(used, size);
        size_t cut = choice_below(&c, size);
        if (kind->load(b, buf, cut, &used) != SPW_STATE) { /* refused, and b goes on with what it had */
            fail_msg("seed %llu round %d: %zu of %zu bytes were taken", (unsigned long long)seed, round, cut, size);
        }
        scaler_result x;
        scaler_result y;
        kind->decide(spec, a, &in, &x);
        kind->decide(spec, b, &in, &y);
        if (x.desired != y.desired || x.reason != y.reason || !fits(&s, current, &x)) {
            fail_msg("seed %llu round %d: %s %d -> %d (%d), after loading %d", (unsigned long long)seed, round,
                     kind->name, current, x.desired, (int)x.reason, y.desired);
        }
        free(buf);
        current = choice_chance(&c, 1, 20) ? (int32_t)choice_below(&c, 80) : x.desired;
        now += choice_range(&c, 1, choice_chance(&c, 1, 10) ? 4000 : 40) * S;
    }
    *saved_size = kind->save_size(a);
    *saved = malloc(*saved_size);
    assert_int_equal(kind->save(a, *saved, *saved_size), SPW_OK);
    /* any byte changed: taken or refused, never worse */
    for (int k = 0; k < 8; k++) {
        size_t used = 0;
        unsigned char *bad = malloc(*saved_size);
        memcpy(bad, *saved, *saved_size);
        bad[choice_below(&c, *saved_size)] ^= (unsigned char)choice_range(&c, 1, 255);
        if (kind->load(b, bad, *saved_size, &used) == SPW_OK) {
            scaler_input in = draw_input(&c, &s, now + 40000 * S, current);
            scaler_result r;
            kind->decide(spec, b, &in, &r);
        }
        free(bad);
    }
    free(a);
    free(b);
}

static void test_worlds(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= WORLDS; seed++) {
        unsigned char *first = NULL;
        size_t first_size = 0;
        world(seed, &first, &first_size);
        if (seed % 50 == 0) { /* the same world again, to the byte */
            unsigned char *second = NULL;
            size_t second_size = 0;
            world(seed, &second, &second_size);
            assert_int_equal(first_size, second_size);
            assert_memory_equal(first, second, first_size);
            free(second);
        }
        free(first);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_worlds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
