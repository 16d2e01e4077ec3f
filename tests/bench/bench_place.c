/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench_place.c - division of replicas over 1,000 clusters: ours beside the straightforward way, which gives one seat
 * at a time from a heap of quotients (the way Karmada does it). Same votes, same outcome (checked), one run; thread CPU
 * time, medians of 5.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "sched/place/webster.h"
#include "tests/support/choice.h"

enum { CLUSTERS = 1000, REPEATS = 5 };

static double cpu_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* --- the reference: a binary heap of binary64 quotients, one pop and push for each seat --- */

typedef struct seat_party {
    double votes, quotient;
    int32_t seats, rank;
} seat_party;

static int better(const seat_party *a, const seat_party *b)
{
    if (a->quotient != b->quotient) {
        return a->quotient > b->quotient;
    }
    return a->seats != b->seats ? a->seats < b->seats : a->rank < b->rank;
}

static void sift(seat_party *heap, size_t count, size_t at)
{
    for (;;) {
        size_t best = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < count; child++) {
            best = better(&heap[child], &heap[best]) ? child : best;
        }
        if (best == at) {
            return;
        }
        seat_party swap = heap[at];
        heap[at] = heap[best];
        heap[best] = swap;
        at = best;
    }
}

static void seat_by_seat(const int64_t *votes, int32_t seats, seat_party *heap, int32_t *out)
{
    for (int32_t i = 0; i < CLUSTERS; i++) {
        heap[i] = (seat_party){.votes = (double)votes[i], .quotient = (double)votes[i], .rank = i};
    }
    for (size_t at = CLUSTERS / 2; at-- > 0;) {
        sift(heap, CLUSTERS, at);
    }
    for (int32_t k = 0; k < seats; k++) {
        heap[0].seats++;
        heap[0].quotient = heap[0].votes / (2.0 * heap[0].seats + 1.0);
        sift(heap, CLUSTERS, 0);
    }
    for (int32_t i = 0; i < CLUSTERS; i++) {
        out[heap[i].rank] = heap[i].seats;
    }
}

static void make_parties(const int64_t *votes, webster_party *parties)
{
    for (int32_t i = 0; i < CLUSTERS; i++) {
        parties[i] = (webster_party){.votes = votes[i], .rank = i};
    }
}

static int is_same(const webster_party *parties, const int32_t *expected)
{
    int same = 1;
    for (int32_t i = 0; i < CLUSTERS; i++) {
        same = same && parties[i].seats == expected[i];
    }
    return same;
}

static void bench(const char *title, const int64_t *votes)
{
    static webster_party parties[CLUSTERS];
    static webster_party capped[CLUSTERS];
    static uint32_t heap[CLUSTERS];
    static seat_party reference[CLUSTERS];
    static int32_t expected[CLUSTERS];
    make_parties(votes, parties);
    make_parties(votes, capped);
    printf("\ndivision over %d clusters, %s\n                        ours us   with caps us  seat by seat us     ratio "
           "  same\n",
           CLUSTERS, title);
    for (int32_t seats = 100; seats <= 100000; seats *= 10) {
        double mine[REPEATS];
        double with_caps[REPEATS];
        double theirs[REPEATS];
        int rounds = 200000 / seats + 20;
        for (int r = 0; r < REPEATS; r++) {
            double start = cpu_now();
            for (int k = 0; k < rounds; k++) {
                (void)webster_divide(parties, CLUSTERS, seats, heap); /* begins from no seats each time */
            }
            double between = cpu_now();
            for (int k = 0; k < rounds; k++) {
                (void)webster_divide_capped(capped, votes, CLUSTERS, seats, heap); /* no cap binds */
            }
            double middle = cpu_now();
            int slow = rounds / 10 + 1;
            for (int k = 0; k < slow; k++) {
                seat_by_seat(votes, seats, reference, expected);
            }
            mine[r] = (between - start) / rounds * 1e6;
            with_caps[r] = (middle - between) / rounds * 1e6;
            theirs[r] = (cpu_now() - middle) / slow * 1e6;
        }
        int same = is_same(parties, expected) && is_same(capped, expected);
        qsort(with_caps, REPEATS, sizeof with_caps[0], by_value);
        qsort(mine, REPEATS, sizeof mine[0], by_value);
        qsort(theirs, REPEATS, sizeof theirs[0], by_value);
        printf("%8" PRId32 " replicas %17.2f %14.2f %16.1f %9.1f   %s\n", seats, mine[REPEATS / 2],
               with_caps[REPEATS / 2], theirs[REPEATS / 2], theirs[REPEATS / 2] / mine[REPEATS / 2],
               same ? "yes" : "NO");
    }
}

int main(void)
{
    static int64_t votes[CLUSTERS];
    choice c;
    choice_seed(&c, 11);
    for (int32_t i = 0; i < CLUSTERS; i++) {
        votes[i] = choice_range(&c, 1, 4000);
    }
    bench("room for 1 to 4,000 replicas", votes);
    for (int32_t i = 0; i < CLUSTERS; i++) {
        votes[i] = 4000;
    }
    bench("all alike", votes);
    return 0;
}
