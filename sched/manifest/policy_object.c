/* SPDX-License-Identifier: Apache-2.0 */
/** policy_object.c - the keys of a PropagationPolicy, those of Karmada and of ACK One together. */
#include "sched/manifest/policy_object.h"

#include <string.h>

#define AFFINITY_NAME_MAX 32u

/* --- selectors ----------------------------------------------------------------------------------------------- */

static const bind_name field_ops[] = {{"In", SPW_OP_IN}, {"NotIn", SPW_OP_NOT_IN}, {NULL, 0}};

static bool check_field(bind *b, const ynode *node, void *object)
{
    static const bind_name keys[] = {{"provider", 1}, {"region", 2}, {"zone", 3}, {NULL, 0}};
    const km_requirement *r = object;

    for (const bind_name *key = keys; key->text != NULL; key++) {
        if (strcmp(key->text, r->key) == 0) {
            return true;
        }
    }
    return bind_unknown_name(b, ynode_get(node, "key"), "cluster field", keys);
}

static const bind_field field_fields[] = {
    {.key = "key",
     .kind = BIND_STRING,
     .required = true,
     BIND_AT(km_requirement, key),
     .help = "provider, region or zone"},
    {.key = "operator",
     .kind = BIND_ENUM,
     .required = true,
     .names = field_ops,
     BIND_AT(km_requirement, op),
     .help = "In or NotIn"},
    {.key = "values",
     .kind = BIND_SCALARS,
     .item = BIND_STRING,
     .required = true,
     .count_min = 1,
     BIND_AT(km_requirement, values),
     BIND_COUNT(km_requirement, value_count),
     .help = "at least one value"},
    {.key = NULL},
};

static const bind_table field_table = {.name = "field requirement",
                                       .size = sizeof(km_requirement),
                                       .fields = field_fields,
                                       .self_at = offsetof(km_requirement, node) + 1,
                                       .check = check_field};

static const bind_field field_selector_fields[] = {
    {.key = "matchExpressions",
     .kind = BIND_LIST,
     .table = &field_table,
     BIND_AT(cluster_affinity, fields),
     BIND_COUNT(cluster_affinity, field_count)},
    {.key = NULL},
};

/* Binds into the affinity itself: one more level of keys only. */
static const bind_table field_selector_table = {
    .name = "fieldSelector", .size = sizeof(cluster_affinity), .fields = field_selector_fields};

static const bind_field affinity_fields[] = {
    {.key = "labelSelector", .kind = BIND_TABLE, .table = &km_selector_table, BIND_AT(cluster_affinity, labels)},
    {.key = "fieldSelector", .kind = BIND_TABLE, .table = &field_selector_table},
    {.key = "clusterNames",
     .kind = BIND_SCALARS,
     .item = BIND_STRING,
     BIND_AT(cluster_affinity, names),
     BIND_COUNT(cluster_affinity, name_count)},
    {.key = "exclude",
     .kind = BIND_SCALARS,
     .item = BIND_STRING,
     BIND_AT(cluster_affinity, exclude),
     BIND_COUNT(cluster_affinity, exclude_count)},
    {.key = NULL},
};

static const bind_table affinity_table = {
    .name = "clusterAffinity", .size = sizeof(cluster_affinity), .fields = affinity_fields};

static bool check_term(bind *b, const ynode *node, void *object)
{
    const affinity_term *term = object;

    if (term->name[0] == '\0' || strlen(term->name) > AFFINITY_NAME_MAX) {
        ynode_error(b->diag, ynode_get(node, "affinityName"), "'affinityName' must have 1 to 32 characters");
        return false;
    }
    return true;
}

/* The keys of a cluster affinity stand inside the term, beside its name. */
#define TERM_ROWS                                                                                                      \
    {.key = "affinityName",                                                                                            \
     .kind = BIND_STRING,                                                                                              \
     .required = true,                                                                                                 \
     BIND_AT(affinity_term, name),                                                                                     \
     .help = "each group needs a name"},                                                                               \
        {.key = "labelSelector",                                                                                       \
         .kind = BIND_TABLE,                                                                                           \
         .table = &km_selector_table,                                                                                  \
         BIND_AT(affinity_term, affinity.labels)},                                                                     \
        {.key = "fieldSelector",                                                                                       \
         .kind = BIND_TABLE,                                                                                           \
         .table = &field_selector_table,                                                                               \
         BIND_AT(affinity_term, affinity)},                                                                            \
        {.key = "clusterNames",                                                                                        \
         .kind = BIND_SCALARS,                                                                                         \
         .item = BIND_STRING,                                                                                          \
         BIND_AT(affinity_term, affinity.names),                                                                       \
         BIND_COUNT(affinity_term, affinity.name_count)},                                                              \
    {                                                                                                                  \
        .key = "exclude", .kind = BIND_SCALARS, .item = BIND_STRING, BIND_AT(affinity_term, affinity.exclude),         \
        BIND_COUNT(affinity_term, affinity.exclude_count)                                                              \
    }

static const bind_field overflow_fields[] = {TERM_ROWS, {.key = NULL}};

static const bind_table overflow_table = {.name = "overflowAffinity",
                                          .size = sizeof(affinity_term),
                                          .fields = overflow_fields,
                                          .self_at = offsetof(affinity_term, node) + 1,
                                          .check = check_term};

static const bind_field term_fields[] = {
    TERM_ROWS,
    {.key = "overflowAffinities",
     .kind = BIND_LIST,
     .table = &overflow_table,
     BIND_AT(affinity_term, overflow),
     BIND_COUNT(affinity_term, overflow_count),
     BIND_NODE_AT(affinity_term, overflow_node)},
    {.key = NULL},
};

static const bind_table term_table = {.name = "clusterAffinities",
                                      .size = sizeof(affinity_term),
                                      .fields = term_fields,
                                      .self_at = offsetof(affinity_term, node) + 1,
                                      .check = check_term};

/* --- division ------------------------------------------------------------------------------------------------ */

static const bind_field weight_fields[] = {
    {.key = "targetCluster",
     .kind = BIND_TABLE,
     .table = &affinity_table,
     .required = true,
     BIND_AT(weight_rule, affinity),
     .help = "which clusters the weight is for"},
    {.key = "weight",
     .kind = BIND_INT64,
     .required = true,
     .range = BIND_MIN | BIND_MAX,
     .min = 1,
     .max = INT32_MAX,
     BIND_AT(weight_rule, weight),
     .help = "1 or more"},
    {.key = NULL},
};

static const bind_table weight_table = {.name = "staticWeight", .size = sizeof(weight_rule), .fields = weight_fields};

static const bind_name dynamic_names[] = {{"AvailableReplicas", 1}, {NULL, 0}};

static const bind_field weights_fields[] = {
    {.key = "staticWeightList",
     .kind = BIND_LIST,
     .table = &weight_table,
     BIND_AT(scheduling, weights),
     BIND_COUNT(scheduling, weight_count)},
    {.key = "dynamicWeight", .kind = BIND_ENUM, .names = dynamic_names, BIND_AT(scheduling, dynamic)},
    {.key = NULL},
};

/* Binds into the scheduling itself: one more level of keys only. */
static const bind_table weights_table = {
    .name = "weightPreference", .size = sizeof(scheduling), .fields = weights_fields};

static const bind_name type_names[] = {{"Duplicated", TYPE_DUPLICATED}, {"Divided", TYPE_DIVIDED}, {NULL, 0}};
static const bind_name preference_names[] = {
    {"Weighted", PREFER_WEIGHTED}, {"Aggregated", PREFER_AGGREGATED}, {NULL, 0}};

static bool check_scheduling(bind *b, const ynode *node, void *object)
{
    const scheduling *s = object;

    if (s->type == TYPE_DIVIDED && s->preference == 0) {
        ynode_error(b->diag, node, "Divided needs 'replicaDivisionPreference': Weighted or Aggregated");
        return false;
    }
    return true;
}

static const bind_field scheduling_fields[] = {
    {.key = "replicaSchedulingType",
     .kind = BIND_ENUM,
     .names = type_names,
     .preset = "Divided",
     BIND_AT(scheduling, type)},
    {.key = "replicaDivisionPreference", .kind = BIND_ENUM, .names = preference_names, BIND_AT(scheduling, preference)},
    {.key = "weightPreference", .kind = BIND_TABLE, .table = &weights_table},
    {.key = "customSchedulingType",
     .kind = BIND_NODE,
     .use = BIND_REFUSED,
     .help = "gangs belong to jobs, and jobs are not read"},
    {.key = NULL},
};

static const bind_table scheduling_table = {.name = "replicaScheduling",
                                            .size = sizeof(scheduling),
                                            .fields = scheduling_fields,
                                            .self_at = offsetof(scheduling, node) + 1,
                                            .check = check_scheduling};

/* --- the object ---------------------------------------------------------------------------------------------- */

static const bind_field claim_fields[] = {
    {.key = "apiVersion", .kind = BIND_STRING, .required = true, BIND_AT(km_claim, api)},
    {.key = "kind", .kind = BIND_STRING, .required = true, BIND_AT(km_claim, kind)},
    {.key = "namespace",
     .kind = BIND_STRING,
     .preset = "",
     BIND_AT(km_claim, space),
     BIND_NODE_AT(km_claim, space_node)},
    {.key = "name", .kind = BIND_STRING, .preset = "", BIND_AT(km_claim, name)},
    {.key = "labelSelector",
     .kind = BIND_TABLE,
     .table = &km_selector_table,
     BIND_AT(km_claim, labels),
     BIND_HAS(km_claim, has_labels)},
    {.key = NULL},
};

static const bind_table claim_table = {.name = "resourceSelector", .size = sizeof(km_claim), .fields = claim_fields};

/* --- taints and spread ---------------------------------------------------------------------------------------- */

static const bind_name toleration_ops[] = {{"Equal", TOLERATE_EQUAL}, {"Exists", TOLERATE_EXISTS}, {NULL, 0}};
static const bind_name taint_effects[] = {{"NoSchedule", SPW_TAINT_NO_SCHEDULE},
                                          {"NoExecute", SPW_TAINT_NO_EXECUTE},
                                          {"PreferNoSchedule", SPW_TAINT_PREFER_NO_SCHEDULE},
                                          {NULL, 0}};

static bool check_toleration(bind *b, const ynode *node, void *object)
{
    const toleration *t = object;

    if (t->key[0] == '\0' && t->op != TOLERATE_EXISTS) {
        ynode_error(b->diag, node, "a toleration without a key needs operator Exists: it tolerates every taint");
        return false;
    }
    if (t->op == TOLERATE_EXISTS && t->value[0] != '\0') {
        ynode_error(b->diag, ynode_get(node, "value"), "operator Exists takes no value");
        return false;
    }
    return true;
}

static const bind_field toleration_fields[] = {
    {.key = "key", .kind = BIND_STRING, .preset = "", BIND_AT(toleration, key)},
    {.key = "operator", .kind = BIND_ENUM, .names = toleration_ops, .preset = "Equal", BIND_AT(toleration, op)},
    {.key = "value", .kind = BIND_STRING, .preset = "", BIND_AT(toleration, value)},
    {.key = "effect", .kind = BIND_ENUM, .names = taint_effects, BIND_AT(toleration, effect)},
    KM_UNMODELLED("tolerationSeconds", "a toleration does not run out"),
    {.key = NULL},
};

static const bind_table toleration_table = {
    .name = "clusterToleration", .size = sizeof(toleration), .fields = toleration_fields, .check = check_toleration};

static const bind_name spread_names[] = {{"cluster", SPW_SPREAD_CLUSTER},
                                         {"region", SPW_SPREAD_REGION},
                                         {"zone", SPW_SPREAD_ZONE},
                                         {"provider", SPW_SPREAD_PROVIDER},
                                         {NULL, 0}};

static bool check_spread(bind *b, const ynode *node, void *object)
{
    const spread_constraint *s = object;

    if (s->max_groups != 0 && s->max_groups < s->min_groups) {
        ynode_error(b->diag, ynode_get(node, "maxGroups"), "'maxGroups' is below 'minGroups'");
        return false;
    }
    return true;
}

static const bind_field spread_fields[] = {
    {.key = "spreadByField",
     .kind = BIND_ENUM,
     .names = spread_names,
     .preset = "cluster",
     BIND_AT(spread_constraint, field)},
    {.key = "minGroups",
     .kind = BIND_INT32,
     .range = BIND_MIN,
     .min = 1,
     .preset = "1",
     BIND_AT(spread_constraint, min_groups)},
    {.key = "maxGroups", .kind = BIND_INT32, .range = BIND_MIN, .min = 1, BIND_AT(spread_constraint, max_groups)},
    {.key = "spreadByLabel",
     .kind = BIND_NODE,
     .use = BIND_REFUSED,
     .help = "clusters are grouped by field, not by label"},
    {.key = NULL},
};

static const bind_table spread_table = {.name = "spreadConstraint",
                                        .size = sizeof(spread_constraint),
                                        .fields = spread_fields,
                                        .self_at = offsetof(spread_constraint, node) + 1,
                                        .check = check_spread};

/* Binds into the object itself. `scheduling` stands in a ResourceBinding upstream, for queues in front. */
static const bind_field suspension_fields[] = {
    {.key = "dispatching",
     .kind = BIND_BOOL,
     .preset = "false",
     BIND_AT(policy_object, undispatched),
     .help = "true: the workloads stay as they are"},
    {.key = "scheduling",
     .kind = BIND_BOOL,
     .preset = "false",
     BIND_AT(policy_object, unscheduled),
     .help = "the same; as in a ResourceBinding"},
    KM_UNMODELLED("dispatchingOnClusters", "a workload is suspended as a whole or not at all"),
    {.key = NULL},
};

static const bind_table suspension_table = {
    .name = "suspension", .size = sizeof(policy_object), .fields = suspension_fields};

static const bind_field placement_fields[] = {
    {.key = "clusterAffinity",
     .kind = BIND_TABLE,
     .table = &affinity_table,
     BIND_AT(policy_object, affinity),
     BIND_NODE_AT(policy_object, affinity_node)},
    {.key = "clusterAffinities",
     .kind = BIND_LIST,
     .table = &term_table,
     .count_min = 1,
     BIND_AT(policy_object, terms),
     BIND_COUNT(policy_object, term_count),
     BIND_NODE_AT(policy_object, terms_node)},
    {.key = "replicaScheduling", .kind = BIND_OPTION, .table = &scheduling_table, BIND_AT(policy_object, scheduling)},
    {.key = "clusterTolerations",
     .kind = BIND_LIST,
     .table = &toleration_table,
     BIND_AT(policy_object, tolerations),
     BIND_COUNT(policy_object, toleration_count)},
    {.key = "spreadConstraints",
     .kind = BIND_LIST,
     .table = &spread_table,
     BIND_AT(policy_object, spreads),
     BIND_COUNT(policy_object, spread_count)},
    KM_UNMODELLED("workloadAffinity", "workloads do not attract or repel each other"),
    {.key = NULL},
};

/* These two bind into the policy itself: one more level of keys only. */
static const bind_table placement_table = {
    .name = "placement", .size = sizeof(policy_object), .fields = placement_fields};

static const bind_field scaling_fields[] = {
    {.key = "ecsProvision", .kind = BIND_BOOL, BIND_AT(policy_object, provision)},
    {.key = NULL},
};

static const bind_table scaling_table = {
    .name = "autoScaling", .size = sizeof(policy_object), .fields = scaling_fields};

static const bind_field spec_fields[] = {
    {.key = "resourceSelectors",
     .kind = BIND_LIST,
     .table = &claim_table,
     .required = true,
     .count_min = 1,
     BIND_AT(policy_object, claims),
     BIND_COUNT(policy_object, claim_count),
     .help = "what the policy governs"},
    {.key = "placement", .kind = BIND_TABLE, .table = &placement_table},
    {.key = "priority", .kind = BIND_INT32, .preset = "0", BIND_AT(policy_object, priority)},
    {.key = "autoScaling", .kind = BIND_TABLE, .table = &scaling_table, BIND_NODE_AT(policy_object, provision_node)},
    KM_IGNORED("activationPreference", "policies do not change during a run"),
    KM_IGNORED("association", "an older name of propagateDeps"),
    KM_IGNORED("conflictResolution", "objects are not written into member clusters"),
    KM_IGNORED("dependentOverrides", "objects are not written into member clusters"),
    KM_UNMODELLED(
        "failover",
        "an unhealthy workload is not evicted; replicas leave a cluster that is not ready or has no node for them"),
    KM_IGNORED("preemption", "takes over templates of other policies; who claims what is decided at start"),
    KM_IGNORED("preserveResourcesOnDeletion", "templates are not deleted during a run"),
    KM_IGNORED("propagateDeps", "dependencies of a workload are not modelled"),
    KM_IGNORED("schedulePriority", "the PriorityClass of the pods decides"),
    KM_IGNORED("schedulerName", "this program is the scheduler"),
    {.key = "suspension", .kind = BIND_TABLE, .table = &suspension_table},
    {.key = NULL},
};

static const bind_table spec_table = {
    .name = "PropagationPolicy spec", .size = sizeof(policy_object), .fields = spec_fields};

static const bind_field root_fields[] = {
    KM_ROOT(policy_object, km_meta_table),
    {.key = "spec", .kind = BIND_TABLE, .table = &spec_table, .required = true, .help = "selectors and placement"},
    {.key = NULL},
};

const bind_table policy_object_table = {
    .name = "PropagationPolicy", .size = sizeof(policy_object), .fields = root_fields};
