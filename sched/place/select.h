/* SPDX-License-Identifier: Apache-2.0 */
/** select.h - does a cluster match a ClusterAffinity? */
#ifndef SCHED_PLACE_SELECT_H
#define SCHED_PLACE_SELECT_H

#include <spillway/snapshot.h>

/**
 * Semantics of Karmada (pkg/util/selector.go): `exclude` is tested first and wins; names, labels and fields are
 * ANDed; an empty list of names means any. NOT_IN and NOT_EXISTS match an absent key.
 */
bool select_cluster(const spw_selector *selector, const spw_cluster_rows *clusters, spw_id row);

/** First group that the cluster matches, -1 if none. */
int32_t select_group(const spw_policy *policy, const spw_cluster_rows *clusters, spw_id row);

#endif
