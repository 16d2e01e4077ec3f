/* SPDX-License-Identifier: GPL-3.0-or-later */
/** campaign.h - what sweep and batch share: the folder, resuming, shards, interruption, results. */
#ifndef SIM_CLI_CAMPAIGN_H
#define SIM_CLI_CAMPAIGN_H

#include "sim/cli/options.h"
#include "sim/experiment/campaign.h"
#include "sim/report/campaign_report.h"

enum { CLI_CAMPAIGN_TEXT = 0, CLI_CAMPAIGN_JSON = 1, CLI_CAMPAIGN_MARKDOWN = 2 };

/** Values of the options that both commands have; rows for them by CLI_CAMPAIGN_ROWS. */
typedef struct cli_campaign_values {
    int64_t jobs;
    const char *out, *shard, *tables;
    opt_list gather;
    int resume, format, no_plots, no_report;
} cli_campaign_values;

#define CLI_CAMPAIGN_JOBS_MAX 1024
/* Rows: */
/* clang-format off */
/* `type` holds a cli_campaign_values called `common`. */
#define CLI_CAMPAIGN_ROWS(type) \
    {"jobs", "J", "threads (default: one for each processor); never changes a result", OPT_INT, \
     offsetof(type, common.jobs), 1, CLI_CAMPAIGN_JOBS_MAX}, \
    {"out", "DIR", "folder of results (default: out/NAME)", OPT_TEXT, offsetof(type, common.out), 0, 0}, \
    {"resume", NULL, "go on with the points that DIR holds already", OPT_FLAG, offsetof(type, common.resume), 0, 0}, \
    {"shard", "I/N", "only every Nth point, beginning with the Ith", OPT_TEXT, offsetof(type, common.shard), 0, 0}, \
    {"gather", "DIR", "take points from DIR instead of running any; repeatable", OPT_LIST, \
     offsetof(type, common.gather), 0, 0}, \
    {"no-report", NULL, "keep points, put no results together", OPT_FLAG, offsetof(type, common.no_report), 0, 0}, \
    {"format", "text|json|markdown", "table on standard output (default text)", OPT_CHOICE, \
     offsetof(type, common.format), 0, 0}, \
    {"no-plots", NULL, "draw no pictures", OPT_FLAG, offsetof(type, common.no_plots), 0, 0}, \
    {"tables", "DIR", "parameter tables (default: see run)", OPT_TEXT, offsetof(type, common.tables), 0, 0}
/* clang-format on */

typedef struct cli_campaign {
    const char *command;
    const campaign *c;
    const cli_campaign_values *values;
    camp_report report; /**< table is filled in here */
    char target[POINTS_PATH_MAX];
    int32_t shard, shards;
    points p;
    const volatile int *stop; /**< non-zero after SIGINT or SIGTERM, which cli_campaign_begin() catches */
} cli_campaign;

/** Takes the folder and the shard from the values, prepares the folder. @return CLI_DONE, or the status to leave with
 */
cli_status cli_campaign_begin(cli_campaign *cli);
/** Runs what is missing in this shard, or gathers. *stop ends it; finished points stay. */
cli_status cli_campaign_points(cli_campaign *cli);
/** Puts results together if all points are there, and prints the table. @param in whole  missing points are an error */
cli_status cli_campaign_finish(cli_campaign *cli, int whole);

#endif
