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

/* --- near the answer in binary64 --- */

/** Rounds votes x factor for all. @return seats given */
static int64_t round_all(webster_party *parties, size_t count, double factor)
{
    int64_t given = 0;
    for (size_t i = 0; i < count; i++) {
        parties[i].seats = (int32_t)((double)parties[i].votes * factor + 0.5);
        given += parties[i].seats;
    }
    return given;
}

#define ROUNDS     3 /* of looking for a better factor */
#define FEW        4 /* parties for each seat, from which on rounding does not help */
#define NEAR_ROUND 8 /* a miss by so few seats is cheaper to repair than to look on */

/**
 * A first division whose seats sum nearly to `seats`. By the rule of false position, as the sum grows with the factor.
 */
static int64_t round_near(webster_party *parties, size_t count, int32_t seats, double total)
{
    if ((size_t)seats <= count / FEW) {
        return 0; /* seats are still 0: to select so few winners is all there is to do */
    }
    double low = 0.0, factor = (double)seats / total;
    int64_t low_sum = 0;
    int64_t given = round_all(parties, count, factor);
    for (int r = 0; r < ROUNDS && (given > seats ? given - seats : seats - given) > NEAR_ROUND; r++) {
        double slope = (double)(given - low_sum) / (factor - low);
        double next = given == low_sum ? factor * 2.0 : factor + (double)(seats - given) / slope;
        if (!(next > 0.0) || (double)count + next * total > (double)INT32_MAX) {
            break;
        }
        low = factor;
        low_sum = given;
        factor = next;
        given = round_all(parties, count, factor);
    }
    return given;
}

#define BAND     1e-9 /* far above what binary64 can be wrong by, far below what keeps most parties apart */
#define HALVINGS 12
#define NOBODY   (-1e300) /* key of a party that takes no part */

/** Keys: the larger, the sooner the party is given a seat, or the sooner it loses one. @return how many take part */
static size_t key_all(webster_party *parties, size_t count, order how, double *low, double *high)
{
    size_t eligible = 0;
    *low = -NOBODY;
    *high = NOBODY;
    for (size_t i = 0; i < count; i++) {
        webster_party *p = &parties[i];
        double twice = 2.0 * (double)p->seats;
        bool in = p->votes > 0 && (how == ORDER_GIVE || p->seats > 0);
        double key = how == ORDER_GIVE ? (double)p->votes / (twice + 1.0) : -(double)p->votes / (twice - 1.0);
        p->key = in ? key : NOBODY;
        *low = in && key < *low ? key : *low;
        *high = in && key > *high ? key : *high;
        eligible += in ? 1 : 0;
    }
    return eligible;
}

static size_t count_above(const webster_party *parties, size_t count, double cut)
{
    size_t above = 0;
    for (size_t i = 0; i < count; i++) {
        above += parties[i].key >= cut ? 1 : 0;
    }
    return above;
}

/** Does a come before b? By their keys where these are clearly apart, else exactly. */
static bool sooner(const webster_party *parties, uint32_t a, uint32_t b, order how)
{
    double gap = parties[a].key - parties[b].key;
    double size = parties[b].key < 0.0 ? -parties[b].key : parties[b].key;
    return gap > BAND * size || (gap >= -BAND * size && goes_first(parties, a, b, how));
}

/** The few parties that come first, by insertion. @return how many there are */
static size_t select_few(const webster_party *parties, size_t count, size_t wanted, uint32_t *best, order how)
{
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        if (parties[i].key <= NOBODY || (used == wanted && !sooner(parties, (uint32_t)i, best[used - 1], how))) {
            continue;
        }
        size_t at = used < wanted ? used++ : wanted - 1;
        for (; at > 0 && sooner(parties, (uint32_t)i, best[at - 1], how); at--) {
            best[at] = best[at - 1];
        }
        best[at] = (uint32_t)i;
    }
    return used;
}

/** The first `wanted` of `count` parties in `heap` to its front, by exact order. */
static void select_exact(const webster_party *parties, uint32_t *heap, size_t count, size_t wanted, order how)
{
    size_t left = count;
    for (size_t at = left / 2; wanted < count && at-- > 0;) {
        sift_down(parties, heap, left, at, how);
    }
    for (size_t k = 0; wanted < count && k < wanted; k++) {
        uint32_t first = heap[0];
        heap[0] = heap[--left];
        heap[left] = first;
        sift_down(parties, heap, left, 0, how);
    }
    if (left < count) {
        memmove(heap, heap + left, wanted * sizeof *heap);
    }
}

/** Many of them: the range of keys is halved until the cut is there; those that are still at it, exactly. */
static size_t select_many(const webster_party *parties, size_t count, size_t wanted, double low, double high,
                          uint32_t *best, order how)
{
    size_t above = count;
    for (int h = 0; h < HALVINGS && above > wanted; h++) {
        double middle = low + (high - low) / 2.0;
        size_t n = count_above(parties, count, middle);
        if (n >= wanted) {
            low = middle;
            above = n;
        } else {
            high = middle;
        }
    }
    size_t used = 0;
    size_t at_cut = 0;
    for (size_t i = 0; i < count && above > wanted; i++) {
        if (parties[i].key >= high) {
            best[used++] = (uint32_t)i;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (parties[i].key >= low && (above == wanted || parties[i].key < high)) {
            best[used + at_cut++] = (uint32_t)i;
        }
    }
    select_exact(parties, best + used, at_cut, wanted - used, how);
    return wanted;
}

/** Would one of the selected gain, or lose, a second seat before the last of them gets to its first? Nearly. */
static bool has_seconds(const webster_party *parties, const uint32_t *heap, size_t used, order how)
{
    double edge = parties[heap[0]].key;
    for (size_t i = 1; i < used; i++) {
        edge = parties[heap[i]].key < edge ? parties[heap[i]].key : edge;
    }
    edge = how == ORDER_GIVE ? edge : -edge;
    for (size_t i = 0; i < used; i++) {
        const webster_party *p = &parties[heap[i]];
        double twice = 2.0 * (double)p->seats;
        if (how == ORDER_GIVE ? (double)p->votes > edge * (twice + 3.0)
                              : p->seats > 1 && (double)p->votes < edge * (twice - 3.0)) {
            return true;
        }
    }
    return false;
}

/** From the selected parties, by their order, until the sum is right or none has a seat left. @return seats given */
static int64_t repair_in_order(webster_party *parties, int64_t given, int32_t seats, uint32_t *heap, size_t used,
                               order how)
{
    for (size_t at = used / 2; at-- > 0;) {
        sift_down(parties, heap, used, at, how);
    }
    for (; given < seats; given++) {
        parties[heap[0]].seats++;
        sift_down(parties, heap, used, 0, ORDER_GIVE);
    }
    for (; given > seats && used > 0; given--) {
        webster_party *loser = &parties[heap[0]];
        loser->seats--;
        if (loser->seats == 0) {
            heap[0] = heap[--used];
        }
        sift_down(parties, heap, used, 0, ORDER_TAKE);
    }
    return given;
}

/** Gives or takes until the sum is right, among the parties near the margin. */
static void repair(webster_party *parties, size_t count, int64_t given, int32_t seats, uint32_t *heap)
{
    while (given != seats) { /* once; when taking runs out of the parties at hand, once more */
        order how = given < seats ? ORDER_GIVE : ORDER_TAKE;
        size_t wanted = (size_t)(given < seats ? seats - given : given - seats);
        double low;
        double high;
        size_t eligible = key_all(parties, count, how, &low, &high);
        size_t most = wanted < eligible ? wanted : eligible; /* nobody else can gain, or lose, one of these seats */
        size_t used = most <= 2 * NEAR_ROUND ? select_few(parties, count, most, heap, how)
                                             : select_many(parties, count, most, low, high, heap, how);
        if (used == wanted && !has_seconds(parties, heap, used, how)) {
            for (size_t i = 0; i < used; i++) {
                parties[heap[i]].seats += how == ORDER_GIVE ? 1 : -1;
            }
            return;
        }
        given = repair_in_order(parties, given, seats, heap, used, how);
    }
}

/* --- and exactly --- */

/**
 * The party whose next seat is worth most and the one whose last seat is worth least, exactly. Those that are clearly
 * on their side of `margin` are passed over: among the others are both, unless every party is clear.
 */
static void at_the_margin(const webster_party *parties, size_t count, double margin, size_t *next, size_t *last)
{
    double below = margin * (1.0 - BAND);
    double above = margin * (1.0 + BAND);
    *next = *last = count;
    for (size_t i = 0; i < count; i++) {
        const webster_party *p = &parties[i];
        double votes = (double)p->votes;
        double twice = 2.0 * (double)p->seats;
        if (votes >= below * (twice + 1.0) && p->votes > 0 &&
            (*next == count || seat_before(p, p->seats, &parties[*next], parties[*next].seats))) {
            *next = i;
        }
        if (votes <= above * (twice - 1.0) && p->seats > 0 &&
            (*last == count || seat_before(&parties[*last], parties[*last].seats - 1, p, p->seats - 1))) {
            *last = i;
        }
    }
}

/** What the least of the seats given is worth, nearly. */
static double margin_of(const webster_party *parties, size_t count)
{
    double least = (double)INT64_MAX;
    for (size_t i = 0; i < count; i++) {
        double seats = 2.0 * (double)parties[i].seats - 1.0;
        if (parties[i].seats > 0 && (double)parties[i].votes < least * seats) {
            least = (double)parties[i].votes / seats;
        }
    }
    return least;
}

/**
 * Seats change hands while one that was not given is worth more than one that was. When none does, the division is the
 * seat-by-seat one: its seats are the first ones of a total order, and so are these. Whatever binary64 did before, this
 * decides.
 */
static void settle(webster_party *parties, size_t count)
{
    for (;;) {
        size_t next;
        size_t last;
        at_the_margin(parties, count, margin_of(parties, count), &next, &last);
        if (next == count || last == count || next == last ||
            !seat_before(&parties[next], parties[next].seats, &parties[last], parties[last].seats - 1)) {
            return;
        }
        parties[next].seats++;
        parties[last].seats--;
    }
}

int32_t webster_divide(webster_party *parties, size_t count, int32_t seats, uint32_t *heap)
{
    assert(seats >= 0);
    double total = 0.0;
    for (size_t i = 0; i < count; i++) {
        assert(parties[i].votes >= 0 && parties[i].votes <= (INT64_C(1) << 62));
        parties[i].seats = 0;
        total += (double)parties[i].votes;
    }
    if (total == 0.0 || seats == 0) {
        return 0;
    }
    repair(parties, count, round_near(parties, count, seats, total), seats, heap);
    settle(parties, count);
    return seats;
}

/** Where no cap binds, the division is the one without caps. @return does none? */
static bool divide_within(webster_party *parties, const int64_t *caps, size_t count, int32_t seats, uint32_t *heap)
{
    (void)webster_divide(parties, count, seats, heap);
    bool within = true;
    for (size_t i = 0; i < count; i++) {
        within = within && parties[i].seats <= caps[i];
    }
    return within;
}

int32_t webster_divide_capped(webster_party *parties, const int64_t *caps, size_t count, int32_t seats, uint32_t *heap)
{
    int64_t room = 0;
    for (size_t i = 0; i < count; i++) {
        room += parties[i].votes > 0 ? caps[i] : 0;
    }
    if (room <= seats) { /* all are full */
        for (size_t i = 0; i < count; i++) {
            parties[i].seats = parties[i].votes > 0 ? (int32_t)caps[i] : 0;
        }
        return (int32_t)room;
    }
    if (divide_within(parties, caps, count, seats, heap)) {
        return seats;
    }
    /* seat by seat among those with room: full parties simply leave the heap */
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        parties[i].seats = 0;
        if (parties[i].votes > 0 && caps[i] > 0) {
            heap[used++] = (uint32_t)i;
        }
    }
    for (size_t at = used / 2; at-- > 0;) {
        sift_down(parties, heap, used, at, ORDER_GIVE);
    }
    for (int32_t given = 0; given < seats; given++) {
        uint32_t winner = heap[0];
        parties[winner].seats++;
        if (parties[winner].seats >= caps[winner]) {
            heap[0] = heap[--used];
        }
        sift_down(parties, heap, used, 0, ORDER_GIVE);
    }
    return seats;
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
