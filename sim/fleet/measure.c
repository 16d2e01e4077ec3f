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

/* Of a target, the minute in which at_ns lies: the one that began at minute_ns, or the one before or after it, of which
 * one alone can be under way. */
static fl_minute *minute_of(const fl_world *w, fl_goal *goal, int64_t at_ns)
{
    const bool present = (uint64_t)(at_ns - w->minute_ns) < (uint64_t)FL_MINUTE_NS;

    return &goal->minutes[present != w->minute_odd];
}

/* The present minute is over, for all targets. */
static void minutes_close(fl_world *w)
{
    for (int32_t i = 0; i < w->sc->service_count; i++) {
        const fl_service *s = &w->services[i];

        for (int32_t t = 0; t < s->sc->target_count; t++) {
            fl_minute *m = minute_of(w, &s->goals[t], w->minute_ns);
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

static void minute_add(const fl_world *w, fl_goal *goal, bool within, int64_t at_ns)
{
    fl_minute *m = minute_of(w, goal, at_ns);

    m->seen++;
    m->within += within ? 1 : 0;
}

/* The row of a bin and a service in the timeline. */
static size_t row_at(const fl_world *w, const fl_request *q, int64_t at_ns)
{
    return (size_t)(fl_bin_of(w, at_ns) * w->run->service_count + q->service);
}

/* The first value of a bin. */
__attribute__((noinline)) static bool timeline_begin(fl_world *w, stat_hist **cell)
{
    *cell = stat_hist_new(5);
    w->no_memory = w->no_memory || *cell == NULL;
    return *cell != NULL;
}

static void timeline_add(fl_world *w, stat_hist **cell, int64_t value)
{
    if (*cell != NULL || timeline_begin(w, cell)) {
        stat_hist_add(*cell, value);
    }
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
        if (s->goals[t].kind == FL_TARGET_TTFT) {
            minute_add(w, &s->goals[t], ttft <= s->goals[t].limit_ns, at_ns);
        }
    }
}

/* Targets of a completed, counted request, of which each limits one figure; negative: not seen. @return all were met */
static bool targets_met(fl_world *w, const fl_request *q, int64_t tpot_ns, int64_t e2e_ns)
{
    const fl_service *s = &w->services[q->service];
    const int64_t values[] = {
        [FL_TARGET_TTFT] = q->first_ns - q->sent_ns, [FL_TARGET_TPOT] = tpot_ns, [FL_TARGET_E2E] = e2e_ns};
    res_slo *slo = w->run->services[q->service].slo;
    bool good = true;

    for (int32_t t = 0; t < s->sc->target_count; t++) {
        fl_goal *goal = &s->goals[t];
        const int64_t value = values[goal->kind];
        const bool within = value <= goal->limit_ns;

        if (value < 0) {
            continue;
        }
        slo[t].met += within ? 1 : 0;
        slo[t].missed += within ? 0 : 1;
        good = good && within;
        if (goal->kind != FL_TARGET_TTFT || (q->flags & FL_RQ_FIRST) == 0) {
            minute_add(w, goal, within, w->now);
        }
    }
    return good;
}

/* The same of one that came to nothing. */
static void targets_missed(fl_world *w, const fl_request *q)
{
    const fl_service *s = &w->services[q->service];

    for (int32_t t = 0; t < s->sc->target_count; t++) {
        w->run->services[q->service].slo[t].missed++;
        if (s->goals[t].kind != FL_TARGET_TTFT || (q->flags & FL_RQ_FIRST) == 0) {
            minute_add(w, &s->goals[t], false, w->now);
        }
    }
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

static void abroad_counted(const fl_world *w, const fl_request *q, uint32_t cluster)
{
    res_service *out = &w->run->services[q->service];

    out->served_abroad += abroad(w->sc, q->region, cluster) ? 1 : 0;
    out->residency_violations += fl_unlawful(w, &w->services[q->service], cluster) ? 1 : 0;
}

static void ended(fl_world *w, const fl_request *q, bool llm)
{
    res_ended *out = &w->run->services[q->service].ended;

    out->requests++;
    out->tokens_in += llm ? (uint64_t)q->need.tokens.input : 0;
    out->tokens_out += llm ? (uint64_t)q->need.tokens.output : 0;
}

static void completed(fl_world *w, const fl_request *q, fl_cell *cell, size_t row, int64_t seen_ns)
{
    const int64_t first_ns = fl_attempt_first(w, (uint32_t)(q - w->requests));
    const fl_service *s = &w->services[q->service];
    const uint32_t cluster = w->replicas[q->place.at.replica].cluster;
    const bool llm = s->sc->engine == SC_ENGINE_LLM;
    const int32_t output = llm ? q->need.tokens.output : 0;
    const int64_t tpot_ns = output > 1 ? (seen_ns - first_ns) / (output - 1) : -1; /* < 0: fewer than two tokens */
    const int64_t e2e_ns = seen_ns - q->sent_ns;

    w->run->timeline.completed[row]++;
    if (tpot_ns >= 0) {
        timeline_add(w, &w->run->timeline.tpot[row], tpot_ns);
    }
    fl_ways_back(w, q, cluster);
    if (w->counting) {
        ended(w, q, llm);
    }
    if ((q->flags & FL_RQ_COUNTED) == 0) {
        return;
    }
    cell->requests.completed++;
    if (w->laws > 1) {
        abroad_counted(w, q, cluster);
    }
    if (tpot_ns >= 0) {
        stat_hist_add(cell->latency.tpot, tpot_ns);
    }
    stat_hist_add(cell->latency.e2e, e2e_ns);
    stat_hist_add(cell->latency.queue, q->started_ns - q->sent_ns - q->wire_ns);
    /* its last token came out now: what is left is its way back */
    stat_hist_add(cell->latency.network, q->wire_ns + seen_ns - w->now - s->sc->frontend_ns);
    if (llm) {
        res_service *out = &w->run->services[q->service];

        out->tokens_in += (uint64_t)q->need.tokens.input;
        out->tokens_out += (uint64_t)output;
    }
    cell->good += targets_met(w, q, tpot_ns, e2e_ns) ? 1 : 0;
}

static void failed(fl_world *w, const fl_request *q, fl_cell *cell, size_t row, fl_outcome outcome)
{
    const bool counted = (q->flags & FL_RQ_COUNTED) != 0;

    if (outcome == FL_IN_FLIGHT) {
        cell->requests.in_flight += counted ? 1 : 0;
        return;
    }
    if (outcome == FL_REJECTED) {
        cell->requests.rejected += counted ? 1 : 0;
        w->run->timeline.rejected[row]++;
    } else {
        cell->requests.timed_out += counted ? 1 : 0;
        w->run->timeline.timed_out[row]++;
    }
    if ((q->flags & FL_RQ_HURT) == 0) {
        fl_burst_hurt(w, q->service);
    }
    if (counted) {
        targets_missed(w, q);
    }
}

void fl_note_end(fl_world *w, const fl_request *q, fl_outcome outcome, int64_t seen_ns)
{
    fl_cell *cell = cell_of(w, q);
    const size_t row = row_at(w, q, seen_ns);

    w->services[q->service].waiting -= (q->flags & FL_RQ_STARTED) == 0 ? 1 : 0;
    fl_note_system(w, -1);
    w->run->sojourn_sum_ns += w->now - q->sent_ns;
    if (outcome == FL_COMPLETED) {
        completed(w, q, cell, row, seen_ns);
    } else {
        failed(w, q, cell, row, outcome);
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
