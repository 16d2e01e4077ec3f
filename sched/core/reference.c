/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reference.c - replica counts in units of the reference GPU class: how many copies make up N of them.
 *
 * A workload with by_reference wants throughput: N means as much as N replicas on its reference class give. Copies are
 * placed until their throughputs add up to that. Growth never counts on less than what could be there (copies whose
 * class is not known count as on the fastest class of their cluster, room as on the fastest class of its group), so it
 * comes from below, if need be over several ticks; shrinking counts the other way round. So there is no count between
 * which the two would swing.
 */
#include "core/decide.h"
#include "core/slots.h"
#include "place/fill_internal.h"

bool decide_counts_reference(const spw_workload *workload, const spw_policy *policy)
{
    return workload->by_reference && workload->gpus > 0 && workload->gpu_milli != NULL && !policy->compat &&
           !fill_is_roomless(policy);
}

typedef struct range {
    int32_t least, most; /**< throughput of a copy, 1e-3; 0 = the workload does not run there */
} range;

/** Classes of a cluster: those with room for one more, or all that are there. */
static range classes_of(const spw_core *core, const spw_workload *w, const spw_policy *policy, uint32_t c,
                        bool with_room)
{
    const room *r = &core->view.rooms;
    range out = {0, 0};
    for (uint32_t p = r->first[c]; p < r->first[c + 1]; p++) {
        const room_pool *pool = &r->pools[p];
        int64_t n = room_pool_count(pool, w->gpus, ROOM_IDLE);
        n += policy->elastic ? room_pool_count(pool, w->gpus, ROOM_COMING) : 0;
        n += policy->elastic ? room_pool_count(pool, w->gpus, ROOM_FRESH) : 0;
        if (!room_fits(pool, w) || (with_room && n == 0)) {
            continue;
        }
        int32_t milli = view_class_milli(w, pool->gpu);
        out.least = out.least == 0 || milli < out.least ? milli : out.least;
        out.most = milli > out.most ? milli : out.most;
    }
    return out;
}

/** Throughput of `held` copies of a slot, of which those that usage does not tell count `rest` each. */
static int64_t throughput(const spw_core *core, const fill_slot *slot, int32_t rest)
{
    const view_seat *seat = slots_seat(core, slot);
    int64_t told = seat == NULL ? 0 : (seat->usage_ready < slot->held ? seat->usage_ready : slot->held);
    int64_t sum = told == 0 ? 0 : seat->usage_milli * told / seat->usage_ready;
    return sum + (slot->held - told) * rest;
}

/** Copies to add for `missing` thousandths. @param out short_of  thousandths that no room is there for */
static int64_t copies_to_add(const spw_core *core, const spw_policy *policy, int64_t missing, int64_t *short_of)
{
    const fill *f = &core->fill;
    bool as_one = policy->step_major == SPW_STEP_GLOBAL || policy->order == SPW_GROUPS_FAILOVER;
    int64_t copies = 0;
    for (int32_t g = 0; g < (as_one ? 1 : (int32_t)policy->group_count) && missing > 0; g++) {
        int64_t places = 0;
        int64_t fastest = 0;
        for (size_t i = 0; i < f->count; i++) {
            const fill_slot *slot = &f->slots[i];
            int32_t here = as_one || slot->group == g ? fill_room(f, slot, STEP_BOTH) : 0;
            int32_t most = here > 0 ? classes_of(core, f->workload, policy, slot->cluster, true).most : 0;
            places += most > 0 ? here : 0;
            fastest = most > fastest ? most : fastest;
        }
        int64_t wanted = fastest > 0 ? (missing + fastest - 1) / fastest : 0;
        int64_t taken = wanted < places ? wanted : places;
        copies += taken;
        missing -= taken * fastest;
    }
    *short_of = missing > 0 ? missing : 0;
    return copies;
}

/** Copies that may go without falling below what is wanted, when the last group gives first. */
static int64_t copies_to_drop(const spw_core *core, const spw_policy *policy, int64_t over)
{
    const fill *f = &core->fill;
    int64_t copies = 0;
    for (int32_t g = (int32_t)policy->group_count - 1; g >= 0 && over > 0; g--) {
        int64_t held = 0;
        int64_t fastest = 1;
        for (size_t i = 0; i < f->count; i++) {
            const fill_slot *slot = &f->slots[i];
            if (slot->group == g && slot->held > 0) {
                int32_t most = classes_of(core, f->workload, policy, slot->cluster, false).most;
                held += slot->held;
                fastest = most > fastest ? most : fastest;
            }
        }
        int64_t gone = over / fastest < held ? over / fastest : held;
        copies += gone;
        over -= gone * fastest;
        if (gone < held) {
            break; /* later groups are not passed over */
        }
    }
    return copies;
}

int32_t decide_copies(const spw_core *core, const spw_policy *policy, int32_t wanted)
{
    const fill *f = &core->fill;
    int64_t held = 0;
    int64_t least = 0;
    int64_t most = 0;
    for (size_t i = 0; i < f->count; i++) {
        range here = classes_of(core, f->workload, policy, f->slots[i].cluster, false);
        held += f->slots[i].held;
        least += throughput(core, &f->slots[i], here.least);
        most += throughput(core, &f->slots[i], here.most);
    }
    int64_t target = (int64_t)wanted * 1000;
    int64_t copies = held;
    if (most < target) {
        int64_t short_of = 0;
        copies += copies_to_add(core, policy, target - most, &short_of);
        copies += (short_of + 999) / 1000; /* they find no room: unplaced, in reference replicas */
    } else if (wanted == 0) {
        copies = 0;
    } else if (least > target) {
        copies -= copies_to_drop(core, policy, least - target);
    }
    return copies < SPW_REPLICAS_MAX ? (int32_t)copies : SPW_REPLICAS_MAX;
}
