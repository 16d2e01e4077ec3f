/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * resolve_unused.c - keys that are in order and change nothing, or not what they seem to: a warning each, because who
 * wrote them expects something of them.
 */
#include "sim/scenario/resolve.h"

#include <math.h>
#include <string.h>

static void check_pool(resolve *r, const spec_pool *pool)
{
    const bool elastic = pool->capacity == SPW_CAPACITY_ON_DEMAND || pool->capacity == SPW_CAPACITY_SPOT;
    const bool stocked = pool->stock_record != NULL || (pool->stock != NULL && strcmp(pool->stock, "none") != 0);
    if (!elastic && pool->has_min_billing) {
        ynode_warning(r->diag, pool->min_billing_node,
                      "'minBilling' does nothing here: nodes that are owned or reserved are paid for all the time");
    }
    if (!elastic && pool->order_batch > 0) {
        ynode_warning(r->diag, pool->order_batch_node,
                      "'orderBatch' does nothing here: nodes that are owned or reserved are never ordered");
    }
    if (!stocked && pool->stock_seen_ns > 0) {
        ynode_warning(r->diag, pool->stock_seen_node,
                      "'stockSeen' does nothing here: the pool has neither 'stock' nor 'stockRecord' to tell of");
    }
}

static void check_times(resolve *r, const spec_traffic *spec, const mdl_arrival_spec *arrivals)
{
    const int64_t end_ns = r->spec->duration_ns;
    for (size_t i = 0; i < arrivals->season_count; i++) {
        if (arrivals->seasons[i].begin_ns >= end_ns) {
            ynode_warning(r->diag, spec->holidays[i].self,
                          "this holiday begins after the end of the run and never comes (duration %.10g s)",
                          (double)end_ns / 1e9);
        } else if (arrivals->seasons[i].end_ns <= 0) {
            ynode_warning(r->diag, spec->holidays[i].self, "this holiday is over before the run begins");
        }
    }
    for (size_t i = 0; i < spec->crowd_count; i++) {
        if (spec->crowds[i].at_ns >= end_ns) {
            ynode_warning(r->diag, spec->crowds[i].self,
                          "this crowd begins after the end of the run and never comes (duration %.10g s)",
                          (double)end_ns / 1e9);
        }
    }
}

static double mean_tokens(const mdl_lengths *lengths)
{
    double sum = 0.0;
    if (lengths->pair_count == 0) {
        return mdl_length_mean(&lengths->input) + mdl_length_mean(&lengths->output);
    }
    for (size_t i = 0; i < lengths->pair_count; i++) {
        sum += lengths->pair_input[i] + lengths->pair_output[i];
    }
    return sum / (double)lengths->pair_count;
}

/* Conversations end where the context does: the rate counts turns by their law, and what does not fit is not sent. */
static void check_sessions(resolve *r, const spec_sessions *spec, const mdl_sessions *sessions)
{
    const double turns = mdl_length_mean(&sessions->turns);
    const double room = sessions->max_context > 0 ? sessions->max_context : INT32_MAX;
    const double fit = fmax(1.0, floor((room - sessions->system_tokens) / mean_tokens(sessions->lengths)));
    if (fit < turns) {
        ynode_warning(r->diag, spec->self,
                      "of the %.4g turns of a conversation about %.4g fit into the context (%.10g tokens), so that "
                      "about %.2g %% of the rate is sent",
                      turns, fit, room, 100.0 * fit / turns);
    }
}

static void check_traffic(resolve *r, const spec_service *owner, const spec_traffic *spec, const sc_traffic *traffic)
{
    check_times(r, spec, &traffic->arrivals);
    if (spec->sessions != NULL && traffic->arrivals.sessions != NULL) {
        check_sessions(r, spec->sessions, traffic->arrivals.sessions);
    }
    if (owner->engine.kind == SC_ENGINE_STATION && spec->priority != 0 &&
        (owner->admission == NULL || !(owner->admission->reserved > 0.0))) {
        ynode_warning(r->diag, spec->priority_node,
                      "'priority' does nothing here: a station serves in order of arrival, and no part of its "
                      "admission is 'reserved'");
    }
}

static bool comes_back(const sc_traffic *traffic)
{
    const mdl_trace *rows = traffic->arrivals.trace;
    return traffic->arrivals.sessions != NULL ||
           (rows != NULL && (rows->session != NULL || rows->prefix_tokens != NULL || rows->chain != NULL));
}

static void check_service(resolve *r, const spec_service *spec, const sc_service *service)
{
    bool any = false;
    for (int32_t t = 0; t < service->traffic_count; t++) {
        check_traffic(r, spec, &spec->traffic[t], &service->traffic[t]);
        any = any || comes_back(&service->traffic[t]);
    }
    if (spec->engine.prefix_cache_share > 0.0 && service->traffic_count > 0 && !any) {
        ynode_warning(r->diag, spec->engine.prefix_cache_node,
                      "'prefixCacheShare' does nothing here: no traffic of '%s' has 'sessions', or a trace with "
                      "conversations or shared prefixes",
                      spec->workload);
    }
}

void resolve_unused(resolve *r)
{
    const spec_body *spec = r->spec;
    for (size_t c = 0; c < spec->cluster_count; c++) {
        for (size_t p = 0; p < spec->clusters[c].pool_count; p++) {
            check_pool(r, &spec->clusters[c].pools[p]);
        }
    }
    for (int32_t s = 0; s < r->sc->service_count; s++) {
        check_service(r, &spec->services[s], &r->sc->services[s]);
    }
}
