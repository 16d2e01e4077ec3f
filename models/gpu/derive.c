/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * derive.c - step coefficients without operator tables: from peak figures (roofline) or from another model's row.
 *
 * The roofline form (a step costs the larger of streaming the weights and computing with them) follows Williams,
 * Waterman, Patterson 2009. What a kernel reaches of a peak figure is a column of gpus.csv, fitted where operator
 * tables exist.
 */
#include "models/gpu/gpu.h"

#include <string.h>

#define BYTES_OF_HEAD 2.0  /* embedding and head are not quantised */
#define INT4_BELOW    0.75 /* bytes of a layer parameter */
#define US_PER_S      1e6

/* Parameters of the vocabulary projection at the end: read once a step, used once a sampled token. */
static double head_params(const mdl_model *m)
{
    return (double)m->vocab * (double)m->hidden;
}

/* Parameters one token passes through in the layers: attention projections and a gated feed-forward network. */
static double dense_layer_params(const mdl_model *m)
{
    double hidden = (double)m->hidden;
    double query = (double)m->heads * (double)m->head_dim;
    double key = (double)m->kv_heads * (double)m->head_dim;
    return (double)m->layers * (hidden * (2.0 * query + 2.0 * key) + 3.0 * hidden * (double)m->ffn);
}

/* Parameters of the layers that lie in memory and that one token uses. With experts, ffn is the width of one, so the
 * table's totals less embedding and head stand in. */
static void layer_params(const mdl_model *m, double *resident, double *active)
{
    *resident = dense_layer_params(m);
    *active = *resident;
    if (m->active_b < m->params_b) {
        *resident = m->params_b * 1e9 - 2.0 * head_params(m);
        *active = m->active_b * 1e9 - 2.0 * head_params(m);
    }
}

/* Bytes of one parameter of the layers: what is left of the weights without embedding and head. */
static double layer_bytes_per_param(const mdl_model *m)
{
    double ends = 2.0 * head_params(m);
    return ((double)m->weights_bytes - BYTES_OF_HEAD * ends) / (m->params_b * 1e9 - ends);
}

/* Time to stream all of the layers once, against what a GPU reaches with bf16 weights; times bandwidth = bytes. */
static double stream_bytes(const mdl_gpu *g, const mdl_model *m, double resident)
{
    double bytes = layer_bytes_per_param(m);
    return resident * (bytes < INT4_BELOW ? bytes / g->eff_int4 : bytes);
}

/* Operations on the layers for one token, in those that the GPU does in fp16. */
static double token_flop(const mdl_gpu *g, const mdl_model *m, double active)
{
    double flop = 2.0 * active;
    if (strcmp(m->compute, "fp8") == 0 && g->fp8_tflops > 0.0) {
        return flop * g->fp16_tflops / g->fp8_tflops;
    }
    return layer_bytes_per_param(m) < INT4_BELOW ? flop / g->eff_int4 : flop;
}

/* Width of all attention heads of all layers: what prefill attention is proportional to. */
static double attention_width(const mdl_model *m)
{
    return (double)m->layers * (double)m->heads * (double)m->head_dim;
}

/* Parameters of the experts that tokens are routed to: resident = others + routed, active = others + routed k/E. */
static double routed_params(const mdl_model *m, double resident, double active)
{
    if (m->experts == 0 || m->experts_active >= m->experts) {
        return 0.0;
    }
    return (resident - active) / (1.0 - (double)m->experts_active / (double)m->experts);
}

void mdl_profile_derive(const mdl_gpu *g, const mdl_model *m, mdl_profile *p)
{
    double weight_bytes_per_us = g->mem_bw_gb_s * 1e9 * g->eff_mem_bw / US_PER_S;
    double kv_bytes_per_us = g->mem_bw_gb_s * 1e9 * g->eff_kv_bw / US_PER_S;
    double dense_flop_per_us = g->fp16_tflops * 1e12 * g->eff_compute / US_PER_S;
    double attention_flop_per_us = g->fp16_tflops * 1e12 * g->eff_attention / US_PER_S;
    double resident;
    double active;
    layer_params(m, &resident, &active);
    memcpy(p->gpu, g->name, sizeof p->gpu);
    memcpy(p->model, m->name, sizeof p->model);
    double stream_us = stream_bytes(g, m, resident) / weight_bytes_per_us;
    double routed = routed_params(m, resident, active);
    p->x_us = stream_us * routed / resident;
    p->c1_us = stream_us - p->x_us;
    p->c3_us = g->dense_exposed * stream_us;
    p->c4_us = token_flop(g, m, active) / dense_flop_per_us;
    p->c2_us = g->dense_growth * p->c4_us;
    p->h0_us = head_params(m) * BYTES_OF_HEAD / weight_bytes_per_us;
    p->h1_us = g->sample_us_per_sequence;
    p->e0_us = (double)m->layers * g->attn_us_per_layer;
    p->e1_us = (double)m->layers * g->attn_us_per_layer_sequence;
    p->e2_us = (double)m->kv_bytes_per_token / kv_bytes_per_us;
    p->g0_us = g->prefill_us;
    p->g1_us = 4.0 * attention_width(m) / attention_flop_per_us;
}

void mdl_profile_rescale(const mdl_gpu *g, const mdl_profile *from, const mdl_model *from_model,
                         const mdl_model *to_model, mdl_profile *out)
{
    double resident[2];
    double active[2];
    layer_params(from_model, &resident[0], &active[0]);
    layer_params(to_model, &resident[1], &active[1]);
    double weights = stream_bytes(g, to_model, resident[1]) / stream_bytes(g, from_model, resident[0]);
    double stream_us = (from->c1_us + from->x_us) * weights;
    double compute = token_flop(g, to_model, active[1]) / token_flop(g, from_model, active[0]);
    double head = head_params(to_model) / head_params(from_model);
    double layers = (double)to_model->layers / (double)from_model->layers;
    *out = *from;
    memcpy(out->model, to_model->name, sizeof out->model);
    out->x_us = stream_us * routed_params(to_model, resident[1], active[1]) / resident[1];
    out->c1_us = stream_us - out->x_us;
    out->c2_us = from->c2_us * compute;
    out->c3_us = from->c3_us * weights;
    out->c4_us = from->c4_us * compute;
    out->h0_us = from->h0_us * head;
    out->h1_us = from->h1_us * head;
    out->e0_us = from->e0_us * layers;
    out->e1_us = from->e1_us * layers;
    out->e2_us = from->e2_us * (double)to_model->kv_bytes_per_token / (double)from_model->kv_bytes_per_token;
    out->g1_us = from->g1_us * attention_width(to_model) / attention_width(from_model);
}
