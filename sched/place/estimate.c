/* SPDX-License-Identifier: Apache-2.0 */
/* estimate.c - see estimate.h. */
#include "place/estimate.h"

int64_t estimate_request(const spw_workload *workload, estimate_kind kind)
{
    switch (kind) {
    case ESTIMATE_K_PODS:
        return 1;
    case ESTIMATE_K_CPU:
        return workload->cpu_milli;
    case ESTIMATE_K_MEMORY:
        return workload->memory_bytes;
    case ESTIMATE_KINDS:
        break;
    }
    return 0;
}

static int64_t left_of(const int64_t *allocatable, const int64_t *allocated, const int64_t *allocating, spw_id row)
{
    if (allocatable == NULL && allocated == NULL && allocating == NULL) {
        return ESTIMATE_NO_LIMIT;
    }
    if (allocatable == NULL || allocatable[row] < 0) {
        return -1;
    }
    int64_t used = (allocated == NULL ? 0 : allocated[row]) + (allocating == NULL ? 0 : allocating[row]);
    return allocatable[row] > used ? allocatable[row] - used : 0;
}

estimate_left estimate_of_summary(const spw_cluster_rows *t, spw_id row)
{
    estimate_left e = {.grade_first = 0};
    e.left[ESTIMATE_K_PODS] = left_of(t->pods_allocatable, t->pods_allocated, t->pods_allocating, row);
    e.left[ESTIMATE_K_CPU] = left_of(t->cpu_allocatable, t->cpu_allocated, t->cpu_allocating, row);
    e.left[ESTIMATE_K_MEMORY] = left_of(t->memory_allocatable, t->memory_allocated, t->memory_allocating, row);
    e.bindable[ESTIMATE_K_PODS] = left_of(t->pods_allocatable, t->pods_allocated, NULL, row);
    e.bindable[ESTIMATE_K_CPU] = left_of(t->cpu_allocatable, t->cpu_allocated, NULL, row);
    e.bindable[ESTIMATE_K_MEMORY] = left_of(t->memory_allocatable, t->memory_allocated, NULL, row);
    e.waiting[ESTIMATE_K_PODS] = t->pods_allocating == NULL ? 0 : t->pods_allocating[row];
    e.waiting[ESTIMATE_K_CPU] = t->cpu_allocating == NULL ? 0 : t->cpu_allocating[row];
    e.waiting[ESTIMATE_K_MEMORY] = t->memory_allocating == NULL ? 0 : t->memory_allocating[row];
    return e;
}

bool estimate_is_unknown(const estimate_left *e)
{
    bool unknown = e->grade_first == e->grade_end;
    for (int k = 0; k < ESTIMATE_KINDS; k++) {
        unknown = unknown && e->left[k] == ESTIMATE_NO_LIMIT;
    }
    return unknown;
}

/** Replicas on one node of a grade. */
static int64_t each_node(const estimate_grade *g, const spw_workload *w)
{
    int64_t n = ESTIMATE_NODE_PODS;
    if (w->cpu_milli > 0 && g->cpu_milli / w->cpu_milli < n) {
        n = g->cpu_milli / w->cpu_milli;
    }
    if (w->memory_bytes > 0 && g->memory_bytes / w->memory_bytes < n) {
        n = g->memory_bytes / w->memory_bytes;
    }
    return n;
}

static bool has_grades(const estimate_left *e, const spw_workload *workload)
{
    const bool unlisted =
        (workload->cpu_milli > 0 && e->no_cpu_grade) || (workload->memory_bytes > 0 && e->no_memory_grade);
    return (workload->cpu_milli > 0 || workload->memory_bytes > 0) && !unlisted && e->grade_first < e->grade_end;
}

int64_t estimate_grade_count(const estimate_left *e, const estimate_grade *grades, const spw_workload *workload)
{
    int64_t n = 0;
    for (uint32_t g = e->grade_first; g < e->grade_end && has_grades(e, workload); g++) {
        n += grades[g].nodes * each_node(&grades[g], workload);
    }
    return has_grades(e, workload) ? n : ESTIMATE_NO_LIMIT;
}

int32_t estimate_count(const estimate_left *e, const estimate_grade *grades, const spw_workload *workload,
                       estimate_by *by)
{
    static const estimate_by names[ESTIMATE_KINDS] = {ESTIMATE_PODS, ESTIMATE_CPU, ESTIMATE_MEMORY};
    int64_t least = SPW_REPLICAS_MAX;
    estimate_by bound = ESTIMATE_NONE;
    for (int k = 0; k < ESTIMATE_KINDS; k++) {
        int64_t request = estimate_request(workload, (estimate_kind)k);
        if (request == 0 || e->left[k] == ESTIMATE_NO_LIMIT) {
            continue;
        }
        int64_t n = e->left[k] > 0 ? e->left[k] / request : 0;
        if (n < least) {
            least = n;
            bound = names[k];
        }
    }
    int64_t by_grade = estimate_grade_count(e, grades, workload);
    if (by_grade < least) {
        least = by_grade;
        bound = ESTIMATE_GRADES;
    }
    if (by != NULL) {
        *by = bound;
    }
    return (int32_t)least;
}

int32_t estimate_bindable(const estimate_left *e, const spw_workload *workload, int32_t n)
{
    int64_t fit = n;
    for (int k = 0; k < ESTIMATE_KINDS; k++) {
        const int64_t request = estimate_request(workload, (estimate_kind)k);
        if (request > 0 && e->bindable[k] != ESTIMATE_NO_LIMIT && fit > e->bindable[k] / request) {
            fit = e->bindable[k] > 0 ? e->bindable[k] / request : 0;
        }
    }
    return (int32_t)fit;
}

void estimate_bind(estimate_left *e, const spw_workload *workload, int32_t n)
{
    for (int k = 0; k < ESTIMATE_KINDS; k++) {
        const int64_t amount = n * estimate_request(workload, (estimate_kind)k);
        e->bindable[k] -= e->bindable[k] == ESTIMATE_NO_LIMIT ? 0 : amount;
    }
}

/* The smallest sufficient grade first; a node that is used in part counts as used up. */
void estimate_grade_take(const estimate_left *e, estimate_grade *grades, const spw_workload *workload, int64_t n)
{
    for (uint32_t g = e->grade_first; g < e->grade_end && n > 0 && has_grades(e, workload); g++) {
        int64_t each = each_node(&grades[g], workload);
        if (each == 0) {
            continue;
        }
        int64_t nodes = (n + each - 1) / each;
        nodes = nodes < grades[g].nodes ? nodes : grades[g].nodes;
        grades[g].nodes -= (int32_t)nodes;
        n -= nodes * each;
    }
}

void estimate_take(estimate_left *e, estimate_grade *grades, const spw_workload *workload, int32_t n, bool waits)
{
    for (int k = 0; k < ESTIMATE_KINDS; k++) {
        if (e->left[k] == ESTIMATE_NO_LIMIT || e->left[k] < 0) {
            continue;
        }
        int64_t amount = n * estimate_request(workload, (estimate_kind)k); /* at most 10^6 x 2^42 */
        int64_t known = waits ? (amount < e->waiting[k] ? amount : e->waiting[k]) : 0;
        e->waiting[k] -= known;
        amount -= known;
        e->left[k] = e->left[k] > amount ? e->left[k] - amount : 0;
    }
    if (!waits) {
        estimate_grade_take(e, grades, workload, n);
    }
}

const char *estimate_name(estimate_by by)
{
    switch (by) {
    case ESTIMATE_NONE:
        return "none";
    case ESTIMATE_GPUS:
        return "gpus";
    case ESTIMATE_PODS:
        return "pods";
    case ESTIMATE_CPU:
        return "cpu";
    case ESTIMATE_MEMORY:
        return "memory";
    case ESTIMATE_GRADES:
        return "grades";
    }
    return "none";
}
