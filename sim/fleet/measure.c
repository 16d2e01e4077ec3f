/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * measure.c - what is counted when a request is sent, answers for the first time, and ends.
 *
 * Everything is counted once, by (service, region), and summed at the end. Latencies are those of the user: ttft when
 * the first token arrives (also if the request fails later; a token lost with its replica stays seen), the others
 * when the last one does. Rules for targets: a completed request is within or beyond each limit (tpot only with more
 * than one output token); a rejected or timed-out one misses all. A minute of a target is the simulated minute in
 * which the replica produced the token (or the request failed); it is violated when fewer than the nearest-rank
 * percentile of its requests were within the limit.
 */
#include "sim/fleet/world.h"

#include <math.h>
#include <string.h>

#define MINUTE_NS INT64_C(60000000000)

typedef enum measured { NOT_SEEN = 0, WITHIN = 1, BEYOND = 2 } measured;

void fl_note_system(fl_world *w, int change)
{
    w->run->in_system_area_ns += (fl_wide)w->in_system * (w->now - w->in_system_last_ns);
    w->in_system += change;
    w->in_system_last_ns = w->now;
}

static res_requests *requests_of(fl_world *w, const fl_request *q)
{
    return &w->run->services[q->service].by_region_requests[q->region];
}

static res_latency *latency_of(fl_world *w, const fl_request *q)
{
    return &w->run->services[q->service].by_region[q->region];
}

/* NULL: of none. */
static res_tenant *tenant_of(fl_world *w, const fl_request *q)
{
    return q->tenant > 0 ? &w->run->tenants[q->tenant - 1] : NULL;
}

void fl_note_shed(fl_world *w, const fl_request *q)
{
    res_tenant *tenant = tenant_of(w, q);

    if (tenant != NULL && (q->flags & FL_RQ_COUNTED) != 0) {
        tenant->shed++;
    }
}

void fl_note_sent(fl_world *w, uint32_t request)
{
    const fl_request *q = &w->requests[request];
    fl_service *s = &w->services[q->service];

    s->waiting++;
    s->sent++;
    w->run->host.requests++;
    w->run->timeline.arrivals[w->bin * w->run->service_count + q->service]++;
    if ((q->flags & FL_RQ_COUNTED) != 0) {
        res_tenant *tenant = tenant_of(w, q);

        requests_of(w, q)->offered++;
        if (tenant != NULL) {
            tenant->requests.offered++;
        }
    }
    fl_note_system(w, 1);
}

void fl_note_minutes(fl_world *w, uint32_t service, bool last)
{
    fl_service *s = &w->services[service];
    int64_t minute = w->now / MINUTE_NS;

    if (minute == s->minute_number && !last) {
        return;
    }
    for (int32_t t = 0; t < s->sc->target_count; t++) {
        fl_minute *m = &s->minute[t];
        res_slo *slo = &w->run->services[service].slo[t];
        double needed = ceil(s->sc->targets[t].percentile * (double)m->seen - 1e-9);

        if (m->seen > 0) {
            slo->minutes++;
            slo->minutes_violated += (double)m->within < needed ? 1 : 0;
        }
        *m = (fl_minute){0, 0};
    }
    s->minute_number = minute;
}

static void minute_add(fl_world *w, const fl_request *q, int32_t target, bool within)
{
    fl_service *s = &w->services[q->service];

    fl_note_minutes(w, q->service, false);
    s->minute[target].seen++;
    s->minute[target].within += within ? 1 : 0;
}

static void timeline_add(fl_world *w, stat_hist **rows, const fl_request *q, int64_t at_ns, int64_t value)
{
    stat_hist **cell = &rows[fl_bin_of(w, at_ns) * w->run->service_count + q->service];

    if (*cell == NULL) {
        *cell = stat_hist_new(5);
        if (*cell == NULL) {
            w->no_memory = true;
            return;
        }
    }
    stat_hist_add(*cell, value);
}

void fl_note_first(fl_world *w, const fl_request *q, int64_t seen_ns)
{
    const fl_service *s = &w->services[q->service];
    res_tenant *tenant = tenant_of(w, q);
    int64_t ttft = seen_ns - q->sent_ns;

    timeline_add(w, w->run->timeline.ttft, q, seen_ns, ttft);
    if ((q->flags & FL_RQ_COUNTED) == 0) {
        return;
    }
    stat_hist_add(latency_of(w, q)->ttft, ttft);
    if (tenant != NULL) {
        stat_hist_add(tenant->latency.ttft, ttft);
    }
    for (int32_t t = 0; t < s->sc->target_count; t++) {
        if (s->target_kind[t] == FL_TARGET_TTFT) {
            minute_add(w, q, t, ttft <= s->sc->targets[t].limit_ns);
        }
    }
}

static int32_t output_of(const fl_world *w, const fl_request *q)
{
    return w->services[q->service].sc->engine == SC_ENGINE_LLM ? q->need.tokens.output : 0;
}

static int64_t tpot_of(const fl_world *w, const fl_request *q, int64_t seen_ns)
{
    int32_t output = output_of(w, q);

    return output > 1 ? (seen_ns - q->first_ns) / (output - 1) : -1;
}

static measured judge(const fl_world *w, const fl_request *q, int32_t target, int64_t seen_ns)
{
    const fl_service *s = &w->services[q->service];
    int64_t value = seen_ns - q->sent_ns;

    if (s->target_kind[target] == FL_TARGET_TTFT) {
        value = q->first_ns - q->sent_ns;
    } else if (s->target_kind[target] == FL_TARGET_TPOT) {
        value = tpot_of(w, q, seen_ns);
        if (value < 0) {
            return NOT_SEEN;
        }
    }
    return value <= s->sc->targets[target].limit_ns ? WITHIN : BEYOND;
}

/* Targets at the end of a counted request. */
static void targets_end(fl_world *w, const fl_request *q, bool completed, int64_t seen_ns)
{
    const fl_service *s = &w->services[q->service];
    res_service *out = &w->run->services[q->service];
    res_tenant *tenant = tenant_of(w, q);
    bool good = completed;

    for (int32_t t = 0; t < s->sc->target_count; t++) {
        measured m = completed ? judge(w, q, t, seen_ns) : BEYOND;

        if (m == NOT_SEEN) {
            continue;
        }
        out->slo[t].met += m == WITHIN ? 1 : 0;
        out->slo[t].missed += m == BEYOND ? 1 : 0;
        good = good && m == WITHIN;
        if (s->target_kind[t] != FL_TARGET_TTFT || (q->flags & FL_RQ_FIRST) == 0) {
            minute_add(w, q, t, m == WITHIN);
        }
    }
    out->good += good ? 1 : 0;
    if (tenant != NULL) {
        tenant->good += good ? 1 : 0;
    }
}

static void latency_add(res_latency *l, const fl_request *q, int64_t tpot, int64_t seen_ns, int64_t back_ns)
{
    if (tpot >= 0) {
        stat_hist_add(l->tpot, tpot);
    }
    stat_hist_add(l->e2e, seen_ns - q->sent_ns);
    stat_hist_add(l->queue, q->started_ns - q->sent_ns - q->wire_ns);
    stat_hist_add(l->network, q->wire_ns + back_ns);
}

/* A region whose law is not known is abroad to nobody, and on no list. */
static bool abroad(const sc_scenario *sc, uint32_t region, uint32_t cluster)
{
    const char *user = sc->regions[region].jurisdiction;
    const char *there = sc->regions[sc->clusters[cluster].region].jurisdiction;

    return user[0] != '\0' && there[0] != '\0' && strcmp(user, there) != 0;
}

bool fl_unlawful(const fl_world *w, const fl_service *s, uint32_t cluster)
{
    const char *there = w->sc->regions[w->sc->clusters[cluster].region].jurisdiction;

    for (size_t i = 0; i < s->workload->jurisdiction_count; i++) {
        if (strcmp(s->workload->jurisdictions[i], there) == 0) {
            return false;
        }
    }
    return s->workload->jurisdiction_count > 0;
}

static void completed_counted(fl_world *w, const fl_request *q, int64_t seen_ns, int64_t back_ns)
{
    res_service *out = &w->run->services[q->service];
    res_tenant *tenant = tenant_of(w, q);
    int64_t tpot = tpot_of(w, q, seen_ns);

    latency_add(latency_of(w, q), q, tpot, seen_ns, back_ns);
    if (tenant != NULL) {
        latency_add(&tenant->latency, q, tpot, seen_ns, back_ns);
    }
    if (w->services[q->service].sc->engine == SC_ENGINE_LLM) {
        out->tokens_in += (uint64_t)q->need.tokens.input;
        out->tokens_out += (uint64_t)q->need.tokens.output;
    }
}

static void completed(fl_world *w, const fl_request *q, int64_t seen_ns)
{
    uint32_t cluster = w->replicas[q->place.at.replica].cluster;
    const sc_payload *payload = &w->sc->payload;
    int64_t tpot = tpot_of(w, q, seen_ns);
    int64_t back_ns = fl_way_ns(w, fl_line_of(w, q->region, cluster, true), (uint32_t)(q - w->requests));

    w->run->timeline.completed[fl_bin_of(w, seen_ns) * w->run->service_count + q->service]++;
    if (tpot >= 0) {
        timeline_add(w, w->run->timeline.tpot, q, seen_ns, tpot);
    }
    if (fl_enters(w, q)) {
        fl_ways_back(w, q, cluster);
    } else if (w->counting) {
        w->egress_bytes[cluster] +=
            fl_round(payload->response_bytes_fixed + payload->response_bytes_per_token * (double)output_of(w, q));
    }
    if ((q->flags & FL_RQ_COUNTED) != 0) {
        if (w->laws > 1) {
            res_service *out = &w->run->services[q->service];

            out->served_abroad += abroad(w->sc, q->region, cluster) ? 1 : 0;
            out->residency_violations += fl_unlawful(w, &w->services[q->service], cluster) ? 1 : 0;
        }
        completed_counted(w, q, seen_ns, back_ns);
    }
}

void fl_note_end(fl_world *w, const fl_request *q, fl_outcome outcome, int64_t seen_ns)
{
    fl_service *s = &w->services[q->service];
    res_requests *requests = requests_of(w, q);
    res_tenant *tenant = tenant_of(w, q);
    res_requests nobody, *of_tenant = tenant != NULL ? &tenant->requests : &nobody;
    const uint64_t one = (q->flags & FL_RQ_COUNTED) != 0 ? 1 : 0;
    size_t cell = (size_t)(fl_bin_of(w, seen_ns) * w->run->service_count + q->service);

    if ((q->flags & FL_RQ_STARTED) == 0) {
        s->waiting--;
    }
    nobody = (res_requests){0};
    fl_note_system(w, -1);
    w->run->sojourn_sum_ns += w->now - q->sent_ns;
    switch (outcome) {
    case FL_COMPLETED:
        requests->completed += one;
        of_tenant->completed += one;
        completed(w, q, seen_ns);
        break;
    case FL_REJECTED:
        requests->rejected += one;
        of_tenant->rejected += one;
        w->run->timeline.rejected[cell]++;
        break;
    case FL_TIMED_OUT:
        requests->timed_out += one;
        of_tenant->timed_out += one;
        w->run->timeline.timed_out[cell]++;
        break;
    case FL_IN_FLIGHT:
        requests->in_flight += one;
        of_tenant->in_flight += one;
        return;
    }
    if (outcome != FL_COMPLETED && (q->flags & FL_RQ_HURT) == 0) {
        fl_burst_hurt(w, q->service);
    }
    if (one != 0) {
        targets_end(w, q, outcome == FL_COMPLETED, seen_ns);
    }
}

static void requests_sum(res_requests *into, const res_requests *from)
{
    into->offered += from->offered;
    into->completed += from->completed;
    into->rejected += from->rejected;
    into->timed_out += from->timed_out;
    into->in_flight += from->in_flight;
}

static void latency_sum(res_latency *into, const res_latency *from)
{
    stat_hist_merge(into->ttft, from->ttft);
    stat_hist_merge(into->tpot, from->tpot);
    stat_hist_merge(into->e2e, from->e2e);
    stat_hist_merge(into->queue, from->queue);
    stat_hist_merge(into->network, from->network);
}

static void lag_close(fl_world *w)
{
    res_lag *lag = &w->run->lag;
    double n = lag->count > 0 ? (double)lag->count : 1;

    lag->decision_s = (double)w->lag_decision_ns / n / 1e9;
    for (int i = 0; i < MDL_STAGES; i++) {
        lag->mean_s[i] = (double)w->lag_sum_ns[i] / n / 1e9;
        lag->p90_s[i] = (double)stat_hist_quantile(w->lag_hist[i], 0.9) / 1e9;
    }
}

void fl_measure_close(fl_world *w)
{
    res_run *run = w->run;

    FL_CHECK(w, w->in_system == 0);
    FL_CHECK(w, run->in_system_area_ns == run->sojourn_sum_ns);
    for (int32_t i = 0; i < run->service_count; i++) {
        res_service *s = &run->services[i];

        FL_CHECK(w, w->services[i].waiting == 0);
        fl_note_minutes(w, (uint32_t)i, true);
        for (int32_t r = 0; r < w->sc->region_count; r++) {
            requests_sum(&s->requests, &s->by_region_requests[r]);
            latency_sum(&s->latency, &s->by_region[r]);
        }
        requests_sum(&run->requests, &s->requests);
        latency_sum(&run->latency, &s->latency);
        FL_CHECK(w, s->requests.offered ==
                        s->requests.completed + s->requests.rejected + s->requests.timed_out + s->requests.in_flight);
    }
    lag_close(w);
}
