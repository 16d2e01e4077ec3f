/* SPDX-License-Identifier: Apache-2.0 */
/* classes.c - see classes.h. */
#include "core/classes.h"

#include "core/decide.h"
#include "core/roomiest.h"
#include "place/filter.h"

static bool same_text(const char *a, const char *b)
{
    return strcmp(a == NULL ? "" : a, b == NULL ? "" : b) == 0;
}

static bool same_texts(const char *const *a, size_t a_count, const char *const *b, size_t b_count)
{
    bool same = a_count == b_count;
    for (size_t i = 0; i < a_count && same; i++) {
        same = strcmp(a[i], b[i]) == 0;
    }
    return same;
}

static bool same_class(const spw_workload *a, const spw_workload *b)
{
    return a->policy == b->policy && a->gpus == b->gpus && a->cpu_milli == b->cpu_milli &&
           a->memory_bytes == b->memory_bytes && a->latency_budget == b->latency_budget &&
           a->dataset_movable == b->dataset_movable && same_text(a->dataset_region, b->dataset_region) &&
           same_texts(a->gpu_classes, a->gpu_class_count, b->gpu_classes, b->gpu_class_count) &&
           same_texts(a->jurisdictions, a->jurisdiction_count, b->jurisdictions, b->jurisdiction_count) &&
           same_texts(a->user_regions, a->user_region_count, b->user_regions, b->user_region_count);
}

void classes_layout(classes *k, arena *a, const spw_settings *settings, const spw_config *config)
{
    k->of = arena_take(a, config->workload_count, sizeof *k->of);
    k->group = arena_take(a, settings->clusters_max, sizeof *k->group);
    k->count = 0;
    for (size_t w = 0; w < config->workload_count; w++) {
        const spw_workload *workload = &config->workloads[w];
        size_t of = 0;
        while (of < k->count && !same_class(&config->workloads[k->at[of].example], workload)) {
            of++;
        }
        if (workload->policy == SPW_ID_NONE || workload->units != NULL) {
            of = CLASSES_MAX;
        } else if (of == k->count && of < CLASSES_MAX) {
            k->at[k->count++] = (work_class){.example = (uint32_t)w,
                                             .entries = arena_take(a, settings->clusters_max, sizeof(uint64_t)),
                                             .entry_of = arena_take(a, settings->clusters_max, sizeof(uint64_t)),
                                             .seen = arena_take(a, settings->clusters_max, sizeof(room_seen))};
        }
        if (k->of != NULL) {
            k->of[w] = (uint8_t)of;
        }
    }
}

void classes_open(spw_core *core)
{
    bool known = core->classes.known && core->view.same_clusters;
    for (size_t i = 0; i < core->classes.count && !known; i++) {
        core->classes.at[i].listed = false;
    }
    core->classes.known = true;
}

/** Sorts the clusters that come into question by group, in their order inside a group. */
static void list_clusters(spw_core *core, work_class *class)
{
    const view *v = &core->view;
    const spw_workload *workload = &core->config.workloads[class->example];
    const filter rules = {&core->config, workload, &core->config.policies[workload->policy], &v->snap->clusters};
    int32_t *group = core->classes.group;
    memset(class->group_end, 0, sizeof class->group_end);
    for (uint32_t c = 0; c < v->cluster_count; c++) {
        const view_cluster *cluster = &v->clusters[c];
        group[c] = cluster->stale ? -1 : view_site_at(v, workload->policy, c)->group;
        if (group[c] >= 0 &&
            filter_cluster(&rules, cluster->row, group[c], cluster->ready, false) != SPW_VERDICT_NONE) {
            group[c] = -1;
        }
        if (group[c] >= 0) {
            class->group_end[group[c]]++;
        }
    }
    uint32_t first = 0;
    for (int32_t g = 0; g < SPW_GROUPS_MAX; g++) { /* from counts to where each begins ... */
        uint32_t count = class->group_end[g];
        class->group_end[g] = first;
        first += count;
    }
    for (uint32_t c = 0; c < v->cluster_count; c++) { /* ... to where each ends */
        class->entry_of[c] = group[c] >= 0 ? UINT64_MAX : 0;
        if (group[c] >= 0) {
            class->entries[class->group_end[group[c]]++] = c;
        }
    }
    roomiest_begin(class);
    class->listed = true;
}

work_class *classes_find(spw_core *core, uint32_t work)
{
    if (core->classes.of[work] == CLASSES_MAX) {
        return NULL;
    }
    work_class *class = &core->classes.at[core->classes.of[work]];
    if (!class->listed) {
        list_clusters(core, class);
    }
    return class;
}
