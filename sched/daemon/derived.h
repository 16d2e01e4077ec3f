/* SPDX-License-Identifier: Apache-2.0 */
/**
 * derived.h - the meters that autoscalers need, from what they say themselves. As a HorizontalPodAutoscaler asks:
 *
 *   Resource   metrics.k8s.io of the namespace, in every cluster whose API server is ours to ask
 *   Pods       custom.metrics.k8s.io: of the workload's pods in every such cluster, by the selector of its object there
 *   Object     custom.metrics.k8s.io: of the object that is described
 *   External   external.metrics.k8s.io: the sum of all series that the metric's selector takes
 *
 * Object and External values are asked of the server that holds the autoscalers: the control plane, or in mode
 * kubernetes the first cluster. Rates of QueueScalers and ForecastScalers likewise; they describe no object, so those
 * of type Object need an entry. So does an Object metric that does not say its object, or describes a namespace.
 *
 * An entry of spec.meters for the same goes first: for Resource of that cluster and namespace, for the values of a
 * workload of that metric and workload, for the values of pods of that metric, namespace and cluster, or of Prometheus
 * with a podLabel.
 */
#ifndef SCHED_DAEMON_DERIVED_H
#define SCHED_DAEMON_DERIVED_H

#include <spillway/autoscale.h>

#include "sched/daemon/config.h"

typedef struct dm_derived {
    zone *z; /**< holds the list and its texts, but names and prefixes of clusters; z->failed = out of memory */
    kube_meter_spec *specs;
    size_t count, room;
} dm_derived;

/** Adds the meters, in the order of workloads, metrics, clusters. */
void dm_derive_meters(dm_derived *list, const dm_config *config, const spw_config *governed,
                      const kube_fleet_spec *fleet);

#endif
