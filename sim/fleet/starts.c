/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * starts.c - start-up times told apart by what the replica had to wait for.
 *
 * A replica's way begins when it was first asked for (waits.c), and its stages are all of it.
 * A replica that waited for a node to be found or to boot went the cloud's whole way; one placed on a node that was up
 * went the short way of owned machines. Their means have nothing in common, so each kind has its own: a start is of
 * the kind RES_START_NODE_ORDERED if any of its time was inventory, boot or join, else RES_START_NODE_UP. Together the
 * two kinds are exactly the replicas of res_run.lag.
 */
#include "sim/fleet/world.h"

#include <stdlib.h>

typedef struct start_kind {
    int64_t count;
    fl_wide decision_ns;
    fl_wide sum_ns[MDL_STAGES];
    stat_hist *hist[MDL_STAGES];
} start_kind;

struct fl_starts {
    start_kind kinds[RES_STARTS];
};

bool fl_starts_init(fl_world *w)
{
    w->starts = calloc(1, sizeof *w->starts);
    if (w->starts == NULL) {
        return false;
    }
    for (int k = 0; k < RES_STARTS; k++) {
        for (int i = 0; i < MDL_STAGES; i++) {
            w->starts->kinds[k].hist[i] = stat_hist_new(7);
            if (w->starts->kinds[k].hist[i] == NULL) {
                return false;
            }
        }
    }
    return true;
}

void fl_starts_fini(fl_world *w)
{
    for (int k = 0; w->starts != NULL && k < RES_STARTS; k++) {
        for (int i = 0; i < MDL_STAGES; i++) {
            stat_hist_free(w->starts->kinds[k].hist[i]);
        }
    }
    free(w->starts);
    w->starts = NULL;
}

/* Adds the time from `from` to `to` to a link of the chain, bin by bin. */
static void spread(fl_world *w, uint32_t service, int link, int64_t from, int64_t to)
{
    const res_timeline *t = &w->run->timeline;

    from = from > 0 ? from : 0;
    for (int64_t bin = from / t->bin_ns; bin < t->bins && bin * t->bin_ns < to; bin++) {
        int64_t begin = bin * t->bin_ns > from ? bin * t->bin_ns : from;
        int64_t end = (bin + 1) * t->bin_ns < to ? (bin + 1) * t->bin_ns : to;
        size_t row = (size_t)bin * (size_t)w->sc->service_count + service;

        t->chain_s[row * RES_CHAIN + (size_t)link] += end > begin ? (double)(end - begin) / 1e9 : 0;
    }
}

/* The way of a replica that is ready now, told backwards: its own stages after it was bound, its node's before. */
static void spread_chain(fl_world *w, const fl_replica *r)
{
    int64_t at = w->now;

    for (int stage = MDL_STAGES - 1; stage > MDL_STAGE_INVENTORY; stage--) {
        int64_t floor_ns = stage > MDL_STAGE_JOIN ? r->bound_ns : r->asked_ns;
        int64_t begin;

        if (stage == MDL_STAGE_JOIN) {
            at = r->bound_ns;
        }
        begin = at - r->stage_ns[stage] > floor_ns ? at - r->stage_ns[stage] : floor_ns;
        spread(w, r->service, 1 + stage, begin, at);
        at = begin;
    }
    spread(w, r->service, 1 + MDL_STAGE_INVENTORY, r->asked_ns, at);
    spread(w, r->service, 0, r->asked_ns - r->decision_ns, r->asked_ns);
}

void fl_starts_ready(fl_world *w, const fl_replica *r)
{
    bool ordered = r->stage_ns[MDL_STAGE_INVENTORY] + r->stage_ns[MDL_STAGE_BOOT] + r->stage_ns[MDL_STAGE_JOIN] > 0;
    start_kind *kind = &w->starts->kinds[ordered ? RES_START_NODE_ORDERED : RES_START_NODE_UP];

    spread_chain(w, r);
    kind->count++;
    kind->decision_ns += r->decision_ns;
    for (int i = 0; i < MDL_STAGES; i++) {
        kind->sum_ns[i] += r->stage_ns[i];
        stat_hist_add(kind->hist[i], r->stage_ns[i]);
    }
}

void fl_starts_close(fl_world *w)
{
    for (int k = 0; k < RES_STARTS; k++) {
        const start_kind *kind = &w->starts->kinds[k];
        res_lag *lag = &w->run->lag_by_start[k];
        double n = kind->count > 0 ? (double)kind->count : 1;

        lag->count = kind->count;
        lag->decision_s = (double)kind->decision_ns / n / 1e9;
        for (int i = 0; i < MDL_STAGES; i++) {
            lag->mean_s[i] = (double)kind->sum_ns[i] / n / 1e9;
            lag->p90_s[i] = (double)stat_hist_quantile(kind->hist[i], 0.9) / 1e9;
        }
    }
}
