/* SPDX-License-Identifier: GPL-3.0-or-later */
/* past_blind.c - samples of pods that a log should have and does not. See past.h. */
#include "sim/history/past.h"

#include <stdlib.h>

/* A stretch without any sample: from now on, or until now. */
static void blind_note(past *p, past_service *s, int64_t at_ns, bool blind)
{
    past_windows *w = &s->blind;
    const bool open = w->count > 0 && w->at[w->count - 1].end_ns == INT64_MAX;
    if (blind && !open) {
        past_window *grown = past_grow(&p->z, w->at, w->count, &w->room, sizeof *grown);
        if (grown != NULL) {
            w->at = grown;
            w->at[w->count++] = (past_window){at_ns, INT64_MAX};
        }
    } else if (!blind && open) {
        w->at[w->count - 1].end_ns = at_ns;
        w->count -= at_ns - w->at[w->count - 1].begin_ns < PAST_BLIND_TICKS * p->tick_ns ? 1 : 0;
    }
}

void past_blind_tick(past *p, const spw_snapshot *snap, const size_t *service, const size_t *samples, int64_t at_ns)
{
    const spw_pod_rows *pods = &snap->pods;
    size_t *ready = calloc(p->service_count + 1, sizeof *ready);
    if (ready == NULL) {
        p->z.failed = true;
        return;
    }
    for (size_t i = 0; i < pods->count; i++) {
        ready[service[pods->workload[i]]] += pods->ready[i] != 0 && pods->deleting[i] == 0 ? 1 : 0;
    }
    for (size_t s = 0; s < p->service_count; s++) {
        past_service *of = &p->services[s];
        if (samples[s] > 0) {
            of->pods_ready += ready[s];
            of->samples += samples[s];
        }
        if (ready[s] > 0) { /* with nobody ready there is nothing to see */
            blind_note(p, of, at_ns, samples[s] == 0);
        }
    }
    free(ready);
}

double past_lost_share(const past *p)
{
    double wanted = 0.0, had = 0.0;
    for (size_t s = 0; s < p->service_count; s++) {
        const past_service *of = &p->services[s];
        size_t metrics = 0;
        for (size_t m = 0; m < PAST_METRICS; m++) {
            metrics += of->seen[m];
        }
        wanted += (double)of->pods_ready * (double)metrics;
        had += (double)of->samples;
    }
    return wanted > had ? 1.0 - had / wanted : 0.0;
}

void past_blind_end(past_service *s, int64_t end_ns, bool pods_seen)
{
    past_windows *w = &s->blind;
    if (w->count > 0 && w->at[w->count - 1].end_ns == INT64_MAX) {
        w->at[w->count - 1].end_ns = end_ns;
        w->count -= w->at[w->count - 1].begin_ns >= end_ns ? 1 : 0;
    }
    w->count = pods_seen ? w->count : 0;
}
