/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_waits.c - time for which a service has asked for replicas and had no node for them, in the lag chain. Whole runs
 * whose times are worked by hand, and the queue of waits step by step.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "tests/support/fleet_live.h"
#include "tests/support/world.h"

#define S     SPW_NS_PER_S
#define STEP  (60 * S)
#define STEPS 100

static mdl_law constant(double value)
{
    return (mdl_law){MDL_LAW_CONSTANT, value, 0, 0};
}

static void assert_near(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance)) {
        fail_msg("%.9f is not %.9f", got, want);
    }
}

/* --- whole runs -------------------------------------------------------------------------------------------------- */

/** 2 requests/s, and 6 of them in [300 s, high_end) and from high_again on: evenly spaced, never on a second. */
static mdl_trace *wave(int64_t high_end, int64_t high_again)
{
    mdl_trace *trace = calloc(1, sizeof *trace);
    int64_t *at = calloc(6 * STEPS * 60, sizeof *at);

    assert_non_null(trace);
    assert_non_null(at);
    for (int64_t t = 0; t < STEPS * 60; t++) {
        const int per_s = (t >= 300 && t < high_end) || t >= high_again ? 6 : 2;

        for (int i = 0; i < per_s; i++) {
            at[trace->count++] = t * S + (2 * i + 1) * S / (2 * per_s) - S / 4;
        }
    }
    trace->at_ns = at;
    return trace;
}

static void wave_free(mdl_trace *trace)
{
    free((void *)(uintptr_t)trace->at_ns);
    free(trace);
}

/**
 * One replica for each request/s. The first cluster holds two; the second one may order nodes of 8 (60 s, boot 30 s; a
 * replica starts in 30 s), of which the provider has none before `from`, a multiple of 60 s, and `nodes` then.
 */
static void out_of_stock(world *w, const mdl_trace *trace, mdl_stock_trace *record, int32_t *level, int64_t from,
                         int32_t nodes)
{
    world_init(w);
    world_groups(w, 2);
    for (int i = 0; i < STEPS; i++) {
        level[i] = i * STEP >= from ? nodes : 0;
    }
    *record = (mdl_stock_trace){.level = level, .count = STEPS, .step_ns = STEP};
    w->traffic[0].arrivals =
        (mdl_arrival_spec){.kind = MDL_ARRIVAL_TRACE, .trace = trace, .trace_scale = 1, .trace_shift_ns = S / 4};
    w->services[0].station_law = (mdl_service_law){.kind = MDL_SERVICE_FIXED, .mean_s = 0.4};
    w->workloads[0].replicas = 2;
    world_hpa(w, "requests_per_second", 1000, 1, 20);
    w->metric.kind = SPW_METRIC_EXTERNAL;
    w->pools[0][0].gpus_per_node = 2;
    w->pools[1][0].capacity = SPW_CAPACITY_ON_DEMAND;
    w->pools[1][0].nodes_start = w->pools[1][0].nodes_min = 0;
    w->pools[1][0].nodes_max = 3;
    w->pools[1][0].lag.inventory_s = constant(60);
    w->pools[1][0].lag.boot_s = constant(30);
    w->pools[1][0].lag.start_s = constant(30);
    w->pools[1][0].stock_name = "record";
    w->pools[1][0].stock_record = record;
    w->sc.duration_ns = STEPS * STEP;
}

static double whole_s(const res_lag *lag)
{
    double sum = lag->decision_s;

    for (int stage = 0; stage < MDL_STAGES; stage++) {
        sum += lag->mean_s[stage];
    }
    return sum;
}

/**
 * From 300 s on four more replicas are wanted: two by the reading at 315 s, two by that at 330 s. There is no stock
 * until 1800 s, so what is ordered is refused and what was assigned is taken back. All four become ready when the burst
 * is absorbed: the chain of each is all the time from its reading till then, on average from 322.5 s, and but for 30 s
 * of boot and 30 s of start they have waited for a node.
 */
static void no_stock_is_in_the_chain(void **state)
{
    mdl_trace *trace = wave(STEPS * 60, STEPS * 60);
    mdl_stock_trace record;
    int32_t level[STEPS];
    world w;

    (void)state;
    out_of_stock(&w, trace, &record, level, 1800 * S, 3);
    res_run *run = world_run(&w, 1);
    const res_lag *lag = &run->lag_by_start[RES_START_NODE_ORDERED];
    assert_int_equal(run->burst_count, 1);
    const res_burst *b = &run->bursts[0];
    assert_near(b->onset_s, 315, 1e-9);
    assert_true(run->pools[1].refused_stock > 1);
    assert_int_equal(run->pools[1].provisioned, 1);
    assert_true(b->absorbed_s > 1800 + 30 + 30);
    assert_int_equal(b->replicas_started, 4);
    assert_int_equal(lag->count, 4);
    assert_near(lag->mean_s[MDL_STAGE_INVENTORY], b->absorbed_s - 60 - 322.5, 1e-6);
    assert_near(lag->mean_s[MDL_STAGE_BOOT], 30, 1e-9);
    assert_near(lag->mean_s[MDL_STAGE_LOAD], 30, 1e-9);
    assert_near(whole_s(lag), b->absorbed_s - 322.5, 1e-6);
    assert_near(b->stage_s[MDL_STAGE_INVENTORY], lag->mean_s[MDL_STAGE_INVENTORY], 1e-6);
    double chain_s = 0;
    for (int32_t row = 0; row < run->timeline.bins * RES_CHAIN; row++) {
        chain_s += run->timeline.chain_s[row];
    }
    assert_near(chain_s, 4 * (b->absorbed_s - 322.5), 1e-5);
    res_free(run);
    wave_free(trace);
}

/**
 * Nodes of two, of which there is one from 1800 s and another from 3000 s on: two of the four are ready long before the
 * others. When they were says the area under the curve of ready replicas, of which two are there all the time; together
 * the chains hold what lies between the readings and that.
 */
static void granted_in_parts(void **state)
{
    const double end_s = STEPS * 60;
    mdl_trace *trace = wave(STEPS * 60, STEPS * 60);
    mdl_stock_trace record;
    int32_t level[STEPS];
    double ready_s = 0;
    world w;

    (void)state;
    out_of_stock(&w, trace, &record, level, 1800 * S, 1);
    for (int i = 3000 / 60; i < STEPS; i++) {
        level[i] = 2;
    }
    w.pools[1][0].gpus_per_node = 2;
    res_run *run = world_run(&w, 1);
    for (int32_t b = 0; b < run->timeline.bins; b++) {
        ready_s += (double)run->timeline.ready[b] * (double)run->timeline.bin_ns / 1e9;
    }
    const double became_s = 4 * end_s - (ready_s - 2 * end_s); /* of the four, summed */
    assert_int_equal(run->lag.count, 4);
    assert_int_equal(run->pools[1].provisioned, 2);
    assert_true(became_s > 2 * 1860 + 2 * 3060 && became_s < 2 * 3000 + 2 * run->bursts[0].absorbed_s);
    assert_near(4 * whole_s(&run->lag), became_s - 2 * 315 - 2 * 330, 0.1);
    assert_near(4 * run->lag.mean_s[MDL_STAGE_INVENTORY], became_s - 2 * 315 - 2 * 330 - 4 * 60, 0.1);
    res_free(run);
    wave_free(trace);
}

/**
 * The demand of 300 to 900 s is over before there is stock, at 3000 s; when it comes again, at 3600 s, nodes come as
 * ordered. The four replicas of then have waited as if there had never been another burst: 60 and 45 s.
 */
static void what_is_no_longer_wanted_is_charged_to_nobody(void **state)
{
    mdl_trace *trace = wave(900, 3600);
    mdl_stock_trace record;
    int32_t level[STEPS];
    world w;

    (void)state;
    out_of_stock(&w, trace, &record, level, 3000 * S, 3);
    res_run *run = world_run(&w, 1);
    assert_int_equal(run->burst_count, 2);
    assert_int_equal(run->bursts[0].replicas_started, 0);
    assert_true(run->pools[1].refused_stock > 0);
    assert_near(run->bursts[1].onset_s, 3615, 1e-9);
    assert_int_equal(run->lag.count, 4);
    assert_near(run->lag.mean_s[MDL_STAGE_INVENTORY], 52.5, 1e-9);
    assert_near(whole_s(&run->lag), 112.5, 1e-9);
    res_free(run);
    wave_free(trace);
}

/* --- step by step ------------------------------------------------------------------------------------------------ */

static void tick_begins(fl_world *f, int64_t at_s)
{
    fleet_live(f, at_s * S);
    f->reading_ns = f->now - 2 * S;
    fl_waits_begin(f);
}

/** The plan of the tick has assigned so many, and could put so many nowhere. */
static void tick_ends(fl_world *f, int32_t unplaced, int32_t unplaced_other)
{
    fl_waits_settle(f, 0, unplaced, 0);
    fl_waits_settle(f, 1, unplaced_other, 0);
    f->reading_ns = FL_NEVER;
}

/** The replica of a service made as the n-th one: since when it was asked for, and that its stages account for it. */
static void assert_asked(const fl_world *f, uint32_t service, uint64_t ordinal, int64_t at_s)
{
    for (uint32_t i = 0; i < f->replica_cap; i++) {
        const fl_replica *r = &f->replicas[i];

        if (r->state != FL_RP_FREE && r->service == service && r->ordinal == ordinal) {
            assert_int_equal(r->asked_ns, at_s * S);
            assert_int_equal(r->decision_ns, 2 * S);
            if (r->state != FL_RP_PENDING) {
                assert_int_equal(r->stage_ns[MDL_STAGE_INVENTORY] + r->stage_ns[MDL_STAGE_BOOT] +
                                     r->stage_ns[MDL_STAGE_JOIN],
                                 r->bound_ns - at_s * S);
            }
            return;
        }
    }
    fail_msg("service %u has no replica %d", service, (int)ordinal);
}

/** Two clusters of one node of 8, up; a replica takes one GPU. */
static fl_world *two_services(world *w)
{
    world_init(w);
    w->sc.cluster_count = 2;
    w->sc.service_count = 2;
    return fleet_open(w);
}

/** Of three asked for at 100 s and two at 200 s, two are served, one is no longer wanted, and two are served. */
static void oldest_first_and_latest_forgotten(void **state)
{
    world w;
    fl_world *f = two_services(&w);

    (void)state;
    tick_begins(f, 100);
    tick_ends(f, 3, 0);
    tick_begins(f, 200);
    tick_ends(f, 5, 1);
    tick_begins(f, 300);
    fl_assign(f, 0, 0, 2);
    tick_ends(f, 3, 1);
    assert_asked(f, 0, 0, 100);
    assert_asked(f, 0, 1, 100);
    tick_begins(f, 400);
    tick_ends(f, 2, 1); /* one of 100 s and one of 200 s are left */
    tick_begins(f, 500);
    fl_assign(f, 0, 0, 3);
    fl_assign(f, 0, 1, 2);
    fl_assign(f, 1, 1, 2); /* of the other service: one that waits since 200 s, and one that is new */
    tick_ends(f, 0, 0);
    assert_asked(f, 0, 2, 100);
    assert_asked(f, 0, 3, 200);
    assert_asked(f, 0, 4, 500);
    assert_asked(f, 1, 0, 200);
    assert_asked(f, 1, 1, 500);
    tick_begins(f, 600); /* all waits are used up */
    fl_assign(f, 0, 0, 4);
    tick_ends(f, 0, 0);
    assert_asked(f, 0, 5, 600);
    fl_world_free(f);
}

/** Pending replicas that are taken back keep their place in the queue: into another cluster at once, or later. */
static void taken_back_and_asked_again(void **state)
{
    world w;
    fl_world *f = two_services(&w);

    (void)state;
    tick_begins(f, 100);
    fl_assign(f, 0, 0, 10); /* 8 find room */
    tick_ends(f, 0, 0);
    assert_asked(f, 0, 9, 100);
    tick_begins(f, 200);
    fl_assign(f, 0, 1, 1); /* raised there before it is lowered here */
    fl_assign(f, 0, 0, 8);
    tick_ends(f, 1, 0);
    assert_asked(f, 0, 10, 100);
    tick_begins(f, 300);
    fl_assign(f, 0, 1, 2);
    tick_ends(f, 0, 0);
    assert_asked(f, 0, 11, 100);
    tick_begins(f, 400);
    fl_assign(f, 0, 0, 9);
    tick_ends(f, 0, 0);
    tick_begins(f, 500);
    fl_assign(f, 0, 0, 8); /* taken back as it is no longer wanted */
    tick_ends(f, 0, 0);
    tick_begins(f, 600);
    fl_assign(f, 0, 1, 3);
    tick_ends(f, 0, 0);
    assert_asked(f, 0, 13, 600);
    fl_world_free(f);
}

/** A copy of a replica that moves is not what others wait for. */
static void a_move_ends_no_wait(void **state)
{
    world w;
    fl_world *f = two_services(&w);

    (void)state;
    tick_begins(f, 100);
    fl_assign(f, 0, 1, 1);
    tick_ends(f, 1, 0);
    tick_begins(f, 200);
    fl_assign(f, 0, 0, 1);
    fl_waits_settle(f, 0, 1, 1);
    assert_asked(f, 0, 1, 200);
    tick_begins(f, 300);
    fl_assign(f, 0, 0, 2);
    tick_ends(f, 0, 0);
    assert_asked(f, 0, 2, 100);
    fl_world_free(f);
}

/**
 * A pending replica whose first order comes to nothing waits for the next one: ordered at 0, refused at 10 s, ordered
 * again at 100 s, its node boots from 110 to 130 s.
 */
static void a_pending_one_waits_through_failures(void **state)
{
    world w;
    fl_world *f;
    mdl_stock_trace record;
    int32_t level[STEPS] = {0, 1};

    (void)state;
    world_init(&w);
    record = (mdl_stock_trace){.level = level, .count = STEPS, .step_ns = STEP};
    w.pools[0][0].capacity = SPW_CAPACITY_ON_DEMAND;
    w.pools[0][0].nodes_start = w.pools[0][0].nodes_min = 0;
    w.pools[0][0].lag.inventory_s = constant(10);
    w.pools[0][0].lag.boot_s = constant(20);
    w.pools[0][0].stock_name = "record";
    w.pools[0][0].stock_record = &record;
    f = fleet_open(&w);
    fl_assign(f, 0, 0, 1);
    fl_pool_target(f, 0, 1);
    fleet_live(f, 100 * S);
    assert_int_equal(f->run->pools[0].refused_stock, 1);
    fl_pool_target(f, 0, 1);
    fleet_live(f, 130 * S);
    const fl_replica *r = &f->replicas[f->services[0].places[0].ids[0]];
    assert_int_equal(r->bound_ns, 130 * S);
    assert_int_equal(r->stage_ns[MDL_STAGE_INVENTORY], 110 * S);
    assert_int_equal(r->stage_ns[MDL_STAGE_BOOT], 20 * S);
    fl_world_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_stock_is_in_the_chain),
        cmocka_unit_test(granted_in_parts),
        cmocka_unit_test(what_is_no_longer_wanted_is_charged_to_nobody),
        cmocka_unit_test(oldest_first_and_latest_forgotten),
        cmocka_unit_test(taken_back_and_asked_again),
        cmocka_unit_test(a_move_ends_no_wait),
        cmocka_unit_test(a_pending_one_waits_through_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
