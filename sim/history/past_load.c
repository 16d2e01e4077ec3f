/* SPDX-License-Identifier: GPL-3.0-or-later */
/* past_load.c - replicas and metrics of a log, averaged over steps. See past.h. */
#include "sim/history/past.h"

#include <stdlib.h>
#include <string.h>

#include "sim/fleet/eye.h"

/* --- names --- */

static bool meaning_of(const char *name, past_metric *meaning)
{
    switch (fl_metric_find(name)) {
    case FL_METRIC_RUNNING:
        *meaning = PAST_RUNNING;
        return true;
    case FL_METRIC_WAITING:
        *meaning = PAST_WAITING;
        return true;
    case FL_METRIC_IN_FLIGHT:
        *meaning = PAST_IN_FLIGHT;
        return true;
    case FL_METRIC_PROMPT_RATE:
        *meaning = PAST_TOKENS_IN;
        return true;
    case FL_METRIC_GENERATION_RATE:
        *meaning = PAST_TOKENS_OUT;
        return true;
    case FL_METRIC_REQUEST_RATE:
        *meaning = PAST_RATE;
        return true;
    case FL_METRIC_GPU_BUSY:
        *meaning = PAST_BUSY;
        return true;
    default:
        return false; /* the share of KV memory in use says little of the requests behind it */
    }
}

static void name_add(past *p, past_names *names, const char *name, bool known, past_metric meaning)
{
    const uint64_t key = spw_key(name);
    for (size_t i = 0; i < names->count; i++) {
        if (names->key[i] == key) {
            return;
        }
    }
    for (size_t i = 0; !known && i < p->unknown_count; i++) {
        if (strcmp(p->unknown[i], name) == 0) {
            return;
        }
    }
    if (known) {
        names->key[names->count] = key;
        names->metric[names->count++] = meaning;
    } else {
        p->unknown[p->unknown_count++] = name;
    }
}

/* The name of metric m of a scaler, NULL beyond the last. What a queue or a forecast goes by is a rate of requests. */
static const char *scaler_metric(const spw_scaler *s, size_t m, bool *rate)
{
    *rate = s->kind == SPW_SCALER_QUEUE || s->kind == SPW_SCALER_FORECAST;
    if (s->kind == SPW_SCALER_KEDA) {
        return m < s->as.keda.trigger_count ? s->as.keda.triggers[m].metric : NULL;
    }
    if (!*rate || m > 0) {
        return NULL;
    }
    return s->kind == SPW_SCALER_QUEUE ? s->as.queue.rate.name : s->as.forecast.rate.name;
}

/* Requests in an engine are those running and those waiting. */
static bool wanted(const past_spec *spec, past_metric meaning)
{
    const bool parts = meaning == PAST_RUNNING || meaning == PAST_WAITING;
    return !spec->limited || meaning == spec->meaning || (spec->meaning == PAST_IN_FLIGHT && parts);
}

void past_load_names(past *p, const past_spec *spec, past_names *names)
{
    const spw_config *config = p->config;
    size_t most = 2;
    bool rate = false;
    for (size_t h = 0; h < config->hpa_count; h++) {
        most += config->hpas[h].metric_count;
    }
    for (size_t s = 0; s < config->scaler_count; s++) {
        most += 1 + (config->scalers[s].kind == SPW_SCALER_KEDA ? config->scalers[s].as.keda.trigger_count : 0);
    }
    *names = (past_names){.key = zone_array(&p->z, most, sizeof *names->key),
                          .metric = zone_array(&p->z, most, sizeof *names->metric)};
    p->unknown = zone_array(&p->z, most, sizeof *p->unknown);
    if (p->z.failed) {
        return;
    }
    if (spec->metric != NULL) {
        name_add(p, names, spec->metric, true, spec->meaning);
        return;
    }
    if (wanted(spec, PAST_RATE)) { /* a simulated fleet shows it to all its autoscalers */
        name_add(p, names, "requests_per_second", true, PAST_RATE);
    }
    for (size_t h = 0; h < config->hpa_count; h++) {
        for (size_t m = 0; m < config->hpas[h].metric_count; m++) {
            past_metric meaning = PAST_RATE;
            const bool known = meaning_of(config->hpas[h].metrics[m].name, &meaning);
            if (!known || wanted(spec, meaning)) {
                name_add(p, names, config->hpas[h].metrics[m].name, known, meaning);
            }
        }
    }
    for (size_t s = 0; s < config->scaler_count; s++) {
        const char *name = scaler_metric(&config->scalers[s], 0, &rate);
        for (size_t m = 1; name != NULL; m++) {
            past_metric meaning = PAST_RATE;
            const bool known = rate || meaning_of(name, &meaning);
            if (!known || wanted(spec, meaning)) {
                name_add(p, names, name, known, meaning);
            }
            name = scaler_metric(&config->scalers[s], m, &rate);
        }
    }
}

/* --- one tick --- */

/* What one tick says of one service in one cluster. */
typedef struct here {
    double ready, sum[PAST_METRICS], pods[PAST_METRICS];
} here;

/* ... and of one service as a whole. */
typedef struct whole {
    int64_t read_ns;
    double value[PAST_METRICS];
    bool valued[PAST_METRICS];
} whole;

typedef struct reading {
    past *p;
    const past_names *names;
    const spw_snapshot *snap;
    size_t *service; /* [workload row] of the past, service_count = none */
    size_t *cluster; /* [cluster row] */
    here *here;      /* [service * clusters + cluster] */
    whole *whole;    /* [service] */
    size_t *samples; /* [service] of its ready pods */
} reading;

static bool slot_of(const reading *r, uint64_t key, size_t *slot)
{
    for (size_t i = 0; i < r->names->count; i++) {
        if (r->names->key[i] == key) {
            *slot = (size_t)r->names->metric[i];
            return true;
        }
    }
    return false;
}

static void seen_at(whole *w, spw_time at)
{
    w->read_ns = at > w->read_ns ? at : w->read_ns;
}

static void workloads_read(reading *r)
{
    const spw_workload_rows *rows = &r->snap->workloads;
    past *p = r->p;
    for (size_t i = 0; i < rows->count; i++) {
        size_t s = i < p->service_count && strcmp(p->services[i].name, rows->name[i]) == 0 ? i : 0;
        while (s < p->service_count && strcmp(p->services[s].name, rows->name[i]) != 0) {
            s++;
        }
        r->service[i] = s;
        if (s < p->service_count && p->services[s].replicas_first < 0) {
            p->services[s].replicas_first = rows->replicas[i];
        }
    }
    for (size_t i = 0; i < r->snap->clusters.count; i++) {
        r->cluster[i] = past_cluster_of(p, r->snap->clusters.name[i], i);
    }
}

static void samples_read(reading *r)
{
    const spw_sample_rows *samples = &r->snap->samples;
    const spw_pod_rows *pods = &r->snap->pods;
    size_t slot;
    for (size_t i = 0; i < samples->count; i++) {
        const spw_id pod = samples->pod[i];
        const size_t s = r->service[pods->workload[pod]];
        if (s == r->p->service_count || !slot_of(r, samples->metric[i], &slot) || pods->ready[pod] == 0 ||
            pods->deleting[pod] != 0) {
            continue;
        }
        here *h = &r->here[s * r->p->cluster_count + r->cluster[pods->cluster[pod]]];
        const int64_t request = samples->request_milli != NULL ? samples->request_milli[i] : 0;
        h->sum[slot] += slot == PAST_BUSY && request > 0 ? (double)samples->value_milli[i] / (double)request
                                                         : (double)samples->value_milli[i] / 1000.0;
        h->pods[slot] += 1.0;
        r->p->services[s].seen[slot] = true;
        r->samples[s]++;
        seen_at(&r->whole[s], samples->sampled[i]);
    }
}

static void values_read(reading *r)
{
    const spw_value_rows *values = &r->snap->values;
    size_t slot;
    for (size_t i = 0; i < values->count; i++) {
        const size_t s = r->service[values->workload[i]];
        if (s == r->p->service_count || !slot_of(r, values->metric[i], &slot)) {
            continue;
        }
        r->whole[s].value[slot] = (double)values->value_milli[i] / 1000.0;
        r->whole[s].valued[slot] = true;
        r->p->services[s].valued[slot] = true;
        seen_at(&r->whole[s], values->observed[i]);
    }
}

static void placements_read(reading *r)
{
    const spw_placement_rows *rows = &r->snap->placements;
    for (size_t i = 0; i < rows->count; i++) {
        const size_t s = r->service[rows->workload[i]];
        if (s < r->p->service_count) {
            r->here[s * r->p->cluster_count + r->cluster[rows->cluster[i]]].ready += rows->ready[i];
        }
    }
}

/* --- steps --- */

/* The step with room for all clusters and pools that are known by now. */
static past_step *step_at(past *p, past_service *s, size_t index)
{
    while (index >= s->step_room) {
        size_t room = s->step_room;
        past_step *grown = past_grow(&p->z, s->steps, s->step_room, &room, sizeof *grown);
        if (grown == NULL) {
            return NULL;
        }
        s->steps = grown;
        s->step_room = room;
    }
    past_step *step = &s->steps[index];
    if (step->place_count < p->cluster_count || step->usage_count < p->pool_count) {
        past_place *places = zone_array(&p->z, p->cluster_count, sizeof *places);
        double *usage = zone_array(&p->z, p->pool_count + 1, sizeof *usage);
        if (places == NULL || usage == NULL) {
            return NULL;
        }
        if (step->place_count > 0) {
            memcpy(places, step->places, step->place_count * sizeof *places);
        }
        if (step->usage_count > 0) {
            memcpy(usage, step->usage, step->usage_count * sizeof *usage);
        }
        step->places = places;
        step->place_count = p->cluster_count;
        step->usage = usage;
        step->usage_count = p->pool_count;
    }
    return step;
}

static void usage_add(const reading *r, size_t service, past_step *step, double seconds)
{
    const spw_usage_rows *rows = &r->snap->usage;
    const spw_pool_rows *pools = &r->snap->pools;
    for (size_t i = 0; i < rows->count; i++) {
        if (r->service[rows->workload[i]] == service && rows->ready[i] > 0) {
            const spw_id row = rows->pool[i];
            const size_t pool = past_pool_of(r->p, r->cluster[pools->cluster[row]], pools->name[row], row);
            step->usage[pool] += rows->ready[i] * seconds;
        }
    }
}

static void step_add(const reading *r, size_t service, past_step *step, double seconds)
{
    const whole *w = &r->whole[service];
    step->seconds += seconds;
    for (size_t m = 0; m < PAST_METRICS; m++) {
        step->value[m] += w->valued[m] ? w->value[m] * seconds : 0.0;
        step->value_seconds[m] += w->valued[m] ? seconds : 0.0;
    }
    for (size_t c = 0; c < r->p->cluster_count; c++) {
        const here *h = &r->here[service * r->p->cluster_count + c];
        past_place *place = &step->places[c];
        place->ready += h->ready * seconds;
        for (size_t m = 0; m < PAST_METRICS; m++) {
            place->sum[m] += h->pods[m] > 0.0 ? h->sum[m] / h->pods[m] * seconds : 0.0;
            place->seconds[m] += h->pods[m] > 0.0 ? seconds : 0.0;
        }
    }
    usage_add(r, service, step, seconds);
}

/* A reading holds for the time since the one before; what falls before the first tick is left out. */
static void service_add(const reading *r, size_t service, int64_t first_ns)
{
    past *p = r->p;
    past_service *s = &p->services[service];
    const int64_t to_ns = r->whole[service].read_ns, before_ns = s->read_ns;
    if (to_ns == INT64_MIN || to_ns <= before_ns) {
        return;
    }
    s->read_ns = to_ns;
    if (before_ns == INT64_MIN) {
        return; /* nobody knows since when it holds */
    }
    int64_t from_ns = to_ns - before_ns > PAST_GAP_TICKS * p->tick_ns ? to_ns - p->tick_ns : before_ns;
    from_ns = from_ns > first_ns ? from_ns - first_ns : 0;
    const int64_t end_ns = to_ns - first_ns;
    while (from_ns < end_ns) {
        const int64_t next_ns = (from_ns / p->step_ns + 1) * p->step_ns;
        const int64_t stop_ns = next_ns < end_ns ? next_ns : end_ns;
        past_step *step = step_at(p, s, (size_t)(from_ns / p->step_ns));
        if (step == NULL) {
            return;
        }
        step_add(r, service, step, (double)(stop_ns - from_ns) / 1e9);
        from_ns = stop_ns;
    }
}

void past_load_tick(past *p, const past_names *names, const spw_snapshot *snap, int64_t first_ns)
{
    reading r = {.p = p, .names = names, .snap = snap};
    r.service = calloc(snap->workloads.count + 1, sizeof *r.service);
    r.cluster = calloc(snap->clusters.count + 1, sizeof *r.cluster);
    r.here = calloc(p->service_count * p->cluster_count + 1, sizeof *r.here);
    r.whole = calloc(p->service_count + 1, sizeof *r.whole);
    r.samples = calloc(p->service_count + 1, sizeof *r.samples);
    if (r.service == NULL || r.cluster == NULL || r.here == NULL || r.whole == NULL || r.samples == NULL) {
        p->z.failed = true;
    } else {
        for (size_t s = 0; s < p->service_count; s++) {
            r.whole[s].read_ns = INT64_MIN;
        }
        workloads_read(&r);
        samples_read(&r);
        values_read(&r);
        placements_read(&r);
        past_blind_tick(p, snap, r.service, r.samples, snap->now - first_ns);
        for (size_t s = 0; s < p->service_count; s++) {
            service_add(&r, s, first_ns);
        }
    }
    free(r.service);
    free(r.cluster);
    free(r.here);
    free(r.whole);
    free(r.samples);
}
