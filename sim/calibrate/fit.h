/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * fit.h - least squares with a judgement: how far off, how sure, and which coefficients the data cannot tell apart.
 *
 * Residuals are relative to what was measured, so that short steps count as much as long ones. Intervals are 95 % by
 * Student's t: they hold the scatter about the lines, and not that the lines are wrong, which is seen in mean_abs and
 * bias alone and does not shrink with more observations. The condition number is that of the columns scaled to unit
 * length: above 30 some are close to dependent (Belsley, Kuh, Welsch 1980); `twin` names the coefficient whose estimate
 * moves most with each one's.
 */
#ifndef SIM_CALIBRATE_FIT_H
#define SIM_CALIBRATE_FIT_H

#include <stdbool.h>
#include <stddef.h>

#define FIT_TERMS      8
#define FIT_ILL        30.0 /**< condition number above which a fit is called ill-conditioned */
#define FIT_TWIN       0.95 /**< correlation above which two coefficients are called indistinguishable */
#define FIT_NOT_FITTED (-1.0)

typedef struct fit_term {
    const char *name, *unit;
    bool any_sign;            /**< may come out negative */
    double value, half_width; /**< half_width < 0: not fitted, held at the value */
    double twin_correlation;  /**< with terms[twin]; 0 if there is no other */
    size_t twin;
} fit_term;

typedef struct fit {
    const char *what; /**< what was fitted, for people */
    fit_term terms[FIT_TERMS];
    size_t term_count;
    size_t n, left_out; /**< observations used, and put aside as outliers */
    double condition;
    double mean_abs, bias, worst; /**< relative residuals: mean of sizes, mean, largest size */
} fit;

/**
 * y = sum x_j c_j with c_j >= 0 unless any_sign: one that comes out negative is held at 0, the others are fitted again.
 * @param in x  [n * f->term_count], row by row; a row with y <= 0 is not used
 * @param inout f  what, names and units in; all else out
 * @param base  residuals are relative to y + base: what else the same step spends
 * @param trim  observations more than this many times the root mean square away are put aside, twice; 0 = none
 * @return false: fewer observations than terms, or memory ran out, or no solution
 */
bool fit_linear(const double *x, const double *y, size_t n, double base, double trim, fit *f);

/**
 * y = max(c1 + c2 (n - 1), c3 + c4 n), by Levenberg-Marquardt from lines through both ends.
 * @param in n, y  [count] by rising n
 */
bool fit_roofline(const double *n, const double *y, size_t count, fit *f);

#endif
