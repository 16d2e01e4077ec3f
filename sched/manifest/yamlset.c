/* SPDX-License-Identifier: Apache-2.0 */
/** yamlset.c - yamldoc_set() and ytree_set(): one value of a document replaced or added by path. */
#include "sched/manifest/yamltree.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define SEGMENT_MAX 256u

/* One step of a path: a key, or an index when key is empty. */
typedef struct segment {
    char key[SEGMENT_MAX];
    size_t index;
    bool is_index;
} segment;

typedef struct setter {
    yamldoc *doc;
    ynode *root; /* where the path begins */
    spw_diag *diag;
    const char *path;
    const char *label; /* "--set PATH", the file of new nodes */
} setter;

static spw_rc refuse(const setter *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

static spw_rc refuse(const setter *s, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    spw_diag_add(s->diag, SPW_DIAG_ERROR, s->label, 0, 0, "%s", text);
    return SPW_INVAL;
}

static bool copy_key(segment *out, const char *from, size_t length)
{
    if (length == 0 || length >= SEGMENT_MAX) {
        return false;
    }
    memcpy(out->key, from, length);
    out->key[length] = '\0';
    out->is_index = false;
    return true;
}

/* Reads "[12]" or "[\"a.b\"]". @return the character behind it, NULL on a bad form. */
static const char *read_bracket(const char *p, segment *out)
{
    if (p[1] == '"') {
        const char *end = strchr(p + 2, '"');

        if (end == NULL || end[1] != ']' || !copy_key(out, p + 2, (size_t)(end - (p + 2)))) {
            return NULL;
        }
        return end + 2;
    }
    out->is_index = true;
    out->index = 0;
    p++;
    if (*p < '0' || *p > '9') {
        return NULL;
    }
    for (; *p >= '0' && *p <= '9'; p++) {
        out->index = out->index * 10 + (size_t)(*p - '0');
        if (out->index > YAMLDOC_NODES_MAX) {
            return NULL;
        }
    }
    return *p == ']' ? p + 1 : NULL;
}

/* Reads the next step of a path. @return the character behind it, NULL on a bad form. */
static const char *read_segment(const char *p, bool first, segment *out)
{
    size_t length;

    if (*p == '[') {
        return read_bracket(p, out);
    }
    if (!first) {
        if (*p != '.') {
            return NULL;
        }
        p++;
    }
    length = strcspn(p, ".[");
    return copy_key(out, p, length) ? p + length : NULL;
}

static ynode **find_slot(ynode *map, const char *key)
{
    for (size_t i = 0; i < map->count; i++) {
        if (strcmp(map->keys[i]->text, key) == 0) {
            return &map->items[i];
        }
    }
    return NULL;
}

/* The new value as a node: YAML when it starts like a quoted text or a flow collection, else one plain scalar. */
static spw_rc make_value(const setter *s, const char *value, ynode **out)
{
    zone *z = &s->doc->z;
    yamldoc part;
    spw_rc rc;

    if (value[0] == '\0' || strchr("[{\"'", value[0]) == NULL) {
        ynode *node = ytree_new(z, YNODE_SCALAR, s->label, 1, 1);

        if (node == NULL) {
            return SPW_NOMEM;
        }
        node->length = strlen(value);
        node->text = zone_text(z, value, node->length);
        *out = node;
        return node->text != NULL ? SPW_OK : SPW_NOMEM;
    }
    memset(&part, 0, sizeof(part));
    zone_init(&part.z, &z->mem);
    part.z.head = z->head; /* the zone is lent, so that the new nodes live as long as the document */
    rc = ytree_parse(&part, s->label, value, strlen(value), s->diag);
    z->head = part.z.head;
    if (rc != SPW_OK) {
        return rc;
    }
    if (part.count != 1) {
        return refuse(s, "the value holds more than one YAML document");
    }
    *out = part.roots[0];
    return SPW_OK;
}

/* Adds key to map with an empty mapping or the final value. */
static spw_rc add_key(const setter *s, ynode *map, const char *key, ynode *value)
{
    zone *z = &s->doc->z;
    ynode *name = ytree_new(z, YNODE_SCALAR, s->label, 1, 1);

    if (name == NULL) {
        return SPW_NOMEM;
    }
    name->length = strlen(key);
    name->text = zone_text(z, key, name->length);
    if (name->text == NULL || !ytree_append(z, map, name, value)) {
        return SPW_NOMEM;
    }
    return SPW_OK;
}

static void put_in_slot(ynode **slot, ynode *value)
{
    value->parent = (*slot)->parent;
    value->key = (*slot)->key;
    value->index = (*slot)->index;
    *slot = value;
}

/* One step down from node. *slot = where the next value stands, or NULL when the key has to be added. */
static spw_rc step(const setter *s, ynode *node, const segment *part, ynode ***slot)
{
    char where[256];
    char what[96];

    ynode_path(node, where, sizeof(where));
    if (part->is_index) {
        if (node->kind != YNODE_SEQUENCE) {
            return refuse(s, "'%s' is %s, so it has no element [%zu]", where, ynode_describe(node, what, sizeof(what)),
                          part->index);
        }
        if (part->index >= node->count) {
            return refuse(s, "'%s' has %zu elements, so there is no [%zu]", where, node->count, part->index);
        }
        *slot = &node->items[part->index];
        return SPW_OK;
    }
    if (node->kind != YNODE_MAPPING) {
        return refuse(s, "'%s' is %s, so it has no key '%s'", where, ynode_describe(node, what, sizeof(what)),
                      part->key);
    }
    *slot = find_slot(node, part->key);
    return SPW_OK;
}

static spw_rc walk(const setter *s, ynode *value)
{
    const char *p = s->path;
    ynode *node = s->root;
    bool first = true;

    for (size_t depth = 0; depth < YAMLDOC_DEPTH_MAX; depth++) {
        segment part;
        ynode **slot = NULL;
        ynode *next = value;
        const char *rest = read_segment(p, first, &part);
        spw_rc rc;

        if (rest == NULL) {
            return refuse(s, "bad path at '%s'; write keys joined by dots and [n] for list elements", p);
        }
        first = false;
        rc = step(s, node, &part, &slot);
        if (rc != SPW_OK) {
            return rc;
        }
        if (*rest == '\0' && slot != NULL) {
            put_in_slot(slot, value);
            return SPW_OK;
        }
        if (*rest != '\0' && (slot == NULL || ynode_is_null(*slot))) {
            next = ytree_new(&s->doc->z, YNODE_MAPPING, s->label, 1, 1);
            if (next == NULL) {
                return SPW_NOMEM;
            }
        }
        if (slot == NULL) {
            rc = add_key(s, node, part.key, next);
            if (rc != SPW_OK || *rest == '\0') {
                return rc;
            }
        } else if (ynode_is_null(*slot)) {
            put_in_slot(slot, next);
        }
        node = slot != NULL ? *slot : next;
        p = rest;
    }
    return refuse(s, "nested deeper than 64 levels");
}

/* Every step of the path, before anything is changed, so that a refused path leaves the document as it was. */
static spw_rc check_path(const setter *s)
{
    const char *p = s->path;
    bool first = true;
    ynode *node = s->root;

    if (*p == '\0') {
        return refuse(s, "the path is empty");
    }
    for (size_t depth = 0; *p != '\0'; depth++) {
        segment part;
        ynode **slot = NULL;
        const char *rest = read_segment(p, first, &part);

        if (rest == NULL) {
            return refuse(s, "bad path at '%s'; write keys joined by dots and [n] for list elements", p);
        }
        if (depth == YAMLDOC_DEPTH_MAX) {
            return refuse(s, "nested deeper than 64 levels");
        }
        if (node != NULL) {
            spw_rc rc = step(s, node, &part, &slot);

            if (rc != SPW_OK) {
                return rc;
            }
            node = slot != NULL && !ynode_is_null(*slot) ? *slot : NULL;
        } else if (part.is_index) {
            return refuse(s, "there is no list before [%zu]", part.index);
        }
        first = false;
        p = rest;
    }
    return SPW_OK;
}

spw_rc ytree_set(yamldoc *doc, ynode *root, const char *label, const char *path, const char *value, spw_diag *diag)
{
    setter s = {.doc = doc, .root = root, .diag = diag, .path = path, .label = label};
    ynode *node = NULL;
    spw_rc rc = check_path(&s);

    if (rc != SPW_OK) {
        return rc;
    }
    rc = make_value(&s, value, &node);
    return rc == SPW_OK ? walk(&s, node) : rc;
}

spw_rc yamldoc_set(yamldoc *doc, const char *path, const char *value, spw_diag *diag)
{
    const char *label;

    assert(doc != NULL && path != NULL && value != NULL && diag != NULL);
    label = zone_format(&doc->z, "--set %s", path);
    if (label == NULL) {
        return SPW_NOMEM;
    }
    if (doc->count == 0) {
        spw_diag_add(diag, SPW_DIAG_ERROR, label, 0, 0, "the file holds no document");
        return SPW_INVAL;
    }
    return ytree_set(doc, doc->roots[0], label, path, value, diag);
}
