/* SPDX-License-Identifier: Apache-2.0 */
/** yamltree.c - nodes: build, find, name, describe. */
#include "sched/manifest/yamltree.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ROOM_FIRST 4u

ynode *ytree_new(zone *z, ynode_kind kind, const char *file, int32_t line, int32_t column)
{
    ynode *node = zone_take(z, sizeof(*node));

    if (node != NULL) {
        node->kind = kind;
        node->file = file;
        node->line = line;
        node->column = column;
    }
    return node;
}

/* An array has room for the next power of two, at least ROOM_FIRST, so no capacity is stored. */
static bool is_full(size_t count)
{
    return count == 0 || (count >= ROOM_FIRST && (count & (count - 1)) == 0);
}

bool ytree_room(zone *z, ynode ***array, size_t count)
{
    ynode **bigger;

    if (!is_full(count)) {
        return true;
    }
    bigger = zone_array(z, count == 0 ? ROOM_FIRST : count * 2, sizeof(*bigger));
    if (bigger == NULL) {
        return false;
    }
    if (count > 0) {
        memcpy(bigger, *array, count * sizeof(*bigger));
    }
    *array = bigger;
    return true;
}

bool ytree_append(zone *z, ynode *parent, ynode *key, ynode *item)
{
    assert(parent->kind != YNODE_SCALAR && (key != NULL) == (parent->kind == YNODE_MAPPING));
    if (!ytree_room(z, &parent->items, parent->count) ||
        (key != NULL && !ytree_room(z, &parent->keys, parent->count))) {
        return false;
    }
    if (key != NULL) {
        key->parent = parent;
        key->index = parent->count;
        parent->keys[parent->count] = key;
    }
    item->parent = parent;
    item->key = key;
    item->index = parent->count;
    parent->items[parent->count] = item;
    parent->count++;
    return true;
}

size_t yamldoc_count(const yamldoc *doc)
{
    return doc->count;
}

const ynode *yamldoc_root(const yamldoc *doc, size_t index)
{
    assert(index < doc->count);
    return doc->roots[index];
}

void yamldoc_free(yamldoc *doc)
{
    if (doc != NULL) {
        zone z = doc->z; /* the document lives in its own zone */
        zone_fini(&z);
    }
}

const ynode *ynode_get(const ynode *map, const char *key)
{
    if (map == NULL || map->kind != YNODE_MAPPING) {
        return NULL;
    }
    for (size_t i = 0; i < map->count; i++) {
        if (strcmp(map->keys[i]->text, key) == 0) {
            return map->items[i];
        }
    }
    return NULL;
}

bool ynode_is_null(const ynode *node)
{
    return node->kind == YNODE_SCALAR && !node->quoted &&
           (node->length == 0 || strcmp(node->text, "~") == 0 || strcmp(node->text, "null") == 0);
}

/* Appends to a buffer, cutting at its end. @return the new length. */
static size_t put(char *buf, size_t size, size_t used, const char *text)
{
    const size_t length = strlen(text);
    const size_t room = size - 1 - used;
    const size_t take = length < room ? length : room;

    memcpy(buf + used, text, take);
    buf[used + take] = '\0';
    return used + take;
}

static bool is_plain_key(const char *key)
{
    return key[0] != '\0' && strpbrk(key, ".[]\"") == NULL;
}

const char *ynode_path(const ynode *node, char *buf, size_t size)
{
    const ynode *chain[2 * YAMLDOC_DEPTH_MAX];
    size_t depth = 0;
    size_t used = 0;
    char number[32];

    assert(size > 0);
    buf[0] = '\0';
    for (; node->parent != NULL && depth < 2 * YAMLDOC_DEPTH_MAX; node = node->parent) {
        chain[depth++] = node;
    }
    while (depth > 0) {
        const ynode *step = chain[--depth];
        /* A key node stands for the place its value has. */
        const char *key = step->key != NULL ? step->key->text : step->parent->kind == YNODE_MAPPING ? step->text : NULL;

        if (key == NULL) {
            (void)snprintf(number, sizeof(number), "[%zu]", step->index);
            used = put(buf, size, used, number);
        } else if (is_plain_key(key)) {
            used = put(buf, size, used, used > 0 ? "." : "");
            used = put(buf, size, used, key);
        } else {
            used = put(buf, size, used, "[\"");
            used = put(buf, size, used, key);
            used = put(buf, size, used, "\"]");
        }
    }
    return buf;
}

const char *ynode_describe(const ynode *node, char *buf, size_t size)
{
    const char *mark = node->quoted ? "\"" : "'";

    if (node->kind == YNODE_MAPPING) {
        (void)snprintf(buf, size, "a mapping");
    } else if (node->kind == YNODE_SEQUENCE) {
        (void)snprintf(buf, size, "a list");
    } else if (ynode_is_null(node)) {
        (void)snprintf(buf, size, "no value");
    } else if (node->length > 40 || strpbrk(node->text, "\n\r\t") != NULL) {
        (void)snprintf(buf, size, "a text of %zu bytes", node->length);
    } else {
        (void)snprintf(buf, size, "%s%s%s%s", mark, node->text, mark, node->quoted ? " in quotes" : "");
    }
    return buf;
}

static void __attribute__((format(printf, 4, 0)))
report(spw_diag *diag, spw_diag_level level, const ynode *at, const char *format, va_list args)
{
    char text[1024];

    (void)vsnprintf(text, sizeof(text), format, args);
    spw_diag_add(diag, level, at->file, at->line, at->column, "%s", text);
}

void ynode_error(spw_diag *diag, const ynode *at, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    report(diag, SPW_DIAG_ERROR, at, format, args);
    va_end(args);
}

void ynode_warning(spw_diag *diag, const ynode *at, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    report(diag, SPW_DIAG_WARNING, at, format, args);
    va_end(args);
}
