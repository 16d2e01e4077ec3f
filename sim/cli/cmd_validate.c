/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cmd_validate.c - spillway validate: read scenarios and manifests as a run would, and stop there.
 *
 * A file whose first document is a Scenario is loaded whole, with its manifests and tables; a Sweep with every value of
 * its axes. All other files are taken
 * as Kubernetes manifests and are checked together, as one fleet would see them.
 */
#include "sim/cli/commands.h"

#include <string.h>

#include "sched/manifest/yamldoc.h"
#include "sim/scenario/datadir.h"

#define MESSAGES_KEPT 64

typedef struct validate_values {
    opt_list sets;
    const char *tables;
    int verbose;
} validate_values;

static const opt_row rows[] = {
    {"set", "PATH=VALUE", "override one value of each scenario; may be repeated", OPT_LIST,
     offsetof(validate_values, sets), 0, 0},
    {"tables", "DIR", "parameter tables (default: beside the scenario, else those that came with the program)",
     OPT_TEXT, offsetof(validate_values, tables), 0, 0},
    {"verbose", NULL, "name the fields of manifests that are not used, and so not checked, with the reason", OPT_FLAG,
     offsetof(validate_values, verbose), 0, 0},
};

static void print_messages(const spw_diag *diag)
{
    for (size_t i = 0; i < spw_diag_count(diag); i++) {
        fprintf(stderr, "%s\n", spw_diag_at(diag, i));
    }
    if (spw_diag_dropped(diag) > 0) {
        fprintf(stderr, "... and %zu more messages\n", spw_diag_dropped(diag));
    }
}

cli_file_kind cli_kind_of(const char *name)
{
    char path[DATADIR_PATH_MAX];
    if (!cli_find_scenario(name, path, sizeof path)) {
        return CLI_FILE_MANIFEST;
    }
    spw_diag *diag = NULL;
    yamldoc *doc = NULL;
    cli_file_kind found = CLI_FILE_MANIFEST;
    if (spw_diag_new(NULL, 1, &diag) == SPW_OK && yamldoc_read_file(path, NULL, diag, &doc) == SPW_OK &&
        yamldoc_count(doc) > 0) {
        const ynode *kind = ynode_get(yamldoc_root(doc, 0), "kind");
        const ynode *version = ynode_get(yamldoc_root(doc, 0), "apiVersion");
        const char *word = kind != NULL && kind->kind == YNODE_SCALAR ? kind->text : "";
        const int ours =
            version != NULL && version->kind == YNODE_SCALAR && strncmp(version->text, "spillway.dev/", 13) == 0;
        found = strcmp(word, "Sweep") == 0              ? CLI_FILE_SWEEP
                : ours || strcmp(word, "Scenario") == 0 ? CLI_FILE_SCENARIO
                                                        : found;
    }
    yamldoc_free(doc);
    spw_diag_free(diag);
    return found;
}

static void print_ignored(const spw_manifest_set *set)
{
    for (size_t i = 0; i < spw_manifest_ignored_count(set); i++) {
        const spw_ignored *row = spw_manifest_ignored_at(set, i);
        printf("%s:%d:%d: not used: %s: %s\n", row->file, row->line, row->column, row->path, row->why);
    }
}

static cli_status validate_scenario(const char *path, const validate_values *values)
{
    cli_status status = CLI_DONE;
    sc_scenario *sc = cli_load("validate", path, values->tables, &values->sets, &status);
    if (sc == NULL) {
        return status;
    }
    int32_t traffic = 0;
    for (int32_t s = 0; s < sc->service_count; s++) {
        traffic += sc->services[s].traffic_count;
    }
    printf("%s: scenario %s; regions %d, clusters %d, pools %d, services %d, traffic sources %d, policies %zu\n",
           sc->path, sc->name, sc->region_count, sc->cluster_count, sc->pool_count, sc->service_count, traffic,
           sc->config->policy_count);
    if (values->verbose) {
        print_ignored(sc_manifest_set(sc));
    }
    sc_free(sc);
    return CLI_DONE;
}

static cli_status validate_manifests(const opt_list *files, const validate_values *values)
{
    spw_diag *diag = NULL;
    spw_manifest_set *set = spw_manifest_new(NULL);
    if (set == NULL || spw_diag_new(NULL, MESSAGES_KEPT, &diag) != SPW_OK) {
        spw_manifest_free(set);
        fputs("spillway: out of memory\n", stderr);
        return CLI_INTERNAL;
    }
    int all = 1;
    for (size_t i = 0; i < files->count; i++) {
        if (files->at[i] != NULL) {
            all = spw_manifest_add_file(set, files->at[i], diag) == SPW_OK && all; /* errors are in diag */
        }
    }
    const spw_config *config = NULL;
    if (all) {
        (void)spw_manifest_config(set, diag, &config);
    }
    print_messages(diag);
    const cli_status status = spw_diag_errors(diag) > 0 || config == NULL ? CLI_BAD : CLI_DONE;
    if (status == CLI_DONE) {
        printf("manifests: workloads %zu, policies %zu, autoscalers %zu\n", config->workload_count,
               config->policy_count, config->hpa_count);
        if (values->verbose) {
            print_ignored(set);
        }
    }
    spw_diag_free(diag);
    spw_manifest_free(set);
    return status;
}

static cli_status worse(cli_status a, cli_status b)
{
    return a > b ? a : b;
}

static cli_status run(int argc, char **argv)
{
    validate_values values = {.tables = NULL};
    opt_list operands;
    const opt_outcome outcome = opt_parse(&cli_validate, argc, argv, &values, &operands, stdout, stderr);
    cli_status status = opt_exit(outcome);
    if (outcome == OPT_GO) {
        size_t manifests = 0;
        for (size_t i = 0; i < operands.count; i++) {
            const cli_file_kind kind = cli_kind_of(operands.at[i]);
            if (kind == CLI_FILE_MANIFEST) {
                manifests++;
                continue;
            }
            status = worse(status, kind == CLI_FILE_SWEEP ? cli_validate_sweep(operands.at[i], values.tables)
                                                          : validate_scenario(operands.at[i], &values));
            operands.at[i] = NULL; /* done: what is left is taken as manifests */
        }
        if (manifests > 0) {
            status = worse(status, validate_manifests(&operands, &values));
        }
    }
    opt_fini(&cli_validate, &values, &operands);
    return status;
}

const opt_command cli_validate = {.name = "validate",
                                  .operands = "FILE...",
                                  .summary = "check scenarios, sweeps and manifests; nothing runs, nothing is written",
                                  .rows = rows,
                                  .row_count = sizeof rows / sizeof rows[0],
                                  .operands_min = 1,
                                  .operands_max = SIZE_MAX,
                                  .examples = {"spillway validate --verbose scenarios/hybrid-burst.yaml",
                                               "spillway validate deployment.yaml policy.yaml hpa.yaml"},
                                  .run = run};
