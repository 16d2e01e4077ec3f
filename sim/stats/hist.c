/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * hist.c - log-linear histogram on integers.
 *
 * With b sub-bits, a value v whose highest set bit is e >= b goes to bucket (s << b) + (v >> s), s = e - b: v >> s
 * keeps the leading b+1 bits, so each power of two gets 2^b buckets of width 2^s, and values below 2^(b+1) (s = 0) get
 * a bucket each. Bucket numbers rise with the value and have no gaps. The idea is that of HdrHistogram (G. Tene); no
 * floating point takes part, so counts are the same on every machine.
 *
 * Inserting is the hot path: the count is the sum of the buckets and is taken when asked for (a few us), and min and
 * max are behind branches that are almost never taken, so that neither adds a store to every insert.
 *
 * Invariant: min <= max unless empty; empty is max < min.
 */
#include "sim/stats/stats.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SUB_BITS_MIN 3u
#define SUB_BITS_MAX 12u

struct stat_hist {
    unsigned sub_bits;
    size_t buckets;
    int64_t min; /* INT64_MAX when empty */
    int64_t max; /* -1 when empty */
    __extension__ __int128 sum;
    uint64_t bucket[];
};

/* `v` is not negative. */
static inline size_t bucket_of(unsigned sub_bits, int64_t v)
{
    uint64_t u = (uint64_t)v;
    unsigned top = 63u ^ (unsigned)__builtin_clzll(u | (UINT64_C(1) << sub_bits)); /* 63 - : one instruction */
    unsigned shift = top - sub_bits;

    return ((size_t)shift << sub_bits) + (size_t)(u >> shift);
}

/* The largest value of a bucket. */
static int64_t upper_edge(unsigned sub_bits, size_t bucket)
{
    size_t per_octave = (size_t)1 << sub_bits;

    if (bucket < 2 * per_octave) {
        return (int64_t)bucket;
    }
    unsigned shift = (unsigned)(bucket >> sub_bits) - 1;
    uint64_t leading = bucket - ((uint64_t)shift << sub_bits);

    return (int64_t)(((leading + 1) << shift) - 1);
}

stat_hist *stat_hist_new(unsigned sub_bits)
{
    assert(sub_bits >= SUB_BITS_MIN && sub_bits <= SUB_BITS_MAX);
    size_t buckets = (size_t)(64 - sub_bits) << sub_bits;
    stat_hist *h = malloc(sizeof *h + buckets * sizeof h->bucket[0]);

    if (h) {
        h->sub_bits = sub_bits;
        h->buckets = buckets;
        stat_hist_reset(h);
    }
    return h;
}

void stat_hist_free(stat_hist *h)
{
    free(h);
}

void stat_hist_add(stat_hist *h, int64_t value)
{
    int64_t v = value > 0 ? value : 0;

    h->bucket[bucket_of(h->sub_bits, v)]++;
    h->sum += v;
    if (__builtin_expect(v < h->min, 0)) {
        h->min = v;
    }
    if (__builtin_expect(v > h->max, 0)) {
        h->max = v;
    }
}

void stat_hist_merge(stat_hist *into, const stat_hist *from)
{
    assert(into->sub_bits == from->sub_bits);
    for (size_t i = 0; i < into->buckets; i++) {
        into->bucket[i] += from->bucket[i];
    }
    into->sum += from->sum;
    into->min = from->min < into->min ? from->min : into->min;
    into->max = from->max > into->max ? from->max : into->max;
}

void stat_hist_reset(stat_hist *h)
{
    h->sum = 0;
    h->min = INT64_MAX;
    h->max = -1;
    memset(h->bucket, 0, h->buckets * sizeof h->bucket[0]);
}

/* Values in the first n buckets. */
static uint64_t count_to(const stat_hist *h, size_t n)
{
    uint64_t count = 0;

    for (size_t i = 0; i < n; i++) {
        count += h->bucket[i];
    }
    return count;
}

uint64_t stat_hist_count(const stat_hist *h)
{
    return count_to(h, h->buckets);
}

__extension__ __int128 stat_hist_sum(const stat_hist *h)
{
    return h->sum;
}

double stat_hist_mean(const stat_hist *h)
{
    uint64_t count = stat_hist_count(h);

    return count > 0 ? (double)h->sum / (double)count : (double)NAN;
}

int64_t stat_hist_max(const stat_hist *h)
{
    return h->max > 0 ? h->max : 0;
}

int64_t stat_hist_min(const stat_hist *h)
{
    return h->max >= 0 ? h->min : 0;
}

/* Nearest rank in 1..count. A decimal p is off by half an ulp and the product rounds once more: taking two ulps off
 * before rounding up keeps 0.07 * 100 = 7.000000000000001 at rank 7 and moves nothing else. */
static uint64_t rank_of(uint64_t count, double p)
{
    double exact = p * (double)count;
    double rank = ceil(exact - exact * 0x1p-51);

    if (!(rank > 1.0)) {
        return 1;
    }
    return rank < (double)count ? (uint64_t)rank : count;
}

int64_t stat_hist_quantile(const stat_hist *h, double p)
{
    if (h->max < 0) {
        return 0;
    }
    uint64_t rank = rank_of(stat_hist_count(h), p);
    uint64_t seen = 0;
    size_t i = 0;

    for (; i < h->buckets; i++) {
        seen += h->bucket[i];
        if (seen >= rank) {
            break;
        }
    }
    int64_t edge = upper_edge(h->sub_bits, i);

    return edge < h->max ? edge : h->max;
}

uint64_t stat_hist_count_le(const stat_hist *h, int64_t value)
{
    if (value < 0) {
        return 0;
    }
    return count_to(h, bucket_of(h->sub_bits, value) + 1);
}

int stat_hist_write(const stat_hist *h, FILE *out)
{
    const uint32_t sub_bits = h->sub_bits;
    uint32_t used = 0;
    int good;

    for (size_t i = 0; i < h->buckets; i++) {
        used += h->bucket[i] > 0;
    }
    good = fwrite(&sub_bits, sizeof sub_bits, 1, out) == 1 && fwrite(&used, sizeof used, 1, out) == 1 &&
           fwrite(&h->min, sizeof h->min, 1, out) == 1 && fwrite(&h->max, sizeof h->max, 1, out) == 1 &&
           fwrite(&h->sum, sizeof h->sum, 1, out) == 1;
    for (size_t i = 0; good && i < h->buckets; i++) {
        const uint32_t bucket = (uint32_t)i;

        if (h->bucket[i] > 0) {
            good =
                fwrite(&bucket, sizeof bucket, 1, out) == 1 && fwrite(&h->bucket[i], sizeof h->bucket[i], 1, out) == 1;
        }
    }
    return good ? 0 : -1;
}

stat_hist *stat_hist_read(FILE *in)
{
    uint32_t sub_bits = 0, used = 0;
    stat_hist *h;
    int good;

    if (fread(&sub_bits, sizeof sub_bits, 1, in) != 1 || sub_bits < SUB_BITS_MIN || sub_bits > SUB_BITS_MAX ||
        fread(&used, sizeof used, 1, in) != 1) {
        return NULL;
    }
    h = stat_hist_new(sub_bits);
    if (h == NULL) {
        return NULL;
    }
    good = fread(&h->min, sizeof h->min, 1, in) == 1 && fread(&h->max, sizeof h->max, 1, in) == 1 &&
           fread(&h->sum, sizeof h->sum, 1, in) == 1;
    for (uint32_t k = 0; good && k < used; k++) {
        uint32_t bucket = 0;

        good = fread(&bucket, sizeof bucket, 1, in) == 1 && bucket < h->buckets &&
               fread(&h->bucket[bucket], sizeof h->bucket[bucket], 1, in) == 1;
    }
    if (!good) {
        stat_hist_free(h);
        return NULL;
    }
    return h;
}
