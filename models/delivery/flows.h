/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * flows.h - transfers that share links: every transfer crosses some links and may have a limit of its own; rates are
 * max-min fair (water-filling: raise all rates together; who meets a full link or his own limit stays there), as of
 * long TCP transfers with equal round trips (Bertsekas and Gallager, Data Networks, 6.5.2). Rates hold from one change
 * to the next, so completion times are exact, to the ns upwards, and not found by small steps.
 *
 * Passive: the caller says what time it is, never earlier than before, and must take out what is done (mdl_flows_pop)
 * at mdl_flows_next() or later. Units: bytes, bytes per second, ns.
 */
#ifndef MODELS_DELIVERY_FLOWS_H
#define MODELS_DELIVERY_FLOWS_H

#include <stdint.h>

/** Most links that one transfer crosses. */
#define MDL_FLOW_LINKS 4

typedef struct mdl_flows mdl_flows;

mdl_flows *mdl_flows_new(void);    /**< NULL if out of memory */
void mdl_flows_free(mdl_flows *f); /**< NULL allowed */
/** @param bytes_per_s  >= 0; 0: all that crosses it stands still @return number of the link, or -1 if out of memory */
int32_t mdl_flows_link(mdl_flows *f, double bytes_per_s);
/** From now on the link carries that much. */
void mdl_flows_link_set(mdl_flows *f, int64_t now_ns, int32_t link, double bytes_per_s);
/** Gives the number of a link back that no transfer crosses. */
void mdl_flows_link_remove(mdl_flows *f, int32_t link);
/**
 * Starts a transfer.
 * @param bytes  >= 0; 0 is done at once @param limit  own limit in bytes per second; 0 = none
 * @param links  [count] links, each once, count <= MDL_FLOW_LINKS; without links a limit is needed
 * @return its number (numbers of transfers that ended are used again), or -1 if out of memory
 */
int32_t mdl_flows_add(mdl_flows *f, int64_t now_ns, double bytes, double limit, const int32_t *links, int32_t count);
/** Stops a transfer that is under way. */
void mdl_flows_remove(mdl_flows *f, int64_t now_ns, int32_t flow);
/** When the next transfer is done, INT64_MAX if none is under way. */
int64_t mdl_flows_next(const mdl_flows *f);
/** Takes out a transfer that is done by now, the one started first; -1 = none. */
int32_t mdl_flows_pop(mdl_flows *f, int64_t now_ns);
double mdl_flows_left(const mdl_flows *f, int64_t now_ns, int32_t flow); /**< bytes to go */
double mdl_flows_rate(const mdl_flows *f, int32_t flow);                 /**< bytes per second at present */

#endif
