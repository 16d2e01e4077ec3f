/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_filter.c - taints and tolerations, residency, latency, gravity: as rules, and through the whole core. By hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "place/filter.h"
#include "tests/support/toy.h"

#define S  SPW_NS_PER_S
#define MS (SPW_NS_PER_S / 1000)

static void tolerations_as_kubernetes_has_them(void **state)
{
    (void)state;
    static const spw_taint dedicated[] = {{"dedicated", "llm", SPW_TAINT_NO_SCHEDULE}};
    static const spw_taint drained[] = {{"dedicated", "llm", SPW_TAINT_NO_SCHEDULE},
                                        {"drain", "", SPW_TAINT_NO_EXECUTE}};
    static const spw_taint rather_not[] = {{"old", "", SPW_TAINT_PREFER_NO_SCHEDULE}};
    const spw_taints one = {dedicated, 1};
    const spw_taints two = {drained, 2};
    const spw_taints soft = {rather_not, 1};
    const spw_toleration equal = {"dedicated", false, "llm", 0};
    const spw_toleration other_value = {"dedicated", false, "batch", 0};
    const spw_toleration other_effect = {"dedicated", false, "llm", SPW_TAINT_NO_EXECUTE};
    const spw_toleration exists = {"dedicated", true, NULL, SPW_TAINT_NO_SCHEDULE};
    const spw_toleration everything = {"", true, NULL, 0};
    const spw_toleration all_drains = {"", true, NULL, SPW_TAINT_NO_EXECUTE};
    const spw_toleration both[] = {equal, all_drains};
    assert_true(filter_tainted(&one, NULL, 0));
    assert_false(filter_tainted(&one, &equal, 1));
    assert_true(filter_tainted(&one, &other_value, 1));
    assert_true(filter_tainted(&one, &other_effect, 1));
    assert_false(filter_tainted(&one, &exists, 1));
    assert_false(filter_tainted(&two, &everything, 1));
    assert_true(filter_tainted(&two, &equal, 1));
    assert_true(filter_tainted(&two, &all_drains, 1));
    assert_false(filter_tainted(&two, both, 2));
    assert_false(filter_tainted(&soft, NULL, 0));
}

static void distances(void **state)
{
    (void)state;
    static const spw_rtt rtts[] = {{"hz", "bj", 30 * MS}, {"bj", "fra", 180 * MS}, {"fra", "bj", 190 * MS}};
    assert_true(filter_rtt(rtts, 3, "hz", "bj") == 30 * MS);
    assert_true(filter_rtt(rtts, 3, "bj", "hz") == 30 * MS);   /* the same both ways ... */
    assert_true(filter_rtt(rtts, 3, "fra", "bj") == 190 * MS); /* ... unless said otherwise */
    assert_true(filter_rtt(rtts, 3, "hz", "hz") == 0);
    assert_true(filter_rtt(rtts, 3, "hz", "fra") == SPW_TIME_MAX);
    assert_true(filter_rtt(rtts, 3, "", "") == SPW_TIME_MAX); /* no region: not near anything */
}

static const char *const GROUPS[] = {"a,b,c"};

/** a in hz (CN), b in bj (CN), c in fra (EU), 4 idle GPUs each. */
static void three(toy *t)
{
    static const char *const names[3] = {"a", "b", "c"};
    static const char *const regions[3] = {"hz", "bj", "fra"};
    static const char *const laws[3] = {"CN", "CN", "EU"};
    toy_init(t);
    for (int i = 0; i < 3; i++) {
        (void)toy_pool_add(t, toy_cluster(t, names[i]), "own", SPW_CAPACITY_OWNED, 4, 4);
        t->region[i] = regions[i];
        t->jurisdiction[i] = laws[i];
    }
    t->has_law = true;
    t->settings.explain = true;
}

static void expect(toy *t, int a, int b, int c)
{
    if (t->assigned[0][0] != a || t->assigned[0][1] != b || t->assigned[0][2] != c) {
        fail_msg("%d %d %d, not %d %d %d\n%s", t->assigned[0][0], t->assigned[0][1], t->assigned[0][2], a, b, c,
                 toy_text(t));
    }
}

static void want(toy *t, int32_t n)
{
    t->template_replicas[0] = n;
    t->now += 15 * S;
    (void)toy_tick(t);
    toy_settle(t);
}

static spw_verdict on(const toy *t, size_t cluster)
{
    return spw_plan_candidate_at(t->plan, cluster)->verdict;
}

static void data_stays_in_its_jurisdiction(void **state)
{
    (void)state;
    static const char *const eu[] = {"EU", "UK"};
    toy t;
    three(&t);
    t.work[0].jurisdictions = eu;
    t.work[0].jurisdiction_count = 2;
    toy_start(&t, GROUPS, 1);
    want(&t, 6);
    expect(&t, 0, 0, 4);
    assert_int_equal(on(&t, 0), SPW_VERDICT_JURISDICTION);
    assert_int_equal(on(&t, 1), SPW_VERDICT_JURISDICTION);
    assert_int_equal(on(&t, 2), SPW_VERDICT_FULL);
    assert_int_equal(spw_plan_outcome_at(t.plan, 0)->unplaced, 2);
    t.has_law = false; /* nobody says whose law holds where: nowhere, then; ready copies have nowhere to go and stay */
    want(&t, 2);
    assert_int_equal(on(&t, 2), SPW_VERDICT_JURISDICTION);
    toy_end(&t);
}

/** Users in hz and bj, 50 ms: fra is too far from both, and hz is 30 ms from bj. With users in fra nothing is left. */
static void users_are_near(void **state)
{
    (void)state;
    static const spw_rtt rtts[] = {{"hz", "bj", 30 * MS}, {"bj", "fra", 180 * MS}, {"hz", "fra", 200 * MS}};
    static const char *const users[] = {"hz", "bj", "fra"};
    toy t;
    three(&t);
    t.rtts = rtts;
    t.rtt_count = 3;
    t.work[0].latency_budget = 50 * MS;
    t.work[0].user_regions = users;
    t.work[0].user_region_count = 2;
    toy_start(&t, GROUPS, 1);
    want(&t, 6);
    expect(&t, 3, 3, 0);
    assert_int_equal(on(&t, 2), SPW_VERDICT_LATENCY);
    t.work[0].user_region_count = 3; /* from each of them */
    toy_restart(&t);
    want(&t, 8);
    assert_int_equal(on(&t, 0), SPW_VERDICT_LATENCY);
    assert_int_equal(on(&t, 1), SPW_VERDICT_LATENCY);
    assert_int_equal(on(&t, 2), SPW_VERDICT_LATENCY);
    t.work[0].latency_budget = 29 * MS; /* bj alone is within 29 ms of bj */
    t.work[0].user_regions = users + 1;
    t.work[0].user_region_count = 1;
    toy_restart(&t);
    want(&t, 6);
    want(&t, 6);
    assert_int_equal(t.assigned[0][1], 4);
    assert_int_equal(on(&t, 0), SPW_VERDICT_LATENCY);
    toy_end(&t);
}

static void replicas_stand_where_the_data_is(void **state)
{
    (void)state;
    toy t;
    three(&t);
    t.work[0].dataset_region = "bj";
    toy_start(&t, GROUPS, 1);
    want(&t, 3);
    expect(&t, 0, 3, 0);
    assert_int_equal(on(&t, 0), SPW_VERDICT_GRAVITY);
    assert_int_equal(on(&t, 1), SPW_VERDICT_CHOSEN);
    t.work[0].dataset_movable = true;
    toy_restart(&t);
    want(&t, 9);
    assert_true(t.assigned[0][0] > 0 && t.assigned[0][2] > 0);
    toy_end(&t);
}

/** A taint keeps newcomers away; who is there already stays, and may grow there. */
static void taints_spare_holders(void **state)
{
    (void)state;
    static const spw_taint taint[] = {{"dedicated", "llm", SPW_TAINT_NO_SCHEDULE}};
    static const spw_toleration tolerates[] = {{"dedicated", false, "llm", 0}};
    toy t;
    three(&t);
    t.has_taints = true;
    t.taints[0] = (spw_taints){taint, 1};
    toy_start(&t, GROUPS, 1);
    want(&t, 4);
    expect(&t, 0, 2, 2);
    assert_int_equal(on(&t, 0), SPW_VERDICT_TAINTED);
    t.taints[0].count = 0;
    want(&t, 7); /* 4 2 2 free, 3 more: 4 2 2 1.33 -> a 1 (4), b 1, c 1 */
    expect(&t, 1, 3, 3);
    t.taints[0].count = 1;
    want(&t, 10); /* a holds: no filter */
    assert_true(t.assigned[0][0] > 1);
    t.policy.tolerations = tolerates;
    t.policy.toleration_count = 1;
    for (int i = 0; i < 3; i++) {
        t.assigned[0][i] = 0;
    }
    toy_settle(&t);
    toy_restart(&t);
    want(&t, 6);
    expect(&t, 2, 2, 2);
    toy_end(&t);
}

/** The three columns: in the digest, and checked at the border. */
static void columns_count(void **state)
{
    (void)state;
    static const spw_taint good[] = {{"k", "v", SPW_TAINT_NO_EXECUTE}};
    static const spw_taint bad[] = {{"k", NULL, SPW_TAINT_NO_EXECUTE}, {"k", "", (spw_taint_effect)4}};
    toy t;
    three(&t);
    toy_start(&t, GROUPS, 1);
    t.has_taints = true;
    t.now = 100 * S;
    uint64_t hash[4];
    hash[0] = spw_snapshot_hash(toy_snapshot(&t));
    t.taints[1] = (spw_taints){good, 1};
    hash[1] = spw_snapshot_hash(toy_snapshot(&t));
    t.jurisdiction[1] = "SG";
    hash[2] = spw_snapshot_hash(toy_snapshot(&t));
    t.reschedule[0] = 50 * S;
    hash[3] = spw_snapshot_hash(toy_snapshot(&t));
    for (int i = 0; i < 4; i++) {
        for (int k = 0; k < i; k++) {
            assert_true(hash[i] != hash[k]);
        }
    }
    assert_int_equal(spw_snapshot_check(&t.snap, NULL), SPW_OK);
    spw_err err = {0};
    for (int i = 0; i < 2; i++) {
        t.taints[1] = (spw_taints){bad + i, 1};
        assert_int_equal(spw_snapshot_check(toy_snapshot(&t), &err), SPW_INVAL);
        assert_string_equal(err.field, "clusters.taints");
    }
    t.taints[1].count = 0;
    t.reschedule[0] = 101 * S; /* in the future */
    assert_int_equal(spw_snapshot_check(toy_snapshot(&t), &err), SPW_INVAL);
    assert_string_equal(err.field, "workloads.reschedule");
    toy_end(&t);
}

static void bad_configurations_are_refused(void **state)
{
    (void)state;
    static const spw_spread twice[] = {{SPW_SPREAD_REGION, 1, 2}, {SPW_SPREAD_REGION, 1, 1}};
    static const spw_spread upside_down[] = {{SPW_SPREAD_CLUSTER, 3, 2}};
    static const spw_toleration no_key[] = {{"", false, "x", 0}};
    static const spw_group all[] = {{.name = ""}, {.name = ""}};
    static const spw_rtt backwards = {"a", "b", -1};
    spw_settings settings;
    spw_settings_default(&settings);
    for (int i = 0; i < 7; i++) {
        spw_policy p;
        spw_policy_default(&p);
        p.name = "p";
        p.groups = all;
        p.group_count = 1;
        spw_workload w = {.key = 1, .name = "w", .gpus = 1, .policy = 0, .hpa = SPW_ID_NONE};
        spw_config config = {.workloads = &w, .workload_count = 1, .policies = &p, .policy_count = 1};
        spw_core *core = NULL;
        spw_err err = {0};
        p.spreads = i == 1 ? twice : (i == 2 ? upside_down : NULL);
        p.spread_count = i == 1 ? 2 : (i == 2 ? 1 : 0);
        p.tolerations = no_key;
        p.toleration_count = i == 3 ? 1 : 0;
        w.latency_budget = i == 4 ? 1 : 0;
        config.rtts = &backwards;
        config.rtt_count = i == 5 ? 1 : 0;
        p.compat = i == 6;
        p.group_count = i == 6 ? 2 : 1;
        p.division = i == 6 ? SPW_DIVIDE_DUPLICATED : SPW_DIVIDE_DYNAMIC;
        assert_int_equal(spw_core_new(&settings, &config, spw_mem_libc(), &core, &err), i == 0 ? SPW_OK : SPW_INVAL);
        spw_core_free(core);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tolerations_as_kubernetes_has_them),
        cmocka_unit_test(distances),
        cmocka_unit_test(data_stays_in_its_jurisdiction),
        cmocka_unit_test(users_are_near),
        cmocka_unit_test(replicas_stand_where_the_data_is),
        cmocka_unit_test(taints_spare_holders),
        cmocka_unit_test(columns_count),
        cmocka_unit_test(bad_configurations_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
