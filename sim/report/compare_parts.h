/* SPDX-License-Identifier: GPL-3.0-or-later */
/** compare_parts.h - private to sim/report: the cells of a comparison, the same on a terminal and on pages. */
#ifndef SIM_REPORT_COMPARE_PARTS_H
#define SIM_REPORT_COMPARE_PARTS_H

#include "sim/report/verdicts.h"
#include "sim/report/view.h"

#define REP_CELL    48
#define REP_VERDICT 1024

typedef struct rep_compare_row {
    char base[REP_CELL], diff[REP_CELL], interval[2 * REP_CELL + 8], p[REP_CELL], reduction[REP_CELL];
    const char *mark; /**< "better", "worse", "differs"; "" = no difference shown */
} rep_compare_row;

void rep_compare_cells(const comparison *c, int32_t side, int32_t metric, rep_compare_row *row);
/** Whether a row says anything: false for what is zero, or missing, on both sides. */
bool rep_compare_worth(const comparison *c, int32_t side, int32_t metric);
char *rep_compare_reduction(double reduction, char *buf, size_t size); /**< "14 x", "exact", "-" */
char *rep_compare_p(double p, char *buf, size_t size);

/** The sentence on the regret of A, where options->slack is given. @return buf */
char *rep_compare_regret(const comparison *c, char *buf, size_t size);

/** Name, path, hash and overrides as members of the object that is open. */
void rep_json_scenario(rep_json *j, const sc_scenario *sc);

/** A sentence on lines of 80 columns at most, indented by two. */
void rep_put_wrapped(FILE *out, const char *text);

/* Writers for rep_write_file. */
int rep_compare_differences_csv(const void *what, FILE *out);
int rep_compare_pairs_csv(const void *what, FILE *out);
int rep_compare_page(const void *what, FILE *out);

#endif
