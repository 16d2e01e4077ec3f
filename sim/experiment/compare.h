/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * compare.h - paired replications of a baseline and its candidates, and what can be said of their differences.
 *
 * Pair r of a candidate is its replication r less the baseline's replication r, both on the same random numbers. For
 * each figure the differences of all pairs in which it exists on both sides give a mean and a Student interval. With k
 * candidates the intervals are those of level 1 - 0.05 / k (Bonferroni), so all k intervals of one figure hold
 * together with 95 %; p-values are adjusted by Holm. A difference is shown when its interval leaves out zero.
 * Several figures of one candidate are not corrected for each other: decide on one of them beforehand.
 *
 * Variance reduction of a figure: (var(A) + var(B)) / var(B - A), what the same number of independent runs would have
 * against the pairs; Law and Kelton, Simulation Modeling and Analysis, 11.2.
 */
#ifndef SIM_EXPERIMENT_COMPARE_H
#define SIM_EXPERIMENT_COMPARE_H

#include "sim/experiment/trials.h"
#include "sim/stats/output.h"

#define COMPARE_MIN        2   /**< replications */
#define COMPARE_GOAL_FIRST 10  /**< replications before a goal is looked at */
#define COMPARE_GOAL_MAX   200 /**< replications after which it is given up, unless said otherwise */

typedef struct cmp_metric {
    const char *name;  /**< of report_value() */
    const char *label; /**< for people; NULL: the name */
    int sense;         /**< -1 less is better, 1 more is better, 0 neither */
} cmp_metric;

/** What is compared when nothing else is named. The first is the cost, of which a goal speaks. */
extern const cmp_metric cmp_default_metrics[];
extern const int32_t cmp_default_metric_count;
enum { CMP_COST = 0, CMP_TTFT_P99 = 4 }; /**< rows of it that the verdict names first */
enum { CMP_ATTAINMENT = 9 };             /**< row of it by which a side is fit to be the best in hindsight */
enum { CMP_SIDES = 27 };                 /**< at most */

typedef struct cmp_options {
    sc_scenario *const *sides; /**< [side_count] the baseline first */
    const char *const *labels; /**< [side_count] */
    int32_t side_count;        /**< 2 .. CMP_SIDES: letters A, B, ... */
    const cmp_metric *metrics; /**< [metric_count] cmp_default_metrics and more behind them */
    int32_t metric_count;
    uint64_t seed;
    int32_t replications; /**< with a goal: at most so many */
    const stat_goal
        *goal;           /**< for the half width of each difference in cost, relative to the baseline's; may be NULL */
    const double *slack; /**< report the regret of A, see regret.h; NULL = not */
    int32_t jobs;
    const volatile int *stop;
    kept_folder *kept;                                     /**< as trials */
    void (*done)(void *user, int32_t done, int32_t total); /**< as trials */
    void *user;
} cmp_options;

/** One figure of one side, over the replications in which it exists; NaN where there is nothing to say. */
typedef struct cmp_figure {
    int32_t runs;
    double mean, half; /**< of the side itself, 95 % */
    int32_t pairs;
    double base;      /**< mean of the baseline over the pairs */
    double diff;      /**< mean of candidate - baseline */
    double diff_half; /**< Bonferroni */
    double p, p_holm; /**< of no difference */
    double reduction; /**< of variance, by pairing; infinite when all differences are equal */
    bool same;        /**< in every pair exactly 0 */
    bool shown;       /**< the interval leaves out 0 */
} cmp_figure;

/** An action of a plan, for people. Owned by the comparison. */
typedef struct cmp_moment {
    int64_t now_ns;
    char *base, *candidate; /**< one action a line, "" = none */
} cmp_moment;

enum { CMP_MOMENTS = 3 };

typedef struct comparison {
    const cmp_options *options;
    int32_t replications; /**< done */
    bool goal_met;        /**< false without a goal */
    double level;         /**< of diff_half */
    double *values;       /**< [side][replication][metric], replications of room each */
    int32_t room;
    cmp_figure *figures; /**< [side * metric_count + metric] */
    char **decisions;    /**< [side] decisions.jsonl of replication 0 */
    size_t *decision_sizes;
    cmp_moment (*moments)[CMP_MOMENTS]; /**< [side] the first ticks with different plans in replication 0 */
    int32_t *moment_counts;             /**< [side] */
} comparison;

/** @return 0; 1: stopped; -1 with a sentence in err. Free with compare_fini in any case. */
int compare_run(comparison *c, const cmp_options *options, char *err, size_t err_size);
void compare_fini(comparison *c);

double compare_value(const comparison *c, int32_t side, int32_t replication, int32_t metric);
const cmp_figure *compare_figure(const comparison *c, int32_t side, int32_t metric);
const char *compare_label(const cmp_metric *metric);

/**
 * The verdict on one candidate in one sentence. The text is the same on a terminal, in JSON and on pages.
 * @return buf
 */
char *compare_verdict(const comparison *c, int32_t side, char *buf, size_t size);

/** A value of a figure with its unit: "$ 12.30", "38 ms", "99.2 %"; a sign in front when sign is true. @return buf */
char *compare_text(const char *metric, double value, bool sign, char *buf, size_t size);

/** Finds the first moments at which two logs of decisions differ. @return how many, <= CMP_MOMENTS; -1: memory */
int32_t compare_logs(const char *a, size_t a_size, const char *b, size_t b_size, cmp_moment moments[CMP_MOMENTS]);

#endif
