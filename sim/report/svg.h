/* SPDX-License-Identifier: GPL-3.0-or-later */
/** svg.h - private to sim/report: axes of the pictures that are drawn into a page. */
#ifndef SIM_REPORT_SVG_H
#define SIM_REPORT_SVG_H

#include <stdio.h>

/** One axis: a range of values on a range of coordinates. */
typedef struct svg_axis {
    double low, high; /**< values at the ends, widened to round ones by svg_axis_fit */
    double step;      /**< between ticks */
    double from, to;  /**< coordinates of low and high */
} svg_axis;

/** An axis over [low, high] with about `ticks` round steps. Equal or unordered ends are spread. */
svg_axis svg_axis_fit(double low, double high, int ticks, double from, double to);
/** A logarithmic axis around [low, high], low > 0: its low and high are powers of ten, and so is what svg_at wants. */
svg_axis svg_axis_log(double low, double high, double from, double to);
double svg_at(const svg_axis *axis, double value); /**< coordinate of a value */
/** Grid lines and figures of a vertical axis, between the coordinates x0 and x1. */
void svg_axis_up(FILE *out, const svg_axis *axis, double x0, double x1);
/** The same of a horizontal axis, between y0 (top) and y1. */
void svg_axis_across(FILE *out, const svg_axis *axis, double y0, double y1);
/** <text> with escaped content. anchor: "start", "middle", "end"; soft: in the quiet colour. */
void svg_text(FILE *out, double x, double y, const char *anchor, int soft, const char *text);

#endif
