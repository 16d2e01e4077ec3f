/* SPDX-License-Identifier: Apache-2.0 */
/**
 * hpa_internal.h - what the three files of the autoscaler share; nobody else includes it.
 *
 *   hpa_metric.c   one metric -> a proposal
 *   hpa_history.c  memory of recommendations and changes
 *   hpa.c          guards, maximum over metrics, stabilisation, limits
 */
#ifndef SCHED_SCALE_HPA_INTERNAL_H
#define SCHED_SCALE_HPA_INTERNAL_H

#include "scale/hpa.h"

/** Kubernetes' controller defaults (flags of kube-controller-manager and the v2 API defaults). */
#define HPA_TOLERANCE_PPM        100000
#define HPA_DOWN_WINDOW_S        300
#define HPA_CPU_INITIALIZATION_S 300
#define HPA_INITIAL_READINESS_S  30

/**
 * One remembered instant, or several merged ones (see hpa_history.c); [first, last] is the time it covers.
 * Recommendation: the lowest and the highest recommended count.
 * Change: high = replicas added or removed (> 0), low = the slot it has in Kubernetes' list.
 */
typedef struct hpa_mark {
    spw_time first;
    spw_time last;
    int32_t low;
    int32_t high;
} hpa_mark;

/** Marks in order of time. */
typedef struct hpa_list {
    uint32_t offset; /**< of the first mark in hpa_history.marks */
    uint32_t room;
    uint32_t count;
} hpa_list;

struct hpa_history {
    int32_t window_s; /**< the longer of the two stabilisation windows */
    int32_t up_s;     /**< longest period of an up policy; 0 without behavior */
    int32_t down_s;
    int32_t sync_s;
    bool behavior;
    bool zero_allowed;
    bool seeded;         /**< the first round put the current count into the recommendations */
    bool scaled_to_zero; /**< the last written step led to 0 and was ours */
    hpa_list recs;
    hpa_list ups;
    hpa_list downs;
    hpa_mark marks[];
};

/** Stabilisation windows with defaults applied. */
int32_t hpa_window_up_s(const spw_hpa *spec);
int32_t hpa_window_down_s(const spw_hpa *spec);

/** Policies with defaults applied; *count >= 1. */
const spw_scaling_policy *hpa_policies(const spw_scaling_rules *rules, bool up, size_t *count);

/** True for a spec with an OBJECT or EXTERNAL metric. */
bool hpa_has_value_metric(const spw_hpa *spec);

/** Puts the current count into an untouched history. */
void hpa_history_seed(hpa_history *history, spw_time now, int32_t replicas);
/** Forgets what left the window and adds this round's recommendation. */
void hpa_history_recommend(hpa_history *history, spw_time now, int32_t replicas);
/** Sum of the changes of a list that are later than `after`. */
int64_t hpa_history_changes(const hpa_history *history, const hpa_list *list, spw_time after);

/** @return false when the metric cannot be read; else *proposal, which may be negative for negative samples. */
bool hpa_propose(const spw_hpa *spec, size_t metric, const hpa_input *in, int32_t *proposal);

/** Binary64 -> int32, towards zero, saturating; not-a-number gives 0. */
int32_t hpa_to_int(double x);

#endif
