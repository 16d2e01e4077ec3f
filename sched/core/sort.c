/* SPDX-License-Identifier: Apache-2.0 */
/* sort.c - see sort.h. Rows that come in order already cost one comparison each. */
#include "core/sort.h"

static void sift(uint32_t *heap, size_t count, size_t at, sort_before before, const void *rows)
{
    for (;;) {
        size_t last = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < count; child++) {
            if (before(rows, heap[last], heap[child])) {
                last = child;
            }
        }
        if (last == at) {
            return;
        }
        uint32_t swap = heap[at];
        heap[at] = heap[last];
        heap[last] = swap;
        at = last;
    }
}

void sort_rows(uint32_t *index, size_t count, sort_before before, const void *rows)
{
    size_t sorted = 1;
    while (sorted < count && before(rows, index[sorted - 1], index[sorted])) {
        sorted++;
    }
    if (sorted >= count) {
        return;
    }
    for (size_t at = count / 2; at-- > 0;) {
        sift(index, count, at, before, rows);
    }
    for (size_t end = count; end-- > 1;) {
        uint32_t swap = index[0];
        index[0] = index[end];
        index[end] = swap;
        sift(index, end, 0, before, rows);
    }
}
