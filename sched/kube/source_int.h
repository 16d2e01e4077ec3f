/* SPDX-License-Identifier: Apache-2.0 */
/** source_int.h - the insides of the source: what its files share. */
#ifndef SCHED_KUBE_SOURCE_INT_H
#define SCHED_KUBE_SOURCE_INT_H

#include <stdio.h>

#include "sched/kube/source.h"
#include "sched/manifest/zone.h"

/** A workload of the configuration by namespace and name. */
typedef struct source_work {
    char *space;
    const char *name;
    size_t index; /* in the configuration */
    spw_workload_kind kind;
} source_work;

/** Pods of one workload in one cluster. */
typedef struct source_count {
    int32_t scheduled, ready;
} source_count;

/** What stands on a node. */
typedef struct source_node {
    int32_t gpus_taken;
    int64_t cpu_taken, memory_taken, pods;
    uint32_t pool; /* of the snapshot, UINT32_MAX = none */
} source_node;

struct kube_source {
    kube_source_spec spec;
    source_work *works; /* [work_count] sorted by namespace, name */
    size_t work_count;
    int32_t *templates; /* [work_count] by index of the configuration */
    spw_time now, mono;
    spw_snapshot snapshot;
    zone zone;             /* everything below, and the columns: of this snapshot */
    source_node **nodes;   /* [cluster][row of its node store] */
    source_count *counts;  /* [workload * clusters + cluster] */
    int64_t (*waiting)[3]; /* [cluster] cpu, memory, pods of pods without a node */
};

/** Grades of nodes of one cluster for which there is room; Karmada gives a cluster nine unless told otherwise. */
enum { SOURCE_GRADES_MAX = 64 };

/** amount[allocatable, allocated, allocating][cpu, memory, pods] */
typedef struct source_summary {
    int64_t amount[3][3];
} source_summary;

/** Columns of the table of clusters, writable. */
typedef struct source_clusters {
    uint64_t *key;
    const char **name, **region, **zone, **provider, **jurisdiction;
    spw_labels *labels;
    spw_taints *taints;
    uint8_t *ready;
    spw_time *observed;
    int64_t *cpu_allocatable, *cpu_allocated, *cpu_allocating, *memory_allocatable, *memory_allocated,
        *memory_allocating, *pods_allocatable, *pods_allocated, *pods_allocating;
} source_clusters;

bool source_clusters_take(kube_source *s, size_t count, source_clusters *out);
void source_clusters_show(kube_source *s, size_t count, const source_clusters *t);

size_t source_find_work(const kube_source *s, const char *space, const char *name); /**< SIZE_MAX = none */
size_t source_owner(const kube_source *s, const kube_pod *pod); /**< whose replica it is; SIZE_MAX = nobody's here */

/* source_nodes.c; each false when out of memory */
bool source_count_nodes(kube_source *s); /**< fills nodes, counts, waiting */
void source_sum_nodes(const kube_source *s, size_t cluster, source_summary *out);
bool source_pool_rows(kube_source *s);
bool source_grade_rows(kube_source *s); /**< Karmada's resource models */
/* source_pods.c */
bool source_pod_rows(kube_source *s);
bool source_metric_rows(kube_source *s); /**< after source_pod_rows */
/** Key of a pod's row: by place and name, so that a meter needs no UID. */
uint64_t source_pod_key(const char *cluster, const char *space, const char *name);

#endif
