/* SPDX-License-Identifier: Apache-2.0 */
/**
 * hpa.c - guards, maximum over the metrics, stabilisation, limits.
 *
 * Follows Kubernetes' pkg/controller/podautoscaler/horizontal.go, including its borders: a recommendation exactly
 * as old as the window still counts without a behavior and no longer counts with one; percent limits are binary64
 * and rounded up on the way up (110 % of 100 is 110.00000000000001, so the limit is 111).
 */
#include "scale/hpa_internal.h"

static const spw_scaling_policy default_up[] = {
    {.unit = SPW_SCALING_PODS, .value = 4, .period_s = 15},
    {.unit = SPW_SCALING_PERCENT, .value = 100, .period_s = 15},
};
static const spw_scaling_policy default_down[] = {
    {.unit = SPW_SCALING_PERCENT, .value = 100, .period_s = 15},
};

const spw_scaling_policy *hpa_policies(const spw_scaling_rules *rules, bool up, size_t *count)
{
    if (rules->policy_count > 0) {
        *count = rules->policy_count;
        return rules->policies;
    }
    *count = up ? sizeof(default_up) / sizeof(default_up[0]) : sizeof(default_down) / sizeof(default_down[0]);
    return up ? default_up : default_down;
}

int32_t hpa_window_up_s(const spw_hpa *spec)
{
    return spec->has_behavior && spec->up.window_s > 0 ? spec->up.window_s : 0;
}

int32_t hpa_window_down_s(const spw_hpa *spec)
{
    return spec->has_behavior && spec->down.window_s >= 0 ? spec->down.window_s : HPA_DOWN_WINDOW_S;
}

bool hpa_has_value_metric(const spw_hpa *spec)
{
    for (size_t i = 0; i < spec->metric_count; i++) {
        if (spec->metrics[i].kind == SPW_METRIC_OBJECT || spec->metrics[i].kind == SPW_METRIC_EXTERNAL) {
            return true;
        }
    }
    return false;
}

static int32_t min_i32(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static int32_t max_i32(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

/** start changed by v per cent: up is rounded up, down towards 0. */
static int64_t percent_limit(bool exact, int sign, int64_t start, int64_t v)
{
    if (exact) {
        int64_t hundredths = start * (100 + sign * v); /* |start| < 2^32, v < 2^31 */
        return sign > 0 && hundredths > 0 ? (hundredths + 99) / 100 : hundredths / 100;
    }
    return hpa_to_int(sign > 0 ? ceil((double)start * (1.0 + (double)v / 100.0))
                               : (double)start * (1.0 - (double)v / 100.0));
}

/**
 * The limit one direction's policies set. `sign` is +1 for up, -1 for down. The count at the start of a policy's
 * period is what is there now without what was done since; both directions' changes count.
 */
static int64_t rate_limit(const spw_hpa *spec, int sign, int32_t current, const hpa_history *history, spw_time now)
{
    const spw_scaling_rules *rules = sign > 0 ? &spec->up : &spec->down;
    if (rules->select == SPW_SELECT_DISABLED) {
        return current;
    }
    size_t count = 0;
    const spw_scaling_policy *policies = hpa_policies(rules, sign > 0, &count);
    bool want_highest = (sign > 0) == (rules->select != SPW_SELECT_MIN);
    int64_t limit = want_highest ? INT32_MIN : INT32_MAX;
    for (size_t i = 0; i < count; i++) {
        spw_time after = now - policies[i].period_s * SPW_NS_PER_S;
        int64_t start = current - hpa_history_changes(history, &history->ups, after) +
                        hpa_history_changes(history, &history->downs, after);
        int64_t proposed;
        if (policies[i].unit == SPW_SCALING_PODS) {
            proposed = start + sign * (int64_t)policies[i].value;
        } else {
            proposed = percent_limit(spec->exact, sign, start, policies[i].value);
            proposed = proposed > INT32_MAX ? INT32_MAX : (proposed < INT32_MIN ? INT32_MIN : proposed);
        }
        if (want_highest ? proposed > limit : proposed < limit) {
            limit = proposed;
        }
    }
    return limit;
}

/** Without behavior: the highest recommendation of the window; at most double, or 4. */
static void settle_plain(const spw_hpa *spec, const hpa_input *in, hpa_history *history, hpa_result *out)
{
    spw_time cutoff = in->now - HPA_DOWN_WINDOW_S * SPW_NS_PER_S;
    int32_t highest = out->proposal;
    for (uint32_t i = 0; i < history->recs.count; i++) {
        const hpa_mark *mark = &history->marks[history->recs.offset + i];
        if (mark->last >= cutoff) {
            highest = max_i32(highest, mark->high);
        }
    }
    hpa_history_recommend(history, in->now, out->proposal);
    out->stabilized = highest;
    out->able = highest != out->proposal ? HPA_SCALE_DOWN_STABILIZED : HPA_READY_FOR_NEW_SCALE;

    int32_t growth = in->spec_replicas > INT32_MAX / 2 ? INT32_MAX : max_i32(2 * in->spec_replicas, 4);
    int32_t ceiling = min_i32(spec->replicas_max, growth);
    out->desired = highest;
    if (highest < spec->replicas_min) {
        out->desired = spec->replicas_min;
        out->limited = HPA_TOO_FEW_REPLICAS;
    } else if (highest > ceiling) {
        out->desired = ceiling;
        out->limited = spec->replicas_max > growth ? HPA_SCALE_UP_LIMIT : HPA_TOO_MANY_REPLICAS;
    }
}

/** With behavior, first half: the current count, moved no further than both windows agree on. */
static void stabilize(const spw_hpa *spec, const hpa_input *in, hpa_history *history, hpa_result *out)
{
    spw_time up_cutoff = in->now - hpa_window_up_s(spec) * SPW_NS_PER_S;
    spw_time down_cutoff = in->now - hpa_window_down_s(spec) * SPW_NS_PER_S;
    int32_t lowest = out->proposal;
    int32_t highest = out->proposal;
    for (uint32_t i = 0; i < history->recs.count; i++) {
        const hpa_mark *mark = &history->marks[history->recs.offset + i];
        if (mark->last > up_cutoff) {
            lowest = min_i32(lowest, mark->low);
        }
        if (mark->last > down_cutoff) {
            highest = max_i32(highest, mark->high);
        }
    }
    out->stabilized = min_i32(max_i32(in->spec_replicas, lowest), highest);
    hpa_history_recommend(history, in->now, out->proposal);
    if (out->stabilized != out->proposal) {
        out->able = out->proposal >= in->spec_replicas ? HPA_SCALE_UP_STABILIZED : HPA_SCALE_DOWN_STABILIZED;
    }
}

/** With behavior, second half: rates, then [min, max]. Like Kubernetes, only in the direction of the change. */
static void limit_rate(const spw_hpa *spec, const hpa_input *in, const hpa_history *history, hpa_result *out)
{
    int32_t current = in->spec_replicas;
    out->desired = out->stabilized;
    if (out->stabilized > current) {
        int64_t limit = rate_limit(spec, 1, current, history, in->now);
        limit = limit < current ? current : limit;
        bool rate_binds = spec->replicas_max > limit;
        int32_t ceiling = rate_binds ? (int32_t)limit : spec->replicas_max;
        if (out->stabilized > ceiling) {
            out->desired = ceiling;
            out->limited = rate_binds ? HPA_SCALE_UP_LIMIT : HPA_TOO_MANY_REPLICAS;
        }
    } else if (out->stabilized < current) {
        int64_t limit = rate_limit(spec, -1, current, history, in->now);
        limit = limit > current ? current : limit;
        bool rate_binds = spec->replicas_min < limit;
        int32_t floor_count = rate_binds ? (int32_t)limit : spec->replicas_min;
        if (out->stabilized < floor_count) {
            out->desired = floor_count;
            out->limited = rate_binds ? HPA_SCALE_DOWN_LIMIT : HPA_TOO_FEW_REPLICAS;
        }
    }
}

/**
 * The largest valid proposal. One broken metric may not shrink the target, all broken may not move it. As upstream,
 * 0 also means "none yet", so that a proposal below 0 takes its place; the result is not below 0 in either case.
 * @return false = do nothing this round
 */
static bool read_metrics(const spw_hpa *spec, const hpa_input *in, hpa_result *out)
{
    int32_t best = 0;
    for (size_t i = 0; i < spec->metric_count; i++) {
        int32_t proposal = 0;
        if (!hpa_propose(spec, i, in, &proposal)) {
            out->failed++;
        } else if (best == 0 || proposal > best) {
            best = proposal;
            out->metric = i;
        }
    }
    if (out->failed == spec->metric_count || (out->failed > 0 && best < in->spec_replicas)) {
        out->metric = SIZE_MAX;
        return false;
    }
    out->proposal = max_i32(best, 0);
    return true;
}

/** A target at 0 is left alone unless the way to 0 was the autoscaler's own. */
static bool is_switched_off(const spw_hpa *spec, const hpa_input *in, const hpa_history *history)
{
    if (in->spec_replicas != 0) {
        return false;
    }
    if (spec->federated) {
        return spec->replicas_min != 0;
    }
    return !history->scaled_to_zero || (spec->replicas_min == 0 && !hpa_has_value_metric(spec));
}

/** The cases in which no metric is read. @return true if one applied */
static bool apply_guards(const spw_hpa *spec, const hpa_input *in, const hpa_history *history, hpa_result *out)
{
    if (is_switched_off(spec, in, history)) {
        out->disabled = true;
        out->active = false;
        return true;
    }
    if (in->spec_replicas > spec->replicas_max) {
        out->desired = spec->replicas_max;
        out->reason = SPW_WHY_ABOVE_MAX;
        out->limited = HPA_TOO_MANY_REPLICAS;
        return true;
    }
    if (in->spec_replicas != 0 && in->spec_replicas < spec->replicas_min) {
        out->desired = spec->replicas_min;
        out->reason = SPW_WHY_BELOW_MIN;
        out->limited = HPA_TOO_FEW_REPLICAS;
        return true;
    }
    return false;
}

static spw_reason reason_of(const hpa_input *in, const hpa_result *out)
{
    if (out->desired == in->spec_replicas) {
        return SPW_WHY_NONE;
    }
    if (out->desired < in->spec_replicas) {
        return SPW_WHY_METRIC_BELOW;
    }
    /* a rise that nobody recommended is the floor's */
    return out->stabilized > in->spec_replicas ? SPW_WHY_METRIC_ABOVE : SPW_WHY_BELOW_MIN;
}

void hpa_decide(const spw_hpa *spec, const hpa_input *in, hpa_history *history, hpa_result *out)
{
    *out = (hpa_result){.desired = in->spec_replicas,
                        .proposal = in->spec_replicas,
                        .stabilized = in->spec_replicas,
                        .reason = SPW_WHY_NONE,
                        .able = HPA_READY_FOR_NEW_SCALE,
                        .limited = HPA_DESIRED_WITHIN_RANGE,
                        .active = true,
                        .metric = SIZE_MAX};
    hpa_history_seed(history, in->now, in->spec_replicas);
    if (apply_guards(spec, in, history, out)) {
        out->proposal = out->desired;
        out->stabilized = out->desired;
        return;
    }
    if (!read_metrics(spec, in, out)) {
        out->active = false;
        return;
    }
    if (spec->has_behavior) {
        stabilize(spec, in, history, out);
        limit_rate(spec, in, history, out);
    } else {
        settle_plain(spec, in, history, out);
    }
    if (in->spec_replicas == 0 && history->scaled_to_zero && out->desired < spec->replicas_min) {
        out->desired = spec->replicas_min; /* minReplicas was raised while the target slept */
        out->limited = HPA_TOO_FEW_REPLICAS;
    }
    out->reason = reason_of(in, out);
}

const char *hpa_condition_name(hpa_condition condition)
{
    switch (condition) {
    case HPA_READY_FOR_NEW_SCALE:
        return "ReadyForNewScale";
    case HPA_SCALE_UP_STABILIZED:
        return "ScaleUpStabilized";
    case HPA_SCALE_DOWN_STABILIZED:
        return "ScaleDownStabilized";
    case HPA_SCALE_UP_LIMIT:
        return "ScaleUpLimit";
    case HPA_SCALE_DOWN_LIMIT:
        return "ScaleDownLimit";
    case HPA_TOO_MANY_REPLICAS:
        return "TooManyReplicas";
    case HPA_TOO_FEW_REPLICAS:
        return "TooFewReplicas";
    case HPA_DESIRED_WITHIN_RANGE:
        return "DesiredWithinRange";
    }
    return "Unknown";
}
