/* SPDX-License-Identifier: GPL-3.0-or-later */
/** cache.c - a short array in order of use: nodes hold tens of digests, so a walk beats any index. */
#include "models/delivery/cache.h"

#include <stdlib.h>
#include <string.h>

typedef struct entry {
    uint64_t digest;
    int64_t bytes;
    int32_t pins;
    bool here; /**< false: pinned before it has come */
} entry;

struct mdl_cache {
    entry *entries; /**< most recently used first, then those that are not here */
    size_t count, capacity;
    int64_t bytes, budget;
};

mdl_cache *mdl_cache_new(int64_t budget_bytes)
{
    mdl_cache *c = calloc(1, sizeof *c);
    if (c != NULL) {
        c->budget = budget_bytes;
    }
    return c;
}

void mdl_cache_free(mdl_cache *c)
{
    if (c != NULL) {
        free(c->entries);
        free(c);
    }
}

static size_t find(const mdl_cache *c, uint64_t digest)
{
    size_t i = 0;
    while (i < c->count && c->entries[i].digest != digest) {
        i++;
    }
    return i;
}

bool mdl_cache_has(const mdl_cache *c, uint64_t digest)
{
    size_t at = find(c, digest);
    return at < c->count && c->entries[at].here;
}

static void to_front(mdl_cache *c, size_t at)
{
    entry e = c->entries[at];
    memmove(&c->entries[1], &c->entries[0], at * sizeof e);
    c->entries[0] = e;
}

static void drop(mdl_cache *c, size_t at)
{
    c->bytes -= c->entries[at].bytes;
    c->count--;
    memmove(&c->entries[at], &c->entries[at + 1], (c->count - at) * sizeof *c->entries);
}

static void shrink(mdl_cache *c)
{
    for (size_t i = c->count; i-- > 1 && c->bytes > c->budget;) {
        if (c->entries[i].pins == 0) {
            drop(c, i);
        }
    }
}

/* Where the digest stands, at the end and not here if it is new. @return c->count if out of memory */
static size_t find_or_add(mdl_cache *c, uint64_t digest)
{
    size_t at = find(c, digest);
    if (at < c->count) {
        return at;
    }
    if (c->count == c->capacity) {
        size_t wanted = c->capacity == 0 ? 8 : 2 * c->capacity;
        entry *grown = realloc(c->entries, wanted * sizeof *grown);
        if (grown == NULL) {
            return c->count;
        }
        c->entries = grown;
        c->capacity = wanted;
    }
    c->entries[c->count++] = (entry){.digest = digest};
    return at;
}

bool mdl_cache_put(mdl_cache *c, uint64_t digest, int64_t bytes)
{
    size_t at = find_or_add(c, digest);
    if (at == c->count) {
        return false;
    }
    if (!c->entries[at].here) {
        c->entries[at].here = true;
        c->entries[at].bytes = bytes;
        c->bytes += bytes;
    }
    to_front(c, at);
    shrink(c);
    return true;
}

bool mdl_cache_pin(mdl_cache *c, uint64_t digest)
{
    size_t at = find_or_add(c, digest);
    if (at == c->count) {
        return false;
    }
    c->entries[at].pins++;
    if (c->entries[at].here) {
        to_front(c, at);
    }
    return true;
}

void mdl_cache_unpin(mdl_cache *c, uint64_t digest)
{
    size_t at = find(c, digest);
    if (at == c->count || c->entries[at].pins == 0) {
        return;
    }
    c->entries[at].pins--;
    if (c->entries[at].pins == 0 && !c->entries[at].here) {
        drop(c, at);
    }
    shrink(c);
}

int64_t mdl_cache_bytes(const mdl_cache *c)
{
    return c->bytes;
}

size_t mdl_cache_count(const mdl_cache *c)
{
    size_t here = 0;
    for (size_t i = 0; i < c->count; i++) {
        here += c->entries[i].here;
    }
    return here;
}

uint64_t mdl_cache_at(const mdl_cache *c, size_t i)
{
    return c->entries[i].digest;
}
