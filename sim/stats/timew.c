/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * timew.c - time-weighted integral of a step function.
 *
 * Invariant: area is the integral up to last_ns; value holds since last_ns. |value| * ns stays below 2^126 for any two
 * int64, so the integral of a run cannot overflow.
 */
#include "sim/stats/stats.h"

#include <assert.h>

void stat_timew_init(stat_timew *t, int64_t now_ns, int64_t value)
{
    t->last_ns = now_ns;
    t->value = value;
    t->max = value;
    t->area = 0;
}

void stat_timew_set(stat_timew *t, int64_t now_ns, int64_t value)
{
    t->area = stat_timew_area(t, now_ns);
    t->last_ns = now_ns;
    t->value = value;
    t->max = value > t->max ? value : t->max;
}

void stat_timew_reset(stat_timew *t, int64_t now_ns)
{
    stat_timew_init(t, now_ns, t->value);
}

__extension__ __int128 stat_timew_area(const stat_timew *t, int64_t now_ns)
{
    __extension__ typedef __int128 wide;

    assert(now_ns >= t->last_ns);
    return t->area + (wide)t->value * ((wide)now_ns - t->last_ns);
}

double stat_timew_mean(const stat_timew *t, int64_t start_ns, int64_t now_ns)
{
    if (now_ns <= start_ns) {
        return (double)t->value;
    }
    return (double)stat_timew_area(t, now_ns) / ((double)now_ns - (double)start_ns);
}
