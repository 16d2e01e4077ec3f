/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * source.c - the snapshot the core gets: the newest visible reading of the world, and beside it the control plane's
 * own records (template replicas, assigned replicas, node targets), which are current.
 *
 * Rows: workloads = services of the scenario; clusters and pools in the scenario's order. Workloads of the manifests
 * that no service uses are not shown, so the core leaves them alone.
 */
#include "sim/fleet/eye.h"

#include <stdlib.h>

size_t fl_pods_max(const sc_scenario *sc)
{
    size_t sum = 64;

    for (int32_t i = 0; i < sc->service_count; i++) {
        const spw_workload *wl = &sc->config->workloads[sc->services[i].workload];
        const spw_policy *policy = wl->policy == SPW_ID_NONE ? NULL : &sc->config->policies[wl->policy];
        int32_t most = wl->replicas;

        if (wl->hpa != SPW_ID_NONE && sc->config->hpas[wl->hpa].replicas_max > most) {
            most = sc->config->hpas[wl->hpa].replicas_max;
        }
        for (size_t k = 0; k < sc->config->scaler_count; k++) {
            const spw_scaler *scaler = &sc->config->scalers[k];
            bool ours =
                scaler->workload == sc->services[i].workload || (wl->hpa != SPW_ID_NONE && scaler->hpa == wl->hpa);

            if (ours && spw_scaler_most(scaler) > most) {
                most = spw_scaler_most(scaler);
            }
        }
        /* twice: moves and draining replicas exist beside their successors */
        sum += 2 * (size_t)most *
               (policy != NULL && policy->division == SPW_DIVIDE_DUPLICATED ? (size_t)sc->cluster_count : 1);
    }
    return sum;
}

static bool obs_columns(fl_obs *o, size_t clusters, size_t pools, size_t places, size_t pods, size_t samples,
                        size_t services)
{
    o->pool_nodes = calloc(pools, sizeof *o->pool_nodes);
    o->free_nodes = calloc(pools, sizeof *o->free_nodes);
    o->scheduled = calloc(places, sizeof *o->scheduled);
    o->ready = calloc(places, sizeof *o->ready);
    o->cluster_ready = calloc(clusters, 1);
    o->usage = calloc(pools * services, sizeof *o->usage);
    o->pod_key = calloc(pods, sizeof *o->pod_key);
    o->pod_workload = calloc(pods, sizeof *o->pod_workload);
    o->pod_cluster = calloc(pods, sizeof *o->pod_cluster);
    o->pod_phase = calloc(pods, 1);
    o->pod_deleting = calloc(pods, 1);
    o->pod_ready = calloc(pods, 1);
    o->pod_started = calloc(pods, sizeof *o->pod_started);
    o->pod_changed = calloc(pods, sizeof *o->pod_changed);
    o->sample_pod = calloc(samples, sizeof *o->sample_pod);
    o->sample_metric = calloc(samples, sizeof *o->sample_metric);
    o->sample_value = calloc(samples, sizeof *o->sample_value);
    o->sample_request = calloc(samples, sizeof *o->sample_request);
    o->sample_window = calloc(samples, sizeof *o->sample_window);
    o->value = calloc(2 * services, sizeof *o->value);
    return o->cluster_ready != NULL && o->pool_nodes != NULL && o->free_nodes != NULL && o->scheduled != NULL &&
           o->ready != NULL && o->usage != NULL && o->pod_key != NULL && o->pod_workload != NULL &&
           o->pod_cluster != NULL && o->pod_phase != NULL && o->pod_deleting != NULL && o->pod_ready != NULL &&
           o->pod_started != NULL && o->pod_changed != NULL && o->sample_pod != NULL && o->sample_metric != NULL &&
           o->sample_value != NULL && o->sample_request != NULL && o->sample_window != NULL && o->value != NULL;
}

static void obs_fini(fl_obs *o)
{
    free(o->pool_nodes);
    free(o->free_nodes);
    free(o->scheduled);
    free(o->ready);
    free(o->cluster_ready);
    free(o->usage);
    free(o->pod_key);
    free(o->pod_workload);
    free(o->pod_cluster);
    free(o->pod_phase);
    free(o->pod_deleting);
    free(o->pod_ready);
    free(o->pod_started);
    free(o->pod_changed);
    free(o->sample_pod);
    free(o->sample_metric);
    free(o->sample_value);
    free(o->sample_request);
    free(o->sample_window);
    free(o->value);
}

static bool fixed_columns(fl_eye *e, size_t clusters, size_t pools, size_t services)
{
    size_t places = clusters * services;

    e->cluster_key = calloc(clusters, sizeof *e->cluster_key);
    e->cluster_name = calloc(clusters, sizeof *e->cluster_name);
    e->region = calloc(clusters, sizeof *e->region);
    e->zone = calloc(clusters, sizeof *e->zone);
    e->provider = calloc(clusters, sizeof *e->provider);
    e->jurisdiction = calloc(clusters, sizeof *e->jurisdiction);
    e->labels = calloc(clusters, sizeof *e->labels);
    e->pool_key = calloc(pools, sizeof *e->pool_key);
    e->pool_labels = calloc(pools, sizeof *e->pool_labels);
    e->pool_name = calloc(pools, sizeof *e->pool_name);
    e->gpu = calloc(pools, sizeof *e->gpu);
    e->capacity = calloc(pools, 1);
    e->pool_cluster = calloc(pools, sizeof *e->pool_cluster);
    e->usage_workload = calloc(pools * services, sizeof *e->usage_workload);
    e->usage_pool = calloc(pools * services, sizeof *e->usage_pool);
    e->gpus_per_node = calloc(pools, sizeof *e->gpus_per_node);
    e->nodes_min = calloc(pools, sizeof *e->nodes_min);
    e->nodes_max = calloc(pools, sizeof *e->nodes_max);
    e->stock = calloc(pools, sizeof *e->stock);
    e->stock_told = calloc(pools, sizeof *e->stock_told);
    e->rank = calloc(pools, sizeof *e->rank);
    e->failures = calloc(pools, sizeof *e->failures);
    e->price = calloc(pools, sizeof *e->price);
    e->target = calloc(pools, sizeof *e->target);
    e->workload_name = calloc(services, sizeof *e->workload_name);
    e->workload_gpus = calloc(services, sizeof *e->workload_gpus);
    e->workload_key = calloc(services, sizeof *e->workload_key);
    e->template_replicas = calloc(services, sizeof *e->template_replicas);
    e->value_workload = calloc(2 * services, sizeof *e->value_workload);
    e->value_metric = calloc(2 * services, sizeof *e->value_metric);
    e->place_workload = calloc(places, sizeof *e->place_workload);
    e->place_cluster = calloc(places, sizeof *e->place_cluster);
    e->place_assigned = calloc(places, sizeof *e->place_assigned);
    e->place_scheduled = calloc(places, sizeof *e->place_scheduled);
    e->place_ready = calloc(places, sizeof *e->place_ready);
    e->taken = calloc(e->rows_max, sizeof *e->taken);
    return e->cluster_key != NULL && e->cluster_name != NULL && e->region != NULL && e->zone != NULL &&
           e->provider != NULL && e->jurisdiction != NULL && e->labels != NULL && e->pool_key != NULL &&
           e->pool_labels != NULL && e->pool_name != NULL && e->gpu != NULL && e->capacity != NULL &&
           e->pool_cluster != NULL && e->gpus_per_node != NULL && e->nodes_min != NULL && e->nodes_max != NULL &&
           e->stock != NULL && e->stock_told != NULL && e->rank != NULL && e->failures != NULL &&
           e->usage_workload != NULL && e->usage_pool != NULL && e->price != NULL && e->target != NULL &&
           e->workload_key != NULL && e->workload_name != NULL && e->workload_gpus != NULL &&
           e->template_replicas != NULL && e->value_workload != NULL && e->value_metric != NULL &&
           e->place_workload != NULL && e->place_cluster != NULL && e->place_assigned != NULL &&
           e->place_scheduled != NULL && e->place_ready != NULL && e->taken != NULL;
}

static void fixed_fill(fl_world *w)
{
    const sc_scenario *sc = w->sc;
    fl_eye *e = w->eye;

    for (int32_t c = 0; c < sc->cluster_count; c++) {
        const sc_cluster *cluster = &sc->clusters[c];

        e->cluster_key[c] = spw_key(cluster->name);
        e->cluster_name[c] = cluster->name;
        e->region[c] = sc->regions[cluster->region].name;
        e->zone[c] = cluster->zone != NULL ? cluster->zone : "";
        e->provider[c] = cluster->provider != NULL ? cluster->provider : "";
        e->jurisdiction[c] = sc->regions[cluster->region].jurisdiction;
        e->labels[c] = cluster->labels;
    }
    for (int32_t p = 0; p < sc->pool_count; p++) {
        const sc_pool *pool = w->pools[p].sc;

        e->pool_key[p] = w->pools[p].key;
        e->pool_name[p] = pool->name;
        e->pool_labels[p] = pool->labels;
        e->pools_labelled = e->pools_labelled || pool->labels.count > 0;
        e->gpu[p] = pool->gpu != NULL ? pool->gpu->name : "";
        e->capacity[p] = (uint8_t)pool->capacity;
        e->pool_cluster[p] = w->pools[p].cluster;
        e->gpus_per_node[p] = pool->gpus_per_node;
        e->nodes_min[p] = pool->nodes_min;
        e->nodes_max[p] = pool->nodes_max;
        e->rank[p] = p - sc->clusters[w->pools[p].cluster].pool_first; /* used in the order of the file */
    }
    for (int32_t s = 0; s < sc->service_count; s++) {
        e->workload_gpus[s] = w->services[s].gpus;
        for (int32_t p = 0; p < sc->pool_count; p++) {
            e->usage_workload[s * sc->pool_count + p] = (spw_id)s;
            e->usage_pool[s * sc->pool_count + p] = (spw_id)p;
        }
        e->workload_name[s] = w->services[s].workload->name;
        e->workload_key[s] = w->services[s].workload->key;
        e->value_workload[2 * s] = e->value_workload[2 * s + 1] = (spw_id)s;
        e->value_metric[2 * s] = spw_key("gateway_queue_length");
        e->value_metric[2 * s + 1] = spw_key("requests_per_second");
    }
}

bool fl_eye_columns(fl_world *w)
{
    const sc_scenario *sc = w->sc;
    size_t clusters = (size_t)sc->cluster_count + 1;
    size_t pools = (size_t)sc->pool_count + 1;
    size_t services = (size_t)sc->service_count + 1;
    uint32_t metrics = 1;
    fl_eye *e = calloc(1, sizeof *e);

    w->eye = e;
    if (e == NULL) {
        return false;
    }
    for (int32_t s = 0; s < sc->service_count; s++) {
        metrics = w->services[s].metric_count > metrics ? w->services[s].metric_count : metrics;
    }
    e->pods_max = fl_pods_max(sc);
    e->samples_max = e->pods_max * metrics;
    e->rows_max = e->samples_max + 2 * services + clusters * services + pools;
    e->depth = (uint32_t)(sc->observation.delay_ns / sc->observation.scrape_ns) + 3;
    e->ring = calloc(e->depth, sizeof *e->ring);
    if (e->ring == NULL || !fixed_columns(e, clusters, pools, services)) {
        return false;
    }
    for (uint32_t i = 0; i < e->depth; i++) {
        if (!obs_columns(&e->ring[i], clusters, pools, clusters * services, e->pods_max, e->samples_max, services)) {
            return false;
        }
    }
    fixed_fill(w);
    return true;
}

void fl_eye_free(fl_world *w)
{
    fl_eye *e = w->eye;

    if (e == NULL) {
        return;
    }
    for (uint32_t i = 0; e->ring != NULL && i < e->depth; i++) {
        obs_fini(&e->ring[i]);
    }
    void *columns[] = {e->ring,           e->cluster_key,
                       e->cluster_name,   e->region,
                       e->zone,           e->provider,
                       e->jurisdiction,   e->labels,
                       e->pool_labels,    e->pool_key,
                       e->pool_name,      e->gpu,
                       e->capacity,       e->pool_cluster,
                       e->usage_workload, e->usage_pool,
                       e->gpus_per_node,  e->nodes_min,
                       e->nodes_max,      e->stock,
                       e->stock_told,     e->price,
                       e->target,         e->workload_key,
                       e->workload_name,  e->template_replicas,
                       e->value_workload, e->value_metric,
                       e->place_workload, e->place_cluster,
                       e->place_assigned, e->place_scheduled,
                       e->place_ready,    e->taken,
                       e->workload_gpus,  e->rank,
                       e->failures};

    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        free(columns[i]);
    }
    free(e);
    w->eye = NULL;
}

/* Rows for places that hold or are told to hold replicas. @return how many */
static size_t placements_fill(fl_world *w, const fl_obs *obs)
{
    fl_eye *e = w->eye;
    size_t n = 0;

    for (int32_t s = 0; s < w->sc->service_count; s++) {
        for (int32_t c = 0; c < w->sc->cluster_count; c++) {
            size_t cell = (size_t)(s * w->sc->cluster_count + c);
            int32_t assigned = w->services[s].places[c].assigned;

            if (assigned == 0 && obs->scheduled[cell] == 0) {
                continue;
            }
            e->place_workload[n] = (spw_id)s;
            e->place_cluster[n] = (spw_id)c;
            e->place_assigned[n] = assigned;
            e->place_scheduled[n] = obs->scheduled[cell];
            e->place_ready[n] = obs->ready[cell];
            n++;
        }
    }
    return n;
}

static void snapshot_fill(fl_world *w, const fl_obs *obs)
{
    fl_eye *e = w->eye;
    spw_snapshot *s = &e->snapshot;

    s->version = SPW_API_VERSION;
    s->now = w->now;
    s->clusters = (spw_cluster_rows){.count = (size_t)w->sc->cluster_count,
                                     .key = e->cluster_key,
                                     .name = e->cluster_name,
                                     .region = e->region,
                                     .zone = e->zone,
                                     .provider = e->provider,
                                     .jurisdiction = e->jurisdiction,
                                     .labels = e->labels,
                                     .ready = obs->cluster_ready,
                                     .observed = e->taken};
    s->pools = (spw_pool_rows){.count = (size_t)w->sc->pool_count,
                               .key = e->pool_key,
                               .name = e->pool_name,
                               .cluster = e->pool_cluster,
                               .gpu = e->gpu,
                               .capacity = e->capacity,
                               .gpus_per_node = e->gpus_per_node,
                               .nodes = obs->pool_nodes,
                               .nodes_target = e->target,
                               .nodes_min = e->nodes_min,
                               .nodes_max = e->nodes_max,
                               .stock = e->stock,
                               .rank = e->rank,
                               .failures = e->failures,
                               .price_uusd_per_gpu_h = e->price,
                               .free_nodes = (const int32_t(*)[SPW_NODE_GPUS_MAX + 1]) obs->free_nodes,
                               .observed = e->taken,
                               .stock_observed = fl_supply_tells(w) ? e->stock_told : NULL,
                               .labels = e->pools_labelled ? e->pool_labels : NULL};
    s->usage = (spw_usage_rows){.count = (size_t)w->sc->service_count * (size_t)w->sc->pool_count,
                                .workload = e->usage_workload,
                                .pool = e->usage_pool,
                                .ready = obs->usage};
    s->workloads = (spw_workload_rows){.count = (size_t)w->sc->service_count,
                                       .key = e->workload_key,
                                       .name = e->workload_name,
                                       .replicas = e->template_replicas,
                                       .gpus = e->workload_gpus};
    s->placements = (spw_placement_rows){.count = placements_fill(w, obs),
                                         .workload = e->place_workload,
                                         .cluster = e->place_cluster,
                                         .assigned = e->place_assigned,
                                         .scheduled = e->place_scheduled,
                                         .ready = e->place_ready,
                                         .observed = e->taken};
    s->pods = (spw_pod_rows){.count = obs->pod_count,
                             .key = obs->pod_key,
                             .workload = obs->pod_workload,
                             .cluster = obs->pod_cluster,
                             .phase = obs->pod_phase,
                             .deleting = obs->pod_deleting,
                             .ready = obs->pod_ready,
                             .started = obs->pod_started,
                             .ready_changed = obs->pod_changed};
    s->samples = (spw_sample_rows){.count = obs->sample_count,
                                   .pod = obs->sample_pod,
                                   .metric = obs->sample_metric,
                                   .value_milli = obs->sample_value,
                                   .request_milli = obs->sample_request,
                                   .sampled = e->taken,
                                   .window = obs->sample_window};
    s->values = (spw_value_rows){.count = 2 * (size_t)w->sc->service_count,
                                 .workload = e->value_workload,
                                 .metric = e->value_metric,
                                 .value_milli = obs->value,
                                 .observed = e->taken};
}

static spw_rc observe(void *self, spw_time now, const spw_snapshot **out, spw_err *err)
{
    fl_world *w = self;
    fl_eye *e = w->eye;
    const fl_obs *obs;

    (void)err;
    FL_CHECK(w, now == w->now);
    fl_eye_look(w);
    obs = &e->ring[e->first];
    for (size_t i = 0; i < e->rows_max && e->taken[i] != obs->taken_ns; i++) {
        e->taken[i] = obs->taken_ns; /* all rows hold one value: the first tells whether there is anything to do */
    }
    for (int32_t p = 0; p < w->sc->pool_count; p++) {
        e->target[p] = w->pools[p].target;
        e->failures[p] = w->pools[p].failures;
        e->stock[p] = fl_supply_told(w, (uint32_t)p, &e->stock_told[p]);
        e->price[p] = w->pools[p].price_uusd;
    }
    for (int32_t s = 0; s < w->sc->service_count; s++) {
        e->template_replicas[s] = w->services[s].replicas;
    }
    snapshot_fill(w, obs);
    w->reading_ns = obs->taken_ns;
    w->shown = &e->snapshot;
    *out = &e->snapshot;
    return SPW_OK;
}

spw_source fl_source_of(fl_world *w)
{
    return (spw_source){.version = SPW_API_VERSION, .name = "simulated", .self = w, .observe = observe, .close = NULL};
}
