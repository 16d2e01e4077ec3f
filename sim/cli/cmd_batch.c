/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cmd_batch.c - spillway batch: many scenario files, one table, one exit status; gates for CI.
 *
 * A batch is a campaign whose settings are files, so it resumes, shards and gathers like a sweep. What the gates need
 * is kept with each point: they are judged from the table, whoever ran the points.
 */
#include "sim/cli/commands.h"

#include <dirent.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sched/manifest/yamldoc.h"
#include "sim/cli/campaign.h"
#include "sim/cli/version.h"
#include "sim/experiment/check.h"
#include "sim/experiment/work.h"
#include "sim/scenario/datadir.h"
#include "sim/scenario/hash.h"

#define TARGETS_MAX 64
#define SLO_GATE    "slo"

typedef struct batch_values {
    cli_campaign_values common;
    opt_list sets, metrics, checks;
} batch_values;

static const opt_row rows[] = {
    CLI_CAMPAIGN_ROWS(batch_values),
    {"set", "PATH=VALUE", "override one value of every scenario; repeatable", OPT_LIST, offsetof(batch_values, sets), 0,
     0},
    {"metric", "NAME", "a figure more to keep, by its name in summary.json; repeatable", OPT_LIST,
     offsetof(batch_values, metrics), 0, 0},
    {"check", "EXPR", "gate, e.g. 'cost<300' or 'ttft.p95<=2s'; 'slo' = all targets met; repeatable", OPT_LIST,
     offsetof(batch_values, checks), 0, 0},
};

typedef struct batch {
    campaign c;
    char **paths; /* [setting_count] */
    camp_setting *settings;
    const char **labels; /* [setting_count] */
    sc_override *sets;
    size_t set_count;
    char **metrics;
    int32_t metric_count;
    check *checks; /* [check_count] */
    int32_t check_count;
    int32_t targets; /* most targets in one scenario, when the gate "slo" was asked for; else 0 */
} batch;

static int add_path(batch *b, const char *path)
{
    char **grown = realloc(b->paths, ((size_t)b->c.setting_count + 1) * sizeof *grown);
    char *copy = strdup(path);
    if (grown != NULL) {
        b->paths = grown;
    }
    if (grown == NULL || copy == NULL) {
        free(copy);
        return -1;
    }
    b->paths[b->c.setting_count++] = copy;
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Scenario files of a folder in the order of their names; other YAML is passed over. @return -1: memory, -2: none */
static int add_folder(batch *b, const char *folder)
{
    const int32_t first = b->c.setting_count;
    DIR *dir = opendir(folder);
    int rc = 0;
    if (dir == NULL) {
        return -2;
    }
    for (const struct dirent *e = readdir(dir); e != NULL && rc == 0; e = readdir(dir)) {
        const size_t length = strlen(e->d_name);
        char path[DATADIR_PATH_MAX];
        if (length < 6 || strcmp(e->d_name + length - 5, ".yaml") != 0) {
            continue;
        }
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (cli_kind_of(path) == CLI_FILE_SCENARIO) {
            rc = add_path(b, path);
        }
    }
    closedir(dir);
    if (rc == 0 && b->c.setting_count == first) {
        return -2;
    }
    qsort(b->paths + first, (size_t)(b->c.setting_count - first), sizeof *b->paths, by_name);
    return rc;
}

static cli_status find_files(batch *b, const opt_list *operands)
{
    for (size_t i = 0; i < operands->count; i++) {
        char path[DATADIR_PATH_MAX];
        struct stat st;
        int rc = 0;
        if (stat(operands->at[i], &st) == 0 && S_ISDIR(st.st_mode)) {
            rc = add_folder(b, operands->at[i]);
            if (rc == -2) {
                fprintf(stderr, "spillway batch: there is no scenario in %s\n", operands->at[i]);
                return CLI_BAD;
            }
        } else {
            rc = cli_find_scenario(operands->at[i], path, sizeof path) ? add_path(b, path) : -1;
        }
        if (rc != 0) {
            fputs("spillway: out of memory\n", stderr);
            return CLI_INTERNAL;
        }
    }
    return CLI_DONE;
}

static int add_metric(batch *b, const char *name)
{
    for (int32_t m = 0; m < b->metric_count; m++) {
        if (strcmp(b->metrics[m], name) == 0) {
            return 0;
        }
    }
    char **grown = realloc(b->metrics, ((size_t)b->metric_count + 1) * sizeof *grown);
    char *copy = strdup(name);
    if (grown != NULL) {
        b->metrics = grown;
    }
    if (grown == NULL || copy == NULL) {
        free(copy);
        return -1;
    }
    b->metrics[b->metric_count++] = copy;
    return 0;
}

typedef struct loads {
    const batch *b;
    char **names;
    uint64_t *hashes;
    int32_t *targets;
    report_values **figures;
} loads;

static int load_one(void *user, int32_t index, char *err, size_t err_size)
{
    const loads *l = user;
    sc_messages messages;
    sc_scenario *sc = camp_load(&l->b->c, index, &messages);
    if (sc == NULL) {
        snprintf(err, err_size, "%s", messages.text != NULL ? messages.text : "out of memory\n");
    } else {
        l->hashes[index] = sc->hash;
        l->names[index] = strdup(sc->name);
        l->figures[index] = metric_names(sc);
        for (int32_t s = 0; s < sc->service_count; s++) {
            l->targets[index] += sc->services[s].target_count;
        }
    }
    sc_messages_fini(&messages);
    sc_free(sc);
    return sc != NULL && l->names[index] != NULL && l->figures[index] != NULL ? 0 : -1;
}

/* A name by any scenario that has it; what none has is an error with the closest name. */
static int resolve_in_any(const loads *l, const char *text, char out[CHECK_NAME_SIZE])
{
    for (int32_t i = 0; i < l->b->c.setting_count; i++) {
        if (metric_resolve(l->figures[i], text, out) == 0) {
            return 0;
        }
    }
    return -1;
}

static cli_status take_metrics(batch *b, const loads *l, const batch_values *values)
{
    char name[CHECK_NAME_SIZE], err[512];
    for (int32_t m = 0; m < camp_default_metric_count; m++) {
        if (add_metric(b, camp_default_metrics[m]) != 0) {
            return CLI_INTERNAL;
        }
    }
    for (size_t i = 0; i < values->metrics.count; i++) {
        if (resolve_in_any(l, values->metrics.at[i], name) != 0) {
            fprintf(stderr, "spillway batch: --metric: there is no metric '%s' (did you mean '%s'?)\n",
                    values->metrics.at[i], name);
            return CLI_BAD;
        }
        if (add_metric(b, name) != 0) {
            return CLI_INTERNAL;
        }
    }
    b->checks = calloc(values->checks.count + 1, sizeof *b->checks);
    if (b->checks == NULL) {
        return CLI_INTERNAL;
    }
    for (size_t i = 0; i < values->checks.count; i++) {
        if (strcmp(values->checks.at[i], SLO_GATE) == 0) {
            for (int32_t k = 0; k < b->c.setting_count; k++) {
                b->targets = l->targets[k] > b->targets ? l->targets[k] : b->targets;
            }
            b->targets = b->targets < TARGETS_MAX ? b->targets : TARGETS_MAX;
            continue;
        }
        int rc = -1;
        for (int32_t k = 0; k < b->c.setting_count && rc != 0; k++) {
            rc = check_parse(values->checks.at[i], "--check", 0, l->figures[k], &b->checks[b->check_count], err,
                             sizeof err);
        }
        if (rc != 0) {
            fprintf(stderr, "%s\n", err);
            return CLI_BAD;
        }
        if (add_metric(b, b->checks[b->check_count++].metric) != 0) {
            return CLI_INTERNAL;
        }
    }
    for (int32_t t = 0; t < b->targets; t++) {
        snprintf(name, sizeof name, "slo.targets[%" PRId32 "].holds", t);
        if (add_metric(b, name) != 0) {
            return CLI_INTERNAL;
        }
    }
    return CLI_DONE;
}

/* The name of each scenario; its path where two share a name. */
static void take_labels(batch *b, const loads *l)
{
    for (int32_t i = 0; i < b->c.setting_count; i++) {
        bool alone = true;
        for (int32_t k = 0; k < b->c.setting_count && alone; k++) {
            alone = k == i || strcmp(l->names[i], l->names[k]) != 0;
        }
        b->labels[i] = alone ? l->names[i] : b->paths[i];
    }
}

static cli_status run_batch(batch *b, const loads *l, const batch_values *values);

static cli_status gate(const batch *b, const camp_table *t)
{
    int32_t failed = 0, held = 0;
    for (int32_t i = 0; i < b->c.setting_count; i++) {
        for (int32_t k = 0; k < b->check_count; k++) {
            const check *c = &b->checks[k];
            char value[64];
            const double x = camp_mean(t, i, camp_metric(&b->c, c->metric), NULL);
            if (check_holds(c, x)) {
                held++;
                continue;
            }
            failed++;
            snprintf(value, sizeof value, isfinite(x) ? "%.6g" : "it does not exist", x);
            fprintf(stderr, "FAILED %s: %s: %s\n", b->labels[i], c->text, value);
        }
        for (int32_t k = 0; k < b->targets; k++) {
            char name[64];
            snprintf(name, sizeof name, "slo.targets[%" PRId32 "].holds", k);
            const double x = camp_mean(t, i, camp_metric(&b->c, name), NULL);
            if (!isfinite(x)) {
                continue; /* no such target, or nobody to judge it by */
            }
            held += x >= 1;
            failed += x < 1;
            if (x < 1) {
                fprintf(stderr, "FAILED %s: target %" PRId32 " was missed\n", b->labels[i], k + 1);
            }
        }
    }
    if (b->check_count > 0 || b->targets > 0) {
        fprintf(stderr, "checks: %" PRId32 " held, %" PRId32 " failed\n", held, failed);
    }
    return failed > 0 ? CLI_GATE : CLI_DONE;
}

static cli_status run_batch(batch *b, const loads *l, const batch_values *values)
{
    cli_status status = take_metrics(b, l, values);
    if (status == CLI_INTERNAL) {
        fputs("spillway: out of memory\n", stderr);
    }
    if (status != CLI_DONE) {
        return status;
    }
    static const char *const axes[] = {"scenario"};
    uint64_t hash = hash_bytes(HASH_START, CLI_VERSION, sizeof CLI_VERSION);
    take_labels(b, l);
    for (int32_t i = 0; i < b->c.setting_count; i++) {
        b->settings[i].labels = &b->labels[i];
        hash = hash_bytes(hash, b->labels[i], strlen(b->labels[i]) + 1);
        hash = hash_bytes(hash, &l->hashes[i], sizeof l->hashes[i]);
    }
    for (int32_t m = 0; m < b->metric_count; m++) {
        hash = hash_bytes(hash, b->metrics[m], strlen(b->metrics[m]) + 1);
    }
    b->c.hash = hash;
    b->c.axes = axes;
    b->c.axis_count = 1;
    b->c.metrics = (const char *const *)b->metrics;
    b->c.metric_count = b->metric_count;
    cli_campaign cli = {.command = "batch", .c = &b->c, .values = &values->common};
    cli.report.pareto[0] = camp_metric(&b->c, "cost.total_usd");
    cli.report.pareto[1] = camp_metric(&b->c, "latency.ttft_s.p99");
    status = cli_campaign_begin(&cli);
    status = status == CLI_DONE ? cli_campaign_points(&cli) : status;
    status = status == CLI_DONE ? cli_campaign_finish(&cli, values->common.gather.count > 0) : status;
    if (status != CLI_DONE || camp_missing(&b->c, &cli.p, NULL) > 0) {
        return status;
    }
    camp_table table;
    char err[512];
    if (camp_table_read(&table, &b->c, &cli.p, err, sizeof err) != 0) {
        fprintf(stderr, "spillway batch: %s\n", err);
        return CLI_IO;
    }
    status = gate(b, &table);
    camp_table_fini(&table);
    return status;
}

static cli_status load_all(batch *b, const batch_values *values)
{
    const size_t n = (size_t)b->c.setting_count;
    loads l = {b, calloc(n, sizeof(char *)), calloc(n, sizeof(uint64_t)), calloc(n, sizeof(int32_t)),
               calloc(n, sizeof(report_values *))};
    const work_options how = {.jobs = work_jobs(values->common.jobs, (int64_t)n)};
    char err[WORK_ERR_SIZE] = "";
    cli_status status = CLI_INTERNAL;
    if (l.names == NULL || l.hashes == NULL || l.targets == NULL || l.figures == NULL) {
        fputs("spillway: out of memory\n", stderr);
    } else if (work_each((int32_t)n, &how, load_one, &l, err, sizeof err) >= 0) {
        fprintf(stderr, "%s", err);
        status = CLI_BAD;
    } else {
        status = run_batch(b, &l, values);
    }
    for (size_t i = 0; i < n; i++) {
        free(l.names != NULL ? l.names[i] : NULL);
        report_values_free(l.figures != NULL ? l.figures[i] : NULL);
    }
    free(l.names);
    free(l.hashes);
    free(l.targets);
    free(l.figures);
    return status;
}

static cli_status prepare(batch *b, const opt_list *operands, const batch_values *values)
{
    b->c = (campaign){
        .kind = "batch", .name = "batch", .description = "", .seed_count = 1, .tables_dir = values->common.tables};
    cli_status status = cli_parse_sets("batch", &values->sets, &b->sets, &b->set_count);
    status = status == CLI_DONE ? find_files(b, operands) : status;
    if (status != CLI_DONE) {
        return status;
    }
    const size_t n = (size_t)b->c.setting_count;
    b->settings = calloc(n, sizeof *b->settings);
    b->labels = calloc(n, sizeof *b->labels);
    if (b->settings == NULL || b->labels == NULL) {
        fputs("spillway: out of memory\n", stderr);
        return CLI_INTERNAL;
    }
    for (size_t i = 0; i < n; i++) {
        b->settings[i] = (camp_setting){b->paths[i], b->sets, (int32_t)b->set_count, NULL};
    }
    b->c.settings = b->settings;
    return load_all(b, values);
}

static void batch_fini(batch *b)
{
    for (int32_t i = 0; i < b->c.setting_count; i++) {
        free(b->paths[i]);
    }
    for (int32_t m = 0; m < b->metric_count; m++) {
        free(b->metrics[m]);
    }
    cli_free_sets(b->sets, b->set_count);
    free(b->paths);
    free(b->settings);
    free(b->labels);
    free(b->metrics);
    free(b->checks);
}

static cli_status run(int argc, char **argv)
{
    batch_values values = {.common = {.jobs = 0}};
    opt_list operands;
    const opt_outcome outcome = opt_parse(&cli_batch, argc, argv, &values, &operands, stdout, stderr);
    cli_status status = opt_exit(outcome);
    if (outcome == OPT_GO) {
        batch b = {.paths = NULL};
        status = prepare(&b, &operands, &values);
        batch_fini(&b);
    }
    opt_fini(&cli_batch, &values, &operands);
    return status;
}

const opt_command cli_batch = {
    .name = "batch",
    .operands = "SCENARIO|DIR...",
    .summary = "run many scenarios; one table, one exit status, gates for CI",
    .rows = rows,
    .row_count = sizeof rows / sizeof rows[0],
    .operands_min = 1,
    .operands_max = SIZE_MAX,
    .examples = {"spillway batch scenarios/flapping-balanced.yaml scenarios/spot-storm.yaml --check slo",
                 "spillway batch scenarios --set spec.duration=1h --check 'cost<100' --format markdown"},
    .run = run};
