/* SPDX-License-Identifier: Apache-2.0 */
/** yamltree.h - inside of yamldoc: how trees are built, by the reader and by yamldoc_set(). */
#ifndef SCHED_MANIFEST_YAMLTREE_H
#define SCHED_MANIFEST_YAMLTREE_H

#include "sched/manifest/yamldoc.h"

struct yamldoc {
    zone z;
    ynode **roots; /* [count], room for the next power of two */
    size_t count;
};

/** A node without children; text may be NULL for collections. @return NULL when out of memory. */
ynode *ytree_new(zone *z, ynode_kind kind, const char *file, int32_t line, int32_t column);

/** Makes room for one more element behind count. @return false when out of memory. */
bool ytree_room(zone *z, ynode ***array, size_t count);

/** Appends a value (with its key in a mapping) and links it. @return false when out of memory. */
bool ytree_append(zone *z, ynode *parent, ynode *key, ynode *item);

/** Appends the documents of a text to doc. file must outlive doc. @return SPW_OK, SPW_INVAL, SPW_NOMEM. */
spw_rc ytree_parse(yamldoc *doc, const char *file, const char *text, size_t length, spw_diag *diag);

/**
 * As yamldoc_set(), below any mapping of doc.
 * @param label file of the new nodes and of what is said about the path; must outlive doc
 */
spw_rc ytree_set(yamldoc *doc, ynode *root, const char *label, const char *path, const char *value, spw_diag *diag);

#endif
