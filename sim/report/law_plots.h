/* SPDX-License-Identifier: GPL-3.0-or-later */
/** law_plots.h - the laws of sim/laws as CSV and pictures. */
#ifndef SIM_REPORT_LAW_PLOTS_H
#define SIM_REPORT_LAW_PLOTS_H

#include <stddef.h>

#include "sim/laws/laws.h"

#define LAW_SEED 1 /* of the pictures: the same points each time */

/**
 * Writes into DIR, made if missing, for each law NAME.csv (x, model, closed form, headed by the axes with their units;
 * model is empty between its points) and plots/NAME.svg and .png: the model's points over the line of the closed form,
 * with formula and parameters. Without gnuplot there are no pictures; why is said on stderr, once.
 * @return 0; -1 with a sentence
 */
int law_plots(const law *const *laws, size_t count, const char *dir, char *err, size_t err_size);

#endif
