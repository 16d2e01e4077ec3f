/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * prefix.h - which conversations and named blocks still lie in a replica, used by nobody; private to models/engine.
 *
 * The blocks counted here are free ones that nobody has overwritten yet: who takes blocks trims the cache to what is
 * left (mdl_prefix_trim), the least recently used first, each from its end. Room is reserved when a request is
 * accepted, so that nothing fails while time passes.
 *
 * A log with an index, for in a large fleet each entry touched is a cache line from far away: entries lie in the order
 * of use in a ring, at places that are counted up; a bucket names the youngest entry of its hash and each entry the
 * next older one. A name of a place before the tail ends the search, so the oldest are taken off without a look at
 * their buckets. An entry forgotten before its turn leaves a gap, and gaps go when the ring is full.
 */
#ifndef MODELS_ENGINE_PREFIX_H
#define MODELS_ENGINE_PREFIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mdl_prefix_entry {
    uint64_t key;    /* 0 = gap */
    uint64_t number; /* of submission */
    int32_t blocks;  /* of a gap 0 */
    uint32_t chain;  /* place of the next older entry with the same bucket; before the tail: none */
} mdl_prefix_entry;

typedef struct mdl_prefix {
    mdl_prefix_entry *entries; /* [cap], then buckets [cap] */
    int64_t stamp;             /* of the youngest */
    uint32_t cap;              /* 0 or a power of two */
    uint32_t tail, head;       /* places of the oldest entry or gap, and behind the youngest */
    uint32_t group;            /* place from which on all have that stamp; may be older than tail */
    uint32_t count;            /* entries without gaps; with those reserved at most cap / 2 */
    int32_t blocks;            /* over all entries */
} mdl_prefix;

/** An empty cache; allocates nothing. */
mdl_prefix mdl_prefix_empty(void);
/** Takes room for `need` places. @return false if out of memory (nothing changed) */
bool mdl_prefix_grow(mdl_prefix *p, size_t need);
/** Room for `more` keys on top of those held. @return as mdl_prefix_grow */
static inline bool mdl_prefix_reserve(mdl_prefix *p, size_t more)
{
    const size_t need = 2 * (p->count + more);
    return need <= p->cap || mdl_prefix_grow(p, need);
}
/**
 * Blocks of a key become readable; what was held under it before is forgotten. Needs reserved room. No blocks: nothing.
 * @param stamp   step boundary, never falling; the youngest entry is the one of the last boundary
 * @param number  of submission; at one boundary the higher one is younger, whatever the order of the calls
 */
void mdl_prefix_put(mdl_prefix *p, uint64_t key, int32_t blocks, int64_t stamp, uint64_t number);
/** @return blocks held under the key */
int32_t mdl_prefix_find(const mdl_prefix *p, uint64_t key);
/** Asks for the memory where a search for the key begins. */
void mdl_prefix_prefetch(const mdl_prefix *p, uint64_t key);
/** Asks for the memory of the oldest entry and of the next to come; there must be one. */
void mdl_prefix_prefetch_ends(const mdl_prefix *p);
/** Forgets a key, if it is there. */
void mdl_prefix_drop(mdl_prefix *p, uint64_t key);
/** Takes blocks from the oldest until at most `most` >= 0 are held: what mdl_prefix_trim does if more are. */
void mdl_prefix_cut(mdl_prefix *p, int32_t most);
static inline void mdl_prefix_trim(mdl_prefix *p, int32_t most)
{
    if (p->blocks > most) {
        mdl_prefix_cut(p, most);
    }
}
void mdl_prefix_clear(mdl_prefix *p);
void mdl_prefix_free(mdl_prefix *p);

#endif
