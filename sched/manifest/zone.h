/* SPDX-License-Identifier: Apache-2.0 */
/**
 * zone.h - arena for strings, trees and bound structs: many takes, one release.
 *
 * Invariant: a zone never moves or shrinks what it handed out; all of it dies together in zone_fini().
 * Memory is zeroed, so that a struct starts with every pointer NULL and every count 0.
 */
#ifndef SCHED_MANIFEST_ZONE_H
#define SCHED_MANIFEST_ZONE_H

#include <spillway/types.h>
#include <stdarg.h>

typedef struct zone_block zone_block;

typedef struct zone {
    spw_mem mem;
    zone_block *head;
    bool failed; /**< one take returned NULL; lets callers check once at the end */
} zone;

/** @param mem copied; NULL = spw_mem_libc(). Takes nothing yet. */
void zone_init(zone *z, const spw_mem *mem);

/** Gives everything back; the zone may be used again. */
void zone_fini(zone *z);

/** @return zeroed memory aligned for any type, NULL when out of memory. size 0 gives a unique pointer. */
void *zone_take(zone *z, size_t size);

/** zone_take(count * size) with a check for overflow. */
void *zone_array(zone *z, size_t count, size_t size);

/** @return a terminated copy of length bytes, NULL when out of memory. */
char *zone_text(zone *z, const char *text, size_t length);

/** @return formatted text, NULL when out of memory. */
char *zone_format(zone *z, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *zone_vformat(zone *z, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

#endif
