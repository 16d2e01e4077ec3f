/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * rows.h - laws of the list with other parameters, as the rows of a table have them.
 *
 * Formula, axes and closed form are those of the list, but for law_of_day; name, parameters and source are still those
 * of its example and the caller's to set. What is handed over is borrowed.
 */
#ifndef SIM_LAWS_ROWS_H
#define SIM_LAWS_ROWS_H

#include "models/gpu/gpu.h"
#include "models/network/network.h"
#include "models/price/price.h"
#include "models/price/walk.h"
#include "models/provision/provision.h"
#include "models/provision/stock.h"
#include "models/spot/spot.h"
#include "sim/laws/laws.h"

law law_of_delay(const mdl_law *of);
law law_of_market(const mdl_market *of);
law law_of_walk(const mdl_walk *of);
/** How many nodes are to be had by the hour: of a stock with scarce_share. */
law law_of_level(const mdl_stock *of);
law law_of_jitter(const mdl_jitter *of); /**< on a way with a round trip of 30 ms */
law law_of_owned(const mdl_owned *of);   /**< by months in use, whatever the row has */
law law_of_owned_full(const mdl_owned *of);

/** Rates of a day. */
typedef struct law_day {
    double hours[24];          /**< relative */
    double low, high, weekend; /**< they lie between low and high; times weekend on Saturday and Sunday */
} law_day;
law law_of_day(const law_day *of); /**< one day by the hour, the next begins like it */

/** What an engine takes for a step of a model, on one GPU. */
typedef struct law_profile {
    const mdl_profile *profile;
    const mdl_model *model;
} law_profile;
law law_of_decode(const law_profile *of);
law law_of_prefill(const law_profile *of);

#endif
