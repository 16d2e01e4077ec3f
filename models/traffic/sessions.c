/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sessions.c - conversations under way: a heap of the next turn of each, by (time, conversation). */
#include "models/traffic/arrivals_int.h"

#include <stdlib.h>

static bool before(const sessions_turn *a, const sessions_turn *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->session < b->session;
}

static bool room(sessions *s)
{
    if (s->count < s->cap) {
        return true;
    }
    const size_t cap = s->cap > 0 ? 2 * s->cap : 64;
    sessions_turn *heap = realloc(s->heap, cap * sizeof *heap);
    if (heap != NULL) {
        s->heap = heap;
        s->cap = cap;
    }
    return heap != NULL;
}

static void push(sessions *s, const sessions_turn *turn)
{
    size_t at = s->count++;
    while (at > 0 && before(turn, &s->heap[(at - 1) / 2])) {
        s->heap[at] = s->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    s->heap[at] = *turn;
}

static sessions_turn pop(sessions *s)
{
    const sessions_turn top = s->heap[0];
    const sessions_turn last = s->heap[--s->count];
    size_t at = 0;
    for (size_t child = 1; child < s->count; child = 2 * at + 1) {
        if (child + 1 < s->count && before(&s->heap[child + 1], &s->heap[child])) {
            child++;
        }
        if (!before(&s->heap[child], &last)) {
            break;
        }
        s->heap[at] = s->heap[child];
        at = child;
    }
    s->heap[at] = last;
    return top;
}

/* Tokens fit one request: as many as the model holds, and an int32_t. */
static bool fits(const mdl_sessions *spec, int64_t tokens)
{
    return tokens <= (spec->max_context > 0 ? spec->max_context : INT32_MAX);
}

/* After `t` has been sent: its next turn waits, if there is one. False: no memory. */
static bool go_on(sessions *s, const sessions_turn *t)
{
    const mdl_sessions *spec = s->spec;
    if (t->turn + 1 >= t->turns) {
        return true;
    }
    gsl_rng *r = spec->luck(spec->luck_self, (uint64_t)t->session, t->turn + 1);
    int32_t fresh, output;
    mdl_lengths_draw(spec->lengths, r, &fresh, &output);
    const int64_t context = (int64_t)t->input + t->output;
    const int64_t think_ns = mdl_service_draw(&spec->think, r);
    if (!fits(spec, context + fresh + output) || think_ns > ARRIVALS_NEVER - 1 - t->at_ns) {
        return true;
    }
    if (!room(s)) {
        return false;
    }
    push(s, &(sessions_turn){.at_ns = t->at_ns + think_ns,
                             .session = t->session,
                             .turn = t->turn + 1,
                             .turns = t->turns,
                             .input = (int32_t)context + fresh,
                             .output = output,
                             .before = (int32_t)context});
    return true;
}

static int64_t send(sessions *s, const sessions_turn *t, mdl_arrival *out)
{
    *out = (mdl_arrival){.at_ns = t->at_ns,
                         .row = SIZE_MAX,
                         .session = t->session,
                         .turn = t->turn,
                         .shared_tokens = s->spec->system_tokens,
                         .prefix_tokens = t->before,
                         .prefix_key = s->spec->key + (uint64_t)t->session,
                         .input = t->input,
                         .output = t->output};
    return go_on(s, t) ? t->at_ns : -1;
}

int64_t sessions_begin(sessions *s, int64_t at_ns, mdl_arrival *out)
{
    const mdl_sessions *spec = s->spec;
    gsl_rng *r = spec->luck(spec->luck_self, (uint64_t)s->begun, 0);
    sessions_turn t = {.at_ns = at_ns, .session = s->begun++};
    t.turns = mdl_length_draw(&spec->turns, r);
    mdl_lengths_draw(spec->lengths, r, &t.input, &t.output);
    t.input = spec->system_tokens > INT32_MAX - t.input ? INT32_MAX : t.input + spec->system_tokens;
    return send(s, &t, out);
}

int64_t sessions_go_on(sessions *s, mdl_arrival *out)
{
    const sessions_turn t = pop(s);
    return send(s, &t, out);
}
