/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * test_scenario.c - the scenario reader against values worked out by hand from tests/data/scenarios, its defaults, its
 * overrides, what it says about doubtful input, and that no cut-off file brings it down. Wrong input of every kind has
 * its own place: tests/golden/broken.sh. Runs from the top of the repository.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/scenario/datadir.h"
#include "sim/scenario/scenario.h"
#include "tests/support/close.h"

#define DATA   "tests/data/scenarios/"
#define TABLES "scenarios/tables"
#define SECOND INT64_C(1000000000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)

/* Loads; on failure prints what was said. */
static sc_scenario *load(const char *path, const sc_override *sets, size_t count, sc_messages *messages)
{
    const sc_options options = {.tables_dir = TABLES, .sets = sets, .set_count = count};
    sc_scenario *sc = sc_load(path, &options, messages);
    if (sc == NULL && messages->errors == 0) {
        print_error("no scenario, and no error\n");
    }
    return sc;
}

static sc_scenario *must_load(const char *path)
{
    sc_messages messages;
    sc_scenario *sc = load(path, NULL, 0, &messages);
    if (sc == NULL) {
        print_error("%s", messages.text);
    }
    assert_non_null(sc);
    assert_int_equal(messages.errors, 0);
    sc_messages_fini(&messages);
    return sc;
}

static int open_full(void **state)
{
    *state = must_load(DATA "full.yaml");
    return 0;
}

static int close_full(void **state)
{
    sc_free(*state);
    return 0;
}

static void reads_times(void **state)
{
    const sc_scenario *sc = *state;
    assert_string_equal(sc->name, "full");
    assert_string_equal(sc->title,
                        "Every key of the format, with values that tests/unit/test_scenario.c works out by hand.");
    /* 2026-03-04T06:30+08:00 = 2026-03-03T22:30Z: 20515 days after 1970-01-01, and 81000 s */
    assert_int_equal(sc->start_unix_ns, (INT64_C(20515) * 86400 + 81000) * SECOND);
    assert_int_equal(sc->utc_offset_s, 8 * 3600);
    assert_int_equal(sc->duration_ns, 26 * HOUR + 30 * MINUTE);
    assert_int_equal(sc->warmup_ns, 30 * MINUTE);
    assert_int_equal(sc->tick_ns, 20 * SECOND);
    assert_true(sc->seed == UINT64_MAX);
    assert_int_equal(sc->observation.scrape_ns, 30 * SECOND);
    assert_int_equal(sc->observation.delay_ns, 4 * SECOND);
    assert_close(sc->observation.noise, 0.02, 1e-15);
    assert_close(sc->observation.dropout, 0.25, 1e-15);
}

static void reads_regions(void **state)
{
    const sc_scenario *sc = *state;
    assert_int_equal(sc->region_count, 3);
    assert_string_equal(sc->regions[0].jurisdiction, "CN");
    assert_string_equal(sc->regions[2].jurisdiction, "");
    assert_int_equal(sc->regions[0].utc_offset_s, 8 * 3600);
    assert_int_equal(sc->regions[1].utc_offset_s, -8 * 3600);
    /* row = from, column = to; Hangzhou - Oregon 150 ms, Hangzhou - Beijing 30 ms in tables/rtt.csv */
    assert_int_equal(sc->rtt_ns[0 * 3 + 1], 150 * SECOND / 1000);
    assert_int_equal(sc->rtt_ns[2 * 3 + 0], 30 * SECOND / 1000);
}

static void reads_pools(void **state)
{
    const sc_scenario *sc = *state;
    assert_int_equal(sc->cluster_count, 2);
    assert_int_equal(sc->pool_count, 5);
    const sc_cluster *idc = &sc->clusters[0], *cloud = &sc->clusters[1];
    assert_string_equal(idc->zone, "hall-2");
    assert_int_equal(idc->labels.count, 2);
    assert_string_equal(idc->labels.at[1].key, "floor");
    assert_string_equal(idc->labels.at[1].value, "3");
    assert_int_equal(cloud->region, 2);
    assert_int_equal(cloud->pool_first, 2);
    const sc_pool *owned = &idc->pools[0], *cheap = &idc->pools[1];
    assert_string_equal(owned->gpu->name, "RTX-5090");
    assert_int_equal(owned->nodes_min, 4);
    assert_int_equal(owned->nodes_start, 4);
    assert_int_equal(owned->nodes_max, 4);
    assert_false(owned->has_market);
    /* 42000 USD x 0.85 / 36 months / 8 GPUs and so on: 0.30 - 0.44 USD by the worked example of the table's source */
    assert_in_range(owned->price_uusd_per_gpu_h, 300000, 450000);
    assert_int_equal(cheap->price_uusd_per_gpu_h, 500000);
    assert_int_equal(cheap->min_billing_ns, 10 * MINUTE);
    assert_int_equal(cheap->nodes_min, 1);
    assert_int_equal(cheap->nodes_start, 3);
    assert_int_equal(cheap->nodes_max, 9);
    assert_true(cheap->lag.boot_s.kind == MDL_LAW_LOGNORMAL && cheap->lag.join_s.kind == MDL_LAW_CONSTANT);
    assert_true(cloud->pools[0].has_market);
    assert_close(cloud->pools[0].market.shape_k, 0.6, 1e-12);
    assert_false(cloud->pools[1].has_market);
    assert_int_equal(cloud->pools[0].nodes_start, 0);
}

static void reads_service(void **state)
{
    const sc_scenario *sc = *state;
    assert_int_equal(sc->service_count, 2);
    const sc_service *chat = &sc->services[0];
    assert_string_equal(sc->config->workloads[chat->workload].name, "prod/chat");
    assert_int_equal(chat->engine, SC_ENGINE_LLM);
    /* 2588 blocks is what vLLM itself gave this model on this card */
    assert_int_equal(chat->llm[1].kv_blocks, 2588);
    assert_int_equal(chat->llm[2].kv_blocks, 2588);
    assert_true(chat->llm[0].kv_blocks > 2 * 2588);
    assert_int_equal(chat->llm[4].kv_blocks, 0); /* the manifest keeps it off the A10 */
    assert_int_equal(chat->llm[1].max_batched_tokens, 4096);
    assert_int_equal(chat->llm[1].max_sequences, 128);
    assert_int_equal(chat->llm[1].max_waiting, 50);
    assert_int_equal(chat->frontend_ns, 168 * SECOND / 10000);
    assert_close(chat->image.weights_gb, 16.06, 1e-9);
    assert_int_equal(chat->timeout_ns, 90 * SECOND);
    assert_int_equal(chat->gateway_queue, 7);
    assert_int_equal(chat->drain_ns, 2 * MINUTE);
    assert_int_equal(chat->router, SC_ROUTER_TWO_CHOICES);
    assert_int_equal(chat->target_count, 4);
    assert_string_equal(chat->targets[1].metric, "ttft");
    assert_close(chat->targets[1].percentile, 0.999, 1e-12);
    assert_int_equal(chat->targets[1].limit_ns, 5 * SECOND);
    assert_string_equal(chat->targets[2].metric, "tpot");
    assert_int_equal(chat->targets[2].limit_ns, 80 * SECOND / 1000);
    assert_int_equal(chat->targets[3].limit_ns, 90 * SECOND);
    assert_int_equal(chat->lengths.input.kind, MDL_LENGTH_LOGNORMAL);
    assert_int_equal(chat->lengths.input.min, 4);
    assert_int_equal(chat->lengths.input.max, 6000);
    assert_int_equal(chat->lengths.output.kind, MDL_LENGTH_EMPIRICAL);
    assert_int_equal(chat->lengths.output.value_count, 3);
    assert_int_equal(chat->lengths.output.values[2], 50);
    assert_int_equal(chat->lengths.output.max, 40);
}

static void reads_station(void **state)
{
    const sc_scenario *sc = *state;
    const sc_service *station = &sc->services[1];
    assert_int_equal(station->engine, SC_ENGINE_STATION);
    assert_null(station->model);
    assert_int_equal(station->station.servers, 3);
    assert_int_equal(station->station.max_waiting, 9);
    assert_int_equal(station->frontend_ns, 0);
    assert_int_equal(station->station_law.kind, MDL_SERVICE_ERLANG);
    assert_close(station->station_law.mean_s, 0.25, 1e-15);
    assert_int_equal(station->station_law.stages, 4);
    assert_true(station->timeout_ns == INT64_MAX);
    assert_false(station->traffic[0].trace_lengths);
}

static void reads_traffic(void **state)
{
    const sc_scenario *sc = *state;
    const sc_service *chat = &sc->services[0];
    assert_int_equal(chat->traffic_count, 4);
    const mdl_arrival_spec *home = &chat->traffic[0].arrivals, *abroad = &chat->traffic[1].arrivals;
    assert_string_equal(chat->traffic[0].name, "prod/chat/0");
    assert_int_equal(home->kind, MDL_ARRIVAL_DIURNAL);
    assert_close(home->peak_per_s, 40.0, 1e-15);
    assert_close(home->trough_per_s, 2.0, 1e-12);
    assert_close(home->peak_hour, 14.5, 1e-12);
    assert_close(home->weekend_factor, 0.5, 1e-15);
    assert_null(home->shape);
    /* Wednesday 06:30 in Hangzhou; the same instant is Tuesday 14:30 eight hours west of Greenwich */
    assert_int_equal(home->local_offset_ns, 2 * 24 * HOUR + 6 * HOUR + 30 * MINUTE);
    assert_int_equal(abroad->local_offset_ns, 24 * HOUR + 14 * HOUR + 30 * MINUTE);
    assert_close(abroad->peak_per_s, 0.01, 1e-12);
    assert_non_null(abroad->shape);
    assert_close(abroad->shape[10], 1.0, 1e-12);          /* Monday 10:00 */
    assert_close(abroad->shape[5 * 24 + 10], 0.4, 1e-12); /* Saturday 10:00 */
    assert_close(chat->traffic[2].arrivals.rate_per_s, 2.5, 1e-15);
    const mdl_arrival_spec *replay = &chat->traffic[3].arrivals;
    assert_int_equal(replay->trace->count, 3);
    assert_int_equal(replay->trace->at_ns[2], 4 * SECOND);
    assert_int_equal(replay->trace->input_tokens[1], 20);
    assert_close(replay->trace_scale, 2.0, 1e-15);
    assert_int_equal(replay->trace_loop, 1);
    assert_int_equal(replay->trace_shift_ns, 15 * MINUTE);
    assert_true(chat->traffic[3].trace_lengths);
    /* one file, opened once */
    assert_ptr_equal(replay->trace, sc->services[1].traffic[0].arrivals.trace);
}

static void fills_defaults(void **state)
{
    (void)state;
    sc_scenario *sc = must_load(DATA "minimal.yaml");
    const sc_service *chat = &sc->services[0];
    assert_string_equal(sc->title, "Only what has no default.");
    assert_int_equal(sc->warmup_ns, 0);
    assert_int_equal(sc->tick_ns, 15 * SECOND);
    assert_true(sc->seed == 1);
    assert_int_equal(sc->observation.scrape_ns, 15 * SECOND);
    assert_int_equal(sc->observation.delay_ns, 5 * SECOND);
    assert_close(sc->observation.noise, 0.0, 0.0);
    assert_int_equal(chat->llm[0].max_batched_tokens, 2048);
    assert_int_equal(chat->llm[0].max_sequences, 256);
    assert_int_equal(chat->traffic_count, 0);
    assert_int_equal(chat->target_count, 0);
    assert_true(chat->timeout_ns == INT64_MAX);
    assert_int_equal(chat->drain_ns, MINUTE);
    assert_int_equal(chat->router, SC_ROUTER_LEAST_OUTSTANDING);
    assert_int_equal(sc->clusters[0].pools[0].nodes_min, 0);
    assert_int_equal(sc->clusters[0].pools[0].nodes_start, 0);
    assert_int_equal(sc->clusters[0].pools[0].min_billing_ns, SECOND); /* as tables/prices.csv has it */
    assert_true(sc->payload.response_bytes_per_token > 0.0);
    sc_free(sc);
}

static uint64_t hash_of(const char *path, const sc_override *sets, size_t count)
{
    sc_messages messages;
    sc_scenario *sc = load(path, sets, count, &messages);
    assert_non_null(sc);
    const uint64_t hash = sc->hash;
    sc_free(sc);
    sc_messages_fini(&messages);
    return hash;
}

static void overrides_and_hashes(void **state)
{
    (void)state;
    const sc_override sets[] = {{"spec.duration", "2h"},
                                {"spec.services[0].engine.maxSequences", "64"},
                                {"spec.clusters[0].pools[0].nodes", "{min: 1, max: 3}"}};
    sc_messages messages;
    sc_scenario *sc = load(DATA "minimal.yaml", sets, 3, &messages);
    assert_non_null(sc);
    assert_int_equal(sc->duration_ns, 2 * HOUR);
    assert_int_equal(sc->services[0].llm[0].max_sequences, 64);
    assert_int_equal(sc->clusters[0].pools[0].nodes_min, 1);
    assert_int_equal(sc->clusters[0].pools[0].nodes_max, 3);
    sc_free(sc);
    sc_messages_fini(&messages);

    const uint64_t plain = hash_of(DATA "minimal.yaml", NULL, 0);
    assert_true(plain == hash_of(DATA "minimal.yaml", NULL, 0));
    assert_false(plain == hash_of(DATA "minimal.yaml", sets, 1));
    assert_false(plain == hash_of(DATA "full.yaml", NULL, 0));
}

/* Whether one message line holds both words. */
/* tests/data/scenarios/records/outages.csv: two windows, and a column that nobody asks for. */
static void reads_a_record_of_faults(void **state)
{
    (void)state;
    const sc_override sets[] = {{"spec.faults", "[{kind: cluster, cluster: idc, file: records/outages.csv}]"}};
    const sc_options options = {.tables_dir = TABLES, .sets = sets, .set_count = 1};
    sc_messages messages;
    sc_scenario *sc = sc_load(DATA "full.yaml", &options, &messages);
    if (sc == NULL) {
        print_error("%s", messages.text);
    }
    assert_non_null(sc);
    assert_int_equal(sc->fault_count, 1);
    const mdl_windows *w = &sc->faults[0].windows;
    assert_int_equal(w->count, 2);
    assert_int_equal(w->at[0].begin_ns, 60 * SECOND);
    assert_int_equal(w->at[0].end_ns, 90 * SECOND + SECOND / 2);
    assert_int_equal(w->at[1].begin_ns, HOUR);
    assert_int_equal(w->at[1].end_ns, 2 * HOUR);
    sc_messages_fini(&messages);
    sc_free(sc);
}

static bool says(const sc_messages *messages, const char *a, const char *b)
{
    for (const char *line = messages->text; line != NULL && *line != '\0';) {
        const char *end = strchr(line, '\n');
        const char *at_a = strstr(line, a), *at_b = strstr(line, b);
        if (at_a != NULL && at_b != NULL && at_a < end && at_b < end) {
            return true;
        }
        line = end + 1;
    }
    return false;
}

static void overrides_of_manifests(void **state)
{
    (void)state;
    const sc_override sets[] = {
        {"Deployment/prod/chat:spec.replicas", "7"}, {"Deployment/station:spec.replicas", "3"}, {"spec.warmup", "1m"}};
    sc_messages messages;
    sc_scenario *sc = load(DATA "minimal.yaml", sets, 3, &messages);
    assert_non_null(sc);
    assert_int_equal(sc->config->workload_count, 2);
    assert_string_equal(sc->config->workloads[1].name, "prod/chat");
    assert_int_equal(sc->config->workloads[1].replicas, 7);
    assert_int_equal(sc->config->workloads[0].replicas, 3);
    assert_int_equal(sc->manifest_count, 1); /* what a log carries is what was decided by */
    assert_non_null(strstr(sc->manifests[0].text, "replicas: 7"));
    sc_free(sc);
    sc_messages_fini(&messages);
    assert_false(hash_of(DATA "minimal.yaml", sets, 1) == hash_of(DATA "minimal.yaml", NULL, 0));

    const sc_override wrong[] = {{"Deployment/chad:spec.replicas", "7"}, {"Deployment/all:spec.replicas", "7"}};
    assert_null(load(DATA "minimal.yaml", wrong, 1, &messages));
    assert_true(says(&messages, "--set Deployment/chad:spec.replicas: error:", "did you mean 'Deployment/chat'?"));
    sc_messages_fini(&messages);
    assert_null(load(DATA "minimal.yaml", wrong + 1, 1, &messages));
    assert_true(says(&messages, "the manifests hold no object", "Deployment/all"));
    sc_messages_fini(&messages);
    const sc_override bad[] = {{"Deployment/chat:spec.replicas", "many"}};
    assert_null(load(DATA "minimal.yaml", bad, 1, &messages));
    assert_true(says(&messages, "--set Deployment/chat:spec.replicas:1:1: error:", "spec.replicas"));
    sc_messages_fini(&messages);
}

static void warns(void **state)
{
    (void)state;
    sc_messages messages;
    /* the scenario has only one cluster and one service; the manifests know two of each */
    sc_scenario *sc = load(DATA "minimal.yaml", NULL, 0, &messages);
    assert_non_null(sc);
    assert_int_equal(messages.errors, 0);
    assert_int_equal(messages.warnings, 2);
    assert_true(says(&messages, DATA "manifests.yaml:32:", "a cluster that the scenario does not have: 'cloud'"));
    assert_true(says(&messages, DATA "manifests.yaml:18:", "Deployment 'lab/station' has no entry in spec.services"));
    sc_free(sc);
    sc_messages_fini(&messages);

    /* the card is allowed by the manifest, but 14B weights of two bytes each are more than its 24 GB */
    const sc_override sets[] = {{"spec.services[0].model", "Qwen2.5-14B"}};
    sc = load(DATA "minimal.yaml", sets, 1, &messages);
    assert_null(sc);
    assert_true(says(&messages, "can run on no pool", "error"));
    sc_messages_fini(&messages);
}

#define LENGTHS "spec.services[0].lengths"
#define POOL    "spec.clusters[0].pools[0]"
#define TRAFFIC "spec.services[0].traffic"
#define ENGINE  "spec.services[0].engine"

/* Loads minimal.yaml with one override; `errors` and `warnings` are beside the two that the file always has. */
static void expect_said(const char *path, const char *value, int errors, int warnings, const char *a, const char *b)
{
    const sc_override set = {path, value};
    sc_messages messages;
    sc_scenario *sc = load(DATA "minimal.yaml", &set, 1, &messages);
    assert_true((sc == NULL) == (errors > 0));
    if (messages.errors != errors || (errors == 0 && messages.warnings != 2 + warnings) ||
        (a != NULL && !says(&messages, a, b))) {
        print_error("--set %s=%s said:\n%s", path, value, messages.text);
        fail();
    }
    sc_free(sc);
    sc_messages_fini(&messages);
}

#define OWNED     "{name: a, gpu: RTX-4090, gpusPerNode: 1, nodes: 1, capacity: owned"
#define ON_DEMAND "{name: a, gpu: RTX-4090, gpusPerNode: 1, nodes: {max: 2}, capacity: on-demand"
#define CHAT      "{kind: poisson, from: cn-hangzhou, rate: 1/s, lengths: {input: {fixed: 90}, output: {fixed: 10}}"

/* What is accepted and changes nothing is told; where it does something, it is not. The run of an hour begins at
 * 2026-01-05T00:00Z; conversations of 60 turns of 100 tokens, of which 4 fit into 450. */
static void tells_what_does_nothing(void **state)
{
    (void)state;
    expect_said(POOL, OWNED "}", 0, 0, NULL, NULL);
    expect_said(POOL, OWNED ", minBilling: 1h}", 0, 1, "'minBilling' does nothing", "all the time");
    expect_said(POOL, ON_DEMAND ", minBilling: 1h}", 0, 0, NULL, NULL);
    expect_said(POOL, OWNED ", orderBatch: 2}", 0, 1, "'orderBatch' does nothing", "never ordered");
    expect_said(POOL, ON_DEMAND ", orderBatch: 2}", 0, 0, NULL, NULL);
    expect_said(POOL, ON_DEMAND ", stockSeen: 1m}", 0, 1, "'stockSeen' does nothing", "'stockRecord'");
    expect_said(POOL, ON_DEMAND ", stock: none, stockSeen: 1m}", 0, 1, "'stockSeen' does nothing", "'stockRecord'");
    expect_said(POOL, ON_DEMAND ", stock: good, stockSeen: 1m}", 0, 0, NULL, NULL);

    expect_said(TRAFFIC, "[" CHAT ", crowds: [{kind: ramp, at: 59m, factor: 2}]}]", 0, 0, NULL, NULL);
    expect_said(TRAFFIC, "[" CHAT ", crowds: [{kind: ramp, at: 1h, factor: 2}]}]", 0, 1,
                "this crowd begins after the end", "3600 s");
    expect_said(TRAFFIC, "[" CHAT ", holidays: [{date: 2026-01-05, factor: 2}]}]", 0, 0, NULL, NULL);
    expect_said(TRAFFIC, "[" CHAT ", holidays: [{date: 2026-01-06, factor: 2}]}]", 0, 1, "this holiday begins after",
                "3600 s");
    expect_said(TRAFFIC, "[" CHAT ", holidays: [{date: 2025-12-30, factor: 2}]}]", 0, 1, "this holiday is over", "run");

    expect_said(TRAFFIC, "[" CHAT ", sessions: {turns: {fixed: 60}, think: {fixed: {mean: 1s}}}}]", 0, 0, NULL, NULL);
    expect_said(TRAFFIC, "[" CHAT ", sessions: {turns: {fixed: 60}, think: {fixed: {mean: 1s}}, maxContext: 450}}]", 0,
                1, "of the 60 turns of a conversation about 4 fit", "6.7 % of the rate");

    expect_said(ENGINE, "{prefixCacheShare: 0.5}", 0, 0, NULL, NULL); /* nobody asks at all: that is plain to see */
    const sc_override sets[] = {{ENGINE, "{prefixCacheShare: 0.5}"}, {TRAFFIC, "[" CHAT "}]"}};
    sc_messages messages;
    sc_free(load(DATA "minimal.yaml", sets, 2, &messages));
    assert_int_equal(messages.warnings, 3);
    assert_true(says(&messages, "'prefixCacheShare' does nothing", "no traffic of 'prod/chat'"));
    sc_messages_fini(&messages);
    const sc_override talk[] = {sets[0],
                                {TRAFFIC, "[" CHAT ", sessions: {turns: {fixed: 3}, think: {fixed: {mean: 1s}}}}]"}};
    sc_free(load(DATA "minimal.yaml", talk, 2, &messages));
    assert_int_equal(messages.warnings, 2);
    sc_messages_fini(&messages);
}

/* A station has no order of priorities, but its admission may reserve a part for the most urgent. */
static void tells_a_priority_that_does_nothing(void **state)
{
    (void)state;
    for (int reserved = 0; reserved < 2; reserved++) {
        const sc_override sets[] = {
            {TRAFFIC, "[{kind: poisson, from: cn-hangzhou, rate: 1/s, priority: 2}]"},
            {"spec.services[0].admission", reserved == 1 ? "{perReplica: 4, reserved: 0.5}" : "{perReplica: 4}"}};
        sc_messages messages;
        sc_free(load(DATA "station.yaml", sets, 2, &messages));
        assert_int_equal(messages.errors, 0);
        assert_int_equal(says(&messages, "'priority' does nothing here", "'reserved'"), reserved == 0);
        sc_messages_fini(&messages);
    }
}

/* A law that its bounds, the context (131072 tokens) or the KV cache (2588 blocks of 16 on this card) would cut. */
static void checks_lengths(void **state)
{
    (void)state;
    expect_said(LENGTHS, "{input: {fixed: 512}, output: {fixed: 180}}", 0, 0, NULL, NULL);
    expect_said(LENGTHS, "{input: {fixed: 9000}, output: {fixed: 180}}", 0, 0, NULL, NULL); /* no silent 8192 */
    expect_said(LENGTHS, "{input: {fixed: 9000, max: 8999}, output: {fixed: 1}}", 1, 0, "'fixed' 9000", "'max' 8999");
    expect_said(LENGTHS, "{input: {fixed: 9, min: 10}, output: {fixed: 1}}", 1, 0, "'fixed' 9", "'min' 10");
    expect_said(LENGTHS, "{input: {fixed: 131072}, output: {fixed: 1}}", 1, 0, "131073 tokens", "context");
    expect_said(LENGTHS, "{input: {fixed: 41408}, output: {fixed: 1}}", 0, 1, "rejects every request: 41409", "41408");
    expect_said(LENGTHS, "{input: {fixed: 41407}, output: {fixed: 1}}", 0, 0, NULL, NULL);
    expect_said(LENGTHS, "{input: {fixed: 1}, output: {lognormal: {median: 500, sigma: 1}, max: 50000}}", 0, 1,
                "rejects the longest requests: 50001", "41408");
    expect_said(LENGTHS, "{input: {fixed: 1}, output: {lognormal: {median: 500, sigma: 1}, max: 150000}}", 0, 2,
                "the longest requests, 150001", "(131072)");
    /* ln(8192.5 / 1000) / 1 = 2.1033: 1.77 % are longer; half of them for a median at the bound */
    expect_said(LENGTHS, "{input: {lognormal: {median: 1000, sigma: 1}}, output: {fixed: 1}}", 0, 1, "1.77 % of the",
                "8192 (the default)");
    expect_said(LENGTHS, "{input: {lognormal: {median: 1000, sigma: 1}, max: 8192}, output: {fixed: 1}}", 0, 0, NULL,
                NULL);
    expect_said(LENGTHS, "{input: {lognormal: {median: 1000, sigma: 1}, max: 900}, output: {fixed: 1}}", 0, 1,
                "are longer than 'max' 900", "cut");
    expect_said(LENGTHS, "{input: {lognormal: {median: 100, sigma: 1}, min: 200}, output: {fixed: 1}}", 0, 1,
                "are shorter than 'min' 200", "raised");
    expect_said(LENGTHS, "{input: {empirical: {file: three.csv}, max: 15}, output: {fixed: 1}}", 0, 1, "66.7 %", "15");
    expect_said("spec.services[0].engine", "{maxWaiting: 0}", 1, 0, "maxWaiting", "1");
    expect_said("spec.services[0].engine", "{maxWaiting: 1}", 0, 0, NULL, NULL);
}

/* The pool has at most two nodes; the run lasts an hour. */
static void checks_faults(void **state)
{
    (void)state;
#define FAULT(what) "spec.faults", "[{cluster: idc, " what "}]"
    expect_said(FAULT("kind: node, pool: a, index: 1, at: [1m], for: 1m"), 0, 0, NULL, NULL);
    expect_said(FAULT("kind: slow, pool: a, factor: 2, index: 2, at: [1m], for: 1m"), 1, 0, "'index' 2 is never",
                "at most 2 nodes");
    expect_said(FAULT("kind: rack, pool: a, nodesPerRack: 1, index: 1, at: [1m], for: 1m"), 0, 0, NULL, NULL);
    expect_said(FAULT("kind: rack, pool: a, nodesPerRack: 2, index: 1, at: [1m], for: 1m"), 1, 0, "'index' 1 is never",
                "at most 1 racks");
    expect_said(FAULT("kind: cluster, at: [59m], for: 5m"), 0, 0, NULL, NULL);
    expect_said(FAULT("kind: cluster, at: [1m, 1h], for: 1m"), 0, 1, "1 of 2 windows", "never come");
    expect_said(FAULT("kind: cluster, file: records/outages.csv"), 0, 1, "1 of 2 windows", "never come");
#undef FAULT
}

/* The classes of the manifest are RTX-5090 and RTX-4090. */
static void checks_gpu_classes(void **state)
{
    (void)state;
    expect_said("spec.clusters[0].pools[0].gpu", "RTX-5090", 0, 0, NULL, NULL);
    expect_said("spec.clusters[0].pools[0].gpu", "A10", 1, 0,
                DATA "manifests.yaml:4:", "'prod/chat' can start nowhere");
    expect_said("spec.clusters[0].pools[0].gpu", "RTX-4091", 1, 0, "RTX-4091", "did you mean"); /* and no more */
    expect_said("spec.manifests", "[manifests-typo.yaml]", 0, 1,
                DATA "manifests-typo.yaml:4:", "'RTX5090' (did you mean 'RTX-5090'?)");
}

static void lists_ignored_fields(void **state)
{
    (void)state;
    sc_scenario *sc = must_load("scenarios/hybrid-burst.yaml");
    const spw_manifest_set *set = sc_manifest_set(sc);
    bool probe = false;
    assert_true(spw_manifest_ignored_count(set) > 0);
    for (size_t i = 0; i < spw_manifest_ignored_count(set); i++) {
        const spw_ignored *row = spw_manifest_ignored_at(set, i);
        probe = probe || (strcmp(row->file, "scenarios/manifests/chat.yaml") == 0 && row->line > 20 &&
                          strstr(row->path, "readinessProbe") != NULL && strlen(row->why) > 5);
    }
    assert_true(probe);
    sc_free(sc);
}

static void put_table(const char *root, const char *const *folders, size_t count)
{
    char path[256];
    snprintf(path, sizeof path, "%s", root);
    for (size_t i = 0; i < count; i++) {
        snprintf(path + strlen(path), sizeof path - strlen(path), "/%s", folders[i]);
        (void)mkdir(path, 0700); /* may be there */
    }
    snprintf(path + strlen(path), sizeof path - strlen(path), "/gpus.csv");
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
}

/* usr/bin/spillway beside usr/share/spillway; and a build tree: src/build/asan/tests/unit below src/scenarios. */
static void finds_data_near_the_program(void **state)
{
    (void)state;
    static const char *const installed[] = {"usr", "share", "spillway", "tables"};
    static const char *const tree[] = {"src", "scenarios", "tables"};
    char root[] = "/tmp/spillway-data-XXXXXX", program[128], path[DATADIR_PATH_MAX], expected[128], command[128];
    assert_non_null(mkdtemp(root));
    snprintf(program, sizeof program, "%s/usr/bin/spillway", root);
    assert_false(datadir_near(program, path, sizeof path));
    put_table(root, installed, 4);
    put_table(root, tree, 3);
    snprintf(expected, sizeof expected, "%s/usr/share/spillway", root);
    assert_true(datadir_near(program, path, sizeof path));
    assert_string_equal(path, expected);
    assert_false(datadir_near(program, path, strlen(expected))); /* no room for the end of the text */
    snprintf(expected, sizeof expected, "%s/src/scenarios", root);
    snprintf(program, sizeof program, "%s/src/build/asan/tests/unit/test_x", root);
    assert_true(datadir_near(program, path, sizeof path));
    assert_string_equal(path, expected);
    snprintf(program, sizeof program, "%s/src/build/a/b/c/d/spillway", root); /* one level too deep */
    assert_false(datadir_near(program, path, sizeof path));
    snprintf(program, sizeof program, "%s/usr/lib/x/spillway", root);
    assert_false(datadir_near(program, path, sizeof path));
    snprintf(command, sizeof command, "rm -r %s", root);
    assert_int_equal(system(command), 0);

    assert_true(datadir_scenario("hybrid-burst", path, sizeof path));
    assert_non_null(strstr(path, "/hybrid-burst.yaml"));
    assert_true(datadir_scenario("scenarios/hybrid-burst.yaml", path, sizeof path));
    assert_false(datadir_scenario("elsewhere/hybrid-burst.yaml", path, sizeof path));
    assert_false(datadir_scenario("../scenarios/hybrid-burst.yaml", path, sizeof path));
    assert_false(datadir_scenario("hybrid-bursts", path, sizeof path));
    assert_false(datadir_scenario("", path, sizeof path));
}

static void reports_several_errors_at_once(void **state)
{
    (void)state;
    const sc_override sets[] = {{"spec.clusters[0].pools[0].gpu", "RTX-4091"},
                                {"spec.services[0].workload", "prod/chap"},
                                {"spec.clusters[0].region", "cn-hangzhoo"}};
    sc_messages messages;
    assert_null(load(DATA "minimal.yaml", sets, 3, &messages));
    assert_int_equal(messages.errors, 3);
    assert_true(says(&messages, "--set spec.clusters[0].pools[0].gpu", "did you mean 'RTX-4090'?"));
    assert_true(says(&messages, "'prod/chap'", "did you mean 'prod/chat'?"));
    assert_true(says(&messages, "'cn-hangzhoo'", "did you mean 'cn-hangzhou'?"));
    sc_messages_fini(&messages);
}

/* The scenarios that ship are the manual: they must be free even of warnings. */
static void ships_clean_scenarios(void **state)
{
    (void)state;
    glob_t found;
    assert_int_equal(glob("scenarios/*.yaml", 0, NULL, &found), 0);
    assert_true(found.gl_pathc >= 8);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        sc_messages messages;
        sc_scenario *sc = sc_load(found.gl_pathv[i], NULL, &messages);
        if (sc == NULL || messages.size > 0) {
            print_error("%s", messages.text);
        }
        assert_non_null(sc);
        assert_int_equal(messages.size, 0);
        assert_true(strlen(sc->title) > 20);
        assert_non_null(strchr(".:", sc->title[strlen(sc->title) - 1])); /* not cut off where its line was wrapped */
        sc_free(sc);
        sc_messages_fini(&messages);
    }
    globfree(&found);
}

/* Cut anywhere, the file must give a scenario or at least one error, and no memory may be lost or overrun. */
static void survives_cut_files(void **state)
{
    (void)state;
    static char text[8192];
    FILE *file = fopen(DATA "full.yaml", "rb");
    assert_non_null(file);
    const size_t size = fread(text, 1, sizeof text, file);
    assert_int_equal(fclose(file), 0);
    assert_in_range(size, 1000, sizeof text - 1);
    char path[] = DATA "cut-XXXXXX";
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    for (size_t length = 0; length < size; length += 13) {
        assert_int_equal(ftruncate(fd, 0), 0);
        assert_int_equal(pwrite(fd, text, length, 0), length);
        sc_messages messages;
        sc_scenario *sc = load(path, NULL, 0, &messages);
        assert_true((sc == NULL) == (messages.errors > 0));
        sc_free(sc);
        sc_messages_fini(&messages);
    }
    assert_int_equal(close(fd), 0);
    assert_int_equal(unlink(path), 0);
}

static void prints_every_key(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    assert_non_null(file);
    sc_print_schema(file);
    assert_int_equal(fclose(file), 0);
    static const char *const keys[] = {"spec.clusters[].pools[].price.usdPerGpuHour",
                                       "spec.services[].engine.tensorParallel", "spec.services[].traffic[].peakAt",
                                       "spec.metrics.dropout", "spec.services[].engine.service.hyperexponential.cv2"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        assert_non_null(strstr(text, keys[i]));
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_times, open_full, close_full),
        cmocka_unit_test_setup_teardown(reads_regions, open_full, close_full),
        cmocka_unit_test_setup_teardown(reads_pools, open_full, close_full),
        cmocka_unit_test_setup_teardown(reads_service, open_full, close_full),
        cmocka_unit_test_setup_teardown(reads_station, open_full, close_full),
        cmocka_unit_test_setup_teardown(reads_traffic, open_full, close_full),
        cmocka_unit_test(fills_defaults),
        cmocka_unit_test(overrides_and_hashes),
        cmocka_unit_test(reads_a_record_of_faults),
        cmocka_unit_test(overrides_of_manifests),
        cmocka_unit_test(warns),
        cmocka_unit_test(tells_what_does_nothing),
        cmocka_unit_test(tells_a_priority_that_does_nothing),
        cmocka_unit_test(checks_lengths),
        cmocka_unit_test(checks_faults),
        cmocka_unit_test(checks_gpu_classes),
        cmocka_unit_test(lists_ignored_fields),
        cmocka_unit_test(finds_data_near_the_program),
        cmocka_unit_test(reports_several_errors_at_once),
        cmocka_unit_test(ships_clean_scenarios),
        cmocka_unit_test(survives_cut_files),
        cmocka_unit_test(prints_every_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
