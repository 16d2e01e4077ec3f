/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * llm_step.c - llm engine: how long a step lasts and how it is composed (vLLM v1, first come first served).
 *
 * Throwing out: going through the batch in order and throwing out its worst whenever a block is missing ends with the
 * fewest thrown out, worst first, for which the blocks that the rest needs are there. So it is enough to compare two
 * sums while taking out the worst. Decodes stand before the prefill and its chunk is measured when its turn comes: two
 * passes. A decode that finds no block has seen every free block taken, so nothing is left of the prefix cache then.
 */
#include "models/engine/llm_step.h"

#include <assert.h>

int64_t mdl_experts_ps(int64_t x, uint32_t x_miss, int64_t n)
{
    uint64_t missed = UINT64_C(1) << 32; /* x_miss^n, by squaring */
    uint64_t power = x_miss;
    for (; n > 0 && missed > 0; n >>= 1) {
        missed = (n & 1) != 0 ? (missed * power) >> 32 : missed;
        power = (power * power) >> 32;
    }
    return x - (int64_t)((((uint64_t)x >> 16) * missed) >> 16);
}

int64_t mdl_step_ps(const mdl_step_model *model, const mdl_step *step)
{
    int64_t ps = llm_dense_ps(model, step->tokens, step->largest_chunk, step->sampled);
    if (step->decodes > 0) {
        ps += llm_attention_ps(model, step->decodes, step->decode_context);
    }
    if (step->prefill > 0) {
        ps += model->g0 + model->g1_half * step->prefill_pairs;
    }
    return ps;
}

static int32_t chunk_blocks(const llm_state *s, const llm_request *r, int32_t chunk)
{
    return llm_blocks(s, r->computed + chunk) - llm_blocks(s, r->computed);
}

/* `left`: blocks that are free once those before it in the batch have got theirs. */
static void throw_out(llm_state *s, int32_t left)
{
    assert(s->batch > 1); /* submit refuses what does not fit alone */
    llm_keep_prefixes(s, left);
    uint32_t slot = llm_worst(s);
    llm_batch_leave(s, slot);
    llm_enqueue(s, slot);
    s->preemptions++;
}

/* Makes the blocks available that the batch needs in this step. @return true if a request was thrown out */
static bool make_room(llm_state *s, mdl_step *step)
{
    bool thrown = false;
    for (; llm_due(s) > s->free_blocks; thrown = true) {
        throw_out(s, 0);
    }
    if (s->prefills > 0) {
        const llm_request *r = &s->requests[s->prefill_head];
        int32_t chunk = llm_min(llm_prefill_rest(r), s->config->max_batched_tokens - s->decodes);
        int32_t need = chunk_blocks(s, r, chunk);
        for (; s->prefills > 0 && llm_due(s) + need > s->free_blocks; thrown = true) {
            throw_out(s, s->free_blocks - llm_due(s));
        }
        s->free_blocks -= s->prefills > 0 ? need : 0;
        s->last_chunk = chunk;
    }
    llm_decode_step(s, step);
    if (s->prefills > 0) {
        llm_add_chunk(step, &s->requests[s->prefill_head], s->last_chunk);
    }
    return thrown;
}

static void admit(llm_state *s, mdl_step *step)
{
    int32_t budget = s->config->max_batched_tokens - (int32_t)step->tokens;
    while (s->queue.count > 0 && s->batch < s->config->max_sequences && budget > 0) {
        uint32_t slot = s->queue.head;
        llm_request *r = &s->requests[slot];
        int32_t left = s->free_blocks - llm_due(s);
        llm_keep_prefixes(s, left);
        int32_t held = llm_held_blocks(s, r);
        int32_t hit = r->chained ? llm_chain_hit(s, r) : llm_hit_of(s, r, held);
        int32_t chunk = llm_min(llm_prefill_rest(r) - hit, budget);
        int32_t need = llm_blocks(s, hit + chunk);
        if (need - (r->chained ? llm_chain_spared(s, r, hit) : 0) > left) {
            return;
        }
        if (held > 0) {
            mdl_prefix_drop(&s->prefix, r->key);
        }
        if (r->chained) {
            s->free_blocks += llm_chain_hold(s, r, 0, hit);
        }
        r->computed = hit;
        s->tokens_cached += hit;
        llm_dequeue(s, slot);
        llm_batch_join(s, slot);
        s->free_blocks -= need;
        s->last_chunk = chunk;
        budget -= chunk;
        llm_add_chunk(step, r, chunk);
        r->where = LLM_PREFILL;
        if (!r->started) {
            r->started = true;
            mdl_pending_push(&s->pending, r->tag, MDL_STARTED, llm_ceil_ns(s->at));
        }
    }
}

/* Whether the head of the queue could join within a run: where it is to compute no more in a step than the budget, a
 * block of its chain that is overwritten spares it more blocks than it costs the others. */
static bool head_unsettled(const llm_state *s)
{
    return s->chained > 0 && s->queue.count > 0 && s->requests[s->queue.head].chained && llm_head_may_join(s);
}

/* A step that takes up requests, goes on with a prefill or makes room for the batch, if it must. */
void llm_compose(llm_state *s)
{
    mdl_step step;
    bool thrown = make_room(s, &step);
    if (!thrown) {
        admit(s, &step);
    }
    s->mixed = s->prefills > 0;
    if (s->mixed) {
        llm_prefetch_finish(s);
    }
    /* after throwing out, the next step may take requests from the queue: look again */
    llm_begin_run(s, mdl_step_ps(&s->config->step, &step), s->mixed || thrown || head_unsettled(s));
}
