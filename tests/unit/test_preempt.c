/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_preempt.c - workload preemption through whole decisions: who gives way to whom, where, in which order with
 * nodes still to be created, what happens to the victims, and what does not happen a second time. Worked by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/toy.h"

#define S(n) ((spw_time)(n)*SPW_NS_PER_S)

enum { CHAT = 0, CODE = 1, BATCH = 2 };

/** Workload `work` runs n ready replicas on cluster c. */
static void runs(toy *t, int work, int c, int n)
{
    t->assigned[work][c] = t->scheduled[work][c] = t->is_ready[work][c] = n;
    t->template_replicas[work] += n - (t->template_replicas[work] == 1 ? 1 : 0);
}

/** chat (100) above code (50) above batch (0), each with one GPU; two groups: idc, then cloud. */
static void world(toy *t, int idc_nodes, int cloud_nodes, int cloud_max)
{
    toy_init(t);
    int idc = toy_cluster(t, "idc");
    int cloud = toy_cluster(t, "cloud");
    (void)toy_pool_add(t, idc, "own", SPW_CAPACITY_OWNED, idc_nodes, idc_nodes);
    (void)toy_pool_add(t, cloud, "rent", SPW_CAPACITY_ON_DEMAND, cloud_nodes, cloud_max);
    t->works = 3;
    t->work[CHAT].priority = 100;
    t->work[CODE].priority = 50;
    t->work[BATCH].priority = 0;
    for (int w = 0; w < 3; w++) {
        t->template_replicas[w] = 0;
    }
    t->policy.preempt = SPW_PREEMPT_BEFORE_ELASTIC;
    t->policy.failback = SPW_FAILBACK_NEVER;
    t->now = S(1000);
}

static void start(toy *t)
{
    const char *groups[] = {"idc", "cloud"};
    for (int w = 0; w < t->works; w++) {
        t->work[w].replicas = t->template_replicas[w];
    }
    for (int p = 0; p < t->pools; p++) {
        int used = 0;
        for (int w = 0; w < t->works; w++) {
            used += t->scheduled[w][t->pool[p].cluster] * t->work[w].gpus;
        }
        t->pool[p].used = used;
    }
    toy_start(t, groups, 2);
}

static void expect(toy *t, const char *text)
{
    (void)toy_tick(t);
    const char *routes = strstr(toy_text(t), "route ");
    size_t length = routes == NULL ? strlen(toy_text(t)) : (size_t)(routes - toy_text(t));
    char got[8192];
    (void)snprintf(got, sizeof got, "%.*s", (int)length, toy_text(t));
    assert_string_equal(got, text);
}

static const spw_outcome *outcome(const toy *t, int work)
{
    for (size_t i = 0; i < spw_plan_outcome_count(t->plan); i++) {
        const spw_outcome *o = spw_plan_outcome_at(t->plan, i);
        if (strcmp(t->snap.workloads.name[o->workload], t->work[work].name) == 0) {
            return o;
        }
    }
    fail_msg("no outcome");
    return NULL;
}

static void makes_room_and_says_so(void **state)
{
    (void)state;
    toy t;
    world(&t, 4, 0, 0);
    runs(&t, BATCH, 0, 4);
    t.template_replicas[CHAT] = 3;
    start(&t);
    expect(&t, "place prod/chat idc 0 -> 3  fill-preempt\n"
               "place dev/batch idc 4 -> 1  preempted\n");
    assert_int_equal(spw_plan_at(t.plan, 1)->after, 0); /* the victim names its beneficiary */
    assert_int_equal(outcome(&t, CHAT)->tiers[0].preempted, 3);
    assert_int_equal(outcome(&t, CHAT)->tiers[0].idle, 0);
    assert_int_equal(outcome(&t, CHAT)->unplaced, 0);
    assert_int_equal(outcome(&t, BATCH)->victims, 3);
    assert_int_equal(outcome(&t, BATCH)->unplaced, 3);
    assert_int_equal(outcome(&t, BATCH)->tiers[0].idle, 1);
    toy_settle(&t);
    t.now += S(15);
    expect(&t, "");
    assert_int_equal(outcome(&t, CHAT)->tiers[0].idle, 3);
    assert_int_equal(outcome(&t, CHAT)->tiers[0].preempted, 0);
    toy_end(&t);
}

/** In the same tick, under their own policy; ready copies leave at once though the new ones are not there yet. */
static void victims_overflow(void **state)
{
    (void)state;
    toy t;
    world(&t, 4, 2, 3);
    runs(&t, BATCH, 0, 4);
    t.template_replicas[CHAT] = 4;
    start(&t);
    expect(&t, "place prod/chat idc 0 -> 4  fill-preempt\n"
               "place dev/batch cloud 0 -> 3  overflow-elastic\n"
               "provision cloud rent 2 -> 3  nodes-for-pending\n"
               "place dev/batch idc 4 -> 0  preempted\n");
    assert_int_equal(outcome(&t, BATCH)->unplaced, 1);
    toy_end(&t);
}

static void who_may_not(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        toy t;
        world(&t, 4, 0, 0);
        runs(&t, BATCH, 0, 4);
        t.template_replicas[CHAT] = 2;
        if (i == 0) {
            t.policy.preempt = SPW_PREEMPT_OFF;
        } else if (i == 1) {
            t.work[CHAT].preempt_never = true;
        } else if (i == 2) {
            t.work[BATCH].priority = 100; /* strictly lower only */
        } else {
            t.work[BATCH].policy = SPW_ID_NONE; /* not ours to move */
        }
        start(&t);
        expect(&t, "");
        assert_int_equal(outcome(&t, CHAT)->unplaced, 2);
        toy_end(&t);
    }
}

/** Both in one group: nodes first or victims first; with idle room, neither. */
static void order_of_steps(void **state)
{
    (void)state;
    toy t;
    world(&t, 4, 0, 0);
    t.pool[1].cluster = 0; /* idc itself could create two nodes */
    t.pool[1].max = 2;
    runs(&t, BATCH, 0, 4);
    t.pool[0].used = 4;
    t.template_replicas[CHAT] = 3;
    t.policy.preempt = SPW_PREEMPT_AFTER_ELASTIC;
    start(&t);
    t.pool[1].used = 0;
    expect(&t, "place prod/chat idc 0 -> 3  fill-preempt\n"
               "provision idc rent 0 -> 2  nodes-for-pending\n"
               "place dev/batch idc 4 -> 3  preempted\n");
    assert_int_equal(outcome(&t, CHAT)->tiers[0].elastic, 2);
    assert_int_equal(outcome(&t, CHAT)->tiers[0].preempted, 1);
    toy_end(&t);
    world(&t, 5, 0, 0);
    runs(&t, BATCH, 0, 4);
    t.template_replicas[CHAT] = 1;
    start(&t);
    expect(&t, "place prod/chat idc 0 -> 1  fill-idle\n");
    toy_end(&t);
}

/** Victims of the best group come before idle room of a worse one; victims of the worse one only after that. */
static void stays_in_its_tier(void **state)
{
    (void)state;
    toy t;
    world(&t, 2, 3, 3);
    runs(&t, BATCH, 0, 2);
    runs(&t, BATCH, 1, 2);
    t.template_replicas[CHAT] = 5;
    start(&t);
    expect(&t, "place prod/chat cloud 0 -> 3  overflow-preempt\n"
               "place prod/chat idc 0 -> 2  fill-preempt\n"
               "place dev/batch cloud 2 -> 0  preempted\n"
               "place dev/batch idc 2 -> 0  preempted\n");
    assert_int_equal(outcome(&t, CHAT)->tiers[0].preempted, 2);
    assert_int_equal(outcome(&t, CHAT)->tiers[1].preempted, 2);
    assert_int_equal(outcome(&t, CHAT)->tiers[1].idle, 1);
    toy_end(&t);
}

/** The lowest priority goes; a middle one stays though it stood first. */
static void lowest_priority_first(void **state)
{
    (void)state;
    toy t;
    world(&t, 4, 0, 0);
    runs(&t, CODE, 0, 2);
    runs(&t, BATCH, 0, 2);
    t.template_replicas[CHAT] = 3;
    start(&t);
    expect(&t, "place prod/chat idc 0 -> 3  fill-preempt\n"
               "place prod/code idc 2 -> 1  preempted\n"
               "place dev/batch idc 2 -> 0  preempted\n");
    toy_end(&t);
}

/** One link: code loses its place to chat and takes none of batch in the same tick, but in the next. */
static void chains_have_one_link(void **state)
{
    (void)state;
    toy t;
    world(&t, 2, 2, 2);
    runs(&t, CODE, 0, 2);
    runs(&t, BATCH, 1, 2);
    t.template_replicas[CHAT] = 2;
    start(&t);
    expect(&t, "place prod/chat idc 0 -> 2  fill-preempt\n"
               "place prod/code idc 2 -> 0  preempted\n");
    assert_int_equal(outcome(&t, CODE)->unplaced, 2);
    toy_settle(&t);
    t.now += S(15);
    expect(&t, "place prod/code cloud 0 -> 2  overflow-preempt\n"
               "place dev/batch cloud 2 -> 0  preempted\n");
    toy_end(&t);
}

/** Two clusters of one group. On "a" the victims are covered by a budget, on "b" not. */
static void budgets_are_spared(void **state)
{
    (void)state;
    toy t;
    toy_init(&t);
    int a = toy_cluster(&t, "a");
    int b = toy_cluster(&t, "b");
    (void)toy_pool_add(&t, a, "own", SPW_CAPACITY_OWNED, 3, 3);
    (void)toy_pool_add(&t, b, "own", SPW_CAPACITY_OWNED, 3, 3);
    t.works = 3;
    t.work[CHAT].priority = 100;
    t.work[CODE].priority = 1; /* the higher one, but free to go */
    t.template_replicas[CODE] = t.template_replicas[BATCH] = 0;
    runs(&t, BATCH, a, 3);
    runs(&t, CODE, b, 3);
    t.work[BATCH].min_available = 2; /* one of three may go */
    t.pool[0].used = t.pool[1].used = 3;
    t.policy.preempt = SPW_PREEMPT_BEFORE_ELASTIC;
    t.template_replicas[CHAT] = 3;
    const char *groups[] = {"a,b"};
    toy_start(&t, groups, 1);
    expect(&t, "place prod/chat a 0 -> 1  fill-preempt\n" /* priority 0 within the budget, then priority 1 */
               "place prod/chat b 0 -> 2  fill-preempt\n"
               "place prod/code b 3 -> 1  preempted\n"
               "place dev/batch a 3 -> 2  preempted\n");
    toy_end(&t);
}

/** The victims drain for long: the beneficiary waits, takes no more, and is planned anew after the deadline. */
static void waits_for_victims(void **state)
{
    (void)state;
    toy t;
    world(&t, 4, 0, 1);
    runs(&t, BATCH, 0, 4);
    t.template_replicas[CHAT] = 2;
    t.policy.provision_deadline = S(100);
    start(&t);
    expect(&t, "place prod/chat idc 0 -> 2  fill-preempt\n"
               "place dev/batch cloud 0 -> 1  overflow-elastic\n"
               "provision cloud rent 0 -> 1  nodes-for-pending\n"
               "place dev/batch idc 4 -> 2  preempted\n");
    t.pool[1].nodes = 1;
    t.scheduled[BATCH][0] = t.is_ready[BATCH][0] = 2; /* the other two drain: they still hold their GPUs */
    t.scheduled[BATCH][1] = t.is_ready[BATCH][1] = t.pool[1].used = 1;
    unsigned char saved[16384];
    size_t size = spw_state_size(t.core);
    assert_true(size <= sizeof saved);
    assert_int_equal(spw_state_save(t.core, saved, sizeof saved), SPW_OK);
    toy_restart(&t);
    assert_int_equal(spw_state_load(t.core, saved, size), SPW_OK); /* the claim is in the saved state */
    for (int i = 0; i < 6; i++) {
        t.now += S(15);
        expect(&t, "");
        assert_int_equal(outcome(&t, CHAT)->tiers[0].preempted, 2);
    }
    t.template_replicas[CHAT] = 3; /* more are wanted: not from where victims are still leaving */
    t.now += S(5);
    expect(&t, "place prod/chat cloud 0 -> 1  overflow-preempt\n"
               "place dev/batch cloud 1 -> 0  preempted\n");
    t.now += S(10); /* past the deadline: two victims more, as the first two never left */
    expect(&t, "place dev/batch idc 2 -> 0  preempted\n");
    toy_end(&t);
}

/** The growth got lost, the shrinking not: it is written again when the GPUs are free, and nobody else goes for it. */
static void lost_writes_take_nobody_else(void **state)
{
    (void)state;
    toy t;
    world(&t, 4, 0, 0);
    runs(&t, BATCH, 0, 4);
    t.template_replicas[CHAT] = 2;
    start(&t);
    t.deaf = true;
    expect(&t, "place prod/chat idc 0 -> 2  fill-preempt\n"
               "place dev/batch idc 4 -> 2  preempted\n");
    t.assigned[BATCH][0] = t.scheduled[BATCH][0] = t.is_ready[BATCH][0] = 2; /* only this one arrived */
    t.now += S(15);
    expect(&t, "");
    t.pool[0].used = 2;
    t.now += S(15);
    expect(&t, "place prod/chat idc 0 -> 2  fill-idle\n");
    toy_end(&t);
}

/** Sizes: on one node sums decide; on two nodes small gaps may hide what comes free, and only what is sure counts. */
static void only_what_is_sure(void **state)
{
    (void)state;
    static const struct {
        int nodes, batch_gpus, batch, victims;
    } cases[] = {
        {1, 1, 8, 4},  /* 4 of one node's 8 */
        {2, 1, 16, 7}, /* 6 could hide as 3 + 3; with 7, one node has 4 */
        {2, 4, 4, 1},  /* a gap of its own size */
        {2, 8, 2, 1},  /* a larger one leaves two */
        {2, 2, 8, 4},  /* 6 GPUs could still hide: 4 pairs are 8 */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        toy t;
        world(&t, cases[i].nodes, 0, 0);
        t.pool[0].gpus_per_node = 8;
        t.work[BATCH].gpus = cases[i].batch_gpus;
        t.work[CHAT].gpus = 4;
        runs(&t, BATCH, 0, cases[i].batch);
        t.template_replicas[CHAT] = 1;
        start(&t);
        (void)toy_tick(&t);
        assert_int_equal(outcome(&t, BATCH)->victims, cases[i].victims);
        assert_int_equal(outcome(&t, CHAT)->unplaced, 0);
        toy_end(&t);
    }
}

/** A node of 4: batch has 2, 2 are idle. Chat takes all 4, so code finds nothing idle there in the same tick. */
static void idle_gaps_are_used_up(void **state)
{
    (void)state;
    toy t;
    world(&t, 1, 0, 0);
    t.pool[0].gpus_per_node = 4;
    t.work[CHAT].gpus = 4;
    t.work[BATCH].gpus = 2;
    t.work[CODE].preempt_never = true;
    runs(&t, BATCH, 0, 1);
    t.template_replicas[CHAT] = 1;
    t.template_replicas[CODE] = 1;
    start(&t);
    expect(&t, "place prod/chat idc 0 -> 1  fill-preempt\n"
               "place dev/batch idc 1 -> 0  preempted\n");
    assert_int_equal(outcome(&t, CODE)->unplaced, 1);
    toy_end(&t);
}

/** Batch may stand on a class that chat cannot use: its leaving may not help, so it stays. */
static void other_classes_do_not_help(void **state)
{
    (void)state;
    static const char *const only[] = {"RTX-5090"};
    toy t;
    world(&t, 2, 0, 0);
    t.pool[1].cluster = 0;
    t.pool[1].nodes = t.pool[1].target = t.pool[1].max = 2;
    t.pool[1].gpu = "RTX-4090";
    t.work[CHAT].gpu_classes = only;
    t.work[CHAT].gpu_class_count = 1;
    runs(&t, BATCH, 0, 4);
    t.template_replicas[CHAT] = 1;
    start(&t);
    t.pool[0].used = t.pool[1].used = 2;
    expect(&t, "");
    t.work[BATCH].gpu_classes = only; /* now all of them surely stand where chat could */
    t.work[BATCH].gpu_class_count = 1;
    runs(&t, BATCH, 0, 2);
    t.template_replicas[BATCH] = 2;
    t.pool[1].used = 0;
    toy_restart(&t);
    expect(&t, "place prod/chat idc 0 -> 1  fill-preempt\n"
               "place dev/batch idc 2 -> 1  preempted\n");
    toy_end(&t);
}

/* --- ages --- */

static spw_time *with_starts(toy *t, const spw_snapshot *snap, spw_snapshot *copy)
{
    (void)t;
    *copy = *snap;
    spw_time *started = calloc(snap->pods.count, sizeof *started);
    assert_non_null(started);
    copy->pods.started = started;
    return started;
}

/** Four replicas started 100, 200, 300, 400 s ago; the minimum is 250 s: two may go, whatever is wanted. */
static void the_young_are_spared(void **state)
{
    (void)state;
    toy t;
    world(&t, 4, 0, 0);
    runs(&t, BATCH, 0, 4);
    t.template_replicas[CHAT] = 3;
    t.policy.min_runtime = S(250);
    start(&t);
    spw_snapshot snap;
    const spw_snapshot *shown = toy_snapshot(&t);
    spw_time *started = with_starts(&t, shown, &snap);
    for (size_t i = 0; i < snap.pods.count; i++) {
        started[i] = t.now - S(100) * (spw_time)(i + 1);
    }
    assert_int_equal(spw_snapshot_check(&snap, NULL), SPW_OK);
    assert_int_equal(spw_decide(t.core, &snap, t.plan, NULL), SPW_OK);
    assert_int_equal(spw_plan_check(t.plan, &snap, NULL), SPW_OK);
    assert_int_equal(outcome(&t, BATCH)->victims, 2);
    assert_int_equal(outcome(&t, CHAT)->unplaced, 1);
    free(started);
    toy_end(&t);
}

/** A victim that found a place elsewhere starts anew there: it is not chased on before it has run for the minimum. */
static void no_thrash(void **state)
{
    (void)state;
    toy t;
    world(&t, 2, 2, 2);
    runs(&t, BATCH, 0, 2);
    t.template_replicas[CHAT] = 2;
    t.policy.min_runtime = S(300);
    start(&t);
    expect(&t, "place prod/chat idc 0 -> 2  fill-preempt\n"
               "place dev/batch cloud 0 -> 2  overflow-idle\n"
               "place dev/batch idc 2 -> 0  preempted\n");
    t.scheduled[BATCH][0] = t.is_ready[BATCH][0] = 0;
    t.scheduled[CHAT][0] = t.is_ready[CHAT][0] = 2;
    t.scheduled[BATCH][1] = t.pool[1].used = 2; /* on nodes, starting */
    t.template_replicas[CHAT] = 3;
    t.now += S(30);
    expect(&t, "");
    assert_int_equal(outcome(&t, CHAT)->unplaced, 1);
    t.is_ready[BATCH][1] = 2; /* a toy's ready replica started at time 0 */
    t.now += S(300);
    expect(&t, "place prod/chat cloud 0 -> 1  overflow-preempt\n"
               "place dev/batch cloud 2 -> 1  preempted\n");
    toy_end(&t);
}

/** All or nothing counts what victims leave; a wish that they cannot meet takes nobody. */
static void all_or_nothing(void **state)
{
    (void)state;
    toy t;
    world(&t, 4, 0, 0);
    runs(&t, BATCH, 0, 4);
    t.template_replicas[CHAT] = 5;
    t.policy.partial = false;
    start(&t);
    expect(&t, "");
    assert_int_equal(outcome(&t, CHAT)->unplaced, 5);
    t.template_replicas[CHAT] = 4;
    t.now += S(15);
    expect(&t, "place prod/chat idc 0 -> 4  fill-preempt\n"
               "place dev/batch idc 4 -> 0  preempted\n");
    toy_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_room_and_says_so),
        cmocka_unit_test(victims_overflow),
        cmocka_unit_test(who_may_not),
        cmocka_unit_test(order_of_steps),
        cmocka_unit_test(stays_in_its_tier),
        cmocka_unit_test(lowest_priority_first),
        cmocka_unit_test(chains_have_one_link),
        cmocka_unit_test(budgets_are_spared),
        cmocka_unit_test(waits_for_victims),
        cmocka_unit_test(lost_writes_take_nobody_else),
        cmocka_unit_test(only_what_is_sure),
        cmocka_unit_test(idle_gaps_are_used_up),
        cmocka_unit_test(other_classes_do_not_help),
        cmocka_unit_test(the_young_are_spared),
        cmocka_unit_test(no_thrash),
        cmocka_unit_test(all_or_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
