/* SPDX-License-Identifier: GPL-3.0-or-later */
/** multi.h - what the commands over many runs share: variants, the folder, interruption, progress. */
#ifndef SIM_CLI_MULTI_H
#define SIM_CLI_MULTI_H

#include "sim/cli/commands.h"
#include "sim/cli/outdir.h"
#include "sim/experiment/kept.h"

/**
 * Loads a scenario with the overrides of a variant, "PATH=VALUE" or several joined by ';', behind those of --set.
 * @return as cli_load
 */
sc_scenario *multi_load_variant(const char *command, const char *path, const char *variant, const char *tables_dir,
                                const opt_list *sets, cli_status *status);

/** Opens the folder of results: `out`, or out/COMMAND-NAME. Says what is wrong. Close with outdir_abort. */
cli_status multi_outdir(const char *command, const char *name, const char *out, outdir *dir);

/** The row of --resume, `field` an int of the values. */
#define MULTI_RESUME_ROW(type, field)                                                                                  \
    {                                                                                                                  \
        "resume", NULL, "go on with what an interrupted command has finished and kept in DIR.part", OPT_FLAG,          \
            offsetof(type, field), 0, 0                                                                                \
    }

/** The replications that a command has finished, kept beside its folder until it is done. */
typedef struct multi_kept {
    kept_folder k;
    char dir[OUTDIR_PATH_MAX + 8]; /**< DIR.part */
} multi_kept;
/** Nothing is written yet. @return CLI_BAD (said): something else stands there */
cli_status multi_keep(const char *command, const outdir *dir, int resume, multi_kept *m);
/** Says how many replications were taken; removes them when the command is done, else says what is left. */
void multi_keep_end(const char *command, const multi_kept *m, bool done);

/** A line of progress on a terminal: runs done and time left. */
typedef struct multi_progress {
    const char *command;
    double began_s, said_s;
    int shown;
} multi_progress;
/** Starts the clock. */
void multi_begin(multi_progress *p, const char *command);
void multi_done(void *progress, int32_t done, int32_t total);
/** Wipes the line. */
void multi_end(multi_progress *p);

#endif
