/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * price.c - money.
 *
 * Usage (GPU-nanoseconds, bytes) is summed exactly in 128 bits by the caller and turned into money once, here, by
 * integer division rounded to nearest (halves away from zero). Only the price of an owned GPU starts in doubles: it is
 * worked out once per table row and rounded to a whole micro-USD per hour before anything is multiplied by it.
 */
#include "models/price/price.h"

#include <math.h>

#define NS_PER_HOUR  3600000000000LL
#define BYTES_PER_GB 1000000000LL

/* A year of 8760 h in 12 equal months: depreciation, space and maintenance then agree with each other. */
static const double hours_per_month = 730.0;

static double owned_usd_per_gpu_h(const mdl_owned *o)
{
    double per_gpu = o->server_usd / o->gpus_per_server;
    double depreciation = per_gpu * (1.0 - o->residual_share) / (o->months * hours_per_month);
    double energy = o->kw_per_gpu * o->pue * o->usd_per_kwh;
    double space = o->kw_per_gpu * o->space_usd_per_kw_month / hours_per_month;
    double maintenance = per_gpu * o->maintenance_share_per_year / (12.0 * hours_per_month);
    return depreciation + energy + space + maintenance;
}

static int64_t whole_uusd(double usd)
{
    double uusd = usd * 1e6;
    if (!(uusd < 9e18)) {
        return INT64_MAX;
    }
    return uusd > 0.0 ? (int64_t)llround(uusd) : 0;
}

int64_t mdl_owned_uusd_per_gpu_h(const mdl_owned *o)
{
    return whole_uusd(owned_usd_per_gpu_h(o));
}

int64_t mdl_owned_full_uusd_per_gpu_h(const mdl_owned *o)
{
    double book = o->server_usd / o->gpus_per_server * 0.5 * (1.0 + o->residual_share);
    double capital = o->capital_share_per_year * book / (12.0 * hours_per_month);
    return whole_uusd(owned_usd_per_gpu_h(o) + capital + o->staff_usd_per_gpu_month / hours_per_month);
}

/* quantity * price / unit. The quotient is split first so that the product cannot leave 128 bits. */
static int64_t scaled(mdl_wide quantity, int64_t price, int64_t unit)
{
    if (price == 0) {
        return 0;
    }
    mdl_wide whole = quantity / unit;
    mdl_wide rest = (quantity % unit) * (mdl_wide)price;
    mdl_wide half = rest < 0 ? -(mdl_wide)(unit / 2) : (mdl_wide)(unit / 2);
    const mdl_wide limit = (mdl_wide)INT64_MAX;
    if (whole > limit || whole < -limit) {
        return (whole < 0) == (price < 0) ? INT64_MAX : INT64_MIN;
    }
    mdl_wide total = whole * (mdl_wide)price + (rest + half) / unit;
    if (total > limit) {
        return INT64_MAX;
    }
    return total < (mdl_wide)INT64_MIN ? INT64_MIN : (int64_t)total;
}

int64_t mdl_cost_uusd(mdl_wide gpu_ns, int64_t uusd_per_gpu_h)
{
    return scaled(gpu_ns, uusd_per_gpu_h, NS_PER_HOUR);
}

int64_t mdl_cost_of_spells(mdl_wide uusd_gpu_ns_per_h)
{
    return scaled(uusd_gpu_ns_per_h, 1, NS_PER_HOUR);
}

int64_t mdl_storage_uusd(mdl_wide byte_ns, int64_t uusd_per_gb_month)
{
    const int64_t byte_ns_per_gb_s =
        BYTES_PER_GB * 1000000000LL; /* GB-seconds first: a GB-month in byte-ns is 2.6e24 */
    return scaled((byte_ns + byte_ns_per_gb_s / 2) / byte_ns_per_gb_s, uusd_per_gb_month, 730LL * 3600LL);
}

int64_t mdl_egress_uusd(mdl_wide bytes, int64_t uusd_per_gb)
{
    return scaled(bytes, uusd_per_gb, BYTES_PER_GB);
}
