/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_fleet_bursts.c - a burst whose marks can be worked by hand, flaps, and the shares of traffic.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "sim/fleet/world.h"
#include "tests/support/world.h"

#define S            SPW_NS_PER_S
#define DAY_REQUESTS 6000

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

/* 2 requests/s, 6/s from 300 to 900 s, then 2/s: evenly spaced, never on a second. */
static size_t wave(int64_t *at)
{
    size_t n = 0;

    for (int64_t t = 0; t < 2000; t++) {
        int per_s = t >= 300 && t < 900 ? 6 : 2;

        for (int i = 0; i < per_s; i++) {
            at[n++] = t * S + (2 * i + 1) * S / (2 * per_s);
        }
    }
    return n;
}

static void wave_world(world *w, mdl_trace *trace)
{
    world_init(w);
    world_groups(w, 2);
    w->traffic[0].arrivals = (mdl_arrival_spec){
        .kind = MDL_ARRIVAL_TRACE, .trace = trace, .trace_scale = 1, .trace_shift_ns = trace->at_ns[0]};
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
    w->targets[0][0] = (sc_target){"ttft", 0.95, 2 * S};
    w->services[0].target_count = 1;
    w->sc.duration_ns = 2000 * S;
}

/* The outside view of harm from the onset at 315 s on: answers that began more than 2 s after the request was sent. */
static int count_hurt(void *user, const fleet_request *q)
{
    uint64_t *hurt = user;

    *hurt += q->first_ns >= 315 * S && q->first_ns - q->sent_ns > 2 * S ? 1 : 0; /* nobody gives up in this world */
    return 0;
}

/*
 * One replica for each request/s; the first cluster holds two. The reading at 315 s shows 6/s: wanted 4 then (at most
 * twice the present in one step), 6 at 330 s. A node is ordered at 315 s, boots at 375, is up at 405; four replicas are
 * ready at 435 s. Two of them were asked for at 315 s, two at 330: they saw 60 and 45 s of its inventory wait.
 * Demand falls at 900 s; the last reading of 6/s is that of 900 s, and it holds the count for the 300 s of the
 * stabilisation window: two again at the first tick after 1200 s, or at it.
 */
static void test_marks_of_a_burst(void **state)
{
    int64_t *at = calloc(DAY_REQUESTS + 1000, sizeof *at);
    mdl_trace trace = {.count = 0, .at_ns = at};
    uint64_t hurt = 0;
    fleet_hooks hooks = {.request = count_hurt, .user = &hurt};
    char err[400] = "";
    const res_burst *b;
    world w;
    res_run *run;

    (void)state;
    assert_non_null(at);
    trace.count = wave(at);
    for (size_t i = trace.count; i-- > 0;) {
        at[i] -= at[0]; /* a trace starts with its first request */
    }
    wave_world(&w, &trace);
    w.traffic[0].arrivals.trace_shift_ns = S / 4;
    run = fleet_run(world_scenario(&w), 1, 0, &hooks, err, sizeof err);
    assert_non_null(run);
    assert_int_equal(run->burst_count, 1);
    b = &run->bursts[0];
    assert_near(b->onset_s, 315, 1e-9);
    assert_near(b->primary_saturated_s, 315, 1e-9);
    assert_near(b->overflow_started_s, 315, 1e-9);
    assert_near(b->absorbed_s, 435, 1e-9);
    assert_int_equal(b->replicas_started, 4);
    assert_near(b->stage_s[MDL_STAGE_INVENTORY], 52.5, 1e-9);
    assert_near(b->stage_s[MDL_STAGE_BOOT], 30, 1e-9);
    assert_near(b->stage_s[MDL_STAGE_LOAD], 30, 1e-9);
    assert_true(b->overflow_released_s >= 1200 && b->overflow_released_s <= 2000);
    assert_int_equal(b->release_count, 1);
    assert_int_equal(b->release_order[0], 1);
    /* the only elastic money of the run; the node was there from 375 s on and is gone at the release */
    assert_int_equal(b->extra_uusd, run->pools[1].cost_uusd);
    assert_true(run->pools[1].gpu_ns > (int64_t)8 * (1200 - 375) * S);
    assert_true(run->pools[1].gpu_ns <= (int64_t)8 * ((int64_t)b->overflow_released_s - 375) * S);
    assert_int_equal(run->pools[1].provisioned, 1);
    assert_int_equal(run->pools[1].released, 1);
    /* Two servers of 0.4 s carry 5/s; one more stays each second from 300 to 435 s: waits pass 2 s after some 12 s.
     * What stands in their queues at 435 s comes late after the catch-up: it counts too. Nobody waits outside the
     * burst. */
    assert_true(b->requests_hurt > 6 * 135 - 150 && b->requests_hurt < 6 * 135 + 150);
    assert_int_equal(b->requests_hurt, hurt);
    assert_int_equal(run->lag_by_start[RES_START_NODE_ORDERED].count, 4);
    assert_int_equal(run->lag_by_start[RES_START_NODE_UP].count, 0);
    assert_near(run->lag_by_start[RES_START_NODE_ORDERED].mean_s[MDL_STAGE_INVENTORY], 52.5, 1e-9);
    res_free(run);
    free(at);
}

/*
 * Two services share the cloud node. The second wants two replicas all day and finds the first cluster full: its burst
 * begins at 0, the node boots at 60 s and costs 8 GPUs x 1 USD/h from then on, and it pays all of it until 315 s. Then
 * the first service's two replicas come (held 2 + 2 of 8, the 4 nobody holds halved: 4 GPUs each), at 330 s two more
 * (held 4 + 2: 5 and 3), until it has gone again at R; two replicas that are still busy at the tick before hold their
 * GPUs only then, and the last interval is 0 + 2 held and 6 halved: 3 and 5.
 */
static void test_a_shared_pool_is_paid_once(void **state)
{
    const double uusd_per_gpu_s = 1e6 / 3600;
    int64_t *at = calloc(DAY_REQUESTS + 1000, sizeof *at);
    mdl_trace trace = {.count = 0, .at_ns = at};
    const res_burst *first = NULL;
    const res_burst *second = NULL;
    double gpu_s;
    world w;
    res_run *run;

    (void)state;
    assert_non_null(at);
    trace.count = wave(at);
    for (size_t i = trace.count; i-- > 0;) {
        at[i] -= at[0];
    }
    wave_world(&w, &trace);
    w.traffic[0].arrivals.trace_shift_ns = S / 4;
    w.sc.service_count = 2;
    w.workloads[1].replicas = 2;
    run = world_run(&w, 1);
    assert_int_equal(run->burst_count, 2);
    for (int32_t i = 0; i < 2; i++) {
        *(run->bursts[i].service == 0 ? &first : &second) = &run->bursts[i];
    }
    assert_near(second->overflow_started_s, 0, 1e-9);
    assert_true(isnan(second->overflow_released_s));
    assert_near(first->overflow_started_s, 315, 1e-9);
    gpu_s = 15 * 4 + (first->overflow_released_s - 330 - 15) * 5 + 15 * 3;
    assert_near((double)first->extra_uusd, gpu_s * uusd_per_gpu_s, 200);
    assert_int_equal(first->extra_uusd + second->extra_uusd, run->pools[1].cost_uusd);
    /* the second service waited for the node, the first found it up */
    assert_int_equal(run->lag_by_start[RES_START_NODE_ORDERED].count, 2);
    assert_near(run->lag_by_start[RES_START_NODE_ORDERED].mean_s[MDL_STAGE_INVENTORY], 60, 1e-9);
    assert_near(run->lag_by_start[RES_START_NODE_ORDERED].p90_s[MDL_STAGE_BOOT], 30, 30.0 / 128);
    assert_int_equal(run->lag_by_start[RES_START_NODE_UP].count, 4);
    assert_near(run->lag_by_start[RES_START_NODE_UP].mean_s[MDL_STAGE_BOOT], 0, 1e-9);
    assert_near(run->lag_by_start[RES_START_NODE_UP].mean_s[MDL_STAGE_LOAD], 30, 1e-9);
    res_free(run);
    free(at);
}

#define WAVES  20
#define WAVE_S 1500

#define COUNTED_FROM_S 1515 /* 0.4 s after a first token */

/* 2 requests/s, in each wave of 1500 s 3/s from 300 s on and 6/s from 315 to 600 s. */
static size_t waves(int64_t *at)
{
    size_t n = 0;

    for (int64_t t = 0; t < WAVES * WAVE_S; t++) {
        const int64_t into = t % WAVE_S;
        const int per_s = into < 300 || into >= 600 ? 2 : into < 315 ? 3 : 6;

        for (int i = 0; i < per_s; i++) {
            at[n++] = t * S + (2 * i + 1) * S / (2 * per_s) - S / 4;
        }
    }
    return n;
}

/* Those of the second service whose users have seen a first token when statistics had begun. */
static int count_first(void *user, const fleet_request *q)
{
    uint64_t *first = user;

    *first += q->service == 1 && q->first_ns >= COUNTED_FROM_S * S ? 1 : 0;
    return 0;
}

/*
 * The second service never fits the first cluster: its burst is as long as the run, and all of its first tokens come
 * too late. They are told some seconds after they are out. Meanwhile bursts of the first service begin, one tick after
 * it wants more than is ready, so that the list of bursts grows while the second one's row in it is still to be
 * written.
 */
static void test_hurt_while_the_list_of_bursts_grows(void **state)
{
    int64_t *at = calloc(WAVES * DAY_REQUESTS, sizeof *at);
    int64_t each_tick[WAVES * WAVE_S / 15];
    mdl_trace trace = {.count = 0, .at_ns = at};
    const mdl_trace second = {.count = sizeof each_tick / sizeof each_tick[0], .at_ns = each_tick};
    uint64_t first = 0;
    fleet_hooks hooks = {.request = count_first, .user = &first};
    char err[400] = "";
    world w;
    res_run *run;

    (void)state;
    assert_non_null(at);
    trace.count = waves(at);
    for (size_t i = 0; i < second.count; i++) {
        each_tick[i] = (int64_t)i * 15 * S;
    }
    wave_world(&w, &trace);
    w.traffic[0].arrivals.trace_shift_ns = S / 4;
    w.pools[0][0].gpus_per_node = 3;
    w.pools[0][0].lag.start_s = constant(60);
    w.sc.service_count = 2;
    w.sc.duration_ns = (int64_t)WAVES * WAVE_S * S;
    w.sc.warmup_ns = COUNTED_FROM_S * S;
    w.workloads[1].gpus = 4;
    w.services[1].engine = SC_ENGINE_LLM;
    w.services[1].lengths.output.fixed = 1000; /* 100 s: ends lie between two ticks */
    w.llm[1][0] = w.llm[1][1] = (mdl_llm_config){.step.h0 = INT64_C(100) * 1000 * 1000 * 1000,
                                                 .block_tokens = 16,
                                                 .kv_blocks = 1000,
                                                 .max_batched_tokens = 2048,
                                                 .max_sequences = 64,
                                                 .max_waiting = 1000};
    w.traffic[1].arrivals = (mdl_arrival_spec){
        .kind = MDL_ARRIVAL_TRACE, .trace = &second, .trace_scale = 1, .trace_shift_ns = 14 * S + S / 2};
    w.targets[1][0] = (sc_target){"ttft", 0.95, S / 1000};
    w.services[1].target_count = 1;
    run = fleet_run(world_scenario(&w), 1, 0, &hooks, err, sizeof err);
    assert_non_null(run);
    assert_int_equal(run->burst_count, WAVES + 1);
    assert_int_equal(run->bursts[0].service, 1);
    assert_true(first > (WAVES - 2) * WAVE_S / 15);
    assert_int_equal(run->bursts[0].requests_hurt, first);
    res_free(run);
    free(at);
}

/* When the users of the first service have seen first tokens. */
typedef struct firsts {
    int64_t *at;
    size_t count;
} firsts;

static int note_first(void *user, const fleet_request *q)
{
    firsts *f = user;

    if (q->first_ns >= 0) {
        f->at[f->count++] = q->first_ns;
    }
    return 0;
}

/*
 * All first tokens hurt; each is out 0.2 or 0.3 s before a tick or in the middle of two, and told after the tick.
 * 1 request in 5 s, in each wave 1 in 3.75 s from 300 s on, for which one replica more starts on the first cluster, and
 * 1 in 1.25 s from 315 to 600 s, for which a burst begins in the middle of that spell: what is told late counts where
 * it was out, before the spell or in it, before the release or after it.
 */
static void test_hurt_at_the_edges_of_bursts(void **state)
{
    int64_t *at = calloc(WAVES * DAY_REQUESTS, sizeof *at);
    firsts f = {.at = calloc(WAVES * DAY_REQUESTS, sizeof *f.at)};
    mdl_trace trace = {.count = 0, .at_ns = at};
    fleet_hooks hooks = {.request = note_first, .user = &f};
    char err[400] = "";
    world w;
    res_run *run;

    (void)state;
    assert_non_null(at);
    assert_non_null(f.at);
    for (int64_t t = 0; t < WAVES * WAVE_S; t += 15) {
        const int64_t into = t % WAVE_S;
        const int64_t n = into < 300 || into >= 600 ? 3 : into < 315 ? 4 : 12;

        for (int64_t i = 1; i <= n; i++) {
            at[trace.count++] = t * S + i * 15 * S / n - 5 * S; /* later by 4.5 s */
        }
    }
    wave_world(&w, &trace);
    w.traffic[0].arrivals.trace_shift_ns = at[0] + 4 * S + S / 2;
    for (size_t i = trace.count; i-- > 0;) {
        at[i] -= at[0];
    }
    w.metric.target = 100;
    w.pools[0][0].gpus_per_node = 3;
    w.pools[0][0].lag.start_s = constant(60);
    w.sc.duration_ns = (int64_t)WAVES * WAVE_S * S;
    w.services[0].engine = SC_ENGINE_LLM;
    w.services[0].lengths.output.fixed = 208; /* 20.8 s */
    w.llm[0][0] = w.llm[0][1] = (mdl_llm_config){.step.h0 = INT64_C(100) * 1000 * 1000 * 1000,
                                                 .block_tokens = 16,
                                                 .kv_blocks = 10000,
                                                 .max_batched_tokens = 2048,
                                                 .max_sequences = 64,
                                                 .max_waiting = 1000};
    w.targets[0][0] = (sc_target){"ttft", 0.95, S / 1000};
    run = fleet_run(world_scenario(&w), 1, 0, &hooks, err, sizeof err);
    assert_non_null(run);
    assert_true(run->burst_count >= WAVES);
    for (int32_t i = 0; i < run->burst_count; i++) {
        const res_burst *b = &run->bursts[i];
        uint64_t hurt = 0;

        for (size_t k = 0; k < f.count; k++) {
            const double out_s = (double)f.at[k] / 1e9;

            hurt += out_s > b->onset_s && !(out_s > b->overflow_released_s) ? 1 : 0;
        }
        assert_near(b->primary_saturated_s, b->onset_s + 15, 1e-9);
        assert_int_equal(b->requests_hurt, hurt);
    }
    res_free(run);
    free(f.at);
    free(at);
}

/* Without more demand than the first group carries there is no burst. */
static void test_no_burst(void **state)
{
    int64_t *at = calloc(DAY_REQUESTS + 1000, sizeof *at);
    mdl_trace trace = {.count = 0, .at_ns = at};
    world w;
    res_run *run;

    (void)state;
    assert_non_null(at);
    trace.count = wave(at);
    wave_world(&w, &trace);
    w.pools[0][0].gpus_per_node = 8;
    w.traffic[0].arrivals.trace_shift_ns = 0;
    run = world_run(&w, 1);
    assert_int_equal(run->burst_count, 0);
    assert_int_equal(run->pools[1].provisioned, 0);
    res_free(run);
    free(at);
}

static void assign_both(fl_world *f, int64_t now_s, int32_t first, int32_t second)
{
    const int32_t before[2] = {f->services[0].places[0].assigned, f->services[0].places[1].assigned};
    const uint8_t moved[2] = {0, 0};

    f->now = now_s * S;
    fl_assign(f, 0, 0, first);
    fl_assign(f, 0, 1, second);
    fl_burst_flaps(f, 0, before, moved);
}

/* c -> d -> c within 15 minutes is a flap; scaling, and a return after longer, is not. */
static void test_flaps(void **state)
{
    world w;
    fl_world *f;

    (void)state;
    world_init(&w);
    world_groups(&w, 2);
    f = fl_world_new(world_scenario(&w), 1, 0, NULL);
    assert_non_null(f);
    assign_both(f, 0, 4, 0);
    assign_both(f, 60, 3, 0);
    assign_both(f, 120, 4, 0); /* scaled in and out again */
    assert_int_equal(f->run->control.flaps, 0);
    assign_both(f, 180, 3, 1);
    assign_both(f, 600, 4, 0);
    assert_int_equal(f->run->control.flaps, 1);
    assign_both(f, 1600, 3, 1); /* 1000 s later: a change of mind, not a flap */
    assign_both(f, 2600, 4, 0);
    assert_int_equal(f->run->control.flaps, 1);
    fl_world_free(f);
}

/* After any number of requests each cluster is within one of its share; without shares, ready replicas count. */
static void test_shares(void **state)
{
    static const int64_t ppm[3] = {500000, 300000, 200000};
    world w;
    fl_world *f;

    (void)state;
    world_init(&w);
    world_groups(&w, 3);
    w.services[0].station.servers = 1000;
    f = fl_world_new(world_scenario(&w), 1, 0, NULL);
    assert_non_null(f);
    f->warm_start = true;
    for (uint32_t c = 0; c < 3; c++) {
        fl_assign(f, 0, c, 1);
        f->services[0].weight[c] = ppm[c];
    }
    for (int n = 1; n <= 1000; n++) {
        fl_source_event(f, 0);
        for (uint32_t c = 0; c < 3; c++) {
            double got = f->replicas[f->services[0].places[c].ids[0]].outstanding;

            assert_near(got, (double)n * (double)ppm[c] / 1e6, 1.0);
        }
    }
    fl_world_free(f);

    f = fl_world_new(world_scenario(&w), 1, 0, NULL);
    assert_non_null(f);
    f->warm_start = true;
    fl_assign(f, 0, 0, 3);
    fl_assign(f, 0, 2, 1);
    for (int n = 0; n < 400; n++) {
        fl_source_event(f, 0);
    }
    assert_int_equal(f->replicas[f->services[0].places[2].ids[0]].outstanding, 100);
    assert_int_equal(f->replicas[f->services[0].places[0].ids[0]].outstanding, 100);
    fl_world_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_marks_of_a_burst),
        cmocka_unit_test(test_a_shared_pool_is_paid_once),
        cmocka_unit_test(test_hurt_while_the_list_of_bursts_grows),
        cmocka_unit_test(test_hurt_at_the_edges_of_bursts),
        cmocka_unit_test(test_no_burst),
        cmocka_unit_test(test_flaps),
        cmocka_unit_test(test_shares),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
