/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nodes.c - stage "with what": orders what the placement needs, releases what has been empty for long, gives up orders
 * that are late, and backs off from pools whose creations fail.
 *
 * Reference timings: cluster-autoscaler waits 15 min for a node and 10 min before it removes an unneeded one. Back-off
 * after a failure: 60 s, doubling to 15 min.
 */
#include "core/decide.h"

#define BACKOFF_FIRST (INT64_C(60) * SPW_NS_PER_S)
#define BACKOFF_MAX   (INT64_C(900) * SPW_NS_PER_S)

/** Windows of the policies: the most patient one decides. */
typedef struct patience {
    spw_dur deadline, unneeded;
    bool manages; /**< a policy creates nodes: without one, somebody else looks after the pools and removes them */
} patience;

static patience patience_of(const spw_core *core)
{
    patience p = {0, 0, false};
    for (size_t i = 0; i < core->config.policy_count; i++) {
        const spw_policy *policy = &core->config.policies[i];
        p.deadline = policy->provision_deadline > p.deadline ? policy->provision_deadline : p.deadline;
        if (policy->elastic) {
            p.manages = true;
            p.unneeded = policy->node_unneeded > p.unneeded ? policy->node_unneeded : p.unneeded;
        }
    }
    return p;
}

static bool can_shrink(const spw_pool_rows *t, spw_id row)
{
    return t->capacity[row] == SPW_CAPACITY_ON_DEMAND || t->capacity[row] == SPW_CAPACITY_SPOT;
}

static void back_off(memory_pool *mem, spw_time now)
{
    mem->backoff = mem->backoff == 0 ? BACKOFF_FIRST : mem->backoff * 2;
    mem->backoff = mem->backoff < BACKOFF_MAX ? mem->backoff : BACKOFF_MAX;
    mem->backoff_until = now + mem->backoff;
}

/** Is what the snapshot shows of a pool too old to judge it by? */
static bool is_old(const spw_core *core, spw_id row)
{
    const spw_snapshot *snap = core->view.snap;
    spw_time cluster_seen = snap->clusters.observed[snap->pools.cluster[row]];
    spw_time seen = cluster_seen < snap->pools.observed[row] ? cluster_seen : snap->pools.observed[row];
    return snap->now - seen > core->settings.stale_after;
}

/**
 * Orders, in the pool's record or lost on the way there, that bring no node before the deadline are late: not counted
 * on until a node comes after all, or until the back-off has passed and they get another chance.
 */
static void watch_orders(spw_core *core, spw_id row, memory_pool *mem, spw_dur deadline)
{
    const spw_pool_rows *t = &core->view.snap->pools;
    spw_time now = core->view.now;
    bool waiting = t->nodes_target[row] > t->nodes[row] || mem->promised > t->nodes[row];
    bool progress = mem->nodes >= 0 && t->nodes[row] > mem->nodes;
    if (progress) {
        mem->backoff = 0;
    }
    if (!waiting || progress || (mem->late && now >= mem->backoff_until)) {
        mem->late = false;
        mem->waiting_since = MEMORY_NEVER;
    }
    if (waiting && mem->waiting_since == MEMORY_NEVER) {
        mem->waiting_since = now;
    }
    if (waiting && !mem->late && now - mem->waiting_since >= deadline && !is_old(core, row)) {
        mem->late = true;
        mem->promised = -1;
        back_off(mem, now);
    }
}

/** Keeps a pool's clocks: failures, progress of its orders, promises. */
static void watch_pool(spw_core *core, spw_id row, memory_pool *mem, spw_dur deadline)
{
    const spw_pool_rows *t = &core->view.snap->pools;
    spw_time now = core->view.now;
    int64_t failures = t->failures == NULL ? -1 : t->failures[row];
    if (mem->failures >= 0 && failures > mem->failures) {
        back_off(mem, now);
        mem->promised = -1;
    }
    mem->failures = failures;
    watch_orders(core, row, mem, deadline);
    if (mem->promised >= 0 &&
        (t->nodes_target[row] >= mem->promised || now - mem->promised_at >= core->settings.promise_ttl)) {
        mem->promised = -1;
    }
    mem->nodes = t->nodes[row];
    mem->seen = now;
}

void decide_late_nodes(spw_core *core)
{
    const spw_pool_rows *t = &core->view.snap->pools;
    patience p = patience_of(core);
    for (size_t i = 0; i < t->count && core->config.policy_count > 0; i++) {
        memory_pool *mem =
            i < core->settings.pools_max ? memory_pool_near(&core->memory, t->key[i], &core->view.pool_hint[i]) : NULL;
        mem = mem == NULL ? memory_pool_get(&core->memory, t->key[i]) : mem;
        if (mem != NULL) {
            watch_pool(core, (spw_id)i, mem, p.deadline);
        }
    }
}

static void add_nodes(spw_core *core, const room_pool *pool, spw_verb verb, spw_reason reason, int32_t to,
                      spw_plan *plan)
{
    const spw_pool_rows *t = &core->view.snap->pools;
    spw_action action = {.verb = verb,
                         .reason = reason,
                         .workload = SPW_ID_NONE,
                         .cluster = t->cluster[pool->row],
                         .pool = pool->row,
                         .after = UINT32_MAX,
                         .amount = to,
                         .before = t->nodes_target[pool->row]};
    (void)plan_add(plan, &action);
    memory_pool *mem = memory_pool_near(&core->memory, t->key[pool->row], &core->view.pool_hint[pool->row]);
    if (mem != NULL) {
        mem->promised = verb == SPW_VERB_PROVISION ? to : -1;
        mem->promised_at = core->view.now;
        mem->surplus = 0;
        mem->surplus_since = MEMORY_NEVER;
    }
}

/** Index of the placement that grew in this cluster, for the `after` of an order; UINT32_MAX if none. */
static uint32_t growth_in(const spw_plan *plan, spw_id cluster)
{
    for (size_t i = 0; i < plan->action_count; i++) {
        const spw_action *a = &plan->actions[i];
        if (a->verb == SPW_VERB_PLACE && a->cluster == cluster && a->amount > a->before) {
            return (uint32_t)i;
        }
    }
    return UINT32_MAX;
}

void decide_orders(spw_core *core, spw_plan *plan)
{
    const spw_pool_rows *t = &core->view.snap->pools;
    for (size_t p = 0; p < t->count; p++) {
        const room_pool *pool = &core->view.rooms.pools[p];
        int32_t base = pool->target > t->nodes[pool->row] ? pool->target : t->nodes[pool->row];
        int32_t to = base + pool->ordered;
        bool lost = pool->target > t->nodes_target[pool->row]; /* an order of ours is not in the pool's record */
        if ((pool->ordered > 0 || lost) && to > t->nodes_target[pool->row] && to <= t->nodes_max[pool->row]) {
            uint32_t after = growth_in(plan, t->cluster[pool->row]);
            add_nodes(core, pool, SPW_VERB_PROVISION, SPW_WHY_NODES_FOR_PENDING, to, plan);
            if (plan->action_count > 0 && !plan->overflow) {
                plan->actions[plan->action_count - 1].after = after;
            }
        }
    }
}

/**
 * Empty nodes after everything this tick placed, those that are still coming included, those that are to go not. While
 * replicas wait for nodes to come, those that stand there without GPUs in use do not count: their CPU or memory is not
 * to be had, and a lower size of the pool may cost the ones that are awaited.
 */
static int32_t empty_nodes(const spw_pool_rows *t, const room_pool *pool)
{
    bool awaited = pool->target - t->nodes[pool->row] > pool->coming[pool->node_gpus];
    int32_t empty = pool->coming[pool->node_gpus] + (awaited ? 0 : pool->idle[pool->node_gpus]);
    int32_t leaving = t->nodes[pool->row] - t->nodes_target[pool->row];
    return leaving <= 0 ? empty : (empty > leaving ? empty - leaving : 0);
}

/** How many of them have been empty for the whole window: the minimum over it, restarted after each release. */
static int32_t long_empty(memory_pool *mem, int32_t empty, spw_time now, spw_dur window)
{
    if (empty == 0) {
        mem->surplus = 0;
        mem->surplus_since = MEMORY_NEVER;
        return 0;
    }
    if (mem->surplus == 0) {
        mem->surplus = empty;
        mem->surplus_since = now;
    }
    mem->surplus = empty < mem->surplus ? empty : mem->surplus;
    return now - mem->surplus_since >= window ? mem->surplus : 0;
}

void decide_releases(spw_core *core, spw_plan *plan)
{
    const spw_pool_rows *t = &core->view.snap->pools;
    patience p = patience_of(core);
    for (size_t i = t->count; i-- > 0;) {
        const room_pool *pool = &core->view.rooms.pools[i];
        memory_pool *mem = memory_pool_near(&core->memory, t->key[pool->row], &core->view.pool_hint[pool->row]);
        int32_t target = t->nodes_target[pool->row];
        if (mem == NULL || !p.manages || !can_shrink(t, pool->row) || is_old(core, pool->row)) {
            continue;
        }
        if (mem->late && target > t->nodes[pool->row]) {
            int32_t to = t->nodes[pool->row] > t->nodes_min[pool->row] ? t->nodes[pool->row] : t->nodes_min[pool->row];
            if (to < target) {
                add_nodes(core, pool, SPW_VERB_RELEASE, SPW_WHY_NODES_LATE, to, plan);
            }
            continue;
        }
        if (pool->ordered > 0 || pool->target > target) { /* this plan orders, or repeats an order that was lost */
            continue;
        }
        int32_t spare = long_empty(mem, empty_nodes(t, pool), core->view.now, p.unneeded);
        int32_t spare_room = target - t->nodes_min[pool->row];
        int32_t gone = spare < spare_room ? spare : spare_room;
        if (gone > 0) {
            add_nodes(core, pool, SPW_VERB_RELEASE, SPW_WHY_NODES_UNNEEDED, target - gone, plan);
        }
    }
}
