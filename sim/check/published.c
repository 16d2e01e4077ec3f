/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * published.c - saturated runs of real engines (throughput.csv) repeated by the engine of this build, and results that
 * others published (published.csv), by kind:
 *   throughput-ratio  output tokens/s of run a over those of run b
 *   ttft-ratio        time of one prompt of 1 500 tokens on GPU a over GPU b, Llama-3.3-70B on eight of each
 *   tbt-ratio         time between tokens of eight sequences of 1 500 tokens, likewise
 *   replayed-rate     output tokens/s of the recorded requests of model b (--data) on GPU a
 *   spot-saving       scenario spot-storm with a good market and room for spot nodes: what the elastic nodes cost less
 *                     than with on-demand nodes alone
 *   none              not run; the note says why
 */
#include "sim/calibrate/drive.h"
#include "sim/check/check.h"
#include "sim/experiment/experiment.h"
#include "sim/scenario/datadir.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCHED_TOKENS 2048
#define LARGE_MODEL    "Llama-3.3-70B"
#define LARGE_GPUS     8
#define PROMPT         1500
#define PROMPT_BATCH   8

static void copy_note(check_line *line, const char *note)
{
    (void)snprintf(line->note, sizeof line->note, "%.399s", strcmp(note, "-") == 0 ? "" : note);
}

static bool engine_of(const check_input *in, const char *gpu, const char *model, const mdl_engine_limits *limits,
                      mdl_llm_config *config, char *err, size_t err_size)
{
    const mdl_gpu *g = tables_gpu(in->tables, gpu);
    const mdl_model *m = tables_model(in->tables, model);
    const mdl_profile *p = tables_profile(in->tables, CHECK_ENGINE, gpu, model);
    const char *problem = g == NULL || m == NULL || p == NULL ? "no such row in tables/profiles.csv"
                                                              : mdl_profile_config(g, m, p, limits, config);
    if (problem != NULL) {
        (void)snprintf(err, err_size, "%s on %s: %s", model, gpu, problem);
    }
    return problem == NULL;
}

/* One replica of a published run gets its share of the requests. */
static bool run(const check_input *in, const table_throughput *row, drive_sums *sums, char *err, size_t err_size)
{
    const mdl_engine_limits limits = {
        .max_batched_tokens = BATCHED_TOKENS,
        .max_sequences = (int32_t)row->max_sequences,
        .max_waiting = INT32_MAX,
        .parallel = {.tensor = (int32_t)row->tensor, .pipeline = (int32_t)row->pipeline, .kv_fp8 = row->kv_fp8 != 0}};
    mdl_llm_config config;
    if (!engine_of(in, row->gpu, row->model, &limits, &config, err, err_size)) {
        return false;
    }
    size_t n = (size_t)(row->requests / row->replicas);
    size_t inside = (size_t)(row->concurrency / row->replicas);
    drive_request *requests = calloc(n, sizeof *requests);
    for (size_t i = 0; requests != NULL && i < n; i++) {
        requests[i].input = (int32_t)row->input_tokens;
        requests[i].output = (int32_t)row->output_tokens;
    }
    bool ok = requests != NULL && drive_engine(&config, requests, n, inside > 0 ? inside : 1, sums);
    free(requests);
    if (!ok) {
        (void)snprintf(err, err_size, "out of memory");
    }
    sums->output_per_s *= (double)row->replicas;
    return ok;
}

static bool check_throughput(const check_input *in, check_list *list, double *rates, char *err, size_t err_size)
{
    for (size_t i = 0; i < tables_count(in->tables, TABLES_THROUGHPUT); i++) {
        const table_throughput *row = tables_row(in->tables, TABLES_THROUGHPUT, i);
        drive_sums sums;
        if (!run(in, row, &sums, err, err_size)) {
            return false;
        }
        rates[i] = sums.output_per_s;
        check_line line = {.group = "cross-check",
                           .unit = "1/s",
                           .expected = row->output_per_s,
                           .measured = sums.output_per_s,
                           .tolerance = row->within};
        copy_note(&line, row->note);
        memcpy(line.grade, row->grade, sizeof line.grade);
        (void)snprintf(line.name, sizeof line.name, "output tokens/s, %s", row->name);
        check_add(list, &line);
    }
    return true;
}

static double rate_of(const check_input *in, const double *rates, const char *name)
{
    for (size_t i = 0; i < tables_count(in->tables, TABLES_THROUGHPUT); i++) {
        const table_throughput *row = tables_row(in->tables, TABLES_THROUGHPUT, i);
        if (strcmp(row->name, name) == 0) {
            return rates[i];
        }
    }
    return (double)NAN;
}

/* Mean time to the first token of one prompt, or between the tokens of a small batch. */
static bool large_model(const check_input *in, const char *gpu, bool first_token, double *ms, char *err,
                        size_t err_size)
{
    const mdl_engine_limits limits = {.max_batched_tokens = BATCHED_TOKENS,
                                      .max_sequences = PROMPT_BATCH,
                                      .max_waiting = INT32_MAX,
                                      .parallel = {.tensor = LARGE_GPUS}};
    mdl_llm_config config;
    drive_request requests[PROMPT_BATCH];
    drive_sums sums;
    size_t n = first_token ? 1 : PROMPT_BATCH;
    for (size_t i = 0; i < n; i++) {
        requests[i] = (drive_request){.input = PROMPT, .output = 200};
    }
    if (!engine_of(in, gpu, LARGE_MODEL, &limits, &config, err, err_size) ||
        !drive_engine(&config, requests, n, n, &sums)) {
        return false;
    }
    *ms = first_token ? sums.ttft_ms : sums.tpot_ms;
    return true;
}

/* Cost of the elastic nodes of spot-storm. */
static bool elastic_cost(const check_input *in, bool spot, double *uusd, char *err, size_t err_size)
{
    const sc_override sets[] = {{"spec.duration", "5h"},
                                {"spec.clusters[1].pools[0].market", "good"},
                                {"spec.clusters[1].pools[0].nodes.max", spot ? "8" : "0"},
                                {"spec.clusters[2].pools[0].nodes.max", "8"}};
    const sc_options options = {.tables_dir = in->tables_dir, .sets = sets, .set_count = 4};
    sc_messages messages = {.text = NULL};
    char path[DATADIR_PATH_MAX];
    sc_scenario *sc = datadir_scenario("spot-storm", path, sizeof path) ? sc_load(path, &options, &messages) : NULL;
    res_run *run = NULL;
    if (sc == NULL) {
        (void)snprintf(err, err_size, "%s", messages.text != NULL ? messages.text : "no scenario spot-storm");
    } else {
        run = fleet_run(sc, sc->seed, 0, NULL, err, err_size);
    }
    *uusd = 0.0;
    for (int32_t i = 0; run != NULL && i < sc->pool_count; i++) {
        *uusd += i > 0 ? (double)run->pools[i].cost_uusd : 0.0; /* pool 0 is the owned one */
    }
    bool ok = run != NULL;
    res_free(run);
    sc_messages_fini(&messages);
    sc_free(sc);
    return ok;
}

/* @return false with a sentence if it went wrong; NaN in *value for a kind that is not run */
static bool value_of(const check_input *in, const table_published *row, const double *rates, double *value, char *err,
                     size_t err_size)
{
    double a = (double)NAN;
    double b = 1.0;
    *value = (double)NAN;
    if (strcmp(row->kind, "throughput-ratio") == 0) {
        *value = rate_of(in, rates, row->a) / rate_of(in, rates, row->b);
        if (isnan(*value)) {
            (void)snprintf(err, err_size, "published.csv: '%s' names runs that throughput.csv has not", row->name);
        }
        return !isnan(*value);
    }
    if (strcmp(row->kind, "ttft-ratio") == 0 || strcmp(row->kind, "tbt-ratio") == 0) {
        bool first = row->kind[1] == 't';
        if (!large_model(in, row->a, first, &a, err, err_size) || !large_model(in, row->b, first, &b, err, err_size)) {
            return false;
        }
        *value = a / b;
        return true;
    }
    if (strcmp(row->kind, "replayed-rate") == 0) {
        return check_replayed_rate(in, row->a, row->b, value, err, err_size);
    }
    if (strcmp(row->kind, "spot-saving") == 0) {
        if (!elastic_cost(in, true, &a, err, err_size) || !elastic_cost(in, false, &b, err, err_size)) {
            return false;
        }
        *value = 1.0 - a / b;
    }
    return true;
}

bool check_published(const check_input *in, check_list *list, char *err, size_t err_size)
{
    size_t runs = tables_count(in->tables, TABLES_THROUGHPUT);
    double *rates = calloc(runs + 1, sizeof *rates);
    bool ok = rates != NULL && check_throughput(in, list, rates, err, err_size);
    for (size_t i = 0; ok && i < tables_count(in->tables, TABLES_PUBLISHED); i++) {
        const table_published *row = tables_row(in->tables, TABLES_PUBLISHED, i);
        check_line line = {.unit = "", .expected = row->expected, .tolerance = row->within};
        line.group = strcmp(row->kind, "throughput-ratio") == 0 ? "cross-check" : "published";
        ok = value_of(in, row, rates, &line.measured, err, err_size);
        line.verdict = isnan(line.measured) ? CHECK_NOT_RUN : CHECK_HELD;
        copy_note(&line, row->note);
        if (line.verdict == CHECK_NOT_RUN && strcmp(row->kind, "replayed-rate") == 0) {
            (void)snprintf(line.note, sizeof line.note, "needs a recording of %s under --data", row->b);
        }
        memcpy(line.grade, row->grade, sizeof line.grade);
        (void)snprintf(line.name, sizeof line.name, "%s", row->name);
        check_add(list, &line);
    }
    free(rates);
    return ok;
}
