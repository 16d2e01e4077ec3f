/* SPDX-License-Identifier: Apache-2.0 */
/**
 * estimate.h - how many replicas a cluster's resource summary and its grades of nodes leave room for.
 *
 * General estimator (semantics of Karmada pkg/estimator/client/general.go), per cluster, for what one replica requests:
 *   pods       max(0, allocatable - allocated - allocating)
 *   resource k max(0, allocatable - allocated - allocating) / request, rounded down
 *   result     the least of them; nothing requested: pods alone; a requested resource that is not listed: 0
 * Resource models: every node of a grade is taken to have free exactly what the grade has at least, and 110 pods;
 * replicas are put on nodes one by one, the smallest sufficient grade first. Sums hide fragmentation, grades show it.
 * Grades that do not list a resource say nothing of replicas that request it: the summary alone counts for those.
 * The estimators that apply are combined by the minimum, and the one that bound is named.
 */
#ifndef SCHED_PLACE_ESTIMATE_H
#define SCHED_PLACE_ESTIMATE_H

#include <spillway/snapshot.h>

#define ESTIMATE_NO_LIMIT  INT64_MAX
#define ESTIMATE_NODE_PODS 110 /**< pods that a node of a grade is taken to have room for */

/** Which estimate was the least. Ties go to the first here. */
typedef enum estimate_by {
    ESTIMATE_NONE = 0,   /**< nothing limits */
    ESTIMATE_GPUS = 1,   /**< GPUs free on single nodes */
    ESTIMATE_PODS = 2,   /**< pods of the summary */
    ESTIMATE_CPU = 3,    /**< CPU of the summary */
    ESTIMATE_MEMORY = 4, /**< memory of the summary */
    ESTIMATE_GRADES = 5  /**< nodes by grade */
} estimate_by;

typedef enum estimate_kind {
    ESTIMATE_K_PODS = 0,
    ESTIMATE_K_CPU = 1,
    ESTIMATE_K_MEMORY = 2,
    ESTIMATE_KINDS = 3
} estimate_kind;

/** What is left of one cluster while a tick plans. */
typedef struct estimate_left {
    int64_t left[ESTIMATE_KINDS];       /**< ESTIMATE_NO_LIMIT = not limited; -1 = not listed */
    int64_t waiting[ESTIMATE_KINDS];    /**< of what is taken: what the cluster itself counts for pods without a node */
    int64_t bindable[ESTIMATE_KINDS];   /**< what no pod on a node has: for those that wait for one; likewise */
    uint32_t grade_first, grade_end;    /**< its grades, smallest first */
    bool no_cpu_grade, no_memory_grade; /**< one of them does not list it */
} estimate_left;

typedef struct estimate_grade {
    uint32_t cluster;                /**< canonical number */
    int32_t nodes;                   /**< not used by this plan yet */
    int64_t cpu_milli, memory_bytes; /**< -1 = not listed */
} estimate_grade;

/** What one replica takes of a kind: pods 1, CPU in milli, memory in bytes. */
int64_t estimate_request(const spw_workload *workload, estimate_kind kind);

/** Row i of the summary columns. */
estimate_left estimate_of_summary(const spw_cluster_rows *t, spw_id row);

/** Does it say nothing: no summary of anything, no grades? */
bool estimate_is_unknown(const estimate_left *e);

/**
 * Replicas that fit. At most SPW_REPLICAS_MAX.
 * @param in  grades  all grades, NULL if the cluster has none
 * @param out by  what bound it; ESTIMATE_NONE if nothing did; may be NULL
 */
int32_t estimate_count(const estimate_left *e, const estimate_grade *grades, const spw_workload *workload,
                       estimate_by *by);

/** Of n replicas that wait for a node, those that the summary has room for on nodes that are up ... */
int32_t estimate_bindable(const estimate_left *e, const spw_workload *workload, int32_t n);
/** ... and which of them got some. */
void estimate_bind(estimate_left *e, const spw_workload *workload, int32_t n);

/** Replicas that fit on nodes by grade alone; ESTIMATE_NO_LIMIT where there are none, or nothing is requested of them.
 */
int64_t estimate_grade_count(const estimate_left *e, const estimate_grade *grades, const spw_workload *workload);

/** Takes room on nodes by grade, and only there. */
void estimate_grade_take(const estimate_left *e, estimate_grade *grades, const spw_workload *workload, int64_t n);

/**
 * Takes what n replicas need. More than there is leaves nothing, and never less than nothing.
 * @param in waits  they are assigned already: what the summary counts as allocating is for them, and is used first
 */
void estimate_take(estimate_left *e, estimate_grade *grades, const spw_workload *workload, int32_t n, bool waits);

const char *estimate_name(estimate_by by); /**< "gpus", "pods", ...; "none" */

#endif
