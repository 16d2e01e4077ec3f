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
    }
    double ns = s * 1e9 + 0.5;
    if (!(ns < 9.2e18)) {
        return INT64_MAX;
    }
    return ns > 0.0 ? (int64_t)ns : 0;
}
