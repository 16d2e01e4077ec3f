/* SPDX-License-Identifier: GPL-3.0-or-later */
/** trace_picture.h - private to sim/report: the picture of a trace and of what is like one. */
#ifndef SIM_REPORT_TRACE_PICTURE_H
#define SIM_REPORT_TRACE_PICTURE_H

#include "sim/report/plots.h"
#include "sim/report/trace_report.h"

typedef struct trace_picture {
    const char *path;                     /**< of the trace; its last part is the title */
    const char *series, *column;          /**< file and column that are shown over time; NULL = none */
    const char *axis;                     /**< of that column */
    size_t points;                        /**< of the series */
    double begin_s;                       /**< what time_s 0 is, s since 1970 or of the file's clock */
    double from_s, to_s;                  /**< of time_s */
    bool has_input, has_output, has_gaps; /**< columns of trace-quantiles.csv */
} trace_picture;

/**
 * Draws DIR/plots/trace.svg and .png from the files in DIR. Why there is none is said on stderr.
 * @return 0, also without a picture; -1 with a sentence if the folder cannot be made
 */
int trace_draw(const trace_picture *p, const char *dir, char *err, size_t err_size);

#endif
