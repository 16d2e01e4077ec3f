/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sessions.c - conversations under way: the next turn of each, by (time, conversation).
 *
 * A calendar (Brown 1988) with spans of fixed width, the open one in a heap. Invariants: soon holds what is due before
 * open_ns, a bucket what is due in its span of the SESSIONS_BUCKETS from open_ns on, later the rest; soon is empty only
 * if nothing waits.
 */
#include "models/traffic/arrivals_int.h"

#include <stdlib.h>

#define CAP_START 64u
#define CAP_MAX   (UINT32_C(1) << 30)
#define SPAN_NS   (SESSIONS_BUCKETS * SESSIONS_WIDTH_NS)

static bool before(const sessions_wait *a, const sessions_wait *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->session < b->session;
}

static void heap_push(sessions_wait *heap, size_t *count, const sessions_wait *wait)
{
    size_t at = (*count)++;
    while (at > 0 && before(wait, &heap[(at - 1) / 2])) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = *wait;
}

static uint32_t heap_pop(sessions_wait *heap, size_t *count)
{
    const uint32_t top = heap[0].turn;
    const sessions_wait last = heap[--*count];
    size_t at = 0;
    for (size_t child = 1; child < *count; child = 2 * at + 1) {
        if (child + 1 < *count && before(&heap[child + 1], &heap[child])) {
            child++;
        }
        if (!before(&heap[child], &last)) {
            break;
        }
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = last;
    return top;
}

static bool grown(void **rows, uint32_t cap, size_t row_size)
{
    void *more = realloc(*rows, cap * row_size);
    *rows = more != NULL ? more : *rows;
    return more != NULL;
}

/* A row for one more turn, and room in every order for it. */
static bool room(sessions *s)
{
    if (s->unused != 0) {
        return true;
    }
    const uint32_t cap = s->cap > 0 ? 2 * s->cap : CAP_START;
    void *turns = s->turns, *next = s->next, *soon = s->soon, *later = s->later;
    const bool ok = cap <= CAP_MAX && grown(&turns, cap, sizeof *s->turns) && grown(&next, cap, sizeof *s->next) &&
                    grown(&soon, cap, sizeof *s->soon) && grown(&later, cap, sizeof *s->later);
    s->turns = turns;
    s->next = next;
    s->soon = soon;
    s->later = later;
    for (uint32_t i = cap; ok && i-- > s->cap;) {
        s->next[i] = s->unused;
        s->unused = i + 1;
    }
    s->cap = ok ? cap : s->cap;
    return ok;
}

void sessions_fini(sessions *s)
{
    free(s->turns);
    free(s->next);
    free(s->soon);
    free(s->later);
}

static uint32_t *bucket_of(sessions *s, uint64_t at_ns)
{
    return &s->bucket[at_ns / SESSIONS_WIDTH_NS % SESSIONS_BUCKETS];
}

/* Into the order; its row is filled. */
static void file(sessions *s, uint32_t row)
{
    const sessions_wait wait = {.at_ns = s->turns[row].at_ns, .session = s->turns[row].session, .turn = row};
    const uint64_t at_ns = (uint64_t)wait.at_ns;
    if (at_ns < s->open_ns) {
        heap_push(s->soon, &s->soon_count, &wait);
    } else if (at_ns - s->open_ns < SPAN_NS) {
        uint32_t *bucket = bucket_of(s, at_ns);
        s->next[row] = *bucket;
        *bucket = row + 1;
        s->listed++;
    } else {
        heap_push(s->later, &s->later_count, &wait);
    }
}

/* Those of the span that opens next, for they lie anywhere. */
static void ask_for_turns(const sessions *s, uint32_t row)
{
    for (; row != 0; row = s->next[row - 1]) {
        __builtin_prefetch(&s->turns[row - 1]);
    }
}

/* Opens spans until the earliest turn stands in soon. */
static void open_spans(sessions *s)
{
    while (s->soon_count == 0 && s->listed + s->later_count > 0) {
        if (s->listed == 0) { /* over all that is empty at once */
            s->open_ns = (uint64_t)s->later[0].at_ns / SESSIONS_WIDTH_NS * SESSIONS_WIDTH_NS;
        }
        while (s->later_count > 0 && (uint64_t)s->later[0].at_ns - s->open_ns < SPAN_NS) {
            file(s, heap_pop(s->later, &s->later_count));
        }
        uint32_t *bucket = bucket_of(s, s->open_ns);
        uint32_t row = *bucket;
        *bucket = 0;
        s->open_ns += SESSIONS_WIDTH_NS;
        ask_for_turns(s, *bucket_of(s, s->open_ns));
        for (; row != 0; s->listed--) {
            const uint32_t next = s->next[row - 1];
            file(s, row - 1);
            row = next;
        }
    }
}

static void push(sessions *s, const sessions_turn *turn)
{
    const uint32_t row = s->unused - 1;
    s->unused = s->next[row];
    s->turns[row] = *turn;
    file(s, row);
    open_spans(s);
}

static sessions_turn pop(sessions *s)
{
    const uint32_t row = heap_pop(s->soon, &s->soon_count);
    s->next[row] = s->unused;
    s->unused = row + 1;
    open_spans(s);
    return s->turns[row];
}

/* Tokens fit one request: as many as the model holds, and an int32_t. */
static bool fits(const mdl_sessions *spec, int64_t tokens)
{
    return tokens <= (spec->max_context > 0 ? spec->max_context : INT32_MAX);
}

/* After `t`: its next turn waits, if there is one, to be sent a think time after from_ns. False: no memory. */
static bool go_on(sessions *s, const sessions_turn *t, int64_t from_ns)
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
    if (!fits(spec, context + fresh + output) || think_ns > ARRIVALS_NEVER - 1 - from_ns) {
        return true;
    }
    if (!room(s)) {
        return false;
    }
    push(s, &(sessions_turn){.at_ns = from_ns + think_ns,
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
                         .turns = t->turns,
                         .shared_tokens = s->spec->system_tokens,
                         .prefix_tokens = t->before,
                         .prefix_key = s->spec->key + (uint64_t)t->session,
                         .input = t->input,
                         .output = t->output};
    return s->spec->answered || go_on(s, t, t->at_ns) ? t->at_ns : -1;
}

static sessions_turn turn_of(const mdl_arrival *sent)
{
    return (sessions_turn){.at_ns = sent->at_ns,
                           .session = sent->session,
                           .turn = sent->turn,
                           .turns = sent->turns,
                           .input = sent->input,
                           .output = sent->output,
                           .before = sent->prefix_tokens};
}

bool sessions_answered(sessions *s, const mdl_arrival *turn, int64_t at_ns)
{
    const sessions_turn t = turn_of(turn);
    return go_on(s, &t, at_ns);
}

bool sessions_put_back(sessions *s, const mdl_arrival *turn)
{
    const sessions_turn t = turn_of(turn);
    if (!room(s)) {
        return false;
    }
    push(s, &t);
    return true;
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
