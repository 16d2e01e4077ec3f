/* SPDX-License-Identifier: GPL-3.0-or-later */
/* html_diff.c - see html_diff.h. */
#include "sim/report/html_diff.h"

#include <stdlib.h>
#include <string.h>

enum { LINES_MAX = 4000, AROUND = 2 };

typedef struct lines {
    const char **at;
    size_t *size;
    size_t count;
} lines;

static bool split(const char *text, size_t size, lines *l)
{
    *l = (lines){calloc(LINES_MAX + 1, sizeof *l->at), calloc(LINES_MAX + 1, sizeof *l->size), 0};
    const char *end = text + size;
    while (l->at != NULL && l->size != NULL && text < end && l->count <= LINES_MAX) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        stop = stop != NULL ? stop : end;
        l->at[l->count] = text;
        l->size[l->count++] = (size_t)(stop - text);
        text = stop + 1;
    }
    return l->at != NULL && l->size != NULL && l->count <= LINES_MAX;
}

static bool equal(const lines *a, size_t i, const lines *b, size_t j)
{
    return a->size[i] == b->size[j] && memcmp(a->at[i], b->at[j], a->size[i]) == 0;
}

typedef struct edit {
    char sign;
    const char *text;
    size_t size;
} edit;

/* length[i][j]: of the longest common subsequence of what follows line i of a and line j of b. */
static size_t walk(const lines *a, const lines *b, const uint16_t *length, edit *edits)
{
    const size_t width = b->count + 1;
    size_t i = 0, j = 0, n = 0;
    while (i < a->count || j < b->count) {
        if (i < a->count && j < b->count && equal(a, i, b, j)) {
            edits[n++] = (edit){' ', a->at[i], a->size[i]};
            i++;
            j++;
        } else if (j >= b->count || (i < a->count && length[(i + 1) * width + j] >= length[i * width + j + 1])) {
            edits[n++] = (edit){'-', a->at[i], a->size[i]};
            i++;
        } else {
            edits[n++] = (edit){'+', b->at[j], b->size[j]};
            j++;
        }
    }
    return n;
}

static bool near_change(const edit *edits, size_t n, size_t i)
{
    const size_t from = i > AROUND ? i - AROUND : 0, to = i + AROUND < n ? i + AROUND : n - 1;
    for (size_t k = from; k <= to; k++) {
        if (edits[k].sign != ' ') {
            return true;
        }
    }
    return false;
}

static void put_edits(const edit *edits, size_t n, FILE *out)
{
    bool left_out = false;
    for (size_t i = 0; i < n; i++) {
        if (!near_change(edits, n, i)) {
            left_out = true;
            continue;
        }
        if (left_out) {
            fputs("...\n", out);
            left_out = false;
        }
        fprintf(out, "%c %.*s\n", edits[i].sign, (int)edits[i].size, edits[i].text);
    }
}

void rep_diff_lines(const char *a, size_t a_size, const char *b, size_t b_size, FILE *out)
{
    lines x = {0}, y = {0};
    const bool short_enough = split(a, a_size, &x) && split(b, b_size, &y);
    const size_t cells = (x.count + 1) * (y.count + 1);
    uint16_t *length = short_enough ? calloc(cells, sizeof *length) : NULL;
    edit *edits = calloc(x.count + y.count + 1, sizeof *edits);
    if (length == NULL || edits == NULL) {
        fputs("the texts differ and are too long to be shown here\n", out);
    } else {
        const size_t width = y.count + 1;
        for (size_t i = x.count; i-- > 0;) {
            for (size_t j = y.count; j-- > 0;) {
                const uint16_t down = length[(i + 1) * width + j], right = length[i * width + j + 1];
                length[i * width + j] = equal(&x, i, &y, j) ? (uint16_t)(length[(i + 1) * width + j + 1] + 1)
                                        : down > right      ? down
                                                            : right;
            }
        }
        put_edits(edits, walk(&x, &y, length, edits), out);
    }
    free(length);
    free(edits);
    free(x.at);
    free(x.size);
    free(y.at);
    free(y.size);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static void put_diff(const char *title, const char *a, size_t a_size, const char *b, size_t b_size, FILE *out)
{
    char *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);
    if (memory == NULL) {
        return;
    }
    rep_diff_lines(a, a_size, b, b_size, memory);
    if (fclose(memory) == 0) {
        fputs("<details open><summary>", out);
        rep_escape(out, title);
        fputs("</summary>\n<pre>", out);
        rep_escape_lines(out, text);
        fputs("</pre></details>\n", out);
    }
    free(text);
}

static void put_overrides(const sc_scenario *sc, const char *name, FILE *out)
{
    for (size_t i = 0; i < sc->set_count; i++) {
        fprintf(out, "<li><b>%s</b> <code>", name);
        rep_escape(out, sc->sets[i].path);
        fputs(" = ", out);
        rep_escape(out, sc->sets[i].value);
        fputs("</code></li>\n", out);
    }
}

static const spw_json_manifest *manifest_named(const sc_scenario *sc, const char *name)
{
    for (size_t i = 0; i < sc->manifest_count; i++) {
        if (strcmp(sc->manifests[i].name, name) == 0) {
            return &sc->manifests[i];
        }
    }
    return NULL;
}

/* A manifest that only one side has is held against the one at the same place that only the other has. */
static const spw_json_manifest *partner(const sc_scenario *a, const sc_scenario *b, size_t i)
{
    const spw_json_manifest *same = manifest_named(b, a->manifests[i].name);
    if (same != NULL) {
        return same;
    }
    return i < b->manifest_count && manifest_named(a, b->manifests[i].name) == NULL ? &b->manifests[i] : NULL;
}

void rep_html_diff(const sc_scenario *a, const sc_scenario *b, const char *name_a, const char *name_b, FILE *out)
{
    char title[1200];
    fprintf(out, "<h3>%s and %s</h3>\n", name_a, name_b);
    if (a->hash == b->hash) {
        fputs("<p class=\"note\">Nothing: both have the same hash.</p>\n", out);
        return;
    }
    if (a->set_count + b->set_count > 0) {
        fputs("<p>Overridden:</p>\n<ul>\n", out);
        put_overrides(a, name_a, out);
        put_overrides(b, name_b, out);
        fputs("</ul>\n", out);
    }
    if (a->text != NULL && b->text != NULL && strcmp(a->text, b->text) != 0) {
        snprintf(title, sizeof title, "%.500s - %.500s", base_name(a->path), base_name(b->path));
        put_diff(title, a->text, strlen(a->text), b->text, strlen(b->text), out);
    }
    for (size_t i = 0; i < a->manifest_count; i++) {
        const spw_json_manifest *x = &a->manifests[i], *y = partner(a, b, i);
        if (y == NULL) {
            fprintf(out, "<p>Only in %s: <code>", name_a);
            rep_escape(out, x->name);
            fputs("</code></p>\n", out);
        } else if (x->size != y->size || memcmp(x->text, y->text, x->size) != 0) {
            const bool renamed = strcmp(x->name, y->name) != 0;
            snprintf(title, sizeof title, "%.500s%s%.500s", x->name, renamed ? " - " : "", renamed ? y->name : "");
            put_diff(title, x->text, x->size, y->text, y->size, out);
        }
    }
    for (size_t i = 0; i < b->manifest_count; i++) {
        const bool paired = manifest_named(a, b->manifests[i].name) != NULL ||
                            (i < a->manifest_count && partner(a, b, i) == &b->manifests[i]);
        if (!paired) {
            fprintf(out, "<p>Only in %s: <code>", name_b);
            rep_escape(out, b->manifests[i].name);
            fputs("</code></p>\n", out);
        }
    }
}
