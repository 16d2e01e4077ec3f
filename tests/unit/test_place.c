/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_place.c - ordered fill, overflow, reverse release, make-before-break, through the whole core. Worked by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/toy.h"

#define S SPW_NS_PER_S

static int idc, ack, bj;

/** idc: 4 owned GPUs; ack: up to 3 on demand; bj: up to 2 spot. Groups in that order. */
static void three_groups(toy *t)
{
    toy_init(t);
    idc = toy_cluster(t, "idc");
    ack = toy_cluster(t, "ack");
    bj = toy_cluster(t, "bj");
    (void)toy_pool_add(t, idc, "own", SPW_CAPACITY_OWNED, 4, 4);
    (void)toy_pool_add(t, ack, "od", SPW_CAPACITY_ON_DEMAND, 0, 3);
    (void)toy_pool_add(t, bj, "spot", SPW_CAPACITY_SPOT, 0, 2);
    static const char *const groups[] = {"idc", "ack", "bj"};
    toy_start(t, groups, 3);
}

static void ticks(toy *t, int n)
{
    for (int i = 0; i < n; i++) {
        (void)toy_tick(t);
        toy_settle(t);
        t->now += 15 * S;
    }
}

static void fills_in_order(void **state)
{
    (void)state;
    toy t;
    three_groups(&t);
    t.template_replicas[0] = 3;
    (void)toy_tick(&t);
    assert_string_equal(toy_text(&t), "place prod/chat idc 0 -> 3  fill-idle\n");
    toy_settle(&t);
    t.now += 15 * S;
    t.template_replicas[0] = 8;
    (void)toy_tick(&t);
    assert_string_equal(toy_text(&t), "place prod/chat ack 0 -> 3  overflow-elastic\n"
                                      "place prod/chat bj 0 -> 1  overflow-elastic\n"
                                      "place prod/chat idc 3 -> 4  fill-idle\n"
                                      "provision ack od 0 -> 3  nodes-for-pending\n"
                                      "provision bj spot 0 -> 1  nodes-for-pending\n"
                                      "route prod/chat idc 0 -> 1000000  route-ready\n");
    const spw_outcome *out = spw_plan_outcome_at(t.plan, 0);
    assert_int_equal(out->tiers[0].idle, 4);
    assert_int_equal(out->tiers[1].elastic, 3);
    assert_int_equal(out->tiers[2].elastic, 1);
    assert_int_equal(out->unplaced, 0);
    toy_end(&t);
}

static void partial_keeps_the_rest_pending(void **state)
{
    (void)state;
    toy t;
    three_groups(&t);
    t.template_replicas[0] = 12; /* 4 + 3 + 2 fit */
    ticks(&t, 3);
    assert_int_equal(t.assigned[0][idc], 4);
    assert_int_equal(t.assigned[0][ack], 3);
    assert_int_equal(t.assigned[0][bj], 2);
    assert_int_equal(spw_plan_outcome_at(t.plan, 0)->unplaced, 3);
    (void)toy_tick(&t);
    assert_string_equal(toy_text(&t), ""); /* a constant world: no action, no oscillation */
    toy_end(&t);
}

static void strict_places_nothing_that_does_not_fit_whole(void **state)
{
    (void)state;
    toy t;
    three_groups(&t);
    t.policy.partial = false;
    toy_restart(&t);
    t.template_replicas[0] = 12;
    (void)toy_tick(&t);
    assert_string_equal(toy_text(&t), "");
    assert_int_equal(spw_plan_outcome_at(t.plan, 0)->unplaced, 12);
    toy_end(&t);
}

static void releases_in_reverse(void **state)
{
    (void)state;
    toy t;
    three_groups(&t);
    t.template_replicas[0] = 9;
    ticks(&t, 3);
    t.template_replicas[0] = 6;
    (void)toy_tick(&t);
    assert_non_null(strstr(toy_text(&t), "place prod/chat bj 2 -> 0  scale-in\n"));
    assert_non_null(strstr(toy_text(&t), "place prod/chat ack 3 -> 2  scale-in\n"));
    assert_null(strstr(toy_text(&t), "place prod/chat idc"));
    toy_settle(&t);
    t.now += 15 * S;
    t.template_replicas[0] = 4;
    ticks(&t, 1);
    assert_int_equal(t.assigned[0][ack], 0);
    assert_int_equal(t.assigned[0][idc], 4);
    /* empty nodes are kept for the unneeded time (10 min), then go. At 60 s two of bj were seen empty and one of ack;
       the other two of ack a tick later: they have to be seen empty for a whole window of their own */
    assert_int_equal(t.pool[2].target, 2);
    ticks(&t, 39);
    assert_int_equal(t.pool[2].target, 2);
    assert_int_equal(t.pool[1].target, 3);
    ticks(&t, 1);
    assert_string_equal(toy_text(&t), "release bj spot 2 -> 0  nodes-unneeded\n"
                                      "release ack od 3 -> 2  nodes-unneeded\n");
    ticks(&t, 40);
    assert_int_equal(t.pool[1].target, 2);
    ticks(&t, 1);
    assert_string_equal(toy_text(&t), "release ack od 2 -> 0  nodes-unneeded\n");
    assert_int_equal(t.pool[0].target, 4);
    toy_end(&t);
}

/** Room in group 1 that lasts: replicas come back, two a tick, each copy ready before the old one goes. */
static void failback_is_make_before_break(void **state)
{
    (void)state;
    toy t;
    three_groups(&t);
    t.works = 1;
    t.template_replicas[0] = 7;
    t.pool[0].nodes = t.pool[0].target = 4;
    ticks(&t, 3);
    assert_int_equal(t.assigned[0][ack], 3);
    t.pool[0].min = t.pool[0].max = t.pool[0].target = t.pool[0].nodes = 8; /* 4 more owned GPUs appear */
    ticks(&t, 20);
    assert_int_equal(t.assigned[0][idc], 4); /* 300 s have not passed */
    (void)toy_tick(&t);
    assert_string_equal(toy_text(&t), "place prod/chat idc 4 -> 6  move-in\n");
    t.now += 15 * S;
    (void)toy_tick(&t); /* the copies are not ready: nothing leaves ack; the next move may begin */
    assert_null(strstr(toy_text(&t), "move-out"));
    assert_int_equal(t.assigned[0][ack], 3);
    toy_settle(&t);
    t.now += 15 * S;
    (void)toy_tick(&t);
    assert_non_null(strstr(toy_text(&t), "place prod/chat ack 3 -> 0  move-out\n"));
    int total = t.assigned[0][idc] + t.assigned[0][ack];
    assert_int_equal(total, 7);
    toy_end(&t);
}

static void a_lost_node_is_replaced(void **state)
{
    (void)state;
    toy t;
    three_groups(&t);
    t.template_replicas[0] = 6;
    ticks(&t, 3);
    /* one on-demand node vanishes with its replica; its pool's record follows */
    t.pool[1].nodes = t.pool[1].target = 1;
    t.pool[1].used = 1;
    t.scheduled[0][ack] = t.is_ready[0][ack] = 1;
    (void)toy_tick(&t);
    assert_non_null(strstr(toy_text(&t), "provision ack od 1 -> 2  nodes-for-pending\n"));
    assert_null(strstr(toy_text(&t), "place"));
    toy_end(&t);
}

static void late_nodes_are_given_up(void **state)
{
    (void)state;
    toy t;
    three_groups(&t);
    t.template_replicas[0] = 6;
    (void)toy_tick(&t);
    t.now += 15 * S;
    assert_int_equal(t.pool[1].target, 2);
    t.scheduled[0][idc] = t.is_ready[0][idc] = 4;
    t.pool[0].used = 4;
    int spot_at = -1;
    for (int i = 0; i < 80 && spot_at < 0; i++) { /* nodes of ack never come */
        (void)toy_tick(&t);
        spot_at = t.pool[2].target > 0 ? i : -1;
        t.now += 15 * S;
    }
    /* ordered at 0, first seen waiting at 15 s, 900 s later given up: tick 61 after it, index 60 here */
    assert_int_equal(spot_at, 60);
    assert_int_equal(t.pool[1].target, 0);
    assert_int_equal(t.assigned[0][ack], 0);
    assert_int_equal(t.assigned[0][bj], 2);
    toy_end(&t);
}

static void stale_cluster_is_frozen(void **state)
{
    (void)state;
    toy t;
    three_groups(&t);
    t.template_replicas[0] = 9;
    ticks(&t, 3);
    t.age[bj] = 121 * S;
    t.now += 300 * S;
    t.template_replicas[0] = 4;
    (void)toy_tick(&t);
    assert_null(strstr(toy_text(&t), "place prod/chat bj"));
    assert_non_null(strstr(toy_text(&t), "place prod/chat ack 3 -> 0  scale-in\n"));
    toy_end(&t);
}

/** Moved copies that do not get ready are given up at the deadline; the old ones stay, the place is barred a while. */
static void a_move_is_given_up(void **state)
{
    (void)state;
    toy t;
    three_groups(&t);
    t.template_replicas[0] = 7;
    ticks(&t, 3);
    t.pool[0].min = t.pool[0].max = t.pool[0].target = t.pool[0].nodes = 6;
    ticks(&t, 20);
    (void)toy_tick(&t); /* 300 s of room: 345 s */
    assert_string_equal(toy_text(&t), "place prod/chat idc 4 -> 6  move-in\n");
    spw_time began = t.now;
    for (int i = 1; i < 60; i++) { /* the copies never start */
        t.now += 15 * S;
        (void)toy_tick(&t);
        assert_string_equal(toy_text(&t), "");
    }
    t.now = began + 900 * S;
    (void)toy_tick(&t);
    assert_string_equal(toy_text(&t), "place prod/chat idc 6 -> 4  move-given-up\n");
    assert_int_equal(spw_plan_outcome_at(t.plan, 0)->surge, 0);
    assert_int_equal(t.assigned[0][ack], 3);
    spw_time gave_up = t.now;
    for (t.now += 15 * S; t.assigned[0][idc] == 4 && t.now < gave_up + 7200 * S; t.now += 15 * S) {
        (void)toy_tick(&t);
    }
    /* barred for 2 x 300 + 900 s; the tick at which the bar ends sees room, which must then last 300 s */
    assert_true(t.now - 15 * S == gave_up + 1500 * S + 300 * S);
    toy_end(&t);
}

/** The write that begins a move is lost: it is repeated, and its deadline still runs from the first. */
static void a_lost_move_has_its_deadline(void **state)
{
    (void)state;
    toy t;
    three_groups(&t);
    t.template_replicas[0] = 7;
    ticks(&t, 3);
    t.pool[0].min = t.pool[0].max = t.pool[0].target = t.pool[0].nodes = 6;
    ticks(&t, 20);
    t.deaf = true;
    for (int i = 0; i < 60; i++) {
        (void)toy_tick(&t);
        assert_non_null(strstr(toy_text(&t), "place prod/chat idc 4 -> 6"));
        t.now += 15 * S;
    }
    (void)toy_tick(&t);
    assert_null(strstr(toy_text(&t), "place prod/chat idc"));
    toy_end(&t);
}

/** A copy that cannot even be bound is no reason to take a ready one with it. */
static void giving_up_spares_what_is_ready(void **state)
{
    (void)state;
    toy t;
    three_groups(&t);
    t.template_replicas[0] = 7;
    ticks(&t, 3);
    t.pool[0].min = t.pool[0].max = t.pool[0].target = t.pool[0].nodes = 6;
    ticks(&t, 20);
    (void)toy_tick(&t);
    assert_int_equal(t.assigned[0][idc], 6);
    t.pool[0].nodes = t.pool[0].target = 4; /* the machines go again: the two copies have no room at all */
    t.now += 900 * S;
    (void)toy_tick(&t);
    assert_int_equal(t.assigned[0][idc], 4);
    assert_int_equal(t.assigned[0][ack], 3);
    assert_int_equal(t.assigned[0][bj], 0);
    toy_end(&t);
}

/** Fixed replica counts resize, too: by an edit of the template. */
static void failback_on_resize_follows_the_template(void **state)
{
    (void)state;
    toy t;
    three_groups(&t);
    t.policy.failback = SPW_FAILBACK_ON_RESIZE;
    toy_restart(&t);
    t.template_replicas[0] = 6;
    ticks(&t, 3);
    t.pool[0].min = t.pool[0].max = t.pool[0].target = t.pool[0].nodes = 8;
    ticks(&t, 40);
    assert_int_equal(t.assigned[0][idc], 4); /* room alone moves nothing */
    t.template_replicas[0] = 7;
    (void)toy_tick(&t); /* one new replica, and the two of ack begin to move */
    assert_string_equal(toy_text(&t), "place prod/chat idc 4 -> 7  move-in\n");
    toy_settle(&t);
    t.now += 15 * S;
    (void)toy_tick(&t);
    assert_int_equal(t.assigned[0][ack], 0);
    toy_end(&t);
}

/** One replica for which a node of ack must come; every order fails at the next tick. */
static void back_off_doubles(void **state)
{
    (void)state;
    static const int64_t waits_s[] = {60, 120, 240, 480, 900, 900, 60};
    toy t;
    three_groups(&t);
    t.policy.partial = true;
    t.pool[2].max = 0;
    t.template_replicas[0] = 5;
    (void)toy_tick(&t);
    assert_int_equal(t.pool[1].target, 1);
    for (size_t i = 0; i < sizeof waits_s / sizeof waits_s[0]; i++) {
        if (i == 6) { /* one node did come, and is lost again: the back-off starts anew */
            toy_settle(&t);
            t.now += 15 * S;
            (void)toy_tick(&t);
            t.pool[1].nodes = t.pool[1].target = t.pool[1].used = 0;
            t.scheduled[0][ack] = t.is_ready[0][ack] = 0;
        }
        t.now += 15 * S;
        t.pool[1].failures++;
        t.pool[1].target = 0;
        spw_time failed = t.now;
        (void)toy_tick(&t);
        assert_int_equal(t.pool[1].target, 0);
        assert_int_equal(spw_plan_outcome_at(t.plan, 0)->unplaced, 1);
        while (t.pool[1].target == 0 && t.now < failed + 3600 * S) {
            t.now += 15 * S;
            (void)toy_tick(&t);
        }
        assert_int_equal((t.now - failed) / S, waits_s[i]);
    }
    toy_end(&t);
}

/** Orders that never reach the pool's record (refused, lost) are given up like those that bring no node. */
static void orders_that_get_lost_are_given_up(void **state)
{
    (void)state;
    toy t;
    three_groups(&t);
    t.template_replicas[0] = 5;
    int given_up = -1;
    for (int i = 0; i < 80 && given_up < 0; i++) {
        (void)toy_tick(&t);
        t.pool[1].target = 0; /* ack forgets every order */
        t.scheduled[0][idc] = t.is_ready[0][idc] = t.assigned[0][idc];
        t.pool[0].used = t.assigned[0][idc];
        given_up = t.assigned[0][bj] == 1 ? i : -1;
        t.now += 15 * S;
    }
    assert_int_equal(given_up, 61); /* first awaited at 15 s (tick 1), 900 s later */
    assert_int_equal(t.assigned[0][ack], 0);
    toy_end(&t);
}

/** The cancellation of a late order is lost and the core is restarted: still not counted on, cancelled again. */
static void lateness_outlasts_a_restart(void **state)
{
    (void)state;
    static unsigned char bytes[65536];
    toy t;
    three_groups(&t);
    t.template_replicas[0] = 5;
    (void)toy_tick(&t);
    t.scheduled[0][idc] = t.is_ready[0][idc] = t.pool[0].used = 4;
    t.now = 15 * S;
    (void)toy_tick(&t); /* awaited from here on */
    t.now = 915 * S;
    t.deaf = true;
    (void)toy_tick(&t);
    assert_non_null(strstr(toy_text(&t), "place prod/chat bj 0 -> 1  overflow-elastic\n"));
    assert_non_null(strstr(toy_text(&t), "release ack od 1 -> 0  nodes-late\n"));
    size_t size = spw_state_size(t.core);
    assert_int_equal(spw_state_save(t.core, bytes, sizeof bytes), SPW_OK);
    toy_restart(&t);
    assert_int_equal(spw_state_load(t.core, bytes, size), SPW_OK);
    t.now = 960 * S;
    (void)toy_tick(&t);
    assert_non_null(strstr(toy_text(&t), "release ack od 1 -> 0  nodes-late\n"));
    assert_int_equal(spw_plan_outcome_at(t.plan, 0)->tiers[2].elastic, 1);
    t.now = 975 * S; /* the back-off of 60 s is over: the order that would not go away gets another chance */
    (void)toy_tick(&t);
    assert_null(strstr(toy_text(&t), "nodes-late"));
    toy_end(&t);
}

/** Nodes that are on their way out are not counted as empty a second time. */
static void leaving_nodes_are_not_released_twice(void **state)
{
    (void)state;
    toy t;
    three_groups(&t);
    t.template_replicas[0] = 7;
    ticks(&t, 3);
    t.template_replicas[0] = 5; /* ack: 3 nodes, 1 in use */
    ticks(&t, 1);
    for (int i = 0; i < 200; i++) { /* the provider drains for ever: 3 nodes stay up */
        (void)toy_tick(&t);
        t.now += 15 * S;
        t.pool[1].used = 1;
        t.scheduled[0][ack] = t.is_ready[0][ack] = 1;
    }
    assert_int_equal(t.pool[1].nodes, 3);
    assert_int_equal(t.pool[1].target, 1);
    toy_end(&t);
}

/** Old observations: no node is judged late or empty by them. */
static void stale_pools_are_left_alone(void **state)
{
    (void)state;
    toy t;
    three_groups(&t);
    t.template_replicas[0] = 7;
    ticks(&t, 3);
    t.template_replicas[0] = 4;
    ticks(&t, 2);
    t.age[ack] = 200 * S;
    ticks(&t, 90);
    assert_int_equal(t.pool[1].target, 3);
    t.age[ack] = 0;
    ticks(&t, 45);
    assert_int_equal(t.pool[1].target, 0);
    t.template_replicas[0] = 5; /* a node is ordered, and nothing is seen of it for longer than the deadline */
    (void)toy_tick(&t);
    assert_int_equal(t.pool[1].target, 1);
    t.age[ack] = 200 * S;
    for (int i = 0; i < 90; i++) {
        t.now += 15 * S;
        (void)toy_tick(&t);
        assert_null(strstr(toy_text(&t), "nodes-late"));
    }
    t.age[ack] = 0;
    (void)toy_tick(&t);
    assert_non_null(strstr(toy_text(&t), "release ack od 1 -> 0  nodes-late\n"));
    toy_end(&t);
}

static void order_of_rows_does_not_matter(void **state)
{
    (void)state;
    char straight[2048];
    for (int reversed = 0; reversed < 2; reversed++) {
        toy t;
        three_groups(&t);
        t.works = 1;
        t.reversed = reversed != 0;
        t.template_replicas[0] = 8;
        (void)toy_tick(&t);
        if (reversed == 0) {
            (void)snprintf(straight, sizeof straight, "%s", toy_text(&t));
        } else {
            assert_string_equal(toy_text(&t), straight);
        }
        toy_end(&t);
    }
}

static void a_lost_write_is_repeated_and_not_overflowed(void **state)
{
    (void)state;
    toy t;
    three_groups(&t);
    t.template_replicas[0] = 4;
    t.deaf = true;
    (void)toy_tick(&t);
    assert_string_equal(toy_text(&t), "place prod/chat idc 0 -> 4  fill-idle\n");
    t.now += 15 * S;
    (void)toy_tick(&t);
    assert_string_equal(toy_text(&t), "place prod/chat idc 0 -> 4  fill-idle\n");
    toy_end(&t);
}

static void state_survives_a_restart(void **state)
{
    (void)state;
    toy t;
    three_groups(&t);
    t.template_replicas[0] = 7;
    ticks(&t, 5);
    size_t size = spw_state_size(t.core);
    unsigned char *bytes = test_malloc(size);
    assert_int_equal(spw_state_save(t.core, bytes, size), SPW_OK);
    assert_int_equal(spw_state_save(t.core, bytes, size - 1), SPW_LIMIT);
    uint64_t hash = spw_state_hash(t.core);
    toy copy;
    three_groups(&copy);
    assert_int_equal(spw_state_load(copy.core, bytes, size), SPW_OK);
    assert_true(spw_state_hash(copy.core) == hash);
    for (size_t i = 0; i < size; i++) { /* any damaged byte is noticed and changes nothing */
        bytes[i] ^= 0x40;
        spw_rc rc = spw_state_load(copy.core, bytes, size);
        assert_true(rc == SPW_STATE || rc == SPW_VERSION);
        bytes[i] ^= 0x40;
    }
    for (size_t cut = 0; cut < size; cut++) {
        assert_int_equal(spw_state_load(copy.core, bytes, cut), SPW_STATE);
    }
    assert_true(spw_state_hash(copy.core) == hash);
    test_free(bytes);
    toy_end(&copy);
    toy_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_in_order),
        cmocka_unit_test(partial_keeps_the_rest_pending),
        cmocka_unit_test(strict_places_nothing_that_does_not_fit_whole),
        cmocka_unit_test(releases_in_reverse),
        cmocka_unit_test(failback_is_make_before_break),
        cmocka_unit_test(a_lost_node_is_replaced),
        cmocka_unit_test(late_nodes_are_given_up),
        cmocka_unit_test(stale_cluster_is_frozen),
        cmocka_unit_test(a_move_is_given_up),
        cmocka_unit_test(a_lost_move_has_its_deadline),
        cmocka_unit_test(giving_up_spares_what_is_ready),
        cmocka_unit_test(failback_on_resize_follows_the_template),
        cmocka_unit_test(back_off_doubles),
        cmocka_unit_test(orders_that_get_lost_are_given_up),
        cmocka_unit_test(lateness_outlasts_a_restart),
        cmocka_unit_test(leaving_nodes_are_not_released_twice),
        cmocka_unit_test(stale_pools_are_left_alone),
        cmocka_unit_test(order_of_rows_does_not_matter),
        cmocka_unit_test(a_lost_write_is_repeated_and_not_overflowed),
        cmocka_unit_test(state_survives_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
