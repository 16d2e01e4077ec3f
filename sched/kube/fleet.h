/* SPDX-License-Identifier: Apache-2.0 */
/**
 * fleet.h - what is known of all clusters: for each, its Deployments, StatefulSets, Pods and Nodes, kept up to date
 * by reflectors; and, in a Karmada fleet, the Clusters, ResourceBindings and templates of the control plane.
 *
 * Every collection of every server goes its own way: one that fails ages, and hides nothing of the others.
 */
#ifndef SCHED_KUBE_FLEET_H
#define SCHED_KUBE_FLEET_H

#include <spillway/config.h>

#include "sched/kube/objects.h"

typedef enum kube_mode {
    KUBE_MODE_KUBERNETES = 1, /**< one object of the same name in each cluster, scaled by us */
    KUBE_MODE_KARMADA = 2     /**< a template and a ResourceBinding in a Karmada control plane */
} kube_mode;

/** Nodes of a cluster that are alike. */
typedef struct kube_pool_spec {
    const char *name, *gpu; /**< gpu = class, e.g. "RTX-5090" */
    spw_capacity capacity;
    int32_t gpus_per_node, nodes_min, nodes_max, rank;
    int64_t price_uusd_per_gpu_h;
    spw_labels selector; /**< a node with all of these labels belongs to it */
    spw_labels labels;   /**< that all its nodes carry, for units of a ResourcePolicy: the selector's, and others */
} kube_pool_spec;

typedef struct kube_cluster_spec {
    const char *name, *region, *zone, *provider, *jurisdiction; /**< "" = not known; Karmada's Cluster fills gaps */
    spw_labels labels;                                          /**< likewise: sorted by key */
    bool reachable;                                             /**< false: its API server is not ours to ask */
    size_t server;                                              /**< of the wire */
    const char *prefix; /**< before every path: "", or Karmada's ".../clusters/NAME/proxy" */
    const kube_pool_spec *pools;
    size_t pool_count;
} kube_cluster_spec;

typedef struct kube_fleet_spec {
    kube_mode mode;
    size_t hub;            /**< KARMADA: server of the control plane */
    const char *scheduler; /**< KARMADA: spec.schedulerName of the bindings that are ours */
    const kube_cluster_spec *clusters;
    size_t cluster_count;
    uint64_t seed; /**< for jitter */
} kube_fleet_spec;

typedef enum kube_part {
    KUBE_PART_DEPLOYMENTS = 0,
    KUBE_PART_PODS = 1,
    KUBE_PART_NODES = 2,
    KUBE_PART_STATEFULSETS = 3,
    KUBE_PARTS = 4,
} kube_part;

typedef enum kube_hub_part {
    KUBE_HUB_MEMBERS = 0,
    KUBE_HUB_BINDINGS = 1,
    KUBE_HUB_DEPLOYMENTS = 2, /**< templates */
    KUBE_HUB_STATEFULSETS = 3,
    KUBE_HUB_PARTS = 4
} kube_hub_part;

typedef struct kube_fleet kube_fleet;

/** spec and wire are borrowed for the fleet's life. @return NULL when out of memory */
kube_fleet *kube_fleet_new(const kube_fleet_spec *spec, const kube_wire *wire);
void kube_fleet_free(kube_fleet *fleet); /**< NULL allowed */
const kube_fleet_spec *kube_fleet_spec_get(const kube_fleet *fleet);

/** Starts what is due. @return when to call again at the latest */
spw_time kube_fleet_step(kube_fleet *fleet, spw_time now);

const kube_store *kube_fleet_part(const kube_fleet *fleet, size_t cluster, kube_part part); /**< empty if unreachable */
const kube_store *kube_fleet_hub(const kube_fleet *fleet, kube_hub_part part);              /**< NULL without a hub */

/** A workload's object in a cluster. @return NULL = it is not there */
const kube_workload *kube_fleet_workload(const kube_fleet *fleet, size_t cluster, spw_workload_kind kind,
                                         const char *space, const char *name);
/** Its template in the control plane. @return NULL = it is not there, or there is no hub */
const kube_workload *kube_fleet_template(const kube_fleet *fleet, spw_workload_kind kind, const char *space,
                                         const char *name);
/** Its ResourceBinding there. @return NULL likewise */
const kube_binding *kube_fleet_binding(const kube_fleet *fleet, spw_workload_kind kind, const char *space,
                                       const char *name);

/** Whether every collection that this fleet has was listed once. */
bool kube_fleet_is_synced(const kube_fleet *fleet);
bool kube_fleet_cluster_is_synced(const kube_fleet *fleet, size_t cluster);
/** When the oldest collection of a cluster was last confirmed, on the clock of step(); SPW_TIME_MAX = never. */
spw_time kube_fleet_confirmed(const kube_fleet *fleet, size_t cluster);
spw_time kube_fleet_hub_confirmed(const kube_fleet *fleet);

/** For metrics and logs: the reflectors one after the other. @return false past the last */
bool kube_fleet_report(const kube_fleet *fleet, size_t index, const char **cluster, const char **kind,
                       kube_reflect_state *state, size_t *objects, uint64_t *unread);

#endif
