/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_spread_worlds.c - random small worlds under spread constraints, filters and requests to place anew, native and
 * Karmada's manner: plans pass their check (toy_decide), constraints hold where they were met, constant input comes to
 * rest, the order of rows means nothing, and every cluster has one verdict that agrees with its target.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/toy.h"

#define S      SPW_NS_PER_S
#define WORLDS 1500

static uint64_t seed;

static int below(int n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (int)((seed >> 20) % (uint64_t)n);
}

static spw_spread spreads[2];
static const spw_taint taint[] = {{"t", "", SPW_TAINT_NO_SCHEDULE}};
static const spw_static_weight weights[] = {{{.names = NULL}, 2}};

static void random_policy(toy *t)
{
    static const spw_division divisions[] = {SPW_DIVIDE_DYNAMIC, SPW_DIVIDE_AGGREGATED, SPW_DIVIDE_DUPLICATED,
                                             SPW_DIVIDE_STATIC};
    spw_policy *p = &t->policy;
    p->division = divisions[below(4)];
    p->order = below(3) == 0 ? SPW_GROUPS_FAILOVER : SPW_GROUPS_ORDERED;
    p->partial = below(2) == 0;
    p->step_major = (spw_step_major)(1 + below(3));
    p->static_weights = weights;
    p->static_weight_count = 1;
    p->failback_window = 0;
    p->compat = below(4) == 0;
    p->rounding = below(4) == 0 ? SPW_ROUND_FLOOR : SPW_ROUND_WEBSTER;
    spreads[0] = (spw_spread){SPW_SPREAD_CLUSTER, 1 + below(2), 0};
    spreads[0].max_groups = below(3) == 0 ? 0 : spreads[0].min_groups + below(3);
    spreads[1] = (spw_spread){SPW_SPREAD_REGION, 1 + below(2), 0};
    spreads[1].max_groups = spreads[1].min_groups + below(2);
    p->spreads = spreads;
    p->spread_count = (size_t)below(3);
}

/** @return whether the policy is one that the core accepts */
static bool random_world(toy *t)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
    static const char *const regions[] = {"n", "s", "w"};
    static const char *const one[] = {"a,b,c,d,e,f"};
    static const char *const two[] = {"a,b,c", "d,e,f"};
    toy_init(t);
    t->settings.explain = true;
    t->works = 1;
    t->has_taints = below(3) == 0;
    for (int i = 0; i < 6; i++) {
        int nodes = below(7);
        (void)toy_pool_add(t, toy_cluster(t, names[i]), "own", SPW_CAPACITY_OWNED, nodes, nodes);
        if (below(3) == 0) {
            (void)toy_pool_add(t, i, "od", SPW_CAPACITY_ON_DEMAND, 0, 1 + below(4));
        }
        t->region[i] = below(12) == 0 ? "" : regions[below(3)];
        t->taints[i] = (spw_taints){taint, (size_t)(below(4) == 0)};
        t->work[0].uid_hash = (uint32_t)below(2);
    }
    random_policy(t);
    bool tiers = below(2) == 0;
    const spw_policy *p = &t->policy;
    bool roomless = p->division == SPW_DIVIDE_STATIC || p->division == SPW_DIVIDE_DUPLICATED;
    if (tiers && roomless && (p->compat || p->rounding == SPW_ROUND_FLOOR)) {
        tiers = false;
    }
    toy_start(t, tiers ? two : one, tiers ? 2 : 1);
    return true;
}

static void check_verdicts(const toy *t)
{
    for (size_t i = 0; i < spw_plan_candidate_count(t->plan); i++) {
        const spw_candidate *c = spw_plan_candidate_at(t->plan, i);
        bool holds = c->verdict == SPW_VERDICT_CHOSEN || c->verdict == SPW_VERDICT_FULL;
        assert_true(c->verdict != SPW_VERDICT_NONE);
        assert_true(holds ? c->target > 0 : (c->target == 0 || c->verdict == SPW_VERDICT_UNTOUCHED));
        assert_true(c->verdict < SPW_VERDICT_NOT_SELECTED || c->target == 0);
    }
}

/** At rest, a native plan that was not refused obeys the limits. */
static void check_constraints(const toy *t)
{
    int clusters = 0;
    int regions = 0;
    bool seen[128] = {false};
    for (int c = 0; c < t->clusters; c++) {
        if (t->assigned[0][c] > 0) {
            clusters++;
            regions += t->region[c][0] != '\0' && !seen[(int)t->region[c][0]] ? 1 : 0;
            seen[(int)t->region[c][0]] = true;
        }
    }
    for (size_t i = 0; i < t->policy.spread_count; i++) {
        const spw_spread *s = &t->policy.spreads[i];
        int have = s->field == SPW_SPREAD_CLUSTER ? clusters : regions;
        int limit = s->max_groups;
        /* one cluster of each region is taken, even where that makes more of them than the limit */
        if (s->field == SPW_SPREAD_CLUSTER && t->policy.spread_count == 2 && limit > 0 && limit < regions) {
            limit = regions;
        }
        if (limit > 0 && have > limit) {
            fail_msg("%d, the limit is %d", have, limit);
        }
    }
}

static bool is_static_compat(const toy *t)
{
    return t->policy.compat && t->policy.division == SPW_DIVIDE_STATIC;
}

static void rest(toy *t, uint64_t world)
{
    int quiet = 0;
    for (int i = 0; i < 12 && quiet < 2; i++) {
        t->now += 15 * S;
        (void)toy_tick(t);
        check_verdicts(t);
        quiet = strstr(toy_text(t), "place ") == NULL ? quiet + 1 : 0;
        toy_settle(t);
    }
    if (quiet < 2) {
        fail_msg("world %llu does not come to rest:\n%s", (unsigned long long)world, toy_text(t));
    }
}

static void constant_input_comes_to_rest(void **state)
{
    (void)state;
    int limited = 0;
    for (uint64_t world = 1; world <= WORLDS; world++) {
        toy t;
        seed = world * UINT64_C(0x9e3779b97f4a7c15) + 1;
        (void)random_world(&t);
        for (int phase = 0; phase < 4; phase++) {
            t.template_replicas[0] = below(16);
            if (below(4) == 0) {
                t.reschedule[0] = t.now;
            }
            rest(&t, world);
            bool refused = false;
            for (size_t i = 0; i < spw_plan_candidate_count(t.plan); i++) {
                spw_verdict v = spw_plan_candidate_at(t.plan, i)->verdict;
                refused = refused || v == SPW_VERDICT_REFUSED || v == SPW_VERDICT_UNTOUCHED;
            }
            refused = refused || spw_plan_outcome_at(t.plan, 0)->unplaced > 0;
            if (!refused && phase == 0 && !is_static_compat(&t)) {
                check_constraints(&t);
                limited++;
            }
        }
        toy_end(&t);
    }
    assert_true(limited > WORLDS / 4);
}

static void order_of_rows_means_nothing(void **state)
{
    (void)state;
    for (uint64_t world = 1; world <= 300; world++) {
        char text[4][1024];
        for (int turn = 0; turn < 4; turn++) {
            toy t;
            seed = world * UINT64_C(0x9e3779b97f4a7c15) + 7;
            (void)random_world(&t);
            t.reversed = (turn & 1) != 0;
            t.rotated = turn;
            t.template_replicas[0] = 3 + below(8);
            (void)toy_tick(&t);
            toy_settle(&t);
            t.now += 15 * S;
            t.reschedule[0] = t.now;
            t.template_replicas[0] += below(4);
            (void)toy_tick(&t);
            (void)snprintf(text[turn], sizeof text[0], "%s", toy_text(&t));
            assert_string_equal(text[turn], text[0]);
            toy_end(&t);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constant_input_comes_to_rest),
        cmocka_unit_test(order_of_rows_means_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
