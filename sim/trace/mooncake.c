/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mooncake.c - the traces of github.com/kvcache-ai/Mooncake (FAST'25): one JSON object a line, with timestamp (ms),
 * input_length, output_length (tokens) and hash_ids, one for each block of 512 input tokens.
 *
 * Equal ids mean the same tokens from the beginning on, so KV that can be used again. What a request can use of an
 * unlimited cache is the longest run of leading blocks that earlier requests had; its prefix is that many times 512
 * tokens, at most its input. Requests of the published trace come in groups some 3 s apart, which is an artefact of
 * publication: trace_options.spread_ns takes it out.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "sim/trace/build.h"

#define SET_FIRST 4096

/* Block ids seen so far: open addressing, at most half full. */
typedef struct id_set {
    int64_t *slots; /* -1 = free */
    size_t size, used;
} id_set;

static size_t slot_of(const id_set *s, int64_t id)
{
    uint64_t mixed = (uint64_t)id * UINT64_C(0x9e3779b97f4a7c15);
    size_t at = (size_t)(mixed >> 32) & (s->size - 1);
    while (s->slots[at] != -1 && s->slots[at] != id) {
        at = (at + 1) & (s->size - 1);
    }
    return at;
}

static bool enlarge(id_set *s)
{
    id_set more = {.size = s->size == 0 ? SET_FIRST : 2 * s->size};
    more.slots = malloc(more.size * sizeof *more.slots);
    if (more.slots == NULL) {
        return false;
    }
    memset(more.slots, 0xff, more.size * sizeof *more.slots);
    for (size_t i = 0; i < s->size; i++) {
        if (s->slots[i] != -1) {
            more.slots[slot_of(&more, s->slots[i])] = s->slots[i];
        }
    }
    more.used = s->used;
    free(s->slots);
    *s = more;
    return true;
}

static bool has_id(const id_set *s, int64_t id)
{
    return s->size > 0 && s->slots[slot_of(s, id)] == id;
}

static bool add_id(id_set *s, int64_t id)
{
    if (2 * s->used >= s->size && !enlarge(s)) {
        return false;
    }
    const size_t at = slot_of(s, id);
    s->used += s->slots[at] == -1;
    s->slots[at] = id;
    return true;
}

static bool is_mooncake(const trace_head *head)
{
    return head_mentions(head, "\"input_length\"") && head_mentions(head, "\"output_length\"");
}

/* Blocks of one request. */
typedef struct id_row {
    int64_t *at; /* [capacity] */
    size_t capacity;
} id_row;

static bool widen_row(id_row *row, size_t count)
{
    if (count <= row->capacity) {
        return true;
    }
    int64_t *more = realloc(row->at, 2 * count * sizeof *more);
    if (more == NULL) {
        return false;
    }
    row->at = more;
    row->capacity = 2 * count;
    return true;
}

/* Takes the blocks over, counts the leading ones seen before, then remembers them all. @return what is wrong, or NULL
 */
static const char *take_blocks(const json_t *ids, id_row *row, id_set *seen, trace_facts *facts, int64_t *found)
{
    const size_t count = json_array_size(ids);
    bool leading = true;
    *found = 0;
    if (!widen_row(row, count)) {
        return "out of memory";
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *id = json_array_get(ids, i);
        if (!json_is_integer(id) || json_integer_value(id) < 0) {
            return "hash_ids must be whole numbers, 0 or more";
        }
        row->at[i] = json_integer_value(id);
        leading = leading && has_id(seen, row->at[i]);
        *found += leading;
    }
    for (size_t i = 0; i < count; i++) {
        if (!add_id(seen, row->at[i])) {
            return "out of memory";
        }
    }
    facts->blocks += (int64_t)count;
    facts->blocks_found += *found;
    facts->blocks_distinct = (int64_t)seen->used;
    return NULL;
}

#define REQUIRED "timestamp (ms, a number), input_length and output_length (whole numbers) are required"

/* @return what is wrong with the time of a line, or NULL */
static const char *take_time(const json_t *line, int64_t *at_ns)
{
    const json_t *at = json_object_get(line, "timestamp");
    const double at_ms = json_number_value(at);
    if (!json_is_number(at)) {
        return REQUIRED;
    }
    if (!(at_ms >= 0.0 && at_ms < 9e12)) {
        return "timestamp must be from 0 to 9e12 ms";
    }
    *at_ns = json_is_integer(at) ? (int64_t)json_integer_value(at) * 1000000 : (int64_t)(at_ms * 1e6 + 0.5);
    return NULL;
}

/* @return what is wrong with a line, or NULL */
static const char *take_line(trace_build *b, const json_t *line, size_t number, id_row *row, id_set *seen)
{
    const json_t *input = json_object_get(line, "input_length");
    const json_t *output = json_object_get(line, "output_length");
    const json_t *ids = json_object_get(line, "hash_ids");
    trace_request q = {.session = -1};
    const char *problem = take_time(line, &q.at_ns);
    if (problem != NULL) {
        return problem;
    }
    if (!json_is_integer(input) || !json_is_integer(output)) {
        return REQUIRED;
    }
    if (ids != NULL && !json_is_array(ids)) {
        return "hash_ids must be an array";
    }
    int64_t found = 0;
    problem = take_blocks(ids, row, seen, &b->t->facts, &found);
    if (problem != NULL) {
        return problem;
    }
    q.input = json_integer_value(input);
    q.output = json_integer_value(output);
    q.prefix = found * TRACE_BLOCK_TOKENS < q.input ? found * TRACE_BLOCK_TOKENS : q.input;
    q.prefix = q.prefix > 0 ? q.prefix : 0;
    q.chain = row->at;
    q.chain_count = (int32_t)json_array_size(ids);
    return build_add(b, &q, number) == BUILD_FINE ? NULL : b->words;
}

/* A line of the file. */
typedef struct place {
    const char *text;
    size_t size, number;
    int64_t at_ns;
} place;

typedef struct reading {
    trace_build *b;
    const char *path;
    csv_message *message;
    id_set seen;
    id_row row;
    place *places; /* [count] to be put in order first */
    size_t count, capacity;
} reading;

static bool keep(reading *g, const place *p)
{
    if (g->count == g->capacity) {
        const size_t capacity = g->capacity == 0 ? SET_FIRST : 2 * g->capacity;
        place *more = realloc(g->places, capacity * sizeof *more);
        if (more == NULL) {
            return false;
        }
        g->places = more;
        g->capacity = capacity;
    }
    g->places[g->count++] = *p;
    return true;
}

/* Takes a line, or keeps it with its time for later. */
static bool on_line(reading *g, place *p, bool later)
{
    json_error_t where;
    json_t *line = json_loadb(p->text, p->size, JSON_REJECT_DUPLICATES, &where);
    const size_t column = line == NULL && where.column > 0 ? (size_t)where.column : 1;
    const char *problem = line == NULL ? where.text
                          : later      ? take_time(line, &p->at_ns)
                                       : take_line(g->b, line, p->number, &g->row, &g->seen);
    if (problem == NULL && later && !keep(g, p)) {
        problem = "out of memory";
    }
    const bool ok = problem == NULL || csv_fail_at(g->path, p->number, column, g->message, "%s", problem);
    json_decref(line);
    return ok;
}

static int by_time(const void *a, const void *b)
{
    const place *x = a;
    const place *y = b;
    if (x->at_ns != y->at_ns) {
        return x->at_ns < y->at_ns ? -1 : 1;
    }
    return (x->number > y->number) - (x->number < y->number);
}

/* Lines in any order are put in order before any is taken: which blocks a request finds depends on who came before. */
static bool read_mooncake(trace_build *b, const char *path, const csv_bytes *text, csv_message *message)
{
    reading g = {.b = b, .path = path, .message = message};
    bool ok = true;
    const char *end = text->data + text->size;
    size_t number = 0;
    b->optional = TRACE_PREFIX | TRACE_BLOCKS;
    b->t->facts.has_input = b->t->facts.has_output = true;
    for (const char *at = text->data; ok && at < end;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const size_t size = newline != NULL ? (size_t)(newline - at) : (size_t)(end - at);
        place p = {.text = at, .size = size, .number = ++number};
        ok = strspn(at, " \t\r") >= size || on_line(&g, &p, b->options->sort);
        at += size + (newline != NULL);
    }
    if (ok && g.count > 0) {
        qsort(g.places, g.count, sizeof *g.places, by_time);
    }
    for (size_t i = 0; ok && i < g.count; i++) {
        ok = on_line(&g, &g.places[i], false);
    }
    free(g.seen.slots);
    free(g.row.at);
    free(g.places);
    return ok;
}

const trace_reader trace_mooncake = {
    .name = "mooncake",
    .help = "JSON lines: timestamp,input_length,output_length[,hash_ids]; times in groups 3 s apart: see --spread",
    .is = is_mooncake,
    .read = read_mooncake};
