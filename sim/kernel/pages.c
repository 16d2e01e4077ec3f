/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pages.c - the heap's own region, reserved in one piece and advised before anything in it is touched. */
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE /* madvise */
#endif
#include "sim/kernel/pages.h"

#include <stdint.h>
#include <stdlib.h>

#if defined(__linux__) && defined(__GLIBC__)
#include <malloc.h>
#include <sys/mman.h>

#define REGION ((size_t)256 << 20) /* addresses, not memory; what comes after it lies in ordinary pages */
#define LARGE  ((size_t)2 << 20)

void pages_large(void)
{
    char *region;
    uintptr_t begin;

    if (mallopt(M_MMAP_THRESHOLD, INT32_MAX) == 0 || mallopt(M_TRIM_THRESHOLD, INT32_MAX) == 0) {
        return;
    }
    region = malloc(REGION);
    if (region == NULL) {
        return;
    }
    begin = ((uintptr_t)region + LARGE - 1) / LARGE * LARGE;
    (void)madvise(region + (begin - (uintptr_t)region), REGION - LARGE, MADV_HUGEPAGE);
    free(region);
}
#else
void pages_large(void)
{
}
#endif
