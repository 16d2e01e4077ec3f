/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trials.c - see trials.h. */
#include "sim/experiment/trials.h"

#include <inttypes.h>
#include <math.h>
#include <pthread.h>

#include "sim/experiment/work.h"
#include "sim/fleet/fleet.h"
#include "sim/report/report.h"

typedef struct bench {
    const trials *t;
    const trial *list;
    double *values;
    int32_t count, done;
    pthread_mutex_t lock;
} bench;

static int on_decision(void *user, const char *line, size_t size)
{
    return fwrite(line, 1, size, user) == size ? 0 : -1;
}

static int keep(const trials *t, const sc_scenario *sc, const res_run *run, double *values)
{
    report_values *all = report_values_of(sc, run);
    if (all == NULL) {
        return -1;
    }
    for (int32_t m = 0; m < t->metric_count; m++) {
        values[m] = (double)NAN;
        (void)report_value(all, t->metrics[m], &values[m]);
    }
    report_values_free(all);
    return 0;
}

static int work(void *user, int32_t index, char *err, size_t err_size)
{
    bench *b = user;
    const trials *t = b->t;
    const trial *one = &b->list[index];
    const sc_scenario *sc = t->settings[one->setting];
    fleet_hooks hooks = {.stop = t->stop};
    if (t->decisions != NULL && one->replication == 0) {
        hooks.user = t->decisions[one->setting];
        hooks.decision = hooks.user != NULL ? on_decision : NULL;
    }
    res_run *run = fleet_run(sc, t->seed, (uint32_t)one->replication, &hooks, err, err_size);
    int rc = run != NULL ? keep(t, sc, run, b->values + (size_t)index * (size_t)t->metric_count) : -1;
    if (run != NULL && rc != 0) {
        snprintf(err, err_size, "out of memory");
    }
    res_free(run);
    pthread_mutex_lock(&b->lock);
    b->done++;
    if (rc == 0 && t->done != NULL) {
        t->done(t->user, b->done, b->count);
    }
    pthread_mutex_unlock(&b->lock);
    return rc;
}

int trials_run(const trials *t, const trial *list, int32_t count, double *values, char *err, size_t err_size)
{
    bench b = {.t = t, .list = list, .values = values, .count = count};
    const work_options how = {.jobs = t->jobs, .stop = t->stop};
    if (pthread_mutex_init(&b.lock, NULL) != 0) {
        snprintf(err, err_size, "out of memory");
        return -1;
    }
    const int32_t failed = work_each(count, &how, work, &b, err, err_size);
    pthread_mutex_destroy(&b.lock);
    if (t->stop != NULL && *t->stop != 0) {
        return 1;
    }
    return failed < 0 ? 0 : -1;
}
