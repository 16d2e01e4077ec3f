/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_fleet.c - whole runs whose every figure can be worked by hand: fixed service times, few requests at known
 * times (a trace), constant delays. Expected values are derived in the comments.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/world.h"

#define S SPW_NS_PER_S

static mdl_law constant(double value)
{
    return (mdl_law){MDL_LAW_CONSTANT, value, 0, 0};
}

/* Requests at the given seconds, each taking service_s. */
static void few_requests(world *w, mdl_trace *trace, double service_s)
{
    w->services[0].station_law = (mdl_service_law){.kind = MDL_SERVICE_FIXED, .mean_s = service_s};
    w->traffic[0].arrivals = (mdl_arrival_spec){.kind = MDL_ARRIVAL_TRACE, .trace = trace, .trace_scale = 1};
}

static double mean_s(const stat_hist *h)
{
    return stat_hist_mean(h) / 1e9;
}

static void assert_near(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance)) {
        fail_msg("%.9f is not %.9f", got, want);
    }
}

/*
 * Nothing is up at time 0. The first tick orders a node: inventory 100 s, boot 30 + join 20, pull 10 GB at 1 GB/s,
 * start 5 + 20 GB at 1 GB/s, warm-up 7 + probe 2: ready at 100 + 50 + 10 + 25 + 9 = 194 s. The request
 * of 10 s waits at the gateway till then and is served in 1 s: queue 184 s, end to end 185 s. The node is billed from
 * its boot at 100 s to the end at 400 s: 300 s x 8 GPUs = 2400 GPU-s at 1 USD per GPU-hour = 666667 micro-USD.
 */
static void test_start_from_nothing(void **state)
{
    static const int64_t at[] = {10 * S};
    mdl_trace trace = {.count = 1, .at_ns = at};
    world w;
    res_run *run;

    (void)state;
    world_init(&w);
    few_requests(&w, &trace, 1);
    w.sc.duration_ns = 400 * S;
    w.pools[0][0].capacity = SPW_CAPACITY_ON_DEMAND;
    w.pools[0][0].nodes_start = w.pools[0][0].nodes_min = 0;
    w.pools[0][0].lag = (mdl_lag){.inventory_s = constant(100),
                                  .boot_s = constant(30),
                                  .join_s = constant(20),
                                  .pull_gb_per_s = constant(1),
                                  .pull_hit_s = constant(0),
                                  .start_s = constant(5),
                                  .load_gb_per_s = constant(1),
                                  .probe_s = constant(2)};
    w.services[0].image = (mdl_image){10, 20};
    w.services[0].station_warmup_s = 7;
    run = world_run(&w, 1);
    assert_int_equal(run->requests.offered, 1);
    assert_int_equal(run->requests.completed, 1);
    assert_near(mean_s(run->latency.queue), 184, 1e-9);
    assert_near(mean_s(run->latency.e2e), 185, 1e-9);
    assert_int_equal(run->lag.count, 1);
    assert_near(run->lag.mean_s[MDL_STAGE_INVENTORY], 100, 1e-9);
    assert_near(run->lag.mean_s[MDL_STAGE_BOOT], 30, 1e-9);
    assert_near(run->lag.mean_s[MDL_STAGE_JOIN], 20, 1e-9);
    assert_near(run->lag.mean_s[MDL_STAGE_PULL], 10, 1e-9);
    assert_near(run->lag.mean_s[MDL_STAGE_LOAD], 25, 1e-9);
    assert_near(run->lag.mean_s[MDL_STAGE_WARMUP], 9, 1e-9);
    assert_true(run->pools[0].gpu_ns == (int64_t)2400 * S);
    assert_int_equal(run->cost.total_uusd, 666667);
    assert_int_equal(run->cost.on_demand_uusd, 666667);
    assert_true(run->pools[0].held_gpu_ns == (int64_t)250 * S); /* one GPU from 150 s on */
    assert_true(run->pools[0].busy_gpu_ns == (int64_t)1 * S);
    assert_int_equal(run->pools[0].nodes_peak, 1);
    assert_int_equal(run->pools[0].provisioned, 1);
    res_free(run);
}

/* One server, 20 s a request, twelve sent at 1..12 s, nine at 101..109 s; statistics from 100 s on. The n-th is done at
 * 1 + 20 n s: four by 81 s, eight more of the first by 241 s, three of the others by 301 s. Eleven have ended, three of
 * them count. */
static void test_ended(void **state)
{
    static const int64_t at[] = {1 * S,   2 * S,   3 * S,   4 * S,   5 * S,   6 * S,   7 * S,
                                 8 * S,   9 * S,   10 * S,  11 * S,  12 * S,  101 * S, 102 * S,
                                 103 * S, 104 * S, 105 * S, 106 * S, 107 * S, 108 * S, 109 * S};
    mdl_trace trace = {.count = 21, .at_ns = at};
    world w;

    (void)state;
    world_init(&w);
    few_requests(&w, &trace, 20);
    w.sc.warmup_ns = 100 * S;
    w.sc.duration_ns = 310 * S;
    res_run *run = world_run(&w, 1);
    assert_int_equal(run->requests.offered, 9);
    assert_int_equal(run->requests.completed, 3);
    assert_int_equal(run->services[0].ended.requests, 8 + 3);
    assert_int_equal(run->services[0].ended.tokens_out, 0);
    res_free(run);
}

/* No replica ever: a gateway of two holds the first two, who give up after 10 s; the other two are turned away. */
static void test_gateway_bound_and_patience(void **state)
{
    static const int64_t at[] = {1 * S, 2 * S, 3 * S, 4 * S};
    mdl_trace trace = {.count = 4, .at_ns = at};
    world w;
    res_run *run;

    (void)state;
    world_init(&w);
    few_requests(&w, &trace, 1);
    w.sc.duration_ns = 100 * S;
    w.pools[0][0].nodes_start = w.pools[0][0].nodes_min = w.pools[0][0].nodes_max = 0;
    w.services[0].gateway_queue = 2;
    w.services[0].timeout_ns = 10 * S;
    w.targets[0][0] = (sc_target){"ttft", 0.95, 1 * S};
    w.services[0].target_count = 1;
    run = world_run(&w, 1);
    assert_int_equal(run->requests.offered, 4);
    assert_int_equal(run->requests.timed_out, 2);
    assert_int_equal(run->requests.rejected, 2);
    assert_int_equal(run->services[0].slo[0].missed, 4);
    assert_int_equal(run->services[0].slo[0].minutes, 1);
    assert_int_equal(run->services[0].slo[0].minutes_violated, 1);
    assert_true(run->sojourn_sum_ns == 20 * S);
    res_free(run);
}

/*
 * One server, 10 s of service, patience 15 s, requests at 1 and 2 s: the first ends at 11 s; the second begins then and
 * is given up at 17 s. Busy: 10 + 6 s. A third at 20 s is served at once: cancelling really freed the server.
 */
static void test_patience_in_service(void **state)
{
    static const int64_t at[] = {1 * S, 2 * S, 20 * S};
    mdl_trace trace = {.count = 3, .at_ns = at};
    world w;
    res_run *run;

    (void)state;
    world_init(&w);
    few_requests(&w, &trace, 10);
    w.sc.duration_ns = 100 * S;
    w.services[0].timeout_ns = 15 * S;
    run = world_run(&w, 1);
    assert_int_equal(run->requests.completed, 2);
    assert_int_equal(run->requests.timed_out, 1);
    assert_near(mean_s(run->latency.queue), 0, 1e-9);
    assert_true(run->pools[0].busy_gpu_ns == (int64_t)26 * S);
    assert_true(run->sojourn_sum_ns == (10 + 15 + 10) * S);
    res_free(run);
}

/* Round trip 100 ms: 50 there, 1 s of work, 50 back. A response of 1e9 bytes at 90000 micro-USD per GB. */
static void test_network_and_egress(void **state)
{
    static const int64_t at[] = {5 * S};
    mdl_trace trace = {.count = 1, .at_ns = at};
    world w;
    res_run *run;

    (void)state;
    world_init(&w);
    few_requests(&w, &trace, 1);
    w.sc.duration_ns = 100 * S;
    w.rtt[0] = S / 10;
    w.clusters[0].egress_uusd_per_gb = 90000;
    w.sc.payload.response_bytes_fixed = 1e9;
    run = world_run(&w, 1);
    assert_near(mean_s(run->latency.e2e), 1.1, 1e-9);
    assert_near(mean_s(run->latency.ttft), 1.1, 1e-9);
    assert_near(mean_s(run->latency.network), 0.1, 1e-9);
    assert_near(mean_s(run->latency.queue), 0, 1e-9);
    assert_int_equal(run->cost.egress_uusd, 90000);
    /* owned: 8 GPUs for 100 s at 1 USD per GPU-hour */
    assert_int_equal(run->cost.owned_uusd, 222222);
    assert_int_equal(run->cost.total_uusd, 312222);
    res_free(run);
}

/*
 * Steps of a second, one request at a time, two sent at 5 s from 50 ms away: tokens of the first leave at 6.05, 7.05
 * and 8.05 s, of the second 3 s later. Without a frontend the users see the first of them after 1.1 and 4.1 s, the last
 * after 3.1 and 6.1 s. 300 ms of frontend put off what they see, and nothing else: the second begins when the first is
 * done, not when it was seen. A patience of 6.2 s and an end of the run at 11.2 s are between what they would have seen
 * and what they see, the limits of both targets for the first request, too.
 */
static void test_frontend(void **state)
{
    static const int64_t at[] = {5 * S, 5 * S};
    static const struct {
        int64_t frontend_ns, timeout_ns, end_ns;
        uint64_t completed, timed_out, in_flight, in_time[2];
    } cases[] = {{0, INT64_MAX, 100 * S, 2, 0, 0, {1, 1}},      {3 * S / 10, INT64_MAX, 100 * S, 2, 0, 0, {0, 0}},
                 {0, 62 * S / 10, 100 * S, 2, 0, 0, {1, 1}},    {3 * S / 10, 62 * S / 10, 100 * S, 1, 1, 0, {0, 0}},
                 {0, INT64_MAX, 112 * S / 10, 2, 0, 0, {1, 1}}, {3 * S / 10, INT64_MAX, 112 * S / 10, 1, 0, 1, {0, 0}}};
    mdl_trace trace = {.count = 2, .at_ns = at};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const double late = (double)cases[i].frontend_ns / 1e9;
        const bool both = cases[i].completed == 2;
        world w;
        res_run *run;

        world_init(&w);
        few_requests(&w, &trace, 1);
        w.services[0].engine = SC_ENGINE_LLM;
        w.services[0].lengths.input.fixed = 10;
        w.services[0].lengths.output.fixed = 3;
        w.llm[0][0] = (mdl_llm_config){.step = {.h0 = INT64_C(1000000000000)},
                                       .block_tokens = 16,
                                       .kv_blocks = 100,
                                       .max_batched_tokens = 64,
                                       .max_sequences = 1,
                                       .max_waiting = 10};
        w.rtt[0] = S / 10;
        w.services[0].frontend_ns = cases[i].frontend_ns;
        w.services[0].timeout_ns = cases[i].timeout_ns;
        w.sc.duration_ns = cases[i].end_ns;
        w.targets[0][0] = (sc_target){"ttft", 0.5, 12 * S / 10};
        w.targets[0][1] = (sc_target){"e2e", 0.5, 32 * S / 10};
        w.services[0].target_count = 2;
        run = world_run(&w, 1);
        assert_int_equal(run->requests.completed, cases[i].completed);
        assert_int_equal(run->requests.timed_out, cases[i].timed_out);
        assert_int_equal(run->requests.in_flight, cases[i].in_flight);
        assert_int_equal(run->services[0].slo[0].met, cases[i].in_time[0]);
        assert_int_equal(run->services[0].slo[1].met, cases[i].in_time[1]);
        assert_near(mean_s(run->latency.ttft), 2.6 + late, 1e-9); /* both saw a first token */
        assert_near(mean_s(run->latency.e2e), (both ? 4.6 : 3.1) + late, 1e-9);
        assert_near(mean_s(run->latency.tpot), 1, 1e-9);
        assert_near(mean_s(run->latency.queue), both ? 1.5 : 0, 1e-9);
        assert_near(mean_s(run->latency.network), 0.1, 1e-9);
        assert_true(run->pools[0].busy_gpu_ns == 6 * S);
        res_free(run);
    }
}

/*
 * Jitter of mean 20 ms on each of two ways of 50 ms: the network takes 100 ms + Erlang(2), of which (1 + x) e^-x is
 * above x means: half above 1.67835, a twentieth above 4.74386. 20,000 requests of 10 ms on 1000 servers wait for
 * nothing else, and those that overtake arrive in their own time: each waits for its ways and the server alone.
 */
static void test_jitter(void **state)
{
    static const int64_t mean_ns[WORLD_REGIONS * WORLD_REGIONS] = {S / 50, S / 50, S / 50, S / 50};
    world w;
    res_run *run, *again;

    (void)state;
    world_init(&w);
    w.services[0].station.servers = 1000;
    w.services[0].station_law = (mdl_service_law){.kind = MDL_SERVICE_FIXED, .mean_s = 0.01};
    w.traffic[0].arrivals.rate_per_s = 50;
    w.sc.duration_ns = 400 * S;
    w.sc.warmup_ns = 0;
    w.rtt[0] = S / 10;
    w.sc.jitter_ns = mean_ns;
    run = world_run(&w, 1);
    assert_true(run->requests.completed > 19000);
    assert_near(mean_s(run->latency.network), 0.14, 4 * 0.02 * sqrt(2) / sqrt(19000));
    assert_near((double)stat_hist_quantile(run->latency.network, 0.5) / 1e9, 0.1 + 0.02 * 1.67835, 0.002);
    assert_near((double)stat_hist_quantile(run->latency.network, 0.95) / 1e9, 0.1 + 0.02 * 4.74386, 0.004);
    assert_near(mean_s(run->latency.queue), 0, 1e-9);
    assert_near(mean_s(run->latency.e2e), mean_s(run->latency.network) + 0.01, 1e-6);
    again = world_run(&w, 1);
    assert_true(world_same(run, again));
    res_free(again);
    w.sc.jitter_ns = NULL; /* the same users, without the luck of the ways */
    again = world_run(&w, 1);
    assert_int_equal(again->requests.offered, run->requests.offered);
    assert_near(mean_s(again->latency.network), 0.1, 1e-9);
    res_free(again);
    res_free(run);
}

/*
 * A spot node that is there at time 0 and lives 180 s (a Weibull of shape 1e6 is its scale), with 30 s of notice. A
 * request of 100 s sent at 100 s is lost at 180 s and starts again on the next node. That one is ordered by the tick
 * at or after the notice (150 s) and is up 20 s later; the request starts there the moment it is lost here.
 */
static void test_spot_loses_work(void **state)
{
    static const int64_t at[] = {100 * S};
    mdl_trace trace = {.count = 1, .at_ns = at};
    world w;
    res_run *run;

    (void)state;
    world_init(&w);
    few_requests(&w, &trace, 100);
    w.sc.duration_ns = 300 * S;
    w.pools[0][0].capacity = SPW_CAPACITY_SPOT;
    w.pools[0][0].nodes_min = 0;
    w.pools[0][0].nodes_max = 4;
    w.pools[0][0].has_market = true;
    w.pools[0][0].market = (mdl_market){.shape_k = 1e6, .scale_h = 0.05, .notice_s = 30};
    w.pools[0][0].lag.boot_s = constant(20);
    run = world_run(&w, 1);
    assert_int_equal(run->requests.completed, 1);
    assert_int_equal(run->pools[0].preempted_by_market, 1);
    assert_near(mean_s(run->latency.queue), 80, 0.01);
    assert_near(mean_s(run->latency.e2e), 180, 0.01);
    res_free(run);
}

/* With warm-up nothing before it counts, and the bins of money still add up to the total. */
static void test_warmup_and_bins(void **state)
{
    static const int64_t at[] = {10 * S, 49 * S, 61 * S};
    mdl_trace trace = {.count = 3, .at_ns = at};
    world w;
    res_run *run;
    int64_t sum = 0;

    (void)state;
    world_init(&w);
    few_requests(&w, &trace, 2);
    w.sc.duration_ns = 100 * S;
    w.sc.warmup_ns = 50 * S;
    run = world_run(&w, 1);
    assert_int_equal(run->requests.offered, 1);
    assert_int_equal(run->requests.completed, 1);
    assert_true(run->pools[0].gpu_ns == (int64_t)400 * S);
    assert_true(run->pools[0].held_gpu_ns == (int64_t)50 * S);
    assert_true(run->pools[0].busy_gpu_ns == (int64_t)3 * S); /* 50..51 of the second request, and the third */
    assert_int_equal(run->timeline.bins, 7);                  /* 100 s in ticks of 15 s */
    for (int32_t b = 0; b < run->timeline.bins; b++) {
        sum += run->timeline.cost_uusd[b];
    }
    assert_int_equal(sum, run->cost.total_uusd);
    assert_int_equal(run->timeline.arrivals[0], 1);
    assert_int_equal(run->timeline.arrivals[3], 1);
    assert_int_equal(run->timeline.arrivals[4], 1);
    assert_near((double)run->timeline.ready[6], 1, 1e-6);
    res_free(run);
}

typedef struct log_check {
    int heads, lines;
    int64_t delay_ns, scrape_ns;
} log_check;

static int read_line(void *user, const char *line, size_t size)
{
    log_check *check = user;
    json_error_t error;
    json_t *root = json_loadb(line, size, 0, &error);
    int64_t now, seen;
    json_t *cluster;

    assert_non_null(root);
    assert_true(line[size - 1] == '\n');
    if (json_object_get(root, "spillway") != NULL) { /* the head: what the log was recorded under */
        assert_int_equal(check->lines, 0);
        check->heads++;
        json_decref(root);
        return 0;
    }
    now = json_integer_value(json_object_get(root, "now_ns"));
    cluster = json_array_get(json_object_get(json_object_get(root, "snapshot"), "clusters"), 0);
    assert_string_equal(json_string_value(json_object_get(cluster, "name")), "c0");
    seen = json_integer_value(json_object_get(cluster, "observed_ns"));
    if (seen > 0) { /* not the reading at time 0, which is visible at once */
        assert_true(now - seen >= check->delay_ns);
        assert_true(now - seen < check->delay_ns + check->scrape_ns);
    }
    check->lines++;
    json_decref(root);
    return 0;
}

#define MINUTES 21
#define LIMIT   (3 * S / 20)

/* First tokens out in each minute, of requests that count and within the limit; and in each bin of 25 s. */
typedef struct told {
    int64_t warmup_ns;
    int32_t seen[MINUTES], within[MINUTES];
    uint64_t bins[MINUTES * 60 / 25 + 1];
} told;

static int note_first(void *user, const fleet_request *q)
{
    told *t = user;

    if (q->first_ns >= 0) {
        const int64_t minute = q->first_ns / (60 * S);

        t->bins[q->first_ns / (25 * S)]++;
        if (q->sent_ns >= t->warmup_ns) {
            t->seen[minute]++;
            t->within[minute] += q->first_ns - q->sent_ns <= LIMIT ? 1 : 0;
        }
    }
    return 0;
}

/*
 * Answers are so long that hardly one ends: an engine tells of a first token long after it is out, and what counts them
 * by minute and by bin must have them all the same, to the last minute, which is not whole. Steps of 0.1 s from 1 s on;
 * one request in 10 s is sent 0.14 or 0.18 s before its first token, which is out at 10 s, 20 s ...: each sixth when
 * a minute begins. Three late ones of six violate every other minute, two would not.
 */
static void test_first_tokens_by_time(void **state)
{
    told want = {.warmup_ns = 100 * S + S / 3};
    fleet_hooks hooks = {.request = note_first, .user = &want};
    uint64_t minutes = 0, violated = 0;
    int64_t at[124] = {0};
    mdl_trace trace = {.count = sizeof at / sizeof at[0], .at_ns = at};
    char err[400] = "";
    world w;
    res_run *run;

    (void)state;
    for (int64_t i = 1; i < (int64_t)trace.count; i++) {
        at[i] = 10 * i * S - (i % 12 > 2 ? 14 : 18) * (S / 100) - S;
    }
    world_init(&w);
    w.traffic[0].arrivals =
        (mdl_arrival_spec){.kind = MDL_ARRIVAL_TRACE, .trace = &trace, .trace_scale = 1, .trace_shift_ns = S};
    w.services[0].engine = SC_ENGINE_LLM;
    w.services[0].lengths.output.fixed = 5000;
    w.llm[0][0] = (mdl_llm_config){.step = {.h0 = 100000000000},
                                   .block_tokens = 16,
                                   .kv_blocks = 100000,
                                   .max_batched_tokens = 2048,
                                   .max_sequences = 256,
                                   .max_waiting = 1000};
    w.targets[0][0] = (sc_target){"ttft", 0.6, LIMIT};
    w.services[0].target_count = 1;
    w.sc.tick_ns = 25 * S;
    w.sc.warmup_ns = want.warmup_ns;
    w.sc.duration_ns = 1234 * S + S / 2;
    run = fleet_run(world_scenario(&w), 1, 0, &hooks, err, sizeof err);
    assert_non_null(run);
    for (int m = 0; m < MINUTES; m++) {
        minutes += want.seen[m] > 0 ? 1 : 0;
        violated += want.within[m] < ceil(0.6 * want.seen[m] - 1e-9) ? 1 : 0;
    }
    assert_true(want.seen[MINUTES - 1] > 0 && violated > 3 && violated < minutes - 3);
    assert_int_equal(run->services[0].slo[0].minutes, minutes);
    assert_int_equal(run->services[0].slo[0].minutes_violated, violated);
    assert_int_equal(run->timeline.bin_ns, 25 * S);
    for (int32_t b = 0; b < run->timeline.bins; b++) {
        const stat_hist *ttft = run->timeline.ttft[b];

        assert_int_equal(ttft != NULL ? stat_hist_count(ttft) : 0, want.bins[b]);
    }
    res_free(run);
}

/* The core sees what was read at least `delay` ago, never older than a scrape period more. */
static void test_age_of_what_is_seen(void **state)
{
    log_check check = {.delay_ns = 25 * S, .scrape_ns = 10 * S};
    fleet_hooks hooks = {.decision = read_line, .user = &check, .record_snapshots = true};
    world w;
    char err[400] = "";
    res_run *run;

    (void)state;
    world_init(&w);
    w.sc.duration_ns = 600 * S;
    w.sc.observation = (sc_observation){.scrape_ns = check.scrape_ns, .delay_ns = check.delay_ns};
    run = fleet_run(world_scenario(&w), 1, 0, &hooks, err, sizeof err);
    assert_non_null(run);
    assert_int_equal(check.heads, 1);
    assert_int_equal(check.lines, 41); /* 0, 15, ... 600 s */
    assert_int_equal(run->control.ticks, 41);
    res_free(run);
}

static int refuse_line(void *user, const char *line, size_t size)
{
    (void)user;
    (void)line;
    (void)size;
    return -1;
}

static void test_stopping(void **state)
{
    fleet_hooks hooks = {.decision = refuse_line};
    volatile int stop = 1;
    world w;
    char err[400] = "";

    (void)state;
    world_init(&w);
    assert_null(fleet_run(world_scenario(&w), 1, 0, &hooks, err, sizeof err));
    assert_true(strlen(err) > 0);
    hooks = (fleet_hooks){.stop = &stop};
    err[0] = '\0';
    assert_null(fleet_run(world_scenario(&w), 1, 0, &hooks, err, sizeof err));
    assert_true(strlen(err) > 0);
}

/*
 * Eight replicas of one server at utilisation 0.8. Random routing splits a Poisson stream: each is M/M/1, mean wait
 * 4 s. Better informed routers wait less: random > two choices > least outstanding.
 */
static void test_routers(void **state)
{
    static const sc_router routers[] = {SC_ROUTER_RANDOM, SC_ROUTER_ROUND_ROBIN, SC_ROUTER_TWO_CHOICES,
                                        SC_ROUTER_LEAST_OUTSTANDING};
    double wait[4];

    (void)state;
    for (int i = 0; i < 4; i++) {
        world w;
        res_run *run;

        world_init(&w);
        w.workloads[0].replicas = 8;
        w.services[0].router = routers[i];
        w.traffic[0].arrivals.rate_per_s = 6.4;
        w.sc.duration_ns = 60000 * S;
        w.sc.warmup_ns = 2000 * S;
        run = world_run(&w, 11);
        assert_int_equal(run->requests.completed + run->requests.in_flight, run->requests.offered);
        wait[i] = mean_s(run->latency.queue);
        res_free(run);
    }
    assert_near(wait[0], 4.0, 0.25);
    assert_true(wait[1] < wait[0] && wait[2] < wait[1] && wait[3] < wait[2]);
}

/* The trace of arrivals, their needs and the luck of each entity do not depend on the policy: here, on the router. */
static void test_common_random_numbers(void **state)
{
    res_run *a, *b;
    world w;

    (void)state;
    world_init(&w);
    w.workloads[0].replicas = 4;
    w.traffic[0].arrivals.rate_per_s = 3;
    a = world_run(&w, 5);
    w.services[0].router = SC_ROUTER_RANDOM;
    b = world_run(&w, 5);
    assert_int_equal(a->requests.offered, b->requests.offered);
    for (int32_t i = 0; i < a->timeline.bins; i++) {
        assert_int_equal(a->timeline.arrivals[i], b->timeline.arrivals[i]);
    }
    assert_false(world_same(a, b));
    res_free(a);
    res_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ended),
        cmocka_unit_test(test_start_from_nothing),
        cmocka_unit_test(test_gateway_bound_and_patience),
        cmocka_unit_test(test_patience_in_service),
        cmocka_unit_test(test_network_and_egress),
        cmocka_unit_test(test_frontend),
        cmocka_unit_test(test_jitter),
        cmocka_unit_test(test_spot_loses_work),
        cmocka_unit_test(test_warmup_and_bins),
        cmocka_unit_test(test_first_tokens_by_time),
        cmocka_unit_test(test_age_of_what_is_seen),
        cmocka_unit_test(test_stopping),
        cmocka_unit_test(test_routers),
        cmocka_unit_test(test_common_random_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
