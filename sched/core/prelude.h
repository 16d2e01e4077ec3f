/* SPDX-License-Identifier: Apache-2.0 */
/**
 * prelude.h - force-included into every file of the core archive.
 *
 * First the permitted standard headers, then what the core must never name: clocks, entropy, I/O, the heap.
 * A stray call does not compile.
 */
#ifndef SCHED_CORE_PRELUDE_H
#define SCHED_CORE_PRELUDE_H

#include <assert.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#pragma GCC poison malloc calloc realloc free strdup alloca
#pragma GCC poison time clock clock_gettime gettimeofday nanosleep sleep
#pragma GCC poison rand srand random drand48 getenv setlocale
#pragma GCC poison printf fprintf puts fopen fread fwrite open read write socket

#endif
