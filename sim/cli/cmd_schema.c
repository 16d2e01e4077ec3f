/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd_schema.c - spillway schema: the accepted keys of a scenario or sweep file, printed from the tables that the
 * reader uses. */
#include "sim/cli/commands.h"

#include <string.h>

#include "sim/scenario/sweep_file.h"

static cli_status run(int argc, char **argv)
{
    char none = 0;
    opt_list operands;
    const opt_outcome outcome = opt_parse(&cli_schema, argc, argv, &none, &operands, stdout, stderr);
    cli_status status = opt_exit(outcome);
    if (outcome == OPT_GO) {
        if (operands.count == 0 || strcmp(operands.at[0], "scenario") == 0) {
            sc_print_schema(stdout);
        } else if (strcmp(operands.at[0], "sweep") == 0) {
            sweep_print_schema(stdout);
        } else {
            fprintf(stderr, "spillway schema: this version has no schema of '%s'; it has: scenario, sweep\n",
                    operands.at[0]);
            status = CLI_BAD;
        }
    }
    opt_fini(&cli_schema, &none, &operands);
    return status;
}

const opt_command cli_schema = {.name = "schema",
                                .operands = "[scenario|sweep]",
                                .summary = "the accepted keys with kind, unit, default, range and meaning",
                                .rows = NULL,
                                .row_count = 0,
                                .operands_min = 0,
                                .operands_max = 1,
                                .examples = {"spillway schema", "spillway schema sweep"},
                                .run = run};
