/* SPDX-License-Identifier: GPL-3.0-or-later */
/* prefix.c - chained hash table over an entry array, with a list from the oldest to the youngest. */
#include "models/engine/prefix.h"

#include <stdlib.h>

#define CAP_START 16u
#define CAP_MAX   (UINT32_C(1) << 30)

mdl_prefix mdl_prefix_empty(void)
{
    return (mdl_prefix){.oldest = MDL_PREFIX_NONE, .youngest = MDL_PREFIX_NONE, .free_entry = MDL_PREFIX_NONE};
}

/* Finaliser of splitmix64 (Steele, Lea, Flood 2014): every bit of the key reaches the low ones. */
static uint32_t bucket_of(const mdl_prefix *p, uint64_t key)
{
    key = (key ^ (key >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    key = (key ^ (key >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)(key ^ (key >> 31)) & (p->cap - 1);
}

bool mdl_prefix_reserve(mdl_prefix *p, size_t more)
{
    size_t need = p->count + more;
    if (need <= p->cap) {
        return true;
    }
    uint32_t cap = p->cap > 0 ? p->cap : CAP_START;
    while (cap < need && cap < CAP_MAX) {
        cap *= 2;
    }
    if (cap < need) {
        return false;
    }
    mdl_prefix_entry *entries = realloc(p->entries, cap * sizeof *entries);
    if (entries == NULL) {
        return false;
    }
    p->entries = entries;
    uint32_t *buckets = realloc(p->buckets, cap * sizeof *buckets);
    if (buckets == NULL) {
        return false;
    }
    p->buckets = buckets;
    for (uint32_t i = cap; i-- > p->cap;) {
        entries[i] = (mdl_prefix_entry){.older = p->free_entry};
        p->free_entry = i;
    }
    p->cap = cap;
    for (uint32_t i = 0; i < cap; i++) {
        buckets[i] = MDL_PREFIX_NONE;
    }
    for (uint32_t i = p->oldest; i != MDL_PREFIX_NONE; i = entries[i].younger) {
        uint32_t *bucket = &buckets[bucket_of(p, entries[i].key)];
        entries[i].chain = *bucket;
        *bucket = i;
    }
    return true;
}

static uint32_t entry_of(const mdl_prefix *p, uint64_t key)
{
    if (p->count == 0) {
        return MDL_PREFIX_NONE;
    }
    uint32_t i = p->buckets[bucket_of(p, key)];
    while (i != MDL_PREFIX_NONE && p->entries[i].key != key) {
        i = p->entries[i].chain;
    }
    return i;
}

static void remove_entry(mdl_prefix *p, uint32_t i)
{
    mdl_prefix_entry *e = &p->entries[i];
    uint32_t *link = &p->buckets[bucket_of(p, e->key)];
    while (*link != i) {
        link = &p->entries[*link].chain;
    }
    *link = e->chain;
    *(e->older == MDL_PREFIX_NONE ? &p->oldest : &p->entries[e->older].younger) = e->younger;
    *(e->younger == MDL_PREFIX_NONE ? &p->youngest : &p->entries[e->younger].older) = e->older;
    p->blocks -= e->blocks;
    p->count--;
    *e = (mdl_prefix_entry){.older = p->free_entry};
    p->free_entry = i;
}

void mdl_prefix_put(mdl_prefix *p, uint64_t key, int32_t blocks, int64_t stamp, uint64_t number)
{
    if (blocks < 1) {
        return;
    }
    uint32_t i = entry_of(p, key);
    if (i != MDL_PREFIX_NONE) {
        if (p->entries[i].stamp == stamp && p->entries[i].number > number) {
            return;
        }
        remove_entry(p, i);
    }
    i = p->free_entry;
    mdl_prefix_entry *e = &p->entries[i];
    p->free_entry = e->older;
    uint32_t older = p->youngest;
    while (older != MDL_PREFIX_NONE && p->entries[older].stamp == stamp && p->entries[older].number > number) {
        older = p->entries[older].older;
    }
    uint32_t younger = older == MDL_PREFIX_NONE ? p->oldest : p->entries[older].younger;
    uint32_t *bucket = &p->buckets[bucket_of(p, key)];
    *e = (mdl_prefix_entry){.key = key,
                            .number = number,
                            .stamp = stamp,
                            .blocks = blocks,
                            .older = older,
                            .younger = younger,
                            .chain = *bucket};
    *bucket = i;
    *(older == MDL_PREFIX_NONE ? &p->oldest : &p->entries[older].younger) = i;
    *(younger == MDL_PREFIX_NONE ? &p->youngest : &p->entries[younger].older) = i;
    p->count++;
    p->blocks += blocks;
}

int32_t mdl_prefix_find(const mdl_prefix *p, uint64_t key)
{
    uint32_t i = entry_of(p, key);
    return i == MDL_PREFIX_NONE ? 0 : p->entries[i].blocks;
}

void mdl_prefix_prefetch(const mdl_prefix *p, uint64_t key)
{
    if (p->cap > 0) {
        __builtin_prefetch(&p->buckets[bucket_of(p, key)]);
    }
}

void mdl_prefix_drop(mdl_prefix *p, uint64_t key)
{
    uint32_t i = entry_of(p, key);
    if (i != MDL_PREFIX_NONE) {
        remove_entry(p, i);
    }
}

void mdl_prefix_trim(mdl_prefix *p, int32_t most)
{
    while (p->blocks > most) {
        mdl_prefix_entry *e = &p->entries[p->oldest];
        int32_t over = p->blocks - most;
        if (e->blocks <= over) {
            remove_entry(p, p->oldest);
        } else {
            e->blocks -= over;
            p->blocks = most;
        }
    }
}

void mdl_prefix_clear(mdl_prefix *p)
{
    while (p->oldest != MDL_PREFIX_NONE) {
        remove_entry(p, p->oldest);
    }
}

void mdl_prefix_free(mdl_prefix *p)
{
    free(p->entries);
    free(p->buckets);
}
