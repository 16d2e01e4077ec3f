/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * faults_nodes.c - nodes that faults hold: up -> down -> up again, without replicas.
 *
 * A node that is down still stands: it is paid for, keeps its place and its image cache, though neither it nor its
 * peers get anything from or to it meanwhile (delivery.c), and counts towards its pool's
 * target, so that the node group does not order another in its place. What the market has taken stays taken.
 * Nodes that go down together (a rack, a cluster) first take nothing new, all of them, and then give their requests
 * back: none is routed from one dying replica to the next.
 */
#include "sim/fleet/faults.h"

static bool held_down(const fl_world *w, const fl_node *n)
{
    return n->faults > 0 || w->faults->cluster_down[w->pools[n->pool].cluster] > 0;
}

static void withdraw_all(fl_world *w, uint32_t node)
{
    fl_node *n = &w->nodes[node];
    fl_pool *p = &w->pools[n->pool];

    if (n->state == FL_NODE_UP) {
        n->state = FL_NODE_DOWN;
        n->until_ns = n->gone_ns;
        p->up--;
        p->down++;
        p->free_nodes[n->gpus_free]--;
        evq_set(w->queue, n->slot, n->until_ns, EVQ_LIFECYCLE);
    }
    if (w->faults->cause != FL_NONE) {
        w->run->faults[w->faults->cause].nodes++;
    }
    for (uint32_t r = n->first_replica; r != FL_NONE; r = w->replicas[r].node_next) {
        fl_replica_withdraw(w, r);
    }
}

static void give_back(fl_world *w, uint32_t replica)
{
    if (w->faults->cause != FL_NONE) {
        w->run->faults[w->faults->cause].requests += (uint64_t)w->replicas[replica].outstanding;
    }
    if (w->faults->losing) {
        fl_replica_crash(w, replica);
    } else {
        fl_replica_stop(w, replica);
    }
}

static void come_back(fl_world *w, uint32_t node)
{
    fl_node *n = &w->nodes[node];
    fl_pool *p = &w->pools[n->pool];

    n->state = FL_NODE_UP;
    n->empty_since_ns = w->now;
    p->down--;
    p->up++;
    p->free_nodes[n->gpus_free]++;
    fl_node_until(w, node);
    fl_schedule(w, p->cluster);
}

static void slow_down(fl_world *w, uint32_t node)
{
    for (uint32_t r = w->nodes[node].first_replica; r != FL_NONE;) {
        uint32_t next = w->replicas[r].node_next;

        if (w->replicas[r].engine != NULL) {
            fl_replica_run(w, r); /* brought to now before its clock changes; may end it, if it drains */
        }
        if (w->replicas[r].state != FL_RP_FREE && w->replicas[r].engine != NULL) {
            mdl_engine *engine = mdl_slowed(w->replicas[r].engine, w->now, w->nodes[node].slow_milli);

            w->replicas[r].engine = engine;
            if (engine == NULL) {
                w->no_memory = true;
                return;
            }
            fl_replica_arm(w, r);
        }
        r = next;
    }
}

/* Its disk gives and gets nothing while a fault holds the node, be it under notice. */
static void hold_disk(fl_world *w, uint32_t node)
{
    fl_delivery_node_held(w, node, held_down(w, &w->nodes[node]));
}

/* A running node that has to go down, or one under notice that still has replicas. */
static bool goes_down(const fl_world *w, const fl_node *n)
{
    return held_down(w, n) && (n->state == FL_NODE_UP || (n->state == FL_NODE_NOTICE && n->first_replica != FL_NONE));
}

static bool still(const fl_world *w, const fl_hit *h)
{
    return w->nodes[h->node].state != FL_NODE_FREE && w->nodes[h->node].ordinal == h->ordinal;
}

void fl_nodes_health(fl_world *w)
{
    fl_faults *all = w->faults;
    uint32_t count = all->hit_count;

    for (uint32_t i = 0; i < count; i++) {
        if (goes_down(w, &w->nodes[all->hits[i].node])) {
            withdraw_all(w, all->hits[i].node);
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        hold_disk(w, all->hits[i].node);
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t node = all->hits[i].node;

        while (still(w, &all->hits[i]) && held_down(w, &w->nodes[node]) && w->nodes[node].first_replica != FL_NONE) {
            give_back(w, w->nodes[node].first_replica);
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t node = all->hits[i].node;
        uint32_t pool = w->nodes[node].pool;

        if (!still(w, &all->hits[i])) {
            continue;
        }
        if (w->nodes[node].state == FL_NODE_DOWN && !held_down(w, &w->nodes[node])) {
            come_back(w, node);
        } else if (all->any_slow && w->nodes[node].state != FL_NODE_DOWN) {
            slow_down(w, node);
        }
        for (uint32_t s = 0; s < (uint32_t)w->sc->service_count; s++) {
            fl_place_settle(w, s, w->pools[pool].cluster);
        }
        fl_pool_settle(w, pool);
    }
}

void fl_fault_health(fl_world *w, uint32_t node)
{
    if (goes_down(w, &w->nodes[node])) {
        withdraw_all(w, node);
    }
    hold_disk(w, node);
}

mdl_engine *fl_fault_engine(const fl_world *w, mdl_engine *engine, uint32_t node)
{
    return mdl_slowed(engine, w->now, w->nodes[node].slow_milli);
}
