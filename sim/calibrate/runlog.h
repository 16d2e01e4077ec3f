/* SPDX-License-Identifier: GPL-3.0-or-later */
/** runlog.h - between runlog.c and runlog_lean.c; private to sim/calibrate. */
#ifndef SIM_CALIBRATE_RUNLOG_H
#define SIM_CALIBRATE_RUNLOG_H

#include "sim/calibrate/calibrate.h"

#define RUNLOG_TERMS 5 /**< A, B, E, C, F of a log; the last is not in one by the second */
#define RUNLOG_TRIM  3.0

/** What went on, one observation a row. */
typedef struct runlog_sums {
    double *x, *y; /**< [n * terms], [n] us */
    size_t n, terms;
} runlog_sums;

/** A law that a row states, in the terms of the sums; d is the mean number of decoding sequences. */
void runlog_law(const mdl_profile *row, double d, double law[RUNLOG_TERMS]);
/** Corrects out->row, the known one, by the two numbers that the sums tell. @return false if memory ran out */
bool runlog_lean(const runlog_sums *s, double running, calibration *out);

#endif
