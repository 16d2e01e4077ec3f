/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * chain.h - a prompt as blocks with names: what says which of its leading tokens another prompt had, too.
 */
#ifndef MODELS_ENGINE_CHAIN_H
#define MODELS_ENGINE_CHAIN_H

#include <stdint.h>

/** Block i holds tokens i x block_tokens and on. Equal names: the same tokens, and the same before them. */
typedef struct mdl_chain {
    const int64_t *ids; /**< [count] */
    uint64_t key;       /**< a name is key + id, modulo 2^64 and not 0: ids of different sources do not meet */
    int32_t count;
    int32_t block_tokens; /**< > 0 */
} mdl_chain;

static inline uint64_t mdl_chain_name(const mdl_chain *c, int32_t i)
{
    return c->key + (uint64_t)c->ids[i];
}

#endif
