/* SPDX-License-Identifier: Apache-2.0 */
/** kind_hpa.c - autoscaling/v2 HorizontalPodAutoscaler and autoscaling.karmada.io/v1alpha1 FederatedHPA. */
#include "sched/manifest/hpa_metrics.h"
#include "sched/manifest/quantity.h"

#include <inttypes.h>
#include <string.h>

#define SYNC_S             15 /* sync period of the Kubernetes controller, which manifests cannot change */
#define CPU_TARGET_DEFAULT 80 /* percent, what Kubernetes uses when metrics are left out */
#define WINDOW_MAX_S       3600
#define PERIOD_MAX_S       1800

typedef struct autoscaler {
    km_head head;
    const char *target_api;
    const char *target_kind;
    const char *target_name;
    const ynode *target_node;
    int32_t replicas_min;
    int32_t replicas_max;
    const ynode *min_node;
    const ynode *max_node;
    const km_hpa_metric *metrics;
    size_t metric_count;
    const km_behavior *behavior;
} autoscaler;

/* --- behavior ------------------------------------------------------------------------------------------------ */

static const bind_name unit_names[] = {{"Pods", SPW_SCALING_PODS}, {"Percent", SPW_SCALING_PERCENT}, {NULL, 0}};

static const bind_field policy_fields[] = {
    {.key = "type",
     .kind = BIND_ENUM,
     .required = true,
     .names = unit_names,
     BIND_AT(spw_scaling_policy, unit),
     .help = "Pods or Percent"},
    {.key = "value",
     .kind = BIND_INT32,
     .required = true,
     .range = BIND_MIN,
     .min = 1,
     BIND_AT(spw_scaling_policy, value),
     .help = "pods or percent per period"},
    {.key = "periodSeconds",
     .kind = BIND_INT32,
     .required = true,
     .range = BIND_MIN | BIND_MAX,
     .min = 1,
     .max = PERIOD_MAX_S,
     BIND_AT(spw_scaling_policy, period_s),
     .unit = "s",
     .help = "length of the period"},
    {.key = NULL},
};

static const bind_table policy_table = {
    .name = "scaling policy", .size = sizeof(spw_scaling_policy), .fields = policy_fields};

static const bind_name select_names[] = {
    {"Max", SPW_SELECT_MAX}, {"Min", SPW_SELECT_MIN}, {"Disabled", SPW_SELECT_DISABLED}, {NULL, 0}};

/* A quantity in parts per million: finer than the milli-units of other quantities. */
static bool read_tolerance(bind *b, const bind_field *field, const ynode *node, void *at)
{
    const bind_field form = {.key = field->key, .kind = BIND_QUANTITY};
    int64_t milli = 0;

    return bind_scalar(b, &form, node, &milli) && quantity_parse_scaled(node->text, 6, at) == NULL;
}

static const bind_field rule_fields[] = {
    {.key = "stabilizationWindowSeconds",
     .kind = BIND_INT32,
     .range = BIND_MIN | BIND_MAX,
     .min = 0,
     .max = WINDOW_MAX_S,
     BIND_AT(km_rules, window_s),
     .unit = "s"},
    {.key = "selectPolicy", .kind = BIND_ENUM, .names = select_names, .preset = "Max", BIND_AT(km_rules, select)},
    {.key = "tolerance", .kind = BIND_CUSTOM, .custom = read_tolerance, BIND_AT(km_rules, tolerance_ppm)},
    {.key = "policies",
     .kind = BIND_LIST,
     .table = &policy_table,
     .count_min = 1,
     BIND_AT(km_rules, policies),
     BIND_COUNT(km_rules, policy_count)},
    {.key = NULL},
};

static void init_rules(void *object)
{
    km_rules *r = object;

    r->window_s = -1; /* left to the defaults of the direction */
    r->tolerance_ppm = -1;
}

static const bind_table rule_table = {
    .name = "scaling rules", .size = sizeof(km_rules), .fields = rule_fields, .init = init_rules};

static const bind_field behavior_fields[] = {
    {.key = "scaleUp", .kind = BIND_TABLE, .table = &rule_table, BIND_AT(km_behavior, up)},
    {.key = "scaleDown", .kind = BIND_TABLE, .table = &rule_table, BIND_AT(km_behavior, down)},
    {.key = NULL},
};

const bind_table km_behavior_table = {.name = "behavior", .size = sizeof(km_behavior), .fields = behavior_fields};

/* --- the object ---------------------------------------------------------------------------------------------- */

static const bind_field reference_fields[] = {
    {.key = "apiVersion", .kind = BIND_STRING, .preset = "", BIND_AT(autoscaler, target_api)},
    {.key = "kind", .kind = BIND_STRING, .required = true, BIND_AT(autoscaler, target_kind)},
    {.key = "name", .kind = BIND_STRING, .required = true, BIND_AT(autoscaler, target_name)},
    {.key = NULL},
};

/* Binds into the autoscaler itself: one more level of keys only. */
static const bind_table reference_table = {
    .name = "scaleTargetRef", .size = sizeof(autoscaler), .fields = reference_fields};

static const bind_field spec_fields[] = {
    {.key = "scaleTargetRef",
     .kind = BIND_TABLE,
     .table = &reference_table,
     .required = true,
     BIND_NODE_AT(autoscaler, target_node),
     .help = "the workload whose replicas are scaled"},
    {.key = "minReplicas",
     .kind = BIND_INT32,
     .preset = "1",
     .range = BIND_MIN | BIND_MAX,
     .min = 0,
     .max = SPW_REPLICAS_MAX,
     BIND_AT(autoscaler, replicas_min),
     BIND_NODE_AT(autoscaler, min_node)},
    {.key = "maxReplicas",
     .kind = BIND_INT32,
     .required = true,
     .range = BIND_MIN | BIND_MAX,
     .min = 1,
     .max = SPW_REPLICAS_MAX,
     BIND_AT(autoscaler, replicas_max),
     BIND_NODE_AT(autoscaler, max_node),
     .help = "the upper bound has no default"},
    {.key = "metrics",
     .kind = BIND_LIST,
     .table = &km_hpa_metric_table,
     BIND_AT(autoscaler, metrics),
     BIND_COUNT(autoscaler, metric_count)},
    {.key = "behavior", .kind = BIND_OPTION, .table = &km_behavior_table, BIND_AT(autoscaler, behavior)},
    {.key = NULL},
};

static const bind_table spec_table = {.name = "autoscaler spec", .size = sizeof(autoscaler), .fields = spec_fields};

static const bind_field root_fields[] = {
    KM_ROOT(autoscaler, km_meta_table),
    {.key = "spec", .kind = BIND_TABLE, .table = &spec_table, .required = true, .help = "target, bounds, metrics"},
    {.key = NULL},
};

static const bind_table root_table = {.name = "autoscaler", .size = sizeof(autoscaler), .fields = root_fields};

spw_scaling_rules km_convert_rules(const km_rules *rules)
{
    if (rules == NULL) {
        return (spw_scaling_rules){.window_s = -1, .select = SPW_SELECT_MAX, .tolerance_ppm = -1};
    }
    return (spw_scaling_rules){.window_s = rules->window_s,
                               .select = rules->select,
                               .tolerance_ppm = rules->tolerance_ppm,
                               .policies = rules->policies,
                               .policy_count = rules->policy_count};
}

static bool check_bounds(bind *b, const autoscaler *a)
{
    bool counts_pods = true;

    for (size_t i = 0; i < a->metric_count; i++) {
        counts_pods = counts_pods && a->metrics[i].type != KM_METRIC_OBJECT && a->metrics[i].type != KM_METRIC_EXTERNAL;
    }
    if (a->replicas_min > a->replicas_max) {
        ynode_error(b->diag, a->max_node, "'spec.maxReplicas' is %" PRId32 ", below minReplicas %" PRId32,
                    a->replicas_max, a->replicas_min);
        return false;
    }
    if (a->replicas_min == 0 && counts_pods) {
        ynode_error(b->diag, a->min_node, "'spec.minReplicas' 0 needs an Object or External metric to scale up again");
        return false;
    }
    return true;
}

static bool convert(bind *b, const autoscaler *a, spw_hpa *out)
{

    const size_t count = a->metric_count > 0 ? a->metric_count : 1;
    spw_hpa_metric *metrics = zone_array(b->zone, count, sizeof(*metrics));

    if (metrics == NULL) {
        return false;
    }
    metrics[0] = (spw_hpa_metric){.kind = SPW_METRIC_RESOURCE,
                                  .target_kind = SPW_TARGET_UTILIZATION,
                                  .target = CPU_TARGET_DEFAULT,
                                  .name = "cpu",
                                  .is_cpu = true};
    for (size_t i = 0; i < a->metric_count; i++) {
        if (!km_convert_metric(b->zone, &a->metrics[i], &metrics[i])) {
            return false;
        }
    }
    *out = (spw_hpa){.replicas_min = a->replicas_min,
                     .replicas_max = a->replicas_max,
                     .metrics = metrics,
                     .metric_count = count,
                     .has_behavior = a->behavior != NULL,
                     .up = km_convert_rules(a->behavior != NULL ? &a->behavior->up : NULL),
                     .down = km_convert_rules(a->behavior != NULL ? &a->behavior->down : NULL),
                     .federated = strcmp(a->head.kind, "FederatedHPA") == 0,
                     .sync_s = SYNC_S};
    return true;
}

#define ARITHMETIC "spillway.dev/arithmetic"

static bool read_arithmetic(bind *b, const km_meta *meta, int32_t *exact)
{
    static const bind_name names[] = {{"kubernetes", 0}, {"exact", 1}, {NULL, 0}};
    const bind_field field = {.key = ARITHMETIC, .kind = BIND_ENUM, .names = names};
    const bind_pair *pair = km_find(meta->annotations, meta->annotation_count, ARITHMETIC);

    if (pair == NULL) {
        return true;
    }
    ynode plain = *pair->node;
    plain.quoted = false;
    return bind_scalar(b, &field, &plain, exact);
}

bool km_read_hpa(spw_manifest_set *set, bind *b, const ynode *root)
{
    static const char *const known[] = {ARITHMETIC, NULL};
    km_hpa *out = zone_take(b->zone, sizeof(*out));
    autoscaler a;
    int32_t exact = 0;

    if (out == NULL || !bind_object(b, &root_table, root, &a) ||
        !km_check_annotations(b, a.head.meta.annotations, a.head.meta.annotation_count, known) ||
        !check_bounds(b, &a) || !convert(b, &a, &out->hpa) || !read_arithmetic(b, &a.head.meta, &exact)) {
        return false;
    }
    out->hpa.exact = exact != 0;
    out->head = a.head;
    out->target_api = a.target_api;
    out->target_kind = a.target_kind;
    out->target_name = a.target_name;
    out->target_node = a.target_node;
    if (!km_append(set, &set->hpas, &out->head, root)) {
        return false;
    }
    out->hpa.name = out->head.full;
    return true;
}
