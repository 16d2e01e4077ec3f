/* SPDX-License-Identifier: GPL-3.0-or-later */
/** decisions.h - private to sim/report: what the core decided, read back from decisions.jsonl beside the page. */
#ifndef SIM_REPORT_DECISIONS_H
#define SIM_REPORT_DECISIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct rep_decision {
    double at_s;            /**< simulated time */
    char *verb;             /**< "scale", "place", "provision", ... Owns the bytes of the texts below */
    const char *target;     /**< "prod/chat", "prod/chat CLUSTER" or "CLUSTER POOL" */
    int64_t before, amount; /**< replicas or nodes; as they are in the plan */
    const char *reason;     /**< "fill-idle", ... */
    const char *why;        /**< the reason in a sentence, "" if this build does not know it */
} rep_decision;

typedef struct rep_decisions {
    rep_decision *at;
    size_t count;
} rep_decisions;

/** A stretch of simulated time, both ends included. */
typedef struct rep_window {
    double from_s, to_s;
} rep_window;

/**
 * The actions of DIR/decisions.jsonl within any of the windows, in the order of the log, traffic shares left out. One
 * pass over the file; lines of other times are not read as JSON.
 * @return 0, also without such a file (the list is empty then); -1: memory ran out
 */
int rep_decisions_read(rep_decisions *d, const char *dir, const rep_window *windows, int32_t count);
void rep_decisions_fini(rep_decisions *d);

/** Does it belong to the story of a workload in this window: it names the workload, or orders or releases nodes. */
bool rep_decision_concerns(const rep_decision *one, const char *workload, rep_window window);

#endif
