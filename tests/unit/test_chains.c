/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * test_chains.c - prompts whose blocks have names: worked out by hand, against a cache of names written apart that
 * forgets the least recently used, and from the lines of a published trace to the shares that replicas find.
 *
 * Engine by hand: a step takes 100 ns, 1 ns for each token after the first, 10 ns more if there is prefill work in it;
 * blocks hold 4 tokens, those of a chain 8.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "models/engine/engine.h"
#include "sim/fleet/fleet.h"
#include "sim/kernel/rng.h"
#include "sim/trace/trace.h"
#include "tests/support/choice.h"

#define NS        INT64_C(1000)
#define EVENTS    64
#define PUBLISHED "../shared/traces/mooncake-fast25/conversation_trace.jsonl.gz"

/* ---- a cache of names, apart from all that is tested ---- */

typedef struct memory {
    int64_t *ids, *used; /* [count] */
    int64_t clock;
    size_t count, cap, most; /* most: blocks that it may hold */
} memory;

static size_t seat_of(const memory *m, int64_t id)
{
    size_t i = 0;
    while (i < m->count && m->ids[i] != id) {
        i++;
    }
    return i;
}

static void remember(memory *m, int64_t id)
{
    const size_t i = seat_of(m, id);
    if (i == m->cap) {
        m->cap = 2 * m->cap + 64;
        m->ids = realloc(m->ids, m->cap * sizeof *m->ids);
        m->used = realloc(m->used, m->cap * sizeof *m->used);
        assert_true(m->ids != NULL && m->used != NULL);
    }
    m->count += i == m->count;
    m->ids[i] = id;
    m->used[i] = m->clock++;
}

static void forget_oldest(memory *m)
{
    size_t oldest = 0;
    for (size_t i = 1; i < m->count; i++) {
        oldest = m->used[i] < m->used[oldest] ? i : oldest;
    }
    m->count--;
    m->ids[oldest] = m->ids[m->count];
    m->used[oldest] = m->used[m->count];
}

/* A prompt is served and remembered. @return its leading blocks that were there, one token at least being new */
static int32_t serve(memory *m, const int64_t *ids, int32_t count, int32_t input, int32_t block)
{
    int32_t found = 0;
    while (found < count && (found + 1) * block < input && seat_of(m, ids[found]) < m->count) {
        found++;
    }
    for (int32_t i = count; i-- > 0;) {
        if ((i + 1) * block <= input) {
            remember(m, ids[i]);
        }
    }
    while (m->count > m->most) {
        forget_oldest(m);
    }
    return found;
}

static void memory_free(memory *m)
{
    free(m->ids);
    free(m->used);
}

/* ---- engine ---- */

static mdl_engine *small_engine(int32_t kv_blocks, int32_t prefix_blocks, int32_t max_batched)
{
    static mdl_llm_config config; /* an engine reads its owner's */
    config = (mdl_llm_config){.step = {.c1 = 100 * NS, .c2 = 1 * NS, .g0 = 10 * NS},
                              .block_tokens = 4,
                              .kv_blocks = kv_blocks,
                              .max_batched_tokens = max_batched,
                              .max_sequences = 8,
                              .max_waiting = 100,
                              .prefix_blocks = prefix_blocks};
    mdl_engine *e = mdl_llm_new(&config);
    assert_non_null(e);
    return e;
}

static void run_until(mdl_engine *e, int64_t now_ns)
{
    mdl_event events[EVENTS];
    while (mdl_engine_next(e) <= now_ns) {
        (void)mdl_engine_advance(e, mdl_engine_next(e), events, EVENTS);
    }
}

static mdl_load load_at(mdl_engine *e, int64_t now_ns)
{
    mdl_load load;
    run_until(e, now_ns);
    mdl_engine_load(e, now_ns, &load);
    return load;
}

/* One request alone, begun at now_ns. @return tokens that it found */
static int64_t alone(mdl_engine *e, int64_t now_ns, mdl_work work)
{
    const int64_t before = load_at(e, now_ns).tokens_cached;
    assert_true(mdl_engine_submit(e, now_ns, &work) < MDL_STARVED);
    return load_at(e, now_ns + 100000).tokens_cached - before;
}

#define CHAIN(...)                                                                                                     \
    {                                                                                                                  \
        .ids = (const int64_t[]){__VA_ARGS__}, .key = 1000, .block_tokens = 8,                                         \
        .count = sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t)                                              \
    }

/* A block is read by others from the end of the step that computes it, held once, and kept when the last has left. */
static void shared_blocks_by_hand(void **state)
{
    (void)state;
    const mdl_chain chain = CHAIN(1, 2, 3);
    mdl_engine *e = small_engine(100, 100, 64);
    const mdl_work first = {.tag = 1, .input_tokens = 20, .output_tokens = 100, .chain = &chain};
    mdl_work second = {.tag = 2, .input_tokens = 20, .output_tokens = 1, .chain = &chain};
    assert_true(mdl_engine_submit(e, 0, &first) < MDL_STARVED);
    assert_int_equal(load_at(e, 50).kv_blocks_used, 5);
    /* begun within the first step, it begins with the second: 16 tokens lie in two whole blocks, 4 are computed */
    assert_true(mdl_engine_submit(e, 60, &second) < MDL_STARVED);
    const mdl_load both = load_at(e, 129 + 1);
    assert_int_equal(both.running, 2);
    assert_int_equal(both.tokens_cached, 16);
    assert_int_equal(both.kv_blocks_used, 6 + 1); /* the first has its 21st token */
    /* 129, then 100 + 4 + 10 for 5 tokens: the second has left, with its own block */
    assert_int_equal(load_at(e, 129 + 114).kv_blocks_used, 6);
    /* two that come at once compute the same, and one copy stays: 5 blocks of each, less the 4 of two names */
    second.output_tokens = 50;
    mdl_work third = second;
    third.tag = 3;
    const mdl_chain other = CHAIN(7, 8);
    second.chain = third.chain = &other;
    run_until(e, 100000);
    assert_true(mdl_engine_submit(e, 100000, &second) < MDL_STARVED &&
                mdl_engine_submit(e, 100000, &third) < MDL_STARVED);
    assert_int_equal(load_at(e, 100001).kv_blocks_used, 10);
    assert_int_equal(load_at(e, 100000 + 100 + 39 + 10).kv_blocks_used, 6);
    run_until(e, 200000);
    assert_int_equal(load_at(e, 200000).kv_blocks_used, 0);
    /* a prompt that ends with a block computes that again, for there must be a token to compute */
    assert_int_equal(alone(e, 200000, (mdl_work){.tag = 4, .input_tokens = 16, .output_tokens = 1, .chain = &chain}),
                     8);
    /* a chain whose blocks are no multiple of the engine's says nothing, nor does any without a cache */
    const mdl_chain odd = {.ids = chain.ids, .key = 1000, .block_tokens = 6, .count = 2};
    assert_int_equal(alone(e, 400000, (mdl_work){.tag = 5, .input_tokens = 20, .output_tokens = 1, .chain = &odd}), 0);
    mdl_engine_free(e);
    e = small_engine(100, 0, 64);
    for (int64_t at_ns = 0; at_ns < 600000; at_ns += 200000) {
        second.chain = &chain;
        assert_int_equal(alone(e, at_ns, second), 0);
    }
    mdl_engine_free(e);
}

/* Of a chain the end goes first: 7 blocks for 3 names of two, then one more of another prompt, and so on. */
static void the_head_goes_last(void **state)
{
    (void)state;
    const mdl_chain chain = CHAIN(1, 2, 3), longer = CHAIN(1, 2, 3, 4), other = CHAIN(5);
    mdl_engine *e = small_engine(100, 7, 64);
    const mdl_work seek = {.tag = 3, .input_tokens = 33, .output_tokens = 1, .chain = &longer};
    (void)alone(e, 0, (mdl_work){.tag = 1, .input_tokens = 24, .output_tokens = 1, .chain = &chain});
    (void)alone(e, 200000, (mdl_work){.tag = 2, .input_tokens = 8, .output_tokens = 1, .chain = &other});
    assert_int_equal(alone(e, 400000, seek), 16); /* 8 blocks in 7: one of the end is gone */
    (void)alone(e, 600000, (mdl_work){.tag = 2, .input_tokens = 8, .output_tokens = 1, .chain = &other});
    assert_int_equal(alone(e, 800000, seek), 16);
    mdl_engine_free(e);
}

/* One replica, one request at a time: what it finds is what the cache of names finds, request by request. */
static void alone_as_the_plain_cache(void **state)
{
    (void)state;
    enum { REQUESTS = 4000, NAMES = 40 };
    const size_t rooms[] = {1, 3, 17, 60, 400};
    for (size_t k = 0; k < sizeof rooms / sizeof *rooms; k++) {
        choice c;
        choice_seed(&c, k + 1);
        memory m = {.most = rooms[k]};
        const int32_t room = (int32_t)rooms[k] * 2;
        mdl_engine *e = small_engine(room + 2 * NAMES + 20, room, 64);
        int64_t found = 0;
        for (int32_t i = 0; i < REQUESTS; i++) {
            int64_t ids[NAMES], id = 0;
            const int32_t input = (int32_t)choice_range(&c, 1, NAMES * 8);
            const mdl_chain chain = {.ids = ids, .key = 1, .count = (input + 7) / 8, .block_tokens = 8};
            for (int32_t b = 0; b < chain.count; b++) {
                id = (id * 1000003 + (choice_chance(&c, 1, 4) ? choice_range(&c, 1, 3) : 0) + 1) & 0xffffffff;
                ids[b] = id;
            }
            const mdl_work work = {
                .tag = 1, .input_tokens = input, .output_tokens = (int32_t)choice_range(&c, 1, 30), .chain = &chain};
            const int32_t expected = serve(&m, ids, chain.count, input, 8);
            assert_int_equal(alone(e, i * INT64_C(200000), work), 8 * expected);
            found += expected;
        }
        assert_true(found > (rooms[k] < 10 ? 100 : 2000));
        mdl_engine_free(e);
        memory_free(&m);
    }
}

/* ---- replay ---- */

static void replay_tells_blocks(void **state)
{
    (void)state;
    static const int64_t at[5] = {0, 1, 2, 3, 4}, session[5] = {-1, -1, 4, -1, -1};
    static const int32_t tokens[5] = {40, 40, 40, 40, 40}, prefix[5] = {8, 16, 24, 32, 40};
    static const int64_t end[5] = {3, 5, 8, 8, 9}, ids[9] = {0, 1, 2, 0, 3, 0, 1, 4, 0};
    const mdl_trace t = {.count = 5,
                         .at_ns = at,
                         .input_tokens = tokens,
                         .output_tokens = tokens,
                         .session = session,
                         .prefix_tokens = prefix,
                         .chain_end = end,
                         .chain = ids,
                         .chain_tokens = 8};
    const mdl_arrival_spec spec = {.kind = MDL_ARRIVAL_TRACE, .trace = &t, .trace_scale = 1.0, .trace_key = 100};
    mdl_arrivals *a = mdl_arrivals_new(&spec);
    gsl_rng *r = rng_stream(1, 0, "replay", 0);
    mdl_arrival got[5];
    for (int i = 0; i < 5; i++) {
        mdl_arrivals_next(a, r, &got[i]);
        assert_int_equal(got[i].shared_tokens, i == 3 ? 32 : 0); /* only where nothing better is known */
        assert_int_equal(got[i].prefix_tokens, 0);
        assert_true((got[i].chain != NULL) == (i != 3));
    }
    assert_true(got[1].chain->ids == ids + 3 && got[1].chain->count == 2 && got[1].chain->block_tokens == 8);
    assert_true(mdl_chain_name(got[0].chain, 0) == mdl_chain_name(got[1].chain, 0));
    /* all begin with 0: who goes on with 1 belongs together, a session decides, and who has no more than 0 goes by it
     */
    assert_true(got[0].prefix_key == mdl_chain_name(got[0].chain, 1));
    assert_true(got[1].prefix_key == mdl_chain_name(got[1].chain, 1));
    assert_true(got[2].prefix_key == 105 && got[3].prefix_key == 0);
    assert_true(got[4].prefix_key == mdl_chain_name(got[0].chain, 0));
    mdl_arrivals_free(a);
    gsl_rng_free(r);
}

/* ---- a fleet that replays a file ---- */

static char directory[64], moon[96], fleet[96], manifest[96];

static int set_up(void **state)
{
    (void)state;
    strcpy(directory, "/tmp/spillway-chains-XXXXXX");
    if (mkdtemp(directory) == NULL) {
        return -1;
    }
    snprintf(moon, sizeof moon, "%s/moon.jsonl", directory);
    snprintf(fleet, sizeof fleet, "%s/fleet.yaml", directory);
    snprintf(manifest, sizeof manifest, "%s/manifest.yaml", directory);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(moon);
    unlink(fleet);
    unlink(manifest);
    return rmdir(directory);
}

/* A service on H100s that replays a file. engine: of the service, "{}" = as it comes. said: messages, to be freed */
static sc_scenario *scenario_of(const char *file, int replicas, const char *router, const char *engine, char **said)
{
    char here[512];
    FILE *f = fopen(manifest, "w");
    assert_true(f != NULL && getcwd(here, sizeof here) != NULL);
    fprintf(f,
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: s, namespace: a}\nspec:\n  replicas: %d\n"
            "  selector: {matchLabels: {app: s}}\n  template:\n    metadata: {labels: {app: s}}\n    spec:\n"
            "      containers: [{name: s, image: 's:1', resources: {limits: {nvidia.com/gpu: '1'}}}]\n"
            "---\napiVersion: policy.one.alibabacloud.com/v1alpha1\nkind: PropagationPolicy\n"
            "metadata: {name: s, namespace: a}\nspec:\n"
            "  resourceSelectors: [{apiVersion: apps/v1, kind: Deployment, namespace: a, name: s}]\n"
            "  placement: {clusterAffinities: [{affinityName: a, clusterNames: [c]}]}\n",
            replicas);
    assert_int_equal(fclose(f), 0);
    f = fopen(fleet, "w");
    assert_non_null(f);
    fprintf(f,
            "apiVersion: spillway.dev/v1alpha1\nkind: Scenario\nmetadata: {name: chains}\nspec:\n"
            "  start: 2026-03-02T00:00:00+08:00\n  duration: 70m\n  warmup: 0s\n  tick: 15s\n  seed: 1\n"
            "  manifests: [manifest.yaml]\n  regions: [{name: r}]\n  clusters:\n"
            "    - {name: c, region: r, provider: on-premises, pools: [{name: p, gpu: H100, gpusPerNode: 1, nodes: %d, "
            "capacity: owned}]}\n"
            "  services:\n    - {workload: a/s, model: Llama-3.1-8B, router: %s, engine: %s,\n"
            "       traffic: [{kind: trace, from: r, file: %s%s%s, shift: 5m}]}\n  network: {rtt: none, egress: none}\n"
            "  metrics: {scrape: 15s, delay: 0s}\n",
            replicas, router, engine, file[0] == '/' ? "" : here, file[0] == '/' ? "" : "/", file);
    assert_int_equal(fclose(f), 0);
    sc_messages messages = {0};
    sc_scenario *sc = sc_load(fleet, &(sc_options){.set_count = 0}, &messages);
    if (sc == NULL) {
        fail_msg("%s", messages.text);
    }
    if (said != NULL) {
        *said = strdup(messages.text != NULL ? messages.text : "");
    }
    sc_messages_fini(&messages);
    return sc;
}

/* Tokens found, of all of the prompts. */
static int64_t found_in_fleet(const char *file, int replicas, const char *router, const char *engine, double *share)
{
    char err[256] = "";
    sc_scenario *sc = scenario_of(file, replicas, router, engine, NULL);
    res_run *run = fleet_run(sc, 1, 0, NULL, err, sizeof err);
    if (run == NULL) {
        fail_msg("%s", err);
    }
    const int64_t found = (int64_t)run->services[0].tokens_cached;
    *share = (double)found / (double)(found + (int64_t)run->services[0].tokens_prefill);
    res_free(run);
    sc_free(sc);
    return found;
}

/* The same of caches of `most` names. by: 0 = any replica, else the one that conversations are spread to by this many
 * leading blocks. */
static int64_t found_by_names(const char *file, size_t replicas, size_t most, int32_t by, double *share)
{
    char err[700] = "";
    trace *t = trace_open(file, err, sizeof err);
    assert_string_equal(err, "");
    const mdl_trace *c = trace_columns(t);
    memory *caches = calloc(replicas, sizeof *caches);
    int64_t found = 0, all = 0;
    choice draw;
    choice_seed(&draw, 7);
    for (size_t i = 0; i < replicas; i++) {
        caches[i].most = most;
    }
    for (size_t i = 0; i < c->count; i++) {
        const int64_t begin = i > 0 ? c->chain_end[i - 1] : 0;
        const int32_t count = (int32_t)(c->chain_end[i] - begin);
        uint64_t at = choice_below(&draw, (uint32_t)replicas);
        if (by > 0) {
            at = (uint64_t)c->chain[begin + (by < count ? by : count - 1)] * UINT64_C(0x9e3779b97f4a7c15) % replicas;
        }
        found += 512 * (int64_t)serve(&caches[at], c->chain + begin, count, c->input_tokens[i], 512);
        all += c->input_tokens[i];
    }
    for (size_t i = 0; i < replicas; i++) {
        memory_free(&caches[i]);
    }
    free(caches);
    trace_close(t);
    *share = (double)found / (double)all;
    return found;
}

/* 30 conversations of ten turns, a prompt some 3 s after the other: one block that all have, two more with each turn.
 */
static void write_moon(void)
{
    FILE *f = fopen(moon, "w");
    assert_non_null(f);
    for (int turn = 0; turn < 10; turn++) {
        for (int who = 0; who < 30; who++) {
            fprintf(f, "{\"timestamp\": %d, \"input_length\": %d, \"output_length\": 3, \"hash_ids\": [0",
                    (turn * 30 + who) * 3000, 512 * (2 * turn + 3) + who % 2);
            for (int i = 0; i < 2 * turn + 2 + who % 2; i++) {
                fprintf(f, ", %d", 1 + who * 100 + i);
            }
            fprintf(f, "]}\n");
        }
    }
    assert_int_equal(fclose(f), 0);
}

static void what_replicas_find(void **state)
{
    (void)state;
    double share, plain, two, eight;
    write_moon();
    /* alone, with room for all: to the token, and as much by default */
    const int64_t ideal = found_by_names(moon, 1, 100000, 0, &plain);
    assert_true(plain > 0.8);
    assert_true(found_in_fleet(moon, 1, "random", "{prefixCacheShare: 1}", &share) == ideal);
    assert_true(fabs(share - plain) < 1e-9);
    assert_true(found_in_fleet(moon, 1, "random", "{}", &share) == ideal);
    assert_true(found_in_fleet(moon, 1, "random", "{prefixCacheShare: 0}", &share) == 0);
    /* and with little room: as many blocks as the share holds, whole names of 32 */
    sc_scenario *sc = scenario_of(moon, 1, "random", "{prefixCacheShare: 0.3}", NULL);
    const size_t room = (size_t)sc->services[0].llm[0].prefix_blocks / 32;
    sc_free(sc);
    const int64_t little = found_by_names(moon, 1, room, 0, &plain);
    assert_true(little > 0 && little < ideal / 2);
    assert_true(llabs(found_in_fleet(moon, 1, "random", "{prefixCacheShare: 0.3}", &share) - little) <= little / 50);
    /* more replicas know less, unless a conversation stays with its own */
    (void)found_in_fleet(moon, 2, "random", "{}", &two);
    (void)found_in_fleet(moon, 8, "random", "{}", &eight);
    (void)found_by_names(moon, 2, 100000, 0, &plain);
    assert_true(fabs(two - plain) < 0.03);
    (void)found_by_names(moon, 8, 100000, 0, &plain);
    assert_true(fabs(eight - plain) < 0.03 && eight < two - 0.1);
    const int64_t kept = found_in_fleet(moon, 8, "session", "{}", &share);
    assert_true(kept <= ideal && kept >= ideal - 7 * 512); /* block 0, once for each other replica */
}

/* A prefix of nobody's is found everywhere, and that is said; of a session, or with blocks, it is not. */
static void prefixes_of_nobody(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "at_s,input_tokens,output_tokens,prefix_tokens\n1,100,2,0\n2,100,2,64\n",
        "at_s,input_tokens,output_tokens,prefix_tokens,session\n1,100,2,0,5\n2,100,2,64,5\n",
        "{\"timestamp\": 1, \"input_length\": 600, \"output_length\": 1, \"hash_ids\": [1, 2]}\n"
        "{\"timestamp\": 2, \"input_length\": 600, \"output_length\": 1, \"hash_ids\": [1, 2]}\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        FILE *f = fopen(moon, "w");
        assert_true(f != NULL && fputs(texts[i], f) >= 0 && fclose(f) == 0);
        char *said = NULL;
        sc_free(scenario_of(moon, 1, "random", "{}", &said));
        assert_true((strstr(said, "1 of its requests have a prefix without a session or blocks") != NULL) == (i == 0));
        free(said);
    }
}

/* The published hour on 16 replicas, whose caches are too small for all of it. */
static void the_published_hour(void **state)
{
    (void)state;
    double share, plain;
    if (access(PUBLISHED, R_OK) != 0) {
        print_message("no " PUBLISHED ": skipped\n");
        skip();
    }
    sc_scenario *sc = scenario_of(PUBLISHED, 16, "random", "{}", NULL);
    const size_t room = (size_t)sc->services[0].llm[0].kv_blocks / 32;
    sc_free(sc);
    (void)found_in_fleet(PUBLISHED, 16, "random", "{}", &share);
    (void)found_by_names(PUBLISHED, 16, room, 0, &plain);
    print_message("random: %.4f found, %.4f by names\n", share, plain);
    assert_true(fabs(share - plain) < 0.01);
    (void)found_in_fleet(PUBLISHED, 16, "session", "{}", &share);
    (void)found_by_names(PUBLISHED, 16, room, 1, &plain);
    print_message("session: %.4f found, %.4f by names\n", share, plain);
    assert_true(share > 0.2 && fabs(share - plain) < 0.03);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shared_blocks_by_hand),    cmocka_unit_test(the_head_goes_last),
        cmocka_unit_test(alone_as_the_plain_cache), cmocka_unit_test(replay_tells_blocks),
        cmocka_unit_test(what_replicas_find),       cmocka_unit_test(prefixes_of_nobody),
        cmocka_unit_test(the_published_hour),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
