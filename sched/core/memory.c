/* SPDX-License-Identifier: Apache-2.0 */
/* memory.c - the runs and sorted tables of memory.h. */
#include "core/memory.h"

#include "core/search.h"
#include "core/sort.h"

/** Index of the first seat of a run not before a cluster. */
static size_t seat_lower(const memory *m, const memory_work *own, uint64_t cluster)
{
    return search_lower(m->seat_keys + own->seat_first, own->seat_count, cluster);
}

static const memory_times no_times = {
    .move_by = MEMORY_NEVER, .blocked_until = MEMORY_NEVER, .nominated_until = MEMORY_NEVER};

static bool same_times(const memory_times *a, const memory_times *b)
{
    bool same = a->move_by == b->move_by && a->blocked_until == b->blocked_until &&
                a->nominated_until == b->nominated_until && a->evict_since == b->evict_since &&
                a->stuck_since == b->stuck_since && a->barred_until == b->barred_until &&
                a->frozen_until == b->frozen_until && a->turn_count == b->turn_count;
    for (size_t i = 0; i < MEMORY_TURNS && same; i++) {
        same = a->turns[i] == b->turns[i];
    }
    return same;
}

const memory_times *memory_times_of(const memory *m, const memory_seat *seat)
{
    return seat->timed ? &m->seat_times[seat - m->seats] : &no_times;
}

memory_times *memory_times_set(memory *m, memory_seat *seat)
{
    memory_times *times = &m->seat_times[seat - m->seats];
    if (!seat->timed) {
        seat->timed = true;
        *times = no_times;
    }
    return times;
}

/** n entries with their keys and clocks, the ranges may overlap. */
static void move_seats(memory *m, size_t to, size_t from, size_t n)
{
    for (size_t i = 0; i < n; i++) { /* few have any: a copy of all would cost more than everything else here */
        size_t at = to < from ? i : n - 1 - i;
        if (m->seats[from + at].timed) {
            m->seat_times[to + at] = m->seat_times[from + at];
        }
    }
    memmove(m->seats + to, m->seats + from, n * sizeof *m->seats);
    memmove(m->seat_keys + to, m->seat_keys + from, n * sizeof *m->seat_keys);
}

memory_seat *memory_seats_of(const memory *m, uint32_t work, size_t *count)
{
    *count = m->works[work].seat_count;
    return m->seats + m->works[work].seat_first;
}

memory_seat *memory_seat_find(const memory *m, uint32_t work, uint64_t cluster)
{
    const memory_work *own = &m->works[work];
    size_t at = seat_lower(m, own, cluster);
    return at < own->seat_count && m->seat_keys[own->seat_first + at] == cluster ? &m->seats[own->seat_first + at]
                                                                                 : NULL;
}

static bool lies_before(const void *rows, uint32_t a, uint32_t b)
{
    const memory_work *works = rows;
    return works[a].seat_first < works[b].seat_first;
}

/** Moves all runs to the front, in the order they lie in, without room to grow. */
static void move_together(memory *m)
{
    size_t used = 0;
    for (size_t w = 0; w < m->work_count; w++) {
        if (m->works[w].seat_count > 0) {
            m->runs[used++] = (uint32_t)w;
        }
        m->works[w].seat_room = 0;
    }
    sort_rows(m->runs, used, lies_before, m->works);
    m->seat_end = 0;
    for (size_t i = 0; i < used; i++) {
        memory_work *own = &m->works[m->runs[i]];
        move_seats(m, m->seat_end, own->seat_first, own->seat_count);
        own->seat_first = m->seat_end;
        own->seat_room = own->seat_count;
        m->seat_end += own->seat_count;
    }
}

#define RUN_LEAST 4 /* seats that a run has room for from the start */

/** Gives a full run a new place, with room for more. There is one: all entries in use fit in one half of the array. */
static void move_run(memory *m, memory_work *own)
{
    size_t space = m->seat_max * MEMORY_SPACE;
    size_t room = own->seat_count < RUN_LEAST ? RUN_LEAST : own->seat_count * 2;
    if (space - m->seat_end < room) {
        move_together(m);
        room = room < space - m->seat_end ? room : space - m->seat_end;
    }
    assert(room > own->seat_count);
    if (own->seat_count > 0) {
        move_seats(m, m->seat_end, own->seat_first, own->seat_count);
    }
    own->seat_first = m->seat_end;
    own->seat_room = room;
    m->seat_end += room;
}

memory_seat *memory_seat_get(memory *m, uint32_t work, uint64_t cluster)
{
    memory_work *own = &m->works[work];
    size_t at = seat_lower(m, own, cluster);
    if (at < own->seat_count && m->seat_keys[own->seat_first + at] == cluster) {
        return &m->seats[own->seat_first + at];
    }
    if (m->seat_count == m->seat_max) {
        return NULL;
    }
    if (own->seat_count == own->seat_room) {
        move_run(m, own);
    }
    memory_seat *seat = m->seats + own->seat_first + at;
    move_seats(m, own->seat_first + at + 1, own->seat_first + at, own->seat_count - at);
    own->seat_count++;
    m->seat_count++;
    m->seat_keys[own->seat_first + at] = cluster;
    *seat = (memory_seat){.cluster = cluster,
                          .seen = MEMORY_NEVER,
                          .promised = -1,
                          .promised_at = MEMORY_NEVER,
                          .route = MEMORY_ROUTE_NONE};
    return seat;
}

void memory_seats_append(memory *m, uint32_t work, const memory_seat *seat, const memory_times *times)
{
    memory_work *own = &m->works[work];
    own->seat_first = own->seat_count == 0 ? m->seat_end : own->seat_first;
    assert(own->seat_first + own->seat_count == m->seat_end && m->seat_count < m->seat_max);
    m->seat_keys[m->seat_end] = seat->cluster;
    m->seats[m->seat_end] = *seat;
    m->seats[m->seat_end].timed = !same_times(times, &no_times);
    m->seat_times[m->seat_end++] = *times;
    own->seat_room = ++own->seat_count;
    m->seat_count++;
}

void memory_seats_clear(memory *m)
{
    for (size_t w = 0; w < m->work_count; w++) {
        m->works[w].seat_first = m->works[w].seat_count = m->works[w].seat_room = 0;
    }
    m->seat_count = 0;
    m->seat_end = 0;
}

static size_t pool_lower(const memory *m, uint64_t key)
{
    size_t low = 0;
    size_t high = m->pool_count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (m->pools[mid].key < key) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

memory_pool *memory_pool_near(const memory *m, uint64_t key, uint32_t *hint)
{
    if (*hint >= m->pool_count || m->pools[*hint].key != key) {
        *hint = (uint32_t)pool_lower(m, key);
    }
    return *hint < m->pool_count && m->pools[*hint].key == key ? &m->pools[*hint] : NULL;
}

memory_pool *memory_pool_find(const memory *m, uint64_t key)
{
    size_t at = pool_lower(m, key);
    return at < m->pool_count && m->pools[at].key == key ? &m->pools[at] : NULL;
}

memory_pool *memory_pool_get(memory *m, uint64_t key)
{
    memory_pool *found = memory_pool_find(m, key);
    if (found != NULL || m->pool_count == m->pool_max) {
        return found;
    }
    size_t at = pool_lower(m, key);
    memmove(&m->pools[at + 1], &m->pools[at], (m->pool_count - at) * sizeof m->pools[0]);
    m->pool_count++;
    m->pools[at] = (memory_pool){.key = key,
                                 .seen = MEMORY_NEVER,
                                 .promised = -1,
                                 .promised_at = MEMORY_NEVER,
                                 .nodes = -1,
                                 .failures = -1,
                                 .waiting_since = MEMORY_NEVER,
                                 .backoff_until = MEMORY_NEVER,
                                 .surplus_since = MEMORY_NEVER};
    return &m->pools[at];
}

void memory_forget_routes(memory *m)
{
    for (uint32_t w = 0; w < m->work_count; w++) {
        size_t count = 0;
        memory_seat *seats = memory_seats_of(m, w, &count);
        for (size_t i = 0; i < count; i++) {
            if (seats[i].route != MEMORY_ROUTE_NONE) {
                seats[i].route = MEMORY_ROUTE_UNKNOWN;
            }
        }
        m->works[w].owner.wrote = -1;
    }
}

void memory_prune(memory *m, uint32_t work, spw_time now)
{
    memory_work *own = &m->works[work];
    memory_seat *seats = m->seats + own->seat_first;
    size_t kept = 0;
    for (size_t i = 0; i < own->seat_count; i++) {
        if (seats[i].seen == MEMORY_NEVER || now - seats[i].seen > MEMORY_KEEP) {
            continue;
        }
        if (kept < i) {
            move_seats(m, own->seat_first + kept, own->seat_first + i, 1);
        }
        kept++;
    }
    m->seat_count -= own->seat_count - kept;
    own->seat_count = kept;
}

void memory_prune_pools(memory *m, spw_time now)
{
    size_t kept = 0;
    for (size_t i = 0; i < m->pool_count; i++) {
        if (m->pools[i].seen != MEMORY_NEVER && now - m->pools[i].seen <= MEMORY_KEEP) {
            m->pools[kept++] = m->pools[i];
        }
    }
    m->pool_count = kept;
}
