/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * measure.c - what is counted when a request is sent, answers for the first time, and ends.
 *
 * Everything is counted once, in a cell (cells.c), and added up at the end. Latencies are those of the user: ttft when
 * the first token arrives (also if the request fails later; a token lost with its replica stays seen), the others
 * when the last one does. Time outside the engine (frontend_ns) is in ttft and e2e, hence in their targets; not in
 * tpot, as first and last token have it alike, and neither in queue nor in network. Rules for targets: a completed
 * request is within or beyond each limit (tpot only with more than one output token); a rejected or timed-out one
 * misses all. A minute of a target is the simulated minute in which the replica produced the token (or the request
 * failed); it is violated when fewer than the nearest-rank percentile of its requests were within the limit.
 */
#include "sim/fleet/world.h"

#include <math.h>
#include <string.h>

typedef enum measured { NOT_SEEN = 0, WITHIN = 1, BEYOND = 2 } measured;

void fl_note_system(fl_world *w, int change)
{
    w->run->in_system_area_ns += (fl_wide)w->in_system * (w->now - w->in_system_last_ns);
    w->in_system += change;
    w->in_system_last_ns = w->now;
}

static fl_cell *cell_of(const fl_world *w, const fl_request *q)
{
    return fl_cell_of(w, q->service, q->region, q->tenant);
}

void fl_note_shed(fl_world *w, const fl_request *q)
{
    cell_of(w, q)->shed += (q->flags & FL_RQ_COUNTED) != 0 ? 1 : 0;
}

void fl_note_sent(fl_world *w, uint32_t request)
{
    const fl_request *q = &w->requests[request];
    fl_service *s = &w->services[q->service];

    s->waiting++;
    s->sent++;
    w->run->host.requests++;
    w->run->timeline.arrivals[w->bin * w->run->service_count + q->service]++;
    cell_of(w, q)->requests.offered += (q->flags & FL_RQ_COUNTED) != 0 ? 1 : 0;
    fl_note_system(w, 1);
}

/* Of a target of a service, the minute in which at_ns lies: the one that began at minute_ns, or the one before or after
 * it, of which one alone can be under way. */
static fl_minute *minute_of(const fl_world *w, const fl_service *s, int32_t target, int64_t at_ns)
{
    const bool present = at_ns - w->minute_ns >= 0 && at_ns - w->minute_ns < FL_MINUTE_NS;

    return &s->minutes[2 * target + (present != w->minute_odd)];
}

/* The present minute is over, for all targets. */
static void minutes_close(fl_world *w)
{
    for (int32_t i = 0; i < w->sc->service_count; i++) {
        const fl_service *s = &w->services[i];

        for (int32_t t = 0; t < s->sc->target_count; t++) {
            fl_minute *m = minute_of(w, s, t, w->minute_ns);
            res_slo *slo = &w->run->services[i].slo[t];
            double needed = ceil(s->sc->targets[t].percentile * (double)m->seen - 1e-9);

            if (m->seen > 0) {
                slo->minutes++;
                slo->minutes_violated += (double)m->within < needed ? 1 : 0;
            }
            *m = (fl_minute){0, 0};
        }
    }
}

/* First tokens of the minute that is over may not have been told yet; those of this instant belong to the next one. */
void fl_minute_event(fl_world *w)
{
    fl_replicas_hear(w);
    minutes_close(w);
    w->minute_ns = w->now;
    w->minute_odd = !w->minute_odd;
}

static void minute_add(const fl_world *w, const fl_request *q, int32_t target, bool within, int64_t at_ns)
{
    fl_minute *m = minute_of(w, &w->services[q->service], target, at_ns);

    m->seen++;
    m->within += within ? 1 : 0;
}

/* The row of a bin and a service in the timeline. */
static size_t row_at(const fl_world *w, const fl_request *q, int64_t at_ns)
{
    return (size_t)(fl_bin_of(w, at_ns) * w->run->service_count + q->service);
}

static void timeline_add(fl_world *w, stat_hist **cell, int64_t value)
{

    if (*cell == NULL) {
        *cell = stat_hist_new(5);
        if (*cell == NULL) {
            w->no_memory = true;
            return;
        }
    }
    stat_hist_add(*cell, value);
}

void fl_note_first(fl_world *w, const fl_request *q, int64_t at_ns, int64_t seen_ns)
{
    const fl_service *s = &w->services[q->service];
    int64_t ttft = seen_ns - q->sent_ns;

    timeline_add(w, &w->run->timeline.ttft[row_at(w, q, seen_ns)], ttft);
    if ((q->flags & FL_RQ_COUNTED) == 0) {
        return;
    }
    stat_hist_add(cell_of(w, q)->latency.ttft, ttft);
    for (int32_t t = 0; t < s->sc->target_count; t++) {
        if (s->target_kind[t] == FL_TARGET_TTFT) {
            minute_add(w, q, t, ttft <= s->sc->targets[t].limit_ns, at_ns);
        }
    }
}

/** What a completed request comes to; of the others only when they ended. */
typedef struct answer {
    bool completed;
    int64_t seen_ns;
    int64_t tpot_ns; /* -1: fewer than two tokens came, or it is not of an llm */
    int64_t back_ns; /* its way back */
    int32_t output;  /* tokens */
} answer;

static answer answer_of(const fl_world *w, const fl_request *q, bool completed, int64_t seen_ns)
{
    answer a = {.completed = completed, .seen_ns = seen_ns, .tpot_ns = -1};

    if (completed) {
        const uint32_t cluster = w->replicas[q->place.at.replica].cluster;

        a.back_ns = fl_way_ns(w, fl_line_of(w, q->region, cluster, true), (uint32_t)(q - w->requests));
        a.output = w->services[q->service].sc->engine == SC_ENGINE_LLM ? q->need.tokens.output : 0;
        a.tpot_ns = a.output > 1 ? (seen_ns - q->first_ns) / (a.output - 1) : -1;
    }
    return a;
}

static measured judge(const fl_service *s, const fl_request *q, int32_t target, const answer *a)
{
    int64_t value = a->seen_ns - q->sent_ns;

    if (!a->completed) {
        return BEYOND;
    }
    if (s->target_kind[target] == FL_TARGET_TTFT) {
        value = q->first_ns - q->sent_ns;
    } else if (s->target_kind[target] == FL_TARGET_TPOT) {
        value = a->tpot_ns;
    }
    return value < 0 ? NOT_SEEN : value <= s->sc->targets[target].limit_ns ? WITHIN : BEYOND;
}

/* Targets at the end of a counted request. */
static void targets_end(fl_world *w, const fl_request *q, const answer *a)
{
    const fl_service *s = &w->services[q->service];
    res_slo *slo = w->run->services[q->service].slo;
    bool good = a->completed;

    for (int32_t t = 0; t < s->sc->target_count; t++) {
        const measured m = judge(s, q, t, a);

        if (m == NOT_SEEN) {
            continue;
        }
        slo[t].met += m == WITHIN ? 1 : 0;
        slo[t].missed += m == BEYOND ? 1 : 0;
        good = good && m == WITHIN;
        if (s->target_kind[t] != FL_TARGET_TTFT || (q->flags & FL_RQ_FIRST) == 0) {
            minute_add(w, q, t, m == WITHIN, w->now);
        }
    }
    cell_of(w, q)->good += good ? 1 : 0;
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

static void completed_counted(fl_world *w, const fl_request *q, uint32_t cluster, const answer *a)
{
    res_service *out = &w->run->services[q->service];
    const res_latency *l = &cell_of(w, q)->latency;

    if (w->laws > 1) {
        out->served_abroad += abroad(w->sc, q->region, cluster) ? 1 : 0;
        out->residency_violations += fl_unlawful(w, &w->services[q->service], cluster) ? 1 : 0;
    }
    if (a->tpot_ns >= 0) {
        stat_hist_add(l->tpot, a->tpot_ns);
    }
    stat_hist_add(l->e2e, a->seen_ns - q->sent_ns);
    stat_hist_add(l->queue, q->started_ns - q->sent_ns - q->wire_ns);
    stat_hist_add(l->network, q->wire_ns + a->back_ns);
    if (w->services[q->service].sc->engine == SC_ENGINE_LLM) {
        out->tokens_in += (uint64_t)q->need.tokens.input;
        out->tokens_out += (uint64_t)a->output;
    }
}

static void completed(fl_world *w, const fl_request *q, size_t row, const answer *a)
{
    const uint32_t cluster = w->replicas[q->place.at.replica].cluster;
    const sc_payload *payload = &w->sc->payload;

    w->run->timeline.completed[row]++;
    if (a->tpot_ns >= 0) {
        timeline_add(w, &w->run->timeline.tpot[row], a->tpot_ns);
    }
    if (fl_enters(w, q)) {
        fl_ways_back(w, q, cluster);
    } else if (w->counting) {
        w->egress_bytes[cluster] +=
            fl_round(payload->response_bytes_fixed + payload->response_bytes_per_token * (double)a->output);
    }
    if ((q->flags & FL_RQ_COUNTED) != 0) {
        completed_counted(w, q, cluster, a);
    }
}

void fl_note_end(fl_world *w, const fl_request *q, fl_outcome outcome, int64_t seen_ns)
{
    fl_service *s = &w->services[q->service];
    res_requests *requests = &cell_of(w, q)->requests;
    const answer a = answer_of(w, q, outcome == FL_COMPLETED, seen_ns);
    const uint64_t one = (q->flags & FL_RQ_COUNTED) != 0 ? 1 : 0;
    const size_t row = row_at(w, q, seen_ns);

    s->waiting -= (q->flags & FL_RQ_STARTED) == 0 ? 1 : 0;
    fl_note_system(w, -1);
    w->run->sojourn_sum_ns += w->now - q->sent_ns;
    switch (outcome) {
    case FL_COMPLETED:
        requests->completed += one;
        completed(w, q, row, &a);
        break;
    case FL_REJECTED:
        requests->rejected += one;
        w->run->timeline.rejected[row]++;
        break;
    case FL_TIMED_OUT:
        requests->timed_out += one;
        w->run->timeline.timed_out[row]++;
        break;
    case FL_IN_FLIGHT:
        requests->in_flight += one;
        return;
    }
    if (!a.completed && (q->flags & FL_RQ_HURT) == 0) {
        fl_burst_hurt(w, q->service);
    }
    if (one != 0) {
        targets_end(w, q, &a);
    }
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
    const res_run *run = w->run;

    FL_CHECK(w, w->in_system == 0);
    FL_CHECK(w, run->in_system_area_ns == run->sojourn_sum_ns);
    for (uint32_t i = 0; i < (uint32_t)run->service_count; i++) {
        FL_CHECK(w, w->services[i].waiting == 0);
    }
    minutes_close(w);
    fl_cells_close(w);
    lag_close(w);
}
