/* SPDX-License-Identifier: GPL-3.0-or-later */
/* edit.c - see edit.h. */
#include "sim/trace/edit.h"

#include <math.h>
#include <stdlib.h>

#include "models/random/variates.h"
#include "sim/scenario/csvfile.h"
#include "sim/scenario/hash.h"

#define TIME_MAX (INT64_C(1) << 62)

typedef struct pile {
    trace_request *at;
    size_t count, capacity;
    bool too_late; /* a request would leave the range of times */
} pile;

static bool put(pile *p, const trace_request *q)
{
    if (p->count == p->capacity) {
        const size_t capacity = p->capacity == 0 ? 4096 : 2 * p->capacity;
        trace_request *more = capacity < SIZE_MAX / sizeof *more ? realloc(p->at, capacity * sizeof *more) : NULL;
        if (more == NULL) {
            return false;
        }
        p->at = more;
        p->capacity = capacity;
    }
    p->at[p->count++] = *q;
    return true;
}

/* A request that comes by_ns later. */
static bool put_later(pile *p, trace_request q, int64_t by_ns)
{
    p->too_late = __builtin_add_overflow(q.at_ns, by_ns, &q.at_ns);
    return !p->too_late && put(p, &q);
}

static unsigned columns_of(const mdl_trace *c)
{
    return (c->session != NULL ? TRACE_SESSION : 0u) | (c->prefix_tokens != NULL ? TRACE_PREFIX : 0u) |
           (c->priority != NULL ? TRACE_PRIORITY : 0u) | (c->chain_end != NULL ? TRACE_BLOCKS : 0u);
}

static trace_request request_at(const trace *t, size_t i)
{
    const mdl_trace *c = trace_columns(t);
    const int64_t begin = c->chain_end != NULL && i > 0 ? c->chain_end[i - 1] : 0;
    return (trace_request){.at_ns = trace_first_ns(t) + c->at_ns[i],
                           .session = c->session != NULL ? c->session[i] : -1,
                           .input = c->input_tokens[i],
                           .output = c->output_tokens[i],
                           .prefix = c->prefix_tokens != NULL ? c->prefix_tokens[i] : 0,
                           .priority = c->priority != NULL ? c->priority[i] : 0,
                           .chain = c->chain_end != NULL ? c->chain + begin : NULL,
                           .chain_count = c->chain_end != NULL ? (int32_t)(c->chain_end[i] - begin) : 0};
}

/* The trace of a pile, which is freed. */
static trace *made(pile *p, bool whole, unsigned columns, bool clock, const char *name, char *err, size_t err_size)
{
    csv_message message = {err, err_size};
    trace *t = NULL;
    if (p->too_late) {
        csv_fail_at(name, 0, 0, &message, "a request would come after 2^63 ns, the last time there is");
    } else if (!whole) {
        csv_fail_at(name, 0, 0, &message, "out of memory");
    } else if (p->count == 0) {
        csv_fail_at(name, 0, 0, &message, "no request is left");
    } else {
        t = trace_of(name, p->at, p->count, columns, clock, err, err_size);
    }
    free(p->at);
    return t;
}

trace *edit_slice(const trace *t, int64_t from_ns, int64_t to_ns, const char *name, char *err, size_t err_size)
{
    const mdl_trace *c = trace_columns(t);
    pile p = {.at = NULL};
    bool ok = true;
    for (size_t i = 0; ok && i < c->count; i++) {
        const trace_request q = request_at(t, i);
        ok = c->at_ns[i] < from_ns || c->at_ns[i] >= to_ns || put(&p, &q);
    }
    return made(&p, ok, columns_of(c), trace_about(t)->clock, name, err, err_size);
}

trace *edit_scale(const trace *t, double factor, int64_t jitter_ns, gsl_rng *r, const char *name, char *err,
                  size_t err_size)
{
    const mdl_trace *c = trace_columns(t);
    const double whole = floor(factor);
    pile p = {.at = NULL};
    bool ok = true;
    for (size_t i = 0; ok && i < c->count; i++) {
        const trace_request q = request_at(t, i);
        const double copies = whole + (mdl_ran_uniform_pos(r) < factor - whole ? 1.0 : 0.0);
        for (double n = 0.0; ok && n < copies; n += 1.0) {
            const bool moved = n > 0.0 && jitter_ns > 0;
            ok = put_later(&p, q, moved ? (int64_t)(mdl_ran_uniform_pos(r) * (double)jitter_ns) : 0);
        }
    }
    return made(&p, ok, columns_of(c), trace_about(t)->clock, name, err, err_size);
}

trace *edit_shift(const trace *t, int64_t by_ns, const char *name, char *err, size_t err_size)
{
    csv_message message = {err, err_size};
    const mdl_trace *c = trace_columns(t);
    int64_t first = 0;
    if (__builtin_add_overflow(trace_first_ns(t), by_ns, &first) || first < 0 || first > TIME_MAX) {
        csv_fail_at(name, 0, 0, &message, "shifted so far, the first request comes before time 0 or after 2^62 ns");
        return NULL;
    }
    pile p = {.at = NULL};
    bool ok = true;
    for (size_t i = 0; ok && i < c->count; i++) {
        ok = put_later(&p, request_at(t, i), by_ns);
    }
    return made(&p, ok, columns_of(c), trace_about(t)->clock, name, err, err_size);
}

/* Session or block s of trace i among `count`. */
static int64_t apart(int64_t s, size_t i, size_t count)
{
    int64_t number = 0;
    if (s < 0) {
        return -1;
    }
    if (!__builtin_mul_overflow(s, (int64_t)count, &number) && number <= INT64_MAX - (int64_t)i) {
        return number + (int64_t)i;
    }
    const uint64_t both = hash_bytes(hash_bytes(HASH_START, &s, sizeof s), &i, sizeof i);
    return (int64_t)(both & (uint64_t)INT64_MAX);
}

/* Takes the requests of trace f among `count`; their blocks get ids of their own in chain, room for all of them. */
static bool put_all(pile *p, const trace *t, size_t f, size_t count, int64_t move, int64_t *chain)
{
    bool ok = true;
    for (size_t i = 0; ok && i < trace_columns(t)->count; i++) {
        trace_request q = request_at(t, i);
        q.session = apart(q.session, f, count);
        for (int32_t k = 0; k < q.chain_count; k++) {
            chain[k] = apart(q.chain[k], f, count);
        }
        q.chain = chain;
        chain += q.chain_count;
        ok = put_later(p, q, move);
    }
    return ok;
}

static size_t blocks_of(const trace *t)
{
    const mdl_trace *c = trace_columns(t);
    return c->chain_end != NULL ? (size_t)c->chain_end[c->count - 1] : 0;
}

/* Whether the clocks of all can be taken as one. False with a message. */
static bool one_clock(const trace *const *traces, size_t count, const char *const *names, csv_message *message)
{
    const bool clock = trace_about(traces[0])->clock;
    for (size_t f = 1; f < count; f++) {
        if (trace_about(traces[f])->clock != clock) {
            return csv_fail_at(names[f], 0, 0, message,
                               "its times are %s a calendar, those of %.300s are%s: --aligned lets all begin at once",
                               clock ? "not of" : "of", names[0], clock ? "" : " not");
        }
    }
    return true;
}

trace *edit_mix(const trace *const *traces, size_t count, bool aligned, const char *const *names, char *err,
                size_t err_size)
{
    csv_message message = {err, err_size};
    pile p = {.at = NULL};
    unsigned columns = 0;
    size_t f = 0;
    size_t blocks = 0;
    if (!aligned && !one_clock(traces, count, names, &message)) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        columns |= columns_of(trace_columns(traces[i]));
        blocks += blocks_of(traces[i]);
    }
    int64_t *chain = malloc((blocks + 1) * sizeof *chain);
    int64_t *next = chain;
    bool ok = chain != NULL;
    for (; ok && f < count; f++) {
        const int64_t move = aligned ? trace_first_ns(traces[0]) - trace_first_ns(traces[f]) : 0;
        ok = put_all(&p, traces[f], f, count, move, next);
        next += blocks_of(traces[f]);
    }
    trace *mixed = made(&p, ok, columns, trace_about(traces[0])->clock, names[ok || f == 0 ? 0 : f - 1], err, err_size);
    free(chain);
    return mixed;
}
