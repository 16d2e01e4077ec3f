/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * arrivals.c - arrival times.
 *
 * POISSON adds exponential gaps; the part of a nanosecond that is left over is carried, so the mean rate has no
 * rounding bias however far the clock has run.
 *
 * DIURNAL thins (Lewis and Shedler 1979): candidates come at the largest rate of the current local hour and survive
 * with probability rate(t) / largest. The bound is taken hour by hour, so a night at a thirtieth of the peak wastes no
 * draws. What is left of an exponential at the end of an hour is carried into the next (a Poisson process of rate 1 run
 * through a piecewise linear clock), and a candidate below the smallest rate of the hour is accepted without evaluating
 * the rate.
 *
 * TRACE walks the columns. With a fractional scale, the rows that get one more copy are chosen independently; the
 * distance to the next of them is geometric and drawn directly, which keeps tiny scales cheap.
 */
#include "models/traffic/traffic.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "models/random/variates.h"

#define NEVER        INT64_MAX
#define HOUR_NS      INT64_C(3600000000000)
#define WEEK_NS      (MDL_SHAPE_HOURS * HOUR_NS)
#define HALF_MIN_NS  INT64_C(30000000000)
#define WORKING_DAYS 5

static const double hour_ns = 3600e9;
static const double two_pi = 6.283185307179586476925;

/* One local hour of the week. Rates in 1/s. */
typedef struct hour_rate {
    double low, high;   /* extremes within the hour */
    double start, end;  /* at its two ends; a shape is a straight line between them */
    double ns_per_unit; /* 1e9 / high: candidate gap per unit exponential; 0 if high is 0 */
} hour_rate;

struct mdl_arrivals {
    mdl_arrival_spec spec;
    bool empty; /* nothing ever comes */

    int64_t base_ns; /* POISSON: last arrival. DIURNAL: start of the hour, simulated time. TRACE: time of row 0 */
    double offset;   /* POISSON: left-over of a ns. DIURNAL: ns since base_ns */
    double residual; /* DIURNAL: unit exponential not yet used up, < 0 before the first draw */
    int hour;        /* DIURNAL: of the week */

    size_t row;      /* TRACE: next row */
    uint64_t whole;  /* TRACE: copies that every row gets */
    double fraction; /* TRACE: probability of one more */
    uint64_t skip;   /* TRACE: rows before the next one with one more */
    bool skip_known;
    uint64_t copies; /* TRACE: of row-1, still to come */
    int64_t copy_at;
    int64_t period_ns; /* TRACE: 0 = played once */

    hour_rate hours[]; /* DIURNAL: [MDL_SHAPE_HOURS] */
};

/* ---- diurnal ---- */

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

static void widen(hour_rate *h, double rate)
{
    h->low = fmin(h->low, rate);
    h->high = fmax(h->high, rate);
}

static void fill_cosine(mdl_arrivals *a)
{
    const mdl_arrival_spec *spec = &a->spec;
    for (int i = 0; i < MDL_SHAPE_HOURS; i++) {
        hour_rate *h = &a->hours[i];
        int hour_of_day = i % 24;
        double factor = day_factor(spec, i);
        h->start = factor * cosine_rate(spec, hour_of_day);
        h->end = factor * cosine_rate(spec, hour_of_day + 1.0);
        h->low = fmin(h->start, h->end);
        h->high = fmax(h->start, h->end);
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

static void fill_shape(mdl_arrivals *a)
{
    const mdl_arrival_spec *spec = &a->spec;
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
        hour_rate *h = &a->hours[i];
        double factor = day_factor(spec, i);
        h->start = factor * shape_rate(spec, spec->shape[i], low, high);
        h->end = factor * shape_rate(spec, spec->shape[(i + 1) % MDL_SHAPE_HOURS], low, high);
        h->low = fmin(h->start, h->end);
        h->high = fmax(h->start, h->end);
    }
}

/* Rate `offset` ns into hour `hour` of the week. */
static double rate_within(const mdl_arrivals *a, int hour, double offset)
{
    const hour_rate *h = &a->hours[hour];
    double x = offset / hour_ns;
    if (a->spec.shape != NULL) {
        return h->start + (h->end - h->start) * x;
    }
    return day_factor(&a->spec, hour) * cosine_rate(&a->spec, hour % 24 + x);
}

static int64_t week_position(const mdl_arrivals *a, int64_t at_ns)
{
    int64_t position = (at_ns % WEEK_NS + a->spec.local_offset_ns % WEEK_NS) % WEEK_NS;
    return position < 0 ? position + WEEK_NS : position;
}

static void start_diurnal(mdl_arrivals *a)
{
    if (a->spec.shape != NULL) {
        fill_shape(a);
    } else {
        fill_cosine(a);
    }
    a->empty = true;
    for (int i = 0; i < MDL_SHAPE_HOURS; i++) {
        hour_rate *h = &a->hours[i];
        h->ns_per_unit = h->high > 0.0 ? 1e9 / h->high : 0.0;
        a->empty = a->empty && !(h->high > 0.0);
    }
    int64_t position = week_position(a, 0);
    a->hour = (int)(position / HOUR_NS);
    a->offset = (double)(position % HOUR_NS);
    a->base_ns = -(position % HOUR_NS);
    a->residual = -1.0;
}

static int64_t next_diurnal(mdl_arrivals *a, gsl_rng *r)
{
    if (a->residual < 0.0) {
        a->residual = mdl_ran_exponential(r);
    }
    for (;;) {
        const hour_rate *h = &a->hours[a->hour];
        if (h->ns_per_unit > 0.0) {
            double at = a->offset + a->residual * h->ns_per_unit;
            if (at < hour_ns) {
                a->offset = at;
                a->residual = mdl_ran_exponential(r);
                double mark = mdl_ran_uniform_pos(r) * h->high;
                if (mark <= h->low || mark <= rate_within(a, a->hour, at)) {
                    return a->base_ns + (int64_t)(at + 0.5);
                }
                continue;
            }
            a->residual -= (hour_ns - a->offset) / h->ns_per_unit;
            if (a->residual < 0.0) {
                a->residual = 0.0; /* rounding */
            }
        }
        if (a->base_ns > NEVER - 2 * HOUR_NS) {
            a->empty = true;
            return NEVER;
        }
        a->base_ns += HOUR_NS;
        a->offset = 0.0;
        a->hour = (a->hour + 1) % MDL_SHAPE_HOURS;
    }
}

/* ---- constant rate ---- */

static int64_t next_poisson(mdl_arrivals *a, gsl_rng *r)
{
    double gap = mdl_ran_exponential(r) * (1e9 / a->spec.rate_per_s) + a->offset;
    if (!(gap < 9.2e18) || a->base_ns > NEVER - 1 - (int64_t)gap) {
        a->empty = true;
        return NEVER;
    }
    int64_t whole = (int64_t)gap;
    a->base_ns += whole;
    a->offset = gap - (double)whole;
    return a->base_ns + (a->offset >= 0.5);
}

/* ---- replay ---- */

/* Rows of the trace with at_ns < x. */
static size_t rows_before(const mdl_trace *t, int64_t x)
{
    size_t low = 0;
    size_t high = t->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (t->at_ns[middle] < x) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Moves the time of row 0 on by `times` periods. False if that leaves int64. */
static bool move_base(mdl_arrivals *a, uint64_t times)
{
    int64_t shift = 0;
    if (times > (uint64_t)INT64_MAX || __builtin_mul_overflow((int64_t)times, a->period_ns, &shift)) {
        return false;
    }
    return !__builtin_add_overflow(a->base_ns, shift, &a->base_ns);
}

/* The first row at simulated time 0 or later. */
static void skip_the_past(mdl_arrivals *a)
{
    if (a->base_ns >= 0) {
        return;
    }
    int64_t past = a->base_ns == INT64_MIN ? INT64_MAX : -a->base_ns;
    if (a->period_ns > 0) {
        a->base_ns += past / a->period_ns * a->period_ns;
        past %= a->period_ns;
    }
    a->row = rows_before(a->spec.trace, past);
}

static void start_trace(mdl_arrivals *a)
{
    const mdl_trace *t = a->spec.trace;
    double scale = a->spec.trace_scale;
    if (t == NULL || t->count == 0 || !(scale > 0.0) || !(scale < 1e15)) {
        a->empty = true;
        return;
    }
    a->whole = (uint64_t)scale;
    a->fraction = scale - (double)a->whole;
    a->base_ns = a->spec.trace_shift_ns;
    int64_t span = t->at_ns[t->count - 1];
    if (a->spec.trace_loop && span > 0) {
        int64_t gap = span / (int64_t)(t->count - 1);
        a->period_ns = span > NEVER - 1 - gap ? 0 : span + (gap > 0 ? gap : 1);
    }
    skip_the_past(a);
}

/* Makes a->row < count, looping if the trace loops. False at the end of everything. */
static bool settle_row(mdl_arrivals *a, uint64_t ahead)
{
    size_t count = a->spec.trace->count;
    if (ahead > UINT64_MAX - a->row) {
        return false;
    }
    uint64_t row = a->row + ahead;
    if (row >= count) {
        if (a->period_ns == 0 || !move_base(a, row / count)) {
            return false;
        }
        row %= count;
    }
    a->row = (size_t)row;
    return true;
}

static uint64_t draw_skip(const mdl_arrivals *a, gsl_rng *r)
{
    double rows = floor(mdl_ran_exponential(r) / -log1p(-a->fraction));
    return rows < 9e18 ? (uint64_t)rows : UINT64_MAX / 2;
}

/* Copies of the row that comes next; with a scale below 1, walks to the next row that has one. False at the end. */
static bool next_copies(mdl_arrivals *a, gsl_rng *r)
{
    a->copies = a->whole;
    uint64_t ahead = 0;
    if (a->fraction > 0.0) {
        if (!a->skip_known) {
            a->skip = draw_skip(a, r);
            a->skip_known = true;
        }
        if (a->whole == 0) {
            ahead = a->skip;
            a->skip = 0;
        }
        if (a->skip == 0) {
            a->copies++;
            a->skip_known = false;
        } else {
            a->skip--;
        }
    }
    return settle_row(a, ahead);
}

static int32_t least_one(int32_t tokens)
{
    return tokens > 1 ? tokens : 1;
}

static int64_t next_trace(mdl_arrivals *a, gsl_rng *r, mdl_arrival *out)
{
    if (a->copies == 0) {
        if (!next_copies(a, r) || __builtin_add_overflow(a->base_ns, a->spec.trace->at_ns[a->row], &a->copy_at)) {
            a->empty = true;
            return NEVER;
        }
        a->row++;
    }
    a->copies--;
    out->row = a->row - 1;
    if (a->spec.trace->input_tokens != NULL) {
        out->input = least_one(a->spec.trace->input_tokens[out->row]);
        out->output = least_one(a->spec.trace->output_tokens[out->row]);
    }
    return a->copy_at;
}

/* Requests of the unscaled trace before simulated time x. */
static double trace_before(const mdl_arrivals *a, int64_t x)
{
    const mdl_trace *t = a->spec.trace;
    if (x <= a->spec.trace_shift_ns) {
        return 0.0;
    }
    int64_t since = 0;
    if (__builtin_sub_overflow(x, a->spec.trace_shift_ns, &since)) {
        since = INT64_MAX;
    }
    double rounds = 0.0;
    if (a->period_ns > 0) {
        rounds = (double)(since / a->period_ns);
        since %= a->period_ns;
    }
    return rounds * (double)t->count + (double)rows_before(t, since);
}

/* ---- common ---- */

mdl_arrivals *mdl_arrivals_new(const mdl_arrival_spec *spec)
{
    size_t hours = spec->kind == MDL_ARRIVAL_DIURNAL ? MDL_SHAPE_HOURS : 0;
    mdl_arrivals *a = calloc(1, sizeof *a + hours * sizeof a->hours[0]);
    if (a == NULL) {
        return NULL;
    }
    a->spec = *spec;
    switch (spec->kind) {
    case MDL_ARRIVAL_POISSON:
        a->empty = !(spec->rate_per_s > 0.0);
        break;
    case MDL_ARRIVAL_DIURNAL:
        start_diurnal(a);
        break;
    case MDL_ARRIVAL_TRACE:
        start_trace(a);
        break;
    }
    return a;
}

void mdl_arrivals_free(mdl_arrivals *a)
{
    free(a);
}

int64_t mdl_arrivals_next(mdl_arrivals *a, gsl_rng *r, mdl_arrival *out)
{
    *out = (mdl_arrival){.at_ns = NEVER, .row = SIZE_MAX, .session = -1, .turn = -1};
    if (a->empty) {
        return NEVER;
    }
    switch (a->spec.kind) {
    case MDL_ARRIVAL_POISSON:
        out->at_ns = next_poisson(a, r);
        break;
    case MDL_ARRIVAL_DIURNAL:
        out->at_ns = next_diurnal(a, r);
        break;
    case MDL_ARRIVAL_TRACE:
        out->at_ns = next_trace(a, r, out);
        break;
    }
    return out->at_ns;
}

double mdl_arrivals_rate(const mdl_arrivals *a, int64_t at_ns)
{
    int64_t position = 0;
    switch (a->spec.kind) {
    case MDL_ARRIVAL_POISSON:
        return a->spec.rate_per_s > 0.0 ? a->spec.rate_per_s : 0.0;
    case MDL_ARRIVAL_DIURNAL:
        position = week_position(a, at_ns);
        return rate_within(a, (int)(position / HOUR_NS), (double)(position % HOUR_NS));
    case MDL_ARRIVAL_TRACE:
        if (a->spec.trace == NULL || a->spec.trace->count == 0 || !(a->spec.trace_scale > 0.0)) {
            return 0.0;
        }
        at_ns = at_ns > NEVER - HALF_MIN_NS ? NEVER - HALF_MIN_NS : at_ns;
        return a->spec.trace_scale * (trace_before(a, at_ns + HALF_MIN_NS) - trace_before(a, at_ns - HALF_MIN_NS)) /
               60.0;
    }
    return 0.0;
}
