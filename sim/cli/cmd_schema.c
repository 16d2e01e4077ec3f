/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cmd_schema.c - spillway schema: the keys of the files that people and programs write and read. Of what is read they
 * are printed from the tables that the reader uses.
 */
#include <spillway/json.h>
#include <string.h>

#include "sim/cli/commands.h"
#include "sim/report/report.h"
#include "sim/scenario/sweep_file.h"

static void print_snapshot(FILE *out)
{
    spw_json_buffer text = {0};
    if (spw_json_snapshot_schema(&text) == SPW_OK) {
        fputs(text.text, out);
    } else {
        fputs("spillway schema: out of memory\n", stderr);
    }
    spw_json_buffer_fini(&text);
}

static const struct {
    const char *name;
    void (*print)(FILE *out);
} schemas[] = {{"scenario", sc_print_schema},
               {"sweep", sweep_print_schema},
               {"snapshot", print_snapshot},
               {"summary", report_summary_schema}};

static cli_status print(const char *name)
{
    for (size_t i = 0; i < sizeof schemas / sizeof schemas[0]; i++) {
        if (strcmp(name, schemas[i].name) == 0) {
            schemas[i].print(stdout);
            return CLI_DONE;
        }
    }
    fprintf(stderr, "spillway schema: there is no schema of '%s', but of: scenario, sweep, snapshot, summary\n", name);
    return CLI_BAD;
}

static cli_status run(int argc, char **argv)
{
    char none = 0;
    opt_list operands;
    const opt_outcome outcome = opt_parse(&cli_schema, argc, argv, &none, &operands, stdout, stderr);
    cli_status status = opt_exit(outcome);
    if (outcome == OPT_GO) {
        status = print(operands.count == 0 ? "scenario" : operands.at[0]);
    }
    opt_fini(&cli_schema, &none, &operands);
    return status;
}

const opt_command cli_schema = {.name = "schema",
                                .operands = "[scenario|sweep|snapshot|summary]",
                                .summary = "the keys of a file, with kind, unit, default, range and meaning",
                                .rows = NULL,
                                .row_count = 0,
                                .operands_min = 0,
                                .operands_max = 1,
                                .examples = {"spillway schema", "spillway schema snapshot"},
                                .run = run};
