/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_outages.c - the scenarios with faults tell their story: the figures named in their first comment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/fleet/fleet.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

typedef struct story {
    sc_scenario *sc;
    res_run *run;
} story;

static story tell(const char *path, const sc_override *sets, size_t set_count)
{
    story s;
    sc_messages messages = {0};
    const sc_options options = {.sets = sets, .set_count = set_count};
    char err[256] = "";

    s.sc = sc_load(path, &options, &messages);
    if (s.sc == NULL) {
        fail_msg("%s", messages.text);
    }
    assert_int_equal(messages.warnings, 0);
    sc_messages_fini(&messages);
    s.run = fleet_run(s.sc, 1, 0, NULL, err, sizeof err);
    if (s.run == NULL) {
        fail_msg("%s", err);
    }
    const res_requests *q = &s.run->requests;
    assert_int_equal(q->offered, q->completed + q->rejected + q->timed_out + q->in_flight);
    assert_true(q->offered > 50000);
    return s;
}

static void forget(story *s)
{
    res_free(s->run);
    sc_free(s->sc);
}

/* First bin from `from_s` on in which a pool has at least so many ready replicas on average; its end in s, or -1. */
static double ready_from(const story *s, double from_s, int32_t pool, double least)
{
    const res_timeline *t = &s->run->timeline;

    for (int32_t b = 0; b < t->bins; b++) {
        const double end_s = (double)(b + 1) * (double)t->bin_ns / 1e9;

        if (end_s > from_s + (double)t->bin_ns / 1e9 &&
            t->ready_by_pool[b * s->sc->pool_count + pool] >= (float)least) {
            return end_s;
        }
    }
    return -1;
}

static uint64_t lost(const story *s)
{
    return s->run->requests.rejected + s->run->requests.timed_out;
}

/** Dark from 12:00 to 13:00, 5400 s to 9000 s. */
static void region_failover(void **state)
{
    (void)state;
    const sc_override calm[] = {{"spec.faults", "[]"}};
    story a = tell("scenarios/region-failover.yaml", NULL, 0);
    story b = tell("scenarios/region-failover.yaml", calm, COUNT(calm));
    const res_fault *f = &a.run->faults[0];
    const double over_s = ready_from(&a, 5400, 1, 5);
    const double home_s = ready_from(&a, 9000, 0, 4);
    const res_timeline *t = &a.run->timeline;

    assert_int_equal(f->windows, 1);
    assert_int_equal(f->nodes, 1);
    assert_true(f->requests > 0 && f->requests <= a.run->requests.rejected);
    assert_true(over_s > 5400 + 120 && over_s < 5400 + 720); /* boot, pull, load: not before two minutes */
    assert_true(home_s > 9000 && home_s < 9000 + 900);
    assert_true(lost(&a) > 1000 && lost(&b) < 50);
    for (int32_t bin = 0; bin < t->bins; bin++) { /* all losses lie within the failover */
        const double end_s = (double)(bin + 1) * (double)t->bin_ns / 1e9;
        if (end_s <= 5400 || end_s > over_s + 180) {
            assert_true(t->timed_out[bin] + t->rejected[bin] < 20);
        }
    }
    assert_true(t->ready_by_pool[(t->bins - 1) * a.sc->pool_count + 1] <= 0.0F); /* nothing rented stays */
    assert_true(b.run->pools[1].gpu_ns == 0);
    assert_true(a.run->cost.total_uusd > b.run->cost.total_uusd);
    forget(&a);
    forget(&b);
}

/* Completed over offered in the last quarter of an hour of the run. */
static double late_share(const story *s)
{
    const res_timeline *t = &s->run->timeline;
    double arrived = 0, done = 0;

    for (int32_t b = t->bins * 3 / 4; b < t->bins; b++) {
        arrived += t->arrivals[b];
        done += t->completed[b];
    }
    return done / arrived;
}

/** Slow from 20 to 23 minutes of an hour: with free retries it is down ever after, with a budget it is not. */
static void retry_storm(void **state)
{
    (void)state;
    const sc_override budget[] = {{"spec.services[0].retry.budget", "0.1"}};
    const sc_override none[] = {{"spec.services[0].retry.attempts", "1"}};
    const sc_override calm[] = {{"spec.faults", "[]"}};
    story a = tell("scenarios/retry-storm.yaml", NULL, 0);
    story b = tell("scenarios/retry-storm.yaml", budget, COUNT(budget));
    story c = tell("scenarios/retry-storm.yaml", none, COUNT(none));
    story d = tell("scenarios/retry-storm.yaml", calm, COUNT(calm));

    assert_true(late_share(&a) < 0.05);
    assert_true(late_share(&b) > 0.95 && late_share(&c) > 0.95 && late_share(&d) > 0.95);
    assert_true(a.run->services[0].attempts.sent > 5 * a.run->requests.offered);
    assert_true((double)b.run->services[0].attempts.sent < 1.1 * (double)b.run->requests.offered + 101);
    assert_true(b.run->services[0].attempts.denied > 0);
    assert_int_equal(c.run->services[0].attempts.sent, c.run->requests.offered);
    assert_true(lost(&d) == 0);
    forget(&a);
    forget(&b);
    forget(&c);
    forget(&d);
}

/* A slow node under three routers: who looks at loads passes it by, who deals in turn queues users on it for half an
 * hour, at most the quarter of those 30 of 55 minutes that it is dealt; and nearly nobody without the fault. */
static void slow_node(void **state)
{
    static const char *const routers[] = {"least-outstanding", "two-choices", "round-robin"};
    double share[2][3];

    (void)state;
    for (int fault = 0; fault < 2; fault++) {
        for (int i = 0; i < 3; i++) {
            const sc_override sets[] = {{"spec.services[0].router", routers[i]},
                                        {"spec.faults[0].factor", fault == 1 ? "3" : "1"}};
            story s = tell("scenarios/slow-node.yaml", sets, COUNT(sets));

            share[fault][i] = (double)lost(&s) / (double)s.run->requests.offered;
            forget(&s);
        }
        assert_true(share[fault][0] < 0.002 && share[fault][1] < 0.002);
    }
    assert_true(share[0][2] < 0.002);
    assert_true(share[1][2] > 0.05 && share[1][2] < 0.25 * 30 / 55);
}

/* No values as the day begins: thousands give up; an hour later, or as the day has settled, nobody does. A frozen value
 * in the settled day: a ratio below one, applied again and again. */
static void metric_outage(void **state)
{
    const sc_override settled[] = {{"spec.faults[0].at[0]", "7h"}};
    const sc_override frozen[] = {{"spec.faults[0].at[0]", "7h"}, {"spec.faults[0].kind", "metrics-freeze"}};
    story early = tell("scenarios/metric-outage.yaml", NULL, 0);
    story late = tell("scenarios/metric-outage.yaml", settled, COUNT(settled));
    story ice = tell("scenarios/metric-outage.yaml", frozen, COUNT(frozen));

    (void)state;
    assert_int_equal(early.run->requests.offered, late.run->requests.offered);
    assert_true(lost(&early) > 1000);
    assert_int_equal(lost(&late), 0);
    assert_true(lost(&ice) > lost(&early));
    assert_true(early.run->services[0].slo[0].minutes_violated >= 10);
    assert_int_equal(late.run->services[0].slo[0].minutes_violated, 0);
    forget(&early);
    forget(&late);
    forget(&ice);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(region_failover), cmocka_unit_test(retry_storm),
                                       cmocka_unit_test(slow_node), cmocka_unit_test(metric_outage)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
