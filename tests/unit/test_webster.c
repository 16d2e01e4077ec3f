/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_webster.c - the apportionment against a separately written one: seat by seat, rationals compared by long
 * division instead of cross-multiplication, over random instances; and examples worked by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "place/webster.h"
#include "tests/support/choice.h"

#define PARTIES 12

/** Sign of a/b - c/d for a, c >= 0 and b, d >= 1: continued fractions, as Euclid would. Nothing can overflow. */
static int compare(int64_t a, int64_t b, int64_t c, int64_t d)
{
    int sign = 1;
    for (;;) {
        int64_t whole_a = a / b;
        int64_t whole_c = c / d;
        if (whole_a != whole_c) {
            return whole_a < whole_c ? -sign : sign;
        }
        a %= b;
        c %= d;
        if (a == 0 || c == 0) {
            return a == c ? 0 : (a == 0 ? -sign : sign);
        }
        int64_t swap = a; /* a/b ? c/d is the opposite of b/a ? d/c */
        a = b;
        b = swap;
        swap = c;
        c = d;
        d = swap;
        sign = -sign;
    }
}

/** Does the next seat go to a rather than b? */
static bool is_better(const webster_party *a, const webster_party *b)
{
    int more = compare(a->votes, 2 * a->seats + 1, b->votes, 2 * b->seats + 1);
    if (more != 0) {
        return more > 0;
    }
    return a->seats != b->seats ? a->seats < b->seats : a->rank < b->rank;
}

/** caps NULL = none. @return seats given */
static int32_t naive(webster_party *p, const int64_t *caps, size_t count, int32_t seats)
{
    for (size_t i = 0; i < count; i++) {
        p[i].seats = 0;
    }
    for (int32_t given = 0; given < seats; given++) {
        size_t best = count;
        for (size_t i = 0; i < count; i++) {
            if (p[i].votes == 0 || (caps != NULL && p[i].seats >= caps[i])) {
                continue;
            }
            best = best == count || is_better(&p[i], &p[best]) ? i : best;
        }
        if (best == count) {
            return given;
        }
        p[best].seats++;
    }
    return seats;
}

static int64_t draw_votes(choice *c, uint64_t kind)
{
    switch (kind) {
    case 0:
        return choice_range(c, 0, 4); /* ties and zeros abound */
    case 1:
        return choice_range(c, 0, 200);
    case 2:
        return choice_range(c, (INT64_C(1) << 62) - 3, INT64_C(1) << 62);
    case 3:
        return choice_range(c, 0, INT64_C(1) << 62);
    default:
        return INT64_C(1) << choice_below(c, 62);
    }
}

static size_t draw(choice *c, webster_party *p)
{
    size_t count = (size_t)choice_range(c, 1, PARTIES);
    uint64_t kind = choice_below(c, 5);
    bool backwards = choice_chance(c, 1, 2);
    for (size_t i = 0; i < count; i++) {
        int32_t rank = (int32_t)(backwards ? count - 1 - i : i);
        p[i] = (webster_party){.votes = draw_votes(c, kind), .rank = rank, .seats = 77};
    }
    return count;
}

static void equals_seat_by_seat(void **state)
{
    (void)state;
    choice c;
    choice_seed(&c, 1);
    for (int round = 0; round < 20000; round++) {
        webster_party fast[PARTIES], slow[PARTIES];
        uint32_t heap[PARTIES];
        size_t count = draw(&c, fast);
        memcpy(slow, fast, sizeof slow);
        int32_t seats = (int32_t)choice_range(&c, 0, round % 10 == 0 ? 400 : 40);
        assert_int_equal(webster_divide(fast, count, seats, heap), naive(slow, NULL, count, seats));
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(fast[i].seats, slow[i].seats);
        }
    }
}

/* Enough parties for every way of selecting those at the margin, with equal votes, near ties and giants among them. */
static void many_parties_equal_seat_by_seat(void **state)
{
    (void)state;
    choice c;
    choice_seed(&c, 7);
    static webster_party fast[150], slow[150];
    uint32_t heap[150];
    for (int round = 0; round < 600; round++) {
        size_t count = (size_t)choice_range(&c, 20, 150);
        uint64_t kind = choice_below(&c, 7);
        int64_t same = choice_range(&c, 1, 1000000);
        for (size_t i = 0; i < count; i++) {
            int64_t votes = kind == 5 ? same : kind == 6 ? choice_range(&c, 1, 4000) : draw_votes(&c, kind);
            votes = choice_below(&c, 40) == 0 ? choice_range(&c, 0, INT64_C(1) << 40) : votes;
            size_t mixed = i * 17 % 151; /* 151 is prime: another one for each */
            size_t rank = round % 3 == 0 ? i : round % 3 == 1 ? count - i : mixed;
            fast[i] = (webster_party){.votes = votes, .rank = (int32_t)rank};
            slow[i] = fast[i];
        }
        int32_t seats = (int32_t)choice_range(&c, 0, round % 5 == 0 ? 2000 : 200);
        assert_int_equal(webster_divide(fast, count, seats, heap), naive(slow, NULL, count, seats));
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(fast[i].seats, slow[i].seats);
        }
    }
}

static void capped_equals_seat_by_seat(void **state)
{
    (void)state;
    choice c;
    choice_seed(&c, 2);
    for (int round = 0; round < 20000; round++) {
        webster_party fast[PARTIES], slow[PARTIES];
        uint32_t heap[PARTIES];
        int64_t caps[PARTIES];
        size_t count = draw(&c, fast);
        memcpy(slow, fast, sizeof slow);
        for (size_t i = 0; i < count; i++) {
            caps[i] = choice_range(&c, 0, 9);
        }
        int32_t seats = (int32_t)choice_range(&c, 0, 60);
        assert_int_equal(webster_divide_capped(fast, caps, count, seats, heap), naive(slow, caps, count, seats));
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(fast[i].seats, slow[i].seats);
            assert_true(fast[i].seats <= caps[i]);
        }
    }
}

static void more_seats_take_none_away(void **state)
{
    (void)state;
    choice c;
    choice_seed(&c, 3);
    for (int round = 0; round < 500; round++) {
        webster_party p[PARTIES];
        uint32_t heap[PARTIES];
        int32_t before[PARTIES] = {0};
        size_t count = draw(&c, p);
        for (int32_t seats = 1; seats <= 40; seats++) {
            (void)webster_divide(p, count, seats, heap);
            for (size_t i = 0; i < count; i++) {
                assert_true(p[i].seats >= before[i]);
                before[i] = p[i].seats;
            }
        }
    }
}

/** Votes that are capacities: nobody gets more than it has. Votes that are seats: fewer seats raise nobody. */
static void capacities_hold(void **state)
{
    (void)state;
    choice c;
    choice_seed(&c, 4);
    for (int round = 0; round < 20000; round++) {
        webster_party p[PARTIES];
        uint32_t heap[PARTIES];
        size_t count = (size_t)choice_range(&c, 1, PARTIES);
        int64_t total = 0;
        for (size_t i = 0; i < count; i++) {
            p[i] = (webster_party){.votes = choice_range(&c, 0, round % 2 == 0 ? 8 : 5000), .rank = (int32_t)i};
            total += p[i].votes;
        }
        int32_t seats = (int32_t)choice_range(&c, 0, total);
        assert_int_equal(webster_divide(p, count, seats, heap), total == 0 ? 0 : seats);
        int64_t given = 0;
        for (size_t i = 0; i < count; i++) {
            assert_true(p[i].seats <= p[i].votes);
            given += p[i].seats;
        }
        assert_int_equal(given, total == 0 ? 0 : seats);
    }
}

typedef struct example {
    int64_t votes[4];
    size_t count;
    int32_t seats;
    int32_t expected[4];
} example;

static void by_hand(void **state)
{
    (void)state;
    static const example examples[] = {
        /* votes / 1, 3, 5, ...: 10 8 6 | 3.33 2.67 2 | 2 1.6 1.43 1.2 1.14 1.11: the twelve best */
        {{6, 8, 10}, 3, 12, {3, 4, 5}},
        {{8, 10}, 2, 12, {5, 7}},         /* 10's seventh is .769, 8's fifth .889, 8's sixth only .727 */
        {{53, 24, 23}, 3, 10, {6, 2, 2}}, /* 53's sixth is 4.82, 24's third 4.80 */
        {{1, 1, 1}, 3, 2, {1, 1, 0}},     /* a tie goes by rank */
        {{3, 1}, 2, 2, {1, 1}},           /* 3/3 = 1/1: a tie goes to fewer seats before rank */
        {{0, 0}, 2, 5, {0, 0}},
        {{0, 7}, 2, 5, {0, 5}},
        {{170, 110, 60}, 3, 5, {2, 2, 1}}, /* 170 110 60 56.7 36.7 */
    };
    for (size_t e = 0; e < sizeof examples / sizeof examples[0]; e++) {
        webster_party p[4] = {{0}};
        uint32_t heap[4];
        for (size_t i = 0; i < examples[e].count; i++) {
            p[i] = (webster_party){.votes = examples[e].votes[i], .rank = (int32_t)i};
        }
        (void)webster_divide(p, examples[e].count, examples[e].seats, heap);
        for (size_t i = 0; i < examples[e].count; i++) {
            assert_int_equal(p[i].seats, examples[e].expected[i]);
        }
    }
}

/** Equal votes and an odd seat: the smaller rank has it, whichever row that is. */
static void rank_breaks_ties(void **state)
{
    (void)state;
    uint32_t heap[3];
    webster_party p[3] = {{.votes = 9, .rank = 2}, {.votes = 9, .rank = 1}, {.votes = 9, .rank = 0}};
    (void)webster_divide(p, 3, 4, heap);
    assert_int_equal(p[0].seats, 1);
    assert_int_equal(p[1].seats, 1);
    assert_int_equal(p[2].seats, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_hand),
        cmocka_unit_test(rank_breaks_ties),
        cmocka_unit_test(equals_seat_by_seat),
        cmocka_unit_test(many_parties_equal_seat_by_seat),
        cmocka_unit_test(capped_equals_seat_by_seat),
        cmocka_unit_test(more_seats_take_none_away),
        cmocka_unit_test(capacities_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
