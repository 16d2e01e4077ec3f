/* SPDX-License-Identifier: GPL-3.0-or-later */
/* faults.c - the list of faults, and the law of their windows. */
#include "models/faults/faults.h"

#include <math.h>

static const mdl_fault_type types[MDL_FAULTS] = {
    [MDL_FAULT_NODE] = {"node", MDL_SCOPE_NODE, 0,
                        "the node is off: its replicas are gone at once, nothing starts on it; it comes back without "
                        "replicas, its files still there"},
    [MDL_FAULT_RACK] = {"rack", MDL_SCOPE_RACK, 0, "all nodes of a rack are off together: place / nodesPerRack"},
    [MDL_FAULT_CLUSTER] = {"cluster", MDL_SCOPE_CLUSTER, 0,
                           "all nodes of the cluster are off and it is reported as not ready"},
    [MDL_FAULT_REGION] = {"region", MDL_SCOPE_REGION, 0, "every cluster of the region as with 'cluster'"},
    [MDL_FAULT_SLOW] = {"slow", MDL_SCOPE_NODE, MDL_NEEDS_FACTOR,
                        "engines on the node take factor times as long; two at once: the product"},
    [MDL_FAULT_API_ERRORS] = {"api-errors", MDL_SCOPE_API, 0,
                              "the API server refuses actions, whatever else would become of them; the rest of that "
                              "plan is not sent"},
    [MDL_FAULT_API_HANG] = {"api-hang", MDL_SCOPE_API, 0, "actions are taken and carried out when the fault is over"},
    [MDL_FAULT_METRICS_MISSING] = {"metrics-missing", MDL_SCOPE_METRICS, 0, "no samples"},
    [MDL_FAULT_METRICS_STALE] = {"metrics-stale", MDL_SCOPE_METRICS, 0,
                                 "nothing is read at all: the last reading stays, and grows old"},
    [MDL_FAULT_METRICS_BIAS] = {"metrics-bias", MDL_SCOPE_METRICS, MDL_NEEDS_FACTOR, "value x factor"},
    [MDL_FAULT_METRICS_FREEZE] = {"metrics-freeze", MDL_SCOPE_METRICS, 0,
                                  "each pod's value of the reading before, under a fresh time"},
    [MDL_FAULT_METRICS_SWAP] = {"metrics-swap", MDL_SCOPE_METRICS, MDL_NEEDS_METRIC_PAIR,
                                "metric shows the value of `with`, and the other way round"},
    [MDL_FAULT_ACTIONS_LOST] = {"actions-lost", MDL_SCOPE_API, MDL_NEEDS_PROBABILITY,
                                "an action is acknowledged and never carried out, not after a hang either, each with "
                                "this probability"},
    [MDL_FAULT_ACTIONS_DUPLICATED] =
        {"actions-duplicated", MDL_SCOPE_API, MDL_NEEDS_PROBABILITY | MDL_NEEDS_AFTER,
         "an action that is carried out is so again `after` later, each with this probability"},
};

const mdl_fault_type *mdl_fault(mdl_fault_kind kind)
{
    return &types[kind];
}

static double exponential_ns(gsl_rng *r, double mean_s)
{
    return -log1p(-gsl_rng_uniform(r)) * mean_s * 1e9;
}

bool mdl_window_next(const mdl_windows *windows, gsl_rng *r, int64_t after_ns, size_t *row, mdl_window *out)
{
    if (windows->at != NULL) {
        while (*row < windows->count && windows->at[*row].end_ns <= after_ns) {
            (*row)++;
        }
        if (*row >= windows->count) {
            return false;
        }
        *out = windows->at[(*row)++];
        out->begin_ns = out->begin_ns > after_ns ? out->begin_ns : after_ns;
        return true;
    }
    const double up_ns = exponential_ns(r, windows->mean_up_s);
    const double down_ns = exponential_ns(r, windows->mean_down_s);
    const double room_ns = 4e18 - (double)after_ns;
    if (up_ns + down_ns > room_ns) {
        return false;
    }
    (*row)++;
    out->begin_ns = after_ns + llround(up_ns);
    out->end_ns = out->begin_ns + llround(down_ns) + 1;
    return true;
}
