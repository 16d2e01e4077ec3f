/* SPDX-License-Identifier: Apache-2.0 */
/** yamlprint.c - a tree as YAML text again. */
#include "sched/manifest/yamltree.h"

#include <string.h>

#define INDENT 2

static void put_quoted(const char *text, FILE *out)
{
    fputc('"', out);
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\') {
            fprintf(out, "\\%c", *c);
        } else if (*c == '\n') {
            fputs("\\n", out);
        } else if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            fprintf(out, "\\x%02x", (unsigned)(unsigned char)*c);
        } else {
            fputc(*c, out);
        }
    }
    fputc('"', out);
}

/* A plain scalar was plain when it was read, and stays so: what it may hold inside a flow it may hold in a block. Only
 * line breaks, which a plain scalar folds, and texts that --set put in verbatim need quotes to survive. */
static bool stays_plain(const ynode *node)
{
    const char *t = node->text;

    if (node->quoted || strchr(t, '\n') != NULL || strstr(t, ": ") != NULL || strstr(t, " #") != NULL) {
        return false;
    }
    if (node->length == 0) {
        return true;
    }
    if (strchr("-?:", t[0]) != NULL) {
        return t[1] != '\0' && t[1] != ' ' && t[node->length - 1] != ':';
    }
    return strchr(",[]{}#&*!|>'\"%@`", t[0]) == NULL && t[0] != ' ' && t[node->length - 1] != ' ' &&
           t[node->length - 1] != ':';
}

static void put_scalar(const ynode *node, FILE *out)
{
    if (stays_plain(node)) {
        fputs(node->text, out);
    } else {
        put_quoted(node->text, out);
    }
}

static void put_node(const ynode *node, int depth, FILE *out);

/* What follows a key or a dash: a scalar on the same line, a collection below it. */
static void put_value(const ynode *node, int depth, FILE *out)
{
    if (node->kind == YNODE_SCALAR) {
        fputc(' ', out);
        put_scalar(node, out);
        fputc('\n', out);
    } else if (node->count == 0) {
        fputs(node->kind == YNODE_MAPPING ? " {}\n" : " []\n", out);
    } else {
        fputc('\n', out);
        put_node(node, depth, out);
    }
}

static void put_node(const ynode *node, int depth, FILE *out)
{
    for (size_t i = 0; i < node->count; i++) {
        fprintf(out, "%*s", depth * INDENT, "");
        if (node->kind == YNODE_MAPPING) {
            put_scalar(node->keys[i], out);
            fputc(':', out);
        } else {
            fputc('-', out);
        }
        put_value(node->items[i], depth + 1, out);
    }
}

bool yamldoc_print(const yamldoc *doc, FILE *out)
{
    for (size_t i = 0; i < doc->count; i++) {
        const ynode *root = doc->roots[i];

        fputs("---", out);
        put_value(root, 0, out);
    }
    return ferror(out) == 0;
}

bool ynode_print(const ynode *node, int depth, FILE *out)
{
    put_node(node, depth, out);
    return ferror(out) == 0;
}
