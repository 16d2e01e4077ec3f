/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * gateway.c - from the user's side: which cluster a request goes to, and the wires in between.
 *
 * The gateway of the user's region spreads requests over the clusters that have ready replicas, in proportion to the
 * plan's shares (to ready replicas while there is no plan, or all its shares lie on clusters without any). Smooth
 * weighted round robin: everyone's credit grows by its share, the richest is taken and pays the total; after n
 * requests each cluster is within one request of its due.
 *
 * A request that finds a cluster without ready replicas, or full, travels back and tries another; after
 * each candidate has refused once it is rejected. Full for a request is a cluster of which three different replicas,
 * or all if there are fewer, have refused it, whatever the router: a gateway tries again a few times, not a thousand.
 * With least-outstanding that is exact where replicas are alike: if the least loaded one is full, all are. While no
 * cluster has a ready replica it waits in the service's FIFO, bounded by the scenario; beyond the bound it is rejected.
 *
 * A ring for each (region, cluster, direction) keeps what is under way in order of arrival with one pending event: a
 * constant delay appends, a jitter overtakes a few from the end. A wire without delay is skipped: the request is
 * handled within the same event.
 */
#include "sim/fleet/world.h"

#include <stdlib.h>

#define TRIES 3u /* replicas of one cluster that may refuse a request before the cluster counts as full */

static void routes_refresh(fl_world *w, fl_service *s)
{
    int64_t shares = 0;

    s->eligible_count = 0;
    for (uint32_t c = 0; c < (uint32_t)w->sc->cluster_count; c++) {
        if (s->balancers[c].count > 0) {
            shares += s->weight[c];
        }
    }
    for (uint32_t c = 0; c < (uint32_t)w->sc->cluster_count; c++) {
        int64_t share = shares > 0 ? s->weight[c] : (int64_t)s->balancers[c].count;

        if (s->balancers[c].count > 0 && share > 0) {
            s->eligible[s->eligible_count] = c;
            s->effective[s->eligible_count++] = share;
        } else {
            s->current[c] = 0;
        }
    }
    s->routes_stale = false;
}

/* What a router with affinity goes by; 0 = nothing. */
static uint64_t affinity_key(const fl_world *w, const fl_service *s, uint32_t request)
{
    return s->sc->router == SC_ROUTER_SESSION && w->has_talks ? w->beside[request].talk.prefix_key : 0;
}

static uint32_t cluster_pick(fl_world *w, fl_service *s, uint64_t key, uint32_t avoid)
{
    uint32_t best = FL_NONE;
    int64_t total = 0;

    if (s->routes_stale) {
        routes_refresh(w, s);
    }
    if (s->eligible_count == 0) {
        return FL_NONE;
    }
    if (avoid != FL_NONE) { /* the next one in turn, so that each refuses at most once */
        for (uint32_t i = 0; i < s->eligible_count; i++) {
            if (s->eligible[i] > avoid) {
                return s->eligible[i];
            }
        }
        return s->eligible[0];
    }
    if (s->eligible_count == 1) {
        return s->eligible[0];
    }
    if (key != 0) {
        return fl_cluster_of(s, key);
    }
    for (uint32_t i = 0; i < s->eligible_count; i++) {
        uint32_t c = s->eligible[i];

        s->current[c] += s->effective[i];
        total += s->effective[i];
        if (best == FL_NONE || s->current[c] > s->current[best]) {
            best = c;
        }
    }
    s->current[best] -= total;
    return best;
}

static void line_push(fl_world *w, fl_line *line, uint32_t request)
{
    const int64_t way_ns = fl_way_ns(w, line, request);
    uint32_t at = line->count;

    if (line->count == line->cap) {
        uint32_t cap = line->cap == 0 ? 64 : line->cap * 2;
        struct fl_flight *ring = malloc((size_t)cap * sizeof *ring);

        if (ring == NULL) {
            w->no_memory = true;
            return;
        }
        for (uint32_t i = 0; i < line->count; i++) {
            ring[i] = line->ring[(line->head + i) & (line->cap - 1)];
        }
        free(line->ring);
        line->ring = ring;
        line->cap = cap;
        line->head = 0;
    }
    while (at > 0 && line->ring[(line->head + at - 1) & (line->cap - 1)].due_ns > w->now + way_ns) {
        line->ring[(line->head + at) & (line->cap - 1)] = line->ring[(line->head + at - 1) & (line->cap - 1)];
        at--;
    }
    line->ring[(line->head + at) & (line->cap - 1)] = (struct fl_flight){w->now + way_ns, request};
    line->count++;
    if (at == 0) {
        evq_set(w->queue, line->slot, w->now + way_ns, EVQ_DELIVERY);
    }
    w->requests[request].state = FL_RQ_FLYING;
    w->requests[request].wire_ns += way_ns;
}

static int64_t station_ns(const fl_service *s, uint32_t pool, int64_t service_ns)
{
    const double speed = fl_speed(s, pool);

    return speed == 1.0 ? service_ns : fl_round((double)service_ns / speed);
}

/* At the cluster's door: true if a replica took it. */
static bool offer(fl_world *w, uint32_t request, uint32_t cluster)
{
    fl_request *q = &w->requests[request];
    fl_service *s = &w->services[q->service];
    fl_balancer *b = &s->balancers[cluster];
    mdl_work work = {.tag = request, .input_tokens = 1, .output_tokens = 1};
    uint32_t asked[TRIES];

    if (s->sc->engine == SC_ENGINE_LLM) {
        work.input_tokens = q->need.tokens.input;
        work.output_tokens = q->need.tokens.output;
        work.cached_tokens = (int32_t)(s->sc->prefix_hit_share * work.input_tokens);
        if (w->has_talks) {
            const fl_talk *t = &w->beside[request].talk;

            work.cached_tokens = t->shared_tokens > work.cached_tokens ? t->shared_tokens : work.cached_tokens;
            work.prefix_tokens = t->prefix_tokens;
            work.prefix_key = t->prefix_key;
            work.chain = t->chain;
            work.priority = t->priority;
        }
    }
    for (uint32_t i = 0; i < TRIES && i < b->count; i++) {
        uint32_t replica = fl_balance_pick(w, b, s->sc->router, affinity_key(w, s, request), s->route_rng, asked, i);
        mdl_engine *engine = w->replicas[replica].engine;
        uint32_t handle;
        int64_t next;

        asked[i] = replica;
        if (s->sc->engine == SC_ENGINE_STATION) {
            work.service_ns = station_ns(s, w->replicas[replica].pool, q->need.service_ns);
        }
        if (mdl_engine_next(engine) <= w->now) {
            fl_replica_run(w, replica); /* an engine is brought to now before it is given work */
        }
        handle = mdl_engine_submit(engine, w->now, &work);
        w->no_memory = w->no_memory || handle == MDL_STARVED;
        if (handle < MDL_STARVED) {
            q->state = FL_RQ_RUNNING;
            q->place.at.replica = replica;
            q->place.at.handle = handle;
            fl_balance_shift(w, b, replica, 1);
            next = mdl_engine_next(engine);
            if (next <= w->now) { /* it began at once: said now, not in an event of its own */
                fl_replica_run(w, replica);
            } else {
                fl_replica_arm_at(w, replica, next);
            }
            return true;
        }
    }
    return false;
}

static void gate_append(fl_world *w, uint32_t request)
{
    fl_request *q = &w->requests[request];
    fl_service *s = &w->services[q->service];

    q->state = FL_RQ_GATEWAY;
    q->place.queue.before = s->gate_tail;
    q->place.queue.after = FL_NONE;
    if (s->gate_tail == FL_NONE) {
        s->gate_head = request;
    } else {
        w->requests[s->gate_tail].place.queue.after = request;
    }
    s->gate_tail = request;
    s->gate_count++;
}

void fl_gate_unlink(fl_world *w, uint32_t request)
{
    fl_request *q = &w->requests[request];
    fl_service *s = &w->services[q->service];

    if (q->place.queue.before == FL_NONE) {
        s->gate_head = q->place.queue.after;
    } else {
        w->requests[q->place.queue.before].place.queue.after = q->place.queue.after;
    }
    if (q->place.queue.after == FL_NONE) {
        s->gate_tail = q->place.queue.before;
    } else {
        w->requests[q->place.queue.after].place.queue.before = q->place.queue.before;
    }
    s->gate_count--;
}

void fl_route(fl_world *w, uint32_t request, uint32_t avoid)
{
    fl_request *q = &w->requests[request];
    fl_service *s = &w->services[q->service];

    for (;;) {
        uint32_t cluster = cluster_pick(w, s, affinity_key(w, s, request), avoid);
        fl_line *line;

        if (cluster == FL_NONE) {
            if (s->gate_count < (uint32_t)s->sc->gateway_queue) {
                gate_append(w, request);
            } else {
                fl_finish(w, request, FL_REJECTED, w->now);
            }
            return;
        }
        if (fl_enters(w, q)) {
            fl_ways_forth(w, q, cluster);
        }
        line = fl_line_of(w, q->region, cluster, false);
        if (line->slot != FL_NONE) {
            line_push(w, line, request);
            return;
        }
        if (offer(w, request, cluster)) {
            return;
        }
        q->place.refused++;
        if (q->place.refused >= s->eligible_count) {
            fl_finish(w, request, FL_REJECTED, w->now);
            return;
        }
        avoid = cluster;
    }
}

void fl_bounce(fl_world *w, uint32_t request, uint32_t cluster)
{
    fl_request *q = &w->requests[request];
    fl_line *line = fl_line_of(w, q->region, cluster, true);

    if (line->slot != FL_NONE) {
        line_push(w, line, request);
    } else {
        fl_route(w, request, q->place.refused > 0 ? cluster : FL_NONE);
    }
}

static void arrive(fl_world *w, const fl_line *line, uint32_t request)
{
    fl_request *q = &w->requests[request];
    fl_service *s = &w->services[q->service];

    if (q->state == FL_RQ_GHOST) {
        fl_request_drop(w, request);
        return;
    }
    FL_CHECK(w, q->state == FL_RQ_FLYING);
    q->state = FL_RQ_FREE; /* in hand */
    if (line->back) {
        fl_route(w, request, q->place.refused > 0 ? line->cluster : FL_NONE);
        return;
    }
    if (offer(w, request, line->cluster)) {
        return;
    }
    if (s->balancers[line->cluster].count > 0) {
        q->place.refused++;
        if (s->routes_stale) {
            routes_refresh(w, s);
        }
        if (q->place.refused >= s->eligible_count) {
            fl_finish(w, request, FL_REJECTED, w->now);
            return;
        }
    }
    fl_bounce(w, request, line->cluster);
}

void fl_line_event(fl_world *w, uint32_t index)
{
    fl_line *line = &w->lines[index];

    while (line->count > 0 && line->ring[line->head].due_ns <= w->now) {
        uint32_t request = line->ring[line->head].request;

        line->head = (line->head + 1) & (line->cap - 1);
        line->count--;
        arrive(w, line, request);
    }
    evq_set(w->queue, line->slot, line->count > 0 ? line->ring[line->head].due_ns : FL_NEVER, EVQ_DELIVERY);
}

void fl_gate_flush(fl_world *w, uint32_t service)
{
    fl_service *s = &w->services[service];
    uint32_t held = s->gate_count; /* those that come back to the queue are not taken again */

    while (held-- > 0 && s->gate_head != FL_NONE) {
        uint32_t request = s->gate_head;

        fl_gate_unlink(w, request);
        w->requests[request].place.refused = 0;
        fl_route(w, request, FL_NONE);
    }
}
