/* SPDX-License-Identifier: Apache-2.0 */
/**
 * kind_policy.c - PropagationPolicy of Karmada (policy.karmada.io) and of ACK One (policy.one.alibabacloud.com).
 *
 * The same keys, two meanings: several clusterAffinities are failover groups in Karmada (the first that holds
 * everything, and no way back), and ordered fill in ACK One (fill, then overflow). Karmada says ordered fill with
 * overflowAffinities inside one group; a replica then moves back only when the count changes.
 */
#include "sched/manifest/manifest_int.h"
#include "sched/manifest/policy_knobs.h"
#include "sched/manifest/policy_object.h"

#include <string.h>

#define ACK_GROUP "policy.one.alibabacloud.com/"

static bool is_ack(const policy_object *p)
{
    return strncmp(p->head.api, ACK_GROUP, strlen(ACK_GROUP)) == 0;
}

static bool convert_selector(bind *b, const cluster_affinity *from, spw_selector *out)
{
    const km_selector fields = {NULL, 0, from->fields, from->field_count};

    *out = (spw_selector){.names = from->names,
                          .name_count = from->name_count,
                          .exclude = from->exclude,
                          .exclude_count = from->exclude_count};
    return km_requirements(b->zone, &from->labels, &out->labels, &out->label_count) &&
           km_requirements(b->zone, &fields, &out->fields, &out->field_count);
}

static bool check_placement(bind *b, const policy_object *p)
{
    const ynode *overflow = NULL;

    if (p->affinity_node != NULL && p->terms_node != NULL) {
        ynode_error(b->diag, p->terms_node->key, "clusterAffinities and clusterAffinity exclude each other");
        return false;
    }
    for (size_t i = 0; i < p->term_count && overflow == NULL; i++) {
        overflow = p->terms[i].overflow_count > 0 ? p->terms[i].overflow_node->key : NULL;
    }
    if (overflow != NULL && is_ack(p)) {
        ynode_error(b->diag, overflow,
                    "overflowAffinities belongs to policy.karmada.io; here clusterAffinities overflow");
        return false;
    }
    if (overflow != NULL && p->term_count > 1) {
        ynode_error(b->diag, overflow, "overflowAffinities beside further clusterAffinities is not supported");
        return false;
    }
    if (p->provision_node != NULL && !is_ack(p)) {
        ynode_error(b->diag, p->provision_node->key, "autoScaling belongs to policy.one.alibabacloud.com/v1alpha1");
        return false;
    }
    return true;
}

/* All terms in order of preference; names must differ. */
static bool list_terms(bind *b, const policy_object *p, const affinity_term **list, size_t *count)
{
    *count = 0;
    for (size_t i = 0; i < p->term_count; i++) {
        for (size_t k = 0; k <= p->terms[i].overflow_count; k++) {
            const affinity_term *term = k == 0 ? &p->terms[i] : &p->terms[i].overflow[k - 1];

            if (*count == SPW_GROUPS_MAX) {
                ynode_error(b->diag, term->node, "a policy has at most %d groups of clusters", SPW_GROUPS_MAX);
                return false;
            }
            for (size_t other = 0; other < *count; other++) {
                if (strcmp(list[other]->name, term->name) == 0) {
                    ynode_error(b->diag, ynode_get(term->node, "affinityName"), "affinityName '%s' stands twice",
                                term->name);
                    return false;
                }
            }
            list[(*count)++] = term;
        }
    }
    return true;
}

static bool build_groups(bind *b, const policy_object *p, spw_policy *out)
{
    const affinity_term *terms[SPW_GROUPS_MAX];
    spw_group *groups;
    size_t count = 0;
    bool ok = list_terms(b, p, terms, &count);

    groups = zone_array(b->zone, count > 0 ? count : 1, sizeof(*groups));
    if (!ok || groups == NULL) {
        return false;
    }
    if (count == 0) {
        groups[0].name = "";
        ok = convert_selector(b, &p->affinity, &groups[0].selector); /* absent = every cluster */
    }
    for (size_t i = 0; i < count && ok; i++) {
        groups[i].name = terms[i]->name;
        ok = convert_selector(b, &terms[i]->affinity, &groups[i].selector);
    }
    out->groups = groups;
    out->group_count = count > 0 ? count : 1;
    return ok;
}

static bool build_weights(bind *b, const scheduling *s, spw_policy *out)
{
    const size_t count = s->weight_count > 0 ? s->weight_count : 1;
    spw_static_weight *weights = zone_array(b->zone, count, sizeof(*weights));

    if (weights == NULL) {
        return false;
    }
    weights[0].weight = 1; /* no list: an empty selector, so every cluster weighs 1 */
    for (size_t i = 0; i < s->weight_count; i++) {
        weights[i].weight = s->weights[i].weight;
        if (!convert_selector(b, &s->weights[i].affinity, &weights[i].selector)) {
            return false;
        }
    }
    out->static_weights = weights;
    out->static_weight_count = count;
    return true;
}

static bool build_division(bind *b, const policy_object *p, spw_policy *out)
{
    const scheduling *s = p->scheduling;

    if (s == NULL || s->type == TYPE_DUPLICATED) {
        out->division = SPW_DIVIDE_DUPLICATED;
    } else if (s->preference == PREFER_AGGREGATED) {
        out->division = SPW_DIVIDE_AGGREGATED;
    } else if (s->dynamic != 0) {
        out->division = SPW_DIVIDE_DYNAMIC;
    } else {
        out->division = SPW_DIVIDE_STATIC;
    }
    if (out->division == SPW_DIVIDE_STATIC && !build_weights(b, s, out)) {
        return false;
    }
    if (out->order == SPW_GROUPS_ORDERED && out->group_count > 1 &&
        (out->division == SPW_DIVIDE_DUPLICATED || (out->division == SPW_DIVIDE_STATIC && !is_ack(p)))) {
        ynode_error(b->diag, s != NULL ? s->node : p->terms_node->key,
                    is_ack(p) ? "groups that overflow into each other need replicaSchedulingType Divided"
                              : "overflowAffinities needs Divided by dynamicWeight or Aggregated");
        return false;
    }
    return true;
}

/* What the API group means, before our own annotations. */
static void set_manners(const policy_object *p, spw_policy *out)
{
    const bool ordered = is_ack(p) || (p->term_count == 1 && p->terms[0].overflow_count > 0);

    out->order = ordered ? SPW_GROUPS_ORDERED : SPW_GROUPS_FAILOVER;
    if (is_ack(p)) {
        out->partial = true;
        out->elastic = p->provision;
        return;
    }
    out->partial = false;
    out->elastic = false;
    out->failback = ordered ? SPW_FAILBACK_ON_RESIZE : SPW_FAILBACK_NEVER;
}

static bool build_tolerations(bind *b, const policy_object *p, spw_policy *out)
{
    spw_toleration *list = zone_array(b->zone, p->toleration_count > 0 ? p->toleration_count : 1, sizeof(*list));

    for (size_t i = 0; i < p->toleration_count && list != NULL; i++) {
        const toleration *t = &p->tolerations[i];

        list[i] =
            (spw_toleration){.key = t->key, .exists = t->op == TOLERATE_EXISTS, .value = t->value, .effect = t->effect};
    }
    out->tolerations = list;
    out->toleration_count = p->toleration_count;
    return list != NULL;
}

static bool build_spreads(bind *b, const policy_object *p, spw_policy *out)
{
    spw_spread *list = zone_array(b->zone, p->spread_count > 0 ? p->spread_count : 1, sizeof(*list));

    for (size_t i = 0; i < p->spread_count && list != NULL; i++) {
        const spread_constraint *s = &p->spreads[i];

        for (size_t k = 0; k < i; k++) {
            if (p->spreads[k].field == s->field) {
                ynode_error(b->diag, s->node, "two spreadConstraints by the same field");
                return false;
            }
        }
        list[i] = (spw_spread){.field = s->field, .min_groups = s->min_groups, .max_groups = s->max_groups};
    }
    out->spreads = list;
    out->spread_count = p->spread_count;
    return list != NULL;
}

/* Karmada's own manner can be asked for where its own API is used. */
static bool check_compat(bind *b, const policy_object *p, const spw_policy *policy)
{
    const bind_pair *at = km_find(p->head.meta.annotations, p->head.meta.annotation_count, POLICY_COMPAT);
    const bool floor = policy->rounding == SPW_ROUND_FLOOR;

    if (policy->compat && is_ack(p)) {
        ynode_error(b->diag, at->node, "compat 'karmada' belongs to policies of policy.karmada.io");
        return false;
    }
    if (floor && policy->division == SPW_DIVIDE_STATIC && policy->group_count > 1 && !policy->compat) {
        at = km_find(p->head.meta.annotations, p->head.meta.annotation_count, POLICY_ROUNDING);
        ynode_error(b->diag, at->node, "rounding 'floor' by static weights over several groups needs compat 'karmada'");
        return false;
    }
    return true;
}

static void check_claims(bind *b, const policy_object *p)
{
    for (size_t i = 0; i < p->claim_count; i++) {
        const km_claim *claim = &p->claims[i];

        if (claim->space[0] != '\0' && strcmp(claim->space, p->head.meta.space) != 0) {
            ynode_warning(b->diag, claim->space_node,
                          "namespace '%s' is read as '%s': a PropagationPolicy governs its own namespace only",
                          claim->space, p->head.meta.space);
        }
    }
}

bool km_read_policy(spw_manifest_set *set, bind *b, const ynode *root)
{
    km_policy *out = zone_take(b->zone, sizeof(*out));
    policy_object p;

    if (out == NULL || !bind_object(b, &policy_object_table, root, &p) || !check_placement(b, &p)) {
        return false;
    }
    spw_policy_default(&out->policy);
    set_manners(&p, &out->policy);
    out->policy.suspended = p.undispatched || p.unscheduled;
    if (!build_groups(b, &p, &out->policy) || !build_division(b, &p, &out->policy) ||
        !build_tolerations(b, &p, &out->policy) || !build_spreads(b, &p, &out->policy) ||
        !policy_knobs_read(b, &p.head.meta, &out->policy) || !check_compat(b, &p, &out->policy)) {
        return false;
    }
    check_claims(b, &p);
    out->head = p.head;
    out->priority = p.priority;
    out->claims = p.claims;
    out->claim_count = p.claim_count;
    if (!km_append(set, &set->policies, &out->head, root)) {
        return false;
    }
    out->policy.name = out->head.full;
    return true;
}
