/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * clock.c - times of requests.
 *
 * They are read digit by digit into integers: a decimal that went through a double would lose the last digits of a
 * present-day Unix time in ns.
 */
#include <string.h>

#include "sim/trace/build.h"

#define NS_PER_S    INT64_C(1000000000)
#define SECONDS_MAX INT64_C(9000000000) /* 285 years: fits int64 ns */

/* `digits` decimal digits at *s; moves on. False if there are fewer. */
static bool read_digits(const char **s, int digits, int *value)
{
    *value = 0;
    for (int i = 0; i < digits; i++, (*s)++) {
        if (**s < '0' || **s > '9') {
            return false;
        }
        *value = *value * 10 + (**s - '0');
    }
    return true;
}

static bool read_char(const char **s, char c)
{
    if (**s != c) {
        return false;
    }
    (*s)++;
    return true;
}

/* [.d{1,9}] at *s as ns; moves on. */
static bool read_fraction(const char **s, int64_t *ns)
{
    *ns = 0;
    if (**s != '.') {
        return true;
    }
    (*s)++;
    int64_t unit = NS_PER_S / 10;
    const char *first = *s;
    for (; **s >= '0' && **s <= '9'; (*s)++) {
        if (unit == 0) {
            return false;
        }
        *ns += unit * (**s - '0');
        unit /= 10;
    }
    return *s != first;
}

/* Days from 1970-01-01 to a date of the Gregorian calendar, for years from 1970 on. */
static int64_t days_from_1970(int year, int month, int day)
{
    static const int before[12] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    int past = year - 1; /* whole years */
    int64_t leap_days = past / 4 - past / 100 + past / 400 - (1969 / 4 - 1969 / 100 + 1969 / 400);
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return (int64_t)(year - 1970) * 365 + leap_days + before[month - 1] + (leap && month > 2) + day - 1;
}

static int days_in_month(int year, int month)
{
    static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (leap && month == 2);
}

/* YYYY-MM-DD HH:MM:SS[.fraction][Z|+00:00], also with a T between date and time. */
static bool read_timestamp(const char *s, int64_t *ns)
{
    int year, month, day, hour, minute, second;
    int64_t fraction = 0;
    if (!read_digits(&s, 4, &year) || !read_char(&s, '-') || !read_digits(&s, 2, &month) || !read_char(&s, '-') ||
        !read_digits(&s, 2, &day) || !(read_char(&s, ' ') || read_char(&s, 'T')) || !read_digits(&s, 2, &hour) ||
        !read_char(&s, ':') || !read_digits(&s, 2, &minute) || !read_char(&s, ':') || !read_digits(&s, 2, &second) ||
        !read_fraction(&s, &fraction)) {
        return false;
    }
    if (*s != '\0' && strcmp(s, "Z") != 0 && strcmp(s, "+00:00") != 0) {
        return false;
    }
    if (year < 1970 || year > 2200 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) ||
        hour > 23 || minute > 59 || second > 59) {
        return false;
    }
    int64_t seconds = ((days_from_1970(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    *ns = seconds * NS_PER_S + fraction;
    return true;
}

/* A decimal in units of 10^places ns: that many digits after its point can be said in ns. */
static bool read_decimal(const char *s, int places, int64_t *ns)
{
    int64_t unit = 1;
    for (int i = 0; i < places; i++) {
        unit *= 10;
    }
    int64_t whole = 0;
    const char *first = s;
    for (; *s >= '0' && *s <= '9'; s++) {
        whole = whole * 10 + (*s - '0');
        if (whole > SECONDS_MAX * (NS_PER_S / unit)) {
            return false;
        }
    }
    int64_t fraction = 0;
    if (s == first) {
        return false;
    }
    if (*s == '.') {
        s++;
        first = s;
        for (int64_t digit = unit / 10; *s >= '0' && *s <= '9'; s++, digit /= 10) {
            if (digit == 0) {
                return false;
            }
            fraction += digit * (*s - '0');
        }
        if (s == first) {
            return false;
        }
    }
    *ns = whole * unit + fraction;
    return *s == '\0';
}

/* Digits of a nanosecond that one unit has. */
static int places_of(trace_unit unit)
{
    return unit == UNIT_S ? 9 : unit == UNIT_MS ? 6 : unit == UNIT_US ? 3 : 0;
}

bool trace_parse_time(const char *text, trace_unit unit, int64_t *ns)
{
    return unit == UNIT_CLOCK ? read_timestamp(text, ns) : read_decimal(text, places_of(unit), ns);
}

const char *trace_time_words(trace_unit unit)
{
    switch (unit) {
    case UNIT_CLOCK:
        return "a time YYYY-MM-DD HH:MM:SS[.fraction] with at most 9 digits, in UTC (Z, +00:00 or nothing behind it)";
    case UNIT_MS:
        return "a decimal number of milliseconds, 0 or more, with at most 6 digits after the point";
    case UNIT_US:
        return "a decimal number of microseconds, 0 or more, with at most 3 digits after the point";
    case UNIT_NS:
        return "a whole number of nanoseconds, 0 or more";
    case UNIT_ANY:
    case UNIT_S:
        break;
    }
    return "a decimal number of seconds, 0 or more, with at most 9 digits after the point";
}
