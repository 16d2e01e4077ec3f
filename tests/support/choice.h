/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * choice.h - the one source of choices for generators of test worlds.
 *
 * A generator asks a choice for bounded integers and builds a world from the answers. Where the answers come from is
 * not its business: a seed (property tests: print the seed, replay the world) or a byte buffer (a fuzzer, or the file
 * of a crash it found). A buffer that runs out answers with the smallest value, so that every prefix is a valid world
 * and shortening the bytes shrinks the world.
 */
#ifndef TESTS_SUPPORT_CHOICE_H
#define TESTS_SUPPORT_CHOICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct choice {
    const uint8_t *bytes; /**< borrowed; NULL: seeded */
    size_t len, pos;
    uint64_t state;
} choice;

void choice_seed(choice *c, uint64_t seed);
void choice_bytes(choice *c, const uint8_t *bytes, size_t len); /**< bytes are borrowed while c is used */
/** Uniform in [0, n) when seeded; n = 0 counts as 1. Takes no more bytes from a buffer than n - 1 needs. */
uint64_t choice_below(choice *c, uint64_t n);
/** Uniform in [lo, hi], both ends included; lo when hi < lo. */
int64_t choice_range(choice *c, int64_t lo, int64_t hi);
/** True num times in den; the smallest answer is false unless num >= den. */
bool choice_chance(choice *c, uint64_t num, uint64_t den);
/** Any 64-bit value. */
uint64_t choice_u64(choice *c);
/** Multiples of 2^-53 in [0, 1). */
double choice_unit(choice *c);
/** True when a buffer has been used up; never for a seed. */
bool choice_done(const choice *c);

#endif
