/* SPDX-License-Identifier: Apache-2.0 */
/** guard_fleet.c - what people have written on the objects of a fleet for its scheduler. */
#include "sched/kube/guard.h"

#include <stdlib.h>
#include <string.h>

typedef bool (*question)(const guard_fleet *f, const kube_workload *row);

static int by_name(const void *name, const void *workload)
{
    return strcmp(name, ((const spw_workload *)workload)->name);
}

static spw_workload_kind kind_of(const guard_fleet *f, const char *workload)
{
    const spw_config *c = f->config;
    const spw_workload *found =
        c != NULL ? bsearch(workload, c->workloads, c->workload_count, sizeof *c->workloads, by_name) : NULL;
    return found != NULL ? found->kind : SPW_WORKLOAD_DEPLOYMENT;
}

/* Whether one of the workload's objects answers yes. */
static bool any(const guard_fleet *f, const char *workload, question is)
{
    const kube_fleet_spec *spec = kube_fleet_spec_get(f->fleet);
    const char *slash = strchr(workload, '/');
    char space[SPW_NAME_MAX + 1];
    const size_t length = slash != NULL ? (size_t)(slash - workload) : 0;
    bool yes = false;

    if (length == 0 || length >= sizeof space) {
        return false;
    }
    memcpy(space, workload, length);
    space[length] = '\0';
    const spw_workload_kind kind = kind_of(f, workload);
    const size_t stores = spec->mode == KUBE_MODE_KARMADA ? 1 : spec->cluster_count;
    for (size_t i = 0; i < stores && !yes; i++) {
        const kube_workload *row = spec->mode == KUBE_MODE_KARMADA
                                       ? kube_fleet_template(f->fleet, kind, space, slash + 1)
                                       : kube_fleet_workload(f->fleet, i, kind, space, slash + 1);
        yes = row != NULL && is(f, row);
    }
    return yes;
}

static bool is_paused(const guard_fleet *f, const kube_workload *row)
{
    (void)f;
    return row->paused;
}

static bool allows_zero(const guard_fleet *f, const kube_workload *row)
{
    (void)f;
    return row->allow_zero;
}

static bool is_canary(const guard_fleet *f, const kube_workload *row)
{
    return strcmp(row->canary, f->canary) == 0;
}

static bool is_excepted(const guard_fleet *f, const kube_workload *row)
{
    return strcmp(row->canary, f->except) == 0;
}

bool guard_fleet_paused(void *self, const char *workload)
{
    return any(self, workload, is_paused);
}

bool guard_fleet_may_be_zero(void *self, const char *workload)
{
    return any(self, workload, allows_zero);
}

bool guard_fleet_ours(void *self, const char *workload)
{
    const guard_fleet *f = self;
    if (f->canary != NULL) {
        return any(f, workload, is_canary);
    }
    return f->except == NULL || !any(f, workload, is_excepted);
}
