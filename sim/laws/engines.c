/* SPDX-License-Identifier: GPL-3.0-or-later */
/* engines.c - how a replica serves: a step, a batch, experts, a station, a slow node (models/engine, faults). */
#include "sim/laws/rows.h"

#include <math.h>
#include <stdint.h>

#include "models/engine/engine.h"
#include "models/faults/faults.h"
#include "models/gpu/gpu.h"
#include "models/random/variates.h"

/*
 * In ps: 10 ms of weights, 20 us a token beyond them; 50 us of compute a token; decode attention 5 us and 8 ns a KV
 * token; prefill 200 us and 0.1 ns a pair of tokens, twice.
 */
#define MODEL                                                                                                          \
    {                                                                                                                  \
        .c1 = 10000000000, .c2 = 20000000, .c3 = 1000000000, .c4 = 50000000, .h0 = 500000000, .h1 = 2000000,           \
        .e0 = 300000000, .e1 = 5000000, .e2 = 8000, .g0 = 200000000, .g1_half = 100                                    \
    }
static const mdl_step_model model = MODEL;

/* The same formula in ms: of a step that decodes, and of one that prefills chunks of p after k tokens. */
static double head_ms(double tokens, double sampled)
{
    return fmax(10 + 0.02 * (tokens - 1), 1 + 0.05 * tokens) + 0.5 + 0.002 * sampled;
}

static double decode_ms(double tokens, double decodes, double context)
{
    return head_ms(tokens, decodes) + 0.3 + 0.005 * decodes + 0.000008 * context;
}

static double prefill_ms(double chunks, double p, double k)
{
    return head_ms(chunks * p, chunks) + 0.2 + 0.0000001 * chunks * p * (2 * k + p);
}

static double decode_step(double decodes, gsl_rng *r)
{
    const int64_t d = (int64_t)decodes;
    const mdl_step step = {.tokens = d, .sampled = d, .decodes = d, .decode_context = 1000 * d};
    (void)r;
    return (double)mdl_step_ps(&model, &step) / 1e9;
}

static double decode_step_exact(double decodes)
{
    return decode_ms(decodes, decodes, 1000 * decodes);
}

static double prefill_step(double tokens, gsl_rng *r)
{
    const int64_t p = (int64_t)tokens;
    const mdl_step step = {.tokens = p, .sampled = 1, .prefill = p, .prefill_pairs = p * p, .largest_chunk = p};
    (void)r;
    return (double)mdl_step_ps(&model, &step) / 1e9;
}

static double prefill_step_exact(double tokens)
{
    return prefill_ms(1, tokens, 0);
}

/* --- the same of a profile --- */

/* The dense part, the head and what of the experts so many tokens touch, ms. */
static double profile_head_ms(const law_profile *of, double tokens, double sampled)
{
    const mdl_profile *p = of->profile;
    const double miss = of->model->experts > 0 ? 1 - (double)of->model->experts_active / (double)of->model->experts : 0;
    const double memory = p->c1_us + p->x_us * (1 - pow(miss, tokens)) + p->c2_us * (tokens - 1);
    return (fmax(memory, p->c3_us + p->c4_us * tokens) + p->h0_us + p->h1_us * sampled) / 1e3;
}

static double profile_decode(const void *of, double decodes, gsl_rng *r)
{
    const law_profile *l = of;
    const mdl_step_model m = mdl_profile_step(l->model, l->profile);
    const int64_t d = (int64_t)decodes;
    const mdl_step step = {.tokens = d, .sampled = d, .decodes = d, .decode_context = 1000 * d};
    (void)r;
    return (double)mdl_step_ps(&m, &step) / 1e9;
}

static double profile_decode_exact(const void *of, double decodes)
{
    const mdl_profile *p = ((const law_profile *)of)->profile;
    return profile_head_ms(of, decodes, decodes) + (p->e0_us + p->e1_us * decodes + p->e2_us * 1000 * decodes) / 1e3;
}

static double profile_prefill(const void *of, double tokens, gsl_rng *r)
{
    const law_profile *l = of;
    const mdl_step_model m = mdl_profile_step(l->model, l->profile);
    const int64_t p = (int64_t)tokens;
    const mdl_step step = {.tokens = p, .sampled = 1, .prefill = p, .prefill_pairs = p * p, .largest_chunk = p};
    (void)r;
    return (double)mdl_step_ps(&m, &step) / 1e9;
}

static double profile_prefill_exact(const void *of, double tokens)
{
    const mdl_profile *p = ((const law_profile *)of)->profile;
    return profile_head_ms(of, tokens, 1) + (p->g0_us + p->g1_us * tokens * tokens / 2) / 1e3;
}

/* A law of the list with a profile's figures. Those are rounded to whole ps, which shows most where they are multiplied
 * by pairs of tokens: half a ps for each of 8192 x 8192 is 0.034 ms. */
static law law_of(const char *name, const law_profile *of)
{
    law l = *law_find(name);
    l.at = NULL;
    l.exact = NULL;
    l.of = of;
    l.within = 0.035;
    return l;
}

law law_of_decode(const law_profile *of)
{
    law l = law_of("engine-step", of);
    l.at_of = profile_decode;
    l.exact_of = profile_decode_exact;
    return l;
}

law law_of_prefill(const law_profile *of)
{
    law l = law_of("engine-prefill", of);
    l.at_of = profile_prefill;
    l.exact_of = profile_prefill_exact;
    return l;
}

#define MICRO_BATCHED 400

static double pipeline(double stages, gsl_rng *r)
{
    const mdl_step step = {.tokens = MICRO_BATCHED,
                           .sampled = MICRO_BATCHED,
                           .decodes = MICRO_BATCHED,
                           .decode_context = 1000 * MICRO_BATCHED};
    mdl_step_model staged = model;
    (void)r;
    staged.stages = (int32_t)stages;
    return (double)mdl_step_ps(&staged, &step) / 1e9;
}

static double pipeline_exact(double stages)
{
    return decode_ms(ceil(MICRO_BATCHED / floor(stages)), MICRO_BATCHED, 1000 * MICRO_BATCHED);
}

#define PROMPT 64
#define ANSWER 128

static const mdl_llm_config replica = {.step = MODEL,
                                       .block_tokens = 16,
                                       .kv_blocks = 10000,
                                       .max_batched_tokens = 8192,
                                       .max_sequences = 256,
                                       .max_waiting = 256};

/* Runs until nothing is left. @return when the last request was done, ns */
static int64_t run(mdl_engine *e)
{
    int64_t last = 0;
    mdl_event events[16];
    while (mdl_engine_next(e) != MDL_NEVER) {
        const size_t n = mdl_engine_advance(e, mdl_engine_next(e), events, 16);
        last = n > 0 && events[n - 1].kind == MDL_DONE ? events[n - 1].at_ns : last;
    }
    return last;
}

/* Requests that come together run as one batch. @return when the last has all its tokens, s */
static double batch(double requests, gsl_rng *r)
{
    mdl_engine *e = mdl_llm_new(&replica);
    double last = (double)NAN;
    (void)r;
    for (uint32_t i = 0; e != NULL && i < (uint32_t)requests; i++) {
        mdl_engine_submit(e, 0, &(mdl_work){.tag = i, .input_tokens = PROMPT, .output_tokens = ANSWER});
    }
    if (e != NULL) {
        last = (double)run(e) / 1e9;
        mdl_engine_free(e);
    }
    return last;
}

static double batch_exact(double requests)
{
    double ms = prefill_ms(requests, PROMPT, 0);
    for (int i = 1; i < ANSWER; i++) {
        ms += decode_ms(requests, requests, (PROMPT + i) * requests);
    }
    return ms / 1e3;
}

#define WAVES     8 /* counted; the first quarter of as many is not */
#define MOST_SEQS 64

/* Requests/s of an engine that holds so many sequences and never has too few. */
static double saturated(double sequences, gsl_rng *r)
{
    int32_t prompts[WAVES * MOST_SEQS], answers[WAVES * MOST_SEQS];
    const size_t n = WAVES * (size_t)sequences;
    mdl_llm_config full = replica;
    (void)r;
    for (size_t i = 0; i < n; i++) {
        prompts[i] = PROMPT;
        answers[i] = ANSWER;
    }
    full.max_sequences = (int32_t)sequences;
    const double rate = mdl_saturation_rate(&full, prompts, answers, n, 0);
    return rate < 0 ? (double)NAN : rate;
}

static double saturated_exact(double sequences)
{
    return sequences / batch_exact(sequences);
}

#define LONG_PROMPT 4096

/* Time to the first token of a prompt whose first so many tokens are in the prefix cache, ms. */
static double cached(double tokens, gsl_rng *r)
{
    const mdl_work work = {.input_tokens = LONG_PROMPT, .output_tokens = 1, .cached_tokens = (int32_t)tokens};
    mdl_engine *e = mdl_llm_new(&replica);
    double first = (double)NAN;
    (void)r;
    if (e != NULL) {
        mdl_engine_submit(e, 0, &work);
        first = (double)run(e) / 1e6;
        mdl_engine_free(e);
    }
    return first;
}

static double cached_exact(double tokens)
{
    return prefill_ms(1, LONG_PROMPT - tokens, tokens);
}

/* What a step with experts takes longer than one without, as a share of what all of them take. */
static double experts(double tokens, gsl_rng *r)
{
    const mdl_step step = {.tokens = (int64_t)tokens};
    mdl_step_model routed = model;
    (void)r;
    routed.x = 1000000000;
    routed.x_miss = (uint32_t)(0x1p32 * (1 - 8.0 / 128));
    return (double)(mdl_step_ps(&routed, &step) - mdl_step_ps(&model, &step)) / (double)routed.x;
}

static double experts_exact(double tokens)
{
    return 1 - pow(1 - 8.0 / 128, tokens);
}

#define CUSTOMERS 200000

/* Mean time in a station of one server, in mean services. */
static double station(double load, gsl_rng *r)
{
    const mdl_station_config config = {.servers = 1, .max_waiting = INT32_MAX};
    mdl_engine *e = mdl_station_new(&config);
    double now = 0, sum = 0;
    uint32_t came = 0, gone = 0;
    mdl_event events[16];
    while (e != NULL && gone < CUSTOMERS) {
        const int64_t arrival = came < CUSTOMERS ? (int64_t)now : INT64_MAX;
        if (mdl_engine_next(e) <= arrival) {
            const int64_t at = mdl_engine_next(e);
            const size_t n = mdl_engine_advance(e, at, events, 16);
            for (size_t i = 0; i < n; i++) {
                gone += events[i].kind == MDL_DONE;
                sum += events[i].kind == MDL_DONE ? (double)at : 0;
            }
            continue;
        }
        sum -= (double)arrival;
        mdl_engine_submit(e, arrival,
                          &(mdl_work){.tag = came++, .service_ns = (int64_t)(1e6 * mdl_ran_exponential(r))});
        now += 1e6 / load * mdl_ran_exponential(r);
    }
    const bool good = e != NULL;
    mdl_engine_free(e);
    return good ? sum / CUSTOMERS / 1e6 : (double)NAN;
}

static double station_exact(double load)
{
    return 1 / (1 - load);
}

/* A service of 1 s on a node that is slow throughout. */
static double slow(double factor, gsl_rng *r)
{
    const mdl_station_config config = {.servers = 1, .max_waiting = 1};
    mdl_engine *e = mdl_slowed(mdl_station_new(&config), 0, (int64_t)(1000 * factor + 0.5));
    (void)r;
    if (e == NULL) {
        return (double)NAN;
    }
    mdl_engine_submit(e, 0, &(mdl_work){.service_ns = 1000000000});
    const double done = (double)mdl_engine_next(e) / 1e9;
    mdl_engine_free(e);
    return done;
}

static double slow_exact(double factor)
{
    return factor;
}

#define ROOFLINE "a roofline in pieces, after S. Williams, A. Waterman, D. Patterson: Roofline, CACM 52, 2009"

static const law laws[] = {
    {.name = "engine-step",
     .formula = "max(c1 + x a + c2 (n - 1), c3 + c4 n) + h0 + h1 q + e0 + e1 D + e2 S; D > 0 decode, of S KV tokens",
     .parameters =
         "n tokens, q of them sampled, a = share of engine-experts, x = 0 without experts; here D = n = q, 1000\n"
         "KV tokens each; c1 = 10, c2 = 0.02, c3 = 1, c4 = 0.05, h0 = 0.5, h1 = 0.002, e0 = 0.3, e1 = 0.005,\n"
         "e2 = 0.000008 ms; those of real engines: profiles.csv",
     .source = ROOFLINE,
     .x = "decoding requests D",
     .y = "time of a step, ms",
     .at = decode_step,
     .exact = decode_step_exact,
     .from = 1,
     .to = 513,
     .points = 33,
     .within = 0.000001},
    {.name = "engine-prefill",
     .formula = "max(c1 + x a + c2 (n - 1), c3 + c4 n) + h0 + h1 q + g0 + g1 / 2 sum p (2 k + p); chunks of p after k",
     .parameters = "a step that decodes as well has both: + e0 + e1 D + e2 S; here one chunk, p = n, k = 0, q = 1;\n"
                   "g0 = 0.2, g1 / 2 = 0.0000001 ms, the others as in engine-step",
     .source = ROOFLINE,
     .x = "prompt tokens p",
     .y = "time of a step, ms",
     .at = prefill_step,
     .exact = prefill_step_exact,
     .from = 64,
     .to = 8192,
     .points = 33,
     .within = 0.000001},
    {.name = "engine-pipeline",
     .formula = "as engine-step, n the tokens of the largest of s micro-batches: max(ceil(n / s), the largest chunk)",
     .parameters = "chunks of prefills are not divided; 400 decoding requests, 1000 KV tokens each;\n"
                   "c1 ... e2 as in engine-step, of all stages together",
     .source = "Y. Huang and others: GPipe, arXiv 1811.06965: micro-batches",
     .x = "stages s",
     .y = "time of a round, ms",
     .at = pipeline,
     .exact = pipeline_exact,
     .from = 1,
     .to = 8,
     .points = 8,
     .within = 0.000001},
    {.name = "engine-prefix",
     .formula =
         "of a prompt with k tokens in the prefix cache the others alone are computed: engine-prefill with k > 0",
     .parameters = "prompt of 4096 tokens, steps as in engine-prefill",
     .source = "W. Kwon and others: PagedAttention, arXiv 2309.06180: shared blocks",
     .x = "tokens in the cache k",
     .y = "time to first token, ms",
     .at = cached,
     .exact = cached_exact,
     .to = 3840,
     .points = 31,
     .within = 0.000001},
    {.name = "engine-batch",
     .formula = "prefill of all in one step, then one token each a step: the sum of those steps",
     .parameters = "prompts of 64, answers of 128 tokens; steps as in engine-step",
     .source = "G.-I. Yu and others: Orca, OSDI 2022: iteration-level scheduling",
     .x = "requests that come together",
     .y = "time until all have their answers, s",
     .at = batch,
     .exact = batch_exact,
     .from = 1,
     .to = 64,
     .points = 22,
     .within = 0.000001},
    {.name = "engine-saturation",
     .formula = "equal requests run in waves: sequences / time of engine-batch with as many",
     .parameters = "prompts of 64, answers of 128 tokens; twice as many requests inside as sequences may run",
     .source = "G.-I. Yu and others: Orca, OSDI 2022: iteration-level scheduling",
     .x = "sequences that may run",
     .y = "requests/s",
     .at = saturated,
     .exact = saturated_exact,
     .from = 1,
     .to = MOST_SEQS,
     .points = 22,
     .within = 0.0001},
    {.name = "engine-experts",
     .formula = "share of the experts that n tokens touch: a = 1 - (1 - k / E)^n",
     .parameters = "k = 8 of E = 128; x of engine-step is the time to read all of them",
     .source = "each token takes k of E at random: by definition",
     .x = "tokens n of a step",
     .y = "share of the experts",
     .at = experts,
     .exact = experts_exact,
     .to = 100,
     .points = 51,
     .within = 0.0001},
    {.name = "engine-station",
     .formula = "one server, exponential services and gaps: mean time in the system = m / (1 - load)",
     .parameters = "in mean services m",
     .source = "L. Kleinrock: Queueing Systems, volume 1, 1975",
     .x = "load",
     .y = "mean time in the system, services",
     .at = station,
     .exact = station_exact,
     .from = 0.1,
     .to = 0.8,
     .points = 8,
     .within = 0.25},
    {.name = "engine-slow",
     .formula = "all that an engine does takes f times as long",
     .parameters = "one service of 1 s",
     .source = "a clock that runs 1/f as fast: by definition",
     .x = "factor f",
     .y = "time of the service, s",
     .at = slow,
     .exact = slow_exact,
     .from = 1,
     .to = 5,
     .points = 9,
     .within = 0.000001},
};

const law_family law_engines = {"engines", "how a replica serves", laws, sizeof laws / sizeof laws[0]};
