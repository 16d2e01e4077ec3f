/* SPDX-License-Identifier: Apache-2.0 */
/* json_columns.c - the names, types, defaults and ranges of every JSON key: one line each, for reader and writer. */
#include "sched/manifest/json_int.h"

#include <string.h>

#define TIMES     .min = INT64_MIN, .max = INT64_MAX
#define COUNT_I32 .min = 0, .max = INT32_MAX
#define COUNT(n)  sizeof(n) / sizeof(n)[0]

static const char *const capacities[] = {"owned", "reserved", "on-demand", "spot", NULL};
static const char *const effects[] = {"NoSchedule", "NoExecute", "PreferNoSchedule", NULL}; /* of spw_taint_effect */
static const char *const phases[] = {"Pending", "Running", "Failed", NULL};

#define CLUSTER(field) offsetof(spw_cluster_rows, field)
#define SUMMARY(field) .kind = JSN_I64, .absent = JSN_COLUMN, .offset = CLUSTER(field), .max = INT64_MAX
static const jsn_column clusters[] = {
    {.key = "name", .kind = JSN_TEXT, .absent = JSN_MUST, .offset = CLUSTER(name), .min = 1},
    {.key = "key", .kind = JSN_KEY64, .absent = JSN_CODE, .offset = CLUSTER(key)},
    {.key = "region", .kind = JSN_TEXT, .absent = JSN_VALUE, .offset = CLUSTER(region)},
    {.key = "zone", .kind = JSN_TEXT, .absent = JSN_VALUE, .offset = CLUSTER(zone)},
    {.key = "zones", .kind = JSN_OWN},
    {.key = "provider", .kind = JSN_TEXT, .absent = JSN_VALUE, .offset = CLUSTER(provider)},
    {.key = "labels", .kind = JSN_OWN, .offset = CLUSTER(labels)},
    {.key = "ready", .kind = JSN_FLAG, .absent = JSN_VALUE, .value = 1, .offset = CLUSTER(ready)},
    {.key = "observed_ns", .kind = JSN_I64, .absent = JSN_OBSERVED, .offset = CLUSTER(observed), TIMES},
    {.key = "cpu_allocatable_milli", SUMMARY(cpu_allocatable), .min = -1},
    {.key = "cpu_allocated_milli", SUMMARY(cpu_allocated)},
    {.key = "cpu_allocating_milli", SUMMARY(cpu_allocating)},
    {.key = "memory_allocatable_bytes", SUMMARY(memory_allocatable), .min = -1},
    {.key = "memory_allocated_bytes", SUMMARY(memory_allocated)},
    {.key = "memory_allocating_bytes", SUMMARY(memory_allocating)},
    {.key = "pods_allocatable", SUMMARY(pods_allocatable), .min = -1},
    {.key = "pods_allocated", SUMMARY(pods_allocated)},
    {.key = "pods_allocating", SUMMARY(pods_allocating)},
    {.key = "grades", .kind = JSN_OWN},
    {.key = "taints", .kind = JSN_OWN},
    {.key = "jurisdiction", .kind = JSN_TEXT, .absent = JSN_MAYBE, .offset = CLUSTER(jurisdiction)},
    {.key = "pools", .kind = JSN_OWN},
};
const jsn_table jsn_clusters = {"clusters", offsetof(spw_snapshot, clusters), clusters, COUNT(clusters)};

static const jsn_column taint_keys[] = {
    {.key = "key", .kind = JSN_TEXT, .absent = JSN_MUST, .offset = offsetof(spw_taint, key), .min = 1},
    {.key = "value", .kind = JSN_TEXT, .absent = JSN_CODE, .offset = offsetof(spw_taint, value)},
    {.key = "effect", .kind = JSN_OWN},
};
const jsn_fields jsn_taint_keys = {taint_keys, COUNT(taint_keys)};
const jsn_column jsn_taint_effect = {.key = "effect", .kind = JSN_WORD, .absent = JSN_MUST, .words = effects};

#define GRADE(field) offsetof(spw_grade_rows, field)
#define LEAST(field)                                                                                                   \
    .kind = JSN_I64, .absent = JSN_VALUE, .value = -1, .offset = GRADE(field), .min = -1, .max = INT64_MAX
static const jsn_column grades[] = {
    {.key = NULL, .kind = JSN_ID, .absent = JSN_CODE, .offset = GRADE(cluster)},
    {.key = "nodes", .kind = JSN_I32, .absent = JSN_MUST, .offset = GRADE(nodes), .max = SPW_NODES_MAX},
    {.key = "cpu_milli", LEAST(cpu_milli)},
    {.key = "memory_bytes", LEAST(memory_bytes)},
};
const jsn_table jsn_grades = {"grades", offsetof(spw_snapshot, grades), grades, COUNT(grades)};

#define POOL(field) offsetof(spw_pool_rows, field)
static const jsn_column pools[] = {
    {.key = NULL, .kind = JSN_ID, .absent = JSN_CODE, .offset = POOL(cluster)},
    {.key = "name", .kind = JSN_TEXT, .absent = JSN_MUST, .offset = POOL(name), .min = 1},
    {.key = "key", .kind = JSN_KEY64, .absent = JSN_CODE, .offset = POOL(key)},
    {.key = "gpu", .kind = JSN_TEXT, .absent = JSN_MUST, .offset = POOL(gpu)},
    {.key = "capacity", .kind = JSN_WORD, .absent = JSN_MUST, .offset = POOL(capacity), .words = capacities},
    {.key = "gpus_per_node",
     .kind = JSN_I32,
     .absent = JSN_MUST,
     .offset = POOL(gpus_per_node),
     .min = 1,
     .max = SPW_NODE_GPUS_MAX},
    {.key = "nodes", .kind = JSN_I32, .absent = JSN_MUST, .offset = POOL(nodes), .max = SPW_NODES_MAX},
    {.key = "nodes_target",
     .kind = JSN_I32,
     .absent = JSN_LIKE,
     .offset = POOL(nodes_target),
     .like = POOL(nodes),
     .max = SPW_NODES_MAX},
    {.key = "nodes_max",
     .kind = JSN_I32,
     .absent = JSN_LIKE,
     .offset = POOL(nodes_max),
     .like = POOL(nodes),
     .max = SPW_NODES_MAX},
    {.key = "nodes_min", .kind = JSN_I32, .absent = JSN_CODE, .offset = POOL(nodes_min), .max = SPW_NODES_MAX},
    {.key = "inventory",
     .kind = JSN_STOCK,
     .absent = JSN_VALUE,
     .value = -1,
     .offset = POOL(stock),
     .min = -1,
     .max = INT32_MAX},
    {.key = "rank", .kind = JSN_I32, .absent = JSN_VALUE, .offset = POOL(rank), .min = INT32_MIN, .max = INT32_MAX},
    {.key = "failures", .kind = JSN_I64, .absent = JSN_COLUMN, .offset = POOL(failures), .max = INT64_MAX},
    {.key = "price_uusd_per_gpu_h",
     .kind = JSN_I64,
     .absent = JSN_MUST,
     .offset = POOL(price_uusd_per_gpu_h),
     .max = INT64_MAX},
    {.key = "observed_ns", .kind = JSN_I64, .absent = JSN_OBSERVED, .offset = POOL(observed), TIMES},
    {.key = "inventory_observed_ns", .kind = JSN_I64, .absent = JSN_COLUMN, .offset = POOL(stock_observed), TIMES},
    {.key = "labels", .kind = JSN_OWN},
    {.key = "free_nodes", .kind = JSN_OWN, .offset = POOL(free_nodes)},
    {.key = "gpus_free", .kind = JSN_OWN},
};
const jsn_table jsn_pools = {"pools", offsetof(spw_snapshot, pools), pools, COUNT(pools)};

#define WORKLOAD(field) offsetof(spw_workload_rows, field)
static const jsn_column workloads[] = {
    {.key = "namespace", .kind = JSN_OWN},
    {.key = "name", .kind = JSN_TEXT, .absent = JSN_MUST, .offset = WORKLOAD(name), .min = 1},
    {.key = "key", .kind = JSN_KEY64, .absent = JSN_CODE, .offset = WORKLOAD(key)},
    {.key = "replicas", .kind = JSN_I32, .absent = JSN_MUST, .offset = WORKLOAD(replicas), .max = SPW_REPLICAS_MAX},
    {.key = "gpus", .kind = JSN_I32, .absent = JSN_COLUMN, .offset = WORKLOAD(gpus), .max = SPW_NODE_GPUS_MAX},
    {.key = "cpu_milli", .kind = JSN_I64, .absent = JSN_COLUMN, .offset = WORKLOAD(cpu_milli), .max = SPW_REQUEST_MAX},
    {.key = "memory_bytes",
     .kind = JSN_I64,
     .absent = JSN_COLUMN,
     .offset = WORKLOAD(memory_bytes),
     .max = SPW_REQUEST_MAX},
    {.key = "reschedule_ns",
     .kind = JSN_MOMENT,
     .absent = JSN_MAYBE,
     .value = SPW_TIME_MAX,
     .offset = WORKLOAD(reschedule),
     TIMES},
    {.key = "priority", .kind = JSN_UNUSED},
    {.key = "assigned", .kind = JSN_OWN},
    {.key = "scheduled", .kind = JSN_OWN},
    {.key = "pending", .kind = JSN_OWN},
    {.key = "ready", .kind = JSN_OWN},
    {.key = "observed_ns", .kind = JSN_OWN},
    {.key = "usage", .kind = JSN_OWN},
    {.key = "history", .kind = JSN_OWN},
    {.key = "metrics", .kind = JSN_OWN},
    {.key = "pods", .kind = JSN_OWN},
};
const jsn_table jsn_workloads = {"workloads", offsetof(spw_snapshot, workloads), workloads, COUNT(workloads)};

/* In JSON a column here is a map over clusters in its workload. */
#define PLACEMENT(field) offsetof(spw_placement_rows, field)
static const jsn_column placements[] = {
    {.key = NULL, .kind = JSN_ID, .absent = JSN_CODE, .offset = PLACEMENT(workload)},
    {.key = NULL, .kind = JSN_ID, .absent = JSN_CODE, .offset = PLACEMENT(cluster)},
    {.key = "assigned", .kind = JSN_I32, .absent = JSN_VALUE, .offset = PLACEMENT(assigned), .max = SPW_REPLICAS_MAX},
    {.key = "scheduled",
     .kind = JSN_I32,
     .absent = JSN_LIKE,
     .offset = PLACEMENT(scheduled),
     .like = PLACEMENT(assigned),
     COUNT_I32},
    {.key = "ready",
     .kind = JSN_I32,
     .absent = JSN_LIKE,
     .offset = PLACEMENT(ready),
     .like = PLACEMENT(scheduled),
     COUNT_I32},
    {.key = "observed_ns", .kind = JSN_I64, .absent = JSN_OBSERVED, .offset = PLACEMENT(observed), TIMES},
};
const jsn_table jsn_placements = {"placements", offsetof(spw_snapshot, placements), placements, COUNT(placements)};

#define USAGE(field) offsetof(spw_usage_rows, field)
static const jsn_column usage[] = {
    {.key = NULL, .kind = JSN_ID, .absent = JSN_CODE, .offset = USAGE(workload)},
    {.key = NULL, .kind = JSN_ID, .absent = JSN_CODE, .offset = USAGE(pool)},
    {.key = "cluster", .kind = JSN_OWN},
    {.key = "pool", .kind = JSN_OWN},
    {.key = "ready", .kind = JSN_I32, .absent = JSN_MUST, .offset = USAGE(ready), COUNT_I32},
};
const jsn_table jsn_usage = {"usage", offsetof(spw_snapshot, usage), usage, COUNT(usage)};

#define HISTORY(field) offsetof(spw_history_rows, field)
#define HISTORY_COUNT  .kind = JSN_STOCK, .absent = JSN_VALUE, .value = -1, .max = SPW_REPLICAS_MAX
static const jsn_column history[] = {
    {.key = NULL, .kind = JSN_ID, .absent = JSN_CODE, .offset = HISTORY(workload)},
    {.key = "at_ns", .kind = JSN_I64, .absent = JSN_MUST, .offset = HISTORY(at), TIMES},
    {.key = "recommended", HISTORY_COUNT, .offset = HISTORY(recommended)},
    {.key = "from", HISTORY_COUNT, .offset = HISTORY(from)},
    {.key = "to", HISTORY_COUNT, .offset = HISTORY(to)},
};
const jsn_table jsn_history = {"history", offsetof(spw_snapshot, history), history, COUNT(history)};

#define POD(field) offsetof(spw_pod_rows, field)
static const jsn_column pods[] = {
    {.key = NULL, .kind = JSN_ID, .absent = JSN_CODE, .offset = POD(workload)},
    {.key = NULL, .kind = JSN_ID, .absent = JSN_CODE, .offset = POD(cluster)},
    {.key = "name", .kind = JSN_OWN},
    {.key = "key", .kind = JSN_KEY64, .absent = JSN_CODE, .offset = POD(key)},
    {.key = "cluster", .kind = JSN_OWN},
    {.key = "phase",
     .kind = JSN_WORD,
     .absent = JSN_VALUE,
     .value = SPW_POD_RUNNING,
     .offset = POD(phase),
     .words = phases},
    {.key = "deleting", .kind = JSN_FLAG, .absent = JSN_VALUE, .offset = POD(deleting)},
    {.key = "ready", .kind = JSN_FLAG, .absent = JSN_CODE, .offset = POD(ready)},
    {.key = "started_ns",
     .kind = JSN_MOMENT,
     .absent = JSN_VALUE,
     .value = SPW_TIME_MAX,
     .offset = POD(started),
     TIMES},
    {.key = "ready_changed_ns",
     .kind = JSN_MOMENT,
     .absent = JSN_VALUE,
     .value = SPW_TIME_MAX,
     .offset = POD(ready_changed),
     TIMES},
    {.key = "metrics", .kind = JSN_OWN},
};
const jsn_table jsn_pods = {"pods", offsetof(spw_snapshot, pods), pods, COUNT(pods)};

#define SAMPLE(field) offsetof(spw_sample_rows, field)
static const jsn_column samples[] = {
    {.key = NULL, .kind = JSN_ID, .absent = JSN_CODE, .offset = SAMPLE(pod)},
    {.key = NULL, .kind = JSN_KEY64, .absent = JSN_CODE, .offset = SAMPLE(metric)},
    {.key = "value_milli", .kind = JSN_I64, .absent = JSN_MUST, .offset = SAMPLE(value_milli), TIMES},
    {.key = "request_milli", .kind = JSN_I64, .absent = JSN_VALUE, .offset = SAMPLE(request_milli), TIMES},
    {.key = "sampled_ns", .kind = JSN_I64, .absent = JSN_OBSERVED, .offset = SAMPLE(sampled), TIMES},
    {.key = "window_ns", .kind = JSN_I64, .absent = JSN_VALUE, .offset = SAMPLE(window), .max = INT64_MAX},
};
const jsn_table jsn_samples = {"samples", offsetof(spw_snapshot, samples), samples, COUNT(samples)};

#define METRIC(field) offsetof(spw_value_rows, field)
static const jsn_column values[] = {
    {.key = NULL, .kind = JSN_ID, .absent = JSN_CODE, .offset = METRIC(workload)},
    {.key = NULL, .kind = JSN_KEY64, .absent = JSN_CODE, .offset = METRIC(metric)},
    {.key = "value_milli", .kind = JSN_I64, .absent = JSN_MUST, .offset = METRIC(value_milli), TIMES},
    {.key = "observed_ns", .kind = JSN_I64, .absent = JSN_OBSERVED, .offset = METRIC(observed), TIMES},
};
const jsn_table jsn_values = {"values", offsetof(spw_snapshot, values), values, COUNT(values)};

static const jsn_column snapshot_keys[] = {
    {.key = "now_ns", .kind = JSN_I64, .absent = JSN_MUST, .offset = offsetof(spw_snapshot, now), TIMES},
    {.key = "clusters", .kind = JSN_OWN},
    {.key = "workloads", .kind = JSN_OWN},
    {.key = "jobs", .kind = JSN_UNUSED},
    {.key = "quotas", .kind = JSN_UNUSED},
};
const jsn_fields jsn_snapshot_keys = {snapshot_keys, COUNT(snapshot_keys)};

/* Absent from the log of an older build: the default stays. */
#define SETTING(field) .absent = JSN_CODE, .offset = offsetof(spw_settings, field)
static const jsn_column settings_keys[] = {
    {.key = "clusters_max", .kind = JSN_SIZE, SETTING(clusters_max), .max = INT64_MAX},
    {.key = "pools_max", .kind = JSN_SIZE, SETTING(pools_max), .max = INT64_MAX},
    {.key = "placements_max", .kind = JSN_SIZE, SETTING(placements_max), .max = INT64_MAX},
    {.key = "pods_max", .kind = JSN_SIZE, SETTING(pods_max), .max = INT64_MAX},
    {.key = "samples_max", .kind = JSN_SIZE, SETTING(samples_max), .max = INT64_MAX},
    {.key = "tick_ns", .kind = JSN_I64, SETTING(tick), .min = 1, .max = INT64_MAX},
    {.key = "stale_after_ns", .kind = JSN_I64, SETTING(stale_after), .max = INT64_MAX},
    {.key = "promise_ttl_ns", .kind = JSN_I64, SETTING(promise_ttl), .max = INT64_MAX},
    {.key = "unix_offset_ns", .kind = JSN_I64, SETTING(unix_offset), TIMES},
    {.key = "fight_window_ns", .kind = JSN_I64, SETTING(fight_window), .max = INT64_MAX},
    {.key = "stock_tau_ns", .kind = JSN_I64, SETTING(stock_tau), .max = INT64_MAX},
    {.key = "explain", .kind = JSN_FLAG, SETTING(explain)},
};
const jsn_fields jsn_settings_keys = {settings_keys, COUNT(settings_keys)};

static const jsn_column head_keys[] = {
    {.key = "spillway", .kind = JSN_OWN}, {.key = "settings", .kind = JSN_OWN}, {.key = "manifests", .kind = JSN_OWN},
    {.key = "state", .kind = JSN_OWN},    {.key = "sum", .kind = JSN_OWN},
};
const jsn_fields jsn_head_keys = {head_keys, COUNT(head_keys)};

static const jsn_column manifest_keys[] = {
    {.key = "name", .kind = JSN_TEXT, .absent = JSN_MUST, .offset = offsetof(spw_json_manifest, name), .min = 1},
    {.key = "text", .kind = JSN_TEXT, .absent = JSN_MUST, .offset = offsetof(spw_json_manifest, text)},
};
const jsn_fields jsn_manifest_keys = {manifest_keys, COUNT(manifest_keys)};

#define TICK(field) .absent = JSN_MUST, .offset = offsetof(spw_json_tick, field)
static const jsn_column tick_keys[] = {
    {.key = "tick", .kind = JSN_I64, TICK(tick), .max = INT64_MAX},
    {.key = "now_ns", .kind = JSN_I64, TICK(now), TIMES},
    {.key = "snapshot_sha", .kind = JSN_KEY64, TICK(snapshot_hash)},
    {.key = "state_sha", .kind = JSN_KEY64, TICK(state_hash)},
    {.key = "plan", .kind = JSN_OWN},
    {.key = "snapshot", .kind = JSN_OWN},
    {.key = "sum", .kind = JSN_OWN},
};
const jsn_fields jsn_tick_keys = {tick_keys, COUNT(tick_keys)};

static const jsn_column action_keys[] = {
    {.key = "verb", .kind = JSN_OWN},   {.key = "workload", .kind = JSN_OWN}, {.key = "cluster", .kind = JSN_OWN},
    {.key = "pool", .kind = JSN_OWN},   {.key = "before", .kind = JSN_OWN},   {.key = "amount", .kind = JSN_OWN},
    {.key = "reason", .kind = JSN_OWN}, {.key = "after", .kind = JSN_OWN},
};
const jsn_fields jsn_action_keys = {action_keys, COUNT(action_keys)};

size_t jsn_cell_size(jsn_kind kind)
{
    switch (kind) {
    case JSN_FLAG:
    case JSN_WORD:
        return sizeof(uint8_t);
    case JSN_I32:
    case JSN_STOCK:
        return sizeof(int32_t);
    case JSN_I64:
    case JSN_MOMENT:
    case JSN_KEY64:
        return sizeof(int64_t);
    case JSN_SIZE:
        return sizeof(size_t);
    case JSN_TEXT:
        return sizeof(const char *);
    case JSN_ID:
        return sizeof(spw_id);
    case JSN_OWN:
    case JSN_UNUSED:
        return 0;
    }
    return 0;
}

void *jsn_column_at(const spw_snapshot *snap, const jsn_table *table, const jsn_column *column)
{
    void *cells;
    /* The columns of a rows struct point to const cells of different types; the bytes of the pointer are the same. */
    memcpy(&cells, (const char *)snap + table->rows + column->offset, sizeof cells);
    return cells;
}
