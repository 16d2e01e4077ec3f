/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_estimate.c - how many replicas a summary and grades of nodes hold: examples worked by hand, the edge cases of
 * Karmada's general estimator, and what is left after taking; then in a cluster together with GPUs.
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

#define GIB (INT64_C(1) << 30)

static const spw_workload PLAIN = {.gpus = 0};
static const spw_workload ASKS = {.gpus = 0, .cpu_milli = 1500, .memory_bytes = 4 * GIB};

typedef struct summary {
    int64_t pods, pods_used, pods_waiting, cpu, cpu_used, cpu_waiting, memory, memory_used, memory_waiting;
} summary;

static estimate_left left_of(const summary *s)
{
    spw_cluster_rows t = {.count = 1,
                          .cpu_allocatable = &s->cpu,
                          .cpu_allocated = &s->cpu_used,
                          .cpu_allocating = &s->cpu_waiting,
                          .memory_allocatable = &s->memory,
                          .memory_allocated = &s->memory_used,
                          .memory_allocating = &s->memory_waiting,
                          .pods_allocatable = &s->pods,
                          .pods_allocated = &s->pods_used,
                          .pods_allocating = &s->pods_waiting};
    return estimate_of_summary(&t, 0);
}

static void expect(const summary *s, const spw_workload *w, int32_t n, estimate_by by)
{
    estimate_left e = left_of(s);
    estimate_by bound = ESTIMATE_GPUS;
    assert_int_equal(estimate_count(&e, NULL, w, &bound), n);
    assert_string_equal(estimate_name(bound), estimate_name(by));
}

static void least_of_the_summary(void **state)
{
    (void)state;
    /* pods 110 - 20 - 5 = 85; CPU (32000 - 8000 - 1000) / 1500 = 15.3; memory (100 - 10 - 2) / 4 = 22 */
    summary s = {110, 20, 5, 32000, 8000, 1000, 100 * GIB, 10 * GIB, 2 * GIB};
    expect(&s, &ASKS, 15, ESTIMATE_CPU);
    s.memory_used = 60 * GIB; /* (100 - 60 - 2) / 4 = 9.5 */
    expect(&s, &ASKS, 9, ESTIMATE_MEMORY);
    s.pods_used = 102; /* 110 - 102 - 5 */
    expect(&s, &ASKS, 3, ESTIMATE_PODS);
    s.cpu_used = 40000; /* more than there is: nothing, not less */
    expect(&s, &ASKS, 0, ESTIMATE_CPU);
}

static void edge_cases(void **state)
{
    (void)state;
    const summary all = {110, 20, 5, 32000, 0, 0, 100 * GIB, 0, 0};
    expect(&all, &PLAIN, 85, ESTIMATE_PODS); /* nothing requested: pods */
    const summary none = {-1, 0, 0, -1, 0, 0, -1, 0, 0};
    expect(&none, &PLAIN, 0, ESTIMATE_PODS); /* no summary */
    expect(&none, &ASKS, 0, ESTIMATE_PODS);
    summary lacks = all;
    lacks.memory = -1; /* requested and not listed */
    expect(&lacks, &ASKS, 0, ESTIMATE_MEMORY);
    expect(&lacks, &PLAIN, 85, ESTIMATE_PODS);
    const spw_workload half = {.cpu_milli = 500};
    const summary milli = {110, 0, 0, 1499, 0, 0, 0, 0, 0};
    expect(&milli, &half, 2, ESTIMATE_CPU); /* in milli-units: 2.998 */
    spw_cluster_rows t = {.count = 1};
    estimate_left e = estimate_of_summary(&t, 0);
    estimate_by by = ESTIMATE_GPUS;
    assert_int_equal(estimate_count(&e, NULL, &ASKS, &by), SPW_REPLICAS_MAX); /* no columns: no limit */
    assert_int_equal(by, ESTIMATE_NONE);
}

/** Grades {4 CPU, 8 GiB} x 3 and {16 CPU, 64 GiB} x 2; a replica of 3 CPU, 8 GiB: 1 on a small node, 5 on a large. */
static void grades_show_fragments(void **state)
{
    (void)state;
    const spw_workload w = {.cpu_milli = 3000, .memory_bytes = 8 * GIB};
    estimate_grade grades[] = {{.nodes = 3, .cpu_milli = 4000, .memory_bytes = 8 * GIB},
                               {.nodes = 2, .cpu_milli = 16000, .memory_bytes = 64 * GIB}};
    const summary sums = {900, 0, 0, 44000, 0, 0, 152 * GIB, 0, 0}; /* sums alone: 44 / 3 = 14 */
    estimate_left e = left_of(&sums);
    estimate_by by = ESTIMATE_NONE;
    assert_int_equal(estimate_count(&e, grades, &w, &by), 14);
    assert_int_equal(by, ESTIMATE_CPU);
    e.grade_end = 2;
    assert_int_equal(estimate_count(&e, grades, &w, &by), 13); /* 3 x 1 + 2 x 5 */
    assert_int_equal(by, ESTIMATE_GRADES);
    const spw_workload large = {.cpu_milli = 17000};
    assert_int_equal(estimate_count(&e, grades, &large, &by), 0); /* 44 CPU, and no node with 17 */
    const spw_workload tiny = {.cpu_milli = 1};
    assert_int_equal(estimate_count(&e, grades, &tiny, &by), 550); /* 5 nodes x 110 pods; the summary has 900 */
    assert_int_equal(by, ESTIMATE_GRADES);
    estimate_take(&e, grades, &w, 5, false); /* three small nodes, then one large in part: it counts as used up */
    assert_int_equal(grades[0].nodes, 0);
    assert_int_equal(grades[1].nodes, 1);
    assert_int_equal(e.left[ESTIMATE_K_CPU], 29000);
    assert_int_equal(estimate_count(&e, grades, &w, NULL), 5);
}

/** Grades of CPU alone say nothing of a replica that asks for memory: the summary counts (3 GiB / 1 GiB = 3). */
static void grades_that_do_not_list_a_resource(void **state)
{
    (void)state;
    const spw_workload both = {.cpu_milli = 1000, .memory_bytes = GIB};
    const spw_workload cpu = {.cpu_milli = 1000};
    estimate_grade grades[] = {{.nodes = 1, .cpu_milli = 1000, .memory_bytes = -1}};
    const summary sums = {9, 0, 0, 90000, 0, 0, 3 * GIB, 0, 0};
    estimate_left e = left_of(&sums);
    e.grade_end = 1;
    e.no_memory_grade = true;
    estimate_by by = ESTIMATE_NONE;
    assert_int_equal(estimate_count(&e, grades, &both, &by), 3);
    assert_int_equal(by, ESTIMATE_MEMORY);
    estimate_take(&e, grades, &both, 2, false);
    assert_int_equal(grades[0].nodes, 1);
    assert_int_equal(estimate_count(&e, grades, &cpu, &by), 1);
    assert_int_equal(by, ESTIMATE_GRADES);
}

/** What is in use of something that is not listed does not make it unlimited. */
static void what_is_not_listed(void **state)
{
    (void)state;
    const int64_t used = 10;
    const spw_cluster_rows nothing = {.count = 1};
    const spw_cluster_rows taken = {.count = 1, .pods_allocated = &used};
    const spw_cluster_rows waiting = {.count = 1, .pods_allocating = &used};
    const spw_cluster_rows *const rows[] = {&nothing, &taken, &waiting};
    for (int i = 0; i < 3; i++) {
        const estimate_left e = estimate_of_summary(rows[i], 0);
        assert_int_equal(estimate_count(&e, NULL, &PLAIN, NULL), i == 0 ? SPW_REPLICAS_MAX : 0);
        assert_int_equal(estimate_is_unknown(&e), i == 0);
    }
}

/** What the cluster already counts for waiting pods is not taken twice. */
static void waiting_pods_are_counted_once(void **state)
{
    (void)state;
    const summary s = {110, 0, 2, 32000, 0, 3000, 100 * GIB, 0, 8 * GIB}; /* two of ASKS wait */
    estimate_left e = left_of(&s);
    estimate_take(&e, NULL, &ASKS, 2, true);
    assert_int_equal(e.left[ESTIMATE_K_CPU], 29000);
    assert_int_equal(e.left[ESTIMATE_K_PODS], 108);
    estimate_take(&e, NULL, &ASKS, 3, true); /* three more that it does not know yet */
    assert_int_equal(e.left[ESTIMATE_K_CPU], 24500);
    assert_int_equal(e.left[ESTIMATE_K_PODS], 105);
    assert_int_equal(e.left[ESTIMATE_K_MEMORY], 80 * GIB);
    estimate_take(&e, NULL, &ASKS, 1000, false);
    assert_int_equal(e.left[ESTIMATE_K_CPU], 0);
}

static void idle_room_is_the_least(void **state)
{
    (void)state;
    room_pool pool = {.node_gpus = 1, .gpu = "A", .idle = {[1] = 6}, .coming = {[1] = 4}, .fresh = 3};
    uint32_t first[] = {0, 1};
    const summary s = {110, 0, 0, 6000, 0, 0, 100 * GIB, 0, 0};
    estimate_left e = left_of(&s);
    room r = {.pools = &pool, .first = first, .limits = &e};
    const spw_workload w = {.gpus = 1, .cpu_milli = 1500};
    const spw_workload free_of_cpu = {.gpus = 1};
    estimate_by by = ESTIMATE_NONE;
    assert_int_equal(room_count_idle(&r, 0, &w, &by), 4);
    assert_int_equal(by, ESTIMATE_CPU);
    assert_int_equal(room_count_idle(&r, 0, &free_of_cpu, &by), 6);
    assert_int_equal(by, ESTIMATE_GPUS);
    assert_int_equal(room_count(&r, 0, &w, ROOM_COMING), 4); /* nodes that are not up are in no summary */
    assert_int_equal(room_take(&r, 0, &w, ROOM_IDLE, 9), 4);
    assert_int_equal(pool.idle[1], 2);
    assert_int_equal(room_count(&r, 0, &w, ROOM_IDLE), 0);
    assert_int_equal(room_take(&r, 0, &free_of_cpu, ROOM_IDLE, 9), 2);
    assert_int_equal(room_count(&r, 0, &PLAIN, ROOM_IDLE), 104); /* without GPUs: pods, 110 - 6 */
    assert_int_equal(room_hold(&r, 0, &PLAIN, 4, false), 4);
    assert_int_equal(room_hold(&r, 0, &PLAIN, 1000, false),
                     100); /* promised, not to be seen yet, and no room for all */
    assert_int_equal(room_count(&r, 0, &PLAIN, ROOM_IDLE), 0);
    assert_int_equal(room_hold(&r, 0, &PLAIN, 1000, true),
                     110); /* these the cluster knows: all its 110 places for pods */
    assert_int_equal(room_hold(&r, 0, &PLAIN, 1, true), 0);
}

/** One replica at a time onto single nodes, the first of the smallest grade that has room: an independent count. */
static void equals_first_fit(void **state)
{
    (void)state;
    choice c;
    choice_seed(&c, 5);
    for (int round = 0; round < 3000; round++) {
        estimate_grade grades[3];
        int64_t cpu[12], memory[12];
        int nodes = 0;
        for (int g = 0; g < 3; g++) {
            grades[g] = (estimate_grade){.nodes = (int32_t)choice_below(&c, 5),
                                         .cpu_milli = (int64_t)choice_below(&c, 20),
                                         .memory_bytes = (int64_t)choice_below(&c, 20)};
            for (int i = 0; i < grades[g].nodes; i++) {
                cpu[nodes] = grades[g].cpu_milli;
                memory[nodes++] = grades[g].memory_bytes;
            }
        }
        const spw_workload w = {.cpu_milli = (int64_t)choice_range(&c, 1, 7),
                                .memory_bytes = (int64_t)choice_below(&c, 7)};
        int32_t placed = 0;
        for (int i = 0; i < nodes;) {
            if (cpu[i] >= w.cpu_milli && memory[i] >= w.memory_bytes) {
                cpu[i] -= w.cpu_milli;
                memory[i] -= w.memory_bytes;
                placed++;
            } else {
                i++;
            }
        }
        estimate_left e = {.left = {ESTIMATE_NO_LIMIT, ESTIMATE_NO_LIMIT, ESTIMATE_NO_LIMIT}, .grade_end = 3};
        assert_int_equal(estimate_count(&e, grades, &w, NULL), placed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(least_of_the_summary),   cmocka_unit_test(edge_cases),
        cmocka_unit_test(grades_show_fragments),  cmocka_unit_test(grades_that_do_not_list_a_resource),
        cmocka_unit_test(what_is_not_listed),     cmocka_unit_test(waiting_pods_are_counted_once),
        cmocka_unit_test(idle_room_is_the_least), cmocka_unit_test(equals_first_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
