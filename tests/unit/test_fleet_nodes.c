/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_fleet_nodes.c - nodes, replicas and bills, driven step by step from inside the fleet.
 *
 * The tests set targets and assignments by hand and let the queue of life-cycle events run; expected times and sums
 * are worked out in the comments.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "sim/fleet/world.h"
#include "tests/support/fleet_live.h"
#include "tests/support/world.h"

#define S SPW_NS_PER_S

static mdl_law constant(double value)
{
    return (mdl_law){MDL_LAW_CONSTANT, value, 0, 0};
}

/* An on-demand pool of up to 10 nodes of 8: inventory 10 s, boot 20 s; image 4 GB at 1 GB/s; nothing else. */
static void elastic(world *w)
{
    world_init(w);
    w->pools[0][0].capacity = SPW_CAPACITY_ON_DEMAND;
    w->pools[0][0].nodes_start = w->pools[0][0].nodes_min = 0;
    w->pools[0][0].nodes_max = 10;
    w->pools[0][0].lag.inventory_s = constant(10);
    w->pools[0][0].lag.boot_s = constant(20);
    w->services[0].image.image_gb = 4;
}

/* Ordered at 0, booting from 10 s, up at 30 s; released at 50 s: 40 s of life, billed 60 s by the minimum. */
static void test_minimum_billing(void **state)
{
    world w;
    fl_world *f;

    (void)state;
    elastic(&w);
    w.pools[0][0].min_billing_ns = 60 * S;
    f = fleet_open(&w);
    fl_pool_target(f, 0, 1);
    fleet_live(f, 29 * S);
    assert_int_equal(f->pools[0].up, 0);
    assert_int_equal(f->pools[0].coming, 1);
    fleet_live(f, 50 * S);
    assert_int_equal(f->pools[0].up, 1);
    assert_int_equal(fl_pool_cost(f, 0), 40 * 8 * 1000000LL / 3600 + 1); /* 88888.9 */
    fl_pool_target(f, 0, 0);
    assert_int_equal(f->pools[0].up, 0);
    assert_int_equal(f->run->pools[0].released, 1);
    assert_int_equal(fl_pool_cost(f, 0), 60 * 8 * 1000000LL / 3600); /* 133333.3 */
    fleet_live(f, 500 * S);
    assert_int_equal(fl_pool_cost(f, 0), 133333);
    fl_world_free(f);
}

/* Booting from 10 s, up at 110 s, if the market did not take it: the stock falls at 60 s, with 20 s of notice. It is
 * paid for till it is gone at 80 s, 70 s, or by a minimum of 90 s; it was never up. With 60 s of notice it comes up and
 * goes at 120 s: 110 s. */
static void test_taken_while_it_boots(void **state)
{
    static const int32_t level[] = {1, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    static const mdl_stock_trace record = {.level = level, .count = 10, .step_ns = 60 * S};
    static const int64_t minimum_s[] = {0, 90, 0};
    static const int64_t paid_s[] = {70, 90, 110};

    (void)state;
    for (int i = 0; i < 3; i++) {
        const bool comes = i == 2;
        world w;
        fl_world *f;

        elastic(&w);
        w.pools[0][0].capacity = SPW_CAPACITY_SPOT;
        w.pools[0][0].lag.boot_s = constant(100);
        w.pools[0][0].min_billing_ns = minimum_s[i] * S;
        w.pools[0][0].notice_s = comes ? 60 : 20;
        w.pools[0][0].stock_name = "record";
        w.pools[0][0].stock_record = &record;
        f = fleet_open(&w);
        fl_pool_target(f, 0, 1);
        fleet_live(f, 79 * S);
        assert_int_equal(f->pools[0].coming, 1);
        fleet_live(f, 81 * S);
        assert_int_equal(f->pools[0].coming, comes ? 1 : 0);
        assert_int_equal(f->pools[0].target, comes ? 1 : 0);
        assert_int_equal(f->pools[0].count, comes ? 1 : 0);
        fleet_live(f, 500 * S);
        assert_int_equal(f->pools[0].count, 0);
        assert_int_equal(f->run->pools[0].provisioned, comes ? 1 : 0);
        assert_int_equal(f->run->pools[0].preempted_by_market, 1);
        assert_int_equal(f->run->pools[0].taken_by_shocks, 1);
        assert_int_equal(fl_pool_cost(f, 0), (paid_s[i] * 8 * 1000000 + 1800) / 3600);
        fl_world_free(f);
    }
}

/* Shrinking cancels the youngest orders that do not boot yet, then releases the longest empty; busy nodes stay. */
static void test_shrinking(void **state)
{
    world w;
    fl_world *f;

    (void)state;
    elastic(&w);
    w.workloads[0].gpus = 8;
    f = fleet_open(&w);
    fl_pool_target(f, 0, 2);
    fleet_live(f, 12 * S);
    fl_pool_target(f, 0, 4); /* nodes 0, 1 boot; 2, 3 are orders */
    fl_pool_target(f, 0, 3);
    assert_int_equal(f->pools[0].count, 3);
    assert_int_equal(f->nodes[f->pools[0].nodes[2]].ordinal, 2);
    fl_pool_target(f, 0, 0); /* the order goes; what boots cannot be called back yet */
    assert_int_equal(f->pools[0].count, 2);
    assert_int_equal(f->pools[0].coming, 2);
    fl_pool_target(f, 0, 2);
    fleet_live(f, 40 * S);
    assert_int_equal(f->pools[0].up, 2);
    fl_assign(f, 0, 0, 1); /* takes node 0: lowest ordinal */
    assert_int_equal(f->nodes[f->pools[0].nodes[0]].gpus_free, 0);
    fl_pool_target(f, 0, 0);
    assert_int_equal(f->pools[0].up, 1);
    assert_int_equal(f->nodes[f->pools[0].nodes[0]].ordinal, 0);
    fl_assign(f, 0, 0, 0); /* empty at last: above target, so it goes now */
    assert_int_equal(f->pools[0].up, 0);
    assert_int_equal(f->run->pools[0].released, 2);
    fl_world_free(f);
}

/* Of two empty nodes the one that has been empty longer goes, be it the younger one. */
static void test_longest_empty_goes(void **state)
{
    world w;
    fl_world *f;

    (void)state;
    elastic(&w);
    f = fleet_open(&w);
    fl_pool_target(f, 0, 1);
    fleet_live(f, 40 * S);
    fl_assign(f, 0, 0, 1); /* on node 0 */
    fl_pool_target(f, 0, 2);
    fleet_live(f, 100 * S); /* node 1 is up, and empty, since 70 s */
    fl_assign(f, 0, 0, 0);  /* node 0 since 100 s */
    fl_pool_target(f, 0, 1);
    assert_int_equal(f->pools[0].count, 1);
    assert_int_equal(f->nodes[f->pools[0].nodes[0]].ordinal, 0);
    fl_world_free(f);
}

/* Orders that come to nothing do so after the inventory wait, are never billed, and take the target down with them. */
static void test_failed_orders(void **state)
{
    world w;
    fl_world *f;

    (void)state;
    elastic(&w);
    w.pools[0][0].lag.fail_probability = 1;
    f = fleet_open(&w);
    fl_pool_target(f, 0, 3);
    fleet_live(f, 9 * S);
    assert_int_equal(f->pools[0].coming, 3);
    fleet_live(f, 10 * S);
    assert_int_equal(f->pools[0].coming, 0);
    assert_int_equal(f->pools[0].target, 0);
    assert_int_equal(f->run->pools[0].failed_to_provision, 3);
    fleet_live(f, 100 * S);
    assert_int_equal(fl_pool_cost(f, 0), 0);
    fl_world_free(f);
}

/*
 * Bin packing: replicas of 3 GPUs on nodes of 8, two fit. Pending ones start in order as nodes come; the first pull of
 * a node takes 4 s, later ones find the image there.
 */
static void test_binding_and_images(void **state)
{
    world w;
    fl_world *f;
    const fl_place *place;

    (void)state;
    elastic(&w);
    w.workloads[0].gpus = 3;
    f = fleet_open(&w);
    place = &f->services[0].places[0];
    fl_assign(f, 0, 0, 3);
    assert_int_equal(place->count, 3);
    assert_int_equal(f->replicas[place->ids[0]].state, FL_RP_PENDING);
    fl_pool_target(f, 0, 1);
    fleet_live(f, 30 * S);
    assert_int_equal(f->nodes[f->pools[0].nodes[0]].gpus_free, 2);
    assert_int_equal(f->replicas[place->ids[0]].state, FL_RP_PULL);
    assert_int_equal(f->replicas[place->ids[1]].state, FL_RP_PULL);
    assert_int_equal(f->replicas[place->ids[2]].state, FL_RP_PENDING);
    fleet_live(f, 33 * S);
    assert_int_equal(place->ready, 0);
    fleet_live(f, 34 * S);
    assert_int_equal(place->ready, 2);
    fl_assign(f, 0, 0, 1); /* the pending one goes first, then the younger of the ready ones */
    assert_int_equal(place->count, 1);
    assert_int_equal(f->replicas[place->ids[0]].ordinal, 0);
    fl_assign(f, 0, 0, 2);
    fleet_live(f, 34 * S);
    assert_int_equal(place->ready, 2); /* image is there: no pull */
    fl_world_free(f);
}

/* The tightest node that fits is taken; pools are used in listed order and only where the GPU class allows it. */
static void test_choice_of_node(void **state)
{
    static const char *const classes[] = {"OTHER-GPU"};
    static mdl_gpu other;
    world w;
    fl_world *f;

    (void)state;
    world_init(&w);
    memcpy(other.name, "OTHER-GPU", sizeof "OTHER-GPU");
    w.pools_of[0] = 2;
    w.pools[0][0].nodes_start = 2;
    w.pools[0][1].gpu = &other;
    w.sc.service_count = 2;
    w.workloads[0].gpus = 5;
    w.workloads[1].gpus = 2;
    f = fleet_open(&w);
    fl_assign(f, 0, 0, 1); /* node 0 has 3 left, node 1 has 8 */
    fl_assign(f, 1, 0, 1); /* fits tighter on node 0 */
    assert_int_equal(f->nodes[f->pools[0].nodes[0]].gpus_free, 1);
    assert_int_equal(f->nodes[f->pools[0].nodes[1]].gpus_free, 8);
    fl_assign(f, 0, 0, 3); /* one on node 1, the next on the second pool */
    assert_int_equal(f->nodes[f->pools[0].nodes[1]].gpus_free, 3);
    assert_int_equal(f->nodes[f->pools[1].nodes[0]].gpus_free, 3);
    fl_world_free(f);

    w.workloads[0].gpu_classes = classes;
    w.workloads[0].gpu_class_count = 1;
    f = fleet_open(&w);
    fl_assign(f, 0, 0, 1);
    assert_int_equal(f->nodes[f->pools[0].nodes[0]].gpus_free, 8);
    assert_int_equal(f->nodes[f->pools[1].nodes[0]].gpus_free, 3);
    fl_world_free(f);
}

/* Scale-in among ready replicas: last pool first, then the emptier node, then the youngest. */
static void test_order_of_removal(void **state)
{
    world w;
    fl_world *f;
    const fl_place *place;

    (void)state;
    world_init(&w);
    w.pools_of[0] = 2;
    w.pools[0][0].gpus_per_node = 4;
    w.pools[0][0].nodes_start = 2; /* 4 + 3 GPUs will be taken: node 1 is the emptier */
    w.pools[0][1].gpus_per_node = 2;
    f = fleet_open(&w);
    f->warm_start = true;
    place = &f->services[0].places[0];
    fl_assign(f, 0, 0, 10); /* ordinals 0-3 node 0, 4-7 node 1, 8-9 second pool */
    f->warm_start = false;
    assert_int_equal(place->ready, 10);
    fl_assign(f, 0, 0, 8);
    assert_int_equal(f->nodes[f->pools[1].nodes[0]].gpus_free, 2);
    fl_assign(f, 0, 0, 7); /* equal nodes: the youngest, ordinal 7 on node 1 */
    assert_int_equal(f->nodes[f->pools[0].nodes[1]].gpus_free, 1);
    fl_assign(f, 0, 0, 4); /* node 1 is emptier now and empties */
    assert_int_equal(f->nodes[f->pools[0].nodes[1]].gpus_free, 4);
    assert_int_equal(f->nodes[f->pools[0].nodes[0]].gpus_free, 0);
    fl_world_free(f);
}

/* Units: the second pool first, two at most; then the first pool. */
static void units_of(world *w, spw_units *units, spw_unit *at, spw_next_unit next)
{
    world_init(w);
    w->pools_of[0] = 2;
    for (int p = 0; p < 2; p++) {
        w->pools[0][p].gpus_per_node = 4;
    }
    at[0] = (spw_unit){.pool = w->pools[0][1].name, .replicas_max = 2};
    at[1] = (spw_unit){.pool = w->pools[0][0].name, .replicas_max = -1};
    *units = (spw_units){.at = at, .count = 2, .next = next, .timeout = 60 * S};
    w->workloads[0].units = units;
}

/* Filled in the order of the units, up to the first one's max; emptied in reverse, whatever the order of the pools. */
static void test_units_in_order_and_back(void **state)
{
    static const int32_t first[] = {0, 1, 2, 2, 2, 2, 2};  /* at 0..6 replicas, in the first unit ... */
    static const int32_t second[] = {0, 0, 0, 1, 2, 3, 4}; /* ... and in the second */
    spw_unit at[2];
    spw_units units;
    world w;

    (void)state;
    units_of(&w, &units, at, SPW_NEXT_LACK_OR_MAX);
    fl_world *f = fleet_open(&w);
    f->warm_start = true;
    for (int32_t n = 1; n <= 12; n++) { /* up to 6, and down again */
        int32_t count = n <= 6 ? n : 12 - n;

        fl_assign(f, 0, 0, count);
        assert_int_equal(f->services[0].places[0].ready, count);
        fleet_live(f, f->now + 120 * S); /* those on their way out are gone */
        assert_int_equal(f->nodes[f->pools[1].nodes[0]].gpus_free, 4 - first[count]);
        assert_int_equal(f->nodes[f->pools[0].nodes[0]].gpus_free, 4 - second[count]);
    }
    fl_assign(f, 0, 0, 9);
    assert_int_equal(f->services[0].places[0].ready, 6); /* two GPUs of the first unit stay empty, three wait */
    fl_world_free(f);

    units_of(&w, &units, at, SPW_NEXT_LACK_OR_MAX);
    units.count = 1;
    f = fleet_open(&w);
    f->warm_start = true;
    fl_assign(f, 0, 0, 3);
    assert_int_equal(f->services[0].places[0].ready, 2);
    assert_int_equal(f->nodes[f->pools[0].nodes[0]].gpus_free, 4); /* of no unit: not used */
    fl_world_free(f);
}

/* The first unit has no node: by its rule the replica goes on at once, after a minute, or never while below max. */
static void test_units_wait(void **state)
{
    static const struct {
        spw_next_unit next;
        int32_t at_once, after_59_s, after_61_s;
    } cases[] = {{SPW_NEXT_LACK_OR_MAX, 1, 1, 1},
                 {SPW_NEXT_TIMEOUT_OR_MAX, 0, 0, 1},
                 {SPW_NEXT_MAX, 0, 0, 0},
                 {SPW_NEXT_LACK_AND_NO_TERMINATING, 1, 1, 1}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        spw_unit at[2];
        spw_units units;
        world w;

        units_of(&w, &units, at, cases[i].next);
        w.pools[0][1].nodes_start = 0;
        w.pools[0][1].nodes_min = 0;
        fl_world *f = fleet_open(&w);
        const fl_place *place = &f->services[0].places[0];

        f->warm_start = true;
        fl_assign(f, 0, 0, 1);
        assert_int_equal(place->ready, cases[i].at_once);
        fleet_live(f, 59 * S);
        fl_schedule_waiting(f);
        assert_int_equal(place->ready, cases[i].after_59_s);
        fleet_live(f, 61 * S);
        fl_schedule_waiting(f);
        assert_int_equal(place->ready, cases[i].after_61_s);
        fl_world_free(f);
    }
}

/* One of two in the full first unit is on its way out with its work: the new replica waits for its place. */
static void test_units_wait_for_the_leaving(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        spw_unit at[2];
        spw_units units;
        world w;

        units_of(&w, &units, at, k == 0 ? SPW_NEXT_LACK_AND_NO_TERMINATING : SPW_NEXT_LACK_OR_MAX);
        w.pools[0][1].gpus_per_node = 2;
        fl_world *f = fleet_open(&w);
        const fl_place *place = &f->services[0].places[0];

        f->warm_start = true;
        fl_assign(f, 0, 0, 2);
        f->replicas[place->ids[1]].outstanding = 1; /* something is still inside */
        fl_assign(f, 0, 0, 1);
        fl_assign(f, 0, 0, 2);
        assert_int_equal(place->count, 3);
        assert_int_equal(place->ready, k == 0 ? 1 : 2); /* without that rule it stands in the second unit */
        assert_int_equal(f->nodes[f->pools[0].nodes[0]].gpus_free, k == 0 ? 4 : 3);
        fl_world_free(f);
    }
}

/* A protected time counts from when a node is made, here at 10 s, and booting lasts until 30 s: with 60 s of it and
 * 180 s by the law it goes at 250 s; with 10 s, over before it is up, at 210 s as without. */
static void test_protected_while_booting(void **state)
{
    static const int64_t rows[][2] = {{60, 250}, {10, 210}};

    (void)state;
    for (int i = 0; i < 2; i++) {
        world w;
        elastic(&w);
        w.pools[0][0].capacity = SPW_CAPACITY_SPOT;
        w.pools[0][0].has_market = true;
        w.pools[0][0].market =
            (mdl_market){.shape_k = 1e9, .scale_h = 0.05, .protected_h = (double)rows[i][0] / 3600, .notice_s = 30};
        fl_world *f = fleet_open(&w);
        fl_pool_target(f, 0, 1);
        fleet_live(f, rows[i][1] * S - S / 10);
        assert_int_equal(f->pools[0].notice, 1);
        fleet_live(f, rows[i][1] * S + S / 10);
        assert_int_equal(f->run->pools[0].preempted_by_market, 1);
        fl_world_free(f);
    }
}

/* A market with a known lifetime: notice drains and makes a successor pending; the end is where it was said to be. */
static void test_reclaim(void **state)
{
    world w;
    fl_world *f;
    const fl_place *place;

    (void)state;
    elastic(&w);
    w.pools[0][0].capacity = SPW_CAPACITY_SPOT;
    w.pools[0][0].has_market = true;
    w.pools[0][0].market = (mdl_market){
        .shape_k = 1e9, .scale_h = 0.05, .notice_s = 30}; /* 180 s, shape so large that it is sure to the ms */
    f = fleet_open(&w);
    place = &f->services[0].places[0];
    fl_assign(f, 0, 0, 2);
    fl_pool_target(f, 0, 1);
    fleet_live(f, 179 * S); /* up at 30, notice at 180, gone at 210 */
    assert_int_equal(place->ready, 2);
    fleet_live(f, 181 * S);
    assert_int_equal(f->pools[0].up, 0);
    assert_int_equal(f->pools[0].notice, 1);
    assert_int_equal(f->pools[0].target, 0);
    assert_int_equal(place->ready, 0); /* nothing inside: gone at once */
    assert_int_equal(place->live, 2);
    assert_int_equal(f->replicas[place->ids[0]].state, FL_RP_PENDING);
    fleet_live(f, 211 * S);
    assert_int_equal(f->pools[0].notice, 0);
    assert_int_equal(f->run->pools[0].preempted_by_market, 1);
    /* billed from 10 s to 210 s */
    assert_true(fl_pool_cost(f, 0) > 444444 - 10 && fl_pool_cost(f, 0) < 444444 + 10);
    fl_world_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_minimum_billing),
        cmocka_unit_test(test_taken_while_it_boots),
        cmocka_unit_test(test_shrinking),
        cmocka_unit_test(test_failed_orders),
        cmocka_unit_test(test_binding_and_images),
        cmocka_unit_test(test_choice_of_node),
        cmocka_unit_test(test_order_of_removal),
        cmocka_unit_test(test_reclaim),
        cmocka_unit_test(test_protected_while_booting),
        cmocka_unit_test(test_longest_empty_goes),
        cmocka_unit_test(test_units_in_order_and_back),
        cmocka_unit_test(test_units_wait),
        cmocka_unit_test(test_units_wait_for_the_leaving),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
