/* SPDX-License-Identifier: Apache-2.0 */
/* webster.c - see webster.h. Properties used: Balinski & Young, "Fair Representation", 1982. */
#include "place/webster.h"

__extension__ typedef unsigned __int128 u128;

/** Votes differ: quotients by cross-multiplication. */
static bool worth_more(const webster_party *a, int32_t a_seats, const webster_party *b, int32_t b_seats)
{
    u128 left = (u128)(uint64_t)a->votes * ((uint64_t)b_seats * 2u + 1u);
    u128 right = (u128)(uint64_t)b->votes * ((uint64_t)a_seats * 2u + 1u);
    if (left != right) {
        return left > right;
    }
    return a_seats != b_seats ? a_seats < b_seats : a->rank < b->rank;
}

/** Is the seat after `a_seats` of a worth more than the seat after `b_seats` of b? Total order. */
static inline bool seat_before(const webster_party *a, int32_t a_seats, const webster_party *b, int32_t b_seats)
{
    if (a->votes == b->votes) { /* common, and there is nothing to multiply */
        return a_seats != b_seats ? a_seats < b_seats : a->rank < b->rank;
    }
    return worth_more(a, a_seats, b, b_seats);
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

#define ROUNDS     3  /* of looking for a better factor */
#define FEW        4  /* parties for each seat, from which on rounding does not help */
#define NEAR_ROUND 16 /* a miss by so few seats is cheaper to repair than to look on */

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

#define BAND 1e-9 /* far above what binary64 can be wrong by, far below what keeps most parties apart */

/** May the party gain a seat, or lose one? */
static bool takes_part(const webster_party *p, order how)
{
    return p->votes > 0 && (how == ORDER_GIVE || p->seats > 0);
}

/** What the party's votes are divided by for its next seat, or for its last one; negative for the last one. */
static double divisor_of(const webster_party *p, order how)
{
    double twice = 2.0 * (double)p->seats;
    return how == ORDER_GIVE ? twice + 1.0 : 1.0 - twice;
}

/** Does a come before b? By their keys where these are clearly apart, else exactly. */
static bool sooner(const webster_party *parties, uint32_t a, uint32_t b, order how)
{
    double gap = parties[a].key - parties[b].key;
    double size = parties[b].key < 0.0 ? -parties[b].key : parties[b].key;
    return gap > BAND * size || (gap >= -BAND * size && goes_first(parties, a, b, how));
}

/**
 * The few parties that come first, by insertion. Most are told to be behind the last of them by a product. Keys: the
 * larger, the sooner a party is given a seat, or the sooner it loses one; here of those that were looked at twice.
 * @return how many there are
 */
static size_t select_few(webster_party *parties, size_t count, size_t wanted, uint32_t *best, order how)
{
    size_t used = 0;
    double edge = -INFINITY; /* no key below it comes into question */
    for (size_t i = 0; i < count; i++) {
        webster_party *p = &parties[i];
        double divisor = divisor_of(p, how);
        double votes = (double)p->votes;
        bool behind = how == ORDER_GIVE ? votes < edge * divisor : votes > edge * divisor;
        if (behind || !takes_part(p, how)) {
            continue;
        }
        p->key = votes / divisor;
        if (used == wanted && !sooner(parties, (uint32_t)i, best[used - 1], how)) {
            continue;
        }
        size_t at = used < wanted ? used++ : wanted - 1;
        for (; at > 0 && sooner(parties, (uint32_t)i, best[at - 1], how); at--) {
            best[at] = best[at - 1];
        }
        best[at] = (uint32_t)i;
        if (used == wanted) {
            double last = parties[best[used - 1]].key;
            edge = last - BAND * (last < 0.0 ? -last : last);
        }
    }
    return used;
}

/** Keys of all. @return how many take part; they are listed in `list`. low, high: the range of their keys */
static size_t key_all(webster_party *parties, size_t count, order how, uint32_t *list, double *low, double *high)
{
    size_t used = 0;
    double least = INFINITY;
    double most = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        webster_party *p = &parties[i];
        double votes = (double)p->votes;
        double key = p->seats == 0 ? votes : votes / divisor_of(p, how);
        p->key = key;
        if (takes_part(p, how)) {
            least = key < least ? key : least;
            most = key > most ? key : most;
            list[used++] = (uint32_t)i;
        }
    }
    *low = least;
    *high = most;
    return used;
}

/** Are those listed alike but for their ranks, and listed by rank? @return 1: smallest first; -1: largest first; 0: no
 */
static int run_by_rank(const webster_party *parties, const uint32_t *list, size_t count)
{
    const webster_party *first = &parties[list[0]];
    bool up = true;
    bool down = true;
    for (size_t i = 1; i < count && (up || down); i++) {
        const webster_party *p = &parties[list[i]];
        bool alike = p->votes == first->votes && p->seats == first->seats;
        bool after = p->rank > parties[list[i - 1]].rank;
        up = up && alike && after;
        down = down && alike && !after;
    }
    return up ? 1 : (down ? -1 : 0);
}

/** The first `wanted` of `count` parties in `heap` to its front, by exact order. */
static void select_exact(const webster_party *parties, uint32_t *heap, size_t count, size_t wanted, order how)
{
    if (wanted == 0 || wanted >= count) {
        return;
    }
    int run = run_by_rank(parties, heap, count);
    if (run != 0) { /* the smallest rank gains first, and loses last */
        if ((run > 0) != (how == ORDER_GIVE)) {
            memmove(heap, heap + count - wanted, wanted * sizeof *heap);
        }
        return;
    }
    size_t left = count;
    for (size_t at = left / 2; at-- > 0;) {
        sift_down(parties, heap, left, at, how);
    }
    for (size_t k = 0; k < wanted; k++) {
        uint32_t first = heap[0];
        heap[0] = heap[--left];
        heap[left] = first;
        sift_down(parties, heap, left, 0, how);
    }
    memmove(heap, heap + left, wanted * sizeof *heap);
}

#define SHELVES 256 /* of equal width, on which keys are sorted out */
#define PILE    16  /* so many on one shelf are not worth sorting out again */

static void range_of(const webster_party *parties, const uint32_t *list, size_t count, double *low, double *high)
{
    *low = INFINITY;
    *high = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        double key = parties[list[i]].key;
        *low = key < *low ? key : *low;
        *high = key > *high ? key : *high;
    }
}

/**
 * The first `wanted` of the listed parties to the front of the list: those on the first shelves, and of the shelf on
 * which the last of them is, the first ones by sorting that one out again, at last exactly. low, high: the range of
 * their keys.
 */
static void select_many(const webster_party *parties, uint32_t *list, size_t count, size_t wanted, double low,
                        double high, order how)
{
    while (wanted > 0 && count > wanted && count > PILE && high > low) {
        uint32_t shelves[SHELVES] = {0};
        double per_key = (double)(SHELVES - 1) / (high - low);
        if (!isfinite(per_key)) {
            break;
        }
        for (size_t i = 0; i < count; i++) {
            shelves[(size_t)((high - parties[list[i]].key) * per_key)]++;
        }
        size_t cut = 0;
        size_t before = 0;
        while (before + shelves[cut] < wanted) {
            before += shelves[cut++];
        }
        size_t sure = 0;
        size_t end = 0; /* those before go to the front, those at the cut behind them, the others are left */
        for (size_t i = 0; i < count; i++) {
            size_t shelf = (size_t)((high - parties[list[i]].key) * per_key);
            uint32_t own = list[i];
            if (shelf < cut) {
                list[end++] = list[sure];
                list[sure++] = own;
            } else if (shelf == cut) {
                list[end++] = own;
            }
        }
        list += before;
        wanted -= before;
        count = shelves[cut];
        range_of(parties, list, count, &low, &high);
    }
    select_exact(parties, list, count, wanted, how);
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
        size_t used = wanted <= NEAR_ROUND ? select_few(parties, count, wanted, heap, how) : 0;
        if (wanted > NEAR_ROUND) {
            double low;
            double high;
            size_t eligible = key_all(parties, count, how, heap, &low, &high);
            used = wanted < eligible ? wanted : eligible; /* nobody else can gain, or lose, one of these seats */
            select_many(parties, heap, eligible, used, low, high, how);
        }
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
 * on their side of `worth` are passed over: among the others are both, unless every party is clear.
 */
static void at_the_margin(const webster_party *parties, size_t count, double worth, size_t *next, size_t *last)
{
    double below = worth * (1.0 - BAND);
    double above = worth * (1.0 + BAND);
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

/** Votes and divisors of the most that a seat not given is worth, and of the least that a given one is. */
typedef struct margin {
    double most, most_by;
    double least, least_by;
} margin;

/** A rare step of is_clear(), kept out of its loop, which has nothing to wait for otherwise. */
static __attribute__((noinline)) void note_margin(margin *m, double votes, double twice)
{
    if (votes * m->most_by > m->most * (twice + 1.0)) {
        m->most = votes;
        m->most_by = twice + 1.0;
    }
    if (twice > 0.0 && votes * m->least_by < m->least * (twice - 1.0)) {
        m->least = votes;
        m->least_by = twice - 1.0;
    }
}

/**
 * Is every seat that was given worth more than any that was not, beyond what binary64 can be wrong by? Quotients are
 * compared as products.
 * @param out worth  what the least of the seats given is worth, nearly
 */
static bool is_clear(const webster_party *parties, size_t count, double *worth)
{
    margin m = {0.0, 1.0, (double)INT64_MAX, 1.0};
    for (size_t i = 0; i < count; i++) {
        double votes = (double)parties[i].votes;
        double twice = 2.0 * (double)parties[i].seats;
        int more = votes * m.most_by > m.most * (twice + 1.0);
        int less = votes * m.least_by < m.least * (twice - 1.0); /* never where no seat was given */
        if ((more | less) != 0) {
            note_margin(&m, votes, twice);
        }
    }
    *worth = m.least / m.least_by;
    return m.most / m.most_by < *worth * (1.0 - BAND);
}

/**
 * Seats change hands while one that was not given is worth more than one that was. When none does, the division is the
 * seat-by-seat one: its seats are the first ones of a total order, and so are these. Whatever binary64 did before, this
 * decides.
 */
static void settle(webster_party *parties, size_t count)
{
    double worth = 0.0;
    while (!is_clear(parties, count, &worth)) {
        size_t next;
        size_t last;
        at_the_margin(parties, count, worth, &next, &last);
        if (next == count || last == count || next == last ||
            !seat_before(&parties[next], parties[next].seats, &parties[last], parties[last].seats - 1)) {
            return;
        }
        parties[next].seats++;
        parties[last].seats--;
    }
}

/** Nobody has a seat yet. @return all votes */
static double begin(webster_party *parties, size_t count)
{
    u128 sum = 0;
    for (size_t i = 0; i < count; i++) {
        assert((uint64_t)parties[i].votes <= UINT64_C(1) << 62);
        parties[i].seats = 0;
        sum += (uint64_t)parties[i].votes;
    }
    return (double)(uint64_t)(sum >> 64) * 0x1p64 + (double)(uint64_t)sum;
}

int32_t webster_divide(webster_party *parties, size_t count, int32_t seats, uint32_t *heap)
{
    assert(seats >= 0);
    double total = begin(parties, count);
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
