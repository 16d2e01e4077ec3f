/* SPDX-License-Identifier: Apache-2.0 */
/**
 * sort.h - heap sort of row numbers. In place, no allocation (the C library's qsort may allocate), O(n log n).
 *
 * `before` must be a strict total order: it ends in a comparison of unique keys, so the result is unique.
 */
#ifndef SCHED_CORE_SORT_H
#define SCHED_CORE_SORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef bool (*sort_before)(const void *rows, uint32_t a, uint32_t b);

void sort_rows(uint32_t *index, size_t count, sort_before before, const void *rows);

#endif
