/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fill_anew.c - the fresh mode: replicas are divided over what every cluster could hold, its own replicas included.
 *
 * Repeating it while copies are under way changes nothing: what a copy takes from the room of its cluster it adds to
 * what the cluster holds.
 */
#include "place/fill_internal.h"

/** Divides up to n over what the group holds and has room for in this step. @return replicas placed */
static int32_t divide_group(fill *f, int32_t group, step s, int32_t n)
{
    bool weights = f->policy->division == SPW_DIVIDE_STATIC;
    size_t count = 0;
    int64_t total = 0;
    for (size_t i = 0; i < f->count; i++) {
        fill_slot *slot = &f->slots[i];
        int64_t cap = fill_in_group(slot, group) ? slot->target + fill_room(f, slot, s) : 0;
        if (cap > 0) {
            count = fill_add_party(f, count, i, weights ? slot->weight : cap, cap);
        }
    }
    size_t kept = f->policy->division == SPW_DIVIDE_AGGREGATED ? fill_aggregate(f, count, n) : count;
    for (size_t i = 0; i < kept; i++) {
        total += f->caps[i];
    }
    int32_t seats = total < n ? (int32_t)total : n;
    if (weights) {
        fill_divide_capped(f, kept, seats);
    } else {
        fill_divide(f, kept, seats);
    }
    int32_t placed = 0;
    for (size_t i = 0; i < count; i++) {
        fill_slot *slot = &f->slots[f->pick[i]];
        int32_t share = i < kept ? f->parties[i].seats : 0;
        if (share < slot->target) {
            fill_lower(slot, share);
        } else {
            (void)fill_take(f, slot, s, share - slot->target);
        }
        placed += slot->target;
    }
    return placed;
}

int32_t fill_anew(fill *f, int32_t wanted)
{
    int32_t groups = (int32_t)f->policy->group_count;
    int32_t held = fill_group_sum(f, ANY_GROUP);
    if (!f->policy->partial && held + fill_group_room(f, ANY_GROUP, STEP_BOTH) < wanted) {
        f->refusal = SPW_VERDICT_REFUSED;
        return wanted - held;
    }
    int32_t left = wanted;
    for (int32_t g = 0; g < groups; g++) {
        left -= divide_group(f, g, f->policy->step_major == SPW_STEP_PER_CLUSTER ? STEP_BOTH : STEP_IDLE, left);
        if (f->policy->step_major == SPW_STEP_PER_TIER) {
            left -= fill_spread_out(f, g, STEP_ELASTIC, left, false);
        }
    }
    for (int32_t g = 0; g < groups && f->policy->step_major == SPW_STEP_GLOBAL; g++) {
        left -= fill_spread_out(f, g, STEP_ELASTIC, left, false);
    }
    return left;
}
