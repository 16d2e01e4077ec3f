/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_ways.c - what requests and answers cost on their ways where users enter at a provider: a day's bill once more
 * from its requests, and attempts, refusals and losses by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/report/report.h"
#include "sim/scenario/tables.h"
#include "tests/support/folder.h"
#include "tests/support/world.h"

#define S SPW_NS_PER_S

/* --- a day, twice ------------------------------------------------------------------------------------------------ */

#define USERS  3
#define PLACES 4

/* tests/data/entries/day.yaml with the shipped prices, micro-USD per GB. Rows: users of Hangzhou (alibaba), Virginia
 * (aws), Frankfurt (no provider); columns: ack-hangzhou, eks-virginia, eks-frankfurt, ack-frankfurt. */
static const int64_t forth_price[USERS][PLACES] = {
    {0, 110000, 110000, 83000}, /* alibaba: the same place, to aws, to aws, between regions */
    {90000, 0, 20000, 90000},   /* aws: to alibaba, the same place, between regions, to alibaba */
    {0, 0, 0, 0}};
static const int64_t back_price[USERS][PLACES] = {
    {0, 90000, 90000, 83000},   /* by who sends: alibaba, aws, aws, alibaba */
    {110000, 0, 20000, 110000}, /* to Virginia */
    {0, 0, 0, 0}};
static const int64_t out_price[USERS][PLACES] = {
    {110000, 110000, 110000, 110000}, {90000, 90000, 90000, 90000}, {110000, 90000, 90000, 110000}};

typedef struct books {
    const sc_scenario *sc;
    int64_t forth[USERS][PLACES], back[USERS][PLACES];
    int32_t lost;   /* rows without a cluster */
    int32_t unsure; /* rows that ended otherwise than completed or in flight */
} books;

static int64_t whole(double bytes)
{
    return (int64_t)floor(bytes + 0.5);
}

static int enter_row(void *user, const fleet_request *q)
{
    books *b = user;
    const sc_payload *p = &b->sc->payload;
    const int64_t way_ns =
        q->cluster < 0 ? 0 : b->sc->rtt_ns[q->region * b->sc->region_count + b->sc->clusters[q->cluster].region] / 2;

    b->lost += q->cluster < 0;
    b->unsure += strcmp(q->outcome, "completed") != 0 && strcmp(q->outcome, "in_flight") != 0;
    if (q->cluster >= 0 && q->sent_ns >= b->sc->warmup_ns) {
        b->forth[q->region][q->cluster] +=
            whole(p->request_bytes_fixed + p->request_bytes_per_token * (double)q->input_tokens);
    }
    if (q->done_ns >= 0 && q->done_ns - way_ns >= b->sc->warmup_ns) { /* the last token left after warm-up */
        b->back[q->region][q->cluster] +=
            whole(p->response_bytes_fixed + p->response_bytes_per_token * (double)q->output_tokens);
    }
    return 0;
}

/* bytes x price / 10^9, halves up; bytes x price stays below 2^63 here. */
static int64_t priced(int64_t bytes, int64_t uusd_per_gb)
{
    assert_true(bytes < INT64_MAX / 1000000);
    return (bytes * uusd_per_gb + 500000000) / 1000000000;
}

static int64_t owned_uusd(const res_run *run)
{
    int64_t sum = 0;

    for (int32_t p = 0; p < run->pool_count; p++) {
        sum += run->pools[p].cost_uusd;
    }
    return sum;
}

/* egress.csv has a row for each pair, those without an entry with answers to users alone, and the summary a line of
 * what moved between entries and clusters. */
static void check_report(const sc_scenario *sc, res_run *run, const books *b, int64_t between)
{
    static const char *const users[USERS] = {"cn-hangzhou,alibaba", "us-east-1,aws", "eu-central-1,"};
    static const char *const places[PLACES] = {"ack-hangzhou,alibaba", "eks-virginia,aws", "eks-frankfurt,aws",
                                               "ack-frankfurt,alibaba"};
    const report_options options = {.plots = false};
    char dir[64], err[256] = "", line[256];
    char *text = NULL;
    size_t size = 0;
    int64_t bytes = 0;

    folder_make(dir, sizeof dir);
    assert_int_equal(report_write_dir(sc, &run, 1, dir, &options, err, sizeof err), 0);
    char *rows = folder_read(dir, "egress.csv");
    const char *at = strchr(strchr(rows, '\n') + 1, '\n') + 1;
    for (int r = 0; r < 2; r++) {
        for (int c = 0; c < PLACES; c++) {
            double usd[3];
            long long moved[3];

            snprintf(line, sizeof line, "%s,%s", users[r], places[c]);
            assert_int_equal(strncmp(at, line, strlen(line)), 0);
            assert_int_equal(sscanf(at + strlen(line), ",%lld,%lf,%lld,%lf,%lld,%lf", &moved[0], &usd[0], &moved[1],
                                    &usd[1], &moved[2], &usd[2]),
                             6);
            assert_true(moved[0] == b->forth[r][c] && moved[1] == b->back[r][c] && moved[2] == b->back[r][c]);
            assert_true(llround(usd[0] * 1e6) == priced(b->forth[r][c], forth_price[r][c]));
            assert_true(llround(usd[1] * 1e6) == priced(b->back[r][c], back_price[r][c]));
            assert_true(llround(usd[2] * 1e6) == priced(b->back[r][c], out_price[r][c]));
            bytes += b->forth[r][c] + b->back[r][c];
            at = strchr(at, '\n') + 1;
        }
    }
    for (int c = 0; c < PLACES; c++) {
        const int64_t out = priced(b->back[2][c], out_price[2][c]);

        snprintf(line, sizeof line, "%s,%s,,,,,%" PRId64 ",%" PRId64 ".%06" PRId64 "\n", users[2], places[c],
                 b->back[2][c], out / 1000000, out % 1000000);
        assert_int_equal(strncmp(at, line, strlen(line)), 0);
        at = strchr(at, '\n') + 1;
    }
    assert_string_equal(at, "");
    free(rows);
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_int_equal(report_text(sc, &run, 1, out), 0);
    fclose(out);
    snprintf(line, sizeof line, "between entry, cluster   egress    %10.4g GB %27.2f\n", (double)bytes / 1e9,
             (double)between / 1e6);
    assert_non_null(strstr(text, line));
    free(text);
    folder_remove(dir);
}

/*
 * 24 h of users from three regions over four clusters: 90,000 requests, none tried twice, each moved once. The bill is
 * the sum of bytes x price over the rows of the requests, to the micro-dollar, each pair rounded once; of users without
 * a provider answers only, at their cluster's price.
 */
static void test_day_from_its_requests(void **state)
{
    static books b;
    fleet_hooks hooks = {.request = enter_row, .user = &b};
    sc_messages messages = {0};
    sc_scenario *sc = sc_load("tests/data/entries/day.yaml", NULL, &messages);
    char err[400] = "";
    int64_t bill = 0, between = 0, bins = 0;

    (void)state;
    assert_string_equal(messages.text != NULL ? messages.text : "", "");
    assert_non_null(sc);
    b = (books){.sc = sc};
    res_run *run = fleet_run(sc, 3, 0, &hooks, err, sizeof err);
    assert_non_null(run);
    assert_true(run->requests.offered > 80000);
    assert_int_equal(b.lost + b.unsure, 0);
    for (int r = 0; r < USERS; r++) {
        for (int c = 0; c < PLACES; c++) {
            const res_way *way = &run->ways[r * PLACES + c];

            assert_true(b.forth[r][c] > 1000000 && b.back[r][c] > 10000000); /* all pairs serve */
            if (r == 2) {
                assert_true(way->forth_bytes + way->back_bytes == 0);
                assert_true(way->out_bytes == b.back[r][c]);
                assert_true(way->out_uusd == priced(b.back[r][c], out_price[r][c]));
                bill += priced(b.back[r][c], out_price[r][c]);
                continue;
            }
            assert_true(way->forth_bytes == b.forth[r][c]);
            assert_true(way->back_bytes == b.back[r][c]);
            assert_true(way->out_bytes == b.back[r][c]);
            assert_true(way->out_uusd == priced(b.back[r][c], out_price[r][c]));
            between += priced(b.forth[r][c], forth_price[r][c]) + priced(b.back[r][c], back_price[r][c]);
            bill += priced(b.back[r][c], out_price[r][c]);
        }
    }
    bill += between;
    assert_int_equal(run->cost.ways_uusd, between);
    assert_int_equal(run->cost.egress_uusd, bill);
    assert_int_equal(run->cost.total_uusd, bill + owned_uusd(run));
    for (int32_t i = 0; i < run->timeline.bins; i++) {
        assert_true(run->timeline.egress_uusd[i] >= 0);
        bins += run->timeline.egress_uusd[i];
    }
    assert_int_equal(bins, bill);
    check_report(sc, run, &b, between);
    res_free(run);
    sc_messages_fini(&messages);
    sc_free(sc);
}

/* The same day without entries: only answers cost, as the clusters' providers price bytes to users. */
static void test_day_without_entries(void **state)
{
    const sc_override sets[] = {{"spec.regions[0]", "{name: cn-hangzhou}"}, {"spec.regions[1]", "{name: us-east-1}"}};
    const sc_options options = {.sets = sets, .set_count = 2};
    static books b;
    fleet_hooks hooks = {.request = enter_row, .user = &b};
    sc_messages messages = {0};
    sc_scenario *sc = sc_load("tests/data/entries/day.yaml", &options, &messages);
    char err[400] = "";
    int64_t bill = 0;

    (void)state;
    assert_non_null(sc);
    assert_null(sc->ways);
    b = (books){.sc = sc};
    res_run *run = fleet_run(sc, 3, 0, &hooks, err, sizeof err);
    assert_non_null(run);
    for (int r = 0; r < USERS; r++) {
        for (int c = 0; c < PLACES; c++) {
            assert_true(run->ways[r * PLACES + c].out_bytes == b.back[r][c]);
            bill += priced(b.back[r][c], out_price[2][c]);
        }
    }
    assert_int_equal(run->cost.ways_uusd, 0);
    assert_int_equal(run->cost.egress_uusd, bill);
    res_free(run);
    sc_messages_fini(&messages);
    sc_free(sc);
}

/* --- a price that is not there ----------------------------------------------------------------------------------- */

/* The shipped tables, of egress.csv only the rows without `dropped`. */
static void put_tables(const char *dir, const char *dropped)
{
    for (int k = 0; k < TABLES_KINDS; k++) {
        const char *name = tables_kind_name((tables_kind)k);
        char from[128], to[256], line[1024];
        FILE *in, *out;

        snprintf(from, sizeof from, "scenarios/tables/%s.csv", name);
        snprintf(to, sizeof to, "%s/%s.csv", dir, name);
        in = fopen(from, "r");
        out = fopen(to, "w");
        assert_true(in != NULL && out != NULL);
        while (fgets(line, sizeof line, in) != NULL) {
            if (k != TABLES_EGRESS || strncmp(line, dropped, strlen(dropped)) != 0) {
                fputs(line, out);
            }
        }
        fclose(in);
        assert_int_equal(fclose(out), 0);
    }
}

/* Each pair without a price is told where its sender stands in the file: the region's provider, or the cluster's. */
static void test_missing_pair(void **state)
{
    static const char file[] = "tests/data/entries/day.yaml";
    static const char *const places[][2] = {{"11:37", "from cn-hangzhou to us-east-1"},
                                            {"11:37", "from cn-hangzhou to eu-central-1"},
                                            {"17:17", "from cn-hangzhou to us-east-1"},
                                            {"29:17", "from eu-central-1 to us-east-1"}};
    char dir[64], expected[4096] = "";
    sc_messages messages = {0};

    (void)state;
    folder_make(dir, sizeof dir);
    put_tables(dir, "alibaba,inter-provider,");
    for (int i = 0; i < 4; i++) {
        size_t used = strlen(expected);

        snprintf(expected + used, sizeof expected - used,
                 "%s:%s: error: no inter-provider price of 'alibaba' %s in tables/egress.csv\n", file, places[i][0],
                 places[i][1]);
    }
    const sc_options options = {.tables_dir = dir};
    assert_null(sc_load(file, &options, &messages));
    assert_string_equal(messages.text, expected);
    sc_messages_fini(&messages);
    folder_remove(dir);
}

/* Of images, too: a pair is told once, however many clusters and bytes need it; and that a provider has no row for it
 * is not that there is no such provider. */
static void test_missing_pair_of_images(void **state)
{
    static const char place[] = "--set spec.delivery.provider:1:1: error: no";
    static const struct {
        const char *dropped, *scope, *pairs[3];
    } of[] = {{"alibaba,inter-provider,",
               "inter-provider",
               {"from cn-hangzhou to cn-hangzhou", "from cn-hangzhou to cn-beijing", "from cn-beijing to cn-beijing"}},
              {"alibaba,inter-region,", "inter-region", {"from cn-hangzhou to cn-beijing", NULL, NULL}}};

    (void)state;
    for (int i = 0; i < 2; i++) {
        char dir[64], expected[1024] = "";
        const sc_override set = {"spec.delivery.provider", "alibaba"};
        const sc_options options = {.tables_dir = dir, .sets = &set, .set_count = 1};
        sc_messages messages = {0};

        folder_make(dir, sizeof dir);
        put_tables(dir, of[i].dropped);
        for (int p = 0; p < 3 && of[i].pairs[p] != NULL; p++) {
            size_t used = strlen(expected);

            snprintf(expected + used, sizeof expected - used, "%s %s price of 'alibaba' %s in tables/egress.csv\n",
                     place, of[i].scope, of[i].pairs[p]);
        }
        assert_null(sc_load("scenarios/cold-cache.yaml", &options, &messages));
        assert_string_equal(messages.text, expected);
        sc_messages_fini(&messages);
        folder_remove(dir);
    }
}

/* --- by hand ----------------------------------------------------------------------------------------------------- */

/* Prices such that each way shows in its own digits: bytes of 10^9 each cost the price. */
#define FORTH 1
#define BACK  100
#define OUT   10000

/* Users of region 0 enter at a provider; requests of 1 GB and 10 tokens, answers of 2 GB and 1 GB for each token. */
static void entry_world(world *w, mdl_trace *trace, sc_way ways[1])
{
    world_init(w);
    w->sc.duration_ns = 100 * S;
    w->regions[0].provider = "entry";
    w->regions[0].egress_uusd_per_gb = OUT;
    ways[0] = (sc_way){FORTH, BACK};
    w->sc.ways = ways;
    w->sc.payload = (sc_payload){.request_bytes_fixed = 5e8,
                                 .request_bytes_per_token = 5e7,
                                 .response_bytes_fixed = 2e9,
                                 .response_bytes_per_token = 1e9};
    w->traffic[0].arrivals = (mdl_arrival_spec){.kind = MDL_ARRIVAL_TRACE, .trace = trace, .trace_scale = 1};
}

/* An engine whose steps take one second, whatever they do: a request of n tokens, begun at t, has them at t + 1 ... */
static void stepwise(world *w, int32_t output)
{
    w->services[0].engine = SC_ENGINE_LLM;
    w->services[0].lengths.input = (mdl_length_law){.kind = MDL_LENGTH_FIXED, .fixed = 10, .min = 1, .max = 10};
    w->services[0].lengths.output = (mdl_length_law){.kind = MDL_LENGTH_FIXED, .fixed = output, .min = 1, .max = 100};
    w->llm[0][0] = (mdl_llm_config){.step = {.h0 = INT64_C(1000000000000)},
                                    .block_tokens = 16,
                                    .kv_blocks = 100,
                                    .max_batched_tokens = 64,
                                    .max_sequences = 4,
                                    .max_waiting = 10};
}

static void assert_way(const res_run *run, int64_t forth_gb, int64_t back_gb, int64_t out_gb)
{
    const res_way *way = &run->ways[0];

    assert_int_equal(way->forth_bytes, forth_gb * 1000000000);
    assert_int_equal(way->back_bytes, back_gb * 1000000000);
    assert_int_equal(way->out_bytes, out_gb * 1000000000);
    assert_int_equal(run->cost.ways_uusd, forth_gb * FORTH + back_gb * BACK);
    assert_int_equal(run->cost.egress_uusd, forth_gb * FORTH + back_gb * BACK + out_gb * OUT);
}

/*
 * Answers of 10 tokens, attempts of at most 4.2 s, a second one 1 s after the first. Sent at 5 s: tokens at 6, 7, 8, 9,
 * given up at 9.2 with four of them. The second, at 10.2 s:
 *   the server noticed: the step under way ended at 10, the engine is idle, tokens at 11.2, 12.2, 13.2, 14.2; given up
 *     at 14.4 with four. Both ways 2 x (2 + 4) GB.
 *   it did not: the second joins at 11, tokens at 12, 13, 14, given up with three: (2 + 4) + (2 + 3) GB to the user.
 * Its server goes on: two whole answers of 2 + 10 GB come back to the entry, at 15 s and 21 s.
 */
static void test_attempts(void **state)
{
    static const int64_t at[] = {5 * S};
    mdl_trace trace = {.count = 1, .at_ns = at};

    (void)state;
    for (int cancels = 0; cancels < 2; cancels++) {
        world w;
        sc_way ways[1];

        entry_world(&w, &trace, ways);
        stepwise(&w, 10);
        w.services[0].retry = (mdl_retry){.attempts = 2,
                                          .base_ns = S,
                                          .max_ns = S,
                                          .factor = 1,
                                          .attempt_timeout_ns = 4200 * (S / 1000),
                                          .cancels = cancels == 1};
        res_run *run = world_run(&w, 1);
        assert_int_equal(run->requests.timed_out, 1);
        assert_int_equal(run->services[0].attempts.sent, 2);
        assert_way(run, 2, cancels == 1 ? 12 : 24, cancels == 1 ? 12 : 11);
        res_free(run);
    }
}

/* Patience of 3.5 s without retries: sent at 5 s, tokens at 6, 7, 8, given up at 8.5; the next, at 20 s, is still under
 * way at the end of the run at 22.5 s, and its answer does not count. */
static void test_broken_off(void **state)
{
    static const int64_t at[] = {5 * S, 20 * S};
    mdl_trace trace = {.count = 2, .at_ns = at};
    world w;
    sc_way ways[1];

    (void)state;
    entry_world(&w, &trace, ways);
    stepwise(&w, 10);
    w.services[0].timeout_ns = 3500 * (S / 1000);
    w.sc.duration_ns = 22500 * (S / 1000);
    res_run *run = world_run(&w, 1);
    assert_int_equal(run->requests.timed_out, 1);
    assert_int_equal(run->requests.in_flight, 1);
    assert_way(run, 2, 5, 5);
    res_free(run);
}

/* Round trip 2 s: sent at 5 s, there at 6 s, three tokens till 9 s, the last seen at 10 s; patience ends at 9.5 s with
 * all of it on its way. The same from beside a frontend of 2 s: there at 5 s, three tokens till 8 s. */
static void test_too_late(void **state)
{
    static const int64_t at[] = {5 * S};
    mdl_trace trace = {.count = 1, .at_ns = at};

    (void)state;
    for (int frontend = 0; frontend < 2; frontend++) {
        world w;
        sc_way ways[1];

        entry_world(&w, &trace, ways);
        stepwise(&w, 3);
        w.rtt[0] = frontend == 1 ? 0 : 2 * S;
        w.services[0].frontend_ns = frontend == 1 ? 2 * S : 0;
        w.services[0].timeout_ns = 4500 * (S / 1000);
        res_run *run = world_run(&w, 1);
        assert_int_equal(run->requests.timed_out, 1);
        assert_way(run, 1, 5, 5);
        res_free(run);
    }
}

/* One server, no room to wait, a second of work: the second of two requests went to the cluster in vain. */
static void test_refused(void **state)
{
    static const int64_t at[] = {5 * S, 5 * S + S / 2};
    mdl_trace trace = {.count = 2, .at_ns = at};
    world w;
    sc_way ways[1];

    (void)state;
    entry_world(&w, &trace, ways);
    w.sc.payload.request_bytes_fixed = 1e9; /* a station knows no tokens */
    w.services[0].station.max_waiting = 0;
    w.services[0].station_law = (mdl_service_law){.kind = MDL_SERVICE_FIXED, .mean_s = 1};
    res_run *run = world_run(&w, 1);
    assert_int_equal(run->requests.rejected, 1);
    assert_way(run, 2, 2, 2);
    res_free(run);
}

/* The same from afar, a way of 2 s: the first is there from 7 s to 8 s, the second finds it busy at 7.5 s. */
static void test_refused_far_away(void **state)
{
    static const int64_t at[] = {5 * S, 5 * S + S / 2};
    mdl_trace trace = {.count = 2, .at_ns = at};
    world w;
    sc_way ways[1];

    (void)state;
    entry_world(&w, &trace, ways);
    w.sc.payload.request_bytes_fixed = 1e9;
    w.rtt[0] = 4 * S;
    w.services[0].station.max_waiting = 0;
    w.services[0].station_law = (mdl_service_law){.kind = MDL_SERVICE_FIXED, .mean_s = 1};
    res_run *run = world_run(&w, 1);
    assert_int_equal(run->requests.completed, 1);
    assert_int_equal(run->requests.rejected, 1);
    assert_way(run, 2, 2, 2);
    res_free(run);
}

/* Patience of 1 s ends on a way of 2 s: the bytes were sent and are paid for, the answer never was. */
static void test_given_up_on_the_way(void **state)
{
    static const int64_t at[] = {5 * S};
    mdl_trace trace = {.count = 1, .at_ns = at};
    world w;
    sc_way ways[1];

    (void)state;
    entry_world(&w, &trace, ways);
    stepwise(&w, 3);
    w.rtt[0] = 4 * S;
    w.services[0].timeout_ns = S;
    res_run *run = world_run(&w, 1);
    assert_int_equal(run->requests.timed_out, 1);
    assert_way(run, 1, 0, 0);
    res_free(run);
}

/*
 * A spot node that lives 180 s (a Weibull of shape 1e6 is its scale), with 30 s of notice, takes a request with it that
 * was sent at 100.5 s and has 79 of its 90 tokens: 2 + 79 GB that nobody needs. It moves once more and is answered by
 * the next node, which the tick after the notice ordered: 2 + 90 GB.
 */
static void test_lost_replica(void **state)
{
    static const int64_t at[] = {100 * S + S / 2};
    mdl_trace trace = {.count = 1, .at_ns = at};
    world w;
    sc_way ways[1];

    (void)state;
    entry_world(&w, &trace, ways);
    stepwise(&w, 90);
    w.sc.duration_ns = 300 * S;
    w.pools[0][0].capacity = SPW_CAPACITY_SPOT;
    w.pools[0][0].nodes_min = 0;
    w.pools[0][0].nodes_max = 4;
    w.pools[0][0].has_market = true;
    w.pools[0][0].market = (mdl_market){.shape_k = 1e6, .scale_h = 0.05, .notice_s = 30};
    res_run *run = world_run(&w, 1);
    assert_int_equal(run->requests.completed, 1);
    assert_int_equal(run->pools[0].preempted_by_market, 1);
    assert_way(run, 2, 81 + 92, 81 + 92);
    res_free(run);
}

/* Warm-up ends at 7 s: the request was sent before it, the answer, of three tokens till 8 s, ends after it. */
static void test_warmup(void **state)
{
    static const int64_t at[] = {5 * S};
    mdl_trace trace = {.count = 1, .at_ns = at};
    world w;
    sc_way ways[1];

    (void)state;
    entry_world(&w, &trace, ways);
    stepwise(&w, 3);
    w.sc.warmup_ns = 7 * S;
    res_run *run = world_run(&w, 1);
    assert_way(run, 0, 5, 5);
    res_free(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_day_from_its_requests),
        cmocka_unit_test(test_day_without_entries),
        cmocka_unit_test(test_missing_pair),
        cmocka_unit_test(test_missing_pair_of_images),
        cmocka_unit_test(test_attempts),
        cmocka_unit_test(test_broken_off),
        cmocka_unit_test(test_too_late),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_refused_far_away),
        cmocka_unit_test(test_given_up_on_the_way),
        cmocka_unit_test(test_lost_replica),
        cmocka_unit_test(test_warmup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
