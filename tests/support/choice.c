/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * choice.c - bounded integers from a seed or from bytes.
 *
 * The seeded side is splitmix64, on purpose a generator that the product does not use. Bounding: D. Lemire, "Fast
 * random integer generation in an interval", ACM Trans. Model. Comput. Simul. 29 (2019), with rejection, so exact.
 * The byte side takes the remainder: it has to be stable and easy to steer for a fuzzer, not uniform.
 */
#include "tests/support/choice.h"

__extension__ typedef unsigned __int128 wide;

void choice_seed(choice *c, uint64_t seed)
{
    *c = (choice){.state = seed};
}

void choice_bytes(choice *c, const uint8_t *bytes, size_t len)
{
    static const uint8_t nothing[1] = {0};

    *c = (choice){.bytes = bytes ? bytes : nothing, .len = bytes ? len : 0};
}

static uint64_t next(choice *c)
{
    uint64_t z = c->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* Little endian, as many bytes as `largest` has; what is missing at the end of the buffer reads as 0. */
static uint64_t take(choice *c, uint64_t largest)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64 && largest >> shift > 0; shift += 8) {
        if (c->pos < c->len) {
            value |= (uint64_t)c->bytes[c->pos++] << shift;
        }
    }
    return value;
}

uint64_t choice_u64(choice *c)
{
    return c->bytes ? take(c, UINT64_MAX) : next(c);
}

uint64_t choice_below(choice *c, uint64_t n)
{
    if (n <= 1) {
        return 0;
    }
    if (c->bytes) {
        return take(c, n - 1) % n;
    }
    uint64_t unfair = (0 - n) % n; /* 2^64 mod n low words would be answered once too often */
    wide product;

    do {
        product = (wide)next(c) * n;
    } while ((uint64_t)product < unfair);
    return (uint64_t)(product >> 64);
}

int64_t choice_range(choice *c, int64_t lo, int64_t hi)
{
    if (hi <= lo) {
        return lo;
    }
    uint64_t span = (uint64_t)hi - (uint64_t)lo;
    uint64_t offset = span == UINT64_MAX ? choice_u64(c) : choice_below(c, span + 1);

    return (int64_t)((uint64_t)lo + offset);
}

bool choice_chance(choice *c, uint64_t num, uint64_t den)
{
    uint64_t drawn = choice_below(c, den);

    return num >= den || drawn >= den - num;
}

double choice_unit(choice *c)
{
    return (double)(choice_u64(c) >> 11) * 0x1p-53;
}

bool choice_done(const choice *c)
{
    return c->bytes && c->pos >= c->len;
}
