/* SPDX-License-Identifier: GPL-3.0-or-later */
/* build.c - a trace grows request by request, and is put in order at the end. */
#include "sim/trace/build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MAX   (SIZE_MAX / 64)
#define ROWS_FIRST 4096

/* realloc, with the old block kept where there is no memory. */
static bool widen(void *pointer, size_t count, size_t width)
{
    void *old;
    memcpy(&old, pointer, sizeof old);
    void *more = realloc(old, count * width);
    if (more != NULL) {
        memcpy(pointer, &more, sizeof more);
    }
    return more != NULL;
}

static bool grow(trace_build *b)
{
    trace *t = b->t;
    if (t->columns.count < t->capacity) {
        return true;
    }
    const size_t rows = t->capacity == 0 ? ROWS_FIRST : t->capacity * 2;
    if (rows > ROWS_MAX || !widen(&t->at_ns, rows, sizeof *t->at_ns) || !widen(&t->input, rows, sizeof *t->input) ||
        !widen(&t->output, rows, sizeof *t->output)) {
        return false;
    }
    if (((b->optional & TRACE_SESSION) != 0 && !widen(&t->session, rows, sizeof *t->session)) ||
        ((b->optional & TRACE_PREFIX) != 0 && !widen(&t->prefix, rows, sizeof *t->prefix)) ||
        ((b->optional & TRACE_PRIORITY) != 0 && !widen(&t->priority, rows, sizeof *t->priority)) ||
        ((b->optional & TRACE_BLOCKS) != 0 &&
         (!widen(&t->chain_end, rows, sizeof *t->chain_end) || !widen(&t->blocks, rows, sizeof *t->blocks)))) {
        return false;
    }
    t->capacity = rows;
    return true;
}

/* Room for the blocks of one more request. */
static bool grow_chain(trace *t, int32_t more)
{
    size_t ids = t->chain_capacity == 0 ? ROWS_FIRST : t->chain_capacity;
    while (ids < t->chain_count + (size_t)more) {
        ids *= 2;
    }
    if (ids != t->chain_capacity && (ids > ROWS_MAX || !widen(&t->chain, ids, sizeof *t->chain))) {
        return false;
    }
    t->chain_capacity = ids;
    return true;
}

static void add_chain(trace *t, size_t row, const trace_request *request)
{
    t->chain_end[row] = (int64_t)t->chain_count;
    t->blocks[row] = request->chain_count;
    for (int32_t i = 0; i < request->chain_count; i++) {
        t->chain[t->chain_count++] = request->chain[i];
    }
}

/* A token count as the options want it. *skip is set where the request is to be left out. */
static bool take_tokens(trace_build *b, int64_t value, int32_t *tokens, bool *skip)
{
    if (value < 0 || value > INT32_MAX) {
        snprintf(b->words, sizeof b->words, "%lld tokens: a count must be from 1 to 2147483647", (long long)value);
        return false;
    }
    *tokens = (int32_t)value;
    if (value > 0 || b->options->zero == TRACE_ZERO_KEEP) {
        return true;
    }
    if (b->options->zero == TRACE_ZERO_REFUSE) {
        snprintf(b->words, sizeof b->words,
                 "0 tokens: leave out requests that were not served ('spillway trace import --zero skip')");
        return false;
    }
    *tokens = 1;
    *skip = *skip || b->options->zero == TRACE_ZERO_SKIP;
    return true;
}

build_problem build_add(trace_build *b, const trace_request *request, size_t line)
{
    trace *t = b->t;
    int32_t input = 0;
    int32_t output = 0;
    bool skip = false;
    const size_t i = t->columns.count;
    if (i > 0 && request->at_ns < t->at_ns[i - 1] && !b->sort && !b->options->sort) {
        snprintf(b->words, sizeof b->words, "earlier than the request in line %zu: sort the trace by time",
                 b->last_line);
        return BUILD_TIME;
    }
    if (!take_tokens(b, request->input, &input, &skip)) {
        return BUILD_INPUT;
    }
    if (!take_tokens(b, request->output, &output, &skip)) {
        return BUILD_OUTPUT;
    }
    if (skip) {
        t->facts.skipped++;
        return BUILD_FINE;
    }
    if (request->prefix < 0 || request->prefix > input) {
        snprintf(b->words, sizeof b->words, "a prefix of %lld tokens: it must be from 0 to the input's %lld",
                 (long long)request->prefix, (long long)request->input);
        return BUILD_PREFIX;
    }
    const bool chained = (b->optional & TRACE_BLOCKS) != 0;
    if (!grow(b) || (chained && !grow_chain(t, request->chain_count))) {
        snprintf(b->words, sizeof b->words, "out of memory");
        return BUILD_MEMORY;
    }
    t->at_ns[i] = request->at_ns;
    t->input[i] = input;
    t->output[i] = output;
    if (t->session != NULL) {
        t->session[i] = request->session;
    }
    if (t->prefix != NULL) {
        t->prefix[i] = (int32_t)request->prefix;
    }
    if (t->priority != NULL) {
        t->priority[i] = request->priority;
    }
    if (chained) {
        add_chain(t, i, request);
    }
    t->columns.count++;
    b->last_line = line;
    return BUILD_FINE;
}

typedef struct place {
    int64_t at_ns;
    size_t row;
} place;

static int by_time(const void *a, const void *b)
{
    const place *x = a;
    const place *y = b;
    if (x->at_ns != y->at_ns) {
        return x->at_ns < y->at_ns ? -1 : 1;
    }
    return (x->row > y->row) - (x->row < y->row);
}

/* Puts the values of one column where their requests went; `spare` holds a column of the widest kind. */
static void reorder(void *values, size_t width, const place *order, size_t count, void *spare)
{
    if (values == NULL) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        memcpy((char *)spare + i * width, (char *)values + order[i].row * width, width);
    }
    memcpy(values, spare, count * width);
}

static bool is_sorted(const trace *t)
{
    for (size_t i = 1; i < t->columns.count; i++) {
        if (t->at_ns[i] < t->at_ns[i - 1]) {
            return false;
        }
    }
    return true;
}

static bool sort_requests(trace *t)
{
    const size_t count = t->columns.count;
    if (is_sorted(t)) {
        return true;
    }
    place *order = malloc(count * sizeof *order);
    int64_t *spare = malloc(count * sizeof *spare);
    if (order != NULL && spare != NULL) {
        for (size_t i = 0; i < count; i++) {
            order[i] = (place){t->at_ns[i], i};
        }
        qsort(order, count, sizeof *order, by_time);
        reorder(t->at_ns, sizeof *t->at_ns, order, count, spare);
        reorder(t->session, sizeof *t->session, order, count, spare);
        reorder(t->input, sizeof *t->input, order, count, spare);
        reorder(t->output, sizeof *t->output, order, count, spare);
        reorder(t->prefix, sizeof *t->prefix, order, count, spare);
        reorder(t->priority, sizeof *t->priority, order, count, spare);
        reorder(t->chain_end, sizeof *t->chain_end, order, count, spare);
        reorder(t->blocks, sizeof *t->blocks, order, count, spare);
    }
    const bool ok = order != NULL && spare != NULL;
    free(order);
    free(spare);
    return ok;
}

/* Blocks in the order of their requests, each of which knows where they begin. False: no memory. */
static bool line_up_chains(trace *t)
{
    int64_t *chain = t->blocks == NULL ? NULL : malloc(t->chain_capacity * sizeof *chain);
    int64_t end = 0;
    if (chain == NULL) {
        return t->blocks == NULL;
    }
    for (size_t i = 0; i < t->columns.count; i++) {
        memcpy(chain + end, t->chain + t->chain_end[i], (size_t)t->blocks[i] * sizeof *chain);
        end += t->blocks[i];
        t->chain_end[i] = end;
    }
    free(t->chain);
    t->chain = chain;
    return true;
}

/* Request i of a group of n at one instant moves by i / n of the stretch: the first one stays. */
static void spread(trace *t, int64_t spread_ns)
{
    const size_t count = t->columns.count;
    for (size_t from = 0, to = 0; from < count; from = to) {
        const int64_t at = t->at_ns[from];
        for (to = from + 1; to < count && t->at_ns[to] == at; to++) {
        }
        const int64_t next = to < count ? t->at_ns[to] - at : spread_ns;
        const double stretch = (double)(next < spread_ns ? next : spread_ns);
        for (size_t i = from; i < to; i++) {
            t->at_ns[i] = at + (int64_t)(stretch * (double)(i - from) / (double)(to - from));
        }
    }
}

const char *build_finish(trace_build *b)
{
    trace *t = b->t;
    if (t->columns.count == 0) {
        return t->facts.skipped > 0 ? "the trace has no requests with tokens" : "the trace has no requests";
    }
    if (!sort_requests(t) || !line_up_chains(t)) {
        return "out of memory";
    }
    if (b->options->spread_ns > 0) {
        spread(t, b->options->spread_ns);
    }
    t->first_ns = t->at_ns[0];
    for (size_t i = 0; i < t->columns.count; i++) {
        t->at_ns[i] -= t->first_ns;
    }
    t->columns.at_ns = t->at_ns;
    t->columns.input_tokens = t->input;
    t->columns.output_tokens = t->output;
    t->columns.session = t->session;
    t->columns.prefix_tokens = t->prefix;
    t->columns.priority = t->priority;
    t->columns.chain_end = t->chain_end;
    t->columns.chain = t->chain;
    t->columns.chain_tokens = TRACE_BLOCK_TOKENS;
    t->facts.block_count = t->facts.blocks > 0 ? t->blocks : NULL;
    return NULL;
}

void build_free(trace *t)
{
    free(t->at_ns);
    free(t->session);
    free(t->input);
    free(t->output);
    free(t->prefix);
    free(t->priority);
    free(t->chain_end);
    free(t->chain);
    free(t->blocks);
}
