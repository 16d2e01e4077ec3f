/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * resolve_check.c - what only shows when scenario and manifests are seen together. Most of it is legal, as it is in a
 * real fleet, where a policy may name a cluster that has not joined yet; so these are warnings. A workload that no pool
 * can ever hold is an error: whatever the run shows would not be about it.
 */
#include "sim/scenario/resolve.h"

#include <string.h>

#include "sched/manifest/suggest.h"

static void warn_at(resolve *r, const char *kind, const char *name, const char *text, const char *detail,
                    const char *near)
{
    const char *file = NULL;
    int32_t line = 0, column = 0;
    (void)spw_manifest_where(r->manifests, kind, name, &file, &line, &column);
    if (near != NULL) {
        spw_diag_add(r->diag, SPW_DIAG_WARNING, file, line, column, "%s '%s' %s '%s' (did you mean '%s'?)", kind, name,
                     text, detail, near);
    } else {
        spw_diag_add(r->diag, SPW_DIAG_WARNING, file, line, column, "%s '%s' %s '%s'", kind, name, text, detail);
    }
}

static void check_names(resolve *r, const spw_policy *policy, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        suggest near;
        suggest_init(&near, names[i]);
        bool found = false;
        for (int32_t c = 0; c < r->sc->cluster_count; c++) {
            found = found || strcmp(r->sc->clusters[c].name, names[i]) == 0;
            suggest_offer(&near, r->sc->clusters[c].name);
        }
        if (!found) {
            warn_at(r, "PropagationPolicy", policy->name, "names a cluster that the scenario does not have:", names[i],
                    near.best);
        }
    }
}

static void check_policy(resolve *r, const spw_policy *policy)
{
    for (size_t g = 0; g < policy->group_count; g++) {
        check_names(r, policy, policy->groups[g].selector.names, policy->groups[g].selector.name_count);
        check_names(r, policy, policy->groups[g].selector.exclude, policy->groups[g].selector.exclude_count);
    }
    for (size_t w = 0; w < policy->static_weight_count; w++) {
        check_names(r, policy, policy->static_weights[w].selector.names, policy->static_weights[w].selector.name_count);
    }
}

/* A pool whose card has an error of its own may be the one that was meant. */
static bool has_unknown_gpu(const sc_scenario *sc)
{
    for (int32_t c = 0; c < sc->cluster_count; c++) {
        for (int32_t p = 0; p < sc->clusters[c].pool_count; p++) {
            if (sc->clusters[c].pools[p].gpu == NULL) {
                return true;
            }
        }
    }
    return false;
}

static bool has_gpu(const sc_scenario *sc, const char *gpu)
{
    for (int32_t c = 0; c < sc->cluster_count; c++) {
        for (int32_t p = 0; p < sc->clusters[c].pool_count; p++) {
            const mdl_gpu *have = sc->clusters[c].pools[p].gpu;
            if (have != NULL && strcmp(have->name, gpu) == 0) {
                return true;
            }
        }
    }
    return false;
}

/*
 * A class that tables/gpus.csv does not know is most likely misspelt, and would shut the workload out of pools without
 * a word. A class that is known and that no pool has is ordinary: manifests serve several fleets.
 */
static void check_classes(resolve *r, const spw_workload *workload)
{
    size_t present = 0;
    for (size_t i = 0; i < workload->gpu_class_count; i++) {
        const char *class = workload->gpu_classes[i];
        present += has_gpu(r->sc, class);
        if (has_gpu(r->sc, class) || tables_gpu(r->tables, class) != NULL) {
            continue;
        }
        suggest near;
        suggest_init(&near, class);
        for (size_t k = 0; k < tables_count(r->tables, TABLES_GPUS); k++) {
            const mdl_gpu *row = tables_row(r->tables, TABLES_GPUS, k);
            suggest_offer(&near, row->name);
        }
        warn_at(r, spw_workload_kind_name(workload->kind), workload->name,
                "asks for a GPU class that tables/gpus.csv does not have:", class, near.best);
    }
    if (workload->gpu_class_count > 0 && present == 0 && !has_unknown_gpu(r->sc)) {
        const char *kind = spw_workload_kind_name(workload->kind), *file = NULL;
        int32_t line = 0, column = 0;
        (void)spw_manifest_where(r->manifests, kind, workload->name, &file, &line, &column);
        spw_diag_add(r->diag, SPW_DIAG_ERROR, file, line, column,
                     "%s '%s' can start nowhere: no pool of the scenario has a GPU class that it asks for "
                     "('%s'%s)",
                     kind, workload->name, workload->gpu_classes[0], workload->gpu_class_count > 1 ? ", ..." : "");
    }
}

static void check_workload(resolve *r, spw_id index)
{
    const sc_scenario *sc = r->sc;
    const spw_workload *workload = &sc->config->workloads[index];
    for (int32_t s = 0; s < sc->service_count; s++) {
        if (sc->services[s].workload == index) {
            return;
        }
    }
    const char *kind = spw_workload_kind_name(workload->kind), *file = NULL;
    int32_t line = 0, column = 0;
    (void)spw_manifest_where(r->manifests, kind, workload->name, &file, &line, &column);
    spw_diag_add(r->diag, SPW_DIAG_WARNING, file, line, column,
                 "%s '%s' has no entry in spec.services: it takes up room, and nobody sends it requests", kind,
                 workload->name);
}

void resolve_check_classes(resolve *r)
{
    for (size_t i = 0; i < r->sc->config->workload_count; i++) {
        check_classes(r, &r->sc->config->workloads[i]);
    }
}

void resolve_check(resolve *r)
{
    const spw_config *config = r->sc->config;
    for (size_t i = 0; i < config->policy_count; i++) {
        check_policy(r, &config->policies[i]);
    }
    for (size_t i = 0; i < config->workload_count; i++) {
        check_workload(r, (spw_id)i);
    }
}
