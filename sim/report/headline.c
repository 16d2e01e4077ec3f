/* SPDX-License-Identifier: GPL-3.0-or-later */
/* headline.c - the figures that head both the page and the terminal summary; see view.h. */
#include "sim/report/view.h"

double rep_fig_completed(const rep_view *v, const res_run *run)
{
    (void)v;
    return (double)run->requests.completed;
}

double rep_fig_cost_usd(const rep_view *v, const res_run *run)
{
    (void)v;
    return (double)run->cost.total_uusd / 1e6;
}

double rep_fig_good_percent(const rep_view *v, const res_run *run)
{
    (void)v;
    return 100 * rep_attainment(run);
}

double rep_fig_goodput(const rep_view *v, const res_run *run)
{
    return rep_ratio((double)rep_good(run), rep_measured_s(v->sc));
}

double rep_fig_offered(const rep_view *v, const res_run *run)
{
    (void)v;
    return (double)run->requests.offered;
}

double rep_fig_usd_per_1k(const rep_view *v, const res_run *run)
{
    (void)v;
    return rep_usd_per(run->cost.total_uusd, run->requests.completed, 1e3);
}

double rep_fig_usd_per_1m(const rep_view *v, const res_run *run)
{
    (void)v;
    return rep_usd_per(run->cost.total_uusd, rep_tokens_in(run) + rep_tokens_out(run), 1e6);
}

bool rep_backlog(const rep_view *v, rep_ended *ended)
{
    double in = 0, out = 0, usd = 0, completed = 0;
    *ended = (rep_ended){0, 0, 0};
    for (int32_t i = 0; i < v->n; i++) {
        const res_run *run = v->runs[i];
        for (int32_t s = 0; s < run->service_count; s++) {
            ended->requests += (double)run->services[s].ended.requests / v->n;
            in += (double)run->services[s].ended.tokens_in / v->n;
            out += (double)run->services[s].ended.tokens_out / v->n;
        }
        completed += (double)run->requests.completed / v->n;
        usd += (double)run->cost.total_uusd / 1e6 / v->n;
    }
    ended->tokens_per_s = rep_ratio(out, rep_measured_s(v->sc));
    ended->usd_per_1m = rep_ratio(usd * 1e6, in + out);
    return completed < ended->requests / 2;
}
