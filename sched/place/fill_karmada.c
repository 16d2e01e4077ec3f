/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fill_karmada.c - the filling as Karmada's own scheduler does it, traps included (sched/TRAPS.md).
 *
 * Semantics of Karmada pkg/scheduler/scheduler.go and core/{assignment,division_algorithm,common}.go. `held` is what is
 * written for the cluster, whether it runs there or not. A result is complete or the old one stays; only when no
 * cluster at all passed the filters is it cleared. Replaced in one write: nothing waits for copies to be ready.
 */
#include "place/fill_internal.h"

typedef enum outcome {
    PLACED,
    NO_CLUSTER, /* no cluster fits */
    CONSTRAINT, /* spread constraints cannot be met */
    NO_ROOM     /* unschedulable: too little room */
} outcome;

static void set_share(fill *f, fill_slot *slot, int32_t share)
{
    if (share < slot->target) {
        fill_lower(slot, share);
    } else {
        (void)fill_take(f, slot, STEP_BOTH, share - slot->target);
        slot->target = share; /* whether it found room or not */
    }
}

/** Room beyond what is held: avail was taken down before anything was placed. */
static int64_t room_of(const fill_slot *slot)
{
    return slot->avail - slot->held;
}

typedef enum mode { MODE_FRESH, MODE_UP, MODE_DOWN, MODE_EQUAL } mode;

static int64_t votes_of(const fill_slot *slot, mode m)
{
    return m == MODE_FRESH ? slot->avail : (m == MODE_UP ? room_of(slot) : slot->held);
}

/** Dynamic weights and aggregated, for n replicas on a tier (or on all candidates). @return false: too little room */
static bool divide_by_room(fill *f, int32_t tier, int32_t n)
{
    int64_t scheduled = 0;
    for (size_t i = 0; i < f->count; i++) {
        scheduled += fill_in_group(&f->slots[i], tier) ? f->slots[i].held : 0;
    }
    mode m = f->fresh ? MODE_FRESH : (scheduled < n ? MODE_UP : (scheduled > n ? MODE_DOWN : MODE_EQUAL));
    if (m == MODE_EQUAL) {
        return true;
    }
    int64_t target = m == MODE_UP ? n - scheduled : n;
    int64_t total = 0;
    size_t count = 0;
    for (size_t i = 0; i < f->count; i++) {
        if (fill_in_group(&f->slots[i], tier)) {
            int64_t votes = votes_of(&f->slots[i], m);
            count = fill_add_party(f, count, i, votes, votes);
            total += votes;
        }
    }
    if (total < target) {
        return false;
    }
    size_t kept = f->policy->division == SPW_DIVIDE_AGGREGATED ? fill_aggregate(f, count, target) : count;
    fill_divide(f, kept, (int32_t)target);
    for (size_t i = 0; i < count; i++) {
        fill_slot *slot = &f->slots[f->pick[i]];
        int32_t seats = i < kept && target > 0 ? f->parties[i].seats : 0;
        set_share(f, slot, m == MODE_UP ? slot->held + seats : seats);
    }
    return true;
}

/** Tier by tier, as many as the tier could hold: replicas come back into better tiers in the same write. */
static bool divide_tiers(fill *f, int32_t wanted)
{
    int64_t total = 0;
    for (size_t i = 0; i < f->count; i++) {
        total += fill_in_group(&f->slots[i], ANY_GROUP) ? f->slots[i].avail : 0;
    }
    if (total < wanted) {
        return false;
    }
    int64_t left = wanted;
    for (int32_t t = 0; t < (int32_t)f->policy->group_count; t++) {
        int64_t avail = 0;
        for (size_t i = 0; i < f->count; i++) {
            avail += fill_in_group(&f->slots[i], t) ? f->slots[i].avail : 0;
        }
        int64_t n = avail < left ? avail : left;
        if (!divide_by_room(f, t, (int32_t)n)) {
            assert(false && "a tier holds what it could hold");
        }
        left -= n;
    }
    return true;
}

/** Copies, or fixed weights over the clusters that a rule matches. */
static void divide_roomless(fill *f, int32_t group, int32_t wanted)
{
    size_t count = 0;
    bool weighted = false;
    for (size_t i = 0; i < f->count; i++) {
        weighted = weighted || (fill_in_group(&f->slots[i], group) && f->slots[i].weight > 0);
    }
    for (size_t i = 0; i < f->count; i++) {
        if (fill_in_group(&f->slots[i], group)) {
            count = fill_add_party(f, count, i, weighted ? f->slots[i].weight : 1, 0);
        }
    }
    bool copies = f->policy->division == SPW_DIVIDE_DUPLICATED;
    if (!copies) {
        fill_divide(f, count, wanted);
    }
    for (size_t i = 0; i < count; i++) {
        set_share(f, &f->slots[f->pick[i]], copies ? wanted : f->parties[i].seats);
    }
}

/** The whole pipeline on one group (ANY_GROUP: on the tiers of a single one). */
static outcome run(fill *f, int32_t group, int32_t wanted)
{
    bool any = false;
    for (size_t i = 0; i < f->count; i++) {
        f->slots[i].out = false;
        any = any || fill_in_group(&f->slots[i], group);
    }
    if (!any) {
        return NO_CLUSTER;
    }
    if (!fill_constrain(f, group, wanted)) {
        return CONSTRAINT;
    }
    if (f->policy->division == SPW_DIVIDE_DUPLICATED || f->policy->division == SPW_DIVIDE_STATIC) {
        divide_roomless(f, group, wanted);
        return PLACED;
    }
    bool tiers = group == ANY_GROUP && f->policy->group_count > 1;
    return (tiers ? divide_tiers(f, wanted) : divide_by_room(f, group, wanted)) ? PLACED : NO_ROOM;
}

/** Clusters of other groups, and those left out, get nothing. @return replicas without room */
static int32_t settle(fill *f, int32_t group, int32_t wanted)
{
    int64_t homeless = 0;
    for (size_t i = 0; i < f->count; i++) {
        fill_slot *slot = &f->slots[i];
        if (!fill_in_group(slot, group)) {
            fill_lower(slot, 0);
        }
        int64_t over = slot->target - slot->held - (slot->avail > slot->held ? room_of(slot) : 0);
        homeless += over > 0 && fill_is_roomless(f->policy) ? over : 0;
    }
    return homeless < wanted ? (int32_t)homeless : wanted;
}

int32_t fill_karmada(fill *f, int32_t wanted, int32_t *group)
{
    bool failover = f->policy->order == SPW_GROUPS_FAILOVER && f->policy->group_count > 1;
    int32_t groups = failover ? (int32_t)f->policy->group_count : 1;
    int32_t start = failover && !f->fresh && *group < groups ? *group : 0;
    outcome first = PLACED;
    for (int32_t g = start; g < groups; g++) {
        outcome o = run(f, failover ? g : ANY_GROUP, wanted);
        if (o == PLACED) {
            *group = g;
            f->in_use = failover ? g : ANY_GROUP;
            return settle(f, f->in_use, wanted);
        }
        first = g == start ? o : first;
    }
    int32_t held = 0;
    for (size_t i = 0; i < f->count; i++) {
        f->slots[i].out = false;
        f->slots[i].target = first == NO_CLUSTER ? 0 : f->slots[i].held;
        held += f->slots[i].target;
    }
    f->in_use = failover ? *group : ANY_GROUP;
    f->kept = first != NO_CLUSTER;
    f->refusal = first == CONSTRAINT ? SPW_VERDICT_SPREAD : SPW_VERDICT_REFUSED;
    return wanted > held ? wanted - held : 0;
}
