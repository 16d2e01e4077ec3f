/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_strategies.c - fresh and steady division, the older rounding, spread constraints and Karmada's own manner,
 * through the whole core. Every number worked by hand.
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

#define S SPW_NS_PER_S

static const char *const NAMES[] = {"a", "b", "c", "d"};
static const char *const TOGETHER[] = {"a,b,c,d"};
static const char *const APART[] = {"a", "b", "c", "d"};

/** Clusters a, b, c, d with so many idle nodes of one GPU, owned; a negative number: no such cluster. */
static void four(toy *t, int a, int b, int c, int d)
{
    const int nodes[4] = {a, b, c, d};
    toy_init(t);
    for (int i = 0; i < 4 && nodes[i] >= 0; i++) {
        (void)toy_pool_add(t, toy_cluster(t, NAMES[i]), "own", SPW_CAPACITY_OWNED, nodes[i], nodes[i]);
    }
}

static void put(toy *t, int a, int b, int c, int d)
{
    const int32_t n[4] = {a, b, c, d};
    for (int i = 0; i < t->clusters; i++) {
        t->assigned[0][i] = n[i];
    }
    toy_settle(t);
}

static void expect(toy *t, int a, int b, int c, int d)
{
    const int32_t want[4] = {a, b, c, d};
    for (int i = 0; i < t->clusters; i++) {
        if (t->assigned[0][i] != want[i]) {
            fail_msg("cluster %s: %d, not %d\n%s", NAMES[i], t->assigned[0][i], want[i], toy_text(t));
        }
    }
}

/** Asks for n and decides. */
static void ask(toy *t, int32_t n)
{
    t->now += 15 * S;
    t->template_replicas[0] = n;
    (void)toy_tick(t);
}

static void want(toy *t, int32_t n)
{
    ask(t, n);
    toy_settle(t);
}

static int32_t unplaced(const toy *t)
{
    return spw_plan_outcome_at(t->plan, 0)->unplaced;
}

/* --- fresh --- */

/** 9 on a alone; c and b are as roomy: anew, all three get a third, and a's go only when the copies are ready. */
static void fresh_divides_over_all_that_fits(void **state)
{
    (void)state;
    toy t;
    four(&t, 9, 9, 9, -1);
    toy_start(&t, TOGETHER, 1);
    put(&t, 9, 0, 0, 0);
    want(&t, 9);
    expect(&t, 9, 0, 0, 0); /* steady: equal stays */
    t.reschedule[0] = t.now;
    ask(&t, 9);
    assert_non_null(strstr(toy_text(&t), "place prod/chat b 0 -> 3  rescheduled\n"));
    expect(&t, 9, 3, 3, 0);
    ask(&t, 9); /* nothing is ready yet: the same targets, nothing new */
    expect(&t, 9, 3, 3, 0);
    toy_settle(&t);
    ask(&t, 9);
    assert_non_null(strstr(toy_text(&t), "place prod/chat a 9 -> 3  move-out\n"));
    expect(&t, 3, 3, 3, 0);
    toy_settle(&t);
    want(&t, 9); /* carried out: the same request asks for nothing any more */
    put(&t, 9, 0, 0, 0);
    want(&t, 9);
    expect(&t, 9, 0, 0, 0);
    toy_end(&t);
}

static void a_request_ends_by_the_deadline(void **state)
{
    (void)state;
    toy t;
    four(&t, 9, 9, -1, -1);
    t.policy.move_deadline = 60 * S;
    toy_start(&t, TOGETHER, 1);
    put(&t, 8, 0, 0, 0);
    t.reschedule[0] = 1;
    ask(&t, 8);
    expect(&t, 8, 4, 0, 0);
    for (int i = 0; i < 4; i++) {
        ask(&t, 8); /* the copies never become ready */
        expect(&t, 8, 4, 0, 0);
    }
    ask(&t, 8); /* steady again: 12 held, 8 wanted; Webster over 8 and 4 gives 5 and 3, only what is not ready goes */
    assert_int_equal(t.assigned[0][1], 3);
    toy_end(&t);
}

/** The request survives a restart: half done before, finished after. */
static void a_request_is_part_of_the_state(void **state)
{
    (void)state;
    toy t;
    four(&t, 9, 9, -1, -1);
    toy_start(&t, TOGETHER, 1);
    put(&t, 8, 0, 0, 0);
    t.reschedule[0] = 1;
    want(&t, 8);
    unsigned char bytes[8192];
    size_t size = spw_state_size(t.core);
    assert_true(size <= sizeof bytes);
    assert_int_equal(spw_state_save(t.core, bytes, size), SPW_OK);
    toy_restart(&t);
    assert_int_equal(spw_state_load(t.core, bytes, size), SPW_OK);
    want(&t, 8);
    expect(&t, 4, 4, 0, 0);
    want(&t, 8);
    put(&t, 8, 0, 0, 0);
    want(&t, 8);
    expect(&t, 8, 0, 0, 0);
    toy_end(&t);
}

/** Fresh aggregated: 12 over 6, 8, 10 is 10 + 8 >= 12, then Webster: 5 and 7; holders come first. */
static void fresh_aggregated(void **state)
{
    (void)state;
    toy t;
    four(&t, 6, 8, 10, -1);
    t.policy.division = SPW_DIVIDE_AGGREGATED;
    toy_start(&t, TOGETHER, 1);
    want(&t, 12);
    expect(&t, 0, 5, 7, 0);
    want(&t, 12); /* the writes are seen: from now on others may change them */
    put(&t, 6, 6, 0, 0);
    t.reschedule[0] = t.now;
    ask(&t, 12); /* holders b (8), a (6): 14 >= 12; 6.9 : 5.1 = 7 + 5 */
    toy_settle(&t);
    ask(&t, 12);
    expect(&t, 5, 7, 0, 0);
    toy_end(&t);
}

/** In ordered groups a request brings everything to the best groups at once, whatever failback says. */
static void fresh_refills_tiers(void **state)
{
    (void)state;
    toy t;
    four(&t, 4, 4, 4, -1);
    t.policy.failback = SPW_FAILBACK_NEVER;
    toy_start(&t, APART, 3);
    put(&t, 0, 2, 4, 0);
    want(&t, 6);
    expect(&t, 0, 2, 4, 0);
    t.reschedule[0] = t.now;
    want(&t, 6);
    want(&t, 6);
    expect(&t, 4, 2, 0, 0);
    toy_end(&t);
}

/* --- the older rounding --- */

/**
 * Weights 170, 110, 60. Whole parts of 5: 2.5 1.6 .88 = 2 1 0, two left: 3 2 0. Of 6: 3 1.9 1.06 = 3 1 1, one left: 4
 * 1 1. With one more to give b lost one. Webster: 2 2 1 and 3 2 1.
 */
static void older_rounding_is_not_house_monotone(void **state)
{
    (void)state;
    static const char *const names[3][1] = {{"a"}, {"b"}, {"c"}};
    static const spw_static_weight weights[] = {{{.names = names[0], .name_count = 1}, 170},
                                                {{.names = names[1], .name_count = 1}, 110},
                                                {{.names = names[2], .name_count = 1}, 60}};
    for (int old = 0; old < 2; old++) {
        toy t;
        four(&t, 9, 9, 9, -1);
        t.policy.division = SPW_DIVIDE_STATIC;
        t.policy.static_weights = weights;
        t.policy.static_weight_count = 3;
        t.policy.rounding = old != 0 ? SPW_ROUND_FLOOR : SPW_ROUND_WEBSTER;
        toy_start(&t, TOGETHER, 1);
        want(&t, 5);
        expect(&t, old != 0 ? 3 : 2, 2, old != 0 ? 0 : 1, 0);
        want(&t, 6);
        want(&t, 6);
        expect(&t, old != 0 ? 4 : 3, old != 0 ? 1 : 2, 1, 0);
        toy_end(&t);
    }
}

/** Equal weights: what is left over goes to who has more already, then by name. */
static void older_rounding_prefers_holders(void **state)
{
    (void)state;
    toy t;
    four(&t, 8, 8, 8, -1);
    t.policy.rounding = SPW_ROUND_FLOOR;
    toy_start(&t, TOGETHER, 1);
    put(&t, 1, 1, 2, 0);
    t.reschedule[0] = 1;
    want(&t, 4); /* 8 8 8: 1 each, and one left: c, which has 2 */
    want(&t, 4);
    expect(&t, 1, 1, 2, 0);
    toy_end(&t);
}

/* --- spread constraints --- */

static const spw_spread TWO_CLUSTERS[] = {{SPW_SPREAD_CLUSTER, 1, 2}};

static void at_most_two_clusters(void **state)
{
    (void)state;
    toy t;
    four(&t, 3, 4, 5, 6);
    t.policy.spreads = TWO_CLUSTERS;
    t.policy.spread_count = 1;
    toy_start(&t, TOGETHER, 1);
    want(&t, 6); /* the roomiest: d 6, c 5. Webster 6 : 5 of 6 = 6 5 2 1.67 1.2 1 -> d 3, c 3 */
    expect(&t, 0, 0, 3, 3);
    want(&t, 11);
    expect(&t, 0, 0, 5, 6);
    want(&t, 13); /* no two hold 13: as many as fit */
    expect(&t, 0, 0, 5, 6);
    assert_int_equal(unplaced(&t), 2);
    toy_end(&t);
}

/** a and b hold; 11 do not fit in them: b, the last, is swapped for the roomiest, d; then a for c. Copies first. */
static void full_holders_are_swapped(void **state)
{
    (void)state;
    toy t;
    four(&t, 3, 4, 5, 6);
    t.policy.spreads = TWO_CLUSTERS;
    t.policy.spread_count = 1;
    toy_start(&t, TOGETHER, 1);
    put(&t, 2, 3, 0, 0);
    want(&t, 7);
    expect(&t, 3, 4, 0, 0); /* they suffice: nothing moves */
    ask(&t, 10);            /* order: b 4, a 3; a, the last, for d 6: 10 fit */
    expect(&t, 3, 4, 0, 6);
    toy_settle(&t);
    ask(&t, 10);
    assert_non_null(strstr(toy_text(&t), "place prod/chat a 3 -> 0  spread\n"));
    expect(&t, 0, 4, 0, 6);
    for (int i = 0; i < 5; i++) {
        want(&t, 10);
        expect(&t, 0, 4, 0, 6);
    }
    toy_end(&t);
}

static void too_few_clusters_place_nothing(void **state)
{
    (void)state;
    static const spw_spread five[] = {{SPW_SPREAD_CLUSTER, 5, 0}};
    toy t;
    four(&t, 3, 4, 5, 6);
    t.policy.spreads = five;
    t.policy.spread_count = 1;
    toy_start(&t, TOGETHER, 1);
    want(&t, 2);
    expect(&t, 0, 0, 0, 0);
    assert_int_equal(unplaced(&t), 2);
    toy_end(&t);
}

/**
 * Two regions of 3: target ceil(8 / 2) = 4 each, two clusters at least. north: a 6 (c not needed for 4, but for the
 * count) 1000 x 4; south: b 3 + d 0 = 3000; west has e ... only four clusters here: west: c 5, alone, 4000. Sets of two
 * with 2 clusters: all. north a (4000) + west c (4000) = 8000 beats those with south b + d (3000).
 */
static void the_two_best_regions(void **state)
{
    (void)state;
    static const spw_spread regions[] = {{SPW_SPREAD_REGION, 2, 2}, {SPW_SPREAD_CLUSTER, 2, 4}};
    toy t;
    four(&t, 6, 3, 5, 0);
    t.region[0] = "north";
    t.region[1] = "south";
    t.region[2] = "west";
    t.region[3] = "south";
    t.policy.spreads = regions;
    t.policy.spread_count = 2;
    toy_start(&t, TOGETHER, 1);
    want(&t, 8); /* 6 : 5 of 8: 6 5 2 1.67 1.2 1 .86 .71 -> a 4, c 4 */
    expect(&t, 4, 0, 4, 0);
    want(&t, 8);
    expect(&t, 4, 0, 4, 0);
    toy_end(&t);
}

static void duplicated_under_a_constraint(void **state)
{
    (void)state;
    toy t;
    four(&t, 3, 4, 5, 6);
    t.policy.division = SPW_DIVIDE_DUPLICATED;
    t.policy.spreads = TWO_CLUSTERS;
    t.policy.spread_count = 1;
    toy_start(&t, TOGETHER, 1);
    want(&t, 2);
    expect(&t, 0, 0, 2, 2);
    toy_end(&t);
}

/** Karmada lets static weights ignore spread constraints; here they choose among those that weigh something. */
static void static_weights_and_constraints(void **state)
{
    (void)state;
    static const spw_static_weight weights[] = {{{.names = NULL}, 1}};
    for (int compat = 0; compat < 2; compat++) {
        toy t;
        four(&t, 9, 9, 9, 9);
        t.policy.division = SPW_DIVIDE_STATIC;
        t.policy.static_weights = weights;
        t.policy.static_weight_count = 1;
        t.policy.spreads = TWO_CLUSTERS;
        t.policy.spread_count = 1;
        t.policy.compat = compat != 0;
        toy_start(&t, TOGETHER, 1);
        want(&t, 4);
        expect(&t, compat != 0 ? 1 : 2, compat != 0 ? 1 : 2, compat != 0 ? 1 : 0, compat != 0 ? 1 : 0);
        toy_end(&t);
    }
}

/* --- Karmada's own manner --- */

static void karmada(toy *t, spw_group_order order, spw_division division)
{
    t->policy.compat = true;
    t->policy.partial = false;
    t->policy.elastic = false;
    t->policy.order = order;
    t->policy.division = division;
}

/** 6 idle in group 1, 6 in group 2. 8 wanted: 6 + 2. 4 go from the side in group 1, and nothing moves until a resize.
 */
static void karmada_pulls_back_in_one_write(void **state)
{
    (void)state;
    for (int compat = 0; compat < 2; compat++) {
        toy t;
        four(&t, 6, 6, -1, -1);
        t.policy.failback = SPW_FAILBACK_ON_RESIZE;
        t.policy.moves_per_tick = 100;
        if (compat != 0) {
            karmada(&t, SPW_GROUPS_ORDERED, SPW_DIVIDE_DYNAMIC);
        }
        toy_start(&t, APART, 2);
        put(&t, 3, 5, 0, 0);
        for (int i = 0; i < 5; i++) {
            want(&t, 8); /* room in a, no resize: nobody moves */
            expect(&t, 3, 5, 0, 0);
        }
        ask(&t, 7); /* a could hold 6: 6 + 1 */
        if (compat != 0) {
            assert_non_null(strstr(toy_text(&t), "place prod/chat a 3 -> 6  fill-idle\n"));
            assert_non_null(strstr(toy_text(&t), "place prod/chat b 5 -> 1  scale-in\n"));
            expect(&t, 6, 1, 0, 0); /* 4 ready replicas left, 7 wanted: the trap */
        } else {
            assert_true(t.assigned[0][1] >= 4); /* 3 + 4 ready stay until the copies are */
            toy_settle(&t);
            want(&t, 7);
            expect(&t, 6, 1, 0, 0);
        }
        toy_end(&t);
    }
}

/** More is wanted: tiers are derived anew, replicas that overflowed come back in the same write. */
static void karmada_resize_up_pulls_back(void **state)
{
    (void)state;
    toy t;
    four(&t, 6, 6, -1, -1);
    karmada(&t, SPW_GROUPS_ORDERED, SPW_DIVIDE_DYNAMIC);
    toy_start(&t, APART, 2);
    put(&t, 1, 5, 0, 0);
    ask(&t, 7);
    assert_non_null(strstr(toy_text(&t), "place prod/chat a 1 -> 6  fill-idle\n"));
    assert_non_null(strstr(toy_text(&t), "place prod/chat b 5 -> 1  pulled-back\n"));
    toy_end(&t);
}

/** Capacity is no trigger: replicas without a node stay where they are written; a request or a resize moves them. */
static void karmada_capacity_never_triggers(void **state)
{
    (void)state;
    toy t;
    four(&t, 6, 6, -1, -1);
    karmada(&t, SPW_GROUPS_ORDERED, SPW_DIVIDE_DYNAMIC);
    toy_start(&t, TOGETHER, 1);
    put(&t, 4, 0, 0, 0);
    t.pool[0].nodes = t.pool[0].target = 0; /* a is lost, but for its records */
    toy_settle(&t);
    for (int i = 0; i < 10; i++) {
        want(&t, 4);
        expect(&t, 4, 0, 0, 0);
    }
    want(&t, 5); /* one more is all that is placed anew */
    expect(&t, 4, 1, 0, 0);
    t.reschedule[0] = t.now;
    ask(&t, 5); /* fresh: avail a 4 (written), b 6: 4 : 6 of 5 = 2 + 3 */
    expect(&t, 2, 3, 0, 0);
    toy_end(&t);
}

/** Begins with another core, which takes over `size` bytes of state if these are not 0. */
static void begin_anew(toy *t, const void *saved, size_t size)
{
    toy_restart(t);
    if (size > 0) {
        assert_int_equal(spw_state_load(t->core, saved, size), SPW_OK);
    }
}

/**
 * 3 and 5 are written of 8, and tiers would give 6 and 2. The same placement leaves it, also after a restart; another
 * one derives the tiers anew, once, if the state says which was applied.
 */
static void karmada_new_placement(void **state)
{
    (void)state;
    static uint8_t saved[1 << 16];
    toy t;
    four(&t, 6, 6, -1, -1);
    karmada(&t, SPW_GROUPS_ORDERED, SPW_DIVIDE_DYNAMIC);
    toy_start(&t, APART, 2);
    put(&t, 3, 5, 0, 0);
    want(&t, 8);
    expect(&t, 3, 5, 0, 0);
    const size_t size = spw_state_size(t.core);
    assert_in_range(size, 1, sizeof saved);
    assert_int_equal(spw_state_save(t.core, saved, size), SPW_OK);
    begin_anew(&t, saved, size);
    want(&t, 8);
    expect(&t, 3, 5, 0, 0);
    t.policy.division = SPW_DIVIDE_AGGREGATED;
    begin_anew(&t, NULL, 0);
    want(&t, 8); /* both clusters are of the placement: nothing says that it is another */
    expect(&t, 3, 5, 0, 0);
    begin_anew(&t, saved, size);
    want(&t, 8);
    expect(&t, 6, 2, 0, 0);
    want(&t, 8); /* sees it carried out */
    put(&t, 3, 5, 0, 0);
    want(&t, 8); /* applied by now */
    expect(&t, 3, 5, 0, 0);
    toy_end(&t);
}

static void karmada_refuses_whole(void **state)
{
    (void)state;
    toy t;
    four(&t, 4, 4, -1, -1);
    karmada(&t, SPW_GROUPS_ORDERED, SPW_DIVIDE_DYNAMIC);
    toy_start(&t, TOGETHER, 1);
    put(&t, 1, 5, 0, 0);
    ask(&t, 10); /* 3 left in a, none in b: 4 more do not fit */
    expect(&t, 1, 5, 0, 0);
    assert_int_equal(unplaced(&t), 4);
    ask(&t, 9); /* 3 more do */
    expect(&t, 4, 5, 0, 0);
    toy_end(&t);
}

/** No cluster at all fits: the old result is cleared. */
static void karmada_clears_when_no_cluster_fits(void **state)
{
    (void)state;
    static const spw_taint gone[] = {{"gone", "", SPW_TAINT_NO_SCHEDULE}};
    static const char *const only_b[] = {"b"};
    toy t;
    four(&t, 4, 4, -1, -1);
    karmada(&t, SPW_GROUPS_ORDERED, SPW_DIVIDE_DYNAMIC);
    toy_start(&t, only_b, 1);
    put(&t, 3, 0, 0, 0); /* left over from before the policy was changed */
    t.has_taints = true;
    t.taints[1] = (spw_taints){gone, 1};
    ask(&t, 4);
    expect(&t, 0, 0, 0, 0);
    toy_end(&t);
}

/** The first group that holds everything; not back when the first has room again; anew from the first on request. */
static void karmada_failover_groups(void **state)
{
    (void)state;
    toy t;
    four(&t, 4, 6, 8, -1);
    karmada(&t, SPW_GROUPS_FAILOVER, SPW_DIVIDE_DYNAMIC);
    toy_start(&t, APART, 3);
    want(&t, 4);
    expect(&t, 4, 0, 0, 0);
    ask(&t, 5); /* in one write: nothing waits */
    expect(&t, 0, 5, 0, 0);
    toy_settle(&t);
    want(&t, 3);
    expect(&t, 0, 3, 0, 0);
    t.reschedule[0] = t.now;
    want(&t, 3);
    expect(&t, 3, 0, 0, 0);
    want(&t, 9);
    expect(&t, 3, 0, 0, 0); /* none holds 9 */
    toy_end(&t);
}

/** Equal votes: seats by name, backwards if the hash of the UID is odd. */
static void karmada_ties(void **state)
{
    (void)state;
    for (uint32_t hash = 0; hash < 2; hash++) {
        toy t;
        four(&t, 5, 5, 5, -1);
        karmada(&t, SPW_GROUPS_ORDERED, SPW_DIVIDE_DYNAMIC);
        t.work[0].uid_hash = hash;
        toy_start(&t, TOGETHER, 1);
        want(&t, 5);
        expect(&t, hash == 0 ? 2 : 1, 2, hash == 0 ? 1 : 2, 0);
        toy_end(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fresh_divides_over_all_that_fits),
        cmocka_unit_test(a_request_ends_by_the_deadline),
        cmocka_unit_test(a_request_is_part_of_the_state),
        cmocka_unit_test(fresh_aggregated),
        cmocka_unit_test(fresh_refills_tiers),
        cmocka_unit_test(older_rounding_is_not_house_monotone),
        cmocka_unit_test(older_rounding_prefers_holders),
        cmocka_unit_test(at_most_two_clusters),
        cmocka_unit_test(full_holders_are_swapped),
        cmocka_unit_test(too_few_clusters_place_nothing),
        cmocka_unit_test(the_two_best_regions),
        cmocka_unit_test(duplicated_under_a_constraint),
        cmocka_unit_test(static_weights_and_constraints),
        cmocka_unit_test(karmada_pulls_back_in_one_write),
        cmocka_unit_test(karmada_resize_up_pulls_back),
        cmocka_unit_test(karmada_capacity_never_triggers),
        cmocka_unit_test(karmada_new_placement),
        cmocka_unit_test(karmada_refuses_whole),
        cmocka_unit_test(karmada_clears_when_no_cluster_fits),
        cmocka_unit_test(karmada_failover_groups),
        cmocka_unit_test(karmada_ties),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
