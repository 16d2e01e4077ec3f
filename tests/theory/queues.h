/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * queues.h - closed forms for waiting times, and the comparison of a simulated station with them.
 *
 * Formulas: Erlang's delay formula through the recursion of the loss formula (Kleinrock, Queueing Systems 1, 3.5-3.6);
 * Pollaczek and Khinchine's mean (ibid. 5.6). Mean service time is 1 s throughout.
 */
#ifndef TESTS_THEORY_QUEUES_H
#define TESTS_THEORY_QUEUES_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/experiment/experiment.h"
#include "tests/support/world.h"

typedef struct queue_case {
    const char *name;
    int32_t servers;
    double utilisation;
    mdl_service_law law;
    double cv2; /**< of the service time, as the law has it */
    int32_t runs;
    double requests; /**< expected, for each run, after warm-up */
    double bias_max; /**< relative, of the mean over all runs */
} queue_case;

/** Probability of having to wait in M/M/c with offered load `a` erlangs. */
static inline double queue_erlang_c(int32_t servers, double a)
{
    double loss = 1;

    for (int32_t k = 1; k <= servers; k++) {
        loss = a * loss / (k + a * loss);
    }
    return loss / (1 - a / servers * (1 - loss));
}

/** Mean wait in s: M/M/c exactly, M/G/1 exactly. */
static inline double queue_wait(const queue_case *q)
{
    if (q->servers > 1) {
        return queue_erlang_c(q->servers, q->utilisation * q->servers) / (q->servers * (1 - q->utilisation));
    }
    return q->utilisation * (1 + q->cv2) / (2 * (1 - q->utilisation));
}

static inline void queue_world(world *w, const queue_case *q)
{
    double rate = q->utilisation * q->servers;
    double relax_s = 20 * (1 + q->cv2) / ((1 - q->utilisation) * (1 - q->utilisation)); /* ten relaxation times */

    world_init(w);
    w->services[0].station = (mdl_station_config){.servers = q->servers, .max_waiting = 1 << 24};
    w->services[0].station_law = q->law;
    w->traffic[0].arrivals.rate_per_s = rate;
    w->sc.tick_ns = w->sc.observation.scrape_ns = (int64_t)3600 * SPW_NS_PER_S;
    w->sc.warmup_ns = (int64_t)(relax_s * 1e9);
    w->sc.duration_ns = (int64_t)((relax_s + q->requests / rate) * 1e9);
}

/**
 * Runs a case and compares: the mean of the runs' mean waits must lie within its 99 % Student interval around the
 * closed form, and within the stated relative bias. @return 0 if both hold
 */
static inline int queue_check(const queue_case *q, uint64_t seed, int32_t jobs)
{
    world *w = calloc(1, sizeof *w);
    res_run **runs = calloc((size_t)q->runs, sizeof *runs);
    exp_options options = {.seed = seed, .replications = q->runs, .jobs = jobs};
    char err[400] = "";
    double truth = queue_wait(q);
    stat_tally waits;
    double half, off;
    int bad = 1;

    stat_tally_init(&waits);
    if (w != NULL && runs != NULL) {
        queue_world(w, q);
        if (exp_replicate(world_scenario(w), &options, runs, err, sizeof err) == 0) {
            bad = 0;
        }
    }
    for (int32_t i = 0; bad == 0 && i < q->runs; i++) {
        const res_requests *r = &runs[i]->requests;

        stat_tally_add(&waits, stat_hist_mean(runs[i]->latency.queue) / 1e9);
        if (r->offered != r->completed + r->rejected + r->timed_out + r->in_flight || r->rejected + r->timed_out != 0 ||
            runs[i]->in_system_area_ns != runs[i]->sojourn_sum_ns) {
            fprintf(stderr, "%s: flow is not conserved in run %d\n", q->name, (int)i);
            bad = 1;
        }
    }
    half = stat_student_half_width(&waits, 0.99);
    off = waits.mean - truth;
    printf("%-28s wait %.6f s, closed form %.6f s, off %+.3f %%, 99 %% half width %.3f %%%s\n", q->name, waits.mean,
           truth, 100 * off / truth, 100 * half / truth, err);
    if (!(fabs(off) <= half) || !(fabs(off) <= q->bias_max * truth)) {
        bad = 1;
    }
    for (int32_t i = 0; runs != NULL && i < q->runs; i++) {
        res_free(runs[i]);
    }
    free(runs);
    free(w);
    return bad;
}

#endif
