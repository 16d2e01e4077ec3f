/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_reference_worlds.c - random worlds in which counts are in replicas on a reference GPU class.
 *
 * Clusters mix cards of three throughputs; workloads want so much throughput, in replicas of the reference class, and
 * the core turns that into copies. The truth is the pods of core_world.h: what the node of each gives. From it, and
 * from the plan, with no look at how the core counts: room       all that grows finds a GPU that its workload can use
 *   from below copies added could not all be spared: but for the last, on the slowest card, what stands and what is
 *              added gives less than is wanted
 *   enough     after a scale-in what stays gives what is wanted, whichever copies the clusters took away
 *   the end    when all is calm nothing changes any more; what is ready gives what is wanted, or there is no room, and
 * is over it by less than one copy on the fastest card; what is unplaced makes up for the difference
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/core_world.h"

#define S           SPW_NS_PER_S
#define WORLDS      300
#define WILD_TICKS  50
#define CALM_TICKS  600
#define QUIET_TICKS 80
#define CLASSES     3

static const char *const NAMES[CLASSES] = {"fast", "mid", "slow"};

/* --- throughput, by the pods --- */

static int32_t milli_on(const world *w, int work, int pool)
{
    const spw_workload *k = &w->t.work[work];
    for (size_t i = 0; i < k->gpu_class_count; i++) {
        if (strcmp(k->gpu_classes[i], w->t.pool[pool].gpu) == 0) {
            return k->by_reference ? k->gpu_milli[i] : 1000;
        }
    }
    return 0;
}

/** Fastest and slowest card that any cluster has for a workload. */
static int32_t card(const world *w, int work, bool fastest)
{
    int32_t found = 0;
    for (int p = 0; p < w->t.pools; p++) {
        int32_t milli = milli_on(w, work, p);
        bool better = milli > 0 && (found == 0 || (fastest ? milli > found : milli < found));
        found = better ? milli : found;
    }
    return found;
}

/** Of pods on nodes; those that wait for one count `waiting` each. Only where clusters answer, if asked for. */
static int64_t throughput(const world *w, int work, int32_t waiting, bool answering)
{
    int64_t sum = 0;
    for (int i = 0; i < CW_PODS; i++) {
        const pod *p = &w->pods[i];
        if (p->work == work && (w->t.ready[p->cluster] || !answering)) {
            sum += p->node < 0 ? waiting : milli_on(w, work, w->nodes[p->node].pool);
        }
    }
    return sum;
}

static const spw_outcome *outcome_of(const world *w, int work)
{
    for (size_t i = 0; i < spw_plan_outcome_count(w->t.plan); i++) {
        const spw_outcome *out = spw_plan_outcome_at(w->t.plan, i);
        if ((int)out->workload == work) {
            return out;
        }
    }
    fail_msg("a workload without an outcome");
    return NULL;
}

/* --- what must hold --- */

/**
 * Copies of a move come on top, or are given up and planned anew; so do those of a failover group that is left; lost
 * writes leave promises that nobody sees.
 */
static bool counts_are_plain(const world *w)
{
    const spw_policy *p = &w->t.policy;
    return p->failback == SPW_FAILBACK_NEVER && p->order == SPW_GROUPS_ORDERED && w->tick - w->deaf_at > 21;
}

static void from_below(world *w, const cw_after *a)
{
    for (int k = 0; k < w->t.works; k++) {
        int64_t added = 0;
        for (int c = 0; c < w->t.clusters; c++) {
            added += a->grew[k][c] ? a->assigned[k][c] - w->t.assigned[k][c] : 0;
        }
        int64_t wanted = (int64_t)outcome_of(w, k)->desired * 1000;
        if (added > 0 && counts_are_plain(w)) {
            MUST(w, throughput(w, k, 0, true) + (added - 1) * card(w, k, false) < wanted);
        }
    }
}

/** To be asked once the clusters have carried the plan out. A waiting copy may get the fastest card. */
static void enough_stays(world *w)
{
    for (size_t i = 0; i < spw_plan_count(w->t.plan); i++) {
        const spw_action *x = spw_plan_at(w->t.plan, i);
        if (x->verb == SPW_VERB_PLACE && x->reason == SPW_WHY_SCALE_IN && counts_are_plain(w)) {
            int k = (int)x->workload;
            MUST(w, throughput(w, k, card(w, k, true), false) >= (int64_t)outcome_of(w, k)->desired * 1000);
        }
    }
}

static void the_end(world *w)
{
    for (int k = 0; k < w->t.works; k++) {
        const spw_outcome *out = outcome_of(w, k);
        int64_t wanted = (int64_t)out->desired * 1000;
        int64_t is = throughput(w, k, 0, false);
        int64_t fastest = card(w, k, true);
        bool room = false;
        for (int c = 0; c < w->t.clusters; c++) {
            node nodes[CW_NODES];
            memcpy(nodes, w->nodes, sizeof nodes);
            room = room || cw_pack(w, nodes, k, c, 1) == 1;
        }
        MUST(w, throughput(w, k, 1, false) == is); /* nothing waits */
        MUST(w, is == 0 || is - wanted < fastest);
        bool whole = w->t.policy.order == SPW_GROUPS_FAILOVER; /* what one group cannot hold whole is not placed */
        MUST(w, out->unplaced > 0 || is >= wanted);
        MUST(w, out->unplaced == 0 || whole || !room);
        if (out->unplaced > 0 && !whole) {
            MUST(w, is + (int64_t)out->unplaced * 1000 >= wanted);
            MUST(w, is + (int64_t)(out->unplaced - 1) * 1000 < wanted);
        }
    }
}

/* --- the world --- */

static void make_works(world *w)
{
    static int32_t milli[TOY_WORKS][CLASSES];
    choice *c = &w->c;
    toy *t = &w->t;
    int32_t gpus = 1 << choice_below(c, 2);
    t->works = (int)choice_range(c, 1, 3);
    for (int k = 0; k < t->works; k++) {
        static const int32_t least[CLASSES] = {1000, 500, 100};
        static const int32_t most[CLASSES] = {2500, 1000, 499};
        for (int i = 0; i < CLASSES; i++) { /* often round figures: sums that meet what is wanted exactly */
            milli[k][i] = choice_chance(c, 1, 2) ? least[i] : (int32_t)choice_range(c, least[i], most[i]);
        }
        t->work[k].gpus = gpus;
        t->work[k].priority = 100 - k;
        t->work[k].gpu_classes = NAMES;
        t->work[k].gpu_class_count = (size_t)choice_range(c, 1, CLASSES); /* some cannot use the slower ones */
        t->work[k].gpu_milli = milli[k];
        t->work[k].by_reference = choice_chance(c, 4, 5);
        t->template_replicas[k] = (int32_t)choice_range(c, 0, 12);
    }
}

static void make_clusters(world *w)
{
    static const char *const names[] = {"eu", "ap", "us"};
    static const char *const pools[] = {"own", "rent", "spot"};
    static const spw_capacity kinds[] = {SPW_CAPACITY_OWNED, SPW_CAPACITY_ON_DEMAND, SPW_CAPACITY_SPOT};
    choice *c = &w->c;
    toy *t = &w->t;
    for (int k = 0; k < 3; k++) {
        (void)toy_cluster(t, names[k]);
        for (int p = 0; p < 3; p++) {
            if (p > 0 && choice_chance(c, 1, 3)) {
                continue;
            }
            int nodes = p == 0 ? (int)choice_range(c, 1, 5) : (int)choice_below(c, 3);
            int n = toy_pool_add(t, k, pools[p], kinds[p], nodes, p == 0 ? nodes : nodes + (int)choice_below(c, 4));
            t->pool[n].gpus_per_node = 2 << choice_below(c, 2);
            t->pool[n].gpu = NAMES[choice_below(c, CLASSES)];
            for (int i = 0; i < nodes; i++) {
                cw_add_node(w, n);
            }
        }
    }
}

static void make(world *w, uint64_t seed)
{
    static const char *const lists[][3] = {{"eu,ap,us"}, {"eu", "ap,us"}, {"eu", "ap", "us"}};
    cw_init(w);
    choice *c = &w->c;
    w->seed = seed;
    w->deaf_at = -1000;
    choice_seed(c, seed);
    toy_init(&w->t);
    w->t.settings.promise_ttl = 300 * S;
    w->t.has_usage = true;
    make_clusters(w);
    make_works(w);
    spw_policy *p = &w->t.policy;
    p->elastic = choice_chance(c, 2, 3);
    p->order = choice_chance(c, 3, 4) ? SPW_GROUPS_ORDERED : SPW_GROUPS_FAILOVER;
    p->division = choice_chance(c, 1, 2) ? SPW_DIVIDE_DYNAMIC : SPW_DIVIDE_AGGREGATED;
    p->step_major = (spw_step_major)choice_range(c, SPW_STEP_PER_TIER, SPW_STEP_GLOBAL);
    p->failback = choice_chance(c, 1, 2) ? SPW_FAILBACK_NEVER : SPW_FAILBACK_AUTOMATIC;
    p->failback_window = choice_range(c, 0, 4) * 15 * S;
    p->move_deadline = choice_range(c, 2, 8) * 15 * S;
    p->provision_deadline = choice_range(c, 2, 8) * 15 * S;
    p->node_unneeded = choice_range(c, 1, 8) * 15 * S;
    int kind = (int)choice_below(c, 3);
    toy_start(&w->t, lists[kind], kind + 1);
}

static void mischief(world *w)
{
    toy *t = &w->t;
    choice *c = &w->c;
    for (int k = 0; k < t->works; k++) {
        if (choice_chance(c, 1, 8)) {
            t->template_replicas[k] = (int32_t)choice_range(c, 0, 16);
        }
    }
    int i = (int)choice_below(c, CW_NODES);
    if (choice_chance(c, 1, 4) && w->nodes[i].pool >= 0) {
        cw_lose_node(w, i);
    }
    for (int k = 0; k < t->clusters; k++) {
        t->ready[k] = choice_chance(c, 1, 25) ? !t->ready[k] : t->ready[k];
    }
    t->deaf = choice_chance(c, 1, 20);
    w->deaf_at = t->deaf ? w->tick : w->deaf_at;
}

static void step(world *w)
{
    toy *t = &w->t;
    cw_after a;
    cw_show(w);
    toy_decide(t, t->core, t->plan, w->text, sizeof w->text);
    cw_read_plan(w, &a);
    MUST(w, cw_growth_fits(w, &a));
    from_below(w, &a);
    for (size_t i = 0; i < spw_plan_count(t->plan) && !t->deaf; i++) {
        toy_carry_out(t, spw_plan_at(t->plan, i));
    }
    cw_provider(w);
    cw_members(w);
    if (!t->deaf) {
        enough_stays(w);
    }
    t->now += 15 * S;
    w->tick++;
}

static void counts_in_reference_replicas(void **state)
{
    (void)state;
    static world w;
    int short_of_room = 0;
    for (uint64_t seed = 1; seed <= WORLDS; seed++) {
        make(&w, seed);
        for (int i = 0; i < WILD_TICKS; i++) {
            mischief(&w);
            step(&w);
        }
        w.calm = true;
        w.t.deaf = false;
        for (int k = 0; k < w.t.clusters; k++) {
            w.t.ready[k] = true;
        }
        int quiet = 0;
        for (int i = 0; i < CALM_TICKS && quiet < QUIET_TICKS; i++) {
            step(&w);
            quiet = w.text[0] == '\0' ? quiet + 1 : 0;
        }
        MUST(&w, quiet == QUIET_TICKS);
        the_end(&w);
        short_of_room += outcome_of(&w, w.t.works - 1)->unplaced > 0 ? 1 : 0;
        toy_end(&w.t);
    }
    assert_true(short_of_room > WORLDS / 20 && short_of_room < WORLDS); /* both ends are met */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_in_reference_replicas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
