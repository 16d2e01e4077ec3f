/* SPDX-License-Identifier: GPL-3.0-or-later */
/* delays.c - laws of delays: the stages between "more replicas" and "ready" (models/provision), variates under all. */
#include "sim/laws/laws.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

#include "models/provision/provision.h"
#include "models/random/variates.h"

#define CONTINUOUS                                                                                                     \
    "N. L. Johnson, S. Kotz, N. Balakrishnan: Continuous Univariate Distributions, 2nd edition, "                      \
    "1994-1995"
#define Z_90 1.2815515655446004 /* 90th percentile of the standard normal law */

static bool drawn(const mdl_law *from, double *values, size_t n, gsl_rng *r)
{
    for (size_t i = 0; i < n; i++) {
        values[i] = mdl_law_draw(from, r);
    }
    return true;
}

static bool constant(double *values, size_t n, gsl_rng *r)
{
    return drawn(&(mdl_law){MDL_LAW_CONSTANT, 30, 0, 0}, values, n, r);
}

static double constant_cdf(double x)
{
    return x >= 30 ? 1 : 0;
}

static bool uniform(double *values, size_t n, gsl_rng *r)
{
    return drawn(&(mdl_law){MDL_LAW_UNIFORM, 20, 60, 0}, values, n, r);
}

static double uniform_cdf(double x)
{
    return x < 20 ? 0 : x < 60 ? (x - 20) / 40 : 1;
}

static bool exponential(double *values, size_t n, gsl_rng *r)
{
    return drawn(&(mdl_law){MDL_LAW_EXPONENTIAL, 60, 0, 240}, values, n, r);
}

static double exponential_cdf(double x)
{
    return x < 240 ? 1 - exp(-x / 60) : 1;
}

static bool lognormal(double *values, size_t n, gsl_rng *r)
{
    return drawn(&(mdl_law){MDL_LAW_LOGNORMAL, 30, 60, 0}, values, n, r);
}

static double lognormal_cdf(double x)
{
    return x > 0 ? gsl_cdf_ugaussian_P(log(x / 30) / (log(60.0 / 30) / Z_90)) : 0;
}

static bool weibull(double *values, size_t n, gsl_rng *r)
{
    return drawn(&(mdl_law){MDL_LAW_WEIBULL, 60, 0.7, 0}, values, n, r);
}

static double weibull_cdf(double x)
{
    return 1 - exp(-pow(x / 60, 0.7));
}

static bool standard_normal(double *values, size_t n, gsl_rng *r)
{
    for (size_t i = 0; i < n; i++) {
        values[i] = mdl_ran_normal(r);
    }
    return true;
}

static bool standard_exponential(double *values, size_t n, gsl_rng *r)
{
    for (size_t i = 0; i < n; i++) {
        values[i] = mdl_ran_exponential(r);
    }
    return true;
}

static double standard_exponential_cdf(double x)
{
    return 1 - exp(-x);
}

#define ZIGGURAT "G. Marsaglia, W. W. Tsang: The Ziggurat Method for Generating Random Variables, 2000"

static const law laws[] = {
    {.name = "delay-constant",
     .formula = "always a",
     .parameters = "a = 30 s",
     .source = CONTINUOUS,
     .x = "delay, s",
     .sample = constant,
     .exact = constant_cdf},
    {.name = "delay-uniform",
     .formula = "a + (b - a) U",
     .parameters = "least a = 20 s, most b = 60 s; U uniform in (0, 1)",
     .source = CONTINUOUS,
     .x = "delay, s",
     .sample = uniform,
     .exact = uniform_cdf},
    {.name = "delay-exponential",
     .formula = "min(max, -a ln U)",
     .parameters = "mean a = 60 s, max = 240 s (any law may have one; 0 = none)",
     .source = CONTINUOUS,
     .x = "delay, s",
     .sample = exponential,
     .exact = exponential_cdf},
    {.name = "delay-lognormal",
     .formula = "a exp(s Z), s = ln(b / a) / 1.28155",
     .parameters = "median a = 30 s, 90th percentile b = 60 s; Z standard normal",
     .source = CONTINUOUS,
     .x = "delay, s",
     .sample = lognormal,
     .exact = lognormal_cdf},
    {.name = "delay-weibull",
     .formula = "a (-ln U)^(1/b)",
     .parameters = "scale a = 60 s, shape b = 0.7",
     .source = CONTINUOUS,
     .x = "delay, s",
     .sample = weibull,
     .exact = weibull_cdf},
    {.name = "variate-normal",
     .formula = "Z, P(Z <= x) = Phi(x)",
     .parameters = "none: mean 0, standard deviation 1",
     .source = ZIGGURAT,
     .x = "value",
     .sample = standard_normal,
     .exact = gsl_cdf_ugaussian_P},
    {.name = "variate-exponential",
     .formula = "-ln U, P(X <= x) = 1 - exp(-x)",
     .parameters = "none: mean 1",
     .source = ZIGGURAT,
     .x = "value",
     .sample = standard_exponential,
     .exact = standard_exponential_cdf},
};

const law_family law_delays = {"delays",
                               "what a stage takes, as lags.csv and stocks.csv name it, and the variates "
                               "under it",
                               laws, sizeof laws / sizeof laws[0]};
