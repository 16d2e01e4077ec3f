/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gunzip.c - see gunzip.h. zlib checks the length and the CRC of each member. */
#include "sim/scenario/gunzip.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#define ZLIB_CONST /* input stays const */
#include <zlib.h>

#define GZIP_BITS (15 + 16) /* largest window, gzip frame */

bool gunzip_wanted(const void *data, size_t size)
{
    return size >= 2 && memcmp(data, "\x1f\x8b", 2) == 0;
}

typedef struct unpacking {
    z_stream z;
    const char *next; /* input not yet handed to zlib */
    size_t left;
    char *data;
    size_t size, capacity, limit;
} unpacking;

/* Gives zlib room and input. @return what is wrong, or NULL */
static const char *feed(unpacking *u)
{
    if (u->size + 1 >= u->capacity) {
        char *more = u->capacity <= SIZE_MAX / 2 ? realloc(u->data, u->capacity * 2) : NULL;
        if (more == NULL) {
            return "out of memory";
        }
        u->data = more;
        u->capacity *= 2;
    }
    const size_t room = u->capacity - 1 - u->size;
    u->z.next_out = (Bytef *)(u->data + u->size);
    u->z.avail_out = room < UINT_MAX ? (uInt)room : UINT_MAX;
    if (u->z.avail_in == 0) {
        const size_t some = u->left < UINT_MAX ? u->left : UINT_MAX;
        u->z.next_in = (const Bytef *)u->next;
        u->z.avail_in = (uInt)some;
        u->next += some;
        u->left -= some;
    }
    return NULL;
}

static const char *unpack(unpacking *u)
{
    for (;;) {
        const char *problem = feed(u);
        if (problem != NULL) {
            return problem;
        }
        const uInt room = u->z.avail_out;
        const int rc = inflate(&u->z, Z_NO_FLUSH);
        u->size += room - u->z.avail_out;
        if (u->size > u->limit) {
            return "it unpacks to more than may be read";
        }
        if (rc == Z_STREAM_END) {
            if (u->z.avail_in == 0 && u->left == 0) {
                return NULL;
            }
            if (inflateReset(&u->z) != Z_OK) { /* another member follows */
                return "out of memory";
            }
        } else if (rc == Z_MEM_ERROR) {
            return "out of memory";
        } else if (rc == Z_BUF_ERROR && u->z.avail_in == 0 && u->left == 0) {
            return "the gzip file is cut short";
        } else if (rc != Z_OK && rc != Z_BUF_ERROR) {
            return "the gzip file is damaged";
        }
    }
}

const char *gunzip(const void *data, size_t size, size_t limit, char **out, size_t *out_size)
{
    unpacking u = {.next = data, .left = size, .limit = limit, .capacity = 65536};
    *out = NULL;
    *out_size = 0;
    if (inflateInit2(&u.z, GZIP_BITS) != Z_OK) {
        return "out of memory";
    }
    u.data = malloc(u.capacity);
    const char *problem = u.data != NULL ? unpack(&u) : "out of memory";
    inflateEnd(&u.z);
    if (problem != NULL) {
        free(u.data);
        return problem;
    }
    u.data[u.size] = '\0';
    *out = u.data;
    *out_size = u.size;
    return NULL;
}
