/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop.c - observe, check, decide, check, act. The same function in the simulator and in production.
 *
 * A bad snapshot or a bad plan stops the tick before anything is done. An action that is refused takes those with it
 * that depend on it, and no others. Either way the next tick starts from what the source then shows, and amounts are
 * absolute, so nothing has to be undone.
 */
#include <spillway/seam.h>

#include "core/bits.h"
#include "core/decide.h"
#include "core/errors.h"

struct spw_loop {
    spw_mem mem;
    spw_core *core;
    const spw_source *source;
    const spw_actuator *actuator;
    spw_plan *plan;
    spw_loop_stats stats;
    unsigned char *failed; /**< [actions_max] scratch of a tick: actions that were not carried out */
    uint64_t cut_off[];    /**< [workload rows bits] those of whom an action failed in this tick */
};

spw_rc spw_loop_new(spw_core *core, const spw_source *source, const spw_actuator *actuator, const spw_mem *mem,
                    size_t actions_max, size_t outcomes_max, spw_loop **out)
{
    if (source->version != SPW_API_VERSION || actuator->version != SPW_API_VERSION) {
        return SPW_VERSION;
    }
    const size_t words = bits_words(core->view.workload_rows_max);
    spw_loop *loop = mem->take(sizeof *loop + words * sizeof loop->cut_off[0] + actions_max, mem->user);
    if (loop == NULL) {
        return SPW_NOMEM;
    }
    *loop = (spw_loop){.mem = *mem, .core = core, .source = source, .actuator = actuator};
    loop->failed = (unsigned char *)(loop->cut_off + words);
    spw_rc rc = spw_plan_new(mem, actions_max, outcomes_max, &loop->plan);
    if (rc != SPW_OK) {
        mem->give(loop, mem->user);
        return rc;
    }
    *out = loop;
    return SPW_OK;
}

void spw_loop_free(spw_loop *loop)
{
    if (loop != NULL) {
        spw_mem mem = loop->mem;
        spw_plan_free(loop->plan);
        mem.give(loop, mem.user);
    }
}

/** Does an action need one that failed: the one it names, or an earlier one of the same workload? */
static bool is_cut_off(const spw_loop *loop, size_t index)
{
    const spw_action *a = spw_plan_at(loop->plan, index);
    return (a->after != UINT32_MAX && loop->failed[a->after] != 0) ||
           (a->workload != SPW_ID_NONE && bits_has(loop->cut_off, a->workload));
}

static void note_failure(spw_loop *loop, size_t index)
{
    spw_id workload = spw_plan_at(loop->plan, index)->workload;
    loop->failed[index] = 1;
    loop->stats.actions_refused++;
    if (workload != SPW_ID_NONE) {
        bits_add(loop->cut_off, workload);
    }
}

/**
 * An end that refuses an action (SPW_BACKEND) must not blind the others: all that does not depend on what failed is
 * carried out, and the first failure is told. Any other failure is the actuator's own and stops the tick.
 */
static spw_rc act(spw_loop *loop, const spw_tick_info *info, spw_err *err)
{
    const spw_actuator *a = loop->actuator;
    spw_rc first = SPW_OK;
    memset(loop->failed, 0, spw_plan_count(loop->plan));
    memset(loop->cut_off, 0, bits_words(loop->core->view.workload_rows_max) * sizeof loop->cut_off[0]);
    spw_rc rc = a->begin(a->self, info, err);
    for (size_t i = 0; i < spw_plan_count(loop->plan) && rc == SPW_OK; i++) {
        bool cut_off = first != SPW_OK && is_cut_off(loop, i);
        spw_err *told = first == SPW_OK ? err : NULL;
        rc = cut_off ? SPW_BACKEND : a->submit(a->self, spw_plan_at(loop->plan, i), (info->tick << 20) + i, told);
        if (rc == SPW_OK) {
            loop->stats.actions++;
        } else {
            note_failure(loop, i);
        }
        first = first == SPW_OK ? rc : first;
        rc = rc == SPW_BACKEND ? SPW_OK : rc;
    }
    rc = rc == SPW_OK ? a->commit(a->self, first == SPW_OK ? err : NULL) : rc;
    return first == SPW_OK ? rc : first;
}

static bool is_stale(const spw_loop *loop, const spw_snapshot *snap)
{
    for (size_t i = 0; i < snap->clusters.count; i++) {
        if (snap->now - snap->clusters.observed[i] > loop->core->settings.stale_after) {
            return true;
        }
    }
    return false;
}

spw_rc spw_loop_tick(spw_loop *loop, spw_time now, spw_err *err)
{
    const spw_snapshot *snap = NULL;
    loop->stats.ticks++;
    spw_rc rc = loop->source->observe(loop->source->self, now, &snap, err);
    if (rc != SPW_OK) {
        loop->stats.source_failures++;
        plan_clear(loop->plan);
        return SPW_BACKEND;
    }
    rc = spw_snapshot_check(snap, err);
    if (rc != SPW_OK) {
        loop->stats.bad_snapshots++;
        plan_clear(loop->plan);
        return rc;
    }
    spw_tick_info info = {.now = now,
                          .tick = loop->core->memory.ticks,
                          .snap = snap,
                          .plan = loop->plan,
                          .snapshot_hash = spw_snapshot_hash(snap),
                          .state_hash = spw_state_hash(loop->core)};
    rc = spw_decide(loop->core, snap, loop->plan, err);
    if (rc != SPW_OK) {
        loop->stats.bad_snapshots++;
        return rc;
    }
    rc = spw_plan_check(loop->plan, snap, err);
    if (rc != SPW_OK) {
        loop->stats.bad_plans++;
        plan_clear(loop->plan);
        return rc;
    }
    loop->stats.stale_decisions += is_stale(loop, snap) ? 1 : 0;
    rc = act(loop, &info, err);
    if (rc != SPW_OK) {
        loop->stats.actuator_failures++;
        decide_forget_routes(loop->core); /* all else the next snapshot shows, or a promise covers */
        return SPW_BACKEND;
    }
    return SPW_OK;
}

void spw_loop_stats_get(const spw_loop *loop, spw_loop_stats *out)
{
    *out = loop->stats;
}

const spw_plan *spw_loop_plan(const spw_loop *loop)
{
    return loop->plan;
}
