/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * csvfile.h - strict CSV reading with positions, for parameter tables and traces.
 *
 * RFC 4180 through libcsv in its strict mode: comma, double quotes, LF or CRLF, newline at the end optional, a UTF-8
 * byte order mark is skipped, blank lines are skipped. Refused: a quote inside an unquoted cell, a quoted cell that is
 * not closed on its line, a NUL byte, a lone carriage return, more than CSV_CELLS_MAX cells. Spaces around unquoted
 * cells are dropped.
 *
 * Every error is one line "path:line:col: error: message", line and column counted from 1, the column in bytes; what
 * concerns the file as a whole (it is not there, it is too large, its gzip form is damaged) has no ":line:col".
 */
#ifndef SIM_SCENARIO_CSVFILE_H
#define SIM_SCENARIO_CSVFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CSV_CELLS_MAX 256

/** Where an error message goes; text NULL = nowhere. */
typedef struct csv_message {
    char *text;
    size_t size;
} csv_message;

/** One record. Valid during the call that hands it over. */
typedef struct csv_row {
    const char *path;
    size_t line;              /**< from 1 */
    size_t count;             /**< cells */
    const char *const *cells; /**< [count] NUL-terminated */
    const char *raw;          /**< the line as it stands in the file */
    size_t raw_size;
} csv_row;

/** @return false to stop reading, with a message (csv_fail). */
typedef bool (*csv_row_fn)(void *context, const csv_row *row, csv_message *message);

/** A whole file in memory; `data` is followed by a NUL that `size` does not count. */
typedef struct csv_bytes {
    char *data;
    size_t size;
} csv_bytes;

/**
 * Reads a file of at most `limit` bytes, a pipe of at most 1 GiB; devices are refused, most of them never end. What
 * begins as a gzip file does is unpacked, to at most `limit` bytes.
 * False with "path: error: ..." if it cannot. Caller frees data.
 */
bool csv_slurp(const char *path, size_t limit, csv_bytes *bytes, csv_message *message);
/** Calls fn for each record, the header included. False with a message at the first error. */
bool csv_scan(const char *path, const csv_bytes *bytes, csv_row_fn fn, void *context, csv_message *message);

/** 1-based byte column where cell `index` of the row begins; just behind the line if there is no such cell. */
size_t csv_column(const csv_row *row, size_t index);
/** Writes the message for cell `index` of a row; always returns false. */
__attribute__((format(printf, 4, 5))) bool csv_fail(const csv_row *row, size_t index, csv_message *message,
                                                    const char *format, ...);
/** Writes a message at any place, line 0 = the file as a whole; always returns false. */
__attribute__((format(printf, 5, 6))) bool csv_fail_at(const char *path, size_t line, size_t column,
                                                       csv_message *message, const char *format, ...);

/** Index of the cell with this text, e.g. a header name, or SIZE_MAX. */
size_t csv_find_cell(const csv_row *row, const char *text);
/** The same in *index, of a name that a header must not have twice. False with a message where it has. */
bool csv_find_once(const csv_row *row, const char *text, size_t *index, csv_message *message);
/** A finite decimal number that takes up the whole cell. False (no message) if it is not one. */
bool csv_parse_number(const char *cell, double *value);
/** A decimal integer that takes up the whole cell and fits. False (no message) if it is not one. */
bool csv_parse_integer(const char *cell, int64_t *value);

#endif
