/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * affinity.c - conversations that stay where their prefix lies.
 *
 * Within a cluster: consistent hashing with bounded loads (Mirrokni, Thorup and Zadimoghaddam, SODA 2018). Each ready
 * replica has POINTS points on a ring; a conversation goes to the first one from its own point on that has room: fewer
 * requests inside than LOAD_BOUND times the mean and LOAD_SLACK more, because a batch of a few is as good as empty
 * (routers of SGLang and Ray Serve know such an absolute threshold, too). A replica that comes or goes moves only the
 * conversations of its own part of the ring.
 *
 * Between clusters: weighted rendezvous hashing (Schindelhauer and Schomaker, SPAA 2005): the cluster with the largest
 * share / -ln(u), u uniform by hash of (conversation, cluster). Each gets its share of the conversations, and a share
 * that changes moves no more of them than it must.
 */
#include "sim/fleet/world.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define POINTS     64u
#define LOAD_BOUND 1.25
#define LOAD_SLACK 8.0

static bool before(const fl_point *a, uint64_t at, uint32_t replica)
{
    return a->at != at ? a->at < at : a->replica < replica;
}

/* The first point that is not before (at, replica). */
static uint32_t find(const fl_ring *ring, uint64_t at, uint32_t replica)
{
    uint32_t low = 0, high = ring->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (before(&ring->points[middle], at, replica)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

bool fl_ring_add(fl_world *w, fl_ring *ring, uint32_t replica)
{
    void *rows = ring->points;

    if (!fl_grow(w, &rows, &ring->cap, ring->count + POINTS, sizeof *ring->points)) {
        return false;
    }
    ring->points = rows;
    for (uint32_t i = 0; i < POINTS; i++) {
        uint64_t at = fl_mix(fl_mix(0, w->replicas[replica].key), i);
        uint32_t seat = find(ring, at, replica);

        memmove(&ring->points[seat + 1], &ring->points[seat], (ring->count - seat) * sizeof *ring->points);
        ring->points[seat] = (fl_point){at, replica};
        ring->count++;
    }
    return true;
}

void fl_ring_remove(fl_ring *ring, uint32_t replica)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < ring->count; i++) {
        if (ring->points[i].replica != replica) {
            ring->points[kept++] = ring->points[i];
        }
    }
    ring->count = kept;
}

uint32_t fl_ring_pick(const fl_world *w, const fl_balancer *b, uint64_t key, uint32_t attempt)
{
    const fl_ring *ring = &b->ring;
    double bound = LOAD_BOUND * (double)(b->inside + 1) / b->count + LOAD_SLACK;
    uint32_t start = find(ring, fl_mix(0, key), 0), last = FL_NONE;

    for (uint32_t i = 0; i < ring->count; i++) {
        uint32_t replica = ring->points[(start + i) % ring->count].replica;

        if (replica == last || w->replicas[replica].outstanding >= bound) {
            continue;
        }
        last = replica;
        if (attempt-- == 0) {
            return replica;
        }
    }
    return last != FL_NONE ? last : b->ready[0];
}

uint32_t fl_cluster_of(const fl_service *s, uint64_t key)
{
    uint32_t best = s->eligible[0];
    double most = -1.0;

    for (uint32_t i = 0; i < s->eligible_count; i++) {
        uint64_t bits = fl_mix(0, fl_mix(key, s->eligible[i]));
        double score = (double)s->effective[i] / -log(((double)(bits >> 11) + 0.5) * 0x1p-53);

        if (score > most) {
            most = score;
            best = s->eligible[i];
        }
    }
    return best;
}
