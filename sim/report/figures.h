/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * figures.h - private to sim/report: the figures of one replication as a flat list that has the shape of the JSON.
 *
 * One function builds the list; it is printed as it is for a replication, and several lists of the same scenario are
 * folded entry by entry into means and intervals. So a figure can never be missing from one of the two places.
 */
#ifndef SIM_REPORT_FIGURES_H
#define SIM_REPORT_FIGURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/report/json.h"
#include "sim/report/view.h"

typedef enum fig_kind {
    FIG_OBJECT = 1,
    FIG_ARRAY,
    FIG_END_OBJECT,
    FIG_END_ARRAY,
    FIG_TEXT,  /**< a name: the same in every replication */
    FIG_FIXED, /**< a real number that is part of the scenario, e.g. a limit */
    FIG_COUNT, /**< u */
    FIG_INT,   /**< i */
    FIG_REAL,  /**< real; NaN = does not exist */
    FIG_USD,   /**< i in micro-USD, printed as decimal USD */
    FIG_BOOL   /**< i; negative = does not exist */
} fig_kind;

typedef struct figure {
    fig_kind kind;
    const char *key;  /**< borrowed, NULL inside arrays */
    const char *text; /**< borrowed */
    double real;
    int64_t i;
    uint64_t u;
} figure;

typedef struct figures {
    figure *at;
    size_t count, room;
    bool failed; /**< memory ran out: the list is short */
} figures;

/** @param in bursts  false leaves the list of single bursts out: their number differs between replications */
void figures_of_run(figures *f, const rep_view *v, const res_run *run, bool bursts);
void figures_fini(figures *f);

/** One entry that is a number, as one: money in USD, a bool as 0 or 1; NaN = does not exist. */
double figure_number(const figure *e);

/** Prints f as members of the object that is open. */
void figures_print(const figures *f, rep_json *j);
/** Prints {mean, ci95_half_width} for each number of f[0..n-1], which have the same shape. */
void figures_print_pooled(const figures *f, int32_t n, rep_json *j);

#endif
