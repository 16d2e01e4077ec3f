/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * test_supply.c - stocks, quotas, batches, moving prices and reclaims inside the fleet, against cases worked by hand.
 *
 * Pool c0/first: on-demand or spot, up to 10 nodes of 8 GPUs, inventory 10 s, boot 20 s.
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

static sc_pool *elastic(world *w, int cluster, spw_capacity capacity)
{
    sc_pool *pool = &w->pools[cluster][0];

    pool->capacity = capacity;
    pool->nodes_start = pool->nodes_min = 0;
    pool->nodes_max = 10;
    pool->lag.inventory_s = constant(10);
    pool->lag.boot_s = constant(20);
    pool->notice_s = 30;
    pool->stock_name = "test";
    return pool;
}

/* Five ordered with three in stock: three come up at 30 s, two come to nothing at 10 s. At 600 s the record falls to
 * one: the two youngest get 30 s of notice. At 1200 s it rises to 9, and what is ordered then comes up. */
static void test_record(void **state)
{
    (void)state;
    world w;
    static const int32_t level[] = {3, 1, 9};
    mdl_stock_trace record = {level, NULL, 3, 600 * S};

    world_init(&w);
    elastic(&w, 0, SPW_CAPACITY_SPOT)->stock_record = &record;
    fl_world *f = fleet_open(&w);
    const fl_pool *p = &f->pools[0];
    fl_pool_target(f, 0, 5);
    fleet_live(f, 10 * S);
    assert_int_equal(p->alive, 3);
    assert_int_equal(f->run->pools[0].refused_stock, 2);
    assert_int_equal(f->run->pools[0].failed_to_provision, 2);
    assert_int_equal(p->target, 3);
    fleet_live(f, 599 * S);
    assert_int_equal(p->up, 3);
    fleet_live(f, 600 * S);
    assert_int_equal(p->up, 1);
    assert_int_equal(p->notice, 2);
    assert_int_equal(f->nodes[p->nodes[0]].ordinal, 0); /* the oldest stays */
    assert_int_equal(f->nodes[p->nodes[0]].state, FL_NODE_UP);
    fleet_live(f, 630 * S - 1);
    assert_int_equal(p->alive, 3);
    fleet_live(f, 630 * S);
    assert_int_equal(p->alive, 1);
    assert_int_equal(f->run->pools[0].taken_by_shocks, 2);
    assert_int_equal(f->run->pools[0].preempted_by_market, 2);
    fl_pool_target(f, 0, 2);
    fleet_live(f, 1100 * S); /* refused: one is all there is */
    assert_int_equal(p->alive, 1);
    fleet_live(f, 1200 * S);
    fl_pool_target(f, 0, 10);
    fleet_live(f, 1300 * S);
    assert_int_equal(p->up, 9);
    fl_world_free(f);
}

/* Three boot while the level falls four times: each is taken once, and none comes up. */
static void test_taken_while_booting(void **state)
{
    (void)state;
    world w;
    static const int32_t level[] = {3, 2, 1, 0, 0};
    mdl_stock_trace record = {level, NULL, 5, 15 * S};

    world_init(&w);
    elastic(&w, 0, SPW_CAPACITY_SPOT)->stock_record = &record;
    w.pools[0][0].lag.boot_s = constant(200);
    fl_world *f = fleet_open(&w);
    fl_pool_target(f, 0, 3);
    fleet_live(f, 14 * S);
    assert_int_equal(f->pools[0].coming, 3);
    fleet_live(f, 600 * S);
    assert_int_equal(f->pools[0].alive, 0);
    assert_int_equal(f->run->pools[0].preempted_by_market, 3);
    assert_int_equal(f->run->pools[0].taken_by_shocks, 3);
    assert_int_equal(f->run->pools[0].provisioned, 0);
    fl_world_free(f);
}

/* A fault holds the only node down from 500 s to 800 s, then to 610 s; the market takes it at 600 s, 30 s after it says
 * so. */
static void test_taken_while_down(void **state)
{
    (void)state;
    world w;
    static const int32_t level[] = {1, 0};
    mdl_window window = {500 * S, 800 * S};
    const mdl_stock_trace record = {level, NULL, 2, 600 * S};
    const sc_fault fault = {.kind = MDL_FAULT_NODE,
                            .windows = {.at = &window, .count = 1},
                            .region = -1,
                            .cluster = -1,
                            .pool = -1,
                            .service = -1,
                            .index = -1,
                            .nodes_per_rack = 1};

    world_init(&w);
    elastic(&w, 0, SPW_CAPACITY_SPOT)->stock_record = &record;
    w.pools[0][0].nodes_start = 1;
    w.sc.faults = &fault;
    w.sc.fault_count = 1;
    fl_world *f = fleet_open(&w);
    fleet_live(f, 599 * S);
    assert_int_equal(f->pools[0].down, 1);
    fleet_live(f, 630 * S - 1);
    assert_int_equal(f->pools[0].alive, 1);
    fleet_live(f, 630 * S);
    assert_int_equal(f->pools[0].alive, 0);
    assert_int_equal(f->run->pools[0].taken_by_shocks, 1);
    assert_int_equal(f->run->pools[0].preempted_by_market, 1);
    fl_world_free(f);

    window.end_ns = 610 * S; /* the fault ends first: the node is on its last notice, and goes when that ends */
    f = fleet_open(&w);
    fleet_live(f, 611 * S);
    assert_int_equal(f->pools[0].down, 0);
    assert_int_equal(f->pools[0].notice, 1);
    fleet_live(f, 630 * S - 1);
    assert_int_equal(f->pools[0].alive, 1);
    fleet_live(f, 630 * S);
    assert_int_equal(f->pools[0].alive, 0);
    fl_world_free(f);
}

/* On demand a provider does not take back what it gave. */
static void test_on_demand_stays(void **state)
{
    (void)state;
    world w;
    static const int32_t level[] = {3, 0};
    mdl_stock_trace record = {level, NULL, 2, 600 * S};

    world_init(&w);
    elastic(&w, 0, SPW_CAPACITY_ON_DEMAND)->stock_record = &record;
    fl_world *f = fleet_open(&w);
    fl_pool_target(f, 0, 3);
    fleet_live(f, 3600 * S);
    assert_int_equal(f->pools[0].up, 3);
    fl_pool_target(f, 0, 4);
    fleet_live(f, 3700 * S);
    assert_int_equal(f->pools[0].up, 3);
    assert_int_equal(f->run->pools[0].refused_stock, 1);
    fl_world_free(f);
}

/* Two clusters of one zone draw on one stock; a third in another zone has its own. */
static void test_shared_stock(void **state)
{
    (void)state;
    world w;
    static const int32_t level[] = {4};
    mdl_stock_trace record = {level, NULL, 1, 600 * S};

    world_init(&w);
    for (int c = 0; c < 3; c++) {
        elastic(&w, c, SPW_CAPACITY_ON_DEMAND)->stock_record = &record;
    }
    w.clusters[2].zone = "b";
    w.sc.cluster_count = 3;
    fl_world *f = fleet_open(&w);
    fl_pool_target(f, 0, 3);
    fl_pool_target(f, 1, 3);
    fl_pool_target(f, 2, 3);
    fleet_live(f, 100 * S);
    assert_int_equal(f->pools[0].up + f->pools[1].up, 4);
    assert_int_equal(f->pools[2].up, 3);
    fl_world_free(f);
}

static void test_quota_and_batches(void **state)
{
    (void)state;
    world w;

    world_init(&w);
    sc_pool *pool = elastic(&w, 0, SPW_CAPACITY_ON_DEMAND);
    sc_quota quota = {"test", 0, pool->gpu, 40};
    pool->order_batch = 2;
    pool->order_every_ns = 60 * S;
    w.sc.quotas = &quota;
    w.sc.quota_count = 1;
    fl_world *f = fleet_open(&w);
    fl_pool_target(f, 0, 7);
    assert_int_equal(f->pools[0].coming, 2);
    fleet_live(f, 59 * S);
    assert_int_equal(f->pools[0].up, 2);
    assert_int_equal(f->pools[0].coming, 0);
    fleet_live(f, 60 * S);
    assert_int_equal(f->pools[0].coming, 2);
    fleet_live(f, 130 * S); /* the sixth, ordered at 120 s, is over 40 GPUs: five nodes of 8 */
    assert_int_equal(f->pools[0].alive, 5);
    assert_int_equal(f->run->pools[0].refused_quota, 1);
    fleet_live(f, 3600 * S);
    assert_int_equal(f->pools[0].up, 5);
    fl_world_free(f);
}

/* What the provider tells every 5 minutes is believed as long. */
static void test_told(void **state)
{
    (void)state;
    world w;
    static const int32_t level[] = {6, 2};
    mdl_stock_trace record = {level, NULL, 2, 400 * S};
    int64_t told = -1;

    world_init(&w);
    sc_pool *pool = elastic(&w, 0, SPW_CAPACITY_ON_DEMAND);
    pool->stock_record = &record;
    pool->stock_seen_ns = 300 * S;
    fl_world *f = fleet_open(&w);
    assert_true(fl_supply_tells(f));
    assert_int_equal(fl_supply_told(f, 0, &told), 6);
    assert_true(told == 0);
    fl_pool_target(f, 0, 1);
    fleet_live(f, 299 * S);
    assert_int_equal(fl_supply_told(f, 0, &told), 6);
    fleet_live(f, 300 * S);
    assert_int_equal(fl_supply_told(f, 0, &told), 5); /* one of the six is ours */
    fleet_live(f, 500 * S);
    assert_int_equal(fl_supply_told(f, 0, &told), 5); /* wrong since 400 s, and believed */
    assert_true(told == 300 * S);
    fleet_live(f, 600 * S);
    assert_int_equal(fl_supply_told(f, 0, &told), 1);
    fl_world_free(f);
    pool->stock_seen_ns = 0;
    f = fleet_open(&w);
    assert_false(fl_supply_tells(f));
    assert_int_equal(fl_supply_told(f, 0, &told), -1);
    fl_world_free(f);
}

/* Two providers in one place have a stock each: 3 nodes of both come up, and the shock of one is none of the other's.
 */
static void test_stock_of_each_provider(void **state)
{
    (void)state;
    world w;
    static const int32_t level[] = {3, 0};
    mdl_stock_trace record = {level, NULL, 2, 600 * S};

    world_init(&w);
    elastic(&w, 0, SPW_CAPACITY_SPOT)->stock_record = &record;
    elastic(&w, 1, SPW_CAPACITY_SPOT)->stock_record = &record;
    w.clusters[1].provider = "other";
    w.sc.cluster_count = 2;
    fl_world *f = fleet_open(&w);
    fl_pool_target(f, 0, 5);
    fl_pool_target(f, 1, 5);
    fleet_live(f, 100 * S);
    assert_int_equal(f->pools[0].up, 3);
    assert_int_equal(f->pools[1].up, 3);
    fl_world_free(f);

    mdl_stock early = {.up_h = {MDL_LAW_CONSTANT, 1, 0, 0}, .down_h = {MDL_LAW_CONSTANT, 0.5, 0, 0}, .spread_share = 1};
    mdl_stock late = early;
    early.take_share = late.take_share = 1;
    late.up_h.a = 40;
    w.pools[0][0].stock_record = w.pools[1][0].stock_record = NULL;
    w.pools[0][0].stock = &early;
    w.pools[1][0].stock = &late;
    bool both = false;
    for (uint64_t seed = 1; seed < 50 && !both; seed++) { /* one that begins with both up */
        f = fl_world_new(world_scenario(&w), seed, 0, NULL);
        assert_non_null(f);
        fl_pool_target(f, 0, 2);
        fl_pool_target(f, 1, 2);
        fleet_live(f, 100 * S);
        both = f->pools[0].up == 2 && f->pools[1].up == 2;
        fleet_live(f, 3600 * S);
        assert_true(!both || (f->pools[0].notice == 2 && f->pools[1].up == 2));
        fl_world_free(f);
    }
    assert_true(both);
}

/* A node group keeps up its minimum; what it orders comes to nothing at once while there is no stock, so it asks at
 * every tick of 15 s: 120 times until it is refused no more. */
static void test_minimum_without_stock(void **state)
{
    (void)state;
    world w;
    static const int32_t level[] = {1, 0, 0, 0, 1};
    mdl_stock_trace record = {level, NULL, 5, 600 * S};

    world_init(&w);
    sc_pool *pool = elastic(&w, 0, SPW_CAPACITY_SPOT);
    pool->stock_record = &record;
    pool->lag.inventory_s = constant(0);
    pool->nodes_min = pool->nodes_start = 1;
    pool->notice_s = 0;
    w.sc.tick_ns = 15 * S;
    w.sc.duration_ns = 3000 * S;
    res_run *run = world_run(&w, 1);
    assert_int_equal(run->pools[0].taken_by_shocks, 1);
    assert_in_range(run->pools[0].refused_stock, 119, 122);
    assert_int_equal(run->pools[0].provisioned, 1);
    res_free(run);
}

/* Of three spot nodes that are to be there at the start two are, for the market has two; on demand all are. What lacks
 * of the minimum comes with the stock. */
static void test_start_without_stock(void **state)
{
    (void)state;
    static const int32_t level[] = {2, 3};
    mdl_stock_trace record = {level, NULL, 2, 600 * S};
    for (int spot = 0; spot < 2; spot++) {
        world w;
        world_init(&w);
        sc_pool *pool = elastic(&w, 0, spot == 1 ? SPW_CAPACITY_SPOT : SPW_CAPACITY_ON_DEMAND);
        pool->stock_record = &record;
        pool->nodes_start = pool->nodes_min = 3;
        w.sc.tick_ns = 15 * S;
        w.sc.duration_ns = 1200 * S;
        fl_world *f = fleet_open(&w);
        assert_int_equal(f->pools[0].up, spot == 1 ? 2 : 3);
        assert_int_equal(f->pools[0].target, 3);
        fl_world_free(f);
        res_run *run = world_run(&w, 1);
        assert_int_equal(run->pools[0].provisioned, spot);
        assert_int_equal(run->pools[0].nodes_peak, 3);
        res_free(run);
    }
}

/* A shock in one zone with spread 1 takes the other zone of the region along, and every node with share 1. */
static void test_shocks(void **state)
{
    (void)state;
    world w;
    mdl_stock stock = {.up_h = {MDL_LAW_CONSTANT, 1, 0, 0}, .down_h = {MDL_LAW_CONSTANT, 0.5, 0, 0}, .take_share = 1};

    for (int spread = 0; spread < 2; spread++) {
        world_init(&w);
        mdl_stock late = stock;
        late.up_h.a = 1.4;
        stock.spread_share = spread;
        elastic(&w, 0, SPW_CAPACITY_SPOT)->stock = &stock;
        elastic(&w, 1, SPW_CAPACITY_SPOT)->stock = &late;
        w.clusters[1].zone = "b";
        w.sc.cluster_count = 2;
        fl_world *f = NULL;
        for (uint64_t seed = 1; seed < 50; seed++) { /* one that begins with both up */
            f = fl_world_new(world_scenario(&w), seed, 0, NULL);
            assert_non_null(f);
            fl_pool_target(f, 0, 4);
            fl_pool_target(f, 1, 4);
            fleet_live(f, 100 * S);
            if (f->pools[0].up == 4 && f->pools[1].up == 4) {
                break;
            }
            fl_world_free(f);
            f = NULL;
        }
        assert_non_null(f);
        fleet_live(f, 3600 * S);
        assert_int_equal(f->pools[0].notice, 4);
        assert_int_equal(f->pools[1].notice, spread == 1 ? 4 : 0);
        fleet_live(f, 3630 * S);
        assert_int_equal(f->pools[0].alive, 0);
        assert_int_equal(f->pools[1].alive, spread == 1 ? 0 : 4);
        fleet_live(f, 3700 * S);
        fl_pool_target(f, 0, 1);
        fleet_live(f, 5300 * S); /* down for half an hour: refused */
        assert_int_equal(f->pools[0].alive, 0);
        fleet_live(f, 5400 * S);
        fl_pool_target(f, 0, 1);
        fleet_live(f, 5500 * S);
        assert_int_equal(f->pools[0].up, 1);
        fl_world_free(f);
    }
}

/* A market that protects a node in the first 0.2 h of its life. Three are ordered at 0 and booted from 10 s on, so
 * safe until 730 s, one more at 400 s. With a notice of 30 s the fall at 600 s takes none. That at 800 s takes the
 * three alone, though the youngest goes first elsewhere. */
static void test_protected_from_falls(void **state)
{
    (void)state;
    world w;
    static const int32_t level[] = {9, 9, 9, 1, 0, 9};
    mdl_stock_trace record = {level, NULL, 6, 200 * S};

    world_init(&w);
    sc_pool *pool = elastic(&w, 0, SPW_CAPACITY_SPOT);
    pool->stock_record = &record;
    pool->has_market = true;
    pool->market = (mdl_market){.shape_k = 1, .scale_h = 1e6, .protected_h = 0.2, .notice_s = 30};
    fl_world *f = fleet_open(&w);
    fl_pool_target(f, 0, 3);
    fleet_live(f, 400 * S);
    fl_pool_target(f, 0, 4);
    fleet_live(f, 799 * S);
    assert_int_equal(f->pools[0].up, 4);
    assert_int_equal(f->run->pools[0].taken_by_shocks, 0);
    fleet_live(f, 830 * S);
    assert_int_equal(f->run->pools[0].taken_by_shocks, 3);
    assert_int_equal(f->pools[0].alive, 1);
    assert_int_equal(f->nodes[f->pools[0].nodes[0]].ordinal, 3);
    fl_world_free(f);
}

/* The same market in a zone with a shock at 1 h: a node of 0.9 h lives on where the first hour is protected. */
static void test_protected_from_shocks(void **state)
{
    (void)state;
    world w;
    mdl_stock stock = {.up_h = {MDL_LAW_CONSTANT, 1, 0, 0}, .down_h = {MDL_LAW_CONSTANT, 1e-3, 0, 0}, .take_share = 1};

    world_init(&w);
    sc_pool *pool = elastic(&w, 0, SPW_CAPACITY_SPOT);
    pool->stock = &stock;
    pool->has_market = true;
    for (int hours = 0; hours < 2; hours++) {
        pool->market = (mdl_market){.shape_k = 1, .scale_h = 1e6, .protected_h = hours, .notice_s = 30};
        fl_world *f = fleet_open(&w);
        fleet_live(f, 360 * S);
        fl_pool_target(f, 0, 4);
        fleet_live(f, 3599 * S);
        assert_int_equal(f->pools[0].up, 4);
        fleet_live(f, 3601 * S);
        assert_int_equal(f->pools[0].notice, hours == 0 ? 4 : 0);
        assert_int_equal(f->pools[0].up, hours == 0 ? 0 : 4);
        fl_world_free(f);
    }
}

/*
 * Prices 1, 3, 2 USD (mean 2) on a base of 1 USD: 0.5, 1.5 and 1 per GPU-hour, an hour each. Two nodes of 8 GPUs boot
 * at 10 s: 16 x (3590 x 0.5 + 3600 x 1.5 + 3600 x 1) / 3600 = 47.97778 USD by the end of the third hour.
 */
static void test_moving_price(void **state)
{
    (void)state;
    world w;
    static const int32_t level[] = {9, 9, 9};
    static const int64_t price[] = {1000000, 3000000, 2000000};
    mdl_stock_trace record = {level, price, 3, 3600 * S};

    world_init(&w);
    elastic(&w, 0, SPW_CAPACITY_SPOT)->stock_record = &record;
    w.sc.duration_ns = 4 * 3600 * S;
    fl_world *f = fleet_open(&w);
    fl_pool_target(f, 0, 2);
    fleet_live(f, 3 * 3600 * S);
    assert_int_equal(f->pools[0].price_uusd, 1000000);
    assert_int_equal(fl_pool_cost(f, 0), 47977778);
    fl_world_free(f);
}

/* A walk: the bill against an independent sum over what the price was in each step. */
static void test_walk_bill(void **state)
{
    (void)state;
    world w;
    mdl_walk walk = {.step_s = 600, .half_life_h = 1, .sigma = 0.5, .floor_share = 0.2, .cap_share = 3};

    world_init(&w);
    elastic(&w, 0, SPW_CAPACITY_SPOT)->walk = &walk;
    w.sc.duration_ns = 24 * 3600 * S;
    fl_world *f = fleet_open(&w);
    fl_pool_target(f, 0, 3);
    fl_wide sum = 0;
    int64_t low = INT64_MAX;
    int64_t high = 0;
    fleet_live(f, 10 * S);
    for (int64_t t = 10; t < 6000;) {
        int64_t next = (t / 600 + 1) * 600;
        int64_t uusd = f->pools[0].price_uusd;
        low = uusd < low ? uusd : low;
        high = uusd > high ? uusd : high;
        sum += (fl_wide)uusd * (next - t) * 24;
        t = next;
        fleet_live(f, t * S);
    }
    assert_true(high > low + low / 10);
    assert_int_equal(fl_pool_cost(f, 0), (int64_t)((sum + 1800) / 3600));
    fl_world_free(f);
}

/* Requests of 100 s; the node goes after 3 minutes with 30 s of notice. Every way of dealing with it adds up. */
static void test_reclaim_policies(void **state)
{
    (void)state;
    static const struct {
        sc_on_notice notice;
        sc_on_reclaim reclaim;
    } cases[] = {{SC_NOTICE_DRAIN, SC_RECLAIM_RECOMPUTE},
                 {SC_NOTICE_DRAIN, SC_RECLAIM_LOSE},
                 {SC_NOTICE_REROUTE, SC_RECLAIM_LOSE},
                 {SC_NOTICE_SERVE, SC_RECLAIM_LOSE}};
    uint64_t lost[4];

    for (int i = 0; i < 4; i++) {
        world w;

        world_init(&w);
        sc_pool *pool = elastic(&w, 0, SPW_CAPACITY_SPOT);
        pool->nodes_start = pool->nodes_min = 1;
        pool->has_market = true;
        pool->market = (mdl_market){.shape_k = 1e6, .scale_h = 0.05, .notice_s = 30};
        w.services[0].station.servers = 8;
        w.services[0].station_law = (mdl_service_law){.kind = MDL_SERVICE_FIXED, .mean_s = 100};
        w.services[0].on_notice = cases[i].notice;
        w.services[0].on_reclaim = cases[i].reclaim;
        w.traffic[0].arrivals.rate_per_s = 0.05;
        w.sc.duration_ns = 3600 * S;
        res_run *run = world_run(&w, 1);
        const res_reclaim *r = &run->services[0].reclaim;
        const res_requests *q = &run->requests;
        assert_true(q->offered == q->completed + q->rejected + q->timed_out + q->in_flight);
        assert_true(r->notices > 5 && r->inside > 10);
        assert_true(q->rejected == r->lost);
        assert_true((r->rerouted == r->inside) == (cases[i].notice == SC_NOTICE_REROUTE));
        assert_true(cases[i].reclaim == SC_RECLAIM_LOSE ? r->recomputed == 0 : r->recomputed > 0 && r->lost == 0);
        lost[i] = r->lost;
        res_free(run);
    }
    assert_true(lost[0] == 0 && lost[1] > 0 && lost[2] == 0);
    assert_true(lost[3] > lost[1]); /* it took more until the very end */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_record),
                                       cmocka_unit_test(test_stock_of_each_provider),
                                       cmocka_unit_test(test_minimum_without_stock),
                                       cmocka_unit_test(test_start_without_stock),
                                       cmocka_unit_test(test_on_demand_stays),
                                       cmocka_unit_test(test_taken_while_booting),
                                       cmocka_unit_test(test_taken_while_down),
                                       cmocka_unit_test(test_shared_stock),
                                       cmocka_unit_test(test_quota_and_batches),
                                       cmocka_unit_test(test_told),
                                       cmocka_unit_test(test_shocks),
                                       cmocka_unit_test(test_protected_from_falls),
                                       cmocka_unit_test(test_protected_from_shocks),
                                       cmocka_unit_test(test_moving_price),
                                       cmocka_unit_test(test_walk_bill),
                                       cmocka_unit_test(test_reclaim_policies)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
