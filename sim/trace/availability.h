/* SPDX-License-Identifier: GPL-3.0-or-later */
/** availability.h - what a record of obtainable or living instances says, one level at equal steps of time. */
#ifndef SIM_TRACE_AVAILABILITY_H
#define SIM_TRACE_AVAILABILITY_H

#include "models/provision/stock.h"

typedef struct availability_stats {
    size_t steps;
    double step_s, days;
    int32_t most;
    double mean, share_up; /**< of the levels; of the steps with a level above 0 */
    size_t up_spells;      /**< runs of such steps */
    double up_h, down_h;   /**< mean length of a run above 0, and of one at 0; 0 without any */
    size_t falls;          /**< steps to a lower level */
    int64_t lost;          /**< sum of these falls */
} availability_stats;

availability_stats availability_of(const mdl_stock_trace *record);

#endif
