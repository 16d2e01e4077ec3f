/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * hpa_model.c - see hpa_model.h. Rules: semantics of the Kubernetes controller, read rule by rule; speed is no aim.
 */
#include "tests/support/hpa_model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS(n) ((spw_dur)(n)*SPW_NS_PER_S)

/* ---- one metric ---- */

typedef struct sample {
    int64_t usage, request;
} sample;

typedef struct samples {
    sample at[HPA_MODEL_PODS_MAX];
    size_t count;
} samples;

static void add_sample(samples *list, int64_t usage, int64_t request)
{
    if (list->count == HPA_MODEL_PODS_MAX) {
        abort();
    }
    list->at[list->count++] = (sample){usage, request};
}

static char group_letter(const hpa_pod *pod, bool cpu, spw_time now)
{
    if (pod->deleting == 1 || pod->phase == SPW_POD_FAILED) {
        return 'i';
    }
    if (pod->phase == SPW_POD_PENDING) {
        return 'u';
    }
    if (!pod->has_sample) {
        return 'm';
    }
    if (!cpu) {
        return 'r';
    }
    if (pod->started == SPW_TIME_MAX || pod->ready_changed == SPW_TIME_MAX) {
        return 'u';
    }
    bool starting = pod->started + SECONDS(300) > now;
    if (starting && (pod->ready == 0 || pod->sampled < pod->ready_changed + pod->window)) {
        return 'u';
    }
    if (!starting && pod->ready == 0 && pod->started + SECONDS(30) > pod->ready_changed) {
        return 'u';
    }
    return 'r';
}

static double ratio_of(const samples *list, const spw_hpa_metric *metric)
{
    int64_t usage = 0;
    int64_t request = 0;
    for (size_t i = 0; i < list->count; i++) {
        usage += list->at[i].usage;
        request += list->at[i].request;
    }
    int64_t quotient =
        metric->target_kind == SPW_TARGET_UTILIZATION ? usage * 100 / request : usage / (int64_t)list->count;
    return (double)quotient / (double)metric->target;
}

static double tolerance(const spw_hpa *spec, const spw_scaling_rules *rules)
{
    return spec->has_behavior && rules->tolerance_ppm != -1 ? (double)rules->tolerance_ppm / 1000000.0 : 0.1;
}

static bool close_enough(const spw_hpa *spec, double ratio)
{
    double down = tolerance(spec, &spec->down);
    double up = tolerance(spec, &spec->up);
    if (spec->federated) {
        return ratio < 1.0 ? 1.0 - ratio <= down : ratio - 1.0 <= up;
    }
    return ratio >= 1.0 - down && ratio <= 1.0 + up;
}

static double kappa(const spw_hpa *spec, const hpa_input *in)
{
    if (!spec->federated || in->spec_replicas == 0) {
        return 1.0;
    }
    return (double)in->calibration_num / (double)in->calibration_den;
}

static int32_t whole(double x)
{
    double up = ceil(x);
    if (up != up) {
        return 0;
    }
    return up > 2147483647.0 ? INT32_MAX : up < -2147483648.0 ? INT32_MIN : (int32_t)up;
}

static bool pods_metric(const spw_hpa *spec, const spw_hpa_metric *metric, const hpa_input *in,
                        const hpa_reading *reading, int32_t *answer)
{
    bool cpu = metric->kind == SPW_METRIC_RESOURCE && metric->is_cpu;
    bool utilization = metric->target_kind == SPW_TARGET_UTILIZATION;
    char letters[HPA_MODEL_PODS_MAX];
    samples counted = {.count = 0};
    size_t unready = 0;
    size_t missing = 0;
    for (size_t i = 0; i < reading->pod_count; i++) {
        const hpa_pod *pod = &reading->pods[i];
        letters[i] = group_letter(pod, cpu, in->now);
        unready += letters[i] == 'u';
        missing += letters[i] == 'm';
        if (letters[i] == 'r') {
            add_sample(&counted, pod->value_milli, pod->request_milli);
        }
        if (utilization && pod->request_milli <= 0) {
            return false;
        }
    }
    if (counted.count == 0) {
        return false;
    }
    *answer = in->spec_replicas;
    double first = ratio_of(&counted, metric);
    bool simple = missing == 0 && !(unready > 0 && first > 1.0);
    if (simple) {
        if (!close_enough(spec, first)) {
            *answer = whole(first * (double)counted.count / kappa(spec, in));
        }
        return true;
    }
    for (size_t i = 0; i < reading->pod_count; i++) {
        int64_t request = reading->pods[i].request_milli;
        int64_t percent = metric->target > 100 ? metric->target : 100;
        if (letters[i] == 'm' && first < 1.0) {
            add_sample(&counted, utilization ? request * percent / 100 : metric->target, request);
        } else if ((letters[i] == 'm' || letters[i] == 'u') && first > 1.0) {
            add_sample(&counted, 0, request);
        }
    }
    double second = ratio_of(&counted, metric);
    bool turned = (first < 1.0 && second > 1.0) || (first > 1.0 && second < 1.0);
    if (turned || close_enough(spec, second)) {
        return true;
    }
    int32_t wanted = whole(second * (double)counted.count / kappa(spec, in));
    bool contradicts = second < 1.0 ? wanted > in->spec_replicas : second > 1.0 && wanted < in->spec_replicas;
    *answer = contradicts ? in->spec_replicas : wanted;
    return true;
}

static bool value_metric(const spw_hpa *spec, const spw_hpa_metric *metric, const hpa_input *in,
                         const hpa_reading *reading, int32_t *answer)
{
    if (!reading->has_value) {
        return false;
    }
    double k = kappa(spec, in);
    double value = (double)reading->value_milli;
    double target = (double)metric->target;
    if (metric->target_kind == SPW_TARGET_AVERAGE_VALUE) {
        double status = (double)in->status_replicas;
        bool keep = close_enough(spec, value / (target * status));
        int32_t n = keep ? in->status_replicas : whole(value / target / k);
        bool divide_again = keep || metric->kind == SPW_METRIC_OBJECT;
        *answer = divide_again ? whole((double)n / k) : n;
        return true;
    }
    if (in->spec_replicas == 0) {
        *answer = whole(value / target);
        return true;
    }
    *answer = in->spec_replicas;
    if (!close_enough(spec, value / target)) {
        double ready = 0;
        for (size_t i = 0; i < reading->pod_count; i++) {
            ready += reading->pods[i].phase == SPW_POD_RUNNING && reading->pods[i].ready == 1 ? 1.0 : 0.0;
        }
        *answer = whole(value / target * ready / k);
        return reading->pod_count > 0;
    }
    return true;
}

static bool ask(const spw_hpa *spec, size_t i, const hpa_input *in, int32_t *answer)
{
    const spw_hpa_metric *metric = &spec->metrics[i];
    if (spec->federated && in->spec_replicas != 0 && !(in->calibration_num > 0 && in->calibration_den > 0)) {
        return false;
    }
    bool per_pod = metric->kind == SPW_METRIC_RESOURCE || metric->kind == SPW_METRIC_PODS;
    return per_pod ? pods_metric(spec, metric, in, &in->readings[i], answer)
                   : value_metric(spec, metric, in, &in->readings[i], answer);
}

/* ---- memory ---- */

static void note(hpa_model_log *log, spw_time when, int64_t count)
{
    if (log->count == HPA_MODEL_LOG_MAX) {
        abort();
    }
    log->notes[log->count++] = (hpa_model_note){when, count, false};
}

void hpa_model_init(hpa_model *model, const spw_hpa *spec)
{
    model->spec = spec;
    model->recommendations.count = 0;
    model->added.count = 0;
    model->removed.count = 0;
    model->slept = false;
}

/** The policies in force, at most two when they are the defaults. */
static size_t policies_of(const spw_scaling_rules *rules, bool up, const spw_scaling_policy **at)
{
    static const spw_scaling_policy defaults[2] = {{SPW_SCALING_PERCENT, 100, 15}, {SPW_SCALING_PODS, 4, 15}};
    *at = rules->policy_count > 0 ? rules->policies : defaults;
    return rules->policy_count > 0 ? rules->policy_count : up ? 2 : 1;
}

static bool reads_value(const spw_hpa *spec)
{
    bool found = false;
    for (size_t i = 0; i < spec->metric_count; i++) {
        found |= spec->metrics[i].kind == SPW_METRIC_OBJECT || spec->metrics[i].kind == SPW_METRIC_EXTERNAL;
    }
    return found;
}

void hpa_model_record(hpa_model *model, spw_time now, int32_t from, int32_t to)
{
    const spw_hpa *spec = model->spec;
    if (from == to) {
        return;
    }
    model->slept = to == 0 && spec->replicas_min == 0 && reads_value(spec);
    if (!spec->has_behavior) {
        return;
    }
    const spw_scaling_policy *policies;
    size_t count = policies_of(to > from ? &spec->up : &spec->down, to > from, &policies);
    int32_t longest = 0;
    for (size_t i = 0; i < count; i++) {
        longest = policies[i].period_s > longest ? policies[i].period_s : longest;
    }
    hpa_model_log *log = to > from ? &model->added : &model->removed;
    hpa_model_note *slot = NULL;
    for (size_t i = 0; i < log->count; i++) {
        log->notes[i].outdated |= now - log->notes[i].when > SECONDS(longest);
        slot = log->notes[i].outdated ? &log->notes[i] : slot;
    }
    int64_t change = to > from ? (int64_t)to - from : (int64_t)from - to;
    if (slot != NULL) {
        *slot = (hpa_model_note){now, change, false};
    } else {
        note(log, now, change);
    }
}

static int64_t within(const hpa_model_log *log, spw_time now, int32_t period_s)
{
    int64_t sum = 0;
    for (size_t i = 0; i < log->count; i++) {
        sum += now - log->notes[i].when < SECONDS(period_s) ? log->notes[i].count : 0;
    }
    return sum;
}

static int64_t rate(const hpa_model *model, bool up, const hpa_input *in)
{
    const spw_scaling_rules *rules = up ? &model->spec->up : &model->spec->down;
    const spw_scaling_policy *policies;
    size_t count = policies_of(rules, up, &policies);
    int64_t most = 0; /* largest and smallest change; a negative change is one against the direction */
    int64_t least = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t start = in->spec_replicas + within(&model->removed, in->now, policies[i].period_s) -
                        within(&model->added, in->now, policies[i].period_s);
        double share = (double)policies[i].value / 100;
        int64_t end = up ? start + policies[i].value : start - policies[i].value;
        if (policies[i].unit == SPW_SCALING_PERCENT) {
            end = up ? (int64_t)ceil((double)start * (1 + share)) : (int64_t)((double)start * (1 - share));
        }
        int64_t change = up ? end - in->spec_replicas : in->spec_replicas - end;
        most = i == 0 || change > most ? change : most;
        least = i == 0 || change < least ? change : least;
    }
    int64_t change = rules->select == SPW_SELECT_MIN ? least : most;
    if (rules->select == SPW_SELECT_DISABLED || change < 0) {
        change = 0;
    }
    return up ? in->spec_replicas + change : in->spec_replicas - change;
}

/* ---- a round ---- */

static void without_behavior(hpa_model *model, const hpa_input *in, hpa_result *out)
{
    const spw_hpa *spec = model->spec;
    int64_t r = out->proposal;
    for (size_t i = 0; i < model->recommendations.count; i++) {
        const hpa_model_note *old = &model->recommendations.notes[i];
        r = in->now - old->when <= SECONDS(300) && old->count > r ? old->count : r;
    }
    out->stabilized = (int32_t)r;
    out->able = r == out->proposal ? HPA_READY_FOR_NEW_SCALE : HPA_SCALE_DOWN_STABILIZED;
    int64_t cap = in->spec_replicas < 2 ? 4 : (int64_t)in->spec_replicas * 2;
    if (r < spec->replicas_min) {
        r = spec->replicas_min;
        out->limited = HPA_TOO_FEW_REPLICAS;
    } else if (cap < spec->replicas_max && r > cap) {
        r = cap;
        out->limited = HPA_SCALE_UP_LIMIT;
    } else if (r > spec->replicas_max) {
        r = spec->replicas_max;
        out->limited = HPA_TOO_MANY_REPLICAS;
    }
    out->desired = (int32_t)r;
}

static void with_behavior(hpa_model *model, const hpa_input *in, hpa_result *out)
{
    const spw_hpa *spec = model->spec;
    int64_t low = out->proposal;
    int64_t high = out->proposal;
    spw_dur up_window = SECONDS(spec->up.window_s == -1 ? 0 : spec->up.window_s);
    spw_dur down_window = SECONDS(spec->down.window_s == -1 ? 300 : spec->down.window_s);
    for (size_t i = 0; i < model->recommendations.count; i++) {
        const hpa_model_note *old = &model->recommendations.notes[i];
        low = in->now - old->when < up_window && old->count < low ? old->count : low;
        high = in->now - old->when < down_window && old->count > high ? old->count : high;
    }
    int64_t r = in->spec_replicas;
    r = r < low ? low : r > high ? high : r;
    out->stabilized = (int32_t)r;
    if (r != out->proposal) {
        out->able = out->proposal < in->spec_replicas ? HPA_SCALE_DOWN_STABILIZED : HPA_SCALE_UP_STABILIZED;
    }
    if (r > in->spec_replicas) {
        int64_t limit = rate(model, true, in);
        if (limit < spec->replicas_max && r > limit) {
            r = limit;
            out->limited = HPA_SCALE_UP_LIMIT;
        } else if (r > spec->replicas_max) {
            r = spec->replicas_max;
            out->limited = HPA_TOO_MANY_REPLICAS;
        }
    } else if (r < in->spec_replicas) {
        int64_t limit = rate(model, false, in);
        if (limit > spec->replicas_min && r < limit) {
            r = limit;
            out->limited = HPA_SCALE_DOWN_LIMIT;
        } else if (r < spec->replicas_min) {
            r = spec->replicas_min;
            out->limited = HPA_TOO_FEW_REPLICAS;
        }
    }
    out->desired = (int32_t)r;
}

static void settle(hpa_result *out, int32_t to, spw_reason why, hpa_condition limited)
{
    out->desired = out->proposal = out->stabilized = to;
    out->reason = why;
    out->limited = limited;
}

static bool guarded(hpa_model *model, const hpa_input *in, hpa_result *out)
{
    const spw_hpa *spec = model->spec;
    if (in->spec_replicas == 0) {
        bool awake =
            spec->federated ? spec->replicas_min == 0 : model->slept && (spec->replicas_min > 0 || reads_value(spec));
        out->disabled = !awake;
        out->active = awake;
        return !awake;
    }
    if (in->spec_replicas > spec->replicas_max) {
        settle(out, spec->replicas_max, SPW_WHY_ABOVE_MAX, HPA_TOO_MANY_REPLICAS);
        return true;
    }
    if (in->spec_replicas < spec->replicas_min) {
        settle(out, spec->replicas_min, SPW_WHY_BELOW_MIN, HPA_TOO_FEW_REPLICAS);
        return true;
    }
    return false;
}

void hpa_model_decide(hpa_model *model, const hpa_input *in, hpa_result *out)
{
    const spw_hpa *spec = model->spec;
    memset(out, 0, sizeof(*out));
    settle(out, in->spec_replicas, SPW_WHY_NONE, HPA_DESIRED_WITHIN_RANGE);
    out->able = HPA_READY_FOR_NEW_SCALE;
    out->active = true;
    if (model->recommendations.count == 0) {
        note(&model->recommendations, in->now, in->spec_replicas);
    }
    if (guarded(model, in, out)) {
        return;
    }
    int32_t best = 0; /* as upstream: 0 stands for "none yet", so a later proposal below 0 takes its place */
    for (size_t i = 0; i < spec->metric_count; i++) {
        int32_t answer = 0;
        bool valid = ask(spec, i, in, &answer);
        out->failed += !valid;
        best = valid && (answer > best || best == 0) ? answer : best;
    }
    if (out->failed == spec->metric_count || (out->failed > 0 && best < in->spec_replicas)) {
        out->active = false;
        return;
    }
    out->proposal = best > 0 ? best : 0;
    if (spec->has_behavior) {
        with_behavior(model, in, out);
    } else {
        without_behavior(model, in, out);
    }
    note(&model->recommendations, in->now, out->proposal);
    out->reason = out->desired > in->spec_replicas   ? SPW_WHY_METRIC_ABOVE
                  : out->desired < in->spec_replicas ? SPW_WHY_METRIC_BELOW
                                                     : SPW_WHY_NONE;
    if (in->spec_replicas == 0 && model->slept && out->desired < spec->replicas_min) {
        out->desired = spec->replicas_min;
        out->limited = HPA_TOO_FEW_REPLICAS;
    }
}
