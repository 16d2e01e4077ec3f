/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * table_stats.h - what stands in the columns of a CSV that is no trace of requests: counters of an engine, a measured
 * series, a list of nodes. A column of numbers (empty cells aside) gets their distribution, any other its most frequent
 * words.
 */
#ifndef SIM_TRACE_TABLE_STATS_H
#define SIM_TRACE_TABLE_STATS_H

#include "sim/trace/stats.h"

#define TABLE_WORDS      12 /**< most frequent words kept */
#define TABLE_WORD_BYTES 40 /**< of a word or a name, longer ones are cut */

typedef struct table_word {
    char text[TABLE_WORD_BYTES]; /**< "" = empty cells */
    size_t count;
} table_word;

typedef struct table_column {
    char name[TABLE_WORD_BYTES];
    bool is_number;
    size_t empty;
    double sum;
    stats_values values; /**< of a column of numbers, its cells that are not empty */
    size_t distinct;     /**< different texts, an empty one included */
    table_word words[TABLE_WORDS];
    size_t word_count;
} table_column;

typedef struct table_stats {
    size_t rows;
    size_t column_count;
    table_column *columns;
} table_stats;

/** @return to be freed; NULL with "path:line:col: error: ..." */
table_stats *table_stats_read(const char *path, char *err, size_t err_size);
void table_stats_free(table_stats *t); /**< NULL allowed */

#endif
