/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * demand.h - how many requests a second were sent to a service, from what its autoscaler saw.
 *
 * The first of these that the log has:
 *   1. requests/s of the workload as a whole, or of its pods: what they completed
 *   2. tokens/s over the mean tokens of a request: generated ones, else those of prompts
 *   3. requests in the engines. A replica that holds b of them on average is taken to complete what its engine
 * completes with b inside all the time (mdl_closed_rate): Little's law, without the spread of b within a step
 *   4. the busy share of an engine, times what a replica sustains (mdl_saturation_rate)
 * Metrics of pods are means of those sampled, times all that were ready. What pods complete is less than what is sent
 * while they are overloaded: with an engine's batch full the result is a lower bound, and such steps are counted.
 */
#ifndef SIM_HISTORY_DEMAND_H
#define SIM_HISTORY_DEMAND_H

#include "sim/history/past.h"
#include "sim/scenario/scenario.h"

typedef struct demand {
    const double *per_s; /**< [past.step_count] requests/s */
    double mean, most;   /**< over the steps */
    size_t filled;       /**< steps without a reading: on a straight line between those beside them */
    size_t full;         /**< steps in which some cluster's engines were full: it was at least this */
    const char *how;     /**< what it was taken from, half a sentence */
} demand;

typedef enum demand_outcome {
    DEMAND_FOUND = 0,
    DEMAND_NO_METRIC, /**< nothing in the log says it */
    DEMAND_NO_ENGINE, /**< only 2 to 4 would, and the service is a queueing station */
    DEMAND_NO_MEMORY
} demand_outcome;

/**
 * @param in sc  the scenario with this service and the clusters and pools of the log, by name; its traffic is not read
 * @param in z   takes what *out points to
 */
demand_outcome demand_of(const past *p, const past_service *service, const sc_scenario *sc, zone *z, demand *out);

#endif
