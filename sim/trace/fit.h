/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * fit.h - a source of drawn traffic that resembles a trace.
 *
 * Rates: each hour of the local week (hour 0 = Monday 00:00) has that of the requests that fall into it, over the time
 * that the trace covers of it; a trace of several weeks gives means. By the calendar where the trace has one, else time
 * 0 of the file is taken for a Monday 00:00. Hours of which the trace covers less than ten minutes (where it covers
 * more of another one) get the mean rate of the same hour of other days, or of all.
 *
 * Gaps: on the clock of these rates (time change), so that what remains is burstiness. Their CV is taken as it is; of
 * Gamma and Weibull the one with the smaller Kolmogorov-Smirnov distance. At a CV within FIT_POISSON of 1 there is no
 * burstiness; what a source cannot have is drawn with the nearest CV that it can, FIT_CV_LEAST or FIT_CV_MOST. Few gaps
 * of a large CV show less of it than there is, and rates that change within an hour show more: where what is drawn over
 * the time of the trace is more than 1 % off the CV of the trace's gaps by the clock on the wall, the source draws with
 * the CV that makes them alike.
 *
 * Lengths: pairs of input and output, FIT_PAIRS at most, with the quantiles of all requests in both and the ranks of
 * some requests between them; and two lognormal laws (median and quartiles) with the correlation of a Gaussian
 * copula that has the trace's rank correlation, 2 sin(pi rho / 6).
 *
 * The errors are those of a source of this fit, drawn over the time of the trace (FIT_DRAWS requests at most) again and
 * again, until there are FIT_ENOUGH requests, FIT_TIMES at most: so they are those of the fit, not of chance. Hours are
 * compared whose requests drawn have a standard deviation below FIT_CHANCE of them, a quarter of 5 %.
 */
#ifndef SIM_TRACE_FIT_H
#define SIM_TRACE_FIT_H

#include "sim/trace/rates.h"
#include "sim/trace/stats.h"

#define FIT_POISSON  0.02
#define FIT_CV_LEAST 0.05 /**< as burstiness.gamma.cv of a scenario */
#define FIT_CV_MOST  20.0
#define FIT_PAIRS    20000
#define FIT_DRAWS    10000000
#define FIT_ENOUGH   4000000
#define FIT_TIMES    2000
#define FIT_CHANCE   0.0125

/** Relative differences: of the drawn source to the trace, less 1. */
typedef struct trace_fit_errors {
    double hour_mean, hour_worst;                     /**< sizes, over `hours` */
    size_t hours;                                     /**< that are compared, of hours_whole */
    size_t hours_whole;                               /**< of the week, that the trace covers and has requests in */
    size_t times;                                     /**< that the time of the trace was drawn */
    double cv;                                        /**< of the gaps by the clock on the wall */
    double input[STATS_POINTS], output[STATS_POINTS]; /**< at stats_points */
    double scale;                                     /**< of the rates, where all would be too many */
} trace_fit_errors;

typedef struct trace_fit {
    size_t requests;
    /** Of them, so many have what the fit leaves out: a conversation, a prefix, a priority other than 0. */
    size_t with_session, with_prefix, with_priority;
    bool clock, drawn;             /**< drawn: the source was client rates, its gaps and lengths were drawn */
    double hours[MDL_SHAPE_HOURS]; /**< requests/s */
    size_t hours_seen;             /**< of them, from the trace; the others are filled */
    int64_t start_hour;            /**< hour of the week that the trace begins in */
    mdl_renewal renewal;
    double cv;        /**< of gaps on the clock of the rates */
    double source_cv; /**< that the source draws them with */
    double wall_cv;   /**< of gaps by the clock on the wall */
    double ks;        /**< distance of the gaps on the clock of the rates from the law taken, 0..1 */
    double zero_gap_share;
    trace *pairs; /**< NULL: the trace has no token counts */
    stats_values input, output;
    double median_in, sigma_in, median_out, sigma_out, correlation; /**< the lognormal alternative */
    double lognormal_in[STATS_POINTS], lognormal_out[STATS_POINTS]; /**< its errors */
    trace_fit_errors errors;
} trace_fit;

/** @return to be freed with trace_fit_free(); NULL with a message about `name` */
trace_fit *trace_fit_of(const trace *t, const char *name, uint64_t seed, char *err, size_t err_size);
/**
 * The same of client rates from from_s on and before to_s. Rates are taken from the file. It has no requests, so these
 * are drawn (rates_draw): for the gaps, at the full rate in windows spread over the time, hence the CV is that of all
 * clients together as drawn, not a published one; for the lengths, thinly over the whole time.
 */
trace_fit *trace_fit_of_rates(const client_rates *r, int64_t from_s, int64_t to_s, const char *name, uint64_t seed,
                              char *err, size_t err_size);
void trace_fit_free(trace_fit *f); /**< NULL allowed */
/** CV of the gaps that the fit draws. */
double trace_fit_cv(const trace_fit *f);
/** The arrivals of a fit, with hours times `scale` written to hours[]. */
mdl_arrival_spec trace_fit_arrivals(const trace_fit *f, double scale, double hours[MDL_SHAPE_HOURS]);

#endif
