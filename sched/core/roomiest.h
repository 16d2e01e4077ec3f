/* SPDX-License-Identifier: Apache-2.0 */
/**
 * roomiest.h - the clusters that a class of workloads may use, group by group, most room first.
 *
 * Kept in order from workload to workload: whatever takes room notes the cluster (room.touched), and only those that
 * were noted are put in their new place. A group is sorted when it is asked for.
 *
 * What it is for: of n replicas that Webster divides by room, none goes to a cluster that comes after the n roomiest,
 * ties by rank. Such a cluster's first replica comes after the first one of each of those, as votes and rank of theirs
 * are better, and the n are gone by then. So the first n entries say as much as all.
 */
#ifndef SCHED_CORE_ROOMIEST_H
#define SCHED_CORE_ROOMIEST_H

#include "core/decide.h"

/** Cluster of an entry, by canonical number. */
static inline uint32_t roomiest_cluster(uint64_t entry)
{
    return (uint32_t)entry;
}

/** Its room in the first step of the policy: idle, or with step_major PER_CLUSTER idle and elastic. */
static inline int32_t roomiest_room(uint64_t entry)
{
    return (int32_t)(UINT32_MAX - (uint32_t)(entry >> 32));
}

/** All clusters of the class are to be looked at anew: it has just been listed, with the clusters in its entries. */
void roomiest_begin(work_class *class);

/**
 * The entries of a group, most room first, ties by canonical number. Valid until room is taken.
 * @param out count  of them
 */
const uint64_t *roomiest_of(spw_core *core, work_class *class, int32_t group, size_t *count);

/** Where the run of entries with the room of entries[at], which must be above 0, ends. at < count */
size_t roomiest_run(const uint64_t *entries, size_t count, size_t at);

#endif
