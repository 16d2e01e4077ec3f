/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * orders.h - every other order in which the cluster groups of a scenario's policies could stand, as overrides.
 *
 * The groups of a policy are the entries of spec.placement.clusterAffinities; a policy with fewer than two has one
 * order. With several such policies the orders of all are combined.
 */
#ifndef SIM_SCENARIO_ORDERS_H
#define SIM_SCENARIO_ORDERS_H

#include "sim/scenario/scenario.h"

typedef struct orders {
    char **sets;   /**< [count] for --set, several joined by '\n': PropagationPolicy/NAMESPACE/NAME:spec.placement... */
    char **labels; /**< [count] "owned > cloud", with several policies "chat: owned > cloud, batch: ..." */
    int32_t count; /**< without the order that is given */
} orders;

/**
 * @param in most  no more orders than this are listed
 * @return 0; 1: there are more, with a sentence in err; -1: likewise for anything else that went wrong. Free with
 *         orders_fini in any case
 */
int orders_list(const sc_scenario *sc, int32_t most, orders *o, char *err, size_t err_size);
void orders_fini(orders *o);

#endif
