/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_units.c - ResourcePolicy: how the object is read, and laws of the rooms of units on random clusters. Decisions
 * worked by hand are in tests/golden/examples/units-*.txt.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <spillway/manifest.h>

#include "place/units.h"
#include "tests/support/choice.h"
#include "tests/support/toy.h"

#define DEPLOYMENT                                                                                                     \
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: w, namespace: p}\n"                                       \
    "spec: {replicas: 1, selector: {matchLabels: {app: w}}, template: {metadata: {labels: {app: w}%s}, spec: "         \
    "{containers: [{name: e, image: e, resources: {limits: {nvidia.com/gpu: 1}}}]}}}\n---\n"
#define POLICY(name)                                                                                                   \
    "apiVersion: scheduling.alibabacloud.com/v1alpha1\nkind: ResourcePolicy\nmetadata: {name: " name                   \
    ", namespace: p}\nspec: "

/** Reads a Deployment and what follows. @return its units and all warnings in `said`, or NULL with the last error there
 */
static const spw_units *read(spw_manifest_set **set, const char *annotations, const char *policies, char *said,
                             size_t size)
{
    char text[4096];
    spw_diag *diag = NULL;
    const spw_config *config = NULL;
    assert_int_equal(spw_diag_new(NULL, 8, &diag), SPW_OK);
    *set = spw_manifest_new(NULL);
    int n = snprintf(text, sizeof text, DEPLOYMENT "%s", annotations, policies);
    assert_true(n > 0 && (size_t)n < sizeof text);
    bool ok = spw_manifest_add_text(*set, "f", text, (size_t)n, diag) == SPW_OK &&
              spw_manifest_config(*set, diag, &config) == SPW_OK;
    said[0] = '\0';
    for (size_t i = ok ? 0 : spw_diag_count(diag) - 1; i < spw_diag_count(diag); i++) {
        (void)snprintf(said + strlen(said), size - strlen(said), "%s\n", spw_diag_at(diag, i));
    }
    spw_diag_free(diag);
    return ok ? config->workloads[0].units : NULL;
}

static void every_field(void **state)
{
    (void)state;
    char said[512];
    spw_manifest_set *set = NULL;
    const spw_units *u = read(
        &set, "",
        POLICY(
            "u") "{selector: {app: w}, strategy: prefer, whenTryNextUnits: {policy: TimeoutOrExceedMax, timeout: 1m}, "
                 "units: [{resource: ecs, max: 2, nodeSelector: {alibabacloud.com/nodepool-id: np1}}, {resource: ecs, "
                 "nodeSelector: {nvidia.com/gpu.product: RTX-4090, spillway.dev/capacity: spot}, podLabels: "
                 "{k8s.aliyun.com/resource-policy-wait-for-ecs-scaling: 'true'}}, {resource: elastic}, {resource: "
                 "eci}]}\n",
        said, sizeof said);
    assert_non_null(u);
    assert_int_equal(u->count, 4);
    assert_int_equal(u->next, SPW_NEXT_TIMEOUT_OR_MAX);
    assert_true(u->timeout == 60 * SPW_NS_PER_S);
    assert_string_equal(u->at[0].pool, "np1");
    assert_int_equal(u->at[0].replicas_max, 2);
    assert_string_equal(u->at[1].gpu, "RTX-4090");
    assert_int_equal(u->at[1].capacity, SPW_CAPACITY_SPOT);
    assert_int_equal(u->at[1].replicas_max, -1);
    assert_true(u->at[1].waits && u->at[2].waits && !u->at[0].waits && !u->at[3].waits);
    assert_true(u->at[3].pay_per_use);
    assert_int_equal(spw_unit_of(u, &(spw_unit_pool){"np1", "X", SPW_CAPACITY_OWNED, NULL}), 0);
    assert_int_equal(spw_unit_of(u, &(spw_unit_pool){"np2", "RTX-4090", SPW_CAPACITY_SPOT, NULL}), 1);
    assert_int_equal(spw_unit_of(u, &(spw_unit_pool){"np2", "RTX-4090", SPW_CAPACITY_OWNED, NULL}), 2);
    spw_manifest_free(set);
    u = read(&set, "", POLICY("u") "{units: [{resource: eci}]}\n", said, sizeof said); /* no selector: all pods */
    assert_non_null(u);
    assert_int_equal(u->next, SPW_NEXT_LACK_OR_MAX);
    assert_true(u->timeout == 900 * SPW_NS_PER_S);
    assert_int_equal(spw_unit_of(u, &(spw_unit_pool){"x", "X", SPW_CAPACITY_RESERVED, NULL}), -1);
    assert_int_equal(spw_unit_of(u, &(spw_unit_pool){"x", "X", SPW_CAPACITY_ON_DEMAND, NULL}), 0);
    spw_manifest_free(set);
    assert_null(read(&set, "", POLICY("u") "{selector: {app: other}, units: [{resource: eci}]}\n", said, sizeof said));
    spw_manifest_free(set);
}

static void mistakes_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *annotations, *policies, *said;
    } cases[] = {
        {"", POLICY("u") "{units: [{resource: ecs, nodeSelector: {spillway.dev/pol: x}}]}\n",
         "unknown label of a pool 'spillway.dev/pol' (did you mean 'spillway.dev/pool'?)"},
        {"", POLICY("u") "{units: [{resource: ecs, maxResources: {cpu: -1}}]}\n", "is negative"},
        {"", POLICY("u") "{units: [{resource: ecs, maxResources: 3}]}\n", "must be a mapping of resources"},
        {"", POLICY("u") "{units: [{resource: elastic, maxResources: {cpu: 1}}]}\n",
         "a unit of resource 'elastic' has no 'maxResources'"},
        {"", POLICY("u") "{units: [{resource: ecs, nodeSelector: {spillway.dev/capacity: spott}}]}\n",
         "unknown kind of capacity 'spott' (did you mean 'spot'?)"},
        {"", POLICY("u") "{units: [{resource: elastic, max: 3}]}\n", "a unit of resource 'elastic' has no 'max'"},
        {"", POLICY("u") "{strategy: required, units: [{resource: ecs}]}\n", "'required'"},
        {"", POLICY("u") "{units: [{resource: ecs}]}\n---\n" POLICY("v") "{units: [{resource: ecs}]}\n",
         "Deployment 'p/w' has two ResourcePolicies: 'p/u' and 'p/v'"},
        {", annotations: {controller.kubernetes.io/pod-deletion-cost: '5'}", POLICY("u") "{units: [{resource: ecs}]}\n",
         "ResourcePolicy 'p/u' orders scale-in itself"},
        {"",
         POLICY("u") "{units: [{resource: ecs},{resource: ecs},{resource: ecs},{resource: ecs},{resource: ecs},"
                     "{resource: ecs},{resource: ecs},{resource: ecs},{resource: ecs}]}\n",
         "a ResourcePolicy has at most 8 units"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char said[512];
        spw_manifest_set *set = NULL;
        assert_null(read(&set, cases[i].annotations, cases[i].policies, said, sizeof said));
        if (strstr(said, cases[i].said) == NULL) {
            fail_msg("case %zu says: %s", i, said);
        }
        spw_manifest_free(set);
    }
}

static void pools_are_known_by_any_label(void **state)
{
    (void)state;
    static const spw_label spot[] = {{"team", "x"}, {"paidtype", "spot"}, {SPW_LABEL_POOL, "np9"}};
    static const spw_labels both = {spot, 2}, named = {spot, 3};
    char said[512];
    spw_manifest_set *set = NULL;
    const spw_units *u = read(&set, "",
                              POLICY("u") "{selector: {app: w}, units: [{nodeSelector: {alibabacloud.com/nodepool-id: "
                                          "np9}, resource: ecs}, {nodeSelector: {paidtype: spot, team: x}, resource: "
                                          "ecs}]}\n",
                              said, sizeof said);
    assert_non_null(u);
    assert_int_equal(u->at[1].labels.count, 2);
    assert_int_equal(spw_unit_of(u, &(spw_unit_pool){"p", "G", SPW_CAPACITY_OWNED, &named}), 0);
    assert_int_equal(spw_unit_of(u, &(spw_unit_pool){"np9", "G", SPW_CAPACITY_OWNED, NULL}), 0);
    assert_int_equal(spw_unit_of(u, &(spw_unit_pool){"p", "G", SPW_CAPACITY_OWNED, &both}), 1);
    assert_int_equal(spw_unit_of(u, &(spw_unit_pool){"p", "G", SPW_CAPACITY_SPOT, NULL}), -1);
    spw_manifest_free(set);
}

#define OTHER                                                                                                          \
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: v, namespace: p}\n"                                       \
    "spec: {replicas: 1, selector: {matchLabels: {app: v}}, template: {metadata: {labels: {app: v}}, spec: "           \
    "{containers: [{name: e, image: e, resources: {limits: {nvidia.com/gpu: 1}}}]}}}\n---\n"

static void what_max_counts_together(void **state)
{
    (void)state;
    static const struct {
        const char *policies, *said; /* NULL = nothing about counting */
    } cases[] = {
        {POLICY("u") "{matchLabelKeys: [revision], units: [{resource: ecs, max: 2}]}\n",
         "pods of Deployment 'p/w' carry no label 'revision' of matchLabelKeys: they are counted together"},
        {POLICY("u") "{matchLabelKeys: [app], units: [{resource: ecs, max: 2}]}\n", NULL},
        {OTHER POLICY("u") "{units: [{resource: ecs, max: 2}]}\n",
         "ResourcePolicy 'p/u' selects several workloads: 'max' counts the replicas of each alone"},
        {OTHER POLICY("u") "{units: [{resource: ecs}]}\n", NULL},
        {OTHER POLICY("u") "{matchLabelKeys: [app], units: [{resource: ecs, max: 2}]}\n", NULL},
        {OTHER POLICY("u") "{matchLabelKeys: [pod-template-hash], units: [{resource: ecs, max: 2}]}\n", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char said[1024];
        spw_manifest_set *set = NULL;
        assert_non_null(read(&set, "", cases[i].policies, said, sizeof said));
        const bool counts = strstr(said, "count") != NULL;
        if (cases[i].said == NULL ? counts : strstr(said, cases[i].said) == NULL) {
            fail_msg("case %zu says: %s", i, said);
        }
        spw_manifest_free(set);
    }
}

#define PLACED(annotations)                                                                                            \
    "apiVersion: policy.karmada.io/v1alpha1\nkind: PropagationPolicy\nmetadata: {name: w, namespace: p, annotations: " \
    "{" annotations                                                                                                    \
    "}}\nspec: {resourceSelectors: [{apiVersion: apps/v1, kind: Deployment, name: w}], placement: {clusterAffinity: "  \
    "{clusterNames: [a]}}}\n---\n"

static void before_next_needs_the_step_of_victims(void **state)
{
    (void)state;
    static const struct {
        const char *policies;
        bool says;
    } cases[] = {
        {PLACED("spillway.dev/preempt: before-elastic")
             POLICY("u") "{preemptPolicy: BeforeNextUnit, units: [{resource: ecs}]}\n",
         false},
        {PLACED("spillway.dev/preempt: after-elastic")
             POLICY("u") "{preemptPolicy: BeforeNextUnit, units: [{resource: ecs}]}\n",
         true},
        {PLACED("spillway.dev/step-major: per-cluster, spillway.dev/preempt: before-elastic")
             POLICY("u") "{preemptPolicy: BeforeNextUnit, units: [{resource: ecs}]}\n",
         true},
        {PLACED("") POLICY("u") "{preemptPolicy: AfterAllUnits, units: [{resource: ecs}]}\n", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char said[1024];
        spw_manifest_set *set = NULL;
        const spw_units *u = read(&set, "", cases[i].policies, said, sizeof said);
        if (u == NULL || u->preempts_before_next != (i < 3) ||
            (strstr(said, "BeforeNextUnit says nothing for Deployment 'p/w'") != NULL) != cases[i].says) {
            fail_msg("case %zu says: %s", i, said);
        }
        spw_manifest_free(set);
    }
}

/* --- laws on random clusters --- */

enum { POOLS = 5, WORLDS = 2000 };

typedef struct world {
    room r;
    room_pool pools[POOLS], before[POOLS];
    uint32_t first[2];
    room_units left[1];
    estimate_left limit, bound;
    spw_unit unit[SPW_UNITS_MAX];
    spw_units units;
    spw_workload work;
    char names[POOLS][4];
} world;

static void make(world *w, choice *c, spw_next_unit next)
{
    *w = (world){.first = {0, POOLS}};
    for (int p = 0; p < POOLS; p++) {
        (void)snprintf(w->names[p], sizeof w->names[p], "p%d", p);
        w->pools[p] = (room_pool){.name = w->names[p],
                                  .gpu = "G",
                                  .capacity = (spw_capacity)choice_range(c, SPW_CAPACITY_OWNED, SPW_CAPACITY_SPOT),
                                  .node_gpus = 2};
        for (int k = 0; k <= 2; k++) {
            w->pools[p].idle[k] = (int32_t)choice_below(c, 4);
        }
        w->pools[p].coming[2] = (int32_t)choice_below(c, 3);
        w->pools[p].fresh = (int32_t)choice_below(c, 3);
    }
    w->units = (spw_units){.at = w->unit, .count = (size_t)choice_range(c, 1, 4), .next = next};
    for (size_t u = 0; u < w->units.count; u++) {
        bool bounded = choice_below(c, 2) == 0;
        w->unit[u] = (spw_unit){.pool = choice_below(c, 2) == 0 ? w->names[choice_below(c, POOLS)] : NULL,
                                .pay_per_use = choice_below(c, 4) == 0,
                                .replicas_max = bounded ? (int32_t)choice_below(c, 6) : -1,
                                .waits = choice_below(c, 3) == 0};
    }
    w->work = (spw_workload){.gpus = (int32_t)choice_range(c, 1, 2), .units = &w->units};
    w->r = (room){.pools = w->pools, .first = w->first, .units = w->left, .units_wait = choice_below(c, 2) == 0};
    if (choice_below(c, 2) == 0) { /* a summary bounds what nodes that are up may take */
        w->work.memory_bytes = 10;
        w->limit = (estimate_left){.left = {ESTIMATE_NO_LIMIT, ESTIMATE_NO_LIMIT, (int64_t)choice_below(c, 120)}};
        w->r.limits = &w->limit;
    }
    w->bound = w->limit;
    memcpy(w->before, w->pools, sizeof w->pools);
    units_open(&w->r, 0, &w->units);
}

static int32_t fill_all(world *w, int32_t n)
{
    int32_t taken = room_take(&w->r, 0, &w->work, ROOM_IDLE, n);
    taken += room_take(&w->r, 0, &w->work, ROOM_COMING, n - taken);
    return taken + room_take(&w->r, 0, &w->work, ROOM_FRESH, n - taken);
}

/**
 * What is counted can be taken and no more; no unit is over its max; as counts grow one by one, and shrink one by one,
 * the units hold the same numbers at the same count: the last to be used is the first to be left.
 */
static void counted_is_taken_and_scale_in_is_the_reverse(void **state)
{
    (void)state;
    int64_t placed = 0;
    int64_t held_back = 0;
    int64_t bound = 0;
    for (uint64_t seed = 1; seed <= WORLDS; seed++) {
        choice c;
        choice_seed(&c, seed);
        world w;
        make(&w, &c, SPW_NEXT_LACK_OR_MAX);
        w.units.next = (spw_next_unit)(seed % 4);
        int32_t up[64][SPW_UNITS_MAX] = {{0}};
        int32_t most = room_count(&w.r, 0, &w.work, ROOM_IDLE);
        for (int32_t n = 1; n <= most && n < 64; n++) { /* one by one, in one kind of room */
            assert_int_equal(room_count(&w.r, 0, &w.work, ROOM_IDLE), most - n + 1);
            assert_int_equal(room_take(&w.r, 0, &w.work, ROOM_IDLE, 1), 1);
            units_spread(&w.r, 0, &w.units, n, up[n]);
        }
        for (int32_t n = most < 63 ? most : 63; n >= 0; n--) {
            int32_t down[SPW_UNITS_MAX] = {0};
            units_spread(&w.r, 0, &w.units, n, down);
            assert_memory_equal(down, up[n], sizeof down);
        }
        memcpy(w.pools, w.before, sizeof w.pools);
        w.limit = w.bound;
        units_open(&w.r, 0, &w.units);
        int32_t counted = 0;
        for (int k = ROOM_IDLE; k <= ROOM_FRESH; k++) {
            counted += room_count(&w.r, 0, &w.work, (room_kind)k);
        }
        assert_int_equal(fill_all(&w, 1000), counted);
        assert_int_equal(fill_all(&w, 1000), 0);
        for (size_t u = 0; u < w.units.count; u++) {
            assert_true(w.left[0].left[u] >= 0);
        }
        placed += counted;
        bound += w.r.limits != NULL && counted > 0 ? 1 : 0;
        w.r.limits = NULL; /* then the kinds of room are not counted alike with and without waits */
        memcpy(w.pools, w.before, sizeof w.pools);
        units_open(&w.r, 0, &w.units);
        counted = 0;
        for (int k = ROOM_IDLE; k <= ROOM_FRESH; k++) {
            counted += room_count(&w.r, 0, &w.work, (room_kind)k);
        }
        spw_units none = w.units;
        none.next = SPW_NEXT_LACK_OR_MAX;
        spw_workload free_of_waits = w.work;
        free_of_waits.units = &none;
        memcpy(w.pools, w.before, sizeof w.pools);
        units_open(&w.r, 0, &none);
        int32_t without = 0;
        for (int k = ROOM_IDLE; k <= ROOM_FRESH; k++) {
            without += room_count(&w.r, 0, &free_of_waits, (room_kind)k);
        }
        bool hides = w.units.next == SPW_NEXT_MAX; /* only that rule can make room unreachable */
        assert_true(hides ? counted <= without : counted == without);
        held_back += counted < without ? 1 : 0;
    }
    assert_true(placed > 10000 && held_back > 20 && bound > 500);
}

/* --- what waits keeps its unit --- */

#define S SPW_NS_PER_S

/**
 * 4 idle GPUs, all of the second unit, which takes 3; 5 replicas are written and none has a node. Three have room, and
 * it is the second unit that they have taken: the first, of spot nodes, has none. So there is no room for another.
 */
static void make_waiting(toy *t, const spw_units *units)
{
    static const char *const groups[] = {"idc"};
    toy_init(t);
    (void)toy_pool_add(t, toy_cluster(t, "idc"), "own", SPW_CAPACITY_OWNED, 4, 4);
    t->work[0].units = units;
    t->assigned[0][0] = 5;
    t->template_replicas[0] = 5;
    toy_start(t, groups, 1);
}

static const spw_unit spot_then_three[] = {{.capacity = SPW_CAPACITY_SPOT, .replicas_max = 2}, {.replicas_max = 3}};
static const spw_units waiting = {spot_then_three, 2, SPW_NEXT_LACK_OR_MAX, 0, false};

static void those_that_wait_keep_their_unit(void **state)
{
    (void)state;
    toy t;
    make_waiting(&t, &waiting);
    (void)toy_tick(&t);
    assert_string_equal(toy_text(&t), "place prod/chat idc 5 -> 3  no-node\n");
    toy_end(&t);
}

/** As Karmada does it, what is written counts, and a sixth finds no room: it is refused. */
static void and_open_no_room_for_more(void **state)
{
    (void)state;
    toy t;
    make_waiting(&t, &waiting);
    t.policy.compat = true;
    t.template_replicas[0] = 6;
    toy_restart(&t);
    t.now = 15 * S;
    (void)toy_tick(&t);
    assert_string_equal(toy_text(&t), "");
    assert_int_equal(spw_plan_outcome_at(t.plan, 0)->unplaced, 1);
    toy_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(pools_are_known_by_any_label),
        cmocka_unit_test(what_max_counts_together),
        cmocka_unit_test(before_next_needs_the_step_of_victims),
        cmocka_unit_test(counted_is_taken_and_scale_in_is_the_reverse),
        cmocka_unit_test(those_that_wait_keep_their_unit),
        cmocka_unit_test(and_open_no_room_for_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
