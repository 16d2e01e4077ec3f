/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * llm_step.h - what a step of the llm engine holds and how long it lasts; private to models/engine.
 */
#ifndef MODELS_ENGINE_LLM_STEP_H
#define MODELS_ENGINE_LLM_STEP_H

#include "models/engine/llm_state.h"

/* All of a step of so many tokens but attention. */
static inline int64_t llm_dense_ps(const mdl_step_model *model, int64_t tokens, int64_t largest_chunk, int64_t sampled)
{
    int64_t n = tokens;
    if (model->stages > 1) {
        n = (n + model->stages - 1) / model->stages;
        n = n > largest_chunk ? n : largest_chunk;
    }
    int64_t memory = model->c1 + model->c2 * (n - 1);
    int64_t compute = model->c3 + model->c4 * n;
    if (model->x > 0) {
        memory += mdl_experts_ps(model->x, model->x_miss, n);
    }
    return (memory > compute ? memory : compute) + model->h0 + model->h1 * sampled;
}

/* Attention of so many > 0 decodes. */
static inline int64_t llm_attention_ps(const mdl_step_model *model, int64_t decodes, int64_t context)
{
    return model->e0 + model->e1 * decodes + model->e2 * context;
}

/* A step that only decodes, its own tokens included in the contexts. */
static inline int64_t llm_decode_ps(const mdl_step_model *model, int64_t decodes, int64_t context)
{
    return llm_dense_ps(model, decodes, 0, decodes) + llm_attention_ps(model, decodes, context);
}

/* Of so many > 0 such steps one after the other. */
static inline int64_t llm_decodes_ps(const mdl_step_model *model, int64_t decodes, int64_t context, int64_t steps)
{
    return steps * llm_decode_ps(model, decodes, context) + model->e2 * decodes * (steps * (steps - 1) / 2);
}

/* Tokens a request must compute before it samples its next one. */
static inline int32_t llm_prefill_rest(const llm_request *r)
{
    return r->input + r->sampled - r->computed;
}

/* The decode part of the step at hand. */
static inline void llm_decode_step(const llm_state *s, mdl_step *step)
{
    step->tokens = s->decodes;
    step->sampled = s->decodes;
    step->decodes = s->decodes;
    step->decode_context = s->context + s->decodes;
    step->prefill = 0;
    step->prefill_pairs = 0;
    step->largest_chunk = 0;
}

/* Adds a chunk of r to a step. */
static inline void llm_add_chunk(mdl_step *step, const llm_request *r, int32_t chunk)
{
    step->tokens += chunk;
    step->prefill += chunk;
    step->prefill_pairs += (int64_t)chunk * (2 * (int64_t)r->computed + chunk);
    step->largest_chunk = chunk > step->largest_chunk ? chunk : step->largest_chunk;
    step->sampled += chunk == llm_prefill_rest(r);
}

/* Blocks that the prefix cache holds now under the key of r. */
static inline int32_t llm_held_blocks(const llm_state *s, const llm_request *r)
{
    return r->key != 0 && !r->chained ? mdl_prefix_find(&s->prefix, r->key) : 0;
}

/* Tokens of r that these spare it. */
static inline int32_t llm_hit_of(const llm_state *s, const llm_request *r, int32_t held)
{
    int32_t hit = r->hot;
    if (held > 0) {
        int32_t most = llm_whole(s, (uint32_t)llm_min(r->prefix, r->input + r->sampled - 1));
        int32_t found = s->config->block_tokens * llm_min(held, most);
        hit = found > hit ? found : hit;
    }
    return hit;
}

/* Tokens of r that lie in the prefix cache now. */
static inline int32_t llm_prefix_hit(const llm_state *s, const llm_request *r)
{
    return r->chained ? llm_chain_hit(s, r) : llm_hit_of(s, r, llm_held_blocks(s, r));
}

/* The longest run of decode steps: up to the first completion or the last step that gets its blocks. */
static inline int32_t llm_decode_run_steps(const llm_state *s)
{
    return llm_run_limit(s, llm_min(llm_steps_left(s, &s->soonest), LLM_RUN_MAX));
}

#endif
