/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * gpu.h - GPUs, language models, and engine profiles: from table rows to an engine configuration.
 *
 * Tables (scenarios/tables): gpus.csv -> mdl_gpu, models.csv -> mdl_model, profiles.csv -> mdl_profile. A column is
 * named exactly as the struct field it fills; every table ends with the columns source, date, grade. mdl_gpu_columns,
 * mdl_model_columns and mdl_profile_columns list them with type and offset, so that a reader needs no list of its own.
 * All structs are plain values: no pointers, nothing to free.
 *
 * How a profile is chosen: the row with (engine, gpu, model) as the scenario names them. How it came about is its
 * grade: "measured" (fitted to operator tables of that GPU), "derived" (mdl_profile_derive or mdl_profile_rescale; the
 * source column says from what), "estimate".
 */
#ifndef MODELS_GPU_GPU_H
#define MODELS_GPU_GPU_H

#include "models/engine/engine.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MDL_NAME_SIZE   32  /**< bytes of a name in a table, NUL included */
#define MDL_SOURCE_SIZE 840 /**< bytes of a source column, NUL included */
#define MDL_DATE_SIZE   16  /**< YYYY-MM-DD or YYYY-MM, NUL included */
#define MDL_GRADE_SIZE  12  /**< measured, vendor, estimate, derived, NUL included */

/** A row of gpus.csv. Peak figures are dense, FP32 accumulate. */
typedef struct mdl_gpu {
    char name[MDL_NAME_SIZE]; /**< "RTX-4090" */
    double mem_gib;           /**< nominal, as sold */
    int64_t mem_usable_bytes; /**< what the driver shows to a program */
    double mem_bw_gb_s;       /**< 1e9 B/s, peak */
    double fp16_tflops;       /**< fp16/bf16 matrix rate with FP32 accumulation, peak */
    double tdp_w;             /**< board power */
    double pcie_gb_s;         /**< one way, usable */
    double eff_mem_bw;        /**< share of mem_bw_gb_s reached when weights are streamed for a small batch */
    double eff_kv_bw;         /**< share of mem_bw_gb_s reached when decode attention reads the KV cache */
    double eff_compute;       /**< share of fp16_tflops reached by large matrix products */
    double eff_attention;     /**< share of fp16_tflops reached by prefill attention */
    double dense_exposed;     /**< share of the weight-streaming time that compute-bound steps do not hide: c3/c1 */
    double dense_growth; /**< cost of a token while weights dominate, as a share of its cost when compute does: c2/c4 */
    double attn_us_per_layer;          /**< fixed cost of decode attention, us per layer and step: e0/layers */
    double attn_us_per_layer_sequence; /**< the same for each decoding sequence: e1/layers */
    double sample_us_per_sequence;     /**< head and sampling for each sequence, us: h1 */
    double prefill_us;                 /**< fixed cost of a step with prefill work, us: g0 */
    double eff_int4;                   /**< what int4 weights keep of eff_mem_bw and eff_compute */
    double fp8_tflops;                 /**< as fp16_tflops, in fp8; 0 = none, fp8 weights are computed in fp16 */
    double link_gb_s; /**< 1e9 B/s that a collective or hand-over between GPUs moves over PCIe, host staging included */
    double link_host_gb_s; /**< what all GPUs of a replica move together where host memory is in between, as without
                                access between peers; 0 = each has link_gb_s to itself */
    double link_us;        /**< time of one such exchange of no size */
    double nvlink_gb_s;    /**< the same over NVLink; 0 = none */
    double nvlink_us;
    char source[MDL_SOURCE_SIZE], date[MDL_DATE_SIZE], grade[MDL_GRADE_SIZE];
} mdl_gpu;

/**
 * A row of models.csv: dense and mixture-of-experts transformers. Embedding and head are 2 bytes a parameter, whatever
 * the layers are: quantised weights (AWQ int4, fp8) show in weights_bytes.
 */
typedef struct mdl_model {
    char name[MDL_NAME_SIZE]; /**< "Llama-3.1-8B" */
    double params_b;          /**< parameters, 1e9 */
    double active_b;          /**< parameters used for one token, 1e9; = params_b for a dense model */
    int64_t layers, heads, kv_heads, head_dim, hidden, ffn, vocab;
    int64_t kv_bytes_per_token; /**< 2 x layers x kv_heads x head_dim x 2 */
    int64_t weights_bytes;      /**< resident on the GPU */
    int64_t max_context;        /**< tokens, prompt and output together */
    char compute[8];            /**< in what the layers multiply: "fp16" (also AWQ int4) or "fp8" */
    int64_t experts;            /**< routed experts of a layer; 0 = dense */
    int64_t experts_active;     /**< of them for one token */
    char source[MDL_SOURCE_SIZE], date[MDL_DATE_SIZE], grade[MDL_GRADE_SIZE];
} mdl_model;

/** A row of profiles.csv: one calibrated engine on one GPU with one model. Step model: engine.h, here in us. */
typedef struct mdl_profile {
    char engine[MDL_NAME_SIZE]; /**< engine and version, "vllm-0.19" */
    char gpu[MDL_NAME_SIZE];    /**< name in gpus.csv */
    char model[MDL_NAME_SIZE];  /**< name in models.csv */
    double c1_us, c2_us;        /**< dense, weights dominate: c1 + c2 (n - 1) */
    double c3_us, c4_us;        /**< dense, compute dominates: c3 + c4 n */
    double h0_us, h1_us;        /**< head and sampling: h0 + h1 q */
    double e0_us, e1_us, e2_us; /**< decode attention: e0 + e1 D + e2 S */
    double g0_us;               /**< fixed cost of a step with prefill */
    double g1_us;               /**< prefill attention: g1 sum p (k + p/2) */
    double x_us;                /**< streaming all routed experts; 0 = none */
    int64_t block_tokens;       /**< tokens in a KV block */
    int64_t reserved_bytes;     /**< GPU memory that is neither weights nor KV: activations, graphs, context */
    double memory_utilization;  /**< share of mem_usable_bytes the engine takes */
    char source[MDL_SOURCE_SIZE], date[MDL_DATE_SIZE], grade[MDL_GRADE_SIZE];
} mdl_profile;

typedef enum mdl_column_kind {
    MDL_COLUMN_TEXT = 1, /**< char[size], NUL-terminated */
    MDL_COLUMN_REAL = 2, /**< double */
    MDL_COLUMN_INT = 3   /**< int64_t */
} mdl_column_kind;

/** One column of a table: where its value goes in the struct. A list ends with name == NULL. */
typedef struct mdl_column {
    const char *name;
    mdl_column_kind kind;
    size_t offset, size;
} mdl_column;
extern const mdl_column mdl_gpu_columns[], mdl_model_columns[], mdl_profile_columns[];

/**
 * Checks a row: names present, figures finite and inside sensible bounds.
 * @return NULL if sound, else a static message naming the column and its bounds
 */
const char *mdl_gpu_check(const mdl_gpu *g);
const char *mdl_model_check(const mdl_model *m);
const char *mdl_profile_check(const mdl_profile *p);

/** How a replica lies on several GPUs. All zero: on one. */
typedef struct mdl_parallel {
    int32_t tensor;   /**< GPUs that share each layer; 0 = 1. Divides heads, at most MDL_TENSOR_MAX */
    int32_t pipeline; /**< stages of layers, one after the other; 0 = 1. At most layers */
    bool pcie;        /**< over PCIe although the GPU has NVLink */
    bool kv_fp8;      /**< KV cache in one byte instead of two */
} mdl_parallel;
#define MDL_TENSOR_MAX 8

/** @return NULL if the model can lie so, else a static message */
const char *mdl_parallel_check(const mdl_parallel *parallel, const mdl_model *m);

/**
 * KV blocks that remain: the fullest GPU holds 1/tensor of ceil(layers / pipeline) layers, so
 * floor((memory_utilization x usable - share of weights - reserved) / (block_tokens x share of kv bytes)).
 * Tensor parallelism beyond kv_heads shares no more KV.
 * @param parallel  NULL = one GPU
 * @return blocks, 0 if the weights leave no room; at most INT32_MAX
 */
int32_t mdl_kv_blocks(const mdl_gpu *g, const mdl_model *m, const mdl_profile *p, const mdl_parallel *parallel);

/**
 * The coefficients of a replica that lies on t x s GPUs, from those of the whole model on one.
 * Tensor: c1..c4, x, h0, e1, e2, g1 divided by t (e2 by no more than kv_heads); launches (e0, g0) and sampling (h1)
 * stay. Every layer ends in two ring all-reduces: 2 layers (link_us + 2 (t-1)/t n hidden 2 B / link bandwidth), added
 * to both branches (Patarasuk, Yuan 2009 for the ring; Shoeybi et al. 2019 for two a layer). Over PCIe the bandwidth is
 * the smaller of link_gb_s and link_host_gb_s / (t s): in a ring all of them send at once, and what is staged passes
 * the memory of the host. Pipeline: the stage with ceil(layers / s) layers sets the pace; e1 and e2 divided by s (each
 * micro-batch holds 1/s of the sequences), h0 s times (each micro-batch passes the head), and each hand-over costs
 * link_us + n hidden 2 B / link bandwidth, s of them a round. The step law itself: engine.h, stages.
 * @param parallel  passes mdl_parallel_check
 */
void mdl_profile_spread(const mdl_gpu *g, const mdl_model *m, const mdl_parallel *parallel, const mdl_profile *p,
                        mdl_profile *out);

/** The scenario's own engine settings. */
typedef struct mdl_engine_limits {
    int32_t max_batched_tokens, max_sequences, max_waiting;
    mdl_parallel parallel;
    double prefix_share; /**< of the KV cache that may keep what was computed for prompts while it is free, 0..1 */
} mdl_engine_limits;

/** The step law of a profile, in whole ps: each coefficient to the nearest. stages is 0. */
mdl_step_model mdl_profile_step(const mdl_model *m, const mdl_profile *p);

/**
 * An engine configuration for mdl_llm_new. Coefficients are rounded to whole ps once, here.
 * @param out config  written only on success
 * @return NULL on success, else a static message: a row that fails its check, weights that do not fit, limits the
 *         engine refuses (mdl_llm_check)
 */
const char *mdl_profile_config(const mdl_gpu *g, const mdl_model *m, const mdl_profile *p,
                               const mdl_engine_limits *limits, mdl_llm_config *config);

/**
 * Step coefficients of a GPU without operator tables: roofline from its peak figures and efficiency columns.
 *   c1 = layer bytes / (bw eff_mem_bw)     c2 = dense_growth c4     c3 = dense_exposed c1
 *   c4 = 2 layer parameters / (fp16 eff_compute)                    h0 = head bytes / (bw eff_mem_bw)
 *   e0, e1 = layers x attn columns         e2 = kv bytes / (bw eff_kv_bw)
 *   g1 = 4 layers heads head_dim / (fp16 eff_attention)
 * Fills c1_us .. x_us, gpu and model; leaves all else. Bytes of a layer parameter: (weights - embedding - head) /
 * parameters; fp8 models compute at fp8_tflops where the GPU has it; int4 layers (below 0.75 B) take 1/eff_int4 longer.
 * Mixture of experts: c4 with the active parameters;
 * of the resident ones routed = (resident - active) / (1 - k/E) are experts and make x, the others c1; c3 of all.
 */
void mdl_profile_derive(const mdl_gpu *g, const mdl_model *m, mdl_profile *p);

/**
 * The same GPU and engine with another model: each coefficient times the ratio of what
 * it is proportional to (time to stream the layers, to compute with the active parameters, head size, layers, kv bytes,
 * attention width). Copies engine, gpu, block, reserved bytes, utilisation.
 */
void mdl_profile_rescale(const mdl_gpu *g, const mdl_profile *from, const mdl_model *from_model,
                         const mdl_model *to_model, mdl_profile *out);

/**
 * Requests/s that one replica completes while it always has `inside` requests, running and waiting: a closed simulation
 * (max_waiting is ignored) that starts with them and counts after a quarter of n.
 * @param in input_tokens, output_tokens  [n] lengths, used in order, again from the start if need be; a pair that can
 *        never fit is skipped
 * @param n  requests to complete in the measured part; >= 1
 * @param hit_share  leading part of each prompt that lies in the prefix cache, 0..1
 * @param inside  >= 1
 * @return requests per second; 0 if no request fits; a negative number if memory ran out or config is not accepted
 * @cost about 150 ns per request
 */
double mdl_closed_rate(const mdl_llm_config *config, const int32_t *input_tokens, const int32_t *output_tokens,
                       size_t n, double hit_share, int64_t inside);

/** The same when its queue is never empty: with twice max_sequences inside. */
double mdl_saturation_rate(const mdl_llm_config *config, const int32_t *input_tokens, const int32_t *output_tokens,
                           size_t n, double hit_share);

#endif
