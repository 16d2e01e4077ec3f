/* SPDX-License-Identifier: GPL-3.0-or-later */
/* svg.c - see svg.h. */
#include "sim/report/svg.h"

#include <math.h>

#include "sim/report/html.h"

svg_axis svg_axis_fit(double low, double high, int ticks, double from, double to)
{
    if (!(high > low)) {
        const double pad = fabs(low) > 0 ? 0.1 * fabs(low) : 1;
        low -= pad;
        high = low + 2 * pad;
    }
    const double raw = (high - low) / ticks, unit = pow(10, floor(log10(raw))), many = raw / unit;
    const double step = unit * (many > 5 ? 10 : many > 2 ? 5 : many > 1 ? 2 : 1);
    return (svg_axis){floor(low / step) * step, ceil(high / step) * step, step, from, to};
}

svg_axis svg_axis_log(double low, double high, double from, double to)
{
    const double a = log10(low), b = log10(high), pad = fmax(0.05 * (b - a), 0.05);
    return (svg_axis){a - pad, b + pad, 1, from, to};
}

double svg_at(const svg_axis *axis, double value)
{
    return axis->from + (value - axis->low) / (axis->high - axis->low) * (axis->to - axis->from);
}

void svg_text(FILE *out, double x, double y, const char *anchor, int soft, const char *text)
{
    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\"%s>", x, y, anchor, soft ? " class=\"soft\"" : "");
    rep_escape(out, text);
    fputs("</text>\n", out);
}

static void figure(double value, double step, char *text, size_t size)
{
    if (fabs(value) < step / 2) {
        value = 0;
    }
    snprintf(text, size, fabs(value) >= 1e5 || (value < 0 || value > 0 ? fabs(value) < 1e-3 : 0) ? "%.3g" : "%g",
             value);
}

void svg_axis_up(FILE *out, const svg_axis *axis, double x0, double x1)
{
    for (int i = 0; axis->low + i * axis->step <= axis->high + axis->step / 2; i++) {
        char text[32];
        const double value = axis->low + i * axis->step, y = svg_at(axis, value);
        fprintf(out, "<path class=\"grid\" d=\"M%.1f %.1fH%.1f\"/>\n", x0, y, x1);
        figure(value, axis->step, text, sizeof text);
        svg_text(out, x0 - 6, y + 4, "end", 1, text);
    }
}

void svg_axis_across(FILE *out, const svg_axis *axis, double y0, double y1)
{
    for (int i = 0; axis->low + i * axis->step <= axis->high + axis->step / 2; i++) {
        char text[32];
        const double value = axis->low + i * axis->step, x = svg_at(axis, value);
        fprintf(out, "<path class=\"grid\" d=\"M%.1f %.1fV%.1f\"/>\n", x, y0, y1);
        figure(value, axis->step, text, sizeof text);
        svg_text(out, x, y1 + 16, "middle", 1, text);
    }
}
