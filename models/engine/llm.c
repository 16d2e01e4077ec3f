/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * llm.c - llm engine: the calls of engine.h. How a step is composed: llm_step.c; how time goes on: llm_settle.c; the
 * state and its invariants: llm_state.h.
 *
 * An arrival cuts the planned run at the first boundary at or after it, if it could be taken up there at all: behind
 * another waiting request, or with the batch, the token budget or the KV cache full, it changes nothing and the run
 * stands.
 */
#include "models/engine/llm_state.h"

#include <stdlib.h>
#include <string.h>

#define REQUESTS_START 16u
#define REQUESTS_MAX   (UINT32_C(1) << 30)
#define DECODE_PS_MAX  0x1p47 /* runs hold LLM_RUN_MAX = 2^14 of such steps */
#define STEP_PS_MAX    0x1p60 /* one with prefills stands alone */

/* The run under way ends at the first boundary at or after now_ns. */
static void cut_run(llm_state *s, int64_t now_ns)
{
    if (s->planned && s->run_steps > 1) {
        s->run_steps = llm_run_reach(s, llm_until_ps(s->at, now_ns), s->run_steps);
        s->end = llm_after(s->at, llm_run_ps(s, s->run_steps));
    }
}

/* Whole ns of work from the beginning to a time up to which there was some, or since when there is none. */
static int64_t busy_ns(const llm_state *s, llm_clock until)
{
    return until.ns - s->idle.ns - (until.ps < s->idle.ps);
}

/* There is work again. */
static void wake(llm_state *s, int64_t now_ns)
{
    const bool borrow = s->idle.ps < s->at.ps;
    s->idle.ns += now_ns - s->at.ns - borrow;
    s->idle.ps += (borrow ? 1000 : 0) - s->at.ps;
    s->at = (llm_clock){.ns = now_ns, .ps = 0};
}

/* Another one stands at the head of the queue than when the run was planned or cut, or none. */
static void new_head(llm_state *s, int64_t now_ns)
{
    if (llm_head_may_join(s)) {
        cut_run(s, now_ns);
    }
}

static bool grow_requests(llm_state *s)
{
    uint32_t cap = s->request_cap > 0 ? s->request_cap * 2 : REQUESTS_START;
    if (cap > REQUESTS_MAX) {
        return false;
    }
    llm_request *requests = aligned_alloc(LLM_LINE, cap * sizeof *requests);
    if (requests == NULL) {
        return false;
    }
    if (s->requests != NULL) {
        memcpy(requests, s->requests, s->fresh_slot * sizeof *requests);
        free(s->requests);
    }
    s->requests = requests;
    s->request_cap = cap;
    return true;
}

/* Room for one more request, with so many keys. */
static bool reserve(llm_state *s, size_t keys, bool chained)
{
    size_t most = (size_t)llm_live(s) + 1;
    if (llm_live(s) == s->request_cap && !grow_requests(s)) {
        return false;
    }
    size_t decodes = most < (size_t)s->config->max_sequences ? most : (size_t)s->config->max_sequences;
    if (decodes > s->finish_cap) {
        size_t cap = 2 * decodes;
        llm_finish *finish = realloc(s->finish, cap * sizeof *finish);
        if (finish == NULL) {
            return false;
        }
        s->finish = finish;
        s->finish_cap = (uint32_t)cap;
    }
    return (keys == 0 || mdl_prefix_reserve(&s->prefix, s->keyed + keys)) &&
           (!chained || mdl_shared_reserve(llm_shared(s), s->keyed + keys)) && mdl_pending_reserve(&s->pending, most);
}

/* Tokens of whole blocks, fewer than `below`. */
static int32_t whole_blocks(const llm_state *s, int32_t tokens, int32_t below)
{
    tokens = tokens < below ? tokens : below - 1;
    return tokens - llm_rest(s, (uint32_t)tokens);
}

/* Whether a request can ever run here. */
static bool fits(const llm_state *s, const mdl_work *work)
{
    return work->input_tokens >= 1 && work->output_tokens >= 1 && work->cached_tokens >= 0 &&
           work->prefix_tokens >= 0 && (int64_t)work->input_tokens + work->output_tokens <= mdl_llm_room(s->config);
}

/* The chain of a request, if this engine can keep its blocks. */
static const mdl_chain *chain_of(const llm_state *s, const mdl_work *work)
{
    const mdl_chain *c = work->chain;
    const bool keeps =
        c != NULL && s->config->prefix_blocks > 0 && c->count > 0 && llm_rest(s, (uint32_t)c->block_tokens) == 0;
    return keeps ? c : NULL;
}

static uint32_t llm_submit(mdl_engine *e, int64_t now_ns, const mdl_work *work)
{
    mdl_engine_prefetch_state(e);
    llm_state *s = llm_state_of(e);
    if (s->spares > 0) {
        __builtin_prefetch(&s->requests[s->spare[(s->spare_top - 1u) % LLM_SPARES]], 1);
    }
    if (s->queue.tail != LLM_NIL) {
        __builtin_prefetch(&s->requests[s->queue.tail]);
    }
    if (work->prefix_key != 0) {
        mdl_prefix_prefetch(&s->prefix, work->prefix_key);
    }
    llm_settle(s, now_ns);
    if (!fits(s, work) || s->queue.count >= s->config->max_waiting) {
        return MDL_REFUSED;
    }
    const mdl_chain *chain = chain_of(s, work);
    const uint64_t key = s->config->prefix_blocks > 0 && work->chain == NULL ? work->prefix_key : 0;
    if (!reserve(s, chain != NULL ? (size_t)chain->count : key != 0, chain != NULL)) {
        return MDL_STARVED;
    }
    bool idle = s->batch + s->queue.count == 0;
    uint32_t slot = llm_take(s);
    llm_request *r = &s->requests[slot];
    *r = (llm_request){.tag = work->tag,
                       .number = s->submitted++,
                       .key = key,
                       .prefix = work->prefix_tokens,
                       .hot = whole_blocks(s, work->cached_tokens, work->input_tokens),
                       .priority = work->priority,
                       .input = work->input_tokens,
                       .output = work->output_tokens};
    if (chain != NULL) {
        r->chain = chain;
        r->chained = true;
        s->chained++;
    }
    s->ranked += r->priority != 0;
    s->keyed += llm_keys_of(r);
    llm_enqueue(s, slot);
    if (idle) {
        wake(s, now_ns);
    } else if (s->queue.head == slot && s->planned) {
        new_head(s, now_ns);
    }
    s->next_ns = LLM_UNSEEN;
    return slot;
}

static void llm_cancel(mdl_engine *e, int64_t now_ns, uint32_t handle)
{
    llm_state *s = llm_state_of(e);
    llm_settle(s, now_ns);
    if (handle >= s->fresh_slot || s->requests[handle].where == LLM_FREE || s->requests[handle].dropped) {
        return;
    }
    llm_request *r = &s->requests[handle];
    mdl_pending_forget(&s->pending, r->tag);
    s->next_ns = LLM_UNSEEN;
    if (r->where == LLM_WAITING) {
        bool head = s->queue.head == handle;
        llm_dequeue(s, handle);
        llm_release(s, handle);
        if (head && s->planned) {
            new_head(s, now_ns);
        }
    } else if (r->where == LLM_EVICTED) {
        llm_unlink(s, &s->evicted, handle);
        llm_release(s, handle);
    } else if (s->planned) {
        r->dropped = true;
        r->dropped_next = s->dropped;
        s->dropped = handle;
        cut_run(s, now_ns);
    } else {
        llm_batch_leave(s, handle);
        llm_release(s, handle);
    }
}

static int64_t llm_next(const mdl_engine *e)
{
    llm_state *s = llm_state_of(e);
    if (s->pending.due_ns != MDL_NEVER) {
        return s->pending.due_ns;
    }
    if (!s->planned) {
        return llm_next_guess_ns(s);
    }
    return llm_seen_ns(s);
}

static size_t llm_advance(mdl_engine *e, int64_t now_ns, mdl_event *out, size_t out_max)
{
    llm_state *s = llm_state_of(e);
    mdl_pending_listen(&s->pending, out, out_max);
    llm_settle(s, now_ns);
    return mdl_pending_heard(&s->pending, out);
}

/* Of the planned run, steps that have begun before now_ns. */
static int32_t begun_steps(const llm_state *s, int64_t now_ns)
{
    return llm_run_reach(s, llm_until_ps(s->at, now_ns), s->run_steps);
}

/* Of those, steps that have ended: all but the last, and it too if it ends at this very instant. */
static int32_t ended_steps(const llm_state *s, int64_t now_ns, int32_t begun)
{
    return begun - (llm_run_ps(s, begun) > llm_until_ps(s->at, now_ns));
}

static void llm_load(const mdl_engine *e, int64_t now_ns, mdl_load *out)
{
    llm_state *s = llm_state_of(e);
    llm_settle(s, now_ns);
    *out = (mdl_load){.running = s->batch,
                      .waiting = s->queue.count,
                      .kv_blocks = s->config->kv_blocks,
                      .kv_blocks_used = s->config->kv_blocks - s->free_blocks,
                      .tokens_in = s->tokens_in,
                      .tokens_cached = s->tokens_cached,
                      .tokens_out = s->tokens_out,
                      .preemptions = s->preemptions,
                      .completed = s->completed,
                      .busy_ns = busy_ns(s, s->at)};
    if (s->planned) {
        int32_t begun = begun_steps(s, now_ns);
        out->kv_blocks_used += llm_run_blocks(s, begun);
        out->tokens_out += (int64_t)ended_steps(s, now_ns, begun) * s->decodes;
        out->busy_ns = busy_ns(s, (llm_clock){.ns = now_ns, .ps = 0});
    }
}

static mdl_kv llm_kv(const mdl_engine *e)
{
    const llm_state *s = llm_state_of(e);
    int64_t taken = s->config->kv_blocks - s->free_blocks + s->queued_blocks;
    if (s->prefills > 0) { /* the last of them may go on in later steps */
        const llm_request *r = &s->requests[s->prefill_tail];
        const int32_t there = r->computed + (s->planned ? s->last_chunk : 0);
        taken += r->dropped ? 0 : llm_blocks(s, r->input + r->sampled) - llm_blocks(s, there);
    }
    return (mdl_kv){.blocks = s->config->kv_blocks, .taken = taken};
}

static int32_t llm_sampled(const mdl_engine *e, int64_t now_ns, uint32_t handle)
{
    llm_state *s = llm_state_of(e);
    llm_settle(s, now_ns);
    const llm_request *r = &s->requests[handle];
    if (r->where != LLM_DECODE) {
        return r->sampled;
    }
    const int32_t ended = s->planned ? ended_steps(s, now_ns, begun_steps(s, now_ns)) : 0;
    return llm_computed(s, r) - r->input + 1 + ended;
}

/* Stops all work: what is inside only waits to be named to the owner. */
static void stop(llm_state *s, mdl_engine *e, int64_t now_ns)
{
    mdl_load load;
    llm_load(e, now_ns, &load);
    s->tokens_out = load.tokens_out;
    if (s->planned) {
        s->at = (llm_clock){.ns = now_ns, .ps = 0};
    }
    llm_gather(s);
    while (s->dropped != LLM_NIL) {
        uint32_t slot = s->dropped;
        s->dropped = s->requests[slot].dropped_next;
        llm_release(s, slot);
    }
    s->planned = false;
    s->decodes = 0;
    s->prefills = 0;
    s->context = 0;
    s->free_blocks = s->config->kv_blocks;
    memset(s->below, 0, llm_below_bytes(s->config));
    mdl_prefix_clear(&s->prefix);
    mdl_shared_clear(llm_shared(s));
    mdl_pending_clear(&s->pending);
}

static size_t llm_evict(mdl_engine *e, int64_t now_ns, uint32_t *tags, size_t tags_max)
{
    llm_state *s = llm_state_of(e);
    llm_settle(s, now_ns);
    if (s->batch + s->queue.count > 0) {
        stop(s, e, now_ns);
    }
    size_t n = 0;
    for (; n < tags_max && s->evicted.count > 0; n++) {
        uint32_t slot = s->evicted.head;
        tags[n] = s->requests[slot].tag;
        llm_unlink(s, &s->evicted, slot);
        llm_release(s, slot);
    }
    return n;
}

static size_t llm_tags(const mdl_engine *e, uint32_t *tags, size_t tags_max)
{
    const llm_state *s = llm_state_of(e);
    size_t n = 0;
    for (uint32_t slot = 0; slot < s->fresh_slot; slot++) {
        const llm_request *r = &s->requests[slot];
        if (r->where == LLM_FREE || r->dropped) {
            continue;
        }
        if (n < tags_max) {
            tags[n] = r->tag;
        }
        n++;
    }
    return n;
}

static void llm_free(mdl_engine *e)
{
    llm_state *s = llm_state_of(e);
    free(s->finish);
    free(s->requests);
    mdl_prefix_free(&s->prefix);
    mdl_shared_free(llm_shared(s));
    mdl_pending_free(&s->pending);
    free(s);
}

const mdl_engine_type mdl_engine_llm = {.name = "llm",
                                        .summary = "continuous batching with paged KV memory, as vLLM v1 schedules it",
                                        .free = llm_free,
                                        .submit = llm_submit,
                                        .cancel = llm_cancel,
                                        .next = llm_next,
                                        .advance = llm_advance,
                                        .load = llm_load,
                                        .kv = llm_kv,
                                        .sampled = llm_sampled,
                                        .evict = llm_evict,
                                        .tags = llm_tags,
                                        .prefetch = llm_prefetch,
                                        .expect = llm_expect};

/* The longest time that a step of n tokens can take, without prefills. */
static double step_ps(const mdl_step_model *m, double n, double context)
{
    const double memory = (double)m->c1 + (double)m->c2 * n + (double)m->x;
    const double compute = (double)m->c3 + (double)m->c4 * n;
    return (memory > compute ? memory : compute) + (double)m->h0 + (double)m->h1 * n + (double)m->e0 +
           (double)m->e1 * n + (double)m->e2 * context;
}

const char *mdl_llm_check(const mdl_llm_config *config)
{
    const mdl_step_model *m = &config->step;
    if (config->block_tokens < 1 || config->kv_blocks < 1 || config->max_batched_tokens < 1 ||
        config->max_sequences < 1 || config->max_waiting < 0 || config->max_context < 0 || config->prefix_blocks < 0) {
        return "engine limits must be at least 1 (max_waiting, max_context, prefix_blocks at least 0)";
    }
    if ((int64_t)config->kv_blocks * config->block_tokens > INT32_MAX) {
        return "more KV memory than 2^31 - 1 tokens";
    }
    if ((m->c1 | m->c2 | m->c3 | m->c4 | m->h0 | m->h1 | m->e0 | m->e1 | m->e2 | m->g0 | m->g1_half | m->x |
         m->stages) < 0) {
        return "a step coefficient is negative";
    }
    if (m->h0 < 1 && m->c1 < 1 && m->c3 < 1 && m->c4 < 1) {
        return "a step of one token takes no time";
    }
    /* tokens of a step lie in the KV cache behind it, and each sees no more before it than its request can hold */
    const double kv = (double)config->kv_blocks * config->block_tokens;
    const double n = config->max_batched_tokens < kv ? config->max_batched_tokens : kv;
    const double decodes = config->max_sequences < n ? config->max_sequences : n;
    if (step_ps(m, decodes, kv) > DECODE_PS_MAX) {
        return "a step of max_sequences requests that decode could take more than 2^47 ps (140 s)";
    }
    if (step_ps(m, n, kv) + (double)m->g0 + (double)m->g1_half * n * 2.0 * (double)mdl_llm_room(config) > STEP_PS_MAX) {
        return "a step of max_batched_tokens could take more than 2^60 ps (13 days)";
    }
    return NULL;
}

mdl_engine *mdl_llm_new(const mdl_llm_config *config)
{
    if (mdl_llm_check(config) != NULL) {
        return NULL;
    }
    const size_t bytes = offsetof(llm_state, below) + llm_below_bytes(config) + LLM_LINE;
    llm_state *s = aligned_alloc(LLM_LINE, bytes);
    if (s == NULL) {
        return NULL;
    }
    const llm_list empty = {.head = LLM_NIL, .tail = LLM_NIL};
    *s = (llm_state){.base = {&mdl_engine_llm},
                     .config = config,
                     .free_blocks = config->kv_blocks,
                     .queue = empty,
                     .evicted = empty,
                     .dropped = LLM_NIL,
                     .free_slot = LLM_NIL,
                     .prefix = mdl_prefix_empty(),
                     .pending = {.due_ns = MDL_NEVER}};
    s->block_shift =
        (config->block_tokens & (config->block_tokens - 1)) == 0 ? __builtin_ctz((unsigned)config->block_tokens) : -1;
    memset(s->below, 0, llm_below_bytes(config));
    *llm_shared(s) = (mdl_shared){.cap = 0};
    return &s->base;
}
