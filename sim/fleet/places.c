/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * places.c - how many replicas of a service a cluster holds, and which nodes they get.
 *
 * A place (service, cluster) has an assigned number; settling it makes pending replicas or takes the most dispensable
 * ones away, as a ReplicaSet does: pending before starting before ready, then those on the pool listed last, on the
 * emptier node, the youngest. Pending replicas bind in the order in which they were made, on the cluster's first pool
 * that has a fitting node; one that does not fit lets later ones of other services pass.
 */
#include "sim/fleet/world.h"

void fl_schedule(fl_world *w, uint32_t cluster)
{
    const sc_cluster *sc = &w->sc->clusters[cluster];
    uint32_t failed = FL_NONE; /* service that found no room in this pass: its others will not either */

    for (uint32_t replica = w->pending_head[cluster]; replica != FL_NONE;) {
        uint32_t after = w->replicas[replica].pend_after;
        uint32_t service = w->replicas[replica].service;
        const fl_service *s = &w->services[service];
        uint32_t node = FL_NONE;

        for (int32_t i = 0; service != failed && node == FL_NONE && i < sc->pool_count; i++) {
            if (s->pool_ok[sc->pool_first + i]) {
                node = fl_pool_fit(w, (uint32_t)(sc->pool_first + i), s->gpus);
            }
        }
        if (node != FL_NONE) {
            fl_replica_bind(w, replica, node);
        } else {
            failed = service;
        }
        replica = after;
    }
}

static int removal_class(const fl_replica *r)
{
    return r->state == FL_RP_PENDING ? 0 : r->state == FL_RP_READY ? 2 : 1;
}

bool fl_replica_more_dispensable(const fl_world *w, uint32_t a, uint32_t b)
{
    const fl_replica *x = &w->replicas[a];
    const fl_replica *y = &w->replicas[b];

    if (removal_class(x) != removal_class(y)) {
        return removal_class(x) < removal_class(y);
    }
    if (x->pool != y->pool) {
        return x->pool > y->pool;
    }
    if (x->node != FL_NONE && w->nodes[x->node].gpus_free != w->nodes[y->node].gpus_free) {
        return w->nodes[x->node].gpus_free > w->nodes[y->node].gpus_free;
    }
    return x->ordinal > y->ordinal;
}

static uint32_t most_dispensable(const fl_world *w, const fl_place *place)
{
    uint32_t best = FL_NONE;

    for (uint32_t i = 0; i < place->count; i++) {
        uint32_t id = place->ids[i];

        if (w->replicas[id].state != FL_RP_DRAINING && (best == FL_NONE || fl_replica_more_dispensable(w, id, best))) {
            best = id;
        }
    }
    return best;
}

void fl_place_settle(fl_world *w, uint32_t service, uint32_t cluster)
{
    fl_service *s = &w->services[service];
    fl_place *place = &s->places[cluster];
    int64_t drain = s->sc->drain_ns;
    bool made = false;

    while (place->live < place->assigned && !w->no_memory) {
        fl_replica_new(w, service, cluster);
        made = true;
    }
    while (place->live > place->assigned) {
        uint32_t replica = most_dispensable(w, place);

        FL_CHECK(w, replica != FL_NONE);
        fl_replica_drain(w, replica, drain < FL_NEVER - w->now ? w->now + drain : FL_NEVER);
    }
    if (made) {
        fl_schedule(w, cluster);
    }
    fl_count_replicas(w, service);
}

void fl_assign(fl_world *w, uint32_t service, uint32_t cluster, int32_t replicas)
{
    fl_service *s = &w->services[service];
    fl_place *place = &s->places[cluster];

    s->assigned_total += replicas - place->assigned;
    place->assigned = replicas;
    fl_place_settle(w, service, cluster);
}
