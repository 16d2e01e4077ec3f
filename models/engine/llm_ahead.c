/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * llm_ahead.c - llm engine: asking for memory before it is needed, and whose event comes next. Guesses: a request that
 * they name wrongly, or that has left, costs a cache line and nothing else.
 */
#include "models/engine/llm_state.h"

void llm_prefetch_finish(const llm_state *s)
{
    const char *line = (const char *)s->finish; /* 32 requests, as many as most batches hold */
    __builtin_prefetch(line);
    __builtin_prefetch(line + 1 * LLM_LINE);
    __builtin_prefetch(line + 2 * LLM_LINE);
    __builtin_prefetch(line + 3 * LLM_LINE);
}

void llm_prefetch(const mdl_engine *e)
{
    const llm_state *s = llm_state_of(e);
    if (s->pending.cap == 0) {
        return; /* nothing was ever submitted */
    }
    __builtin_prefetch(&s->pending.at[0]);
    __builtin_prefetch(&s->requests[s->soonest.slot]);
    const uint32_t prefill = s->prefills > 0 ? s->prefill_head : s->queue.head;
    __builtin_prefetch(&s->requests[prefill != LLM_NIL ? prefill : s->soonest.slot]);
    __builtin_prefetch(&s->finish[s->decodes]);
    llm_prefetch_finish(s);
    if (s->prefix.count > 0) {
        mdl_prefix_prefetch_ends(&s->prefix);
    }
}

static uint32_t tag_of(const llm_request *r)
{
    return r->dropped ? MDL_REFUSED : r->tag;
}

mdl_expected llm_expect(const mdl_engine *e)
{
    const llm_state *s = llm_state_of(e);
    mdl_expected expected = {.ends = MDL_REFUSED, .begins = MDL_REFUSED};
    if (s->decodes > 0) { /* who leaves the batch leaves a prefix */
        const llm_request *r = &s->requests[s->soonest.slot];
        expected.ends = tag_of(r);
        if (r->key != 0 && !r->chained) {
            mdl_prefix_prefetch(&s->prefix, r->key);
        }
    }
    if (s->prefills > 0) {
        expected.begins = tag_of(&s->requests[s->prefill_head]);
    } else if (s->queue.count > 0) { /* who joins it looks for one */
        const llm_request *r = &s->requests[s->queue.head];
        expected.begins = tag_of(r);
        if (r->key != 0 && !r->chained) {
            mdl_prefix_prefetch(&s->prefix, r->key);
        }
    }
    return expected;
}
