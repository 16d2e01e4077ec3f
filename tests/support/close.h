/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * close.h - comparisons of doubles for cmocka, which has none in version 1.1. A failure prints both values and ends
 * the test at the caller's line. NaN is close to nothing, infinity to itself only. Include after <cmocka.h>.
 */
#ifndef TESTS_SUPPORT_CLOSE_H
#define TESTS_SUPPORT_CLOSE_H

#include <math.h>

/** |a - b| <= rel * max(|a|, |b|) */
#define assert_close(a, b, rel) close_check_rel((a), (b), (rel), #a, #b, __FILE__, __LINE__)
/** |a - b| <= abs_tol */
#define assert_within(a, b, abs_tol) close_check_abs((a), (b), (abs_tol), #a, #b, __FILE__, __LINE__)

static inline void close_check_rel(double a, double b, double rel, const char *a_text, const char *b_text,
                                   const char *file, int line)
{
    double scale = fmax(fabs(a), fabs(b));

    if (a == b || (isfinite(scale) && fabs(a - b) <= rel * scale)) {
        return;
    }
    print_error("%s = %.17g is not close to %s = %.17g: relative distance %.3g > %.3g\n", a_text, a, b_text, b,
                fabs(a - b) / scale, rel);
    _fail(file, line);
}

static inline void close_check_abs(double a, double b, double abs_tol, const char *a_text, const char *b_text,
                                   const char *file, int line)
{
    if (a == b || fabs(a - b) <= abs_tol) {
        return;
    }
    print_error("%s = %.17g is not within %.3g of %s = %.17g: distance %.3g\n", a_text, a, abs_tol, b_text, b,
                fabs(a - b));
    _fail(file, line);
}

#endif
