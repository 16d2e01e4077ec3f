/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * rates.h - arrivals of production traffic published as rates of single clients, not as requests: ServeGen
 * (github.com/alibaba/ServeGen; arXiv 2505.09999) as one CSV
 *   timestamp_s,client,rate_per_s,cv,pattern,arg1,arg2     a window of a client; absent = rate 0
 * and beside it the lengths of NAME-client-rates.csv[.gz], in windows of their own, the first of these that is there:
 *   NAME-token-pmf.jsonl[.gz]       whole distributions: token_pmf.h
 *   NAME-token-quantiles.csv[.gz]   client,window_s,requests,field,mean,p10,p25,p50,p75,p90,p95,p99,max
 *                                   with the field input_tokens or output_tokens
 * Lines of all may come in any order; a client has each field once in a window.
 *
 * Requests are drawn: in each window each client is a renewal process of its rate, with Gamma or Weibull gaps of its
 * CV, in equilibrium at the start of the window. Input and output are drawn independently of each other (the source
 * says nothing of their dependence) from what the client has in the token window: its distribution, or its quantiles,
 * between which the law is exponential (rates_length_at()). Clients without published lengths draw from another client
 * of the same time, in proportion to requests, and where no client of that time has both fields, from one that has them
 * at another time.
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

/** One field of the lengths of a client in a window. Zeroed: it is not given. */
typedef struct rate_tokens {
    double mean;
    double at[RATES_POINTS]; /**< of whole distributions the maximum alone; 0 = not given */
    double *value, *upto;    /**< [count] ascending, and the share of requests at or below; one allocation */
    size_t count;            /**< 0: only quantiles are known */
} rate_tokens;
/** Whether it is given. */
bool rates_has(const rate_tokens *tokens);

/** Lengths of one client in one window. */
typedef struct rate_lengths {
    int64_t start_s;
    int32_t client;
    size_t line;     /**< of the file, from 1; of two lines that make a row the first one */
    double requests; /**< of quantiles as published; of whole distributions what the rates of the window add up to */
    rate_tokens input, output;
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
/** The rates alone, whatever is beside them. @return to be freed; NULL with a message */
client_rates *rates_read_cells(const char *path, char *err, size_t err_size);
/** A file of lengths alone, of either form: no cells, no windows. @return to be freed; NULL with a message */
client_rates *rates_read_lengths(const char *path, char *err, size_t err_size);
/** Gives each row of r->lengths the requests of its client, by these rates, until the next window of lengths begins. */
void rates_weigh(client_rates *r, const client_rates *cells);
/**
 * The length at share u; 0 < u < 1, tokens, 1 or more. Of quantiles: tokens are linear in -ln(1 - u) between two of
 * them, as those of an exponential law are; below p10 the line to p25 goes on; the maximum of n requests stands at the
 * share 1 - 1 / n, n at least 1000.
 */
double rates_length_at(const rate_tokens *tokens, double requests, double u);
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
