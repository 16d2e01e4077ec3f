/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * rows.h - laws of the list with other parameters, as the rows of a table have them.
 *
 * Formula, axes and closed form are those of the list; name, parameters and source are still those of its example and
 * the caller's to set. What is handed over is borrowed.
 */
#ifndef SIM_LAWS_ROWS_H
#define SIM_LAWS_ROWS_H

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

#endif
