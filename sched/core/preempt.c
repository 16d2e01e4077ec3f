/* SPDX-License-Identifier: Apache-2.0 */
/*
 * preempt.c - stage "where", the step of victims: who could be a victim, and what is left of the world afterwards.
 *
 * Workloads are planned most important first, so a victim comes after its beneficiary in the same tick: it finds its
 * replicas gone and is placed anew under its own policy, but makes no victims itself in this tick (chains have one
 * link). The beneficiary's claim is kept in the ledger until the victims have left or a deadline has passed, and it
 * makes no more victims on that cluster before: as kube-scheduler does while a nominated node still clears.
 *
 * Only what has run for the minimum time of its own policy can be a victim. Replicas whose start is not known count as
 * just started.
 */
#include "core/budget.h"
#include "core/decide.h"
#include "core/sort.h"

void decide_preempt_layout(spw_core *core, arena *a, const spw_config *config, const spw_settings *s)
{
    bool any = false;
    for (size_t i = 0; i < config->policy_count; i++) {
        any = any || config->policies[i].preempt != SPW_PREEMPT_OFF;
    }
    preempting *x = &core->preempting;
    x->on = any;
    x->run_max = any ? s->pods_max + s->placements_max : 0;
    x->raw = arena_take(a, x->run_max, sizeof *x->raw);
    x->order = arena_take(a, x->run_max, sizeof *x->order);
    x->p.runs = arena_take(a, x->run_max, sizeof *x->p.runs);
    x->p.at = arena_take(a, any ? s->clusters_max : 0, sizeof *x->p.at);
    x->p.allowed = arena_take(a, any ? config->workload_count : 0, sizeof *x->p.allowed);
    x->p.budget = arena_take(a, any ? config->workload_count : 0, sizeof *x->p.budget);
    x->lost = arena_take(a, any ? config->workload_count : 0, sizeof *x->lost);
}

/* --- who could be a victim --- */

static spw_dur min_runtime(const spw_core *core, uint32_t work)
{
    spw_id policy = core->config.workloads[work].policy;
    return core->config.policies[policy].min_runtime;
}

static view_seat *seat_of(spw_core *core, uint32_t work, uint32_t cluster)
{
    const view_seat *found = view_seat_find(&core->view, work, cluster);
    return found == NULL ? NULL : &core->view.seats[found - core->view.seats];
}

static void add_run(spw_core *core, const view_seat *seat, spw_time start, int32_t count)
{
    preempting *x = &core->preempting;
    if (x->run_count < x->run_max) {
        x->raw[x->run_count++] = (preempt_run){.cluster = seat->cluster,
                                               .work = seat->work,
                                               .seat = (size_t)(seat - core->view.seats),
                                               .priority = core->config.workloads[seat->work].priority,
                                               .start = start,
                                               .count = count};
    }
}

/**
 * Replicas of a seat whose leaving gives room back. A lower count takes pending replicas before running ones, so the
 * running ones are out of reach while others wait for nodes or for victims of their own; and those that wait for a node
 * that is there are too young for any minimum.
 */
static int32_t settled(const spw_core *core, const view_seat *seat)
{
    int32_t bound = seat->held - seat->scheduled - seat->held_coming - seat->held_nominated;
    bool ageless = min_runtime(core, seat->work) == 0;
    if (seat->held_coming > 0 || seat->held_nominated > 0) {
        return ageless ? bound : 0;
    }
    return ageless || bound == 0 ? seat->scheduled + bound : 0;
}

/**
 * Every seat's potential, before age is looked at. Nobody who is not placed by us can be moved away by us, nor can one
 * that is placed as Karmada does it: there is no preemption there.
 */
static void open_seats(spw_core *core)
{
    for (uint32_t w = 0; w < core->config.workload_count; w++) {
        spw_id policy = core->config.workloads[w].policy;
        const spw_policy *p = policy == SPW_ID_NONE ? NULL : &core->config.policies[policy];
        bool ours = p != NULL && !p->compat && !p->suspended;
        for (uint32_t i = core->view.seat_first[w]; i < core->view.seat_end[w]; i++) {
            view_seat *seat = &core->view.seats[i];
            const view_cluster *cluster = &core->view.clusters[seat->cluster];
            seat->potential = ours && cluster->ready && !cluster->stale ? settled(core, seat) : 0;
            seat->listed = 0;
        }
    }
}

static void list_pods(spw_core *core)
{
    const spw_pod_rows *t = &core->view.snap->pods;
    for (size_t i = 0; i < t->count; i++) {
        uint32_t work = core->view.work_of[t->workload[i]];
        view_seat *seat = work == UINT32_MAX ? NULL : seat_of(core, work, core->view.canonical[t->cluster[i]]);
        if (seat == NULL || seat->potential == 0 || t->deleting[i] != 0 || t->phase[i] == SPW_POD_FAILED) {
            continue;
        }
        seat->listed++;
        spw_dur age = t->started[i] == SPW_TIME_MAX ? 0 : core->view.now - t->started[i];
        if (age >= min_runtime(core, work)) {
            add_run(core, seat, t->started[i], 1);
        }
    }
}

static void list_unknown(spw_core *core)
{
    for (uint32_t w = 0; w < core->config.workload_count; w++) {
        for (uint32_t i = core->view.seat_first[w]; i < core->view.seat_end[w]; i++) {
            const view_seat *seat = &core->view.seats[i];
            int32_t unknown = seat->potential - seat->listed;
            if (unknown > 0 && min_runtime(core, w) == 0) {
                add_run(core, seat, SPW_TIME_MAX, unknown);
            }
        }
    }
}

static bool run_before(const void *rows, uint32_t a, uint32_t b)
{
    const preempt_run *x = &((const preempt_run *)rows)[a];
    const preempt_run *y = &((const preempt_run *)rows)[b];
    if (x->cluster != y->cluster) {
        return x->cluster < y->cluster;
    }
    if (x->priority != y->priority) {
        return x->priority > y->priority;
    }
    return x->start != y->start ? x->start < y->start : x->work < y->work;
}

/** Least important first, a seat's runs get no more than its potential: pods may show what is gone already. */
static void bound_runs(spw_core *core)
{
    preempting *x = &core->preempting;
    for (size_t i = x->run_count; i-- > 0;) {
        preempt_run *run = &x->p.runs[i];
        view_seat *seat = &core->view.seats[run->seat];
        run->count = run->count < seat->potential ? run->count : seat->potential;
        seat->potential -= run->count;
    }
}

static void build_runs(spw_core *core)
{
    preempting *x = &core->preempting;
    x->run_count = 0;
    open_seats(core);
    list_pods(core);
    list_unknown(core);
    for (size_t i = 0; i < x->run_count; i++) {
        x->order[i] = (uint32_t)i;
    }
    sort_rows(x->order, x->run_count, run_before, x->raw);
    uint32_t cluster = 0;
    for (size_t i = 0; i < x->run_count; i++) {
        x->p.runs[i] = x->raw[x->order[i]];
        for (; cluster < x->p.runs[i].cluster; cluster++) {
            x->p.at[cluster].end = (uint32_t)i;
            x->p.at[cluster + 1].first = (uint32_t)i;
        }
    }
    for (; cluster < core->view.cluster_count; cluster++) {
        x->p.at[cluster].end = (uint32_t)x->run_count;
        if (cluster + 1 < core->view.cluster_count) {
            x->p.at[cluster + 1].first = (uint32_t)x->run_count;
        }
    }
    x->p.at[0].first = 0;
    bound_runs(core);
}

/** Disruptions that each budget allows: ready replicas beyond those that should stay. */
static void build_budgets(spw_core *core)
{
    preempting *x = &core->preempting;
    for (uint32_t w = 0; w < core->config.workload_count; w++) {
        int64_t allowed = -budget_floor(&core->config.workloads[w], core->desired[w]);
        for (uint32_t i = core->view.seat_first[w]; i < core->view.seat_end[w]; i++) {
            const view_seat *seat = &core->view.seats[i];
            allowed += core->view.clusters[seat->cluster].ready ? seat->ready : 0;
        }
        allowed = allowed > 0 ? allowed : 0;
        bool has = budget_is_set(&core->config.workloads[w]);
        x->p.allowed[w] = has && allowed < PREEMPT_NO_BUDGET ? (int32_t)allowed : PREEMPT_NO_BUDGET;
    }
}

/* --- around the placing of one workload --- */

/** In which units of the beneficiary the replicas of every possible victim stand, as far as usage tells of all. */
static void find_stands(spw_core *core, const spw_workload *workload)
{
    preempting *x = &core->preempting;
    const spw_usage_rows *usage = &core->view.snap->usage;
    const spw_pool_rows *t = &core->view.snap->pools;
    for (size_t i = 0; i < x->run_count; i++) {
        view_seat *seat = &core->view.seats[x->p.runs[i].seat];
        seat->told = 0;
        seat->stands = -1;
    }
    for (size_t i = 0; i < usage->count; i++) {
        const spw_id pool = usage->pool[i];
        const uint32_t work = core->view.work_of[usage->workload[i]];
        view_seat *seat = work == UINT32_MAX ? NULL : seat_of(core, work, core->view.canonical[t->cluster[pool]]);
        if (seat == NULL || usage->ready[i] == 0) {
            continue;
        }
        const bool fits = workload->gpus <= t->gpus_per_node[pool] && room_class_fits(workload, t->gpu[pool]);
        const int32_t unit = fits ? view_unit_of(&core->view, workload->units, pool) : -1;
        seat->told += usage->ready[i];
        seat->stands = unit < 0 || unit > seat->stands ? (unit < 0 ? SPW_UNITS_MAX : unit) : seat->stands;
    }
    for (size_t i = 0; i < x->run_count; i++) {
        const view_seat *seat = &core->view.seats[x->p.runs[i].seat];
        x->p.runs[i].stands = seat->told > 0 && seat->told >= seat->held ? seat->stands : SPW_UNITS_MAX;
    }
}

void decide_preempt_start(spw_core *core)
{
    core->preempting.built = false;
    for (size_t w = 0; core->preempting.on && w < core->config.workload_count; w++) {
        core->preempting.lost[w] = 0;
    }
}

void decide_preempt_begin(spw_core *core, uint32_t work)
{
    preempting *x = &core->preempting;
    const spw_workload *workload = &core->config.workloads[work];
    const spw_policy *policy = &core->config.policies[workload->policy];
    core->fill.preempt = NULL;
    if (policy->preempt == SPW_PREEMPT_OFF || workload->preempt_never || x->lost[work] > 0 ||
        core->view.cluster_count == 0) {
        return;
    }
    if (!x->built) {
        x->p.workloads = core->config.workloads;
        build_budgets(core);
        build_runs(core);
        x->built = true;
    }
    x->p.workload = workload;
    core->fill.preempt = &x->p;
    for (size_t i = 0; i < core->fill.count; i++) {
        x->p.at[core->fill.slots[i].cluster].taken = 0;
        x->p.at[core->fill.slots[i].cluster].placed = 0;
    }
    if (workload->units != NULL && workload->units->preempts_before_next) {
        find_stands(core, workload);
    }
}

bool decide_preempt_bars(const view_seat *seat, const memory_seat *mem)
{
    bool waits = mem != NULL && mem->unseen_nominated > 0;
    return waits || (seat != NULL && (seat->victims > 0 || seat->held_nominated > 0));
}

/**
 * What a victim was promised there and does not show yet is planned anew: a count tells no copies apart, so with it the
 * count would not fall by as many as are to leave.
 */
static void drop_promise(spw_core *core, uint32_t work, uint32_t cluster)
{
    memory_seat *mem = memory_seat_find(&core->memory, work, core->view.clusters[cluster].key);
    if (mem != NULL && mem->unseen > 0) {
        mem->promised = -1;
        mem->nominated = 0;
        mem->unseen = 0;
        mem->unseen_coming = 0;
        mem->unseen_nominated = 0;
    }
}

/** The victims of one cluster are gone from what their workloads hold. */
static void take_victims(spw_core *core, uint32_t work, const preempt_cluster *c, uint32_t cluster)
{
    preempting *x = &core->preempting;
    for (uint32_t i = c->first; i < c->end; i++) {
        preempt_run *run = &x->p.runs[i];
        if (run->gone > 0) {
            view_seat *seat = &core->view.seats[run->seat];
            seat->victims_of = seat->victims == 0 ? work : seat->victims_of;
            seat->victims += run->gone;
            seat->held -= run->gone;
            x->lost[run->work] += run->gone;
            run->gone = 0;
            drop_promise(core, run->work, cluster);
        }
    }
}

void decide_preempt_end(spw_core *core, uint32_t work)
{
    const spw_workload *workload = &core->config.workloads[work];
    for (size_t i = 0; i < core->fill.count; i++) {
        const fill_slot *slot = &core->fill.slots[i];
        uint64_t key = core->view.clusters[slot->cluster].key;
        preempt_cluster *c = core->fill.preempt == NULL ? NULL : &core->preempting.p.at[slot->cluster];
        memory_seat *mem = c != NULL && c->placed > 0 ? memory_seat_get(&core->memory, work, key)
                                                      : memory_seat_find(&core->memory, work, key);
        if (mem != NULL) {
            mem->nominated = slot->preempted;
        }
        if (c == NULL || c->placed == 0) {
            continue;
        }
        if (mem != NULL) {
            memory_times_set(&core->memory, mem)->nominated_until =
                core->view.now + core->config.policies[workload->policy].provision_deadline;
            mem->seen = core->view.now;
        }
        take_victims(core, work, c, slot->cluster);
        c->placed = 0;
    }
    core->fill.preempt = NULL;
}

void decide_preempt_name(const spw_core *core, spw_plan *plan, uint32_t work, uint32_t cluster, spw_action *action)
{
    const view_seat *seat = view_seat_find(&core->view, work, cluster);
    if (seat == NULL || seat->victims == 0) {
        return;
    }
    for (size_t i = 0; i < plan->action_count; i++) {
        const spw_action *a = &plan->actions[i];
        if (a->verb == SPW_VERB_PLACE && a->cluster == action->cluster && a->amount > a->before &&
            a->workload == core->view.work_row[seat->victims_of]) {
            action->after = (uint32_t)i;
            return;
        }
    }
}
