/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * token_pmf.h - whole distributions of lengths, as JSON lines, each of a client in a window of time:
 *   {"client":0,"window_s":0,"input_tokens":{"45":0.01,...},"output_tokens":{...}}
 * with token count -> probability (any positive weights; they are taken per line). Blank lines are skipped.
 */
#ifndef SIM_TRACE_TOKEN_PMF_H
#define SIM_TRACE_TOKEN_PMF_H

#include "sim/scenario/csvfile.h"
#include "sim/trace/rates.h"

/** Whether a line begins such a file. */
bool token_pmf_is(const char *line);
/** Adds a row of 1 request to r->lengths for each line of a text. False with "path:line:col: error: ..." */
bool token_pmf_read(const char *path, const csv_bytes *text, client_rates *r, csv_message *message);

#endif
