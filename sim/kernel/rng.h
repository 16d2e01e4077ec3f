/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * rng.h - named random streams with 64-bit keys, behind a gsl_rng_type.
 *
 * stream(seed, replication, name, key) depends on these four and nothing else: adding an entity or a draw in one
 * stream shifts no other, which is what makes common random numbers across policies work. GSL's own generators keep
 * 32 bits of seed only, so gsl_rng_set() is never used with a hashed key.
 * Generator: xoshiro256++ (Blackman & Vigna 2019), keyed through splitmix64.
 */
#ifndef SIM_KERNEL_RNG_H
#define SIM_KERNEL_RNG_H

#include <assert.h>
#include <gsl/gsl_rng.h>
#include <stdint.h>

/** 64-bit outputs: min 0, max UINT64_MAX. Every gsl_ran_* function runs on it. */
extern const gsl_rng_type *const rng_type_xoshiro256pp;

/** Its state. */
typedef struct rng_xoshiro {
    uint64_t s[4];
} rng_xoshiro;

static inline uint64_t rng_rotl(uint64_t x, unsigned k)
{
    return x << k | x >> (64 - k);
}

static inline uint64_t rng_xoshiro_next(rng_xoshiro *x)
{
    uint64_t *s = x->s;
    uint64_t result = rng_rotl(s[0] + s[3], 23) + s[0];
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rng_rotl(s[3], 45);
    return result;
}

/** The 53 top bits over 2^53: [0,1), every value exact. */
static inline double rng_xoshiro_unit(rng_xoshiro *x)
{
    return (double)(int64_t)(rng_xoshiro_next(x) >> 11) * 0x1p-53;
}

/** The state of a stream of this type. For many draws in a row: copy it, draw, copy it back. */
static inline rng_xoshiro *rng_state(gsl_rng *r)
{
    assert(r->type == rng_type_xoshiro256pp);
    return r->state;
}

/** gsl_rng_uniform() of such a stream, without the call. */
static inline double rng_uniform(gsl_rng *r)
{
    return rng_xoshiro_unit(rng_state(r));
}

/** A stream, caller frees with gsl_rng_free(). NULL if out of memory (with GSL's error handler off). */
gsl_rng *rng_stream(uint64_t seed, uint32_t replication, const char *name, uint64_t key);
/** Re-keys an existing stream in place. */
void rng_rekey(gsl_rng *r, uint64_t seed, uint32_t replication, const char *name, uint64_t key);

/** All keys of one (seed, replication, name): what their streams have in common, worked out once. */
typedef struct rng_family {
    uint64_t lane[2];
} rng_family;
rng_family rng_family_of(uint64_t seed, uint32_t replication, const char *name);
/** rng_rekey() of a member. */
void rng_rekey_in(gsl_rng *r, const rng_family *family, uint64_t key);

#endif
