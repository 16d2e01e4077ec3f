/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_descheduler.c - replicas that stay without a node though the snapshot shows room for them; the age before which
 * a replica is not moved, and the limit of moves into one cluster. By hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/mend.h"
#include "tests/support/toy.h"

#define S SPW_NS_PER_S

enum { IDC, ACK, THIRD };

/** 4 GPUs in each of two groups; only `real` of those in idc can be had, though all look free. */
typedef struct world {
    toy t;
    int real;
} world;

static void make(world *w, int real, spw_dur cooldown)
{
    static const char *const groups[] = {"idc", "ack"};
    toy_init(&w->t);
    (void)toy_cluster(&w->t, "idc");
    (void)toy_cluster(&w->t, "ack");
    (void)toy_pool_add(&w->t, IDC, "own", SPW_CAPACITY_OWNED, 4, 4);
    (void)toy_pool_add(&w->t, ACK, "own", SPW_CAPACITY_OWNED, 4, 4);
    w->real = real;
    w->t.policy.unschedulable_after = 30 * S;
    w->t.policy.deschedule_cooldown = cooldown;
    w->t.policy.failback_window = 0;
    w->t.template_replicas[0] = 3;
    toy_start(&w->t, groups, 2);
}

static void bind_real_ones(world *w)
{
    toy_settle(&w->t);
    if (w->t.scheduled[0][IDC] > w->real) {
        w->t.scheduled[0][IDC] = w->t.is_ready[0][IDC] = w->real;
        w->t.pool[0].used = w->real;
    }
}

static void tick_at(world *w, int second, const char *text)
{
    w->t.now = second * S;
    (void)toy_tick(&w->t);
    if (text != NULL && strcmp(toy_text(&w->t), text) != 0) {
        fail_msg("at %d s:\n%sinstead of\n%s", second, toy_text(&w->t), text);
    }
    bind_real_ones(w);
}

static void the_rule(void **state)
{
    (void)state;
    assert_int_equal(mend_target(10, 6, 3), 7);
    assert_int_equal(mend_target(10, 8, 3), 8);   /* never below what is ready */
    assert_int_equal(mend_target(10, 10, 3), 10); /* all ready */
    assert_int_equal(mend_target(10, 0, 10), 0);
    assert_int_equal(mend_target(3, 0, 5), 3); /* more stuck than assigned: counts that do not fit together */
    assert_int_equal(mend_target(3, 0, 0), 3);
}

static void placed_elsewhere_after_the_threshold(void **state)
{
    (void)state;
    world w;
    make(&w, 1, 600 * S);
    tick_at(&w, 0, "place prod/chat idc 0 -> 3  fill-idle\n");
    tick_at(&w, 15, "route prod/chat idc 0 -> 1000000  route-ready\n");
    tick_at(&w, 30, "");
    tick_at(&w, 45,
            "place prod/chat ack 0 -> 2  overflow-idle\n"
            "place prod/chat idc 3 -> 1  descheduled\n");
    tick_at(&w, 60,
            "route prod/chat ack 0 -> 666667  route-ready\n"
            "route prod/chat idc 1000000 -> 333333  route-ready\n");
    for (int second = 75; second < 645; second += 15) {
        tick_at(&w, second, ""); /* idc looks free; nothing moves back during the cool-down */
    }
    tick_at(&w, 645, "place prod/chat idc 1 -> 3  move-in\n");
    toy_end(&w.t);
}

/** A picture that stays the same because no new one comes says nothing: a watch that went silent moves nobody. */
static void an_old_picture_is_no_evidence(void **state)
{
    (void)state;
    world w;
    make(&w, 1, 600 * S);
    tick_at(&w, 0, "place prod/chat idc 0 -> 3  fill-idle\n");
    tick_at(&w, 15, "route prod/chat idc 0 -> 1000000  route-ready\n");
    for (int second = 30; second <= 90; second += 15) {
        w.t.age[IDC] = (second - 15) * S;
        tick_at(&w, second, "");
    }
    w.t.age[IDC] = 0;
    tick_at(&w, 105,
            "place prod/chat ack 0 -> 2  overflow-idle\n"
            "place prod/chat idc 3 -> 1  descheduled\n");
    toy_end(&w.t);
}

/** Without a cool-down the room that is not there is believed in again at once: in and out for ever. */
static void ping_pong_without_a_cooldown(void **state)
{
    (void)state;
    int rounds[2] = {0, 0};
    for (int k = 0; k < 2; k++) {
        world w;
        make(&w, 1, k == 0 ? 0 : 600 * S);
        for (int second = 0; second < 600; second += 15) {
            tick_at(&w, second, NULL);
            rounds[k] += strstr(toy_text(&w.t), "descheduled") != NULL ? 1 : 0;
        }
        toy_end(&w.t);
    }
    assert_int_equal(rounds[1], 1);
    assert_true(rounds[0] >= 9); /* in, two ticks of waiting, out: every 60 s */
}

/** More wanted while idc is barred: all of it goes elsewhere, and the rest waits. */
static void barred_for_growth_too(void **state)
{
    (void)state;
    world w;
    make(&w, 0, 600 * S);
    tick_at(&w, 0, "place prod/chat idc 0 -> 3  fill-idle\n");
    tick_at(&w, 15, "");
    tick_at(&w, 45,
            "place prod/chat ack 0 -> 3  overflow-idle\n"
            "place prod/chat idc 3 -> 0  descheduled\n");
    w.t.template_replicas[0] = 6;
    tick_at(&w, 60,
            "place prod/chat ack 3 -> 4  overflow-idle\n"
            "route prod/chat ack 0 -> 1000000  route-ready\n");
    assert_int_equal(spw_plan_outcome_at(w.t.plan, 0)->unplaced, 2);
    toy_end(&w.t);
}

/** Bound in time; too few wait for the whole threshold; waiting for ordered nodes; off. */
static void left_alone(void **state)
{
    (void)state;
    world w;
    make(&w, 1, 600 * S);
    tick_at(&w, 0, "place prod/chat idc 0 -> 3  fill-idle\n");
    tick_at(&w, 15, NULL);
    w.real = 4;
    bind_real_ones(&w);
    tick_at(&w, 45, "");
    w.t.scheduled[0][IDC] = w.t.is_ready[0][IDC] = w.t.pool[0].used = 2; /* a pod is restarted: a new clock */
    w.t.now = 60 * S;
    (void)toy_tick(&w.t);
    assert_string_equal(toy_text(&w.t), "");
    w.t.now = 89 * S;
    (void)toy_tick(&w.t);
    assert_string_equal(toy_text(&w.t), "");
    toy_end(&w.t);

    make(&w, 1, 600 * S);
    w.t.policy.unschedulable_after = 0;
    toy_restart(&w.t);
    tick_at(&w, 0, "place prod/chat idc 0 -> 3  fill-idle\n");
    tick_at(&w, 15, NULL);
    tick_at(&w, 600, "");
    toy_end(&w.t);

    make(&w, 4, 600 * S);
    w.t.pool[0] = (toy_pool){.name = "od",
                             .capacity = SPW_CAPACITY_ON_DEMAND,
                             .gpus_per_node = 1,
                             .gpu = "RTX-5090",
                             .max = 4,
                             .stock = -1,
                             .price = 1};
    w.t.now = 0;
    (void)toy_tick(&w.t);
    for (int second = 15; second <= 600; second += 15) {
        w.t.now = second * S; /* ordered and not there yet: that is for the provision deadline */
        (void)toy_tick(&w.t);
        assert_string_equal(toy_text(&w.t), "");
    }
    assert_int_equal(w.t.assigned[0][IDC], 3);
    toy_end(&w.t);
}

/** Two wait, one of them binds, another pod loses its node: one has been waiting all the time. */
static void the_least_over_the_threshold(void **state)
{
    (void)state;
    world w;
    make(&w, 1, 600 * S);
    tick_at(&w, 0, NULL);
    w.real = 2;
    tick_at(&w, 15, "route prod/chat idc 0 -> 1000000  route-ready\n");
    w.real = 1;
    tick_at(&w, 30, "");
    tick_at(&w, 45,
            "place prod/chat ack 0 -> 1  overflow-idle\n"
            "place prod/chat idc 3 -> 2  descheduled\n");
    toy_end(&w.t);
}

static void clocks_survive_a_restart(void **state)
{
    (void)state;
    static unsigned char bytes[65536];
    world w;
    make(&w, 0, 600 * S);
    static const struct {
        int second;
        const char *text;
    } steps[] = {{0, "place prod/chat idc 0 -> 3  fill-idle\n"},
                 {15, ""},
                 {45, "place prod/chat ack 0 -> 3  overflow-idle\nplace prod/chat idc 3 -> 0  descheduled\n"},
                 {60, "route prod/chat ack 0 -> 1000000  route-ready\n"},
                 {630, ""},
                 {645, "place prod/chat idc 0 -> 2  move-in\n"}};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        tick_at(&w, steps[i].second, steps[i].text);
        size_t size = spw_state_size(w.t.core);
        assert_int_equal(spw_state_save(w.t.core, bytes, sizeof bytes), SPW_OK);
        toy_restart(&w.t);
        assert_int_equal(spw_state_load(w.t.core, bytes, size), SPW_OK);
    }
    toy_end(&w.t);
}

/** Two replicas in ack, then room in idc. The toy's pods all started at 0 s. */
static void the_young_are_not_moved(void **state)
{
    (void)state;
    world w;
    make(&w, 4, 0);
    w.t.policy.dwell = 600 * S;
    w.t.pool[0].nodes = w.t.pool[0].target = 1;
    toy_restart(&w.t);
    tick_at(&w, 0,
            "place prod/chat ack 0 -> 2  overflow-idle\n"
            "place prod/chat idc 0 -> 1  fill-idle\n");
    w.t.pool[0].nodes = w.t.pool[0].target = 4;
    tick_at(&w, 15, NULL);
    tick_at(&w, 599, "");
    tick_at(&w, 600, "place prod/chat idc 1 -> 3  move-in\n");
    toy_end(&w.t);
}

static void so_many_into_a_cluster(void **state)
{
    (void)state;
    static const char *const groups[] = {"idc,ack", "third"};
    for (int limit = 0; limit <= 2; limit++) {
        toy t;
        toy_init(&t);
        for (int c = 0; c < 3; c++) {
            static const char *const names[] = {"idc", "ack", "third"};
            (void)toy_cluster(&t, names[c]);
            (void)toy_pool_add(&t, c, "own", SPW_CAPACITY_OWNED, c == THIRD ? 6 : 0, c == THIRD ? 6 : 0);
        }
        t.policy.failback_window = 0;
        t.policy.moves_per_tick = 5;
        t.policy.moves_per_cluster = limit;
        t.template_replicas[0] = 6;
        toy_start(&t, groups, 2);
        (void)toy_tick(&t);
        toy_settle(&t);
        assert_int_equal(t.assigned[0][THIRD], 6);
        t.pool[IDC].nodes = t.pool[IDC].target = t.pool[IDC].min = t.pool[IDC].max = 4;
        t.pool[ACK].nodes = t.pool[ACK].target = t.pool[ACK].min = t.pool[ACK].max = 3;
        t.now = 15 * S;
        (void)toy_tick(&t);
        int moved = limit == 0 ? 5 : 2 * limit;
        assert_int_equal(spw_plan_outcome_at(t.plan, 0)->moved, moved);
        assert_int_equal(t.assigned[0][IDC] + t.assigned[0][ACK], moved);
        assert_true(limit == 0 || (t.assigned[0][IDC] == limit && t.assigned[0][ACK] == limit));
        toy_end(&t);
    }
}

/** On after 30 s for ACK One's kind, off for Karmada's, where it waits for 5 min once it is on. */
static void knobs(void **state)
{
    (void)state;
    static const struct {
        const char *api, *notes;
        int after, cooldown, dwell, moves;
    } cases[] = {
        {"policy.one.alibabacloud.com", "", 30, 600, 0, 0},
        {"policy.one.alibabacloud.com", "deschedule: 'off'", 0, 600, 0, 0},
        {"policy.karmada.io", "", 0, 600, 0, 0},
        {"policy.karmada.io", "deschedule: 'on'", 300, 600, 0, 0},
        {"policy.karmada.io",
         "deschedule: 'on', spillway.dev/unschedulable-after: 45s, spillway.dev/deschedule-cooldown: 0s, "
         "spillway.dev/dwell: 2m, spillway.dev/moves-per-cluster: '3'",
         45, 0, 120, 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[1024];
        const spw_config *config = NULL;
        spw_diag *diag = NULL;
        spw_manifest_set *set = spw_manifest_new(NULL);
        assert_int_equal(spw_diag_new(NULL, 8, &diag), SPW_OK);
        (void)snprintf(text, sizeof text,
                       "apiVersion: %s/v1alpha1\nkind: PropagationPolicy\nmetadata: {name: p, annotations: {%s%s}}\n"
                       "spec: {resourceSelectors: [{apiVersion: apps/v1, kind: Deployment}]}\n",
                       cases[i].api, cases[i].notes[0] == '\0' ? "" : "spillway.dev/", cases[i].notes);
        if (spw_manifest_add_text(set, "f", text, strlen(text), diag) != SPW_OK) {
            fail_msg("%s", spw_diag_at(diag, 0));
        }
        assert_int_equal(spw_manifest_config(set, diag, &config), SPW_OK);
        const spw_policy *p = &config->policies[0];
        assert_true(p->unschedulable_after == cases[i].after * S);
        assert_true(p->deschedule_cooldown == cases[i].cooldown * S);
        assert_true(p->dwell == cases[i].dwell * S);
        assert_int_equal(p->moves_per_cluster, cases[i].moves);
        spw_manifest_free(set);
        spw_diag_free(diag);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rule),
        cmocka_unit_test(placed_elsewhere_after_the_threshold),
        cmocka_unit_test(an_old_picture_is_no_evidence),
        cmocka_unit_test(ping_pong_without_a_cooldown),
        cmocka_unit_test(barred_for_growth_too),
        cmocka_unit_test(left_alone),
        cmocka_unit_test(the_least_over_the_threshold),
        cmocka_unit_test(knobs),
        cmocka_unit_test(clocks_survive_a_restart),
        cmocka_unit_test(the_young_are_not_moved),
        cmocka_unit_test(so_many_into_a_cluster),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
