/* SPDX-License-Identifier: GPL-3.0-or-later */
/** plan_parts.h - private to sim/report: what the writers of a plan share. */
#ifndef SIM_REPORT_PLAN_PARTS_H
#define SIM_REPORT_PLAN_PARTS_H

#include "sim/report/compare_parts.h"

enum { REP_POINT = 1024 };

typedef struct rep_plan {
    const plan *p;
    const sc_scenario *sc;
} rep_plan;

/** The answer in one or two sentences. @return buf */
char *rep_plan_answer(const plan *p, char *buf, size_t size);
/** What is known of the configurations that were not tried, in a sentence. @return buf */
char *rep_plan_bound(const plan *p, char *buf, size_t size);
/** "$ 12.3" of a figure of a point. @return buf */
char *rep_plan_cell(const plan *p, int32_t point, int32_t metric, char *buf, size_t size);
/** Short label of a column: "cost", "owned", ..., or the name of a condition's metric. */
const char *rep_plan_column(const plan *p, int32_t metric);

int rep_plan_page(const void *what, FILE *out); /**< for rep_write_file; what: rep_plan */

#endif
