/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd_plan.c - spillway plan: the cheapest configuration that meets the targets. */
#include "sim/cli/commands.h"

#include <stdlib.h>
#include <string.h>

#include "sim/cli/interrupt.h"
#include "sim/cli/multi.h"
#include "sim/experiment/plan.h"
#include "sim/experiment/work.h"
#include "sim/report/verdicts.h"

enum { BUDGET = 200, BUDGET_MAX = 1000000, JOBS_MAX = 1024 };
enum { FORMAT_TEXT = 0, FORMAT_JSON = 1, FORMAT_MARKDOWN = 2 };

typedef struct plan_cli_values {
    int64_t seed, budget, jobs;
    opt_list vary, slo, sets;
    const char *out, *tables, *latency;
    int format, resume;
} plan_cli_values;

static const opt_row rows[] = {
    {"vary", "PATH=A..B[:STEP]", "a knob: a range of numbers, or PATH=X|Y|Z; repeatable", OPT_LIST,
     offsetof(plan_cli_values, vary), 0, 0},
    {"slo", "EXPR", "a condition, e.g. ttft.p95<=2s, slo.attainment>=99%, cost<300; repeatable", OPT_LIST,
     offsetof(plan_cli_values, slo), 0, 0},
    {"budget", "N", "simulation runs in all (default 200)", OPT_INT, offsetof(plan_cli_values, budget), PLAN_BUDGET_MIN,
     BUDGET_MAX},
    {"latency", "METRIC", "what the frontier holds against the cost (default: of the first condition on a latency)",
     OPT_TEXT, offsetof(plan_cli_values, latency), 0, 0},
    {"seed", "N", "root of all random streams (default: spec.seed)", OPT_INT, offsetof(plan_cli_values, seed), 0,
     INT64_MAX},
    {"jobs", "J", "threads (default: one for each processor); never changes a result", OPT_INT,
     offsetof(plan_cli_values, jobs), 1, JOBS_MAX},
    {"set", "PATH=VALUE", "override a value in all configurations, as in run; repeatable", OPT_LIST,
     offsetof(plan_cli_values, sets), 0, 0},
    {"out", "DIR", "folder of results (default: out/plan-NAME)", OPT_TEXT, offsetof(plan_cli_values, out), 0, 0},
    MULTI_RESUME_ROW(plan_cli_values, resume),
    {"format", "text|json|markdown", "answer on standard output (default text)", OPT_CHOICE,
     offsetof(plan_cli_values, format), 0, 0},
    {"tables", "DIR", "parameter tables (default: as in run)", OPT_TEXT, offsetof(plan_cli_values, tables), 0, 0},
};

/* What loading a configuration needs. */
typedef struct source {
    const char *path;
    const plan_cli_values *values;
    const plan_knob *knobs;
    int32_t knob_count;
} source;

static sc_scenario *load(void *user, const int32_t *value, char *err, size_t err_size)
{
    const source *s = user;
    const size_t common = s->values->sets.count;
    char *sets[PLAN_KNOBS_MAX] = {NULL};
    const char **all = calloc(common + PLAN_KNOBS_MAX, sizeof *all);
    cli_status status = CLI_INTERNAL;
    sc_scenario *sc = NULL;
    bool good = all != NULL;
    for (size_t i = 0; good && i < common; i++) {
        all[i] = s->values->sets.at[i];
    }
    for (int32_t k = 0; good && k < s->knob_count; k++) {
        const plan_knob *knob = &s->knobs[k];
        const size_t size = strlen(knob->path) + strlen(knob->values[value[k]]) + 2;
        sets[k] = malloc(size);
        good = sets[k] != NULL;
        if (good) {
            snprintf(sets[k], size, "%s=%s", knob->path, knob->values[value[k]]);
            all[common + (size_t)k] = sets[k];
        }
    }
    if (good) {
        const opt_list list = {all, common + (size_t)s->knob_count};
        sc = cli_load("plan", s->path, s->values->tables, &list, &status);
    }
    if (sc == NULL) {
        snprintf(err, err_size, "a configuration of the grid could not be loaded");
    }
    for (int32_t k = 0; k < s->knob_count; k++) {
        free(sets[k]);
    }
    free(all);
    return sc;
}

static cli_status publish(const plan *p, const sc_scenario *sc, const plan_cli_values *values, outdir *dir)
{
    char err[OUTDIR_PATH_MAX * 3];
    if (report_plan_dir(p, sc, dir->work, err, sizeof err) != 0 || outdir_commit(dir, err, sizeof err) != 0) {
        fprintf(stderr, "spillway plan: %s\n", err);
        return CLI_IO;
    }
    if (values->format == FORMAT_JSON) {
        report_plan_json(p, sc, stdout);
    } else if (values->format == FORMAT_MARKDOWN) {
        report_plan_markdown(p, sc, stdout);
    } else {
        report_plan_text(p, sc, stdout);
    }
    fprintf(stderr, "results: %s\n", dir->target);
    return p->best >= 0 ? CLI_DONE : CLI_GATE;
}

static cli_status search(const sc_scenario *sc, plan_options *options, const plan_cli_values *values)
{
    outdir dir = {.work = ""};
    multi_kept kept;
    cli_status status = multi_outdir("plan", sc->name, values->out, &dir);
    status = status == CLI_DONE ? multi_keep("plan", &dir, values->resume, &kept) : status;
    if (status == CLI_DONE) {
        multi_progress progress;
        char err[WORK_ERR_SIZE] = "";
        plan p;
        multi_begin(&progress, "plan");
        options->stop = interrupt_catch();
        options->kept = &kept.k;
        options->done = multi_done;
        options->user = &progress;
        const int rc = plan_run(&p, options, err, sizeof err);
        multi_end(&progress);
        if (rc == 0) {
            status = publish(&p, sc, values, &dir);
        } else {
            status = rc > 0 ? CLI_GATE : rc == -2 ? CLI_BAD : kept.k.failed ? CLI_IO : CLI_INTERNAL;
            fprintf(stderr, "spillway plan: %s\n", rc > 0 ? "interrupted; no results written" : err);
        }
        multi_keep_end("plan", &kept, dir.work[0] == '\0');
        plan_fini(&p);
    }
    outdir_abort(&dir);
    return status;
}

/* Conditions and the latency of the frontier, by the names that the scenario's figures have. */
static cli_status conditions(const sc_scenario *sc, const plan_cli_values *values, check *slos, char *latency)
{
    report_values *known = metric_names(sc);
    cli_status status = known != NULL ? CLI_DONE : CLI_INTERNAL;
    char err[1024];
    snprintf(latency, CHECK_NAME_SIZE, "latency.ttft_s.p99");
    for (size_t i = values->slo.count; status == CLI_DONE && i-- > 0;) {
        if (check_parse(values->slo.at[i], "--slo", 0, known, &slos[i], err, sizeof err) != 0) {
            fprintf(stderr, "spillway plan: %s\n", err);
            status = CLI_BAD;
        } else if (strstr(slos[i].metric, "latency.") != NULL) {
            snprintf(latency, CHECK_NAME_SIZE, "%s", slos[i].metric);
        }
    }
    if (status == CLI_DONE && values->latency != NULL && metric_resolve(known, values->latency, latency) != 0) {
        fprintf(stderr, "spillway plan: --latency: there is no metric '%s' (did you mean '%s'?)\n", values->latency,
                latency);
        status = CLI_BAD;
    }
    report_values_free(known);
    return status;
}

static cli_status knobs_of(const plan_cli_values *values, plan_knob *knobs)
{
    char err[1024];
    double points = 1;
    if (values->vary.count == 0 || values->vary.count > PLAN_KNOBS_MAX) {
        fprintf(stderr,
                "spillway plan: one to %d --vary are wanted, e.g. --vary 'spec.clusters[0].pools[0].nodes=0..6'\n",
                PLAN_KNOBS_MAX);
        return CLI_BAD;
    }
    for (size_t i = 0; i < values->vary.count; i++) {
        if (plan_knob_parse(values->vary.at[i], &knobs[i], err, sizeof err) != 0) {
            fprintf(stderr, "spillway plan: --vary: %s\n", err);
            return CLI_BAD;
        }
        points *= knobs[i].count;
    }
    if (points > PLAN_POINTS_MAX) {
        fprintf(stderr, "spillway plan: %.0f configurations are more than %d\n", points, PLAN_POINTS_MAX);
        return CLI_BAD;
    }
    return CLI_DONE;
}

static cli_status make_plan(const char *path, const plan_cli_values *values)
{
    plan_knob knobs[PLAN_KNOBS_MAX] = {{0}};
    check *slos = calloc(values->slo.count + 1, sizeof *slos);
    char latency[CHECK_NAME_SIZE], err[256];
    source from = {path, values, knobs, (int32_t)values->vary.count};
    sc_scenario *sc = NULL;
    cli_status status = slos != NULL ? knobs_of(values, knobs) : CLI_INTERNAL;
    if (status == CLI_DONE) { /* the first configuration tells which figures there are */
        const int32_t first[PLAN_KNOBS_MAX] = {0};
        sc = load(&from, first, err, sizeof err);
        status = sc != NULL ? conditions(sc, values, slos, latency) : CLI_BAD;
    }
    if (status == CLI_DONE) {
        plan_options options = {.knobs = knobs,
                                .knob_count = from.knob_count,
                                .slos = slos,
                                .slo_count = (int32_t)values->slo.count,
                                .latency = latency,
                                .seed = values->seed >= 0 ? (uint64_t)values->seed : sc->seed,
                                .budget = (int32_t)values->budget,
                                .jobs = work_jobs(values->jobs, values->budget),
                                .load = load,
                                .unload = sc_free,
                                .load_user = &from};
        status = search(sc, &options, values);
    }
    sc_free(sc);
    free(slos);
    for (int32_t k = 0; k < PLAN_KNOBS_MAX; k++) {
        plan_knob_fini(&knobs[k]);
    }
    return status;
}

static cli_status run(int argc, char **argv)
{
    plan_cli_values values = {.seed = -1, .budget = BUDGET};
    opt_list operands;
    const opt_outcome outcome = opt_parse(&cli_plan, argc, argv, &values, &operands, stdout, stderr);
    const cli_status status = outcome == OPT_GO ? make_plan(operands.at[0], &values) : opt_exit(outcome);
    opt_fini(&cli_plan, &values, &operands);
    return status;
}

const opt_command cli_plan = {
    .name = "plan",
    .operands = "SCENARIO",
    .summary = "the cheapest configuration that meets the targets; what each step of a knob costs",
    .rows = rows,
    .row_count = sizeof rows / sizeof rows[0],
    .operands_min = 1,
    .operands_max = 1,
    .examples = {"spillway plan scenarios/night-and-day.yaml --vary 'spec.clusters[0].pools[0].nodes=1..6' "
                 "--slo 'ttft.p95<=2s' --budget 60",
                 "spillway plan scenarios/flapping-balanced.yaml --slo 'slo.attainment>=98%' --budget 40 --vary "
                 "HorizontalPodAutoscaler/chat:spec.maxReplicas=40..120:20"},
    .run = run};
