/* SPDX-License-Identifier: Apache-2.0 */
/**
 * manifest_int.h - inside of the manifest reader: one record per Kubernetes object, and one reader per kind.
 *
 * A reader binds the YAML to its record, checks what can be checked within one object, and fills the spw_* struct as
 * far as one object knows it; manifest_config.c then joins the objects.
 */
#ifndef SCHED_MANIFEST_MANIFEST_INT_H
#define SCHED_MANIFEST_MANIFEST_INT_H

#include "sched/manifest/bind.h"

#include <spillway/autoscale.h>
#include <spillway/limits.h>

/** A row for a key that is accepted and not read. */
#define KM_IGNORED(name, why)                                                                                          \
    {                                                                                                                  \
        .key = (name), .kind = BIND_NODE, .use = BIND_IGNORED, .help = (why)                                           \
    }
/** A row for a key that would change the outcome in a real fleet and is not modelled: read past with a warning. */
#define KM_UNMODELLED(name, why)                                                                                       \
    {                                                                                                                  \
        .key = (name), .kind = BIND_CUSTOM, .custom = km_warn_unmodelled, .help = (why)                                \
    }
/** The rows every object begins with. */
#define KM_ROOT(type, meta_rows)                                                                                       \
    {.key = "apiVersion", .kind = BIND_STRING, .required = true, BIND_AT(type, head.api)},                             \
        {.key = "kind", .kind = BIND_STRING, .required = true, BIND_AT(type, head.kind)},                              \
        {.key = "metadata",                                                                                            \
         .kind = BIND_TABLE,                                                                                           \
         .table = &(meta_rows),                                                                                        \
         .required = true,                                                                                             \
         BIND_AT(type, head.meta),                                                                                     \
         .help = "at least the name"},                                                                                 \
        KM_IGNORED("status", "written by controllers; the snapshot carries what is true")

typedef struct km_meta {
    const char *name;
    const ynode *name_node;
    const char *space; /* namespace; "default" when absent, "" for kinds without one */
    const char *uid;
    const bind_pair *labels;
    size_t label_count;
    const bind_pair *annotations;
    size_t annotation_count;
} km_meta;

typedef struct km_head km_head;
struct km_head {
    km_head *next; /* same kind, in order of reading */
    size_t serial; /* place in that order */
    const ynode *node;
    const char *api;
    const char *kind;
    km_meta meta;
    const char *full; /* "namespace/name", or the name alone */
};

/** A label selector: matchLabels and matchExpressions, joined into requirements by km_requirements(). */
typedef struct km_requirement {
    const char *key;
    spw_op op;
    const char *const *values;
    size_t value_count;
    const ynode *node;
} km_requirement;

typedef struct km_selector {
    const bind_pair *labels;
    size_t label_count;
    const km_requirement *expressions;
    size_t expression_count;
} km_selector;

/** Deployment or StatefulSet: names are unique over both. */
typedef struct km_deployment {
    km_head head;
    spw_workload workload;
    const char *priority_class; /* NULL = none named */
    const ynode *priority_node;
    const bind_pair *pod_labels;
    size_t pod_label_count;
    const bind_pair *pod_annotations;
    size_t pod_annotation_count;
} km_deployment;

typedef struct km_claim {
    const char *api;
    const char *kind;
    const char *space;
    const ynode *space_node;
    const char *name;
    km_selector labels;
    bool has_labels;
} km_claim;

typedef struct km_policy {
    km_head head;
    int32_t priority;
    const km_claim *claims;
    size_t claim_count;
    spw_policy policy;
    bool claimed; /* at least one workload is governed by it */
} km_policy;

typedef struct km_hpa {
    km_head head;
    const char *target_api;
    const char *target_kind;
    const char *target_name;
    const ynode *target_node;
    spw_hpa hpa;
} km_hpa;

/** What a scaler scales: scaleTargetRef. */
typedef struct km_target {
    const char *api;
    const char *kind;
    const char *name;
    const ynode *node;
} km_target;

/** CronFederatedHPA, ScaledObject, QueueScaler, ForecastScaler. */
typedef struct km_scaler {
    km_head head;
    km_target target;
    spw_scaler scaler; /* workload and hpa are filled when the objects are joined */
} km_scaler;

/** One direction of spec.behavior of an autoscaler. */
typedef struct km_rules {
    int32_t window_s;
    spw_select select;
    int64_t tolerance_ppm;
    const spw_scaling_policy *policies;
    size_t policy_count;
} km_rules;

typedef struct km_behavior {
    km_rules up;
    km_rules down;
} km_behavior;

typedef struct km_priority {
    km_head head;
    int32_t value;
    int32_t never; /* 1 = preemptionPolicy Never */
    bool is_default;
    const ynode *default_node;
} km_priority;

/** PodDisruptionBudget. */
typedef struct km_budget {
    km_head head;
    km_selector selector;
    bool has_selector; /* without one it selects nothing */
    spw_budget budget;
    int32_t value;
} km_budget;

/** ResourcePolicy. */
typedef struct km_units {
    km_head head;
    km_selector selector;
    spw_units units;
    const struct km_unit_bound *bounds; /* [units.count] of maxResources */
    const ynode *preempt_node;          /* preemptPolicy; NULL = absent */
    const char *const *keys;            /* matchLabelKeys */
    size_t key_count;
} km_units;

/** One of the workloads that a WorkloadRebalancer lists. */
typedef struct km_mention {
    const char *api;
    const char *kind;
    const char *space;
    const char *name;
    const ynode *node;
} km_mention;

typedef struct km_rebalancer {
    km_head head;
    const km_mention *mentions;
    size_t mention_count;
    spw_time unix_ns; /* of its creation; INT64_MIN = not said */
} km_rebalancer;

/** RoundTrips: how far regions are apart. */
typedef struct km_trip {
    const char *from;
    const char *to;
    int64_t rtt_ns;
    const ynode *node;
} km_trip;

typedef struct km_trips {
    km_head head;
    const km_trip *trips;
    size_t trip_count;
} km_trips;

typedef struct km_list {
    km_head *first;
    km_head **end;
    size_t count;
} km_list;

struct spw_manifest_set {
    zone z;
    bool broken; /* an object was refused: no configuration */
    yamldoc **docs;
    size_t doc_count;
    km_list deployments;
    km_list policies;
    km_list hpas;
    km_list scalers;
    km_list priorities;
    km_list budgets;
    km_list rebalancers;
    km_list units;
    km_list trips;
    spw_ignored *ignored;
    size_t ignored_count;
    spw_diag *diag; /* of the call that runs */
};

/* Readers: bind a root mapping, append to the set. false = errors added (or out of memory, see zone.failed). */
bool km_read_deployment(spw_manifest_set *set, bind *b, const ynode *root);
bool km_read_statefulset(spw_manifest_set *set, bind *b, const ynode *root);
bool km_read_policy(spw_manifest_set *set, bind *b, const ynode *root);
bool km_read_hpa(spw_manifest_set *set, bind *b, const ynode *root);
bool km_read_priority(spw_manifest_set *set, bind *b, const ynode *root);
bool km_read_cron(spw_manifest_set *set, bind *b, const ynode *root);
bool km_read_keda(spw_manifest_set *set, bind *b, const ynode *root);
bool km_read_queue(spw_manifest_set *set, bind *b, const ynode *root);
bool km_read_forecast(spw_manifest_set *set, bind *b, const ynode *root);
bool km_read_budget(spw_manifest_set *set, bind *b, const ynode *root);
bool km_read_rebalancer(spw_manifest_set *set, bind *b, const ynode *root);
bool km_read_units(spw_manifest_set *set, bind *b, const ynode *root);
bool km_read_trips(spw_manifest_set *set, bind *b, const ynode *root);

/* --- objects that say something about Deployments: joined once these are in a table, sorted by full name --- */

/** Budgets select pods by label; each may select one Deployment, and one selects each. false = errors added. */
bool km_join_budgets(spw_manifest_set *set, spw_diag *diag, km_head *const *deployments, size_t count,
                     spw_workload *workloads);

/** Each Deployment has at most one ResourcePolicy. false = errors added, or out of memory. */
bool km_join_units(spw_manifest_set *set, spw_diag *diag, km_head *const *deployments, size_t count,
                   const spw_policy *policies, spw_workload *workloads);

/** The latest request for each Deployment counts. A workload that is not there is a warning. */
void km_join_rebalancers(spw_manifest_set *set, spw_diag *diag, km_head *const *deployments, size_t count,
                         spw_workload *workloads);

/** All round trips as one table. false = errors added, or out of memory (see zone.failed). */
bool km_join_trips(spw_manifest_set *set, spw_diag *diag, spw_config *config);

/* --- what scalers share (kind_hpa.c, kind_cron.c) --- */

extern const bind_table km_behavior_table; /* km_behavior */
extern const bind_table km_target_table;   /* km_target */

/** The rules of one direction for the core; NULL = none were given. */
spw_scaling_rules km_convert_rules(const km_rules *rules);

/** Appends a bound scaler: no annotations of ours are known on it. false = error added, or out of memory. */
bool km_append_scaler(spw_manifest_set *set, bind *b, km_scaler *scaler, const ynode *root);

/* --- metadata and selectors (kube_meta.c) --- */

extern const bind_table km_meta_table;         /* namespaced kinds; km_meta */
extern const bind_table km_cluster_meta_table; /* kinds without a namespace; km_meta */
extern const bind_table km_selector_table;     /* km_selector */
extern const bind_table km_requirement_table;  /* km_requirement */

/** Completes a head after binding and appends it to list. false = out of memory. */
bool km_append(spw_manifest_set *set, km_list *list, km_head *head, const ynode *root);

/** The value of an annotation, NULL when absent. */
const bind_pair *km_find(const bind_pair *pairs, size_t count, const char *key);

/** Refuses annotations in spillway.dev/ that are not among names. NULL ends names. false = error added. */
bool km_check_annotations(bind *b, const bind_pair *pairs, size_t count, const char *const *names);

/** matchLabels and matchExpressions as one list in the zone. false = out of memory. */
bool km_requirements(zone *z, const km_selector *from, const spw_requirement **out, size_t *count);

/** Whether a set of labels meets a selector. */
bool km_matches(const km_selector *selector, const km_meta *meta);

/** Puts a key on the list of ignored ones. */
void km_report_ignored(bind *b, const ynode *key, const char *why);

/** BIND_CUSTOM for keys that are not modelled: a warning and an entry in the list of ignored keys. */
bool km_warn_unmodelled(bind *b, const bind_field *field, const ynode *node, void *at);

/** Adds the objects of a file; the set owns doc from here on, whatever the outcome. */
spw_rc km_add_doc(spw_manifest_set *set, yamldoc *doc, spw_diag *diag);

#endif
