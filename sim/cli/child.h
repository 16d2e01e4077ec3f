/* SPDX-License-Identifier: GPL-3.0-or-later */
/** child.h - another program, run to its end, its output kept. Started with an argument list, never through a shell. */
#ifndef SIM_CLI_CHILD_H
#define SIM_CLI_CHILD_H

#include <stddef.h>

/**
 * Runs argv[0], found through PATH, without input.
 * @param out said  the beginning of its standard output and error together, terminated; the rest is read and dropped
 * @return its exit status; -1: it could not be started, or a signal ended it (errno, or 0)
 */
int child_run(char *const argv[], char *said, size_t said_size);

#endif
