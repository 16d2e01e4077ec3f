/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench_kernel.c - what the simulation kernel costs per operation, in ns of this thread's CPU time.
 *
 * Every figure is the median of RUNS runs. The hold model (earliest event out, same entity back in after a random
 * time) is run on the product's queue and on a binary heap written here for comparison, through the identical
 * sequence of increments; "same" says that both popped the same times in the same order. Prints a table, asserts
 * nothing: a slow machine is not a failure.
 */
#include "models/random/variates.h"
#include "sim/kernel/evq.h"
#include "sim/kernel/rng.h"
#include "sim/stats/stats.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_randist.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define RUNS    5
#define HOLDS   1000000u
#define GAPS    (1u << 14) /* increments drawn beforehand, so that only the queue is timed */
#define DRAWS   4000000u
#define BUFFER  64u
#define INSERTS 8000000u
#define POOLS   64u

static double cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *v)
{
    qsort(v, RUNS, sizeof v[0], by_value);
    return v[RUNS / 2];
}

static void *need(void *p)
{
    if (!p) {
        fputs("bench_kernel: out of memory\n", stderr);
        exit(EXIT_FAILURE);
    }
    return p;
}

/* ---- the comparison: a textbook binary heap, time then sequence, the top replaced in place ---- */

typedef struct heap_node {
    int64_t time_ns;
    uint64_t seq;
    uint32_t slot;
} heap_node;

typedef struct heap {
    heap_node *node; /* 1-based */
    size_t n;
    uint64_t seq;
} heap;

static int earlier(const heap_node *a, const heap_node *b)
{
    return a->time_ns < b->time_ns || (a->time_ns == b->time_ns && a->seq < b->seq);
}

static void heap_push(heap *h, heap_node x)
{
    size_t i = ++h->n;

    x.seq = h->seq++;
    for (; i > 1 && earlier(&x, &h->node[i / 2]); i /= 2) {
        h->node[i] = h->node[i / 2];
    }
    h->node[i] = x;
}

static heap_node heap_pop(heap *h)
{
    heap_node top = h->node[1];
    heap_node x = h->node[h->n--];
    size_t i = 1;

    for (;;) {
        size_t child = 2 * i;

        if (child > h->n) {
            break;
        }
        if (child < h->n && earlier(&h->node[child + 1], &h->node[child])) {
            child++;
        }
        if (!earlier(&h->node[child], &x)) {
            break;
        }
        h->node[i] = h->node[child];
        i = child;
    }
    h->node[i] = x;
    return top;
}

static uint64_t stir(uint64_t sum, int64_t time_ns, uint32_t slot)
{
    return (sum ^ (uint64_t)time_ns ^ slot) * UINT64_C(0x9e3779b97f4a7c15);
}

static double hold_heap(const int64_t *gap, size_t n, uint64_t *sum)
{
    heap h = {.node = need(malloc((n + 1) * sizeof(heap_node)))};

    for (size_t i = 0; i < n; i++) {
        heap_push(&h, (heap_node){.time_ns = gap[i % GAPS], .slot = (uint32_t)i});
    }
    *sum = 0;
    double start = cpu_ns();

    for (size_t i = 0; i < HOLDS; i++) {
        heap_node e = heap_pop(&h);

        *sum = stir(*sum, e.time_ns, e.slot);
        e.time_ns += gap[i % GAPS];
        heap_push(&h, e);
    }
    double ns = (cpu_ns() - start) / HOLDS;

    free(h.node);
    return ns;
}

static double hold_evq(const int64_t *gap, size_t n, uint64_t *sum)
{
    evq *q = need(evq_new(n));

    for (size_t i = 0; i < n; i++) {
        evq_set(q, evq_slot_add(q), gap[i % GAPS], EVQ_ENGINE);
    }
    *sum = 0;
    double start = cpu_ns();

    for (size_t i = 0; i < HOLDS; i++) {
        int64_t now_ns;
        uint32_t slot = evq_peek(q, &now_ns);

        *sum = stir(*sum, now_ns, slot);
        evq_set(q, slot, now_ns + gap[i % GAPS], EVQ_ENGINE);
    }
    double ns = (cpu_ns() - start) / HOLDS;

    evq_free(q);
    return ns;
}

static void bench_queues(void)
{
    static const size_t pending[] = {8, 100, 1000, 10000, 100000};
    int64_t *gap = need(malloc(GAPS * sizeof *gap));
    gsl_rng *r = need(rng_stream(1, 0, "gap", 0));

    for (size_t i = 0; i < GAPS; i++) {
        gap[i] = (int64_t)(1e9 * mdl_ran_exponential(r));
    }
    printf("%-28s %10s %10s %8s %6s\n", "hold model, ns per hold", "evq", "heap", "ratio", "same");
    for (size_t k = 0; k < sizeof pending / sizeof pending[0]; k++) {
        double tree_ns[RUNS];
        double heap_ns[RUNS];
        uint64_t tree_sum = 0;
        uint64_t heap_sum = 0;

        for (unsigned run = 0; run < RUNS; run++) {
            tree_ns[run] = hold_evq(gap, pending[k], &tree_sum);
            heap_ns[run] = hold_heap(gap, pending[k], &heap_sum);
        }
        double t = median(tree_ns);
        double h = median(heap_ns);

        printf("pending %-20zu %10.1f %10.1f %8.2f %6s\n", pending[k], t, h, h / t,
               tree_sum == heap_sum ? "yes" : "NO");
    }
    gsl_rng_free(r);
    free(gap);
}

/* ---- variates ---- */

/* One loop for each variate, so that the variate is called directly, as its users do. The draws go to a small buffer: a
 * running sum would have to be spilled around each call, and that would be what is timed. */
#define DRAW_LOOP(name, expression)                                                                                    \
    static void name(gsl_rng *r, double *out)                                                                          \
    {                                                                                                                  \
        for (unsigned i = 0; i < DRAWS; i++) {                                                                         \
            out[i % BUFFER] = (expression);                                                                            \
        }                                                                                                              \
    }

DRAW_LOOP(draw_uniform, gsl_rng_uniform(r))
DRAW_LOOP(draw_uniform_pos, mdl_ran_uniform_pos(r))
DRAW_LOOP(draw_gsl_uniform_pos, gsl_rng_uniform_pos(r))
DRAW_LOOP(draw_exponential, mdl_ran_exponential(r))
DRAW_LOOP(draw_gsl_exponential, gsl_ran_exponential(r, 1.0))
DRAW_LOOP(draw_normal, mdl_ran_normal(r))
DRAW_LOOP(draw_gsl_normal, gsl_ran_gaussian(r, 1.0))

static double time_draws(gsl_rng *r, void (*draw)(gsl_rng *, double *))
{
    double v[RUNS];
    double out[BUFFER];

    for (unsigned run = 0; run < RUNS; run++) {
        double start = cpu_ns();

        draw(r, out);
        v[run] = (cpu_ns() - start) / DRAWS;
    }
    return median(v);
}

static void bench_draws(void)
{
    static const struct {
        const char *name;
        void (*ours)(gsl_rng *, double *);
        void (*theirs)(gsl_rng *, double *);
    } row[] = {
        {"uniform [0,1)", draw_uniform, draw_uniform},
        {"uniform (0,1)", draw_uniform_pos, draw_gsl_uniform_pos},
        {"exponential", draw_exponential, draw_gsl_exponential},
        {"normal", draw_normal, draw_gsl_normal},
    };
    gsl_rng *x = need(rng_stream(1, 0, "bench", 0));
    gsl_rng *m = need(gsl_rng_alloc(gsl_rng_mt19937));

    printf("\n%-28s %10s %10s %8s\n", "variates, ns per draw", "ours", "mt+GSL", "ratio");
    for (size_t k = 0; k < sizeof row / sizeof row[0]; k++) {
        double ours = time_draws(x, row[k].ours);
        double theirs = time_draws(m, row[k].theirs);

        printf("%-28s %10.2f %10.2f %8.2f\n", row[k].name, ours, theirs, theirs / ours);
    }
    gsl_rng_free(x);
    gsl_rng_free(m);
}

/* ---- histogram ---- */

static double time_inserts(stat_hist *const *pool, uint32_t pools, const int64_t *value)
{
    double v[RUNS];

    for (unsigned run = 0; run < RUNS; run++) {
        double start = cpu_ns();

        for (uint32_t i = 0; i < INSERTS; i++) {
            stat_hist_add(pool[i * UINT32_C(2654435761) >> 16 & (pools - 1)], value[i % GAPS]);
        }
        v[run] = (cpu_ns() - start) / INSERTS;
    }
    return median(v);
}

static void bench_hist(void)
{
    stat_hist *pool[POOLS];
    int64_t *value = need(malloc(GAPS * sizeof *value));
    gsl_rng *r = need(rng_stream(1, 0, "value", 0));

    for (size_t i = 0; i < GAPS; i++) {
        value[i] = (int64_t)(2e8 * gsl_ran_lognormal(r, 0.0, 1.2));
    }
    for (unsigned i = 0; i < POOLS; i++) {
        pool[i] = need(stat_hist_new(7));
    }
    printf("\n%-28s %10s\n", "histogram, 7 sub-bits", "ns/insert");
    printf("%-28s %10.2f\n", "one pool", time_inserts(pool, 1, value));
    printf("%-28s %10.2f\n", "64 pools at random", time_inserts(pool, POOLS, value));
    for (unsigned i = 0; i < POOLS; i++) {
        stat_hist_free(pool[i]);
    }
    gsl_rng_free(r);
    free(value);
}

int main(void)
{
    gsl_set_error_handler_off();
    bench_queues();
    bench_draws();
    bench_hist();
    return EXIT_SUCCESS;
}
