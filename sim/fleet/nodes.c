/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nodes.c - the life of a node: ordered -> booting -> up -> (notice ->) gone.
 *
 * A pool has a target. Settling a pool compares it with the nodes that are alive (ordered, booting or up; not those
 * under notice): too few and nodes are ordered; too many and the youngest orders that have not begun to boot are
 * cancelled, then empty nodes are released, longest empty first. A node that carries replicas is never released; if
 * it empties while the pool is still above its target, it goes then.
 * What the market takes while it boots goes when its notice is over, and never comes up if that is sooner.
 * When a node is lost without having been asked (order came to nothing, the market took it) the target falls with it,
 * but never below the pool's minimum, which the node group itself keeps up. An order that comes to nothing may do so at
 * once, so the next one waits for the next tick, or a new target.
 */
#include "sim/fleet/faults.h"

#include <stdlib.h>
#include <string.h>

/* A row off the free list, growing it if need be; slot and cache of an earlier life stay with the row. */
static uint32_t row_new(fl_world *w)
{
    uint32_t index;

    if (w->node_free == FL_NONE) {
        void *rows = w->nodes;
        uint32_t old = w->node_cap;

        if (!fl_grow(w, &rows, &w->node_cap, old + 1, sizeof *w->nodes)) {
            return FL_NONE;
        }
        w->nodes = rows;
        for (uint32_t i = w->node_cap; i-- > old;) {
            w->nodes[i].slot = FL_NONE;
            w->nodes[i].first_replica = w->node_free;
            w->node_free = i;
        }
    }
    index = w->node_free;
    w->node_free = w->nodes[index].first_replica;
    return index;
}

static uint32_t node_new(fl_world *w, uint32_t pool)
{
    fl_pool *p = &w->pools[pool];
    void *ids = p->nodes;
    uint32_t index = row_new(w);
    fl_node *n;
    uint8_t *cached;
    uint32_t slot;

    if (index == FL_NONE || !fl_grow(w, &ids, &p->cap, p->count + 1, sizeof *p->nodes)) {
        return FL_NONE;
    }
    p->nodes = ids;
    n = &w->nodes[index];
    slot = n->slot == FL_NONE ? fl_slot_new(w, FL_OWNER_NODE, index) : n->slot;
    cached = n->cached == NULL ? calloc((size_t)w->sc->service_count + 1, 1) : n->cached;
    memset(n, 0, sizeof *n);
    n->cached = cached;
    n->slot = slot;
    n->first_replica = FL_NONE;
    if (cached == NULL || slot == FL_NONE) {
        w->no_memory = true;
        return FL_NONE;
    }
    memset(cached, 0, (size_t)w->sc->service_count);
    n->pool = pool;
    n->ordinal = p->next_ordinal++;
    n->gpus_free = p->sc->gpus_per_node;
    n->until_ns = FL_NEVER;
    n->gone_ns = FL_NEVER;
    p->nodes[p->count++] = index;
    if (w->faults != NULL) {
        fl_fault_node(w, index);
    }
    return index;
}

static void node_arm(fl_world *w, uint32_t node)
{
    evq_set(w->queue, w->nodes[node].slot, w->nodes[node].until_ns, EVQ_LIFECYCLE);
}

/* The record goes back to the free list; the caller has settled counts. */
static void node_remove(fl_world *w, uint32_t node)
{
    fl_node *n = &w->nodes[node];
    fl_pool *p = &w->pools[n->pool];
    uint32_t at = 0;

    FL_CHECK(w, n->replica_count == 0);
    while (p->nodes[at] != node) {
        at++;
        FL_CHECK(w, at < p->count);
    }
    memmove(&p->nodes[at], &p->nodes[at + 1], (size_t)(p->count - at - 1) * sizeof *p->nodes);
    p->count--;
    fl_delivery_node_gone(w, node);
    evq_clear(w->queue, n->slot);
    n->state = FL_NODE_FREE;
    n->first_replica = w->node_free;
    w->node_free = node;
}

bool fl_node_protected(const fl_world *w, uint32_t node, int64_t gone_ns)
{
    const fl_node *n = &w->nodes[node];
    const sc_pool *p = w->pools[n->pool].sc;

    return p->has_market && gone_ns - n->boot_ns < fl_ns(3600.0 * p->market.protected_h);
}

/* When the market takes a node that is up now. What it protects counts from when the node was made, so that booting is
 * part of it. */
static int64_t market_takes(fl_world *w, const fl_node *n)
{
    const fl_pool *p = &w->pools[n->pool];
    int64_t life = mdl_spot_lifetime(&p->sc->market, fl_luck(w, "spot", fl_mix(p->key, n->ordinal)));
    int64_t booted = w->now - n->boot_ns;
    int64_t safe = fl_ns(3600.0 * p->sc->market.protected_h);

    life -= booted < safe ? booted : safe;
    return life < FL_NEVER - w->now ? w->now + life : FL_NEVER;
}

static void node_up(fl_world *w, uint32_t node)
{
    fl_node *n = &w->nodes[node];
    fl_pool *p = &w->pools[n->pool];
    int64_t taken_ns = n->gone_ns; /* by a shock while it booted */

    n->gone_ns = FL_NEVER;
    n->state = FL_NODE_UP;
    n->up_ns = w->now;
    fl_delivery_node_up(w, node);
    n->empty_since_ns = w->now;
    n->until_ns = FL_NEVER;
    p->up++;
    p->free_nodes[n->gpus_free]++;
    if (p->sc->has_market) {
        int64_t notice = fl_ns(p->sc->market.notice_s);

        n->gone_ns = market_takes(w, n);
        n->until_ns = n->gone_ns - w->now > notice ? n->gone_ns - (n->gone_ns == FL_NEVER ? 0 : notice) : w->now;
    }
    if (taken_ns != FL_NEVER && taken_ns < n->gone_ns) {
        n->gone_ns = taken_ns > w->now ? taken_ns : w->now;
        n->until_ns = w->now;
    }
    node_arm(w, node);
    if (w->faults != NULL) {
        fl_fault_health(w, node);
    }
}

void fl_node_until(fl_world *w, uint32_t node)
{
    fl_node *n = &w->nodes[node];
    int64_t notice = fl_ns(w->pools[n->pool].sc->notice_s);

    n->until_ns = n->gone_ns == FL_NEVER ? FL_NEVER : n->gone_ns - notice > w->now ? n->gone_ns - notice : w->now;
    node_arm(w, node);
}

void fl_node_start(fl_world *w, uint32_t pool)
{
    uint32_t node = node_new(w, pool);

    if (node == FL_NONE) {
        return;
    }
    fl_bill_node(w, pool, 1);
    node_up(w, node);
}

static void node_order(fl_world *w, uint32_t pool)
{
    fl_pool *p = &w->pools[pool];
    uint32_t node = node_new(w, pool);
    double inventory_s = 0, boot_s = 0, join_s = 0;
    int failed = 0;
    fl_node *n;

    if (node == FL_NONE) {
        return;
    }
    n = &w->nodes[node];
    mdl_lag_node(&p->sc->lag, fl_luck(w, "node", fl_mix(p->key, n->ordinal)), &inventory_s, &boot_s, &join_s, &failed);
    n->state = FL_NODE_ORDERED;
    n->fails = failed != 0;
    n->ordered_ns = w->now;
    n->boot_ns = w->now + fl_ns(inventory_s);
    n->join_ns = n->boot_ns + fl_ns(boot_s);
    n->up_ns = n->boot_ns + fl_ns(boot_s + join_s);
    n->until_ns = n->boot_ns;
    p->coming++;
    node_arm(w, node);
}

/* What a target loses when a node goes unasked. */
static void target_follows(fl_world *w, uint32_t pool)
{
    fl_pool *p = &w->pools[pool];

    if (p->target > p->sc->nodes_min) {
        p->target--;
    }
}

static void node_boots(fl_world *w, uint32_t node)
{
    fl_node *n = &w->nodes[node];
    uint32_t pool = n->pool;

    if (n->fails || !fl_supply_grants(w, pool)) {
        w->pools[pool].coming--;
        w->run->pools[pool].failed_to_provision++;
        w->pools[pool].failures++;
        w->pools[pool].refused = true;
        target_follows(w, pool);
        node_remove(w, node);
        fl_pool_settle(w, pool);
        return;
    }
    n->state = FL_NODE_BOOTING;
    n->until_ns = n->up_ns;
    fl_bill_node(w, pool, 1);
    node_arm(w, node);
}

static void node_notice(fl_world *w, uint32_t node)
{
    fl_node *n = &w->nodes[node];
    uint32_t pool = n->pool;
    fl_pool *p = &w->pools[pool];
    int64_t gone = n->gone_ns;

    n->state = FL_NODE_NOTICE;
    n->until_ns = gone;
    p->up--;
    p->notice++;
    p->free_nodes[n->gpus_free]--;
    node_arm(w, node);
    target_follows(w, pool);
    fl_reclaim_notice(w, node, gone);
    for (uint32_t s = 0; s < (uint32_t)w->sc->service_count; s++) {
        fl_place_settle(w, s, p->cluster);
    }
    fl_pool_settle(w, pool);
}

static void node_reclaimed(fl_world *w, uint32_t node)
{
    uint32_t pool = w->nodes[node].pool;

    fl_reclaim_end(w, node);
    if (w->nodes[node].state == FL_NODE_DOWN) {
        w->pools[pool].down--;
        target_follows(w, pool);
    } else {
        w->pools[pool].notice--;
    }
    w->run->pools[pool].preempted_by_market++;
    fl_bill_node(w, pool, -1);
    fl_bill_tail(w, &w->nodes[node]);
    node_remove(w, node);
    fl_pool_settle(w, pool);
}

/* Taken before it was up: nobody is told, nobody is on it. */
static void node_taken(fl_world *w, uint32_t node)
{
    uint32_t pool = w->nodes[node].pool;

    w->pools[pool].coming--;
    target_follows(w, pool);
    w->run->pools[pool].preempted_by_market++;
    fl_bill_node(w, pool, -1);
    fl_bill_tail(w, &w->nodes[node]);
    node_remove(w, node);
    fl_pool_settle(w, pool);
}

bool fl_node_reclaim(fl_world *w, uint32_t node, int64_t gone_ns)
{
    fl_node *n = &w->nodes[node];

    if (gone_ns >= n->gone_ns) {
        return false;
    }
    n->gone_ns = gone_ns;
    if (n->state == FL_NODE_DOWN || (n->state == FL_NODE_BOOTING && gone_ns < n->up_ns)) {
        n->until_ns = gone_ns;
        node_arm(w, node);
    } else if (n->state == FL_NODE_UP) {
        node_notice(w, node);
        fl_count_nodes(w, w->nodes[node].pool);
    }
    return true;
}

void fl_node_event(fl_world *w, uint32_t node)
{
    fl_node *n = &w->nodes[node];
    uint32_t pool = n->pool;

    switch (n->state) {
    case FL_NODE_ORDERED:
        node_boots(w, node);
        break;
    case FL_NODE_BOOTING:
        if (n->gone_ns < n->up_ns) {
            node_taken(w, node);
            break;
        }
        w->pools[pool].coming--;
        w->run->pools[pool].provisioned++;
        node_up(w, node);
        fl_schedule(w, w->pools[pool].cluster);
        fl_pool_settle(w, pool);
        break;
    case FL_NODE_UP:
        node_notice(w, node);
        break;
    case FL_NODE_NOTICE:
    case FL_NODE_DOWN:
        node_reclaimed(w, node);
        break;
    case FL_NODE_FREE:
        FL_CHECK(w, n->state != FL_NODE_FREE);
        break;
    }
    fl_count_nodes(w, pool);
}

void fl_node_take(fl_world *w, uint32_t node, int32_t gpus)
{
    fl_node *n = &w->nodes[node];
    fl_pool *p = &w->pools[n->pool];

    if (n->state == FL_NODE_UP) {
        p->free_nodes[n->gpus_free]--;
        p->free_nodes[n->gpus_free - gpus]++;
    }
    n->gpus_free -= gpus;
    FL_CHECK(w, n->gpus_free >= 0 && n->gpus_free <= p->sc->gpus_per_node);
    stat_timew_set(&p->held, w->now, p->held.value + gpus);
}

uint32_t fl_pool_fit(const fl_world *w, uint32_t pool, int32_t gpus)
{
    const fl_pool *p = &w->pools[pool];

    for (int32_t k = gpus; k <= p->sc->gpus_per_node; k++) {
        if (p->free_nodes[k] == 0) {
            continue;
        }
        for (uint32_t i = 0; i < p->count; i++) {
            const fl_node *n = &w->nodes[p->nodes[i]];

            if (n->state == FL_NODE_UP && n->gpus_free == k) {
                return p->nodes[i];
            }
        }
    }
    return FL_NONE;
}

static void node_cancel(fl_world *w, uint32_t node)
{
    w->pools[w->nodes[node].pool].coming--;
    node_remove(w, node);
}

static void node_release(fl_world *w, uint32_t node)
{
    fl_node *n = &w->nodes[node];
    fl_pool *p = &w->pools[n->pool];

    p->up--;
    p->free_nodes[n->gpus_free]--;
    w->run->pools[n->pool].released++;
    fl_bill_node(w, n->pool, -1);
    fl_bill_tail(w, n);
    node_remove(w, node);
}

/* The youngest order that has not begun to boot; FL_NONE if there is none. */
static uint32_t youngest_order(const fl_world *w, const fl_pool *p)
{
    for (uint32_t i = p->count; i-- > 0;) {
        if (w->nodes[p->nodes[i]].state == FL_NODE_ORDERED) {
            return p->nodes[i];
        }
    }
    return FL_NONE;
}

static uint32_t longest_empty(const fl_world *w, const fl_pool *p)
{
    uint32_t best = FL_NONE;

    for (uint32_t i = 0; i < p->count; i++) {
        const fl_node *n = &w->nodes[p->nodes[i]];

        if (n->state == FL_NODE_UP && n->replica_count == 0 &&
            (best == FL_NONE || n->empty_since_ns < w->nodes[best].empty_since_ns)) {
            best = p->nodes[i];
        }
    }
    return best;
}

void fl_pool_settle(fl_world *w, uint32_t pool)
{
    fl_pool *p = &w->pools[pool];

    while (p->up + p->coming + p->down < p->target && !p->refused && !w->no_memory && fl_supply_may_order(w, pool)) {
        node_order(w, pool);
    }
    while (p->up + p->coming + p->down > p->target) {
        uint32_t node = youngest_order(w, p);

        if (node != FL_NONE) {
            node_cancel(w, node);
            continue;
        }
        node = longest_empty(w, p);
        if (node == FL_NONE) {
            break;
        }
        node_release(w, node);
    }
    fl_count_nodes(w, pool);
}

void fl_pools_ask(fl_world *w)
{
    for (uint32_t pool = 0; pool < (uint32_t)w->sc->pool_count; pool++) {
        if (w->pools[pool].refused) {
            w->pools[pool].refused = false;
            fl_pool_settle(w, pool);
        }
    }
}

void fl_pool_target(fl_world *w, uint32_t pool, int64_t nodes)
{
    fl_pool *p = &w->pools[pool];

    if (nodes < p->sc->nodes_min) {
        nodes = p->sc->nodes_min;
    }
    if (nodes > p->sc->nodes_max) {
        nodes = p->sc->nodes_max;
    }
    p->target = (int32_t)nodes;
    p->refused = false;
    fl_pool_settle(w, pool);
}
