/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cmd_sweep.c - spillway sweep: every combination of the values in a Sweep file, on this machine or on a cluster.
 *
 * Before anything is written, the scenario is loaded with every value of every axis, one at a time: a slip is found at
 * once, and the hashes of those scenarios say what the points belong to. Combinations that only fail together show when
 * their turn comes.
 */
#include "sim/cli/commands.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/cli/campaign.h"
#include "sim/cli/sweep_engines.h"
#include "sim/cli/version.h"
#include "sim/experiment/work.h"
#include "sim/scenario/hash.h"
#include "sim/scenario/sweep_file.h"

enum { ENGINE_LOCAL = 0, ENGINE_SLURM = 1, ENGINE_KUBERNETES = 2 };

typedef struct sweep_values {
    cli_campaign_values common;
    int engine;
    int64_t tasks;
    opt_list sbatch;
    const char *image, *claim;
} sweep_values;

static const opt_row rows[] = {
    CLI_CAMPAIGN_ROWS(sweep_values),
    {"engine", "local|slurm|kubernetes", "where the points run (default local)", OPT_CHOICE,
     offsetof(sweep_values, engine), 0, 0},
    {"tasks", "N", "slurm, kubernetes: tasks of the job (default: processors of the cluster; 8)", OPT_INT,
     offsetof(sweep_values, tasks), 1, 100000},
    {"sbatch", "OPTION", "slurm: handed to sbatch, e.g. --partition=ci; repeatable", OPT_LIST,
     offsetof(sweep_values, sbatch), 0, 0},
    {"image", "IMAGE", "kubernetes: container image with spillway in it", OPT_TEXT, offsetof(sweep_values, image), 0,
     0},
    {"claim", "NAME", "kubernetes: ReadWriteMany claim that takes the points", OPT_TEXT, offsetof(sweep_values, claim),
     0, 0},
};

/* A sweep as a campaign, with the memory behind it. */
typedef struct sweep {
    const sweep_file *file;
    campaign c;
    const char **axes;
    int32_t *axis_values;
    camp_setting *settings;
    sc_override *sets;   /* [settings * sets_each] */
    const char **labels; /* [settings * axes] */
    sc_scenario *base;   /* with the first value of every axis */
} sweep;

static int32_t count_settings(const sweep_file *f)
{
    int32_t n = 1;
    for (int32_t a = 0; a < f->axis_count; a++) {
        n *= f->axes[a].count;
    }
    return n;
}

/* Setting i: the fixed overrides, then one of each axis; the last axis turns fastest. */
static void fill_setting(sweep *s, int32_t i)
{
    const sweep_file *f = s->file;
    const int32_t each = f->set_count + f->axis_count;
    sc_override *sets = s->sets + (size_t)i * (size_t)each;
    const char **labels = s->labels + (size_t)i * (size_t)f->axis_count;
    int32_t rest = i;
    for (int32_t k = 0; k < f->set_count; k++) {
        sets[k] = f->sets[k];
    }
    for (int32_t a = f->axis_count - 1; a >= 0; a--) {
        const sweep_axis *axis = &f->axes[a];
        const int32_t at = rest % axis->count;
        rest /= axis->count;
        sets[f->set_count + a] = (sc_override){axis->path, axis->values[at]};
        labels[a] = axis->labels[at];
    }
    s->settings[i] = (camp_setting){f->scenario, sets, each, labels};
}

static int make_campaign(sweep *s, const char *tables)
{
    const sweep_file *f = s->file;
    const int32_t n = count_settings(f);
    const size_t each = (size_t)(f->set_count + f->axis_count);
    s->axes = calloc((size_t)f->axis_count + 1, sizeof *s->axes);
    s->axis_values = calloc((size_t)f->axis_count + 1, sizeof *s->axis_values);
    s->settings = calloc((size_t)n, sizeof *s->settings);
    s->sets = calloc((size_t)n * each + 1, sizeof *s->sets);
    s->labels = calloc((size_t)n * (size_t)f->axis_count + 1, sizeof *s->labels);
    if (s->axes == NULL || s->axis_values == NULL || s->settings == NULL || s->sets == NULL || s->labels == NULL) {
        return -1;
    }
    for (int32_t a = 0; a < f->axis_count; a++) {
        s->axes[a] = f->axes[a].name;
        s->axis_values[a] = f->axes[a].count;
    }
    for (int32_t i = 0; i < n; i++) {
        fill_setting(s, i);
    }
    s->c = (campaign){.kind = "sweep",
                      .name = f->name,
                      .description = f->description,
                      .tables_dir = tables,
                      .axes = s->axes,
                      .axis_count = f->axis_count,
                      .axis_values = s->axis_values,
                      .settings = s->settings,
                      .setting_count = n,
                      .seeds = f->seed_count > 0 ? f->seeds : NULL,
                      .seed_count = f->seed_count > 0 ? f->seed_count : 1,
                      .metrics = f->metric_count > 0 ? f->metrics : camp_default_metrics,
                      .metric_count = f->metric_count > 0 ? f->metric_count : camp_default_metric_count};
    return 0;
}

static void sweep_fini(sweep *s)
{
    sc_free(s->base);
    free(s->axes);
    free(s->axis_values);
    free(s->settings);
    free(s->sets);
    free(s->labels);
}

/* The settings that differ from the first in one axis at most: index `at` of them all, -1 beyond the last. */
static int32_t probe(const sweep *s, int32_t at, int32_t *axis)
{
    int32_t step = 1;
    if (at == 0) {
        *axis = -1;
        return 0;
    }
    at--;
    for (int32_t a = s->c.axis_count - 1; a >= 0; a--) {
        if (at < s->axis_values[a] - 1) {
            *axis = a;
            return (at + 1) * step;
        }
        at -= s->axis_values[a] - 1;
        step *= s->axis_values[a];
    }
    return -1;
}

typedef struct probes {
    const sweep *s;
    uint64_t *hashes;
} probes;

static int load_probe(void *user, int32_t index, char *err, size_t err_size)
{
    const probes *p = user;
    int32_t axis = -1;
    const int32_t setting = probe(p->s, index, &axis);
    sc_messages messages;
    sc_scenario *sc = camp_load(&p->s->c, setting, &messages);
    if (sc == NULL) {
        const sweep_file *f = p->s->file;
        char where[128] = "";
        if (axis >= 0) {
            snprintf(where, sizeof where, " with %s %.60s", f->axes[axis].name, p->s->settings[setting].labels[axis]);
        }
        snprintf(err, err_size, "%s:%" PRId32 ":%" PRId32 ": error: the scenario cannot be loaded%s\n%s", f->path,
                 axis >= 0 ? f->axes[axis].line : f->scenario_line,
                 axis >= 0 ? f->axes[axis].column : f->scenario_column, where,
                 messages.text != NULL ? messages.text : "out of memory\n");
    } else {
        p->hashes[index] = sc->hash;
    }
    sc_messages_fini(&messages);
    sc_free(sc);
    return sc != NULL ? 0 : -1;
}

/* Loads what can be wrong, and works out the hash of it all. */
static cli_status check(sweep *s, int64_t jobs)
{
    int32_t count = 1, ignored;
    while (probe(s, count, &ignored) >= 0) {
        count++;
    }
    probes p = {s, calloc((size_t)count, sizeof(uint64_t))};
    char err[WORK_ERR_SIZE + 256] = "";
    const work_options how = {.jobs = work_jobs(jobs, count)};
    if (p.hashes == NULL) {
        fputs("spillway: out of memory\n", stderr);
        return CLI_INTERNAL;
    }
    const int32_t failed = work_each(count, &how, load_probe, &p, err, sizeof err);
    if (failed >= 0) {
        fprintf(stderr, "%s%s", err, err[0] != '\0' && err[strlen(err) - 1] == '\n' ? "" : "\n");
        free(p.hashes);
        return failed < count ? CLI_BAD : CLI_INTERNAL;
    }
    uint64_t hash = hash_bytes(s->file->hash, CLI_VERSION, sizeof CLI_VERSION);
    hash = hash_bytes(hash, p.hashes, (size_t)count * sizeof *p.hashes);
    free(p.hashes);
    for (int32_t m = 0; m < s->c.metric_count; m++) {
        hash = hash_bytes(hash, s->c.metrics[m], strlen(s->c.metrics[m]) + 1);
    }
    s->c.hash = hash;
    sc_messages messages;
    s->base = camp_load(&s->c, 0, &messages);
    sc_messages_fini(&messages);
    if (s->base == NULL || camp_check_metrics(&s->c, s->base, err, sizeof err) != 0) {
        fprintf(stderr, "%s:%d:%d: error: %s\n", s->file->path, (int)s->file->metrics_line,
                (int)s->file->metrics_column, s->base != NULL ? err : "out of memory");
        return CLI_BAD;
    }
    return CLI_DONE;
}

/* Which metrics the front is drawn over. @return 0, or -1: a name is not among the metrics */
static int find_front(const sweep *s, int32_t front[2])
{
    for (int i = 0; i < 2; i++) {
        const char *name = s->file->pareto[i];
        front[i] = name != NULL ? camp_metric(&s->c, name) : s->c.metric_count >= 2 ? i : -1;
        if (name != NULL && front[i] < 0) {
            fprintf(stderr, "%s:%d:%d: error: 'spec.pareto' names '%s', which is not among the metrics\n",
                    s->file->path, (int)s->file->pareto_line, (int)s->file->pareto_column, name);
            return -1;
        }
    }
    return 0;
}

static cli_status run_points(cli_campaign *cli, const sweep *s, const sweep_values *values)
{
    if (values->engine == ENGINE_SLURM && values->common.gather.count == 0) {
        const cli_status status = sweep_on_slurm(cli, s->file->path, values->tasks, &values->sbatch);
        return status == CLI_DONE ? cli_campaign_finish(cli, 1) : status;
    }
    const cli_status status = cli_campaign_points(cli);
    return status == CLI_DONE ? cli_campaign_finish(cli, values->common.gather.count > 0) : status;
}

static cli_status run_sweep(sweep *s, const sweep_values *values)
{
    cli_campaign cli = {.command = "sweep", .c = &s->c, .values = &values->common};
    if (make_campaign(s, values->common.tables) != 0) {
        fputs("spillway: out of memory\n", stderr);
        return CLI_INTERNAL;
    }
    cli_status status = check(s, values->common.jobs);
    if (status != CLI_DONE) {
        return status;
    }
    if (find_front(s, cli.report.pareto) != 0) {
        return CLI_BAD;
    }
    if (values->engine != ENGINE_LOCAL && values->common.shard != NULL) {
        fputs("spillway sweep: --shard is for --engine local; the others divide by themselves (--tasks)\n", stderr);
        return CLI_BAD;
    }
    if (values->engine == ENGINE_KUBERNETES && (values->image == NULL || values->claim == NULL)) {
        fputs("spillway sweep: --engine kubernetes wants --image and --claim\n", stderr);
        return CLI_BAD;
    }
    const char *slash = strrchr(s->file->path, '/');
    cli.report.base = s->base;
    cli.report.file_name = slash != NULL ? slash + 1 : s->file->path;
    cli.report.file_text = s->file->text;
    status =
        values->engine == ENGINE_KUBERNETES ? sweep_check_kubernetes(&cli, values->image, values->claim) : CLI_DONE;
    status = status == CLI_DONE ? cli_campaign_begin(&cli) : status;
    if (status != CLI_DONE) {
        return status;
    }
    if (values->engine == ENGINE_KUBERNETES) {
        return sweep_for_kubernetes(&cli, s->file, values->tasks, values->image, values->claim);
    }
    return run_points(&cli, s, values);
}

cli_status cli_validate_sweep(const char *path, const char *tables)
{
    sc_messages messages;
    sweep_file *file = sweep_load(path, &messages);
    cli_status status = file != NULL ? CLI_DONE : messages.errors > 0 ? CLI_BAD : CLI_INTERNAL;
    if (messages.size > 0) {
        fwrite(messages.text, 1, messages.size, stderr);
    }
    sc_messages_fini(&messages);
    if (file != NULL) {
        sweep s = {.file = file};
        int32_t front[2];
        status = make_campaign(&s, tables) == 0 ? check(&s, 0) : CLI_INTERNAL;
        if (status == CLI_DONE && find_front(&s, front) != 0) {
            status = CLI_BAD;
        }
        if (status == CLI_DONE) {
            printf("%s: sweep %s; axes %" PRId32 ", settings %" PRId32 ", seeds %" PRId32 ", points %" PRId32 "\n",
                   path, file->name, s.c.axis_count, s.c.setting_count, s.c.seed_count, camp_points(&s.c));
        }
        sweep_fini(&s);
        sweep_free(file);
    }
    return status;
}

static cli_status run(int argc, char **argv)
{
    sweep_values values = {.tasks = 0};
    opt_list operands;
    const opt_outcome outcome = opt_parse(&cli_sweep, argc, argv, &values, &operands, stdout, stderr);
    cli_status status = opt_exit(outcome);
    if (outcome == OPT_GO) {
        sc_messages messages;
        sweep_file *file = sweep_load(operands.at[0], &messages);
        if (messages.size > 0) {
            fwrite(messages.text, 1, messages.size, stderr);
        }
        if (file == NULL) {
            status = messages.errors > 0 ? CLI_BAD : CLI_INTERNAL;
        } else {
            sweep s = {.file = file};
            status = run_sweep(&s, &values);
            sweep_fini(&s);
        }
        sc_messages_fini(&messages);
        sweep_free(file);
    }
    opt_fini(&cli_sweep, &values, &operands);
    return status;
}

const opt_command cli_sweep = {
    .name = "sweep",
    .operands = "SWEEP.yaml",
    .summary = "run every combination of settings, manifests and seeds; heat maps, trade-offs",
    .rows = rows,
    .row_count = sizeof rows / sizeof rows[0],
    .operands_min = 1,
    .operands_max = 1,
    .examples = {"spillway sweep scenarios/sweeps/windows.yaml --jobs 2 --out out/windows",
                 "spillway sweep scenarios/sweeps/windows.yaml --engine slurm --sbatch --partition=ci --resume"},
    .run = run};
