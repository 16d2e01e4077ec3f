/* SPDX-License-Identifier: Apache-2.0 */
/* scale.c - stage "how many": collects what each autoscaler sees and runs those that are due. */
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

static hpa_pod read_pod(const spw_core *core, uint32_t row, uint64_t metric)
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
        if (t->metric[s] == metric && newer) {
            pod.has_sample = true;
            pod.value_milli = t->value_milli[s];
            pod.request_milli = t->request_milli == NULL ? 0 : t->request_milli[s];
            pod.sampled = t->sampled[s];
            pod.window = t->window == NULL ? 0 : t->window[s];
        }
    }
    return pod;
}

static void read_value(const spw_core *core, uint32_t work, uint64_t metric, hpa_reading *reading)
{
    const spw_value_rows *t = &core->view.snap->values;
    spw_time newest = 0;
    for (size_t i = 0; i < t->count; i++) {
        if (core->view.work_of[t->workload[i]] == work && t->metric[i] == metric &&
            (!reading->has_value || t->observed[i] > newest ||
             (t->observed[i] == newest && t->value_milli[i] > reading->value_milli))) { /* whatever the order of rows */
            reading->has_value = true;
            reading->value_milli = t->value_milli[i];
            newest = t->observed[i];
        }
    }
}

static void read_metrics(spw_core *core, uint32_t work, const spw_hpa *hpa)
{
    uint32_t first = core->pod_first[work];
    uint32_t count = core->pod_first[work + 1] - first;
    for (size_t m = 0; m < hpa->metric_count; m++) {
        hpa_pod *pods = core->hpa_pods + m * core->settings.pods_max;
        uint64_t metric = spw_key(hpa->metrics[m].name);
        for (uint32_t i = 0; i < count; i++) {
            pods[i] = read_pod(core, core->pods[first + i], metric);
        }
        if (hpa->metrics[m].target_kind == SPW_TARGET_UTILIZATION) {
            hpa_fill_requests(pods, count);
        }
        core->readings[m] = (hpa_reading){.pods = pods, .pod_count = count};
        if (hpa->metrics[m].kind == SPW_METRIC_OBJECT || hpa->metrics[m].kind == SPW_METRIC_EXTERNAL) {
            read_value(core, work, metric, &core->readings[m]);
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
    for (uint32_t i = core->view.seat_first[work]; i < core->view.seat_first[work + 1]; i++) {
        const view_seat *seat = &core->view.seats[i];
        sum += core->view.clusters[seat->cluster].ready ? seat->assigned : 0;
    }
    return sum;
}

/** Input too old to shrink on? Any cluster that holds the workload counts. */
static bool is_stale(const spw_core *core, uint32_t work)
{
    for (uint32_t i = core->view.seat_first[work]; i < core->view.seat_first[work + 1]; i++) {
        if (core->view.clusters[core->view.seats[i].cluster].stale) {
            return true;
        }
    }
    return false;
}

static int32_t run_hpa(spw_core *core, uint32_t work, int32_t current, spw_reason *reason)
{
    const spw_hpa *hpa = &core->config.hpas[core->config.workloads[work].hpa];
    memory_work *mem = &core->memory.works[work];
    bool due = mem->synced == MEMORY_NEVER || core->view.now - mem->synced >= hpa->sync_s * SPW_NS_PER_S;
    if (!due) {
        *reason = mem->reason;
        return current;
    }
    mem->synced = core->view.now;
    read_metrics(core, work, hpa);
    hpa_input in = {.now = core->view.now,
                    .spec_replicas = current,
                    .status_replicas = count_pods(core, work),
                    .calibration_num = sum_assigned(core, work),
                    .calibration_den = current,
                    .readings = core->readings};
    hpa_result result;
    hpa_decide(hpa, &in, mem->history, &result);
    if (result.desired < current && is_stale(core, work)) {
        return current; /* never shrink on stale input */
    }
    if (result.desired != current) {
        *reason = result.reason;
        hpa_record_scale(mem->history, core->view.now, current, result.desired);
    }
    return result.desired;
}

spw_rc decide_scale(spw_core *core, spw_plan *plan, spw_err *err)
{
    spw_rc rc = index_pods(core, err);
    if (rc != SPW_OK) {
        return rc;
    }
    for (uint32_t w = 0; w < core->config.workload_count; w++) {
        const spw_workload *workload = &core->config.workloads[w];
        spw_id row = core->view.work_row[w];
        int32_t current = row == SPW_ID_NONE ? workload->replicas : core->view.snap->workloads.replicas[row];
        int32_t desired = current;
        spw_reason reason = SPW_WHY_SPEC;
        if (workload->hpa != SPW_ID_NONE && row != SPW_ID_NONE) {
            desired = run_hpa(core, w, current, &reason);
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
    return SPW_OK;
}
