/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * rates.h - arrivals of production traffic published as rates of single clients, not as requests: ServeGen
 * (github.com/alibaba/ServeGen; arXiv 2505.09999) as one CSV
 *   timestamp_s,client,rate_per_s,cv,pattern,arg1,arg2     a window of a client; absent = rate 0
 * and beside it the lengths, NAME-token-quantiles.csv[.gz] for NAME-client-rates.csv[.gz]:
 *   client,window_s,requests,field,mean,p10,p25,p50,p75,p90,p95,p99,max     field: input_tokens, output_tokens
 * Lines of both may come in any order; a client has each field once in a window.
 *
 * Requests are drawn: in each window each client is a renewal process of its rate, with Gamma or Weibull gaps of its
 * CV, in equilibrium at the start of the window. Input and output are drawn independently of each other (the source
 * says nothing of their dependence) from the client's quantiles in the token window, logarithms interpolated; below
 * p10 the line from p25 goes on. Clients without published lengths draw from another client of the same time, in
 * proportion to requests, and where no client of that time has both fields, from one that has them at another time.
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
    double input_mean, output_mean;
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
#define RATES_END_S INT64_C(9000000000) /**< 285 years: the last time that windows may reach, fits int64 ns */

/** @return to be freed; NULL with "path:line:col: error: ..." The lengths are read if their file is there. */
client_rates *rates_read(const char *path, char *err, size_t err_size);
/** A file of lengths alone: no cells, no windows. @return to be freed; NULL with a message */
client_rates *rates_read_lengths(const char *path, char *err, size_t err_size);
/** The length at share u of one client's quantiles; 0 < u < 1, tokens, 1 or more. */
double rates_length_at(const double *quantiles, double u);
void rates_free(client_rates *r); /**< NULL allowed */

typedef struct rates_stats {
    size_t clients, windows, cells, weibull, gamma;
    double window_s, mean_per_s, requests, peak_per_s, peak_at_s;
    double lowest_per_s; /**< above 0; NaN: no window has a rate */
    double hour_max, hour_min, cv_weighted, largest_share;
    double by_hour[24];
    size_t days;
    double *by_day; /**< [days] */
} rates_stats;
rates_stats *rates_stats_of(const client_rates *r); /**< NULL: memory; free with rates_stats_free() */
void rates_stats_free(rates_stats *s);

/** Mean rate of all clients from from_s on and before to_s, requests/s: a window counts for its part in between. */
double rates_between(const client_rates *r, int64_t from_s, int64_t to_s);

/**
 * Draws requests from from_s on and before to_s by the file's clock, all rates times `scale`.
 * @return a trace with times from the file's time 0; NULL with a message (no lengths beside the rates, nothing drawn,
 * more than some 500 million requests, memory)
 */
trace *rates_draw(const client_rates *r, const char *name, int64_t from_s, int64_t to_s, double scale, uint64_t seed,
                  char *err, size_t err_size);

#endif
