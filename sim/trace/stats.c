/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stats.c - see stats.h. */
#include "sim/trace/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_S  INT64_C(1000000000)
#define MINUTE_NS (60 * NS_PER_S)
#define HOUR_NS   (3600 * NS_PER_S)
#define DAY_NS    (24 * HOUR_NS)

const double stats_points[STATS_POINTS] = {0.10, 0.25, 0.50, 0.75, 0.90, 0.95, 0.99, 1.0};

static int by_double(const void *a, const void *b)
{
    double x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

static int by_session(const void *a, const void *b)
{
    int64_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

/* Index of the nearest rank; a product within rounding of a whole number is that number. */
static size_t rank_of(double p, size_t count)
{
    const double rank = ceil(p * (double)count - 1e-9 * p * (double)count);
    return rank < 1.0 ? 0 : rank >= (double)count ? count - 1 : (size_t)rank - 1;
}

stats_values stats_of_values(double *values, size_t count)
{
    stats_values v = {.count = count};
    double sum = 0.0;
    double squares = 0.0;
    if (count == 0) {
        return v;
    }
    qsort(values, count, sizeof *values, by_double);
    for (size_t i = 0; i < count; i++) {
        sum += values[i];
    }
    v.mean = sum / (double)count;
    for (size_t i = 0; i < count; i++) {
        squares += (values[i] - v.mean) * (values[i] - v.mean);
    }
    v.cv = v.mean > 0.0 ? sqrt(squares / (double)count) / v.mean : 0.0;
    v.min = values[0];
    for (size_t i = 0; i < STATS_POINTS; i++) {
        v.at[i] = values[rank_of(stats_points[i], count)];
    }
    return v;
}

static stats_values of_tokens(const int32_t *tokens, size_t count, double *spare)
{
    for (size_t i = 0; i < count; i++) {
        spare[i] = (double)tokens[i];
    }
    return stats_of_values(spare, count);
}

static void take_gaps(trace_stats *s, const mdl_trace *c, double *spare)
{
    for (size_t i = 1; i < c->count; i++) {
        const int64_t gap = c->at_ns[i] - c->at_ns[i - 1];
        s->zero_gaps += gap == 0;
        spare[i - 1] = (double)gap / 1e9;
    }
    s->gaps = stats_of_values(spare, c->count - 1);
    s->gap_cv = s->gaps.cv;
}

static bool take_bins(stats_bins *bins, int64_t width_ns, const mdl_trace *c)
{
    bins->width_ns = width_ns;
    bins->count = (size_t)(c->at_ns[c->count - 1] / width_ns) + 1;
    bins->full = bins->count - 1;
    bins->requests = calloc(bins->count, sizeof *bins->requests);
    if (bins->requests == NULL) {
        return false;
    }
    for (size_t i = 0; i < c->count; i++) {
        bins->requests[c->at_ns[i] / width_ns]++;
    }
    double sum = 0.0;
    double squares = 0.0;
    bins->trough = bins->full > 0 ? UINT32_MAX : 0;
    for (size_t i = 0; i < bins->full; i++) {
        const uint32_t n = bins->requests[i];
        bins->peak = n > bins->peak ? n : bins->peak;
        bins->trough = n < bins->trough ? n : bins->trough;
        sum += n;
    }
    bins->mean = bins->full > 0 ? sum / (double)bins->full : 0.0;
    for (size_t i = 0; i < bins->full; i++) {
        squares += (bins->requests[i] - bins->mean) * (bins->requests[i] - bins->mean);
    }
    bins->dispersion = bins->mean > 0.0 ? squares / (double)bins->full / bins->mean : 0.0;
    return true;
}

static bool take_calendar(trace_stats *s, const mdl_trace *c, int64_t first_ns)
{
    const int64_t last_ns = first_ns + c->at_ns[c->count - 1];
    const int64_t first_day = first_ns / DAY_NS;
    s->days = (size_t)(last_ns / DAY_NS - first_day) + 1;
    s->by_day = calloc(s->days, sizeof *s->by_day);
    if (s->by_day == NULL) {
        return false;
    }
    for (size_t i = 0; i < c->count; i++) {
        const int64_t at = first_ns + c->at_ns[i];
        s->by_hour[at % DAY_NS / HOUR_NS]++;
        s->by_day[at / DAY_NS - first_day]++;
    }
    for (int64_t hour = first_ns / HOUR_NS; hour <= last_ns / HOUR_NS; hour++) {
        const int64_t from = hour * HOUR_NS > first_ns ? hour * HOUR_NS : first_ns;
        const int64_t to = (hour + 1) * HOUR_NS < last_ns ? (hour + 1) * HOUR_NS : last_ns;
        s->covered_h[hour % 24] += (double)(to - from) / (double)HOUR_NS;
    }
    return true;
}

static double correlation(const double *x, const double *y, size_t count)
{
    double mean_x = 0.0, mean_y = 0.0, xx = 0.0, yy = 0.0, xy = 0.0;
    for (size_t i = 0; i < count; i++) {
        mean_x += x[i];
        mean_y += y[i];
    }
    mean_x /= (double)count;
    mean_y /= (double)count;
    for (size_t i = 0; i < count; i++) {
        xx += (x[i] - mean_x) * (x[i] - mean_x);
        yy += (y[i] - mean_y) * (y[i] - mean_y);
        xy += (x[i] - mean_x) * (y[i] - mean_y);
    }
    return xx > 0.0 && yy > 0.0 ? xy / sqrt(xx * yy) : (double)NAN;
}

static size_t below(const double *sorted, size_t count, double value, bool with_equal)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (sorted[middle] < value || (with_equal && sorted[middle] <= value)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Values become their ranks; equal ones share the mean of theirs. */
static void to_ranks(double *values, size_t count, double *sorted)
{
    memcpy(sorted, values, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, by_double);
    for (size_t i = 0; i < count; i++) {
        values[i] = 0.5 * (double)(below(sorted, count, values[i], false) + below(sorted, count, values[i], true));
    }
}

static bool take_correlation(trace_stats *s, const mdl_trace *c, double *x)
{
    double *y = malloc(c->count * sizeof *y);
    double *sorted = malloc(c->count * sizeof *sorted);
    const bool ok = y != NULL && sorted != NULL;
    for (size_t i = 0; ok && i < c->count; i++) {
        x[i] = (double)c->input_tokens[i];
        y[i] = (double)c->output_tokens[i];
    }
    if (ok) {
        s->pearson = correlation(x, y, c->count);
        to_ranks(x, c->count, sorted);
        to_ranks(y, c->count, sorted);
        s->spearman = correlation(x, y, c->count);
    }
    free(y);
    free(sorted);
    return ok;
}

static bool take_sessions(trace_stats *s, const mdl_trace *c)
{
    int64_t *ids = malloc(c->count * sizeof *ids);
    size_t with = 0;
    if (ids == NULL) {
        return false;
    }
    for (size_t i = 0; i < c->count; i++) {
        if (c->session[i] >= 0) {
            ids[with++] = c->session[i];
        }
    }
    qsort(ids, with, sizeof *ids, by_session);
    for (size_t i = 0; i < with; i++) {
        s->sessions += i == 0 || ids[i] != ids[i - 1];
    }
    s->turns_mean = s->sessions > 0 ? (double)with / (double)s->sessions : 0.0;
    s->in_session = (double)with / (double)c->count;
    free(ids);
    return true;
}

static void take_prefix(trace_stats *s, const mdl_trace *c)
{
    double prefix = 0.0;
    double input = 0.0;
    for (size_t i = 0; i < c->count; i++) {
        prefix += (double)c->prefix_tokens[i];
        input += (double)c->input_tokens[i];
    }
    s->prefix_share = input > 0.0 ? prefix / input : 0.0;
}

static bool take_all(trace_stats *s, const trace *t, double *spare)
{
    const mdl_trace *c = trace_columns(t);
    const trace_facts *facts = trace_about(t);
    s->count = c->count;
    s->span_s = (double)c->at_ns[c->count - 1] / 1e9;
    s->rate_per_s = s->span_s > 0.0 ? (double)c->count / s->span_s : 0.0;
    s->pearson = s->spearman = (double)NAN;
    take_gaps(s, c, spare);
    if (!take_bins(&s->minutes, MINUTE_NS, c) || !take_bins(&s->hours, HOUR_NS, c) ||
        !take_calendar(s, c, trace_first_ns(t))) {
        return false;
    }
    if (facts->has_input) {
        s->input = of_tokens(c->input_tokens, c->count, spare);
    }
    if (facts->has_output) {
        s->output = of_tokens(c->output_tokens, c->count, spare);
    }
    s->has_prefix = c->prefix_tokens != NULL;
    s->has_sessions = c->session != NULL;
    s->has_priority = c->priority != NULL;
    s->has_blocks = facts->block_count != NULL;
    if (s->has_prefix) {
        take_prefix(s, c);
    }
    if (s->has_blocks) {
        s->blocks = of_tokens(facts->block_count, c->count, spare);
        s->block_share = facts->blocks > 0 ? (double)facts->blocks_found / (double)facts->blocks : 0.0;
        s->blocks_distinct = facts->blocks_distinct;
    }
    return (!s->has_sessions || take_sessions(s, c)) &&
           (!facts->has_input || !facts->has_output || take_correlation(s, c, spare));
}

trace_stats *trace_stats_of(const trace *t)
{
    trace_stats *s = calloc(1, sizeof *s);
    double *spare = malloc(trace_columns(t)->count * sizeof *spare);
    const bool ok = s != NULL && spare != NULL && take_all(s, t, spare);
    free(spare);
    if (!ok) {
        trace_stats_free(s);
        return NULL;
    }
    return s;
}

void trace_stats_free(trace_stats *s)
{
    if (s != NULL) {
        free(s->minutes.requests);
        free(s->hours.requests);
        free(s->by_day);
        free(s);
    }
}
