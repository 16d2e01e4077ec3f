/* SPDX-License-Identifier: GPL-3.0-or-later */
/** html.h - private to sim/report: the parts of report.html. Every text from the scenario goes through rep_escape. */
#ifndef SIM_REPORT_HTML_H
#define SIM_REPORT_HTML_H

#include "sim/report/plots.h"
#include "sim/report/scene.h"
#include "sim/report/view.h"

extern const char *const rep_css[]; /**< the style sheet of all pages in parts; ends with NULL */

/** Text with &, <, >, quotes and control characters made harmless, in content and in attributes. */
void rep_escape(FILE *out, const char *text);

/** The same with line ends kept, for <pre>. */
void rep_escape_lines(FILE *out, const char *text);

/** 1234567.891 with two decimals -> "1,234,567.89"; NaN and infinities -> "-". */
void rep_grouped(FILE *out, double value, int decimals);

/** Figure (i, j) of one replication; what i and j count is the function's own affair. NaN = does not exist. */
typedef double (*rep_cell)(const rep_view *v, const res_run *run, int32_t i, int32_t j);
/** Mean over the replications that have the figure. */
double rep_cell_mean(const rep_view *v, rep_cell cell, int32_t i, int32_t j);

/** A JSON string for a <script> block: nothing in it ends the block. */
void rep_script_text(FILE *out, const char *text);
/** The numbers behind the pictures over time, and the attributes by which a picture's card finds its own. */
void rep_html_series(const rep_view *v, FILE *out);
void rep_series_of_picture(const rep_view *v, const rep_picture *p, FILE *out);

/**
 * The same for a scene that has a block of its own: the numbers of its bins, replicas by link of the lag chain too; and
 * the attributes of its card. x0 and x1: where its axis of time begins and ends, as shares of its width.
 */
void rep_html_series_of_scene(const char *id, const rep_scene *s, FILE *out);
void rep_series_of_scene(const char *id, const rep_scene *s, double x0, double x1, FILE *out);

/** Everything before and after the content of <main>, on every page: head, style, theme button; the script. */
void rep_page_begin(FILE *out, const char *title);
void rep_page_end(FILE *out);

/** Column of a table. A list of them ends with a label that is NULL. */
typedef struct rep_head {
    const char *label;
    const char *define; /**< id of its definition (see rep_html_definitions), NULL = needs none */
    bool text;          /**< names, not numbers: left-aligned and sorted by letters */
} rep_head;
/** The link to a definition; nothing for NULL. */
void rep_define(FILE *out, const char *definition);
void rep_heads(FILE *out, const rep_head *heads);
/** A sortable table in its own scrolling box. Rows follow; class "sub" goes with the row above, "sum" stays last. */
void rep_table_open(FILE *out, const char *label, const rep_head *heads);
void rep_table_close(FILE *out);
/** The same as a section of its own with a heading and a hint (trusted HTML). */
void rep_table_begin(FILE *out, const char *id, const char *heading, const char *hint, const rep_head *heads);
void rep_table_end(FILE *out);

/** Headline, verdict, key figures. */
void rep_html_head(const rep_view *v, FILE *out);
/** One <section> with a table each; sections without rows are left out. */
void rep_html_slo(const rep_view *v, FILE *out);
void rep_html_latency(const rep_view *v, FILE *out);
void rep_html_cost(const rep_view *v, FILE *out);
void rep_html_capacity(const rep_view *v, FILE *out);
/** What became of requests on reclaimed nodes; nothing where no node was taken under a request. */
void rep_html_reclaimed(const rep_view *v, FILE *out);
/** The bursts on the axis of the whole run, and a table; each leads to its own page. */
void rep_html_bursts(const rep_view *v, FILE *out);
void rep_html_lag(const rep_view *v, FILE *out);
void rep_html_control(const rep_view *v, FILE *out);
void rep_html_definitions(const rep_view *v, FILE *out);
/** Its parts alone: what the figures of a run mean, for pages with definitions of their own. */
void rep_html_terms(FILE *out);
void rep_html_provenance(const rep_view *v, FILE *out);
/** The scenario and its manifests as they were read, each folded away, with a hash. */
void rep_html_inputs(const sc_scenario *sc, FILE *out);
/** One such text. */
void rep_html_input(FILE *out, const char *name, const char *text, size_t size);
/** Grades of GPUs, models: one row each. */
void rep_html_sources(const sc_scenario *sc, FILE *out);

/**
 * Copies DIR/plots/STEM.svg as an inline picture: no prolog, no tooltips, every id with the stem in front.
 * @return 0, -1 if the file cannot be read or is not what gnuplot writes (nothing was written then)
 */
int rep_inline_svg(const char *dir, const rep_picture *p, const char *label, FILE *out);

/** report.html. @return 0, -1 on a stream error */
int rep_write_html(const rep_view *v, const rep_album *album, const char *dir, FILE *out);

#endif
