/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_evq.c - the event queue: order, ties, slots, growth; every expectation is worked by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/kernel/evq.h"

#include <stdlib.h>

/* Takes the earliest event out. */
static uint32_t pop(evq *q, int64_t *time_ns)
{
    uint32_t slot = evq_peek(q, time_ns);

    if (slot != EVQ_NONE) {
        evq_clear(q, slot);
    }
    return slot;
}

static void expect_pop(evq *q, uint32_t slot, int64_t time_ns)
{
    int64_t got_ns = -1;

    assert_int_equal(pop(q, &got_ns), slot);
    assert_int_equal(got_ns, time_ns);
}

static void test_empty(void **state)
{
    (void)state;
    evq *q = evq_new(0);
    int64_t t = 0;

    assert_non_null(q);
    assert_int_equal(evq_peek(q, &t), EVQ_NONE);
    assert_int_equal(t, EVQ_NEVER);
    uint32_t a = evq_slot_add(q);

    assert_int_equal(evq_time(q, a), EVQ_NEVER);
    assert_int_equal(evq_peek(q, &t), EVQ_NONE);
    evq_clear(q, a); /* nothing pending: allowed */
    assert_int_equal(evq_count_set(q), 0);
    evq_free(q);
    evq_free(NULL);
}

static void test_times_order(void **state)
{
    (void)state;
    static const int64_t time_ns[] = {50, 0, INT64_MAX - 1, 7, 1000000000000, 49, 51};
    static const uint32_t order[] = {1, 3, 5, 0, 6, 4, 2};
    evq *q = evq_new(7);

    for (uint32_t i = 0; i < 7; i++) {
        assert_int_equal(evq_slot_add(q), i);
        evq_set(q, i, time_ns[i], EVQ_ENGINE);
        assert_int_equal(evq_time(q, i), time_ns[i]);
    }
    for (uint32_t i = 0; i < 7; i++) {
        expect_pop(q, order[i], time_ns[order[i]]);
    }
    expect_pop(q, EVQ_NONE, EVQ_NEVER);
    evq_free(q);
}

/* Equal times: class first, then the order of the set calls, whatever the slot numbers. */
static void test_ties(void **state)
{
    (void)state;
    evq *q = evq_new(8);

    for (uint32_t i = 0; i < 6; i++) {
        evq_slot_add(q);
    }
    evq_set(q, 5, 100, EVQ_TICK);
    evq_set(q, 0, 100, EVQ_END);
    evq_set(q, 4, 100, EVQ_ARRIVAL);
    evq_set(q, 1, 100, EVQ_ARRIVAL);
    evq_set(q, 3, 100, EVQ_ENGINE);
    evq_set(q, 2, 99, EVQ_END);
    evq_set(q, 4, 100, EVQ_ARRIVAL); /* set again: now behind slot 1 */
    expect_pop(q, 2, 99);
    expect_pop(q, 3, 100);
    expect_pop(q, 1, 100);
    expect_pop(q, 4, 100);
    expect_pop(q, 5, 100);
    expect_pop(q, 0, 100);
    assert_int_equal(evq_count_set(q), 7);
    evq_free(q);
}

static void test_move_and_clear(void **state)
{
    (void)state;
    evq *q = evq_new(4);
    uint32_t a = evq_slot_add(q);
    uint32_t b = evq_slot_add(q);
    uint32_t c = evq_slot_add(q);
    int64_t t;

    evq_set(q, a, 10, EVQ_ENGINE);
    evq_set(q, b, 20, EVQ_ENGINE);
    evq_set(q, c, 30, EVQ_ENGINE);
    evq_set(q, a, 40, EVQ_ENGINE); /* the winner moves back */
    assert_int_equal(evq_peek(q, &t), b);
    evq_set(q, c, 5, EVQ_ENGINE); /* a loser moves to the front */
    assert_int_equal(evq_peek(q, &t), c);
    evq_set(q, c, EVQ_NEVER, EVQ_ENGINE);
    assert_int_equal(evq_time(q, c), EVQ_NEVER);
    evq_clear(q, b);
    expect_pop(q, a, 40);
    expect_pop(q, EVQ_NONE, EVQ_NEVER);
    assert_int_equal(evq_count_set(q), 5); /* NEVER is a clear, not a set */
    evq_free(q);
}

static void test_slot_reuse(void **state)
{
    (void)state;
    evq *q = evq_new(2);
    uint32_t a = evq_slot_add(q);
    uint32_t b = evq_slot_add(q);
    int64_t t;

    evq_set(q, a, 1, EVQ_ENGINE);
    evq_set(q, b, 2, EVQ_ENGINE);
    evq_slot_remove(q, a);
    assert_int_equal(evq_peek(q, &t), b);
    assert_int_equal(evq_slot_add(q), a);
    assert_int_equal(evq_time(q, a), EVQ_NEVER);
    assert_int_equal(evq_slot_add(q), 2);
    evq_slot_remove(q, b);
    evq_slot_remove(q, a);
    assert_int_equal(evq_slot_add(q), a); /* removed last, given out first */
    assert_int_equal(evq_slot_add(q), b);
    assert_int_equal(evq_slot_add(q), 3);
    assert_int_equal(evq_peek(q, &t), EVQ_NONE);
    evq_free(q);
}

/* Pending events, their ties and the free chain survive every doubling, up to more levels than are written out. */
static void test_growth(void **state)
{
    (void)state;
    enum { SLOTS = 10000 };
    evq *q = evq_new(1);

    for (uint32_t i = 0; i < SLOTS; i++) {
        assert_int_equal(evq_slot_add(q), i);
        evq_set(q, i, (int64_t)(SLOTS - i) / 2, i % 2 ? EVQ_ENGINE : EVQ_TICK);
    }
    /* (10000 - i) / 2 is 5000 for slot 0, 4999 for slots 1 and 2, ..., 0 for slot 9999; within a pair the odd slot has
     * the smaller class. */
    expect_pop(q, 9999, 0);
    for (uint32_t i = 9997; i < SLOTS; i -= 2) {
        expect_pop(q, i, (SLOTS - i) / 2);
        expect_pop(q, i + 1, (SLOTS - i) / 2);
    }
    expect_pop(q, 0, 5000);
    expect_pop(q, EVQ_NONE, EVQ_NEVER);
    evq_free(q);
}

/* Sixteen busy slots, numbered apart; between them and the others the same order holds. */
static void test_busy(void **state)
{
    (void)state;
    evq *q = evq_new(1);

    assert_int_equal(evq_slot_add(q), 0);
    for (uint32_t i = 0; i < 16; i++) {
        assert_int_equal(evq_slot_add_busy(q), EVQ_BUSY + i);
    }
    assert_int_equal(evq_slot_add_busy(q), 1); /* no more of them: an ordinary one */
    evq_slot_remove(q, EVQ_BUSY + 3);
    assert_int_equal(evq_slot_add_busy(q), EVQ_BUSY + 3);
    evq_set(q, EVQ_BUSY + 15, 7, EVQ_ARRIVAL);
    evq_set(q, 1, 7, EVQ_ARRIVAL); /* set later, same class */
    evq_set(q, 0, 7, EVQ_ENGINE);
    evq_set(q, EVQ_BUSY, 8, EVQ_ENGINE);
    assert_int_equal(evq_time(q, EVQ_BUSY), 8);
    expect_pop(q, 0, 7);
    expect_pop(q, EVQ_BUSY + 15, 7);
    expect_pop(q, 1, 7);
    expect_pop(q, EVQ_BUSY, 8);
    expect_pop(q, EVQ_NONE, EVQ_NEVER);
    assert_int_equal(evq_count_set(q), 4);
    evq_free(q);
}

/* 8 slots: groups of 2 at depth 2, of 4 at depth 1; the whole at depth 0. */
static void test_ahead(void **state)
{
    (void)state;
    evq *q = evq_new(8);

    for (uint32_t i = 0; i < 8; i++) {
        assert_int_equal(evq_slot_add(q), i);
    }
    assert_int_equal(evq_ahead(q, 3, 1), EVQ_NONE);
    evq_set(q, 0, 50, EVQ_ENGINE);
    evq_set(q, 2, 40, EVQ_ENGINE);
    evq_set(q, 3, 30, EVQ_ENGINE);
    evq_set(q, 6, 20, EVQ_ENGINE);
    assert_int_equal(evq_ahead(q, 1, 2), 0);
    assert_int_equal(evq_ahead(q, 2, 2), 3);
    assert_int_equal(evq_ahead(q, 4, 2), EVQ_NONE);
    assert_int_equal(evq_ahead(q, 0, 1), 3);
    assert_int_equal(evq_ahead(q, 4, 1), 6);
    assert_int_equal(evq_ahead(q, 0, 0), 6);
    assert_int_equal(evq_ahead(q, 0, 3), EVQ_NONE);        /* no such groups */
    assert_int_equal(evq_ahead(q, EVQ_BUSY, 1), EVQ_NONE); /* not an ordinary slot */
    evq_free(q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),          cmocka_unit_test(test_times_order), cmocka_unit_test(test_ties),
        cmocka_unit_test(test_move_and_clear), cmocka_unit_test(test_slot_reuse),  cmocka_unit_test(test_growth),
        cmocka_unit_test(test_busy),           cmocka_unit_test(test_ahead),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
