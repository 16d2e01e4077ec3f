/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench_run.c - how fast and how large a whole replication is.
 *
 * Speed: 1000 replicas behind least-outstanding routing (every request looks at the load of all), language-model engine
 * and plain station, control plane ticking; printed as CPU ns for each request. Memory: the largest resident set of a
 * child process that runs 1 and 30 simulated days of the same world; the two should be alike.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/world.h"

/* About Llama-3.1-8B on a 24 GB card: 18 ms to stream the weights, 60000 tokens of KV. */
static const mdl_llm_config engine = {.step = {.c1 = 18000000000,
                                               .c2 = 30000000,
                                               .c3 = 2000000000,
                                               .c4 = 110000000,
                                               .h0 = 1200000000,
                                               .h1 = 10000000,
                                               .e0 = 300000000,
                                               .e1 = 10000000,
                                               .e2 = 150000,
                                               .g0 = 200000000,
                                               .g1_half = 3000},
                                      .block_tokens = 16,
                                      .kv_blocks = 3750,
                                      .max_batched_tokens = 2048,
                                      .max_sequences = 128,
                                      .max_waiting = 1000};

static void big_world(world *w, int32_t replicas, double rate, int64_t seconds, bool llm)
{
    world_init(w);
    w->pools[0][0].nodes_start = w->pools[0][0].nodes_min = w->pools[0][0].nodes_max = (replicas + 7) / 8;
    w->workloads[0].replicas = replicas;
    w->traffic[0].arrivals.rate_per_s = rate;
    w->sc.duration_ns = seconds * SPW_NS_PER_S;
    w->rtt[0] = 20000000;
    w->services[0].timeout_ns = 120 * SPW_NS_PER_S;
    w->targets[0][0] = (sc_target){"ttft", 0.95, 2 * SPW_NS_PER_S};
    w->targets[0][1] = (sc_target){"tpot", 0.95, SPW_NS_PER_S / 10};
    w->services[0].target_count = llm ? 2 : 1;
    world_hpa(w, "vllm_num_requests_running", 20000, replicas, replicas);
    if (llm) {
        w->services[0].engine = SC_ENGINE_LLM;
        w->llm[0][0] = engine;
        w->services[0].lengths.input =
            (mdl_length_law){.kind = MDL_LENGTH_LOGNORMAL, .median = 512, .sigma = 1, .min = 1, .max = 8000};
        w->services[0].lengths.output =
            (mdl_length_law){.kind = MDL_LENGTH_LOGNORMAL, .median = 180, .sigma = 0.8, .min = 1, .max = 2000};
    }
}

static void speed(const char *name, double rate, int64_t seconds, bool llm)
{
    static world w;
    res_run *run;

    big_world(&w, 1000, rate, seconds, llm);
    run = world_run(&w, 1);
    printf("%-30s %8llu requests, %5.0f ns each, %.2f M/CPU s, ttft p95 %.3f s, %.0f%% busy, tick p99 %.0f us\n", name,
           (unsigned long long)run->host.requests, run->host.cpu_s * 1e9 / (double)run->host.requests,
           (double)run->host.requests / run->host.cpu_s / 1e6,
           (double)stat_hist_quantile(run->latency.ttft, 0.95) / 1e9,
           100 * (double)run->pools[0].busy_gpu_ns / (double)run->pools[0].held_gpu_ns, run->host.decide_us_p99);
    res_free(run);
}

/* Peak resident kilobytes of a child that simulates the days; -1 if it could not be had. */
static long memory_kb(int64_t days)
{
    int ends[2];
    long kb = -1;
    pid_t child;

    if (pipe(ends) != 0) {
        return -1;
    }
    child = fork();
    if (child == 0) {
        static world w;
        struct rusage usage;

        big_world(&w, 8, 2, days * 86400, false);
        w.sc.tick_ns = w.sc.observation.scrape_ns = 60 * SPW_NS_PER_S;
        res_free(world_run(&w, 1));
        getrusage(RUSAGE_SELF, &usage);
        _exit(write(ends[1], &usage.ru_maxrss, sizeof usage.ru_maxrss) == sizeof usage.ru_maxrss ? 0 : 1);
    }
    close(ends[1]);
    if (child < 0 || read(ends[0], &kb, sizeof kb) != sizeof kb) {
        kb = -1;
    }
    close(ends[0]);
    if (child > 0) {
        waitpid(child, NULL, 0);
    }
    return kb;
}

int main(void)
{
    long day = memory_kb(1);
    long month = memory_kb(30);

    printf("peak memory: %ld KiB for 1 simulated day, %ld KiB for 30\n", day, month);
    fflush(stdout);
    speed("1000 replicas, llm, light", 1000, 2000, true);
    speed("1000 replicas, llm, moderate", 2500, 1000, true);
    speed("1000 replicas, station", 800, 4000, false);
    return 0;
}
