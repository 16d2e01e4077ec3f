/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd_compare.c - spillway compare: a baseline against candidates on common random numbers. */
#include "sim/cli/commands.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/cli/interrupt.h"
#include "sim/cli/multi.h"
#include "sim/cli/outdir.h"
#include "sim/experiment/check.h"
#include "sim/experiment/compare.h"
#include "sim/experiment/work.h"
#include "sim/report/verdicts.h"
#include "sim/scenario/orders.h"

enum { REPLICATIONS = 10, REPLICATIONS_MAX = 100000, JOBS_MAX = 1024, SIDES_MAX = 26 };

#define SLACK_PRESET 0.01 /* of the requests: one point */
enum { FORMAT_TEXT = 0, FORMAT_JSON = 1, FORMAT_MARKDOWN = 2 };

typedef struct compare_values {
    int64_t seed, replications, jobs;
    opt_list sets, metrics;
    const char *out, *tables, *goal, *slack;
    int format, resume, orders;
} compare_values;

static const opt_row rows[] = {
    {"replications", "R", "pairs (default 10; with --until-half-width: at most, default 200)", OPT_INT,
     offsetof(compare_values, replications), COMPARE_MIN, REPLICATIONS_MAX},
    {"until-half-width", "X", "go on until each difference in cost is known to +- X: USD, or with % of A's cost",
     OPT_TEXT, offsetof(compare_values, goal), 0, 0},
    {"seed", "N", "root of all random streams of both sides (default: the baseline's spec.seed)", OPT_INT,
     offsetof(compare_values, seed), 0, INT64_MAX},
    {"jobs", "J", "threads (default: one for each processor); never changes a result", OPT_INT,
     offsetof(compare_values, jobs), 1, JOBS_MAX},
    {"set", "PATH=VALUE", "override a value in the baseline and all candidates, as in run; repeatable", OPT_LIST,
     offsetof(compare_values, sets), 0, 0},
    {"metric", "NAME", "compare this figure of summary.json, too, e.g. tpot.p50; repeatable", OPT_LIST,
     offsetof(compare_values, metrics), 0, 0},
    {"orders", NULL,
     "add every other order of the baseline's cluster groups as a candidate, and report the regret: its cost above "
     "that "
     "of the best order in hindsight",
     OPT_FLAG, offsetof(compare_values, orders), 0, 0},
    {"slack", "PERCENT",
     "with --orders: an order that keeps A's share of requests within all targets less so many points counts (default "
     "1)",
     OPT_TEXT, offsetof(compare_values, slack), 0, 0},
    {"out", "DIR", "folder of results (default: out/compare-NAME)", OPT_TEXT, offsetof(compare_values, out), 0, 0},
    MULTI_RESUME_ROW(compare_values, resume),
    {"format", "text|json|markdown", "verdicts on standard output (default text)", OPT_CHOICE,
     offsetof(compare_values, format), 0, 0},
    {"tables", "DIR", "parameter tables (default: as in run)", OPT_TEXT, offsetof(compare_values, tables), 0, 0},
};

typedef struct sides {
    sc_scenario **at;
    const char **labels;
    int32_t count;
    orders found; /* of the baseline, with --orders */
} sides;

static cli_status load_sides(const opt_list *operands, const compare_values *values, sides *s)
{
    cli_status status = CLI_DONE;
    for (size_t i = 0; status == CLI_DONE && i < operands->count; i++) {
        const char *name = operands->at[i];
        const bool variant = i > 0 && name[0] == '+';
        s->at[i] =
            variant ? multi_load_variant("compare", operands->at[0], name + 1, values->tables, &values->sets, &status)
                    : cli_load("compare", name, values->tables, &values->sets, &status);
        s->labels[i] = variant || s->at[i] == NULL ? name : s->at[i]->name;
        s->count = (int32_t)i + 1;
    }
    return status;
}

/* Every other order of the baseline's groups, behind the candidates that were named. */
static cli_status load_orders(const opt_list *operands, const compare_values *values, sides *s)
{
    char err[256];
    const int rc = orders_list(s->at[0], SIDES_MAX - s->count, &s->found, err, sizeof err);
    if (rc != 0) {
        fprintf(stderr, "spillway compare: --orders: %s: %s\n", operands->at[0], err);
        return CLI_BAD;
    }
    cli_status status = CLI_DONE;
    for (int32_t i = 0; status == CLI_DONE && i < s->found.count; i++) {
        opt_list sets = {calloc(values->sets.count + strlen(s->found.sets[i]) + 1, sizeof(char *)), 0};
        char *rest = s->found.sets[i];
        if (sets.at == NULL) {
            fputs("spillway: out of memory\n", stderr);
            return CLI_INTERNAL;
        }
        for (size_t k = 0; k < values->sets.count; k++) {
            sets.at[sets.count++] = values->sets.at[k];
        }
        for (char *part; (part = strtok_r(rest, "\n", &rest)) != NULL;) {
            sets.at[sets.count++] = part;
        }
        s->labels[s->count] = s->found.labels[i];
        s->at[s->count] = cli_load("compare", operands->at[0], values->tables, &sets, &status);
        s->count++;
        free(sets.at);
    }
    return status;
}

/* "2" or "0.5": points. */
static bool slack_of(const char *text, double *slack)
{
    char *end = NULL;
    *slack = text == NULL ? SLACK_PRESET : strtod(text, &end) / 100;
    return text == NULL || (end != text && *end == '\0' && *slack >= 0 && *slack <= 1);
}

/* The default figures and those of --metric. */
static cli_status choose_metrics(const compare_values *values, const sc_scenario *sc, cmp_metric *metrics,
                                 char (*names)[CHECK_NAME_SIZE])
{
    memcpy(metrics, cmp_default_metrics, (size_t)cmp_default_metric_count * sizeof *metrics);
    report_values *known = metric_names(sc);
    if (known == NULL) {
        fputs("spillway: out of memory\n", stderr);
        return CLI_INTERNAL;
    }
    cli_status status = CLI_DONE;
    for (size_t i = 0; status == CLI_DONE && i < values->metrics.count; i++) {
        metrics[(size_t)cmp_default_metric_count + i] = (cmp_metric){.name = names[i]};
        if (metric_resolve(known, values->metrics.at[i], names[i]) != 0) {
            fprintf(stderr, "spillway compare: --metric: there is no metric '%s' (did you mean '%s'?)\n",
                    values->metrics.at[i], names[i]);
            status = CLI_BAD;
        }
    }
    report_values_free(known);
    return status;
}

static cli_status publish(const comparison *c, const compare_values *values, outdir *dir)
{
    char err[OUTDIR_PATH_MAX * 3];
    if (report_compare_dir(c, dir->work, err, sizeof err) != 0 || outdir_commit(dir, err, sizeof err) != 0) {
        fprintf(stderr, "spillway compare: %s\n", err);
        return CLI_IO;
    }
    if (values->format == FORMAT_JSON) {
        report_compare_json(c, stdout);
    } else if (values->format == FORMAT_MARKDOWN) {
        report_compare_markdown(c, stdout);
    } else {
        report_compare_text(c, stdout);
    }
    fprintf(stderr, "results: %s\n", dir->target);
    return CLI_DONE;
}

static cli_status compare_sides(const sides *s, const compare_values *values, const stat_goal *goal,
                                const cmp_metric *metrics, const double *slack, outdir *dir)
{
    const int64_t pairs = values->replications > 0 ? values->replications
                          : goal != NULL           ? COMPARE_GOAL_MAX
                                                   : REPLICATIONS;
    multi_progress progress;
    multi_kept kept;
    cli_status status = multi_keep("compare", dir, values->resume, &kept);
    if (status != CLI_DONE) {
        return status;
    }
    multi_begin(&progress, "compare");
    const cmp_options options = {.sides = s->at,
                                 .labels = s->labels,
                                 .side_count = s->count,
                                 .metrics = metrics,
                                 .metric_count = cmp_default_metric_count + (int32_t)values->metrics.count,
                                 .seed = values->seed >= 0 ? (uint64_t)values->seed : s->at[0]->seed,
                                 .replications = (int32_t)pairs,
                                 .goal = goal,
                                 .slack = values->orders ? slack : NULL,
                                 .jobs = work_jobs(values->jobs, pairs * s->count),
                                 .stop = interrupt_catch(),
                                 .kept = &kept.k,
                                 .done = multi_done,
                                 .user = &progress};
    char err[WORK_ERR_SIZE] = "";
    comparison c;
    const int rc = compare_run(&c, &options, err, sizeof err);
    multi_end(&progress);
    status = rc == 0 ? publish(&c, values, dir) : rc > 0 ? CLI_GATE : kept.k.failed ? CLI_IO : CLI_INTERNAL;
    if (rc != 0) {
        fprintf(stderr, "spillway compare: %s\n", rc > 0 ? "interrupted; no results written" : err);
    }
    multi_keep_end("compare", &kept, dir->work[0] == '\0');
    compare_fini(&c);
    return status;
}

static cli_status compare(const opt_list *operands, const compare_values *values)
{
    stat_goal goal;
    if (values->goal != NULL && stat_goal_parse(values->goal, &goal) != 0) {
        fprintf(stderr, "spillway compare: --until-half-width wants a positive number, e.g. 1%% or 0.5, not '%s'\n",
                values->goal);
        return CLI_BAD;
    }
    double slack = 0;
    if (!slack_of(values->slack, &slack) || (values->slack != NULL && !values->orders)) {
        fprintf(stderr, "spillway compare: --slack wants points from 0 to 100 beside --orders, not '%s'\n",
                values->slack);
        return CLI_BAD;
    }
    if (operands->count < 2 && !values->orders) {
        fputs("spillway compare: a candidate is missing, or --orders; see 'spillway compare --help'\n", stderr);
        return CLI_BAD;
    }
    sides s = {calloc(CMP_SIDES, sizeof *s.at), calloc(CMP_SIDES, sizeof *s.labels), 0, {0}};
    cmp_metric *metrics = calloc((size_t)cmp_default_metric_count + values->metrics.count, sizeof *metrics);
    char(*names)[CHECK_NAME_SIZE] = calloc(values->metrics.count + 1, sizeof *names);
    cli_status status = CLI_INTERNAL;
    outdir dir = {.work = ""};
    if (s.at == NULL || s.labels == NULL || metrics == NULL || names == NULL) {
        fputs("spillway: out of memory\n", stderr);
    } else {
        status = load_sides(operands, values, &s);
    }
    if (status == CLI_DONE && values->orders) {
        status = load_orders(operands, values, &s);
    }
    if (status == CLI_DONE) {
        status = choose_metrics(values, s.at[0], metrics, names);
    }
    if (status == CLI_DONE) {
        status = multi_outdir("compare", s.at[0]->name, values->out, &dir);
    }
    if (status == CLI_DONE) {
        status = compare_sides(&s, values, values->goal != NULL ? &goal : NULL, metrics, &slack, &dir);
    }
    outdir_abort(&dir);
    for (int32_t i = 0; s.at != NULL && i < s.count; i++) {
        sc_free(s.at[i]);
    }
    free(s.at);
    free(s.labels);
    orders_fini(&s.found);
    free(metrics);
    free(names);
    return status;
}

static cli_status run(int argc, char **argv)
{
    compare_values values = {.seed = -1};
    opt_list operands;
    const opt_outcome outcome = opt_parse(&cli_compare, argc, argv, &values, &operands, stdout, stderr);
    const cli_status status = outcome == OPT_GO ? compare(&operands, &values) : opt_exit(outcome);
    opt_fini(&cli_compare, &values, &operands);
    return status;
}

const opt_command cli_compare = {
    .name = "compare",
    .operands = "BASELINE CANDIDATE...",
    .summary = "paired runs on common random numbers: differences with intervals, a verdict",
    .rows = rows,
    .row_count = sizeof rows / sizeof rows[0],
    .operands_min = 1,
    .operands_max = SIDES_MAX,
    .examples = {"spillway compare scenarios/flapping-aggressive.yaml scenarios/flapping-balanced.yaml",
                 "spillway compare scenarios/hybrid-burst.yaml '+spec.tick=30s' --until-half-width 1%"},
    .run = run};
