/* SPDX-License-Identifier: Apache-2.0 */
/**
 * decimal.h - exact decimal numbers in text: mantissa / 10^scale, scaled by a unit into int64 without doubles.
 */
#ifndef SCHED_MANIFEST_DECIMAL_H
#define SCHED_MANIFEST_DECIMAL_H

#include <stdbool.h>
#include <stdint.h>

#define DECIMAL_SCALE_MAX 27u /* digits after the point */

typedef struct decimal {
    uint64_t mantissa; /* < 10^19 */
    uint32_t scale;    /* 0..DECIMAL_SCALE_MAX */
} decimal;

/**
 * Reads digits with at most one point at *cursor and moves *cursor behind them. No sign, no exponent;
 * at most 19 significant digits.
 * @return NULL, or a static sentence: no digit, or too many digits. *out and *cursor are untouched on failure.
 */
const char *decimal_read(const char **cursor, decimal *out);

typedef enum decimal_fit {
    DECIMAL_EXACT = 0,    /* the product is whole */
    DECIMAL_ROUNDED = 1,  /* rounded up to the next whole number */
    DECIMAL_TOO_LARGE = 2 /* over INT64_MAX; *out untouched */
} decimal_fit;

/** value * factor, rounded up; factor at most 2^60. */
decimal_fit decimal_times(const decimal *value, uint64_t factor, int64_t *out);

/** value * factor * 10^exponent, rounded up; exponent -99..99. */
decimal_fit decimal_scale(const decimal *value, uint64_t factor, int exponent, int64_t *out);

/** The nearest double of value / divisor; exact to one rounding while the mantissa stays under 2^53. */
double decimal_double(const decimal *value, double divisor);

#endif
