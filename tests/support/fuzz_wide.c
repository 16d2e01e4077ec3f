/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz_wide.c - configurations of the whole width: scalers of every kind, units, distances, tolerations, selectors by
 * labels and fields, images sent ahead, routes by regions and weights; see fuzz_rows.h.
 */
#include <stdlib.h>

#include "tests/support/fuzz_rows.h"

static const char *const regions[] = {"north", "south"};
static const char *const golds[] = {"gold"};
static const char *const pools[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
static const char *const classes[] = {"A", "B"};

/* --- policies --- */

static void widen_groups(setup *s, choice *c, int p)
{
    static const char *const names[] = {"g0", "g1", "g2", "g3"};
    s->label[p] = (spw_requirement){"tier", (spw_op)some(c, SPW_OP_IN, SPW_OP_NOT_EXISTS), golds, 1};
    s->label[p].value_count = s->label[p].op <= SPW_OP_NOT_IN ? 1 : 0;
    s->field[p] = (spw_requirement){"region", (spw_op)some(c, SPW_OP_IN, SPW_OP_NOT_IN), regions, 1};
    for (size_t g = 0; g < 4; g++) {
        spw_group *group = &s->group[p][g];
        group->name = names[g];
        group->has_window = choice_chance(c, 1, 3);
        group->selector.exclude = s->names[p][g];
        group->selector.exclude_count = choice_chance(c, 1, 8) ? 1 : 0;
        group->selector.labels = &s->label[p];
        group->selector.label_count = choice_chance(c, 1, 6) ? 1 : 0;
        group->selector.fields = &s->field[p];
        group->selector.field_count = choice_chance(c, 1, 6) ? 1 : 0;
    }
}

static void widen_routes(setup *s, choice *c, int p)
{
    spw_policy *policy = &s->policy[p];
    for (size_t i = 0; i < 3; i++) {
        s->route_weight[p][i] = (spw_route_weight){fuzz_clusters[choice_below(c, CLUSTERS)], some(c, 0, 1000)};
    }
    policy->route_weights = s->route_weight[p];
    policy->route_weight_count = (size_t)choice_below(c, 4);
    policy->route_regions = regions;
    policy->route_region_count = (size_t)choice_below(c, 3);
    policy->route_fill_ppm = choice_chance(c, 1, 2) ? 0 : some(c, 1, 1000000);
    policy->prefetch_ppm = choice_chance(c, 1, 2) ? 0 : some(c, 1, 1000000);
}

static void widen_policy(setup *s, choice *c, int p)
{
    spw_policy *policy = &s->policy[p];
    widen_groups(s, c, p);
    widen_routes(s, c, p);
    s->toleration[p][0] = (spw_toleration){"dedicated", choice_chance(c, 1, 2), "", some(c, 0, 2)};
    s->toleration[p][1] = (spw_toleration){choice_chance(c, 1, 2) ? "" : "gone", true, NULL, some(c, 0, 3)};
    policy->tolerations = s->toleration[p];
    policy->toleration_count = choice_chance(c, 1, 2) ? 0 : (size_t)some(c, 1, 2);
    if (choice_chance(c, 1, 2)) {
        policy->preempt = (spw_preempt)some(c, SPW_PREEMPT_BEFORE_ELASTIC, SPW_PREEMPT_AFTER_ELASTIC);
    }
    const bool by_room = policy->division == SPW_DIVIDE_DYNAMIC || policy->division == SPW_DIVIDE_AGGREGATED;
    if (!by_room && policy->order == SPW_GROUPS_ORDERED && policy->group_count > 1) {
        policy->compat = false; /* Karmada overflows by room alone, and the older division has no limits */
        policy->rounding = SPW_ROUND_WEBSTER;
    }
    if (policy->spread_count == 2 && s->spread[p][1].field == SPW_SPREAD_CLUSTER) {
        policy->spread_count = 1;
    }
}

/* --- workloads --- */

static void widen_units(setup *s, choice *c, size_t w)
{
    s->units[w] =
        (spw_units){s->unit[w], (size_t)some(c, 1, 4), (spw_next_unit)choice_below(c, 4), 0, choice_chance(c, 1, 3)};
    static const spw_label team[] = {{"team", "x"}};
    s->units[w].timeout = some(c, 0, 8) * 15 * S;
    for (size_t u = 0; u < 4; u++) {
        s->unit[w][u] = (spw_unit){.pool = choice_chance(c, 1, 4) ? pools[choice_below(c, 8)] : NULL,
                                   .gpu = choice_chance(c, 1, 3) ? classes[choice_below(c, 2)] : NULL,
                                   .capacity = choice_chance(c, 1, 3) ? some(c, 0, SPW_CAPACITY_SPOT) : 0,
                                   .pay_per_use = choice_chance(c, 1, 4),
                                   .waits = choice_chance(c, 1, 3),
                                   .labels = {team, choice_chance(c, 1, 4) ? 1 : 0},
                                   .replicas_max = choice_chance(c, 1, 3) ? -1 : some(c, 0, 5)};
    }
    s->work[w].units = choice_chance(c, 1, 2) ? NULL : &s->units[w];
}

static void widen_work(setup *s, choice *c, size_t i)
{
    spw_workload *w = &s->work[i];
    widen_units(s, c, i);
    if (choice_chance(c, 1, 4)) {
        w->gpus = some(c, 0, SPW_NODE_GPUS_MAX);
    }
    w->latency_budget = choice_chance(c, 1, 6) ? some(c, 1, 40) * (S / 1000) : 0;
    w->user_regions = regions;
    w->user_region_count = (size_t)some(c, 1, 2);
    w->dataset_region = choice_chance(c, 1, 6) ? regions[choice_below(c, 2)] : NULL;
    w->dataset_movable = choice_chance(c, 1, 3);
    w->priority = some(c, -1, 3) * 100;
    w->kind = choice_chance(c, 1, 4) ? SPW_WORKLOAD_STATEFULSET : SPW_WORKLOAD_DEPLOYMENT;
}

/* --- how many --- */

static spw_scaling_rules rules_of(choice *c, spw_scaling_policy *way)
{
    for (int i = 0; i < 2; i++) {
        way[i] = (spw_scaling_policy){choice_chance(c, 1, 2) ? SPW_SCALING_PODS : SPW_SCALING_PERCENT, some(c, 1, 120),
                                      some(c, 1, 120)};
    }
    return (spw_scaling_rules){choice_chance(c, 1, 3) ? -1 : some(c, 0, 90), (spw_select)some(c, 1, 3),
                               choice_chance(c, 1, 2) ? -1 : some(c, 0, 300000), way, (size_t)choice_below(c, 3)};
}

static spw_hpa_metric metric_of(choice *c)
{
    switch (choice_below(c, 4)) {
    case 0:
        return (spw_hpa_metric){SPW_METRIC_PODS, SPW_TARGET_AVERAGE_VALUE, some(c, 1, 900), "load", false, NULL, NULL};
    case 1:
        return (spw_hpa_metric){SPW_METRIC_OBJECT,
                                choice_chance(c, 1, 2) ? SPW_TARGET_VALUE : SPW_TARGET_AVERAGE_VALUE,
                                some(c, 1, 9000),
                                "queue",
                                false,
                                NULL,
                                NULL};
    case 2:
        return (spw_hpa_metric){
            SPW_METRIC_EXTERNAL, SPW_TARGET_AVERAGE_VALUE, some(c, 1, 9000), "rate", false, NULL, NULL};
    default:
        return (spw_hpa_metric){
            SPW_METRIC_RESOURCE, SPW_TARGET_UTILIZATION, some(c, 1, 120), "cpu", choice_chance(c, 1, 2), NULL, NULL};
    }
}

static void widen_hpa(setup *s, choice *c, int h)
{
    spw_hpa *hpa = &s->hpa[h];
    bool wakes = false;
    hpa->metric_count = (size_t)some(c, 1, 4);
    for (size_t i = 0; i < hpa->metric_count; i++) {
        s->metric[h][i] = metric_of(c);
        const spw_metric_kind kind = s->metric[h][i].kind;
        wakes = wakes || kind == SPW_METRIC_OBJECT || kind == SPW_METRIC_EXTERNAL;
    }
    hpa->replicas_min = some(c, wakes ? 0 : 1, 3);
    hpa->up = rules_of(c, s->way[h][0]);
    hpa->down = rules_of(c, s->way[h][1]);
    hpa->exact = choice_chance(c, 1, 3);
    hpa->sync_s = choice_chance(c, 1, 4) ? some(c, 1, 60) : 15;
}

static void make_cron(setup *s, choice *c, size_t n)
{
    static const char *const texts[] = {"* * * * *", "*/2 * * * *", "3 */2 * * 1-5", "0 8 1 * *"};
    const bool over_hpa = s->scaler[n].hpa != SPW_ID_NONE;
    for (size_t i = 0; i < 2; i++) {
        spw_cron_rule *rule = &s->cron[n][i];
        *rule = (spw_cron_rule){"r", {0}, some(c, -14, 14) * 3600, choice_chance(c, 1, 6), -1, -1, -1};
        if (spw_schedule_parse(texts[choice_below(c, 4)], &rule->schedule) != NULL) {
            abort();
        }
        rule->replicas = over_hpa ? -1 : some(c, 0, 12);
        rule->replicas_min = over_hpa && choice_chance(c, 1, 2) ? some(c, 1, 4) : -1;
        rule->replicas_max = over_hpa ? some(c, 4, 20) : -1;
    }
    s->scaler[n].as.cron = (spw_cron){s->cron[n], (size_t)some(c, 1, 2)};
}

static void make_keda(setup *s, choice *c, size_t n)
{
    spw_keda *k = &s->scaler[n].as.keda;
    for (size_t i = 0; i < 2; i++) {
        s->trigger[n][i] = (spw_trigger){i == 0 ? "queue" : "rate",
                                         choice_chance(c, 1, 3) ? SPW_TARGET_VALUE : SPW_TARGET_AVERAGE_VALUE,
                                         some(c, 1, 20000), some(c, 0, 9000)};
    }
    k->triggers = s->trigger[n];
    k->trigger_count = (size_t)some(c, 1, 2);
    k->replicas_min = some(c, 0, 3);
    k->replicas_max = k->replicas_min + some(c, 1, 12);
    k->replicas_idle = k->replicas_min > 0 && choice_chance(c, 1, 2) ? some(c, 0, k->replicas_min - 1) : -1;
    k->cooldown_s = some(c, 0, 4) * 15;
    k->polling_s = some(c, 1, 60);
    k->failures_max = some(c, 0, 2);
    k->replicas_fallback = choice_chance(c, 1, 2) ? some(c, 0, 9) : -1;
}

static spw_sizing sizing_of(choice *c)
{
    return (spw_sizing){.service_rate_milli = some(c, 1, 20000),
                        .slots = some(c, 1, 40),
                        .wait = some(c, 0, 3000) * (S / 1000),
                        .percentile_ppm = some(c, 1, 999999),
                        .utilization_ppm = some(c, 1000, 1000000)};
}

static spw_hpa_metric rate_of(choice *c)
{
    const bool by_pod = choice_chance(c, 1, 4);
    return (spw_hpa_metric){.kind = by_pod ? SPW_METRIC_PODS : SPW_METRIC_EXTERNAL, .name = by_pod ? "load" : "rate"};
}

static void make_queue(setup *s, choice *c, size_t n)
{
    spw_queue *q = &s->scaler[n].as.queue;
    q->rate = rate_of(c);
    q->sizing = sizing_of(c);
    q->replicas_min = some(c, q->rate.kind == SPW_METRIC_PODS ? 1 : 0, 3);
    q->replicas_max = q->replicas_min + some(c, 1, 12);
    q->window = some(c, 1, 120) * S;
    q->lag = some(c, 0, 180) * S;
    q->hold = some(c, 0, 90) * S;
}

static void make_forecast(setup *s, choice *c, size_t n)
{
    spw_forecast *f = &s->scaler[n].as.forecast;
    f->rate = rate_of(c);
    f->sizing = sizing_of(c);
    f->replicas_min = some(c, f->rate.kind == SPW_METRIC_PODS ? 1 : 0, 3);
    f->replicas_max = f->replicas_min + some(c, 1, 12);
    f->bin = 60 * S;
    f->season = some(c, 2, 6) * f->bin;
    f->window = some(c, 1, 120) * S;
    f->lag = some(c, 0, 180) * S;
    f->hold = some(c, 0, 90) * S;
}

/** Up to three owners of counts that no autoscaler owns; the first may be a timetable over one. */
static void make_scalers(setup *s, choice *c)
{
    static const char *const names[] = {"prod/s0", "prod/s1", "prod/s2"};
    size_t n = 0;
    if (choice_chance(c, 1, 4)) {
        spw_scaler_default(&s->scaler[n], SPW_SCALER_CRON);
        s->scaler[n].hpa = 0;
        make_cron(s, c, n);
        n++;
    }
    for (size_t w = 0; w < s->config.workload_count && n < 3; w++) {
        if (s->work[w].hpa != SPW_ID_NONE || choice_chance(c, 1, 3)) {
            continue;
        }
        const spw_scaler_kind kind = (spw_scaler_kind)some(c, SPW_SCALER_CRON, SPW_SCALER_FORECAST);
        spw_scaler_default(&s->scaler[n], kind);
        s->scaler[n].workload = (spw_id)w;
        switch (kind) {
        case SPW_SCALER_CRON:
            make_cron(s, c, n);
            break;
        case SPW_SCALER_KEDA:
            make_keda(s, c, n);
            break;
        case SPW_SCALER_QUEUE:
            make_queue(s, c, n);
            break;
        case SPW_SCALER_FORECAST:
            make_forecast(s, c, n);
            break;
        }
        n++;
    }
    for (size_t i = 0; i < n; i++) {
        s->scaler[i].name = names[i];
    }
    s->config.scalers = s->scaler;
    s->config.scaler_count = n;
}

/* --- all of it --- */

void fuzz_widen_setup(setup *s, choice *c)
{
    s->works = s->config.workload_count;
    for (int p = 0; p < 3; p++) {
        widen_policy(s, c, p);
    }
    for (size_t w = 0; w < s->config.workload_count; w++) {
        widen_work(s, c, w);
    }
    widen_hpa(s, c, 0);
    widen_hpa(s, c, 1);
    make_scalers(s, c);
    for (int i = 0; i < 4; i++) {
        s->rtt[i] = (spw_rtt){regions[i / 2], regions[i % 2], some(c, 0, 40) * (S / 1000)};
    }
    s->config.rtts = s->rtt;
    s->config.rtt_count = (size_t)choice_below(c, 5);
    choice aside = *c; /* what is drawn here leaves the rest of the world as it is */
    for (int p = 0; p < 3; p++) {
        s->policy[p].suspended = choice_chance(&aside, 1, 8);
    }
}

void fuzz_calm_setup(setup *s, choice *c)
{
    for (int p = 0; p < 3; p++) {
        spw_policy *policy = &s->policy[p];
        policy->preempt = SPW_PREEMPT_OFF; /* where somebody makes victims everybody looks out */
        if (choice_chance(c, 1, 4)) {
            continue;
        }
        policy->division = choice_chance(c, 1, 2) ? SPW_DIVIDE_DYNAMIC : SPW_DIVIDE_AGGREGATED;
        policy->order = SPW_GROUPS_ORDERED;
        policy->compat = false;
        policy->spread_count = 0;
        policy->route = SPW_ROUTE_PROPORTIONAL;
        policy->route_lag = 0;
        policy->prefetch_ppm = 0;
    }
    for (size_t w = 0; w < s->config.workload_count; w++) {
        if (choice_chance(c, 3, 4)) {
            s->work[w].units = NULL;
            s->work[w].by_reference = false;
            s->work[w].gpu_milli = NULL;
            s->work[w].has_reschedule = false;
        }
    }
}

void fuzz_widen_settings(spw_settings *settings, choice *c)
{
    settings->stale_after = some(c, 0, 4) * 60 * S;
    settings->promise_ttl = some(c, 0, 4) * 30 * S;
    settings->fight_window = some(c, 0, 2) * 60 * S;
    settings->stock_tau = some(c, 0, 2) * 400 * S;
    if (choice_chance(c, 1, 40)) { /* a table that is too small for some snapshots */
        size_t *const most[] = {&settings->clusters_max, &settings->pools_max, &settings->placements_max,
                                &settings->pods_max, &settings->samples_max};
        *most[choice_below(c, 5)] = (size_t)some(c, 1, 6);
    }
    settings->unix_offset = INT64_C(1700000000) * S + some(c, 0, 1000000) * S;
}

/** Only the parts of a workload that an edit of its objects could change while it lives. */
static void edit_work(setup *s, rows *r, choice *c, size_t w)
{
    spw_workload *work = &s->work[w];
    widen_work(s, c, w);
    work->policy = choice_chance(c, 1, 6) ? SPW_ID_NONE : (spw_id)choice_below(c, 3);
    work->budget = (spw_budget)choice_below(c, 5);
    work->budget_value = some(c, 0, 100);
    for (size_t i = 0; i < r->snap.workloads.count; i++) {
        if (r->o.wkey[i] == work->key) {
            r->o.gpus[i] = work->gpus;
        }
    }
}

void fuzz_edit(setup *s, rows *r, choice *c)
{
    const int p = some(c, 0, 2);
    const size_t works = s->config.workload_count;
    switch (choice_below(c, 6)) {
    case 0: /* another policy of the same name */
        fuzz_make_policy(s, c, p);
        widen_policy(s, c, p);
        break;
    case 1: /* its groups: one less, or in another order of names */
        s->policy[p].group_count = (size_t)some(c, 1, (int64_t)s->policy[p].group_count);
        s->group[p][0].name = "g1";
        s->group[p][1].name = "g0";
        break;
    case 2: /* the last workload is gone or another one has come, and whoever owns its count */
        s->config.workload_count = works < s->works && choice_chance(c, 1, 2) ? works + 1 : works - (works > 0);
        make_scalers(s, c);
        break;
    case 3: /* other owners */
        make_scalers(s, c);
        break;
    case 4:
        widen_hpa(s, c, some(c, 0, 1));
        s->config.scaler_count = 0; /* a timetable's minimum may not fit any more */
        break;
    default:
        if (works > 0) {
            edit_work(s, r, c, (size_t)choice_below(c, works));
        }
        break;
    }
}
