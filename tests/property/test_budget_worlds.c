/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_budget_worlds.c - random worlds in which clusters fall silent for minutes, change their jurisdiction and come
 * back, while more important workloads push less important ones: what disruption budgets promise, judged by what is
 * ready and by the plan alone.
 *
 *   of copies that are ready, those that go for another reason than a lower count or preemption leave the budget's
 * least copies on a silent cluster go only while as many are ready elsewhere without a budget nothing is kept; with
 * one, not more than stands over the targets In the end, with all clusters back, nothing is kept and nothing changes.
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

#define S      SPW_NS_PER_S
#define WORLDS 300
#define TICKS  160

static const char *const CHINA[] = {"CN"};

static void make(toy *t, choice *c)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    toy_init(t);
    int clusters = (int)choice_range(c, 2, 4);
    t->has_law = true;
    for (int i = 0; i < clusters; i++) {
        int nodes = (int)choice_range(c, 2, 6);
        (void)toy_cluster(t, names[i]);
        (void)toy_pool_add(t, i, "own", SPW_CAPACITY_OWNED, nodes, nodes);
        t->jurisdiction[i] = "CN";
    }
    t->works = (int)choice_range(c, 1, 3);
    for (int w = 0; w < t->works; w++) {
        t->template_replicas[w] = (int32_t)choice_below(c, 7);
        t->work[w].priority = (int32_t)choice_below(c, 3);
        t->work[w].jurisdictions = CHINA;
        t->work[w].jurisdiction_count = 1;
        t->work[w].budget = choice_chance(c, 1, 4) ? SPW_BUDGET_NONE : (spw_budget)choice_range(c, 1, 4);
        bool percent = t->work[w].budget == SPW_BUDGET_MIN_AVAILABLE_PERCENT ||
                       t->work[w].budget == SPW_BUDGET_MAX_UNAVAILABLE_PERCENT;
        t->work[w].budget_value = (int32_t)(percent ? choice_range(c, 0, 100) : choice_range(c, 0, 6));
    }
    t->policy.partial = choice_chance(c, 3, 4);
    t->policy.failover_after = choice_range(c, 0, 4) * 15 * S;
    t->policy.evict_grace = choice_range(c, 0, 20) * 15 * S;
    t->policy.failover_moves = (int32_t)choice_below(c, 3);
    t->policy.preempt = choice_chance(c, 1, 3) ? SPW_PREEMPT_BEFORE_ELASTIC : SPW_PREEMPT_OFF;
    t->policy.failback = choice_chance(c, 1, 2) ? SPW_FAILBACK_NEVER : SPW_FAILBACK_AUTOMATIC;
    t->policy.failback_window = 60 * S;
    toy_start(t, names, clusters);
}

/** Ready replicas that should stay, by the text of the PodDisruptionBudget; no more than are wanted. */
static int32_t least(const spw_workload *w, int32_t wanted)
{
    const int32_t v = w->budget_value;
    int32_t stay = 0;
    if (w->budget == SPW_BUDGET_MIN_AVAILABLE) {
        stay = v;
    } else if (w->budget == SPW_BUDGET_MAX_UNAVAILABLE) {
        stay = wanted - v;
    }
    for (int32_t n = 0; n <= wanted && w->budget == SPW_BUDGET_MIN_AVAILABLE_PERCENT; n++) {
        stay = n * 100 >= v * wanted ? stay : n + 1; /* the first n that is enough */
    }
    int32_t may = 0;
    for (int32_t n = 0; n <= wanted && w->budget == SPW_BUDGET_MAX_UNAVAILABLE_PERCENT; n++) {
        may = n * 100 >= v * wanted ? may : n + 1; /* as many may be missing, rounded up */
        stay = wanted - may;
    }
    return stay < wanted ? stay : wanted;
}

static int32_t ready_at(const toy *t, int w, int cl)
{
    return !t->ready[cl] ? 0 : t->is_ready[w][cl] < t->assigned[w][cl] ? t->is_ready[w][cl] : t->assigned[w][cl];
}

/** Before the plan is carried out. @return copies kept, of all */
static int judge(const toy *t, const char *text, uint64_t seed, int tick)
{
    int kept = 0;
    for (size_t o = 0; o < spw_plan_outcome_count(t->plan); o++) {
        const spw_outcome *out = spw_plan_outcome_at(t->plan, o);
        const int w = (int)out->workload;
        int32_t ready = 0;   /* that a lower count and victims leave */
        int32_t going = 0;   /* of these */
        bool silent = false; /* some go there */
        for (int cl = 0; cl < t->clusters; cl++) {
            ready += ready_at(t, w, cl);
        }
        for (size_t i = 0; i < spw_plan_count(t->plan); i++) {
            const spw_action *a = spw_plan_at(t->plan, i);
            if (a->verb != SPW_VERB_PLACE || (int)a->workload != w || a->amount >= a->before) {
                continue;
            }
            const int32_t here = ready_at(t, w, (int)a->cluster);
            const int32_t gone = here > a->amount ? here - (int32_t)a->amount : 0;
            const bool asks = a->reason != SPW_WHY_SCALE_IN && a->reason != SPW_WHY_PREEMPTED;
            going += asks ? gone : 0;
            ready -= asks ? 0 : gone;
            silent = silent || (asks && !t->ready[a->cluster]);
        }
        const int32_t stay = least(&t->work[w], out->desired);
        const bool has = t->work[w].budget != SPW_BUDGET_NONE;
        if ((has && going > 0 && ready - going < stay) || (has && silent && ready < stay) || (out->kept > 0 && !has) ||
            out->kept < 0 || out->kept > out->surge) {
            fail_msg("seed %d, tick %d, workload %d: ready %d, going %d, silent %d, least %d, kept %d\n%s", (int)seed,
                     tick, w, ready, going, silent, stay, out->kept, text);
        }
        kept += out->kept;
    }
    return kept;
}

static void one_tick(toy *t, uint64_t seed, int tick, int *kept)
{
    char text[8192];
    toy_decide(t, t->core, t->plan, text, sizeof text);
    *kept += judge(t, text, seed, tick);
    for (size_t i = 0; i < spw_plan_count(t->plan); i++) {
        toy_carry_out(t, spw_plan_at(t->plan, i));
    }
    toy_settle(t);
    t->now += 15 * S;
}

static void budgets_hold(void **state)
{
    (void)state;
    int kept = 0;
    for (uint64_t seed = 1; seed <= WORLDS; seed++) {
        choice c;
        toy t;
        int down[TOY_CLUSTERS] = {0};
        choice_seed(&c, seed);
        make(&t, &c);
        for (int tick = 1; tick <= TICKS; tick++) {
            for (int cl = 0; cl < t.clusters; cl++) {
                down[cl] = down[cl] > 0 ? down[cl] - 1 : (choice_chance(&c, 1, 40) ? (int)choice_range(&c, 1, 40) : 0);
                t.ready[cl] = down[cl] == 0;
                const bool turns = choice_chance(&c, 1, 40);
                t.jurisdiction[cl] = !turns ? t.jurisdiction[cl] : choice_chance(&c, 1, 2) ? "CN" : "SG";
            }
            for (int w = 0; w < t.works; w++) {
                t.template_replicas[w] =
                    choice_chance(&c, 1, 15) ? (int32_t)choice_below(&c, 9) : t.template_replicas[w];
            }
            one_tick(&t, seed, tick, &kept);
        }
        for (int cl = 0; cl < t.clusters; cl++) {
            t.ready[cl] = true;
            t.jurisdiction[cl] = "CN";
        }
        int quiet = 0;
        int last = 0;
        for (int tick = TICKS + 1; tick <= TICKS + 600 && quiet < 90; tick++) {
            last = 0;
            one_tick(&t, seed, tick, &last);
            quiet = spw_plan_count(t.plan) == 0 ? quiet + 1 : 0;
        }
        if (quiet < 90 || last > 0) {
            fail_msg("seed %d: no rest, or %d copies are kept for good", (int)seed, last);
        }
        toy_end(&t);
    }
    assert_true(kept > WORLDS); /* budgets are at stake */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(budgets_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
