/* SPDX-License-Identifier: GPL-3.0-or-later */
/** commands.h - the sub-commands of the program, and what they share. */
#ifndef SIM_CLI_COMMANDS_H
#define SIM_CLI_COMMANDS_H

#include "sim/cli/options.h"
#include "sim/scenario/scenario.h"

extern const opt_command cli_run, cli_validate, cli_schema, cli_list, cli_trace, cli_decide, cli_replay, cli_sweep,
    cli_batch, cli_init, cli_report, cli_manual, cli_completion, cli_calibrate;
extern const opt_command cli_compare, cli_plan, cli_selfcheck;

/** All of them, in the order of the overview; ends with NULL. */
extern const opt_command *const cli_commands[];

/** Runs the program. main() is nothing but this. @return the exit status */
int cli_main(int argc, char **argv);

/**
 * Where the scenario is that an operand names: that file, or, where there is none, the shipped scenario of that name,
 * so that what the manual says works from any folder.
 * @return false: the path does not fit
 */
int cli_find_scenario(const char *name, char *path, size_t path_size);

/** Checks a Sweep file and its scenario with every value of every axis, and says how many points it has. */
cli_status cli_validate_sweep(const char *path, const char *tables_dir);

/** What the first document of a file says it is; a file that cannot be read is left to its real reader. */
typedef enum cli_file_kind { CLI_FILE_MANIFEST = 0, CLI_FILE_SCENARIO, CLI_FILE_SWEEP } cli_file_kind;
cli_file_kind cli_kind_of(const char *name);

/** "PATH=VALUE" texts as overrides, to be freed with cli_free_sets. @return CLI_DONE, CLI_BAD (said), CLI_INTERNAL */
cli_status cli_parse_sets(const char *command, const opt_list *texts, sc_override **sets, size_t *count);
void cli_free_sets(sc_override *sets, size_t count);

/**
 * Loads a scenario (see cli_find_scenario) with the overrides of --set and prints its messages on stderr.
 * @param in sets  each "PATH=VALUE"
 * @return the scenario, or NULL with *status set (CLI_BAD or CLI_INTERNAL)
 */
sc_scenario *cli_load(const char *command, const char *path, const char *tables_dir, const opt_list *sets,
                      cli_status *status);

#endif
