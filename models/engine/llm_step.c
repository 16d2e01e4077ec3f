/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * llm_step.c - llm engine: how a step is composed and what its end brings (vLLM v1, first come first served).
 *
 * Throwing out: going through the batch in order and throwing out its worst whenever a block is missing ends with the
 * fewest thrown out, worst first, for which the blocks that the rest needs are there. So it is enough to compare two
 * sums while taking out the worst. Decodes stand before the prefill and its chunk is measured when its turn comes: two
 * passes. A decode that finds no block has seen every free block taken, so nothing is left of the prefix cache then.
 *
 * The prefix cache must be seen as it is after each step has taken its blocks, oldest first. A run only takes blocks,
 * so trimming at its end leaves what trimming in each step does. Those who leave at one boundary put their prefixes
 * before anything is trimmed, so that the order of the calls cannot show.
 */
#include "models/engine/llm_state.h"

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
    int64_t n = step->tokens;
    if (model->stages > 1) {
        n = (n + model->stages - 1) / model->stages;
        n = n > step->largest_chunk ? n : step->largest_chunk;
    }
    int64_t memory = model->c1 + model->c2 * (n - 1);
    int64_t compute = model->c3 + model->c4 * n;
    if (model->x > 0) {
        memory += mdl_experts_ps(model->x, model->x_miss, n);
    }
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

/* Tokens a request must compute before it samples its next one. */
static int32_t prefill_rest(const llm_request *r)
{
    return r->input + r->sampled - r->computed;
}

/* The decode part of the step at hand. */
static void decode_step(const llm_state *s, mdl_step *step)
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
static void add_chunk(mdl_step *step, const llm_request *r, int32_t chunk)
{
    step->tokens += chunk;
    step->prefill += chunk;
    step->prefill_pairs += (int64_t)chunk * (2 * (int64_t)r->computed + chunk);
    step->largest_chunk = chunk > step->largest_chunk ? chunk : step->largest_chunk;
    step->sampled += chunk == prefill_rest(r);
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

/* Blocks that the prefix cache holds now under the key of r. */
static int32_t held_blocks(const llm_state *s, const llm_request *r)
{
    return r->key != 0 ? mdl_prefix_find(&s->prefix, r->key) : 0;
}

/* Tokens of r that these spare it. */
static int32_t hit_of(const llm_state *s, const llm_request *r, int32_t held)
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
static int32_t prefix_hit(const llm_state *s, const llm_request *r)
{
    return hit_of(s, r, held_blocks(s, r));
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
        int32_t chunk = llm_min(prefill_rest(r), s->config->max_batched_tokens - s->decodes);
        int32_t need = chunk_blocks(s, r, chunk);
        for (; s->prefills > 0 && llm_due(s) + need > s->free_blocks; thrown = true) {
            throw_out(s, s->free_blocks - llm_due(s));
        }
        s->free_blocks -= s->prefills > 0 ? need : 0;
        s->last_chunk = chunk;
    }
    decode_step(s, step);
    if (s->prefills > 0) {
        add_chunk(step, &s->requests[s->prefill_head], s->last_chunk);
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
        int32_t held = held_blocks(s, r);
        int32_t hit = hit_of(s, r, held);
        int32_t chunk = llm_min(prefill_rest(r) - hit, budget);
        int32_t need = llm_blocks(s, hit + chunk);
        if (need > left) {
            return;
        }
        if (held > 0) {
            mdl_prefix_drop(&s->prefix, r->key);
        }
        r->computed = hit;
        s->tokens_cached += hit;
        llm_dequeue(s, slot);
        llm_batch_join(s, slot);
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
    return llm_run_limit(s, llm_min(llm_steps_left(s, &s->soonest), LLM_RUN_MAX));
}

/* The batch that goes on after a step that is certain: those that decode and one more. Their contexts at its end, steps
 * from then until the first of them ends, blocks that are free. */
typedef struct sequel {
    llm_clock from;
    int64_t context;
    int32_t steps, free_blocks;
} sequel;

/* next_ns is not after the first end of a request, if nobody comes or leaves before. */
static void foresee_end(llm_state *s, const sequel *q)
{
    s->next_ns = llm_ceil_ns(q->from);
    if (q->steps < 1) {
        return; /* it ends there */
    }
    const int64_t decodes = s->decodes + 1;
    if (decodes * (llm_whole(s, (uint32_t)q->steps) + 1) > q->free_blocks) {
        return; /* somebody may be thrown out */
    }
    const int64_t steps = llm_min(q->steps, LLM_RUN_MAX);
    const mdl_step step = {
        .tokens = decodes, .sampled = decodes, .decodes = decodes, .decode_context = q->context + decodes};
    s->next_ns = llm_ceil_ns(llm_after(q->from, steps * mdl_step_ps(&s->config->step, &step) +
                                                    s->config->step.e2 * decodes * (steps * (steps - 1) / 2)));
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
    if (s->prefills > 1 || s->queue.count > 0 || s->last_chunk < prefill_rest(r)) {
        return;
    }
    const sequel q = {.from = s->end,
                      .context = s->context + s->decodes + r->input + r->sampled,
                      .steps = steps_to_end(s, r->output - r->sampled) - 1,
                      .free_blocks = s->free_blocks - llm_due(s)};
    foresee_end(s, &q);
}

void llm_plan(llm_state *s)
{
    mdl_step step;
    bool thrown = make_room(s, &step);
    if (!thrown) {
        admit(s, &step);
    }
    llm_keep_prefixes(s, s->free_blocks - llm_due(s));
    s->planned = true;
    s->mixed = s->prefills > 0;
    if (s->mixed) {
        llm_prefetch_finish(s);
    }
    s->first_ps = mdl_step_ps(&s->config->step, &step);
    s->growth_ps = s->config->step.e2 * s->decodes;
    /* after throwing out, the next step may take requests from the queue: look again */
    s->run_steps = s->mixed || thrown ? 1 : decode_run_steps(s);
    s->end = llm_after(s->at, llm_run_ps(s, s->run_steps));
    s->next_ns = LLM_UNSEEN;
}

static void complete(llm_state *s, uint32_t slot, int64_t at_ns)
{
    mdl_ring_push(&s->ring, s->requests[slot].tag, MDL_DONE, at_ns);
    s->completed++;
    llm_batch_leave(s, slot);
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
            s->prefill_head = s->prefill_tail = slot;
        }
        slot = next;
    }
}

void llm_finish_run(llm_state *s)
{
    int32_t steps = s->run_steps;
    int64_t at_ns = llm_ceil_ns(s->end);
    if (s->decodes > 0) { /* most runs end with a request */
        __builtin_prefetch(&s->requests[s->soonest.slot]);
        __builtin_prefetch(&s->finish[s->decodes - 1]);
    }
    s->free_blocks -= llm_run_blocks(s, steps);
    llm_keep_prefixes(s, s->free_blocks);
    s->iter += steps;
    s->phase_now = llm_rest(s, (uint32_t)s->phase_now + (uint32_t)steps);
    s->context += (int64_t)s->decodes * steps;
    s->tokens_out += (int64_t)s->decodes * steps;
    s->at = s->end;
    s->planned = false;
    if (s->mixed) {
        end_chunks(s, at_ns);
    }
    while (s->dropped != LLM_NIL) {
        uint32_t slot = s->dropped;
        s->dropped = s->requests[slot].dropped_next;
        llm_batch_leave(s, slot);
        llm_release(s, slot);
    }
    while (s->decodes > 0 && llm_steps_left(s, &s->soonest) == 0) {
        complete(s, s->soonest.slot, at_ns);
    }
}

bool llm_head_may_join(const llm_state *s)
{
    /* Free blocks and room in the batch only shrink until the run ends. So does what the prefix cache holds of the
     * head, but block by block with the free ones, so that what it needs besides never gets less than it lacks. */
    int32_t budget = s->config->max_batched_tokens - s->decodes;
    if (s->queue.count == 0 || s->batch >= s->config->max_sequences || budget <= 0) {
        return false;
    }
    const llm_request *r = &s->requests[s->queue.head];
    const int32_t rest = prefill_rest(r);
    if (llm_blocks(s, rest) <= s->free_blocks) { /* all of it, whatever the cache holds */
        return true;
    }
    const int32_t hit = prefix_hit(s, r);
    return llm_blocks(s, hit + llm_min(rest - hit, budget)) <= s->free_blocks;
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
    const int32_t hit = prefix_hit(s, r);
    const int32_t rest = prefill_rest(r) - hit;
    const int32_t chunk = llm_min(rest, budget);
    const int32_t due = llm_in_phase(s, llm_rest(s, (uint32_t)(s->phase_now + steps)));
    const int32_t free_blocks = s->free_blocks - llm_run_blocks(s, steps) - due;
    /* A smaller hit by then takes no more blocks, and lets the step last no shorter. */
    const int32_t need = llm_blocks(s, hit + chunk);
    if (chunk <= 0 || need > free_blocks) {
        return;
    }
    mdl_step step;
    decode_step(s, &step);
    step.decode_context += (int64_t)s->decodes * steps;
    add_chunk(&step, r, chunk);
    sequel q = {.from = llm_after(s->end, mdl_step_ps(&s->config->step, &step)),
                .context = step.decode_context + r->input + r->sampled,
                .steps = steps_to_end(s, r->output - r->sampled + steps) - steps - 1,
                .free_blocks = free_blocks - need};
    s->next_ns = llm_ceil_ns(q.from);
    /* It goes on to decode, if the hit stays what it is: nothing takes blocks from the prefix cache before. */
    if (chunk == rest && s->queue.count == 1 && s->prefix.blocks <= llm_min(free_blocks, s->config->prefix_blocks)) {
        foresee_end(s, &q);
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
    decode_step(s, &step);
    int32_t free_blocks = s->free_blocks - llm_due(s);
    int32_t budget = s->config->max_batched_tokens - s->decodes;
    const llm_request *r = NULL;
    int32_t hit = 0;
    if (s->prefills > 0) {
        r = &s->requests[s->prefill_head];
    } else if (llm_head_may_join(s)) {
        r = &s->requests[s->queue.head];
        hit = prefix_hit(s, r);
    }
    int32_t chunk = r != NULL ? llm_min(prefill_rest(r) - hit, budget) : 0;
    int32_t need = r != NULL ? llm_blocks(s, r->computed + hit + chunk) - llm_blocks(s, r->computed) : 0;
    if (free_blocks < need || s->prefix.blocks > s->config->prefix_blocks) {
        return s->at.ns + 1; /* who joins is not certain yet: no step takes less */
    }
    if (r != NULL) {
        /* what else joins makes the step longer, not shorter, and so does a smaller hit; r->computed leaves the hit
         * out, which makes its attention no longer than it will be */
        add_chunk(&step, r, chunk);
        return llm_ceil_ns(llm_after(s->at, mdl_step_ps(&s->config->step, &step)));
    }
    int64_t steps = decode_run_steps(s);
    int64_t ps =
        steps * mdl_step_ps(&s->config->step, &step) + s->config->step.e2 * s->decodes * (steps * (steps - 1) / 2);
    return llm_ceil_ns(llm_after(s->at, ps));
}
