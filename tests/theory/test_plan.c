/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_plan.c - the cheapest of 200 configurations by brute force and by plan, over a fleet of plain stations.
 *
 * Knobs: owned nodes (always paid) 0..9 and the HPA's target 20 values: owning too little rents dearly, a high target
 * lets requests wait. Brute force is 20 replications of each of the 200, plan gets a tenth of that.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/experiment/plan.h"
#include "tests/support/world.h"

#define SECOND INT64_C(1000000000)

enum {
    OWNED = 10,
    TARGETS = 20,
    POINTS = OWNED * TARGETS,
    REPLICATIONS = 20,
    SEEDS = 20,
    BUDGET = POINTS * REPLICATIONS / 10
};

static void lab(world *w, int32_t owned, int32_t target)
{
    world_init(w);
    world_groups(w, 2);
    sc_pool *own = &w->pools[0][0], *cloud = &w->pools[1][0];
    own->gpus_per_node = 2;
    own->nodes_start = own->nodes_min = own->nodes_max = owned;
    cloud->capacity = SPW_CAPACITY_ON_DEMAND;
    cloud->gpus_per_node = 1;
    cloud->nodes_start = cloud->nodes_min = 0;
    cloud->nodes_max = 40;
    cloud->price_uusd_per_gpu_h = 1400000;
    cloud->lag.boot_s = (mdl_law){.kind = MDL_LAW_LOGNORMAL, .a = 60, .b = 90};
    w->services[0].station = (mdl_station_config){.servers = 4, .max_waiting = 1 << 20};
    w->services[0].station_law = (mdl_service_law){.kind = MDL_SERVICE_HYPEREXP, .mean_s = 20, .cv2 = 6};
    w->traffic[0].arrivals = (mdl_arrival_spec){.kind = MDL_ARRIVAL_POISSON, .rate_per_s = 2};
    w->services[0].target_count = 1;
    w->targets[0][0] = (sc_target){.metric = "e2e", .percentile = 0.95, .limit_ns = 100 * SECOND};
    w->workloads[0].replicas = 8;
    w->sc.warmup_ns = 600 * SECOND;
    w->sc.duration_ns = 3600 * SECOND;
    world_hpa(w, "vllm_num_requests_running", 1200 + 140 * target, 2, 48);
    (void)world_scenario(w);
}

/* The scenario is the first member: what plan gets back and frees is the world. */
static sc_scenario *load(void *user, const int32_t *value, char *err, size_t err_size)
{
    world *w = calloc(1, sizeof *w);
    (void)user;
    if (w == NULL) {
        snprintf(err, err_size, "out of memory");
        return NULL;
    }
    lab(w, value[0], value[1]);
    return &w->sc;
}

static void unload(sc_scenario *sc)
{
    free(sc);
}

static const check limit = {.metric = "latency.e2e_s.p95", .text = "e2e.p95<=100s", .limit = 100, .at_most = true};

static plan_options options_for(const plan_knob *knobs, uint64_t seed, int32_t jobs)
{
    return (plan_options){.knobs = knobs,
                          .knob_count = 2,
                          .slos = &limit,
                          .slo_count = 1,
                          .latency = limit.metric,
                          .seed = seed,
                          .budget = BUDGET,
                          .jobs = jobs,
                          .load = load,
                          .unload = unload};
}

static void test_grid(void **state)
{
    plan_knob knobs[2];
    char err[512] = "";
    double cost[POINTS], late[POINTS];
    double *values = calloc(2 * REPLICATIONS * POINTS, sizeof *values);
    sc_scenario *settings[POINTS];
    trial *list = calloc(REPLICATIONS * POINTS, sizeof *list);
    const char *const metrics[] = {"cost.total_usd", limit.metric};

    (void)state;
    assert_true(values != NULL && list != NULL);
    assert_int_equal(plan_knob_parse("owned=0..9", &knobs[0], err, sizeof err), 0);
    assert_int_equal(plan_knob_parse("target=0..19", &knobs[1], err, sizeof err), 0);
    for (int32_t i = 0; i < POINTS; i++) {
        const int32_t value[] = {i / TARGETS, i % TARGETS};
        settings[i] = load(NULL, value, err, sizeof err);
        for (int32_t r = 0; r < REPLICATIONS; r++) {
            list[i * REPLICATIONS + r] = (trial){i, r};
        }
    }
    const trials t = {.settings = settings, .seed = 1000, .metrics = metrics, .metric_count = 2, .jobs = 2};
    assert_int_equal(trials_run(&t, list, POINTS * REPLICATIONS, values, err, sizeof err), 0);
    int32_t best = -1;
    for (int32_t i = 0; i < POINTS; i++) {
        cost[i] = late[i] = 0;
        for (int32_t r = 0; r < REPLICATIONS; r++) {
            cost[i] += values[2 * (i * REPLICATIONS + r)] / REPLICATIONS;
            late[i] += values[2 * (i * REPLICATIONS + r) + 1] / REPLICATIONS;
        }
        best = late[i] <= limit.limit && (best < 0 || cost[i] < cost[best]) ? i : best;
        unload(settings[i]);
    }
    assert_true(best >= 0);
    int near = 0, noisy = 0;
    for (int32_t i = 0; i < POINTS; i++) {
        near += late[i] <= limit.limit && cost[i] <= 1.03 * cost[best];
        noisy += fabs(late[i] / limit.limit - 1) < 0.05;
    }
    printf("brute force, %d runs: owned %d, target %d, cost %.3f, P95 %.2f s; %d within 3 %%, %d at the limit\n",
           POINTS * REPLICATIONS, best / TARGETS, best % TARGETS, cost[best], late[best], near, noisy);
    int good = 0;
    double sure = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        const plan_options o = options_for(knobs, seed, 2);
        plan p;
        assert_int_equal(plan_run(&p, &o, err, sizeof err), 0);
        assert_true(p.used <= BUDGET);
        const bool found = p.best >= 0 && fabs(cost[p.best] - cost[best]) <= 0.01 * cost[best];
        good += found;
        sure += p.best >= 0 ? p.sure / SEEDS : 0;
        for (int32_t i = 0; i < POINTS; i++) { /* the bound on what was not tried holds for each of them */
            assert_true(p.points[i].runs > 0 || p.floor_usd <= cost[i]);
        }
        if (p.best >= 0) {
            printf("seed %2d, %d runs: owned %d, target %d, %+.2f %% of the cost, P95 %.2f s, sure %.3f%s\n", (int)seed,
                   (int)p.used, (int)(p.best / TARGETS), (int)(p.best % TARGETS), 100 * (cost[p.best] / cost[best] - 1),
                   late[p.best], p.sure, found ? "" : "  MISSED");
        }
        plan_fini(&p);
    }
    printf("within 1 %% of the brute-force optimum with a tenth of its runs: %d of %d seeds\n", good, SEEDS);
    assert_true(good >= 19);
    printf("probability stated: %.2f on average\n", sure); /* a lower bound, and one that says something */
    assert_true(sure > 0.6 && sure <= good / (double)SEEDS);
    plan_knob_fini(&knobs[0]);
    plan_knob_fini(&knobs[1]);
    free(values);
    free(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_grid)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
