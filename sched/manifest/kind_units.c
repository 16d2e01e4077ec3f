/* SPDX-License-Identifier: Apache-2.0 */
/**
 * kind_units.c - scheduling.alibabacloud.com/v1alpha1 ResourcePolicy: the order of a cluster's pools for a Deployment.
 *
 * Facts of the kind: Alibaba Cloud, "Configure priority-based resource scheduling". The object lives in a cluster; here
 * one says what holds in every cluster, and `max` counts in each. How a unit's nodeSelector names pools stands in
 * spillway/manifest.h. Upstream orders scale-in with controller.kubernetes.io/pod-deletion-cost, so a Deployment that
 * sets that annotation itself is refused under a ResourcePolicy.
 */
#include "sched/manifest/manifest_int.h"

#include <inttypes.h>
#include <string.h>

#define DELETION_COST  "controller.kubernetes.io/pod-deletion-cost"
#define WAIT_LABEL     "k8s.aliyun.com/resource-policy-wait-for-ecs-scaling"
#define TIMEOUT_PRESET INT64_C(900000000000) /* 15 min: the kind's own */

enum { RESOURCE_ECS = 1, RESOURCE_ELASTIC = 2, RESOURCE_PER_USE = 3 };
enum { PREEMPT_AFTER = 1, PREEMPT_BEFORE = 2 };

typedef struct unit_parts {
    int32_t resource;
    int32_t most;
    bool has_most;
    const ynode *most_node;
    const bind_pair *nodes;
    size_t node_count;
    const bind_pair *labels;
    size_t label_count;
} unit_parts;

typedef struct units_parts {
    km_head head;
    const bind_pair *selector;
    size_t selector_count;
    const unit_parts *units;
    size_t unit_count;
    const ynode *units_node;
    int32_t next;
    int64_t timeout_ns;
    int32_t preempt;
    const ynode *preempt_node;
} units_parts;

static const bind_name resources[] = {{"ecs", RESOURCE_ECS},
                                      {"elastic", RESOURCE_ELASTIC},
                                      {"eci", RESOURCE_PER_USE},
                                      {"acs", RESOURCE_PER_USE},
                                      {NULL, 0}};

static const bind_field unit_fields[] = {
    {.key = "resource",
     .kind = BIND_ENUM,
     .required = true,
     .names = resources,
     BIND_AT(unit_parts, resource),
     .help = "ecs: any pool; elastic: any, and replicas wait for its nodes; eci, acs: on-demand and spot pools"},
    {.key = "nodeSelector",
     .kind = BIND_TEXTS,
     BIND_AT(unit_parts, nodes),
     BIND_COUNT(unit_parts, node_count),
     .help = "labels that name pools"},
    {.key = "max",
     .kind = BIND_INT32,
     .range = BIND_MIN | BIND_MAX,
     .min = 0,
     .max = SPW_REPLICAS_MAX,
     BIND_AT(unit_parts, most),
     BIND_HAS(unit_parts, has_most),
     BIND_NODE_AT(unit_parts, most_node),
     .help = "replicas in the unit, in each cluster"},
    {.key = "podLabels", .kind = BIND_TEXTS, BIND_AT(unit_parts, labels), BIND_COUNT(unit_parts, label_count)},
    KM_IGNORED("podAnnotations", "annotations of pods do not matter here"),
    {.key = NULL},
};

static const bind_table unit_table = {.name = "unit", .size = sizeof(unit_parts), .fields = unit_fields};

static const bind_name next_names[] = {{"LackResourceOrExceedMax", SPW_NEXT_LACK_OR_MAX},
                                       {"ExceedMax", SPW_NEXT_MAX},
                                       {"TimeoutOrExceedMax", SPW_NEXT_TIMEOUT_OR_MAX},
                                       {"LackResourceAndNoTerminating", SPW_NEXT_LACK_AND_NO_TERMINATING},
                                       {NULL, 0}};

static const bind_field next_fields[] = {
    {.key = "policy",
     .kind = BIND_ENUM,
     .names = next_names,
     .preset = "LackResourceOrExceedMax",
     BIND_AT(units_parts, next)},
    {.key = "timeout",
     .kind = BIND_DURATION,
     .range = BIND_MIN,
     .min = 0,
     BIND_AT(units_parts, timeout_ns),
     .help = "of TimeoutOrExceedMax; 15 min"},
    {.key = NULL},
};

/* Binds into the object itself: one more level of keys only. */
static const bind_table next_table = {.name = "whenTryNextUnits", .size = sizeof(units_parts), .fields = next_fields};

static const bind_name strategies[] = {{"prefer", 1}, {NULL, 0}};
static const bind_name preempts[] = {{"AfterAllUnits", PREEMPT_AFTER}, {"BeforeNextUnit", PREEMPT_BEFORE}, {NULL, 0}};

typedef struct spec_parts {
    units_parts all;
    int32_t strategy;
} spec_parts;

static const bind_field spec_fields[] = {
    {.key = "selector",
     .kind = BIND_TEXTS,
     BIND_AT(units_parts, selector),
     BIND_COUNT(units_parts, selector_count),
     .help = "labels of pods of the same namespace; none: all pods"},
    {.key = "strategy", .kind = BIND_ENUM, .names = strategies, .preset = "prefer", BIND_AT(spec_parts, strategy)},
    {.key = "units",
     .kind = BIND_LIST,
     .table = &unit_table,
     .required = true,
     .count_min = 1,
     BIND_AT(units_parts, units),
     BIND_COUNT(units_parts, unit_count),
     BIND_NODE_AT(units_parts, units_node),
     .help = "in order of use"},
    {.key = "whenTryNextUnits", .kind = BIND_TABLE, .table = &next_table},
    {.key = "preemptPolicy",
     .kind = BIND_ENUM,
     .names = preempts,
     .preset = "AfterAllUnits",
     BIND_AT(units_parts, preempt),
     BIND_NODE_AT(units_parts, preempt_node)},
    KM_IGNORED("ignorePreviousPod", "all replicas of the workload count towards max"),
    KM_IGNORED("ignoreTerminatingPod", "replicas on their way out do not count towards max"),
    KM_UNMODELLED("matchLabelKeys", "max is counted over all revisions of a workload"),
    {.key = NULL},
};

static const bind_table spec_table = {.name = "ResourcePolicy spec", .size = sizeof(spec_parts), .fields = spec_fields};

static const bind_field root_fields[] = {
    KM_ROOT(units_parts, km_meta_table),
    {.key = "spec", .kind = BIND_TABLE, .table = &spec_table, .required = true, .help = "selector and units"},
    {.key = NULL},
};

static const bind_table root_table = {.name = "ResourcePolicy", .size = sizeof(spec_parts), .fields = root_fields};

/* One label of a nodeSelector. */
static bool take_label(bind *b, const bind_pair *label, spw_unit *out)
{
    static const bind_name capacities[] = {{"owned", SPW_CAPACITY_OWNED},
                                           {"reserved", SPW_CAPACITY_RESERVED},
                                           {"on-demand", SPW_CAPACITY_ON_DEMAND},
                                           {"spot", SPW_CAPACITY_SPOT},
                                           {NULL, 0}};
    static const bind_name keys[] = {{"alibabacloud.com/nodepool-id", 1},
                                     {"spillway.dev/pool", 1},
                                     {"nvidia.com/gpu.product", 2},
                                     {"spillway.dev/capacity", 3},
                                     {NULL, 0}};

    for (const bind_name *key = keys; key->text != NULL; key++) {
        if (strcmp(key->text, label->key) != 0) {
            continue;
        }
        if (key->value == 1) {
            out->pool = label->value;
        } else if (key->value == 2) {
            out->gpu = label->value;
        }
        for (const bind_name *c = capacities; key->value == 3 && c->text != NULL; c++) {
            out->capacity = strcmp(c->text, label->value) == 0 ? c->value : out->capacity;
        }
        return (key->value != 3 || out->capacity != 0) ||
               bind_unknown_name(b, label->node, "kind of capacity", capacities);
    }
    return bind_unknown_name(b, label->node->key, "label of a pool", keys);
}

static bool convert_unit(bind *b, const unit_parts *from, spw_unit *out)
{
    const bind_pair *wait = km_find(from->labels, from->label_count, WAIT_LABEL);

    *out =
        (spw_unit){.replicas_max = from->has_most ? from->most : -1,
                   .pay_per_use = from->resource == RESOURCE_PER_USE,
                   .waits = from->resource == RESOURCE_ELASTIC || (wait != NULL && strcmp(wait->value, "true") == 0)};
    if (from->resource == RESOURCE_ELASTIC && from->has_most) {
        ynode_error(b->diag, from->most_node, "a unit of resource 'elastic' has no 'max'");
        return false;
    }
    for (size_t i = 0; i < from->node_count; i++) {
        if (!take_label(b, &from->nodes[i], out)) {
            return false;
        }
    }
    return true;
}

bool km_read_units(spw_manifest_set *set, bind *b, const ynode *root)
{
    static const char *const none[] = {NULL};
    km_units *out = zone_take(b->zone, sizeof(*out));
    spec_parts parts;
    const units_parts *p = &parts.all;

    if (out == NULL || !bind_object(b, &root_table, root, &parts) ||
        !km_check_annotations(b, p->head.meta.annotations, p->head.meta.annotation_count, none)) {
        return false;
    }
    if (p->unit_count > SPW_UNITS_MAX) {
        ynode_error(b->diag, p->units_node, "a ResourcePolicy has at most %d units", SPW_UNITS_MAX);
        return false;
    }
    if (p->preempt == PREEMPT_BEFORE) {
        ynode_warning(b->diag, p->preempt_node,
                      "victims are made only after all units: in which unit one stands is not known for sure");
    }
    spw_unit *units = zone_array(b->zone, p->unit_count, sizeof(*units));
    for (size_t i = 0; units != NULL && i < p->unit_count; i++) {
        if (!convert_unit(b, &p->units[i], &units[i])) {
            return false;
        }
    }
    out->head = p->head;
    out->selector = (km_selector){.labels = p->selector, .label_count = p->selector_count};
    out->units = (spw_units){.at = units,
                             .count = p->unit_count,
                             .next = (spw_next_unit)(p->next),
                             .timeout = p->timeout_ns > 0 ? p->timeout_ns : TIMEOUT_PRESET};
    return units != NULL && km_append(set, &set->units, &out->head, root);
}

static bool join_one(spw_diag *diag, const km_units *units, const km_deployment *d, const char **owner,
                     spw_workload *workload)
{
    const bind_pair *cost = km_find(d->pod_annotations, d->pod_annotation_count, DELETION_COST);

    if (*owner != NULL) {
        ynode_error(diag, units->head.meta.name_node, "%s '%s' has two ResourcePolicies: '%s' and '%s'", d->head.kind,
                    d->head.full, *owner, units->head.full);
        return false;
    }
    if (cost != NULL) {
        ynode_error(diag, cost->node, "ResourcePolicy '%s' orders scale-in itself: " DELETION_COST " excludes it",
                    units->head.full);
        return false;
    }
    *owner = units->head.full;
    workload->units = &units->units;
    return true;
}

bool km_join_units(spw_manifest_set *set, spw_diag *diag, km_head *const *deployments, size_t count,
                   spw_workload *workloads)
{
    const char **owners = zone_array(&set->z, count + 1, sizeof(*owners));
    bool ok = owners != NULL;

    for (const km_head *head = set->units.first; head != NULL && owners != NULL; head = head->next) {
        const km_units *units = (const km_units *)(const void *)head;
        bool any = false;

        for (size_t i = 0; i < count; i++) {
            const km_deployment *d = (const km_deployment *)(const void *)deployments[i];
            const km_meta pod = {.labels = d->pod_labels, .label_count = d->pod_label_count};

            if (strcmp(head->meta.space, d->head.meta.space) == 0 && km_matches(&units->selector, &pod)) {
                any = true;
                ok = join_one(diag, units, d, &owners[i], &workloads[i]) && ok;
            }
        }
        if (!any) {
            ynode_warning(diag, head->meta.name_node, "ResourcePolicy '%s' selects no workload", head->full);
        }
    }
    return ok;
}
