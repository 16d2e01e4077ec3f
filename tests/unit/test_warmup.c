/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_warmup.c - where start-up ends in runs that settle and in runs that do not; one long run against M/M/1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/experiment/warmup.h"
#include "sim/fleet/fleet.h"
#include "tests/support/close.h"

#define SECOND INT64_C(1000000000)

static warmup_found settle(const char *path, const sc_override *sets, size_t set_count, double *mean, double *half)
{
    const sc_options options = {.sets = sets, .set_count = set_count};
    sc_messages messages = {0};
    char err[256] = "";
    sc_scenario *sc = sc_load(path, &options, &messages);
    if (sc == NULL) {
        fail_msg("%s", messages.text);
    }
    sc_messages_fini(&messages);
    res_run *run = fleet_run(sc, sc->seed, 0, NULL, err, sizeof err);
    if (run == NULL) {
        fail_msg("%s", err);
    }
    const warmup_found found = warmup_of(sc, &run, 1);
    *half = warmup_ttft_half_width(sc, run, mean);
    res_free(run);
    sc_free(sc);
    return found;
}

static void test_settles(void **state)
{
    (void)state;
    double mean = 0, half = 0;
    /* 8/s at 10/s: the mean time in the system is 1 / (10 - 8) s, and the first token of a station is its last */
    warmup_found found = settle("scenarios/theory-mm1.yaml", NULL, 0, &mean, &half);
    assert_true(found.stationary && !found.too_short);
    assert_true(half > 0.001 && half < 0.02);
    assert_within(mean, 0.5, 2 * half);
    const sc_override brief[] = {{"spec.duration", "8m"}, {"spec.warmup", "0s"}};
    found = settle("scenarios/theory-mm1.yaml", brief, 2, &mean, &half);
    assert_true(found.stationary && found.too_short); /* fewer than ten batches of five bins */
    /* conversations begin with none under way: turns follow for minutes before as many end as begin */
    const sc_override counted[] = {{"spec.warmup", "0s"}};
    found = settle("scenarios/conversations.yaml", counted, 1, &mean, &half);
    assert_true(found.stationary && !found.too_short);
    assert_true(found.end_ns >= 120 * SECOND && found.end_ns <= 1800 * SECOND);
}

/* Servers enough and 1 s for each request: nobody waits, and what comes out is what came in, a second later. */
static void test_constant(void **state)
{
    (void)state;
    static const char *const seeds[] = {"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"};
    for (size_t i = 0; i < sizeof seeds / sizeof seeds[0]; i++) {
        const sc_override sets[] = {
            {"spec.services[0].engine", "{kind: station, servers: 100, service: {fixed: {mean: 1s}}}"},
            {"spec.duration", "1h"},
            {"spec.warmup", "5m"},
            {"spec.seed", seeds[i]}};
        double mean = 0, half = 0;
        const warmup_found found = settle("scenarios/theory-mm1.yaml", sets, 4, &mean, &half);
        assert_true(found.stationary);
        assert_false(found.too_short);
        assert_true(found.end_ns <= 300 * SECOND);
        assert_close(mean, 1.0, 1e-9);
    }
}

static void test_never_settles(void **state)
{
    (void)state;
    static const char *const paths[] = {"scenarios/flash-crowd.yaml", "scenarios/retry-storm.yaml"};
    for (size_t i = 0; i < 2; i++) {
        double mean = 0, half = 0;
        assert_false(settle(paths[i], NULL, 0, &mean, &half).stationary);
        assert_true(isnan(half));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_settles), cmocka_unit_test(test_constant),
                                       cmocka_unit_test(test_never_settles)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
