/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * week.c - the rate by the hour of the local week: a cosine, a shape, or a table of hours. 1/s where the rate comes in
 * steps of its own (rate.c).
 */
#include "models/traffic/arrivals_int.h"

#include <math.h>

#define HOUR_NS      INT64_C(3600000000000)
#define WEEK_NS      (MDL_SHAPE_HOURS * HOUR_NS)
#define WORKING_DAYS 5

static const double hour_ns = 3600e9;
static const double two_pi = 6.283185307179586476925;

static double day_factor(const mdl_arrival_spec *spec, int hour)
{
    return hour / 24 >= WORKING_DAYS ? spec->weekend_factor : 1.0;
}

static double cosine_rate(const mdl_arrival_spec *spec, double hour_of_day)
{
    double middle = 0.5 * (spec->peak_per_s + spec->trough_per_s);
    double swing = 0.5 * (spec->peak_per_s - spec->trough_per_s);
    return middle + swing * cos(two_pi * (hour_of_day - spec->peak_hour) / 24.0);
}

/* Is hour-of-day x (any real) strictly inside [hour, hour + 1] on the circle? */
static bool inside_hour(double x, int hour_of_day)
{
    double d = fmod(x - (double)hour_of_day, 24.0);
    if (d < 0.0) {
        d += 24.0;
    }
    return d > 0.0 && d < 1.0;
}

static void widen(rate_hour *h, double per_s)
{
    h->low = fmin(h->low, per_s);
    h->high = fmax(h->high, per_s);
}

static void set_ends(rate_hour *h, double start, double end)
{
    h->start = start;
    h->end = end;
    h->low = fmin(start, end);
    h->high = fmax(start, end);
}

static void fill_cosine(const mdl_arrival_spec *spec, rate_hour *hours)
{
    for (int i = 0; i < MDL_SHAPE_HOURS; i++) {
        rate_hour *h = &hours[i];
        int hour_of_day = i % 24;
        double factor = day_factor(spec, i);
        set_ends(h, factor * cosine_rate(spec, hour_of_day), factor * cosine_rate(spec, hour_of_day + 1.0));
        if (inside_hour(spec->peak_hour, hour_of_day)) {
            widen(h, factor * spec->peak_per_s);
        }
        if (inside_hour(spec->peak_hour + 12.0, hour_of_day)) {
            widen(h, factor * spec->trough_per_s);
        }
    }
}

/* Shape units to requests/s; see mdl_arrival_spec. low, high: extremes of the average working day. */
static double shape_rate(const mdl_arrival_spec *spec, double value, double low, double high)
{
    if (!(high > low)) {
        return high > 0.0 ? spec->peak_per_s * value / high : 0.0;
    }
    if (value < low) {
        return spec->trough_per_s * value / low;
    }
    return spec->trough_per_s + (spec->peak_per_s - spec->trough_per_s) * (value - low) / (high - low);
}

static void fill_shape(const mdl_arrival_spec *spec, rate_hour *hours)
{
    double low = HUGE_VAL;
    double high = 0.0;
    for (int hour = 0; hour < 24; hour++) {
        double sum = 0.0;
        for (int day = 0; day < WORKING_DAYS; day++) {
            sum += spec->shape[day * 24 + hour];
        }
        low = fmin(low, sum / WORKING_DAYS);
        high = fmax(high, sum / WORKING_DAYS);
    }
    for (int i = 0; i < MDL_SHAPE_HOURS; i++) {
        double factor = day_factor(spec, i);
        set_ends(&hours[i], factor * shape_rate(spec, spec->shape[i], low, high),
                 factor * shape_rate(spec, spec->shape[(i + 1) % MDL_SHAPE_HOURS], low, high));
    }
}

void week_fill(const mdl_arrival_spec *spec, rate_hour *hours)
{
    if (spec->kind == MDL_ARRIVAL_DIURNAL && spec->hours == NULL) {
        if (spec->shape != NULL) {
            fill_shape(spec, hours);
        } else {
            fill_cosine(spec, hours);
        }
        return;
    }
    for (int i = 0; i < MDL_SHAPE_HOURS; i++) {
        double level = 1.0;
        if (spec->kind != MDL_ARRIVAL_RATES) {
            level = spec->kind == MDL_ARRIVAL_POISSON ? spec->rate_per_s : day_factor(spec, i) * spec->hours[i];
        }
        set_ends(&hours[i], level, level);
    }
}

bool week_is_cosine(const mdl_arrival_spec *spec)
{
    return spec->kind == MDL_ARRIVAL_DIURNAL && spec->shape == NULL && spec->hours == NULL;
}

double week_rate(const mdl_arrival_spec *spec, const rate_hour *hours, int hour, double offset)
{
    const rate_hour *h = &hours[hour];
    double x = offset / hour_ns;
    if (week_is_cosine(spec)) {
        return day_factor(spec, hour) * cosine_rate(spec, hour % 24 + x);
    }
    return h->start + (h->end - h->start) * x;
}

int64_t week_position(const mdl_arrival_spec *spec, int64_t at_ns)
{
    int64_t position = (at_ns % WEEK_NS + spec->local_offset_ns % WEEK_NS) % WEEK_NS;
    return position < 0 ? position + WEEK_NS : position;
}
