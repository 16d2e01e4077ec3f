/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * balance.c - which replica of a cluster takes a request, in constant time for any number of replicas.
 *
 * Ready replicas hang in lists by the number of requests inside them. Counts change by one at a time, so the lowest
 * non-empty list moves by at most one step when a request comes or goes: least-outstanding needs no search. Within a
 * list the replica that has been there longest goes first, which makes ties round robin. Where the router never asks
 * for the least loaded there are no lists: they touch the neighbours of every replica that changes.
 */
#include "sim/fleet/world.h"

#include <stdlib.h>

static bool buckets_reach(fl_world *w, fl_balancer *b, int32_t level)
{
    int32_t cap = b->buckets == 0 ? 16 : b->buckets;
    uint32_t *head, *tail;

    if (level < b->buckets) {
        return true;
    }
    while (cap <= level) {
        cap *= 2;
    }
    head = realloc(b->head, (size_t)cap * sizeof *head);
    if (head != NULL) {
        b->head = head;
    }
    tail = realloc(b->tail, (size_t)cap * sizeof *tail);
    if (tail != NULL) {
        b->tail = tail;
    }
    if (head == NULL || tail == NULL) {
        w->no_memory = true;
        return false;
    }
    for (int32_t i = b->buckets; i < cap; i++) {
        b->head[i] = b->tail[i] = FL_NONE;
    }
    b->buckets = cap;
    return true;
}

static void bucket_append(fl_world *w, fl_balancer *b, uint32_t replica)
{
    fl_replica *r = &w->replicas[replica];
    int32_t level = r->outstanding;

    r->bucket_before = b->tail[level];
    r->bucket_after = FL_NONE;
    if (r->bucket_before == FL_NONE) {
        b->head[level] = replica;
    } else {
        w->replicas[r->bucket_before].bucket_after = replica;
    }
    b->tail[level] = replica;
}

static void bucket_unlink(fl_world *w, fl_balancer *b, uint32_t replica)
{
    fl_replica *r = &w->replicas[replica];
    int32_t level = r->outstanding;

    if (r->bucket_before == FL_NONE) {
        b->head[level] = r->bucket_after;
    } else {
        w->replicas[r->bucket_before].bucket_after = r->bucket_after;
    }
    if (r->bucket_after == FL_NONE) {
        b->tail[level] = r->bucket_before;
    } else {
        w->replicas[r->bucket_after].bucket_before = r->bucket_before;
    }
}

bool fl_balance_add(fl_world *w, fl_balancer *b, uint32_t replica)
{
    fl_replica *r = &w->replicas[replica];
    void *rows = b->ready;
    void *kv = b->kv;

    if (!fl_grow(w, &rows, &b->cap, b->count + 1, sizeof *b->ready)) {
        return false;
    }
    b->ready = rows;
    if (b->has_kv && !fl_grow(w, &kv, &b->kv_cap, b->count + 1, sizeof *b->kv)) {
        return false;
    }
    b->kv = kv;
    if ((!b->no_levels && !buckets_reach(w, b, r->outstanding)) ||
        (b->has_ring && !fl_ring_add(w, &b->ring, replica))) {
        return false;
    }
    b->inside += r->outstanding;
    if (b->count == 0 || r->outstanding < b->least) {
        b->least = r->outstanding;
    }
    r->seat = b->count;
    b->ready[b->count++] = replica;
    if (b->has_kv) {
        fl_kv_note(b, r);
    }
    if (!b->no_levels) {
        bucket_append(w, b, replica);
    }
    return true;
}

void fl_balance_remove(fl_world *w, fl_balancer *b, uint32_t replica)
{
    fl_replica *r = &w->replicas[replica];
    uint32_t last = b->ready[b->count - 1];

    if (!b->no_levels) {
        bucket_unlink(w, b, replica);
    }
    b->inside -= r->outstanding;
    if (b->has_ring) {
        fl_ring_remove(&b->ring, replica);
    }
    b->ready[r->seat] = last;
    if (b->has_kv) {
        b->kv[r->seat] = b->kv[b->count - 1];
    }
    w->replicas[last].seat = r->seat;
    b->count--;
    while (b->count > 0 && !b->no_levels && b->head[b->least] == FL_NONE) {
        b->least++;
    }
}

bool fl_balance_level(fl_world *w, fl_balancer *b, uint32_t replica, int32_t by)
{
    fl_replica *r = &w->replicas[replica];

    if (!buckets_reach(w, b, r->outstanding + by)) {
        return false;
    }
    bucket_unlink(w, b, replica);
    r->outstanding += by;
    b->inside += by;
    bucket_append(w, b, replica);
    if (r->outstanding < b->least) {
        b->least = r->outstanding;
    } else if (b->head[b->least] == FL_NONE) {
        b->least++; /* this replica was the last one there and went up by one */
    }
    return true;
}

static uint32_t pick_least(const fl_world *w, const fl_balancer *b, const uint32_t *asked, uint32_t count)
{
    int32_t level = b->least;
    uint32_t replica = b->head[level];

    while (fl_asked(asked, count, replica)) {
        replica = w->replicas[replica].bucket_after;
        while (replica == FL_NONE && level + 1 < b->buckets) {
            replica = b->head[++level];
        }
        if (replica == FL_NONE) {
            return b->head[b->least];
        }
    }
    return replica;
}

/* Any of those that have not been asked. */
static uint32_t pick_other(const fl_balancer *b, gsl_rng *r, const uint32_t *asked, uint32_t count)
{
    uint32_t replica;

    do {
        replica = b->ready[(uint32_t)(rng_uniform(r) * b->count)];
    } while (fl_asked(asked, count, replica));
    return replica;
}

uint32_t fl_balance_pick(fl_world *w, fl_balancer *b, sc_router router, uint64_t key, gsl_rng *r, const uint32_t *asked,
                         uint32_t count)
{
    uint32_t first, second;

    if (b->count == 1) {
        return b->ready[0];
    }
    switch (router) {
    case SC_ROUTER_ROUND_ROBIN:
        b->turn = b->turn + 1 < b->count ? b->turn + 1 : 0;
        return b->ready[b->turn];
    case SC_ROUTER_RANDOM:
        return pick_other(b, r, asked, count);
    case SC_ROUTER_TWO_CHOICES:
        if (count > 0) { /* the better one was full: any */
            return pick_other(b, r, asked, count);
        }
        first = (uint32_t)(rng_uniform(r) * b->count);
        second = (uint32_t)(rng_uniform(r) * (b->count - 1));
        second += second >= first ? 1 : 0;
        first = b->ready[first];
        second = b->ready[second];
        return w->replicas[second].outstanding < w->replicas[first].outstanding ? second : first;
    case SC_ROUTER_LEAST_KV:
        return count == 0 ? fl_kv_pick(w, b, r) : pick_other(b, r, asked, count); /* the best was full: any */
    case SC_ROUTER_SESSION:
        if (key != 0) {
            return fl_ring_pick(w, b, key, asked, count);
        }
        break;
    case SC_ROUTER_LEAST_OUTSTANDING:
        break;
    }
    return pick_least(w, b, asked, count);
}

void fl_balance_fini(fl_balancer *b)
{
    free(b->ready);
    free(b->kv);
    free(b->head);
    free(b->tail);
    fl_ring_fini(&b->ring);
}
