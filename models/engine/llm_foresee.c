/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * llm_foresee.c - llm engine: when a request ends next, at the earliest, so that its owner need not look before.
 */
#include "models/engine/llm_step.h"

#define QUEUE_LOOK 4 /* more are not looked at one by one */

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
    /* A chain loses more than a block of its hit at once, and others may hold all of it: no less than what is new. */
    return llm_blocks(s, (r->chained ? 0 : hit) + llm_min(rest - hit, budget)) <= s->free_blocks;
}

/* What is certain from a boundary on, if nobody comes or leaves. */
typedef struct sequel {
    llm_clock from;
    int64_t decodes, context; /* of those that decode then, and of no others */
    int64_t free_blocks;      /* when all prompts that are not computed yet have theirs */
    int32_t steps;            /* nobody ends before so many more, whoever is taken up at once */
} sequel;

/* next_ns is not after the first end: each step until then takes no less than what those need who decode throughout,
 * for blocks are there for all, so that nobody is thrown out. */
static void foresee_end(llm_state *s, const sequel *q)
{
    const int64_t inside = s->batch + s->queue.count;
    s->next_ns = llm_ceil_ns(q->from);
    if (q->steps < 1 || q->decodes < 1 || inside * (llm_whole(s, (uint32_t)q->steps) + 1) > q->free_blocks) {
        return;
    }
    const int64_t ps = llm_decodes_ps(&s->config->step, q->decodes, q->context + q->decodes, q->steps);
    s->next_ns = llm_ceil_ns(llm_after(q->from, ps));
}

/* Of those in the queue but `but`, the fewest tokens that one needs to end; 1, the least there is, if they are many. */
static int32_t queue_steps(const llm_state *s, uint32_t but)
{
    int32_t least = s->queue.count > QUEUE_LOOK ? 1 : LLM_RUN_MAX;
    for (uint32_t slot = least > 1 ? s->queue.head : LLM_NIL; slot != LLM_NIL; slot = s->requests[slot].next) {
        const llm_request *r = &s->requests[slot];
        least = slot != but ? llm_min(least, r->output - r->sampled) : least;
    }
    return least;
}

/* Steps until the first of the decoding requests ends. */
static int32_t decode_steps(const llm_state *s)
{
    return s->decodes > 0 ? llm_min(llm_steps_left(s, &s->soonest), LLM_RUN_MAX) : LLM_RUN_MAX;
}

/* A mixed step: those whose prompts it completes go on to decode. */
static void foresee_decode(llm_state *s)
{
    sequel q = {.from = s->end,
                .decodes = s->decodes,
                .context = s->context + s->decodes,
                .free_blocks = s->free_blocks - llm_due(s) - s->queued_blocks,
                .steps = llm_min(decode_steps(s) - 1, queue_steps(s, LLM_NIL))};
    for (uint32_t slot = s->prefill_head; slot != LLM_NIL; slot = s->requests[slot].next) {
        const llm_request *r = &s->requests[slot];
        const int32_t own = r->output - r->sampled, all = r->input + r->sampled;
        if (r->next != LLM_NIL || s->last_chunk == llm_prefill_rest(r)) {
            q.decodes++;
            q.context += all;
            q.steps = llm_min(q.steps, own - 1);
        } else {
            q.free_blocks -= llm_blocks(s, all) - llm_blocks(s, r->computed + s->last_chunk);
            q.steps = llm_min(q.steps, own);
        }
    }
    foresee_end(s, &q);
}

/* A run of decode steps after which the head of the queue certainly joins. */
static void foresee_join(llm_state *s)
{
    const int32_t steps = s->run_steps;
    if (s->batch >= s->config->max_sequences || decode_steps(s) <= steps) {
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
    if (chunk <= 0 || llm_blocks(s, hit + chunk) > free_blocks) {
        return;
    }
    mdl_step step;
    llm_decode_step(s, &step);
    step.decode_context += (int64_t)s->decodes * steps;
    llm_add_chunk(&step, r, chunk);
    /* It goes on to decode, if the hit stays what it is: nothing takes blocks from the prefix cache before. */
    const bool goes_on = chunk == rest && s->prefix.blocks <= llm_min(free_blocks, s->config->prefix_blocks);
    const int32_t own = r->output - r->sampled - (chunk == rest);
    const sequel q = {.from = llm_after(s->end, mdl_step_ps(&s->config->step, &step)),
                      .decodes = s->decodes + goes_on,
                      .context = step.decode_context + (goes_on ? r->input + r->sampled : 0),
                      .free_blocks = free_blocks - s->queued_blocks,
                      .steps = llm_min(llm_min(decode_steps(s) - steps - 1, own), /* the others may join with it */
                                       queue_steps(s, s->queue.head) - 1)};
    foresee_end(s, &q);
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
