/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot_check.c - the border: what a source shows is checked before anything believes it. */
#include <spillway/snapshot.h>

#include "core/errors.h"

typedef struct check {
    const spw_snapshot *snap;
    spw_err *err;
} check;

/** Times within +-109 years of the origin, so that differences of two, and deadlines from here on, are in range. */
#define TIME_BOUND ((INT64_C(1) << 62) - (INT64_C(1) << 60))

static bool is_past(const check *c, spw_time t)
{
    return t >= -TIME_BOUND && t <= c->snap->now;
}

static spw_rc bad(const check *c, size_t row, const char *field, const char *text)
{
    return err_set(c->err, SPW_INVAL, (spw_id)row, field, text);
}

static bool taints_ok(const spw_taints *taints)
{
    for (size_t k = 0; k < taints->count; k++) {
        const spw_taint *t = taints->at == NULL ? NULL : &taints->at[k];
        if (t == NULL || t->key == NULL || t->value == NULL || t->effect < SPW_TAINT_NO_SCHEDULE ||
            t->effect > SPW_TAINT_PREFER_NO_SCHEDULE) {
            return false;
        }
    }
    return true;
}

static bool are_labels(const spw_labels *labels)
{
    for (size_t k = 0; k < labels->count; k++) {
        if (labels->at == NULL || labels->at[k].key == NULL || labels->at[k].value == NULL) {
            return false;
        }
    }
    return true;
}

static spw_rc check_clusters(const check *c)
{
    const spw_cluster_rows *t = &c->snap->clusters;
    if (t->count == 0) {
        return SPW_OK;
    }
    if (!t->key || !t->name || !t->region || !t->zone || !t->provider || !t->labels || !t->ready || !t->observed) {
        return bad(c, SPW_ID_NONE, "clusters", "a column is missing");
    }
    for (size_t i = 0; i < t->count; i++) {
        if (t->name[i] == NULL || t->name[i][0] == '\0') {
            return bad(c, i, "clusters.name", "a cluster needs a name");
        }
        if (t->region[i] == NULL || t->zone[i] == NULL || t->provider[i] == NULL) {
            return bad(c, i, "clusters.region", "region, zone and provider may be empty but not NULL");
        }
        if (!are_labels(&t->labels[i])) {
            return bad(c, i, "clusters.labels", "a label needs a key and a value");
        }
        if (!is_past(c, t->observed[i])) {
            return bad(c, i, "clusters.observed", "observed in the future, or out of range");
        }
        if (t->jurisdiction != NULL && t->jurisdiction[i] == NULL) {
            return bad(c, i, "clusters.jurisdiction", "a jurisdiction may be empty but not NULL");
        }
        if (t->taints != NULL && !taints_ok(&t->taints[i])) {
            return bad(c, i, "clusters.taints", "a taint needs a key, a value and a known effect");
        }
    }
    return SPW_OK;
}

#define AMOUNT_MAX (INT64_C(1) << 61) /* so that differences and sums of three are in range */

static bool is_amount(const int64_t *column, size_t i, int64_t least)
{
    return column == NULL || (column[i] >= least && column[i] <= AMOUNT_MAX);
}

static bool is_summary(const int64_t *allocatable, const int64_t *allocated, const int64_t *allocating, size_t i)
{
    return is_amount(allocatable, i, -1) && is_amount(allocated, i, 0) && is_amount(allocating, i, 0);
}

static spw_rc check_summaries(const check *c)
{
    const spw_cluster_rows *t = &c->snap->clusters;
    for (size_t i = 0; i < t->count; i++) {
        if (!is_summary(t->cpu_allocatable, t->cpu_allocated, t->cpu_allocating, i) ||
            !is_summary(t->memory_allocatable, t->memory_allocated, t->memory_allocating, i) ||
            !is_summary(t->pods_allocatable, t->pods_allocated, t->pods_allocating, i)) {
            return bad(c, i, "clusters.cpu_allocatable", "an amount of a summary is negative or out of range");
        }
    }
    const spw_grade_rows *g = &c->snap->grades;
    if (g->count > 0 && (!g->cluster || !g->nodes || !g->cpu_milli || !g->memory_bytes)) {
        return bad(c, SPW_ID_NONE, "grades", "a column is missing");
    }
    for (size_t i = 0; i < g->count; i++) {
        if (g->cluster[i] >= t->count) {
            return bad(c, i, "grades.cluster", "no such cluster");
        }
        if (g->nodes[i] < 0 || g->nodes[i] > SPW_NODES_MAX || !is_amount(g->cpu_milli, i, -1) ||
            !is_amount(g->memory_bytes, i, -1)) {
            return bad(c, i, "grades.nodes", "a number or an amount of a grade is out of range");
        }
    }
    return SPW_OK;
}

static bool is_replicas(int32_t n)
{
    return n >= 0 && n <= SPW_REPLICAS_MAX;
}

static spw_rc check_usage(const check *c)
{
    const spw_usage_rows *t = &c->snap->usage;
    if (t->count > 0 && (!t->workload || !t->pool || !t->ready)) {
        return bad(c, SPW_ID_NONE, "usage", "a column is missing");
    }
    for (size_t i = 0; i < t->count; i++) {
        if (t->workload[i] >= c->snap->workloads.count || t->pool[i] >= c->snap->pools.count) {
            return bad(c, i, "usage.pool", "no such workload or pool");
        }
        if (!is_replicas(t->ready[i])) {
            return bad(c, i, "usage.ready", "0 to 1000000 replicas expected");
        }
    }
    return SPW_OK;
}

static spw_rc check_history(const check *c)
{
    const spw_history_rows *t = &c->snap->history;
    if (t->count > 0 && (!t->workload || !t->at || !t->recommended || !t->from || !t->to)) {
        return bad(c, SPW_ID_NONE, "history", "a column is missing");
    }
    for (size_t i = 0; i < t->count; i++) {
        const bool first = i == 0 || t->workload[i] != t->workload[i - 1];
        const bool step = t->recommended[i] == -1;
        if (t->workload[i] >= c->snap->workloads.count || (i > 0 && t->workload[i] < t->workload[i - 1])) {
            return bad(c, i, "history.workload", "no such workload, or not in the order of workloads");
        }
        if (t->at[i] < -TIME_BOUND || t->at[i] > c->snap->now || (!first && t->at[i] < t->at[i - 1])) {
            return bad(c, i, "history.at", "times up to now expected, oldest first");
        }
        if (step ? !is_replicas(t->from[i]) || !is_replicas(t->to[i])
                 : !is_replicas(t->recommended[i]) || t->from[i] != -1 || t->to[i] != -1) {
            return bad(c, i, "history.recommended", "a recommended count, or from and to, of 0 to 1000000 expected");
        }
    }
    return SPW_OK;
}

static spw_rc check_pool(const check *c, size_t i)
{
    const spw_pool_rows *t = &c->snap->pools;
    if (t->name[i] == NULL || t->gpu[i] == NULL) {
        return bad(c, i, "pools.name", "a pool needs a name and a GPU class");
    }
    if (t->cluster[i] >= c->snap->clusters.count) {
        return bad(c, i, "pools.cluster", "no such cluster");
    }
    if (t->capacity[i] < SPW_CAPACITY_OWNED || t->capacity[i] > SPW_CAPACITY_SPOT) {
        return bad(c, i, "pools.capacity", "unknown kind of capacity");
    }
    if (t->gpus_per_node[i] < 1 || t->gpus_per_node[i] > SPW_NODE_GPUS_MAX) {
        return bad(c, i, "pools.gpus_per_node", "1 to 16 GPUs expected");
    }
    if (t->nodes_min[i] < 0 || t->nodes_min[i] > t->nodes_max[i] || t->nodes_max[i] > SPW_NODES_MAX) {
        return bad(c, i, "pools.nodes_max", "0 <= nodes_min <= nodes_max expected");
    }
    if (t->nodes[i] < 0 || t->nodes_target[i] < 0 || t->stock[i] < -1 || t->price_uusd_per_gpu_h[i] < 0) {
        return bad(c, i, "pools.nodes", "a count or a price is negative");
    }
    if (t->nodes[i] > SPW_NODES_MAX || t->nodes_target[i] > SPW_NODES_MAX) {
        return bad(c, i, "pools.nodes", "more nodes than a pool can have");
    }
    if (!is_past(c, t->observed[i])) {
        return bad(c, i, "pools.observed", "observed in the future, or out of range");
    }
    if (t->stock_observed != NULL && !is_past(c, t->stock_observed[i])) {
        return bad(c, i, "pools.stock_observed", "observed in the future, or out of range");
    }
    if (t->labels != NULL && !are_labels(&t->labels[i])) {
        return bad(c, i, "pools.labels", "a label needs a key and a value");
    }
    int64_t nodes = 0;
    for (int32_t k = 0; k <= SPW_NODE_GPUS_MAX; k++) {
        int32_t n = t->free_nodes[i][k];
        if (n < 0 || (n > 0 && k > t->gpus_per_node[i])) {
            return bad(c, i, "pools.free_nodes", "a node with more free GPUs than it has, or a negative count");
        }
        nodes += n;
    }
    if (nodes > t->nodes[i]) {
        return bad(c, i, "pools.free_nodes", "more nodes by free GPUs than there are nodes");
    }
    return SPW_OK;
}

static spw_rc check_pools(const check *c)
{
    const spw_pool_rows *t = &c->snap->pools;
    if (t->count == 0) {
        return SPW_OK;
    }
    if (!t->key || !t->name || !t->cluster || !t->gpu || !t->capacity || !t->gpus_per_node || !t->nodes ||
        !t->nodes_target || !t->nodes_min || !t->nodes_max || !t->stock || !t->price_uusd_per_gpu_h || !t->free_nodes ||
        !t->observed) {
        return bad(c, SPW_ID_NONE, "pools", "a column is missing");
    }
    spw_rc rc = SPW_OK;
    for (size_t i = 0; i < t->count && rc == SPW_OK; i++) {
        rc = check_pool(c, i);
    }
    return rc;
}

static spw_rc check_workloads(const check *c)
{
    const spw_workload_rows *t = &c->snap->workloads;
    if (t->count > 0 && (!t->key || !t->name || !t->replicas)) {
        return bad(c, SPW_ID_NONE, "workloads", "a column is missing");
    }
    for (size_t i = 0; i < t->count; i++) {
        if (t->name[i] == NULL) {
            return bad(c, i, "workloads.name", "a workload needs a name");
        }
        if (t->replicas[i] < 0 || t->replicas[i] > SPW_REPLICAS_MAX) {
            return bad(c, i, "workloads.replicas", "0 to 1000000 replicas expected");
        }
        if (t->reschedule != NULL && t->reschedule[i] != SPW_TIME_MAX && !is_past(c, t->reschedule[i])) {
            return bad(c, i, "workloads.reschedule", "asked for in the future, or out of range");
        }
        if (t->gpus != NULL && (t->gpus[i] < 0 || t->gpus[i] > SPW_NODE_GPUS_MAX)) {
            return bad(c, i, "workloads.gpus", "a replica takes 0 to 16 GPUs of one node");
        }
        if (t->cpu_milli != NULL && (t->cpu_milli[i] < 0 || t->cpu_milli[i] > SPW_REQUEST_MAX)) {
            return bad(c, i, "workloads.cpu_milli", "a request is negative or out of range");
        }
        if (t->memory_bytes != NULL && (t->memory_bytes[i] < 0 || t->memory_bytes[i] > SPW_REQUEST_MAX)) {
            return bad(c, i, "workloads.memory_bytes", "a request is negative or out of range");
        }
    }
    return SPW_OK;
}

static spw_rc check_placements(const check *c)
{
    const spw_placement_rows *t = &c->snap->placements;
    if (t->count > 0 && (!t->workload || !t->cluster || !t->assigned || !t->scheduled || !t->ready || !t->observed)) {
        return bad(c, SPW_ID_NONE, "placements", "a column is missing");
    }
    for (size_t i = 0; i < t->count; i++) {
        if (t->workload[i] >= c->snap->workloads.count || t->cluster[i] >= c->snap->clusters.count) {
            return bad(c, i, "placements.workload", "no such workload or cluster");
        }
        if (t->assigned[i] < 0 || t->assigned[i] > SPW_REPLICAS_MAX || t->scheduled[i] < 0 || t->ready[i] < 0 ||
            t->ready[i] > t->scheduled[i]) {
            return bad(c, i, "placements.ready", "0 <= ready <= scheduled and 0 <= assigned expected");
        }
        if (!is_past(c, t->observed[i])) {
            return bad(c, i, "placements.observed", "observed in the future, or out of range");
        }
    }
    return SPW_OK;
}

static spw_rc check_pods(const check *c)
{
    const spw_pod_rows *t = &c->snap->pods;
    if (t->count > 0 && (!t->key || !t->workload || !t->cluster || !t->phase || !t->deleting || !t->ready ||
                         !t->started || !t->ready_changed)) {
        return bad(c, SPW_ID_NONE, "pods", "a column is missing");
    }
    for (size_t i = 0; i < t->count; i++) {
        if (t->workload[i] >= c->snap->workloads.count || t->cluster[i] >= c->snap->clusters.count) {
            return bad(c, i, "pods.workload", "no such workload or cluster");
        }
        if (t->phase[i] < SPW_POD_PENDING || t->phase[i] > SPW_POD_FAILED) {
            return bad(c, i, "pods.phase", "unknown phase");
        }
        if ((t->started[i] != SPW_TIME_MAX && !is_past(c, t->started[i])) ||
            (t->ready_changed[i] != SPW_TIME_MAX && !is_past(c, t->ready_changed[i]))) {
            return bad(c, i, "pods.started", "started or changed in the future, or out of range");
        }
    }
    return SPW_OK;
}

static spw_rc check_metrics(const check *c)
{
    const spw_sample_rows *t = &c->snap->samples;
    if (t->count > 0 && (!t->pod || !t->metric || !t->value_milli || !t->sampled)) {
        return bad(c, SPW_ID_NONE, "samples", "a column is missing");
    }
    for (size_t i = 0; i < t->count; i++) {
        if (t->pod[i] >= c->snap->pods.count) {
            return bad(c, i, "samples.pod", "no such pod");
        }
        if (!is_past(c, t->sampled[i])) {
            return bad(c, i, "samples.sampled", "sampled in the future, or out of range");
        }
        if (t->window != NULL && (t->window[i] < 0 || t->window[i] > TIME_BOUND)) {
            return bad(c, i, "samples.window", "a window is 0 or more");
        }
    }
    const spw_value_rows *v = &c->snap->values;
    if (v->count > 0 && (!v->workload || !v->metric || !v->value_milli || !v->observed)) {
        return bad(c, SPW_ID_NONE, "values", "a column is missing");
    }
    for (size_t i = 0; i < v->count; i++) {
        if (v->workload[i] >= c->snap->workloads.count) {
            return bad(c, i, "values.workload", "no such workload");
        }
        if (!is_past(c, v->observed[i])) {
            return bad(c, i, "values.observed", "observed in the future, or out of range");
        }
    }
    return SPW_OK;
}

spw_rc spw_snapshot_check(const spw_snapshot *snap, spw_err *err)
{
    if (snap->version != SPW_API_VERSION) {
        return err_set(err, SPW_VERSION, SPW_ID_NONE, "version", "the snapshot is of another version of this library");
    }
    check c = {snap, err};
    if (snap->now < -TIME_BOUND || snap->now > TIME_BOUND) {
        return bad(&c, SPW_ID_NONE, "now", "a time within 109 years of the origin expected");
    }
    spw_rc rc = check_clusters(&c);
    rc = rc != SPW_OK ? rc : check_summaries(&c);
    rc = rc != SPW_OK ? rc : check_pools(&c);
    rc = rc != SPW_OK ? rc : check_workloads(&c);
    rc = rc != SPW_OK ? rc : check_usage(&c);
    rc = rc != SPW_OK ? rc : check_history(&c);
    rc = rc != SPW_OK ? rc : check_placements(&c);
    rc = rc != SPW_OK ? rc : check_pods(&c);
    return rc != SPW_OK ? rc : check_metrics(&c);
}
