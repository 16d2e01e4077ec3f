/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * places.c - how many replicas of a service a cluster holds, and which nodes they get.
 *
 * A place (service, cluster) has an assigned number; settling it makes pending replicas or takes the most dispensable
 * ones away, as a ReplicaSet does: pending before starting before ready, then those on the pool listed last, on the
 * emptier node, the youngest. Pending replicas bind in the order in which they were made, on the cluster's first pool
 * that has a fitting node; one that does not fit lets later ones of other services pass.
 *
 * Under a ResourcePolicy the pools are tried unit by unit, each up to its max, and a replica goes on to the next unit
 * only when whenTryNextUnits lets it; waits are looked at anew in each control tick. Of replicas that are equally far,
 * those in the last unit go first.
 */
#include "sim/fleet/world.h"

/* A node in the pools of one unit of the service, or FL_NONE. */
static uint32_t node_in_unit(const fl_world *w, const fl_service *s, uint32_t cluster, int32_t unit)
{
    const sc_cluster *sc = &w->sc->clusters[cluster];
    uint32_t node = FL_NONE;

    for (int32_t i = 0; node == FL_NONE && i < sc->pool_count; i++) {
        int32_t pool = sc->pool_first + i;

        if (s->pool_ok[pool] && s->unit_of[pool] == unit) {
            node = fl_pool_fit(w, (uint32_t)pool, s->gpus);
        }
    }
    return node;
}

/* Replicas of a place that stand in a unit: those that stay, or those that are on their way out. */
static int32_t count_in_unit(const fl_world *w, const fl_service *s, uint32_t cluster, int32_t unit, bool leaving)
{
    const fl_place *place = &s->places[cluster];
    int32_t n = 0;

    for (uint32_t i = 0; i < place->count; i++) {
        const fl_replica *r = &w->replicas[place->ids[i]];

        n += r->state != FL_RP_PENDING && (r->state == FL_RP_DRAINING) == leaving && s->unit_of[r->pool] == unit;
    }
    return n;
}

/* Must the replica stay with a unit that has no node for it now? */
static bool waits_in_unit(const fl_world *w, const fl_service *s, uint32_t replica, int32_t unit, bool full)
{
    const spw_units *units = s->workload->units;
    const spw_unit *u = &units->at[unit];
    const fl_replica *r = &w->replicas[replica];

    switch (units->next) {
    case SPW_NEXT_LACK_OR_MAX:
        return false;
    case SPW_NEXT_MAX:
        return u->replicas_max >= 0 && !full;
    case SPW_NEXT_TIMEOUT_OR_MAX:
        return (u->replicas_max >= 0 ? !full : u->waits) && w->now - r->created_ns < units->timeout;
    case SPW_NEXT_LACK_AND_NO_TERMINATING:
        return count_in_unit(w, s, r->cluster, unit, true) > 0;
    }
    return false;
}

static uint32_t find_node(const fl_world *w, const fl_service *s, uint32_t replica)
{
    const spw_units *units = s->workload->units;
    uint32_t cluster = w->replicas[replica].cluster;
    uint32_t node = FL_NONE;

    if (units == NULL) {
        return node_in_unit(w, s, cluster, 0);
    }
    for (int32_t u = 0; node == FL_NONE && u < (int32_t)units->count; u++) {
        int32_t most = units->at[u].replicas_max;
        bool full = most >= 0 && count_in_unit(w, s, cluster, u, false) >= most;

        node = full ? FL_NONE : node_in_unit(w, s, cluster, u);
        if (node == FL_NONE && waits_in_unit(w, s, replica, u, full)) {
            break;
        }
    }
    return node;
}

void fl_schedule(fl_world *w, uint32_t cluster)
{
    uint32_t failed = FL_NONE; /* service that found no room in this pass: its others will not either */

    for (uint32_t replica = w->pending_head[cluster]; replica != FL_NONE;) {
        uint32_t after = w->replicas[replica].pend_after;
        uint32_t service = w->replicas[replica].service;
        uint32_t node = service != failed ? find_node(w, &w->services[service], replica) : FL_NONE;

        if (node != FL_NONE) {
            fl_replica_bind(w, replica, node);
        } else {
            failed = service;
        }
        replica = after;
    }
}

void fl_schedule_waiting(fl_world *w)
{
    bool waits = false;

    for (int32_t i = 0; i < w->sc->service_count; i++) {
        waits = waits || w->services[i].workload->units != NULL;
    }
    for (int32_t c = 0; waits && c < w->sc->cluster_count; c++) {
        fl_schedule(w, (uint32_t)c);
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
        const int32_t *unit_of = w->services[x->service].unit_of;
        bool bound = x->state != FL_RP_PENDING;

        return bound && unit_of[x->pool] != unit_of[y->pool] ? unit_of[x->pool] > unit_of[y->pool] : x->pool > y->pool;
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
