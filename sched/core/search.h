/* SPDX-License-Identifier: Apache-2.0 */
/** search.h - binary search without a branch that can be guessed wrong: most tables here are short, and asked often. */
#ifndef SCHED_CORE_SEARCH_H
#define SCHED_CORE_SEARCH_H

#include <stddef.h>
#include <stdint.h>

/** Index of the first of count ascending keys that is not below `key`; count if there is none. */
static inline size_t search_lower(const uint64_t *keys, size_t count, uint64_t key)
{
    size_t low = 0;
    for (size_t left = count; left > 0;) {
        size_t half = (left + 1) / 2;
        size_t step = half & (size_t) - (int)(keys[low + half - 1] < key); /* all of the first half, or nothing */
        low += step;
        left -= half;
    }
    return low;
}

#endif
