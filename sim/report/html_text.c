/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * html_text.c - what report.html says in words: verdict, key figures, definitions, provenance; and the escaping.
 *
 * Figures are means over the replications, as in the terminal summary.
 */
#include "sim/report/html.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void rep_escape(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        switch (c) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        case '\'':
            fputs("&#39;", out);
            break;
        default:
            fputc(c < 0x20 || c == 0x7f ? ' ' : c, out);
            break;
        }
    }
}

void rep_escape_lines(FILE *out, const char *text)
{
    for (const char *end = strchr(text, '\n'); end != NULL; text = end + 1, end = strchr(text, '\n')) {
        char *one = strndup(text, (size_t)(end - text));
        if (one != NULL) {
            rep_escape(out, one);
        }
        free(one);
        fputc('\n', out);
    }
    rep_escape(out, text);
}

void rep_grouped(FILE *out, double value, int decimals)
{
    char digits[64];
    if (!isfinite(value) || fabs(value) > 1e15) {
        fputs(isfinite(value) ? "&gt; 1e15" : "-", out);
        return;
    }
    int length = snprintf(digits, sizeof digits, "%.*f", decimals, value);
    const char *point = memchr(digits, '.', (size_t)length);
    const char *whole_end = point != NULL ? point : digits + length;
    for (const char *c = digits; *c != '\0'; c++) {
        fputc(*c, out);
        if (c + 1 < whole_end && *c != '-' && (whole_end - c - 1) % 3 == 0) {
            fputc(',', out);
        }
    }
}

double rep_cell_mean(const rep_view *v, rep_cell cell, int32_t i, int32_t j)
{
    stat_tally tally;
    stat_tally_init(&tally);
    for (int32_t r = 0; r < v->n; r++) {
        double x = cell(v, v->runs[r], i, j);
        if (isfinite(x)) {
            stat_tally_add(&tally, x);
        }
    }
    return tally.n > 0 ? tally.mean : (double)NAN;
}

static double lost(const rep_view *v, const res_run *run)
{
    (void)v;
    return (double)rep_lost(run);
}

static double ttft_p95(const rep_view *v, const res_run *run)
{
    (void)v;
    return rep_quantile_s(run->latency.ttft, 0.95);
}

static double burst_count(const rep_view *v, const res_run *run)
{
    (void)v;
    return run->burst_count;
}

static double busy_percent(const rep_view *v, const res_run *run)
{
    (void)v;
    double busy = 0, paid = 0;
    for (int32_t p = 0; p < run->pool_count; p++) {
        busy += (double)run->pools[p].busy_gpu_ns;
        paid += (double)run->pools[p].gpu_ns;
    }
    return 100 * rep_ratio(busy, paid);
}

static double paid_gpu_hours(const rep_view *v, const res_run *run)
{
    (void)v;
    double hours = 0;
    for (int32_t p = 0; p < run->pool_count; p++) {
        hours += rep_gpu_hours((double)run->pools[p].gpu_ns);
    }
    return hours;
}

/** Share of the requests with an outcome that were lost, in %. */
static double lost_percent(const rep_view *v, const res_run *run)
{
    double gone = lost(v, run);
    return 100 * rep_ratio(gone, gone + (double)run->requests.completed);
}

static double met(const rep_view *v, const res_run *run, int32_t s, int32_t t)
{
    (void)v;
    return (double)run->services[s].slo[t].met;
}

static double judged_requests(const rep_view *v, const res_run *run, int32_t s, int32_t t)
{
    (void)v;
    return (double)run->services[s].slo[t].met + (double)run->services[s].slo[t].missed;
}

/** A target and what was measured against it. */
typedef struct judged {
    const sc_service *service;
    const sc_target *target;
    double achieved_s; /**< infinite when too many were lost */
    double within;     /**< share of requests, 0..1 */
    rep_verdict verdict;
} judged;

static double strain(const judged *j)
{
    return j->achieved_s / ((double)j->target->limit_ns / 1e9);
}

/** Which of two targets the headline names: a missed one, then one of TTFT, then the one under more strain. */
static bool speaks_first(const judged *a, const judged *b)
{
    bool a_ttft = strcmp(a->target->metric, "ttft") == 0, b_ttft = strcmp(b->target->metric, "ttft") == 0;
    if (a->verdict != b->verdict) {
        return a->verdict == REP_MISSED;
    }
    return a_ttft != b_ttft ? a_ttft : strain(a) > strain(b);
}

/** The target to speak of first. @param out missed, total  over all targets that there were requests for */
static judged worst_target(const rep_view *v, int *missed, int *total)
{
    judged worst = {0};
    *missed = *total = 0;
    for (int32_t s = 0; s < v->sc->service_count; s++) {
        for (int32_t t = 0; t < v->sc->services[s].target_count; t++) {
            judged j = {.service = &v->sc->services[s],
                        .target = &v->sc->services[s].targets[t],
                        .achieved_s = rep_achieved_mean_s(v, s, t),
                        .within = rep_ratio(rep_cell_mean(v, met, s, t), rep_cell_mean(v, judged_requests, s, t)),
                        .verdict = rep_target_verdict(v, s, t)};
            if (j.verdict == REP_NO_TRAFFIC) {
                continue;
            }
            *total += 1;
            *missed += j.verdict == REP_MISSED ? 1 : 0;
            if (worst.target == NULL || speaks_first(&j, &worst)) {
                worst = j;
            }
        }
    }
    return worst;
}

static void put_metric(FILE *out, const char *metric)
{
    for (; *metric != '\0'; metric++) {
        fputc(*metric >= 'a' && *metric <= 'z' ? *metric - 'a' + 'A' : *metric, out);
    }
}

/** A share in per cent with as many digits as it needs; 100 and 0 only when it is exactly that. */
static void put_percent(FILE *out, double percent)
{
    if (percent > 0 && percent < 0.01) {
        fputs("less than 0.01 %", out);
    } else if (percent < 100 && percent > 99.99) {
        fputs("more than 99.99 %", out);
    } else {
        fprintf(out, "%.*f %%", percent >= 10 && percent < 99 ? 1 : percent <= 0 || percent >= 100 ? 0 : 2, percent);
    }
}

static void put_verdict_target(const rep_view *v, const judged *worst, FILE *out)
{
    char got[REP_CLOCK_SIZE], limit[REP_CLOCK_SIZE];
    double limit_s = (double)worst->target->limit_ns / 1e9;
    rep_span(worst->achieved_s, got);
    rep_span(limit_s, limit);
    bool holds = worst->verdict == REP_MET;
    if (!holds && !(isfinite(worst->achieved_s) && worst->achieved_s > limit_s)) {
        double percent = worst->within * 100, asked = worst->target->percentile * 100;
        fprintf(out, " <span class=\"bad\">Only ");
        put_percent(out,
                    percent < asked - 0.05 ? percent : floor(percent * 100) / 100); /* not rounded up to the target */
        fputs(" of the requests", out);
        if (v->sc->service_count > 1) {
            fputs(" to ", out);
            rep_escape(out, worst->service->name);
        }
        fputs(" had their ", out);
        put_metric(out, worst->target->metric);
        fprintf(out, " within %s; the target is %g %%</span>.", limit, worst->target->percentile * 100);
        return;
    }
    fprintf(out, " P%g ", worst->target->percentile * 100);
    put_metric(out, worst->target->metric);
    if (v->sc->service_count > 1) {
        fputs(" of ", out);
        rep_escape(out, worst->service->name);
    }
    fprintf(out, " was <span class=\"%s\">%s, %s its target of %s</span>.", holds ? "good" : "bad", got,
            holds ? "within" : "beyond", limit);
}

static void put_verdict_latency(const rep_view *v, const judged *worst, FILE *out)
{
    char got[REP_CLOCK_SIZE];
    double p95 = rep_mean(v, ttft_p95, NULL);
    if (worst->target != NULL) {
        put_verdict_target(v, worst, out);
    } else if (isfinite(p95)) {
        fprintf(out, " P95 TTFT was %s; no target was set for it.", rep_span(p95, got));
    }
}

static void put_verdict_bursts(const rep_view *v, bool well, FILE *out)
{
    const res_run *run = v->runs[0];
    int32_t open = 0;
    uint64_t hurt = 0;
    double longest = 0;
    char span[REP_CLOCK_SIZE];
    for (int32_t b = 0; b < run->burst_count; b++) {
        double s = run->bursts[b].absorbed_s - run->bursts[b].onset_s;
        hurt += run->bursts[b].requests_hurt;
        open += isfinite(s) ? 0 : 1;
        longest = isfinite(s) && s > longest ? s : longest;
    }
    if (run->burst_count == 0) {
        fputs(well ? " Nothing had to go beyond the first choice of capacity."
                   : " Even so, no replica was ever wanted beyond the first choice of capacity.",
              out);
        return;
    }
    fprintf(out, " %" PRId32 " burst%s%s hurt ", run->burst_count, run->burst_count == 1 ? "" : "s",
            v->n > 1 ? " (replication 0)" : "");
    if (hurt > 0) {
        fputs("<span class=\"bad\">", out);
        rep_grouped(out, (double)hurt, 0);
        fprintf(out, " request%s</span>", hurt == 1 ? "" : "s");
    } else {
        fputs("no request", out);
    }
    if (open > 0 && run->burst_count == 1) {
        fputs("; capacity never caught up.", out);
    } else if (open > 0) {
        fprintf(out, "; capacity never caught up in %" PRId32 " of them.", open);
    } else {
        fprintf(out, "; capacity first caught up %s%s.", run->burst_count == 1 ? "after " : "within ",
                rep_span(longest, span));
    }
}

/** Where most of what was served does not count: that. */
static void put_backlog(const rep_view *v, FILE *out)
{
    rep_ended ended;
    if (!rep_backlog(v, &ended)) {
        return;
    }
    fputs(" With those sent in the warm-up, which count nowhere else, ", out);
    rep_grouped(out, ended.requests, 0);
    fputs(" requests were served", out);
    if (isfinite(ended.usd_per_1m)) {
        fputs(": ", out);
        rep_grouped(out, ended.tokens_per_s, 1);
        fputs(" output tokens/s, ", out);
        rep_grouped(out, ended.usd_per_1m, 4);
        fputs(" USD per 1M tokens", out);
    }
    fputc('.', out);
}

/** What happened to the requests, and what it cost. */
static void put_verdict_served(const rep_view *v, FILE *out)
{
    char span[REP_CLOCK_SIZE];
    double gone = rep_mean(v, lost, NULL), served = rep_mean(v, rep_fig_completed, NULL);
    rep_span(rep_measured_s(v->sc), span);
    if (!(rep_mean(v, rep_fig_offered, NULL) > 0)) {
        fprintf(out, "Nobody sent a request in %s; the capacity cost ", span);
    } else if (!(served > 0)) {
        fputs("<span class=\"bad\">Not one of ", out);
        rep_grouped(out, rep_mean(v, rep_fig_offered, NULL), 0);
        fprintf(out, " requests was served in %s</span>; the capacity cost ", span);
    } else {
        rep_grouped(out, served, 0);
        fprintf(out, " requests served in %s for ", span);
    }
    rep_grouped(out, rep_mean(v, rep_fig_cost_usd, NULL), 2);
    fputs(" USD.", out);
    put_backlog(v, out);
    if (served > 0 && gone > 0) {
        double percent = rep_mean(v, lost_percent, NULL);
        fputs(percent >= 1 ? " <span class=\"bad\">" : " <span>", out);
        rep_grouped(out, gone, v->n > 1 && gone < 100 ? 1 : 0);
        fputs(" more (", out);
        put_percent(out, percent);
        fputs(") were rejected or timed out</span>.", out);
    }
}

static void tile(FILE *out, const char *label, const char *definition)
{
    fprintf(out, "<li><span class=\"label\">%s", label);
    rep_define(out, definition);
    fputs("</span><span class=\"value\">", out);
}

static void tile_more(FILE *out)
{
    fputs("</span><span class=\"more\">", out);
}

static void tile_end(FILE *out)
{
    fputs("</span></li>\n", out);
}

/** " +- x" as a remark where there are several replications, else `otherwise`. */
static void put_interval(const rep_view *v, rep_figure figure, int decimals, const char *otherwise, FILE *out)
{
    double half = (double)NAN;
    rep_mean(v, figure, &half);
    if (isfinite(half)) {
        fputs("&#177; ", out);
        rep_grouped(out, half, decimals);
        fputs(" (95 %)", out);
    } else {
        fputs(otherwise, out);
    }
}

static void put_money_tiles(const rep_view *v, FILE *out)
{
    char span[REP_CLOCK_SIZE];
    double per_tokens = rep_mean(v, rep_fig_usd_per_1m, NULL);
    tile(out, "Cost", "cost");
    rep_grouped(out, rep_mean(v, rep_fig_cost_usd, NULL), 2);
    fputs(" <small>USD</small>", out);
    tile_more(out);
    put_interval(v, rep_fig_cost_usd, 2, "", out);
    fprintf(out, "%sover %s", v->n > 1 ? ", " : "", rep_span(rep_measured_s(v->sc), span));
    tile_end(out);
    tile(out, isfinite(per_tokens) ? "Cost per 1 million tokens" : "Cost per 1000 requests", "cost");
    rep_grouped(out, isfinite(per_tokens) ? per_tokens : rep_mean(v, rep_fig_usd_per_1k, NULL), 3);
    fputs(" <small>USD</small>", out);
    tile_more(out);
    if (isfinite(per_tokens)) {
        rep_grouped(out, rep_mean(v, rep_fig_usd_per_1k, NULL), 3);
        fputs(" USD per 1000 requests", out);
    } else {
        fputs("completed ones", out);
    }
    tile_end(out);
}

static void put_quality_tiles(const rep_view *v, const judged *worst, FILE *out)
{
    char span[REP_CLOCK_SIZE];
    tile(out, "P95 TTFT of answered requests", "ttft");
    fputs(rep_span(rep_mean(v, ttft_p95, NULL), span), out);
    tile_more(out);
    if (worst->target != NULL) {
        fprintf(out, "target: p%g ", worst->target->percentile * 100);
        put_metric(out, worst->target->metric);
        fprintf(out, " within %s", rep_span((double)worst->target->limit_ns / 1e9, span));
    } else {
        fputs("no target", out);
    }
    tile_end(out);
    tile(out, "Requests that met every target", "goodput");
    rep_grouped(out, rep_mean(v, rep_fig_good_percent, NULL), 2);
    fputs(" <small>%</small>", out);
    tile_more(out);
    put_interval(v, rep_fig_good_percent, 2, "", out);
    fputs(v->n > 1 ? ", goodput " : "goodput ", out);
    rep_grouped(out, rep_mean(v, rep_fig_goodput, NULL), 2);
    fputs(" requests/s", out);
    tile_end(out);
}

static void put_load_tiles(const rep_view *v, FILE *out)
{
    uint64_t hurt = 0;
    int64_t extra = 0;
    for (int32_t b = 0; b < v->runs[0]->burst_count; b++) {
        hurt += v->runs[0]->bursts[b].requests_hurt;
        extra += v->runs[0]->bursts[b].extra_uusd;
    }
    tile(out, "Requests", NULL);
    rep_grouped(out, rep_mean(v, rep_fig_offered, NULL), 0);
    tile_more(out);
    rep_grouped(out, rep_mean(v, rep_fig_completed, NULL), 0);
    fputs(" completed", out);
    tile_end(out);
    tile(out, "Rejected or timed out", "rejected");
    rep_grouped(out, rep_mean(v, lost, NULL), 0);
    tile_more(out);
    rep_grouped(out, 100 * rep_ratio(rep_mean(v, lost, NULL), rep_mean(v, rep_fig_offered, NULL)), 3);
    fputs(" % of all requests", out);
    tile_end(out);
    tile(out, v->n > 1 ? "Bursts, on average" : "Bursts", "burst");
    rep_grouped(out, rep_mean(v, burst_count, NULL), v->n > 1 ? 1 : 0);
    tile_more(out);
    rep_grouped(out, (double)hurt, 0);
    fputs(" requests hurt, ", out);
    rep_grouped(out, (double)extra / 1e6, 2);
    fprintf(out, " USD extra for GPUs%s", v->n > 1 ? " (replication 0)" : "");
    tile_end(out);
    tile(out, "GPU time in use", "utilisation");
    rep_grouped(out, rep_mean(v, busy_percent, NULL), 1);
    fputs(" <small>%</small>", out);
    tile_more(out);
    fputs("of ", out);
    rep_grouped(out, rep_mean(v, paid_gpu_hours, NULL), 0);
    fputs(" GPU-hours paid for", out);
    tile_end(out);
}

void rep_html_head(const rep_view *v, FILE *out)
{
    int missed = 0, total = 0;
    judged worst = worst_target(v, &missed, &total);
    fputs("<header>\n<p class=\"name\"><b>", out);
    rep_escape(out, v->sc->name);
    fputs("</b>", out);
    if (v->sc->title[0] != '\0') {
        fputs(" &#183; ", out);
        rep_escape(out, v->sc->title);
    }
    fputs("</p>\n<h1>", out);
    put_verdict_served(v, out);
    if (rep_mean(v, rep_fig_offered, NULL) > 0) {
        if (rep_mean(v, rep_fig_completed, NULL) > 0) {
            put_verdict_latency(v, &worst, out);
        }
        put_verdict_bursts(v, missed == 0 && !(rep_mean(v, lost_percent, NULL) >= 1), out);
    }
    fputs("</h1>\n", out);
    if (total > 0) {
        fprintf(out, "<p><span class=\"verdict %s\">", missed == 0 ? "good" : "bad");
        if (missed == 0) {
            fprintf(out, total == 1 ? "The target was met" : "All %d targets were met", total);
        } else {
            fprintf(out, "%d of %d target%s missed", missed, total, total == 1 ? "" : "s");
        }
        fputs("</span></p>\n", out);
    }
    if (v->n > 1) {
        fprintf(out, "<p class=\"hint\">Means over %" PRId32 " replications.</p>\n", v->n);
    }
    fputs("<ul class=\"tiles\">\n", out);
    put_money_tiles(v, out);
    put_quality_tiles(v, &worst, out);
    put_load_tiles(v, out);
    fputs("</ul>\n</header>\n", out);
}
