/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cmd_run.c - spillway run: simulate a scenario, print a summary, write a folder of results.
 *
 * Order matters: everything that can be wrong with the input is found before the first byte is written, and the folder
 * gets its name only when all of it is there.
 */
#include "sim/cli/commands.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/cli/colour.h"
#include "sim/cli/interrupt.h"
#include "sim/cli/multi.h"
#include "sim/cli/outdir.h"
#include "sim/cli/progress.h"
#include "sim/cli/version.h"
#include "sim/experiment/check.h"
#include "sim/experiment/experiment.h"
#include "sim/experiment/store.h"
#include "sim/experiment/warmup.h"
#include "sim/experiment/work.h"
#include "sim/report/report.h"

#define REPLICATIONS_MAX 100000
#define GOAL_MAX         200
#define JOBS_MAX         1024
#define STREAM_BUFFER    ((size_t)1 << 20)

enum { FORMAT_TEXT = 0, FORMAT_JSON = 1, FORMAT_MARKDOWN = 2 };
enum { WARMUP_GIVEN = 0, WARMUP_MSER = 1 };

typedef struct run_values {
    int64_t seed, replications, jobs;
    opt_list sets;
    const char *out, *tables, *half_width, *metric;
    int format, warmup, requests, record, no_plots, resume;
} run_values;

static const opt_row rows[] = {
    {"seed", "N", "root of all random streams (default: spec.seed)", OPT_INT, offsetof(run_values, seed), 0, INT64_MAX},
    {"replications", "R", "independent runs (default 1; with --until-half-width: at most, default 200)", OPT_INT,
     offsetof(run_values, replications), 1, REPLICATIONS_MAX},
    {"until-half-width", "X", "go on until the cost, or --metric, is known to +- X (95 %): in its unit, or % of it",
     OPT_TEXT, offsetof(run_values, half_width), 0, 0},
    {"metric", "NAME", "figure of summary.json that --until-half-width speaks of, e.g. ttft.p95", OPT_TEXT,
     offsetof(run_values, metric), 0, 0},
    {"jobs", "J", "threads (default: one for each processor); never changes a result", OPT_INT,
     offsetof(run_values, jobs), 1, JOBS_MAX},
    {"set", "PATH=VALUE", "override one value of the scenario, or (Kind/name:PATH) of a manifest; repeatable", OPT_LIST,
     offsetof(run_values, sets), 0, 0},
    {"out", "DIR", "folder of results (default: out/NAME)", OPT_TEXT, offsetof(run_values, out), 0, 0},
    MULTI_RESUME_ROW(run_values, resume),
    {"format", "text|json|markdown", "summary on standard output (default text)", OPT_CHOICE,
     offsetof(run_values, format), 0, 0},
    {"warmup", "given|mser",
     "what is not counted: spec.warmup (default), or what MSER-5 finds in a pilot run; constant rates only", OPT_CHOICE,
     offsetof(run_values, warmup), 0, 0},
    {"requests", NULL, "write requests.csv: one row for each request of replication 0", OPT_FLAG,
     offsetof(run_values, requests), 0, 0},
    {"record", NULL, "whole snapshots in decisions.jsonl", OPT_FLAG, offsetof(run_values, record), 0, 0},
    {"no-plots", NULL, "draw no pictures", OPT_FLAG, offsetof(run_values, no_plots), 0, 0},
    {"tables", "DIR", "parameter tables (default: beside the scenario, else those that came with the program)",
     OPT_TEXT, offsetof(run_values, tables), 0, 0},
};

/* When there are replications enough. */
typedef struct run_goal {
    bool wanted;
    exp_goal goal;
    char metric[CHECK_NAME_SIZE];
} run_goal;

/* What the hooks of a replication need. */
typedef struct run_state {
    const sc_scenario *sc;
    const run_values *values;
    const run_goal *goal;
    progress *progress;
    const volatile int *stop;
    FILE *decisions, *requests; /* replication 0 */
    int write_failed;
    const char **pool_names; /* [pool_count] */
} run_state;

/* Hooks get one pointer; it tells the replications apart. */
typedef struct run_hook {
    run_state *state;
    uint32_t replication;
} run_hook;

typedef struct run_hooks {
    run_state state;
    run_hook *each; /* [replications] */
} run_hooks;

static int on_decision(void *user, const char *line, size_t size)
{
    run_state *state = ((const run_hook *)user)->state;
    if (fwrite(line, 1, size, state->decisions) != size) {
        state->write_failed = errno != 0 ? errno : EIO;
        return -1;
    }
    return 0;
}

/* Seconds with all nine digits, exactly; nothing for what did not happen. */
static void put_time(FILE *file, int64_t ns)
{
    if (ns < 0 || ns == INT64_MAX) {
        fputc(',', file);
    } else {
        fprintf(file, ",%" PRId64 ".%09" PRId64, ns / SPW_NS_PER_S, ns % SPW_NS_PER_S);
    }
}

static int on_request(void *user, const fleet_request *q)
{
    run_state *state = ((const run_hook *)user)->state;
    const sc_scenario *sc = state->sc;
    FILE *file = state->requests;
    fprintf(file, "%" PRIu64 ",%s,%s,%s,%s", q->number, sc->services[q->service].name, sc->regions[q->region].name,
            q->cluster >= 0 && q->cluster < sc->cluster_count ? sc->clusters[q->cluster].name : "",
            q->pool >= 0 && q->pool < sc->pool_count ? state->pool_names[q->pool] : "");
    put_time(file, q->sent_ns);
    put_time(file, q->started_ns);
    put_time(file, q->first_ns);
    put_time(file, q->done_ns);
    if (fprintf(file, ",%" PRId32 ",%" PRId32 ",%s\n", q->input_tokens, q->output_tokens, q->outcome) < 0) {
        state->write_failed = errno != 0 ? errno : EIO;
        return -1;
    }
    return 0;
}

static void on_progress(void *user, int64_t now_ns, uint64_t requests)
{
    const run_hook *hook = user;
    progress_report(hook->state->progress, hook->replication, now_ns, requests);
}

static void hooks_for(void *user, uint32_t replication, fleet_hooks *hooks)
{
    run_hooks *all = user;
    run_hook *hook = &all->each[replication];
    *hook = (run_hook){&all->state, replication};
    *hooks = (fleet_hooks){.stop = all->state.stop, .user = hook};
    if (all->state.progress != NULL) {
        hooks->progress = on_progress;
    }
    if (replication == 0) {
        hooks->decision = on_decision;
        hooks->request = all->state.requests != NULL ? on_request : NULL;
        hooks->record_snapshots = all->state.values->record != 0;
    }
}

static FILE *open_stream(const outdir *dir, const char *name)
{
    char path[OUTDIR_PATH_MAX];
    const int n = snprintf(path, sizeof path, "%s/%s", dir->work, name);
    if (n < 0 || (size_t)n >= sizeof path) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    FILE *file = fopen(path, "w");
    if (file != NULL) {
        (void)setvbuf(file, NULL, _IOFBF, STREAM_BUFFER);
    }
    return file;
}

/* @return 0, or the errno of what could not be written */
static int close_stream(FILE **file)
{
    if (*file == NULL) {
        return 0;
    }
    errno = 0;
    const int bad = ferror(*file);
    const int rc = fclose(*file);
    *file = NULL;
    return bad || rc != 0 ? (errno != 0 ? errno : EIO) : 0;
}

static int open_streams(run_state *state, const outdir *dir, uint64_t seed)
{
    state->decisions = open_stream(dir, "decisions.jsonl");
    if (state->decisions == NULL) {
        return -1;
    }
    if (state->values->requests) {
        state->requests = open_stream(dir, "requests.csv");
        if (state->requests == NULL) {
            return -1;
        }
        fprintf(state->requests,
                "# spillway %s scenario %s hash %016" PRIx64 " seed %" PRIu64 "\n"
                "number,service,region,cluster,pool,sent_s,started_s,first_token_s,done_s,input_tokens,output_tokens,"
                "outcome\n",
                CLI_VERSION, state->sc->name, state->sc->hash, seed);
    }
    return 0;
}

static int name_pools(run_state *state)
{
    state->pool_names = calloc((size_t)state->sc->pool_count + 1, sizeof *state->pool_names);
    for (int32_t c = 0; state->pool_names != NULL && c < state->sc->cluster_count; c++) {
        const sc_cluster *cluster = &state->sc->clusters[c];
        for (int32_t p = 0; p < cluster->pool_count; p++) {
            state->pool_names[cluster->pool_first + p] = cluster->pools[p].name;
        }
    }
    return state->pool_names != NULL ? 0 : -1;
}

/* The text summary, in colour where that is welcome. @return 0, -1 */
static int print_text(const sc_scenario *sc, res_run *const *runs, int32_t n)
{
    if (!colour_wanted(stdout)) {
        return report_text(sc, runs, n, stdout);
    }
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    int rc = out != NULL ? report_text(sc, runs, n, out) : -1;
    if (out != NULL && fclose(out) != 0) {
        rc = -1;
    }
    if (rc == 0) {
        colour_print(text, stdout);
    }
    free(text);
    return rc;
}

/* What MSER says of the warm-up, and batch means of a single run; only where the process settles. */
static void say_settling(const sc_scenario *sc, res_run *const *runs, int32_t n)
{
    const warmup_found found = warmup_of(sc, runs, n);
    double mean = 0;
    const double half = n == 1 ? warmup_ttft_half_width(sc, runs[0], &mean) : (double)NAN;
    if (!found.stationary) {
        return;
    }
    if (found.too_short) {
        fputs("warning: MSER-5 finds no steady state: the run is too short to tell where its warm-up ends\n", stderr);
    } else if (found.end_ns > sc->warmup_ns) {
        fprintf(stderr, "warning: the warm-up of %.0f s is too short: MSER-5 sees start-up until %.0f s\n",
                (double)sc->warmup_ns / 1e9, (double)found.end_ns / 1e9);
    }
    if (isfinite(half)) {
        fprintf(stderr, "note: mean TTFT %.4g s +- %.2g s (95 %%, batch means of this run; replications know more)\n",
                mean, half);
    }
}

static void print_summary(const sc_scenario *sc, res_run *const *runs, const run_values *values, int32_t jobs,
                          const char *target)
{
    const int32_t n = (int32_t)values->replications;
    const int rc = values->format == FORMAT_JSON       ? report_json(sc, runs, n, jobs, stdout)
                   : values->format == FORMAT_MARKDOWN ? report_markdown(sc, runs, n, stdout)
                                                       : print_text(sc, runs, n);
    if (rc != 0) {
        fputs("spillway run: the summary could not be printed\n", stderr);
    }
    say_settling(sc, runs, n);
    fprintf(stderr, "results: %s\n", target);
}

/* What `report` draws the folder from later. @return 0, or the errno of what could not be written */
static int keep_runs(const sc_scenario *sc, res_run *const *runs, const run_values *values, const outdir *dir)
{
    FILE *file = open_stream(dir, "runs.bin");
    if (file == NULL) {
        return errno;
    }
    const int rc = store_write(file, CLI_VERSION, sc, values->tables, runs, (int32_t)values->replications);
    const int lost = close_stream(&file);
    return lost != 0 ? lost : rc != 0 ? EIO : 0;
}

/* Everything after the simulation. */
static cli_status publish(const sc_scenario *sc, res_run *const *runs, const run_values *values, int32_t jobs,
                          outdir *dir)
{
    char err[OUTDIR_PATH_MAX * 3];
    report_options options;
    report_options_default(&options);
    options.plots = !values->no_plots;
    options.host_threads = jobs;
    options.log = stderr;
    const int lost = keep_runs(sc, runs, values, dir);
    if (lost != 0) {
        fprintf(stderr, "spillway run: cannot write into %s: %s; nothing kept\n", dir->work, strerror(lost));
        return CLI_IO;
    }
    if (report_write_dir(sc, runs, (int32_t)values->replications, dir->work, &options, err, sizeof err) != 0 ||
        outdir_commit(dir, err, sizeof err) != 0) {
        fprintf(stderr, "spillway run: %s\n", err);
        return CLI_IO;
    }
    print_summary(sc, runs, values, jobs, dir->target);
    return CLI_DONE;
}

/* After an interruption: the first replications that had come to their end. */
static cli_status publish_finished(const sc_scenario *sc, res_run *const *runs, const run_values *values, int32_t jobs,
                                   outdir *dir)
{
    run_values finished = *values;
    for (finished.replications = 0;
         finished.replications < values->replications && runs[finished.replications] != NULL;) {
        finished.replications++;
    }
    if (finished.replications == 0) {
        fputs("spillway run: interrupted; no results written\n", stderr);
        return CLI_GATE;
    }
    fprintf(stderr, "spillway run: interrupted; results of the first %" PRId64 " of %" PRId64 " replications\n",
            finished.replications, values->replications);
    const cli_status status = publish(sc, runs, &finished, jobs, dir);
    return status == CLI_DONE ? CLI_GATE : status;
}

/* Whether the goal was met, with what is known now. */
static void say_reached(const run_goal *goal, const exp_reached *reached)
{
    char name[CHECK_NAME_SIZE];
    fprintf(stderr, "%s%s %.4g +- %.2g (95 %%, %" PRId32 " replications)%s\n",
            reached->met ? "" : "warning: ", metric_short(goal->goal.metric, name), reached->mean, reached->half,
            reached->replications, reached->met ? "" : ": --until-half-width is not reached; more with --replications");
}

/* Runs all replications and writes the results into dir. @param in kept  NULL: they are not kept */
static cli_status simulate(const sc_scenario *sc, const run_values *values, run_hooks *hooks, outdir *dir,
                           kept_folder *kept, res_run **runs)
{
    const uint64_t seed = values->seed >= 0 ? (uint64_t)values->seed : sc->seed;
    const int32_t jobs = work_jobs(values->jobs, values->replications);
    run_state *state = &hooks->state;
    if (open_streams(state, dir, seed) != 0) {
        fprintf(stderr, "spillway run: cannot write into %s: %s\n", dir->work, strerror(errno));
        return CLI_IO;
    }
    const exp_options options = {.seed = seed,
                                 .replications = (int32_t)values->replications,
                                 .jobs = jobs,
                                 .hooks_for = hooks_for,
                                 .user = hooks,
                                 .stop = state->stop,
                                 .kept = kept};
    char err[512] = "";
    state->progress = progress_new(stderr, (uint32_t)values->replications, sc->duration_ns);
    exp_reached reached = {.replications = options.replications};
    const int rc = state->goal->wanted
                       ? exp_replicate_until(sc, &options, &state->goal->goal, runs, &reached, err, sizeof err)
                       : exp_replicate(sc, &options, runs, err, sizeof err);
    progress_free(state->progress);
    state->progress = NULL;
    int lost = state->write_failed;
    const int lost_decisions = close_stream(&state->decisions);
    const int lost_requests = close_stream(&state->requests);
    lost = lost != 0 ? lost : lost_decisions != 0 ? lost_decisions : lost_requests;
    if (lost != 0) {
        fprintf(stderr, "spillway run: cannot write into %s: %s; nothing kept\n", dir->work, strerror(lost));
        return CLI_IO;
    }
    if (rc != 0 && *state->stop != 0) {
        return publish_finished(sc, runs, values, jobs, dir);
    }
    if (rc != 0) {
        fprintf(stderr, "spillway run: %s\n", err);
        return kept != NULL && kept->failed ? CLI_IO : CLI_INTERNAL;
    }
    run_values all = *values;
    all.replications = reached.replications;
    const cli_status status = publish(sc, runs, &all, jobs, dir);
    if (status == CLI_DONE && state->goal->wanted) {
        say_reached(state->goal, &reached);
    }
    return status;
}

/* The folder of results, and the one beside it that keeps replications. */
static cli_status open_folders(const sc_scenario *sc, const run_values *values, outdir *dir, multi_kept *kept)
{
    char target[OUTDIR_PATH_MAX], err[OUTDIR_PATH_MAX * 2];
    const int n = values->out != NULL ? snprintf(target, sizeof target, "%s", values->out)
                                      : snprintf(target, sizeof target, "out/%s", sc->name);
    if (n < 0 || (size_t)n >= sizeof target || outdir_check(target, err, sizeof err) != 0) {
        fprintf(stderr, "spillway run: %s\n", n < 0 || (size_t)n >= sizeof target ? "the --out path is too long" : err);
        return CLI_BAD;
    }
    if (outdir_begin(dir, target, err, sizeof err) != 0) {
        fprintf(stderr, "spillway run: %s\n", err);
        return CLI_IO;
    }
    return multi_keep("run", dir, values->resume, kept);
}

static cli_status run_scenario(const sc_scenario *sc, const run_values *values, const run_goal *goal,
                               const volatile int *stop, outdir *dir, kept_folder *kept)
{
    const size_t count = (size_t)values->replications;
    run_hooks hooks = {.state = {.sc = sc, .values = values, .goal = goal, .stop = stop}};
    hooks.each = calloc(count, sizeof *hooks.each);
    res_run **runs = calloc(count, sizeof *runs);
    cli_status status = CLI_INTERNAL;
    if (runs == NULL || hooks.each == NULL || name_pools(&hooks.state) != 0) {
        fputs("spillway: out of memory\n", stderr);
    } else {
        status = simulate(sc, values, &hooks, dir, kept, runs);
    }
    (void)close_stream(&hooks.state.decisions);
    (void)close_stream(&hooks.state.requests);
    for (size_t i = 0; runs != NULL && i < count; i++) {
        res_free(runs[i]);
    }
    free(runs);
    free(hooks.each);
    free(hooks.state.pool_names);
    return status;
}

static sc_scenario *load_with(const run_values *values, const char *file, const char *warmup, cli_status *status)
{
    const char **at = calloc(values->sets.count + 1, sizeof *at);
    if (at == NULL) {
        fputs("spillway: out of memory\n", stderr);
        *status = CLI_INTERNAL;
        return NULL;
    }
    for (size_t i = 0; i < values->sets.count; i++) {
        at[i] = values->sets.at[i];
    }
    at[values->sets.count] = warmup;
    const opt_list sets = {.at = at, .count = values->sets.count + 1};
    sc_scenario *sc = cli_load("run", file, values->tables, &sets, status);
    free(at);
    return sc;
}

/* A pilot run from an empty system, and the scenario once more with what it says. @param in sc  without warm-up */
static sc_scenario *load_after_pilot(const sc_scenario *sc, const run_values *values, const char *file,
                                     const volatile int *stop, kept_folder *kept, cli_status *status)
{
    char set[64], err[512] = "";
    const exp_options options = {.seed = values->seed >= 0 ? (uint64_t)values->seed : sc->seed,
                                 .replications = 1,
                                 .jobs = 1,
                                 .stop = stop,
                                 .kept = kept};
    res_run *pilot = NULL;
    warmup_found found = {.stationary = false};
    const int rc = exp_replicate(sc, &options, &pilot, err, sizeof err);
    if (rc == 0) {
        found = warmup_of(sc, &pilot, 1);
    }
    res_free(pilot);
    *status = CLI_BAD;
    if (*stop != 0) {
        fputs("spillway run: interrupted; no results written\n", stderr);
        *status = CLI_GATE;
    } else if (rc != 0 || !found.stationary) {
        fprintf(stderr, "spillway run: %s\n", rc != 0 ? err : "out of memory");
        *status = rc != 0 && kept->failed ? CLI_IO : CLI_INTERNAL;
    } else if (found.too_short) {
        fputs("spillway run: --warmup mser: the pilot run is too short to tell where its warm-up ends\n", stderr);
    } else {
        (void)snprintf(set, sizeof set, "spec.warmup=%.0fs", (double)found.end_ns / 1e9);
        fprintf(stderr, "warm-up %.0f s, by MSER-5 of a pilot run\n", (double)found.end_ns / 1e9);
        return load_with(values, file, set, status);
    }
    return NULL;
}

/* What can be wrong with the options once the scenario is known. */
static cli_status check_options(const sc_scenario *sc, const run_values *values, run_goal *goal)
{
    if (values->warmup == WARMUP_MSER && !warmup_settles(sc)) {
        fputs(
            "spillway run: --warmup mser wants a process that settles: every source poisson, without growth, holidays "
            "and crowds, no faults; give spec.warmup\n",
            stderr);
        return CLI_BAD;
    }
    goal->wanted = values->half_width != NULL;
    goal->goal.metric = goal->metric;
    if (!goal->wanted && values->metric != NULL) {
        fputs("spillway run: --metric says what --until-half-width speaks of; give that, too\n", stderr);
        return CLI_BAD;
    }
    if (goal->wanted && stat_goal_parse(values->half_width, &goal->goal.width) != 0) {
        fprintf(stderr, "spillway run: --until-half-width wants a positive number, e.g. 1%% or 0.5, not '%s'\n",
                values->half_width);
        return CLI_BAD;
    }
    report_values *known = goal->wanted ? metric_names(sc) : NULL;
    cli_status status = CLI_DONE;
    if (goal->wanted && known == NULL) {
        fputs("spillway: out of memory\n", stderr);
        status = CLI_INTERNAL;
    } else if (goal->wanted && metric_resolve(known, values->metric != NULL ? values->metric : "cost", goal->metric)) {
        fprintf(stderr, "spillway run: --metric: there is no metric '%s' (did you mean '%s'?)\n", values->metric,
                goal->metric);
        status = CLI_BAD;
    }
    report_values_free(known);
    return status;
}

static cli_status run_file(const char *file, const run_values *values, const volatile int *stop)
{
    const bool pilot = values->warmup == WARMUP_MSER;
    cli_status status = CLI_DONE;
    sc_scenario *sc = pilot ? load_with(values, file, "spec.warmup=0s", &status)
                            : cli_load("run", file, values->tables, &values->sets, &status);
    run_goal goal = {.wanted = false};
    outdir dir = {.work = ""};
    multi_kept kept;
    if (sc == NULL) {
        return status;
    }
    status = check_options(sc, values, &goal);
    status = status == CLI_DONE ? open_folders(sc, values, &dir, &kept) : status;
    if (status == CLI_DONE) {
        /* a single one is done when the command is */
        kept_folder *keep = values->replications > 1 || values->resume || pilot ? &kept.k : NULL;
        if (pilot) {
            sc_scenario *warm = load_after_pilot(sc, values, file, stop, keep, &status);
            sc_free(sc);
            sc = warm;
        }
        status = sc != NULL ? run_scenario(sc, values, &goal, stop, &dir, keep) : status;
        multi_keep_end("run", &kept, (dir.work[0] == '\0' && status != CLI_GATE) || status == CLI_BAD);
    }
    outdir_abort(&dir);
    sc_free(sc);
    return status;
}

static cli_status run(int argc, char **argv)
{
    run_values values = {.seed = -1, .format = FORMAT_TEXT};
    opt_list operands;
    const opt_outcome outcome = opt_parse(&cli_run, argc, argv, &values, &operands, stdout, stderr);
    cli_status status = opt_exit(outcome);
    if (outcome == OPT_GO) {
        if (values.replications == 0) {
            values.replications = values.half_width != NULL ? GOAL_MAX : 1;
        }
        status = run_file(operands.at[0], &values, interrupt_catch());
    }
    opt_fini(&cli_run, &values, &operands);
    return status;
}

const opt_command cli_run = {
    .name = "run",
    .operands = "SCENARIO",
    .summary = "simulate a scenario; print a summary; write a folder of results",
    .rows = rows,
    .row_count = sizeof rows / sizeof rows[0],
    .operands_min = 1,
    .operands_max = 1,
    .examples = {"spillway run scenarios/hybrid-burst.yaml --out out/demo",
                 "spillway run scenarios/theory-mm1.yaml --until-half-width 2% --metric ttft.p95"},
    .run = run};
