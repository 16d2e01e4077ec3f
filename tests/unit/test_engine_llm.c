/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_engine_llm.c - the llm engine on steps worked out by hand.
 *
 * Unless a test says otherwise a step takes 100 ns, 10 ns more if there is prefill work in it, and 1 ns for each token
 * of context of a decoding request (the one it computes included); blocks hold 4 tokens.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "models/engine/engine.h"

#define NS     INT64_C(1000)
#define EVENTS 64

static mdl_llm_config small_config(void)
{
    return (mdl_llm_config){.step = {.c1 = 100 * NS, .e2 = 1 * NS, .g0 = 10 * NS},
                            .block_tokens = 4,
                            .kv_blocks = 100,
                            .max_batched_tokens = 64,
                            .max_sequences = 8,
                            .max_waiting = 100};
}

static uint32_t submit(mdl_engine *e, int64_t now_ns, uint32_t tag, int32_t input, int32_t output)
{
    mdl_work work = {.tag = tag, .input_tokens = input, .output_tokens = output};
    return mdl_engine_submit(e, now_ns, &work);
}

/* Calls advance whenever it is due up to until_ns; collects the events. */
static size_t run(mdl_engine *e, int64_t until_ns, mdl_event *events)
{
    size_t n = 0;
    while (mdl_engine_next(e) <= until_ns) {
        n += mdl_engine_advance(e, mdl_engine_next(e), events + n, EVENTS - n);
    }
    return n + mdl_engine_advance(e, until_ns, events + n, EVENTS - n);
}

static void expect(const mdl_event *e, uint32_t tag, mdl_event_kind kind, int64_t at_ns)
{
    assert_int_equal(e->tag, tag);
    assert_int_equal(e->kind, kind);
    assert_int_equal(e->at_ns, at_ns);
}

/* Every term of the step time once: n = 10, q = 3, D = 2, S = 50, chunks 3 after 0 (whole) and 5 after 20 (part). */
static void step_time_by_hand(void **state)
{
    (void)state;
    mdl_step_model m = {.c1 = 1000,
                        .c2 = 7,
                        .c3 = 10,
                        .c4 = 100,
                        .h0 = 5,
                        .h1 = 11,
                        .e0 = 13,
                        .e1 = 17,
                        .e2 = 19,
                        .g0 = 23,
                        .g1_half = 29};
    mdl_step s = {.tokens = 10,
                  .sampled = 3,
                  .decodes = 2,
                  .decode_context = 50,
                  .prefill = 8,
                  .prefill_pairs = 3 * 3 + 5 * (2 * 20 + 5)};
    /* memory 1000 + 63 = 1063 beats compute 10 + 1000 = 1010 */
    assert_int_equal(mdl_step_ps(&m, &s), 1063 + 5 + 33 + 13 + 34 + 950 + 23 + 29 * 234);
    s.tokens = 20; /* compute 2010 beats memory 1133 */
    assert_int_equal(mdl_step_ps(&m, &s), 2010 + 5 + 33 + 13 + 34 + 950 + 23 + 29 * 234);
    mdl_step decode = {.tokens = 1, .sampled = 1, .decodes = 1, .decode_context = 4};
    assert_int_equal(mdl_step_ps(&m, &decode), 1000 + 5 + 11 + 13 + 17 + 76);
}

/* 5 in, 4 out: prefill 110 ns, decodes at contexts 6, 7, 8: 106 + 107 + 108. */
static void one_request(void **state)
{
    (void)state;
    mdl_llm_config config = small_config();
    mdl_engine *e = mdl_llm_new(&config);
    assert_int_equal(mdl_engine_next(e), MDL_NEVER);
    assert_true(submit(e, 1000, 7, 5, 4) != MDL_REFUSED);
    assert_int_equal(mdl_engine_next(e), 1110);
    mdl_event events[EVENTS];
    assert_int_equal(mdl_engine_advance(e, 1110, events, EVENTS), 2);
    expect(&events[0], 7, MDL_STARTED, 1000);
    expect(&events[1], 7, MDL_FIRST, 1110);
    assert_int_equal(mdl_engine_next(e), 1110 + 106 + 107 + 108);
    mdl_load load;
    mdl_engine_load(e, 1110 + 106 + 106, &load); /* within the second decode step: context 7, two blocks */
    assert_int_equal(load.tokens_out, 2);
    assert_int_equal(load.kv_blocks_used, 2);
    assert_int_equal(load.tokens_in, 5);
    assert_int_equal(load.running, 1);
    assert_int_equal(load.busy_ns, 110 + 106 + 106);
    assert_int_equal(mdl_engine_advance(e, 1431, events, EVENTS), 1);
    expect(&events[0], 7, MDL_DONE, 1431);
    assert_int_equal(mdl_engine_next(e), MDL_NEVER);
    mdl_engine_load(e, 2000, &load);
    assert_int_equal(load.completed, 1);
    assert_int_equal(load.tokens_out, 4);
    assert_int_equal(load.kv_blocks_used, 0);
    assert_int_equal(load.busy_ns, 431);
    mdl_engine_free(e);
}

/* A prompt that five steps work on, 8 tokens each, needs its 10 blocks from its arrival on, whoever waits behind it;
 * one whose client left in the midst of it needs no more than it has. */
static void a_prompt_in_parts_is_taken_whole(void **state)
{
    (void)state;
    mdl_llm_config config = small_config();
    config.max_batched_tokens = 8;
    mdl_engine *e = mdl_llm_new(&config);
    mdl_event events[EVENTS];
    mdl_load load;
    const uint32_t handle = submit(e, 0, 1, 40, 2);
    for (int64_t now_ns = 1; now_ns < 500; now_ns += 50) {
        (void)run(e, now_ns, events);
        mdl_engine_load(e, now_ns, &load);
        assert_int_equal(load.kv_blocks_used, 2 * (1 + now_ns / 110));
        assert_int_equal(mdl_engine_kv(e).taken, 10);
    }
    (void)submit(e, 501, 2, 6, 2);
    assert_int_equal(mdl_engine_kv(e).taken, 10 + 2);
    mdl_engine_free(e);

    e = mdl_llm_new(&config);
    (void)submit(e, 0, 1, 40, 2);
    (void)run(e, 150, events);
    mdl_engine_cancel(e, 150, handle);
    assert_int_equal(mdl_engine_kv(e).taken, 4);
    mdl_engine_free(e);
}

/* A runs steps ending at 110, 216, 323, 431; B comes at 150, joins at 216, its prefill of 3 shares a step with A's
 * decode at context 7: 117 ns to 333. Then both: contexts 8 + 4 = 112 ns to 445, where A has its 4 tokens. */
static void arrival_cuts_a_run(void **state)
{
    (void)state;
    mdl_llm_config config = small_config();
    mdl_engine *e = mdl_llm_new(&config);
    mdl_event events[EVENTS];
    submit(e, 0, 1, 5, 4);
    assert_int_equal(run(e, 150, events), 2);
    submit(e, 150, 2, 3, 3);
    assert_int_equal(mdl_engine_next(e), 445);       /* nothing ends before; B's first token may be told then */
    assert_int_equal(mdl_engine_kv(e).taken, 2 + 1); /* A: 6 tokens at 110; B waits with 3 */
    mdl_load load;
    mdl_engine_load(e, 250, &load);
    assert_int_equal(mdl_engine_kv(e).taken, 2 + 1); /* both are in the step since 216, A with 8 */
    assert_int_equal(run(e, 10000, events), 4);
    expect(&events[0], 2, MDL_STARTED, 216);
    expect(&events[1], 2, MDL_FIRST, 333);
    expect(&events[2], 1, MDL_DONE, 333 + 112);
    /* B alone: context 5 */
    expect(&events[3], 2, MDL_DONE, 445 + 105);
    mdl_engine_free(e);
}

/* B's 4 tokens beyond what is kept of conversation 1 would share A's third step, and B's context of 25 its fourth. But
 * A's second block is one of the 5 kept: 8 tokens are left, of which A's step has 7, and the last shares A's fourth. */
static void a_prefix_is_lost_before_its_turn_joins(void **state)
{
    (void)state;
    mdl_llm_config config = small_config();
    config.max_batched_tokens = 8;
    config.kv_blocks = config.prefix_blocks = 10;
    mdl_engine *e = mdl_llm_new(&config);
    mdl_event events[EVENTS];
    mdl_work work = {.tag = 1, .input_tokens = 20, .output_tokens = 1, .prefix_key = 1};
    assert_true(mdl_engine_submit(e, 0, &work) != MDL_REFUSED);
    (void)run(e, 999, events);
    work = (mdl_work){.tag = 2, .input_tokens = 16, .output_tokens = 1, .prefix_key = 2};
    assert_true(mdl_engine_submit(e, 1000, &work) != MDL_REFUSED);
    (void)run(e, 1999, events);
    submit(e, 2000, 3, 3, 4); /* A: 110 and 104 ns alone */
    assert_int_equal(run(e, 2150, events), 2);
    work = (mdl_work){.tag = 4, .input_tokens = 24, .output_tokens = 5, .prefix_tokens = 20, .prefix_key = 1}; /* B */
    assert_true(mdl_engine_submit(e, 2150, &work) != MDL_REFUSED);
    assert_int_equal(mdl_engine_next(e), 2214 + 115 + 106); /* a fourth step of A at least, not one of both */
    assert_int_equal(run(e, 2214 + 115 + 116, events), 3);
    expect(&events[0], 4, MDL_STARTED, 2214);
    expect(&events[1], 4, MDL_FIRST, 2214 + 115 + 116);
    expect(&events[2], 3, MDL_DONE, 2214 + 115 + 116);
    assert_int_equal(run(e, 10000, events), 1);
    mdl_load load;
    mdl_engine_load(e, 10000, &load);
    assert_int_equal(load.tokens_cached, 16);
    mdl_engine_free(e);
}

/* Work that comes at the very ns at which a step ends is in the next step; two at one instant share the first step. */
static void arrival_at_a_boundary(void **state)
{
    (void)state;
    mdl_llm_config config = small_config();
    mdl_engine *e = mdl_llm_new(&config);
    mdl_event events[EVENTS];
    submit(e, 0, 1, 5, 4);
    assert_int_equal(run(e, 110, events), 2);
    submit(e, 110, 2, 3, 1);
    submit(e, 110, 3, 3, 1);
    assert_int_equal(run(e, 10000, events), 7);
    expect(&events[0], 2, MDL_STARTED, 110);
    expect(&events[1], 3, MDL_STARTED, 110);
    expect(&events[2], 2, MDL_FIRST, 226); /* 110 + 100 + 10 + context 6 */
    expect(&events[3], 2, MDL_DONE, 226);
    expect(&events[4], 3, MDL_FIRST, 226);
    expect(&events[5], 3, MDL_DONE, 226);
    expect(&events[6], 1, MDL_DONE, 226 + 107 + 108);
    mdl_engine_free(e);
}

/* Budget 8: a prompt of 20 takes chunks of 8, 8, 4; the last leaves 4 tokens for the first 4 of the next prompt of 6,
 * whose rest of 2 goes with the decode of the first. */
static void chunked_prefill(void **state)
{
    (void)state;
    mdl_llm_config config = small_config();
    config.max_batched_tokens = 8;
    config.step.g1_half = 1 * NS; /* chunk p after k cached: p (2k + p) ns */
    mdl_engine *e = mdl_llm_new(&config);
    mdl_event events[EVENTS];
    submit(e, 0, 1, 20, 3);
    submit(e, 0, 2, 6, 1);
    int64_t first = 110 + 8 * 8 + 110 + 8 * 24 + 110 + 4 * 36 + 4 * 4;
    int64_t second = first + 110 + 21 + 2 * 10;
    assert_int_equal(run(e, 100000, events), 6);
    expect(&events[0], 1, MDL_STARTED, 0);
    expect(&events[1], 2, MDL_STARTED, 110 + 64 + 110 + 192);
    expect(&events[2], 1, MDL_FIRST, first);
    expect(&events[3], 2, MDL_FIRST, second);
    expect(&events[4], 2, MDL_DONE, second);
    expect(&events[5], 1, MDL_DONE, second + 100 + 22);
    mdl_engine_free(e);
}

/*
 * 4 blocks of 4 tokens, two requests of 4 in, 8 out, at 0. Prefill to 110: one block each. Decodes at contexts 5..8
 * (two blocks each, none free): 110, 112, 114, 116 to 562. At 562 both need a third: the second is thrown out with 5
 * tokens generated; the first goes on alone with 3 blocks at contexts 9, 10, 11: 109 + 110 + 111 to 892 (8 tokens
 * done). The second needs 9 tokens = 3 blocks, one is free, so it waits until 892, prefills 9 tokens in 110 and gets
 * token 6 at 1002; contexts 10 and 11 give tokens 7 and 8: 110 + 111.
 */
static void preemption_and_recompute(void **state)
{
    (void)state;
    mdl_llm_config config = small_config();
    config.kv_blocks = 4;
    mdl_engine *e = mdl_llm_new(&config);
    mdl_event events[EVENTS];
    submit(e, 0, 1, 4, 8);
    submit(e, 0, 2, 4, 8);
    assert_int_equal(run(e, 600, events), 4);
    mdl_load load;
    mdl_engine_load(e, 600, &load);
    assert_int_equal(load.preemptions, 1);
    assert_int_equal(load.running, 1);
    assert_int_equal(load.waiting, 1);
    assert_int_equal(load.kv_blocks_used, 3);
    assert_int_equal(run(e, 100000, events), 2);
    expect(&events[0], 1, MDL_DONE, 892);
    expect(&events[1], 2, MDL_DONE, 892 + 110 + 110 + 111);
    mdl_engine_load(e, 100000, &load);
    assert_int_equal(load.tokens_in, 4 + 4 + 9);
    assert_int_equal(load.tokens_out, 16);
    assert_int_equal(load.preemptions, 1);
    mdl_engine_free(e);
}

static void cancel_waiting_and_running(void **state)
{
    (void)state;
    mdl_llm_config config = small_config();
    config.max_sequences = 1;
    mdl_engine *e = mdl_llm_new(&config);
    mdl_event events[EVENTS];
    uint32_t a = submit(e, 0, 1, 5, 50);
    uint32_t b = submit(e, 0, 2, 5, 1);
    submit(e, 0, 3, 5, 1);
    assert_int_equal(run(e, 200, events), 2);
    assert_int_equal(mdl_engine_sampled(e, 200, a), 1); /* the first at 110, the step under way ends at 216 */
    assert_int_equal(mdl_engine_sampled(e, 200, b), 0);
    mdl_engine_cancel(e, 200, b); /* waits: gone at once */
    mdl_load load;
    mdl_engine_load(e, 200, &load);
    assert_int_equal(load.waiting, 1);
    mdl_engine_cancel(e, 201, a); /* in the batch until the step ends at 216 */
    mdl_engine_cancel(e, 202, a); /* again: nothing */
    mdl_engine_load(e, 210, &load);
    assert_int_equal(load.running, 1);
    uint32_t tags[4];
    assert_int_equal(mdl_engine_tags(e, tags, 4), 1);
    assert_int_equal(tags[0], 3);
    assert_int_equal(run(e, 10000, events), 3);
    expect(&events[0], 3, MDL_STARTED, 216);
    expect(&events[1], 3, MDL_FIRST, 326);
    expect(&events[2], 3, MDL_DONE, 326);
    mdl_engine_load(e, 10000, &load);
    assert_int_equal(load.completed, 1);
    assert_int_equal(load.kv_blocks_used, 0);
    mdl_engine_free(e);
}

static void assert_expected(const mdl_engine *e, uint32_t ends, uint32_t begins)
{
    const mdl_expected expected = mdl_engine_expect(e);
    assert_int_equal(expected.ends, ends);
    assert_int_equal(expected.begins, begins);
}

/* Whose event comes next, seen before each advance; asking for memory changes nothing. */
static void coming_events(void **state)
{
    (void)state;
    mdl_llm_config config = small_config();
    mdl_engine *e = mdl_llm_new(&config);
    mdl_event events[EVENTS];
    mdl_engine_prefetch_state(e);
    mdl_engine_prefetch(e);
    assert_expected(e, MDL_REFUSED, MDL_REFUSED);
    submit(e, 0, 1, 5, 3);
    assert_expected(e, MDL_REFUSED, 1); /* waits alone */
    assert_int_equal(run(e, 110, events), 2);
    assert_expected(e, 1, MDL_REFUSED); /* decodes alone */
    submit(e, 111, 2, 5, 9);
    mdl_engine_prefetch(e);
    assert_expected(e, 1, 2); /* the step to 216 ends nobody, and the next takes 2 up */
    assert_int_equal(run(e, 216, events), 0);
    assert_expected(e, 1, 2);
    assert_int_equal(mdl_engine_advance(e, 217, events, 1), 1); /* it has started: the step to 216 + 117 = 333 */
    mdl_engine_prefetch(e);
    assert_expected(e, 1, 2);
    assert_int_equal(run(e, 333, events), 2);
    expect(&events[0], 2, MDL_FIRST, 333);
    expect(&events[1], 1, MDL_DONE, 333);
    assert_int_equal(mdl_engine_advance(e, 334, events, 1), 0);
    submit(e, 335, 3, 5, 2);
    submit(e, 335, 4, 5, 2);
    mdl_engine_prefetch(e);
    assert_expected(e, 2, 3);
    assert_int_equal(run(e, 10000, events), 7);
    expect(&events[3], 4, MDL_FIRST, 439 + 110 + 7);
    expect(&events[6], 2, MDL_DONE, 439 + 117 + 120 + 5 * 100 + 9 + 10 + 11 + 12 + 13);
    assert_expected(e, MDL_REFUSED, MDL_REFUSED);
    uint32_t b = submit(e, 20000, 5, 5, 50);
    assert_int_equal(run(e, 20200, events), 2);
    mdl_engine_cancel(e, 20201, b);
    mdl_engine_prefetch(e);
    assert_expected(e, MDL_REFUSED, MDL_REFUSED); /* has left, though the step runs on */
    mdl_engine_free(e);
}

static void refusals(void **state)
{
    (void)state;
    mdl_llm_config config = small_config();
    config.kv_blocks = 4;
    config.max_waiting = 2;
    mdl_engine *e = mdl_llm_new(&config);
    assert_int_equal(submit(e, 0, 1, 0, 4), MDL_REFUSED);
    assert_int_equal(submit(e, 0, 1, 4, 0), MDL_REFUSED);
    assert_int_equal(submit(e, 0, 1, 13, 4), MDL_REFUSED); /* 17 tokens, room for 16 */
    assert_int_equal(submit(e, 0, 1, INT32_MAX, INT32_MAX), MDL_REFUSED);
    assert_true(submit(e, 0, 1, 12, 4) != MDL_REFUSED);
    assert_true(submit(e, 0, 2, 12, 4) != MDL_REFUSED);
    assert_int_equal(submit(e, 0, 3, 1, 1), MDL_REFUSED); /* two wait, the step of time 0 has not begun */
    assert_true(submit(e, 1, 4, 1, 1) != MDL_REFUSED);    /* the first is being served now */
    mdl_engine_free(e);

    assert_int_equal(mdl_llm_room(&config), 16);
    config.max_context = 10; /* the model's context is smaller than its KV cache */
    assert_int_equal(mdl_llm_room(&config), 10);
    e = mdl_llm_new(&config);
    assert_int_equal(submit(e, 0, 1, 7, 4), MDL_REFUSED);
    assert_true(submit(e, 0, 1, 7, 3) != MDL_REFUSED);
    mdl_engine_free(e);
    config.max_context = 20;
    assert_int_equal(mdl_llm_room(&config), 16);
    config.max_context = -1;
    assert_non_null(mdl_llm_check(&config));
}

/* The batch and the queue stand in the order of priority; a replica that is lost names by submission all the same. */
static void evict_order_is_not_that_of_priorities(void **state)
{
    (void)state;
    static const int32_t priorities[] = {1, 0, 1, -1, 0, 1};
    mdl_llm_config config = small_config();
    config.max_sequences = 2;
    mdl_engine *e = mdl_llm_new(&config);
    mdl_event events[EVENTS];
    uint32_t handles[6];
    for (uint32_t i = 0; i < 6; i++) {
        mdl_work work = {.tag = 20 + i, .input_tokens = 5, .output_tokens = 40, .priority = priorities[i]};
        handles[i] = mdl_engine_submit(e, 0, &work);
    }
    assert_true(run(e, 500, events) >= 2);
    assert_int_equal(events[0].tag, 23); /* the most urgent one began first */
    uint32_t tags[8];
    assert_int_equal(mdl_engine_evict(e, 500, tags, 2), 2);
    assert_int_equal(tags[0], 20);
    assert_int_equal(tags[1], 21);
    mdl_engine_cancel(e, 500, handles[4]); /* not named yet, and never will be */
    mdl_work late = {.tag = 26, .input_tokens = 5, .output_tokens = 40, .priority = -5};
    assert_true(mdl_engine_submit(e, 600, &late) != MDL_REFUSED);
    assert_int_equal(mdl_engine_tags(e, NULL, 0), 4);
    assert_int_equal(mdl_engine_evict(e, 700, tags, 8), 4);
    assert_int_equal(tags[0], 22);
    assert_int_equal(tags[1], 23);
    assert_int_equal(tags[2], 25);
    assert_int_equal(tags[3], 26);
    assert_int_equal(mdl_engine_evict(e, 700, tags, 8), 0);
    mdl_engine_free(e);
}

static void evict_names_all_in_order(void **state)
{
    (void)state;
    mdl_llm_config config = small_config();
    config.max_sequences = 2;
    mdl_engine *e = mdl_llm_new(&config);
    mdl_event events[EVENTS];
    uint32_t handles[6];
    for (uint32_t i = 0; i < 6; i++) {
        handles[i] = submit(e, 0, 10 + i, 5, 40);
    }
    run(e, 500, events);
    mdl_engine_cancel(e, 500, handles[1]); /* running: still in the batch, no longer the owner's */
    mdl_engine_cancel(e, 500, handles[4]);
    uint32_t tags[3];
    assert_int_equal(mdl_engine_evict(e, 501, tags, 3), 3);
    assert_int_equal(tags[0], 10);
    assert_int_equal(tags[1], 12);
    assert_int_equal(tags[2], 13);
    assert_int_equal(mdl_engine_evict(e, 501, tags, 3), 1);
    assert_int_equal(tags[0], 15);
    assert_int_equal(mdl_engine_evict(e, 501, tags, 3), 0);
    assert_int_equal(mdl_engine_next(e), MDL_NEVER);
    mdl_load load;
    mdl_engine_load(e, 600, &load);
    assert_int_equal(load.running + load.waiting + load.kv_blocks_used, 0);
    assert_int_equal(mdl_engine_kv(e).taken, 0);
    assert_int_equal(load.busy_ns, 501);
    /* and it works again */
    submit(e, 700, 1, 5, 1);
    assert_int_equal(run(e, 10000, events), 3);
    expect(&events[2], 1, MDL_DONE, 810);
    mdl_engine_free(e);
}

/* Steps of 0.3 ns: times are rounded up, not accumulated roundings; and at the far end of time nothing overflows. */
static void picoseconds_and_long_horizons(void **state)
{
    (void)state;
    mdl_llm_config config = small_config();
    config.step = (mdl_step_model){.c1 = 300};
    mdl_engine *e = mdl_llm_new(&config);
    mdl_event events[EVENTS];
    int64_t year_ns = INT64_C(31557600) * 1000000000;
    submit(e, 200 * year_ns, 1, 4, 11); /* 11 steps: 3.3 ns */
    assert_int_equal(run(e, 250 * year_ns, events), 3);
    expect(&events[1], 1, MDL_FIRST, 200 * year_ns + 1);
    expect(&events[2], 1, MDL_DONE, 200 * year_ns + 4);
    mdl_engine_free(e);
}

static void bad_configurations(void **state)
{
    (void)state;
    mdl_llm_config good = small_config();
    assert_null(mdl_llm_check(&good));
    for (int i = 0; i < 9; i++) {
        mdl_llm_config c = good;
        switch (i) {
        case 0:
            c.block_tokens = 0;
            break;
        case 1:
            c.kv_blocks = 0;
            break;
        case 2:
            c.max_batched_tokens = 0;
            break;
        case 3:
            c.max_sequences = -1;
            break;
        case 4:
            c.max_waiting = -1;
            break;
        case 5:
            c.step.e1 = -1;
            break;
        case 6:
            c.step = (mdl_step_model){.e2 = 5};
            break;
        case 7:
            c.step.c1 = INT64_MAX;
            break;
        default:
            c.kv_blocks = INT32_MAX;
            break;
        }
        assert_non_null(mdl_llm_check(&c));
        assert_null(mdl_llm_new(&c));
    }
    mdl_engine_free(NULL);
}

/* A step with a prompt may take hours, one that only decodes may not: runs of those add up. Two prompts of 30 tokens
 * and 900 pairs of them, each of which takes 6 s: one after the other for 1.5 h; then 10 tokens each. */
static void hours_of_prefill(void **state)
{
    (void)state;
    const int64_t second = INT64_C(1000000000), read = 900 * 6 * second;
    mdl_event events[EVENTS];
    mdl_llm_config config = small_config();
    config.max_sequences = 2;
    config.step = (mdl_step_model){.c3 = 1, .c4 = 100 * second * NS};
    assert_non_null(mdl_llm_check(&config)); /* two that decode: 200 s */
    config.step = (mdl_step_model){.c3 = 1000 * NS, .g1_half = 6 * second * NS};
    assert_null(mdl_llm_check(&config));
    mdl_engine *e = mdl_llm_new(&config);
    assert_true(submit(e, 0, 1, 30, 11) != MDL_REFUSED);
    assert_true(submit(e, second, 2, 30, 11) != MDL_REFUSED); /* waits until the first is read */
    assert_int_equal(run(e, 3 * read, events), 6);
    expect(&events[0], 1, MDL_STARTED, 0);
    expect(&events[1], 1, MDL_FIRST, read + 1000);
    expect(&events[2], 2, MDL_STARTED, read + 1000);
    expect(&events[3], 2, MDL_FIRST, 2 * read + 2000); /* and the second token of the first */
    expect(&events[4], 1, MDL_DONE, 2 * read + 11000);
    expect(&events[5], 2, MDL_DONE, 2 * read + 12000);
    mdl_engine_free(e);
    config.step.g1_half = INT64_MAX / 1000;
    assert_non_null(mdl_llm_check(&config));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(step_time_by_hand),
        cmocka_unit_test(one_request),
        cmocka_unit_test(a_prompt_in_parts_is_taken_whole),
        cmocka_unit_test(arrival_cuts_a_run),
        cmocka_unit_test(a_prefix_is_lost_before_its_turn_joins),
        cmocka_unit_test(arrival_at_a_boundary),
        cmocka_unit_test(chunked_prefill),
        cmocka_unit_test(preemption_and_recompute),
        cmocka_unit_test(cancel_waiting_and_running),
        cmocka_unit_test(coming_events),
        cmocka_unit_test(refusals),
        cmocka_unit_test(evict_names_all_in_order),
        cmocka_unit_test(evict_order_is_not_that_of_priorities),
        cmocka_unit_test(picoseconds_and_long_horizons),
        cmocka_unit_test(bad_configurations),
        cmocka_unit_test(hours_of_prefill),
    };
    return cmocka_run_group_tests_name("engine_llm", tests, NULL, NULL);
}
