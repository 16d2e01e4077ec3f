/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * test_traffic_talks.c - conversations turn by turn, worked by hand; joint lengths and the law of turns against their
 * closed forms. Seeds are fixed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <gsl/gsl_statistics_double.h>
#include <stdlib.h>

#include "models/traffic/traffic.h"
#include "sim/kernel/rng.h"
#include "tests/support/close.h"

#define HOUR   INT64_C(3600000000000)
#define SECOND INT64_C(1000000000)

typedef struct luck {
    gsl_rng *r;
    uint64_t seed;
} luck;

static gsl_rng *luck_of(void *self, uint64_t session, int32_t turn)
{
    luck *l = self;
    rng_rekey(l->r, l->seed, 0, "sessions", session * 1000 + (uint64_t)turn);
    return l->r;
}

static const mdl_length_law hundred = {.kind = MDL_LENGTH_FIXED, .fixed = 100, .min = 1, .max = 100};
static const mdl_length_law fifty = {.kind = MDL_LENGTH_FIXED, .fixed = 50, .min = 1, .max = 50};

static mdl_sessions sessions_of(luck *l, const mdl_lengths *lengths, mdl_length_law turns, mdl_service_law think)
{
    l->r = rng_stream(1, 0, "sessions", 0);
    l->seed = 1;
    assert_non_null(l->r);
    return (mdl_sessions){
        .turns = turns, .think = think, .lengths = lengths, .key = 7000, .luck = luck_of, .luck_self = l};
}

/* Three turns, ten seconds apart: 30 + 100 in; that, its 50 out and 100 new; and once more. */
static void test_turns_by_hand(void **state)
{
    (void)state;
    enum { REQUESTS = 3000 };
    static int64_t begun[REQUESTS], seen_turn[REQUESTS];
    luck l;
    const mdl_lengths lengths = {.input = hundred, .output = fifty};
    mdl_sessions sessions =
        sessions_of(&l, &lengths, (mdl_length_law){.kind = MDL_LENGTH_FIXED, .fixed = 3, .min = 1, .max = 9},
                    (mdl_service_law){.kind = MDL_SERVICE_FIXED, .mean_s = 10});
    sessions.system_tokens = 30;
    const mdl_arrival_spec spec = {.kind = MDL_ARRIVAL_POISSON, .rate_per_s = 2, .sessions = &sessions};
    mdl_arrivals *a = mdl_arrivals_new(&spec);
    gsl_rng *r = rng_stream(3, 0, "arrivals", 0);
    int64_t before = 0;
    for (int i = 0; i < REQUESTS; i++) {
        static const int32_t input[] = {130, 280, 430}, prefix[] = {0, 180, 330};
        mdl_arrival q;
        assert_true(mdl_arrivals_next(a, r, &q) >= before);
        before = q.at_ns;
        assert_true(q.session >= 0 && q.session < REQUESTS && q.turn >= 0 && q.turn < 3 && q.row == SIZE_MAX);
        assert_int_equal(q.turn, seen_turn[q.session]++);
        if (q.turn == 0) {
            begun[q.session] = q.at_ns;
        }
        assert_true(q.at_ns == begun[q.session] + q.turn * 10 * SECOND);
        assert_int_equal(q.input, input[q.turn]);
        assert_int_equal(q.prefix_tokens, prefix[q.turn]);
        assert_int_equal(q.output, 50);
        assert_int_equal(q.shared_tokens, 30);
        assert_true(q.prefix_key == 7000 + (uint64_t)q.session);
    }
    /* what the rate counts are requests: 3000 of them in about 1500 s, after the first 20 s */
    assert_within((double)before / 1e9, 1500 + 10, 4 * sqrt(3.0 * REQUESTS) / 2);
    gsl_rng_free(r);
    gsl_rng_free(l.r);
    mdl_arrivals_free(a);
}

/*
 * Thoughts from a moment to half an hour, in traffic from next to nothing to many at a time: turns come in the order of
 * time, each when its own luck says, and none that is due is missing.
 */
static void test_order_of_turns(void **state)
{
    (void)state;
    enum { REQUESTS = 20000, TURNS = 4 };
    static int64_t due[REQUESTS];
    static int32_t turn[REQUESTS];
    const double rates[] = {0.001, 0.1, 20};
    const mdl_lengths lengths = {.input = hundred, .output = fifty};
    for (size_t k = 0; k < sizeof rates / sizeof *rates; k++) {
        luck l;
        mdl_sessions sessions =
            sessions_of(&l, &lengths, (mdl_length_law){.kind = MDL_LENGTH_FIXED, .fixed = TURNS, .min = 1, .max = 9},
                        (mdl_service_law){.kind = MDL_SERVICE_EXPONENTIAL, .mean_s = 120});
        const mdl_arrival_spec spec = {.kind = MDL_ARRIVAL_POISSON, .rate_per_s = rates[k], .sessions = &sessions};
        mdl_arrivals *a = mdl_arrivals_new(&spec);
        gsl_rng *r = rng_stream(3, 0, "arrivals", k);
        int64_t begun = 0, now = 0;
        assert_non_null(a);
        for (int i = 0; i < REQUESTS; i++) {
            mdl_arrival q;
            assert_true(mdl_arrivals_next(a, r, &q) >= now);
            now = q.at_ns;
            if (q.turn == 0) {
                assert_int_equal(q.session, begun++);
                turn[q.session] = 0;
            } else {
                assert_int_equal(q.turn, turn[q.session]);
                assert_true(q.at_ns == due[q.session]);
            }
            if (++turn[q.session] < TURNS) {
                int32_t in, out;
                gsl_rng *own = luck_of(&l, (uint64_t)q.session, turn[q.session]);
                mdl_lengths_draw(&lengths, own, &in, &out);
                due[q.session] = q.at_ns + mdl_service_draw(&sessions.think, own);
            }
        }
        for (int64_t s = 0; s < begun; s++) {
            assert_true(turn[s] == TURNS || due[s] >= now);
        }
        mdl_arrivals_free(a);
        gsl_rng_free(r);
        gsl_rng_free(l.r);
    }
}

/* A conversation whose next turn would be over the bound ends: 150, 300, 450 tokens in and out of turns 1 to 3. */
static void test_context_ends(void **state)
{
    (void)state;
    static const struct {
        int32_t most, turns;
    } cases[] = {{449, 2}, {450, 3}, {300, 2}, {299, 1}, {150, 1}, {0, 4}};
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        luck l;
        const mdl_lengths lengths = {.input = hundred, .output = fifty};
        mdl_sessions sessions =
            sessions_of(&l, &lengths, (mdl_length_law){.kind = MDL_LENGTH_FIXED, .fixed = 4, .min = 1, .max = 9},
                        (mdl_service_law){.kind = MDL_SERVICE_FIXED, .mean_s = 1});
        sessions.max_context = cases[k].most;
        const mdl_arrival_spec spec = {.kind = MDL_ARRIVAL_POISSON, .rate_per_s = 0.04, .sessions = &sessions};
        mdl_arrivals *a = mdl_arrivals_new(&spec);
        gsl_rng *r = rng_stream(4, 0, "arrivals", 0);
        int32_t most = 0;
        for (int i = 0; i < 200; i++) {
            mdl_arrival q;
            assert_true(mdl_arrivals_next(a, r, &q) >= 0);
            most = q.turn + 1 > most ? q.turn + 1 : most;
        }
        assert_int_equal(most, cases[k].turns);
        gsl_rng_free(r);
        gsl_rng_free(l.r);
        mdl_arrivals_free(a);
    }
}

/* Under another rate each conversation keeps its turns, its lengths and its pauses. */
static void test_luck_of_conversations(void **state)
{
    (void)state;
    enum { FIRST = 40, TURNS = 64 };
    static int32_t input[2][FIRST][TURNS];
    static int64_t pause[2][FIRST][TURNS], last[FIRST];
    const mdl_lengths lengths = {
        .input = {.kind = MDL_LENGTH_LOGNORMAL, .median = 200, .sigma = 1, .min = 1, .max = 4000},
        .output = {.kind = MDL_LENGTH_LOGNORMAL, .median = 80, .sigma = 1, .min = 1, .max = 4000},
        .correlation = 0.5};
    for (int k = 0; k < 2; k++) {
        luck l;
        const mdl_sessions sessions =
            sessions_of(&l, &lengths, (mdl_length_law){.kind = MDL_LENGTH_GEOMETRIC, .mean = 4, .min = 1, .max = TURNS},
                        (mdl_service_law){.kind = MDL_SERVICE_LOGNORMAL, .mean_s = 60, .cv2 = 2});
        const mdl_crowd crowd = {.at_ns = HOUR, .hold_ns = HOUR, .factor = 3};
        const mdl_arrival_spec spec = {.kind = MDL_ARRIVAL_POISSON,
                                       .rate_per_s = k == 0 ? 0.1 : 0.03,
                                       .sessions = &sessions,
                                       .crowds = &crowd,
                                       .crowd_count = (size_t)k};
        mdl_arrivals *a = mdl_arrivals_new(&spec);
        gsl_rng *r = rng_stream(5 + (uint64_t)k, 0, "arrivals", 0);
        mdl_arrival q;
        while (mdl_arrivals_next(a, r, &q) < 20 * HOUR) {
            if (q.session < FIRST) {
                input[k][q.session][q.turn] = q.input;
                pause[k][q.session][q.turn] = q.turn > 0 ? q.at_ns - last[q.session] : 0;
                last[q.session] = q.at_ns;
            }
        }
        gsl_rng_free(r);
        gsl_rng_free(l.r);
        mdl_arrivals_free(a);
    }
    assert_memory_equal(input[0], input[1], sizeof input[0]);
    assert_memory_equal(pause[0], pause[1], sizeof pause[0]);
    assert_true(input[0][0][0] != input[0][1][0]);
}

/* Requests per second of geometric conversations, after a warm-up of many lengths. */
static void test_rate_of_requests(void **state)
{
    (void)state;
    luck l;
    const mdl_lengths lengths = {.input = hundred, .output = fifty};
    const mdl_sessions sessions =
        sessions_of(&l, &lengths, (mdl_length_law){.kind = MDL_LENGTH_GEOMETRIC, .mean = 5, .min = 1, .max = 1000},
                    (mdl_service_law){.kind = MDL_SERVICE_EXPONENTIAL, .mean_s = 20});
    const mdl_arrival_spec spec = {.kind = MDL_ARRIVAL_POISSON, .rate_per_s = 5, .sessions = &sessions};
    mdl_arrivals *a = mdl_arrivals_new(&spec);
    gsl_rng *r = rng_stream(6, 0, "arrivals", 0);
    int n = 0;
    mdl_arrival q;
    while (mdl_arrivals_next(a, r, &q) < 11 * HOUR) {
        n += q.at_ns >= HOUR;
    }
    /* 36 000 conversations with 5 turns (variance 20): sd of the sum sqrt(36000 (20 + 25)) */
    assert_within(n, 180000, 4 * sqrt(36000 * 45.0));
    assert_close(mdl_arrivals_rate(a, HOUR), 5, 1e-12);
    gsl_rng_free(r);
    gsl_rng_free(l.r);
    mdl_arrivals_free(a);
}

static void test_geometric(void **state)
{
    (void)state;
    enum { DRAWS = 200000 };
    const mdl_length_law law = {.kind = MDL_LENGTH_GEOMETRIC, .mean = 4, .min = 1, .max = 1000000};
    gsl_rng *r = rng_stream(7, 0, "geometric", 0);
    int count[6] = {0};
    double sum = 0;
    for (int i = 0; i < DRAWS; i++) {
        const int32_t n = mdl_length_draw(&law, r);
        assert_true(n >= 1);
        sum += n;
        count[n < 6 ? n - 1 : 5]++;
    }
    for (int k = 0; k < 5; k++) { /* P(N = k + 1) = (3/4)^k / 4 */
        const double p = pow(0.75, k) / 4;
        assert_within(count[k], DRAWS * p, 4 * sqrt(DRAWS * p));
    }
    assert_within(sum / DRAWS, 4, 4 * sqrt(12.0 / DRAWS));
    assert_close(mdl_length_mean(&law), 4, 1e-9);
    const mdl_length_law cut = {.kind = MDL_LENGTH_GEOMETRIC, .mean = 4, .min = 1, .max = 3};
    assert_close(mdl_length_mean(&cut), 1 + 0.75 + 0.5625, 1e-12); /* sum of P(N >= n), n = 1, 2, 3 */
    const mdl_length_law wide = {.kind = MDL_LENGTH_LOGNORMAL, .median = 300, .sigma = 0.7, .min = 1, .max = 100000};
    assert_close(mdl_length_mean(&wide), 300 * exp(0.245), 1e-3);
    gsl_rng_free(r);
}

static int by_value(const void *a, const void *b)
{
    const int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* Marginals stay; the rank correlation is that of the copula: 6 / pi asin(rho / 2) (Kruskal 1958). */
static void check_copula(const mdl_lengths *lengths, uint64_t seed)
{
    enum { DRAWS = 100000 };
    static double in[DRAWS], out[DRAWS], work[2 * DRAWS];
    static int32_t sorted[DRAWS], alone[DRAWS];
    gsl_rng *r = rng_stream(seed, 0, "copula", 0);
    for (int i = 0; i < DRAWS; i++) {
        int32_t a, b;
        mdl_lengths_draw(lengths, r, &a, &b);
        in[i] = a;
        out[i] = b;
        sorted[i] = a;
        alone[i] = mdl_length_draw(&lengths->input, r);
    }
    const double rank = 6 / acos(-1.0) * asin(lengths->correlation / 2);
    assert_within(gsl_stats_spearman(in, 1, out, 1, DRAWS, work), rank, 0.012);
    qsort(sorted, DRAWS, sizeof *sorted, by_value);
    qsort(alone, DRAWS, sizeof *alone, by_value);
    for (int k = 1; k < 20; k++) { /* quantiles of both samples of the same law */
        assert_close(sorted[k * DRAWS / 20], alone[k * DRAWS / 20], 0.04);
    }
    gsl_rng_free(r);
}

static void test_joint(void **state)
{
    (void)state;
    int32_t values[1000];
    for (int i = 0; i < 1000; i++) {
        values[i] = 200 + 3 * i; /* ascending, all different */
    }
    mdl_lengths lengths = {
        .input = {.kind = MDL_LENGTH_LOGNORMAL, .median = 800, .sigma = 1.1, .min = 1, .max = 1000000},
        .output = {.kind = MDL_LENGTH_LOGNORMAL, .median = 200, .sigma = 0.6, .min = 1, .max = 1000000},
        .correlation = 0.6};
    check_copula(&lengths, 8);
    lengths.correlation = -0.35;
    check_copula(&lengths, 9);
    lengths.input =
        (mdl_length_law){.kind = MDL_LENGTH_EMPIRICAL, .values = values, .value_count = 1000, .min = 1, .max = 100000};
    check_copula(&lengths, 10);

    /* pairs: only those that are there, each as often as any other */
    const int32_t in[] = {10, 20, 30, 0}, out[] = {7, 5, 3, 9};
    const mdl_lengths pairs = {.pair_input = in, .pair_output = out, .pair_count = 4};
    gsl_rng *r = rng_stream(11, 0, "pairs", 0);
    int count[4] = {0};
    for (int i = 0; i < 40000; i++) {
        int32_t a, b;
        mdl_lengths_draw(&pairs, r, &a, &b);
        const int k = a == 1 ? 3 : a / 10 - 1; /* a prompt of no tokens has one */
        assert_true(k >= 0 && k < 4 && b == out[k]);
        count[k]++;
    }
    for (int k = 0; k < 4; k++) {
        assert_within(count[k], 10000, 4 * sqrt(7500));
    }
    gsl_rng_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_turns_by_hand),
        cmocka_unit_test(test_order_of_turns),
        cmocka_unit_test(test_context_ends),
        cmocka_unit_test(test_luck_of_conversations),
        cmocka_unit_test(test_rate_of_requests),
        cmocka_unit_test(test_geometric),
        cmocka_unit_test(test_joint),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
