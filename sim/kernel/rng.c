/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rng.c - xoshiro256++ as a gsl_rng_type, keyed by (seed, replication, name, key).
 *
 * Generator: D. Blackman, S. Vigna, "Scrambled linear pseudorandom number generators", ACM Trans. Math. Softw. 47
 * (2021), xoshiro256++ with the constants (23, 17, 45). Mixing function and increment: splitmix64 (G. Steele,
 * D. Lea, C. Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014, variant 13 of D. Stafford).
 *
 * Keying: two 64-bit lanes start from different constants and absorb the four words one after the other, each time
 * through the bijective mixer. The key is absorbed last, so two keys of the same (seed, replication, name) can never
 * give the same state; the lanes together make other coincidences a matter of 128 bits. Each lane fills two words of
 * the state by two splitmix64 steps; the mixer is bijective, so these are never both zero and the all-zero state, from
 * which xoshiro would not move, cannot occur.
 */
#include "sim/kernel/rng.h"

#include <assert.h>
#include <limits.h>
#include <stddef.h>

_Static_assert(ULONG_MAX == UINT64_MAX, "gsl_rng_get() must carry 64 bits");

#define GOLDEN UINT64_C(0x9e3779b97f4a7c15) /* 2^64 / golden ratio, odd */

static uint64_t mix(uint64_t z)
{
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static unsigned long xoshiro_get(void *state)
{
    return rng_xoshiro_next(state);
}

static double xoshiro_get_double(void *state)
{
    return rng_xoshiro_unit(state);
}

/* gsl_rng_set(): for GSL's own use and for seeds that are not hashes. */
static void xoshiro_set(void *state, unsigned long seed)
{
    rng_xoshiro *x = state;

    for (unsigned i = 0; i < 4; i++) {
        x->s[i] = mix(seed + (i + 1) * GOLDEN);
    }
}

static const gsl_rng_type xoshiro_type = {
    .name = "xoshiro256++",
    .max = UINT64_MAX,
    .min = 0,
    .size = sizeof(rng_xoshiro),
    .set = xoshiro_set,
    .get = xoshiro_get,
    .get_double = xoshiro_get_double,
};

const gsl_rng_type *const rng_type_xoshiro256pp = &xoshiro_type;

/* FNV-1a over the bytes (G. Fowler, L. Noll, K.-P. Vo), the length on top. */
static uint64_t hash_name(const char *name)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    uint64_t length = 0;

    for (; name[length] != '\0'; length++) {
        h = (h ^ (unsigned char)name[length]) * UINT64_C(0x100000001b3);
    }
    return h + length * GOLDEN;
}

static uint64_t absorb(uint64_t lane, uint64_t word)
{
    return mix((lane + GOLDEN) ^ word);
}

rng_family rng_family_of(uint64_t seed, uint32_t replication, const char *name)
{
    static const uint64_t lane_start[2] = {UINT64_C(0x243f6a8885a308d3), UINT64_C(0x13198a2e03707344)}; /* pi */
    uint64_t name_hash = hash_name(name);
    rng_family family;

    for (unsigned i = 0; i < 2; i++) {
        family.lane[i] = absorb(absorb(absorb(lane_start[i], seed), replication), name_hash);
    }
    return family;
}

void rng_rekey_in(gsl_rng *r, const rng_family *family, uint64_t key)
{
    rng_xoshiro *x = r->state;

    assert(r->type == rng_type_xoshiro256pp);
    for (unsigned i = 0; i < 2; i++) {
        uint64_t lane = absorb(family->lane[i], key);

        x->s[2 * i] = mix(lane + GOLDEN);
        x->s[2 * i + 1] = mix(lane + 2 * GOLDEN);
    }
}

void rng_rekey(gsl_rng *r, uint64_t seed, uint32_t replication, const char *name, uint64_t key)
{
    rng_family family = rng_family_of(seed, replication, name);

    rng_rekey_in(r, &family, key);
}

gsl_rng *rng_stream(uint64_t seed, uint32_t replication, const char *name, uint64_t key)
{
    gsl_rng *r = gsl_rng_alloc(rng_type_xoshiro256pp);

    if (r) {
        rng_rekey(r, seed, replication, name, key);
    }
    return r;
}
