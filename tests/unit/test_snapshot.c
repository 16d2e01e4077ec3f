/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_snapshot.c - the border: one row of a table for each rule of spw_snapshot_check, broken alone; and the digest,
 * which must see every column and no order of rows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <spillway/snapshot.h>

#define NOW  INT64_C(1000)
#define ROWS 2

/** A small valid snapshot, two rows in each table, every column in reach. */
typedef struct small {
    uint64_t cluster_key[ROWS];
    const char *cluster_name[ROWS], *region[ROWS], *zone[ROWS], *provider[ROWS];
    spw_label label[1];
    spw_labels labels[ROWS], pool_labels[ROWS];
    uint8_t cluster_ready[ROWS];
    spw_time cluster_observed[ROWS];
    uint64_t pool_key[ROWS];
    const char *pool_name[ROWS], *gpu[ROWS];
    spw_id pool_cluster[ROWS];
    uint8_t capacity[ROWS];
    int32_t gpus_per_node[ROWS], nodes[ROWS], target[ROWS], min[ROWS], max[ROWS], stock[ROWS], rank[ROWS];
    int64_t failures[ROWS], price[ROWS];
    int32_t free_nodes[ROWS][SPW_NODE_GPUS_MAX + 1];
    spw_time pool_observed[ROWS];
    uint64_t work_key[ROWS];
    const char *work_name[ROWS];
    int32_t replicas[ROWS], gpus[ROWS];
    int64_t cpu[ROWS], memory[ROWS];
    spw_id place_work[ROWS], place_cluster[ROWS];
    int32_t assigned[ROWS], scheduled[ROWS], place_ready[ROWS];
    spw_time place_observed[ROWS];
    uint64_t pod_key[ROWS];
    spw_id pod_work[ROWS], pod_cluster[ROWS];
    uint8_t phase[ROWS], deleting[ROWS], pod_ready[ROWS];
    spw_time started[ROWS], changed[ROWS];
    spw_id sample_pod[ROWS];
    uint64_t metric[ROWS];
    int64_t value[ROWS], request[ROWS];
    spw_time sampled[ROWS];
    spw_dur window[ROWS];
    spw_id value_work[ROWS];
    uint64_t value_metric[ROWS];
    int64_t value_milli[ROWS];
    spw_time value_observed[ROWS];
    spw_snapshot snap;
} small;

static void point(small *s)
{
    s->snap = (spw_snapshot){
        .version = SPW_API_VERSION,
        .now = NOW,
        .clusters = {.count = ROWS,
                     .key = s->cluster_key,
                     .name = s->cluster_name,
                     .region = s->region,
                     .zone = s->zone,
                     .provider = s->provider,
                     .labels = s->labels,
                     .ready = s->cluster_ready,
                     .observed = s->cluster_observed},
        .pools = {.count = ROWS,
                  .key = s->pool_key,
                  .name = s->pool_name,
                  .cluster = s->pool_cluster,
                  .gpu = s->gpu,
                  .capacity = s->capacity,
                  .gpus_per_node = s->gpus_per_node,
                  .nodes = s->nodes,
                  .nodes_target = s->target,
                  .nodes_min = s->min,
                  .nodes_max = s->max,
                  .stock = s->stock,
                  .rank = s->rank,
                  .failures = s->failures,
                  .price_uusd_per_gpu_h = s->price,
                  .free_nodes = (const int32_t(*)[SPW_NODE_GPUS_MAX + 1]) s->free_nodes,
                  .observed = s->pool_observed},
        .workloads = {.count = ROWS,
                      .key = s->work_key,
                      .name = s->work_name,
                      .replicas = s->replicas,
                      .gpus = s->gpus,
                      .cpu_milli = s->cpu,
                      .memory_bytes = s->memory},
        .placements = {ROWS, s->place_work, s->place_cluster, s->assigned, s->scheduled, s->place_ready,
                       s->place_observed},
        .pods = {ROWS, s->pod_key, s->pod_work, s->pod_cluster, s->phase, s->deleting, s->pod_ready, s->started,
                 s->changed},
        .samples = {ROWS, s->sample_pod, s->metric, s->value, s->request, s->sampled, s->window},
        .values = {ROWS, s->value_work, s->value_metric, s->value_milli, s->value_observed},
    };
}

/** turned = the second row first, in every table. */
static void fill(small *s, bool turned)
{
    memset(s, 0, sizeof *s);
    s->label[0] = (spw_label){"tier", "gold"};
    for (unsigned k = 0; k < ROWS; k++) {
        unsigned i = turned ? ROWS - 1 - k : k;
        s->cluster_key[i] = 10 + k;
        s->cluster_name[i] = k == 0 ? "idc" : "ack";
        s->region[i] = k == 0 ? "cn" : "";
        s->zone[i] = s->provider[i] = "";
        s->labels[i] = (spw_labels){k == 0 ? s->label : NULL, k == 0 ? 1 : 0};
        s->cluster_ready[i] = 1;
        s->pool_key[i] = 20 + k;
        s->pool_name[i] = "p";
        s->gpu[i] = "H20";
        s->pool_cluster[i] = i;
        s->capacity[i] = SPW_CAPACITY_OWNED;
        s->gpus_per_node[i] = 8;
        s->nodes[i] = s->target[i] = 3;
        s->max[i] = 5;
        s->stock[i] = -1;
        s->free_nodes[i][8] = 2;
        s->free_nodes[i][1] = 1;
        s->work_key[i] = 30 + k;
        s->work_name[i] = k == 0 ? "prod/a" : "prod/b";
        s->replicas[i] = 2;
        s->gpus[i] = 1;
        s->place_work[i] = s->place_cluster[i] = i;
        s->assigned[i] = 2;
        s->scheduled[i] = s->place_ready[i] = 1;
        s->pod_key[i] = 40 + k;
        s->pod_work[i] = s->pod_cluster[i] = i;
        s->phase[i] = SPW_POD_RUNNING;
        s->started[i] = s->changed[i] = k == 0 ? 5 : SPW_TIME_MAX;
        s->sample_pod[i] = i;
        s->metric[i] = 50;
        s->value[i] = -7 - (int64_t)k;
        s->sampled[i] = NOW;
        s->value_work[i] = i;
        s->value_metric[i] = 60;
        s->value_observed[i] = NOW;
    }
    point(s);
}

typedef struct rule {
    const char *field;
    spw_id row;
    void (*break_it)(small *s);
} rule;

#define BREAK(name_, statement_)                                                                                       \
    static void name_(small *s)                                                                                        \
    {                                                                                                                  \
        statement_;                                                                                                    \
    }

BREAK(now_low, s->snap.now = -(INT64_C(1) << 62) - 1)
BREAK(now_high, s->snap.now = (INT64_C(1) << 62) + 1)
BREAK(c_key, s->snap.clusters.key = NULL)
BREAK(c_name, s->snap.clusters.name = NULL)
BREAK(c_region, s->snap.clusters.region = NULL)
BREAK(c_zone, s->snap.clusters.zone = NULL)
BREAK(c_provider, s->snap.clusters.provider = NULL)
BREAK(c_labels, s->snap.clusters.labels = NULL)
BREAK(c_ready, s->snap.clusters.ready = NULL)
BREAK(c_observed, s->snap.clusters.observed = NULL)
BREAK(name_null, s->cluster_name[1] = NULL)
BREAK(name_empty, s->cluster_name[1] = "")
BREAK(region_null, s->region[1] = NULL)
BREAK(zone_null, s->zone[1] = NULL)
BREAK(provider_null, s->provider[1] = NULL)
BREAK(labels_null, s->labels[1].count = 1)
BREAK(label_key, s->label[0].key = NULL)
BREAK(label_value, s->label[0].value = NULL)
BREAK(c_future, s->cluster_observed[1] = NOW + 1)
BREAK(c_ancient, s->cluster_observed[1] = INT64_MIN)
BREAK(p_labels, s->snap.pools.labels = s->pool_labels; s->pool_labels[1].count = 1)
BREAK(p_key, s->snap.pools.key = NULL)
BREAK(p_name, s->snap.pools.name = NULL)
BREAK(p_cluster, s->snap.pools.cluster = NULL)
BREAK(p_gpu, s->snap.pools.gpu = NULL)
BREAK(p_capacity, s->snap.pools.capacity = NULL)
BREAK(p_gpus, s->snap.pools.gpus_per_node = NULL)
BREAK(p_nodes, s->snap.pools.nodes = NULL)
BREAK(p_target, s->snap.pools.nodes_target = NULL)
BREAK(p_min, s->snap.pools.nodes_min = NULL)
BREAK(p_max, s->snap.pools.nodes_max = NULL)
BREAK(p_stock, s->snap.pools.stock = NULL)
BREAK(p_price, s->snap.pools.price_uusd_per_gpu_h = NULL)
BREAK(p_free, s->snap.pools.free_nodes = NULL)
BREAK(p_observed, s->snap.pools.observed = NULL)
BREAK(pool_null, s->pool_name[1] = NULL)
BREAK(gpu_null, s->gpu[1] = NULL)
BREAK(pool_where, s->pool_cluster[1] = ROWS)
BREAK(kind_low, s->capacity[1] = 0)
BREAK(kind_high, s->capacity[1] = 5)
BREAK(gpus_low, s->gpus_per_node[1] = 0)
BREAK(gpus_high, s->gpus_per_node[1] = SPW_NODE_GPUS_MAX + 1)
BREAK(min_low, s->min[1] = -1)
BREAK(min_high, s->min[1] = 6)
BREAK(max_high, s->max[1] = SPW_NODES_MAX + 1)
BREAK(nodes_low, s->nodes[1] = -1)
BREAK(nodes_high, s->nodes[1] = SPW_NODES_MAX + 1)
BREAK(target_low, s->target[1] = -1)
BREAK(target_high, s->target[1] = SPW_NODES_MAX + 1)
BREAK(stock_low, s->stock[1] = -2)
BREAK(price_low, s->price[1] = -1)
BREAK(free_low, s->free_nodes[1][3] = -1)
BREAK(free_wide, (s->free_nodes[1][8] = 1, s->free_nodes[1][9] = 1))
BREAK(free_many, s->free_nodes[1][0] = 1)
BREAK(p_future, s->pool_observed[1] = NOW + 1)
BREAK(w_key, s->snap.workloads.key = NULL)
BREAK(w_name, s->snap.workloads.name = NULL)
BREAK(w_replicas, s->snap.workloads.replicas = NULL)
BREAK(work_null, s->work_name[1] = NULL)
BREAK(replicas_low, s->replicas[1] = -1)
BREAK(replicas_high, s->replicas[1] = SPW_REPLICAS_MAX + 1)
BREAK(w_gpus_low, s->gpus[1] = -1)
BREAK(w_gpus_high, s->gpus[1] = SPW_NODE_GPUS_MAX + 1)
BREAK(w_cpu_low, s->cpu[1] = -1)
BREAK(w_cpu_high, s->cpu[1] = SPW_REQUEST_MAX + 1)
BREAK(w_memory_low, s->memory[1] = -1)
BREAK(w_memory_high, s->memory[1] = SPW_REQUEST_MAX + 1)
BREAK(l_work, s->snap.placements.workload = NULL)
BREAK(l_cluster, s->snap.placements.cluster = NULL)
BREAK(l_assigned, s->snap.placements.assigned = NULL)
BREAK(l_scheduled, s->snap.placements.scheduled = NULL)
BREAK(l_ready, s->snap.placements.ready = NULL)
BREAK(l_observed, s->snap.placements.observed = NULL)
BREAK(place_work, s->place_work[1] = ROWS)
BREAK(place_where, s->place_cluster[1] = SPW_ID_NONE)
BREAK(assigned_low, s->assigned[1] = -1)
BREAK(assigned_high, s->assigned[1] = SPW_REPLICAS_MAX + 1)
BREAK(scheduled_low, (s->scheduled[1] = -1, s->place_ready[1] = -1))
BREAK(ready_low, s->place_ready[1] = -1)
BREAK(ready_high, s->place_ready[1] = 2)
BREAK(l_future, s->place_observed[1] = NOW + 1)
BREAK(o_key, s->snap.pods.key = NULL)
BREAK(o_work, s->snap.pods.workload = NULL)
BREAK(o_cluster, s->snap.pods.cluster = NULL)
BREAK(o_phase, s->snap.pods.phase = NULL)
BREAK(o_deleting, s->snap.pods.deleting = NULL)
BREAK(o_ready, s->snap.pods.ready = NULL)
BREAK(o_started, s->snap.pods.started = NULL)
BREAK(o_changed, s->snap.pods.ready_changed = NULL)
BREAK(pod_work, s->pod_work[1] = ROWS)
BREAK(pod_where, s->pod_cluster[1] = ROWS)
BREAK(phase_low, s->phase[1] = 0)
BREAK(phase_high, s->phase[1] = 4)
BREAK(started_future, s->started[1] = NOW + 1)
BREAK(changed_future, s->changed[1] = NOW + 1)
BREAK(s_pod, s->snap.samples.pod = NULL)
BREAK(s_metric, s->snap.samples.metric = NULL)
BREAK(s_value, s->snap.samples.value_milli = NULL)
BREAK(s_sampled, s->snap.samples.sampled = NULL)
BREAK(sample_pod, s->sample_pod[1] = ROWS)
BREAK(sample_future, s->sampled[1] = NOW + 1)
BREAK(window_low, s->window[1] = -1)
BREAK(v_work, s->snap.values.workload = NULL)
BREAK(v_metric, s->snap.values.metric = NULL)
BREAK(v_value, s->snap.values.value_milli = NULL)
BREAK(v_observed, s->snap.values.observed = NULL)
BREAK(value_work, s->value_work[1] = ROWS)
BREAK(value_future, s->value_observed[1] = NOW + 1)

#define NO SPW_ID_NONE

static const rule RULES[] = {
    {"now", NO, now_low},
    {"now", NO, now_high},
    {"clusters", NO, c_key},
    {"clusters", NO, c_name},
    {"clusters", NO, c_region},
    {"clusters", NO, c_zone},
    {"clusters", NO, c_provider},
    {"clusters", NO, c_labels},
    {"clusters", NO, c_ready},
    {"clusters", NO, c_observed},
    {"clusters.name", 1, name_null},
    {"clusters.name", 1, name_empty},
    {"clusters.region", 1, region_null},
    {"clusters.region", 1, zone_null},
    {"clusters.region", 1, provider_null},
    {"clusters.labels", 1, labels_null},
    {"clusters.labels", 0, label_key},
    {"clusters.labels", 0, label_value},
    {"clusters.observed", 1, c_future},
    {"clusters.observed", 1, c_ancient},
    {"pools", NO, p_key},
    {"pools", NO, p_name},
    {"pools", NO, p_cluster},
    {"pools", NO, p_gpu},
    {"pools", NO, p_capacity},
    {"pools", NO, p_gpus},
    {"pools", NO, p_nodes},
    {"pools", NO, p_target},
    {"pools", NO, p_min},
    {"pools", NO, p_max},
    {"pools", NO, p_stock},
    {"pools", NO, p_price},
    {"pools", NO, p_free},
    {"pools", NO, p_observed},
    {"pools.name", 1, pool_null},
    {"pools.name", 1, gpu_null},
    {"pools.cluster", 1, pool_where},
    {"pools.capacity", 1, kind_low},
    {"pools.capacity", 1, kind_high},
    {"pools.gpus_per_node", 1, gpus_low},
    {"pools.gpus_per_node", 1, gpus_high},
    {"pools.nodes_max", 1, min_low},
    {"pools.nodes_max", 1, min_high},
    {"pools.nodes_max", 1, max_high},
    {"pools.nodes", 1, nodes_low},
    {"pools.nodes", 1, nodes_high},
    {"pools.nodes", 1, target_low},
    {"pools.nodes", 1, target_high},
    {"pools.nodes", 1, stock_low},
    {"pools.nodes", 1, price_low},
    {"pools.free_nodes", 1, free_low},
    {"pools.free_nodes", 1, free_wide},
    {"pools.free_nodes", 1, free_many},
    {"pools.observed", 1, p_future},
    {"pools.labels", 1, p_labels},
    {"workloads", NO, w_key},
    {"workloads", NO, w_name},
    {"workloads", NO, w_replicas},
    {"workloads.name", 1, work_null},
    {"workloads.replicas", 1, replicas_low},
    {"workloads.replicas", 1, replicas_high},
    {"workloads.gpus", 1, w_gpus_low},
    {"workloads.gpus", 1, w_gpus_high},
    {"workloads.cpu_milli", 1, w_cpu_low},
    {"workloads.cpu_milli", 1, w_cpu_high},
    {"workloads.memory_bytes", 1, w_memory_low},
    {"workloads.memory_bytes", 1, w_memory_high},
    {"placements", NO, l_work},
    {"placements", NO, l_cluster},
    {"placements", NO, l_assigned},
    {"placements", NO, l_scheduled},
    {"placements", NO, l_ready},
    {"placements", NO, l_observed},
    {"placements.workload", 1, place_work},
    {"placements.workload", 1, place_where},
    {"placements.ready", 1, assigned_low},
    {"placements.ready", 1, assigned_high},
    {"placements.ready", 1, scheduled_low},
    {"placements.ready", 1, ready_low},
    {"placements.ready", 1, ready_high},
    {"placements.observed", 1, l_future},
    {"pods", NO, o_key},
    {"pods", NO, o_work},
    {"pods", NO, o_cluster},
    {"pods", NO, o_phase},
    {"pods", NO, o_deleting},
    {"pods", NO, o_ready},
    {"pods", NO, o_started},
    {"pods", NO, o_changed},
    {"pods.workload", 1, pod_work},
    {"pods.workload", 1, pod_where},
    {"pods.phase", 1, phase_low},
    {"pods.phase", 1, phase_high},
    {"pods.started", 1, started_future},
    {"pods.started", 1, changed_future},
    {"samples", NO, s_pod},
    {"samples", NO, s_metric},
    {"samples", NO, s_value},
    {"samples", NO, s_sampled},
    {"samples.pod", 1, sample_pod},
    {"samples.sampled", 1, sample_future},
    {"samples.window", 1, window_low},
    {"values", NO, v_work},
    {"values", NO, v_metric},
    {"values", NO, v_value},
    {"values", NO, v_observed},
    {"values.workload", 1, value_work},
    {"values.observed", 1, value_future},
};

static void every_rule_alone(void **state)
{
    (void)state;
    static small s;
    for (size_t i = 0; i < sizeof RULES / sizeof RULES[0]; i++) {
        fill(&s, false);
        spw_err err = {.code = SPW_BACKEND};
        assert_int_equal(spw_snapshot_check(&s.snap, &err), SPW_OK);
        assert_int_equal(err.code, SPW_BACKEND); /* untouched on success */
        RULES[i].break_it(&s);
        if (spw_snapshot_check(&s.snap, &err) != SPW_INVAL || strcmp(err.field, RULES[i].field) != 0 ||
            err.row != RULES[i].row || err.code != SPW_INVAL || err.text[0] == '\0') {
            fail_msg("rule %zu: %s expected, got %s row %u", i, RULES[i].field, err.field, err.row);
        }
        assert_int_equal(spw_snapshot_check(&s.snap, NULL), SPW_INVAL);
    }
}

/** Recommendations and steps of two workloads, each time with one cell changed. */
static void a_history(void **state)
{
    (void)state;
    enum { WORKLOAD, AT, RECOMMENDED, FROM, TO, TOLD };
    static const struct {
        const char *field; /* NULL = allowed, and the digest sees it */
        int column;
        size_t row;
        int32_t value;
    } changes[] = {
        {NULL, WORKLOAD, 2, 1},
        {NULL, AT, 0, 6},
        {NULL, TO, 2, 0},
        {NULL, FROM, 2, 5},
        {NULL, RECOMMENDED, 1, SPW_REPLICAS_MAX},
        {"history.workload", WORKLOAD, 3, ROWS},
        {"history.workload", WORKLOAD, 0, 1},
        {"history.at", AT, 1, 4},
        {"history.at", AT, 3, (int32_t)NOW + 1},
        {"history.recommended", RECOMMENDED, 2, 3},
        {"history.recommended", RECOMMENDED, 0, -2},
        {"history.recommended", RECOMMENDED, 0, SPW_REPLICAS_MAX + 1},
        {"history.recommended", FROM, 0, 1},
        {"history.recommended", FROM, 2, -1},
        {"history.recommended", TO, 2, SPW_REPLICAS_MAX + 1},
    };
    static small s;
    fill(&s, false);
    const uint64_t none = spw_snapshot_hash(&s.snap);
    spw_id workload[] = {0, 0, 0, 1};
    spw_time at[] = {5, 6, 6, 7};
    int32_t counts[TOLD][4] = {[RECOMMENDED] = {3, 4, -1, 0}, [FROM] = {-1, -1, 4, -1}, [TO] = {-1, -1, 3, -1}};
    s.snap.history = (spw_history_rows){4, workload, at, counts[RECOMMENDED], counts[FROM], counts[TO]};
    assert_int_equal(spw_snapshot_check(&s.snap, NULL), SPW_OK);
    const uint64_t plain = spw_snapshot_hash(&s.snap);
    assert_true(plain != none);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        const size_t row = changes[i].row;
        const spw_id old_workload = workload[row];
        const spw_time old_at = at[row];
        const int32_t old_count = counts[changes[i].column][row];
        spw_err err = {0};
        workload[row] = changes[i].column == WORKLOAD ? (spw_id)changes[i].value : old_workload;
        at[row] = changes[i].column == AT ? changes[i].value : old_at;
        counts[changes[i].column][row] = changes[i].value; /* of the first two, nothing reads it */
        const spw_rc rc = spw_snapshot_check(&s.snap, &err);
        if (rc != (changes[i].field != NULL ? SPW_INVAL : SPW_OK) ||
            (rc == SPW_OK ? spw_snapshot_hash(&s.snap) == plain : strcmp(err.field, changes[i].field) != 0)) {
            fail_msg("change %zu: %d %s", i, (int)rc, err.field);
        }
        workload[row] = old_workload;
        at[row] = old_at;
        counts[changes[i].column][row] = old_count;
    }
    s.snap.history.to = NULL;
    assert_int_equal(spw_snapshot_check(&s.snap, NULL), SPW_INVAL);
}

static void edges_that_are_allowed(void **state)
{
    (void)state;
    static small s;
    fill(&s, false);
    s.snap.pools.rank = NULL;
    s.snap.pools.failures = NULL;
    s.snap.workloads.gpus = NULL;
    s.snap.workloads.cpu_milli = NULL;
    s.memory[0] = SPW_REQUEST_MAX;
    s.snap.samples.request_milli = NULL;
    s.snap.samples.window = NULL;
    s.gpus_per_node[0] = SPW_NODE_GPUS_MAX;
    s.max[0] = SPW_NODES_MAX;
    s.replicas[0] = SPW_REPLICAS_MAX;
    s.scheduled[0] = 7; /* more than assigned, while draining */
    assert_int_equal(spw_snapshot_check(&s.snap, NULL), SPW_OK);
    spw_snapshot empty = {.version = SPW_API_VERSION};
    assert_int_equal(spw_snapshot_check(&empty, NULL), SPW_OK);
    empty.version++;
    spw_err err = {0};
    assert_int_equal(spw_snapshot_check(&empty, &err), SPW_VERSION);
    assert_string_equal(err.field, "version");
}

/* --- the digest --- */

static void order_does_not_enter(void **state)
{
    (void)state;
    static small a, b;
    fill(&a, false);
    fill(&b, true);
    assert_true(spw_snapshot_hash(&a.snap) == spw_snapshot_hash(&b.snap));
}

/** Changes one byte-wide element of a column and back; the digest must move. */
#define SEES(column_, value_)                                                                                          \
    do {                                                                                                               \
        fill(&s, false);                                                                                               \
        (column_) = (value_);                                                                                          \
        if (spw_snapshot_hash(&s.snap) == plain) {                                                                     \
            fail_msg("the digest does not see " #column_);                                                             \
        }                                                                                                              \
    } while (0)

static void every_column_enters(void **state)
{
    (void)state;
    static small s;
    fill(&s, false);
    uint64_t plain = spw_snapshot_hash(&s.snap);
    SEES(s.snap.now, NOW + 1);
    SEES(s.cluster_key[0], 99);
    SEES(s.cluster_name[0], "x");
    SEES(s.region[0], "x");
    SEES(s.zone[0], "cn");
    SEES(s.provider[0], "x");
    SEES(s.label[0].key, "x");
    SEES(s.label[0].value, "x");
    SEES(s.cluster_ready[0], 0);
    SEES(s.cluster_observed[0], 1);
    SEES(s.pool_key[0], 99);
    SEES(s.pool_name[0], "x");
    SEES(s.gpu[0], "x");
    SEES(s.pool_cluster[0], 1);
    SEES(s.capacity[0], 2);
    SEES(s.gpus_per_node[0], 9);
    SEES(s.nodes[0], 4);
    SEES(s.target[0], 4);
    SEES(s.min[0], 1);
    SEES(s.max[0], 6);
    SEES(s.stock[0], 1);
    SEES(s.rank[0], 1);
    SEES(s.failures[0], 1);
    SEES(s.price[0], 1);
    for (int k = 0; k <= SPW_NODE_GPUS_MAX; k++) {
        SEES(s.free_nodes[0][k], 5);
    }
    SEES(s.pool_observed[0], 1);
    SEES(s.work_key[0], 99);
    SEES(s.work_name[0], "x");
    SEES(s.replicas[0], 3);
    SEES(s.gpus[0], 2);
    SEES(s.cpu[0], 1);
    SEES(s.memory[0], 1);
    SEES(s.snap.workloads.cpu_milli, NULL);
    SEES(s.snap.workloads.memory_bytes, NULL);
    SEES(s.place_work[0], 1);
    SEES(s.place_cluster[0], 1);
    SEES(s.assigned[0], 3);
    SEES(s.scheduled[0], 2);
    SEES(s.place_ready[0], 0);
    SEES(s.place_observed[0], 1);
    SEES(s.pod_key[0], 99);
    SEES(s.pod_work[0], 1);
    SEES(s.pod_cluster[0], 1);
    SEES(s.phase[0], SPW_POD_FAILED);
    SEES(s.deleting[0], 1);
    SEES(s.pod_ready[0], 1);
    SEES(s.started[0], 6);
    SEES(s.changed[0], 6);
    SEES(s.sample_pod[0], 1);
    SEES(s.metric[0], 99);
    SEES(s.value[0], 1);
    SEES(s.request[0], 1);
    SEES(s.sampled[0], 1);
    SEES(s.window[0], 1);
    SEES(s.value_work[0], 1);
    SEES(s.value_metric[0], 99);
    SEES(s.value_milli[0], 1);
    SEES(s.value_observed[0], 1);
}

static void keys_and_words(void **state)
{
    (void)state;
    /* FNV-1a 64: the published vectors for "" and "a" */
    assert_true(spw_key("") == UINT64_C(0xcbf29ce484222325));
    assert_true(spw_key("a") == UINT64_C(0xaf63dc4c8601ec8c));
    assert_true(spw_key2("prod", "chat") == spw_key("prod/chat"));
    for (int rc = 0; rc >= -7; rc--) {
        assert_true(strlen(spw_strerror((spw_rc)rc)) > 5);
        assert_int_equal(strcmp(spw_strerror((spw_rc)rc), "unknown error") == 0, rc == -7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule_alone),       cmocka_unit_test(a_history),
        cmocka_unit_test(edges_that_are_allowed), cmocka_unit_test(order_does_not_enter),
        cmocka_unit_test(every_column_enters),    cmocka_unit_test(keys_and_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
