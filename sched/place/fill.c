/* SPDX-License-Identifier: Apache-2.0 */
/* fill.c - see fill.h. */
#include "place/fill.h"

/** Which kinds of room a step may use. */
typedef enum step { STEP_IDLE = 1, STEP_ELASTIC = 2, STEP_BOTH = 3 } step;

#define ANY_GROUP (-1)

static int32_t slot_room(const fill *f, const fill_slot *slot, step s)
{
    bool excluded = f->policy->division == SPW_DIVIDE_STATIC && slot->weight == 0; /* no rule of the list matches it */
    if (!slot->can_grow || excluded) {
        return 0;
    }
    int64_t n = 0;
    if ((s & STEP_IDLE) != 0) {
        n += room_count(f->rooms, slot->cluster, f->workload, ROOM_IDLE);
    }
    if ((s & STEP_ELASTIC) != 0 && f->policy->elastic) {
        n += room_count(f->rooms, slot->cluster, f->workload, ROOM_COMING);
        n += room_count(f->rooms, slot->cluster, f->workload, ROOM_FRESH);
    }
    return n < SPW_REPLICAS_MAX ? (int32_t)n : SPW_REPLICAS_MAX;
}

/** Puts n replicas on a slot, idle room first. @return those that found room */
static int32_t slot_take(fill *f, fill_slot *slot, step s, int32_t n)
{
    int32_t taken = 0;
    if ((s & STEP_IDLE) != 0) {
        taken += room_take(f->rooms, slot->cluster, f->workload, ROOM_IDLE, n);
    }
    if ((s & STEP_ELASTIC) != 0 && f->policy->elastic && taken < n) {
        int32_t waiting = room_take(f->rooms, slot->cluster, f->workload, ROOM_COMING, n - taken);
        waiting += room_take(f->rooms, slot->cluster, f->workload, ROOM_FRESH, n - taken - waiting);
        slot->elastic += waiting;
        taken += waiting;
    }
    slot->target += taken;
    return taken;
}

static bool in_group(const fill_slot *slot, int32_t group)
{
    return group == ANY_GROUP || slot->group == group;
}

/** Ties between clusters: by name, or by name backwards when the hash of the workload's UID is odd. */
static int32_t tie_rank(const fill *f, size_t slot)
{
    return (f->workload->uid_hash & 1u) != 0 ? (int32_t)(f->count - 1 - slot) : (int32_t)slot;
}

static size_t list_parties(fill *f, int32_t group, step s)
{
    size_t n = 0;
    for (size_t i = 0; i < f->count; i++) {
        int32_t cap = in_group(&f->slots[i], group) ? slot_room(f, &f->slots[i], s) : 0;
        if (cap > 0) {
            int64_t votes = f->policy->division == SPW_DIVIDE_STATIC ? f->slots[i].weight : cap;
            f->parties[n] = (webster_party){.votes = votes, .rank = tie_rank(f, i)};
            f->caps[n] = cap;
            f->pick[n] = (uint32_t)i;
            n++;
        }
    }
    return n;
}

/** Aggregated: holders first, then by room; is a to be used before b? */
static bool aggregate_before(const fill *f, size_t a, size_t b)
{
    bool holds_a = f->slots[f->pick[a]].target > 0;
    bool holds_b = f->slots[f->pick[b]].target > 0;
    if (holds_a != holds_b) {
        return holds_a;
    }
    if (f->caps[a] != f->caps[b]) {
        return f->caps[a] > f->caps[b];
    }
    return f->parties[a].rank < f->parties[b].rank;
}

/** Keeps the shortest prefix of that order whose room reaches n: selection, one winner at a time. */
static size_t aggregate(fill *f, size_t count, int32_t n)
{
    int64_t reached = 0;
    size_t kept = 0;
    while (kept < count && reached < n) {
        size_t best = kept;
        for (size_t i = kept + 1; i < count; i++) {
            if (aggregate_before(f, i, best)) {
                best = i;
            }
        }
        webster_party party = f->parties[best];
        int64_t cap = f->caps[best];
        uint32_t pick = f->pick[best];
        f->parties[best] = f->parties[kept];
        f->caps[best] = f->caps[kept];
        f->pick[best] = f->pick[kept];
        f->parties[kept] = party;
        f->caps[kept] = cap;
        f->pick[kept] = pick;
        reached += cap;
        kept++;
    }
    return kept;
}

/** Spreads up to n replicas over the room that a group has in this step. @return replicas placed */
static int32_t spread(fill *f, int32_t group, step s, int32_t n, bool moving)
{
    if (n <= 0) {
        return 0;
    }
    size_t count = list_parties(f, group, s);
    if (f->policy->division == SPW_DIVIDE_AGGREGATED) {
        count = aggregate(f, count, n);
    }
    int64_t total = 0;
    for (size_t i = 0; i < count; i++) {
        total += f->caps[i];
    }
    int32_t seats = total < n ? (int32_t)total : n;
    if (f->policy->division == SPW_DIVIDE_STATIC) {
        (void)webster_divide_capped(f->parties, f->caps, count, seats, f->heap);
    } else {
        (void)webster_divide(f->parties, count, seats, f->heap); /* votes are the caps: none is exceeded */
    }
    int32_t placed = 0;
    for (size_t i = 0; i < count; i++) {
        fill_slot *slot = &f->slots[f->pick[i]];
        int32_t taken = slot_take(f, slot, s, f->parties[i].seats);
        slot->moved_in += moving ? taken : 0;
        placed += taken;
    }
    return placed;
}

static int32_t group_sum(const fill *f, int32_t group)
{
    int32_t sum = 0;
    for (size_t i = 0; i < f->count; i++) {
        sum += in_group(&f->slots[i], group) ? f->slots[i].target : 0;
    }
    return sum;
}

static int64_t group_room(const fill *f, int32_t group, step s)
{
    int64_t sum = 0;
    for (size_t i = 0; i < f->count; i++) {
        sum += in_group(&f->slots[i], group) ? slot_room(f, &f->slots[i], s) : 0;
    }
    return sum;
}

/** Lowers a slot's target; replicas that still wait for a node go first. */
static void slot_lower(fill_slot *slot, int32_t target)
{
    int32_t gone = slot->target - target;
    slot->target = target;
    slot->elastic = slot->elastic > gone ? slot->elastic - gone : 0;
}

/**
 * Shrinks a group to n replicas: Webster over what its clusters hold, which never raises one. Aggregated: over the
 * fewest clusters that hold n already.
 */
static void shrink_group(fill *f, int32_t group, int32_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < f->count; i++) {
        if (in_group(&f->slots[i], group) && f->slots[i].target > 0) {
            f->parties[count] = (webster_party){.votes = f->slots[i].target, .rank = tie_rank(f, i)};
            f->caps[count] = f->slots[i].target;
            f->pick[count++] = (uint32_t)i;
        }
    }
    size_t staying = f->policy->division == SPW_DIVIDE_AGGREGATED ? aggregate(f, count, n) : count;
    (void)webster_divide(f->parties, staying, n, f->heap); /* seats of the others are 0 from the start */
    for (size_t i = 0; i < count; i++) {
        slot_lower(&f->slots[f->pick[i]], n == 0 ? 0 : f->parties[i].seats);
    }
}

/** Takes n replicas away from groups after `keep`, the last group first. @return replicas taken away */
static int32_t shrink_from_last(fill *f, int32_t keep, int32_t n)
{
    int32_t left = n;
    for (int32_t g = (int32_t)f->policy->group_count - 1; g > keep && left > 0; g--) {
        int32_t sum = group_sum(f, g);
        int32_t take = sum < left ? sum : left;
        if (take > 0) {
            shrink_group(f, g, sum - take);
            left -= take;
        }
    }
    return n - left;
}

/** Idle, then elastic, in the order the policy asks for. @return replicas placed */
static int32_t grow_ordered(fill *f, int32_t n)
{
    int32_t groups = (int32_t)f->policy->group_count;
    int32_t placed = 0;
    if (f->policy->step_major == SPW_STEP_GLOBAL) {
        for (int32_t g = 0; g < groups; g++) {
            placed += spread(f, g, STEP_IDLE, n - placed, false);
        }
    }
    for (int32_t g = 0; g < groups; g++) {
        if (f->policy->step_major == SPW_STEP_PER_CLUSTER) {
            placed += spread(f, g, STEP_BOTH, n - placed, false);
        } else {
            placed += spread(f, g, STEP_IDLE, n - placed, false);
            placed += spread(f, g, STEP_ELASTIC, n - placed, false);
        }
    }
    return placed;
}

static int32_t place_ordered(fill *f, int32_t wanted)
{
    int32_t held = group_sum(f, ANY_GROUP);
    if (wanted <= held) {
        (void)shrink_from_last(f, -1, held - wanted);
        return 0;
    }
    int32_t missing = wanted - held;
    if (!f->policy->partial && group_room(f, ANY_GROUP, STEP_BOTH) < missing) {
        return missing;
    }
    return missing - grow_ordered(f, missing);
}

static int32_t place_failover(fill *f, int32_t wanted, int32_t *group)
{
    int32_t groups = (int32_t)f->policy->group_count;
    int32_t chosen = -1;
    for (int32_t g = *group < groups ? *group : 0; g < groups && chosen < 0; g++) {
        if (group_sum(f, g) + group_room(f, g, STEP_BOTH) >= wanted) {
            chosen = g;
        }
    }
    if (chosen < 0) { /* no group holds everything: the old result stays, and shrinks if fewer are wanted */
        int32_t held = group_sum(f, ANY_GROUP);
        (void)shrink_from_last(f, -1, held > wanted ? held - wanted : 0);
        return wanted > held ? wanted - held : 0;
    }
    *group = chosen;
    for (int32_t g = 0; g < groups; g++) {
        if (g != chosen && group_sum(f, g) > 0) {
            shrink_group(f, g, 0);
        }
    }
    int32_t held = group_sum(f, chosen);
    if (wanted < held) {
        shrink_group(f, chosen, wanted);
        return 0;
    }
    return wanted - held - spread(f, chosen, STEP_BOTH, wanted - held, false);
}

/** Weights alone decide, from zero, capacity ignored; what has no room yet counts as elastic or unplaced. */
static int32_t place_weights(fill *f, int32_t wanted)
{
    bool duplicated = f->policy->division == SPW_DIVIDE_DUPLICATED;
    for (size_t i = 0; i < f->count; i++) {
        f->parties[i] = (webster_party){.votes = f->slots[i].weight, .rank = tie_rank(f, i)};
    }
    if (!duplicated) {
        (void)webster_divide(f->parties, f->count, wanted, f->heap);
    }
    int32_t homeless = 0;
    for (size_t i = 0; i < f->count; i++) {
        fill_slot *slot = &f->slots[i];
        int32_t share = duplicated ? wanted : f->parties[i].seats;
        if (share < slot->target) {
            slot_lower(slot, share);
        } else if (!slot->can_grow) {
            homeless += share - slot->target; /* its state is old: nothing new goes there */
        } else {
            homeless += share - slot->target - slot_take(f, slot, STEP_BOTH, share - slot->target);
            slot->target = share;
        }
    }
    return homeless;
}

int32_t fill_place(fill *f, int32_t wanted, int32_t *group)
{
    assert(wanted >= 0);
    for (size_t i = 0; i < f->count; i++) {
        f->slots[i].target = f->slots[i].held;
        f->slots[i].moved_in = 0;
    }
    bool by_weights = f->policy->division == SPW_DIVIDE_DUPLICATED ||
                      (f->policy->division == SPW_DIVIDE_STATIC && f->policy->group_count == 1);
    if (by_weights) {
        return place_weights(f, wanted);
    }
    if (f->policy->order == SPW_GROUPS_FAILOVER && f->policy->group_count > 1) {
        return place_failover(f, wanted, group);
    }
    return place_ordered(f, wanted);
}

/* --- failback --- */

/** With the idle room of all groups used first, nodes are not created to bring a replica back. */
static step failback_step(const fill *f)
{
    return f->policy->step_major == SPW_STEP_GLOBAL ? STEP_IDLE : STEP_BOTH;
}

static bool can_fail_back(const fill *f)
{
    return f->policy->order == SPW_GROUPS_ORDERED && f->policy->group_count > 1 &&
           f->policy->division != SPW_DIVIDE_DUPLICATED;
}

/** Replicas in groups after g. */
static int32_t sum_after(const fill *f, int32_t g)
{
    int32_t sum = 0;
    for (size_t i = 0; i < f->count; i++) {
        sum += f->slots[i].group > g ? f->slots[i].target : 0;
    }
    return sum;
}

int32_t fill_movable(const fill *f)
{
    if (!can_fail_back(f)) {
        return 0;
    }
    int64_t movable = 0;
    int64_t gone = 0; /* replicas already moved out of later groups by earlier steps of this count */
    for (int32_t g = 0; g + 1 < (int32_t)f->policy->group_count; g++) {
        int64_t free_room = group_room(f, g, failback_step(f));
        int64_t behind = sum_after(f, g) - gone;
        int64_t n = free_room < behind ? free_room : (behind > 0 ? behind : 0);
        movable += n;
        gone += n;
    }
    return (int32_t)movable;
}

int32_t fill_move(fill *f, int32_t budget)
{
    if (!can_fail_back(f)) {
        return 0;
    }
    int32_t moved = 0;
    for (int32_t g = 0; g + 1 < (int32_t)f->policy->group_count && moved < budget; g++) {
        int32_t behind = sum_after(f, g);
        int32_t n = budget - moved < behind ? budget - moved : behind;
        int32_t in = spread(f, g, STEP_IDLE, n, true);
        if (failback_step(f) == STEP_BOTH) {
            in += spread(f, g, STEP_ELASTIC, n - in, true);
        }
        if (shrink_from_last(f, g, in) != in) {
            assert(false && "later groups hold what was counted behind this one");
        }
        moved += in;
    }
    return moved;
}
