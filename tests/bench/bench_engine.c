/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench_engine.c - ns for a request: the engine that jumps over decode steps, the engine that computes each of them,
 * and a metric scrape. Prints a table; asserts nothing. Lengths: lognormal-like mix around 512 in, 180 out; the step
 * model is that of the RTX 4090 row of scenarios/tables/profiles.csv.
 */
#include "models/engine/engine.h"
#include "tests/support/choice.h"
#include "tests/support/plain_engine.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define REQUESTS       200000
#define PLAIN_REQUESTS 10000
#define EVENTS         64

typedef struct workload {
    plain_op *ops;
    plain_request *requests;
} workload;

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int32_t draw_length(choice *c, double median)
{
    double sum = 0.0;
    for (int i = 0; i < 12; i++) {
        sum += choice_unit(c);
    }
    double tokens = median * exp(0.8 * (sum - 6.0));
    return tokens < 1.0 ? 1 : tokens > 4000.0 ? 4000 : (int32_t)tokens;
}

static void draw(workload *w, size_t n, double rate_per_s)
{
    choice c;
    choice_seed(&c, 11);
    double at_s = 0.0;
    for (size_t i = 0; i < n; i++) {
        at_s += -log(1.0 - choice_unit(&c)) / rate_per_s;
        w->requests[i].input = draw_length(&c, 512.0);
        w->requests[i].output = draw_length(&c, 180.0);
        w->ops[i] = (plain_op){.at_ns = (int64_t)(at_s * 1e9), .kind = PLAIN_SUBMIT, .which = (int32_t)i};
    }
}

static double time_engine(const mdl_llm_config *config, const workload *w, size_t n, double *calls, mdl_load *load)
{
    mdl_engine *e = mdl_llm_new(config);
    mdl_event events[EVENTS];
    size_t advances = 0;
    double start_s = now_s();
    for (size_t i = 0; e != NULL && i <= n; i++) {
        int64_t until_ns = i < n ? w->ops[i].at_ns : MDL_NEVER - 1;
        for (int64_t t; (t = mdl_engine_next(e)) <= until_ns;) {
            while (mdl_engine_advance(e, t, events, EVENTS) == EVENTS) {
            }
            advances++;
        }
        if (i < n) {
            mdl_work work = {
                .tag = (uint32_t)i, .input_tokens = w->requests[i].input, .output_tokens = w->requests[i].output};
            mdl_engine_submit(e, until_ns, &work);
        }
    }
    double took_s = now_s() - start_s;
    *calls = (double)advances / (double)n;
    if (e != NULL) {
        mdl_engine_load(e, MDL_NEVER - 1, load);
    }
    mdl_engine_free(e);
    return 1e9 * took_s / (double)n;
}

static double time_plain(const mdl_llm_config *config, const workload *w, size_t n, double *steps)
{
    plain_tally tally = {0};
    double start_s = now_s();
    if (!plain_run(config, w->ops, n, w->requests, n, NULL, &tally)) {
        return -1.0;
    }
    *steps = (double)tally.steps / (double)n;
    return 1e9 * (now_s() - start_s) / (double)n;
}

static double time_load(const mdl_llm_config *config)
{
    mdl_engine *e = mdl_llm_new(config);
    if (e == NULL) {
        return -1.0;
    }
    for (uint32_t i = 0; i < 40; i++) {
        mdl_work work = {.tag = i, .input_tokens = 100, .output_tokens = 900};
        mdl_engine_submit(e, 0, &work);
    }
    mdl_event events[EVENTS];
    int64_t t = 0;
    while (mdl_engine_next(e) - t < 5000000000) { /* until a long run is under way */
        t = mdl_engine_next(e);
        mdl_engine_advance(e, t, events, EVENTS);
    }
    enum { SCRAPES = 200000 };
    int64_t sum = 0;
    double start_s = now_s();
    for (int64_t i = 1; i <= SCRAPES; i++) {
        mdl_load load;
        mdl_engine_load(e, t + i * 20000, &load);
        sum += load.tokens_out;
    }
    double ns = 1e9 * (now_s() - start_s) / SCRAPES;
    mdl_engine_free(e);
    return sum > 0 ? ns : -1.0;
}

int main(void)
{
    static const struct {
        const char *name;
        double rate_per_s;
    } loads[] = {{"light", 0.5}, {"moderate", 2.0}, {"near saturation", 4.0}};
    mdl_llm_config config = {.step = {.c1 = 15215000000,
                                      .c2 = 34000000,
                                      .c3 = 5940000000,
                                      .c4 = 87600000,
                                      .h0 = 1104000000,
                                      .h1 = 3000000,
                                      .e0 = 639000000,
                                      .e1 = 5200000,
                                      .e2 = 137200,
                                      .g0 = 600000000,
                                      .g1_half = 1885},
                             .block_tokens = 16,
                             .kv_blocks = 2588,
                             .max_batched_tokens = 2048,
                             .max_sequences = 256,
                             .max_waiting = REQUESTS};
    workload w = {.ops = calloc(REQUESTS, sizeof *w.ops), .requests = calloc(REQUESTS, sizeof *w.requests)};
    if (w.ops == NULL || w.requests == NULL) {
        free(w.ops);
        free(w.requests);
        return 1;
    }
    printf("%-16s %8s %12s %14s %12s %12s %8s %12s\n", "load", "req/s", "busy", "advances/req", "steps/req",
           "engine ns", "plain ns", "ratio");
    for (size_t i = 0; i < sizeof loads / sizeof loads[0]; i++) {
        double calls = 0.0;
        double steps = 0.0;
        mdl_load load = {0};
        draw(&w, REQUESTS, loads[i].rate_per_s);
        double fast_ns = time_engine(&config, &w, REQUESTS, &calls, &load);
        double slow_ns = time_plain(&config, &w, PLAIN_REQUESTS, &steps);
        double busy = (double)load.busy_ns / (double)w.ops[REQUESTS - 1].at_ns;
        printf("%-16s %8.1f %12.3f %14.2f %12.1f %12.1f %8.0f %12.1f\n", loads[i].name, loads[i].rate_per_s, busy,
               calls, steps, fast_ns, slow_ns, slow_ns / fast_ns);
    }
    printf("load() within a run: %.1f ns\n", time_load(&config));
    free(w.ops);
    free(w.requests);
    return 0;
}
