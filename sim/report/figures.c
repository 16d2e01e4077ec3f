/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * figures.c - the list of figures of a run. Keys are an interface (summary.json): add freely, do not rename.
 *
 * Shares and rates follow view.h. Latencies are in s; mean and max are exact, percentiles interpolated inside histogram
 * buckets.
 */
#include "sim/report/figures.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void push(figures *f, figure entry)
{
    if (f->count == f->room) {
        size_t room = f->room == 0 ? 256 : 2 * f->room;
        figure *grown = f->failed ? NULL : realloc(f->at, room * sizeof *grown);
        if (grown == NULL) {
            f->failed = true;
            return;
        }
        f->at = grown;
        f->room = room;
    }
    f->at[f->count++] = entry;
}

static void object(figures *f, const char *key)
{
    push(f, (figure){.kind = FIG_OBJECT, .key = key});
}

static void array(figures *f, const char *key)
{
    push(f, (figure){.kind = FIG_ARRAY, .key = key});
}

static void end_object(figures *f)
{
    push(f, (figure){.kind = FIG_END_OBJECT});
}

static void end_array(figures *f)
{
    push(f, (figure){.kind = FIG_END_ARRAY});
}

static void text(figures *f, const char *key, const char *value)
{
    push(f, (figure){.kind = FIG_TEXT, .key = key, .text = value});
}

static void count(figures *f, const char *key, uint64_t value)
{
    push(f, (figure){.kind = FIG_COUNT, .key = key, .u = value});
}

static void integer(figures *f, const char *key, int64_t value)
{
    push(f, (figure){.kind = FIG_INT, .key = key, .i = value});
}

static void real(figures *f, const char *key, double value)
{
    push(f, (figure){.kind = FIG_REAL, .key = key, .real = value});
}

static void usd(figures *f, const char *key, int64_t uusd)
{
    push(f, (figure){.kind = FIG_USD, .key = key, .i = uusd});
}

static void put_requests(figures *f, const res_requests *r)
{
    object(f, "requests");
    count(f, "offered", r->offered);
    count(f, "completed", r->completed);
    count(f, "rejected", r->rejected);
    count(f, "timed_out", r->timed_out);
    count(f, "in_flight", r->in_flight);
    end_object(f);
}

static void put_hist(figures *f, const char *key, const stat_hist *h)
{
    uint64_t n = h != NULL ? stat_hist_count(h) : 0;
    object(f, key);
    count(f, "count", n);
    real(f, "mean", n > 0 ? stat_hist_mean(h) / 1e9 : (double)NAN);
    real(f, "p50", rep_quantile_s(h, 0.50));
    real(f, "p90", rep_quantile_s(h, 0.90));
    real(f, "p95", rep_quantile_s(h, 0.95));
    real(f, "p99", rep_quantile_s(h, 0.99));
    real(f, "max", n > 0 ? (double)stat_hist_max(h) / 1e9 : (double)NAN);
    end_object(f);
}

static void put_latency(figures *f, const res_latency *l)
{
    object(f, "latency");
    put_hist(f, "ttft_s", l->ttft);
    put_hist(f, "tpot_s", l->tpot);
    put_hist(f, "e2e_s", l->e2e);
    put_hist(f, "queue_s", l->queue);
    put_hist(f, "network_s", l->network);
    end_object(f);
}

/* Only where nodes may be reclaimed: by a market, or as a stock falls. */
static void put_reclaim(figures *f, const rep_view *v, const res_reclaim *r)
{
    bool wanted = false;
    for (int32_t p = 0; !wanted && p < v->sc->pool_count; p++) {
        wanted =
            v->pools[p].pool->has_market || v->pools[p].pool->stock != NULL || v->pools[p].pool->stock_record != NULL;
    }
    if (wanted) {
        object(f, "reclaim");
        count(f, "replicas_under_notice", r->notices);
        count(f, "requests_inside", r->inside);
        count(f, "requests_rerouted", r->rerouted);
        count(f, "requests_recomputed", r->recomputed);
        count(f, "requests_lost", r->lost);
        end_object(f);
    }
}

/* Only of services that retry or shed. */
static void put_attempts(figures *f, const sc_service *sc, const res_attempts *a)
{
    if (sc->retry.attempts <= 1 && sc->admission.per_replica <= 0 && sc->admission.rate_per_s <= 0) {
        return;
    }
    object(f, "attempts");
    count(f, "sent", a->sent);
    count(f, "rejected", a->rejected);
    count(f, "timed_out", a->timed_out);
    count(f, "shed", a->shed);
    count(f, "denied", a->denied);
    end_object(f);
}

/* Only where a prefix cache found something. */
static void put_prefix(figures *f, const res_service *service)
{
    const double cached = (double)service->tokens_cached, computed = (double)service->tokens_prefill;

    if (service->tokens_cached > 0) {
        object(f, "prefix_cache");
        integer(f, "tokens_cached", service->tokens_cached);
        integer(f, "tokens_computed", service->tokens_prefill);
        real(f, "hit_share", rep_ratio(cached, cached + computed));
        end_object(f);
    }
}

/* Only where there is more than one law. */
static void put_laws(figures *f, const rep_view *v, const res_service *service)
{
    if (sc_laws(v->sc) > 1) {
        object(f, "jurisdiction");
        count(f, "served_abroad", service->served_abroad);
        count(f, "residency_violations", service->residency_violations);
        end_object(f);
    }
}

static void put_services(figures *f, const rep_view *v, const res_run *run)
{
    object(f, "services");
    for (int32_t s = 0; s < run->service_count; s++) {
        const res_service *service = &run->services[s];
        object(f, v->sc->services[s].name);
        put_requests(f, &service->requests);
        put_latency(f, &service->latency);
        count(f, "good", service->good);
        real(f, "attainment", rep_service_attainment(service));
        real(f, "goodput_rps", rep_ratio((double)service->good, rep_measured_s(v->sc)));
        count(f, "tokens_in", service->tokens_in);
        count(f, "tokens_out", service->tokens_out);
        object(f, "ended");
        count(f, "requests", service->ended.requests);
        count(f, "tokens_in", service->ended.tokens_in);
        count(f, "tokens_out", service->ended.tokens_out);
        end_object(f);
        integer(f, "kv_preemptions", service->preemptions);
        put_prefix(f, service);
        put_laws(f, v, service);
        put_reclaim(f, v, &service->reclaim);
        put_attempts(f, &v->sc->services[s], &service->attempts);
        object(f, "regions");
        for (int32_t r = 0; r < v->sc->region_count; r++) {
            object(f, v->sc->regions[r].name);
            put_requests(f, &service->by_region_requests[r]);
            put_latency(f, &service->by_region[r]);
            end_object(f);
        }
        end_object(f);
        end_object(f);
    }
    end_object(f);
}

/* Only where traffic says whose it is. */
static void put_tenants(figures *f, const rep_view *v, const res_run *run)
{
    if (run->tenant_count == 0) {
        return;
    }
    object(f, "tenants");
    for (int32_t i = 0; i < run->tenant_count; i++) {
        const res_tenant *t = &run->tenants[i];
        object(f, v->sc->tenants[i]);
        put_requests(f, &t->requests);
        put_latency(f, &t->latency);
        count(f, "good", t->good);
        real(f, "attainment", rep_tenant_attainment(t));
        count(f, "shed", t->shed);
        end_object(f);
    }
    end_object(f);
}

static void put_target(figures *f, const char *name, const sc_target *target, const res_slo *slo, double achieved_s)
{
    rep_verdict verdict = rep_judge(slo->met, slo->missed, target->percentile);
    double limit_s = (double)target->limit_ns / 1e9;
    object(f, NULL);
    text(f, "service", name);
    text(f, "metric", target->metric);
    push(f, (figure){.kind = FIG_FIXED, .key = "percentile", .real = target->percentile});
    push(f, (figure){.kind = FIG_FIXED, .key = "limit_s", .real = limit_s});
    real(f, "achieved_s", achieved_s); /* infinite prints as null */
    push(f, (figure){.kind = FIG_BOOL, .key = "holds", .i = verdict == REP_NO_TRAFFIC ? -1 : verdict == REP_MET});
    count(f, "met", slo->met);
    count(f, "missed", slo->missed);
    real(f, "attainment", rep_ratio((double)slo->met, (double)(slo->met + slo->missed)));
    count(f, "minutes", slo->minutes);
    count(f, "minutes_violated", slo->minutes_violated);
    end_object(f);
}

static void put_slo(figures *f, const rep_view *v, const res_run *run)
{
    object(f, "slo");
    count(f, "good", rep_good(run));
    real(f, "attainment", rep_attainment(run));
    real(f, "goodput_rps", rep_ratio((double)rep_good(run), rep_measured_s(v->sc)));
    count(f, "minutes_violated", rep_minutes_violated(v, run));
    array(f, "targets");
    for (int32_t s = 0; s < run->service_count; s++) {
        const sc_service *service = &v->sc->services[s];
        for (int32_t t = 0; t < service->target_count; t++) {
            put_target(f, service->name, &service->targets[t], &run->services[s].slo[t],
                       rep_achieved_s(&run->services[s], &service->targets[t], &run->services[s].slo[t]));
        }
    }
    end_array(f);
    end_object(f);
}

/* Only where the scenario says where users enter. */
static void put_entries(figures *f, const rep_view *v, const res_run *run)
{
    object(f, "entries");
    for (int32_t r = 0; r < v->sc->region_count; r++) {
        if (v->sc->regions[r].provider == NULL) {
            continue;
        }
        object(f, v->sc->regions[r].name);
        text(f, "provider", v->sc->regions[r].provider);
        object(f, "clusters");
        for (int32_t c = 0; c < v->sc->cluster_count; c++) {
            const res_way *way = &run->ways[r * v->sc->cluster_count + c];
            object(f, v->sc->clusters[c].name);
            integer(f, "request_bytes", way->forth_bytes);
            integer(f, "request_uusd", way->forth_uusd);
            integer(f, "answer_bytes", way->back_bytes);
            integer(f, "answer_uusd", way->back_uusd);
            integer(f, "to_users_bytes", way->out_bytes);
            integer(f, "to_users_uusd", way->out_uusd);
            end_object(f);
        }
        end_object(f);
        end_object(f);
    }
    end_object(f);
}

static void put_cost(figures *f, const rep_view *v, const res_run *run)
{
    static const spw_capacity kinds[REP_KINDS] = {SPW_CAPACITY_OWNED, SPW_CAPACITY_ON_DEMAND, SPW_CAPACITY_RESERVED,
                                                  SPW_CAPACITY_SPOT};
    const res_cost *cost = &run->cost;
    uint64_t tokens = rep_tokens_in(run) + rep_tokens_out(run);
    object(f, "cost");
    usd(f, "total_usd", cost->total_uusd);
    integer(f, "total_uusd", cost->total_uusd);
    for (int exact = 0; exact < 2; exact++) {
        object(f, exact ? "by_pool_uusd" : "by_pool");
        for (int32_t p = 0; p < run->pool_count; p++) {
            (exact ? integer : usd)(f, v->pools[p].name, run->pools[p].cost_uusd);
        }
        end_object(f);
        object(f, exact ? "by_kind_uusd" : "by_kind");
        for (int k = 0; k < REP_KINDS; k++) {
            (exact ? integer : usd)(f, rep_kind_key(kinds[k]), rep_kind_uusd(cost, kinds[k]));
        }
        (exact ? integer : usd)(f, "egress", cost->egress_uusd);
        end_object(f);
    }
    if (v->sc->delivery != NULL) {
        usd(f, "images_usd", cost->images_uusd);
    }
    if (v->sc->ways != NULL) {
        usd(f, "ways_usd", cost->ways_uusd);
        put_entries(f, v, run);
    }
    real(f, "usd_per_1k_requests", rep_usd_per(cost->total_uusd, run->requests.completed, 1e3));
    real(f, "usd_per_1m_tokens", rep_usd_per(cost->total_uusd, tokens, 1e6));
    real(f, "usd_per_1m_output_tokens", rep_usd_per(cost->total_uusd, rep_tokens_out(run), 1e6));
    count(f, "tokens_in", rep_tokens_in(run));
    count(f, "tokens_out", rep_tokens_out(run));
    end_object(f);
}

/* Only where the scenario limits supply. */
static void put_supply(figures *f, const rep_view *v, int32_t p, const res_pool *pool)
{
    const sc_pool *sc = v->pools[p].pool;
    if (sc->stock != NULL || sc->stock_record != NULL || v->sc->quota_count > 0) {
        integer(f, "refused_stock", pool->refused_stock);
        integer(f, "refused_quota", pool->refused_quota);
        integer(f, "taken_by_shocks", pool->taken_by_shocks);
    }
}

static void put_capacity(figures *f, const rep_view *v, const res_run *run)
{
    object(f, "capacity");
    for (int32_t p = 0; p < run->pool_count; p++) {
        const res_pool *pool = &run->pools[p];
        object(f, v->pools[p].name);
        text(f, "kind", rep_kind_key(v->pools[p].pool->capacity));
        text(f, "gpu", v->pools[p].gpu);
        real(f, "gpu_hours", rep_gpu_hours((double)pool->gpu_ns));
        real(f, "held_gpu_hours", rep_gpu_hours((double)pool->held_gpu_ns));
        real(f, "busy_gpu_hours", rep_gpu_hours((double)pool->busy_gpu_ns));
        real(f, "utilisation", rep_ratio((double)pool->busy_gpu_ns, (double)pool->gpu_ns));
        integer(f, "peak_nodes", pool->nodes_peak);
        integer(f, "provisioned", pool->provisioned);
        integer(f, "preempted_by_market", pool->preempted_by_market);
        integer(f, "failed_to_provision", pool->failed_to_provision);
        integer(f, "released", pool->released);
        put_supply(f, v, p, pool);
        end_object(f);
    }
    end_object(f);
}

static const char *stage_key(mdl_stage stage)
{
    static const char *const keys[MDL_STAGES] = {"inventory_s", "boot_s", "join_s",  "pull_s",
                                                 "fetch_s",     "load_s", "warmup_s"};
    return keys[stage];
}

static void put_burst(figures *f, const rep_view *v, const res_burst *b)
{
    object(f, NULL);
    text(f, "service", v->sc->services[b->service].name);
    real(f, "onset_s", b->onset_s);
    real(f, "primary_saturated_s", b->primary_saturated_s);
    real(f, "overflow_started_s", b->overflow_started_s);
    real(f, "absorbed_s", b->absorbed_s);
    real(f, "overflow_released_s", b->overflow_released_s);
    count(f, "requests_hurt", b->requests_hurt);
    usd(f, "extra_usd", b->extra_uusd);
    integer(f, "extra_uusd", b->extra_uusd);
    array(f, "release_order");
    for (int32_t r = 0; r < b->release_count && r < 16; r++) {
        text(f, NULL, v->sc->clusters[b->release_order[r]].name);
    }
    end_array(f);
    integer(f, "replicas_started", b->replicas_started);
    object(f, "stage_s");
    for (int stage = 0; stage < MDL_STAGES; stage++) {
        real(f, stage_key((mdl_stage)stage), b->replicas_started > 0 ? b->stage_s[stage] : (double)NAN);
    }
    end_object(f);
    end_object(f);
}

static void put_bursts(figures *f, const rep_view *v, const res_run *run, bool single)
{
    uint64_t hurt = 0;
    int64_t extra = 0;
    for (int32_t b = 0; b < run->burst_count; b++) {
        hurt += run->bursts[b].requests_hurt;
        extra += run->bursts[b].extra_uusd;
    }
    object(f, "burst");
    integer(f, "count", run->burst_count);
    count(f, "requests_hurt", hurt);
    usd(f, "extra_usd", extra);
    integer(f, "extra_uusd", extra);
    if (single) {
        array(f, "bursts");
        for (int32_t b = 0; b < run->burst_count; b++) {
            put_burst(f, v, &run->bursts[b]);
        }
        end_array(f);
    }
    end_object(f);
}

static void put_lag_figures(figures *f, const res_lag *lag)
{
    integer(f, "replicas", lag->count);
    real(f, "decision_s", lag->count > 0 ? lag->decision_s : (double)NAN);
    object(f, "stages");
    for (int stage = 0; stage < MDL_STAGES; stage++) {
        object(f, stage_key((mdl_stage)stage));
        real(f, "mean", lag->count > 0 ? lag->mean_s[stage] : (double)NAN);
        real(f, "p90", lag->count > 0 ? lag->p90_s[stage] : (double)NAN);
        end_object(f);
    }
    end_object(f);
}

static void put_lag(figures *f, const res_run *run)
{
    object(f, "lag");
    put_lag_figures(f, &run->lag);
    object(f, "starts");
    for (int32_t k = 0; k < RES_STARTS; k++) {
        object(f, rep_start_key(k));
        put_lag_figures(f, rep_start_lag(run, k));
        end_object(f);
    }
    end_object(f);
    end_object(f);
}

/* Only of scenarios that have any. */
static void put_faults(figures *f, const sc_scenario *sc, const res_run *run)
{
    if (run->fault_count == 0) {
        return;
    }
    array(f, "faults");
    for (int32_t i = 0; i < run->fault_count; i++) {
        const res_fault *r = &run->faults[i];
        object(f, NULL);
        text(f, "kind", mdl_fault(sc->faults[i].kind)->name);
        count(f, "windows", r->windows);
        real(f, "held_s", (double)r->held_ns / 1e9);
        count(f, "nodes", r->nodes);
        count(f, "requests", r->requests);
        count(f, "actions", r->actions);
        count(f, "samples", r->samples);
        end_object(f);
    }
    end_array(f);
}

static void put_control(figures *f, const res_control *c)
{
    object(f, "control");
    count(f, "ticks", c->ticks);
    count(f, "actions", c->actions);
    count(f, "flaps", c->flaps);
    count(f, "stale_decisions", c->stale_decisions);
    count(f, "moved_replicas", c->moved_replicas);
    count(f, "workload_preemptions", c->workload_preemptions);
    real(f, "unplaced_replica_seconds", c->unplaced_replica_seconds);
    count(f, "bad_snapshots", c->bad_snapshots);
    count(f, "bad_plans", c->bad_plans);
    end_object(f);
}

void figures_of_run(figures *f, const rep_view *v, const res_run *run, bool bursts)
{
    *f = (figures){0};
    put_requests(f, &run->requests);
    put_latency(f, &run->latency);
    put_services(f, v, run);
    put_tenants(f, v, run);
    put_slo(f, v, run);
    put_cost(f, v, run);
    put_capacity(f, v, run);
    put_bursts(f, v, run, bursts);
    put_lag(f, run);
    put_control(f, &run->control);
    put_faults(f, v->sc, run);
}

void figures_fini(figures *f)
{
    free(f->at);
    *f = (figures){0};
}

/** Structure and names, the same when printing one replication and when pooling. @return true if that was all */
static bool print_frame(const figure *e, rep_json *j)
{
    switch (e->kind) {
    case FIG_OBJECT:
        rep_json_object(j, e->key);
        return true;
    case FIG_ARRAY:
        rep_json_array(j, e->key);
        return true;
    case FIG_END_OBJECT:
    case FIG_END_ARRAY:
        rep_json_end(j, e->kind == FIG_END_ARRAY);
        return true;
    case FIG_TEXT:
        rep_json_text(j, e->key, e->text);
        return true;
    case FIG_FIXED:
        rep_json_real(j, e->key, e->real);
        return true;
    case FIG_COUNT:
    case FIG_INT:
    case FIG_REAL:
    case FIG_USD:
    case FIG_BOOL:
        break;
    }
    return false;
}

void figures_print(const figures *f, rep_json *j)
{
    for (size_t k = 0; k < f->count; k++) {
        const figure *e = &f->at[k];
        if (print_frame(e, j)) {
            continue;
        }
        if (e->kind == FIG_COUNT) {
            rep_json_count(j, e->key, e->u);
        } else if (e->kind == FIG_REAL) {
            rep_json_real(j, e->key, e->real);
        } else if (e->kind == FIG_USD) {
            rep_json_usd(j, e->key, e->i);
        } else if (e->kind == FIG_BOOL && e->i < 0) {
            rep_json_real(j, e->key, (double)NAN);
        } else if (e->kind == FIG_BOOL) {
            rep_json_bool(j, e->key, e->i != 0);
        } else {
            rep_json_int(j, e->key, e->i);
        }
    }
}

double figure_number(const figure *e)
{
    return e->kind == FIG_COUNT                          ? (double)e->u
           : e->kind == FIG_REAL || e->kind == FIG_FIXED ? e->real
           : e->kind == FIG_USD                          ? (double)e->i / 1e6
           : e->kind == FIG_BOOL                         ? (e->i < 0 ? (double)NAN : (double)e->i)
                                                         : (double)e->i;
}

void figures_print_pooled(const figures *f, int32_t n, rep_json *j)
{
    for (size_t k = 0; k < f[0].count; k++) {
        if (print_frame(&f[0].at[k], j)) {
            continue;
        }
        stat_tally tally;
        stat_tally_init(&tally);
        for (int32_t i = 0; i < n; i++) {
            double x = figure_number(&f[i].at[k]);
            if (isfinite(x)) {
                stat_tally_add(&tally, x);
            }
        }
        rep_json_object(j, f[0].at[k].key);
        rep_json_real(j, "mean", tally.n > 0 ? tally.mean : (double)NAN);
        rep_json_real(j, "ci95_half_width", stat_student_half_width(&tally, 0.95));
        rep_json_end(j, false);
    }
}
