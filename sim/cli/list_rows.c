/* SPDX-License-Identifier: GPL-3.0-or-later */
/* list_rows.c - see list_rows.h. */
#include "sim/cli/list_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sched/manifest/suggest.h"
#include "sim/report/law_plots.h"

bool list_wanted(const char *key, const char *name)
{
    const size_t length = name != NULL ? strlen(name) : 0;
    return name == NULL || (strncmp(key, name, length) == 0 && (key[length] == '\0' || key[length] == '/'));
}

bool list_has(const tables *t, tables_kind kind, const char *name)
{
    suggest near;
    suggest_init(&near, name != NULL ? name : "");
    for (size_t i = 0; name != NULL && i < tables_count(t, kind); i++) {
        tables_line line;
        tables_describe(t, kind, i, &line);
        if (list_wanted(line.name, name)) {
            return true;
        }
        suggest_offer(&near, tables_row(t, kind, i)); /* begins with its first key */
    }
    if (name != NULL) {
        fprintf(stderr, "spillway list: no row '%s' in %s", name, tables_kind_name(kind));
        if (near.best != NULL) {
            fprintf(stderr, " (did you mean '%s'?)", near.best);
        }
        fputc('\n', stderr);
    }
    return name == NULL;
}

static void finish(row_law *r, const law *l, const char *suffix, const char *x)
{
    r->law = *l;
    snprintf(r->name, sizeof r->name, "%s%s", r->line.name, suffix);
    for (char *c = strchr(r->name, '/'); c != NULL; c = strchr(c, '/')) {
        *c = '-';
    }
    r->law.name = r->name;
    r->law.parameters = r->line.figures;
    r->law.source = r->line.source;
    r->law.x = x != NULL ? x : r->law.x;
}

static void finish_delay(row_law *r, const char *suffix, const char *x)
{
    const law l = law_of_delay(&r->delay);
    finish(r, &l, suffix, x);
}

static size_t lag(const table_lag_stage *s, row_law *out)
{
    const bool rate = strstr(s->stage, "_gb_per_s") != NULL, share = strcmp(s->stage, "fail_probability") == 0;
    out->delay = (mdl_law){table_law_kind(s->kind), s->a, s->b, s->max};
    finish_delay(out, "", share ? "probability" : rate ? "rate, GB/s" : "delay, s");
    return 1;
}

static size_t stock(const table_stock *s, row_law out[ROW_LAWS])
{
    size_t count = 0;
    if (s->down_median_h > 0) { /* else it is up for good */
        out[0].delay = s->stock.up_h;
        snprintf(out[0].line.figures, sizeof out[0].line.figures, "weibull, scale %.4g h, shape %.4g", s->up_scale_h,
                 s->up_shape);
        finish_delay(&out[0], "-up", "spell up, h");
        out[1].delay = s->stock.down_h;
        snprintf(out[1].line.figures, sizeof out[1].line.figures, "lognormal, median %.4g h, p90 %.4g h",
                 s->down_median_h, s->down_p90_h);
        finish_delay(&out[1], "-down", "spell down, h");
        count = 2;
    }
    if (s->stock.nodes > 0 && s->stock.scarce_share > 0) {
        row_law *r = &out[count++];
        const law l = law_of_level(&s->stock);
        snprintf(r->line.figures, sizeof r->line.figures, "nodes = %.4g, s = %.4g, peak hour p = %.4g", s->stock.nodes,
                 s->stock.scarce_share, s->stock.scarce_peak_h);
        finish(r, &l, "-level", NULL);
    }
    return count;
}

static size_t owned(const table_owned *o, row_law out[ROW_LAWS])
{
    const law cash = law_of_owned(&o->owned), full = law_of_owned_full(&o->owned);
    finish(&out[0], &cash, "", NULL);
    finish(&out[1], &full, "-full", NULL);
    return 2;
}

static size_t shape(const table_shape_days *s, row_law *out)
{
    law_day *d = &out->day;
    memcpy(d->hours, s->hours, sizeof d->hours);
    d->low = d->high = s->hours[0];
    d->weekend = 1;
    for (int h = 1; h < 24; h++) {
        d->low = s->hours[h] < d->low ? s->hours[h] : d->low;
        d->high = s->hours[h] > d->high ? s->hours[h] : d->high;
    }
    const law l = law_of_day(d);
    finish(out, &l, "", NULL);
    return 1;
}

static size_t profile(const tables *t, const mdl_profile *p, row_law out[ROW_LAWS])
{
    out[0].profile = out[1].profile = (law_profile){p, tables_model(t, p->model)}; /* tables_load has seen to it */
    char *figures = out[0].line.figures;
    int n = snprintf(figures, sizeof out[0].line.figures,
                     "c1 = %.5g, c2 = %.5g, c3 = %.5g, c4 = %.5g, h0 = %.5g, h1 = %.5g,\n", p->c1_us, p->c2_us,
                     p->c3_us, p->c4_us, p->h0_us, p->h1_us);
    memcpy(out[1].line.figures, figures, (size_t)n);
    snprintf(figures + n, sizeof out[0].line.figures - (size_t)n,
             "e0 = %.5g, e1 = %.5g, e2 = %.5g, x = %.5g us; 1000 KV tokens each", p->e0_us, p->e1_us, p->e2_us,
             p->x_us);
    snprintf(out[1].line.figures + n, sizeof out[1].line.figures - (size_t)n,
             "g0 = %.5g, g1 = %.5g, x = %.5g us; k = 0", p->g0_us, p->g1_us, p->x_us);
    const law decode = law_of_decode(&out[0].profile), prefill = law_of_prefill(&out[1].profile);
    finish(&out[0], &decode, "-decode", NULL);
    finish(&out[1], &prefill, "-prefill", NULL);
    return 2;
}

size_t list_row_laws(const tables *t, tables_kind kind, size_t index, row_law out[ROW_LAWS])
{
    const void *row = tables_row(t, kind, index);
    law l;
    tables_describe(t, kind, index, &out[0].line);
    for (size_t k = 1; k < ROW_LAWS; k++) {
        out[k].line = out[0].line;
    }
    if (kind == TABLES_LAGS) {
        return lag(row, out);
    }
    if (kind == TABLES_STOCKS) {
        return stock(row, out);
    }
    if (kind == TABLES_OWNED) {
        return owned(row, out);
    }
    if (kind == TABLES_SHAPES) {
        return shape(row, out);
    }
    if (kind == TABLES_PROFILES) {
        return profile(t, row, out);
    }
    if (kind == TABLES_MARKETS || kind == TABLES_BATHTUBS) {
        l = law_of_market(&((const table_market *)row)->market);
    } else if (kind == TABLES_WALKS) {
        l = law_of_walk(&((const table_walk *)row)->walk);
    } else if (kind == TABLES_JITTER) {
        snprintf(out->line.figures + strlen(out->line.figures), sizeof out->line.figures - strlen(out->line.figures),
                 ", rtt = 30 ms");
        l = law_of_jitter(&((const table_jitter *)row)->jitter);
    } else {
        return 0;
    }
    finish(out, &l, "", NULL);
    return 1;
}

cli_status list_plot_rows(const tables *t, tables_kind kind, const char *name, const char *dir)
{
    const size_t rows = tables_count(t, kind);
    row_law *of = calloc(rows * ROW_LAWS, sizeof *of);
    const law **laws = calloc(rows * ROW_LAWS, sizeof *laws);
    size_t count = 0;
    cli_status status = CLI_DONE;
    char err[512] = "out of memory";
    if (of == NULL || laws == NULL) {
        status = CLI_INTERNAL;
    }
    for (size_t i = 0; status == CLI_DONE && i < rows; i++) {
        row_law *r = &of[i * ROW_LAWS];
        const size_t own = list_row_laws(t, kind, i, r);
        for (size_t k = 0; k < own && list_wanted(r->line.name, name); k++) {
            laws[count++] = &r[k].law;
        }
    }
    if (status == CLI_DONE && count == 0) {
        snprintf(err, sizeof err,
                 kind == TABLES_STOCKS
                     ? "the rows of %s asked for have neither spells nor a level by the hour to draw"
                     : "the rows of %s are no laws; --plot draws laws, lags, markets, bathtubs, stocks, walks, owned, "
                       "shapes, jitter, profiles",
                 tables_kind_name(kind));
        status = CLI_BAD;
    } else if (status == CLI_DONE && law_plots(laws, count, dir, err, sizeof err) != 0) {
        status = CLI_IO;
    }
    if (status != CLI_DONE) {
        fprintf(stderr, "spillway list: %s\n", err);
    }
    free(laws);
    free(of);
    return status;
}
