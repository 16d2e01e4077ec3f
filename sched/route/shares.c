/* SPDX-License-Identifier: Apache-2.0 */
/* shares.c - see shares.h. Fewer than `count` units are left after rounding down, so each gets at most one more. */
#include "route/shares.h"

#include <stdbool.h>

__extension__ typedef unsigned __int128 u128;

/** Exactly one of the two is given. */
typedef struct parts {
    const int32_t *narrow;
    const int64_t *wide;
    uint64_t total;
    int32_t whole;
} parts;

static uint64_t part(const parts *p, size_t i)
{
    return p->narrow != NULL ? (uint64_t)p->narrow[i] : (uint64_t)p->wide[i];
}

static int32_t quotient(const parts *p, size_t i)
{
    return (int32_t)((u128)part(p, i) * (uint32_t)p->whole / p->total);
}

static uint64_t remainder_of(const parts *p, size_t i)
{
    return (uint64_t)((u128)part(p, i) * (uint32_t)p->whole % p->total);
}

static void split(parts *p, size_t count, int32_t *shares)
{
    p->total = 0;
    for (size_t i = 0; i < count; i++) {
        p->total += part(p, i);
        shares[i] = 0;
    }
    if (p->total == 0) {
        return;
    }
    int32_t left = p->whole;
    for (size_t i = 0; i < count; i++) {
        shares[i] = quotient(p, i);
        left -= shares[i];
    }
    while (left > 0) {
        size_t best = count;
        for (size_t i = 0; i < count; i++) {
            bool plain = shares[i] == quotient(p, i);
            if (plain && (best == count || remainder_of(p, i) > remainder_of(p, best))) {
                best = i;
            }
        }
        shares[best]++;
        left--;
    }
}

void shares_by_ready(const int32_t *ready, size_t count, int32_t *shares)
{
    split(&(parts){.narrow = ready, .whole = SHARES_WHOLE}, count, shares);
}

void shares_split(const int64_t *each, size_t count, int32_t whole, int32_t *shares)
{
    split(&(parts){.wide = each, .whole = whole}, count, shares);
}
