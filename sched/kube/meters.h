/* SPDX-License-Identifier: Apache-2.0 */
/**
 * meters.h - metric values, asked for again and again: rows for kube_source.
 *
 *   RESOURCE    metrics.k8s.io: cpu and memory of the pods of a namespace in one cluster, with the pods' requests
 *   PODS        custom.metrics.k8s.io: one metric of the pods of a namespace in one cluster, or of one workload's there
 *   OBJECT      custom.metrics.k8s.io: one metric of one object
 *   EXTERNAL    external.metrics.k8s.io: the sum of all series, as a HorizontalPodAutoscaler takes it
 *   PROMETHEUS  an instant query. Without `pod_label` one value, of the workload; no series or several are a failure.
 *               With it one value for each series, of the pod that the label names
 *
 * A meter that gets no answer keeps its last rows: they carry the time they were sampled at, and age. It tries again
 * after 1 s, doubled up to 1 min, with jitter. One that is broken hinders no other. Times of samples are the server's.
 */
#ifndef SCHED_KUBE_METERS_H
#define SCHED_KUBE_METERS_H

#include "sched/kube/source.h"
#include "sched/kube/verdict.h"

typedef enum kube_meter_kind {
    KUBE_METER_RESOURCE = 1,
    KUBE_METER_PODS = 2,
    KUBE_METER_OBJECT = 3,
    KUBE_METER_EXTERNAL = 4,
    KUBE_METER_PROMETHEUS = 5
} kube_meter_kind;

/** All texts are borrowed; NULL where unused. */
typedef struct kube_meter_spec {
    kube_meter_kind kind;
    size_t server;
    const char *prefix;  /**< before the path; "" = none */
    const char *cluster; /**< of the pods: RESOURCE, PODS; PROMETHEUS with pod_label and without cluster_label */
    const char *metric;  /**< as the core knows it: the name in the autoscaler. RESOURCE: not used */
    const char *series;  /**< its name in the API; NULL = metric */
    const char *space;   /**< namespace: of the pods; of the workload */
    const char *name;    /**< the workload: OBJECT, EXTERNAL, PROMETHEUS without pod_label. PODS: only its pods, found
                              by the selector of its object in the cluster; NULL = those that `selector` takes */
    spw_workload_kind workload; /**< PODS with name: what kind of object it is */
    const char *selector;  /**< label selector, as it is written; "" or NULL = all. RESOURCE, and PODS without name: of
                              pods; else: of the metric's labels */
    const char *object;    /**< OBJECT: "services/chat", "deployments.apps/chat" */
    const char *query;     /**< PROMETHEUS */
    const char *pod_label; /**< PROMETHEUS: label with the pod's name */
    const char *space_label, *cluster_label; /**< PROMETHEUS: labels with the pod's namespace and cluster; NULL = as
                                                  `space`, as `cluster` */
    spw_dur period;                          /**< 0 = 15 s */
} kube_meter_spec;

typedef struct kube_meters kube_meters;

/**
 * @param in  specs  [count] borrowed for the meters' life
 * @param in  fleet  requests of pods are looked up here; borrowed
 * @return NULL when out of memory
 */
kube_meters *kube_meters_new(const kube_meter_spec *specs, size_t count, const kube_fleet *fleet, const kube_wire *wire,
                             uint64_t seed);
void kube_meters_free(kube_meters *meters); /**< cancels what is under way; NULL allowed */
/** Meters that ask for the same as one of `from` begin with its rows, its times and its troubles. `from` loses them. */
void kube_meters_adopt(kube_meters *meters, kube_meters *from);

/** Starts what is due. Call after each run of the wire. @return when to call again at the latest */
spw_time kube_meters_step(kube_meters *meters, spw_time now, spw_time unix_ns);

/** All rows as they stand, for kube_source_spec.metrics; borrowed until the next step. 0 also when out of memory. */
size_t kube_meters_rows(kube_meters *meters, const kube_metric_row **rows);

typedef struct kube_meter_state {
    const kube_meter_spec *spec;
    uint64_t answers, failures;
    size_t rows;
    spw_time sampled;    /**< newest sample, Unix ns; SPW_TIME_MAX = none yet */
    kube_status trouble; /**< of the last failure; verdict KUBE_OK while all is well */
    bool said;           /**< kube_meters_said() */
} kube_meter_state;
/** A note of the host's, whether people know of the trouble; it stays with the meter. */
void kube_meters_said(kube_meters *meters, size_t index, bool said);
/** @return false past the last */
bool kube_meters_report(const kube_meters *meters, size_t index, kube_meter_state *out);

#endif
