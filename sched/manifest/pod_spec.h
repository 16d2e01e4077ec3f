/* SPDX-License-Identifier: Apache-2.0 */
/** pod_spec.h - a pod template as far as it decides where a replica fits. */
#ifndef SCHED_MANIFEST_POD_SPEC_H
#define SCHED_MANIFEST_POD_SPEC_H

#include "sched/manifest/manifest_int.h"

#define GPU_RESOURCE "nvidia.com/gpu"
#define GPU_PRODUCT  SPW_LABEL_GPU
#define GPU_CLASSES  "spillway.dev/gpu-classes"

#define REPLICA_UNIT  "spillway.dev/replica-unit"
#define MIN_AVAILABLE "spillway.dev/min-available"

/* What limits or requests name; -1 = absent. */
typedef struct amounts {
    int64_t gpus;
    int64_t cpu_milli;
    int64_t memory_bytes;
} amounts;

typedef struct resources {
    amounts limits;
    amounts requests;
    const ynode *node;
} resources;

typedef struct container {
    const char *name;
    resources resources;
    int32_t restart; /* 1 = Always, 0 = not said */
} container;

typedef struct node_term {
    const km_requirement *expressions;
    size_t expression_count;
    const ynode *fields;
} node_term;

typedef struct pod {
    const container *containers;
    size_t container_count;
    const container *inits;
    size_t init_count;
    const bind_pair *node_labels;
    size_t node_label_count;
    const node_term *terms;
    size_t term_count;
    const char *priority_class;
    const ynode *priority_node;
    const bind_pair *annotations;
    size_t annotation_count;
    const bind_pair *labels; /* what a PodDisruptionBudget selects by */
    size_t label_count;
    const ynode *node;
} pod;

extern const bind_table pod_template_table; /* pod */

/** GPUs one replica takes on one node. @return false = error added. */
bool pod_count_gpus(bind *b, const pod *p, int32_t *gpus);

/**
 * CPU and memory one replica requests, counted in the same way; a limit without a request is the request.
 * @return false = error added.
 */
bool pod_count_requests(bind *b, const pod *p, int64_t *cpu_milli, int64_t *memory_bytes);

/** Classes a pod may run on; none = any. */
typedef struct pod_classes {
    const char **at;
    int32_t *milli; /* throughput on each, 1000 = the reference class; NULL = the same on all */
    size_t count;
} pod_classes;

/** Are counts in replicas on the reference class? That needs classes with throughputs. @return false = error added. */
bool pod_read_replica_unit(bind *b, const pod *p, const km_meta *meta, const pod_classes *classes, bool *by_reference);

/** Disruption budget, 0 without one. @param meta of the object around the template. @return false = error added. */
bool pod_read_min_available(bind *b, const pod *p, const km_meta *meta, int32_t *out);

/** @param meta of the object around the template. @return false = error added, or out of memory. */
bool pod_read_classes(bind *b, const pod *p, const km_meta *meta, pod_classes *out);

#endif
