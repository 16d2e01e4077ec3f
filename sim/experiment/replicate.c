/* SPDX-License-Identifier: GPL-3.0-or-later */
/* replicate.c - replications as a work list: results go to the place of their number. */
#include "sim/experiment/experiment.h"

#include <stdio.h>
#include <string.h>

#include "sim/experiment/work.h"

typedef struct batch {
    const sc_scenario *sc;
    const exp_options *options;
    res_run **runs;
} batch;

static int replicate(void *user, int32_t index, char *err, size_t err_size)
{
    const batch *b = user;
    fleet_hooks hooks = {.stop = b->options->stop};
    char why[400] = "";

    if (b->options->hooks_for != NULL) {
        b->options->hooks_for(b->options->user, (uint32_t)index, &hooks);
    }
    b->runs[index] = fleet_run(b->sc, b->options->seed, (uint32_t)index, &hooks, why, sizeof why);
    if (b->runs[index] == NULL) {
        snprintf(err, err_size, "replication %d: %s", (int)index, why);
        return -1;
    }
    return 0;
}

int exp_replicate(const sc_scenario *sc, const exp_options *options, res_run **runs, char *err, size_t err_size)
{
    batch b = {.sc = sc, .options = options, .runs = runs};
    const work_options work = {.jobs = options->jobs};

    memset(runs, 0, (size_t)options->replications * sizeof(res_run *));
    if (work_each(options->replications, &work, replicate, &b, err, err_size) < 0) {
        return 0;
    }
    bool keep = options->stop != NULL && *options->stop != 0;
    for (int32_t i = 0; i < options->replications; i++) {
        keep = keep && runs[i] != NULL;
        if (!keep) {
            res_free(runs[i]);
            runs[i] = NULL;
        }
    }
    return -1;
}
