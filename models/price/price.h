/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * price.h - money, exact in integers. Amounts are int64 micro-USD (uusd); results outside int64 stop at its ends.
 */
#ifndef MODELS_PRICE_PRICE_H
#define MODELS_PRICE_PRICE_H

#include <stdint.h>

__extension__ typedef __int128 mdl_wide; /**< exact sums of GPU-nanoseconds and bytes */

/** What a machine that is owned costs; a row of scenarios/tables/owned.csv. */
typedef struct mdl_owned {
    double server_usd, gpus_per_server, residual_share, months;
    double kw_per_gpu, pue, usd_per_kwh; /**< kw_per_gpu: GPU and its share of the host, under load */
    double space_usd_per_kw_month;       /**< colocation */
    double maintenance_share_per_year;   /**< of server_usd */
    double capital_share_per_year;       /**< what the money in the machines would earn elsewhere */
    double staff_usd_per_gpu_month;      /**< share of the people who run them */
} mdl_owned;

/**
 * micro-USD for each GPU-hour, used or not, rounded to nearest: straight-line depreciation to the residual value
 * + energy x PUE + space + maintenance, with a month of 730 h and a year of 12 months.
 * gpus_per_server and months must be > 0.
 */
int64_t mdl_owned_uusd_per_gpu_h(const mdl_owned *o);
/**
 * The same with cost of capital and staff: + capital_share x (price + residual) / 2 a year, the mean value in the books
 * under straight-line depreciation, + staff.
 */
int64_t mdl_owned_full_uusd_per_gpu_h(const mdl_owned *o);

/** gpu_ns x uusd per GPU-hour, rounded to nearest micro-USD (halves away from zero), exact in 128 bits. */
int64_t mdl_cost_uusd(mdl_wide gpu_ns, int64_t uusd_per_gpu_h);
/** The sum of GPU-ns x uusd per GPU-hour over spells of different prices, as money; rounded once, as above. */
int64_t mdl_cost_of_spells(mdl_wide uusd_gpu_ns_per_h);
/** bytes held x ns x micro-USD per GB-month (730 h), rounded to nearest; byte_ns is exact. */
int64_t mdl_storage_uusd(mdl_wide byte_ns, int64_t uusd_per_gb_month);
/** bytes x micro-USD per GB (1e9 bytes), rounded to nearest (halves away from zero), exact in 128 bits. */
int64_t mdl_egress_uusd(mdl_wide bytes, int64_t uusd_per_gb);

#endif
