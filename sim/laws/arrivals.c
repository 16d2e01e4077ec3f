/* SPDX-License-Identifier: GPL-3.0-or-later */
/* arrivals.c - when requests come: rates over time, gaps, bursts, conversations (models/traffic). */
#include "sim/laws/rows.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_math.h>
#include <gsl/gsl_sf_gamma.h>
#include <math.h>

#include "models/traffic/traffic.h"

#define MODULATED                                                                                                      \
    "W. Fischer, K. Meier-Hellstern: The Markov-modulated Poisson process (MMPP) cookbook, Performance "               \
    "Evaluation 18, 1993"
#define NS 1000000000.0

/* --- rates over time --- */

static double rate_at(const mdl_arrival_spec *spec, double s)
{
    mdl_arrivals *a = mdl_arrivals_new(spec);
    const double rate = a != NULL ? mdl_arrivals_rate(a, (int64_t)(s * NS)) : (double)NAN;
    mdl_arrivals_free(a);
    return rate;
}

static double day(double hour, gsl_rng *r)
{
    const mdl_arrival_spec spec = {
        .kind = MDL_ARRIVAL_DIURNAL, .peak_per_s = 100, .trough_per_s = 20, .peak_hour = 14, .weekend_factor = 0.5};
    (void)r;
    return rate_at(&spec, hour * 3600);
}

static double day_exact(double hour)
{
    const double weekend = hour >= 120 ? 0.5 : 1; /* hour 0 is Monday's first */
    return weekend * (20 + 80 * (1 + cos(2 * M_PI * (hour - 14) / 24)) / 2);
}

/* Each day has the same hours. */
static double shaped(const void *of, double hour, gsl_rng *r)
{
    const law_day *d = of;
    double shape[MDL_SHAPE_HOURS];
    (void)r;
    for (int h = 0; h < MDL_SHAPE_HOURS; h++) {
        shape[h] = d->hours[h % 24];
    }
    const mdl_arrival_spec spec = {.kind = MDL_ARRIVAL_DIURNAL,
                                   .peak_per_s = d->high,
                                   .trough_per_s = d->low,
                                   .weekend_factor = d->weekend,
                                   .shape = shape};
    return rate_at(&spec, hour * 3600);
}

static double shaped_exact(const void *of, double hour)
{
    const law_day *d = of;
    const double at = fmod(hour, 24), past = at - floor(at);
    const double v = (1 - past) * d->hours[(int)at] + past * d->hours[((int)at + 1) % 24];
    double least = d->hours[0], most = d->hours[0];
    for (int h = 1; h < 24; h++) {
        least = fmin(least, d->hours[h]);
        most = fmax(most, d->hours[h]);
    }
    const double share = most > least ? (v - least) / (most - least) : 1;
    return (hour >= 120 ? d->weekend : 1) * (d->low + (d->high - d->low) * share); /* hour 0 is Monday's first */
}

/* Climbs in a straight line to noon and falls again. */
static const law_day climbing = {.hours = {5.0, 5.1, 5.2, 5.3, 5.4, 5.5, 5.6, 5.7, 5.8, 5.9, 6.0, 6.1,
                                           6.2, 6.1, 6.0, 5.9, 5.8, 5.7, 5.6, 5.5, 5.4, 5.3, 5.2, 5.1},
                                 .low = 20,
                                 .high = 100,
                                 .weekend = 0.5};

law law_of_day(const law_day *of)
{
    law l = *law_find("rate-shape");
    l.formula = "straight lines between hourly values; a scenario stretches them from its trough to its peak";
    l.x = "local hour";
    l.y = "rate, relative";
    l.of = of;
    l.from = 0;
    l.to = 24;
    l.points = 49;
    return l;
}

static double growth(double day_number, gsl_rng *r)
{
    const mdl_arrival_spec spec = {.kind = MDL_ARRIVAL_POISSON,
                                   .rate_per_s = 10,
                                   .growth = {.factor = 1.5, .over_ns = INT64_C(30) * 86400 * 1000000000}};
    (void)r;
    return rate_at(&spec, day_number * 86400);
}

static double growth_exact(double day_number)
{
    return 10 * pow(1.5, day_number / 30);
}

static double crowd(double s, gsl_rng *r)
{
    const mdl_crowd one = {.at_ns = 60000000000,
                           .rise_ns = 60000000000,
                           .hold_ns = 120000000000,
                           .decay_ns = 60000000000,
                           .factor = 5,
                           .spike = true};
    const mdl_arrival_spec spec = {.kind = MDL_ARRIVAL_POISSON, .rate_per_s = 10, .crowds = &one, .crowd_count = 1};
    (void)r;
    return rate_at(&spec, s);
}

static double crowd_exact(double s)
{
    const double e = s < 60 ? 0 : s < 120 ? (s - 60) / 60 : s < 240 ? 1 : exp(-(s - 240) / 60);
    return 10 * (1 + 4 * e);
}

/* --- gaps --- */

static bool gaps(mdl_renewal renewal, double cv, double *values, size_t n, gsl_rng *r)
{
    const mdl_arrival_spec spec = {
        .kind = MDL_ARRIVAL_POISSON, .rate_per_s = 1, .burst = {.renewal = renewal, .cv = cv}};
    mdl_arrivals *a = mdl_arrivals_new(&spec);
    mdl_arrival next;
    if (a == NULL) {
        return false;
    }
    int64_t before = mdl_arrivals_next(a, r, &next); /* the first gap is the equilibrium's */
    for (size_t i = 0; i < n; i++) {
        const int64_t at = mdl_arrivals_next(a, r, &next);
        values[i] = (double)(at - before) / NS;
        before = at;
    }
    mdl_arrivals_free(a);
    return true;
}

static bool poisson(double *values, size_t n, gsl_rng *r)
{
    return gaps(MDL_RENEWAL_POISSON, 1, values, n, r);
}

static double poisson_cdf(double x)
{
    return 1 - exp(-x);
}

static bool gamma_gaps(double *values, size_t n, gsl_rng *r)
{
    return gaps(MDL_RENEWAL_GAMMA, 2, values, n, r);
}

static double gamma_cdf(double x)
{
    return gsl_cdf_gamma_P(x, 0.25, 4);
}

static bool weibull_gaps(double *values, size_t n, gsl_rng *r)
{
    return gaps(MDL_RENEWAL_WEIBULL, 2, values, n, r);
}

/* The shape whose coefficient of variation is 2: it falls as the shape grows. */
static double weibull_shape(void)
{
    double low = 0.1, high = 2;
    for (int i = 0; i < 100; i++) {
        const double k = (low + high) / 2;
        const double first = gsl_sf_gamma(1 + 1 / k);
        *(gsl_sf_gamma(1 + 2 / k) / (first * first) > 5 ? &low : &high) = k;
    }
    return low;
}

static double weibull_cdf(double x)
{
    const double k = weibull_shape();
    return 1 - exp(-pow(x * gsl_sf_gamma(1 + 1 / k), k));
}

/* --- bursts --- */

#define WINDOWS 4000

/* Variance over mean of the requests in a window of so many seconds. */
static double dispersion(double window_s, gsl_rng *r)
{
    const mdl_arrival_spec spec = {
        .kind = MDL_ARRIVAL_POISSON, .rate_per_s = 10, .burst = {.factor = 5, .on_s = 2, .off_s = 8}};
    mdl_arrivals *a = mdl_arrivals_new(&spec);
    mdl_arrival next;
    double sum = 0, squares = 0, inside = 0;
    if (a == NULL) {
        return (double)NAN;
    }
    double at_s = (double)mdl_arrivals_next(a, r, &next) / NS;
    for (int i = 1; i <= WINDOWS; i++) {
        for (inside = 0; at_s < i * window_s; inside++) {
            at_s = (double)mdl_arrivals_next(a, r, &next) / NS;
        }
        sum += inside;
        squares += inside * inside;
    }
    mdl_arrivals_free(a);
    return (squares - sum * sum / WINDOWS) / (WINDOWS - 1) / (sum / WINDOWS);
}

static double dispersion_exact(double window_s)
{
    const double leave_on = 1.0 / 2, leave_off = 1.0 / 8, both = leave_on + leave_off;
    const double quiet = 10 / (0.2 * 5 + 0.8), busy = 5 * quiet;
    const double limit = 2 * (busy - quiet) * (busy - quiet) * leave_on * leave_off /
                         (both * both * (busy * leave_off + quiet * leave_on));
    return 1 + limit * (1 - (1 - exp(-both * window_s)) / (both * window_s));
}

/* --- conversations --- */

static gsl_rng *same_luck(void *self, uint64_t session, int32_t turn)
{
    (void)session;
    (void)turn;
    return self;
}

/* Input tokens of the first conversation's turn number `turn`, from 1. */
static double context(double turn, gsl_rng *r)
{
    const mdl_length_law hundred = {.kind = MDL_LENGTH_FIXED, .fixed = 100, .min = 1, .max = 100};
    const mdl_length_law twice = {.kind = MDL_LENGTH_FIXED, .fixed = 200, .min = 1, .max = 200};
    const mdl_lengths lengths = {.input = hundred, .output = twice};
    const mdl_sessions sessions = {.turns = {.kind = MDL_LENGTH_FIXED, .fixed = 8, .min = 1, .max = 8},
                                   .think = {.kind = MDL_SERVICE_FIXED, .mean_s = 20},
                                   .lengths = &lengths,
                                   .system_tokens = 50,
                                   .luck = same_luck,
                                   .luck_self = r};
    const mdl_arrival_spec spec = {.kind = MDL_ARRIVAL_POISSON, .rate_per_s = 1, .sessions = &sessions};
    mdl_arrivals *a = mdl_arrivals_new(&spec);
    mdl_arrival next = {.turn = -1};
    double input = (double)NAN;
    while (a != NULL && isnan(input) && mdl_arrivals_next(a, r, &next) >= 0) {
        input = next.session == 0 && next.turn + 1 == (int32_t)turn ? next.input : (double)NAN;
    }
    mdl_arrivals_free(a);
    return input;
}

static double context_exact(double turn)
{
    return 50 + 100 * turn + 200 * (turn - 1);
}

static const law laws[] = {
    {.name = "rate-day",
     .formula = "w (low + (high - low) (1 + cos(2 pi (h - p) / 24)) / 2)",
     .parameters = "low = 20/s, high = 100/s, peak hour p = 14; w = 0.5 on Saturday and Sunday, else 1",
     .source = "a raised cosine between the two rates: by definition",
     .x = "hour of the week",
     .y = "requests/s",
     .at = day,
     .exact = day_exact,
     .from = 0.5,
     .to = 167.5,
     .points = 168,
     .within = 0.001},
    {.name = "rate-shape",
     .formula = "w (low + (high - low) (v - least) / (most - least)), v straight lines between hourly values",
     .parameters = "low = 20/s, high = 100/s; values that climb to noon and fall again; w = 0.5 on Saturday and Sunday",
     .source = "straight lines between the values of shapes.csv: by definition",
     .x = "hour of the week",
     .y = "requests/s",
     .of = &climbing,
     .at_of = shaped,
     .exact_of = shaped_exact,
     .from = 0.5,
     .to = 167.5,
     .points = 168,
     .within = 0.001},
    {.name = "rate-growth",
     .formula = "rate f^(t / over)",
     .parameters = "rate = 10/s, f = 1.5 over 30 days",
     .source = "compound growth: by definition",
     .x = "day",
     .y = "requests/s",
     .at = growth,
     .exact = growth_exact,
     .to = 90,
     .points = 31,
     .within = 0.001},
    {.name = "rate-crowd",
     .formula = "rate (1 + (f - 1) e(t)); e climbs over rise, stays for hold, falls as exp(-t / decay)",
     .parameters = "rate = 10/s, f = 5, at 60 s, rise = 60 s, hold = 120 s, decay = 60 s",
     .source = "I. Ari, B. Hong, E. L. Miller, S. A. Brandt, D. D. E. Long: Managing flash crowds on the Internet, "
               "MASCOTS 2003",
     .x = "time, s",
     .y = "requests/s",
     .at = crowd,
     .exact = crowd_exact,
     .to = 600,
     .points = 121,
     .within = 0.001},
    {.name = "gaps-poisson",
     .formula = "P(gap <= x) = 1 - exp(-x)",
     .parameters = "x in mean gaps",
     .source = "D. R. Cox, V. Isham: Point Processes, 1980",
     .x = "gap, mean gaps",
     .sample = poisson,
     .exact = poisson_cdf},
    {.name = "gaps-gamma",
     .formula = "gamma law of shape 1/c^2 and mean 1",
     .parameters = "coefficient of variation c = 2; x in mean gaps",
     .source = "Y. Wang and others: BurstGPT, arXiv 2401.17644; ServeGen, arXiv 2505.09999: such gaps in production",
     .x = "gap, mean gaps",
     .sample = gamma_gaps,
     .exact = gamma_cdf},
    {.name = "gaps-weibull",
     .formula = "1 - exp(-(x G(1 + 1/k))^k), 1 + c^2 = G(1 + 2/k) / G(1 + 1/k)^2, G the gamma function",
     .parameters = "coefficient of variation c = 2; x in mean gaps",
     .source = "ServeGen, arXiv 2505.09999",
     .x = "gap, mean gaps",
     .sample = weibull_gaps,
     .exact = weibull_cdf},
    {.name = "bursts-modulated",
     .formula = "variance / mean of a count = 1 + 2 (a - b)^2 u v / (w^2 (a v + b u)) (1 - (1 - exp(-w t)) / (w t))",
     .parameters =
         "count over t; rate a in bursts, b between them, left at rates u and v, w = u + v; here a = 5 b, mean\n"
         "rate 10/s, bursts of 1/u = 2 s, 1/v = 8 s between them on average",
     .source = MODULATED,
     .x = "window t, s",
     .y = "variance / mean of its requests",
     .at = dispersion,
     .exact = dispersion_exact,
     .from = 1,
     .to = 31,
     .points = 11,
     .within = 3},
    {.name = "conversation-context",
     .formula = "input of turn n = system + n input + (n - 1) output, with new tokens alike in each turn",
     .parameters = "system = 50, input = 100, output = 200 tokens",
     .source = "a chat sends all that went before: by definition",
     .x = "turn n",
     .y = "input tokens",
     .at = context,
     .exact = context_exact,
     .from = 1,
     .to = 8,
     .points = 8,
     .within = 0.5},
};

const law_family law_arrivals = {"arrivals", "when requests come", laws, sizeof laws / sizeof laws[0]};
