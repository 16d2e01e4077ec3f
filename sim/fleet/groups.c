/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * groups.c - which group of its policy a cluster belongs to, for reporting.
 *
 * The core matches selectors for itself; this is a second reading of the same rules (Karmada's ClusterAffinity:
 * exclude wins, everything else is ANDed, an empty list of names means any cluster), used to say which clusters are
 * "later groups" when bursts are measured. It never feeds back into a decision.
 */
#include "sim/fleet/world.h"

#include <string.h>

static bool in_list(const char *value, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(value, list[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* value NULL = the key is absent */
static bool meets(const spw_requirement *r, const char *value)
{
    switch (r->op) {
    case SPW_OP_IN:
        return value != NULL && in_list(value, r->values, r->value_count);
    case SPW_OP_NOT_IN:
        return value == NULL || !in_list(value, r->values, r->value_count);
    case SPW_OP_EXISTS:
        return value != NULL;
    case SPW_OP_NOT_EXISTS:
        return value == NULL;
    }
    return false;
}

static const char *label_of(const sc_cluster *cluster, const char *key)
{
    for (size_t i = 0; i < cluster->labels.count; i++) {
        if (strcmp(cluster->labels.at[i].key, key) == 0) {
            return cluster->labels.at[i].value;
        }
    }
    return NULL;
}

static const char *field_of(const sc_scenario *sc, const sc_cluster *cluster, const char *key)
{
    if (strcmp(key, "provider") == 0) {
        return cluster->provider;
    }
    if (strcmp(key, "zone") == 0) {
        return cluster->zone;
    }
    return strcmp(key, "region") == 0 ? sc->regions[cluster->region].name : NULL;
}

static bool selects(const sc_scenario *sc, const spw_selector *s, const sc_cluster *cluster)
{
    if (in_list(cluster->name, s->exclude, s->exclude_count) ||
        (s->name_count > 0 && !in_list(cluster->name, s->names, s->name_count))) {
        return false;
    }
    for (size_t i = 0; i < s->label_count; i++) {
        if (!meets(&s->labels[i], label_of(cluster, s->labels[i].key))) {
            return false;
        }
    }
    for (size_t i = 0; i < s->field_count; i++) {
        if (!meets(&s->fields[i], field_of(sc, cluster, s->fields[i].key))) {
            return false;
        }
    }
    return true;
}

bool fl_policy_groups(const sc_scenario *sc, const spw_policy *policy, int32_t *group_of)
{
    bool any = false;

    for (int32_t c = 0; c < sc->cluster_count; c++) {
        group_of[c] = -1;
        for (size_t g = 0; policy != NULL && group_of[c] < 0 && g < policy->group_count; g++) {
            if (selects(sc, &policy->groups[g].selector, &sc->clusters[c])) {
                group_of[c] = (int32_t)g;
                any = true;
            }
        }
    }
    return any;
}
