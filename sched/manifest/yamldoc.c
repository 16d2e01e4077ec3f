/* SPDX-License-Identifier: Apache-2.0 */
/**
 * yamldoc.c - libyaml events into a tree, without recursion: a stack of at most YAMLDOC_DEPTH_MAX open collections.
 *
 * What only spoils one node (an anchor, a tag, a merge key, a duplicate key) is reported and reading goes on, so
 * that one run shows all of them; what libyaml itself refuses, and every limit, ends the reading.
 */
#include "sched/manifest/yamldoc.h"

#include "sched/manifest/yamltree.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define LINEAR_KEYS 16u /* up to here duplicates are found by comparing all pairs, above by sorting */

typedef struct reader {
    yamldoc *doc;
    zone *z;
    const char *file;
    spw_diag *diag;
    ynode *stack[YAMLDOC_DEPTH_MAX];
    ynode *keys[YAMLDOC_DEPTH_MAX]; /* the key that waits for its value, per open mapping */
    size_t depth;
    size_t nodes;
    ynode *root;
    spw_rc rc; /* SPW_OK, or why the reading ended */
} reader;

static void fail_at(reader *r, yaml_mark_t mark, const char *text)
{
    spw_diag_add(r->diag, SPW_DIAG_ERROR, r->file, (int32_t)mark.line + 1, (int32_t)mark.column + 1, "%s", text);
}

static void stop_at(reader *r, yaml_mark_t mark, const char *text)
{
    fail_at(r, mark, text);
    r->rc = SPW_INVAL;
}

static int by_text_then_index(const void *a, const void *b)
{
    const ynode *left = *(ynode *const *)a;
    const ynode *right = *(ynode *const *)b;
    const int order = strcmp(left->text, right->text);

    if (order != 0) {
        return order;
    }
    return left->index < right->index ? -1 : 1;
}

static void report_duplicate(reader *r, const ynode *key, const ynode *first)
{
    char path[256];

    ynode_path(first->parent, path, sizeof(path));
    ynode_error(r->diag, key, "duplicate key '%s' in %s%s%s (first on line %" PRId32 ")", key->text,
                path[0] != '\0' ? "'" : "", path[0] != '\0' ? path : "the document", path[0] != '\0' ? "'" : "",
                first->line);
}

static void check_duplicates(reader *r, const ynode *map)
{
    ynode **sorted;

    if (map->count <= LINEAR_KEYS) {
        for (size_t i = 1; i < map->count; i++) {
            for (size_t j = 0; j < i; j++) {
                if (strcmp(map->keys[i]->text, map->keys[j]->text) == 0) {
                    report_duplicate(r, map->keys[i], map->keys[j]);
                    break;
                }
            }
        }
        return;
    }
    sorted = zone_array(r->z, map->count, sizeof(*sorted));
    if (sorted == NULL) {
        r->rc = SPW_NOMEM;
        return;
    }
    memcpy(sorted, map->keys, map->count * sizeof(*sorted));
    qsort(sorted, map->count, sizeof(*sorted), by_text_then_index);
    for (size_t i = 1; i < map->count; i++) {
        if (strcmp(sorted[i]->text, sorted[i - 1]->text) == 0) {
            report_duplicate(r, sorted[i], sorted[i - 1]);
        }
    }
}

/* Puts a finished or just opened node where it belongs: key, value, element or root. */
static void place(reader *r, ynode *node, yaml_mark_t mark)
{
    ynode *parent;

    if (r->depth == 0) {
        r->root = node;
        return;
    }
    parent = r->stack[r->depth - 1];
    if (parent->kind == YNODE_SEQUENCE) {
        if (!ytree_append(r->z, parent, NULL, node)) {
            r->rc = SPW_NOMEM;
        }
        return;
    }
    if (r->keys[r->depth - 1] != NULL) {
        if (!ytree_append(r->z, parent, r->keys[r->depth - 1], node)) {
            r->rc = SPW_NOMEM;
        }
        r->keys[r->depth - 1] = NULL;
        return;
    }
    if (node->kind != YNODE_SCALAR) {
        stop_at(r, mark, "a key must be plain text, not a list or a mapping");
        return;
    }
    if (node->length == 0) {
        fail_at(r, mark, "a key must not be empty");
    } else if (!node->quoted && strcmp(node->text, "<<") == 0) {
        fail_at(r, mark, "merge keys ('<<') are not supported; write the keys out");
    }
    r->keys[r->depth - 1] = node;
}

static ynode *make(reader *r, ynode_kind kind, yaml_mark_t mark)
{
    ynode *node;

    if (r->nodes == YAMLDOC_NODES_MAX) {
        stop_at(r, mark, "the file holds more than 1000000 nodes");
        return NULL;
    }
    r->nodes++;
    node = ytree_new(r->z, kind, r->file, (int32_t)mark.line + 1, (int32_t)mark.column + 1);
    if (node == NULL) {
        r->rc = SPW_NOMEM;
    }
    return node;
}

static void refuse_extras(reader *r, yaml_mark_t mark, const yaml_char_t *anchor, const yaml_char_t *tag)
{
    if (anchor != NULL) {
        fail_at(r, mark, "anchors ('&') are not supported; write the value out at each place");
    }
    if (tag != NULL) {
        fail_at(r, mark, "tags ('!') are not supported");
    }
}

static void on_scalar(reader *r, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    const size_t length = event->data.scalar.length;
    ynode *node;

    refuse_extras(r, event->start_mark, event->data.scalar.anchor, event->data.scalar.tag);
    if (memchr(text, '\0', length) != NULL) {
        stop_at(r, event->start_mark, "text must not hold a NUL character");
        return;
    }
    node = make(r, YNODE_SCALAR, event->start_mark);
    if (node == NULL) {
        return;
    }
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    node->length = length;
    node->text = zone_text(r->z, text, length);
    if (node->text == NULL) {
        r->rc = SPW_NOMEM;
        return;
    }
    place(r, node, event->start_mark);
}

static void on_open(reader *r, ynode_kind kind, const yaml_event_t *event, const yaml_char_t *anchor,
                    const yaml_char_t *tag)
{
    ynode *node;

    refuse_extras(r, event->start_mark, anchor, tag);
    if (r->depth == YAMLDOC_DEPTH_MAX) {
        stop_at(r, event->start_mark, "nested deeper than 64 levels");
        return;
    }
    node = make(r, kind, event->start_mark);
    if (node == NULL) {
        return;
    }
    place(r, node, event->start_mark);
    r->stack[r->depth] = node;
    r->keys[r->depth] = NULL;
    r->depth++;
}

static void on_close(reader *r)
{
    assert(r->depth > 0);
    r->depth--;
    if (r->stack[r->depth]->kind == YNODE_MAPPING) {
        check_duplicates(r, r->stack[r->depth]);
    }
}

static void on_alias(reader *r, const yaml_event_t *event)
{
    ynode *node;

    fail_at(r, event->start_mark, "aliases ('*') are not supported; write the value out at each place");
    node = make(r, YNODE_SCALAR, event->start_mark);
    if (node != NULL) {
        node->text = "alias"; /* stands in so that reading can go on; the document is refused anyway */
        node->length = 5;
        place(r, node, event->start_mark);
    }
}

static void on_document_end(reader *r)
{
    yamldoc *doc = r->doc;

    assert(r->depth == 0);
    if (r->root == NULL || ynode_is_null(r->root)) {
        return; /* only comments */
    }
    if (!ytree_room(r->z, &doc->roots, doc->count)) {
        r->rc = SPW_NOMEM;
        return;
    }
    doc->roots[doc->count++] = r->root;
}

/* @return true when there is more to come. */
static bool on_event(reader *r, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        r->root = NULL;
        break;
    case YAML_DOCUMENT_END_EVENT:
        on_document_end(r);
        break;
    case YAML_SCALAR_EVENT:
        on_scalar(r, event);
        break;
    case YAML_SEQUENCE_START_EVENT:
        on_open(r, YNODE_SEQUENCE, event, event->data.sequence_start.anchor, event->data.sequence_start.tag);
        break;
    case YAML_MAPPING_START_EVENT:
        on_open(r, YNODE_MAPPING, event, event->data.mapping_start.anchor, event->data.mapping_start.tag);
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        on_close(r);
        break;
    case YAML_ALIAS_EVENT:
        on_alias(r, event);
        break;
    case YAML_STREAM_END_EVENT:
        return false;
    case YAML_STREAM_START_EVENT:
    case YAML_NO_EVENT:
        break;
    }
    return r->rc == SPW_OK;
}

static yaml_mark_t mark_of_offset(const char *text, size_t length, size_t offset)
{
    yaml_mark_t mark = {offset, 0, 0};

    for (size_t i = 0; i < offset && i < length; i++) {
        const unsigned char c = (unsigned char)text[i];

        if (c == '\n') {
            mark.line++;
            mark.column = 0;
        } else if ((c & 0xC0u) != 0x80u) {
            mark.column++; /* continuation bytes of UTF-8 do not start a character */
        }
    }
    return mark;
}

static void report_parser(reader *r, const yaml_parser_t *parser, const char *text, size_t length)
{
    char line[256];
    const char *problem = parser->problem != NULL ? parser->problem : "cannot be read";

    if (parser->error == YAML_MEMORY_ERROR) {
        r->rc = SPW_NOMEM;
        return;
    }
    if (parser->error == YAML_READER_ERROR) {
        (void)snprintf(line, sizeof(line), "not valid UTF-8 text: %s", problem);
        stop_at(r, mark_of_offset(text, length, parser->problem_offset), line);
        return;
    }
    (void)snprintf(line, sizeof(line), "bad YAML: %s%s%s", problem, parser->context != NULL ? ", " : "",
                   parser->context != NULL ? parser->context : "");
    stop_at(r, parser->problem_mark, line);
}

spw_rc ytree_parse(yamldoc *doc, const char *file, const char *text, size_t length, spw_diag *diag)
{
    reader r = {.doc = doc, .z = &doc->z, .file = file, .diag = diag};
    const size_t errors = spw_diag_errors(diag);
    yaml_parser_t parser;
    bool more = true;

    if (length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
        text += 3; /* a byte order mark would shift the first column */
        length -= 3;
    }
    if (length > YAMLDOC_BYTES_MAX) {
        spw_diag_add(diag, SPW_DIAG_ERROR, file, 0, 0, "larger than 16 MiB");
        return SPW_INVAL;
    }
    if (yaml_parser_initialize(&parser) == 0) {
        return SPW_NOMEM;
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
    while (more) {
        yaml_event_t event;

        if (yaml_parser_parse(&parser, &event) == 0) {
            report_parser(&r, &parser, text, length);
            break;
        }
        more = on_event(&r, &event);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    if (r.rc == SPW_OK && spw_diag_errors(diag) != errors) {
        return SPW_INVAL;
    }
    return r.rc;
}

/* A document in a zone of its own, with a copy of the name. */
static yamldoc *doc_new(const spw_mem *mem, const char *name, char **name_out)
{
    zone z;
    yamldoc *doc;

    zone_init(&z, mem);
    doc = zone_take(&z, sizeof(*doc));
    *name_out = doc != NULL ? zone_text(&z, name, strlen(name)) : NULL;
    if (*name_out == NULL) {
        zone_fini(&z);
        return NULL;
    }
    doc->z = z;
    return doc;
}

spw_rc yamldoc_read_text(const char *name, const char *text, size_t length, const spw_mem *mem, spw_diag *diag,
                         yamldoc **out)
{
    char *file;
    yamldoc *doc = doc_new(mem, name, &file);
    spw_rc rc;

    assert(diag != NULL && out != NULL);
    if (doc == NULL) {
        return SPW_NOMEM;
    }
    rc = ytree_parse(doc, file, text, length, diag);
    if (rc != SPW_OK) {
        yamldoc_free(doc);
        return rc;
    }
    *out = doc;
    return SPW_OK;
}

/* Reads up to size bytes. @return 0, or errno. */
static int read_all(const char *path, char *buf, size_t size, size_t *length)
{
    FILE *file = fopen(path, "rb");
    int code = 0;

    if (file == NULL) {
        return errno;
    }
    errno = 0;
    *length = fread(buf, 1, size, file);
    if (ferror(file) != 0) {
        code = errno != 0 ? errno : EIO;
    }
    (void)fclose(file);
    return code;
}

spw_rc yamldoc_read_file(const char *path, const spw_mem *mem, spw_diag *diag, yamldoc **out)
{
    const spw_mem *heap = mem != NULL ? mem : spw_mem_libc();
    const size_t size = YAMLDOC_BYTES_MAX + 4u; /* room for a byte order mark and one byte too many */
    char *buf = heap->take(size, heap->user);
    size_t length = 0;
    int code;
    spw_rc rc;

    if (buf == NULL) {
        return SPW_NOMEM;
    }
    code = read_all(path, buf, size, &length);
    if (code != 0) {
        spw_diag_add(diag, SPW_DIAG_ERROR, path, 0, 0, "cannot be read: %s", strerror(code));
        rc = SPW_BACKEND;
    } else {
        rc = yamldoc_read_text(path, buf, length, mem, diag, out);
    }
    heap->give(buf, heap->user);
    return rc;
}
