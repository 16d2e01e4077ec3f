/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * warmup.h - where the start-up of a run ends, and how well one long run knows its mean.
 *
 * Both presume that the process settles: every source Poisson at a constant rate, nothing by schedule. A day's traffic
 * never does, and there the answer is "not stationary". Warm-up by MSER-5 (stat_mser) over the bins of the timeline,
 * from time 0 on, of three series: requests that wait, ready replicas, completed requests; the latest end counts of
 * those whose front is another level than the rest (stat_front_differs): a constant and plain noise have no start-up.
 */
#ifndef SIM_EXPERIMENT_WARMUP_H
#define SIM_EXPERIMENT_WARMUP_H

#include "sim/experiment/result.h"

typedef struct warmup_found {
    bool stationary; /**< else nothing below is set */
    bool too_short;  /**< MSER cannot tell: the best cut lies in the second half */
    int64_t end_ns;  /**< of the transient */
} warmup_found;

/** Whether the process settles. */
bool warmup_settles(const sc_scenario *sc);

/** Of the mean of the series over the runs. n >= 1. If memory runs out: not stationary. */
warmup_found warmup_of(const sc_scenario *sc, res_run *const *runs, int32_t n);

/**
 * Half width, at 95 %, of the mean time to the first token of one run, from batch means over its bins behind warm-up.
 * NaN: not stationary, or too few bins.
 * @param out mean  seconds, of the bins
 */
double warmup_ttft_half_width(const sc_scenario *sc, const res_run *run, double *mean);

#endif
