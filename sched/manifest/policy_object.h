/* SPDX-License-Identifier: Apache-2.0 */
/** policy_object.h - a PropagationPolicy as it is written, before its meaning is worked out. */
#ifndef SCHED_MANIFEST_POLICY_OBJECT_H
#define SCHED_MANIFEST_POLICY_OBJECT_H

#include "sched/manifest/manifest_int.h"

typedef struct cluster_affinity {
    km_selector labels;
    const km_requirement *fields;
    size_t field_count;
    const char *const *names;
    size_t name_count;
    const char *const *exclude;
    size_t exclude_count;
} cluster_affinity;

typedef struct affinity_term affinity_term;
struct affinity_term {
    const char *name;
    cluster_affinity affinity;
    const affinity_term *overflow;
    size_t overflow_count;
    const ynode *overflow_node;
    const ynode *node;
};

typedef struct weight_rule {
    cluster_affinity affinity;
    int64_t weight;
} weight_rule;

typedef enum scheduling_type { TYPE_DUPLICATED = 1, TYPE_DIVIDED = 2 } scheduling_type;
typedef enum preference { PREFER_WEIGHTED = 1, PREFER_AGGREGATED = 2 } preference;

typedef struct scheduling {
    scheduling_type type;
    preference preference; /* 0 = not said */
    const weight_rule *weights;
    size_t weight_count;
    int32_t dynamic; /* 1 = AvailableReplicas */
    const ynode *node;
} scheduling;

typedef enum toleration_op { TOLERATE_EQUAL = 1, TOLERATE_EXISTS = 2 } toleration_op;

typedef struct toleration {
    const char *key;
    toleration_op op;
    const char *value;
    int32_t effect; /* 0 = every effect */
} toleration;

typedef struct spread_constraint {
    spw_spread_field field;
    int32_t min_groups;
    int32_t max_groups; /* 0 = no limit */
    const ynode *node;
} spread_constraint;

typedef struct policy_object {
    km_head head;
    int32_t priority;
    const km_claim *claims;
    size_t claim_count;
    cluster_affinity affinity;
    const ynode *affinity_node;
    const affinity_term *terms;
    size_t term_count;
    const ynode *terms_node;
    const scheduling *scheduling;
    const toleration *tolerations;
    size_t toleration_count;
    const spread_constraint *spreads;
    size_t spread_count;
    bool undispatched, unscheduled; /* suspension */
    bool provision;
    const ynode *provision_node;
} policy_object;

extern const bind_table policy_object_table; /* policy_object */

#endif
