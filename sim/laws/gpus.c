/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gpus.c - what a GPU makes of a language model: coefficients of a step and room for the KV cache (models/gpu). */
#include "sim/laws/laws.h"

#include <math.h>

#include "models/gpu/gpu.h"

/* 32 layers, hidden 4096, 32 heads of 128 over 8 of KV, feed-forward 14336, vocabulary 128000, 2 bytes a parameter. */
#define LAYER_PARAMS (32.0 * (4096.0 * 2 * (4096 + 1024) + 3 * 4096.0 * 14336))
#define HEAD_PARAMS  (128000 * 4096.0)
#define ALL_PARAMS   (LAYER_PARAMS + 2 * HEAD_PARAMS)
#define KV_BYTES     (2 * 32 * 8 * 128 * 2)

static const mdl_model model = {.params_b = ALL_PARAMS / 1e9,
                                .active_b = ALL_PARAMS / 1e9,
                                .layers = 32,
                                .heads = 32,
                                .kv_heads = 8,
                                .head_dim = 128,
                                .hidden = 4096,
                                .ffn = 14336,
                                .vocab = 128000,
                                .kv_bytes_per_token = KV_BYTES,
                                .weights_bytes = (int64_t)(2 * ALL_PARAMS),
                                .compute = "fp16"};

static const mdl_gpu gpu = {.mem_bw_gb_s = 2000,
                            .fp16_tflops = 300,
                            .eff_mem_bw = 0.8,
                            .eff_kv_bw = 0.6,
                            .eff_compute = 0.6,
                            .eff_attention = 0.3,
                            .eff_int4 = 1,
                            .link_us = 10};

static double stream_ms(double gb_per_s, gsl_rng *r)
{
    mdl_gpu g = gpu;
    mdl_profile p = {.c1_us = 0};
    (void)r;
    g.mem_bw_gb_s = gb_per_s;
    mdl_profile_derive(&g, &model, &p);
    return p.c1_us / 1e3;
}

static double stream_exact(double gb_per_s)
{
    return 2 * LAYER_PARAMS / (gb_per_s * 1e9 * 0.8) * 1e3;
}

static double token_us(double tflops, gsl_rng *r)
{
    mdl_gpu g = gpu;
    mdl_profile p = {.c4_us = 0};
    (void)r;
    g.fp16_tflops = tflops;
    mdl_profile_derive(&g, &model, &p);
    return p.c4_us;
}

static double token_exact(double tflops)
{
    return 2 * LAYER_PARAMS / (tflops * 1e12 * 0.6) * 1e6;
}

static double kv_tokens(double usable_gb, gsl_rng *r)
{
    mdl_gpu g = gpu;
    const mdl_profile p = {.block_tokens = 16, .reserved_bytes = 3000000000, .memory_utilization = 0.9};
    (void)r;
    g.mem_usable_bytes = (int64_t)(usable_gb * 1e9);
    return 16.0 * mdl_kv_blocks(&g, &model, &p, NULL) / 1e3;
}

static double kv_tokens_exact(double usable_gb)
{
    return fmax(0, 0.9 * usable_gb * 1e9 - 2 * ALL_PARAMS - 3e9) / KV_BYTES / 1e3;
}

/* A token of a step that computes, on four GPUs. */
static double tensor_us(double link_gb_per_s, gsl_rng *r)
{
    const mdl_parallel four = {.tensor = 4};
    mdl_gpu g = gpu;
    mdl_profile p = {.c4_us = 0}, spread;
    (void)r;
    g.link_gb_s = link_gb_per_s;
    mdl_profile_derive(&g, &model, &p);
    mdl_profile_spread(&g, &model, &four, &p, &spread);
    return spread.c4_us;
}

static double tensor_exact(double link_gb_per_s)
{
    return token_exact(300) / 4 + 2 * 32 * (2 * 3 / 4.0) * 4096 * 2 / (link_gb_per_s * 1e9) * 1e6;
}

#define EXAMPLE "32 layers of 6979321856 parameters in all, of 2 bytes"

static const law laws[] = {
    {.name = "gpu-streaming",
     .formula = "c1 = bytes of the layers / (bandwidth x share of it that is reached)",
     .parameters = EXAMPLE "; share = 0.8; gpus.csv has those of real GPUs;\n"
                           "the bytes of experts that tokens are routed to make x of engine-step instead",
     .source = "S. Williams, A. Waterman, D. Patterson: Roofline, CACM 52, 2009",
     .x = "memory bandwidth, GB/s",
     .y = "time to read the weights once, ms",
     .at = stream_ms,
     .exact = stream_exact,
     .from = 500,
     .to = 5000,
     .points = 46,
     .within = 0.000001},
    {.name = "gpu-computing",
     .formula = "c4 = 2 parameters of the layers / (peak rate x share of it that is reached)",
     .parameters = EXAMPLE "; share = 0.6",
     .source = "S. Williams, A. Waterman, D. Patterson: Roofline, CACM 52, 2009",
     .x = "peak rate, TFLOP/s",
     .y = "time of a token, us",
     .at = token_us,
     .exact = token_exact,
     .from = 100,
     .to = 1000,
     .points = 46,
     .within = 0.000001},
    {.name = "gpu-kv-room",
     .formula = "tokens = (utilisation x memory - weights - reserved) / KV bytes a token, in whole blocks",
     .parameters = "utilisation = 0.9, weights = 16.1 GB, reserved = 3 GB, 131072 bytes a token, blocks of 16 tokens",
     .source = "W. Kwon and others: PagedAttention, arXiv 2309.06180: KV cache in blocks",
     .x = "memory, GB",
     .y = "thousand tokens",
     .at = kv_tokens,
     .exact = kv_tokens_exact,
     .from = 16,
     .to = 96,
     .points = 41,
     .within = 0.017},
    {.name = "gpu-tensor-parallel",
     .formula = "c4 / t + 2 layers x 2 (t - 1) / t x hidden x 2 bytes / link bandwidth: two ring all-reduces a layer",
     .parameters = "t = 4 GPUs, hidden = 4096, c4 as in gpu-computing at 300 TFLOP/s",
     .source = "P. Patarasuk, X. Yuan, 2009, for the ring; M. Shoeybi and others: Megatron-LM, 2019, for two a layer",
     .x = "link bandwidth, GB/s",
     .y = "time of a token, us",
     .at = tensor_us,
     .exact = tensor_exact,
     .from = 10,
     .to = 400,
     .points = 40,
     .within = 0.000001},
};

const law_family law_gpus = {"gpus", "what a GPU makes of a language model", laws, sizeof laws / sizeof laws[0]};
