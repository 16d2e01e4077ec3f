/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * tables_supply.c - the tables of supply: markets with a longest life, stocks, spot price walks, delivery of images and
 * their layers, storage. Columns, checks and figures, as in tables_types.c.
 */
#include "sim/scenario/tables_columns.h"
#include "sim/scenario/tables_reader.h"

#include <math.h>
#include <stdio.h>

static bool within(double x, double low, double high)
{
    return x >= low && x <= high;
}

#define LIFE(F) AT(table_market, market.F, #F, MDL_COLUMN_REAL)
const mdl_column table_bathtub_columns[] = {
    TEXT(table_market, name), LIFE(early_share),   LIFE(early_h), LIFE(late_h), LIFE(end_h),
    LIFE(notice_s),           ORIGIN(table_market)};

const char *table_bathtub_check(void *row)
{
    mdl_market *m = &((table_market *)row)->market;
    m->hazard = MDL_HAZARD_BATHTUB;
    if (!within(m->early_share, 0.0, 1.0)) {
        return "early_share must be from 0 to 1";
    }
    if (!within(m->early_h, 1e-3, 1e4)) {
        return "early_h must be from 0.001 to 1e4";
    }
    if (!within(m->late_h, 1e-3, 1e4)) {
        return "late_h must be from 0.001 to 1e4";
    }
    if (!within(m->end_h, 1e-2, 1e5)) {
        return "end_h must be from 0.01 to 1e5";
    }
    return within(m->notice_s, 0.0, 86400.0) ? NULL : "notice_s must be from 0 to 86400";
}

void table_bathtub_figures(const void *row, char *text, size_t size)
{
    const mdl_market *m = &((const table_market *)row)->market;
    snprintf(text, size,
             "mean life %.2f h (bathtub: %.0f %% early within %.2f h, the rest towards %.4g h), notice %.0f s",
             mdl_spot_mean_h(m), m->early_share * 100.0, m->early_h, m->end_h, m->notice_s);
}

#define STOCK(F)    AT(table_stock, F, #F, MDL_COLUMN_REAL)
#define OF_STOCK(F) AT(table_stock, stock.F, #F, MDL_COLUMN_REAL)
const mdl_column table_stock_columns[] = {TEXT(table_stock, name), STOCK(up_scale_h),       STOCK(up_shape),
                                          STOCK(down_median_h),    STOCK(down_p90_h),       OF_STOCK(nodes),
                                          OF_STOCK(scarce_share),  OF_STOCK(scarce_peak_h), OF_STOCK(take_share),
                                          OF_STOCK(spread_share),  ORIGIN(table_stock)};

const char *table_stock_check(void *row)
{
    table_stock *p = row;
    if (!within(p->up_scale_h, 1e-3, 1e6)) {
        return "up_scale_h must be from 0.001 to 1e6";
    }
    if (!within(p->up_shape, 0.1, 20.0)) {
        return "up_shape must be from 0.1 to 20";
    }
    if (!within(p->down_median_h, 0.0, 1e6)) {
        return "down_median_h must be from 0 (never down) to 1e6";
    }
    if (!within(p->down_p90_h, p->down_median_h, 1e6)) {
        return "down_p90_h must be from down_median_h to 1e6";
    }
    if (!within(p->stock.nodes, 0.0, 1e6)) {
        return "nodes must be from 0 (any number) to 1e6";
    }
    if (!within(p->stock.scarce_share, 0.0, 1.0)) {
        return "scarce_share must be from 0 to 1";
    }
    if (!within(p->stock.scarce_peak_h, 0.0, 24.0)) {
        return "scarce_peak_h must be from 0 to 24";
    }
    if (!within(p->stock.take_share, 0.0, 1.0)) {
        return "take_share must be from 0 to 1";
    }
    if (!within(p->stock.spread_share, 0.0, 1.0)) {
        return "spread_share must be from 0 to 1";
    }
    p->stock.up_h = (mdl_law){MDL_LAW_WEIBULL, p->up_scale_h, p->up_shape, 0.0};
    p->stock.down_h =
        (mdl_law){p->down_median_h > 0.0 ? MDL_LAW_LOGNORMAL : MDL_LAW_CONSTANT, p->down_median_h, p->down_p90_h, 0.0};
    return NULL;
}

void table_stock_figures(const void *row, char *text, size_t size)
{
    const mdl_stock *s = &((const table_stock *)row)->stock;
    const double down_h = mdl_law_mean(&s->down_h);
    const int n = snprintf(text, size, "%.4g nodes, up %.0f %% of the time", s->nodes, 100.0 * mdl_stock_up_share(s));
    if (s->nodes > 0.0 && s->scarce_share > 0.0) {
        snprintf(text, size, "%.4g nodes, %.0f %% fewer at %02.0f:00", s->nodes, 100.0 * s->scarce_share,
                 s->scarce_peak_h);
    } else if (down_h > 0.0 && n > 0) {
        char nodes[32] = "any number";
        if (s->nodes > 0.0) {
            snprintf(nodes, sizeof nodes, "%.4g nodes", s->nodes);
        }
        snprintf(text, size, "%s, up %.0f %% of the time (mean %.2f h up, %.2f h down), a drop takes %.0f %%", nodes,
                 100.0 * mdl_stock_up_share(s), mdl_law_mean(&s->up_h), down_h, 100.0 * s->take_share);
    }
}

#define WALK(F) AT(table_walk, walk.F, #F, MDL_COLUMN_REAL)
const mdl_column table_walk_columns[] = {TEXT(table_walk, name), WALK(step_s),    WALK(half_life_h), WALK(sigma),
                                         WALK(floor_share),      WALK(cap_share), ORIGIN(table_walk)};

const char *table_walk_check(void *row)
{
    const mdl_walk *w = &((const table_walk *)row)->walk;
    if (!within(w->step_s, 1.0, 86400.0)) {
        return "step_s must be from 1 to 86400";
    }
    if (!within(w->half_life_h, 1e-3, 1e5)) {
        return "half_life_h must be from 0.001 to 1e5";
    }
    if (!within(w->sigma, 0.0, 3.0)) {
        return "sigma must be from 0 to 3";
    }
    if (!within(w->floor_share, 0.0, 1.0)) {
        return "floor_share must be from 0 to 1";
    }
    return within(w->cap_share, 1.0, 1e3) ? NULL : "cap_share must be from 1 to 1000";
}

void table_walk_figures(const void *row, char *text, size_t size)
{
    const mdl_walk *w = &((const table_walk *)row)->walk;
    snprintf(text, size, "every %.4g s, half-life %.4g h, spread %.0f %%, within %.2f and %.2f of the base price",
             w->step_s, w->half_life_h, 100.0 * w->sigma, w->floor_share, w->cap_share);
}

#define DELIVERY(F) AT(table_delivery, F, #F, MDL_COLUMN_REAL)
const mdl_column table_delivery_columns[] = {
    TEXT(table_delivery, name), DELIVERY(origin_gb_per_s),   DELIVERY(region_gb_per_s),
    DELIVERY(nic_gb_per_s),     DELIVERY(peer_gb_per_s),     DELIVERY(disk_gb_per_s),
    DELIVERY(cache_gb),         DELIVERY(replication_lag_s), ORIGIN(table_delivery)};

const char *table_delivery_check(void *row)
{
    const table_delivery *d = row;
    if (!within(d->origin_gb_per_s, 1e-6, 1e6)) {
        return "origin_gb_per_s must be above 0 and at most 1e6";
    }
    if (!within(d->region_gb_per_s, 1e-6, 1e6)) {
        return "region_gb_per_s must be above 0 and at most 1e6";
    }
    if (!within(d->nic_gb_per_s, 1e-6, 1e6)) {
        return "nic_gb_per_s must be above 0 and at most 1e6";
    }
    if (!within(d->peer_gb_per_s, 1e-6, 1e6)) {
        return "peer_gb_per_s must be above 0 and at most 1e6";
    }
    if (!within(d->disk_gb_per_s, 1e-6, 1e6)) {
        return "disk_gb_per_s must be above 0 and at most 1e6";
    }
    if (!within(d->cache_gb, 1.0, 1e6)) {
        return "cache_gb must be from 1 to 1e6";
    }
    return within(d->replication_lag_s, 0.0, 1e7) ? NULL : "replication_lag_s must be from 0 to 1e7";
}

void table_delivery_figures(const void *row, char *text, size_t size)
{
    const table_delivery *d = row;
    snprintf(text, size,
             "origin %.4g, region %.4g, node %.4g, peer %.4g, disk %.4g GB/s; cache %.0f GB, replicas after %.0f s",
             d->origin_gb_per_s, d->region_gb_per_s, d->nic_gb_per_s, d->peer_gb_per_s, d->disk_gb_per_s, d->cache_gb,
             d->replication_lag_s);
}

const mdl_column table_layer_columns[] = {TEXT(table_layer, model), TEXT(table_layer, digest), REAL(table_layer, gb),
                                          ORIGIN(table_layer)};

const char *table_layer_check(void *row)
{
    return within(((const table_layer *)row)->gb, 0.0, 1e4) ? NULL : "gb must be from 0 to 1e4";
}

void table_layer_figures(const void *row, char *text, size_t size)
{
    snprintf(text, size, "%.4g GB compressed", ((const table_layer *)row)->gb);
}

const mdl_column table_storage_columns[] = {TEXT(table_storage, provider), REAL(table_storage, usd_per_gb_month),
                                            ORIGIN(table_storage)};

const char *table_storage_check(void *row)
{
    table_storage *s = row;
    if (!within(s->usd_per_gb_month, 0.0, 1e3)) {
        return "usd_per_gb_month must be from 0 to 1000";
    }
    s->uusd_per_gb_month = (int64_t)llround(s->usd_per_gb_month * 1e6);
    return NULL;
}

void table_storage_figures(const void *row, char *text, size_t size)
{
    snprintf(text, size, "%.4g USD per GB-month", ((const table_storage *)row)->usd_per_gb_month);
}
