/* SPDX-License-Identifier: Apache-2.0 */
/** pod_spec.h - a pod template as far as it decides where a replica fits. */
#ifndef SCHED_MANIFEST_POD_SPEC_H
#define SCHED_MANIFEST_POD_SPEC_H

#include "sched/manifest/manifest_int.h"

#define GPU_RESOURCE "nvidia.com/gpu"
#define GPU_PRODUCT  "nvidia.com/gpu.product"
#define GPU_CLASSES  "spillway.dev/gpu-classes"

typedef struct resources {
    int64_t gpu_limit;   /* -1 = absent */
    int64_t gpu_request; /* -1 = absent */
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
    const ynode *node;
} pod;

extern const bind_table pod_template_table; /* pod */

/** GPUs one replica takes on one node. @return false = error added. */
bool pod_count_gpus(bind *b, const pod *p, int32_t *gpus);

/** Classes a pod may run on; none = any. */
typedef struct pod_classes {
    const char **at;
    size_t count;
} pod_classes;

/** @param meta of the object around the template. @return false = error added, or out of memory. */
bool pod_read_classes(bind *b, const pod *p, const km_meta *meta, pod_classes *out);

#endif
