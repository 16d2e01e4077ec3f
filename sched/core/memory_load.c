/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_load.c - the bytes of memory_save.c read again, workload by workload, into a core that may be configured
 * otherwise.
 *
 * What a workload remembers of clusters (promises, moves, clocks) is about the world and stays, whatever its policy is
 * now. Two parts have their meaning from the configuration and stay only where that is the same:
 *   by place_digest  since when better groups have had room. The group in use goes by its name
 *   by scale_digest  the state of the scaler, when it was last asked, and the bounds of its timetable
 * Workloads that the state does not have begin anew, others are passed over, so that an edit of one manifest costs no
 * other workload anything.
 *
 * All is checked before anything is changed, but for the content of the scalers' states: those the checksum covers, and
 * the digest says that they are of the same windows, periods and bins, which is all that a state is particular about.
 */
#include "core/hash.h"
#include "core/memory.h"

uint64_t memory_group_key(const memory_work *w)
{
    const spw_policy *p = w->failover;
    return p != NULL && (size_t)w->group < p->group_count ? spw_key(p->groups[w->group].name) : 0;
}

/** The group that is called as the one in use was; the first if there is none. */
static int32_t group_by_key(const memory_work *w, uint64_t key)
{
    for (size_t g = 0; w->failover != NULL && g < w->failover->group_count; g++) {
        if (spw_key(w->failover->groups[g].name) == key) {
            return (int32_t)g;
        }
    }
    return 0;
}

void memory_begin(memory_work *w)
{
    w->desired = -1;
    w->group = 0;
    w->applied = 0;
    w->placement_group = -1;
    w->synced = MEMORY_NEVER;
    w->room_since = MEMORY_NEVER;
    for (int32_t g = 0; g < w->group_count && w->group_since != NULL; g++) {
        w->group_since[g] = MEMORY_NEVER;
    }
    w->rescheduled = MEMORY_NEVER;
    w->fresh_since = MEMORY_NEVER;
    w->surge = 0;
    w->reason = SPW_WHY_NONE;
    owner_begin(&w->owner);
}

/** The fixed fields of one workload's record, in their order. */
typedef struct record {
    uint64_t key, place_digest, scale_digest, applied, group_key;
    int32_t desired, group, group_count, surge;
    spw_time synced, room_since, rescheduled, fresh_since;
    spw_reason reason;
    size_t clocks; /**< where the group clocks lie */
} record;

static record get_record(bytes_in *i)
{
    record r = {.key = bytes_get(i, 8)};
    r.place_digest = bytes_get(i, 8);
    r.scale_digest = bytes_get(i, 8);
    r.applied = bytes_get(i, 8);
    r.desired = bytes_get_i32(i);
    r.group = bytes_get_i32(i);
    r.group_key = bytes_get(i, 8);
    r.synced = bytes_get_i64(i);
    r.room_since = bytes_get_i64(i);
    r.group_count = bytes_get_i32(i);
    i->bad = i->bad || r.group < 0 || r.group_count < 0 || r.group_count > SPW_GROUPS_MAX;
    r.clocks = i->used;
    for (int32_t g = 0; g < r.group_count && !i->bad; g++) {
        (void)bytes_get_i64(i);
    }
    r.rescheduled = bytes_get_i64(i);
    r.fresh_since = bytes_get_i64(i);
    r.surge = bytes_get_i32(i);
    r.reason = (spw_reason)bytes_get_i32(i);
    return r;
}

/** Reads one record, of which the owner is left, into the workload that has its key. */
static void get_work(bytes_in *i, const record *r, memory_work *w, bool apply)
{
    const bool same_place = r->place_digest == w->place_digest;
    const bool same_scale = r->scale_digest == w->scale_digest;
    i->bad = i->bad || (same_place && r->group_count != w->group_count);
    if (apply && !i->bad) {
        memory_begin(w);
        w->desired = r->desired;
        w->applied = r->applied;
        w->rescheduled = r->rescheduled;
        w->fresh_since = r->fresh_since;
        w->surge = r->surge;
        w->reason = r->reason;
        w->group = same_place ? r->group : group_by_key(w, r->group_key);
        w->room_since = same_place ? r->room_since : MEMORY_NEVER;
        w->synced = same_scale ? r->synced : MEMORY_NEVER;
        bytes_in clocks = {i->at, r->clocks, i->size, false};
        for (int32_t g = 0; same_place && g < w->group_count; g++) {
            w->group_since[g] = bytes_get_i64(&clocks);
        }
    }
    if (same_scale) {
        owner_get(i, &w->owner, apply);
    } else {
        i->used = i->bad ? i->used : i->size;
    }
}

/** The records come by key; so do those of ours. */
static void get_works(bytes_in *i, memory *m, size_t count, bool apply, spw_state_report *report)
{
    size_t own = 0; /* in the order of the keys */
    uint64_t last = 0;
    *report = (spw_state_report){0};
    for (size_t k = 0; k < count && !i->bad; k++) {
        const size_t length = (size_t)bytes_get(i, 4);
        if (i->bad || length > i->size - i->used) {
            i->bad = true;
            return;
        }
        bytes_in one = {i->at, i->used, i->used + length, false};
        const record r = get_record(&one);
        i->bad = one.bad || (k > 0 && r.key <= last);
        last = r.key;
        i->used += length;
        for (; own < m->work_count && m->works[m->work_by_key[own]].key < r.key && !i->bad; own++) {
            report->added++;
            if (apply) {
                memory_begin(&m->works[m->work_by_key[own]]);
            }
        }
        memory_work *w = own < m->work_count ? &m->works[m->work_by_key[own]] : NULL;
        if (w == NULL || w->key != r.key) {
            report->gone++;
            continue;
        }
        const bool same = w->place_digest == r.place_digest && w->scale_digest == r.scale_digest;
        report->kept += same ? 1 : 0;
        report->changed += same ? 0 : 1;
        own++;
        if (!i->bad) {
            get_work(&one, &r, w, apply);
            i->bad = one.bad || one.used != one.size;
        }
    }
    for (; own < m->work_count && !i->bad; own++) {
        report->added++;
        if (apply) {
            memory_begin(&m->works[m->work_by_key[own]]);
        }
    }
}

static memory_seat get_seat(bytes_in *i, memory_times *t)
{
    memory_seat s = {.cluster = bytes_get(i, 8)};
    s.seen = bytes_get_i64(i);
    s.promised = bytes_get_i32(i);
    s.promised_at = bytes_get_i64(i);
    s.moving = bytes_get_i32(i);
    t->move_by = bytes_get_i64(i);
    t->blocked_until = bytes_get_i64(i);
    s.route = bytes_get_i32(i);
    s.nominated = bytes_get_i32(i);
    t->nominated_until = bytes_get_i64(i);
    s.evicting = bytes_get(i, 1) != 0;
    t->evict_since = bytes_get_i64(i);
    s.released = bytes_get_i32(i);
    const int32_t direction = bytes_get_i32(i);
    s.direction = direction > 0 ? 1 : (direction < 0 ? -1 : 0);
    t->turn_count = bytes_get_i32(i);
    for (size_t k = 0; k < MEMORY_TURNS; k++) {
        t->turns[k] = bytes_get_i64(i);
    }
    s.stuck = bytes_get_i32(i);
    t->stuck_since = bytes_get_i64(i);
    s.barred = bytes_get(i, 1) != 0;
    t->barred_until = bytes_get_i64(i);
    s.frozen = bytes_get(i, 1) != 0;
    t->frozen_until = bytes_get_i64(i);
    i->bad = i->bad || direction != s.direction || t->turn_count < 0 || t->turn_count > MEMORY_TURNS;
    return s;
}

/** Seats come by workload key, then by cluster key: one run after the other. @return those of ours */
static size_t get_seats(bytes_in *i, memory *m, size_t seats, bool apply)
{
    if (apply) {
        memory_seats_clear(m);
    }
    size_t work = 0; /* in the order of the keys */
    size_t ours = 0;
    uint64_t last_work = 0;
    uint64_t last_cluster = 0;
    for (size_t k = 0; k < seats && !i->bad; k++) {
        const uint64_t key = bytes_get(i, 8);
        memory_times times = {0};
        const memory_seat s = get_seat(i, &times);
        const bool ordered = k == 0 || key > last_work || (key == last_work && s.cluster > last_cluster);
        i->bad = i->bad || !ordered;
        last_work = key;
        last_cluster = s.cluster;
        while (work < m->work_count && m->works[m->work_by_key[work]].key < key) {
            work++;
        }
        const bool own = work < m->work_count && m->works[m->work_by_key[work]].key == key;
        ours += own ? 1 : 0;
        if (apply && own && !i->bad) {
            memory_seats_append(m, m->work_by_key[work], &s, &times);
        }
    }
    return ours;
}

static memory_cluster get_cluster(bytes_in *i)
{
    memory_cluster c = {.key = bytes_get(i, 8)};
    c.seen = bytes_get_i64(i);
    c.since = bytes_get_i64(i);
    c.answers = bytes_get(i, 1) != 0;
    c.lost = bytes_get(i, 1) != 0;
    return c;
}

static memory_pool get_pool(bytes_in *i)
{
    memory_pool p = {.key = bytes_get(i, 8)};
    p.seen = bytes_get_i64(i);
    p.promised = bytes_get_i32(i);
    p.promised_at = bytes_get_i64(i);
    p.nodes = bytes_get_i32(i);
    p.failures = bytes_get_i64(i);
    p.waiting_since = bytes_get_i64(i);
    p.backoff_until = bytes_get_i64(i);
    p.backoff = bytes_get_i64(i);
    p.surplus = bytes_get_i32(i);
    p.surplus_since = bytes_get_i64(i);
    p.late = bytes_get(i, 1) != 0;
    return p;
}

typedef struct head {
    uint64_t ticks;
    spw_time last;
    size_t works, seats, pools, clusters;
} head;

/** The tables after the head; with apply false only checks that they are in order. @return seats of ours */
static size_t get_tables(bytes_in *i, memory *m, const head *h, bool apply, spw_state_report *report)
{
    get_works(i, m, h->works, apply, report);
    const size_t ours = get_seats(i, m, h->seats, apply);
    uint64_t key = 0;
    for (size_t k = 0; k < h->pools && !i->bad; k++) {
        memory_pool p = get_pool(i);
        i->bad = i->bad || (k > 0 && p.key <= key);
        key = p.key;
        if (apply) {
            m->pools[k] = p;
        }
    }
    key = 0;
    for (size_t k = 0; k < h->clusters && !i->bad; k++) {
        memory_cluster c = get_cluster(i);
        i->bad = i->bad || (k > 0 && c.key <= key);
        key = c.key;
        if (apply) {
            m->clusters[k] = c;
        }
    }
    return ours;
}

static head get_head(bytes_in *i)
{
    head h = {.ticks = bytes_get(i, 8)};
    h.last = bytes_get_i64(i);
    h.works = (size_t)bytes_get(i, 8);
    h.seats = (size_t)bytes_get(i, 8);
    h.pools = (size_t)bytes_get(i, 8);
    h.clusters = (size_t)bytes_get(i, 8);
    return h;
}

spw_rc memory_load(memory *m, const void *buf, size_t size, spw_state_report *report)
{
    bytes_in i = {.at = buf, .size = size};
    if (bytes_get(&i, 8) != MEMORY_MAGIC || i.bad) {
        return SPW_STATE;
    }
    if (bytes_get(&i, 4) != MEMORY_FORMAT) {
        return i.bad ? SPW_STATE : SPW_VERSION;
    }
    if (bytes_get(&i, 8) != size || i.bad) {
        return SPW_STATE;
    }
    bytes_in tail = {.at = buf, .used = size - 8, .size = size};
    if (bytes_get(&tail, 8) != hash_bytes(HASH_SEED, buf, size - 8)) {
        return SPW_STATE;
    }
    i.size = size - 8;
    const head h = get_head(&i);
    if (i.bad) {
        return SPW_STATE;
    }
    if (h.pools > m->pool_max || h.clusters > m->cluster_max) {
        return SPW_LIMIT;
    }
    bytes_in check = i;
    const size_t ours = get_tables(&check, m, &h, false, report);
    if (check.bad || check.used != check.size) {
        return SPW_STATE;
    }
    if (ours > m->seat_max) {
        return SPW_LIMIT;
    }
    (void)get_tables(&i, m, &h, true, report);
    if (i.bad) {
        return SPW_STATE;
    }
    m->ticks = h.ticks;
    m->last = h.last;
    m->pool_count = h.pools;
    m->cluster_count = h.clusters;
    return SPW_OK;
}
