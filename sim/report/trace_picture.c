/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace_picture.c - rates, levels and lengths that stand in no trace of requests as files; the picture of all. */
#include "sim/report/trace_picture.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static char *values_of(const void *user, const char *const texts[][2])
{
    const trace_picture *p = user;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL) {
        return NULL;
    }
    rep_quote_all(out, texts);
    const char *slash = strrchr(p->path, '/');
    rep_quote(out, "title", slash != NULL ? slash + 1 : p->path);
    rep_quote(out, "series", p->series != NULL ? p->series : "");
    rep_quote(out, "series_column", p->series != NULL ? p->column : "");
    rep_quote(out, "series_axis", p->series != NULL ? p->axis : "");
    fprintf(out,
            "width=1000; height=620; local0_s=%.3f; from_s=%.0f; to_s=%.0f; warmup_s=0; has_input=%d; has_output=%d; "
            "has_gaps=%d; ",
            p->begin_s, p->from_s, p->to_s, p->has_input, p->has_output, p->has_gaps);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

int trace_draw(const trace_picture *p, const char *dir, char *err, size_t err_size)
{
    static const char *const formats[] = {"svg", "png"};
    char scripts[1024], plots[1200], said[512] = "";
    const rep_drawing how = {scripts, "gnuplot"};
    if (snprintf(plots, sizeof plots, "%s/plots", dir) >= (int)sizeof plots) {
        snprintf(err, err_size, "%.60s...: the name is too long", dir);
        return -1;
    }
    if (p->series != NULL ? p->points < 2 : !(p->has_input || p->has_output || p->has_gaps)) {
        fputs("spillway: no picture: the trace is too short to draw\n", stderr);
        return 0;
    }
    if (report_find_plots(NULL, scripts, sizeof scripts) != 0) {
        fputs("spillway: no picture: the gnuplot scripts (folder plots) were not found\n", stderr);
        return 0;
    }
    if (rep_make_folder(plots, err, err_size) != 0) {
        return -1;
    }
    for (int f = 0; f < 2; f++) {
        const int rc = rep_draw("trace", "trace.gp", formats[f], dir, &how, values_of, p, said, sizeof said);
        if (rc != 0) {
            fprintf(stderr, "spillway: no picture: gnuplot %s\n", rc > 0 ? strerror(rc) : said);
            return 0;
        }
    }
    return 0;
}

/* --- rates of clients ------------------------------------------------------------------------------------------- */

static size_t windows_of(const client_rates *r)
{
    return r->window_s > 0.0 ? (size_t)((double)(r->to_s - r->from_s) / r->window_s + 0.5) : 0;
}

static int write_client_rates(const void *user, FILE *out)
{
    const client_rates *r = user;
    const size_t windows = windows_of(r);
    size_t at = 0;
    fputs("time_s,requests_per_s\n", out);
    for (size_t i = 0; i < windows; i++) {
        const double end_s = (double)r->from_s + (double)(i + 1) * r->window_s;
        double sum = 0.0;
        for (; at < r->count && (double)r->cells[at].start_s < end_s; at++) {
            sum += r->cells[at].rate_per_s;
        }
        fprintf(out, "%.0f,%.6g\n", end_s - r->window_s, sum);
    }
    return ferror(out) ? -1 : 0;
}

int trace_rates_plots(const char *path, const client_rates *r, const char *dir, char *err, size_t err_size)
{
    const trace_picture picture = {.path = path,
                                   .series = "trace-rates.csv",
                                   .column = "requests_per_s",
                                   .axis = "requests/s",
                                   .points = windows_of(r),
                                   .from_s = (double)r->from_s,
                                   .to_s = (double)r->to_s};
    if (rep_make_folder(dir, err, err_size) != 0 ||
        rep_write_file(dir, "trace-rates.csv", write_client_rates, r, err, err_size) != 0) {
        return -1;
    }
    return trace_draw(&picture, dir, err, err_size);
}

/* --- mixtures of lengths ---------------------------------------------------------------------------------------- */

static void put_length(FILE *out, const stats_values *v, double tokens)
{
    fputc(',', out);
    if (v->count > 0) {
        fprintf(out, "%.6g", tokens);
    }
}

static int write_mix(const void *user, FILE *out)
{
    const token_mix *m = user;
    fputs("share,input_tokens,output_tokens\n0", out);
    put_length(out, &m->input, m->input.min);
    put_length(out, &m->output, m->output.min);
    for (size_t i = 0; i < STATS_POINTS; i++) {
        fprintf(out, "\n%.4g", stats_points[i]);
        put_length(out, &m->input, m->input.at[i]);
        put_length(out, &m->output, m->output.at[i]);
    }
    fputc('\n', out);
    return ferror(out) ? -1 : 0;
}

int trace_mix_plots(const char *path, const token_mix *m, const char *dir, char *err, size_t err_size)
{
    const trace_picture picture = {
        .path = path, .to_s = 1, .has_input = m->input.count > 0, .has_output = m->output.count > 0};
    if (rep_make_folder(dir, err, err_size) != 0 ||
        rep_write_file(dir, "trace-quantiles.csv", write_mix, m, err, err_size) != 0) {
        return -1;
    }
    return trace_draw(&picture, dir, err, err_size);
}

/* --- records of availability ------------------------------------------------------------------------------------ */

static int write_levels(const void *user, FILE *out)
{
    const mdl_stock_trace *record = user;
    char usd[REP_NUMBER_SIZE];
    fputs(record->price_uusd != NULL ? "time_s,level,usd_per_h\n" : "time_s,level\n", out);
    for (size_t i = 0; i < record->count; i++) {
        fprintf(out, "%.0f,%" PRId32, (double)i * (double)record->step_ns / 1e9, record->level[i]);
        if (record->price_uusd != NULL) {
            fprintf(out, ",%s", rep_usd(record->price_uusd[i], usd));
        }
        fputc('\n', out);
    }
    return ferror(out) ? -1 : 0;
}

int trace_availability_plots(const char *path, const mdl_stock_trace *record, const char *dir, char *err,
                             size_t err_size)
{
    const trace_picture picture = {.path = path,
                                   .series = "trace-levels.csv",
                                   .column = "level",
                                   .axis = "instances",
                                   .points = record->count,
                                   .to_s = (double)record->count * (double)record->step_ns / 1e9};
    if (rep_make_folder(dir, err, err_size) != 0 ||
        rep_write_file(dir, "trace-levels.csv", write_levels, record, err, err_size) != 0) {
        return -1;
    }
    return trace_draw(&picture, dir, err, err_size);
}

/* --- any table -------------------------------------------------------------------------------------------------- */

static int write_columns(const void *user, FILE *out)
{
    const table_stats *t = user;
    fputs("name,rows,empty,distinct,sum,mean,cv,min,p10,p25,p50,p75,p90,p95,p99,max\n", out);
    for (size_t i = 0; i < t->column_count; i++) {
        const table_column *c = &t->columns[i];
        rep_csv_text(out, c->name);
        fprintf(out, ",%zu,%zu,%zu", t->rows, c->empty, c->distinct);
        if (c->is_number) {
            fprintf(out, ",%.9g,%.9g,%.9g,%.9g", c->sum, c->values.mean, c->values.cv, c->values.min);
        } else {
            fputs(",,,,", out);
        }
        for (size_t k = 0; k < STATS_POINTS; k++) {
            fputc(',', out);
            if (c->is_number) {
                fprintf(out, "%.9g", c->values.at[k]);
            }
        }
        fputc('\n', out);
    }
    return ferror(out) ? -1 : 0;
}

int trace_table_file(const table_stats *t, const char *dir, char *err, size_t err_size)
{
    return rep_make_folder(dir, err, err_size) != 0 ||
                   rep_write_file(dir, "trace-columns.csv", write_columns, t, err, err_size) != 0
               ? -1
               : 0;
}
