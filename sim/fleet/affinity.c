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

#define POINTS     64u
#define LOAD_BOUND 1.25
#define LOAD_SLACK 8.0

__extension__ typedef unsigned __int128 share;

static bool before(const fl_point *a, const fl_point *b)
{
    return a->at != b->at ? a->at < b->at : a->replica < b->replica;
}

static int order(const void *a, const void *b)
{
    return before(a, b) ? -1 : 1; /* no two are equal */
}

/*
 * The first point at or after `at`; ring->count if there is none. Points are hashes and so lie evenly: the share of the
 * circle names the place to within the square root of their number, the distance left there to within a few.
 */
static uint32_t find(const fl_ring *ring, uint64_t at)
{
    const fl_point *points = ring->points;
    const int64_t last = (int64_t)ring->count - 1;
    int64_t seat;

    if (last < 0) {
        return 0;
    }
    seat = (int64_t)(((share)at * ring->count) >> 64);
    if (at > points[seat].at) {
        seat += (int64_t)(((share)(at - points[seat].at) * ring->count) >> 64);
    } else {
        seat -= (int64_t)(((share)(points[seat].at - at) * ring->count) >> 64);
    }
    seat = seat < 0 ? 0 : seat > last ? last : seat;
    while (seat <= last && points[seat].at < at) {
        seat++;
    }
    while (seat > 0 && points[seat - 1].at >= at) {
        seat--;
    }
    return (uint32_t)seat;
}

bool fl_ring_add(fl_world *w, fl_ring *ring, uint32_t replica)
{
    void *rows = ring->points, *fresh = ring->fresh;
    const bool room = fl_grow(w, &rows, &ring->cap, ring->count + ring->fresh_count + POINTS, sizeof *ring->points);

    ring->points = rows;
    if (!room || !fl_grow(w, &fresh, &ring->fresh_cap, ring->fresh_count + POINTS, sizeof *ring->fresh)) {
        return false;
    }
    ring->fresh = fresh;
    for (uint32_t i = 0; i < POINTS; i++) {
        ring->fresh[ring->fresh_count++] = (fl_point){fl_mix(fl_mix(0, w->replicas[replica].key), i), replica};
    }
    return true;
}

/* Those that came take their seats: many at once cost one pass. */
static void settle(fl_ring *ring)
{
    uint32_t old = ring->count, fresh = ring->fresh_count;

    qsort(ring->fresh, fresh, sizeof *ring->fresh, order);
    ring->count += fresh;
    for (uint32_t seat = ring->count; fresh > 0;) {
        const bool is_old = old > 0 && before(&ring->fresh[fresh - 1], &ring->points[old - 1]);

        ring->points[--seat] = is_old ? ring->points[--old] : ring->fresh[--fresh];
    }
    ring->fresh_count = 0;
}

static uint32_t without(fl_point *points, uint32_t count, uint32_t replica)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < count; i++) {
        if (points[i].replica != replica) {
            points[kept++] = points[i];
        }
    }
    return kept;
}

void fl_ring_remove(fl_ring *ring, uint32_t replica)
{
    ring->count = without(ring->points, ring->count, replica);
    ring->fresh_count = without(ring->fresh, ring->fresh_count, replica);
}

void fl_ring_fini(fl_ring *ring)
{
    free(ring->points);
    free(ring->fresh);
}

uint32_t fl_ring_pick(const fl_world *w, fl_balancer *b, uint64_t key, const uint32_t *asked, uint32_t count)
{
    fl_ring *ring = &b->ring;
    double bound = LOAD_BOUND * (double)(b->inside + 1) / b->count + LOAD_SLACK;
    uint32_t at, loaded = FL_NONE; /* the first of those over the bound */

    if (ring->fresh_count > 0) {
        settle(ring);
    }
    at = find(ring, fl_mix(0, key));
    for (uint32_t i = 0; i < ring->count; i++, at++) {
        at = at < ring->count ? at : 0;
        uint32_t replica = ring->points[at].replica;

        if (fl_asked(asked, count, replica)) {
            continue;
        }
        if (w->replicas[replica].outstanding < bound) {
            return replica;
        }
        loaded = loaded == FL_NONE ? replica : loaded;
    }
    return loaded != FL_NONE ? loaded : b->ready[0];
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
