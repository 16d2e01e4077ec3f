/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * lengths.c - token counts and station service times.
 *
 * Formulas: a lognormal with mean m and squared coefficient of variation c has sigma^2 = ln(1 + c) and
 * mu = ln m - sigma^2 / 2. An Erlang-k of mean m is the sum of k exponentials of mean m / k. A two-branch
 * hyperexponential with balanced means takes p = (1 + sqrt((c - 1) / (c + 1))) / 2 and branch means m / 2p,
 * m / 2(1 - p), which gives exactly the mean m and the squared coefficient c.
 */
#include "models/traffic/lengths.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <math.h>

#include "models/random/variates.h"

/* Above this many stages, one gamma variate is cheaper than the sum. */
#define ERLANG_SUM_MAX 32

static int32_t clipped(const mdl_length_law *law, int32_t tokens)
{
    if (tokens < law->min) {
        return law->min;
    }
    return tokens > law->max ? law->max : tokens;
}

/* The whole part of x, clipped; x may be beyond any int32_t. */
static int32_t clipped_count(const mdl_length_law *law, double x)
{
    if (!(x < (double)law->max)) {
        return law->max;
    }
    return clipped(law, x > 0.0 ? (int32_t)x : 0);
}

/* One of n, by a uniform variate that may have been rounded up to 1. */
static size_t one_of(size_t n, double u)
{
    const size_t index = (size_t)(u * (double)n);
    return index < n ? index : n - 1;
}

int32_t mdl_length_draw(const mdl_length_law *law, gsl_rng *r)
{
    switch (law->kind) {
    case MDL_LENGTH_FIXED:
        return clipped(law, law->fixed);
    case MDL_LENGTH_LOGNORMAL:
        return clipped_count(law, law->median * exp(law->sigma * mdl_ran_normal(r)) + 0.5);
    case MDL_LENGTH_EMPIRICAL:
        return clipped(law, law->values[one_of(law->value_count, mdl_ran_uniform_pos(r))]);
    case MDL_LENGTH_GEOMETRIC:
        return clipped_count(law, 1.0 + floor(mdl_ran_exponential(r) / -log1p(-1.0 / law->mean)));
    }
    return law->min;
}

/* The length at a normal score: the quantile of its law at Phi(z). */
static int32_t at_score(const mdl_length_law *law, double z)
{
    switch (law->kind) {
    case MDL_LENGTH_FIXED:
        break;
    case MDL_LENGTH_LOGNORMAL:
        return clipped_count(law, law->median * exp(law->sigma * z) + 0.5);
    case MDL_LENGTH_EMPIRICAL:
        return clipped(law, law->values[one_of(law->value_count, gsl_cdf_ugaussian_P(z))]);
    case MDL_LENGTH_GEOMETRIC:
        return clipped_count(law, 1.0 + floor(log(gsl_cdf_ugaussian_Q(z)) / log1p(-1.0 / law->mean)));
    }
    return clipped(law, law->fixed);
}

void mdl_lengths_draw(const mdl_lengths *lengths, gsl_rng *r, int32_t *input, int32_t *output)
{
    if (lengths->pair_count > 0) {
        const size_t row = one_of(lengths->pair_count, mdl_ran_uniform_pos(r));
        *input = lengths->pair_input[row] > 1 ? lengths->pair_input[row] : 1;
        *output = lengths->pair_output[row] > 1 ? lengths->pair_output[row] : 1;
    } else if (lengths->correlation != 0.0) {
        const double rho = lengths->correlation;
        const double z = mdl_ran_normal(r);
        *input = at_score(&lengths->input, z);
        *output = at_score(&lengths->output, rho * z + sqrt(1.0 - rho * rho) * mdl_ran_normal(r));
    } else {
        *input = mdl_length_draw(&lengths->input, r);
        *output = mdl_length_draw(&lengths->output, r);
    }
}

void mdl_length_bounds(const mdl_length_law *law, int32_t *least, int32_t *most)
{
    *least = law->min;
    *most = law->max;
    if (law->kind == MDL_LENGTH_FIXED) {
        *least = *most = clipped(law, law->fixed);
    } else if (law->kind == MDL_LENGTH_GEOMETRIC) {
        *least = clipped(law, 1);
        *most = law->mean > 1.0 ? law->max : *least;
    } else if (law->kind == MDL_LENGTH_LOGNORMAL && !(law->sigma > 0.0)) {
        const double x = law->median + 0.5;
        *least = *most = x < (double)law->max ? clipped(law, (int32_t)x) : law->max;
    } else if (law->kind == MDL_LENGTH_EMPIRICAL && law->value_count > 0) {
        *least = *most = clipped(law, law->values[0]);
        for (size_t i = 1; i < law->value_count; i++) {
            const int32_t tokens = clipped(law, law->values[i]);
            *least = tokens < *least ? tokens : *least;
            *most = tokens > *most ? tokens : *most;
        }
    }
}

/* P(N > n) of a law with a tail before it is clipped. */
static double exceeds(const mdl_length_law *law, int32_t n)
{
    if (law->kind == MDL_LENGTH_GEOMETRIC) {
        return n < 1 ? 1.0 : pow(1.0 - 1.0 / law->mean, n);
    }
    return gsl_cdf_ugaussian_Q(log(((double)n + 0.5) / law->median) / law->sigma);
}

double mdl_length_mean(const mdl_length_law *law)
{
    int32_t least, most;
    mdl_length_bounds(law, &least, &most);
    double sum = least;
    if (law->kind == MDL_LENGTH_EMPIRICAL) {
        sum = 0.0;
        for (size_t i = 0; i < law->value_count; i++) {
            sum += clipped(law, law->values[i]);
        }
        return sum / (double)law->value_count;
    }
    for (int32_t n = least; n < most; n++) {
        sum += exceeds(law, n);
    }
    return sum;
}

mdl_length_cut mdl_length_clipping(const mdl_length_law *law)
{
    mdl_length_cut cut = {0.0, 0.0};
    if (law->kind == MDL_LENGTH_LOGNORMAL && law->sigma > 0.0) {
        /* a draw is rounded: below min means below min - 1/2 */
        cut.raised = gsl_cdf_ugaussian_P(log(((double)law->min - 0.5) / law->median) / law->sigma);
        cut.lowered = gsl_cdf_ugaussian_Q(log(((double)law->max + 0.5) / law->median) / law->sigma);
    } else if (law->kind == MDL_LENGTH_EMPIRICAL && law->value_count > 0) {
        size_t below = 0, above = 0;
        for (size_t i = 0; i < law->value_count; i++) {
            below += law->values[i] < law->min;
            above += law->values[i] > law->max;
        }
        cut.raised = (double)below / (double)law->value_count;
        cut.lowered = (double)above / (double)law->value_count;
    } else if (law->kind == MDL_LENGTH_GEOMETRIC) {
        cut.raised = 1.0 - exceeds(law, law->min - 1);
        cut.lowered = exceeds(law, law->max);
    } else {
        const double tokens = law->kind == MDL_LENGTH_FIXED ? (double)law->fixed : floor(law->median + 0.5);
        cut.raised = tokens < (double)law->min;
        cut.lowered = tokens > (double)law->max;
    }
    return cut;
}

static double erlang(const mdl_service_law *law, gsl_rng *r)
{
    if (law->stages > ERLANG_SUM_MAX) {
        return gsl_ran_gamma(r, law->stages, law->mean_s / law->stages);
    }
    double sum = 0.0;
    for (int32_t i = 0; i < law->stages; i++) {
        sum += mdl_ran_exponential(r);
    }
    return sum * law->mean_s / law->stages;
}

static double hyperexponential(const mdl_service_law *law, gsl_rng *r)
{
    double c = law->cv2 > 1.0 ? law->cv2 : 1.0;
    double p = 0.5 * (1.0 + sqrt((c - 1.0) / (c + 1.0)));
    double branch = mdl_ran_uniform_pos(r) <= p ? p : 1.0 - p;
    return mdl_ran_exponential(r) * law->mean_s / (2.0 * branch);
}

int64_t mdl_service_draw(const mdl_service_law *law, gsl_rng *r)
{
    double s = law->mean_s;
    double sigma2 = 0.0;
    switch (law->kind) {
    case MDL_SERVICE_FIXED:
        break;
    case MDL_SERVICE_EXPONENTIAL:
        s *= mdl_ran_exponential(r);
        break;
    case MDL_SERVICE_LOGNORMAL:
        sigma2 = log1p(law->cv2);
        s *= exp(sqrt(sigma2) * mdl_ran_normal(r) - 0.5 * sigma2);
        break;
    case MDL_SERVICE_ERLANG:
        s = erlang(law, r);
        break;
    case MDL_SERVICE_HYPEREXP:
        s = hyperexponential(law, r);
        break;
    case MDL_SERVICE_MEASURED:
        s = law->values_s[gsl_rng_uniform_int(r, law->value_count)];
        break;
    }
    double ns = s * 1e9 + 0.5;
    if (!(ns < 9.2e18)) {
        return INT64_MAX;
    }
    return ns > 0.0 ? (int64_t)ns : 0;
}
