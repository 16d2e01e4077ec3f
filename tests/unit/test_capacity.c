/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_capacity.c - room on nodes: by hand, and against a list of single nodes that takes one replica at a time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "place/capacity.h"
#include "tests/support/choice.h"

static const char *const CLASS_A[] = {"A"};
static const spw_workload ONE = {.gpus = 1};
static const spw_workload TWO = {.gpus = 2};
static const spw_workload TWO_A = {.gpus = 2, .gpu_classes = CLASS_A, .gpu_class_count = 1};
static const spw_workload NONE = {.gpus = 0};

static void fragments_hold_nothing(void **state)
{
    (void)state;
    room_pool pool = {.node_gpus = 8, .gpu = "A", .idle = {[1] = 5}}; /* five nodes with one GPU free each */
    uint32_t first[] = {0, 1};
    room r = {.pools = &pool, .first = first};
    assert_int_equal(room_count(&r, 0, &ONE, ROOM_IDLE), 5);
    assert_int_equal(room_count(&r, 0, &TWO, ROOM_IDLE), 0);
    assert_int_equal(room_take(&r, 0, &TWO, ROOM_IDLE, 3), 0);
    pool.idle[3] = 1;
    assert_int_equal(room_count(&r, 0, &TWO, ROOM_IDLE), 1);
    pool.idle[8] = 2;
    assert_int_equal(room_count(&r, 0, &TWO, ROOM_IDLE), 9);
    assert_int_equal(room_take(&r, 0, &TWO, ROOM_IDLE, 2), 2); /* best fit: the 3, then one of the 8s */
    assert_int_equal(pool.idle[1], 6);
    assert_int_equal(pool.idle[8], 1);
    assert_int_equal(pool.idle[6], 1);
}

static void classes_and_size(void **state)
{
    (void)state;
    room_pool pools[] = {{.node_gpus = 2, .gpu = "B", .idle = {[2] = 1}},
                         {.node_gpus = 2, .gpu = "A", .idle = {[2] = 1}},
                         {.node_gpus = 1, .gpu = "A", .idle = {[1] = 9}, .fresh = 9}};
    uint32_t first[] = {0, 3};
    room r = {.pools = pools, .first = first};
    assert_int_equal(room_count(&r, 0, &TWO, ROOM_IDLE), 2);
    assert_int_equal(room_count(&r, 0, &TWO_A, ROOM_IDLE), 1);
    assert_int_equal(room_count(&r, 0, &TWO, ROOM_FRESH), 0); /* no node of one GPU ever holds two */
    assert_int_equal(room_take(&r, 0, &TWO_A, ROOM_IDLE, 5), 1);
    assert_int_equal(pools[0].idle[2], 1);
    assert_int_equal(pools[1].idle[2], 0);
    assert_int_equal(room_count(&r, 0, &NONE, ROOM_IDLE), SPW_REPLICAS_MAX);
    assert_int_equal(room_count(&r, 0, &NONE, ROOM_FRESH), 0);
    assert_int_equal(room_take(&r, 0, &NONE, ROOM_IDLE, 12), 12);
}

/** Five replicas of 2 GPUs on new 8-GPU nodes: two nodes; the room left on the second is coming, not fresh. */
static void orders_whole_nodes(void **state)
{
    (void)state;
    room_pool pool = {.node_gpus = 8, .gpu = "A", .fresh = 3};
    uint32_t first[] = {0, 1};
    room r = {.pools = &pool, .first = first};
    assert_int_equal(room_count(&r, 0, &TWO, ROOM_FRESH), 12);
    assert_int_equal(room_take(&r, 0, &TWO, ROOM_FRESH, 5), 5);
    assert_int_equal(pool.ordered, 2);
    assert_int_equal(pool.fresh, 1);
    assert_int_equal(room_count(&r, 0, &TWO, ROOM_COMING), 3);
    assert_int_equal(room_take(&r, 0, &TWO, ROOM_FRESH, 99), 4);
    assert_int_equal(pool.ordered, 3);
    assert_int_equal(room_take(&r, 0, &TWO, ROOM_FRESH, 1), 0);
}

static void pools_are_used_in_order(void **state)
{
    (void)state;
    room_pool pools[] = {{.node_gpus = 1, .gpu = "A", .idle = {[1] = 2}},
                         {.node_gpus = 1, .gpu = "A", .idle = {[1] = 2}},
                         {.node_gpus = 1, .gpu = "A", .idle = {[1] = 7}}};
    uint32_t first[] = {0, 2, 3};
    room r = {.pools = pools, .first = first};
    assert_int_equal(room_take(&r, 0, &ONE, ROOM_IDLE, 3), 3);
    assert_int_equal(pools[0].idle[1], 0);
    assert_int_equal(pools[1].idle[1], 1);
    assert_int_equal(room_take(&r, 0, &ONE, ROOM_IDLE, 3), 1);
    assert_int_equal(pools[2].idle[1], 7); /* another cluster's */
}

/** One replica at a time onto the fullest single node that has room. @return taken */
static int32_t plain_take(int32_t *nodes, int count, int32_t gpus, int32_t n)
{
    int32_t taken = 0;
    while (taken < n) {
        int best = -1;
        for (int i = 0; i < count; i++) {
            if (nodes[i] >= gpus && (best < 0 || nodes[i] < nodes[best])) {
                best = i;
            }
        }
        if (best < 0) {
            break;
        }
        nodes[best] -= gpus;
        taken++;
    }
    return taken;
}

static void equals_single_nodes(void **state)
{
    (void)state;
    choice c;
    choice_seed(&c, 11);
    for (int round = 0; round < 20000; round++) {
        int32_t nodes[12];
        int count = (int)choice_range(&c, 1, 12);
        room_pool pool = {.node_gpus = SPW_NODE_GPUS_MAX, .gpu = "A"};
        for (int i = 0; i < count; i++) {
            nodes[i] = (int32_t)choice_below(&c, SPW_NODE_GPUS_MAX + 1);
            pool.idle[nodes[i]]++;
        }
        uint32_t first[] = {0, 1};
        room r = {.pools = &pool, .first = first};
        for (int k = 0; k < 3; k++) {
            spw_workload w = {.gpus = (int32_t)choice_range(&c, 1, SPW_NODE_GPUS_MAX)};
            int32_t n = (int32_t)choice_below(&c, 20);
            int32_t room_before = room_count(&r, 0, &w, ROOM_IDLE);
            int32_t got = room_take(&r, 0, &w, ROOM_IDLE, n);
            assert_int_equal(got, n < room_before ? n : room_before);
            assert_int_equal(got, plain_take(nodes, count, w.gpus, n));
            int32_t left[SPW_NODE_GPUS_MAX + 1] = {0};
            for (int i = 0; i < count; i++) {
                left[nodes[i]]++;
            }
            assert_memory_equal(left, pool.idle, sizeof left);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fragments_hold_nothing), cmocka_unit_test(classes_and_size),
        cmocka_unit_test(orders_whole_nodes),     cmocka_unit_test(pools_are_used_in_order),
        cmocka_unit_test(equals_single_nodes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
