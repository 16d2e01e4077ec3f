/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_rows.c - see fuzz.h: snapshots and configurations made by hand, then damaged cell by cell. */
#include <stdlib.h>
#include <string.h>

#include "tests/support/fuzz.h"

#define S        SPW_NS_PER_S
#define CLUSTERS 6
#define POOLS    10
#define WORKS    5
#define SEATS    (CLUSTERS * WORKS)
#define PODS     24
#define SAMPLES  32
#define VALUES   8
#define GRADES   6
#define USAGES   8

typedef struct cluster_columns {
    uint64_t key[CLUSTERS];
    const char *name[CLUSTERS], *region[CLUSTERS], *zone[CLUSTERS], *provider[CLUSTERS], *jurisdiction[CLUSTERS];
    spw_labels labels[CLUSTERS];
    uint8_t ready[CLUSTERS];
    spw_time observed[CLUSTERS];
    spw_taints taints[CLUSTERS];
    int64_t summary[9][CLUSTERS];
} cluster_columns;

typedef struct pool_columns {
    uint64_t key[POOLS];
    const char *name[POOLS], *gpu[POOLS];
    spw_id cluster[POOLS];
    uint8_t capacity[POOLS];
    int32_t gpus[POOLS], nodes[POOLS], target[POOLS], min[POOLS], max[POOLS], stock[POOLS], rank[POOLS];
    int64_t failures[POOLS], price[POOLS];
    int32_t free_nodes[POOLS][SPW_NODE_GPUS_MAX + 1];
    spw_time observed[POOLS], stock_observed[POOLS];
    spw_labels labels[POOLS];
} pool_columns;

typedef struct other_columns {
    uint64_t wkey[WORKS], podkey[PODS], smetric[SAMPLES], vmetric[VALUES];
    const char *wname[WORKS];
    int32_t replicas[WORKS], gpus[WORKS], assigned[SEATS], scheduled[SEATS], ready[SEATS], gnodes[GRADES],
        uready[USAGES];
    spw_time reschedule[WORKS], observed[SEATS], started[PODS], changed[PODS], sampled[SAMPLES], vobserved[VALUES];
    spw_id swork[SEATS], scluster[SEATS], pwork[PODS], pcluster[PODS], spod[SAMPLES], vwork[VALUES], gcluster[GRADES],
        uwork[USAGES], upool[USAGES];
    uint8_t phase[PODS], deleting[PODS], pready[PODS];
    int64_t value[SAMPLES], request[SAMPLES], vvalue[VALUES], gcpu[GRADES], gmemory[GRADES], cpu[WORKS], memory[WORKS];
    spw_dur window[SAMPLES];
} other_columns;

typedef struct rows {
    spw_snapshot snap;
    cluster_columns c;
    pool_columns p;
    other_columns o;
} rows;

typedef struct setup {
    spw_config config;
    spw_workload work[WORKS];
    spw_policy policy[3];
    spw_group group[3][4];
    const char *names[3][4][2];
    spw_static_weight weight[3][2];
    spw_spread spread[3][2];
    spw_hpa hpa[2];
    spw_hpa_metric metric[2][2];
    spw_scaling_policy rule[2];
} setup;

static const char *const cluster_names[CLUSTERS] = {"ap", "bj", "eu", "hz", "sz", "us"};
static const char *const regions[] = {"", "north", "south"};
static const char *const classes[] = {"A", "B"};
static const int32_t halves[] = {1000, 500};

static int32_t some(choice *c, int64_t low, int64_t high)
{
    return (int32_t)choice_range(c, low, high);
}

/* --- a valid world --- */

static void make_clusters(rows *r, choice *c, size_t count)
{
    static const spw_label labels[] = {{"tier", "gold"}, {"env", "prod"}};
    static const spw_taint taints[] = {{"dedicated", "", SPW_TAINT_NO_SCHEDULE}, {"gone", "x", SPW_TAINT_NO_EXECUTE}};
    cluster_columns *k = &r->c;
    for (size_t i = 0; i < count; i++) {
        k->key[i] = spw_key(cluster_names[i]);
        k->name[i] = cluster_names[i];
        k->region[i] = regions[choice_below(c, 3)];
        k->zone[i] = regions[choice_below(c, 3)];
        k->provider[i] = regions[choice_below(c, 3)];
        k->jurisdiction[i] = choice_chance(c, 3, 4) ? "CN" : "";
        k->labels[i] = (spw_labels){labels, (size_t)choice_below(c, 3)};
        k->taints[i] = (spw_taints){taints, choice_chance(c, 1, 6) ? (size_t)some(c, 1, 2) : 0};
        k->ready[i] = !choice_chance(c, 1, 8);
        k->observed[i] = r->snap.now - (choice_chance(c, 1, 8) ? 300 * S : some(c, 0, 20) * S);
        for (int s = 0; s < 9; s++) {
            k->summary[s][i] = choice_below(c, 3) == 0 ? some(c, 0, 4) : some(c, 0, 400) * (s < 6 ? 1000 : 1);
        }
    }
    r->snap.clusters = (spw_cluster_rows){.count = count,
                                          .key = k->key,
                                          .name = k->name,
                                          .region = k->region,
                                          .zone = k->zone,
                                          .provider = k->provider,
                                          .labels = k->labels,
                                          .ready = k->ready,
                                          .observed = k->observed};
    r->snap.clusters.taints = choice_chance(c, 1, 2) ? k->taints : NULL;
    r->snap.clusters.jurisdiction = choice_chance(c, 1, 2) ? k->jurisdiction : NULL;
    const int64_t **const columns[] = {
        &r->snap.clusters.cpu_allocatable,    &r->snap.clusters.cpu_allocated,    &r->snap.clusters.cpu_allocating,
        &r->snap.clusters.memory_allocatable, &r->snap.clusters.memory_allocated, &r->snap.clusters.memory_allocating,
        &r->snap.clusters.pods_allocatable,   &r->snap.clusters.pods_allocated,   &r->snap.clusters.pods_allocating};
    for (int s = 0; s < 9; s++) {
        *columns[s] = choice_chance(c, 1, 4) ? k->summary[s] : NULL;
    }
}

static void make_pools(rows *r, choice *c, size_t count)
{
    static const char *const names[POOLS] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};
    static const spw_label pool_labels[] = {{"paidtype", "spot"}, {"team", "x"}};
    pool_columns *k = &r->p;
    for (size_t i = 0; i < count; i++) {
        k->name[i] = names[i];
        k->cluster[i] = (spw_id)choice_below(c, r->snap.clusters.count);
        k->key[i] = spw_key2(cluster_names[k->cluster[i]], names[i]);
        k->gpu[i] = classes[choice_below(c, 2)];
        k->capacity[i] = (uint8_t)some(c, SPW_CAPACITY_OWNED, SPW_CAPACITY_SPOT);
        k->gpus[i] = 1 << choice_below(c, 4);
        k->nodes[i] = some(c, 0, 6);
        int32_t left = k->nodes[i];
        for (int32_t g = 0; g <= k->gpus[i]; g++) {
            k->free_nodes[i][g] = some(c, 0, left);
            left -= k->free_nodes[i][g];
        }
        k->min[i] = some(c, 0, 2);
        k->max[i] = k->min[i] + some(c, 0, 8);
        k->target[i] = choice_chance(c, 1, 2) ? k->nodes[i] : some(c, 0, 9);
        k->stock[i] = some(c, -1, 5);
        k->rank[i] = some(c, 0, 2);
        k->failures[i] = some(c, 0, 3);
        k->price[i] = some(c, 0, 3000000);
        k->observed[i] = r->snap.now - some(c, 0, 200) * S;
        k->stock_observed[i] = r->snap.now - some(c, 0, 900) * S;
        k->labels[i] = (spw_labels){pool_labels, (size_t)choice_below(c, 3)};
    }
    r->snap.pools = (spw_pool_rows){.count = count,
                                    .key = k->key,
                                    .name = k->name,
                                    .cluster = k->cluster,
                                    .gpu = k->gpu,
                                    .capacity = k->capacity,
                                    .gpus_per_node = k->gpus,
                                    .nodes = k->nodes,
                                    .nodes_target = k->target,
                                    .nodes_min = k->min,
                                    .nodes_max = k->max,
                                    .stock = k->stock,
                                    .rank = choice_chance(c, 1, 2) ? k->rank : NULL,
                                    .failures = choice_chance(c, 1, 2) ? k->failures : NULL,
                                    .price_uusd_per_gpu_h = k->price,
                                    .free_nodes = (const int32_t(*)[SPW_NODE_GPUS_MAX + 1]) k->free_nodes,
                                    .observed = k->observed,
                                    .stock_observed = choice_chance(c, 1, 2) ? k->stock_observed : NULL,
                                    .labels = choice_chance(c, 1, 2) ? k->labels : NULL};
}

static void make_works(rows *r, choice *c, size_t count, const setup *s)
{
    other_columns *o = &r->o;
    size_t seats = 0;
    for (size_t i = 0; i < count; i++) {
        o->wkey[i] = s->work[i].key;
        o->wname[i] = s->work[i].name;
        o->replicas[i] = choice_chance(c, 1, 16) ? SPW_REPLICAS_MAX : some(c, 0, 14);
        o->gpus[i] = s->work[i].gpus;
        o->cpu[i] = s->work[i].cpu_milli;
        o->memory[i] = s->work[i].memory_bytes;
        o->reschedule[i] = choice_chance(c, 1, 6) ? r->snap.now - some(c, 0, 60) * S : SPW_TIME_MAX;
        for (size_t k = 0; k < r->snap.clusters.count; k++) {
            if (choice_chance(c, 1, 2)) {
                continue;
            }
            o->swork[seats] = (spw_id)i;
            o->scluster[seats] = (spw_id)k;
            o->assigned[seats] = some(c, 0, 6);
            o->scheduled[seats] = some(c, 0, o->assigned[seats] + (choice_chance(c, 1, 4) ? 2 : 0));
            o->ready[seats] = some(c, 0, o->scheduled[seats]);
            o->observed[seats] = r->snap.now - some(c, 0, 20) * S;
            seats++;
        }
    }
    r->snap.workloads = (spw_workload_rows){.count = count,
                                            .key = o->wkey,
                                            .name = o->wname,
                                            .replicas = o->replicas,
                                            .gpus = o->gpus,
                                            .cpu_milli = choice_chance(c, 4, 5) ? o->cpu : NULL,
                                            .memory_bytes = choice_chance(c, 4, 5) ? o->memory : NULL,
                                            .reschedule = choice_chance(c, 1, 2) ? o->reschedule : NULL};
    r->snap.placements =
        (spw_placement_rows){seats, o->swork, o->scluster, o->assigned, o->scheduled, o->ready, o->observed};
}

static void make_pods(rows *r, choice *c)
{
    other_columns *o = &r->o;
    const size_t works = r->snap.workloads.count;
    const size_t pods = works == 0 || r->snap.clusters.count == 0 ? 0 : (size_t)choice_below(c, PODS + 1);
    size_t samples = 0;
    for (size_t i = 0; i < pods; i++) {
        o->podkey[i] = choice_u64(c);
        o->pwork[i] = (spw_id)choice_below(c, works);
        o->pcluster[i] = (spw_id)choice_below(c, r->snap.clusters.count);
        o->phase[i] = (uint8_t)some(c, 1, 3);
        o->deleting[i] = choice_chance(c, 1, 8);
        o->pready[i] = choice_chance(c, 3, 4);
        o->started[i] = choice_chance(c, 1, 8) ? SPW_TIME_MAX : r->snap.now - some(c, 0, 4000) * S;
        o->changed[i] = choice_chance(c, 1, 8) ? SPW_TIME_MAX : r->snap.now - some(c, 0, 4000) * S;
        if (samples < SAMPLES && choice_chance(c, 3, 4)) {
            o->spod[samples] = (spw_id)i;
            o->smetric[samples] = spw_key(choice_chance(c, 1, 2) ? "cpu" : "load");
            o->value[samples] = some(c, 0, 3000);
            o->request[samples] = some(c, 0, 2000);
            o->sampled[samples] = r->snap.now - some(c, 0, 60) * S;
            o->window[samples++] = 30 * S;
        }
    }
    const size_t values = works == 0 ? 0 : (size_t)choice_below(c, VALUES + 1);
    for (size_t i = 0; i < values; i++) {
        o->vwork[i] = (spw_id)(i % works);
        o->vmetric[i] = spw_key(i % 2 == 0 ? "queue" : SPW_ROUTE_RATE);
        o->vvalue[i] = some(c, 0, 90000);
        o->vobserved[i] = r->snap.now - some(c, 0, 60) * S;
    }
    r->snap.pods = (spw_pod_rows){pods,        o->podkey, o->pwork,   o->pcluster, o->phase,
                                  o->deleting, o->pready, o->started, o->changed};
    r->snap.samples = (spw_sample_rows){samples, o->spod, o->smetric, o->value, o->request, o->sampled, o->window};
    r->snap.values = (spw_value_rows){values, o->vwork, o->vmetric, o->vvalue, o->vobserved};
}

static void make_rest(rows *r, choice *c)
{
    other_columns *o = &r->o;
    const size_t grades = r->snap.clusters.count > 0 && choice_chance(c, 1, 3) ? (size_t)some(c, 1, GRADES) : 0;
    for (size_t i = 0; i < grades; i++) {
        o->gcluster[i] = (spw_id)choice_below(c, r->snap.clusters.count);
        o->gnodes[i] = some(c, 0, 5);
        o->gcpu[i] = some(c, 0, 64) * 1000;
        o->gmemory[i] = some(c, 0, 1000000);
    }
    const bool any = r->snap.pools.count > 0 && r->snap.workloads.count > 0;
    const size_t usages = any && choice_chance(c, 1, 3) ? (size_t)some(c, 1, USAGES) : 0;
    for (size_t i = 0; i < usages; i++) {
        o->uwork[i] = (spw_id)choice_below(c, r->snap.workloads.count);
        o->upool[i] = (spw_id)choice_below(c, r->snap.pools.count);
        o->uready[i] = some(c, 0, 6);
    }
    r->snap.grades = (spw_grade_rows){grades, o->gcluster, o->gnodes, o->gcpu, o->gmemory};
    r->snap.usage = (spw_usage_rows){usages, o->uwork, o->upool, o->uready};
}

static void make_rows(rows *r, choice *c, const setup *s, spw_time now)
{
    memset(r, 0, sizeof *r);
    r->snap.version = SPW_API_VERSION;
    r->snap.now = now;
    make_clusters(r, c, (size_t)some(c, choice_chance(c, 1, 20) ? 0 : 1, CLUSTERS));
    make_pools(r, c, r->snap.clusters.count == 0 ? 0 : (size_t)some(c, 0, POOLS));
    make_works(r, c, (size_t)some(c, 0, (int64_t)s->config.workload_count), s);
    make_pods(r, c);
    make_rest(r, c);
}

/* --- a configuration --- */

static void make_groups(setup *s, choice *c, int p)
{
    spw_policy *policy = &s->policy[p];
    policy->groups = s->group[p];
    policy->group_count = (size_t)some(c, 1, 4);
    for (size_t g = 0; g < 4; g++) {
        s->names[p][g][0] = cluster_names[choice_below(c, CLUSTERS)];
        s->names[p][g][1] = cluster_names[choice_below(c, CLUSTERS)];
        s->group[p][g] =
            (spw_group){.name = "g", .selector = {.names = s->names[p][g], .name_count = (size_t)choice_below(c, 3)}};
        s->group[p][g].has_window = choice_chance(c, 1, 8);
        s->group[p][g].failback_window = some(c, 0, 2) * 15 * S;
    }
    for (size_t i = 0; i < 2; i++) {
        s->weight[p][i] =
            (spw_static_weight){{.names = &s->names[p][i][0], .name_count = (size_t)choice_below(c, 2)}, some(c, 1, 5)};
        s->spread[p][i] = (spw_spread){i == 0 ? SPW_SPREAD_CLUSTER : (spw_spread_field)some(c, 2, 4), some(c, 1, 3), 0};
        s->spread[p][i].max_groups = choice_chance(c, 1, 2) ? 0 : s->spread[p][i].min_groups + some(c, 0, 2);
    }
    policy->spreads = s->spread[p];
    policy->spread_count = choice_chance(c, 1, 3) ? (size_t)some(c, 1, 2) : 0;
}

static void make_policy(setup *s, choice *c, int p)
{
    static const char *const names[] = {"prod/p0", "prod/p1", "prod/p2"};
    spw_policy *policy = &s->policy[p];
    spw_policy_default(policy);
    policy->name = names[p];
    make_groups(s, c, p);
    policy->order = choice_chance(c, 3, 4) ? SPW_GROUPS_ORDERED : SPW_GROUPS_FAILOVER;
    policy->division = (spw_division)some(c, SPW_DIVIDE_DUPLICATED, SPW_DIVIDE_AGGREGATED);
    policy->static_weights = s->weight[p];
    policy->static_weight_count = 2;
    policy->partial = choice_chance(c, 3, 4);
    policy->elastic = choice_chance(c, 2, 3);
    policy->step_major = (spw_step_major)some(c, SPW_STEP_PER_TIER, SPW_STEP_GLOBAL);
    policy->failback = (spw_failback)some(c, SPW_FAILBACK_NEVER, SPW_FAILBACK_AUTOMATIC);
    policy->failback_window = some(c, 0, 3) * 15 * S;
    policy->moves_per_tick = some(c, 0, 3);
    policy->move_deadline = some(c, 1, 4) * 15 * S;
    policy->provision_deadline = some(c, 1, 4) * 15 * S;
    policy->node_unneeded = some(c, 0, 4) * 15 * S;
    policy->compat = choice_chance(c, 1, 5);
    policy->rounding = choice_chance(c, 1, 8) ? SPW_ROUND_FLOOR : SPW_ROUND_WEBSTER;
    policy->preempt = choice_chance(c, 1, 2) ? (spw_preempt)some(c, 0, 2) : SPW_PREEMPT_OFF;
    policy->min_runtime = some(c, 0, 2) * 60 * S;
    policy->nodes_per_batch = some(c, 0, 3);
    policy->failover_after = some(c, 0, 2) * 15 * S;
    policy->evict_grace = some(c, 0, 2) * 30 * S;
    policy->failover_moves = some(c, 0, 2);
    policy->flap_window = some(c, 0, 2) * 60 * S;
    policy->unschedulable_after = some(c, 0, 2) * 15 * S;
    policy->deschedule_cooldown = some(c, 0, 2) * 15 * S;
    policy->dwell = some(c, 0, 2) * 60 * S;
    policy->moves_per_cluster = some(c, 0, 2);
    policy->route = (spw_route)some(c, 0, 3);
    policy->route_capacity_milli = some(c, 0, 5000);
    policy->route_lag = some(c, 0, 1) * 15 * S;
}

static void make_hpa(setup *s, choice *c, int h)
{
    s->rule[h] = (spw_scaling_policy){choice_chance(c, 1, 2) ? SPW_SCALING_PODS : SPW_SCALING_PERCENT, some(c, 1, 200),
                                      some(c, 1, 120)};
    s->metric[h][0] = (spw_hpa_metric){.kind = SPW_METRIC_RESOURCE, .name = "cpu", .is_cpu = true};
    s->metric[h][0].target_kind = choice_chance(c, 1, 2) ? SPW_TARGET_UTILIZATION : SPW_TARGET_AVERAGE_VALUE;
    s->metric[h][0].target = some(c, 1, 900);
    s->metric[h][1] = (spw_hpa_metric){.kind = SPW_METRIC_EXTERNAL, .name = "queue"};
    s->metric[h][1].target_kind = choice_chance(c, 1, 2) ? SPW_TARGET_VALUE : SPW_TARGET_AVERAGE_VALUE;
    s->metric[h][1].target = some(c, 1, 9000);
    const size_t metrics = (size_t)some(c, 1, 2);
    spw_scaling_rules rules = {choice_chance(c, 1, 2) ? -1 : some(c, 0, 60), (spw_select)some(c, 1, 3), -1, &s->rule[h],
                               choice_chance(c, 1, 2) ? 1 : 0};
    s->hpa[h] = (spw_hpa){.name = h == 0 ? "prod/h0" : "prod/h1",
                          .replicas_min = some(c, metrics == 2 ? 0 : 1, 3),
                          .replicas_max = some(c, 3, 20),
                          .metrics = s->metric[h],
                          .metric_count = metrics,
                          .has_behavior = choice_chance(c, 1, 2),
                          .up = rules,
                          .down = rules,
                          .federated = choice_chance(c, 1, 3),
                          .sync_s = 15};
}

static void make_setup(setup *s, choice *c)
{
    static const spw_label team[] = {{"team", "x"}};
    static const spw_unit unit[] = {{.capacity = SPW_CAPACITY_SPOT, .replicas_max = 2},
                                    {.gpu = "A", .replicas_max = -1, .waits = true},
                                    {.pay_per_use = true, .replicas_max = 3, .labels = {team, 1}}};
    static const spw_units units[] = {{unit, 3, SPW_NEXT_LACK_OR_MAX, 0, true},
                                      {unit, 3, SPW_NEXT_MAX, 0, true},
                                      {unit, 2, SPW_NEXT_TIMEOUT_OR_MAX, 60 * S, false},
                                      {unit, 3, SPW_NEXT_LACK_AND_NO_TERMINATING, 0, false}};
    static const char *const names[WORKS] = {"prod/a", "prod/b", "prod/c", "prod/d", "prod/e"};
    static const char *const laws[] = {"CN"};
    memset(s, 0, sizeof *s);
    for (int p = 0; p < 3; p++) {
        make_policy(s, c, p);
    }
    make_hpa(s, c, 0);
    make_hpa(s, c, 1);
    const size_t works = (size_t)some(c, 0, WORKS);
    for (size_t i = 0; i < works; i++) {
        spw_workload *w = &s->work[i];
        *w = (spw_workload){.key = spw_key(names[i]), .name = names[i], .hpa = SPW_ID_NONE, .policy = SPW_ID_NONE};
        w->uid_hash = (uint32_t)choice_below(c, 3);
        w->replicas = some(c, 0, 14);
        w->gpus = choice_chance(c, 1, 5) ? 0 : 1 << choice_below(c, 4);
        w->priority = some(c, -1, 3) * 100;
        w->policy = choice_chance(c, 1, 10) ? SPW_ID_NONE : (spw_id)choice_below(c, 3);
        w->hpa = i < 2 && choice_chance(c, 1, 2) ? (spw_id)i : SPW_ID_NONE;
        if (choice_chance(c, 1, 3)) {
            w->gpu_classes = classes;
            w->gpu_class_count = (size_t)some(c, 1, 2);
            w->gpu_milli = choice_chance(c, 1, 2) ? halves : NULL;
        }
        w->cpu_milli = choice_chance(c, 1, 2) ? some(c, 0, 8000) : 0;
        w->memory_bytes = choice_chance(c, 1, 4) ? some(c, 0, 100000) : 0;
        w->min_available = choice_chance(c, 1, 4) ? some(c, 0, 5) : 0;
        w->by_reference = w->gpu_milli != NULL && choice_chance(c, 1, 3);
        w->units = choice_chance(c, 1, 4) ? &units[choice_below(c, 4)] : NULL;
        w->preempt_never = choice_chance(c, 1, 8);
        w->budget = choice_chance(c, 1, 4) ? (spw_budget)some(c, 1, 4) : SPW_BUDGET_NONE;
        w->budget_value = some(c, 0, 5);
        w->has_reschedule = choice_chance(c, 1, 6); /* at, before or between the ticks */
        w->reschedule = 1000000 * S + some(c, -1, 2) * 10 * S;
        w->jurisdictions = laws;
        w->jurisdiction_count = choice_chance(c, 1, 6) ? 1 : 0;
    }
    s->config = (spw_config){s->work, works, s->policy, 3, s->hpa, 2, NULL, 0, NULL, 0};
}

/* --- damage --- */

typedef struct cell_column {
    void *at;
    size_t size, count;
} cell_column;

#define COLUMN(array)                                                                                                  \
    {                                                                                                                  \
        (array), sizeof(array)[0], sizeof(array) / sizeof(array)[0]                                                    \
    }

/** One cell of some column gets a value from the edge of its type. */
static void damage_cell(rows *r, choice *c)
{
    cluster_columns *k = &r->c;
    pool_columns *p = &r->p;
    other_columns *o = &r->o;
    const cell_column columns[] = {
        COLUMN(k->key),           COLUMN(k->ready),         COLUMN(k->observed),   COLUMN(k->summary[0]),
        COLUMN(k->summary[1]),    COLUMN(k->summary[3]),    COLUMN(k->summary[6]), COLUMN(k->summary[8]),
        COLUMN(p->key),           COLUMN(p->cluster),       COLUMN(p->capacity),   COLUMN(p->gpus),
        COLUMN(p->nodes),         COLUMN(p->target),        COLUMN(p->min),        COLUMN(p->max),
        COLUMN(p->stock),         COLUMN(p->rank),          COLUMN(p->failures),   COLUMN(p->price),
        COLUMN(p->free_nodes[0]), COLUMN(p->free_nodes[1]), COLUMN(p->observed),   COLUMN(p->stock_observed),
        COLUMN(o->wkey),          COLUMN(o->podkey),        COLUMN(o->smetric),    COLUMN(o->vmetric),
        COLUMN(o->replicas),      COLUMN(o->gpus),          COLUMN(o->assigned),   COLUMN(o->scheduled),
        COLUMN(o->ready),         COLUMN(o->gnodes),        COLUMN(o->uready),     COLUMN(o->reschedule),
        COLUMN(o->observed),      COLUMN(o->started),       COLUMN(o->changed),    COLUMN(o->sampled),
        COLUMN(o->vobserved),     COLUMN(o->swork),         COLUMN(o->scluster),   COLUMN(o->pwork),
        COLUMN(o->pcluster),      COLUMN(o->spod),          COLUMN(o->vwork),      COLUMN(o->gcluster),
        COLUMN(o->uwork),         COLUMN(o->upool),         COLUMN(o->phase),      COLUMN(o->deleting),
        COLUMN(o->pready),        COLUMN(o->value),         COLUMN(o->request),    COLUMN(o->vvalue),
        COLUMN(o->gcpu),          COLUMN(o->gmemory),       COLUMN(o->window),     COLUMN(o->cpu),
        COLUMN(o->memory)};
    static const int64_t edges[] = {0,
                                    1,
                                    -1,
                                    2,
                                    3,
                                    64,
                                    1000000,
                                    1000001,
                                    INT32_MAX,
                                    INT32_MIN,
                                    INT64_MAX,
                                    INT64_MIN,
                                    INT64_MAX - 1,
                                    (int64_t)1 << 61,
                                    (int64_t)1 << 62,
                                    255};
    const cell_column *column = &columns[choice_below(c, sizeof columns / sizeof columns[0])];
    int64_t value = edges[choice_below(c, sizeof edges / sizeof edges[0])];
    const size_t few = column->count < 4 ? column->count : 4; /* rows that exist in most worlds */
    unsigned char *cell = (unsigned char *)column->at + choice_below(c, few) * column->size;
    memcpy(cell, &value, column->size); /* little-endian: the low bytes */
}

/** A text, a column or a count is not what it should be. */
static void damage_shape(rows *r, choice *c)
{
    spw_snapshot *s = &r->snap;
    switch (choice_below(c, 16)) {
    case 0:
        r->c.name[choice_below(c, 2)] = NULL;
        break;
    case 1:
        r->c.name[1] = r->c.name[0];
        break;
    case 2:
        r->c.region[0] = NULL;
        break;
    case 3:
        r->p.name[0] = NULL;
        break;
    case 4:
        r->p.gpu[choice_below(c, 2)] = choice_chance(c, 1, 2) ? NULL : "";
        break;
    case 5:
        r->o.wname[0] = NULL;
        break;
    case 6:
        s->clusters.ready = NULL;
        break;
    case 7:
        s->pools.free_nodes = NULL;
        break;
    case 8:
        s->workloads.gpus = NULL;
        break;
    case 9:
        s->placements.scheduled = NULL;
        break;
    case 10:
        s->pods.started = NULL;
        break;
    case 11:
        s->samples.request_milli = NULL;
        break;
    case 12:
        s->version = (uint32_t)choice_below(c, 3);
        break;
    case 13:
        s->now = choice_chance(c, 1, 2) ? INT64_MAX : INT64_MIN;
        break;
    case 14:
        r->c.labels[0] = (spw_labels){NULL, 1};
        r->p.labels[0] = (spw_labels){NULL, 1};
        break;
    default:
        r->c.taints[0] = (spw_taints){NULL, 2};
        break;
    }
}

/** A figure of the configuration from the edge of its type. */
static void damage_setup(setup *s, choice *c)
{
    static const int32_t edges[] = {0, -1, 1, 17, 65, INT32_MAX, INT32_MIN, 1000001};
    const int32_t edge = edges[choice_below(c, 8)];
    spw_policy *p = &s->policy[choice_below(c, 3)];
    spw_workload *w = &s->work[choice_below(c, WORKS)];
    spw_hpa *h = &s->hpa[choice_below(c, 2)];
    int32_t *const ints[] = {
        &p->moves_per_tick,         &p->nodes_per_batch,  &p->failover_moves, &p->moves_per_cluster,
        &p->route_fill_ppm,         &w->replicas,         &w->gpus,           &w->priority,
        &w->min_available,          &h->replicas_min,     &h->replicas_max,   &h->sync_s,
        &s->rule[0].value,          &s->rule[0].period_s, &h->up.window_s,    &s->spread[0][0].min_groups,
        &s->spread[0][0].max_groups};
    int64_t *const longs[] = {&p->failback_window,     &p->move_deadline,       &p->provision_deadline,
                              &p->node_unneeded,       &p->evict_grace,         &p->dwell,
                              &p->route_lag,           &w->cpu_milli,           &w->memory_bytes,
                              &w->latency_budget,      &s->metric[0][0].target, &s->weight[0][0].weight,
                              &p->route_capacity_milli};
    switch (choice_below(c, 6)) {
    case 0:
    case 1:
        *ints[choice_below(c, sizeof ints / sizeof ints[0])] = edge;
        break;
    case 2:
    case 3:
        *longs[choice_below(c, sizeof longs / sizeof longs[0])] = choice_chance(c, 1, 2) ? edge : INT64_MAX - 3;
        break;
    case 4:
        w->policy = (spw_id)edge;
        break;
    default:
        p->group_count = (size_t)choice_below(c, 5);
        p->division = (spw_division)choice_below(c, 7);
        break;
    }
}

/* --- the same rows backwards --- */

static void turn(void *array, size_t size, size_t count)
{
    unsigned char *a = array;
    unsigned char keep[128];
    for (size_t i = 0; i + i + 1 < count; i++) {
        memcpy(keep, a + i * size, size);
        memcpy(a + i * size, a + (count - 1 - i) * size, size);
        memcpy(a + (count - 1 - i) * size, keep, size);
    }
}

static void turn_ids(spw_id *ids, size_t count, size_t referred)
{
    for (size_t i = 0; i < count; i++) {
        ids[i] = ids[i] < referred ? (spw_id)(referred - 1 - ids[i]) : ids[i];
    }
}

#define TURN(array, n) turn((array), sizeof(array)[0], (n))

static void turn_rows(rows *r)
{
    spw_snapshot *s = &r->snap;
    cluster_columns *k = &r->c;
    pool_columns *p = &r->p;
    other_columns *o = &r->o;
    const size_t clusters = s->clusters.count;
    TURN(k->key, clusters), TURN(k->name, clusters), TURN(k->region, clusters), TURN(k->zone, clusters);
    TURN(k->provider, clusters), TURN(k->jurisdiction, clusters), TURN(k->labels, clusters), TURN(k->ready, clusters);
    TURN(k->observed, clusters), TURN(k->taints, clusters);
    for (int i = 0; i < 9; i++) {
        TURN(k->summary[i], clusters);
    }
    const size_t pools = s->pools.count;
    TURN(p->key, pools), TURN(p->name, pools), TURN(p->gpu, pools), TURN(p->cluster, pools), TURN(p->capacity, pools);
    TURN(p->gpus, pools), TURN(p->nodes, pools), TURN(p->target, pools), TURN(p->min, pools), TURN(p->max, pools);
    TURN(p->stock, pools), TURN(p->rank, pools), TURN(p->failures, pools), TURN(p->price, pools);
    TURN(p->free_nodes, pools), TURN(p->observed, pools), TURN(p->stock_observed, pools);
    TURN(p->labels, pools);
    const size_t works = s->workloads.count;
    TURN(o->wkey, works), TURN(o->wname, works), TURN(o->replicas, works), TURN(o->gpus, works);
    TURN(o->reschedule, works), TURN(o->cpu, works), TURN(o->memory, works);
    const size_t seats = s->placements.count;
    TURN(o->swork, seats), TURN(o->scluster, seats), TURN(o->assigned, seats), TURN(o->scheduled, seats);
    TURN(o->ready, seats), TURN(o->observed, seats);
    const size_t pods = s->pods.count;
    TURN(o->podkey, pods), TURN(o->pwork, pods), TURN(o->pcluster, pods), TURN(o->phase, pods);
    TURN(o->deleting, pods), TURN(o->pready, pods), TURN(o->started, pods), TURN(o->changed, pods);
    turn_ids(p->cluster, pools, clusters), turn_ids(o->swork, seats, works), turn_ids(o->scluster, seats, clusters);
    turn_ids(o->pwork, pods, works), turn_ids(o->pcluster, pods, clusters), turn_ids(o->spod, s->samples.count, pods);
    turn_ids(o->vwork, s->values.count, works), turn_ids(o->gcluster, s->grades.count, clusters);
    turn_ids(o->uwork, s->usage.count, works), turn_ids(o->upool, s->usage.count, pools);
}

/** Carries the placing of a plan out: most of it at once, so that the next tick sees a different world. */
static void carry_out(rows *r, const spw_plan *plan, choice *c)
{
    for (size_t i = 0; i < spw_plan_count(plan); i++) {
        const spw_action *a = spw_plan_at(plan, i);
        if (a->verb == SPW_VERB_SCALE) {
            r->o.replicas[a->workload] = (int32_t)a->amount;
        }
        for (size_t k = 0; k < r->snap.placements.count && a->verb == SPW_VERB_PLACE; k++) {
            if (r->o.swork[k] == a->workload && r->o.scluster[k] == a->cluster && !choice_chance(c, 1, 6)) {
                r->o.assigned[k] = (int32_t)a->amount;
                r->o.scheduled[k] = r->o.scheduled[k] < r->o.assigned[k] ? r->o.scheduled[k] : r->o.assigned[k];
                r->o.ready[k] = r->o.ready[k] < r->o.scheduled[k] ? r->o.ready[k] : r->o.scheduled[k];
            }
        }
        if (a->verb == SPW_VERB_PROVISION || a->verb == SPW_VERB_RELEASE) {
            r->p.target[a->pool] = (int32_t)a->amount;
        }
    }
}

/** The twin is a copy of the bytes; its columns must be its own. */
static void own_columns(rows *twin, const rows *original)
{
    unsigned char *words = (unsigned char *)&twin->snap;
    for (size_t i = 0; i + sizeof(void *) <= sizeof twin->snap; i += sizeof(void *)) {
        uintptr_t at = 0;
        memcpy(&at, words + i, sizeof at);
        if (at >= (uintptr_t)original && at < (uintptr_t)(original + 1)) {
            at += (uintptr_t)twin - (uintptr_t)original;
            memcpy(words + i, &at, sizeof at);
        }
    }
}

/** One tick on r. @return false if something is wrong; *on = there was a plan, and it was carried out */
static bool tick(fuzz *f, choice *c, spw_core *core, const setup *s, rows *r, bool *on)
{
    static rows twin;
    twin = *r;
    own_columns(&twin, r);
    const bool valid = spw_snapshot_check(&r->snap, NULL) == SPW_OK;
    if (valid) {
        turn_rows(&twin);
    } else {
        f->tally.refused++;
    }
    spw_plan *plan = NULL;
    const bool good = fuzz_judge(f, core, &s->config, &r->snap, &twin.snap, &plan, on);
    if (*on) {
        carry_out(r, plan, c);
        r->snap.now += 15 * S;
    }
    spw_plan_free(plan);
    return good;
}

bool fuzz_rows(fuzz *f, choice *c)
{
    static setup s; /* large; one thread */
    static rows r;
    make_setup(&s, c);
    make_rows(&r, c, &s, 1000000 * S);
    if (choice_chance(c, 1, 6)) {
        damage_setup(&s, c);
    }
    bool good = true;
    spw_core *core = fuzz_core(f, &s.config, &r.snap, &good);
    f->tally.refused += core == NULL ? 1 : 0;
    bool on = core != NULL;
    for (int i = 0; i < 3 && good && on; i++) {
        for (uint64_t n = choice_chance(c, 1, 3) ? choice_below(c, 4) : 0; n > 0; n--) {
            damage_cell(&r, c);
        }
        if (choice_chance(c, 1, 20)) {
            damage_shape(&r, c);
        }
        good = tick(f, c, core, &s, &r, &on);
    }
    spw_core_free(core);
    return good;
}
