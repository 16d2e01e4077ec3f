/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * faults.h - what can go wrong in a fleet, and when it does.
 *
 * A fault is a kind (a row of one list: what it touches, what it does) and a law of windows: stretches of time during
 * which it holds. Passive: a call draws the next window, nothing is remembered here.
 *   schedule, record  the windows as written
 *   rate              an alternating renewal process: time until the next window ~ Exp(mean_up), its length ~
 *                     Exp(mean_down), so the share of time within windows tends to down / (up + down) (Ross, Stochastic
 *                     Processes, 2nd ed., section 3.4.1). It begins up, and being memoryless may begin at any time.
 */
#ifndef MODELS_FAULTS_FAULTS_H
#define MODELS_FAULTS_FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gsl/gsl_rng.h>

#include "models/engine/engine.h"

typedef enum mdl_fault_kind {
    MDL_FAULT_NODE = 0,
    MDL_FAULT_RACK,
    MDL_FAULT_CLUSTER,
    MDL_FAULT_REGION,
    MDL_FAULT_SLOW,
    MDL_FAULT_API_ERRORS,
    MDL_FAULT_API_HANG,
    MDL_FAULT_METRICS_MISSING,
    MDL_FAULT_METRICS_STALE,
    MDL_FAULT_METRICS_BIAS,
    MDL_FAULT_METRICS_FREEZE,
    MDL_FAULT_METRICS_SWAP,
    MDL_FAULT_ACTIONS_LOST,
    MDL_FAULT_ACTIONS_DUPLICATED,
    MDL_FAULTS
} mdl_fault_kind;

/** What one instance of a fault touches. */
typedef enum mdl_fault_scope {
    MDL_SCOPE_NODE = 1, /**< each place of a node in a pool by itself */
    MDL_SCOPE_RACK,     /**< each run of nodesPerRack such places */
    MDL_SCOPE_CLUSTER,
    MDL_SCOPE_REGION, /**< every cluster there; its users still reach other regions */
    MDL_SCOPE_API,    /**< actuations, of one cluster or of all */
    MDL_SCOPE_METRICS /**< samples, by service, cluster and metric, or all */
} mdl_fault_scope;

/** Which parameters a kind takes: bits of mdl_fault_type.needs. */
enum { MDL_NEEDS_FACTOR = 1, MDL_NEEDS_PROBABILITY = 2, MDL_NEEDS_METRIC_PAIR = 4, MDL_NEEDS_AFTER = 8 };

/** One const row for each kind. */
typedef struct mdl_fault_type {
    const char *name;
    mdl_fault_scope scope;
    unsigned needs;
    const char *summary; /**< what it does, with its formula */
} mdl_fault_type;

/** @return the row of a kind < MDL_FAULTS */
const mdl_fault_type *mdl_fault(mdl_fault_kind kind);

/** A stretch of time, begin <= t < end. */
typedef struct mdl_window {
    int64_t begin_ns, end_ns;
} mdl_window;

/** Either `at` (written windows, in order, apart) or the two means (> 0). */
typedef struct mdl_windows {
    const mdl_window *at; /**< [count]; NULL = by rate */
    size_t count;
    double mean_up_s, mean_down_s;
} mdl_windows;

/**
 * The window after `after_ns`; `row` (0 at first) counts the written ones. Those that were over by then are left out,
 * and of one that holds at that moment (a node may be new) only the rest is told. By rate: two exponential variates of
 * r a call (r is not used otherwise). @return false if there is none any more, or it lies beyond what int64 ns can hold
 */
bool mdl_window_next(const mdl_windows *windows, gsl_rng *r, int64_t after_ns, size_t *row, mdl_window *out);

/**
 * An engine on a node that may be slow: wraps another, whose clock runs 1/factor as fast while the node is slow, so
 * that everything in it takes `factor` times as long. Real times go in and come out; local and real time are tied by
 *   local = local0 + floor((real - real0) / factor),  real = real0 + ceil((local - local0) * factor)
 * with the factor in thousandths, since the last change. busy_ns is real time.
 * @param e             advanced to now_ns, owned from now on; NULL allowed (then NULL comes back)
 * @param factor_milli  from now on, >= 1000. An engine that was never slow needs no wrapper and is returned as it is
 * @return the engine to use from now on: e itself or what wraps it. NULL if out of memory (e is freed)
 */
mdl_engine *mdl_slowed(mdl_engine *e, int64_t now_ns, int64_t factor_milli);

#endif
