/* SPDX-License-Identifier: GPL-3.0-or-later */
/** list_rows.h - rows of parameter tables, by name, and as laws with their own figures that can be drawn. */
#ifndef SIM_CLI_LIST_ROWS_H
#define SIM_CLI_LIST_ROWS_H

#include <stdbool.h>

#include "sim/cli/options.h"
#include "sim/laws/rows.h"
#include "sim/scenario/tables.h"

/** Whether a row is meant by a name: its key, or the key's part before a '/'. NULL means every row. */
bool list_wanted(const char *key, const char *name);
/** Whether a table has such a row; if not, that is said on stderr, with the most similar key. */
bool list_has(const tables *t, tables_kind kind, const char *name);

/** A law of a row. Not to be copied: law points into it. */
typedef struct row_law {
    law law; /**< name: the key with '-' for '/', a file name; parameters: the row's figures, source: its source */
    char name[3 * MDL_NAME_SIZE + 16];
    tables_line line;
    mdl_law delay;       /**< lags, stocks */
    law_day day;         /**< shapes */
    law_profile profile; /**< profiles */
} row_law;

#define ROW_LAWS 3 /**< most of one row: the spells of a stock, up and down, and its level by the hour */
/** @return how many laws a row has; 0: none of its table have, or it is a stock that does not change */
size_t list_row_laws(const tables *t, tables_kind kind, size_t index, row_law out[ROW_LAWS]);

/** Draws the rows of a name into a folder. A table without laws is refused with those that have some. */
cli_status list_plot_rows(const tables *t, tables_kind kind, const char *name, const char *dir);

#endif
