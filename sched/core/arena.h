/* SPDX-License-Identifier: Apache-2.0 */
/**
 * arena.h - one block of memory, handed out front to back, never given back piecemeal.
 *
 * Made in two passes of the same code: with base NULL it only counts; the caller then takes `used` bytes and runs
 * the code again for real. So the layout is written once and cannot disagree with its size.
 */
#ifndef SCHED_CORE_ARENA_H
#define SCHED_CORE_ARENA_H

#include <stddef.h>
#include <stdint.h>

#define ARENA_ALIGN 64 /* a cache line */

typedef struct arena {
    unsigned char *base; /**< aligned to ARENA_ALIGN; NULL while counting */
    size_t used;
    size_t size;
} arena;

/** @return room for count items aligned to ARENA_ALIGN, zeroed; NULL while counting. */
void *arena_take(arena *a, size_t count, size_t item);

/** Copies a string (NULL counts as ""). @return NULL while counting */
const char *arena_string(arena *a, const char *text);

#endif
