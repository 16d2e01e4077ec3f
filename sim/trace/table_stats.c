/* SPDX-License-Identifier: GPL-3.0-or-later */
/* table_stats.c - see table_stats.h. Cells are kept as offsets into one text until the whole file has been seen. */
#include "sim/trace/table_stats.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/trace/build.h"

typedef struct cells {
    char *text; /* NUL-terminated cells of one column, one after the other */
    size_t size, capacity;
} cells;

typedef struct gathering {
    table_stats *t;
    cells *cells; /* [column_count] */
} gathering;

static bool keep_cell(cells *c, const char *text)
{
    const size_t length = strlen(text) + 1;
    if (c->size + length > c->capacity) {
        const size_t capacity = 2 * (c->capacity + length) + 256;
        char *more = realloc(c->text, capacity);
        if (more == NULL) {
            return false;
        }
        c->text = more;
        c->capacity = capacity;
    }
    memcpy(c->text + c->size, text, length);
    c->size += length;
    return true;
}

static bool on_row(void *context, const csv_row *row, csv_message *message)
{
    gathering *g = context;
    table_stats *t = g->t;
    if (t->columns == NULL) {
        t->column_count = row->count;
        t->columns = calloc(row->count, sizeof *t->columns);
        g->cells = calloc(row->count, sizeof *g->cells);
        for (size_t i = 0; t->columns != NULL && i < row->count; i++) {
            (void)snprintf(t->columns[i].name, sizeof t->columns[i].name, "%.39s", row->cells[i]);
        }
        return (t->columns != NULL && g->cells != NULL) || csv_fail(row, 0, message, "out of memory");
    }
    if (row->count != t->column_count) {
        return csv_fail(row, row->count < t->column_count ? row->count : t->column_count, message,
                        "%zu cells, but the header has %zu", row->count, t->column_count);
    }
    for (size_t i = 0; i < row->count; i++) {
        if (!keep_cell(&g->cells[i], row->cells[i])) {
            return csv_fail(row, i, message, "out of memory");
        }
    }
    t->rows++;
    return true;
}

static int by_text(const void *a, const void *b)
{
    const char *x, *y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return strcmp(x, y);
}

/* Most frequent first, equally frequent ones by their text. */
static void offer_word(table_column *c, const char *text, size_t count)
{
    size_t at = c->word_count;
    while (at > 0 && c->words[at - 1].count < count) {
        at--;
    }
    if (at == TABLE_WORDS) {
        return;
    }
    c->word_count += c->word_count < TABLE_WORDS;
    for (size_t i = c->word_count - 1; i > at; i--) {
        c->words[i] = c->words[i - 1];
    }
    (void)snprintf(c->words[at].text, sizeof c->words[at].text, "%.39s", text);
    c->words[at].count = count;
}

static bool column_stats(table_column *c, const cells *from, size_t rows)
{
    const char **text = malloc((rows + 1) * sizeof *text);
    double *values = malloc((rows + 1) * sizeof *values);
    size_t numbers = 0;
    const char *at = from->text;
    const bool ok = text != NULL && values != NULL;
    for (size_t i = 0; ok && i < rows; i++, at += strlen(at) + 1) {
        text[i] = at;
        c->empty += *at == '\0';
        if (csv_parse_number(at, &values[numbers])) {
            c->sum += values[numbers++];
        }
    }
    if (ok && rows > 0) {
        c->is_number = numbers > 0 && numbers + c->empty == rows;
        qsort(text, rows, sizeof *text, by_text);
        for (size_t i = 0, from_row = 0; i < rows; i++) {
            if (i + 1 == rows || strcmp(text[i], text[i + 1]) != 0) {
                c->distinct++;
                offer_word(c, text[i], i + 1 - from_row);
                from_row = i + 1;
            }
        }
        if (c->is_number) {
            c->values = stats_of_values(values, numbers);
        }
    }
    free(text);
    free(values);
    return ok;
}

table_stats *table_stats_read(const char *path, char *err, size_t err_size)
{
    csv_message message = {err, err_size};
    csv_bytes bytes = {NULL, 0};
    gathering g = {calloc(1, sizeof *g.t), NULL};
    bool ok = g.t != NULL || csv_fail_at(path, 0, 0, &message, "out of memory");
    ok = ok && csv_slurp(path, TRACE_BYTES_MAX, &bytes, &message);
    ok = ok && csv_scan(path, &bytes, on_row, &g, &message);
    if (ok && g.t->columns == NULL) {
        ok = csv_fail_at(path, 1, 1, &message, "the file is empty");
    }
    for (size_t i = 0; ok && i < g.t->column_count; i++) {
        ok = column_stats(&g.t->columns[i], &g.cells[i], g.t->rows) ||
             csv_fail_at(path, 0, 0, &message, "out of memory");
    }
    for (size_t i = 0; g.cells != NULL && i < g.t->column_count; i++) {
        free(g.cells[i].text);
    }
    free(g.cells);
    free(bytes.data);
    if (!ok) {
        table_stats_free(g.t);
        return NULL;
    }
    return g.t;
}

void table_stats_free(table_stats *t)
{
    if (t != NULL) {
        free(t->columns);
        free(t);
    }
}
