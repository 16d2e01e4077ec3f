/* SPDX-License-Identifier: GPL-3.0-or-later */
/** cache.c - a short array in order of use: nodes hold tens of digests, so a walk beats any index. */
#include "models/delivery/cache.h"

#include <stdlib.h>
#include <string.h>

typedef struct entry {
    uint64_t digest;
    int64_t bytes;
    int32_t pins;
} entry;

struct mdl_cache {
    entry *entries; /**< most recently used first */
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
    return find(c, digest) < c->count;
}

static void to_front(mdl_cache *c, size_t at)
{
    entry e = c->entries[at];
    memmove(&c->entries[1], &c->entries[0], at * sizeof e);
    c->entries[0] = e;
}

static void shrink(mdl_cache *c)
{
    for (size_t i = c->count; i-- > 1 && c->bytes > c->budget;) {
        if (c->entries[i].pins == 0) {
            c->bytes -= c->entries[i].bytes;
            c->count--;
            memmove(&c->entries[i], &c->entries[i + 1], (c->count - i) * sizeof *c->entries);
        }
    }
}

bool mdl_cache_put(mdl_cache *c, uint64_t digest, int64_t bytes)
{
    size_t at = find(c, digest);
    if (at == c->count) {
        if (c->count == c->capacity) {
            size_t wanted = c->capacity == 0 ? 8 : 2 * c->capacity;
            entry *grown = realloc(c->entries, wanted * sizeof *grown);
            if (grown == NULL) {
                return false;
            }
            c->entries = grown;
            c->capacity = wanted;
        }
        c->entries[c->count++] = (entry){digest, bytes, 0};
        c->bytes += bytes;
    }
    to_front(c, at);
    shrink(c);
    return true;
}

void mdl_cache_pin(mdl_cache *c, uint64_t digest)
{
    size_t at = find(c, digest);
    if (at < c->count) {
        c->entries[at].pins++;
        to_front(c, at);
    }
}

void mdl_cache_unpin(mdl_cache *c, uint64_t digest)
{
    size_t at = find(c, digest);
    if (at < c->count && c->entries[at].pins > 0) {
        c->entries[at].pins--;
        shrink(c);
    }
}

int64_t mdl_cache_bytes(const mdl_cache *c)
{
    return c->bytes;
}

size_t mdl_cache_count(const mdl_cache *c)
{
    return c->count;
}

uint64_t mdl_cache_at(const mdl_cache *c, size_t i)
{
    return c->entries[i].digest;
}
