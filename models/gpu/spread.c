/* SPDX-License-Identifier: GPL-3.0-or-later */
/* spread.c - one replica on several GPUs: tensor parallelism with ring all-reduces, pipelines with hand-overs. */
#include "models/gpu/spread.h"

#define ACTIVATION_BYTES     2.0 /* bf16 */
#define ALL_REDUCE_PER_LAYER 2.0 /* behind the attention and behind the feed-forward network */
#define GB_S_TO_BYTES_PER_US 1e3

static double at_least_one(int32_t n)
{
    return n > 1 ? (double)n : 1.0;
}

const char *mdl_parallel_check(const mdl_parallel *parallel, const mdl_model *m)
{
    if (parallel->tensor < 0 || parallel->tensor > MDL_TENSOR_MAX || parallel->pipeline < 0) {
        return "tensor parallelism must lie in 1..8, pipeline stages must be at least 1";
    }
    if (parallel->tensor > 1 && m->heads % parallel->tensor != 0) {
        return "tensor parallelism must divide the attention heads of the model";
    }
    if (parallel->pipeline > m->layers) {
        return "a pipeline cannot have more stages than the model has layers";
    }
    return NULL;
}

double mdl_stage_share(const mdl_parallel *parallel, const mdl_model *m)
{
    int64_t stages = parallel->pipeline > 1 ? parallel->pipeline : 1;
    return (double)((m->layers + stages - 1) / stages) / (double)m->layers;
}

/* What one of so many GPUs sends while all of them do. */
static double link_gb_s(const mdl_gpu *g, bool nvlink, double gpus)
{
    if (nvlink) {
        return g->nvlink_gb_s;
    }
    double share = g->link_host_gb_s / gpus;
    return share > 0.0 && share < g->link_gb_s ? share : g->link_gb_s;
}

void mdl_profile_spread(const mdl_gpu *g, const mdl_model *m, const mdl_parallel *parallel, const mdl_profile *p,
                        mdl_profile *out)
{
    double t = at_least_one(parallel->tensor);
    double s = at_least_one(parallel->pipeline);
    bool nvlink = g->nvlink_gb_s > 0.0 && !parallel->pcie;
    double link_us = nvlink ? g->nvlink_us : g->link_us;
    double bytes_per_us = link_gb_s(g, nvlink, t * s) * GB_S_TO_BYTES_PER_US;
    double token_us =
        (double)m->hidden * ACTIVATION_BYTES / bytes_per_us; /* one token's activations once over the link */
    double slow = s * mdl_stage_share(parallel, m); /* how much longer the largest stage takes than an even one */
    double fixed_us = 0.0;
    double per_token_us = 0.0;
    if (t > 1.0) {
        double times = ALL_REDUCE_PER_LAYER * (double)m->layers * slow;
        fixed_us += times * link_us;
        per_token_us += times * 2.0 * (t - 1.0) / t * token_us;
    }
    if (s > 1.0) {
        fixed_us += s * link_us;
        per_token_us += s * token_us;
    }
    double kv_shares = t < (double)m->kv_heads ? t : (double)m->kv_heads;
    *out = *p;
    /* c1 stands for the first token: c1 + c2 (n - 1) */
    out->c1_us = p->c1_us * slow / t + fixed_us + per_token_us;
    out->c2_us = p->c2_us * slow / t + per_token_us;
    out->c3_us = p->c3_us * slow / t + fixed_us;
    out->c4_us = p->c4_us * slow / t + per_token_us;
    out->x_us = p->x_us * slow / t;
    out->h0_us = p->h0_us * s / t;
    out->e0_us = p->e0_us * slow;
    out->e1_us = p->e1_us * slow / (t * s);
    out->e2_us = p->e2_us * slow / (kv_shares * s) * (parallel->kv_fp8 ? 0.5 : 1.0);
    out->g1_us = p->g1_us * slow / t;
}
