/* SPDX-License-Identifier: Apache-2.0 */
/** plan.h - what the core decided: actions in order, each with its reason, and the accounting behind them. */
#ifndef SPILLWAY_PLAN_H
#define SPILLWAY_PLAN_H

#include <spillway/snapshot.h>
#include <spillway/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct spw_plan spw_plan;

/** Every amount is an absolute target, so that carrying out an action twice changes nothing. */
typedef enum spw_verb {
    SPW_VERB_SCALE = 1,     /**< workload: spec.replicas of the template := amount */
    SPW_VERB_PLACE = 2,     /**< workload, cluster: replicas assigned there := amount */
    SPW_VERB_PROVISION = 3, /**< pool: desired nodes := amount (grows) */
    SPW_VERB_RELEASE = 4,   /**< pool: desired nodes := amount (shrinks, empty nodes only) */
    SPW_VERB_ROUTE = 5      /**< workload, cluster: share of traffic := amount in 1e-6 */
} spw_verb;

/** Why. Values are stable; texts come from spw_reason_text(). */
typedef enum spw_reason {
    SPW_WHY_NONE = 0,
    /* how many */
    SPW_WHY_METRIC_ABOVE = 1, /**< a metric above its target */
    SPW_WHY_METRIC_BELOW = 2, /**< all metrics below their targets, windows passed */
    SPW_WHY_BELOW_MIN = 3,    /**< fewer than minReplicas */
    SPW_WHY_ABOVE_MAX = 4,    /**< more than maxReplicas */
    SPW_WHY_SPEC = 5,         /**< the template's own replica count */
    SPW_WHY_SCHEDULE = 6,     /**< a cron rule fired */
    SPW_WHY_ACTIVATED = 7,    /**< a trigger became active: woken from 0 or from the idle count */
    SPW_WHY_IDLE = 8,         /**< no trigger active, cool-down passed */
    SPW_WHY_FALLBACK = 9,     /**< triggers cannot be read: the fallback count */
    SPW_WHY_QUEUE_ABOVE = 10, /**< too few replicas for the target of the wait at this rate and its trend */
    SPW_WHY_QUEUE_BELOW = 11, /**< fewer replicas have met that target for the whole hold */
    SPW_WHY_FORECAST = 12,    /**< the rate forecast for the end of the start-up lag, with its band */
    SPW_WHY_NOT_LEARNED = 13, /**< by the rate of now: the season has not been seen once yet */
    SPW_WHY_FOUGHT = 14,      /**< somebody else writes the replica count too: left alone for a while */
    /* where */
    SPW_WHY_FILL_IDLE = 16,        /**< idle capacity of the best group that had room */
    SPW_WHY_FILL_ELASTIC = 17,     /**< capacity of that group that nodes must first be created for */
    SPW_WHY_OVERFLOW_IDLE = 18,    /**< better groups are full: idle capacity of a later group */
    SPW_WHY_OVERFLOW_ELASTIC = 19, /**< better groups are full: elastic capacity of a later group */
    SPW_WHY_SCALE_IN = 20,         /**< fewer replicas wanted: last group first */
    SPW_WHY_MOVE_IN = 21,          /**< copy added at a better place before the old one goes */
    SPW_WHY_MOVE_OUT = 22,         /**< the copy at the better place is ready: the old one goes */
    SPW_WHY_MOVE_GIVEN_UP = 23,    /**< the copy was not ready by the deadline: it goes, the old one stays */
    SPW_WHY_CLUSTER_GONE = 24,     /**< the cluster is no candidate any more, or is not ready */
    SPW_WHY_NO_NODE = 26,          /**< its node is gone and no other is to be had there: planned anew */
    SPW_WHY_WEIGHTS = 25,          /**< division by weights without groups */
    /* nodes */
    SPW_WHY_NODES_FOR_PENDING = 32, /**< replicas assigned to the cluster have no node */
    SPW_WHY_NODES_UNNEEDED = 33,    /**< empty nodes, longer than the unneeded time */
    SPW_WHY_NODES_LATE = 34,        /**< ordered nodes did not come by the deadline */
    /* traffic */
    SPW_WHY_ROUTE_READY = 48 /**< share follows ready replicas */
} spw_reason;

typedef struct spw_action {
    spw_verb verb;
    spw_reason reason;
    spw_id workload; /**< row in the snapshot's workloads, SPW_ID_NONE where unused */
    spw_id cluster;  /**< row in clusters, SPW_ID_NONE where unused */
    spw_id pool;     /**< row in pools, SPW_ID_NONE where unused */
    uint32_t after;  /**< index of an earlier action this one depends on, or UINT32_MAX */
    int64_t amount;  /**< new absolute value */
    int64_t before;  /**< value it replaces, as the core knew it */
} spw_action;

/** Per-group accounting of one workload: where its replicas stand after this plan. */
typedef struct spw_tier {
    int32_t idle;    /**< replicas on capacity that is up */
    int32_t elastic; /**< replicas that wait for nodes */
} spw_tier;

/** Outcome for one workload of the snapshot that the core governs. */
typedef struct spw_outcome {
    spw_id workload;  /**< row in the snapshot */
    int32_t desired;  /**< replicas wanted */
    int32_t unplaced; /**< wanted, but no group had room */
    int32_t surge;    /**< extra copies that a move holds for now */
    int32_t moved;    /**< replicas whose move began in this tick */
    spw_reason scale_reason;
    uint32_t tier_count;
    spw_tier tiers[SPW_GROUPS_MAX];
} spw_outcome;

/**
 * @param in  mem  allocator, kept for spw_plan_free
 * @param in  actions_max, outcomes_max  room
 * @return SPW_OK; SPW_INVAL for zero room; SPW_NOMEM
 */
spw_rc spw_plan_new(const spw_mem *mem, size_t actions_max, size_t outcomes_max, spw_plan **out);
void spw_plan_free(spw_plan *plan); /**< NULL allowed */

size_t spw_plan_count(const spw_plan *plan);
/** @return action `index` < count, borrowed, valid until the next decide on this plan. */
const spw_action *spw_plan_at(const spw_plan *plan, size_t index);
size_t spw_plan_outcome_count(const spw_plan *plan);
const spw_outcome *spw_plan_outcome_at(const spw_plan *plan, size_t index);

/**
 * Checks a plan against the snapshot it was made from: rows exist, amounts in range (0 <= replicas,
 * nodes_min <= nodes <= nodes_max), `after` points backwards, one action for each (verb, target), and no
 * cluster is given more GPUs than it has, could create, or already holds.
 * @return SPW_OK; SPW_INVAL with the action's index in err->row
 */
spw_rc spw_plan_check(const spw_plan *plan, const spw_snapshot *snap, spw_err *err);

/**
 * One stable line for each action, for golden files and operators, e.g.
 *   "place prod/chat idc-hangzhou 12 -> 14  fill-idle". snprintf rules: returns the full length.
 */
size_t spw_plan_text(const spw_plan *plan, const spw_snapshot *snap, char *buf, size_t size);

const char *spw_verb_name(spw_verb verb);       /**< "scale", "place", ...; never NULL */
const char *spw_reason_name(spw_reason reason); /**< "fill-idle", ...; never NULL */
const char *spw_reason_text(spw_reason reason); /**< one sentence; never NULL */

#ifdef __cplusplus
}
#endif
#endif
