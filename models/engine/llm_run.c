/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * llm_run.c - llm engine: k identical decode steps at once.
 *
 * With D decoding requests the context total grows by D each step, so step i (from 0) takes first + i e2 D and k steps
 * take k first + e2 D k (k - 1) / 2, in whole ps. Blocks: request by request one every block_tokens steps, so all D of
 * them in a full cycle and those of its phases in the rest.
 */
#include "models/engine/llm_state.h"

#include <math.h>

int32_t llm_run_limit(const llm_state *s, int32_t steps)
{
    int32_t block = s->config->block_tokens;
    int32_t free_blocks = s->free_blocks;
    if ((int64_t)s->decodes * (llm_whole(s, (uint32_t)steps) + 1) <= free_blocks) {
        return steps;
    }
    int32_t cycles = free_blocks / s->decodes;
    int64_t limit = (int64_t)cycles * block;
    int32_t left = free_blocks - cycles * s->decodes;
    /* ends within a cycle: that would take `decodes` blocks, and fewer are left */
    for (int32_t i = s->phase_now; limit < steps && llm_in_phase(s, i) <= left; limit++) {
        left -= llm_in_phase(s, i);
        i = i + 1 == block ? 0 : i + 1;
    }
    return limit < steps ? (int32_t)limit : steps;
}

int32_t llm_run_reach(const llm_state *s, int64_t ps, int32_t most)
{
    if (llm_run_ps(s, most) < ps) {
        return most;
    }
    /* The root only proposes; the comparisons below decide, so its rounding cannot show. */
    double first = (double)s->first_ps;
    double k = (double)ps / first;
    if (s->growth_ps > 0) {
        double half = 0.5 * (double)s->growth_ps;
        double b = first - half;
        k = 2.0 * (double)ps / (b + sqrt(fabs(b * b + 4.0 * half * (double)ps)));
    }
    int32_t steps = k >= (double)most ? most : k < 1.0 ? 1 : (int32_t)k;
    while (steps > 1 && llm_run_ps(s, steps - 1) >= ps) {
        steps--;
    }
    while (steps < most && llm_run_ps(s, steps) < ps) {
        steps++;
    }
    return steps;
}
