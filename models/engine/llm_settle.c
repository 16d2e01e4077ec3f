/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * llm_settle.c - llm engine: time goes on, run by run; how one begins and what its end brings.
 *
 * The prefix cache must be seen as it is after each step has taken its blocks, oldest first. A run only takes blocks,
 * so trimming at its end leaves what trimming in each step does. Those who leave at one boundary put their prefixes
 * before anything is trimmed, so that the order of the calls cannot show.
 */
#include "models/engine/llm_step.h"

void llm_begin_run(llm_state *s, int64_t first_ps, bool single)
{
    llm_keep_prefixes(s, s->free_blocks - llm_due(s));
    s->planned = true;
    s->first_ps = first_ps;
    s->growth_ps = s->config->step.e2 * s->decodes;
    s->run_steps = single ? 1 : llm_decode_run_steps(s);
    s->end = llm_after(s->at, llm_run_ps(s, s->run_steps));
    s->next_ns = LLM_UNSEEN;
}

/* Nearly every second step only decodes, and for want of blocks nobody leaves. */
static void plan(llm_state *s)
{
    if (s->prefills + s->queue.count > 0 || llm_due(s) > s->free_blocks) {
        llm_compose(s);
    } else {
        s->mixed = false;
        llm_begin_run(s, llm_decode_ps(&s->config->step, s->decodes, s->context + s->decodes), false);
    }
}

static void complete(llm_state *s, uint32_t slot, int64_t at_ns)
{
    mdl_pending_push(&s->pending, s->requests[slot].tag, MDL_DONE, at_ns);
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
        mdl_pending_push(&s->pending, r->tag, MDL_FIRST, at_ns);
    }
    if (r->sampled == r->output) {
        complete(s, slot, at_ns);
    } else {
        llm_decode_join(s, slot);
    }
}

/* Blocks that this step has computed get their names, before anybody leaves. */
static void name_chunks(llm_state *s)
{
    for (uint32_t slot = s->prefill_head; slot != LLM_NIL; slot = s->requests[slot].next) {
        const llm_request *r = &s->requests[slot];
        if (r->chained) {
            const int32_t chunk = r->next == LLM_NIL ? s->last_chunk : llm_prefill_rest(r);
            s->free_blocks += llm_chain_hold(s, r, r->computed, r->computed + chunk);
        }
    }
}

static void end_chunks(llm_state *s, int64_t at_ns)
{
    s->prefills = 0;
    for (uint32_t slot = s->prefill_head; slot != LLM_NIL;) {
        llm_request *r = &s->requests[slot];
        uint32_t next = r->next;
        int32_t rest = llm_prefill_rest(r);
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

static void finish_run(llm_state *s)
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
        if (s->chained > 0) {
            name_chunks(s);
        }
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

void llm_go_on(llm_state *s, int64_t now_ns)
{
    for (;;) {
        if (!s->planned) {
            if (s->at.ns >= now_ns || s->batch + s->queue.count == 0) {
                return;
            }
            plan(s);
        }
        if (llm_ceil_ns(s->end) > now_ns) {
            return;
        }
        finish_run(s);
    }
}
