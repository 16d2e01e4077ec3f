/* SPDX-License-Identifier: Apache-2.0 */
/**
 * strategy.h - how the traffic of one workload is shared among its clusters.
 *
 *   proportional  share ~ ready
 *   weights       share ~ weight, over clusters with a ready replica; proportional if none of them has a weight
 *   waterfall     levels in order, each takes up to fill x capacity x ready of the rate, the rest spills to the next;
 *                 over the capacity of all: share ~ ready. Without a rate or a capacity: levels
 *   levels        Envoy's priority levels: health = min(1, 1.4 x ready / assigned); a level takes as much as it is
 *                 healthy, the rest goes on. If all healths together are under 1 they are scaled up to 1, and a level
 *                 of which less than half is ready ignores readiness (panic)
 * Where replicas of different GPU classes serve, `ready` counts by throughput as well (not in the health of a level).
 * Inside a level: share ~ ready. Everywhere `ready` counts by trust, the part that the age of the reading leaves.
 * Source of the factors 1.4 and one half: Envoy, "Priority levels", "Overprovisioning", "Panic threshold".
 */
#ifndef SCHED_ROUTE_STRATEGY_H
#define SCHED_ROUTE_STRATEGY_H

#include <spillway/plan.h>

#include "route/shares.h"

#define ROUTE_LEVELS_MAX (SPW_GROUPS_MAX + 1)

/** One cluster that holds replicas of the workload. */
typedef struct route_site {
    int32_t ready;     /**< replicas that are ready and stay */
    int32_t assigned;  /**< replicas that stay, >= ready */
    int32_t trust;     /**< 0..1000000 */
    int32_t level;     /**< 0..ROUTE_LEVELS_MAX - 1, 0 = nearest */
    int64_t weight;    /**< 0..1000000 */
    int32_t pace;      /**< throughput of a ready replica, 1000 = the reference; 0 = as that; <= SPW_GPU_MILLI_MAX */
    spw_reason reason; /**< out */
    int64_t part;      /**< scratch */
} route_site;

typedef struct route_demand {
    int64_t rate_milli;     /**< requests per second; -1 = not known */
    int64_t capacity_milli; /**< requests per second of one ready replica; 0 = not known */
    int32_t fill_ppm;       /**< 1..1000000 */
} route_demand;

/** What is left of the trust in a reading of this age: all up to lag, nothing from twice the lag on. lag 0 = all. */
int32_t route_trust(spw_dur age, spw_dur lag);

/**
 * @param in,out sites   [count]; if no trusted replica is ready anywhere, trust is set to all for all of them
 * @param out    shares  [count]; sum = SHARES_WHOLE if any replica is ready, else all 0
 * @param scratch parts  [count]
 */
void route_share(spw_route route, const route_demand *demand, route_site *sites, size_t count, int64_t *parts,
                 int32_t *shares);

#endif
