/* SPDX-License-Identifier: Apache-2.0 */
/** bind_parse.c - text to one value: durations, rates, sizes, money, numbers, clock and calendar times. */
#include "sched/manifest/bind.h"
#include "sched/manifest/decimal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct unit {
    const char *text;
    uint64_t factor;
} unit;

/* Units are compared as a whole, so "m" never hides "ms". Durations must go down this list. */
static const unit time_units[] = {
    {"d", UINT64_C(86400000000000)},
    {"h", UINT64_C(3600000000000)},
    {"m", UINT64_C(60000000000)},
    {"s", UINT64_C(1000000000)},
    {"ms", UINT64_C(1000000)},
    {"us", UINT64_C(1000)},
    {"ns", UINT64_C(1)},
};

static const unit size_units[] = {
    {"B", 1},
    {"kB", UINT64_C(1000)},
    {"MB", UINT64_C(1000000)},
    {"GB", UINT64_C(1000000000)},
    {"TB", UINT64_C(1000000000000)},
    {"PB", UINT64_C(1000000000000000)},
    {"KiB", UINT64_C(1) << 10},
    {"MiB", UINT64_C(1) << 20},
    {"GiB", UINT64_C(1) << 30},
    {"TiB", UINT64_C(1) << 40},
    {"PiB", UINT64_C(1) << 50},
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The unit spelled by the first length bytes of text. @return its place, or count. */
static size_t find_unit(const unit *units, size_t count, const char *text, size_t length)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(units[i].text) == length && strncmp(units[i].text, text, length) == 0) {
            return i;
        }
    }
    return count;
}

const char *bind_parse_duration(const char *text, int64_t *ns)
{
    const char *p = text;
    int64_t sum = 0;
    size_t last = 0;

    if (*p == '-') {
        return "is negative; a duration is at least 0s";
    }
    do {
        decimal number;
        int64_t part = 0;
        size_t length = 0;
        size_t found;
        const char *problem = decimal_read(&p, &number);

        if (problem != NULL) {
            return "is no duration; write one such as 15s, 5m, 1h30m or 250ms";
        }
        while (p[length] != '\0' && p[length] != '.' && !is_digit(p[length])) {
            length++;
        }
        if (length == 0) {
            return "has no unit; write a duration such as 15s, 5m, 1h30m or 250ms";
        }
        found = find_unit(time_units, COUNT_OF(time_units), p, length);
        if (found == COUNT_OF(time_units)) {
            return "has an unknown unit; durations know d, h, m, s, ms, us and ns";
        }
        if (p != text && found < last) {
            return "has its units out of order; write the larger one first, as in 1h30m";
        }
        last = found + 1;
        switch (decimal_times(&number, time_units[found].factor, &part)) {
        case DECIMAL_ROUNDED:
            return "is finer than 1 ns";
        case DECIMAL_TOO_LARGE:
            return "is too long; the limit is 292 years";
        case DECIMAL_EXACT:
            break;
        }
        if (part > INT64_MAX - sum) {
            return "is too long; the limit is 292 years";
        }
        sum += part;
        p += length;
    } while (*p != '\0');
    *ns = sum;
    return NULL;
}

const char *bind_parse_rate(const char *text, double *per_s)
{
    const char *p = text;
    decimal number;
    double seconds;

    if (*p == '-') {
        return "is negative; a rate is at least 0/s";
    }
    if (decimal_read(&p, &number) != NULL) {
        return "is no rate; write one such as 40/s, 2.5/m or 100/h";
    }
    if (*p == '\0') {
        return "has no unit; write a rate such as 40/s, 2.5/m or 100/h";
    }
    if (strcmp(p, "/s") == 0) {
        seconds = 1.0;
    } else if (strcmp(p, "/m") == 0) {
        seconds = 60.0;
    } else if (strcmp(p, "/h") == 0) {
        seconds = 3600.0;
    } else if (strcmp(p, "/d") == 0) {
        seconds = 86400.0;
    } else {
        return "has an unknown unit; rates know /s, /m, /h and /d";
    }
    *per_s = decimal_double(&number, seconds);
    return NULL;
}

const char *bind_parse_size(const char *text, int64_t *bytes)
{
    const char *p = text;
    decimal number;
    size_t found;

    if (*p == '-') {
        return "is negative; a size is at least 0B";
    }
    if (decimal_read(&p, &number) != NULL) {
        return "is no size; write one such as 24GiB, 80GB or 512B";
    }
    if (*p == '\0') {
        return "has no unit; write a size such as 24GiB, 80GB or 512B";
    }
    found = find_unit(size_units, COUNT_OF(size_units), p, strlen(p));
    if (found == COUNT_OF(size_units)) {
        return "has an unknown unit; sizes know B, kB, MB, GB, TB, PB, KiB, MiB, GiB, TiB and PiB";
    }
    switch (decimal_times(&number, size_units[found].factor, bytes)) {
    case DECIMAL_ROUNDED: /* a fraction of a byte, as in 0.3KiB, rounds up */
    case DECIMAL_EXACT:
        break;
    case DECIMAL_TOO_LARGE:
        return "is too large; the limit is 8191 PiB";
    }
    return NULL;
}

const char *bind_parse_money(const char *text, const char *suffix, int64_t *uusd)
{
    const char *p = text;
    decimal number;
    int64_t value = 0;

    if (*p == '-') {
        return "is negative; an amount is at least 0 USD";
    }
    if (decimal_read(&p, &number) != NULL) {
        return "is no amount of money; write one such as 1.25 USD";
    }
    while (*p == ' ') {
        p++;
    }
    if (*p == '\0') {
        return "has no currency; write an amount such as 1.25 USD";
    }
    if (strncmp(p, "USD", 3) != 0) {
        return "has an unknown currency; amounts are in USD";
    }
    p += 3;
    if (strcmp(p, suffix != NULL ? suffix : "") != 0) {
        return suffix != NULL ? "needs another unit behind USD; see the unit of this key in the schema"
                              : "has something behind USD";
    }
    switch (decimal_times(&number, 1000000, &value)) {
    case DECIMAL_ROUNDED:
        return "is finer than a millionth of a USD";
    case DECIMAL_TOO_LARGE:
        return "is too large";
    case DECIMAL_EXACT:
        break;
    }
    *uusd = value;
    return NULL;
}

const char *bind_parse_percent(const char *text, double *fraction)
{
    const char *p = text;
    decimal number;
    const bool negative = *p == '-';

    p += negative ? 1 : 0;
    if (decimal_read(&p, &number) != NULL) {
        return "is no percentage; write one such as 80%";
    }
    if (strcmp(p, "%") != 0) {
        return *p == '\0' ? "has no unit; write a percentage such as 80%" : "is no percentage; write one such as 80%";
    }
    *fraction = decimal_double(&number, negative ? -100.0 : 100.0);
    return NULL;
}

/* Digits without sign, leading zeros, blanks. */
static const char *parse_digits(const char *p, uint64_t *value)
{
    uint64_t sum = 0;

    if (!is_digit(*p)) {
        return "is no whole number";
    }
    if (*p == '0' && is_digit(p[1])) {
        return "has leading zeros; write the number without them";
    }
    for (; is_digit(*p); p++) {
        const uint64_t digit = (uint64_t)(*p - '0');

        if (sum > (UINT64_MAX - digit) / 10) {
            return "is too large for a whole number of 64 bits";
        }
        sum = sum * 10 + digit;
    }
    if (*p != '\0') {
        return "is no whole number";
    }
    *value = sum;
    return NULL;
}

const char *bind_parse_uint64(const char *text, uint64_t *value)
{
    if (text[0] == '-' && is_digit(text[1])) {
        return "is negative";
    }
    return parse_digits(text, value);
}

const char *bind_parse_int64(const char *text, int64_t *value)
{
    const bool negative = text[0] == '-';
    uint64_t size = 0;
    const char *problem = parse_digits(text + (negative ? 1 : 0), &size);

    if (problem != NULL) {
        return problem;
    }
    if (size > (uint64_t)INT64_MAX) {
        return "is too large for a whole number of 64 bits";
    }
    *value = negative ? -(int64_t)size : (int64_t)size;
    return NULL;
}

/* Whether text is -?digits(.digits)?([eE][+-]?digits)?, the numbers of JSON. */
static bool is_json_number(const char *p)
{
    p += *p == '-' ? 1 : 0;
    if (!is_digit(*p)) {
        return false;
    }
    while (is_digit(*p)) {
        p++;
    }
    if (*p == '.') {
        p++;
        if (!is_digit(*p)) {
            return false;
        }
        while (is_digit(*p)) {
            p++;
        }
    }
    if (*p == 'e' || *p == 'E') {
        p++;
        p += *p == '+' || *p == '-' ? 1 : 0;
        if (!is_digit(*p)) {
            return false;
        }
        while (is_digit(*p)) {
            p++;
        }
    }
    return *p == '\0';
}

const char *bind_parse_double(const char *text, double *value)
{
    const bool negative = text[0] == '-';
    const char *p = text + (negative ? 1 : 0);
    decimal number;
    double result;

    if (!is_json_number(text)) {
        return "is no number";
    }
    if (decimal_read(&p, &number) == NULL && *p == '\0' && number.mantissa < (UINT64_C(1) << 53) &&
        number.scale <= 22) {
        /* One rounding, independent of the locale of the host program. */
        result = decimal_double(&number, 1.0);
        *value = negative ? -result : result;
        return NULL;
    }
    {
        char *end = NULL;

        result = strtod(text, &end);
        if (*end != '\0') {
            return "is no number in this program's locale";
        }
    }
    if (!isfinite(result)) {
        return "is too large for a number";
    }
    *value = result;
    return NULL;
}

/* count digits at *p as a number. @return -1 when they are not there. */
static int32_t take_digits(const char **p, int count)
{
    int32_t value = 0;

    for (int i = 0; i < count; i++) {
        if (!is_digit((*p)[i])) {
            return -1;
        }
        value = value * 10 + ((*p)[i] - '0');
    }
    *p += count;
    return value;
}

static bool take_char(const char **p, char c)
{
    if (**p != c) {
        return false;
    }
    (*p)++;
    return true;
}

const char *bind_parse_clock(const char *text, int64_t *ns)
{
    static const char bad[] = "is no time of day; write one such as \"14:00\" or \"14:00:30\"";
    const char *p = text;
    const int32_t hour = take_digits(&p, 2);
    int32_t minute;
    int32_t second = 0;

    if (hour < 0 || !take_char(&p, ':')) {
        return bad;
    }
    minute = take_digits(&p, 2);
    if (minute >= 0 && take_char(&p, ':')) {
        second = take_digits(&p, 2);
    }
    if (minute < 0 || second < 0 || *p != '\0') {
        return bad;
    }
    if (hour > 23 || minute > 59 || second > 59) {
        return "is outside 00:00:00 to 23:59:59";
    }
    *ns = ((int64_t)hour * 3600 + minute * 60 + second) * INT64_C(1000000000);
    return NULL;
}

/* Days from 1970-01-01 to a date of the Gregorian calendar, counting years from March so that leap days come last. */
static int64_t days_of(int32_t year, int32_t month, int32_t day)
{
    const int64_t y = month <= 2 ? year - 1 : year;
    const int64_t m = month <= 2 ? month + 9 : month - 3; /* March = 0 */
    const int64_t days_before_month = (153 * m + 2) / 5;

    return 365 * y + y / 4 - y / 100 + y / 400 + days_before_month + day - 1 - 719468;
}

static int32_t month_days(int32_t year, int32_t month)
{
    static const int32_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

/* Reads "Z" or "+08:00" to the end of the text. */
static bool take_zone(const char *p, int32_t *offset_s)
{
    int32_t hour;
    int32_t minute;
    const bool west = *p == '-';

    if (strcmp(p, "Z") == 0) {
        *offset_s = 0;
        return true;
    }
    if (*p != '+' && *p != '-') {
        return false;
    }
    p++;
    hour = take_digits(&p, 2);
    if (hour < 0 || !take_char(&p, ':')) {
        return false;
    }
    minute = take_digits(&p, 2);
    if (minute < 0 || *p != '\0' || hour > 23 || minute > 59) {
        return false;
    }
    *offset_s = (west ? -1 : 1) * (hour * 3600 + minute * 60);
    return true;
}

/* Reads ".123" as ns; nothing there is 0. */
static bool take_fraction(const char **p, int64_t *ns)
{
    int64_t unit_ns = 100000000;

    *ns = 0;
    if (!take_char(p, '.')) {
        return true;
    }
    if (!is_digit(**p)) {
        return false;
    }
    for (; is_digit(**p); (*p)++) {
        *ns += (**p - '0') * unit_ns;
        unit_ns /= 10;
    }
    return true;
}

const char *bind_parse_time(const char *text, bind_time *value)
{
    static const char bad[] = "is no time; write one such as 2026-03-02T00:00:00+08:00";
    const char *p = text;
    int32_t part[6]; /* year, month, day, hour, minute, second */
    static const char behind[] = "--T::";
    int64_t fraction;
    int32_t offset_s;

    for (int i = 0; i < 6; i++) {
        part[i] = take_digits(&p, i == 0 ? 4 : 2);
        if (part[i] < 0 || (i < 5 && !take_char(&p, behind[i]))) {
            return bad;
        }
    }
    if (!take_fraction(&p, &fraction)) {
        return bad;
    }
    if (!take_zone(p, &offset_s)) {
        return "has no time zone; end it with Z or an offset such as +08:00";
    }
    if (part[0] < 1900 || part[0] > 2200 || part[1] < 1 || part[1] > 12 || part[2] < 1 ||
        part[2] > month_days(part[0], part[1]) || part[3] > 23 || part[4] > 59 || part[5] > 59) {
        return "is no date of the calendar from 1900 to 2200";
    }
    value->unix_ns = (days_of(part[0], part[1], part[2]) * 86400 + part[3] * 3600 + part[4] * 60 + part[5] - offset_s) *
                         INT64_C(1000000000) +
                     fraction;
    value->offset_s = offset_s;
    return NULL;
}
