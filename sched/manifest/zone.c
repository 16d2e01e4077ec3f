/* SPDX-License-Identifier: Apache-2.0 */
/** zone.c - arena in blocks that double up to BLOCK_MAX; a large take gets a block of its own. */
#include "sched/manifest/zone.h"

#include <assert.h>
#include <spillway/manifest.h>
#include <stdalign.h>
#include <stdio.h>
#include <string.h>

#define BLOCK_MIN 4096u
#define BLOCK_MAX (1024u * 1024u)

struct zone_block {
    zone_block *next;
    size_t used; /* bytes of data handed out */
    size_t size; /* bytes of data */
    alignas(max_align_t) unsigned char data[];
};

void zone_init(zone *z, const spw_mem *mem)
{
    assert(z != NULL);
    z->mem = mem != NULL ? *mem : *spw_mem_libc();
    z->head = NULL;
    z->failed = false;
}

void zone_fini(zone *z)
{
    zone_block *block = z->head;

    while (block != NULL) {
        zone_block *next = block->next;
        z->mem.give(block, z->mem.user);
        block = next;
    }
    z->head = NULL;
    z->failed = false;
}

static zone_block *block_new(zone *z, size_t need)
{
    size_t size = BLOCK_MIN;
    zone_block *block;

    if (z->head != NULL) {
        size = z->head->size < BLOCK_MAX / 2 ? z->head->size * 2 : BLOCK_MAX;
    }
    if (size < need) {
        size = need;
    }
    if (size > SIZE_MAX - sizeof(zone_block)) {
        return NULL;
    }
    block = z->mem.take(sizeof(zone_block) + size, z->mem.user);
    if (block == NULL) {
        return NULL;
    }
    block->used = 0;
    block->size = size;
    block->next = z->head;
    z->head = block;
    return block;
}

void *zone_take(zone *z, size_t size)
{
    const size_t step = alignof(max_align_t);
    zone_block *block = z->head;
    void *out;

    if (size == 0) {
        size = 1;
    }
    if (size > SIZE_MAX - step) {
        z->failed = true;
        return NULL;
    }
    size = (size + step - 1) / step * step;
    if (block == NULL || block->size - block->used < size) {
        block = block_new(z, size);
        if (block == NULL) {
            z->failed = true;
            return NULL;
        }
    }
    out = block->data + block->used;
    block->used += size;
    memset(out, 0, size);
    return out;
}

void *zone_array(zone *z, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size) {
        z->failed = true;
        return NULL;
    }
    return zone_take(z, count * size);
}

char *zone_text(zone *z, const char *text, size_t length)
{
    char *out = length == SIZE_MAX ? NULL : zone_take(z, length + 1);

    if (out != NULL && length > 0) {
        memcpy(out, text, length);
    }
    return out;
}

char *zone_vformat(zone *z, const char *format, va_list args)
{
    va_list again;
    int length;
    char *out = NULL;

    va_copy(again, args);
    length = vsnprintf(NULL, 0, format, args);
    assert(length >= 0);
    out = zone_take(z, (size_t)length + 1);
    if (out != NULL) {
        (void)vsnprintf(out, (size_t)length + 1, format, again);
    }
    va_end(again);
    return out;
}

char *zone_format(zone *z, const char *format, ...)
{
    va_list args;
    char *out;

    va_start(args, format);
    out = zone_vformat(z, format, args);
    va_end(args);
    return out;
}
