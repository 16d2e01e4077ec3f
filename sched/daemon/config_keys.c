/* SPDX-License-Identifier: Apache-2.0 */
/* config_keys.c - every key of a Daemon file: unit, default, range, meaning. All nested tables fill one struct. */
#include "sched/daemon/config_keys.h"

/* The tables below are tables. */
/* clang-format off */
#define TEXT(k, m, h)          {.key = k, .kind = BIND_STRING, BIND_AT(T, m), .help = h}
#define WORD(k, m, p, h)       {.key = k, .kind = BIND_STRING, .preset = p, BIND_AT(T, m), .help = h}
#define MUST(k, m, h)          {.key = k, .kind = BIND_STRING, .required = true, BIND_AT(T, m), .help = h}
#define FLAG(k, m, p, h)       {.key = k, .kind = BIND_BOOL, .preset = p, BIND_AT(T, m), .help = h}
#define TIME(k, m, p, least, h) {.key = k, .kind = BIND_DURATION, .preset = p, .range = BIND_MIN, .min = least, \
                                BIND_AT(T, m), .help = h}
#define COUNT(k, m, p, lo, hi, h) {.key = k, .kind = BIND_INT32, .preset = p, .range = BIND_MIN | BIND_MAX, .min = lo, \
                                .max = hi, BIND_AT(T, m), .help = h}
#define SHARE(k, m, p, h)      {.key = k, .kind = BIND_PERCENT, .preset = p, .range = BIND_MIN | BIND_MAX, .min = 0, \
                                .max = 100, BIND_AT(T, m), .help = h}
#define TEXTS(k, m, h)         {.key = k, .kind = BIND_SCALARS, .item = BIND_STRING, .offset = offsetof(T, m.at), \
                                .count_at = offsetof(T, m.count) + 1u, .help = h}
#define ONE(k, words, m, p, h) {.key = k, .kind = BIND_ENUM, .names = words, .preset = p, BIND_AT(T, m), .help = h}
#define PART(k, t, h)          {.key = k, .kind = BIND_TABLE, .table = &t, .offset = 0, .help = h}
#define TABLE(id, title, list) static const bind_table id = {.name = title, .size = sizeof(T), .fields = list}

/* --- how to come to a server --- */
#define T dm_access
static const bind_field access_fields[] = {
    TEXT("kubeconfig", kubeconfig, "a kubeconfig file; absent: the account of the pod we run in"),
    TEXT("context", context, "a context of it; absent: its current-context"),
    {.key = NULL}};
static const bind_table access_table = {.name = "access", .size = sizeof(T), .fields = access_fields,
                                        .self_at = offsetof(T, node) + 1u};
#undef T

/* --- pools, clusters, servers --- */
static const bind_name capacities[] = {{"owned", SPW_CAPACITY_OWNED}, {"reserved", SPW_CAPACITY_RESERVED},
                                       {"on-demand", SPW_CAPACITY_ON_DEMAND}, {"spot", SPW_CAPACITY_SPOT}, {NULL, 0}};
#define T dm_pool
static const bind_field pool_fields[] = {
    MUST("name", name, "unique in its cluster"),
    MUST("gpu", gpu, "class of its GPUs, as manifests name it: RTX-5090"),
    {.key = "capacity", .kind = BIND_ENUM, .names = capacities, .required = true, BIND_AT(T, capacity),
     .help = "how it is paid"},
    {.key = "gpusPerNode", .kind = BIND_INT32, .required = true, .range = BIND_MIN | BIND_MAX, .min = 1, .max = 1024,
     BIND_AT(T, gpus_per_node), .help = "GPUs of a node"},
    COUNT("nodesMin", nodes_min, "0", 0, 1000000, "never fewer nodes"),
    {.key = "nodesMax", .kind = BIND_INT32, .required = true, .range = BIND_MIN | BIND_MAX, .min = 0, .max = 1000000,
     BIND_AT(T, nodes_max), .help = "never more nodes"},
    COUNT("rank", rank, "0", -1000000, 1000000, "order among the pools of a cluster, lowest first"),
    {.key = "price", .kind = BIND_MONEY, .required = true, .unit = "/h", BIND_AT(T, price_uusd),
     .help = "of one GPU for one hour"},
    {.key = "nodeSelector", .kind = BIND_TEXTS, .count_min = 1, .required = true, BIND_AT(T, selector),
     BIND_COUNT(T, selector_count), .help = "a node with all these labels belongs to it"},
    {.key = "labels", .kind = BIND_TEXTS, BIND_AT(T, labels), BIND_COUNT(T, label_count),
     .help = "other labels of all its nodes, for units of a ResourcePolicy"},
    TEXT("nodeGroup", object, "path of the object that says how many nodes it is to have, e.g. a MachineDeployment"),
    WORD("nodeGroupTarget", object_target, "spec.replicas", "where in that object"),
    {.key = NULL}};
static const bind_table pool_table = {.name = "pool", .size = sizeof(T), .fields = pool_fields};
#undef T

static const bind_name reaches[] = {{"direct", DM_REACH_DIRECT}, {"proxy", DM_REACH_PROXY}, {"none", DM_REACH_NONE},
                                    {NULL, 0}};
#define T dm_cluster
static const bind_field cluster_fields[] = {
    MUST("name", name, "as policies name it"),
    WORD("region", region, "", "absent: of Karmada's Cluster"), WORD("zone", zone, "", "likewise"),
    WORD("provider", provider, "", "likewise"), WORD("jurisdiction", jurisdiction, "",
         "whose law holds there, e.g. CN"),
    {.key = "labels", .kind = BIND_TEXTS, BIND_AT(T, labels), BIND_COUNT(T, label_count),
     .help = "for policies that select clusters by label; Karmada's Cluster adds its own"},
    ONE("reach", reaches, reach, "direct",
         "proxy: through the Karmada control plane; none: seen through Karmada alone"),
    {.key = "access", .kind = BIND_TABLE, .table = &access_table, BIND_AT(T, access), .help = "with reach direct"},
    {.key = "pools", .kind = BIND_LIST, .table = &pool_table, BIND_AT(T, pools), BIND_COUNT(T, pool_count),
     .help = "nodes that are alike"},
    {.key = NULL}};
static const bind_table cluster_table = {.name = "cluster", .size = sizeof(T), .fields = cluster_fields,
                                         .self_at = offsetof(T, node) + 1u};
#undef T

#define T dm_server
static const bind_field server_fields[] = {
    MUST("name", name, "for meters"),
    {.key = "access", .kind = BIND_TABLE, .table = &access_table, .required = true, BIND_AT(T, access),
     .help = "a kubeconfig serves any HTTPS server"},
    {.key = NULL}};
static const bind_table server_table = {.name = "server", .size = sizeof(T), .fields = server_fields,
                                        .self_at = offsetof(T, node) + 1u};
#undef T

/* --- meters --- */
static const bind_name meter_kinds[] = {{"resource", KUBE_METER_RESOURCE}, {"pods", KUBE_METER_PODS},
                                        {"object", KUBE_METER_OBJECT}, {"external", KUBE_METER_EXTERNAL},
                                        {"prometheus", KUBE_METER_PROMETHEUS}, {NULL, 0}};
#define T dm_meter
static const bind_field meter_fields[] = {
    {.key = "kind", .kind = BIND_ENUM, .names = meter_kinds, .required = true, BIND_AT(T, kind),
     .help = "resource: metrics.k8s.io; pods, object: custom.metrics.k8s.io; external: external.metrics.k8s.io"},
    MUST("server", server, "a cluster, an entry of spec.servers, or control-plane"),
    WORD("prefix", prefix, "", "before the path, e.g. of a service proxy"),
    TEXT("cluster", cluster, "resource, pods: whose pods"),
    TEXT("metric", metric, "as autoscalers name it"),
    TEXT("series", series, "its name in the API; absent: the metric's"),
    MUST("namespace", space, "of the pods, of the workload"),
    TEXT("name", name, "the workload: object, external, prometheus without podLabel"),
    TEXT("selector", selector, "label selector"),
    TEXT("object", object, "object: services/chat, deployments.apps/chat"),
    TEXT("query", query, "prometheus: an instant query"),
    TEXT("podLabel", pod_label, "prometheus: a value for each pod; the label with its name"),
    TEXT("namespaceLabel", space_label, "prometheus: the label with the pod's namespace"),
    TEXT("clusterLabel", cluster_label, "prometheus: the label with the pod's cluster"),
    TIME("period", period, "15s", 1, "how often it is asked"),
    {.key = NULL}};
static const bind_table meter_table = {.name = "meter", .size = sizeof(T), .fields = meter_fields,
                                       .self_at = offsetof(T, node) + 1u};
#undef T

/* --- the parts of spec: all in dm_config --- */
#define T dm_config
static const bind_field manifests_fields[] = {
    TEXTS("files", manifests, "Kubernetes objects, unchanged"),
    FLAG("fromServer", from_server, "false", "read them from the control plane (mode kubernetes: the first cluster)"),
    TEXTS("namespaces", spaces, "fromServer: these; absent: all"),
    TEXTS("skip", skip, "fromServer: kinds not to ask for, e.g. scaledobjects"),
    WORD("selector", work_selector, "", "fromServer: label selector of Deployments and StatefulSets"),
    TIME("refresh", refresh, "30s", 1, "fromServer: how often they are read again"),
    {.key = NULL}};
TABLE(manifests_table, "manifests", manifests_fields);

static const bind_field file_fields[] = {
    TEXT("snapshots", snapshots, "a snapshot (JSON), read at each tick; or a log with snapshots (*.jsonl), one a tick"),
    {.key = "origin", .kind = BIND_TIME, BIND_AT(T, origin), .help = "what time 0 of the snapshots is; absent: 1970"},
    {.key = NULL}};
TABLE(file_table, "file", file_fields);

static const bind_field core_fields[] = {
    TIME("staleAfter", stale_after, "2m", 0, "input older than this freezes shrinking"),
    TIME("promiseTtl", promise_ttl, "5m", 0, "what was written and is not seen yet is believed this long"),
    TIME("fightWindow", fight_window, "10m", 0, "two changes of a count by others within this: its scaler holds still"),
    TIME("stockTau", stock_tau, "0s", 0, "belief in a stock fades over this; 0s: it does not"),
    TIME("unreachableAfter", unreachable_after, "1m", 1, "a cluster not heard of for so long is not ready"),
    {.key = NULL}};
TABLE(core_table, "core", core_fields);

static const bind_field inventory_fields[] = {
    TEXTS("command", inventory, "a program that prints the inventory as JSON (sched/kube/inventory.h)"),
    TIME("period", inventory_period, "60s", 1, "how often"), TIME("timeout", inventory_timeout, "10s", 1, "at most"),
    {.key = NULL}};
TABLE(inventory_table, "inventory", inventory_fields);

static const bind_name acts[] = {{"native", DM_ACT_NATIVE}, {"command", DM_ACT_COMMAND}, {"both", DM_ACT_BOTH},
                                 {"tee", DM_ACT_TEE}, {"dry-run", DM_ACT_DRY_RUN}, {"record", DM_ACT_RECORD},
                                 {"server-dry-run", DM_ACT_SERVER}, {NULL, 0}};
static const bind_field actuator_fields[] = {
    ONE("kind", acts, act, "dry-run", "native: the mode's own; both: a program has the verbs that it leaves alone; "
        "tee: a program is given the whole plan, too, once the writes are done; record: memory.decisions alone"),
    TEXTS("command", command, "the program and its arguments (sched/kube/act_command.h)"),
    TIME("commandTimeout", command_timeout, "10s", 1, "it is killed then"),
    TIME("within", within, "10s", 1, "longest time for the writes of one tick"),
    TIME("callTimeout", call_timeout, "4s", 1, "of one write"),
    COUNT("atOnce", at_once, "8", 1, 1000, "requests under way"),
    {.key = "rate", .kind = BIND_RATE, .preset = "40/s", .range = BIND_ABOVE, .min = 0, BIND_AT(T, rate),
     .help = "requests to one server"},
    {.key = "burst", .kind = BIND_DOUBLE, .preset = "60", .range = BIND_MIN, .min = 1, BIND_AT(T, burst),
     .help = "so many at once, then the rate"},
    COUNT("breakerAfter", breaker_after, "5", 1, 1000000, "failures in a row after which a cluster is left alone"),
    TIME("breakerFor", breaker_for, "30s", 1, "for so long"),
    {.key = NULL}};
TABLE(actuator_table, "actuator", actuator_fields);

static const bind_field guards_fields[] = {
    FLAG("observeOnly", guards.observe_only, "false", "decide and record, do nothing"),
    TEXT("stopFile", guards.stop_file, "kill switch: while it exists nothing is written"),
    COUNT("changeMost", guards.change_most, "0", 0, 1000000, "replicas changed on one cluster in one tick; 0: any"),
    SHARE("changeShare", guards.change_share, "0%", "likewise, of those assigned there; 0%: any"),
    COUNT("nodesMost", guards.nodes_most, "0", 0, 1000000, "nodes changed on one cluster in one tick; 0: any"),
    COUNT("availableLeast", guards.available_least, "0", 0, 1000000, "ready replicas that shrinking leaves"),
    SHARE("availableShare", guards.available_share, "0%", "likewise, of the replicas wanted"),
    FLAG("allowZero", guards.zero_allowed, "false", "every workload may go to zero, not only those that say so"),
    FLAG("breakBeforeMake", guards.break_before_make, "false", "shrink before the replacements are ready"),
    TIME("staleClustersAfter", guards.stale_clusters_after, "2m", 0, "a cluster older than this is stale; 0s: never"),
    SHARE("staleClustersMost", guards.stale_clusters_most, "50%", "more stale clusters: nothing is done in this tick"),
    TIME("staleMetricsAfter", guards.stale_metrics_after, "5m", 0,
         "a metric value older than this is stale; 0s: never"),
    SHARE("staleMetricsMost", guards.stale_metrics_most, "50%", "more stale values: nothing is done in this tick"),
    TEXT("canary", canary, "act on workloads with this label spillway.dev/canary alone"),
    TEXT("canaryExcept", canary_except, "leave those with this label to another scheduler"),
    {.key = NULL}};
TABLE(guards_table, "guards", guards_fields);

static const bind_field lease_fields[] = {
    FLAG("enabled", lease, "true", "write only while we hold the Lease"),
    WORD("namespace", lease_space, "spillway-system", "of the Lease, in the control plane or the first cluster"),
    WORD("name", lease_name, "spillwayd", "of the Lease"),
    TEXT("identity", identity, "absent: host name, process and start, which no other has"),
    TIME("duration", lease_duration, "15s", 1, "others take over after so long without renewal"),
    TIME("renewDeadline", lease_renew, "10s", 1, "we stop writing after so long without renewal"),
    TIME("retry", lease_retry, "2s", 1, "between tries"),
    {.key = NULL}};
TABLE(lease_table, "lease", lease_fields);

static const bind_field memory_fields[] = {
    TEXT("state", state, "file of the core's state; absent: it is not kept"),
    TIME("relearn", relearn, "5m", 0, "after a damaged state file: observe for so long, do nothing"),
    TEXT("decisions", decisions, "log of decisions; absent: none"),
    {.key = "rotate", .kind = BIND_SIZE, .preset = "256MiB", .range = BIND_MIN, .min = 0, BIND_AT(T, rotate),
     .help = "a log over this is renamed, a new one begins; 0B: never"},
    COUNT("keep", keep, "8", 0, 100000, "old logs that are kept"),
    FLAG("snapshots", snapshots_kept, "true", "the log holds whole snapshots, for spillway replay"),
    {.key = NULL}};
TABLE(memory_table, "memory", memory_fields);

static const bind_field http_fields[] = {
    WORD("address", listen, "127.0.0.1", "of /metrics, /healthz, /readyz"),
    COUNT("port", port, "9464", -1, 65535, "0: any free one; -1: none"),
    {.key = NULL}};
TABLE(http_table, "http", http_fields);

static const bind_name log_formats[] = {{"logfmt", 1}, {"json", 2}, {NULL, 0}};
static const bind_name log_levels[] = {{"error", 1}, {"warn", 2}, {"info", 3}, {"debug", 4}, {NULL, 0}};
static const bind_field log_fields[] = {
    ONE("format", log_formats, log_format, "logfmt", "one line for each event, on standard error"),
    ONE("level", log_levels, log_level, "info", "lines of this level and above"),
    {.key = NULL}};
TABLE(log_table, "log", log_fields);

static const bind_name modes[] = {{"kubernetes", DM_MODE_KUBERNETES}, {"karmada", DM_MODE_KARMADA},
                                  {"file", DM_MODE_FILE}, {NULL, 0}};
static const bind_field spec_fields[] = {
    {.key = "mode", .kind = BIND_ENUM, .names = modes, .required = true, BIND_AT(T, mode),
     .help = "kubernetes: an object of the same name in each cluster; karmada: bindings of a control plane"},
    TIME("tick", tick, "15s", 0.001, "control period"),
    PART("manifests", manifests_table, "what is governed"),
    PART("file", file_table, "mode file: where snapshots come from"),
    PART("core", core_table, "times of the deciding core"),
    {.key = "controlPlane", .kind = BIND_TABLE, .table = &access_table, BIND_AT(T, hub), BIND_HAS(T, has_hub),
     .help = "mode karmada: its API server"},
    WORD("schedulerName", scheduler, "spillway", "mode karmada: bindings with this spec.schedulerName are ours"),
    {.key = "clusters", .kind = BIND_LIST, .table = &cluster_table, BIND_AT(T, clusters), BIND_COUNT(T, cluster_count),
     .help = "the fleet"},
    {.key = "servers", .kind = BIND_LIST, .table = &server_table, BIND_AT(T, servers), BIND_COUNT(T, server_count),
     .help = "other servers, for meters"},
    {.key = "meters", .kind = BIND_LIST, .table = &meter_table, BIND_AT(T, meters), BIND_COUNT(T, meter_count),
     .help = "metric values that autoscalers want; an entry goes before what is derived"},
    FLAG("deriveMeters", derive_meters, "true", "metrics that autoscalers name are asked for without an entry"),
    PART("inventory", inventory_table, "what is known of pools beside their nodes"),
    PART("actuator", actuator_table, "how decisions are carried out"),
    PART("guards", guards_table, "what passes"),
    PART("lease", lease_table, "leadership among several daemons"),
    PART("memory", memory_table, "what survives a restart"),
    PART("http", http_table, "metrics and health"),
    PART("log", log_table, "the daemon's own log"),
    {.key = NULL}};
TABLE(spec_table, "spec", spec_fields);

static const bind_field meta_fields[] = {MUST("name", name, "for logs"), {.key = NULL}};
TABLE(meta_table, "metadata", meta_fields);

static const bind_name apis[] = {{"spillway.dev/v1alpha1", 1}, {NULL, 0}};
static const bind_name kinds[] = {{"Daemon", 1}, {NULL, 0}};
static const bind_field root_fields[] = {
    {.key = "apiVersion", .kind = BIND_ENUM, .names = apis, .required = true, BIND_AT(T, api),
     .help = "version of this format"},
    {.key = "kind", .kind = BIND_ENUM, .names = kinds, .required = true, BIND_AT(T, kind), .help = "of the document"},
    {.key = "metadata", .kind = BIND_TABLE, .table = &meta_table, .required = true, .offset = 0, .help = "its name"},
    {.key = "spec", .kind = BIND_TABLE, .table = &spec_table, .required = true, .offset = 0, .help = "all else"},
    {.key = NULL}};
/* clang-format on */

const bind_table dm_root_keys = {.name = "Daemon", .size = sizeof(T), .fields = root_fields};
