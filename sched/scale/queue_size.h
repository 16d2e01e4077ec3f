/* SPDX-License-Identifier: Apache-2.0 */
/**
 * queue_size.h - how many replicas a rate needs, by the M/M/n queue with n = replicas x slots.
 *
 * A. K. Erlang 1917: with a = rate / (rate of a slot) erlangs offered, P(wait > t) = C(n, a) exp(-(n - a) mu t), where
 * mu is the rate of a slot. C follows from the recursion of the loss formula, B(n) = a B(n-1) / (n + a B(n-1)), stable
 * for any size. Only +, -, x and / of binary64 are used, so that every machine finds the same count.
 */
#ifndef SCHED_SCALE_QUEUE_SIZE_H
#define SCHED_SCALE_QUEUE_SIZE_H

#include <spillway/autoscale.h>

/** e^-x for x >= 0, to a few units in the last place; 0 beyond x = 745. */
double queue_exp_minus(double x);

/** Erlang C: the probability to wait at all. 1 where n <= a. */
double queue_erlang_c(double erlangs, int32_t slots);

/**
 * The fewest replicas in [min, max] that meet the target for the rate (requests/s); max if none does. 0 is enough for a
 * rate of 0. Not a number, or a negative rate, counts as 0.
 * @cost O(slots of the answer)
 */
int32_t queue_replicas(const spw_sizing *sizing, double rate, int32_t min, int32_t max);

#endif
