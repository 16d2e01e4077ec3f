/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * verdicts.h - what is written about several runs held against each other: comparisons and plans.
 *
 * Files of a comparison: compare.json, differences.csv (one row for each candidate and figure), pairs.csv (one row for
 * each side, replication and figure), compare.md (tables for pasting), decisions-A.jsonl ... (replication 0 of each
 * side), report.html.
 * Files of a plan: plan.json, points.csv (one row for each configuration that was tried), frontier.csv, knobs.csv (the
 * cheapest at each value of each knob), plan.md, report.html.
 * Same input, same bytes. CSV begins with a `# spillway VERSION ...` line; what does not exist is empty, in JSON null.
 */
#ifndef SIM_REPORT_VERDICTS_H
#define SIM_REPORT_VERDICTS_H

#include <stdio.h>

#include "sim/experiment/compare.h"
#include "sim/experiment/plan.h"

/** Each @return 0, or -1: the stream failed (errno) or memory ran out. */
int report_compare_text(const comparison *c, FILE *out); /**< at most 80 columns but for names */
int report_compare_json(const comparison *c, FILE *out);
int report_compare_markdown(const comparison *c, FILE *out);
/** All files into a folder that exists. @return 0, or -1 with a sentence in err */
int report_compare_dir(const comparison *c, const char *dir, char *err, size_t err_size);

/** Of a plan; sc: its scenario, for name and provenance. Each @return as above. */
int report_plan_text(const plan *p, const sc_scenario *sc, FILE *out);
int report_plan_json(const plan *p, const sc_scenario *sc, FILE *out);
int report_plan_markdown(const plan *p, const sc_scenario *sc, FILE *out);
int report_plan_dir(const plan *p, const sc_scenario *sc, const char *dir, char *err, size_t err_size);

#endif
