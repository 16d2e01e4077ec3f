/* SPDX-License-Identifier: Apache-2.0 */
/* fill.c - see fill.h. */
#include "place/fill_internal.h"
#include "place/preempt_victims.h"

/** To Karmada a cluster that reports nothing of its resources has room for nothing. */
static bool is_unreported(const fill *f, uint32_t c)
{
    return f->policy->compat && !fill_is_roomless(f->policy) && room_is_unknown(f->rooms, c);
}

int32_t fill_room(const fill *f, const fill_slot *slot, step s)
{
    bool excluded = f->policy->division == SPW_DIVIDE_STATIC && slot->weight == 0; /* no rule of the list matches it */
    if (!slot->can_grow || slot->out || excluded || is_unreported(f, slot->cluster)) {
        return 0;
    }
    int64_t n = 0;
    if (f->seen != NULL) {
        const room_seen *seen = room_look(f->rooms, slot->cluster, f->workload, &f->seen[slot->cluster]);
        n += (s & STEP_IDLE) != 0 ? seen->idle : 0;
        n += (s & STEP_ELASTIC) != 0 && f->policy->elastic ? seen->elastic : 0;
        return n < SPW_REPLICAS_MAX ? (int32_t)n : SPW_REPLICAS_MAX;
    }
    if ((s & STEP_IDLE) != 0) {
        n += room_count(f->rooms, slot->cluster, f->workload, ROOM_IDLE);
    }
    if ((s & STEP_ELASTIC) != 0 && f->policy->elastic) {
        n += room_count(f->rooms, slot->cluster, f->workload, ROOM_COMING);
        n += room_count(f->rooms, slot->cluster, f->workload, ROOM_FRESH);
    }
    return n < SPW_REPLICAS_MAX ? (int32_t)n : SPW_REPLICAS_MAX;
}

int32_t fill_take(fill *f, fill_slot *slot, step s, int32_t n)
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

int32_t fill_tie_rank(const fill *f, size_t slot)
{
    return fill_ties_backwards(f->workload) ? (int32_t)(f->count - 1 - slot) : (int32_t)slot;
}

size_t fill_add_party(fill *f, size_t count, size_t i, int64_t votes, int64_t cap)
{
    f->parties[count] = (webster_party){.votes = votes, .rank = fill_tie_rank(f, i), .last = f->slots[i].held};
    f->caps[count] = cap;
    f->pick[count] = (uint32_t)i;
    return count + 1;
}

static size_t list_parties(fill *f, int32_t group, step s)
{
    size_t n = 0;
    for (size_t i = 0; i < f->count; i++) {
        int32_t cap = fill_in_group(&f->slots[i], group) ? fill_room(f, &f->slots[i], s) : 0;
        if (cap > 0) {
            n = fill_add_party(f, n, i, f->policy->division == SPW_DIVIDE_STATIC ? f->slots[i].weight : cap, cap);
        }
    }
    return n;
}

void fill_divide(fill *f, size_t count, int32_t n)
{
    if (f->policy->rounding == SPW_ROUND_FLOOR) {
        (void)floor_divide(f->parties, count, n, f->heap);
    } else {
        (void)webster_divide(f->parties, count, n, f->heap);
    }
}

void fill_divide_capped(fill *f, size_t count, int32_t n)
{
    (void)webster_divide_capped(f->parties, f->caps, count, n, f->heap);
}

/** Aggregated: holders first, then by room; is a to be used before b? */
static bool aggregate_before(const fill *f, size_t a, size_t b)
{
    const fill_slot *x = &f->slots[f->pick[a]];
    const fill_slot *y = &f->slots[f->pick[b]];
    if ((x->target > 0) != (y->target > 0)) {
        return x->target > 0;
    }
    if (f->caps[a] != f->caps[b]) {
        return f->caps[a] > f->caps[b];
    }
    if (f->policy->compat) { /* a stable sort of candidates that come by what they could hold in all, then by name */
        return x->avail != y->avail ? x->avail > y->avail : x < y;
    }
    return f->parties[a].rank < f->parties[b].rank;
}

/** Selection, one winner at a time. */
size_t fill_aggregate(fill *f, size_t count, int64_t n)
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

int32_t fill_spread_out(fill *f, int32_t group, step s, int32_t n, bool moving)
{
    if (n <= 0) {
        return 0;
    }
    size_t count = list_parties(f, group, s);
    if (f->policy->division == SPW_DIVIDE_AGGREGATED) {
        count = fill_aggregate(f, count, n);
    }
    int64_t total = 0;
    for (size_t i = 0; i < count; i++) {
        total += f->caps[i];
    }
    int32_t seats = total < n ? (int32_t)total : n;
    if (f->policy->division == SPW_DIVIDE_STATIC) {
        fill_divide_capped(f, count, seats);
    } else {
        fill_divide(f, count, seats); /* votes are the caps: none is exceeded */
    }
    int32_t placed = 0;
    for (size_t i = 0; i < count; i++) {
        if (f->parties[i].seats == 0) {
            continue;
        }
        fill_slot *slot = &f->slots[f->pick[i]];
        int32_t taken = fill_take(f, slot, s, f->parties[i].seats);
        slot->moved_in += moving ? taken : 0;
        placed += taken;
    }
    return placed;
}

int32_t fill_group_sum(const fill *f, int32_t group)
{
    int32_t sum = 0;
    for (size_t i = 0; i < f->count; i++) {
        sum += fill_in_group(&f->slots[i], group) ? f->slots[i].target : 0;
    }
    return sum;
}

int64_t fill_group_room(const fill *f, int32_t group, step s)
{
    int64_t sum = 0;
    for (size_t i = 0; i < f->count; i++) {
        sum += fill_in_group(&f->slots[i], group) ? fill_room(f, &f->slots[i], s) : 0;
    }
    return sum;
}

void fill_lower(fill_slot *slot, int32_t target)
{
    int32_t gone = slot->target - target;
    slot->target = target;
    int32_t waiting = slot->elastic < gone ? slot->elastic : gone;
    slot->elastic -= waiting;
    gone -= waiting;
    slot->preempted -= slot->preempted < gone ? slot->preempted : gone;
}

/**
 * Shrinks a group to n replicas: Webster over what its clusters hold, which never raises one. Aggregated: over the
 * fewest clusters that hold n already.
 */
static void shrink_group(fill *f, int32_t group, int32_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < f->count; i++) {
        if (fill_in_group(&f->slots[i], group) && f->slots[i].target > 0) {
            count = fill_add_party(f, count, i, f->slots[i].target, f->slots[i].target);
        }
    }
    size_t staying = f->policy->division == SPW_DIVIDE_AGGREGATED ? fill_aggregate(f, count, n) : count;
    fill_divide(f, staying, n); /* seats of the others are 0 from the start */
    for (size_t i = 0; i < count; i++) {
        fill_lower(&f->slots[f->pick[i]], n == 0 ? 0 : f->parties[i].seats);
    }
}

/** Takes n replicas away from groups after `keep`, the last group first. @return replicas taken away */
static int32_t shrink_from_last(fill *f, int32_t keep, int32_t n)
{
    int32_t left = n;
    for (int32_t g = (int32_t)f->policy->group_count - 1; g > keep && left > 0; g--) {
        int32_t sum = fill_group_sum(f, g);
        int32_t take = sum < left ? sum : left;
        if (take > 0) {
            shrink_group(f, g, sum - take);
            left -= take;
        }
    }
    return n - left;
}

/** In the place of less important replicas, if the policy has that step here. @return replicas placed */
static int32_t spread_victims(fill *f, int32_t group, int32_t n, spw_preempt here)
{
    return f->preempt != NULL && f->policy->preempt == here && n > 0 ? preempt_spread(f->preempt, f, group, n) : 0;
}

static int64_t room_of_victims(const fill *f)
{
    int64_t sum = 0;
    for (int32_t g = 0; f->preempt != NULL && g < (int32_t)f->policy->group_count; g++) {
        sum += preempt_room(f->preempt, f, g);
    }
    return sum;
}

/** Does the workload make victims in each unit of a cluster before it goes on to the next? */
static bool tries_units(const fill *f)
{
    const spw_units *units = f->workload->units;
    return f->preempt != NULL && f->policy->preempt == SPW_PREEMPT_BEFORE_ELASTIC && units != NULL &&
           units->preempts_before_next && f->workload->gpus > 0;
}

/** Unit by unit of a group's clusters: idle room, then victims. @return replicas placed */
static int32_t grow_by_units(fill *f, int32_t group, int32_t n)
{
    int32_t placed = 0;
    for (uint32_t u = 1; u <= f->workload->units->count && placed < n; u++) {
        f->rooms->units_tried = u;
        placed += fill_spread_out(f, group, STEP_IDLE, n - placed, false);
        placed += spread_victims(f, group, n - placed, SPW_PREEMPT_BEFORE_ELASTIC);
    }
    f->rooms->units_tried = 0;
    return placed;
}

/** Idle, victims, elastic, in the order the policy asks for. @return replicas placed */
static int32_t grow_ordered(fill *f, int32_t n)
{
    int32_t groups = (int32_t)f->policy->group_count;
    int32_t placed = 0;
    if (f->policy->step_major == SPW_STEP_GLOBAL) {
        for (int32_t g = 0; g < groups; g++) {
            placed += fill_spread_out(f, g, STEP_IDLE, n - placed, false);
        }
    }
    for (int32_t g = 0; g < groups; g++) {
        if (f->policy->step_major == SPW_STEP_PER_CLUSTER) {
            placed += fill_spread_out(f, g, STEP_BOTH, n - placed, false);
            placed += spread_victims(f, g, n - placed, f->policy->preempt);
        } else {
            placed += tries_units(f) ? grow_by_units(f, g, n - placed) : 0;
            placed += fill_spread_out(f, g, STEP_IDLE, n - placed, false);
            placed += spread_victims(f, g, n - placed, SPW_PREEMPT_BEFORE_ELASTIC);
            placed += fill_spread_out(f, g, STEP_ELASTIC, n - placed, false);
            placed += spread_victims(f, g, n - placed, SPW_PREEMPT_AFTER_ELASTIC);
        }
    }
    return placed;
}

static int32_t more_than_held(const fill *f, int32_t wanted)
{
    int32_t held = fill_group_sum(f, ANY_GROUP);
    return wanted > held ? wanted - held : 0;
}

/** Nothing new is placed; replicas that are too many go all the same. */
static int32_t refuse(fill *f, int32_t wanted, spw_verdict why)
{
    int32_t held = fill_group_sum(f, ANY_GROUP);
    (void)shrink_from_last(f, -1, held > wanted ? held - wanted : 0);
    f->refusal = held < wanted ? why : SPW_VERDICT_NONE;
    return more_than_held(f, wanted);
}

/** Is there room for n in all, that of victims included? Looks no further than it has to. */
static bool has_room(const fill *f, int32_t n)
{
    int64_t sum = room_of_victims(f); /* always: counting it notes what room there was before any is taken */
    for (size_t i = 0; i < f->count && sum < n; i++) {
        sum += fill_room(f, &f->slots[i], STEP_BOTH); /* 0 where it is out */
    }
    return sum >= n;
}

static int32_t place_ordered(fill *f, int32_t wanted)
{
    int32_t held = fill_group_sum(f, ANY_GROUP);
    if (wanted <= held) {
        (void)shrink_from_last(f, -1, held - wanted);
        return 0;
    }
    int32_t missing = wanted - held;
    if (!f->policy->partial && !has_room(f, missing)) {
        f->refusal = SPW_VERDICT_REFUSED;
        return missing;
    }
    return missing - grow_ordered(f, missing);
}

/** Weights alone decide, from zero, capacity ignored; what has no room yet counts as elastic or unplaced. */
static int32_t place_weights(fill *f, int32_t wanted, int32_t group)
{
    bool duplicated = f->policy->division == SPW_DIVIDE_DUPLICATED;
    size_t count = 0;
    for (size_t i = 0; i < f->count; i++) {
        if (fill_in_group(&f->slots[i], group)) {
            count = fill_add_party(f, count, i, f->slots[i].weight, 0);
        }
    }
    if (!duplicated) {
        fill_divide(f, count, wanted);
    }
    int32_t homeless = 0;
    for (size_t i = 0; i < count; i++) {
        fill_slot *slot = &f->slots[f->pick[i]];
        int32_t share = duplicated ? wanted : f->parties[i].seats;
        if (share < slot->target) {
            fill_lower(slot, share);
        } else if (!slot->can_grow) {
            homeless += share - slot->target; /* its state is old: nothing new goes there */
        } else {
            homeless += share - slot->target - fill_take(f, slot, STEP_BOTH, share - slot->target);
            slot->target = share;
        }
    }
    return homeless;
}

/** Can the group hold everything under its constraints? Copies and bare weights ask for a cluster, not for room. */
static bool group_holds(fill *f, int32_t group, int32_t wanted)
{
    bool any = false;
    for (size_t i = 0; i < f->count; i++) {
        any = any || f->slots[i].group == group;
    }
    if (!any || !fill_constrain(f, group, wanted)) {
        return false;
    }
    if (f->policy->division == SPW_DIVIDE_DUPLICATED) {
        return true;
    }
    int64_t n = 0;
    for (size_t i = 0; i < f->count; i++) {
        const fill_slot *slot = &f->slots[i];
        n += fill_in_group(slot, group) ? slot->target + fill_room(f, slot, STEP_BOTH) : 0;
    }
    return n >= wanted;
}

static int32_t place_failover(fill *f, int32_t wanted, int32_t *group)
{
    int32_t groups = (int32_t)f->policy->group_count;
    int32_t chosen = -1;
    for (int32_t g = *group < groups && !f->fresh ? *group : 0; g < groups && chosen < 0; g++) {
        chosen = group_holds(f, g, wanted) ? g : -1;
    }
    if (chosen < 0) { /* no group holds everything: the old result stays, and shrinks if fewer are wanted */
        for (size_t i = 0; i < f->count; i++) {
            f->slots[i].out = false;
        }
        f->in_use = *group;
        return refuse(f, wanted, SPW_VERDICT_REFUSED);
    }
    *group = chosen;
    f->in_use = chosen;
    for (size_t i = 0; i < f->count; i++) {
        if (!fill_in_group(&f->slots[i], chosen)) {
            fill_lower(&f->slots[i], 0);
        }
    }
    if (f->policy->division == SPW_DIVIDE_DUPLICATED) {
        return place_weights(f, wanted, chosen);
    }
    int32_t held = fill_group_sum(f, chosen);
    if (wanted < held) {
        shrink_group(f, chosen, wanted);
        return 0;
    }
    return wanted - held - fill_spread_out(f, chosen, STEP_BOTH, wanted - held, false);
}

bool fill_is_roomless(const spw_policy *policy)
{
    return policy->division == SPW_DIVIDE_DUPLICATED ||
           (policy->division == SPW_DIVIDE_STATIC && (policy->group_count == 1 || policy->compat));
}

int32_t fill_keep(fill *f)
{
    f->kept = true;
    f->refusal = SPW_VERDICT_NONE;
    f->in_use = ANY_GROUP;
    for (size_t i = 0; i < f->count; i++) {
        f->slots[i].target = f->slots[i].held;
        f->slots[i].moved_in = 0;
        f->slots[i].out = false;
    }
    return 0;
}

int32_t fill_place(fill *f, int32_t wanted, int32_t *group)
{
    assert(wanted >= 0);
    (void)fill_keep(f);
    f->kept = false;
    if (f->policy->compat) {
        return fill_karmada(f, wanted, group);
    }
    if (f->policy->order == SPW_GROUPS_FAILOVER && f->policy->group_count > 1) {
        return place_failover(f, wanted, group);
    }
    if (f->count > 0 && !fill_constrain(f, ANY_GROUP, wanted)) {
        return refuse(f, wanted, SPW_VERDICT_SPREAD);
    }
    for (size_t i = 0; i < f->count && f->policy->spread_count > 0; i++) {
        if (f->slots[i].out) {
            fill_lower(&f->slots[i], 0);
        }
    }
    if (fill_is_roomless(f->policy)) {
        return place_weights(f, wanted, ANY_GROUP);
    }
    return f->fresh ? fill_anew(f, wanted) : place_ordered(f, wanted);
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

static bool is_shut(const fill *f, int32_t group)
{
    return (f->shut >> group & 1u) != 0;
}

int32_t fill_movable(const fill *f)
{
    if (!can_fail_back(f)) {
        return 0;
    }
    if (sum_after(f, 0) == 0) {
        return 0; /* all stand in the best group */
    }
    int64_t movable = 0;
    int64_t gone = 0; /* replicas already moved out of later groups by earlier steps of this count */
    for (int32_t g = 0; g + 1 < (int32_t)f->policy->group_count; g++) {
        int64_t free_room = is_shut(f, g) ? 0 : fill_group_room(f, g, failback_step(f));
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
        int32_t behind = is_shut(f, g) ? 0 : sum_after(f, g);
        int32_t n = budget - moved < behind ? budget - moved : behind;
        int32_t in = fill_spread_out(f, g, STEP_IDLE, n, true);
        if (failback_step(f) == STEP_BOTH) {
            in += fill_spread_out(f, g, STEP_ELASTIC, n - in, true);
        }
        if (shrink_from_last(f, g, in) != in) {
            assert(false && "later groups hold what was counted behind this one");
        }
        moved += in;
    }
    return moved;
}
