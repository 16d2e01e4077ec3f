/* SPDX-License-Identifier: Apache-2.0 */
/** manifest_edit.c - see manifest_edit.h. */
#include "sched/manifest/manifest_edit.h"

#include "sched/manifest/manifest_int.h"
#include "sched/manifest/yamltree.h"

#include <stdlib.h>
#include <string.h>

bool manifest_edit_split(const char *text, size_t *split)
{
    const size_t length = strcspn(text, ":");

    if (text[0] < 'A' || text[0] > 'Z' || text[length] == '\0' || memchr(text, '/', length) == NULL) {
        return false;
    }
    *split = length;
    return true;
}

static const char *scalar_of(const ynode *map, const char *key)
{
    const ynode *node = ynode_get(map, key);

    return node != NULL && node->kind == YNODE_SCALAR && node->length > 0 ? node->text : NULL;
}

static spw_rc edit_object(yamldoc *doc, ynode *root, manifest_edit *edits, size_t count, zone *z, spw_diag *diag)
{
    const char *kind = scalar_of(root, "kind");
    const char *name = scalar_of(ynode_get(root, "metadata"), "name");
    const char *space = scalar_of(ynode_get(root, "metadata"), "namespace");
    const char *brief;
    const char *full;

    if (kind == NULL || name == NULL) {
        return SPW_OK; /* its real reader will complain */
    }
    brief = zone_format(z, "%s/%s", kind, name);
    full = zone_format(z, "%s/%s/%s", kind, space != NULL ? space : "default", name);
    if (brief == NULL || full == NULL) {
        return SPW_NOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        manifest_edit *e = &edits[i];
        const char *label;
        spw_rc rc;

        suggest_offer(&e->near, brief);
        suggest_offer(&e->near, full);
        if (strcmp(e->object, brief) != 0 && strcmp(e->object, full) != 0) {
            continue;
        }
        label = zone_format(&doc->z, "--set %s:%s", e->object, e->path);
        if (label == NULL) {
            return SPW_NOMEM;
        }
        rc = ytree_set(doc, root, label, e->path, e->value, diag);
        if (rc != SPW_OK) {
            return rc;
        }
        e->matched++;
    }
    return SPW_OK;
}

static spw_rc edit_doc(yamldoc *doc, manifest_edit *edits, size_t count, zone *z, spw_diag *diag)
{
    spw_rc rc = SPW_OK;

    for (size_t i = 0; i < doc->count && rc == SPW_OK; i++) {
        const char *kind = scalar_of(doc->roots[i], "kind");
        const ynode *items = ynode_get(doc->roots[i], "items");

        if (kind == NULL || strcmp(kind, "List") != 0 || items == NULL || items->kind != YNODE_SEQUENCE) {
            rc = edit_object(doc, doc->roots[i], edits, count, z, diag);
            continue;
        }
        for (size_t k = 0; k < items->count && rc == SPW_OK; k++) {
            rc = edit_object(doc, items->items[k], edits, count, z, diag);
        }
    }
    return rc;
}

static spw_rc print_doc(const yamldoc *doc, zone *z, char **text, size_t *size)
{
    char *buffer = NULL;
    FILE *out = open_memstream(&buffer, size);
    bool good = out != NULL && yamldoc_print(doc, out);

    if (out != NULL && fclose(out) != 0) {
        good = false;
    }
    *text = good ? zone_text(z, buffer, *size) : NULL;
    free(buffer);
    return *text != NULL ? SPW_OK : SPW_NOMEM;
}

spw_rc manifest_edit_add(spw_manifest_set *set, const char *path, manifest_edit *edits, size_t count, zone *z,
                         spw_diag *diag, char **text, size_t *size)
{
    yamldoc *doc = NULL;
    size_t before = 0;
    size_t after = 0;
    spw_rc rc;

    *text = NULL;
    *size = 0;
    if (count == 0) {
        return spw_manifest_add_file(set, path, diag);
    }
    rc = yamldoc_read_file(path, NULL, diag, &doc);
    if (rc != SPW_OK) {
        return rc;
    }
    for (size_t i = 0; i < count; i++) {
        before += edits[i].matched;
    }
    rc = edit_doc(doc, edits, count, z, diag);
    for (size_t i = 0; i < count; i++) {
        after += edits[i].matched;
    }
    if (rc == SPW_OK && after > before) {
        rc = print_doc(doc, z, text, size);
    }
    if (rc != SPW_OK) {
        yamldoc_free(doc);
        return rc;
    }
    return km_add_doc(set, doc, diag);
}
