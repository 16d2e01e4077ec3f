/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * stock_record.h - reads a record of availability: JSON as skypilot-org/spot-traces publishes it,
 *   {"metadata": {"gap_seconds": 300}, "data": [nodes obtainable, one integer a step], "prices": [USD, optional]}
 */
#ifndef SIM_SCENARIO_STOCK_RECORD_H
#define SIM_SCENARIO_STOCK_RECORD_H

#include "models/provision/stock.h"
#include "sched/manifest/zone.h"
#include "sim/scenario/csvfile.h"

/** @return false with "path:line:col: error: ..." ; the arrays are the zone's */
bool stock_record_read(const char *path, zone *z, mdl_stock_trace *out, csv_message *message);

#endif
