/* SPDX-License-Identifier: GPL-3.0-or-later */
/** calibrate_rig.h - an engine with a known law, and what a client of it would have written down. */
#ifndef TESTS_SUPPORT_CALIBRATE_RIG_H
#define TESTS_SUPPORT_CALIBRATE_RIG_H

#include "sim/calibrate/calibrate.h"

#define RIG_REQUESTS 600

extern const mdl_gpu rig_gpu;       /**< 1000 GB/s */
extern const mdl_model rig_model;   /**< 8 billion parameters, bf16 */
extern const mdl_profile rig_truth; /**< of both */

/**
 * What a client of an engine with the coefficients of `row` would have written down.
 * @param in gap_s  mean time between two arrivals, falling to a tenth of it and rising again three times
 * @param out o     to be freed
 */
void rig_log(const mdl_profile *row, double gap_s, observed *o);
/** Whether a note of the calibration holds the text. */
bool rig_notes_say(const calibration *c, const char *what);

#endif
