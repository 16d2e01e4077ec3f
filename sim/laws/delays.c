/* SPDX-License-Identifier: GPL-3.0-or-later */
/* delays.c - laws of delays: the stages between "more replicas" and "ready" (models/provision), variates under all. */
#include "sim/laws/rows.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdio.h>

#include "models/random/variates.h"

#define CONTINUOUS                                                                                                     \
    "N. L. Johnson, S. Kotz, N. Balakrishnan: Continuous Univariate Distributions, 2nd edition, "                      \
    "1994-1995"
#define Z_90 1.2815515655446004 /* 90th percentile of the standard normal law */

static bool drawn(const void *of, double *values, size_t n, gsl_rng *r)
{
    for (size_t i = 0; i < n; i++) {
        values[i] = mdl_law_draw(of, r);
    }
    return true;
}

static double share_below(const mdl_law *l, double x)
{
    const double s = l->a > 0 ? log(l->b / l->a) / Z_90 : 0;
    switch (l->kind) {
    case MDL_LAW_CONSTANT:
        break;
    case MDL_LAW_UNIFORM:
        return x < l->a ? 0 : x < l->b ? (x - l->a) / (l->b - l->a) : 1;
    case MDL_LAW_EXPONENTIAL:
        return l->a > 0 ? 1 - exp(-x / l->a) : 1;
    case MDL_LAW_LOGNORMAL:
        return s > 0 ? gsl_cdf_ugaussian_P(log(x / l->a) / s) : x >= l->a;
    case MDL_LAW_WEIBULL:
        return l->a > 0 ? 1 - exp(-pow(x / l->a, l->b)) : 1;
    }
    return x >= l->a;
}

static double delay_cdf(const void *of, double x)
{
    const mdl_law *l = of;
    return x < 0 ? 0 : l->max > 0 && x >= l->max ? 1 : share_below(l, x);
}

static const mdl_law examples[] = {[MDL_LAW_CONSTANT] = {MDL_LAW_CONSTANT, 30, 0, 0},
                                   [MDL_LAW_UNIFORM] = {MDL_LAW_UNIFORM, 20, 60, 0},
                                   [MDL_LAW_EXPONENTIAL] = {MDL_LAW_EXPONENTIAL, 60, 0, 240},
                                   [MDL_LAW_LOGNORMAL] = {MDL_LAW_LOGNORMAL, 30, 60, 0},
                                   [MDL_LAW_WEIBULL] = {MDL_LAW_WEIBULL, 60, 0.7, 0}};

law law_of_delay(const mdl_law *of)
{
    char name[32];
    snprintf(name, sizeof name, "delay-%s", mdl_law_kind_name(of->kind));
    law l = *law_find(name);
    l.of = of;
    return l;
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

#define DELAY(kind) .of = &examples[kind], .sample_of = drawn, .exact_of = delay_cdf

static const law laws[] = {
    {.name = "delay-constant",
     .formula = "always a",
     .parameters = "a = 30 s",
     .source = CONTINUOUS,
     .x = "delay, s",
     DELAY(MDL_LAW_CONSTANT)},
    {.name = "delay-uniform",
     .formula = "a + (b - a) U",
     .parameters = "least a = 20 s, most b = 60 s",
     .source = CONTINUOUS,
     .x = "delay, s",
     DELAY(MDL_LAW_UNIFORM)},
    {.name = "delay-exponential",
     .formula = "min(max, -a ln U)",
     .parameters = "mean a = 60 s, max = 240 s; each of these laws may have a max",
     .source = CONTINUOUS,
     .x = "delay, s",
     DELAY(MDL_LAW_EXPONENTIAL)},
    {.name = "delay-lognormal",
     .formula = "a exp(s Z), s = ln(b / a) / 1.28155",
     .parameters = "median a = 30 s, 90th percentile b = 60 s",
     .source = CONTINUOUS,
     .x = "delay, s",
     DELAY(MDL_LAW_LOGNORMAL)},
    {.name = "delay-weibull",
     .formula = "a (-ln U)^(1/b)",
     .parameters = "scale a = 60 s, shape b = 0.7",
     .source = CONTINUOUS,
     .x = "delay, s",
     DELAY(MDL_LAW_WEIBULL)},
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
