/* SPDX-License-Identifier: GPL-3.0-or-later */
/* draw.c - see draw.h. */
#include "sim/report/draw.h"

#include <math.h>
#include <string.h>

#include "sim/experiment/compare.h"
#include "sim/report/html.h"

enum { TEXT = 48, TICKS = 7 };

void draw_begin(FILE *out, int width, int height, const char *label)
{
    fprintf(out,
            "<div class=\"card\"><svg class=\"drawn%s\" viewBox=\"0 0 %d %d\" role=\"group\" "
            "xmlns=\"http://www.w3.org/2000/svg\" aria-label=\"",
            width <= DRAW_COMPACT ? " compact" : "", width, height);
    rep_escape(out, label);
    fputs("\">\n", out);
}

void draw_end(FILE *out)
{
    fputs("</svg></div>\n", out);
}

void draw_line(FILE *out, double x1, double y1, double x2, double y2, const char *style)
{
    fprintf(out, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" %s/>\n", x1, y1, x2, y2, style);
}

/* "$0.02000" between ticks that need no more than cents and mills: zeros behind the second decimal are left out. */
static void trim(char *text)
{
    const char *point = strchr(text, '.');
    size_t length = strlen(text);
    while (text[0] == '$' && point != NULL && length > (size_t)(point - text) + 3 && text[length - 1] == '0') {
        text[--length] = '\0';
    }
}

/* Whole steps from the lower end; what rounds to zero is zero. @return false behind the last one */
static bool tick(const svg_axis *axis, int i, const char *metric, double *at, char *text, size_t size)
{
    const double value = axis->low + i * axis->step;
    *at = svg_at(axis, value);
    compare_text(metric, fabs(value) < 1e-9 * axis->step ? 0 : value, false, text, size);
    trim(text);
    return value <= axis->high + 1e-9 * axis->step;
}

void draw_x(FILE *out, const svg_axis *x, double top, double bottom, const char *metric, const char *title)
{
    char text[TEXT];
    double at;
    for (int i = 0; tick(x, i, metric, &at, text, sizeof text); i++) {
        draw_line(out, at, top, at, bottom, "class=\"grid\"");
        svg_text(out, at, bottom + 16, "middle", 1, text);
    }
    svg_text(out, (x->from + x->to) / 2, bottom + 36, "middle", 1, title);
}

void draw_y(FILE *out, const svg_axis *y, double left, double right, const char *metric, const char *title)
{
    char text[TEXT];
    double at;
    for (int i = 0; tick(y, i, metric, &at, text, sizeof text); i++) {
        draw_line(out, left, at, right, at, "class=\"grid\"");
        svg_text(out, left - 8, at + 4, "end", 1, text);
    }
    svg_text(out, left, fmin(y->from, y->to) - 10, "start", 1, title);
}

static void log_tick(FILE *out, const svg_axis *y, double value, double left, double right, const char *metric)
{
    char text[TEXT];
    const double at = svg_at(y, log10(value));
    if (log10(value) < y->low || log10(value) > y->high) {
        return;
    }
    draw_line(out, left, at, right, at, "class=\"grid\"");
    svg_text(out, left - 8, at + 4, "end", 1, compare_text(metric, value, false, text, sizeof text));
}

void draw_y_log(FILE *out, const svg_axis *y, double left, double right, const char *metric, const char *title)
{
    static const double figures[] = {1, 2, 5};
    const double decades = y->high - y->low;
    const svg_axis plain = svg_axis_fit(pow(10, y->low), pow(10, y->high), 5, 0, 1);
    for (int i = 0; decades < 0.8 && plain.low + i * plain.step <= plain.high; i++) {
        if (plain.low + i * plain.step > 0) {
            log_tick(out, y, plain.low + i * plain.step, left, right, metric);
        }
    }
    for (int k = (int)floor(y->low); decades >= 0.8 && k <= (int)y->high + 1; k++) {
        for (int f = 0; f < (fabs(y->to - y->from) < 60 * decades ? 1 : 3); f++) {
            log_tick(out, y, figures[f] * pow(10, k), left, right, metric);
        }
    }
    svg_text(out, left, fmin(y->from, y->to) - 14, "start", 1, title);
}

void draw_mark_begin(FILE *out, const char *tip)
{
    fputs("<g tabindex=\"0\" data-t=\"", out);
    rep_escape(out, tip);
    fputs("\">\n", out);
}

void draw_mark_end(FILE *out)
{
    fputs("</g>\n", out);
}

const char *draw_hue(int i)
{
    static const char *const hues[DRAW_HUES] = {"#3b82c4", "#d9722e", "#3a9b74", "#b0569a", "#8a7a2c", "#6c6fd1"};
    return hues[(unsigned)i % DRAW_HUES];
}
