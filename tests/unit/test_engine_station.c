/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_engine_station.c - the station engine against Lindley's recursion (one server) and against a model that looks at
 * every server for every customer (c servers), and its edges by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "models/engine/engine.h"
#include "tests/support/choice.h"

#define CUSTOMERS   500
#define MAX_SERVERS 20
#define EVENTS      8

typedef struct history {
    int64_t arrival_ns[CUSTOMERS], service_ns[CUSTOMERS];
    int64_t patience_ns[CUSTOMERS]; /* leaves then; -1: never */
    int64_t started_ns[CUSTOMERS], done_ns[CUSTOMERS];
    uint32_t handle[CUSTOMERS];
    bool gone[CUSTOMERS];
} history;

static void draw(history *h, uint64_t seed, int64_t mean_gap_ns, bool impatient)
{
    choice c;
    choice_seed(&c, seed);
    int64_t at_ns = 0;
    for (size_t i = 0; i < CUSTOMERS; i++) {
        at_ns += choice_chance(&c, 1, 5) ? 0 : choice_range(&c, 0, 2 * mean_gap_ns);
        h->arrival_ns[i] = at_ns;
        h->service_ns[i] = choice_range(&c, 0, 200);
        h->patience_ns[i] = impatient && choice_chance(&c, 1, 4) ? choice_range(&c, 0, 500) : -1;
        h->started_ns[i] = -1;
        h->done_ns[i] = -1;
        h->gone[i] = false;
    }
}

static void collect(mdl_engine *e, history *h, int64_t until_ns)
{
    int64_t last_ns = 0;
    while (mdl_engine_next(e) <= until_ns) {
        mdl_event events[EVENTS];
        int64_t now_ns = mdl_engine_next(e);
        size_t n;
        do {
            n = mdl_engine_advance(e, now_ns, events, EVENTS);
            for (size_t i = 0; i < n; i++) {
                assert_true(events[i].at_ns >= last_ns && events[i].at_ns <= now_ns);
                last_ns = events[i].at_ns;
                assert_false(h->gone[events[i].tag]);
                if (events[i].kind == MDL_STARTED) {
                    h->started_ns[events[i].tag] = events[i].at_ns;
                } else if (events[i].kind == MDL_DONE) {
                    h->done_ns[events[i].tag] = events[i].at_ns;
                }
            }
        } while (n == EVENTS);
    }
}

/* The first customer whose patience ends before or at until_ns and who is still there; -1 if none. */
static int first_to_leave(const history *h, size_t arrived, int64_t until_ns)
{
    int first = -1;
    for (size_t i = 0; i < arrived; i++) {
        int64_t at_ns = h->arrival_ns[i] + h->patience_ns[i];
        bool there = h->patience_ns[i] >= 0 && !h->gone[i] && (h->done_ns[i] < 0 || h->done_ns[i] > at_ns);
        if (there && at_ns <= until_ns && (first < 0 || at_ns < h->arrival_ns[first] + h->patience_ns[first])) {
            first = (int)i;
        }
    }
    return first;
}

static void play_until(mdl_engine *e, history *h, size_t arrived, int64_t until_ns)
{
    for (int i; (i = first_to_leave(h, arrived, until_ns)) >= 0;) {
        int64_t at_ns = h->arrival_ns[i] + h->patience_ns[i];
        collect(e, h, at_ns);
        if (h->done_ns[i] < 0) {
            mdl_engine_cancel(e, at_ns, h->handle[i]);
            h->gone[i] = true;
        }
    }
    collect(e, h, until_ns);
}

static void play(history *h, int32_t servers, mdl_load *load)
{
    mdl_station_config config = {.servers = servers, .max_waiting = CUSTOMERS};
    mdl_engine *e = mdl_station_new(&config);
    assert_non_null(e);
    for (size_t i = 0; i < CUSTOMERS; i++) {
        play_until(e, h, i, h->arrival_ns[i]);
        mdl_work work = {.tag = (uint32_t)i, .service_ns = h->service_ns[i]};
        h->handle[i] = mdl_engine_submit(e, h->arrival_ns[i], &work);
        assert_true(h->handle[i] != MDL_REFUSED);
    }
    play_until(e, h, CUSTOMERS, MDL_NEVER - 1);
    mdl_engine_load(e, h->arrival_ns[CUSTOMERS - 1] + 1000000, load);
    mdl_engine_free(e);
}

/* W(n+1) = max(0, W(n) + S(n) - T(n)) */
static void one_server_follows_lindley(void **state)
{
    (void)state;
    static history h;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        draw(&h, seed, 60 + 5 * (int64_t)seed, false);
        mdl_load load;
        play(&h, 1, &load);
        int64_t wait_ns = 0;
        int64_t busy_ns = 0;
        for (size_t i = 0; i < CUSTOMERS; i++) {
            assert_int_equal(h.started_ns[i], h.arrival_ns[i] + wait_ns);
            assert_int_equal(h.done_ns[i], h.arrival_ns[i] + wait_ns + h.service_ns[i]);
            busy_ns += h.service_ns[i];
            if (i + 1 < CUSTOMERS) {
                wait_ns += h.service_ns[i] - (h.arrival_ns[i + 1] - h.arrival_ns[i]);
                wait_ns = wait_ns > 0 ? wait_ns : 0;
            }
        }
        assert_int_equal(load.busy_ns, busy_ns);
        assert_int_equal(load.completed, CUSTOMERS);
    }
}

/* Each customer takes the server that is free first; one who leaves while waiting is passed over, one who leaves in
 * service frees the server then. */
static void many_servers_follow_the_slow_model(void **state)
{
    (void)state;
    static history h;
    size_t left = 0;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        int32_t servers = (int32_t)(2 + seed % (MAX_SERVERS - 1));
        draw(&h, seed, 50 / servers + 2 * (int64_t)(seed % 30), seed % 2 == 0);
        mdl_load load;
        play(&h, servers, &load);
        int64_t free_ns[MAX_SERVERS] = {0};
        int64_t busy_ns = 0;
        for (size_t i = 0; i < CUSTOMERS; i++) {
            int32_t best = 0;
            for (int32_t k = 1; k < servers; k++) {
                best = free_ns[k] < free_ns[best] ? k : best;
            }
            int64_t start_ns = free_ns[best] > h.arrival_ns[i] ? free_ns[best] : h.arrival_ns[i];
            int64_t end_ns = start_ns + h.service_ns[i];
            int64_t leave_ns = h.patience_ns[i] >= 0 ? h.arrival_ns[i] + h.patience_ns[i] : INT64_MAX;
            if (leave_ns < start_ns) { /* at the very start: it began */
                left++;
                assert_int_equal(h.done_ns[i], -1);
                continue;
            }
            bool leaves = leave_ns < end_ns;
            int64_t until_ns = leaves ? leave_ns : end_ns;
            left += leaves;
            free_ns[best] = until_ns;
            busy_ns += until_ns - start_ns;
            assert_int_equal(h.done_ns[i], leaves ? -1 : end_ns);
            assert_true(h.started_ns[i] == start_ns || (leaves && h.started_ns[i] == -1));
        }
        assert_int_equal(load.busy_ns, busy_ns / servers);
    }
    assert_true(left > 500);
}

static void loss_system_and_refusals(void **state)
{
    (void)state;
    mdl_station_config config = {.servers = 2, .max_waiting = 0};
    mdl_engine *e = mdl_station_new(&config);
    mdl_work work = {.tag = 1, .service_ns = 10};
    assert_true(mdl_engine_submit(e, 0, &work) != MDL_REFUSED);
    work.tag = 2;
    work.service_ns = 20;
    uint32_t second = mdl_engine_submit(e, 0, &work);
    assert_true(second != MDL_REFUSED);
    work.tag = 3;
    assert_int_equal(mdl_engine_submit(e, 5, &work), MDL_REFUSED);
    mdl_engine_cancel(e, 6, second);
    assert_true(mdl_engine_submit(e, 6, &work) != MDL_REFUSED);
    assert_int_equal(mdl_engine_next(e), 10);
    work.service_ns = -1;
    assert_int_equal(mdl_engine_submit(e, 30, &work), MDL_REFUSED);
    mdl_engine_free(e);
    config.servers = 0;
    assert_null(mdl_station_new(&config));
    config.servers = 1;
    config.max_waiting = -1;
    assert_null(mdl_station_new(&config));
}

static void evict_and_tags(void **state)
{
    (void)state;
    mdl_station_config config = {.servers = 2, .max_waiting = 10};
    mdl_engine *e = mdl_station_new(&config);
    for (uint32_t i = 0; i < 5; i++) {
        mdl_work work = {.tag = 20 + i, .service_ns = 100};
        assert_true(mdl_engine_submit(e, i, &work) != MDL_REFUSED);
    }
    mdl_load load;
    mdl_engine_load(e, 10, &load);
    assert_int_equal(load.running, 2);
    assert_int_equal(load.waiting, 3);
    assert_int_equal(load.busy_ns, (10 + 9) / 2);
    mdl_engine_prefetch_state(e);
    mdl_engine_prefetch(e);
    const mdl_expected expected = mdl_engine_expect(e);
    assert_int_equal(expected.ends, 20);
    assert_int_equal(expected.begins, 20); /* has started, not told yet */
    uint32_t tags[4];
    assert_int_equal(mdl_engine_tags(e, tags, 2), 5);
    assert_int_equal(tags[1], 21);
    assert_int_equal(mdl_engine_evict(e, 50, tags, 4), 4);
    assert_int_equal(tags[3], 23);
    assert_int_equal(mdl_engine_evict(e, 50, tags, 4), 1);
    assert_int_equal(mdl_engine_evict(e, 50, tags, 4), 0);
    assert_int_equal(mdl_engine_expect(e).ends, MDL_REFUSED);
    assert_int_equal(mdl_engine_next(e), MDL_NEVER);
    mdl_event events[EVENTS];
    assert_int_equal(mdl_engine_advance(e, 1000, events, EVENTS), 0);
    mdl_engine_free(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_server_follows_lindley),
        cmocka_unit_test(many_servers_follow_the_slow_model),
        cmocka_unit_test(loss_system_and_refusals),
        cmocka_unit_test(evict_and_tags),
    };
    return cmocka_run_group_tests_name("engine_station", tests, NULL, NULL);
}
