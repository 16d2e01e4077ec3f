/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * plan.h - the cheapest configuration of a grid that meets conditions, found with a budget of runs.
 *
 * A configuration meets a condition when the mean of its figure over the replications does. Replication r of every
 * configuration has the same seed (common random numbers).
 *   1. Screening: one run of every configuration, or, where the grid is larger than half the budget, of a quarter of
 *      the budget spread evenly over it, followed by the untried neighbours of the best ones.
 *   2. The rest goes where it helps to tell the best from the others: optimal computing budget allocation for
 *      constrained optimisation (Chen, Lin, Yuecesan and Chick 2000; Lee, Pujowidianto, Li, Chen and Yap 2012). A
 *      configuration is ruled out by its cost or by a condition, whichever is easier; it needs runs in proportion to
 *      the inverse square of that distance in standard deviations.
 * Variances of few runs are drawn towards the mean variance of all configurations, relative to the mean where a figure
 * is positive; how strongly, their own spread says (sim/stats/prior.h).
 * The stated probability is a lower bound by Bonferroni's inequality over the configurations that were tried: that the
 * choice meets every condition and no other meets them all for less than 99 % of its cost.
 * What was not tried has a bound of its own: owned and reserved nodes are billed whatever comes, so a configuration
 * costs at least what its own do. The cheapest of these bounds says how far from the best of the whole grid the choice
 * can be.
 */
#ifndef SIM_EXPERIMENT_PLAN_H
#define SIM_EXPERIMENT_PLAN_H

#include "sim/experiment/check.h"
#include "sim/experiment/trials.h"

#define PLAN_POINTS_MAX 1000000
#define PLAN_KNOBS_MAX  8
#define PLAN_CLOSE      0.01 /**< cost within which two configurations count as equally good */
#define PLAN_BUDGET_MIN 10
#define PLAN_BOUND_MAX  10000 /**< untried configurations that are looked at for their bound */

typedef struct plan_knob {
    char *path;
    char **values; /**< [count] as an override takes them */
    int32_t count;
} plan_knob;

/**
 * Reads "PATH=A..B", "PATH=A..B:STEP" (numbers that end in the same unit, step 1 unless given) or "PATH=X|Y|Z".
 * @return 0, or -1 with a sentence in err
 */
int plan_knob_parse(const char *text, plan_knob *knob, char *err, size_t err_size);
void plan_knob_fini(plan_knob *knob);

/** Figures that are kept of each run, in this order, then the metric of each condition. */
enum { PLAN_COST = 0, PLAN_OWNED, PLAN_RENTED_ON_DEMAND, PLAN_RENTED_SPOT, PLAN_RESERVED, PLAN_LATENCY, PLAN_FIXED };

typedef struct plan_options {
    const plan_knob *knobs;
    int32_t knob_count;
    const check *slos;
    int32_t slo_count;
    const char *latency; /**< metric of the frontier */
    uint64_t seed;
    int32_t budget; /**< runs, >= PLAN_BUDGET_MIN */
    int32_t jobs;
    const volatile int *stop;
    kept_folder *kept; /**< as trials */
    /** loads a configuration: value[k] is an index into knobs[k].values. NULL with a sentence in err */
    sc_scenario *(*load)(void *user, const int32_t *value, char *err, size_t err_size);
    void (*unload)(sc_scenario *sc); /**< sc_free, but for tests */
    void *load_user;
    void (*done)(void *user, int32_t done, int32_t total);
    void *user;
} plan_options;

typedef struct plan_point {
    sc_scenario *sc; /**< NULL = not tried */
    int32_t runs;
    double *values; /**< [runs][metrics] */
} plan_point;

typedef struct plan {
    const plan_options *options;
    int32_t metrics;
    const char **names; /**< [metrics] */
    plan_point *points; /**< [point_count] the whole grid, the last knob fastest */
    int32_t point_count, tried, used;
    int32_t best;         /**< -1: nothing that was tried meets the conditions */
    int32_t second;       /**< the cheapest other one that does; -1: there is none */
    int32_t nearest;      /**< without a best: what comes closest to the conditions; else best */
    double sure;          /**< the probability above; NaN without a best */
    double sure_feasible; /**< that the best meets every condition */
    double floor_usd;     /**< no untried one costs less; INFINITY: all were tried; NaN: too many to look at */
    int32_t *front;       /**< [front_count] no other that was tried is cheaper and faster; cheapest first */
    int32_t front_count;
} plan;

/** @return 0; 1: stopped; -1 with a sentence in err; -2: a configuration could not be loaded. plan_fini in any case. */
int plan_run(plan *p, const plan_options *options, char *err, size_t err_size);
void plan_fini(plan *p);

/** What the owned and reserved nodes of a configuration cost between warm-up and end, USD. */
double plan_committed_usd(const sc_scenario *sc);
/** Sets floor_usd. Configurations that cannot be loaded are no competitors. Called by plan_run. */
void plan_bound(plan *p);

double plan_mean(const plan *p, int32_t point, int32_t metric);
double plan_half(const plan *p, int32_t point, int32_t metric); /**< 95 % Student; NaN below two runs */
bool plan_feasible(const plan *p, int32_t point);               /**< by the means */
void plan_values(const plan *p, int32_t point, int32_t *value); /**< [knob_count] */
/** The last word of a knob's path; the whole path where two knobs end in the same word. */
const char *plan_knob_name(const plan *p, int32_t knob);
/** "NAME=VALUE NAME=VALUE", by those names. @return buf */
char *plan_describe(const plan *p, int32_t point, char *buf, size_t size);
/** The cheapest tried one that meets the conditions at each value of a knob. @param out best [knobs[knob].count] */
void plan_profile(const plan *p, int32_t knob, int32_t *best);

#endif
