/* SPDX-License-Identifier: Apache-2.0 */
/* explain.c - a verdict on every cluster as a place for a workload. Reads what the filling left, changes nothing. */
#include "core/explain.h"

#include "place/fill_internal.h"
#include "place/units.h"

void explain_rooms(const spw_core *core, spw_candidate *told)
{
    const fill *f = &core->fill;
    for (size_t i = 0; told != NULL && i < f->count; i++) {
        const fill_slot *slot = &f->slots[i];
        spw_candidate *row = &told[slot->cluster];
        row->held = slot->held;
        row->room_idle = fill_room(f, slot, STEP_IDLE);
        row->room_elastic = fill_room(f, slot, STEP_ELASTIC);
    }
}

/** Why a candidate that gets nothing gets nothing. */
static spw_verdict why_nothing(const spw_core *core, const fill_slot *slot, const spw_candidate *row,
                               int32_t last_group)
{
    const fill *f = &core->fill;
    if (f->refusal == SPW_VERDICT_SPREAD || slot->out) {
        return SPW_VERDICT_SPREAD;
    }
    if (core->view.clusters[slot->cluster].stale && !f->policy->compat) {
        return SPW_VERDICT_STALE;
    }
    if (f->policy->division == SPW_DIVIDE_STATIC && slot->weight == 0) {
        return SPW_VERDICT_NO_WEIGHT;
    }
    if (f->in_use >= 0 && slot->group != f->in_use) {
        return slot->group < f->in_use || f->refusal != SPW_VERDICT_NONE ? SPW_VERDICT_GROUP_PASSED
                                                                         : SPW_VERDICT_BETTER_SUFFICE;
    }
    if (row->room_idle == 0 && row->room_elastic == 0 && slot->held == 0) {
        return slot->can_grow ? SPW_VERDICT_NO_ROOM : SPW_VERDICT_BARRED;
    }
    if (f->refusal != SPW_VERDICT_NONE) {
        return f->refusal;
    }
    return slot->group > last_group ? SPW_VERDICT_BETTER_SUFFICE : SPW_VERDICT_NO_SHARE;
}

static spw_verdict verdict_on(const spw_core *core, const fill_slot *slot, const spw_candidate *row, int32_t last_group)
{
    const fill *f = &core->fill;
    if (f->kept && f->refusal == SPW_VERDICT_NONE) {
        return f->policy->suspended ? SPW_VERDICT_SUSPENDED : SPW_VERDICT_UNTOUCHED;
    }
    if (slot->target == 0) {
        return why_nothing(core, slot, row, last_group);
    }
    bool more = core->copies[f->workload - core->config.workloads] > slot->target;
    bool full = slot->target >= row->held + row->room_idle + row->room_elastic;
    return more && full && !fill_is_roomless(f->policy) ? SPW_VERDICT_FULL : SPW_VERDICT_CHOSEN;
}

void explain_verdicts(const spw_core *core, spw_candidate *told)
{
    const fill *f = &core->fill;
    int32_t last_group = -1;
    for (size_t i = 0; i < f->count; i++) {
        const fill_slot *slot = &f->slots[i];
        last_group = slot->target > 0 && slot->group > last_group ? slot->group : last_group;
    }
    for (size_t i = 0; told != NULL && i < f->count; i++) {
        spw_candidate *row = &told[f->slots[i].cluster];
        row->target = f->slots[i].target;
        if (f->workload->units != NULL && f->workload->gpus > 0) {
            row->unit_count = (int32_t)f->workload->units->count;
            units_spread(f->rooms, f->slots[i].cluster, f->workload->units, row->target, row->unit_target);
        }
        row->verdict = verdict_on(core, &f->slots[i], row, last_group);
    }
}
