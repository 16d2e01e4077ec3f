/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * draw.h - private to sim/report: small charts written as SVG by ourselves, in the colours of the page.
 *
 * Marks carry data-t="first line|second line", which the page's script shows under the pointer or on focus.
 */
#ifndef SIM_REPORT_DRAW_H
#define SIM_REPORT_DRAW_H

#include "sim/report/svg.h"

/**
 * A card with an <svg> of this size in it, label read aloud. One that is not wider than DRAW_COMPACT fits on a phone
 * whole, with larger letters: figures at an axis need room for six letters of 20 units, keys for nine.
 */
#define DRAW_COMPACT 700
void draw_begin(FILE *out, int width, int height, const char *label);
void draw_end(FILE *out);

void draw_line(FILE *out, double x1, double y1, double x2, double y2, const char *style);

/** Grid lines and numbers: along the bottom for an x axis, at the left for a y axis. metric: unit, see compare_text. */
void draw_x(FILE *out, const svg_axis *x, double top, double bottom, const char *metric, const char *title);
void draw_y(FILE *out, const svg_axis *y, double left, double right, const char *metric, const char *title);
/** The same at the left of an axis by svg_axis_log: 1, 2 and 5 of each decade, or round figures within one. */
void draw_y_log(FILE *out, const svg_axis *y, double left, double right, const char *metric, const char *title);

/** What stands under the pointer: opens `<g data-t="..." tabindex="0">`, closed by draw_mark_end. Escaped. */
void draw_mark_begin(FILE *out, const char *tip);
void draw_mark_end(FILE *out);

#define DRAW_HUES 6
/** Colour i of a series, readable on light and dark ground. */
const char *draw_hue(int i);

#endif
