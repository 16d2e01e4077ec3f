/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz_decide.c - `make fuzz`: many cases of tests/support/fuzz.h, one for each seed.
 *
 * usage: fuzz_decide [CASES [FIRST_SEED [trace]]]     from the root of the tree
 * "trace" names every seed before its case runs, so that a crash names the last one.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/fuzz.h"

int main(int argc, char **argv)
{
    const uint64_t cases = argc > 1 ? strtoull(argv[1], NULL, 10) : 100000;
    const uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    fuzz f;
    if (fuzz_init(&f, "tests/golden/examples") != 0) {
        fputs("tests/golden/examples cannot be read: run this from the root of the tree\n", stderr);
        return 1;
    }
    uint64_t failed = 0;
    for (uint64_t seed = first; seed < first + cases && failed < 20; seed++) {
        if (argc > 3) {
            fprintf(stderr, "%" PRIu64 "\n", seed);
        }
        if (!fuzz_case(&f, seed)) {
            printf("seed %" PRIu64 ": %s\n", seed, f.why);
            failed++;
        }
        if ((seed - first) % 50000 == 49999) {
            printf("%" PRIu64 " cases\n", seed - first + 1);
            fflush(stdout);
        }
    }
    printf("%" PRIu64 " cases, %" PRIu64 " of them with a valid plan: %" PRIu64 " refused, %" PRIu64
           " plans with %" PRIu64 " actions, %" PRIu64 " failed\n",
           f.tally.cases, f.tally.valid, f.tally.refused, f.tally.plans, f.tally.actions, failed);
    fuzz_fini(&f);
    return failed == 0 ? 0 : 1;
}
