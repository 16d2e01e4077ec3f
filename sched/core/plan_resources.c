/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan_resources.c - the law of CPU, memory and pods: what a plan adds to a cluster is there.
 *
 * Written against the snapshot alone, as all of plan_check.c. A cluster that shows a summary has left what it may
 * allocate, less what pods have and what pods wait for; one that shows grades has left what all their nodes have free.
 * Victims of the plan give back what they request. Neither says anything of nodes that are not up: as many of the new
 * replicas as could stand there by their GPUs may do so, those that request most of them all. Division by weights
 * ignores capacity by definition.
 */
#include "core/errors.h"
#include "core/plan_internal.h"

typedef enum resource { PODS, CPU, MEMORY, RESOURCES } resource;

#define POD_REQUEST 1

/** Requests of a replica; of a column that is not there nothing is known, so nothing is asked for. */
static int64_t request_of(const spw_snapshot *snap, spw_id workload, resource k)
{
    const spw_workload_rows *t = &snap->workloads;
    switch (k) {
    case PODS:
        return POD_REQUEST;
    case CPU:
        return t->cpu_milli == NULL ? 0 : t->cpu_milli[workload];
    case MEMORY:
        return t->memory_bytes == NULL ? 0 : t->memory_bytes[workload];
    case RESOURCES:
        break;
    }
    return 0;
}

static int64_t add_capped(int64_t a, int64_t b)
{
    return a > INT64_MAX - b ? INT64_MAX : a + b; /* both >= 0 */
}

static int64_t times_capped(int64_t a, int64_t b)
{
    return b > 0 && a > INT64_MAX / b ? INT64_MAX : a * b;
}

/** GPUs on nodes of a cluster that are ordered, by its own record or by this plan, and not up. */
static int64_t gpus_to_come(const spw_plan *plan, const spw_plan_index *x, const spw_snapshot *snap, spw_id cluster)
{
    const spw_pool_rows *t = &snap->pools;
    int64_t gpus = 0;
    for (size_t p = 0; p < t->count; p++) {
        int64_t after = t->cluster[p] == cluster ? plan_index_nodes(x, plan, snap, (spw_id)p) : 0;
        gpus += after > t->nodes[p] ? (after - t->nodes[p]) * t->gpus_per_node[p] : 0;
    }
    return gpus;
}

/** What a plan does to one resource of one cluster. */
typedef struct change {
    int64_t added;   /**< requests of new replicas */
    int64_t freed;   /**< requests of victims */
    int64_t per_gpu; /**< most that a GPU of a new replica requests of it, rounded up */
} change;

/** @return the action that added last */
static size_t changes_of(const spw_plan *plan, const spw_plan_index *x, const spw_snapshot *snap, spw_id cluster,
                         change *c)
{
    size_t last = 0;
    size_t end = 0;
    for (size_t i = plan_index_placed(x, cluster, &end); i < end; i++) {
        const plan_entry *e = &x->at[i];
        const spw_action *a = &plan->actions[e->action];
        if (a->reason == SPW_WHY_WEIGHTS) {
            continue;
        }
        const int64_t more = a->amount - e->assigned;
        const int64_t gpus = snap->workloads.gpus == NULL ? 1 : snap->workloads.gpus[a->workload]; /* at least */
        last = more > 0 && e->action > last ? e->action : last;
        for (resource k = PODS; k < RESOURCES; k++) {
            const int64_t request = request_of(snap, a->workload, k);
            const int64_t part = gpus > 0 ? request / gpus + (request % gpus > 0 ? 1 : 0) : 0;
            if (more > 0) {
                c[k].added = add_capped(c[k].added, times_capped(more, request));
                c[k].per_gpu = part > c[k].per_gpu ? part : c[k].per_gpu;
            } else if (a->reason == SPW_WHY_PREEMPTED) {
                c[k].freed = add_capped(c[k].freed, times_capped(-more, request));
            }
        }
    }
    return last;
}

/** @return what a summary leaves; INT64_MAX where it does not limit the resource */
static int64_t left_of_summary(const spw_snapshot *snap, spw_id cluster, resource k)
{
    const spw_cluster_rows *t = &snap->clusters;
    const int64_t *const columns[RESOURCES][3] = {
        {t->pods_allocatable, t->pods_allocated, t->pods_allocating},
        {t->cpu_allocatable, t->cpu_allocated, t->cpu_allocating},
        {t->memory_allocatable, t->memory_allocated, t->memory_allocating},
    };
    if (columns[k][0] == NULL) {
        return INT64_MAX;
    }
    int64_t left = columns[k][0][cluster]; /* -1 where the cluster does not list it: none is left */
    for (int i = 1; i < 3 && left > 0; i++) {
        const int64_t taken = columns[k][i] == NULL ? 0 : columns[k][i][cluster];
        left = left > taken ? left - taken : 0;
    }
    return left > 0 ? left : 0;
}

/** @return what the nodes of all grades have; INT64_MAX where they do not limit the resource */
static int64_t left_of_grades(const spw_snapshot *snap, spw_id cluster, resource k)
{
    const spw_grade_rows *t = &snap->grades;
    int64_t left = 0;
    bool any = false;
    for (size_t i = 0; i < t->count && k != PODS; i++) {
        if (t->cluster[i] != cluster) {
            continue;
        }
        if (t->cpu_milli[i] < 0 || t->memory_bytes[i] < 0) {
            return INT64_MAX; /* grades that leave a resource out limit nobody who requests it, of the other neither */
        }
        any = true;
        left = add_capped(left, times_capped(t->nodes[i], k == CPU ? t->cpu_milli[i] : t->memory_bytes[i]));
    }
    return any ? left : INT64_MAX;
}

static spw_rc check_cluster(const spw_plan *plan, const spw_plan_index *x, const spw_snapshot *snap, spw_id cluster,
                            spw_err *err)
{
    static const char *const texts[RESOURCES] = {"more replicas than the cluster may run pods",
                                                 "more replicas than the cluster has CPU for",
                                                 "more replicas than the cluster has memory for"};
    change c[RESOURCES] = {{0}};
    const size_t last = changes_of(plan, x, snap, cluster, c);
    if (c[PODS].added == 0) {
        return SPW_OK;
    }
    const int64_t to_come = gpus_to_come(plan, x, snap, cluster);
    for (resource k = PODS; k < RESOURCES; k++) {
        const int64_t summary = left_of_summary(snap, cluster, k);
        const int64_t grades = left_of_grades(snap, cluster, k);
        const int64_t left = summary < grades ? summary : grades;
        const int64_t elsewhere = times_capped(to_come, c[k].per_gpu);
        if (left < INT64_MAX && c[k].added > add_capped(add_capped(left, c[k].freed), elsewhere)) {
            return err_set(err, SPW_INVAL, (spw_id)last, "plan.resources", texts[k]);
        }
    }
    return SPW_OK;
}

spw_rc plan_check_resources(const spw_plan *plan, const spw_plan_index *x, const spw_snapshot *snap, spw_err *err)
{
    const spw_cluster_rows *t = &snap->clusters;
    const bool limits = t->cpu_allocatable != NULL || t->memory_allocatable != NULL || t->pods_allocatable != NULL ||
                        snap->grades.count > 0;
    spw_rc rc = SPW_OK;
    for (size_t c = 0; c < t->count && limits && rc == SPW_OK; c++) {
        rc = check_cluster(plan, x, snap, (spw_id)c, err);
    }
    return rc;
}
