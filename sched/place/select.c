/* SPDX-License-Identifier: Apache-2.0 */
/* select.c - see select.h. */
#include "place/select.h"

static bool has_name(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/** value NULL = the key is absent. */
static bool meets(const spw_requirement *need, const char *value)
{
    switch (need->op) {
    case SPW_OP_IN:
        return value != NULL && has_name(need->values, need->value_count, value);
    case SPW_OP_NOT_IN:
        return value == NULL || !has_name(need->values, need->value_count, value);
    case SPW_OP_EXISTS:
        return value != NULL;
    case SPW_OP_NOT_EXISTS:
        return value == NULL;
    }
    return false;
}

/** The same of a cluster with several zones, commas between: IN is met by any of them, NOT_IN by none. */
static bool meets_zones(const spw_requirement *need, const char *zones)
{
    bool listed = false;
    for (const char *at = zones; at != NULL && !listed;) {
        size_t length = 0;
        while (at[length] != ',' && at[length] != '\0') {
            length++;
        }
        for (size_t i = 0; i < need->value_count && !listed; i++) {
            listed = strlen(need->values[i]) == length && memcmp(need->values[i], at, length) == 0;
        }
        at = at[length] == ',' ? at + length + 1 : NULL;
    }
    switch (need->op) {
    case SPW_OP_IN:
        return listed;
    case SPW_OP_NOT_IN:
        return !listed;
    case SPW_OP_EXISTS:
        return zones != NULL;
    case SPW_OP_NOT_EXISTS:
        return zones == NULL;
    }
    return false;
}

static const char *label_value(const spw_labels *labels, const char *key)
{
    for (size_t i = 0; i < labels->count; i++) {
        if (strcmp(labels->at[i].key, key) == 0) {
            return labels->at[i].value;
        }
    }
    return NULL;
}

static const char *field_value(const spw_cluster_rows *clusters, spw_id row, const char *key)
{
    const char *value = NULL;
    if (strcmp(key, "region") == 0) {
        value = clusters->region[row];
    } else if (strcmp(key, "zone") == 0) {
        value = clusters->zone[row];
    } else if (strcmp(key, "provider") == 0) {
        value = clusters->provider[row];
    }
    return value != NULL && value[0] != '\0' ? value : NULL;
}

bool select_cluster(const spw_selector *selector, const spw_cluster_rows *clusters, spw_id row)
{
    const char *name = clusters->name[row];
    if (has_name(selector->exclude, selector->exclude_count, name)) {
        return false;
    }
    if (selector->name_count > 0 && !has_name(selector->names, selector->name_count, name)) {
        return false;
    }
    for (size_t i = 0; i < selector->label_count; i++) {
        if (!meets(&selector->labels[i], label_value(&clusters->labels[row], selector->labels[i].key))) {
            return false;
        }
    }
    for (size_t i = 0; i < selector->field_count; i++) {
        const spw_requirement *need = &selector->fields[i];
        const char *value = field_value(clusters, row, need->key);
        if (strcmp(need->key, "zone") == 0 ? !meets_zones(need, value) : !meets(need, value)) {
            return false;
        }
    }
    return true;
}

int32_t select_group(const spw_policy *policy, const spw_cluster_rows *clusters, spw_id row)
{
    for (size_t g = 0; g < policy->group_count; g++) {
        if (select_cluster(&policy->groups[g].selector, clusters, row)) {
            return (int32_t)g;
        }
    }
    return -1;
}
