/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * scene.h - private to sim/report: a stretch of one service's time, drawn over the bins of the timeline of replication
 * 0 on an axis of time. The strips of report.html and the pages of bursts are made of it.
 */
#ifndef SIM_REPORT_SCENE_H
#define SIM_REPORT_SCENE_H

#include "sim/report/decisions.h"
#include "sim/report/svg.h"
#include "sim/report/view.h"

typedef struct rep_scene {
    const rep_view *v;
    const res_run *run;
    int32_t service;
    int32_t first, last; /**< bins */
    svg_axis time;       /**< simulated s */
} rep_scene;

/** The bins of [from_s, to_s] on the coordinates [left, right]; the timeline has a bin at least. */
rep_scene rep_scene_of(const rep_view *v, int32_t service, rep_window window, double left, double right);

/** What is drawn of a bin; what k counts is the function's own affair. NaN = nothing to draw. */
typedef double (*rep_level)(const rep_scene *s, int32_t bin, int32_t k);
double rep_level_demand(const rep_scene *s, int32_t bin, int32_t k);    /**< requests/s */
double rep_level_capacity(const rep_scene *s, int32_t bin, int32_t k);  /**< ready, requests/s, of the first k pools */
double rep_level_ready_rps(const rep_scene *s, int32_t bin, int32_t k); /**< of k = 0 no pools, of 1 all */
double rep_level_chain(const rep_scene *s, int32_t bin, int32_t k);     /**< replicas in the first k links to ready */
double rep_level_wanted(const rep_scene *s, int32_t bin, int32_t k);    /**< replicas */
double rep_level_ready(const rep_scene *s, int32_t bin, int32_t k);     /**< replicas */
double rep_level_waiting(const rep_scene *s, int32_t bin, int32_t k);   /**< k requests' worth of queue: 0 or all */
double rep_level_ttft(const rep_scene *s, int32_t bin, int32_t k);      /**< log10 of p50 (k = 0) or p95 (1) in s */

/** Highest finite level over the bins; 0 if there is none. */
double rep_scene_highest(const rep_scene *s, rep_level level, int32_t k);
/** Steps over the bins as a path of this class, open where there is nothing. */
void rep_scene_line(const rep_scene *s, const svg_axis *y, rep_level level, int32_t k, const char *style, FILE *out);
/** The area between level k and level k + 1; attributes: more than the class, or "". */
void rep_scene_area(const rep_scene *s, const svg_axis *y, rep_level level, int32_t k, const char *style,
                    const char *attributes, FILE *out);
/** Vertical lines at round times of day from top to end, their labels below. */
void rep_scene_clock(const rep_scene *s, double top, double end, FILE *out);
/** Time of day with seconds, "14:05:30". */
char *rep_clock_s(const sc_scenario *sc, double t_s, char buf[REP_CLOCK_SIZE]);

/** Links of res_timeline.chain_s for people; mean replicas in one during a bin. */
extern const char *const rep_chain_words[RES_CHAIN];
double rep_chain_replicas(const rep_view *v, const res_run *run, int32_t bin, int32_t service, int link);

#endif
