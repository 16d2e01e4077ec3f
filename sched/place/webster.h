/* SPDX-License-Identifier: Apache-2.0 */
/**
 * webster.h - the apportionment primitive: Webster / Sainte-Lague, exact.
 *
 * Seats go one at a time to the party with the largest votes / (2 seats + 1); ties to fewer seats, then by rank.
 * Quotients are compared by cross-multiplication in 128 bits, so no rounding decides. The implementation comes near in
 * binary64 (rounds at a common divisor, gives or takes the few seats that are missing or too many among the parties at
 * the margin), then lets seats change hands by exact comparison until none is better placed: O(n) whatever the number
 * of seats. The outcome is the seat-by-seat one, because "quotient, then fewer seats, then rank" is a total order over
 * all seats and both take its first ones.
 */
#ifndef SCHED_PLACE_WEBSTER_H
#define SCHED_PLACE_WEBSTER_H

#include <stddef.h>
#include <stdint.h>

typedef struct webster_party {
    int64_t votes; /**< >= 0, <= 2^62 */
    int32_t rank;  /**< unique; smaller wins a tie */
    int32_t seats; /**< out */
    int32_t last;  /**< seats of the time before; floor_divide() only */
    double key;    /**< scratch */
} webster_party;

/**
 * Gives `seats` seats to `count` parties, starting from none. Votes that sum to 0 give nothing.
 * @param in,out heap  [count] scratch
 * @return seats given: `seats`, or 0 if nobody has votes
 */
int32_t webster_divide(webster_party *parties, size_t count, int32_t seats, uint32_t *heap);

/**
 * The same, but no party gets more than caps[i]; what a full party cannot take goes to the others.
 * @return seats given: min(seats, sum of caps of parties with votes)
 */
int32_t webster_divide_capped(webster_party *parties, const int64_t *caps, size_t count, int32_t seats, uint32_t *heap);

/**
 * Karmada's division before 1.16: the whole part of votes x seats / total for each, then one more each, most votes
 * first, then most `last` seats, then by rank (there: at random), until all are given. Fractions are not compared, so
 * it is not largest-remainder, and a party can lose a seat when there is one more to give. No party gets more seats
 * than votes while seats <= total of votes.
 * @param in,out rest  [count] scratch
 * @return seats given: `seats`, or 0 if nobody has votes
 */
int32_t floor_divide(webster_party *parties, size_t count, int32_t seats, uint32_t *rest);

#endif
