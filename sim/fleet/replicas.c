/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * replicas.c - the life of a replica: pending -> pull -> (fetch ->) load -> warm-up -> ready -> draining -> gone.
 *
 * Ready replicas leave by draining: they take nothing new and finish what they have, for a bounded time; what is left
 * then goes back to the gateway. Anything else leaves at once.
 *
 * Warm start: while the first tick (time 0) is carried out, a replica that finds a node is ready at once, so that a
 * run begins with the fleet its template describes; such replicas do not count in the start-up statistics.
 */
#include "sim/fleet/faults.h"

#include <string.h>

static fl_place *place_of(fl_world *w, const fl_replica *r)
{
    return &w->services[r->service].places[r->cluster];
}

static uint32_t replica_row(fl_world *w)
{
    uint32_t index;

    if (w->replica_free == FL_NONE) {
        void *rows = w->replicas;
        uint32_t old = w->replica_cap;

        if (!fl_grow(w, &rows, &w->replica_cap, old + 1, sizeof *w->replicas)) {
            return FL_NONE;
        }
        w->replicas = rows;
        for (uint32_t i = w->replica_cap; i-- > old;) {
            w->replicas[i].slot = FL_NONE;
            w->replicas[i].node_next = w->replica_free;
            w->replica_free = i;
        }
    }
    index = w->replica_free;
    if (w->replicas[index].slot == FL_NONE) {
        uint32_t slot = fl_slot_new(w, FL_OWNER_REPLICA, index);

        if (slot == FL_NONE) {
            return FL_NONE;
        }
        w->replicas[index].slot = slot;
    }
    w->replica_free = w->replicas[index].node_next;
    return index;
}

static void pending_add(fl_world *w, uint32_t replica)
{
    fl_replica *r = &w->replicas[replica];

    r->pend_before = w->pending_tail[r->cluster];
    r->pend_after = FL_NONE;
    if (r->pend_before == FL_NONE) {
        w->pending_head[r->cluster] = replica;
    } else {
        w->replicas[r->pend_before].pend_after = replica;
    }
    w->pending_tail[r->cluster] = replica;
}

static void pending_remove(fl_world *w, uint32_t replica)
{
    fl_replica *r = &w->replicas[replica];

    if (r->pend_before == FL_NONE) {
        w->pending_head[r->cluster] = r->pend_after;
    } else {
        w->replicas[r->pend_before].pend_after = r->pend_after;
    }
    if (r->pend_after == FL_NONE) {
        w->pending_tail[r->cluster] = r->pend_before;
    } else {
        w->replicas[r->pend_after].pend_before = r->pend_before;
    }
}

void fl_replica_new(fl_world *w, uint32_t service, uint32_t cluster)
{
    fl_service *s = &w->services[service];
    fl_place *place = &s->places[cluster];
    void *ids = place->ids;
    uint32_t index = replica_row(w);
    uint32_t slot;
    fl_replica *r;

    if (index == FL_NONE || !fl_grow(w, &ids, &place->cap, place->count + 1, sizeof *place->ids)) {
        return;
    }
    place->ids = ids;
    r = &w->replicas[index];
    slot = r->slot;
    memset(r, 0, sizeof *r);
    r->slot = slot;
    r->state = FL_RP_PENDING;
    r->service = service;
    r->cluster = cluster;
    r->pool = FL_NONE;
    r->node = FL_NONE;
    r->until_ns = FL_NEVER;
    r->created_ns = r->asked_ns = w->now;
    r->bound_ns = r->ready_ns = FL_NEVER;
    r->decision_ns = w->reading_ns == FL_NEVER ? 0 : w->now - w->reading_ns;
    r->ordinal = s->next_pod++;
    r->key = fl_mix(s->key, r->ordinal);
    r->home = place->count;
    place->ids[place->count++] = index;
    place->live++;
    s->live_total++;
    pending_add(w, index);
}

/* The engine that became the next of a group `back` calls ago; NULL if its replica has none. */
static const mdl_engine *coming(const fl_world *w, uint32_t back)
{
    const uint32_t replica = w->coming[(w->coming_at - back) % FL_COMING];

    return replica < w->replica_cap ? w->replicas[replica].engine : NULL;
}

/*
 * In a large fleet an event's replica, engine and request all lie far from the processor. After each event another slot
 * is the earliest of its group in the queue; its memory is asked for link by link, a few events apart, some 30 events
 * before it comes.
 */
static void look_ahead(fl_world *w, uint32_t replica)
{
    const uint32_t slot = evq_ahead(w->queue, w->replicas[replica].slot, 5);
    const mdl_engine *engine;

    if (slot == EVQ_NONE || w->slots[slot].owner != FL_OWNER_REPLICA || w->slots[slot].index == replica) {
        return;
    }
    w->coming[++w->coming_at % FL_COMING] = w->slots[slot].index;
    __builtin_prefetch(&w->replicas[w->slots[slot].index]);
    if ((engine = coming(w, 2)) != NULL) {
        mdl_engine_prefetch_state(engine);
    }
    if ((engine = coming(w, 4)) != NULL) {
        mdl_engine_prefetch(engine);
    }
    if ((engine = coming(w, 6)) != NULL) {
        const mdl_expected expected = mdl_engine_expect(engine);

        if (expected.ends < w->request_cap) {
            __builtin_prefetch(&w->requests[expected.ends]);
            if (w->has_tries) {
                __builtin_prefetch(&w->beside[expected.ends]);
            }
        }
        if (expected.begins < w->request_cap) {
            __builtin_prefetch(&w->requests[expected.begins]);
        }
    }
}

void fl_replica_arm_at(fl_world *w, uint32_t replica, int64_t next)
{
    const fl_replica *r = &w->replicas[replica];

    if (next <= r->until_ns) {
        evq_set(w->queue, r->slot, next, EVQ_ENGINE);
    } else {
        evq_set(w->queue, r->slot, r->until_ns, EVQ_LIFECYCLE);
    }
}

void fl_replica_arm(fl_world *w, uint32_t replica)
{
    const mdl_engine *engine = w->replicas[replica].engine;

    fl_replica_arm_at(w, replica, engine != NULL ? mdl_engine_next(engine) : FL_NEVER);
}

static void lag_note(fl_world *w, const fl_replica *r)
{
    int64_t whole_ns = 0;

    for (int i = 0; i < MDL_STAGES; i++) {
        whole_ns += r->stage_ns[i];
        stat_hist_add(w->lag_hist[i], r->stage_ns[i]);
        w->lag_sum_ns[i] += r->stage_ns[i];
    }
    FL_CHECK(w, whole_ns == w->now - r->asked_ns); /* no time is in no stage, or in two */
    w->lag_decision_ns += r->decision_ns;
    w->run->lag.count++;
}

static void replica_ready(fl_world *w, uint32_t replica)
{
    fl_replica *r = &w->replicas[replica];
    fl_service *s = &w->services[r->service];

    if (s->sc->engine == SC_ENGINE_LLM) {
        r->engine = mdl_llm_new(&s->sc->llm[r->pool]);
    } else {
        r->engine = mdl_station_new(&s->sc->station);
    }
    if (w->faults != NULL && r->engine != NULL) {
        r->engine = fl_fault_engine(w, r->engine, r->node);
    }
    if (r->engine == NULL) {
        w->no_memory = true;
        return;
    }
    r->state = FL_RP_READY;
    r->ready_ns = w->now;
    r->until_ns = FL_NEVER;
    s->places[r->cluster].ready++;
    s->ready_total++;
    stat_timew_set(&s->t_ready_pool[r->pool], w->now, s->t_ready_pool[r->pool].value + 1);
    fl_count_replicas(w, r->service);
    if (!fl_balance_add(w, &s->balancers[r->cluster], replica)) {
        return;
    }
    s->routes_stale = true;
    fl_replica_arm(w, replica);
    if (!w->warm_start) {
        lag_note(w, r);
        fl_burst_ready(w, replica);
    }
    fl_gate_flush(w, r->service);
}

static int64_t overlap(int64_t from, int64_t to, int64_t since)
{
    int64_t start = from > since ? from : since;

    return to > start ? to - start : 0;
}

/* Of the time before it got its node: what that took to boot and to join, and all the rest is a wait for a node. */
static void node_stages(const fl_world *w, fl_replica *r)
{
    const fl_node *n = &w->nodes[r->node];

    r->stage_ns[MDL_STAGE_BOOT] = overlap(n->boot_ns, n->join_ns, r->asked_ns);
    r->stage_ns[MDL_STAGE_JOIN] = overlap(n->join_ns, n->up_ns, r->asked_ns);
    r->stage_ns[MDL_STAGE_INVENTORY] =
        r->bound_ns - r->asked_ns - r->stage_ns[MDL_STAGE_BOOT] - r->stage_ns[MDL_STAGE_JOIN];
}

void fl_replica_asked(fl_world *w, uint32_t replica, int64_t since_ns, int64_t decision_ns)
{
    fl_replica *r = &w->replicas[replica];

    r->asked_ns = since_ns;
    r->decision_ns = decision_ns;
    if (r->state != FL_RP_PENDING) {
        node_stages(w, r);
    }
}

void fl_replica_bind(fl_world *w, uint32_t replica, uint32_t node)
{
    static const mdl_image weightless = {0, 0}; /* files come by delivery */
    fl_replica *r = &w->replicas[replica];
    fl_service *s = &w->services[r->service];
    fl_node *n = &w->nodes[node];
    const sc_pool *pool = w->pools[n->pool].sc;
    double pull_s = 0, load_s = 0, warmup_s = 0;

    pending_remove(w, replica);
    fl_node_take(w, node, s->gpus);
    r->node = node;
    r->pool = n->pool;
    r->node_before = FL_NONE;
    r->node_next = n->first_replica;
    if (r->node_next != FL_NONE) {
        w->replicas[r->node_next].node_before = replica;
    }
    n->first_replica = replica;
    n->replica_count++;
    r->bound_ns = w->now;
    r->state = FL_RP_PULL;
    if (w->delivery != NULL && w->warm_start) {
        fl_delivery_present(w, replica);
    }
    if (w->delivery != NULL) {
        fl_delivery_pin(w, replica, true);
    }
    if (w->warm_start) {
        n->cached[r->service] = 1;
        replica_ready(w, replica);
        return;
    }
    mdl_lag_replica(&pool->lag, w->delivery != NULL ? &weightless : &s->sc->image,
                    w->delivery != NULL || n->cached[r->service],
                    s->sc->engine == SC_ENGINE_STATION ? s->sc->station_warmup_s : -1.0, fl_luck(w, "replica", r->key),
                    &pull_s, &load_s, &warmup_s);
    node_stages(w, r);
    r->stage_ns[MDL_STAGE_PULL] = fl_ns(pull_s);
    r->stage_ns[MDL_STAGE_LOAD] = fl_ns(load_s);
    r->stage_ns[MDL_STAGE_WARMUP] = fl_ns(warmup_s);
    if (w->delivery != NULL) {
        r->stage_ns[MDL_STAGE_LOAD] += fl_ns((double)s->sc->weights.bytes / w->sc->delivery->disk_rate);
        r->until_ns = FL_NEVER;
        fl_replica_delivered(w, replica);
        return;
    }
    r->until_ns = w->now + r->stage_ns[MDL_STAGE_PULL];
    fl_replica_arm(w, replica);
}

static void load_begin(fl_world *w, uint32_t replica)
{
    fl_replica *r = &w->replicas[replica];

    r->state = FL_RP_LOAD;
    r->until_ns = w->now + r->stage_ns[MDL_STAGE_LOAD];
    fl_replica_arm(w, replica);
}

/* With delivery, PULL ends a little after the last layer is there: what a start from the cache takes. */
void fl_replica_delivered(fl_world *w, uint32_t replica)
{
    fl_replica *r = &w->replicas[replica];

    if (r->state == FL_RP_PULL && r->until_ns == FL_NEVER && fl_delivery_complete(w, replica, false)) {
        r->until_ns = w->now + r->stage_ns[MDL_STAGE_PULL];
        r->stage_ns[MDL_STAGE_PULL] = r->until_ns - r->bound_ns;
        fl_replica_arm(w, replica);
    } else if (r->state == FL_RP_FETCH && fl_delivery_complete(w, replica, true)) {
        r->stage_ns[MDL_STAGE_FETCH] = w->now - r->fetch_ns;
        load_begin(w, replica);
    }
}

static void pull_ends(fl_world *w, uint32_t replica)
{
    fl_replica *r = &w->replicas[replica];

    w->nodes[r->node].cached[r->service] = 1;
    if (w->delivery == NULL) {
        load_begin(w, replica);
        return;
    }
    r->state = FL_RP_FETCH;
    r->until_ns = FL_NEVER;
    r->fetch_ns = w->now;
    fl_replica_arm(w, replica);
    fl_replica_delivered(w, replica);
}

void fl_replica_settle_counters(fl_world *w, uint32_t replica, bool reset)
{
    fl_replica *r = &w->replicas[replica];
    mdl_load load;

    if (r->engine == NULL) {
        return;
    }
    r->engine->type->load(r->engine, w->now, &load);
    if (w->counting) {
        w->pools[r->pool].busy_gpu_ns += (fl_wide)(load.busy_ns - r->busy_base_ns) * w->services[r->service].gpus;
        w->run->services[r->service].preemptions += load.preemptions - r->preempt_base;
        w->run->services[r->service].tokens_prefill += load.tokens_in - r->prefill_base;
        w->run->services[r->service].tokens_cached += load.tokens_cached - r->cached_base;
    }
    if (reset || w->counting) {
        r->busy_base_ns = load.busy_ns;
        r->preempt_base = load.preemptions;
        r->prefill_base = load.tokens_in;
        r->cached_base = load.tokens_cached;
    }
}

/* Takes a live replica out of service: it stops counting towards assigned. */
static void withdraw(fl_world *w, uint32_t replica)
{
    fl_replica *r = &w->replicas[replica];
    fl_service *s = &w->services[r->service];
    fl_place *place = place_of(w, r);

    place->live--;
    s->live_total--;
    if (r->state == FL_RP_READY) {
        place->ready--;
        s->ready_total--;
        stat_timew_set(&s->t_ready_pool[r->pool], w->now, s->t_ready_pool[r->pool].value - 1);
        fl_balance_remove(w, &s->balancers[r->cluster], replica);
        s->routes_stale = true;
    }
    r->state = FL_RP_DRAINING;
    fl_count_replicas(w, r->service);
}

void fl_replica_withdraw(fl_world *w, uint32_t replica)
{
    if (w->replicas[replica].state != FL_RP_DRAINING) {
        withdraw(w, replica);
    }
}

static void leave_node(fl_world *w, uint32_t replica)
{
    fl_replica *r = &w->replicas[replica];
    fl_node *n = &w->nodes[r->node];

    if (w->delivery != NULL) {
        fl_delivery_pin(w, replica, false);
    }
    if (r->node_before == FL_NONE) {
        n->first_replica = r->node_next;
    } else {
        w->replicas[r->node_before].node_next = r->node_next;
    }
    if (r->node_next != FL_NONE) {
        w->replicas[r->node_next].node_before = r->node_before;
    }
    n->replica_count--;
    if (n->replica_count == 0) {
        n->empty_since_ns = w->now;
    }
    fl_node_take(w, r->node, -w->services[r->service].gpus);
}

/* Everything inside goes back to the gateway, or (lose) its users get an error. */
static void evict_all(fl_world *w, uint32_t replica, bool lose)
{
    uint32_t tags[256];
    fl_replica *r = &w->replicas[replica];
    uint32_t service = r->service;
    uint32_t cluster = r->cluster;
    mdl_engine *engine = r->engine;
    size_t n;

    fl_ways_lost(w, replica);
    while ((n = mdl_engine_evict(engine, w->now, tags, sizeof tags / sizeof tags[0])) > 0) {
        for (size_t i = 0; i < n; i++) {
            fl_request *q = &w->requests[tags[i]];

            if (q->state == FL_RQ_ABANDONED) {
                fl_request_drop(w, tags[i]);
                continue;
            }
            if (lose) {
                fl_finish(w, tags[i], FL_REJECTED, w->now);
                continue;
            }
            if ((q->flags & FL_RQ_STARTED) != 0) {
                q->flags &= (uint8_t)~FL_RQ_STARTED;
                w->services[service].waiting++;
            }
            q->state = FL_RQ_FREE; /* in hand */
            q->place.refused = 0;
            fl_bounce(w, tags[i], cluster);
        }
    }
}

static void replica_free(fl_world *w, uint32_t replica)
{
    fl_replica *r = &w->replicas[replica];
    fl_place *place = place_of(w, r);
    uint32_t last = place->ids[place->count - 1];

    place->ids[r->home] = last;
    w->replicas[last].home = r->home;
    place->count--;
    mdl_engine_free(r->engine);
    r->engine = NULL;
    evq_clear(w->queue, r->slot);
    r->state = FL_RP_FREE;
    r->node_next = w->replica_free;
    w->replica_free = replica;
}

static void stop(fl_world *w, uint32_t replica, bool lose)
{
    fl_replica *r = &w->replicas[replica];
    uint32_t service = r->service;
    uint32_t cluster = r->cluster;
    uint32_t pool = r->pool;

    FL_CHECK(w, r->state != FL_RP_FREE);
    if (r->state == FL_RP_PENDING) {
        pending_remove(w, replica);
        fl_wait_add(w, service, r->asked_ns, r->decision_ns, 1);
    }
    if (r->state != FL_RP_DRAINING) {
        withdraw(w, replica);
    }
    if (r->engine != NULL) {
        fl_replica_hear(w, replica);
        fl_replica_settle_counters(w, replica, false);
        evict_all(w, replica, lose);
    }
    if (w->replicas[replica].node != FL_NONE) {
        leave_node(w, replica);
    }
    replica_free(w, replica);
    if (w->services[service].places[cluster].count == 0) {
        fl_burst_emptied(w, service, cluster);
    }
    if (pool != FL_NONE) {
        fl_schedule(w, cluster);
        fl_pool_settle(w, pool);
    }
}

void fl_replica_stop(fl_world *w, uint32_t replica)
{
    stop(w, replica, false);
}

void fl_replica_crash(fl_world *w, uint32_t replica)
{
    stop(w, replica, true);
}

void fl_replica_drain(fl_world *w, uint32_t replica, int64_t until_ns)
{
    fl_replica *r = &w->replicas[replica];

    if (r->state == FL_RP_DRAINING) {
        r->until_ns = until_ns < r->until_ns ? until_ns : r->until_ns;
        fl_replica_arm(w, replica);
        return;
    }
    if (r->state != FL_RP_READY || r->outstanding == 0) {
        fl_replica_stop(w, replica);
        return;
    }
    withdraw(w, replica);
    r->until_ns = until_ns;
    fl_replica_arm(w, replica);
}

void fl_replica_hear(fl_world *w, uint32_t replica)
{
    mdl_event events[64];
    const size_t room = sizeof events / sizeof events[0];
    mdl_engine *engine = w->replicas[replica].engine;
    size_t n;

    do {
        n = mdl_engine_advance(engine, w->now, events, room);
        for (size_t i = 1; i < n; i++) {
            __builtin_prefetch(&w->requests[events[i].tag]);
        }
        for (size_t i = 0; i < n; i++) {
            fl_engine_says(w, replica, &events[i]);
        }
    } while (n == room);
}

void fl_replicas_hear(fl_world *w)
{
    for (uint32_t i = 0; i < w->replica_cap; i++) {
        if (w->replicas[i].state != FL_RP_FREE && w->replicas[i].engine != NULL) {
            fl_replica_hear(w, i);
        }
    }
}

void fl_replica_run(fl_world *w, uint32_t replica)
{
    fl_replica_hear(w, replica);
    if (w->replicas[replica].state == FL_RP_DRAINING && w->replicas[replica].outstanding == 0) {
        fl_replica_stop(w, replica);
    } else {
        fl_replica_arm(w, replica);
        look_ahead(w, replica);
    }
}

void fl_replica_event(fl_world *w, uint32_t replica)
{
    fl_replica *r = &w->replicas[replica];

    if (r->engine != NULL && mdl_engine_next(r->engine) <= w->now) {
        fl_replica_run(w, replica);
        return;
    }
    if (r->until_ns > w->now) { /* an engine may name its next event early, and know better once it was looked at */
        fl_replica_arm(w, replica);
        return;
    }
    switch (r->state) {
    case FL_RP_PULL:
        pull_ends(w, replica);
        break;
    case FL_RP_LOAD:
        r->state = FL_RP_WARMUP;
        r->until_ns = w->now + r->stage_ns[MDL_STAGE_WARMUP];
        fl_replica_arm(w, replica);
        break;
    case FL_RP_WARMUP:
        replica_ready(w, replica);
        break;
    case FL_RP_DRAINING:
        fl_replica_stop(w, replica);
        break;
    case FL_RP_FREE:
    case FL_RP_PENDING:
    case FL_RP_FETCH:
    case FL_RP_READY:
        FL_CHECK(w, r->state == FL_RP_PULL); /* none of these has an end in time */
        break;
    }
}
