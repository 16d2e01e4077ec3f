/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_fuzz.c - some thousand cases of the fuzzer (tests/support/fuzz.h) in every run of the tests; `make fuzz` has as
 * many as one likes. A case that fails is named by its seed: build/tests/fuzz/fuzz_decide 1 SEED.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tests/support/fuzz.h"

#define CASES 4000

static void clear_error_or_valid_plan(void **state)
{
    (void)state;
    fuzz f;
    if (fuzz_init(&f, "tests/golden/examples") != 0) {
        fail_msg("tests/golden/examples cannot be read: run this from the root of the tree");
    }
    for (uint64_t seed = 1; seed <= CASES; seed++) {
        if (!fuzz_case(&f, seed)) {
            fail_msg("seed %llu: %s", (unsigned long long)seed, f.why);
        }
    }
    /* the mixture is worth something: neither all refused nor all well */
    assert_true(f.tally.refused > CASES / 4 && f.tally.plans > CASES / 2 && f.tally.actions > CASES);
    fuzz_fini(&f);
}

/** Cases in which a plan once broke the law, or one core decided otherwise, found among millions of others. */
static void what_was_found_once(void **state)
{
    static const struct {
        uint64_t seed;
        bool plain;
    } cases[] = {
        {7331550, true},   /* a victim that was promised more than it shows */
        {20008415, true},  /* a budget of failover on a lost cluster, under `compat`, with units */
        {40084497, true},  /* idle room of a unit that opens late, where a summary leaves no memory */
        {41815023, true},  /* replicas that wait for a node, and took their room in the second unit */
        {72000033, false}, /* a sum over pods in the order of their rows */
        {72014114, false}, /* traffic by health where nobody is healthy to a millionth */
    };
    (void)state;
    fuzz f;
    assert_int_equal(fuzz_init(&f, "tests/golden/examples"), 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        f.plain = cases[i].plain;
        if (!fuzz_case(&f, cases[i].seed)) {
            fail_msg("seed %llu: %s", (unsigned long long)cases[i].seed, f.why);
        }
    }
    fuzz_fini(&f);
}

/** The same seed makes the same damage. */
static void is_deterministic(void **state)
{
    (void)state;
    static const char json[] = "{\"now_ns\": 5, \"clusters\": [{\"name\": \"a\", \"pools\": []}], \"workloads\": []}";
    static const char yaml[] = "kind: Deployment\nmetadata:\n  name: a\nspec:\n  replicas: 3\n";
    size_t changed = 0;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        char *text[4];
        for (int i = 0; i < 4; i++) {
            choice c;
            choice_seed(&c, seed);
            text[i] = i < 2 ? fuzz_damage_json(&c, json) : fuzz_damage_lines(&c, yaml, "a: 1\nb: 2\n");
        }
        assert_string_equal(text[0], text[1]);
        assert_string_equal(text[2], text[3]);
        changed += strcmp(text[2], yaml) != 0;
        for (int i = 0; i < 4; i++) {
            free(text[i]);
        }
    }
    assert_true(changed > 180);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clear_error_or_valid_plan),
        cmocka_unit_test(what_was_found_once),
        cmocka_unit_test(is_deterministic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
