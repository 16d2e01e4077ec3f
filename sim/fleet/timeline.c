/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * timeline.c - a fixed number of bins over the run: at most 288 (five minutes of a day), each a whole number of ticks.
 *
 * Counts fall into the bin of their event (one at the very end of a bin still belongs to it); levels are exact time
 * averages over the bin, from integer areas.
 */
#include "sim/fleet/world.h"

#define BINS_MAX 288

int64_t fl_bin_width(const sc_scenario *sc)
{
    int64_t width = (sc->duration_ns + BINS_MAX - 1) / BINS_MAX;

    return (width + sc->tick_ns - 1) / sc->tick_ns * sc->tick_ns;
}

int32_t fl_bin_later(const fl_world *w, int64_t at_ns)
{
    const res_timeline *t = &w->run->timeline;
    const int64_t bin = at_ns / t->bin_ns;

    return bin < t->bins ? (int32_t)bin : t->bins - 1;
}

void fl_count_nodes(fl_world *w, uint32_t pool)
{
    fl_pool *p = &w->pools[pool];
    res_pool *out = &w->run->pools[pool];

    stat_timew_set(&p->t_up, w->now, p->up + p->notice);
    stat_timew_set(&p->t_ordered, w->now, p->coming);
    if (p->up + p->notice > out->nodes_peak) {
        out->nodes_peak = p->up + p->notice;
    }
}

void fl_count_replicas(fl_world *w, uint32_t service)
{
    fl_service *s = &w->services[service];

    stat_timew_set(&s->t_desired, w->now, s->desired);
    stat_timew_set(&s->t_assigned, w->now, s->assigned_total);
    stat_timew_set(&s->t_ready, w->now, s->ready_total);
    stat_timew_set(&s->t_starting, w->now, s->live_total - s->ready_total);
}

/* Average over the bin that ends now; the next one starts. */
static float average(fl_world *w, stat_timew *t)
{
    float mean = (float)stat_timew_mean(t, w->bin_start_ns, w->now);

    stat_timew_reset(t, w->now);
    return mean;
}

static void bin_close(fl_world *w)
{
    res_timeline *t = &w->run->timeline;
    int64_t egress = w->counting ? fl_egress_cost(w) : 0;
    int64_t images = fl_delivery_cost(w);

    fl_replicas_hear(w);

    for (int32_t i = 0; i < w->sc->service_count; i++) {
        fl_service *s = &w->services[i];
        size_t cell = (size_t)(w->bin * w->sc->service_count + i);

        t->desired[cell] = average(w, &s->t_desired);
        t->assigned[cell] = average(w, &s->t_assigned);
        t->ready[cell] = average(w, &s->t_ready);
        t->starting[cell] = average(w, &s->t_starting);
        t->waiting[cell] = (float)s->waiting;
        for (int32_t p = 0; p < w->sc->pool_count; p++) {
            t->ready_by_pool[cell * (size_t)w->sc->pool_count + (size_t)p] = average(w, &s->t_ready_pool[p]);
        }
    }
    for (int32_t p = 0; p < w->sc->pool_count; p++) {
        size_t cell = (size_t)(w->bin * w->sc->pool_count + p);
        int64_t cost = fl_pool_cost(w, (uint32_t)p);

        t->nodes[cell] = average(w, &w->pools[p].t_up);
        t->nodes_ordered[cell] = average(w, &w->pools[p].t_ordered);
        t->cost_uusd[cell] = cost - w->pools[p].cost_seen_uusd;
        w->pools[p].cost_seen_uusd = cost;
    }
    t->egress_uusd[w->bin] = egress - w->egress_seen_uusd;
    t->images_uusd[w->bin] = images - w->images_seen_uusd;
    w->egress_seen_uusd = egress;
    w->images_seen_uusd = images;
}

void fl_sample_event(fl_world *w)
{
    bin_close(w);
    w->bin_start_ns = w->now;
    if (w->bin + 1 < w->run->timeline.bins) {
        w->bin++;
    }
}

/* Statistics start: what ran up during warm-up is set aside. */
void fl_warmup_event(fl_world *w)
{
    fl_replicas_hear(w);
    for (uint32_t i = 0; i < w->replica_cap; i++) {
        if (w->replicas[i].state != FL_RP_FREE) {
            fl_replica_settle_counters(w, i, true);
        }
    }
    for (int32_t p = 0; p < w->sc->pool_count; p++) {
        stat_timew_reset(&w->pools[p].billed, w->now);
        stat_timew_reset(&w->pools[p].held, w->now);
    }
    fl_delivery_warm(w);
    w->counting = true;
}
