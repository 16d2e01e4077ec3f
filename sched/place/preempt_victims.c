/* SPDX-License-Identifier: Apache-2.0 */
/*
 * preempt_victims.c - see preempt_victims.h. What comes free never shrinks with one more victim, so that each reprieve
 * is a bisection.
 */
#include "place/preempt_victims.h"

#include "place/units.h"

#define PRIORITY_SHIFT (INT64_C(1) << 31) /* kube-scheduler: makes every priority count as at least one victim */

/** Beneficiary replicas that fit in the CPU and memory that one victim leaves on its node. */
static int64_t in_gap(const spw_workload *victim, const spw_workload *beneficiary)
{
    int64_t n = INT32_MAX;
    if (beneficiary->cpu_milli > 0) {
        n = victim->cpu_milli / beneficiary->cpu_milli;
    }
    if (beneficiary->memory_bytes > 0 && victim->memory_bytes / beneficiary->memory_bytes < n) {
        n = victim->memory_bytes / beneficiary->memory_bytes;
    }
    return n < ESTIMATE_NODE_PODS ? n : ESTIMATE_NODE_PODS;
}

static void leave(const preempt *p, const preempt_run *run, int64_t n, preempt_sum *sum)
{
    const spw_workload *victim = &p->workloads[run->work];
    sum->gaps += p->workload->gpus == 0 ? 0 : n * (victim->gpus / p->workload->gpus);
    sum->gpus += n * victim->gpus;
    for (int k = 0; k < ESTIMATE_KINDS; k++) {
        if (sum->left[k] != ESTIMATE_NO_LIMIT) {
            sum->left[k] += n * estimate_request(victim, (estimate_kind)k);
        }
    }
    if (sum->graded != ESTIMATE_NO_LIMIT) {
        sum->graded += n * in_gap(victim, p->workload);
    }
}

/** Beneficiary replicas whose GPUs surely fit; without GPUs, as many as the summary tells of. */
static int64_t fitting_gpus(const preempt *p, const preempt_cluster *c, const preempt_sum *sum)
{
    const int64_t g = p->workload->gpus;
    if (g == 0) {
        bool told = sum->graded != ESTIMATE_NO_LIMIT;
        for (int k = 0; k < ESTIMATE_KINDS; k++) {
            told = told || (sum->left[k] != ESTIMATE_NO_LIMIT && estimate_request(p->workload, (estimate_kind)k) > 0);
        }
        return told ? SPW_REPLICAS_MAX : 0; /* nothing is known to be short: no victim would help */
    }
    int64_t crowded = sum->gpus > c->slack ? (sum->gpus - c->slack + g - 1) / g : 0;
    return sum->gaps > crowded ? sum->gaps : crowded;
}

/** Beneficiary replicas that surely fit. */
static int64_t fitting(const preempt *p, const preempt_cluster *c, const preempt_sum *sum)
{
    int64_t n = c->usable ? fitting_gpus(p, c, sum) : 0;
    for (int k = 0; k < ESTIMATE_KINDS; k++) {
        int64_t request = estimate_request(p->workload, (estimate_kind)k);
        if (sum->left[k] != ESTIMATE_NO_LIMIT && request > 0) {
            int64_t most = sum->left[k] > 0 ? sum->left[k] / request : 0;
            n = most < n ? most : n;
        }
    }
    return sum->graded < n ? sum->graded : n;
}

static bool fits_now(const room *r, uint32_t cluster, const room_pool *pool, const spw_workload *workload)
{
    return room_fits(pool, workload) && units_reach(r, cluster, workload, pool);
}

/** Can no replica of the victim stand on a pool that the beneficiary cannot use? */
static bool same_pools(const room *r, uint32_t cluster, const spw_workload *victim, const spw_workload *beneficiary)
{
    for (uint32_t i = r->first[cluster]; i < r->first[cluster + 1]; i++) {
        if (r->pools[i].up > 0 && room_fits(&r->pools[i], victim) && !fits_now(r, cluster, &r->pools[i], beneficiary)) {
            return false;
        }
    }
    return true;
}

/** Is it told that all of its replicas stand in units within reach of the beneficiary? */
static bool stands_in_reach(const room *r, uint32_t cluster, const preempt_run *run, const spw_workload *beneficiary)
{
    const spw_units *units = beneficiary->units;
    return units != NULL && units->preempts_before_next && beneficiary->gpus > 0 &&
           run->stands < (int32_t)units_in_reach(r, cluster, beneficiary);
}

static void find_usable(preempt *p, const room *r, uint32_t cluster)
{
    const preempt_cluster *c = &p->at[cluster];
    for (uint32_t i = c->first; i < c->end; i++) {
        preempt_run *run = &p->runs[i];
        if (i > c->first && run[-1].work == run->work) {
            run->usable = run[-1].usable;
        } else {
            const spw_workload *victim = &p->workloads[run->work];
            bool gives = victim->gpus > 0 || r->limits != NULL;
            run->usable =
                run->priority < p->workload->priority && gives &&
                (stands_in_reach(r, cluster, run, p->workload) || same_pools(r, cluster, victim, p->workload));
        }
    }
}

void preempt_open(preempt *p, const room *r, uint32_t cluster)
{
    preempt_cluster *c = &p->at[cluster];
    c->base = (preempt_sum){.graded = ESTIMATE_NO_LIMIT};
    if (r->limits != NULL) {
        c->base.graded = estimate_grade_count(&r->limits[cluster], r->grades, p->workload);
    }
    c->slack = 0;
    c->usable = p->workload->gpus == 0;
    c->taken = 0;
    c->places = units_places(r, cluster, p->workload);
    c->known = false;
    for (int k = 0; k < ESTIMATE_KINDS; k++) {
        c->base.left[k] = r->limits == NULL ? ESTIMATE_NO_LIMIT : r->limits[cluster].left[k];
    }
    for (uint32_t i = r->first[cluster]; i < r->first[cluster + 1]; i++) {
        const room_pool *pool = &r->pools[i];
        if (!fits_now(r, cluster, pool, p->workload)) {
            continue;
        }
        c->usable = c->usable || pool->up > 0;
        c->slack += p->workload->gpus == 0 ? 0 : (int64_t)pool->up * (p->workload->gpus - 1);
        for (int32_t k = 1; k <= pool->node_gpus && units_is_open(r, cluster, p->workload, pool); k++) {
            c->base.gpus += (int64_t)pool->idle[k] * k;
        }
    }
    find_usable(p, r, cluster);
}

/** Thinks all potential victims away, and says which of them break no budget: the most important ones of each. */
static preempt_sum clear_all(preempt *p, const preempt_cluster *c)
{
    preempt_sum sum = c->base;
    for (uint32_t i = c->first; i < c->end; i++) {
        p->budget[p->runs[i].work] = p->allowed[p->runs[i].work];
    }
    for (uint32_t i = c->first; i < c->end; i++) {
        preempt_run *run = &p->runs[i];
        run->out = run->usable ? run->count : 0;
        int32_t *budget = &p->budget[run->work];
        run->spared = run->out < *budget ? run->out : *budget;
        *budget -= *budget == PREEMPT_NO_BUDGET ? 0 : run->spared;
        leave(p, run, run->out, &sum);
    }
    return sum;
}

/** Puts back as many as possible of `most` of a run. @return those put back */
static int32_t put_back(const preempt *p, const preempt_cluster *c, const preempt_run *run, int32_t most,
                        preempt_sum *sum)
{
    int32_t low = 0;
    int32_t high = most;
    while (low < high) {
        int32_t mid = low + (high - low + 1) / 2;
        preempt_sum without = *sum;
        leave(p, run, -(int64_t)mid, &without);
        if (fitting(p, c, &without) > c->taken) {
            low = mid;
        } else {
            high = mid - 1;
        }
    }
    leave(p, run, -(int64_t)low, sum);
    return low;
}

static void count_run(const preempt_run *run, int32_t broken, preempt_cost *cost)
{
    if (run->out == 0) {
        return;
    }
    cost->violations += broken;
    cost->victims += run->out;
    cost->sum += run->out * ((int64_t)run->priority + PRIORITY_SHIFT);
    if (run->priority > cost->top) {
        cost->top = run->priority;
        cost->earliest = run->start;
    } else if (run->priority == cost->top && run->start < cost->earliest) {
        cost->earliest = run->start;
    }
}

preempt_cost preempt_try(preempt *p, uint32_t cluster)
{
    preempt_cluster *c = &p->at[cluster];
    preempt_cost cost = {.top = INT32_MIN, .earliest = SPW_TIME_MAX};
    preempt_sum sum = clear_all(p, c);
    c->known = true;
    if (fitting(p, c, &sum) <= c->taken) {
        c->offer = cost;
        return cost;
    }
    cost.possible = true;
    for (uint32_t i = c->first; i < c->end; i++) {
        preempt_run *run = &p->runs[i];
        run->out -= put_back(p, c, run, run->out - run->spared, &sum);
    }
    for (uint32_t i = c->first; i < c->end; i++) {
        preempt_run *run = &p->runs[i];
        int32_t broken = run->out - run->spared;
        run->out -= put_back(p, c, run, run->spared, &sum);
        count_run(run, broken, &cost);
    }
    c->offer = cost;
    return cost;
}

bool preempt_better(const preempt_cost *a, const preempt_cost *b)
{
    if (a->violations != b->violations) {
        return a->violations < b->violations;
    }
    if (a->top != b->top) {
        return a->top < b->top;
    }
    if (a->sum != b->sum) {
        return a->sum < b->sum;
    }
    if (a->victims != b->victims) {
        return a->victims < b->victims;
    }
    return a->earliest > b->earliest;
}

bool preempt_take(preempt *p, uint32_t cluster)
{
    bool budgets = false;
    preempt_cluster *c = &p->at[cluster];
    for (uint32_t i = c->first; i < c->end; i++) {
        preempt_run *run = &p->runs[i];
        int32_t *allowed = &p->allowed[run->work];
        run->count -= run->out;
        run->gone += run->out;
        leave(p, run, run->out, &c->base);
        if (*allowed != PREEMPT_NO_BUDGET && run->out > 0) {
            *allowed -= run->out < *allowed ? run->out : *allowed;
            budgets = true;
        }
        run->out = 0;
    }
    c->taken++;
    c->known = false;
    return budgets;
}

/** May the group's division use this slot at all? */
static bool is_open(const fill *f, const fill_slot *slot)
{
    return slot->can_grow && !slot->out && (f->policy->division != SPW_DIVIDE_STATIC || slot->weight > 0);
}

int64_t preempt_room(preempt *p, const fill *f, int32_t group)
{
    int64_t places = 0;
    for (size_t i = 0; i < f->count; i++) {
        const fill_slot *slot = &f->slots[i];
        if (slot->group != group || !is_open(f, slot)) {
            continue;
        }
        preempt_open(p, f->rooms, slot->cluster);
        preempt_cluster *c = &p->at[slot->cluster];
        preempt_sum sum = c->base; /* what is idle is counted elsewhere: victims alone */
        sum.gaps = 0;
        sum.gpus = 0;
        sum.graded = sum.graded == ESTIMATE_NO_LIMIT ? ESTIMATE_NO_LIMIT : 0;
        for (int k = 0; k < ESTIMATE_KINDS; k++) {
            sum.left[k] = c->base.left[k] == ESTIMATE_NO_LIMIT ? ESTIMATE_NO_LIMIT : 0;
        }
        for (uint32_t k = c->first; k < c->end; k++) {
            leave(p, &p->runs[k], p->runs[k].usable ? p->runs[k].count : 0, &sum);
        }
        preempt_sum all = c->base;
        for (uint32_t k = c->first; k < c->end; k++) {
            leave(p, &p->runs[k], p->runs[k].usable ? p->runs[k].count : 0, &all);
        }
        int64_t idle = room_count(f->rooms, slot->cluster, f->workload, ROOM_IDLE);
        int64_t alone = fitting(p, c, &sum);
        int64_t beyond =
            fitting(p, c, &all) - idle; /* what is left of idle room may do together with what they leave */
        beyond = beyond > alone ? beyond : alone;
        places += beyond < c->places - idle ? beyond : c->places - idle;
    }
    return places;
}

/** The slot where one more costs least, NULL if none can. Ties: by name, backwards when the UID's hash is odd. */
static fill_slot *cheapest(preempt *p, fill *f, int32_t group)
{
    const bool backwards = (f->workload->uid_hash & 1u) != 0;
    fill_slot *best = NULL;
    for (size_t k = 0; k < f->count; k++) {
        fill_slot *slot = &f->slots[backwards ? f->count - 1 - k : k];
        if (slot->group != group || !is_open(f, slot)) {
            continue;
        }
        const preempt_cluster *c = &p->at[slot->cluster];
        if (c->taken >= c->places) {
            continue;
        }
        preempt_cost cost = c->known ? c->offer : preempt_try(p, slot->cluster);
        if (cost.possible && (best == NULL || preempt_better(&cost, &p->at[best->cluster].offer))) {
            best = slot;
        }
    }
    return best;
}

/** The room of a cluster as it is once the victims are gone and the beneficiary has come. */
static void settle(preempt *p, room *r, uint32_t cluster)
{
    preempt_cluster *c = &p->at[cluster];
    if (p->workload->gpus > 0 && c->taken > c->base.gaps) { /* gaps that were there before are part of what fits */
        room_close(r, cluster, p->workload, (int64_t)c->taken * p->workload->gpus);
    }
    for (int k = 0; k < ESTIMATE_KINDS && r->limits != NULL; k++) {
        int64_t used = c->taken * estimate_request(p->workload, (estimate_kind)k);
        int64_t *left = &r->limits[cluster].left[k];
        if (*left != ESTIMATE_NO_LIMIT && *left >= 0) {
            *left = c->base.left[k] > used ? c->base.left[k] - used : 0;
        }
    }
    if (c->base.graded != ESTIMATE_NO_LIMIT) { /* what no victim left a gap for comes out of the grades */
        const estimate_left *e = &r->limits[cluster];
        int64_t before = estimate_grade_count(e, r->grades, p->workload);
        int64_t more = c->taken - (c->base.graded - before);
        estimate_grade_take(e, r->grades, p->workload, more > 0 ? more : 0);
    }
    units_nominate(r, cluster, p->workload, c->taken);
    c->placed += c->taken;
    c->taken = 0;
}

int32_t preempt_spread(preempt *p, fill *f, int32_t group, int32_t n)
{
    for (size_t i = 0; i < f->count && n > 0; i++) {
        if (f->slots[i].group == group) {
            preempt_open(p, f->rooms, f->slots[i].cluster);
        }
    }
    int32_t placed = 0;
    while (placed < n) {
        fill_slot *slot = cheapest(p, f, group);
        if (slot == NULL) {
            break;
        }
        bool budgets = preempt_take(p, slot->cluster);
        slot->target++;
        slot->preempted++;
        placed++;
        for (size_t i = 0; i < f->count && budgets; i++) { /* they are shared by all clusters */
            p->at[f->slots[i].cluster].known = false;
        }
    }
    for (size_t i = 0; i < f->count && placed > 0; i++) {
        if (f->slots[i].group == group && p->at[f->slots[i].cluster].taken > 0) {
            settle(p, f->rooms, f->slots[i].cluster);
        }
    }
    return placed;
}
