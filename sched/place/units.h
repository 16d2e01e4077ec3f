/* SPDX-License-Identifier: Apache-2.0 */
/**
 * units.h - the order in which a workload uses the pools of one cluster: ACK's ResourcePolicy.
 *
 * A replica takes the first unit that has a place for it and is not at its `max`. Where it may only go on after a wait
 * (whenTryNextUnits), the later units are counted, and taken, with the kind of room that it waits for: nodes of the
 * first unit that are coming or could be ordered come before idle ones of the second. A unit that holds replicas back
 * for good (ExceedMax below its max) hides all that come after it. Which unit a running replica stands in is told by
 * the snapshot's usage; those it says nothing of stand, as they came, in the first units with places left. One that
 * waits for a node counts where it has taken room.
 * Source: Alibaba Cloud, "Configure priority-based resource scheduling" (units, max, whenTryNextUnits).
 */
#ifndef SCHED_PLACE_UNITS_H
#define SCHED_PLACE_UNITS_H

#include "place/capacity.h"

/** The unit of a pool, -1 if none. */
int32_t units_index(const spw_units *units, const room_pool *pool);

/** Nothing used yet in cluster c. */
void units_open(room *r, uint32_t c, const spw_units *units);
/** n replicas stand in unit u, or (u < 0) in the first units with places left. */
void units_use(room *r, uint32_t c, const spw_units *units, int32_t u, int32_t n);
/** So many stand or have taken room in each unit: not among the others any more. */
void units_hold(room *r, uint32_t c, const spw_units *units, const int32_t *in_unit);
/** No more than n replicas stand in all units together: what was told of more is of another moment; last unit first. */
void units_bound(room *r, uint32_t c, const spw_units *units, int32_t n);
/**
 * Places for victims that are left by `max`, SPW_REPLICAS_MAX for a workload without units: in all units that are
 * within reach, or, while the units are tried one after the other, in the one whose turn it is.
 */
int32_t units_places(const room *r, uint32_t c, const spw_workload *workload);

/**
 * Is the pool in a unit within reach of victims? While units are tried one after the other it is in those tried so far;
 * and where victims come before the next unit, none lies beyond a unit that holds replicas back.
 */
bool units_reach(const room *r, uint32_t c, const spw_workload *workload, const room_pool *pool);

/** Units within reach of victims, from the first. */
size_t units_in_reach(const room *r, uint32_t c, const spw_workload *workload);

/** n replicas stand where victims were: in the unit whose turn it is, or in the first ones with places left. */
void units_nominate(room *r, uint32_t c, const spw_workload *workload, int32_t n);

/** May replicas use idle room of a pool of cluster c now: has its unit a place left, and does none before it hold back?
 */
bool units_is_open(const room *r, uint32_t c, const spw_workload *workload, const room_pool *pool);

/** As room_count() and room_take() by GPUs. */
int32_t units_count(const room *r, uint32_t c, const spw_workload *workload, room_kind kind);
int32_t units_take(room *r, uint32_t c, const spw_workload *workload, room_kind kind, int32_t n);

/**
 * How `target` replicas stand in the units once all is done: those that units_open() and units_use() were told of and
 * those that were taken since, without what is too many, the last unit first.
 */
void units_spread(const room *r, uint32_t c, const spw_units *units, int32_t target, int32_t *out);

#endif
