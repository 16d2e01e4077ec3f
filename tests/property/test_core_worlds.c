/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_core_worlds.c - random worlds through the whole core, with what must hold in every one of them.
 *
 * The world is kept here node by node and pod by pod (the toy only shows it): nodes come late or fail or vanish, pods
 * wait, bind and get ready one by one, clusters fall silent, writes are lost. After every plan, judged from the world
 * alone: limits of pools, reasons, room on real nodes for all that grows, and CPU, memory and places of pods where
 * clusters show them; make-before-break, no overflow past idle room, traffic only to where pods are ready. Beside it
 * runs a twin that sees every table in another order and is never restarted, while the core itself is restarted from
 * saved bytes now and then: both must say the same. In the end the world calms down, and the plans must become empty
 * and stay so.
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
#define WORLDS      250
#define WILD_TICKS  60
#define CALM_TICKS  700
#define QUIET_TICKS 80 /* 20 minutes: longer than any window, deadline or back-off */

static void mischief(world *w)
{
    toy *t = &w->t;
    choice *c = &w->c;
    for (int k = 0; k < t->works; k++) {
        if (choice_chance(c, 1, 12)) {
            t->template_replicas[k] = (int32_t)choice_range(c, 0, 14);
        }
    }
    if (choice_chance(c, 1, 8)) {
        int i = (int)choice_below(c, CW_NODES);
        if (w->nodes[i].pool >= 0) {
            t->pool[w->nodes[i].pool].target -= choice_chance(c, 1, 2) ? 1 : 0;
            cw_lose_node(w, i);
        }
    }
    for (int k = 0; k < t->clusters; k++) {
        if (choice_chance(c, 1, 25)) {
            t->ready[k] = !t->ready[k];
        }
        if (choice_chance(c, 1, 25)) {
            t->age[k] = t->age[k] == 0 ? 200 * S : 0;
        }
    }
    for (int p = 0; p < t->pools; p++) {
        w->stuck[p] = choice_chance(c, 1, 15) ? !w->stuck[p] : w->stuck[p];
    }
    if (t->has_summary) {
        cw_others(w, true);
    }
    t->metric_milli[0] = choice_range(c, 0, 3000);
    t->deaf = choice_chance(c, 1, 10);
    w->deaf_at = t->deaf ? w->tick : w->deaf_at;
}

static void calm_down(world *w)
{
    w->calm = true;
    w->t.deaf = false;
    for (int k = 0; k < w->t.clusters; k++) {
        w->t.ready[k] = true;
        w->t.age[k] = 0;
    }
    for (int p = 0; p < w->t.pools; p++) {
        if (w->t.pool[p].min == w->t.pool[p].max) { /* broken machines of our own are repaired */
            w->t.pool[p].target = w->t.pool[p].max;
        }
    }
    w->t.metric_milli[0] = 1000;
}

/* --- making one --- */

static const char *const CLASS_A[] = {"A"};
static const spw_hpa_metric LOAD[] = {
    {.kind = SPW_METRIC_PODS, .target_kind = SPW_TARGET_AVERAGE_VALUE, .target = 1000, .name = "load"}};

static void make_policy(world *w)
{
    choice *c = &w->c;
    spw_policy *p = &w->t.policy;
    p->order = choice_chance(c, 3, 4) ? SPW_GROUPS_ORDERED : SPW_GROUPS_FAILOVER;
    p->division = (spw_division)choice_range(c, SPW_DIVIDE_DUPLICATED, SPW_DIVIDE_AGGREGATED);
    if (choice_chance(c, 1, 2)) {
        p->division = SPW_DIVIDE_DYNAMIC;
    }
    static const spw_static_weight weights[] = {{{0}, 1}};
    p->static_weights = weights;
    p->static_weight_count = 1;
    p->partial = choice_chance(c, 3, 4);
    p->elastic = choice_chance(c, 4, 5);
    p->step_major = (spw_step_major)choice_range(c, SPW_STEP_PER_TIER, SPW_STEP_GLOBAL);
    p->failback = (spw_failback)choice_range(c, SPW_FAILBACK_NEVER, SPW_FAILBACK_AUTOMATIC);
    p->failback_window = choice_range(c, 0, 4) * 15 * S;
    p->moves_per_tick = (int32_t)choice_range(c, 0, 3);
    p->move_deadline = choice_range(c, 1, 8) * 15 * S;
    p->provision_deadline = choice_range(c, 2, 8) * 15 * S;
    p->node_unneeded = choice_range(c, 1, 8) * 15 * S;
}

/** Sizes differ, or classes do: with both at once first-fit by size would not be the best packing to compare with. */
static void make_works(world *w)
{
    choice *c = &w->c;
    toy *t = &w->t;
    bool classes = choice_chance(c, 1, 3);
    int32_t gpus = 1 << choice_below(c, 3);
    t->works = (int)choice_range(c, 1, TOY_WORKS);
    t->has_summary = choice_chance(c, 1, 2);
    for (int k = 0; k < t->works; k++) {
        t->work[k].gpus = classes ? gpus : 1 << choice_below(c, 3);
        t->work[k].priority = 100 - k;
        t->work[k].uid_hash = (uint32_t)choice_below(c, 2);
        if (classes && choice_chance(c, 1, 2)) {
            t->work[k].gpu_classes = CLASS_A;
            t->work[k].gpu_class_count = 1;
        }
        if (t->has_summary) {
            t->work[k].cpu_milli = t->work[k].gpus * choice_range(c, 0, 8) * 1000;
            t->work[k].memory_bytes = t->work[k].gpus * choice_range(c, 0, 4) * 1024;
        }
        t->template_replicas[k] = (int32_t)choice_range(c, 0, 10);
    }
    if (choice_chance(c, 1, 4)) {
        t->hpa = (spw_hpa){.name = "prod/chat",
                           .replicas_min = 1,
                           .replicas_max = 14,
                           .metrics = LOAD,
                           .metric_count = 1,
                           .up = {.window_s = -1, .select = SPW_SELECT_MAX, .tolerance_ppm = -1},
                           .down = {.window_s = -1, .select = SPW_SELECT_MAX, .tolerance_ppm = -1},
                           .sync_s = 15};
        t->work[0].hpa = 0;
    }
}

static void make_clusters(world *w)
{
    static const char *const names[TOY_CLUSTERS] = {"eu", "ap", "us", "bj", "hz", "sz"};
    static const char *const pools[] = {"own", "rent", "spot"};
    static const spw_capacity kinds[] = {SPW_CAPACITY_OWNED, SPW_CAPACITY_ON_DEMAND, SPW_CAPACITY_SPOT};
    choice *c = &w->c;
    toy *t = &w->t;
    int count = (int)choice_range(c, 1, 5);
    for (int k = 0; k < count; k++) {
        (void)toy_cluster(t, names[k]);
        for (int p = 0; p < 3; p++) {
            if (choice_chance(c, 1, 3)) {
                continue;
            }
            int nodes = p == 0 ? (int)choice_range(c, 1, 4) : (int)choice_below(c, 3);
            int n = toy_pool_add(t, k, pools[p], kinds[p], nodes, p == 0 ? nodes : nodes + (int)choice_below(c, 4));
            t->pool[n].gpus_per_node = 1 << choice_below(c, 4);
            t->pool[n].gpu = choice_chance(c, 1, 2) ? "A" : "B";
            t->pool[n].stock = choice_chance(c, 1, 4) ? (int)choice_below(c, 4) : -1;
            for (int i = 0; i < nodes; i++) {
                cw_add_node(w, n);
            }
        }
    }
}

static void make(world *w, uint64_t seed)
{
    static const char *const lists[5][5] = {
        {"eu"}, {"eu", "ap"}, {"eu", "ap", "us"}, {"eu", "bj,ap", "us"}, {"ap,hz,us", "eu", "bj"}};
    static const int groups[5][5] = {{0}, {0, 1}, {0, 1, 2}, {0, 1, 2, 1}, {1, 0, 0, 2, 0}};
    static const int group_counts[5] = {1, 2, 3, 3, 3};
    cw_init(w);
    w->seed = seed;
    w->deaf_at = -1000;
    choice_seed(&w->c, seed);
    toy_init(&w->t);
    w->t.settings = (spw_settings){.api_version = SPW_API_VERSION,
                                   .clusters_max = 5,
                                   .pools_max = 16,
                                   .placements_max = 20,
                                   .pods_max = TOY_PODS,
                                   .samples_max = TOY_PODS,
                                   .tick = 15 * S,
                                   .stale_after = 120 * S,
                                   .promise_ttl = 300 * S};
    w->t.keeps_routes = true;
    make_clusters(w);
    make_works(w);
    make_policy(w);
    int kind = w->t.clusters - 1;
    memcpy(w->group_of, groups[kind], sizeof groups[kind]);
    toy_start(&w->t, lists[kind], group_counts[kind]);
    w->t.settings.explain = true; /* a core that explains looks at every cluster in every turn */
    w->twin = toy_core(&w->t);
    w->t.settings.explain = false;
    assert_int_equal(spw_plan_new(spw_mem_libc(), 256, 16, &w->twin_plan), SPW_OK);
}

static void unmake(world *w)
{
    spw_core_free(w->twin);
    spw_plan_free(w->twin_plan);
    toy_end(&w->t);
}

/* --- what must hold --- */

static void read_plan(world *w, cw_after *a)
{
    toy *t = &w->t;
    cw_read_plan(w, a);
    for (size_t i = 0; i < spw_plan_count(t->plan); i++) {
        const spw_action *x = spw_plan_at(t->plan, i);
        MUST(w, x->reason != SPW_WHY_NONE && strcmp(spw_reason_name(x->reason), "none") != 0);
        if (x->verb == SPW_VERB_PLACE) {
            MUST(w, x->before == t->assigned[x->workload][x->cluster] && x->amount != x->before);
        }
        if (x->verb == SPW_VERB_PROVISION || x->verb == SPW_VERB_RELEASE) {
            const toy_pool *pool = &t->pool[x->pool];
            MUST(w, x->amount != pool->target && x->amount >= pool->min);
            MUST(w, x->verb == SPW_VERB_RELEASE || x->amount <= pool->max);
            MUST(w, pool->min < pool->max);
        }
    }
}

static bool by_weights(const world *w)
{
    return w->t.policy.division == SPW_DIVIDE_DUPLICATED ||
           (w->t.policy.division == SPW_DIVIDE_STATIC && w->t.policy.group_count == 1);
}

/** What the plan adds to a cluster, in one resource. */
static int64_t growth(const world *w, const cw_after *a, int cluster, int k)
{
    int64_t sum = 0;
    for (int n = 0; n < w->t.works; n++) {
        int64_t more = a->assigned[n][cluster] - w->t.assigned[n][cluster];
        sum += more > 0 ? more * cw_request(w, n, k) : 0;
    }
    return sum;
}

/** What is left for it: what nobody uses or waits for. */
static int64_t spare(const world *w, int cluster, int k)
{
    int64_t own = cw_unused(w, cluster, k) - cw_used(w, cluster, k, true);
    return own > 0 ? own : 0;
}

/** CPU, memory and places of pods for all that is added: on nodes that are up, or on those to come. */
static void growth_has_its_resources(world *w, const cw_after *a)
{
    for (int c = 0; c < w->t.clusters && w->t.has_summary && !by_weights(w); c++) {
        for (int k = 0; k < TOY_RESOURCES; k++) {
            int64_t to_come = 0;
            for (int p = 0; p < w->t.pools; p++) {
                int64_t more = w->t.pool[p].cluster == c ? a->target[p] - cw_node_count(w, p) : 0;
                to_come += more > 0 ? more * w->t.pool[p].gpus_per_node * cw_per_gpu[k] : 0;
            }
            MUST(w, growth(w, a, c, k) <= spare(w, c, k) + to_come);
        }
    }
}

/** Is one more of a workload sure to have its resources on nodes that are up, after all that the plan adds? */
static bool resources_for_one(const world *w, const cw_after *a, int work, int cluster)
{
    bool all = true;
    for (int k = 0; k < TOY_RESOURCES && w->t.has_summary; k++) {
        all = all && spare(w, cluster, k) - growth(w, a, cluster, k) >= cw_request(w, work, k);
    }
    return all;
}

/**
 * Where sizes or classes differ, the pool that one replica is counted on decides whether another has room; a packing
 * tells for certain when all are alike, or for replicas of one GPU.
 */
static bool room_is_plain(const world *w, int work)
{
    bool same_size = true;
    bool same_class = true;
    for (int k = 0; k < w->t.works; k++) {
        same_size = same_size && w->t.work[k].gpus == w->t.work[work].gpus;
        same_class = same_class && w->t.work[k].gpu_class_count == w->t.work[work].gpu_class_count;
    }
    return same_class && (same_size || w->t.work[work].gpus == 1);
}

/** No replica overflows while a better group keeps idle room for it. Lost writes leave promises: then it may. */
static void idle_room_first(world *w, const cw_after *a)
{
    bool promises = w->tick - w->deaf_at <= 21;
    if (promises || w->t.policy.order != SPW_GROUPS_ORDERED || by_weights(w)) {
        return;
    }
    node nodes[CW_NODES];
    memcpy(nodes, w->nodes, sizeof nodes);
    for (int c = 0; c < w->t.clusters; c++) {
        (void)cw_pack_pending(w, a, nodes, c, false);
    }
    for (int k = 0; k < w->t.works; k++) {
        if (!room_is_plain(w, k)) {
            continue;
        }
        for (int worse = 0; worse < w->t.clusters; worse++) {
            for (int c = 0; c < w->t.clusters && a->overflowed[k][worse]; c++) {
                bool better = w->group_of[c] < w->group_of[worse] && w->t.ready[c] && w->t.age[c] == 0;
                node rest[CW_NODES];
                memcpy(rest, nodes, sizeof rest);
                MUST(w, !better || !resources_for_one(w, a, k, c) || cw_pack(w, rest, k, c, 1) == 0);
            }
        }
    }
}

/**
 * A plan takes no ready replica of which it has none to spare: a ready one for each that is wanted; with copies
 * everywhere that goes for each cluster, unless the group it is of was left.
 */
static void make_before_break(world *w, const cw_after *a)
{
    toy *t = &w->t;
    for (int k = 0; k < t->works; k++) {
        int32_t before = 0;
        int32_t left = 0;
        int32_t wanted = 0;
        for (size_t i = 0; i < spw_plan_outcome_count(t->plan); i++) {
            const spw_outcome *out = spw_plan_outcome_at(t->plan, i);
            wanted = (int)out->workload == k ? out->desired : wanted;
        }
        for (int c = 0; c < t->clusters; c++) {
            int32_t ready = t->ready[c] ? t->is_ready[k][c] : 0;
            int32_t stay = ready < a->assigned[k][c] ? ready : a->assigned[k][c];
            if (t->policy.division == SPW_DIVIDE_DUPLICATED && t->policy.order == SPW_GROUPS_ORDERED) {
                MUST(w, stay >= (ready < wanted ? ready : wanted));
            }
            before += ready;
            left += stay;
        }
        MUST(w, left >= (before < wanted ? before : wanted));
    }
}

/** Shares sum to one whole, and go where ready replicas stay; unless none is ready. */
static void traffic_has_somewhere_to_go(world *w, const cw_after *a)
{
    toy *t = &w->t;
    for (int k = 0; k < t->works; k++) {
        int64_t sum = 0;
        int32_t ready = 0;
        bool astray = false;
        for (int c = 0; c < t->clusters; c++) {
            int32_t stay = t->is_ready[k][c] < a->assigned[k][c] ? t->is_ready[k][c] : a->assigned[k][c];
            stay = t->ready[c] ? stay : 0;
            ready += stay;
            sum += t->route[k][c];
            astray = astray || (t->route[k][c] > 0 && stay == 0);
        }
        MUST(w, ready == 0 || (sum == 1000000 && !astray));
    }
}

/** In the end: nothing wanted is pending while some group has room for it. */
static void nothing_waits_for_nothing(world *w)
{
    toy *t = &w->t;
    for (size_t i = 0; i < spw_plan_outcome_count(t->plan); i++) {
        const spw_outcome *out = spw_plan_outcome_at(t->plan, i);
        int k = (int)out->workload;
        int32_t ready = 0;
        for (int c = 0; c < t->clusters; c++) {
            ready += t->is_ready[k][c];
            node nodes[CW_NODES];
            memcpy(nodes, w->nodes, sizeof nodes);
            bool room = cw_pack(w, nodes, k, c, 1) == 1;
            for (int r = 0; r < TOY_RESOURCES && t->has_summary; r++) {
                room = room && spare(w, c, r) >= cw_request(w, k, r);
            }
            bool more = t->policy.partial && t->policy.order == SPW_GROUPS_ORDERED && !by_weights(w);
            MUST(w, !more || out->unplaced == 0 || !room);
        }
        MUST(w, by_weights(w) || ready == out->desired - out->unplaced);
        MUST(w, by_weights(w) || out->surge == 0);
    }
}

/* --- running one --- */

/** From the core's bytes into a new one: nobody must notice. */
static void restart(world *w)
{
    static unsigned char bytes[65536];
    size_t size = spw_state_size(w->t.core);
    assert_true(size <= sizeof bytes);
    assert_int_equal(spw_state_save(w->t.core, bytes, size), SPW_OK);
    uint64_t hash = spw_state_hash(w->t.core);
    spw_core_free(w->t.core);
    w->t.core = toy_core(&w->t);
    assert_int_equal(spw_state_load(w->t.core, bytes, size), SPW_OK);
    MUST(w, spw_state_hash(w->t.core) == hash);
}

/** What is skipped because it is settled comes to the same as what is worked out anew. */
static void accounts_agree(world *w)
{
    MUST(w, spw_plan_outcome_count(w->t.plan) == spw_plan_outcome_count(w->twin_plan));
    for (size_t i = 0; i < spw_plan_outcome_count(w->t.plan); i++) {
        const spw_outcome *a = spw_plan_outcome_at(w->t.plan, i), *b = spw_plan_outcome_at(w->twin_plan, i);
        MUST(w, a->desired == b->desired && a->unplaced == b->unplaced && a->surge == b->surge && a->moved == b->moved);
        MUST(w, a->victims == b->victims && a->scale_reason == b->scale_reason && a->tier_count == b->tier_count);
        for (uint32_t g = 0; g < a->tier_count; g++) {
            MUST(w, a->tiers[g].idle == b->tiers[g].idle && a->tiers[g].elastic == b->tiers[g].elastic &&
                        a->tiers[g].preempted == b->tiers[g].preempted);
        }
    }
}

static void step(world *w)
{
    toy *t = &w->t;
    cw_after a;
    cw_show(w);
    t->reversed = choice_chance(&w->c, 1, 2);
    t->rotated = (int)choice_below(&w->c, 16);
    toy_decide(t, w->twin, w->twin_plan, w->twin_text, sizeof w->twin_text);
    uint64_t snapshot = spw_snapshot_hash(&t->snap);
    t->reversed = false;
    t->rotated = 0;
    toy_decide(t, t->core, t->plan, w->text, sizeof w->text);
    MUST(w, strcmp(w->text, w->twin_text) == 0);
    MUST(w, spw_state_hash(t->core) == spw_state_hash(w->twin));
    MUST(w, spw_snapshot_hash(&t->snap) == snapshot);
    accounts_agree(w);
    read_plan(w, &a);
    MUST(w, by_weights(w) || cw_growth_fits(w, &a));
    growth_has_its_resources(w, &a);
    idle_room_first(w, &a);
    make_before_break(w, &a);
    for (size_t i = 0; i < spw_plan_count(t->plan); i++) {
        const spw_action *x = spw_plan_at(t->plan, i);
        if (!t->deaf || x->verb == SPW_VERB_ROUTE) {
            toy_carry_out(t, x);
        }
    }
    traffic_has_somewhere_to_go(w, &a);
    cw_provider(w);
    cw_others(w, false);
    cw_members(w);
    if (choice_chance(&w->c, 1, 10)) {
        restart(w);
    }
    t->now += 15 * S;
    w->tick++;
}

static void every_world_keeps_its_promises(void **state)
{
    (void)state;
    static world w;
    for (uint64_t seed = 1; seed <= WORLDS; seed++) {
        make(&w, seed);
        for (int i = 0; i < WILD_TICKS; i++) {
            mischief(&w);
            step(&w);
        }
        calm_down(&w);
        int quiet = 0;
        for (int i = 0; i < CALM_TICKS && quiet < QUIET_TICKS; i++) {
            step(&w);
            quiet = w.text[0] == '\0' ? quiet + 1 : 0;
        }
        MUST(&w, quiet == QUIET_TICKS);
        nothing_waits_for_nothing(&w);
        unmake(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_world_keeps_its_promises),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
