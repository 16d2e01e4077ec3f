/* SPDX-License-Identifier: Apache-2.0 */
/* json_schema.c - the keys of a snapshot as a reference for people, in the form of bind_schema.c. */
#include <inttypes.h>
#include <string.h>

#include "sched/manifest/json_int.h"

#define PATH_SIZE 128

/* Keys of the mappings in a list or map. */
typedef struct inside {
    const char *tail; /* how one of them is called */
    const jsn_column *columns;
    size_t count;
} inside;

static inside of_table(const char *tail, const jsn_table *table)
{
    return (inside){tail, table->columns, table->column_count};
}

/* Of keys that hold no mappings. */
static const char *tail_of(const char *shape)
{
    if (shape == NULL) {
        return "";
    }
    return strncmp(shape, "list", 4) == 0                  ? "[]"
           : strcmp(shape, "mapping of strings") == 0      ? ".<name>"
           : strncmp(shape, "mapping of integer", 18) == 0 ? ".<cluster>"
                                                           : "";
}

/* What stands below a key; no columns where nothing does. `in`: the table that the key is of. */
static inside below(const jsn_column *c, const jsn_column *in)
{
    static const struct {
        const char *key;
        const jsn_table *table;
    } lists[] = {{"clusters", &jsn_clusters},   {"pools", &jsn_pools}, {"grades", &jsn_grades},  {"pods", &jsn_pods},
                 {"workloads", &jsn_workloads}, {"usage", &jsn_usage}, {"history", &jsn_history}};
    if (c->kind == JSN_OWN && strcmp(c->key, "metrics") == 0) {
        return of_table(".<metric>", in == jsn_pods.columns ? &jsn_samples : &jsn_values);
    }
    if (c->kind == JSN_OWN && strcmp(c->key, "taints") == 0) {
        return (inside){"[]", jsn_taint_keys.columns, jsn_taint_keys.column_count};
    }
    for (size_t i = 0; c->kind == JSN_OWN && i < sizeof lists / sizeof lists[0]; i++) {
        if (strcmp(c->key, lists[i].key) == 0) {
            return of_table("[]", lists[i].table);
        }
    }
    return (inside){tail_of(c->shape), NULL, 0};
}

static const char *kind_of(const jsn_column *c)
{
    switch (c->kind) {
    case JSN_FLAG:
        return "boolean";
    case JSN_WORD:
        return "one of";
    case JSN_I32:
    case JSN_STOCK:
    case JSN_I64:
    case JSN_SIZE:
    case JSN_MOMENT:
        return "integer";
    case JSN_TEXT:
    case JSN_KEY64:
        return "string";
    case JSN_OWN:
    case JSN_UNUSED:
    case JSN_ID:
        break;
    }
    return c->shape != NULL ? c->shape : "any";
}

static void put_words(spw_json_buffer *out, const jsn_column *c)
{
    for (size_t i = 0; c->kind == JSN_WORD && c->words[i] != NULL; i++) {
        jsn_putf(out, "%s%s", i == 0 ? " " : ", ", c->words[i]);
    }
}

/* What holds without the key. */
static void put_default(spw_json_buffer *out, const jsn_column *c, const jsn_column *columns, size_t count)
{
    const bool is_value = c->kind != JSN_OWN && (c->absent == JSN_VALUE || c->absent == JSN_MAYBE);
    if (c->kind == JSN_UNUSED) {
        jsn_put(out, " (accepted, not used)");
    } else if (c->kind != JSN_OWN && c->absent == JSN_MUST) {
        jsn_put(out, " (required)");
    } else if (is_value && c->kind == JSN_TEXT) {
        jsn_put(out, " (default \"\")");
    } else if (is_value && c->kind == JSN_FLAG) {
        jsn_putf(out, " (default %s)", c->value != 0 ? "true" : "false");
    } else if (is_value && c->kind == JSN_WORD) {
        jsn_putf(out, " (default %s)", c->words[c->value - 1]);
    } else if (is_value && (c->kind == JSN_STOCK || c->kind == JSN_MOMENT)) {
        jsn_put(out, " (default null)");
    } else if (is_value) {
        jsn_putf(out, " (default %" PRId64 ")", c->value);
    } else if (c->absent == JSN_OBSERVED) {
        jsn_put(out, " (default: that of what it is part of)");
    } else if (c->absent == JSN_COLUMN) {
        jsn_put(out, " (in all or in none)");
    }
    for (size_t i = 0; c->absent == JSN_LIKE && i < count; i++) {
        if (columns[i].key != NULL && columns[i].offset == c->like && columns[i].kind == c->kind) {
            jsn_putf(out, " (default: %s)", columns[i].key);
        }
    }
}

static void put_range(spw_json_buffer *out, const jsn_column *c)
{
    const bool is_number = c->kind == JSN_I32 || c->kind == JSN_STOCK || c->kind == JSN_I64 || c->kind == JSN_SIZE;
    if (!is_number || c->min == INT64_MIN || c->min == INT32_MIN) {
        return;
    }
    if (c->max == INT64_MAX || c->max == INT32_MAX) {
        jsn_putf(out, " (at least %" PRId64 ")", c->min);
    } else {
        jsn_putf(out, " (%" PRId64 " to %" PRId64 ")", c->min, c->max);
    }
}

static void put_columns(spw_json_buffer *out, const char *path, const jsn_column *columns, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const jsn_column *c = &columns[i];
        const inside next = c->key != NULL ? below(c, columns) : (inside){.columns = NULL};
        char full[PATH_SIZE];
        if (c->key == NULL) {
            continue; /* set by code: no JSON of its own */
        }
        (void)snprintf(full, sizeof full, "%s%s%s%s", path, path[0] != '\0' ? "." : "", c->key, next.tail);
        jsn_putf(out, "%-44s %s", full, kind_of(c));
        put_words(out, c);
        put_default(out, c, columns, count);
        put_range(out, c);
        if (c->help != NULL) {
            jsn_putf(out, "  # %s", c->help);
        }
        jsn_put(out, "\n");
        put_columns(out, full, next.columns, next.count);
    }
}

spw_rc spw_json_snapshot_schema(spw_json_buffer *out)
{
    jsn_put(out, "Snapshot\n");
    put_columns(out, "", jsn_snapshot_keys.columns, jsn_snapshot_keys.column_count);
    return out->failed ? SPW_NOMEM : SPW_OK;
}
