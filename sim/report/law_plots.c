/* SPDX-License-Identifier: GPL-3.0-or-later */
/* law_plots.c - the points of each law as a file, and the picture that gnuplot draws from it. */
#include "sim/report/law_plots.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/report/plots.h"

#define PATH_SIZE 1024

typedef struct sheet {
    const law *l;
    law_point *at;
    size_t count;
} sheet;

static int write_points(const void *user, FILE *out)
{
    const sheet *s = user;
    fputs("x,model,closed_form\n", out);
    for (size_t i = 0; i < s->count; i++) {
        fprintf(out, "%.9g,%.9g,%.9g\n", s->at[i].x, s->at[i].model, s->at[i].exact);
    }
    return ferror(out) ? -1 : 0;
}

/* The picture ends where 99 of 100 values lie below, if the last lies far beyond: tails are long. */
static double shown_to(const sheet *s)
{
    const double last = s->at[s->count - 1].x, near = s->at[s->count - 1 - s->count / 100].x;
    return s->l->sample != NULL && last > 1.5 * near ? near : last;
}

static bool is_positive(const sheet *s)
{
    bool positive = true;
    for (size_t i = 0; i < s->count; i++) {
        positive = positive && s->at[i].model >= 0 && s->at[i].exact >= 0;
    }
    return positive;
}

static char *values_of(const void *user, const char *const texts[][2])
{
    const sheet *s = user;
    const char *second = strchr(s->l->formula, '\n');
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL) {
        return NULL;
    }
    rep_quote_all(out, texts);
    rep_quote(out, "name", s->l->name);
    fprintf(out, "lines=%d; ", second != NULL ? 2 : 1);
    char *first = strndup(s->l->formula, second != NULL ? (size_t)(second - s->l->formula) : strlen(s->l->formula));
    rep_quote(out, "formula", first != NULL ? first : "");
    free(first);
    rep_quote(out, "more", second != NULL ? second + 1 : "");
    rep_quote(out, "x_axis", s->l->x);
    rep_quote(out, "y_axis", s->l->sample != NULL ? "share at or below" : s->l->y);
    const double from = s->at[0].x, to = shown_to(s), room = to > from ? 0 : fabs(from) / 2 + 1; /* of one value */
    fprintf(out,
            "width=900; height=500; local0_s=0; from_s=0; to_s=1; warmup_s=0; x_from=%.9g; x_to=%.9g; is_share=%d; "
            "is_positive=%d; count=%zu; ",
            from - room, to + room, s->l->sample != NULL, is_positive(s), s->count);
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
    const int rc = rep_write_file(dir, name, write_points, &s, err, err_size);
    *pictures = rc == 0 && *pictures && draw(&s, dir, how);
    free(s.at);
    return rc;
}

int law_plots(const law *one, const char *dir, char *err, size_t err_size)
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
    for (size_t f = 0; rc == 0 && law_families[f] != NULL; f++) {
        for (size_t i = 0; rc == 0 && i < law_families[f]->count; i++) {
            const law *l = &law_families[f]->laws[i];
            rc = one == NULL || one == l ? plot(l, dir, &how, &pictures, err, err_size) : 0;
        }
    }
    return rc;
}
