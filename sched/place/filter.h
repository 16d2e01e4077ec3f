/* SPDX-License-Identifier: Apache-2.0 */
/**
 * filter.h - may a cluster be a place for a workload at all? Hard rules, each with its verdict.
 *
 * In this order: exclude and selectors of the policy's groups, health, taints, data residency, latency budget, data
 * gravity, the field that a spread constraint groups by. Health and taints as Karmada has them
 * (pkg/scheduler/framework/plugins): a cluster that holds replicas of the workload already is not tested for taints.
 * Residency, latency and gravity hold for everybody: a cluster that breaks one loses what it holds.
 */
#ifndef SCHED_PLACE_FILTER_H
#define SCHED_PLACE_FILTER_H

#include <spillway/plan.h>

typedef struct filter {
    const spw_config *config;
    const spw_workload *workload;
    const spw_policy *policy;
    const spw_cluster_rows *clusters;
} filter;

/**
 * @param in  ready  the cluster answers and is healthy
 * @param in  holds  the cluster is told to run replicas of the workload now
 * @param in  group  first group that the cluster matches, -1 if none
 * @return SPW_VERDICT_NONE: it is a candidate; else why not
 */
spw_verdict filter_cluster(const filter *f, spw_id row, int32_t group, bool ready, bool holds);

/** Is there a taint that keeps workloads away and that none of the tolerations covers? */
bool filter_tainted(const spw_taints *taints, const spw_toleration *tolerations, size_t count);

/** Round trip between two regions: the row, 0 inside a region without one, SPW_TIME_MAX if not known. */
spw_dur filter_rtt(const spw_rtt *rtts, size_t count, const char *from, const char *to);

/** What a spread constraint of the policy groups this cluster by, "" if by nothing. */
const char *filter_area(const spw_policy *policy, const spw_cluster_rows *clusters, spw_id row);

/** The field that the policy's spread constraints group clusters by: region, else zone, else provider; 0 = none. */
spw_spread_field filter_area_field(const spw_policy *policy);

#endif
