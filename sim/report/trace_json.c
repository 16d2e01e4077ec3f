/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace_json.c - statistics of traces as JSON. */
#include "sim/report/trace_report.h"

static void put_values(rep_json *j, const char *key, const stats_values *v)
{
    static const char *const names[STATS_POINTS] = {"p10", "p25", "p50", "p75", "p90", "p95", "p99", "max"};
    if (v->count == 0) {
        return;
    }
    rep_json_object(j, key);
    rep_json_count(j, "count", v->count);
    rep_json_real(j, "mean", v->mean);
    rep_json_real(j, "cv", v->cv);
    rep_json_real(j, "min", v->min);
    for (size_t i = 0; i < STATS_POINTS; i++) {
        rep_json_real(j, names[i], v->at[i]);
    }
    rep_json_end(j, false);
}

static void put_bins(rep_json *j, const char *key, const stats_bins *b)
{
    rep_json_object(j, key);
    rep_json_count(j, "full_bins", b->full);
    rep_json_count(j, "peak", b->peak);
    rep_json_count(j, "trough", b->trough);
    rep_json_real(j, "mean", b->mean);
    rep_json_real(j, "dispersion", b->dispersion);
    rep_json_array(j, "requests");
    for (size_t i = 0; i < b->count; i++) {
        rep_json_count(j, NULL, b->requests[i]);
    }
    rep_json_end(j, true);
    rep_json_end(j, false);
}

void trace_json(const char *path, const trace_facts *facts, const trace_stats *s, rep_json *j)
{
    rep_json_object(j, NULL);
    rep_json_text(j, "file", path);
    rep_json_text(j, "form", facts->form);
    rep_json_count(j, "requests", s->count);
    rep_json_count(j, "skipped", facts->skipped);
    rep_json_real(j, "span_s", s->span_s);
    rep_json_real(j, "rate_per_s", s->rate_per_s);
    rep_json_real(j, "gap_cv", s->gap_cv);
    rep_json_count(j, "zero_gaps", s->zero_gaps);
    put_values(j, "gap_s", &s->gaps);
    put_bins(j, "per_minute", &s->minutes);
    put_bins(j, "per_hour", &s->hours);
    rep_json_array(j, "by_hour_of_day");
    for (int i = 0; i < 24; i++) {
        rep_json_count(j, NULL, s->by_hour[i]);
    }
    rep_json_end(j, true);
    rep_json_array(j, "by_day");
    for (size_t i = 0; i < s->days; i++) {
        rep_json_count(j, NULL, s->by_day[i]);
    }
    rep_json_end(j, true);
    put_values(j, "input_tokens", &s->input);
    put_values(j, "output_tokens", &s->output);
    rep_json_real(j, "pearson", s->pearson);
    rep_json_real(j, "spearman", s->spearman);
    if (s->has_prefix) {
        rep_json_real(j, "prefix_share", s->prefix_share);
    }
    if (s->has_blocks) {
        put_values(j, "blocks", &s->blocks);
        rep_json_real(j, "block_share", s->block_share);
        rep_json_int(j, "blocks_distinct", s->blocks_distinct);
    }
    if (s->has_sessions) {
        rep_json_count(j, "sessions", s->sessions);
        rep_json_real(j, "turns_mean", s->turns_mean);
    }
    rep_json_end(j, false);
}

void trace_table_json(const char *path, const table_stats *t, rep_json *j)
{
    rep_json_object(j, NULL);
    rep_json_text(j, "file", path);
    rep_json_text(j, "form", "table");
    rep_json_count(j, "rows", t->rows);
    rep_json_array(j, "columns");
    for (size_t i = 0; i < t->column_count; i++) {
        const table_column *c = &t->columns[i];
        rep_json_object(j, NULL);
        rep_json_text(j, "name", c->name);
        rep_json_count(j, "empty", c->empty);
        rep_json_count(j, "distinct", c->distinct);
        if (c->is_number) {
            rep_json_real(j, "sum", c->sum);
            put_values(j, "values", &c->values);
        } else {
            rep_json_array(j, "words");
            for (size_t w = 0; w < c->word_count; w++) {
                rep_json_object(j, NULL);
                rep_json_text(j, "text", c->words[w].text);
                rep_json_count(j, "count", c->words[w].count);
                rep_json_end(j, false);
            }
            rep_json_end(j, true);
        }
        rep_json_end(j, false);
    }
    rep_json_end(j, true);
    rep_json_end(j, false);
}

void trace_rates_json(const char *path, const rates_stats *s, rep_json *j)
{
    rep_json_object(j, NULL);
    rep_json_text(j, "file", path);
    rep_json_text(j, "form", "client-rates");
    rep_json_count(j, "clients", s->clients);
    rep_json_count(j, "windows", s->windows);
    rep_json_real(j, "window_s", s->window_s);
    rep_json_count(j, "client_windows", s->cells);
    rep_json_real(j, "mean_per_s", s->mean_per_s);
    rep_json_real(j, "requests", s->requests);
    rep_json_real(j, "peak_per_s", s->peak_per_s);
    rep_json_real(j, "peak_at_s", s->peak_at_s);
    rep_json_real(j, "lowest_per_s", s->lowest_per_s);
    rep_json_real(j, "hour_max_per_s", s->hour_max);
    rep_json_real(j, "hour_min_per_s", s->hour_min);
    rep_json_real(j, "client_gap_cv", s->cv_weighted);
    rep_json_count(j, "weibull", s->weibull);
    rep_json_count(j, "gamma", s->gamma);
    rep_json_real(j, "largest_share", s->largest_share);
    rep_json_array(j, "by_hour_of_day_per_s");
    for (int i = 0; i < 24; i++) {
        rep_json_real(j, NULL, s->by_hour[i]);
    }
    rep_json_end(j, true);
    rep_json_array(j, "by_day_per_s");
    for (size_t i = 0; i < s->days; i++) {
        rep_json_real(j, NULL, s->by_day[i]);
    }
    rep_json_end(j, true);
    rep_json_end(j, false);
}

void trace_mix_json(const char *path, const token_mix *m, rep_json *j)
{
    rep_json_object(j, NULL);
    rep_json_text(j, "file", path);
    rep_json_text(j, "form", m->exact ? "token-pmf" : "token-quantiles");
    rep_json_count(j, "clients", m->clients);
    rep_json_count(j, "windows", m->windows);
    rep_json_count(j, "client_windows", m->rows);
    if (m->weighted) {
        rep_json_real(j, "requests", m->requests);
    }
    if (m->covered >= 0.0) {
        rep_json_real(j, "share_of_rates", m->covered);
    }
    put_values(j, "input_tokens", &m->input);
    put_values(j, "output_tokens", &m->output);
    rep_json_end(j, false);
}

void trace_availability_json(const char *path, const availability_stats *s, rep_json *j)
{
    rep_json_object(j, NULL);
    rep_json_text(j, "file", path);
    rep_json_text(j, "form", "availability");
    rep_json_count(j, "steps", s->steps);
    rep_json_real(j, "step_s", s->step_s);
    rep_json_int(j, "max", s->most);
    rep_json_real(j, "mean", s->mean);
    rep_json_real(j, "share_up", s->share_up);
    rep_json_count(j, "up_spells", s->up_spells);
    rep_json_real(j, "up_h", s->up_h);
    rep_json_real(j, "down_h", s->down_h);
    rep_json_count(j, "falls", s->falls);
    rep_json_int(j, "lost", s->lost);
    rep_json_end(j, false);
}
