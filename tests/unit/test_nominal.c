/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_nominal.c - the rate a replica sustains under conversations: turns and contexts as the traffic has them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "models/gpu/gpu.h"
#include "sim/kernel/rng.h"
#include "tests/support/close.h"
#include "tests/support/world.h"

#define S        INT64_C(1000000000)
#define REQUESTS 100000

/* 5 ms a step, 10 us a token, 5 ns for each token of context that a step reads. */
static const mdl_llm_config engine = {.step = {.c1 = 5000000000, .c3 = 10000000, .c4 = 10000000, .e2 = 5000},
                                      .block_tokens = 16,
                                      .kv_blocks = 4000,
                                      .max_batched_tokens = 2048,
                                      .max_sequences = 64,
                                      .max_waiting = 2000};
static const mdl_lengths lengths = {.input = {.kind = MDL_LENGTH_FIXED, .fixed = 100, .min = 1, .max = 100},
                                    .output = {.kind = MDL_LENGTH_FIXED, .fixed = 50, .min = 1, .max = 50}};

static gsl_rng *luck_of(void *self, uint64_t session, int32_t turn)
{
    (void)session;
    (void)turn;
    return self;
}

static double nominal_with(const mdl_sessions *sessions, uint64_t seed)
{
    world w;
    world_init(&w);
    w.services[0].engine = SC_ENGINE_LLM;
    w.llm[0][0] = engine;
    w.traffic[0].arrivals.rate_per_s = 0.5;
    w.traffic[0].arrivals.sessions = sessions;
    w.sc.duration_ns = 60 * S;
    res_run *run = world_run(&w, seed);
    const double rate = run->services[0].nominal_rps[0];
    res_free(run);
    return rate;
}

/* Three turns: 30 + 100 tokens in, then all before, 50 out and 100 new. The fourth would be over the bound. */
static void test_turns_by_hand(void **state)
{
    (void)state;
    int32_t input[2000], output[2000];
    for (int i = 0; i < 2000; i++) {
        input[i] = 130 + 150 * (i % 3);
        output[i] = 50;
    }
    mdl_sessions sessions = {.turns = {.kind = MDL_LENGTH_FIXED, .fixed = 3, .min = 1, .max = 3},
                             .think = {.kind = MDL_SERVICE_FIXED, .mean_s = 10},
                             .lengths = &lengths,
                             .system_tokens = 30};
    const double rate = mdl_saturation_rate(&engine, input, output, 2000, 0);
    assert_true(rate > 1);
    const double shuffled = nominal_with(&sessions, 1);
    assert_close(shuffled, rate, 0.02);
    sessions.turns.fixed = sessions.turns.max = 9;
    sessions.max_context = 480;
    assert_close(nominal_with(&sessions, 1), shuffled, 1e-12); /* the same conversations, in the same order */
    sessions.turns.fixed = 1;
    assert_true(nominal_with(&sessions, 1) > 1.05 * rate);
}

/* Of requests, not of conversations: a turn chosen at random stands in a long one more often than not. */
static void test_long_ones_weigh(void **state)
{
    (void)state;
    gsl_rng *r = rng_stream(3, 0, "arrivals", 0);
    mdl_sessions sessions = {.turns = {.kind = MDL_LENGTH_GEOMETRIC, .mean = 8, .min = 1, .max = 1000},
                             .think = {.kind = MDL_SERVICE_FIXED, .mean_s = 1},
                             .lengths = &lengths,
                             .luck = luck_of,
                             .luck_self = r};
    const mdl_arrival_spec spec = {.kind = MDL_ARRIVAL_POISSON, .rate_per_s = 20, .sessions = &sessions};
    mdl_arrivals *a = mdl_arrivals_new(&spec);
    int32_t *input = calloc(REQUESTS, sizeof *input), *output = calloc(REQUESTS, sizeof *output);
    double sum = 0;
    assert_true(a != NULL && input != NULL && output != NULL);
    for (int i = 0; i < 2 * REQUESTS; i++) { /* the first half is not yet in equilibrium */
        mdl_arrival q;
        assert_true(mdl_arrivals_next(a, r, &q) >= 0);
        input[i % REQUESTS] = q.input;
        output[i % REQUESTS] = q.output;
        sum += i < REQUESTS ? 0 : q.input;
    }
    /* turns before one chosen at random: geometric again, 7 on average, of 150 tokens each */
    assert_close(sum / REQUESTS, 100 + 7 * 150, 0.05);
    double rate = 0;
    for (uint64_t seed = 1; seed <= 40; seed++) { /* 2000 requests are 250 conversations: 6 % each */
        rate += nominal_with(&sessions, seed) / 40;
    }
    assert_close(rate, mdl_saturation_rate(&engine, input, output, REQUESTS, 0), 0.04);
    mdl_arrivals_free(a);
    gsl_rng_free(r);
    free(input);
    free(output);
}

/*
 * All begin together and stay so: one step reads every prompt (10 us a token, but no less than 5 ms), 49 more take 5
 * ms, and 5 ns for each of some 125 tokens of each of them.
 */
static void test_closed_by_hand(void **state)
{
    (void)state;
    const int32_t input = 100, output = 50;
    for (int64_t inside = 1; inside <= 20; inside += inside < 4 ? 1 : 8) {
        const double prompts_s = 10e-6 * (1.0 + 100.0 * (double)inside);
        const double all_s = (prompts_s > 5e-3 ? prompts_s : 5e-3) + 49 * (5e-3 + (double)inside * 125 * 5e-9);
        assert_close(mdl_closed_rate(&engine, &input, &output, 1, 0, inside), (double)inside / all_s, 1e-3);
    }
    assert_true(mdl_closed_rate(&engine, &input, &output, 1, 0, 0) == 0.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_closed_by_hand),
        cmocka_unit_test(test_turns_by_hand),
        cmocka_unit_test(test_long_ones_weigh),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
