/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * balance_kv.c - the KV-aware router: of a few replicas, the one with the smallest share of its KV blocks taken.
 *
 * Taken are the blocks that an engine holds and those that prompts need which wait, or are worked on in parts: what a
 * router knows that keeps the books of what it has sent. With the first alone all requests of a moment would go to the
 * same few replicas, for blocks are held only from the next step on. Shares are noted at each event of an engine, which
 * then is at hand, and stand side by side: in a large fleet a look at each engine that is compared would cost more than
 * all else.
 */
#include "sim/fleet/world.h"

/* Replicas that are compared: all of a few, or so many of more at random. Each further choice helps less, the longest
 * queue goes as log log n / log d (Mitzenmacher 2001), and long prompts make the more of them the same choice. TTFT p95
 * of hybrid-burst's afternoon peak on 1,000 replicas with 2, 4, 8 and 16: 0.23, 0.22, 0.23 and 0.25 s. */
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

bool fl_kv_new(fl_world *w)
{
    void *rows = w->kv;
    const bool grown = fl_grow(w, &rows, &w->kv_cap, 1, sizeof *w->kv);

    w->kv = rows;
    return grown;
}

void fl_kv_note(const fl_world *w, uint32_t replica)
{
    const mdl_kv kv = mdl_engine_kv(w->replicas[replica].engine);

    w->kv[replica] = (double)kv.taken / (kv.blocks > 0 ? kv.blocks : 1);
}

uint32_t fl_kv_pick(const fl_world *w, const fl_balancer *b, gsl_rng *r)
{
    uint32_t drawn[ALL_OF] = {0};
    const uint32_t n = draw(b, r, drawn);
    uint32_t best = drawn[0];

    for (uint32_t i = 1; i < n; i++) {
        const uint32_t one = drawn[i];
        const double more = w->kv[one] - w->kv[best];

        if (more < 0 || (more <= 0 && w->replicas[one].outstanding < w->replicas[best].outstanding)) {
            best = one;
        }
    }
    return best;
}
