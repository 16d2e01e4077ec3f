/* SPDX-License-Identifier: GPL-3.0-or-later */
/* work.c - see work.h. */
#include "sim/experiment/work.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define JOBS_MAX 1024

typedef struct list {
    int32_t count;
    const volatile int *stop;
    work_fn work;
    void *user;
    pthread_mutex_t lock;
    int32_t next;
    int32_t failed; /* lowest item that failed, -1 = none */
    char err[WORK_ERR_SIZE];
} list;

static int32_t take(list *l)
{
    int32_t index = -1;

    pthread_mutex_lock(&l->lock);
    if (l->failed < 0 && l->next < l->count && (l->stop == NULL || *l->stop == 0)) {
        index = l->next++;
    }
    pthread_mutex_unlock(&l->lock);
    return index;
}

static void fail(list *l, int32_t index, const char *err)
{
    pthread_mutex_lock(&l->lock);
    if (l->failed < 0 || index < l->failed) {
        l->failed = index;
        snprintf(l->err, sizeof l->err, "%s", err);
    }
    pthread_mutex_unlock(&l->lock);
}

static void *run(void *user)
{
    list *l = user;
    int32_t index;

    while ((index = take(l)) >= 0) {
        char err[WORK_ERR_SIZE] = "";

        if (l->work(l->user, index, err, sizeof err) != 0) {
            fail(l, index, err);
        }
    }
    return NULL;
}

int32_t work_each(int32_t count, const work_options *options, work_fn work, void *user, char *err, size_t err_size)
{
    list l = {.count = count, .stop = options->stop, .work = work, .user = user, .failed = -1};
    const int32_t jobs = options->jobs < count ? options->jobs : count;
    pthread_t *threads = calloc((size_t)(jobs > 1 ? jobs - 1 : 1), sizeof *threads);
    int32_t started = 0;

    if (threads == NULL || pthread_mutex_init(&l.lock, NULL) != 0) {
        free(threads);
        snprintf(err, err_size, "out of memory");
        return count;
    }
    while (started < jobs - 1 && pthread_create(&threads[started], NULL, run, &l) == 0) {
        started++;
    }
    run(&l);
    for (int32_t i = 0; i < started; i++) {
        pthread_join(threads[i], NULL);
    }
    pthread_mutex_destroy(&l.lock);
    free(threads);
    if (l.failed >= 0) {
        snprintf(err, err_size, "%s", l.err);
    }
    return l.failed;
}

int32_t work_jobs(int64_t asked, int64_t items)
{
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    int64_t jobs = asked > 0 ? asked : processors < 1 ? 1 : processors;

    jobs = jobs < JOBS_MAX ? jobs : JOBS_MAX;
    return (int32_t)(jobs < items ? jobs : items < 1 ? 1 : items);
}
