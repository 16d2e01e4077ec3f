/* SPDX-License-Identifier: GPL-3.0-or-later */
/** calibrate_runs.h - what calibrate says of several runs at once; private to cmd_calibrate.c. */
#ifndef SIM_CLI_CALIBRATE_RUNS_H
#define SIM_CLI_CALIBRATE_RUNS_H

#include "sim/calibrate/calibrate.h"

/** Files of folders that are not read: a line each on standard error. */
void calibrate_runs_passed_over(const observed *o);
/** The same for engine's logs that no run was told by, after observed_complete(). */
void calibrate_runs_idle_logs(const observed *o);
/**
 * Which they are, each fitted and replayed alone, and each replayed under the row of all, with their time outside.
 * @param in base  as for calibrate()
 * @return false if memory ran out
 */
bool calibrate_runs_print(const observed *o, const mdl_gpu *g, const mdl_model *m, const mdl_profile *base,
                          const calibration *all);

#endif
