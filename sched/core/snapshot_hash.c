/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot_hash.c - digest of a snapshot that does not depend on the order of rows.
 *
 * Each row is digested alone, with the keys of the rows it refers to instead of their numbers; the digests of a table
 * are added up, and the sums of the tables are chained.
 */
#include <spillway/snapshot.h>

#include "core/hash.h"

static uint64_t word(uint64_t h, int64_t value)
{
    return hash_word(h, (uint64_t)value);
}

static uint64_t labels_digest(const spw_labels *labels)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < labels->count; i++) {
        sum += hash_mix(hash_string(hash_string(hash_string(HASH_SEED, labels->at[i].key), "="), labels->at[i].value));
    }
    return sum;
}

/** A column that is not there leaves no trace, so that digests of snapshots without it stay what they were. */
static uint64_t optional(uint64_t h, uint64_t column, const int64_t *cells, size_t i)
{
    return cells == NULL ? h : word(hash_word(h, column), cells[i]);
}

static uint64_t summary_word(uint64_t h, const spw_cluster_rows *t, size_t i)
{
    h = optional(optional(optional(h, 1, t->cpu_allocatable, i), 2, t->cpu_allocated, i), 3, t->cpu_allocating, i);
    h = optional(optional(h, 4, t->memory_allocatable, i), 5, t->memory_allocated, i);
    h = optional(optional(h, 6, t->memory_allocating, i), 7, t->pods_allocatable, i);
    return optional(optional(h, 8, t->pods_allocated, i), 9, t->pods_allocating, i);
}

static uint64_t grades_digest(const spw_snapshot *s)
{
    const spw_grade_rows *t = &s->grades;
    uint64_t sum = 0;
    for (size_t i = 0; i < t->count; i++) {
        uint64_t h = hash_word(HASH_SEED, s->clusters.key[t->cluster[i]]);
        sum += word(word(word(h, t->nodes[i]), t->cpu_milli[i]), t->memory_bytes[i]);
    }
    return sum;
}

static uint64_t usage_digest(const spw_snapshot *s)
{
    const spw_usage_rows *t = &s->usage;
    uint64_t sum = 0;
    for (size_t i = 0; i < t->count; i++) {
        uint64_t h = hash_word(HASH_SEED, s->workloads.key[t->workload[i]]);
        sum += word(hash_word(h, s->pools.key[t->pool[i]]), t->ready[i]);
    }
    return sum;
}

static uint64_t history_digest(const spw_snapshot *s)
{
    const spw_history_rows *t = &s->history;
    uint64_t sum = 0;
    for (size_t i = 0; i < t->count; i++) {
        uint64_t h = word(hash_word(HASH_SEED, s->workloads.key[t->workload[i]]), t->at[i]);
        sum += word(word(word(h, t->recommended[i]), t->from[i]), t->to[i]);
    }
    return sum;
}

static uint64_t taints_digest(const spw_taints *taints)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < taints->count; i++) {
        const spw_taint *t = &taints->at[i];
        sum += word(hash_string(hash_string(hash_string(HASH_SEED, t->key), "="), t->value), (int64_t)t->effect);
    }
    return sum;
}

static uint64_t clusters_digest(const spw_cluster_rows *t)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < t->count; i++) {
        uint64_t h = hash_word(HASH_SEED, t->key[i]);
        h = hash_string(h, t->name[i]);
        h = hash_string(hash_string(h, "\n"), t->region[i]);
        h = hash_string(hash_string(h, "\n"), t->zone[i]);
        h = hash_string(hash_string(h, "\n"), t->provider[i]);
        h = hash_word(h, labels_digest(&t->labels[i]));
        h = summary_word(word(h, t->ready[i]), t, i);
        h = t->jurisdiction == NULL ? h : hash_string(hash_string(h, "\n"), t->jurisdiction[i]);
        h = t->taints == NULL ? h : hash_word(h, taints_digest(&t->taints[i]));
        sum += word(h, t->observed[i]);
    }
    return sum;
}

static uint64_t pools_digest(const spw_snapshot *s)
{
    const spw_pool_rows *t = &s->pools;
    uint64_t sum = 0;
    for (size_t i = 0; i < t->count; i++) {
        uint64_t h = hash_word(HASH_SEED, t->key[i]);
        h = hash_word(h, s->clusters.key[t->cluster[i]]);
        h = hash_string(hash_string(hash_string(h, t->name[i]), "\n"), t->gpu[i]);
        h = word(word(h, t->capacity[i]), t->gpus_per_node[i]);
        h = word(word(h, t->nodes[i]), t->nodes_target[i]);
        h = word(word(h, t->nodes_min[i]), t->nodes_max[i]);
        h = word(word(h, t->stock[i]), t->price_uusd_per_gpu_h[i]);
        h = word(h, t->rank == NULL ? 0 : t->rank[i]);
        h = word(h, t->failures == NULL ? -1 : t->failures[i]);
        h = optional(h, 1, t->stock_observed, i);
        const bool labelled = t->labels != NULL && t->labels[i].count > 0;
        h = labelled ? hash_word(hash_word(h, 2), labels_digest(&t->labels[i])) : h;
        for (int32_t k = 0; k <= SPW_NODE_GPUS_MAX; k++) {
            h = word(h, t->free_nodes[i][k]);
        }
        sum += word(h, t->observed[i]);
    }
    return sum;
}

static uint64_t placements_digest(const spw_snapshot *s)
{
    const spw_placement_rows *t = &s->placements;
    uint64_t sum = 0;
    for (size_t i = 0; i < t->count; i++) {
        uint64_t h = hash_word(HASH_SEED, s->workloads.key[t->workload[i]]);
        h = hash_word(h, s->clusters.key[t->cluster[i]]);
        h = word(word(word(h, t->assigned[i]), t->scheduled[i]), t->ready[i]);
        sum += word(h, t->observed[i]);
    }
    return sum;
}

static uint64_t pods_digest(const spw_snapshot *s)
{
    const spw_pod_rows *t = &s->pods;
    uint64_t sum = 0;
    for (size_t i = 0; i < t->count; i++) {
        uint64_t h = hash_word(HASH_SEED, t->key[i]);
        h = hash_word(h, s->workloads.key[t->workload[i]]);
        h = hash_word(h, s->clusters.key[t->cluster[i]]);
        h = word(h, (int64_t)t->phase[i] * 4 + (int64_t)t->deleting[i] * 2 + t->ready[i]);
        sum += word(word(h, t->started[i]), t->ready_changed[i]);
    }
    return sum;
}

static uint64_t samples_digest(const spw_snapshot *s)
{
    const spw_sample_rows *t = &s->samples;
    uint64_t sum = 0;
    for (size_t i = 0; i < t->count; i++) {
        uint64_t h = hash_word(HASH_SEED, s->pods.key[t->pod[i]]);
        h = word(hash_word(h, t->metric[i]), t->value_milli[i]);
        h = word(h, t->request_milli == NULL ? 0 : t->request_milli[i]);
        h = word(h, t->window == NULL ? 0 : t->window[i]);
        sum += word(h, t->sampled[i]);
    }
    const spw_value_rows *v = &s->values;
    for (size_t i = 0; i < v->count; i++) {
        uint64_t h = hash_word(HASH_SEED, s->workloads.key[v->workload[i]]);
        h = word(hash_word(h, v->metric[i]), v->value_milli[i]);
        sum += word(h, v->observed[i]);
    }
    return sum;
}

uint64_t spw_snapshot_hash(const spw_snapshot *s)
{
    uint64_t h = word(hash_word(HASH_SEED, s->version), s->now);
    h = hash_word(h, clusters_digest(&s->clusters));
    h = hash_word(h, pools_digest(s));
    uint64_t workloads = 0;
    for (size_t i = 0; i < s->workloads.count; i++) {
        uint64_t row = hash_string(hash_word(HASH_SEED, s->workloads.key[i]), s->workloads.name[i]);
        row = word(row, s->workloads.gpus == NULL ? -1 : s->workloads.gpus[i]);
        row = s->workloads.reschedule == NULL ? row : word(word(row, 2), s->workloads.reschedule[i]);
        row = optional(optional(row, 3, s->workloads.cpu_milli, i), 4, s->workloads.memory_bytes, i);
        workloads += word(row, s->workloads.replicas[i]);
    }
    h = hash_word(h, workloads);
    h = hash_word(h, placements_digest(s));
    h = hash_word(h, pods_digest(s));
    h = hash_word(h, samples_digest(s));
    h = s->grades.count == 0 ? h : hash_word(h, grades_digest(s));
    h = s->usage.count == 0 ? h : hash_word(hash_word(h, 1), usage_digest(s));
    return s->history.count == 0 ? h : hash_word(hash_word(h, 2), history_digest(s));
}
