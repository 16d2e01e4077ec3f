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
