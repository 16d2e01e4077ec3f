/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_buffer.c - appending JSON to a growing text. Integers only, so that equal content is equal bytes everywhere.
 */
#include "sched/manifest/json_int.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_FIRST ((size_t)1024)

void spw_json_buffer_fini(spw_json_buffer *buffer)
{
    free(buffer->text);
    *buffer = (spw_json_buffer){0};
}

/* Makes room for `more` bytes and the terminator. */
static bool reserve(spw_json_buffer *b, size_t more)
{
    if (b->failed || more > SIZE_MAX / 4 - b->size) {
        b->failed = true;
        return false;
    }
    if (b->size + more < b->room) {
        return true;
    }
    size_t room = b->room == 0 ? ROOM_FIRST : b->room * 2;
    room = room > b->size + more ? room : b->size + more + 1;
    char *grown = realloc(b->text, room);
    if (grown == NULL) {
        b->failed = true;
        return false;
    }
    b->text = grown;
    b->room = room;
    return true;
}

void jsn_add(spw_json_buffer *b, const char *text, size_t size)
{
    if (reserve(b, size)) {
        if (size > 0) {
            memcpy(b->text + b->size, text, size);
        }
        b->size += size;
        b->text[b->size] = '\0';
    }
}

void jsn_put(spw_json_buffer *b, const char *text)
{
    jsn_add(b, text, strlen(text));
}

void jsn_putf(spw_json_buffer *b, const char *format, ...)
{
    char piece[128]; /* numbers and fixed words only; names go through jsn_string */
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(piece, sizeof piece, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof piece) {
        b->failed = true;
        return;
    }
    jsn_add(b, piece, (size_t)n);
}

void jsn_string(spw_json_buffer *b, const char *text, size_t size)
{
    size_t from = 0;
    jsn_add(b, "\"", 1);
    for (size_t i = 0; i < size; i++) {
        const unsigned char c = (unsigned char)text[i];
        if (c >= 0x20 && c != '"' && c != '\\') {
            continue;
        }
        jsn_add(b, text + from, i - from);
        from = i + 1;
        if (c == '"' || c == '\\') {
            jsn_putf(b, "\\%c", c);
        } else if (c == '\n') {
            jsn_add(b, "\\n", 2);
        } else {
            jsn_putf(b, "\\u%04x", (unsigned)c);
        }
    }
    jsn_add(b, text + from, size - from);
    jsn_add(b, "\"", 1);
}

void jsn_text(spw_json_buffer *b, const char *text)
{
    jsn_string(b, text, strlen(text));
}

void jsn_hex(spw_json_buffer *b, const void *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *at = bytes;
    jsn_add(b, "\"", 1);
    for (size_t i = 0; i < size; i++) {
        const char pair[2] = {digits[at[i] >> 4], digits[at[i] & 15]};
        jsn_add(b, pair, sizeof pair);
    }
    jsn_add(b, "\"", 1);
}

void jsn_comma(spw_json_buffer *b)
{
    const char last = b->size > 0 ? b->text[b->size - 1] : '{';
    if (last != '{' && last != '[') {
        jsn_add(b, ",", 1);
    }
}

void jsn_key(spw_json_buffer *b, const char *key)
{
    jsn_comma(b);
    jsn_text(b, key);
    jsn_add(b, ":", 1);
}

static void put_i64(spw_json_buffer *b, int64_t value)
{
    jsn_putf(b, "%" PRId64, value);
}

/* The value of a cell that is a number. */
static int64_t number_of(jsn_kind kind, const void *cell)
{
    int32_t narrow = 0;
    int64_t wide = 0;
    size_t size = 0;
    if (kind == JSN_SIZE) {
        memcpy(&size, cell, sizeof size);
        return size <= INT64_MAX ? (int64_t)size : INT64_MAX;
    }
    if (kind == JSN_I32 || kind == JSN_STOCK) {
        memcpy(&narrow, cell, sizeof narrow);
        return narrow;
    }
    memcpy(&wide, cell, sizeof wide);
    return wide;
}

void jsn_cell_write(spw_json_buffer *b, const jsn_column *column, const void *cell)
{
    const uint8_t *byte = cell;
    const char *text = NULL;
    uint64_t key = 0;
    jsn_key(b, column->key);
    switch (column->kind) {
    case JSN_FLAG:
        jsn_put(b, *byte != 0 ? "true" : "false");
        break;
    case JSN_WORD:
        jsn_text(b, column->words[*byte - 1]);
        break;
    case JSN_I32:
    case JSN_I64:
    case JSN_SIZE:
        put_i64(b, number_of(column->kind, cell));
        break;
    case JSN_STOCK:
    case JSN_MOMENT:
        if (number_of(column->kind, cell) == (column->kind == JSN_STOCK ? -1 : SPW_TIME_MAX)) {
            jsn_put(b, "null");
        } else {
            put_i64(b, number_of(column->kind, cell));
        }
        break;
    case JSN_TEXT:
        memcpy(&text, cell, sizeof text);
        jsn_text(b, text);
        break;
    case JSN_KEY64:
        memcpy(&key, cell, sizeof key);
        jsn_putf(b, "\"%016" PRIx64 "\"", key);
        break;
    case JSN_ID:
    case JSN_OWN:
    case JSN_UNUSED:
        break;
    }
}

void jsn_fields_write(spw_json_buffer *b, const jsn_fields *fields, const void *from)
{
    for (size_t i = 0; i < fields->column_count; i++) {
        const jsn_column *column = &fields->columns[i];
        if (jsn_cell_size(column->kind) > 0) {
            jsn_cell_write(b, column, (const char *)from + column->offset);
        }
    }
}
