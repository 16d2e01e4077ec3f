/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace_decisions.c - spillway trace import --decisions: a log of decisions becomes a scenario. */
#include "sim/cli/trace_actions.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/cli/outdir.h"
#include "sim/history/import.h"
#include "sim/scenario/csvfile.h"

#define MESSAGES_KEPT 64
#define STEP_NS       INT64_C(60000000000)
#define STEP_LEAST_NS INT64_C(1000000000)
#define MANIFEST_MAX  ((size_t)1 << 24)

static cli_status complain(const char *text)
{
    fprintf(stderr, "spillway trace: %s\n", text);
    return CLI_BAD;
}

/* What the options give, checked. */
typedef struct taken {
    import_spec spec;
    scene_users *users;
    spw_json_manifest *manifests;
    char *metric;
} taken;

static void taken_fini(taken *t)
{
    for (size_t i = 0; i < t->spec.log.manifest_count; i++) {
        free((char *)(uintptr_t)t->manifests[i].text);
    }
    free(t->manifests);
    free(t->users);
    free(t->metric);
}

static cli_status demand_take(const char *text, taken *t)
{
    static const struct {
        const char *name;
        past_metric meaning;
    } meanings[] = {{"rate", PAST_RATE},
                    {"tokens-out", PAST_TOKENS_OUT},
                    {"tokens-in", PAST_TOKENS_IN},
                    {"in-flight", PAST_IN_FLIGHT},
                    {"busy", PAST_BUSY}};
    const char *equals = text != NULL ? strrchr(text, '=') : NULL;
    const char *word = equals != NULL ? equals + 1 : text;
    for (size_t i = 0; word != NULL && equals != text && i < sizeof meanings / sizeof meanings[0]; i++) {
        if (strcmp(word, meanings[i].name) == 0) {
            t->metric = equals != NULL ? strndup(text, (size_t)(equals - text)) : NULL;
            t->spec.log.metric = t->metric;
            t->spec.log.limited = true;
            t->spec.log.meaning = meanings[i].meaning;
            return equals == NULL || t->metric != NULL ? CLI_DONE : CLI_INTERNAL;
        }
    }
    return text == NULL
               ? CLI_DONE
               : complain("--demand [NAME=]MEANING: the name of a metric, and what it counts: rate, tokens-out, "
                          "tokens-in, in-flight or busy");
}

/* Shares as given, made to add up to 1. One region needs none. */
static cli_status users_take(const opt_list *list, taken *t)
{
    double sum = 0.0;
    t->users = calloc(list->count + 1, sizeof *t->users);
    if (t->users == NULL) {
        return CLI_INTERNAL;
    }
    for (size_t i = 0; i < list->count; i++) {
        const char *equals = strchr(list->at[i], '=');
        double share = 1.0;
        if ((equals == NULL && list->count > 1) || equals == list->at[i] ||
            (equals != NULL && (!csv_parse_number(equals + 1, &share) || !(share > 0.0 && share <= 1e6)))) {
            return complain("--users REGION=SHARE: a region, and a number above 0 where there are several");
        }
        t->users[i] = (scene_users){list->at[i], share};
        sum += share;
        if (equals != NULL) {
            *(char *)(uintptr_t)equals = '\0'; /* argv is ours */
        }
    }
    for (size_t i = 0; i < list->count; i++) {
        t->users[i].share /= sum;
    }
    t->spec.users = t->users;
    t->spec.user_count = list->count;
    return CLI_DONE;
}

static cli_status manifests_take(const opt_list *list, taken *t)
{
    char err[1024];
    csv_message message = {err, sizeof err};
    t->manifests = calloc(list->count + 1, sizeof *t->manifests);
    if (t->manifests == NULL) {
        return CLI_INTERNAL;
    }
    for (size_t i = 0; i < list->count; i++) {
        csv_bytes bytes = {NULL, 0};
        if (!csv_slurp(list->at[i], MANIFEST_MAX, &bytes, &message)) {
            fprintf(stderr, "%s\n", err);
            return CLI_BAD;
        }
        t->manifests[i] = (spw_json_manifest){list->at[i], bytes.data, bytes.size};
        t->spec.log.manifest_count++;
    }
    t->spec.log.manifests = t->manifests;
    return CLI_DONE;
}

/* A name for the scenario from that of the folder: small letters, digits, '-'. */
static void name_take(const char *out, char *name, size_t size)
{
    size_t end = strlen(out), n = 0;
    while (end > 0 && out[end - 1] == '/') {
        end--;
    }
    size_t begin = end;
    while (begin > 0 && out[begin - 1] != '/') {
        begin--;
    }
    for (; begin < end && n + 1 < size; begin++) {
        const char c = out[begin] >= 'A' && out[begin] <= 'Z' ? (char)(out[begin] - 'A' + 'a') : out[begin];
        const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (plain || (n > 0 && name[n - 1] != '-')) {
            name[n++] = plain ? c : '-';
        }
    }
    while (n > 0 && name[n - 1] == '-') {
        n--;
    }
    name[n] = '\0';
    if (n == 0) {
        (void)snprintf(name, size, "past");
    }
}

static cli_status take(const trace_values *v, const char *const *operands, size_t count, taken *t)
{
    if (v->out == NULL) {
        return complain("import --decisions needs --out DIR, the folder to make");
    }
    if (v->model != NULL && (v->input == 0 || v->output == 0)) {
        return complain("--model needs --input N and --output N, tokens of a request");
    }
    if (v->step != NULL && v->step_ns < STEP_LEAST_NS) {
        return complain("--step must be at least 1s");
    }
    t->spec = (import_spec){
        .log = {.paths = operands, .path_count = count, .step_ns = v->step != NULL ? v->step_ns : STEP_NS},
        .service_files = v->services.at,
        .service_file_count = v->services.count,
        .model = v->model,
        .input = v->input,
        .output = v->output};
    cli_status status = demand_take(v->demand, t);
    status = status == CLI_DONE ? users_take(&v->users, t) : status;
    return status == CLI_DONE ? manifests_take(&v->manifests, t) : status;
}

/* --- results --- */

/* Messages name files in the folder that is renamed at the end. */
static void put_messages(const char *text, const outdir *dir)
{
    const size_t length = strlen(dir->work);
    while (text != NULL && *text != '\0') {
        if (strncmp(text, dir->work, length) == 0) {
            fputs(dir->target, stderr);
            text += length;
        } else {
            fputc(*text++, stderr);
        }
    }
}

static void tell(const import_result *r, const char *target)
{
    const past *p = r->p;
    const int64_t minutes = (p->last_ns - p->first_ns) / INT64_C(60000000000);
    printf("%s/scenario.yaml: %" PRId64 " h %02" PRId64 " min, %" PRIu64 " ticks\n", target, minutes / 60, minutes % 60,
           p->ticks);
    for (size_t s = 0; s < p->service_count; s++) {
        if (past_served(p, s)) {
            printf("  %s: %.4g requests/s on average, %.4g at most\n", p->services[s].name, r->scene.demands[s].mean,
                   r->scene.demands[s].most);
        }
    }
    puts("not in the log, and taken instead (the comments of the scenario say it, too):");
    for (size_t i = 0; i < r->scene.note_count; i++) {
        fputs("  - ", stdout);
        opt_wrap(stdout, r->scene.notes[i], 4, 4, "");
    }
}

static cli_status finish(const import_result *r, outdir *dir)
{
    char err[OUTDIR_PATH_MAX], marker[OUTDIR_PATH_MAX + 32];
    /* a folder to work in, not one that the next run may replace */
    (void)snprintf(marker, sizeof marker, "%s/%s", dir->work, OUTDIR_MARKER);
    (void)unlink(marker);
    if (outdir_commit(dir, err, sizeof err) != 0) {
        fprintf(stderr, "spillway trace: %s\n", err);
        return CLI_IO;
    }
    tell(r, dir->target);
    return CLI_DONE;
}

static cli_status import(taken *t, const char *out)
{
    char err[OUTDIR_PATH_MAX], name[64];
    outdir dir;
    struct stat st;
    spw_diag *diag = NULL;
    import_result result;
    if (lstat(out, &st) == 0) {
        fprintf(stderr, "spillway trace: %s exists already; nothing was written\n", out);
        return CLI_BAD;
    }
    if (spw_diag_new(NULL, MESSAGES_KEPT, &diag) != SPW_OK) {
        return CLI_INTERNAL;
    }
    if (outdir_begin(&dir, out, err, sizeof err) != 0) {
        spw_diag_free(diag);
        fprintf(stderr, "spillway trace: %s\n", err);
        return CLI_IO;
    }
    name_take(out, name, sizeof name);
    t->spec.name = name;
    const spw_rc rc = import_log(&t->spec, dir.work, diag, &result);
    for (size_t i = 0; i < spw_diag_count(diag); i++) {
        if (rc != SPW_OK || spw_diag_level_at(diag, i) == SPW_DIAG_ERROR) {
            fprintf(stderr, "%s\n", spw_diag_at(diag, i));
        }
    }
    put_messages(result.messages.text, &dir);
    const cli_status status = rc == SPW_OK ? finish(&result, &dir) : rc == SPW_NOMEM ? CLI_INTERNAL : CLI_BAD;
    import_fini(&result);
    spw_diag_free(diag);
    outdir_abort(&dir);
    return status;
}

cli_status trace_do_decisions(const trace_values *v, const char *const *operands, size_t count)
{
    taken t = {.users = NULL};
    cli_status status = take(v, operands, count, &t);
    status = status == CLI_DONE ? import(&t, v->out) : status;
    if (status == CLI_INTERNAL) {
        fputs("spillway: out of memory\n", stderr);
    }
    taken_fini(&t);
    return status;
}
