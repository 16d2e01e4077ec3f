/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_budgets.c - disruption budgets over evictions, clusters that are no candidates any more, and the descheduler. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/toy.h"

#define S SPW_NS_PER_S

enum { IDC, ACK };
enum { CHAT, HIGH };

static const char *const GROUPS[] = {"idc", "ack"};
static const char *const CHINA[] = {"CN"};

/** 4 GPUs in idc, `spare` in ack; the 4 replicas of chat stand in idc at 15 s and have their traffic. */
static void make(toy *t, int spare)
{
    toy_init(t);
    (void)toy_cluster(t, "idc");
    (void)toy_cluster(t, "ack");
    (void)toy_pool_add(t, IDC, "own", SPW_CAPACITY_OWNED, 4, 4);
    (void)toy_pool_add(t, ACK, "own", SPW_CAPACITY_OWNED, spare, spare);
    t->policy.failover_after = 30 * S;
    t->policy.evict_grace = 600 * S;
    t->policy.failback = SPW_FAILBACK_NEVER;
    t->policy.route = SPW_ROUTE_WEIGHTS; /* traffic is not at issue here: all to idc */
    static const spw_route_weight all_to_idc[] = {{"idc", 1}};
    t->policy.route_weights = all_to_idc;
    t->policy.route_weight_count = 1;
    t->template_replicas[CHAT] = 4;
    t->work[CHAT].replicas = 4;
    toy_start(t, GROUPS, 2);
    (void)toy_tick(t);
    toy_settle(t);
    t->now = 15 * S;
    (void)toy_tick(t);
    toy_settle(t);
    assert_int_equal(t->is_ready[CHAT][IDC], 4);
}

static void budget(toy *t, int work, spw_budget kind, int value)
{
    t->work[work].budget = kind;
    t->work[work].budget_value = value;
}

/** One tick, then everything that has room gets ready. `kept` copies of chat are kept by its budget. */
static void tick_at(toy *t, int second, const char *text, int kept)
{
    t->now = second * S;
    (void)toy_tick(t);
    char places[1024] = ""; /* the lines that are not about traffic */
    for (const char *line = toy_text(t); *line != '\0'; line = strchr(line, '\n') + 1) {
        if (strncmp(line, "place", 5) == 0) {
            strncat(places, line, (size_t)(strchr(line, '\n') + 1 - line));
        }
    }
    if (strcmp(places, text) != 0) {
        fail_msg("at %d s:\n%sinstead of\n%s", second, places, text);
    }
    for (size_t i = 0; i < spw_plan_outcome_count(t->plan); i++) {
        const spw_outcome *o = spw_plan_outcome_at(t->plan, i);
        assert_int_equal(o->kept, o->workload == CHAT ? kept : 0);
    }
    toy_settle(t);
}

/** The grace ends at 660 s with one ready elsewhere; whether the four on the lost cluster may go is the budget's. */
static void the_grace_ends_within_the_budget(void **state)
{
    (void)state;
    static const struct {
        spw_budget kind;
        int value;
        bool stays;
    } cases[] = {
        {SPW_BUDGET_MIN_AVAILABLE, 1, false},
        {SPW_BUDGET_MIN_AVAILABLE, 2, true},
        {SPW_BUDGET_MIN_AVAILABLE, 9, true},             /* more than are wanted: all of them */
        {SPW_BUDGET_MIN_AVAILABLE_PERCENT, 25, false},   /* 1 of 4 */
        {SPW_BUDGET_MIN_AVAILABLE_PERCENT, 26, true},    /* 1.04 is 2 */
        {SPW_BUDGET_MAX_UNAVAILABLE, 3, false},          /* 1 stays */
        {SPW_BUDGET_MAX_UNAVAILABLE, 2, true},           /* 2 stay */
        {SPW_BUDGET_MAX_UNAVAILABLE_PERCENT, 75, false}, /* 3 may be missing */
        {SPW_BUDGET_MAX_UNAVAILABLE_PERCENT, 50, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        toy t;
        make(&t, 1);
        budget(&t, CHAT, cases[i].kind, cases[i].value);
        toy_restart(&t);
        tick_at(&t, 20, "", 0);
        t.ready[IDC] = false;
        tick_at(&t, 30, "", 0);
        tick_at(&t, 60, "place prod/chat ack 0 -> 1  overflow-idle\n", 0);
        tick_at(&t, 645, "", 0);
        tick_at(&t, 660, cases[i].stays ? "" : "place prod/chat idc 4 -> 0  evict-grace\n", cases[i].stays ? 4 : 0);
        assert_int_equal(spw_plan_outcome_at(t.plan, 0)->surge, cases[i].stays ? 4 : 0);
        toy_end(&t);
    }
}

/** Kept until as many are ready elsewhere as the budget asks for, not until all are. */
static void kept_until_others_are_ready(void **state)
{
    (void)state;
    toy t;
    make(&t, 1);
    budget(&t, CHAT, SPW_BUDGET_MIN_AVAILABLE, 2);
    toy_restart(&t);
    tick_at(&t, 20, "", 0);
    t.ready[IDC] = false;
    tick_at(&t, 30, "", 0);
    tick_at(&t, 60, "place prod/chat ack 0 -> 1  overflow-idle\n", 0);
    tick_at(&t, 660, "", 4);
    t.pool[1].nodes = t.pool[1].target = t.pool[1].min = t.pool[1].max = 2;
    tick_at(&t, 675, "place prod/chat ack 1 -> 2  overflow-idle\n", 4);
    tick_at(&t, 690, "place prod/chat idc 4 -> 0  evict-grace\n", 0);
    tick_at(&t, 705, "", 0);
    toy_end(&t);
}

/** No grace: without a budget its copies go at once, with one they go when enough are ready elsewhere. */
static void no_grace(void **state)
{
    (void)state;
    for (int has = 0; has < 2; has++) {
        toy t;
        make(&t, 4);
        t.policy.failover_after = 0;
        t.policy.evict_grace = 0;
        budget(&t, CHAT, has == 0 ? SPW_BUDGET_NONE : SPW_BUDGET_MIN_AVAILABLE, 3);
        toy_restart(&t);
        tick_at(&t, 20, "", 0);
        t.ready[IDC] = false;
        tick_at(&t, 30,
                has == 0 ? "place prod/chat ack 0 -> 4  overflow-idle\n"
                           "place prod/chat idc 4 -> 0  cluster-gone\n"
                         : "place prod/chat ack 0 -> 4  overflow-idle\n",
                has == 0 ? 0 : 4);
        tick_at(&t, 45, has == 0 ? "" : "place prod/chat idc 4 -> 0  cluster-gone\n", 0);
        toy_end(&t);
    }
}

/** Its data may not be in idc any more, and elsewhere is room for one: three of the four stay ready, wherever. */
static void a_cluster_that_is_no_candidate_any_more(void **state)
{
    (void)state;
    for (int has = 0; has < 2; has++) {
        toy t;
        make(&t, 1);
        budget(&t, CHAT, has == 0 ? SPW_BUDGET_NONE : SPW_BUDGET_MAX_UNAVAILABLE, 1);
        t.has_law = true;
        t.jurisdiction[IDC] = "SG";
        t.jurisdiction[ACK] = "CN";
        t.work[CHAT].jurisdictions = CHINA;
        t.work[CHAT].jurisdiction_count = 1;
        toy_restart(&t);
        if (has == 0) {
            tick_at(&t, 30,
                    "place prod/chat ack 0 -> 1  overflow-idle\n"
                    "place prod/chat idc 4 -> 1  cluster-gone\n",
                    0);
            tick_at(&t, 45, "place prod/chat idc 1 -> 0  cluster-gone\n", 0);
        } else {
            tick_at(&t, 30,
                    "place prod/chat ack 0 -> 1  overflow-idle\n"
                    "place prod/chat idc 4 -> 3  cluster-gone\n",
                    2);
            tick_at(&t, 45, "place prod/chat idc 3 -> 2  cluster-gone\n", 2);
            tick_at(&t, 60, "", 2); /* two there and one in ack */
            t.pool[1].nodes = t.pool[1].target = t.pool[1].min = t.pool[1].max = 4;
            tick_at(&t, 75, "place prod/chat ack 1 -> 4  overflow-idle\n", 0);
            tick_at(&t, 90, "place prod/chat idc 2 -> 0  cluster-gone\n", 0);
        }
        toy_end(&t);
    }
}

/** A lower count asks no budget, and what it takes is what an eviction of the same tick cannot take. */
static void a_lower_count_goes_first(void **state)
{
    (void)state;
    toy t;
    make(&t, 4);
    budget(&t, CHAT, SPW_BUDGET_MIN_AVAILABLE, 4);
    toy_restart(&t);
    tick_at(&t, 20, "", 0);
    t.template_replicas[CHAT] = 1;
    tick_at(&t, 30, "place prod/chat idc 4 -> 1  scale-in\n", 0);
    toy_end(&t);
}

/**
 * chat stands with 2 replicas in each cluster and may not be in ack any more; a more important workload takes the place
 * of one in idc, where there is no room for another. Two may be missing: the victim, and one of ack.
 */
static void victims_are_counted_first(void **state)
{
    (void)state;
    for (int may = 1; may <= 3; may++) {
        toy t;
        make(&t, 2);
        t.works = 2;
        t.policy.preempt = SPW_PREEMPT_BEFORE_ELASTIC;
        t.work[HIGH].priority = 10;
        t.template_replicas[HIGH] = 1;
        t.pool[0].nodes = t.pool[0].target = t.pool[0].min = t.pool[0].max = 2;
        t.assigned[CHAT][IDC] = t.assigned[CHAT][ACK] = 2;
        t.scheduled[CHAT][IDC] = t.scheduled[CHAT][ACK] = 2;
        t.is_ready[CHAT][IDC] = t.is_ready[CHAT][ACK] = 2;
        toy_settle(&t);
        t.has_law = true;
        t.jurisdiction[IDC] = "CN";
        t.jurisdiction[ACK] = "SG";
        for (int w = 0; w < 2; w++) {
            t.work[w].jurisdictions = CHINA;
            t.work[w].jurisdiction_count = 1;
        }
        budget(&t, CHAT, SPW_BUDGET_MAX_UNAVAILABLE, may);
        toy_restart(&t);
        t.now = 30 * S;
        (void)toy_tick(&t);
        char text[256];
        (void)snprintf(text, sizeof text, "place prod/chat idc 2 -> 1  preempted");
        assert_non_null(strstr(toy_text(&t), text));
        /* of ack's two ready copies, as many go as the budget has left over */
        int kept = may == 1 ? 2 : may == 2 ? 1 : 0;
        assert_int_equal(t.assigned[CHAT][ACK], kept);
        for (size_t i = 0; i < spw_plan_outcome_count(t.plan); i++) {
            const spw_outcome *o = spw_plan_outcome_at(t.plan, i);
            assert_int_equal(o->kept, o->workload == CHAT ? kept : 0);
        }
        toy_end(&t);
    }
}

/** What waits for a node asks no budget: the descheduler works as if there were none. */
static void the_descheduler_is_not_held_up(void **state)
{
    (void)state;
    for (int has = 0; has < 2; has++) {
        toy t;
        make(&t, 4);
        t.policy.unschedulable_after = 30 * S;
        t.policy.deschedule_cooldown = 600 * S;
        budget(&t, CHAT, has == 0 ? SPW_BUDGET_NONE : SPW_BUDGET_MIN_AVAILABLE, 4);
        toy_restart(&t);
        static const int seconds[] = {30, 45, 60, 75};
        for (size_t i = 0; i < 4; i++) { /* two pods have lost their node, and the room that idc shows is not real */
            t.now = seconds[i] * S;
            t.scheduled[CHAT][IDC] = t.is_ready[CHAT][IDC] = t.pool[0].used = 2;
            (void)toy_tick(&t);
        }
        assert_int_equal(t.assigned[CHAT][IDC], 2);
        assert_int_equal(t.assigned[CHAT][ACK], 2);
        toy_end(&t);
    }
}

/** Karmada reads no budgets: neither its descheduler nor its graceful eviction. */
static void compat_reads_none(void **state)
{
    (void)state;
    toy t;
    make(&t, 1);
    t.policy.compat = true;
    t.policy.partial = false;
    t.policy.group_count = 1;
    t.has_law = true;
    t.jurisdiction[IDC] = "SG";
    t.jurisdiction[ACK] = "CN";
    t.work[CHAT].jurisdictions = CHINA;
    t.work[CHAT].jurisdiction_count = 1;
    budget(&t, CHAT, SPW_BUDGET_MIN_AVAILABLE, 4);
    toy_restart(&t);
    t.template_replicas[CHAT] = 3; /* a trigger; no cluster fits: the result is cleared */
    tick_at(&t, 30, "place prod/chat idc 4 -> 0  cluster-gone\n", 0);
    toy_end(&t);
}

/** The explanation names what is kept, cluster by cluster. */
static void explained(void **state)
{
    (void)state;
    toy t;
    make(&t, 1);
    budget(&t, CHAT, SPW_BUDGET_MIN_AVAILABLE, 3);
    t.policy.failover_after = 0;
    t.policy.evict_grace = 0;
    t.settings.explain = true;
    toy_restart(&t);
    spw_plan *plan = NULL;
    assert_int_equal(spw_plan_new_explained(spw_mem_libc(), 64, 4, 16, &plan), SPW_OK);
    t.now = 30 * S;
    t.ready[IDC] = false;
    char text[1024];
    toy_decide(&t, t.core, plan, text, sizeof text);
    assert_int_equal(spw_plan_candidate_count(plan), 2);
    for (size_t i = 0; i < 2; i++) {
        const spw_candidate *c = spw_plan_candidate_at(plan, i);
        assert_int_equal(c->kept, c->cluster == IDC ? 4 : 0);
        assert_int_equal(c->verdict, c->cluster == IDC ? SPW_VERDICT_NOT_READY : SPW_VERDICT_FULL);
    }
    assert_string_equal(spw_reason_name(SPW_WHY_BUDGET), "budget");
    spw_plan_free(plan);
    toy_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_grace_ends_within_the_budget),
        cmocka_unit_test(kept_until_others_are_ready),
        cmocka_unit_test(no_grace),
        cmocka_unit_test(a_cluster_that_is_no_candidate_any_more),
        cmocka_unit_test(a_lower_count_goes_first),
        cmocka_unit_test(victims_are_counted_first),
        cmocka_unit_test(the_descheduler_is_not_held_up),
        cmocka_unit_test(compat_reads_none),
        cmocka_unit_test(explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
