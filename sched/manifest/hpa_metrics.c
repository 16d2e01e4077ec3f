/* SPDX-License-Identifier: Apache-2.0 */
/** hpa_metrics.c - spec.metrics of an autoscaler: what is measured, of which object, and what it is held at. */
#include "sched/manifest/hpa_metrics.h"
#include "sched/manifest/selector_text.h"

#include <ctype.h>
#include <string.h>

static const bind_name target_names[] = {{"Utilization", SPW_TARGET_UTILIZATION},
                                         {"AverageValue", SPW_TARGET_AVERAGE_VALUE},
                                         {"Value", SPW_TARGET_VALUE},
                                         {NULL, 0}};

static bool check_target(bind *b, const ynode *node, void *object)
{
    const km_hpa_target *t = object;
    const bool wants[] = {t->kind == SPW_TARGET_UTILIZATION, t->kind == SPW_TARGET_AVERAGE_VALUE,
                          t->kind == SPW_TARGET_VALUE};
    const bool has[] = {t->has_utilization, t->has_average, t->has_value};
    static const char *const keys[] = {"averageUtilization", "averageValue", "value"};

    for (size_t i = 0; i < 3; i++) {
        if (wants[i] && !has[i]) {
            ynode_error(b->diag, node, "target type %s needs '%s'", target_names[i].text, keys[i]);
            return false;
        }
        if (!wants[i] && has[i]) {
            ynode_error(b->diag, ynode_get(node, keys[i])->key, "'%s' does not go with target type %s", keys[i],
                        ynode_get(node, "type")->text);
            return false;
        }
    }
    return true;
}

static const bind_field target_fields[] = {
    {.key = "type",
     .kind = BIND_ENUM,
     .required = true,
     .names = target_names,
     BIND_AT(km_hpa_target, kind),
     .help = "Utilization, AverageValue or Value"},
    {.key = "averageUtilization",
     .kind = BIND_INT32,
     .range = BIND_MIN,
     .min = 1,
     BIND_AT(km_hpa_target, utilization),
     BIND_HAS(km_hpa_target, has_utilization),
     .unit = "percent of the request"},
    {.key = "averageValue",
     .kind = BIND_QUANTITY,
     .range = BIND_ABOVE,
     .min = 0,
     BIND_AT(km_hpa_target, average),
     BIND_HAS(km_hpa_target, has_average)},
    {.key = "value",
     .kind = BIND_QUANTITY,
     .range = BIND_ABOVE,
     .min = 0,
     BIND_AT(km_hpa_target, value),
     BIND_HAS(km_hpa_target, has_value)},
    {.key = NULL},
};

static const bind_table target_table = {.name = "metric target",
                                        .size = sizeof(km_hpa_target),
                                        .fields = target_fields,
                                        .self_at = offsetof(km_hpa_target, node) + 1,
                                        .check = check_target};

static const bind_field metric_id_fields[] = {
    {.key = "name", .kind = BIND_STRING, .required = true, BIND_AT(km_hpa_source, name)},
    {.key = "selector", .kind = BIND_OPTION, .table = &km_selector_table, BIND_AT(km_hpa_source, selector)},
    {.key = NULL},
};

/* Binds into the source itself: one more level of keys only. */
static const bind_table metric_id_table = {.name = "metric", .size = sizeof(km_hpa_source), .fields = metric_id_fields};

static const bind_field described_fields[] = {
    {.key = "apiVersion", .kind = BIND_STRING, .preset = "v1", BIND_AT(km_described, api)},
    {.key = "kind",
     .kind = BIND_STRING,
     .required = true,
     BIND_AT(km_described, kind),
     .help = "Service, Ingress, ..."},
    {.key = "name", .kind = BIND_STRING, .required = true, BIND_AT(km_described, name), .help = "of the object"},
    {.key = NULL},
};

static const bind_table described_table = {
    .name = "describedObject", .size = sizeof(km_described), .fields = described_fields};

#define TARGET_ROW                                                                                                     \
    {                                                                                                                  \
        .key = "target", .kind = BIND_TABLE, .table = &target_table, .required = true, BIND_AT(km_hpa_source, target), \
        .help = "what the metric is held at"                                                                           \
    }
#define NAME_ROW                                                                                                       \
    {                                                                                                                  \
        .key = "name", .kind = BIND_STRING, .required = true, BIND_AT(km_hpa_source, name), .help = "cpu or memory"    \
    }
#define METRIC_ROW                                                                                                     \
    {                                                                                                                  \
        .key = "metric", .kind = BIND_TABLE, .table = &metric_id_table, .required = true, .help = "the metric's name"  \
    }

static const bind_field resource_fields[] = {NAME_ROW, TARGET_ROW, {.key = NULL}};
static const bind_field container_fields[] = {
    NAME_ROW, TARGET_ROW, KM_IGNORED("container", "usage is sampled per pod"), {.key = NULL}};
static const bind_field pods_fields[] = {METRIC_ROW, TARGET_ROW, {.key = NULL}};
static const bind_field object_fields[] = {
    METRIC_ROW,
    TARGET_ROW,
    {.key = "describedObject", .kind = BIND_OPTION, .table = &described_table, BIND_AT(km_hpa_source, described)},
    {.key = NULL},
};
static const bind_field external_fields[] = {METRIC_ROW, TARGET_ROW, {.key = NULL}};

static const bind_table resource_table = {.name = "resource", .size = sizeof(km_hpa_source), .fields = resource_fields};
static const bind_table container_table = {
    .name = "containerResource", .size = sizeof(km_hpa_source), .fields = container_fields};
static const bind_table pods_table = {.name = "pods", .size = sizeof(km_hpa_source), .fields = pods_fields};
static const bind_table object_table = {.name = "object", .size = sizeof(km_hpa_source), .fields = object_fields};
static const bind_table external_table = {.name = "external", .size = sizeof(km_hpa_source), .fields = external_fields};

#define SOURCE_ROW(name, rows)                                                                                         \
    {                                                                                                                  \
        .key = (name), .kind = BIND_TABLE, .table = &(rows), .required = true, BIND_AT(km_hpa_metric, source),         \
        .help = "the metric that the type announces"                                                                   \
    }

static const bind_field resource_variant[] = {SOURCE_ROW("resource", resource_table), {.key = NULL}};
static const bind_field container_variant[] = {SOURCE_ROW("containerResource", container_table), {.key = NULL}};
static const bind_field pods_variant[] = {SOURCE_ROW("pods", pods_table), {.key = NULL}};
static const bind_field object_variant[] = {SOURCE_ROW("object", object_table), {.key = NULL}};
static const bind_field external_variant[] = {SOURCE_ROW("external", external_table), {.key = NULL}};

static const bind_variant metric_variants[] = {
    {"Resource", resource_variant, "usage of cpu or memory against the request"},
    {"ContainerResource", container_variant, "the same for one container"},
    {"Pods", pods_variant, "a custom metric of each pod"},
    {"Object", object_variant, "a metric that describes one object"},
    {"External", external_variant, "a metric from outside the cluster"},
    {NULL, NULL, NULL},
};

static const bind_name type_names[] = {
    {"Resource", KM_METRIC_RESOURCE}, {"ContainerResource", KM_METRIC_CONTAINER_RESOURCE},
    {"Pods", KM_METRIC_PODS},         {"Object", KM_METRIC_OBJECT},
    {"External", KM_METRIC_EXTERNAL}, {NULL, 0}};

static const bind_field metric_fields[] = {
    {.key = "type",
     .kind = BIND_ENUM,
     .required = true,
     .names = type_names,
     BIND_AT(km_hpa_metric, type),
     .help = "Resource, ContainerResource, Pods, Object or External"},
    {.key = NULL},
};

static bool check_metric(bind *b, const ynode *node, void *object)
{
    const km_hpa_metric *m = object;
    const spw_target_kind kind = m->source.target.kind;
    const bool resource = m->type == KM_METRIC_RESOURCE || m->type == KM_METRIC_CONTAINER_RESOURCE;
    const char *type = ynode_get(node, "type")->text;

    if ((kind == SPW_TARGET_UTILIZATION && !resource) ||
        (kind == SPW_TARGET_VALUE && (resource || m->type == KM_METRIC_PODS))) {
        ynode_error(b->diag, m->source.target.node, "a %s metric cannot have a target of type %s", type,
                    kind == SPW_TARGET_VALUE ? "Value" : "Utilization");
        return false;
    }
    return true;
}

const bind_table km_hpa_metric_table = {.name = "metric",
                                        .size = sizeof(km_hpa_metric),
                                        .fields = metric_fields,
                                        .tag = "type",
                                        .variants = metric_variants,
                                        .self_at = offsetof(km_hpa_metric, node) + 1,
                                        .check = check_metric};

/* "deployments.apps/chat", as custom.metrics.k8s.io names an object. The plural of a kind is what API machinery takes
   it for; a server could tell of exceptions. */
static const char *object_path(zone *z, const km_described *d)
{
    const char *slash = strrchr(d->api, '/');
    const size_t length = strlen(d->kind);
    char *kind = zone_text(z, d->kind, length);
    const char *end = "s";

    if (kind == NULL || length == 0 || strcmp(d->kind, "Namespace") == 0) {
        return NULL; /* a namespace has a path of another form */
    }
    for (size_t i = 0; i < length; i++) {
        kind[i] = (char)tolower((unsigned char)kind[i]);
    }
    if (strcmp(kind, "endpoints") == 0) {
        end = "";
    } else if (kind[length - 1] == 's') {
        end = "es";
    } else if (kind[length - 1] == 'y') {
        kind[length - 1] = '\0';
        end = "ies";
    }
    return zone_format(z, "%s%s%s%.*s/%s", kind, end, slash != NULL ? "." : "",
                       slash != NULL ? (int)(slash - d->api) : 0, d->api, d->name);
}

bool km_convert_metric(zone *z, const km_hpa_metric *m, spw_hpa_metric *to)
{
    static const spw_metric_kind kinds[] = {
        [KM_METRIC_RESOURCE] = SPW_METRIC_RESOURCE, [KM_METRIC_CONTAINER_RESOURCE] = SPW_METRIC_RESOURCE,
        [KM_METRIC_PODS] = SPW_METRIC_PODS,         [KM_METRIC_OBJECT] = SPW_METRIC_OBJECT,
        [KM_METRIC_EXTERNAL] = SPW_METRIC_EXTERNAL,
    };
    const km_hpa_target *t = &m->source.target;
    spw_hpa_metric out = {.kind = kinds[m->type], .target_kind = t->kind, .name = m->source.name};

    switch (t->kind) {
    case SPW_TARGET_UTILIZATION:
        out.target = t->utilization;
        break;
    case SPW_TARGET_AVERAGE_VALUE:
        out.target = t->average;
        break;
    case SPW_TARGET_VALUE:
        out.target = t->value;
        break;
    }
    out.is_cpu = out.kind == SPW_METRIC_RESOURCE && strcmp(out.name, "cpu") == 0;
    if (m->source.selector != NULL) {
        const spw_requirement *all = NULL;
        size_t count = 0;

        if (!km_requirements(z, m->source.selector, &all, &count)) {
            return false;
        }
        out.selector = count > 0 ? km_selector_text(z, all, count) : NULL;
    }
    if (m->type == KM_METRIC_OBJECT && m->source.described != NULL) {
        out.object = object_path(z, m->source.described);
    }
    *to = out;
    return !z->failed;
}
