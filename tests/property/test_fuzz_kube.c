/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_fuzz_kube.c - some cases of tests/support/fuzz_kube.h in every run of the tests; `make fuzz` has as many as one
 * likes. A case that fails is named by its seed: build/tests/fuzz/fuzz_kube 1 SEED.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/fuzz_kube.h"

#define CASES 200

static void servers_that_lie_and_files_that_are_broken(void **state)
{
    (void)state;
    fuzz_kube_tally tally = {0};
    for (uint64_t seed = 1; seed <= CASES; seed++) {
        char why[300] = "";
        if (!fuzz_kube_case(seed, &tally, why, sizeof why)) {
            fail_msg("seed %llu: %s", (unsigned long long)seed, why);
        }
    }
    assert_true(tally.damaged > 10 * CASES && tally.refused > CASES / 10 && tally.read > 0);
}

/* What the fuzzer once found. */
static void seeds_that_failed_before(void **state)
{
    (void)state;
    static const uint64_t seeds[] = {10,   1594,  2151, 2727,
                                     8364, 10500, 10886}; /* a time copied back; counts and amounts
out of range; versions that are no numbers, or went back */
    fuzz_kube_tally tally = {0};
    for (size_t i = 0; i < sizeof seeds / sizeof seeds[0]; i++) {
        char why[300] = "";
        if (!fuzz_kube_case(seeds[i], &tally, why, sizeof why)) {
            fail_msg("seed %llu: %s", (unsigned long long)seeds[i], why);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(servers_that_lie_and_files_that_are_broken),
        cmocka_unit_test(seeds_that_failed_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
