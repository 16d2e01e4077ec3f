/* SPDX-License-Identifier: GPL-3.0-or-later */
/** decisions.h - private to sim/report: what the core decided, read back from decisions.jsonl beside the page. */
#ifndef SIM_REPORT_DECISIONS_H
#define SIM_REPORT_DECISIONS_H

#include <stddef.h>
#include <stdint.h>

typedef struct rep_decision {
    double at_s; /**< simulated time */
    char *text;  /**< one action as spw_plan_text() words it, reason included */
} rep_decision;

typedef struct rep_decisions {
    rep_decision *at;
    size_t count;
} rep_decisions;

/**
 * The actions of DIR/decisions.jsonl between two times, traffic shares left out.
 * @param in workload  only actions that name it, and orders and releases of nodes
 * @return 0, also without such a file (the list is empty then); -1: memory ran out
 */
int rep_decisions_read(rep_decisions *d, const char *dir, const char *workload, double from_s, double to_s);
void rep_decisions_fini(rep_decisions *d);

#endif
