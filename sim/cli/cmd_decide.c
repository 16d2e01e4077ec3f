/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cmd_decide.c - spillway decide: one call of the core. Manifests, a snapshot and the state of the call before go in;
 * the plan comes out, and the state for the next call.
 *
 * It does what one tick of the loop does, without a source and an actuator. Nothing is printed or written before all of
 * it has worked.
 */
#include "sim/cli/commands.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <spillway/json.h>

#define MESSAGES_KEPT 64

enum { FORMAT_JSON = 0, FORMAT_TEXT = 1 };

typedef struct decide_values {
    opt_list manifests;
    const char *snapshot, *state, *state_out;
    int explain, format;
} decide_values;

static const opt_row rows[] = {
    {"manifests", "FILE", "Kubernetes objects; may be repeated, and operands are manifests too", OPT_LIST,
     offsetof(decide_values, manifests), 0, 0},
    {"snapshot", "FILE", "what the control plane sees, as JSON; - is standard input", OPT_TEXT,
     offsetof(decide_values, snapshot), 0, 0},
    {"state", "FILE", "state of the call before: a --state-out file, or its plan (default: none)", OPT_TEXT,
     offsetof(decide_values, state), 0, 0},
    {"state-out", "FILE", "write the state for the next call", OPT_TEXT, offsetof(decide_values, state_out), 0, 0},
    {"explain", NULL, "say for each workload and cluster what was decided and why", OPT_FLAG,
     offsetof(decide_values, explain), 0, 0},
    {"format", "json|text", "plan as JSON, or one line for each action (default json)", OPT_CHOICE,
     offsetof(decide_values, format), 0, 0},
};

/* All that a decision needs and makes. */
typedef struct decision {
    spw_diag *diag;
    spw_manifest_set *set;
    const spw_config *config;
    spw_json_snapshot *snapshot;
    spw_core *core;
    spw_plan *plan;
} decision;

static cli_status out_of_memory(void)
{
    fputs("spillway: out of memory\n", stderr);
    return CLI_INTERNAL;
}

/* Reads a whole file, or standard input for "-". The text is terminated. @return 0; -1 with errno */
static int read_all(const char *path, char **text, size_t *size)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    char *all = NULL;
    size_t used = 0, room = 0;
    int rc = file != NULL ? 0 : -1;
    while (rc == 0) {
        if (used + 1 >= room) {
            room = room == 0 ? (size_t)1 << 16 : room * 2;
            char *grown = realloc(all, room);
            rc = grown != NULL ? 0 : -1;
            all = grown != NULL ? grown : all;
            continue;
        }
        errno = 0;
        const size_t n = fread(all + used, 1, room - used - 1, file);
        used += n;
        if (n == 0) {
            rc = ferror(file) ? -1 : 0;
            break;
        }
    }
    const int why = errno;
    if (file != NULL && file != stdin) {
        fclose(file);
    }
    if (rc != 0) {
        free(all);
        errno = why;
        return -1;
    }
    all[used] = '\0';
    *text = all;
    *size = used;
    return 0;
}

/* The name of an input in messages. */
static const char *shown(const char *path)
{
    return strcmp(path, "-") == 0 ? "<stdin>" : path;
}

static cli_status cannot_read(const decision *d, const char *path)
{
    if (errno == ENOMEM) {
        return out_of_memory();
    }
    spw_diag_add(d->diag, SPW_DIAG_ERROR, shown(path), 0, 0, "cannot be read: %s", strerror(errno));
    return CLI_BAD;
}

static cli_status status_of(spw_rc rc)
{
    return rc == SPW_OK ? CLI_DONE : rc == SPW_NOMEM ? out_of_memory() : CLI_BAD;
}

/* What the core or a check said about the input. */
static cli_status refused(const char *what, spw_rc rc, const spw_err *err)
{
    if (rc == SPW_NOMEM) {
        return out_of_memory();
    }
    fprintf(stderr, "spillway decide: %s: %s%s%s\n", what, err->field, err->field[0] != '\0' ? ": " : "",
            err->text[0] != '\0' ? err->text : spw_strerror(rc));
    return CLI_BAD;
}

static cli_status read_manifests(decision *d, const opt_list *first, const opt_list *second)
{
    const opt_list *lists[] = {first, second};
    spw_rc worst = SPW_OK;
    for (size_t l = 0; l < 2; l++) {
        for (size_t i = 0; i < lists[l]->count; i++) {
            const spw_rc rc = spw_manifest_add_file(d->set, lists[l]->at[i], d->diag);
            worst = rc != SPW_OK ? rc : worst;
        }
    }
    return status_of(worst != SPW_OK ? worst : spw_manifest_config(d->set, d->diag, &d->config));
}

static cli_status read_snapshot(decision *d, const char *path)
{
    char *text = NULL;
    size_t size = 0;
    if (read_all(path, &text, &size) != 0) {
        return cannot_read(d, path);
    }
    const spw_rc rc = spw_json_snapshot_read(text, size, shown(path), d->diag, &d->snapshot);
    free(text);
    return status_of(rc);
}

static cli_status read_state(decision *d, const char *path)
{
    char *bytes = NULL;
    size_t size = 0;
    spw_json_buffer state = {0};
    if (read_all(path, &bytes, &size) != 0) {
        return cannot_read(d, path);
    }
    cli_status status = status_of(spw_json_state_read(bytes, size, shown(path), d->diag, &state));
    if (status == CLI_DONE) {
        spw_state_report found;
        const spw_rc rc = spw_state_load_report(d->core, state.text, state.size, &found);
        if (rc != SPW_OK) {
            spw_diag_add(d->diag, SPW_DIAG_ERROR, shown(path), 0, 0, "%s", spw_strerror(rc));
            status = CLI_BAD;
        } else if (found.kept + found.changed == 0 && found.gone > 0) {
            spw_diag_add(d->diag, SPW_DIAG_ERROR, shown(path), 0, 0,
                         "the state is of other workloads: none of them is in the manifests");
            status = CLI_BAD;
        } else if (found.changed + found.added + found.gone > 0) {
            spw_diag_add(d->diag, SPW_DIAG_NOTE, shown(path), 0, 0,
                         "workloads of this state: %" PRIu32 " kept, %" PRIu32 " configured otherwise, %" PRIu32
                         " new, %" PRIu32 " gone",
                         found.kept, found.changed, found.added, found.gone);
        }
    }
    spw_json_buffer_fini(&state);
    free(bytes);
    return status;
}

static size_t at_least(size_t need, size_t floor)
{
    return need > floor ? need : floor;
}

/* Room for the snapshot, and for what the state may remember beside it. */
static cli_status new_core(decision *d, int explain)
{
    const spw_snapshot *snap = spw_json_snapshot_get(d->snapshot);
    const size_t works = at_least(d->config->workload_count, snap->workloads.count);
    const size_t pairs = works * snap->clusters.count;
    spw_settings settings;
    spw_err err = {.code = SPW_OK, .row = SPW_ID_NONE};
    spw_settings_default(&settings);
    settings.clusters_max = at_least(snap->clusters.count, settings.clusters_max);
    settings.pools_max = at_least(snap->pools.count, settings.pools_max);
    settings.placements_max = at_least(at_least(pairs, snap->placements.count), settings.placements_max);
    settings.pods_max = at_least(snap->pods.count, settings.pods_max);
    settings.samples_max = at_least(snap->samples.count, settings.samples_max);
    settings.explain = explain != 0;
    const spw_rc rc = spw_core_new(&settings, d->config, spw_mem_libc(), &d->core, &err);
    if (rc != SPW_OK) {
        return refused("the core refuses the manifests", rc, &err);
    }
    return status_of(spw_plan_new_explained(spw_mem_libc(), works + 2 * pairs + 2 * snap->pools.count + 16, works + 1,
                                            explain ? pairs : 0, &d->plan));
}

static cli_status call_core(decision *d)
{
    const spw_snapshot *snap = spw_json_snapshot_get(d->snapshot);
    spw_err err = {.code = SPW_OK, .row = SPW_ID_NONE};
    spw_rc rc = spw_decide(d->core, snap, d->plan, &err);
    if (rc != SPW_OK) {
        return refused("the core refuses the snapshot", rc, &err);
    }
    rc = spw_plan_check(d->plan, snap, &err);
    if (rc != SPW_OK) {
        (void)refused("the plan did not pass its check", rc, &err);
        return CLI_INTERNAL;
    }
    return CLI_DONE;
}

/* Replaces a file by way of a temporary name beside it. @return 0; -1 with errno */
static int replace_file(const char *path, const void *bytes, size_t size)
{
    const size_t room = strlen(path) + sizeof ".tmp-XXXXXX";
    char *work = malloc(room);
    if (work == NULL) {
        return -1;
    }
    snprintf(work, room, "%s.tmp-XXXXXX", path);
    const int fd = mkstemp(work);
    FILE *file = fd >= 0 ? fdopen(fd, "wb") : NULL;
    int rc = file != NULL && fwrite(bytes, 1, size, file) == size ? 0 : -1;
    rc = file != NULL && fclose(file) != 0 ? -1 : rc;
    rc = rc == 0 ? rename(work, path) : rc;
    const int why = errno;
    if (rc != 0 && fd >= 0) {
        (void)unlink(work);
    }
    free(work);
    errno = why;
    return rc;
}

static cli_status write_state(const decision *d, const char *path)
{
    const size_t size = spw_state_size(d->core);
    void *bytes = malloc(size);
    if (bytes == NULL || spw_state_save(d->core, bytes, size) != SPW_OK) {
        free(bytes);
        return out_of_memory();
    }
    const int rc = replace_file(path, bytes, size);
    free(bytes);
    if (rc != 0) {
        fprintf(stderr, "spillway decide: cannot write %s: %s\n", path, strerror(errno));
        return CLI_IO;
    }
    return CLI_DONE;
}

/* The result in memory first, then the state file, then standard output. */
static cli_status publish(const decision *d, const decide_values *values)
{
    const spw_snapshot *snap = spw_json_snapshot_get(d->snapshot);
    spw_json_buffer out = {0};
    char *text = NULL;
    cli_status status = CLI_DONE;
    if (values->format == FORMAT_TEXT) {
        const size_t size = spw_plan_text(d->plan, snap, NULL, 0);
        text = malloc(size + 1);
        status = text != NULL ? CLI_DONE : out_of_memory();
        if (text != NULL) {
            (void)spw_plan_text(d->plan, snap, text, size + 1);
        }
    } else {
        const spw_json_decision told = {
            .plan = d->plan, .snap = snap, .config = d->config, .core = d->core, .explain = values->explain != 0};
        status = status_of(spw_json_plan_write(&told, &out));
    }
    if (status == CLI_DONE && values->state_out != NULL) {
        status = write_state(d, values->state_out);
    }
    if (status == CLI_DONE) {
        fputs(text != NULL ? text : out.text, stdout);
    }
    free(text);
    spw_json_buffer_fini(&out);
    return status;
}

static void print_messages(const spw_diag *diag)
{
    for (size_t i = 0; i < spw_diag_count(diag); i++) {
        fprintf(stderr, "%s\n", spw_diag_at(diag, i));
    }
    if (spw_diag_dropped(diag) > 0) {
        fprintf(stderr, "... and %zu more messages\n", spw_diag_dropped(diag));
    }
}

static cli_status worse(cli_status a, cli_status b)
{
    return a > b ? a : b;
}

static cli_status decide(const decide_values *values, const opt_list *operands)
{
    decision d = {.set = spw_manifest_new(NULL)};
    if (d.set == NULL || spw_diag_new(NULL, MESSAGES_KEPT, &d.diag) != SPW_OK) {
        spw_manifest_free(d.set);
        return out_of_memory();
    }
    /* Both inputs are read whatever is wrong with the first, so that one call shows every mistake. */
    cli_status status = read_manifests(&d, &values->manifests, operands);
    status = worse(status, read_snapshot(&d, values->snapshot));
    status = status == CLI_DONE ? new_core(&d, values->explain) : status;
    status = status == CLI_DONE && values->state != NULL ? read_state(&d, values->state) : status;
    print_messages(d.diag);
    status = status == CLI_DONE ? call_core(&d) : status;
    status = status == CLI_DONE ? publish(&d, values) : status;
    spw_plan_free(d.plan);
    spw_core_free(d.core);
    spw_json_snapshot_free(d.snapshot);
    spw_manifest_free(d.set);
    spw_diag_free(d.diag);
    return status;
}

static cli_status run(int argc, char **argv)
{
    decide_values values = {.format = FORMAT_JSON};
    opt_list operands;
    const opt_outcome outcome = opt_parse(&cli_decide, argc, argv, &values, &operands, stdout, stderr);
    cli_status status = opt_exit(outcome);
    if (outcome == OPT_GO && (values.snapshot == NULL || values.manifests.count + operands.count == 0)) {
        fprintf(stderr, "spillway decide: %s is missing; see 'spillway decide --help'\n",
                values.snapshot == NULL ? "--snapshot" : "--manifests");
        status = CLI_BAD;
    } else if (outcome == OPT_GO && values.state != NULL && strcmp(values.state, "-") == 0 &&
               strcmp(values.snapshot, "-") == 0) {
        fputs("spillway decide: --snapshot and --state cannot both be standard input\n", stderr);
        status = CLI_BAD;
    } else if (outcome == OPT_GO) {
        status = decide(&values, &operands);
    }
    opt_fini(&cli_decide, &values, &operands);
    return status;
}

const opt_command cli_decide = {
    .name = "decide",
    .operands = "[FILE...]",
    .summary = "one call of the core: manifests and a snapshot in, a plan out",
    .rows = rows,
    .row_count = sizeof rows / sizeof rows[0],
    .operands_min = 0,
    .operands_max = SIZE_MAX,
    .examples = {"spillway decide --manifests chat.yaml policy.yaml --snapshot now.json",
                 "spillway decide --manifests chat.yaml --snapshot - --state old.state --state-out new.state"},
    .run = run};
