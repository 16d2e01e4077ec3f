/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_save.c - the core's memory as bytes: magic, version, length, configuration hash, clocks, tables, checksum.
 *
 * Little-endian whatever the machine. Load checks everything before it changes anything, but for the content of the
 * scalers' states: those the checksum covers, and the configuration hash says that they are of the same windows,
 * periods and bins, which is all that a state is particular about.
 */
#include "core/hash.h"
#include "core/memory.h"

#define MAGIC  UINT64_C(0x31544154535750) /* "PWSTAT1" */
#define FORMAT 1u

typedef struct out {
    unsigned char *at; /**< NULL while counting */
    size_t used;
} out;

static void put(out *o, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        if (o->at != NULL) {
            o->at[o->used + i] = (unsigned char)(value >> (8 * i));
        }
    }
    o->used += bytes;
}

static void put64(out *o, int64_t value)
{
    put(o, (uint64_t)value, 8);
}

static void put32(out *o, int32_t value)
{
    put(o, (uint32_t)value, 4);
}

static void put_work(out *o, const memory_work *w)
{
    put(o, w->key, 8);
    put32(o, w->desired);
    put32(o, w->group);
    put64(o, w->synced);
    put64(o, w->room_since);
    put32(o, w->group_count);
    for (int32_t g = 0; g < w->group_count; g++) {
        put64(o, w->group_since[g]);
    }
    put64(o, w->rescheduled);
    put64(o, w->fresh_since);
    put32(o, w->surge);
    put32(o, (int32_t)w->reason);
    bytes_out rest = {o->at, o->used};
    owner_put(&rest, &w->owner);
    o->used = rest.used;
}

static void put_seat(out *o, uint64_t workload, const memory_seat *s)
{
    put(o, workload, 8);
    put(o, s->cluster, 8);
    put64(o, s->seen);
    put32(o, s->promised);
    put64(o, s->promised_at);
    put32(o, s->moving);
    put64(o, s->move_by);
    put64(o, s->blocked_until);
    put32(o, s->route);
    put32(o, s->nominated);
    put64(o, s->nominated_until);
    put(o, s->evicting ? 1 : 0, 1);
    put64(o, s->evict_since);
    put32(o, s->released);
    put32(o, s->direction);
    put32(o, s->turn_count);
    for (size_t i = 0; i < MEMORY_TURNS; i++) {
        put64(o, s->turns[i]);
    }
    put32(o, s->stuck);
    put64(o, s->stuck_since);
    put(o, s->barred ? 1 : 0, 1);
    put64(o, s->barred_until);
    put(o, s->frozen ? 1 : 0, 1);
    put64(o, s->frozen_until);
}

static void put_cluster(out *o, const memory_cluster *c)
{
    put(o, c->key, 8);
    put64(o, c->seen);
    put64(o, c->since);
    put(o, c->answers ? 1 : 0, 1);
    put(o, c->lost ? 1 : 0, 1);
}

static void put_pool(out *o, const memory_pool *p)
{
    put(o, p->key, 8);
    put64(o, p->seen);
    put32(o, p->promised);
    put64(o, p->promised_at);
    put32(o, p->nodes);
    put64(o, p->failures);
    put64(o, p->waiting_since);
    put64(o, p->backoff_until);
    put64(o, p->backoff);
    put32(o, p->surplus);
    put64(o, p->surplus_since);
    put(o, p->late ? 1 : 0, 1);
}

static void put_head(out *o, const memory *m, uint64_t length)
{
    put(o, MAGIC, 8);
    put(o, FORMAT, 4);
    put(o, length, 8);
    put(o, m->config_hash, 8);
    put(o, m->ticks, 8);
    put64(o, m->last);
    put(o, m->work_count, 8);
    put(o, m->seat_count, 8);
    put(o, m->pool_count, 8);
    put(o, m->cluster_count, 8);
}

static void put_works(out *o, const memory *m)
{
    for (size_t i = 0; i < m->work_count; i++) {
        put_work(o, &m->works[i]);
    }
}

/** In the order of the keys of the workloads. */
static void put_seats(out *o, const memory *m)
{
    for (size_t k = 0; k < m->work_count; k++) {
        size_t count = 0;
        const memory_seat *seats = memory_seats_of(m, m->work_by_key[k], &count);
        for (size_t i = 0; i < count; i++) {
            put_seat(o, m->works[m->work_by_key[k]].key, &seats[i]);
        }
    }
}

static void put_rest(out *o, const memory *m)
{
    for (size_t i = 0; i < m->pool_count; i++) {
        put_pool(o, &m->pools[i]);
    }
    for (size_t i = 0; i < m->cluster_count; i++) {
        put_cluster(o, &m->clusters[i]);
    }
}

size_t memory_save_size(const memory *m)
{
    out o = {NULL, 0};
    out seat = {NULL, 0};
    put_seat(&seat, 0, &(memory_seat){0}); /* all are of one size */
    put_head(&o, m, 0);
    put_works(&o, m);
    put_rest(&o, m);
    return o.used + m->seat_count * seat.used + 8;
}

spw_rc memory_write(const memory *m, void *buf, size_t size, size_t *used)
{
    *used = memory_save_size(m);
    if (size < *used) {
        return SPW_LIMIT;
    }
    out o = {buf, 0};
    put_head(&o, m, *used);
    put_works(&o, m);
    put_seats(&o, m);
    put_rest(&o, m);
    assert(o.used + 8 == *used);
    return SPW_OK;
}

void memory_seal(void *buf, size_t used)
{
    out o = {buf, used - 8};
    put(&o, hash_bytes(HASH_SEED, buf, used - 8), 8);
}

spw_rc memory_save(const memory *m, void *buf, size_t size)
{
    size_t used = 0;
    spw_rc rc = memory_write(m, buf, size, &used);
    if (rc == SPW_OK) {
        memory_seal(buf, used);
    }
    return rc;
}

/* --- reading --- */

typedef struct in {
    const unsigned char *at;
    size_t used, size;
    bool bad;
} in;

static uint64_t get(in *i, size_t bytes)
{
    if (i->size - i->used < bytes) {
        i->bad = true;
        return 0;
    }
    uint64_t value = 0;
    for (size_t k = 0; k < bytes; k++) {
        value |= (uint64_t)i->at[i->used + k] << (8 * k);
    }
    i->used += bytes;
    return value;
}

static int64_t get64(in *i)
{
    return (int64_t)get(i, 8);
}

static int32_t get32(in *i)
{
    return (int32_t)(uint32_t)get(i, 4);
}

/** Reads one workload; with `into` NULL only walks over it. */
static void get_work(in *i, const memory_work *own, memory_work *into)
{
    memory_work w = *own;
    if (get(i, 8) != own->key) {
        i->bad = true;
    }
    w.desired = get32(i);
    w.group = get32(i);
    w.synced = get64(i);
    w.room_since = get64(i);
    const int32_t groups = get32(i);
    i->bad = i->bad || groups < 0 || groups > SPW_GROUPS_MAX;
    for (int32_t g = 0; g < groups && !i->bad; g++) { /* of another policy: its clocks begin anew */
        spw_time since = get64(i);
        if (into != NULL && groups == own->group_count) {
            into->group_since[g] = since;
        }
    }
    w.rescheduled = get64(i);
    w.fresh_since = get64(i);
    w.surge = get32(i);
    w.reason = (spw_reason)get32(i);
    bytes_in rest = {i->at, i->used, i->size, i->bad};
    owner_get(&rest, into != NULL ? &into->owner : &w.owner, into != NULL);
    i->used = rest.used;
    i->bad = rest.bad;
    if (into != NULL && !i->bad) {
        w.owner = into->owner;
        *into = w;
    }
}

static memory_seat get_seat(in *i)
{
    memory_seat s = {.cluster = get(i, 8)};
    s.seen = get64(i);
    s.promised = get32(i);
    s.promised_at = get64(i);
    s.moving = get32(i);
    s.move_by = get64(i);
    s.blocked_until = get64(i);
    s.route = get32(i);
    s.nominated = get32(i);
    s.nominated_until = get64(i);
    s.evicting = get(i, 1) != 0;
    s.evict_since = get64(i);
    s.released = get32(i);
    s.direction = get32(i);
    s.turn_count = get32(i);
    for (size_t k = 0; k < MEMORY_TURNS; k++) {
        s.turns[k] = get64(i);
    }
    s.stuck = get32(i);
    s.stuck_since = get64(i);
    s.barred = get(i, 1) != 0;
    s.barred_until = get64(i);
    s.frozen = get(i, 1) != 0;
    s.frozen_until = get64(i);
    i->bad = i->bad || s.turn_count < 0 || s.turn_count > MEMORY_TURNS;
    return s;
}

static memory_cluster get_cluster(in *i)
{
    memory_cluster c = {.key = get(i, 8)};
    c.seen = get64(i);
    c.since = get64(i);
    c.answers = get(i, 1) != 0;
    c.lost = get(i, 1) != 0;
    return c;
}

static memory_pool get_pool(in *i)
{
    memory_pool p = {0};
    p.key = get(i, 8);
    p.seen = get64(i);
    p.promised = get32(i);
    p.promised_at = get64(i);
    p.nodes = get32(i);
    p.failures = get64(i);
    p.waiting_since = get64(i);
    p.backoff_until = get64(i);
    p.backoff = get64(i);
    p.surplus = get32(i);
    p.surplus_since = get64(i);
    p.late = get(i, 1) != 0;
    return p;
}

/** Seats come by workload key, then by cluster key: one run after the other. */
static void get_seats(in *i, memory *m, size_t seats, bool apply)
{
    if (apply) {
        memory_seats_clear(m);
    }
    size_t work = 0; /* in the order of the keys */
    uint64_t cluster = 0;
    bool first = true;
    for (size_t k = 0; k < seats && !i->bad; k++) {
        uint64_t key = get(i, 8);
        for (; work < m->work_count && m->works[m->work_by_key[work]].key < key; work++) {
            first = true;
        }
        memory_seat s = get_seat(i);
        bool ours = work < m->work_count && m->works[m->work_by_key[work]].key == key;
        i->bad = i->bad || !ours || (!first && s.cluster <= cluster);
        cluster = s.cluster;
        first = false;
        if (apply && !i->bad) {
            memory_seats_append(m, m->work_by_key[work], &s);
        }
    }
}

/** The tables after the head; with apply false only checks that they fit and are in order. */
static void get_tables(in *i, memory *m, size_t seats, size_t pools, size_t clusters, bool apply)
{
    for (size_t k = 0; k < m->work_count && !i->bad; k++) {
        get_work(i, &m->works[k], apply ? &m->works[k] : NULL);
    }
    get_seats(i, m, seats, apply);
    uint64_t key = 0;
    for (size_t k = 0; k < pools && !i->bad; k++) {
        memory_pool p = get_pool(i);
        i->bad = i->bad || (k > 0 && p.key <= key);
        key = p.key;
        if (apply) {
            m->pools[k] = p;
        }
    }
    key = 0;
    for (size_t k = 0; k < clusters && !i->bad; k++) {
        memory_cluster c = get_cluster(i);
        i->bad = i->bad || (k > 0 && c.key <= key);
        key = c.key;
        if (apply) {
            m->clusters[k] = c;
        }
    }
}

spw_rc memory_load(memory *m, const void *buf, size_t size)
{
    in i = {.at = buf, .size = size};
    if (get(&i, 8) != MAGIC || i.bad) {
        return SPW_STATE;
    }
    if (get(&i, 4) != FORMAT) {
        return i.bad ? SPW_STATE : SPW_VERSION;
    }
    if (get(&i, 8) != size || size < 8) {
        return SPW_STATE;
    }
    in tail = {.at = buf, .used = size - 8, .size = size};
    if (get(&tail, 8) != hash_bytes(HASH_SEED, buf, size - 8)) {
        return SPW_STATE;
    }
    i.size = size - 8;
    uint64_t config_hash = get(&i, 8);
    uint64_t ticks = get(&i, 8);
    spw_time last = get64(&i);
    size_t works = (size_t)get(&i, 8);
    size_t seats = (size_t)get(&i, 8);
    size_t pools = (size_t)get(&i, 8);
    size_t clusters = (size_t)get(&i, 8);
    if (i.bad || config_hash != m->config_hash || works != m->work_count) {
        return SPW_STATE;
    }
    if (seats > m->seat_max || pools > m->pool_max || clusters > m->cluster_max) {
        return SPW_LIMIT;
    }
    in check = i;
    get_tables(&check, m, seats, pools, clusters, false);
    if (check.bad || check.used != check.size) {
        return SPW_STATE;
    }
    get_tables(&i, m, seats, pools, clusters, true);
    if (i.bad) {
        return SPW_STATE;
    }
    m->ticks = ticks;
    m->last = last;
    m->pool_count = pools;
    m->cluster_count = clusters;
    return SPW_OK;
}
