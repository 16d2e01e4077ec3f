/* SPDX-License-Identifier: Apache-2.0 */
/**
 * hash.h - digests for records and checksums. Not for adversaries.
 *
 * hash_bytes: FNV-1a 64 (Fowler, Noll, Vo). hash_mix: the finaliser of splitmix64 (Steele, Lea, Flood 2014).
 */
#ifndef SCHED_CORE_HASH_H
#define SCHED_CORE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define HASH_SEED UINT64_C(0xcbf29ce484222325)

static inline uint64_t hash_mix(uint64_t x)
{
    x ^= x >> 30;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 27;
    x *= UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/** Folds a word into a running digest; the order of the words matters. */
static inline uint64_t hash_word(uint64_t h, uint64_t word)
{
    return hash_mix(h * UINT64_C(0x9e3779b97f4a7c15) + word);
}

/** The same in a third of the time, with bits that mix less: for parts of a digest that hash_word() then folds. */
static inline uint64_t hash_quick(uint64_t h, uint64_t word)
{
    return ((h << 23 | h >> 41) ^ word) * UINT64_C(0x9e3779b97f4a7c15);
}

static inline uint64_t hash_bytes(uint64_t h, const void *data, size_t size)
{
    const unsigned char *p = (const unsigned char *)data;
    for (size_t i = 0; i < size; i++) {
        h = (h ^ p[i]) * UINT64_C(0x100000001b3);
    }
    return h;
}

/** NULL counts as "". */
static inline uint64_t hash_string(uint64_t h, const char *text)
{
    return text == NULL ? h : hash_bytes(h, text, strlen(text));
}

/** A string by words of 8 bytes (NULL counts as ""): for digests that are kept in memory only, as their value depends
 * on the machine. */
static inline uint64_t hash_text(uint64_t h, const char *text)
{
    size_t left = text == NULL ? 0 : strlen(text);
    h = hash_quick(h, left);
    for (; left > 0; text += left < 8 ? left : 8, left -= left < 8 ? left : 8) {
        uint64_t word = 0;
        memcpy(&word, text, left < 8 ? left : 8);
        h = hash_quick(h, word);
    }
    return h;
}

#endif
