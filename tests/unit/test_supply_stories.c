/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * test_supply_stories.c - the scenarios about supply tell their story, on the figures that their comments name; records
 * of availability are replayed; and a day's bill is an independent sum over its nodes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <spillway/manifest.h>

#include "sim/fleet/world.h"
#include "sim/scenario/stock_record.h"
#include "tests/support/world.h"

#define S            SPW_NS_PER_S
#define COUNT(array) (sizeof(array) / sizeof *(array))

typedef struct story {
    sc_scenario *sc;
    res_run *run;
} story;

static story tell_with(const char *path, const sc_override *sets, size_t count, uint64_t seed)
{
    story s = {NULL, NULL};
    sc_messages messages = {0};
    const sc_options options = {.sets = sets, .set_count = count};
    char err[256] = "";

    s.sc = sc_load(path, &options, &messages);
    if (s.sc == NULL) {
        fail_msg("%s", messages.text);
    }
    sc_messages_fini(&messages);
    s.run = fleet_run(s.sc, seed, 0, NULL, err, sizeof err);
    if (s.run == NULL) {
        fail_msg("%s", err);
    }
    const res_requests *q = &s.run->requests;
    assert_true(q->offered == q->completed + q->rejected + q->timed_out + q->in_flight);
    assert_int_equal(s.run->control.bad_plans, 0);
    assert_int_equal(s.run->control.bad_snapshots, 0);
    return s;
}

static story tell(const char *path, const sc_override *sets, size_t count)
{
    return tell_with(path, sets, count, 1);
}

static void forget(story *s)
{
    res_free(s->run);
    sc_free(s->sc);
}

static double absorbed_s(const story *s)
{
    assert_int_equal(s->run->burst_count, 1);
    return s->run->bursts[0].absorbed_s - s->run->bursts[0].onset_s;
}

static double delivery_s(const story *s)
{
    const res_lag *lag = &s->run->lag_by_start[RES_START_NODE_UP];

    return lag->mean_s[MDL_STAGE_PULL] + lag->mean_s[MDL_STAGE_FETCH];
}

/* Sending the image ahead saves the time that its way takes, and the waterfall says so; peers save the line. */
static void cold_cache(void **state)
{
    (void)state;
    const sc_override peers[] = {{"spec.delivery.peers", "true"}};
    const sc_override ahead[] = {{"spec.manifests[1]", "manifests/policy-prefetch.yaml"}};
    story cold = tell("scenarios/cold-cache.yaml", NULL, 0);
    story shared = tell("scenarios/cold-cache.yaml", peers, COUNT(peers));
    story sent = tell("scenarios/cold-cache.yaml", ahead, COUNT(ahead));
    const res_lag *lag = &cold.run->lag_by_start[RES_START_NODE_UP];
    double slowest = lag->p90_s[MDL_STAGE_PULL] + lag->p90_s[MDL_STAGE_FETCH];
    double saved = absorbed_s(&cold) - absorbed_s(&sent);

    assert_true(delivery_s(&cold) > 120); /* 28 GB on a gigabit, for most of the nodes at once */
    assert_true(delivery_s(&sent) < 3);   /* a start from the cache */
    assert_true(saved > delivery_s(&cold) && saved < slowest + 30);
    assert_true(delivery_s(&shared) < 0.7 * delivery_s(&cold));
    /* 4 of 6 nodes fetch 27.86 GB at least once over the line, for 0.003 USD per GB; with peers one copy does */
    assert_true(cold.run->cost.images_uusd > 3 * shared.run->cost.images_uusd / 2);
    assert_true(shared.run->cost.images_uusd >= 83580);
    forget(&cold);
    forget(&shared);
    forget(&sent);
}

/* Zones that fall together hurt more than nodes that go one by one; draining loses nobody. */
static void spot_shocks(void **state)
{
    (void)state;
    const sc_override with[] = {{"spec.duration", "3h"}};
    const sc_override without[] = {{"spec.duration", "3h"},
                                   {"spec.clusters[1].pools[0].stock", "none"},
                                   {"spec.clusters[2].pools[0].stock", "none"}};
    const sc_override blunt[] = {
        {"spec.duration", "3h"}, {"spec.services[0].onNotice", "serve"}, {"spec.services[0].onReclaim", "lose"}};
    story a = tell("scenarios/spot-shocks.yaml", with, COUNT(with));
    story b = tell("scenarios/spot-shocks.yaml", without, COUNT(without));
    story c = tell("scenarios/spot-shocks.yaml", blunt, COUNT(blunt));
    const res_pool *zones = &a.run->pools[1];

    assert_true(zones[0].taken_by_shocks > 0 && zones[1].taken_by_shocks > 0);
    assert_true(zones[0].refused_stock > 0 && zones[1].refused_stock > 0);
    assert_true(b.run->pools[1].taken_by_shocks == 0 && b.run->pools[1].refused_stock == 0);
    assert_true(a.run->services[0].slo[0].missed > 5 * b.run->services[0].slo[0].missed);
    assert_true(a.run->services[0].reclaim.inside > 100 && a.run->services[0].reclaim.lost == 0);
    assert_true(c.run->services[0].reclaim.lost > 100);
    assert_true(a.run->cost.total_uusd > b.run->cost.total_uusd);
    forget(&a);
    forget(&b);
    forget(&c);
}

enum { OWN, ON_DEMAND, SPOT, POOLS };

/* Ready replicas in a pool, on average over a bin. */
static double ready_in(const story *s, int32_t bin, int32_t pool)
{
    return (double)s->run->timeline.ready_by_pool[bin * POOLS + pool];
}

/* The last bin in which a pool has any. */
static int32_t last_with(const story *s, int32_t pool)
{
    int32_t last = -1;

    for (int32_t b = 0; b < s->run->timeline.bins; b++) {
        last = ready_in(s, b, pool) > 0 ? b : last;
    }
    return last;
}

/* The order of the units holds in every bin of a day, whatever the market does; the way back is the reverse. */
static void in_order_and_back(const story *s, double most_on_spot)
{
    const int32_t bins = s->run->timeline.bins;

    for (int32_t b = 0; b < bins; b++) {
        assert_true(ready_in(s, b, OWN) <= 8 && ready_in(s, b, SPOT) <= most_on_spot);
        assert_true(ready_in(s, b, SPOT) <= 0 || ready_in(s, b, OWN) > 7.99);
    }
    const double hour = 3.6e12 / (double)s->run->timeline.bin_ns;
    assert_true(last_with(s, ON_DEMAND) > 0 && last_with(s, ON_DEMAND) < last_with(s, SPOT) - hour / 4);
    assert_true(last_with(s, SPOT) < bins - hour / 2);
    assert_true(ready_in(s, bins - 1, OWN) > 0);
}

/* Units of a ResourcePolicy: what `max` costs, and what it keeps from the market; three days each. */
static void unit_order(void **state)
{
    (void)state;
    static const char path[] = "scenarios/unit-order.yaml";
    const sc_override more[] = {{"ResourcePolicy/chat:spec.units[1].max", "24"}};
    const sc_override calm[] = {{"spec.clusters[0].pools[2].market", "none"}};
    for (uint64_t seed = 1; seed <= 3; seed++) {
        story a = tell_with(path, NULL, 0, seed);
        story b = tell_with(path, more, COUNT(more), seed);
        story c = tell_with(path, calm, COUNT(calm), seed);
        int32_t rented = 0;
        int32_t beside_spot = 0;

        assert_int_equal(a.sc->pool_count, POOLS);
        in_order_and_back(&a, 8);
        in_order_and_back(&b, 24);
        in_order_and_back(&c, 8);
        assert_true(b.run->cost.total_uusd < a.run->cost.total_uusd - a.run->cost.total_uusd / 20);
        assert_true(2 * b.run->pools[SPOT].preempted_by_market > 3 * a.run->pools[SPOT].preempted_by_market);
        assert_int_equal(c.run->pools[SPOT].preempted_by_market, 0);
        for (int32_t bin = 0; bin < c.run->timeline.bins; bin++) {
            rented += ready_in(&c, bin, ON_DEMAND) > 0 ? 1 : 0;
            beside_spot += ready_in(&c, bin, ON_DEMAND) > 0 && ready_in(&c, bin, SPOT) > 7.99 ? 1 : 0;
        }
        assert_true(rented > 0 && 10 * beside_spot > 8 * rented);
        forget(&a);
        forget(&b);
        forget(&c);
    }
}

/* A core that is told what is left does not ask for what is not there. */
static void scarce_stock(void **state)
{
    (void)state;
    const sc_override short_run[] = {{"spec.duration", "3h"}};
    const sc_override blind[] = {{"spec.duration", "3h"}, {"spec.clusters[1].pools[0].stockSeen", "0s"}};
    story told = tell("scenarios/scarce-stock.yaml", short_run, COUNT(short_run));
    story untold = tell("scenarios/scarce-stock.yaml", blind, COUNT(blind));

    assert_true(untold.run->pools[1].refused_stock >= 3 * told.run->pools[1].refused_stock);
    assert_true(untold.run->pools[1].refused_stock > 5);
    assert_true(told.run->pools[1].nodes_peak <= 5); /* of 8, 56 % fewer at 12:00 already */
    assert_true(told.run->pools[2].nodes_peak <= 4 && told.run->pools[2].refused_quota > 0);
    assert_true(told.run->services[0].slo[0].missed < told.run->requests.offered / 1000);
    forget(&told);
    forget(&untold);
}

#define RECORD "../shared/traces/skypilot-spot/availability/16-node/aws-08-27-2023/us-east-2b_v100_1.json"

/* A published record: the pool never holds more than it says plus what is under notice, and loses nodes with it. */
static void record_replayed(void **state)
{
    (void)state;
    if (access(RECORD, R_OK) != 0) {
        print_message("%s is not here\n", RECORD);
        skip();
    }
    sc_scenario *sc;
    sc_messages messages = {0};
    mdl_stock_trace record = {0};
    zone z;
    char err[256] = "";
    csv_message message = {err, sizeof err};

    zone_init(&z, spw_mem_libc());
    assert_true(stock_record_read(RECORD, &z, &record, &message));
    assert_true(record.count == 3247 && record.step_ns == 300 * S); /* its README */
    int64_t up = 0;
    int64_t lost = 0;
    for (size_t i = 0; i < record.count; i++) {
        up += record.level[i];
        lost += i > 0 && record.level[i] < record.level[i - 1] ? record.level[i - 1] - record.level[i] : 0;
    }
    assert_true(lost == 910 && (up + 5) / 10 * 10 == 28440); /* mean 8.758 */
    world w;
    world_init(&w);
    sc_pool *pool = &w.pools[0][0];
    pool->capacity = SPW_CAPACITY_SPOT;
    pool->nodes_min = pool->nodes_start = 0;
    pool->nodes_max = 16;
    pool->stock_name = "record";
    pool->stock_record = &record;
    w.sc.duration_ns = (int64_t)record.count * record.step_ns;
    fl_world *f = fl_world_new(world_scenario(&w), 1, 0, NULL);
    assert_non_null(f);
    while (f->now < w.sc.duration_ns) {
        int64_t at = 0;
        uint32_t slot = evq_peek(f->queue, &at);
        if (slot == EVQ_NONE || at >= f->now + 60 * S) {
            f->now += 60 * S; /* asks for all it may have, every minute */
            fl_pool_target(f, 0, 16);
            continue;
        }
        f->now = at;
        if (fl_slot_of(f, slot).owner == FL_OWNER_NODE) {
            fl_node_event(f, fl_slot_of(f, slot).index);
        } else {
            fl_supply_event(f, fl_slot_of(f, slot).index);
        }
        assert_true(f->pools[0].up <= mdl_stock_trace_level(&record, f->now));
    }
    assert_true(f->run->pools[0].taken_by_shocks == 910); /* it holds what is there, so it loses what is lost */
    fl_world_free(f);
    zone_fini(&z);
    const sc_override both[] = {{"spec.clusters[1].pools[0].stockRecord", "x.json"}};
    const sc_options options = {.sets = both, .set_count = 1};
    sc = sc_load("scenarios/spot-shocks.yaml", &options, &messages);
    assert_null(sc);
    assert_non_null(strstr(messages.text, "either 'stock' or 'stockRecord'"));
    sc_messages_fini(&messages);
}

/* --- a day's bill ------------------------------------------------------------------------------------------------ */

/* 24 h, owned, on-demand and spot with a moving price, market and stock, targets that change every 7 minutes: the bill
 * is the sum over all nodes and all stretches of time of GPUs x time x price, rounded once for each pool. */
static void day_bill(void **state)
{
    (void)state;
    world w;
    mdl_stock stock = {.up_h = {MDL_LAW_WEIBULL, 2, 0.6, 0},
                       .down_h = {MDL_LAW_LOGNORMAL, 0.45, 4, 0},
                       .nodes = 6,
                       .scarce_share = 0.5,
                       .scarce_peak_h = 15,
                       .take_share = 0.85};
    mdl_walk walk = {.step_s = 900, .half_life_h = 4, .sigma = 0.35, .floor_share = 0.4, .cap_share = 2.35};

    world_init(&w);
    for (int c = 1; c < 3; c++) {
        sc_pool *pool = &w.pools[c][0];
        pool->capacity = c == 1 ? SPW_CAPACITY_ON_DEMAND : SPW_CAPACITY_SPOT;
        pool->price_uusd_per_gpu_h = c == 1 ? 1234567 : 345678;
        pool->nodes_min = pool->nodes_start = 0;
        pool->nodes_max = 10;
        pool->gpus_per_node = c + 2;
        pool->lag.inventory_s = (mdl_law){MDL_LAW_EXPONENTIAL, 30, 0, 0};
        pool->lag.boot_s = (mdl_law){MDL_LAW_LOGNORMAL, 90, 240, 0};
        pool->notice_s = 120;
        pool->stock_name = "x";
    }
    w.pools[2][0].stock = &stock;
    w.pools[2][0].walk = &walk;
    w.pools[2][0].has_market = true;
    w.pools[2][0].market = (mdl_market){.shape_k = 0.6, .scale_h = 2, .notice_s = 120};
    w.sc.cluster_count = 3;
    w.sc.duration_ns = 24 * 3600 * S;
    fl_world *f = fl_world_new(world_scenario(&w), 7, 0, NULL);
    assert_non_null(f);
    fl_wide sum[3] = {0};
    uint32_t luck = 1;
    for (int64_t next_change = 0; f->now < 24 * 3600 * S;) {
        int64_t at = 0;
        uint32_t slot = evq_peek(f->queue, &at);
        at = slot == EVQ_NONE || at > next_change ? next_change : at;
        at = at < 24 * 3600 * S ? at : 24 * 3600 * S;
        for (uint32_t n = 0; n < f->node_cap; n++) {
            const fl_node *node = &f->nodes[n];
            bool paid = node->state == FL_NODE_BOOTING || node->state == FL_NODE_UP || node->state == FL_NODE_NOTICE;
            const fl_pool *p = &f->pools[node->pool];
            sum[node->pool] += paid ? (fl_wide)p->price_uusd * p->sc->gpus_per_node * (at - f->now) : 0;
        }
        f->now = at;
        if (at == next_change) {
            for (uint32_t p = 1; p < 3; p++) {
                luck = luck * 1664525u + 1013904223u;
                fl_pool_target(f, p, (int64_t)(luck >> 24) % 11);
            }
            next_change += 420 * S;
        } else if (slot != EVQ_NONE && fl_slot_of(f, slot).owner == FL_OWNER_NODE) {
            fl_node_event(f, fl_slot_of(f, slot).index);
        } else if (slot != EVQ_NONE && at < 24 * 3600 * S) {
            fl_supply_event(f, fl_slot_of(f, slot).index);
        }
    }
    assert_true(f->run->pools[2].preempted_by_market > 20 && f->run->pools[1].provisioned > 100);
    for (uint32_t p = 0; p < 3; p++) {
        assert_true(sum[p] > 0);
        assert_true(fl_pool_cost(f, p) == (int64_t)((sum[p] + 1800 * S) / (3600 * S)));
    }
    assert_true(fl_pool_cost(f, 0) == 24 * 8 * 1000000); /* one owned node of 8 at 1 USD */
    fl_world_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(cold_cache),      cmocka_unit_test(spot_shocks),
                                       cmocka_unit_test(unit_order),      cmocka_unit_test(scarce_stock),
                                       cmocka_unit_test(record_replayed), cmocka_unit_test(day_bill)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
