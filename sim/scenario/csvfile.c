/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * csvfile.c - strict CSV reading with positions.
 *
 * libcsv pushes cells and tells no positions. The file is therefore fed to it line by line: the line number is ours,
 * and the column of a cell is found again from the raw line when a message needs it (errors only). Cells are copied
 * into a buffer sized before the line is fed, so pointers stay put while the record grows.
 */
#include "sim/scenario/csvfile.h"

#include <csv.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/scenario/gunzip.h"

#define PIPE_BYTES_MAX ((size_t)1 << 30) /* nobody can tell in advance whether a pipe ends */

typedef struct scan {
    csv_row row;
    const char *cells[CSV_CELLS_MAX];
    char *buffer;
    size_t used, capacity;
    bool ended;   /* the record is complete */
    bool lone_cr; /* something came after its end: a carriage return in mid-line */
    bool too_many;
    bool has_nul;
} scan;

bool csv_fail_at(const char *path, size_t line, size_t column, csv_message *message, const char *format, ...)
{
    if (message->text == NULL || message->size == 0) {
        return false;
    }
    int at = line > 0 ? snprintf(message->text, message->size, "%s:%zu:%zu: error: ", path, line, column)
                      : snprintf(message->text, message->size, "%s: error: ", path);
    if (at > 0 && (size_t)at < message->size) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(message->text + at, message->size - (size_t)at, format, arguments);
        va_end(arguments);
    }
    return false;
}

bool csv_fail(const csv_row *row, size_t index, csv_message *message, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return csv_fail_at(row->path, row->line, csv_column(row, index), message, "%s", text);
}

size_t csv_column(const csv_row *row, size_t index)
{
    size_t at = 0;
    bool quoted = false;
    for (size_t cell = 0; at < row->raw_size; at++) {
        char c = row->raw[at];
        if (cell == index && (c != ' ' && c != '\t')) {
            break;
        }
        if (c == '"') {
            quoted = !quoted; /* a doubled quote toggles twice */
        } else if (c == ',' && !quoted) {
            cell++;
        } else if ((c == '\r' || c == '\n') && !quoted) {
            break;
        }
    }
    return at + 1;
}

size_t csv_find_cell(const csv_row *row, const char *text)
{
    for (size_t i = 0; i < row->count; i++) {
        if (strcmp(row->cells[i], text) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

bool csv_find_once(const csv_row *row, const char *text, size_t *index, csv_message *message)
{
    *index = csv_find_cell(row, text);
    for (size_t i = *index; i != SIZE_MAX && ++i < row->count;) {
        if (strcmp(row->cells[i], text) == 0) {
            return csv_fail(row, i, message, "column '%s' is there twice", text);
        }
    }
    return true;
}

bool csv_parse_number(const char *cell, double *value)
{
    /* strtod also takes blanks, hexadecimal, infinities and NaN; a table has no use for them. */
    if (*cell == '\0' || cell[strspn(cell, "0123456789+-.eE")] != '\0') {
        return false;
    }
    char *end = NULL;
    errno = 0;
    double x = strtod(cell, &end);
    if (end == cell || *end != '\0' || (errno == ERANGE && (x > 1.0 || x < -1.0))) {
        return false;
    }
    *value = x;
    return true;
}

bool csv_parse_integer(const char *cell, int64_t *value)
{
    if (*cell == '\0' || cell[strspn(cell, "0123456789+-")] != '\0') {
        return false;
    }
    char *end = NULL;
    errno = 0;
    long long x = strtoll(cell, &end, 10);
    if (end == cell || *end != '\0' || errno == ERANGE) {
        return false;
    }
    *value = x;
    return true;
}

/*
 * Lowers the limit for what can go on for ever, and sees by its size that a file is over it before reading gigabytes.
 * @return what is wrong, or NULL
 */
static const char *kind_problem(int fd, size_t *limit)
{
    struct stat info;
    if (fstat(fd, &info) != 0) {
        return strerror(errno);
    }
    if (S_ISCHR(info.st_mode) || S_ISBLK(info.st_mode)) {
        return "it is a device, not a file";
    }
    if (S_ISREG(info.st_mode)) {
        return info.st_size > 0 && (uint64_t)info.st_size > *limit ? "the file is too large" : NULL;
    }
    *limit = *limit < PIPE_BYTES_MAX ? *limit : PIPE_BYTES_MAX;
    return NULL;
}

static const char *too_large(size_t limit)
{
    return limit == PIPE_BYTES_MAX ? "no end after 1 GiB of a pipe: write it to a file first" : "the file is too large";
}

static const char not_text[] = "a NUL byte: this is not a text file";

/* Where the first NUL byte stands. */
static bool fail_at_nul(const char *path, const char *data, size_t size, csv_message *message)
{
    const char *nul = memchr(data, '\0', size);
    const char *begin = data;
    size_t line = 1;
    for (const char *at = data; at < nul; at++) {
        line += *at == '\n';
        begin = *at == '\n' ? at + 1 : begin;
    }
    return csv_fail_at(path, line, (size_t)(nul - begin) + 1, message, "%s", not_text);
}

/* Makes room when the buffer is full. What is neither text nor gzip is refused then, and not read to its end first. */
static const char *grow(char **data, size_t *capacity, size_t size)
{
    if (size < *capacity - 1) {
        return NULL;
    }
    if (!gunzip_wanted(*data, size) && memchr(*data, '\0', size) != NULL) {
        return not_text;
    }
    char *more = *capacity <= SIZE_MAX / 2 ? realloc(*data, *capacity * 2) : NULL;
    if (more == NULL) {
        return "out of memory";
    }
    *data = more;
    *capacity *= 2;
    return NULL;
}

/* A gzip file takes the place of what it packs. The bound on a pipe is one on what comes through it. */
static const char *unpacked(char **data, size_t *size, size_t limit)
{
    char *plain = NULL;
    size_t plain_size = 0;
    if (!gunzip_wanted(*data, *size)) {
        return NULL;
    }
    const char *problem = gunzip(*data, *size, limit, &plain, &plain_size);
    if (problem == NULL) {
        free(*data);
        *data = plain;
        *size = plain_size;
    }
    return problem;
}

bool csv_slurp(const char *path, size_t limit, csv_bytes *bytes, csv_message *message)
{
    bytes->data = NULL;
    bytes->size = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return csv_fail_at(path, 0, 0, message, "cannot open the file: %s", strerror(errno));
    }
    const size_t limit_unpacked = limit;
    const char *problem = kind_problem(fd, &limit);
    size_t capacity = 65536;
    char *data = malloc(capacity);
    size_t size = 0;
    problem = problem == NULL && data == NULL ? "out of memory" : problem;
    while (problem == NULL) {
        ssize_t got = read(fd, data + size, capacity - 1 - size);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            problem = strerror(errno);
        }
        if (got <= 0) {
            break;
        }
        size += (size_t)got;
        problem = size > limit ? too_large(limit) : grow(&data, &capacity, size);
    }
    close(fd);
    if (problem == NULL) {
        data[size] = '\0';
        problem = unpacked(&data, &size, limit_unpacked);
    }
    if (problem != NULL) {
        (void)(problem == not_text ? fail_at_nul(path, data, size, message)
                                   : csv_fail_at(path, 0, 0, message, "cannot read the file: %s", problem));
        free(data);
        return false;
    }
    bytes->data = data;
    bytes->size = size;
    return true;
}

static void on_cell(void *cell, size_t length, void *context)
{
    scan *s = context;
    if (s->ended) {
        s->lone_cr = true;
        return;
    }
    if (s->row.count == CSV_CELLS_MAX) {
        s->too_many = true;
        return;
    }
    if (memchr(cell, '\0', length) != NULL) {
        s->has_nul = true;
    }
    char *copy = s->buffer + s->used;
    memcpy(copy, cell, length);
    copy[length] = '\0';
    s->used += length + 1;
    s->cells[s->row.count++] = copy;
}

static void on_end(int terminator, void *context)
{
    (void)terminator;
    scan *s = context;
    s->lone_cr = s->lone_cr || s->ended;
    s->ended = true;
}

static bool is_blank(const char *line, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r' && line[i] != '\n') {
            return false;
        }
    }
    return true;
}

/* Room for every byte of the line and a NUL for each cell it can hold. */
static bool reserve(scan *s, size_t line_size)
{
    size_t need = 2 * line_size + 2;
    if (need > s->capacity) {
        char *more = realloc(s->buffer, need * 2);
        if (more == NULL) {
            return false;
        }
        s->buffer = more;
        s->capacity = need * 2;
    }
    s->used = 0;
    s->row.count = 0;
    s->ended = s->lone_cr = s->too_many = s->has_nul = false;
    return true;
}

/* Feeds one line; `last` = the file ends here without a newline. */
static bool feed(scan *s, struct csv_parser *parser, const char *line, size_t size, bool last, csv_message *message)
{
    s->row.raw = line;
    s->row.raw_size = size;
    const char *path = s->row.path;
    if (!reserve(s, size)) {
        return csv_fail_at(path, s->row.line, 1, message, "out of memory");
    }
    size_t done = csv_parse(parser, line, size, on_cell, on_end, s);
    if (done < size) {
        return csv_fail_at(path, s->row.line, done + 1, message, "%s",
                           csv_error(parser) == CSV_EPARSE ? "a quote is out of place (inside a quoted cell, double it)"
                                                           : csv_strerror(csv_error(parser)));
    }
    if (last && csv_fini(parser, on_cell, on_end, s) != 0) {
        s->ended = false;
    }
    if (!s->ended) {
        return csv_fail(&s->row, s->row.count, message, "the quoted cell that begins here is not closed on its line");
    }
    if (s->lone_cr) {
        return csv_fail_at(path, s->row.line, 1, message, "a carriage return inside the line");
    }
    if (s->too_many) {
        return csv_fail_at(path, s->row.line, 1, message, "more than %d cells in the line", CSV_CELLS_MAX);
    }
    if (s->has_nul) {
        return csv_fail_at(path, s->row.line, 1, message, "a NUL byte in the line: is this a text file?");
    }
    return true;
}

bool csv_scan(const char *path, const csv_bytes *bytes, csv_row_fn fn, void *context, csv_message *message)
{
    struct csv_parser parser;
    scan s = {.row = {.path = path}};
    s.row.cells = s.cells;
    if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI) != 0) {
        return csv_fail_at(path, 1, 1, message, "out of memory");
    }
    const char *at = bytes->data;
    const char *end = bytes->data + bytes->size;
    if (bytes->size >= 3 && memcmp(at, "\xEF\xBB\xBF", 3) == 0) {
        at += 3;
    }
    bool ok = true;
    while (ok && at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t size = newline != NULL ? (size_t)(newline - at) + 1 : (size_t)(end - at);
        s.row.line++;
        if (!is_blank(at, size)) {
            ok = feed(&s, &parser, at, size, newline == NULL, message) && fn(context, &s.row, message);
        }
        at += size;
    }
    csv_free(&parser);
    free(s.buffer);
    return ok;
}
