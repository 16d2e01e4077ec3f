/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * client.h - what clients and gateways do about too much load: back off, retry within a budget, admit at a rate.
 *
 * Back-off before the n-th retry: min(max, base x factor^(n-1)) x (1 - jitter x U), U uniform on [0, 1): jitter 1 is
 * the "full jitter" of M. Brooker, Exponential Backoff And Jitter (AWS Architecture Blog, 2015), 0 none.
 * Retry budget: each first attempt earns `budget` tokens, a retry costs one, at most `budget_burst` are kept: in the
 * long run retries are no more than that share of first attempts (retry throttling of gRPC, proposal A6; RetryBudget of
 * Finagle). Token bucket: as ITU-T I.371 and RFC 2697 have it, one token for each request.
 */
#ifndef MODELS_CLIENT_CLIENT_H
#define MODELS_CLIENT_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include <gsl/gsl_rng.h>

typedef struct mdl_retry {
    int32_t attempts; /**< in all, the first included; 1 = no retries */
    int64_t base_ns, max_ns;
    double factor;              /**< >= 1 */
    double jitter;              /**< 0..1 */
    double budget;              /**< tokens for each first attempt; 0 = no budget: retries are free */
    double budget_burst;        /**< most tokens kept */
    int64_t attempt_timeout_ns; /**< an attempt without its end by then counts as failed; INT64_MAX = none */
    bool cancels;               /**< the server notices and stops work on an attempt that was given up; with retries */
} mdl_retry;

/** Time before retry `retry` (1 = the first), in ns. One uniform variate for each call. */
int64_t mdl_backoff_ns(const mdl_retry *retry, int32_t number, gsl_rng *r);

/** Tokens for retries, in billionths of one: sums of shares such as 0.1 are exact. */
typedef struct mdl_budget {
    int64_t each, most, tokens;
} mdl_budget;

/** A full one. Earns nothing and refuses nothing where retry->budget is 0. */
mdl_budget mdl_budget_of(const mdl_retry *retry);
/** A first attempt was made. */
void mdl_budget_earn(mdl_budget *b);
/** Takes a token for a retry. @return false if there is less than one */
bool mdl_budget_pay(mdl_budget *b);

/** A bucket that fills at `rate` per second up to `burst`; begins full. */
typedef struct mdl_bucket {
    double rate, burst, tokens;
    int64_t at_ns;
} mdl_bucket;

/** Takes one token at now_ns (not before the last call). @return false if there is less than one */
bool mdl_bucket_take(mdl_bucket *b, int64_t now_ns);

#endif
