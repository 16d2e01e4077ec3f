/* SPDX-License-Identifier: Apache-2.0 */
/** fill_internal.h - what the files of the filling share: room, orders, division, and the other ways to fill. */
#ifndef SCHED_PLACE_FILL_INTERNAL_H
#define SCHED_PLACE_FILL_INTERNAL_H

#include "place/fill.h"

/** Which kinds of room a step may use. */
typedef enum step { STEP_IDLE = 1, STEP_ELASTIC = 2, STEP_BOTH = 3 } step;

#define ANY_GROUP (-1)

/** Replicas that a slot could take now; 0 where it may not grow. */
int32_t fill_room(const fill *f, const fill_slot *slot, step s);
/** Puts n replicas on a slot, idle room first. @return those that found room */
int32_t fill_take(fill *f, fill_slot *slot, step s, int32_t n);
/** Lowers a slot's target; replicas that still wait for a node go first. */
void fill_lower(fill_slot *slot, int32_t target);
/** Is the slot in this group (ANY_GROUP: in any) and not left out by a spread constraint? */
static inline bool fill_in_group(const fill_slot *slot, int32_t group)
{
    return !slot->out && (group == ANY_GROUP || slot->group == group);
}
int32_t fill_group_sum(const fill *f, int32_t group);
int64_t fill_group_room(const fill *f, int32_t group, step s);
/** Ties between clusters: by name, or by name backwards when the hash of the workload's UID is odd. */
int32_t fill_tie_rank(const fill *f, size_t slot);
/** Makes slot i the next party. @return count + 1 */
size_t fill_add_party(fill *f, size_t count, size_t i, int64_t votes, int64_t cap);
/** Aggregated: keeps the shortest prefix (holders first, then by cap) whose caps reach n. @return parties kept */
size_t fill_aggregate(fill *f, size_t count, int64_t n);
/** Gives n seats to parties[0..count) by the policy's rounding. */
void fill_divide(fill *f, size_t count, int32_t n);
/** The same without going over caps. */
void fill_divide_capped(fill *f, size_t count, int32_t n);
/** Spreads up to n replicas over the room that a group has in this step. @return replicas placed */
int32_t fill_spread_out(fill *f, int32_t group, step s, int32_t n, bool moving);

/**
 * Applies the spread constraints to a group (ANY_GROUP: to all): slots that lose are `out`.
 * @return false: they cannot be met, and nobody is out
 */
bool fill_constrain(fill *f, int32_t group, int32_t wanted);

/** Everything anew, in order, as if nothing were placed. @return replicas that found no room */
int32_t fill_anew(fill *f, int32_t wanted);
/** As Karmada's scheduler does it. @return as fill_place */
int32_t fill_karmada(fill *f, int32_t wanted, int32_t *group);

#endif
