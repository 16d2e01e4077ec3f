/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fake_run.c - see fake_run.h. Demand is a raised cosine with two humps on top; replicas follow it with fixed delays
 * for each pool; what exceeds capacity waits; latency is a constant plus waiting / capacity with a fixed spread. Steps
 * are minutes = bins. Numbers are chosen to look like a day of a small fleet, not measured anywhere.
 */
#include "tests/support/fake_run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { POOLS = 3, CLUSTERS = 2, REGIONS = 2, TARGETS = 2, BIN_S = 60, GPUS = 8, QUEUE_MAX = 1500, MAX_BURSTS = 8 };

static const int32_t pool_max_nodes[POOLS] = {2, 2, 2};
static const int32_t pool_delay_min[POOLS] = {2, 6, 5};
static const double pool_rps[POOLS] = {1.1, 1.1, 0.75};
static const int64_t pool_price[POOLS] = {610000, 2150000, 720000}; /* micro-USD for each GPU-hour */
static const spw_capacity pool_kind[POOLS] = {SPW_CAPACITY_OWNED, SPW_CAPACITY_ON_DEMAND, SPW_CAPACITY_SPOT};

typedef struct fake_names {
    const char *scenario, *title, *region[REGIONS], *cluster[CLUSTERS], *pool[POOLS], *service[2];
} fake_names;

static const fake_names plain = {
    .scenario = "hybrid-burst",
    .title = "Owned GPUs first, cloud when they are full",
    .region = {"cn-hangzhou", "cn-beijing"},
    .cluster = {"idc-hangzhou", "ack-hangzhou"},
    .pool = {"rtx5090", "od-5090", "spot-4090"},
    .service = {"prod/chat", "prod/summary"},
};

static const fake_names hostile = {
    .scenario = "a<b&\"c\"",
    .title = "</title><script>alert('1')</script>",
    .region = {"r<1>&\"", "r,2"},
    .cluster = {"x<y>&'z\"", "cloud, \"big\""},
    .pool = {"p&q", "<od>", "'spot'; system \"x\""},
    .service = {"ns/a<b&\"c\"", "ns/d'e,f"},
};

typedef struct fake_parts {
    sc_region regions[REGIONS];
    sc_pool pools[POOLS];
    sc_cluster clusters[CLUSTERS];
    sc_target targets[TARGETS];
    sc_service services[2];
    mdl_gpu gpus[2];
} fake_parts;

/** One service on its way through the day. */
typedef struct fake_state {
    int32_t assigned[POOLS][1 + 8]; /**< [minutes ago] */
    double waiting;
    int32_t recent[5]; /**< wanted replicas of the last minutes */
    uint64_t random;
    res_burst *burst; /**< open one */
} fake_state;

static double uniform(fake_state *st)
{
    st->random = st->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(st->random >> 11) / 9007199254740992.0;
}

static double hump(double minute, double from, double rise, double hold, double height)
{
    double x = minute - from;
    if (x < 0 || x > 2 * rise + hold) {
        return 0;
    }
    return height * fmin(1, fmin(x, 2 * rise + hold - x) / rise);
}

static double demand_rps(const fake_options *o, int32_t service, int32_t minute)
{
    double m = minute % 1440;
    double rps = 7.5 - 5.5 * cos((m / 60 - 2.5) / 24 * 2 * 3.14159265358979);
    rps += hump(m, 610, 6, 22, 16) + hump(m, 1215, 10, 45, 22);
    return o->idle ? 0 : (o->demand > 0 ? o->demand : 1) * rps * (service == 0 ? 1 : 0.25);
}

static void fill_scenario(fake_run *f, const fake_options *o)
{
    fake_parts *x = f->owned;
    const fake_names *names = o->hostile_names ? &hostile : &plain;
    snprintf(x->gpus[0].name, sizeof x->gpus[0].name, "RTX-5090");
    snprintf(x->gpus[1].name, sizeof x->gpus[1].name, "RTX-4090");
    snprintf(x->gpus[0].grade, sizeof x->gpus[0].grade, "derived");
    snprintf(x->gpus[1].grade, sizeof x->gpus[1].grade, "measured");
    for (int r = 0; r < REGIONS; r++) {
        x->regions[r] = (sc_region){.name = names->region[r], .jurisdiction = "CN"};
    }
    for (int p = 0; p < POOLS; p++) {
        x->pools[p] = (sc_pool){.name = names->pool[p],
                                .gpu = &x->gpus[p == 2],
                                .capacity = pool_kind[p],
                                .gpus_per_node = GPUS,
                                .nodes_max = pool_max_nodes[p],
                                .price_uusd_per_gpu_h = pool_price[p]};
    }
    x->clusters[0] = (sc_cluster){.name = names->cluster[0],
                                  .provider = "on-premises",
                                  .zone = "",
                                  .pools = x->pools,
                                  .pool_count = 1,
                                  .pool_first = 0};
    x->clusters[1] = (sc_cluster){.name = names->cluster[1],
                                  .provider = "alibaba",
                                  .zone = "",
                                  .pools = x->pools + 1,
                                  .pool_count = 2,
                                  .pool_first = 1};
    x->targets[0] = (sc_target){.metric = "ttft", .percentile = 0.95, .limit_ns = INT64_C(2000000000)};
    x->targets[1] = (sc_target){.metric = "tpot", .percentile = 0.95, .limit_ns = INT64_C(80000000)};
    for (int s = 0; s < 2; s++) {
        x->services[s] = (sc_service){.name = names->service[s], .targets = x->targets, .target_count = TARGETS};
    }
    f->scenario = (sc_scenario){
        .name = names->scenario,
        .path = "day.yaml",
        .title = names->title,
        .hash = UINT64_C(0x0123456789abcdef),
        .start_unix_ns = INT64_C(1772380800) * 1000000000,
        .utc_offset_s = 8 * 3600, /* 2026-03-02 00:00 at +08:00 */
        .duration_ns = (int64_t)(o->minutes > 0 ? o->minutes : 1440) * BIN_S * 1000000000,
        .warmup_ns = INT64_C(1770) * 1000000000, /* within a bin: half of minute 29 is paid for */
        .tick_ns = INT64_C(15) * 1000000000,
        .seed = 1,
        .regions = x->regions,
        .region_count = REGIONS,
        .clusters = x->clusters,
        .cluster_count = CLUSTERS,
        .pool_count = POOLS,
        .services = x->services,
        .service_count = o->services > 1 ? 2 : 1,
    };
}

static void add_latency(res_latency *l, int64_t ttft, int64_t tpot, int64_t queue)
{
    stat_hist_add(l->ttft, ttft);
    stat_hist_add(l->tpot, tpot);
    stat_hist_add(l->e2e, ttft + 180 * tpot);
    stat_hist_add(l->queue, queue);
    stat_hist_add(l->network, INT64_C(28000000));
}

/** `count` requests complete in this minute. */
static void complete(res_run *run, const sc_service *spec, int32_t s, fake_state *st, size_t row, uint32_t count,
                     double capacity, bool counted)
{
    res_service *service = &run->services[s];
    double wait_s = capacity > 0 ? st->waiting / capacity : 0;
    for (uint32_t k = 0; k < count; k++) {
        double z = sqrt(-2 * log(1 - uniform(st) * 0.99999)) * cos(6.283185307 * uniform(st));
        int64_t queue = (int64_t)(wait_s * (0.8 + 0.4 * uniform(st)) * 1e9);
        int64_t ttft = queue + (int64_t)(0.32e9 * exp(0.45 * z));
        int64_t tpot = (int64_t)((0.034 + 0.012 * fmin(wait_s, 2)) * 1e9 * exp(0.18 * z));
        stat_hist_add(run->timeline.ttft[row], ttft);
        stat_hist_add(run->timeline.tpot[row], tpot);
        if (!counted) {
            continue;
        }
        int32_t region = uniform(st) < 0.7 ? 0 : 1;
        bool fast = ttft <= spec->targets[0].limit_ns, smooth = tpot <= spec->targets[1].limit_ns;
        add_latency(&run->latency, ttft, tpot, queue);
        add_latency(&service->latency, ttft, tpot, queue);
        add_latency(&service->by_region[region], ttft, tpot, queue);
        service->by_region_requests[region].offered++;
        service->by_region_requests[region].completed++;
        service->slo[0].met += fast;
        service->slo[0].missed += !fast;
        service->slo[1].met += smooth;
        service->slo[1].missed += !smooth;
        service->good += fast && smooth;
        service->tokens_in += 620;
        service->tokens_out += 181;
        if (st->burst != NULL && !fast) {
            st->burst->requests_hurt++;
        }
    }
}

static void count_outcomes(res_run *run, const sc_service *spec, int32_t s, size_t row)
{
    const res_timeline *t = &run->timeline;
    res_service *service = &run->services[s];
    res_requests *const totals[] = {&service->requests, &run->requests};
    for (int k = 0; k < 2; k++) {
        totals[k]->completed += t->completed[row];
        totals[k]->rejected += t->rejected[row];
        totals[k]->offered += t->completed[row] + t->rejected[row];
    }
    service->by_region_requests[1].offered += t->rejected[row];
    service->by_region_requests[1].rejected += t->rejected[row];
    for (int k = 0; k < TARGETS; k++) {
        const stat_hist *h = k == 0 ? t->ttft[row] : t->tpot[row];
        service->slo[k].missed += t->rejected[row];
        service->slo[k].minutes += t->arrivals[row] > 0;
        service->slo[k].minutes_violated +=
            t->arrivals[row] > 0 && stat_hist_quantile(h, 0.95) > spec->targets[k].limit_ns;
    }
}

/** Wanted replicas over the pools: owned first, then on demand, then spot. */
static int32_t assign(fake_state *st, int32_t s, int32_t wanted, int32_t other)
{
    int32_t placed = 0;
    for (int p = 0; p < POOLS; p++) {
        memmove(&st->assigned[p][1], &st->assigned[p][0], 8 * sizeof(int32_t));
        int32_t room = pool_max_nodes[p] * GPUS - (p == 0 ? other : 0);
        int32_t share = s == 1 && p > 0 ? 0 : wanted - placed < room ? wanted - placed : room;
        st->assigned[p][0] = share;
        placed += share;
    }
    return placed;
}

static int32_t ready_in(const fake_state *st, int p)
{
    int32_t ready = st->assigned[p][0];
    for (int ago = 1; ago <= pool_delay_min[p]; ago++) {
        ready = st->assigned[p][ago] < ready ? st->assigned[p][ago] : ready;
    }
    return ready;
}

/** Opens, marks and closes the burst under way. */
static void track_burst(res_run *run, fake_state *st, int32_t s, int32_t minute, double rps, double capacity)
{
    double now = (double)minute * BIN_S;
    bool overflow = st->assigned[1][0] + st->assigned[2][0] > 0;
    if (st->burst == NULL && overflow && s == 0 && run->burst_count < MAX_BURSTS && minute >= 30) {
        st->burst = &run->bursts[run->burst_count++];
        *st->burst = (res_burst){.service = s,
                                 .onset_s = now - 110,
                                 .primary_saturated_s = now - 35,
                                 .overflow_started_s = now,
                                 .absorbed_s = (double)NAN,
                                 .overflow_released_s = (double)NAN,
                                 .replicas_started = 14,
                                 .stage_s = {48, 66, 30, 50, 24, 41, 52}};
    }
    if (st->burst != NULL && isnan(st->burst->absorbed_s) && capacity >= rps && st->waiting < 5) {
        st->burst->absorbed_s = now;
    }
    if (st->burst != NULL && !overflow) {
        st->burst->overflow_released_s = now;
        st->burst->release_count = 1;
        st->burst->release_order[0] = 1;
        st->burst = NULL;
    }
}

static void step_service(res_run *run, const fake_options *o, const sc_service *spec, int32_t s, int32_t minute,
                         fake_state *st, const fake_state *other)
{
    res_timeline *t = &run->timeline;
    size_t row = (size_t)minute * (size_t)run->service_count + (size_t)s;
    double rps = demand_rps(o, s, minute), capacity = 0;
    int32_t wanted = (int32_t)ceil(rps * 1.12 / pool_rps[0] + st->waiting / 60), floor_now = wanted > 2 ? wanted : 2;
    memmove(&st->recent[1], &st->recent[0], 4 * sizeof(int32_t));
    st->recent[0] = floor_now;
    for (int k = 1; k < 5; k++) {
        floor_now = st->recent[k] > floor_now ? st->recent[k] : floor_now;
    }
    int32_t placed = assign(st, s, floor_now, other != NULL ? other->assigned[0][0] : 0), ready = 0;
    for (int p = 0; p < POOLS; p++) {
        int32_t in_pool = ready_in(st, p);
        ready += in_pool;
        capacity += in_pool * run->services[s].nominal_rps[p];
        t->ready_by_pool[row * POOLS + (size_t)p] = (float)in_pool;
    }
    t->arrivals[row] = (uint32_t)(rps * BIN_S * (0.94 + 0.12 * uniform(st)));
    double turned = floor(t->arrivals[row] * (o->turned_away / 100.0));
    double work = st->waiting + t->arrivals[row] - turned;
    uint32_t done = (uint32_t)fmin(work, capacity * BIN_S);
    double left = work - done, over = left > QUEUE_MAX ? floor(left - QUEUE_MAX) : 0, rejected = turned + over;
    t->completed[row] = done;
    t->rejected[row] = (uint32_t)rejected;
    t->desired[row] = (float)floor_now;
    t->assigned[row] = (float)placed;
    t->ready[row] = (float)ready;
    t->starting[row] = (float)(placed - ready);
    complete(run, spec, s, st, row, done, capacity, minute >= 30);
    st->waiting = left - over;
    t->waiting[row] = (float)st->waiting;
    if (minute >= 30) {
        count_outcomes(run, spec, s, row);
    }
    track_burst(run, st, s, minute, rps, capacity);
}

/** Nodes, GPU time and money of one minute. */
static void pay(res_run *run, fake_state *const st[2], int32_t minute)
{
    static const int64_t minute_ns = (int64_t)BIN_S * 1000000000;
    int64_t egress = 0;
    for (int p = 0; p < POOLS; p++) {
        res_pool *pool = &run->pools[p];
        int32_t held = st[0]->assigned[p][0] + st[1]->assigned[p][0];
        int32_t nodes = p == 0 ? pool_max_nodes[0] : (held + GPUS - 1) / GPUS;
        int64_t share_ns = minute < 29 ? 0 : minute == 29 ? minute_ns / 2 : minute_ns;
        int64_t cost = (int64_t)(nodes * GPUS * pool_price[p] / 60 * share_ns / minute_ns);
        size_t at = (size_t)minute * POOLS + (size_t)p;
        int32_t before = minute > 0 ? (int32_t)run->timeline.nodes[at - POOLS] : nodes;
        run->timeline.nodes[at] = (float)nodes;
        run->timeline.cost_uusd[at] = cost;
        pool->nodes_peak = nodes > pool->nodes_peak ? nodes : pool->nodes_peak;
        if (minute < 29) {
            continue;
        }
        pool->provisioned += nodes > before ? nodes - before : 0;
        pool->released += nodes < before ? before - nodes : 0;
        pool->gpu_ns += nodes * GPUS * share_ns;
        pool->held_gpu_ns += held * share_ns;
        pool->busy_gpu_ns += held * share_ns * 7 / 10;
        pool->cost_uusd += cost;
        run->cost.total_uusd += cost;
        run->cost.owned_uusd += p == 0 ? cost : 0;
        run->cost.on_demand_uusd += p == 1 ? cost : 0;
        run->cost.spot_uusd += p == 2 ? cost : 0;
        if (st[0]->burst != NULL && p > 0) {
            st[0]->burst->extra_uusd += cost;
        }
    }
    for (int32_t s = 0; s < run->service_count; s++) {
        egress += minute < 29 ? 0 : run->timeline.completed[minute * run->service_count + s] * INT64_C(37);
    }
    run->timeline.egress_uusd[minute] = egress;
    run->cost.egress_uusd += egress;
    run->cost.total_uusd += egress;
}

static void fill_rest(res_run *run, int32_t minutes)
{
    static const double mean[MDL_STAGES] = {38, 60, 32, 41, 20, 37, 49},
                        p90[MDL_STAGES] = {140, 78, 40, 100, 50, 52, 63};
    run->lag.count = run->requests.offered > 0 ? 64 : 0;
    run->lag.decision_s = 17;
    memcpy(run->lag.mean_s, mean, sizeof mean);
    memcpy(run->lag.p90_s, p90, sizeof p90);
    /* 48 of the 64 starts needed a node: 48 x mean of those + 16 x mean of the others = 64 x mean */
    static const double cloud[MDL_STAGES] = {50.6666666667, 80, 42.6666666667, 50, 24, 41, 52};
    static const double owned[MDL_STAGES] = {0, 0, 0, 14, 8, 25, 40};
    run->lag_by_start[RES_START_NODE_ORDERED] = (res_lag){.count = run->lag.count * 3 / 4, .decision_s = 19};
    run->lag_by_start[RES_START_NODE_UP] = (res_lag){.count = run->lag.count / 4, .decision_s = 11};
    memcpy(run->lag_by_start[RES_START_NODE_ORDERED].mean_s, cloud, sizeof cloud);
    memcpy(run->lag_by_start[RES_START_NODE_ORDERED].p90_s, p90, sizeof p90);
    memcpy(run->lag_by_start[RES_START_NODE_UP].mean_s, owned, sizeof owned);
    memcpy(run->lag_by_start[RES_START_NODE_UP].p90_s, owned, sizeof owned);
    run->control = (res_control){.ticks = (uint64_t)minutes * 4,
                                 .actions = 141,
                                 .flaps = 2,
                                 .moved_replicas = 11,
                                 .stale_decisions = 3,
                                 .unplaced_replica_seconds = 412.5};
    run->pools[2].preempted_by_market = run->requests.offered > 0 ? 1 : 0;
    run->host = (res_host){.wall_s = 1.25,
                           .cpu_s = 1.2,
                           .events = 9000000,
                           .requests = run->requests.offered,
                           .decide_us_p50 = 40,
                           .decide_us_p99 = 210,
                           .decide_us_max = 900};
}

static res_run *live(const fake_run *f, const fake_options *o, int32_t replication)
{
    int32_t minutes = (int32_t)(f->scenario.duration_ns / (INT64_C(1000000000) * BIN_S));
    fake_state states[2];
    memset(states, 0, sizeof states);
    res_run *run = res_new(&f->scenario, minutes, INT64_C(1000000000) * BIN_S);
    if (run == NULL) {
        return NULL;
    }
    run->bursts = calloc(MAX_BURSTS, sizeof *run->bursts);
    for (size_t at = 0; at < (size_t)minutes * (size_t)run->service_count; at++) {
        run->timeline.ttft[at] = run->timeline.ttft[at] != NULL ? run->timeline.ttft[at] : stat_hist_new(5);
        run->timeline.tpot[at] = run->timeline.tpot[at] != NULL ? run->timeline.tpot[at] : stat_hist_new(5);
    }
    run->replication = (uint32_t)replication;
    run->seed = 1 + (uint64_t)replication;
    for (int32_t s = 0; s < run->service_count; s++) {
        states[s].random = (uint64_t)(replication * 2 + s) + 12345;
        for (int p = 0; p < POOLS; p++) {
            run->services[s].nominal_rps[p] = s == 1 && p > 0 ? 0 : pool_rps[p];
        }
    }
    for (int32_t minute = 0; minute < minutes; minute++) {
        for (int32_t s = run->service_count - 1; s >= 0; s--) {
            step_service(run, o, &f->scenario.services[s], s, minute, &states[s], s == 0 ? &states[1] : NULL);
        }
        pay(run, (fake_state *const[2]){&states[0], &states[1]}, minute);
    }
    fill_rest(run, minutes);
    return run;
}

int fake_run_init(fake_run *f, const fake_options *options, int32_t replications)
{
    memset(f, 0, sizeof *f);
    f->owned = calloc(1, sizeof(fake_parts));
    f->runs = calloc((size_t)replications, sizeof *f->runs);
    if (f->owned == NULL || f->runs == NULL) {
        fake_run_fini(f);
        return -1;
    }
    fill_scenario(f, options);
    for (f->count = 0; f->count < replications; f->count++) {
        f->runs[f->count] = live(f, options, f->count);
        if (f->runs[f->count] == NULL) {
            fake_run_fini(f);
            return -1;
        }
    }
    return 0;
}

void fake_run_fini(fake_run *f)
{
    for (int32_t i = 0; f->runs != NULL && i < f->count; i++) {
        res_free(f->runs[i]);
    }
    free(f->runs);
    free(f->owned);
    memset(f, 0, sizeof *f);
}
