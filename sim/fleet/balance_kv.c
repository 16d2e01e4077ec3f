/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * balance_kv.c - the KV-aware router: of a few replicas, the one with the smallest share of its KV blocks in use.
 *
 * A replica lies far from the processor in a large fleet, and what decides is rarely close. So bounds on each share are
 * kept side by side, apart from the replicas, and hold until an engine's next event: they settle most choices alone.
 * Which of the drawn are out of date, and which can still be the best, is a coin toss to a branch predictor; both are
 * gathered without a branch.
 */
#include "sim/fleet/world.h"

/* Replicas that are compared: all of a few, or so many of more at random. Each further choice helps less, the longest
 * queue goes as log log n / log d (Mitzenmacher 2001), and costs as much. And it hurts: blocks are taken when a step
 * begins, so that many choices send all of a moment to the same few. TTFT p95 of hybrid-burst's afternoon peak on 1,000
 * replicas with 2, 4, 8 and 16: 0.28, 0.32, 0.46 and 0.84 s; far beyond capacity, more of them serve more in time. */
#define ALL_OF  32u
#define CHOICES 4u
_Static_assert(CHOICES % 2 == 0, "drawn two from a word");

/* Replicas to compare: all, or so many of them with replacement. @return how many */
static uint32_t draw(const fl_balancer *b, gsl_rng *r, uint32_t drawn[ALL_OF])
{
    rng_xoshiro luck = *rng_state(r);

    if (b->count <= ALL_OF) {
        for (uint32_t i = 0; i < b->count; i++) {
            drawn[i] = b->ready[i];
        }
        return b->count;
    }
    for (uint32_t i = 0; i < CHOICES; i += 2) { /* 32 bits each: no replica is drawn more than count / 2^32 too often */
        const uint64_t word = rng_xoshiro_next(&luck);

        drawn[i] = b->ready[((word >> 32) * b->count) >> 32];
        drawn[i + 1] = b->ready[((word & UINT32_MAX) * b->count) >> 32];
    }
    *rng_state(r) = luck;
    return CHOICES;
}

static void look(const fl_world *w, uint32_t replica)
{
    mdl_kv kv;
    double blocks;

    mdl_engine_kv(w->replicas[replica].engine, w->now, &kv);
    blocks = kv.blocks > 0 ? kv.blocks : 1;
    w->kv[replica] = (fl_kv){.until_ns = kv.until_ns, .least = kv.least / blocks, .most = kv.most / blocks};
}

/* Brings the bounds of the drawn ones up to now. */
static void refresh(const fl_world *w, const uint32_t *drawn, uint32_t n)
{
    uint32_t old[ALL_OF];
    uint32_t count = 0;

    for (uint32_t i = 0; i < n; i++) {
        __builtin_prefetch(&w->replicas[drawn[i]]);
        old[count] = drawn[i];
        count += w->kv[drawn[i]].until_ns <= w->now ? 1 : 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        mdl_engine_prefetch_state(w->replicas[old[i]].engine);
    }
    for (uint32_t i = 0; i < count; i++) {
        look(w, old[i]);
    }
}

/* Those of n >= 1 that may have the smallest share, moved to the front. @return how many */
static uint32_t candidates(const fl_world *w, uint32_t *drawn, uint32_t n)
{
    double bound = w->kv[drawn[0]].most;
    uint32_t kept = 0;

    for (uint32_t i = 1; i < n; i++) {
        const double most = w->kv[drawn[i]].most;

        bound = most < bound ? most : bound;
    }
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t one = drawn[i];

        drawn[kept] = one;
        kept += w->kv[one].least <= bound ? 1 : 0;
    }
    return kept;
}

static double exact(const fl_world *w, uint32_t replica)
{
    const fl_kv *kv = &w->kv[replica];
    mdl_load load;

    if (kv->least < kv->most) {
        mdl_engine_load(w->replicas[replica].engine, w->now, &load);
        return (double)load.kv_blocks_used / load.kv_blocks;
    }
    return kv->least;
}

uint32_t fl_kv_pick(const fl_world *w, const fl_balancer *b, gsl_rng *r)
{
    uint32_t drawn[ALL_OF] = {0};
    const uint32_t n = draw(b, r, drawn);
    uint32_t kept, best;
    double least;

    refresh(w, drawn, n);
    kept = candidates(w, drawn, n);
    best = drawn[0];
    if (kept == 1) {
        return best;
    }
    least = exact(w, best);
    for (uint32_t i = 1; i < kept; i++) {
        const double share = exact(w, drawn[i]);

        /* equal, as before any step of a burst has begun: the one with fewer requests inside */
        if (share < least || (share <= least && w->replicas[drawn[i]].outstanding < w->replicas[best].outstanding)) {
            best = drawn[i];
            least = share;
        }
    }
    return best;
}
