/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_fleet_theory.c - the whole fleet against queueing theory, short: what `make theory` does at length.
 *
 * Fixed seeds, 20 runs each: the 99 % intervals are some per cent wide here, and the bias asked for is chosen to them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/theory/queues.h"

#define EXPONENTIAL                                                                                                    \
    {                                                                                                                  \
        .kind = MDL_SERVICE_EXPONENTIAL, .mean_s = 1                                                                   \
    }

static void test_waits(void **state)
{
    static const queue_case cases[] = {
        {"M/M/1 0.5", 1, 0.5, EXPONENTIAL, 1, 20, 2e4, 0.03},
        {"M/M/1 0.8", 1, 0.8, EXPONENTIAL, 1, 20, 3e4, 0.05},
        {"M/M/2 0.7", 2, 0.7, EXPONENTIAL, 1, 20, 3e4, 0.05},
        {"M/M/16 0.9", 16, 0.9, EXPONENTIAL, 1, 20, 5e4, 0.08},
        {"M/D/1 0.8", 1, 0.8, {.kind = MDL_SERVICE_FIXED, .mean_s = 1}, 0, 20, 2e4, 0.05},
        {"M/E4/1 0.7", 1, 0.7, {.kind = MDL_SERVICE_ERLANG, .mean_s = 1, .stages = 4}, 0.25, 20, 2e4, 0.05},
        {"M/H2/1 0.6, cv2 4", 1, 0.6, {.kind = MDL_SERVICE_HYPEREXP, .mean_s = 1, .cv2 = 4}, 4, 20, 4e4, 0.08},
    };
    int bad = 0;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bad += queue_check(&cases[i], 7 + i, 2);
    }
    assert_int_equal(bad, 0);
}

/* The check itself must be able to fail: a closed form for another utilisation is refused. */
static void test_wrong_theory_is_refused(void **state)
{
    queue_case q = {"M/M/1 0.7 taken for cv2 1.5", 1, 0.7, EXPONENTIAL, 1.5, 20, 2e4, 0.05};

    (void)state;
    assert_int_equal(queue_check(&q, 7, 2), 1);
}

/* Rows of the request hook, for a second reading of the same run. */
typedef struct rows {
    int64_t (*at)[2]; /* sent, end */
    size_t count, cap;
} rows;

static int keep(void *user, const fleet_request *q)
{
    rows *r = user;

    if (r->count == r->cap) {
        r->cap = r->cap == 0 ? 1024 : r->cap * 2;
        r->at = realloc(r->at, r->cap * sizeof *r->at);
        assert_non_null(r->at);
    }
    r->at[r->count][0] = q->sent_ns;
    r->at[r->count++][1] = q->done_ns;
    return 0;
}

/* Little's law from the outside: area under the number in the system, from nothing but the rows written. */
static void test_little(void **state)
{
    queue_case q = {"", 1, 0.8, EXPONENTIAL, 1, 1, 2e4, 1};
    rows r = {NULL, 0, 0};
    fleet_hooks hooks = {.request = keep, .user = &r};
    world w;
    char err[400] = "";
    __extension__ __int128 area = 0;
    res_run *run;
    int64_t end;

    (void)state;
    queue_world(&w, &q);
    run = fleet_run(world_scenario(&w), 3, 0, &hooks, err, sizeof err);
    assert_non_null(run);
    end = w.sc.duration_ns;
    for (size_t i = 0; i < r.count; i++) {
        area += (r.at[i][1] >= 0 ? r.at[i][1] : end) - r.at[i][0];
    }
    assert_true(r.count == run->host.requests);
    assert_true(area == run->in_system_area_ns);
    assert_true(area == run->sojourn_sum_ns);
    free(r.at);
    res_free(run);
}

static void test_jobs_do_not_matter(void **state)
{
    queue_case q = {"", 2, 0.8, EXPONENTIAL, 1, 1, 5e3, 1};
    res_run *one[6], *three[6];
    exp_options options = {.seed = 5, .replications = 6, .jobs = 1};
    world w;
    char err[400] = "";

    (void)state;
    queue_world(&w, &q);
    assert_int_equal(exp_replicate(world_scenario(&w), &options, one, err, sizeof err), 0);
    options.jobs = 3;
    assert_int_equal(exp_replicate(world_scenario(&w), &options, three, err, sizeof err), 0);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(one[i]->replication, i);
        assert_true(world_same(one[i], three[i]));
        assert_false(world_same(one[i], three[(i + 1) % 6]));
    }
    for (int i = 0; i < 6; i++) {
        res_free(one[i]);
        res_free(three[i]);
    }
}

/* The share that is lost at replicas that hold one request each, and none that wait, of a requests/s and more than
 * 100 000: losses come together for about a second, so its standard deviation is about 0.002. */
static double lost_share(int32_t replicas, double a, sc_router router)
{
    world w;
    res_run *run;
    double lost;

    world_init(&w);
    w.workloads[0].replicas = replicas;
    w.services[0].router = router;
    w.services[0].station = (mdl_station_config){.servers = 1, .max_waiting = 0};
    w.traffic[0].arrivals.rate_per_s = a;
    w.sc.tick_ns = w.sc.observation.scrape_ns = (int64_t)3600 * SPW_NS_PER_S;
    w.sc.warmup_ns = (int64_t)60 * SPW_NS_PER_S;
    w.sc.duration_ns = (int64_t)50060 * SPW_NS_PER_S;
    run = world_run(&w, 11);
    lost = (double)run->requests.rejected / (double)run->requests.offered;
    res_free(run);
    return lost;
}

/* Three replicas: whoever is refused by one asks the others, so that any
 * router loses what Erlang's loss formula says, and none while a replica is idle. */
static void test_loss(void **state)
{
    static const sc_router routers[] = {SC_ROUTER_RANDOM,      SC_ROUTER_ROUND_ROBIN, SC_ROUTER_LEAST_OUTSTANDING,
                                        SC_ROUTER_TWO_CHOICES, SC_ROUTER_LEAST_KV,    SC_ROUTER_SESSION};
    const double a = 2, loss = (a * a * a / 6) / (1 + a + a * a / 2 + a * a * a / 6);

    (void)state;
    for (size_t i = 0; i < sizeof routers / sizeof routers[0]; i++) {
        const double lost = lost_share(3, a, routers[i]);

        if (!(fabs(lost - loss) < 0.006)) {
            fail_msg("router %d: %.4f, by Erlang's formula %.4f", (int)routers[i], lost, loss);
        }
    }
}

/* The share of requests that are lost where one that meets k of n replicas busy goes in with probability enters[k]: a
 * birth and death process at a offered load of a. */
static double loss_of(double a, int n, const double *enters)
{
    double p = 1, sum = 1, lost = 1 - enters[0];

    for (int k = 1; k <= n; k++) {
        p *= a * enters[k - 1] / k;
        sum += p;
        lost += p * (1 - enters[k]);
    }
    return lost / sum;
}

/* Six replicas that hold one request each: three are asked. At random, a request that meets k busy ones is lost if all
 * three are of those: C(k,3) / C(6,3). Who asks the least loaded loses only what meets all busy: Erlang's formula. */
static void test_three_are_asked(void **state)
{
    static const sc_router routers[] = {SC_ROUTER_RANDOM, SC_ROUTER_LEAST_OUTSTANDING};
    static const double enters[2][7] = {{1, 1, 1, 19.0 / 20, 16.0 / 20, 10.0 / 20, 0}, {1, 1, 1, 1, 1, 1, 0}};
    const double a = 5;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const double loss = loss_of(a, 6, enters[i]);
        const double lost = lost_share(6, a, routers[i]);

        if (!(fabs(lost - loss) < 0.006)) {
            fail_msg("router %d: %.4f, by theory %.4f", (int)routers[i], lost, loss);
        }
    }
    assert_true(loss_of(a, 6, enters[0]) > loss_of(a, 6, enters[1]) + 0.03); /* else the two were not told apart */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_waits),           cmocka_unit_test(test_wrong_theory_is_refused),
        cmocka_unit_test(test_little),          cmocka_unit_test(test_loss),
        cmocka_unit_test(test_three_are_asked), cmocka_unit_test(test_jobs_do_not_matter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
