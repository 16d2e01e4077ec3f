/* SPDX-License-Identifier: Apache-2.0 */
/** manual.h - the options of spillwayd in one table: what is parsed, `--help` and the man page. */
#ifndef SCHED_DAEMON_MANUAL_H
#define SCHED_DAEMON_MANUAL_H

#include <stdbool.h>
#include <stdio.h>

typedef struct dm_option {
    const char *name, *arg; /**< arg NULL = it takes none */
    char letter;            /**< how the parser tells it apart */
    const char *help;
} dm_option;

extern const dm_option dm_options[]; /**< ends with a name NULL */
#define DM_OPTIONS 10

void dm_usage(FILE *out);
/** The man page, with every key of a Daemon file. @return false: a write failed, or out of memory */
bool dm_manual(FILE *out);

#endif
