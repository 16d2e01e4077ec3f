/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * llm_foresee.c - llm engine: when a request ends next, at the earliest, so that its owner need not look before.
 */
#include "models/engine/llm_step.h"

bool llm_head_may_join(const llm_state *s)
{
    /* Free blocks and room in the batch only shrink until the run ends. So does what the prefix cache holds of the
     * head, but block by block with the free ones, so that what it needs besides never gets less than it lacks. */
    int32_t budget = s->config->max_batched_tokens - s->decodes;
    if (s->queue.count == 0 || s->batch >= s->config->max_sequences || budget <= 0) {
        return false;
    }
    const llm_request *r = &s->requests[s->queue.head];
    const int32_t rest = llm_prefill_rest(r);
    if (llm_blocks(s, rest) <= s->free_blocks) { /* all of it, whatever the cache holds */
        return true;
    }
    const int32_t hit = llm_prefix_hit(s, r);
    return llm_blocks(s, hit + llm_min(rest - hit, budget)) <= s->free_blocks;
}

/* From a boundary on those that decode and one more go on, with these contexts and free blocks, and the first of them
 * ends after so many steps. next_ns is not after that end, if nobody comes or leaves before. */
static void foresee_end(llm_state *s, llm_clock from, int64_t context, int32_t steps, int32_t free_blocks)
{
    s->next_ns = llm_ceil_ns(from);
    if (steps < 1) {
        return; /* it ends there */
    }
    const int64_t decodes = s->decodes + 1;
    if (decodes * (llm_whole(s, (uint32_t)steps) + 1) > free_blocks) {
        return; /* somebody may be thrown out */
    }
    const int64_t ps = llm_decodes_ps(&s->config->step, decodes, context + decodes, llm_min(steps, LLM_RUN_MAX));
    s->next_ns = llm_ceil_ns(llm_after(from, ps));
}

/* Steps until the first of the decoding requests ends, or of those and one that has `own` steps to go. */
static int32_t steps_to_end(const llm_state *s, int32_t own)
{
    return s->decodes > 0 ? llm_min(llm_steps_left(s, &s->soonest), own) : own;
}

/* A mixed step that completes the one prefill there is, and nobody waits: all go on to decode. */
static void foresee_decode(llm_state *s)
{
    const llm_request *r = &s->requests[s->prefill_head];
    if (s->prefills > 1 || s->queue.count > 0 || s->last_chunk < llm_prefill_rest(r)) {
        return;
    }
    foresee_end(s, s->end, s->context + s->decodes + r->input + r->sampled, steps_to_end(s, r->output - r->sampled) - 1,
                s->free_blocks - llm_due(s));
}

/* A run of decode steps after which the head of the queue certainly joins. */
static void foresee_join(llm_state *s)
{
    const int32_t steps = s->run_steps;
    if (s->batch >= s->config->max_sequences || (s->decodes > 0 && llm_steps_left(s, &s->soonest) <= steps)) {
        return;
    }
    const llm_request *r = &s->requests[s->queue.head];
    const int32_t budget = s->config->max_batched_tokens - s->decodes;
    const int32_t hit = llm_prefix_hit(s, r);
    const int32_t rest = llm_prefill_rest(r) - hit;
    const int32_t chunk = llm_min(rest, budget);
    const int32_t due = llm_in_phase(s, llm_rest(s, (uint32_t)(s->phase_now + steps)));
    const int32_t free_blocks = s->free_blocks - llm_run_blocks(s, steps) - due;
    /* A smaller hit by then takes no more blocks, and lets the step last no shorter. */
    const int32_t need = llm_blocks(s, hit + chunk);
    if (chunk <= 0 || need > free_blocks) {
        return;
    }
    mdl_step step;
    llm_decode_step(s, &step);
    step.decode_context += (int64_t)s->decodes * steps;
    llm_add_chunk(&step, r, chunk);
    const llm_clock from = llm_after(s->end, mdl_step_ps(&s->config->step, &step));
    s->next_ns = llm_ceil_ns(from);
    /* It goes on to decode, if the hit stays what it is: nothing takes blocks from the prefix cache before. */
    if (chunk == rest && s->queue.count == 1 && s->prefix.blocks <= llm_min(free_blocks, s->config->prefix_blocks)) {
        foresee_end(s, from, step.decode_context + r->input + r->sampled,
                    steps_to_end(s, r->output - r->sampled + steps) - steps - 1, free_blocks - need);
    }
}

void llm_foresee(llm_state *s)
{
    if (s->dropped == LLM_NIL) {
        if (s->mixed) {
            foresee_decode(s);
        } else {
            foresee_join(s);
        }
    }
}

int64_t llm_next_guess_ns(const llm_state *s)
{
    if (s->batch + s->queue.count == 0) {
        return MDL_NEVER;
    }
    mdl_step step;
    llm_decode_step(s, &step);
    int32_t free_blocks = s->free_blocks - llm_due(s);
    int32_t budget = s->config->max_batched_tokens - s->decodes;
    const llm_request *r = NULL;
    int32_t hit = 0;
    if (s->prefills > 0) {
        r = &s->requests[s->prefill_head];
    } else if (llm_head_may_join(s)) {
        r = &s->requests[s->queue.head];
        hit = llm_prefix_hit(s, r);
    }
    int32_t chunk = r != NULL ? llm_min(llm_prefill_rest(r) - hit, budget) : 0;
    int32_t need = r != NULL ? llm_blocks(s, r->computed + hit + chunk) - llm_blocks(s, r->computed) : 0;
    if (free_blocks < need || s->prefix.blocks > s->config->prefix_blocks) {
        return s->at.ns + 1; /* who joins is not certain yet: no step takes less */
    }
    if (r != NULL) {
        /* what else joins makes the step longer, not shorter, and so does a smaller hit; r->computed leaves the hit
         * out, which makes its attention no longer than it will be */
        llm_add_chunk(&step, r, chunk);
        return llm_ceil_ns(llm_after(s->at, mdl_step_ps(&s->config->step, &step)));
    }
    return llm_ceil_ns(llm_after(
        s->at, llm_decodes_ps(&s->config->step, s->decodes, s->context + s->decodes, llm_decode_run_steps(s))));
}
