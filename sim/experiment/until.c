/* SPDX-License-Identifier: GPL-3.0-or-later */
/* until.c - replications until a figure is known well enough; see experiment.h. */
#include "sim/experiment/experiment.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/report/report.h"

/* Adds a replication's value of the figure. @return 0, -1: memory */
static int look(const sc_scenario *sc, const res_run *run, const char *metric, stat_tally *tally)
{
    double value = (double)NAN;
    report_values *values = report_values_of(sc, run);
    if (values == NULL) {
        return -1;
    }
    if (report_value(values, metric, &value) == 0 && !isnan(value)) {
        stat_tally_add(tally, value);
    }
    report_values_free(values);
    return 0;
}

int exp_replicate_until(const sc_scenario *sc, const exp_options *options, const exp_goal *goal, res_run **runs,
                        exp_reached *reached, char *err, size_t err_size)
{
    const int32_t all = options->replications;
    exp_options step = *options;
    stat_tally tally;
    stat_tally_init(&tally);
    memset(runs, 0, (size_t)all * sizeof(res_run *));
    *reached = (exp_reached){.replications = 0};
    for (int32_t next = EXP_GOAL_FIRST; reached->replications < all && !reached->met; next += next / 4) {
        step.from = reached->replications;
        step.replications = next < all ? next : all;
        if (exp_replicate(sc, &step, runs, err, err_size) != 0) {
            return -1;
        }
        for (int32_t i = step.from; i < step.replications; i++) {
            if (look(sc, runs[i], goal->metric, &tally) != 0) {
                snprintf(err, err_size, "out of memory");
                return -1;
            }
        }
        reached->replications = step.replications;
        reached->mean = tally.mean;
        reached->half = stat_student_half_width(&tally, 0.95);
        reached->met = stat_goal_met(&goal->width, reached->half, reached->mean);
    }
    return 0;
}
