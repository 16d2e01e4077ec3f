/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * runs.c - recorded runs of real engines, replayed under the profile rows that this build ships, untouched by the run;
 * and operator times against those rows.
 */
#include "sim/calibrate/calibrate.h"
#include "sim/check/check.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PATH_BYTES 1200
#define RUN_WITHIN 0.03 /* means of a run that a row was not fitted to */
#define LAW_WITHIN 0.05 /* a row's law against the operator times of its GPU */

/* GPU and model that a folder's name holds, "rtx4090-llama31-8b": letters and digits of a table's name in a row. */
static bool mentions(const char *folder, const char *name)
{
    char plain[2][PATH_BYTES];
    const char *texts[] = {folder, name};
    for (int k = 0; k < 2; k++) {
        size_t n = 0;
        for (const char *c = texts[k]; *c != '\0' && n + 1 < PATH_BYTES; c++) {
            bool letter = (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9');
            bool capital = *c >= 'A' && *c <= 'Z';
            if (letter || capital) {
                plain[k][n++] = capital ? (char)(*c - 'A' + 'a') : *c;
            }
        }
        plain[k][n] = '\0';
    }
    return strstr(plain[0], plain[1]) != NULL;
}

/* The row of profiles.csv whose GPU and model the folder names; the longest names win. */
static const mdl_profile *row_of(const tables *t, const char *folder)
{
    const mdl_profile *best = NULL;
    size_t best_length = 0;
    for (size_t i = 0; i < tables_count(t, TABLES_PROFILES); i++) {
        const mdl_profile *row = tables_row(t, TABLES_PROFILES, i);
        size_t length = strlen(row->gpu) + strlen(row->model);
        if (length > best_length && mentions(folder, row->gpu) && mentions(folder, row->model)) {
            best = row;
            best_length = length;
        }
    }
    return best;
}

static void add_mean(check_list *list, const char *what, const char *folder, const char *unit, double expected,
                     double measured)
{
    check_line line = {.group = "engine run",
                       .unit = unit,
                       .expected = expected,
                       .measured = measured,
                       .tolerance = RUN_WITHIN,
                       .grade = "measured"};
    (void)snprintf(line.name, sizeof line.name, "%s, %.60s", what, folder);
    check_add(list, &line);
}

static void add_not_run(const char *what, const char *folder, const char *why, check_list *list)
{
    check_line line = {.group = "engine run", .unit = "", .verdict = CHECK_NOT_RUN, .grade = "measured"};
    line.expected = line.measured = (double)NAN;
    (void)snprintf(line.name, sizeof line.name, "%s %.60s", what, folder);
    (void)snprintf(line.note, sizeof line.note, "%s", why);
    check_add(list, &line);
}

static void replay(const check_input *in, const observed *o, const mdl_profile *row, const char *folder,
                   check_list *list)
{
    drive_sums got, known;
    if (!calibrate_replayed(o, tables_gpu(in->tables, row->gpu), tables_model(in->tables, row->model), row, &got,
                            &known)) {
        add_not_run("replay of", folder, "the model does not fit the GPU, or no request its KV cache", list);
        return;
    }
    if (known.done < o->request_count) {
        char why[CHECK_NOTE];
        (void)snprintf(why, sizeof why, "%zu of %zu requests do not fit the KV cache of this row: left out below",
                       o->request_count - known.done, o->request_count);
        add_not_run("some requests of", folder, why, list);
    }
    add_mean(list, "TTFT mean", folder, "ms", known.ttft_ms, got.ttft_ms);
    if (known.spaced > 0) { /* of requests with one token there is none */
        add_mean(list, "TPOT mean", folder, "ms", known.tpot_ms, got.tpot_ms);
    }
    add_mean(list, "end to end mean", folder, "ms", known.e2e_ms, got.e2e_ms);
    add_mean(list, "output tokens/s", folder, "1/s", known.output_per_s, got.output_per_s);
}

/* Two steps as the fitted law has them and as the shipped row has them: a decode and a full prefill. */
static void compare_law(const check_input *in, const observed *o, const mdl_profile *row, const char *folder,
                        check_list *list)
{
    static const struct {
        const char *name;
        double tokens, decodes, context, prefill;
    } steps[] = {{"1 decode at 1 k", 1, 1, 1000, 0},
                 {"64 decodes at 1 k", 64, 64, 64000, 0},
                 {"prefill of 2048", 2048, 0, 0, 2048}};
    calibration *c = malloc(sizeof *c);
    char err[CHECK_NOTE] = "";
    if (c == NULL) {
        list->failed = true;
        return;
    }
    *c = (calibration){.row = *row};
    bool ok = calibrate_operators(o, tables_model(in->tables, row->model), c, err, sizeof err) > 0;
    for (size_t i = 0; ok && i < sizeof steps / sizeof steps[0]; i++) {
        const mdl_profile *rows[] = {&c->row, row};
        double us[2];
        for (int k = 0; k < 2; k++) {
            const mdl_profile *p = rows[k];
            us[k] = fmax(p->c1_us + p->c2_us * (steps[i].tokens - 1.0), p->c3_us + p->c4_us * steps[i].tokens) +
                    p->h0_us + p->h1_us * fmax(steps[i].decodes, 1.0);
            us[k] +=
                steps[i].decodes > 0.0 ? p->e0_us + p->e1_us * steps[i].decodes + p->e2_us * steps[i].context : 0.0;
            us[k] += steps[i].prefill > 0.0 ? p->g0_us + p->g1_us * steps[i].prefill * steps[i].prefill / 2.0 : 0.0;
        }
        check_line line = {.group = "engine run",
                           .unit = "ms",
                           .expected = us[0] / 1e3,
                           .measured = us[1] / 1e3,
                           .tolerance = LAW_WITHIN,
                           .grade = "measured"};
        (void)snprintf(line.name, sizeof line.name, "%s, %.50s", steps[i].name, folder);
        check_add(list, &line);
    }
    free(c);
}

static bool one_folder(const check_input *in, const char *path, const char *folder, check_list *list, char *err,
                       size_t err_size)
{
    const mdl_profile *row = row_of(in->tables, folder);
    if (row == NULL) {
        add_not_run("recordings in", folder, "its name names no GPU and model of tables/profiles.csv", list);
        return true;
    }
    observed o = {.requests = NULL};
    bool ok = observed_read(&o, path, err, err_size) && observed_complete(&o, err, err_size);
    if (ok) {
        if (o.request_count > 0) {
            replay(in, &o, row, folder, list);
        }
        if (o.dense_count > 0) {
            compare_law(in, &o, row, folder, list);
        }
        if (o.request_count == 0 && o.dense_count == 0) {
            add_not_run("recordings in", folder, "it holds neither requests nor operator times", list);
        }
    }
    observed_free(&o);
    return ok;
}

/* What a folder is visited for. @return false to stop */
typedef bool (*visit_fn)(void *context, const char *path, const char *folder);

/* Every folder under in->data, by name. */
static bool each_folder(const check_input *in, visit_fn visit, void *context, char *err, size_t err_size)
{
    struct dirent **entries = NULL;
    const int count = scandir(in->data, &entries, NULL, alphasort);
    bool ok = count >= 0;
    if (!ok) {
        (void)snprintf(err, err_size, "%s: error: cannot be read as a folder", in->data);
    }
    for (int i = 0; i < count; i++) {
        char path[PATH_BYTES];
        struct stat st;
        const char *name = entries[i]->d_name;
        const bool fits = name[0] != '.' && snprintf(path, sizeof path, "%s/%s", in->data, name) < (int)sizeof path;
        if (ok && fits && stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
            ok = visit(context, path, name);
        }
        free(entries[i]);
    }
    free(entries);
    return ok;
}

typedef struct visit {
    const check_input *in;
    check_list *list; /* NULL: looking for a run of `model` */
    const char *model;
    size_t named; /* folders of an engine */
    observed found;
    char *err;
    size_t err_size;
} visit;

static bool visit_check(void *context, const char *path, const char *folder)
{
    visit *v = context;
    v->named += row_of(v->in->tables, folder) != NULL;
    return one_folder(v->in, path, folder, v->list, v->err, v->err_size);
}

static bool visit_find(void *context, const char *path, const char *folder)
{
    visit *v = context;
    const mdl_profile *row = row_of(v->in->tables, folder);
    if (v->found.request_count > 0 || row == NULL || strcmp(row->model, v->model) != 0) {
        return true;
    }
    observed_free(&v->found);
    return observed_read(&v->found, path, v->err, v->err_size) && observed_complete(&v->found, v->err, v->err_size);
}

bool check_runs(const check_input *in, check_list *list, char *err, size_t err_size)
{
    visit v = {.in = in, .list = list, .err = err, .err_size = err_size};
    if (in->data == NULL) {
        return true;
    }
    if (!each_folder(in, visit_check, &v, err, err_size)) {
        return false;
    }
    if (v.named == 0) {
        (void)snprintf(err, err_size,
                       "%s: error: no folder in it has the name of a GPU and a model of tables/profiles.csv, such as "
                       "rtx4090-llama31-8b",
                       in->data);
    }
    return v.named > 0;
}

bool check_replayed_rate(const check_input *in, const char *gpu, const char *model, double *per_s, char *err,
                         size_t err_size)
{
    visit v = {.in = in, .model = model, .err = err, .err_size = err_size};
    const mdl_profile *row = tables_profile(in->tables, CHECK_ENGINE, gpu, model);
    bool ok = in->data == NULL || each_folder(in, visit_find, &v, err, err_size);
    *per_s = (double)NAN;
    if (ok && v.found.request_count > 0 && row != NULL) {
        drive_sums simulated, measured;
        if (calibrate_replayed(&v.found, tables_gpu(in->tables, gpu), tables_model(in->tables, model), row, &simulated,
                               &measured)) {
            *per_s = simulated.output_per_s;
        }
    }
    observed_free(&v.found);
    return ok;
}
