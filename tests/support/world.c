/* SPDX-License-Identifier: GPL-3.0-or-later */
/* world.c - small scenarios in memory: see world.h. */
#include "tests/support/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND SPW_NS_PER_S

static const mdl_law none = {MDL_LAW_CONSTANT, 0, 0, 0};
static const mdl_law one = {MDL_LAW_CONSTANT, 1, 0, 0};

static void pool_init(world *w, sc_pool *pool, const char *name)
{
    *pool = (sc_pool){.name = name,
                      .gpu = &w->gpu,
                      .capacity = SPW_CAPACITY_OWNED,
                      .gpus_per_node = 8,
                      .nodes_start = 1,
                      .nodes_min = 1,
                      .nodes_max = 1,
                      .price_uusd_per_gpu_h = 1000000,
                      .lag = {.inventory_s = none,
                              .boot_s = none,
                              .join_s = none,
                              .pull_gb_per_s = one,
                              .pull_hit_s = none,
                              .start_s = none,
                              .load_gb_per_s = one,
                              .compile_s = none,
                              .capture_s = none,
                              .probe_s = none}};
}

static void clusters_init(world *w)
{
    static const char *const names[WORLD_CLUSTERS] = {"c0", "c1", "c2"};

    for (int c = 0; c < WORLD_CLUSTERS; c++) {
        pool_init(w, &w->pools[c][0], "first");
        pool_init(w, &w->pools[c][1], "second");
        w->pools_of[c] = 1;
        w->clusters[c] =
            (sc_cluster){.name = names[c], .region = 0, .provider = "test", .zone = "", .pools = w->pools[c]};
        w->group_names[c][0] = names[c];
        w->groups[c] = (spw_group){.name = names[c], .selector = {.names = w->group_names[c], .name_count = 1}};
    }
}

static void services_init(world *w)
{
    static const char *const names[WORLD_SERVICES] = {"test/a", "test/b"};
    static const char *const sources[WORLD_SERVICES] = {"test/a/0", "test/b/0"};

    for (int s = 0; s < WORLD_SERVICES; s++) {
        w->workloads[s] = (spw_workload){
            .key = spw_key(names[s]), .name = names[s], .replicas = 1, .gpus = 1, .policy = 0, .hpa = SPW_ID_NONE};
        w->traffic[s] =
            (sc_traffic){.region = 0, .name = sources[s], .arrivals = {.kind = MDL_ARRIVAL_POISSON, .rate_per_s = 0.5}};
        w->services[s] = (sc_service){.workload = (spw_id)s,
                                      .name = names[s],
                                      .engine = SC_ENGINE_STATION,
                                      .station = {.servers = 1, .max_waiting = 1 << 20},
                                      .station_law = {.kind = MDL_SERVICE_EXPONENTIAL, .mean_s = 1},
                                      .llm = w->llm[s],
                                      .traffic = &w->traffic[s],
                                      .traffic_count = 1,
                                      .lengths.input = {.kind = MDL_LENGTH_FIXED, .fixed = 100, .min = 1, .max = 10000},
                                      .lengths.output = {.kind = MDL_LENGTH_FIXED, .fixed = 50, .min = 1, .max = 10000},
                                      .targets = w->targets[s],
                                      .timeout_ns = INT64_MAX,
                                      .gateway_queue = 1000,
                                      .drain_ns = 60 * SECOND,
                                      .router = SC_ROUTER_LEAST_OUTSTANDING};
    }
}

void world_init(world *w)
{
    memset(w, 0, sizeof *w);
    snprintf(w->gpu.name, sizeof w->gpu.name, "TEST-GPU");
    w->regions[0] = (sc_region){.name = "here", .jurisdiction = ""};
    w->regions[1] = (sc_region){.name = "there", .jurisdiction = ""};
    clusters_init(w);
    services_init(w);
    spw_policy_default(&w->policy);
    w->policy.name = "test/policy";
    w->policy.groups = w->groups;
    w->policy.group_count = 1;
    w->policy.order = SPW_GROUPS_ORDERED;
    w->policy.division = SPW_DIVIDE_DYNAMIC;
    w->policy.partial = true;
    w->policy.elastic = true;
    w->config = (spw_config){.workloads = w->workloads,
                             .workload_count = 1,
                             .policies = &w->policy,
                             .policy_count = 1,
                             .hpas = &w->hpa,
                             .hpa_count = 0};
    w->sc = (sc_scenario){.name = "test",
                          .path = "test",
                          .title = "",
                          .duration_ns = 3600 * SECOND,
                          .tick_ns = 15 * SECOND,
                          .regions = w->regions,
                          .region_count = 1,
                          .rtt_ns = w->rtt,
                          .clusters = w->clusters,
                          .cluster_count = 1,
                          .services = w->services,
                          .service_count = 1,
                          .observation = {.scrape_ns = 15 * SECOND},
                          .config = &w->config};
}

const sc_scenario *world_scenario(world *w)
{
    w->sc.pool_count = 0;
    for (int32_t c = 0; c < w->sc.cluster_count; c++) {
        w->clusters[c].pool_first = w->sc.pool_count;
        w->clusters[c].pool_count = w->pools_of[c];
        w->sc.pool_count += w->pools_of[c];
    }
    w->config.workload_count = (size_t)w->sc.service_count;
    return &w->sc;
}

void world_groups(world *w, int32_t clusters)
{
    w->sc.cluster_count = clusters;
    w->policy.group_count = (size_t)clusters;
}

void world_hpa(world *w, const char *metric, int64_t target_milli, int32_t min, int32_t max)
{
    w->metric = (spw_hpa_metric){
        .kind = SPW_METRIC_PODS, .target_kind = SPW_TARGET_AVERAGE_VALUE, .target = target_milli, .name = metric};
    w->hpa = (spw_hpa){.name = "test/hpa",
                       .replicas_min = min,
                       .replicas_max = max,
                       .metrics = &w->metric,
                       .metric_count = 1,
                       .up = {.window_s = -1, .select = SPW_SELECT_MAX, .tolerance_ppm = -1},
                       .down = {.window_s = -1, .select = SPW_SELECT_MAX, .tolerance_ppm = -1},
                       .sync_s = 15};
    w->config.hpa_count = 1;
    w->workloads[0].hpa = 0;
}

res_run *world_run(world *w, uint64_t seed)
{
    char err[400] = "";
    res_run *run = fleet_run(world_scenario(w), seed, 0, NULL, err, sizeof err);

    if (run == NULL) {
        fprintf(stderr, "the run failed: %s\n", err);
        abort();
    }
    return run;
}

static int same_hist(const stat_hist *a, const stat_hist *b)
{
    if ((a == NULL) != (b == NULL)) {
        return 0;
    }
    if (a == NULL) {
        return 1;
    }
    for (int i = 0; i <= 20; i++) {
        if (stat_hist_quantile(a, i / 20.0) != stat_hist_quantile(b, i / 20.0)) {
            return 0;
        }
    }
    if (stat_hist_count(a) != stat_hist_count(b) || stat_hist_min(a) != stat_hist_min(b)) {
        return 0;
    }
    /* means are computed from exact sums: equal sums give the same double */
    return stat_hist_count(a) == 0 || !(stat_hist_mean(a) < stat_hist_mean(b) || stat_hist_mean(b) < stat_hist_mean(a));
}

static int same_latency(const res_latency *a, const res_latency *b)
{
    return same_hist(a->ttft, b->ttft) && same_hist(a->tpot, b->tpot) && same_hist(a->e2e, b->e2e) &&
           same_hist(a->queue, b->queue) && same_hist(a->network, b->network);
}

static int same_timeline(const res_run *ra, const res_run *rb)
{
    const res_timeline *a = &ra->timeline;
    const res_timeline *b = &rb->timeline;
    size_t rows = (size_t)a->bins * (size_t)ra->service_count;
    size_t pools = (size_t)a->bins * (size_t)ra->pool_count;

    if (a->bins != b->bins || a->bin_ns != b->bin_ns) {
        return 0;
    }
    for (size_t i = 0; i < rows; i++) {
        if (!same_hist(a->ttft[i], b->ttft[i]) || !same_hist(a->tpot[i], b->tpot[i])) {
            return 0;
        }
    }
    return memcmp(a->arrivals, b->arrivals, rows * sizeof *a->arrivals) == 0 &&
           memcmp(a->completed, b->completed, rows * sizeof *a->completed) == 0 &&
           memcmp(a->rejected, b->rejected, rows * sizeof *a->rejected) == 0 &&
           memcmp(a->timed_out, b->timed_out, rows * sizeof *a->timed_out) == 0 &&
           memcmp(a->desired, b->desired, rows * sizeof *a->desired) == 0 &&
           memcmp(a->assigned, b->assigned, rows * sizeof *a->assigned) == 0 &&
           memcmp(a->ready, b->ready, rows * sizeof *a->ready) == 0 &&
           memcmp(a->starting, b->starting, rows * sizeof *a->starting) == 0 &&
           memcmp(a->waiting, b->waiting, rows * sizeof *a->waiting) == 0 &&
           memcmp(a->nodes, b->nodes, pools * sizeof *a->nodes) == 0 &&
           memcmp(a->nodes_ordered, b->nodes_ordered, pools * sizeof *a->nodes_ordered) == 0 &&
           memcmp(a->cost_uusd, b->cost_uusd, pools * sizeof *a->cost_uusd) == 0 &&
           memcmp(a->egress_uusd, b->egress_uusd, (size_t)a->bins * sizeof *a->egress_uusd) == 0;
}

int world_same(const res_run *a, const res_run *b)
{
    if (memcmp(&a->requests, &b->requests, sizeof a->requests) != 0 || !same_latency(&a->latency, &b->latency) ||
        memcmp(&a->cost, &b->cost, sizeof a->cost) != 0 || a->burst_count != b->burst_count ||
        memcmp(&a->lag, &b->lag, sizeof a->lag) != 0 || memcmp(&a->control, &b->control, sizeof a->control) != 0 ||
        a->in_system_area_ns != b->in_system_area_ns || a->sojourn_sum_ns != b->sojourn_sum_ns) {
        return 0;
    }
    for (int32_t i = 0; i < a->service_count; i++) {
        const res_service *x = &a->services[i];
        const res_service *y = &b->services[i];

        if (memcmp(&x->requests, &y->requests, sizeof x->requests) != 0 || !same_latency(&x->latency, &y->latency) ||
            x->good != y->good || x->tokens_in != y->tokens_in || x->tokens_out != y->tokens_out ||
            x->preemptions != y->preemptions) {
            return 0;
        }
    }
    for (int32_t i = 0; i < a->pool_count; i++) {
        if (memcmp(&a->pools[i], &b->pools[i], sizeof a->pools[i]) != 0) {
            return 0;
        }
    }
    if (a->burst_count > 0 && memcmp(a->bursts, b->bursts, (size_t)a->burst_count * sizeof *a->bursts) != 0) {
        return 0;
    }
    return same_timeline(a, b);
}
