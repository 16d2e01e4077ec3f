/* SPDX-License-Identifier: Apache-2.0 */
/* slots.c - see slots.h. */
#include "core/slots.h"

#include "core/bits.h"
#include "core/roomiest.h"
#include "place/filter.h"
#include "place/select.h"

/** One candidate, with what it holds: for Karmada what is written, else what has a node or room on one. */
static fill_slot make_slot(const spw_core *core, const spw_policy *policy, uint32_t c, const view_seat *seat,
                           const memory_seat *mem)
{
    const view_cluster *cluster = &core->view.clusters[c];
    const spw_cluster_rows *rows = &core->view.snap->clusters;
    fill_slot slot = {.cluster = c,
                      .can_grow = (!cluster->stale || policy->compat) && !decide_preempt_bars(seat, mem),
                      .held = seat == NULL ? 0 : (policy->compat ? seat->assigned - seat->victims : seat->held),
                      .elastic = seat == NULL ? 0 : seat->held_coming,
                      .preempted = seat == NULL ? 0 : seat->held_nominated,
                      .area = filter_area(policy, rows, cluster->row),
                      .seat = seat == NULL ? SLOTS_NO_SEAT : (uint32_t)(seat - core->view.seats)};
    if (mem != NULL) {
        slot.held += mem->unseen;
        slot.elastic += mem->unseen_coming;
        slot.preempted += mem->unseen_nominated;
    }
    return slot;
}

/** May its replicas be there, as far as health goes? What others hold on a lost cluster opens it to none of Karmada's.
 */
static bool is_ready(const spw_policy *policy, const view_cluster *cluster)
{
    return cluster->ready && !(cluster->lost && policy->compat);
}

static const spw_policy *open_fill(spw_core *core, uint32_t work)
{
    fill *f = &core->fill;
    f->rooms = &core->view.rooms;
    f->workload = &core->config.workloads[work];
    f->policy = &core->config.policies[f->workload->policy];
    f->seen = NULL;
    f->count = 0;
    return f->policy;
}

void slots_list(spw_core *core, uint32_t work, spw_candidate *told)
{
    const view *v = &core->view;
    fill *f = &core->fill;
    const spw_policy *policy = open_fill(core, work);
    bool weighted = false;
    filter rules = {&core->config, f->workload, policy, &v->snap->clusters};
    view_open_units(&core->view, &core->config, work, &core->memory);
    for (uint32_t c = 0; c < v->cluster_count; c++) {
        const view_cluster *cluster = &v->clusters[c];
        const view_seat *seat = view_seat_find(v, work, c);
        const memory_seat *mem = memory_seat_find(&core->memory, work, cluster->key);
        bool holds = (seat != NULL && seat->assigned > 0) || (mem != NULL && mem->promised > 0);
        const view_site *site = view_site_at(v, f->workload->policy, c);
        spw_verdict verdict = filter_cluster(&rules, cluster->row, site->group, is_ready(policy, cluster), holds);
        if (told != NULL) {
            told[c] = (spw_candidate){
                .workload = v->work_row[work], .cluster = cluster->row, .group = site->group, .verdict = verdict};
        }
        if (verdict != SPW_VERDICT_NONE) {
            continue;
        }
        fill_slot *slot = &f->slots[f->count++];
        *slot = make_slot(core, policy, c, seat, mem);
        if (policy->compat && policy->elastic && seat != NULL) { /* it counts as placed, so somebody must order nodes */
            int32_t homeless = seat->assigned - seat->victims - seat->held;
            homeless = homeless > 0 ? homeless : 0;
            int32_t waits = room_take(f->rooms, c, f->workload, ROOM_COMING, homeless);
            slot->elastic += waits + room_take(f->rooms, c, f->workload, ROOM_FRESH, homeless - waits);
        }
        slot->group = site->group;
        slot->weight = site->weight;
        slot->holds = holds;
        weighted = weighted || slot->weight > 0;
    }
    for (size_t i = 0; i < f->count && !weighted; i++) {
        f->slots[i].weight = 1;
    }
}

/* --- the near ones --- */

static void mark_own_cluster(spw_core *core, uint32_t c)
{
    bits_add(core->near, c);
    bits_add(core->own, c);
}

/** Marks where the workload stands or is remembered. @return the last group of those, -1 if none */
static int32_t mark_own(spw_core *core, uint32_t work, spw_id policy)
{
    const view *v = &core->view;
    size_t remembered = 0;
    size_t met = 0;
    int32_t last = -1;
    memory_seat *seats = memory_seats_of(&core->memory, work, &remembered);
    for (uint32_t i = v->seat_first[work]; i < v->seat_end[work]; i++) {
        uint32_t c = v->seats[i].cluster;
        mark_own_cluster(core, c);
        met += memory_seat_near(&core->memory, work, v->clusters[c].key, v->seats[i].memory_hint) != NULL ? 1 : 0;
        int32_t group = view_site_at(v, policy, c)->group;
        last = group > last ? group : last;
    }
    for (size_t i = 0; i < remembered && met < remembered; i++) {
        uint32_t c = view_cluster_find(v, seats[i].cluster);
        if (c != UINT32_MAX) {
            mark_own_cluster(core, c);
            int32_t group = view_site_at(v, policy, c)->group;
            last = group > last ? group : last;
        }
    }
    return last;
}

/** Marks clusters from `at` on, from the last one before `end` backwards, up to `most`. @return room of those marked */
static int64_t mark_run(spw_core *core, const uint64_t *entries, size_t at, size_t end, bool backwards, size_t *most)
{
    int64_t places = 0;
    size_t left = *most;
    for (size_t i = at; i < end && left > 0; i++) {
        uint64_t entry = entries[backwards ? end - 1 - (i - at) : i];
        uint32_t c = roomiest_cluster(entry);
        if (!bits_has(core->near, c)) {
            bits_add(core->near, c);
            places += roomiest_room(entry);
            left--;
        }
    }
    *most = left;
    return places;
}

/** Marks where nodes may come. @return replicas for which there will be room, but where the workload stands already */
static int64_t mark_elastic(spw_core *core, const work_class *class, const uint64_t *entries, size_t count)
{
    int64_t places = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t c = roomiest_cluster(entries[i]);
        if (class->seen[c].elastic > 0 && !bits_has(core->own, c)) {
            bits_add(core->near, c);
            places += class->seen[c].elastic;
        }
    }
    return places;
}

/**
 * Marks the roomiest clusters of a group: as many as replicas are wanted, as no other could get one, whether it is
 * placed or comes back. All of them where the rounding looks at all, and all that have room in any step where the first
 * step of the policy has too little.
 * @return replicas for which there is room, but where the workload stands already
 */
static int64_t mark_group(spw_core *core, work_class *class, int32_t group, int32_t wanted)
{
    const spw_policy *policy = core->fill.policy;
    size_t count = 0;
    const uint64_t *entries = roomiest_of(core, class, group, &count);
    size_t most = policy->rounding == SPW_ROUND_FLOOR ? count : (size_t)wanted;
    bool backwards = fill_ties_backwards(core->fill.workload);
    int64_t places = 0;
    for (size_t at = 0; at < count && most > 0 && roomiest_room(entries[at]) > 0;) {
        size_t end = roomiest_run(entries, count, at);
        places += mark_run(core, entries, at, end, backwards, &most);
        at = end;
    }
    if (policy->elastic && policy->step_major != SPW_STEP_PER_CLUSTER && places < wanted) {
        int64_t waiting = mark_elastic(core, class, entries, count);
        places += policy->step_major == SPW_STEP_PER_TIER ? waiting : 0; /* else idle room elsewhere comes first */
    }
    return places;
}

/** Marks clusters in the groups up to `last`, as replicas may come back there, and in as many more as have room. */
static void mark_roomy(spw_core *core, work_class *class, int32_t last, int32_t wanted)
{
    const int32_t groups = (int32_t)core->fill.policy->group_count;
    int64_t places = 0;
    for (int32_t g = 0; g < groups && (g <= last || places < wanted); g++) {
        places += mark_group(core, class, g, wanted);
    }
}

/** A cluster that the workload stands on or remembers, if it may stay there. */
static void add_own_slot(spw_core *core, const filter *rules, uint32_t work, uint32_t c)
{
    const view *v = &core->view;
    const view_cluster *cluster = &v->clusters[c];
    const view_site *site = view_site_at(v, rules->workload->policy, c);
    const view_seat *seat = view_seat_find(v, work, c);
    const memory_seat *mem = memory_seat_near(&core->memory, work, cluster->key, seat == NULL ? 0 : seat->memory_hint);
    bool holds = (seat != NULL && seat->assigned > 0) || (mem != NULL && mem->promised > 0);
    if (filter_cluster(rules, cluster->row, site->group, is_ready(rules->policy, cluster), holds) == SPW_VERDICT_NONE) {
        fill_slot *slot = &core->fill.slots[core->fill.count++];
        *slot = make_slot(core, rules->policy, c, seat, mem);
        slot->group = site->group;
        slot->weight = site->weight;
        slot->holds = holds;
    }
}

static void list_marked(spw_core *core, uint32_t work)
{
    const view *v = &core->view;
    fill *f = &core->fill;
    const filter rules = {&core->config, f->workload, f->policy, &v->snap->clusters};
    for (uint32_t word = 0; word * 64 < v->cluster_count; word++) {
        for (uint64_t bits = core->near[word]; bits != 0; bits &= bits - 1) {
            uint32_t c = word * 64 + (uint32_t)__builtin_ctzll(bits);
            if ((core->own[word] & bits & (~bits + 1)) != 0) {
                add_own_slot(core, &rules, work, c);
                continue;
            }
            const view_site *site = view_site_at(v, f->workload->policy, c);
            f->slots[f->count++] = (fill_slot){.cluster = c,
                                               .group = site->group,
                                               .can_grow = true,
                                               .weight = site->weight,
                                               .area = "",
                                               .seat = SLOTS_NO_SEAT};
        }
        core->near[word] = 0;
        core->own[word] = 0;
    }
}

bool slots_list_near(spw_core *core, uint32_t work, int32_t wanted)
{
    const spw_workload *workload = &core->config.workloads[work];
    const spw_policy *policy = &core->config.policies[workload->policy];
    work_class *class = classes_find(core, work);
    if (class == NULL || core->settings.explain || core->preempting.on || !decide_keeps_enough(policy) ||
        decide_counts_reference(workload, policy)) {
        return false;
    }
    (void)open_fill(core, work);
    core->fill.preempt = NULL;
    core->fill.seen = class->seen;
    int32_t last = mark_own(core, work, workload->policy);
    mark_roomy(core, class, last, wanted);
    list_marked(core, work);
    return true;
}

void slots_drop_empty(spw_core *core)
{
    fill *f = &core->fill;
    size_t kept = 0;
    bool in_first = true;
    for (size_t i = 0; i < f->count && in_first; i++) {
        in_first = f->slots[i].target == 0 || f->slots[i].group == 0;
    }
    for (size_t i = 0; i < f->count && in_first; i++) {
        const fill_slot *slot = &f->slots[i];
        if (slot->target > 0 || slot->held > 0 || slot->holds) {
            f->slots[kept++] = *slot;
        }
    }
    f->count = in_first ? kept : f->count;
}
