/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_read.c - parsing, messages with places, and the conversion of values into cells by a table.
 *
 * Reading goes on after an error, so that one call reports all of them; what could not be read is a harmless value,
 * and the caller throws everything away at the end.
 */
#include "sched/manifest/json_int.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sched/manifest/suggest.h"

#define HASH_SEED_OF_JANSSON 1 /* any constant but 0: objects keep insertion order, but no entropy is to be drawn */

/* --- messages --- */

void jsn_path_text(const jsn_path *path, char *buf, size_t size)
{
    if (path == NULL || path->up == NULL) {
        (void)snprintf(buf, size, "the document");
        return;
    }
    const jsn_path *chain[16];
    size_t depth = 0;
    for (const jsn_path *p = path; p->up != NULL && depth < sizeof chain / sizeof chain[0]; p = p->up) {
        chain[depth++] = p;
    }
    size_t used = 0;
    while (depth > 0 && used < size) {
        const jsn_path *p = chain[--depth];
        const int n = p->key != NULL ? snprintf(buf + used, size - used, "%s%s", used > 0 ? "." : "", p->key)
                                     : snprintf(buf + used, size - used, "[%zu]", p->index);
        used += n > 0 ? (size_t)n : 0;
    }
}

/* Line and column, 1-based, of an offset; columns count bytes, as the parser's own positions do. */
static void place(const jsn_reader *r, size_t offset, int32_t *line, int32_t *column)
{
    int32_t lines = r->first_line;
    size_t start = 0;
    for (size_t i = 0; i < offset && i < r->size; i++) {
        if (r->text[i] == '\n') {
            lines += lines < INT32_MAX ? 1 : 0;
            start = i + 1;
        }
    }
    const size_t across = offset - start + 1;
    *line = lines;
    *column = across < INT32_MAX ? (int32_t)across : INT32_MAX;
}

static void report(jsn_reader *r, spw_diag_level level, const jsn_path *path, bool at_key, const char *sentence)
{
    int32_t line = 0;
    int32_t column = 0;
    if (spw_diag_dropped(r->diag) ==
        0) { /* looking a place up costs a walk over the text: not for what is only counted */
        place(r, jsn_where(r->text, r->size, path, at_key), &line, &column);
    }
    spw_diag_add(r->diag, level, r->name, line, column, "%s", sentence);
    r->errors += level == SPW_DIAG_ERROR ? 1 : 0;
}

#define SENTENCE_MAX 512

static void sentence_of(char *buf, const jsn_path *path, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
static void sentence_of(char *buf, const jsn_path *path, const char *format, va_list args)
{
    char where[JSN_PATH_TEXT] = "";
    size_t used = 0;
    if (path != NULL) {
        jsn_path_text(path, where, sizeof where);
        const int n =
            path->up == NULL ? snprintf(buf, SENTENCE_MAX, "%s ", where) : snprintf(buf, SENTENCE_MAX, "'%s' ", where);
        used = n > 0 ? (size_t)n : 0;
    }
    (void)vsnprintf(buf + used, SENTENCE_MAX - used, format, args);
}

void jsn_wrong(jsn_reader *r, const jsn_path *path, const char *format, ...)
{
    char sentence[SENTENCE_MAX];
    va_list args;
    va_start(args, format);
    sentence_of(sentence, path, format, args);
    va_end(args);
    report(r, SPW_DIAG_ERROR, path, false, sentence);
}

void jsn_warn(jsn_reader *r, const jsn_path *path, const char *format, ...)
{
    char sentence[SENTENCE_MAX];
    va_list args;
    va_start(args, format);
    sentence_of(sentence, path, format, args);
    va_end(args);
    report(r, SPW_DIAG_WARNING, path, false, sentence);
}

void jsn_say(jsn_reader *r, const jsn_path *path, const char *format, ...)
{
    char sentence[SENTENCE_MAX];
    va_list args;
    va_start(args, format);
    sentence_of(sentence, NULL, format, args);
    va_end(args);
    report(r, SPW_DIAG_ERROR, path, false, sentence);
}

json_t *jsn_parse(jsn_reader *r)
{
    json_error_t error;
    json_object_seed(HASH_SEED_OF_JANSSON);
    json_t *root = json_loadb(r->text, r->size, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL && json_error_code(&error) == json_error_out_of_memory) {
        r->z.failed = true;
    } else if (root == NULL) {
        const int32_t line = error.line > 0 ? error.line - 1 + r->first_line : r->first_line;
        spw_diag_add(r->diag, SPW_DIAG_ERROR, r->name, line, error.column > 0 ? error.column : 1, "not JSON: %s",
                     error.text);
        r->errors++;
    } else if (!json_is_object(root)) {
        const jsn_path top = {NULL, NULL, 0};
        jsn_wrong(r, &top, "must be an object");
        json_decref(root);
        root = NULL;
    }
    return root;
}

/* --- values --- */

bool jsn_hex64(const char *text, uint64_t *out)
{
    uint64_t value = 0;
    if (strlen(text) != 16 || strspn(text, "0123456789abcdef") != 16) {
        return false;
    }
    for (const char *c = text; *c != '\0'; c++) {
        value = value * 16 + (uint64_t)(*c <= '9' ? *c - '0' : *c - 'a' + 10);
    }
    *out = value;
    return true;
}

void *jsn_hex_bytes(jsn_reader *r, const char *text, size_t length, size_t *size)
{
    unsigned char *bytes = zone_take(&r->z, length / 2);
    if (bytes == NULL || length % 2 != 0) {
        return NULL;
    }
    for (size_t i = 0; i < length; i++) {
        const char *digit = text[i] == '\0' ? NULL : strchr("0123456789abcdef", text[i]);
        if (digit == NULL) {
            return NULL;
        }
        const unsigned value = (unsigned)(*digit <= '9' ? *digit - '0' : *digit - 'a' + 10);
        bytes[i / 2] = (unsigned char)(bytes[i / 2] * 16u + value);
    }
    *size = length / 2;
    return bytes;
}

void jsn_cell_clear(const jsn_column *column, void *cell)
{
    static const char empty[] = "";
    const char *text = empty;
    if (column->kind == JSN_TEXT) {
        memcpy(cell, &text, sizeof text);
    } else {
        memset(cell, 0, jsn_cell_size(column->kind));
    }
}

static bool number_read(jsn_reader *r, const json_t *value, const jsn_column *column, void *cell, const jsn_path *path)
{
    const int64_t number = json_integer_value(value);
    if (!json_is_integer(value)) {
        jsn_wrong(r, path, "must be a whole number%s",
                  column->kind == JSN_STOCK || column->kind == JSN_MOMENT ? " or null" : "");
        return false;
    }
    if (number < column->min || number > column->max) {
        if (column->max == INT64_MAX || column->max == INT32_MAX) {
            jsn_wrong(r, path, "must be at least %" PRId64 ", not %" PRId64, column->min, number);
        } else {
            jsn_wrong(r, path, "must be from %" PRId64 " to %" PRId64 ", not %" PRId64, column->min, column->max,
                      number);
        }
        return false;
    }
    const int32_t narrow = (int32_t)number;
    const size_t size = (size_t)number;
    if (column->kind == JSN_SIZE) {
        memcpy(cell, &size, sizeof size);
    } else if (column->kind == JSN_I32 || column->kind == JSN_STOCK) {
        memcpy(cell, &narrow, sizeof narrow);
    } else {
        memcpy(cell, &number, sizeof number);
    }
    return true;
}

static bool word_read(jsn_reader *r, const json_t *value, const jsn_column *column, void *cell, const jsn_path *path)
{
    const char *text = json_is_string(value) ? json_string_value(value) : "";
    char all[128] = "";
    size_t used = 0;
    suggest near;
    suggest_init(&near, text);
    for (uint8_t i = 0; column->words[i] != NULL; i++) {
        if (strcmp(column->words[i], text) == 0) {
            *(uint8_t *)cell = (uint8_t)(i + 1);
            return true;
        }
        suggest_offer(&near, column->words[i]);
        if (used < sizeof all) {
            const int n = snprintf(all + used, sizeof all - used, "%s'%s'", i > 0 ? ", " : "", column->words[i]);
            used += n > 0 ? (size_t)n : 0;
        }
    }
    if (near.best != NULL) {
        jsn_wrong(r, path, "must be one of %s, not '%s' (did you mean '%s'?)", all, text, near.best);
    } else if (json_is_string(value)) {
        jsn_wrong(r, path, "must be one of %s, not '%s'", all, text);
    } else {
        jsn_wrong(r, path, "must be one of %s", all);
    }
    return false;
}

static bool text_read(jsn_reader *r, const json_t *value, const jsn_column *column, void *cell, const jsn_path *path)
{
    if (!json_is_string(value)) {
        jsn_wrong(r, path, "must be a text in quotes");
        return false;
    }
    if (json_string_length(value) < (size_t)column->min) {
        jsn_wrong(r, path, "must not be empty");
        return false;
    }
    const char *copy = zone_text(&r->z, json_string_value(value), json_string_length(value));
    if (copy == NULL) {
        return false;
    }
    memcpy(cell, &copy, sizeof copy);
    return true;
}

bool jsn_cell_read(jsn_reader *r, const json_t *value, const jsn_column *column, void *cell, const jsn_path *path)
{
    const int32_t unknown = -1;
    const spw_time never = SPW_TIME_MAX;
    uint64_t key = 0;
    jsn_cell_clear(column, cell);
    switch (column->kind) {
    case JSN_FLAG:
        if (!json_is_boolean(value)) {
            jsn_wrong(r, path, "must be true or false");
            return false;
        }
        *(uint8_t *)cell = json_is_true(value) ? 1 : 0;
        return true;
    case JSN_WORD:
        return word_read(r, value, column, cell, path);
    case JSN_STOCK:
    case JSN_MOMENT:
        if (json_is_null(value) && column->kind == JSN_STOCK) {
            memcpy(cell, &unknown, sizeof unknown);
            return true;
        }
        if (json_is_null(value)) {
            memcpy(cell, &never, sizeof never);
            return true;
        }
        return number_read(r, value, column, cell, path);
    case JSN_I32:
    case JSN_I64:
    case JSN_SIZE:
        return number_read(r, value, column, cell, path);
    case JSN_TEXT:
        return text_read(r, value, column, cell, path);
    case JSN_KEY64:
        if (!json_is_string(value) || !jsn_hex64(json_string_value(value), &key)) {
            jsn_wrong(r, path, "must be a text of 16 hex digits");
            return false;
        }
        memcpy(cell, &key, sizeof key);
        return true;
    case JSN_ID:
    case JSN_OWN:
    case JSN_UNUSED:
        break;
    }
    return true;
}

/* --- objects --- */

static const jsn_column *find_column(const jsn_column *columns, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++) {
        if (columns[i].key != NULL && strcmp(columns[i].key, key) == 0) {
            return &columns[i];
        }
    }
    return NULL;
}

static void unknown_key(jsn_reader *r, const char *key, const jsn_column *columns, size_t count, const jsn_path *path)
{
    char sentence[SENTENCE_MAX];
    char where[JSN_PATH_TEXT];
    const jsn_path child = {path, key, 0};
    suggest near;
    suggest_init(&near, key);
    for (size_t i = 0; i < count; i++) {
        if (columns[i].key != NULL) {
            suggest_offer(&near, columns[i].key);
        }
    }
    jsn_path_text(path, where, sizeof where);
    const char *quote = path->up != NULL ? "'" : "";
    if (near.best != NULL) {
        (void)snprintf(sentence, sizeof sentence, "unknown key '%s' in %s%s%s (did you mean '%s'?)", key, quote, where,
                       quote, near.best);
    } else {
        (void)snprintf(sentence, sizeof sentence, "unknown key '%s' in %s%s%s", key, quote, where, quote);
    }
    report(r, SPW_DIAG_ERROR, &child, true, sentence);
}

static bool is_empty(const json_t *value)
{
    return json_is_null(value) || (json_is_array(value) && json_array_size(value) == 0) ||
           (json_is_object(value) && json_object_size(value) == 0);
}

bool jsn_keys_check(jsn_reader *r, const json_t *object, const jsn_column *columns, size_t count, const jsn_path *path)
{
    if (!json_is_object(object)) {
        jsn_wrong(r, path, "must be an object");
        return false;
    }
    /* The iterator wants a mutable object but changes nothing in it. */
    json_t *loose;
    memcpy(&loose, &object, sizeof loose);
    for (void *at = json_object_iter(loose); at != NULL; at = json_object_iter_next(loose, at)) {
        const char *key = json_object_iter_key(at);
        const jsn_column *column = find_column(columns, count, key);
        if (column == NULL) {
            unknown_key(r, key, columns, count, path);
        } else if (column->kind == JSN_UNUSED && !is_empty(json_object_iter_value(at))) {
            const jsn_path child = {path, key, 0};
            jsn_warn(r, &child, "is not used by this build");
        }
    }
    return true;
}

void jsn_fields_read(jsn_reader *r, const json_t *object, const jsn_fields *fields, void *into, const jsn_path *path)
{
    if (!jsn_keys_check(r, object, fields->columns, fields->column_count, path)) {
        return;
    }
    for (size_t i = 0; i < fields->column_count; i++) {
        const jsn_column *column = &fields->columns[i];
        if (jsn_cell_size(column->kind) == 0) {
            continue;
        }
        const json_t *value = json_object_get(object, column->key);
        const jsn_path child = {path, column->key, 0};
        void *cell = (char *)into + column->offset;
        if (value == NULL && column->absent == JSN_CODE) {
            continue;
        }
        if (value == NULL) {
            jsn_cell_clear(column, cell);
            jsn_wrong(r, path, "lacks '%s'", column->key);
        } else {
            (void)jsn_cell_read(r, value, column, cell, &child);
        }
    }
}

const json_t *jsn_object_at(jsn_reader *r, const json_t *object, const char *key, const jsn_path *path)
{
    const json_t *value = json_object_get(object, key);
    const jsn_path child = {path, key, 0};
    if (value != NULL && !json_is_object(value)) {
        jsn_wrong(r, &child, "must be an object");
        return NULL;
    }
    return value;
}

const json_t *jsn_array_in(jsn_reader *r, const json_t *object, const char *key, const jsn_path *path)
{
    const json_t *value = json_object_get(object, key);
    const jsn_path child = {path, key, 0};
    if (value != NULL && !json_is_array(value)) {
        jsn_wrong(r, &child, "must be an array");
        return NULL;
    }
    return value;
}
