/* SPDX-License-Identifier: GPL-3.0-or-later */
/* law_plots.c - the points of each law as a file, and the picture that gnuplot draws from it. */
#include "sim/report/law_plots.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/report/plots.h"

#define PATH_SIZE   1024
#define LINE_POINTS 400
#define LINE_CHARS  104 /* of text, in a picture's width */

typedef struct sheet {
    const law *l;
    law_point *at;
    size_t count;
    double from, to; /* shown */
} sheet;

/*
 * What is shown: a curve whole; a distribution from 0 if it begins near, up to where 49 of 50 values lie below if the
 * last lies far beyond (tails are long), else with some room at the end, where all values lie below.
 */
static void set_range(sheet *s)
{
    const double first = s->at[0].x, last = s->at[s->count - 1].x, low = s->at[1].x, high = s->at[s->count - 2].x;
    s->from = first;
    s->to = last;
    if (law_is_distribution(s->l)) {
        const double room = last > first ? (last - first) / 25 : first != 0 ? fabs(first) / 2 : 1;
        s->to = last > 0 && last > 1.5 * high ? high : last + room;
        s->from = first < 0 ? low : first < 0.4 * s->to && first >= 0 ? 0 : first - room;
    }
}

static double line_x(const sheet *s, size_t i)
{
    return s->from + (s->to - s->from) * (double)i / LINE_POINTS;
}

static const char *y_axis(const law *l)
{
    return law_is_distribution(l) ? "share at or below" : l->y;
}

/* The model's points, and between them those of the line, by x. */
static int write_points(const void *user, FILE *out)
{
    const sheet *s = user;
    size_t k = 0;
    const char *y = y_axis(s->l);
    fprintf(out, "\"%s\",\"%s: model\",\"%s: closed form\"\n", s->l->x, y, y);
    for (size_t i = 0; i < s->count; i++) {
        for (; k <= LINE_POINTS && line_x(s, k) < s->at[i].x; k++) {
            fprintf(out, "%.9g,,%.9g\n", line_x(s, k), law_exact(s->l, line_x(s, k)));
        }
        fprintf(out, "%.9g,%.9g,%.9g\n", s->at[i].x, s->at[i].model, s->at[i].exact);
    }
    for (; k <= LINE_POINTS; k++) {
        fprintf(out, "%.9g,,%.9g\n", line_x(s, k), law_exact(s->l, line_x(s, k)));
    }
    return ferror(out) ? -1 : 0;
}

/* Whether the y axis of a curve begins at 0: it does not come near its values if it does not. */
static bool is_from_zero(const sheet *s)
{
    double least = s->at[0].model, most = least;
    for (size_t i = 0; i < s->count; i++) {
        least = fmin(least, fmin(s->at[i].model, s->at[i].exact));
        most = fmax(most, fmax(s->at[i].model, s->at[i].exact));
    }
    return least >= 0 && least < most / 2;
}

/* A text in lines of a picture, as text1, text2 ... from `number`. @return the number after the last */
static int put_text(FILE *out, const char *text, int number)
{
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        char line[LINE_CHARS + 1], name[32];
        if (length > LINE_CHARS) {
            for (length = LINE_CHARS; length > LINE_CHARS / 2 && text[length] != ' '; length--) {
            }
        }
        memcpy(line, text, length);
        line[length] = '\0';
        snprintf(name, sizeof name, "text%d", number++);
        rep_quote(out, name, line);
        text += length + strspn(text + length, " \n");
    }
    return number;
}

static char *values_of(const void *user, const char *const texts[][2])
{
    const sheet *s = user;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL) {
        return NULL;
    }
    rep_quote_all(out, texts);
    rep_quote(out, "name", s->l->name);
    const int formula = put_text(out, s->l->formula, 1), all = put_text(out, s->l->parameters, formula);
    rep_quote(out, "x_axis", s->l->x);
    rep_quote(out, "y_axis", y_axis(s->l));
    fprintf(out,
            "formula_lines=%d; lines=%d; width=900; height=500; local0_s=0; from_s=0; to_s=1; warmup_s=0; x_from=%.9g; "
            "x_to=%.9g; is_share=%d; from_zero=%d; count=%zu; ",
            formula - 1, all - 1, s->from, s->to, law_is_distribution(s->l), is_from_zero(s), s->count);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

/* @return false: no pictures can be drawn, and why was said */
static bool draw(const sheet *s, const char *dir, const rep_drawing *how)
{
    static const char *const formats[] = {"svg", "png"};
    char said[512] = "";
    for (int f = 0; f < 2; f++) {
        const int rc = rep_draw(s->l->name, "law.gp", formats[f], dir, how, values_of, s, said, sizeof said);
        if (rc != 0) {
            fprintf(stderr, "spillway: no pictures: gnuplot %s\n", rc > 0 ? strerror(rc) : said);
            return false;
        }
    }
    return true;
}

/* Its points, and with *pictures its picture; clears that if there can be none. @return 0; -1 with a sentence */
static int plot(const law *l, const char *dir, const rep_drawing *how, bool *pictures, char *err, size_t err_size)
{
    sheet s = {.l = l, .count = law_count(l)};
    char name[PATH_SIZE];
    snprintf(name, sizeof name, "%s.csv", l->name);
    s.at = calloc(s.count, sizeof *s.at);
    if (s.at == NULL || !law_points(l, LAW_SEED, s.at)) {
        free(s.at);
        snprintf(err, err_size, "out of memory");
        return -1;
    }
    set_range(&s);
    const int rc = rep_write_file(dir, name, write_points, &s, err, err_size);
    *pictures = rc == 0 && *pictures && draw(&s, dir, how);
    free(s.at);
    return rc;
}

int law_plots(const law *const *laws, size_t count, const char *dir, char *err, size_t err_size)
{
    char scripts[PATH_SIZE], folder[PATH_SIZE];
    const rep_drawing how = {scripts, "gnuplot"};
    bool pictures = report_find_plots(NULL, scripts, sizeof scripts) == 0;
    int rc = 0;
    if (snprintf(folder, sizeof folder, "%s/plots", dir) >= (int)sizeof folder) {
        snprintf(err, err_size, "%.60s...: the name is too long", dir);
        return -1;
    }
    if (!pictures) {
        fputs("spillway: no pictures: the gnuplot scripts (folder plots) were not found\n", stderr);
    }
    if (rep_make_folder(dir, err, err_size) != 0 || rep_make_folder(folder, err, err_size) != 0) {
        return -1;
    }
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = plot(laws[i], dir, &how, &pictures, err, err_size);
    }
    return rc;
}
