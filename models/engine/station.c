/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * station.c - c servers, one FIFO queue (M/G/c when fed so): O(log c) for a request.
 *
 * Those in service lie in a binary heap by (end of service, submission number); those waiting in a list, so that a
 * client who leaves costs O(1) there and O(log c) in service. Invariant: nobody waits while a server is free.
 */
#include "models/engine/engine.h"
#include "models/engine/pending.h"

#include <stdlib.h>

#define NIL             UINT32_MAX
#define CUSTOMERS_START 16u
#define CUSTOMERS_MAX   (UINT32_C(1) << 30)

typedef enum where { FREE, WAITING, SERVED, EVICTED } where;

typedef struct customer {
    int64_t service_ns;
    int64_t end_ns;  /* SERVED */
    uint64_t number; /* of submission */
    uint32_t tag;
    uint32_t heap_index;     /* SERVED */
    uint32_t prev, next;     /* WAITING: queue; FREE: next free */
    uint32_t older, younger; /* all inside, in submission order */
    uint32_t where;
} customer;

typedef struct station {
    mdl_station_config config;
    customer *customers;
    uint32_t customer_cap, free_slot;
    size_t live;
    uint32_t *heap; /* [served] slots */
    size_t heap_cap;
    int32_t served, waiting;
    uint32_t head, tail, oldest, youngest;
    uint64_t submitted;
    int64_t completed;
    int64_t counted_ns; /* up to when busy time is summed: busy_ns + busy_rest / servers */
    int64_t busy_ns, busy_rest;
    mdl_pending pending;
} station;

typedef struct station_engine {
    mdl_engine base;
    station *state; /* points to own: reading the load brings the inside up to date */
    station own;
} station_engine;

static station *state_of(const mdl_engine *e)
{
    return ((const station_engine *)e)->state;
}

static bool before(const station *s, uint32_t a, uint32_t b)
{
    const customer *x = &s->customers[a];
    const customer *y = &s->customers[b];
    return x->end_ns < y->end_ns || (x->end_ns == y->end_ns && x->number < y->number);
}

static void heap_put(station *s, uint32_t index, uint32_t slot)
{
    s->heap[index] = slot;
    s->customers[slot].heap_index = index;
}

static void sift_up(station *s, uint32_t index, uint32_t slot)
{
    while (index > 0 && before(s, slot, s->heap[(index - 1) / 2])) {
        heap_put(s, index, s->heap[(index - 1) / 2]);
        index = (index - 1) / 2;
    }
    heap_put(s, index, slot);
}

static void sift_down(station *s, uint32_t index, uint32_t slot)
{
    uint32_t n = (uint32_t)s->served;
    for (;;) {
        uint32_t child = 2 * index + 1;
        if (child >= n) {
            break;
        }
        if (child + 1 < n && before(s, s->heap[child + 1], s->heap[child])) {
            child++;
        }
        if (!before(s, s->heap[child], slot)) {
            break;
        }
        heap_put(s, index, s->heap[child]);
        index = child;
    }
    heap_put(s, index, slot);
}

static void count_busy(station *s, int64_t now_ns)
{
    /* served x elapsed / servers with its remainder, split so that no product leaves 63 bits */
    int64_t servers = s->config.servers;
    int64_t elapsed_ns = now_ns - s->counted_ns;
    int64_t rest = elapsed_ns % servers * s->served + s->busy_rest;
    s->busy_ns += elapsed_ns / servers * s->served + rest / servers;
    s->busy_rest = rest % servers;
    s->counted_ns = now_ns;
}

static void begin_service(station *s, uint32_t slot, int64_t now_ns)
{
    customer *c = &s->customers[slot];
    c->where = SERVED;
    c->end_ns = c->service_ns < MDL_NEVER - now_ns ? now_ns + c->service_ns : MDL_NEVER;
    mdl_pending_push(&s->pending, c->tag, MDL_STARTED, now_ns);
    s->served++;
    sift_up(s, (uint32_t)s->served - 1, slot);
}

static void end_service(station *s, uint32_t slot)
{
    uint32_t index = s->customers[slot].heap_index;
    uint32_t last = s->heap[s->served - 1];
    s->served--;
    if (last != slot) {
        if (before(s, last, slot)) {
            sift_up(s, index, last);
        } else {
            sift_down(s, index, last);
        }
    }
}

static void queue_leave(station *s, uint32_t slot)
{
    const customer *c = &s->customers[slot];
    if (c->prev != NIL) {
        s->customers[c->prev].next = c->next;
    } else {
        s->head = c->next;
    }
    if (c->next != NIL) {
        s->customers[c->next].prev = c->prev;
    } else {
        s->tail = c->prev;
    }
    s->waiting--;
}

/* A server is free: the first in the queue takes it. */
static void serve_next(station *s, int64_t now_ns)
{
    if (s->waiting > 0) {
        uint32_t slot = s->head;
        queue_leave(s, slot);
        begin_service(s, slot, now_ns);
    }
}

static void release(station *s, uint32_t slot)
{
    customer *c = &s->customers[slot];
    if (c->older != NIL) {
        s->customers[c->older].younger = c->younger;
    } else {
        s->oldest = c->younger;
    }
    if (c->younger != NIL) {
        s->customers[c->younger].older = c->older;
    } else {
        s->youngest = c->older;
    }
    c->where = FREE;
    c->next = s->free_slot;
    s->free_slot = slot;
    s->live--;
}

/* Processes all ends of service up to now_ns. */
static void settle(station *s, int64_t now_ns)
{
    while (s->served > 0 && s->customers[s->heap[0]].end_ns <= now_ns) {
        uint32_t slot = s->heap[0];
        int64_t at_ns = s->customers[slot].end_ns;
        count_busy(s, at_ns);
        end_service(s, slot);
        mdl_pending_push(&s->pending, s->customers[slot].tag, MDL_FIRST, at_ns);
        mdl_pending_push(&s->pending, s->customers[slot].tag, MDL_DONE, at_ns);
        s->completed++;
        release(s, slot);
        serve_next(s, at_ns);
    }
    count_busy(s, now_ns);
}

static bool reserve(station *s)
{
    if (s->free_slot == NIL) {
        uint32_t cap = s->customer_cap > 0 ? s->customer_cap * 2 : CUSTOMERS_START;
        customer *customers = cap <= CUSTOMERS_MAX ? realloc(s->customers, cap * sizeof *customers) : NULL;
        if (customers == NULL) {
            return false;
        }
        s->customers = customers;
        for (uint32_t i = cap; i-- > s->customer_cap;) {
            s->customers[i] = (customer){.where = FREE, .next = s->free_slot};
            s->free_slot = i;
        }
        s->customer_cap = cap;
    }
    size_t most = s->live + 1 < (size_t)s->config.servers ? s->live + 1 : (size_t)s->config.servers;
    if (most > s->heap_cap) {
        uint32_t *heap = realloc(s->heap, 2 * most * sizeof *heap);
        if (heap == NULL) {
            return false;
        }
        s->heap = heap;
        s->heap_cap = 2 * most;
    }
    return mdl_pending_reserve(&s->pending, s->live + 1);
}

static uint32_t station_submit(mdl_engine *e, int64_t now_ns, const mdl_work *work)
{
    station *s = state_of(e);
    settle(s, now_ns);
    bool free_server = s->served < s->config.servers;
    if (work->service_ns < 0 || (!free_server && s->waiting >= s->config.max_waiting)) {
        return MDL_REFUSED;
    }
    if (!reserve(s)) {
        return MDL_STARVED;
    }
    uint32_t slot = s->free_slot;
    customer *c = &s->customers[slot];
    s->free_slot = c->next;
    s->live++;
    *c = (customer){.service_ns = work->service_ns,
                    .number = s->submitted++,
                    .tag = work->tag,
                    .prev = s->tail,
                    .next = NIL,
                    .older = s->youngest,
                    .younger = NIL,
                    .where = WAITING};
    if (s->youngest != NIL) {
        s->customers[s->youngest].younger = slot;
    } else {
        s->oldest = slot;
    }
    s->youngest = slot;
    if (free_server) {
        begin_service(s, slot, now_ns);
        return slot;
    }
    if (s->tail != NIL) {
        s->customers[s->tail].next = slot;
    } else {
        s->head = slot;
    }
    s->tail = slot;
    s->waiting++;
    return slot;
}

static void station_cancel(mdl_engine *e, int64_t now_ns, uint32_t handle)
{
    station *s = state_of(e);
    settle(s, now_ns);
    if (handle >= s->customer_cap || s->customers[handle].where == FREE) {
        return;
    }
    uint32_t was = s->customers[handle].where;
    mdl_pending_forget(&s->pending, s->customers[handle].tag);
    if (was == WAITING) {
        queue_leave(s, handle);
    } else if (was == SERVED) {
        end_service(s, handle);
        serve_next(s, now_ns);
    }
    release(s, handle);
}

static int64_t station_next(const mdl_engine *e)
{
    const station *s = state_of(e);
    int64_t end_ns = s->served > 0 ? s->customers[s->heap[0]].end_ns : MDL_NEVER;
    return s->pending.due_ns < end_ns ? s->pending.due_ns : end_ns;
}

static size_t station_advance(mdl_engine *e, int64_t now_ns, mdl_event *out, size_t out_max)
{
    station *s = state_of(e);
    mdl_pending_listen(&s->pending, out, out_max);
    settle(s, now_ns);
    return mdl_pending_heard(&s->pending, out);
}

static void station_load(const mdl_engine *e, int64_t now_ns, mdl_load *out)
{
    station *s = state_of(e);
    settle(s, now_ns);
    *out = (mdl_load){.running = s->served, .waiting = s->waiting, .completed = s->completed, .busy_ns = s->busy_ns};
}

static mdl_kv station_kv(const mdl_engine *e)
{
    (void)e;
    return (mdl_kv){0};
}

static int32_t station_sampled(const mdl_engine *e, int64_t now_ns, uint32_t handle)
{
    (void)e;
    (void)now_ns;
    (void)handle;
    return 0;
}

static size_t station_evict(mdl_engine *e, int64_t now_ns, uint32_t *tags, size_t tags_max)
{
    station *s = state_of(e);
    settle(s, now_ns);
    if (s->served + s->waiting > 0) {
        for (uint32_t slot = s->oldest; slot != NIL; slot = s->customers[slot].younger) {
            s->customers[slot].where = EVICTED;
        }
        s->served = 0;
        s->waiting = 0;
        s->head = NIL;
        s->tail = NIL;
        mdl_pending_clear(&s->pending);
    }
    size_t n = 0;
    for (; n < tags_max && s->oldest != NIL; n++) {
        tags[n] = s->customers[s->oldest].tag;
        release(s, s->oldest);
    }
    return n;
}

static size_t station_tags(const mdl_engine *e, uint32_t *tags, size_t tags_max)
{
    const station *s = state_of(e);
    size_t n = 0;
    for (uint32_t slot = s->oldest; slot != NIL; slot = s->customers[slot].younger) {
        if (n < tags_max) {
            tags[n] = s->customers[slot].tag;
        }
        n++;
    }
    return n;
}

static void station_prefetch(const mdl_engine *e)
{
    const station *s = state_of(e);
    if (s->served > 0) {
        __builtin_prefetch(s->heap);
    }
    if (s->pending.count > 0) {
        __builtin_prefetch(&s->pending.at[0]);
    }
}

static mdl_expected station_expect(const mdl_engine *e)
{
    const station *s = state_of(e);
    return (mdl_expected){.ends = s->served > 0 ? s->customers[s->heap[0]].tag : MDL_REFUSED,
                          .begins = s->pending.count > 0 ? s->pending.at[0].tag : MDL_REFUSED};
}

static void station_free(mdl_engine *e)
{
    station *s = state_of(e);
    free(s->customers);
    free(s->heap);
    mdl_pending_free(&s->pending);
    free(e);
}

const mdl_engine_type mdl_engine_station = {.name = "station",
                                            .summary = "c servers, one first come first served queue",
                                            .free = station_free,
                                            .submit = station_submit,
                                            .cancel = station_cancel,
                                            .next = station_next,
                                            .advance = station_advance,
                                            .load = station_load,
                                            .kv = station_kv,
                                            .sampled = station_sampled,
                                            .evict = station_evict,
                                            .tags = station_tags,
                                            .prefetch = station_prefetch,
                                            .expect = station_expect};

mdl_engine *mdl_station_new(const mdl_station_config *config)
{
    if (config->servers < 1 || config->max_waiting < 0) {
        return NULL;
    }
    station_engine *e = calloc(1, sizeof *e);
    if (e == NULL) {
        return NULL;
    }
    e->base.type = &mdl_engine_station;
    e->state = &e->own;
    e->own = (station){.config = *config,
                       .free_slot = NIL,
                       .head = NIL,
                       .tail = NIL,
                       .oldest = NIL,
                       .youngest = NIL,
                       .pending = {.due_ns = MDL_NEVER}};
    return &e->base;
}
