/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * provision.c - draws the stages of bringing up a node and a replica.
 *
 * A lognormal given by its median m and 90th percentile p is m * exp(s Z) with s = ln(p / m) / z90, where
 * Phi(z90) = 0.9. Stages are independent.
 */
#include "models/provision/provision.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sf_gamma.h>
#include <math.h>
#include <stddef.h>

#include "models/random/variates.h"

static const double z90 = 1.2815515655446004;

static double lognormal_sigma(const mdl_law *law)
{
    return law->a > 0.0 && law->b > law->a ? log(law->b / law->a) / z90 : 0.0;
}

static double capped(const mdl_law *law, double x)
{
    if (law->max > 0.0 && x > law->max) {
        return law->max;
    }
    return x > 0.0 ? x : 0.0;
}

double mdl_law_draw(const mdl_law *law, gsl_rng *r)
{
    double x = law->a;
    switch (law->kind) {
    case MDL_LAW_CONSTANT:
        break;
    case MDL_LAW_LOGNORMAL:
        x = law->a * exp(lognormal_sigma(law) * mdl_ran_normal(r));
        break;
    case MDL_LAW_UNIFORM:
        x = law->a + (law->b - law->a) * mdl_ran_uniform_pos(r);
        break;
    case MDL_LAW_EXPONENTIAL:
        x = law->a * mdl_ran_exponential(r);
        break;
    case MDL_LAW_WEIBULL:
        x = law->a * pow(mdl_ran_exponential(r), 1.0 / law->b);
        break;
    }
    return capped(law, x);
}

/* Each by E min(X, m) = integral of P(X > t) from 0 to m; provision.h has the results. */
double mdl_law_mean(const mdl_law *law)
{
    const double a = law->a, b = law->b, m = law->max > 0.0 ? law->max : HUGE_VAL;
    const double sigma = lognormal_sigma(law);
    switch (law->kind) {
    case MDL_LAW_LOGNORMAL:
        if (m < HUGE_VAL && sigma > 0.0) {
            const double z = log(m / a) / sigma;
            return a * exp(0.5 * sigma * sigma) * gsl_cdf_ugaussian_P(z - sigma) + m * gsl_cdf_ugaussian_Q(z);
        }
        return capped(law, a) * exp(0.5 * sigma * sigma);
    case MDL_LAW_UNIFORM:
        if (m < b && m > a) {
            return m - (m - a) * (m - a) / (2.0 * (b - a));
        }
        return capped(law, 0.5 * (a + b));
    case MDL_LAW_EXPONENTIAL:
        return a > 0.0 ? -a * expm1(-m / a) : 0.0;
    case MDL_LAW_WEIBULL: {
        const double whole = a * tgamma(1.0 + 1.0 / b), end = pow(m / a, b);
        return exp(-end) > 0.0 ? whole * gsl_sf_gamma_inc_P(1.0 / b, end) : whole;
    }
    case MDL_LAW_CONSTANT:
        break;
    }
    return capped(law, a);
}

double mdl_law_median(const mdl_law *law)
{
    double x = law->a;
    switch (law->kind) {
    case MDL_LAW_UNIFORM:
        x = 0.5 * (law->a + law->b);
        break;
    case MDL_LAW_EXPONENTIAL:
        x = law->a * log(2.0);
        break;
    case MDL_LAW_WEIBULL:
        x = law->a * pow(log(2.0), 1.0 / law->b);
        break;
    case MDL_LAW_CONSTANT:
    case MDL_LAW_LOGNORMAL:
        break;
    }
    return capped(law, x);
}

const char *mdl_law_kind_name(mdl_law_kind kind)
{
    switch (kind) {
    case MDL_LAW_CONSTANT:
        return "constant";
    case MDL_LAW_LOGNORMAL:
        return "lognormal";
    case MDL_LAW_UNIFORM:
        return "uniform";
    case MDL_LAW_EXPONENTIAL:
        return "exponential";
    case MDL_LAW_WEIBULL:
        return "weibull";
    }
    return NULL;
}

const char *mdl_stage_name(mdl_stage stage)
{
    static const char *const names[MDL_STAGES] = {"inventory", "boot", "join", "pull", "fetch", "load", "warmup"};
    return (unsigned)stage < MDL_STAGES ? names[stage] : "?";
}

static double transfer_s(double gb, double gb_per_s)
{
    return gb > 0.0 && gb_per_s > 0.0 ? gb / gb_per_s : 0.0;
}

void mdl_lag_node(const mdl_lag *lag, gsl_rng *r, double *inventory_s, double *boot_s, double *join_s, int *failed)
{
    double u = mdl_ran_uniform_pos(r);
    *inventory_s = mdl_law_draw(&lag->inventory_s, r);
    *boot_s = mdl_law_draw(&lag->boot_s, r);
    *join_s = mdl_law_draw(&lag->join_s, r);
    *failed = u < lag->fail_probability;
}

void mdl_lag_replica(const mdl_lag *lag, const mdl_image *image, int image_cached, double own_warmup_s, gsl_rng *r,
                     double *pull_s, double *load_s, double *warmup_s)
{
    /* The rate is drawn even for a cached image: the later stages then get the same variates either way. */
    double rate = mdl_law_draw(&lag->pull_gb_per_s, r);
    double hit_s = mdl_law_draw(&lag->pull_hit_s, r);
    *pull_s = image_cached ? hit_s : transfer_s(image->image_gb, rate);
    double start_s = mdl_law_draw(&lag->start_s, r);
    *load_s = start_s + transfer_s(image->weights_gb, mdl_law_draw(&lag->load_gb_per_s, r));
    double compile_s = mdl_law_draw(&lag->compile_s, r);
    double capture_s = mdl_law_draw(&lag->capture_s, r);
    *warmup_s = (own_warmup_s < 0.0 ? compile_s + capture_s : own_warmup_s) + mdl_law_draw(&lag->probe_s, r);
}
