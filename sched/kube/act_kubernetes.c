/* SPDX-License-Identifier: Apache-2.0 */
/** act_kubernetes.c - plain clusters: one scale subresource for each workload and cluster. */
#include "sched/kube/act_int.h"

#include <stdio.h>

/* One write for each place action, or its fate at once. @return false: out of memory */
static bool plan_writes(kube_act *act)
{
    const kube_fleet_spec *fleet = kube_fleet_spec_get(act->spec.fleet);
    act->writes = zone_array(&act->zone, act->count + 1, sizeof *act->writes);
    if (act->writes == NULL) {
        return false;
    }
    for (size_t i = 0; i < act->count; i++) {
        act_entry *e = &act->entries[i];
        if (e->action.verb == SPW_VERB_SCALE) {
            if (!kube_writer_is_dry(act->spec.writer)) {
                kube_source_template_set(act->spec.source, e->action.workload, (int32_t)e->action.amount);
            }
            act_settle(e, KUBE_FATE_DONE, "");
            continue;
        }
        if (e->cluster == SIZE_MAX || !fleet->clusters[e->cluster].reachable) {
            act_settle(e, KUBE_FATE_REFUSED, "its API server is not ours to ask");
            continue;
        }
        const kube_cluster_spec *cluster = &fleet->clusters[e->cluster];
        const kube_workload *row = kube_fleet_workload(act->spec.fleet, e->cluster, e->kind, e->space, e->name);
        const act_where where = {.server = cluster->server, .breaker = e->cluster, .prefix = cluster->prefix};
        if (!act_scale_write(act, e, row, &where)) {
            return false;
        }
    }
    return true;
}

static spw_rc carry_out(kube_act *act, spw_err *err)
{
    return plan_writes(act) ? act_run(act, act->writes, act->write_count, err) : SPW_NOMEM;
}

kube_act *kube_act_kubernetes_new(const kube_act_spec *spec)
{
    return act_new(spec, "kubernetes", carry_out);
}
