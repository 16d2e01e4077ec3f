/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * requests.c - the request pool, users sending, users giving up, engines answering.
 *
 * A request lives in one record from sending to its end, then the record is used again: memory follows the number of
 * requests in the system. Users of a service give up after one constant time, so the order of sending is the order of
 * deadlines: one event for the first of them replaces an event for each request. That event is lazy: it is not moved
 * when the first one finishes, but looks at who is first when it fires.
 *
 * Times: the user sends at t, the request is at the cluster rtt/2 later, and what the engine puts out is seen rtt/2
 * after that, jitter apart, and the service's frontend_ns. All of that stands behind the engine, wherever it is spent:
 * when a request comes to the engine and leaves it, and so what the engine does, does not depend on it. A completion
 * counts if it is seen by the deadline, that of its attempt (attempts.c) too, and by the end of the run; a cancellation
 * reaches the engine at once.
 */
#include "models/random/variates.h"
#include "sim/fleet/world.h"

/* The rows with room for `need` of them; as they were, and w->no_memory, if there is none. */
static void *grown(fl_world *w, void *rows, uint32_t *cap, uint32_t need, size_t row_size)
{
    (void)fl_grow(w, &rows, cap, need, row_size);
    return rows;
}

/* More records, all free; false: no memory. */
__attribute__((noinline)) static bool records_grow(fl_world *w)
{
    const uint32_t old = w->request_cap;
    uint32_t cap = old;

    w->requests = grown(w, w->requests, &w->request_cap, old + 1, sizeof *w->requests);
    if (w->hooks != NULL && w->hooks->request != NULL) {
        w->numbers = grown(w, w->numbers, &cap, old + 1, sizeof *w->numbers);
    }
    if (w->has_tries || w->has_talks) {
        w->beside = grown(w, w->beside, &w->beside_cap, old + 1, sizeof *w->beside);
    }
    if (w->no_memory) {
        return false;
    }
    for (uint32_t i = w->request_cap; i-- > old;) {
        w->requests[i].seat = w->request_free;
        w->request_free = i;
    }
    return true;
}

uint32_t fl_request_new(fl_world *w)
{
    uint32_t index;

    if (w->request_free == FL_NONE && !records_grow(w)) {
        return FL_NONE;
    }
    index = w->request_free;
    w->request_free = w->requests[index].seat;
    w->request_used++;
    return index;
}

void fl_request_drop(fl_world *w, uint32_t request)
{
    fl_request *q = &w->requests[request];

    q->state = FL_RQ_FREE;
    q->seat = w->request_free;
    w->request_free = request;
    w->request_used--;
}

/* A deadline beyond the end of the run is never met: who has one is in no order. */
static void deadline_append(fl_world *w, uint32_t request)
{
    fl_request *q = &w->requests[request];
    fl_service *s = &w->services[q->service];

    q->seat = FL_NONE;
    if (s->sc->timeout_ns > w->end_ns - w->now) {
        return;
    }
    q->seat = fl_order_add(w, &s->deadlines, request);
    if (evq_time(w->queue, s->timeout_slot) == EVQ_NEVER) {
        evq_set(w->queue, s->timeout_slot, q->sent_ns + s->sc->timeout_ns, EVQ_TIMEOUT);
    }
}

static void deadline_unlink(fl_world *w, const fl_request *q)
{
    if (q->seat != FL_NONE) {
        fl_order_take(&w->services[q->service].deadlines, q->seat);
    }
}

void fl_source_arm(fl_world *w, uint32_t source)
{
    fl_source *src = &w->sources[source];

    int64_t at_ns = mdl_arrivals_next(src->arrivals, src->arrival_rng, &src->next);

    if (at_ns < 0) {
        w->no_memory = true;
        at_ns = FL_NEVER;
    }
    evq_set(w->queue, src->slot, at_ns, EVQ_ARRIVAL);
}

static void needs_draw(fl_world *w, const fl_source *src, fl_request *q)
{
    fl_service *s = &w->services[src->service];

    if (s->sc->engine == SC_ENGINE_STATION) {
        q->need.service_ns = mdl_service_draw(&s->sc->station_law, s->service_rng);
    } else if (src->next.input > 0) {
        q->need.tokens.input = src->next.input;
        q->need.tokens.output = src->next.output;
    } else {
        mdl_lengths_draw(src->sc->lengths != NULL ? src->sc->lengths : &s->sc->lengths, src->length_rng,
                         &q->need.tokens.input, &q->need.tokens.output);
    }
}

void fl_source_event(fl_world *w, uint32_t source)
{
    fl_source *src = &w->sources[source];
    uint32_t index = fl_request_new(w);
    fl_request *q;

    if (index == FL_NONE) {
        return;
    }
    q = &w->requests[index];
    *q = (fl_request){.sent_ns = w->now,
                      .started_ns = -1,
                      .first_ns = -1,
                      .service = (uint16_t)src->service,
                      .region = (uint16_t)src->region,
                      .tenant = (uint16_t)src->tenant,
                      .flags = w->counting ? FL_RQ_COUNTED : 0};
    needs_draw(w, src, q);
    if (w->has_talks) {
        w->beside[index].talk = (fl_talk){.prefix_key = src->next.prefix_key,
                                          .chain = src->next.chain,
                                          .prefix_tokens = src->next.prefix_tokens,
                                          .shared_tokens = src->next.shared_tokens,
                                          .priority = src->sc->priority + src->next.priority};
        if (src->sessions.answered) {
            w->beside[index].talk.source = source;
            w->beside[index].talk.turn = src->next.turn;
            w->beside[index].talk.turns = src->next.turns;
        }
        if (src->jitter_rng != NULL) {
            w->beside[index].talk.late = (float)mdl_ran_exponential(src->jitter_rng);
            q->late = (float)mdl_ran_exponential(src->jitter_rng);
        }
    }
    if (w->numbers != NULL) {
        w->numbers[index] = w->request_next;
    }
    w->request_next++;
    fl_source_arm(w, source);
    deadline_append(w, index);
    if (w->has_tries) {
        w->beside[index].attempt = (fl_try){.first_ns = -1, .seat = FL_NONE};
    }
    fl_note_sent(w, index);
    fl_attempt(w, index);
}

static void row_out(fl_world *w, uint32_t request, fl_outcome outcome, int64_t seen_ns)
{
    static const char *const names[] = {"", "completed", "rejected", "timed_out", "in_flight"};
    const fl_request *q = &w->requests[request];
    bool placed = q->state == FL_RQ_RUNNING;
    const fl_replica *r = placed ? &w->replicas[q->place.at.replica] : NULL;
    bool llm = w->services[q->service].sc->engine == SC_ENGINE_LLM;
    fleet_request row = {.number = w->numbers[request],
                         .service = q->service,
                         .region = q->region,
                         .cluster = placed ? (int32_t)r->cluster : -1,
                         .pool = placed ? (int32_t)r->pool : -1,
                         .sent_ns = q->sent_ns,
                         .started_ns = q->started_ns,
                         .first_ns = q->first_ns,
                         .done_ns = outcome == FL_COMPLETED ? seen_ns : -1,
                         .input_tokens = llm ? q->need.tokens.input : 0,
                         .output_tokens = llm ? q->need.tokens.output : 0,
                         .outcome = names[outcome]};

    w->hook_stopped = w->hooks->request(w->hooks->user, &row) != 0 || w->hook_stopped;
}

/* The user of a turn has seen its answer, and thinks about the next one. */
static void turn_answered(fl_world *w, uint32_t request, int64_t seen_ns)
{
    const fl_request *q = &w->requests[request];
    const fl_talk *talk = &w->beside[request].talk;
    fl_source *src = &w->sources[talk->source];
    const mdl_arrival turn = {.session = (int64_t)(talk->prefix_key - src->sessions.key),
                              .turn = talk->turn,
                              .turns = talk->turns,
                              .input = q->need.tokens.input,
                              .output = q->need.tokens.output};
    const int earlier = mdl_arrivals_answered(src->arrivals, &turn, seen_ns, &src->next);

    w->no_memory = w->no_memory || earlier < 0;
    if (earlier > 0) {
        fl_source_arm(w, talk->source);
    }
}

/* Once for each request that ends, by whatever way; its record is free again unless a wire still holds it. */
void fl_finish(fl_world *w, uint32_t request, fl_outcome outcome, int64_t seen_ns)
{
    fl_request *q = &w->requests[request];

    if (fl_attempt_end(w, request, outcome, seen_ns)) {
        return; /* to be tried again */
    }
    fl_note_end(w, q, outcome, seen_ns);
    deadline_unlink(w, q);
    if (w->has_answers && outcome == FL_COMPLETED && w->beside[request].talk.turns > 0) {
        turn_answered(w, request, seen_ns);
    }
    if (w->numbers != NULL) {
        row_out(w, request, outcome, seen_ns);
    }
    if (q->state == FL_RQ_FLYING) {
        q->state = FL_RQ_GHOST;
    } else {
        fl_request_drop(w, request);
    }
}

bool fl_engine_due(fl_world *w, uint32_t request)
{
    const fl_request *q = &w->requests[request];

    if (q->state != FL_RQ_RUNNING || mdl_engine_next(w->replicas[q->place.at.replica].engine) > w->now) {
        return false;
    }
    fl_replica_run(w, q->place.at.replica);
    return true;
}

/* A request has left its engine. */
static void leave_replica(fl_world *w, fl_replica *r, uint32_t replica)
{
    if (r->state == FL_RP_READY) {
        fl_balance_shift(w, &w->services[r->service].balancers[r->cluster], replica, -1);
    } else {
        r->outstanding--;
    }
}

static void engine_forgets(fl_world *w, uint32_t request)
{
    fl_request *q = &w->requests[request];
    uint32_t replica = q->place.at.replica;
    fl_replica *r = &w->replicas[replica];

    fl_replica_hear(w, replica);
    fl_ways_broken(w, q);
    mdl_engine_cancel(r->engine, w->now, q->place.at.handle);
    leave_replica(w, r, replica);
}

static void replica_after(fl_world *w, uint32_t replica)
{
    if (w->replicas[replica].state == FL_RP_DRAINING && w->replicas[replica].outstanding == 0) {
        fl_replica_stop(w, replica);
    } else {
        fl_replica_arm(w, replica);
    }
}

void fl_cancel(fl_world *w, uint32_t request)
{
    uint32_t replica = w->requests[request].place.at.replica;

    engine_forgets(w, request);
    w->requests[request].state = FL_RQ_FREE; /* in hand */
    replica_after(w, replica);
}

void fl_timeout_event(fl_world *w, uint32_t service)
{
    fl_service *s = &w->services[service];
    uint32_t request;

    while ((request = fl_order_first(&s->deadlines)) != FL_NONE &&
           w->requests[request].sent_ns + s->sc->timeout_ns <= w->now) {
        fl_request *q = &w->requests[request];

        if (fl_engine_due(w, request)) {
            continue; /* it may have ended this very request */
        }
        if (q->state == FL_RQ_RUNNING && fl_notices(s)) {
            uint32_t replica = q->place.at.replica;

            engine_forgets(w, request);
            fl_finish(w, request, FL_TIMED_OUT, w->now);
            replica_after(w, replica);
            continue;
        }
        if (w->has_tries) {
            request = fl_give_up(w, request);
        } else if (q->state == FL_RQ_GATEWAY) {
            fl_gate_unlink(w, request);
        }
        if (request == FL_NONE) {
            return;
        }
        fl_finish(w, request, FL_TIMED_OUT, w->now);
    }
    evq_set(w->queue, s->timeout_slot, request == FL_NONE ? FL_NEVER : w->requests[request].sent_ns + s->sc->timeout_ns,
            EVQ_TIMEOUT);
}

/* Nobody waits for it, but the engine works on. */
__attribute__((noinline)) static void abandoned_says(fl_world *w, uint32_t replica, const mdl_event *event)
{
    fl_replica *r = &w->replicas[replica];

    if (event->kind != MDL_DONE) {
        return;
    }
    leave_replica(w, r, replica);
    fl_ways_unheard(w, &w->requests[event->tag], r->cluster);
    fl_request_drop(w, event->tag);
}

/* When the user sees what the engine puts out now: what it takes from there. */
static int64_t seen_after(const fl_world *w, const fl_service *s, const fl_replica *r, uint32_t request)
{
    return s->sc->frontend_ns + fl_way_ns(w, fl_line_of(w, w->requests[request].region, r->cluster, true), request);
}

static int64_t deadline_of(const fl_service *s, const fl_request *q)
{
    return s->sc->timeout_ns < FL_NEVER - q->sent_ns ? q->sent_ns + s->sc->timeout_ns : FL_NEVER;
}

/* The three things an engine says are functions of their own, so that each saves and fetches what it needs alone. */

__attribute__((noinline)) static void first_token(fl_world *w, uint32_t replica, const mdl_event *event)
{
    fl_request *q = &w->requests[event->tag];
    const fl_service *s = &w->services[q->service];
    const int64_t seen = event->at_ns + seen_after(w, s, &w->replicas[replica], event->tag);

    if (seen > deadline_of(s, q) || seen > w->end_ns) {
        return;
    }
    if ((q->flags & FL_RQ_FIRST) != 0) { /* of an earlier attempt, or before it was begun anew within this one */
        if (w->has_tries && w->beside[event->tag].attempt.first_ns == FL_NEVER) {
            w->beside[event->tag].attempt.first_ns = seen;
        }
        return;
    }
    if (w->has_tries && seen - q->sent_ns > s->sc->retry.attempt_timeout_ns &&
        seen > fl_attempt_deadline(w, event->tag)) {
        return; /* whoever waited has given up this attempt; no attempt begins before the request was sent */
    }
    q->flags |= FL_RQ_FIRST;
    q->first_ns = seen;
    if (seen - q->sent_ns > s->ttft_limit_ns) {
        q->flags |= FL_RQ_HURT;
        fl_burst_hurt(w, q->service);
    }
    fl_note_first(w, q, event->at_ns, seen);
}

__attribute__((noinline)) static void last_token(fl_world *w, uint32_t replica, const mdl_event *event)
{
    fl_request *q = &w->requests[event->tag];
    fl_service *s = &w->services[q->service];
    fl_replica *r = &w->replicas[replica];
    const int64_t seen = event->at_ns + seen_after(w, s, r, event->tag);
    int64_t deadline = deadline_of(s, q);

    FL_CHECK(w, event->at_ns == w->now); /* what the books take for the way back begins now */
    leave_replica(w, r, replica);
    if (w->has_tries) { /* who waits gives up the attempt or the request, whichever comes first */
        const int64_t attempt = fl_attempt_deadline(w, event->tag);

        deadline = attempt < deadline ? attempt : deadline;
    }
    if (seen > deadline && deadline <= w->end_ns) {
        if (fl_enters(w, q)) { /* it was sent for nothing; where users enter nowhere that costs nothing */
            fl_ways_back(w, q, r->cluster);
        }
        fl_finish(w, event->tag, FL_TIMED_OUT, deadline);
    } else {
        fl_finish(w, event->tag, seen > w->end_ns ? FL_IN_FLIGHT : FL_COMPLETED, seen);
    }
}

void fl_engine_says(fl_world *w, uint32_t replica, const mdl_event *event)
{
    fl_request *q = &w->requests[event->tag];

    if (q->state == FL_RQ_ABANDONED) {
        abandoned_says(w, replica, event);
        return;
    }
    FL_CHECK(w, q->state == FL_RQ_RUNNING && q->place.at.replica == replica);
    if (event->kind == MDL_FIRST) {
        first_token(w, replica, event);
    } else if (event->kind == MDL_DONE) {
        last_token(w, replica, event);
    } else if ((q->flags & FL_RQ_STARTED) == 0) {
        q->flags |= FL_RQ_STARTED;
        q->started_ns = event->at_ns;
        w->services[q->service].waiting--;
    }
}

void fl_requests_close(fl_world *w)
{
    fl_replicas_hear(w);
    for (uint32_t i = 0; i < w->request_cap; i++) {
        if (w->requests[i].state != FL_RQ_FREE && w->requests[i].state != FL_RQ_GHOST &&
            w->requests[i].state != FL_RQ_ABANDONED) {
            fl_finish(w, i, FL_IN_FLIGHT, w->end_ns);
        }
    }
}
