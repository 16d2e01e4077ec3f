/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fit.c - see fit.h. */
#include "sim/trace/fit.h"

#include <float.h>
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/traffic/arrivals_int.h"
#include "sim/kernel/rng.h"
#include "sim/scenario/csvfile.h"

#define HOUR_S          3600
#define HOUR_NS         INT64_C(3600000000000)
#define WEEK_NS         (MDL_SHAPE_HOURS * HOUR_NS)
#define MONDAY_NS       (3 * 24 * HOUR_NS) /* 1970-01-01 was a Thursday */
#define COVERED_LEAST   (1.0 / 6.0)        /* of an hour, to be told from chance */
#define KS_POINTS       100000
#define LENGTH_DRAWS    500000
#define CALIBRATE_DRAWS 1000000.0
#define CALIBRATIONS    12
#define CV_NEAR         1.01 /* this close, CVs are alike */
#define WINDOWS         24   /* of client rates that are drawn */
#define QUARTILE_Z      0.6744897501960817
#define PI              3.14159265358979323846

/* What a fit is made from. */
typedef struct sample {
    double requests[MDL_SHAPE_HOURS]; /* in each hour of the week */
    double covered_h[MDL_SHAPE_HOURS];
    int64_t week_ns; /* of the first request, since Monday 00:00 */
    int64_t span_ns; /* to the last one */
    double *gaps;    /* [gap_count] on the clock of the rates */
    size_t gap_count, gap_room;
    trace_request *rows; /* [row_count]: lengths */
    size_t row_count, row_room;
} sample;

static bool room(void *array, size_t *capacity, size_t want, size_t width)
{
    void *old;
    if (want <= *capacity) {
        return true;
    }
    memcpy(&old, array, sizeof old);
    const size_t rows = want + want / 2 + 1024;
    void *more = realloc(old, rows * width);
    if (more == NULL) {
        return false;
    }
    memcpy(array, &more, sizeof more);
    *capacity = rows;
    return true;
}

/* --- rates ----------------------------------------------------------------------------------------------------- */

static size_t hour_at(int64_t week_ns)
{
    return (size_t)(week_ns % WEEK_NS / HOUR_NS);
}

/* Hours of the week that a stretch of time covers. */
static void cover(double covered_h[MDL_SHAPE_HOURS], int64_t week_ns, int64_t span_ns)
{
    for (int64_t at = week_ns; at < week_ns + span_ns;) {
        const int64_t next = (at / HOUR_NS + 1) * HOUR_NS;
        const int64_t to = next < week_ns + span_ns ? next : week_ns + span_ns;
        covered_h[hour_at(at)] += (double)(to - at) / (double)HOUR_NS;
        at = to;
    }
}

/* What an hour must be covered to count as seen; a trace that covers none so far has nothing better. */
static double least_covered(const sample *s)
{
    for (size_t h = 0; h < MDL_SHAPE_HOURS; h++) {
        if (s->covered_h[h] >= COVERED_LEAST) {
            return COVERED_LEAST;
        }
    }
    return DBL_MIN;
}

/* Rate of the time seen at the same hour of other days, else of all. */
static double filled(const sample *s, double least, size_t hour)
{
    double sum = 0.0, all = 0.0, covered = 0.0, seen = 0.0;
    for (size_t h = 0; h < MDL_SHAPE_HOURS; h++) {
        if (s->covered_h[h] >= least) {
            all += s->requests[h];
            seen += s->covered_h[h];
            sum += h % 24 == hour % 24 ? s->requests[h] : 0.0;
            covered += h % 24 == hour % 24 ? s->covered_h[h] : 0.0;
        }
    }
    return covered > 0.0 ? sum / (3600.0 * covered) : seen > 0.0 ? all / (3600.0 * seen) : 0.0;
}

static void take_hours(trace_fit *f, const sample *s)
{
    const double least = least_covered(s);
    for (size_t h = 0; h < MDL_SHAPE_HOURS; h++) {
        const bool seen = s->covered_h[h] >= least;
        f->hours[h] = seen ? s->requests[h] / (3600.0 * s->covered_h[h]) : filled(s, least, h);
        f->hours_seen += seen;
    }
    f->start_hour = (int64_t)hour_at(s->week_ns);
}

/* Requests expected between two times of the week. */
static double on_clock(const double *hours, int64_t from_ns, int64_t to_ns)
{
    double sum = 0.0;
    while (from_ns < to_ns) {
        const int64_t next = (from_ns / HOUR_NS + 1) * HOUR_NS;
        const int64_t end = next < to_ns ? next : to_ns;
        sum += hours[hour_at(from_ns)] * (double)(end - from_ns) / 1e9;
        from_ns = end;
    }
    return sum;
}

/* --- gaps ------------------------------------------------------------------------------------------------------ */

/* Mean and deviation over the mean, as they come in. */
typedef struct moments {
    double n, mean, m2;
} moments;

static void add(moments *m, double x)
{
    m->n += 1.0;
    const double d = x - m->mean;
    m->mean += d / m->n;
    m->m2 += d * (x - m->mean);
}

static double cv_of(const moments *m)
{
    return m->n > 1.0 && m->mean > 0.0 ? sqrt(m->m2 / m->n) / m->mean : 0.0;
}

static double law_below(const renewal *g, double x)
{
    switch (g->law) {
    case MDL_RENEWAL_GAMMA:
        return gsl_cdf_gamma_P(x, g->shape, g->scale);
    case MDL_RENEWAL_WEIBULL:
        return -expm1(-pow(x / g->scale, g->shape));
    case MDL_RENEWAL_POISSON:
        break;
    }
    return -expm1(-x);
}

/* Largest distance of sorted gaps from a law, looked at KS_POINTS of them. */
static double distance(const sample *s, double mean, mdl_renewal law, double cv)
{
    const renewal g = renewal_of(law, cv);
    const size_t n = s->gap_count;
    const size_t step = n / KS_POINTS + 1;
    double most = 0.0;
    for (size_t from = 0; from < n;) {
        /* of equal gaps, all: the law has to climb over the whole step at once */
        size_t to = from + 1;
        while (to < n && s->gaps[to] <= s->gaps[from]) {
            to++;
        }
        const double p = law_below(&g, s->gaps[from] / mean);
        most = fmax(most, fmax(fabs(p - (double)from / (double)n), fabs(p - (double)to / (double)n)));
        from = to > from + step ? to : from + step;
    }
    return most;
}

static int by_value(const void *a, const void *b)
{
    double x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

double trace_fit_cv(const trace_fit *f)
{
    return f->source_cv;
}

static void take_law(trace_fit *f, sample *s)
{
    moments m = {0.0, 0.0, 0.0};
    size_t zero = 0;
    for (size_t i = 0; i < s->gap_count; i++) {
        add(&m, s->gaps[i]);
        zero += !(s->gaps[i] > 0.0);
    }
    f->cv = cv_of(&m);
    f->source_cv = fmin(fmax(f->cv, FIT_CV_LEAST), FIT_CV_MOST);
    f->renewal = MDL_RENEWAL_POISSON;
    f->zero_gap_share = s->gap_count > 0 ? (double)zero / (double)s->gap_count : 0.0;
    if (s->gap_count < 2 || !(m.mean > 0.0)) {
        return;
    }
    qsort(s->gaps, s->gap_count, sizeof *s->gaps, by_value);
    f->ks = distance(s, m.mean, MDL_RENEWAL_POISSON, 1.0);
    if (fabs(f->cv - 1.0) > FIT_POISSON) {
        const double gamma = distance(s, m.mean, MDL_RENEWAL_GAMMA, trace_fit_cv(f));
        const double weibull = distance(s, m.mean, MDL_RENEWAL_WEIBULL, trace_fit_cv(f));
        f->renewal = weibull < gamma ? MDL_RENEWAL_WEIBULL : MDL_RENEWAL_GAMMA;
        f->ks = fmin(gamma, weibull);
    }
}

/* --- lengths --------------------------------------------------------------------------------------------------- */

static int by_lengths(const void *a, const void *b)
{
    const trace_request *x = a;
    const trace_request *y = b;
    if (x->input != y->input) {
        return x->input < y->input ? -1 : 1;
    }
    return (x->output > y->output) - (x->output < y->output);
}

static stats_values values_of(const trace_request *rows, size_t count, bool output, double *spare)
{
    for (size_t i = 0; i < count; i++) {
        spare[i] = (double)(output ? rows[i].output : rows[i].input);
    }
    return stats_of_values(spare, count);
}

static void take_lognormal(const stats_values *v, double *median, double *sigma, double errors[STATS_POINTS])
{
    *median = v->at[2];
    *sigma = v->at[1] > 0.0 ? log(v->at[3] / v->at[1]) / (2.0 * QUARTILE_Z) : 0.0;
    for (size_t i = 0; i < STATS_POINTS; i++) {
        const double is =
            stats_points[i] < 1.0 ? *median * exp(*sigma * gsl_cdf_ugaussian_Pinv(stats_points[i])) : (double)NAN;
        errors[i] = is / v->at[i] - 1.0;
    }
}

static int by_output(const void *a, const void *b)
{
    const trace_request *x = a;
    const trace_request *y = b;
    if (x->output != y->output) {
        return x->output < y->output ? -1 : 1;
    }
    return (x->at_ns > y->at_ns) - (x->at_ns < y->at_ns);
}

/*
 * Rows at equal distances in the order of (input, output): their inputs have the quantiles of all. Their outputs are a
 * sample; in the order of their size they are given the values of all outputs at equal distances, so that these have
 * the quantiles of all as well, and the ranks stay. Leaves `rows` in the order of outputs.
 */
static void pick_pairs(trace_request *rows, size_t count, trace_request *pairs, size_t kept)
{
    qsort(rows, count, sizeof *rows, by_lengths);
    for (size_t i = 0; i < kept; i++) {
        pairs[i] = rows[(size_t)(((double)i + 0.5) * (double)count / (double)kept)];
        pairs[i].at_ns = (int64_t)i;
    }
    qsort(rows, count, sizeof *rows, by_output);
    qsort(pairs, kept, sizeof *pairs, by_output);
    for (size_t i = 0; i < kept; i++) {
        pairs[i].output = rows[(size_t)(((double)i + 0.5) * (double)count / (double)kept)].output;
    }
}

static bool take_lengths(trace_fit *f, sample *s, double spearman, const char *name, char *err, size_t err_size)
{
    csv_message message = {err, err_size};
    const size_t kept = s->row_count < FIT_PAIRS ? s->row_count : FIT_PAIRS;
    double *spare = malloc(s->row_count * sizeof *spare);
    trace_request *pairs = malloc(kept * sizeof *pairs);
    const bool ok = spare != NULL && pairs != NULL;
    if (ok) {
        f->input = values_of(s->rows, s->row_count, false, spare);
        f->output = values_of(s->rows, s->row_count, true, spare);
        take_lognormal(&f->input, &f->median_in, &f->sigma_in, f->lognormal_in);
        take_lognormal(&f->output, &f->median_out, &f->sigma_out, f->lognormal_out);
        f->correlation = isfinite(spearman) ? 2.0 * sin(PI * spearman / 6.0) : 0.0;
        pick_pairs(s->rows, s->row_count, pairs, kept);
        f->pairs = trace_of(name, pairs, kept, 0, false, err, err_size);
    } else {
        csv_fail_at(name, 0, 0, &message, "out of memory");
    }
    free(spare);
    free(pairs);
    return f->pairs != NULL;
}

/* --- how good it is -------------------------------------------------------------------------------------------- */

mdl_arrival_spec trace_fit_arrivals(const trace_fit *f, double scale, double hours[MDL_SHAPE_HOURS])
{
    for (size_t h = 0; h < MDL_SHAPE_HOURS; h++) {
        hours[h] = f->hours[h] * scale;
    }
    mdl_arrival_spec spec = {.kind = MDL_ARRIVAL_DIURNAL, .weekend_factor = 1.0, .hours = hours};
    if (f->renewal != MDL_RENEWAL_POISSON) {
        spec.burst.renewal = f->renewal;
        spec.burst.cv = trace_fit_cv(f);
    }
    return spec;
}

/* What comes of a source of a fit: requests of each hour of the week, and gaps by both clocks. */
typedef struct drawing {
    double requests[MDL_SHAPE_HOURS];
    moments wall, clock;
} drawing;

/* Draws over the time of the trace, once. False: memory. */
static bool draw_once(drawing *d, const mdl_arrival_spec *spec, const sample *s, gsl_rng *r)
{
    mdl_arrivals *a = mdl_arrivals_new(spec);
    if (a == NULL) {
        return false;
    }
    mdl_arrival next;
    int64_t last_ns = -1;
    while (mdl_arrivals_next(a, r, &next) <= s->span_ns && next.at_ns >= 0) {
        d->requests[hour_at(s->week_ns + next.at_ns)] += 1.0;
        if (last_ns >= 0) {
            add(&d->wall, (double)(next.at_ns - last_ns));
            add(&d->clock, on_clock(spec->hours, s->week_ns + last_ns, s->week_ns + next.at_ns));
        }
        last_ns = next.at_ns;
    }
    mdl_arrivals_free(a);
    return true;
}

/* CV of the gaps of what was drawn less that of the trace, as a share: by the clock on the wall if the trace has one.
 */
static double cv_error(const trace_fit *f, const drawing *d)
{
    const double drawn = f->drawn ? cv_of(&d->clock) : cv_of(&d->wall);
    const double of = f->drawn ? f->cv : f->wall_cv;
    return of > 0.0 ? drawn / of - 1.0 : 0.0;
}

/* Draws over the time of the trace until there are about so many requests. @return how often; 0: memory */
static size_t draw_often(drawing *d, const mdl_arrival_spec *spec, const sample *s, double expected, double requests,
                         gsl_rng *r)
{
    size_t times = 0;
    *d = (drawing){.requests = {0.0}};
    for (double drawn = 0.0; drawn < requests && times < FIT_TIMES; drawn += expected) {
        if (!draw_once(d, spec, s, r)) {
            return 0;
        }
        times++;
    }
    return times;
}

/*
 * Few gaps of a large CV show less of it than there is, and rates that change within an hour more: where what is drawn
 * over the time of the trace has another CV than the trace, the source gets the one that makes them alike. The same
 * random numbers every time make one grow with the other. False: memory.
 */
static bool calibrate(trace_fit *f, const sample *s, double expected, double scale, uint64_t seed)
{
    double hours[MDL_SHAPE_HOURS], least = FIT_CV_LEAST, most = FIT_CV_MOST;
    bool ok = true;
    for (int i = 0; ok && f->renewal != MDL_RENEWAL_POISSON && i < CALIBRATIONS && most > least * CV_NEAR; i++) {
        drawing d;
        mdl_arrival_spec spec = trace_fit_arrivals(f, scale, hours);
        spec.local_offset_ns = s->week_ns;
        gsl_rng *r = rng_stream(seed, 0, "trace-calibrate", 0);
        ok = r != NULL && draw_often(&d, &spec, s, expected * scale, CALIBRATE_DRAWS, r) > 0;
        gsl_rng_free(r);
        const double error = ok ? cv_error(f, &d) : 0.0;
        if (fabs(error) < CV_NEAR - 1.0) {
            break;
        }
        *(error < 0.0 ? &least : &most) = f->source_cv;
        const double next = f->source_cv / (1.0 + error);
        f->source_cv = next > least && next < most ? next : sqrt(least * most);
    }
    return ok;
}

/* Hours of which so many requests are drawn that chance is small beside what is looked for. */
static void compare_hours(trace_fit *f, const sample *s, const drawing *d)
{
    trace_fit_errors *e = &f->errors;
    const double cv = f->renewal != MDL_RENEWAL_POISSON ? trace_fit_cv(f) : 1.0;
    double sum = 0.0;
    for (size_t h = 0; h < MDL_SHAPE_HOURS; h++) {
        if (s->covered_h[h] < COVERED_LEAST || !(s->requests[h] > 0.0)) {
            continue;
        }
        const double expected = s->requests[h] * e->scale * (double)e->times;
        e->hours_whole++;
        if (cv / sqrt(expected) < FIT_CHANCE) {
            const double error = fabs(d->requests[h] / expected - 1.0);
            e->hour_worst = fmax(e->hour_worst, error);
            sum += error;
            e->hours++;
        }
    }
    e->hour_mean = e->hours > 0 ? sum / (double)e->hours : 0.0;
}

static bool draw_arrivals(trace_fit *f, const sample *s, uint64_t seed, gsl_rng *r)
{
    double hours[MDL_SHAPE_HOURS], expected = 0.0;
    trace_fit_errors *e = &f->errors;
    drawing d;
    for (size_t h = 0; h < MDL_SHAPE_HOURS; h++) {
        expected += s->requests[h];
    }
    if (!calibrate(f, s, expected, fmin(CALIBRATE_DRAWS / expected, 1.0), seed)) {
        return false;
    }
    e->scale = fmin(FIT_DRAWS / expected, 1.0);
    mdl_arrival_spec spec = trace_fit_arrivals(f, e->scale, hours);
    spec.local_offset_ns = s->week_ns;
    e->times = draw_often(&d, &spec, s, expected * e->scale, FIT_ENOUGH, r);
    compare_hours(f, s, &d);
    e->cv = cv_error(f, &d);
    return e->times > 0;
}

static bool draw_lengths(trace_fit *f, gsl_rng *r)
{
    const mdl_trace *c = trace_columns(f->pairs);
    const mdl_lengths law = {.pair_input = c->input_tokens, .pair_output = c->output_tokens, .pair_count = c->count};
    double *input = malloc(LENGTH_DRAWS * sizeof *input);
    double *output = malloc(LENGTH_DRAWS * sizeof *output);
    const bool ok = input != NULL && output != NULL;
    for (size_t i = 0; ok && i < LENGTH_DRAWS; i++) {
        int32_t in = 0, out = 0;
        mdl_lengths_draw(&law, r, &in, &out);
        input[i] = (double)in;
        output[i] = (double)out;
    }
    if (ok) {
        const stats_values in = stats_of_values(input, LENGTH_DRAWS);
        const stats_values out = stats_of_values(output, LENGTH_DRAWS);
        for (size_t i = 0; i < STATS_POINTS; i++) {
            f->errors.input[i] = in.at[i] / f->input.at[i] - 1.0;
            f->errors.output[i] = out.at[i] / f->output.at[i] - 1.0;
        }
    }
    free(input);
    free(output);
    return ok;
}

static trace_fit *finish(trace_fit *f, sample *s, double spearman, const char *name, uint64_t seed, char *err,
                         size_t err_size)
{
    csv_message message = {err, err_size};
    gsl_rng *r = rng_stream(seed, 0, "trace-fit", 0);
    take_law(f, s);
    bool ok = take_lengths(f, s, spearman, name, err, err_size);
    if (ok && (r == NULL || !draw_arrivals(f, s, seed, r) || !draw_lengths(f, r))) {
        ok = csv_fail_at(name, 0, 0, &message, "out of memory");
    }
    gsl_rng_free(r);
    free(s->gaps);
    free(s->rows);
    if (!ok) {
        trace_fit_free(f);
        return NULL;
    }
    return f;
}

/* --- the two kinds of source ----------------------------------------------------------------------------------- */

static trace_fit *give_up(trace_fit *f, sample *s, const char *name, char *err, size_t err_size, const char *why)
{
    csv_message message = {err, err_size};
    csv_fail_at(name, 0, 0, &message, "%s", why);
    free(s->gaps);
    free(s->rows);
    trace_fit_free(f);
    return NULL;
}

static void count_left_out(trace_fit *f, const mdl_trace *c)
{
    for (size_t i = 0; i < c->count; i++) {
        f->with_session += c->session != NULL && c->session[i] >= 0;
        f->with_prefix += c->prefix_tokens != NULL && c->prefix_tokens[i] > 0;
        f->with_priority += c->priority != NULL && c->priority[i] != 0;
    }
}

trace_fit *trace_fit_of(const trace *t, const char *name, uint64_t seed, char *err, size_t err_size)
{
    const mdl_trace *c = trace_columns(t);
    sample s = {.span_ns = c->at_ns[c->count - 1]};
    trace_fit *f = calloc(1, sizeof *f);
    trace_stats *stats = trace_stats_of(t);
    if (f == NULL || stats == NULL || !room(&s.gaps, &s.gap_room, c->count, sizeof *s.gaps) ||
        !room(&s.rows, &s.row_room, c->count, sizeof *s.rows)) {
        trace_stats_free(stats);
        return give_up(f, &s, name, err, err_size, "out of memory");
    }
    const double spearman = stats->spearman;
    f->wall_cv = stats->gap_cv;
    trace_stats_free(stats);
    if (s.span_ns == 0) {
        return give_up(f, &s, name, err, err_size, "all requests come at one instant: there is no rate");
    }
    f->requests = c->count;
    count_left_out(f, c);
    f->clock = trace_about(t)->clock;
    s.week_ns = (trace_first_ns(t) % WEEK_NS + (f->clock ? MONDAY_NS : 0)) % WEEK_NS;
    cover(s.covered_h, s.week_ns, s.span_ns);
    for (size_t i = 0; i < c->count; i++) {
        const int64_t at = s.week_ns + c->at_ns[i];
        s.requests[hour_at(i + 1 < c->count ? at : at - 1)] += 1.0; /* the last one ends what is covered */
        s.rows[i] = (trace_request){.session = -1, .input = c->input_tokens[i], .output = c->output_tokens[i]};
    }
    s.row_count = c->count;
    take_hours(f, &s);
    for (size_t i = 1; i < c->count; i++) {
        s.gaps[s.gap_count++] = on_clock(f->hours, s.week_ns + c->at_ns[i - 1], s.week_ns + c->at_ns[i]);
    }
    return finish(f, &s, spearman, name, seed, err, err_size);
}

/* Gaps of one window of client rates, or of a part of one. */
static bool take_window(sample *s, const client_rates *r, int64_t start_s, int64_t end_s, const char *name,
                        uint64_t seed, moments *wall, char *err, size_t err_size)
{
    csv_message message = {err, err_size};
    const double rate = rates_between(r, start_s, end_s);
    if (!(rate > 0.0)) {
        return true;
    }
    trace *t = rates_draw(r, name, start_s, end_s, 1.0, seed, err, err_size);
    if (t == NULL) {
        return false;
    }
    const mdl_trace *c = trace_columns(t);
    const bool ok = room(&s->gaps, &s->gap_room, s->gap_count + c->count, sizeof *s->gaps);
    for (size_t i = 1; ok && i < c->count; i++) {
        const double gap_s = (double)(c->at_ns[i] - c->at_ns[i - 1]) / 1e9;
        s->gaps[s->gap_count++] = gap_s * rate;
        add(wall, gap_s);
    }
    trace_close(t);
    return ok || csv_fail_at(name, 0, 0, &message, "out of memory");
}

/* Gaps of windows at equal distances among those that lie wholly within the time, of all of it where none does. */
static bool take_windows(sample *s, const client_rates *r, int64_t from_s, int64_t to_s, const char *name,
                         uint64_t seed, moments *wall, char *err, size_t err_size)
{
    const int64_t window_s = (int64_t)r->window_s;
    const int64_t first_s = r->from_s + (from_s - r->from_s + window_s - 1) / window_s * window_s;
    const int64_t windows = to_s > first_s ? (to_s - first_s) / window_s : 0;
    const int64_t drawn = windows < WINDOWS ? windows : WINDOWS;
    bool ok = drawn > 0 || take_window(s, r, from_s, to_s, name, seed, wall, err, err_size);
    for (int64_t i = 0; ok && i < drawn; i++) {
        const int64_t start_s = first_s + (2 * i + 1) * windows / (2 * drawn) * window_s;
        ok = take_window(s, r, start_s, start_s + window_s, name, seed, wall, err, err_size);
    }
    return ok;
}

/* Requests expected in each hour of the week. @return in all */
static double take_requests(sample *s, const client_rates *r, int64_t from_s, int64_t to_s)
{
    double expected = 0.0;
    for (int64_t at = from_s; at < to_s;) {
        const int64_t next = (at / HOUR_S + 1) * HOUR_S;
        const int64_t end = next < to_s ? next : to_s;
        const double requests = rates_between(r, at, end) * (double)(end - at);
        s->requests[at / HOUR_S % MDL_SHAPE_HOURS] += requests;
        expected += requests;
        at = end;
    }
    return expected;
}

/* Lengths of requests drawn over the whole time, thinner where they would be too many. */
static bool take_drawn_lengths(sample *s, const client_rates *r, int64_t from_s, int64_t to_s, double expected,
                               const char *name, uint64_t seed, char *err, size_t err_size)
{
    csv_message message = {err, err_size};
    const double scale = expected > LENGTH_DRAWS ? LENGTH_DRAWS / expected : 1.0;
    trace *t = rates_draw(r, name, from_s, to_s, scale, seed, err, err_size);
    if (t == NULL) {
        return false;
    }
    const mdl_trace *c = trace_columns(t);
    const bool ok = room(&s->rows, &s->row_room, c->count, sizeof *s->rows);
    for (size_t i = 0; ok && i < c->count; i++) {
        s->rows[s->row_count++] =
            (trace_request){.session = -1, .input = c->input_tokens[i], .output = c->output_tokens[i]};
    }
    trace_close(t);
    return ok || csv_fail_at(name, 0, 0, &message, "out of memory");
}

trace_fit *trace_fit_of_rates(const client_rates *r, int64_t from_s, int64_t to_s, const char *name, uint64_t seed,
                              char *err, size_t err_size)
{
    sample s = {.span_ns = 0};
    moments wall = {0.0, 0.0, 0.0};
    trace_fit *f = calloc(1, sizeof *f);
    from_s = from_s > r->from_s ? from_s : r->from_s;
    to_s = to_s < r->to_s ? to_s : r->to_s;
    if (f == NULL || to_s <= from_s) {
        return give_up(f, &s, name, err, err_size, f == NULL ? "out of memory" : "there are no rates in this time");
    }
    f->drawn = true;
    s.week_ns = from_s * INT64_C(1000000000) % WEEK_NS;
    s.span_ns = (to_s - from_s) * INT64_C(1000000000);
    cover(s.covered_h, s.week_ns, s.span_ns);
    const double expected = take_requests(&s, r, from_s, to_s);
    f->requests = (size_t)expected;
    take_hours(f, &s);
    bool ok = take_drawn_lengths(&s, r, from_s, to_s, expected, name, seed, err, err_size) &&
              take_windows(&s, r, from_s, to_s, name, seed, &wall, err, err_size);
    if (!ok) {
        free(s.gaps);
        free(s.rows);
        trace_fit_free(f);
        return NULL;
    }
    f->wall_cv = cv_of(&wall);
    return finish(f, &s, (double)NAN, name, seed, err, err_size);
}

void trace_fit_free(trace_fit *f)
{
    if (f != NULL) {
        trace_close(f->pairs);
        free(f);
    }
}
