/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_fleet_worlds.c - what holds in every world, in random ones: clusters, pools of all kinds, failing orders, spot
 * markets, delays, noise, time-outs, bounded queues, both engines, autoscaling. And the balancer against a search.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/fleet/world.h"
#include "tests/support/world.h"

#define S SPW_NS_PER_S

static const mdl_llm_config engine = {.step = {.c1 = 18000000000,
                                               .c2 = 30000000,
                                               .c3 = 2000000000,
                                               .c4 = 110000000,
                                               .h0 = 1200000000,
                                               .h1 = 10000000,
                                               .e0 = 300000000,
                                               .e1 = 10000000,
                                               .e2 = 150000,
                                               .g0 = 200000000,
                                               .g1_half = 3000},
                                      .block_tokens = 16,
                                      .kv_blocks = 700,
                                      .max_batched_tokens = 512,
                                      .max_sequences = 16,
                                      .max_waiting = 40};

static int pick(gsl_rng *r, int n)
{
    return (int)(gsl_rng_uniform(r) * n);
}

static void random_pool(gsl_rng *r, sc_pool *pool, bool first)
{
    static const spw_capacity kinds[] = {SPW_CAPACITY_OWNED, SPW_CAPACITY_RESERVED, SPW_CAPACITY_ON_DEMAND,
                                         SPW_CAPACITY_SPOT};

    pool->capacity = first ? kinds[pick(r, 2)] : kinds[pick(r, 4)];
    pool->gpus_per_node = 1 << pick(r, 4);
    pool->nodes_start = pool->nodes_min = pool->nodes_max = 1 + pick(r, 2);
    pool->price_uusd_per_gpu_h = 100000 + pick(r, 3000000);
    pool->lag.start_s = (mdl_law){MDL_LAW_UNIFORM, 5, 60, 0};
    pool->lag.boot_s = (mdl_law){MDL_LAW_LOGNORMAL, 60, 150, 600};
    pool->lag.inventory_s = (mdl_law){MDL_LAW_EXPONENTIAL, 20, 0, 300};
    if (pool->capacity == SPW_CAPACITY_ON_DEMAND || pool->capacity == SPW_CAPACITY_SPOT) {
        pool->nodes_start = pool->nodes_min = pick(r, 2);
        pool->nodes_max = 1 + pick(r, 6);
        pool->min_billing_ns = pick(r, 3) * 300 * S;
        pool->lag.fail_probability = pick(r, 2) * 0.3;
    }
    if (pool->capacity == SPW_CAPACITY_SPOT) {
        pool->has_market = true;
        pool->market.shape_k = 0.7 + gsl_rng_uniform(r);
        pool->market.scale_h = 0.1 + gsl_rng_uniform(r);
        pool->market.notice_s = pick(r, 3) * 30;
    }
}

static void random_service(gsl_rng *r, world *w, int s)
{
    sc_service *service = &w->services[s];

    w->workloads[s].replicas = 1 + pick(r, 4);
    w->workloads[s].gpus = 1;
    service->timeout_ns = pick(r, 2) == 0 ? INT64_MAX : (int64_t)(2 + pick(r, 40)) * S;
    service->gateway_queue = pick(r, 50);
    service->drain_ns = pick(r, 60) * S;
    service->router = (sc_router)(1 + pick(r, 4));
    service->station.servers = 1 + pick(r, 3);
    service->station.max_waiting = pick(r, 30);
    w->traffic[s].arrivals.rate_per_s = 0.2 + 3 * gsl_rng_uniform(r);
    w->targets[s][0] = (sc_target){"ttft", 0.95, 2 * S};
    w->targets[s][1] = (sc_target){"e2e", 0.5, 10 * S};
    w->targets[s][2] = (sc_target){"tpot", 0.9, S / 20};
    service->target_count = 3;
    if (pick(r, 2) == 0) {
        service->engine = SC_ENGINE_LLM;
        service->lengths.input =
            (mdl_length_law){.kind = MDL_LENGTH_LOGNORMAL, .median = 200, .sigma = 1, .min = 1, .max = 9000};
        service->lengths.output =
            (mdl_length_law){.kind = MDL_LENGTH_LOGNORMAL, .median = 80, .sigma = 1, .min = 1, .max = 3000};
        for (int p = 0; p < WORLD_CLUSTERS * WORLD_POOLS; p++) {
            w->llm[s][p] = engine;
        }
    }
}

static void random_world(gsl_rng *r, world *w)
{
    static const int64_t jitter_ns[WORLD_REGIONS * WORLD_REGIONS] = {S / 100, S / 20, S / 20, 0};
    static const char *const metrics[] = {"requests_in_flight", "vllm_num_requests_running", "requests_per_second"};
    int metric;
    int target;

    /* one draw to a statement: the order of evaluation inside one is the compiler's choice */
    world_init(w);
    w->sc.region_count = 1 + pick(r, WORLD_REGIONS);
    for (int i = 0; i < WORLD_REGIONS * WORLD_REGIONS; i++) {
        w->rtt[i] = pick(r, 3) * S / 20;
    }
    world_groups(w, 1 + pick(r, WORLD_CLUSTERS));
    w->policy.failback = (spw_failback)(1 + pick(r, 3));
    for (int c = 0; c < WORLD_CLUSTERS; c++) {
        w->pools_of[c] = 1 + pick(r, WORLD_POOLS);
        w->clusters[c].region = pick(r, w->sc.region_count);
        w->clusters[c].egress_uusd_per_gb = pick(r, 100000);
        for (int p = 0; p < WORLD_POOLS; p++) {
            random_pool(r, &w->pools[c][p], c == 0 && p == 0);
        }
    }
    w->sc.service_count = 1 + pick(r, WORLD_SERVICES);
    for (int s = 0; s < WORLD_SERVICES; s++) {
        random_service(r, w, s);
        w->traffic[s].region = pick(r, w->sc.region_count);
    }
    if (pick(r, 3) > 0) {
        metric = pick(r, 3);
        target = 500 + pick(r, 4000);
        world_hpa(w, metrics[metric], target, 1, 4 + pick(r, 20));
    }
    w->sc.observation.scrape_ns = (5 + pick(r, 20)) * S;
    w->sc.observation.delay_ns = pick(r, 40) * S;
    w->sc.observation.noise = 0.05 * gsl_rng_uniform(r);
    w->sc.observation.dropout = 0.05 * gsl_rng_uniform(r);
    w->sc.payload = (sc_payload){100, 4, 200, 4.5};
    w->sc.duration_ns = (1800 + pick(r, 3600)) * S;
    w->sc.duration_ns += pick(r, 1000000000);
    w->sc.warmup_ns = pick(r, 2) * 600 * S;
    w->sc.jitter_ns = pick(r, 2) > 0 ? jitter_ns : NULL;
}

/* Users of the first region enter at a provider. */
static void let_enter(world *w)
{
    static const sc_way ways[WORLD_REGIONS * WORLD_CLUSTERS] = {{20000, 0}, {90000, 110000}, {0, 83000}};

    w->regions[0].provider = "entry";
    w->regions[0].egress_uusd_per_gb = 70000;
    w->sc.ways = ways;
}

/* Nobody tries again, so that all that comes back to an entry goes on to users; a request moves at least once. */
static void check_ways(const res_run *run, const sc_scenario *sc)
{
    int64_t forth = 0;
    int64_t between = 0;
    uint64_t completed = 0;

    for (int32_t i = 0; i < sc->region_count * sc->cluster_count; i++) {
        const res_way *way = &run->ways[i];

        if (sc->ways != NULL && i < sc->cluster_count) {
            assert_true(way->out_bytes == way->back_bytes);
        } else {
            assert_true(way->forth_bytes + way->back_bytes == 0);
        }
        forth += way->forth_bytes;
        between += way->forth_uusd + way->back_uusd;
    }
    for (int32_t i = 0; sc->ways != NULL && i < run->service_count; i++) {
        completed += run->services[i].by_region_requests[0].completed;
    }
    assert_true(forth >= (int64_t)completed * (int64_t)sc->payload.request_bytes_fixed);
    assert_int_equal(run->cost.ways_uusd, between);
    assert_true(run->cost.egress_uusd >= between);
}

static void check_requests(const res_run *run, const sc_scenario *sc)
{
    uint64_t offered = 0;

    for (int32_t i = 0; i < run->service_count; i++) {
        const res_service *s = &run->services[i];
        uint64_t by_region = 0;

        assert_int_equal(s->requests.offered,
                         s->requests.completed + s->requests.rejected + s->requests.timed_out + s->requests.in_flight);
        assert_int_equal(stat_hist_count(s->latency.e2e), s->requests.completed);
        assert_int_equal(stat_hist_count(s->latency.network), s->requests.completed);
        assert_true(stat_hist_count(s->latency.ttft) >= s->requests.completed);
        assert_true(s->good <= s->requests.completed);
        for (int32_t r = 0; r < sc->region_count; r++) {
            by_region += s->by_region_requests[r].offered;
        }
        assert_int_equal(by_region, s->requests.offered);
        for (int32_t t = 0; t < sc->services[i].target_count; t++) {
            assert_true(s->slo[t].minutes_violated <= s->slo[t].minutes);
            assert_true(t == 2 || s->slo[t].met + s->slo[t].missed ==
                                      s->requests.completed + s->requests.rejected + s->requests.timed_out);
        }
        /* nothing is faster than light: mean end to end >= mean network + 0 */
        assert_true(s->requests.completed == 0 || stat_hist_min(s->latency.e2e) >= stat_hist_min(s->latency.network));
        offered += s->requests.offered;
    }
    assert_int_equal(offered, run->requests.offered);
    assert_true(run->in_system_area_ns == run->sojourn_sum_ns);
}

static void check_money(const res_run *run, const sc_scenario *sc)
{
    int64_t pools = 0;
    int64_t bins = 0;

    for (int32_t p = 0; p < run->pool_count; p++) {
        const res_pool *pool = &run->pools[p];

        pools += pool->cost_uusd;
        assert_true(pool->busy_gpu_ns >= 0 && pool->busy_gpu_ns <= pool->held_gpu_ns);
        assert_true(pool->held_gpu_ns <= pool->gpu_ns);
        for (int32_t b = 0; b < run->timeline.bins; b++) {
            int64_t cost = run->timeline.cost_uusd[b * run->pool_count + p];

            assert_true(cost >= 0);
            bins += cost;
        }
    }
    for (int32_t c = 0, p = 0; c < sc->cluster_count; c++) {
        for (int32_t i = 0; i < sc->clusters[c].pool_count; i++, p++) {
            const sc_pool *pool = &sc->clusters[c].pools[i];

            assert_true(run->pools[p].nodes_peak <= 2 * pool->nodes_max + 1);
            if (pool->capacity == SPW_CAPACITY_OWNED || pool->capacity == SPW_CAPACITY_RESERVED) {
                int64_t all = (sc->duration_ns - sc->warmup_ns) * pool->gpus_per_node * pool->nodes_start;

                assert_true(run->pools[p].gpu_ns == all);
            }
        }
    }
    for (int32_t b = 0; b < run->timeline.bins; b++) {
        bins += run->timeline.egress_uusd[b];
    }
    assert_int_equal(pools + run->cost.egress_uusd, run->cost.total_uusd);
    assert_int_equal(bins, run->cost.total_uusd);
    assert_int_equal(run->cost.owned_uusd + run->cost.reserved_uusd + run->cost.on_demand_uusd + run->cost.spot_uusd,
                     pools);
}

static void check_timeline(const res_run *run)
{
    uint64_t arrivals = 0;

    for (int32_t i = 0; i < run->timeline.bins * run->service_count; i++) {
        const res_timeline *t = &run->timeline;
        double by_pool = 0;

        arrivals += t->arrivals[i];
        assert_true(t->ready[i] >= 0 && t->starting[i] >= 0 && t->waiting[i] >= 0);
        for (int32_t p = 0; p < run->pool_count; p++) {
            by_pool += (double)t->ready_by_pool[i * run->pool_count + p];
        }
        assert_true(fabs(by_pool - (double)t->ready[i]) < 1e-3);
    }
    assert_int_equal(arrivals, run->host.requests);
    for (int32_t b = 0; b < run->burst_count; b++) {
        const res_burst *burst = &run->bursts[b];

        assert_true(burst->onset_s <= burst->primary_saturated_s);
        assert_true(isnan(burst->absorbed_s) || burst->absorbed_s >= burst->primary_saturated_s);
        assert_true(isnan(burst->overflow_released_s) || burst->overflow_released_s >= burst->primary_saturated_s);
        assert_true(burst->extra_uusd >= 0 && burst->extra_uusd <= run->cost.total_uusd);
    }
}

static void test_random_worlds(void **state)
{
    gsl_rng *r = rng_stream(77, 0, "worlds", 0);
    uint64_t completed = 0, rejected = 0, timed_out = 0, bad_plans = 0, bad_snapshots = 0;
    int64_t preempted = 0, failed = 0, bursts = 0;

    (void)state;
    for (int i = 0; i < 60; i++) {
        static world w;
        res_run *a, *b;

        random_world(r, &w);
        if (i % 2 == 1) {
            let_enter(&w);
        }
        a = world_run(&w, (uint64_t)i);
        b = world_run(&w, (uint64_t)i);
        check_requests(a, &w.sc);
        check_money(a, &w.sc);
        check_ways(a, &w.sc);
        check_timeline(a);
        assert_true(world_same(a, b));
        completed += a->requests.completed;
        rejected += a->requests.rejected;
        timed_out += a->requests.timed_out;
        bad_plans += a->control.bad_plans;
        bad_snapshots += a->control.bad_snapshots;
        bursts += a->burst_count;
        for (int32_t p = 0; p < a->pool_count; p++) {
            preempted += a->pools[p].preempted_by_market;
            failed += a->pools[p].failed_to_provision;
        }
        res_free(a);
        res_free(b);
    }
    gsl_rng_free(r);
    printf("completed %llu rejected %llu timed out %llu reclaimed %lld failed orders %lld bursts %lld\n",
           (unsigned long long)completed, (unsigned long long)rejected, (unsigned long long)timed_out,
           (long long)preempted, (long long)failed, (long long)bursts);
    /* the worlds did meet what they are here for */
    assert_true(completed > 100000 && rejected > 100 && timed_out > 100 && preempted > 5 && failed > 1 && bursts > 5);
    assert_int_equal(bad_snapshots, 0);
    assert_int_equal(bad_plans, 0);
}

/* The least loaded by looking at all of them. */
static int32_t least_by_search(const fl_world *f, const fl_balancer *b)
{
    int32_t least = INT32_MAX;

    for (uint32_t i = 0; i < b->count; i++) {
        int32_t outstanding = f->replicas[b->ready[i]].outstanding;

        least = outstanding < least ? outstanding : least;
    }
    return least;
}

static void test_balancer(void **state)
{
    enum { REPLICAS = 40 };
    static fl_replica replicas[REPLICAS];
    bool in[REPLICAS] = {false};
    fl_world f = {.replicas = replicas, .replica_cap = REPLICAS};
    fl_balancer b = {.ready = NULL};
    gsl_rng *r = rng_stream(3, 0, "balancer", 0);

    (void)state;
    for (int step = 0; step < 200000; step++) {
        uint32_t i = (uint32_t)pick(r, REPLICAS);
        int what = pick(r, 100);

        if (!in[i] && what < 5) {
            assert_true(fl_balance_add(&f, &b, i));
            in[i] = true;
        } else if (in[i] && what < 3) {
            fl_balance_remove(&f, &b, i);
            in[i] = false;
        } else if (in[i] && what < 50 && replicas[i].outstanding > 0) {
            assert_true(fl_balance_shift(&f, &b, i, -1));
        } else if (in[i] && what < 60) {
            assert_true(fl_balance_shift(&f, &b, i, 1));
        } else if (b.count > 0) {
            uint32_t least = fl_balance_pick(&f, &b, SC_ROUTER_LEAST_OUTSTANDING, 0, r, NULL, 0);
            uint32_t second = fl_balance_pick(&f, &b, SC_ROUTER_LEAST_OUTSTANDING, 0, r, &least, b.count > 1);

            assert_true(in[least]);
            assert_int_equal(replicas[least].outstanding, least_by_search(&f, &b));
            assert_true(b.count == 1 || second != least);
            assert_true(fl_balance_shift(&f, &b, least, 1));
        }
    }
    fl_balance_fini(&b);
    gsl_rng_free(r);
}

/* The ring: a replica that goes moves its own conversations alone, bounds hold, and shares between clusters are kept.
 */
static void affinity_moves_little(void **state)
{
    (void)state;
    enum { REPLICAS = 20, TALKS = 20000 };
    fl_world f = {.replicas = calloc(REPLICAS, sizeof *f.replicas)};
    fl_balancer b = {.has_ring = true};
    static uint32_t home[TALKS];
    int32_t held[REPLICAS] = {0};
    assert_non_null(f.replicas);
    for (uint32_t i = 0; i < REPLICAS; i++) {
        f.replicas[i].key = fl_mix(77, i);
        assert_true(fl_balance_add(&f, &b, i));
    }
    for (uint64_t k = 0; k < TALKS; k++) { /* nobody inside: room everywhere */
        home[k] = fl_balance_pick(&f, &b, SC_ROUTER_SESSION, 1000 + k, NULL, NULL, 0);
        held[home[k]]++;
    }
    for (uint32_t i = 0; i < REPLICAS; i++) {
        assert_true(held[i] > TALKS / REPLICAS / 3 && held[i] < TALKS / REPLICAS * 3);
    }
    fl_balance_remove(&f, &b, 7);
    for (uint64_t k = 0; k < TALKS; k++) {
        const uint32_t now = fl_balance_pick(&f, &b, SC_ROUTER_SESSION, 1000 + k, NULL, NULL, 0);
        assert_true(home[k] == 7 ? now != 7 : now == home[k]);
    }
    assert_true(fl_balance_add(&f, &b, 7));
    for (uint64_t k = 0; k < TALKS; k++) {
        assert_true(fl_balance_pick(&f, &b, SC_ROUTER_SESSION, 1000 + k, NULL, NULL, 0) == home[k]);
    }
    for (uint64_t k = 0; k < 4000; k++) { /* they stay inside: nobody gets over 1.25 times the mean and 8 */
        const uint32_t at = fl_balance_pick(&f, &b, SC_ROUTER_SESSION, 5000 + k, NULL, NULL, 0);
        assert_true(f.replicas[at].outstanding < 1.25 * (double)(k + 1) / REPLICAS + 8);
        uint32_t asked[REPLICAS] = {at};
        for (uint32_t n = 1; n < REPLICAS; n++) { /* whoever has refused is not asked again */
            asked[n] = fl_balance_pick(&f, &b, SC_ROUTER_SESSION, 5000 + k, NULL, asked, n);
            assert_false(fl_asked(asked, n, asked[n]));
        }
        assert_true(fl_balance_shift(&f, &b, at, 1));
    }
    fl_balance_fini(&b);
    free(f.replicas);

    uint32_t eligible[3] = {0, 2, 5};
    int64_t effective[3] = {1, 2, 5};
    fl_service s = {.eligible = eligible, .effective = effective, .eligible_count = 3};
    int count[6] = {0}, moved = 0;
    for (uint64_t k = 0; k < TALKS; k++) {
        const uint32_t at = fl_cluster_of(&s, 9000 + k);
        count[at]++;
        effective[2] = 4; /* a share that falls: only its own conversations move */
        const uint32_t then = fl_cluster_of(&s, 9000 + k);
        effective[2] = 5;
        assert_true(then == at || at == 5);
        moved += then != at;
    }
    assert_true(abs(count[0] - TALKS / 8) < 200 && abs(count[2] - TALKS / 4) < 250);
    assert_true(moved > TALKS * (5 / 8.0 - 4 / 7.0) * 0.8 && moved < TALKS * (5 / 8.0 - 4 / 7.0) * 1.2);
}

/* Who may serve the words of a workload that may stay in China only. */
static void laws(void **state)
{
    (void)state;
    const sc_options options = {.tables_dir = NULL};
    sc_messages messages = {0};
    sc_scenario *sc = sc_load("scenarios/data-residency.yaml", &options, &messages);
    assert_non_null(sc);
    assert_int_equal(sc_laws(sc), 2);
    fl_world *w = fl_world_new(sc, 1, 0, NULL);
    assert_non_null(w);
    int unlawful = 0;
    for (uint32_t c = 0; c < (uint32_t)sc->cluster_count; c++) {
        const bool singapore = strcmp(sc->clusters[c].name, "gpu-singapore") == 0;
        assert_true(fl_unlawful(w, &w->services[0], c) == singapore);
        unlawful += singapore;
    }
    assert_int_equal(unlawful, 1);
    fl_world_free(w);
    sc_free(sc);
    sc_messages_fini(&messages);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(affinity_moves_little),
        cmocka_unit_test(laws),
        cmocka_unit_test(test_random_worlds),
        cmocka_unit_test(test_balancer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
