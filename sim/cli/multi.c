/* SPDX-License-Identifier: GPL-3.0-or-later */
/* multi.c - see multi.h. */
#include "sim/cli/multi.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sim/cli/version.h"

#define SAY_EVERY_S 0.2

sc_scenario *multi_load_variant(const char *command, const char *path, const char *variant, const char *tables_dir,
                                const opt_list *sets, cli_status *status)
{
    char *copy = strdup(variant);
    const char **all = calloc(sets->count + strlen(variant) + 1, sizeof *all);
    opt_list list = {all, sets->count};
    sc_scenario *sc = NULL;
    if (copy == NULL || all == NULL) {
        fputs("spillway: out of memory\n", stderr);
        *status = CLI_INTERNAL;
    } else {
        if (sets->count > 0) {
            memcpy(all, sets->at, sets->count * sizeof *all);
        }
        char *rest = copy;
        for (char *part; (part = strtok_r(rest, ";", &rest)) != NULL;) {
            all[list.count++] = part;
        }
        sc = cli_load(command, path, tables_dir, &list, status);
    }
    free(all);
    free(copy);
    return sc;
}

cli_status multi_outdir(const char *command, const char *name, const char *out, outdir *dir)
{
    char target[OUTDIR_PATH_MAX], err[OUTDIR_PATH_MAX * 2];
    const int n = out != NULL ? snprintf(target, sizeof target, "%s", out)
                              : snprintf(target, sizeof target, "out/%s-%s", command, name);
    const bool fits = n >= 0 && (size_t)n < sizeof target;
    dir->work[0] = '\0';
    if (!fits || outdir_check(target, err, sizeof err) != 0) {
        fprintf(stderr, "spillway %s: %s\n", command, fits ? err : "the --out path is too long");
        return CLI_BAD;
    }
    if (outdir_begin(dir, target, err, sizeof err) != 0) {
        fprintf(stderr, "spillway %s: %s\n", command, err);
        return CLI_IO;
    }
    return CLI_DONE;
}

cli_status multi_keep(const char *command, const outdir *dir, int resume, multi_kept *m)
{
    snprintf(m->dir, sizeof m->dir, "%s.part", dir->target);
    m->k = (kept_folder){.dir = m->dir, .version = cli_build, .resume = resume != 0};
    if (kept_count(&m->k) < 0) {
        fprintf(stderr, "spillway %s: %s: %s; finished replications are kept there\n", command, m->dir,
                strerror(errno));
        return CLI_BAD;
    }
    return CLI_DONE;
}

void multi_keep_end(const char *command, const multi_kept *m, bool done)
{
    const int32_t there = kept_count(&m->k);
    const int taken = m->k.taken, simulated = m->k.simulated;
    if (m->k.resume) {
        fprintf(stderr, "resumed: %d replications taken from %s, %d simulated\n", taken, m->dir, simulated);
    }
    if (!done && there > 0) {
        fprintf(stderr, "spillway %s: %" PRId32 " finished replications are kept in %s, --resume goes on with them\n",
                command, there, m->dir);
    } else {
        kept_remove(&m->k);
    }
}

static double wall_s(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void multi_begin(multi_progress *p, const char *command)
{
    *p = (multi_progress){command, wall_s(), 0, 0};
}

void multi_done(void *progress, int32_t done, int32_t total)
{
    multi_progress *p = progress;
    const double now = wall_s();
    if (!isatty(STDERR_FILENO) || now - p->said_s < SAY_EVERY_S) {
        return;
    }
    p->said_s = now;
    p->shown = 1;
    fprintf(stderr, "\r\033[K%s: %" PRId32 " of %" PRId32 " runs, %.0f s left", p->command, done, total,
            (now - p->began_s) / done * (total - done));
}

void multi_end(multi_progress *p)
{
    if (p->shown) {
        fputs("\r\033[K", stderr);
    }
}
