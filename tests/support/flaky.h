/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * flaky.h - wrappers that pass every call on but the Nth, which fails: an allocator, a source, an actuator.
 *
 * A test counts N up from 1 until a run gets through without reaching it; so every call fails once.
 */
#ifndef TESTS_SUPPORT_FLAKY_H
#define TESTS_SUPPORT_FLAKY_H

#include <spillway/seam.h>

typedef enum flaky_how {
    FLAKY_LOST = 1,  /**< the call fails and nothing was done */
    FLAKY_SILENT = 2 /**< the call was carried out, and yet it reports failure: an answer lost on the way */
} flaky_how;

typedef struct flaky {
    int fail_at; /**< the call that fails, from 1; 0 = none */
    int calls;   /**< so far */
    flaky_how how;
    /* what is wrapped: set the one that is used */
    spw_mem mem;
    spw_source source;
    spw_actuator actuator;
    int outstanding; /**< blocks taken and not given back */
} flaky;

/** Each wrapper borrows `f` and counts its calls there. */
spw_mem flaky_mem(flaky *f);
spw_source flaky_source(flaky *f);
spw_actuator flaky_actuator(flaky *f);

/** Was the failing call reached? */
bool flaky_reached(const flaky *f);

#endif
