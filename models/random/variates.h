/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * variates.h - fast variates on any gsl_rng.
 *
 * On a generator of full 64-bit words (gsl_rng_min 0, gsl_rng_max UINT64_MAX) these take one word per draw in about 99
 * of 100 cases and more in the others; on any other generator they are GSL's own. Either way the draws of one seed
 * repeat, but the number of words a draw takes varies: keep one stream per purpose.
 */
#ifndef MODELS_RANDOM_VARIATES_H
#define MODELS_RANDOM_VARIATES_H

#include <gsl/gsl_rng.h>

/** Exponential with mean 1; > 0 on 64-bit generators, >= 0 on others. */
double mdl_ran_exponential(gsl_rng *r);
/** Normal with mean 0 and variance 1. */
double mdl_ran_normal(gsl_rng *r);
/** Uniform in the open interval (0, 1): log() and 1/x are safe. On 64-bit generators an odd multiple of 2^-53. */
double mdl_ran_uniform_pos(gsl_rng *r);

#endif
