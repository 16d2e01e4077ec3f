/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * lengths.c - token counts and station service times.
 *
 * Formulas: a lognormal with mean m and squared coefficient of variation c has sigma^2 = ln(1 + c) and
 * mu = ln m - sigma^2 / 2. An Erlang-k of mean m is the sum of k exponentials of mean m / k. A two-branch
 * hyperexponential with balanced means takes p = (1 + sqrt((c - 1) / (c + 1))) / 2 and branch means m / 2p,
 * m / 2(1 - p), which gives exactly the mean m and the squared coefficient c.
 */
#include "models/traffic/traffic.h"

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

int32_t mdl_length_draw(const mdl_length_law *law, gsl_rng *r)
{
    double x = 0.0;
    size_t index = 0;
    switch (law->kind) {
    case MDL_LENGTH_FIXED:
        return clipped(law, law->fixed);
    case MDL_LENGTH_LOGNORMAL:
        x = law->median * exp(law->sigma * mdl_ran_normal(r)) + 0.5;
        if (!(x < (double)law->max)) {
            return law->max;
        }
        return clipped(law, x > 0.0 ? (int32_t)x : 0);
    case MDL_LENGTH_EMPIRICAL:
        index = (size_t)(mdl_ran_uniform_pos(r) * (double)law->value_count);
        if (index >= law->value_count) {
            index = law->value_count - 1; /* u may round up to 1 */
        }
        return clipped(law, law->values[index]);
    }
    return law->min;
}

void mdl_length_bounds(const mdl_length_law *law, int32_t *least, int32_t *most)
{
    *least = law->min;
    *most = law->max;
    if (law->kind == MDL_LENGTH_FIXED) {
        *least = *most = clipped(law, law->fixed);
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
