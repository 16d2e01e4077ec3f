/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz_kube.c - `make fuzz`: many cases of tests/support/fuzz_kube.h, one for each seed; each lives through some
 * minutes of a fleet, so there are a hundred times fewer of them.
 *
 * usage: fuzz_kube [CASES [FIRST_SEED [trace]]]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/fuzz_kube.h"

int main(int argc, char **argv)
{
    const uint64_t cases = (argc > 1 ? strtoull(argv[1], NULL, 10) : 100000) / 100 + 1;
    const uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    fuzz_kube_tally tally = {0};
    uint64_t failed = 0;
    for (uint64_t seed = first; seed < first + cases && failed < 20; seed++) {
        char why[300] = "";
        if (argc > 3) {
            fprintf(stderr, "%" PRIu64 "\n", seed);
        }
        if (!fuzz_kube_case(seed, &tally, why, sizeof why)) {
            printf("seed %" PRIu64 ": %s\n", seed, why);
            failed++;
        }
    }
    printf("%" PRIu64 " cases: %" PRIu64 " answers damaged; kubeconfigs: %" PRIu64 " read, %" PRIu64
           " refused; %" PRIu64 " failed\n",
           tally.cases, tally.damaged, tally.read, tally.refused, failed);
    return failed == 0 ? 0 : 1;
}
