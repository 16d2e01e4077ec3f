/* SPDX-License-Identifier: GPL-3.0-or-later */
/* availability.c - see availability.h. */
#include "sim/trace/availability.h"

availability_stats availability_of(const mdl_stock_trace *record)
{
    availability_stats s = {.steps = record->count, .step_s = (double)record->step_ns / 1e9};
    size_t up = 0, down_spells = 0;
    double sum = 0.0;
    for (size_t i = 0; i < record->count; i++) {
        const int32_t level = record->level[i];
        const int32_t before = i > 0 ? record->level[i - 1] : 0;
        s.most = level > s.most ? level : s.most;
        sum += (double)level;
        up += level > 0;
        s.up_spells += level > 0 && (i == 0 || before == 0);
        down_spells += level == 0 && (i == 0 || before > 0);
        if (i > 0 && level < before) {
            s.falls++;
            s.lost += before - level;
        }
    }
    const double step_h = s.step_s / 3600.0;
    s.days = (double)s.steps * step_h / 24.0;
    s.mean = s.steps > 0 ? sum / (double)s.steps : 0.0;
    s.share_up = s.steps > 0 ? (double)up / (double)s.steps : 0.0;
    s.up_h = s.up_spells > 0 ? (double)up * step_h / (double)s.up_spells : 0.0;
    s.down_h = down_spells > 0 ? (double)(s.steps - up) * step_h / (double)down_spells : 0.0;
    return s;
}
