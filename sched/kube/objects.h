/* SPDX-License-Identifier: Apache-2.0 */
/**
 * objects.h - what is read out of Kubernetes and Karmada objects, as rows of a kube_store.
 *
 * Absent fields have Kubernetes' defaults: spec.replicas of a Deployment is 1 when absent, that of a Scale is 0.
 * Times are Unix ns, SPW_TIME_MAX = never. Quantities: CPU in milli-CPU, memory in bytes, both rounded up.
 */
#ifndef SCHED_KUBE_OBJECTS_H
#define SCHED_KUBE_OBJECTS_H

#include <spillway/snapshot.h>

#include "sched/kube/store.h"

/** Deployment and StatefulSet. */
typedef struct kube_workload {
    kube_meta meta;
    int32_t replicas; /**< spec */
    int32_t ready, updated, available, total;
    int64_t observed_generation;
    bool paused;     /**< annotation spillway.dev/paused: "true": ours to leave alone */
    bool allow_zero; /**< annotation spillway.dev/allow-zero: "true" */
    char *canary;    /**< label spillway.dev/canary, "" if none */
    char *selector;  /**< of its pods, as it is written in a query; "" = none */
} kube_workload;

typedef struct kube_pod {
    kube_meta meta;
    char *owner_kind, *owner; /**< "Deployment" (found through its ReplicaSet's name), "StatefulSet", ...; "" if none */
    char *node;               /**< "" = not bound */
    uint8_t phase;            /**< spw_phase; succeeded pods count as SPW_POD_FAILED: they take and serve nothing */
    bool ready, over;         /**< over: Succeeded or Failed */
    spw_time started, ready_changed;
    int64_t cpu_milli, memory_bytes; /**< requests of all containers together, overhead included */
    int32_t gpus;                    /**< nvidia.com/gpu */
} kube_pod;

typedef struct kube_node {
    kube_meta meta;
    spw_label *labels; /**< sorted by key */
    size_t label_count;
    bool ready, unschedulable, no_schedule; /**< no_schedule: a NoSchedule or NoExecute taint that is not about GPUs */
    int64_t cpu_milli, memory_bytes, pods;  /**< allocatable */
    int32_t gpus;
} kube_node;

/** Karmada's Cluster. */
typedef struct kube_member {
    kube_meta meta;
    spw_label *labels;
    size_t label_count;
    char *region, *zone, *provider;
    spw_taint *taints;
    size_t taint_count;
    bool ready;
    spw_time ready_changed;
    bool has_summary;
    int64_t allocatable[3], allocated[3], allocating[3]; /**< cpu milli, memory bytes, pods; -1 = not listed */
    size_t grade_count;
    struct kube_grade {
        int64_t cpu_milli, memory_bytes;
        int32_t nodes;
    } * grades;
} kube_member;

typedef struct kube_target {
    char *cluster;
    int32_t replicas;
} kube_target;

/** Karmada's ResourceBinding. */
typedef struct kube_binding {
    kube_meta meta;
    char *scheduler;                             /**< spec.schedulerName, "" if none */
    char *kind, *template_space, *template_name; /**< spec.resource */
    int32_t replicas;
    bool suspended;       /**< spec.suspension.scheduling */
    bool managed;         /**< carries a policy's permanent-id or a managed-by label */
    kube_target *targets; /**< spec.clusters, as written */
    size_t target_count;
    bool has_targets; /**< spec.clusters is there */
    char **evicting;  /**< clusters with a graceful eviction task */
    size_t evicting_count;
    spw_time reschedule;         /**< spec.rescheduleTriggeredAt */
    spw_time last_scheduled;     /**< status.lastScheduledTime */
    int64_t observed_generation; /**< status.schedulerObservedGeneration */
    char *affinity;              /**< status.schedulerObservingAffinityName, as v1alpha2 spells it */
    char *placement;             /**< spec.placement as compact JSON, keys in the server's order */
    char *applied;               /**< annotation policy.karmada.io/applied-placement, "" if none */
    char *conditions;            /**< status.conditions as compact JSON, "[]" if none */
    char *evictions;             /**< spec.gracefulEvictionTasks as compact JSON, "[]" if none */
    uint64_t epoch;              /**< annotation spillway.dev/epoch: of the leader that wrote it last, 0 = none */
    kube_target *reported;       /**< status.aggregatedStatus: readyReplicas by cluster */
    size_t reported_count;
} kube_binding;

/** Annotation of what we write: the fencing epoch of the writer. */
#define KUBE_NOTE_EPOCH "spillway.dev/epoch"

extern const kube_kind kube_kind_deployment, kube_kind_statefulset, kube_kind_pod, kube_kind_node, kube_kind_member,
    kube_kind_binding;

/** "2026-11-21T20:50:04Z", also with a fraction or a zone. @return Unix ns, SPW_TIME_MAX when it is no time */
spw_time kube_time_read(const char *text);
/** Six digits of fraction, as Lease wants them: "2026-11-21T20:50:04.000000Z". @param out  room >= 32 */
void kube_time_write(spw_time unix_ns, char *out, size_t room);

#endif
