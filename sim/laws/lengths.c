/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lengths.c - laws of what a request needs: tokens, alone and jointly, turns, service and think times. */
#include "sim/laws/laws.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_math.h>
#include <math.h>
#include <stdlib.h>

#include "models/traffic/lengths.h"

#define DISCRETE "N. L. Johnson, A. W. Kemp, S. Kotz: Univariate Discrete Distributions, 3rd edition, 2005"
#define CONTINUOUS                                                                                                     \
    "N. L. Johnson, S. Kotz, N. Balakrishnan: Continuous Univariate Distributions, 2nd edition, "                      \
    "1994-1995"
#define QUEUES "L. Kleinrock: Queueing Systems, volume 1, 1975"
#define PAIRS  4000

static bool tokens(const mdl_length_law *from, double *values, size_t n, gsl_rng *r)
{
    for (size_t i = 0; i < n; i++) {
        values[i] = mdl_length_draw(from, r);
    }
    return true;
}

static const mdl_length_law prompt = {.kind = MDL_LENGTH_LOGNORMAL, .median = 500, .sigma = 1, .min = 1, .max = 4096};

static bool lognormal(double *values, size_t n, gsl_rng *r)
{
    return tokens(&prompt, values, n, r);
}

static double lognormal_cdf(double x)
{
    return x < 1 ? 0 : x >= 4096 ? 1 : gsl_cdf_ugaussian_P(log((floor(x) + 0.5) / 500));
}

static bool geometric(double *values, size_t n, gsl_rng *r)
{
    return tokens(&(mdl_length_law){.kind = MDL_LENGTH_GEOMETRIC, .mean = 3, .min = 1, .max = 1000}, values, n, r);
}

static double geometric_cdf(double x)
{
    return x < 1 ? 0 : 1 - pow(1 - 1.0 / 3, floor(x));
}

typedef struct ranked {
    double value;
    size_t at;
} ranked;

static int by_value(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    return x->value != y->value ? (x->value > y->value) - (x->value < y->value) : (x->at > y->at) - (x->at < y->at);
}

/* Ranks 0.. of the values, equal ones by place. */
static void rank(ranked rows[PAIRS], double ranks[PAIRS])
{
    qsort(rows, PAIRS, sizeof *rows, by_value);
    for (size_t i = 0; i < PAIRS; i++) {
        ranks[rows[i].at] = (double)i;
    }
}

/* Spearman's rank correlation of inputs and outputs. */
static double joint(double correlation, gsl_rng *r)
{
    static const mdl_length_law wide = {
        .kind = MDL_LENGTH_LOGNORMAL, .median = 1e5, .sigma = 1, .min = 1, .max = 2000000000}; /* hardly any ties */
    const mdl_lengths lengths = {.input = wide, .output = wide, .correlation = correlation};
    ranked *rows = malloc(2 * PAIRS * sizeof *rows);
    double *ranks = malloc(2 * PAIRS * sizeof *ranks);
    double sum = 0;
    if (rows != NULL && ranks != NULL) {
        for (size_t i = 0; i < PAIRS; i++) {
            int32_t input, output;
            mdl_lengths_draw(&lengths, r, &input, &output);
            rows[i] = (ranked){input, i};
            rows[PAIRS + i] = (ranked){output, i};
        }
        rank(rows, ranks);
        rank(rows + PAIRS, ranks + PAIRS);
        for (size_t i = 0; i < PAIRS; i++) {
            sum += (ranks[i] - ranks[PAIRS + i]) * (ranks[i] - ranks[PAIRS + i]);
        }
    }
    const bool bad = rows == NULL || ranks == NULL;
    free(rows);
    free(ranks);
    return bad ? (double)NAN : 1 - 6 * sum / ((double)PAIRS * ((double)PAIRS * PAIRS - 1));
}

static double joint_exact(double correlation)
{
    return 6 / M_PI * asin(correlation / 2);
}

static bool durations(const mdl_service_law *from, double *values, size_t n, gsl_rng *r)
{
    for (size_t i = 0; i < n; i++) {
        values[i] = (double)mdl_service_draw(from, r) / 1e9;
    }
    return true;
}

static bool erlang(double *values, size_t n, gsl_rng *r)
{
    return durations(&(mdl_service_law){.kind = MDL_SERVICE_ERLANG, .mean_s = 1, .stages = 3}, values, n, r);
}

static double erlang_cdf(double x)
{
    return 1 - exp(-3 * x) * (1 + 3 * x + 9 * x * x / 2);
}

static bool hyperexponential(double *values, size_t n, gsl_rng *r)
{
    return durations(&(mdl_service_law){.kind = MDL_SERVICE_HYPEREXP, .mean_s = 1, .cv2 = 4}, values, n, r);
}

static double hyperexponential_cdf(double x)
{
    const double p = (1 + sqrt(3.0 / 5)) / 2;
    return 1 - p * exp(-2 * p * x) - (1 - p) * exp(-2 * (1 - p) * x);
}

static bool service_lognormal(double *values, size_t n, gsl_rng *r)
{
    return durations(&(mdl_service_law){.kind = MDL_SERVICE_LOGNORMAL, .mean_s = 1, .cv2 = 1}, values, n, r);
}

static double service_lognormal_cdf(double x)
{
    return x > 0 ? gsl_cdf_ugaussian_P((log(x) + log(2.0) / 2) / sqrt(log(2.0))) : 0;
}

static const law laws[] = {
    {.name = "length-lognormal",
     .formula = "round(m exp(s Z)), kept within min and max",
     .parameters = "median m = 500, s = 1, min = 1, max = 4096 tokens",
     .source = CONTINUOUS,
     .x = "tokens",
     .sample = lognormal,
     .exact = lognormal_cdf},
    {.name = "length-geometric",
     .formula = "P(N > n) = (1 - 1/m)^n, n = 1, 2, ...",
     .parameters = "mean m = 3 turns",
     .source = DISCRETE,
     .x = "turns of a conversation",
     .sample = geometric,
     .exact = geometric_cdf},
    {.name = "length-joint",
     .formula = "lengths = quantiles at Phi(Z1), Phi(Z2), corr(Z1, Z2) = r; rank correlation 6/pi asin(r/2)",
     .parameters = "r = -0.9 to 0.9; each length by its own law",
     .source = "R. B. Nelsen: An Introduction to Copulas, 2nd edition, 2006",
     .x = "correlation r of the normal scores",
     .y = "rank correlation of input and output",
     .at = joint,
     .exact = joint_exact,
     .from = -0.9,
     .to = 0.9,
     .points = 19,
     .within = 0.05},
    {.name = "service-erlang",
     .formula = "the sum of k exponentials of mean m/k",
     .parameters = "mean m = 1 s, k = 3 stages",
     .source = QUEUES,
     .x = "time, s",
     .sample = erlang,
     .exact = erlang_cdf},
    {.name = "service-hyperexponential",
     .formula = "exponential of rate 2p/m with probability p, else of rate 2(1 - p)/m; p = (1 + sqrt((c - 1)/(c + "
                "1)))/2",
     .parameters = "mean m = 1 s, squared coefficient of variation c = 4",
     .source = QUEUES,
     .x = "time, s",
     .sample = hyperexponential,
     .exact = hyperexponential_cdf},
    {.name = "service-lognormal",
     .formula = "m exp(s Z - s^2/2), s^2 = ln(1 + c)",
     .parameters = "mean m = 1 s, squared coefficient of variation c = 1",
     .source = CONTINUOUS,
     .x = "time, s",
     .sample = service_lognormal,
     .exact = service_lognormal_cdf},
};

const law_family law_lengths = {"lengths", "what a request needs: tokens, turns, service and think time", laws,
                                sizeof laws / sizeof laws[0]};
