/* SPDX-License-Identifier: Apache-2.0 */
/** pod_data.c - data residency, latency budget and data gravity of a workload, from its annotations. */
#include "sched/manifest/pod_data.h"

#include <string.h>

/* The template wins over the object around it. */
static const bind_pair *find(const pod *p, const km_meta *meta, const char *key)
{
    const bind_pair *own = km_find(p->annotations, p->annotation_count, key);

    return own != NULL ? own : km_find(meta->annotations, meta->annotation_count, key);
}

static bool is_twice(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* "CN, EU": names between commas, blanks around them do not count. */
static bool read_names(bind *b, const bind_pair *pair, const char *const **out, size_t *count)
{
    const char *at = pair != NULL ? pair->value : NULL;
    const char **names = zone_array(b->zone, at != NULL ? strlen(at) + 1 : 1, sizeof(*names));

    *count = 0;
    while (at != NULL && names != NULL) {
        const char *start = at + strspn(at, " ");
        size_t length = strcspn(start, ",");

        at = start[length] == ',' ? start + length + 1 : NULL;
        while (length > 0 && start[length - 1] == ' ') {
            length--;
        }
        names[*count] = zone_text(b->zone, start, length);
        if (names[*count] == NULL) {
            return false;
        }
        if (length == 0 || is_twice(names, *count, names[*count])) {
            ynode_error(b->diag, pair->node, "annotation '%s' must list different names with commas between, not '%s'",
                        pair->key, pair->value);
            return false;
        }
        (*count)++;
    }
    *out = names;
    return names != NULL;
}

static bool read_scalar(bind *b, const bind_pair *pair, const bind_field *field, void *at)
{
    ynode plain;

    if (pair == NULL) {
        return true;
    }
    plain = *pair->node; /* an annotation is always quoted, so its text may be any kind of value */
    plain.quoted = false;
    return bind_scalar(b, field, &plain, at);
}

bool pod_read_data(bind *b, const pod *p, const km_meta *meta, spw_workload *out)
{
    static const bind_name bools[] = {{"true", 1}, {"false", 0}, {NULL, 0}};
    static const bind_field budget_field = {
        .key = POD_LATENCY_BUDGET, .kind = BIND_DURATION, .range = BIND_ABOVE, .min = 0};
    static const bind_field movable_field = {.key = POD_DATASET_MOVABLE, .kind = BIND_ENUM, .names = bools};
    const bind_pair *budget = find(p, meta, POD_LATENCY_BUDGET);
    const bind_pair *users = find(p, meta, POD_USER_REGIONS);
    const bind_pair *region = find(p, meta, POD_DATASET_REGION);
    const bind_pair *movable = find(p, meta, POD_DATASET_MOVABLE);
    int32_t moves = 0;

    if ((budget == NULL) != (users == NULL)) {
        ynode_error(b->diag, (budget != NULL ? budget : users)->node->key,
                    "'" POD_LATENCY_BUDGET "' and '" POD_USER_REGIONS "' belong together");
        return false;
    }
    if (movable != NULL && region == NULL) {
        ynode_error(b->diag, movable->node->key, "'" POD_DATASET_MOVABLE "' needs '" POD_DATASET_REGION "'");
        return false;
    }
    if (region != NULL && region->value[0] == '\0') {
        ynode_error(b->diag, region->node, "annotation '" POD_DATASET_REGION "' must name a region");
        return false;
    }
    if (!read_names(b, find(p, meta, POD_JURISDICTIONS), &out->jurisdictions, &out->jurisdiction_count) ||
        !read_names(b, users, &out->user_regions, &out->user_region_count) ||
        !read_scalar(b, budget, &budget_field, &out->latency_budget) ||
        !read_scalar(b, movable, &movable_field, &moves)) {
        return false;
    }
    out->dataset_region = region != NULL ? region->value : NULL;
    out->dataset_movable = moves != 0;
    return true;
}
