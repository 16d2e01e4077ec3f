/* SPDX-License-Identifier: Apache-2.0 */
/** quantity.c - Kubernetes quantities. Suffixes as in the Kubernetes documentation of resource.Quantity. */
#include "sched/manifest/quantity.h"

#include "sched/manifest/decimal.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define EXPONENT_MAX 90 /* beyond, every value but 0 is out of range anyway */

typedef struct suffix {
    const char *text;
    uint32_t shift; /* value counts 2^shift ... */
    int32_t power;  /* ... times 10^power */
} suffix;

static const suffix suffixes[] = {
    {"", 0, 0},    {"n", 0, -9},  {"u", 0, -6},  {"m", 0, -3},  {"k", 0, 3},   {"M", 0, 6},
    {"G", 0, 9},   {"T", 0, 12},  {"P", 0, 15},  {"E", 0, 18},  {"Ki", 10, 0}, {"Mi", 20, 0},
    {"Gi", 30, 0}, {"Ti", 40, 0}, {"Pi", 50, 0}, {"Ei", 60, 0},
};

/* Reads "e3", "E-2", "e+10". @return false when text is no exponent. */
static bool read_exponent(const char *text, int *exponent)
{
    bool negative = false;
    int value = 0;

    if ((*text != 'e' && *text != 'E') || text[1] == '\0') {
        return false;
    }
    text++;
    if (*text == '+' || *text == '-') {
        negative = *text == '-';
        text++;
    }
    if (*text == '\0') {
        return false;
    }
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9') {
            return false;
        }
        if (value <= EXPONENT_MAX) {
            value = value * 10 + (*text - '0');
        }
    }
    if (value > EXPONENT_MAX) {
        value = EXPONENT_MAX;
    }
    *exponent = negative ? -value : value;
    return true;
}

const char *quantity_parse_scaled(const char *text, int power, int64_t *scaled)
{
    const char *p = text;
    const char *problem;
    decimal number;
    uint64_t factor = 1;
    int exponent = 0;
    int64_t value = 0;
    bool known = false;
    const bool negative = *p == '-';

    if (*p == '+' || *p == '-') {
        p++;
    }
    problem = decimal_read(&p, &number);
    if (problem != NULL) {
        return problem;
    }
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]) && !known; i++) {
        if (strcmp(p, suffixes[i].text) == 0) {
            factor = UINT64_C(1) << suffixes[i].shift;
            exponent = suffixes[i].power;
            known = true;
        }
    }
    if (!known && !read_exponent(p, &exponent)) {
        return "has an unknown suffix; Kubernetes knows n u m k M G T P E, Ki Mi Gi Ti Pi Ei, and exponents such as "
               "2e3";
    }
    if (decimal_scale(&number, factor, exponent + power, &value) == DECIMAL_TOO_LARGE) {
        return "is too large";
    }
    *scaled = negative ? -value : value;
    return NULL;
}

const char *quantity_parse(const char *text, int64_t *milli)
{
    return quantity_parse_scaled(text, 3, milli);
}

int quantity_print(int64_t milli, char *buf, unsigned size)
{
    if (milli % 1000 == 0) {
        return snprintf(buf, size, "%" PRId64, milli / 1000);
    }
    return snprintf(buf, size, "%" PRId64 "m", milli);
}
