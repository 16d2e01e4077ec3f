/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cmd_report.c - spillway report: tables, pictures and page of a run once more, from what the run wrote.
 *
 * Nothing is simulated. The scenario is read again for its names; it has to be the one that was run (its hash says so).
 * summary.json stays: it holds host figures that only the run itself knows.
 */
#include "sim/cli/commands.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/cli/outdir.h"
#include "sim/cli/version.h"
#include "sim/experiment/points.h"
#include "sim/experiment/store.h"
#include "sim/report/report.h"
#include "sim/scenario/datadir.h"

typedef struct report_command_values {
    const char *scenario;
    int format, no_plots;
} report_command_values;

static const opt_row rows[] = {
    {"scenario", "FILE", "the scenario that was run, where it has moved since", OPT_TEXT,
     offsetof(report_command_values, scenario), 0, 0},
    {"format", "text|json|markdown", "summary on standard output (default text)", OPT_CHOICE,
     offsetof(report_command_values, format), 0, 0},
    {"no-plots", NULL, "draw no pictures", OPT_FLAG, offsetof(report_command_values, no_plots), 0, 0},
};

static sc_scenario *load(const store_head *head, const char *moved, cli_status *status)
{
    char path[DATADIR_PATH_MAX];
    sc_messages messages;
    const sc_options options = {.tables_dir = head->tables, .sets = head->sets, .set_count = head->set_count};
    const char *name = moved != NULL ? moved : head->scenario;
    if (!cli_find_scenario(name, path, sizeof path)) {
        *status = CLI_BAD;
        return NULL;
    }
    sc_scenario *sc = sc_load(path, &options, &messages);
    if (sc == NULL) {
        fprintf(stderr, "%s", messages.text != NULL ? messages.text : "spillway: out of memory\n");
    } else if (sc->hash != head->hash) {
        fprintf(stderr,
                "spillway report: %s is not what was run any more (hash %016" PRIx64 ", then %016" PRIx64
                "): it, a manifest or a table has changed\n",
                path, sc->hash, head->hash);
        sc_free(sc);
        sc = NULL;
    }
    sc_messages_fini(&messages);
    *status = sc != NULL ? CLI_DONE : CLI_BAD;
    return sc;
}

static cli_status render(const char *dir, const sc_scenario *sc, res_run *const *runs, int32_t n,
                         const report_command_values *values)
{
    char err[OUTDIR_PATH_MAX * 2];
    report_options options;
    report_options_default(&options);
    options.plots = !values->no_plots;
    options.keep_summary = true;
    if (report_write_dir(sc, runs, n, dir, &options, err, sizeof err) != 0) {
        fprintf(stderr, "spillway report: %s\n", err);
        return CLI_IO;
    }
    const int rc = values->format == 1   ? report_json(sc, runs, n, 0, stdout)
                   : values->format == 2 ? report_markdown(sc, runs, n, stdout)
                                         : report_text(sc, runs, n, stdout);
    if (rc != 0) {
        fputs("spillway report: the summary could not be printed\n", stderr);
    }
    fprintf(stderr, "results: %s\n", dir);
    return CLI_DONE;
}

static cli_status read_and_render(FILE *in, const char *dir, const store_head *head,
                                  const report_command_values *values)
{
    cli_status status;
    sc_scenario *sc = load(head, values->scenario, &status);
    res_run **runs = sc != NULL ? calloc((size_t)head->count, sizeof *runs) : NULL;
    if (sc != NULL && runs == NULL) {
        fputs("spillway: out of memory\n", stderr);
        status = CLI_INTERNAL;
    } else if (sc != NULL && store_read_runs(in, sc, head, runs) != 0) {
        fprintf(stderr, "spillway report: %s/runs.bin is cut short\n", dir);
        status = CLI_BAD;
    } else if (sc != NULL) {
        status = render(dir, sc, runs, head->count, values);
    }
    for (int32_t i = 0; runs != NULL && i < head->count; i++) {
        res_free(runs[i]);
    }
    free(runs);
    sc_free(sc);
    return status;
}

static cli_status report(const char *dir, const report_command_values *values)
{
    char path[OUTDIR_PATH_MAX + 32], err[256];
    store_head head;
    snprintf(path, sizeof path, "%.4000s/" POINTS_MARKER, dir);
    if (access(path, F_OK) == 0) {
        fprintf(stderr, "spillway report: %s holds a sweep or a batch; the same command with --resume writes it anew\n",
                dir);
        return CLI_BAD;
    }
    snprintf(path, sizeof path, "%.4000s/runs.bin", dir);
    FILE *in = fopen(path, "rb");
    if (in == NULL) {
        fprintf(stderr, "spillway report: %s: %s; it is no folder of a run\n", path, strerror(errno));
        return CLI_BAD;
    }
    cli_status status = CLI_BAD;
    if (store_read_head(in, CLI_VERSION, &head, err, sizeof err) != 0) {
        fprintf(stderr, "spillway report: %s: %s\n", path, err);
    } else {
        status = read_and_render(in, dir, &head, values);
        store_head_fini(&head);
    }
    fclose(in);
    return status;
}

static cli_status run(int argc, char **argv)
{
    report_command_values values = {.format = 0};
    opt_list operands;
    const opt_outcome outcome = opt_parse(&cli_report, argc, argv, &values, &operands, stdout, stderr);
    cli_status status = opt_exit(outcome);
    if (outcome == OPT_GO) {
        status = report(operands.at[0], &values);
    }
    opt_fini(&cli_report, &values, &operands);
    return status;
}

const opt_command cli_report = {.name = "report",
                                .operands = "DIR",
                                .summary = "tables, pictures and page of a run once more; nothing is simulated",
                                .rows = rows,
                                .row_count = sizeof rows / sizeof rows[0],
                                .operands_min = 1,
                                .operands_max = 1,
                                .examples = {"spillway report out/demo", "spillway report out/demo --format markdown"},
                                .run = run};
