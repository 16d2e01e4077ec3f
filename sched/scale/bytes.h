/* SPDX-License-Identifier: Apache-2.0 */
/**
 * bytes.h - little-endian fields in and out of saved state. A writer without a buffer only counts, so that size and
 * content come from one function; a reader that runs dry goes bad and reads zeros.
 */
#ifndef SCHED_SCALE_BYTES_H
#define SCHED_SCALE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct bytes_out {
    unsigned char *at; /**< NULL while counting */
    size_t used;
} bytes_out;

typedef struct bytes_in {
    const unsigned char *at;
    size_t used, size;
    bool bad;
} bytes_in;

static inline void bytes_put(bytes_out *o, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes && o->at != NULL; i++) {
        o->at[o->used + i] = (unsigned char)(value >> (8 * i));
    }
    o->used += bytes;
}

static inline void bytes_put_i64(bytes_out *o, int64_t value)
{
    bytes_put(o, (uint64_t)value, 8);
}

static inline void bytes_put_i32(bytes_out *o, int32_t value)
{
    bytes_put(o, (uint32_t)value, 4);
}

static inline void bytes_put_double(bytes_out *o, double value)
{
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    bytes_put(o, bits, 8);
}

static inline uint64_t bytes_get(bytes_in *i, size_t bytes)
{
    if (i->bad || i->size - i->used < bytes) {
        i->bad = true;
        return 0;
    }
    uint64_t value = 0;
    for (size_t k = 0; k < bytes; k++) {
        value |= (uint64_t)i->at[i->used + k] << (8 * k);
    }
    i->used += bytes;
    return value;
}

static inline int64_t bytes_get_i64(bytes_in *i)
{
    return (int64_t)bytes_get(i, 8);
}

static inline int32_t bytes_get_i32(bytes_in *i)
{
    return (int32_t)(uint32_t)bytes_get(i, 4);
}

/** A time: INT64_MIN for never, or one so far from the ends that differences of two fit; else the reader goes bad. */
static inline int64_t bytes_get_time(bytes_in *i)
{
    int64_t value = bytes_get_i64(i);
    i->bad = i->bad || (value != INT64_MIN && (value > INT64_MAX / 2 || value < -(INT64_MAX / 2)));
    return value;
}

/** A finite number >= low; anything else makes the reader bad. */
static inline double bytes_get_double(bytes_in *i, double low)
{
    uint64_t bits = bytes_get(i, 8);
    double value = 0;
    memcpy(&value, &bits, sizeof value);
    if (!(value >= low && value <= 1e300)) {
        i->bad = true;
        return 0;
    }
    return value;
}

#endif
