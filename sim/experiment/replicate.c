/* SPDX-License-Identifier: GPL-3.0-or-later */
/* replicate.c - replications as a work list: results go to the place of their number. */
#include "sim/experiment/experiment.h"

#include <stdio.h>
#include <string.h>

#include "sim/experiment/store.h"
#include "sim/experiment/work.h"

typedef struct batch {
    const sc_scenario *sc;
    const exp_options *options;
    res_run **runs;
} batch;

/* The place of one result. */
typedef struct place {
    const sc_scenario *sc;
    res_run **run;
} place;

static int put_there(void *user, res_run *run)
{
    const place *p = user;
    *p->run = run;
    return 0;
}

static int write_run(void *user, FILE *out)
{
    const place *p = user;
    const res_host *host = &(*p->run)->host;
    return store_write_run(out, p->sc, *p->run) == 0 && fwrite(host, sizeof *host, 1, out) == 1 ? 0 : -1;
}

static int read_run(void *user, FILE *in)
{
    const place *p = user;
    *p->run = store_read_run(in, p->sc);
    return *p->run != NULL && fread(&(*p->run)->host, sizeof(res_host), 1, in) == 1 ? 0 : -1;
}

static int replicate(void *user, int32_t item, char *err, size_t err_size)
{
    const batch *b = user;
    const exp_options *o = b->options;
    const int32_t index = o->from + item;
    fleet_hooks hooks = {.stop = o->stop};
    char why[400] = "";
    place here = {b->sc, &b->runs[index]};
    const kept_form form = {store_layout(), put_there, write_run, read_run, &here};

    if (o->hooks_for != NULL) {
        o->hooks_for(o->user, (uint32_t)index, &hooks);
    }
    if (kept_replicate(o->kept, b->sc, o->seed, (uint32_t)index, &hooks, &form, why, sizeof why) != 0) {
        snprintf(err, err_size, "replication %d: %s", (int)index, why);
        return -1;
    }
    return 0;
}

int exp_replicate(const sc_scenario *sc, const exp_options *options, res_run **runs, char *err, size_t err_size)
{
    batch b = {.sc = sc, .options = options, .runs = runs};
    const work_options work = {.jobs = options->jobs};

    const int32_t count = options->replications - options->from;
    memset(runs + options->from, 0, (size_t)count * sizeof(res_run *));
    if (work_each(count, &work, replicate, &b, err, err_size) < 0) {
        return 0;
    }
    bool keep = options->stop != NULL && *options->stop != 0;
    for (int32_t i = options->from; i < options->replications; i++) {
        keep = keep && runs[i] != NULL;
        if (!keep) {
            res_free(runs[i]);
            runs[i] = NULL;
        }
    }
    return -1;
}
