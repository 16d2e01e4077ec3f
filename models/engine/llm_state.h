/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * llm_state.h - the inside of the llm engine; private to models/engine.
 *
 * Time stands at a step boundary `at`. From there either nothing is planned, or a run of `run_steps` identical steps
 * that ends at `end`. A plan is made only once time is known to have passed `at`, so that all work of that very
 * instant is in it. Steps with prefill work ("mixed") are runs of one; pure decode steps come in longer runs.
 *
 * Lazy contexts: `iter` counts steps since creation. A decoding request stores base = computed - iter, so its context
 * grows by itself; it needs a new block in the steps whose iter = -base modulo block_tokens, its phase, and `below`
 * counts those. Its last step is known when it starts to decode; `finish` holds them all, sorted.
 *
 * Invariants at a boundary:
 *   every request in the batch gets at least one token in each step (its number never exceeds the token budget,
 *     because a request is taken up only by a step that has served all others), so at most one is partly prefilled
 *     and it is the one that came last to the batch;
 *   a decoding request has sampled = computed - input + 1 tokens;
 *   kv_blocks - free_blocks = sum over the batch of ceil(computed / block_tokens), a block that several share counted
 *     once.
 */
#ifndef MODELS_ENGINE_LLM_STATE_H
#define MODELS_ENGINE_LLM_STATE_H

#include "models/engine/engine.h"
#include "models/engine/pending.h"
#include "models/engine/prefix.h"
#include "models/engine/shared.h"

#define LLM_NIL     UINT32_MAX
#define LLM_UNSEEN  (-1)
#define LLM_SPARES  4u
#define LLM_RUN_MAX 16384 /* steps in a run: with 2^47 ps for a step a run stays below 2^61 ps */

/* ns and 0 <= ps < 1000, so that long horizons do not overflow. */
typedef struct llm_clock {
    int64_t ns, ps;
} llm_clock;

typedef enum llm_where { LLM_FREE, LLM_WAITING, LLM_PREFILL, LLM_DECODE, LLM_EVICTED } llm_where;

/*
 * One cache line (llm.c aligns them): in a large fleet the requests of most replicas lie far from the processor, and
 * what an event costs is the number of lines that it touches.
 */
typedef struct llm_request {
    union {
        int64_t base;     /* DECODE: computed - iter */
        int32_t computed; /* else: tokens in the KV cache */
    };
    uint64_t number; /* of submission */
    union {
        uint64_t key;           /* prefix_key, 0 = none */
        const mdl_chain *chain; /* chained: instead of it */
    };
    int32_t prefix; /* tokens that may be found under key */
    int32_t hot;    /* cached_tokens in whole blocks, less than input */
    int32_t priority;
    union {
        uint32_t tag;
        uint32_t dropped_next; /* of one that is dropped: its owner knows the tag no more */
    };
    int32_t input, output;
    int32_t sampled;     /* tokens generated; not kept up in DECODE */
    uint32_t prev, next; /* queue or evicted; next: prefills of a step, free list */
    uint8_t where;       /* llm_where */
    bool started;        /* STARTED was reported */
    bool dropped;        /* cancelled while a step runs: leaves at its end */
    bool chained;
} llm_request;

#define LLM_LINE MDL_LINE
_Static_assert(sizeof(llm_request) == LLM_LINE, "a request is one cache line");

typedef struct llm_list {
    uint32_t head, tail;
    int32_t count;
} llm_list;

typedef struct llm_finish {
    uint32_t iter; /* low half of the value of iter at which the request has all its tokens: less than 2^31 from now */
    uint32_t slot;
} llm_finish;

/*
 * In the order of use, cache line by cache line: a look that finds nothing to do reads the first, a run that begins or
 * ends without a request that comes or goes the first three and the last. The configuration is its owner's, so that all
 * replicas of a kind read the same lines.
 */
typedef struct llm_state {
    mdl_engine base;
    int64_t next_ns; /* planned: when the owner should look, see llm_seen_ns; LLM_UNSEEN = nobody has asked yet */
    llm_clock end;
    bool planned, mixed;
    uint8_t spares, spare_top; /* slots in `spare`, and where the next one goes, modulo its length */
    int32_t run_steps;
    mdl_pending pending;

    const mdl_llm_config *config;
    llm_clock at;
    int64_t iter;
    int64_t first_ps;    /* of the first step of the planned run */
    int64_t growth_ps;   /* what each further step takes more */
    int32_t free_blocks; /* mixed: without those of this step's prefills */
    int32_t decodes;

    int64_t context;                     /* sum of the contexts of the decoding requests at the boundary */
    int32_t phase_now;                   /* iter modulo block_tokens */
    int32_t prefills;                    /* at a boundary 0 or 1; in a mixed step those with prefill work */
    uint32_t prefill_head, prefill_tail; /* of those, linked by next in the order in which they came */
    int32_t last_chunk;                  /* mixed: tokens of the last one; the others do all that is left */
    llm_finish soonest;                  /* the last of `finish`, if decodes > 0: most that ends is it */
    llm_list queue;
    int32_t batch;       /* requests in it: those that decode and the prefills */
    int32_t block_shift; /* block_tokens = 2^this; -1 = it is no power of two */
    llm_finish *finish;  /* [decodes] latest first */

    llm_request *requests;
    llm_clock idle; /* all the time without work until `at` */
    int64_t tokens_out, tokens_in, completed;
    uint32_t dropped;           /* stack linked by dropped_next */
    uint32_t spare[LLM_SPARES]; /* the last that became free, taken first: without a look at their lines */
    uint32_t free_slot;         /* then those that became so before, linked by next */
    uint32_t fresh_slot;        /* then this and all above, never used and not written yet */
    uint32_t keyed;             /* keys of requests inside, and names in their chains */

    mdl_prefix prefix;
    uint64_t submitted;
    uint32_t request_cap;
    llm_list evicted; /* in submission order; the owner has not taken their tags yet */
    uint32_t finish_cap;
    uint32_t ranked; /* requests inside whose priority is not 0 */
    int64_t tokens_cached, preemptions;
    int64_t queued_blocks; /* that the prompts of those in the queue need */

    uint32_t chained; /* requests inside with a chain */
    int32_t below[];  /* [block_tokens + 1, and to the end of its line] decoding requests whose phase is less than i;
                         behind it an mdl_shared, which only those with a chain look at */
} llm_state;
_Static_assert(offsetof(llm_state, below) + sizeof(int32_t) == (MDL_ENGINE_LINES - 1) * LLM_LINE,
               "the sums for 16 tokens are one line, behind the 0 that they begin with");

/* The inside of an engine. Also of a const one: reading the load brings the inside up to date, which the owner cannot
 * observe. */
static inline llm_state *llm_state_of(const mdl_engine *e)
{
    union {
        const mdl_engine *in;
        llm_state *out;
    } same = {.in = e};
    return same.out;
}

static inline int32_t llm_min(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

/* Slots in use. */
static inline uint32_t llm_live(const llm_state *s)
{
    return (uint32_t)(s->queue.count + s->batch + s->evicted.count);
}

/* Blocks that the decoding requests need in a step where iter modulo block_tokens is this. */
static inline int32_t llm_in_phase(const llm_state *s, int32_t phase)
{
    return s->below[phase + 1] - s->below[phase];
}

/* Blocks that the decoding requests need in the next step. */
static inline int32_t llm_due(const llm_state *s)
{
    return llm_in_phase(s, s->phase_now);
}

/* Steps until a decoding request has all its tokens. */
static inline int32_t llm_steps_left(const llm_state *s, const llm_finish *f)
{
    return (int32_t)(f->iter - (uint32_t)s->iter);
}

/* Whole blocks in so many tokens, whole cycles in so many steps. Nearly all blocks are powers of two, and a division
 * takes longer than what else is done here. */
static inline int32_t llm_whole(const llm_state *s, uint32_t tokens)
{
    return (int32_t)(s->block_shift >= 0 ? tokens >> s->block_shift : tokens / (uint32_t)s->config->block_tokens);
}

/* What is left of them. */
static inline int32_t llm_rest(const llm_state *s, uint32_t tokens)
{
    return (int32_t)tokens - llm_whole(s, tokens) * s->config->block_tokens;
}

/* Blocks for so many tokens of one request. 32 bits: a request's tokens fit the cache, which holds below 2^31. */
static inline int32_t llm_blocks(const llm_state *s, int32_t tokens)
{
    return llm_whole(s, (uint32_t)tokens + (uint32_t)s->config->block_tokens - 1);
}

static inline int64_t llm_ceil_ns(llm_clock c)
{
    return c.ps > 0 ? c.ns + 1 : c.ns;
}

static inline llm_clock llm_after(llm_clock c, int64_t ps)
{
    const uint64_t whole = (uint64_t)(c.ps + ps);
    return (llm_clock){.ns = c.ns + (int64_t)(whole / 1000), .ps = (int64_t)(whole % 1000)};
}

/* ps from c to now_ns >= c, cut to what an int64 holds (no run lasts that long). */
static inline int64_t llm_until_ps(llm_clock c, int64_t now_ns)
{
    int64_t ns = now_ns - c.ns;
    return ns > INT64_MAX / 1000 - 1 ? INT64_MAX : ns * 1000 - c.ps;
}

/* KV tokens a request in the batch holds at a boundary. */
static inline int32_t llm_computed(const llm_state *s, const llm_request *r)
{
    return r->where == LLM_DECODE ? (int32_t)(r->base + s->iter) : r->computed;
}

/* Duration of the first k >= 1 steps of the planned run. */
static inline int64_t llm_run_ps(const llm_state *s, int64_t k)
{
    return k * s->first_ps + s->growth_ps * (int64_t)((uint64_t)(k * (k - 1)) / 2);
}

/* Blocks that the first of those steps take, see llm_run.c. */
static inline int32_t llm_run_blocks(const llm_state *s, int32_t steps)
{
    const int32_t block = s->config->block_tokens;
    const int32_t cycles = llm_whole(s, (uint32_t)steps);
    const int32_t end = s->phase_now + steps - cycles * block;
    const int32_t wraps = end >= block; /* a cycle more, less what lies between */
    return (cycles + wraps) * s->decodes + s->below[end - wraps * block] - s->below[s->phase_now];
}

/* Bytes of `below`: one 0, and whole lines. */
static inline size_t llm_below_bytes(const mdl_llm_config *config)
{
    const size_t sums = (size_t)config->block_tokens * sizeof(int32_t);
    return sizeof(int32_t) + (sums + LLM_LINE - 1) / LLM_LINE * LLM_LINE;
}

/* Named blocks that the batch holds. */
static inline mdl_shared *llm_shared(const llm_state *s)
{
    union {
        const char *in;
        mdl_shared *out;
    } behind = {.in = (const char *)s->below + llm_below_bytes(s->config)};
    return behind.out;
}

/* Keys that the prefix cache may get from a request. */
static inline uint32_t llm_keys_of(const llm_request *r)
{
    return r->chained ? (uint32_t)r->chain->count : r->key != 0;
}

/* llm_batch.c: lists, the decoding set, leaving */
void llm_append(llm_state *s, llm_list *list, uint32_t slot);
void llm_unlink(llm_state *s, llm_list *list, uint32_t slot);
void llm_enqueue(llm_state *s, uint32_t slot); /* into the queue, by (priority, number) */
void llm_dequeue(llm_state *s, uint32_t slot);
uint32_t llm_worst(const llm_state *s);        /* of the batch: least urgent, of those the latest; looks at all */
void llm_gather(llm_state *s);                 /* all in queue and batch are evicted */
uint32_t llm_take(llm_state *s);               /* a slot: of the free ones the last that became so; there must be one */
void llm_release(llm_state *s, uint32_t slot); /* the slot is free again */
void llm_decode_join(llm_state *s, uint32_t slot);
void llm_batch_join(llm_state *s, uint32_t slot);  /* as the last of the prefills */
void llm_batch_leave(llm_state *s, uint32_t slot); /* batch, decoding set, blocks; at a boundary or while planning */

/* llm_run.c: the closed form of a run of decode steps */
int32_t llm_run_limit(const llm_state *s, int32_t steps);            /* of `steps`, how many the free blocks allow */
int32_t llm_run_reach(const llm_state *s, int64_t ps, int32_t most); /* fewest steps that last >= ps; at most `most` */

/* Of `left` free blocks, as many as the configuration allows may hold prefixes. */
static inline void llm_keep_prefixes(llm_state *s, int32_t left)
{
    if (s->prefix.blocks > 0) {
        mdl_prefix_trim(&s->prefix, left < s->config->prefix_blocks ? left : s->config->prefix_blocks);
    }
}

/* llm_chain.c: of a request with a chain */
int32_t llm_chain_hit(const llm_state *s, const llm_request *r); /* tokens that need no prefill if it is taken up now */
int32_t llm_chain_spared(const llm_state *s, const llm_request *r, int32_t hit); /* blocks of those that others hold */
/* It has computed from `from` to `to` tokens. @return blocks of those that others hold, too: it gives them back */
int32_t llm_chain_hold(llm_state *s, const llm_request *r, int32_t from, int32_t to);
int32_t llm_chain_leave(llm_state *s, const llm_request *r, int32_t computed); /* blocks that others hold on to */

/* llm_step.c: composing a step */
void llm_compose(llm_state *s); /* takes up requests, goes on with a prefill, makes room for the batch if it must */

/* llm_settle.c: beginning and ending runs */
void llm_begin_run(llm_state *s, int64_t first_ps, bool single); /* of the step that is composed, which lasts so long */
void llm_go_on(llm_state *s, int64_t now_ns);                    /* settles, when there is something to do */

/* Processes all that is certain to happen by now_ns. Work may still come at now_ns itself. */
static inline void llm_settle(llm_state *s, int64_t now_ns)
{
    if ((s->planned ? llm_ceil_ns(s->end) : s->at.ns + 1) <= now_ns) {
        llm_go_on(s, now_ns);
    }
}

/* llm_foresee.c: when a request ends next, at the earliest */
bool llm_head_may_join(const llm_state *s);    /* could a later boundary take up the head of the queue? */
int64_t llm_next_guess_ns(const llm_state *s); /* unplanned: a time not after the end of the step to come */
/* Planned, and somebody is to join the decoding requests: if it is certain that nothing else happens before, next_ns
 * becomes a time not after the next end of a request. */
void llm_foresee(llm_state *s);

/* Planned: next_ns, a time not after the next end of a request. */
static inline int64_t llm_seen_ns(llm_state *s)
{
    if (s->next_ns == LLM_UNSEEN) {
        s->next_ns = llm_ceil_ns(s->end);
        if (s->mixed || s->queue.count > 0) {
            llm_foresee(s);
        }
    }
    return s->next_ns;
}

/* llm_ahead.c: asking for memory before it is needed, the last two as engine.h says */
void llm_prefetch_finish(const llm_state *s); /* `finish`, for a request that joins anywhere */
void llm_prefetch(const mdl_engine *e);
mdl_expected llm_expect(const mdl_engine *e);

#endif
