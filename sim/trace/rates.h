/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * rates.h - arrivals of production traffic published as rates of single clients, not as requests: ServeGen
 * (github.com/alibaba/ServeGen; arXiv 2505.09999) as one CSV
 *   timestamp_s,client,rate_per_s,cv,pattern,arg1,arg2     a window of a client; absent = rate 0
 * and beside it the lengths, NAME-token-quantiles.csv[.gz] for NAME-client-rates.csv[.gz]:
 *   client,window_s,requests,field,mean,p10,p25,p50,p75,p90,p95,p99,max     field: input_tokens, output_tokens
 */
#ifndef SIM_TRACE_RATES_H
#define SIM_TRACE_RATES_H

#include "sim/trace/stats.h"

typedef struct rate_cell {
    int64_t start_s;
    int32_t client;
    bool weibull; /**< else Gamma */
    double rate_per_s, cv;
} rate_cell;

#define RATES_POINTS 8 /**< p10 p25 p50 p75 p90 p95 p99 max */

/** Lengths of one client in one window. */
typedef struct rate_lengths {
    int64_t start_s;
    int32_t client;
    double requests;
    double input[RATES_POINTS], output[RATES_POINTS]; /**< 0 = not given */
} rate_lengths;

typedef struct client_rates {
    rate_cell *cells; /**< [count] by start, then client */
    size_t count;
    double window_s;       /**< smallest distance between starts */
    int64_t from_s, to_s;  /**< of all windows, the last one's end */
    rate_lengths *lengths; /**< [length_count] by start, then client; may be none */
    size_t length_count;
    double length_window_s;
} client_rates;

/** Whether the first line of a file is that of client rates. False also where it cannot be read. */
bool rates_is(const char *path);
/** @return to be freed; NULL with "path:line:col: error: ..." The lengths are read if their file is there. */
client_rates *rates_read(const char *path, char *err, size_t err_size);
void rates_free(client_rates *r); /**< NULL allowed */

typedef struct rates_stats {
    size_t clients, windows, cells, weibull, gamma;
    double window_s, mean_per_s, requests, peak_per_s, peak_at_s, lowest_per_s;
    double hour_max, hour_min, cv_weighted, largest_share;
    double by_hour[24];
    size_t days;
    double *by_day; /**< [days] */
} rates_stats;
rates_stats *rates_stats_of(const client_rates *r); /**< NULL: memory; free with rates_stats_free() */
void rates_stats_free(rates_stats *s);

/** Rate of all clients in the hour that begins at hour_s, requests/s. */
double rates_hour(const client_rates *r, int64_t hour_s);

#endif
