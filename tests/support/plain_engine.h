/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * plain_engine.h - the same serving engine as models/engine/llm.c, written the obvious way: every step is computed,
 * every request is looked at in every step, blocks are handed out one request after the other. It shares no code with
 * the engine it checks, keeps time in 128-bit ps, and takes a whole history at once.
 */
#ifndef TESTS_SUPPORT_PLAIN_ENGINE_H
#define TESTS_SUPPORT_PLAIN_ENGINE_H

#include "models/engine/engine.h"

typedef enum plain_kind { PLAIN_SUBMIT = 1, PLAIN_CANCEL = 2, PLAIN_PROBE = 3 } plain_kind;

/** Something that is done to the engine from outside. */
typedef struct plain_op {
    int64_t at_ns;
    plain_kind kind;
    int32_t which; /**< request; PROBE: index of the load */
} plain_op;

typedef struct plain_request {
    int32_t input, output;                 /**< in */
    int32_t cached, prefix, priority;      /**< in; as in mdl_work */
    uint64_t key;                          /**< in */
    const mdl_chain *chain;                /**< in */
    bool refused;                          /**< out */
    int64_t started_ns, first_ns, done_ns; /**< out; -1 if it never came */
} plain_request;

/** What happened, to show that a sample holds the interesting cases. */
typedef struct plain_tally {
    int64_t steps, preemptions, self_preemptions, chunks, recomputed_first, cancelled_running, cancelled_waiting;
    int64_t hits, conversations_found, overtaken; /**< overtaken: thrown out while a later one stays */
    int64_t chain_hits, chain_copies;             /**< chain_copies: blocks that another running request has, too */
} plain_tally;

/**
 * Runs ops (sorted by time; equal times in the given order) until the engine is idle.
 * @param inout requests  [request_count], each submitted by at most one op; a cancel of one that is not inside counts
 *                        for nothing
 * @param out loads       one for each PROBE
 * @return false if out of memory
 */
bool plain_run(const mdl_llm_config *config, const plain_op *ops, size_t op_count, plain_request *requests,
               size_t request_count, mdl_load *loads, plain_tally *tally);

#endif
