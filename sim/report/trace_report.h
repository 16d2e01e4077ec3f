/* SPDX-License-Identifier: GPL-3.0-or-later */
/** trace_report.h - statistics of traces and tables for people (ASCII, at most 80 columns) and as JSON. */
#ifndef SIM_REPORT_TRACE_REPORT_H
#define SIM_REPORT_TRACE_REPORT_H

#include <stdio.h>

#include "sim/report/json.h"
#include "sim/trace/availability.h"
#include "sim/trace/fit.h"
#include "sim/trace/rates.h"
#include "sim/trace/stats.h"
#include "sim/trace/table_stats.h"
#include "sim/trace/token_mix.h"

void trace_text(const char *path, const trace_facts *facts, const trace_stats *s, FILE *out);
void trace_table_text(const char *path, const table_stats *t, FILE *out);
void trace_rates_text(const char *path, const rates_stats *s, FILE *out);
void trace_mix_text(const char *path, const token_mix *m, FILE *out);
void trace_availability_text(const char *path, const availability_stats *s, FILE *out);
/**
 * Writes into DIR, made if missing: trace-rates.csv (time_s of the bin's begin since the first request,
 * requests_per_s; full bins of a minute, over 12 hours of an hour; a picture has no rates of fewer than two),
 * trace-quantiles.csv (share, input_tokens, output_tokens, gap_s; empty where unknown) and, where gnuplot is at hand,
 * plots/trace.svg and .png; why not is said on stderr. Likewise all below.
 * @return 0; -1 with a sentence
 */
int trace_plots(const char *path, const trace *t, const trace_stats *s, const char *dir, char *err, size_t err_size);
/** trace-rates.csv: the sum over all clients in each window, time_s by the clock of the file; the picture. */
int trace_rates_plots(const char *path, const client_rates *r, const char *dir, char *err, size_t err_size);
/** trace-quantiles.csv: share (0 and stats_points), input_tokens, output_tokens, empty where unknown; the picture. */
int trace_mix_plots(const char *path, const token_mix *m, const char *dir, char *err, size_t err_size);
/** trace-levels.csv: time_s since the record's begin, level, and usd_per_h if it has prices; the picture. */
int trace_availability_plots(const char *path, const mdl_stock_trace *record, const char *dir, char *err,
                             size_t err_size);
/**
 * trace-columns.csv: a row for each column: name, rows, empty, distinct, and of numbers sum, mean, cv, min and
 * quantiles. No picture: a table has no axis of its own.
 */
int trace_table_file(const table_stats *t, const char *dir, char *err, size_t err_size);
/** One object each, as a member of an array. */
void trace_json(const char *path, const trace_facts *facts, const trace_stats *s, rep_json *j);
void trace_table_json(const char *path, const table_stats *t, rep_json *j);
void trace_rates_json(const char *path, const rates_stats *s, rep_json *j);
void trace_mix_json(const char *path, const token_mix *m, rep_json *j);
void trace_availability_json(const char *path, const availability_stats *s, rep_json *j);

/**
 * A fit as YAML, an entry of spec.services[].traffic with the region to be filled in.
 * @param pairs  file that the fit's pairs were written to; NULL = lognormal lengths
 */
void trace_block(const char *path, const trace_fit *f, const char *pairs, FILE *out);
/** What of the trace a fit leaves out, with the share of requests that have it: a line each that begins with `lead`. */
void trace_left_out(const char *lead, const trace_fit *f, FILE *out);

#endif
