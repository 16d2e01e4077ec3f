/* SPDX-License-Identifier: Apache-2.0 */
/* webster.c - see webster.h. Properties used: Balinski & Young, "Fair Representation", 1982. */
#include "place/webster.h"

__extension__ typedef unsigned __int128 u128;

/** Is the seat after `a_seats` of a worth more than the seat after `b_seats` of b? Total order. */
static bool seat_before(const webster_party *a, int32_t a_seats, const webster_party *b, int32_t b_seats)
{
    u128 left = (u128)(uint64_t)a->votes * ((uint64_t)b_seats * 2u + 1u);
    u128 right = (u128)(uint64_t)b->votes * ((uint64_t)a_seats * 2u + 1u);
    if (left != right) {
        return left > right;
    }
    if (a_seats != b_seats) {
        return a_seats < b_seats;
    }
    return a->rank < b->rank;
}

typedef enum order {
    ORDER_GIVE, /**< the party whose next seat is worth most is on top */
    ORDER_TAKE  /**< the party whose last seat is worth least is on top */
} order;

static bool goes_first(const webster_party *parties, uint32_t a, uint32_t b, order how)
{
    const webster_party *pa = &parties[a];
    const webster_party *pb = &parties[b];
    if (how == ORDER_GIVE) {
        return seat_before(pa, pa->seats, pb, pb->seats);
    }
    return seat_before(pb, pb->seats - 1, pa, pa->seats - 1);
}

static void sift_down(const webster_party *parties, uint32_t *heap, size_t count, size_t at, order how)
{
    for (;;) {
        size_t best = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < count; child++) {
            if (goes_first(parties, heap[child], heap[best], how)) {
                best = child;
            }
        }
        if (best == at) {
            return;
        }
        uint32_t swap = heap[at];
        heap[at] = heap[best];
        heap[best] = swap;
        at = best;
    }
}

/** Parties that can take part: with votes, and with a seat to lose when seats are taken. */
static size_t heap_fill(const webster_party *parties, size_t count, uint32_t *heap, order how)
{
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        if (parties[i].votes > 0 && (how == ORDER_GIVE || parties[i].seats > 0)) {
            heap[used++] = (uint32_t)i;
        }
    }
    for (size_t at = used / 2; at-- > 0;) {
        sift_down(parties, heap, used, at, how);
    }
    return used;
}

/**
 * round(votes x seats / total), half down: at most one seat off the final number but for rare divisors. Division in 128
 * bits is slow and seldom needed.
 */
static int32_t rounded(int64_t votes, int32_t seats, u128 total)
{
    u128 twice = (u128)(uint64_t)votes * (uint32_t)seats * 2u + total - (u128)1;
    if (twice <= UINT64_MAX && total <= UINT64_MAX / 2) {
        return (int32_t)((uint64_t)twice / ((uint64_t)total * 2u));
    }
    return (int32_t)(twice / (2u * total));
}

int32_t webster_divide(webster_party *parties, size_t count, int32_t seats, uint32_t *heap)
{
    assert(seats >= 0);
    u128 total = 0;
    for (size_t i = 0; i < count; i++) {
        assert(parties[i].votes >= 0 && parties[i].votes <= (INT64_C(1) << 62));
        parties[i].seats = 0;
        total += (uint64_t)parties[i].votes;
    }
    if (total == 0 || seats == 0) {
        return 0;
    }
    int64_t given = 0;
    for (size_t i = 0; i < count; i++) {
        parties[i].seats = rounded(parties[i].votes, seats, total);
        given += parties[i].seats;
    }
    if (given == seats) {
        return seats;
    }
    size_t used = heap_fill(parties, count, heap, given < seats ? ORDER_GIVE : ORDER_TAKE);
    for (; given < seats; given++) {
        parties[heap[0]].seats++;
        sift_down(parties, heap, used, 0, ORDER_GIVE);
    }
    for (; given > seats; given--) {
        webster_party *loser = &parties[heap[0]];
        loser->seats--;
        if (loser->seats == 0) {
            heap[0] = heap[--used];
        }
        sift_down(parties, heap, used, 0, ORDER_TAKE);
    }
    return seats;
}

int32_t webster_divide_capped(webster_party *parties, const int64_t *caps, size_t count, int32_t seats, uint32_t *heap)
{
    int64_t room = 0;
    for (size_t i = 0; i < count; i++) {
        parties[i].seats = 0;
        room += parties[i].votes > 0 ? caps[i] : 0;
    }
    int32_t target = room < seats ? (int32_t)room : seats;
    /* seat by seat among those with room: full parties simply leave the heap */
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        if (parties[i].votes > 0 && caps[i] > 0) {
            heap[used++] = (uint32_t)i;
        }
    }
    for (size_t at = used / 2; at-- > 0;) {
        sift_down(parties, heap, used, at, ORDER_GIVE);
    }
    for (int32_t given = 0; given < target; given++) {
        uint32_t winner = heap[0];
        parties[winner].seats++;
        if (parties[winner].seats >= caps[winner]) {
            heap[0] = heap[--used];
        }
        sift_down(parties, heap, used, 0, ORDER_GIVE);
    }
    return target;
}

/** Before 1.16: is a to get one of the left-over seats before b? */
static bool leftover_before(const webster_party *a, const webster_party *b)
{
    if (a->votes != b->votes) {
        return a->votes > b->votes;
    }
    return a->last != b->last ? a->last > b->last : a->rank < b->rank;
}

int32_t floor_divide(webster_party *parties, size_t count, int32_t seats, uint32_t *rest)
{
    u128 total = 0;
    for (size_t i = 0; i < count; i++) {
        parties[i].seats = 0;
        total += (uint64_t)parties[i].votes;
    }
    if (total == 0) {
        return 0;
    }
    int64_t given = 0;
    for (size_t i = 0; i < count; i++) {
        parties[i].seats = (int32_t)((u128)(uint64_t)parties[i].votes * (uint32_t)seats / total);
        given += parties[i].seats;
        rest[i] = (uint32_t)i;
    }
    /* fewer are left over than there are parties: each round finds the next to get one */
    for (size_t next = 0; given < seats; next++, given++) {
        size_t best = next;
        for (size_t i = next + 1; i < count; i++) {
            best = leftover_before(&parties[rest[i]], &parties[rest[best]]) ? i : best;
        }
        uint32_t winner = rest[best];
        rest[best] = rest[next];
        rest[next] = winner;
        parties[winner].seats++;
    }
    return seats;
}
