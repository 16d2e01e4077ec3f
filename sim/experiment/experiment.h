/* SPDX-License-Identifier: GPL-3.0-or-later */
/** experiment.h - independent replications in parallel threads, results in replication order. */
#ifndef SIM_EXPERIMENT_EXPERIMENT_H
#define SIM_EXPERIMENT_EXPERIMENT_H

#include "sim/experiment/kept.h"
#include "sim/fleet/fleet.h"
#include "sim/stats/output.h"

typedef struct exp_options {
    uint64_t seed;
    int32_t from;         /**< the first one, usually 0: those before it are done */
    int32_t replications; /**< > from; up to this one, without it */
    int32_t jobs;         /**< threads, >= 1 */
    /** hooks for a replication, called in that replication's thread before it starts; may be NULL */
    void (*hooks_for)(void *user, uint32_t replication, fleet_hooks *hooks);
    void *user;
    const volatile int *stop;
    kept_folder *kept; /**< where replications that are done are kept, and taken from; may be NULL */
} exp_options;

/**
 * runs[i] is replication i, whatever thread ran it: the outcome does not depend on jobs.
 * @param out runs  [replications], each to be freed with res_free; all from `from` on NULL on failure, but where `stop`
 *                  was set the first ones that had come to their end stay
 * @return 0, or -1 with a sentence in err
 */
int exp_replicate(const sc_scenario *sc, const exp_options *options, res_run **runs, char *err, size_t err_size);

#define EXP_GOAL_FIRST 10 /**< replications before a goal is looked at */

/** When there are replications enough. */
typedef struct exp_goal {
    const char *metric; /**< name of a figure as report_value() knows it */
    stat_goal width;    /**< of half its interval (Student, 95 %), relative to its mean over the replications */
} exp_goal;

/** What became of it. */
typedef struct exp_reached {
    int32_t replications; /**< that were run */
    bool met;
    double mean, half; /**< of the figure; replications in which it does not exist are left out */
} exp_reached;

/**
 * exp_replicate() in steps until the goal is met or options->replications are done: EXP_GOAL_FIRST, then a quarter more
 * each time, whatever the number of threads. Because it looks again and again, the interval holds the truth slightly
 * less often than it says.
 * @param out runs  as exp_replicate; NULL behind the last one that was run
 */
int exp_replicate_until(const sc_scenario *sc, const exp_options *options, const exp_goal *goal, res_run **runs,
                        exp_reached *reached, char *err, size_t err_size);

#endif
