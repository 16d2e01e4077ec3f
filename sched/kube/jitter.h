/* SPDX-License-Identifier: Apache-2.0 */
/** jitter.h - luck that spreads retries and decides nothing: SplitMix64. Internal to sched/kube. */
#ifndef SCHED_KUBE_JITTER_H
#define SCHED_KUBE_JITTER_H

#include <spillway/types.h>

/** @return 0 <= x < 1 */
static inline double jitter_draw(uint64_t *luck)
{
    uint64_t z = (*luck += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

/** Exponential back-off: the wait that is due now, 1 to 2 times *backoff, and *backoff doubled up to `most`. */
static inline spw_dur jitter_wait(uint64_t *luck, spw_dur *backoff, spw_dur first, spw_dur most)
{
    const spw_dur wait = *backoff == 0 ? first : *backoff;
    *backoff = wait * 2 < most ? wait * 2 : most;
    return (spw_dur)((double)wait * (1.0 + jitter_draw(luck)));
}

#endif
