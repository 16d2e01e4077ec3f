/* SPDX-License-Identifier: Apache-2.0 */
/**
 * hpa_metric.c - one metric -> the replica count it asks for.
 *
 * Follows Kubernetes' pkg/controller/podautoscaler/replica_calculator.go and metrics/utilization.go: totals are
 * integers in milli-units and divided as integers (towards zero); ratios and the final product are binary64.
 * Totals are 128 bits wide here, so they cannot overflow, and a utilization saturates at 32 bits.
 */
#include "scale/hpa_internal.h"

__extension__ typedef __int128 hpa_wide;

typedef enum pod_group { POD_IGNORED, POD_UNREADY, POD_MISSING, POD_READY } pod_group;

/** What one pass over the pods adds up. */
typedef struct pod_tally {
    int64_t ready; /* = pods whose sample counts */
    int64_t unready;
    int64_t missing;
    hpa_wide usage;   /* of ready pods */
    hpa_wide request; /* of ready pods */
    hpa_wide unready_request;
    hpa_wide missing_request;
    hpa_wide missing_full; /* what missing pods are taken to use when the others say "shrink" */
    bool request_unknown;  /* a pod, of whatever group, has no request */
} pod_tally;

int32_t hpa_to_int(double x)
{
    if (isnan(x)) {
        return 0;
    }
    if (x >= (double)INT32_MAX) {
        return INT32_MAX;
    }
    if (x <= (double)INT32_MIN) {
        return INT32_MIN;
    }
    return (int32_t)x;
}

#define HPA_NOISE 1e-12 /* relative; ratios here are quotients of numbers far below 1e12 */

/** 1 means off target by nothing. Kubernetes and Karmada differ in binary64 at the upper border: 1.1 is in, or out. */
static bool within_tolerance(const spw_hpa *spec, double ratio)
{
    int64_t up_ppm = HPA_TOLERANCE_PPM;
    int64_t down_ppm = HPA_TOLERANCE_PPM;
    if (spec->has_behavior && spec->up.tolerance_ppm >= 0) {
        up_ppm = spec->up.tolerance_ppm;
    }
    if (spec->has_behavior && spec->down.tolerance_ppm >= 0) {
        down_ppm = spec->down.tolerance_ppm;
    }
    double up = (double)up_ppm / 1e6;
    double down = (double)down_ppm / 1e6;
    if (spec->exact) { /* the borders are in */
        return 1.0 - down - HPA_NOISE <= ratio && ratio <= 1.0 + up + HPA_NOISE;
    }
    if (spec->federated) {
        return fabs(1.0 - ratio) <= (ratio < 1.0 ? down : up);
    }
    return 1.0 - down <= ratio && ratio <= 1.0 + up;
}

/** Rounded up; exact: what stands less than the noise of binary64 above an integer is that integer. */
static double round_up(const spw_hpa *spec, double x)
{
    double below = floor(x);
    return spec->exact && x - below <= HPA_NOISE * (1.0 + below) && x > 0 ? below : ceil(x);
}

/** now - since < span, without overflow for since == SPW_TIME_MAX. */
static bool is_younger(spw_time now, spw_time since, spw_dur span)
{
    return since > now - span;
}

/** CPU alone: start-up burns CPU that says nothing about load, so samples of young pods are looked at twice. */
static bool cpu_unready(const hpa_pod *pod, spw_time now)
{
    if (pod->started == SPW_TIME_MAX || pod->ready_changed == SPW_TIME_MAX) {
        return true;
    }
    if (is_younger(now, pod->started, HPA_CPU_INITIALIZATION_S * SPW_NS_PER_S)) {
        return !pod->ready || is_younger(pod->sampled, pod->ready_changed, pod->window);
    }
    return !pod->ready && is_younger(pod->ready_changed, pod->started, HPA_INITIAL_READINESS_S * SPW_NS_PER_S);
}

static pod_group group_of(const hpa_pod *pod, bool is_cpu, spw_time now)
{
    if (pod->deleting || pod->phase == SPW_POD_FAILED) {
        return POD_IGNORED;
    }
    if (pod->phase == SPW_POD_PENDING) {
        return POD_UNREADY;
    }
    if (!pod->has_sample) {
        return POD_MISSING;
    }
    if (is_cpu && cpu_unready(pod, now)) {
        return POD_UNREADY;
    }
    return POD_READY;
}

static pod_tally tally_pods(const spw_hpa_metric *metric, const hpa_reading *reading, spw_time now)
{
    pod_tally tally = {0};
    bool is_cpu = metric->kind == SPW_METRIC_RESOURCE && metric->is_cpu;
    bool by_request = metric->target_kind == SPW_TARGET_UTILIZATION;
    /* above 100 % a full request would still look idle, hence the target itself */
    int64_t full_percent = metric->target > 100 ? metric->target : 100;
    for (size_t i = 0; i < reading->pod_count; i++) {
        const hpa_pod *pod = &reading->pods[i];
        tally.request_unknown |= pod->request_milli <= 0;
        switch (group_of(pod, is_cpu, now)) {
        case POD_READY:
            tally.ready++;
            tally.usage += pod->value_milli;
            tally.request += pod->request_milli;
            break;
        case POD_UNREADY:
            tally.unready++;
            tally.unready_request += pod->request_milli;
            break;
        case POD_MISSING:
            tally.missing++;
            tally.missing_request += pod->request_milli;
            tally.missing_full += by_request ? (hpa_wide)pod->request_milli * full_percent / 100 : metric->target;
            break;
        case POD_IGNORED:
            break;
        }
    }
    return tally;
}

/** Usage against target: percent of requests, or average per pod. The integer division comes first. */
static double usage_ratio(const spw_hpa_metric *metric, hpa_wide usage, hpa_wide request, int64_t pods)
{
    if (metric->target_kind != SPW_TARGET_UTILIZATION) {
        return (double)(int64_t)(usage / pods) / (double)metric->target;
    }
    hpa_wide percent = usage * 100 / request;
    if (percent > INT32_MAX) {
        percent = INT32_MAX;
    } else if (percent < INT32_MIN) {
        percent = INT32_MIN;
    }
    return (double)(int64_t)percent / (double)metric->target;
}

static double calibration_of(const spw_hpa *spec, const hpa_input *in)
{
    bool known = spec->federated || (in->by_reference && in->calibration_num > 0 && in->calibration_den > 0);
    if (!known || in->spec_replicas == 0) {
        return 1.0;
    }
    return (double)in->calibration_num / (double)in->calibration_den;
}

/** RESOURCE and PODS. */
static bool propose_per_pod(const spw_hpa *spec, size_t index, const hpa_input *in, int32_t *proposal)
{
    const spw_hpa_metric *metric = &spec->metrics[index];
    pod_tally tally = tally_pods(metric, &in->readings[index], in->now);
    if (tally.ready == 0 || (metric->target_kind == SPW_TARGET_UTILIZATION && tally.request_unknown)) {
        return false;
    }
    *proposal = in->spec_replicas;
    double calibration = calibration_of(spec, in);
    double ratio = usage_ratio(metric, tally.usage, tally.request, tally.ready);
    bool up_with_unready = tally.unready > 0 && ratio > 1.0;
    if (!up_with_unready && tally.missing == 0) {
        if (!within_tolerance(spec, ratio)) {
            *proposal = hpa_to_int(round_up(spec, ratio * (double)tally.ready / calibration));
        }
        return true;
    }
    /* the unknown pods are taken to speak against the change */
    hpa_wide usage = tally.usage;
    hpa_wide request = tally.request;
    int64_t pods = tally.ready;
    if (ratio < 1.0 || ratio > 1.0) {
        usage += ratio < 1.0 ? tally.missing_full : 0;
        request += tally.missing_request;
        pods += tally.missing;
    }
    if (up_with_unready) {
        request += tally.unready_request;
        pods += tally.unready;
    }
    double damped = usage_ratio(metric, usage, request, pods);
    if (within_tolerance(spec, damped) || (ratio < 1.0 && damped > 1.0) || (ratio > 1.0 && damped < 1.0)) {
        return true;
    }
    int32_t replicas = hpa_to_int(round_up(spec, damped * (double)pods / calibration));
    if ((damped < 1.0 && replicas > in->spec_replicas) || (damped > 1.0 && replicas < in->spec_replicas)) {
        return true;
    }
    *proposal = replicas;
    return true;
}

/** OBJECT and EXTERNAL with a target for the whole: scales the pods that serve now. */
static bool propose_value(const spw_hpa *spec, size_t index, const hpa_input *in, int32_t *proposal)
{
    const hpa_reading *reading = &in->readings[index];
    double ratio = (double)reading->value_milli / (double)spec->metrics[index].target;
    if (in->spec_replicas == 0) {
        *proposal = hpa_to_int(round_up(spec, ratio));
        return true;
    }
    if (within_tolerance(spec, ratio)) {
        *proposal = in->spec_replicas;
        return true;
    }
    if (reading->pod_count == 0) {
        return false;
    }
    int64_t ready = 0; /* a terminating pod that is still ready counts, as in Kubernetes */
    for (size_t i = 0; i < reading->pod_count; i++) {
        ready += reading->pods[i].phase == SPW_POD_RUNNING && reading->pods[i].ready;
    }
    *proposal = hpa_to_int(round_up(spec, ratio * (double)ready / calibration_of(spec, in)));
    return true;
}

/** OBJECT and EXTERNAL with a target per pod: the value itself says how many, whoever is ready. */
static bool propose_average(const spw_hpa *spec, size_t index, const hpa_input *in, int32_t *proposal)
{
    const spw_hpa_metric *metric = &spec->metrics[index];
    double value = (double)in->readings[index].value_milli;
    double target = (double)metric->target;
    /* the value over the target is a number of reference replicas by itself */
    double calibration = in->by_reference ? 1.0 : calibration_of(spec, in);
    int32_t status = in->by_reference ? in->spec_replicas : in->status_replicas;
    /* without pods this is infinite, or not a number: both are out of tolerance */
    double ratio = value / (target * (double)status);
    double replicas = (double)status;
    bool keep = within_tolerance(spec, ratio);
    if (!keep) {
        replicas = (double)hpa_to_int(round_up(spec, value / target / calibration));
    }
    if (keep || (metric->kind == SPW_METRIC_OBJECT && !spec->exact)) {
        replicas = round_up(spec, replicas / calibration);
    }
    *proposal = hpa_to_int(replicas);
    return true;
}

bool hpa_propose(const spw_hpa *spec, size_t metric, const hpa_input *in, int32_t *proposal)
{
    if (spec->federated && in->spec_replicas != 0 && (in->calibration_num <= 0 || in->calibration_den <= 0)) {
        return false;
    }
    if (spec->metrics[metric].kind == SPW_METRIC_RESOURCE || spec->metrics[metric].kind == SPW_METRIC_PODS) {
        return propose_per_pod(spec, metric, in, proposal);
    }
    if (!in->readings[metric].has_value) {
        return false;
    }
    if (spec->metrics[metric].target_kind == SPW_TARGET_VALUE) {
        return propose_value(spec, metric, in, proposal);
    }
    return propose_average(spec, metric, in, proposal);
}

void hpa_fill_requests(hpa_pod *pods, size_t count)
{
    int64_t largest = 0;
    for (size_t i = 0; i < count; i++) {
        if (pods[i].request_milli > largest) {
            largest = pods[i].request_milli;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (pods[i].request_milli <= 0) {
            pods[i].request_milli = largest;
        }
    }
}
