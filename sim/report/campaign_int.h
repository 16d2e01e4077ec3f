/* SPDX-License-Identifier: GPL-3.0-or-later */
/** campaign_int.h - private to sim/report: the parts of what a sweep or batch writes. */
#ifndef SIM_REPORT_CAMPAIGN_INT_H
#define SIM_REPORT_CAMPAIGN_INT_H

#include "sim/experiment/check.h"
#include "sim/report/campaign_report.h"
#include "sim/report/html.h"
#include "sim/report/json.h"

enum { CAMP_HEAT_MAPS = 4, CAMP_HEAT_SIDE = 40, CAMP_BRIEF_SIZE = 64 };

int camp_write_points(const camp_report *r, FILE *out);
int camp_write_settings(const camp_report *r, FILE *out);
int camp_write_heat(const camp_report *r, FILE *out);
int camp_write_pareto(const camp_report *r, FILE *out);
int camp_write_page(const camp_report *r, FILE *out);

/** How many metrics get a heat map: none unless there are two axes that fit on one. */
int32_t camp_heat_maps(const campaign *c);
/** Value `index` of axis 0 (down) or 1 (across). */
const char *camp_heat_label(const campaign *c, int axis, int32_t index);
/** A cell: the mean over all other axes and seeds. */
double camp_heat(const camp_report *r, int32_t metric, int32_t row, int32_t column);
/** Which settings are on the front, and the front in order of x. Both arrays are the caller's. NULL: memory */
bool *camp_on_front(const camp_report *r, int32_t **order, int32_t *count);
/** Settings with the least of a metric first. The caller's; NULL: memory */
int32_t *camp_ranking(const camp_report *r, int32_t metric);
/** "nodes 4, window 5m" */
void camp_describe(const campaign *c, int32_t setting, char *text, size_t size);
/** "1.234 +- 0.05" */
char *camp_brief(double value, double half, char buf[CAMP_BRIEF_SIZE]);

#endif
