/* SPDX-License-Identifier: GPL-3.0-or-later */
/* client.c - back-off and the token bucket. */
#include "models/client/client.h"

#include <math.h>

#define TOKEN INT64_C(1000000000)

int64_t mdl_backoff_ns(const mdl_retry *retry, int32_t number, gsl_rng *r)
{
    const double u = gsl_rng_uniform(r);
    double wait_ns = (double)retry->base_ns * pow(retry->factor, number - 1);
    wait_ns = wait_ns < (double)retry->max_ns ? wait_ns : (double)retry->max_ns;
    return llround(wait_ns * (1.0 - retry->jitter * u));
}

mdl_budget mdl_budget_of(const mdl_retry *retry)
{
    const int64_t most = llround(retry->budget_burst * (double)TOKEN);
    return (mdl_budget){.each = llround(retry->budget * (double)TOKEN), .most = most, .tokens = most};
}

void mdl_budget_earn(mdl_budget *b)
{
    b->tokens = b->tokens < b->most - b->each ? b->tokens + b->each : b->most;
}

bool mdl_budget_pay(mdl_budget *b)
{
    if (b->each == 0) {
        return true;
    }
    if (b->tokens < TOKEN) {
        return false;
    }
    b->tokens -= TOKEN;
    return true;
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
