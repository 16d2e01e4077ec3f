/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * test_hpa_model.c - random worlds: the autoscaler against tests/support/hpa_model.c, and what must hold by itself.
 *
 * Also the history alone: what it does when full, its saved form, damage.
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

#include "sched/scale/hpa.h"
#include "tests/support/choice.h"
#include "tests/support/hpa_model.h"

enum { WORLDS = 30000, ROUNDS = 14, METRICS_MAX = 3, PODS_MAX = 24, POLICIES_MAX = 3, LOOPS = 4000 };

typedef struct scene {
    spw_hpa spec;
    spw_hpa_metric metrics[METRICS_MAX];
    spw_scaling_policy up[POLICIES_MAX], down[POLICIES_MAX];
    hpa_pod pods[METRICS_MAX][PODS_MAX];
    hpa_reading readings[METRICS_MAX];
} scene;

static int64_t pick(choice *c, const int64_t *from, size_t count)
{
    return from[choice_below(c, count)];
}

#define PICK(c, ...) pick(c, (const int64_t[]){__VA_ARGS__}, sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t))

static void draw_rules(choice *c, spw_scaling_rules *rules, spw_scaling_policy *policies)
{
    rules->window_s = (int32_t)PICK(c, -1, 0, 15, 45, 60, 300);
    rules->select = (spw_select)PICK(c, SPW_SELECT_MAX, SPW_SELECT_MAX, SPW_SELECT_MIN, SPW_SELECT_DISABLED);
    rules->tolerance_ppm = PICK(c, -1, -1, 0, 50000, 300000);
    rules->policy_count = choice_below(c, POLICIES_MAX + 1);
    rules->policies = policies;
    for (size_t i = 0; i < rules->policy_count; i++) {
        policies[i].unit = choice_chance(c, 1, 2) ? SPW_SCALING_PODS : SPW_SCALING_PERCENT;
        policies[i].value = (int32_t)PICK(c, 1, 3, 4, 10, 30, 50, 90, 100, 150);
        policies[i].period_s = (int32_t)PICK(c, 1, 15, 30, 60, 120, 600);
    }
}

static void draw_metric(choice *c, spw_hpa_metric *metric)
{
    metric->kind = (spw_metric_kind)choice_range(c, SPW_METRIC_RESOURCE, SPW_METRIC_EXTERNAL);
    metric->is_cpu = choice_chance(c, 1, 2);
    metric->name = "m";
    metric->target_kind = SPW_TARGET_AVERAGE_VALUE;
    if (choice_chance(c, 1, 2)) {
        if (metric->kind == SPW_METRIC_RESOURCE) {
            metric->target_kind = SPW_TARGET_UTILIZATION;
        } else if (metric->kind != SPW_METRIC_PODS) {
            metric->target_kind = SPW_TARGET_VALUE;
        }
    }
    metric->target =
        metric->target_kind == SPW_TARGET_UTILIZATION ? PICK(c, 1, 50, 60, 80, 100, 130) : PICK(c, 1, 500, 1000, 3333);
}

static void draw_spec(choice *c, scene *s)
{
    memset(s, 0, sizeof(*s));
    s->spec.name = "p/p";
    s->spec.metrics = s->metrics;
    s->spec.metric_count = choice_below(c, METRICS_MAX) + 1;
    for (size_t i = 0; i < s->spec.metric_count; i++) {
        draw_metric(c, &s->metrics[i]);
    }
    s->spec.replicas_min = (int32_t)PICK(c, 0, 1, 1, 2, 5);
    s->spec.replicas_max = s->spec.replicas_min + (int32_t)PICK(c, 0, 3, 20, 1000);
    s->spec.has_behavior = choice_chance(c, 2, 3);
    draw_rules(c, &s->spec.up, s->up);
    draw_rules(c, &s->spec.down, s->down);
    s->spec.federated = choice_chance(c, 1, 4);
    s->spec.sync_s = (int32_t)PICK(c, 5, 15);
}

/** Times lie on and next to the borders of the CPU rules. */
static void draw_pod(choice *c, spw_time now, int64_t usual, hpa_pod *pod)
{
    spw_time since = now / SPW_NS_PER_S - PICK(c, 5, 40, 269, 270, 299, 300, 301, 900);
    pod->phase = (uint8_t)PICK(c, SPW_POD_RUNNING, SPW_POD_RUNNING, SPW_POD_RUNNING, SPW_POD_RUNNING, SPW_POD_PENDING,
                               SPW_POD_FAILED);
    pod->deleting = choice_chance(c, 1, 12);
    pod->ready = choice_chance(c, 4, 5);
    pod->has_sample = choice_chance(c, 5, 6);
    pod->started = choice_chance(c, 1, 20) ? SPW_TIME_MAX : since * SPW_NS_PER_S;
    pod->ready_changed =
        choice_chance(c, 1, 20) ? SPW_TIME_MAX : (since + PICK(c, 0, 5, 29, 30, 31, 60)) * SPW_NS_PER_S;
    pod->request_milli = choice_chance(c, 1, 60) ? 0 : PICK(c, 500, 1000, 1000, 1000);
    pod->value_milli = usual * choice_range(c, 90, 110) / 100;
    pod->sampled = now - PICK(c, 0, 5, 15, 60) * SPW_NS_PER_S;
    pod->window = PICK(c, 0, 10, 30) * SPW_NS_PER_S;
}

static void draw_readings(choice *c, scene *s, spw_time now, int32_t replicas)
{
    for (size_t i = 0; i < s->spec.metric_count; i++) {
        const spw_hpa_metric *metric = &s->metrics[i];
        int64_t per_pod = metric->target_kind == SPW_TARGET_UTILIZATION ? metric->target * 10 : metric->target;
        int64_t percent = PICK(c, -20, 0, 30, 60, 90, 95, 100, 105, 110, 130, 200, 700);
        size_t count = choice_below(c, PODS_MAX + 1);
        for (size_t p = 0; p < count; p++) {
            draw_pod(c, now, per_pod * percent / 100, &s->pods[i][p]);
        }
        bool total = metric->target_kind == SPW_TARGET_AVERAGE_VALUE;
        s->readings[i] = (hpa_reading){.pods = s->pods[i],
                                       .pod_count = count,
                                       .has_value = choice_chance(c, 11, 12),
                                       .value_milli = per_pod * (total ? replicas + 1 : 1) * percent / 100};
    }
}

/** Replaces the history by what its saved bytes say, in fresh memory. */
static hpa_history *reload(hpa_history *history, const spw_hpa *spec)
{
    size_t size = hpa_history_save_size(history);
    assert_true(size <= hpa_history_save_max(history));
    uint8_t *bytes = malloc(size);
    void *mem = malloc(hpa_history_size(spec));
    assert_true(bytes != NULL && mem != NULL);
    assert_int_equal(hpa_history_save(history, bytes, size), SPW_OK);
    hpa_history *fresh = hpa_history_init(mem, spec);
    size_t used = 0;
    assert_int_equal(hpa_history_load(fresh, bytes, size, &used), SPW_OK);
    assert_int_equal(used, size);
    free(bytes);
    free(history);
    return fresh;
}

static bool same(const hpa_result *a, const hpa_result *b)
{
    return a->desired == b->desired && a->proposal == b->proposal && a->stabilized == b->stabilized &&
           a->able == b->able && a->limited == b->limited && a->active == b->active && a->disabled == b->disabled &&
           a->failed == b->failed && a->reason == b->reason;
}

static bool in_bounds(const spw_hpa *spec, const hpa_input *in, const hpa_result *out)
{
    bool held = out->desired == in->spec_replicas && (out->disabled || !out->active);
    return held || (spec->replicas_min <= out->desired && out->desired <= spec->replicas_max);
}

typedef struct tally {
    size_t up, down, held, blind, limited, asleep;
} tally;

static void count_round(tally *seen, const hpa_input *in, const hpa_result *out)
{
    seen->up += out->desired > in->spec_replicas;
    seen->down += out->desired < in->spec_replicas;
    seen->held += out->able != HPA_READY_FOR_NEW_SCALE;
    seen->blind += !out->active && !out->disabled;
    seen->limited += out->limited == HPA_SCALE_UP_LIMIT || out->limited == HPA_SCALE_DOWN_LIMIT;
    seen->asleep += in->spec_replicas == 0;
}

static void play_world(uint64_t seed, hpa_model *model, scene *s, tally *seen)
{
    choice c;
    choice_seed(&c, seed);
    draw_spec(&c, s);
    void *mem = malloc(hpa_history_size(&s->spec));
    assert_non_null(mem);
    hpa_history *history = hpa_history_init(mem, &s->spec);
    hpa_model_init(model, &s->spec);
    spw_time now = 10000 * SPW_NS_PER_S;
    int32_t current = (int32_t)choice_below(&c, 20);
    for (int r = 0; r < ROUNDS; r++) {
        draw_readings(&c, s, now, current);
        hpa_input in = {now, current, current - (int32_t)PICK(&c, 0, 0, 0, 1), current, current, false, s->readings};
        in.status_replicas = in.status_replicas < 0 ? 0 : in.status_replicas;
        in.calibration_num += (int32_t)PICK(&c, 0, 0, -1, 2);
        hpa_result mine;
        hpa_result theirs;
        hpa_decide(&s->spec, &in, history, &mine);
        hpa_model_decide(model, &in, &theirs);
        if (!same(&mine, &theirs) || !in_bounds(&s->spec, &in, &mine)) {
            fail_msg("world %llu round %d, %d in [%d, %d]: desired %d, model %d; proposal %d, model %d; %s, model %s",
                     (unsigned long long)seed, r, (int)current, (int)s->spec.replicas_min, (int)s->spec.replicas_max,
                     (int)mine.desired, (int)theirs.desired, (int)mine.proposal, (int)theirs.proposal,
                     hpa_condition_name(mine.limited), hpa_condition_name(theirs.limited));
        }
        count_round(seen, &in, &mine);
        if (choice_chance(&c, 5, 6)) { /* else the write failed */
            hpa_record_scale(history, now, current, mine.desired);
            hpa_model_record(model, now, current, mine.desired);
            current = mine.desired > 60 ? 60 : mine.desired; /* somebody may have cut it back */
        }
        if (choice_chance(&c, 1, 5)) {
            history = reload(history, &s->spec);
        }
        now += (s->spec.sync_s + PICK(&c, 0, 0, 0, 1, 15, 200)) * SPW_NS_PER_S;
    }
    free(history);
}

static void test_equals_the_model(void **state)
{
    (void)state;
    hpa_model *model = malloc(sizeof(*model));
    scene *s = malloc(sizeof(*s));
    assert_true(model != NULL && s != NULL);
    tally seen = {0};
    for (uint64_t seed = 1; seed <= WORLDS; seed++) {
        play_world(seed, model, s, &seen);
    }
    /* the worlds are worth something only if every kind of outcome is common */
    size_t few = (size_t)WORLDS * ROUNDS / 100;
    print_message("rounds %d: up %zu, down %zu, held %zu, limited %zu, blind %zu, at zero %zu\n", WORLDS * ROUNDS,
                  seen.up, seen.down, seen.held, seen.limited, seen.blind, seen.asleep);
    assert_true(seen.up > few && seen.down > few && seen.held > few && seen.limited > few && seen.blind > few);
    assert_true(seen.asleep > few);
    free(model);
    free(s);
}

/** One EXTERNAL average metric of target 1000m: the value / 1000 is the proposal if status is 0 (no tolerance then). */
static const spw_hpa_metric dial = {SPW_METRIC_EXTERNAL, SPW_TARGET_AVERAGE_VALUE, 1000, "dial", false, NULL, NULL};

/** Ticks faster than sync: what a merged history says lies between the exact window and one longer by sync. */
static void test_fast_ticks_stay_within_one_sync(void **state)
{
    (void)state;
    enum { TICKS = 400 };
    static spw_time when[TICKS + 1];
    static int32_t said[TICKS + 1];
    for (uint64_t seed = 1; seed <= 150; seed++) {
        choice c;
        choice_seed(&c, seed);
        spw_hpa spec = {.name = "f/f",
                        .replicas_min = 1,
                        .replicas_max = 1000,
                        .metrics = &dial,
                        .metric_count = 1,
                        .has_behavior = true,
                        .sync_s = 15,
                        .up = {(int32_t)PICK(&c, 0, 60, 300), SPW_SELECT_MAX, -1, NULL, 0},
                        .down = {(int32_t)PICK(&c, 60, 300), SPW_SELECT_MAX, -1, NULL, 0}};
        void *mem = malloc(hpa_history_size(&spec));
        assert_non_null(mem);
        hpa_history *history = hpa_history_init(mem, &spec);
        spw_time now = 0;
        size_t n = 0;
        when[n] = 0;
        said[n++] = 20; /* the seed */
        for (int t = 0; t < TICKS; t++) {
            int32_t proposal = (int32_t)choice_range(&c, 1, 40);
            hpa_reading reading = {NULL, 0, true, (int64_t)proposal * 1000};
            hpa_input in = {now, 20, 0, 0, 0, false, &reading};
            hpa_result out;
            hpa_decide(&spec, &in, history, &out);
            int32_t low[2] = {proposal, proposal}; /* of the exact window, of the longer one */
            int32_t high[2] = {proposal, proposal};
            for (size_t i = 0; i < n; i++) {
                for (int k = 0; k < 2; k++) {
                    spw_dur age = now - when[i] - k * 15 * SPW_NS_PER_S;
                    low[k] = age < spec.up.window_s * SPW_NS_PER_S && said[i] < low[k] ? said[i] : low[k];
                    high[k] = age < spec.down.window_s * SPW_NS_PER_S && said[i] > high[k] ? said[i] : high[k];
                }
            }
            int32_t loose = low[0] > 20 ? low[0] : high[0] < 20 ? high[0] : 20;
            int32_t tight = low[1] > 20 ? low[1] : high[1] < 20 ? high[1] : 20;
            int32_t from = loose < tight ? loose : tight;
            int32_t to = loose < tight ? tight : loose;
            assert_true(from <= out.stabilized && out.stabilized <= to);
            when[n] = now;
            said[n++] = proposal;
            n -= n > TICKS;
            now += choice_range(&c, 1, 14) * SPW_NS_PER_S / 2;
        }
        free(history);
    }
}

/** A fixed load shared evenly by the pods there are: the count settles and never turns back more than once. */
static void test_fixed_load_settles(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= LOOPS; seed++) {
        choice c;
        choice_seed(&c, seed);
        const spw_hpa_metric metric = {
            SPW_METRIC_PODS, SPW_TARGET_AVERAGE_VALUE, PICK(&c, 1000, 4000, 30000), "q", false, NULL, NULL};
        spw_hpa spec = {.name = "l/l",
                        .replicas_min = 1,
                        .replicas_max = 200,
                        .metrics = &metric,
                        .metric_count = 1,
                        .has_behavior = choice_chance(&c, 1, 2),
                        .sync_s = 15,
                        .up = {-1, SPW_SELECT_MAX, -1, NULL, 0},
                        .down = {-1, SPW_SELECT_MAX, -1, NULL, 0}};
        int64_t load = choice_range(&c, 1, 150) * metric.target * choice_range(&c, 1, 100) / 100;
        void *mem = malloc(hpa_history_size(&spec));
        assert_non_null(mem);
        hpa_history *history = hpa_history_init(mem, &spec);
        int32_t current = (int32_t)choice_range(&c, 1, 200);
        int32_t settled = 0;
        int turns = 0;
        int direction = 0;
        for (int t = 0; t < 120; t++) {
            hpa_pod pods[200];
            for (int32_t p = 0; p < current; p++) {
                pods[p] =
                    (hpa_pod){.phase = SPW_POD_RUNNING, .ready = 1, .has_sample = true, .value_milli = load / current};
            }
            hpa_reading reading = {pods, (size_t)current, false, 0};
            hpa_input in = {t * 15 * SPW_NS_PER_S, current, current, 0, 0, false, &reading};
            hpa_result out;
            hpa_decide(&spec, &in, history, &out);
            hpa_record_scale(history, in.now, current, out.desired);
            int step = (out.desired > current) - (out.desired < current);
            turns += step != 0 && direction != 0 && step != direction;
            direction = step != 0 ? step : direction;
            settled = out.desired == current ? settled + 1 : 0;
            current = out.desired;
        }
        if (turns > 0 || settled < 60) {
            fail_msg("world %llu: %d turns, settled for %d rounds", (unsigned long long)seed, turns, (int)settled);
        }
        free(history);
    }
}

/* ---- the history: full, saved, damaged ---- */

typedef struct world {
    spw_hpa spec;
    hpa_history *history;
} world;

static spw_hpa dial_spec(bool behavior)
{
    return (spw_hpa){.name = "h/h",
                     .replicas_min = 1,
                     .replicas_max = 1000,
                     .metrics = &dial,
                     .metric_count = 1,
                     .has_behavior = behavior,
                     .up = {.window_s = -1, .select = SPW_SELECT_MAX, .tolerance_ppm = -1},
                     .down = {.window_s = -1, .select = SPW_SELECT_MAX, .tolerance_ppm = -1},
                     .sync_s = 15};
}

static world open_world(spw_hpa spec)
{
    void *mem = malloc(hpa_history_size(&spec));
    assert_non_null(mem);
    return (world){spec, hpa_history_init(mem, &spec)};
}

static spw_time at_s(int32_t t)
{
    return t * SPW_NS_PER_S;
}

static int32_t round_at(world *w, int32_t t_s, int32_t current, int32_t proposal)
{
    hpa_reading reading = {NULL, 0, true, (int64_t)proposal * 1000};
    hpa_input in = {at_s(t_s), current, 0, current, current, false, &reading};
    hpa_result out;
    hpa_decide(&w->spec, &in, w->history, &out);
    return out.desired;
}

static int32_t step_at(world *w, int32_t t_s, int32_t current, int32_t proposal)
{
    int32_t to = round_at(w, t_s, current, proposal);
    hpa_record_scale(w->history, at_s(t_s), current, to);
    return to;
}

static void test_fast_ticks_merge_and_still_expire(void **state)
{
    (void)state;
    /* sync 15 s, ticks of 1 s: room for 44 of 300 recommendations. A single 9 among 5 holds for 300 s, never for less
     * and at most one sync period more, wherever it falls. */
    for (int32_t peak = 0; peak < 40; peak++) {
        world w = open_world(dial_spec(false));
        int32_t released = -1;
        for (int32_t t = 0; t <= 700; t++) {
            int32_t desired = round_at(&w, t, t <= peak ? 5 : 9, t == peak ? 9 : 5);
            assert_true(hpa_history_save_size(w.history) <= hpa_history_save_max(w.history));
            released = released < 0 && t > peak && desired == 5 ? t : released;
            assert_int_equal(desired, t < peak || released >= 0 ? 5 : 9);
        }
        assert_in_range(released, peak + 301, peak + 301 + 15);
        free(w.history);
    }
}

static void test_fast_changes_merge_and_still_expire(void **state)
{
    (void)state;
    const spw_scaling_policy four = {SPW_SCALING_PODS, 4, 60};
    spw_hpa spec = dial_spec(true);
    spec.up.policies = &four;
    spec.up.policy_count = 1;
    world w = open_world(spec);
    for (int32_t t = 0; t < 40; t++) { /* room for 12 of 40 changes */
        hpa_record_scale(w.history, at_s(t), 10 + t, 11 + t);
    }
    /* all 40 count: 50 - 40 + 4 = 14 < 50, no growth; after a step down of 37, 13 - 40 + 37 + 4 = 14: one more */
    assert_int_equal(round_at(&w, 40, 50, 100), 50);
    hpa_record_scale(w.history, at_s(58), 50, 13);
    assert_int_equal(round_at(&w, 59, 13, 100), 14);
    /* the first is out at 60 exactly, or up to 15 s later when merged; at 39 + 60 + 15 all are out */
    assert_int_equal(round_at(&w, 39 + 60 + 15, 13, 100), 13 + 37 + 4); /* the step down of 58 still counts */
    free(w.history);
}

static world busy_world(void)
{
    spw_hpa spec = dial_spec(true);
    spec.up.window_s = 30;
    spec.replicas_min = 0;
    world w = open_world(spec);
    int32_t current = 5;
    for (int32_t t = 0; t < 900; t += 15) {
        current = step_at(&w, t, current, 1 + t * 7 % 31);
    }
    return w;
}

static void test_save_load_round_trip(void **state)
{
    (void)state;
    world w = busy_world();
    size_t size = hpa_history_save_size(w.history);
    assert_true(size > 32 + 24 * 20);
    uint8_t *bytes = malloc(size + 8);
    uint8_t *again = malloc(size);
    assert_non_null(bytes);
    assert_non_null(again);
    memset(bytes, 0xA5, size + 8);
    assert_int_equal(hpa_history_save(w.history, bytes, size - 1), SPW_LIMIT);
    assert_int_equal(hpa_history_save(w.history, bytes, size), SPW_OK);
    assert_int_equal(bytes[size], 0xA5);

    world copy = open_world(w.spec);
    size_t used = 0;
    assert_int_equal(hpa_history_load(copy.history, bytes, size + 8, &used), SPW_OK);
    assert_int_equal(used, size);
    assert_int_equal(hpa_history_save(copy.history, again, size), SPW_OK);
    assert_memory_equal(bytes, again, size);
    int32_t current = 12;
    for (int32_t t = 900; t < 2000; t += 15) { /* both go on alike */
        int32_t a = step_at(&w, t, current, 1 + t * 5 % 37);
        int32_t b = step_at(&copy, t, current, 1 + t * 5 % 37);
        assert_int_equal(a, b);
        current = a;
    }
    free(bytes);
    free(again);
    free(w.history);
    free(copy.history);
}

static void test_scaled_to_zero_survives_saving(void **state)
{
    (void)state;
    spw_hpa spec = dial_spec(false);
    spec.replicas_min = 0;
    world w = open_world(spec);
    hpa_record_scale(w.history, at_s(0), 2, 0);
    uint8_t bytes[256];
    size_t used = 0;
    assert_int_equal(hpa_history_save(w.history, bytes, sizeof(bytes)), SPW_OK);
    hpa_history_init(w.history, &spec);
    assert_int_equal(hpa_history_load(w.history, bytes, sizeof(bytes), &used), SPW_OK);
    assert_int_equal(round_at(&w, 1, 0, 3), 3);
    free(w.history);
}

static void test_load_refuses_damage(void **state)
{
    (void)state;
    world w = busy_world();
    size_t size = hpa_history_save_size(w.history);
    uint8_t *good = malloc(size);
    uint8_t *bad = malloc(size);
    uint8_t *after = malloc(size);
    assert_true(good != NULL && bad != NULL && after != NULL);
    assert_int_equal(hpa_history_save(w.history, good, size), SPW_OK);
    size_t used = 12345;
    for (size_t cut = 0; cut < size; cut++) {
        assert_int_equal(hpa_history_load(w.history, good, cut, &used), SPW_STATE);
    }
    /* flags, window, sync, counts of the lists (top byte), first > last and low > high of the first recommendation */
    const struct {
        size_t at;
        uint8_t value;
    } damage[] = {
        {0, 4}, {4, 0}, {16, 1}, {23, 1}, {27, 1}, {31, 1}, {32 + 7, 0x7F}, {32 + 16 + 3, 0x7F}, {32 + 16 + 3, 0xFF}};
    for (size_t i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
        memcpy(bad, good, size);
        bad[damage[i].at] = damage[i].value;
        assert_int_equal(hpa_history_load(w.history, bad, size, &used), SPW_STATE);
    }
    /* two recommendations in the wrong order of time */
    memcpy(bad, good, size);
    memcpy(bad + 32, good + 32 + 24, 24);
    memcpy(bad + 32 + 24, good + 32, 24);
    assert_int_equal(hpa_history_load(w.history, bad, size, &used), SPW_STATE);
    assert_int_equal(used, 12345);
    assert_int_equal(hpa_history_save(w.history, after, size), SPW_OK); /* nothing was lost on the way */
    assert_memory_equal(good, after, size);
    spw_hpa other = w.spec;
    other.down.window_s = 60;
    world small = open_world(other);
    assert_int_equal(hpa_history_load(small.history, good, size, &used), SPW_STATE);
    free(small.history);
    free(good);
    free(bad);
    free(after);
    free(w.history);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equals_the_model),
        cmocka_unit_test(test_fast_ticks_stay_within_one_sync),
        cmocka_unit_test(test_fixed_load_settles),
        cmocka_unit_test(test_fast_ticks_merge_and_still_expire),
        cmocka_unit_test(test_fast_changes_merge_and_still_expire),
        cmocka_unit_test(test_save_load_round_trip),
        cmocka_unit_test(test_scaled_to_zero_survives_saving),
        cmocka_unit_test(test_load_refuses_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
