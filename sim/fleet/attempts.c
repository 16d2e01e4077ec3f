/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * attempts.c - a request as its client and its gateway see it: admitted or shed, tried again after a back-off.
 *
 * A request is one for the books however often it is tried: it is offered once and ends once; attempts are counted
 * beside it. TTFT, E2E and queue count from the first sending: TTFT to the first token that the user saw, be it of an
 * attempt that came to nothing later, E2E to the end of the answer; back-offs are part of them. TPOT is of the attempt
 * that answered, from its own first token. An attempt ends by a rejection or by its own time-out; the request's
 * deadline never moves. Attempts of a service have one constant time-out, so their order of beginning is the order of
 * their deadlines, and one event is enough. A time-out leaves behind what cannot be called back: a request on a wire,
 * and, where the server does not notice that its client has gone, the work in the engine. Such a rest keeps the old
 * record; the request goes on in a new one.
 *
 * What is known of attempts stands in w->beside, where w->has_tries: where a service retries.
 */
#include "sim/fleet/world.h"

static bool retries(const fl_service *s)
{
    return s->sc->retry.attempts > 1;
}

/* Whether an attempt that begins now can time out before the run ends. */
static bool has_deadline(const fl_world *w, const fl_service *s)
{
    return retries(s) && s->sc->retry.attempt_timeout_ns <= w->end_ns - w->now;
}

static void attempt_append(fl_world *w, uint32_t request)
{
    fl_service *s = &w->services[w->requests[request].service];
    fl_try *t = &w->beside[request].attempt;

    t->begin_ns = w->now;
    t->seat = fl_order_add(w, &s->attempts, request);
    if (evq_time(w->queue, s->attempt_slot) == EVQ_NEVER) {
        evq_set(w->queue, s->attempt_slot, w->now + s->sc->retry.attempt_timeout_ns, EVQ_TIMEOUT);
    }
}

/* The attempt under way is over, by whatever way. */
static void attempt_leave(fl_world *w, uint32_t request)
{
    fl_request *q = &w->requests[request];
    fl_service *s = &w->services[q->service];

    if ((q->flags & FL_RQ_INSIDE) != 0) {
        q->flags &= (uint8_t)~FL_RQ_INSIDE;
        s->inside--;
    }
    if (w->has_tries && w->beside[request].attempt.seat != FL_NONE) {
        fl_order_take(&s->attempts, w->beside[request].attempt.seat);
        w->beside[request].attempt.seat = FL_NONE;
    }
}

static bool admitted(fl_world *w, fl_service *s, uint32_t request)
{
    const sc_admission *a = &s->sc->admission;

    if (a->per_replica > 0) {
        const bool urgent = !w->has_talks || w->beside[request].talk.priority <= s->urgent;
        const double open = urgent ? a->per_replica : a->per_replica * (1.0 - a->reserved);

        if ((double)s->inside >= open * s->ready_total) {
            return false;
        }
    }
    return a->rate_per_s <= 0 || mdl_bucket_take(&s->admission, w->now);
}

void fl_attempt(fl_world *w, uint32_t request)
{
    fl_request *q = &w->requests[request];
    fl_service *s = &w->services[q->service];
    res_attempts *out = &w->run->services[q->service].attempts;
    const uint64_t one = (q->flags & FL_RQ_COUNTED) != 0 ? 1 : 0;

    out->sent += one;
    if (w->has_tries && w->beside[request].attempt.number == 0) {
        mdl_budget_earn(&s->budget);
    }
    if (!admitted(w, s, request)) {
        out->shed += one;
        fl_note_shed(w, q);
        fl_finish(w, request, FL_REJECTED, w->now);
        return;
    }
    q->flags |= FL_RQ_INSIDE;
    s->inside++;
    if (has_deadline(w, s)) {
        attempt_append(w, request);
    }
    fl_route(w, request, FL_NONE);
}

/* Whether the client may try again after an attempt that ended at at_ns; pays for it. */
static bool granted(fl_world *w, fl_service *s, const fl_request *q, const fl_try *t, int64_t at_ns, int64_t *due_ns)
{
    const mdl_retry *retry = &s->sc->retry;
    const int64_t deadline = s->sc->timeout_ns < FL_NEVER - q->sent_ns ? q->sent_ns + s->sc->timeout_ns : FL_NEVER;

    if (at_ns >= deadline || t->number + 1 >= retry->attempts) {
        return false;
    }
    *due_ns = at_ns + mdl_backoff_ns(retry, t->number + 1, s->retry_rng);
    if (*due_ns >= deadline) {
        return false;
    }
    if (!mdl_budget_pay(&s->budget)) {
        w->run->services[q->service].attempts.denied += (q->flags & FL_RQ_COUNTED) != 0 ? 1 : 0;
        return false;
    }
    return true;
}

int64_t fl_attempt_deadline(const fl_world *w, uint32_t request)
{
    const fl_try *t = &w->beside[request].attempt;

    return t->seat != FL_NONE ? t->begin_ns + w->services[w->requests[request].service].sc->retry.attempt_timeout_ns
                              : FL_NEVER;
}

/* After an attempt that was rejected or timed out: whether another one will follow. */
__attribute__((noinline)) static bool tries_again(fl_world *w, uint32_t request, fl_outcome outcome, int64_t at_ns)
{
    fl_request *q = &w->requests[request];
    fl_service *s = &w->services[q->service];
    res_attempts *out = &w->run->services[q->service].attempts;
    const uint64_t one = (q->flags & FL_RQ_COUNTED) != 0 ? 1 : 0;
    int64_t due_ns = 0;
    uint32_t slot;

    out->rejected += outcome == FL_REJECTED ? one : 0;
    out->timed_out += outcome == FL_TIMED_OUT ? one : 0;
    if (!retries(s) || !granted(w, s, q, &w->beside[request].attempt, at_ns, &due_ns)) {
        return false;
    }
    slot = fl_slot_new(w, FL_OWNER_RETRY, request);
    if (slot == FL_NONE) {
        return false;
    }
    if ((q->flags & FL_RQ_STARTED) != 0) {
        q->flags &= (uint8_t)~FL_RQ_STARTED;
        s->waiting++;
    }
    q->state = FL_RQ_BACKOFF;
    q->place.slot = slot;
    evq_set(w->queue, slot, due_ns, EVQ_ARRIVAL);
    return true;
}

bool fl_attempt_end(fl_world *w, uint32_t request, fl_outcome outcome, int64_t at_ns)
{
    attempt_leave(w, request);
    return outcome != FL_COMPLETED && outcome != FL_IN_FLIGHT && tries_again(w, request, outcome, at_ns);
}

static void backoff_end(fl_world *w, uint32_t request)
{
    fl_request *q = &w->requests[request];

    evq_slot_remove(w->queue, q->place.slot);
    q->place.refused = 0;
    q->state = FL_RQ_FREE; /* in hand */
}

void fl_retry_event(fl_world *w, uint32_t request)
{
    backoff_end(w, request);
    w->beside[request].attempt.number++;
    w->beside[request].attempt.first_ns = (w->requests[request].flags & FL_RQ_FIRST) != 0 ? FL_NEVER : -1;
    fl_attempt(w, request);
}

/* The request moves to a new record, in hand; the old one keeps what was left behind. FL_NONE = no memory. */
static uint32_t leave_behind(fl_world *w, uint32_t request)
{
    uint32_t fresh = fl_request_new(w);
    fl_request *q;

    if (fresh == FL_NONE) {
        return FL_NONE;
    }
    q = &w->requests[fresh];
    *q = w->requests[request];
    q->state = FL_RQ_FREE;
    w->beside[fresh] = w->beside[request];
    if (w->numbers != NULL) {
        w->numbers[fresh] = w->numbers[request];
    }
    if (q->seat != FL_NONE) {
        fl_order_move(&w->services[q->service].deadlines, q->seat, fresh);
    }
    w->requests[request].state =
        w->requests[request].state == FL_RQ_FLYING ? (uint8_t)FL_RQ_GHOST : (uint8_t)FL_RQ_ABANDONED;
    return fresh;
}

uint32_t fl_give_up(fl_world *w, uint32_t request)
{
    fl_request *q = &w->requests[request];
    const fl_service *s = &w->services[q->service];

    attempt_leave(w, request);
    switch ((fl_rq_state)q->state) {
    case FL_RQ_BACKOFF:
        backoff_end(w, request);
        return request;
    case FL_RQ_GATEWAY:
        fl_gate_unlink(w, request);
        q->state = FL_RQ_FREE;
        return request;
    case FL_RQ_FLYING:
        return leave_behind(w, request);
    case FL_RQ_RUNNING:
        if (!fl_notices(s)) {
            fl_replica_hear(w, q->place.at.replica); /* that its work has begun, before another record stands for it */
            fl_ways_abandoned(w, q);
            return leave_behind(w, request);
        }
        fl_cancel(w, request);
        return request;
    case FL_RQ_FREE:
    case FL_RQ_GHOST:
    case FL_RQ_ABANDONED:
        break;
    }
    FL_CHECK(w, q->state != FL_RQ_FREE && q->state != FL_RQ_GHOST && q->state != FL_RQ_ABANDONED);
    return FL_NONE;
}

void fl_attempt_event(fl_world *w, uint32_t service)
{
    fl_service *s = &w->services[service];
    const int64_t limit_ns = s->sc->retry.attempt_timeout_ns;
    uint32_t request;

    while ((request = fl_order_first(&s->attempts)) != FL_NONE &&
           w->beside[request].attempt.begin_ns + limit_ns <= w->now) {
        if (fl_engine_due(w, request)) {
            continue; /* it may have ended this very request */
        }
        request = fl_give_up(w, request);
        if (request == FL_NONE) {
            return;
        }
        fl_finish(w, request, FL_TIMED_OUT, w->now);
    }
    evq_set(w->queue, s->attempt_slot, request == FL_NONE ? FL_NEVER : w->beside[request].attempt.begin_ns + limit_ns,
            EVQ_TIMEOUT);
}
