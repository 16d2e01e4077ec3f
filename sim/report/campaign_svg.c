/* SPDX-License-Identifier: GPL-3.0-or-later */
/* campaign_svg.c - see campaign_svg.h. */
#include "sim/report/campaign_svg.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "sim/report/draw.h"

enum { WIDTH = 1000, PLANE = 700, LEFT = 90, RIGHT = 662, TOP = 34, BOTTOM = 330, HEIGHT = 380 };

/** What a mark says: the setting, then both metrics. Parts are split by '|'. */
static void put_tip(const camp_report *r, int32_t setting, const int32_t *metrics, int count, FILE *out)
{
    char label[400], value[CAMP_BRIEF_SIZE], name[CHECK_NAME_SIZE];
    camp_describe(r->table->c, setting, label, sizeof label);
    for (char *c = label; *c != '\0'; c++) {
        *c = *c == '|' ? '/' : *c;
    }
    fputs(" tabindex=\"0\" data-t=\"", out);
    rep_escape(out, label);
    for (int i = 0; i < count; i++) {
        double half;
        const double mean = camp_mean(r->table, setting, metrics[i], &half);
        fputc('|', out);
        rep_escape(out, metric_short(r->table->c->metrics[metrics[i]], name));
        fprintf(out, ": %s", camp_brief(mean, half, value));
    }
    fputc('"', out);
}

static void widen(double value, double half, double *low, double *high)
{
    if (isfinite(value)) {
        const double pad = isfinite(half) ? half : 0;
        *low = fmin(*low, value - pad);
        *high = fmax(*high, value + pad);
    }
}

/** The plane of the two metrics. Overload is late by orders of magnitude: such an axis counts in powers of ten. */
typedef struct plane {
    svg_axis x, y;
    bool log;
} plane;

static double height_of(const plane *p, double value)
{
    return svg_at(&p->y, p->log ? log10(fmax(value, pow(10, p->y.low))) : fmax(value, p->y.low));
}

static void put_marks(const camp_report *r, const plane *p, const bool *on, bool front, FILE *out)
{
    for (int32_t i = 0; i < r->table->c->setting_count; i++) {
        double hx, hy;
        const double vx = camp_mean(r->table, i, r->pareto[0], &hx), vy = camp_mean(r->table, i, r->pareto[1], &hy);
        if (!isfinite(vx) || !isfinite(vy) || on[i] != front) {
            continue;
        }
        const double x = svg_at(&p->x, vx), y = height_of(p, vy);
        if (front && isfinite(hx) && isfinite(hy)) {
            fprintf(out, "<path class=\"bar\" d=\"M%.1f %.1fH%.1fM%.1f %.1fV%.1f\"/>\n", svg_at(&p->x, vx - hx), y,
                    svg_at(&p->x, vx + hx), x, height_of(p, vy - hy), height_of(p, vy + hy));
        }
        fprintf(out, "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"%g\"", front ? "best" : "other", x, y,
                front ? 6.0 : 4.5);
        put_tip(r, i, r->pareto, 2, out);
        fputs("/>\n", out);
    }
}

static plane plane_of(const camp_report *r, const bool *on)
{
    double x_low = INFINITY, x_high = -INFINITY, y_low = INFINITY, y_high = -INFINITY, least = INFINITY;
    for (int32_t i = 0; i < r->table->c->setting_count; i++) {
        double hx, hy;
        const double vx = camp_mean(r->table, i, r->pareto[0], &hx), vy = camp_mean(r->table, i, r->pareto[1], &hy);
        widen(vx, on[i] ? hx : 0, &x_low, &x_high);
        widen(vy, on[i] ? hy : 0, &y_low, &y_high);
        least = isfinite(vy) ? fmin(least, vy) : least;
    }
    plane p = {.log = least > 0 && y_high > 10 * least};
    p.x = svg_axis_fit(x_low, x_high, 5, LEFT, RIGHT);
    p.y = p.log ? svg_axis_log(y_low > least / 2 ? y_low : least, y_high, BOTTOM, TOP)
                : svg_axis_fit(y_low, y_high, 6, BOTTOM, TOP);
    return p;
}

void camp_svg_pareto(const camp_report *r, FILE *out)
{
    const campaign *c = r->table->c;
    int32_t *order, count;
    char name[CHECK_NAME_SIZE];
    bool *on = camp_on_front(r, &order, &count);
    if (on == NULL || count == 0) {
        fputs("<div class=\"card\"><p>No setting has both metrics.</p></div>", out);
        free(on);
        free(order);
        return;
    }
    const plane p = plane_of(r, on);
    const char *metric_x = c->metrics[r->pareto[0]], *metric_y = c->metrics[r->pareto[1]];
    draw_begin(out, PLANE, HEIGHT, "Trade-off");
    draw_x(out, &p.x, TOP, BOTTOM, metric_x, metric_short(metric_x, name));
    (p.log ? draw_y_log : draw_y)(out, &p.y, LEFT, RIGHT, metric_y, metric_short(metric_y, name));
    put_marks(r, &p, on, false, out);
    fputs("<polyline class=\"front-line\" points=\"", out);
    for (int32_t i = 0; i < count; i++) {
        fprintf(out, "%s%.1f,%.1f", i > 0 ? " " : "", svg_at(&p.x, camp_mean(r->table, order[i], r->pareto[0], NULL)),
                height_of(&p, camp_mean(r->table, order[i], r->pareto[1], NULL)));
    }
    fputs("\"/>\n", out);
    put_marks(r, &p, on, true, out);
    draw_end(out);
    free(on);
    free(order);
}

/** Pale to dark blue, even steps for the eye. `share` in [0, 1]. */
static void shade(double share, char colour[8], bool *dark)
{
    static const double stops[][3] = {{237, 244, 250}, {158, 202, 225}, {66, 133, 190}, {13, 61, 122}};
    const double at = share * 3;
    const int k = at >= 3 ? 2 : (int)at;
    int rgb[3];
    for (int i = 0; i < 3; i++) {
        rgb[i] = (int)lround(stops[k][i] + (at - k) * (stops[k + 1][i] - stops[k][i]));
    }
    snprintf(colour, 8, "#%02x%02x%02x", rgb[0] & 255, rgb[1] & 255, rgb[2] & 255);
    double light = 0; /* relative luminance; the letters get the colour that stands out more */
    static const double parts[] = {0.2126, 0.7152, 0.0722};
    for (int i = 0; i < 3; i++) {
        light += parts[i] * pow(rgb[i] / 255.0, 2.2);
    }
    *dark = 1.05 / (light + 0.05) > (light + 0.05) / (0.028 + 0.05);
}

enum { CELL_HEIGHT = 30, HEAT_LEFT = 110, HEAT_TOP = 46 };

static void put_cell(const camp_report *r, int32_t metric, int32_t row, int32_t column, double low, double high,
                     double cell_width, FILE *out)
{
    const campaign *c = r->table->c;
    const double value = camp_heat(r, metric, row, column), x = HEAT_LEFT + column * cell_width;
    const double y = HEAT_TOP + row * CELL_HEIGHT;
    char colour[8] = "", text[CAMP_BRIEF_SIZE], name[CHECK_NAME_SIZE];
    bool dark = false;
    if (isfinite(value)) {
        shade(high > low ? (value - low) / (high - low) : 0.3, colour, &dark);
    }
    camp_brief(value, (double)NAN, text);
    fprintf(out,
            "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" rx=\"2\" fill=\"%s\" tabindex=\"0\" data-t=\"", x,
            y, cell_width - 2, CELL_HEIGHT - 2, isfinite(value) ? colour : "none");
    rep_escape(out, c->axes[0]);
    fputc(' ', out);
    rep_escape(out, camp_heat_label(c, 0, row));
    fputs(", ", out);
    rep_escape(out, c->axes[1]);
    fputc(' ', out);
    rep_escape(out, camp_heat_label(c, 1, column));
    fputc('|', out);
    rep_escape(out, metric_short(c->metrics[metric], name));
    fprintf(out, ": %s\"/>\n", text);
    if (cell_width >= 44) {
        fprintf(out, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>\n",
                dark ? "on-dark" : "on-pale", x + cell_width / 2 - 1, y + CELL_HEIGHT / 2.0 + 3, text);
    }
}

void camp_svg_heat(const camp_report *r, int32_t metric, FILE *out)
{
    const campaign *c = r->table->c;
    const int32_t rows = c->axis_values[0], columns = c->axis_values[1];
    const double cell_width = fmin(110, (WIDTH - HEAT_LEFT - 4.0) / columns);
    const double width = HEAT_LEFT + cell_width * columns + 4;
    double low = INFINITY, high = -INFINITY;
    for (int32_t y = 0; y < rows; y++) {
        for (int32_t x = 0; x < columns; x++) {
            widen(camp_heat(r, metric, y, x), 0, &low, &high);
        }
    }
    fprintf(out,
            "<svg class=\"drawn map\" style=\"max-width:%.0fpx;min-width:%.0fpx\" viewBox=\"0 0 %.0f %d\" "
            "role=\"group\" aria-label=\"",
            width * 1.1, width * 0.85, width, HEAT_TOP + rows * CELL_HEIGHT + 6);
    rep_escape(out, c->metrics[metric]);
    fputs("\">\n", out);
    svg_text(out, HEAT_LEFT, 14, "start", 1, c->axes[1]);
    svg_text(out, HEAT_LEFT - 10, HEAT_TOP - 8, "end", 1, c->axes[0]);
    for (int32_t x = 0; x < columns; x++) {
        if (columns <= 24 || x % 5 == 0) {
            svg_text(out, HEAT_LEFT + (x + 0.5) * cell_width - 1, HEAT_TOP - 8, "middle", 0, camp_heat_label(c, 1, x));
        }
    }
    for (int32_t y = 0; y < rows; y++) {
        svg_text(out, HEAT_LEFT - 10, HEAT_TOP + y * CELL_HEIGHT + CELL_HEIGHT / 2.0 + 3, "end", 0,
                 camp_heat_label(c, 0, y));
        for (int32_t x = 0; x < columns; x++) {
            put_cell(r, metric, y, x, low, high, cell_width, out);
        }
    }
    fputs("</svg>\n", out);
}
