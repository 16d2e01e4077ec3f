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
} spw_group;

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

typedef struct spw_static_weight {
    spw_selector selector;
    int64_t weight; /**< >= 1; a cluster takes the largest weight that matches it */
} spw_static_weight;

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
    spw_dur failback_window;    /**< room must have lasted this long before a replica moves back */
    int32_t moves_per_tick;     /**< replicas moved between clusters in one tick, >= 0 (0 = no moves) */
    spw_dur move_deadline;      /**< a moved copy not ready after this is given up, the source stays */
    spw_dur provision_deadline; /**< nodes not there after this: re-planned, the pool backs off */
    spw_dur node_unneeded;      /**< a node must have been empty this long before it is released */
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
    bool federated; /**< FederatedHPA: divide by the calibration of semantics 5.2 */
    int32_t sync_s; /**< sync period, default 15 */
} spw_hpa;

/** A workload (Deployment) and what governs it. */
typedef struct spw_workload {
    uint64_t key;                   /**< stable, unique: spw_key2(namespace, name), or a hash of the UID */
    const char *name;               /**< namespace/name */
    uint32_t uid_hash;              /**< FNV-1a 32 of the UID, 0 if none; its parity picks the direction of name ties */
    int32_t replicas;               /**< spec.replicas of the template; the start value when an HPA owns the count */
    int32_t gpus;                   /**< GPUs one replica needs, on one node; 0..SPW_NODE_GPUS_MAX */
    const char *const *gpu_classes; /**< GPU classes it can run on; empty = any */
    size_t gpu_class_count;
    int32_t priority; /**< PriorityClass value */
    spw_id policy;    /**< index in spw_config.policies, SPW_ID_NONE = not placed by us */
    spw_id hpa;       /**< index in spw_config.hpas, SPW_ID_NONE = replicas is fixed */
} spw_workload;

/** Everything the core is told before the first tick. */
typedef struct spw_config {
    const spw_workload *workloads;
    size_t workload_count;
    const spw_policy *policies;
    size_t policy_count;
    const spw_hpa *hpas;
    size_t hpa_count;
} spw_config;

#ifdef __cplusplus
}
#endif
#endif
