/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * html_tables.c - the tables of report.html about targets, latency and requests on reclaimed nodes. Every cell is a
 * mean over the replications.
 */
#include "sim/report/html.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/** The first cell of a row. */
static void row(FILE *out, const char *name, const char *style)
{
    fprintf(out, "<tr%s%s%s><th scope=\"row\">", style[0] != '\0' ? " class=\"" : "", style,
            style[0] != '\0' ? "\"" : "");
    rep_escape(out, name);
    fputs("</th>", out);
}

static void row_end(FILE *out)
{
    fputs("</tr>\n", out);
}

static void cell_text(FILE *out, const char *text)
{
    fputs("<td class=\"text\">", out);
    rep_escape(out, text);
    fputs("</td>", out);
}

static void cell_number(FILE *out, double value, int decimals)
{
    fputs("<td>", out);
    rep_grouped(out, value, decimals);
    fputs("</td>", out);
}

static void cell_span(FILE *out, double s)
{
    char span[REP_CLOCK_SIZE];
    fprintf(out, "<td>%s</td>", rep_span(s, span));
}

static double target_within(const rep_view *v, const res_run *run, int32_t s, int32_t t)
{
    (void)v;
    const res_slo *slo = &run->services[s].slo[t];
    return 100 * rep_ratio((double)slo->met, (double)(slo->met + slo->missed));
}

static double target_minutes_missed(const rep_view *v, const res_run *run, int32_t s, int32_t t)
{
    (void)v;
    return (double)run->services[s].slo[t].minutes_violated;
}

static double target_minutes(const rep_view *v, const res_run *run, int32_t s, int32_t t)
{
    (void)v;
    return (double)run->services[s].slo[t].minutes;
}

static void put_target(const rep_view *v, int32_t s, int32_t t, FILE *out)
{
    const sc_target *target = &v->sc->services[s].targets[t];
    rep_verdict verdict = rep_target_verdict(v, s, t);
    char name[32], span[REP_CLOCK_SIZE];
    snprintf(name, sizeof name, "p%g %.8s", target->percentile * 100, target->metric);
    for (char *c = strchr(name, ' '); c != NULL && *c != '\0'; c++) {
        *c = (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
    }
    row(out, v->sc->services[s].name, "");
    cell_text(out, name);
    cell_span(out, (double)target->limit_ns / 1e9);
    fprintf(out, "<td>%s</td>", rep_achieved_span(rep_achieved_mean_s(v, s, t), span));
    fprintf(out, "<td class=\"text%s\">%s</td>",
            verdict == REP_MET      ? " good"
            : verdict == REP_MISSED ? " bad"
                                    : "",
            rep_verdict_word(verdict));
    cell_number(out, rep_cell_mean(v, target_within, s, t), 2);
    cell_number(out, rep_cell_mean(v, target_minutes_missed, s, t), v->n > 1 ? 1 : 0);
    cell_number(out, rep_cell_mean(v, target_minutes, s, t), v->n > 1 ? 1 : 0);
    row_end(out);
}

void rep_html_slo(const rep_view *v, FILE *out)
{
    static const rep_head heads[] = {{"Service", NULL, true},
                                     {"Target", NULL, true},
                                     {"Limit", "target", false},
                                     {"Measured", "target", false},
                                     {"Result", "target", true},
                                     {"Within the limit, %", "within", false},
                                     {"Minutes missed", "minutes", false},
                                     {"Minutes with traffic", "minutes", false},
                                     {NULL, NULL, false}};
    rep_table_begin(out, "slo", "Targets",
                    "A target is met when its percentage of all requests stayed within the limit; rejected and "
                    "timed-out requests count as beyond it.",
                    heads);
    int32_t rows = 0;
    for (int32_t s = 0; s < v->sc->service_count; s++) {
        for (int32_t t = 0; t < v->sc->services[s].target_count; t++, rows++) {
            put_target(v, s, t, out);
        }
    }
    if (rows == 0) {
        fputs("<tr><td class=\"text\" colspan=\"8\">The scenario sets no targets.</td></tr>\n", out);
    }
    rep_table_end(out);
}

enum { METRICS = 5, LEVELS = 3 };

/** i = service * (regions + 1) + (0 for all regions, else 1 + region); j = metric * LEVELS + level. */
static double latency_cell(const rep_view *v, const res_run *run, int32_t i, int32_t j)
{
    static const double levels[LEVELS] = {0.50, 0.95, 0.99};
    const res_service *service = &run->services[i / (v->sc->region_count + 1)];
    int32_t region = i % (v->sc->region_count + 1);
    const res_latency *l = region == 0 ? &service->latency : &service->by_region[region - 1];
    const stat_hist *const hists[METRICS] = {l->ttft, l->tpot, l->e2e, l->queue, l->network};
    return rep_quantile_s(hists[j / LEVELS], levels[j % LEVELS]);
}

static double completed_cell(const rep_view *v, const res_run *run, int32_t i, int32_t j)
{
    (void)j;
    const res_service *service = &run->services[i / (v->sc->region_count + 1)];
    int32_t region = i % (v->sc->region_count + 1);
    return (double)(region == 0 ? service->requests : service->by_region_requests[region - 1]).completed;
}

static double offered_cell(const rep_view *v, const res_run *run, int32_t i, int32_t j)
{
    (void)j;
    const res_service *service = &run->services[i / (v->sc->region_count + 1)];
    int32_t region = i % (v->sc->region_count + 1);
    return (double)(region == 0 ? service->requests : service->by_region_requests[region - 1]).offered;
}

static void put_latency_row(const rep_view *v, int32_t i, const char *name, bool tpot, const char *style, FILE *out)
{
    row(out, name, style);
    cell_number(out, rep_cell_mean(v, completed_cell, i, 0), 0);
    for (int32_t metric = 0; metric < METRICS; metric++) {
        if (metric == 1 && !tpot) {
            continue;
        }
        for (int32_t level = metric < 3 ? 0 : 1; level < (metric < 3 ? LEVELS : 2); level++) {
            cell_span(out, rep_cell_mean(v, latency_cell, i, metric * LEVELS + level));
        }
    }
    row_end(out);
}

void rep_html_latency(const rep_view *v, FILE *out)
{
    bool tpot = false;
    for (int32_t i = 0; i < v->n; i++) {
        tpot = tpot || stat_hist_count(v->runs[i]->latency.tpot) > 0;
    }
    static const rep_head all[] = {{"Service, users' region", NULL, true},
                                   {"Completed", NULL, false},
                                   {"TTFT p50", "ttft", false},
                                   {"TTFT p95", "ttft", false},
                                   {"TTFT p99", "ttft", false},
                                   {"TPOT p50", "tpot", false},
                                   {"TPOT p95", "tpot", false},
                                   {"TPOT p99", "tpot", false},
                                   {"E2E p50", "e2e", false},
                                   {"E2E p95", "e2e", false},
                                   {"E2E p99", "e2e", false},
                                   {"Queue p95", "queue", false},
                                   {"Network p95", "network", false},
                                   {NULL, NULL, false}};
    enum { HEADS = sizeof all / sizeof all[0], TPOT_AT = 5 };
    rep_head heads[HEADS];
    int32_t used = 0;
    for (int32_t i = 0; i < HEADS; i++) {
        if (tpot || i < TPOT_AT || i >= TPOT_AT + LEVELS) {
            heads[used++] = all[i];
        }
    }
    rep_table_begin(out, "latency", "Latency",
                    "As users see it, network included. Of completed requests; TTFT of all that saw a first token.",
                    heads);
    for (int32_t s = 0; s < v->sc->service_count; s++) {
        int32_t first = s * (v->sc->region_count + 1);
        put_latency_row(v, first, v->sc->services[s].name, tpot, "", out);
        for (int32_t r = 0; r < v->sc->region_count; r++) {
            if (rep_cell_mean(v, offered_cell, first + 1 + r, 0) > 0) {
                put_latency_row(v, first + 1 + r, v->sc->regions[r].name, tpot, "sub", out);
            }
        }
    }
    rep_table_end(out);
}

enum { NOTICES, INSIDE, REROUTED, RECOMPUTED, LOST, RECLAIM_FIGURES };

static double reclaim_cell(const rep_view *v, const res_run *run, int32_t s, int32_t j)
{
    (void)v;
    const res_reclaim *r = &run->services[s].reclaim;
    const uint64_t figures[RECLAIM_FIGURES] = {r->notices, r->inside, r->rerouted, r->recomputed, r->lost};
    return (double)figures[j];
}

static void put_reclaimed(const rep_view *v, int32_t s, const double mean[RECLAIM_FIGURES], FILE *out)
{
    const int decimals = v->n > 1 ? 1 : 0;
    row(out, v->sc->services[s].name, "");
    cell_number(out, mean[NOTICES], decimals);
    cell_number(out, mean[INSIDE], decimals);
    /* under serve others join those who were there: what was worked off cannot be told */
    cell_number(out,
                v->sc->services[s].on_notice == SC_NOTICE_SERVE
                    ? (double)NAN
                    : fmax(mean[INSIDE] - mean[REROUTED] - mean[RECOMPUTED] - mean[LOST], 0),
                decimals);
    cell_number(out, mean[REROUTED], decimals);
    cell_number(out, mean[RECOMPUTED], decimals);
    cell_number(out, mean[LOST], decimals);
    row_end(out);
}

void rep_html_reclaimed(const rep_view *v, FILE *out)
{
    static const rep_head heads[] = {{"Service", NULL, true},           {"Replicas under notice", NULL, false},
                                     {"Requests there", NULL, false},   {"Worked off", "worked-off", false},
                                     {"Rerouted", "worked-off", false}, {"Recomputed", "worked-off", false},
                                     {"Lost", "worked-off", false},     {NULL, NULL, false}};
    bool open = false;
    for (int32_t s = 0; s < v->sc->service_count; s++) {
        double mean[RECLAIM_FIGURES];
        for (int32_t j = 0; j < RECLAIM_FIGURES; j++) {
            mean[j] = rep_cell_mean(v, reclaim_cell, s, j);
        }
        if (mean[NOTICES] <= 0 && mean[RECOMPUTED] <= 0 && mean[LOST] <= 0) {
            continue;
        }
        if (!open) {
            rep_table_begin(out, "reclaimed", "Reclaimed by the market",
                            "What became of the requests on replicas whose node the market took back.", heads);
            open = true;
        }
        put_reclaimed(v, s, mean, out);
    }
    if (open) {
        rep_table_end(out);
    }
}
