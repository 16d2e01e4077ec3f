/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * tables_columns.h - short forms for lists of columns, and the tables of supply: what lists in tables_supply.c, by
 * name. Internal to tables*.c.
 */
#ifndef SIM_SCENARIO_TABLES_COLUMNS_H
#define SIM_SCENARIO_TABLES_COLUMNS_H

#include "models/gpu/gpu.h"

#define AT(S, F, NAME, KIND)                                                                                           \
    {                                                                                                                  \
        NAME, KIND, offsetof(S, F), sizeof(((S *)NULL)->F)                                                             \
    }
#define TEXT(S, F) AT(S, F, #F, MDL_COLUMN_TEXT)
#define REAL(S, F) AT(S, F, #F, MDL_COLUMN_REAL)
#define ORIGIN(S)                                                                                                      \
    TEXT(S, source), TEXT(S, date), TEXT(S, grade),                                                                    \
    {                                                                                                                  \
        NULL, MDL_COLUMN_TEXT, 0, 0                                                                                    \
    }

#define TABLE_TYPE_PARTS(NAME)                                                                                         \
    extern const mdl_column table_##NAME##_columns[];                                                                  \
    const char *table_##NAME##_check(void *row);                                                                       \
    void table_##NAME##_figures(const void *row, char *text, size_t size)

TABLE_TYPE_PARTS(bathtub);
TABLE_TYPE_PARTS(stock);
TABLE_TYPE_PARTS(walk);
TABLE_TYPE_PARTS(delivery);
TABLE_TYPE_PARTS(layer);
TABLE_TYPE_PARTS(storage);
TABLE_TYPE_PARTS(throughput);
TABLE_TYPE_PARTS(published);

#endif
