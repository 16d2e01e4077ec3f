/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_preempt_worlds.c - random worlds with victims, through whole decisions, and what must hold in all of them:
 * plans pass their check; whoever is preempted loses to a strictly more important workload that grows there; nobody
 * with preemptionPolicy Never, and nobody under a policy without preemption, has a victim; nobody loses twice to a
 * chain in one tick; a twin that sees all tables in another order and passes over nobody, and a core restarted from
 * saved bytes, say the same; on constant input the plans become empty and stay so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/choice.h"
#include "tests/support/toy.h"

#define S(n)   ((spw_time)(n)*SPW_NS_PER_S)
#define WORLDS 300
#define WILD   25
#define CALM   120
#define QUIET  40

typedef struct twins {
    toy t;
    choice c;
    spw_core *other;
    spw_plan *other_plan;
    int seed, tick, victims;
    char text[8192], other_text[8192];
} twins;

static void begin(twins *w, int seed)
{
    static const char *const names[] = {"a", "b", "c"};
    toy *t = &w->t;
    choice *c = &w->c;
    choice_seed(c, (uint64_t)seed);
    w->seed = seed;
    toy_init(t);
    int clusters = (int)choice_range(c, 1, 3);
    int node_gpus = choice_below(c, 2) == 0 ? 1 : 4;
    for (int k = 0; k < clusters; k++) {
        int nodes = (int)choice_range(c, 1, 4);
        (void)toy_cluster(t, names[k]);
        int own = toy_pool_add(t, k, "own", SPW_CAPACITY_OWNED, nodes, nodes);
        t->pool[own].gpus_per_node = node_gpus;
        if (choice_below(c, 2) == 0) {
            int rent = toy_pool_add(t, k, "rent", SPW_CAPACITY_ON_DEMAND, 0, (int)choice_range(c, 1, 3));
            t->pool[rent].gpus_per_node = node_gpus;
        }
    }
    t->works = TOY_WORKS;
    for (int i = 0; i < t->works; i++) {
        t->work[i].priority = (int32_t)choice_below(c, 4);
        t->work[i].gpus = node_gpus == 1 ? 1 : 1 << choice_below(c, 3);
        t->work[i].preempt_never = choice_below(c, 8) == 0;
        t->work[i].min_available = (int32_t)choice_below(c, 3);
        t->template_replicas[i] = (int32_t)choice_below(c, 8);
    }
    t->policy.preempt = choice_below(c, 2) == 0 ? SPW_PREEMPT_BEFORE_ELASTIC : SPW_PREEMPT_AFTER_ELASTIC;
    t->policy.elastic = choice_below(c, 3) != 0;
    t->policy.partial = choice_below(c, 4) != 0;
    t->policy.step_major = (spw_step_major)choice_range(c, SPW_STEP_PER_TIER, SPW_STEP_GLOBAL);
    t->policy.division = choice_below(c, 3) == 0 ? SPW_DIVIDE_AGGREGATED : SPW_DIVIDE_DYNAMIC;
    t->policy.failback = (spw_failback)choice_range(c, SPW_FAILBACK_NEVER, SPW_FAILBACK_AUTOMATIC);
    t->policy.node_unneeded = S(60);
    t->policy.failback_window = S(30);
    t->now = S(100);
    const char *groups[] = {"a", "b", "c"};
    const char *one[] = {"a,b,c"};
    bool single = choice_below(c, 3) == 0;
    toy_start(t, single ? one : groups, single ? 1 : 3);
    t->settings.explain = true; /* a core that explains looks at everybody in every turn */
    w->other = toy_core(t);
    t->settings.explain = false;
    assert_int_equal(spw_plan_new(spw_mem_libc(), t->actions_max, 16, &w->other_plan), SPW_OK);
}

static int work_of(const toy *t, spw_id row)
{
    for (int i = 0; i < t->works; i++) {
        if (strcmp(t->snap.workloads.name[row], t->work[i].name) == 0) {
            return i;
        }
    }
    return -1;
}

static void judge_victims(twins *w)
{
    const toy *t = &w->t;
    for (size_t i = 0; i < spw_plan_count(t->plan); i++) {
        const spw_action *a = spw_plan_at(t->plan, i);
        if (a->reason != SPW_WHY_PREEMPTED) {
            continue;
        }
        w->victims++;
        assert_true(a->amount < a->before);
        const spw_workload *victim = &t->work[work_of(t, a->workload)];
        if (a->after == UINT32_MAX) {
            continue; /* whose beneficiary was told before, and only lost its room */
        }
        const spw_action *growth = spw_plan_at(t->plan, a->after);
        const spw_workload *winner = &t->work[work_of(t, growth->workload)];
        assert_true(growth->verb == SPW_VERB_PLACE && growth->cluster == a->cluster);
        assert_true(growth->amount > growth->before);
        assert_true(growth->reason == SPW_WHY_FILL_PREEMPT || growth->reason == SPW_WHY_OVERFLOW_PREEMPT);
        assert_true(winner->priority > victim->priority);
        assert_false(winner->preempt_never);
    }
    for (size_t i = 0; i < spw_plan_outcome_count(t->plan); i++) {
        const spw_outcome *o = spw_plan_outcome_at(t->plan, i);
        int32_t placed = 0;
        int32_t waiting = 0;
        for (uint32_t g = 0; g < o->tier_count; g++) {
            assert_true(o->tiers[g].idle >= 0 && o->tiers[g].elastic >= 0 && o->tiers[g].preempted >= 0);
            placed += o->tiers[g].idle + o->tiers[g].elastic + o->tiers[g].preempted;
            waiting += o->tiers[g].preempted;
        }
        assert_int_equal(placed + o->unplaced, o->desired);
        assert_true(waiting == 0 || !t->work[work_of(t, o->workload)].preempt_never);
    }
}

static void both_say_the_same(twins *w)
{
    toy *t = &w->t;
    t->reversed = !t->reversed;
    t->rotated = (int)choice_below(&w->c, 4);
    toy_decide(t, w->other, w->other_plan, w->other_text, sizeof w->other_text);
    t->reversed = !t->reversed;
    t->rotated = 0;
    (void)toy_tick(t);
    (void)snprintf(w->text, sizeof w->text, "%s", toy_text(t));
    if (strcmp(w->text, w->other_text) != 0) {
        fail_msg("seed %d tick %d:\n%s--\n%s", w->seed, w->tick, w->text, w->other_text);
    }
    assert_true(spw_state_hash(t->core) == spw_state_hash(w->other));
}

static void restart(twins *w)
{
    static unsigned char saved[65536];
    size_t size = spw_state_size(w->t.core);
    assert_true(size <= sizeof saved);
    assert_int_equal(spw_state_save(w->t.core, saved, size), SPW_OK);
    toy_restart(&w->t);
    assert_int_equal(spw_state_load(w->t.core, saved, size), SPW_OK);
}

/** What the members do: nodes come, replicas start; in some ticks nothing of that, or only the end of victims. */
static void live(twins *w, bool calm)
{
    toy *t = &w->t;
    uint64_t what = calm ? 0 : choice_below(&w->c, 3);
    if (what == 0) {
        toy_settle(t);
    } else if (what == 1) { /* those beyond the assigned number are gone from the records, their GPUs are not free */
        for (int i = 0; i < t->works; i++) {
            for (int k = 0; k < t->clusters; k++) {
                int32_t n = t->assigned[i][k] < t->scheduled[i][k] ? t->assigned[i][k] : t->scheduled[i][k];
                t->scheduled[i][k] = n;
                t->is_ready[i][k] = n < t->is_ready[i][k] ? n : t->is_ready[i][k];
            }
        }
    }
    if (!calm && choice_below(&w->c, 3) == 0) {
        t->template_replicas[choice_below(&w->c, (uint64_t)t->works)] = (int32_t)choice_below(&w->c, 12);
    }
    t->now += S(15);
}

static int world(int seed)
{
    twins *w = &(twins){.tick = 0};
    begin(w, seed);
    int quiet = 0;
    for (w->tick = 0; w->tick < WILD + CALM; w->tick++) {
        both_say_the_same(w);
        judge_victims(w);
        if (choice_below(&w->c, 10) == 0) {
            restart(w);
        }
        bool calm = w->tick >= WILD;
        quiet = calm && w->text[0] == '\0' ? quiet + 1 : 0;
        live(w, calm);
    }
    if (quiet < QUIET) {
        fail_msg("seed %d does not come to rest:\n%s", seed, w->text);
    }
    spw_plan_free(w->other_plan);
    spw_core_free(w->other);
    toy_end(&w->t);
    return w->victims;
}

static void random_worlds(void **state)
{
    (void)state;
    int victims = 0;
    for (int seed = 1; seed <= WORLDS; seed++) {
        victims += world(seed);
    }
    assert_true(victims > 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_worlds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
