/* SPDX-License-Identifier: Apache-2.0 */
/**
 * hpa.h - the Kubernetes HorizontalPodAutoscaler v2 as a pure function.
 *
 *     (spec, what is seen now, history) -> (replicas wanted, why), history
 *
 * Same arithmetic as the controller of Kubernetes (pkg/controller/podautoscaler): sums and averages in 64-bit
 * integers of milli-units, ratios and percent limits in binary64. A FederatedHPA (spec->federated) is the
 * same with every proposal divided by the calibration of Karmada (pkg/controllers/federatedhpa): sum of member
 * replicas / template replicas. Its proposal from an OBJECT average is divided twice, as there. At 0 replicas there
 * is nothing to calibrate and the calibration is 1 (Karmada fails there, and so never wakes up).
 *
 * Invariants: no clock, no allocation, no order dependence (permuting pods changes nothing); the result never
 * leaves [replicas_min, replicas_max] unless it is the unchanged current count of a disabled or blind autoscaler.
 * The spec is taken as valid (the configuration check of the core): metric_count >= 1, targets > 0,
 * 0 <= replicas_min <= replicas_max, sync_s >= 1, periods 1..1800 s, windows -1..3600 s.
 */
#ifndef SCHED_SCALE_HPA_H
#define SCHED_SCALE_HPA_H

#include <spillway/config.h>
#include <spillway/plan.h>
#include <spillway/snapshot.h>
#include <spillway/types.h>

/** One pod as one metric sees it. A terminating or failed pod belongs in the list: the rules ignore it. */
typedef struct hpa_pod {
    uint8_t phase;          /**< spw_phase */
    uint8_t deleting;       /**< 1 = has a deletion timestamp */
    uint8_t ready;          /**< 1 = Ready condition is true */
    bool has_sample;        /**< value_milli, sampled and window are set */
    spw_time started;       /**< SPW_TIME_MAX = no start time */
    spw_time ready_changed; /**< last transition of Ready; SPW_TIME_MAX = there is no Ready condition */
    int64_t value_milli;
    int64_t request_milli; /**< request of the pod for a UTILIZATION target; <= 0 = none, the metric fails */
    spw_time sampled;      /**< end of the sample's window */
    spw_dur window;        /**< length of the sample's window */
} hpa_pod;

/**
 * What is known about one metric of the spec.
 * RESOURCE, PODS: pods are all pods of the selector, with their samples.
 * OBJECT, EXTERNAL: the value; a VALUE target also needs pods (it counts the ready ones; samples are not read).
 */
typedef struct hpa_reading {
    const hpa_pod *pods; /**< [pod_count], borrowed; NULL when pod_count is 0 */
    size_t pod_count;
    bool has_value;
    int64_t value_milli;
} hpa_reading;

typedef struct hpa_input {
    spw_time now;
    int32_t spec_replicas;   /**< spec.replicas of the target (of the template for a FederatedHPA) */
    int32_t status_replicas; /**< pods that exist: status.replicas, summed over clusters */
    int32_t calibration_num; /**< federated only: sum of spec.replicas over ready members; <= 0 makes metrics fail */
    int32_t calibration_den; /**< federated only: replicas of the template, that is spec_replicas; <= 0 likewise */
    bool by_reference; /**< counts are in reference replicas: what pods say is divided by num / den, copies for each */
    const hpa_reading *readings; /**< [spec->metric_count], in the order of spec->metrics */
} hpa_input;

/** Reasons of the conditions AbleToScale (first three) and ScalingLimited (the others) of a v2 status. */
typedef enum hpa_condition {
    HPA_READY_FOR_NEW_SCALE = 1,   /**< stabilisation changed nothing */
    HPA_SCALE_UP_STABILIZED = 2,   /**< a recent lower recommendation holds */
    HPA_SCALE_DOWN_STABILIZED = 3, /**< a recent higher recommendation holds */
    HPA_SCALE_UP_LIMIT = 4,        /**< the rate of growth is used up */
    HPA_SCALE_DOWN_LIMIT = 5,      /**< the rate of shrinking is used up */
    HPA_TOO_MANY_REPLICAS = 6,     /**< more than replicas_max wanted */
    HPA_TOO_FEW_REPLICAS = 7,      /**< fewer than replicas_min wanted */
    HPA_DESIRED_WITHIN_RANGE = 8   /**< no limit touched */
} hpa_condition;

typedef struct hpa_result {
    int32_t desired;       /**< replicas wanted now; equals spec_replicas when there is nothing to do */
    int32_t proposal;      /**< maximum over the metrics, before stabilisation and limits; = desired if none was read */
    int32_t stabilized;    /**< after stabilisation, before limits; = desired if no metric was read */
    spw_reason reason;     /**< of a change: METRIC_ABOVE, METRIC_BELOW, BELOW_MIN or ABOVE_MAX; else NONE */
    hpa_condition able;    /**< READY_FOR_NEW_SCALE or a *_STABILIZED */
    hpa_condition limited; /**< one of the last five; TOO_MANY or TOO_FEW also when max or min alone decided */
    bool active;           /**< metrics were read well enough to act; also true when min or max alone decided */
    bool disabled;         /**< spec_replicas is 0 and it was not this autoscaler that brought it there */
    size_t failed;         /**< metrics that could not be read in this round */
    size_t metric;         /**< index of the metric whose proposal won; SIZE_MAX = none */
} hpa_result;

/** What outlives a round: recommendations for the windows, changes for the rates. Memory is the caller's. */
typedef struct hpa_history hpa_history;

/** Bytes of memory one history of this spec needs, header included. Depends on windows, periods and sync_s. */
size_t hpa_history_size(const spw_hpa *spec);

/**
 * Makes an empty history.
 * @param in mem   hpa_history_size(spec) bytes aligned for any type; owned by the caller, never freed here
 * @return mem as a history. Everything of spec it needs is copied.
 */
hpa_history *hpa_history_init(void *mem, const spw_hpa *spec);

/** Bytes hpa_history_save() writes now; never more than hpa_history_save_max(). */
size_t hpa_history_save_size(const hpa_history *history);
size_t hpa_history_save_max(const hpa_history *history);

/** Writes the content, little-endian, same content = same bytes. @return SPW_OK; SPW_LIMIT if size is too small */
spw_rc hpa_history_save(const hpa_history *history, void *buf, size_t size);

/**
 * Replaces the content by what hpa_history_save() wrote for the same spec.
 * @param out used  bytes consumed, so that histories can follow each other; untouched on failure
 * @return SPW_OK; SPW_STATE if damaged, cut short or of another spec (the history keeps the content it had)
 */
spw_rc hpa_history_load(hpa_history *history, const void *buf, size_t size, size_t *used);

/**
 * Gives the pods without a request the largest request found among the others. The pods of one workload come
 * from one template, but a snapshot carries the request on the sample, so pods without a sample lack it.
 */
void hpa_fill_requests(hpa_pod *pods, size_t count);

/**
 * One round. Call once per sync period; calling more often is safe (see hpa_history.c), never backwards in time.
 * @param in     spec, in  borrowed; the spec the history was made for
 * @param in,out history   gains this round's recommendation
 * @param out    out       always filled
 * @cost O(metrics x pods + history), no allocation
 */
void hpa_decide(const spw_hpa *spec, const hpa_input *in, hpa_history *history, hpa_result *out);

/**
 * Tells the history that spec.replicas was really written: `from` -> `to`; from == to is ignored. Without it rates
 * do not count. A step to 0 is remembered if the spec allows scale to zero (replicas_min 0 and an OBJECT or EXTERNAL
 * metric): only then does the autoscaler wake the target up again. A target that somebody else set to 0 stays off,
 * except for a FederatedHPA with replicas_min 0, which always reads its metrics.
 */
void hpa_record_scale(hpa_history *history, spw_time now, int32_t from, int32_t to);

/**
 * Tells the history of a round that somebody else held: what its metrics asked for, before windows and limits. The next
 * hpa_decide() then does not begin with the count that is there. Oldest first, never later than that round.
 */
void hpa_record_recommendation(hpa_history *history, spw_time at, int32_t replicas);

/** "ReadyForNewScale", ...: the spelling of Kubernetes; never NULL. */
const char *hpa_condition_name(hpa_condition condition);

#endif
