/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_memory.c - the runs of seats of sched/core/memory.h against a plain table of (workload, cluster): random entries
 * and prunings in a table so small that runs grow, move and are moved together many times.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/memory.h"
#include "tests/support/choice.h"

enum { WORKS = 7, CLUSTERS = 12, SEATS = 30, STEPS = 20000 };

/** What the table should hold: when each pair was seen last, MEMORY_NEVER = there is no such entry. */
typedef struct model {
    spw_time seen[WORKS][CLUSTERS];
    size_t count;
} model;

typedef struct table {
    memory m;
    memory_work works[WORKS];
    memory_seat seats[SEATS * MEMORY_SPACE];
    uint64_t seat_keys[SEATS * MEMORY_SPACE];
    uint32_t runs[WORKS], by_key[WORKS];
} table;

static uint64_t cluster_key(uint32_t c)
{
    return (uint64_t)(c * 7 % CLUSTERS) * 1000 + 5; /* not in the order of their numbers */
}

static void start(table *t, model *truth)
{
    memset(t, 0, sizeof *t);
    t->m = (memory){.works = t->works,
                    .work_count = WORKS,
                    .work_by_key = t->by_key,
                    .seats = t->seats,
                    .seat_keys = t->seat_keys,
                    .seat_max = SEATS,
                    .runs = t->runs};
    truth->count = 0;
    for (uint32_t w = 0; w < WORKS; w++) {
        t->works[w].key = 100 - w;
        t->by_key[w] = WORKS - 1 - w;
        for (uint32_t c = 0; c < CLUSTERS; c++) {
            truth->seen[w][c] = MEMORY_NEVER;
        }
    }
}

static void compare(const table *t, const model *truth)
{
    size_t sum = 0;
    for (uint32_t w = 0; w < WORKS; w++) {
        size_t count = 0;
        const memory_seat *seats = memory_seats_of(&t->m, w, &count);
        sum += count;
        for (size_t i = 1; i < count; i++) {
            assert_true(seats[i - 1].cluster < seats[i].cluster);
        }
        for (uint32_t c = 0; c < CLUSTERS; c++) {
            const memory_seat *seat = memory_seat_find(&t->m, w, cluster_key(c));
            assert_int_equal(seat != NULL, truth->seen[w][c] != MEMORY_NEVER);
            if (seat != NULL) {
                assert_int_equal(seat->seen, truth->seen[w][c]);
                assert_int_equal(seat->promised, (int32_t)(w * CLUSTERS + c));
            }
        }
    }
    assert_int_equal(sum, truth->count);
    assert_int_equal(t->m.seat_count, truth->count);
}

static void enter(table *t, model *truth, uint32_t w, uint32_t c, spw_time now)
{
    bool is_new = truth->seen[w][c] == MEMORY_NEVER;
    memory_seat *seat = memory_seat_get(&t->m, w, cluster_key(c));
    if (is_new && truth->count == SEATS) {
        assert_null(seat);
        return;
    }
    assert_non_null(seat);
    assert_int_equal(seat->promised, is_new ? -1 : (int32_t)(w * CLUSTERS + c));
    seat->promised = (int32_t)(w * CLUSTERS + c);
    seat->seen = now;
    truth->seen[w][c] = now;
    truth->count += is_new ? 1 : 0;
}

static void prune(table *t, model *truth, spw_time now)
{
    for (uint32_t w = 0; w < WORKS; w++) {
        memory_prune(&t->m, w, now);
        for (uint32_t c = 0; c < CLUSTERS; c++) {
            if (truth->seen[w][c] != MEMORY_NEVER && now - truth->seen[w][c] > MEMORY_KEEP) {
                truth->seen[w][c] = MEMORY_NEVER;
                truth->count--;
            }
        }
    }
}

static void test_runs_against_a_plain_table(void **state)
{
    (void)state;
    static table t;
    static model truth;
    choice c;
    choice_seed(&c, 5);
    start(&t, &truth);
    spw_time now = 0;
    bool was_full = false;
    for (int k = 0; k < STEPS; k++) {
        now += choice_range(&c, 1, 300) * SPW_NS_PER_S; /* an entry lives for 24 steps or so */
        uint32_t w = (uint32_t)choice_range(&c, 0, WORKS - 1);
        enter(&t, &truth, w, (uint32_t)choice_range(&c, 0, CLUSTERS - 1), now);
        while (choice_range(&c, 0, 2) == 0) { /* bursts, so that it fills up */
            enter(&t, &truth, w, (uint32_t)choice_range(&c, 0, CLUSTERS - 1), now);
        }
        was_full = was_full || truth.count == SEATS;
        if (choice_range(&c, 0, 3) == 0) {
            prune(&t, &truth, now);
        }
        compare(&t, &truth);
    }
    assert_true(was_full);
}

/** One workload has everything: its run has to find room for one more until the table is full. */
static void test_one_run_takes_all(void **state)
{
    (void)state;
    static table t;
    static model truth;
    start(&t, &truth);
    for (uint32_t k = 0; k < SEATS; k++) {
        assert_non_null(memory_seat_get(&t.m, 3, SEATS - k));
    }
    assert_null(memory_seat_get(&t.m, 0, 1));
    assert_null(memory_seat_get(&t.m, 3, SEATS + 1));
    size_t count = 0;
    const memory_seat *seats = memory_seats_of(&t.m, 3, &count);
    assert_int_equal(count, SEATS);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(seats[i].cluster, i + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs_against_a_plain_table),
        cmocka_unit_test(test_one_run_takes_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
