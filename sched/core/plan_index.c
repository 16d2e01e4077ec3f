/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan_index.c - the actions of a plan by what they set, and what the snapshot says of each: see plan_internal.h.
 *
 * By merging, from runs of one: plans come nearly in order, and the time of a check must not grow with the square of
 * the plan. Placements are looked up in the plan, not the other way round; a small set of the workloads in it keeps
 * most rows of a large fleet from being looked up at all.
 */
#include "core/plan_internal.h"

#define SET_WORDS 64 /* a set of 4,096 classes of workloads: by their number modulo that */

static plan_target kind_of(spw_verb verb)
{
    return verb == SPW_VERB_RELEASE ? (plan_target)SPW_VERB_PROVISION : (plan_target)verb;
}

static uint64_t key_of(plan_target kind, spw_id first, spw_id second)
{
    const uint64_t mask = (UINT64_C(1) << 30) - 1;
    return (uint64_t)kind << 60 | (first & mask) << 30 | (second & mask);
}

/** Placements by cluster, then workload; nodes by pool; all others by workload, then cluster. */
static uint64_t key_of_action(const spw_action *a)
{
    switch (a->verb) {
    case SPW_VERB_PLACE:
        return key_of(kind_of(a->verb), a->cluster, a->workload);
    case SPW_VERB_PROVISION:
    case SPW_VERB_RELEASE:
        return key_of(kind_of(a->verb), a->pool, 0);
    case SPW_VERB_SCALE:
    case SPW_VERB_ROUTE:
    case SPW_VERB_PREFETCH:
        break;
    }
    return key_of(kind_of(a->verb), a->workload, a->cluster);
}

static void merge(const plan_entry *from, plan_entry *to, size_t first, size_t middle, size_t end)
{
    size_t a = first;
    size_t b = middle;
    for (size_t i = first; i < end; i++) {
        bool left = a < middle && (b == end || from[a].key <= from[b].key);
        to[i] = left ? from[a++] : from[b++];
    }
}

/** In the order of their keys; equal ones in that of the plan. */
static void sort_entries(spw_plan_index *x)
{
    for (size_t run = 1; run < x->count; run *= 2) {
        for (size_t first = 0; first < x->count; first += 2 * run) {
            size_t middle = first + run < x->count ? first + run : x->count;
            size_t end = first + 2 * run < x->count ? first + 2 * run : x->count;
            merge(x->at, x->other, first, middle, end);
        }
        plan_entry *swap = x->at;
        x->at = x->other;
        x->other = swap;
    }
}

static size_t lower(const spw_plan_index *x, uint64_t key)
{
    size_t low = 0;
    size_t high = x->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (x->at[mid].key < key) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

static void read_placements(spw_plan_index *x, const spw_plan *plan, const spw_snapshot *snap)
{
    const spw_placement_rows *t = &snap->placements;
    uint64_t set[SET_WORDS] = {0};
    for (size_t i = 0; i < x->count; i++) {
        spw_id w = plan->actions[i].verb == SPW_VERB_PLACE ? plan->actions[i].workload : SPW_ID_NONE;
        if (w != SPW_ID_NONE) {
            set[w / 64 % SET_WORDS] |= UINT64_C(1) << w % 64;
        }
    }
    for (size_t row = 0; row < t->count; row++) {
        spw_id w = t->workload[row];
        if ((set[w / 64 % SET_WORDS] >> w % 64 & 1u) == 0) {
            continue;
        }
        uint64_t key = key_of(kind_of(SPW_VERB_PLACE), t->cluster[row], w);
        for (size_t i = lower(x, key); i < x->count && x->at[i].key == key; i++) {
            x->at[i].assigned = t->assigned[row];
            x->at[i].scheduled = t->scheduled[row];
        }
    }
}

const spw_plan_index *plan_index(const spw_plan *plan, const spw_snapshot *snap, size_t count)
{
    spw_plan_index *x = plan->index;
    x->count = count;
    for (size_t i = 0; i < count; i++) {
        x->at[i] = (plan_entry){.key = key_of_action(&plan->actions[i]), .action = (uint32_t)i};
    }
    sort_entries(x);
    read_placements(x, plan, snap);
    return x;
}

size_t plan_index_placed(const spw_plan_index *x, spw_id cluster, size_t *end)
{
    *end = lower(x, key_of(kind_of(SPW_VERB_PLACE), cluster + 1, 0));
    return lower(x, key_of(kind_of(SPW_VERB_PLACE), cluster, 0));
}

int64_t plan_index_nodes(const spw_plan_index *x, const spw_plan *plan, const spw_snapshot *snap, spw_id pool)
{
    uint64_t key = key_of(kind_of(SPW_VERB_PROVISION), pool, 0);
    size_t at = lower(x, key);
    return at < x->count && x->at[at].key == key ? plan->actions[x->at[at].action].amount
                                                 : snap->pools.nodes_target[pool];
}
