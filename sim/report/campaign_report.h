/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * campaign_report.h - what a sweep or a batch writes once all its points are there.
 *
 *   points.csv    one row for each point: its number, labels, seed, scenario hash, metrics
 *   settings.csv  one row for each setting: means over its seeds with 95 % half widths, and whether it is on the front
 *   heat.csv      cells of the heat maps (two axes or more); pareto.csv: the front
 *   summary.json  the same as settings.csv for programs
 *   plots/        heat maps and the front as SVG and PNG; report.html: all of it on one page
 * The bytes depend on the points alone. Less is better for both metrics of the front.
 */
#ifndef SIM_REPORT_CAMPAIGN_REPORT_H
#define SIM_REPORT_CAMPAIGN_REPORT_H

#include "sim/experiment/campaign.h"
#include "sim/report/report.h"

typedef struct camp_report {
    const camp_table *table;
    const sc_scenario *base;           /**< what varies: its inputs and grades go on the page; NULL = left out */
    const char *file_name, *file_text; /**< the sweep file; NULL = there is none */
    int32_t pareto[2];                 /**< metrics of the front; -1 = there is none */
} camp_report;

/** Writes all files into `dir`, which exists; each appears whole. @return 0, or -1 with a sentence in err */
int campaign_report_write(const camp_report *r, const char *dir, const report_options *options, char *err,
                          size_t err_size);

/** The settings, best by the first metric first, at most 80 columns and `rows` rows. @return 0, -1: stream error */
int campaign_report_text(const camp_report *r, int32_t rows, FILE *out);
/** Every setting as a Markdown table. */
int campaign_report_markdown(const camp_report *r, FILE *out);
int campaign_report_json(const camp_report *r, FILE *out); /**< as summary.json */

#endif
