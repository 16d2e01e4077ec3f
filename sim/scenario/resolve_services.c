/* SPDX-License-Identifier: GPL-3.0-or-later */
/* resolve_services.c - services of a scenario: workload, model, an engine configuration for each pool, targets. */
#include "sim/scenario/resolve.h"

#include <string.h>

#include "sched/manifest/suggest.h"

static mdl_retry retry_of(const spec_retry *spec)
{
    if (spec == NULL) {
        return (mdl_retry){.attempts = 1};
    }
    return (mdl_retry){.attempts = spec->attempts,
                       .base_ns = spec->backoff_ns,
                       .max_ns = spec->max_ns,
                       .factor = spec->factor,
                       .jitter = spec->jitter,
                       .budget = spec->budget,
                       .budget_burst = spec->budget_burst,
                       .attempt_timeout_ns = spec->has_timeout ? spec->attempt_timeout_ns : INT64_MAX,
                       .cancels = spec->cancels};
}

static sc_admission admission_of(const spec_admission *spec)
{
    return spec == NULL ? (sc_admission){.per_replica = 0}
                        : (sc_admission){spec->per_replica, spec->reserved, spec->rate_per_s, spec->burst};
}

static void resolve_workload(resolve *r, const spec_service *spec, sc_service *service)
{
    const spw_config *config = r->sc->config;
    suggest near;
    suggest_init(&near, spec->workload);
    service->workload = SPW_ID_NONE;
    for (size_t i = 0; i < config->workload_count; i++) {
        if (strcmp(config->workloads[i].name, spec->workload) == 0) {
            service->workload = (spw_id)i;
            return;
        }
        suggest_offer(&near, config->workloads[i].name);
    }
    if (near.best != NULL) {
        ynode_error(r->diag, spec->workload_node, "no Deployment '%s' in the manifests (did you mean '%s'?)",
                    spec->workload, near.best);
    } else if (strchr(spec->workload, '/') == NULL) {
        ynode_error(r->diag, spec->workload_node,
                    "no Deployment '%s' in the manifests; a workload is written as namespace/name", spec->workload);
    } else {
        ynode_error(r->diag, spec->workload_node, "no Deployment '%s' in the manifests", spec->workload);
    }
}

static void resolve_targets(resolve *r, const spec_service *spec, sc_service *service)
{
    sc_target *targets = zone_array(r->zone, spec->slo.count, sizeof *targets);
    for (size_t i = 0; targets != NULL && i < spec->slo.count; i++) {
        targets[i] = (sc_target){spec->slo.at[i].metric, spec->slo.at[i].percentile, spec->slo.at[i].limit_ns};
        if (service->engine == SC_ENGINE_STATION && strcmp(targets[i].metric, "tpot") == 0) {
            ynode_error(r->diag, spec->self, "a station has no tokens: its 'slo' can hold ttft and e2e only");
        }
    }
    service->targets = targets;
    service->target_count = (int32_t)spec->slo.count;
}

static double seconds(int64_t ns)
{
    return (double)ns / 1e9;
}

void resolve_law(resolve *r, const spec_station_law *law, mdl_service_law *out)
{
    if (law->exponential != NULL) {
        *out = (mdl_service_law){
            .kind = MDL_SERVICE_EXPONENTIAL, .mean_s = seconds(law->exponential->mean_ns), .cv2 = 1.0, .stages = 1};
    } else if (law->fixed != NULL) {
        *out = (mdl_service_law){.kind = MDL_SERVICE_FIXED, .mean_s = seconds(law->fixed->mean_ns), .stages = 1};
    } else if (law->lognormal != NULL) {
        *out = (mdl_service_law){.kind = MDL_SERVICE_LOGNORMAL,
                                 .mean_s = seconds(law->lognormal->mean_ns),
                                 .cv2 = law->lognormal->cv2,
                                 .stages = 1};
    } else if (law->erlang != NULL) {
        *out = (mdl_service_law){.kind = MDL_SERVICE_ERLANG,
                                 .mean_s = seconds(law->erlang->mean_ns),
                                 .cv2 = 1.0 / law->erlang->stages,
                                 .stages = law->erlang->stages};
    } else if (law->hyperexponential != NULL) {
        *out = (mdl_service_law){.kind = MDL_SERVICE_HYPEREXP,
                                 .mean_s = seconds(law->hyperexponential->mean_ns),
                                 .cv2 = law->hyperexponential->cv2,
                                 .stages = 1};
    } else {
        resolve_measured(r, law->measured, out);
    }
}

static void resolve_station(resolve *r, const spec_service *spec, sc_service *service)
{
    service->station = (mdl_station_config){.servers = spec->engine.servers, .max_waiting = spec->engine.max_waiting};
    resolve_law(r, &spec->engine.service, &service->station_law);
}

/* What a station needs on a node, how long it warms up, and how fast it is on each pool's GPUs. */
static void resolve_station_start(resolve *r, const spec_service *spec, sc_service *service)
{
    const spec_engine *engine = &spec->engine;
    double *speed = engine->speed_count > 0 ? zone_array(r->zone, (size_t)r->sc->pool_count, sizeof *speed) : NULL;
    service->image = (mdl_image){engine->image_gb, engine->weights_gb};
    service->station_warmup_s = seconds(engine->warmup_ns);
    resolve_parts(r, spec, service);
    for (size_t i = 0; i < engine->speed_count; i++) {
        const spec_speed *s = &engine->speeds[i];
        if (tables_gpu(r->tables, s->gpu) == NULL) {
            resolve_unknown(r, s->gpu_node, "GPU", s->gpu, TABLES_GPUS);
        }
        for (size_t k = 0; k < i; k++) {
            if (strcmp(engine->speeds[k].gpu, s->gpu) == 0) {
                ynode_error(r->diag, s->gpu_node, "the speed on '%s' is given twice", s->gpu);
            }
        }
    }
    for (int32_t c = 0; speed != NULL && c < r->sc->cluster_count; c++) {
        const sc_cluster *cluster = &r->sc->clusters[c];
        for (int32_t p = 0; p < cluster->pool_count; p++) {
            const mdl_gpu *gpu = cluster->pools[p].gpu;
            speed[cluster->pool_first + p] = 1.0;
            for (size_t i = 0; gpu != NULL && i < engine->speed_count; i++) {
                if (strcmp(engine->speeds[i].gpu, gpu->name) == 0) {
                    speed[cluster->pool_first + p] = engine->speeds[i].speed;
                }
            }
        }
    }
    service->station_speed = speed;
}

static void resolve_payload(resolve *r, const spec_payload *spec, sc_service *service)
{
    sc_payload *payload = spec != NULL ? zone_take(r->zone, sizeof *payload) : NULL;
    const table_payload *row = payload != NULL ? tables_payload(r->tables, spec->row) : NULL;
    if (payload == NULL) {
        return;
    }
    if (row == NULL) {
        resolve_unknown(r, spec->row_node != NULL ? spec->row_node : spec->self, "payload", spec->row, TABLES_PAYLOAD);
        return;
    }
    *payload =
        (sc_payload){.request_bytes_fixed = spec->has_request ? spec->request_bytes : row->payload.request_bytes_fixed,
                     .request_bytes_per_token = spec->has_request ? 0.0 : row->payload.request_bytes_per_token,
                     .response_bytes_fixed = spec->has_answer ? spec->answer_bytes : row->payload.response_bytes_fixed,
                     .response_bytes_per_token = spec->has_answer ? 0.0 : row->payload.response_bytes_per_token};
    service->payload = payload;
}

static int32_t replica_gpus(const spec_engine *engine)
{
    return engine->parallel.tensor * engine->parallel.pipeline;
}

/* Whether the manifests let a workload's replicas onto a GPU class. */
static bool allowed_on(const spw_workload *workload, const char *gpu)
{
    for (size_t i = 0; i < workload->gpu_class_count; i++) {
        if (strcmp(workload->gpu_classes[i], gpu) == 0) {
            return true;
        }
    }
    return workload->gpu_class_count == 0;
}

/* @return whether tables/profiles.csv knows the engine at all; if not, an error was added */
static bool known_profile(resolve *r, const spec_service *spec)
{
    suggest near;
    suggest_init(&near, spec->engine.profile);
    bool known = false;
    for (size_t i = 0; i < tables_count(r->tables, TABLES_PROFILES); i++) {
        const mdl_profile *row = tables_row(r->tables, TABLES_PROFILES, i);
        known = known || strcmp(row->engine, spec->engine.profile) == 0;
        suggest_offer(&near, row->engine);
    }
    const ynode *at = spec->engine.profile_node != NULL ? spec->engine.profile_node : spec->self;
    if (known) {
        return true;
    }
    if (near.best != NULL) {
        ynode_error(r->diag, at, "no engine '%s' in tables/profiles.csv (did you mean '%s'?)", spec->engine.profile,
                    near.best);
    } else {
        ynode_error(r->diag, at, "no engine '%s' in tables/profiles.csv; 'spillway list profiles' shows them",
                    spec->engine.profile);
    }
    return false;
}

/* The engine on one pool's GPUs. @return what keeps the model from running there, or NULL */
static const char *engine_on(resolve *r, const spec_service *spec, const mdl_model *model, const sc_pool *pool,
                             mdl_llm_config *config)
{
    static const char too_large[] = "the weights leave no memory for a KV cache";
    const mdl_gpu *gpu = pool->gpu;
    const mdl_profile *profile = tables_profile(r->tables, spec->engine.profile, gpu->name, model->name);
    const mdl_engine_limits limits = {.max_batched_tokens = spec->engine.max_batched_tokens,
                                      .max_sequences = spec->engine.max_sequences,
                                      .max_waiting = spec->engine.max_waiting,
                                      .parallel = spec->engine.parallel,
                                      .prefix_share = spec->engine.prefix_cache_share};
    const int32_t gpus = replica_gpus(&spec->engine);
    if (pool->gpus_per_node < gpus) {
        return "its nodes have fewer GPUs than one replica needs";
    }
    if (profile == NULL) {
        return model->weights_bytes >= gpu->mem_usable_bytes * gpus
                   ? too_large
                   : "tables/profiles.csv has no row for this engine, GPU and model; 'spillway list profiles' has "
                     "those there are";
    }
    const char *problem = mdl_parallel_check(&limits.parallel, model);
    if (problem != NULL) {
        return problem;
    }
    if (mdl_kv_blocks(gpu, model, profile, &limits.parallel) <= 0) {
        return too_large;
    }
    return mdl_profile_config(gpu, model, profile, &limits, config);
}

/* Tells about pools that the manifest allows and the model does not, each with its reason; errors if that is all of
 * them, one alone if they have the same. */
static void report_pools(resolve *r, const spec_service *spec, const char *model, const char *const *why, int usable)
{
    const char *first =
        NULL; /* none: no pool has a class that the manifest allows, as resolve_check_classes has said */
    bool several = false;
    for (int32_t pool = 0; pool < r->sc->pool_count; pool++) {
        first = first == NULL ? why[pool] : first;
        several = several || (why[pool] != NULL && strcmp(why[pool], first) != 0);
    }
    if (usable == 0 && first != NULL && !several) {
        ynode_error(r->diag, spec->self, "'%s' can run on no pool that the manifest allows: %s", model, first);
        return;
    }
    for (int32_t c = 0; c < r->sc->cluster_count; c++) {
        const sc_cluster *cluster = &r->sc->clusters[c];
        for (int32_t p = 0; p < cluster->pool_count; p++) {
            const char *reason = why[cluster->pool_first + p];
            if (reason != NULL) {
                (usable > 0 ? ynode_warning : ynode_error)(
                    r->diag, spec->self, "'%s' cannot run on pool '%s' of '%s' (%s), which the manifest allows: %s",
                    model, cluster->pools[p].name, cluster->name, cluster->pools[p].gpu->name, reason);
            }
        }
    }
}

/* kv_blocks stays 0 on pools that cannot run the model; that is an error only if no pool can. */
static void resolve_engines(resolve *r, const spec_service *spec, const mdl_model *model, sc_service *service)
{
    const sc_scenario *sc = r->sc;
    mdl_llm_config *llm = zone_array(r->zone, (size_t)sc->pool_count, sizeof *llm);
    const char **why = zone_array(r->zone, (size_t)sc->pool_count, sizeof *why);
    const spw_workload *workload = service->workload != SPW_ID_NONE ? &sc->config->workloads[service->workload] : NULL;
    service->llm = llm;
    int usable = 0;
    for (int32_t c = 0; llm != NULL && why != NULL && c < sc->cluster_count; c++) {
        const sc_cluster *cluster = &sc->clusters[c];
        for (int32_t p = 0; p < cluster->pool_count; p++) {
            const mdl_gpu *gpu = cluster->pools[p].gpu;
            const int32_t pool = cluster->pool_first + p;
            if (gpu == NULL) {
                usable++; /* an error of its own; nothing can be said about the model here */
            } else if (workload == NULL || allowed_on(workload, gpu->name)) {
                why[pool] = engine_on(r, spec, model, &cluster->pools[p], &llm[pool]);
                usable += why[pool] == NULL;
                llm[pool].kv_blocks = why[pool] == NULL ? llm[pool].kv_blocks : 0;
            }
        }
    }
    if (why != NULL) {
        report_pools(r, spec, model->name, why, usable);
    }
}

static void resolve_llm(resolve *r, const spec_service *spec, sc_service *service)
{
    service->model = tables_model(r->tables, spec->model);
    if (service->model == NULL) {
        resolve_unknown(r, spec->model_node, "model", spec->model, TABLES_MODELS);
        return;
    }
    const table_image *image = tables_image(r->tables, spec->model);
    if (image != NULL) {
        service->image = image->image;
        resolve_parts(r, spec, service);
    } else {
        ynode_error(r->diag, spec->model_node, "no image and weights sizes of '%s' in tables/images.csv", spec->model);
    }
    const spw_workload *workload =
        service->workload != SPW_ID_NONE ? &r->sc->config->workloads[service->workload] : NULL;
    const int32_t gpus = replica_gpus(&spec->engine);
    if (workload != NULL && workload->gpus != gpus) {
        const char *kind = spw_workload_kind_name(workload->kind), *file = NULL;
        int32_t line = 0, column = 0;
        (void)spw_manifest_where(r->manifests, kind, workload->name, &file, &line, &column);
        spw_diag_add(r->diag, SPW_DIAG_ERROR, file, line, column,
                     "%s '%s' asks for %d GPUs, but a replica of its engine runs on exactly %d "
                     "(tensorParallel %d x pipelineParallel %d); set limits: {nvidia.com/gpu: \"%d\"}",
                     kind, workload->name, workload->gpus, gpus, spec->engine.parallel.tensor,
                     spec->engine.parallel.pipeline, gpus);
        return;
    }
    if (known_profile(r, spec)) {
        resolve_engines(r, spec, service->model, service);
    }
    if (spec->lengths != NULL) {
        resolve_lengths(r, spec->lengths, &service->lengths);
    }
}

/* A trace that lists the blocks of its prompts asks for a prefix cache, which engines have unless it is turned off. */
static void resolve_prefix_cache(resolve *r, const spec_service *spec, sc_service *service)
{
    bool asks = false;
    for (int32_t i = 0; !spec->engine.has_prefix_cache_share && i < service->traffic_count; i++) {
        const mdl_trace *columns = service->traffic[i].arrivals.trace;
        asks = asks || (columns != NULL && columns->chain_end != NULL);
    }
    mdl_llm_config *llm =
        asks && service->llm != NULL ? zone_array(r->zone, (size_t)r->sc->pool_count, sizeof *llm) : NULL;
    for (int32_t p = 0; llm != NULL && p < r->sc->pool_count; p++) {
        llm[p] = service->llm[p];
        llm[p].prefix_blocks = llm[p].kv_blocks;
    }
    service->llm = llm != NULL ? llm : service->llm;
}

static void resolve_service(resolve *r, const spec_service *spec, sc_service *service)
{
    const mdl_length_law one = {.kind = MDL_LENGTH_FIXED, .fixed = 1, .min = 1, .max = 1};
    *service = (sc_service){.name = spec->workload,
                            .lengths = {.input = one, .output = one},
                            .engine = (sc_engine_kind)spec->engine.kind,
                            .timeout_ns = spec->has_timeout ? spec->timeout_ns : INT64_MAX,
                            .frontend_ns = spec->engine.frontend_ns,
                            .retry = retry_of(spec->retry),
                            .admission = admission_of(spec->admission),
                            .gateway_queue = spec->gateway_queue,
                            .drain_ns = spec->drain_ns,
                            .prefix_hit_share = spec->engine.prefix_hit_share,
                            .router = (sc_router)spec->router,
                            .on_notice = (sc_on_notice)spec->on_notice,
                            .on_reclaim = (sc_on_reclaim)spec->on_reclaim};
    resolve_workload(r, spec, service);
    if (service->engine == SC_ENGINE_LLM) {
        resolve_llm(r, spec, service);
    } else {
        resolve_station(r, spec, service);
        resolve_station_start(r, spec, service);
        service->llm = zone_array(r->zone, (size_t)r->sc->pool_count, sizeof *service->llm);
    }
    resolve_payload(r, spec->payload, service);
    resolve_targets(r, spec, service);
    resolve_traffic(r, spec, service);
    if (service->engine == SC_ENGINE_LLM) {
        resolve_prefix_cache(r, spec, service);
        resolve_lengths_fit(r, spec, service);
    }
}

void resolve_services(resolve *r)
{
    const spec_body *spec = r->spec;
    sc_service *services = zone_array(r->zone, spec->service_count, sizeof *services);
    for (size_t i = 0; services != NULL && i < spec->service_count; i++) {
        resolve_service(r, &spec->services[i], &services[i]);
        for (size_t j = 0; j < i; j++) {
            if (strcmp(spec->services[j].workload, spec->services[i].workload) == 0) {
                ynode_error(r->diag, spec->services[i].workload_node,
                            "workload '%s' is given twice; one service can have several kinds of traffic",
                            spec->services[i].workload);
            }
        }
    }
    r->sc->services = services;
    r->sc->service_count = services != NULL ? (int32_t)spec->service_count : 0;
}
