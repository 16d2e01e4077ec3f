/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * regret.h - how much more the baseline cost than the best of all sides, known in hindsight.
 *
 * In replication r all sides meet the same random numbers. There a side is eligible if it kept at least A's share of
 * requests within all targets, less `slack`; A always is, and where no targets are given, everyone. The regret is A's
 * cost less that of the cheapest eligible side, which is never negative. Its mean over replications, with Student's
 * interval, estimates what not knowing better is expected to cost: the best side is chosen anew in each replication, as
 * hindsight would, so nothing is selected over the whole sample. It is at least the difference to any one side that is
 * always eligible. Best is only among the sides that were run: a schedule that is none of them may be cheaper still.
 */
#ifndef SIM_EXPERIMENT_REGRET_H
#define SIM_EXPERIMENT_REGRET_H

#include "sim/experiment/compare.h"

typedef struct regret {
    int32_t pairs;           /**< replications in which A has a cost */
    double mean, half;       /**< USD; half width of the 95 % interval, NaN with fewer than two pairs */
    double share;            /**< mean regret by mean cost of the best */
    int32_t best;            /**< the side that was the cheapest most often; ties: the earlier one */
    int32_t wins[CMP_SIDES]; /**< [side] replications in which it was the cheapest, the earlier one of equals */
    int32_t out[CMP_SIDES];  /**< [side] replications in which it was not eligible */
} regret;

/** Of a comparison whose first metrics are cmp_default_metrics. */
regret regret_of(const comparison *c, double slack);

/** In one sentence or two. @return buf */
char *regret_words(const comparison *c, const regret *r, double slack, char *buf, size_t size);

#endif
