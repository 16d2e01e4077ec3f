/* SPDX-License-Identifier: Apache-2.0 */
/**
 * kind_budget.c - policy/v1 PodDisruptionBudget: how many ready replicas preemption should leave.
 *
 * The eviction API refuses pods that two budgets select; so does this reader. A budget over several Deployments would
 * have to be counted over their sum, which the core does not: it is refused, not misread.
 */
#include "sched/manifest/manifest_int.h"

#include <inttypes.h>
#include <string.h>

typedef struct amount {
    bool there, percent;
    int32_t value;
} amount;

typedef struct budget_parts {
    km_head head;
    amount least, most;
    const ynode *spec;
    km_selector selector;
    bool has_selector;
} budget_parts;

/** IntOrString: 2, or "50%". */
static bool read_amount(bind *b, const bind_field *field, const ynode *node, void *at)
{
    amount *out = at;
    ynode plain = *node;
    char digits[16];
    const bind_field whole = {
        .key = field->key, .kind = BIND_INT32, .range = BIND_MIN | BIND_MAX, .min = 0, .max = SPW_REPLICAS_MAX};
    const bool percent = node->kind == YNODE_SCALAR && node->length > 1 && node->length < sizeof digits &&
                         node->text[node->length - 1] == '%';

    if (percent) {
        int64_t value = 0;
        memcpy(digits, node->text, node->length - 1);
        digits[node->length - 1] = '\0';
        if (bind_parse_int64(digits, &value) != NULL || value < 0 || value > 100) {
            ynode_error(b->diag, node, "'%s' must be a number of pods, or 0%% to 100%%, not '%s'", field->key,
                        node->text);
            return false;
        }
        *out = (amount){true, true, (int32_t)value};
        return true;
    }
    out->there = true;
    return bind_scalar(b, &whole, &plain, &out->value);
}

static bool check_spec(bind *b, const ynode *node, void *object)
{
    const budget_parts *p = object;

    if (p->least.there == p->most.there) {
        ynode_error(b->diag, node, "a PodDisruptionBudget has either 'minAvailable' or 'maxUnavailable'");
        return false;
    }
    return true;
}

static const bind_field spec_fields[] = {
    {.key = "minAvailable",
     .kind = BIND_CUSTOM,
     .custom = read_amount,
     BIND_AT(budget_parts, least),
     .help = "pods, or per cent of those wanted, that stay ready"},
    {.key = "maxUnavailable",
     .kind = BIND_CUSTOM,
     .custom = read_amount,
     BIND_AT(budget_parts, most),
     .help = "pods, or per cent of those wanted, that may be missing"},
    {.key = "selector",
     .kind = BIND_TABLE,
     .table = &km_selector_table,
     BIND_AT(budget_parts, selector),
     BIND_HAS(budget_parts, has_selector),
     .help = "labels of pods; must select one Deployment"},
    KM_IGNORED("unhealthyPodEvictionPolicy", "pods that are not ready cost no budget here"),
    {.key = NULL},
};

static const bind_table spec_table = {
    .name = "PodDisruptionBudget spec", .size = sizeof(budget_parts), .fields = spec_fields, .check = check_spec};

static const bind_field root_fields[] = {
    KM_ROOT(budget_parts, km_meta_table),
    {.key = "spec", .kind = BIND_TABLE, .table = &spec_table, .required = true, .help = "selector and budget"},
    {.key = NULL},
};

static const bind_table root_table = {
    .name = "PodDisruptionBudget", .size = sizeof(budget_parts), .fields = root_fields};

bool km_read_budget(spw_manifest_set *set, bind *b, const ynode *root)
{
    static const char *const none[] = {NULL};
    km_budget *out = zone_take(b->zone, sizeof(*out));
    budget_parts p;

    if (out == NULL || !bind_object(b, &root_table, root, &p) ||
        !km_check_annotations(b, p.head.meta.annotations, p.head.meta.annotation_count, none)) {
        return false;
    }
    const amount *a = p.least.there ? &p.least : &p.most;
    out->head = p.head;
    out->selector = p.selector;
    out->has_selector = p.has_selector;
    out->value = a->value;
    if (p.least.there) {
        out->budget = a->percent ? SPW_BUDGET_MIN_AVAILABLE_PERCENT : SPW_BUDGET_MIN_AVAILABLE;
    } else {
        out->budget = a->percent ? SPW_BUDGET_MAX_UNAVAILABLE_PERCENT : SPW_BUDGET_MAX_UNAVAILABLE;
    }
    return km_append(set, &set->budgets, &out->head, root);
}

static bool selects(const km_budget *budget, const km_deployment *d)
{
    const km_meta pod = {.labels = d->pod_labels, .label_count = d->pod_label_count};

    return budget->has_selector && strcmp(budget->head.meta.space, d->head.meta.space) == 0 &&
           km_matches(&budget->selector, &pod);
}

/** @return false = error added */
static bool join_one(spw_diag *diag, const km_budget *budget, km_head *const *deployments, size_t count,
                     spw_workload *workloads)
{
    size_t found = count;

    for (size_t i = 0; i < count; i++) {
        const km_deployment *d = (const km_deployment *)(const void *)deployments[i];

        if (!selects(budget, d)) {
            continue;
        }
        if (found < count) {
            ynode_error(diag, budget->head.meta.name_node,
                        "PodDisruptionBudget '%s' selects both %s '%s' and '%s'; give each a budget of its own",
                        budget->head.full, deployments[found]->kind, deployments[found]->full, deployments[i]->full);
            return false;
        }
        if (workloads[i].budget != SPW_BUDGET_NONE) {
            ynode_error(diag, budget->head.meta.name_node,
                        "%s '%s' has two budgets: this one and another in the manifests", deployments[i]->kind,
                        deployments[i]->full);
            return false;
        }
        found = i;
    }
    if (found == count) {
        ynode_warning(diag, budget->head.meta.name_node, "PodDisruptionBudget '%s' selects no workload",
                      budget->head.full);
        return true;
    }
    workloads[found].budget = budget->budget;
    workloads[found].budget_value = budget->value;
    return true;
}

bool km_join_budgets(spw_manifest_set *set, spw_diag *diag, km_head *const *deployments, size_t count,
                     spw_workload *workloads)
{
    bool ok = true;

    for (const km_head *head = set->budgets.first; head != NULL; head = head->next) {
        ok = join_one(diag, (const km_budget *)(const void *)head, deployments, count, workloads) && ok;
    }
    return ok;
}
