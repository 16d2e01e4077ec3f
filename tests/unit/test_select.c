/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_select.c - does a cluster match a ClusterAffinity: every operator and field, and how they combine. By hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "place/select.h"

/* Row 0: "hz", region cn, no zone, provider ali, labels gpu=5090 tier=gold. Row 1: "eu", everything empty. */
static const char *const NAMES[] = {"hz", "eu"};
static const char *const REGIONS[] = {"cn", ""};
static const char *const EMPTY[] = {"", ""};
static const char *const PROVIDERS[] = {"ali", ""};
static const spw_label HZ[] = {{"gpu", "5090"}, {"tier", "gold"}};
static const spw_labels LABELS[] = {{HZ, 2}, {NULL, 0}};
static const spw_cluster_rows ROWS = {
    .count = 2, .name = NAMES, .region = REGIONS, .zone = EMPTY, .provider = PROVIDERS, .labels = LABELS};

static const char *const V_5090[] = {"4090", "5090"};
static const char *const V_4090[] = {"4090"};
static const char *const V_CN[] = {"cn"};
static const char *const V_EMPTY[] = {""};
static const char *const N_HZ[] = {"hz"};
static const char *const N_BOTH[] = {"eu", "hz"};

typedef struct label_case {
    spw_requirement need;
    bool hz, eu;
} label_case;

static void labels(void **state)
{
    (void)state;
    static const label_case cases[] = {
        {{"gpu", SPW_OP_IN, V_5090, 2}, true, false},     {{"gpu", SPW_OP_IN, V_4090, 1}, false, false},
        {{"gpu", SPW_OP_IN, NULL, 0}, false, false},      {{"gpu", SPW_OP_NOT_IN, V_5090, 2}, false, true},
        {{"gpu", SPW_OP_NOT_IN, V_4090, 1}, true, true},  {{"gpu", SPW_OP_NOT_IN, NULL, 0}, true, true},
        {{"gpu", SPW_OP_EXISTS, NULL, 0}, true, false},   {{"gpu", SPW_OP_NOT_EXISTS, NULL, 0}, false, true},
        {{"nope", SPW_OP_EXISTS, NULL, 0}, false, false}, {{"nope", SPW_OP_NOT_EXISTS, NULL, 0}, true, true},
        {{"gp", SPW_OP_EXISTS, NULL, 0}, false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        spw_selector s = {.labels = &cases[i].need, .label_count = 1};
        assert_int_equal(select_cluster(&s, &ROWS, 0), cases[i].hz);
        assert_int_equal(select_cluster(&s, &ROWS, 1), cases[i].eu);
    }
}

/** An empty region, zone or provider is an absent key. */
static void fields(void **state)
{
    (void)state;
    static const label_case cases[] = {
        {{"region", SPW_OP_IN, V_CN, 1}, true, false},    {{"region", SPW_OP_NOT_IN, V_CN, 1}, false, true},
        {{"zone", SPW_OP_IN, V_EMPTY, 1}, false, false},  {{"zone", SPW_OP_NOT_IN, V_CN, 1}, true, true},
        {{"provider", SPW_OP_IN, V_CN, 1}, false, false}, {{"provider", SPW_OP_NOT_IN, V_CN, 1}, true, true},
        {{"planet", SPW_OP_IN, V_CN, 1}, false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        spw_selector s = {.fields = &cases[i].need, .field_count = 1};
        assert_int_equal(select_cluster(&s, &ROWS, 0), cases[i].hz);
        assert_int_equal(select_cluster(&s, &ROWS, 1), cases[i].eu);
    }
}

/**
 * A cluster with zones a and b: In is met by one of them, NotIn by none. Cases of Karmada pkg/util/selector_test.go
 * (matchZones), with a name that begins like another.
 */
static void several_zones(void **state)
{
    (void)state;
    static const char *const two[] = {"a,bb", "bb"};
    static const char *const a[] = {"a"};
    static const char *const b[] = {"b"};
    static const char *const bb[] = {"c", "bb"};
    static const char *const both[] = {"a,bb"};
    spw_cluster_rows rows = ROWS;
    rows.zone = two;
    static const label_case cases[] = {
        {{"zone", SPW_OP_IN, a, 1}, true, false},       {{"zone", SPW_OP_NOT_IN, a, 1}, false, true},
        {{"zone", SPW_OP_IN, b, 1}, false, false},      {{"zone", SPW_OP_NOT_IN, b, 1}, true, true},
        {{"zone", SPW_OP_IN, bb, 2}, true, true},       {{"zone", SPW_OP_NOT_IN, bb, 2}, false, false},
        {{"zone", SPW_OP_IN, both, 1}, false, false},   {{"zone", SPW_OP_IN, NULL, 0}, false, false},
        {{"zone", SPW_OP_EXISTS, NULL, 0}, true, true}, {{"zone", SPW_OP_NOT_EXISTS, NULL, 0}, false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        spw_selector s = {.fields = &cases[i].need, .field_count = 1};
        assert_int_equal(select_cluster(&s, &rows, 0), cases[i].hz);
        assert_int_equal(select_cluster(&s, &rows, 1), cases[i].eu);
    }
    static const spw_requirement there = {"zone", SPW_OP_EXISTS, NULL, 0};
    const spw_selector s = {.fields = &there, .field_count = 1};
    assert_false(select_cluster(&s, &ROWS, 0)); /* no zone at all */
}

static void names_and_exclude(void **state)
{
    (void)state;
    spw_selector any = {0};
    assert_true(select_cluster(&any, &ROWS, 0) && select_cluster(&any, &ROWS, 1));
    spw_selector named = {.names = N_HZ, .name_count = 1};
    assert_true(select_cluster(&named, &ROWS, 0));
    assert_false(select_cluster(&named, &ROWS, 1));
    spw_selector excluded = {.names = N_BOTH, .name_count = 2, .exclude = N_HZ, .exclude_count = 1};
    assert_false(select_cluster(&excluded, &ROWS, 0)); /* exclude wins over names */
    assert_true(select_cluster(&excluded, &ROWS, 1));
}

/** All parts are ANDed. */
static void parts_combine(void **state)
{
    (void)state;
    spw_requirement needs[] = {{"gpu", SPW_OP_IN, V_5090, 2}, {"tier", SPW_OP_EXISTS, NULL, 0}};
    spw_requirement region = {"region", SPW_OP_IN, V_CN, 1};
    spw_selector s = {
        .labels = needs, .label_count = 2, .fields = &region, .field_count = 1, .names = N_BOTH, .name_count = 2};
    assert_true(select_cluster(&s, &ROWS, 0));
    assert_false(select_cluster(&s, &ROWS, 1));
    needs[1].key = "nope";
    assert_false(select_cluster(&s, &ROWS, 0));
    needs[1].key = "tier";
    region.op = SPW_OP_NOT_IN;
    assert_false(select_cluster(&s, &ROWS, 0));
}

static void first_group_that_matches(void **state)
{
    (void)state;
    spw_group groups[] = {
        {.name = "a", .selector = {.names = N_HZ, .name_count = 1}},
        {.name = "b", .selector = {.names = N_BOTH, .name_count = 2}},
        {.name = "c"},
    };
    spw_policy policy = {.groups = groups, .group_count = 3};
    assert_int_equal(select_group(&policy, &ROWS, 0), 0);
    assert_int_equal(select_group(&policy, &ROWS, 1), 1);
    policy.group_count = 1;
    assert_int_equal(select_group(&policy, &ROWS, 1), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels),        cmocka_unit_test(fields),
        cmocka_unit_test(several_zones), cmocka_unit_test(names_and_exclude),
        cmocka_unit_test(parts_combine), cmocka_unit_test(first_group_that_matches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
