/* SPDX-License-Identifier: Apache-2.0 */
/** bits.h - sets of small numbers, a bit each, in words of 64. */
#ifndef SCHED_CORE_BITS_H
#define SCHED_CORE_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Words for the numbers below count. */
static inline size_t bits_words(size_t count)
{
    return count / 64 + 1;
}

static inline bool bits_has(const uint64_t *bits, size_t i)
{
    return (bits[i / 64] >> i % 64 & 1u) != 0;
}

static inline void bits_add(uint64_t *bits, size_t i)
{
    bits[i / 64] |= UINT64_C(1) << i % 64;
}

static inline void bits_remove(uint64_t *bits, size_t i)
{
    bits[i / 64] &= ~(UINT64_C(1) << i % 64);
}

/** The first member from `from` on, `count` if there is none below it. */
static inline size_t bits_next(const uint64_t *bits, size_t from, size_t count)
{
    while (from < count) {
        uint64_t rest = bits[from / 64] >> from % 64;
        if (rest != 0) {
            size_t at = from + (size_t)__builtin_ctzll(rest);
            return at < count ? at : count;
        }
        from = (from / 64 + 1) * 64;
    }
    return count;
}

#endif
