/* SPDX-License-Identifier: Apache-2.0 */
/**
 * snapshot.h - what a control plane sees at one instant: lagged, sampled, sometimes missing.
 *
 * Tables are columns (struct of arrays) owned by the caller and borrowed for one call. Every row that
 * outlives a tick has a stable 64-bit `key`; row order never changes a plan. Columns of a table have
 * `count` entries; a column pointer may be NULL only when count is 0 or where it says so.
 */
#ifndef SPILLWAY_SNAPSHOT_H
#define SPILLWAY_SNAPSHOT_H

#include <spillway/config.h>
#include <spillway/limits.h>
#include <spillway/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct spw_cluster_rows {
    size_t count;
    const uint64_t *key;         /**< spw_key(name) */
    const char *const *name;     /**< unique */
    const char *const *region;   /**< may be "" */
    const char *const *zone;     /**< may be ""; several have commas between: "a,b" */
    const char *const *provider; /**< may be "" */
    const spw_labels *labels;
    const uint8_t *ready;            /**< 1 = the cluster answers and is healthy */
    const spw_time *observed;        /**< when the rest of this cluster's state was read */
    const spw_taints *taints;        /**< NULL = none */
    const char *const *jurisdiction; /**< whose law holds there, "" = not known; NULL = none known */
    /* Resource summary, as the cluster itself reports it. No column of a resource: it is not limited. A cell of -1 in
     * *_allocatable, or others without that one: the cluster does not list it, so nothing that asks for it fits. To
     * policies with `compat` a cluster of which neither summary nor grades nor pools are known has room for nothing. */
    const int64_t *cpu_allocatable;    /**< milli-CPU of all nodes */
    const int64_t *cpu_allocated;      /**< of those, requested by pods on nodes; NULL = all 0 */
    const int64_t *cpu_allocating;     /**< requested by pods that wait for a node; NULL = all 0 */
    const int64_t *memory_allocatable; /**< bytes, and so on */
    const int64_t *memory_allocated;
    const int64_t *memory_allocating;
    const int64_t *pods_allocatable; /**< pods that all nodes together may run */
    const int64_t *pods_allocated;
    const int64_t *pods_allocating;
} spw_cluster_rows;

/**
 * Resource models: nodes of a cluster by grade. Each is taken to have free exactly what its grade has at least, and
 * room for 110 pods. Optional: a cluster without rows is not limited by grades, nor is a replica that requests what one
 * of them does not list.
 */
typedef struct spw_grade_rows {
    size_t count;
    const spw_id *cluster;       /**< row in clusters */
    const int32_t *nodes;        /**< nodes of this grade now */
    const int64_t *cpu_milli;    /**< least free CPU of a node of this grade; -1 = not listed */
    const int64_t *memory_bytes; /**< least free memory; likewise */
} spw_grade_rows;

typedef struct spw_pool_rows {
    size_t count;
    const uint64_t *key;          /**< spw_key2(cluster name, pool name) */
    const char *const *name;      /**< unique within its cluster */
    const spw_id *cluster;        /**< row in clusters */
    const char *const *gpu;       /**< GPU class, e.g. "RTX-5090" */
    const uint8_t *capacity;      /**< spw_capacity */
    const int32_t *gpus_per_node; /**< 1..SPW_NODE_GPUS_MAX */
    const int32_t *nodes;         /**< nodes that are up and schedulable at `observed` */
    const int32_t *nodes_target;  /**< desired size as the node group's own record holds it now */
    const int32_t *nodes_min;
    const int32_t *nodes_max; /**< equal to nodes_min for a pool that cannot grow */
    const int32_t *stock;     /**< nodes the provider is believed to have left; -1 = not known */
    const int32_t *rank;      /**< order of use within the cluster, 0 first; ties by price, then name; NULL = all 0 */
    const int64_t *failures;  /**< node creations that failed so far, never falls; NULL = not known */
    const int64_t *price_uusd_per_gpu_h;
    const int32_t (*free_nodes)[SPW_NODE_GPUS_MAX + 1]; /**< [k] = up nodes with exactly k GPUs free */
    const spw_time *observed;
    const spw_time *stock_observed; /**< when `stock` was asked for: what was ordered since is taken off it; NULL = when
                                       the pool was observed */
    const spw_labels *labels;       /**< that all its nodes carry, for units of a ResourcePolicy; NULL = none known */
} spw_pool_rows;

/** Where a workload's ready replicas run; rows of one pair add up. Optional: needed where the GPU class matters. */
typedef struct spw_usage_rows {
    size_t count;
    const spw_id *workload; /**< row in workloads */
    const spw_id *pool;     /**< row in pools */
    const int32_t *ready;   /**< ready replicas on its nodes */
} spw_usage_rows;

/**
 * What an autoscaler recommended and did before the core knew of it. Optional, and read only where the autoscaler of a
 * workload begins anew: one that has a state goes by that. For an HPA, a FederatedHPA and the HPA under a ScaledObject.
 * Rows of a workload stand together, workloads in the order of their rows, each from old to new.
 */
typedef struct spw_history_rows {
    size_t count;
    const spw_id *workload;     /**< row in workloads */
    const spw_time *at;         /**< not after now */
    const int32_t *recommended; /**< what the metrics asked for then, before windows and limits; -1 = a step */
    const int32_t *from; /**< a step of the replica count that the autoscaler took itself, for limits of rates; */
    const int32_t *to;   /**< one to 0 means that it may wake the workload up. -1, both, = a recommendation */
} spw_history_rows;

typedef struct spw_workload_rows {
    size_t count;
    const uint64_t *key;      /**< a key of spw_config.workloads; other keys are ignored */
    const char *const *name;  /**< namespace/name, for texts and records */
    const int32_t *replicas;  /**< spec.replicas of the template now */
    const int32_t *gpus;      /**< GPUs of one replica, for spw_plan_check(); NULL = not checked. spw_decide() refuses
                                   a number that is not the configuration's */
    const int64_t *cpu_milli; /**< CPU that one replica requests, for spw_plan_check(); likewise */
    const int64_t *memory_bytes; /**< memory; likewise */
    const spw_time *reschedule;  /**< when placing it anew was last asked for (rescheduleTriggeredAt), SPW_TIME_MAX =
                                      never; NULL = never for all. Once carried out, the same time asks for nothing */
} spw_workload_rows;

/** One row for each (workload, cluster) that holds or is assigned replicas. */
typedef struct spw_placement_rows {
    size_t count;
    const spw_id *workload;   /**< row in workloads */
    const spw_id *cluster;    /**< row in clusters; the pair is unique */
    const int32_t *assigned;  /**< replicas the cluster is told to run (our own last write) */
    const int32_t *scheduled; /**< of those, bound to a node at `observed`; may exceed assigned while draining */
    const int32_t *ready;     /**< of those, ready */
    const spw_time *observed;
} spw_placement_rows;

typedef enum spw_phase { SPW_POD_PENDING = 1, SPW_POD_RUNNING = 2, SPW_POD_FAILED = 3 } spw_phase;

typedef struct spw_pod_rows {
    size_t count;
    const uint64_t *key;
    const spw_id *workload;        /**< row in workloads */
    const spw_id *cluster;         /**< row in clusters */
    const uint8_t *phase;          /**< spw_phase */
    const uint8_t *deleting;       /**< 1 = being drained or deleted: ignored by the autoscaler */
    const uint8_t *ready;          /**< 1 = Ready condition is true */
    const spw_time *started;       /**< pod start time; SPW_TIME_MAX = not started */
    const spw_time *ready_changed; /**< last transition of the Ready condition; SPW_TIME_MAX = never */
} spw_pod_rows;

/** Per-pod metric samples, any order. At most one row for each (pod, metric): the newest known. */
typedef struct spw_sample_rows {
    size_t count;
    const spw_id *pod;      /**< row in pods */
    const uint64_t *metric; /**< spw_key(metric name) */
    const int64_t *value_milli;
    const int64_t *request_milli; /**< the pod's request for a RESOURCE metric, else 0; may be NULL = all 0 */
    const spw_time *sampled;
    const spw_dur *window; /**< averaging window of the sample; may be NULL = all 0 */
} spw_sample_rows;

/** Object and External metrics. */
typedef struct spw_value_rows {
    size_t count;
    const spw_id *workload;
    const uint64_t *metric;
    const int64_t *value_milli;
    const spw_time *observed;
} spw_value_rows;

typedef struct spw_snapshot {
    uint32_t version; /**< SPW_API_VERSION */
    spw_time now;     /**< when the snapshot was assembled */
    spw_cluster_rows clusters;
    spw_pool_rows pools;
    spw_workload_rows workloads;
    spw_placement_rows placements;
    spw_pod_rows pods;
    spw_sample_rows samples;
    spw_value_rows values;
    spw_grade_rows grades;
    spw_usage_rows usage;
    spw_history_rows history;
} spw_snapshot;

/**
 * Checks the rules stated above: columns present, row references, ranges, no time later than `now`. Only the uniqueness
 * of keys is left to spw_decide(), which finds it while it sorts.
 * @param in  snap  borrowed
 * @param out err   first offence; may be NULL
 * @return SPW_OK; SPW_VERSION; SPW_INVAL with table.column and row
 * @cost O(rows), no allocation
 */
spw_rc spw_snapshot_check(const spw_snapshot *snap, spw_err *err);

/**
 * 64-bit digest of the content. Row order, pointers and padding do not enter; every column does.
 * @cost O(bytes)
 */
uint64_t spw_snapshot_hash(const spw_snapshot *snap);

#ifdef __cplusplus
}
#endif
#endif
