/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_attempts.c - back-off, budgets and buckets by hand; retries, admission and routers in a small world. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/fleet/world.h"
#include "tests/support/fit.h"
#include "tests/support/world.h"

#define S SPW_NS_PER_S
#define N 20000

static double uniform_cdf(double t, const void *end)
{
    return t / *(const double *)end;
}

/* 1, 2, 4, 8 s, then never beyond 10 s; with full jitter uniform below that. */
static void test_backoff(void **state)
{
    static double x[N];
    const double end = 4.0;
    mdl_retry retry = {.base_ns = S, .max_ns = 10 * S, .factor = 2};
    gsl_rng *r = gsl_rng_alloc(gsl_rng_mt19937);

    (void)state;
    gsl_rng_set(r, 3);
    for (int n = 1; n <= 6; n++) {
        assert_int_equal(mdl_backoff_ns(&retry, n, r), n < 5 ? (S << (n - 1)) : 10 * S);
    }
    retry.jitter = 1;
    for (int i = 0; i < N; i++) {
        x[i] = (double)mdl_backoff_ns(&retry, 3, r) / 1e9;
    }
    assert_true(fit_ks(x, N, uniform_cdf, &end, INFINITY) < 1.63);
    gsl_rng_free(r);
}

static void test_bucket(void **state)
{
    mdl_bucket b = {.rate = 2, .burst = 3, .tokens = 3};

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_true(mdl_bucket_take(&b, 0));
    }
    assert_false(mdl_bucket_take(&b, 0));
    assert_false(mdl_bucket_take(&b, S / 4));
    assert_true(mdl_bucket_take(&b, S / 2));
    assert_false(mdl_bucket_take(&b, S / 2));
    for (int i = 0; i < 3; i++) {
        assert_true(mdl_bucket_take(&b, 100 * S));
    }
    assert_false(mdl_bucket_take(&b, 100 * S));
}

/* A tenth for each first attempt: a retry after every ten, the first ten included, however long it goes on. */
static void test_budget(void **state)
{
    const mdl_retry retry = {.budget = 0.1, .budget_burst = 1};
    const mdl_retry free = {.budget_burst = 1};
    mdl_budget b = mdl_budget_of(&retry);

    (void)state;
    assert_true(mdl_budget_pay(&b));
    assert_false(mdl_budget_pay(&b));
    for (int i = 1; i <= 10000000; i++) {
        mdl_budget_earn(&b);
        if (mdl_budget_pay(&b) != (i % 10 == 0)) {
            fail_msg("after %d first attempts", i);
        }
    }
    for (int i = 0; i < 100; i++) { /* no more than the burst is kept */
        mdl_budget_earn(&b);
    }
    assert_true(mdl_budget_pay(&b));
    assert_false(mdl_budget_pay(&b));
    b = mdl_budget_of(&free);
    assert_true(mdl_budget_pay(&b) && mdl_budget_pay(&b));
}

static void books(const res_run *run)
{
    const res_requests *q = &run->requests;

    assert_int_equal(q->offered, q->completed + q->rejected + q->timed_out + q->in_flight);
    assert_true(q->offered > 1000);
}

/* No replica and no room at the gateway: every request is tried three times and rejected, 1 and 2 s apart. */
static void test_three_times(void **state)
{
    (void)state;
    for (int budget = 0; budget < 2; budget++) {
        world w;
        res_run *run;
        const res_attempts *a;

        world_init(&w);
        w.workloads[0].replicas = 0;
        w.services[0].gateway_queue = 0;
        w.services[0].retry = (mdl_retry){.attempts = 3,
                                          .base_ns = S,
                                          .max_ns = 10 * S,
                                          .factor = 2,
                                          .budget = budget == 1 ? 0.25 : 0,
                                          .budget_burst = 1,
                                          .attempt_timeout_ns = INT64_MAX};
        run = world_run(&w, 1);
        books(run);
        a = &run->services[0].attempts;
        assert_int_equal(run->requests.completed + run->requests.timed_out, 0);
        assert_int_equal(a->rejected, a->sent);
        if (budget == 0) {
            assert_true(a->sent >= 3 * run->requests.rejected && a->sent <= 3 * run->requests.offered);
            assert_int_equal(a->denied, 0);
        } else { /* one to begin with, then one for each four */
            assert_true(a->sent - run->requests.offered <= run->requests.offered / 4 + 1);
            assert_true(a->sent - run->requests.offered >= run->requests.offered / 4 - 2);
            assert_int_equal(a->denied, run->requests.rejected);
        }
        res_free(run);
    }
}

/* One attempt under way for one replica: M/M/1/1, of which Erlang's B loses a/(1 + a) = 1/3 at a = 0.5. */
static void test_concurrency(void **state)
{
    world w;
    res_run *run;
    double lost;

    (void)state;
    world_init(&w);
    w.sc.duration_ns = 40000 * S;
    w.services[0].admission.per_replica = 1;
    run = world_run(&w, 1);
    books(run);
    lost = (double)run->requests.rejected / (double)run->requests.offered;
    assert_true(fabs(lost - 1.0 / 3.0) < 0.015); /* 20000 requests: three standard errors are 0.01 */
    assert_int_equal(run->services[0].attempts.shed, run->requests.rejected);
    res_free(run);
}

/* A bucket of 10 that fills at 0.1/s, drawn on at 0.5/s for an hour: 370 pass. */
static void test_rate(void **state)
{
    world w;
    res_run *run;

    (void)state;
    world_init(&w);
    w.services[0].admission = (sc_admission){.rate_per_s = 0.1, .burst = 10};
    run = world_run(&w, 1);
    books(run);
    assert_true(llabs((long long)(run->requests.offered - run->requests.rejected) - 370) <= 2);
    res_free(run);
}

/* Two servers' worth of load on one: every outcome, with and without the server noticing, with wires, keeps the books,
 * frees every record and leaves no attempt counted as under way. Giving up in vain costs work: fewer complete. */
static void test_storms(void **state)
{
    uint64_t completed[2];

    (void)state;
    for (int cancels = 0; cancels < 2; cancels++) {
        world w;
        res_run *run;

        world_init(&w);
        w.sc.region_count = 2;
        w.rtt[0] = w.rtt[1] = w.rtt[2] = w.rtt[3] = 300 * 1000000;
        w.traffic[0].arrivals.rate_per_s = 2;
        w.services[0].station.max_waiting = 30;
        w.services[0].timeout_ns = 60 * S;
        w.services[0].retry = (mdl_retry){.attempts = 5,
                                          .base_ns = S,
                                          .max_ns = 10 * S,
                                          .factor = 2,
                                          .jitter = 1,
                                          .attempt_timeout_ns = 8 * S,
                                          .cancels = cancels == 1};
        run = world_run(&w, 1);
        books(run);
        completed[cancels] = run->requests.completed;
        assert_true(run->requests.timed_out + run->requests.rejected > 1000);
        assert_true(run->services[0].attempts.sent > 2 * run->requests.offered);
        assert_true(run->services[0].attempts.timed_out > 0);
        res_free(run);
    }
    assert_true(completed[0] < completed[1] / 2);
}

/* Retry settings that nothing triggers change nothing. */
static void test_unused(void **state)
{
    world a, b;
    res_run *plain, *armed;

    (void)state;
    world_init(&a);
    world_init(&b);
    b.services[0].retry = (mdl_retry){
        .attempts = 4, .base_ns = S, .max_ns = S, .factor = 1, .attempt_timeout_ns = 3000 * S, .cancels = true};
    b.services[0].admission = (sc_admission){.per_replica = 1e6, .rate_per_s = 1e6, .burst = 1e6};
    plain = world_run(&a, 2);
    armed = world_run(&b, 2);
    assert_true(world_same(plain, armed));
    assert_int_equal(armed->services[0].attempts.sent, armed->requests.offered);
    res_free(plain);
    res_free(armed);
}

/* Whose users do not try again is served alike, whatever the users of another service do, and however its own settings
 * for a second attempt stand: where work goes on for those who left, 1.5 times the load leaves nobody served. */
static void test_neighbour_retries(void **state)
{
    res_run *runs[2];

    (void)state;
    for (int retries = 0; retries < 2; retries++) {
        world w;

        world_init(&w);
        w.sc.service_count = 2;
        w.traffic[0].arrivals.rate_per_s = 1.5;
        w.services[0].timeout_ns = 5 * S;
        w.services[0].retry.attempts = 1;
        w.services[1].retry = (mdl_retry){.attempts = 1 + retries,
                                          .base_ns = S,
                                          .max_ns = S,
                                          .factor = 1,
                                          .attempt_timeout_ns = 3000 * S,
                                          .cancels = true};
        runs[retries] = world_run(&w, 1);
        books(runs[retries]);
    }
    assert_true(runs[0]->services[0].requests.completed > 1000);
    assert_true(runs[0]->services[0].requests.timed_out > 1000);
    assert_int_equal(runs[1]->services[0].requests.completed, runs[0]->services[0].requests.completed);
    assert_int_equal(runs[1]->services[0].requests.timed_out, runs[0]->services[0].requests.timed_out);
    res_free(runs[0]);
    res_free(runs[1]);
}

/* A hundred M/M/1 stations at load 0.9: random gives 1/(1 - 0.9) = 10 s; the better of two, in the limit of many
 * stations, sum over i >= 1 of 0.9^(2^i - 2) = 2.614 s (Mitzenmacher, IEEE TPDS 12(10), 2001). */
static void test_two_choices(void **state)
{
    static const struct {
        sc_router router;
        double mean_s, within;
    } cases[] = {{SC_ROUTER_RANDOM, 10.0, 0.06}, {SC_ROUTER_TWO_CHOICES, 2.614, 0.03}};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        world w;
        res_run *run;
        double mean_s;

        world_init(&w);
        w.pools[0][0].nodes_start = w.pools[0][0].nodes_min = w.pools[0][0].nodes_max = 13;
        w.workloads[0].replicas = 100;
        w.traffic[0].arrivals.rate_per_s = 90;
        w.services[0].router = cases[i].router;
        w.sc.warmup_ns = 300 * S;
        w.sc.duration_ns = 3900 * S;
        run = world_run(&w, 1);
        mean_s = stat_hist_mean(run->latency.e2e) / 1e9;
        if (fabs(mean_s / cases[i].mean_s - 1.0) > cases[i].within) {
            fail_msg("router %d: mean %.3f s, theory %.3f s", (int)cases[i].router, mean_s, cases[i].mean_s);
        }
        res_free(run);
    }
}

/* KV-aware: the replica with the long prompt is avoided, though it has fewer requests inside. */
static void test_least_kv(void **state)
{
    world w;
    fl_world *f;
    mdl_work work = {.tag = 1, .input_tokens = 4000, .output_tokens = 100};
    mdl_event events[16];

    (void)state;
    world_init(&w);
    w.workloads[0].replicas = 2;
    w.services[0].engine = SC_ENGINE_LLM;
    w.services[0].router = SC_ROUTER_LEAST_KV;
    w.llm[0][0] = (mdl_llm_config){.step = {.c1 = 1000000, .c2 = 1000, .c3 = 1000, .c4 = 1000},
                                   .block_tokens = 16,
                                   .kv_blocks = 1000,
                                   .max_batched_tokens = 8192,
                                   .max_sequences = 64,
                                   .max_waiting = 64};
    f = fl_world_new(world_scenario(&w), 1, 0, NULL);
    assert_non_null(f);
    f->warm_start = true;
    fl_assign(f, 0, 0, 2);
    f->warm_start = false;
    assert_int_equal(f->services[0].balancers[0].count, 2);
    assert_true(mdl_engine_submit(f->replicas[0].engine, 0, &work) != MDL_REFUSED);
    work.input_tokens = 10;
    for (work.tag = 2; work.tag < 5; work.tag++) {
        assert_true(mdl_engine_submit(f->replicas[1].engine, 0, &work) != MDL_REFUSED);
    }
    (void)mdl_engine_advance(f->replicas[0].engine, 1, events, 16);
    (void)mdl_engine_advance(f->replicas[1].engine, 1, events, 16);
    fl_balance_shift(f, &f->services[0].balancers[0], 0, 1);
    for (int i = 0; i < 3; i++) {
        fl_balance_shift(f, &f->services[0].balancers[0], 1, 1);
    }
    f->now = 1;
    assert_true(f->replicas[0].outstanding < f->replicas[1].outstanding);
    assert_int_equal(
        fl_balance_pick(f, &f->services[0].balancers[0], SC_ROUTER_LEAST_KV, 0, f->services[0].route_rng, NULL, 0), 1);
    fl_world_free(f);
}

/* KV-aware, more replicas than are compared: of the drawn ones that with the smallest share, then the fewest inside. */
static void test_least_kv_drawn(void **state)
{
    enum { COUNT = 64, PICKS = 2000 };
    uint32_t ready[COUNT];
    uint64_t kv[COUNT];
    fl_replica replicas[COUNT];
    const fl_world w = {.replicas = replicas};
    const fl_balancer b = {.ready = ready, .kv = kv, .count = COUNT, .has_kv = true};
    gsl_rng *r = rng_stream(1, 0, "router", 1);

    (void)state;
    assert_non_null(r);
    for (uint32_t i = 0; i < COUNT; i++) {
        ready[i] = COUNT - 1 - i;
        kv[i] = i % 5;
        replicas[ready[i]].outstanding = (int32_t)(i % 7);
    }
    for (int i = 0; i < PICKS; i++) {
        rng_xoshiro luck = *rng_state(r);
        uint32_t best = FL_NONE;

        for (int word = 0; word < 2; word++) {
            const uint64_t bits = rng_xoshiro_next(&luck);
            const uint32_t pair[2] = {(uint32_t)((bits >> 32) * COUNT >> 32),
                                      (uint32_t)((bits & UINT32_MAX) * COUNT >> 32)};

            for (int k = 0; k < 2; k++) {
                if (best == FL_NONE || pair[k] % 5 < best % 5 || (pair[k] % 5 == best % 5 && pair[k] % 7 < best % 7)) {
                    best = pair[k];
                }
            }
        }
        assert_int_equal(fl_kv_pick(&w, &b, r), ready[best]);
    }
    gsl_rng_free(r);
}

static int keep_row(void *user, const fleet_request *q)
{
    *(fleet_request *)user = *q;
    return 0;
}

/* A run of one request, and its row. */
static res_run *run_row(world *w, fleet_request *row)
{
    fleet_hooks hooks = {.request = keep_row, .user = row};
    char err[400] = "";
    res_run *run;

    *row = (fleet_request){.outcome = "none"};
    run = fleet_run(world_scenario(w), 1, 0, &hooks, err, sizeof err);
    assert_non_null(run);
    return run;
}

/* An engine whose steps take a second, whatever they do; ten tokens in and out. */
static void steps_world(world *w, const mdl_trace *trace)
{
    world_init(w);
    w->sc.duration_ns = 60 * S;
    w->traffic[0].arrivals = (mdl_arrival_spec){.kind = MDL_ARRIVAL_TRACE, .trace = trace, .trace_scale = 1};
    w->services[0].engine = SC_ENGINE_LLM;
    w->services[0].lengths.input = w->services[0].lengths.output =
        (mdl_length_law){.kind = MDL_LENGTH_FIXED, .fixed = 10, .min = 1, .max = 10};
    w->llm[0][0] = (mdl_llm_config){.step = {.h0 = INT64_C(1000000000000)},
                                    .block_tokens = 16,
                                    .kv_blocks = 1000,
                                    .max_batched_tokens = 8192,
                                    .max_sequences = 8,
                                    .max_waiting = 8};
}

/* Sent at 5 s to an idle replica, given up at 5.4 s, in the middle of the prefill: by the attempt or
 * by the user. Work began at 5 s, whatever the server makes of it; the second attempt, at 6.4 s, begins at once where
 * the first was called back, and never where its step until 7 s is in the way. */
static void test_given_up_in_prefill(void **state)
{
    static const int64_t at[] = {5 * S};
    static const struct {
        int64_t attempt_ns, user_ns, began_ns;
        bool cancels;
    } cases[] = {{4 * S / 10, FL_NEVER, 5 * S, false},
                 {4 * S / 10, FL_NEVER, 64 * S / 10, true},
                 {100 * S, 4 * S / 10, 5 * S, false},
                 {100 * S, 4 * S / 10, 5 * S, true}};
    mdl_trace trace = {.count = 1, .at_ns = at};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fleet_request row;
        world w;
        res_run *run;

        steps_world(&w, &trace);
        w.services[0].timeout_ns = cases[i].user_ns;
        w.services[0].retry = (mdl_retry){.attempts = 2,
                                          .base_ns = S,
                                          .max_ns = S,
                                          .factor = 1,
                                          .attempt_timeout_ns = cases[i].attempt_ns,
                                          .cancels = cases[i].cancels};
        run = run_row(&w, &row);
        assert_string_equal(row.outcome, "timed_out");
        assert_int_equal(row.sent_ns, 5 * S);
        assert_int_equal(row.started_ns, cases[i].began_ns);
        res_free(run);
    }
}

/* Round trip 1 s, steps of a second, three tokens: sent at 5 s, there at 5.5, done at 8.5, seen at 9. A client that
 * waits 4 s has it; one that waits 3.8 s has gone at 8.8 s, tries again at 9.8 and is as late with that, at 13.6 s. The
 * first token is seen at 7: not by one that waits 1.8 s, nor that of its second attempt, sent at 7.8 s. */
static void test_answered_too_late(void **state)
{
    static const int64_t at[] = {5 * S};
    static const int64_t patience_ns[] = {4 * S, 38 * S / 10, 18 * S / 10};
    static const int64_t started_ns[] = {55 * S / 10, 103 * S / 10, 83 * S / 10};
    mdl_trace trace = {.count = 1, .at_ns = at};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        const bool late = i > 0;
        fleet_request row;
        world w;
        res_run *run;

        steps_world(&w, &trace);
        w.services[0].lengths.output.fixed = 3;
        w.rtt[0] = S;
        w.services[0].retry = (mdl_retry){.attempts = 2,
                                          .base_ns = S,
                                          .max_ns = S,
                                          .factor = 1,
                                          .attempt_timeout_ns = patience_ns[i],
                                          .cancels = true};
        run = run_row(&w, &row);
        assert_string_equal(row.outcome, late ? "timed_out" : "completed");
        assert_int_equal(row.done_ns, late ? -1 : 9 * S);
        assert_int_equal(row.started_ns, started_ns[i]);
        assert_int_equal(row.first_ns, i == 2 ? -1 : 7 * S);
        assert_int_equal(stat_hist_count(run->latency.ttft), i == 2 ? 0 : 1);
        assert_int_equal(run->services[0].attempts.sent, late ? 2 : 1);
        assert_int_equal(run->services[0].attempts.timed_out, late ? 2 : 0);
        res_free(run);
    }
}

static double mean_s(const stat_hist *h)
{
    assert_int_equal(stat_hist_count(h), 1);
    return stat_hist_mean(h) / 1e9;
}

/* Three tokens, a second each; sent at 5 s, an attempt lasts 5 s at most, the second one begins at 11 s. Till 10.1 s
 * the node may be `slow` times as slow, the step under way then over before 11 s; from `off` on it may be away for 0.3
 * s, after which an answer is begun anew. TTFT and E2E count from 5 s on. TPOT is of the attempt that answers, and in
 * that from the first token that the user saw, however often it was begun. */
static void test_tpot_of_the_last_attempt(void **state)
{
    static const int64_t at[] = {5 * S};
    static const mdl_window slow_at = {0, 101 * S / 10};
    static const struct {
        int64_t slow_milli, off_ns;
        double ttft_s, tpot_s, e2e_s;
    } cases[] = {{4000, 0, 4, 1, 9},                   /* seen at 9, given up; 12, 13, 14 */
                 {4000, 122 * S / 10, 4, 1.75, 10.5},  /* seen at 9, given up; 12, anew 13.5, 14.5, 15.5 */
                 {10000, 122 * S / 10, 7, 1.75, 10.5}, /* nothing till 15, given up; the same */
                 {10000, 0, 7, 1, 9},                  /* given up; 12, 13, 14 */
                 {1000, 62 * S / 10, 1, 1.75, 4.5},    /* 6, anew 7.5, 8.5, 9.5 */
                 {1000, 0, 1, 1, 3}};
    mdl_trace trace = {.count = 1, .at_ns = at};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const mdl_window off_at = {cases[i].off_ns, cases[i].off_ns + 3 * S / 10};
        const sc_fault both = {
            .region = -1, .cluster = -1, .pool = -1, .service = -1, .index = -1, .nodes_per_rack = 1};
        sc_fault faults[2] = {both, both};
        fleet_request row;
        world w;
        res_run *run;

        steps_world(&w, &trace);
        faults[0].kind = MDL_FAULT_SLOW;
        faults[0].factor_milli = (int32_t)cases[i].slow_milli;
        faults[0].windows = (mdl_windows){.at = &slow_at, .count = 1};
        faults[1].kind = MDL_FAULT_NODE;
        faults[1].windows = (mdl_windows){.at = &off_at, .count = 1};
        w.sc.faults = faults;
        w.sc.fault_count = cases[i].off_ns > 0 ? 2 : 1;
        w.services[0].lengths.output.fixed = 3;
        w.services[0].retry = (mdl_retry){
            .attempts = 2, .base_ns = S, .max_ns = S, .factor = 1, .attempt_timeout_ns = 5 * S, .cancels = true};
        run = run_row(&w, &row);
        assert_string_equal(row.outcome, "completed");
        assert_int_equal(run->services[0].attempts.timed_out, cases[i].slow_milli > 1000 ? 1 : 0);
        assert_true(fabs(mean_s(run->latency.ttft) - cases[i].ttft_s) < 1e-6);
        assert_true(fabs(mean_s(run->latency.tpot) - cases[i].tpot_s) < 1e-6);
        assert_true(fabs(mean_s(run->latency.e2e) - cases[i].e2e_s) < 1e-6);
        assert_int_equal(row.first_ns, 5 * S + (int64_t)(cases[i].ttft_s * 1e9));
        res_free(run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_backoff),
        cmocka_unit_test(test_bucket),
        cmocka_unit_test(test_budget),
        cmocka_unit_test(test_three_times),
        cmocka_unit_test(test_concurrency),
        cmocka_unit_test(test_rate),
        cmocka_unit_test(test_storms),
        cmocka_unit_test(test_unused),
        cmocka_unit_test(test_two_choices),
        cmocka_unit_test(test_least_kv),
        cmocka_unit_test(test_least_kv_drawn),
        cmocka_unit_test(test_given_up_in_prefill),
        cmocka_unit_test(test_answered_too_late),
        cmocka_unit_test(test_tpot_of_the_last_attempt),
        cmocka_unit_test(test_neighbour_retries),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
