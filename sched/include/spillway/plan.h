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
    SPW_VERB_ROUTE = 5,     /**< workload, cluster: share of traffic := amount in 1e-6 */
    SPW_VERB_PREFETCH = 6   /**< workload, cluster: the nodes there have the image ready: amount 1 */
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
    SPW_WHY_PAUSED = 15,      /**< scaling is paused at this count */
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
    SPW_WHY_SPREAD = 64,           /**< a spread constraint chose other clusters */
    SPW_WHY_RESCHEDULED = 65,      /**< placed anew on request */
    SPW_WHY_PULLED_BACK = 66,      /**< Karmada's way: gone in the same write that adds the copies elsewhere */
    /* nodes */
    SPW_WHY_NODES_FOR_PENDING = 32, /**< replicas assigned to the cluster have no node */
    SPW_WHY_NODES_UNNEEDED = 33,    /**< empty nodes, longer than the unneeded time */
    SPW_WHY_NODES_LATE = 34,        /**< ordered nodes did not come by the deadline */
    /* traffic */
    SPW_WHY_ROUTE_READY = 48, /**< share follows ready replicas */
    /* preemption */
    SPW_WHY_FILL_PREEMPT = 80,     /**< less important replicas of the best group make room */
    SPW_WHY_OVERFLOW_PREEMPT = 81, /**< better groups are full: less important replicas of a later one make room */
    SPW_WHY_PREEMPTED = 82,        /**< a more important workload takes its place; `after` names whose growth */
    /* mending, and traffic by other rules */
    SPW_WHY_EVICTED = 96,        /**< the cluster is lost and the replacements are ready: its copies go */
    SPW_WHY_EVICT_GRACE = 97,    /**< the cluster is lost and the grace has passed: its copies go */
    SPW_WHY_DESCHEDULED = 98,    /**< no node came for it though there seemed to be room: planned anew */
    SPW_WHY_BUDGET = 99,         /**< of no action: copies that should go stay, as a disruption budget asks for them */
    SPW_WHY_ROUTE_NEAR = 104,    /**< nearest clusters first, up to their capacity */
    SPW_WHY_ROUTE_SPILL = 105,   /**< the rate is over the capacity of all nearer clusters, or of all */
    SPW_WHY_ROUTE_WEIGHTS = 106, /**< fixed weights */
    SPW_WHY_ROUTE_LEVELS = 107,  /**< nearest clusters first, as far as they are healthy */
    SPW_WHY_ROUTE_PANIC = 108,   /**< too little is healthy: readiness inside this level is not looked at */
    SPW_WHY_ROUTE_STALE = 109,   /**< readiness is old: it counts for less */
    /* images */
    SPW_WHY_PREFETCH = 112 /**< the groups in use are nearly full: the next one fetches the image */
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
    int32_t idle;      /**< replicas on capacity that is up */
    int32_t elastic;   /**< replicas that wait for nodes */
    int32_t preempted; /**< replicas that wait for victims to leave */
} spw_tier;

/** What became of a cluster as a place for a workload. Values are stable. */
typedef enum spw_verdict {
    SPW_VERDICT_NONE = 0,
    SPW_VERDICT_CHOSEN = 1,         /**< holds what it is meant to hold */
    SPW_VERDICT_FULL = 2,           /**< likewise, but has no room for more, and more is wanted */
    SPW_VERDICT_BETTER_SUFFICE = 3, /**< better groups hold everything */
    SPW_VERDICT_NO_SHARE = 4,       /**< has room, but the division gave its share to others */
    SPW_VERDICT_NO_ROOM = 5,        /**< no room for a single replica */
    SPW_VERDICT_NO_WEIGHT = 6,      /**< no rule of the static weights matches it */
    SPW_VERDICT_REFUSED = 7,        /**< all or nothing: not everything fits, so nothing new is placed */
    SPW_VERDICT_GROUP_PASSED = 8,   /**< its failover group cannot hold everything, or was left earlier */
    SPW_VERDICT_UNTOUCHED = 9,      /**< Karmada's way: nothing triggered scheduling, the old result stands */
    SPW_VERDICT_SUSPENDED = 10,     /**< its policy is suspended: everything stays as it is */
    SPW_VERDICT_NOT_SELECTED = 16,  /**< no group of the policy selects it */
    SPW_VERDICT_EXCLUDED = 17,      /**< the policy excludes it by name */
    SPW_VERDICT_TAINTED = 18,       /**< has a taint that the policy does not tolerate */
    SPW_VERDICT_NOT_READY = 19,     /**< does not answer or is not healthy */
    SPW_VERDICT_STALE = 20,         /**< its state is too old to place anything there */
    SPW_VERDICT_JURISDICTION = 21,  /**< the data may not be there */
    SPW_VERDICT_LATENCY = 22,       /**< too far from the users */
    SPW_VERDICT_GRAVITY = 23,       /**< not where the data set is */
    SPW_VERDICT_SPREAD = 24,        /**< left out by a spread constraint, or the constraint cannot be met */
    SPW_VERDICT_BARRED = 25         /**< a move to it failed a short while ago */
} spw_verdict;

/** One workload, one cluster: what was considered, and why it won or lost. */
typedef struct spw_candidate {
    spw_id workload; /**< row in the snapshot */
    spw_id cluster;  /**< row in the snapshot */
    int32_t group;   /**< of the policy, -1 = none */
    spw_verdict verdict;
    int32_t held;         /**< replicas it had when this workload's turn came: on nodes, or with room on one */
    int32_t room_idle;    /**< further ones that would have fitted on nodes that are up; 0 for clusters filtered out */
    int32_t room_elastic; /**< further ones on nodes to be created, 0 where the policy creates none */
    int32_t target;       /**< replicas after this plan, when what it starts is finished */
    int32_t kept;         /**< copies over the target that a disruption budget keeps here for now */
    int32_t unit_count;   /**< units of the workload's ResourcePolicy; 0 = none */
    int32_t unit_target[SPW_UNITS_MAX]; /**< of target, those in each unit; victims' places are in none of them yet */
} spw_candidate;

/** Outcome for one workload of the snapshot that the core governs. */
typedef struct spw_outcome {
    spw_id workload;  /**< row in the snapshot */
    int32_t desired;  /**< replicas wanted */
    int32_t unplaced; /**< wanted, but no group had room */
    int32_t surge;    /**< extra copies that a move holds for now */
    int32_t moved;    /**< replicas whose move began in this tick */
    int32_t victims;  /**< of its own replicas, those that more important workloads take the place of in this tick */
    int32_t kept;     /**< of surge: copies that should go and that its disruption budget keeps for now */
    spw_reason scale_reason;
    uint32_t tier_count;
    spw_tier tiers[SPW_GROUPS_MAX]; /**< the first tier_count are filled, the others hold nothing */
} spw_outcome;

/**
 * @param in  mem  allocator, kept for spw_plan_free
 * @param in  actions_max, outcomes_max  room
 * @return SPW_OK; SPW_INVAL for zero room; SPW_NOMEM
 */
spw_rc spw_plan_new(const spw_mem *mem, size_t actions_max, size_t outcomes_max, spw_plan **out);
/**
 * The same, with room for explanations: one spw_candidate for each governed workload and each cluster of the snapshot.
 * A core with settings.explain fills them; too little room is SPW_LIMIT there. With candidates_max 0 nothing is
 * explained.
 */
spw_rc spw_plan_new_explained(const spw_mem *mem, size_t actions_max, size_t outcomes_max, size_t candidates_max,
                              spw_plan **out);
void spw_plan_free(spw_plan *plan); /**< NULL allowed */

size_t spw_plan_count(const spw_plan *plan);
/** @return action `index` < count, borrowed, valid until the next decide on this plan. */
const spw_action *spw_plan_at(const spw_plan *plan, size_t index);
size_t spw_plan_outcome_count(const spw_plan *plan);
const spw_outcome *spw_plan_outcome_at(const spw_plan *plan, size_t index);
/** Explanations: workloads in order of their turn (priority, name), in each all clusters by name. 0 without explain. */
size_t spw_plan_candidate_count(const spw_plan *plan);
const spw_candidate *spw_plan_candidate_at(const spw_plan *plan, size_t index);

/**
 * Checks a plan against the snapshot it was made from: rows exist, amounts in range (0 <= replicas,
 * nodes_min <= nodes <= nodes_max), `after` points backwards, one action for each (verb, target), and no
 * cluster is given more GPUs than it has, could create, or already holds; nor, where it shows a summary or grades of
 * nodes, more CPU, memory or pods than are left there, on its new nodes, and by victims. Says nothing else about the
 * plan, but works in scratch of it: one thread at a time for each plan. O(actions log actions + placements).
 * @return SPW_OK; SPW_INVAL with the action's index in err->row
 */
spw_rc spw_plan_check(const spw_plan *plan, const spw_snapshot *snap, spw_err *err);

/**
 * One stable line for each action, for golden files and operators, e.g.
 *   "place prod/chat idc-hangzhou 12 -> 14  fill-idle". snprintf rules: returns the full length.
 */
size_t spw_plan_text(const spw_plan *plan, const spw_snapshot *snap, char *buf, size_t size);

const char *spw_verb_name(spw_verb verb);          /**< "scale", "place", ...; never NULL */
const char *spw_reason_name(spw_reason reason);    /**< "fill-idle", ...; never NULL */
const char *spw_reason_text(spw_reason reason);    /**< one sentence; never NULL */
const char *spw_verdict_name(spw_verdict verdict); /**< "chosen", "tainted", ...; never NULL */
const char *spw_verdict_text(spw_verdict verdict); /**< one sentence; never NULL */

#ifdef __cplusplus
}
#endif
#endif
