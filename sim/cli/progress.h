/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * progress.h - one line on a terminal that says how far a run is.
 *
 * Reads the wall clock, therefore stands in the program and not in the simulator, and never reaches a file: it writes
 * only if the stream is a terminal, at most five times a second. Threads of several replications may report at once.
 */
#ifndef SIM_CLI_PROGRESS_H
#define SIM_CLI_PROGRESS_H

#include <stdint.h>
#include <stdio.h>

typedef struct progress progress;

/** @return NULL when out of memory; every other call then does nothing. */
progress *progress_new(FILE *stream, uint32_t replications, int64_t duration_ns);
void progress_report(progress *p, uint32_t replication, int64_t now_ns, uint64_t requests);
/** Wipes the line. */
void progress_free(progress *p);

/** The line itself, for tests: share of the work, simulated time, requests/s, time left. @return snprintf rules */
int progress_line(char *buf, size_t size, int64_t done_ns, int64_t total_ns, uint64_t requests, double elapsed_s);

/** The same for a list of items that are done one by one (points of a sweep, files of a batch). */
progress *progress_new_items(FILE *stream);
void progress_items(progress *p, int32_t done, int32_t total);
int progress_items_line(char *buf, size_t size, int32_t done, int32_t total, double elapsed_s); /**< snprintf rules */

#endif
