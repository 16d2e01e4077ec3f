/* SPDX-License-Identifier: Apache-2.0 */
/* scale.c - stage "how many": collects what each owner of a count sees and asks those that are due. */
#include "core/bits.h"
#include "core/decide.h"
#include "core/errors.h"

/** Buckets the snapshot's pods by workload (counting sort) and chains the samples of each pod. */
static spw_rc index_pods(spw_core *core, spw_err *err)
{
    const spw_snapshot *snap = core->view.snap;
    const spw_pod_rows *pods = &snap->pods;
    if (pods->count > core->settings.pods_max || snap->samples.count > core->settings.samples_max) {
        return err_set(err, SPW_LIMIT, SPW_ID_NONE, "pods", "more pods or samples than the settings reserved room for");
    }
    size_t works = core->config.workload_count;
    memset(core->pod_first, 0, (works + 1) * sizeof core->pod_first[0]);
    for (size_t i = 0; i < pods->count; i++) {
        uint32_t work = core->view.work_of[pods->workload[i]];
        if (work != UINT32_MAX) {
            core->pod_first[work + 1]++;
        }
        core->sample_first[i] = UINT32_MAX;
    }
    for (size_t w = 0; w < works; w++) {
        core->pod_first[w + 1] += core->pod_first[w];
    }
    for (size_t i = 0; i < pods->count; i++) {
        uint32_t work = core->view.work_of[pods->workload[i]];
        if (work != UINT32_MAX) {
            core->pods[core->pod_first[work]++] = (uint32_t)i;
        }
    }
    for (size_t w = works; w > 0; w--) { /* each start was moved to its end: shift back */
        core->pod_first[w] = core->pod_first[w - 1];
    }
    core->pod_first[0] = 0;
    for (size_t i = snap->samples.count; i-- > 0;) {
        spw_id pod = snap->samples.pod[i];
        core->sample_next[i] = core->sample_first[pod];
        core->sample_first[pod] = (uint32_t)i;
    }
    return SPW_OK;
}

/** The newest sample of a pod that is no older than `oldest`. */
static hpa_pod read_pod(const spw_core *core, uint32_t row, uint64_t metric, spw_time oldest)
{
    const spw_snapshot *snap = core->view.snap;
    hpa_pod pod = {.phase = snap->pods.phase[row],
                   .deleting = snap->pods.deleting[row],
                   .ready = snap->pods.ready[row],
                   .started = snap->pods.started[row],
                   .ready_changed = snap->pods.ready_changed[row]};
    for (uint32_t s = core->sample_first[row]; s != UINT32_MAX; s = core->sample_next[s]) {
        const spw_sample_rows *t = &snap->samples;
        bool newer = !pod.has_sample || t->sampled[s] > pod.sampled ||
                     (t->sampled[s] == pod.sampled && t->value_milli[s] > pod.value_milli);
        if (t->metric[s] == metric && newer && t->sampled[s] >= oldest) {
            pod.has_sample = true;
            pod.value_milli = t->value_milli[s];
            pod.request_milli = t->request_milli == NULL ? 0 : t->request_milli[s];
            pod.sampled = t->sampled[s];
            pod.window = t->window == NULL ? 0 : t->window[s];
        }
    }
    return pod;
}

static void read_value(const spw_core *core, uint32_t work, uint64_t metric, spw_time oldest, hpa_reading *reading)
{
    const spw_value_rows *t = &core->view.snap->values;
    spw_time newest = 0;
    for (size_t i = 0; i < t->count; i++) {
        if (core->view.work_of[t->workload[i]] == work && t->metric[i] == metric && t->observed[i] >= oldest &&
            (!reading->has_value || t->observed[i] > newest ||
             (t->observed[i] == newest && t->value_milli[i] > reading->value_milli))) { /* whatever the order of rows */
            reading->has_value = true;
            reading->value_milli = t->value_milli[i];
            newest = t->observed[i];
        }
    }
}

/** Fills core->readings, one for each metric. */
static void read_metrics(spw_core *core, uint32_t work, const spw_hpa_metric *metrics, size_t metric_count,
                         spw_time oldest)
{
    uint32_t first = core->pod_first[work];
    uint32_t count = core->pod_first[work + 1] - first;
    for (size_t m = 0; m < metric_count; m++) {
        hpa_pod *pods = core->hpa_pods + m * core->settings.pods_max;
        uint64_t metric = spw_key(metrics[m].name);
        for (uint32_t i = 0; i < count; i++) {
            pods[i] = read_pod(core, core->pods[first + i], metric, oldest);
        }
        if (metrics[m].target_kind == SPW_TARGET_UTILIZATION) {
            hpa_fill_requests(pods, count);
        }
        core->readings[m] = (hpa_reading){.pods = pods, .pod_count = count};
        if (metrics[m].kind == SPW_METRIC_OBJECT || metrics[m].kind == SPW_METRIC_EXTERNAL) {
            read_value(core, work, metric, oldest, &core->readings[m]);
        }
    }
}

static int32_t count_pods(const spw_core *core, uint32_t work)
{
    const spw_pod_rows *t = &core->view.snap->pods;
    int32_t count = 0;
    for (uint32_t i = core->pod_first[work]; i < core->pod_first[work + 1]; i++) {
        uint32_t row = core->pods[i];
        count += t->phase[row] != SPW_POD_FAILED && t->deleting[row] == 0 ? 1 : 0;
    }
    return count;
}

/** Replicas that ready clusters are told to run: the numerator of a FederatedHPA's calibration. */
static int32_t sum_assigned(const spw_core *core, uint32_t work)
{
    int32_t sum = 0;
    for (uint32_t i = core->view.seat_first[work]; i < core->view.seat_end[work]; i++) {
        const view_seat *seat = &core->view.seats[i];
        sum += core->view.clusters[seat->cluster].ready ? seat->assigned : 0;
    }
    return sum;
}

static bool counts_reference(const spw_core *core, uint32_t work)
{
    const spw_workload *w = &core->config.workloads[work];
    return w->policy != SPW_ID_NONE && decide_counts_reference(w, &core->config.policies[w->policy]);
}

/** Input too old to shrink on? Any cluster that holds the workload counts. */
static bool is_stale(const spw_core *core, uint32_t work)
{
    for (uint32_t i = core->view.seat_first[work]; i < core->view.seat_end[work]; i++) {
        if (core->view.clusters[core->view.seats[i].cluster].stale) {
            return true;
        }
    }
    return false;
}

/** Unix time of the tick, saturated. */
static spw_time unix_now(const spw_core *core)
{
    spw_time now = core->view.now;
    spw_time offset = core->settings.unix_offset;
    if (offset > 0 && now > INT64_MAX - offset) {
        return INT64_MAX;
    }
    return offset < 0 && now < INT64_MIN - offset ? INT64_MIN : now + offset;
}

/** The HPA with the bounds that its timetable has set. */
static spw_hpa bound_hpa(spw_core *core, owner *o)
{
    spw_hpa hpa = *(const spw_hpa *)o->spec;
    cron_run(o->cron, &o->bounds, unix_now(core), core->view.now, hpa.replicas_min, hpa.replicas_max);
    hpa.replicas_min = o->bounds.replicas_min >= 0 ? o->bounds.replicas_min : hpa.replicas_min;
    hpa.replicas_max = o->bounds.replicas_max >= 0 ? o->bounds.replicas_max : hpa.replicas_max;
    return hpa;
}

static scaler_result ask_owner(spw_core *core, uint32_t work, owner *o, int32_t current)
{
    size_t metric_count = 0;
    const spw_hpa_metric *metrics = o->kind->metrics(o->spec, o->state, &metric_count);
    read_metrics(core, work, metrics, metric_count,
                 o->kind->fresh_only ? core->view.now - core->settings.stale_after : INT64_MIN);
    scaler_input in = {.now = core->view.now,
                       .unix_ns = unix_now(core),
                       .patience = core->settings.promise_ttl,
                       .current = current,
                       .pods = count_pods(core, work),
                       .assigned = sum_assigned(core, work),
                       .by_reference = counts_reference(core, work),
                       .readings = core->readings};
    scaler_result result;
    if (o->cron != NULL) {
        spw_hpa bounded = bound_hpa(core, o);
        o->kind->decide(&bounded, o->state, &in, &result);
    } else {
        o->kind->decide(o->spec, o->state, &in, &result);
    }
    if (metric_count > 0 && result.desired < current && is_stale(core, work)) {
        result = (scaler_result){current, SPW_WHY_NONE}; /* never shrink on stale input */
    }
    return result;
}

/** First row of a workload in the snapshot's history. */
static size_t history_first(const spw_history_rows *t, spw_id row)
{
    size_t low = 0;
    size_t high = t->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (t->workload[middle] < row) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/** Tells an owner that begins anew what went before. */
static void recall(const spw_core *core, uint32_t work, owner *o)
{
    const spw_history_rows *t = &core->view.snap->history;
    spw_id row = core->view.work_row[work];
    if (o->kind->recall == NULL) {
        return;
    }
    for (size_t i = history_first(t, row); i < t->count && t->workload[i] == row; i++) {
        if (t->recommended[i] >= 0) {
            o->kind->recall(o->state, t->at[i], t->recommended[i]);
        } else if (t->from[i] != t->to[i]) {
            o->kind->record(o->state, t->at[i], t->from[i], t->to[i]);
        }
    }
}

static int32_t run_owner(spw_core *core, uint32_t work, int32_t current, spw_reason *reason)
{
    memory_work *mem = &core->memory.works[work];
    owner *o = &mem->owner;
    bool held = owner_is_fought(o, current, core->view.now, &core->settings);
    bool due = mem->synced == MEMORY_NEVER || core->view.now - mem->synced >= o->kind->sync_s(o->spec) * SPW_NS_PER_S;
    if (!due) {
        *reason = held ? SPW_WHY_FOUGHT : mem->reason;
        return current;
    }
    if (mem->synced == MEMORY_NEVER) {
        recall(core, work, o);
    }
    mem->synced = core->view.now;
    scaler_result result = ask_owner(core, work, o, current); /* asked while it is held, too: it may be learning */
    if (held) {
        *reason = SPW_WHY_FOUGHT;
        return current;
    }
    if (result.desired != current) {
        *reason = result.reason;
        owner_wrote(o, current, result.desired, core->view.now);
        if (o->kind->record != NULL) {
            o->kind->record(o->state, core->view.now, current, result.desired);
        }
    }
    return result.desired;
}

/** What a workload should have, and why. */
static int32_t scale_work(spw_core *core, uint32_t work, int32_t current, spw_reason *reason)
{
    *reason = SPW_WHY_SPEC;
    if (core->memory.works[work].owner.kind == NULL || core->view.work_row[work] == SPW_ID_NONE) {
        return current;
    }
    memory_note(&core->memory, work);
    return run_owner(core, work, current, reason);
}

static void decide_count(spw_core *core, uint32_t w, spw_plan *plan)
{
    spw_id row = core->view.work_row[w];
    int32_t current =
        row == SPW_ID_NONE ? core->config.workloads[w].replicas : core->view.snap->workloads.replicas[row];
    spw_reason reason = SPW_WHY_SPEC;
    int32_t desired = scale_work(core, w, current, &reason);
    if (desired != core->desired[w] || reason != core->memory.works[w].reason) {
        view_wake(&core->view, &core->memory, w);
    }
    core->desired[w] = desired;
    core->memory.works[w].reason = reason;
    if (desired != current) {
        spw_action action = {.verb = SPW_VERB_SCALE,
                             .reason = reason,
                             .workload = row,
                             .cluster = SPW_ID_NONE,
                             .pool = SPW_ID_NONE,
                             .after = UINT32_MAX,
                             .amount = desired,
                             .before = current};
        (void)plan_add(plan, &action);
    }
}

spw_rc decide_scale(spw_core *core, spw_plan *plan, spw_err *err)
{
    spw_rc rc = index_pods(core, err);
    for (size_t word = 0; word < bits_words(core->view.works) && rc == SPW_OK; word++) {
        /* a resting workload without an owner has the count it had */
        uint64_t due = core->view.active[word] | core->owned[word];
        for (; due != 0; due &= due - 1) {
            size_t w = word * 64 + (size_t)__builtin_ctzll(due);
            if (w < core->view.works) {
                decide_count(core, (uint32_t)w, plan);
            }
        }
    }
    return rc;
}
