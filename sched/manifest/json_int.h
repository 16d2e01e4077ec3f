/* SPDX-License-Identifier: Apache-2.0 */
/**
 * json_int.h - what the JSON readers and writers share: tables of columns, paths to values, places in a text.
 *
 * One table describes a kind of row for reader and writer alike (json_columns.c): a new column of snapshot.h is one
 * line there. What is not a plain column (labels, free nodes, maps over clusters, metrics) is named in the table as
 * JSN_OWN, so that the key is known, and has code of its own.
 */
#ifndef SCHED_MANIFEST_JSON_INT_H
#define SCHED_MANIFEST_JSON_INT_H

#include <jansson.h>
#include <spillway/json.h>

#include "sched/manifest/zone.h"

/** Type of a cell and of its JSON value. */
typedef enum jsn_kind {
    JSN_FLAG = 1, /**< uint8_t; true or false */
    JSN_WORD,     /**< uint8_t 1, 2, ...; one of words */
    JSN_I32,      /**< int32_t within [min, max] */
    JSN_STOCK,    /**< int32_t; null = -1 */
    JSN_I64,      /**< int64_t within [min, max] */
    JSN_SIZE,     /**< size_t within [min, max] */
    JSN_MOMENT,   /**< spw_time; null = SPW_TIME_MAX */
    JSN_TEXT,     /**< const char * */
    JSN_KEY64,    /**< uint64_t; 16 hex digits */
    JSN_ID,       /**< spw_id, set by code; key is NULL: no JSON of its own */
    JSN_OWN,      /**< read and written by code; no cell in the table's sense */
    JSN_UNUSED    /**< accepted and not used */
} jsn_kind;

/** What holds where the key is absent. */
typedef enum jsn_absent {
    JSN_MUST = 1, /**< an error */
    JSN_VALUE,    /**< `value`; "" for a text */
    JSN_OBSERVED, /**< when the parent was observed */
    JSN_LIKE,     /**< the cell of the column at `like` */
    JSN_COLUMN,   /**< the column is NULL; present in all rows or in none */
    JSN_MAYBE,    /**< `value`, and the column is NULL where no row has it */
    JSN_CODE      /**< set by code afterwards */
} jsn_absent;

typedef struct jsn_column {
    const char *key;
    jsn_kind kind;
    jsn_absent absent;
    size_t offset; /**< of the column's pointer in the rows struct; of the field itself in a plain struct */
    int64_t value;
    size_t like;
    int64_t min, max;
    const char *const *words; /**< JSN_WORD: names of 1, 2, ..., then NULL */
    const char *shape;        /**< JSN_OWN, JSN_UNUSED: kind of its value, for people; NULL = any */
    const char *help;         /**< what it means; of the keys of a snapshot */
} jsn_column;

#define JSN_COLUMNS_MAX 24

/** A table of the snapshot. The first field of every rows struct is its count. */
typedef struct jsn_table {
    const char *plural; /**< "pools", for messages */
    size_t rows;        /**< offset of the rows struct in spw_snapshot */
    const jsn_column *columns;
    size_t column_count; /**< <= JSN_COLUMNS_MAX */
} jsn_table;

extern const jsn_table jsn_clusters, jsn_grades, jsn_pools, jsn_usage, jsn_history, jsn_workloads, jsn_placements,
    jsn_pods, jsn_samples, jsn_values;

/** Plain structs read and written by the same tables: keys of the snapshot itself, settings, log lines. */
typedef struct jsn_fields {
    const jsn_column *columns;
    size_t column_count;
} jsn_fields;

extern const jsn_column jsn_taint_effect;
extern const jsn_fields jsn_taint_keys, jsn_snapshot_keys, jsn_settings_keys, jsn_head_keys, jsn_manifest_keys,
    jsn_tick_keys, jsn_action_keys;

size_t jsn_cell_size(jsn_kind kind); /**< 0 for JSN_OWN and JSN_UNUSED */

/** Mutable pointer of a column that the reader allocated; NULL = no such column. */
void *jsn_column_at(const spw_snapshot *snap, const jsn_table *table, const jsn_column *column);

/* --- reading (json_read.c) --- */

/** Where a value stands: a chain from the value up to the root. */
typedef struct jsn_path {
    const struct jsn_path *up; /**< NULL = the root */
    const char *key;           /**< NULL = an element of an array */
    size_t index;
} jsn_path;

typedef struct jsn_reader {
    zone z;
    spw_diag *diag;
    const char *name; /**< of the file */
    const char *text; /**< what positions are looked up in */
    size_t size;
    int32_t first_line; /**< line of the file on which text begins */
    size_t errors;
} jsn_reader;

#define JSN_PATH_TEXT 256

/** "clusters[1].pools[0].nodes"; "the document" for the root. snprintf rules. */
void jsn_path_text(const jsn_path *path, char *buf, size_t size);

/** Adds an error at the value of `path`; the sentence follows the path's text in quotes. */
void jsn_wrong(jsn_reader *r, const jsn_path *path, const char *format, ...) __attribute__((format(printf, 3, 4)));
/** The same as a warning. */
void jsn_warn(jsn_reader *r, const jsn_path *path, const char *format, ...) __attribute__((format(printf, 3, 4)));
/** An error with a sentence of its own, at the value of `path`. */
void jsn_say(jsn_reader *r, const jsn_path *path, const char *format, ...) __attribute__((format(printf, 3, 4)));

/** Parses r->text. @return the root, an object, or NULL with an error in diag */
json_t *jsn_parse(jsn_reader *r);

/** Reports every key of `object` that no column has. @return false if `object` is none, which is reported too */
bool jsn_keys_check(jsn_reader *r, const json_t *object, const jsn_column *columns, size_t count, const jsn_path *path);

/** Converts one value into a cell. @return false after reporting what is wrong; the cell is then a harmless value */
bool jsn_cell_read(jsn_reader *r, const json_t *value, const jsn_column *column, void *cell, const jsn_path *path);

/** A harmless value: 0, "", never. */
void jsn_cell_clear(const jsn_column *column, void *cell);

/** Reads the fields of a plain struct; unknown and missing ones are reported. */
void jsn_fields_read(jsn_reader *r, const json_t *object, const jsn_fields *fields, void *into, const jsn_path *path);

/** @return the member if it is an object (or an array); NULL if absent, or of another type, which is reported. */
const json_t *jsn_object_at(jsn_reader *r, const json_t *object, const char *key, const jsn_path *path);
const json_t *jsn_array_in(jsn_reader *r, const json_t *object, const char *key, const jsn_path *path);

/** 16 hex digits. @return false if text is anything else */
bool jsn_hex64(const char *text, uint64_t *out);
/** Hex digits to bytes in the reader's zone. @return NULL if text is not hex, or out of memory (r->z.failed) */
void *jsn_hex_bytes(jsn_reader *r, const char *text, size_t length, size_t *size);

/** Reads a snapshot out of a parsed object. @return the snapshot, or NULL: errors are in diag, or r->z.failed */
const spw_snapshot *jsn_snapshot_from(jsn_reader *r, const json_t *object, const jsn_path *path);

/* --- places in a text (json_where.c) --- */

/**
 * Finds a value in a text that has parsed.
 * @param in  at_key  true: the key of the last step instead of its value
 * @return 0-based offset; 0 if the path leads nowhere
 */
size_t jsn_where(const char *text, size_t size, const jsn_path *path, bool at_key);

/* --- writing (json_buffer.c) --- */

void jsn_add(spw_json_buffer *b, const char *text, size_t size);
void jsn_put(spw_json_buffer *b, const char *text);
void jsn_putf(spw_json_buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void jsn_string(spw_json_buffer *b, const char *text, size_t size); /**< with quotes */
void jsn_text(spw_json_buffer *b, const char *text);                /**< likewise, terminated text */
void jsn_hex(spw_json_buffer *b, const void *bytes, size_t size);   /**< with quotes */
/** "key": with a comma before it unless the last byte opens an object or an array. */
void jsn_key(spw_json_buffer *b, const char *key);
/** A comma, unless the last byte opens an object or an array. */
void jsn_comma(spw_json_buffer *b);
/** One cell as "key":value. */
void jsn_cell_write(spw_json_buffer *b, const jsn_column *column, const void *cell);
void jsn_fields_write(spw_json_buffer *b, const jsn_fields *fields, const void *from);

/* --- order of rows (json_order.c) --- */

/** A row to be sorted: by group, then text, then key. */
typedef struct jsn_item {
    size_t group;
    const char *text;
    uint64_t key;
    size_t row;
} jsn_item;

void jsn_items_sort(jsn_item *items, size_t count);
/** @return true if two sorted items differ in nothing but the row */
bool jsn_items_twins(const jsn_item *items, size_t count);
/** @return the first of the sorted items with this group, or where it would stand */
size_t jsn_items_first(const jsn_item *items, size_t count, size_t group);
/** @return the item with this group and key among sorted items that have no texts, or NULL */
const jsn_item *jsn_items_find(const jsn_item *items, size_t count, size_t group, uint64_t key);

#endif
