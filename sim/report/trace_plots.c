/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace_plots.c - a trace of requests as CSV and pictures. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/report/trace_picture.h"

#define FINE_S 43200.0 /* longer traces are shown by the hour */
#define SHARES 200     /* points of a distribution */

typedef struct trace_view {
    const trace *t;
    const trace_stats *s;
    double *sorted[3]; /* input, output, gaps */
} trace_view;

static const stats_bins *bins_of(const trace_view *v)
{
    return v->s->span_s > FINE_S ? &v->s->hours : &v->s->minutes;
}

static int write_rates(const void *user, FILE *out)
{
    const trace_view *v = user;
    const stats_bins *bins = bins_of(v);
    const double width_s = (double)bins->width_ns / 1e9;
    fputs("time_s,requests_per_s\n", out);
    for (size_t i = 0; i < bins->full; i++) {
        fprintf(out, "%.0f,%.6g\n", (double)i * width_s, bins->requests[i] / width_s);
    }
    return ferror(out) ? -1 : 0;
}

static double value_at(const double *sorted, size_t count, size_t share)
{
    return sorted[(count - 1) * share / SHARES];
}

/* A cell of what the trace has; what it does not have is not 0. */
static void put_value(FILE *out, const double *sorted, size_t count, size_t share)
{
    fputc(',', out);
    if (count > 0) {
        fprintf(out, "%.9g", value_at(sorted, count, share));
    }
}

static int write_quantiles(const void *user, FILE *out)
{
    const trace_view *v = user;
    fputs("share,input_tokens,output_tokens,gap_s\n", out);
    for (size_t i = 0; i <= SHARES; i++) {
        fprintf(out, "%.4f", (double)i / SHARES);
        put_value(out, v->sorted[0], v->s->input.count > 0 ? v->s->count : 0, i);
        put_value(out, v->sorted[1], v->s->output.count > 0 ? v->s->count : 0, i);
        put_value(out, v->sorted[2], v->s->count - 1, i);
        fputc('\n', out);
    }
    return ferror(out) ? -1 : 0;
}

static int by_value(const void *a, const void *b)
{
    double x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

static int take_sorted(trace_view *v)
{
    const mdl_trace *c = trace_columns(v->t);
    for (int k = 0; k < 3; k++) {
        v->sorted[k] = malloc(c->count * sizeof *v->sorted[k]);
        if (v->sorted[k] == NULL) {
            return -1;
        }
    }
    for (size_t i = 0; i < c->count; i++) {
        v->sorted[0][i] = (double)c->input_tokens[i];
        v->sorted[1][i] = (double)c->output_tokens[i];
        if (i > 0) {
            v->sorted[2][i - 1] = (double)(c->at_ns[i] - c->at_ns[i - 1]) / 1e9;
        }
    }
    for (int k = 0; k < 3; k++) {
        qsort(v->sorted[k], k < 2 ? c->count : c->count - 1, sizeof *v->sorted[k], by_value);
    }
    return 0;
}

int trace_plots(const char *path, const trace *t, const trace_stats *s, const char *dir, char *err, size_t err_size)
{
    trace_view v = {.t = t, .s = s};
    int rc = take_sorted(&v);
    if (rc != 0) {
        snprintf(err, err_size, "out of memory");
    } else if (rep_make_folder(dir, err, err_size) != 0 ||
               rep_write_file(dir, "trace-rates.csv", write_rates, &v, err, err_size) != 0 ||
               rep_write_file(dir, "trace-quantiles.csv", write_quantiles, &v, err, err_size) != 0) {
        rc = -1;
    } else {
        const stats_bins *bins = bins_of(&v);
        const trace_picture picture = {.path = path,
                                       .series = bins->full > 1 ? "trace-rates.csv" : NULL,
                                       .column = "requests_per_s",
                                       .axis = "requests/s",
                                       .points = bins->full,
                                       .begin_s = (double)trace_first_ns(t) / 1e9,
                                       .to_s = (double)bins->full * (double)bins->width_ns / 1e9,
                                       .has_input = s->input.count > 0,
                                       .has_output = s->output.count > 0,
                                       .has_gaps = s->count > 2 && s->zero_gaps < s->count - 1};
        rc = trace_draw(&picture, dir, err, err_size);
    }
    for (int k = 0; k < 3; k++) {
        free(v.sorted[k]);
    }
    return rc;
}
