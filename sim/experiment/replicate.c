/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * replicate.c - replications in parallel threads. A thread takes the next number nobody has taken; results go to the
 * place of their number, and replications share nothing that is written, so the outcome does not depend on threads.
 */
#include "sim/experiment/experiment.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct batch {
    const sc_scenario *sc;
    const exp_options *options;
    res_run **runs;
    pthread_mutex_t lock;
    int32_t next;
    int32_t failed; /* lowest replication that failed, -1 = none */
    char err[512];
} batch;

static int32_t take(batch *b)
{
    int32_t index = -1;

    pthread_mutex_lock(&b->lock);
    if (b->failed < 0 && b->next < b->options->replications) {
        index = b->next++;
    }
    pthread_mutex_unlock(&b->lock);
    return index;
}

static void report_failure(batch *b, int32_t index, const char *err)
{
    pthread_mutex_lock(&b->lock);
    if (b->failed < 0 || index < b->failed) {
        b->failed = index;
        snprintf(b->err, sizeof b->err, "replication %d: %s", (int)index, err);
    }
    pthread_mutex_unlock(&b->lock);
}

static void *work(void *user)
{
    batch *b = user;
    int32_t index;

    while ((index = take(b)) >= 0) {
        fleet_hooks hooks = {.stop = b->options->stop};
        char err[400] = "";

        if (b->options->hooks_for != NULL) {
            b->options->hooks_for(b->options->user, (uint32_t)index, &hooks);
        }
        b->runs[index] = fleet_run(b->sc, b->options->seed, (uint32_t)index, &hooks, err, sizeof err);
        if (b->runs[index] == NULL) {
            report_failure(b, index, err);
        }
    }
    return NULL;
}

int exp_replicate(const sc_scenario *sc, const exp_options *options, res_run **runs, char *err, size_t err_size)
{
    batch b = {.sc = sc, .options = options, .runs = runs, .failed = -1};
    int32_t jobs = options->jobs < options->replications ? options->jobs : options->replications;
    pthread_t *threads;
    int32_t started = 0;

    memset(runs, 0, (size_t)options->replications * sizeof(res_run *));
    threads = calloc((size_t)(jobs > 1 ? jobs - 1 : 1), sizeof *threads);
    if (threads == NULL || pthread_mutex_init(&b.lock, NULL) != 0) {
        free(threads);
        snprintf(err, err_size, "out of memory");
        return -1;
    }
    while (started < jobs - 1 && pthread_create(&threads[started], NULL, work, &b) == 0) {
        started++; /* a thread that cannot be had is no failure: the others do its work */
    }
    work(&b);
    for (int32_t i = 0; i < started; i++) {
        pthread_join(threads[i], NULL);
    }
    pthread_mutex_destroy(&b.lock);
    free(threads);
    if (b.failed < 0) {
        return 0;
    }
    for (int32_t i = 0; i < options->replications; i++) {
        res_free(runs[i]);
        runs[i] = NULL;
    }
    snprintf(err, err_size, "%s", b.err);
    return -1;
}
