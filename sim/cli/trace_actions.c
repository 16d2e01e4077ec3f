/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace_actions.c - see trace_actions.h. */
#include "sim/cli/trace_actions.h"

#include <stdlib.h>
#include <string.h>

#include "sim/kernel/rng.h"
#include "sim/report/trace_report.h"
#include "sim/scenario/csvfile.h"
#include "sim/trace/edit.h"
#include "sim/trace/fit.h"

#define ERR_SIZE   4096
#define FACTOR_MAX 1e6

cli_status trace_complain(const char *err, cli_status status)
{
    fprintf(stderr, "%s\n", err);
    return status;
}

cli_status trace_no_memory(void)
{
    return trace_complain("spillway: out of memory", CLI_INTERNAL);
}

/* Writes a new trace and says so; frees it. NULL: `err` says why there is none. */
static cli_status deliver(trace *t, const char *out, char *err)
{
    if (t == NULL) {
        return trace_complain(err, CLI_BAD);
    }
    cli_status status = CLI_DONE;
    if (trace_write(t, out, err, ERR_SIZE)) {
        printf("%s: %zu requests", out, trace_columns(t)->count);
        if (trace_about(t)->skipped > 0) {
            printf(", %zu without tokens left out", trace_about(t)->skipped);
        }
        fputc('\n', stdout);
    } else {
        status = trace_complain(err, CLI_IO);
    }
    trace_close(t);
    return status;
}

/* The trace to start from, once it is clear that the result may be written. NULL with a message in err. */
static trace *begin(const trace_values *v, const char *in, const char *out, char *err)
{
    return trace_may_replace(in, out, err, ERR_SIZE) ? trace_read(in, &v->read, err, ERR_SIZE) : NULL;
}

/* --factor, or `preset` without it (0: it must be given). False: said why. */
static bool take_factor(const trace_values *v, double preset, double *factor)
{
    *factor = preset;
    if ((v->factor == NULL && preset > 0.0) ||
        (v->factor != NULL && csv_parse_number(v->factor, factor) && *factor > 0.0 && *factor <= FACTOR_MAX)) {
        return true;
    }
    fputs("spillway trace: --factor, a number above 0 and at most 1e6, is needed\n", stderr);
    return false;
}

static int64_t whole_seconds(int64_t ns)
{
    return ns / INT64_C(1000000000);
}

/* Rates are of seconds; a fraction would be dropped. False: said why. */
static bool are_whole(const trace_values *v, char *err)
{
    const bool whole =
        v->from_ns % INT64_C(1000000000) == 0 && (v->to_ns == INT64_MAX || v->to_ns % INT64_C(1000000000) == 0);
    (void)snprintf(err, ERR_SIZE, "spillway trace: of rates of clients, --from and --to are whole seconds");
    return whole;
}

bool trace_is_rates(const trace_values *v, const char *path)
{
    return v->read.form == NULL && v->read.columns == NULL && !trace_known(path) && rates_is(path);
}

static cli_status import_rates(const trace_values *v, const char *in, const char *out)
{
    char err[ERR_SIZE];
    double factor = 1.0;
    if (!take_factor(v, 1.0, &factor)) {
        return CLI_BAD;
    }
    client_rates *r =
        are_whole(v, err) && trace_may_replace(in, out, err, sizeof err) ? rates_read(in, err, sizeof err) : NULL;
    if (r == NULL) {
        return trace_complain(err, CLI_BAD);
    }
    const int64_t to_s = v->to_ns == INT64_MAX ? r->to_s : r->from_s + whole_seconds(v->to_ns);
    trace *t =
        rates_draw(r, in, r->from_s + whole_seconds(v->from_ns), to_s, factor, (uint64_t)v->seed, err, sizeof err);
    rates_free(r);
    return deliver(t, out, err);
}

cli_status trace_do_import(const trace_values *v, const char *const *operands, size_t count)
{
    char err[ERR_SIZE];
    if (v->decisions != 0) {
        return trace_do_decisions(v, operands, count);
    }
    if (count != 2) {
        return trace_complain("spillway trace: import wants a FILE and the trace to write; see 'spillway trace --help'",
                              CLI_BAD);
    }
    if (trace_is_rates(v, operands[0])) {
        return import_rates(v, operands[0], operands[1]);
    }
    trace *t = begin(v, operands[0], operands[1], err);
    if (t != NULL && (v->from != NULL || v->to != NULL || v->factor != NULL)) {
        trace_close(t);
        return trace_complain("spillway trace: import takes --from, --to and --factor of rates of clients alone: these "
                              "are requests, 'trace slice' and 'trace scale' change them",
                              CLI_BAD);
    }
    return deliver(t, operands[1], err);
}

cli_status trace_do_slice(const trace_values *v, const char *const *operands, size_t count)
{
    char err[ERR_SIZE];
    (void)count;
    trace *t = begin(v, operands[0], operands[1], err);
    if (t == NULL) {
        return trace_complain(err, CLI_BAD);
    }
    trace *part = edit_slice(t, v->from_ns, v->to_ns, operands[0], err, sizeof err);
    trace_close(t);
    return deliver(part, operands[1], err);
}

cli_status trace_do_scale(const trace_values *v, const char *const *operands, size_t count)
{
    char err[ERR_SIZE];
    double factor = 0.0;
    (void)count;
    if (!take_factor(v, 0.0, &factor)) {
        return CLI_BAD;
    }
    trace *t = begin(v, operands[0], operands[1], err);
    if (t == NULL) {
        return trace_complain(err, CLI_BAD);
    }
    gsl_rng *r = rng_stream((uint64_t)v->seed, 0, "trace-scale", 0);
    if (r == NULL) {
        trace_close(t);
        return trace_no_memory();
    }
    trace *more = edit_scale(t, factor, v->jitter_ns, r, operands[0], err, sizeof err);
    gsl_rng_free(r);
    trace_close(t);
    return deliver(more, operands[1], err);
}

cli_status trace_do_shift(const trace_values *v, const char *const *operands, size_t count)
{
    char err[ERR_SIZE];
    (void)count;
    if (v->by == NULL) {
        return trace_complain("spillway trace: shift needs --by, a duration such as 1h or -30m", CLI_BAD);
    }
    trace *t = begin(v, operands[0], operands[1], err);
    if (t == NULL) {
        return trace_complain(err, CLI_BAD);
    }
    trace *moved = edit_shift(t, v->by_ns, operands[0], err, sizeof err);
    trace_close(t);
    return deliver(moved, operands[1], err);
}

cli_status trace_do_mix(const trace_values *v, const char *const *operands, size_t count)
{
    char err[ERR_SIZE] = "";
    const char *out = operands[count - 1];
    trace *traces[TRACE_FILES_MAX];
    size_t opened = 0;
    while (opened < count - 1) {
        traces[opened] = begin(v, operands[opened], out, err);
        if (traces[opened] == NULL) {
            break;
        }
        opened++;
    }
    trace *all = opened == count - 1
                     ? edit_mix((const trace *const *)traces, opened, v->aligned != 0, operands, err, sizeof err)
                     : NULL;
    while (opened > 0) {
        trace_close(traces[--opened]);
    }
    return deliver(all, out, err);
}

static trace_fit *fit_requests(const trace_values *v, const char *path, char *err)
{
    trace *t = trace_read(path, &v->read, err, ERR_SIZE);
    if (t != NULL && (v->from_ns > 0 || v->to_ns < INT64_MAX)) {
        trace *part = edit_slice(t, v->from_ns, v->to_ns, path, err, ERR_SIZE);
        trace_close(t);
        t = part;
    }
    trace_fit *f = t != NULL ? trace_fit_of(t, path, (uint64_t)v->seed, err, ERR_SIZE) : NULL;
    trace_close(t);
    return f;
}

static trace_fit *fit_rates(const trace_values *v, const char *path, char *err)
{
    client_rates *r = are_whole(v, err) ? rates_read(path, err, ERR_SIZE) : NULL;
    if (r == NULL) {
        return NULL;
    }
    const int64_t to_s = v->to_ns == INT64_MAX ? r->to_s : r->from_s + whole_seconds(v->to_ns);
    trace_fit *f =
        trace_fit_of_rates(r, r->from_s + whole_seconds(v->from_ns), to_s, path, (uint64_t)v->seed, err, ERR_SIZE);
    rates_free(r);
    return f;
}

cli_status trace_do_fit(const trace_values *v, const char *const *operands, size_t count)
{
    char err[ERR_SIZE];
    const char *pairs = count > 1 ? operands[1] : NULL;
    if (pairs != NULL && !trace_may_replace(operands[0], pairs, err, sizeof err)) {
        return trace_complain(err, CLI_BAD);
    }
    trace_fit *f = trace_is_rates(v, operands[0]) ? fit_rates(v, operands[0], err) : fit_requests(v, operands[0], err);
    if (f == NULL) {
        return trace_complain(err, CLI_BAD);
    }
    cli_status status = CLI_DONE;
    if (pairs != NULL && !trace_write(f->pairs, pairs, err, sizeof err)) {
        status = trace_complain(err, CLI_IO);
    } else {
        trace_block(operands[0], f, pairs, stdout);
        trace_left_out("note: ", f, stderr);
    }
    trace_fit_free(f);
    return status;
}
