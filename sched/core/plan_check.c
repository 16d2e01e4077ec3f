/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan_check.c - the other border: nothing leaves the core that breaks the world's rules.
 *
 * Written against the snapshot alone, not against the planner's own scratch, so that a mistake there cannot hide here.
 */
#include "core/errors.h"
#include "core/plan_internal.h"

static spw_rc bad(spw_err *err, size_t index, const char *field, const char *text)
{
    return err_set(err, SPW_INVAL, (spw_id)index, field, text);
}

static bool has_rows(const spw_action *a, const spw_snapshot *snap)
{
    bool workload = a->workload < snap->workloads.count;
    bool cluster = a->cluster < snap->clusters.count;
    bool pool = a->pool < snap->pools.count;
    switch (a->verb) {
    case SPW_VERB_SCALE:
        return workload;
    case SPW_VERB_PLACE:
    case SPW_VERB_ROUTE:
    case SPW_VERB_PREFETCH:
        return workload && cluster;
    case SPW_VERB_PROVISION:
    case SPW_VERB_RELEASE:
        return pool && cluster && snap->pools.cluster[a->pool] == a->cluster;
    }
    return false;
}

static bool in_range(const spw_action *a, const spw_snapshot *snap)
{
    switch (a->verb) {
    case SPW_VERB_SCALE:
    case SPW_VERB_PLACE:
        return a->amount >= 0 && a->amount <= SPW_REPLICAS_MAX;
    case SPW_VERB_ROUTE:
        return a->amount >= 0 && a->amount <= 1000000;
    case SPW_VERB_PREFETCH:
        return a->amount == 1;
    case SPW_VERB_PROVISION:
        return a->amount > snap->pools.nodes_target[a->pool] && a->amount <= snap->pools.nodes_max[a->pool];
    case SPW_VERB_RELEASE:
        return a->amount < snap->pools.nodes_target[a->pool] && a->amount >= snap->pools.nodes_min[a->pool];
    }
    return false;
}

static bool same_target(const spw_action *a, const spw_action *b)
{
    bool nodes_a = a->verb == SPW_VERB_PROVISION || a->verb == SPW_VERB_RELEASE;
    bool nodes_b = b->verb == SPW_VERB_PROVISION || b->verb == SPW_VERB_RELEASE;
    if (nodes_a && nodes_b) {
        return a->pool == b->pool;
    }
    return a->verb == b->verb && a->workload == b->workload && a->cluster == b->cluster && a->pool == b->pool;
}

/** Nodes the plan asks of a pool: the amount of its action, else what its own record holds. */
static int64_t nodes_after(const spw_plan *plan, const spw_snapshot *snap, spw_id pool)
{
    for (size_t i = 0; i < plan->action_count; i++) {
        if (plan->actions[i].pool == pool) {
            return plan->actions[i].amount;
        }
    }
    return snap->pools.nodes_target[pool];
}

static int32_t on_nodes(const spw_snapshot *snap, spw_id workload, spw_id cluster, const int32_t *column)
{
    for (size_t i = 0; i < snap->placements.count; i++) {
        if (snap->placements.workload[i] == workload && snap->placements.cluster[i] == cluster) {
            return column[i];
        }
    }
    return 0;
}

/** GPUs that must be found for what an action adds to a cluster: all its replicas that are not on a node yet. */
static int64_t gpus_needed(const spw_snapshot *snap, const spw_action *a, spw_id cluster)
{
    if (a->verb != SPW_VERB_PLACE || a->cluster != cluster || a->reason == SPW_WHY_WEIGHTS ||
        a->amount <= on_nodes(snap, a->workload, cluster, snap->placements.assigned)) {
        return 0;
    }
    int64_t missing = a->amount - on_nodes(snap, a->workload, cluster, snap->placements.scheduled);
    return missing > 0 ? missing * snap->workloads.gpus[a->workload] : 0;
}

/** GPUs on nodes of a cluster that victims of this plan give back. */
static int64_t gpus_of_victims(const spw_plan *plan, const spw_snapshot *snap, spw_id cluster)
{
    int64_t gpus = 0;
    for (size_t i = 0; i < plan->action_count; i++) {
        const spw_action *a = &plan->actions[i];
        if (a->verb == SPW_VERB_PLACE && a->reason == SPW_WHY_PREEMPTED && a->cluster == cluster) {
            int64_t on = on_nodes(snap, a->workload, cluster, snap->placements.scheduled);
            int64_t told = on_nodes(snap, a->workload, cluster, snap->placements.assigned);
            int64_t gone = (on < told ? on : told) - a->amount;
            gpus += gone > 0 ? gone * snap->workloads.gpus[a->workload] : 0;
        }
    }
    return gpus;
}

/** GPUs of a cluster that are free, coming, or asked for by this plan. */
static int64_t gpus_open(const spw_plan *plan, const spw_snapshot *snap, spw_id cluster)
{
    int64_t gpus = 0;
    for (size_t p = 0; p < snap->pools.count; p++) {
        if (snap->pools.cluster[p] != cluster) {
            continue;
        }
        for (int32_t k = 1; k <= snap->pools.gpus_per_node[p]; k++) {
            gpus += (int64_t)snap->pools.free_nodes[p][k] * k;
        }
        int64_t more = nodes_after(plan, snap, (spw_id)p) - snap->pools.nodes[p];
        gpus += more > 0 ? more * snap->pools.gpus_per_node[p] : 0;
    }
    return gpus;
}

/**
 * What the actions up to `index` add to a cluster must find its GPUs there. The planner's own bound is finer
 * (fragmentation, classes, priorities); this one is independent. Division by weights ignores capacity by definition.
 */
static spw_rc check_growth(const spw_plan *plan, const spw_snapshot *snap, size_t index, spw_err *err)
{
    spw_id cluster = plan->actions[index].cluster;
    if (snap->workloads.gpus == NULL || gpus_needed(snap, &plan->actions[index], cluster) == 0) {
        return SPW_OK;
    }
    int64_t needed = 0;
    for (size_t i = 0; i <= index; i++) {
        needed += gpus_needed(snap, &plan->actions[i], cluster);
    }
    if (needed > gpus_open(plan, snap, cluster) + gpus_of_victims(plan, snap, cluster)) {
        return bad(err, index, "plan.capacity", "more replicas than the cluster has or could have GPUs");
    }
    return SPW_OK;
}

spw_rc spw_plan_check(const spw_plan *plan, const spw_snapshot *snap, spw_err *err)
{
    if (plan->overflow) {
        return bad(err, SPW_ID_NONE, "plan", "the plan did not fit in its room");
    }
    for (size_t i = 0; i < plan->action_count; i++) {
        const spw_action *a = &plan->actions[i];
        if (!has_rows(a, snap)) {
            return bad(err, i, "plan.rows", "the action names a row that does not exist");
        }
        if (!in_range(a, snap)) {
            return bad(err, i, "plan.amount", "the amount is out of range");
        }
        if (a->after != UINT32_MAX && a->after >= i) {
            return bad(err, i, "plan.after", "an action can only depend on an earlier one");
        }
        if (a->reason == SPW_WHY_NONE) {
            return bad(err, i, "plan.reason", "an action needs a reason");
        }
        for (size_t k = 0; k < i; k++) {
            if (same_target(a, &plan->actions[k])) {
                return bad(err, i, "plan.target", "two actions set the same thing");
            }
        }
        spw_rc rc = check_growth(plan, snap, i, err);
        if (rc != SPW_OK) {
            return rc;
        }
    }
    return plan_check_resources(plan, snap, err);
}
