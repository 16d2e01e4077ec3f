/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * llm_step.c - llm engine: how a step is composed and what its end brings (vLLM v1, first come first served).
 *
 * Throwing out: going through the batch in order and throwing out its last whenever a block is missing ends with the
 * fewest thrown out, from the tail, for which the blocks that the rest needs are there. So it is enough to compare two
 * sums while taking requests from the tail.
 */
#include "models/engine/llm_state.h"

#include <assert.h>

int64_t mdl_step_ps(const mdl_step_model *model, const mdl_step *step)
{
    int64_t memory = model->c1 + model->c2 * (step->tokens - 1);
    int64_t compute = model->c3 + model->c4 * step->tokens;
    int64_t ps = memory > compute ? memory : compute;
    ps += model->h0 + model->h1 * step->sampled;
    if (step->decodes > 0) {
        ps += model->e0 + model->e1 * step->decodes + model->e2 * step->decode_context;
    }
    if (step->prefill > 0) {
        ps += model->g0 + model->g1_half * step->prefill_pairs;
    }
    return ps;
}

static int32_t min_i32(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

/* Tokens a request must compute before it samples its next one. */
static int32_t prefill_rest(const llm_request *r)
{
    return r->input + r->sampled - r->computed;
}

/* The decode part of the step at hand. */
static mdl_step decode_step(const llm_state *s)
{
    return (mdl_step){
        .tokens = s->decodes, .sampled = s->decodes, .decodes = s->decodes, .decode_context = s->context + s->decodes};
}

/* Adds a chunk of r to a step. */
static void add_chunk(mdl_step *step, const llm_request *r, int32_t chunk)
{
    step->tokens += chunk;
    step->prefill += chunk;
    step->prefill_pairs += (int64_t)chunk * (2 * (int64_t)r->computed + chunk);
    step->sampled += chunk == prefill_rest(r);
}

static int32_t chunk_blocks(const llm_state *s, const llm_request *r, int32_t chunk)
{
    return llm_blocks(s, r->computed + chunk) - llm_blocks(s, r->computed);
}

static void throw_out_last(llm_state *s)
{
    uint32_t slot = s->batch.tail;
    llm_batch_leave(s, slot);
    s->requests[slot].where = LLM_WAITING;
    llm_prepend(s, &s->queue, slot);
    s->preemptions++;
}

/* Makes the blocks available that the batch needs in this step. @return true if a request was thrown out */
static bool make_room(llm_state *s, mdl_step *step)
{
    int32_t chunk = 0;
    int32_t chunk_need = 0;
    if (s->prefills > 0) {
        const llm_request *r = &s->requests[s->prefill_head];
        chunk = min_i32(prefill_rest(r), s->config.max_batched_tokens - s->decodes);
        chunk_need = chunk_blocks(s, r, chunk);
    }
    bool thrown = false;
    while (s->phase[s->phase_now] + chunk_need > s->free_blocks) {
        assert(s->batch.count > 1); /* submit refuses what does not fit alone */
        throw_out_last(s);
        if (s->prefills == 0) {
            chunk_need = 0;
        }
        thrown = true;
    }
    *step = decode_step(s);
    if (s->prefills > 0) {
        s->free_blocks -= chunk_need;
        s->last_chunk = chunk;
        add_chunk(step, &s->requests[s->prefill_head], chunk);
    }
    return thrown;
}

static void admit(llm_state *s, mdl_step *step)
{
    int32_t budget = s->config.max_batched_tokens - (int32_t)step->tokens;
    while (s->queue.count > 0 && s->batch.count < s->config.max_sequences && budget > 0) {
        uint32_t slot = s->queue.head;
        llm_request *r = &s->requests[slot];
        int32_t chunk = min_i32(prefill_rest(r), budget);
        int32_t need = llm_blocks(s, chunk);
        if (need > s->free_blocks - s->phase[s->phase_now]) {
            return;
        }
        llm_unlink(s, &s->queue, slot);
        llm_append(s, &s->batch, slot);
        if (s->prefills++ == 0) {
            s->prefill_head = slot;
        }
        s->free_blocks -= need;
        s->last_chunk = chunk;
        budget -= chunk;
        add_chunk(step, r, chunk);
        r->where = LLM_PREFILL;
        if (!r->started) {
            r->started = true;
            mdl_ring_push(&s->ring, r->tag, MDL_STARTED, llm_ceil_ns(s->at));
        }
    }
}

/* The longest run of decode steps: up to the first completion or the last step that gets its blocks. */
static int32_t decode_run_steps(const llm_state *s)
{
    int64_t steps = s->finish[s->decodes - 1].iter - s->iter;
    return llm_run_limit(s, steps < LLM_RUN_MAX ? (int32_t)steps : LLM_RUN_MAX);
}

void llm_plan(llm_state *s)
{
    mdl_step step;
    bool thrown = make_room(s, &step);
    if (!thrown) {
        admit(s, &step);
    }
    s->planned = true;
    s->mixed = s->prefills > 0;
    s->first_ps = mdl_step_ps(&s->config.step, &step);
    s->growth_ps = s->config.step.e2 * s->decodes;
    /* after throwing out, the next step may take requests from the queue: look again */
    s->run_steps = s->mixed || thrown ? 1 : decode_run_steps(s);
    s->run_ps = llm_run_ps(s, s->run_steps);
    s->end = llm_after(s->at, s->run_ps);
}

static void complete(llm_state *s, uint32_t slot, int64_t at_ns)
{
    mdl_ring_push(&s->ring, s->requests[slot].tag, MDL_DONE, at_ns);
    s->completed++;
    llm_batch_leave(s, slot);
    llm_forget(s, slot);
    llm_release(s, slot);
}

/* A prefill is complete: one token is sampled. */
static void end_prefill(llm_state *s, uint32_t slot, int64_t at_ns)
{
    llm_request *r = &s->requests[slot];
    r->sampled++;
    s->tokens_out++;
    if (r->dropped) {
        return;
    }
    if (r->sampled == 1) {
        mdl_ring_push(&s->ring, r->tag, MDL_FIRST, at_ns);
    }
    if (r->sampled == r->output) {
        complete(s, slot, at_ns);
    } else {
        llm_decode_join(s, slot);
    }
}

static void end_chunks(llm_state *s, int64_t at_ns)
{
    s->prefills = 0;
    for (uint32_t slot = s->prefill_head; slot != LLM_NIL;) {
        llm_request *r = &s->requests[slot];
        uint32_t next = r->next;
        int32_t rest = prefill_rest(r);
        int32_t chunk = next == LLM_NIL ? s->last_chunk : rest;
        r->computed += chunk;
        s->tokens_in += chunk;
        if (chunk == rest) {
            end_prefill(s, slot, at_ns);
        } else {
            s->prefills = 1;
            s->prefill_head = slot;
        }
        slot = next;
    }
}

void llm_finish_run(llm_state *s)
{
    int32_t steps = s->run_steps;
    int64_t at_ns = llm_ceil_ns(s->end);
    s->free_blocks -= llm_run_blocks(s, steps);
    s->iter += steps;
    s->phase_now = (int32_t)(((uint32_t)s->phase_now + (uint32_t)steps) % (uint32_t)s->config.block_tokens);
    s->context += (int64_t)s->decodes * steps;
    s->tokens_out += (int64_t)s->decodes * steps;
    s->at = s->end;
    s->busy = llm_after(s->busy, s->run_ps);
    s->planned = false;
    if (s->mixed) {
        end_chunks(s, at_ns);
    }
    while (s->dropped != LLM_NIL) {
        uint32_t slot = s->dropped;
        s->dropped = s->requests[slot].younger;
        llm_batch_leave(s, slot);
        llm_release(s, slot);
    }
    while (s->decodes > 0 && s->finish[s->decodes - 1].iter == s->iter) {
        complete(s, s->finish[s->decodes - 1].slot, at_ns);
    }
}

bool llm_head_may_join(const llm_state *s)
{
    /* free blocks and room in the batch only shrink until the run ends */
    int32_t budget = s->config.max_batched_tokens - s->decodes;
    return s->queue.count > 0 && s->batch.count < s->config.max_sequences && budget > 0 &&
           llm_blocks(s, min_i32(prefill_rest(&s->requests[s->queue.head]), budget)) <= s->free_blocks;
}

int64_t llm_next_guess_ns(const llm_state *s)
{
    if (s->batch.count + s->queue.count == 0) {
        return MDL_NEVER;
    }
    mdl_step step = decode_step(s);
    int32_t free_blocks = s->free_blocks - s->phase[s->phase_now];
    int32_t budget = s->config.max_batched_tokens - s->decodes;
    const llm_request *r = NULL;
    if (s->prefills > 0) {
        r = &s->requests[s->prefill_head];
    } else if (llm_head_may_join(s)) {
        r = &s->requests[s->queue.head];
    }
    int32_t chunk = r != NULL ? min_i32(prefill_rest(r), budget) : 0;
    int32_t need = r != NULL ? chunk_blocks(s, r, chunk) : 0;
    if (free_blocks < need) {
        return s->at.ns + 1; /* somebody will be thrown out or not taken up: no step takes less */
    }
    if (r != NULL) {
        add_chunk(&step, r, chunk); /* what else joins makes the step longer, not shorter */
        return llm_ceil_ns(llm_after(s->at, mdl_step_ps(&s->config.step, &step)));
    }
    int64_t steps = decode_run_steps(s);
    int64_t ps =
        steps * mdl_step_ps(&s->config.step, &step) + s->config.step.e2 * s->decodes * (steps * (steps - 1) / 2);
    return llm_ceil_ns(llm_after(s->at, ps));
}
