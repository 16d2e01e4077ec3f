/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * text.c - the summary for terminals: plain ASCII, at most 80 columns, no colour, so that it survives a log file.
 *
 * Means over the replications, with the 95 % interval where there are two or more; bursts are those of replication 0.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "sim/report/report.h"
#include "sim/report/view.h"

enum { BURST_ROWS = 12 };

/** At most `room` columns of printable ASCII; anything else shows as '?', and a cut as "..". Padded on the right. */
static void put_name(FILE *out, const char *s, size_t room)
{
    size_t length = strlen(s);
    for (size_t i = 0; i < room; i++) {
        if (i >= length) {
            fputc(' ', out);
        } else if (length > room && i + 2 >= room) {
            fputc('.', out);
        } else {
            fputc(s[i] >= ' ' && s[i] <= '~' ? s[i] : '?', out);
        }
    }
}

static double rejected(const rep_view *v, const res_run *run)
{
    (void)v;
    return (double)run->requests.rejected;
}

static double timed_out(const rep_view *v, const res_run *run)
{
    (void)v;
    return (double)run->requests.timed_out;
}

static double in_flight(const rep_view *v, const res_run *run)
{
    (void)v;
    return (double)run->requests.in_flight;
}

static void put_line(const rep_view *v, const char *label, rep_figure figure, int decimals, const char *unit, FILE *out)
{
    double half = (double)NAN;
    double mean = rep_mean(v, figure, &half);
    fprintf(out, "  %-20s", label);
    if (!isfinite(mean)) {
        fprintf(out, "%14s\n", "-");
        return;
    }
    fprintf(out, "%14.*f%s%s", decimals, mean, unit[0] == '\0' ? "" : " ", unit);
    if (isfinite(half)) {
        fprintf(out, " +- %.*f", decimals, half);
    }
    fputc('\n', out);
}

static void put_slo(const rep_view *v, FILE *out)
{
    char got[REP_CLOCK_SIZE], limit[REP_CLOCK_SIZE];
    fputs("\nSLO\n  service           target       limit       measured      within bad min result\n", out);
    for (int32_t s = 0; s < v->sc->service_count; s++) {
        const sc_service *service = &v->sc->services[s];
        for (int32_t t = 0; t < service->target_count; t++) {
            const sc_target *target = &service->targets[t];
            rep_verdict verdict = rep_target_verdict(v, s, t);
            double within = 0, bad = 0;
            for (int32_t i = 0; i < v->n; i++) {
                const res_slo *slo = &v->runs[i]->services[s].slo[t];
                within += 100.0 * rep_ratio((double)slo->met, (double)(slo->met + slo->missed)) / v->n;
                bad += (double)slo->minutes_violated / v->n;
            }
            fputs("  ", out);
            put_name(out, service->name, 17);
            fprintf(out, " %-4.4s p%-6.4g %-11s %-11s", target->metric, target->percentile * 100,
                    rep_span((double)target->limit_ns / 1e9, limit),
                    rep_achieved_span(rep_achieved_mean_s(v, s, t), got));
            if (isfinite(within)) {
                fprintf(out, " %6.2f %%", within);
            } else {
                fprintf(out, " %8s", "-");
            }
            fprintf(out, " %7.1f %s\n", bad, verdict == REP_NO_TRAFFIC ? "-" : rep_verdict_word(verdict));
        }
    }
}

static void put_pools(const rep_view *v, FILE *out)
{
    fputs("\nCapacity\n  pool                     kind       GPU-hours  busy %  peak nodes         USD\n", out);
    for (int32_t p = 0; p < v->sc->pool_count; p++) {
        double hours = 0, busy = 0, cost = 0, peak = 0;
        for (int32_t i = 0; i < v->n; i++) {
            const res_pool *pool = &v->runs[i]->pools[p];
            hours += rep_gpu_hours((double)pool->gpu_ns) / v->n;
            busy += rep_gpu_hours((double)pool->busy_gpu_ns) / v->n;
            cost += (double)pool->cost_uusd / 1e6 / v->n;
            peak = fmax(peak, (double)pool->nodes_peak);
        }
        fputs("  ", out);
        put_name(out, v->pools[p].name, 24);
        fprintf(out, " %-9s %10.1f ", rep_kind_word(v->pools[p].pool->capacity), hours);
        if (hours > 0) {
            fprintf(out, "%7.1f", 100.0 * busy / hours);
        } else {
            fprintf(out, "%7s", "-");
        }
        fprintf(out, " %11.0f %11.2f\n", peak, cost);
    }
    double gb, between, images;
    fprintf(out, "  %-24s %-9s %41.2f\n", "data to users", "egress", rep_to_users(v));
    if (rep_between(v, &gb, &between)) {
        fprintf(out, "  %-24s %-9s %10.4g GB %27.2f\n", "between entry, cluster", "egress", gb, between);
    }
    if (rep_images(v, &images)) {
        fprintf(out, "  %-24s %-9s %41.2f\n", "images moved and stored", "egress", images);
    }
}

static void put_bursts(const rep_view *v, FILE *out)
{
    const res_run *run = v->runs[0];
    char onset[REP_CLOCK_SIZE], span[3][REP_CLOCK_SIZE];
    int32_t rows[BURST_ROWS];
    int32_t shown = rep_burst_rank(v, run, rows, BURST_ROWS);
    fprintf(out, "\nBursts: %" PRId32 "%s", run->burst_count, v->n > 1 ? " in replication 0" : "");
    if (run->burst_count > shown) {
        fprintf(out, ", the worst %" PRId32 " of them", shown);
    }
    fputc('\n', out);
    if (shown > 0) {
        fputs("  onset          +overflow     +absorbed     +released        hurt   extra USD\n", out);
    }
    for (int32_t k = 0; k < shown; k++) {
        const res_burst *b = &run->bursts[rows[k]];
        fprintf(out, "  %-14s %-13s %-13s %-13s %7" PRIu64 " %11.2f\n", rep_clock(v->sc, b->onset_s, onset),
                rep_span(b->overflow_started_s - b->onset_s, span[0]), rep_span(b->absorbed_s - b->onset_s, span[1]),
                rep_span(b->overflow_released_s - b->onset_s, span[2]), b->requests_hurt, (double)b->extra_uusd / 1e6);
    }
}

static void put_latency(const rep_view *v, FILE *out)
{
    static const struct {
        const char *label;
        size_t offset;
    } rows[] = {{"TTFT", offsetof(res_latency, ttft)},
                {"TPOT", offsetof(res_latency, tpot)},
                {"E2E", offsetof(res_latency, e2e)},
                {"queue", offsetof(res_latency, queue)},
                {"network", offsetof(res_latency, network)}};
    static const double levels[] = {-1, 0.50, 0.90, 0.95, 0.99}; /* -1 = the mean */
    char span[REP_CLOCK_SIZE];
    fprintf(out, "\nLatency, as users see it\n%22s%13s%13s%13s%13s\n", "mean", "p50", "p90", "p95", "p99");
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        fprintf(out, "  %-7s", rows[r].label);
        for (size_t q = 0; q < sizeof levels / sizeof levels[0]; q++) {
            double sum = 0;
            for (int32_t i = 0; i < v->n; i++) {
                const stat_hist *h = NULL;
                memcpy(&h, (const char *)&v->runs[i]->latency + rows[r].offset, sizeof h);
                sum += (levels[q] < 0 ? stat_hist_mean(h) / 1e9 : rep_quantile_s(h, levels[q])) / v->n;
            }
            fprintf(out, " %12s", rep_span(sum, span));
        }
        fputc('\n', out);
    }
}

static void put_tenants(const rep_view *v, FILE *out)
{
    char ttft[REP_CLOCK_SIZE], e2e[REP_CLOCK_SIZE];
    if (v->sc->tenant_count > 0) {
        fputs("\nTenants\n  name                  offered       lost     within     ttft p95      e2e p95\n", out);
    }
    for (int32_t k = 0; k < v->sc->tenant_count; k++) {
        double offered = 0, lost = 0, within = 0, first = 0, whole = 0;
        for (int32_t i = 0; i < v->n; i++) {
            const res_tenant *t = &v->runs[i]->tenants[k];
            offered += (double)t->requests.offered / v->n;
            lost += (double)(t->requests.rejected + t->requests.timed_out) / v->n;
            within += 100 * rep_tenant_attainment(t) / v->n;
            first += rep_quantile_s(t->latency.ttft, 0.95) / v->n;
            whole += rep_quantile_s(t->latency.e2e, 0.95) / v->n;
        }
        fprintf(out, "  %-16.16s %12.0f %10.0f %8.2f %% %12s %12s\n", v->sc->tenants[k], offered, lost, within,
                rep_span(first, ttft), rep_span(whole, e2e));
    }
}

/* What came of requests on replicas whose node the market took; only where it took one that had any. */
static void put_reclaimed(const rep_view *v, FILE *out)
{
    bool head = false;
    for (int32_t s = 0; s < v->sc->service_count; s++) {
        double notices = 0, inside = 0, rerouted = 0, recomputed = 0, lost = 0;
        for (int32_t i = 0; i < v->n; i++) {
            const res_reclaim *r = &v->runs[i]->services[s].reclaim;
            notices += (double)r->notices / v->n;
            inside += (double)r->inside / v->n;
            rerouted += (double)r->rerouted / v->n;
            recomputed += (double)r->recomputed / v->n;
            lost += (double)r->lost / v->n;
        }
        if (notices <= 0 && recomputed <= 0 && lost <= 0) {
            continue;
        }
        if (!head) {
            fprintf(out, "\nReclaimed by the market\n  %-16s%9s%10s%12s%10s%12s%8s\n", "service", "replicas",
                    "requests", "worked off", "rerouted", "recomputed", "lost");
            head = true;
        }
        fputs("  ", out);
        put_name(out, v->sc->services[s].name, 16);
        fprintf(out, "%9.0f%10.0f", notices, inside);
        if (v->sc->services[s].on_notice == SC_NOTICE_SERVE) {
            fprintf(out, "%12s", "-"); /* others come meanwhile */
        } else {
            fprintf(out, "%12.0f", fmax(inside - rerouted - recomputed - lost, 0));
        }
        fprintf(out, "%10.0f%12.0f%8.0f\n", rerouted, recomputed, lost);
    }
}

static void put_head(const rep_view *v, FILE *out)
{
    char duration[REP_CLOCK_SIZE], warmup[REP_CLOCK_SIZE];
    put_name(out, v->sc->name, strlen(v->sc->name) < 60 ? strlen(v->sc->name) : 60);
    fprintf(out, "\n  spillway %.20s, seed %" PRIu64 ", scenario %016" PRIx64 "\n", REP_VERSION, v->runs[0]->seed,
            v->sc->hash);
    fprintf(out, "  %s simulated, warm-up %s, %" PRId32 " replication%s\n\n",
            rep_span((double)v->sc->duration_ns / 1e9, duration), rep_span((double)v->sc->warmup_ns / 1e9, warmup),
            v->n, v->n == 1 ? "" : "s (means, +- 95 %)");
}

/* Where hardly anything that counts was completed: why, and what came out all the same. */
static void put_served(const rep_view *v, FILE *out)
{
    const double completed = rep_mean(v, rep_fig_completed, NULL);
    rep_ended ended;
    if (!rep_backlog(v, &ended)) {
        if (completed <= 0 && rep_mean(v, rep_fig_offered, NULL) > 0) {
            fputs("  NOBODY WAS SERVED: not one request was completed\n", out);
        }
        return;
    }
    if (completed <= 0) {
        fputs("  NOBODY WAS SERVED of those who came after the warm-up, who alone count\n", out);
    } else {
        fputs("  MOST WHO WERE SERVED CAME IN THE WARM-UP: only those who came later count\n", out);
    }
    fprintf(out, "  %-20s%14.0f requests", "served in all", ended.requests);
    if (isfinite(ended.usd_per_1m)) {
        fprintf(out, ", %.1f tokens/s out, %.4f USD per 1M", ended.tokens_per_s, ended.usd_per_1m);
    }
    fputc('\n', out);
}

int rep_write_text(const rep_view *v, FILE *out)
{
    const res_control *c = &v->runs[0]->control;
    put_head(v, out);
    put_line(v, "requests offered", rep_fig_offered, 0, "", out);
    put_line(v, "completed", rep_fig_completed, 0, "", out);
    put_line(v, "rejected", rejected, 0, "", out);
    put_line(v, "timed out", timed_out, 0, "", out);
    put_line(v, "in flight at the end", in_flight, 0, "", out);
    put_served(v, out);
    put_line(v, "met every target", rep_fig_good_percent, 2, "%", out);
    put_line(v, "goodput", rep_fig_goodput, 2, "requests/s", out);
    put_line(v, "cost", rep_fig_cost_usd, 2, "USD", out);
    put_line(v, "per 1000 requests", rep_fig_usd_per_1k, 4, "USD", out);
    put_line(v, "per 1M tokens", rep_fig_usd_per_1m, 4, "USD", out);
    put_latency(v, out);
    put_tenants(v, out);
    put_slo(v, out);
    put_pools(v, out);
    put_reclaimed(v, out);
    put_bursts(v, out);
    fprintf(out,
            "\nControl: %" PRIu64 " ticks, %" PRIu64 " actions, %" PRIu64 " flaps, %" PRIu64 " moved, %" PRIu64
            " preempted\n",
            c->ticks, c->actions, c->flaps, c->moved_replicas, c->workload_preemptions);
    return ferror(out) ? -1 : 0;
}

int report_text(const sc_scenario *sc, res_run *const *runs, int32_t n, FILE *out)
{
    rep_view v;
    if (rep_view_init(&v, sc, runs, n) != 0) {
        return -1;
    }
    int rc = rep_write_text(&v, out);
    rep_view_fini(&v);
    return rc;
}
