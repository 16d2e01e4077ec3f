/* SPDX-License-Identifier: GPL-3.0-or-later */
/** stock.c - spells and levels of a provider's stock; records read by time. */
#include "models/provision/stock.h"

#include <math.h>

#include "models/random/variates.h"

static const double ns_per_h = 3600e9;
static const double shortest_h = 1.0 / 3600.0;

double mdl_stock_up_share(const mdl_stock *stock)
{
    double up = mdl_law_mean(&stock->up_h);
    double down = mdl_law_mean(&stock->down_h);
    return down > 0.0 ? up / (up + down) : 1.0;
}

int mdl_stock_start(const mdl_stock *stock, gsl_rng *r)
{
    return mdl_ran_uniform_pos(r) < mdl_stock_up_share(stock);
}

int64_t mdl_stock_spell(const mdl_stock *stock, int up, gsl_rng *r)
{
    if (up && !(mdl_law_mean(&stock->down_h) > 0.0)) {
        return INT64_MAX;
    }
    double hours = mdl_law_draw(up ? &stock->up_h : &stock->down_h, r);
    double ns = (hours > shortest_h ? hours : shortest_h) * ns_per_h;
    return ns < 9.2e18 ? (int64_t)llround(ns) : INT64_MAX;
}

int32_t mdl_stock_level(const mdl_stock *stock, double local_hour)
{
    if (!(stock->nodes > 0.0)) {
        return MDL_STOCK_ANY;
    }
    double wave = cos(2.0 * acos(-1.0) * (local_hour - stock->scarce_peak_h) / 24.0);
    return (int32_t)lround(stock->nodes * (1.0 - stock->scarce_share * (wave > 0.0 ? wave : 0.0)));
}

static size_t step_at(const mdl_stock_trace *trace, int64_t at_ns)
{
    int64_t i = at_ns / trace->step_ns;
    return (uint64_t)i < trace->count ? (size_t)i : trace->count - 1;
}

int32_t mdl_stock_trace_level(const mdl_stock_trace *trace, int64_t at_ns)
{
    return trace->level[step_at(trace, at_ns)];
}

int64_t mdl_stock_trace_next(const mdl_stock_trace *trace, int64_t at_ns)
{
    size_t i = step_at(trace, at_ns);
    for (size_t j = i + 1; j < trace->count; j++) {
        if (trace->level[j] != trace->level[i] ||
            (trace->price_uusd != NULL && trace->price_uusd[j] != trace->price_uusd[i])) {
            return (int64_t)j * trace->step_ns;
        }
    }
    return INT64_MAX;
}
