/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd_list.c - spillway list: what this build knows, from the parameter tables, with grade, date and source. */
#include "sim/cli/commands.h"

#include <string.h>

#include "sched/manifest/suggest.h"
#include "sim/scenario/tables.h"

#define ERR_SIZE 4096

typedef struct list_values {
    const char *tables;
    int sources;
} list_values;

static const opt_row rows[] = {
    {"sources", NULL, "say where each row comes from", OPT_FLAG, offsetof(list_values, sources), 0, 0},
    {"tables", "DIR", "parameter tables (default: the installed ones)", OPT_TEXT, offsetof(list_values, tables), 0, 0},
};

static int name_width(const tables *t, tables_kind kind)
{
    int width = 4;
    for (size_t i = 0; i < tables_count(t, kind); i++) {
        tables_line line;
        tables_describe(t, kind, i, &line);
        const int length = (int)strlen(line.name);
        width = length > width ? length : width;
    }
    return width;
}

static void print_table(const tables *t, tables_kind kind, int sources)
{
    const int width = name_width(t, kind);
    for (size_t i = 0; i < tables_count(t, kind); i++) {
        tables_line line;
        tables_describe(t, kind, i, &line);
        printf("%-*s  %-8s  %-10s  %s\n", width, line.name, line.grade, line.date, line.figures);
        if (sources) {
            printf("%*s  source: %s\n", width, "", line.source);
        }
    }
}

static void print_kinds(FILE *out)
{
    for (int k = 0; k < TABLES_KINDS; k++) {
        fprintf(out, "%s%s", k > 0 ? ", " : "", tables_kind_name((tables_kind)k));
    }
    fputc('\n', out);
}

static cli_status list(const char *what, const list_values *values)
{
    const tables_kind kind = tables_kind_of(what);
    if (kind == TABLES_KINDS) {
        suggest near;
        suggest_init(&near, what);
        for (int k = 0; k < TABLES_KINDS; k++) {
            suggest_offer(&near, tables_kind_name((tables_kind)k));
        }
        fprintf(stderr, "spillway list: no table '%s'", what);
        if (near.best != NULL) {
            fprintf(stderr, " (did you mean '%s'?)", near.best);
        }
        fputs("; there are: ", stderr);
        print_kinds(stderr);
        return CLI_BAD;
    }
    char err[ERR_SIZE];
    tables *t = tables_load(values->tables != NULL ? values->tables : sc_tables_dir(), err, sizeof err);
    if (t == NULL) {
        fprintf(stderr, "%s\n", err);
        return CLI_BAD;
    }
    print_table(t, kind, values->sources);
    tables_free(t);
    return CLI_DONE;
}

static cli_status run(int argc, char **argv)
{
    list_values values = {NULL, 0};
    opt_list operands;
    const opt_outcome outcome = opt_parse(&cli_list, argc, argv, &values, &operands, stdout, stderr);
    cli_status status = opt_exit(outcome);
    if (outcome == OPT_GO) {
        if (operands.count == 0) {
            print_kinds(stdout);
        } else {
            status = list(operands.at[0], &values);
        }
    }
    opt_fini(&cli_list, &values, &operands);
    return status;
}

const opt_command cli_list = {.name = "list",
                              .operands = "[TABLE]",
                              .summary = "what this build knows: GPUs, models, prices ... with sources and grades",
                              .rows = rows,
                              .row_count = sizeof rows / sizeof rows[0],
                              .operands_min = 0,
                              .operands_max = 1,
                              .examples = {"spillway list gpus", "spillway list prices --sources"},
                              .run = run};
