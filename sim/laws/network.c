/* SPDX-License-Identifier: GPL-3.0-or-later */
/* network.c - ways and what lies at their ends: jitter, links that are shared, caches (models/network, delivery). */
#include "sim/laws/rows.h"

#include <math.h>

#include "models/delivery/cache.h"
#include "models/delivery/flows.h"
#include "models/network/network.h"
#include "models/random/variates.h"

static bool late(const void *of, double *values, size_t n, gsl_rng *r)
{
    const double mean_ms = (double)mdl_jitter_mean_ns(of, 30000000) / 1e6;
    for (size_t i = 0; i < n; i++) {
        values[i] = mean_ms * mdl_ran_exponential(r);
    }
    return true;
}

static double late_cdf(const void *of, double x)
{
    const mdl_jitter *j = of;
    return 1 - exp(-x / (j->floor_us / 1000 + j->share * 15));
}

static const mdl_jitter some_jitter = {.floor_us = 100, .share = 0.02};

law law_of_jitter(const mdl_jitter *of)
{
    law l = *law_find("network-jitter");
    l.of = of;
    return l;
}

static double answer(double tokens, gsl_rng *r)
{
    const mdl_payload payload = {.response_bytes_fixed = 800, .response_bytes_per_token = 4.567};
    (void)r;
    return (double)mdl_payload_response_bytes(&payload, (int32_t)tokens);
}

static double answer_exact(double tokens)
{
    return 800 + 4.567 * tokens;
}

/* Transfers that begin together over one link. @return when the last ends */
static double shared(double transfers, gsl_rng *r)
{
    mdl_flows *f = mdl_flows_new();
    const int32_t link = f != NULL ? mdl_flows_link(f, 1e9) : -1;
    bool good = link >= 0;
    int64_t now = 0;
    (void)r;
    for (int i = 0; good && i < (int)transfers; i++) {
        good = mdl_flows_add(f, 0, 1e9, 0, &link, 1) >= 0;
    }
    while (good && mdl_flows_next(f) != INT64_MAX) {
        now = mdl_flows_next(f);
        while (mdl_flows_pop(f, now) >= 0) {
        }
    }
    mdl_flows_free(f);
    return good ? (double)now / 1e9 : (double)NAN;
}

static double shared_exact(double transfers)
{
    return transfers;
}

/* --- an LRU cache under independent draws --- */

#define CONTENTS 100
#define USES     200000

static double weight(int i)
{
    return pow(i + 1, -0.8);
}

static double weights(void)
{
    double sum = 0;
    for (int i = 0; i < CONTENTS; i++) {
        sum += weight(i);
    }
    return sum;
}

static double hits(double room, gsl_rng *r)
{
    mdl_cache *c = mdl_cache_new((int64_t)room);
    const double all = weights();
    bool good = c != NULL;
    int found = 0;
    for (int i = 0; good && i < USES; i++) {
        double u = gsl_rng_uniform(r) * all;
        int which = 0;
        for (; which + 1 < CONTENTS && u >= weight(which); which++) {
            u -= weight(which);
        }
        found += mdl_cache_has(c, (uint64_t)which + 1);
        good = mdl_cache_put(c, (uint64_t)which + 1, 1);
    }
    mdl_cache_free(c);
    return good ? (double)found / USES : (double)NAN;
}

/* Contents that were used within the last t uses; on average as many as there is room for. */
static double hits_exact(double room)
{
    const double all = weights();
    double low = 0, high = 1e6, hit = 0;
    for (int i = 0; i < 100; i++) {
        const double t = (low + high) / 2;
        double inside = 0;
        for (int k = 0; k < CONTENTS; k++) {
            inside += 1 - exp(-weight(k) / all * t);
        }
        *(inside < room ? &low : &high) = t;
    }
    for (int k = 0; k < CONTENTS; k++) {
        hit += weight(k) / all * (1 - exp(-weight(k) / all * low));
    }
    return hit;
}

static const law laws[] = {
    {.name = "network-jitter",
     .formula = "exponential of mean floor + share rtt / 2, on each way",
     .parameters = "floor = 0.1 ms, share = 0.02, rtt = 30 ms",
     .source = "the wait behind others at a shared link: see jitter.csv",
     .x = "late by, ms",
     .of = &some_jitter,
     .sample_of = late,
     .exact_of = late_cdf},
    {.name = "network-payload",
     .formula = "bytes = fixed + bytes a token x tokens",
     .parameters = "fixed = 800, 4.567 bytes a token; those of the world: payload.csv",
     .source = "a head of one size and text in proportion to its tokens: by definition",
     .x = "output tokens",
     .y = "bytes of the answer",
     .at = answer,
     .exact = answer_exact,
     .to = 2000,
     .points = 21,
     .within = 0.501},
    {.name = "link-shared",
     .formula = "max-min fair rates: n transfers of b bytes over a link of rate c end at n b / c",
     .parameters = "b = 1 GB, c = 1 GB/s",
     .source = "D. Bertsekas, R. Gallager: Data Networks, 2nd edition, 1992",
     .x = "transfers n",
     .y = "time until the last is done, s",
     .at = shared,
     .exact = shared_exact,
     .from = 1,
     .to = 20,
     .points = 20,
     .within = 0.000001},
    {.name = "cache-lru",
     .formula = "hit share = sum p_i (1 - exp(-p_i t)), where sum (1 - exp(-p_i t)) = room",
     .parameters = "100 contents of one size, p_i in proportion to i^-0.8; an approximation, good to a hundredth here",
     .source = "H. Che, Y. Tung, Z. Wang: Hierarchical Web Caching Systems, IEEE JSAC 20, 2002",
     .x = "room, contents",
     .y = "hit share",
     .at = hits,
     .exact = hits_exact,
     .from = 5,
     .to = 95,
     .points = 10,
     .within = 0.01},
};

const law_family law_network = {"network", "ways between users, clusters and registries", laws,
                                sizeof laws / sizeof laws[0]};
