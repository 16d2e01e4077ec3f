/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * engine.h - how one replica serves requests. Passive: time goes in, events come out.
 *
 * Two engines: "llm" (continuous batching as vLLM schedules it) and "station" (c servers, one FIFO queue: M/G/c).
 * All arithmetic is in integers (ps inside, ns outside), so jumping over identical decode steps gives exactly what
 * stepping through them gives.
 *
 * Protocol: the owner calls advance(now) for every now >= next(), in time order, before any submit or cancel at
 * that now. Work submitted at time t is seen by the first step that starts at or after t.
 */
#ifndef MODELS_ENGINE_ENGINE_H
#define MODELS_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/engine/chain.h"

#define MDL_NEVER   INT64_MAX
#define MDL_REFUSED UINT32_MAX
#define MDL_STARVED (UINT32_MAX - 1)

/** One request as an engine sees it. */
typedef struct mdl_work {
    uint32_t tag;           /**< the owner's own number, unique among the requests inside; comes back in events */
    int32_t input_tokens;   /**< >= 1; llm */
    int32_t output_tokens;  /**< >= 1; llm */
    int64_t service_ns;     /**< station */
    int32_t cached_tokens;  /**< llm: leading prompt tokens that lie in the prefix cache of every replica (a shared
                               system prompt); cut to whole blocks and to less than the prompt, see mdl_llm_new */
    int32_t prefix_tokens;  /**< llm: leading prompt tokens that earlier requests with this prefix_key had in their
                               prompts or answers: found if this replica served them and still has the blocks */
    uint64_t prefix_key;    /**< llm: conversation whose blocks are kept for its next turn; 0 = none */
    const mdl_chain *chain; /**< llm: the prompt by blocks, which tells what is found, in place of prefix_key; NULL =
                              none. Borrowed until the request has left */
    int32_t priority;       /**< llm: smaller is more urgent, as in vLLM; all equal = first come first served */
} mdl_work;

typedef enum mdl_event_kind {
    MDL_STARTED = 1, /**< first work done for it: end of queueing (station: service begins) */
    MDL_FIRST = 2,   /**< first token is out (station: same instant as DONE) */
    MDL_DONE = 3     /**< last token is out; the engine has forgotten it */
} mdl_event_kind;

typedef struct mdl_event {
    uint32_t tag;
    uint32_t kind; /**< mdl_event_kind */
    int64_t at_ns; /**< rounded up to ns; <= the `now` of the advance that returned it */
} mdl_event;

/** Instantaneous load and cumulative counters since creation. */
typedef struct mdl_load {
    int32_t running;   /**< requests in the batch (station: in service) */
    int32_t waiting;   /**< requests queued */
    int32_t kv_blocks; /**< llm: all; station: 0 */
    int32_t kv_blocks_used;
    int64_t tokens_in;     /**< prompt tokens computed, recomputation included */
    int64_t tokens_cached; /**< prompt tokens that came from the prefix cache instead */
    int64_t tokens_out;    /**< tokens sampled */
    int64_t preemptions;   /**< requests thrown out of the batch for want of KV blocks */
    int64_t completed;
    int64_t busy_ns; /**< time with a step running (station: server-ns / servers) */
} mdl_load;

/** KV memory as a router counts it that keeps the books of what it has sent. */
typedef struct mdl_kv {
    int32_t blocks; /**< llm: all; station: 0 */
    int64_t taken;  /**< held at the last step boundary, or needed for the prompts of all inside; may exceed blocks */
} mdl_kv;

/** Whose events are the next ones, most likely. Tags; MDL_REFUSED = nobody's. */
typedef struct mdl_expected {
    uint32_t ends;   /**< the next DONE */
    uint32_t begins; /**< STARTED or FIRST before it */
} mdl_expected;

typedef struct mdl_engine mdl_engine;

/** One const descriptor for each engine. */
typedef struct mdl_engine_type {
    const char *name, *summary;
    void (*free)(mdl_engine *e);
    uint32_t (*submit)(mdl_engine *e, int64_t now_ns, const mdl_work *work);
    void (*cancel)(mdl_engine *e, int64_t now_ns, uint32_t handle);
    int64_t (*next)(const mdl_engine *e);
    size_t (*advance)(mdl_engine *e, int64_t now_ns, mdl_event *out, size_t out_max);
    void (*load)(const mdl_engine *e, int64_t now_ns, mdl_load *out);
    mdl_kv (*kv)(const mdl_engine *e);
    int32_t (*sampled)(const mdl_engine *e, int64_t now_ns, uint32_t handle);
    size_t (*evict)(mdl_engine *e, int64_t now_ns, uint32_t *tags, size_t tags_max);
    size_t (*tags)(const mdl_engine *e, uint32_t *tags, size_t tags_max);
    void (*prefetch)(const mdl_engine *e);
    mdl_expected (*expect)(const mdl_engine *e);
} mdl_engine_type;

struct mdl_engine {
    const mdl_engine_type *type;
};

/** Frees the engine and forgets its requests. NULL allowed. */
static inline void mdl_engine_free(mdl_engine *e)
{
    if (e != NULL) {
        e->type->free(e);
    }
}
/**
 * @return a handle for cancel, valid until DONE was returned, cancel or evict; MDL_REFUSED if
 *   - max_waiting requests wait already (a request waits until the step that takes it up begins, so a burst at one
 *     instant counts as waiting even where the engine is idle; station: only those without a server wait),
 *   - llm: input_tokens or output_tokens < 1, or their sum is over max_context (vLLM answers 400 then) or needs more KV
 *     than the replica has, or cached_tokens or prefix_tokens < 0,
 *   - station: service_ns < 0;
 *   MDL_STARVED, and nothing has changed, if memory ran out: no answer to a client, the run cannot go on.
 */
static inline uint32_t mdl_engine_submit(mdl_engine *e, int64_t now_ns, const mdl_work *work)
{
    return e->type->submit(e, now_ns, work);
}
/**
 * The request is dropped (client gone). No event for it comes any more, its handle is void. llm: a waiting one leaves
 * at once; one in the batch leaves, and frees its KV blocks, at the first step boundary at or after now_ns, before the
 * next step is composed. station: leaves at once, a server freed by it takes the next in the queue at now_ns.
 */
static inline void mdl_engine_cancel(mdl_engine *e, int64_t now_ns, uint32_t handle)
{
    e->type->cancel(e, now_ns, handle);
}
/**
 * When to call advance next; MDL_NEVER when idle. Never later than the next DONE: who wants to hear of STARTED and
 * FIRST by some time calls advance then. It may be earlier: llm names boundaries where only the composition of the
 * batch changes, and advance then returns STARTED or FIRST events or none. An answer holds until submit, cancel,
 * advance or evict; asked again after a look at the load, the engine may know better. Always > now right after
 * advance(now) has been drained.
 */
static inline int64_t mdl_engine_next(const mdl_engine *e)
{
    return e->type->next(e);
}
/**
 * Brings the engine to now_ns. @return events written, in time order; if it equals out_max call again with the
 * same now until it is smaller. An event comes with the first advance at or after it (at_ns says when it happened); for
 * one request STARTED, FIRST, DONE come in this order; equal times of different requests: an order that depends on the
 * calls made and nothing else.
 */
static inline size_t mdl_engine_advance(mdl_engine *e, int64_t now_ns, mdl_event *out, size_t out_max)
{
    return e->type->advance(e, now_ns, out, out_max);
}
/**
 * Counters as of now_ns: whole steps that have ended by now_ns are counted, the running one is not; its KV blocks are
 * (they are taken when it begins). Costs a few ns; may be called at any now_ns >= the last call's and <= next().
 */
static inline void mdl_engine_load(const mdl_engine *e, int64_t now_ns, mdl_load *out)
{
    e->type->load(e, now_ns, out);
}
/** As of the last call that took the engine's time forward. */
static inline mdl_kv mdl_engine_kv(const mdl_engine *e)
{
    return e->type->kv(e);
}
/**
 * Tokens that a request inside has put out by now_ns: of whole steps that have ended. station: 0, all comes at the end.
 * now_ns as for mdl_engine_load.
 */
static inline int32_t mdl_engine_sampled(const mdl_engine *e, int64_t now_ns, uint32_t handle)
{
    return e->type->sampled(e, now_ns, handle);
}
/** Empties the engine (node lost): writes up to tags_max tags in submission order and forgets them. Call until 0. */
static inline size_t mdl_engine_evict(mdl_engine *e, int64_t now_ns, uint32_t *tags, size_t tags_max)
{
    return e->type->evict(e, now_ns, tags, tags_max);
}

/** Writes up to tags_max tags of the requests inside, in no promised order. @return how many are inside. */
static inline size_t mdl_engine_tags(const mdl_engine *e, uint32_t *tags, size_t tags_max)
{
    return e->type->tags(e, tags, tags_max);
}

#define MDL_LINE         64 /**< bytes of a cache line */
#define MDL_ENGINE_LINES 7  /**< lines from an engine's address on in which its state lies */

/**
 * Three calls for an owner of many engines that knows which of them its queue names some events from now: most of an
 * engine lies far from the processor then, and can be asked for before it is needed. Each call asks for what can be
 * found with the memory that the one before has asked for, so some 100 ns should lie between them. No call changes a
 * result; each may be left out.
 *
 * First: the state. Reads nothing of the engine.
 */
static inline void mdl_engine_prefetch_state(const mdl_engine *e)
{
    const char *line = (const char *)e; /* written out: not every compiler would unroll a loop */
    __builtin_prefetch(line);
    __builtin_prefetch(line + 1 * MDL_LINE);
    __builtin_prefetch(line + 2 * MDL_LINE);
    __builtin_prefetch(line + 3 * MDL_LINE);
    __builtin_prefetch(line + 4 * MDL_LINE);
    __builtin_prefetch(line + 5 * MDL_LINE);
    __builtin_prefetch(line + (MDL_ENGINE_LINES - 1) * MDL_LINE);
}
/** Second: the requests, pending events and lists that the next advance will touch. Reads the state. */
static inline void mdl_engine_prefetch(const mdl_engine *e)
{
    e->type->prefetch(e);
}
/**
 * Third: what those requests lead to. @return whom the next advance will most likely name, for the owner to ask for its
 * own records of them: guesses, tags that were submitted, of requests that may have left
 */
static inline mdl_expected mdl_engine_expect(const mdl_engine *e)
{
    return e->type->expect(e);
}

extern const mdl_engine_type mdl_engine_llm;
extern const mdl_engine_type mdl_engine_station;

/**
 * Step time in ps:
 *   max(c1 + c2 (n-1) + x touched(n), c3 + c4 n) + h0 + h1 q + [D>0](e0 + e1 D + e2 S)
 *     + [P>0] g0 + g1_half * sum p (2k + p)
 * n tokens in the step, q sequences that sample, D decoding sequences with S = their context lengths (this token
 * included), prefill chunks of p tokens after k cached ones; P = sum p. A piecewise-linear roofline fitted to
 * operator tables measured inside vLLM; coefficients and their sources: scenarios/tables/profiles.csv.
 *
 * Mixture of experts: x is the time to stream all routed experts, touched(n) = 1 - x_miss^n the expected share of them
 * that n tokens use when each token takes k of E at random: x_miss = 1 - k/E.
 *
 * Pipeline of s stages: a step is one round, in which each of s micro-batches passes a stage of 1/s of the layers s
 * times. It lasts as long as its largest micro-batch needs for all layers: n above is max(ceil(n/s), largest chunk),
 * for a chunk is not split over micro-batches. Decoding alone is spread evenly, a long prefill leaves bubbles.
 */
typedef struct mdl_step_model {
    int64_t c1, c2, c3, c4, h0, h1, e0, e1, e2, g0, g1_half;
    int64_t x;       /**< 0 = no routed experts */
    uint32_t x_miss; /**< in units of 2^-32 */
    int32_t stages;  /**< 0 or 1 = no pipeline */
} mdl_step_model;

/** What one step does. */
typedef struct mdl_step {
    int64_t tokens;         /**< n: all tokens of the step */
    int64_t sampled;        /**< q: sequences that sample */
    int64_t decodes;        /**< D */
    int64_t decode_context; /**< S */
    int64_t prefill;        /**< P */
    int64_t prefill_pairs;  /**< sum p (2k + p) */
    int64_t largest_chunk;  /**< max p */
} mdl_step;
/** Time to stream the experts that n >= 0 tokens use, as above: rounded up to at most 2^16 ps more. */
int64_t mdl_experts_ps(int64_t x, uint32_t x_miss, int64_t n);
int64_t mdl_step_ps(const mdl_step_model *model, const mdl_step *step);

typedef struct mdl_llm_config {
    mdl_step_model step;
    int32_t block_tokens;       /**< KV block, 16 */
    int32_t kv_blocks;          /**< blocks the GPU has for KV; > 0 */
    int32_t max_batched_tokens; /**< token budget of a step */
    int32_t max_sequences;      /**< running requests at most */
    int32_t max_waiting;        /**< queue bound; submit refuses beyond; 0 refuses all, see mdl_engine_submit */
    int32_t max_context;        /**< tokens of a request in and out that the model can hold; 0 = no bound */
    int32_t prefix_blocks;      /**< free KV blocks that may keep what was computed for prompts; 0 = no prefix cache */
} mdl_llm_config;
/**
 * @return NULL if mdl_llm_new accepts it, else a static message. Refused: a figure below 1 (block_tokens, kv_blocks,
 * max_batched_tokens, max_sequences), max_waiting, max_context or prefix_blocks < 0, a negative coefficient, a step
 * that could take no time, one that only decodes and could take more than 2^47 ps (140 s; sums over a run of steps must
 * stay within 63 bits), one with prefills that could take more than 2^60 ps, more KV than 2^31 - 1 tokens.
 */
const char *mdl_llm_check(const mdl_llm_config *config);
/** Tokens, in and out, of the longest request that can ever run: what the context and the KV cache hold. */
static inline int64_t mdl_llm_room(const mdl_llm_config *config)
{
    const int64_t room = (int64_t)config->kv_blocks * config->block_tokens;
    return config->max_context > 0 && config->max_context < room ? config->max_context : room;
}
/**
 * Continuous batching as vLLM v1 schedules it. A step has max_batched_tokens; requests in the batch come first in
 * admission order (one token each when decoding, as much as is left when still prefilling), each needs
 * ceil(tokens computed / block_tokens) KV blocks; if there is no block, the least urgent of the batch, and of those the
 * latest, is thrown out, back into the queue, and will recompute prompt and generated tokens. Unless that happened in
 * this step, queued requests follow in order (priority, then submission) while tokens, max_sequences and blocks for
 * their first chunk allow; a waiting one never pushes a running one out (vLLM, when the one just thrown out is the one
 * that lacked a block, leaves the rest of the batch without a token in that step; here they get theirs). The step that
 * completes a prefill samples a token. Memory grows with the number of requests inside and is kept.
 *
 * Prefix cache: a request that is taken up finds max(cached_tokens, what the cache holds of its prefix_key, at most
 * prefix_tokens), in whole blocks and less than all it has to compute. Tokens found need no prefill; their blocks are
 * its own from then on. Whenever a request with a key leaves the batch, its full blocks stay readable under the key
 * while they are free and no more than prefix_blocks are so kept; the least recently left lose blocks first, from their
 * end (of those that left at one step boundary the earlier submitted). One thrown out may find its own blocks again.
 * Not modelled: two running requests with one key do not share blocks, and it is held by one request at a time.
 *
 * With a chain, whose block_tokens must be a multiple of the engine's (of any other nothing is kept or found), what is
 * found are the leading blocks of the chain that the replica still has or that a running request has computed, whole
 * and less than all it has to compute. As in vLLM, running requests share them: a block is held once, by all whose
 * prompt has it and is computed so far, and stays readable while it is free once the last of them has left, as above;
 * of a chain the end goes before its head. Where vLLM keeps and loses blocks of the engine's size, here it is whole
 * blocks of the chain; two that compute the same at a time keep one copy, vLLM both until they end; and answers are not
 * found again, for a chain names prompts.
 *
 * config stays its owner's and must not change until the engine is freed: engines of one kind share it.
 * @return NULL if out of memory or if mdl_llm_check refuses config
 */
mdl_engine *mdl_llm_new(const mdl_llm_config *config);

typedef struct mdl_station_config {
    int32_t servers;     /**< >= 1 */
    int32_t max_waiting; /**< queue bound; 0 = loss system */
} mdl_station_config;
/** c servers, one FIFO queue, O(log c) a request. @return NULL if out of memory, servers < 1 or max_waiting < 0 */
mdl_engine *mdl_station_new(const mdl_station_config *config);

#endif
