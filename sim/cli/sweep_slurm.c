/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sweep_slurm.c - a striped array job on Slurm; see sweep_engines.h. */
#define _XOPEN_SOURCE 700 /* realpath */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sim/cli/child.h"
#include "sim/cli/progress.h"
#include "sim/cli/sweep_engines.h"

#define SAID_SIZE   4096
#define SBATCH_ARGS 64
#define POLL_NS     300000000L

/* 'text' for a shell. */
static void put_quoted(FILE *out, const char *text)
{
    fputc('\'', out);
    for (; *text != '\0'; text++) {
        if (*text == '\'') {
            fputs("'\\''", out);
        } else {
            fputc(*text, out);
        }
    }
    fputc('\'', out);
}

typedef struct slurm_job {
    char program[POINTS_PATH_MAX], sweep[POINTS_PATH_MAX], dir[POINTS_PATH_MAX], tables[POINTS_PATH_MAX];
    char folder[POINTS_PATH_MAX + 16], script[POINTS_PATH_MAX + 32];
    int32_t tasks;
} slurm_job;

static int absolute(const char *path, char out[POINTS_PATH_MAX])
{
    char *real = realpath(path, NULL);
    const int good = real != NULL && strlen(real) < POINTS_PATH_MAX;
    if (good) {
        memcpy(out, real, strlen(real) + 1);
    }
    free(real);
    return good ? 0 : -1;
}

static int write_script(const slurm_job *job, const char *name)
{
    FILE *out = fopen(job->script, "w");
    if (out == NULL) {
        return -1;
    }
    fprintf(out, "#!/bin/sh\n#SBATCH --job-name=spillway-%s\nexec ", name);
    put_quoted(out, job->program);
    fputs(" sweep ", out);
    put_quoted(out, job->sweep);
    fputs(" --out ", out);
    put_quoted(out, job->dir);
    if (job->tables[0] != '\0') {
        fputs(" --tables ", out);
        put_quoted(out, job->tables);
    }
    fprintf(out, " --resume --no-report --jobs 1 --shard $((SLURM_ARRAY_TASK_ID + 1))/%" PRId32 "\n", job->tasks);
    return fclose(out);
}

/* Processors of the cluster: sinfo prints allocated/idle/other/total. 0 = it could not say. */
static int64_t processors(char *said)
{
    char program[] = "sinfo", headless[] = "-h", format[] = "-o", what[] = "%C";
    char *const argv[] = {program, headless, format, what, NULL};
    if (child_run(argv, said, SAID_SIZE) != 0) {
        return 0;
    }
    int64_t total = 0;
    for (const char *line = said; line != NULL && *line != '\0';) {
        const char *slash = line;
        for (int i = 0; i < 3 && slash != NULL; i++) {
            slash = strchr(slash, '/');
            slash = slash != NULL ? slash + 1 : NULL;
        }
        total += slash != NULL ? strtoll(slash, NULL, 10) : 0;
        line = strchr(line, '\n');
        line = line != NULL ? line + 1 : NULL;
    }
    return total;
}

/* @return the job's number in `id`, or -1 with what sbatch said */
static int submit(const slurm_job *job, const opt_list *options, char *id, size_t id_size, char *said)
{
    char array[48], log[POINTS_PATH_MAX + 64], program[] = "sbatch", parsable[] = "--parsable";
    char *argv[SBATCH_ARGS];
    int n = 0;
    snprintf(array, sizeof array, "--array=0-%" PRId32, job->tasks - 1);
    snprintf(log, sizeof log, "--output=%s/%%a.log", job->folder);
    argv[n++] = program;
    argv[n++] = parsable;
    argv[n++] = array;
    argv[n++] = log;
    char *copies[SBATCH_ARGS];
    size_t copied = 0;
    for (; copied < options->count && n < SBATCH_ARGS - 2; copied++) {
        copies[copied] = strdup(options->at[copied]);
        argv[n++] = copies[copied];
    }
    char script[POINTS_PATH_MAX + 32];
    memcpy(script, job->script, sizeof script);
    argv[n++] = script;
    argv[n] = NULL;
    const int rc = child_run(argv, said, SAID_SIZE);
    for (size_t i = 0; i < copied; i++) {
        free(copies[i]);
    }
    const size_t digits = strspn(said, "0123456789");
    if (rc != 0 || digits == 0 || digits >= id_size) {
        return -1;
    }
    memcpy(id, said, digits);
    id[digits] = '\0';
    return 0;
}

/* Whether tasks of the job still wait or run. */
static int is_alive(char *id, char *said)
{
    char program[] = "squeue", headless[] = "-h", job[] = "-j", format[] = "-o", what[] = "%T";
    char *const argv[] = {program, headless, job, id, format, what, NULL};
    if (child_run(argv, said, SAID_SIZE) != 0) {
        return strstr(said, "Invalid job id") == NULL; /* gone, or a controller that does not answer just now */
    }
    return said[strspn(said, " \n")] != '\0';
}

static void wait_for(const cli_campaign *cli, char *id, char *said)
{
    const struct timespec pause = {0, POLL_NS};
    const int32_t all = camp_points(cli->c);
    progress *p = progress_new_items(stderr);
    while (*cli->stop == 0 && is_alive(id, said)) {
        progress_items(p, all - camp_missing(cli->c, &cli->p, NULL), all);
        (void)nanosleep(&pause, NULL);
    }
    progress_free(p);
    if (*cli->stop != 0) {
        char program[] = "scancel";
        char *const argv[] = {program, id, NULL};
        (void)child_run(argv, said, SAID_SIZE);
    }
}

static int prepare(slurm_job *job, const cli_campaign *cli, const char *sweep_path)
{
    if (absolute("/proc/self/exe", job->program) != 0 || absolute(sweep_path, job->sweep) != 0 ||
        absolute(cli->target, job->dir) != 0 ||
        (cli->values->tables != NULL && absolute(cli->values->tables, job->tables) != 0)) {
        return -1;
    }
    snprintf(job->folder, sizeof job->folder, "%s/slurm", job->dir);
    snprintf(job->script, sizeof job->script, "%s/job.sh", job->folder);
    if (mkdir(job->folder, 0777) != 0 && errno != EEXIST) {
        return -1;
    }
    return write_script(job, cli->c->name);
}

/* Nothing of it belongs to the results; after a failure it stays, so that people can see what was said. */
static void remove_traces(const slurm_job *job)
{
    char path[POINTS_PATH_MAX + 64];
    for (int32_t i = 0; i < job->tasks; i++) {
        snprintf(path, sizeof path, "%s/%" PRId32 ".log", job->folder, i);
        (void)unlink(path);
    }
    (void)unlink(job->script);
    (void)rmdir(job->folder);
}

cli_status sweep_on_slurm(const cli_campaign *cli, const char *sweep_path, int64_t tasks, const opt_list *sbatch)
{
    const int32_t missing = camp_missing(cli->c, &cli->p, NULL);
    char said[SAID_SIZE] = "", id[32] = "";
    slurm_job job = {.tasks = 1};
    if (missing == 0) {
        return CLI_DONE;
    }
    if (tasks == 0) {
        tasks = processors(said);
    }
    if (tasks == 0) {
        fprintf(stderr, "spillway sweep: Slurm does not answer (sinfo)%s%s\n", said[0] != '\0' ? ": " : "", said);
        return CLI_IO;
    }
    job.tasks = tasks < missing ? (int32_t)tasks : missing;
    if (prepare(&job, cli, sweep_path) != 0) {
        fprintf(stderr, "spillway sweep: cannot write the job into %s: %s\n", cli->target, strerror(errno));
        return CLI_IO;
    }
    if (submit(&job, sbatch, id, sizeof id, said) != 0) {
        fprintf(stderr, "spillway sweep: sbatch refused the job: %s\n", said);
        return CLI_IO;
    }
    fprintf(stderr, "slurm: job %s, %" PRId32 " tasks, %" PRId32 " points\n", id, job.tasks, missing);
    wait_for(cli, id, said);
    if (*cli->stop != 0) {
        fprintf(stderr, "spillway sweep: interrupted, job %s cancelled; finished points are kept, --resume goes on\n",
                id);
        return CLI_GATE;
    }
    if (camp_missing(cli->c, &cli->p, NULL) == 0) {
        remove_traces(&job);
    } else {
        fprintf(stderr, "spillway sweep: the job ended before its work was done; see %s\n", job.folder);
    }
    return CLI_DONE;
}
