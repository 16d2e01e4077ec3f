/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * llm_ahead.c - llm engine: asking for memory before it is needed, and whose event comes next. Guesses: a request that
 * they name wrongly, or that has left, costs a cache line and nothing else.
 */
#include "models/engine/llm_state.h"

#define FINISH_LINES 16 /* of the decoding set: 128 requests, more than most batches hold */

/* Whose prefill is under way or comes next. */
static uint32_t coming_prefill(const llm_state *s)
{
    return s->prefills > 0 ? s->prefill_head : s->queue.head;
}

void llm_prefetch_finish(const llm_state *s)
{
    const char *line = (const char *)s->finish;
    const char *end = (const char *)(s->finish + s->decodes);
    for (int32_t i = 0; i < FINISH_LINES && line < end; i++, line += LLM_LINE) {
        __builtin_prefetch(line);
    }
}

void llm_prefetch(const mdl_engine *e)
{
    const llm_state *s = llm_state_of(e);
    const uint32_t prefill = coming_prefill(s);
    if (s->ring.cap > 0) {
        __builtin_prefetch(&s->ring.at[s->ring.head]);
    }
    if (s->decodes > 0) {
        __builtin_prefetch(&s->requests[s->soonest.slot]);
        __builtin_prefetch(&s->finish[s->decodes - 1]);
    }
    if (s->prefix.count > 0) {
        mdl_prefix_prefetch_ends(&s->prefix);
    }
    if (prefill != LLM_NIL) {
        __builtin_prefetch(&s->requests[prefill]);
        llm_prefetch_finish(s);
    }
}

/* Who joins or leaves the batch touches its neighbours there and what the prefix cache holds of it. */
static void prefetch_around(const llm_state *s, const llm_request *r)
{
    if (r->prev != LLM_NIL) {
        __builtin_prefetch(&s->requests[r->prev]);
    }
    if (r->next != LLM_NIL) {
        __builtin_prefetch(&s->requests[r->next]);
    }
    if (r->key != 0) {
        mdl_prefix_prefetch(&s->prefix, r->key);
    }
}

uint32_t llm_expect(const mdl_engine *e)
{
    const llm_state *s = llm_state_of(e);
    const uint32_t prefill = coming_prefill(s);
    uint32_t slot = prefill;
    if (prefill != LLM_NIL) {
        prefetch_around(s, &s->requests[prefill]);
    }
    if (s->decodes > 0) {
        const bool ends = s->planned && llm_steps_left(s, &s->soonest) == s->run_steps;
        if (ends || prefill == LLM_NIL) {
            prefetch_around(s, &s->requests[s->soonest.slot]);
            slot = s->planned && s->mixed ? prefill : s->soonest.slot;
        }
    }
    if (s->ring.count > 0) {
        return s->ring.at[s->ring.head].tag;
    }
    return slot != LLM_NIL && !s->requests[slot].dropped ? s->requests[slot].tag : MDL_REFUSED;
}
