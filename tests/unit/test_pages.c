/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_pages.c - asking for large pages takes addresses, not memory, and the heap goes on as before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/kernel/pages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCKS 512
#define BLOCK  ((size_t)64 << 10)

/* Bytes of this process in memory; 0 where the system does not say. */
static long resident(void)
{
    long size = 0, pages = 0;
    FILE *in = fopen("/proc/self/statm", "r");
    if (in != NULL) {
        if (fscanf(in, "%ld %ld", &size, &pages) != 2) {
            pages = 0;
        }
        fclose(in);
    }
    return pages * sysconf(_SC_PAGESIZE);
}

static void takes_no_memory(void **state)
{
    (void)state;
    static unsigned char *blocks[BLOCKS];
    const long before = resident();
    pages_large();
    pages_large(); /* once more does no harm */
    assert_in_range(resident(), 0, before + (4 << 20));
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = malloc(BLOCK);
        assert_non_null(blocks[i]);
        memset(blocks[i], (int)(i & 0xff), BLOCK);
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        assert_int_equal(blocks[i][0], i & 0xff);
        assert_int_equal(blocks[i][BLOCK - 1], i & 0xff);
        free(blocks[i]);
    }
    /* what was touched, and a large page at each end */
    assert_in_range(resident(), 0, before + (long)(BLOCKS * BLOCK) + (8 << 20));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(takes_no_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
