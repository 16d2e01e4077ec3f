/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * work.h - a list of independent items done by a few threads: replications, points of a sweep, pairs, files.
 *
 * A thread takes the next number that nobody has taken. Items share nothing that is written and leave their results at
 * the place of their number, so the outcome does not depend on the number of threads.
 */
#ifndef SIM_EXPERIMENT_WORK_H
#define SIM_EXPERIMENT_WORK_H

#include <stddef.h>
#include <stdint.h>

#define WORK_ERR_SIZE 1024

/** Does item `index`. @return 0; otherwise no further item is begun, with a sentence in err */
typedef int (*work_fn)(void *user, int32_t index, char *err, size_t err_size);

typedef struct work_options {
    int32_t jobs;             /**< threads, >= 1; fewer are no failure, the others do their work */
    const volatile int *stop; /**< non-zero = begin no further item; may be NULL */
} work_options;

/**
 * Does the items 0 .. count - 1, each once.
 * @param out err  of the lowest item that failed, WORK_ERR_SIZE is always room enough
 * @return -1 when none failed (all are done, unless stopped), else the lowest item that failed; count: out of memory
 */
int32_t work_each(int32_t count, const work_options *options, work_fn work, void *user, char *err, size_t err_size);

/** Threads for a list of this length: as asked, or (asked <= 0) one for each processor. Never more than the items. */
int32_t work_jobs(int64_t asked, int64_t items);

#endif
