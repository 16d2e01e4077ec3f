/* SPDX-License-Identifier: Apache-2.0 */
/* fill_spread.c - the spread constraints of a policy (spread.h) applied to the candidates of the filling. */
#include "place/fill_internal.h"

static const spw_spread *find_spread(const spw_policy *policy, spw_spread_field field)
{
    for (size_t i = 0; i < policy->spread_count; i++) {
        if (policy->spreads[i].field == field) {
            return &policy->spreads[i];
        }
    }
    return NULL;
}

/** Karmada groups by region only; here the widest of region, zone and provider that is constrained. */
static const spw_spread *find_area(const spw_policy *policy)
{
    const spw_spread *found = find_spread(policy, SPW_SPREAD_REGION);
    if (found == NULL && !policy->compat) {
        found = find_spread(policy, SPW_SPREAD_ZONE);
        found = found != NULL ? found : find_spread(policy, SPW_SPREAD_PROVIDER);
    }
    return found;
}

/** What a candidate could hold in all. Weights know no room, so each one of them could hold everything. */
static int64_t slot_avail(const fill *f, const fill_slot *slot, int32_t wanted)
{
    if (!f->policy->compat && f->policy->division == SPW_DIVIDE_STATIC && fill_is_roomless(f->policy)) {
        return slot->weight > 0 ? wanted : 0;
    }
    int64_t more = fill_room(f, slot, STEP_BOTH);
    if (f->policy->compat && more >= SPW_REPLICAS_MAX) {
        more = wanted; /* nothing bounds it: as many as are wanted */
    }
    return more + slot->target;
}

static spread_ask ask_of(const fill *f, const spw_spread *clusters, const spw_spread *areas, int32_t wanted)
{
    return (spread_ask){.clusters_min = clusters == NULL ? 1 : clusters->min_groups,
                        .clusters_max = clusters == NULL ? 0 : clusters->max_groups,
                        .areas_min = areas == NULL ? 0 : areas->min_groups,
                        .areas_max = areas == NULL ? 0 : areas->max_groups,
                        .replicas = wanted,
                        .divided = f->policy->division != SPW_DIVIDE_DUPLICATED,
                        .must_fit = f->policy->compat || !f->policy->partial};
}

bool fill_constrain(fill *f, int32_t group, int32_t wanted)
{
    const spw_policy *policy = f->policy;
    if (policy->spread_count == 0 && !policy->compat && group == ANY_GROUP) {
        return true; /* nobody is out since fill_keep() */
    }
    bool static_compat = policy->compat && policy->division == SPW_DIVIDE_STATIC;
    size_t count = 0;
    for (size_t i = 0; i < f->count; i++) {
        fill_slot *slot = &f->slots[i];
        slot->out = false;
        if (!fill_in_group(slot, group)) {
            continue;
        }
        if (policy->spread_count > 0 || policy->compat) {
            slot->avail = slot_avail(f, slot, wanted);
        }
        if (policy->spread_count > 0 && !static_compat) {
            f->items[count] =
                (spread_item){.area = slot->area, .group = slot->group, .holds = slot->holds, .avail = slot->avail};
            f->pick[count++] = (uint32_t)i;
        }
    }
    if (policy->spread_count == 0 || static_compat) {
        return true;
    }
    const spw_spread *clusters = find_spread(policy, SPW_SPREAD_CLUSTER);
    const spw_spread *areas = find_area(policy);
    if (clusters == NULL && areas == NULL) {
        return false; /* Karmada knows no other fields: its selection fails */
    }
    spread_ask ask = ask_of(f, clusters, areas, wanted);
    if (spread_select(&ask, f->items, count, &f->spread) != SPREAD_OK) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        f->slots[f->pick[i]].out = !f->items[i].chosen;
    }
    return true;
}
