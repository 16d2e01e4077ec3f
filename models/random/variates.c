/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * variates.c - ziggurats for exponential and normal variates on 64-bit words.
 *
 * G. Marsaglia, W. W. Tsang, "The ziggurat method for generating random variables", J. Stat. Softw. 5 (2000). Layer,
 * sign and position come from disjoint bits of one word: the original took the layer from the bits that also made the
 * position, which J. A. Doornik, "An improved ziggurat method to generate normal random samples" (2005) showed to
 * fail tests. The position is an odd 53-bit integer: never 0, symmetric about one half.
 *
 *   bits 0..7 layer, bit 8 sign, bits 11..63 position
 */
#include "models/random/variates.h"

#include "models/random/ziggurat.h"

#include <gsl/gsl_randist.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

_Static_assert(ULONG_MAX == UINT64_MAX, "gsl_rng words must carry 64 bits");

static inline bool gives_words(const gsl_rng *r)
{
    return r->type->max == UINT64_MAX && r->type->min == 0;
}

static inline uint64_t word_of(gsl_rng *r)
{
    return r->type->get(r->state);
}

static inline uint64_t position_of(uint64_t word)
{
    return word >> 11 | 1;
}

static inline double unit_of(uint64_t word)
{
    return (double)(int64_t)position_of(word) * 0x1p-53;
}

/* Whether the point at x, at a random height within its layer, lies under f. */
static bool under(const mdl_ziggurat *z, unsigned layer, double f_of_x, gsl_rng *r)
{
    double low = z->height[layer];
    double high = z->height[layer + 1];

    return low + unit_of(word_of(r)) * (high - low) < f_of_x;
}

/* The draws that did not end at the first question, from the word that failed it; kept out of the fast path, which then
 * needs no stack. */
__attribute__((noinline)) static double exponential_slow(gsl_rng *r, uint64_t word)
{
    const mdl_ziggurat *z = &mdl_zig_exp;
    double beyond = 0.0;

    for (;;) {
        unsigned layer = word & 0xff;
        uint64_t position = position_of(word);
        double x = (double)(int64_t)position * z->strip[layer].scale;

        if (position < z->strip[layer].inside) {
            return beyond + x;
        }
        if (layer == 0) {
            beyond += z->tail; /* without memory: what lies beyond r is distributed like the whole */
        } else if (under(z, layer, exp(-x), r)) {
            return beyond + x;
        }
        word = word_of(r);
    }
}

double mdl_ran_exponential(gsl_rng *r)
{
    if (!gives_words(r)) {
        return gsl_ran_exponential(r, 1.0);
    }
    uint64_t word = word_of(r);
    unsigned layer = word & 0xff;
    uint64_t position = position_of(word);

    if (__builtin_expect(position < mdl_zig_exp.strip[layer].inside, 1)) {
        return (double)(int64_t)position * mdl_zig_exp.strip[layer].scale;
    }
    return exponential_slow(r, word);
}

/* The normal tail beyond z->tail: G. Marsaglia, "Generating a variable from the tail of the normal distribution",
 * Technometrics 6 (1964). */
static double normal_tail(gsl_rng *r)
{
    double start = mdl_zig_normal.tail;
    double x;
    double y;

    do {
        x = mdl_ran_exponential(r) / start;
        y = mdl_ran_exponential(r);
    } while (y + y < x * x);
    return start + x;
}

/* Puts bit 8 of the word in front of a positive x: a multiplication by +-1 without the conversion. */
static inline double with_sign(double x, uint64_t word)
{
    uint64_t bits;

    memcpy(&bits, &x, sizeof bits);
    bits |= (word & 0x100) << 55;
    memcpy(&x, &bits, sizeof x);
    return x;
}

__attribute__((noinline)) static double normal_slow(gsl_rng *r, uint64_t word)
{
    const mdl_ziggurat *z = &mdl_zig_normal;

    for (;;) {
        unsigned layer = word & 0xff;
        uint64_t position = position_of(word);
        double x = (double)(int64_t)position * z->strip[layer].scale;

        if (position < z->strip[layer].inside) {
            return with_sign(x, word);
        }
        if (layer == 0) {
            return with_sign(normal_tail(r), word);
        }
        if (under(z, layer, exp(-0.5 * x * x), r)) {
            return with_sign(x, word);
        }
        word = word_of(r);
    }
}

double mdl_ran_normal(gsl_rng *r)
{
    if (!gives_words(r)) {
        return gsl_ran_ugaussian(r);
    }
    uint64_t word = word_of(r);
    unsigned layer = word & 0xff;
    uint64_t position = position_of(word);

    if (__builtin_expect(position < mdl_zig_normal.strip[layer].inside, 1)) {
        return with_sign((double)(int64_t)position * mdl_zig_normal.strip[layer].scale, word);
    }
    return normal_slow(r, word);
}

double mdl_ran_uniform_pos(gsl_rng *r)
{
    return gives_words(r) ? unit_of(word_of(r)) : gsl_rng_uniform_pos(r);
}
