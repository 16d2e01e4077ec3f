/* SPDX-License-Identifier: Apache-2.0 */
/**
 * yamldoc.h - strict YAML: a file becomes a tree of nodes with positions.
 *
 * Built on libyaml's event interface. Refused, each with its position: duplicate keys, keys that are not plain text,
 * anchors, aliases, tags, merge keys, bytes that are no UTF-8, a text over 16 MiB, nesting over 64, over 1 M nodes.
 * Nothing is resolved: a scalar is text plus whether it was quoted; bind.h gives it a type. So `NO` stays "NO".
 *
 * Lines and columns count from 1, columns in characters. Every message has the form
 * "file:line:col: error: sentence" and goes to the spw_diag of the caller.
 */
#ifndef SCHED_MANIFEST_YAMLDOC_H
#define SCHED_MANIFEST_YAMLDOC_H

#include "sched/manifest/zone.h"

#include <spillway/manifest.h>
#include <stdio.h>

#define YAMLDOC_BYTES_MAX (16u * 1024u * 1024u)
#define YAMLDOC_DEPTH_MAX 64u
#define YAMLDOC_NODES_MAX 1000000u

typedef enum ynode_kind { YNODE_SCALAR = 1, YNODE_SEQUENCE = 2, YNODE_MAPPING = 3 } ynode_kind;

/** One node. Everything it points to lives in the yamldoc. */
typedef struct ynode ynode;
struct ynode {
    ynode_kind kind;
    bool quoted;      /**< scalar in quotes, or a block scalar (| or >); never a number, bool or null */
    int32_t line;     /**< from 1 */
    int32_t column;   /**< from 1 */
    const char *file; /**< as given to yamldoc_read_*; "--set" after yamldoc_set() */
    const char *text; /**< scalar: terminated, holds no NUL inside; else NULL */
    size_t length;    /**< scalar: bytes of text */
    ynode **keys;     /**< mapping: [count] scalars in order of appearance; else NULL */
    ynode **items;    /**< sequence and mapping: [count] values */
    size_t count;
    const ynode *parent; /**< NULL at a root */
    const ynode *key;    /**< the key this value stands under, NULL in a sequence or at a root */
    size_t index;        /**< position in the parent */
};

typedef struct yamldoc yamldoc; /**< all documents of one file */

/**
 * Reads all documents of a file. Documents that are empty (only comments) are dropped.
 * @param name what messages call the text
 * @param diag must not be NULL
 * @param mem  NULL = spw_mem_libc(); libyaml itself always uses the heap of libc
 * @return SPW_OK and *out (free with yamldoc_free); SPW_INVAL (at least one error added); SPW_BACKEND (cannot read
 *         the file; error added with line 0 left out); SPW_NOMEM. *out is untouched on failure.
 */
spw_rc yamldoc_read_file(const char *path, const spw_mem *mem, spw_diag *diag, yamldoc **out);
spw_rc yamldoc_read_text(const char *name, const char *text, size_t length, const spw_mem *mem, spw_diag *diag,
                         yamldoc **out);
void yamldoc_free(yamldoc *doc); /**< NULL allowed */

size_t yamldoc_count(const yamldoc *doc);                    /**< documents */
const ynode *yamldoc_root(const yamldoc *doc, size_t index); /**< index < count */

/**
 * Overrides one value of the FIRST document, as `--set PATH=VALUE` does.
 *
 * path: keys joined by dots, [n] for an element of a list, ["a.b/c"] for a key that holds dots:
 *   spec.services[0].traffic[0].file     metadata.annotations["spillway.dev/failback"]
 * A key that is missing is appended to its mapping, with mappings in between as needed. An index must exist.
 * value: a value that starts with [ { " or ' is read as YAML; everything else is one plain scalar, verbatim.
 * New nodes have file "--set PATH", line 1, column 1, so that later messages point at the option.
 * @return SPW_OK, SPW_INVAL (error added: bad path, index out of range, a key of a scalar, bad YAML), SPW_NOMEM.
 */
spw_rc yamldoc_set(yamldoc *doc, const char *path, const char *value, spw_diag *diag);

/**
 * Writes all documents as YAML in block style, so that reading it gives the same tree again: same keys, texts, order,
 * and quoted exactly where it was. Comments are not in the tree and so not in the text. @return false on a write error.
 */
bool yamldoc_print(const yamldoc *doc, FILE *out);

/** The same of one mapping or list, without the mark of a document, each line indented by `depth` x 2 spaces. */
bool ynode_print(const ynode *node, int depth, FILE *out);

/** @return the value under key, NULL when absent or map is no mapping. map may be NULL. */
const ynode *ynode_get(const ynode *map, const char *key);

/** Whether a node is a plain scalar that means null: empty, ~ or null. */
bool ynode_is_null(const ynode *node);

/** "spec.services[0].traffic" of a node; "" at a root. Cut to size. @return buf. */
const char *ynode_path(const ynode *node, char *buf, size_t size);

/** A word for people: "a mapping", "a list", "text", "no value", or "'5'" style for short scalars. @return buf. */
const char *ynode_describe(const ynode *node, char *buf, size_t size);

/** Adds "file:line:col: error: ..." at a node. */
void ynode_error(spw_diag *diag, const ynode *at, const char *format, ...) __attribute__((format(printf, 3, 4)));
void ynode_warning(spw_diag *diag, const ynode *at, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
