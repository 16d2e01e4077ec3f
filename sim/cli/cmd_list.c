/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cmd_list.c - spillway list: what this build knows. Parameter tables row by row with grade, date and source; the kinds
 * of Kubernetes objects that decide about placement and scaling; the models of the world as laws (list_laws.c); the
 * scenarios that came with the program.
 */
#include "sim/cli/commands.h"
#include "sim/cli/list_laws.h"
#include "sim/cli/list_rows.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "sched/manifest/suggest.h"
#include "sim/scenario/datadir.h"
#include "sim/scenario/tables.h"

#define ERR_SIZE    4096
#define NAME_BYTES  256 /* of a file, on every file system */
#define TITLE_BYTES 320

typedef struct list_values {
    const char *tables, *plot;
    int brief;
} list_values;

static const opt_row rows[] = {
    {"brief", NULL, "one line a row, without its source", OPT_FLAG, offsetof(list_values, brief), 0, 0},
    {"tables", "DIR", "parameter tables (default: those that came with the program)", OPT_TEXT,
     offsetof(list_values, tables), 0, 0},
    {"plot", "DIR",
     "laws, and the rows of lags, markets, bathtubs, stocks, walks, owned, shapes, jitter and profiles: of each, what "
     "the model gives and its closed form as DIR/NAME.csv, and drawn as DIR/plots/NAME.svg and .png",
     OPT_TEXT, offsetof(list_values, plot), 0, 0},
};

static int name_width(const tables *t, tables_kind kind, const char *name)
{
    int width = 4;
    for (size_t i = 0; i < tables_count(t, kind); i++) {
        tables_line line;
        tables_describe(t, kind, i, &line);
        const int length = (int)strlen(line.name);
        width = length > width && list_wanted(line.name, name) ? length : width;
    }
    return width;
}

static void print_table(const tables *t, tables_kind kind, const char *name, int brief)
{
    const int width = name_width(t, kind, name);
    for (size_t i = 0; i < tables_count(t, kind); i++) {
        tables_line line;
        tables_describe(t, kind, i, &line);
        if (!list_wanted(line.name, name)) {
            continue;
        }
        printf("%-*s  %-8s  %-10s  %s\n", width, line.name, line.grade, line.date, line.figures);
        if (!brief) {
            printf("%*s  source: %s\n", width, "", line.source);
        }
    }
}

static void print_kinds(FILE *out)
{
    for (int k = 0; k < TABLES_KINDS; k++) {
        fprintf(out, "%s, ", tables_kind_name((tables_kind)k));
    }
    fputs("laws, policies, scenarios\n", out);
}

/* What a manifest can say about where and how many; manifest.h is the whole story. */
static cli_status list_policies(void)
{
    static const struct {
        const char *kind, *api, *meaning;
    } rows_of[] = {
        {"PropagationPolicy", "policy.one.alibabacloud.com/v1alpha1",
         "clusterAffinities fill in order and empty in reverse; places what fits; autoScaling.ecsProvision adds nodes"},
        {"PropagationPolicy", "policy.karmada.io/v1alpha1",
         "clusterAffinities are failover groups, one at a time; overflowAffinities fill in order; all or nothing"},
        {"HorizontalPodAutoscaler", "autoscaling/v2", "replica count from metrics"},
        {"FederatedHPA", "autoscaling.karmada.io/v1alpha1", "the same over all clusters as one"},
        {"CronFederatedHPA", "autoscaling.karmada.io/v1alpha1",
         "replica count, or bounds of a FederatedHPA, by timetable"},
        {"ScaledObject", "keda.sh/v1alpha1", "0 to 1 by triggers, beyond that as an autoscaler over them"},
        {"QueueScaler", "scaling.spillway.dev/v1alpha1", "sized by queueing theory for the offered rate and its trend"},
        {"ForecastScaler", "scaling.spillway.dev/v1alpha1", "the same for the rate that the season lets expect"},
        {"PriorityClass", "scheduling.k8s.io/v1", "who goes first when room is short"},
    };
    for (size_t i = 0; i < sizeof rows_of / sizeof rows_of[0]; i++) {
        printf("%-23s  %-36s  %s\n", rows_of[i].kind, rows_of[i].api, rows_of[i].meaning);
    }
    return CLI_DONE;
}

static int is_yaml(const char *name)
{
    const size_t length = strlen(name);
    return name[0] != '.' && length > 5 && strcmp(name + length - 5, ".yaml") == 0;
}

/* The first comment line that is not the licence, as the report heads a page with it. */
static void print_title(const char *path)
{
    char line[TITLE_BYTES];
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL && line[0] == '#') {
        const char *text = line + strspn(line, "# \t");
        const size_t length = strcspn(text, "\r\n");
        if (length > 0 && strncmp(text, "SPDX-", 5) != 0) {
            printf("%.*s", (int)length, text);
            break;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
}

static int by_name(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return strcmp(*x, *y);
}

/* Names of the scenarios in a folder, sorted. @return how many, or -1: out of memory, or the folder cannot be read */
static int read_names(const char *folder, char ***names)
{
    DIR *dir = opendir(folder);
    size_t count = 0, room = 0;
    int bad = dir == NULL;
    for (struct dirent *e = bad ? NULL : readdir(dir); e != NULL && !bad; e = readdir(dir)) {
        if (!is_yaml(e->d_name)) {
            continue;
        }
        if (count == room) {
            room = room > 0 ? 2 * room : 32;
            char **more = realloc(*names, room * sizeof *more);
            bad = more == NULL;
            *names = bad ? *names : more;
        }
        if (!bad) {
            (*names)[count] = strdup(e->d_name);
            bad = (*names)[count] == NULL;
            count += !bad;
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    for (; bad && count > 0; count--) {
        free((*names)[count - 1]);
    }
    if (count > 0) {
        qsort(*names, count, sizeof **names, by_name);
    }
    return bad ? -1 : (int)count;
}

static cli_status list_scenarios(void)
{
    char folder[DATADIR_PATH_MAX], path[DATADIR_PATH_MAX + NAME_BYTES];
    char **names = NULL;
    if (!datadir_find(folder, sizeof folder)) {
        fputs("spillway list: the folder of the scenarios was not found near the program\n", stderr);
        return CLI_BAD;
    }
    const int count = read_names(folder, &names);
    int width = 0;
    for (int i = 0; i < count; i++) {
        const int length = (int)strlen(names[i]);
        width = length > width ? length : width;
    }
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        printf("%-*s  ", width, names[i]);
        print_title(path);
        putchar('\n');
        free(names[i]);
    }
    free(names);
    if (count < 0) {
        fprintf(stderr, "spillway list: the folder %s cannot be read\n", folder);
        return CLI_IO;
    }
    return CLI_DONE;
}

static cli_status no_such_list(const char *what)
{
    suggest near;
    suggest_init(&near, what);
    for (int k = 0; k < TABLES_KINDS; k++) {
        suggest_offer(&near, tables_kind_name((tables_kind)k));
    }
    suggest_offer(&near, "laws");
    suggest_offer(&near, "policies");
    suggest_offer(&near, "scenarios");
    fprintf(stderr, "spillway list: no list of '%s'", what);
    if (near.best != NULL) {
        fprintf(stderr, " (did you mean '%s'?)", near.best);
    }
    fputs("; there are: ", stderr);
    print_kinds(stderr);
    return CLI_BAD;
}

static cli_status list_table(tables_kind kind, const char *name, const list_values *values)
{
    char err[ERR_SIZE], shipped[DATADIR_PATH_MAX];
    const char *folder = values->tables;
    cli_status status = CLI_DONE;
    if (folder == NULL) {
        if (!datadir_tables(shipped, sizeof shipped, err, sizeof err)) {
            fprintf(stderr, "spillway list: %s\n", err);
            return CLI_BAD;
        }
        folder = shipped;
    }
    tables *t = tables_load(folder, err, sizeof err);
    if (t == NULL) {
        fprintf(stderr, "%s\n", err);
        return CLI_BAD;
    }
    if (!list_has(t, kind, name)) {
        status = CLI_BAD;
    } else if (values->plot != NULL) {
        status = list_plot_rows(t, kind, name, values->plot);
    } else {
        print_table(t, kind, name, values->brief);
    }
    tables_free(t);
    return status;
}

static cli_status list(const char *what, const char *name, const list_values *values)
{
    const bool policies = strcmp(what, "policies") == 0;
    if (strcmp(what, "laws") == 0) {
        return list_laws(name, values->brief, values->plot);
    }
    if (policies || strcmp(what, "scenarios") == 0) {
        if (name != NULL || values->plot != NULL) {
            fprintf(stderr, "spillway list: %s takes no %s\n", what, name != NULL ? "NAME" : "--plot");
            return CLI_BAD;
        }
        return policies ? list_policies() : list_scenarios();
    }
    const tables_kind kind = tables_kind_of(what);
    return kind == TABLES_KINDS ? no_such_list(what) : list_table(kind, name, values);
}

static cli_status run(int argc, char **argv)
{
    list_values values = {NULL, NULL, 0};
    opt_list operands;
    const opt_outcome outcome = opt_parse(&cli_list, argc, argv, &values, &operands, stdout, stderr);
    cli_status status = opt_exit(outcome);
    if (outcome == OPT_GO) {
        if (operands.count == 0 && values.plot != NULL) {
            fputs("spillway list: --plot wants a list, e.g. laws or markets\n", stderr);
            status = CLI_BAD;
        } else if (operands.count == 0) {
            print_kinds(stdout);
        } else {
            status = list(operands.at[0], operands.count > 1 ? operands.at[1] : NULL, &values);
        }
    }
    opt_fini(&cli_list, &values, &operands);
    return status;
}

const opt_command cli_list = {.name = "list",
                              .operands = "[LIST [NAME]]",
                              .summary = "what this build knows: GPUs, models, prices ..., laws, policies, scenarios",
                              .rows = rows,
                              .row_count = sizeof rows / sizeof rows[0],
                              .operands_min = 0,
                              .operands_max = 2,
                              .examples = {"spillway list prices --brief", "spillway list laws --plot out/laws"},
                              .run = run};
