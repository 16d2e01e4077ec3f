/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_plan.c - the plan as data: its room, its text, its words, and the check that stands between a wrong plan and the
 * world. The canary: plans made by hand that oversubscribe must be refused, whatever the planner would have done.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/plan_internal.h"
#include "tests/support/toy.h"

#define NO    SPW_ID_NONE
#define NEVER UINT32_MAX

/**
 * idc (row 0): 8 owned nodes of 1 GPU, 5 of them taken: 3 of prod/chat, 2 of prod/code. ack (row 1): up to 3 nodes of
 * 2 GPUs, none up, one asked for.
 */
static void make(toy *t)
{
    static const char *const groups[] = {"idc", "ack"};
    toy_init(t);
    t->works = 2;
    t->work[1].gpus = 2;
    (void)toy_pool_add(t, toy_cluster(t, "idc"), "own", SPW_CAPACITY_OWNED, 8, 8);
    (void)toy_pool_add(t, toy_cluster(t, "ack"), "od", SPW_CAPACITY_ON_DEMAND, 0, 3);
    t->pool[1].gpus_per_node = 2;
    t->pool[1].target = 1;
    t->pool[0].used = 5;
    t->assigned[0][0] = t->scheduled[0][0] = 3;
    t->assigned[1][0] = t->scheduled[1][0] = 1;
    toy_start(t, groups, 2);
}

static spw_action place(spw_id work, spw_id cluster, int64_t from, int64_t to)
{
    return (spw_action){SPW_VERB_PLACE, SPW_WHY_FILL_IDLE, work, cluster, NO, NEVER, to, from};
}

static spw_action nodes(spw_verb verb, spw_id pool, int64_t from, int64_t to)
{
    return (spw_action){verb, SPW_WHY_NODES_FOR_PENDING, NO, pool, pool, NEVER, to, from};
}

/** field NULL = accepted; row = index of the offending action. */
static void judge(toy *t, const spw_action *actions, size_t count, const char *field, spw_id row)
{
    plan_clear(t->plan);
    for (size_t i = 0; i < count; i++) {
        (void)plan_add(t->plan, &actions[i]);
    }
    spw_err err = {0};
    spw_rc rc = spw_plan_check(t->plan, toy_snapshot(t), &err);
    if (rc != (field == NULL ? SPW_OK : SPW_INVAL) || strcmp(err.field, field == NULL ? "" : field) != 0 ||
        (field != NULL && err.row != row)) {
        fail_msg("%s expected, got %s at %u", field == NULL ? "ok" : field, err.field, err.row);
    }
    assert_int_equal(spw_plan_check(t->plan, &t->snap, NULL), rc);
}

static void one(toy *t, spw_action a, const char *field)
{
    judge(t, &a, 1, field, 0);
}

static void rows_and_ranges(void **state)
{
    (void)state;
    toy t;
    make(&t);
    one(&t, place(0, 0, 3, 6), NULL);
    one(&t, place(2, 0, 0, 1), "plan.rows");
    one(&t, place(NO, 0, 0, 1), "plan.rows");
    one(&t, place(0, 2, 0, 1), "plan.rows");
    one(&t, place(0, 0, 3, -1), "plan.amount");
    one(&t, place(0, 0, 3, 0), NULL);
    one(&t, (spw_action){SPW_VERB_SCALE, SPW_WHY_SPEC, 0, NO, NO, NEVER, SPW_REPLICAS_MAX, 1}, NULL);
    one(&t, (spw_action){SPW_VERB_SCALE, SPW_WHY_SPEC, 0, NO, NO, NEVER, SPW_REPLICAS_MAX + 1, 1}, "plan.amount");
    one(&t, (spw_action){SPW_VERB_ROUTE, SPW_WHY_ROUTE_READY, 0, 1, NO, NEVER, 1000000, 0}, NULL);
    one(&t, (spw_action){SPW_VERB_ROUTE, SPW_WHY_ROUTE_READY, 0, 1, NO, NEVER, 1000001, 0}, "plan.amount");
    one(&t, (spw_action){SPW_VERB_ROUTE, SPW_WHY_ROUTE_READY, 0, 1, NO, NEVER, -1, 0}, "plan.amount");
    one(&t, (spw_action){SPW_VERB_PREFETCH, SPW_WHY_PREFETCH, 0, 1, NO, NEVER, 1, 0}, NULL);
    one(&t, (spw_action){SPW_VERB_PREFETCH, SPW_WHY_PREFETCH, 0, 1, NO, NEVER, 2, 0}, "plan.amount");
    one(&t, (spw_action){SPW_VERB_PREFETCH, SPW_WHY_PREFETCH, 0, NO, NO, NEVER, 1, 0}, "plan.rows");
    one(&t, (spw_action){(spw_verb)9, SPW_WHY_SPEC, 0, 0, 0, NEVER, 1, 0}, "plan.rows");
    one(&t, (spw_action){SPW_VERB_PLACE, SPW_WHY_NONE, 0, 0, NO, NEVER, 1, 3}, "plan.reason");
    /* nodes: a pool of that cluster, up to nodes_max, down to nodes_min, and in the verb's direction */
    one(&t, nodes(SPW_VERB_PROVISION, 1, 1, 3), NULL);
    one(&t, nodes(SPW_VERB_PROVISION, 1, 1, 4), "plan.amount");
    one(&t, nodes(SPW_VERB_PROVISION, 1, 0, 1), "plan.amount"); /* 1 is asked for already, whatever `before` says */
    one(&t, nodes(SPW_VERB_PROVISION, 2, 1, 3), "plan.rows");
    one(&t, nodes(SPW_VERB_RELEASE, 1, 1, 0), NULL);
    one(&t, nodes(SPW_VERB_RELEASE, 1, 1, -1), "plan.amount");
    one(&t, nodes(SPW_VERB_RELEASE, 1, 2, 1), "plan.amount");
    one(&t, nodes(SPW_VERB_RELEASE, 0, 8, 7), "plan.amount"); /* nodes_min 8 */
    spw_action elsewhere = nodes(SPW_VERB_PROVISION, 1, 1, 2);
    elsewhere.cluster = 0;
    one(&t, elsewhere, "plan.rows");
    toy_end(&t);
}

static void order_and_targets(void **state)
{
    (void)state;
    toy t;
    make(&t);
    spw_action two[] = {place(0, 0, 3, 4), nodes(SPW_VERB_PROVISION, 1, 1, 2)};
    two[1].after = 0;
    judge(&t, two, 2, NULL, 0);
    two[1].after = 1;
    judge(&t, two, 2, "plan.after", 1);
    two[1].after = 7;
    judge(&t, two, 2, "plan.after", 1);
    const spw_action twice[] = {place(0, 0, 3, 4), place(1, 0, 1, 1), place(0, 0, 3, 2)};
    judge(&t, twice, 3, "plan.target", 2);
    const spw_action both[] = {nodes(SPW_VERB_PROVISION, 1, 1, 2), nodes(SPW_VERB_RELEASE, 1, 1, 0)};
    judge(&t, both, 2, "plan.target", 1);
    toy_end(&t);
}

/** 3 GPUs are free in idc; ack will have 2, and could have 6. */
static void canary_oversubscribed_plans(void **state)
{
    (void)state;
    toy t;
    make(&t);
    one(&t, place(0, 0, 3, 6), NULL);
    one(&t, place(0, 0, 3, 7), "plan.capacity");
    one(&t, place(0, 0, 7, 7), "plan.capacity"); /* no lie about `before` helps */
    one(&t, place(1, 0, 1, 2), NULL);
    one(&t, place(1, 0, 1, 3), "plan.capacity");
    const spw_action together[] = {place(0, 0, 3, 5), place(1, 0, 1, 2)}; /* 2 + 2 GPUs, each alone would fit */
    judge(&t, together, 2, "plan.capacity", 1);
    /* another's place going in the same plan frees nothing yet: it may take minutes to drain */
    const spw_action swap[] = {place(0, 0, 3, 0), place(1, 0, 1, 4)};
    judge(&t, swap, 2, "plan.capacity", 1);
    one(&t, place(0, 1, 0, 2), NULL);
    one(&t, place(0, 1, 0, 3), "plan.capacity");
    const spw_action with_order[] = {place(0, 1, 0, 6), nodes(SPW_VERB_PROVISION, 1, 1, 3)};
    judge(&t, with_order, 2, NULL, 0);
    const spw_action with_release[] = {place(0, 1, 0, 1), nodes(SPW_VERB_RELEASE, 1, 1, 0)};
    judge(&t, with_release, 2, "plan.capacity", 0);
    /* by weights: capacity does not count */
    spw_action by_weights = place(0, 0, 3, 50);
    by_weights.reason = SPW_WHY_WEIGHTS;
    one(&t, by_weights, NULL);
    /* what it holds already is no reason to refuse, even when the nodes are gone */
    t.pool[0].nodes = t.pool[0].target = t.pool[0].used = 0;
    one(&t, place(0, 0, 4, 3), NULL);
    one(&t, place(0, 0, 3, 4), "plan.capacity");
    toy_end(&t);
}

/** 8 CPU, 40 bytes and 4 pods are left in idc; chat requests 2 CPU, code 3 CPU and 25 bytes. */
static void make_summary(toy *t)
{
    make(t);
    t->has_summary = true;
    t->work[0].cpu_milli = 2000;
    t->work[1].cpu_milli = 3000;
    t->work[1].memory_bytes = 25;
    const int64_t idc[TOY_RESOURCES][3] = {{32000, 20000, 4000}, {100, 60, 0}, {10, 4, 2}};
    memcpy(t->summary[0], idc, sizeof idc);
    t->pool[0].used = 0;
}

static void canary_of_resources(void **state)
{
    (void)state;
    toy t;
    make_summary(&t);
    one(&t, place(0, 0, 3, 7), NULL); /* 4 x 2 = 8 CPU, 4 pods */
    one(&t, place(0, 0, 3, 8), "plan.resources");
    t.summary[0][TOY_CPU][1] = 20001;
    one(&t, place(0, 0, 3, 7), "plan.resources");
    t.summary[0][TOY_CPU][1] = 0;
    one(&t, place(0, 0, 3, 8), "plan.resources"); /* CPU for it there is now, but no fifth pod */
    t.summary[0][TOY_SLOTS][2] = 1;
    one(&t, place(0, 0, 3, 8), NULL);
    one(&t, place(1, 0, 1, 2), NULL);
    one(&t, place(1, 0, 1, 3), "plan.resources"); /* 50 of 40 bytes */
    t.summary[0][TOY_MEMORY][0] = 110;
    one(&t, place(1, 0, 1, 3), NULL);
    t.summary[0][TOY_CPU][1] = 20000;
    const spw_action together[] = {place(0, 0, 3, 5), place(1, 0, 1, 3)}; /* 4 + 6 CPU, each alone would fit */
    judge(&t, together, 2, "plan.resources", 1);
    spw_action by_weights = place(0, 0, 3, 50);
    by_weights.reason = SPW_WHY_WEIGHTS;
    one(&t, by_weights, NULL);
    one(&t, place(0, 0, 3, 2), NULL);
    t.summary[0][TOY_CPU][0] = -1; /* it does not list CPU: nothing that asks for it fits */
    one(&t, place(0, 0, 3, 4), "plan.resources");
    t.work[0].cpu_milli = 0;
    one(&t, place(0, 0, 3, 4), NULL);
    t.has_summary = false;
    t.work[0].cpu_milli = 2000;
    one(&t, place(0, 0, 3, 8), NULL); /* nothing known, nothing checked */
    toy_end(&t);
}

/** What nodes to come and victims give. */
static void resources_to_come(void **state)
{
    (void)state;
    toy t;
    make_summary(&t);
    t.summary[1][TOY_SLOTS][0] = 0; /* ack has no node up, and one of 2 GPUs asked for */
    const int64_t much = INT64_C(1) << 40;
    t.summary[1][TOY_MEMORY][0] = much;
    one(&t, place(0, 1, 0, 2), NULL);
    one(&t, place(1, 1, 0, 1), NULL);
    t.pool[1].target = 0;
    t.work[0].gpus = 0; /* stands on no new node: those are for GPUs */
    one(&t, place(0, 1, 0, 1), "plan.resources");
    const spw_action ordered[] = {place(1, 1, 0, 1), nodes(SPW_VERB_PROVISION, 1, 0, 1)};
    judge(&t, ordered, 2, NULL, 0);
    /* one GPU of code requests 1.5 CPU, so its two new GPUs may hold 3 CPU of what is added, and no more */
    const spw_action both[] = {place(1, 1, 0, 1), place(0, 1, 0, 1), nodes(SPW_VERB_PROVISION, 1, 0, 1)};
    judge(&t, both, 3, "plan.resources", 1);
    t.work[0].gpus = 1;
    t.pool[1].target = 1;
    /* the victim's 3 CPU and pod, on top of the 8 CPU and 4 pods that are left */
    t.summary[0][TOY_SLOTS][2] = 2;
    spw_action victim = place(1, 0, 1, 0);
    victim.reason = SPW_WHY_PREEMPTED;
    const spw_action swap[] = {place(0, 0, 3, 8), victim};
    judge(&t, swap, 2, NULL, 0);
    const spw_action more[] = {place(0, 0, 3, 9), victim};
    judge(&t, more, 2, "plan.resources", 0);
    victim.reason = SPW_WHY_SCALE_IN; /* may take minutes to drain */
    const spw_action drained[] = {place(0, 0, 3, 8), victim};
    judge(&t, drained, 2, "plan.resources", 0);
    toy_end(&t);
}

/** Two grades, of 2 nodes with 3 CPU and 1 with 5: 11 CPU and 30 bytes in all, whatever a summary says. */
static void canary_of_grades(void **state)
{
    (void)state;
    toy t;
    make_summary(&t);
    static const spw_id cluster[] = {0, 0};
    static const int32_t count[] = {2, 1};
    static const int64_t cpu[] = {3000, 5000};
    static const int64_t memory[] = {10, 10};
    const spw_snapshot *snap = toy_snapshot(&t);
    spw_snapshot graded = *snap;
    graded.grades = (spw_grade_rows){2, cluster, count, cpu, memory};
    graded.clusters.cpu_allocatable = graded.clusters.memory_allocatable = graded.clusters.pods_allocatable = NULL;
    for (int to = 4; to <= 9; to++) {
        plan_clear(t.plan);
        const spw_action a = place(0, 0, 3, to);
        (void)plan_add(t.plan, &a);
        assert_int_equal(spw_plan_check(t.plan, &graded, NULL), to <= 8 ? SPW_OK : SPW_INVAL); /* 5 x 2 CPU of 11 */
    }
    for (int to = 2; to <= 3; to++) {
        plan_clear(t.plan);
        const spw_action a = place(1, 0, 1, to);
        (void)plan_add(t.plan, &a);
        assert_int_equal(spw_plan_check(t.plan, &graded, NULL), to == 2 ? SPW_OK : SPW_INVAL); /* 25 of 30 bytes */
    }
    static const int64_t unknown[] = {10,
                                      -1}; /* one that does not list memory: the grades limit nobody who asks for it */
    graded.grades.memory_bytes = unknown;
    const spw_action more[] = {place(0, 0, 3, 9), place(1, 0, 1, 3)};
    for (int i = 0; i < 2; i++) {
        plan_clear(t.plan);
        (void)plan_add(t.plan, &more[i]);
        assert_int_equal(spw_plan_check(t.plan, &graded, NULL), SPW_OK);
    }
    toy_end(&t);
}

/** The largest figures there are stay in their type. */
static void resources_at_the_edge(void **state)
{
    (void)state;
    toy t;
    make_summary(&t);
    t.work[0].cpu_milli = t.work[1].cpu_milli = SPW_REQUEST_MAX;
    t.summary[0][TOY_CPU][0] = INT64_MAX;
    t.summary[0][TOY_CPU][1] = t.summary[0][TOY_CPU][2] = 0;
    t.summary[0][TOY_SLOTS][0] = t.summary[0][TOY_MEMORY][0] = INT64_MAX;
    spw_snapshot snap = *toy_snapshot(&t);
    snap.workloads.gpus = NULL;
    const spw_action actions[] = {place(0, 0, 3, SPW_REPLICAS_MAX), place(1, 0, 1, SPW_REPLICAS_MAX)};
    plan_clear(t.plan);
    (void)plan_add(t.plan, &actions[0]);
    (void)plan_add(t.plan, &actions[1]);
    assert_int_equal(spw_plan_check(t.plan, &snap, NULL), SPW_OK);
    t.summary[0][TOY_CPU][0] = INT64_MAX - 1;
    snap = *toy_snapshot(&t);
    snap.workloads.gpus = NULL;
    assert_int_equal(spw_plan_check(t.plan, &snap, NULL), SPW_OK); /* 2 x (10^6 - 4) x 2^42 is just below */
    t.summary[0][TOY_CPU][0] = INT64_C(1) << 62;
    snap = *toy_snapshot(&t);
    snap.workloads.gpus = NULL;
    assert_int_equal(spw_plan_check(t.plan, &snap, NULL), SPW_INVAL);
    toy_end(&t);
}

static void room_and_overflow(void **state)
{
    (void)state;
    spw_plan *plan = NULL;
    assert_int_equal(spw_plan_new(spw_mem_libc(), 0, 1, &plan), SPW_INVAL);
    assert_int_equal(spw_plan_new(spw_mem_libc(), 1, 0, &plan), SPW_INVAL);
    assert_int_equal(spw_plan_new(spw_mem_libc(), (size_t)1 << 21, 1, &plan), SPW_INVAL);
    assert_int_equal(spw_plan_new(spw_mem_libc(), 1, SIZE_MAX, &plan), SPW_INVAL);
    assert_null(plan);
    assert_int_equal(spw_plan_new(spw_mem_libc(), 1, 1, &plan), SPW_OK);
    spw_action a = place(0, 0, 3, 4);
    assert_int_equal(plan_add(plan, &a), 0);
    assert_int_equal(plan_add(plan, &a), UINT32_MAX);
    assert_int_equal(spw_plan_count(plan), 1);
    toy t;
    make(&t);
    spw_err err = {0};
    assert_int_equal(spw_plan_check(plan, toy_snapshot(&t), &err), SPW_INVAL);
    assert_string_equal(err.field, "plan");
    toy_end(&t);
    spw_plan_free(plan);
    spw_plan_free(NULL);
}

static void text_is_like_snprintf(void **state)
{
    (void)state;
    static const char expected[] = "scale prod/code 4 -> 9  metric-above\n"
                                   "place prod/chat ack 0 -> 2  overflow-elastic\n"
                                   "provision ack od 1 -> 2  nodes-for-pending\n"
                                   "route prod/chat idc 0 -> 1000000  route-ready\n";
    toy t;
    make(&t);
    const spw_action actions[] = {
        {SPW_VERB_SCALE, SPW_WHY_METRIC_ABOVE, 1, NO, NO, NEVER, 9, 4},
        {SPW_VERB_PLACE, SPW_WHY_OVERFLOW_ELASTIC, 0, 1, NO, NEVER, 2, 0},
        {SPW_VERB_PROVISION, SPW_WHY_NODES_FOR_PENDING, NO, 1, 1, 1, 2, 1},
        {SPW_VERB_ROUTE, SPW_WHY_ROUTE_READY, 0, 0, NO, NEVER, 1000000, 0},
    };
    judge(&t, actions, 4, NULL, 0);
    char buf[sizeof expected + 1];
    for (size_t size = 0; size <= sizeof expected; size++) {
        memset(buf, '#', sizeof buf);
        assert_int_equal(spw_plan_text(t.plan, &t.snap, buf, size), sizeof expected - 1);
        size_t kept = size == 0 ? 0 : (size > sizeof expected ? sizeof expected : size) - 1;
        assert_memory_equal(buf, expected, kept);
        if (size > 0) {
            assert_int_equal(buf[kept], '\0');
        }
        assert_int_equal(buf[size], '#');
    }
    toy_end(&t);
}

static void every_word_is_there(void **state)
{
    (void)state;
    for (int v = SPW_VERB_SCALE; v <= SPW_VERB_PREFETCH; v++) {
        assert_string_not_equal(spw_verb_name((spw_verb)v), "unknown");
    }
    assert_string_equal(spw_verb_name((spw_verb)0), "unknown");
    static const spw_reason reasons[] = {SPW_WHY_METRIC_ABOVE,     SPW_WHY_PREFETCH,      SPW_WHY_METRIC_BELOW,
                                         SPW_WHY_BELOW_MIN,        SPW_WHY_ABOVE_MAX,     SPW_WHY_SPEC,
                                         SPW_WHY_FILL_IDLE,        SPW_WHY_FILL_ELASTIC,  SPW_WHY_OVERFLOW_IDLE,
                                         SPW_WHY_OVERFLOW_ELASTIC, SPW_WHY_SCALE_IN,      SPW_WHY_MOVE_IN,
                                         SPW_WHY_MOVE_OUT,         SPW_WHY_MOVE_GIVEN_UP, SPW_WHY_CLUSTER_GONE,
                                         SPW_WHY_NO_NODE,          SPW_WHY_WEIGHTS,       SPW_WHY_NODES_FOR_PENDING,
                                         SPW_WHY_NODES_UNNEEDED,   SPW_WHY_NODES_LATE,    SPW_WHY_ROUTE_READY};
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        assert_string_not_equal(spw_reason_name(reasons[i]), "none");
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(spw_reason_name(reasons[i]), spw_reason_name(reasons[k]));
            assert_string_not_equal(spw_reason_text(reasons[i]), spw_reason_text(reasons[k]));
        }
    }
    assert_string_equal(spw_reason_name((spw_reason)999), "none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_and_ranges),
        cmocka_unit_test(order_and_targets),
        cmocka_unit_test(canary_oversubscribed_plans),
        cmocka_unit_test(canary_of_resources),
        cmocka_unit_test(resources_to_come),
        cmocka_unit_test(canary_of_grades),
        cmocka_unit_test(resources_at_the_edge),
        cmocka_unit_test(room_and_overflow),
        cmocka_unit_test(text_is_like_snprintf),
        cmocka_unit_test(every_word_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
