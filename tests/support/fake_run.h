/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * fake_run.h - a made-up day, for tests of what is written about runs.
 *
 * A day of diurnal demand with two bursts on owned, on-demand and spot pools, computed minute by minute by a crude
 * fluid model of its own. It is not the simulator: it only keeps the books that every run has to keep (offered = sum of
 * outcomes, cost = sum of pools and egress, histograms count what completed), so that a report can be checked against
 * it.
 */
#ifndef TESTS_SUPPORT_FAKE_RUN_H
#define TESTS_SUPPORT_FAKE_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/experiment/result.h"
#include "sim/scenario/scenario.h"

typedef struct fake_options {
    bool hostile_names;  /**< names full of <, &, quotes, commas */
    bool idle;           /**< nobody ever sends a request: every ratio and percentile is undefined */
    int32_t services;    /**< 1 or 2; the second has a quarter of the demand and the owned pool only */
    int32_t minutes;     /**< length of the run, 60..; 0 = 1440 */
    double demand;       /**< times the usual demand; 0 = 1 */
    int32_t turned_away; /**< per cent of all requests that are rejected on arrival, whatever capacity there is */
} fake_options;

typedef struct fake_run {
    sc_scenario scenario; /**< points into static storage and into `owned` */
    res_run **runs;       /**< [count] */
    int32_t count;
    void *owned;
} fake_run;

/** @return 0, -1 if memory ran out. Replication i has seed 1 + i. */
int fake_run_init(fake_run *f, const fake_options *options, int32_t replications);
void fake_run_fini(fake_run *f);

#endif
