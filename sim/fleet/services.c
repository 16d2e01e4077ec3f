/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * services.c - a service's state: where it can run, what its autoscaler reads, its targets, its places.
 */
#include "sim/fleet/eye.h"

#include <stdlib.h>
#include <string.h>

static bool can_run(const fl_service *s, const sc_pool *pool, int32_t index)
{
    if (pool->gpus_per_node < s->gpus) {
        return false;
    }
    if (s->sc->engine == SC_ENGINE_LLM && (s->sc->llm == NULL || s->sc->llm[index].kv_blocks <= 0)) {
        return false;
    }
    if (s->workload->gpu_class_count == 0) {
        return true;
    }
    for (size_t i = 0; i < s->workload->gpu_class_count; i++) {
        if (pool->gpu != NULL && strcmp(s->workload->gpu_classes[i], pool->gpu->name) == 0) {
            return true;
        }
    }
    return false;
}

static bool key_known(const fl_service *s, uint64_t key)
{
    for (uint32_t i = 0; i < s->metric_count; i++) {
        if (s->metric_keys[i] == key) {
            return true;
        }
    }
    return false;
}

/* Per-pod metrics that the service's autoscaler reads, by the key the core looks them up with. */
/** Samples are taken of per-pod metrics that somebody reads, once each. */
static void metric_add(fl_service *s, const spw_hpa_metric *m)
{
    int kind = fl_metric_find(m->name);

    if (kind >= 0 && (m->kind == SPW_METRIC_RESOURCE || m->kind == SPW_METRIC_PODS) &&
        !key_known(s, spw_key(m->name))) {
        s->metric_keys[s->metric_count] = spw_key(m->name);
        s->metric_kinds[s->metric_count] = (uint8_t)kind;
        s->metric_resource[s->metric_count++] = m->kind == SPW_METRIC_RESOURCE;
    }
}

static bool metrics_init(fl_world *w, fl_service *s)
{
    const spw_config *config = w->sc->config;
    const spw_hpa *hpa = s->workload->hpa == SPW_ID_NONE ? NULL : &config->hpas[s->workload->hpa];
    size_t most = (hpa == NULL ? 0 : hpa->metric_count) + config->scaler_count + 1;

    s->metric_keys = calloc(most, sizeof *s->metric_keys);
    s->metric_kinds = calloc(most, 1);
    s->metric_resource = calloc(most, 1);
    if (s->metric_keys == NULL || s->metric_kinds == NULL || s->metric_resource == NULL) {
        return false;
    }
    for (size_t i = 0; hpa != NULL && i < hpa->metric_count; i++) {
        metric_add(s, &hpa->metrics[i]);
    }
    for (size_t i = 0; i < config->scaler_count; i++) {
        const spw_scaler *scaler = &config->scalers[i];

        if (scaler->workload == s->sc->workload && scaler->kind == SPW_SCALER_QUEUE) {
            metric_add(s, &scaler->as.queue.rate);
        }
        if (scaler->workload == s->sc->workload && scaler->kind == SPW_SCALER_FORECAST) {
            metric_add(s, &scaler->as.forecast.rate);
        }
    }
    return true;
}

static bool service_arrays(const sc_scenario *sc, fl_service *s)
{
    size_t clusters = (size_t)sc->cluster_count + 1;
    size_t pools = (size_t)sc->pool_count + 1;

    s->pool_ok = calloc(pools, sizeof *s->pool_ok);
    s->unit_of = calloc(pools, sizeof *s->unit_of);
    s->t_ready_pool = calloc(pools, sizeof *s->t_ready_pool);
    s->group_of = calloc(clusters, sizeof *s->group_of);
    s->places = calloc(clusters, sizeof *s->places);
    s->balancers = calloc(clusters, sizeof *s->balancers);
    s->weight = calloc(clusters, sizeof *s->weight);
    s->current = calloc(clusters, sizeof *s->current);
    s->eligible = calloc(clusters, sizeof *s->eligible);
    s->effective = calloc(clusters, sizeof *s->effective);
    s->goals = calloc((size_t)s->sc->target_count + 1, sizeof *s->goals);
    return s->pool_ok != NULL && s->unit_of != NULL && s->t_ready_pool != NULL && s->group_of != NULL &&
           s->places != NULL && s->balancers != NULL && s->weight != NULL && s->current != NULL &&
           s->eligible != NULL && s->effective != NULL && s->goals != NULL;
}

bool fl_service_init(fl_world *w, uint32_t index)
{
    const sc_scenario *sc = w->sc;
    fl_service *s = &w->services[index];

    s->sc = &sc->services[index];
    s->workload = &sc->config->workloads[s->sc->workload];
    s->policy = s->workload->policy == SPW_ID_NONE ? NULL : &sc->config->policies[s->workload->policy];
    s->key = spw_key(s->sc->name);
    s->gpus = s->workload->gpus;
    s->replicas = s->workload->replicas;
    s->desired = s->replicas;
    if (!service_arrays(sc, s) || !metrics_init(w, s)) {
        return false;
    }
    for (int32_t c = 0; c < sc->cluster_count; c++) {
        s->places[c].left_ns = FL_NEVER;
        s->balancers[c].has_ring = s->sc->router == SC_ROUTER_SESSION;
        s->balancers[c].has_kv = s->sc->router == SC_ROUTER_LEAST_KV;
        s->balancers[c].no_levels = s->sc->router != SC_ROUTER_SESSION && s->sc->router != SC_ROUTER_LEAST_OUTSTANDING;
        for (int32_t i = 0; i < sc->clusters[c].pool_count; i++) {
            int32_t pool = sc->clusters[c].pool_first + i;

            const sc_pool *p = &sc->clusters[c].pools[i];

            const spw_unit_pool known = {p->name, p->gpu != NULL ? p->gpu->name : "", p->capacity, &p->labels};

            s->unit_of[pool] = s->workload->units == NULL ? 0 : spw_unit_of(s->workload->units, &known);
            s->pool_ok[pool] = s->unit_of[pool] >= 0 && can_run(s, p, pool);
        }
    }
    for (int32_t p = 0; p < sc->pool_count; p++) {
        stat_timew_init(&s->t_ready_pool[p], 0, 0);
    }
    fl_policy_groups(sc, s->policy, s->group_of);
    s->urgent = INT32_MAX;
    for (int32_t t = 0; t < s->sc->traffic_count; t++) {
        s->urgent = s->sc->traffic[t].priority < s->urgent ? s->sc->traffic[t].priority : s->urgent;
    }
    s->gate_head = s->gate_tail = FL_NONE;
    s->routes_stale = true;
    s->ttft_limit_ns = FL_NEVER;
    for (int32_t t = s->sc->target_count - 1; t >= 0; t--) {
        const sc_target *target = &s->sc->targets[t];
        fl_goal *goal = &s->goals[t];

        goal->limit_ns = target->limit_ns;
        if (strcmp(target->metric, "ttft") == 0) {
            goal->kind = FL_TARGET_TTFT;
            s->ttft_limit_ns = target->limit_ns;
        } else {
            goal->kind = strcmp(target->metric, "tpot") == 0 ? FL_TARGET_TPOT : FL_TARGET_E2E;
        }
    }
    stat_timew_init(&s->t_desired, 0, s->desired);
    stat_timew_init(&s->t_assigned, 0, 0);
    stat_timew_init(&s->t_ready, 0, 0);
    stat_timew_init(&s->t_starting, 0, 0);
    s->timeout_slot = fl_slot_new(w, FL_OWNER_TIMEOUT, index);
    s->attempt_slot = FL_NONE;
    s->budget = mdl_budget_of(&s->sc->retry);
    s->admission = (mdl_bucket){s->sc->admission.rate_per_s, s->sc->admission.burst, s->sc->admission.burst, 0};
    if (s->sc->retry.attempts > 1) {
        w->has_tries = true;
        s->attempt_slot = fl_slot_new(w, FL_OWNER_ATTEMPT, index);
        s->retry_rng = rng_stream(w->seed, w->replication, "retries", s->key);
        if (s->attempt_slot == FL_NONE || s->retry_rng == NULL) {
            return false;
        }
    }
    s->route_rng = rng_stream(w->seed, w->replication, "router", s->key);
    s->service_rng = rng_stream(w->seed, w->replication, "service", s->key);
    return s->timeout_slot != FL_NONE && s->route_rng != NULL && s->service_rng != NULL && fl_waits_init(w, index);
}

void fl_service_fini(fl_world *w, fl_service *s)
{
    for (int32_t c = 0; c < w->sc->cluster_count; c++) {
        if (s->places != NULL) {
            free(s->places[c].ids);
        }
        if (s->balancers != NULL) {
            fl_balance_fini(&s->balancers[c]);
        }
    }
    fl_order_fini(&s->deadlines);
    fl_order_fini(&s->attempts);
    fl_waits_fini(s);
    free(s->pool_ok);
    free(s->unit_of);
    free(s->t_ready_pool);
    free(s->group_of);
    free(s->places);
    free(s->balancers);
    free(s->weight);
    free(s->current);
    free(s->eligible);
    free(s->effective);
    free(s->goals);
    free(s->metric_keys);
    free(s->metric_kinds);
    free(s->metric_resource);
    if (s->route_rng != NULL) {
        gsl_rng_free(s->route_rng);
    }
    if (s->retry_rng != NULL) {
        gsl_rng_free(s->retry_rng);
    }
    if (s->service_rng != NULL) {
        gsl_rng_free(s->service_rng);
    }
}

double fl_speed(const fl_service *s, uint32_t pool)
{
    return s->sc->station_speed != NULL ? s->sc->station_speed[pool] : 1.0;
}
