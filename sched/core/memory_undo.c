/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_undo.c - takes a tick back that has failed.
 *
 * A workload is noted before it is changed: the entry with its clocks, the state of its owner as it is saved, its
 * seats. A run of seats only grows in a tick until that cannot fail any more, so what was there fits back into it.
 */
#include "core/bits.h"
#include "core/memory.h"

typedef struct entry {
    memory_work own;
    uint32_t work;
    uint32_t seats;
    size_t owner; /**< bytes */
} entry;

static size_t groups_size(const memory_work *own)
{
    return (size_t)own->group_count * sizeof *own->group_since;
}

void memory_undo_layout(memory *m, arena *a, const spw_config *config)
{
    memory_undo *u = &m->undo;
    u->size = m->seat_max * (sizeof *m->seats + sizeof *m->seat_times);
    for (size_t w = 0; w < config->workload_count; w++) {
        spw_id policy = config->workloads[w].policy;
        size_t groups = policy == SPW_ID_NONE ? 0 : config->policies[policy].group_count;
        u->size += sizeof(entry) + owner_save_max(config, (spw_id)w) + groups * sizeof(spw_time);
    }
    u->noted = arena_take(a, bits_words(config->workload_count), sizeof *u->noted);
    u->bytes = arena_take(a, u->size, 1);
    u->pools = arena_take(a, m->pool_max, sizeof *u->pools);
    u->clusters = arena_take(a, m->cluster_max, sizeof *u->clusters);
}

void memory_open(memory *m)
{
    memory_undo *u = &m->undo;
    u->used = 0;
    u->pool_count = m->pool_count;
    u->cluster_count = m->cluster_count;
    memset(u->noted, 0, bits_words(m->work_count) * sizeof *u->noted);
    memcpy(u->pools, m->pools, m->pool_count * sizeof *u->pools);
    memcpy(u->clusters, m->clusters, m->cluster_count * sizeof *u->clusters);
}

static void add(memory_undo *u, const void *data, size_t size)
{
    assert(u->size - u->used >= size);
    if (size > 0) {
        memcpy(u->bytes + u->used, data, size);
        u->used += size;
    }
}

void memory_note(memory *m, uint32_t work)
{
    memory_undo *u = &m->undo;
    if (bits_has(u->noted, work)) {
        return;
    }
    bits_add(u->noted, work);
    const memory_work *own = &m->works[work];
    bytes_out count = {NULL, 0};
    owner_put(&count, &own->owner);
    const entry e = {*own, work, (uint32_t)own->seat_count, count.used};
    add(u, &e, sizeof e);
    add(u, own->group_since, groups_size(own));
    assert(u->size - u->used >= e.owner);
    bytes_out state = {u->bytes, u->used};
    owner_put(&state, &own->owner);
    u->used = state.used;
    add(u, m->seats + own->seat_first, own->seat_count * sizeof *m->seats);
    for (size_t i = own->seat_first; i < own->seat_first + own->seat_count; i++) {
        if (m->seats[i].timed) {
            add(u, &m->seat_times[i], sizeof *m->seat_times);
        }
    }
}

static const unsigned char *give_back(memory *m, const unsigned char *at)
{
    entry e;
    memcpy(&e, at, sizeof e);
    at += sizeof e;
    memory_work *own = &m->works[e.work];
    assert(own->seat_room >= e.seats);
    m->seat_count = m->seat_count - own->seat_count + e.seats;
    e.own.seat_first = own->seat_first; /* the run may have moved, and found more room */
    e.own.seat_room = own->seat_room;
    *own = e.own;
    if (own->group_count > 0) {
        memcpy(own->group_since, at, groups_size(own));
        at += groups_size(own);
    }
    bytes_in state = {at, 0, e.owner, false};
    owner_get(&state, &own->owner, true);
    assert(!state.bad && state.used == e.owner);
    at += e.owner;
    if (e.seats > 0) {
        memcpy(m->seats + own->seat_first, at, e.seats * sizeof *m->seats);
        at += e.seats * sizeof *m->seats;
    }
    for (size_t i = own->seat_first; i < own->seat_first + e.seats; i++) {
        m->seat_keys[i] = m->seats[i].cluster;
        if (m->seats[i].timed) {
            memcpy(&m->seat_times[i], at, sizeof *m->seat_times);
            at += sizeof *m->seat_times;
        }
    }
    return at;
}

void memory_back(memory *m)
{
    const memory_undo *u = &m->undo;
    for (const unsigned char *at = u->bytes; at < u->bytes + u->used;) {
        at = give_back(m, at);
    }
    m->pool_count = u->pool_count;
    m->cluster_count = u->cluster_count;
    memcpy(m->pools, u->pools, u->pool_count * sizeof *u->pools);
    memcpy(m->clusters, u->clusters, u->cluster_count * sizeof *u->clusters);
}
