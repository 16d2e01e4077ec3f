/* SPDX-License-Identifier: GPL-3.0-or-later */
/** multi.h - what the commands over many runs share: variants, the folder, interruption, progress. */
#ifndef SIM_CLI_MULTI_H
#define SIM_CLI_MULTI_H

#include "sim/cli/commands.h"
#include "sim/cli/outdir.h"

/**
 * Loads a scenario with the overrides of a variant, "PATH=VALUE" or several joined by ';', behind those of --set.
 * @return as cli_load
 */
sc_scenario *multi_load_variant(const char *command, const char *path, const char *variant, const char *tables_dir,
                                const opt_list *sets, cli_status *status);

/** Opens the folder of results: `out`, or out/COMMAND-NAME. Says what is wrong. Close with outdir_abort. */
cli_status multi_outdir(const char *command, const char *name, const char *out, outdir *dir);

/** Lets SIGINT end the runs; see multi_begin. @return the flag that becomes non-zero */
const volatile int *multi_stop(void);

/** A line of progress on a terminal: runs done and time left. */
typedef struct multi_progress {
    const char *command;
    double began_s, said_s;
    int shown;
} multi_progress;
/** Catches SIGINT and starts the clock. */
void multi_begin(multi_progress *p, const char *command);
void multi_done(void *progress, int32_t done, int32_t total);
/** Wipes the line. */
void multi_end(multi_progress *p);

#endif
