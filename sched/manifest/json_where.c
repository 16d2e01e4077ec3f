/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_where.c - finds the place of a value in a JSON text, for messages.
 *
 * The parser keeps positions only of what it cannot parse, so the place of a wrong value is looked up afterwards: a
 * walk over the text, one level of the path after the other. The text has parsed, so the walk need not check anything;
 * it stays within the text whatever stands there.
 */
#include "sched/manifest/json_int.h"

#include <stdlib.h>
#include <string.h>

typedef struct walk {
    const char *text;
    size_t size;
    size_t at;
} walk;

static char here(const walk *w)
{
    return w->at < w->size ? w->text[w->at] : '\0';
}

static void skip_space(walk *w)
{
    while (w->at < w->size && strchr(" \t\r\n", w->text[w->at]) != NULL && w->text[w->at] != '\0') {
        w->at++;
    }
}

static void skip_string(walk *w)
{
    for (w->at++; w->at < w->size && w->text[w->at] != '"'; w->at++) {
        if (w->text[w->at] == '\\') {
            w->at++;
        }
    }
    w->at++;
}

/* Over a whole value; brackets are counted, whatever their kind. */
static void skip_value(walk *w)
{
    size_t depth = 0;
    do {
        skip_space(w);
        const char c = here(w);
        if (c == '"') {
            skip_string(w);
        } else if (c == '{' || c == '[') {
            depth++;
            w->at++;
        } else if (c == '}' || c == ']') {
            depth -= depth > 0 ? 1 : 0;
            w->at++;
        } else if (c == ',' || c == ':') {
            w->at++;
        } else {
            do {
                w->at++;
            } while (w->at < w->size && strchr(" \t\r\n,:]}", w->text[w->at]) == NULL);
        }
    } while (depth > 0 && w->at < w->size);
}

/* Whether the string that begins here is `key`. */
static bool is_key(const walk *w, const char *key)
{
    walk end = *w;
    skip_string(&end);
    const size_t size = end.at - w->at;
    const char *literal = w->text + w->at;
    const size_t length = strlen(key);
    if (size >= 2 && size - 2 == length && memcmp(literal + 1, key, length) == 0) {
        return true;
    }
    if (end.at > w->size || memchr(literal, '\\', size) == NULL) {
        return false;
    }
    json_t *decoded = json_loadb(literal, size, JSON_DECODE_ANY, NULL); /* an escape in it: seldom */
    const bool same = decoded != NULL && json_is_string(decoded) && strcmp(json_string_value(decoded), key) == 0;
    json_decref(decoded);
    return same;
}

/* From a value to its member; with at_key stops at the key. @return false if there is none */
static bool into_object(walk *w, const char *key, bool at_key)
{
    if (here(w) != '{') {
        return false;
    }
    w->at++;
    for (;;) {
        skip_space(w);
        if (here(w) != '"') {
            return false;
        }
        const bool found = is_key(w, key);
        if (found && at_key) {
            return true;
        }
        skip_string(w);
        skip_space(w);
        w->at++; /* the colon */
        skip_space(w);
        if (found) {
            return true;
        }
        skip_value(w);
        skip_space(w);
        if (here(w) != ',') {
            return false;
        }
        w->at++;
    }
}

static bool into_array(walk *w, size_t index)
{
    if (here(w) != '[') {
        return false;
    }
    w->at++;
    for (; index > 0; index--) {
        skip_value(w);
        skip_space(w);
        if (here(w) != ',') {
            return false;
        }
        w->at++;
    }
    skip_space(w);
    return true;
}

#define STEPS_MAX 16 /* deeper than any path of ours */

size_t jsn_where(const char *text, size_t size, const jsn_path *path, bool at_key)
{
    const jsn_path *steps[STEPS_MAX];
    size_t depth = 0;
    for (const jsn_path *p = path; p != NULL && p->up != NULL; p = p->up) {
        if (depth == STEPS_MAX) {
            return 0;
        }
        steps[depth++] = p;
    }
    walk w = {text, size, 0};
    skip_space(&w);
    while (depth > 0) {
        const jsn_path *step = steps[--depth];
        const bool found =
            step->key != NULL ? into_object(&w, step->key, at_key && depth == 0) : into_array(&w, step->index);
        if (!found) {
            return 0;
        }
    }
    return w.at < size ? w.at : 0;
}
