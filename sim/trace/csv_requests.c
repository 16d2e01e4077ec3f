/* SPDX-License-Identifier: GPL-3.0-or-later */
/* csv_requests.c - one request a line of CSV, whatever its columns are called. */
#include <ctype.h>
#include <string.h>

#include "sim/scenario/hash.h"
#include "sim/trace/build.h"

typedef enum field { F_TIME = 0, F_INPUT, F_OUTPUT, F_SESSION, F_PREFIX, F_PRIORITY, F_COUNT } field;

typedef struct reading {
    trace_build *b;
    const csv_layout *layout;
    trace_unit unit;
    bool header_seen;
    size_t cells;
    size_t cell[F_COUNT]; /* SIZE_MAX: the file has no such column */
} reading;

static const unsigned optional_of[F_COUNT] = {0, 0, 0, TRACE_SESSION, TRACE_PREFIX, TRACE_PRIORITY};

/* A count that the file does not have is the user's to give. */
static bool check_missing(reading *r, const csv_row *row, field f, int32_t given, csv_message *message)
{
    static const char *const names[F_COUNT] = {"time", "input", "output", "session", "prefix", "priority"};
    if (r->cell[f] != SIZE_MAX || given > 0 || r->b->options->zero == TRACE_ZERO_KEEP) {
        return true;
    }
    return csv_fail(row, 0, message,
                    "the file has no %s tokens: say how many each request has ('spillway trace import --%s N')",
                    names[f], names[f]);
}

static bool read_header(reading *r, const csv_row *row, csv_message *message)
{
    const csv_layout *l = r->layout;
    const char *const name[F_COUNT] = {l->time, l->input, l->output, l->session, l->prefix, l->priority};
    for (size_t f = 0; f < F_COUNT; f++) {
        r->cell[f] = SIZE_MAX;
        if (name[f] != NULL && !csv_find_once(row, name[f], &r->cell[f], message)) {
            return false;
        }
        if (name[f] != NULL && r->cell[f] == SIZE_MAX && (f <= F_OUTPUT || l->all)) {
            return csv_fail(row, 0, message, "column '%s' is missing%s%s%s", name[f], f > 0 ? " (it goes with " : "",
                            f > 0 ? name[F_TIME] : "", f > 0 ? ")" : "");
        }
        r->b->optional |= r->cell[f] != SIZE_MAX ? optional_of[f] : 0;
    }
    const trace_options *o = r->b->options;
    trace_facts *facts = &r->b->t->facts;
    facts->has_input = r->cell[F_INPUT] != SIZE_MAX;
    facts->has_output = r->cell[F_OUTPUT] != SIZE_MAX;
    r->unit = l->unit;
    r->cells = row->count;
    r->header_seen = true;
    return check_missing(r, row, F_INPUT, o->input, message) && check_missing(r, row, F_OUTPUT, o->output, message);
}

/* "2023-11-16 ..." */
static bool looks_like_a_date(const char *text)
{
    return strlen(text) >= 10 && isdigit((unsigned char)text[0]) && text[4] == '-' && text[7] == '-';
}

static bool read_time(reading *r, const csv_row *row, int64_t *at_ns, csv_message *message)
{
    const char *text = row->cells[r->cell[F_TIME]];
    if (r->unit == UNIT_ANY) {
        r->unit = looks_like_a_date(text) ? UNIT_CLOCK : UNIT_S;
    }
    r->b->t->facts.clock = r->unit == UNIT_CLOCK;
    return trace_parse_time(text, r->unit, at_ns) ||
           csv_fail(row, r->cell[F_TIME], message, "'%.40s' is not %s", text, trace_time_words(r->unit));
}

/* A whole number, where the file has such a column. */
static bool read_count(const reading *r, const csv_row *row, field f, int64_t *value, csv_message *message)
{
    if (r->cell[f] == SIZE_MAX) {
        return true;
    }
    const char *text = row->cells[r->cell[f]];
    return csv_parse_integer(text, value) || csv_fail(row, r->cell[f], message, "'%.40s' is not a whole number%s", text,
                                                      f == F_PRIORITY ? "" : " of tokens");
}

/* Conversations are named by numbers or by text; of text, a hash is the number. An empty cell is none. */
static int64_t session_of(const reading *r, const csv_row *row)
{
    int64_t number = -1;
    if (r->cell[F_SESSION] == SIZE_MAX) {
        return -1;
    }
    const char *text = row->cells[r->cell[F_SESSION]];
    if (*text == '\0' || (csv_parse_integer(text, &number) && number >= 0)) {
        return number;
    }
    return (int64_t)(hash_bytes(HASH_START, text, strlen(text)) & (uint64_t)INT64_MAX);
}

static bool on_row(void *context, const csv_row *row, csv_message *message)
{
    reading *r = context;
    if (!r->header_seen) {
        return read_header(r, row, message);
    }
    if (row->count != r->cells) {
        return csv_fail(row, row->count < r->cells ? row->count : r->cells, message,
                        "%zu cells, but the header has %zu", row->count, r->cells);
    }
    int64_t priority = 0;
    trace_request q = {.session = -1, .input = r->b->options->input, .output = r->b->options->output};
    if (!read_time(r, row, &q.at_ns, message) || !read_count(r, row, F_INPUT, &q.input, message) ||
        !read_count(r, row, F_OUTPUT, &q.output, message) || !read_count(r, row, F_PREFIX, &q.prefix, message) ||
        !read_count(r, row, F_PRIORITY, &priority, message)) {
        return false;
    }
    if (priority < -TRACE_PRIORITY_MAX || priority > TRACE_PRIORITY_MAX) {
        return csv_fail(row, r->cell[F_PRIORITY], message, "a priority must be from %d to %d", -TRACE_PRIORITY_MAX,
                        TRACE_PRIORITY_MAX);
    }
    q.priority = (int32_t)priority;
    q.session = session_of(r, row);
    static const field place[] = {[BUILD_TIME] = F_TIME,
                                  [BUILD_INPUT] = F_INPUT,
                                  [BUILD_OUTPUT] = F_OUTPUT,
                                  [BUILD_PREFIX] = F_PREFIX,
                                  [BUILD_MEMORY] = F_TIME};
    const build_problem problem = build_add(r->b, &q, row->line);
    return problem == BUILD_FINE || csv_fail(row, r->cell[place[problem]], message, "%s", r->b->words);
}

bool csv_requests(trace_build *b, const char *path, const csv_bytes *text, const csv_layout *layout,
                  csv_message *message)
{
    reading r = {.b = b, .layout = layout};
    return csv_scan(path, text, on_row, &r, message);
}
