/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * sweep_file.h - a file of kind Sweep: a scenario, axes of values, seeds.
 *
 * Every combination of one value from each axis is a setting; every setting with every seed is a point. The last axis
 * turns fastest, seeds faster still, so the order of points is the order in which the file reads.
 */
#ifndef SIM_SCENARIO_SWEEP_FILE_H
#define SIM_SCENARIO_SWEEP_FILE_H

#include "sim/scenario/scenario.h"

#define SWEEP_POINTS_MAX 1000000
#define SWEEP_AXES_MAX   16

typedef struct sweep_axis {
    const char *name;
    const char *path;    /**< what varies, as sc_override takes it */
    const char **values; /**< [count] as sc_override takes them */
    const char **labels; /**< [count] as people read them */
    int32_t count;
    int32_t line, column; /**< of the axis in the file */
} sweep_axis;

typedef struct sweep_file {
    const char *path, *name, *description;
    const char *text;     /**< the file as it was read */
    const char *scenario; /**< path, relative to the working directory */
    int32_t scenario_line, scenario_column;
    const sc_override *sets; /**< for every point */
    int32_t set_count;
    sweep_axis *axes;
    int32_t axis_count;
    const uint64_t *seeds;
    int32_t seed_count;                   /**< 0: the scenario's own */
    const char *const *metrics;           /**< names of report_value() */
    int32_t metric_count;                 /**< 0: none were named */
    int32_t metrics_line, metrics_column; /**< of the list, of the file when there is none */
    int32_t pareto_line, pareto_column;
    const char *pareto[2]; /**< metrics whose trade-off is drawn; NULL = the first two */
    uint64_t hash;         /**< of the file's bytes */
} sweep_file;

/** @return the file, or NULL with messages. Free with sweep_free. */
sweep_file *sweep_load(const char *path, sc_messages *messages);
void sweep_free(sweep_file *file); /**< NULL allowed */

/** Prints the accepted keys, as sc_print_schema(). */
void sweep_print_schema(FILE *file);

#endif
