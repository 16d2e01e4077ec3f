/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_crowds.c - the scenarios about traffic tell their story: the figures named in their first comment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/fleet/fleet.h"
#include "sim/stats/stats.h"
#include "tests/support/close.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

typedef struct figures {
    double offered, lost;  /* requests */
    double network_s;      /* mean */
    double busiest, least; /* arrivals/s of the busiest and the quietest hour behind the warm-up */
    double violated;       /* minutes */
    double rented_gpu_h;
    double hit_share; /* of the prompt tokens */
    double ttft_s;    /* mean */
} figures;

static figures tell(const char *path, const sc_override *sets, size_t set_count, uint64_t seed)
{
    const sc_options options = {.sets = sets, .set_count = set_count};
    sc_messages messages = {0};
    char err[256] = "";
    figures f = {.least = INFINITY};

    sc_scenario *sc = sc_load(path, &options, &messages);
    if (sc == NULL) {
        fail_msg("%s", messages.text);
    }
    assert_int_equal(messages.warnings, 0);
    sc_messages_fini(&messages);
    res_run *run = fleet_run(sc, seed, 0, NULL, err, sizeof err);
    if (run == NULL) {
        fail_msg("%s", err);
    }
    const res_requests *q = &run->requests;
    assert_int_equal(q->offered, q->completed + q->rejected + q->timed_out + q->in_flight);
    f.offered = (double)q->offered;
    f.lost = (double)(q->rejected + q->timed_out);
    f.network_s = stat_hist_mean(run->latency.network) / 1e9;
    f.ttft_s = stat_hist_mean(run->latency.ttft) / 1e9;
    f.hit_share = (double)run->services[0].tokens_cached /
                  (double)(run->services[0].tokens_cached + run->services[0].tokens_prefill);
    f.violated = (double)run->services[0].slo[0].minutes_violated;
    for (int32_t p = 0; p < sc->pool_count; p++) {
        f.rented_gpu_h += p > 0 ? (double)run->pools[p].gpu_ns / 3.6e12 : 0;
    }
    const int32_t bins = (int32_t)(INT64_C(3600000000000) / run->timeline.bin_ns);
    for (int32_t from = bins; from + bins <= run->timeline.bins; from += bins) {
        double sum = 0;
        for (int32_t b = from; b < from + bins; b++) {
            sum += run->timeline.arrivals[b];
        }
        f.busiest = fmax(f.busiest, sum / 3600);
        f.least = fmin(f.least, sum / 3600);
    }
    res_free(run);
    sc_free(sc);
    return f;
}

/** As many extra users in a spike and in a slow ramp; cards that idle do not help against the spike, replicas do. */
static void flash_crowd(void **state)
{
    (void)state;
    static const char path[] = "scenarios/flash-crowd.yaml";
    const sc_override ramp[] = {
        {"spec.services[0].traffic[0].crowds[0]", "{kind: ramp, at: 1h, factor: 2.7, rise: 30m, decay: 30m}"}};
    const sc_override own[] = {{"spec.clusters[0].pools[0].nodes", "2"}};
    const sc_override ready[] = {{"spec.clusters[0].pools[0].nodes", "2"},
                                 {"HorizontalPodAutoscaler/chat:spec.minReplicas", "16"}};
    for (uint64_t seed = 1; seed <= 3; seed++) {
        const figures spike = tell(path, NULL, 0, seed), slow = tell(path, ramp, COUNT(ramp), seed),
                      owned = tell(path, own, COUNT(own), seed), held = tell(path, ready, COUNT(ready), seed);
        /* 3.75 h of 25/s, and an excess of 5 x 25/s over 15 + 600 s, or 1.7 x 25/s over 1800 s */
        assert_within(spike.offered, 25 * 13500 + 125 * 615, 4 * sqrt(414375));
        assert_within(slow.offered, 25 * 13500 + 42.5 * 1800, 4 * sqrt(414000));
        assert_true(spike.lost > 0.03 * spike.offered && spike.violated >= 5);
        assert_true(slow.lost < 10 && slow.violated < 1);
        assert_true(spike.rented_gpu_h > 4 * slow.rented_gpu_h);
        assert_true(owned.lost > 0.4 * spike.lost);
        assert_true(held.lost < 10);
    }
}

/** The same requests in a day: the sum of three days is flat where each has the own sun, and steep under one. */
static void follow_the_sun(void **state)
{
    (void)state;
    static const char path[] = "scenarios/follow-the-sun.yaml";
    const sc_override one_sun[] = {{"spec.regions[1].utcOffset", "+08:00"}, {"spec.regions[2].utcOffset", "+08:00"}};
    const figures three = tell(path, NULL, 0, 1), one = tell(path, one_sun, COUNT(one_sun), 1);
    /* cosines of 24.5 +- 21.5: under one sun 3 x 46 at the height */
    assert_true(one.busiest > 0.97 * 138 && one.least < 12);
    assert_true(three.busiest < 0.72 * 138 && three.least > 45);
    assert_true(three.lost < 1 && three.violated < 1);
    assert_true(one.lost > 0.05 * one.offered && one.violated > 240);
    /* a third of the requests from everywhere to everywhere: the mean of the nine round trips of tables/rtt.csv */
    assert_close(three.network_s, (1 + 225 + 220 + 225 + 4 + 92 + 220 + 91 + 2) / 9.0 / 1e3, 0.03);
}

/** Where a conversation stays its prefix is found, as long as there is room for all of them. */
static void conversations(void **state)
{
    (void)state;
    static const char path[] = "scenarios/conversations.yaml";
    const sc_override turn[] = {{"spec.services[0].router", "round-robin"}};
    const sc_override many[] = {{"spec.services[0].traffic[0].rate", "4/s"}};
    const sc_override slow[] = {{"spec.services[0].traffic[0].sessions.think.exponential.mean", "10m"}};
    const sc_override flood[] = {{"spec.services[0].traffic[0].rate", "12/s"}};
    const sc_override patient[] = {flood[0], {"spec.services[0].traffic[0].sessions.thinkFrom", "answer"}};
    for (uint64_t seed = 1; seed <= 3; seed++) {
        const figures stay = tell(path, NULL, 0, seed), move = tell(path, turn, 1, seed),
                      full = tell(path, many, 1, seed), late = tell(path, slow, 1, seed),
                      over = tell(path, flood, 1, seed), wait = tell(path, patient, COUNT(patient), seed);
        assert_true(stay.hit_share > 0.6 && move.hit_share < 0.3);
        assert_true(stay.ttft_s < 0.65 * move.ttft_s);
        assert_true(full.hit_share < 0.4 && late.hit_share < 0.4);
        /* who waits for an answer before asking again asks less of a service that is too slow */
        assert_true(over.lost > 0.1 * over.offered && wait.lost < 0.03 * wait.offered);
        assert_true(wait.offered < 0.98 * over.offered && wait.ttft_s < 0.6 * over.ttft_s);
    }
}

typedef struct shares {
    double lost[2], ttft_s[2]; /* paying, free: lost of the offered; 95th percentile */
} shares;

static shares tell_tenants(const sc_override *sets, size_t set_count, uint64_t seed)
{
    const sc_options options = {.sets = sets, .set_count = set_count};
    sc_messages messages = {0};
    char err[256] = "";
    shares s;
    sc_scenario *sc = sc_load("scenarios/noisy-tenant.yaml", &options, &messages);
    if (sc == NULL) {
        fail_msg("%s", messages.text);
    }
    sc_messages_fini(&messages);
    res_run *run = fleet_run(sc, seed, 0, NULL, err, sizeof err);
    if (run == NULL) {
        fail_msg("%s", err);
    }
    assert_int_equal(run->tenant_count, 2);
    assert_string_equal(sc->tenants[0], "paying");
    const res_tenant *t = run->tenants;
    /* all traffic has a tenant: their sums are the totals */
    assert_int_equal(t[0].requests.offered + t[1].requests.offered, run->requests.offered);
    assert_int_equal(t[0].requests.completed + t[1].requests.completed, run->requests.completed);
    assert_int_equal(t[0].requests.rejected + t[1].requests.rejected, run->requests.rejected);
    assert_int_equal(t[0].requests.timed_out + t[1].requests.timed_out, run->requests.timed_out);
    assert_int_equal(t[0].requests.in_flight + t[1].requests.in_flight, run->requests.in_flight);
    assert_int_equal(stat_hist_count(t[0].latency.e2e) + stat_hist_count(t[1].latency.e2e),
                     stat_hist_count(run->latency.e2e));
    assert_int_equal(stat_hist_count(t[0].latency.ttft) + stat_hist_count(t[1].latency.ttft),
                     stat_hist_count(run->latency.ttft));
    assert_int_equal(t[0].good + t[1].good, run->services[0].good);
    assert_int_equal(t[0].shed + t[1].shed, run->services[0].attempts.shed);
    for (int k = 0; k < 2; k++) {
        s.lost[k] = (double)(t[k].requests.rejected + t[k].requests.timed_out) / (double)t[k].requests.offered;
        s.ttft_s[k] = (double)stat_hist_quantile(t[k].latency.ttft, 0.95) / 1e9;
    }
    res_free(run);
    sc_free(sc);
    return s;
}

/** A crowd of the free tenant: a reserve at the door and priority within keep it from the paying one. */
static void noisy_tenant(void **state)
{
    (void)state;
    const sc_override alike[] = {{"spec.services[0].admission.reserved", "0"}};
    const sc_override open[] = {{"spec.services[0].admission.perReplica", "100000"}};
    const sc_override flat[] = {{"spec.services[0].admission.perReplica", "100000"},
                                {"spec.services[0].traffic[0].priority", "1"}};
    for (uint64_t seed = 1; seed <= 3; seed++) {
        const shares kept = tell_tenants(NULL, 0, seed), shed = tell_tenants(alike, 1, seed),
                     wait = tell_tenants(open, 1, seed), all = tell_tenants(flat, 2, seed);
        assert_true(kept.lost[0] < 1e-4 && kept.lost[1] > 0.04 && kept.ttft_s[1] < 1);
        assert_true(shed.lost[0] > 0.003 && shed.lost[1] < kept.lost[1]);
        assert_true(wait.lost[0] < 0.002 && wait.ttft_s[0] < 1 && wait.ttft_s[1] > 20);
        assert_true(all.lost[0] > 5 * wait.lost[0] && all.lost[0] > 0.005);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(flash_crowd), cmocka_unit_test(follow_the_sun),
                                       cmocka_unit_test(conversations), cmocka_unit_test(noisy_tenant)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
