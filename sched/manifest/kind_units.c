/* SPDX-License-Identifier: Apache-2.0 */
/**
 * kind_units.c - scheduling.alibabacloud.com/v1alpha1 ResourcePolicy: the order of a cluster's pools for a Deployment.
 *
 * Facts of the kind: Alibaba Cloud, "Configure priority-based resource scheduling". The object lives in a cluster; here
 * one says what holds in every cluster, and `max` and `maxResources` count in each. How a unit's nodeSelector names
 * pools stands in spillway/manifest.h. Upstream orders scale-in with controller.kubernetes.io/pod-deletion-cost, so a
 * Deployment that sets that annotation itself is refused under a ResourcePolicy.
 */
#include "sched/manifest/manifest_int.h"

#include <inttypes.h>
#include <string.h>

#include "sched/manifest/pod_spec.h"

#define DELETION_COST  "controller.kubernetes.io/pod-deletion-cost"
#define OUR_LABELS     "spillway.dev/"
#define WAIT_LABEL     "k8s.aliyun.com/resource-policy-wait-for-ecs-scaling"
#define TIMEOUT_PRESET INT64_C(900000000000) /* 15 min: the kind's own */

enum { RESOURCE_ECS = 1, RESOURCE_ELASTIC = 2, RESOURCE_PER_USE = 3 };
enum { PREEMPT_AFTER = 1, PREEMPT_BEFORE = 2 };

/* What the requests of all replicas in a unit may add up to; -1 = any. */
typedef struct km_unit_bound {
    int64_t gpu_milli, cpu_milli, memory_bytes;
} km_unit_bound;

typedef struct unit_parts {
    int32_t resource;
    int32_t most;
    bool has_most;
    const ynode *most_node;
    km_unit_bound bound;
    const ynode *bound_node;
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
    const char *const *keys;
    size_t key_count;
} units_parts;

static bool read_bound(bind *b, const bind_field *field, const ynode *node, void *at)
{
    static const bind_field amount = {
        .kind = BIND_QUANTITY, .range = BIND_MIN | BIND_MAX, .min = 0, .max = (double)INT64_MAX / 1000};
    km_unit_bound *out = at;
    bool ok = node->kind == YNODE_MAPPING;

    if (!ok) {
        ynode_error(b->diag, node, "'%s' must be a mapping of resources to quantities", field->key);
    }
    for (size_t i = 0; node->kind == YNODE_MAPPING && i < node->count; i++) {
        const char *key = node->keys[i]->text;
        int64_t milli = 0;

        if (!bind_scalar(b, &amount, node->items[i], &milli)) {
            ok = false;
        } else if (strcmp(key, GPU_RESOURCE) == 0) {
            out->gpu_milli = milli;
        } else if (strcmp(key, "cpu") == 0) {
            out->cpu_milli = milli;
        } else if (strcmp(key, "memory") == 0) {
            out->memory_bytes = milli / 1000;
        } else {
            km_report_ignored(b, node->keys[i], "no replica is known to request it");
        }
    }
    return ok;
}

static void init_unit(void *object)
{
    ((unit_parts *)object)->bound = (km_unit_bound){-1, -1, -1};
}

static const bind_name resource_names[] = {{"ecs", RESOURCE_ECS},
                                           {"elastic", RESOURCE_ELASTIC},
                                           {"eci", RESOURCE_PER_USE},
                                           {"acs", RESOURCE_PER_USE},
                                           {NULL, 0}};

static const bind_field unit_fields[] = {
    {.key = "resource",
     .kind = BIND_ENUM,
     .required = true,
     .names = resource_names,
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
    {.key = "maxResources",
     .kind = BIND_CUSTOM,
     .custom = read_bound,
     BIND_AT(unit_parts, bound),
     BIND_NODE_AT(unit_parts, bound_node),
     .help = "nvidia.com/gpu, cpu, memory: what the requests of the replicas in the unit add up to, in each cluster"},
    {.key = "podLabels", .kind = BIND_TEXTS, BIND_AT(unit_parts, labels), BIND_COUNT(unit_parts, label_count)},
    KM_IGNORED("podAnnotations", "annotations of pods do not matter here"),
    {.key = NULL},
};

static const bind_table unit_table = {
    .name = "unit", .size = sizeof(unit_parts), .fields = unit_fields, .init = init_unit};

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
    {.key = "matchLabelKeys",
     .kind = BIND_SCALARS,
     .item = BIND_STRING,
     BIND_AT(units_parts, keys),
     BIND_COUNT(units_parts, key_count),
     .help = "labels of pods: max counts the pods of each value of them apart"},
    {.key = NULL},
};

static const bind_table spec_table = {.name = "ResourcePolicy spec", .size = sizeof(spec_parts), .fields = spec_fields};

static const bind_field root_fields[] = {
    KM_ROOT(units_parts, km_meta_table),
    {.key = "spec", .kind = BIND_TABLE, .table = &spec_table, .required = true, .help = "selector and units"},
    {.key = NULL},
};

static const bind_table root_table = {.name = "ResourcePolicy", .size = sizeof(spec_parts), .fields = root_fields};

/* One label of a nodeSelector: of what a pool is known by, or any other that its nodes carry. */
static bool take_label(bind *b, const bind_pair *label, spw_unit *out, spw_label *more)
{
    static const bind_name capacities[] = {{"owned", SPW_CAPACITY_OWNED},
                                           {"reserved", SPW_CAPACITY_RESERVED},
                                           {"on-demand", SPW_CAPACITY_ON_DEMAND},
                                           {"spot", SPW_CAPACITY_SPOT},
                                           {NULL, 0}};
    static const bind_name ours[] = {{"spillway.dev/pool", 1}, {"spillway.dev/capacity", 2}, {NULL, 0}};

    if (strcmp(label->key, SPW_LABEL_POOL) == 0 || strcmp(label->key, ours[0].text) == 0) {
        out->pool = label->value;
        return true;
    }
    if (strcmp(label->key, SPW_LABEL_GPU) == 0) {
        out->gpu = label->value;
        return true;
    }
    if (strcmp(label->key, ours[1].text) == 0) {
        for (const bind_name *c = capacities; c->text != NULL; c++) {
            out->capacity = strcmp(c->text, label->value) == 0 ? c->value : out->capacity;
        }
        return out->capacity != 0 || bind_unknown_name(b, label->node, "kind of capacity", capacities);
    }
    if (strncmp(label->key, OUR_LABELS, strlen(OUR_LABELS)) == 0) {
        return bind_unknown_name(b, label->node->key, "label of a pool", ours);
    }
    more[out->labels.count++] = (spw_label){label->key, label->value};
    return true;
}

static bool convert_unit(bind *b, const unit_parts *from, spw_unit *out)
{
    const bind_pair *wait = km_find(from->labels, from->label_count, WAIT_LABEL);
    spw_label *more = zone_array(b->zone, from->node_count + 1, sizeof *more);

    *out =
        (spw_unit){.replicas_max = from->has_most ? from->most : -1,
                   .labels.at = more,
                   .pay_per_use = from->resource == RESOURCE_PER_USE,
                   .waits = from->resource == RESOURCE_ELASTIC || (wait != NULL && strcmp(wait->value, "true") == 0)};
    if (from->resource == RESOURCE_ELASTIC && (from->has_most || from->bound_node != NULL)) {
        ynode_error(b->diag, from->has_most ? from->most_node : from->bound_node,
                    "a unit of resource 'elastic' has no '%s'", from->has_most ? "max" : "maxResources");
        return false;
    }
    for (size_t i = 0; more != NULL && i < from->node_count; i++) {
        if (!take_label(b, &from->nodes[i], out, more)) {
            return false;
        }
    }
    return more != NULL;
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
    spw_unit *units = zone_array(b->zone, p->unit_count, sizeof(*units));
    km_unit_bound *bounds = zone_array(b->zone, p->unit_count, sizeof(*bounds));
    for (size_t i = 0; units != NULL && bounds != NULL && i < p->unit_count; i++) {
        bounds[i] = p->units[i].bound;
        if (!convert_unit(b, &p->units[i], &units[i])) {
            return false;
        }
    }
    out->bounds = bounds;
    out->keys = p->keys;
    out->key_count = p->key_count;
    out->head = p->head;
    out->selector = (km_selector){.labels = p->selector, .label_count = p->selector_count};
    out->units = (spw_units){.at = units,
                             .count = p->unit_count,
                             .next = (spw_next_unit)(p->next),
                             .timeout = p->timeout_ns > 0 ? p->timeout_ns : TIMEOUT_PRESET,
                             .preempts_before_next = p->preempt == PREEMPT_BEFORE};
    out->preempt_node = p->preempt_node;
    return units != NULL && bounds != NULL && km_append(set, &set->units, &out->head, root);
}

/* --- the units of one workload --- */

/* Does every replica of a workload have a value of its own under this label? Set by the StatefulSet's controller. */
static bool is_own(const char *key)
{
    return strcmp(key, "statefulset.kubernetes.io/pod-name") == 0 || strcmp(key, "apps.kubernetes.io/pod-index") == 0;
}

/* Does every revision of it? */
static bool is_revision(const char *key)
{
    return strcmp(key, "pod-template-hash") == 0 || strcmp(key, "controller-revision-hash") == 0;
}

/* Replicas of this request that a bound lets through; -1 = any number. `before`: of the bounds before. */
static int32_t fitting(int64_t most, int64_t request, int32_t before)
{
    const int64_t n = most < 0 || request == 0 ? SPW_REPLICAS_MAX : most / request;
    const int32_t known = before < 0 ? SPW_REPLICAS_MAX : before;
    return n < known ? (int32_t)n : before;
}

/* Units with the bounds of this workload: all its replicas request the same, so a bound of sums is a count of them. */
static const spw_units *units_for(spw_manifest_set *set, const km_units *units, bool own, const spw_workload *w)
{
    spw_units *copy = zone_take(&set->z, sizeof(*copy));
    spw_unit *at = zone_array(&set->z, units->units.count, sizeof(*at));

    for (size_t i = 0; at != NULL && i < units->units.count; i++) {
        const km_unit_bound *bound = &units->bounds[i];
        const int32_t most = units->units.at[i].replicas_max;

        at[i] = units->units.at[i];
        at[i].replicas_max = own && most > 0 ? -1 : most; /* each replica is one of its value */
        at[i].replicas_max = fitting(bound->gpu_milli, (int64_t)w->gpus * 1000, at[i].replicas_max);
        at[i].replicas_max = fitting(bound->cpu_milli, w->cpu_milli, at[i].replicas_max);
        at[i].replicas_max = fitting(bound->memory_bytes, w->memory_bytes, at[i].replicas_max);
    }
    if (copy != NULL && at != NULL) {
        *copy = units->units;
        copy->at = at;
    }
    return copy;
}

static bool has_max(const km_units *units)
{
    bool any = false;

    for (size_t i = 0; i < units->units.count; i++) {
        any = any || units->units.at[i].replicas_max >= 0;
    }
    return any;
}

/* Says which labels of matchLabelKeys the pods lack. @return whether each replica is counted alone */
static bool look_at_keys(spw_diag *diag, const km_units *units, const km_deployment *d)
{
    bool own = false;

    for (size_t i = 0; i < units->key_count; i++) {
        const char *key = units->keys[i];
        const bool stateful = d->workload.kind == SPW_WORKLOAD_STATEFULSET;

        if (is_own(key) && stateful) {
            own = true;
        } else if (!is_revision(key) && km_find(d->pod_labels, d->pod_label_count, key) == NULL) {
            ynode_warning(diag, units->head.meta.name_node,
                          "pods of %s '%s' carry no label '%s' of matchLabelKeys: they are counted together",
                          d->head.kind, d->head.full, key);
        }
    }
    return own;
}

/* Do two workloads differ in a label by which `max` counts? */
static bool are_apart(const km_units *units, const km_deployment *a, const km_deployment *b)
{
    for (size_t i = 0; i < units->key_count; i++) {
        const bind_pair *x = km_find(a->pod_labels, a->pod_label_count, units->keys[i]);
        const bind_pair *y = km_find(b->pod_labels, b->pod_label_count, units->keys[i]);

        if (is_own(units->keys[i]) || is_revision(units->keys[i]) ||
            (x != NULL && y != NULL && strcmp(x->value, y->value) != 0)) {
            return true;
        }
    }
    return false;
}

static bool join_one(spw_manifest_set *set, spw_diag *diag, const km_units *units, const km_deployment *d,
                     const char **owner, spw_workload *workload)
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
    workload->units = units_for(set, units, look_at_keys(diag, units, d), &d->workload);
    return workload->units != NULL;
}

/* BeforeNextUnit belongs to the step of victims between idle and elastic room; without that it says nothing. */
static void look_at_preemption(spw_diag *diag, const km_units *units, const km_deployment *d, const spw_policy *policy)
{
    if (units->units.preempts_before_next &&
        (policy->preempt != SPW_PREEMPT_BEFORE_ELASTIC || policy->step_major == SPW_STEP_PER_CLUSTER)) {
        ynode_warning(diag, units->preempt_node,
                      "BeforeNextUnit says nothing for %s '%s': its PropagationPolicy has no spillway.dev/preempt: "
                      "before-elastic%s",
                      d->head.kind, d->head.full,
                      policy->step_major == SPW_STEP_PER_CLUSTER ? ", or takes its steps per cluster" : "");
    }
}

bool km_join_units(spw_manifest_set *set, spw_diag *diag, km_head *const *deployments, size_t count,
                   const spw_policy *policies, spw_workload *workloads)
{
    const char **owners = zone_array(&set->z, count + 1, sizeof(*owners));
    bool ok = owners != NULL;

    for (const km_head *head = set->units.first; head != NULL && owners != NULL; head = head->next) {
        const km_units *units = (const km_units *)(const void *)head;
        const km_deployment *last = NULL;
        bool shared = false;

        for (size_t i = 0; i < count; i++) {
            const km_deployment *d = (const km_deployment *)(const void *)deployments[i];
            const km_meta labelled = {.labels = d->pod_labels, .label_count = d->pod_label_count};

            if (strcmp(head->meta.space, d->head.meta.space) == 0 && km_matches(&units->selector, &labelled)) {
                shared = shared || (last != NULL && !are_apart(units, last, d));
                last = d;
                if (workloads[i].policy != SPW_ID_NONE) {
                    look_at_preemption(diag, units, d, &policies[workloads[i].policy]);
                }
                ok = join_one(set, diag, units, d, &owners[i], &workloads[i]) && ok;
            }
        }
        if (last == NULL) {
            ynode_warning(diag, head->meta.name_node, "ResourcePolicy '%s' selects no workload", head->full);
        } else if (shared && has_max(units)) {
            ynode_warning(diag, head->meta.name_node,
                          "ResourcePolicy '%s' selects several workloads: 'max' counts the replicas of each alone",
                          head->full);
        }
    }
    return ok;
}
