/* SPDX-License-Identifier: GPL-3.0-or-later */
/** html.h - private to sim/report: the parts of report.html. Every text from the scenario goes through rep_escape. */
#ifndef SIM_REPORT_HTML_H
#define SIM_REPORT_HTML_H

#include "sim/report/plots.h"
#include "sim/report/view.h"

extern const char rep_css[]; /**< the page's style sheet */

/** Text with &, <, >, quotes and control characters made harmless, in content and in attributes. */
void rep_escape(FILE *out, const char *text);

/** 1234567.891 with two decimals -> "1,234,567.89"; NaN and infinities -> "-". */
void rep_grouped(FILE *out, double value, int decimals);

/** Figure (i, j) of one replication; what i and j count is the function's own affair. NaN = does not exist. */
typedef double (*rep_cell)(const rep_view *v, const res_run *run, int32_t i, int32_t j);
/** Mean over the replications that have the figure. */
double rep_cell_mean(const rep_view *v, rep_cell cell, int32_t i, int32_t j);

/** A heading, a hint and the beginning of a table in its own scrolling box. `head` is the header row's HTML, trusted.
 */
void rep_table_begin(FILE *out, const char *id, const char *heading, const char *hint, const char *head);
void rep_table_end(FILE *out);

/** Headline, verdict, key figures. */
void rep_html_head(const rep_view *v, FILE *out);
/** One <section> with a table each; sections without rows are left out. */
void rep_html_slo(const rep_view *v, FILE *out);
void rep_html_latency(const rep_view *v, FILE *out);
void rep_html_cost(const rep_view *v, FILE *out);
void rep_html_capacity(const rep_view *v, FILE *out);
void rep_html_bursts(const rep_view *v, FILE *out);
void rep_html_lag(const rep_view *v, FILE *out);
void rep_html_control(const rep_view *v, FILE *out);
void rep_html_definitions(const rep_view *v, FILE *out);
void rep_html_provenance(const rep_view *v, FILE *out);

/**
 * Copies DIR/plots/STEM.svg as an inline picture: no prolog, no tooltips, every id with the stem in front.
 * @return 0, -1 if the file cannot be read or is not what gnuplot writes (nothing was written then)
 */
int rep_inline_svg(const char *dir, const rep_picture *p, const char *label, FILE *out);

/** report.html. @return 0, -1 on a stream error */
int rep_write_html(const rep_view *v, const rep_album *album, const char *dir, FILE *out);

#endif
