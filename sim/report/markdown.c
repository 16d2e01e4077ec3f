/* SPDX-License-Identifier: GPL-3.0-or-later */
/* markdown.c - the summary of a run as Markdown tables; see report.h. Figures as in the terminal summary. */
#include <inttypes.h>
#include <math.h>

#include "sim/report/report.h"
#include "sim/report/view.h"

void rep_markdown_text(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '|' || *text == '\\' || *text == '<') {
            fputc('\\', out);
        }
        fputc((unsigned char)*text < 0x20 ? ' ' : *text, out);
    }
}

static void put_figure(const rep_view *v, const char *label, rep_figure figure, int decimals, const char *unit,
                       FILE *out)
{
    double half;
    const double mean = rep_mean(v, figure, &half);
    fprintf(out, "| %s | ", label);
    if (isfinite(mean)) {
        fprintf(out, "%.*f%s%s", decimals, mean, unit[0] != '\0' ? " " : "", unit);
    } else {
        fputc('-', out);
    }
    if (isfinite(half)) {
        fprintf(out, " ± %.*f", decimals, half);
    }
    fputs(" |\n", out);
}

static void put_targets(const rep_view *v, FILE *out)
{
    char got[REP_CLOCK_SIZE], limit[REP_CLOCK_SIZE];
    fputs("\n| service | target | limit | measured | result |\n| --- | --- | ---: | ---: | --- |\n", out);
    for (int32_t s = 0; s < v->sc->service_count; s++) {
        for (int32_t t = 0; t < v->sc->services[s].target_count; t++) {
            const sc_target *target = &v->sc->services[s].targets[t];
            fputs("| ", out);
            rep_markdown_text(out, v->sc->services[s].name);
            fprintf(out, " | %s p%g | %s | %s | %s |\n", target->metric, target->percentile * 100,
                    rep_span((double)target->limit_ns / 1e9, limit),
                    rep_achieved_span(rep_achieved_mean_s(v, s, t), got),
                    rep_verdict_word(rep_target_verdict(v, s, t)));
        }
    }
}

static void put_pools(const rep_view *v, FILE *out)
{
    fputs("\n| pool | kind | GPU-hours | busy | USD |\n| --- | --- | ---: | ---: | ---: |\n", out);
    for (int32_t p = 0; p < v->sc->pool_count; p++) {
        double hours = 0, busy = 0, usd = 0;
        for (int32_t i = 0; i < v->n; i++) {
            const res_pool *pool = &v->runs[i]->pools[p];
            hours += rep_gpu_hours((double)pool->gpu_ns) / v->n;
            busy += rep_gpu_hours((double)pool->busy_gpu_ns) / v->n;
            usd += (double)pool->cost_uusd / 1e6 / v->n;
        }
        fputs("| ", out);
        rep_markdown_text(out, v->pools[p].name);
        fprintf(out, " | %s | %.1f | ", rep_kind_word(v->pools[p].pool->capacity), hours);
        if (hours > 0) {
            fprintf(out, "%.1f %%", 100 * busy / hours);
        } else {
            fputc('-', out);
        }
        fprintf(out, " | %.2f |\n", usd);
    }
    double gb, between, images;
    fprintf(out, "| data to users | egress | | | %.2f |\n", rep_to_users(v));
    if (rep_between(v, &gb, &between)) {
        fprintf(out, "| between entry and cluster, %.4g GB | egress | | | %.2f |\n", gb, between);
    }
    if (rep_images(v, &images)) {
        fprintf(out, "| images moved and stored | egress | | | %.2f |\n", images);
    }
}

static void put_bursts(const rep_view *v, FILE *out)
{
    const res_run *run = v->runs[0];
    if (run->burst_count == 0) {
        return;
    }
    fputs("\n| burst | service | absorbed after | requests hurt | extra USD |\n| --- | --- | ---: | ---: | ---: |\n",
          out);
    for (int32_t b = 0; b < run->burst_count; b++) {
        const res_burst *burst = &run->bursts[b];
        char clock[REP_CLOCK_SIZE], span[REP_CLOCK_SIZE];
        fprintf(out, "| %s | ", rep_clock(v->sc, burst->onset_s, clock));
        rep_markdown_text(out, v->sc->services[burst->service].name);
        fprintf(out, " | %s | %" PRIu64 " | %.2f |\n", rep_span(burst->absorbed_s - burst->onset_s, span),
                burst->requests_hurt, (double)burst->extra_uusd / 1e6);
    }
}

int report_markdown(const sc_scenario *sc, res_run *const *runs, int32_t n, FILE *out)
{
    rep_view v;
    if (rep_view_init(&v, sc, runs, n) != 0) {
        return -1;
    }
    fputs("| ", out);
    rep_markdown_text(out, sc->name);
    fprintf(out, " | %" PRId32 " replication%s |\n| --- | ---: |\n", n, n == 1 ? "" : "s");
    put_figure(&v, "requests offered", rep_fig_offered, 0, "", out);
    put_figure(&v, "completed", rep_fig_completed, 0, "", out);
    rep_ended ended;
    if (rep_backlog(&v, &ended)) {
        fprintf(out, "| completed, with those sent in the warm-up | %.0f (%.1f output tokens/s) |\n", ended.requests,
                ended.tokens_per_s);
    }
    put_figure(&v, "met every target", rep_fig_good_percent, 2, "%", out);
    put_figure(&v, "goodput", rep_fig_goodput, 2, "requests/s", out);
    put_figure(&v, "cost", rep_fig_cost_usd, 2, "USD", out);
    put_figure(&v, "per 1000 requests", rep_fig_usd_per_1k, 4, "USD", out);
    put_figure(&v, "per 1M tokens", rep_fig_usd_per_1m, 4, "USD", out);
    put_targets(&v, out);
    put_pools(&v, out);
    put_bursts(&v, out);
    fputs("\n`", out);
    rep_provenance(&v, out);
    fputs("`\n", out);
    rep_view_fini(&v);
    return ferror(out) ? -1 : 0;
}
