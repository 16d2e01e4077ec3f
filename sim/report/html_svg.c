/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * html_svg.c - gnuplot's SVG files as parts of a page.
 *
 * Several pictures share one document, so ids must differ: those that something refers to get the picture's stem in
 * front, those that nothing refers to (gnuplot_*) are dropped. Name spaces belong to stand-alone files and go as well,
 * and with them every address. A file that holds more than drawing (scripts, foreign content, outside references) is
 * refused: gnuplot does not write such, so somebody else did.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/report/html.h"

enum { SVG_MAX = 64 << 20 };

static char *read_whole(const char *path)
{
    FILE *in = fopen(path, "r");
    if (in == NULL) {
        return NULL;
    }
    char *text = NULL;
    long size = fseek(in, 0, SEEK_END) == 0 ? ftell(in) : -1;
    if (size > 0 && size < SVG_MAX && fseek(in, 0, SEEK_SET) == 0) {
        text = malloc((size_t)size + 1);
        if (text != NULL && fread(text, 1, (size_t)size, in) != (size_t)size) {
            free(text);
            text = NULL;
        }
        if (text != NULL) {
            text[size] = '\0';
        }
    }
    fclose(in);
    return text;
}

static bool begins(const char *at, const char *with)
{
    return strncmp(at, with, strlen(with)) == 0;
}

/** Only drawing between `at` and the end of the text? */
static bool harmless(const char *at)
{
    static const char *const foreign[] = {"<script", "<foreignObject", "<image", "<iframe", "<style", "<a ", "<!"};
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        if (strstr(at, foreign[i]) != NULL) {
            return false;
        }
    }
    for (const char *href = strstr(at, "href="); href != NULL; href = strstr(href + 1, "href=")) {
        if (strchr("\"'", href[5]) == NULL || href[5] == '\0' || href[6] != '#') {
            return false;
        }
    }
    return true;
}

/** Skips an element that must not be copied. @return behind it, or `at` */
static const char *skip_element(const char *at)
{
    static const char *const open[] = {"<title>", "<desc>"};
    static const char *const close[] = {"</title>", "</desc>"};
    for (int i = 0; i < 2; i++) {
        const char *end = begins(at, open[i]) ? strstr(at, close[i]) : NULL;
        if (end != NULL) {
            return end + strlen(close[i]);
        }
    }
    return at;
}

/** Inside a tag: copies one character, or a whole attribute that has to change. @return behind what was copied */
static const char *copy_in_tag(const char *at, const char *stem, FILE *out)
{
    if ((begins(at, " id=\"gnuplot_") || begins(at, " id='gnuplot_")) && strchr(at + 5, at[4]) != NULL) {
        return strchr(at + 5, at[4]) + 1;
    }
    if (begins(at, " id=\"") || begins(at, " id='")) {
        fprintf(out, "%.5s%s-", at, stem);
        return at + 5;
    }
    if (begins(at, "xlink:href=")) {
        at += strlen("xlink:");
    }
    if (begins(at, "href=")) {
        fprintf(out, "%.7s%s-", at, stem);
        return at + 7;
    }
    if (begins(at, "url(#")) {
        fprintf(out, "url(#%s-", stem);
        return at + 5;
    }
    fputc(*at, out);
    return at + 1;
}

/** Text and line ends: blank lines and indentation are left out. @return behind what was copied */
static const char *copy_text(const char *at, bool line_start, FILE *out)
{
    if (!line_start || strchr(" \t\r\n", *at) == NULL) {
        fputc(*at, out);
    }
    return at + 1;
}

static void copy(const char *at, const char *end, const char *stem, FILE *out)
{
    bool in_tag = false;
    bool line_start = true;
    while (at < end) {
        const char *next = in_tag ? at : skip_element(at);
        if (next != at) {
            at = next;
            continue;
        }
        char c = *at;
        in_tag = c == '<' || (in_tag && c != '>');
        at = in_tag ? copy_in_tag(at, stem, out) : copy_text(at, line_start, out);
        line_start = c == '\n' || (line_start && (c == ' ' || c == '\t' || c == '\r'));
    }
}

int rep_inline_svg(const char *dir, const rep_picture *p, const char *label, FILE *out)
{
    char path[1200];
    snprintf(path, sizeof path, "%s/plots/%s.svg", dir, p->stem);
    char *text = read_whole(path);
    const char *open = text != NULL ? strstr(text, "<svg") : NULL;
    const char *body = open != NULL ? strchr(open, '>') : NULL;
    const char *end = body != NULL ? strstr(body, "</svg>") : NULL;
    if (end == NULL || !harmless(body)) {
        free(text);
        return -1;
    }
    fprintf(out, "<svg class=\"picture\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", p->width, p->height);
    rep_escape(out, label);
    fputs("\">", out);
    copy(body + 1, end, p->stem, out);
    fputs("</svg>\n", out);
    free(text);
    return 0;
}
