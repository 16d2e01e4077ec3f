/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * tables_reader.c - from one CSV file to an array of structs, driven by a list of columns.
 */
#include "sim/scenario/tables_reader.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_BYTES_MAX (16u << 20)
#define PATH_BYTES_MAX  4096

typedef struct reading {
    const table_type *type;
    table_rows *rows;
    bool header_seen;
    size_t cell_of[CSV_CELLS_MAX]; /* by column of the type */
    size_t header_count;
} reading;

static bool table_path(const char *dir, const table_type *type, char *path, csv_message *message)
{
    int n = snprintf(path, PATH_BYTES_MAX, "%s/%s.csv", dir, type->name);
    if (n < 0 || n >= PATH_BYTES_MAX) {
        return csv_fail_at(dir, 1, 1, message, "the path is too long");
    }
    return true;
}

bool table_fail(const char *dir, const table_type *type, const table_rows *rows, size_t index, csv_message *message,
                const char *format, ...)
{
    char path[PATH_BYTES_MAX];
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return table_path(dir, type, path, message) && csv_fail_at(path, rows->lines[index], 1, message, "%s", text);
}

const char *table_text(const table_type *type, const void *row, const char *column)
{
    for (const mdl_column *c = type->columns; c->name != NULL; c++) {
        if (c->kind == MDL_COLUMN_TEXT && strcmp(c->name, column) == 0) {
            return (const char *)row + c->offset;
        }
    }
    return NULL;
}

int table_grade_rank(const char *grade)
{
    static const char *const grades[] = {"measured", "vendor", "derived", "estimate"};
    for (int i = 0; i < 4; i++) {
        if (strcmp(grade, grades[i]) == 0) {
            return i;
        }
    }
    return -1;
}

static int number_of(const char *digits, int count)
{
    int number = 0;
    for (int i = 0; i < count; i++) {
        number = 10 * number + (digits[i] - '0');
    }
    return number;
}

/* Of a month that there is. */
static bool is_day(int year, int month, int day)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return day >= 1 && day <= days[month - 1] + (leap && month == 2);
}

bool table_is_date(const char *text)
{
    static const char pattern[] = "dddd-dd-dd";
    size_t length = strlen(text);
    if (length != 4 && length != 7 && length != 10) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (pattern[i] == 'd' ? !isdigit((unsigned char)text[i]) : text[i] != '-') {
            return false;
        }
    }
    if (length >= 7 && (strncmp(text + 5, "01", 2) < 0 || strncmp(text + 5, "12", 2) > 0)) {
        return false;
    }
    return length < 10 || is_day(number_of(text, 4), number_of(text + 5, 2), number_of(text + 8, 2));
}

static bool read_header(reading *r, const csv_row *row, csv_message *message)
{
    size_t used = 0;
    for (const mdl_column *c = r->type->columns; c->name != NULL; c++, used++) {
        size_t cell = csv_find_cell(row, c->name);
        if (cell == SIZE_MAX) {
            return csv_fail(row, 0, message, "column '%s' is missing", c->name);
        }
        r->cell_of[used] = cell;
    }
    for (size_t i = 0; i < row->count; i++) {
        bool known = false;
        for (size_t j = 0; j < used; j++) {
            known = known || r->cell_of[j] == i;
        }
        if (!known) {
            bool twice = csv_find_cell(row, row->cells[i]) != i;
            return csv_fail(row, i, message, twice ? "column '%s' stands here twice" : "unknown column '%s'",
                            row->cells[i]);
        }
    }
    r->header_seen = true;
    r->header_count = row->count;
    return true;
}

static bool read_cell(const mdl_column *c, const csv_row *row, size_t index, char *out, csv_message *message)
{
    const char *cell = row->cells[index];
    double real = 0.0;
    int64_t whole = 0;
    switch (c->kind) {
    case MDL_COLUMN_TEXT:
        if (*cell == '\0') {
            return csv_fail(row, index, message, "%s is empty", c->name);
        }
        if (strlen(cell) >= c->size) {
            return csv_fail(row, index, message, "%s is longer than %zu bytes", c->name, c->size - 1);
        }
        memcpy(out + c->offset, cell, strlen(cell) + 1);
        break;
    case MDL_COLUMN_REAL:
        if (!csv_parse_number(cell, &real)) {
            return csv_fail(row, index, message, "%s: '%.40s' is not a number", c->name, cell);
        }
        memcpy(out + c->offset, &real, sizeof real);
        break;
    case MDL_COLUMN_INT:
        if (!csv_parse_integer(cell, &whole)) {
            return csv_fail(row, index, message, "%s: '%.40s' is not a whole number", c->name, cell);
        }
        memcpy(out + c->offset, &whole, sizeof whole);
        break;
    }
    if (strcmp(c->name, "grade") == 0 && table_grade_rank(cell) < 0) {
        return csv_fail(row, index, message, "grade '%.40s' is none of measured, vendor, derived, estimate", cell);
    }
    if (strcmp(c->name, "date") == 0 && !table_is_date(cell)) {
        return csv_fail(row, index, message, "date '%.40s' is not YYYY, YYYY-MM or YYYY-MM-DD", cell);
    }
    return true;
}

/* Reports what a check found, at the column that its message begins with, else at the first. */
static bool fail_check(const reading *r, const csv_row *row, const char *problem, csv_message *message)
{
    size_t index = 0;
    for (const mdl_column *c = r->type->columns; c->name != NULL; c++, index++) {
        size_t length = strlen(c->name);
        if (strncmp(problem, c->name, length) == 0 && !isalnum((unsigned char)problem[length]) &&
            problem[length] != '_') {
            const char *more = problem[length] == '\0' ? " is out of range" : "";
            return csv_fail(row, r->cell_of[index], message, "%s%s", problem, more);
        }
    }
    return csv_fail(row, 0, message, "%s", problem);
}

static bool same_key(const table_type *type, const char *a, const char *b)
{
    for (size_t k = 0; k < type->keys; k++) {
        if (strcmp(a + type->columns[k].offset, b + type->columns[k].offset) != 0) {
            return false;
        }
    }
    return true;
}

static bool grow(table_rows *rows, size_t row_size)
{
    if (rows->count < rows->capacity) {
        return true;
    }
    size_t capacity = rows->capacity == 0 ? 16 : rows->capacity * 2;
    void *more = realloc(rows->rows, capacity * row_size);
    if (more == NULL) {
        return false;
    }
    rows->rows = more;
    size_t *lines = realloc(rows->lines, capacity * sizeof *lines);
    if (lines == NULL) {
        return false;
    }
    rows->lines = lines;
    rows->capacity = capacity;
    return true;
}

static bool on_row(void *context, const csv_row *row, csv_message *message)
{
    reading *r = context;
    const table_type *type = r->type;
    if (!r->header_seen) {
        return read_header(r, row, message);
    }
    if (row->count != r->header_count) {
        size_t at = row->count < r->header_count ? row->count : r->header_count;
        return csv_fail(row, at, message, "%zu cells, but the header has %zu", row->count, r->header_count);
    }
    if (!grow(r->rows, type->row_size)) {
        return csv_fail(row, 0, message, "out of memory");
    }
    char *base = r->rows->rows;
    char *out = base + r->rows->count * type->row_size;
    memset(out, 0, type->row_size);
    for (size_t i = 0; type->columns[i].name != NULL; i++) {
        if (!read_cell(&type->columns[i], row, r->cell_of[i], out, message)) {
            return false;
        }
    }
    const char *problem = type->check(out);
    if (problem != NULL) {
        return fail_check(r, row, problem, message);
    }
    for (size_t i = 0; i < r->rows->count; i++) {
        if (same_key(type, base + i * type->row_size, out)) {
            return csv_fail(row, r->cell_of[0], message, "line %zu has the same %s", r->rows->lines[i],
                            type->keys == 1 ? type->columns[0].name : "key");
        }
    }
    r->rows->lines[r->rows->count++] = row->line;
    return true;
}

bool table_read(const char *dir, const table_type *type, table_rows *rows, uint64_t *hash, csv_message *message)
{
    char path[PATH_BYTES_MAX];
    csv_bytes bytes;
    if (!table_path(dir, type, path, message) || !csv_slurp(path, TABLE_BYTES_MAX, &bytes, message)) {
        return false;
    }
    for (size_t i = 0; i < bytes.size; i++) {
        *hash = (*hash ^ (unsigned char)bytes.data[i]) * UINT64_C(0x100000001b3); /* FNV-1a */
    }
    reading r = {.type = type, .rows = rows};
    bool ok = csv_scan(path, &bytes, on_row, &r, message);
    free(bytes.data);
    if (ok && rows->count == 0) {
        return csv_fail_at(path, 1, 1, message, "the table has no %s", r.header_seen ? "rows" : "header line");
    }
    return ok;
}

void table_rows_free(table_rows *rows)
{
    free(rows->rows);
    free(rows->lines);
    *rows = (table_rows){0};
}
