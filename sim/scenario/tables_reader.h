/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * tables_reader.h - from one CSV file to an array of structs, driven by a list of columns. Internal to tables*.c.
 */
#ifndef SIM_SCENARIO_TABLES_READER_H
#define SIM_SCENARIO_TABLES_READER_H

#include "models/gpu/gpu.h"
#include "sim/scenario/csvfile.h"
#include "sim/scenario/tables.h"

/** How one table is read, checked and listed. */
typedef struct table_type {
    const char *name;          /**< file name without .csv */
    const mdl_column *columns; /**< the first `keys` of them, all text, are the key; list ends with name == NULL */
    size_t row_size;
    size_t keys;
    /**
     * Completes derived fields. NULL if sound, else a message that begins with the name of the column to point at, or
     * that name alone: it is then out of range.
     */
    const char *(*check)(void *row);
    void (*figures)(const void *row, char *text, size_t size);
} table_type;

/** By tables_kind. */
extern const table_type table_types[TABLES_KINDS];

typedef struct table_rows {
    void *rows;
    size_t *lines; /**< [count] where each row stands in its file */
    size_t count, capacity;
} table_rows;

/** Appends all rows of dir/name.csv; mixes the bytes of the file into *hash. False with a message. */
bool table_read(const char *dir, const table_type *type, table_rows *rows, uint64_t *hash, csv_message *message);
void table_rows_free(table_rows *rows);
static inline const void *table_row(const table_type *type, const table_rows *rows, size_t index)
{
    return (const char *)rows->rows + index * type->row_size;
}
/** Writes "dir/name.csv:line:1: error: ..." for row `index`; always returns false. */
__attribute__((format(printf, 6, 7))) bool table_fail(const char *dir, const table_type *type, const table_rows *rows,
                                                      size_t index, csv_message *message, const char *format, ...);
/** Text column of a row by name, or NULL if the table has no such column. */
const char *table_text(const table_type *type, const void *row, const char *column);

/** 0 = measured, 1 = vendor, 2 = derived, 3 = estimate, -1 = not a grade. */
int table_grade_rank(const char *grade);
/** A stage of lags.csv: the law it fills, NULL for fail_probability; *known = 0 if there is no such stage. */
mdl_law *table_lag_law(mdl_lag *lag, const char *stage, int *known);
/** Days (bit 0 = Monday) of a "days" cell, 0 if it is none. */
unsigned table_days(const char *days);
/** Stages that a lag must have. */
#define TABLE_LAG_STAGES 11

#endif
