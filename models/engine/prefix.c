/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * prefix.c - a ring of entries in the order of use, and chains through it that only lead to older ones.
 *
 * Places begin at cap, so that 0 is older than all, and a ring that comes to the last of 32 bits is written anew from
 * low places on: a name never means two entries.
 */
#include "models/engine/prefix.h"

#include <stdlib.h>
#include <string.h>

#define CAP_START   32u
#define CAP_MAX     (UINT32_C(1) << 30)
#define PLACE_BYTES (sizeof(mdl_prefix_entry) + sizeof(uint32_t))

mdl_prefix mdl_prefix_empty(void)
{
    return (mdl_prefix){.entries = NULL};
}

static mdl_prefix_entry *entry_at(const mdl_prefix *p, uint32_t place)
{
    return &p->entries[place & (p->cap - 1)];
}

static uint32_t *buckets_of(const mdl_prefix *p)
{
    void *buckets = p->entries + p->cap;
    return buckets;
}

/* 2^64 times the golden ratio (Knuth, The Art of Computer Programming 3, 6.4): every bit of the key reaches the high
 * ones, and these choose. */
static uint32_t *bucket_of(const mdl_prefix *p, uint64_t key)
{
    const uint64_t high = (key * UINT64_C(0x9e3779b97f4a7c15)) >> 32;
    return &buckets_of(p)[(high * p->cap) >> 32];
}

static void append(mdl_prefix *p, const mdl_prefix_entry *from)
{
    uint32_t *bucket = bucket_of(p, from->key);
    mdl_prefix_entry *e = entry_at(p, p->head);
    *e = *from;
    e->chain = *bucket;
    *bucket = p->head++;
}

/* Writes the entries of p without its gaps into `to`: other memory, or the same with the same first slot. */
static void rewrite(const mdl_prefix *p, mdl_prefix *to)
{
    memset(buckets_of(to), 0, to->cap * sizeof(uint32_t));
    to->tail = to->cap + (p->cap > 0 ? p->tail & (p->cap - 1) : 0);
    to->head = to->group = to->tail;
    for (uint32_t place = p->tail; place != p->head; place++) {
        to->group = place == p->group ? to->head : to->group;
        if (entry_at(p, place)->key != 0) {
            append(to, entry_at(p, place));
        }
    }
    to->group = p->group == p->head ? to->head : to->group;
}

bool mdl_prefix_grow(mdl_prefix *p, size_t need)
{
    uint32_t cap = p->cap > 0 ? p->cap : CAP_START;
    while (cap < need && cap < CAP_MAX) {
        cap *= 2;
    }
    mdl_prefix_entry *entries = cap < need ? NULL : malloc(cap * PLACE_BYTES);
    if (entries == NULL) {
        return false;
    }
    mdl_prefix wider = *p;
    wider.entries = entries;
    wider.cap = cap;
    rewrite(p, &wider);
    free(p->entries);
    *p = wider;
    return true;
}

/* The word that names the entry of a key: its bucket or a younger entry's chain; NULL if there is none. */
static uint32_t *link_of(const mdl_prefix *p, uint64_t key)
{
    if (p->count == 0) {
        return NULL;
    }
    uint32_t *link = bucket_of(p, key);
    while (*link >= p->tail) {
        mdl_prefix_entry *e = entry_at(p, *link);
        if (e->key == key) {
            return link;
        }
        link = &e->chain;
    }
    return NULL;
}

static void forget(mdl_prefix *p, uint32_t *link)
{
    mdl_prefix_entry *e = entry_at(p, *link);
    *link = e->chain;
    p->blocks -= e->blocks;
    p->count--;
    e->key = 0;
    e->blocks = 0;
}

/* Where a request of this number belongs among those of the last boundary. */
static uint32_t place_for(const mdl_prefix *p, uint64_t number)
{
    const uint32_t first = p->group > p->tail ? p->group : p->tail;
    uint32_t place = p->head;
    for (uint32_t i = p->head; i > first;) {
        i--;
        if (entry_at(p, i)->key != 0) {
            if (entry_at(p, i)->number <= number) {
                break;
            }
            place = i;
        }
    }
    return place;
}

/* All from `place` on move one up, and with them the names that lead to them. */
static void make_way(mdl_prefix *p, uint32_t place)
{
    for (uint32_t to = p->head; to > place; to--) {
        const uint32_t from = to - 1;
        mdl_prefix_entry *e = entry_at(p, to);
        *e = *entry_at(p, from);
        if (e->key != 0) {
            uint32_t *bucket = bucket_of(p, e->key);
            *bucket += *bucket == from;
            e->chain += e->chain >= place;
        }
    }
    p->head++;
}

void mdl_prefix_put(mdl_prefix *p, uint64_t key, int32_t blocks, int64_t stamp, uint64_t number)
{
    if (blocks < 1) {
        return;
    }
    if (stamp != p->stamp) {
        p->stamp = stamp;
        p->group = p->head;
    }
    uint32_t *link = link_of(p, key);
    if (link != NULL) {
        if (*link >= p->group && entry_at(p, *link)->number > number) {
            return;
        }
        forget(p, link);
    }
    if (p->head - p->tail == p->cap || p->head == UINT32_MAX) {
        const mdl_prefix old = *p;
        rewrite(&old, p);
    }
    const uint32_t place = place_for(p, number);
    make_way(p, place);
    link = bucket_of(p, key);
    while (*link > place) {
        link = &entry_at(p, *link)->chain;
    }
    *entry_at(p, place) = (mdl_prefix_entry){.key = key, .number = number, .blocks = blocks, .chain = *link};
    *link = place;
    p->count++;
    p->blocks += blocks;
}

int32_t mdl_prefix_find(const mdl_prefix *p, uint64_t key)
{
    const uint32_t *link = link_of(p, key);
    return link == NULL ? 0 : entry_at(p, *link)->blocks;
}

void mdl_prefix_prefetch(const mdl_prefix *p, uint64_t key)
{
    if (p->cap > 0) {
        __builtin_prefetch(bucket_of(p, key));
    }
}

void mdl_prefix_prefetch_ends(const mdl_prefix *p)
{
    __builtin_prefetch(entry_at(p, p->tail));
    __builtin_prefetch(entry_at(p, p->head), 1);
}

void mdl_prefix_drop(mdl_prefix *p, uint64_t key)
{
    uint32_t *link = link_of(p, key);
    if (link != NULL) {
        forget(p, link);
    }
}

void mdl_prefix_cut(mdl_prefix *p, int32_t most)
{
    while (p->blocks > most) {
        mdl_prefix_entry *e = entry_at(p, p->tail);
        const int32_t over = p->blocks - most;
        if (e->blocks > over) {
            e->blocks -= over;
            p->blocks = most;
        } else {
            p->blocks -= e->blocks;
            p->count -= e->key != 0;
            p->tail++;
        }
    }
}

void mdl_prefix_clear(mdl_prefix *p)
{
    p->tail = p->head;
    p->count = 0;
    p->blocks = 0;
}

void mdl_prefix_free(mdl_prefix *p)
{
    free(p->entries);
}
