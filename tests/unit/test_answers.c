/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * test_answers.c - conversations that go on when they are answered: against those that do not wait, against a list of
 * what is due, and in a fleet to the nanosecond. Seeds are fixed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "models/random/variates.h"
#include "models/traffic/traffic.h"
#include "sim/fleet/fleet.h"
#include "sim/kernel/rng.h"

#define SECOND INT64_C(1000000000)
#define TURNS  4

static gsl_rng *luck_of(void *self, uint64_t session, int32_t turn)
{
    gsl_rng *const *r = self;
    rng_rekey(*r, 1, 0, "sessions", session * 1000 + (uint64_t)turn);
    return *r;
}

static const mdl_lengths lengths = {.input = {.kind = MDL_LENGTH_FIXED, .fixed = 100, .min = 1, .max = 100},
                                    .output = {.kind = MDL_LENGTH_FIXED, .fixed = 50, .min = 1, .max = 50}};

static mdl_sessions sessions_of(gsl_rng **luck, bool answered)
{
    *luck = rng_stream(1, 0, "sessions", 0);
    assert_non_null(*luck);
    return (mdl_sessions){.turns = {.kind = MDL_LENGTH_FIXED, .fixed = TURNS, .min = 1, .max = 9},
                          .think = {.kind = MDL_SERVICE_EXPONENTIAL, .mean_s = 120},
                          .answered = answered,
                          .lengths = &lengths,
                          .system_tokens = 30,
                          .key = 7000,
                          .luck = luck_of,
                          .luck_self = luck};
}

static mdl_arrivals *arrivals_of(const mdl_sessions *sessions, double rate)
{
    const mdl_arrival_spec spec = {.kind = MDL_ARRIVAL_POISSON, .rate_per_s = rate, .sessions = sessions};
    mdl_arrivals *a = mdl_arrivals_new(&spec);
    assert_non_null(a);
    return a;
}

static const double rates[] = {0.001, 0.1, 20};
#define RATES (sizeof rates / sizeof *rates)

static void assert_same(const mdl_arrival *a, const mdl_arrival *b)
{
    assert_true(a->at_ns == b->at_ns && a->session == b->session && a->turn == b->turn && a->turns == b->turns);
    assert_true(a->input == b->input && a->output == b->output && a->prefix_tokens == b->prefix_tokens);
    assert_true(a->shared_tokens == b->shared_tokens && a->prefix_key == b->prefix_key && a->row == b->row);
}

/* Who is answered at once sends when those send who do not wait. */
static void answered_at_once(void **state)
{
    (void)state;
    enum { REQUESTS = 20000 };
    for (size_t k = 0; k < RATES; k++) {
        gsl_rng *luck[2], *r[2];
        const mdl_sessions open = sessions_of(&luck[0], false), closed = sessions_of(&luck[1], true);
        mdl_arrivals *a[2] = {arrivals_of(&open, rates[k]), arrivals_of(&closed, rates[k])};
        mdl_arrival now, next, expected;
        for (size_t i = 0; i < 2; i++) {
            r[i] = rng_stream(3, 0, "arrivals", k);
        }
        (void)mdl_arrivals_next(a[1], r[1], &next);
        for (int i = 0; i < REQUESTS; i++) {
            now = next;
            (void)mdl_arrivals_next(a[0], r[0], &expected);
            assert_same(&now, &expected);
            (void)mdl_arrivals_next(a[1], r[1], &next);
            const int earlier = mdl_arrivals_answered(a[1], &now, now.at_ns, &next);
            assert_true(earlier == 0 || earlier == 1);
            if (earlier == 1) {
                (void)mdl_arrivals_next(a[1], r[1], &next);
            }
        }
        for (size_t i = 0; i < 2; i++) {
            mdl_arrivals_free(a[i]);
            gsl_rng_free(r[i]);
            gsl_rng_free(luck[i]);
        }
    }
}

typedef struct answer {
    int64_t at_ns;
    mdl_arrival turn;
} answer;

/* Answers take a moment or minutes, and one in ten never comes: a turn is sent when it is due after the answer to the
 * one before, in the order of time, conversations begin when they would have anyway, and nobody is forgotten. */
static void answered_some_time(void **state)
{
    (void)state;
    enum { REQUESTS = 20000, UNDER_WAY = 4000 };
    static int64_t due[REQUESTS]; /* of a conversation: its next turn; 0 = not answered */
    static int32_t turn[REQUESTS];
    static answer answers[UNDER_WAY];
    for (size_t k = 0; k < RATES; k++) {
        gsl_rng *luck[2], *r = rng_stream(3, 0, "arrivals", k), *begins_r = rng_stream(3, 0, "arrivals", k);
        gsl_rng *delays = rng_stream(3, 0, "delays", k);
        const mdl_sessions open = sessions_of(&luck[0], false), closed = sessions_of(&luck[1], true);
        mdl_arrivals *a = arrivals_of(&closed, rates[k]), *begins = arrivals_of(&open, rates[k]);
        size_t under_way = 0;
        int64_t begun = 0, now = 0;
        mdl_arrival next, begin;
        memset(due, 0, sizeof due);
        memset(turn, 0, sizeof turn);
        (void)mdl_arrivals_next(a, r, &next);
        for (int i = 0; i < REQUESTS;) {
            size_t first = 0;
            for (size_t j = 1; j < under_way; j++) {
                first = answers[j].at_ns < answers[first].at_ns ? j : first;
            }
            if (under_way > 0 && answers[first].at_ns <= next.at_ns) { /* an answer */
                const answer told = answers[first];
                answers[first] = answers[--under_way];
                assert_true(told.at_ns >= now);
                now = told.at_ns;
                if (told.turn.turn + 1 < TURNS) {
                    int32_t in, out;
                    gsl_rng *own = luck_of(&luck[0], (uint64_t)told.turn.session, told.turn.turn + 1);
                    mdl_lengths_draw(&lengths, own, &in, &out);
                    due[told.turn.session] = now + mdl_service_draw(&closed.think, own);
                }
                const int earlier = mdl_arrivals_answered(a, &told.turn, now, &next);
                assert_true(earlier == 0 || earlier == 1);
                if (earlier == 1) {
                    const int64_t before = next.at_ns;
                    (void)mdl_arrivals_next(a, r, &next);
                    assert_true(next.at_ns < before);
                }
                continue;
            }
            const mdl_arrival q = next; /* a request */
            assert_true(q.at_ns >= now);
            now = q.at_ns;
            i++;
            if (q.turn == 0) {
                assert_int_equal(q.session, begun++);
                do {
                    (void)mdl_arrivals_next(begins, begins_r, &begin);
                } while (begin.turn > 0);
                assert_same(&q, &begin);
            } else {
                assert_true(due[q.session] == q.at_ns);
                assert_int_equal(q.input, 130 + 150 * q.turn);
                assert_int_equal(q.prefix_tokens, 30 + 150 * q.turn);
            }
            assert_int_equal(q.turn, turn[q.session]++);
            due[q.session] = 0;
            if (rng_uniform(delays) < 0.9) {
                assert_true(under_way < UNDER_WAY);
                answers[under_way++] = (answer){now + (int64_t)(mdl_ran_exponential(delays) * 90e9), q};
            }
            (void)mdl_arrivals_next(a, r, &next);
        }
        for (int64_t s = 0; s < begun; s++) {
            assert_true(due[s] == 0 || due[s] >= now);
        }
        mdl_arrivals_free(a);
        mdl_arrivals_free(begins);
        gsl_rng_free(r);
        gsl_rng_free(begins_r);
        gsl_rng_free(delays);
        gsl_rng_free(luck[0]);
        gsl_rng_free(luck[1]);
    }
}

typedef struct row {
    int64_t sent_ns, done_ns;
} row;

typedef struct rows {
    row *at;
    size_t count, cap;
} rows;

static int keep(void *user, const fleet_request *request)
{
    rows *all = user;
    if (all->count == all->cap) {
        all->cap = all->cap > 0 ? 2 * all->cap : 1024;
        all->at = realloc(all->at, all->cap * sizeof *all->at);
        assert_non_null(all->at);
    }
    all->at[all->count++] = (row){request->sent_ns, request->done_ns};
    return 0;
}

static int by_sending(const void *a, const void *b)
{
    const row *x = a, *y = b;
    return (x->sent_ns > y->sent_ns) - (x->sent_ns < y->sent_ns);
}

/* Rows that were sent 5 s after another was sent, or answered. */
static size_t followers(const rows *all, bool answered)
{
    size_t found = 0;
    for (size_t i = 0; i < all->count; i++) {
        const int64_t from_ns = answered ? all->at[i].done_ns : all->at[i].sent_ns;
        const row due = {.sent_ns = from_ns + 5 * SECOND};
        found += from_ns >= 0 && bsearch(&due, all->at, all->count, sizeof due, by_sending) != NULL;
    }
    return found;
}

static rows run_with(const char *from, const char *timeout)
{
    const sc_override sets[] = {
        {"spec.duration", "6h"},
        {"spec.warmup", "0s"},
        {"spec.network", "{rtt: default, jitter: default}"},
        {"spec.services[0].timeout", timeout},
        {"spec.services[0].traffic[0].rate", "0.5/s"},
        {"spec.services[0].traffic[0].sessions.turns", "{fixed: 4}"},
        {"spec.services[0].traffic[0].sessions.think", "{fixed: {mean: 5s}}"},
        {"spec.services[0].traffic[0].sessions.thinkFrom", from},
    };
    const sc_options options = {.sets = sets, .set_count = sizeof sets / sizeof *sets};
    sc_messages messages = {0};
    rows all = {0};
    const fleet_hooks hooks = {.request = keep, .user = &all};
    char err[256] = "";
    sc_scenario *sc = sc_load("scenarios/conversations.yaml", &options, &messages);
    if (sc == NULL) {
        fail_msg("%s", messages.text);
    }
    sc_messages_fini(&messages);
    res_run *run = fleet_run(sc, 1, 0, &hooks, err, sizeof err);
    if (run == NULL) {
        fail_msg("%s", err);
    }
    res_free(run);
    sc_free(sc);
    qsort(all.at, all.count, sizeof *all.at, by_sending);
    return all;
}

/* Of each conversation of four turns, three follow on another: 5 s after they have seen its answer, or sent it. About
 * 10 800 requests are 2700 conversations, of which those of the last half minute are not over. */
static void answered_in_a_fleet(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        const bool answered = i == 1;
        rows all = run_with(answered ? "answer" : "sending", "60s");
        const size_t follow = followers(&all, answered), begun = all.count - follow;
        assert_true(all.count > 9800 && all.count < 11800);
        assert_true(4 * begun >= all.count && 4 * begun - all.count < 3 * 20);
        assert_true(followers(&all, !answered) == 0);
        free(all.at);
    }
    /* nearly all answers take longer than 100 ms: a conversation whose user has given up is over */
    rows all = run_with("answer", "100ms");
    size_t answers = 0;
    for (size_t i = 0; i < all.count; i++) {
        answers += all.at[i].done_ns >= 0;
    }
    assert_true(all.count > 2300 && all.count < 3100);
    assert_true(answers < 0.1 * (double)all.count && followers(&all, true) <= answers);
    free(all.at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answered_at_once),
        cmocka_unit_test(answered_some_time),
        cmocka_unit_test(answered_in_a_fleet),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
