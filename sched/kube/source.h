/* SPDX-License-Identifier: Apache-2.0 */
/**
 * source.h - the world of a kube_fleet as a snapshot for the core.
 *
 * Clusters: in the order of the spec. ready: Karmada's condition; and, where the API server is ours to ask, that it was
 * heard of within `unreachable_after`. observed: the oldest of its collections. A resource summary comes from Karmada's
 * Cluster, else from its nodes and pods.
 *
 * Pools: by node labels; free GPUs from the requests of all pods on a node, ours or not. nodes_target, stock and
 * failures from the inventory where it knows the pool; else the nodes that are there, not known, none.
 *
 * Workloads: those of the configuration. replicas: the template of the hub; without a hub, the count that the actuator
 * was last told (kube_source_template()).
 *
 * Placements: assigned is spec.clusters of the binding, or spec.replicas of the object in the cluster. scheduled and
 * ready: its pods; where pods cannot be seen, what the binding reports.
 *
 * Pods: owned by one of these workloads, a StatefulSet itself or a Deployment through its ReplicaSet. Samples: what the
 * meters last brought.
 *
 * Times in the snapshot are Unix ns; they never run backwards, even when the host's clock does.
 */
#ifndef SCHED_KUBE_SOURCE_H
#define SCHED_KUBE_SOURCE_H

#include <spillway/seam.h>

#include "sched/kube/fleet.h"

/** What is known of a pool beside its nodes: a node group's record, a provider's stock. From a command, see inventory.h
 */
typedef struct kube_inventory_row {
    const char *cluster, *pool;
    int32_t target; /**< nodes the group is told to have; -1 = not known */
    int32_t stock;  /**< nodes the provider has left; -1 = not known */
    int64_t failures;
    spw_time observed; /**< Unix ns */
} kube_inventory_row;

/** A value of a metric. pod NULL: of the workload. */
typedef struct kube_metric_row {
    const char *cluster;      /**< of the pod; NULL with pod NULL */
    const char *space, *name; /**< of the pod, or of the workload */
    bool of_pod;
    const char *metric;
    int64_t value_milli, request_milli; /**< request: resource metrics of pods, else 0 */
    spw_time sampled;                   /**< Unix ns */
    spw_dur window;
} kube_metric_row;

typedef struct kube_source kube_source;

typedef struct kube_source_spec {
    const kube_fleet *fleet;
    const spw_config *config;
    spw_dur unreachable_after; /**< > 0 */
    /** Rows as they stand now, borrowed until the next call; NULL functions = there are none. */
    size_t (*inventory)(void *user, const kube_inventory_row **rows);
    size_t (*metrics)(void *user, const kube_metric_row **rows);
    void *user;
    spw_time (*clock)(void *user); /**< the clock of kube_fleet_step(), now */
} kube_source_spec;

/** spec is copied, what it points to is borrowed. @return NULL when out of memory */
kube_source *kube_source_new(const kube_source_spec *spec);
void kube_source_free(kube_source *source); /**< NULL allowed */
spw_source kube_source_seam(kube_source *source);

/** Replica counts of templates where there is no hub that holds them. index = workload of the configuration. */
int32_t kube_source_template(const kube_source *source, size_t workload); /**< -1 = not told yet */
void kube_source_template_set(kube_source *source, size_t workload, int32_t replicas);

/** Sizes that settings of the core need for this fleet. */
void kube_source_room(const kube_source *source, spw_settings *settings);

#endif
