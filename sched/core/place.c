/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place.c - stage "where": runs the filling of sched/place for each workload, most important first, and turns targets
 * into actions.
 *
 * A replica that has no node and no room for one ("homeless": its node was lost, or its order came to nothing) is not
 * held; the filling places it anew, in the same tier where that is possible. So capacity that is gone never keeps a
 * replica pending in silence.
 *
 * Shrinking is bounded by readiness: ready copies go only while at least as many ready ones remain as are placed. That
 * one rule covers scale-in (all are ready: at once), moves (the source goes when the destination is ready) and lost
 * clusters, and needs no memory of what a move was. Only its deadline does.
 */
#include "core/bits.h"
#include "core/decide.h"
#include "core/explain.h"
#include "core/mend.h"
#include "core/slots.h"

static int32_t min32(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

/** Copies that a move added and that did not become ready in time are given up; their place is barred for a while. */
static void give_up_late_moves(spw_core *core, uint32_t work, const spw_policy *policy)
{
    fill *f = &core->fill;
    size_t remembered = core->memory.works[work].seat_count;
    for (size_t i = 0; i < f->count && remembered > 0; i++) {
        fill_slot *slot = &f->slots[i];
        memory_seat *mem = slots_memory(core, work, slot);
        if (mem == NULL || mem->moving == 0) {
            continue;
        }
        const view_seat *seat = slots_seat(core, slot);
        int32_t ready = seat == NULL ? 0 : seat->ready;
        int32_t starting = (seat == NULL ? 0 : seat->assigned) + mem->unseen - ready;
        mem->moving = min32(mem->moving, starting);
        if (mem->moving > 0 && core->view.now >= memory_times_of(&core->memory, mem)->move_by) {
            int32_t unready = slot->held > ready ? slot->held - ready : 0; /* victims may have been ready ones */
            int32_t lost = min32(mem->moving, unready);                    /* copies without room are not held anyway */
            slot->held -= lost;
            slot->elastic -= min32(slot->elastic, lost);
            slot->gave_up = true;
            memory_times_set(&core->memory, mem)->blocked_until =
                core->view.now + 2 * policy->failback_window + policy->move_deadline;
            mem->moving = 0;
            mem->promised = -1;
        }
    }
}

/** Places from which a move was given up lately take no new ones. */
static void bar_blocked(spw_core *core, uint32_t work)
{
    fill *f = &core->fill;
    size_t remembered = core->memory.works[work].seat_count;
    for (size_t i = 0; i < f->count && remembered > 0; i++) {
        fill_slot *slot = &f->slots[i];
        const memory_seat *mem = slots_memory(core, work, slot);
        spw_time until = mem == NULL ? MEMORY_NEVER : memory_times_of(&core->memory, mem)->blocked_until;
        if (until != MEMORY_NEVER && core->view.now < until) {
            slot->can_grow = false;
        }
    }
}

/** Groups into which nothing moves yet: room in them has not lasted for their own window. One clock each. */
static uint64_t shut_groups(spw_core *core, memory_work *mem, const spw_policy *policy)
{
    fill *f = &core->fill;
    uint64_t shut = 0;
    for (int32_t g = 0; g < mem->group_count; g++) {
        const spw_group *group = &policy->groups[g];
        f->shut = ~(UINT64_C(1) << g);
        if (fill_movable(f) == 0) {
            mem->group_since[g] = MEMORY_NEVER;
        } else if (mem->group_since[g] == MEMORY_NEVER) {
            mem->group_since[g] = core->view.now;
        }
        spw_dur window = group->has_window ? group->failback_window : policy->failback_window;
        bool waits = mem->group_since[g] == MEMORY_NEVER || core->view.now - mem->group_since[g] < window;
        shut |= waits ? UINT64_C(1) << g : 0;
    }
    return shut;
}

/** Failback within its window and budget. @return replicas whose move begins now */
static int32_t fail_back(spw_core *core, uint32_t work, const spw_policy *policy, bool resized)
{
    fill *f = &core->fill;
    memory_work *mem = &core->memory.works[work];
    if (policy->compat || f->fresh) {
        mem->room_since = MEMORY_NEVER; /* Karmada has no such thing; placing anew brings everything back */
        return 0;
    }
    bar_blocked(core, work);
    if (mem->group_count > 0 && policy->failback == SPW_FAILBACK_AUTOMATIC) {
        f->shut = shut_groups(core, mem, policy);
        int32_t into_open = fill_movable(f);
        int32_t moved = into_open > 0 ? mend_move(core, work, policy, into_open) : 0;
        f->shut = 0;
        return moved;
    }
    int32_t movable = policy->failback == SPW_FAILBACK_NEVER ? 0 : fill_movable(f);
    if (movable == 0) {
        mem->room_since = MEMORY_NEVER;
        return 0;
    }
    if (mem->room_since == MEMORY_NEVER) {
        mem->room_since = core->view.now;
    }
    bool now = policy->failback == SPW_FAILBACK_ON_RESIZE ? resized
                                                          : core->view.now - mem->room_since >= policy->failback_window;
    int32_t moved = now ? mend_move(core, work, policy, movable) : 0;
    return moved;
}

static spw_reason grow_reason(const spw_policy *policy, const fill_slot *slot, bool fresh)
{
    if (fill_is_roomless(policy)) {
        return SPW_WHY_WEIGHTS;
    }
    if (fresh) {
        return SPW_WHY_RESCHEDULED;
    }
    if (slot->moved_in > 0) {
        return SPW_WHY_MOVE_IN;
    }
    if (slot->preempted > 0) {
        return slot->group == 0 ? SPW_WHY_FILL_PREEMPT : SPW_WHY_OVERFLOW_PREEMPT;
    }
    if (slot->group == 0) {
        return slot->elastic > 0 ? SPW_WHY_FILL_ELASTIC : SPW_WHY_FILL_IDLE;
    }
    return slot->elastic > 0 ? SPW_WHY_OVERFLOW_ELASTIC : SPW_WHY_OVERFLOW_IDLE;
}

static spw_action place_action(const spw_core *core, uint32_t work, uint32_t cluster, int32_t from, int32_t to,
                               spw_reason reason)
{
    return (spw_action){.verb = SPW_VERB_PLACE,
                        .reason = reason,
                        .workload = core->view.work_row[work],
                        .cluster = core->view.clusters[cluster].row,
                        .pool = SPW_ID_NONE,
                        .after = UINT32_MAX,
                        .amount = to,
                        .before = from};
}

static void promise(spw_core *core, uint32_t work, uint32_t cluster, int32_t replicas)
{
    memory_seat *mem = memory_seat_get(&core->memory, work, core->view.clusters[cluster].key);
    if (mem != NULL) {
        mem->promised = replicas;
        mem->promised_at = core->view.now;
        mem->seen = core->view.now;
    }
}

static void grow(spw_core *core, uint32_t work, const spw_policy *policy, spw_plan *plan)
{
    fill *f = &core->fill;
    for (size_t i = 0; i < f->count; i++) {
        const fill_slot *slot = &f->slots[i];
        if (slot->target == 0) {
            continue;
        }
        const view_seat *seat = slots_seat(core, slot);
        int32_t assigned = seat == NULL ? 0 : seat->assigned;
        memory_seat *mem = slots_memory(core, work, slot);
        /* a growth for which victims went and which was lost on the way is written again when they have left */
        int32_t later = mem == NULL ? 0 : min32(mem->unseen_nominated, slot->preempted);
        if (slot->target - later <= assigned) {
            continue;
        }
        spw_reason why = grow_reason(policy, slot, f->fresh);
        spw_action action = place_action(core, work, slot->cluster, assigned, slot->target - later, why);
        (void)plan_add(plan, &action);
        promise(core, work, slot->cluster, slot->target);
        mem = slots_memory(core, work, slot);
        if (mem != NULL && slot->moved_in > 0) {
            memory_times *times = memory_times_set(&core->memory, mem);
            times->move_by = mem->moving > 0 ? times->move_by : core->view.now + policy->move_deadline;
            mem->moving += slot->moved_in;
        }
    }
}

/** NULL: the cluster is no candidate. */
static const fill_slot *slot_of(const fill *f, uint32_t cluster)
{
    size_t low = 0;
    size_t high = f->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (f->slots[mid].cluster < cluster) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low < f->count && f->slots[low].cluster == cluster ? &f->slots[low] : NULL;
}

/** Ready replicas that users can reach now. */
static int32_t sum_ready(const spw_core *core, uint32_t work)
{
    int32_t sum = 0;
    for (uint32_t i = core->view.seat_first[work]; i < core->view.seat_end[work]; i++) {
        const view_seat *seat = &core->view.seats[i];
        sum += core->view.clusters[seat->cluster].ready ? seat->ready : 0;
    }
    return sum;
}

typedef struct shrinking {
    uint32_t work;
    const spw_policy *policy;
    int32_t placed; /**< sum of targets: what must stay ready */
    int32_t ready;  /**< still ready after what was taken so far */
    int32_t wanted;
    int32_t assigned;
} shrinking;

/** slot NULL: the cluster is no candidate. */
static spw_reason shrink_reason(const spw_core *core, const shrinking *s, const fill_slot *slot, bool homeless)
{
    if (slot == NULL) {
        return SPW_WHY_CLUSTER_GONE;
    }
    if (slot->out) {
        return SPW_WHY_SPREAD;
    }
    if (s->policy->compat) {
        return s->assigned > s->wanted ? SPW_WHY_SCALE_IN : SPW_WHY_PULLED_BACK;
    }
    if (slot->gave_up) {
        return SPW_WHY_MOVE_GIVEN_UP;
    }
    if (homeless) {
        return SPW_WHY_NO_NODE;
    }
    if (core->memory.works[s->work].surge > 0) {
        return SPW_WHY_MOVE_OUT;
    }
    return s->assigned > s->wanted ? SPW_WHY_SCALE_IN : SPW_WHY_NO_NODE;
}

/** Takes what may go from one cluster. */
static void shrink_seat(spw_core *core, shrinking *s, const view_seat *seat)
{
    const view_cluster *cluster = &core->view.clusters[seat->cluster];
    const fill_slot *slot = slot_of(&core->fill, seat->cluster);
    int32_t target = slot == NULL ? 0 : slot->target;
    if (seat->assigned <= target || (cluster->stale && !s->policy->compat)) {
        return;
    }
    int32_t excess = seat->assigned - target;
    int32_t ready = cluster->ready ? seat->ready : 0;
    int32_t gone = min32(excess, seat->assigned - ready); /* unready copies cost no service */
    /* victims go whether others are ready or not; those without a node go before them */
    int32_t forced = seat->victims > 0 ? min32(excess, seat->assigned - seat->held) : 0;
    if (gone < forced) {
        s->ready -= forced - gone;
        gone = forced;
    }
    /* with copies everywhere each cluster has a count of its own, but one that is to have none waits for the others */
    bool everywhere = s->policy->division == SPW_DIVIDE_DUPLICATED;
    bool own_count = (everywhere && target > 0) || s->policy->compat;
    int32_t spare = own_count ? excess : s->ready - (everywhere ? s->wanted : s->placed);
    int32_t ready_gone = min32(excess - gone, spare > 0 ? spare : 0);
    /* at most the copies that have no node: whatever else happens, that is why they go */
    bool homeless = slot != NULL && gone + ready_gone <= seat->assigned - slot->held;
    spw_reason reason = seat->victims > 0 ? SPW_WHY_PREEMPTED : shrink_reason(core, s, slot, homeless);
    memory_work *mem = &core->memory.works[s->work];
    mem->surge -= min32(mem->surge, gone + ready_gone);
    s->ready -= ready_gone;
    s->assigned -= gone + ready_gone;
    if (gone + ready_gone > 0 && core->shrink_count < core->shrink_max) {
        int32_t left = seat->assigned - gone - ready_gone;
        if (decide_shrinks_of(core, s->work) == core->shrink_count) {
            core->shrink_at[s->work] = (uint32_t)core->shrink_count;
        }
        core->shrinks[core->shrink_count++] =
            (shrink){.action = place_action(core, s->work, seat->cluster, seat->assigned, left, reason),
                     .work = s->work,
                     .cluster = seat->cluster};
    }
}

/** Clusters that are no candidates first, then the last group first, inside a group from the last name. */
static void shrink_work(spw_core *core, uint32_t work, const spw_policy *policy, int32_t wanted)
{
    shrinking s = {.work = work, .policy = policy, .wanted = wanted, .ready = sum_ready(core, work)};
    for (size_t i = 0; i < core->fill.count; i++) {
        s.placed += core->fill.slots[i].target;
    }
    uint32_t first = core->view.seat_first[work];
    uint32_t end = core->view.seat_end[work];
    for (uint32_t i = first; i < end; i++) {
        s.assigned += core->view.seats[i].assigned;
    }
    if (s.assigned <= s.placed) {
        core->memory.works[work].surge = 0; /* nothing is held twice: no move is open */
    }
    for (int32_t group = (int32_t)policy->group_count; group >= 0; group--) {
        for (uint32_t i = end; i-- > first;) {
            const fill_slot *slot = slot_of(&core->fill, core->view.seats[i].cluster);
            int32_t own = slot == NULL ? (int32_t)policy->group_count : slot->group;
            if (own == group) {
                shrink_seat(core, &s, &core->view.seats[i]);
            }
        }
    }
}

size_t decide_shrinks_of(const spw_core *core, uint32_t work)
{
    size_t at = core->shrink_at[work];
    return at < core->shrink_count && core->shrinks[at].work == work ? at : core->shrink_count;
}

int32_t decide_staying(const spw_core *core, const view_seat *seat)
{
    for (size_t i = decide_shrinks_of(core, seat->work); i < core->shrink_count && core->shrinks[i].work == seat->work;
         i++) {
        if (core->shrinks[i].cluster == seat->cluster) {
            return (int32_t)core->shrinks[i].action.amount;
        }
    }
    return seat->assigned;
}

/** Where the accounting of a workload goes: into its old place, if the plan has kept the outcomes. */
static spw_outcome *open_outcome(spw_core *core, uint32_t work, const spw_policy *policy, spw_plan *plan)
{
    uint32_t tiers = (uint32_t)policy->group_count;
    if (!plan->kept) {
        core->outcome_at[work] = (uint32_t)plan->outcome_count;
    }
    spw_outcome *out =
        plan->kept ? plan_redo_outcome(plan, core->outcome_at[work], tiers) : plan_add_outcome(plan, tiers);
    if (out != NULL) {
        out->workload = core->view.work_row[work];
        out->desired = core->desired[work];
        out->scale_reason = core->memory.works[work].reason;
    }
    return out;
}

static void account(spw_core *core, uint32_t work, const spw_policy *policy, int32_t unplaced, int32_t moved,
                    spw_plan *plan)
{
    spw_outcome *out = open_outcome(core, work, policy, plan);
    if (out == NULL) {
        return;
    }
    out->unplaced = unplaced;
    out->moved = moved;
    out->victims = core->preempting.on ? core->preempting.lost[work] : 0;
    int32_t placed = 0;
    int32_t held = 0;
    for (size_t i = 0; i < core->fill.count; i++) {
        const fill_slot *slot = &core->fill.slots[i];
        const view_seat *seat = slots_seat(core, slot);
        int32_t stays = seat == NULL ? 0 : decide_staying(core, seat);
        int32_t elastic = min32(slot->elastic, slot->target);
        int32_t preempted = min32(slot->preempted, slot->target - elastic);
        out->tiers[slot->group].idle += slot->target - elastic - preempted;
        out->tiers[slot->group].elastic += elastic;
        out->tiers[slot->group].preempted += preempted;
        placed += slot->target;
        held += slot->target > stays ? slot->target : stays;
    }
    out->surge = held > placed ? held - placed : 0;
}

static void touch_seats(spw_core *core, uint32_t work)
{
    for (uint32_t i = core->view.seat_first[work]; i < core->view.seat_end[work]; i++) {
        view_seat *seat = &core->view.seats[i];
        memory_seat *mem = memory_seat_get(&core->memory, work, core->view.clusters[seat->cluster].key);
        if (mem != NULL) {
            seat->memory_hint = (uint32_t)((size_t)(mem - core->memory.seats) - core->memory.works[work].seat_first);
            mem->seen = core->view.now;
            if (mem->promised >= 0 && seat->assigned >= mem->promised) {
                mem->promised = -1; /* visible now: the promise has done its work */
            }
        }
    }
}

/* --- placing anew on request --- */

spw_time decide_request(const spw_core *core, uint32_t work)
{
    const spw_time *column = core->view.snap->workloads.reschedule;
    const memory_work *mem = &core->memory.works[work];
    const spw_workload *workload = &core->config.workloads[work];
    spw_time asked = column == NULL ? SPW_TIME_MAX : column[core->view.work_row[work]];
    if (workload->has_reschedule) {
        spw_time object = workload->reschedule - core->settings.unix_offset;
        bool later = asked == SPW_TIME_MAX || asked < object;
        asked = object <= core->view.now && later ? object : asked;
    }
    return asked == SPW_TIME_MAX || asked <= mem->rescheduled ? MEMORY_NEVER : asked;
}

/** Are the targets what is written, so that nothing is left to do? */
static bool is_settled(const spw_core *core, uint32_t work)
{
    const fill *f = &core->fill;
    int64_t placed = 0;
    int64_t assigned = 0;
    for (size_t i = 0; i < f->count; i++) {
        const view_seat *seat = slots_seat(core, &f->slots[i]);
        if (f->slots[i].target != (seat == NULL ? 0 : seat->assigned)) {
            return false;
        }
        placed += f->slots[i].target;
    }
    for (uint32_t i = core->view.seat_first[work]; i < core->view.seat_end[work]; i++) {
        assigned += core->view.seats[i].assigned;
    }
    return placed == assigned;
}

/**
 * A request stays open until its copies stand and their sources are gone, so that each tick aims at the same targets;
 * at the latest until the deadline of moves. Karmada's is done with the first write that succeeds.
 */
static void close_request(spw_core *core, uint32_t work, const spw_policy *policy, spw_time asked)
{
    memory_work *mem = &core->memory.works[work];
    spw_time now = core->view.now;
    mem->fresh_since = mem->fresh_since == MEMORY_NEVER ? now : mem->fresh_since;
    bool late = now - mem->fresh_since >= policy->move_deadline;
    if (policy->compat ? !core->fill.kept : (is_settled(core, work) || late)) {
        mem->rescheduled = asked;
        mem->fresh_since = MEMORY_NEVER;
    }
}

/** Copies whose sources have still to go. */
static int32_t count_surge(const spw_core *core)
{
    const fill *f = &core->fill;
    int32_t surge = 0;
    for (size_t i = 0; i < f->count; i++) {
        const view_seat *seat = slots_seat(core, &f->slots[i]);
        int32_t stays = seat == NULL ? 0 : decide_staying(core, seat);
        surge += stays > f->slots[i].target ? stays - f->slots[i].target : 0;
    }
    return surge;
}

/* --- one workload --- */

/** The accounting of a workload that is settled: all it has stays where it is. */
static void account_settled(spw_core *core, uint32_t work, const spw_policy *policy, spw_plan *plan)
{
    spw_outcome *out = open_outcome(core, work, policy, plan);
    if (out == NULL) {
        return;
    }
    for (uint32_t i = core->view.seat_first[work]; i < core->view.seat_end[work]; i++) {
        const view_seat *seat = &core->view.seats[i];
        out->tiers[view_site_at(&core->view, core->config.workloads[work].policy, seat->cluster)->group].idle +=
            seat->assigned;
    }
}

/** What stays though it is not wanted counts as such: groups are accounted for in order, up to what is wanted. */
static void count_wanted(spw_core *core, const spw_policy *policy, int32_t over)
{
    for (int32_t g = (int32_t)policy->group_count - 1; g >= 0 && over > 0; g--) {
        for (size_t i = 0; i < core->fill.count && over > 0; i++) {
            fill_slot *slot = &core->fill.slots[i];
            const int32_t gone = slot->group == g ? min32(slot->target, over) : 0;
            slot->target -= gone;
            over -= gone;
        }
    }
}

/** All that it has stays where it is; what it wants beyond that has no place. */
static void place_suspended(spw_core *core, uint32_t work, const spw_policy *policy, spw_plan *plan)
{
    const spw_workload *workload = &core->config.workloads[work];
    spw_candidate *told = core->settings.explain ? plan_add_candidates(plan, core->view.cluster_count) : NULL;
    int32_t wanted = core->desired[work];
    core->fill.fresh = false;
    core->fill.preempt = NULL;
    slots_list(core, work, told);
    explain_rooms(core, told);
    wanted = decide_counts_reference(workload, policy) ? decide_copies(core, policy, wanted) : wanted;
    core->copies[work] = wanted;
    int32_t unplaced = wanted + fill_keep(&core->fill);
    for (size_t i = 0; i < core->fill.count; i++) {
        unplaced -= core->fill.slots[i].target;
    }
    explain_verdicts(core, told);
    count_wanted(core, policy, -unplaced);
    account(core, work, policy, unplaced > 0 ? unplaced : 0, 0, plan);
}

static void place_work(spw_core *core, uint32_t work, spw_plan *plan)
{
    const spw_workload *workload = &core->config.workloads[work];
    if (workload->policy == SPW_ID_NONE || core->view.work_row[work] == SPW_ID_NONE) {
        return;
    }
    const spw_policy *policy = &core->config.policies[workload->policy];
    memory_work *mem = &core->memory.works[work];
    int32_t wanted = core->desired[work];
    touch_seats(core, work);
    core->copies[work] = wanted;
    if (policy->suspended) {
        place_suspended(core, work, policy, plan);
        return;
    }
    bool by_reference = decide_counts_reference(workload, policy);
    if (!by_reference && decide_is_settled(core, work, policy, wanted)) {
        account_settled(core, work, policy, plan);
        bits_add(core->calm, work);
        return;
    }
    spw_candidate *told = core->settings.explain ? plan_add_candidates(plan, core->view.cluster_count) : NULL;
    spw_time asked = decide_request(core, work);
    core->fill.fresh = asked != MEMORY_NEVER;
    bool near = !core->fill.fresh && slots_list_near(core, work, wanted);
    if (!near) {
        slots_list(core, work, told);
    }
    if (!policy->compat) {
        give_up_late_moves(core, work, policy);
        mend_slots(core, work, policy);
        decide_preempt_begin(core, work);
    }
    explain_rooms(core, told);
    bool resized = mem->desired >= 0 && wanted != mem->desired;
    wanted = by_reference ? decide_copies(core, policy, wanted) : wanted;
    core->copies[work] = wanted;
    int32_t unplaced = decide_is_triggered(core, work, policy, wanted) ? fill_place(&core->fill, wanted, &mem->group)
                                                                       : fill_keep(&core->fill);
    decide_note_placement(core, work, policy);
    if (near) {
        slots_drop_empty(core);
    }
    int32_t moved = fail_back(core, work, policy, resized);
    if (!policy->compat) {
        decide_preempt_end(core, work);
    }
    if (!core->fill.kept) {
        shrink_work(core, work, policy, wanted);
        mem->surge = core->fill.fresh ? count_surge(core) : mem->surge + moved;
        grow(core, work, policy, plan);
    }
    if (asked != MEMORY_NEVER) {
        close_request(core, work, policy, asked);
    }
    account(core, work, policy, unplaced, moved, plan);
    explain_verdicts(core, told);
}

/** Outcomes of resting workloads are in the plan already, unless it is another one than last time. */
static void place_resting(spw_core *core, uint32_t work, spw_plan *plan)
{
    const spw_policy *policy = &core->config.policies[core->config.workloads[work].policy];
    if (!plan->kept) {
        account_settled(core, work, policy, plan);
    }
}

void decide_place(spw_core *core, spw_plan *plan)
{
    const view *v = &core->view;
    core->shrink_count = 0;
    memset(core->calm, 0, bits_words(v->works) * sizeof *core->calm);
    if (v->all_read) {
        plan_drop_outcomes(plan);
        memset(core->outcome_at, 0xff, v->works * sizeof *core->outcome_at);
    }
    classes_open(core);
    decide_preempt_start(core);
    for (size_t i = 0; i < v->works; i++) {
        i = plan->kept ? bits_next(v->active_rank, i, v->works) : i;
        if (i == v->works) {
            break;
        }
        uint32_t work = core->by_priority[i];
        if (bits_has(v->active, work)) {
            place_work(core, work, plan);
            core->memory.works[work].desired = core->desired[work];
        } else {
            place_resting(core, work, plan);
        }
    }
}

void decide_shrinks(spw_core *core, spw_plan *plan)
{
    for (size_t i = 0; i < core->shrink_count; i++) {
        shrink *s = &core->shrinks[i];
        decide_preempt_name(core, plan, s->work, s->cluster, &s->action);
        (void)plan_add(plan, &s->action);
        memory_seat *mem = memory_seat_find(&core->memory, s->work, core->view.clusters[s->cluster].key);
        if (mem != NULL) {
            mem->promised = -1;
        }
    }
}
