/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * fleet.h - one replication: the world of a scenario under the core's control.
 *
 * Here, and only here, truth (models) and control (sched) meet: the fleet builds the snapshots that the core sees,
 * aged and noised, and carries out its plans with the delays of the world.
 *
 * Time 0 is a warm start: every pool has its starting nodes up, the core ticks before any user sends, and what that
 * tick places on nodes that are up is ready at once (nodes it orders take their time). Then:
 *   a user's request  travels rtt/2 to a cluster that has ready replicas, in proportion to the plan's shares; the
 *                     cluster's balancer gives it to a replica; a full cluster sends it back to try another; with no
 *                     ready replica anywhere it waits at the gateway, bounded. Answers take rtt/2 back.
 *   its end           completed (seen by the deadline and the end of the run), timed out, rejected (gateway full, or
 *                     every cluster refused), or in flight when the run ends.
 *   a lost replica    (spot reclaim, drain deadline) loses the work done; its requests go through the gateway again
 *                     with their old deadline.
 *   a plan            becomes orders, starts, drains; node stages and replica stages take drawn times; orders may fail.
 *   the core's view   is a reading of the state taken every scrape period and shown `delay` later, with noise and lost
 *                     samples; its own records (template, assigned, node targets) are current.
 *
 * Randomness: one stream for each entity (traffic entry, service, node by pool and ordinal, pod by service and ordinal,
 * sample by pod, reading and metric), so that runs under different policies share their luck.
 */
#ifndef SIM_FLEET_FLEET_H
#define SIM_FLEET_FLEET_H

#include "sim/experiment/result.h"
#include "sim/scenario/scenario.h"

/** One finished, rejected or abandoned request, for --requests. Times ns of simulated time; -1 = did not happen. */
typedef struct fleet_request {
    uint64_t number;
    int32_t service, region, cluster, pool;
    int64_t sent_ns, started_ns, first_ns, done_ns; /**< as the user sees them, started as the replica does */
    int32_t input_tokens, output_tokens;
    const char *outcome; /**< "completed", "rejected", "timed_out", "in_flight" */
} fleet_request;

typedef struct fleet_hooks {
    /** one line of decisions.jsonl, '\n' included; NULL = not wanted. Non-zero return stops the run. */
    int (*decision)(void *user, const char *line, size_t size);
    /** each counted and uncounted request at its end; NULL = not wanted. Non-zero return stops the run soon. */
    int (*request)(void *user, const fleet_request *request);
    void (*progress)(void *user, int64_t now_ns, uint64_t requests); /**< called at every tick; may be NULL */
    const volatile int *stop;                                        /**< non-zero = give up soon; may be NULL */
    void *user;
    bool record_snapshots; /**< --record: whole snapshots in the decision lines */
} fleet_hooks;

/**
 * Runs one replication from 0 to the scenario's duration. Depends on (sc, seed, replication) only.
 * @return the result (caller frees with res_free), or NULL with a sentence in err.
 */
res_run *fleet_run(const sc_scenario *sc, uint64_t seed, uint32_t replication, const fleet_hooks *hooks, char *err,
                   size_t err_size);

#endif
