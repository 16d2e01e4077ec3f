/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * token_mix.h - lengths of production traffic published as one distribution for each client and window of time, mixed
 * in proportion to requests: what the lengths of all requests look like. ServeGen (github.com/alibaba/ServeGen; arXiv
 * 2505.09999) in either of two forms:
 *   NAME-token-pmf.jsonl[.gz]        JSON lines: token_pmf.h
 *   NAME-token-quantiles.csv[.gz]    rates.h: mean and quantiles. Means of the mixture are exact, its quantiles lie
 * where those of the rows put them, interpolated as requests are drawn Requests of a row: its column of that name; of a
 * line, the rate of its client until the next window of lengths begins by NAME-client-rates.csv[.gz] beside it, and 1
 * where there is no such file.
 */
#ifndef SIM_TRACE_TOKEN_MIX_H
#define SIM_TRACE_TOKEN_MIX_H

#include "sim/trace/stats.h"

typedef struct token_mix {
    bool exact;                 /**< whole distributions; false: quantiles, interpolated */
    bool weighted;              /**< by requests; false: all lines alike */
    size_t rows;                /**< client-windows that have lengths */
    size_t clients, windows;    /**< different ones among them */
    double requests;            /**< of these rows, if weighted */
    double covered;             /**< so much of the requests of the rates beside; below 0: there are none beside */
    stats_values input, output; /**< tokens; `count` is that of the points which stand for the mixture */
} token_mix;

/** Whether the first line of a file is one of these forms. False also where it cannot be read. */
bool token_mix_is(const char *path);
/** @return to be freed with free(); NULL with "path:line:col: error: ..." */
token_mix *token_mix_read(const char *path, char *err, size_t err_size);

#endif
