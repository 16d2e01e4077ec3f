/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_rows.c - see fuzz.h: snapshots and configurations made by hand, then damaged cell by cell. */
#include <stdlib.h>
#include <string.h>

#include "tests/support/fuzz_rows.h"

#define PLAIN_PODS    24
#define PLAIN_SAMPLES 32
#define PLAIN_VALUES  8
#define PLAIN_USAGES  8

const char *const fuzz_clusters[CLUSTERS] = {"ap", "bj", "eu", "hz", "sz", "us"};
static const char *const regions[] = {"", "north", "south"};
static const char *const classes[] = {"A", "B"};
static const int32_t halves[] = {1000, 500};

/* --- a valid world --- */

static void make_clusters(rows *r, choice *c, size_t count)
{
    static const spw_label labels[] = {{"tier", "gold"}, {"env", "prod"}};
    static const spw_taint taints[] = {{"dedicated", "", SPW_TAINT_NO_SCHEDULE}, {"gone", "x", SPW_TAINT_NO_EXECUTE}};
    cluster_columns *k = &r->c;
    for (size_t i = 0; i < count; i++) {
        k->key[i] = spw_key(fuzz_clusters[i]);
        k->name[i] = fuzz_clusters[i];
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
    pool_columns *k = &r->p;
    for (size_t i = 0; i < count; i++) {
        k->name[i] = names[i];
        k->cluster[i] = (spw_id)choice_below(c, r->snap.clusters.count);
        k->key[i] = spw_key2(fuzz_clusters[k->cluster[i]], names[i]);
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
                                    .stock_observed = choice_chance(c, 1, 2) ? k->stock_observed : NULL};
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
    const size_t pods = works == 0 || r->snap.clusters.count == 0 ? 0 : (size_t)choice_below(c, PLAIN_PODS + 1);
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
        if (samples < PLAIN_SAMPLES && choice_chance(c, 3, 4)) {
            o->spod[samples] = (spw_id)i;
            o->smetric[samples] = spw_key(choice_chance(c, 1, 2) ? "cpu" : "load");
            o->value[samples] = some(c, 0, 3000);
            o->request[samples] = some(c, 0, 2000);
            o->sampled[samples] = r->snap.now - some(c, 0, 60) * S;
            o->window[samples++] = 30 * S;
        }
    }
    const size_t values = works == 0 ? 0 : (size_t)choice_below(c, PLAIN_VALUES + 1);
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
        o->gcpu[i] = choice_chance(c, 1, 9) ? -1 : some(c, 0, 64) * 1000;
        o->gmemory[i] = choice_chance(c, 1, 9) ? -1 : some(c, 0, 1000000);
    }
    const bool any = r->snap.pools.count > 0 && r->snap.workloads.count > 0;
    const size_t usages = any && choice_chance(c, 1, 3) ? (size_t)some(c, 1, PLAIN_USAGES) : 0;
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
        s->names[p][g][0] = fuzz_clusters[choice_below(c, CLUSTERS)];
        s->names[p][g][1] = fuzz_clusters[choice_below(c, CLUSTERS)];
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

void fuzz_make_policy(setup *s, choice *c, int p)
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
    static const spw_unit unit[] = {{.capacity = SPW_CAPACITY_SPOT, .replicas_max = 2},
                                    {.gpu = "A", .replicas_max = -1, .waits = true},
                                    {.pay_per_use = true, .replicas_max = 3}};
    static const spw_units units[] = {{unit, 3, SPW_NEXT_LACK_OR_MAX, 0, false},
                                      {unit, 3, SPW_NEXT_MAX, 0, false},
                                      {unit, 2, SPW_NEXT_TIMEOUT_OR_MAX, 60 * S, false},
                                      {unit, 3, SPW_NEXT_LACK_AND_NO_TERMINATING, 0, false}};
    static const char *const names[WORKS] = {"prod/a", "prod/b", "prod/c", "prod/d", "prod/e"};
    static const char *const laws[] = {"CN"};
    memset(s, 0, sizeof *s);
    for (int p = 0; p < 3; p++) {
        fuzz_make_policy(s, c, p);
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

/* --- ticks --- */

/** Writes a pair's count, mostly; into a row of its own if there is none and there may be one. */
static void write_seat(rows *r, choice *c, const spw_action *a, bool adds)
{
    other_columns *o = &r->o;
    size_t k = 0;
    while (k < r->snap.placements.count && (o->swork[k] != a->workload || o->scluster[k] != a->cluster)) {
        k++;
    }
    if (k == r->snap.placements.count && adds && k < SEATS) {
        o->swork[k] = a->workload;
        o->scluster[k] = a->cluster;
        o->assigned[k] = o->scheduled[k] = o->ready[k] = 0;
        o->observed[k] = r->snap.now;
        r->snap.placements.count++;
    }
    if (k < r->snap.placements.count && !choice_chance(c, 1, 6)) {
        o->assigned[k] = (int32_t)a->amount;
        o->scheduled[k] = adds || o->scheduled[k] < o->assigned[k] ? o->scheduled[k] : o->assigned[k];
        o->ready[k] = o->ready[k] < o->scheduled[k] ? o->ready[k] : o->scheduled[k];
    }
}

/** Carries the placing of a plan out: most of it at once, so that the next tick sees a different world. */
static void carry_out(rows *r, const spw_plan *plan, choice *c, bool wide)
{
    for (size_t i = 0; i < spw_plan_count(plan); i++) {
        const spw_action *a = spw_plan_at(plan, i);
        if (a->verb == SPW_VERB_SCALE) {
            r->o.replicas[a->workload] = (int32_t)a->amount;
        }
        if (a->verb == SPW_VERB_PLACE) {
            write_seat(r, c, a, wide);
        }
        if (a->verb == SPW_VERB_PROVISION || a->verb == SPW_VERB_RELEASE) {
            r->p.target[a->pool] = (int32_t)a->amount;
        }
    }
}

/** One tick on r. @return false if something is wrong; *on = there was a plan, and it was carried out */
static bool tick(fuzz *f, choice *c, spw_core *core, const setup *s, rows *r, bool *on)
{
    static rows twin;
    const bool valid = spw_snapshot_check(&r->snap, NULL) == SPW_OK;
    fuzz_twin(&twin, r, valid);
    f->tally.refused += valid ? 0 : 1;
    spw_plan *plan = NULL;
    const bool good = fuzz_judge(f, core, &s->config, &r->snap, &twin.snap, &plan, on);
    if (*on) {
        carry_out(r, plan, c, s->wide);
        if (s->wide) {
            fuzz_pass_time(r, s, c);
        } else {
            r->snap.now += 15 * S;
        }
    }
    spw_plan_free(plan);
    return good;
}

/** A core of the setup as it is now, in the place of one whose state it takes over. @return NULL: refused */
static spw_core *restart(fuzz *f, const setup *s, spw_core *old, bool *good)
{
    spw_core *core = fuzz_core(f, &s->config, good);
    const size_t size = spw_state_size(old);
    void *state = malloc(size);
    if (state == NULL || spw_state_save(old, state, size) != SPW_OK ||
        (core != NULL && spw_state_load(core, state, size) != SPW_OK)) {
        *good = fuzz_fail(f, "the state of a core is not taken over after an edit");
    }
    free(state);
    spw_core_free(old);
    return core;
}

/** Everything that damages the rows of one tick. */
static void damage(fuzz *f, rows *r, choice *c, bool wide)
{
    uint64_t cells = choice_chance(c, 1, wide ? 12 : 3) ? choice_below(c, 4) : 0;
    f->sound = f->sound && cells == 0;
    for (; cells > 0; cells--) {
        fuzz_damage_cell(r, c);
    }
    if (choice_chance(c, 1, wide ? 80 : 20)) {
        f->sound = false;
        fuzz_damage_shape(r, c);
    }
    if (wide && choice_chance(c, 1, 80)) {
        f->sound = false;
        fuzz_damage_twice(r, c);
    }
}

/** A wide world from a plain one. @return ticks that it lives */
static int widen(fuzz *f, setup *s, rows *r, choice *c)
{
    s->wide = true;
    s->calm = choice_chance(c, 1, 2);
    if (s->calm) {
        fuzz_calm_setup(s, c);
    }
    fuzz_widen_rows(r, c);
    fuzz_widen_settings(&f->settings, c);
    return choice_chance(c, 1, 8) ? some(c, 12, 60) : some(c, 1, 12);
}

bool fuzz_rows(fuzz *f, choice *c, bool wide)
{
    static setup s; /* large; one thread */
    static rows r;
    make_setup(&s, c);
    if (wide) {
        fuzz_widen_setup(&s, c);
    }
    make_rows(&r, c, &s, 1000000 * S);
    fuzz_settings(f, &s.config, &r.snap);
    const size_t clusters = r.snap.clusters.count;
    const int ticks = wide ? widen(f, &s, &r, c) : 3;
    if (choice_chance(c, 1, 6)) {
        fuzz_damage_setup(&s, c);
    }
    bool good = true;
    spw_core *core = fuzz_core(f, &s.config, &good);
    f->tally.refused += core == NULL ? 1 : 0;
    bool on = core != NULL;
    f->sound = true;
    for (int i = 0; i < ticks && good && on; i++) {
        if (wide && f->silent == NULL) {
            fuzz_silence(f, core, &s.config, &r.snap);
        }
        if (wide && clusters > 1 && choice_chance(c, 1, 30)) {
            fuzz_change_fleet(&r, clusters);
            f->sound = false; /* whoever leaves takes a share of the traffic along */
        }
        damage(f, &r, c, wide);
        good = tick(f, c, core, &s, &r, &on);
        if (wide && on && good && choice_chance(c, 1, s.calm ? 20 : 6)) {
            fuzz_edit(&s, &r, c);
            core = restart(f, &s, core, &good);
            fuzz_silence(f, NULL, NULL, NULL);
            on = core != NULL;
        }
    }
    fuzz_silence(f, NULL, NULL, NULL);
    f->sound = false;
    spw_core_free(core);
    return good;
}
