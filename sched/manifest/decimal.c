/* SPDX-License-Identifier: Apache-2.0 */
/** decimal.c - digits to integers in 128 bits; every step that could overflow is checked. */
#include "sched/manifest/decimal.h"

#include <assert.h>
#include <stddef.h>

__extension__ typedef unsigned __int128 u128;

#define U128_MAX ((u128)-1)

const char *decimal_read(const char **cursor, decimal *out)
{
    const char *p = *cursor;
    decimal value = {0, 0};
    bool point = false;
    bool any = false;

    for (;; p++) {
        if (*p == '.' && !point) {
            point = true;
            continue;
        }
        if (*p < '0' || *p > '9') {
            break;
        }
        any = true;
        if (value.mantissa >= UINT64_C(1000000000000000000) || (point && value.scale == DECIMAL_SCALE_MAX)) {
            return "has too many digits";
        }
        value.mantissa = value.mantissa * 10 + (uint64_t)(*p - '0');
        value.scale += point ? 1 : 0;
    }
    if (!any) {
        return "does not start with a number";
    }
    *out = value;
    *cursor = p;
    return NULL;
}

decimal_fit decimal_scale(const decimal *value, uint64_t factor, int exponent, int64_t *out)
{
    u128 product = (u128)value->mantissa * factor; /* < 10^19 * 2^60 < 2^124 */
    u128 divisor = 1;
    u128 whole;
    int shift = exponent - (int)value->scale;

    assert(exponent >= -99 && exponent <= 99 && factor <= UINT64_C(1) << 60);
    if (product == 0) {
        *out = 0;
        return DECIMAL_EXACT;
    }
    for (; shift > 0; shift--) {
        if (product > U128_MAX / 10) {
            return DECIMAL_TOO_LARGE;
        }
        product *= 10;
    }
    for (; shift < 0; shift++) {
        if (divisor > U128_MAX / 10) {
            /* The divisor is over 3.4 * 10^37 and the product under 2^124 = 2.1 * 10^37: between 0 and 1. */
            *out = 1;
            return DECIMAL_ROUNDED;
        }
        divisor *= 10;
    }
    whole = product / divisor;
    if (product % divisor != 0) {
        whole++;
    }
    if (whole > (u128)INT64_MAX) {
        return DECIMAL_TOO_LARGE;
    }
    *out = (int64_t)whole;
    return product % divisor == 0 ? DECIMAL_EXACT : DECIMAL_ROUNDED;
}

decimal_fit decimal_times(const decimal *value, uint64_t factor, int64_t *out)
{
    return decimal_scale(value, factor, 0, out);
}

double decimal_double(const decimal *value, double divisor)
{
    double power = 1.0;

    /* Powers of ten up to 10^22 are exact in binary64, so the usual case rounds once per division. */
    for (uint32_t i = 0; i < value->scale; i++) {
        power *= 10.0;
    }
    return (double)value->mantissa / (power * divisor);
}
