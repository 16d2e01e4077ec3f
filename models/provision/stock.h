/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * stock.h - how many nodes of a kind a provider has to give, over time.
 *
 * A stock is up or down in turn (alternating renewal: spells drawn from two laws); while it is up it holds `nodes`,
 * less what the time of day takes: with scarcity s and peak hour p, at local hour h it holds nodes x (1 - s x max(0,
 * cos(2 pi (h - p) / 24))),  rounded to nearest. While it is down it holds nothing. On a spot market the end of an up
 * spell is a shock: each node that runs is taken with probability `take`, independently (but none that its market
 * protects then), and each other stock of the same class in the region goes down, too, with probability `spread`
 * (two-state model per zone with a shared regional shock, fitted to skypilot-org/spot-traces). A recorded stock
 * replaces the law: one level for each step of time, held until the next one.
 */
#ifndef MODELS_PROVISION_STOCK_H
#define MODELS_PROVISION_STOCK_H

#include <stddef.h>

#include "models/provision/provision.h"

/** A level that means: as many as anybody asks for. */
#define MDL_STOCK_ANY INT32_MAX

/** A row of scenarios/tables/stocks.csv. */
typedef struct mdl_stock {
    mdl_law up_h, down_h; /**< lengths of spells, hours; down_h of mean 0 = never down */
    double nodes;         /**< while up; 0 = as many as anybody asks for */
    double scarce_share;  /**< 0..1 of the nodes are not to be had at the peak hour */
    double scarce_peak_h; /**< 0..24, local time */
    double take_share;    /**< 0..1 */
    double spread_share;  /**< 0..1 */
} mdl_stock;

/** A recorded level: level[i] holds from i x step_ns on, the last one for ever. Borrowed. */
typedef struct mdl_stock_trace {
    const int32_t *level;
    const int64_t *price_uusd; /**< per node-hour of the record, NULL if it carries none */
    size_t count;
    int64_t step_ns;
} mdl_stock_trace;

/** Whether the stock is up at the start: with the share of time that it is up in the long run. One uniform variate. */
int mdl_stock_start(const mdl_stock *stock, gsl_rng *r);
/** Length of a spell in ns, at least 1 s; INT64_MAX if it does not end within 290 years. */
int64_t mdl_stock_spell(const mdl_stock *stock, int up, gsl_rng *r);
/** Share of time up in the long run, mean up / (mean up + mean down). */
double mdl_stock_up_share(const mdl_stock *stock);
/** Nodes it holds in all at a local hour (0..24) while it is up; MDL_STOCK_ANY if it is not limited. */
int32_t mdl_stock_level(const mdl_stock *stock, double local_hour);
/** Level of a record at a time >= 0. count must be > 0. */
int32_t mdl_stock_trace_level(const mdl_stock_trace *trace, int64_t at_ns);
/** When the record changes level next, after `at_ns`; INT64_MAX = never. */
int64_t mdl_stock_trace_next(const mdl_stock_trace *trace, int64_t at_ns);

#endif
