/* SPDX-License-Identifier: GPL-3.0-or-later */
/* spec_service.c - the accepted keys of spec.services[]: engine, targets; traffic in spec_traffic.c. See spec.c. */
#include "sim/scenario/spec_part.h"

#include <string.h>

/* A row for each key reads best as a row. */
/* clang-format off */

static const bind_name engine_names[] = {{"llm", SC_ENGINE_LLM}, {"station", SC_ENGINE_STATION}, {NULL, 0}};
enum { INTERCONNECT_AUTO = 1, INTERCONNECT_PCIE = 2, KV_AUTO = 1, KV_FP8 = 2 };
static const bind_name interconnect_names[] = {{"auto", INTERCONNECT_AUTO}, {"pcie", INTERCONNECT_PCIE}, {NULL, 0}};
static const bind_name kv_names[] = {{"auto", KV_AUTO}, {"fp8", KV_FP8}, {NULL, 0}};
static const bind_name router_names[] = {{"least-outstanding", SC_ROUTER_LEAST_OUTSTANDING},
                                         {"round-robin", SC_ROUTER_ROUND_ROBIN},
                                         {"random", SC_ROUTER_RANDOM},
                                         {"two-choices", SC_ROUTER_TWO_CHOICES},
                                         {"least-kv", SC_ROUTER_LEAST_KV},
                                         {"session", SC_ROUTER_SESSION},
                                         {NULL, 0}};

/* --- engine ------------------------------------------------------------------------------------------------ */

#define LAW_MEAN                                                                                                       \
    {.key = "mean", .kind = BIND_DURATION, .required = true, .range = BIND_ABOVE | BIND_MAX, .min = 0.0,               \
     .max = 86400.0, BIND_AT(spec_law, mean_ns), .help = "mean service time"}

static const bind_field mean_fields[] = {LAW_MEAN, {.key = NULL}};
static const bind_table exponential_table = {.name = "exponential", .size = sizeof(spec_law), .fields = mean_fields};
static const bind_table fixed_table = {.name = "fixed", .size = sizeof(spec_law), .fields = mean_fields};
static const bind_field lognormal_law_fields[] = {
    LAW_MEAN,
    {.key = "cv2", .kind = BIND_DOUBLE, .required = true, .range = BIND_ABOVE | BIND_MAX, .min = 0.0, .max = 1000.0,
     BIND_AT(spec_law, cv2), .help = "squared coefficient of variation"},
    {.key = NULL}};
static const bind_table lognormal_law_table = {.name = "lognormal", .size = sizeof(spec_law),
                                               .fields = lognormal_law_fields};
static const bind_field erlang_fields[] = {
    LAW_MEAN,
    {.key = "stages", .kind = BIND_INT32, .required = true, .range = BIND_MIN | BIND_MAX, .min = 1, .max = 1000,
     BIND_AT(spec_law, stages), .help = "exponential stages in a row"},
    {.key = NULL}};
static const bind_table erlang_table = {.name = "erlang", .size = sizeof(spec_law), .fields = erlang_fields};
static const bind_field hyper_fields[] = {
    LAW_MEAN,
    {.key = "cv2", .kind = BIND_DOUBLE, .required = true, .range = BIND_ABOVE | BIND_MAX, .min = 1.0, .max = 1000.0,
     BIND_AT(spec_law, cv2), .help = "squared coefficient of variation; two branches with balanced means"},
    {.key = NULL}};
static const bind_field measured_fields[] = {
    {.key = "file", .kind = BIND_STRING, .required = true, BIND_AT(spec_measured, file),
     BIND_NODE_AT(spec_measured, file_node),
     .help = "CSV with a header and a column service_s, one measured service time in seconds a line"},
    {.key = NULL}};
static const bind_table measured_table = {.name = "measured", .size = sizeof(spec_measured), .fields = measured_fields};
static const bind_table hyper_table = {.name = "hyperexponential", .size = sizeof(spec_law), .fields = hyper_fields};

static bool law_check(bind *b, const ynode *node, void *object)
{
    const spec_station_law *law = object;
    const int given = (law->exponential != NULL) + (law->fixed != NULL) + (law->lognormal != NULL) +
                      (law->erlang != NULL) + (law->hyperexponential != NULL) + (law->measured != NULL);
    if (given == 1) {
        return true;
    }
    ynode_error(b->diag, node,
                "a law is needed, exactly one: exponential, fixed, lognormal, erlang, hyperexponential or measured");
    return false;
}

static const bind_field law_fields[] = {
    {.key = "exponential", .kind = BIND_OPTION, .table = &exponential_table, BIND_AT(spec_station_law, exponential),
     .help = "M: {mean}"},
    {.key = "fixed", .kind = BIND_OPTION, .table = &fixed_table, BIND_AT(spec_station_law, fixed), .help = "D: {mean}"},
    {.key = "lognormal", .kind = BIND_OPTION, .table = &lognormal_law_table, BIND_AT(spec_station_law, lognormal),
     .help = "{mean, cv2}"},
    {.key = "erlang", .kind = BIND_OPTION, .table = &erlang_table, BIND_AT(spec_station_law, erlang),
     .help = "E_k: {mean, stages}"},
    {.key = "hyperexponential", .kind = BIND_OPTION, .table = &hyper_table,
     BIND_AT(spec_station_law, hyperexponential), .help = "H_2: {mean, cv2}"},
    {.key = "measured", .kind = BIND_OPTION, .table = &measured_table, BIND_AT(spec_station_law, measured),
     .help = "drawn from a file of service times, each as likely as any other"},
    {.key = NULL}};
const bind_table spec_law_table = {.name = "law", .size = sizeof(spec_station_law),
                                             .fields = law_fields, .check = law_check};

static const bind_field llm_fields[] = {
    {.key = "profile", .kind = BIND_STRING, .preset = "vllm-0.19", BIND_AT(spec_engine, profile),
     BIND_NODE_AT(spec_engine, profile_node), .help = "engine of tables/profiles.csv"},
    {.key = "maxBatchedTokens", .kind = BIND_INT32, .preset = "2048", .range = BIND_MIN | BIND_MAX, .min = 1,
     .max = 1048576, BIND_AT(spec_engine, max_batched_tokens), .help = "token budget of one step"},
    {.key = "maxSequences", .kind = BIND_INT32, .preset = "256", .range = BIND_MIN | BIND_MAX, .min = 1, .max = 65536,
     BIND_AT(spec_engine, max_sequences), .help = "requests in the batch at most"},
    {.key = "maxWaiting", .kind = BIND_INT32, .preset = "2000", .range = BIND_MIN | BIND_MAX, .min = 1, .max = 10000000,
     BIND_AT(spec_engine, max_waiting),
     .help = "requests waiting in one replica at most; more are rejected. A request waits until a step takes it up"},
    {.key = "tensorParallel", .kind = BIND_INT32, .preset = "1", .range = BIND_MIN | BIND_MAX, .min = 1,
     .max = MDL_TENSOR_MAX, BIND_AT(spec_engine, parallel.tensor),
     .help = "GPUs that share each layer of one replica; the Deployment asks for tensorParallel x pipelineParallel"},
    {.key = "pipelineParallel", .kind = BIND_INT32, .preset = "1", .range = BIND_MIN | BIND_MAX, .min = 1, .max = 64,
     BIND_AT(spec_engine, parallel.pipeline), .help = "stages of layers that one replica consists of"},
    {.key = "interconnect", .kind = BIND_ENUM, .preset = "auto", .names = interconnect_names,
     BIND_AT(spec_engine, interconnect),
     .help = "what the GPUs of one replica exchange over; auto: NVLink where tables/gpus.csv has it"},
    {.key = "kvCacheDtype", .kind = BIND_ENUM, .preset = "auto", .names = kv_names, BIND_AT(spec_engine, kv_dtype),
     .help = "fp8 halves the KV cache of a token"},
    {.key = "prefixHitShare", .kind = BIND_DOUBLE, .preset = "0", .range = BIND_MIN | BIND_MAX, .min = 0.0, .max = 1.0,
     BIND_AT(spec_engine, prefix_hit_share),
     .help = "leading part of each prompt that every replica has in its prefix cache: no prefill, but memory"},
    {.key = "prefixCacheShare", .kind = BIND_DOUBLE, .range = BIND_MIN | BIND_MAX, .min = 0.0, .max = 1.0,
     BIND_AT(spec_engine, prefix_cache_share), BIND_HAS(spec_engine, has_prefix_cache_share),
     BIND_NODE_AT(spec_engine, prefix_cache_node),
     .help = "part of a replica's KV cache that may keep earlier prompts while it is free: of conversations, and of a "
             "trace that lists prefix blocks (Mooncake). Without it 1, as vLLM has it, where a trace of the service "
             "lists blocks, else 0: no prefix cache"},
    {.key = "frontend", .kind = BIND_DURATION, .preset = "0s", .range = BIND_MIN | BIND_MAX, .min = 0.0, .max = 60.0,
     BIND_AT(spec_engine, frontend_ns),
     .help = "time of a request outside the engine (API server, tokenising, client), as 'spillway calibrate' finds it: "
             "the first token and the last are seen so much later"},
    {.key = NULL}};
static const bind_field speed_fields[] = {
    {.key = "gpu", .kind = BIND_STRING, .required = true, BIND_AT(spec_speed, gpu), BIND_NODE_AT(spec_speed, gpu_node),
     .help = "a GPU of tables/gpus.csv"},
    {.key = "speed", .kind = BIND_DOUBLE, .required = true, .range = BIND_ABOVE | BIND_MAX, .min = 0.0, .max = 1e6,
     BIND_AT(spec_speed, speed), .help = "service times are divided by it"},
    {.key = NULL}};
static const bind_table speed_table = {.name = "speed", .size = sizeof(spec_speed), .fields = speed_fields};
static const bind_field station_fields[] = {
    {.key = "servers", .kind = BIND_INT32, .preset = "1", .range = BIND_MIN | BIND_MAX, .min = 1, .max = 100000,
     BIND_AT(spec_engine, servers), .help = "requests served at a time by one replica"},
    {.key = "maxWaiting", .kind = BIND_INT32, .preset = "1000000", .range = BIND_MIN | BIND_MAX, .min = 0,
     .max = 10000000, BIND_AT(spec_engine, max_waiting),
     .help = "requests waiting in one replica at most; with 0, whoever finds no free server is rejected"},
    {.key = "service", .kind = BIND_TABLE, .required = true, .table = &spec_law_table,
     BIND_AT(spec_engine, service), .help = "law of the service time"},
    {.key = "speeds", .kind = BIND_LIST, .table = &speed_table, BIND_AT(spec_engine, speeds),
     BIND_COUNT(spec_engine, speed_count),
     .help = "how much faster it serves on GPUs of a class; 1 on those that are not named"},
    {.key = "imageGB", .kind = BIND_DOUBLE, .preset = "0", .range = BIND_MIN | BIND_MAX, .min = 0.0, .max = 10000.0,
     BIND_AT(spec_engine, image_gb),
     .help = "compressed container image, GB of 10^9 bytes: what a node pulls before a replica starts"},
    {.key = "weightsGB", .kind = BIND_DOUBLE, .preset = "0", .range = BIND_MIN | BIND_MAX, .min = 0.0, .max = 10000.0,
     BIND_AT(spec_engine, weights_gb), .help = "model or data that a replica loads, GB of 10^9 bytes"},
    {.key = "warmup", .kind = BIND_DURATION, .preset = "0s", .range = BIND_MIN | BIND_MAX, .min = 0.0, .max = 86400.0,
     BIND_AT(spec_engine, warmup_ns),
     .help = "of a replica that has loaded, before its readiness probe: in place of an LLM's compile and capture"},
    {.key = NULL}};
static const bind_variant engine_variants[] = {
    {"llm", llm_fields, "continuous batching on a GPU, as vLLM does it"},
    {"station", station_fields,
     "a plain queueing station (M/G/c for each replica): any service with a law of service times, and checks against "
     "theory"},
    {NULL, NULL, NULL}};

static bool engine_check(bind *b, const ynode *node, void *object)
{
    (void)b;
    (void)node;
    spec_engine *e = object;
    e->parallel.pcie = e->interconnect == INTERCONNECT_PCIE;
    e->parallel.kv_fp8 = e->kv_dtype == KV_FP8;
    return true;
}

static const bind_field engine_fields[] = {{.key = "kind", .kind = BIND_ENUM, .preset = "llm", .names = engine_names,
                                            BIND_AT(spec_engine, kind), .help = "how a replica serves"},
                                           {.key = NULL}};
static const bind_table engine_table = {.name = "engine", .size = sizeof(spec_engine), .fields = engine_fields,
                                        .tag = "kind", .variants = engine_variants,
                                        .self_at = offsetof(spec_engine, self) + 1u, .check = engine_check};

/* --- targets ----------------------------------------------------------------------------------------------- */

/* "p95" or "p99.9" -> 0.95, 0.999; a negative value for anything else. */
static double percentile(const char *text)
{
    double value = 0.0;
    if (text[0] != 'p' || bind_parse_double(text + 1, &value) != NULL || !(value > 0.0 && value < 100.0)) {
        return -1.0;
    }
    return value / 100.0;
}

static bool read_targets(bind *b, const bind_field *field, const ynode *node, void *at)
{
    spec_slo *slo = at;
    if (node->kind != YNODE_MAPPING || node->count == 0) {
        ynode_error(b->diag, node, "'%s' must be percentiles with limits, e.g. {p95: 2s}", field->key);
        return false;
    }
    bool ok = true;
    const bind_field limit = {.key = field->key, .kind = BIND_DURATION, .range = BIND_ABOVE | BIND_MAX, .min = 0.0,
                              .max = 86400.0};
    for (size_t i = 0; i < node->count; i++) {
        spec_target target = {field->key, percentile(node->keys[i]->text), 0};
        if (target.percentile < 0.0) {
            ynode_error(b->diag, node->keys[i], "'%s' is not a percentile; write p50, p95, p99.9 ...",
                        node->keys[i]->text);
            ok = false;
            continue;
        }
        if (!bind_scalar(b, &limit, node->items[i], &target.limit_ns)) {
            ok = false;
            continue;
        }
        if (slo->count == SPEC_TARGETS_MAX) {
            ynode_error(b->diag, node->keys[i], "more than %d targets for one service", SPEC_TARGETS_MAX);
            return false;
        }
        slo->at[slo->count++] = target;
    }
    return ok;
}

static const bind_field slo_fields[] = {
    {.key = "ttft", .kind = BIND_CUSTOM, .custom = read_targets, .offset = 0,
     .help = "time to first token, as the user sees it: {pNN: DURATION}"},
    {.key = "tpot", .kind = BIND_CUSTOM, .custom = read_targets, .offset = 0,
     .help = "time per further output token: {pNN: DURATION}"},
    {.key = "e2e", .kind = BIND_CUSTOM, .custom = read_targets, .offset = 0,
     .help = "from sending to the last token: {pNN: DURATION}"},
    {.key = NULL}};
static const bind_table slo_table = {.name = "slo", .size = sizeof(spec_slo), .fields = slo_fields};

/* --- service ----------------------------------------------------------------------------------------------- */

static const bind_field payload_fields[] = {
    {.key = "row", .kind = BIND_STRING, .preset = "default", BIND_AT(spec_payload, row),
     BIND_NODE_AT(spec_payload, row_node), .help = "a row of tables/payload.csv: bytes fixed and for each token"},
    {.key = "requestBytes", .kind = BIND_DOUBLE, .range = BIND_MIN | BIND_MAX, .min = 0.0, .max = 1e12,
     BIND_AT(spec_payload, request_bytes), BIND_HAS(spec_payload, has_request),
     .help = "of every request, in place of the row's; default: as the row says"},
    {.key = "answerBytes", .kind = BIND_DOUBLE, .range = BIND_MIN | BIND_MAX, .min = 0.0, .max = 1e12,
     BIND_AT(spec_payload, answer_bytes), BIND_HAS(spec_payload, has_answer),
     .help = "of every answer, in place of the row's; default: as the row says"},
    {.key = NULL}};
static const bind_table payload_table = {.name = "payload", .size = sizeof(spec_payload), .fields = payload_fields,
                                         .self_at = offsetof(spec_payload, self) + 1u};

static const bind_name notice_names[] = {
    {"drain", SC_NOTICE_DRAIN}, {"reroute", SC_NOTICE_REROUTE}, {"serve", SC_NOTICE_SERVE}, {NULL, 0}};
static const bind_name reclaim_names[] = {{"recompute", SC_RECLAIM_RECOMPUTE}, {"lose", SC_RECLAIM_LOSE}, {NULL, 0}};

static const bind_field service_fields[] = {
    {.key = "workload", .kind = BIND_STRING, .required = true, BIND_AT(spec_service, workload),
     BIND_NODE_AT(spec_service, workload_node), .help = "namespace/name of a Deployment in the manifests"},
    {.key = "model", .kind = BIND_STRING, BIND_AT(spec_service, model), BIND_NODE_AT(spec_service, model_node),
     .help = "a model of tables/models.csv; required unless the engine is a station"},
    {.key = "engine", .kind = BIND_TABLE, .table = &engine_table, BIND_AT(spec_service, engine),
     .help = "how one replica serves requests"},
    {.key = "slo", .kind = BIND_TABLE, .table = &slo_table, BIND_AT(spec_service, slo), .help = "latency targets"},
    {.key = "traffic", .kind = BIND_LIST, .table = &spec_traffic_table, BIND_AT(spec_service, traffic),
     BIND_COUNT(spec_service, traffic_count), .help = "who asks, and when; may be absent"},
    {.key = "lengths", .kind = BIND_OPTION, .table = &spec_lengths_table, BIND_AT(spec_service, lengths),
     BIND_NODE_AT(spec_service, lengths_node),
     .help = "tokens in and out; required for an llm unless all its traffic is replayed from traces"},
    {.key = "payload", .kind = BIND_OPTION, .table = &payload_table, BIND_AT(spec_service, payload),
     .help = "bytes of requests and answers, for what they cost; default: row default of tables/payload.csv. Without "
             "tokens, as of a station, the fixed bytes are all"},
    {.key = "timeout", .kind = BIND_DURATION, .range = BIND_ABOVE | BIND_MAX, .min = 0.0, .max = 86400.0,
     BIND_AT(spec_service, timeout_ns), BIND_HAS(spec_service, has_timeout),
     .help = "the user gives up after this; default: never"},
    {.key = "gatewayQueue", .kind = BIND_INT32, .preset = "10000", .range = BIND_MIN | BIND_MAX, .min = 0,
     .max = 100000000, BIND_AT(spec_service, gateway_queue),
     .help = "requests held while no replica is ready; more are rejected"},
    {.key = "retry", .kind = BIND_OPTION, .table = &spec_retry_table, BIND_AT(spec_service, retry),
     .help = "what clients do when an attempt fails; default: nothing"},
    {.key = "admission", .kind = BIND_OPTION, .table = &spec_admission_table, BIND_AT(spec_service, admission),
     .help = "attempts beyond these bounds are rejected at the gateway; default: none is"},
    {.key = "drain", .kind = BIND_DURATION, .preset = "60s", .range = BIND_MIN | BIND_MAX, .min = 0.0, .max = 86400.0,
     BIND_AT(spec_service, drain_ns), .help = "a replica told to stop finishes its requests for at most this long"},
    {.key = "router", .kind = BIND_ENUM, .preset = "least-outstanding", .names = router_names,
     BIND_AT(spec_service, router),
     .help = "which replica of a cluster gets a request; two-choices: fewer inside of two at random, least-kv: smaller "
             "share of KV blocks held, or needed by prompts to come, of four at random (of all up to 32), session: a "
             "conversation's own, or, where a trace lists prefix blocks, that of the prompts with the same first block "
             "behind those that all have. A replica that is full refuses, and another one is asked; after three that "
             "refuse the cluster counts as full for that request"},
    {.key = "onNotice", .kind = BIND_ENUM, .preset = "drain", .names = notice_names, BIND_AT(spec_service, on_notice),
     .help = "a node is to be reclaimed: drain (finish what is there, take nothing new), reroute (all requests start "
             "anew elsewhere at once) or serve (go on until it is gone)"},
    {.key = "onReclaim", .kind = BIND_ENUM, .preset = "recompute", .names = reclaim_names,
     BIND_AT(spec_service, on_reclaim), .help = "requests still on a node when it goes: recompute elsewhere, or lose"},
    {.key = NULL}};

static bool service_check(bind *b, const ynode *node, void *object)
{
    const spec_service *s = object;
    if (s->engine.kind == SC_ENGINE_STATION) {
        for (size_t i = 0; i < s->traffic_count; i++) {
            if (s->traffic[i].sessions != NULL || s->traffic[i].lengths != NULL) {
                ynode_error(b->diag, s->traffic[i].self, "traffic of a station has neither 'sessions' nor 'lengths'");
                return false;
            }
        }
        const ynode *extra = s->model != NULL ? s->model_node : s->lengths_node;
        if (extra != NULL) {
            ynode_error(b->diag, extra,
                        "a station has neither 'model' nor 'lengths': its service law says it all (imageGB, weightsGB "
                        "and warmup of the engine what a start takes)");
            return false;
        }
        return true;
    }
    if (s->model == NULL) {
        ynode_error(b->diag, node, "'model' is required for an llm engine, e.g. model: Llama-3.1-8B");
        return false;
    }
    for (size_t i = 0; i < s->traffic_count; i++) {
        const spec_traffic *t = &s->traffic[i];
        if (t->kind != MDL_ARRIVAL_TRACE && s->lengths == NULL && t->lengths == NULL) {
            ynode_error(b->diag, node, "'lengths' is required: only replayed traffic brings its own");
            return false;
        }
    }
    return true;
}

const bind_table spec_service_table = {.name = "service", .size = sizeof(spec_service), .fields = service_fields,
                                       .self_at = offsetof(spec_service, self) + 1u, .check = service_check};
