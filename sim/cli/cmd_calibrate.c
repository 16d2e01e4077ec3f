/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd_calibrate.c - spillway calibrate: coefficients of an engine from what was measured at it, and how sure they are.
 */
#include "sim/cli/commands.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sched/manifest/suggest.h"
#include "sim/calibrate/calibrate.h"
#include "sim/cli/calibrate_runs.h"
#include "sim/scenario/datadir.h"
#include "sim/scenario/tables.h"

#define ERR_SIZE 4096

typedef struct calibrate_values {
    const char *gpu, *model, *engine, *out, *tables, *date;
} calibrate_values;

static const opt_row rows[] = {
    {"gpu", "GPU", "a GPU of tables/gpus.csv (default: what meta.json names)", OPT_TEXT,
     offsetof(calibrate_values, gpu), 0, 0},
    {"model", "MODEL", "a model of tables/models.csv (default: what meta.json names)", OPT_TEXT,
     offsetof(calibrate_values, model), 0, 0},
    {"engine", "NAME", "name of the engine in the row (default: vllm-VERSION of meta.json, else 'calibrated')",
     OPT_TEXT, offsetof(calibrate_values, engine), 0, 0},
    {"date", "YYYY-MM-DD", "when it was measured (default: today)", OPT_TEXT, offsetof(calibrate_values, date), 0, 0},
    {"out", "FILE", "write the row there as a CSV with a header, in place of printing it", OPT_TEXT,
     offsetof(calibrate_values, out), 0, 0},
    {"tables", "DIR", "parameter tables (default: those that came with the program)", OPT_TEXT,
     offsetof(calibrate_values, tables), 0, 0},
};

/* "NVIDIA GeForce RTX 4090" -> "RTX-4090", "meta-llama/Llama-3.1-8B-Instruct" -> "Llama-3.1-8B". */
static void plain_name(const char *text, char *to, size_t size)
{
    static const char *const before[] = {"NVIDIA ", "GeForce "};
    const char *slash = strrchr(text, '/');
    text = slash != NULL ? slash + 1 : text;
    for (size_t i = 0; i < sizeof before / sizeof before[0]; i++) {
        text += strncmp(text, before[i], strlen(before[i])) == 0 ? strlen(before[i]) : 0;
    }
    (void)snprintf(to, size, "%s", text);
    char *instruct = strstr(to, "-Instruct");
    if (instruct != NULL && instruct[strlen("-Instruct")] == '\0') {
        *instruct = '\0';
    }
    for (char *c = to; *c != '\0'; c++) {
        *c = *c == ' ' ? '-' : *c;
    }
}

static void no_such(const tables *t, tables_kind kind, const char *option, const char *name)
{
    suggest near;
    if (name[0] == '\0') {
        fprintf(stderr,
                "spillway calibrate: the files name no %s: give one with --%s, 'spillway list %ss' shows them\n",
                option, option, option);
        return;
    }
    suggest_init(&near, name);
    for (size_t i = 0; i < tables_count(t, kind); i++) {
        const void *row = tables_row(t, kind, i);
        suggest_offer(&near, kind == TABLES_GPUS ? ((const mdl_gpu *)row)->name : ((const mdl_model *)row)->name);
    }
    fprintf(stderr, "spillway calibrate: no %s '%s' in tables/%ss.csv", option, name, option);
    if (near.best != NULL) {
        fprintf(stderr, " (did you mean '%s'?)", near.best);
    }
    fprintf(stderr, "; give one with --%s, 'spillway list %ss' shows them\n", option, option);
}

static void print_fit(const fit *f)
{
    printf("%s\n  %zu observations", f->what, f->n);
    if (f->left_out > 0) {
        printf(", %zu put aside", f->left_out);
    }
    printf("; residuals: mean size %.2f %%, bias %+.2f %%, largest %.1f %%; condition number %.1f\n",
           f->mean_abs * 100.0, f->bias * 100.0, f->worst * 100.0, f->condition);
    for (size_t i = 0; i < f->term_count; i++) {
        const fit_term *t = &f->terms[i];
        if (t->half_width < 0.0) {
            printf("  %-3s %12.5g %-20s held there: the data would make it negative\n", t->name, t->value, t->unit);
            continue;
        }
        printf("  %-3s %12.5g %-20s +- %.2g", t->name, t->value, t->unit, t->half_width);
        if (t->half_width > fabs(t->value)) {
            printf("  cannot be told from 0");
        }
        if (fabs(t->twin_correlation) > FIT_TWIN) {
            printf("  cannot be told apart from %s (correlation %.2f)", f->terms[t->twin].name, t->twin_correlation);
        }
        printf("\n");
    }
}

static void print_pair(const char *name, double simulated, double measured, const char *unit)
{
    printf("  %-18s %12.2f %12.2f %-4s %+7.2f %%\n", name, simulated, measured, unit,
           measured > 0.0 ? (simulated / measured - 1.0) * 100.0 : 0.0);
}

static void print_outside(const calibrate_outside *a)
{
    printf("time outside the engine, for a request: ");
    if (!a->sought) {
        printf("not sought, the times are the engine's own\n");
        return;
    }
    if (a->n < CALIBRATE_ALONE) {
        printf("cannot be told, %zu requests were alone with their prompt and %d are needed; none is counted\n", a->n,
               CALIBRATE_ALONE);
        return;
    }
    printf("%.1f ms, 95 %% %.1f..%.1f%s\n", a->ms, a->low_ms, a->high_ms,
           a->told             ? ""
           : a->high_ms >= 0.0 ? "; cannot be told from 0, none is counted"
                               : "; prompts were faster than the row has it, none is counted");
    printf("  median of what %zu requests, alone with their prompt, took to the first token beyond the replay:\n"
           "  %.1f ms with the shorter prompts, %.1f with the longer; %.1f ms in the smaller batches, %.1f in the "
           "larger\n",
           a->n, a->short_ms, a->long_ms, a->few_ms, a->many_ms);
}

/* A string of YAML, in quotes where it may be more than a word. */
static void print_word(const char *text)
{
    const bool quoted = strpbrk(text, " ,:#'\"[]{}&*!|>%@`?") != NULL;
    fputs(quoted ? "'" : "", stdout);
    for (; *text != '\0'; text++) {
        fputs(quoted && *text == '\'' ? "'" : "", stdout); /* two stand for one */
        putchar(*text);
    }
    fputs(quoted ? "'" : "", stdout);
}

/* What else the replay had: a scenario that takes the row alone has other limits, and other times to the first token.
 */
static void print_engine(const observed *o, const calibration *c)
{
    fputs("in a scenario, with the row in the profiles.csv of its tables:\n  spec.services[].engine: {profile: ",
          stdout);
    print_word(c->row.engine);
    if (o->max_batched_tokens > 0) {
        printf(", maxBatchedTokens: %lld", (long long)o->max_batched_tokens);
    }
    if (o->max_sequences > 0) {
        printf(", maxSequences: %lld", (long long)o->max_sequences);
    }
    if (c->outside.told) {
        printf(", frontend: %.1fms", c->outside.ms);
    }
    puts("}");
}

static void print_replay(const calibrate_replay *r)
{
    printf("replay of the %zu requests     simulated     measured\n", r->measured.done);
    print_pair("TTFT mean", r->simulated.ttft_ms, r->measured.ttft_ms, "ms");
    print_pair("TPOT mean", r->simulated.tpot_ms, r->measured.tpot_ms, "ms");
    print_pair("end to end mean", r->simulated.e2e_ms, r->measured.e2e_ms, "ms");
    print_pair("output tokens/s", r->simulated.output_per_s, r->measured.output_per_s, "");
}

static void put_text(FILE *file, const char *text)
{
    const bool quoted = strpbrk(text, ",\"\n\r") != NULL;
    fputs(quoted ? "\"" : "", file);
    for (; *text != '\0'; text++) {
        fputs(*text == '"' ? "\"" : "", file); /* one stands for two */
        fputc(*text, file);
    }
    fputs(quoted ? "\"" : "", file);
}

static void print_cell(FILE *file, const mdl_column *column, const void *row)
{
    const char *at = (const char *)row + column->offset;
    double real;
    int64_t whole;
    switch (column->kind) {
    case MDL_COLUMN_TEXT:
        put_text(file, at);
        break;
    case MDL_COLUMN_REAL:
        memcpy(&real, at, sizeof real);
        fprintf(file, "%.5g", real);
        break;
    case MDL_COLUMN_INT:
        memcpy(&whole, at, sizeof whole);
        fprintf(file, "%lld", (long long)whole);
        break;
    }
}

static void print_row(FILE *file, const mdl_profile *row)
{
    for (const mdl_column *c = mdl_profile_columns; c->name != NULL; c++) {
        fprintf(file, "%s%s", c == mdl_profile_columns ? "" : ",", c->name);
    }
    fputc('\n', file);
    for (const mdl_column *c = mdl_profile_columns; c->name != NULL; c++) {
        fputs(c == mdl_profile_columns ? "" : ",", file);
        print_cell(file, c, row);
    }
    fputc('\n', file);
}

static cli_status write_row(const char *path, const mdl_profile *row)
{
    char temp[ERR_SIZE];
    if (snprintf(temp, sizeof temp, "%s.tmp%ld", path, (long)getpid()) >= (int)sizeof temp) {
        fprintf(stderr, "spillway: %s: the name is too long\n", path);
        return CLI_BAD;
    }
    FILE *file = fopen(temp, "wb");
    if (file == NULL) {
        fprintf(stderr, "spillway: %s: error: cannot be written\n", path);
        return CLI_IO;
    }
    print_row(file, row);
    int bad = ferror(file);
    bad = fclose(file) != 0 || bad != 0;
    if (bad || rename(temp, path) != 0) {
        (void)remove(temp);
        fprintf(stderr, "spillway: %s: error: cannot be written\n", path);
        return CLI_IO;
    }
    printf("row written to %s\n", path);
    return CLI_DONE;
}

static void describe(const calibrate_values *v, const observed *o, const opt_list *operands, mdl_profile *row)
{
    char runs[32] = "";
    if (o->run_count > 1) {
        (void)snprintf(runs, sizeof runs, "%zu runs, ", o->run_count);
    }
    char today[MDL_DATE_SIZE] = "";
    const time_t now = time(NULL);
    struct tm day;
    if (gmtime_r(&now, &day) != NULL) {
        (void)strftime(today, sizeof today, "%Y-%m-%d", &day);
    }
    const char *engine = v->engine != NULL ? v->engine : o->engine[0] != '\0' ? o->engine : "calibrated";
    (void)snprintf(row->engine, sizeof row->engine, "%.31s", engine);
    (void)snprintf(row->date, sizeof row->date, "%.15s", v->date != NULL ? v->date : today);
    (void)snprintf(row->source, sizeof row->source,
                   "spillway calibrate of %.300s: %s%zu requests, %zu log lines, %zu operator times", operands->at[0],
                   runs, o->request_count, o->second_count, o->dense_count + o->sequence_count + o->attention_count);
}

static cli_status report(const calibrate_values *v, const observed *o, const calibration *c)
{
    for (size_t i = 0; i < c->fit_count; i++) {
        print_fit(&c->fits[i]);
    }
    if (c->fit_count > 0) {
        printf(
            "intervals (95 %%) hold the scatter about the lines, not that steps are lines: however many observations,\n"
            "expect new steps to be off by the mean size of the residuals\n");
    }
    printf("reserved memory %lld bytes, utilisation %g\n", (long long)c->row.reserved_bytes, c->row.memory_utilization);
    if (c->replay.done) {
        if (c->constant_told) {
            printf("constant of a step %+.0f us, so that the replay takes as long as the run\n", c->step_constant_us);
        } else {
            puts("constant of a step: none makes the replay last as long as the run");
        }
        print_outside(&c->outside);
        print_replay(&c->replay);
    }
    for (size_t i = 0; i < c->note_count; i++) {
        printf("note: %s\n", c->notes[i]);
    }
    print_engine(o, c);
    if (v->out != NULL) {
        return write_row(v->out, &c->row);
    }
    print_row(stdout, &c->row);
    return CLI_DONE;
}

static cli_status with_tables(const calibrate_values *v, const opt_list *operands, const observed *o, const tables *t)
{
    char gpu_name[128];
    char model_name[128];
    char err[ERR_SIZE] = "";
    plain_name(v->gpu != NULL ? v->gpu : o->gpu, gpu_name, sizeof gpu_name);
    plain_name(v->model != NULL ? v->model : o->model, model_name, sizeof model_name);
    const mdl_gpu *g = tables_gpu(t, v->gpu != NULL ? v->gpu : gpu_name);
    const mdl_model *m = tables_model(t, v->model != NULL ? v->model : model_name);
    if (g == NULL || m == NULL) {
        no_such(t, g == NULL ? TABLES_GPUS : TABLES_MODELS, g == NULL ? "gpu" : "model",
                g == NULL ? gpu_name : model_name);
        return CLI_BAD;
    }
    /* what the data does not say comes from a row of this GPU, else from the first of all */
    const mdl_profile *base = tables_row(t, TABLES_PROFILES, 0);
    for (size_t i = 0; i < tables_count(t, TABLES_PROFILES); i++) {
        const mdl_profile *row = tables_row(t, TABLES_PROFILES, i);
        if (strcmp(row->gpu, g->name) == 0 && (strcmp(base->gpu, g->name) != 0 || strcmp(row->model, m->name) == 0)) {
            base = row;
        }
    }
    calibration *c = malloc(sizeof *c);
    cli_status status = CLI_INTERNAL;
    if (c == NULL) {
        fputs("spillway: out of memory\n", stderr);
    } else if (!calibrate(o, g, m, base, c, err, sizeof err)) {
        fprintf(stderr, "spillway calibrate: %s: %s\n", operands->at[0], err);
        status = CLI_BAD;
    } else {
        (void)snprintf(c->row.gpu, sizeof c->row.gpu, "%s", g->name);
        (void)snprintf(c->row.model, sizeof c->row.model, "%s", m->name);
        describe(v, o, operands, &c->row);
        printf("%s on %s, %s\n", c->row.model, c->row.gpu, c->row.engine);
        const bool ok = o->run_count < 2 || calibrate_runs_print(o, g, m, base, c);
        if (ok && o->run_count > 1) {
            printf("all runs together\n");
        }
        status = ok ? report(v, o, c) : CLI_INTERNAL;
    }
    free(c);
    return status;
}

static cli_status act(const calibrate_values *v, const opt_list *operands)
{
    char err[ERR_SIZE] = "";
    char dir[DATADIR_PATH_MAX];
    observed o = {.pass_over = true};
    if (v->date != NULL && !table_is_date(v->date)) {
        fprintf(stderr, "spillway calibrate: --date %s: YYYY, YYYY-MM or YYYY-MM-DD is needed\n", v->date);
        return CLI_BAD;
    }
    for (const char *c = v->engine; c != NULL && *c != '\0'; c++) {
        if (iscntrl((unsigned char)*c)) {
            fprintf(stderr, "spillway calibrate: --engine holds a control character: it is a cell of a row\n");
            return CLI_BAD;
        }
    }
    if (v->engine != NULL && strlen(v->engine) >= MDL_NAME_SIZE) {
        fprintf(stderr, "spillway calibrate: --engine is longer than %d bytes\n", MDL_NAME_SIZE - 1);
        return CLI_BAD;
    }
    for (size_t i = 0; i < operands->count; i++) {
        if (!observed_read(&o, operands->at[i], err, sizeof err)) {
            fprintf(stderr, "%s\n", err);
            observed_free(&o);
            return CLI_BAD;
        }
    }
    calibrate_runs_passed_over(&o); /* first: what lacks may be in one of them */
    if (!observed_complete(&o, err, sizeof err)) {
        fprintf(stderr, "%s\n", err);
        observed_free(&o);
        return CLI_BAD;
    }
    calibrate_runs_idle_logs(&o);
    tables *t = NULL;
    if (v->tables != NULL || datadir_tables(dir, sizeof dir, err, sizeof err)) {
        t = tables_load(v->tables != NULL ? v->tables : dir, err, sizeof err);
    }
    if (t == NULL) {
        fprintf(stderr, "%s\n", err);
        observed_free(&o);
        return CLI_BAD;
    }
    const cli_status status = with_tables(v, operands, &o, t);
    tables_free(t);
    observed_free(&o);
    return status;
}

static cli_status run(int argc, char **argv)
{
    calibrate_values values = {NULL, NULL, NULL, NULL, NULL, NULL};
    opt_list operands;
    const opt_outcome outcome = opt_parse(&cli_calibrate, argc, argv, &values, &operands, stdout, stderr);
    const cli_status status = outcome == OPT_GO ? act(&values, &operands) : opt_exit(outcome);
    opt_fini(&cli_calibrate, &values, &operands);
    return status;
}

const opt_command cli_calibrate = {
    .name = "calibrate",
    .operands = "PATH...",
    .summary =
        "fit an engine's coefficients to operator times, a run's requests or its log, time outside it told apart; "
        "print a profile row",
    .rows = rows,
    .row_count = sizeof rows / sizeof rows[0],
    .operands_min = 1,
    .operands_max = 64,
    .examples = {"spillway calibrate measured/rtx4090-llama31-8b --out row.csv",
                 "spillway calibrate detail_log.json vllm_log.csv --gpu RTX-4090 --model Llama-3.2-1B"},
    .run = run};
