/* SPDX-License-Identifier: Apache-2.0 */
/**
 * config.h - what the Kubernetes objects say, as plain structs.
 *
 * spillway/manifest.h fills these from YAML; a host may also fill them by hand. spw_core_new() copies
 * all of it, strings included, so the caller may free its own right after.
 * Field semantics: Kubernetes HPA v2, Karmada PropagationPolicy and ACK One's variant of it.
 */
#ifndef SPILLWAY_CONFIG_H
#define SPILLWAY_CONFIG_H

#include <spillway/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct spw_label {
    const char *key;
    const char *value;
} spw_label;

typedef struct spw_labels {
    const spw_label *at; /**< [count], keys unique */
    size_t count;
} spw_labels;

typedef enum spw_op { SPW_OP_IN = 1, SPW_OP_NOT_IN = 2, SPW_OP_EXISTS = 3, SPW_OP_NOT_EXISTS = 4 } spw_op;

/** One matchExpressions entry. matchLabels {k: v} is {k, IN, [v]}. NOT_IN matches an absent key. */
typedef struct spw_requirement {
    const char *key;
    spw_op op;
    const char *const *values; /**< [value_count], only for IN and NOT_IN */
    size_t value_count;
} spw_requirement;

/**
 * Karmada ClusterAffinity. `exclude` is tested first and wins; everything else is ANDed; an empty list
 * of names means any cluster. Field requirements know the keys provider, region, zone with IN / NOT_IN.
 */
typedef struct spw_selector {
    const spw_requirement *labels;
    size_t label_count;
    const spw_requirement *fields;
    size_t field_count;
    const char *const *names;
    size_t name_count;
    const char *const *exclude;
    size_t exclude_count;
} spw_selector;

/** One group (tier) of clusters, best first in spw_policy.groups. A cluster belongs to the first it matches. */
typedef struct spw_group {
    const char *name; /**< affinityName, or "" for a single clusterAffinity */
    spw_selector selector;
    bool has_window;         /**< failback_window is its own, instead of the policy's */
    spw_dur failback_window; /**< room in this group must have lasted this long before a replica moves back into it */
} spw_group;

typedef enum spw_capacity {
    SPW_CAPACITY_OWNED = 1,     /**< paid whether used or not */
    SPW_CAPACITY_RESERVED = 2,  /**< subscription: likewise */
    SPW_CAPACITY_ON_DEMAND = 3, /**< paid while it runs */
    SPW_CAPACITY_SPOT = 4       /**< likewise, and can be reclaimed */
} spw_capacity;

/** How replicas are split over the clusters of one group (semantics: Karmada replicaScheduling). */
typedef enum spw_division {
    SPW_DIVIDE_DUPLICATED = 1, /**< all replicas on every cluster */
    SPW_DIVIDE_STATIC = 2,     /**< by fixed weights, capacity ignored */
    SPW_DIVIDE_DYNAMIC = 3,    /**< by available replicas, exact Webster */
    SPW_DIVIDE_AGGREGATED = 4  /**< fewest clusters that hold the target, then by available replicas */
} spw_division;

/** What several groups mean together. */
typedef enum spw_group_order {
    SPW_GROUPS_FAILOVER = 1, /**< Karmada clusterAffinities: the first group able to hold everything */
    SPW_GROUPS_ORDERED = 2   /**< ACK One clusterAffinities, Karmada overflowAffinities: fill, then overflow */
} spw_group_order;

/** Return of replicas to a better group without a change of the replica count. */
typedef enum spw_failback {
    SPW_FAILBACK_NEVER = 1,
    SPW_FAILBACK_ON_RESIZE = 2, /**< only in a tick in which the replica count changes (Karmada) */
    SPW_FAILBACK_AUTOMATIC = 3  /**< after the room has lasted failback_window, within the move budget */
} spw_failback;

/** In which order idle and elastic capacity of a group with several clusters is tried. */
typedef enum spw_step_major {
    SPW_STEP_PER_TIER = 1,    /**< all idle of the group, then all elastic of the group (default) */
    SPW_STEP_PER_CLUSTER = 2, /**< idle and elastic of a cluster count together */
    SPW_STEP_GLOBAL = 3       /**< idle of all groups first, then elastic group by group */
} spw_step_major;

/**
 * Workload preemption: replicas of strictly lower priority make room, in the group (tier) at hand, never in another.
 * kube-scheduler's choice of victims, with clusters in the place of nodes (semantics of its default preemption).
 * Victims are whoever leaves what is short: GPUs, and where the snapshot has summaries CPU, memory and pods. A workload
 * without GPUs makes victims only where its cluster has a summary or grades of nodes. Policies with `compat` take no
 * part. Which node a replica stands on is not known here, so a beneficiary of several GPUs may take more victims than
 * kube-scheduler would: as many as make its GPUs certain on one node.
 */
typedef enum spw_preempt {
    SPW_PREEMPT_OFF = 0,            /**< default */
    SPW_PREEMPT_BEFORE_ELASTIC = 1, /**< idle, then victims, then nodes still to be created */
    SPW_PREEMPT_AFTER_ELASTIC = 2   /**< idle, then nodes still to be created, then victims */
} spw_preempt;

typedef struct spw_static_weight {
    spw_selector selector;
    int64_t weight; /**< >= 1; a cluster takes the largest weight that matches it */
} spw_static_weight;

/** What a taint of a cluster does to workloads that do not tolerate it. */
typedef enum spw_taint_effect {
    SPW_TAINT_NO_SCHEDULE = 1,       /**< keeps them away; those that are there stay */
    SPW_TAINT_NO_EXECUTE = 2,        /**< keeps them away; who drives those away that are there is another matter */
    SPW_TAINT_PREFER_NO_SCHEDULE = 3 /**< carried, no filter */
} spw_taint_effect;

typedef struct spw_taint {
    const char *key;
    const char *value; /**< "" if none */
    spw_taint_effect effect;
} spw_taint;

typedef struct spw_taints {
    const spw_taint *at; /**< [count] */
    size_t count;
} spw_taints;

/** One entry of clusterTolerations: tolerates the taints that agree in every part that is given. */
typedef struct spw_toleration {
    const char *key;   /**< "" = every key; needs `exists` */
    bool exists;       /**< operator Exists: any value; false = Equal */
    const char *value; /**< with Equal; NULL = "" */
    int32_t effect;    /**< spw_taint_effect, 0 = every effect */
} spw_toleration;

typedef enum spw_spread_field {
    SPW_SPREAD_CLUSTER = 1,
    SPW_SPREAD_REGION = 2,
    SPW_SPREAD_ZONE = 3,
    SPW_SPREAD_PROVIDER = 4
} spw_spread_field;

/** One of spreadConstraints: how many clusters, or groups of clusters by a field, a workload may stand on. */
typedef struct spw_spread {
    spw_spread_field field;
    int32_t min_groups; /**< >= 1 */
    int32_t max_groups; /**< >= min_groups; 0 = no limit */
} spw_spread;

/** How seats are rounded to whole replicas. */
typedef enum spw_rounding {
    SPW_ROUND_WEBSTER = 0, /**< Sainte-Lague, Karmada since 1.16 */
    SPW_ROUND_FLOOR = 1    /**< before: whole parts, then one each by weight, replicas so far and name */
} spw_rounding;

/** How traffic is shared among the clusters of a workload. Shares always sum to one million. */
typedef enum spw_route {
    SPW_ROUTE_PROPORTIONAL = 0, /**< by ready replicas */
    SPW_ROUTE_WATERFALL = 1,    /**< the nearest clusters up to their capacity, what is left to the next ones */
    SPW_ROUTE_WEIGHTS = 2,      /**< by fixed weights over the clusters that have a ready replica */
    SPW_ROUTE_LEVELS = 3        /**< the nearest clusters as far as they are healthy (Envoy's priority levels) */
} spw_route;

typedef struct spw_route_weight {
    const char *cluster;
    int64_t weight; /**< 0..1000000; a cluster that is not listed weighs 0 */
} spw_route_weight;

/** A value row of this metric is the workload's rate of requests (per second, milli-units) for WATERFALL. */
#define SPW_ROUTE_RATE "requests_per_second"

/** A PropagationPolicy as far as it places replicas. */
typedef struct spw_policy {
    const char *name; /**< namespace/name */
    const spw_group *groups;
    size_t group_count; /**< >= 1 */
    spw_group_order order;
    spw_division division;
    const spw_static_weight *static_weights;
    size_t static_weight_count;
    bool partial; /**< place what fits and keep the rest pending (ACK One); false = all or nothing */
    bool elastic; /**< autoScaling.ecsProvision: nodes that could be created count as capacity */
    spw_step_major step_major;
    spw_failback failback;
    spw_dur failback_window;           /**< room must have lasted this long before a replica moves back */
    int32_t moves_per_tick;            /**< replicas moved between clusters in one tick, >= 0 (0 = no moves) */
    spw_dur move_deadline;             /**< a moved copy not ready after this is given up, the source stays */
    spw_dur provision_deadline;        /**< nodes not there after this: re-planned, the pool backs off */
    spw_dur node_unneeded;             /**< a node must have been empty this long before it is released */
    const spw_toleration *tolerations; /**< of taints of clusters */
    size_t toleration_count;
    const spw_spread *spreads; /**< at most one for each field */
    size_t spread_count;
    spw_rounding rounding;
    bool compat;             /**< decide as Karmada's own scheduler does, its traps included (sched/TRAPS.md) */
    bool suspended;          /**< its workloads keep what they are assigned, whatever they want; they are no victims */
    spw_preempt preempt;     /**< may its workloads take the place of less important ones? */
    spw_dur min_runtime;     /**< its replicas are no victims before they have run this long; 0 = at once */
    int32_t nodes_per_batch; /**< nodes ordered from a pool in one tick; 0 = no limit. The smallest one counts */
    /* mending; 0 = at once, without bound, off */
    spw_dur failover_after; /**< a cluster is lost (back) only after not answering (answering) this long; the most
                                 patient policy decides for all */
    spw_dur evict_grace;    /**< copies on a lost cluster stay until their replacements are ready, at most this long;
                                 longer only while fewer are ready elsewhere than a disruption budget asks for */
    int32_t failover_moves; /**< replicas of one workload that lost clusters give up in one tick; not under `compat` */
    spw_dur flap_window;    /**< a workload's count on a cluster that rose and fell twice within this is neither lowered
                                 nor moved to for as long */
    spw_dur unschedulable_after; /**< a replica without a node for so long, though there is room, is placed anew */
    spw_dur deschedule_cooldown; /**< ... and its cluster gets nothing more of the workload for as long */
    spw_dur dwell;               /**< a replica younger than this is not moved */
    int32_t moves_per_cluster;   /**< replicas moved into one cluster in one tick */
    /* traffic */
    spw_route route;
    const char *const *route_regions; /**< nearest to the users first: the levels of WATERFALL and LEVELS; clusters of
                                           no listed region are the last level; none = groups are the levels */
    size_t route_region_count;
    const spw_route_weight *route_weights; /**< WEIGHTS only */
    size_t route_weight_count;
    int64_t route_capacity_milli; /**< WATERFALL: requests per second that a ready replica can serve, 1e-3 */
    int32_t route_fill_ppm;       /**< WATERFALL: part of that capacity to use before spilling; 0 = 800000 */
    spw_dur route_lag;            /**< readiness older than this counts for less, and for nothing at twice this age */
    /* images */
    int32_t prefetch_ppm; /**< once the replicas wanted reach this part of what the groups in use can hold, the next
                               group fetches the image; 0 = never */
} spw_policy;

/** Fills all knobs (not name, groups, division) with the defaults documented in the README. */
void spw_policy_default(spw_policy *policy);

typedef enum spw_metric_kind {
    SPW_METRIC_RESOURCE = 1, /**< Resource and ContainerResource: per-pod usage against requests */
    SPW_METRIC_PODS = 2,     /**< Pods: per-pod value, average target */
    SPW_METRIC_OBJECT = 3,   /**< one value that describes an object */
    SPW_METRIC_EXTERNAL = 4  /**< one value from outside */
} spw_metric_kind;

typedef enum spw_target_kind {
    SPW_TARGET_UTILIZATION = 1,   /**< percent of the request; RESOURCE only */
    SPW_TARGET_AVERAGE_VALUE = 2, /**< milli-units per pod */
    SPW_TARGET_VALUE = 3          /**< milli-units; OBJECT and EXTERNAL only */
} spw_target_kind;

typedef struct spw_hpa_metric {
    spw_metric_kind kind;
    spw_target_kind target_kind;
    int64_t target;   /**< percent, or milli-units; > 0 */
    const char *name; /**< "cpu", "vllm_num_requests_waiting", ...; looked up by spw_key(name) in samples */
    bool is_cpu;      /**< Resource cpu: the CPU rules for unready pods apply */
    /* for whoever asks an API server for values; the core finds them by name */
    const char *selector; /**< of the metric's labels: "queue=a,env in (b,c)"; NULL = none */
    const char *object;   /**< OBJECT: "services/chat", "deployments.apps/chat"; NULL = not said */
} spw_hpa_metric;

typedef enum spw_scaling_unit { SPW_SCALING_PODS = 1, SPW_SCALING_PERCENT = 2 } spw_scaling_unit;

typedef struct spw_scaling_policy {
    spw_scaling_unit unit;
    int32_t value;    /**< pods or percent, > 0 */
    int32_t period_s; /**< 1..1800 */
} spw_scaling_policy;

typedef enum spw_select { SPW_SELECT_MAX = 1, SPW_SELECT_MIN = 2, SPW_SELECT_DISABLED = 3 } spw_select;

typedef struct spw_scaling_rules {
    int32_t window_s;      /**< stabilizationWindowSeconds; -1 = default (up 0, down 300) */
    spw_select select;     /**< selectPolicy */
    int64_t tolerance_ppm; /**< -1 = 100000 (0.1) */
    const spw_scaling_policy *policies;
    size_t policy_count; /**< 0 = Kubernetes' defaults: up Max{4 pods/15 s, 100 %/15 s}, down 100 %/15 s */
} spw_scaling_rules;

/** A HorizontalPodAutoscaler v2, or a Karmada FederatedHPA. */
typedef struct spw_hpa {
    const char *name;     /**< namespace/name */
    int32_t replicas_min; /**< >= 0; 0 needs an OBJECT or EXTERNAL metric */
    int32_t replicas_max;
    const spw_hpa_metric *metrics;
    size_t metric_count; /**< >= 1 */
    bool has_behavior;   /**< false: the rules below are ignored, Kubernetes' pre-behavior limits apply */
    spw_scaling_rules up;
    spw_scaling_rules down;
    bool exact;     /**< percent limits in integers, no rounding noise of binary64 in borders and products, an Object
                         average of a FederatedHPA is divided by the calibration once; false = as upstream */
    bool federated; /**< FederatedHPA: divide by the calibration of semantics 5.2 */
    int32_t sync_s; /**< sync period, default 15 */
} spw_hpa;

/** What a PodDisruptionBudget states. Percentages are of the replicas that are wanted, rounded up. */
typedef enum spw_budget {
    SPW_BUDGET_NONE = 0,
    SPW_BUDGET_MIN_AVAILABLE = 1,         /**< so many stay ready */
    SPW_BUDGET_MIN_AVAILABLE_PERCENT = 2, /**< so many per cent of them do */
    SPW_BUDGET_MAX_UNAVAILABLE = 3,       /**< no more than so many are missing */
    SPW_BUDGET_MAX_UNAVAILABLE_PERCENT = 4
} spw_budget;

/** When the replicas of a workload may go on to the next unit of their cluster: whenTryNextUnits. */
typedef enum spw_next_unit {
    SPW_NEXT_LACK_OR_MAX = 0,            /**< the unit has no room, or holds its `max` (default) */
    SPW_NEXT_MAX = 1,                    /**< it holds its `max`, or has none */
    SPW_NEXT_TIMEOUT_OR_MAX = 2,         /**< it holds its `max`, or the replica has waited for `timeout` */
    SPW_NEXT_LACK_AND_NO_TERMINATING = 3 /**< as the first, while no replica of it is on its way out */
} spw_next_unit;

#define SPW_LABEL_POOL "alibabacloud.com/nodepool-id" /**< of a pool: its name, too */
#define SPW_LABEL_GPU  "nvidia.com/gpu.product"       /**< its GPU class, too */

/** Pools of a cluster that a ResourcePolicy treats alike. A pool belongs to the first unit that it meets. */
typedef struct spw_unit {
    const char *pool;     /**< name, or label alibabacloud.com/nodepool-id; NULL = any */
    const char *gpu;      /**< GPU class, or label nvidia.com/gpu.product; NULL = any */
    spw_labels labels;    /**< other labels, all of which the pool must carry */
    int32_t capacity;     /**< spw_capacity; 0 = any */
    bool pay_per_use;     /**< on-demand and spot pools only */
    bool waits;           /**< with TIMEOUT_OR_MAX a replica waits here for a node although there is no `max` */
    int32_t replicas_max; /**< replicas of the workload in one cluster; -1 = any number */
} spw_unit;

/**
 * ACK's ResourcePolicy: the order in which the replicas of a workload use the pools of each cluster, and in reverse
 * leave them. It says nothing of the order of clusters. Pools that meet no unit are not used. Replicas without GPUs
 * stand on no pool here and are not bound by it.
 */
typedef struct spw_units {
    const spw_unit *at;
    size_t count; /**< 1..SPW_UNITS_MAX */
    spw_next_unit next;
    spw_dur timeout;           /**< TIMEOUT_OR_MAX */
    bool preempts_before_next; /**< victims are made in a unit before the next one is tried, not after all of them */
} spw_units;

/** What a unit knows a pool by. */
typedef struct spw_unit_pool {
    const char *name, *gpu;
    spw_capacity capacity;
    const spw_labels *labels; /**< of its nodes; NULL = none */
} spw_unit_pool;

/** @return the unit that a pool belongs to, -1 if none */
int32_t spw_unit_of(const spw_units *units, const spw_unit_pool *pool);

/** Kind of the object that a workload is, in apps/v1. */
typedef enum spw_workload_kind { SPW_WORKLOAD_DEPLOYMENT = 0, SPW_WORKLOAD_STATEFULSET = 1 } spw_workload_kind;

/** "Deployment", "StatefulSet"; never NULL. */
const char *spw_workload_kind_name(spw_workload_kind kind);

/** A workload and what governs it. */
typedef struct spw_workload {
    uint64_t key;                   /**< stable, unique: spw_key2(namespace, name), or a hash of the UID */
    const char *name;               /**< namespace/name */
    uint32_t uid_hash;              /**< FNV-1a 32 of the UID, 0 if none; its parity picks the direction of name ties */
    int32_t replicas;               /**< spec.replicas of the template; the start value when an HPA owns the count */
    int32_t gpus;                   /**< GPUs one replica needs, on one node; 0..SPW_NODE_GPUS_MAX */
    const char *const *gpu_classes; /**< GPU classes it can run on; empty = any */
    size_t gpu_class_count;
    int32_t priority;         /**< PriorityClass value */
    const int32_t *gpu_milli; /**< [gpu_class_count] throughput of a replica on that class, 1000 = the reference class;
                                   each 1..SPW_GPU_MILLI_MAX; NULL = 1000 on all */
    bool by_reference;        /**< counts of this workload are in replicas on the reference class: copies are placed
                                   until their throughputs add up; needs gpu_milli. Not under `compat`, nor where
                                   weights or copies alone divide */
    int64_t cpu_milli;        /**< CPU that one replica requests; 0 = none */
    int64_t memory_bytes;     /**< memory that one replica requests; 0 = none */
    int32_t min_available;    /**< disruption budget: ready replicas that preemption should leave, and that moves,
                                   evictions and placing anew do leave; 0 = no budget */
    spw_budget budget;        /**< of a PodDisruptionBudget, beside min_available: the stricter one holds */
    int32_t budget_value;     /**< replicas, or 0..100 per cent */
    bool has_reschedule;
    spw_time reschedule; /**< like the snapshot's column, from an object, but Unix time (settings.unix_offset), and
                              it may still be to come; the later one of both counts. Within +-2^61 */
    bool preempt_never;  /**< preemptionPolicy Never: waits for room like everybody, but makes no victims */
    spw_id policy;       /**< index in spw_config.policies, SPW_ID_NONE = not placed by us */
    spw_id hpa;          /**< index in spw_config.hpas, SPW_ID_NONE = replicas is fixed */
    const char *const *jurisdictions; /**< data residency: only clusters of one of these; none listed = anywhere */
    size_t jurisdiction_count;
    spw_dur latency_budget;          /**< longest round trip from each of user_regions to a cluster's region; 0 = any */
    const char *const *user_regions; /**< needed by latency_budget */
    size_t user_region_count;
    const char *dataset_region; /**< where the data is that the replicas read; NULL or "" = nowhere in particular */
    bool dataset_movable;       /**< the data can follow: dataset_region binds nothing */
    const spw_units *units;     /**< order of pools inside a cluster; NULL = by rank, price and name */
    spw_workload_kind kind;     /**< for actuators: decisions do not depend on it */
} spw_workload;

struct spw_scaler; /**< spillway/autoscale.h */

/** Round trip between two regions, both ways unless the other way has a row, too. Inside a region without one: 0. */
typedef struct spw_rtt {
    const char *from, *to; /**< regions */
    spw_dur rtt;           /**< >= 0 */
} spw_rtt;

/** Everything the core is told before the first tick. */
typedef struct spw_config {
    const spw_workload *workloads;
    size_t workload_count;
    const spw_policy *policies;
    size_t policy_count;
    const spw_hpa *hpas;
    size_t hpa_count;
    const struct spw_scaler *scalers; /**< owners of counts that are no HPA, and timetables over HPAs */
    size_t scaler_count;
    const spw_rtt *rtts; /**< for latency budgets; a pair that is not listed is over every budget */
    size_t rtt_count;
} spw_config;

#ifdef __cplusplus
}
#endif
#endif
