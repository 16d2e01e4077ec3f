/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench_tick.c - the cost of one decision by the size of the fleet: workloads with ordered groups over many clusters, a
 * first tick that places everything and later ticks in which everything, nothing, or one workload in a hundred has
 * changed. Thread CPU time; the plan is carried out in the columns, so that the later ticks see what the first one did.
 *
 * Of the time for one workload, what it takes to list its candidates and to fill them stands in a column of its own.
 *
 * "1 % new" is the median of seven ticks, each from rest and with other workloads.
 *
 * "check" is spw_plan_check() of the full tick's plan, and of the plan with one workload in a hundred.
 *
 * Beside it in the same run, the straightforward way: each tick places every workload from nothing, seat by seat in the
 * first group that has room for it, with no memory, no checks and no reasons. Its first tick must come to the same
 * places (checked). What the core asks of its allocator after it has been made is counted: it must be nothing.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <spillway/core.h>
#include <spillway/manifest.h>

#include "sched/core/slots.h"

enum { GROUPS = 8, NAME = 24, SEATS = 64, ROUNDS = 7 };

/** What a workload holds on one cluster. */
typedef struct seat {
    uint32_t cluster;
    int32_t assigned;
} seat;

typedef struct fleet {
    uint32_t clusters, works;
    char (*names)[NAME], (*work_names)[NAME];
    const char **cluster_name, **pool_name, **empty, **gpu, **work_name;
    uint64_t *cluster_key, *pool_key, *work_key;
    spw_labels *labels;
    uint8_t *ready, *capacity;
    spw_time *observed;
    spw_id *pool_cluster;
    int32_t *gpus, *nodes, *stock, *replicas, *used;
    seat (*seats)[SEATS]; /* of each workload, by cluster */
    uint32_t *seat_count;
    spw_time *place_observed;
    double check_ms; /* spw_plan_check() of the last tick */
    int64_t *price;
    int32_t (*free_nodes)[SPW_NODE_GPUS_MAX + 1];
    spw_id *place_work, *place_cluster;
    int32_t *place_assigned;
    spw_snapshot snap;
    spw_group groups[GROUPS];
    const char **members;
} fleet;

static void *take(size_t count, size_t size)
{
    void *p = calloc(count + 1, size);
    if (p == NULL) {
        abort();
    }
    return p;
}

static void make_clusters(fleet *f)
{
    size_t n = f->clusters;
    f->names = take(n, NAME);
    f->cluster_name = take(n, sizeof *f->cluster_name);
    f->pool_name = take(n, sizeof *f->pool_name);
    f->empty = take(n, sizeof *f->empty);
    f->gpu = take(n, sizeof *f->gpu);
    f->cluster_key = take(n, 8);
    f->pool_key = take(n, 8);
    f->labels = take(n, sizeof *f->labels);
    f->ready = take(n, 1);
    f->capacity = take(n, 1);
    f->observed = take(n, 8);
    f->pool_cluster = take(n, 4);
    f->gpus = take(n, 4);
    f->nodes = take(n, 4);
    f->stock = take(n, 4);
    f->price = take(n, 8);
    f->free_nodes = take(n, sizeof *f->free_nodes);
    f->members = take(n, sizeof *f->members);
    for (uint32_t c = 0; c < n; c++) {
        (void)snprintf(f->names[c], NAME, "cluster-%05" PRIu32, c);
        f->cluster_name[c] = f->names[c];
        f->members[c] = f->names[c];
        f->pool_name[c] = "gpu";
        f->empty[c] = "";
        f->gpu[c] = "RTX-5090";
        f->cluster_key[c] = spw_key(f->names[c]);
        f->pool_key[c] = spw_key2(f->names[c], "gpu");
        f->ready[c] = 1;
        f->capacity[c] = SPW_CAPACITY_OWNED;
        f->pool_cluster[c] = c;
        f->gpus[c] = 8;
        f->nodes[c] = 512;
        f->stock[c] = -1;
        f->free_nodes[c][8] = 512;
    }
    for (uint32_t g = 0; g < GROUPS; g++) {
        uint32_t from = (uint32_t)(n * g / GROUPS);
        uint32_t to = (uint32_t)(n * (g + 1) / GROUPS);
        f->groups[g] = (spw_group){.name = "group", .selector = {.names = f->members + from, .name_count = to - from}};
    }
}

static void make_works(fleet *f, spw_workload *config)
{
    size_t n = f->works;
    f->work_names = take(n, NAME);
    f->work_name = take(n, sizeof *f->work_name);
    f->work_key = take(n, 8);
    f->replicas = take(n, 4);
    f->seats = take(n, sizeof *f->seats);
    f->seat_count = take(n, 4);
    f->used = take(f->clusters, 4);
    f->place_work = take(n * SEATS, 4);
    f->place_cluster = take(n * SEATS, 4);
    f->place_assigned = take(n * SEATS, 4);
    f->place_observed = take(n * SEATS, 8);
    for (uint32_t w = 0; w < n; w++) {
        (void)snprintf(f->work_names[w], NAME, "prod/w-%05" PRIu32, w);
        f->work_name[w] = f->work_names[w];
        f->work_key[w] = spw_key(f->work_names[w]);
        f->replicas[w] = (int32_t)(3 + w % 7);
        config[w] =
            (spw_workload){.key = f->work_key[w], .name = f->work_names[w], .gpus = 1, .policy = 0, .hpa = SPW_ID_NONE};
    }
}

static void snapshot(fleet *f, spw_time now)
{
    size_t n = f->clusters;
    size_t rows = 0;
    for (uint32_t c = 0; c < n; c++) {
        f->observed[c] = now;
    }
    for (uint32_t w = 0; w < f->works; w++) {
        for (uint32_t i = 0; i < f->seat_count[w]; i++) {
            f->place_work[rows] = w;
            f->place_cluster[rows] = f->seats[w][i].cluster;
            f->place_observed[rows] = now;
            f->place_assigned[rows++] = f->seats[w][i].assigned;
        }
    }
    f->snap = (spw_snapshot){
        .version = SPW_API_VERSION,
        .now = now,
        .clusters = {.count = n,
                     .key = f->cluster_key,
                     .name = f->cluster_name,
                     .region = f->empty,
                     .zone = f->empty,
                     .provider = f->empty,
                     .labels = f->labels,
                     .ready = f->ready,
                     .observed = f->observed},
        .pools = {.count = n,
                  .key = f->pool_key,
                  .name = f->pool_name,
                  .cluster = f->pool_cluster,
                  .gpu = f->gpu,
                  .capacity = f->capacity,
                  .gpus_per_node = f->gpus,
                  .nodes = f->nodes,
                  .nodes_target = f->nodes,
                  .nodes_min = f->nodes,
                  .nodes_max = f->nodes,
                  .stock = f->stock,
                  .price_uusd_per_gpu_h = f->price,
                  .free_nodes = (const int32_t(*)[SPW_NODE_GPUS_MAX + 1]) f->free_nodes,
                  .observed = f->observed},
        .workloads = {.count = f->works, .key = f->work_key, .name = f->work_name, .replicas = f->replicas},
        .placements = {.count = rows,
                       .workload = f->place_work,
                       .cluster = f->place_cluster,
                       .assigned = f->place_assigned,
                       .scheduled = f->place_assigned,
                       .ready = f->place_assigned,
                       .observed = f->place_observed},
    };
}

/** What the members do with a plan, at once: replicas take GPUs of whole nodes first. */
static void assign(fleet *f, uint32_t work, uint32_t cluster, int32_t replicas)
{
    seat *run = f->seats[work];
    uint32_t count = f->seat_count[work];
    uint32_t at = 0;
    while (at < count && run[at].cluster < cluster) {
        at++;
    }
    if (at == count || run[at].cluster != cluster) {
        if (count == SEATS) {
            printf("a workload on more than %d clusters\n", SEATS);
            exit(1);
        }
        memmove(run + at + 1, run + at, (count - at) * sizeof *run);
        run[at] = (seat){cluster, 0};
        f->seat_count[work] = ++count;
    }
    f->used[cluster] += replicas - run[at].assigned;
    run[at].assigned = replicas;
    if (replicas == 0) {
        memmove(run + at, run + at + 1, (count - at - 1) * sizeof *run);
        f->seat_count[work]--;
    }
}

static void carry_out(fleet *f, const spw_plan *plan)
{
    for (size_t i = 0; i < spw_plan_count(plan); i++) {
        const spw_action *a = spw_plan_at(plan, i);
        if (a->verb == SPW_VERB_PLACE) {
            assign(f, a->workload, a->cluster, (int32_t)a->amount);
        }
    }
    for (uint32_t c = 0; c < f->clusters; c++) {
        int32_t used = f->used[c];
        memset(f->free_nodes[c], 0, sizeof f->free_nodes[c]);
        f->free_nodes[c][0] = used / 8;
        f->free_nodes[c][8 - used % 8] += 1;
        f->free_nodes[c][8] += f->nodes[c] - used / 8 - 1;
    }
}

/* --- the reference: seat by seat, from nothing --- */

/** Is the next seat of cluster a worth more than that of b? Webster; ties to fewer seats, then by name. */
static bool better(const int64_t *left, const int32_t *seats, uint32_t a, uint32_t b)
{
    int64_t x = left[a] * (2 * seats[b] + 1);
    int64_t y = left[b] * (2 * seats[a] + 1);
    return x != y ? x > y : seats[a] < seats[b];
}

/** All of a workload into the clusters [from, to). @return false: there is not that much left */
static bool place_plainly(const fleet *f, uint32_t work, uint32_t from, uint32_t to, int64_t *left, int32_t *seats)
{
    int64_t sum = 0;
    for (uint32_t c = from; c < to; c++) {
        sum += left[c];
    }
    if (sum < f->replicas[work]) {
        return false;
    }
    for (int32_t k = 0; k < f->replicas[work]; k++) {
        uint32_t best = from;
        for (uint32_t c = from + 1; c < to; c++) {
            best = better(left, seats, c, best) ? c : best;
        }
        seats[best]++;
    }
    for (uint32_t c = from; c < to; c++) {
        left[c] -= seats[c];
    }
    return true;
}

/** @return ms; places [works x clusters] */
static double tick_plainly(const fleet *f, int32_t *places)
{
    struct timespec a;
    struct timespec b;
    uint32_t n = f->clusters;
    int64_t *left = take(n, sizeof *left);
    memset(places, 0, (size_t)f->works * n * sizeof *places);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
    for (uint32_t c = 0; c < n; c++) {
        left[c] = (int64_t)f->nodes[c] * f->gpus[c];
    }
    for (uint32_t w = 0; w < f->works; w++) {
        bool placed = false;
        for (uint32_t g = 0; g < GROUPS && !placed; g++) {
            placed = place_plainly(f, w, n * g / GROUPS, n * (g + 1) / GROUPS, left, places + (size_t)w * n);
        }
    }
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
    free(left);
    return (double)(b.tv_sec - a.tv_sec) * 1e3 + (double)(b.tv_nsec - a.tv_nsec) * 1e-6;
}

/** Does the fleet hold the same? */
static bool is_alike(const fleet *f, const int32_t *places)
{
    bool alike = true;
    for (uint32_t w = 0; w < f->works; w++) {
        uint32_t i = 0;
        for (uint32_t c = 0; c < f->clusters; c++) {
            bool here = i < f->seat_count[w] && f->seats[w][i].cluster == c;
            alike = alike && places[(size_t)w * f->clusters + c] == (here ? f->seats[w][i].assigned : 0);
            i += here ? 1 : 0;
        }
    }
    return alike;
}

/* --- the allocator of the core, counted --- */

static void *counted_take(size_t size, void *user)
{
    *(long *)user += 1;
    return malloc(size);
}

static void counted_give(void *p, void *user)
{
    (void)user;
    free(p);
}

static double tick(fleet *f, spw_core *core, spw_plan *plan, spw_time now)
{
    struct timespec a;
    struct timespec b;
    spw_err err = {0};
    snapshot(f, now);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
    spw_rc rc = spw_decide(core, &f->snap, plan, &err);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
    if (rc != SPW_OK) {
        printf("%s: %s\n", err.field, err.text);
        exit(1);
    }
    struct timespec c;
    if (spw_plan_check(plan, &f->snap, &err) != SPW_OK) {
        printf("%s: %s\n", err.field, err.text);
        exit(1);
    }
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &c);
    f->check_ms = (double)(c.tv_sec - b.tv_sec) * 1e3 + (double)(c.tv_nsec - b.tv_nsec) * 1e-6;
    carry_out(f, plan);
    return (double)(b.tv_sec - a.tv_sec) * 1e3 + (double)(b.tv_nsec - a.tv_nsec) * 1e-6;
}

/** Listing the candidates and filling them alone, one replica more for each workload. @return us for each */
static double fill_alone(spw_core *core, uint32_t works)
{
    struct timespec a;
    struct timespec b;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
    for (uint32_t w = 0; w < works; w++) {
        if (!slots_list_near(core, w, core->desired[w] + 1)) {
            abort();
        }
        (void)fill_place(&core->fill, core->desired[w] + 1, &core->memory.works[w].group);
    }
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
    return ((double)(b.tv_sec - a.tv_sec) * 1e6 + (double)(b.tv_nsec - a.tv_nsec) * 1e-3) / works;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void bench(uint32_t works, uint32_t clusters)
{
    fleet f = {.clusters = clusters, .works = works};
    spw_workload *config = take(works, sizeof *config);
    make_clusters(&f);
    make_works(&f, config);
    spw_policy policy;
    spw_policy_default(&policy);
    policy.name = "prod/policy";
    policy.groups = f.groups;
    policy.group_count = GROUPS;
    spw_settings settings;
    spw_settings_default(&settings);
    settings.clusters_max = clusters;
    settings.pools_max = clusters;
    settings.placements_max = (size_t)works * SEATS;
    settings.pods_max = 1;
    settings.samples_max = 1;
    spw_config all = {.workloads = config, .workload_count = works, .policies = &policy, .policy_count = 1};
    spw_core *core = NULL;
    spw_plan *plan = NULL;
    long taken = 0;
    spw_mem mem = {.take = counted_take, .give = counted_give, .user = &taken};
    if (spw_core_new(&settings, &all, &mem, &core, NULL) != SPW_OK ||
        spw_plan_new(&mem, 1000000, works, &plan) != SPW_OK) {
        exit(1);
    }
    long at_start = taken;
    int32_t *places = take((size_t)works * clusters, sizeof *places);
    double plain = tick_plainly(&f, places);
    spw_time now = 0;
    double first = tick(&f, core, plan, now);
    bool alike = is_alike(&f, places);
    free(places);
    double second = tick(&f, core, plan, now += 15 * SPW_NS_PER_S);
    (void)tick(&f, core, plan, now += 15 * SPW_NS_PER_S); /* nothing is new for the first time */
    double same = tick(&f, core, plan, now += 15 * SPW_NS_PER_S);
    double each[ROUNDS];
    double check_changed = 0.0;
    for (uint32_t r = 0; r < ROUNDS;
         r++) { /* others each time, from rest: the tick is so short that one tells little */
        for (uint32_t w = r; w < works; w += 100) {
            f.replicas[w] += 2;
        }
        each[r] = tick(&f, core, plan, now += 15 * SPW_NS_PER_S);
        check_changed = f.check_ms;
        (void)tick(&f, core, plan, now += 15 * SPW_NS_PER_S);
        (void)tick(&f, core, plan, now += 15 * SPW_NS_PER_S);
    }
    qsort(each, ROUNDS, sizeof *each, by_value);
    double changed = each[ROUNDS / 2];
    for (uint32_t w = 0; w < works; w++) {
        f.replicas[w] += 1;
    }
    double full = tick(&f, core, plan, now += 15 * SPW_NS_PER_S);
    double filling = fill_alone(core, works);
    printf("%9" PRIu32 " %8" PRIu32
           " %8.2f %8.2f %8.2f %7.2f %8.2f %8.3f %8.3f %8.2f %8.3f %8.2f %8.2f %8.2f   %-5s %6ld\n",
           works, clusters, first, full, full * 1e3 / works, filling, second, same, changed, f.check_ms, check_changed,
           plain, plain / full, plain / changed, alike ? "yes" : "NO", taken - at_start);
    spw_plan_free(plan);
    spw_core_free(core);
}

int main(void)
{
    printf("\nworkloads clusters first ms  full ms us / work fill us routes ms  same ms 1 %% new ms check ms 1 %% new "
           "plain ms plain / "
           "full / 1 "
           "%% new"
           "  same allocations\n");
    bench(100, 10);
    bench(100, 100);
    bench(1000, 100);
    bench(100, 1000);
    bench(1000, 1000);
    bench(10000, 1000);
    return 0;
}
