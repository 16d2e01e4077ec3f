/* SPDX-License-Identifier: Apache-2.0 */
/* shares.c - see shares.h. Fewer than `count` units are left after rounding down, so each gets at most one more. */
#include "route/shares.h"

void shares_by_ready(const int32_t *ready, size_t count, int32_t *shares)
{
    int64_t total = 0;
    for (size_t i = 0; i < count; i++) {
        total += ready[i];
        shares[i] = 0;
    }
    if (total == 0) {
        return;
    }
    int64_t left = SHARES_WHOLE;
    for (size_t i = 0; i < count; i++) {
        shares[i] = (int32_t)((int64_t)ready[i] * SHARES_WHOLE / total);
        left -= shares[i];
    }
    while (left > 0) {
        size_t best = count;
        int64_t best_remainder = -1;
        for (size_t i = 0; i < count; i++) {
            int64_t floor_share = (int64_t)ready[i] * SHARES_WHOLE / total;
            int64_t remainder = (int64_t)ready[i] * SHARES_WHOLE % total;
            if (shares[i] == floor_share && remainder > best_remainder) {
                best = i;
                best_remainder = remainder;
            }
        }
        shares[best]++;
        left--;
    }
}
