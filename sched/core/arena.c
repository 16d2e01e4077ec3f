/* SPDX-License-Identifier: Apache-2.0 */
/* arena.c - see arena.h. */
#include "core/arena.h"

void *arena_take(arena *a, size_t count, size_t item)
{
    assert(item == 0 || count <= (SIZE_MAX / 2) / item);
    size_t start = (a->used + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    size_t bytes = count * item;
    a->used = start + bytes;
    if (a->base == NULL) {
        return NULL;
    }
    assert(a->used <= a->size);
    memset(a->base + start, 0, bytes);
    return a->base + start;
}

const char *arena_string(arena *a, const char *text)
{
    const char *from = text == NULL ? "" : text;
    size_t bytes = strlen(from) + 1;
    char *to = arena_take(a, bytes, 1);
    if (to != NULL) {
        memcpy(to, from, bytes);
    }
    return to;
}
