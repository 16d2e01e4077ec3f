/* SPDX-License-Identifier: Apache-2.0 */
/**
 * kind_cron.c - autoscaling.karmada.io/v1alpha1 CronFederatedHPA: a timetable over a Deployment's replicas or over the
 * bounds of a FederatedHPA. Also the reference and the ending that all scalers share.
 */
#include "sched/manifest/cron_zone.h"
#include "sched/manifest/manifest_int.h"

#include <inttypes.h>
#include <string.h>

typedef struct rule {
    const char *name;
    spw_schedule schedule;
    int32_t replicas;
    int32_t replicas_min;
    int32_t replicas_max;
    bool suspend;
    int32_t offset_s;
    const ynode *node;
} rule;

typedef struct timetable {
    km_head head;
    km_target target;
    const rule *rules;
    size_t rule_count;
} timetable;

/* --- shared by the scalers ----------------------------------------------------------------------------------- */

static const bind_field target_fields[] = {
    {.key = "apiVersion", .kind = BIND_STRING, .preset = "", BIND_AT(km_target, api)},
    {.key = "kind", .kind = BIND_STRING, .preset = "Deployment", BIND_AT(km_target, kind)},
    {.key = "name", .kind = BIND_STRING, .required = true, BIND_AT(km_target, name), .help = "what is scaled"},
    KM_IGNORED("envSourceContainerName", "triggers are not resolved from a pod's environment"),
    {.key = NULL},
};

const bind_table km_target_table = {.name = "scaleTargetRef",
                                    .size = sizeof(km_target),
                                    .fields = target_fields,
                                    .self_at = offsetof(km_target, node) + 1};

bool km_append_scaler(spw_manifest_set *set, bind *b, km_scaler *scaler, const ynode *root)
{
    static const char *const known[] = {NULL};

    if (!km_check_annotations(b, scaler->head.meta.annotations, scaler->head.meta.annotation_count, known) ||
        !km_append(set, &set->scalers, &scaler->head, root)) {
        return false;
    }
    scaler->scaler.name = scaler->head.full;
    return true;
}

/* --- the timetable ------------------------------------------------------------------------------------------- */

static bool read_schedule(bind *b, const bind_field *field, const ynode *node, void *at)
{
    const bind_field form = {.key = field->key, .kind = BIND_STRING};
    const char *text = NULL;
    const char *wrong;

    if (!bind_scalar(b, &form, node, &text)) {
        return false;
    }
    wrong = spw_schedule_parse(text, at);
    if (wrong != NULL) {
        ynode_error(b->diag, node, "schedule '%s': %s", text, wrong);
    }
    return wrong == NULL;
}

static bool read_zone(bind *b, const bind_field *field, const ynode *node, void *at)
{
    const bind_field form = {.key = field->key, .kind = BIND_STRING};
    const char *text = NULL;

    if (!bind_scalar(b, &form, node, &text)) {
        return false;
    }
    switch (cron_zone_find(text, at)) {
    case CRON_ZONE_FOUND:
        return true;
    case CRON_ZONE_MOVES:
        ynode_error(b->diag, node,
                    "time zone '%s' has daylight saving time, which a timetable here cannot follow; give an offset "
                    "such as '+01:00'",
                    text);
        return false;
    case CRON_ZONE_UNKNOWN:
        break;
    }
    ynode_error(b->diag, node, "time zone '%s' is not known; give its offset, such as '+08:00'", text);
    return false;
}

#define COUNT_ROW(name, member, low)                                                                                   \
    {                                                                                                                  \
        .key = (name), .kind = BIND_INT32, .preset = NULL, .range = BIND_MIN | BIND_MAX, .min = (low),                 \
        .max = SPW_REPLICAS_MAX, BIND_AT(rule, member)                                                                 \
    }

static const bind_field rule_fields[] = {
    {.key = "name", .kind = BIND_STRING, .required = true, BIND_AT(rule, name), .help = "unique in the object"},
    {.key = "schedule",
     .kind = BIND_CUSTOM,
     .custom = read_schedule,
     .required = true,
     BIND_AT(rule, schedule),
     .help = "minute hour day month weekday"},
    COUNT_ROW("targetReplicas", replicas, 0),
    COUNT_ROW("targetMinReplicas", replicas_min, 0),
    COUNT_ROW("targetMaxReplicas", replicas_max, 1),
    {.key = "suspend", .kind = BIND_BOOL, BIND_AT(rule, suspend)},
    {.key = "timeZone",
     .kind = BIND_CUSTOM,
     .custom = read_zone,
     BIND_AT(rule, offset_s),
     .help = "a zone without daylight saving time, or an offset such as +08:00; UTC when absent"},
    KM_IGNORED("successfulHistoryLimit", "the record of decisions keeps every one"),
    KM_IGNORED("failedHistoryLimit", "the record of decisions keeps every one"),
    {.key = NULL},
};

static void init_rule(void *object)
{
    rule *r = object;

    r->replicas = -1;
    r->replicas_min = -1;
    r->replicas_max = -1;
}

static bool check_rule(bind *b, const ynode *node, void *object)
{
    const rule *r = object;

    if (r->replicas_max >= 0 && r->replicas_min > r->replicas_max) {
        ynode_error(b->diag, node, "targetMinReplicas %" PRId32 " is above targetMaxReplicas %" PRId32, r->replicas_min,
                    r->replicas_max);
        return false;
    }
    return true;
}

static const bind_table rule_table = {.name = "rule of a timetable",
                                      .size = sizeof(rule),
                                      .fields = rule_fields,
                                      .self_at = offsetof(rule, node) + 1,
                                      .init = init_rule,
                                      .check = check_rule};

static const bind_field spec_fields[] = {
    {.key = "scaleTargetRef",
     .kind = BIND_TABLE,
     .table = &km_target_table,
     .required = true,
     BIND_AT(timetable, target),
     .help = "a workload, or a FederatedHPA whose bounds are set"},
    {.key = "rules",
     .kind = BIND_LIST,
     .table = &rule_table,
     .required = true,
     .count_min = 1,
     BIND_AT(timetable, rules),
     BIND_COUNT(timetable, rule_count),
     .help = "at most 64"},
    {.key = NULL},
};

static const bind_table spec_table = {
    .name = "CronFederatedHPA spec", .size = sizeof(timetable), .fields = spec_fields};

static const bind_field root_fields[] = {
    KM_ROOT(timetable, km_meta_table),
    {.key = "spec", .kind = BIND_TABLE, .table = &spec_table, .required = true, .help = "target and rules"},
    {.key = NULL},
};

static const bind_table root_table = {.name = "CronFederatedHPA", .size = sizeof(timetable), .fields = root_fields};

/* Which counts a rule must set follows from the target. */
static bool check_rules(bind *b, const timetable *t)
{
    const bool bounds = strcmp(t->target.kind, "FederatedHPA") == 0;

    if (bounds && t->target.api[0] != '\0' && strcmp(t->target.api, "autoscaling.karmada.io/v1alpha1") != 0) {
        ynode_error(b->diag, t->target.node,
                    "scaleTargetRef names a FederatedHPA of '%s', not of 'autoscaling.karmada.io/v1alpha1'",
                    t->target.api);
        return false;
    }
    if (t->rule_count > SPW_CRON_RULES_MAX) {
        ynode_error(b->diag, t->rules[SPW_CRON_RULES_MAX].node, "a timetable has at most %d rules", SPW_CRON_RULES_MAX);
        return false;
    }
    for (size_t i = 0; i < t->rule_count; i++) {
        const rule *r = &t->rules[i];
        const bool sets_bounds = r->replicas_min >= 0 || r->replicas_max >= 0;

        for (size_t k = 0; k < i; k++) {
            if (strcmp(t->rules[k].name, r->name) == 0) {
                ynode_error(b->diag, ynode_get(r->node, "name"), "rule '%s' stands twice", r->name);
                return false;
            }
        }
        if (bounds ? r->replicas >= 0 || !sets_bounds : r->replicas < 0 || sets_bounds) {
            ynode_error(b->diag, r->node,
                        bounds ? "rule '%s' over a FederatedHPA sets targetMinReplicas, targetMaxReplicas or both"
                               : "rule '%s' over a workload sets targetReplicas and nothing else",
                        r->name);
            return false;
        }
    }
    return true;
}

bool km_read_cron(spw_manifest_set *set, bind *b, const ynode *root)
{
    km_scaler *out = zone_take(b->zone, sizeof(*out));
    spw_cron_rule *rules;
    timetable t;

    if (out == NULL || !bind_object(b, &root_table, root, &t) || !check_rules(b, &t)) {
        return false;
    }
    rules = zone_array(b->zone, t.rule_count, sizeof(*rules));
    if (rules == NULL) {
        return false;
    }
    for (size_t i = 0; i < t.rule_count; i++) {
        rules[i] = (spw_cron_rule){.name = t.rules[i].name,
                                   .schedule = t.rules[i].schedule,
                                   .utc_offset_s = t.rules[i].offset_s,
                                   .suspend = t.rules[i].suspend,
                                   .replicas = t.rules[i].replicas,
                                   .replicas_min = t.rules[i].replicas_min,
                                   .replicas_max = t.rules[i].replicas_max};
    }
    out->head = t.head;
    out->target = t.target;
    spw_scaler_default(&out->scaler, SPW_SCALER_CRON);
    out->scaler.as.cron = (spw_cron){rules, t.rule_count};
    return km_append_scaler(set, b, out, root);
}
