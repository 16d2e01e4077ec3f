/* SPDX-License-Identifier: Apache-2.0 */
/**
 * manifest_config.c - joins the objects of a set into one spw_config.
 *
 * Every table is sorted by "namespace/name", so neither the order of files nor that of documents reaches the result.
 */
#include "sched/manifest/manifest_int.h"
#include "sched/manifest/suggest.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* One kind, sorted by full name. */
typedef struct table {
    km_head **at;
    size_t count;
} table;

typedef struct joiner {
    spw_manifest_set *set;
    spw_diag *diag;
    table deployments;
    table policies;
    table hpas;
    table scalers;
    table priorities;
    const km_head **owner;    /* per deployment: who owns its count, or NULL */
    const ynode **owner_node; /* per deployment: where that is said */
    const km_scaler **cron;   /* per autoscaler: the timetable over its bounds, or NULL */
} joiner;

/* An HPA and a FederatedHPA may share a name. */
static int compare_names(const km_head *left, const km_head *right)
{
    const int order = strcmp(left->full, right->full);

    return order != 0 ? order : strcmp(left->kind, right->kind);
}

static int by_name(const void *a, const void *b)
{
    const km_head *left = *(km_head *const *)a;
    const km_head *right = *(km_head *const *)b;
    const int order = compare_names(left, right);

    if (order != 0) {
        return order;
    }
    return left->serial < right->serial ? -1 : 1;
}

/* Sorts a list into a table and refuses two objects of one kind and name. */
static bool sort_table(joiner *j, const km_list *list, table *out)
{
    size_t n = 0;

    out->at = zone_array(&j->set->z, list->count, sizeof(*out->at));
    if (out->at == NULL) {
        return false;
    }
    for (km_head *head = list->first; head != NULL; head = head->next) {
        out->at[n++] = head;
    }
    out->count = n;
    qsort(out->at, n, sizeof(*out->at), by_name);
    for (size_t i = 1; i < n; i++) {
        const ynode *first = out->at[i - 1]->meta.name_node;
        const ynode *second = out->at[i]->meta.name_node;

        if (compare_names(out->at[i - 1], out->at[i]) == 0) {
            ynode_error(j->diag, second, "%s '%s' is defined twice (also at %s:%" PRId32 ")", out->at[i]->kind,
                        out->at[i]->full, first->file, first->line);
        }
    }
    return true;
}

/* What governs a workload names it by namespace and name, and so does the core: one kind has the name. */
static void refuse_namesakes(joiner *j)
{
    for (size_t i = 1; i < j->deployments.count; i++) {
        const km_head *first = j->deployments.at[i - 1], *second = j->deployments.at[i];

        if (strcmp(first->full, second->full) == 0 && strcmp(first->kind, second->kind) != 0) {
            ynode_error(j->diag, second->meta.name_node, "%s '%s' has the name of a %s (at %s:%" PRId32 ")",
                        second->kind, second->full, first->kind, first->meta.name_node->file,
                        first->meta.name_node->line);
        }
    }
}

static size_t find_name(const table *t, const char *full)
{
    size_t low = 0;
    size_t high = t->count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (strcmp(t->at[middle]->full, full) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < t->count && strcmp(t->at[low]->full, full) == 0 ? low : t->count;
}

static void not_found(joiner *j, const ynode *at, const char *kind, const char *full, const table *among)
{
    suggest s;

    suggest_init(&s, full);
    for (size_t i = 0; i < among->count; i++) {
        suggest_offer(&s, among->at[i]->full);
    }
    if (s.best != NULL) {
        ynode_error(j->diag, at, "there is no %s '%s' (did you mean '%s'?)", kind, full, s.best);
    } else {
        ynode_error(j->diag, at, "there is no %s '%s' in the manifests", kind, full);
    }
}

/* --- policies ------------------------------------------------------------------------------------------------ */

/* How precisely a policy names a workload: 3 by name, 2 by label, 1 by kind, 0 not at all. */
static int precision(const km_policy *policy, const km_head *deployment)
{
    int best = 0;

    if (strcmp(policy->head.meta.space, deployment->meta.space) != 0) {
        return 0;
    }
    for (size_t i = 0; i < policy->claim_count; i++) {
        const km_claim *claim = &policy->claims[i];
        int here = 1;

        if (strcmp(claim->api, "apps/v1") != 0 || strcmp(claim->kind, deployment->kind) != 0) {
            continue;
        }
        if (claim->name[0] != '\0') {
            here = strcmp(claim->name, deployment->meta.name) == 0 ? 3 : 0;
        } else if (claim->has_labels) {
            here = km_matches(&claim->labels, &deployment->meta) ? 2 : 0;
        }
        best = here > best ? here : best;
    }
    return best;
}

/* Higher spec.priority, then more precise, then first in the alphabet: the tables are sorted, so the first stays. */
static spw_id pick_policy(const joiner *j, const km_head *deployment)
{
    spw_id best = SPW_ID_NONE;
    int best_precision = 0;
    int32_t best_priority = 0;

    for (size_t i = 0; i < j->policies.count; i++) {
        const km_policy *policy = (const km_policy *)(const void *)j->policies.at[i];
        const int here = precision(policy, deployment);

        if (here > 0 && (best == SPW_ID_NONE || policy->priority > best_priority ||
                         (policy->priority == best_priority && here > best_precision))) {
            best = (spw_id)i;
            best_precision = here;
            best_priority = policy->priority;
        }
    }
    return best;
}

/* --- autoscalers --------------------------------------------------------------------------------------------- */

static bool is_workload_kind(const char *api, const char *kind)
{
    return (api[0] == '\0' || strcmp(api, "apps/v1") == 0) &&
           (strcmp(kind, "Deployment") == 0 || strcmp(kind, "StatefulSet") == 0);
}

/* The workload a reference names, by row; deployments.count when an error was added. */
static size_t find_deployment(joiner *j, const km_head *head, const km_target *target)
{
    char full[2 * SPW_NAME_MAX + 8];
    size_t at;

    if (!is_workload_kind(target->api, target->kind)) {
        ynode_error(j->diag, target->node,
                    "scaleTargetRef names a %s of '%s'; only Deployments and StatefulSets of 'apps/v1' are read",
                    target->kind, target->api);
        return j->deployments.count;
    }
    (void)snprintf(full, sizeof(full), "%s/%.*s", head->meta.space, SPW_NAME_MAX, target->name);
    at = find_name(&j->deployments, full);
    if (at < j->deployments.count && strcmp(j->deployments.at[at]->kind, target->kind) != 0) {
        ynode_error(j->diag, ynode_get(target->node, "name"), "there is no %s '%s', but a %s of this name",
                    target->kind, full, j->deployments.at[at]->kind);
        return j->deployments.count;
    }
    if (at == j->deployments.count) {
        not_found(j, ynode_get(target->node, "name"), target->kind, full, &j->deployments);
    }
    return at;
}

/* One owner for each count. false = error added. */
static bool claim(joiner *j, const km_head *head, const km_target *target, size_t *row)
{
    const size_t at = find_deployment(j, head, target);

    if (at == j->deployments.count) {
        return false;
    }
    if (j->owner[at] != NULL) {
        ynode_error(j->diag, ynode_get(target->node, "name"),
                    "%s '%s' has two autoscalers: %s '%s' and %s '%s' (%s:%" PRId32 ")", j->deployments.at[at]->kind,
                    j->deployments.at[at]->full, head->kind, head->full, j->owner[at]->kind, j->owner[at]->full,
                    j->owner_node[at]->file, j->owner_node[at]->line);
        return false;
    }
    j->owner[at] = head;
    j->owner_node[at] = target->node;
    *row = at;
    return true;
}

static bool join_hpa(joiner *j, const km_hpa *hpa, size_t row, spw_workload *workloads)
{
    const km_target target = {hpa->target_api, hpa->target_kind, hpa->target_name, hpa->target_node};
    size_t at = 0;

    if (!claim(j, &hpa->head, &target, &at)) {
        return false;
    }
    workloads[at].hpa = (spw_id)row;
    return true;
}

/* The FederatedHPA a timetable names; an HPA of the same name is another object. */
static size_t find_federated(const joiner *j, const char *full)
{
    for (size_t i = 0; i < j->hpas.count; i++) {
        if (strcmp(j->hpas.at[i]->full, full) == 0 && strcmp(j->hpas.at[i]->kind, "FederatedHPA") == 0) {
            return i;
        }
    }
    return j->hpas.count;
}

/* A timetable sets the bounds of a FederatedHPA, beside its metrics: that is no second owner. */
static bool join_timetable(joiner *j, const km_scaler *from, spw_scaler *to)
{
    char full[2 * SPW_NAME_MAX + 8];
    const spw_hpa *hpa;
    size_t at;

    (void)snprintf(full, sizeof(full), "%s/%.*s", from->head.meta.space, SPW_NAME_MAX, from->target.name);
    at = find_federated(j, full);
    if (at == j->hpas.count) {
        not_found(j, ynode_get(from->target.node, "name"), "FederatedHPA", full, &j->hpas);
        return false;
    }
    if (j->cron[at] != NULL) {
        ynode_error(j->diag, ynode_get(from->target.node, "name"),
                    "FederatedHPA '%s' has two timetables: '%s' and '%s' (%s:%" PRId32 ")", full, from->head.full,
                    j->cron[at]->head.full, j->cron[at]->target.node->file, j->cron[at]->target.node->line);
        return false;
    }
    hpa = &((const km_hpa *)(const void *)j->hpas.at[at])->hpa;
    for (size_t i = 0; i < to->as.cron.rule_count; i++) {
        if (to->as.cron.rules[i].replicas_min == 0 && hpa->replicas_min > 0) {
            ynode_error(j->diag, from->target.node,
                        "rule '%s' sets targetMinReplicas 0, but FederatedHPA '%s' has minReplicas %" PRId32,
                        to->as.cron.rules[i].name, full, hpa->replicas_min);
            return false;
        }
    }
    j->cron[at] = from;
    to->hpa = (spw_id)at;
    return true;
}

static bool join_scaler(joiner *j, const km_scaler *from, spw_scaler *to)
{
    size_t at = 0;

    *to = from->scaler;
    if (from->scaler.kind == SPW_SCALER_CRON && strcmp(from->target.kind, "FederatedHPA") == 0) {
        return join_timetable(j, from, to);
    }
    if (!claim(j, &from->head, &from->target, &at)) {
        return false;
    }
    to->workload = (spw_id)at;
    return true;
}

/* --- priorities ---------------------------------------------------------------------------------------------- */

static const km_priority *priority_at(const joiner *j, size_t row)
{
    return (const km_priority *)(const void *)j->priorities.at[row];
}

static bool find_default(joiner *j, const km_priority **out)
{
    const km_priority *found = NULL;
    bool ok = true;

    for (size_t i = 0; i < j->priorities.count; i++) {
        const km_priority *here = priority_at(j, i);

        if (here->is_default && found != NULL) {
            ynode_error(j->diag, here->default_node, "PriorityClass '%s' and '%s' are both the global default",
                        found->head.full, here->head.full);
            ok = false;
        } else if (here->is_default) {
            found = here;
        }
    }
    *out = found;
    return ok;
}

/* preset NULL: 0, as in Kubernetes. */
static bool join_priority(joiner *j, const km_deployment *d, const km_priority *preset, spw_workload *out)
{
    /* Every cluster has these two without a manifest. */
    static const bind_name system_classes[] = {
        {"system-cluster-critical", 2000000000}, {"system-node-critical", 2000001000}, {NULL, 0}};
    size_t row;

    if (d->priority_class == NULL || d->priority_class[0] == '\0') {
        out->priority = preset != NULL ? preset->value : 0;
        out->preempt_never = preset != NULL && preset->never != 0;
        return true;
    }
    for (const bind_name *name = system_classes; name->text != NULL; name++) {
        if (strcmp(name->text, d->priority_class) == 0) {
            out->priority = name->value;
            return true;
        }
    }
    row = find_name(&j->priorities, d->priority_class);
    if (row == j->priorities.count) {
        not_found(j, d->priority_node, "PriorityClass", d->priority_class, &j->priorities);
        return false;
    }
    out->priority = priority_at(j, row)->value;
    out->preempt_never = priority_at(j, row)->never != 0;
    return true;
}

/* --- all together -------------------------------------------------------------------------------------------- */

static bool join_workloads(joiner *j, spw_workload *workloads, spw_scaler *scalers)
{
    const km_priority *preset = NULL;
    bool ok = find_default(j, &preset);

    for (size_t i = 0; i < j->deployments.count; i++) {
        const km_deployment *d = (const km_deployment *)(const void *)j->deployments.at[i];

        workloads[i] = d->workload;
        workloads[i].policy = pick_policy(j, &d->head);
        if (workloads[i].policy == SPW_ID_NONE) {
            ynode_warning(j->diag, d->head.meta.name_node, "no PropagationPolicy claims %s '%s'; it is not placed",
                          d->head.kind, d->head.full);
        } else {
            ((km_policy *)(void *)j->policies.at[workloads[i].policy])->claimed = true;
        }
        ok = join_priority(j, d, preset, &workloads[i]) && ok;
    }
    for (size_t i = 0; i < j->hpas.count; i++) {
        ok = join_hpa(j, (const km_hpa *)(const void *)j->hpas.at[i], i, workloads) && ok;
    }
    for (size_t i = 0; i < j->scalers.count; i++) {
        ok = join_scaler(j, (const km_scaler *)(const void *)j->scalers.at[i], &scalers[i]) && ok;
    }
    return ok;
}

static spw_config *build(joiner *j, bool *ok)
{
    zone *z = &j->set->z;
    spw_config *config = zone_take(z, sizeof(*config));
    spw_workload *workloads = zone_array(z, j->deployments.count, sizeof(*workloads));
    spw_policy *policies = zone_array(z, j->policies.count, sizeof(*policies));
    spw_hpa *hpas = zone_array(z, j->hpas.count, sizeof(*hpas));
    spw_scaler *scalers = zone_array(z, j->scalers.count, sizeof(*scalers));

    j->owner = zone_array(z, j->deployments.count, sizeof(const km_head *));
    j->owner_node = zone_array(z, j->deployments.count, sizeof(const ynode *));
    j->cron = zone_array(z, j->hpas.count, sizeof(const km_scaler *));
    if (config == NULL || workloads == NULL || policies == NULL || hpas == NULL || scalers == NULL ||
        j->owner == NULL || j->owner_node == NULL || j->cron == NULL) {
        return NULL;
    }
    *ok = join_workloads(j, workloads, scalers);
    for (size_t i = 0; i < j->policies.count; i++) {
        const km_policy *policy = (const km_policy *)(const void *)j->policies.at[i];

        policies[i] = policy->policy;
        if (!policy->claimed) {
            ynode_warning(j->diag, policy->head.meta.name_node, "PropagationPolicy '%s' claims no workload",
                          policy->head.full);
        }
    }
    for (size_t i = 0; i < j->hpas.count; i++) {
        hpas[i] = ((const km_hpa *)(const void *)j->hpas.at[i])->hpa;
    }
    *config = (spw_config){.workloads = workloads,
                           .workload_count = j->deployments.count,
                           .policies = policies,
                           .policy_count = j->policies.count,
                           .hpas = hpas,
                           .hpa_count = j->hpas.count,
                           .scalers = scalers,
                           .scaler_count = j->scalers.count};
    *ok = km_join_budgets(j->set, j->diag, j->deployments.at, j->deployments.count, workloads) && *ok;
    *ok = km_join_units(j->set, j->diag, j->deployments.at, j->deployments.count, policies, workloads) && *ok;
    km_join_rebalancers(j->set, j->diag, j->deployments.at, j->deployments.count, workloads);
    *ok = km_join_trips(j->set, j->diag, config) && *ok;
    return z->failed ? NULL : config;
}

spw_rc spw_manifest_config(spw_manifest_set *set, spw_diag *diag, const spw_config **out)
{
    joiner j = {.set = set, .diag = diag};
    const size_t errors = spw_diag_errors(diag);
    spw_config *config;
    bool ok = true;

    assert(set != NULL && out != NULL);
    if (set->broken) {
        spw_diag_add(diag, SPW_DIAG_ERROR, NULL, 0, 0, "no configuration: some manifests were refused");
        return SPW_INVAL;
    }
    for (km_head *head = set->policies.first; head != NULL; head = head->next) {
        ((km_policy *)(void *)head)->claimed = false;
    }
    if (!sort_table(&j, &set->deployments, &j.deployments) || !sort_table(&j, &set->policies, &j.policies) ||
        !sort_table(&j, &set->hpas, &j.hpas) || !sort_table(&j, &set->scalers, &j.scalers) ||
        !sort_table(&j, &set->priorities, &j.priorities)) {
        return SPW_NOMEM;
    }
    refuse_namesakes(&j);
    config = build(&j, &ok);
    if (config == NULL) {
        return SPW_NOMEM;
    }
    if (!ok || spw_diag_errors(diag) != errors) {
        return SPW_INVAL;
    }
    *out = config;
    return SPW_OK;
}
