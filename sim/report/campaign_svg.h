/* SPDX-License-Identifier: GPL-3.0-or-later */
/** campaign_svg.h - private to sim/report: pictures of a campaign whose marks answer the pointer and the keyboard. */
#ifndef SIM_REPORT_CAMPAIGN_SVG_H
#define SIM_REPORT_CAMPAIGN_SVG_H

#include "sim/report/campaign_int.h"

/** A card with all settings in the plane of the two metrics, the front joined. */
void camp_svg_pareto(const camp_report *r, FILE *out);
/** One metric over the first two axes. */
void camp_svg_heat(const camp_report *r, int32_t metric, FILE *out);

#endif
