/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gpu.c - columns of the three tables, checks of their rows, and the way from a profile to an engine configuration. */
#include "models/gpu/gpu.h"

#include "models/gpu/spread.h"

#include <math.h>
#include <string.h>

#define PS_PER_US 1e6
#define US_MAX    1e7 /* no coefficient reaches ten seconds */
#define TWO_TO_32 4294967296.0

#define TEXT(type, field)                                                                                              \
    {                                                                                                                  \
#field, MDL_COLUMN_TEXT, offsetof(type, field), sizeof(((type *)0)->field)                                     \
    }
#define REAL(type, field)                                                                                              \
    {                                                                                                                  \
#field, MDL_COLUMN_REAL, offsetof(type, field), sizeof(double)                                                 \
    }
#define INT(type, field)                                                                                               \
    {                                                                                                                  \
#field, MDL_COLUMN_INT, offsetof(type, field), sizeof(int64_t)                                                 \
    }
#define END                                                                                                            \
    {                                                                                                                  \
        NULL, MDL_COLUMN_TEXT, 0, 0                                                                                    \
    }

const mdl_column mdl_gpu_columns[] = {TEXT(mdl_gpu, name),
                                      REAL(mdl_gpu, mem_gib),
                                      INT(mdl_gpu, mem_usable_bytes),
                                      REAL(mdl_gpu, mem_bw_gb_s),
                                      REAL(mdl_gpu, fp16_tflops),
                                      REAL(mdl_gpu, tdp_w),
                                      REAL(mdl_gpu, pcie_gb_s),
                                      REAL(mdl_gpu, eff_mem_bw),
                                      REAL(mdl_gpu, eff_kv_bw),
                                      REAL(mdl_gpu, eff_compute),
                                      REAL(mdl_gpu, eff_attention),
                                      REAL(mdl_gpu, dense_exposed),
                                      REAL(mdl_gpu, dense_growth),
                                      REAL(mdl_gpu, attn_us_per_layer),
                                      REAL(mdl_gpu, attn_us_per_layer_sequence),
                                      REAL(mdl_gpu, sample_us_per_sequence),
                                      REAL(mdl_gpu, prefill_us),
                                      REAL(mdl_gpu, eff_int4),
                                      REAL(mdl_gpu, fp8_tflops),
                                      REAL(mdl_gpu, link_gb_s),
                                      REAL(mdl_gpu, link_host_gb_s),
                                      REAL(mdl_gpu, link_us),
                                      REAL(mdl_gpu, nvlink_gb_s),
                                      REAL(mdl_gpu, nvlink_us),
                                      TEXT(mdl_gpu, source),
                                      TEXT(mdl_gpu, date),
                                      TEXT(mdl_gpu, grade),
                                      END};

const mdl_column mdl_model_columns[] = {TEXT(mdl_model, name),
                                        REAL(mdl_model, params_b),
                                        REAL(mdl_model, active_b),
                                        INT(mdl_model, layers),
                                        INT(mdl_model, heads),
                                        INT(mdl_model, kv_heads),
                                        INT(mdl_model, head_dim),
                                        INT(mdl_model, hidden),
                                        INT(mdl_model, ffn),
                                        INT(mdl_model, vocab),
                                        INT(mdl_model, kv_bytes_per_token),
                                        INT(mdl_model, weights_bytes),
                                        INT(mdl_model, max_context),
                                        TEXT(mdl_model, compute),
                                        INT(mdl_model, experts),
                                        INT(mdl_model, experts_active),
                                        TEXT(mdl_model, source),
                                        TEXT(mdl_model, date),
                                        TEXT(mdl_model, grade),
                                        END};

const mdl_column mdl_profile_columns[] = {TEXT(mdl_profile, engine),        TEXT(mdl_profile, gpu),
                                          TEXT(mdl_profile, model),         REAL(mdl_profile, c1_us),
                                          REAL(mdl_profile, c2_us),         REAL(mdl_profile, c3_us),
                                          REAL(mdl_profile, c4_us),         REAL(mdl_profile, h0_us),
                                          REAL(mdl_profile, h1_us),         REAL(mdl_profile, e0_us),
                                          REAL(mdl_profile, e1_us),         REAL(mdl_profile, e2_us),
                                          REAL(mdl_profile, g0_us),         REAL(mdl_profile, g1_us),
                                          REAL(mdl_profile, x_us),          INT(mdl_profile, block_tokens),
                                          INT(mdl_profile, reserved_bytes), REAL(mdl_profile, memory_utilization),
                                          TEXT(mdl_profile, source),        TEXT(mdl_profile, date),
                                          TEXT(mdl_profile, grade),         END};

/* True for a number in [low, high]; NaN is in no range. */
static int within(double x, double low, double high)
{
    return x >= low && x <= high;
}

const char *mdl_gpu_check(const mdl_gpu *g)
{
    if (g->name[0] == '\0') {
        return "name is empty";
    }
    if (!within(g->mem_gib, 1.0, 1e4) || g->mem_usable_bytes < 1 ||
        (double)g->mem_usable_bytes > g->mem_gib * 1073741824.0) {
        return "mem_gib must lie in 1..10000 and mem_usable_bytes in 1..mem_gib";
    }
    if (!within(g->mem_bw_gb_s, 1.0, 1e6) || !within(g->fp16_tflops, 0.1, 1e6)) {
        return "mem_bw_gb_s must lie in 1..1e6, fp16_tflops in 0.1..1e6";
    }
    if (!within(g->tdp_w, 1.0, 1e5) || !within(g->pcie_gb_s, 0.1, 1e4)) {
        return "tdp_w must lie in 1..1e5, pcie_gb_s in 0.1..1e4";
    }
    if (!within(g->eff_mem_bw, 0.01, 1.0) || !within(g->eff_kv_bw, 0.01, 1.0)) {
        return "eff_mem_bw and eff_kv_bw must lie in 0.01..1";
    }
    if (!within(g->eff_compute, 0.01, 2.0) || !within(g->eff_attention, 0.01, 2.0)) {
        return "eff_compute and eff_attention must lie in 0.01..2 (a rated figure can lie below what is reached)";
    }
    if (!within(g->dense_exposed, 0.0, 1.0) || !within(g->dense_growth, 0.0, 1.0)) {
        return "dense_exposed and dense_growth must lie in 0..1";
    }
    if (!within(g->attn_us_per_layer, 0.0, 1e4) || !within(g->attn_us_per_layer_sequence, 0.0, 1e4) ||
        !within(g->sample_us_per_sequence, 0.0, 1e4) || !within(g->prefill_us, 0.0, 1e5)) {
        return "attn_us_per_layer, attn_us_per_layer_sequence, sample_us_per_sequence must lie in 0..1e4 and "
               "prefill_us in 0..1e5";
    }
    if (!within(g->eff_int4, 0.01, 1.0)) {
        return "eff_int4 must lie in 0.01..1";
    }
    if (!within(g->fp8_tflops, 0.0, 1e6) || !within(g->link_gb_s, 0.01, 1e5) || !within(g->link_us, 0.0, 1e5) ||
        !within(g->nvlink_gb_s, 0.0, 1e5) || !within(g->nvlink_us, 0.0, 1e5)) {
        return "fp8_tflops must lie in 0..1e6, link_gb_s in 0.01..1e5, nvlink_gb_s, link_us, nvlink_us in 0..1e5";
    }
    if (g->link_host_gb_s != 0.0 && !within(g->link_host_gb_s, 0.01, 1e5)) {
        return "link_host_gb_s must be 0 or lie in 0.01..1e5";
    }
    return NULL;
}

const char *mdl_model_check(const mdl_model *m)
{
    static const int64_t most = 10000000;
    if (m->name[0] == '\0') {
        return "name is empty";
    }
    if (!within(m->params_b, 0.001, 1e5) || !within(m->active_b, 0.001, m->params_b)) {
        return "params_b must lie in 0.001..1e5, active_b in 0.001..params_b";
    }
    if (m->layers < 1 || m->layers > 10000 || m->heads < 1 || m->heads > 10000 || m->kv_heads < 1 ||
        m->kv_heads > m->heads || m->head_dim < 1 || m->head_dim > 10000) {
        return "layers, heads, head_dim must lie in 1..10000, kv_heads in 1..heads";
    }
    if (m->hidden < 1 || m->hidden > most || m->ffn < 1 || m->ffn > most || m->vocab < 1 || m->vocab > most) {
        return "hidden, ffn, vocab must lie in 1..1e7";
    }
    if (m->kv_bytes_per_token < 1 || m->kv_bytes_per_token > most * 10) {
        return "kv_bytes_per_token must lie in 1..1e8";
    }
    if (m->weights_bytes < 1 || m->max_context < 1 || m->max_context > INT32_MAX) {
        return "weights_bytes must be at least 1, max_context in 1..2^31 - 1";
    }
    if (strcmp(m->compute, "fp16") != 0 && strcmp(m->compute, "fp8") != 0) {
        return "compute must be fp16 or fp8";
    }
    if (m->experts < 0 || m->experts > 100000 || m->experts_active < 0 || m->experts_active > m->experts ||
        (m->experts > 0) != (m->active_b < m->params_b) || (m->experts > 0) != (m->experts_active > 0)) {
        return "experts and experts_active must be 0 for a dense model (active_b = params_b), else 1 <= experts_active "
               "<= experts <= 1e5";
    }
    return NULL;
}

const char *mdl_profile_check(const mdl_profile *p)
{
    if (p->engine[0] == '\0' || p->gpu[0] == '\0' || p->model[0] == '\0') {
        return "engine, gpu or model is empty";
    }
    const double us[] = {p->c1_us, p->c2_us, p->c3_us, p->c4_us, p->h0_us, p->h1_us,
                         p->e0_us, p->e1_us, p->e2_us, p->g0_us, p->g1_us, p->x_us};
    for (size_t i = 0; i < sizeof us / sizeof us[0]; i++) {
        if (!within(us[i], 0.0, US_MAX)) {
            return "c1_us .. x_us must lie in 0..1e7";
        }
    }
    if (p->block_tokens < 1 || p->block_tokens > 65536) {
        return "block_tokens must lie in 1..65536";
    }
    if (p->reserved_bytes < 0 || !within(p->memory_utilization, 0.01, 1.0)) {
        return "reserved_bytes must not be negative, memory_utilization must lie in 0.01..1";
    }
    return NULL;
}

int32_t mdl_kv_blocks(const mdl_gpu *g, const mdl_model *m, const mdl_profile *p, const mdl_parallel *parallel)
{
    static const mdl_parallel one = {.tensor = 1, .pipeline = 1};
    const mdl_parallel *on = parallel != NULL ? parallel : &one;
    double stage = mdl_stage_share(on, m);
    double tensor = on->tensor > 1 ? (double)on->tensor : 1.0;
    double kv_shares = tensor < (double)m->kv_heads ? tensor : (double)m->kv_heads;
    double kv_bytes = (double)m->kv_bytes_per_token * (on->kv_fp8 ? 0.5 : 1.0) * stage / kv_shares;
    double room = p->memory_utilization * (double)g->mem_usable_bytes - (double)m->weights_bytes * stage / tensor -
                  (double)p->reserved_bytes;
    double blocks = floor(room / ((double)p->block_tokens * kv_bytes));
    if (!(blocks > 0.0)) {
        return 0;
    }
    return blocks < (double)INT32_MAX ? (int32_t)blocks : INT32_MAX;
}

static int64_t ps_of(double us)
{
    return llrint(us * PS_PER_US);
}

mdl_step_model mdl_profile_step(const mdl_model *m, const mdl_profile *p)
{
    const double miss = m->experts > 0 ? 1.0 - (double)m->experts_active / (double)m->experts : 0.0;
    return (mdl_step_model){.c1 = ps_of(p->c1_us),
                            .c2 = ps_of(p->c2_us),
                            .c3 = ps_of(p->c3_us),
                            .c4 = ps_of(p->c4_us),
                            .h0 = ps_of(p->h0_us),
                            .h1 = ps_of(p->h1_us),
                            .e0 = ps_of(p->e0_us),
                            .e1 = ps_of(p->e1_us),
                            .e2 = ps_of(p->e2_us),
                            .g0 = ps_of(p->g0_us),
                            .g1_half = ps_of(p->g1_us / 2.0),
                            .x = ps_of(p->x_us),
                            .x_miss = (uint32_t)(miss * TWO_TO_32)};
}

const char *mdl_profile_config(const mdl_gpu *g, const mdl_model *m, const mdl_profile *p,
                               const mdl_engine_limits *limits, mdl_llm_config *config)
{
    const char *error = mdl_gpu_check(g);
    error = error != NULL ? error : mdl_model_check(m);
    error = error != NULL ? error : mdl_profile_check(p);
    error = error != NULL ? error : mdl_parallel_check(&limits->parallel, m);
    if (error != NULL) {
        return error;
    }
    int32_t blocks = mdl_kv_blocks(g, m, p, &limits->parallel);
    mdl_profile spread;
    mdl_profile_spread(g, m, &limits->parallel, p, &spread);
    if (blocks == 0) {
        return "the weights leave no room for a KV cache on these GPUs";
    }
    mdl_llm_config c = {.step = mdl_profile_step(m, &spread),
                        .block_tokens = (int32_t)p->block_tokens,
                        .kv_blocks = blocks,
                        .max_batched_tokens = limits->max_batched_tokens,
                        .max_sequences = limits->max_sequences,
                        .max_waiting = limits->max_waiting,
                        .max_context = m->max_context < INT32_MAX ? (int32_t)m->max_context : 0,
                        .prefix_blocks = (int32_t)(limits->prefix_share * (double)blocks)};
    c.step.stages = limits->parallel.pipeline;
    error = mdl_llm_check(&c);
    if (error == NULL) {
        *config = c;
    }
    return error;
}
