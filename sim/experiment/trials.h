/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * trials.h - chosen (setting, replication) pairs run in threads, some figures of each kept.
 *
 * Replication r of every setting runs with the same seed, so settings share the luck of every entity they have in
 * common (rng.h): differences between settings are taken within a replication. What compare and plan are made of.
 */
#ifndef SIM_EXPERIMENT_TRIALS_H
#define SIM_EXPERIMENT_TRIALS_H

#include <stdio.h>

#include "sim/experiment/kept.h"
#include "sim/experiment/result.h"
#include "sim/scenario/scenario.h"

typedef struct trial {
    int32_t setting, replication;
} trial;

typedef struct trials {
    sc_scenario *const *settings; /**< those that the list names are loaded */
    uint64_t seed;
    const char *const *metrics; /**< [metric_count] full names of report_value() */
    int32_t metric_count;
    int32_t jobs;
    const volatile int *stop; /**< may be NULL */
    kept_folder *kept;        /**< where trials that are done are kept, and taken from; may be NULL */
    FILE *const *decisions;   /**< [settings] where replication 0 writes its decisions.jsonl; may be NULL */
    /** after each trial, in the thread that did it, never two at once; may be NULL */
    void (*done)(void *user, int32_t done, int32_t total);
    void *user;
} trials;

/**
 * Runs the list.
 * @param out values  [count * metric_count] in the order of the list; NaN = the run has no such figure
 * @return 0; 1: stopped, the values are incomplete; -1 with a sentence in err
 */
int trials_run(const trials *t, const trial *list, int32_t count, double *values, char *err, size_t err_size);

#endif
