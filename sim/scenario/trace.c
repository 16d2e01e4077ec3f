/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * trace.c - opening a trace, and its CSV forms.
 *
 * Times are read digit by digit into integers: a decimal that went through a double would lose the last digits of a
 * present-day Unix time in ns.
 */
#include "sim/scenario/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/scenario/trace_format.h"

#define NS_PER_S      INT64_C(1000000000)
#define SECONDS_MAX   INT64_C(9000000000) /* 285 years: fits int64 ns */
#define ROWS_MAX      (SIZE_MAX / 64)
#define CSV_BYTES_MAX ((size_t)8 << 30) /* some 200 million requests */

typedef struct reading {
    trace *t;
    bool header_seen;
    bool clock; /* the time column is a TIMESTAMP */
    size_t cells;
    size_t time_cell, input_cell, output_cell;
    int64_t last_ns;
    size_t last_line;
} reading;

/* `digits` decimal digits at *s; moves on. False if there are fewer. */
static bool read_digits(const char **s, int digits, int *value)
{
    *value = 0;
    for (int i = 0; i < digits; i++, (*s)++) {
        if (**s < '0' || **s > '9') {
            return false;
        }
        *value = *value * 10 + (**s - '0');
    }
    return true;
}

static bool read_char(const char **s, char c)
{
    if (**s != c) {
        return false;
    }
    (*s)++;
    return true;
}

/* [.d{1,9}] at *s as ns; moves on. */
static bool read_fraction(const char **s, int64_t *ns)
{
    *ns = 0;
    if (**s != '.') {
        return true;
    }
    (*s)++;
    int64_t unit = NS_PER_S / 10;
    const char *first = *s;
    for (; **s >= '0' && **s <= '9'; (*s)++) {
        if (unit == 0) {
            return false;
        }
        *ns += unit * (**s - '0');
        unit /= 10;
    }
    return *s != first;
}

/* Days from 1970-01-01 to a date of the Gregorian calendar, for years from 1970 on. */
static int64_t days_from_1970(int year, int month, int day)
{
    static const int before[12] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    int past = year - 1; /* whole years */
    int64_t leap_days = past / 4 - past / 100 + past / 400 - (1969 / 4 - 1969 / 100 + 1969 / 400);
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return (int64_t)(year - 1970) * 365 + leap_days + before[month - 1] + (leap && month > 2) + day - 1;
}

static int days_in_month(int year, int month)
{
    static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (leap && month == 2);
}

/* YYYY-MM-DD HH:MM:SS[.fraction][Z|+00:00], also with a T between date and time. */
static bool read_timestamp(const char *s, int64_t *ns)
{
    int year, month, day, hour, minute, second;
    int64_t fraction = 0;
    if (!read_digits(&s, 4, &year) || !read_char(&s, '-') || !read_digits(&s, 2, &month) || !read_char(&s, '-') ||
        !read_digits(&s, 2, &day) || !(read_char(&s, ' ') || read_char(&s, 'T')) || !read_digits(&s, 2, &hour) ||
        !read_char(&s, ':') || !read_digits(&s, 2, &minute) || !read_char(&s, ':') || !read_digits(&s, 2, &second) ||
        !read_fraction(&s, &fraction)) {
        return false;
    }
    if (*s != '\0' && strcmp(s, "Z") != 0 && strcmp(s, "+00:00") != 0) {
        return false;
    }
    if (year < 1970 || year > 2200 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) ||
        hour > 23 || minute > 59 || second > 59) {
        return false;
    }
    int64_t seconds = ((days_from_1970(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    *ns = seconds * NS_PER_S + fraction;
    return true;
}

static bool read_seconds(const char *s, int64_t *ns)
{
    int64_t seconds = 0;
    int64_t fraction = 0;
    const char *first = s;
    for (; *s >= '0' && *s <= '9'; s++) {
        seconds = seconds * 10 + (*s - '0');
        if (seconds > SECONDS_MAX) {
            return false;
        }
    }
    if (s == first || !read_fraction(&s, &fraction) || *s != '\0') {
        return false;
    }
    *ns = seconds * NS_PER_S + fraction;
    return true;
}

static bool read_header(reading *r, const csv_row *row, csv_message *message)
{
    static const char *const names[2][3] = {{"at_s", "input_tokens", "output_tokens"},
                                            {"TIMESTAMP", "ContextTokens", "GeneratedTokens"}};
    r->clock = csv_find_cell(row, names[1][0]) != SIZE_MAX;
    const char *const *name = names[r->clock];
    size_t *const cell[3] = {&r->time_cell, &r->input_cell, &r->output_cell};
    for (size_t i = 0; i < 3; i++) {
        *cell[i] = csv_find_cell(row, name[i]);
        if (*cell[i] == SIZE_MAX && i == 0) {
            return csv_fail(row, 0, message,
                            "no time column: a trace begins with a line that names TIMESTAMP, ContextTokens, "
                            "GeneratedTokens, or at_s, input_tokens, output_tokens");
        }
        if (*cell[i] == SIZE_MAX) {
            return csv_fail(row, 0, message, "column '%s' is missing (it goes with %s)", name[i], name[0]);
        }
    }
    r->cells = row->count;
    r->header_seen = true;
    return true;
}

static bool grow(trace *t)
{
    if (t->columns.count < t->capacity) {
        return true;
    }
    size_t capacity = t->capacity == 0 ? 4096 : t->capacity * 2;
    if (capacity > ROWS_MAX) {
        return false;
    }
    int64_t *at = realloc(t->at_ns, capacity * sizeof *at);
    t->at_ns = at != NULL ? at : t->at_ns;
    int32_t *input = realloc(t->input, capacity * sizeof *input);
    t->input = input != NULL ? input : t->input;
    int32_t *output = realloc(t->output, capacity * sizeof *output);
    t->output = output != NULL ? output : t->output;
    if (at == NULL || input == NULL || output == NULL) {
        return false;
    }
    t->capacity = capacity;
    return true;
}

static bool read_tokens(const csv_row *row, size_t cell, int32_t *tokens, csv_message *message)
{
    int64_t value = 0;
    if (!csv_parse_integer(row->cells[cell], &value)) {
        return csv_fail(row, cell, message, "'%.40s' is not a whole number of tokens", row->cells[cell]);
    }
    if (value < 0 || value > INT32_MAX) {
        return csv_fail(row, cell, message, "%lld tokens: a count must be from 1 to 2147483647", (long long)value);
    }
    if (value == 0) {
        return csv_fail(row, cell, message, "0 tokens: leave out requests that were not served");
    }
    *tokens = (int32_t)value;
    return true;
}

static bool on_row(void *context, const csv_row *row, csv_message *message)
{
    reading *r = context;
    trace *t = r->t;
    if (!r->header_seen) {
        return read_header(r, row, message);
    }
    if (row->count != r->cells) {
        return csv_fail(row, row->count < r->cells ? row->count : r->cells, message,
                        "%zu cells, but the header has %zu", row->count, r->cells);
    }
    if (!grow(t)) {
        return csv_fail(row, 0, message, "out of memory");
    }
    const char *text = row->cells[r->time_cell];
    int64_t at = 0;
    if (r->clock && !read_timestamp(text, &at)) {
        return csv_fail(row, r->time_cell, message,
                        "'%.40s' is not a time YYYY-MM-DD HH:MM:SS[.fraction] with at most 9 digits", text);
    }
    if (!r->clock && !read_seconds(text, &at)) {
        return csv_fail(row, r->time_cell, message,
                        "'%.40s' is not a decimal number of seconds, 0 or more, with at most 9 digits after the point",
                        text);
    }
    if (t->columns.count > 0 && at < r->last_ns) {
        return csv_fail(row, r->time_cell, message, "earlier than the request in line %zu: sort the trace by time",
                        r->last_line);
    }
    size_t i = t->columns.count;
    if (!read_tokens(row, r->input_cell, &t->input[i], message) ||
        !read_tokens(row, r->output_cell, &t->output[i], message)) {
        return false;
    }
    t->first_ns = i == 0 ? at : t->first_ns;
    t->at_ns[i] = at - t->first_ns;
    t->columns.count++;
    r->last_ns = at;
    r->last_line = row->line;
    return true;
}

bool trace_read_csv(trace *t, const char *path, csv_message *message)
{
    csv_bytes bytes;
    if (!csv_slurp(path, CSV_BYTES_MAX, &bytes, message)) {
        return false;
    }
    reading r = {.t = t};
    bool ok = csv_scan(path, &bytes, on_row, &r, message);
    free(bytes.data);
    if (ok && t->columns.count == 0) {
        return csv_fail_at(path, 1, 1, message, r.header_seen ? "the trace has no requests" : "the file is empty");
    }
    t->columns.at_ns = t->at_ns;
    t->columns.input_tokens = t->input;
    t->columns.output_tokens = t->output;
    return ok;
}

/* What is not a regular file is not opened just to look: a pipe can be read only once. */
static bool open_either(trace *t, const char *path, csv_message *message)
{
    struct stat info;
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode)) {
        return trace_read_csv(t, path, message);
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) != 0) {
        csv_fail_at(path, 0, 0, message, "cannot open the file: %s", strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
        return false;
    }
    bool binary = S_ISREG(info.st_mode) && trace_has_magic(fd);
    bool ok = binary && trace_map(t, path, fd, (size_t)info.st_size, message);
    close(fd);
    return binary ? ok : trace_read_csv(t, path, message);
}

trace *trace_open(const char *path, char *err, size_t err_size)
{
    csv_message message = {err, err_size};
    trace *t = calloc(1, sizeof *t);
    if (t == NULL) {
        csv_fail_at(path, 0, 0, &message, "out of memory");
        return NULL;
    }
    if (!open_either(t, path, &message)) {
        trace_close(t);
        return NULL;
    }
    return t;
}

void trace_close(trace *t)
{
    if (t == NULL) {
        return;
    }
    if (t->mapped != NULL) {
        munmap(t->mapped, t->mapped_size);
    }
    free(t->at_ns);
    free(t->input);
    free(t->output);
    free(t);
}

const mdl_trace *trace_columns(const trace *t)
{
    return &t->columns;
}

int64_t trace_first_ns(const trace *t)
{
    return t->first_ns;
}
