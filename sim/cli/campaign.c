/* SPDX-License-Identifier: GPL-3.0-or-later */
/* campaign.c - see campaign.h. */
#include "sim/cli/campaign.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/cli/interrupt.h"
#include "sim/cli/outdir.h"
#include "sim/cli/progress.h"
#include "sim/cli/version.h"
#include "sim/experiment/work.h"

#define TEXT_ROWS 20

static int is_whole(const cli_campaign *cli)
{
    char marker[POINTS_PATH_MAX + 32];
    snprintf(marker, sizeof marker, "%s/%s", cli->target, OUTDIR_MARKER);
    return access(marker, F_OK) == 0;
}

static int32_t own_points(const cli_campaign *cli)
{
    int32_t there = 0;
    for (int32_t i = cli->shard; i < camp_points(cli->c); i += cli->shards) {
        there += points_has(&cli->p, i);
    }
    return there;
}

/* What stands under the name of the folder may have to go, or be left alone. */
static cli_status clear_target(const cli_campaign *cli)
{
    char err[POINTS_PATH_MAX * 2];
    const points_state state = points_look(&cli->p);
    const int alone = cli->shards == 1 && cli->values->gather.count == 0;
    if (state == POINTS_FREE || (state == POINTS_OURS && (cli->values->resume || own_points(cli) == 0))) {
        return CLI_DONE;
    }
    if (state == POINTS_OURS && (!is_whole(cli) || !alone)) {
        if (cli->values->gather.count > 0) {
            return CLI_DONE;
        }
        fprintf(stderr,
                "spillway %s: %s holds %" PRId32 " of %" PRId32 " points already: --resume goes on with them, another "
                "--out begins anew\n",
                cli->command, cli->target, camp_points(cli->c) - camp_missing(cli->c, &cli->p, NULL),
                camp_points(cli->c));
        return CLI_BAD;
    }
    if (state == POINTS_OTHERS && !is_whole(cli)) {
        fprintf(stderr,
                "spillway %s: %s holds points of something else (another %s, or its inputs have changed); give another "
                "--out, or remove it\n",
                cli->command, cli->target, cli->c->kind);
        return CLI_BAD;
    }
    if (outdir_check(cli->target, err, sizeof err) != 0) {
        fprintf(stderr, "spillway %s: %s\n", cli->command, err);
        return CLI_BAD;
    }
    if (outdir_remove(cli->target) != 0) {
        fprintf(stderr, "spillway %s: cannot remove the earlier results in %s: %s\n", cli->command, cli->target,
                strerror(errno));
        return CLI_IO;
    }
    return CLI_DONE;
}

cli_status cli_campaign_begin(cli_campaign *cli)
{
    char err[POINTS_PATH_MAX * 2];
    const cli_campaign_values *v = cli->values;
    const int n = v->out != NULL ? snprintf(cli->target, sizeof cli->target, "%s", v->out)
                                 : snprintf(cli->target, sizeof cli->target, "out/%s", cli->c->name);
    if (n < 0 || (size_t)n >= sizeof cli->target - 64) {
        fprintf(stderr, "spillway %s: the --out path is too long\n", cli->command);
        return CLI_BAD;
    }
    for (size_t length = (size_t)n; length > 1 && cli->target[length - 1] == '/'; length--) {
        cli->target[length - 1] = '\0';
    }
    cli->shards = 1;
    if (v->shard != NULL && opt_shard(v->shard, &cli->shard, &cli->shards) != 0) {
        fprintf(stderr, "spillway %s: --shard wants I/N with I from 1 to N, e.g. 2/7, not '%s'\n", cli->command,
                v->shard);
        return CLI_BAD;
    }
    cli->p = (points){cli->target, cli_build_hash(cli->c->hash)};
    const cli_status status = clear_target(cli);
    if (status != CLI_DONE) {
        return status;
    }
    if (outdir_make_parents(cli->target) != 0) {
        fprintf(stderr, "spillway %s: cannot make the folders above %s: %s\n", cli->command, cli->target,
                strerror(errno));
        return CLI_IO;
    }
    if (points_begin(&cli->p, err, sizeof err) != 0) {
        fprintf(stderr, "spillway %s: %s\n", cli->command, err);
        return CLI_IO;
    }
    cli->stop = interrupt_catch();
    return CLI_DONE;
}

/* Copies the points that are missing here from another folder of the same campaign. */
static cli_status gather_from(const cli_campaign *cli, const char *dir)
{
    char err[POINTS_PATH_MAX * 2];
    const points from = {dir, cli->p.hash};
    if (points_look(&from) != POINTS_OURS) {
        fprintf(stderr, "spillway %s: %s holds no points of this %s (or of another build, or of other inputs)\n",
                cli->command, dir, cli->c->kind);
        return CLI_BAD;
    }
    for (int32_t i = 0; i < camp_points(cli->c); i++) {
        if (points_has(&cli->p, i) || !points_has(&from, i)) {
            continue;
        }
        char *line = points_get(&from, i, err, sizeof err);
        const int rc = line == NULL ? -1 : points_put(&cli->p, i, line, err, sizeof err);
        free(line);
        if (rc != 0) {
            fprintf(stderr, "spillway %s: %s\n", cli->command, err);
            return CLI_IO;
        }
    }
    return CLI_DONE;
}

static void on_point(void *user, int32_t done, int32_t total)
{
    progress_items(user, done, total);
}

cli_status cli_campaign_points(cli_campaign *cli)
{
    const opt_list *gather = &cli->values->gather;
    for (size_t i = 0; i < gather->count; i++) {
        const cli_status status = gather_from(cli, gather->at[i]);
        if (status != CLI_DONE) {
            return status;
        }
    }
    if (gather->count > 0) {
        return CLI_DONE;
    }
    char err[WORK_ERR_SIZE + 256] = "";
    progress *p = progress_new_items(stderr);
    const camp_options options = {.jobs = work_jobs(cli->values->jobs, camp_points(cli->c)),
                                  .shard = cli->shard,
                                  .shards = cli->shards,
                                  .stop = cli->stop,
                                  .done = on_point,
                                  .user = p};
    const camp_end end = camp_run(cli->c, &cli->p, &options, err, sizeof err);
    progress_free(p);
    switch (end) {
    case CAMP_DONE:
        return CLI_DONE;
    case CAMP_STOPPED:
        fprintf(stderr, "spillway %s: interrupted; %" PRId32 " of %" PRId32 " points are kept, --resume goes on\n",
                cli->command, camp_points(cli->c) - camp_missing(cli->c, &cli->p, NULL), camp_points(cli->c));
        return CLI_GATE;
    case CAMP_INPUT:
        fprintf(stderr, "spillway %s: with %s%s", cli->command, err,
                err[0] != '\0' && err[strlen(err) - 1] == '\n' ? "" : "\n");
        return CLI_BAD;
    case CAMP_IO:
        fprintf(stderr, "spillway %s: %s\n", cli->command, err);
        return CLI_IO;
    case CAMP_FAILED:
        break;
    }
    fprintf(stderr, "spillway %s: %s\n", cli->command, err);
    return CLI_INTERNAL;
}

static cli_status put_together(cli_campaign *cli)
{
    char err[POINTS_PATH_MAX * 2] = "", marker[POINTS_PATH_MAX + 32];
    camp_table table;
    report_options options;
    report_options_default(&options);
    options.plots = !cli->values->no_plots;
    const int lock = points_lock(&cli->p);
    if (lock < 0) {
        fprintf(stderr, "spillway %s: cannot lock %s: %s\n", cli->command, cli->target, strerror(errno));
        return CLI_IO;
    }
    int rc = camp_table_read(&table, cli->c, &cli->p, err, sizeof err);
    if (rc == 0) {
        cli->report.table = &table;
        points_sweep_up(&cli->p);
        rc = campaign_report_write(&cli->report, cli->target, &options, err, sizeof err);
        snprintf(marker, sizeof marker, "%s/%s", cli->target, OUTDIR_MARKER);
        FILE *file = rc == 0 ? fopen(marker, "w") : NULL;
        if (rc == 0 && (file == NULL || fclose(file) != 0)) {
            snprintf(err, sizeof err, "cannot write %s: %s", marker, strerror(errno));
            rc = -1;
        }
        if (rc == 0) {
            const int printed = cli->values->format == CLI_CAMPAIGN_JSON ? campaign_report_json(&cli->report, stdout)
                                : cli->values->format == CLI_CAMPAIGN_MARKDOWN
                                    ? campaign_report_markdown(&cli->report, stdout)
                                    : campaign_report_text(&cli->report, TEXT_ROWS, stdout);
            if (printed != 0) {
                fprintf(stderr, "spillway %s: the table could not be printed\n", cli->command);
            }
            fprintf(stderr, "results: %s\n", cli->target);
        }
        camp_table_fini(&table);
    }
    close(lock);
    if (rc != 0) {
        fprintf(stderr, "spillway %s: %s\n", cli->command, err);
        return CLI_IO;
    }
    return CLI_DONE;
}

cli_status cli_campaign_finish(cli_campaign *cli, int whole)
{
    int32_t first = -1;
    const int32_t missing = camp_missing(cli->c, &cli->p, &first);
    if (missing > 0) {
        fprintf(stderr, "spillway %s: %" PRId32 " of %" PRId32 " points are missing, the first is %" PRId32 "\n",
                cli->command, missing, camp_points(cli->c), first);
        return whole ? CLI_GATE : CLI_DONE;
    }
    return cli->values->no_report ? CLI_DONE : put_together(cli);
}
