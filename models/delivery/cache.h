/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * cache.h - what a node keeps on its disk: content by digest, least recently used goes first, within a budget of bytes.
 *
 * What was used last stays whatever its size. Content in use is pinned and never goes, as a kubelet does not collect
 * the image of a running container; a cache of pinned content may therefore exceed its budget, until pins are released.
 * A pin may come before its content, which then is in use from its arrival on: else files that are needed together and
 * come one by one could drive each other out for ever.
 */
#ifndef MODELS_DELIVERY_CACHE_H
#define MODELS_DELIVERY_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mdl_cache mdl_cache;

/** Empty. @param budget_bytes  > 0 @return NULL if out of memory */
mdl_cache *mdl_cache_new(int64_t budget_bytes);
void mdl_cache_free(mdl_cache *c); /**< NULL allowed */
bool mdl_cache_has(const mdl_cache *c, uint64_t digest);
/** Puts it in, or moves it to the front; what is beyond the budget goes. @return false if out of memory */
bool mdl_cache_put(mdl_cache *c, uint64_t digest, int64_t bytes);
/** Counts users of a digest, there or awaited; also moves it to the front if it is there. @return false if out of
 * memory */
bool mdl_cache_pin(mdl_cache *c, uint64_t digest);
/** Releases one pin, then lets go what is beyond the budget. */
void mdl_cache_unpin(mdl_cache *c, uint64_t digest);
int64_t mdl_cache_bytes(const mdl_cache *c);
size_t mdl_cache_count(const mdl_cache *c); /**< of those that are there */
/** The i-th digest, most recently used first; i < mdl_cache_count(). */
uint64_t mdl_cache_at(const mdl_cache *c, size_t i);

#endif
