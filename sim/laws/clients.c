/* SPDX-License-Identifier: GPL-3.0-or-later */
/* clients.c - what clients and gateways do about too much load (models/client). */
#include "sim/laws/laws.h"

#include <math.h>

#include "models/client/client.h"

#define MANY 4000

static double backoff(double number, gsl_rng *r)
{
    const mdl_retry retry = {.base_ns = 500000000, .max_ns = 8000000000, .factor = 2, .jitter = 1};
    double sum = 0;
    for (int i = 0; i < MANY; i++) {
        sum += (double)mdl_backoff_ns(&retry, (int32_t)number, r) / 1e9;
    }
    return sum / MANY;
}

static double backoff_exact(double number)
{
    return fmin(8, 0.5 * pow(2, number - 1)) / 2;
}

#define SECONDS 600

/* Requests a second that pass, offered in equal steps for so many seconds. */
static double admitted(double offered_per_s, gsl_rng *r)
{
    mdl_bucket bucket = {.rate = 10, .burst = 30, .tokens = 30};
    int passed = 0;
    (void)r;
    for (int i = 0; i < (int)(offered_per_s * SECONDS); i++) {
        passed += mdl_bucket_take(&bucket, (int64_t)(i / offered_per_s * 1e9));
    }
    return (double)passed / SECONDS;
}

static double admitted_exact(double offered_per_s)
{
    return fmin(offered_per_s, 10 + 30.0 / SECONDS);
}

static const law laws[] = {
    {.name = "client-backoff",
     .formula = "min(max, base f^(n-1)) (1 - jitter U) before retry n; mean: the same with U = 1/2",
     .parameters = "base = 0.5 s, f = 2, max = 8 s, jitter = 1",
     .source = "M. Brooker: Exponential Backoff And Jitter, AWS Architecture Blog, 2015",
     .x = "retry n",
     .y = "mean wait, s",
     .at = backoff,
     .exact = backoff_exact,
     .from = 1,
     .to = 8,
     .points = 8,
     .within = 0.15},
    {.name = "admission-bucket",
     .formula = "of x/s over T seconds pass min(x, rate + burst / T)",
     .parameters = "rate = 10/s, burst = 30, T = 600 s",
     .source = "RFC 2697; ITU-T I.371",
     .x = "offered, requests/s",
     .y = "admitted, requests/s",
     .at = admitted,
     .exact = admitted_exact,
     .from = 1,
     .to = 20,
     .points = 20,
     .within = 0.01},
};

const law_family law_clients = {"clients", "what clients and gateways do about too much load", laws,
                                sizeof laws / sizeof laws[0]};
