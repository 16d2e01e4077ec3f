/* SPDX-License-Identifier: GPL-3.0-or-later */
/** experiment.h - independent replications in parallel threads, results in replication order. */
#ifndef SIM_EXPERIMENT_EXPERIMENT_H
#define SIM_EXPERIMENT_EXPERIMENT_H

#include "sim/experiment/kept.h"
#include "sim/fleet/fleet.h"

typedef struct exp_options {
    uint64_t seed;
    int32_t replications; /**< >= 1 */
    int32_t jobs;         /**< threads, >= 1 */
    /** hooks for a replication, called in that replication's thread before it starts; may be NULL */
    void (*hooks_for)(void *user, uint32_t replication, fleet_hooks *hooks);
    void *user;
    const volatile int *stop;
    kept_folder *kept; /**< where replications that are done are kept, and taken from; may be NULL */
} exp_options;

/**
 * runs[i] is replication i, whatever thread ran it: the outcome does not depend on jobs.
 * @param out runs  [replications], each to be freed with res_free; all NULL on failure, but where `stop` was set the
 *                  first ones that had come to their end stay
 * @return 0, or -1 with a sentence in err
 */
int exp_replicate(const sc_scenario *sc, const exp_options *options, res_run **runs, char *err, size_t err_size);

#endif
