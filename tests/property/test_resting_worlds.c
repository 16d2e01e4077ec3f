/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_resting_worlds.c - settled workloads rest, and nobody can tell: random fleets of 150 workloads, decided by a
 * core that lets them rest and by one that looks at everything in each tick (a core that explains does). Both must say
 * the same, account the same and remember the same.
 *
 * The fleet is large enough for tables to be compared by the block, and for runs of seats to move. It changes here and
 * there from tick to tick: counts, readiness, nodes, clusters that fall silent or show old state, rows that come in
 * another order, workloads that come and go, writes that are lost. Now and then a plan has too little room: such a tick
 * must leave no trace.
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

#include <spillway/core.h>
#include <spillway/manifest.h>

#include "sched/core/decide.h"
#include "tests/support/choice.h"

#define S        SPW_NS_PER_S
#define SEEDS    12
#define TICKS    150
#define WORKS    150
#define CLUSTERS 40
#define GROUPS   4
#define POLICIES 4
#define ROWS     (WORKS * CLUSTERS)

typedef struct world {
    choice c;
    uint64_t seed;
    int tick;
    spw_time now;
    int32_t assigned[WORKS][CLUSTERS], scheduled[WORKS][CLUSTERS], ready[WORKS][CLUSTERS];
    int32_t replicas[WORKS];
    bool away[WORKS];
    spw_time frozen_at[CLUSTERS]; /* its state is as old as this; 0 = fresh */
    int silent[CLUSTERS];         /* ticks until it answers again */
    /* configuration */
    char cluster_names[CLUSTERS][16], work_names[WORKS][16];
    const char *members[CLUSTERS];
    spw_workload works[WORKS];
    spw_policy policies[POLICIES];
    spw_group groups[POLICIES][GROUPS];
    spw_core *core, *twin;
    spw_plan *plan, *twin_plan, *tiny;
    spw_settings settings;
    spw_config config;
    /* columns */
    const char *names[CLUSTERS], *pools[CLUSTERS], *gpus[CLUSTERS], *work_rows[WORKS];
    uint64_t keys[CLUSTERS], pool_keys[CLUSTERS], work_keys[WORKS];
    spw_labels labels[CLUSTERS];
    const char *empty[CLUSTERS];
    uint8_t answers[CLUSTERS], kinds[CLUSTERS];
    spw_time observed[CLUSTERS], row_observed[ROWS];
    spw_id pool_cluster[CLUSTERS], row_work[ROWS], row_cluster[ROWS];
    int32_t one[CLUSTERS], nodes[CLUSTERS], most[CLUSTERS], stock[CLUSTERS], counts[WORKS];
    int64_t price[CLUSTERS];
    int32_t idle[CLUSTERS][SPW_NODE_GPUS_MAX + 1];
    int32_t row_assigned[ROWS], row_scheduled[ROWS], row_ready[ROWS];
    spw_snapshot snap;
    char text[1 << 20], twin_text[1 << 20];
} world;

#define MUST(world_, condition_)                                                                                       \
    do {                                                                                                               \
        if (!(condition_)) {                                                                                           \
            fail_msg("seed %d, tick %d: %s\n%.2000s--\n%.2000s", (int)(world_)->seed, (world_)->tick, #condition_,     \
                     (world_)->text, (world_)->twin_text);                                                             \
        }                                                                                                              \
    } while (0)

/* --- making one --- */

static void make_policies(world *w)
{
    static const spw_static_weight weights[] = {{{0}, 1}};
    for (int p = 0; p < POLICIES; p++) {
        spw_policy *policy = &w->policies[p];
        spw_policy_default(policy);
        policy->name = "prod/policy";
        policy->division = p == 3 ? SPW_DIVIDE_STATIC : p == 2 ? SPW_DIVIDE_AGGREGATED : SPW_DIVIDE_DYNAMIC;
        policy->static_weights = weights;
        policy->static_weight_count = p == 3 ? 1 : 0;
        policy->partial = choice_chance(&w->c, 2, 3);
        policy->elastic = choice_chance(&w->c, 1, 2);
        policy->failback = (spw_failback)choice_range(&w->c, SPW_FAILBACK_NEVER, SPW_FAILBACK_AUTOMATIC);
        policy->failback_window = choice_range(&w->c, 0, 4) * 15 * S;
        policy->move_deadline = choice_range(&w->c, 2, 8) * 15 * S;
        policy->unschedulable_after = choice_chance(&w->c, 1, 2) ? 60 * S : 0;
        policy->failover_after = choice_range(&w->c, 0, 3) * 15 * S;
        policy->step_major = (spw_step_major)choice_range(&w->c, SPW_STEP_PER_TIER, SPW_STEP_GLOBAL);
        policy->rounding = p != 3 && choice_chance(&w->c, 1, 4) ? SPW_ROUND_FLOOR : SPW_ROUND_WEBSTER;
        policy->groups = w->groups[p];
        policy->group_count = (size_t)choice_range(&w->c, 1, GROUPS);
        for (size_t g = 0; g < policy->group_count; g++) {
            size_t first = CLUSTERS * g / policy->group_count;
            size_t end = CLUSTERS * (g + 1) / policy->group_count;
            w->groups[p][g] = (spw_group){.name = "group",
                                          .selector = {.names = w->members + first, .name_count = end - first},
                                          .has_window = choice_chance(&w->c, 1, 4),
                                          .failback_window = choice_range(&w->c, 0, 20) * 15 * S};
        }
    }
}

static void make_rows(world *w)
{
    for (int c = 0; c < CLUSTERS; c++) {
        (void)snprintf(w->cluster_names[c], sizeof w->cluster_names[c], "c-%02d", (c * 7) % CLUSTERS);
        w->members[c] = w->names[c] = w->cluster_names[c];
        w->keys[c] = spw_key(w->names[c]);
        w->pool_keys[c] = spw_key2(w->names[c], "gpu");
        w->pools[c] = "gpu";
        w->gpus[c] = "RTX-5090";
        w->empty[c] = "";
        w->answers[c] = 1;
        w->pool_cluster[c] = (spw_id)c;
        w->one[c] = 1;
        w->nodes[c] = (int32_t)choice_range(&w->c, 10, 60);
        w->most[c] = w->nodes[c] + (int32_t)choice_below(&w->c, 10);
        w->kinds[c] = w->most[c] > w->nodes[c] ? SPW_CAPACITY_ON_DEMAND : SPW_CAPACITY_OWNED;
        w->stock[c] = -1;
    }
    for (int k = 0; k < WORKS; k++) {
        (void)snprintf(w->work_names[k], sizeof w->work_names[k], "prod/w-%03d", k);
        w->replicas[k] = (int32_t)choice_range(&w->c, 0, 12);
        w->works[k] = (spw_workload){.key = spw_key(w->work_names[k]),
                                     .name = w->work_names[k],
                                     .replicas = w->replicas[k],
                                     .gpus = choice_chance(&w->c, 9, 10) ? 1 : 0,
                                     .priority = (int32_t)choice_below(&w->c, 3),
                                     .uid_hash = (uint32_t)choice_below(&w->c, 2),
                                     .policy = (spw_id)choice_below(&w->c, POLICIES),
                                     .hpa = SPW_ID_NONE};
    }
}

static spw_core *make_core(const world *w, bool explain)
{
    spw_settings settings = w->settings;
    spw_core *core = NULL;
    spw_err err = {0};
    settings.explain = explain;
    if (spw_core_new(&settings, &w->config, spw_mem_libc(), &core, &err) != SPW_OK) {
        fail_msg("%s: %s", err.field, err.text);
    }
    return core;
}

static void make(world *w, uint64_t seed)
{
    memset(w, 0, sizeof *w);
    w->seed = seed;
    w->now = 1000 * S;
    choice_seed(&w->c, seed);
    make_rows(w);
    make_policies(w);
    spw_settings_default(&w->settings);
    w->settings.placements_max = ROWS;
    w->settings.promise_ttl = choice_range(&w->c, 2, 10) * 15 * S;
    w->config =
        (spw_config){.workloads = w->works, .workload_count = WORKS, .policies = w->policies, .policy_count = POLICIES};
    w->core = make_core(w, false);
    w->twin = make_core(w, true);
    assert_int_equal(spw_plan_new(spw_mem_libc(), 100000, WORKS, &w->plan), SPW_OK);
    assert_int_equal(spw_plan_new_explained(spw_mem_libc(), 100000, WORKS, ROWS, &w->twin_plan), SPW_OK);
    assert_int_equal(spw_plan_new(spw_mem_libc(), 1, WORKS, &w->tiny), SPW_OK);
}

static void unmake(world *w)
{
    spw_core_free(w->core);
    spw_core_free(w->twin);
    spw_plan_free(w->plan);
    spw_plan_free(w->twin_plan);
    spw_plan_free(w->tiny);
}

/* --- the world --- */

static int32_t used(const world *w, int c)
{
    int32_t sum = 0;
    for (int k = 0; k < WORKS; k++) {
        sum += w->scheduled[k][c] * w->works[k].gpus;
    }
    return sum;
}

/** Pods find nodes and get ready, most of them at once; what is too many goes. */
static void members(world *w)
{
    for (int c = 0; c < CLUSTERS; c++) {
        int32_t left = w->nodes[c] - used(w, c);
        for (int k = 0; k < WORKS && w->silent[c] == 0; k++) {
            int32_t size = w->works[k].gpus;
            while (w->scheduled[k][c] > w->assigned[k][c] || (w->scheduled[k][c] > 0 && size > 0 && left < 0)) {
                w->scheduled[k][c]--;
                left += size;
            }
            while (w->scheduled[k][c] < w->assigned[k][c] && left >= size && choice_chance(&w->c, 19, 20)) {
                w->scheduled[k][c]++;
                left -= size;
            }
            w->ready[k][c] = w->ready[k][c] < w->scheduled[k][c] && choice_chance(&w->c, 9, 10) ? w->scheduled[k][c]
                                                                                                : w->ready[k][c];
            w->ready[k][c] = w->ready[k][c] < w->scheduled[k][c] ? w->ready[k][c] : w->scheduled[k][c];
        }
    }
}

static void mischief(world *w)
{
    choice *c = &w->c;
    for (int k = 0; k < WORKS; k++) {
        if (choice_chance(c, 1, 50)) {
            w->replicas[k] = (int32_t)choice_range(c, 0, 14);
        }
        if (choice_chance(c, 1, w->away[k] ? 5 : 2000)) {
            w->away[k] = !w->away[k];
        }
        int at = (int)choice_below(c, CLUSTERS);
        if (choice_chance(c, 1, 100) && w->ready[k][at] > 0) {
            w->ready[k][at]--;
        }
    }
    for (int at = 0; at < CLUSTERS; at++) {
        w->silent[at] = w->silent[at] > 0 ? w->silent[at] - 1 : (choice_chance(c, 1, 900) ? 8 : 0);
        w->answers[at] = w->silent[at] == 0;
        if (choice_chance(c, 1, w->frozen_at[at] > 0 ? 12 : 900)) {
            w->frozen_at[at] = w->frozen_at[at] > 0 ? 0 : w->now;
        }
        if (choice_chance(c, 1, 400) && w->nodes[at] > 2) {
            w->nodes[at] -= 2;
        }
    }
}

/** The columns. order: how the workloads' rows lie, and the placements' with them or not. */
static void show(world *w, const int *order, bool scattered)
{
    int rows = 0;
    size_t works = 0;
    for (int i = 0; i < WORKS; i++) {
        int k = order[i];
        if (w->away[k]) {
            continue;
        }
        w->work_keys[works] = w->works[k].key;
        w->work_rows[works] = w->works[k].name;
        w->counts[works] = w->replicas[k];
        for (int c = 0; c < CLUSTERS; c++) {
            if (w->assigned[k][c] > 0 || w->scheduled[k][c] > 0) {
                w->row_work[rows] = (spw_id)works;
                w->row_cluster[rows] = (spw_id)c;
                w->row_assigned[rows] = w->assigned[k][c];
                w->row_scheduled[rows] = w->scheduled[k][c];
                w->row_ready[rows] = w->ready[k][c];
                w->row_observed[rows++] = w->frozen_at[c] > 0 ? w->frozen_at[c] : w->now;
            }
        }
        works++;
    }
    for (int i = 1; scattered && i < rows; i++) { /* neighbours change places, all columns */
        int j = (int)choice_below(&w->c, (uint64_t)i);
        int32_t *columns[] = {w->row_assigned, w->row_scheduled, w->row_ready};
        spw_id *ids[] = {w->row_work, w->row_cluster};
        for (int k = 0; k < 3; k++) {
            int32_t swap = columns[k][i];
            columns[k][i] = columns[k][j];
            columns[k][j] = swap;
        }
        for (int k = 0; k < 2; k++) {
            spw_id swap = ids[k][i];
            ids[k][i] = ids[k][j];
            ids[k][j] = swap;
        }
        spw_time swap = w->row_observed[i];
        w->row_observed[i] = w->row_observed[j];
        w->row_observed[j] = swap;
    }
    for (int c = 0; c < CLUSTERS; c++) {
        int32_t idle = w->nodes[c] - used(w, c);
        w->observed[c] = w->frozen_at[c] > 0 ? w->frozen_at[c] : w->now;
        w->idle[c][1] = idle > 0 ? idle : 0;
        w->idle[c][0] = w->nodes[c] - w->idle[c][1];
        w->most[c] = w->most[c] > w->nodes[c] ? w->most[c] : w->nodes[c];
    }
    w->snap = (spw_snapshot){
        .version = SPW_API_VERSION,
        .now = w->now,
        .clusters = {CLUSTERS, w->keys, w->names, w->empty, w->empty, w->empty, w->labels, w->answers, w->observed,
                     NULL},
        .pools = {.count = CLUSTERS,
                  .key = w->pool_keys,
                  .name = w->pools,
                  .cluster = w->pool_cluster,
                  .gpu = w->gpus,
                  .capacity = w->kinds,
                  .gpus_per_node = w->one,
                  .nodes = w->nodes,
                  .nodes_target = w->nodes,
                  .nodes_min = w->nodes,
                  .nodes_max = w->most,
                  .stock = w->stock,
                  .price_uusd_per_gpu_h = w->price,
                  .free_nodes = (const int32_t(*)[SPW_NODE_GPUS_MAX + 1]) w->idle,
                  .observed = w->observed},
        .workloads = {.count = works, .key = w->work_keys, .name = w->work_rows, .replicas = w->counts},
        .placements = {(size_t)rows, w->row_work, w->row_cluster, w->row_assigned, w->row_scheduled, w->row_ready,
                       w->row_observed},
    };
}

/** What the plan asks for, less what gets lost. Orders come true at once. */
static void carry_out(world *w)
{
    for (size_t i = 0; i < spw_plan_count(w->plan); i++) {
        const spw_action *a = spw_plan_at(w->plan, i);
        if (a->verb == SPW_VERB_PLACE && choice_chance(&w->c, 99, 100)) {
            uint64_t key = w->work_keys[a->workload];
            for (int k = 0; k < WORKS; k++) {
                if (w->works[k].key == key) {
                    w->assigned[k][a->cluster] = (int32_t)a->amount;
                }
            }
        }
        if (a->verb == SPW_VERB_PROVISION || a->verb == SPW_VERB_RELEASE) {
            w->nodes[a->pool] = (int32_t)a->amount;
        }
    }
}

/* --- what must hold --- */

static void decide(world *w, spw_core *core, spw_plan *plan, char *text)
{
    spw_err err = {0};
    spw_rc rc = spw_decide(core, &w->snap, plan, &err);
    if (rc != SPW_OK) {
        fail_msg("seed %d, tick %d: %s: %s", (int)w->seed, w->tick, err.field, err.text);
    }
    assert_true(spw_plan_text(plan, &w->snap, text, sizeof w->text) < sizeof w->text);
}

static void accounts_agree(world *w)
{
    MUST(w, spw_plan_outcome_count(w->plan) == spw_plan_outcome_count(w->twin_plan));
    for (size_t i = 0; i < spw_plan_outcome_count(w->plan); i++) {
        const spw_outcome *a = spw_plan_outcome_at(w->plan, i), *b = spw_plan_outcome_at(w->twin_plan, i);
        MUST(w, memcmp(a, b, offsetof(spw_outcome, tiers)) == 0);
        MUST(w, memcmp(a->tiers, b->tiers, a->tier_count * sizeof a->tiers[0]) == 0);
    }
}

/** A plan without room for what is to be done: refused, and nothing is remembered of it. */
static void fail_first(world *w)
{
    uint64_t before = spw_state_hash(w->core);
    MUST(w, spw_decide(w->core, &w->snap, w->tiny, NULL) == SPW_LIMIT);
    MUST(w, spw_plan_count(w->tiny) == 0 && spw_plan_outcome_count(w->tiny) == 0);
    MUST(w, spw_state_hash(w->core) == before);
}

static void restart(world *w)
{
    size_t size = spw_state_size(w->core);
    unsigned char *bytes = malloc(size);
    assert_non_null(bytes);
    assert_int_equal(spw_state_save(w->core, bytes, size), SPW_OK);
    spw_core_free(w->core);
    w->core = make_core(w, false);
    assert_int_equal(spw_state_load(w->core, bytes, size), SPW_OK);
    free(bytes);
}

static int resting(const world *w)
{
    int n = 0;
    for (size_t k = 0; k < WORKS; k++) {
        n += w->core->view.resting[k / 64] >> k % 64 & 1u ? 1 : 0;
    }
    return n;
}

static void step(world *w, bool wild)
{
    int order[WORKS];
    int turned = wild && choice_chance(&w->c, 1, 20) ? (int)choice_below(&w->c, WORKS) : 0;
    for (int i = 0; i < WORKS; i++) {
        order[i] = (i + turned) % WORKS;
    }
    show(w, order, wild && choice_chance(&w->c, 1, 20));
    decide(w, w->twin, w->twin_plan, w->twin_text);
    if (spw_plan_count(w->twin_plan) > 1 && choice_chance(&w->c, 1, 10)) {
        fail_first(w);
    }
    decide(w, w->core, w->plan, w->text);
    MUST(w, strcmp(w->text, w->twin_text) == 0);
    accounts_agree(w);
    if (!wild || choice_chance(&w->c, 1, 3)) { /* saving must not be what keeps the memory right */
        MUST(w, spw_state_hash(w->core) == spw_state_hash(w->twin));
    }
    carry_out(w);
    members(w);
    if (wild && choice_chance(&w->c, 1, 40)) {
        restart(w);
    }
    w->now += choice_chance(&w->c, 1, 60) ? 1800 * S : 15 * S; /* long gaps: entries are forgotten by age */
    w->tick++;
}

static void nobody_can_tell(void **state)
{
    (void)state;
    static world w;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        int most = 0;
        make(&w, seed);
        for (int i = 0; i < TICKS; i++) {
            if (i < TICKS * 2 / 3) {
                mischief(&w);
            }
            step(&w, i < TICKS * 2 / 3);
            most = resting(&w) > most ? resting(&w) : most;
        }
        MUST(&w, most > WORKS / 10); /* else there was nothing to see */
        unmake(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_can_tell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
