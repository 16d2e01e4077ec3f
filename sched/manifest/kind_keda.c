/* SPDX-License-Identifier: Apache-2.0 */
/**
 * kind_keda.c - keda.sh/v1alpha1 ScaledObject with prometheus triggers.
 *
 * A query is not run here: the value of a trigger is looked up in the snapshot by metadata.metricName, or by the
 * trigger's name. Numbers in metadata are strings, as Kubernetes demands.
 */
#include "sched/manifest/manifest_int.h"
#include "sched/manifest/quantity.h"

#include <inttypes.h>
#include <string.h>

#define SECONDS_MAX 864000 /* ten days */

typedef struct trigger {
    const char *name;
    spw_target_kind kind;
    int64_t threshold;  /* milli */
    int64_t activation; /* milli */
    const char *metric;
    const ynode *node;
} trigger;

typedef struct fallback {
    int32_t failures_max;
    int32_t replicas;
} fallback;

typedef struct advanced {
    const km_behavior *behavior;
} advanced;

typedef struct scaled {
    km_head head;
    km_target target;
    int32_t polling_s;
    int32_t cooldown_s;
    int32_t initial_cooldown_s;
    int32_t replicas_idle;
    int32_t replicas_min;
    int32_t replicas_max;
    const ynode *max_node;
    const ynode *idle_node;
    const fallback *fallback;
    advanced advanced;
    const trigger *triggers;
    size_t trigger_count;
    spw_keda wishes; /* what annotations say; the other fields are not set */
} scaled;

/* --- triggers ------------------------------------------------------------------------------------------------ */

/* A number in a string, such as "2.5". */
static bool read_number(bind *b, const bind_field *field, const ynode *node, void *at)
{
    const bind_field form = {.key = field->key, .kind = BIND_STRING};
    const char *text = NULL;
    const char *wrong;
    int64_t milli = 0;

    if (!bind_scalar(b, &form, node, &text)) {
        return false;
    }
    wrong = quantity_parse(text, &milli);
    if (wrong != NULL || milli < (int64_t)field->min) {
        ynode_error(b->diag, node, "%s '%s': %s", field->key, text,
                    wrong != NULL ? wrong : "a number of 0.001 or more is expected");
        return false;
    }
    memcpy(at, &milli, sizeof milli);
    return true;
}

static const bind_field metadata_fields[] = {
    {.key = "threshold",
     .kind = BIND_CUSTOM,
     .custom = read_number,
     .min = 1, /* milli */
     .required = true,
     BIND_AT(trigger, threshold),
     .help = "the value one replica is to have"},
    {.key = "activationThreshold",
     .kind = BIND_CUSTOM,
     .custom = read_number,
     .min = -1e15,
     BIND_AT(trigger, activation),
     .help = "the workload is awake above it"},
    {.key = "metricName", .kind = BIND_STRING, BIND_AT(trigger, metric)},
    KM_IGNORED("serverAddress", "values come with the snapshot"),
    KM_IGNORED("query", "values come with the snapshot, by metricName or by the trigger's name"),
    KM_IGNORED("namespace", "values come with the snapshot"),
    KM_IGNORED("authModes", "values come with the snapshot"),
    KM_IGNORED("customHeaders", "values come with the snapshot"),
    KM_IGNORED("queryParameters", "values come with the snapshot"),
    KM_IGNORED("timeout", "values come with the snapshot"),
    KM_IGNORED("unsafeSsl", "values come with the snapshot"),
    KM_UNMODELLED("ignoreNullValues", "a value that is not there is a failed read"),
    {.key = NULL},
};

/* Binds into the trigger itself: one more level of keys only. */
static const bind_table metadata_table = {
    .name = "trigger metadata", .size = sizeof(trigger), .fields = metadata_fields};

static const bind_name kind_names[] = {
    {"AverageValue", SPW_TARGET_AVERAGE_VALUE}, {"Value", SPW_TARGET_VALUE}, {NULL, 0}};

static bool read_type(bind *b, const bind_field *field, const ynode *node, void *at)
{
    const bind_field form = {.key = field->key, .kind = BIND_STRING};
    const char *text = NULL;

    (void)at;
    if (!bind_scalar(b, &form, node, &text)) {
        return false;
    }
    if (strcmp(text, "prometheus") != 0) {
        ynode_error(b->diag, node, "a trigger of type '%s' is not read; use 'prometheus' over the same metric", text);
        return false;
    }
    return true;
}

static const bind_field trigger_fields[] = {
    {.key = "type", .kind = BIND_CUSTOM, .custom = read_type, .required = true, .help = "prometheus"},
    {.key = "name", .kind = BIND_STRING, BIND_AT(trigger, name)},
    {.key = "metricType", .kind = BIND_ENUM, .names = kind_names, .preset = "AverageValue", BIND_AT(trigger, kind)},
    {.key = "metadata", .kind = BIND_TABLE, .table = &metadata_table, .required = true, .help = "threshold and metric"},
    KM_IGNORED("authenticationRef", "values come with the snapshot"),
    KM_IGNORED("useCachedMetrics", "values come with the snapshot"),
    {.key = NULL},
};

static bool check_trigger(bind *b, const ynode *node, void *object)
{
    trigger *t = object;

    t->metric = t->metric != NULL ? t->metric : t->name;
    if (t->metric == NULL || t->metric[0] == '\0') {
        ynode_error(b->diag, node, "a trigger needs 'metadata.metricName' or 'name': its value is found by it");
        return false;
    }
    return true;
}

static const bind_table trigger_table = {.name = "trigger",
                                         .size = sizeof(trigger),
                                         .fields = trigger_fields,
                                         .self_at = offsetof(trigger, node) + 1,
                                         .check = check_trigger};

/* --- the object ---------------------------------------------------------------------------------------------- */

static const bind_field fallback_fields[] = {
    {.key = "failureThreshold",
     .kind = BIND_INT32,
     .required = true,
     .range = BIND_MIN,
     .min = 0,
     BIND_AT(fallback, failures_max),
     .help = "more failed reads in a row than this"},
    {.key = "replicas",
     .kind = BIND_INT32,
     .required = true,
     .range = BIND_MIN | BIND_MAX,
     .min = 0,
     .max = SPW_REPLICAS_MAX,
     BIND_AT(fallback, replicas),
     .help = "the count then"},
    KM_UNMODELLED("behavior", "the fallback count always stands as it is"),
    {.key = NULL},
};

static const bind_table fallback_table = {.name = "fallback", .size = sizeof(fallback), .fields = fallback_fields};

static const bind_field hpa_fields[] = {
    {.key = "behavior", .kind = BIND_OPTION, .table = &km_behavior_table, BIND_AT(advanced, behavior)},
    KM_IGNORED("name", "the HPA beneath has no name here"),
    {.key = NULL},
};

/* Binds into advanced itself: one more level of keys only. */
static const bind_table hpa_table = {
    .name = "horizontalPodAutoscalerConfig", .size = sizeof(advanced), .fields = hpa_fields};

static const bind_field advanced_fields[] = {
    {.key = "horizontalPodAutoscalerConfig", .kind = BIND_TABLE, .table = &hpa_table},
    KM_IGNORED("restoreToOriginalReplicaCount", "objects are not deleted here"),
    KM_UNMODELLED("scalingModifiers", "every trigger asks for itself, and the greatest count wins"),
    {.key = NULL},
};

static const bind_table advanced_table = {.name = "advanced", .size = sizeof(advanced), .fields = advanced_fields};

#define SECONDS_ROW(name, member, low, text)                                                                           \
    {                                                                                                                  \
        .key = (name), .kind = BIND_INT32, .preset = (text), .range = BIND_MIN | BIND_MAX, .min = (low),               \
        .max = SECONDS_MAX, BIND_AT(scaled, member), .unit = "s"                                                       \
    }

static const bind_field spec_fields[] = {
    {.key = "scaleTargetRef",
     .kind = BIND_TABLE,
     .table = &km_target_table,
     .required = true,
     BIND_AT(scaled, target),
     .help = "the workload whose replicas are scaled"},
    {.key = "pollingInterval",
     .kind = BIND_INT32,
     .preset = "30",
     .range = BIND_MIN | BIND_MAX,
     .min = 1,
     .max = 86400,
     BIND_AT(scaled, polling_s),
     .unit = "s"},
    SECONDS_ROW("cooldownPeriod", cooldown_s, 0, "300"),
    SECONDS_ROW("initialCooldownPeriod", initial_cooldown_s, 0, "0"),
    {.key = "idleReplicaCount",
     .kind = BIND_INT32,
     .range = BIND_MIN,
     .min = 0,
     BIND_AT(scaled, replicas_idle),
     BIND_NODE_AT(scaled, idle_node),
     .help = "below minReplicaCount"},
    {.key = "minReplicaCount",
     .kind = BIND_INT32,
     .preset = "0",
     .range = BIND_MIN | BIND_MAX,
     .min = 0,
     .max = SPW_REPLICAS_MAX,
     BIND_AT(scaled, replicas_min)},
    {.key = "maxReplicaCount",
     .kind = BIND_INT32,
     .preset = "100",
     .range = BIND_MIN | BIND_MAX,
     .min = 1,
     .max = SPW_REPLICAS_MAX,
     BIND_AT(scaled, replicas_max),
     BIND_NODE_AT(scaled, max_node)},
    {.key = "fallback", .kind = BIND_OPTION, .table = &fallback_table, BIND_AT(scaled, fallback)},
    {.key = "advanced", .kind = BIND_TABLE, .table = &advanced_table, BIND_AT(scaled, advanced)},
    {.key = "triggers",
     .kind = BIND_LIST,
     .table = &trigger_table,
     .required = true,
     .count_min = 1,
     BIND_AT(scaled, triggers),
     BIND_COUNT(scaled, trigger_count),
     .help = "at most 16"},
    {.key = NULL},
};

static const bind_table spec_table = {.name = "ScaledObject spec", .size = sizeof(scaled), .fields = spec_fields};

static const bind_field root_fields[] = {
    KM_ROOT(scaled, km_meta_table),
    {.key = "spec", .kind = BIND_TABLE, .table = &spec_table, .required = true, .help = "target and triggers"},
    {.key = NULL},
};

static void init_scaled(void *object)
{
    scaled *s = object;

    s->replicas_idle = -1;
}

static const bind_table root_table = {
    .name = "ScaledObject", .size = sizeof(scaled), .fields = root_fields, .init = init_scaled};

static bool check_counts(bind *b, const scaled *s, const ynode *root)
{
    if (s->replicas_min > s->replicas_max) {
        ynode_error(b->diag, s->max_node != NULL ? s->max_node : root,
                    "minReplicaCount %" PRId32 " is above maxReplicaCount %" PRId32, s->replicas_min, s->replicas_max);
        return false;
    }
    if (s->replicas_idle >= 0 && s->replicas_idle >= s->replicas_min) {
        ynode_error(b->diag, s->idle_node, "idleReplicaCount %" PRId32 " is not below minReplicaCount %" PRId32,
                    s->replicas_idle, s->replicas_min);
        return false;
    }
    if (s->trigger_count > SPW_TRIGGERS_MAX) {
        ynode_error(b->diag, s->triggers[SPW_TRIGGERS_MAX].node, "a ScaledObject has at most %d triggers",
                    SPW_TRIGGERS_MAX);
        return false;
    }
    return true;
}

#define KEDA_PREFIX "autoscaling.keda.sh/"

/* The fields that annotations fill; annotations of other prefixes are none of ours. */
static const bind_field wish_fields[] = {
    {.key = KEDA_PREFIX "paused", .kind = BIND_BOOL, BIND_AT(spw_keda, paused)},
    {.key = KEDA_PREFIX "paused-replicas",
     .kind = BIND_INT32,
     .range = BIND_MIN | BIND_MAX,
     .min = 0,
     .max = SPW_REPLICAS_MAX,
     BIND_AT(spw_keda, replicas_paused)},
    {.key = KEDA_PREFIX "paused-scale-in", .kind = BIND_BOOL, BIND_AT(spw_keda, scale_in_paused)},
    {.key = KEDA_PREFIX "paused-scale-out", .kind = BIND_BOOL, BIND_AT(spw_keda, scale_out_paused)},
    {.key = KEDA_PREFIX "force-activation", .kind = BIND_BOOL, BIND_AT(spw_keda, forced_active)},
    {.key = NULL},
};

/* Annotations are strings, so quotes do not matter. A count to pause at pauses, whatever `paused` says. */
static bool read_wishes(bind *b, const km_meta *meta, spw_keda *out)
{
    bool ok = true;

    *out = (spw_keda){.replicas_paused = -1};
    for (const bind_field *field = wish_fields; field->key != NULL; field++) {
        const bind_pair *pair = km_find(meta->annotations, meta->annotation_count, field->key);

        if (pair != NULL) {
            ynode plain = *pair->node;
            plain.quoted = false;
            ok = bind_scalar(b, field, &plain, (char *)out + field->offset) && ok;
        }
    }
    out->paused = out->paused || out->replicas_paused >= 0;
    return ok;
}

bool km_read_keda(spw_manifest_set *set, bind *b, const ynode *root)
{
    km_scaler *out = zone_take(b->zone, sizeof(*out));
    spw_trigger *triggers;
    spw_keda *k;
    scaled s;

    if (out == NULL || !bind_object(b, &root_table, root, &s) || !check_counts(b, &s, root) ||
        !read_wishes(b, &s.head.meta, &s.wishes)) {
        return false;
    }
    triggers = zone_array(b->zone, s.trigger_count, sizeof(*triggers));
    if (triggers == NULL) {
        return false;
    }
    for (size_t i = 0; i < s.trigger_count; i++) {
        triggers[i] = (spw_trigger){.metric = s.triggers[i].metric,
                                    .target_kind = s.triggers[i].kind,
                                    .threshold = s.triggers[i].threshold,
                                    .activation = s.triggers[i].activation};
    }
    out->head = s.head;
    out->target = s.target;
    spw_scaler_default(&out->scaler, SPW_SCALER_KEDA);
    k = &out->scaler.as.keda;
    k->triggers = triggers;
    k->trigger_count = s.trigger_count;
    k->replicas_min = s.replicas_min;
    k->replicas_max = s.replicas_max;
    k->replicas_idle = s.replicas_idle;
    k->polling_s = s.polling_s;
    k->cooldown_s = s.cooldown_s;
    k->initial_cooldown_s = s.initial_cooldown_s;
    if (s.fallback != NULL) {
        k->failures_max = s.fallback->failures_max;
        k->replicas_fallback = s.fallback->replicas;
    }
    k->has_behavior = s.advanced.behavior != NULL;
    k->up = km_convert_rules(k->has_behavior ? &s.advanced.behavior->up : NULL);
    k->down = km_convert_rules(k->has_behavior ? &s.advanced.behavior->down : NULL);
    k->paused = s.wishes.paused;
    k->replicas_paused = s.wishes.replicas_paused;
    k->scale_in_paused = s.wishes.scale_in_paused;
    k->scale_out_paused = s.wishes.scale_out_paused;
    k->forced_active = s.wishes.forced_active;
    return km_append_scaler(set, b, out, root);
}
