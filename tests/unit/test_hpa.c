/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * test_hpa.c - every rule of the HorizontalPodAutoscaler with inputs and outcome worked by hand.
 *
 * Part 1 is a table: one metric, one round, the proposal before stabilisation. Part 2 plays rounds over time. All
 * times are seconds in the tables. Arithmetic in the comments is exact unless binary64 is named. The saved form of the
 * history and its behavior when full are in tests/property/test_hpa_model.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "sched/scale/hpa.h"

#define NONE     INT32_MAX /* of a time column: SPW_TIME_MAX */
#define FAILS    (-1)      /* of an outcome: the metric cannot be read */
#define PODS_MAX 128
#define NOW_S    1000

/** `n` equal pods. */
typedef struct group {
    int n;
    uint8_t phase, deleting, ready;
    bool has_sample;
    int64_t value, request;
    int32_t started, changed, sampled, window;
} group;

/* Tables, aligned by hand. */
/* clang-format off */
#define RDY(n_, value_) {n_, SPW_POD_RUNNING, 0, 1, true, value_, 1000, 0, 10, NOW_S, 30}
#define MISS(n_) {n_, SPW_POD_RUNNING, 0, 1, false, 0, 1000, 0, 10, 0, 0}
#define PEND(n_) {n_, SPW_POD_PENDING, 0, 0, true, 77777, 1000, NONE, NONE, NOW_S, 30}
#define DEL(n_, value_) {n_, SPW_POD_RUNNING, 1, 1, true, value_, 1000, 0, 10, NOW_S, 30}
#define DEAD(n_, value_) {n_, SPW_POD_FAILED, 0, 0, true, value_, 1000, 0, 10, NOW_S, 30}
#define NOREQ(n_, deleting_) {n_, SPW_POD_RUNNING, deleting_, 1, true, 1000, 0, 0, 10, NOW_S, 30}
#define UNRDY(n_, value_) {n_, SPW_POD_RUNNING, 0, 0, true, value_, 1000, 0, 500, NOW_S, 30}
#define CPU(ready_, started_, changed_, sampled_) \
    {1, SPW_POD_RUNNING, 0, ready_, true, 1000, 1000, started_, changed_, sampled_, 30}

#define UTIL(t) {SPW_METRIC_RESOURCE, SPW_TARGET_UTILIZATION, t, "memory", false, NULL, NULL}
#define CPUUTIL(t) {SPW_METRIC_RESOURCE, SPW_TARGET_UTILIZATION, t, "cpu", true, NULL, NULL}
#define CPUAVG(t) {SPW_METRIC_RESOURCE, SPW_TARGET_AVERAGE_VALUE, t, "cpu", true, NULL, NULL}
#define PODAVG(t) {SPW_METRIC_PODS, SPW_TARGET_AVERAGE_VALUE, t, "queue", false, NULL, NULL}
#define OBJ(t) {SPW_METRIC_OBJECT, SPW_TARGET_VALUE, t, "rps", false, NULL, NULL}
#define OBJAVG(t) {SPW_METRIC_OBJECT, SPW_TARGET_AVERAGE_VALUE, t, "rps", false, NULL, NULL}
#define EXT(t) {SPW_METRIC_EXTERNAL, SPW_TARGET_VALUE, t, "lag", false, NULL, NULL}
#define EXTAVG(t) {SPW_METRIC_EXTERNAL, SPW_TARGET_AVERAGE_VALUE, t, "lag", false, NULL, NULL}

typedef struct metric_case {
    const char *name;
    spw_hpa_metric metric;
    int32_t spec, status;
    int32_t members;     /**< federated when > -1: sum of member replicas */
    int64_t value;       /**< of OBJECT and EXTERNAL; INT64_MIN = none */
    group pods[5];
    int32_t proposal;
} metric_case;

#define NOVALUE INT64_MIN

static const metric_case metric_cases[] = {
    /* --- ratio and tolerance; requests are 1000m each unless said otherwise --- */
    {"4 pods at 80 % of 50 %: 1.6 * 4 = 6.4", UTIL(50), 4, 4, -1, NOVALUE, {RDY(4, 800)}, 7},
    {"55/50 = 1.1 <= 1.0 + 0.1 in binary64: inclusive", UTIL(50), 5, 5, -1, NOVALUE, {RDY(5, 550)}, 5},
    {"Karmada: |1 - 1.1| = 0.10000000000000009 > 0.1, so 5.5", UTIL(50), 5, 5, 5, NOVALUE, {RDY(5, 550)}, 6},
    {"45/50 = 0.9 >= 1.0 - 0.1: inclusive", UTIL(50), 10, 10, -1, NOVALUE, {RDY(10, 450)}, 10},
    {"Karmada: 1 - 0.9 = 0.09999999999999998 is inside", UTIL(50), 10, 10, 10, NOVALUE, {RDY(10, 450)}, 10},
    {"56/50 = 1.12: out; 5.6", UTIL(50), 5, 5, -1, NOVALUE, {RDY(5, 560)}, 6},
    {"44.9 % is 44 %: 0.88 * 10 = 8.8", UTIL(50), 10, 10, -1, NOVALUE, {RDY(10, 449)}, 9},
    {"trap: 55.9 % is floored to 55 %, so 1.1 and no change (not 1.118 -> 4)", UTIL(50), 3, 3, -1, NOVALUE,
     {RDY(3, 559)}, 3},
    {"unequal usage: (900+100)/2000 = 50 % of 50 %", UTIL(50), 2, 2, -1, NOVALUE, {RDY(1, 900), RDY(1, 100)}, 2},
    {"ratio times READY pods, not times spec: 2.0 * 3, spec is 4", UTIL(50), 4, 3, -1, NOVALUE, {RDY(3, 1000)}, 6},
    {"idle pods: ratio 0 proposes 0", UTIL(50), 4, 4, -1, NOVALUE, {RDY(4, 0)}, 0},
    /* --- missing pods --- */
    {"up, missing use 0: 4000/5000 = 80 %, 1.6 * 5 = 8", UTIL(50), 5, 5, -1, NOVALUE, {RDY(4, 1000), MISS(1)}, 8},
    {"up turned down by the missing: 3200/8000 = 40 % -> flip, keep", UTIL(50), 8, 8, -1, NOVALUE,
     {RDY(4, 800), MISS(4)}, 8},
    {"down, missing use 100 %: (800+1000)/5000 = 36 %, 0.72 * 5 = 3.6", UTIL(50), 5, 5, -1, NOVALUE,
     {RDY(4, 200), MISS(1)}, 4},
    {"down turned up: (400+4000)/5000 = 88 % -> flip, keep", UTIL(50), 5, 5, -1, NOVALUE, {RDY(1, 400), MISS(4)}, 5},
    {"trap: target 120 %, missing use 120 %: 3900/4000 = 97 %, 97/120 * 4 = 3.23 (100 % would give 3)", UTIL(120),
     4, 4, -1, NOVALUE, {RDY(1, 300), MISS(3)}, 4},
    {"ratio exactly 1: nothing is added for the missing", UTIL(50), 5, 5, -1, NOVALUE, {RDY(2, 500), MISS(3)}, 5},
    {"down, sample outgrows spec: 2600/8000 = 32 %, 0.64 * 8 = 5.12 -> 6 > 2, keep", UTIL(50), 2, 8, -1, NOVALUE,
     {RDY(6, 100), MISS(2)}, 2},
    /* --- unready pods --- */
    {"up, pending use 0: 3000/4000 = 75 %, 1.5 * 4", UTIL(50), 4, 4, -1, NOVALUE, {RDY(3, 1000), PEND(1)}, 6},
    {"down, pending are left out: 0.4 * 3 = 1.2", UTIL(50), 5, 5, -1, NOVALUE, {RDY(3, 200), PEND(2)}, 2},
    {"up damped into tolerance: 3000/6000 = 50 %", UTIL(50), 6, 6, -1, NOVALUE, {RDY(5, 600), PEND(1)}, 6},
    {"up, but 66/50 * 3 = 3.96 -> 4 < 10: contradicts, keep", UTIL(50), 10, 3, -1, NOVALUE,
     {RDY(2, 1000), PEND(1)}, 10},
    {"missing and pending together, up: 4000/7000 = 57 %, 1.14 * 7 = 7.98", UTIL(50), 7, 7, -1, NOVALUE,
     {RDY(4, 1000), MISS(1), PEND(2)}, 8},
    {"missing and pending together, down: pending out, (300+1000)/4000 = 32 %, 0.64 * 4 = 2.56", UTIL(50), 6, 6, -1,
     NOVALUE, {RDY(3, 100), MISS(1), PEND(2)}, 3},
    /* --- ignored pods, errors --- */
    {"deleting and failed pods are out with their samples: 2.0 * 2", UTIL(50), 2, 2, -1, NOVALUE,
     {RDY(2, 1000), DEL(2, 0), DEAD(1, 0)}, 4},
    {"no pods", UTIL(50), 2, 0, -1, NOVALUE, {{0}}, FAILS},
    {"only pending pods: their samples do not count", UTIL(50), 2, 2, -1, NOVALUE, {PEND(2)}, FAILS},
    {"only missing pods", UTIL(50), 2, 2, -1, NOVALUE, {MISS(2)}, FAILS},
    {"a pod without request", UTIL(50), 2, 2, -1, NOVALUE, {RDY(1, 800), NOREQ(1, 0)}, FAILS},
    {"trap: a request is asked even of a pod that is being deleted", UTIL(50), 2, 2, -1, NOVALUE,
     {RDY(1, 800), NOREQ(1, 1)}, FAILS},
    {"requests do not matter to averages: 1000/500 * 2", PODAVG(500), 2, 2, -1, NOVALUE,
     {RDY(1, 1000), NOREQ(1, 0)}, 4},
    /* --- CPU only. Counted: 2000/2000 = 100 % -> 2.0 * 2 = 4. Unready: 1000/2000 = 50 % -> keep 2. --- */
    {"young, sample begins at the transition: 820 + 30 <= 850", CPUUTIL(50), 2, 2, -1, NOVALUE,
     {RDY(1, 1000), CPU(1, 800, 820, 850)}, 4},
    {"young, sample began 1 s before the transition", CPUUTIL(50), 2, 2, -1, NOVALUE,
     {RDY(1, 1000), CPU(1, 800, 820, 849)}, 2},
    {"young and not ready", CPUUTIL(50), 2, 2, -1, NOVALUE, {RDY(1, 1000), CPU(0, 800, 820, 1000)}, 2},
    {"701 + 300 > 1000: young, stale sample", CPUUTIL(50), 2, 2, -1, NOVALUE,
     {RDY(1, 1000), CPU(1, 701, 990, 1000)}, 2},
    {"700 + 300 = 1000: not young, the sample's age is not asked", CPUUTIL(50), 2, 2, -1, NOVALUE,
     {RDY(1, 1000), CPU(1, 700, 990, 1000)}, 4},
    {"old, not ready since 729 < 700 + 30: never was ready", CPUUTIL(50), 2, 2, -1, NOVALUE,
     {RDY(1, 1000), CPU(0, 700, 729, 1000)}, 2},
    {"old, not ready since 730: was ready once, counts", CPUUTIL(50), 2, 2, -1, NOVALUE,
     {RDY(1, 1000), CPU(0, 700, 730, 1000)}, 4},
    {"no start time", CPUUTIL(50), 2, 2, -1, NOVALUE, {RDY(1, 1000), CPU(1, NONE, 10, 1000)}, 2},
    {"no Ready condition", CPUUTIL(50), 2, 2, -1, NOVALUE, {RDY(1, 1000), CPU(1, 0, NONE, 1000)}, 2},
    {"memory ignores all of this", UTIL(50), 2, 2, -1, NOVALUE, {RDY(1, 1000), CPU(0, NONE, NONE, 0)}, 4},
    {"CPU by average value obeys it: 1000/2 = 500 of 500", CPUAVG(500), 2, 2, -1, NOVALUE,
     {RDY(1, 1000), CPU(0, 800, 820, 1000)}, 2},
    {"a PODS metric ignores it: not ready pods count, 2.0 * 2", PODAVG(500), 2, 2, -1, NOVALUE, {UNRDY(2, 1000)}, 4},
    /* --- averages --- */
    {"15/10 * 3 = 4.5", PODAVG(10000), 3, 3, -1, NOVALUE, {RDY(3, 15000)}, 5},
    {"trap: 33001/3 is 11000 in integers: 1.1, keep (exactly it is 1.10003 -> 4)", PODAVG(10000), 3, 3, -1, NOVALUE,
     {RDY(1, 11001), RDY(2, 11000)}, 3},
    {"up, missing 0: 60000/3 = 20000, 2.0 * 3", PODAVG(10000), 3, 3, -1, NOVALUE, {RDY(2, 30000), MISS(1)}, 6},
    {"down, missing at target: 24000/4 = 6000, 0.6 * 4 = 2.4", PODAVG(10000), 4, 4, -1, NOVALUE,
     {RDY(2, 2000), MISS(2)}, 3},
    {"negative samples propose nothing below 0", PODAVG(10000), 3, 3, -1, NOVALUE, {RDY(3, -5000)}, 0},
    {"sums wider than 64 bits: average INT64_MAX, count saturates", PODAVG(1), 2, 2, -1, NOVALUE,
     {RDY(2, INT64_MAX)}, INT32_MAX},
    /* --- object, external --- */
    {"value: 2.5 * 3 ready of 4 = 7.5", OBJ(100000), 4, 4, -1, 250000, {RDY(3, 0), UNRDY(1, 0)}, 8},
    {"value in tolerance keeps spec, pods unseen", EXT(100000), 4, 4, -1, 105000, {{0}}, 4},
    {"value out of tolerance without pods", EXT(100000), 4, 4, -1, 150000, {{0}}, FAILS},
    {"value with pods of which none is ready: 0", EXT(100000), 4, 4, -1, 150000, {PEND(4)}, 0},
    {"trap: a ready pod that is being deleted counts: 2.0 * 2", OBJ(100000), 1, 2, -1, 200000,
     {RDY(1, 0), DEL(1, 0)}, 4},
    {"average: 45/(10*4) = 1.125, 4.5", EXTAVG(10000), 4, 4, -1, 45000, {{0}}, 5},
    {"trap: average in tolerance proposes STATUS replicas, not spec", OBJAVG(10000), 6, 4, -1, 42000, {{0}}, 4},
    {"average without pods: infinite ratio, 3", EXTAVG(10000), 4, 0, -1, 30000, {{0}}, 3},
    {"average 0 without pods: 0/0 is not in tolerance, 0", EXTAVG(10000), 4, 0, -1, 0, {{0}}, 0},
    {"no value", EXTAVG(10000), 4, 4, -1, NOVALUE, {{0}}, FAILS},
    {"more than 32 bits hold", EXTAVG(1), 4, 4, -1, INT64_MAX, {{0}}, INT32_MAX},
    /* --- federated: calibration = members / spec --- */
    {"members 5 of 10: 2.0 * 5 / 0.5", UTIL(50), 10, 5, 5, NOVALUE, {RDY(5, 1000)}, 20},
    {"members 10 of 5: 1.5 * 10 / 2 = 7.5", UTIL(50), 5, 10, 10, NOVALUE, {RDY(10, 750)}, 8},
    {"in tolerance: template replicas", UTIL(50), 10, 5, 5, NOVALUE, {RDY(5, 500)}, 10},
    {"damped: 75/50 * 4 / 2 = 3", UTIL(50), 2, 4, 4, NOVALUE, {RDY(3, 1000), PEND(1)}, 3},
    {"object value: 2.0 * 4 / 0.5", OBJ(100000), 8, 4, 4, 200000, {RDY(4, 0)}, 16},
    {"trap: object average divides twice: 40/10/0.5 = 8, 8/0.5", OBJAVG(10000), 4, 2, 2, 40000, {{0}}, 16},
    {"object average in tolerance divides status once: 4/0.5", OBJAVG(10000), 8, 4, 4, 40000, {{0}}, 8},
    {"external average divides once: 40/10/0.5", EXTAVG(10000), 4, 2, 2, 40000, {{0}}, 8},
    {"no member holds replicas", UTIL(50), 4, 4, 0, NOVALUE, {RDY(4, 1000)}, FAILS},
};

/* clang-format on */

static spw_time at_s(int32_t t)
{
    return t == NONE ? SPW_TIME_MAX : t * SPW_NS_PER_S;
}

static size_t expand(const group *groups, size_t group_count, hpa_pod *pods)
{
    size_t n = 0;
    for (size_t g = 0; g < group_count; g++) {
        for (int i = 0; i < groups[g].n; i++) {
            assert_true(n < PODS_MAX);
            pods[n++] = (hpa_pod){.phase = groups[g].phase,
                                  .deleting = groups[g].deleting,
                                  .ready = groups[g].ready,
                                  .has_sample = groups[g].has_sample,
                                  .started = at_s(groups[g].started),
                                  .ready_changed = at_s(groups[g].changed),
                                  .value_milli = groups[g].value,
                                  .request_milli = groups[g].request,
                                  .sampled = at_s(groups[g].sampled),
                                  .window = at_s(groups[g].window)};
        }
    }
    return n;
}

static spw_hpa plain_spec(const spw_hpa_metric *metrics, size_t count)
{
    return (spw_hpa){.name = "t/t",
                     .replicas_min = 1,
                     .replicas_max = 1000,
                     .metrics = metrics,
                     .metric_count = count,
                     .up = {.window_s = -1, .select = SPW_SELECT_MAX, .tolerance_ppm = -1},
                     .down = {.window_s = -1, .select = SPW_SELECT_MAX, .tolerance_ppm = -1},
                     .sync_s = 15};
}

static hpa_history *new_history(const spw_hpa *spec)
{
    void *mem = malloc(hpa_history_size(spec));
    assert_non_null(mem);
    return hpa_history_init(mem, spec);
}

static void check_metric_case(const metric_case *c, bool reversed)
{
    hpa_pod pods[PODS_MAX];
    size_t n = expand(c->pods, sizeof(c->pods) / sizeof(c->pods[0]), pods);
    for (size_t i = 0; reversed && i < n / 2; i++) {
        hpa_pod swap = pods[i];
        pods[i] = pods[n - 1 - i];
        pods[n - 1 - i] = swap;
    }
    spw_hpa spec = plain_spec(&c->metric, 1);
    spec.federated = c->members >= 0;
    spec.replicas_max = INT32_MAX;
    hpa_reading reading = {pods, n, c->value != NOVALUE, c->value};
    hpa_input in = {at_s(NOW_S), c->spec, c->status, c->members, c->spec, false, &reading};
    hpa_history *history = new_history(&spec);
    hpa_result out;
    hpa_decide(&spec, &in, history, &out);
    free(history);
    int32_t expected = c->proposal == FAILS ? c->spec : c->proposal;
    if (out.proposal != expected || out.active != (c->proposal != FAILS)) {
        fail_msg("%s: proposal %d, active %d, expected %d", c->name, (int)out.proposal, (int)out.active,
                 (int)c->proposal);
    }
    assert_int_equal(out.failed, c->proposal == FAILS ? 1 : 0);
}

static void test_metric_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(metric_cases) / sizeof(metric_cases[0]); i++) {
        check_metric_case(&metric_cases[i], false);
        check_metric_case(&metric_cases[i], true);
    }
}

/* ---- part 2: rounds. One EXTERNAL average metric of target 1000m: the value / 1000 is the proposal, as long as it is
 * more than 10 % away from status; status 0 takes the tolerance out of play. ---- */

static const spw_hpa_metric dial = EXTAVG(1000);

typedef struct world {
    spw_hpa spec;
    hpa_history *history;
    hpa_result out;
} world;

static world open_world(spw_hpa spec)
{
    return (world){.spec = spec, .history = new_history(&spec)};
}

static int32_t round_at(world *w, int32_t t_s, int32_t current, int32_t proposal)
{
    hpa_reading reading = {NULL, 0, true, (int64_t)proposal * 1000};
    hpa_input in = {at_s(t_s), current, 0, current, current, false, &reading};
    hpa_decide(&w->spec, &in, w->history, &w->out);
    return w->out.desired;
}

/** A round, carried out. */
static int32_t step_at(world *w, int32_t t_s, int32_t current, int32_t proposal)
{
    int32_t to = round_at(w, t_s, current, proposal);
    hpa_record_scale(w->history, at_s(t_s), current, to);
    return to;
}

static spw_hpa behavior_spec(void)
{
    spw_hpa spec = plain_spec(&dial, 1);
    spec.has_behavior = true;
    return spec;
}

static void test_guards_come_first(void **state)
{
    (void)state;
    spw_hpa spec = plain_spec(&dial, 1);
    spec.replicas_min = 2;
    spec.replicas_max = 10;
    world w = open_world(spec);
    /* above max: max, although the metric asks for 5; below min: min, although it asks for 9 */
    assert_int_equal(round_at(&w, 0, 50, 5), 10);
    assert_int_equal(w.out.reason, SPW_WHY_ABOVE_MAX);
    assert_int_equal(w.out.limited, HPA_TOO_MANY_REPLICAS);
    assert_true(w.out.active);
    assert_int_equal(round_at(&w, 15, 1, 9), 2);
    assert_int_equal(w.out.reason, SPW_WHY_BELOW_MIN);
    assert_int_equal(w.out.limited, HPA_TOO_FEW_REPLICAS);
    /* 0 replicas set by hand: off */
    assert_int_equal(round_at(&w, 30, 0, 9), 0);
    assert_true(w.out.disabled);
    assert_false(w.out.active);
    assert_int_equal(w.out.reason, SPW_WHY_NONE);
    free(w.history);
    /* exactly at the borders the metrics decide */
    w = open_world(spec);
    assert_int_equal(round_at(&w, 0, 2, 3), 3);
    assert_int_equal(w.out.reason, SPW_WHY_METRIC_ABOVE);
    assert_int_equal(round_at(&w, 400, 10, 7), 7);
    free(w.history);
}

static void test_several_metrics(void **state)
{
    (void)state;
    const spw_hpa_metric metrics[3] = {EXTAVG(1000), EXTAVG(1000), EXTAVG(1000)};
    spw_hpa spec = plain_spec(metrics, 3);
    spec.has_behavior = true;
    spec.down.window_s = 0; /* so that desired shows the proposal at once */
    hpa_history *history = new_history(&spec);
    hpa_result out;
    hpa_reading readings[3] = {{NULL, 0, true, 5000}, {NULL, 0, true, 7000}, {NULL, 0, true, 6000}};
    hpa_input in = {at_s(0), 6, 0, 0, 0, false, readings};
    hpa_decide(&spec, &in, history, &out); /* the largest: 7 */
    assert_int_equal(out.desired, 7);
    assert_int_equal(out.metric, 1);
    assert_int_equal(out.reason, SPW_WHY_METRIC_ABOVE);
    readings[2].has_value = false; /* one broken, 7 > 6: scales up all the same */
    hpa_decide(&spec, &in, history, &out);
    assert_int_equal(out.desired, 7);
    assert_int_equal(out.failed, 1);
    assert_true(out.active);
    in.spec_replicas = 8; /* one broken, 7 < 8: blocks */
    hpa_decide(&spec, &in, history, &out);
    assert_int_equal(out.desired, 8);
    assert_false(out.active);
    in.spec_replicas = 7; /* one broken, 7 = 7: counts as read */
    hpa_decide(&spec, &in, history, &out);
    assert_true(out.active);
    readings[2].has_value = true; /* repaired: shrinks */
    in.spec_replicas = 8;
    hpa_decide(&spec, &in, history, &out);
    assert_int_equal(out.desired, 7);
    assert_int_equal(out.reason, SPW_WHY_METRIC_BELOW);
    readings[0].has_value = readings[1].has_value = readings[2].has_value = false; /* all broken */
    hpa_decide(&spec, &in, history, &out);
    assert_int_equal(out.desired, 8);
    assert_int_equal(out.failed, 3);
    assert_false(out.active);
    assert_true(out.metric == SIZE_MAX);
    free(history);
}

static void test_plain_growth_is_at_most_double_or_four(void **state)
{
    (void)state;
    world w = open_world(plain_spec(&dial, 1));
    assert_int_equal(round_at(&w, 0, 1, 50), 4); /* max(2 * 1, 4) */
    assert_int_equal(w.out.limited, HPA_SCALE_UP_LIMIT);
    assert_int_equal(round_at(&w, 15, 3, 50), 6); /* 2 * 3 */
    assert_int_equal(round_at(&w, 30, 30, 50), 50);
    assert_int_equal(w.out.limited, HPA_DESIRED_WITHIN_RANGE);
    w.spec.replicas_max = 40; /* double would be 60 */
    assert_int_equal(round_at(&w, 45, 30, 50), 40);
    assert_int_equal(w.out.limited, HPA_TOO_MANY_REPLICAS);
    free(w.history);
}

static void test_plain_window_is_inclusive_and_seeded(void **state)
{
    (void)state;
    world w = open_world(plain_spec(&dial, 1));
    /* the first round puts the current 10 into the window: 2 is not followed for 300 s, border included */
    assert_int_equal(round_at(&w, 1000, 10, 2), 10);
    assert_int_equal(w.out.proposal, 2);
    assert_int_equal(w.out.able, HPA_SCALE_DOWN_STABILIZED);
    assert_int_equal(round_at(&w, 1300, 10, 2), 10);
    assert_int_equal(round_at(&w, 1301, 10, 2), 2);
    assert_int_equal(w.out.able, HPA_READY_FOR_NEW_SCALE);
    /* a lost history starts the window again */
    hpa_history_init(w.history, &w.spec);
    assert_int_equal(round_at(&w, 1302, 10, 2), 10);
    free(w.history);
}

static void test_plain_old_recommendation_can_raise(void **state)
{
    (void)state;
    world w = open_world(plain_spec(&dial, 1));
    /* 20 was asked for, 2 * 4 allowed; now 3 is asked for, but the window still says 20: 2 * 8 = 16 */
    assert_int_equal(step_at(&w, 0, 4, 20), 8);
    assert_int_equal(step_at(&w, 15, 8, 3), 16);
    assert_int_equal(w.out.able, HPA_SCALE_DOWN_STABILIZED);
    free(w.history);
}

static void test_behavior_windows_are_exclusive(void **state)
{
    (void)state;
    spw_hpa spec = behavior_spec();
    world w = open_world(spec);
    assert_int_equal(round_at(&w, 1000, 10, 2), 10);
    assert_int_equal(w.out.able, HPA_SCALE_DOWN_STABILIZED);
    assert_int_equal(w.out.stabilized, 10);
    assert_int_equal(round_at(&w, 1299, 10, 2), 10);
    assert_int_equal(round_at(&w, 1300, 10, 2), 2); /* 300 s old: out, unlike without behavior */
    free(w.history);

    spec.up.window_s = 60; /* growth takes the lowest of 60 s, seed included */
    w = open_world(spec);
    assert_int_equal(round_at(&w, 0, 10, 14), 10);
    assert_int_equal(w.out.able, HPA_SCALE_UP_STABILIZED);
    assert_int_equal(round_at(&w, 15, 10, 12), 10);
    assert_int_equal(round_at(&w, 60, 10, 14), 12); /* the seed is out, 12 of t = 15 is the lowest */
    assert_int_equal(w.out.able, HPA_SCALE_UP_STABILIZED);
    assert_int_equal(round_at(&w, 75, 10, 13), 13); /* 14 of t = 60 and 13 now */
    assert_int_equal(w.out.able, HPA_READY_FOR_NEW_SCALE);
    free(w.history);
}

static void test_both_windows_together(void **state)
{
    (void)state;
    spw_hpa spec = behavior_spec();
    spec.up.window_s = 120;
    spec.down.window_s = 120;
    world w = open_world(spec);
    /* between the lowest (4) and the highest (16) of the window the current count is left where it is */
    round_at(&w, 0, 10, 4);
    assert_int_equal(round_at(&w, 15, 10, 16), 10);
    assert_int_equal(round_at(&w, 30, 10, 4), 10);
    assert_int_equal(w.out.able, HPA_SCALE_DOWN_STABILIZED);
    free(w.history);
}

static void test_default_up_policies(void **state)
{
    (void)state;
    world w = open_world(behavior_spec());
    /* Max{3 + 4, 2 * 3} = 7 */
    assert_int_equal(step_at(&w, 0, 3, 100), 7);
    assert_int_equal(w.out.limited, HPA_SCALE_UP_LIMIT);
    /* 14 s later the +4 still counts: start 3, limit 7 */
    assert_int_equal(step_at(&w, 14, 7, 100), 7);
    assert_int_equal(w.out.limited, HPA_SCALE_UP_LIMIT);
    assert_int_equal(w.out.reason, SPW_WHY_NONE);
    /* exactly 15 s old is out of the period: Max{11, 14} */
    assert_int_equal(step_at(&w, 15, 7, 100), 14);
    free(w.history);
}

static void test_unwritten_scale_is_no_change(void **state)
{
    (void)state;
    world w = open_world(behavior_spec());
    assert_int_equal(round_at(&w, 0, 3, 100), 7);
    assert_int_equal(round_at(&w, 1, 3, 100), 7); /* the write failed: 3 again, not 3 - 4 */
    hpa_record_scale(w.history, at_s(1), 7, 7);   /* not a change either */
    assert_int_equal(round_at(&w, 2, 7, 100), 14);
    free(w.history);
}

static int32_t limit_of(bool up, spw_scaling_policy a, spw_scaling_policy b, spw_select select, int32_t current)
{
    const spw_scaling_policy policies[2] = {a, b};
    spw_hpa spec = behavior_spec();
    spec.replicas_min = 0;
    spec.down.window_s = 0;
    spw_scaling_rules *rules = up ? &spec.up : &spec.down;
    rules->policies = policies;
    rules->policy_count = b.value > 0 ? 2 : 1;
    rules->select = select;
    world w = open_world(spec);
    int32_t desired = round_at(&w, 0, current, up ? 1000 : 0);
    free(w.history);
    return desired;
}

static void test_percent_limits_are_binary64(void **state)
{
    (void)state;
    const spw_scaling_policy none = {0};
    const spw_scaling_policy ten = {SPW_SCALING_PERCENT, 10, 60};
    const spw_scaling_policy pods3 = {SPW_SCALING_PODS, 3, 60};
    /* trap: 1 + 10/100 is 1.1000000000000001 and times 100 is 110.00000000000001, rounded up: 111 */
    assert_int_equal(limit_of(true, ten, none, SPW_SELECT_MAX, 100), 111);
    assert_int_equal(limit_of(true, ten, none, SPW_SELECT_MAX, 15), 17); /* 16.5 */
    /* 1 + 14/100 times 50 is 57.00000000000001; 1 + 36/100 is 1.3599999999999999 (136/100 is not): 102, not 103 */
    assert_int_equal(limit_of(true, (spw_scaling_policy){SPW_SCALING_PERCENT, 14, 60}, none, SPW_SELECT_MAX, 50), 58);
    assert_int_equal(limit_of(true, (spw_scaling_policy){SPW_SCALING_PERCENT, 36, 60}, none, SPW_SELECT_MAX, 75), 102);
    assert_int_equal(limit_of(false, ten, none, SPW_SELECT_MAX, 100), 90);
    assert_int_equal(limit_of(false, ten, none, SPW_SELECT_MAX, 15), 13); /* 13.5 towards zero */
    /* 1 - 30/100 = 0.7 times 10 is 7.0; 1 - 90/100 = 0.09999999999999998 times 10 truncates to 0, not 1 */
    assert_int_equal(limit_of(false, (spw_scaling_policy){SPW_SCALING_PERCENT, 30, 60}, none, SPW_SELECT_MAX, 10), 7);
    assert_int_equal(limit_of(false, (spw_scaling_policy){SPW_SCALING_PERCENT, 90, 60}, none, SPW_SELECT_MAX, 10), 0);
    /* Max is the largest change, Min the smallest, in both directions; 50: 10 % is 56 (55.00000000000001) and 45 */
    assert_int_equal(limit_of(true, ten, pods3, SPW_SELECT_MAX, 50), 56);
    assert_int_equal(limit_of(true, ten, pods3, SPW_SELECT_MIN, 50), 53);
    assert_int_equal(limit_of(false, ten, pods3, SPW_SELECT_MAX, 50), 45);
    assert_int_equal(limit_of(false, ten, pods3, SPW_SELECT_MIN, 50), 47);
    assert_int_equal(limit_of(true, ten, pods3, SPW_SELECT_DISABLED, 50), 50);
    assert_int_equal(limit_of(false, ten, pods3, SPW_SELECT_DISABLED, 50), 50);
}

static void test_rates_count_both_directions(void **state)
{
    (void)state;
    const spw_scaling_policy up4 = {SPW_SCALING_PODS, 4, 60};
    const spw_scaling_policy down2 = {SPW_SCALING_PODS, 2, 60};
    spw_hpa spec = behavior_spec();
    spec.down.window_s = 0;
    spec.up.policies = &up4;
    spec.up.policy_count = 1;
    spec.down.policies = &down2;
    spec.down.policy_count = 1;
    world w = open_world(spec);
    hpa_record_scale(w.history, at_s(0), 10, 5);
    /* removed 5 within 60 s: the period began at 10, so 14 */
    assert_int_equal(round_at(&w, 30, 5, 100), 14);
    /* at 60 s the removal is out: 5 + 4 */
    assert_int_equal(round_at(&w, 60, 5, 100), 9);
    hpa_record_scale(w.history, at_s(60), 5, 9);
    /* added 4: the period began at 5, so 5 - 2 */
    assert_int_equal(round_at(&w, 75, 9, 1), 3);
    assert_int_equal(w.out.limited, HPA_SCALE_DOWN_LIMIT);
    /* growth used up: 9 - 4 + 4 = 9; and never below the current count: someone else removed 3, 6 - 4 + 4 = 6 */
    assert_int_equal(round_at(&w, 75, 9, 100), 9);
    assert_int_equal(w.out.limited, HPA_SCALE_UP_LIMIT);
    hpa_record_scale(w.history, at_s(76), 9, 12);
    /* 12 - 7 + 4 = 9 < 12: stays at 12 */
    assert_int_equal(round_at(&w, 77, 12, 100), 12);
    /* shrinking likewise never rises: start 12 - 7 + 10 = 15, limit 13 -> 12 */
    hpa_record_scale(w.history, at_s(77), 22, 12);
    assert_int_equal(round_at(&w, 78, 12, 1), 12);
    free(w.history);
}

static void test_outdated_change_keeps_its_slot(void **state)
{
    (void)state;
    const spw_scaling_policy up = {SPW_SCALING_PODS, 10, 15};
    const spw_scaling_policy down = {SPW_SCALING_PODS, 1, 1800};
    spw_hpa spec = behavior_spec();
    spec.down.window_s = 0;
    spec.up.policies = &up;
    spec.up.policy_count = 1;
    spec.down.policies = &down;
    spec.down.policy_count = 1;
    world w = open_world(spec);
    hpa_record_scale(w.history, at_s(0), 1, 6); /* +5, slot 0 */
    /* outdated for growth, yet the 1800 s of the other direction still see it: 6 - 5 - 1 = 0 -> min 1 */
    assert_int_equal(round_at(&w, 100, 6, 1), 1);
    hpa_record_scale(w.history, at_s(100), 6, 9);   /* +3 takes the outdated slot 0: the +5 is forgotten */
    assert_int_equal(round_at(&w, 200, 9, 1), 5);   /* 9 - 3 - 1 */
    hpa_record_scale(w.history, at_s(200), 9, 10);  /* +1, slot 0 */
    hpa_record_scale(w.history, at_s(210), 10, 12); /* +2, slot 1: the first is not outdated yet */
    hpa_record_scale(w.history, at_s(300), 12, 16); /* +4 takes slot 1, the last outdated: +1 remains */
    assert_int_equal(round_at(&w, 400, 16, 1), 10); /* 16 - (1 + 4) - 1 */
    free(w.history);
}

static void test_range_conditions_with_behavior(void **state)
{
    (void)state;
    spw_hpa spec = behavior_spec();
    spec.replicas_min = 4;
    spec.replicas_max = 14;
    spec.down.window_s = 0;
    world w = open_world(spec);
    assert_int_equal(round_at(&w, 0, 7, 100), 14); /* limit Max{11, 14} = 14 = max: the range is named, not the rate */
    assert_int_equal(w.out.limited, HPA_TOO_MANY_REPLICAS);
    assert_int_equal(round_at(&w, 1, 7, 2), 4);
    assert_int_equal(w.out.limited, HPA_TOO_FEW_REPLICAS);
    assert_int_equal(round_at(&w, 2, 7, 6), 6);
    assert_int_equal(w.out.limited, HPA_DESIRED_WITHIN_RANGE);
    free(w.history);
}

static void test_tolerance_per_direction(void **state)
{
    (void)state;
    const spw_hpa_metric metric = UTIL(50);
    spw_hpa spec = plain_spec(&metric, 1);
    spec.has_behavior = true;
    spec.up.tolerance_ppm = 300000;
    spec.down.tolerance_ppm = 0;
    hpa_pod pods[PODS_MAX];
    hpa_history *history = new_history(&spec);
    hpa_result out;
    const group loads[] = {RDY(50, 650), RDY(50, 660), RDY(50, 490), RDY(50, 500)};
    /* 1.3 <= 1 + 0.3: in; 1.32 * 50 = 66; 0.98 * 50 = 49 at tolerance 0; 1.0 is always in */
    const int32_t expected[] = {50, 66, 49, 50};
    for (size_t i = 0; i < 4; i++) {
        hpa_reading reading = {pods, expand(&loads[i], 1, pods), false, 0};
        hpa_input in = {at_s(NOW_S), 50, 50, 0, 0, false, &reading};
        hpa_decide(&spec, &in, history, &out);
        assert_int_equal(out.proposal, expected[i]);
    }
    spec.has_behavior = false; /* rules without has_behavior are not read: 1.3 is out of 0.1, 65 */
    hpa_reading reading = {pods, expand(&loads[0], 1, pods), false, 0};
    hpa_input in = {at_s(NOW_S), 50, 50, 0, 0, false, &reading};
    hpa_decide(&spec, &in, history, &out);
    assert_int_equal(out.proposal, 65);
    free(history);
}

static void test_scale_to_zero_and_back(void **state)
{
    (void)state;
    spw_hpa spec = plain_spec(&dial, 1);
    spec.replicas_min = 0;
    world w = open_world(spec);
    assert_int_equal(round_at(&w, 0, 0, 3), 0); /* somebody else set it to 0 */
    assert_true(w.out.disabled);
    free(w.history);

    w = open_world(spec);
    assert_int_equal(step_at(&w, 0, 2, 0), 2); /* window */
    assert_int_equal(step_at(&w, 301, 2, 0), 0);
    assert_int_equal(w.out.reason, SPW_WHY_METRIC_BELOW);
    assert_int_equal(step_at(&w, 316, 0, 0), 0); /* nothing to do */
    assert_true(w.out.active);
    assert_int_equal(round_at(&w, 331, 0, 3), 3); /* wakes up: at most max(0, 4) */
    assert_int_equal(round_at(&w, 332, 0, 9), 4);
    w.spec.replicas_min = 2; /* raised while asleep: 2 even if the metric says 1 */
    assert_int_equal(round_at(&w, 700, 0, 1), 2);
    assert_int_equal(round_at(&w, 1100, 0, 0), 2);
    assert_int_equal(w.out.reason, SPW_WHY_BELOW_MIN);
    hpa_record_scale(w.history, at_s(1100), 0, 2);
    assert_int_equal(round_at(&w, 1101, 0, 9), 0); /* now it was somebody else */
    free(w.history);

    spec = behavior_spec(); /* growth switched off: the raised floor alone wakes it */
    spec.replicas_min = 0;
    spec.up.select = SPW_SELECT_DISABLED;
    w = open_world(spec);
    hpa_record_scale(w.history, at_s(0), 3, 0);
    w.spec.replicas_min = 2;
    assert_int_equal(round_at(&w, 1, 0, 0), 2);
    assert_int_equal(w.out.reason, SPW_WHY_BELOW_MIN);
    assert_int_equal(w.out.limited, HPA_TOO_FEW_REPLICAS);
    free(w.history);

    w = open_world(plain_spec(&dial, 1)); /* min 1: a step to 0 was not the autoscaler's */
    hpa_record_scale(w.history, at_s(0), 3, 0);
    assert_int_equal(round_at(&w, 1, 0, 9), 0);
    assert_true(w.out.disabled);
    free(w.history);

    const spw_hpa_metric per_pod = PODAVG(1000); /* no OBJECT or EXTERNAL metric: 0 is never remembered as ours */
    spec = plain_spec(&per_pod, 1);
    spec.replicas_min = 0;
    w = open_world(spec);
    hpa_record_scale(w.history, at_s(0), 3, 0);
    assert_int_equal(round_at(&w, 1, 0, 9), 0);
    assert_true(w.out.disabled);
    free(w.history);
}

static void test_federated_zero(void **state)
{
    (void)state;
    spw_hpa spec = plain_spec(&dial, 1);
    spec.federated = true;
    world w = open_world(spec);
    assert_int_equal(round_at(&w, 0, 0, 3), 0); /* min 1: off */
    assert_true(w.out.disabled);
    w.spec.replicas_min = 0;
    assert_int_equal(round_at(&w, 1, 0, 3), 3); /* min 0: metrics, with nothing to calibrate */
    free(w.history);
}

/** All readings the same for a long time: the count moves to its place and stays. */
static void test_constant_input_does_not_oscillate(void **state)
{
    (void)state;
    for (int behavior = 0; behavior < 2; behavior++) {
        spw_hpa spec = plain_spec(&dial, 1);
        spec.has_behavior = behavior == 1;
        world w = open_world(spec);
        int32_t current = 40;
        int turns = 0;
        int previous_sign = 0;
        for (int32_t t = 0; t < 3000; t += 15) {
            int32_t to = step_at(&w, t, current, 23);
            int sign = (to > current) - (to < current);
            turns += sign != 0 && previous_sign != 0 && sign != previous_sign;
            previous_sign = sign != 0 ? sign : previous_sign;
            current = to;
        }
        assert_int_equal(current, 23);
        assert_int_equal(turns, 0);
        free(w.history);
    }
}

static void test_fill_requests_and_names(void **state)
{
    (void)state;
    hpa_pod pods[3] = {{.request_milli = 0}, {.request_milli = 500}, {.request_milli = 700}};
    hpa_fill_requests(pods, 3);
    assert_int_equal(pods[0].request_milli, 700);
    assert_int_equal(pods[1].request_milli, 500);
    pods[0].request_milli = 0;
    hpa_fill_requests(pods, 1);
    assert_int_equal(pods[0].request_milli, 0);
    assert_string_equal(hpa_condition_name(HPA_SCALE_DOWN_LIMIT), "ScaleDownLimit");
    assert_string_equal(hpa_condition_name(HPA_TOO_FEW_REPLICAS), "TooFewReplicas");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metric_table),
        cmocka_unit_test(test_guards_come_first),
        cmocka_unit_test(test_several_metrics),
        cmocka_unit_test(test_plain_growth_is_at_most_double_or_four),
        cmocka_unit_test(test_plain_window_is_inclusive_and_seeded),
        cmocka_unit_test(test_plain_old_recommendation_can_raise),
        cmocka_unit_test(test_behavior_windows_are_exclusive),
        cmocka_unit_test(test_both_windows_together),
        cmocka_unit_test(test_default_up_policies),
        cmocka_unit_test(test_unwritten_scale_is_no_change),
        cmocka_unit_test(test_percent_limits_are_binary64),
        cmocka_unit_test(test_rates_count_both_directions),
        cmocka_unit_test(test_outdated_change_keeps_its_slot),
        cmocka_unit_test(test_range_conditions_with_behavior),
        cmocka_unit_test(test_tolerance_per_direction),
        cmocka_unit_test(test_scale_to_zero_and_back),
        cmocka_unit_test(test_federated_zero),
        cmocka_unit_test(test_constant_input_does_not_oscillate),
        cmocka_unit_test(test_fill_requests_and_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
