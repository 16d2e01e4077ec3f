/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * observe.c - reading the true state, as the members' agents and metric pipelines do.
 *
 * Every scrape period the state is written into the next place of a ring, and is shown to the core `delay` later.
 * Samples carry a relative normal error and are lost with some probability; both are drawn from a stream named by
 * (pod, reading, metric), so that a pod's luck does not depend on which others exist. A lost sample has no row: to
 * the autoscaler that pod is missing in this reading. Readings at time 0 are visible at once: the control plane
 * has been there before the run.
 *
 * A draining replica still holds its GPUs (they are not free) but is not counted as scheduled: its successor, if it
 * has one, is what the plan's number means, and a pending successor must show.
 */
#include "sim/fleet/eye.h"
#include "sim/fleet/faults.h"

#include <math.h>
#include <string.h>

#include <gsl/gsl_randist.h>

int fl_metric_find(const char *name)
{
    static const struct {
        const char *name;
        fl_metric metric;
    } known[] = {
        {"vllm_num_requests_running", FL_METRIC_RUNNING},
        {"vllm_num_requests_waiting", FL_METRIC_WAITING},
        {"vllm_gpu_cache_usage_perc", FL_METRIC_KV_USED},
        {"vllm_kv_cache_usage_perc", FL_METRIC_KV_USED},
        {"vllm_prompt_tokens_per_second", FL_METRIC_PROMPT_RATE},
        {"vllm_generation_tokens_per_second", FL_METRIC_GENERATION_RATE},
        {"requests_per_second", FL_METRIC_REQUEST_RATE},
        {"requests_in_flight", FL_METRIC_IN_FLIGHT},
        {"nvidia.com/gpu", FL_METRIC_GPU_BUSY},
    };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        const char *a = known[i].name;
        const char *b = name;

        while (*a != '\0' && (*a == *b || (*a == '_' && *b == ':'))) {
            a++;
            b++;
        }
        if (*a == '\0' && *b == '\0') {
            return (int)known[i].metric;
        }
    }
    return -1;
}

static double metric_value(const fl_replica *r, const mdl_load *load, fl_metric metric, double period_s, int32_t gpus)
{
    switch (metric) {
    case FL_METRIC_RUNNING:
        return load->running;
    case FL_METRIC_WAITING:
        return load->waiting;
    case FL_METRIC_KV_USED:
        return load->kv_blocks > 0 ? (double)load->kv_blocks_used / load->kv_blocks : 0;
    case FL_METRIC_PROMPT_RATE:
        return (double)(load->tokens_in - r->seen_in) / period_s;
    case FL_METRIC_GENERATION_RATE:
        return (double)(load->tokens_out - r->seen_out) / period_s;
    case FL_METRIC_REQUEST_RATE:
        return (double)(load->completed - r->seen_done) / period_s;
    case FL_METRIC_IN_FLIGHT:
        return (double)load->running + load->waiting;
    case FL_METRIC_GPU_BUSY:
        return (double)(load->busy_ns - r->seen_busy_ns) / 1e9 / period_s * gpus;
    }
    return 0;
}

/* What the reading before says of this pod and metric; false if it does not. */
static bool sample_before(fl_world *w, const fl_obs *obs, uint64_t pod, uint64_t metric, int64_t *value_milli)
{
    fl_eye *eye = w->eye;
    const fl_obs *before = &eye->ring[(eye->first + eye->pending - 1) % eye->depth];

    FL_CHECK(w, before != obs);
    for (size_t k = 0; k < before->sample_count; k++) { /* the order hardly changes: begin where the last was found */
        size_t i = (eye->frozen_at + k) % before->sample_count;

        if (before->sample_metric[i] == metric && before->pod_key[before->sample_pod[i]] == pod) {
            eye->frozen_at = i + 1;
            *value_milli = before->sample_value[i];
            return true;
        }
    }
    return false;
}

static void sample_add(fl_world *w, fl_obs *obs, spw_id pod, const fl_replica *r, uint32_t index, double value,
                       bool frozen)
{
    const sc_observation *o = &w->sc->observation;
    const fl_service *s = &w->services[r->service];
    uint64_t key = s->metric_keys[index];
    int64_t request_milli = (int64_t)1000 * (s->gpus > 0 ? s->gpus : 1);

    if (o->dropout > 0 || o->noise > 0) {
        gsl_rng *luck = fl_luck(w, "metrics", fl_mix(r->key ^ key, w->eye->scrapes));

        if (gsl_rng_uniform(luck) < o->dropout) {
            return;
        }
        value *= 1 + o->noise * gsl_ran_gaussian_ziggurat(luck, 1);
    }
    obs->sample_pod[obs->sample_count] = pod;
    obs->sample_metric[obs->sample_count] = key;
    obs->sample_value[obs->sample_count] = value > 0 ? (int64_t)llround(value * 1000) : 0;
    if (frozen) {
        (void)sample_before(w, obs, r->key, key, &obs->sample_value[obs->sample_count]);
    }
    obs->sample_request[obs->sample_count] = s->metric_resource[index] != 0 ? request_milli : 0;
    obs->sample_window[obs->sample_count] = w->now - w->eye->last_scrape_ns;
    obs->sample_count++;
}

/* The kind of another metric that the service's autoscaler reads, else its own. */
static uint8_t kind_of(const fl_service *s, uint64_t key, uint8_t own)
{
    for (uint32_t i = 0; key != 0 && i < s->metric_count; i++) {
        if (s->metric_keys[i] == key) {
            return s->metric_kinds[i];
        }
    }
    return own;
}

static void samples_read(fl_world *w, fl_obs *obs, spw_id pod, fl_replica *r)
{
    const fl_service *s = &w->services[r->service];
    int64_t since = r->ready_ns > w->eye->last_scrape_ns ? r->ready_ns : w->eye->last_scrape_ns;
    double period_s = w->now > since ? (double)(w->now - since) / 1e9 : 1;
    mdl_load load;

    if (s->metric_count == 0) {
        return;
    }
    r->engine->type->load(r->engine, w->now, &load);
    for (uint32_t i = 0; i < s->metric_count && obs->sample_count < w->eye->samples_max; i++) {
        fl_distortion d = {.factor = 1};
        uint8_t kind = s->metric_kinds[i];

        if (w->faults != NULL && w->faults->metrics > 0) {
            d = fl_fault_sample(w, r->service, r->cluster, s->metric_keys[i]);
            kind = kind_of(s, d.shows, kind);
        }
        if (!d.missing) {
            double value = metric_value(r, &load, (fl_metric)kind, period_s, s->gpus > 0 ? s->gpus : 1);

            sample_add(w, obs, pod, r, i, value * d.factor, d.frozen);
        }
    }
    r->seen_in = load.tokens_in;
    r->seen_out = load.tokens_out;
    r->seen_done = load.completed;
    r->seen_busy_ns = load.busy_ns;
}

static void pod_read(fl_world *w, fl_obs *obs, uint32_t replica)
{
    fl_replica *r = &w->replicas[replica];
    spw_id pod = (spw_id)obs->pod_count;
    bool draining = r->state == FL_RP_DRAINING;

    if (obs->pod_count == w->eye->pods_max) {
        return; /* more pods than the scenario's limits allow for: the core does not see the last ones */
    }
    obs->pod_key[pod] = r->key;
    obs->pod_workload[pod] = r->service;
    obs->pod_cluster[pod] = r->cluster;
    obs->pod_phase[pod] =
        (uint8_t)(r->state == FL_RP_PENDING || r->state == FL_RP_PULL ? SPW_POD_PENDING : SPW_POD_RUNNING);
    obs->pod_deleting[pod] = draining;
    obs->pod_ready[pod] = r->state == FL_RP_READY;
    obs->pod_started[pod] = r->bound_ns;
    obs->pod_changed[pod] = r->ready_ns;
    obs->pod_count++;
    if (r->state == FL_RP_READY) {
        samples_read(w, obs, pod, r);
    }
}

static void places_read(fl_world *w, fl_obs *obs)
{
    for (int32_t s = 0; s < w->sc->service_count; s++) {
        for (int32_t c = 0; c < w->sc->cluster_count; c++) {
            const fl_place *place = &w->services[s].places[c];
            size_t cell = (size_t)(s * w->sc->cluster_count + c);

            obs->ready[cell] = place->ready;
            obs->scheduled[cell] = 0;
            for (uint32_t i = 0; i < place->count; i++) {
                const fl_replica *r = &w->replicas[place->ids[i]];

                obs->scheduled[cell] += r->node != FL_NONE && r->state != FL_RP_DRAINING ? 1 : 0;
                pod_read(w, obs, place->ids[i]);
            }
        }
    }
}

/** The kubelets know where each pod runs; the control plane sees it as late as everything else. */
static void usage_read(fl_world *w, fl_obs *obs)
{
    for (int32_t s = 0; s < w->sc->service_count; s++) {
        for (int32_t p = 0; p < w->sc->pool_count; p++) {
            obs->usage[s * w->sc->pool_count + p] = (int32_t)w->services[s].t_ready_pool[p].value;
        }
    }
}

static void values_read(fl_world *w, fl_obs *obs)
{
    double period_s = (double)(w->now - w->eye->last_scrape_ns) / 1e9;

    for (int32_t i = 0; i < w->sc->service_count; i++) {
        fl_service *s = &w->services[i];

        obs->value[2 * i] = (int64_t)s->gate_count * 1000;
        obs->value[2 * i + 1] =
            period_s > 0 ? (int64_t)llround((double)(s->sent - s->sent_scraped) / period_s * 1000) : 0;
        s->sent_scraped = s->sent;
    }
}

static void scrape(fl_world *w)
{
    fl_eye *eye = w->eye;
    fl_obs *obs;

    fl_eye_look(w);
    FL_CHECK(w, eye->pending + 1 < eye->depth);
    obs = &eye->ring[(eye->first + eye->pending + 1) % eye->depth];
    eye->pending++;
    obs->taken_ns = w->now;
    obs->pod_count = obs->sample_count = 0;
    for (int32_t p = 0; p < w->sc->pool_count; p++) {
        obs->pool_nodes[p] = w->pools[p].up;
        memcpy(obs->free_nodes[p], w->pools[p].free_nodes, sizeof obs->free_nodes[p]);
    }
    for (int32_t c = 0; c < w->sc->cluster_count; c++) {
        obs->cluster_ready[c] = w->faults == NULL || w->faults->cluster_down[c] == 0;
    }
    places_read(w, obs);
    usage_read(w, obs);
    values_read(w, obs);
    eye->last_scrape_ns = w->now;
    eye->scrapes++;
}

void fl_scrape_event(fl_world *w)
{
    if (w->faults == NULL || !fl_fault_stale(w)) {
        scrape(w);
    }
    evq_set(w->queue, w->eye->slot, w->now + w->sc->observation.scrape_ns, EVQ_SCRAPE);
}

void fl_eye_look(fl_world *w)
{
    fl_eye *eye = w->eye;

    while (eye->pending > 0) {
        const fl_obs *next = &eye->ring[(eye->first + 1) % eye->depth];

        if (next->taken_ns > 0 && next->taken_ns + w->sc->observation.delay_ns > w->now) {
            break;
        }
        eye->first = (eye->first + 1) % eye->depth;
        eye->pending--;
    }
}

int64_t fl_eye_reading(const fl_world *w)
{
    return w->eye->ring[w->eye->first].taken_ns;
}

bool fl_eye_new(fl_world *w)
{
    if (!fl_eye_columns(w)) {
        return false;
    }
    w->eye->slot = fl_slot_new(w, FL_OWNER_SCRAPE, 0);
    return w->eye->slot != FL_NONE;
}
