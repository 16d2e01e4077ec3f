/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * commands.c - finds the sub-command, keeps the promise about exit statuses.
 *
 * Results go to standard output, everything else to standard error. Whether standard output took what was written is
 * known only after the last flush, so it is checked here, once, for all commands.
 */
#include "sim/cli/commands.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_version.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sched/manifest/suggest.h"
#include "sim/cli/version.h"
#include "sim/fleet/eye.h"
#include "sim/scenario/datadir.h"

const opt_command *const cli_commands[] = {&cli_init,      &cli_run,       &cli_batch,    &cli_compare, &cli_plan,
                                           &cli_sweep,     &cli_report,    &cli_validate, &cli_schema,  &cli_list,
                                           &cli_trace,     &cli_decide,    &cli_replay,   &cli_manual,  &cli_completion,
                                           &cli_calibrate, &cli_selfcheck, NULL};

#define SUMMARY_COLUMN 13

static void overview(FILE *out)
{
    fputs("usage: spillway COMMAND [OPERANDS] [OPTIONS]\n\n"
          "Simulates AI inference on fleets of GPU clusters under the scheduling core that\nruns in production.\n\n"
          "commands:\n",
          out);
    for (int i = 0; cli_commands[i] != NULL; i++) {
        fprintf(out, "  %-10s ", cli_commands[i]->name);
        opt_wrap(out, cli_commands[i]->summary, SUMMARY_COLUMN, SUMMARY_COLUMN, "");
    }
    fprintf(out, "  %-10s %s\n", "help", "this overview, or the help of one command");
    fprintf(out, "  %-10s %s\n", "version", "version of the program and of GSL");
    fputs("\nexamples:\n"
          "  spillway run scenarios/hybrid-burst.yaml\n"
          "  spillway help run\n\n"
          "exit status: 0 done; 1 interrupted or a check failed; 2 bad usage or bad input\n"
          "             (nothing written); 3 input/output failure; 4 internal error\n",
          out);
}

static void version(FILE *out)
{
    fprintf(out, "spillway %s\ngsl %s\n", CLI_VERSION, gsl_version);
}

static const opt_command *find(const char *name)
{
    for (int i = 0; cli_commands[i] != NULL; i++) {
        if (strcmp(cli_commands[i]->name, name) == 0) {
            return cli_commands[i];
        }
    }
    return NULL;
}

static cli_status unknown(const char *name)
{
    suggest near;
    suggest_init(&near, name);
    for (int i = 0; cli_commands[i] != NULL; i++) {
        suggest_offer(&near, cli_commands[i]->name);
    }
    suggest_offer(&near, "help");
    suggest_offer(&near, "version");
    fprintf(stderr, "spillway: unknown command '%s'", name);
    if (near.best != NULL) {
        fprintf(stderr, " (did you mean '%s'?)", near.best);
    }
    fputs("; see 'spillway help'\n", stderr);
    return CLI_BAD;
}

static cli_status dispatch(int argc, char **argv)
{
    if (argc < 2) {
        overview(stderr);
        return CLI_BAD;
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || (strcmp(name, "help") == 0 && argc == 2)) {
        overview(stdout);
        return CLI_DONE;
    }
    if (strcmp(name, "--version") == 0 || strcmp(name, "version") == 0) {
        version(stdout);
        return CLI_DONE;
    }
    if (strcmp(name, "help") == 0) {
        const opt_command *command = find(argv[2]);
        if (strcmp(argv[2], "help") == 0 || strcmp(argv[2], "version") == 0) {
            overview(stdout);
            return CLI_DONE;
        }
        if (command == NULL) {
            return unknown(argv[2]);
        }
        opt_help(command, stdout);
        return CLI_DONE;
    }
    const opt_command *command = find(name);
    return command != NULL ? command->run(argc - 1, argv + 1) : unknown(name);
}

int cli_main(int argc, char **argv)
{
    /* GSL's own handler aborts the process; every status is checked where it arises instead. */
    gsl_set_error_handler_off();
    const cli_status status = dispatch(argc, argv);
    if ((fflush(stdout) != 0 || ferror(stdout)) && (status == CLI_DONE || status == CLI_GATE)) {
        fputs("spillway: cannot write to standard output\n", stderr);
        return CLI_IO;
    }
    return (int)status;
}

/* "a=b" -> {"a", "b"} in memory of its own: both parts behind each other. */
static int split_set(const char *text, sc_override *set)
{
    const char *equal = strchr(text, '=');
    if (equal == NULL || equal == text) {
        return 1;
    }
    const size_t length = strlen(text);
    char *copy = malloc(length + 1);
    if (copy == NULL) {
        return -1;
    }
    memcpy(copy, text, length + 1);
    copy[equal - text] = '\0';
    *set = (sc_override){copy, copy + (equal - text) + 1};
    return 0;
}

void cli_free_sets(sc_override *sets, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *copy;
        memcpy(&copy, &sets[i].path, sizeof copy);
        free(copy);
    }
    free(sets);
}

static void warn_metric(const sc_scenario *sc, const char *autoscaler, const char *metric)
{
    static const char *const kinds[] = {"HorizontalPodAutoscaler", "FederatedHPA", "ScaledObject"};
    const char *file = sc->path;
    int32_t line = 0, column = 0;
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        if (spw_manifest_where(sc_manifest_set(sc), kinds[k], autoscaler, &file, &line, &column)) {
            fprintf(stderr, "%s:%d:%d: ", file, line, column);
            break;
        }
    }
    if (line == 0) {
        fprintf(stderr, "%s: ", file);
    }
    fprintf(stderr, "warning: autoscaler '%s' reads '%s', which simulated replicas do not report\n", autoscaler,
            metric);
}

/*
 * An autoscaler that reads a metric nobody reports is legal and does nothing, in a cluster as here; people should know.
 * Said here and not by the scenario reader, because which metrics there are is the fleet's affair.
 */
static void check_metrics(const sc_scenario *sc)
{
    for (size_t h = 0; h < sc->config->hpa_count; h++) {
        const spw_hpa *hpa = &sc->config->hpas[h];
        for (size_t i = 0; i < hpa->metric_count; i++) {
            const spw_hpa_metric *m = &hpa->metrics[i];
            const int per_pod = m->kind == SPW_METRIC_PODS || m->kind == SPW_METRIC_RESOURCE;
            if (!per_pod || fl_metric_find(m->name) < 0) {
                warn_metric(sc, hpa->name, m->name);
            }
        }
    }
}

int cli_find_scenario(const char *name, char *path, size_t path_size)
{
    if (access(name, F_OK) != 0 && datadir_scenario(name, path, path_size)) {
        return 1;
    }
    const size_t length = strlen(name);
    if (length >= path_size) {
        return 0;
    }
    memcpy(path, name, length + 1);
    return 1;
}

cli_status cli_parse_sets(const char *command, const opt_list *texts, sc_override **sets, size_t *count)
{
    sc_override *list = calloc(texts->count + 1, sizeof *list);
    int rc = list == NULL ? -1 : 0;
    *sets = list;
    *count = 0;
    for (; rc == 0 && *count < texts->count; (*count)++) {
        rc = split_set(texts->at[*count], &list[*count]);
        if (rc == 1) {
            fprintf(stderr, "spillway %s: --set wants PATH=VALUE, e.g. --set spec.seed=7, not '%s'\n", command,
                    texts->at[*count]);
        }
        if (rc != 0) {
            break;
        }
    }
    if (rc < 0) {
        fputs("spillway: out of memory\n", stderr);
    }
    return rc == 0 ? CLI_DONE : rc == 1 ? CLI_BAD : CLI_INTERNAL;
}

sc_scenario *cli_load(const char *command, const char *name, const char *tables_dir, const opt_list *sets,
                      cli_status *status)
{
    sc_override *list;
    size_t count;
    *status = cli_parse_sets(command, sets, &list, &count);
    if (*status != CLI_DONE) {
        cli_free_sets(list, count);
        return NULL;
    }
    char path[DATADIR_PATH_MAX];
    if (!cli_find_scenario(name, path, sizeof path)) {
        fprintf(stderr, "spillway %s: the path of the scenario is too long\n", command);
        *status = CLI_BAD;
        cli_free_sets(list, count);
        return NULL;
    }
    if (strcmp(name, path) != 0) {
        fprintf(stderr, "spillway %s: no '%s' here, taking the one that came with the program: %s\n", command, name,
                path);
    }
    sc_messages messages = {NULL, 0, 0, 0};
    const sc_options options = {.tables_dir = tables_dir, .sets = list, .set_count = count};
    sc_scenario *sc = sc_load(path, &options, &messages);
    if (messages.size > 0) {
        fwrite(messages.text, 1, messages.size, stderr);
    }
    *status = sc != NULL ? CLI_DONE : messages.errors > 0 ? CLI_BAD : CLI_INTERNAL;
    if (*status == CLI_INTERNAL) {
        fputs("spillway: out of memory\n", stderr);
    }
    if (sc != NULL) {
        check_metrics(sc);
    }
    sc_messages_fini(&messages);
    cli_free_sets(list, count);
    return sc;
}
