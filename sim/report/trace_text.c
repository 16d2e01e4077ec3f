/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace_text.c - statistics of traces for terminals. */
#include <inttypes.h>
#include <math.h>

#include "sim/report/trace_report.h"

static void put_points(FILE *out)
{
    fprintf(out, "  %-18s%9s", "", "mean");
    static const char *const names[] = {"p10", "p50", "p90", "p95", "p99", "max"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        fprintf(out, " %7s", names[i]);
    }
    fputc('\n', out);
}

/* With so many digits; a number that has more before the point is whole, rather than a power of ten. */
static void put_number(FILE *out, int width, int digits, double x)
{
    const bool large = fabs(x) >= pow(10, digits) - 0.5 && fabs(x) < 1e15;
    fprintf(out, large ? "%*.*f" : "%*.*g", width, large ? 0 : digits, x);
}

static void put_values(FILE *out, const char *name, const stats_values *v)
{
    static const size_t shown[] = {0, 2, 4, 5, 6, 7};
    if (v->count == 0) {
        return;
    }
    fprintf(out, "  %-18.18s", name);
    put_number(out, 9, 6, v->mean);
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        fputc(' ', out);
        put_number(out, 7, 5, v->at[shown[i]]);
    }
    fputc('\n', out);
}

static void put_bins(FILE *out, const char *name, const stats_bins *b)
{
    if (b->full == 0) {
        return;
    }
    fprintf(out, "  per full %-9s peak %" PRIu32 ", trough %" PRIu32 ", peak/mean %.2f, var/mean %.2f (%zu)\n", name,
            b->peak, b->trough, b->mean > 0.0 ? b->peak / b->mean : 0.0, b->dispersion, b->full);
}

static void put_hours(FILE *out, const trace_stats *s)
{
    fprintf(out, "  by hour of day     requests (requests/s)\n");
    for (int i = 0; i < 24; i++) {
        if (i % 4 == 0) {
            fprintf(out, "  %02d-%02d ", i, i + 3);
        }
        fprintf(out, " %8" PRIu64 " %8.3g", s->by_hour[i],
                s->covered_h[i] > 0.0 ? (double)s->by_hour[i] / (3600.0 * s->covered_h[i]) : 0.0);
        fputs(i % 4 == 3 ? "\n" : "", out);
    }
}

void trace_text(const char *path, const trace_facts *facts, const trace_stats *s, FILE *out)
{
    fprintf(out, "%s\n  form %s, requests %zu, span %.1f s, mean rate %.4f/s\n", path, facts->form, s->count, s->span_s,
            s->rate_per_s);
    if (s->count > 1) {
        fprintf(out, "  gaps               CV %.3f, %zu of %zu are zero, longest %.1f s\n", s->gap_cv, s->zero_gaps,
                s->count - 1, s->gaps.at[STATS_POINTS - 1]);
    }
    put_bins(out, "minute:", &s->minutes);
    put_bins(out, "hour:", &s->hours);
    if (s->span_s >= 7200.0) {
        put_hours(out, s);
    }
    put_points(out);
    put_values(out, "gap, s", &s->gaps);
    put_values(out, "input tokens", &s->input);
    put_values(out, "output tokens", &s->output);
    put_values(out, "prefix blocks", &s->blocks);
    if (!facts->has_output) {
        fprintf(out, "  output tokens      not in the file\n");
    }
    if (isfinite(s->pearson)) {
        fprintf(out, "  input with output  Pearson %.3f, Spearman %.3f\n", s->pearson, s->spearman);
    }
    if (s->has_prefix) {
        fprintf(out, "  prefix             %.4f of the input tokens found by a cache without limit\n", s->prefix_share);
    }
    if (s->has_blocks) {
        fprintf(out, "  blocks             %.4f found by the longest prefix, %" PRId64 " distinct\n", s->block_share,
                s->blocks_distinct);
    }
    if (s->has_sessions) {
        fprintf(out, "  sessions           %zu, %.2f requests each, %.1f %% of all requests\n", s->sessions,
                s->turns_mean, 100.0 * s->in_session);
    }
}

static void put_words(FILE *out, const table_column *c)
{
    fprintf(out, "  %-18.18s %zu distinct:", c->name, c->distinct);
    int used = 40;
    for (size_t i = 0; i < c->word_count; i++) {
        char text[96];
        const int n = snprintf(text, sizeof text, " %.20s %zu",
                               c->words[i].text[0] != '\0' ? c->words[i].text : "(none)", c->words[i].count);
        if (used + n > 79) {
            break;
        }
        fputs(text, out);
        used += n;
    }
    fputc('\n', out);
}

void trace_table_text(const char *path, const table_stats *t, FILE *out)
{
    fprintf(out, "%s\n  table, rows %zu, columns %zu\n", path, t->rows, t->column_count);
    put_points(out);
    for (size_t i = 0; i < t->column_count; i++) {
        if (t->columns[i].is_number) {
            put_values(out, t->columns[i].name, &t->columns[i].values);
        }
    }
    for (size_t i = 0; i < t->column_count; i++) {
        if (!t->columns[i].is_number) {
            put_words(out, &t->columns[i]);
        }
    }
}

void trace_rates_text(const char *path, const rates_stats *s, FILE *out)
{
    fprintf(out, "%s\n  client rates: %zu clients, %zu windows of %.0f s, %zu client-windows above zero\n", path,
            s->clients, s->windows, s->window_s, s->cells);
    fprintf(out, "  mean rate          %.3f/s, about %.0f requests\n", s->mean_per_s, s->requests);
    if (isnan(s->lowest_per_s)) {
        fputs("  window             none has a rate\n", out);
    } else {
        fprintf(out, "  window             peak %.2f/s at %.0f s, lowest non-zero %.2f/s\n", s->peak_per_s,
                s->peak_at_s, s->lowest_per_s);
    }
    fprintf(out, "  hourly means       max %.1f/s, min %.1f/s, peak/mean %.2f\n", s->hour_max, s->hour_min,
            s->hour_max / s->mean_per_s);
    fprintf(out, "  gaps of a client   CV %.3f, weighted by rate (no arrival times: none of all)\n", s->cv_weighted);
    fprintf(out, "  laws               Weibull %zu, Gamma %zu; largest client %.1f %% of requests\n", s->weibull,
            s->gamma, 100.0 * s->largest_share);
    fprintf(out, "  requests/s by hour of day");
    for (int i = 0; i < 24; i++) {
        fprintf(out, "%s%8.1f", i % 8 == 0 ? "\n  " : " ", s->by_hour[i]);
    }
    fprintf(out, "\n  requests/s by day");
    for (size_t i = 0; i < s->days; i++) {
        fprintf(out, "%s%8.1f", i % 8 == 0 ? "\n  " : " ", s->by_day[i]);
    }
    fputc('\n', out);
}

void trace_mix_text(const char *path, const token_mix *m, FILE *out)
{
    fprintf(out, "%s\n  lengths: %zu clients, %zu windows, %zu client-windows, %s\n", path, m->clients, m->windows,
            m->rows, m->exact ? "whole distributions" : "quantiles");
    if (m->weighted) {
        fprintf(out, "  mixture            of %.0f requests", m->requests);
    } else {
        fprintf(out, "  mixture            every client-window alike: no rates beside the file");
    }
    if (m->covered >= 0.0) {
        fprintf(out, ", %.1f %% of those of the rates beside", 100.0 * m->covered);
    }
    fputs(m->exact ? "\n" : "\n  quantiles          interpolated between those of the rows\n", out);
    put_points(out);
    put_values(out, "input tokens", &m->input);
    put_values(out, "output tokens", &m->output);
}

void trace_availability_text(const char *path, const availability_stats *s, FILE *out)
{
    fprintf(out, "%s\n  availability: %zu steps of %.0f s, %.2f days\n", path, s->steps, s->step_s, s->days);
    fprintf(out, "  level              max %" PRId32 ", mean %.3f, above 0 in %.4f of the steps\n", s->most, s->mean,
            s->share_up);
    fprintf(out, "  spells above 0     %zu, mean %.2f h; at 0 mean %.2f h\n", s->up_spells, s->up_h, s->down_h);
    fprintf(out, "  falls              %zu, instances lost %" PRId64 "\n", s->falls, s->lost);
}
