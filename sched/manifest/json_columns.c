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
    {.key = "name",
     .kind = JSN_TEXT,
     .absent = JSN_MUST,
     .offset = CLUSTER(name),
     .min = 1,
     .help = "its name, as policies have it"},
    {.key = "key",
     .kind = JSN_KEY64,
     .absent = JSN_CODE,
     .offset = CLUSTER(key),
     .help = "16 hex digits; default: spw_key(name)"},
    {.key = "region", .kind = JSN_TEXT, .absent = JSN_VALUE, .offset = CLUSTER(region), .help = "where it is"},
    {.key = "zone", .kind = JSN_TEXT, .absent = JSN_VALUE, .offset = CLUSTER(zone), .help = "of one zone"},
    {.key = "zones", .kind = JSN_OWN, .shape = "list of string", .help = "of several, instead of zone"},
    {.key = "provider", .kind = JSN_TEXT, .absent = JSN_VALUE, .offset = CLUSTER(provider), .help = "whose it is"},
    {.key = "labels",
     .kind = JSN_OWN,
     .offset = CLUSTER(labels),
     .shape = "mapping of strings",
     .help = "what label selectors see"},
    {.key = "ready",
     .kind = JSN_FLAG,
     .absent = JSN_VALUE,
     .value = 1,
     .offset = CLUSTER(ready),
     .help = "does its API server answer"},
    {.key = "observed_ns",
     .kind = JSN_I64,
     .absent = JSN_OBSERVED,
     .offset = CLUSTER(observed),
     TIMES,
     .help = "when its rows were seen"},
    {.key = "cpu_allocatable_milli",
     SUMMARY(cpu_allocatable),
     .min = -1,
     .help = "thousandths of a CPU of all nodes; -1 = not listed"},
    {.key = "cpu_allocated_milli", SUMMARY(cpu_allocated), .help = "requested by pods on nodes"},
    {.key = "cpu_allocating_milli", SUMMARY(cpu_allocating), .help = "requested by pods that wait for a node"},
    {.key = "memory_allocatable_bytes",
     SUMMARY(memory_allocatable),
     .min = -1,
     .help = "memory of all nodes; -1 = not listed"},
    {.key = "memory_allocated_bytes", SUMMARY(memory_allocated), .help = "requested by pods on nodes"},
    {.key = "memory_allocating_bytes", SUMMARY(memory_allocating), .help = "requested by pods that wait for a node"},
    {.key = "pods_allocatable",
     SUMMARY(pods_allocatable),
     .min = -1,
     .help = "pods that all nodes together may run; -1 = not listed"},
    {.key = "pods_allocated", SUMMARY(pods_allocated), .help = "pods on nodes"},
    {.key = "pods_allocating", SUMMARY(pods_allocating), .help = "pods that wait for a node"},
    {.key = "grades",
     .kind = JSN_OWN,
     .shape = "list of mappings",
     .help = "resource models: nodes by what each has free"},
    {.key = "taints", .kind = JSN_OWN, .shape = "list of mappings", .help = "of the cluster, as Karmada has them"},
    {.key = "jurisdiction",
     .kind = JSN_TEXT,
     .absent = JSN_MAYBE,
     .offset = CLUSTER(jurisdiction),
     .help = "whose law it is under"},
    {.key = "pools", .kind = JSN_OWN, .shape = "list of mappings", .help = "groups of equal nodes"},
};
const jsn_table jsn_clusters = {"clusters", offsetof(spw_snapshot, clusters), clusters, COUNT(clusters)};

static const jsn_column taint_keys[] = {
    {.key = "key",
     .kind = JSN_TEXT,
     .absent = JSN_MUST,
     .offset = offsetof(spw_taint, key),
     .min = 1,
     .help = "of the taint"},
    {.key = "value",
     .kind = JSN_TEXT,
     .absent = JSN_CODE,
     .offset = offsetof(spw_taint, value),
     .help = "default: \"\""},
    {.key = "effect",
     .kind = JSN_OWN,
     .shape = "one of NoSchedule, NoExecute, PreferNoSchedule (required)",
     .help = "what becomes of pods that do not tolerate it"},
};
const jsn_fields jsn_taint_keys = {taint_keys, COUNT(taint_keys)};
const jsn_column jsn_taint_effect = {.key = "effect", .kind = JSN_WORD, .absent = JSN_MUST, .words = effects};

#define GRADE(field) offsetof(spw_grade_rows, field)
#define LEAST(field)                                                                                                   \
    .kind = JSN_I64, .absent = JSN_VALUE, .value = -1, .offset = GRADE(field), .min = -1, .max = INT64_MAX
static const jsn_column grades[] = {
    {.key = NULL, .kind = JSN_ID, .absent = JSN_CODE, .offset = GRADE(cluster)},
    {.key = "nodes",
     .kind = JSN_I32,
     .absent = JSN_MUST,
     .offset = GRADE(nodes),
     .max = SPW_NODES_MAX,
     .help = "of this grade"},
    {.key = "cpu_milli", LEAST(cpu_milli), .help = "least free CPU of one; -1 = not listed"},
    {.key = "memory_bytes", LEAST(memory_bytes), .help = "least free memory of one; -1 = not listed"},
};
const jsn_table jsn_grades = {"grades", offsetof(spw_snapshot, grades), grades, COUNT(grades)};

#define POOL(field) offsetof(spw_pool_rows, field)
static const jsn_column pools[] = {
    {.key = NULL, .kind = JSN_ID, .absent = JSN_CODE, .offset = POOL(cluster)},
    {.key = "name",
     .kind = JSN_TEXT,
     .absent = JSN_MUST,
     .offset = POOL(name),
     .min = 1,
     .help = "unique within the cluster"},
    {.key = "key",
     .kind = JSN_KEY64,
     .absent = JSN_CODE,
     .offset = POOL(key),
     .help = "16 hex digits; default: spw_key2(cluster, name)"},
    {.key = "gpu", .kind = JSN_TEXT, .absent = JSN_MUST, .offset = POOL(gpu), .help = "GPU class, e.g. RTX-5090"},
    {.key = "capacity",
     .kind = JSN_WORD,
     .absent = JSN_MUST,
     .offset = POOL(capacity),
     .words = capacities,
     .help = "how it is paid for"},
    {.key = "gpus_per_node",
     .kind = JSN_I32,
     .absent = JSN_MUST,
     .offset = POOL(gpus_per_node),
     .min = 1,
     .max = SPW_NODE_GPUS_MAX,
     .help = "GPUs of one node"},
    {.key = "nodes",
     .kind = JSN_I32,
     .absent = JSN_MUST,
     .offset = POOL(nodes),
     .max = SPW_NODES_MAX,
     .help = "up and schedulable"},
    {.key = "nodes_target",
     .kind = JSN_I32,
     .absent = JSN_LIKE,
     .offset = POOL(nodes_target),
     .like = POOL(nodes),
     .max = SPW_NODES_MAX,
     .help = "desired size in the record of the node group"},
    {.key = "nodes_max",
     .kind = JSN_I32,
     .absent = JSN_LIKE,
     .offset = POOL(nodes_max),
     .like = POOL(nodes),
     .max = SPW_NODES_MAX,
     .help = "never more"},
    {.key = "nodes_min",
     .kind = JSN_I32,
     .absent = JSN_CODE,
     .offset = POOL(nodes_min),
     .max = SPW_NODES_MAX,
     .help = "never fewer; default: the lesser of nodes and nodes_max"},
    {.key = "inventory",
     .kind = JSN_STOCK,
     .absent = JSN_VALUE,
     .value = -1,
     .offset = POOL(stock),
     .min = -1,
     .max = INT32_MAX,
     .help = "nodes that the provider is believed to have left; null = not known"},
    {.key = "rank",
     .kind = JSN_I32,
     .absent = JSN_VALUE,
     .offset = POOL(rank),
     .min = INT32_MIN,
     .max = INT32_MAX,
     .help = "order of use within the cluster; ties by price, then name"},
    {.key = "failures",
     .kind = JSN_I64,
     .absent = JSN_COLUMN,
     .offset = POOL(failures),
     .max = INT64_MAX,
     .help = "creations that failed so far"},
    {.key = "price_uusd_per_gpu_h",
     .kind = JSN_I64,
     .absent = JSN_MUST,
     .offset = POOL(price_uusd_per_gpu_h),
     .max = INT64_MAX,
     .help = "micro-USD for a GPU hour"},
    {.key = "observed_ns",
     .kind = JSN_I64,
     .absent = JSN_OBSERVED,
     .offset = POOL(observed),
     TIMES,
     .help = "when the pool was seen"},
    {.key = "inventory_observed_ns",
     .kind = JSN_I64,
     .absent = JSN_COLUMN,
     .offset = POOL(stock_observed),
     TIMES,
     .help = "when inventory was asked for; what was ordered since is taken off it"},
    {.key = "labels", .kind = JSN_OWN, .shape = "mapping of strings", .help = "that all its nodes carry"},
    {.key = "free_nodes",
     .kind = JSN_OWN,
     .offset = POOL(free_nodes),
     .shape = "list of integer",
     .help = "nodes with 0, 1, 2, ... GPUs free; it or gpus_free, unless nodes is 0"},
    {.key = "gpus_free", .kind = JSN_OWN, .shape = "integer", .help = "taken as whole free nodes and one partly free"},
};
const jsn_table jsn_pools = {"pools", offsetof(spw_snapshot, pools), pools, COUNT(pools)};

#define WORKLOAD(field) offsetof(spw_workload_rows, field)
static const jsn_column workloads[] = {
    {.key = "namespace",
     .kind = JSN_OWN,
     .shape = "string (required)",
     .help = "of the Deployment, StatefulSet or Job"},
    {.key = "name", .kind = JSN_TEXT, .absent = JSN_MUST, .offset = WORKLOAD(name), .min = 1, .help = "of it"},
    {.key = "key",
     .kind = JSN_KEY64,
     .absent = JSN_CODE,
     .offset = WORKLOAD(key),
     .help = "16 hex digits; default: spw_key(\"namespace/name\")"},
    {.key = "replicas",
     .kind = JSN_I32,
     .absent = JSN_MUST,
     .offset = WORKLOAD(replicas),
     .max = SPW_REPLICAS_MAX,
     .help = "spec.replicas of the template"},
    {.key = "gpus",
     .kind = JSN_I32,
     .absent = JSN_COLUMN,
     .offset = WORKLOAD(gpus),
     .max = SPW_NODE_GPUS_MAX,
     .help = "GPUs that a replica requests"},
    {.key = "cpu_milli",
     .kind = JSN_I64,
     .absent = JSN_COLUMN,
     .offset = WORKLOAD(cpu_milli),
     .max = SPW_REQUEST_MAX,
     .help = "CPU that a replica requests, in thousandths"},
    {.key = "memory_bytes",
     .kind = JSN_I64,
     .absent = JSN_COLUMN,
     .offset = WORKLOAD(memory_bytes),
     .max = SPW_REQUEST_MAX,
     .help = "memory that a replica requests"},
    {.key = "reschedule_ns",
     .kind = JSN_MOMENT,
     .absent = JSN_MAYBE,
     .value = SPW_TIME_MAX,
     .offset = WORKLOAD(reschedule),
     TIMES,
     .help = "spec.rescheduleTriggeredAt of its binding"},
    {.key = "priority", .kind = JSN_UNUSED, .help = "PriorityClass objects say it"},
    {.key = "assigned",
     .kind = JSN_OWN,
     .shape = "mapping of integer, by cluster",
     .help = "replicas that clusters are told to run"},
    {.key = "scheduled",
     .kind = JSN_OWN,
     .shape = "mapping of integer, by cluster",
     .help = "of them, on a node; default: assigned - pending"},
    {.key = "pending", .kind = JSN_OWN, .shape = "mapping of integer, by cluster", .help = "of them, without a node"},
    {.key = "ready",
     .kind = JSN_OWN,
     .shape = "mapping of integer, by cluster",
     .help = "of them, ready; default: scheduled"},
    {.key = "observed_ns",
     .kind = JSN_OWN,
     .shape = "mapping of integer, by cluster",
     .help = "when; default: when the cluster was seen"},
    {.key = "usage", .kind = JSN_OWN, .shape = "list of mappings", .help = "where its ready replicas run"},
    {.key = "history",
     .kind = JSN_OWN,
     .shape = "list of mappings",
     .help = "what its HPA asked for and did before the core knew of it, oldest first"},
    {.key = "metrics",
     .kind = JSN_OWN,
     .shape = "mapping by metric",
     .help = "Object and External values: a number in units, or a mapping"},
    {.key = "pods", .kind = JSN_OWN, .shape = "list of mappings", .help = "its pods, for per-pod metrics"},
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
    {.key = "cluster", .kind = JSN_OWN, .shape = "string (required)", .help = "name of a cluster"},
    {.key = "pool", .kind = JSN_OWN, .shape = "string (required)", .help = "name of a pool of it"},
    {.key = "ready",
     .kind = JSN_I32,
     .absent = JSN_MUST,
     .offset = USAGE(ready),
     COUNT_I32,
     .help = "ready replicas on its nodes"},
};
const jsn_table jsn_usage = {"usage", offsetof(spw_snapshot, usage), usage, COUNT(usage)};

#define HISTORY(field) offsetof(spw_history_rows, field)
#define HISTORY_COUNT  .kind = JSN_STOCK, .absent = JSN_VALUE, .value = -1, .max = SPW_REPLICAS_MAX
static const jsn_column history[] = {
    {.key = NULL, .kind = JSN_ID, .absent = JSN_CODE, .offset = HISTORY(workload)},
    {.key = "at_ns", .kind = JSN_I64, .absent = JSN_MUST, .offset = HISTORY(at), TIMES, .help = "when"},
    {.key = "recommended",
     HISTORY_COUNT,
     .offset = HISTORY(recommended),
     .help = "what the metrics asked for, before windows and limits; null = a step"},
    {.key = "from", HISTORY_COUNT, .offset = HISTORY(from), .help = "a step of the replica count that it took itself"},
    {.key = "to", HISTORY_COUNT, .offset = HISTORY(to), .help = "... and to how many"},
};
const jsn_table jsn_history = {"history", offsetof(spw_snapshot, history), history, COUNT(history)};

#define POD(field) offsetof(spw_pod_rows, field)
static const jsn_column pods[] = {
    {.key = NULL, .kind = JSN_ID, .absent = JSN_CODE, .offset = POD(workload)},
    {.key = NULL, .kind = JSN_ID, .absent = JSN_CODE, .offset = POD(cluster)},
    {.key = "name", .kind = JSN_OWN, .shape = "string", .help = "of the pod; or key"},
    {.key = "key",
     .kind = JSN_KEY64,
     .absent = JSN_CODE,
     .offset = POD(key),
     .help = "16 hex digits; default: spw_key(\"cluster/workload/name\")"},
    {.key = "cluster", .kind = JSN_OWN, .shape = "string (required)", .help = "name of the cluster it is in"},
    {.key = "phase",
     .kind = JSN_WORD,
     .absent = JSN_VALUE,
     .value = SPW_POD_RUNNING,
     .offset = POD(phase),
     .words = phases,
     .help = "as in its status"},
    {.key = "deleting",
     .kind = JSN_FLAG,
     .absent = JSN_VALUE,
     .offset = POD(deleting),
     .help = "has it a deletionTimestamp"},
    {.key = "ready",
     .kind = JSN_FLAG,
     .absent = JSN_CODE,
     .offset = POD(ready),
     .help = "default: Running and not deleting"},
    {.key = "started_ns",
     .kind = JSN_MOMENT,
     .absent = JSN_VALUE,
     .value = SPW_TIME_MAX,
     .offset = POD(started),
     TIMES,
     .help = "status.startTime; null = not started"},
    {.key = "ready_changed_ns",
     .kind = JSN_MOMENT,
     .absent = JSN_VALUE,
     .value = SPW_TIME_MAX,
     .offset = POD(ready_changed),
     TIMES,
     .help = "when its Ready condition changed last; null = never"},
    {.key = "metrics", .kind = JSN_OWN, .shape = "mapping by metric", .help = "a number in units, or a mapping"},
};
const jsn_table jsn_pods = {"pods", offsetof(spw_snapshot, pods), pods, COUNT(pods)};

#define SAMPLE(field) offsetof(spw_sample_rows, field)
static const jsn_column samples[] = {
    {.key = NULL, .kind = JSN_ID, .absent = JSN_CODE, .offset = SAMPLE(pod)},
    {.key = NULL, .kind = JSN_KEY64, .absent = JSN_CODE, .offset = SAMPLE(metric)},
    {.key = "value_milli",
     .kind = JSN_I64,
     .absent = JSN_MUST,
     .offset = SAMPLE(value_milli),
     TIMES,
     .help = "in thousandths"},
    {.key = "request_milli",
     .kind = JSN_I64,
     .absent = JSN_VALUE,
     .offset = SAMPLE(request_milli),
     TIMES,
     .help = "what of the same it requests, in thousandths, for Utilization targets"},
    {.key = "sampled_ns",
     .kind = JSN_I64,
     .absent = JSN_OBSERVED,
     .offset = SAMPLE(sampled),
     TIMES,
     .help = "end of the window"},
    {.key = "window_ns",
     .kind = JSN_I64,
     .absent = JSN_VALUE,
     .offset = SAMPLE(window),
     .max = INT64_MAX,
     .help = "over which it was measured"},
};
const jsn_table jsn_samples = {"samples", offsetof(spw_snapshot, samples), samples, COUNT(samples)};

#define METRIC(field) offsetof(spw_value_rows, field)
static const jsn_column values[] = {
    {.key = NULL, .kind = JSN_ID, .absent = JSN_CODE, .offset = METRIC(workload)},
    {.key = NULL, .kind = JSN_KEY64, .absent = JSN_CODE, .offset = METRIC(metric)},
    {.key = "value_milli",
     .kind = JSN_I64,
     .absent = JSN_MUST,
     .offset = METRIC(value_milli),
     TIMES,
     .help = "in thousandths"},
    {.key = "observed_ns",
     .kind = JSN_I64,
     .absent = JSN_OBSERVED,
     .offset = METRIC(observed),
     TIMES,
     .help = "when it was read"},
};
const jsn_table jsn_values = {"values", offsetof(spw_snapshot, values), values, COUNT(values)};

static const jsn_column snapshot_keys[] = {
    {.key = "now_ns",
     .kind = JSN_I64,
     .absent = JSN_MUST,
     .offset = offsetof(spw_snapshot, now),
     TIMES,
     .help = "time of the decision, ns since an origin of the caller"},
    {.key = "clusters", .kind = JSN_OWN, .shape = "list of mappings", .help = "the fleet as it was seen"},
    {.key = "workloads", .kind = JSN_OWN, .shape = "list of mappings", .help = "what runs in it"},
    {.key = "jobs", .kind = JSN_UNUSED, .shape = "list"},
    {.key = "quotas", .kind = JSN_UNUSED, .shape = "list"},
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
