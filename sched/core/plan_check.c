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

/** What an action says by itself. */
static spw_rc check_action(const spw_plan *plan, const spw_snapshot *snap, size_t i, spw_err *err)
{
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
    return SPW_OK;
}

/** The first action that sets what an earlier one sets; x->count if there is none. */
static size_t first_repeated(const spw_plan_index *x)
{
    size_t first = x->count;
    for (size_t i = 1; i < x->count; i++) {
        bool again = x->at[i].key == x->at[i - 1].key;
        first = again && x->at[i].action < first ? x->at[i].action : first;
    }
    return first;
}

/** GPUs that must be found for what a placement adds: all its replicas that are not on a node yet. */
static int64_t gpus_needed(const spw_plan *plan, const spw_snapshot *snap, const plan_entry *e)
{
    const spw_action *a = &plan->actions[e->action];
    if (a->reason == SPW_WHY_WEIGHTS || a->amount <= e->assigned) {
        return 0;
    }
    int64_t missing = a->amount - e->scheduled;
    return missing > 0 ? missing * snap->workloads.gpus[a->workload] : 0;
}

/** GPUs on nodes of a cluster that a victim of this plan gives back. */
static int64_t gpus_given(const spw_plan *plan, const spw_snapshot *snap, const plan_entry *e)
{
    const spw_action *a = &plan->actions[e->action];
    int64_t on = e->scheduled < e->assigned ? e->scheduled : e->assigned;
    int64_t gone = a->reason == SPW_WHY_PREEMPTED ? on - a->amount : 0;
    return gone > 0 ? gone * snap->workloads.gpus[a->workload] : 0;
}

/** GPUs of a cluster that are free, coming, or asked for by this plan. */
static int64_t gpus_open(const spw_plan *plan, const spw_plan_index *x, const spw_snapshot *snap, spw_id cluster)
{
    int64_t gpus = 0;
    for (size_t p = 0; p < snap->pools.count; p++) {
        if (snap->pools.cluster[p] != cluster) {
            continue;
        }
        for (int32_t k = 1; k <= snap->pools.gpus_per_node[p]; k++) {
            gpus += (int64_t)snap->pools.free_nodes[p][k] * k;
        }
        int64_t more = plan_index_nodes(x, plan, snap, (spw_id)p) - snap->pools.nodes[p];
        gpus += more > 0 ? more * snap->pools.gpus_per_node[p] : 0;
    }
    return gpus;
}

/** The action with which a cluster's new replicas come to need more than `room`. Looked for only where one does. */
static size_t first_beyond(const spw_plan *plan, const spw_plan_index *x, const spw_snapshot *snap, size_t first,
                           size_t end, int64_t room)
{
    size_t beyond = x->count;
    for (size_t i = first; i < end; i++) {
        int64_t needed = 0;
        for (size_t k = first; k < end; k++) {
            needed += x->at[k].action <= x->at[i].action ? gpus_needed(plan, snap, &x->at[k]) : 0;
        }
        bool over = needed > room && gpus_needed(plan, snap, &x->at[i]) > 0;
        beyond = over && x->at[i].action < beyond ? x->at[i].action : beyond;
    }
    return beyond;
}

/**
 * What the plan adds to a cluster must find its GPUs there. The planner's own bound is finer (fragmentation, classes,
 * priorities); this one is independent. Division by weights ignores capacity by definition.
 * @return the first action that goes too far; x->count if none does
 */
static size_t first_too_many(const spw_plan *plan, const spw_plan_index *x, const spw_snapshot *snap)
{
    size_t beyond = x->count;
    for (spw_id c = 0; snap->workloads.gpus != NULL && c < snap->clusters.count; c++) {
        size_t end = 0;
        size_t first = plan_index_placed(x, c, &end);
        int64_t needed = 0;
        int64_t room = 0;
        for (size_t i = first; i < end; i++) {
            needed += gpus_needed(plan, snap, &x->at[i]);
            room += gpus_given(plan, snap, &x->at[i]);
        }
        room += needed > room ? gpus_open(plan, x, snap, c) : 0;
        size_t here = needed > room ? first_beyond(plan, x, snap, first, end, room) : x->count;
        beyond = here < beyond ? here : beyond;
    }
    return beyond;
}

spw_rc spw_plan_check(const spw_plan *plan, const spw_snapshot *snap, spw_err *err)
{
    if (plan->overflow) {
        return bad(err, SPW_ID_NONE, "plan", "the plan did not fit in its room");
    }
    spw_err own = {0};
    spw_rc rc = SPW_OK;
    size_t count = 0; /* actions before the first that is bad by itself */
    while (count < plan->action_count && rc == SPW_OK) {
        rc = check_action(plan, snap, count, &own);
        count += rc == SPW_OK ? 1 : 0;
    }
    const spw_plan_index *x = plan_index(plan, snap, count);
    size_t repeated = first_repeated(x);
    size_t beyond = first_too_many(plan, x, snap);
    if (repeated < count && repeated <= beyond) {
        return bad(err, repeated, "plan.target", "two actions set the same thing");
    }
    if (beyond < count) {
        return bad(err, beyond, "plan.capacity", "more replicas than the cluster has or could have GPUs");
    }
    if (rc != SPW_OK) {
        return bad(err, count, own.field, own.text);
    }
    return plan_check_resources(plan, x, snap, err);
}
