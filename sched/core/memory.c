/* SPDX-License-Identifier: Apache-2.0 */
/* memory.c - the sorted tables of memory.h. */
#include "core/memory.h"

/** Index of the first seat not before (workload, cluster). */
static size_t seat_lower(const memory *m, uint64_t workload, uint64_t cluster)
{
    size_t low = 0;
    size_t high = m->seat_count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        const memory_seat *s = &m->seats[mid];
        if (s->workload < workload || (s->workload == workload && s->cluster < cluster)) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

memory_seat *memory_seat_find(const memory *m, uint64_t workload, uint64_t cluster)
{
    size_t at = seat_lower(m, workload, cluster);
    if (at < m->seat_count && m->seats[at].workload == workload && m->seats[at].cluster == cluster) {
        return &m->seats[at];
    }
    return NULL;
}

memory_seat *memory_seat_get(memory *m, uint64_t workload, uint64_t cluster)
{
    memory_seat *found = memory_seat_find(m, workload, cluster);
    if (found != NULL || m->seat_count == m->seat_max) {
        return found;
    }
    size_t at = seat_lower(m, workload, cluster);
    memmove(&m->seats[at + 1], &m->seats[at], (m->seat_count - at) * sizeof m->seats[0]);
    m->seat_count++;
    m->seats[at] = (memory_seat){.workload = workload,
                                 .cluster = cluster,
                                 .seen = MEMORY_NEVER,
                                 .promised = -1,
                                 .promised_at = MEMORY_NEVER,
                                 .move_by = MEMORY_NEVER,
                                 .blocked_until = MEMORY_NEVER,
                                 .nominated_until = MEMORY_NEVER,
                                 .route = MEMORY_ROUTE_NONE};
    return &m->seats[at];
}

memory_seat *memory_seats_of(const memory *m, uint64_t workload, size_t *count)
{
    size_t first = seat_lower(m, workload, 0);
    size_t end = first;
    while (end < m->seat_count && m->seats[end].workload == workload) {
        end++;
    }
    *count = end - first;
    return &m->seats[first];
}

memory_seat *memory_seat_in(memory_seat *seats, size_t count, uint64_t cluster)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (seats[mid].cluster < cluster) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low < count && seats[low].cluster == cluster ? &seats[low] : NULL;
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
    for (size_t i = 0; i < m->seat_count; i++) {
        if (m->seats[i].route != MEMORY_ROUTE_NONE) {
            m->seats[i].route = MEMORY_ROUTE_UNKNOWN;
        }
    }
    for (size_t i = 0; i < m->work_count; i++) {
        m->works[i].owner.wrote = -1;
    }
}

void memory_prune(memory *m, spw_time now)
{
    size_t kept = 0;
    for (size_t i = 0; i < m->seat_count; i++) {
        if (m->seats[i].seen != MEMORY_NEVER && now - m->seats[i].seen <= MEMORY_KEEP) {
            m->seats[kept++] = m->seats[i];
        }
    }
    m->seat_count = kept;
    kept = 0;
    for (size_t i = 0; i < m->pool_count; i++) {
        if (m->pools[i].seen != MEMORY_NEVER && now - m->pools[i].seen <= MEMORY_KEEP) {
            m->pools[kept++] = m->pools[i];
        }
    }
    m->pool_count = kept;
}
