/* SPDX-License-Identifier: GPL-3.0-or-later */
/** html_diff.h - private to sim/report: what differs between the inputs of two scenarios. */
#ifndef SIM_REPORT_HTML_DIFF_H
#define SIM_REPORT_HTML_DIFF_H

#include "sim/report/html.h"

/** Overrides of both, then their files line by line: those that only one has, those that differ. */
void rep_html_diff(const sc_scenario *a, const sc_scenario *b, const char *name_a, const char *name_b, FILE *out);

/**
 * The lines of two texts: "- " only in a, "+ " only in b, "  " around them, "..." for what is left out between. By the
 * longest common subsequence; texts of more than 4,000 lines each are only said to differ.
 */
void rep_diff_lines(const char *a, size_t a_size, const char *b, size_t b_size, FILE *out);

#endif
