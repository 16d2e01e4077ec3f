/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_engine_prefix.c - prefix cache and priorities of the llm engine, worked out by hand.
 *
 * A step takes 100 ns, 1 ns for each token after the first, 10 ns more if there is prefill work in it; blocks hold 4.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "models/engine/engine.h"

#define NS     INT64_C(1000)
#define EVENTS 64

static mdl_engine *small_engine(int32_t kv_blocks, int32_t prefix_blocks, int32_t max_sequences)
{
    static mdl_llm_config config; /* an engine reads its owner's */
    config = (mdl_llm_config){.step = {.c1 = 100 * NS, .c2 = 1 * NS, .g0 = 10 * NS},
                              .block_tokens = 4,
                              .kv_blocks = kv_blocks,
                              .max_batched_tokens = 64,
                              .max_sequences = max_sequences,
                              .max_waiting = 100,
                              .prefix_blocks = prefix_blocks};
    mdl_engine *e = mdl_llm_new(&config);
    assert_non_null(e);
    return e;
}

/* Runs the engine dry. @return when `tag` was done */
static int64_t done_at(mdl_engine *e, uint32_t tag)
{
    mdl_event events[EVENTS];
    int64_t at_ns = -1;
    while (mdl_engine_next(e) != MDL_NEVER) {
        int64_t now_ns = mdl_engine_next(e);
        size_t n = mdl_engine_advance(e, now_ns, events, EVENTS);
        for (size_t i = 0; i < n; i++) {
            at_ns = events[i].tag == tag && events[i].kind == MDL_DONE ? events[i].at_ns : at_ns;
        }
    }
    return at_ns;
}

/* One request alone; @return how long it took. */
static int64_t alone(mdl_engine *e, int64_t now_ns, mdl_work work)
{
    assert_true(mdl_engine_submit(e, now_ns, &work) != MDL_REFUSED);
    return done_at(e, work.tag) - now_ns;
}

static void hot_tokens_need_no_prefill(void **state)
{
    (void)state;
    mdl_engine *e = small_engine(100, 0, 8);
    /* 9 of 10 are two whole blocks: 2 tokens to compute */
    assert_int_equal(alone(e, 0, (mdl_work){.tag = 1, .input_tokens = 10, .output_tokens = 1, .cached_tokens = 9}),
                     100 + 1 + 10);
    mdl_load load;
    mdl_engine_load(e, 1000, &load);
    assert_int_equal(load.tokens_in, 2);
    assert_int_equal(load.tokens_cached, 8);
    /* never the whole prompt, however much is cached: 8 in, one block found */
    assert_int_equal(alone(e, 1000, (mdl_work){.tag = 2, .input_tokens = 8, .output_tokens = 1, .cached_tokens = 50}),
                     100 + 3 + 10);
    /* the blocks are held all the same: 10 in at the end of the step lie in 3 */
    mdl_work held = {.tag = 3, .input_tokens = 10, .output_tokens = 5, .cached_tokens = 8};
    assert_true(mdl_engine_submit(e, 2000, &held) != MDL_REFUSED);
    mdl_event events[EVENTS];
    (void)mdl_engine_advance(e, 2050, events, EVENTS);
    mdl_engine_load(e, 2050, &load);
    assert_int_equal(load.kv_blocks_used, 3);
    mdl_engine_free(e);
}

static void next_turn_finds_its_conversation(void **state)
{
    (void)state;
    mdl_engine *e = small_engine(100, 50, 8);
    /* 10 in, 3 out: 12 tokens computed, 3 whole blocks stay */
    assert_int_equal(alone(e, 0, (mdl_work){.tag = 1, .input_tokens = 10, .output_tokens = 3, .prefix_key = 5}),
                     119 + 2 * 100);
    mdl_work turn = {.tag = 2, .input_tokens = 20, .output_tokens = 1, .prefix_tokens = 13, .prefix_key = 5};
    assert_int_equal(alone(e, 1000, turn), 100 + 7 + 10);
    mdl_work stranger = turn;
    stranger.prefix_key = 6;
    assert_int_equal(alone(e, 2000, stranger), 100 + 19 + 10);
    /* only what the turns have in common, and 20 tokens are kept of both now */
    turn.prefix_tokens = 11;
    assert_int_equal(alone(e, 3000, turn), 100 + 11 + 10);
    mdl_load load;
    mdl_engine_load(e, 4000, &load);
    assert_int_equal(load.tokens_cached, 12 + 8);
    assert_int_equal(load.kv_blocks_used, 0);
    mdl_engine_free(e);
}

static void oldest_conversation_goes_first(void **state)
{
    (void)state;
    mdl_engine *e = small_engine(10, 10, 8);
    /* three blocks of A, three of B, then somebody takes 6 of 10: A keeps one, its first */
    (void)alone(e, 0, (mdl_work){.tag = 1, .input_tokens = 12, .output_tokens = 1, .prefix_key = 1});
    (void)alone(e, 1000, (mdl_work){.tag = 2, .input_tokens = 12, .output_tokens = 1, .prefix_key = 2});
    (void)alone(e, 2000, (mdl_work){.tag = 3, .input_tokens = 24, .output_tokens = 1});
    mdl_work turn = {.tag = 4, .input_tokens = 13, .output_tokens = 1, .prefix_tokens = 13, .prefix_key = 1};
    assert_int_equal(alone(e, 3000, turn), 100 + 8 + 10);
    turn.prefix_key = 2;
    assert_int_equal(alone(e, 4000, turn), 100 + 0 + 10);
    mdl_engine_free(e);
    /* the bound counts as well as the memory: 4 blocks for 3 + 3 */
    e = small_engine(100, 4, 8);
    (void)alone(e, 0, (mdl_work){.tag = 1, .input_tokens = 12, .output_tokens = 1, .prefix_key = 1});
    (void)alone(e, 1000, (mdl_work){.tag = 2, .input_tokens = 12, .output_tokens = 1, .prefix_key = 2});
    turn.prefix_key = 1;
    assert_int_equal(alone(e, 2000, turn), 100 + 8 + 10);
    /* a lost node comes back empty */
    uint32_t tags[4];
    mdl_work lost = {.tag = 9, .input_tokens = 4, .output_tokens = 50};
    assert_true(mdl_engine_submit(e, 3000, &lost) != MDL_REFUSED);
    assert_int_equal(mdl_engine_evict(e, 3050, tags, 4), 1);
    assert_int_equal(alone(e, 4000, turn), 100 + 12 + 10);
    mdl_engine_free(e);
}

static void urgent_ones_wait_less(void **state)
{
    (void)state;
    static const int32_t priority[] = {0, 1, 0, 1, -3};
    static const uint32_t order[] = {0, 4, 2, 1, 3};
    mdl_engine *e = small_engine(100, 0, 1);
    for (uint32_t i = 0; i < 5; i++) {
        mdl_work work = {.tag = i, .input_tokens = 1, .output_tokens = 1, .priority = priority[i]};
        assert_true(mdl_engine_submit(e, i > 0, &work) !=
                    MDL_REFUSED); /* the first is taken up before the others come */
    }
    mdl_event events[EVENTS];
    size_t done = 0;
    while (mdl_engine_next(e) != MDL_NEVER) {
        size_t n = mdl_engine_advance(e, mdl_engine_next(e), events, EVENTS);
        for (size_t i = 0; i < n; i++) {
            if (events[i].kind == MDL_DONE) {
                assert_int_equal(events[i].tag, order[done++]);
            }
        }
    }
    assert_int_equal(done, 5);
    mdl_engine_free(e);
}

/* Two of 7 in and 4 out want a third block each at 9 tokens, and there are four: the less urgent gives way, although it
 * came first; among equals the later one does. */
static void least_urgent_is_thrown_out(void **state)
{
    (void)state;
    for (int32_t urgent = 0; urgent < 2; urgent++) {
        mdl_engine *e = small_engine(4, 0, 8);
        mdl_work first = {.tag = 1, .input_tokens = 7, .output_tokens = 4, .priority = urgent};
        mdl_work second = {.tag = 2, .input_tokens = 7, .output_tokens = 4};
        assert_true(mdl_engine_submit(e, 0, &first) != MDL_REFUSED);
        assert_true(mdl_engine_submit(e, 1, &second) != MDL_REFUSED);
        mdl_event events[EVENTS];
        uint32_t winner = 0;
        while (mdl_engine_next(e) != MDL_NEVER) {
            size_t n = mdl_engine_advance(e, mdl_engine_next(e), events, EVENTS);
            for (size_t i = 0; i < n; i++) {
                winner = winner == 0 && events[i].kind == MDL_DONE ? events[i].tag : winner;
            }
        }
        assert_int_equal(winner, urgent ? 2 : 1);
        mdl_load load;
        mdl_engine_load(e, 100000, &load);
        assert_int_equal(load.preemptions, 1);
        mdl_engine_free(e);
    }
}

static void bad_figures_are_refused(void **state)
{
    (void)state;
    mdl_engine *e = small_engine(10, 10, 1);
    mdl_work work = {.tag = 1, .input_tokens = 4, .output_tokens = 4, .cached_tokens = -1};
    assert_int_equal(mdl_engine_submit(e, 0, &work), MDL_REFUSED);
    work.cached_tokens = 0;
    work.prefix_tokens = -1;
    assert_int_equal(mdl_engine_submit(e, 0, &work), MDL_REFUSED);
    mdl_engine_free(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hot_tokens_need_no_prefill),     cmocka_unit_test(next_turn_finds_its_conversation),
        cmocka_unit_test(oldest_conversation_goes_first), cmocka_unit_test(urgent_ones_wait_less),
        cmocka_unit_test(least_urgent_is_thrown_out),     cmocka_unit_test(bad_figures_are_refused),
    };
    return cmocka_run_group_tests_name("engine_prefix", tests, NULL, NULL);
}
