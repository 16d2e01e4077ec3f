/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * spec_faults.c - the accepted keys of spec.faults[]. What a kind takes beside its windows stands in the list of
 * models/faults; keys that a kind does not take are refused, so that nothing is written in vain.
 */
#include "sim/scenario/spec_part.h"

#include <string.h>

#define DAYS(n)     ((n)*86400.0)
#define FACTOR_NONE 0.0

/* clang-format off */

static const bind_name kind_names[] = {
    {"node", MDL_FAULT_NODE}, {"rack", MDL_FAULT_RACK}, {"cluster", MDL_FAULT_CLUSTER}, {"region", MDL_FAULT_REGION},
    {"slow", MDL_FAULT_SLOW}, {"api-errors", MDL_FAULT_API_ERRORS}, {"api-hang", MDL_FAULT_API_HANG},
    {"metrics-missing", MDL_FAULT_METRICS_MISSING}, {"metrics-stale", MDL_FAULT_METRICS_STALE},
    {"metrics-bias", MDL_FAULT_METRICS_BIAS}, {"metrics-freeze", MDL_FAULT_METRICS_FREEZE},
    {"metrics-swap", MDL_FAULT_METRICS_SWAP}, {"actions-lost", MDL_FAULT_ACTIONS_LOST},
    {"actions-duplicated", MDL_FAULT_ACTIONS_DUPLICATED}, {NULL, 0}};

static bool refuse(bind *b, const ynode *node, const char *text, const char *kind)
{
    ynode_error(b->diag, node, "a fault of kind '%s' %s", kind, text);
    return false;
}

static bool check_when(bind *b, const ynode *node, const spec_fault *f)
{
    const bool by_rate = f->mean_up_ns > 0 || f->mean_down_ns > 0;
    const bool by_times = f->at_count > 0 || f->for_ns > 0;
    if (by_rate + by_times + (f->file != NULL) != 1) {
        ynode_error(b->diag, node, "a fault needs exactly one law of time: 'at' and 'for', 'meanUp' and 'meanDown', or "
                    "'file'");
        return false;
    }
    if ((by_times && (f->at_count == 0 || f->for_ns == 0)) ||
        (by_rate && (f->mean_up_ns == 0 || f->mean_down_ns == 0))) {
        ynode_error(b->diag, node, by_times ? "'at' and 'for' go together" : "'meanUp' and 'meanDown' go together");
        return false;
    }
    for (size_t i = 1; i < f->at_count; i++) {
        if (f->at[i] - f->at[i - 1] < f->for_ns) {
            ynode_error(b->diag, f->at_node, "the times of 'at' must rise, at least 'for' apart");
            return false;
        }
    }
    return true;
}

static bool check_target(bind *b, const ynode *node, const spec_fault *f, const mdl_fault_type *type)
{
    const bool nodes = type->scope == MDL_SCOPE_NODE || type->scope == MDL_SCOPE_RACK;
    const bool metrics = type->scope == MDL_SCOPE_METRICS;
    const bool stale = f->kind == MDL_FAULT_METRICS_STALE;
    if ((f->region != NULL) != (type->scope == MDL_SCOPE_REGION)) {
        return refuse(b, node, f->region != NULL ? "takes no 'region'" : "needs 'region'", type->name);
    }
    if (f->cluster == NULL && type->scope == MDL_SCOPE_CLUSTER) {
        return refuse(b, node, "needs 'cluster'", type->name);
    }
    if (f->cluster != NULL && (type->scope == MDL_SCOPE_REGION || stale)) {
        return refuse(b, f->cluster_node, "takes no 'cluster'", type->name);
    }
    if (f->pool != NULL && !nodes) {
        return refuse(b, f->pool_node, "takes no 'pool'", type->name);
    }
    if (f->pool != NULL && f->cluster == NULL) {
        return refuse(b, f->pool_node, "with 'pool' needs 'cluster', too", type->name);
    }
    if (f->index >= 0 && (!nodes || f->pool == NULL)) {
        return refuse(b, node, nodes ? "with 'index' needs 'pool', too" : "takes no 'index'", type->name);
    }
    if (f->service != NULL && (!metrics || stale)) {
        return refuse(b, f->service_node, "takes no 'service'", type->name);
    }
    if (f->metric != NULL && (!metrics || stale)) {
        return refuse(b, f->metric_node, "takes no 'metric'", type->name);
    }
    if (f->lose && !nodes && type->scope != MDL_SCOPE_CLUSTER && type->scope != MDL_SCOPE_REGION) {
        return refuse(b, node, "takes no 'lose'", type->name);
    }
    return true;
}

static bool check_needs(bind *b, const ynode *node, const spec_fault *f, const mdl_fault_type *type)
{
    const struct { bool given; unsigned bit; const char *needs, *takes; } keys[] = {
        {f->factor > FACTOR_NONE, MDL_NEEDS_FACTOR, "needs 'factor'", "takes no 'factor'"},
        {f->probability > 0, MDL_NEEDS_PROBABILITY, "needs 'probability'", "takes no 'probability'"},
        {f->with != NULL, MDL_NEEDS_METRIC_PAIR, "needs 'metric' and 'with'", "takes no 'with'"},
        {f->after_ns > 0, MDL_NEEDS_AFTER, "needs 'after'", "takes no 'after'"},
        {f->per_rack > 0, 0, "", "takes no 'nodesPerRack'"}};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const bool wanted = (type->needs & keys[i].bit) != 0 || (keys[i].bit == 0 && type->scope == MDL_SCOPE_RACK);
        if (keys[i].given != wanted) {
            return refuse(b, node, !wanted ? keys[i].takes : keys[i].bit == 0 ? "needs 'nodesPerRack'" : keys[i].needs,
                          type->name);
        }
    }
    if (f->with != NULL && f->metric == NULL) {
        return refuse(b, node, "needs 'metric' and 'with'", type->name);
    }
    if (f->kind == MDL_FAULT_SLOW && f->factor < 1.0) {
        return refuse(b, node, "needs a 'factor' of 1 or more: how many times as long work takes", type->name);
    }
    return true;
}

static bool fault_check(bind *b, const ynode *node, void *object)
{
    const spec_fault *f = object;
    const mdl_fault_type *type = mdl_fault((mdl_fault_kind)f->kind);
    return check_when(b, node, f) && check_target(b, node, f, type) && check_needs(b, node, f, type);
}

static const bind_field fault_fields[] = {
    {.key = "kind", .kind = BIND_ENUM, .required = true, .names = kind_names, BIND_AT(spec_fault, kind),
     .help = "what goes wrong"},
    {.key = "region", .kind = BIND_STRING, BIND_AT(spec_fault, region), BIND_NODE_AT(spec_fault, region_node),
     .help = "region: which one; users there still reach other regions"},
    {.key = "cluster", .kind = BIND_STRING, BIND_AT(spec_fault, cluster), BIND_NODE_AT(spec_fault, cluster_node),
     .help = "cluster: which one; nodes, actions and metrics: only those of it"},
    {.key = "pool", .kind = BIND_STRING, BIND_AT(spec_fault, pool), BIND_NODE_AT(spec_fault, pool_node),
     .help = "node, rack, slow: only of this pool of `cluster`"},
    {.key = "index", .kind = BIND_INT32, .preset = "-1", .range = BIND_MIN | BIND_MAX, .min = -1, .max = SPW_NODES_MAX,
     BIND_AT(spec_fault, index), .help = "node, rack, slow: only this node's place, or rack, from 0; -1 = every one"},
    {.key = "nodesPerRack", .kind = BIND_INT32, .range = BIND_MIN | BIND_MAX, .min = 1, .max = SPW_NODES_MAX,
     BIND_AT(spec_fault, per_rack), .help = "rack: places of nodes that fail together"},
    {.key = "service", .kind = BIND_STRING, BIND_AT(spec_fault, service), BIND_NODE_AT(spec_fault, service_node),
     .help = "metrics: only of this workload, namespace/name"},
    {.key = "metric", .kind = BIND_STRING, BIND_AT(spec_fault, metric), BIND_NODE_AT(spec_fault, metric_node),
     .help = "metrics: only this one"},
    {.key = "with", .kind = BIND_STRING, BIND_AT(spec_fault, with), BIND_NODE_AT(spec_fault, with_node),
     .help = "metrics-swap: the other metric"},
    {.key = "factor", .kind = BIND_DOUBLE, .range = BIND_ABOVE | BIND_MAX, .min = FACTOR_NONE, .max = 1000.0,
     BIND_AT(spec_fault, factor), .help = "slow: work takes this many times as long; metrics-bias: value times this"},
    {.key = "probability", .kind = BIND_DOUBLE, .range = BIND_ABOVE | BIND_MAX, .min = 0.0, .max = 1.0,
     BIND_AT(spec_fault, probability), .help = "actions-lost, actions-duplicated: of each action"},
    {.key = "after", .kind = BIND_DURATION, .range = BIND_ABOVE | BIND_MAX, .min = 0.0, .max = 86400.0,
     BIND_AT(spec_fault, after_ns), .help = "actions-duplicated: when the second copy arrives"},
    {.key = "lose", .kind = BIND_BOOL, .preset = "false", BIND_AT(spec_fault, lose),
     .help = "node, rack, cluster, region: requests there fail; default: they are routed anew, from their start"},
    {.key = "at", .kind = BIND_SCALARS, .item = BIND_DURATION, .range = BIND_MIN | BIND_MAX, .min = 0.0,
     .max = DAYS(366.0), BIND_AT(spec_fault, at), BIND_COUNT(spec_fault, at_count), BIND_NODE_AT(spec_fault, at_node),
     .help = "by schedule: when it begins, simulated times"},
    {.key = "for", .kind = BIND_DURATION, .range = BIND_ABOVE | BIND_MAX, .min = 0.0, .max = DAYS(366.0),
     BIND_AT(spec_fault, for_ns), .help = "by schedule: how long each time"},
    {.key = "meanUp", .kind = BIND_DURATION, .range = BIND_ABOVE | BIND_MAX, .min = 0.0, .max = DAYS(36600.0),
     BIND_AT(spec_fault, mean_up_ns), .help = "by rate: mean time to the next, exponential, for each instance"},
    {.key = "meanDown", .kind = BIND_DURATION, .range = BIND_ABOVE | BIND_MAX, .min = 0.0, .max = DAYS(366.0),
     BIND_AT(spec_fault, mean_down_ns), .help = "by rate: mean length, exponential"},
    {.key = "file", .kind = BIND_STRING, BIND_AT(spec_fault, file), BIND_NODE_AT(spec_fault, file_node),
     .help = "by record: CSV with begin_s and end_s, seconds of simulated time, relative to this file"},
    {.key = NULL}};
const bind_table spec_fault_table = {.name = "fault", .size = sizeof(spec_fault), .fields = fault_fields,
                                     .self_at = offsetof(spec_fault, self) + 1u, .check = fault_check};
