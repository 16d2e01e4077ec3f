/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_preempt_victims.c - the choice of victims against two slow models on small random worlds.
 *
 *   step by step  single replicas are thought away and put back one at a time, as kube-scheduler does with pods
 *   exhaustive    replicas of one size: every subset of every cluster is tried, and the best one by (broken budgets,
 *                 highest priority, sum of priorities, victims) has exactly the figures that were chosen
 *
 * A cluster here is one node, so that what fits on it is (free + given back) / g, whatever the sizes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "place/preempt_victims.h"
#include "tests/support/choice.h"

#define CLUSTERS 3
#define WORKS    5 /* the last one is the beneficiary */
#define PODS     9 /* of one cluster */

typedef struct pod {
    int work;
    int64_t start;
    bool gone, out, breaks;
} pod;

typedef struct world {
    int clusters;
    spw_workload works[WORKS];
    int32_t allowed[WORKS];
    int pods[CLUSTERS];
    pod pod[CLUSTERS][PODS];
    int free[CLUSTERS], cpu[CLUSTERS], taken[CLUSTERS]; /* cpu: milli; -1 = no summary */
} world;

typedef struct figures {
    bool possible;
    int cluster, broken, top, victims;
    int64_t sum, earliest;
} figures;

static int priority(const world *w, const pod *p)
{
    return w->works[p->work].priority;
}

static bool more_important(const world *w, const pod *a, const pod *b)
{
    if (priority(w, a) != priority(w, b)) {
        return priority(w, a) > priority(w, b);
    }
    return a->start != b->start ? a->start < b->start : a->work < b->work;
}

/** Pods of each cluster most important first, drawn so that few ties remain. */
static void make_world(choice *c, world *w, bool one_size, bool cpu)
{
    memset(w, 0, sizeof *w);
    w->clusters = (int)choice_range(c, 1, CLUSTERS);
    int size = (int)choice_range(c, 1, 3);
    for (int i = 0; i < WORKS; i++) {
        w->works[i].gpus = one_size ? size : (int32_t)choice_range(c, 1, 4);
        w->works[i].priority = i == WORKS - 1 ? 3 : (int32_t)choice_range(c, -2, 4);
        if (cpu) { /* some need no GPU at all */
            w->works[i].gpus = choice_chance(c, 1, 3) ? 0 : w->works[i].gpus;
            w->works[i].cpu_milli = (int64_t)choice_range(c, i == WORKS - 1 ? 1 : 0, 4);
        }
        w->allowed[i] = choice_below(c, 2) == 0 ? PREEMPT_NO_BUDGET : (int32_t)choice_below(c, 4);
    }
    for (int k = 0; k < w->clusters; k++) {
        w->pods[k] = (int)choice_below(c, PODS + 1);
        w->free[k] = (int)choice_below(c, (uint64_t)w->works[WORKS - 1].gpus); /* its idle room is used up ... */
        w->cpu[k] = -1;
        if (cpu && (w->works[WORKS - 1].gpus == 0 || choice_chance(c, 2, 3))) {
            bool short_of_cpu = w->works[WORKS - 1].gpus == 0 || choice_chance(c, 1, 2);
            w->cpu[k] = (int)choice_below(c, short_of_cpu ? (uint64_t)w->works[WORKS - 1].cpu_milli : 9);
            w->free[k] = short_of_cpu ? (int)choice_below(c, 9) : w->free[k]; /* ... or its CPU is */
        }
        for (int i = 0; i < w->pods[k]; i++) {
            pod p = {.work = (int)choice_below(c, WORKS - 1), .start = (int64_t)choice_below(c, 6)};
            int at = i;
            for (; at > 0 && more_important(w, &p, &w->pod[k][at - 1]); at--) {
                w->pod[k][at] = w->pod[k][at - 1];
            }
            w->pod[k][at] = p;
        }
    }
}

static bool fits(const world *w, int k)
{
    const spw_workload *beneficiary = &w->works[WORKS - 1];
    int free = w->free[k];
    int64_t cpu = w->cpu[k];
    for (int i = 0; i < w->pods[k]; i++) {
        const pod *p = &w->pod[k][i];
        free += p->gone || p->out ? w->works[p->work].gpus : 0;
        cpu += p->gone || p->out ? w->works[p->work].cpu_milli : 0;
    }
    bool gpus_fit = beneficiary->gpus == 0 || free / beneficiary->gpus > w->taken[k];
    return gpus_fit && (w->cpu[k] < 0 || cpu / beneficiary->cpu_milli > w->taken[k]);
}

static bool is_lower(const world *w, const pod *p)
{
    return !p->gone && priority(w, p) < w->works[WORKS - 1].priority;
}

static figures step_by_step(world *w, int k)
{
    figures f = {.cluster = k, .top = INT32_MIN, .earliest = INT64_MAX};
    int32_t left[WORKS];
    memcpy(left, w->allowed, sizeof left);
    for (int i = 0; i < w->pods[k]; i++) {
        pod *p = &w->pod[k][i];
        p->out = is_lower(w, p);
        p->breaks = p->out && left[p->work] == 0;
        left[p->work] -= p->out && !p->breaks && left[p->work] != PREEMPT_NO_BUDGET ? 1 : 0;
    }
    f.possible = fits(w, k);
    for (int pass = 0; pass < 2 && f.possible; pass++) {
        for (int i = 0; i < w->pods[k]; i++) {
            pod *p = &w->pod[k][i];
            if (!p->out || p->breaks != (pass == 0)) {
                continue;
            }
            p->out = false;
            p->out = !fits(w, k);
            f.broken += p->out && p->breaks ? 1 : 0;
        }
    }
    for (int i = 0; i < w->pods[k] && f.possible; i++) {
        const pod *p = &w->pod[k][i];
        if (p->out) {
            f.victims++;
            f.sum += priority(w, p) + (INT64_C(1) << 31);
            bool newer_top = priority(w, p) > f.top;
            bool earlier = priority(w, p) == f.top && p->start < f.earliest;
            f.earliest = newer_top || earlier ? p->start : f.earliest;
            f.top = newer_top ? priority(w, p) : f.top;
        }
    }
    return f;
}

/** Negative = a is better. */
static int compare(const figures *a, const figures *b)
{
    if (a->broken != b->broken) {
        return a->broken - b->broken;
    }
    if (a->top != b->top) {
        return a->top < b->top ? -1 : 1;
    }
    if (a->sum != b->sum) {
        return a->sum < b->sum ? -1 : 1;
    }
    return a->victims - b->victims;
}

/** Every subset of a cluster's less important pods. */
static figures exhaustive(world *w, int k)
{
    figures best = {.possible = false};
    for (unsigned set = 0; set < 1u << w->pods[k]; set++) {
        figures f = {.possible = true, .cluster = k, .top = INT32_MIN};
        int gone[WORKS] = {0};
        bool allowed = true;
        for (int i = 0; i < w->pods[k]; i++) {
            pod *p = &w->pod[k][i];
            p->out = (set >> i & 1u) != 0;
            allowed = allowed && (!p->out || is_lower(w, p));
            f.victims += p->out ? 1 : 0;
            f.sum += p->out ? priority(w, p) + (INT64_C(1) << 31) : 0;
            f.top = p->out && priority(w, p) > f.top ? priority(w, p) : f.top;
            gone[p->work] += p->out ? 1 : 0;
        }
        for (int i = 0; i < WORKS; i++) {
            f.broken += gone[i] > w->allowed[i] ? gone[i] - w->allowed[i] : 0;
        }
        if (allowed && fits(w, k) && (!best.possible || compare(&f, &best) < 0)) {
            best = f;
        }
    }
    return best;
}

/* --- the code under test on the same world --- */

typedef struct bench {
    preempt p;
    preempt_run runs[CLUSTERS * PODS];
    preempt_cluster at[CLUSTERS];
    int32_t allowed[WORKS], budget[WORKS];
    room_pool pools[CLUSTERS];
    uint32_t first[CLUSTERS + 1];
    estimate_left limits[CLUSTERS];
    room rooms;
    spw_policy policy;
    fill_slot slots[CLUSTERS];
    fill f;
} bench;

static void set_up(bench *b, const world *w)
{
    memset(b, 0, sizeof *b);
    uint32_t n = 0;
    for (int k = 0; k < w->clusters; k++) {
        b->at[k].first = n;
        for (int i = 0; i < w->pods[k]; i++) {
            const pod *p = &w->pod[k][i];
            b->runs[n++] = (preempt_run){.cluster = (uint32_t)k,
                                         .work = (uint32_t)p->work,
                                         .priority = priority(w, p),
                                         .start = p->start,
                                         .count = 1};
        }
        b->at[k].end = n;
        b->pools[k] = (room_pool){.cluster = (uint32_t)k, .node_gpus = SPW_NODE_GPUS_MAX, .gpu = "A", .up = 1};
        b->pools[k].idle[w->free[k]] = 1;
        b->first[k + 1] = (uint32_t)k + 1;
        b->limits[k].left[ESTIMATE_K_PODS] = ESTIMATE_NO_LIMIT;
        b->limits[k].left[ESTIMATE_K_CPU] = w->cpu[k] < 0 ? ESTIMATE_NO_LIMIT : w->cpu[k];
        b->limits[k].left[ESTIMATE_K_MEMORY] = ESTIMATE_NO_LIMIT;
        b->slots[k] = (fill_slot){.cluster = (uint32_t)k, .can_grow = true};
    }
    memcpy(b->allowed, w->allowed, sizeof b->allowed);
    b->rooms = (room){.pools = b->pools, .first = b->first, .limits = b->limits};
    b->policy = (spw_policy){.group_count = 1, .division = SPW_DIVIDE_DYNAMIC};
    b->p = (preempt){.workloads = w->works,
                     .workload = &w->works[WORKS - 1],
                     .runs = b->runs,
                     .at = b->at,
                     .allowed = b->allowed,
                     .budget = b->budget};
    b->f = (fill){.rooms = &b->rooms,
                  .workload = b->p.workload,
                  .policy = &b->policy,
                  .slots = b->slots,
                  .count = (size_t)w->clusters};
}

static figures cheapest_step(world *w)
{
    figures best = {.possible = false};
    for (int k = 0; k < w->clusters; k++) {
        figures f = step_by_step(w, k);
        int order = best.possible && f.possible ? compare(&f, &best) : 0;
        if (f.possible && (!best.possible || order < 0 || (order == 0 && f.earliest > best.earliest))) {
            best = f;
        }
    }
    return best;
}

static void step_worlds(uint64_t seed, int rounds, bool cpu)
{
    choice c;
    choice_seed(&c, seed);
    int made = 0;
    for (int round = 0; round < rounds; round++) {
        world w;
        bench b;
        make_world(&c, &w, false, cpu);
        set_up(&b, &w);
        int32_t n = (int32_t)choice_range(&c, 1, 4);
        int32_t placed = 0;
        for (; placed < n; placed++) {
            figures best = cheapest_step(&w);
            if (!best.possible) {
                break;
            }
            (void)step_by_step(&w, best.cluster);
            for (int i = 0; i < w.pods[best.cluster]; i++) {
                pod *p = &w.pod[best.cluster][i];
                p->gone = p->gone || p->out;
                w.allowed[p->work] -= p->out && w.allowed[p->work] != PREEMPT_NO_BUDGET && w.allowed[p->work] > 0;
                p->out = false;
            }
            w.taken[best.cluster]++;
        }
        assert_int_equal(preempt_spread(&b.p, &b.f, 0, n), placed);
        made += placed;
        for (int k = 0; k < w.clusters; k++) {
            assert_int_equal(b.slots[k].preempted, w.taken[k]);
            for (int i = 0; i < w.pods[k]; i++) {
                assert_int_equal(b.runs[b.at[k].first + (uint32_t)i].gone, w.pod[k][i].gone);
            }
        }
    }
    assert_true(made > rounds / 4);
}

static void equals_step_by_step(void **state)
{
    (void)state;
    step_worlds(21, 20000, false);
}

/** Any of GPUs and CPU may be short, and some replicas have no GPU: whoever leaves what is short can be a victim. */
static void equals_step_by_step_in_cpu(void **state)
{
    (void)state;
    step_worlds(23, 20000, true);
}

static void is_the_best_subset(void **state)
{
    (void)state;
    choice c;
    choice_seed(&c, 22);
    int broken = 0;
    for (int round = 0; round < 4000; round++) {
        world w;
        bench b;
        make_world(&c, &w, true, false);
        set_up(&b, &w);
        figures best = {.possible = false};
        for (int k = 0; k < w.clusters; k++) {
            figures f = exhaustive(&w, k);
            if (f.possible && (!best.possible || compare(&f, &best) < 0)) {
                best = f;
            }
        }
        assert_int_equal(preempt_spread(&b.p, &b.f, 0, 1), best.possible ? 1 : 0);
        figures got = {.top = INT32_MIN};
        int gone[WORKS] = {0};
        for (size_t i = 0; i < CLUSTERS * PODS; i++) {
            const preempt_run *run = &b.runs[i];
            gone[run->work] += run->gone;
            got.victims += run->gone;
            got.sum += run->gone * (run->priority + (INT64_C(1) << 31));
            got.top = run->gone > 0 && run->priority > got.top ? run->priority : got.top;
        }
        for (int i = 0; i < WORKS; i++) {
            got.broken += gone[i] > w.allowed[i] ? gone[i] - w.allowed[i] : 0;
        }
        if (best.possible) {
            broken += best.broken;
            assert_int_equal(compare(&got, &best), 0);
        }
    }
    assert_true(broken > 50); /* budgets did matter */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_step_by_step),
        cmocka_unit_test(equals_step_by_step_in_cpu),
        cmocka_unit_test(is_the_best_subset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
