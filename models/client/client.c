/* SPDX-License-Identifier: GPL-3.0-or-later */
/* client.c - back-off and the token bucket. */
#include "models/client/client.h"

#include <math.h>

int64_t mdl_backoff_ns(const mdl_retry *retry, int32_t number, gsl_rng *r)
{
    const double u = gsl_rng_uniform(r);
    double wait_ns = (double)retry->base_ns * pow(retry->factor, number - 1);
    wait_ns = wait_ns < (double)retry->max_ns ? wait_ns : (double)retry->max_ns;
    return llround(wait_ns * (1.0 - retry->jitter * u));
}

bool mdl_bucket_take(mdl_bucket *b, int64_t now_ns)
{
    b->tokens = fmin(b->burst, b->tokens + b->rate * (double)(now_ns - b->at_ns) / 1e9);
    b->at_ns = now_ns;
    if (b->tokens < 1.0) {
        return false;
    }
    b->tokens -= 1.0;
    return true;
}
