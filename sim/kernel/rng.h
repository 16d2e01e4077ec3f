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

#include <gsl/gsl_rng.h>
#include <stdint.h>

/** 64-bit outputs: min 0, max UINT64_MAX. Every gsl_ran_* function runs on it. */
extern const gsl_rng_type *const rng_type_xoshiro256pp;

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
