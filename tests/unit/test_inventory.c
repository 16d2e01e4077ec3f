/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_inventory.c - what a decision believes about capacity: stock that fades with its age, batches of orders, the
 * order of pools and what follows a failed one, resource summaries, and throughput by GPU class. Worked by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/view.h"
#include "tests/support/toy.h"

#define S(n) ((spw_time)(n)*SPW_NS_PER_S)

/** One empty cluster that may create up to 10 nodes; `wanted` replicas of one GPU. */
static void world(toy *t, int wanted)
{
    toy_init(t);
    int c = toy_cluster(t, "cloud");
    (void)toy_pool_add(t, c, "spot", SPW_CAPACITY_SPOT, 0, 10);
    t->template_replicas[0] = t->work[0].replicas = wanted;
    t->now = S(1000);
}

static void start(toy *t)
{
    const char *groups[] = {"cloud"};
    toy_start(t, groups, 1);
}

static int64_t ordered(const spw_plan *plan, const spw_snapshot *snap, const char *pool)
{
    for (size_t i = 0; i < spw_plan_count(plan); i++) {
        const spw_action *a = spw_plan_at(plan, i);
        if (a->verb == SPW_VERB_PROVISION && strcmp(snap->pools.name[a->pool], pool) == 0) {
            return a->amount - a->before;
        }
    }
    return 0;
}

static void stock_fades(void **state)
{
    (void)state;
    static const struct {
        int tau_s, asked_s, seen_s, stock; /* asked -1 = no column: the pool's own age counts */
        int64_t nodes;
    } cases[] = {
        {0, 9999, 0, 8, 8},               /* no discount */
        {120, 0, 0, 8, 8},                /* new */
        {120, 30, 0, 8, 6},               /* 8 x (1 - 30/120) */
        {120, 31, 0, 8, 5},               /* 5.93: whole nodes */
        {120, 119, 0, 8, 0},              /* 0.07 */
        {120, 120, 0, 8, 0},              /* too old to be believed at all */
        {120, 500, 0, 8, 0},              /* likewise */
        {120, -1, 60, 8, 4},              /* by the pool's own age */
        {120, 60, 0, -1, 9},              /* not known: only nodes_max limits */
        {120, 60, 0, 0, 0},               /* nothing left */
        {315360000, 0, 0, 2000000000, 9}, /* ten years and a large stock do not overflow */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        toy t;
        world(&t, 9);
        t.settings.stock_tau = S(cases[i].tau_s);
        t.pool[0].stock = cases[i].stock;
        t.age[0] = S(cases[i].seen_s);
        t.now = S(20000);
        start(&t);
        spw_snapshot snap = *toy_snapshot(&t);
        spw_time asked = t.now - S(cases[i].asked_s);
        snap.pools.stock_observed = cases[i].asked_s < 0 ? NULL : &asked;
        assert_int_equal(spw_snapshot_check(&snap, NULL), SPW_OK);
        assert_int_equal(spw_decide(t.core, &snap, t.plan, NULL), SPW_OK);
        assert_int_equal(spw_plan_check(t.plan, &snap, NULL), SPW_OK);
        assert_int_equal(ordered(t.plan, &snap, "spot"), cases[i].nodes);
        toy_end(&t);
    }
}

/**
 * A stock of four, asked for at 1000 s and not again until 1040 s: what was ordered from it since is not there twice.
 * When it has been asked for again it is what it is: what still comes was taken off it by the provider.
 */
static void stock_is_ordered_once(void **state)
{
    (void)state;
    static const struct {
        int wanted, asked_s, stock;
        int64_t nodes;
    } steps[] = {{2, 1000, 4, 2}, {9, 1000, 4, 2}, {9, 1000, 4, 0}, {9, 1040, 1, 1}, {9, 1040, 1, 0}};
    toy t;
    world(&t, 0);
    start(&t);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        t.template_replicas[0] = t.work[0].replicas = steps[i].wanted;
        t.pool[0].stock = steps[i].stock;
        const spw_time asked = S(steps[i].asked_s);
        spw_snapshot snap = *toy_snapshot(&t);
        snap.pools.stock_observed = &asked;
        assert_int_equal(spw_decide(t.core, &snap, t.plan, NULL), SPW_OK);
        assert_int_equal(ordered(t.plan, &snap, "spot"), steps[i].nodes);
        for (size_t a = 0; a < spw_plan_count(t.plan); a++) {
            toy_carry_out(&t, spw_plan_at(t.plan, a));
        }
        t.now += S(15);
    }
    assert_int_equal(t.pool[0].target, 5);
    toy_end(&t);
}

static void stock_cannot_be_asked_tomorrow(void **state)
{
    (void)state;
    toy t;
    world(&t, 1);
    start(&t);
    spw_snapshot snap = *toy_snapshot(&t);
    spw_time asked = t.now + 1;
    snap.pools.stock_observed = &asked;
    spw_err err = {0};
    assert_int_equal(spw_snapshot_check(&snap, &err), SPW_INVAL);
    assert_string_equal(err.field, "pools.stock_observed");
    uint64_t before = spw_snapshot_hash(&snap);
    asked = t.now;
    assert_true(spw_snapshot_hash(&snap) != before);
    toy_end(&t);
}

static void orders_come_in_batches(void **state)
{
    (void)state;
    toy t;
    world(&t, 8);
    t.policy.nodes_per_batch = 3;
    start(&t);
    static const int64_t want[] = {3, 3, 2, 0};
    for (size_t i = 0; i < 4; i++) {
        (void)toy_tick(&t);
        assert_int_equal(ordered(t.plan, &t.snap, "spot"), want[i]);
        t.now += S(15);
    }
    assert_int_equal(t.assigned[0][0], 8);
    toy_end(&t);
}

/** Spot first, as its rank says; a failed creation bars it for 60 s and the next pool in order takes over. */
static void falls_back_to_the_next_pool(void **state)
{
    (void)state;
    toy t;
    world(&t, 2);
    (void)toy_pool_add(&t, 0, "on-demand", SPW_CAPACITY_ON_DEMAND, 0, 10);
    t.pool[1].price = 1; /* cheaper, but rank comes before price */
    start(&t);
    (void)toy_tick(&t);
    assert_int_equal(ordered(t.plan, &t.snap, "spot"), 2);
    assert_int_equal(ordered(t.plan, &t.snap, "on-demand"), 0);
    t.pool[0].target = 0; /* it came to nothing, and the group's record says so */
    t.pool[0].failures = 1;
    t.now += S(15);
    (void)toy_tick(&t);
    assert_int_equal(ordered(t.plan, &t.snap, "spot"), 0);
    assert_int_equal(ordered(t.plan, &t.snap, "on-demand"), 2);
    t.template_replicas[0] = 3;
    t.now += S(61); /* 61 s after the failure was seen */
    (void)toy_tick(&t);
    assert_int_equal(ordered(t.plan, &t.snap, "spot"), 1);
    toy_end(&t);
}

/** Eight GPUs free, CPU for five: three replicas go to the next group though GPUs are idle here. */
static void summaries_limit_a_cluster(void **state)
{
    (void)state;
    toy t;
    toy_init(&t);
    (void)toy_cluster(&t, "idc");
    (void)toy_cluster(&t, "next");
    (void)toy_pool_add(&t, 0, "own", SPW_CAPACITY_OWNED, 8, 8);
    (void)toy_pool_add(&t, 1, "own", SPW_CAPACITY_OWNED, 8, 8);
    t.template_replicas[0] = t.work[0].replicas = 8;
    t.work[0].cpu_milli = 4000;
    const char *groups[] = {"idc", "next"};
    toy_start(&t, groups, 2);
    spw_snapshot snap = *toy_snapshot(&t);
    const int64_t allocatable[] = {40000, 1000000};
    const int64_t allocated[] = {18000, 0}; /* (40 - 18) / 4 = 5.5 */
    snap.clusters.cpu_allocatable = allocatable;
    snap.clusters.cpu_allocated = allocated;
    assert_int_equal(spw_snapshot_check(&snap, NULL), SPW_OK);
    assert_int_equal(spw_decide(t.core, &snap, t.plan, NULL), SPW_OK);
    char text[4096];
    (void)spw_plan_text(t.plan, &snap, text, sizeof text);
    assert_string_equal(text, "place prod/chat idc 0 -> 5  fill-idle\n"
                              "place prod/chat next 0 -> 3  overflow-idle\n");
    toy_end(&t);
}

/**
 * Two of three nodes stand without GPUs in use, but their CPU is, by pods that are not ours, and a fourth is on its
 * way. When all three have been surplus for long enough to be released, one more replica is wanted: it waits for the
 * fourth. None of the two goes then: a smaller pool could cost the node that is awaited.
 */
static void an_idle_node_without_cpu_is_no_surplus(void **state)
{
    (void)state;
    for (int more = 0; more < 2; more++) {
        toy t;
        toy_init(&t);
        (void)toy_cluster(&t, "ack");
        (void)toy_pool_add(&t, 0, "od", SPW_CAPACITY_ON_DEMAND, 3, 4);
        t.work[0].cpu_milli = 4000;
        t.policy.node_unneeded = 60 * SPW_NS_PER_S;
        t.has_summary = true;
        t.summary[0][TOY_MEMORY][0] = t.summary[0][TOY_SLOTS][0] = 1000;
        t.summary[0][TOY_CPU][0] = 24000;
        t.summary[0][TOY_CPU][1] = 21000; /* 4 of them for the replica */
        t.template_replicas[0] = 1;
        t.assigned[0][0] = t.scheduled[0][0] = t.is_ready[0][0] = 1;
        t.pool[0].used = 1;
        t.pool[0].target = 4;
        const char *groups[] = {"ack"};
        toy_start(&t, groups, 1);
        (void)toy_tick(&t);
        t.now = 60 * SPW_NS_PER_S;
        t.template_replicas[0] += more;
        (void)toy_tick(&t);
        assert_string_equal(toy_text(&t), more == 0 ? "release ack od 4 -> 1  nodes-unneeded\n"
                                                    : "place prod/chat ack 1 -> 2  fill-elastic\n");
        toy_end(&t);
    }
}

/**
 * Two of three nodes have idle GPUs, but not the CPU for another replica: a node is ordered for it, and while it waits
 * it is held on that one, not on an idle GPU. So neither the order nor the promise of it is taken back, however long
 * the node takes to come; once the replica runs there, the two idle nodes have been surplus for long enough and go.
 */
static void waiting_without_cpu_is_no_place_on_an_idle_node(void **state)
{
    (void)state;
    toy t;
    toy_init(&t);
    (void)toy_cluster(&t, "ack");
    (void)toy_pool_add(&t, 0, "od", SPW_CAPACITY_ON_DEMAND, 3, 4);
    t.work[0].cpu_milli = 4000;
    t.policy.node_unneeded = 60 * SPW_NS_PER_S;
    t.has_summary = true;
    t.summary[0][TOY_MEMORY][0] = t.summary[0][TOY_SLOTS][0] = 1000;
    t.summary[0][TOY_CPU][0] = 24000;
    t.summary[0][TOY_CPU][1] = 21000; /* 4 of them for the replica */
    t.template_replicas[0] = 1;
    t.assigned[0][0] = t.scheduled[0][0] = t.is_ready[0][0] = 1;
    t.pool[0].used = 1;
    const char *groups[] = {"ack"};
    toy_start(&t, groups, 1);
    (void)toy_tick(&t);
    t.now = 45 * SPW_NS_PER_S;
    t.template_replicas[0] = 2;
    (void)toy_tick(&t);
    assert_string_equal(toy_text(&t), "place prod/chat ack 1 -> 2  fill-elastic\n"
                                      "provision ack od 3 -> 4  nodes-for-pending\n");
    t.summary[0][TOY_CPU][2] = 4000;
    for (t.now = 60 * SPW_NS_PER_S; t.now <= 300 * SPW_NS_PER_S; t.now += 15 * SPW_NS_PER_S) {
        (void)toy_tick(&t);
        assert_string_equal(toy_text(&t), "");
    }
    t.pool[0].nodes = 4;
    t.summary[0][TOY_CPU][0] = 32000;
    t.summary[0][TOY_CPU][1] = 25000;
    t.summary[0][TOY_CPU][2] = 0;
    t.scheduled[0][0] = t.is_ready[0][0] = t.pool[0].used = 2;
    (void)toy_tick(&t);
    t.now += 60 * SPW_NS_PER_S;
    (void)toy_tick(&t);
    assert_string_equal(toy_text(&t), "release ack od 4 -> 2  nodes-unneeded\n");
    toy_end(&t);
}

/** 3 x 1.0 + 2 x 0.5 replicas; the table may lag, and a shrinking seat keeps the mean. */
static void ready_replicas_weigh_by_class(void **state)
{
    (void)state;
    static const char *const classes[] = {"RTX-5090", "RTX-4090"};
    static const int32_t milli[] = {1000, 500};
    const spw_workload plain = {.gpus = 1, .gpu_classes = classes, .gpu_class_count = 2};
    spw_workload rated = plain;
    rated.gpu_milli = milli;
    room_pool pools[] = {{.node_gpus = 1, .gpu = "RTX-5090", .up = 4},
                         {.node_gpus = 1, .gpu = "RTX-4090", .up = 4},
                         {.node_gpus = 1, .gpu = "RTX-5090", .up = 4},
                         {.node_gpus = 1, .gpu = "RTX-4090", .up = 0}};
    uint32_t first[] = {0, 2, 4};
    view v = {.rooms = {.pools = pools, .first = first}};
    view_seat seat = {.cluster = 0, .usage_ready = 5, .usage_milli = 4000};
    assert_int_equal(view_ready_weight(&v, &plain, &seat, 5), 5000);
    assert_int_equal(view_ready_weight(&v, &rated, &seat, 5), 4000);
    assert_int_equal(view_ready_weight(&v, &rated, &seat, 2), 1600); /* 800 each */
    assert_int_equal(view_ready_weight(&v, &rated, &seat, 7), 5000); /* two more, as on the slowest class here */
    assert_int_equal(view_ready_weight(&v, &rated, &seat, 0), 0);
    const view_seat unknown = {.cluster = 0};
    assert_int_equal(view_ready_weight(&v, &rated, &unknown, 2), 1000);
    const view_seat one_class = {.cluster = 1}; /* the slower pool has no node */
    assert_int_equal(view_ready_weight(&v, &rated, &one_class, 2), 2000);
}

/** Through a whole decision: idc has 2 ready on the slow class, cloud 2 on the fast one: 1 to 2, not 1 to 1. */
static void traffic_follows_throughput(void **state)
{
    (void)state;
    static const char *const classes[] = {"RTX-5090", "RTX-4090"};
    static const int32_t milli[] = {1000, 500};
    toy t;
    toy_init(&t);
    (void)toy_cluster(&t, "cloud");
    (void)toy_cluster(&t, "idc");
    (void)toy_pool_add(&t, 0, "fast", SPW_CAPACITY_OWNED, 2, 2);
    (void)toy_pool_add(&t, 1, "slow", SPW_CAPACITY_OWNED, 2, 2);
    (void)toy_pool_add(&t, 1, "fast", SPW_CAPACITY_OWNED, 2, 2);
    t.pool[1].gpu = "RTX-4090";
    t.work[0].gpu_classes = classes;
    t.work[0].gpu_class_count = 2;
    t.template_replicas[0] = t.work[0].replicas = 4;
    for (int c = 0; c < 2; c++) {
        t.assigned[0][c] = t.scheduled[0][c] = t.is_ready[0][c] = 2;
        t.pool[c].used = 2;
    }
    for (int rated = 0; rated < 3; rated++) { /* without throughputs; with them; with the table of usage */
        t.work[0].gpu_milli = rated > 0 ? milli : NULL;
        const char *groups[] = {"cloud,idc"};
        toy_start(&t, groups, 1);
        spw_snapshot snap = *toy_snapshot(&t);
        const spw_id work[] = {0, 0, 0};
        const spw_id pool[] = {0, 1, 2};
        const int32_t ready[] = {2, 0, 2}; /* the table knows better: in idc they run on the fast pool */
        if (rated == 2) {
            snap.usage = (spw_usage_rows){3, work, pool, ready};
        }
        assert_int_equal(spw_snapshot_check(&snap, NULL), SPW_OK);
        assert_int_equal(spw_decide(t.core, &snap, t.plan, NULL), SPW_OK);
        char text[4096];
        (void)spw_plan_text(t.plan, &snap, text, sizeof text);
        assert_string_equal(text, rated == 1 ? "route prod/chat cloud 0 -> 666667  route-ready\n"
                                               "route prod/chat idc 0 -> 333333  route-ready\n"
                                             : "route prod/chat cloud 0 -> 500000  route-ready\n"
                                               "route prod/chat idc 0 -> 500000  route-ready\n");
    }
    toy_end(&t);
}

/** An order that was lost is repeated; what of the pool is not needed any more goes later, not by the same plan. */
static void no_release_beside_an_order(void **state)
{
    (void)state;
    static const char *const groups[] = {"idc"};
    toy t;
    toy_init(&t);
    (void)toy_pool_add(&t, toy_cluster(&t, "idc"), "od", SPW_CAPACITY_ON_DEMAND, 0, 4);
    t.policy.elastic = true;
    t.policy.node_unneeded = 0;
    t.template_replicas[0] = 1;
    toy_start(&t, groups, 1);
    (void)toy_tick(&t);
    assert_int_equal(t.pool[0].target, 1);
    static const int32_t wanted[] = {3, 0, 0};
    for (int i = 0; i < 3; i++) {
        t.now += 15 * SPW_NS_PER_S;
        t.template_replicas[0] = wanted[i];
        (void)toy_tick(&t);
        t.pool[0].target = 1; /* what was ordered beyond it is lost each time */
    }
    assert_string_equal(toy_text(&t), "provision idc od 1 -> 3  nodes-for-pending\n");
    toy_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_release_beside_an_order),
        cmocka_unit_test(stock_fades),
        cmocka_unit_test(stock_is_ordered_once),
        cmocka_unit_test(stock_cannot_be_asked_tomorrow),
        cmocka_unit_test(orders_come_in_batches),
        cmocka_unit_test(falls_back_to_the_next_pool),
        cmocka_unit_test(summaries_limit_a_cluster),
        cmocka_unit_test(an_idle_node_without_cpu_is_no_surplus),
        cmocka_unit_test(waiting_without_cpu_is_no_place_on_an_idle_node),
        cmocka_unit_test(ready_replicas_weigh_by_class),
        cmocka_unit_test(traffic_follows_throughput),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
