/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trials.c - see trials.h. */
#include "sim/experiment/trials.h"

#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <string.h>

#include "sim/experiment/work.h"
#include "sim/fleet/fleet.h"
#include "sim/report/report.h"
#include "sim/scenario/hash.h"

typedef struct bench {
    const trials *t;
    const trial *list;
    double *values;
    int32_t count, done;
    uint64_t form; /* of what is kept: the names of the figures */
    pthread_mutex_t lock;
} bench;

static int on_decision(void *user, const char *line, size_t size)
{
    return fwrite(line, 1, size, user) == size ? 0 : -1;
}

/* The figures of one trial. */
typedef struct figures {
    const trials *t;
    const sc_scenario *sc;
    double *values; /* [metric_count] */
} figures;

static int take_figures(void *user, res_run *run)
{
    const figures *f = user;
    report_values *all = report_values_of(f->sc, run);
    for (int32_t m = 0; all != NULL && m < f->t->metric_count; m++) {
        f->values[m] = (double)NAN;
        (void)report_value(all, f->t->metrics[m], &f->values[m]);
    }
    const int rc = all != NULL ? 0 : -1;
    report_values_free(all);
    res_free(run);
    return rc;
}

static int write_figures(void *user, FILE *out)
{
    const figures *f = user;
    const size_t count = (size_t)f->t->metric_count;
    return fwrite(f->values, sizeof *f->values, count, out) == count ? 0 : -1;
}

static int read_figures(void *user, FILE *in)
{
    const figures *f = user;
    const size_t count = (size_t)f->t->metric_count;
    return fread(f->values, sizeof *f->values, count, in) == count ? 0 : -1;
}

static int work(void *user, int32_t index, char *err, size_t err_size)
{
    bench *b = user;
    const trials *t = b->t;
    const trial *one = &b->list[index];
    figures f = {t, t->settings[one->setting], b->values + (size_t)index * (size_t)t->metric_count};
    const kept_form form = {b->form, take_figures, write_figures, read_figures, &f};
    fleet_hooks hooks = {.stop = t->stop};
    if (t->decisions != NULL && one->replication == 0) {
        hooks.user = t->decisions[one->setting];
        hooks.decision = hooks.user != NULL ? on_decision : NULL;
    }
    const int rc = kept_replicate(t->kept, f.sc, t->seed, (uint32_t)one->replication, &hooks, &form, err, err_size);
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
    bench b = {.t = t, .list = list, .values = values, .count = count, .form = HASH_START};
    const work_options how = {.jobs = t->jobs, .stop = t->stop};
    if (pthread_mutex_init(&b.lock, NULL) != 0) {
        snprintf(err, err_size, "out of memory");
        return -1;
    }
    for (int32_t m = 0; m < t->metric_count; m++) {
        b.form = hash_bytes(b.form, t->metrics[m], strlen(t->metrics[m]) + 1);
    }
    const int32_t failed = work_each(count, &how, work, &b, err, err_size);
    pthread_mutex_destroy(&b.lock);
    if (t->stop != NULL && *t->stop != 0) {
        return 1;
    }
    return failed < 0 ? 0 : -1;
}
