/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace_stats.c - spillway trace stats: what a file looks like, on the terminal, as JSON, as files. */
#include "sim/cli/trace_actions.h"

#include <stdlib.h>
#include <string.h>

#include "sim/report/trace_report.h"
#include "sim/scenario/csvfile.h"
#include "sim/scenario/stock_record.h"

#define ERR_SIZE 4096

/* What became of the files of --out; rc as trace_plots() and its like return it. */
static cli_status written(int rc, const char *err)
{
    if (rc != 0) {
        fprintf(stderr, "spillway trace: %s\n", err);
    }
    return rc == 0 ? CLI_DONE : CLI_IO;
}

static cli_status requests_stats(const trace_values *v, trace *t, const char *path, rep_json *j)
{
    trace_stats *s = trace_stats_of(t);
    if (s == NULL) {
        return trace_no_memory();
    }
    if (j != NULL) {
        trace_json(path, trace_about(t), s, j);
    } else {
        trace_text(path, trace_about(t), s, stdout);
    }
    char err[ERR_SIZE];
    const cli_status status =
        v->out != NULL ? written(trace_plots(path, t, s, v->out, err, sizeof err), err) : CLI_DONE;
    trace_stats_free(s);
    return status;
}

static cli_status rate_stats(const trace_values *v, const char *path, rep_json *j)
{
    char err[ERR_SIZE];
    client_rates *r = rates_read_cells(path, err, sizeof err);
    if (r == NULL) {
        return trace_complain(err, CLI_BAD);
    }
    rates_stats *s = rates_stats_of(r);
    cli_status status = CLI_DONE;
    if (s == NULL) {
        status = trace_no_memory();
    } else if (j != NULL) {
        trace_rates_json(path, s, j);
    } else {
        trace_rates_text(path, s, stdout);
    }
    if (s != NULL && v->out != NULL) {
        status = written(trace_rates_plots(path, r, v->out, err, sizeof err), err);
    }
    rates_stats_free(s);
    rates_free(r);
    return status;
}

static cli_status any_table(const trace_values *v, const char *path, rep_json *j)
{
    char err[ERR_SIZE];
    table_stats *s = table_stats_read(path, err, sizeof err);
    if (s == NULL) {
        return trace_complain(err, CLI_BAD);
    }
    if (j != NULL) {
        trace_table_json(path, s, j);
    } else {
        trace_table_text(path, s, stdout);
    }
    const cli_status status = v->out != NULL ? written(trace_table_file(s, v->out, err, sizeof err), err) : CLI_DONE;
    table_stats_free(s);
    return status;
}

static cli_status mix_stats(const trace_values *v, const char *path, rep_json *j)
{
    char err[ERR_SIZE];
    token_mix *m = token_mix_read(path, err, sizeof err);
    if (m == NULL) {
        return trace_complain(err, CLI_BAD);
    }
    if (j != NULL) {
        trace_mix_json(path, m, j);
    } else {
        trace_mix_text(path, m, stdout);
    }
    const cli_status status =
        v->out != NULL ? written(trace_mix_plots(path, m, v->out, err, sizeof err), err) : CLI_DONE;
    free(m);
    return status;
}

/* A JSON document that is no trace of requests may be a record of availability. */
static cli_status record_stats(const trace_values *v, const char *path, rep_json *j)
{
    char err[ERR_SIZE];
    csv_message message = {err, sizeof err};
    mdl_stock_trace record = {.count = 0};
    cli_status status = CLI_DONE;
    zone z;
    zone_init(&z, NULL);
    if (!stock_record_read(path, &z, &record, &message)) {
        status = trace_complain(err, CLI_BAD);
    } else {
        const availability_stats s = availability_of(&record);
        if (j != NULL) {
            trace_availability_json(path, &s, j);
        } else {
            trace_availability_text(path, &s, stdout);
        }
        if (v->out != NULL) {
            status = written(trace_availability_plots(path, &record, v->out, err, sizeof err), err);
        }
    }
    zone_fini(&z);
    return status;
}

static bool is_json(const char *path)
{
    const size_t length = strlen(path);
    return (length > 5 && strcmp(path + length - 5, ".json") == 0) ||
           (length > 8 && strcmp(path + length - 8, ".json.gz") == 0);
}

/* A trace of requests, else client rates or their lengths, else any CSV with a header. */
static cli_status stats_of(const trace_values *v, const char *path, rep_json *j)
{
    char err[ERR_SIZE];
    trace_options read = v->read;
    read.zero = v->zero == TRACE_ZERO_REFUSE ? TRACE_ZERO_KEEP : read.zero;
    if (trace_is_rates(v, path)) {
        return rate_stats(v, path, j);
    }
    if (read.form == NULL && read.columns == NULL && !trace_known(path)) {
        if (token_mix_is(path)) {
            return mix_stats(v, path, j);
        }
        return is_json(path) ? record_stats(v, path, j) : any_table(v, path, j);
    }
    trace *t = trace_read(path, &read, err, sizeof err);
    if (t == NULL) {
        return trace_complain(err, CLI_BAD);
    }
    cli_status status = requests_stats(v, t, path, j);
    /* what these requests ask for stands in other columns */
    if (status == CLI_DONE && !trace_about(t)->has_input && !trace_about(t)->has_output) {
        status = any_table(v, path, j);
    }
    trace_close(t);
    return status;
}

cli_status trace_do_stats(const trace_values *v, const char *const *operands, size_t count)
{
    rep_json j;
    cli_status status = CLI_DONE;
    const bool json = v->format == 1;
    if (v->out != NULL && count != 1) {
        return trace_complain("spillway trace: stats --out DIR takes one FILE", CLI_BAD);
    }
    rep_json_init(&j, stdout);
    if (json) {
        rep_json_array(&j, NULL);
    }
    for (size_t i = 0; i < count; i++) {
        const cli_status one = stats_of(v, operands[i], json ? &j : NULL);
        status = status == CLI_DONE ? one : status;
    }
    if (json) {
        rep_json_end(&j, true);
        rep_json_finish(&j);
    }
    return status;
}
