/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_save.c - the core's memory as bytes: magic, version, length, clocks, tables, checksum. Little-endian whatever
 * the machine. memory_load.c reads them.
 */
#include "core/hash.h"
#include "core/memory.h"

/** Its length comes first, so that a reader can pass over one that it has no use for. */
static void put_work(bytes_out *o, const memory_work *w)
{
    const size_t start = o->used;
    bytes_put(o, 0, 4);
    bytes_put(o, w->key, 8);
    bytes_put(o, w->place_digest, 8);
    bytes_put(o, w->scale_digest, 8);
    bytes_put(o, w->applied, 8);
    bytes_put_i32(o, w->desired);
    bytes_put_i32(o, w->group);
    bytes_put(o, memory_group_key(w), 8);
    bytes_put_i64(o, w->synced);
    bytes_put_i64(o, w->room_since);
    bytes_put_i32(o, w->group_count);
    for (int32_t g = 0; g < w->group_count; g++) {
        bytes_put_i64(o, w->group_since[g]);
    }
    bytes_put_i64(o, w->rescheduled);
    bytes_put_i64(o, w->fresh_since);
    bytes_put_i32(o, w->surge);
    bytes_put_i32(o, (int32_t)w->reason);
    owner_put(o, &w->owner);
    bytes_out length = {o->at, start};
    bytes_put(&length, o->used - start - 4, 4);
}

static void put_seat(bytes_out *o, uint64_t workload, const memory_seat *s, const memory_times *t)
{
    bytes_put(o, workload, 8);
    bytes_put(o, s->cluster, 8);
    bytes_put_i64(o, s->seen);
    bytes_put_i32(o, s->promised);
    bytes_put_i64(o, s->promised_at);
    bytes_put_i32(o, s->moving);
    bytes_put_i64(o, t->move_by);
    bytes_put_i64(o, t->blocked_until);
    bytes_put_i32(o, s->route);
    bytes_put_i32(o, s->nominated);
    bytes_put_i64(o, t->nominated_until);
    bytes_put(o, s->evicting ? 1 : 0, 1);
    bytes_put_i64(o, t->evict_since);
    bytes_put_i32(o, s->released);
    bytes_put_i32(o, s->direction);
    bytes_put_i32(o, t->turn_count);
    for (size_t i = 0; i < MEMORY_TURNS; i++) {
        bytes_put_i64(o, t->turns[i]);
    }
    bytes_put_i32(o, s->stuck);
    bytes_put_i64(o, t->stuck_since);
    bytes_put(o, s->barred ? 1 : 0, 1);
    bytes_put_i64(o, t->barred_until);
    bytes_put(o, s->frozen ? 1 : 0, 1);
    bytes_put_i64(o, t->frozen_until);
}

static void put_cluster(bytes_out *o, const memory_cluster *c)
{
    bytes_put(o, c->key, 8);
    bytes_put_i64(o, c->seen);
    bytes_put_i64(o, c->since);
    bytes_put(o, c->answers ? 1 : 0, 1);
    bytes_put(o, c->lost ? 1 : 0, 1);
}

static void put_pool(bytes_out *o, const memory_pool *p)
{
    bytes_put(o, p->key, 8);
    bytes_put_i64(o, p->seen);
    bytes_put_i32(o, p->promised);
    bytes_put_i64(o, p->promised_at);
    bytes_put_i32(o, p->nodes);
    bytes_put_i64(o, p->failures);
    bytes_put_i64(o, p->waiting_since);
    bytes_put_i64(o, p->backoff_until);
    bytes_put_i64(o, p->backoff);
    bytes_put_i32(o, p->surplus);
    bytes_put_i64(o, p->surplus_since);
    bytes_put(o, p->late ? 1 : 0, 1);
}

static void put_head(bytes_out *o, const memory *m, uint64_t length)
{
    bytes_put(o, MEMORY_MAGIC, 8);
    bytes_put(o, MEMORY_FORMAT, 4);
    bytes_put(o, length, 8);
    bytes_put(o, m->ticks, 8);
    bytes_put_i64(o, m->last);
    bytes_put(o, m->work_count, 8);
    bytes_put(o, m->seat_count, 8);
    bytes_put(o, m->pool_count, 8);
    bytes_put(o, m->cluster_count, 8);
}

/** In the order of their keys, whatever that of the configuration. */
static void put_works(bytes_out *o, const memory *m)
{
    for (size_t k = 0; k < m->work_count; k++) {
        put_work(o, &m->works[m->work_by_key[k]]);
    }
}

/** In the order of the keys of the workloads. */
static void put_seats(bytes_out *o, const memory *m)
{
    for (size_t k = 0; k < m->work_count; k++) {
        size_t count = 0;
        const memory_seat *seats = memory_seats_of(m, m->work_by_key[k], &count);
        for (size_t i = 0; i < count; i++) {
            put_seat(o, m->works[m->work_by_key[k]].key, &seats[i], memory_times_of(m, &seats[i]));
        }
    }
}

static void put_rest(bytes_out *o, const memory *m)
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
    bytes_out o = {NULL, 0};
    bytes_out seat = {NULL, 0};
    put_seat(&seat, 0, &(memory_seat){0}, &(memory_times){0}); /* all are of one size */
    put_head(&o, m, 0);
    put_works(&o, m);
    put_rest(&o, m);
    return o.used + m->seat_count * seat.used + 8;
}

spw_rc memory_save(const memory *m, void *buf, size_t size)
{
    size_t used = memory_save_size(m);
    if (size < used) {
        return SPW_LIMIT;
    }
    bytes_out o = {buf, 0};
    put_head(&o, m, used);
    put_works(&o, m);
    put_seats(&o, m);
    put_rest(&o, m);
    bytes_put(&o, hash_bytes(HASH_SEED, buf, used - 8), 8);
    assert(o.used == used);
    return SPW_OK;
}
