/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd_selfcheck.c - spillway selfcheck: the error table of this build, as text or JSON. */
#include "sim/cli/commands.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "sim/check/check.h"
#include "sim/cli/version.h"
#include "sim/scenario/datadir.h"

#define ERR_SIZE 4096

typedef struct selfcheck_values {
    const char *data, *tables;
    int format, only;
    int64_t jobs;
} selfcheck_values;

static const opt_row rows[] = {
    {"data", "DIR", "folder with recordings of real engines, each in a folder named GPU-MODEL (default: none)",
     OPT_TEXT, offsetof(selfcheck_values, data), 0, 0},
    {"format", "text|json", "how to print the table (default: text)", OPT_CHOICE, offsetof(selfcheck_values, format), 0,
     0},
    {"only", "all|theory|runs|published", "a part of the table (default: all)", OPT_CHOICE,
     offsetof(selfcheck_values, only), 0, 0},
    {"jobs", "N", "threads for replications (default: 2)", OPT_INT, offsetof(selfcheck_values, jobs), 1, 1024},
    {"tables", "DIR", "parameter tables (default: those that came with the program)", OPT_TEXT,
     offsetof(selfcheck_values, tables), 0, 0},
};

static void print_text(const check_list *list)
{
    const char *group = "";
    printf("spillway %s against what is known\n", CLI_VERSION);
    printf("%-46s %12s %12s %-5s %9s %9s  %-9s %s\n", "", "expected", "this build", "", "off", "allowed", "verdict",
           "grade");
    for (size_t i = 0; i < list->count; i++) {
        const check_line *l = &list->lines[i];
        if (strcmp(group, l->group) != 0) {
            group = l->group;
            printf("%s\n", group);
        }
        if (l->verdict == CHECK_NOT_RUN) {
            char expected[32] = "-";
            if (isfinite(l->expected)) {
                snprintf(expected, sizeof expected, "%.5g", l->expected);
            }
            printf("  %-44s %12s %12s %-5s %9s %9s  %-9s %s\n", l->name, expected, "-", l->unit, "-", "-",
                   check_verdict_name(l->verdict), l->grade);
        } else {
            printf("  %-44s %12.5g %12.5g %-5s %+8.2f%% %8.2f%%  %-9s %s\n", l->name, l->expected, l->measured, l->unit,
                   (l->measured / l->expected - 1.0) * 100.0, l->tolerance * 100.0, check_verdict_name(l->verdict),
                   l->grade);
        }
        if (l->note[0] != '\0') {
            printf("    %s\n", l->note);
        }
    }
}

static void print_string(const char *key, const char *text, const char *end)
{
    printf("\"%s\": \"", key);
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\') {
            putchar('\\');
        }
        putchar((unsigned char)*c < ' ' ? ' ' : *c);
    }
    printf("\"%s", end);
}

static void print_number(const char *key, double value)
{
    if (isfinite(value)) {
        printf("\"%s\": %.9g, ", key, value);
    } else {
        printf("\"%s\": null, ", key);
    }
}

static void print_json(const check_list *list, const size_t *counts)
{
    printf(
        "{\"version\": \"%s\", \"held\": %zu, \"explained\": %zu, \"failed\": %zu, \"not_run\": %zu, \"checks\": [\n",
        CLI_VERSION, counts[CHECK_HELD], counts[CHECK_EXPLAINED], counts[CHECK_FAILED], counts[CHECK_NOT_RUN]);
    for (size_t i = 0; i < list->count; i++) {
        const check_line *l = &list->lines[i];
        printf("  {");
        print_string("group", l->group, ", ");
        print_string("name", l->name, ", ");
        print_string("unit", l->unit, ", ");
        print_number("expected", l->expected);
        print_number("measured", l->measured);
        print_number("tolerance", l->verdict == CHECK_NOT_RUN ? (double)NAN : l->tolerance);
        print_string("verdict", l->verdict == CHECK_FAILED ? "failed" : check_verdict_name(l->verdict), ", ");
        print_string("grade", l->grade, ", ");
        print_string("note", l->note, i + 1 < list->count ? "},\n" : "}\n");
    }
    printf("]}\n");
}

static cli_status report(const selfcheck_values *v, const check_list *list)
{
    size_t counts[CHECK_NOT_RUN + 1] = {0};
    for (size_t i = 0; i < list->count; i++) {
        counts[list->lines[i].verdict]++;
    }
    if (v->format == 1) {
        print_json(list, counts);
    } else {
        print_text(list);
        printf("%zu held, %zu explained, %zu failed, %zu not run\n", counts[CHECK_HELD], counts[CHECK_EXPLAINED],
               counts[CHECK_FAILED], counts[CHECK_NOT_RUN]);
    }
    return counts[CHECK_FAILED] > 0 ? CLI_GATE : CLI_DONE;
}

enum { ONLY_ALL = 0, ONLY_THEORY, ONLY_RUNS, ONLY_PUBLISHED };

static bool wants(const selfcheck_values *v, int part)
{
    return v->only == ONLY_ALL || v->only == part;
}

static cli_status act(const selfcheck_values *v)
{
    char err[ERR_SIZE] = "";
    char dir[DATADIR_PATH_MAX];
    tables *t = NULL;
    if (v->only == ONLY_RUNS && v->data == NULL) {
        fputs("spillway selfcheck: --only runs wants --data DIR\n", stderr);
        return CLI_BAD;
    }
    if (v->tables != NULL || datadir_tables(dir, sizeof dir, err, sizeof err)) {
        t = tables_load(v->tables != NULL ? v->tables : dir, err, sizeof err);
    }
    if (t == NULL) {
        fprintf(stderr, "%s\n", err);
        return CLI_BAD;
    }
    check_list list = {.lines = NULL};
    check_list runs = {.lines = NULL};
    const check_input in = {.tables = t, .tables_dir = v->tables, .data = v->data, .jobs = (int32_t)v->jobs};
    /* recordings first: a wrong folder is said before the long part */
    bool ok = !wants(v, ONLY_RUNS) || check_runs(&in, &runs, err, sizeof err);
    ok = ok && (!wants(v, ONLY_THEORY) || check_theory(&in, &list, err, sizeof err));
    for (size_t i = 0; ok && i < runs.count; i++) {
        check_add(&list, &runs.lines[i]);
    }
    ok = ok && (!wants(v, ONLY_PUBLISHED) || check_published(&in, &list, err, sizeof err));
    cli_status status = CLI_BAD;
    if (ok) {
        status = list.failed || runs.failed ? CLI_INTERNAL : report(v, &list);
    }
    if (status == CLI_BAD || status == CLI_INTERNAL) {
        fprintf(stderr, "%s\n", status == CLI_BAD ? err : "spillway: out of memory");
    }
    check_free(&runs);
    check_free(&list);
    tables_free(t);
    return status;
}

static cli_status run(int argc, char **argv)
{
    selfcheck_values values = {.jobs = 2};
    opt_list operands;
    const opt_outcome outcome = opt_parse(&cli_selfcheck, argc, argv, &values, &operands, stdout, stderr);
    const cli_status status = outcome == OPT_GO ? act(&values) : opt_exit(outcome);
    opt_fini(&cli_selfcheck, &values, &operands);
    return status;
}

const opt_command cli_selfcheck = {
    .name = "selfcheck",
    .operands = "",
    .summary = "the error table of this build: queueing theory, runs of real engines, published results",
    .rows = rows,
    .row_count = sizeof rows / sizeof rows[0],
    .operands_min = 0,
    .operands_max = 0,
    .examples = {"spillway selfcheck", "spillway selfcheck --data measured --format json"},
    .run = run};
