/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_faults.c - windows against their law, slowed engines by hand, and each kind of fault in a small world. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "sim/fleet/eye.h"
#include "sim/fleet/faults.h"
#include "tests/support/fit.h"
#include "tests/support/fleet_live.h"
#include "tests/support/world.h"

#define S SPW_NS_PER_S
#define N 20000

/* --- windows ------------------------------------------------------------------------------------------------------ */

static double exponential_cdf(double t, const void *mean)
{
    return 1.0 - exp(-t / *(const double *)mean);
}

static void test_rate(void **state)
{
    static double up[N], down[N];
    const mdl_windows law = {.mean_up_s = 3600, .mean_down_s = 90};
    gsl_rng *r = gsl_rng_alloc(gsl_rng_mt19937);
    int64_t at = 0;
    size_t row = 0;
    double inside = 0;

    (void)state;
    gsl_rng_set(r, 7);
    for (int i = 0; i < N; i++) {
        mdl_window win;

        assert_true(mdl_window_next(&law, r, at, &row, &win));
        assert_true(win.begin_ns >= at && win.end_ns > win.begin_ns);
        up[i] = (double)(win.begin_ns - at) / 1e9;
        down[i] = (double)(win.end_ns - win.begin_ns) / 1e9;
        inside += down[i];
        at = win.end_ns;
    }
    assert_int_equal(row, N);
    assert_true(fit_ks(up, N, exponential_cdf, &law.mean_up_s, INFINITY) < 1.63);
    assert_true(fit_ks(down, N, exponential_cdf, &law.mean_down_s, INFINITY) < 1.63);
    inside /= (double)at / 1e9; /* 90 / 3690, within four standard errors: sqrt(2/N) of itself each */
    assert_true(fabs(inside / (90.0 / 3690.0) - 1.0) < 4 * sqrt(2.0 / N));
    assert_false(mdl_window_next(&law, r, INT64_C(4000000000000000000), &row, &(mdl_window){0, 0}));
    gsl_rng_free(r);
}

static void test_schedule(void **state)
{
    const mdl_window at[] = {{5, 7}, {7, 30}};
    const mdl_windows law = {.at = at, .count = 2};
    mdl_window win;
    size_t row = 0;

    (void)state;
    assert_true(mdl_window_next(&law, NULL, 0, &row, &win) && win.begin_ns == 5 && win.end_ns == 7);
    assert_true(mdl_window_next(&law, NULL, 7, &row, &win) && win.begin_ns == 7 && win.end_ns == 30);
    assert_false(mdl_window_next(&law, NULL, 30, &row, &win));
    row = 0; /* a node that comes at 6 finds the rest of the first, one at 8 that of the second, one at 30 none */
    assert_true(mdl_window_next(&law, NULL, 6, &row, &win) && win.begin_ns == 6 && win.end_ns == 7);
    row = 0;
    assert_true(mdl_window_next(&law, NULL, 8, &row, &win) && win.begin_ns == 8 && win.end_ns == 30);
    row = 0;
    assert_false(mdl_window_next(&law, NULL, 30, &row, &win));
}

static void test_list(void **state)
{
    (void)state;
    for (int k = 0; k < MDL_FAULTS; k++) {
        const mdl_fault_type *type = mdl_fault((mdl_fault_kind)k);

        assert_true(type->name != NULL && type->summary != NULL && type->scope != 0);
        for (int other = 0; other < k; other++) {
            assert_string_not_equal(type->name, mdl_fault((mdl_fault_kind)other)->name);
        }
    }
}

/* --- slowed engines ----------------------------------------------------------------------------------------------- */

static int64_t done_at(mdl_engine *e, int64_t *next)
{
    mdl_event events[8];
    int64_t now = mdl_engine_next(e);
    int64_t done = -1;
    size_t n = mdl_engine_advance(e, now, events, 8);

    for (size_t i = 0; i < n; i++) {
        done = events[i].kind == MDL_DONE ? events[i].at_ns : done;
    }
    *next = mdl_engine_next(e);
    return done;
}

/* 1000 ns of work from 0; twice as slow from 400: 600 left take 1200, so 1600. Then three halves from 1700: 100 ns of
 * work at 1700 take 150; the next at 2000, 101 ns, takes 151.5, seen at 2152. Busy: 1600 + 150 + 151 full ns. */
static void test_slow_by_hand(void **state)
{
    const mdl_station_config one = {.servers = 1, .max_waiting = 10};
    mdl_engine *whole = mdl_station_new(&one), *e = mdl_slowed(whole, 0, 1000);
    mdl_work work = {.tag = 1, .service_ns = 1000};
    mdl_event events[8];
    mdl_load load;
    int64_t next;

    (void)state;
    assert_ptr_equal(e, whole); /* never slow so far */
    assert_true(mdl_engine_submit(e, 0, &work) != MDL_REFUSED);
    assert_int_equal(mdl_engine_next(e), 1000);
    (void)mdl_engine_advance(e, 400, events, 8);
    e = mdl_slowed(e, 400, 2000);
    assert_int_equal(mdl_engine_next(e), 1600);
    assert_int_equal(mdl_engine_advance(e, 1599, events, 8), 0);
    mdl_engine_prefetch(e);
    assert_int_equal(mdl_engine_expect(e).ends, 1);
    assert_int_equal(done_at(e, &next), 1600);
    assert_true(next == MDL_NEVER);
    (void)mdl_engine_advance(e, 1700, events, 8);
    assert_ptr_equal(mdl_slowed(e, 1700, 1500), e);
    work.service_ns = 100;
    assert_true(mdl_engine_submit(e, 1700, &work) != MDL_REFUSED);
    assert_int_equal(done_at(e, &next), 1850);
    (void)mdl_engine_advance(e, 2000, events, 8);
    work.service_ns = 101;
    assert_true(mdl_engine_submit(e, 2000, &work) != MDL_REFUSED);
    assert_int_equal(done_at(e, &next), 2152);
    mdl_engine_load(e, 2200, &load);
    assert_int_equal(load.busy_ns, 1600 + 150 + 151);
    assert_int_equal(load.completed, 3);
    mdl_engine_free(e);
    assert_null(mdl_slowed(NULL, 0, 2000));
}

/* --- a small world ------------------------------------------------------------------------------------------------ */

static const mdl_window noon[] = {{600 * S, 900 * S}};

static void fault_set(world *w, sc_fault *f, mdl_fault_kind kind)
{
    *f = (sc_fault){.kind = kind,
                    .windows = {.at = noon, .count = 1},
                    .region = -1,
                    .cluster = -1,
                    .pool = -1,
                    .service = -1,
                    .index = -1,
                    .nodes_per_rack = 1};
    w->sc.faults = f;
    w->sc.fault_count = 1;
}

/* M/M/1 at load 0.9 for an hour, its only node off from 600 s to 900 s. The replica is back 1 s after the node (pull
 * and load of nothing take no time, so at once). Requests inside are sent again, or lost. */
static void test_node(void **state)
{
    (void)state;
    for (int lose = 0; lose < 2; lose++) {
        world w;
        sc_fault f;
        res_run *run;

        world_init(&w);
        fault_set(&w, &f, MDL_FAULT_NODE);
        f.lose = lose == 1;
        w.traffic[0].arrivals.rate_per_s = 0.9;
        run = world_run(&w, 4);
        assert_int_equal(run->faults[0].windows, 1);
        assert_int_equal(run->faults[0].held_ns, 300 * S);
        assert_int_equal(run->faults[0].nodes, 1);
        assert_true(run->faults[0].requests > 0);
        assert_int_equal(run->requests.rejected, lose == 1 ? run->faults[0].requests : 0);
        assert_int_equal(run->requests.offered, run->requests.completed + run->requests.rejected +
                                                    run->requests.timed_out + run->requests.in_flight);
        for (int32_t b = 0; b < run->timeline.bins; b++) {
            int64_t from = b * run->timeline.bin_ns;
            int64_t to = from + run->timeline.bin_ns;

            if (from >= 600 * S && to <= 900 * S) {
                assert_true(run->timeline.ready[b] <= 0.0F);
            } else if (to <= 600 * S || from >= 915 * S) {
                assert_true(run->timeline.ready[b] >= 1.0F);
            }
        }
        res_free(run);
    }
}

/* Owned: the node that is down is paid for, and no other is ordered in its place. */
static void test_node_bill(void **state)
{
    world w;
    sc_fault f;
    res_run *run;

    (void)state;
    world_init(&w);
    fault_set(&w, &f, MDL_FAULT_NODE);
    w.pools[0][0].capacity = SPW_CAPACITY_ON_DEMAND;
    run = world_run(&w, 4);
    assert_int_equal(run->pools[0].cost_uusd, 8 * 1000000);
    assert_int_equal(run->pools[0].provisioned, 0);
    res_free(run);
}

/* Six nodes in racks of two: rack 1 is places 2 and 3. */
static void test_rack(void **state)
{
    world w;
    sc_fault f;
    fl_world *fl;

    (void)state;
    world_init(&w);
    fault_set(&w, &f, MDL_FAULT_RACK);
    w.pools[0][0].nodes_start = w.pools[0][0].nodes_min = w.pools[0][0].nodes_max = 6;
    f.nodes_per_rack = 2;
    f.index = 1;
    fl = fleet_open(&w);
    fleet_live(fl, 700 * S);
    assert_int_equal(fl->pools[0].up, 4);
    assert_int_equal(fl->pools[0].down, 2);
    for (uint32_t i = 0; i < 6; i++) {
        assert_int_equal(fl->nodes[fl->pools[0].nodes[i]].state, i / 2 == 1 ? FL_NODE_DOWN : FL_NODE_UP);
    }
    fleet_live(fl, 900 * S);
    assert_int_equal(fl->pools[0].up, 6);
    assert_int_equal(fl->pools[0].down, 0);
    assert_int_equal(fl->run->faults[0].nodes, 2);
    fl_world_free(fl);
}

/* By rate, each place has its own stream: not all down at once, and the share of time down is down / (up + down). */
static void test_node_rate(void **state)
{
    world w;
    sc_fault f;
    fl_world *fl;
    double share;

    (void)state;
    world_init(&w);
    fault_set(&w, &f, MDL_FAULT_NODE);
    f.windows = (mdl_windows){.mean_up_s = 3000, .mean_down_s = 1000};
    w.pools[0][0].nodes_start = w.pools[0][0].nodes_min = w.pools[0][0].nodes_max = 40;
    w.sc.duration_ns = 200000 * S;
    fl = fleet_open(&w);
    fleet_live(fl, 200000 * S);
    fl_faults_close(fl);
    assert_int_equal(fl->pools[0].up + fl->pools[0].down, 40);
    share = (double)fl->run->faults[0].held_ns / (40.0 * 200000e9);
    assert_true(fabs(share - 0.25) < 0.02); /* 2000 cycles: relative error about sqrt(2/2000) x 3/4 */
    assert_true(fl->run->faults[0].windows > 1800 && fl->run->faults[0].windows < 2200);
    fl_world_free(fl);
}

/* A region takes its clusters and no other; readings say so. */
static void test_region(void **state)
{
    world w;
    sc_fault f;
    fl_world *fl;

    (void)state;
    world_init(&w);
    world_groups(&w, 3);
    w.sc.cluster_count = 3;
    w.sc.region_count = 2;
    w.clusters[1].region = w.clusters[2].region = 1;
    fault_set(&w, &f, MDL_FAULT_REGION);
    f.region = 1;
    fl = fleet_open(&w);
    fleet_live(fl, 700 * S);
    assert_int_equal(fl->pools[0].up, 1);
    assert_int_equal(fl->pools[1].down, 1);
    assert_int_equal(fl->pools[2].down, 1);
    fl_scrape_event(fl);
    fl_eye_look(fl);
    assert_int_equal(fl->eye->ring[fl->eye->first].cluster_ready[0], 1);
    assert_int_equal(fl->eye->ring[fl->eye->first].cluster_ready[1], 0);
    assert_int_equal(fl->eye->ring[fl->eye->first].cluster_ready[2], 0);
    fl_world_free(fl);
}

/* A deterministic station of 1 s at 0.9/s is stable; twice as slow for 300 s it falls behind: the longest wait grows to
 * about 300 x (0.9 - 0.5) / 0.5 s of work, against hardly any without. */
static void test_slow(void **state)
{
    int64_t worst[2];

    (void)state;
    for (int on = 0; on < 2; on++) {
        world w;
        sc_fault f;
        res_run *run;

        world_init(&w);
        fault_set(&w, &f, MDL_FAULT_SLOW);
        f.factor_milli = 2000;
        w.sc.fault_count = on;
        w.services[0].station_law = (mdl_service_law){.kind = MDL_SERVICE_FIXED, .mean_s = 0.5};
        w.traffic[0].arrivals.rate_per_s = 1.5;
        run = world_run(&w, 5);
        worst[on] = stat_hist_max(run->latency.e2e);
        assert_int_equal(run->requests.rejected, 0);
        res_free(run);
    }
    /* load 0.75 -> 1.5: 300 s x 1.5/s = 450 requests, 300 done: 150 behind, 150 s of slow work */
    assert_true(worst[0] < 15 * S);
    assert_true(worst[1] > 70 * S && worst[1] < 220 * S);
}

static spw_action place(int64_t replicas)
{
    return (spw_action){.verb = SPW_VERB_PLACE, .workload = 0, .cluster = 0, .pool = SPW_ID_NONE, .amount = replicas};
}

static void test_actions(void **state)
{
    static const mdl_fault_kind kinds[] = {MDL_FAULT_API_ERRORS, MDL_FAULT_API_HANG, MDL_FAULT_ACTIONS_LOST,
                                           MDL_FAULT_ACTIONS_DUPLICATED};

    (void)state;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        world w;
        sc_fault f;
        fl_world *fl;
        spw_actuator api;
        spw_action three = place(3);
        spw_action five = place(5);
        spw_err err;
        const fl_place *at;

        world_init(&w);
        fault_set(&w, &f, kinds[k]);
        f.probability = 1;
        f.after_ns = 100 * S;
        fl = fleet_open(&w);
        api = fl_actuator_of(fl);
        at = &fl->services[0].places[0];
        fleet_live(fl, 590 * S);
        assert_int_equal(api.submit(api.self, &three, 1, &err), SPW_OK);
        assert_int_equal(at->assigned, 3);
        assert_int_equal(fl->run->faults[0].actions, 0);
        fleet_live(fl, 610 * S);
        assert_int_equal(api.submit(api.self, &five, 2, &err), kinds[k] == MDL_FAULT_API_ERRORS ? SPW_BACKEND : SPW_OK);
        assert_int_equal(at->assigned, kinds[k] == MDL_FAULT_ACTIONS_DUPLICATED ? 5 : 3);
        assert_int_equal(fl->run->faults[0].actions, 1);
        if (kinds[k] == MDL_FAULT_ACTIONS_DUPLICATED) { /* the old one comes again after a newer */
            fl_assign(fl, 0, 0, 2);
            fleet_live(fl, 709 * S);
            assert_int_equal(at->assigned, 2);
            fleet_live(fl, 710 * S);
            assert_int_equal(at->assigned, 5);
        }
        fleet_live(fl, 899 * S);
        assert_int_equal(at->assigned, kinds[k] == MDL_FAULT_ACTIONS_DUPLICATED ? 5 : 3);
        fleet_live(fl, 900 * S);
        assert_int_equal(at->assigned,
                         kinds[k] == MDL_FAULT_ACTIONS_DUPLICATED || kinds[k] == MDL_FAULT_API_HANG ? 5 : 3);
        fl_world_free(fl);
    }
}

/* Two hangs at once, until 900 s and until 1000 s: what is sent meanwhile is carried out when the last is over. */
static void test_hangs_overlap(void **state)
{
    static const mdl_window longer = {300 * S, 1000 * S};

    (void)state;
    for (int last = 0; last < 2; last++) {
        world w;
        sc_fault f[2];
        fl_world *fl;
        spw_actuator api;
        spw_action five = place(5);
        spw_err err;

        world_init(&w);
        fault_set(&w, &f[1], MDL_FAULT_API_HANG);
        fault_set(&w, &f[0], MDL_FAULT_API_HANG);
        f[last].windows.at = &longer;
        w.sc.fault_count = 2;
        fl = fleet_open(&w);
        api = fl_actuator_of(fl);
        fleet_live(fl, 610 * S);
        assert_int_equal(api.submit(api.self, &five, 1, &err), SPW_OK);
        fleet_live(fl, 999 * S);
        assert_int_equal(fl->services[0].places[0].assigned, 0);
        fleet_live(fl, 1000 * S);
        assert_int_equal(fl->services[0].places[0].assigned, 5);
        assert_true(fl->run->faults[0].actions == 1 && fl->run->faults[1].actions == 1);
        fl_world_free(fl);
    }
}

/* Two kinds at once, in either order: what is refused is not carried out later, nor what is lost; a copy comes 100 s
 * after a hang that ends at 900 s. 0 = never carried out. */
static void test_two_kinds(void **state)
{
    static const struct {
        mdl_fault_kind kinds[2];
        spw_rc rc;
        int64_t first_s, again_s;
        uint64_t actions[2];
    } cases[] = {{{MDL_FAULT_API_ERRORS, MDL_FAULT_API_HANG}, SPW_BACKEND, 0, 0, {1, 0}},
                 {{MDL_FAULT_API_ERRORS, MDL_FAULT_ACTIONS_LOST}, SPW_BACKEND, 0, 0, {1, 0}},
                 {{MDL_FAULT_API_ERRORS, MDL_FAULT_ACTIONS_DUPLICATED}, SPW_BACKEND, 0, 0, {1, 0}},
                 {{MDL_FAULT_ACTIONS_LOST, MDL_FAULT_API_HANG}, SPW_OK, 0, 0, {1, 0}},
                 {{MDL_FAULT_ACTIONS_LOST, MDL_FAULT_ACTIONS_DUPLICATED}, SPW_OK, 0, 0, {1, 0}},
                 {{MDL_FAULT_API_HANG, MDL_FAULT_ACTIONS_DUPLICATED}, SPW_OK, 900, 1000, {1, 1}}};

    (void)state;
    for (size_t k = 0; k < 2 * sizeof cases / sizeof *cases; k++) {
        const size_t swapped = k % 2;
        world w;
        sc_fault f[2];
        fl_world *fl;
        spw_actuator api;
        const spw_action five = place(5);
        spw_err err;
        int64_t seen_s[3] = {0, 0, 0};
        int seen = 0;

        world_init(&w);
        for (size_t i = 0; i < 2; i++) {
            fault_set(&w, &f[i ^ swapped], cases[k / 2].kinds[i]);
            f[i ^ swapped].probability = 1;
            f[i ^ swapped].after_ns = 100 * S;
        }
        w.sc.faults = f;
        w.sc.fault_count = 2;
        fl = fleet_open(&w);
        api = fl_actuator_of(fl);
        fleet_live(fl, 610 * S);
        assert_int_equal(api.submit(api.self, &five, 1, &err), cases[k / 2].rc);
        for (int64_t at_s = 610; at_s <= 1200; at_s += 10) {
            fleet_live(fl, at_s * S);
            if (fl->services[0].places[0].assigned == 5) {
                assert_true(seen < 2);
                seen_s[seen++] = at_s;
                fl_assign(fl, 0, 0, 2);
            }
        }
        assert_int_equal(seen_s[0], cases[k / 2].first_s);
        assert_int_equal(seen_s[1], cases[k / 2].again_s);
        for (size_t i = 0; i < 2; i++) {
            assert_int_equal(fl->run->faults[i ^ swapped].actions, cases[k / 2].actions[i]);
        }
        fl_world_free(fl);
    }
}

/* Two metrics of one pod: 4 requests inside, one running, three waiting. */
static void test_metrics(void **state)
{
    static const struct {
        mdl_fault_kind kind;
        int64_t running, waiting; /* -1 = no sample */
    } cases[] = {{MDL_FAULT_METRICS_MISSING, -1, -1},  {MDL_FAULT_METRICS_BIAS, 500, 1500},
                 {MDL_FAULT_METRICS_SWAP, 3000, 1000}, {MDL_FAULT_METRICS_FREEZE, 0, 0},
                 {MDL_FAULT_METRICS_STALE, 0, 0},      {MDL_FAULTS, 1000, 3000}};

    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        world w;
        sc_fault f;
        fl_world *fl;
        spw_hpa_metric metrics[2];
        const fl_obs *obs;
        int64_t got[2] = {-1, -1};
        bool none = cases[k].kind == MDL_FAULTS;

        world_init(&w);
        world_hpa(&w, "vllm_num_requests_running", 1000, 1, 4);
        metrics[0] = metrics[1] = w.metric;
        metrics[1].name = "vllm_num_requests_waiting";
        w.hpa.metrics = metrics;
        w.hpa.metric_count = 2;
        fault_set(&w, &f, none ? MDL_FAULT_METRICS_BIAS : cases[k].kind);
        f.factor_milli = 500;
        f.metric = cases[k].kind == MDL_FAULT_METRICS_SWAP ? spw_key(metrics[0].name) : 0;
        f.with = cases[k].kind == MDL_FAULT_METRICS_SWAP ? spw_key(metrics[1].name) : 0;
        f.service = none ? 1 : 0; /* another service's metrics: nothing happens to ours */
        fl = fleet_open(&w);
        fl->warm_start = true;
        fl_assign(fl, 0, 0, 1);
        fl->warm_start = false;
        fl_scrape_event(fl); /* idle, before the fault */
        evq_clear(fl->queue, fl->eye->slot);
        fleet_live(fl, 610 * S);
        for (uint32_t i = 0; i < 4; i++) {
            mdl_work work = {.tag = i, .service_ns = 3600 * S};

            assert_true(mdl_engine_submit(fl->replicas[0].engine, fl->now, &work) != MDL_REFUSED);
        }
        fl_scrape_event(fl);
        fl_eye_look(fl);
        obs = &fl->eye->ring[fl->eye->first];
        assert_int_equal(obs->taken_ns, cases[k].kind == MDL_FAULT_METRICS_STALE ? 0 : 610 * S);
        for (size_t i = 0; i < obs->sample_count; i++) {
            got[obs->sample_metric[i] == spw_key(metrics[1].name)] = obs->sample_value[i];
        }
        assert_int_equal(got[0], cases[k].running);
        assert_int_equal(got[1], cases[k].waiting);
        assert_int_equal(fl->run->faults[0].samples, none ? 0 : cases[k].kind == MDL_FAULT_METRICS_STALE ? 1 : 2);
        fl_world_free(fl);
    }
}

/* A world with faults that never begin is the world without, whatever the kind. */
static void test_unused(void **state)
{
    static const mdl_window never[] = {{INT64_C(4000) * S, INT64_C(5000) * S}};
    world plain;
    res_run *without;

    (void)state;
    world_init(&plain);
    without = world_run(&plain, 9);
    for (int k = 0; k < MDL_FAULTS; k++) {
        world w;
        sc_fault f;
        res_run *with;

        world_init(&w);
        fault_set(&w, &f, (mdl_fault_kind)k);
        f.windows = (mdl_windows){.at = never, .count = 1};
        f.region = f.cluster = k == MDL_FAULT_REGION || k == MDL_FAULT_CLUSTER ? 0 : -1;
        f.factor_milli = 2000;
        with = world_run(&w, 9);
        assert_true(world_same(without, with));
        res_free(with);
    }
    res_free(without);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rate),         cmocka_unit_test(test_schedule),  cmocka_unit_test(test_list),
        cmocka_unit_test(test_slow_by_hand), cmocka_unit_test(test_node),      cmocka_unit_test(test_node_bill),
        cmocka_unit_test(test_rack),         cmocka_unit_test(test_node_rate), cmocka_unit_test(test_region),
        cmocka_unit_test(test_slow),         cmocka_unit_test(test_actions),   cmocka_unit_test(test_hangs_overlap),
        cmocka_unit_test(test_two_kinds),    cmocka_unit_test(test_metrics),   cmocka_unit_test(test_unused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
