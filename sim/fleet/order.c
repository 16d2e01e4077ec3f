/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * order.c - requests in the order in which they came, to be taken out from anywhere.
 *
 * A ring of their numbers. Whoever is taken out leaves a hole, holes at the front are passed over: a word of the ring
 * is touched, where a linked list would touch the records of both neighbours, which lie anywhere in memory. The ring
 * spans from the oldest one inside to the newest, so it suits orders in which nobody stays for long after the others:
 * here a time-out bounds it.
 *
 * A seat is a running number modulo SEATS, so that it outlives growth.
 */
#include "sim/fleet/world.h"

#include <stdlib.h>

#define SEATS (1u << 31) /* below FL_NONE; at most this many rows */

static bool longer(fl_world *w, fl_order *o)
{
    const uint32_t cap = o->cap == 0 ? 64 : o->cap * 2;
    uint32_t *ring = cap < SEATS ? malloc((size_t)cap * sizeof *ring) : NULL;

    if (ring == NULL) {
        w->no_memory = true;
        return false;
    }
    for (uint32_t i = 0; i < o->span; i++) {
        const uint32_t seat = (o->head + i) % SEATS;

        ring[seat & (cap - 1)] = o->ring[seat & (o->cap - 1)];
    }
    free(o->ring);
    o->ring = ring;
    o->cap = cap;
    return true;
}

uint32_t fl_order_add(fl_world *w, fl_order *o, uint32_t request)
{
    uint32_t seat;

    if (o->span == o->cap && !longer(w, o)) {
        return FL_NONE;
    }
    seat = (o->head + o->span++) % SEATS;
    o->ring[seat & (o->cap - 1)] = request;
    return seat;
}

void fl_order_take(fl_order *o, uint32_t seat)
{
    o->ring[seat & (o->cap - 1)] = FL_NONE;
    while (o->span > 0 && o->ring[o->head & (o->cap - 1)] == FL_NONE) {
        o->head = (o->head + 1) % SEATS;
        o->span--;
    }
}

void fl_order_move(fl_order *o, uint32_t seat, uint32_t to)
{
    o->ring[seat & (o->cap - 1)] = to;
}

uint32_t fl_order_first(const fl_order *o)
{
    return o->span > 0 ? o->ring[o->head & (o->cap - 1)] : FL_NONE;
}

void fl_order_fini(fl_order *o)
{
    free(o->ring);
}
