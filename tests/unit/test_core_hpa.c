/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_core_hpa.c - the autoscaler inside the core: what it is shown, when it runs, what becomes of its answer. The
 * arithmetic of the autoscaler itself has its own tests.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/toy.h"

#define S SPW_NS_PER_S

static const spw_hpa_metric LOAD = {
    .kind = SPW_METRIC_PODS, .target_kind = SPW_TARGET_AVERAGE_VALUE, .target = 1000, .name = "load"};

/** Two clusters of one group, 20 nodes each, four ready replicas (two on each) and an autoscaler 2..16. */
static void make(toy *t)
{
    static const char *const groups[] = {"a,b"};
    toy_init(t);
    (void)toy_pool_add(t, toy_cluster(t, "a"), "own", SPW_CAPACITY_OWNED, 20, 20);
    (void)toy_pool_add(t, toy_cluster(t, "b"), "own", SPW_CAPACITY_OWNED, 20, 20);
    t->hpa = (spw_hpa){.name = "prod/chat",
                       .replicas_min = 2,
                       .replicas_max = 16,
                       .metrics = &LOAD,
                       .metric_count = 1,
                       .up = {.window_s = -1, .select = SPW_SELECT_MAX, .tolerance_ppm = -1},
                       .down = {.window_s = -1, .select = SPW_SELECT_MAX, .tolerance_ppm = -1},
                       .sync_s = 15};
    t->work[0].hpa = 0;
    t->template_replicas[0] = 4;
    t->assigned[0][0] = t->assigned[0][1] = 2;
    t->now = 3600 * S; /* pods are long past their start */
    toy_start(t, groups, 1);
    toy_settle(t);
    t->metric_milli[0] = 1000;
    (void)toy_tick(t);
    assert_null(strstr(toy_text(t), "scale"));
}

static void next(toy *t, int64_t seconds)
{
    toy_settle(t);
    t->now += seconds * S;
    (void)toy_tick(t);
}

static bool says(toy *t, const char *text)
{
    return strstr(toy_text(t), text) != NULL;
}

static void scales_and_places_in_one_plan(void **state)
{
    (void)state;
    toy t;
    make(&t);
    t.metric_milli[0] = 2000; /* 4 pods x 2 = 8 */
    next(&t, 15);
    assert_string_equal(toy_text(&t), "scale prod/chat 4 -> 8  metric-above\n"
                                      "place prod/chat a 2 -> 4  fill-idle\n"
                                      "place prod/chat b 2 -> 4  fill-idle\n");
    assert_int_equal(t.template_replicas[0], 8);
    assert_int_equal(spw_plan_outcome_at(t.plan, 0)->desired, 8);
    assert_int_equal(spw_plan_outcome_at(t.plan, 0)->scale_reason, SPW_WHY_METRIC_ABOVE);
    t.metric_milli[0] = 1000;
    next(&t, 15);
    assert_string_equal(toy_text(&t), "");
    toy_end(&t);
}

/** Down only when the window of 300 s has passed, with the reason of a scale-in. */
static void shrinks_after_its_window(void **state)
{
    (void)state;
    toy t;
    make(&t);
    t.metric_milli[0] = 500;
    spw_time since = t.now;
    while (t.template_replicas[0] == 4 && t.now < since + 1000 * S) {
        next(&t, 15);
    }
    assert_true(t.now - since >= 300 * S && t.now - since <= 315 * S);
    assert_true(says(&t, "scale prod/chat 4 -> 2  metric-below\n"));
    assert_true(says(&t, "scale-in"));
    toy_end(&t);
}

static void runs_once_per_sync_period(void **state)
{
    (void)state;
    toy t;
    make(&t);
    t.metric_milli[0] = 2000;
    next(&t, 5);
    assert_string_equal(toy_text(&t), "");
    next(&t, 5);
    assert_string_equal(toy_text(&t), "");
    next(&t, 5);
    assert_true(says(&t, "scale prod/chat 4 -> 8"));
    toy_end(&t);
}

/** Two pods in 60 s: the second step has to wait, so the first was written into the history; across a restart, too. */
static void rates_count_what_was_scaled(void **state)
{
    (void)state;
    static const spw_scaling_policy slow[] = {{SPW_SCALING_PODS, 2, 60}};
    for (int restart = 0; restart < 2; restart++) {
        toy t;
        make(&t);
        t.hpa.has_behavior = true;
        t.hpa.up.policies = slow;
        t.hpa.up.policy_count = 1;
        toy_restart(&t);
        t.metric_milli[0] = 4000;
        next(&t, 15);
        assert_true(says(&t, "scale prod/chat 4 -> 6"));
        spw_time first = t.now;
        if (restart == 1) {
            static unsigned char bytes[65536];
            size_t size = spw_state_size(t.core);
            assert_int_equal(spw_state_save(t.core, bytes, sizeof bytes), SPW_OK);
            toy_restart(&t);
            assert_int_equal(spw_state_load(t.core, bytes, size), SPW_OK);
        }
        while (t.template_replicas[0] == 6 && t.now < first + 300 * S) {
            next(&t, 15);
        }
        assert_int_equal(t.template_replicas[0], 8);
        assert_true(t.now - first >= 60 * S && t.now - first <= 75 * S);
        toy_end(&t);
    }
}

/** Half the load, 240 s of a window of 300 s. With its state the rest is 60 s; without it the window begins again. */
static void a_lost_history_begins_its_window_again(void **state)
{
    (void)state;
    static unsigned char bytes[65536];
    for (int lost = 0; lost < 2; lost++) {
        toy t;
        make(&t);
        t.metric_milli[0] = 500;
        spw_time since = t.now; /* the last time that 4 was the advice */
        while (t.now < since + 240 * S) {
            next(&t, 15);
        }
        size_t size = spw_state_size(t.core);
        assert_int_equal(spw_state_save(t.core, bytes, sizeof bytes), SPW_OK);
        toy_restart(&t);
        if (lost == 0) {
            assert_int_equal(spw_state_load(t.core, bytes, size), SPW_OK);
        }
        spw_time restart = t.now;
        while (t.template_replicas[0] == 4 && t.now < since + 1000 * S) {
            next(&t, 15);
        }
        spw_time from = lost == 0 ? since : restart + 15 * S; /* the first call seeds with the count of that time */
        assert_true(t.now - from >= 300 * S && t.now - from <= 315 * S);
        toy_end(&t);
    }
}

/** Old input: no shrinking; growth goes on. */
static void stale_input_freezes_shrinking(void **state)
{
    (void)state;
    toy t;
    make(&t);
    t.metric_milli[0] = 500;
    t.age[1] = 121 * S;
    for (int i = 0; i < 60; i++) {
        next(&t, 15);
    }
    assert_int_equal(t.template_replicas[0], 4);
    t.metric_milli[0] = 2000;
    next(&t, 15);
    assert_int_equal(t.template_replicas[0], 8);
    assert_int_equal(t.assigned[0][1], 2); /* and none of it to the cluster that is not seen */
    assert_int_equal(t.assigned[0][0], 6);
    toy_end(&t);
}

/**
 * A FederatedHPA divides by (replicas on members) / (replicas of the template). Template 4, members hold 2, both pods
 * at twice the target: 2 x 2 = 4 pods, divided by 2/4 is 8. A plain autoscaler stays at 4.
 */
static void federated_calibration(void **state)
{
    (void)state;
    for (int federated = 0; federated < 2; federated++) {
        toy t;
        make(&t);
        t.hpa.federated = federated == 1;
        t.assigned[0][0] = 2;
        t.assigned[0][1] = 0;
        toy_settle(&t);
        t.metric_milli[0] = 2000;
        toy_restart(&t);
        t.now += 15 * S;
        (void)toy_tick(&t);
        assert_int_equal(t.template_replicas[0], federated == 1 ? 8 : 4);
        toy_end(&t);
    }
}

/* Half the load on 4, so 2 are asked for: what comes of it when a core begins with this history. */
static int32_t begins_with(toy *t, const spw_history_rows *history)
{
    spw_snapshot snap = *toy_snapshot(t);
    snap.history = *history;
    assert_int_equal(spw_snapshot_check(&snap, NULL), SPW_OK);
    assert_int_equal(spw_decide(t->core, &snap, t->plan, NULL), SPW_OK);
    return spw_plan_outcome_at(t->plan, 0)->desired;
}

/** Without a state, what the snapshot says of before counts; with one, nothing of it. */
static void a_history_is_told(void **state)
{
    (void)state;
    static unsigned char bytes[65536];
    static const spw_scaling_policy slow[] = {{SPW_SCALING_PODS, 1, 600}};
    toy t;
    make(&t);
    t.metric_milli[0] = 500;
    spw_id work[] = {0, 0};
    spw_time at[] = {t.now - 400 * S, t.now - 200 * S};
    int32_t recommended[] = {16, 3};
    int32_t none[] = {-1, -1};
    spw_history_rows told = {2, work, at, recommended, none, none};
    size_t size = spw_state_size(t.core);
    assert_int_equal(spw_state_save(t.core, bytes, sizeof bytes), SPW_OK);
    toy_restart(&t);
    assert_int_equal(begins_with(&t, &(spw_history_rows){0}), 4); /* begins with the count there is */
    toy_restart(&t);
    assert_int_equal(begins_with(&t, &told), 3); /* 16 is older than the window */
    toy_restart(&t);
    assert_int_equal(spw_state_load(t.core, bytes, size), SPW_OK);
    t.now += 15 * S;
    assert_int_equal(begins_with(&t, &told), 4);

    t.hpa.has_behavior = true; /* one a period may go, and that one went already */
    t.hpa.down.window_s = 0;
    t.hpa.down.policies = slow;
    t.hpa.down.policy_count = 1;
    toy_restart(&t);
    assert_int_equal(begins_with(&t, &(spw_history_rows){0}), 3);
    toy_restart(&t);
    int32_t from[] = {-1, 5};
    int32_t to[] = {-1, 4};
    recommended[1] = -1;
    assert_int_equal(begins_with(&t, &(spw_history_rows){2, work, at, recommended, from, to}), 4);
    toy_end(&t);
}

static void bounds_have_their_reasons(void **state)
{
    (void)state;
    toy t;
    make(&t);
    t.template_replicas[0] = 20;
    next(&t, 15);
    assert_true(says(&t, "scale prod/chat 20 -> 16  above-max\n"));
    t.template_replicas[0] = 1;
    next(&t, 15);
    assert_true(says(&t, "scale prod/chat 1 -> 2  below-min\n"));
    toy_end(&t);
}

/** External metrics come by workload; of two rows of one instant the order must not matter. */
static void external_values(void **state)
{
    (void)state;
    static const spw_hpa_metric queue = {
        .kind = SPW_METRIC_EXTERNAL, .target_kind = SPW_TARGET_AVERAGE_VALUE, .target = 1000, .name = "queue"};
    for (int turned = 0; turned < 2; turned++) {
        toy t;
        make(&t);
        t.hpa.metrics = &queue;
        toy_restart(&t);
        t.now += 15 * S;
        spw_snapshot snap = *toy_snapshot(&t);
        spw_id work[] = {0, 0, 0};
        uint64_t metric[] = {spw_key("queue"), spw_key("queue"), spw_key("other")};
        int64_t value[] = {turned == 1 ? 5500 : 2500, turned == 1 ? 2500 : 5500, 99000};
        spw_time observed[] = {t.now, t.now, t.now};
        snap.values = (spw_value_rows){3, work, metric, value, observed};
        assert_int_equal(spw_decide(t.core, &snap, t.plan, NULL), SPW_OK);
        assert_int_equal(spw_plan_at(t.plan, 0)->verb, SPW_VERB_SCALE);
        assert_int_equal(spw_plan_at(t.plan, 0)->amount, 6); /* ceil(5.5 / 1) */
        toy_end(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scales_and_places_in_one_plan),
        cmocka_unit_test(shrinks_after_its_window),
        cmocka_unit_test(runs_once_per_sync_period),
        cmocka_unit_test(rates_count_what_was_scaled),
        cmocka_unit_test(a_lost_history_begins_its_window_again),
        cmocka_unit_test(stale_input_freezes_shrinking),
        cmocka_unit_test(federated_calibration),
        cmocka_unit_test(a_history_is_told),
        cmocka_unit_test(bounds_have_their_reasons),
        cmocka_unit_test(external_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
