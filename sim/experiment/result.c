/* SPDX-License-Identifier: GPL-3.0-or-later */
/* result.c - allocates and frees the result of one replication; sizes come from the scenario alone. */
#include "sim/experiment/result.h"

#include <stdlib.h>

#define SUB_BITS 7 /* quantiles within 0.8 % */

bool res_latency_init(res_latency *l)
{
    l->ttft = stat_hist_new(SUB_BITS);
    l->tpot = stat_hist_new(SUB_BITS);
    l->e2e = stat_hist_new(SUB_BITS);
    l->queue = stat_hist_new(SUB_BITS);
    l->network = stat_hist_new(SUB_BITS);
    return l->ttft != NULL && l->tpot != NULL && l->e2e != NULL && l->queue != NULL && l->network != NULL;
}

void res_latency_fini(res_latency *l)
{
    stat_hist_free(l->ttft);
    stat_hist_free(l->tpot);
    stat_hist_free(l->e2e);
    stat_hist_free(l->queue);
    stat_hist_free(l->network);
}

static bool services_init(const sc_scenario *sc, res_run *run)
{
    size_t regions = (size_t)sc->region_count + 1;

    run->faults = calloc((size_t)sc->fault_count + 1, sizeof *run->faults);
    run->services = calloc((size_t)sc->service_count + 1, sizeof *run->services);
    if (run->faults == NULL || run->services == NULL) {
        return false;
    }
    run->fault_count = sc->fault_count;
    run->service_count = sc->service_count;
    for (int32_t i = 0; i < sc->service_count; i++) {
        res_service *s = &run->services[i];

        s->slo = calloc((size_t)sc->services[i].target_count + 1, sizeof *s->slo);
        s->by_region_requests = calloc(regions, sizeof *s->by_region_requests);
        s->by_region = calloc(regions, sizeof *s->by_region);
        s->nominal_rps = calloc((size_t)sc->pool_count + 1, sizeof *s->nominal_rps);
        if (s->slo == NULL || s->by_region_requests == NULL || s->by_region == NULL || s->nominal_rps == NULL ||
            !res_latency_init(&s->latency)) {
            return false;
        }
        for (int32_t r = 0; r < sc->region_count; r++) {
            if (!res_latency_init(&s->by_region[r])) {
                return false;
            }
        }
    }
    return true;
}

static bool tenants_init(const sc_scenario *sc, res_run *run)
{
    run->tenants = calloc((size_t)sc->tenant_count + 1, sizeof *run->tenants);
    if (run->tenants == NULL) {
        return false;
    }
    run->tenant_count = sc->tenant_count;
    for (int32_t i = 0; i < sc->tenant_count; i++) {
        if (!res_latency_init(&run->tenants[i].latency)) {
            return false;
        }
    }
    return true;
}

static bool timeline_init(const sc_scenario *sc, res_timeline *t, int32_t bins, int64_t bin_ns)
{
    size_t rows = (size_t)bins * (size_t)sc->service_count + 1;
    size_t pool_rows = (size_t)bins * (size_t)sc->pool_count + 1;

    t->bins = bins;
    t->bin_ns = bin_ns;
    t->arrivals = calloc(rows, sizeof *t->arrivals);
    t->completed = calloc(rows, sizeof *t->completed);
    t->rejected = calloc(rows, sizeof *t->rejected);
    t->timed_out = calloc(rows, sizeof *t->timed_out);
    t->ttft = calloc(rows, sizeof(stat_hist *));
    t->tpot = calloc(rows, sizeof(stat_hist *));
    t->desired = calloc(rows, sizeof *t->desired);
    t->assigned = calloc(rows, sizeof *t->assigned);
    t->ready = calloc(rows, sizeof *t->ready);
    t->starting = calloc(rows, sizeof *t->starting);
    t->waiting = calloc(rows, sizeof *t->waiting);
    t->chain_s = calloc(rows * RES_CHAIN, sizeof *t->chain_s);
    t->ready_by_pool = calloc(rows * ((size_t)sc->pool_count + 1), sizeof *t->ready_by_pool);
    t->nodes = calloc(pool_rows, sizeof *t->nodes);
    t->nodes_ordered = calloc(pool_rows, sizeof *t->nodes_ordered);
    t->cost_uusd = calloc(pool_rows, sizeof *t->cost_uusd);
    t->egress_uusd = calloc((size_t)bins + 1, sizeof *t->egress_uusd);
    t->images_uusd = calloc((size_t)bins + 1, sizeof *t->images_uusd);
    return t->arrivals != NULL && t->completed != NULL && t->rejected != NULL && t->timed_out != NULL &&
           t->ttft != NULL && t->tpot != NULL && t->desired != NULL && t->assigned != NULL && t->ready != NULL &&
           t->starting != NULL && t->waiting != NULL && t->ready_by_pool != NULL && t->chain_s != NULL &&
           t->nodes != NULL && t->nodes_ordered != NULL && t->cost_uusd != NULL && t->egress_uusd != NULL &&
           t->images_uusd != NULL;
}

static void timeline_fini(const res_run *run, res_timeline *t)
{
    size_t rows = (size_t)t->bins * (size_t)run->service_count;

    for (size_t i = 0; i < rows; i++) {
        if (t->ttft != NULL) {
            stat_hist_free(t->ttft[i]);
        }
        if (t->tpot != NULL) {
            stat_hist_free(t->tpot[i]);
        }
    }
    free(t->arrivals);
    free(t->completed);
    free(t->rejected);
    free(t->timed_out);
    free(t->ttft);
    free(t->tpot);
    free(t->desired);
    free(t->assigned);
    free(t->ready);
    free(t->starting);
    free(t->waiting);
    free(t->chain_s);
    free(t->ready_by_pool);
    free(t->nodes);
    free(t->nodes_ordered);
    free(t->cost_uusd);
    free(t->egress_uusd);
    free(t->images_uusd);
}

res_run *res_new(const sc_scenario *sc, int32_t bins, int64_t bin_ns)
{
    res_run *run = calloc(1, sizeof *run);

    if (run == NULL) {
        return NULL;
    }
    run->pools = calloc((size_t)sc->pool_count + 1, sizeof *run->pools);
    run->pool_count = sc->pool_count;
    run->region_count = sc->region_count;
    run->ways = calloc((size_t)sc->region_count * (size_t)sc->cluster_count + 1, sizeof *run->ways);
    if (run->pools == NULL || run->ways == NULL || !res_latency_init(&run->latency) || !services_init(sc, run) ||
        !tenants_init(sc, run) || !timeline_init(sc, &run->timeline, bins, bin_ns)) {
        res_free(run);
        return NULL;
    }
    return run;
}

void res_free(res_run *run)
{
    if (run == NULL) {
        return;
    }
    for (int32_t i = 0; run->services != NULL && i < run->service_count; i++) {
        res_service *s = &run->services[i];

        for (int32_t r = 0; s->by_region != NULL && r < run->region_count; r++) {
            res_latency_fini(&s->by_region[r]);
        }
        res_latency_fini(&s->latency);
        free(s->slo);
        free(s->by_region_requests);
        free(s->by_region);
        free(s->nominal_rps);
    }
    for (int32_t i = 0; run->tenants != NULL && i < run->tenant_count; i++) {
        res_latency_fini(&run->tenants[i].latency);
    }
    free(run->tenants);
    timeline_fini(run, &run->timeline);
    res_latency_fini(&run->latency);
    free(run->faults);
    free(run->services);
    free(run->pools);
    free(run->ways);
    free(run->bursts);
    free(run);
}
