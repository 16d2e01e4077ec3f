/* SPDX-License-Identifier: GPL-3.0-or-later */
/* supply.c - what a provider has, takes back and asks for, and what breaks (models/spot, provision, price, faults). */
#include "sim/laws/rows.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_math.h>
#include <math.h>
#include <stdio.h>

#include "models/faults/faults.h"
#include "models/price/price.h"
#include "models/provision/stock.h"

#define HOUR_NS   3600e9
#define MANY      40000
#define BASE_UUSD 1000000000

/* --- spot --- */

static bool lives(const void *of, double *values, size_t n, gsl_rng *r)
{
    for (size_t i = 0; i < n; i++) {
        values[i] = (double)mdl_spot_lifetime(of, r) / HOUR_NS;
    }
    return true;
}

static double weibull_cdf(const void *of, double x)
{
    const mdl_market *m = of;
    const double age = x - m->protected_h;
    return age > 0 ? 1 - exp(-pow(age / m->scale_h, m->shape_k)) : 0;
}

static double bathtub_cdf(const void *of, double x)
{
    const mdl_market *m = of;
    const double share = m->early_share * (1 - exp(-x / m->early_h) + exp((x - m->end_h) / m->late_h));
    return x <= 0 ? 0 : x < m->end_h ? fmin(1, share) : 1;
}

static const mdl_market weibull_market = {.hazard = MDL_HAZARD_WEIBULL, .shape_k = 0.65, .scale_h = 20};
static const mdl_market bathtub_market = {
    .hazard = MDL_HAZARD_BATHTUB, .early_share = 0.45, .early_h = 1, .late_h = 0.8, .end_h = 24};

law law_of_market(const mdl_market *of)
{
    char name[32];
    snprintf(name, sizeof name, "spot-%s", mdl_hazard_name(of->hazard));
    law l = *law_find(name);
    l.of = of;
    return l;
}

/* --- stock --- */

static double stock_up(double down_h, gsl_rng *r)
{
    const mdl_stock stock = {.up_h = {MDL_LAW_EXPONENTIAL, 6, 0, 0}, .down_h = {MDL_LAW_EXPONENTIAL, down_h, 0, 0}};
    double up = 0, down = 0;
    for (int i = 0; i < MANY; i++) {
        up += (double)mdl_stock_spell(&stock, 1, r);
        down += (double)mdl_stock_spell(&stock, 0, r);
    }
    return up / (up + down);
}

static double stock_up_exact(double down_h)
{
    return 6 / (6 + down_h);
}

static const mdl_stock scarce_stock = {.nodes = 100, .scarce_share = 0.6, .scarce_peak_h = 14};

static double scarcity(const void *of, double hour, gsl_rng *r)
{
    (void)r;
    return mdl_stock_level(of, hour);
}

static double scarcity_exact(const void *of, double hour)
{
    const mdl_stock *s = of;
    return s->nodes * (1 - s->scarce_share * fmax(0, cos(2 * M_PI * (hour - s->scarce_peak_h) / 24)));
}

law law_of_level(const mdl_stock *of)
{
    law l = *law_find("stock-scarcity");
    l.of = of;
    return l;
}

/* --- price --- */

static const mdl_walk walk = {.step_s = 3600, .half_life_h = 6, .sigma = 0.3, .floor_share = 0.6, .cap_share = 1.4};

static bool prices(const void *of, double *values, size_t n, gsl_rng *r)
{
    for (size_t i = 0; i < n; i++) {
        values[i] = (double)mdl_walk_price(of, BASE_UUSD, mdl_walk_start(of, r)) / BASE_UUSD;
    }
    return true;
}

static double prices_cdf(const void *of, double x)
{
    const mdl_walk *w = of;
    if (x < w->floor_share || x >= w->cap_share) {
        return x >= w->cap_share;
    }
    return w->sigma > 0 ? gsl_cdf_ugaussian_P((log(x) + w->sigma * w->sigma / 2) / w->sigma) : x >= 1;
}

law law_of_walk(const mdl_walk *of)
{
    law l = *law_find("price-walk");
    l.of = of;
    return l;
}

static double memory(double hours, gsl_rng *r)
{
    const int steps = (int)(hours * 3600 / walk.step_s + 0.5);
    double sum = 0;
    for (int i = 0; i < MANY; i++) {
        const double first = mdl_walk_start(&walk, r);
        double x = first;
        for (int k = 0; k < steps; k++) {
            x = mdl_walk_next(&walk, x, r);
        }
        sum += first * x;
    }
    return sum / MANY / (walk.sigma * walk.sigma);
}

static double memory_exact(double hours)
{
    return exp2(-hours / 6);
}

/* Capital and staff are in price-owned-full alone. */
static const mdl_owned owned_server = {.server_usd = 24000,
                                       .gpus_per_server = 8,
                                       .residual_share = 0.1,
                                       .months = 36,
                                       .kw_per_gpu = 0.5,
                                       .pue = 1.5,
                                       .usd_per_kwh = 0.1,
                                       .space_usd_per_kw_month = 73,
                                       .maintenance_share_per_year = 0.05,
                                       .capital_share_per_year = 0.08,
                                       .staff_usd_per_gpu_month = 14.6};

static mdl_owned used_for(const mdl_owned *server, double months)
{
    mdl_owned used = *server;
    used.months = months;
    return used;
}

static double owned(const void *of, double months, gsl_rng *r)
{
    const mdl_owned server = used_for(of, months);
    (void)r;
    return (double)mdl_owned_uusd_per_gpu_h(&server) / 1e6;
}

static double owned_exact(const void *of, double months)
{
    const mdl_owned *o = of;
    const double a_month = o->server_usd * ((1 - o->residual_share) / months + o->maintenance_share_per_year / 12);
    const double space = o->kw_per_gpu * o->space_usd_per_kw_month / 730;
    return a_month / o->gpus_per_server / 730 + o->kw_per_gpu * o->pue * o->usd_per_kwh + space;
}

static double owned_full(const void *of, double months, gsl_rng *r)
{
    const mdl_owned server = used_for(of, months);
    (void)r;
    return (double)mdl_owned_full_uusd_per_gpu_h(&server) / 1e6;
}

static double owned_full_exact(const void *of, double months)
{
    const mdl_owned *o = of;
    const double mean_value = o->server_usd * (1 + o->residual_share) / 2 / o->gpus_per_server;
    return owned_exact(of, months) + (o->capital_share_per_year / 12 * mean_value + o->staff_usd_per_gpu_month) / 730;
}

law law_of_owned(const mdl_owned *of)
{
    law l = *law_find("price-owned");
    l.of = of;
    return l;
}

law law_of_owned_full(const mdl_owned *of)
{
    law l = *law_find("price-owned-full");
    l.of = of;
    return l;
}

/* --- faults --- */

/* Share of so many places that are within a window, hours after a start outside of one. */
static double faulty(double hours, gsl_rng *r)
{
    const mdl_windows windows = {.mean_up_s = 8 * 3600, .mean_down_s = 2 * 3600};
    const int64_t at = (int64_t)(hours * HOUR_NS);
    int inside = 0;
    for (int i = 0; i < MANY; i++) {
        mdl_window w = {0, 0};
        size_t row = 0;
        while (w.end_ns <= at && mdl_window_next(&windows, r, w.end_ns, &row, &w)) {
        }
        inside += w.begin_ns <= at && at < w.end_ns;
    }
    return (double)inside / MANY;
}

static double faulty_exact(double hours)
{
    return 0.2 * (1 - exp(-hours * (1.0 / 8 + 1.0 / 2)));
}

#define RENEWAL "S. M. Ross: Stochastic Processes, 2nd edition, 1996"

static const law laws[] = {
    {.name = "spot-weibull",
     .formula = "P(gone by t) = 1 - exp(-((t - p) / s)^k) from p on, 0 before",
     .parameters = "shape k = 0.65, scale s = 20 h, protected p = 0; k = 1 is a hazard that does not depend on age",
     .source = "fitted to public availability records: see the rows of markets.csv",
     .x = "life of a node, h",
     .of = &weibull_market,
     .sample_of = lives,
     .exact_of = weibull_cdf},
    {.name = "spot-bathtub",
     .formula = "P(gone by t) = A (1 - exp(-t / a) + exp((t - end) / b)); what is left goes at the end",
     .parameters = "A = 0.45, a = 1 h, b = 0.8 h, end = 24 h",
     .source = "J. C. S. Kadupitiya, V. Jadhao, P. Sharma: arXiv 1911.05160",
     .x = "life of a node, h",
     .of = &bathtub_market,
     .sample_of = lives,
     .exact_of = bathtub_cdf},
    {.name = "stock-spells",
     .formula = "up and down in turn; share of time up = mean up / (mean up + mean down)",
     .parameters = "both exponential, mean up = 6 h",
     .source = RENEWAL,
     .x = "mean time down, h",
     .y = "share of time up",
     .at = stock_up,
     .exact = stock_up_exact,
     .from = 0.5,
     .to = 12,
     .points = 24,
     .within = 0.01},
    {.name = "stock-scarcity",
     .formula = "nodes (1 - s max(0, cos(2 pi (h - p) / 24))), rounded",
     .parameters = "nodes = 100, s = 0.6, peak hour p = 14",
     .source = "a half wave by day: by definition",
     .x = "local hour",
     .y = "nodes to be had",
     .of = &scarce_stock,
     .at_of = scarcity,
     .exact_of = scarcity_exact,
     .to = 24,
     .points = 97,
     .within = 0.501},
    {.name = "price-walk",
     .formula = "base exp(x - s^2/2), x normal with deviation s, kept within floor and cap",
     .parameters = "s = 0.3, floor = 0.6, cap = 1.4 of the base",
     .source = "G. E. Uhlenbeck, L. S. Ornstein: On the Theory of the Brownian Motion, Physical Review 36, 1930",
     .x = "price / base",
     .of = &walk,
     .sample_of = prices,
     .exact_of = prices_cdf},
    {.name = "price-memory",
     .formula = "corr(x(t), x(0)) = 2^(-t / half)",
     .parameters = "half-life = 6 h, steps of an hour",
     .source = "G. E. Uhlenbeck, L. S. Ornstein: On the Theory of the Brownian Motion, Physical Review 36, 1930",
     .x = "time, h",
     .y = "correlation",
     .at = memory,
     .exact = memory_exact,
     .to = 24,
     .points = 25,
     .within = 0.025},
    {.name = "price-owned",
     .formula = "(price (1 - residual) / months + maintenance price / 12) / GPUs / 730 + kW PUE energy + kW space / "
                "730",
     .parameters = "price = 24000 USD for 8 GPUs, residual = 0.1, maintenance = 0.05 a year, 0.5 kW a GPU, PUE = 1.5,\n"
                   "energy = 0.1 USD/kWh, space = 73 USD/kW a month",
     .source = "straight-line depreciation, a month of 730 h: by definition",
     .x = "months in use",
     .y = "USD per GPU-hour",
     .of = &owned_server,
     .at_of = owned,
     .exact_of = owned_exact,
     .from = 12,
     .to = 84,
     .points = 25,
     .within = 0.000001},
    {.name = "price-owned-full",
     .formula = "price-owned + (capital / 12 (price + residual price) / 2 / GPUs + staff) / 730",
     .parameters = "as price-owned; capital = 0.08 a year, staff = 14.6 USD a GPU and month",
     .source = "cost of capital on the mean value in the books: by definition",
     .x = "months in use",
     .y = "USD per GPU-hour",
     .of = &owned_server,
     .at_of = owned_full,
     .exact_of = owned_full_exact,
     .from = 12,
     .to = 84,
     .points = 25,
     .within = 0.000001},
    {.name = "fault-windows",
     .formula = "P(within a window at t) = d / (u + d) (1 - exp(-t (1/u + 1/d))), from outside at 0",
     .parameters = "mean time up u = 8 h, mean window d = 2 h, both exponential",
     .source = RENEWAL,
     .x = "time, h",
     .y = "share within a window",
     .at = faulty,
     .exact = faulty_exact,
     .to = 8,
     .points = 17,
     .within = 0.01},
};

const law_family law_supply = {"supply", "what a provider has, takes back and asks for, and what breaks", laws,
                               sizeof laws / sizeof laws[0]};
